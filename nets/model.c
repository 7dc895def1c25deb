/* Inference: packs a net for one kernel, chooses the kernel, and runs it. The only arithmetic of its own is
 * the input's normalisation; layers are the kernel's.
 *
 * Rows go through the network in chunks, so that the activations between two layers stay in the core's cache
 * and the workspace is bounded, whatever n. */
#include "base/number.h"
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
    ROW_BLOCK = 12, /* rows of a chunk: a multiple of the kernels' blocks, and enough of them to pay for
                       reading the weights */
    LEAST_CHUNK = 24,
    MOST_CHUNK = 240
};

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

ami_model_def ami_model_default_def(void)
{
    return (ami_model_def){.precision = AMI_PRECISION_AUTO, .max_mse = 1e-6, .calibration_rows = 16};
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

/* A model packed for this kernel. */
static ami_model *pack(const ami_net *net, const ami_kernel *kernel, ami_error *err)
{
    ami_model *model = calloc(1, sizeof *model);
    if (!model) {
        ami_fail(err, "out of memory for a packed network");
        return NULL;
    }
    model->kernel = kernel;
    model->layers = net->layers;
    memcpy(model->dim, net->dim, sizeof model->dim);

    /* One block: mean, inv_std, then the layers in the order a forward pass reads them, each at a cache
     * line's start. */
    const size_t inputs = round_up((size_t)net->dim[0], LINE_FLOATS);
    size_t at[AMI_NET_MAX_LAYERS], size = 2 * inputs * sizeof(float), widest = (size_t)net->dim[0];
    for (int l = 0; l < net->layers; l++) {
        at[l] = size;
        size += ami_kernel_layer_size(kernel, net->dim[l], net->dim[l + 1]);
        if (l + 1 < net->layers && (size_t)net->dim[l + 1] > widest)
            widest = (size_t)net->dim[l + 1];
        const size_t cells = ami_kernel_row_cells(kernel, net->dim[l]);
        model->row_cells = cells > model->row_cells ? cells : model->row_cells;
    }
    model->bytes = size - at[0];
    model->block = aligned_alloc(LINE, size);
    if (!model->block) {
        ami_fail(err, "out of memory for a packed network of %zu parameters", ami_net_parameters(net));
        ami_model_destroy(model);
        return NULL;
    }
    model->mean = (float *)model->block;
    model->inv_std = model->mean + inputs;
    for (int l = 0; l < net->layers; l++)
        model->packed[l] = model->block + at[l];
    /* One line more than needed: rows 4096 bytes apart would all fall into the same few cache sets. */
    model->stride = round_up(widest, LINE_FLOATS) + LINE_FLOATS;
    model->chunk = chunk_rows(model, net);
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

/* What calibration compares with. */
typedef struct calibration {
    int rows;
    size_t outputs; /* of all rows together */
    float *in, *out;
    double *exact;
} calibration;

static void calibration_free(calibration *c)
{
    free(c->in);
    free(c->out);
    free(c->exact);
}

static bool calibration_create(calibration *c, const ami_net *net, const ami_model_def *def, ami_error *err)
{
    const int rows = def->calibration_rows > 0 ? def->calibration_rows : 1;
    *c = (calibration){.rows = rows, .outputs = (size_t)rows * (size_t)net->dim[net->layers]};
    c->in = malloc((size_t)rows * (size_t)net->dim[0] * sizeof *c->in);
    c->out = malloc(c->outputs * sizeof *c->out);
    c->exact = malloc(c->outputs * sizeof *c->exact);
    if (!c->in || !c->out || !c->exact) {
        calibration_free(c);
        return ami_fail(err, "out of memory for measuring a network's precision");
    }
    ami_net_calibration_inputs(net, def->seed, rows, c->in);
    if (!ami_net_run_double(net, c->in, rows, c->exact, err)) {
        calibration_free(c);
        return false;
    }
    return true;
}

/* Mean squared error; negative when memory is short. */
static double measure(calibration *c, const ami_model *model)
{
    void *workspace = malloc(ami_model_workspace_size(model, c->rows));
    if (!workspace)
        return -1;
    ami_model_run(model, workspace, c->in, c->rows, c->out);
    free(workspace);
    double sum = 0;
    for (size_t i = 0; i < c->outputs; i++)
        sum += ((double)c->out[i] - c->exact[i]) * ((double)c->out[i] - c->exact[i]);
    return sum / (double)c->outputs;
}

/* What a mean squared error measured on few numbers must be multiplied with to be sure of the true one. Were
 * the errors independent and normal, n of them would give a chi-squared mean, whose quantile at three
 * standard deviations is, by Wilson and Hilferty (1931), (1 - 2/(9n) - 3 sqrt(2/(9n)))^3. Errors of one row
 * are not independent; no more than 8 of them are counted. */
static double doubt(const calibration *c)
{
    const size_t of_a_row = c->outputs / (size_t)c->rows;
    const double part = 2 / (9. * c->rows * (double)(of_a_row < 8 ? of_a_row : 8));
    const double root = 1 - part - 3 * sqrt(part);
    return root > .1 ? 1 / (root * root * root) : 1000;
}

/* Fastest first; see nets/model.h. */
static const ami_precision fastest_first[] = {AMI_PRECISION_INT8, AMI_PRECISION_INT16, AMI_PRECISION_BF16,
                                              AMI_PRECISION_FP32};
enum { CANDIDATES = sizeof fastest_first / sizeof fastest_first[0] };

static ami_model *choose(const ami_net *net, const ami_model_def *def, ami_error *err)
{
    calibration c;
    if (!calibration_create(&c, net, def, err))
        return NULL;
    ami_model *model = NULL;
    ami_model_report report = {0};
    for (int i = 0; i < CANDIDATES && !model; i++) {
        const ami_precision precision = fastest_first[i];
        const bool last = i + 1 == CANDIDATES;
        if (!last && !ami_kernel_is_fast(precision))
            continue;
        model = pack(net, ami_kernel_best(precision), err);
        const double mse = model ? measure(&c, model) : 0;
        if (!model || mse < 0) {
            if (model)
                ami_fail(err, "out of memory for measuring a network's precision");
            ami_model_destroy(model);
            calibration_free(&c);
            return NULL;
        }
        report.entry[report.tried].precision = precision;
        report.entry[report.tried++].mse = mse;
        if (!last && !(mse * doubt(&c) < def->max_mse)) {
            ami_model_destroy(model);
            model = NULL;
        }
    }
    calibration_free(&c);
    model->report = report;
    return model;
}

ami_model *ami_model_create(const ami_net *net, const ami_model_def *def, ami_error *err)
{
    assert(net->layers >= 1 && net->layers <= AMI_NET_MAX_LAYERS);
    const ami_model_def chosen = def ? *def : ami_model_default_def();
    const ami_kernel *kernel;
    if (!forced_kernel(&chosen, &kernel, err))
        return NULL;
    return kernel ? pack(net, kernel, err) : choose(net, &chosen, err);
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
        model->layer[l] = ami_kernel_pack(model->kernel, net->dim[l], net->dim[l + 1], net->weight[l],
                                          net->bias[l], model->packed[l]);
        model->layer[l].act = net->act[l];
        model->layer[l].alpha = net->act_alpha[l];
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

int ami_model_inputs(const ami_model *model)
{
    return model->dim[0];
}

int ami_model_outputs(const ami_model *model)
{
    return model->dim[model->layers];
}

const char *ami_model_kernel_name(const ami_model *model)
{
    return model->kernel->name;
}

ami_precision ami_model_precision(const ami_model *model)
{
    return model->kernel->precision;
}

void ami_model_get_report(const ami_model *model, ami_model_report *report)
{
    *report = model->report;
}

void ami_model_describe(const ami_model *model, char *text, size_t size)
{
    const ami_model_report *report = &model->report;
    int used =
        snprintf(text, size, "%s (%s)", ami_precision_name(ami_model_precision(model)), model->kernel->isa);
    for (int i = report->tried - 1; i >= 0 && used >= 0 && (size_t)used < size; i--) {
        const char *const name = ami_precision_name(report->entry[i].precision);
        const int more =
            i + 1 == report->tried
                ? ami_number_format(text + used, size - (size_t)used, ", mean squared error %.1e",
                                    report->entry[i].mse)
                : ami_number_format(text + used, size - (size_t)used, "%s %s would have %.1e",
                                    i + 2 == report->tried ? ";" : ",", name, report->entry[i].mse);
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
    if (model->kernel->prepare) {
        model->kernel->prepare(model->dim[l], x, x_stride, n, buffers->prepared, buffers->scale);
        rows = (ami_rows){.cell = buffers->prepared,
                          .stride = ami_kernel_row_cells(model->kernel, model->dim[l]),
                          .scale = buffers->scale};
    }
    model->kernel->layer(&model->layer[l], first, end, &rows, n, y, y_stride);
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
