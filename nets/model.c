/* Inference: packs a net for one kernel and runs it. The only arithmetic of its own is the input's normalisation; layers are the kernel's.
 *
 * Rows go through the network in chunks of at most CHUNK, so that the activations between two layers stay in the core's cache and the
 * workspace is bounded, whatever n. */
#include "nets/model.h"

#include "base/rng.h"
#include "nets/onnx.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    CHUNK = 96, /* rows; a multiple of 6 and of 8, the kernels' blocks */
    LINE = 64,  /* bytes in a cache line */
    LINE_FLOATS = LINE / sizeof(float)
};

struct amb_model {
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

amb_model_def amb_model_default_def(void)
{
    return (amb_model_def){.precision = AMB_PRECISION_AUTO, .max_mse = 1e-6, .calibration_rows = 16};
}

amb_model *amb_model_load(const char *path, const amb_model_def *def, amb_error *err)
{
    amb_net *net = amb_onnx_read(path, err);
    if (!net)
        return NULL;
    amb_model *model = amb_model_create(net, def, err);
    amb_net_destroy(net);
    if (!model)
        amb_fail_in(err, "%s", path);
    return model;
}

amb_model *amb_model_create(const amb_net *net, const amb_model_def *given, amb_error *err)
{
    assert(net->layers >= 1 && net->layers <= AMB_NET_MAX_LAYERS);
    const amb_model_def def = given ? *given : amb_model_default_def();
    const amb_kernel *kernel = def.kernel ? def.kernel : amb_kernel_choose(err);
    if (!kernel)
        return NULL;
    amb_model *model = calloc(1, sizeof *model);
    if (!model) {
        amb_fail(err, "out of memory for a packed network");
        return NULL;
    }
    model->kernel = kernel;
    model->layers = net->layers;
    memcpy(model->dim, net->dim, sizeof model->dim);

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
    model->block = size <= SIZE_MAX / sizeof(float) ? aligned_alloc(LINE, size * sizeof(float)) : NULL;
    if (!model->block) {
        amb_fail(err, "out of memory for a packed network of %zu parameters", amb_net_parameters(net));
        amb_model_destroy(model);
        return NULL;
    }
    model->mean = model->block;
    model->inv_std = model->block + inputs;
    for (int l = 0; l < net->layers; l++) {
        model->weight[l] = model->block + weight_at[l];
        model->bias[l] = model->block + bias_at[l];
        model->layer[l] = (amb_layer){
            .inputs = net->dim[l], .outputs = net->dim[l + 1], .act = net->act[l], .weight = model->weight[l], .bias = model->bias[l]};
    }
    /* One line more than needed: rows 4096 bytes apart would all fall into the same few cache sets. */
    model->stride = round_up(widest, LINE_FLOATS) + LINE_FLOATS;
    amb_model_repack(model, net);
    return model;
}

void amb_model_destroy(amb_model *model)
{
    if (!model)
        return;
    free(model->block);
    free(model);
}

void amb_model_repack(amb_model *model, const amb_net *net)
{
    assert(net->layers == model->layers);
    assert(memcmp(net->dim, model->dim, (size_t)(model->layers + 1) * sizeof model->dim[0]) == 0);
    for (int l = 0; l < model->layers; l++) {
        model->layer[l].act = net->act[l];
        amb_kernel_pack(model->kernel, net->dim[l], net->dim[l + 1], net->weight[l], net->bias[l], model->weight[l], model->bias[l]);
    }
    model->normalized = net->in_mean != NULL;
    model->clip = net->in_clip > 0.0f ? net->in_clip : __builtin_inff();
    if (model->normalized) {
        for (int i = 0; i < model->dim[0]; i++) {
            model->mean[i] = net->in_mean[i];
            model->inv_std[i] = 1.0f / net->in_std[i];
        }
    }
}

int amb_model_inputs(const amb_model *model)
{
    return model->dim[0];
}

int amb_model_outputs(const amb_model *model)
{
    return model->dim[model->layers];
}

const char *amb_model_kernel_name(const amb_model *model)
{
    return model->kernel->name;
}

size_t amb_model_workspace_size(const amb_model *model, int rows)
{
    const size_t chunk = rows < CHUNK ? (size_t)rows : CHUNK;
    return 2 * chunk * model->stride * sizeof(float) + LINE - 1; /* two activations, and what aligning the pointer may cost */
}

/* out = clamp((in - mean) / std); each comparison is false for NaN, so NaN goes through. */
static void normalize(const amb_model *model, const float *restrict in, float *restrict out)
{
    const float *restrict mean = model->mean, *restrict inv_std = model->inv_std;
    const float clip = model->clip;
    for (int i = 0; i < model->dim[0]; i++) {
        float v = (in[i] - mean[i]) * inv_std[i];
        v = v > clip ? clip : v;
        v = v < -clip ? -clip : v;
        out[i] = v;
    }
}

void amb_model_run(const amb_model *model, void *workspace, const float *in, int n, float *out)
{
    assert(n >= 1);
    const size_t inputs = (size_t)model->dim[0], outputs = (size_t)model->dim[model->layers], stride = model->stride;
    const int chunk = n < CHUNK ? n : CHUNK;
    float *const base = (float *)round_up((uintptr_t)workspace, LINE);
    float *const buffer[2] = {base, base + (size_t)chunk * stride};

    for (int done = 0; done < n; done += chunk) {
        const int rows = n - done < chunk ? n - done : chunk;
        const float *x = in + (size_t)done * inputs;
        size_t x_stride = inputs;
        if (model->normalized) {
            for (int r = 0; r < rows; r++)
                normalize(model, x + (size_t)r * inputs, buffer[0] + (size_t)r * stride);
            x = buffer[0];
            x_stride = stride;
        }
        for (int l = 0; l < model->layers; l++) {
            const bool last = l + 1 == model->layers;
            float *y = last ? out + (size_t)done * outputs : buffer[(l + 1) % 2];
            const size_t y_stride = last ? outputs : stride;
            model->kernel->layer(&model->layer[l], x, x_stride, rows, y, y_stride);
            x = y;
            x_stride = y_stride;
        }
    }
}

amb_precision amb_model_precision(const amb_model *model)
{
    (void)model;
    return AMB_PRECISION_FP32;
}

void amb_model_get_report(const amb_model *model, amb_model_report *report)
{
    (void)model;
    report->tried = 0;
}

void amb_model_describe(const amb_model *model, char *text, size_t size)
{
    snprintf(text, size, "%s (%s)", amb_precision_name(amb_model_precision(model)), model->kernel->name);
}

size_t amb_model_bytes(const amb_model *model)
{
    size_t n = 0;
    for (int l = 0; l < model->layers; l++)
        n += amb_kernel_weight_size(model->kernel, model->dim[l], model->dim[l + 1]) * sizeof(float);
    return n;
}

/* One block of ROWS rows, transposed: (columns, ROWS), so that rows are what the compiler makes vectors of. */
enum { ROWS = 16 };

static void layer_double(const amb_net *net, int l, const double *x, double *y)
{
    const int inputs = net->dim[l], outputs = net->dim[l + 1];
    for (int j = 0; j < outputs; j++) {
        const float *w = net->weight[l] + (size_t)j * (size_t)inputs;
        double sum[ROWS];
        for (int r = 0; r < ROWS; r++)
            sum[r] = net->bias[l][j];
        for (int k = 0; k < inputs; k++)
            for (int r = 0; r < ROWS; r++)
                sum[r] += (double)w[k] * x[k * ROWS + r];
        for (int r = 0; r < ROWS; r++)
            y[j * ROWS + r] = amb_activation_of(net->act[l], (double)net->act_alpha[l], sum[r]);
    }
}

bool amb_net_run_double(const amb_net *net, const float *in, int n, double *out, amb_error *err)
{
    int widest = net->dim[0];
    for (int l = 1; l <= net->layers; l++)
        widest = net->dim[l] > widest ? net->dim[l] : widest;
    const int inputs = net->dim[0], outputs = net->dim[net->layers];
    double *buffer = malloc(2 * (size_t)widest * ROWS * sizeof *buffer);
    if (!buffer)
        return amb_fail(err, "out of memory for a network in double precision");
    double *x = buffer, *y = buffer + (size_t)widest * ROWS;
    for (int first = 0; first < n; first += ROWS) {
        const int rows = n - first < ROWS ? n - first : ROWS;
        for (int k = 0; k < inputs; k++) {
            for (int r = 0; r < ROWS; r++) {
                double v = in[(size_t)(first + (r < rows ? r : 0)) * (size_t)inputs + (size_t)k];
                if (net->in_mean) {
                    const double clip = net->in_clip > 0 ? (double)net->in_clip : INFINITY;
                    v = (v - (double)net->in_mean[k]) / (double)net->in_std[k];
                    v = v > clip ? clip : v < -clip ? -clip : v; /* NaN stays NaN */
                }
                x[k * ROWS + r] = v;
            }
        }
        for (int l = 0; l < net->layers; l++) {
            layer_double(net, l, x, y);
            double *const swap = x;
            x = y;
            y = swap;
        }
        for (int r = 0; r < rows; r++)
            for (int j = 0; j < outputs; j++)
                out[(size_t)(first + r) * (size_t)outputs + (size_t)j] = x[j * ROWS + r];
    }
    free(buffer);
    return true;
}

void amb_net_calibration_inputs(const amb_net *net, uint64_t seed, int n, float *in)
{
    amb_rng rng = amb_rng_seed(seed, 0);
    const int inputs = net->dim[0];
    for (int i = 0; i < n; i++)
        for (int k = 0; k < inputs; k++) {
            double v = amb_rng_normal(&rng);
            if (net->in_mean)
                v = (double)net->in_mean[k] + (double)net->in_std[k] * v;
            in[(size_t)i * (size_t)inputs + (size_t)k] = (float)v;
        }
}
