/* amble-bench graph: the earlier form of amble-bench latency --rate 0, kept with its JSON. */
#include "bench/bench.h"

#include "base/clock.h"
#include "base/histogram.h"
#include "nets/graph/graph.h"
#include "options/options.h"
#include "options/precision.h"
#include "policy/models.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_PRECISION = 'p', KEY_SECONDS = 's' };

typedef struct options {
    cli_common common;
    const char *file;
    ami_precision precision;
    double seconds;
} options;

static error_t parse(int key, char *text, struct argp_state *state)
{
    options *o = state->input;
    ami_error err = {""};
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->common;
        return 0;
    case KEY_PRECISION:
        if (!cli_parse_precision(text, &o->precision, &err))
            argp_error(state, "%s", err.text);
        return 0;
    case KEY_SECONDS:
        o->seconds = cli_double(state, text, .01, 3600, "--seconds");
        return 0;
    case ARGP_KEY_ARG:
        if (o->file)
            argp_error(state, "\"%s\" is one file too many, expected one", text);
        o->file = text;
        return 0;
    case ARGP_KEY_END:
        if (!o->file)
            argp_error(state, "which network? Give a FILE.onnx");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option option_list[] = {
    {"precision", KEY_PRECISION, "NAME", 0, "fp32, bf16, int16, int8 or auto (default)", 1},
    {"seconds", KEY_SECONDS, "S", 0, "how long to measure (default 1)", 1},
    {0},
};

typedef struct buffers {
    void *workspace, *in[AMI_GRAPH_PORTS], *out[AMI_GRAPH_PORTS];
} buffers;

static bool make_buffers(const ami_graph *g, buffers *b, ami_error *err)
{
    bool ok = (b->workspace = malloc(ami_graph_workspace_size(g, 1))) != NULL;
    for (int i = 0; i < ami_graph_inputs(g) && ok; i++) {
        const ami_graph_port *p = ami_graph_input(g, i);
        ok = (b->in[i] = malloc(ami_graph_port_count(p, 1) * ami_graph_type_size(p->type))) != NULL;
    }
    for (int o = 0; o < ami_graph_outputs(g) && ok; o++) {
        const ami_graph_port *p = ami_graph_output(g, o);
        ok = (b->out[o] = malloc(ami_graph_port_count(p, 1) * ami_graph_type_size(p->type))) != NULL;
    }
    if (!ok)
        return ami_fail(err, "out of memory");
    ami_graph_draw_inputs(g, 1, 1, b->in);
    return true;
}

static bool measure(const options *o, const ami_graph *g, buffers *b, ami_histogram *h, ami_error *err)
{
    const void *in[AMI_GRAPH_PORTS];
    memcpy(in, b->in, sizeof in);
    const double begun = ami_clock_now();
    for (double now = begun, warm = begun + .1 * o->seconds; now < begun + o->seconds;) {
        if (!ami_graph_run(g, b->workspace, 1, in, b->out, err))
            return false;
        const double then = ami_clock_now();
        if (then > warm)
            ami_histogram_add(h, then - now, 1);
        now = then;
    }
    return true;
}

int bench_graph(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_json_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        option_list,
        parse,
        "FILE.onnx",
        "One row through a network, on one thread, call after call: how long it takes.\v"
        "Example: amble-bench graph gru.onnx --seconds 3",
        children,
        NULL,
        NULL};
    options o = {.precision = AMI_PRECISION_AUTO, .seconds = 1};
    cli_parse(&argp, argc, argv, &o);
    fprintf(stderr, "amble-bench: \"graph\" is now \"latency --rate 0\"; the old name still works\n");
    ami_error err = {""};
    char path[4096], choice[512];
    ami_model_def def = ami_model_default_def();
    def.precision = o.precision;
    ami_graph *g = ami_find_model(o.file, path, sizeof path, &err) ? ami_graph_load(path, &def, &err) : NULL;
    ami_histogram *h = calloc(1, sizeof *h);
    buffers b = {0};
    bool ok = g && h && make_buffers(g, &b, &err) && measure(&o, g, &b, h, &err);
    if (ok) {
        ami_graph_describe(g, choice, sizeof choice);
        const double p50 = 1e6 * ami_histogram_quantile(h, .5), p99 = 1e6 * ami_histogram_quantile(h, .99);
        if (!o.common.json || strcmp(o.common.json, "-") != 0)
            printf("%s: %s\none row: p50 %.2f us, p99 %.2f us, max %.1f us, %lld calls\n", path, choice, p50,
                   p99, 1e6 * h->max, (long long)h->count);
        ok =
            cli_write_json(o.common.json,
                           o.common.json ? json_pack("{s:o, s:f, s:f, s:f, s:I, s:s}", "file", cli_text(path),
                                                     "p50_us", p50, "p99_us", p99, "max_us", 1e6 * h->max,
                                                     "calls", (json_int_t)h->count, "choice", choice)
                                         : NULL,
                           &err);
    }
    for (int i = 0; i < AMI_GRAPH_PORTS; i++) {
        free(b.in[i]);
        free(b.out[i]);
    }
    free(b.workspace);
    free(h);
    ami_graph_destroy(g);
    if (!ok)
        fprintf(stderr, "amble-bench graph: %s\n", err.text[0] ? err.text : "out of memory");
    return ok ? 0 : CLI_BAD_INPUT;
}
