/* The precision of the dense parts: packs them, runs the graph on calibration rows, and keeps what is fast
 * and close enough to float32. */
#include "nets/graph/ops.h"

#include "base/number.h"
#include "base/rng.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

static bool pack(ami_graph *g, int part, ami_precision precision, const ami_kernel *kernel, ami_error *err)
{
    ami_model_def def = ami_model_default_def();
    def.precision = precision;
    def.kernel = kernel;
    ami_model *model = ami_model_create(g->part[part].net, &def, err);
    if (!model)
        return false;
    ami_model_destroy(g->part[part].model);
    g->part[part].model = model;
    return true;
}

/* ---- calibration rows ---- */

/* Constants that the input is first reduced and divided by: a normaliser. NULL where there is none. */
static const ami_value *normaliser(const ami_graph *g, int value, const char *op, int *next)
{
    for (int i = 0; i < g->steps; i++) {
        const ami_step *s = g->step[i];
        if (strcmp(s->op->name, op) != 0 || s->in[0] < 0 || s->in[1] < 0 ||
            g->value[s->in[0]].root != g->value[value].root)
            continue;
        const ami_value *v = &g->value[s->in[1]];
        if (!v->constant || ami_store_of(v->type) != AMI_STORE_FLOAT)
            continue;
        *next = s->out[0];
        return v;
    }
    return NULL;
}

static double number_at(const ami_value *v, size_t i, double otherwise)
{
    if (!v || !v->data[0])
        return otherwise;
    size_t n = 1;
    for (int k = 0; k < v->rank; k++)
        n *= (size_t)v->fixed[k];
    const double x = n ? (double)((const float *)v->data[0])[i % n] : otherwise;
    return isfinite(x) && fabs(x) < 1e6 ? x : otherwise;
}

void ami_graph_draw_inputs(const ami_graph *graph, uint64_t seed, int rows, void *const *in)
{
    for (int p = 0; p < graph->inputs; p++) {
        const ami_graph_port *port = &graph->port_in[p];
        const size_t count = ami_graph_port_count(port, rows), width = ami_graph_type_size(port->type);
        ami_rng rng = ami_rng_seed(seed, (uint64_t)p + 1);
        int next = graph->value_in[p];
        const ami_value *mean = normaliser(graph, next, "Sub", &next);
        const ami_value *std = normaliser(graph, next, "Div", &next);
        for (size_t i = 0; i < count; i++) {
            char *to = (char *)in[p] + i * width;
            if (ami_store_of(port->type) == AMI_STORE_FLOAT) {
                const float x =
                    ami_to_float(ami_rng_normal(&rng) * number_at(std, i, 1) + number_at(mean, i, 0));
                ami_graph_convert_out(port->type, &x, 1, to);
            } else { /* masks allow everything, indices begin at 0 */
                const int64_t whole = 0;
                const uint8_t truth = 1;
                ami_graph_convert_out(
                    port->type, port->type == AMI_ONNX_BOOL ? (const void *)&truth : (const void *)&whole, 1,
                    to);
            }
        }
    }
}

/* ---- observations ---- */

/* Numbers of a row of an input that takes rows of floats, each in one piece; 0: it does not. */
static size_t row_width(const ami_graph_port *port)
{
    if (!port->has_rows || ami_store_of(port->type) != AMI_STORE_FLOAT)
        return 0;
    for (int i = 0; port->dim[i] >= 0; i++)
        if (port->dim[i] != 1)
            return 0;
    return ami_graph_port_count(port, 1);
}

/* How many rows of that width the observations are: an array (1, rows, width) is `rows`, too; 0: none. */
static int row_count(const ami_named_rows *rows, size_t width)
{
    if (rows->width == width)
        return rows->count;
    const size_t count = rows->width / width;
    return rows->count == 1 && rows->width % width == 0 && count <= INT_MAX ? (int)count : 0;
}

/* The input that these observations are of. -1 and a sentence where there is none. */
static int observed_input(const ami_graph *g, const ami_named_rows *rows)
{
    char names[256] = "";
    int only = -1, takers = 0;
    for (int i = 0; i < g->inputs; i++) {
        if (!row_width(&g->port_in[i]))
            continue;
        only = i;
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s\"%.40s\"", takers++ ? ", " : "",
                 g->port_in[i].name);
    }
    const int at = rows->input ? ami_graph_find_input(g, rows->input) : takers == 1 ? only : -1;
    if (at < 0 || !row_width(&g->port_in[at])) {
        if (rows->input)
            ami_graph_fail(g, "observations are given for \"%.60s\"; inputs that take rows of numbers: %s",
                           rows->input, takers ? names : "none");
        else
            ami_graph_fail(g,
                           "observations are given without an input's name; inputs that take rows of "
                           "numbers: %s",
                           takers ? names : "none");
        return -1;
    }
    if (row_count(rows, row_width(&g->port_in[at])) > 0)
        return at;
    ami_graph_fail(g, "the observations have %zu numbers a row, input \"%.60s\" takes %zu", rows->width,
                   g->port_in[at].name, row_width(&g->port_in[at]));
    return -1;
}

static bool check_observed(const ami_graph *g, const ami_model_def *def)
{
    for (int i = 0; i < def->observed_count; i++)
        if (observed_input(g, &def->observed[i]) < 0)
            return false;
    return true;
}

/* Observations in place of the rows drawn, evenly chosen. */
static void put_observed(const ami_graph *g, const ami_model_def *def, int rows, void *const *in)
{
    for (int i = 0; i < def->observed_count; i++) {
        const ami_named_rows *from = &def->observed[i];
        const int at = observed_input(g, from), type = g->port_in[at].type;
        const size_t width = row_width(&g->port_in[at]);
        const int count = row_count(from, width);
        for (int r = 0; r < rows; r++)
            ami_graph_convert_out(type, from->rows + (size_t)((int64_t)r * count / rows) * width, width,
                                  (char *)in[at] + (size_t)r * width * ami_graph_type_size(type));
    }
}

typedef struct calibration {
    int rows;
    void *in[AMI_GRAPH_PORTS], *out[AMI_GRAPH_PORTS];
    float *exact[AMI_GRAPH_PORTS]; /* NULL: no output of floats */
    char *workspace;
    size_t workspace_size;
} calibration;

static void calibration_free(calibration *c)
{
    for (int i = 0; i < AMI_GRAPH_PORTS; i++) {
        free(c->in[i]);
        free(c->out[i]);
        free(c->exact[i]);
    }
    free(c->workspace);
}

static bool run(const ami_graph *g, calibration *c, ami_error *err)
{
    const size_t size = ami_graph_workspace_size(g, c->rows);
    if (size > c->workspace_size) {
        free(c->workspace);
        c->workspace = malloc(size);
        c->workspace_size = c->workspace ? size : 0;
        if (!c->workspace)
            return ami_fail(err, "not enough memory");
    }
    const void *in[AMI_GRAPH_PORTS];
    for (int i = 0; i < AMI_GRAPH_PORTS; i++)
        in[i] = c->in[i];
    return ami_graph_run(g, c->workspace, c->rows, in, c->out, err);
}

/* Output `o` as float; 0 where it is none. */
static size_t floats_of(const ami_graph *g, const calibration *c, int o, float *to)
{
    const ami_graph_port *port = &g->port_out[o];
    if (ami_store_of(port->type) != AMI_STORE_FLOAT)
        return 0;
    const size_t count = ami_graph_port_count(port, c->rows);
    if (to)
        ami_graph_convert_in(port->type, c->out[o], count, to);
    return count;
}

/* What an error measured on few numbers is multiplied with to be sure of the true one: as in nets/model.c
 * (Wilson and Hilferty 1931, three standard deviations). */
static double doubt(int rows, size_t numbers)
{
    const size_t of_a_row = numbers / (size_t)rows;
    const double part = 2 / (9. * rows * (double)(of_a_row < 1 ? 1 : of_a_row < 8 ? of_a_row : 8));
    const double root = 1 - part - 3 * sqrt(part);
    return root > .1 ? 1 / (root * root * root) : 1000;
}

/* The largest mean squared error of an output; *sure: with doubt. */
static double error_of(const ami_graph *g, calibration *c, double *sure, bool *memory)
{
    double worst = 0;
    *sure = 0;
    for (int o = 0; o < g->outputs; o++) {
        if (!c->exact[o])
            continue;
        const size_t count = floats_of(g, c, o, NULL);
        float *got = malloc((count + 1) * sizeof *got);
        if (!got) {
            *memory = false;
            return INFINITY;
        }
        floats_of(g, c, o, got);
        double sum = 0;
        for (size_t i = 0; i < count; i++) {
            const float u = got[i], v = c->exact[o][i];
            if (u != v && !(isnan(u) && isnan(v)))
                sum += ((double)u - (double)v) * ((double)u - (double)v);
        }
        free(got);
        const double mse = count ? sum / (double)count : 0;
        worst = mse > worst || isnan(mse) ? (isnan(mse) ? INFINITY : mse) : worst;
        *sure = fmax(*sure, isnan(mse) ? INFINITY : mse * doubt(c->rows, count));
    }
    return worst;
}

static bool begin(const ami_graph *g, calibration *c, const ami_model_def *def, ami_error *err)
{
    bool ok = true;
    for (int i = 0; i < g->inputs && ok; i++)
        ok = (c->in[i] = malloc(ami_graph_port_count(&g->port_in[i], c->rows) *
                                    ami_graph_type_size(g->port_in[i].type) +
                                1)) != NULL;
    for (int o = 0; o < g->outputs && ok; o++)
        ok = (c->out[o] = malloc(ami_graph_port_count(&g->port_out[o], c->rows) *
                                     ami_graph_type_size(g->port_out[o].type) +
                                 1)) != NULL;
    if (!ok)
        return ami_fail(err, "not enough memory");
    ami_graph_draw_inputs(g, def->seed, c->rows, c->in);
    put_observed(g, def, c->rows, c->in);
    if (!run(g, c, err))
        return false;
    for (int o = 0; o < g->outputs; o++) {
        const size_t count = floats_of(g, c, o, NULL);
        if (count == 0)
            continue;
        c->exact[o] = malloc(count * sizeof *c->exact[o]);
        if (!c->exact[o])
            return ami_fail(err, "not enough memory");
        floats_of(g, c, o, c->exact[o]);
    }
    return true;
}

/* ---- the choice ---- */

static const ami_precision fastest_first[] = {AMI_PRECISION_INT8, AMI_PRECISION_INT16, AMI_PRECISION_BF16};
enum { OBSERVED = 256 /* rows of observations looked at, at most */ };
enum { NARROW = sizeof fastest_first / sizeof *fastest_first };

/* Tries a precision for parts [first, end); keeps it where the error allows. */
static bool try_precision(ami_graph *g, calibration *c, int first, int end, ami_precision precision,
                          double limit, bool *kept, ami_error *err)
{
    bool memory = true;
    for (int p = first; p < end; p++)
        if (!pack(g, p, precision, NULL, err))
            return false;
    if (!run(g, c, err))
        return false;
    double sure;
    const double mse = error_of(g, c, &sure, &memory);
    if (!memory)
        return ami_fail(err, "not enough memory");
    *kept = sure <= limit;
    if (*kept)
        g->info.mse = mse;
    return true;
}

static bool choose(ami_graph *g, const ami_model_def *def, ami_error *err)
{
    calibration c = {.rows = def->calibration_rows > 0 ? def->calibration_rows : 1};
    for (int i = 0; i < def->observed_count; i++) {
        const ami_named_rows *rows = &def->observed[i];
        const int all = row_count(rows, row_width(&g->port_in[observed_input(g, rows)]));
        const int count = all < OBSERVED ? all : OBSERVED;
        c.rows = count > c.rows ? count : c.rows;
    }
    const double limit = def->max_mse;
    bool ok = begin(g, &c, def, err), kept = false;
    g->info.mse = 0;
    for (int i = 0; i < NARROW && ok && !kept; i++)
        if (ami_kernel_is_fast(fastest_first[i]))
            ok = try_precision(g, &c, 0, g->parts, fastest_first[i], limit, &kept, err);
    /* Not all parts alike: each for itself, on top of those before. */
    for (int p = 0; p < g->parts && ok && !kept; p++)
        ok = pack(g, p, AMI_PRECISION_FP32, NULL, err);
    for (int p = 0; p < g->parts && ok && !kept && g->parts > 1; p++) {
        bool own = false;
        for (int i = 0; i < NARROW && ok && !own; i++)
            if (ami_kernel_is_fast(fastest_first[i]))
                ok = try_precision(g, &c, p, p + 1, fastest_first[i], limit, &own, err);
        if (ok && !own)
            ok = pack(g, p, AMI_PRECISION_FP32, NULL, err);
    }
    calibration_free(&c);
    return ok;
}

/* What a calibration run costs at most: products of one row, times rows, times precisions. */
static bool can_calibrate(const ami_graph *g)
{
    return g->parts > 0 && g->info.multiplications < (int64_t)1 << 26 &&
           g->row_bytes + g->fixed_bytes < (size_t)64 << 20;
}

bool ami_graph_choose_precision(ami_graph *g, const ami_model_def *def, ami_error *err)
{
    const ami_kernel *kernel = def->kernel;
    g->info.steps = g->steps;
    g->info.parts = g->parts;
    g->info.mse = NAN;
    if (!kernel && def->precision == AMI_PRECISION_AUTO && !ami_kernel_from_environment(&kernel, err))
        return ami_fail_in(err, "%s", g->path);
    const bool choice = !kernel && def->precision == AMI_PRECISION_AUTO;
    if (!check_observed(g, def))
        return false;
    for (int p = 0; p < g->parts; p++) {
        ami_part *part = &g->part[p];
        part->layers = part->net->layers;
        g->info.multiplications += part->multiplications * (part->rows > 0 ? part->rows : 1);
        if (!pack(g, p, choice ? AMI_PRECISION_FP32 : def->precision, kernel, err))
            return ami_fail_in(err, "%s", g->path);
    }
    if (ami_graph_workspace_size(g, 1) > AMI_GRAPH_WORKSPACE)
        return ami_graph_fail(g, "needs %zu bytes of workspace for one row, at most %zu are supported",
                              ami_graph_workspace_size(g, 1), AMI_GRAPH_WORKSPACE);
    if (choice && can_calibrate(g) && !choose(g, def, err))
        return ami_fail_in(err, "%s", g->path);
    for (int p = 0; p < g->parts; p++) {
        g->info.parameters += ami_net_parameters(g->part[p].net);
        g->info.bytes += ami_model_bytes(g->part[p].model);
        ami_net_destroy(g->part[p].net);
        g->part[p].net = NULL;
    }
    for (int v = 0; v < g->values; v++) {
        const ami_value *value = &g->value[v];
        if (!value->constant || value->root != v || value->users == 0)
            continue;
        size_t n = 1;
        for (int i = 0; i < value->rank; i++)
            n *= (size_t)value->fixed[i];
        g->info.bytes += n * ami_store_size(ami_store_of(value->type));
        if (ami_store_of(value->type) == AMI_STORE_FLOAT)
            g->info.parameters += n;
    }
    return true;
}

void ami_graph_describe(const ami_graph *graph, char *text, size_t size)
{
    int used = snprintf(text, size, "%d dense part%s on kernels", graph->parts, graph->parts == 1 ? "" : "s");
    for (int p = 0; p < graph->parts && used >= 0 && (size_t)used < size; p++)
        used += snprintf(text + used, size - (size_t)used, "%s %s", p ? "" : ":",
                         ami_precision_name(ami_model_precision(graph->part[p].model)));
    if (graph->parts > 0 && used >= 0 && (size_t)used < size && !isnan(graph->info.mse))
        ami_number_format(text + used, size - (size_t)used, ", mean squared error %.1e against fp32",
                          graph->info.mse);
}
