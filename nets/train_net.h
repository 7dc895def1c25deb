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
/* (n, dim[0]): derivative of the loss by the last backward's input, fp32; NULL where the network was not made
 * by _create_inner. */
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
 *   gradient_block  all chunks' backward */

/* Chunks of a batch of n rows, and one chunk's rows: from *first on, as many as it returns. */
int ami_train_net_chunks(const ami_train_net *net, int n);
int ami_train_net_chunk(const ami_train_net *net, int n, int chunk, int *first);

/* x (n, dim[0]), the whole batch, of which the chunk's rows are read; returns the chunk's outputs (its rows,
 * dim[layers]). x must stay untouched until the gradient has been computed. */
const float *ami_train_net_forward_chunk(ami_train_net *net, const float *x, int n, int chunk);

/* dout (n, dim[layers]), the whole batch, of which the chunk's rows are read. */
void ami_train_net_backward_chunk(ami_train_net *net, const float *dout, int n, int chunk);

/* One of so many parts of the gradient, those with the most work first. x and n: as given to forward_chunk.
 */
int ami_train_net_blocks(const ami_train_net *net);
void ami_train_net_gradient_block(ami_train_net *net, const float *x, int n, int block);

/* As ami_train_net_parameters_changed, for parameters [first, first + count). */
void ami_train_net_range_changed(ami_train_net *net, size_t first, size_t count);

#endif
