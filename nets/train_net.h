/* A multilayer perceptron in training: batched forward and backward passes on oneDNN, with all parameters in
 * one block.
 *
 * Hidden layers ReLU, last layer linear. Functions marked TEAM are called by every thread of an OpenMP
 * parallel region (they hold orphaned work-sharing constructs and barriers) or, just as well, outside one by
 * a single thread. Work is cut into chunks that depend on the shapes only and every sum has a fixed order, so
 * results are the same, bit for bit, for any number of threads. No allocation after create, apart from small
 * ones that oneDNN makes inside a product. One team at a time uses a network. */
#ifndef AMI_NETS_TRAIN_NET_H
#define AMI_NETS_TRAIN_NET_H

#include "base/error.h"
#include "base/rng.h"

#include <stddef.h>
#include <stdint.h>

typedef struct ami_train_net ami_train_net;

/* BF16: matrix products take bf16 copies of activations, weights and output gradients and sum in fp32;
 * parameters, gradients, biases and Adam stay fp32. */
typedef enum ami_train_precision { AMI_TRAIN_FP32 = 0, AMI_TRAIN_BF16 = 1 } ami_train_precision;

/* True where the CPU multiplies bf16 matrices natively (avx512_bf16 or AMX), that is where BF16 is faster and
 * not merely emulated. */
bool ami_train_bf16_native(void);

/* `dim` has layers + 1 entries; max_rows is the largest batch. Parameters are zero. NULL and a sentence on
 * error: a dimension out of range, memory, or BF16 where oneDNN has no bf16 products for this CPU. */
ami_train_net *ami_train_net_create(int layers, const int *dim, int max_rows, ami_train_precision precision,
                                    ami_error *err);

/* The same for a network whose input another network computes: its backward also finds the derivative by the
 * input. */
ami_train_net *ami_train_net_create_inner(int layers, const int *dim, int max_rows,
                                          ami_train_precision precision, ami_error *err);
void ami_train_net_destroy(ami_train_net *net); /* NULL is fine */

/* Weights uniform in ±sqrt(6 / (in + out)) (Glorot & Bengio 2010), biases zero, the last layer's weights
 * multiplied by last_scale. Calls ami_train_net_parameters_changed itself. Not TEAM: to be called outside a
 * parallel region. */
void ami_train_net_init(ami_train_net *net, ami_rng *rng, float last_scale);

size_t ami_train_net_size(const ami_train_net *net);           /* number of parameters */
float *ami_train_net_parameters(ami_train_net *net);           /* (size): weight_0 (dim1, dim0) row-major,
                                                                  bias_0, weight_1, … */
const float *ami_train_net_gradient(const ami_train_net *net); /* (size), same layout; overwritten by each
                                                                  backward */
/* (n, dim[0]): derivative of the loss by the last backward's input, fp32; chunk c's begins at row c · chunk_rows. NULL
 * where the network was not made by _create_inner. */
const float *ami_train_net_input_gradient(const ami_train_net *net);

/* True and a sentence if oneDNN has failed in a forward or backward since the network was created (memory).
 * From there on every output and every gradient holds NaN, so that Adam skips its step (nets/adam.h). */
bool ami_train_net_failed(const ami_train_net *net, ami_error *err);

/* TEAM. To be called after parameters were written (and a barrier, if by several threads), before the next
 * forward: refreshes bf16 copies.
 */
void ami_train_net_parameters_changed(ami_train_net *net);

/* TEAM. x (n, dim[0]), 1 ≤ n ≤ max_rows; returns the output (n, dim[layers]), valid until the next forward.
 * Ends with a barrier. Keeps the activations for backward; x must stay untouched until then. */
const float *ami_train_net_forward(ami_train_net *net, const float *x, int n);

/* TEAM. dout (n, dim[layers]): derivative of the (summed) loss by the last forward's outputs, same n.
 * Overwrites the gradient. Ends with a barrier. */
void ami_train_net_backward(ami_train_net *net, const float *dout, int n);

/* ---- The same passes in pieces ----
 *
 * For a caller that shares out the work of several networks and of its loss at once, with fewer barriers. A
 * piece is done by one thread, any thread; pieces of one kind are independent of each other. Between kinds
 * each needs what is listed:
 *   forward_chunk   parameters that are up to date (range_changed)
 *   backward_chunk  the same chunk's forward
 *   gradient_block  every chunk's forward, and the backward of those that have rows
 *
 * A batch consists of shards: parts of up to max_rows rows, in chunks of chunk_rows rows (the last of a shard
 * may have fewer, or none). A network has shards · shard_chunks chunks; those of a shard are consecutive. A
 * shard's gradient is summed over its chunks in order, and shards are added in a fixed binary tree
 * (ami_shard_middle), so that processes that each hold some of the shards compute the same bits as one. */

/* As ami_train_net_create, for batches of so many shards. */
ami_train_net *ami_train_net_create_shards(int layers, const int *dim, int shards, int max_rows,
                                           ami_train_precision precision, ami_error *err);

/* As ami_train_net_create_inner. */
ami_train_net *ami_train_net_create_inner_shards(int layers, const int *dim, int shards, int max_rows,
                                                 ami_train_precision precision, ami_error *err);

int ami_train_net_chunk_rows(const ami_train_net *net);
int ami_train_net_shard_chunks(const ami_train_net *net);
int ami_train_net_chunks(const ami_train_net *net); /* of all shards */

/* x (n, dim[0]), the chunk's rows, 0 ≤ n ≤ chunk_rows; returns their outputs (n, dim[layers]). x must stay
 * untouched until the gradient has been computed. */
const float *ami_train_net_forward_chunk(ami_train_net *net, const float *x, int n, int chunk);

/* dout (n, dim[layers]), as many rows as the chunk's forward had. */
void ami_train_net_backward_chunk(ami_train_net *net, const float *dout, int chunk);

/* One of so many parts of the gradient, those with the most work first: the sum over the shards [first, end),
 * first < end, is written to its place in gradient (size), usually ami_train_net_sum. */
int ami_train_net_blocks(const ami_train_net *net);
void ami_train_net_gradient_block(ami_train_net *net, int first, int end, int block, float *gradient);

/* From now on gradient_block rounds every shard's gradient and every sum of two shards or subtrees to bf16 (nearest, ties to
 * even), so that a subtree's sum can be sent in half the bytes without loss, by any number of processes. */
void ami_train_net_round_gradients(ami_train_net *net);

/* What ami_train_net_gradient shows. */
float *ami_train_net_sum(ami_train_net *net);

/* The tree of sums over the shards [first, end): the left subtree's end; it has the largest power of two of
 * shards that leaves one for the right. */
static inline int ami_shard_middle(int first, int end)
{
    int left = 1;
    while (2 * left < end - first)
        left *= 2;
    return first + left;
}

/* to[i] += from[i] for i < n: the tree's addition, in every process. */
void ami_shard_add(float *restrict to, const float *restrict from, size_t n);

/* The same with sums rounded to bf16. */
void ami_shard_add_rounded(float *restrict to, const float *restrict from, size_t n);

/* (n) floats to bf16 and back (nets/half.h). */
void ami_shard_pack(const float *restrict from, size_t n, uint16_t *restrict to);
void ami_shard_unpack(const uint16_t *restrict from, size_t n, float *restrict to);

/* As ami_train_net_parameters_changed, for parameters [first, first + count). */
void ami_train_net_range_changed(ami_train_net *net, size_t first, size_t count);

#endif
