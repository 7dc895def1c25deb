/* Inference: packs a net, each layer for its kernel, and runs it (model_auto.c chooses the kernels). The
 * only arithmetic of its own is the input's normalisation; layers are the kernel's.
 *
 * Rows go through the network in chunks, so that the activations between two layers stay in the core's cache
 * and the workspace is bounded, whatever n. */
#include "base/number.h"
#include "base/pages.h"
#include "nets/kernels/vector.h"
#include "nets/model_layers.h"

#include <assert.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE = 64, /* bytes in a cache line */
    LINE_FLOATS = LINE / sizeof(float),
    /* A chunk's activations fill at most so many bytes: the rest of a core's cache is for the panel of
     * weights that they meet. */
    CHUNK_BYTES = 384 << 10,
    ROW_BLOCK = 12,   /* rows of a chunk: a multiple of the kernels' blocks, and enough of them to pay for
                       reading the weights */
    LEAST_CHUNK = 72, /* each chunk reads all weights: fewer rows wait for those of a large network */
    MOST_CHUNK = 240
};

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

ami_model_def ami_model_default_def(void)
{
    return (ami_model_def){.precision = AMI_PRECISION_AUTO, .max_mse = 1e-6, .calibration_rows = 32};
}

bool ami_net_observe(ami_net *net, const ami_model_def *def, ami_error *err)
{
    const char *const name = net->in_name && *net->in_name ? net->in_name : "input";
    if (!def || def->observed_count == 0)
        return true;
    const ami_named_rows *rows = def->observed;
    if (def->observed_count > 1)
        return ami_fail(err, "%d files of observations are given, the network has one input, \"%.60s\"",
                        def->observed_count, name);
    if (rows->input && strcmp(rows->input, name) != 0)
        return ami_fail(err, "the network has no input \"%.60s\", expected \"%.60s\"", rows->input, name);
    if (rows->width != (size_t)net->dim[0])
        return ami_fail(err, "the observations have %zu numbers a row, input \"%.60s\" takes %d", rows->width,
                        name, net->dim[0]);
    return ami_net_set_calibration(net, rows->rows, rows->count) ||
           ami_fail(err, "out of memory for %d observations", rows->count);
}

/* How many rows go together: those whose activations, prepared inputs of the layers included, fit in
 * CHUNK_BYTES. */
static int chunk_rows(const ami_model *model, const ami_net *net)
{
    size_t hidden = 1;
    for (int l = 1; l < net->layers; l++)
        hidden = (size_t)net->dim[l] > hidden ? (size_t)net->dim[l] : hidden;
    size_t row = 2 * hidden * sizeof(float) + model->row_cells * 4;
    if (!model->row_cells)
        row += (size_t)net->dim[0] * sizeof(float);
    const size_t rows = CHUNK_BYTES / row / ROW_BLOCK * ROW_BLOCK;
    return rows < LEAST_CHUNK ? LEAST_CHUNK : rows > MOST_CHUNK ? MOST_CHUNK : (int)rows;
}

static void take_normalizer(ami_model *model, const ami_net *net)
{
    model->normalized = net->in_mean != NULL;
    model->clip = net->in_clip > 0.0f ? net->in_clip : __builtin_inff();
    if (model->normalized) {
        for (int i = 0; i < model->dim[0]; i++) {
            model->mean[i] = net->in_mean[i];
            model->inv_std[i] = 1.0f / net->in_std[i];
        }
    }
}

void ami_model_write_precisions(const ami_kernel *const *kernel, int layers, char text[AMI_MODEL_PRECISIONS])
{
    bool same = true;
    for (int l = 1; l < layers; l++)
        same &= kernel[l]->precision == kernel[0]->precision && kernel[l]->one_plane == kernel[0]->one_plane;
    size_t used = 0;
    for (int l = 0; l < (same ? 1 : layers); l++)
        used += (size_t)snprintf(text + used, AMI_MODEL_PRECISIONS - used, "%s%s%s", l ? " " : "",
                                 ami_precision_name(kernel[l]->precision), kernel[l]->one_plane ? "u" : "");
}

ami_model *ami_model_shell(const ami_net *net, const ami_kernel *const *kernel, size_t row_cells,
                           ami_error *err)
{
    ami_model *model = calloc(1, sizeof *model);
    if (!model) {
        ami_fail(err, "out of memory for a packed network");
        return NULL;
    }
    model->layers = net->layers;
    memcpy(model->dim, net->dim, sizeof model->dim);
    model->row_cells = row_cells;

    /* One block: mean, inv_std, then the layers in the order a forward pass reads them, each at a cache
     * line's start. */
    const size_t inputs = round_up((size_t)net->dim[0], LINE_FLOATS);
    size_t at[AMI_NET_MAX_LAYERS], size = 2 * inputs * sizeof(float), widest = (size_t)net->dim[0];
    for (int l = 0; l < net->layers; l++) {
        model->kernel[l] = kernel[l];
        at[l] = size;
        size += row_cells ? 0 : ami_kernel_layer_size(kernel[l], net->dim[l], net->dim[l + 1]);
        if (l + 1 < net->layers && (size_t)net->dim[l + 1] > widest)
            widest = (size_t)net->dim[l + 1];
        const size_t cells = ami_kernel_row_cells(kernel[l], net->dim[l]);
        model->row_cells = cells > model->row_cells ? cells : model->row_cells;
    }
    model->bytes = size - at[0];
    model->block = aligned_alloc(LINE, size);
    if (!model->block) {
        ami_fail(err, "out of memory for a packed network of %zu parameters", ami_net_parameters(net));
        ami_model_destroy(model);
        return NULL;
    }
    ami_prefer_large_pages(model->block, size);
    model->mean = (float *)model->block;
    model->inv_std = model->mean + inputs;
    for (int l = 0; l < net->layers; l++)
        model->packed[l] = model->block + at[l];
    /* One line more than needed: rows 4096 bytes apart would all fall into the same few cache sets. */
    model->stride = round_up(widest, LINE_FLOATS) + LINE_FLOATS;
    model->chunk = chunk_rows(model, net);
    ami_model_write_precisions(model->kernel, model->layers, model->precisions);
    take_normalizer(model, net);
    return model;
}

ami_model *ami_model_pack(const ami_net *net, const ami_kernel *const *kernel, ami_error *err)
{
    ami_model *model = ami_model_shell(net, kernel, 0, err);
    if (model)
        ami_model_repack(model, net);
    return model;
}

/* The kernel that is forced; NULL where AUTO shall choose. False and a sentence where the environment's makes
 * no sense. */
static bool forced_kernel(const ami_model_def *def, const ami_kernel **kernel, ami_error *err)
{
    *kernel = def->kernel;
    if (*kernel)
        return true;
    if (!ami_kernel_from_environment(kernel, err))
        return false;
    if (def->precision != AMI_PRECISION_AUTO && (!*kernel || (*kernel)->precision != def->precision))
        *kernel = ami_kernel_best(def->precision);
    return true;
}

ami_model *ami_model_create(const ami_net *net, const ami_model_def *def, ami_error *err)
{
    assert(net->layers >= 1 && net->layers <= AMI_NET_MAX_LAYERS);
    const ami_model_def chosen = def ? *def : ami_model_default_def();
    const ami_kernel *kernel;
    if (!forced_kernel(&chosen, &kernel, err))
        return NULL;
    if (!kernel)
        return ami_model_choose(net, &chosen, err);
    const ami_kernel *each[AMI_NET_MAX_LAYERS];
    for (int l = 0; l < net->layers; l++)
        each[l] = ami_net_non_negative(net, l) ? kernel : ami_kernel_of_two_planes(kernel);
    return ami_model_pack(net, each, err);
}

void ami_model_destroy(ami_model *model)
{
    if (!model)
        return;
    free(model->block);
    free(model);
}

void ami_model_repack(ami_model *model, const ami_net *net)
{
    assert(net->layers == model->layers);
    assert(memcmp(net->dim, model->dim, (size_t)(model->layers + 1) * sizeof model->dim[0]) == 0);
    for (int l = 0; l < model->layers; l++) {
        assert(!model->kernel[l]->one_plane || ami_net_non_negative(net, l));
        model->layer[l] = ami_kernel_pack(model->kernel[l], net->dim[l], net->dim[l + 1], net->weight[l],
                                          net->bias[l], ami_net_units(net, l), model->packed[l]);
        model->layer[l].act = net->act[l];
        model->layer[l].alpha = net->act_alpha[l];
    }
    take_normalizer(model, net);
}

int ami_model_inputs(const ami_model *model)
{
    return model->dim[0];
}

int ami_model_outputs(const ami_model *model)
{
    return model->dim[model->layers];
}

/* The layer that most of the time goes into. */
static int largest_layer(const ami_model *model)
{
    int largest = 0;
    for (int l = 1; l < model->layers; l++)
        if ((int64_t)model->dim[l] * model->dim[l + 1] >
            (int64_t)model->dim[largest] * model->dim[largest + 1])
            largest = l;
    return largest;
}

const char *ami_model_kernel_name(const ami_model *model)
{
    return model->kernel[largest_layer(model)]->name;
}

ami_precision ami_model_precision(const ami_model *model)
{
    return model->kernel[largest_layer(model)]->precision;
}

const char *ami_model_precisions(const ami_model *model)
{
    return model->precisions;
}

int ami_model_layers(const ami_model *model)
{
    return model->layers;
}

const ami_kernel *ami_model_layer_kernel(const ami_model *model, int layer)
{
    assert(layer >= 0 && layer < model->layers);
    return model->kernel[layer];
}

void ami_model_get_report(const ami_model *model, ami_model_report *report)
{
    *report = model->report;
}

/* The instruction sets, each once: "avx512vnni", "avx512vnni, avx512". */
static int write_isa(const ami_model *model, char *text, size_t size)
{
    int used = 0;
    for (int l = 0; l < model->layers && used >= 0 && (size_t)used < size; l++) {
        bool seen = false;
        for (int k = 0; k < l; k++)
            seen |= !strcmp(model->kernel[k]->isa, model->kernel[l]->isa);
        if (!seen)
            used += snprintf(text + used, size - (size_t)used, "%s%s", l ? ", " : "", model->kernel[l]->isa);
    }
    return used;
}

void ami_model_describe(const ami_model *model, char *text, size_t size)
{
    const ami_model_report *report = &model->report;
    char isa[96];
    write_isa(model, isa, sizeof isa);
    int used = snprintf(text, size, "%s (%s)", model->precisions, isa);
    for (int i = report->tried - 1; i >= 0 && used >= 0 && (size_t)used < size; i--) {
        const int more = i + 1 == report->tried
                             ? ami_number_format(text + used, size - (size_t)used,
                                                 ", mean squared error %.1e", report->entry[i].mse)
                             : ami_number_format(text + used, size - (size_t)used, "%s %s would have %.1e",
                                                 i + 2 == report->tried ? ";" : ",",
                                                 report->entry[i].precisions, report->entry[i].mse);
        used = more < 0 ? more : used + more;
    }
}

size_t ami_model_bytes(const ami_model *model)
{
    return model->bytes;
}

static size_t buffer_bytes(const ami_model *model, size_t rows)
{
    return round_up(rows * model->stride * sizeof(float), LINE);
}

size_t ami_model_workspace_size(const ami_model *model, int rows)
{
    const size_t chunk = (size_t)(rows < model->chunk ? rows : model->chunk);
    return 2 * buffer_bytes(model, chunk) + chunk * model->row_cells * 4 + chunk * sizeof(float) + LINE -
           1; /* two activations, prepared rows, their scales, and what aligning the pointer may cost */
}

ami_model_buffers ami_model_cut_workspace(const ami_model *model, void *workspace, int rows)
{
    const size_t chunk = (size_t)(rows < model->chunk ? rows : model->chunk);
    char *const base = (char *)workspace + (round_up((uintptr_t)workspace, LINE) - (uintptr_t)workspace);
    char *const prepared = base + 2 * buffer_bytes(model, chunk);
    return (ami_model_buffers){.activation = {(float *)base, (float *)(base + buffer_bytes(model, chunk))},
                               .prepared = prepared,
                               .scale = (float *)(prepared + chunk * model->row_cells * 4)};
}

/* out = clamp((in - mean) / std); each comparison is false for NaN, so NaN goes through. */
AMI_VECTOR_CLONES static void normalize(int inputs, const float *restrict mean, const float *restrict inv_std,
                                        float clip, const float *restrict in, float *restrict out)
{
    for (int i = 0; i < inputs; i++) {
        float v = (in[i] - mean[i]) * inv_std[i];
        v = v > clip ? clip : v;
        v = v < -clip ? -clip : v;
        out[i] = v;
    }
}

void ami_model_normalize(const ami_model *model, const float *in, int n, float *out)
{
    for (int r = 0; r < n; r++)
        normalize(model->dim[0], model->mean, model->inv_std, model->clip,
                  in + (size_t)r * (size_t)model->dim[0], out + (size_t)r * model->stride);
}

void ami_model_layer(const ami_model *model, int l, int first, int end, const ami_model_buffers *buffers,
                     const float *x, size_t x_stride, int n, float *y, size_t y_stride)
{
    ami_rows rows = {.cell = x, .stride = x_stride};
    const ami_kernel *kernel = model->kernel[l];
    if (kernel->prepare) {
        kernel->prepare(model->dim[l], x, x_stride, n, buffers->prepared, buffers->scale);
        rows = (ami_rows){.cell = buffers->prepared,
                          .stride = ami_kernel_row_cells(kernel, model->dim[l]),
                          .scale = buffers->scale};
    }
    kernel->layer(&model->layer[l], first, end, &rows, n, y, y_stride);
}

void ami_model_run(const ami_model *model, void *workspace, const float *in, int n, float *out)
{
    assert(n >= 1);
    const size_t inputs = (size_t)model->dim[0], outputs = (size_t)model->dim[model->layers];
    const int chunk = n < model->chunk ? n : model->chunk;
    const ami_model_buffers buffers = ami_model_cut_workspace(model, workspace, n);

    for (int done = 0; done < n; done += chunk) {
        const int rows = n - done < chunk ? n - done : chunk;
        const float *x = in + (size_t)done * inputs;
        size_t x_stride = inputs;
        if (model->normalized) {
            ami_model_normalize(model, x, rows, buffers.activation[0]);
            x = buffers.activation[0];
            x_stride = model->stride;
        }
        for (int l = 0; l < model->layers; l++) {
            const bool last = l + 1 == model->layers;
            float *y = last ? out + (size_t)done * outputs : buffers.activation[(l + 1) % 2];
            const size_t y_stride = last ? outputs : model->stride;
            ami_model_layer(model, l, 0, model->dim[l + 1], &buffers, x, x_stride, rows, y, y_stride);
            x = y;
            x_stride = y_stride;
        }
    }
}

void ami_model_run_part(const ami_model *model, void *workspace, const float *in, int part, int parts,
                        float *out)
{
    assert(parts >= 1 && part >= 0 && part < parts);
    const ami_model_buffers buffers = ami_model_cut_workspace(model, workspace, 1);
    const size_t from = model->bytes * (size_t)part / (size_t)parts,
                 to = model->bytes * (size_t)(part + 1) / (size_t)parts;
    const float *x = in;
    if (model->normalized) {
        if (part == 0)
            ami_model_normalize(model, in, 1, buffers.activation[0]);
        x = buffers.activation[0];
    }
    size_t at = 0; /* of the layer's first panel; a panel is run in the part that it begins in */
    for (int l = 0; l < model->layers; l++) {
        const int outputs = model->dim[l + 1], panel = model->kernel[l]->panel;
        const size_t panels = (size_t)((outputs + panel - 1) / panel),
                     size = ami_kernel_layer_size(model->kernel[l], model->dim[l], outputs);
        float *y = l + 1 == model->layers ? out : buffers.activation[(l + 1) % 2];
        size_t first = 0, end;
        while (first < panels && at + first * size / panels < from)
            first++;
        for (end = first; end < panels && at + end * size / panels < to; end++)
            ;
        if (end > first)
            ami_model_layer(model, l, (int)first * panel, end == panels ? outputs : (int)end * panel,
                            &buffers, x, model->stride, 1, y, model->stride);
        x = y;
        at += size;
    }
}
