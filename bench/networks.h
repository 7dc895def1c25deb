/* The networks that are measured: amble's five, or files named by the user. */
#ifndef AMI_BENCH_NETWORKS_H
#define AMI_BENCH_NETWORKS_H

#include "nets/net.h"

#include <stdint.h>

enum { BENCH_MOST_NETWORKS = 32 };

typedef struct bench_network {
    char name[64];
    char source[256]; /* the file it came from, or "random weights, seed 1" */
    ami_net *net;
} bench_network;

/* Makes the one called `word`: actor, critic, phase, encoder, decoder (the trained network where it lies
 * among amble's models, else random weights of the same shape, and `source` says which), or an ONNX file.
 * False and a sentence on error. */
bool bench_network_make(bench_network *network, const char *word, uint64_t seed, ami_error *err);
void bench_network_free(bench_network *network);

/* The five's names, NULL behind the last. */
extern const char *const bench_network_names[];

/* "197-1024-512-36" */
void bench_network_shape(const ami_net *net, char *text, size_t size);

/* Multiplies and adds of one row's pass, a multiply-add being two; activations and normaliser not counted. */
double bench_network_flops(const ami_net *net);

/* PyTorch's default initialisation of Linear: weights and biases uniform in ±1/√inputs. */
void bench_network_randomise(ami_net *net, uint64_t seed, uint64_t stream);

#endif
