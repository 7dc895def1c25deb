/* amble model check: how far each precision's outputs are from double precision, and from given outputs,
 * on the same inputs; and whether what would be used by itself (auto) is exact enough. */
#include "cli/cmd_model_graph.h"
#include "nets/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_INPUT = 'i', KEY_AGAINST = 'a', KEY_ROWS = 'n', KEY_CALIBRATE = 'c' };

enum {
    BLOCK = 64, /* rows at once: what is held in memory does not grow with the input */
    MOST_ROWS = 100000,
    LAW_ROWS = 256,
    AUTO = AMI_PRECISIONS, /* entries of the tables below: a forced precision each, then what auto takes, then
                              double precision */
    DOUBLE,
    ENTRIES
};

typedef struct options {
    cli_common common;
    const char *file, *input, *against; /* input: the first of `inputs` */
    cli_calibration calibration;
    char *inputs[AMI_GRAPH_PORTS];
    int input_count;
    int rows;
} options;

static error_t parse(int key, char *text, struct argp_state *state)
{
    options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->common;
        return 0;
    case KEY_INPUT:
        if (o->input_count == AMI_GRAPH_PORTS)
            argp_error(state, "--input is given more than %d times", (int)AMI_GRAPH_PORTS);
        o->inputs[o->input_count++] = text;
        o->input = o->inputs[0];
        return 0;
    case KEY_AGAINST:
        o->against = text;
        return 0;
    case KEY_CALIBRATE:
        cli_calibration_add(&o->calibration, text, state);
        return 0;
    case KEY_ROWS:
        o->rows = (int)cli_int(state, text, 1, MOST_ROWS, "--rows");
        return 0;
    case ARGP_KEY_END:
        if (o->against && !o->input)
            argp_error(state, "--against compares outputs for the rows of --input IN.npy, which is missing");
        return 0;
    default:
        return model_file_argument(key, text, state, &o->file) ? 0 : ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"input", KEY_INPUT, "[NAME=]IN.npy", 0,
     "measure on these rows: (rows, inputs), (rows, the file's own input shape), or (inputs,) for one; "
     "float64 is rounded",
     1},
    {"against", KEY_AGAINST, "REF.npy", 0, "compare with these outputs for IN.npy too, float32 or float64",
     1},
    {"calibrate", KEY_CALIBRATE, "ROWS.npy", 0, CLI_CALIBRATE_HELP, 1},
    {"rows", KEY_ROWS, "N", 0,
     "without --input: measure on N rows drawn as the network's normaliser expects them (default 256); with "
     "it: on "
     "the first N",
     1},
    {0},
};

/* Sums of one comparison, and the largest difference. */
typedef struct difference {
    double squares, largest;
    long row, output; /* of the largest */
    double count;
} difference;

static void compare(difference *d, const double *got, const double *want, long first_row, int rows,
                    int outputs)
{
    for (int i = 0; i < rows * outputs; i++) {
        const double off = fabs(got[i] - want[i]);
        d->squares += off * off;
        if (!(off <= d->largest)) { /* NaN counts as largest of all */
            d->largest = isnan(off) ? (double)INFINITY : off;
            d->row = first_row + i / outputs;
            d->output = i % outputs;
        }
    }
    d->count += (double)rows * outputs;
}

/* NaN becomes infinity: as far off as can be. */
static double mean_square(const difference *d)
{
    const double mean = d->squares / d->count;
    return isnan(mean) ? (double)INFINITY : mean;
}

typedef struct entry {
    ami_model *model;       /* NULL: this precision does not run here; and for DOUBLE */
    void *workspace;        /* for BLOCK rows */
    char why[256];          /* why there is no model */
    difference own, others; /* from double precision; from --against */
} entry;

typedef struct check {
    const options *o;
    char path[4096];
    ami_net *net;
    int rows;
    ami_npy input, against; /* (rows, inputs) and (rows, outputs), or no data */
    double limit;
    entry e[ENTRIES];
    difference law[AMI_LAWS_ALL]; /* of auto, from double precision; count 0: no rows */
} check;

static bool make_model(check *c, int i, const ami_model_def *def, ami_error *err)
{
    entry *e = &c->e[i];
    e->model = ami_model_create(c->net, def, err);
    if (!e->model)
        return false;
    e->workspace = malloc(ami_model_workspace_size(e->model, BLOCK));
    return e->workspace || ami_fail(err, "out of memory for %d rows", (int)BLOCK);
}

/* Every precision that runs here, and auto. Only auto has to work. */
static bool make_models(check *c, ami_error *err)
{
    ami_model_def def = ami_model_default_def();
    c->limit = def.max_mse;
    if (!make_model(c, AUTO, &def, err))
        return false;
    for (int p = 0; p < AMI_PRECISIONS; p++) {
        entry *e = &c->e[p];
        def.precision = (ami_precision)p;
        if (!make_model(c, p, &def, err))
            return false;
        if (ami_model_precision(e->model) != def.precision) {
            ami_model_destroy(e->model);
            e->model = NULL;
            snprintf(e->why, sizeof e->why, "no kernel of this precision runs here");
        }
    }
    return true;
}

/* Numbers that are not finite make every comparison meaningless. */
static bool all_finite(const char *path, const ami_npy *a, int rows, ami_error *err)
{
    const size_t width = a->count / (size_t)rows;
    for (size_t i = 0; i < a->count; i++) {
        const double v = a->type == AMI_NPY_FLOAT32 ? (double)a->f32[i] : a->f64[i];
        if (!isfinite(v))
            return ami_fail(err, "%s: number %zu of row %zu is %g, finite ones were expected", path,
                            i % width, i / width, v);
    }
    return true;
}

static bool read_rows(check *c, ami_error *err)
{
    const options *o = c->o;
    c->rows = o->rows ? o->rows : 256;
    if (!o->input)
        return true;
    int rows;
    if (!model_read_inputs(c->net, o->input, &c->input, &rows, err) ||
        !all_finite(o->input, &c->input, rows, err))
        return false;
    if (o->against && (!model_read_outputs(c->net, o->against, rows, &c->against, err) ||
                       !all_finite(o->against, &c->against, rows, err)))
        return false;
    if (o->rows > rows)
        return ami_fail(err, "--rows is %d, but %s has %d", o->rows, o->input, rows);
    c->rows = o->rows ? o->rows : rows;
    return true;
}

/* One block of rows through everything. The buffers: (BLOCK, outputs) each. */
static bool measure_block(check *c, const float *in, long first, int n, float *narrow, double *wide,
                          double *exact, ami_error *err)
{
    const int outputs = c->net->dim[c->net->layers];
    const double *ref = c->against.data ? c->against.f64 + (size_t)first * (size_t)outputs : NULL;
    if (!ami_net_run_double(c->net, in, n, exact, err))
        return false;
    if (ref)
        compare(&c->e[DOUBLE].others, exact, ref, first, n, outputs);
    for (int i = 0; i <= AUTO; i++) {
        entry *e = &c->e[i];
        if (!e->model)
            continue;
        ami_model_run(e->model, e->workspace, in, n, narrow);
        for (int k = 0; k < n * outputs; k++)
            wide[k] = narrow[k];
        compare(&e->own, wide, exact, first, n, outputs);
        if (ref)
            compare(&e->others, wide, ref, first, n, outputs);
    }
    return true;
}

static bool measure(check *c, ami_error *err)
{
    const size_t inputs = (size_t)c->net->dim[0], outputs = (size_t)c->net->dim[c->net->layers];
    float *drawn = c->input.data ? NULL : malloc((size_t)c->rows * inputs * sizeof *drawn);
    float *narrow = malloc(BLOCK * outputs * sizeof *narrow);
    double *wide = malloc(2 * BLOCK * outputs * sizeof *wide);
    bool ok = (drawn || c->input.data) && narrow && wide;
    if (!ok)
        ami_fail(err, "out of memory for %d rows of %zu numbers", c->rows, inputs);
    if (drawn)
        ami_net_calibration_inputs(c->net, c->o->common.seed, c->rows, drawn);
    const float *in = drawn ? drawn : c->input.f32;
    for (int first = 0; ok && first < c->rows; first += BLOCK) {
        const int n = c->rows - first < BLOCK ? c->rows - first : BLOCK;
        ok = measure_block(c, in + (size_t)first * inputs, first, n, narrow, wide, wide + BLOCK * outputs,
                           err);
    }
    free(drawn);
    free(narrow);
    free(wide);
    return ok;
}

/* What auto takes, on the laws that it promises something about and on wider ones. */
static bool measure_laws(check *c, ami_error *err)
{
    const size_t inputs = (size_t)c->net->dim[0], outputs = (size_t)c->net->dim[c->net->layers];
    float *in = malloc(BLOCK * inputs * sizeof *in), *narrow = malloc(BLOCK * outputs * sizeof *narrow);
    double *wide = malloc(2 * BLOCK * outputs * sizeof *wide), *exact = wide + BLOCK * outputs;
    bool ok = in && narrow && wide;
    if (!ok)
        ami_fail(err, "out of memory for %d rows of %zu numbers", (int)BLOCK, inputs);
    for (int law = 0; ok && law < AMI_LAWS_ALL; law++) {
        const int rows = law == AMI_LAW_CALIBRATION ? c->net->calibration_rows
                         : law == AMI_LAW_GIVEN     ? 0
                         : law == AMI_LAW_ZEROS     ? 2
                                                    : LAW_ROWS;
        for (int first = 0; ok && first < rows; first += BLOCK) {
            const int n = rows - first < BLOCK ? rows - first : BLOCK;
            if (law == AMI_LAW_CALIBRATION)
                memcpy(in, c->net->calibration + (size_t)first * inputs, (size_t)n * inputs * sizeof *in);
            else
                ami_net_law_inputs(c->net, (ami_law)law, c->o->common.seed + (uint64_t)first, n, in);
            ok = ami_net_run_double(c->net, in, n, exact, err);
            if (!ok)
                break;
            ami_model_run(c->e[AUTO].model, c->e[AUTO].workspace, in, n, narrow);
            for (size_t k = 0; k < (size_t)n * outputs; k++)
                wide[k] = (double)narrow[k];
            compare(&c->law[law], wide, exact, first, n, (int)outputs);
        }
    }
    free(in);
    free(narrow);
    free(wide);
    return ok;
}

static bool promised(ami_law law)
{
    return law < AMI_LAWS;
}

/* Where no rows were given, the promise counts too. */
static bool laws_kept(const check *c)
{
    bool kept = true;
    for (int law = 0; law < AMI_LAWS; law++)
        kept &= c->law[law].count == 0 || mean_square(&c->law[law]) <= c->limit;
    return kept || c->input.data;
}

static bool within(const check *c, const entry *e)
{
    return mean_square(&e->own) <= c->limit && (!c->against.data || mean_square(&e->others) <= c->limit);
}

static void print_difference(const difference *d)
{
    char where[48];
    snprintf(where, sizeof where, "(%ld, %ld)", d->row, d->output);
    printf("  %12.3g  %12.3g %-13s", mean_square(d), d->largest, where);
}

static void print_table(const check *c)
{
    const ami_precision taken = ami_model_precision(c->e[AUTO].model);
    const bool uniform = !strchr(ami_model_precisions(c->e[AUTO].model), ' ');
    const int inputs = c->net->dim[0], outputs = c->net->dim[c->net->layers];
    printf("%s: %d input%s, %d output%s; measured on %d row%s ", c->path, inputs, cli_plural(inputs), outputs,
           cli_plural(outputs), c->rows, cli_plural(c->rows));
    if (c->input.data)
        printf("of %s\n\n", c->o->input);
    else
        printf("of its normaliser's distribution, seed %llu\n\n", (unsigned long long)c->o->common.seed);
    printf("                                        against double precision                 %s\n",
           c->against.data ? c->o->against : "");
    printf("precision  kernel            packed KB    mean square       largest (row, output)%s\n",
           c->against.data ? "   mean square       largest (row, output)" : "");
    for (int p = 0; p < AMI_PRECISIONS; p++) {
        const entry *e = &c->e[p];
        if (!e->model) {
            printf("%-9s  not here: %s\n", ami_precision_name((ami_precision)p), e->why);
            continue;
        }
        printf("%-9s  %-16s  %9.0f", ami_precision_name((ami_precision)p), ami_model_kernel_name(e->model),
               (double)ami_model_bytes(e->model) / 1024);
        print_difference(&e->own);
        if (c->against.data)
            print_difference(&e->others);
        printf("%s%s\n", p == (int)taken && uniform ? "  taken by auto" : "",
               within(c, e) ? "" : "  beyond the limit");
    }
    if (c->against.data) {
        printf("%-9s  %-16s  %9s  %12s  %12s %-13s", "double", "", "", "", "", "");
        print_difference(&c->e[DOUBLE].others);
        printf("\n");
    }
    char choice[1024];
    ami_model_describe(c->e[AUTO].model, choice, sizeof choice);
    printf("\nauto takes %s.\n", choice);
    static const char *const what[AMI_LAWS_ALL] = {"observations that the file carries",
                                                   "N(0,1) through the normaliser",
                                                   "zeros, and the normaliser's mean",
                                                   "single inputs at their limits",
                                                   "",
                                                   "every input at 3 standard deviations",
                                                   "N(0,1), not through the normaliser"};
    printf("\nauto's mean square on       rows  mean square  \n");
    for (int law = 0; law < AMI_LAWS_ALL; law++)
        if (c->law[law].count > 0)
            printf("  %-37s %5.0f %12.3g  %s\n", what[law], c->law[law].count / outputs,
                   mean_square(&c->law[law]),
                   !promised((ami_law)law)                 ? "not promised"
                   : mean_square(&c->law[law]) <= c->limit ? "within the limit"
                                                           : "BEYOND THE LIMIT");
    printf("%s: %.3g against double precision", laws_kept(c) && within(c, &c->e[AUTO]) ? "good" : "FAILED",
           mean_square(&c->e[AUTO].own));
    if (c->against.data)
        printf(", %.3g against %s", mean_square(&c->e[AUTO].others), c->o->against);
    printf("; the limit is %.3g.\n", c->limit);
}

static json_t *difference_json(const difference *d)
{
    return json_pack("{s:o, s:o, s:I, s:I}", "mse", cli_real(mean_square(d)), "largest", cli_real(d->largest),
                     "row", (json_int_t)d->row, "output", (json_int_t)d->output);
}

static json_t *entry_json(const check *c, int p)
{
    const entry *e = &c->e[p];
    const ami_precision own = e->model ? ami_model_precision(e->model) : (ami_precision)p;
    if (!e->model)
        return json_pack("{s:s, s:b, s:s}", "precision", ami_precision_name(own), "runs", 0, "why", e->why);
    return json_pack("{s:s, s:b, s:s, s:I, s:o, s:o, s:b}", "precision", ami_precision_name(own), "runs", 1,
                     "kernel", ami_model_kernel_name(e->model), "packed_bytes",
                     (json_int_t)ami_model_bytes(e->model), "double", difference_json(&e->own), "against",
                     c->against.data ? difference_json(&e->others) : json_null(), "within",
                     (int)within(c, e));
}

static json_t *check_json(const check *c)
{
    char choice[1024];
    json_t *rows = json_array(), *laws = json_array();
    for (int law = 0; law < AMI_LAWS_ALL; law++)
        if (c->law[law].count > 0)
            json_array_append_new(laws, json_pack("{s:s, s:f, s:o, s:b}", "law", ami_law_name((ami_law)law),
                                                  "rows", c->law[law].count / c->net->dim[c->net->layers],
                                                  "mse", cli_real(mean_square(&c->law[law])), "promised",
                                                  (int)promised((ami_law)law)));
    for (int p = 0; p < AMI_PRECISIONS; p++)
        json_array_append_new(rows, entry_json(c, p));
    ami_model_describe(c->e[AUTO].model, choice, sizeof choice);
    return json_pack("{s:o, s:i, s:i, s:i, s:o, s:o, s:I, s:f, s:o, s:o, s:s, s:s, s:o, s:o, s:b}", "file",
                     cli_text(c->path), "inputs", c->net->dim[0], "outputs", c->net->dim[c->net->layers],
                     "rows", c->rows, "input", cli_text(c->o->input), "against", cli_text(c->o->against),
                     "seed", (json_int_t)c->o->common.seed, "limit", c->limit, "precisions", rows, "auto",
                     entry_json(c, AUTO), "choice", choice, "precisions_auto",
                     ami_model_precisions(c->e[AUTO].model), "laws", laws, "double_against",
                     c->against.data ? difference_json(&c->e[DOUBLE].others) : json_null(), "passed",
                     (int)(laws_kept(c) && within(c, &c->e[AUTO])));
}

static int run(const options *o, ami_error *err)
{
    check *c = calloc(1, sizeof *c);
    int status = CLI_BAD_INPUT;
    if (!c) {
        ami_fail(err, "out of memory");
        return CLI_BAD_INPUT;
    }
    c->o = o;
    ami_graph *graph;
    if (!model_open(o->file, c->path, sizeof c->path, NULL, NULL, &c->net, &graph, err)) {
        free(c);
        return CLI_BAD_INPUT;
    }
    if (graph) {
        ami_graph_destroy(graph);
        if (o->against)
            ami_fail(err, "--against compares chains of dense layers, %s is a graph", c->path);
        else
            status = model_graph_check(c->path, (char *const *)o->inputs, o->input_count, &o->calibration,
                                       o->common.seed, o->rows ? o->rows : 256, o->common.json, err);
        free(c);
        return status;
    }
    if (c->net && model_calibrate(c->net, &o->calibration, err) && read_rows(c, err) && make_models(c, err)) {
        const bool table = !o->common.json || strcmp(o->common.json, "-") != 0;
        if (measure(c, err) && measure_laws(c, err)) {
            if (table)
                print_table(c);
            if (cli_write_json(o->common.json, o->common.json ? check_json(c) : NULL, err)) {
                status = laws_kept(c) && within(c, &c->e[AUTO]) ? EXIT_SUCCESS : EXIT_FAILURE;
                err->text[0] = 0;
            }
        }
    }
    for (int i = 0; i < ENTRIES; i++) {
        ami_model_destroy(c->e[i].model);
        free(c->e[i].workspace);
    }
    ami_npy_free(&c->input);
    ami_npy_free(&c->against);
    ami_net_destroy(c->net);
    free(c);
    return status;
}

int cmd_model_check(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_seed_argp, 0, NULL, 90}, {0}};
    static const struct argp argp = {
        option_list,
        parse,
        "FILE.onnx",
        "Runs a network at every precision that this machine has and says how far the outputs are from "
        "double precision.\v"
        "Exit status 1 if what auto takes, the precision that every other subcommand uses by itself, has a "
        "mean squared error above "
        "1e-6 here, against double precision or against REF.npy. A precision that is beyond the limit and "
        "that auto does not take is "
        "marked "
        "so and fails nothing. auto chose on rows of its own; those measured here are others (--seed). What "
        "auto "
        "takes is measured on the laws that it promises 1e-6 on, and on wider ones.\n\n"
        "Example: amble model check walk.onnx --input observations.npy --against pytorch.npy",
        children,
        NULL,
        NULL};
    options o = {.common = {.seed = 1}};
    cli_parse(&argp, argc, argv, &o);
    ami_error err = {""};
    const int status = run(&o, &err);
    return status == EXIT_SUCCESS || !err.text[0] ? status : model_fail("check", &err, status);
}
