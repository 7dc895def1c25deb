/* Training passes of a multilayer perceptron. Rows are cut into chunks of ROWS: the forward pass and the
 * backward pass through the activations take a chunk through all layers while it is hot; a weight gradient is
 * cut into blocks of UNITS output units, each summed by one thread: over a shard's chunks in order, over shards
 * in a fixed tree. A partial chunk is padded with zero rows, whose output gradient is zero. It holds no
 * optimiser and no loss. */
#include "nets/train_net.h"

#include "nets/gemm.h"
#include "nets/half.h"
#include "nets/kernels/vector.h"
#include "nets/net.h"

#include <assert.h>
#include <math.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_max_threads(void)
{
    return 1;
}
#endif

enum { ROWS = 128, UNITS = 64, RANGE = 4096, ALIGNMENT = 64, MAX_ROWS = 1 << 24 };

typedef struct train_layer {
    int in, out;
    size_t weight, bias;            /* offsets into parameters and gradient */
    uint16_t *weight_bf16;          /* (out, in) copy; NULL in fp32 */
    void *h;                        /* (padded_rows, out) activation; the last layer's always fp32 */
    void *d;                        /* (padded_rows, out) derivative of the loss by what went into the
                                       activation */
    const ami_gemm *forward, *data; /* for a chunk; the first layer has `data` only where the input's gradient
                                       is requested */
    const ami_gemm *gradient[2][2]; /* [the last block of units, where it has another size][accumulate] */
} train_layer;

typedef struct unit_block { /* of a weight's gradient */
    int layer, first, units;
} unit_block;

typedef struct chunk_input { /* of its last forward */
    const float *x;
    int rows;
} chunk_input;

struct ami_train_net {
    int layers, max_rows; /* max_rows: of a shard */
    int rows;             /* in a chunk */
    int shards, shard_chunks;
    chunk_input *chunk; /* (shards · shard_chunks) */
    ami_train_precision precision;
    bool rounded;   /* gradients and their sums, to bf16 */
    size_t element; /* bytes of an activation */
    size_t size;
    ami_gemm_context *context;
    int blocks;
    unit_block *block; /* (blocks) costly ones first */
    train_layer layer[AMI_NET_MAX_LAYERS];

    float *parameters, *gradient; /* (size) */
    void *x_copy;                 /* (padded_rows, dim[0]); in fp32 for partial chunks */
    float *dx;                    /* (padded_rows, dim[0]) or NULL */
    int n;                        /* of the last whole forward */

    /* Sums of right subtrees, while a thread computes a block; `depths` of them one behind another: */
    int stacks, depths;
    size_t stack_floats; /* for one subtree */
    float *stack;        /* (stacks, depths, stack_floats) */
    atomic_flag *taken;  /* (stacks) */
};

/* ---- Loops ---- */

AMI_VECTOR_CLONES static void bf16_from_floats(const float *restrict in, size_t n, uint16_t *restrict out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = ami_float_to_bfloat(in[i]);
}

AMI_VECTOR_CLONES static void relu_backward_f32(const float *restrict h, size_t n, float *restrict d)
{
    for (size_t i = 0; i < n; i++)
        d[i] = h[i] > 0 ? d[i] : 0;
}

AMI_VECTOR_CLONES static void relu_backward_bf16(const uint16_t *restrict h, size_t n, uint16_t *restrict d)
{
    for (size_t i = 0; i < n; i++)
        d[i] &= (uint16_t) - ((int16_t)h[i] > 0); /* a bf16 and its bits read as an integer have the same
                                                     sign */
}

/* sum[j] += d[0][j] + d[1][j] + … for j < columns ≤ UNITS + 1. The sum of this call's rows is formed first.
 */
AMI_VECTOR_CLONES static void add_columns_f32(const float *restrict d, int rows, size_t stride, int columns,
                                              float *restrict sum)
{
    float part[UNITS + 1] = {0};
    for (int i = 0; i < rows; i++, d += stride) {
        for (int j = 0; j < columns; j++)
            part[j] += d[j];
    }
    for (int j = 0; j < columns; j++)
        sum[j] += part[j];
}

AMI_VECTOR_CLONES static void add_columns_bf16(const uint16_t *restrict d, int rows, size_t stride,
                                               int columns, float *restrict sum)
{
    float part[UNITS + 1] = {0};
    for (int i = 0; i < rows; i++, d += stride) {
        for (int j = 0; j < columns; j++) {
            const uint32_t bits = (uint32_t)d[j] << 16;
            float value;
            memcpy(&value, &bits, sizeof value);
            part[j] += value;
        }
    }
    for (int j = 0; j < columns; j++)
        sum[j] += part[j];
}

AMI_VECTOR_CLONES static void add(float *restrict to, const float *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] += from[i];
}

AMI_VECTOR_CLONES static void add_rounded(float *restrict to, const float *restrict from, size_t n)
{
    for (size_t i = 0; i < n; i++)
        to[i] = ami_bfloat_to_float(ami_float_to_bfloat(to[i] + from[i]));
}

AMI_VECTOR_CLONES static void round_to_bf16(float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        x[i] = ami_bfloat_to_float(ami_float_to_bfloat(x[i]));
}

AMI_VECTOR_CLONES static void floats_from_bf16(const uint16_t *restrict in, size_t n, float *restrict out)
{
    for (size_t i = 0; i < n; i++)
        out[i] = ami_bfloat_to_float(in[i]);
}

/* Not cloned themselves: clang 14 gives clones of a function that other files call no name that they find. */
void ami_shard_add(float *restrict to, const float *restrict from, size_t n)
{
    add(to, from, n);
}

void ami_shard_add_rounded(float *restrict to, const float *restrict from, size_t n)
{
    add_rounded(to, from, n);
}

void ami_shard_pack(const float *restrict from, size_t n, uint16_t *restrict to)
{
    bf16_from_floats(from, n, to);
}

void ami_shard_unpack(const uint16_t *restrict from, size_t n, float *restrict to)
{
    floats_from_bf16(from, n, to);
}

/* ---- Creation ---- */

bool ami_train_bf16_native(void)
{
    return ami_gemm_bf16_native();
}

static void *allocate(size_t count, size_t element)
{
    const size_t bytes = (count * element + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    void *p = count < SIZE_MAX / element / 2 ? aligned_alloc(ALIGNMENT, bytes) : NULL;
    if (p)
        memset(p, 0, bytes);
    return p;
}

/* One stack for each thread of the team as it is now. */
static bool allocate_stacks(ami_train_net *net)
{
    size_t widest = 0;
    for (int l = 0; l < net->layers; l++) {
        const size_t out = (size_t)net->layer[l].out, units = out < UNITS + 1 ? out : UNITS + 1,
                     floats = units * ((size_t)net->layer[l].in + 1);
        widest = floats > widest ? floats : widest;
    }
    while (1 << net->depths < net->shards)
        net->depths++;
    if (net->depths == 0)
        return true;
    net->stacks = omp_get_max_threads();
    net->stack_floats = (widest + 15) / 16 * 16;
    net->stack = allocate((size_t)net->stacks * (size_t)net->depths * net->stack_floats, sizeof(float));
    net->taken = malloc((size_t)net->stacks * sizeof *net->taken);
    for (int i = 0; net->taken && i < net->stacks; i++)
        atomic_flag_clear(&net->taken[i]);
    return net->stack && net->taken;
}

static bool allocate_buffers(ami_train_net *net, bool input_gradient, ami_error *err)
{
    const size_t chunks = (size_t)ami_train_net_chunks(net), padded = chunks * (size_t)net->rows;
    const bool bf16 = net->precision == AMI_TRAIN_BF16;
    net->parameters = allocate(net->size, sizeof(float));
    net->gradient = allocate(net->size, sizeof(float));
    net->x_copy = allocate(padded * (size_t)net->layer[0].in, net->element);
    net->chunk = calloc(chunks, sizeof *net->chunk);
    if (input_gradient)
        net->dx = allocate(padded * (size_t)net->layer[0].in, sizeof(float));
    bool ok = net->parameters && net->gradient && net->x_copy && net->chunk && (net->dx || !input_gradient) &&
              allocate_stacks(net);
    for (int l = 0; l < net->layers && ok; l++) {
        train_layer *layer = &net->layer[l];
        const size_t out = (size_t)layer->out;
        layer->h = allocate(padded * out, l == net->layers - 1 ? sizeof(float) : net->element);
        layer->d = allocate(padded * out, net->element);
        if (bf16)
            layer->weight_bf16 = allocate(out * (size_t)layer->in, sizeof(uint16_t));
        ok = layer->h && layer->d && (!bf16 || layer->weight_bf16);
    }
    return ok || ami_fail(err, "out of memory for training a network of %zu parameters on batches of %d rows",
                          net->size, net->shards * net->max_rows);
}

/* Units in the last block of a layer: the remainder of UNITS, but never a single one beside others: oneDNN
 * 3.7's product of one transposed column out of several is wrong on AVX-512 (it reads the column as if it
 * stood alone). */
static int last_block(int out)
{
    const int rest = out % UNITS;
    return rest == 0 ? UNITS : rest == 1 && out > 1 ? UNITS + 1 : rest;
}

static bool create_products(ami_train_net *net, ami_error *err)
{
    const ami_gemm_type type = net->precision == AMI_TRAIN_BF16 ? AMI_GEMM_BF16 : AMI_GEMM_F32;
    net->context = ami_gemm_context_create(err);
    if (!net->context)
        return false;
    for (int l = 0; l < net->layers; l++) {
        train_layer *layer = &net->layer[l];
        const int in = layer->in, out = layer->out;
        const bool last = l == net->layers - 1;
        const ami_gemm_def forward = {.m = net->rows,
                                      .n = out,
                                      .k = in,
                                      .transpose_b = true,
                                      .lda = in,
                                      .ldb = in,
                                      .ldc = out,
                                      .in = type,
                                      .out = last ? AMI_GEMM_F32 : type,
                                      .bias = true,
                                      .relu = !last};
        layer->forward = ami_gemm_create(net->context, &forward, err);
        if (!layer->forward)
            return false;
        if (l > 0 || net->dx) {
            const ami_gemm_type below = l > 0 ? type : AMI_GEMM_F32;
            const ami_gemm_def data = {.m = net->rows,
                                       .n = in,
                                       .k = out,
                                       .lda = out,
                                       .ldb = in,
                                       .ldc = in,
                                       .in = type,
                                       .out = below};
            layer->data = ami_gemm_create(net->context, &data, err);
            if (!layer->data)
                return false;
        }
        for (int other = 0; other < 2; other++) {
            const int units = other ? last_block(out) : UNITS;
            if (units > out)
                continue;
            for (int accumulate = 0; accumulate < 2; accumulate++) {
                const ami_gemm_def gradient = {.m = units,
                                               .n = in,
                                               .k = net->rows,
                                               .transpose_a = true,
                                               .lda = out,
                                               .ldb = in,
                                               .ldc = in,
                                               .in = type,
                                               .out = AMI_GEMM_F32,
                                               .accumulate = accumulate};
                layer->gradient[other][accumulate] = ami_gemm_create(net->context, &gradient, err);
                if (!layer->gradient[other][accumulate])
                    return false;
            }
        }
    }
    return ami_gemm_context_ready(net->context, err);
}

/* Lists the blocks of all layers, those with the most work first, so that threads finish together. */
static bool list_blocks(ami_train_net *net, ami_error *err)
{
    for (int l = 0; l < net->layers; l++)
        net->blocks += (net->layer[l].out - last_block(net->layer[l].out)) / UNITS + 1;
    net->block = calloc((size_t)net->blocks, sizeof *net->block);
    if (!net->block)
        return ami_fail(err, "out of memory for training a network of %zu parameters", net->size);
    int count = 0;
    for (int l = 0; l < net->layers; l++) {
        const int out = net->layer[l].out, last = last_block(out);
        for (int first = 0; first < out; first += UNITS) {
            if (first > out - last)
                break; /* the last block has taken one unit more */
            const unit_block new_block = {
                .layer = l, .first = first, .units = first == out - last ? last : UNITS};
            const int64_t work = (int64_t)new_block.units * net->layer[l].in;
            int i = count++;
            for (; i > 0 && (int64_t)net->block[i - 1].units * net->layer[net->block[i - 1].layer].in < work;
                 i--)
                net->block[i] = net->block[i - 1];
            net->block[i] = new_block;
        }
    }
    return true;
}

static ami_train_net *create(int layers, const int *dim, int shards, int max_rows,
                             ami_train_precision precision, bool input_gradient, ami_error *err)
{
    if (layers < 1 || layers > AMI_NET_MAX_LAYERS) {
        ami_fail(err, "a network to train has %d layers, expected 1 to %d", layers, AMI_NET_MAX_LAYERS);
        return NULL;
    }
    for (int l = 0; l <= layers; l++) {
        if (dim[l] < 1 || dim[l] > AMI_NET_MAX_DIM) {
            ami_fail(err, "a network to train has dimension %d at place %d, expected 1 to %d", dim[l], l,
                     AMI_NET_MAX_DIM);
            return NULL;
        }
    }
    assert(shards >= 1);
    if (max_rows < 1 || max_rows > MAX_ROWS / shards) {
        ami_fail(err, "a batch of %lld rows to train on, expected 1 to %d", (long long)max_rows * shards,
                 MAX_ROWS);
        return NULL;
    }
    ami_train_net *net = calloc(1, sizeof *net);
    if (!net) {
        ami_fail(err, "out of memory for a network to train");
        return NULL;
    }
    net->layers = layers;
    net->max_rows = max_rows;
    net->rows = max_rows < ROWS ? max_rows : ROWS;
    net->shards = shards;
    net->shard_chunks = (max_rows + net->rows - 1) / net->rows;
    net->precision = precision;
    net->element = precision == AMI_TRAIN_BF16 ? sizeof(uint16_t) : sizeof(float);
    for (int l = 0; l < layers; l++) {
        train_layer *layer = &net->layer[l];
        layer->in = dim[l];
        layer->out = dim[l + 1];
        layer->weight = net->size;
        layer->bias = layer->weight + (size_t)layer->in * (size_t)layer->out;
        net->size = layer->bias + (size_t)layer->out;
    }
    if (!allocate_buffers(net, input_gradient, err) || !list_blocks(net, err) || !create_products(net, err)) {
        ami_train_net_destroy(net);
        return NULL;
    }
    return net;
}

ami_train_net *ami_train_net_create(int layers, const int *dim, int max_rows, ami_train_precision precision,
                                    ami_error *err)
{
    return create(layers, dim, 1, max_rows, precision, false, err);
}

ami_train_net *ami_train_net_create_shards(int layers, const int *dim, int shards, int max_rows,
                                           ami_train_precision precision, ami_error *err)
{
    return create(layers, dim, shards, max_rows, precision, false, err);
}

ami_train_net *ami_train_net_create_inner(int layers, const int *dim, int max_rows,
                                          ami_train_precision precision, ami_error *err)
{
    return create(layers, dim, 1, max_rows, precision, true, err);
}

ami_train_net *ami_train_net_create_inner_shards(int layers, const int *dim, int shards, int max_rows,
                                                 ami_train_precision precision, ami_error *err)
{
    return create(layers, dim, shards, max_rows, precision, true, err);
}

void ami_train_net_destroy(ami_train_net *net)
{
    if (!net)
        return;
    ami_gemm_context_destroy(net->context);
    for (int l = 0; l < net->layers; l++) {
        free(net->layer[l].weight_bf16);
        free(net->layer[l].h);
        free(net->layer[l].d);
    }
    free(net->block);
    free(net->parameters);
    free(net->gradient);
    free(net->x_copy);
    free(net->dx);
    free(net->chunk);
    free(net->stack);
    free(net->taken);
    free(net);
}

void ami_train_net_init(ami_train_net *net, ami_rng *rng, float last_scale)
{
    for (int l = 0; l < net->layers; l++) {
        const train_layer *layer = &net->layer[l];
        const double limit =
            sqrt(6.0 / (layer->in + layer->out)) * (l == net->layers - 1 ? (double)last_scale : 1);
        for (size_t i = layer->weight; i < layer->bias; i++)
            net->parameters[i] = (float)(limit * (2 * ami_rng_uniform(rng) - 1));
        memset(net->parameters + layer->bias, 0, (size_t)layer->out * sizeof(float));
    }
    ami_train_net_parameters_changed(net);
}

size_t ami_train_net_size(const ami_train_net *net)
{
    return net->size;
}

float *ami_train_net_parameters(ami_train_net *net)
{
    return net->parameters;
}

const float *ami_train_net_gradient(const ami_train_net *net)
{
    return net->gradient;
}

const float *ami_train_net_input_gradient(const ami_train_net *net)
{
    return net->dx;
}

bool ami_train_net_failed(const ami_train_net *net, ami_error *err)
{
    return ami_gemm_context_failed(net->context, err);
}

/* ---- Passes ---- */

void ami_train_net_range_changed(ami_train_net *net, size_t first, size_t count)
{
    if (net->precision != AMI_TRAIN_BF16)
        return;
    const size_t end = first + count;
    for (int l = 0; l < net->layers; l++) {
        const train_layer *layer = &net->layer[l];
        const size_t from = first > layer->weight ? first : layer->weight,
                     to = end < layer->bias ? end : layer->bias;
        if (from < to)
            bf16_from_floats(net->parameters + from, to - from, layer->weight_bf16 + (from - layer->weight));
    }
}

void ami_train_net_parameters_changed(ami_train_net *net)
{
    if (net->precision != AMI_TRAIN_BF16)
        return;
#pragma omp for schedule(dynamic, 8)
    for (size_t first = 0; first < net->size; first += RANGE)
        ami_train_net_range_changed(net, first, net->size - first < RANGE ? net->size - first : RANGE);
}

static const void *weights(const ami_train_net *net, int l)
{
    const train_layer *layer = &net->layer[l];
    return layer->weight_bf16 ? (const void *)layer->weight_bf16
                              : (const void *)(net->parameters + layer->weight);
}

int ami_train_net_chunk_rows(const ami_train_net *net)
{
    return net->rows;
}

int ami_train_net_shard_chunks(const ami_train_net *net)
{
    return net->shard_chunks;
}

int ami_train_net_chunks(const ami_train_net *net)
{
    return net->shards * net->shard_chunks;
}

void ami_train_net_round_gradients(ami_train_net *net)
{
    net->rounded = true;
}

float *ami_train_net_sum(ami_train_net *net)
{
    return net->gradient;
}

static void *chunk_of(const ami_train_net *net, void *buffer, int width, size_t element, int chunk)
{
    return (char *)buffer + (size_t)chunk * (size_t)net->rows * (size_t)width * element;
}

/* Copies the batch's rows of a chunk in the products' type and puts zero rows behind them. */
static void copy_chunk(const ami_train_net *net, const float *in, int width, int rows, void *out)
{
    const size_t used = (size_t)rows * (size_t)width, all = (size_t)net->rows * (size_t)width;
    if (net->precision == AMI_TRAIN_BF16)
        bf16_from_floats(in, used, out);
    else
        memcpy(out, in, used * sizeof(float));
    memset((char *)out + used * net->element, 0, (all - used) * net->element);
}

/* The network's input for a chunk: the caller's own rows where fp32 fills the chunk, a copy elsewhere. */
static const void *input_chunk(const ami_train_net *net, int chunk)
{
    return net->precision == AMI_TRAIN_FP32 && net->chunk[chunk].rows == net->rows
               ? (const void *)net->chunk[chunk].x
               : chunk_of(net, net->x_copy, net->layer[0].in, net->element, chunk);
}

/* Once a product has failed, every result holds NaN: of the NaN that the product left, ReLU can have made 0.
 */
static void mark_failure(const ami_train_net *net, float *result)
{
    if (ami_gemm_context_failed(net->context, NULL))
        result[0] = NAN;
}

const float *ami_train_net_forward_chunk(ami_train_net *net, const float *x, int n, int chunk)
{
    assert(n >= 0 && n <= net->rows && chunk >= 0 && chunk < ami_train_net_chunks(net));
    net->chunk[chunk].x = x;
    net->chunk[chunk].rows = n;
    const void *in = input_chunk(net, chunk);
    void *out = NULL;
    if (n == 0)
        return chunk_of(net, net->layer[net->layers - 1].h, net->layer[net->layers - 1].out, sizeof(float),
                        chunk);
    if (in != x)
        copy_chunk(net, x, net->layer[0].in, n, (void *)(uintptr_t)in);
    const int saved = ami_gemm_begin();
    for (int l = 0; l < net->layers; l++) {
        const train_layer *layer = &net->layer[l];
        out = chunk_of(net, layer->h, layer->out, l == net->layers - 1 ? sizeof(float) : net->element, chunk);
        ami_gemm_run(layer->forward, in, weights(net, l), net->parameters + layer->bias, out);
        in = out;
    }
    ami_gemm_end(saved);
    mark_failure(net, out);
    return out;
}

const float *ami_train_net_forward(ami_train_net *net, const float *x, int n)
{
    assert(net->shards == 1 && n >= 1 && n <= net->max_rows);
#pragma omp single nowait /* the loop's barrier is behind it */
    net->n = n;
#pragma omp for schedule(dynamic, 1)
    for (int chunk = 0; chunk < net->shard_chunks; chunk++) {
        const int first = chunk * net->rows, left = n - first, rows = left < net->rows ? left : net->rows;
        ami_train_net_forward_chunk(net, x + (size_t)first * (size_t)net->layer[0].in, rows > 0 ? rows : 0,
                                    chunk);
    }
    return net->layer[net->layers - 1].h;
}

/* From the output's derivative to every layer's `d`, and to the input's where that is requested. */
void ami_train_net_backward_chunk(ami_train_net *net, const float *dout, int chunk)
{
    const int outputs = net->layer[net->layers - 1].out, rows = net->chunk[chunk].rows;
    void *d = chunk_of(net, net->layer[net->layers - 1].d, outputs, net->element, chunk);
    if (rows == 0)
        return;
    copy_chunk(net, dout, outputs, rows, d);
    const int saved = ami_gemm_begin();
    for (int l = net->layers - 1; l > 0; l--) {
        const int width = net->layer[l].in;
        const size_t count = (size_t)net->rows * (size_t)width;
        const void *h = chunk_of(net, net->layer[l - 1].h, width, net->element, chunk);
        void *below = chunk_of(net, net->layer[l - 1].d, width, net->element, chunk);
        ami_gemm_run(net->layer[l].data, d, weights(net, l), NULL, below);
        if (net->precision == AMI_TRAIN_BF16)
            relu_backward_bf16(h, count, below);
        else
            relu_backward_f32(h, count, below);
        d = below;
    }
    if (net->dx) {
        float *dx = chunk_of(net, net->dx, net->layer[0].in, sizeof(float), chunk);
        ami_gemm_run(net->layer[0].data, d, weights(net, 0), NULL, dx);
        mark_failure(net, dx);
    }
    ami_gemm_end(saved);
}

int ami_train_net_blocks(const ami_train_net *net)
{
    return net->blocks;
}

/* A shard's part of a block: weight = dᵀ h and bias = Σ d, chunk after chunk. */
static void sum_shard(const ami_train_net *net, int shard, const unit_block *part, float *weight, float *bias)
{
    const train_layer *layer = &net->layer[part->layer];
    const size_t out = (size_t)layer->out;
    bool any = false;
    memset(bias, 0, (size_t)part->units * sizeof(float));
    for (int i = 0; i < net->shard_chunks; i++) {
        const int c = shard * net->shard_chunks + i, rows = net->chunk[c].rows;
        if (rows == 0)
            continue;
        const char *d = (const char *)chunk_of(net, layer->d, layer->out, net->element, c) +
                        (size_t)part->first * net->element;
        const void *h = part->layer > 0
                            ? chunk_of(net, net->layer[part->layer - 1].h, layer->in, net->element, c)
                            : input_chunk(net, c);
        ami_gemm_run(layer->gradient[part->units != UNITS][any], d, h, NULL, weight);
        if (net->precision == AMI_TRAIN_BF16)
            add_columns_bf16((const uint16_t *)(const void *)d, rows, out, part->units, bias);
        else
            add_columns_f32((const float *)(const void *)d, rows, out, part->units, bias);
        any = true;
    }
    const size_t weights = (size_t)part->units * (size_t)layer->in;
    if (!any)
        memset(weight, 0, weights * sizeof(float));
    if (net->rounded) {
        round_to_bf16(weight, weights);
        round_to_bf16(bias, (size_t)part->units);
    }
}

/* The sum over [first, end); `stack` has capacity for the right subtrees. */
static void sum_shards(const ami_train_net *net, int first, int end, const unit_block *part, float *stack,
                       float *weight, float *bias)
{
    if (end - first == 1) {
        sum_shard(net, first, part, weight, bias);
        return;
    }
    const int middle = ami_shard_middle(first, end);
    const size_t weights = (size_t)part->units * (size_t)net->layer[part->layer].in;
    sum_shards(net, first, middle, part, stack, weight, bias);
    sum_shards(net, middle, end, part, stack + net->stack_floats, stack, stack + weights);
    void (*const plus)(float *restrict, const float *restrict, size_t) =
        net->rounded ? ami_shard_add_rounded : ami_shard_add;
    plus(weight, stack, weights);
    plus(bias, stack + weights, (size_t)part->units);
}

/* A stack that no other thread uses. They suffice unless the team has grown. */
static int take_stack(ami_train_net *net)
{
    for (int i = 0;; i = (i + 1) % net->stacks) {
        if (!atomic_flag_test_and_set_explicit(&net->taken[i], memory_order_acquire))
            return i;
        if (i == net->stacks - 1)
            sched_yield();
    }
}

void ami_train_net_gradient_block(ami_train_net *net, int first, int end, int block, float *gradient)
{
    assert(first >= 0 && first < end && end <= net->shards);
    const unit_block *part = &net->block[block];
    const train_layer *layer = &net->layer[part->layer];
    float *weight = gradient + layer->weight + (size_t)part->first * (size_t)layer->in;
    float *bias = gradient + layer->bias + part->first;
    const int saved = ami_gemm_begin();
    if (end - first == 1) {
        sum_shard(net, first, part, weight, bias);
    } else {
        const int i = take_stack(net);
        sum_shards(net, first, end, part, net->stack + (size_t)i * (size_t)net->depths * net->stack_floats,
                   weight, bias);
        atomic_flag_clear_explicit(&net->taken[i], memory_order_release);
    }
    mark_failure(net, bias);
    ami_gemm_end(saved);
}

void ami_train_net_backward(ami_train_net *net, const float *dout, int n)
{
    assert(n == net->n);
    (void)n;
    const size_t outputs = (size_t)net->layer[net->layers - 1].out;
#pragma omp for schedule(dynamic, 1)
    for (int chunk = 0; chunk < net->shard_chunks; chunk++)
        ami_train_net_backward_chunk(net, dout + (size_t)chunk * (size_t)net->rows * outputs, chunk);
#pragma omp for schedule(dynamic, 1)
    for (int b = 0; b < net->blocks; b++)
        ami_train_net_gradient_block(net, 0, 1, b, net->gradient);
}
