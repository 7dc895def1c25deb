/* Inference: a network packed for one kernel, and its forward pass. fp32. No allocation, no thread and no lock in a forward pass.
 *
 * The packed network is const and shared by threads; each thread brings a workspace of its own. A row's result depends on that row alone,
 * bit for bit: not on the batch it came in, nor its place there. (Results do differ in the last bits between kernels.) */
#ifndef AMB_NETS_MLP_H
#define AMB_NETS_MLP_H

#include "nets/kernels.h"
#include "nets/net.h"

typedef struct amb_mlp amb_mlp;

/* Packs a copy of the net (normaliser included). `kernel` NULL: the best this CPU has (amb_kernel_best, which the environment variable
 * AMB_KERNEL overrides by name). NULL and a sentence on error. */
amb_mlp *amb_mlp_create(const amb_net *net, const amb_kernel *kernel, amb_error *err);
void amb_mlp_destroy(amb_mlp *mlp); /* NULL is fine */

/* Takes new weights, biases and normaliser from a net of the same dimensions (asserted) without allocating: training repacks every
 * iteration. */
void amb_mlp_repack(amb_mlp *mlp, const amb_net *net);

int amb_mlp_inputs(const amb_mlp *mlp);
int amb_mlp_outputs(const amb_mlp *mlp);
const char *amb_mlp_kernel_name(const amb_mlp *mlp);

/* Bytes of workspace for up to `rows` rows at once (any alignment of the pointer will do). */
size_t amb_mlp_workspace_size(const amb_mlp *mlp, int rows);

/* in (n, inputs) → out (n, outputs), row-major, any alignment, not overlapping. n ≥ 1, the workspace made for ≥ n rows. */
void amb_mlp_forward(const amb_mlp *mlp, void *workspace, const float *in, int n, float *out);

#endif
