/* Inference: packs a net for one kernel and runs it. The only arithmetic of its own is the input's normalisation; layers are the kernel's.
 *
 * Rows go through the network in chunks of at most CHUNK, so that the activations between two layers stay in the core's cache and the
 * workspace is bounded, whatever n. */
#include "nets/mlp.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 96, /* rows; a multiple of 6 and of 8, the kernels' blocks */
    LINE = 64,  /* bytes in a cache line */
    LINE_FLOATS = LINE / sizeof(float)
};

struct amb_mlp {
    const amb_kernel *kernel;
    int layers;
    int dim[AMB_NET_MAX_LAYERS + 1];
    amb_layer layer[AMB_NET_MAX_LAYERS];
    float *weight[AMB_NET_MAX_LAYERS]; /* what layer[l].weight and .bias point to, writable; all in `block` */
    float *bias[AMB_NET_MAX_LAYERS];
    float *mean;     /* (dim[0]) */
    float *inv_std;  /* (dim[0]) 1 / in_std */
    float clip;      /* infinity: no clamp */
    bool normalized; /* whether the net has a normaliser */
    size_t stride;   /* floats from row to row in the workspace */
    float *block;    /* 64-byte aligned */
};

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

amb_mlp *amb_mlp_create(const amb_net *net, const amb_kernel *kernel, amb_error *err)
{
    assert(net->layers >= 1 && net->layers <= AMB_NET_MAX_LAYERS);
    if (!kernel && !(kernel = amb_kernel_choose(err)))
        return NULL;
    amb_mlp *mlp = calloc(1, sizeof *mlp);
    if (!mlp) {
        amb_fail(err, "out of memory for a packed network");
        return NULL;
    }
    mlp->kernel = kernel;
    mlp->layers = net->layers;
    memcpy(mlp->dim, net->dim, sizeof mlp->dim);

    /* One block: mean, inv_std, then the layers' weights and biases in the order a forward pass reads them, each at a cache line's start.
     */
    const size_t inputs = round_up((size_t)net->dim[0], LINE_FLOATS);
    size_t weight_at[AMB_NET_MAX_LAYERS], bias_at[AMB_NET_MAX_LAYERS], size = 2 * inputs, widest = (size_t)net->dim[0];
    for (int l = 0; l < net->layers; l++) {
        weight_at[l] = size;
        size += round_up(amb_kernel_weight_size(kernel, net->dim[l], net->dim[l + 1]), LINE_FLOATS);
        bias_at[l] = size;
        size += round_up(amb_kernel_padded_outputs(kernel, net->dim[l + 1]), LINE_FLOATS);
        if (l + 1 < net->layers && (size_t)net->dim[l + 1] > widest)
            widest = (size_t)net->dim[l + 1];
    }
    mlp->block = size <= SIZE_MAX / sizeof(float) ? aligned_alloc(LINE, size * sizeof(float)) : NULL;
    if (!mlp->block) {
        amb_fail(err, "out of memory for a packed network of %zu parameters", amb_net_parameters(net));
        amb_mlp_destroy(mlp);
        return NULL;
    }
    mlp->mean = mlp->block;
    mlp->inv_std = mlp->block + inputs;
    for (int l = 0; l < net->layers; l++) {
        mlp->weight[l] = mlp->block + weight_at[l];
        mlp->bias[l] = mlp->block + bias_at[l];
        mlp->layer[l] = (amb_layer){
            .inputs = net->dim[l], .outputs = net->dim[l + 1], .act = net->act[l], .weight = mlp->weight[l], .bias = mlp->bias[l]};
    }
    /* One line more than needed: rows 4096 bytes apart would all fall into the same few cache sets. */
    mlp->stride = round_up(widest, LINE_FLOATS) + LINE_FLOATS;
    amb_mlp_repack(mlp, net);
    return mlp;
}

void amb_mlp_destroy(amb_mlp *mlp)
{
    if (!mlp)
        return;
    free(mlp->block);
    free(mlp);
}

void amb_mlp_repack(amb_mlp *mlp, const amb_net *net)
{
    assert(net->layers == mlp->layers);
    assert(memcmp(net->dim, mlp->dim, (size_t)(mlp->layers + 1) * sizeof mlp->dim[0]) == 0);
    for (int l = 0; l < mlp->layers; l++) {
        mlp->layer[l].act = net->act[l];
        amb_kernel_pack(mlp->kernel, net->dim[l], net->dim[l + 1], net->weight[l], net->bias[l], mlp->weight[l], mlp->bias[l]);
    }
    mlp->normalized = net->in_mean != NULL;
    mlp->clip = net->in_clip > 0.0f ? net->in_clip : __builtin_inff();
    if (mlp->normalized) {
        for (int i = 0; i < mlp->dim[0]; i++) {
            mlp->mean[i] = net->in_mean[i];
            mlp->inv_std[i] = 1.0f / net->in_std[i];
        }
    }
}

int amb_mlp_inputs(const amb_mlp *mlp)
{
    return mlp->dim[0];
}

int amb_mlp_outputs(const amb_mlp *mlp)
{
    return mlp->dim[mlp->layers];
}

const char *amb_mlp_kernel_name(const amb_mlp *mlp)
{
    return mlp->kernel->name;
}

size_t amb_mlp_workspace_size(const amb_mlp *mlp, int rows)
{
    const size_t chunk = rows < CHUNK ? (size_t)rows : CHUNK;
    return 2 * chunk * mlp->stride * sizeof(float) + LINE - 1; /* two activations, and what aligning the pointer may cost */
}

/* out = clamp((in - mean) / std); each comparison is false for NaN, so NaN goes through. */
static void normalize(const amb_mlp *mlp, const float *restrict in, float *restrict out)
{
    const float *restrict mean = mlp->mean, *restrict inv_std = mlp->inv_std;
    const float clip = mlp->clip;
    for (int i = 0; i < mlp->dim[0]; i++) {
        float v = (in[i] - mean[i]) * inv_std[i];
        v = v > clip ? clip : v;
        v = v < -clip ? -clip : v;
        out[i] = v;
    }
}

void amb_mlp_forward(const amb_mlp *mlp, void *workspace, const float *in, int n, float *out)
{
    assert(n >= 1);
    const size_t inputs = (size_t)mlp->dim[0], outputs = (size_t)mlp->dim[mlp->layers], stride = mlp->stride;
    const int chunk = n < CHUNK ? n : CHUNK;
    float *const base = (float *)round_up((uintptr_t)workspace, LINE);
    float *const buffer[2] = {base, base + (size_t)chunk * stride};

    for (int done = 0; done < n; done += chunk) {
        const int rows = n - done < chunk ? n - done : chunk;
        const float *x = in + (size_t)done * inputs;
        size_t x_stride = inputs;
        if (mlp->normalized) {
            for (int r = 0; r < rows; r++)
                normalize(mlp, x + (size_t)r * inputs, buffer[0] + (size_t)r * stride);
            x = buffer[0];
            x_stride = stride;
        }
        for (int l = 0; l < mlp->layers; l++) {
            const bool last = l + 1 == mlp->layers;
            float *y = last ? out + (size_t)done * outputs : buffer[(l + 1) % 2];
            const size_t y_stride = last ? outputs : stride;
            mlp->kernel->layer(&mlp->layer[l], x, x_stride, rows, y, y_stride);
            x = y;
            x_stride = y_stride;
        }
    }
}
