/* amble model run: the rows of a .npy file through a network, into another .npy file. Rows are shared out
 * over threads; what comes out of a row does not depend on how. */
#include "base/clock.h"
#include "cli/cmd_model_graph.h"
#include "nets/model.h"
#include "nets/onnx/onnx.h"
#include "nets/onnx/tensor.h"
#include "options/precision.h"
#include "options/threads.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#endif

enum { KEY_INPUT = 'i', KEY_OUTPUT = 'o', KEY_PRECISION = 'p', KEY_CALIBRATE = 'c', KEY_HEAD = CLI_KEY_OWN };

enum {
    BLOCK = 64, /* rows that a thread takes at once */
    MAX_INPUTS = AMI_GRAPH_PORTS
};

typedef struct options {
    cli_common common;
    const char *file, *input, *output, *head; /* input: the first of `inputs` */
    cli_calibration calibration;
    char *inputs[MAX_INPUTS];
    int input_count;
    ami_precision precision;
} options;

static error_t parse(int key, char *text, struct argp_state *state)
{
    options *o = state->input;
    ami_error err = {""};
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->common;
        return 0;
    case KEY_INPUT:
        if (o->input_count == MAX_INPUTS)
            argp_error(state, "--input is given more than %d times", (int)MAX_INPUTS);
        o->inputs[o->input_count++] = text;
        o->input = o->inputs[0];
        return 0;
    case KEY_OUTPUT:
        o->output = text;
        return 0;
    case KEY_PRECISION:
        if (!cli_parse_precision(text, &o->precision, &err))
            argp_error(state, "%s", err.text);
        return 0;
    case KEY_CALIBRATE:
        cli_calibration_add(&o->calibration, text, state);
        return 0;
    case KEY_HEAD:
        o->head = text;
        return 0;
    case ARGP_KEY_END:
        if (!o->input || !o->output)
            argp_error(state, "%s",
                       o->input ? "where to? Give --output OUT.npy" : "which rows? Give --input IN.npy");
        return 0;
    default:
        return model_file_argument(key, text, state, &o->file) ? 0 : ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"input", KEY_INPUT, "[NAME=]IN.npy", 0,
     "the rows: (rows, inputs), (rows, the file's own input shape), or (inputs,) for one; float64 is "
     "rounded. "
     "Once for each input of the network, with its NAME where there are several",
     1},
    {"output", KEY_OUTPUT, "OUT.npy", 0,
     "where the outputs go, in the file's type: (rows, the output's shape), several heads side by side; "
     "OUT.npz: an "
     "array "
     "for each output, under its name",
     1},
    {"head", KEY_HEAD, "NAME", 0, "of several outputs only this one, in its own shape", 1},
    {"precision", KEY_PRECISION, "NAME", 0,
     "fp32, bf16, int16, int8, or auto (default): the fastest of mean squared error below 1e-6, on IN.npy "
     "too",
     1},
    {"calibrate", KEY_CALIBRATE, "ROWS.npy", 0, CLI_CALIBRATE_HELP, 1},
    {0},
};

/* in (rows, inputs) → out (rows, outputs). */
static bool run_rows(const ami_model *model, const float *in, int rows, float *out, ami_error *err)
{
#ifdef _OPENMP
    const int threads = omp_get_max_threads();
#else
    const int threads = 1;
#endif
    const size_t inputs = (size_t)ami_model_inputs(model), outputs = (size_t)ami_model_outputs(model);
    /* no cache line of two threads */
    const size_t each = (ami_model_workspace_size(model, BLOCK) + 127) / 64 * 64;
    char *workspace = malloc((size_t)threads * each);
    if (!workspace)
        return ami_fail(err, "out of memory for %d threads", threads);
    const int blocks = (rows - 1) / BLOCK + 1;
#pragma omp parallel for schedule(dynamic, 1)
    for (int b = 0; b < blocks; b++) {
#ifdef _OPENMP
        const int me = omp_get_thread_num();
#else
        const int me = 0;
#endif
        const int n = rows - b * BLOCK < BLOCK ? rows - b * BLOCK : BLOCK;
        const size_t first = (size_t)b * BLOCK;
        ami_model_run(model, workspace + (size_t)me * each, in + first * inputs, n, out + first * outputs);
    }
    free(workspace);
    return true;
}

/* What to write of each row: `width` numbers from `first`, of this shape. */
typedef struct slice {
    int first, width, type; /* type: in the file */
    ami_net_shape shape;
} slice;

static bool choose_slice(const ami_net *net, const char *head, slice *s, ami_error *err)
{
    const int outputs = net->dim[net->layers];
    *s = (slice){0, outputs, net->head[0].type,
                 net->heads == 1 ? net->head[0].shape : (ami_net_shape){1, {outputs}}};
    if (!head)
        return true;
    char names[256] = "";
    int first = 0;
    for (int h = 0; h < net->heads; h++) {
        const ami_net_head *this = &net->head[h];
        if (this->name && !strcmp(this->name, head)) {
            *s = (slice){first, this->outputs, this->type, this->shape};
            return true;
        }
        first += this->outputs;
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%.40s", h ? ", " : "",
                 this->name ? this->name : "(no name)");
    }
    return ami_fail(err, "no head is named \"%.60s\"; there is %s", head, names);
}

/* Floats as the file's own type has them: float16 and float64 where it says so. */
static bool as_in_file(int type, ami_npy *a, ami_error *err)
{
    if (type != AMI_ONNX_FLOAT16 && type != AMI_ONNX_FLOAT64)
        return true;
    void *data = malloc(a->count * ami_graph_type_size(type) + 1);
    if (!data)
        return ami_fail(err, "out of memory for %zu numbers", a->count);
    ami_graph_convert_out(type, a->f32, a->count, data);
    free(a->data);
    a->data = data;
    a->type = type == AMI_ONNX_FLOAT16 ? AMI_NPY_FLOAT16 : AMI_NPY_FLOAT64;
    return true;
}

static bool write_slice(const options *o, const slice *s, const float *out, int rows, int outputs,
                        ami_error *err)
{
    ami_npy a = {.type = AMI_NPY_FLOAT32, .rank = 1 + s->shape.rank, .shape = {(size_t)rows}};
    for (int i = 0; i < s->shape.rank; i++)
        a.shape[1 + i] = (size_t)s->shape.dim[i];
    a.count = (size_t)rows * (size_t)s->width;
    a.data = malloc(a.count * sizeof *a.f32);
    if (!a.data)
        return ami_fail(err, "out of memory for %d rows", rows);
    for (int r = 0; r < rows; r++)
        memcpy(a.f32 + (size_t)r * (size_t)s->width, out + (size_t)r * (size_t)outputs + s->first,
               (size_t)s->width * sizeof *a.f32);
    const bool ok =
        as_in_file(s->type, &a, err) && ami_npy_write(o->output, a.type, a.rank, a.shape, a.data, err);
    ami_npy_free(&a);
    return ok;
}

/* OUT.npz: every requested head under its name. */
static bool write_heads(const options *o, const ami_net *net, const slice *s, const float *out, int rows,
                        ami_error *err)
{
    const size_t outputs = (size_t)net->dim[net->layers];
    const char *name[AMI_NET_MAX_HEADS];
    ami_npy array[AMI_NET_MAX_HEADS];
    char own[AMI_NET_MAX_HEADS][16];
    int count = 0, first = 0;
    bool ok = true;
    for (int h = 0; h < net->heads && ok; first += net->head[h++].outputs) {
        const ami_net_head *head = &net->head[h];
        if (o->head && s->first != first)
            continue;
        snprintf(own[count], sizeof own[count], net->heads > 1 ? "output%d" : "output", h + 1);
        name[count] = head->name ? head->name : own[count];
        ami_npy *a = &array[count++];
        *a = (ami_npy){.type = AMI_NPY_FLOAT32, .rank = 1 + head->shape.rank, .shape = {(size_t)rows}};
        for (int i = 0; i < head->shape.rank; i++)
            a->shape[1 + i] = (size_t)head->shape.dim[i];
        a->count = (size_t)rows * (size_t)head->outputs;
        a->data = malloc(a->count * sizeof *a->f32);
        ok = a->data || ami_fail(err, "out of memory for %d rows", rows);
        for (size_t r = 0; ok && r < (size_t)rows; r++)
            memcpy(a->f32 + r * (size_t)head->outputs, out + r * outputs + (size_t)first,
                   (size_t)head->outputs * sizeof *out);
        ok = ok && as_in_file(head->type, a, err);
    }
    ok = ok && ami_npz_write(o->output, count, name, array, err);
    for (int i = 0; i < count; i++)
        ami_npy_free(&array[i]);
    return ok;
}

static bool is_npz(const char *path)
{
    const size_t n = strlen(path);
    return n >= 4 && strcmp(path + n - 4, ".npz") == 0;
}

/* The file of the only input: "IN.npy", or "NAME=IN.npy" with that input's name. */
static const char *only_input(const options *o, const ami_net *net, ami_error *err)
{
    const char *name = net->in_name ? net->in_name : "input";
    const size_t n = strlen(name);
    if (o->input_count > 1) {
        ami_fail(err, "--input is given %d times, the network has one input, \"%.60s\"", o->input_count,
                 name);
        return NULL;
    }
    return strncmp(o->input, name, n) == 0 && o->input[n] == '=' ? o->input + n + 1 : o->input;
}

static bool report(const options *o, const char *path, const ami_model *model, const slice *s, int rows,
                   double seconds, ami_error *err)
{
    char choice[1024], shape[64];
    ami_model_describe(model, choice, sizeof choice);
    if (!o->common.json || strcmp(o->common.json, "-") != 0)
        printf("%s: %s; %d row%s in %.3g ms, %s each, to %s\n", path, choice, rows, cli_plural(rows),
               1e3 * seconds, model_shape_text(&s->shape, shape, sizeof shape), o->output);
    return cli_write_json(
        o->common.json,
        json_pack("{s:o, s:o, s:o, s:i, s:i, s:s, s:s, s:s, s:s, s:I, s:o}", "file", cli_text(path), "input",
                  cli_text(o->input), "output", cli_text(o->output), "rows", rows, "outputs", s->width,
                  "precision", ami_precision_name(ami_model_precision(model)), "precisions",
                  ami_model_precisions(model), "kernel", ami_model_kernel_name(model), "choice", choice,
                  "packed_bytes", (json_int_t)ami_model_bytes(model), "wall_s", cli_real(seconds)),
        err);
}

/* 2: not possible as asked; 1: failed on the way. */
static int run(const options *o, ami_error *err)
{
    char path[4096];
    ami_npy in = {.data = NULL};
    ami_model_def def = ami_model_default_def();
    def.precision = o->precision;
    if (o->common.seed_given)
        def.seed = o->common.seed; /* of the inputs that auto is measured on */
    slice s;
    int rows = 0, status = CLI_BAD_INPUT;
    ami_net *net;
    ami_graph *graph;
    static const char *const arrays[] = {".npy", ".npz", NULL};
    if (!cli_check_output(o->output, arrays, err))
        return status;
    if (!model_open(o->file, path, sizeof path, &def, &o->calibration, &net, &graph, err))
        return status;
    if (graph) {
        status =
            model_graph_run(graph, path, o->inputs, o->input_count, o->output, o->head, o->common.json, err);
        ami_graph_destroy(graph);
        return status;
    }
    ami_model *model = NULL;
    float *out = NULL;
    const char *input = only_input(o, net, err);
    if (input && choose_slice(net, o->head, &s, err) && model_calibrate(net, &o->calibration, err) &&
        model_read_inputs(net, input, &in, &rows, err)) {
        def.rows = in.f32;
        def.row_count = rows;
        model = ami_model_create(net, &def, err);
        if (model) {
            out = malloc((size_t)rows * (size_t)ami_model_outputs(model) * sizeof *out);
            if (!out)
                ami_fail(err, "out of memory for %d rows of %d numbers", rows, ami_model_outputs(model));
        }
    }
    if (out) {
        const double start = ami_clock_now();
        const bool ok = run_rows(model, in.f32, rows, out, err);
        const double seconds = ami_clock_now() - start;
        if (ok &&
            (is_npz(o->output) ? write_heads(o, net, &s, out, rows, err)
                               : write_slice(o, &s, out, rows, ami_model_outputs(model), err)) &&
            report(o, path, model, &s, rows, seconds, err))
            status = EXIT_SUCCESS;
    }
    free(out);
    ami_model_destroy(model);
    ami_npy_free(&in);
    ami_net_destroy(net);
    return status;
}

int cmd_model_run(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_threads_argp, 0, NULL, 90}, {0}};
    static const struct argp argp = {
        option_list,
        parse,
        "FILE.onnx",
        "Runs the rows of NumPy files through a network.\v"
        "A NaN in a row makes that row's outputs NaN.\n\n"
        "Examples: amble model run walk.onnx --input observations.npy --output actions.npy\n"
        "          amble model run gru.onnx --input obs=o.npy --input h_in=h.npy --output next.npz",
        children,
        NULL,
        NULL};
    options o = {.precision = AMI_PRECISION_AUTO};
    cli_parse(&argp, argc, argv, &o);
    cli_set_threads(o.common.threads);
    ami_error err = {""};
    const int status = run(&o, &err);
    return status == EXIT_SUCCESS ? status : model_fail("run", &err, status);
}
