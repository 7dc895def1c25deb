/* AUTO: which precision each layer of a network gets (nets/model.h has what is promised).
 *
 * Each layer is packed once in each precision that may be taken. What a layer's precision costs in error is
 * measured with all other layers in fp32, and these errors are added: a search over the sums finds the
 * fastest combination that should be within the limits; the combination itself is then measured on all rows,
 * and where it is not within them, the search goes on with the sums held to less.
 *
 * Outputs are compared with fp32's, which is measured against double precision on a few rows; where fp32
 * itself is not far below the limit, all rows are run in double. */
#include "base/pages.h"
#include "base/rng.h"
#include "nets/model_layers.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
    LINE = 64,
    CANDIDATES = 5,        /* of a layer: int8u, int8, int16, bf16, fp32 */
    CALIBRATION_ROWS = 64, /* of the file's, at most */
    LIMIT_ROWS = 64,
    MOST_LIMIT_ROWS = 192,
    DRAWN = 1 << 17,       /* numbers, about, for these rows */
    ZERO_ROWS = 2,         /* zeros, the normaliser's mean */
    GIVEN_ROWS = 256,      /* of the caller's, at most */
    SAMPLE = 8,            /* rows of each law that a layer's own error is measured on */
    DOUBLE_ROWS = 8,       /* rows on which fp32 is compared with double */
    SEARCH_STEPS = 100000, /* partial combinations looked at: all of them up to 6 layers */
    MEASURED = 8           /* combinations measured before fp32 is taken */
};

static const char *const law_name[AMI_LAWS_ALL] = {"calibration", "normal", "zeros", "limits",
                                                   "given",       "wide",   "raw"};

const char *ami_law_name(ami_law law)
{
    return law_name[law];
}

/* ---- rows ---- */

void ami_net_law_inputs(const ami_net *net, ami_law law, uint64_t seed, int n, float *in)
{
    const int inputs = net->dim[0];
    const float limit = net->in_clip > 0.0f ? net->in_clip : 5.0f;
    assert(law != AMI_LAW_CALIBRATION && law != AMI_LAW_GIVEN);
    if (law == AMI_LAW_NORMAL) {
        ami_net_calibration_inputs(net, seed, n, in);
        return;
    }
    memset(in, 0, (size_t)n * (size_t)inputs * sizeof *in);
    if (law == AMI_LAW_ZEROS) {
        for (int r = 1; r < n && net->in_mean; r += 2)
            memcpy(in + (size_t)r * (size_t)inputs, net->in_mean, (size_t)inputs * sizeof *in);
        return;
    }
    ami_rng rng = ami_rng_seed(seed, 1);
    if (law == AMI_LAW_RAW || law == AMI_LAW_WIDE) {
        for (int i = 0; i < n * inputs; i++) {
            float v = (float)ami_rng_normal(&rng);
            if (law == AMI_LAW_WIDE) {
                v = v < 0.0f ? -3.0f : 3.0f;
                v = net->in_mean ? net->in_mean[i % inputs] + net->in_std[i % inputs] * v : v;
            }
            in[i] = v;
        }
        return;
    }
    ami_net_calibration_inputs(net, seed + 1, n, in);
    for (int r = 0; r < n; r++) {
        const int at = (int)ami_rng_below(&rng, (uint32_t)inputs);
        const float v = r % 2 ? limit : -limit;
        in[(size_t)r * (size_t)inputs + (size_t)at] =
            net->in_mean ? net->in_mean[at] + net->in_std[at] * v : v;
    }
}

/* `count` of n rows, evenly spread. */
static void pick(const float *from, int n, int count, size_t inputs, float *to)
{
    for (int i = 0; i < count; i++)
        memcpy(to + (size_t)i * inputs, from + (size_t)((int64_t)i * n / count) * inputs,
               inputs * sizeof *to);
}

/* What a mean squared error measured on few numbers must be multiplied with to be sure of the true one. Were
 * the errors independent and normal, n of them would give a chi-squared mean, whose quantile at three
 * standard deviations is, by Wilson and Hilferty (1931), (1 - 2/(9n) - 3 sqrt(2/(9n)))^3. Errors of one row
 * are not independent; no more than 8 of them are counted. */
static double doubt(int rows, int outputs)
{
    const double part = 2 / (9. * rows * (outputs < 8 ? outputs : 8));
    const double root = 1 - part - 3 * sqrt(part);
    return root > .1 ? 1 / (root * root * root) : 1000;
}

/* ---- the state of a choice ---- */

typedef struct candidate {
    const ami_kernel *kernel;
    double cost; /* of running the layer, in bytes of weights */
    ami_layer layer;
    void *block;            /* NULL: not packed yet */
    double error[AMI_LAWS]; /* that it adds */
} candidate;

typedef struct choosing {
    const ami_net *net;
    const ami_model_def *def;
    ami_model *trial; /* its layers are the candidates that are tried */
    void *workspace;
    candidate layer[AMI_NET_MAX_LAYERS][CANDIDATES];
    int candidates[AMI_NET_MAX_LAYERS]; /* the last one is fp32 */
    int order[AMI_NET_MAX_LAYERS];      /* layers by weights, most first */
    const float *units[AMI_NET_MAX_LAYERS];

    int first[AMI_LAWS + 1]; /* row at which each law begins */
    int rows;
    float *in, *out;
    double *exact;
    double allowed[AMI_LAWS]; /* of what is measured; infinite without rows */

    /* for the layers' own errors: some rows' activations in fp32 */
    int sample_first[AMI_LAWS + 1], samples;
    int *sample;                      /* (samples) rows */
    float *h[AMI_NET_MAX_LAYERS + 1]; /* (samples, stride): what layer l is given */
    float *y[2];                      /* (samples, stride) */

    int taken[AMI_NET_MAX_LAYERS], best[AMI_NET_MAX_LAYERS]; /* of a search */
    double best_cost, shrink;
    int steps;
    ami_model_report report;
} choosing;

static void choosing_free(choosing *c)
{
    for (int l = 0; l < AMI_NET_MAX_LAYERS; l++)
        for (int k = 0; k < CANDIDATES; k++)
            free(c->layer[l][k].block);
    for (int l = 0; l <= AMI_NET_MAX_LAYERS; l++)
        free(c->h[l]);
    free(c->y[0]);
    free(c->y[1]);
    free(c->sample);
    free(c->in);
    free(c->out);
    free(c->exact);
    free(c->workspace);
    ami_model_destroy(c->trial);
    free(c);
}

static size_t weights(const ami_net *net, int l)
{
    return (size_t)net->dim[l] * (size_t)net->dim[l + 1];
}

/* Bytes of a weight; one plane of activations saves arithmetic on top, and int16 goes before bf16, which is
 * as fast but coarser. */
static double cost_of(const ami_kernel *kernel)
{
    static const double bytes[AMI_PRECISIONS] = {4, 2.01, 2, 1};
    return kernel->one_plane ? .8 : bytes[kernel->precision];
}

static void list_candidates(choosing *c, int l)
{
    static const ami_precision narrow[] = {AMI_PRECISION_INT8, AMI_PRECISION_INT16, AMI_PRECISION_BF16};
    const ami_kernel *list[CANDIDATES];
    int n = 0;
    if (ami_kernel_is_fast(AMI_PRECISION_INT8) && ami_net_non_negative(c->net, l))
        list[n++] = ami_kernel_best_one_plane();
    for (int i = 0; i < 3; i++)
        if (ami_kernel_is_fast(narrow[i]))
            list[n++] = ami_kernel_best(narrow[i]);
    list[n++] = ami_kernel_best(AMI_PRECISION_FP32);
    for (int i = 0; i < n; i++)
        c->layer[l][i] =
            (candidate){.kernel = list[i], .cost = cost_of(list[i]) * (double)weights(c->net, l)};
    c->candidates[l] = n;
}

static candidate *last_of(choosing *c, int l)
{
    return &c->layer[l][c->candidates[l] - 1];
}

static bool packed(choosing *c, int l, candidate *k, ami_error *err)
{
    const ami_net *net = c->net;
    if (k->block)
        return true;
    const size_t size = ami_kernel_layer_size(k->kernel, net->dim[l], net->dim[l + 1]);
    k->block = aligned_alloc(LINE, size);
    if (!k->block)
        return ami_fail(err, "out of memory for measuring a network's precision");
    ami_prefer_large_pages(k->block, size);
    k->layer = ami_kernel_pack(k->kernel, net->dim[l], net->dim[l + 1], net->weight[l], net->bias[l],
                               c->units[l], k->block);
    k->layer.act = net->act[l];
    k->layer.alpha = net->act_alpha[l];
    return true;
}

static bool put(choosing *c, int l, candidate *k, ami_error *err)
{
    if (!packed(c, l, k, err))
        return false;
    c->trial->kernel[l] = k->kernel;
    c->trial->layer[l] = k->layer;
    return true;
}

static bool make_trial(choosing *c, ami_error *err)
{
    const ami_kernel *wide[AMI_NET_MAX_LAYERS];
    size_t cells = AMI_LINE_CELLS;
    for (int l = 0; l < c->net->layers; l++) {
        list_candidates(c, l);
        wide[l] = last_of(c, l)->kernel;
        c->units[l] = ami_net_units(c->net, l);
        for (int k = 0; k < c->candidates[l]; k++) {
            const size_t own = ami_kernel_row_cells(c->layer[l][k].kernel, c->net->dim[l]);
            cells = own > cells ? own : cells;
        }
        int at = l;
        for (; at > 0 && weights(c->net, c->order[at - 1]) < weights(c->net, l); at--)
            c->order[at] = c->order[at - 1];
        c->order[at] = l;
    }
    c->trial = ami_model_shell(c->net, wide, cells, err);
    if (!c->trial)
        return false;
    for (int l = 0; l < c->net->layers; l++)
        if (!put(c, l, last_of(c, l), err))
            return false;
    return true;
}

static bool make_rows(choosing *c, ami_error *err)
{
    const ami_net *net = c->net;
    const ami_model_def *def = c->def;
    const size_t inputs = (size_t)net->dim[0];
    const int outputs = net->dim[net->layers];
    /* few outputs give little information a row: as many more rows as 8 outputs are more */
    const int times = 8 / (outputs < 8 ? outputs : 8),
              asked = def->calibration_rows > 0 ? def->calibration_rows : 1;
    int limits = LIMIT_ROWS * times < MOST_LIMIT_ROWS ? LIMIT_ROWS * times : MOST_LIMIT_ROWS;
    while (limits > LIMIT_ROWS / 2 && (size_t)limits * inputs > DRAWN)
        limits /= 2; /* drawing takes time too */
    const int most[AMI_LAWS] = {net->calibration_rows < CALIBRATION_ROWS ? net->calibration_rows
                                                                         : CALIBRATION_ROWS,
                                asked * times, ZERO_ROWS, limits,
                                !def->rows                    ? 0
                                : def->row_count < GIVEN_ROWS ? def->row_count
                                                              : GIVEN_ROWS};
    for (int law = 0; law < AMI_LAWS; law++) {
        c->first[law + 1] = c->first[law] + most[law];
        c->report.rows[law] = most[law];
    }
    c->rows = c->first[AMI_LAWS];
    c->in = malloc((size_t)c->rows * inputs * sizeof *c->in);
    c->out = malloc((size_t)c->rows * (size_t)outputs * sizeof *c->out);
    c->exact = malloc((size_t)c->rows * (size_t)outputs * sizeof *c->exact);
    c->workspace = malloc(ami_model_workspace_size(c->trial, c->rows));
    if (!c->in || !c->out || !c->exact || !c->workspace)
        return ami_fail(err, "out of memory for measuring a network's precision");
    for (int law = 0; law < AMI_LAWS; law++) {
        float *const to = c->in + (size_t)c->first[law] * inputs;
        if (law == AMI_LAW_CALIBRATION)
            pick(net->calibration, net->calibration_rows, most[law], inputs, to);
        else if (law == AMI_LAW_GIVEN)
            pick(def->rows, def->row_count, most[law], inputs, to);
        else
            ami_net_law_inputs(net, (ami_law)law, def->seed, most[law], to);
        const bool half = law == AMI_LAW_CALIBRATION || (law == AMI_LAW_NORMAL && !most[AMI_LAW_CALIBRATION]);
        const bool drawn = law == AMI_LAW_NORMAL || law == AMI_LAW_LIMITS;
        double margin = drawn ? doubt(most[law], outputs) : 1;
        margin = half && margin < 2 ? 2 : margin;
        c->report.limit[law] = half ? def->max_mse / 2 : def->max_mse;
        /* what rounding the weights has taken already; a little is always left, for exact ones */
        const double used = law < AMI_NET_ROUNDINGS ? net->rounding_mse[law] : 0,
                     left = def->max_mse / margin - used, least = .05 * def->max_mse;
        c->allowed[law] = !most[law] ? (double)INFINITY : left > least ? left : least;
    }
    return true;
}

/* Mean square of the differences on a law's rows. Rows of the caller's that are not finite in double are left
 * out. */
static double mean_square(const choosing *c, int law)
{
    const int first = c->first[law], end = c->first[law + 1];
    const size_t outputs = (size_t)c->net->dim[c->net->layers];
    double sum = 0, count = 0;
    for (int r = first; r < end; r++) {
        double row = 0;
        bool finite = true;
        for (size_t o = 0; o < outputs; o++) {
            const double exact = c->exact[(size_t)r * outputs + o],
                         off = (double)c->out[(size_t)r * outputs + o] - exact;
            finite &= isfinite(exact) != 0;
            row += off * off;
        }
        if (finite || law != AMI_LAW_GIVEN) {
            sum += row;
            count += (double)outputs;
        }
    }
    return count > 0 ? sum / count : 0;
}

/* The reference's outputs for all rows. */
static bool make_exact(choosing *c, ami_error *err)
{
    const ami_net *net = c->net;
    const size_t inputs = (size_t)net->dim[0], outputs = (size_t)net->dim[net->layers];
    const int few = c->rows < DOUBLE_ROWS ? c->rows : DOUBLE_ROWS;
    float *const some = malloc((size_t)few * inputs * sizeof *some);
    if (!some)
        return ami_fail(err, "out of memory for measuring a network's precision");
    ami_model_run(c->trial, c->workspace, c->in, c->rows, c->out);
    pick(c->in, c->rows, few, inputs, some);
    const bool ok = ami_net_run_double(net, some, few, c->exact, err);
    free(some);
    if (!ok)
        return false;
    double sum = 0;
    for (int i = 0; i < few; i++)
        for (size_t o = 0; o < outputs; o++) {
            const size_t r = (size_t)((int64_t)i * c->rows / few);
            const double off = (double)c->out[r * outputs + o] - c->exact[(size_t)i * outputs + o];
            sum += off * off;
        }
    if (!(sum <= 1e-4 * c->def->max_mse * few * (double)outputs))
        return ami_net_run_double(net, c->in, c->rows, c->exact, err);
    for (size_t i = 0; i < (size_t)c->rows * outputs; i++)
        c->exact[i] = (double)c->out[i];
    return true;
}

/* ---- one layer's error ---- */

static bool make_sample(choosing *c, ami_error *err)
{
    const ami_net *net = c->net;
    c->sample = malloc((size_t)c->rows * sizeof *c->sample);
    if (!c->sample)
        return ami_fail(err, "out of memory for measuring a network's precision");
    for (int law = 0; law < AMI_LAWS; law++) {
        const int rows = c->first[law + 1] - c->first[law], count = rows < SAMPLE ? rows : SAMPLE;
        for (int i = 0; i < count; i++)
            c->sample[c->samples++] = c->first[law] + (int)((int64_t)i * rows / count);
        c->sample_first[law + 1] = c->samples;
    }
    const size_t stride =
        c->trial->stride > (size_t)net->dim[net->layers] ? c->trial->stride : (size_t)net->dim[net->layers];
    for (int l = 0; l <= net->layers + 2; l++) {
        float **const to = l <= net->layers ? &c->h[l] : &c->y[l - net->layers - 1];
        *to = malloc((size_t)c->samples * stride * sizeof **to);
        if (!*to)
            return ami_fail(err, "out of memory for measuring a network's precision");
    }
    return true;
}

static void run_layer(choosing *c, int l, const float *x, float *y)
{
    ami_model *const t = c->trial;
    const size_t y_stride = l + 1 < t->layers ? t->stride : (size_t)t->dim[t->layers];
    for (int done = 0; done < c->samples; done += t->chunk) {
        const int n = c->samples - done < t->chunk ? c->samples - done : t->chunk;
        const ami_model_buffers buffers = ami_model_cut_workspace(t, c->workspace, c->rows);
        ami_model_layer(t, l, 0, t->dim[l + 1], &buffers, x + (size_t)done * t->stride, t->stride, n,
                        y + (size_t)done * y_stride, y_stride);
    }
}

/* The sample's activations, in fp32. */
static void run_sample(choosing *c)
{
    ami_model *const t = c->trial;
    const size_t inputs = (size_t)t->dim[0];
    for (int i = 0; i < c->samples; i++) {
        const float *const x = c->in + (size_t)c->sample[i] * inputs;
        float *const to = c->h[0] + (size_t)i * t->stride;
        if (t->normalized)
            ami_model_normalize(t, x, 1, to);
        else
            memcpy(to, x, inputs * sizeof *to);
    }
    for (int l = 0; l < t->layers; l++)
        run_layer(c, l, c->h[l], c->h[l + 1]);
}

/* What candidate k of layer l adds, the other layers in fp32. */
static bool measure_alone(choosing *c, int l, candidate *k, ami_error *err)
{
    const int layers = c->trial->layers;
    const size_t outputs = (size_t)c->net->dim[layers];
    if (!put(c, l, k, err))
        return false;
    run_layer(c, l, c->h[l], c->y[0]);
    (void)put(c, l, last_of(c, l), err); /* packed already */
    float *y = c->y[0];
    for (int m = l + 1; m < layers; m++) {
        float *const next = y == c->y[0] ? c->y[1] : c->y[0];
        run_layer(c, m, y, next);
        y = next;
    }
    for (int law = 0; law < AMI_LAWS; law++) {
        double sum = 0;
        const size_t from = (size_t)c->sample_first[law] * outputs,
                     to = (size_t)c->sample_first[law + 1] * outputs;
        for (size_t i = from; i < to; i++) {
            const double off = (double)y[i] - (double)c->h[layers][i];
            sum += law != AMI_LAW_GIVEN || isfinite(c->h[layers][i]) ? off * off : 0;
        }
        k->error[law] = to > from ? sum / (double)(to - from) : 0;
    }
    return true;
}

/* All candidates of a layer, fastest first; where one adds next to nothing, slower ones are not looked at. */
static bool measure_layer(choosing *c, int l, ami_error *err)
{
    bool enough = false, fine = false;
    for (int k = 0; k + 1 < c->candidates[l]; k++) {
        candidate *const of = &c->layer[l][k];
        /* bf16 costs what int16 does, and is for where a single scale an output is too coarse */
        enough |= of->kernel->precision == AMI_PRECISION_BF16 && fine;
        if (!enough && !measure_alone(c, l, of, err))
            return false;
        bool little = !enough;
        fine = !enough && of->kernel->precision == AMI_PRECISION_INT16;
        for (int law = 0; law < AMI_LAWS; law++) {
            of->error[law] = enough ? (double)INFINITY : of->error[law];
            little &= of->error[law] <= .01 * c->allowed[law];
            fine &= of->error[law] <= c->allowed[law];
        }
        enough |= little;
    }
    return true;
}

/* ---- the search ---- */

static void search(choosing *c, int depth, double cost, double rest, const double *error)
{
    if (++c->steps > SEARCH_STEPS || !(cost + rest < c->best_cost))
        return;
    if (depth == c->net->layers) {
        c->best_cost = cost;
        memcpy(c->best, c->taken, sizeof c->best);
        return;
    }
    const int l = c->order[depth];
    const double without = rest - c->layer[l][0].cost;
    for (int k = 0; k < c->candidates[l]; k++) {
        double sum[AMI_LAWS];
        bool fits = true;
        for (int law = 0; law < AMI_LAWS; law++) {
            sum[law] = error[law] + c->layer[l][k].error[law];
            fits &= k + 1 == c->candidates[l] || sum[law] <= c->shrink * c->allowed[law];
        }
        c->taken[l] = k;
        if (fits)
            search(c, depth + 1, cost + c->layer[l][k].cost, without, sum);
    }
}

static void find_best(choosing *c)
{
    const double none[AMI_LAWS] = {0};
    double rest = 0;
    for (int l = 0; l < c->net->layers; l++) {
        c->best[l] = c->candidates[l] - 1;
        rest += c->layer[l][0].cost;
    }
    c->best_cost = (double)INFINITY;
    c->steps = 0;
    search(c, 0, 0, rest, none);
}

/* Measures the combination c->best on all rows. False in *within where a limit is exceeded; by how much at
 * most in *ratio. */
static bool measure_best(choosing *c, bool *within, double *ratio, ami_error *err)
{
    ami_model_report *const report = &c->report;
    for (int l = 0; l < c->net->layers; l++)
        if (!put(c, l, &c->layer[l][c->best[l]], err))
            return false;
    ami_model_run(c->trial, c->workspace, c->in, c->rows, c->out);
    if (report->tried == AMI_MODEL_TRIED) /* the first ones are the fastest, and most telling */
        report->tried--;
    const int at = report->tried++;
    ami_model_write_precisions(c->trial->kernel, c->net->layers, report->entry[at].precisions);
    report->entry[at].mse = 0;
    *within = true;
    *ratio = 0;
    for (int law = 0; law < AMI_LAWS; law++) {
        const double mse = mean_square(c, law);
        report->entry[at].law[law] = mse;
        if (!(mse <= report->entry[at].mse))
            report->entry[at].mse = mse;
        if (!(mse < c->allowed[law])) {
            *within = false;
            const double by = mse / c->allowed[law];
            *ratio = c->allowed[law] > 0 && by > *ratio ? by : *ratio > 2 ? *ratio : 2;
        }
    }
    for (int l = 0; l < c->net->layers; l++)
        (void)put(c, l, last_of(c, l), err); /* packed already */
    return true;
}

/* Copies the layers taken into one block, in the order a pass reads them. */
static ami_model *assemble(choosing *c, ami_error *err)
{
    const ami_kernel *kernel[AMI_NET_MAX_LAYERS];
    for (int l = 0; l < c->net->layers; l++)
        kernel[l] = c->layer[l][c->best[l]].kernel;
    ami_model *model = ami_model_shell(c->net, kernel, 0, err);
    for (int l = 0; model && l < c->net->layers; l++) {
        const candidate *const k = &c->layer[l][c->best[l]];
        const ptrdiff_t moved = (char *)model->packed[l] - (char *)k->block;
        memcpy(model->packed[l], k->block,
               ami_kernel_layer_size(k->kernel, c->net->dim[l], c->net->dim[l + 1]));
        model->layer[l] = k->layer;
        model->layer[l].weight = (const char *)k->layer.weight + moved;
        model->layer[l].bias = (const float *)(const void *)((const char *)k->layer.bias + moved);
        if (k->layer.scale)
            model->layer[l].scale = (const float *)(const void *)((const char *)k->layer.scale + moved);
        if (k->layer.offset)
            model->layer[l].offset = (const int32_t *)(const void *)((const char *)k->layer.offset + moved);
    }
    if (model)
        model->report = c->report;
    return model;
}

static bool choose(choosing *c, ami_error *err)
{
    bool within, sampled = false;
    double ratio;
    if (!make_trial(c, err) || !make_rows(c, err) || !make_exact(c, err))
        return false;
    c->shrink = 1;
    for (int i = 0; i < MEASURED; i++) {
        find_best(c); /* the first time: the fastest of each */
        if (!measure_best(c, &within, &ratio, err))
            return false;
        if (within)
            return true;
        if (!sampled) {
            sampled = true;
            if (!make_sample(c, err))
                return false;
            run_sample(c);
            for (int l = 0; l < c->net->layers; l++)
                if (!measure_layer(c, l, err))
                    return false;
        } else {
            c->shrink *= .9 / ratio;
        }
    }
    for (int l = 0; l < c->net->layers; l++)
        c->best[l] = c->candidates[l] - 1;
    return measure_best(c, &within, &ratio, err);
}

ami_model *ami_model_choose(const ami_net *net, const ami_model_def *def, ami_error *err)
{
    choosing *c = calloc(1, sizeof *c);
    if (!c) {
        ami_fail(err, "out of memory for measuring a network's precision");
        return NULL;
    }
    c->net = net;
    c->def = def;
    ami_model *model = choose(c, err) ? assemble(c, err) : NULL;
    choosing_free(c);
    return model;
}
