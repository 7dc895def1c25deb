/* The measured networks: amble's five, or the user's files. */
#ifndef AMI_BENCH_NETWORKS_H
#define AMI_BENCH_NETWORKS_H

#include "nets/net.h"

#include <stdint.h>

enum { BENCH_MAX_NETWORKS = 32 };

typedef struct bench_network {
    char name[64];
    char source[256]; /* its file, or "random weights, seed 1" */
    ami_net *net;
} bench_network;

/* Loads the network `word`: actor, critic, phase, encoder, decoder (the trained one if it is among amble's
 * models, else random weights of the same shape; see `source`), or an ONNX file. False and a sentence on
 * error. */
bool bench_network_make(bench_network *network, const char *word, uint64_t seed, ami_error *err);
void bench_network_free(bench_network *network);

/* The names of the five, NULL after the last. */
extern const char *const bench_network_names[];

/* "197-1024-512-36" */
void bench_network_shape(const ami_net *net, char *text, size_t size);

/* Multiplications and additions for one row (a multiply-add is two), without activations and normaliser. */
double bench_network_flops(const ami_net *net);

/* PyTorch's default initialisation of Linear: weights and biases uniform in ±1/√inputs. */
void bench_network_randomise(ami_net *net, uint64_t seed, uint64_t stream);

#endif
