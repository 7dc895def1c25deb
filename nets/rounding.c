#include "nets/rounding.h"

#include "nets/kernels/vector.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

_Static_assert((int)AMI_NET_ROUNDINGS == (int)AMI_LAW_GIVEN,
               "an error is kept of each law but the caller's rows");

enum {
    TOGETHER = 16, /* outputs rounded side by side: a cache line of floats */
    SCALES = 6,    /* tried for each output */
    LEAST_DRAWN = 2048,
    MOST_DRAWN = 8192, /* with fewer than a few times the inputs, what is made up for is their chance */
    LAW_ROWS = 256,    /* to measure on */
    BLOCK = 64,        /* columns of a block of the Cholesky factor */
    MOST_LAYERS = 7    /* that may be rounded, the largest ones */
};

/* Added to H's diagonal, of its mean: GPTQ's. */
static const double damping = .01;

/* The weight of zeros and the normaliser's mean, which are two rows, beside that of all others. */
static const double zeros_share = .05;

ami_rounding_def ami_rounding_default_def(void)
{
    return (ami_rounding_def){.max_mse = 1e-6};
}

static bool no_memory(ami_error *err)
{
    return ami_fail(err, "out of memory for rounding a network");
}

/* ---- linear algebra ---- */

AMI_VECTOR_CLONES static void add_scaled(float *to, const float *from, float by, int n)
{
    for (int i = 0; i < n; i++)
        to[i] += by * from[i];
}

AMI_VECTOR_CLONES static double dot(const double *a, const double *b, int n)
{
    double sum = 0;
#pragma omp simd reduction(+ : sum)
    for (int i = 0; i < n; i++)
        sum += a[i] * b[i];
    return sum;
}

AMI_VECTOR_CLONES static void add_row(double *h, const float *x, double by, int n)
{
    for (int i = 0; i < n; i++)
        h[i] += by * (double)x[i];
}

/* The lower factor L of h (n, n), in place: row i of it in row i, the rest as it was. */
static void cholesky(double *h, int n)
{
    for (int first = 0; first < n; first += BLOCK) {
        const int end = n - first < BLOCK ? n : first + BLOCK;
        for (int j = first; j < end; j++) {
            double *const lj = h + (size_t)j * (size_t)n;
            for (int k = first; k < j; k++)
                lj[k] =
                    (lj[k] - dot(lj, h + (size_t)k * (size_t)n, k)) / h[(size_t)k * (size_t)n + (size_t)k];
            const double rest = lj[j] - dot(lj, lj, j);
            lj[j] = sqrt(rest > 1e-30 ? rest : 1e-30); /* positive by the damping, but for rounding */
        }
#pragma omp parallel for schedule(dynamic, 16)
        for (int i = end; i < n; i++) {
            double *const li = h + (size_t)i * (size_t)n;
            for (int j = first; j < end; j++) {
                const double *const lj = h + (size_t)j * (size_t)n;
                li[j] = (li[j] - dot(li, lj, j)) / lj[j];
            }
        }
    }
}

/* ---- one layer ---- */

typedef struct moments {
    int n;
    double *mean; /* (n) */
    double *h;    /* (n, n), then its factor */
    int *order;   /* (n) inputs by variance, least first */
    float *l;     /* (n, n): the factor of h in that order */
} moments;

static void moments_free(moments *m)
{
    free(m->mean);
    free(m->h);
    free(m->order);
    free(m->l);
}

typedef struct by_variance {
    double variance;
    int input;
} by_variance;

static int compare_variance(const void *a, const void *b)
{
    const by_variance *const x = a, *const y = b;
    return x->variance != y->variance ? (x->variance < y->variance ? -1 : 1) : x->input - y->input;
}

/* Of rows x (rows, n) with these weights, whose sum is 1. */
static bool moments_make(moments *m, const float *x, const double *weight, int rows, int n, ami_error *err)
{
    *m = (moments){.n = n};
    const size_t size = (size_t)n;
    by_variance *sorted = malloc(size * sizeof *sorted);
    float *centred = malloc((size_t)rows * size * sizeof *centred);
    m->mean = calloc(size, sizeof *m->mean);
    m->h = calloc(size * size, sizeof *m->h);
    m->order = malloc(size * sizeof *m->order);
    m->l = malloc(size * size * sizeof *m->l);
    if (!sorted || !centred || !m->mean || !m->h || !m->order || !m->l) {
        free(sorted);
        free(centred);
        moments_free(m);
        return no_memory(err);
    }
    for (int r = 0; r < rows; r++)
        add_row(m->mean, x + (size_t)r * size, weight[r], n);
    for (int k = 0; k < n; k++)
        sorted[k] = (by_variance){0, k};
    for (int r = 0; r < rows; r++)
        for (int k = 0; k < n; k++) {
            const double off = (double)x[(size_t)r * size + (size_t)k] - m->mean[k];
            sorted[k].variance += weight[r] * off * off;
        }
    qsort(sorted, size, sizeof *sorted, compare_variance);
    double sum = 0;
    for (int i = 0; i < n; i++) {
        m->order[i] = sorted[i].input;
        sum += sorted[i].variance;
    }
    for (int r = 0; r < rows; r++)
        for (int i = 0; i < n; i++)
            centred[(size_t)r * size + (size_t)i] =
                (float)((double)x[(size_t)r * size + (size_t)m->order[i]] - m->mean[m->order[i]]);
#pragma omp parallel for schedule(dynamic, 8)
    for (int i = 0; i < n; i++)
        for (int r = 0; r < rows; r++) {
            const float *const row = centred + (size_t)r * size;
            if (row[i] != 0.0f)
                add_row(m->h + (size_t)i * size, row, weight[r] * (double)row[i], i + 1);
        }
    for (int i = 0; i < n; i++)
        m->h[(size_t)i * size + (size_t)i] += damping * sum / n + 1e-20;
    cholesky(m->h, n);
    for (int i = 0; i < n; i++)
        for (int k = 0; k <= i; k++)
            m->l[(size_t)i * size + (size_t)k] = (float)m->h[(size_t)i * size + (size_t)k];
    free(sorted);
    free(centred);
    return true;
}

/* Up to TOGETHER outputs' weights w (count, n) for given units, rounded to q (n, TOGETHER) in the order of m;
 * the error that remains, eᵀ H e, to left. acc: (n, TOGETHER). */
static void round_together(const moments *m, const float *w, int count, const float unit[TOGETHER],
                           float *acc, int8_t *q, double left[TOGETHER])
{
    const size_t n = (size_t)m->n;
    memset(acc, 0, n * TOGETHER * sizeof *acc);
    for (int o = 0; o < TOGETHER; o++)
        left[o] = 0;
    for (size_t j = n; j-- > 0;) {
        const float *const row = m->l + j * n;
        float off[TOGETHER] = {0};
        for (int o = 0; o < count; o++) {
            const float weight = w[(size_t)o * n + (size_t)m->order[j]],
                        target = weight + acc[j * TOGETHER + (size_t)o] / row[j];
            float whole = unit[o] > 0.0f ? nearbyintf(target / unit[o]) : 0.0f;
            whole = whole > 127.0f ? 127.0f : whole < -127.0f ? -127.0f : whole;
            q[j * TOGETHER + (size_t)o] = (int8_t)whole;
            off[o] = weight - whole * unit[o];
            const double rest = (double)row[j] * ((double)target - (double)whole * (double)unit[o]);
            left[o] += rest * rest;
        }
        for (size_t i = 0; i < j; i++)
            add_scaled(acc + i * TOGETHER, off, row[i], TOGETHER);
    }
}

/* Rounds weight (outputs, n) in place, and gives each output's unit. */
static bool round_layer(const moments *m, float *weight, int outputs, float *unit, ami_error *err)
{
    const size_t n = (size_t)m->n;
    bool ok = true;
#pragma omp parallel for schedule(dynamic, 1)
    for (int first = 0; first < outputs; first += TOGETHER) {
        const int count = outputs - first < TOGETHER ? outputs - first : TOGETHER;
        float *const w = weight + (size_t)first * n;
        float *acc = malloc(n * TOGETHER * sizeof *acc), largest[TOGETHER] = {0}, best_unit[TOGETHER] = {0};
        int8_t *q = malloc(2 * n * TOGETHER), *const best = q + n * TOGETHER;
        double least[TOGETHER];
        if (acc && q) {
            for (int o = 0; o < count; o++)
                for (size_t k = 0; k < n; k++)
                    largest[o] = fmaxf(largest[o], fabsf(w[(size_t)o * n + k]));
            for (int i = 0; i < SCALES; i++) {
                float units[TOGETHER];
                double left[TOGETHER];
                for (int o = 0; o < TOGETHER; o++) /* smaller ones cut the largest weights off */
                    units[o] = largest[o] / 127.0f * (1.0f - .06f * (float)i);
                round_together(m, w, count, units, acc, q, left);
                for (int o = 0; o < count; o++) {
                    if (i && !(left[o] < least[o]))
                        continue;
                    least[o] = left[o];
                    best_unit[o] = units[o];
                    for (size_t j = 0; j < n; j++)
                        best[j * TOGETHER + (size_t)o] = q[j * TOGETHER + (size_t)o];
                }
            }
            for (int o = 0; o < count; o++) {
                unit[first + o] = best_unit[o];
                for (size_t j = 0; j < n; j++)
                    w[(size_t)o * n + (size_t)m->order[j]] =
                        best_unit[o] * (float)best[j * TOGETHER + (size_t)o];
            }
        } else {
#pragma omp atomic write
            ok = false;
        }
        free(acc);
        free(q);
    }
    return ok || no_memory(err);
}

/* ---- the network ---- */

typedef struct rounding {
    const ami_rounding_def *def;
    ami_net *net;                      /* rounded as it goes */
    float *weight[AMI_NET_MAX_LAYERS]; /* as they were */
    float *bias[AMI_NET_MAX_LAYERS];
    float *unit[AMI_NET_MAX_LAYERS];
    float *new_weight[AMI_NET_MAX_LAYERS], *new_bias[AMI_NET_MAX_LAYERS];
    int rows;
    double *row_weight;
    float *was, *now, *next; /* (rows, widest): a layer's inputs, of the network as it was and as it is */
    float *law_in[AMI_LAWS], *law_was[AMI_LAWS], *law_now;
    int law_rows[AMI_LAWS];
} rounding;

static size_t weights(const ami_net *net, int l)
{
    return (size_t)net->dim[l] * (size_t)net->dim[l + 1];
}

static void rounding_free(rounding *r)
{
    for (int l = 0; l < AMI_NET_MAX_LAYERS; l++) {
        free(r->weight[l]);
        free(r->bias[l]);
        free(r->unit[l]);
        free(r->new_weight[l]);
        free(r->new_bias[l]);
    }
    for (int law = 0; law < AMI_LAWS; law++) {
        free(r->law_in[law]);
        free(r->law_was[law]);
    }
    free(r->law_now);
    free(r->row_weight);
    free(r->was);
    free(r->now);
    free(r->next);
}

static void *copy(const void *from, size_t size)
{
    void *to = malloc(size);
    if (to)
        memcpy(to, from, size);
    return to;
}

/* Outputs of the net as it is, in fp32. */
static bool run(const ami_net *net, const float *in, int n, float *out, ami_error *err)
{
    ami_model *model =
        ami_model_create(net, &(ami_model_def){.kernel = ami_kernel_best(AMI_PRECISION_FP32)}, err);
    void *workspace = model ? malloc(ami_model_workspace_size(model, n)) : NULL;
    if (workspace)
        ami_model_run(model, workspace, in, n, out);
    else if (model)
        (void)no_memory(err);
    const bool ok = workspace != NULL;
    free(workspace);
    ami_model_destroy(model);
    return ok;
}

static bool prepare(rounding *r, ami_error *err)
{
    const ami_net *net = r->net;
    const ami_rounding_def *def = r->def;
    const size_t inputs = (size_t)net->dim[0], outputs = (size_t)net->dim[net->layers];
    int widest = 0;
    for (int l = 0; l < net->layers; l++) {
        widest = net->dim[l] > widest ? net->dim[l] : widest;
        r->weight[l] = copy(net->weight[l], weights(net, l) * sizeof(float));
        r->bias[l] = copy(net->bias[l], (size_t)net->dim[l + 1] * sizeof(float));
        r->new_weight[l] = copy(net->weight[l], weights(net, l) * sizeof(float));
        r->new_bias[l] = copy(net->bias[l], (size_t)net->dim[l + 1] * sizeof(float));
        r->unit[l] = malloc((size_t)net->dim[l + 1] * sizeof(float));
        if (!r->weight[l] || !r->bias[l] || !r->new_weight[l] || !r->new_bias[l] || !r->unit[l])
            return no_memory(err);
    }
    int drawn = 8 * widest > LEAST_DRAWN ? 8 * widest : LEAST_DRAWN;
    drawn = def->drawn_rows > 0 ? def->drawn_rows : drawn < MOST_DRAWN ? drawn : MOST_DRAWN;
    const int zeros = 2;
    r->rows = drawn + zeros + def->row_count;
    const size_t size =
        (size_t)r->rows * (size_t)(widest > net->dim[net->layers] ? widest : net->dim[net->layers]);
    r->row_weight = malloc((size_t)r->rows * sizeof *r->row_weight);
    r->was = malloc(size * sizeof(float));
    r->now = malloc(size * sizeof(float));
    r->next = malloc(size * sizeof(float));
    r->law_now = malloc(LAW_ROWS * outputs * sizeof(float));
    if (!r->row_weight || !r->was || !r->now || !r->next || !r->law_now)
        return no_memory(err);
    ami_net_law_inputs(net, AMI_LAW_NORMAL, def->seed + 2, drawn, r->was);
    ami_net_law_inputs(net, AMI_LAW_ZEROS, 0, zeros, r->was + (size_t)drawn * inputs);
    if (def->row_count)
        memcpy(r->was + (size_t)(drawn + zeros) * inputs, def->rows,
               (size_t)def->row_count * inputs * sizeof(float));
    const double rest = 1 - zeros_share, given = def->row_count ? rest / 2 : 0;
    for (int i = 0; i < r->rows; i++)
        r->row_weight[i] = i < drawn           ? (rest - given) / drawn
                           : i < drawn + zeros ? zeros_share / zeros
                                               : given / def->row_count;
    for (size_t i = 0; net->in_mean && i < (size_t)r->rows * inputs; i++) {
        const size_t k = i % inputs;
        float v = (r->was[i] - net->in_mean[k]) / net->in_std[k];
        if (net->in_clip > 0.0f)
            v = v > net->in_clip ? net->in_clip : v < -net->in_clip ? -net->in_clip : v;
        r->was[i] = v;
    }
    memcpy(r->now, r->was, (size_t)r->rows * inputs * sizeof(float));

    for (int law = 0; law < AMI_LAWS; law++) {
        const int rows = law == AMI_LAW_GIVEN         ? 0
                         : law == AMI_LAW_ZEROS       ? 2
                         : law != AMI_LAW_CALIBRATION ? LAW_ROWS
                         : def->row_count < LAW_ROWS  ? def->row_count
                                                      : LAW_ROWS;
        r->law_rows[law] = rows;
        r->law_in[law] = malloc((size_t)(rows + 1) * inputs * sizeof(float));
        r->law_was[law] = malloc((size_t)(rows + 1) * outputs * sizeof(float));
        if (!r->law_in[law] || !r->law_was[law])
            return no_memory(err);
        for (int i = 0; law == AMI_LAW_CALIBRATION && i < rows; i++)
            memcpy(r->law_in[law] + (size_t)i * inputs,
                   def->rows + (size_t)((int64_t)i * def->row_count / rows) * inputs, inputs * sizeof(float));
        if (rows && law != AMI_LAW_CALIBRATION)
            ami_net_law_inputs(net, (ami_law)law, def->seed + 3, rows, r->law_in[law]);
        if (rows && !run(net, r->law_in[law], rows, r->law_was[law], err))
            return false;
    }
    return true;
}

/* One layer alone, as a net of its own: x (rows, inputs) → y (rows, outputs). */
static bool run_one(const ami_net *net, int l, const float *weight, const float *bias, const float *x,
                    int rows, float *y, ami_error *err)
{
    const int dim[2] = {net->dim[l], net->dim[l + 1]};
    ami_net *one = ami_net_create(1, dim, err);
    if (!one)
        return false;
    memcpy(one->weight[0], weight, weights(net, l) * sizeof(float));
    memcpy(one->bias[0], bias, (size_t)dim[1] * sizeof(float));
    one->act[0] = net->act[l];
    one->act_alpha[0] = net->act_alpha[l];
    const bool ok = run(one, x, rows, y, err);
    ami_net_destroy(one);
    return ok;
}

static void swap(float **a, float **b)
{
    float *const c = *a;
    *a = *b;
    *b = c;
}

static bool round_one(rounding *r, int l, ami_error *err)
{
    const ami_net *net = r->net;
    const size_t inputs = (size_t)net->dim[l];
    const int outputs = net->dim[l + 1];
    moments m;
    double *mean_was = calloc(inputs, sizeof *mean_was);
    if (!mean_was)
        return no_memory(err);
    if (!moments_make(&m, r->now, r->row_weight, r->rows, net->dim[l], err)) {
        free(mean_was);
        return false;
    }
    for (int i = 0; i < r->rows; i++)
        add_row(mean_was, r->was + (size_t)i * inputs, r->row_weight[i], net->dim[l]);
    bool ok = round_layer(&m, r->new_weight[l], outputs, r->unit[l], err);
    for (int o = 0; ok && o < outputs; o++) {
        double was = 0, now = 0;
        for (size_t k = 0; k < inputs; k++) {
            was += (double)r->weight[l][(size_t)o * inputs + k] * mean_was[k];
            now += (double)r->new_weight[l][(size_t)o * inputs + k] * m.mean[k];
        }
        r->new_bias[l][o] = (float)((double)r->bias[l][o] + was - now);
    }
    moments_free(&m);
    free(mean_was);
    ok = ok && run_one(net, l, r->weight[l], r->bias[l], r->was, r->rows, r->next, err);
    if (ok)
        swap(&r->was, &r->next);
    ok = ok && run_one(net, l, r->new_weight[l], r->new_bias[l], r->now, r->rows, r->next, err);
    if (ok)
        swap(&r->now, &r->next);
    return ok;
}

static void use(rounding *r, int l, bool rounded)
{
    memcpy(r->net->weight[l], rounded ? r->new_weight[l] : r->weight[l], weights(r->net, l) * sizeof(float));
    memcpy(r->net->bias[l], rounded ? r->new_bias[l] : r->bias[l],
           (size_t)r->net->dim[l + 1] * sizeof(float));
}

/* The net as it is, against what it was; the largest fraction of a law's limit. */
static bool measure(rounding *r, double mse[AMI_LAWS], const double limit[AMI_LAWS], double *share,
                    ami_error *err)
{
    const size_t outputs = (size_t)r->net->dim[r->net->layers];
    *share = 0;
    for (int law = 0; law < AMI_LAWS; law++) {
        const size_t count = (size_t)r->law_rows[law] * outputs;
        mse[law] = 0;
        if (!count)
            continue;
        if (!run(r->net, r->law_in[law], r->law_rows[law], r->law_now, err))
            return false;
        for (size_t i = 0; i < count; i++) {
            const double off = (double)r->law_now[i] - (double)r->law_was[law][i];
            mse[law] += off * off / (double)count;
        }
        const double of_limit = mse[law] / limit[law];
        *share = of_limit <= *share ? *share : of_limit; /* NaN counts */
    }
    return true;
}

typedef struct combination {
    unsigned layers; /* bit i: layer list[i] is rounded */
    double weights;
} combination;

static int most_weights_first(const void *a, const void *b)
{
    const combination *const x = a, *const y = b;
    return x->weights != y->weights ? (x->weights > y->weights ? -1 : 1) : (int)x->layers - (int)y->layers;
}

/* Of all combinations of the largest layers, the one of most weights whose error is within the limits. */
static bool choose_layers(rounding *r, ami_rounding_report *report, ami_error *err)
{
    const ami_net *const net = r->net;
    int list[MOST_LAYERS], count = 0;
    for (int l = 0; l < net->layers; l++) { /* sorted by weights, as far as they fit */
        int at = count < MOST_LAYERS ? count++ : MOST_LAYERS;
        for (; at > 0 && weights(net, list[at - 1]) < weights(net, l); at--)
            if (at < MOST_LAYERS)
                list[at] = list[at - 1];
        if (at < MOST_LAYERS)
            list[at] = l;
    }
    combination all[1 << MOST_LAYERS];
    for (unsigned c = 0; c < 1u << count; c++) {
        all[c] = (combination){.layers = c};
        for (int i = 0; i < count; i++)
            all[c].weights += c >> i & 1 ? (double)weights(net, list[i]) : 0;
    }
    qsort(all, (size_t)1 << count, sizeof all[0], most_weights_first);
    double share = (double)INFINITY;
    for (unsigned c = 0; c < 1u << count && !(share <= 1); c++) {
        for (int l = 0; l < net->layers; l++)
            report->rounded[l] = false;
        for (int i = 0; i < count; i++)
            report->rounded[list[i]] = all[c].layers >> i & 1;
        for (int l = 0; l < net->layers; l++)
            use(r, l, report->rounded[l]);
        if (!measure(r, report->mse, report->limit, &share, err))
            return false;
    }
    return true;
}

static bool round_net(rounding *r, ami_rounding_report *report, ami_error *err)
{
    ami_net *const net = r->net;
    const double max = r->def->max_mse;
    const bool given = r->def->row_count > 0;
    const double limit[AMI_LAWS] = {.35 * max, (given ? .5 : .4) * max, .6 * max, .6 * max, max};
    *report = (ami_rounding_report){0};
    memcpy(report->limit, limit, sizeof limit);
    if (!prepare(r, err))
        return false;
    for (int l = 0; l < net->layers; l++)
        if (!round_one(r, l, err))
            return false;
    return choose_layers(r, report, err) && ami_net_set_calibration(net, r->def->rows, r->def->row_count);
}

bool ami_net_round(ami_net *net, const ami_rounding_def *def, ami_rounding_report *report, ami_error *err)
{
    rounding r = {.def = def, .net = net};
    const bool ok = round_net(&r, report, err);
    for (int l = 0; l < net->layers; l++) {
        if (!ok && r.weight[l] && r.bias[l])
            use(&r, l, false);
        if (ok) { /* the old units are not those of the layer any more */
            free(net->unit[l]);
            net->unit[l] = report->rounded[l] ? r.unit[l] : NULL;
            r.unit[l] = report->rounded[l] ? NULL : r.unit[l];
        }
    }
    if (ok) {
        memcpy(net->rounding_mse, report->mse, sizeof net->rounding_mse); /* of the first laws */
    }
    rounding_free(&r);
    return ok;
}
