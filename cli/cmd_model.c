/* amble model: says what is in a network's ONNX file. `info` prints shapes, layers, the normaliser and the metadata, or JSON of the same.
 * It reads only what nets/onnx.h reads, changes nothing and runs nothing. */
#include "cli/options.h"
#include "nets/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct options {
    cli_common common;
    const char *file;
} options;

typedef struct range {
    double lo, hi;
} range;

static range range_of(const float *x, size_t n)
{
    range r = {INFINITY, -INFINITY};
    for (size_t i = 0; i < n; i++) {
        r.lo = fmin(r.lo, x[i]);
        r.hi = fmax(r.hi, x[i]);
    }
    return r;
}

static double root_mean_square(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i] * x[i];
    return sqrt(sum / (double)n);
}

static size_t weights(const amb_net *net, int layer)
{
    return (size_t)net->dim[layer] * (size_t)net->dim[layer + 1];
}

/* Keys and values come from a file: what a terminal would obey instead of show becomes '?'. */
static void print_text(const char *text)
{
    for (; *text; text++) {
        const unsigned char c = (unsigned char)*text;
        if (c == '\n')
            fputs("\n                   ", stdout);
        else
            putchar(c < 32 || c == 127 ? '?' : c);
    }
}

static void print_table(const amb_net *net, const char *file, long long bytes)
{
    printf("%s: %d inputs, %d outputs, %d layers, %zu parameters, %lld bytes\n\n", file, net->dim[0], net->dim[net->layers], net->layers,
           amb_net_parameters(net), bytes);
    printf("layer     in    out  parameters  activation  weight rms  weight range          bias range\n");
    for (int l = 0; l < net->layers; l++) {
        const size_t n = weights(net, l), out = (size_t)net->dim[l + 1];
        const range w = range_of(net->weight[l], n), b = range_of(net->bias[l], out);
        printf("%5d %6d %6d %11zu  %-10s %11.4g  %9.3g ..%9.3g  %9.3g ..%9.3g\n", l, net->dim[l], net->dim[l + 1], n + out,
               amb_activation_name(net->act[l]), root_mean_square(net->weight[l], n), w.lo, w.hi, b.lo, b.hi);
    }
    if (net->in_mean) {
        const range m = range_of(net->in_mean, (size_t)net->dim[0]), s = range_of(net->in_std, (size_t)net->dim[0]);
        printf("\nnormaliser: mean %.3g .. %.3g, standard deviation %.3g .. %.3g, ", m.lo, m.hi, s.lo, s.hi);
        if (net->in_clip > 0)
            printf("clamped to ±%g\n", (double)net->in_clip);
        else
            printf("not clamped\n");
    } else {
        printf("\nnormaliser: none\n");
    }
    printf(net->metas ? "\nmetadata:\n" : "\nmetadata: none\n");
    for (int i = 0; i < net->metas; i++) {
        printf("  ");
        print_text(net->meta[i].key);
        for (size_t n = strlen(net->meta[i].key); n < 16; n++)
            putchar(' ');
        putchar(' ');
        print_text(net->meta[i].value);
        putchar('\n');
    }
}

static json_t *range_json(range r)
{
    json_t *array = json_array();
    json_array_append_new(array, cli_real(r.lo));
    json_array_append_new(array, cli_real(r.hi));
    return array;
}

static json_t *layer_json(const amb_net *net, int l)
{
    const size_t n = weights(net, l), out = (size_t)net->dim[l + 1];
    return json_pack("{s:i, s:i, s:I, s:s, s:o, s:o, s:o}", "in", net->dim[l], "out", net->dim[l + 1], "parameters", (json_int_t)(n + out),
                     "activation", amb_activation_name(net->act[l]), "weight_rms", cli_real(root_mean_square(net->weight[l], n)),
                     "weight_range", range_json(range_of(net->weight[l], n)), "bias_range", range_json(range_of(net->bias[l], out)));
}

static json_t *info_json(const amb_net *net, const char *file, long long bytes)
{
    json_t *layers = json_array(), *metas = json_object(), *normalizer = json_null();
    bool ok = true;
    for (int l = 0; l < net->layers; l++)
        ok &= json_array_append_new(layers, layer_json(net, l)) == 0;
    for (int i = 0; i < net->metas; i++)
        ok &= json_object_set_new(metas, net->meta[i].key, json_string(net->meta[i].value)) == 0;
    if (net->in_mean)
        normalizer = json_pack("{s:o, s:o, s:o}", "mean_range", range_json(range_of(net->in_mean, (size_t)net->dim[0])), "std_range",
                               range_json(range_of(net->in_std, (size_t)net->dim[0])), "clip",
                               net->in_clip > 0 ? cli_real((double)net->in_clip) : json_null());
    json_t *all = json_pack("{s:s, s:I, s:i, s:i, s:I, s:o, s:o, s:o}", "file", file, "bytes", (json_int_t)bytes, "inputs", net->dim[0],
                            "outputs", net->dim[net->layers], "parameters", (json_int_t)amb_net_parameters(net), "layers", layers,
                            "normalizer", normalizer, "metadata", metas);
    if (all && !ok) {
        json_decref(all);
        all = NULL;
    }
    return all;
}

static int info(const options *o)
{
    amb_error err = {""};
    struct stat st;
    amb_net *net = amb_onnx_read(o->file, &err);
    if (!net) {
        fprintf(stderr, "amble model info: %s\n", err.text);
        return CLI_BAD_INPUT;
    }
    const long long bytes = stat(o->file, &st) == 0 ? (long long)st.st_size : -1;
    bool ok = true;
    if (!o->common.json || strcmp(o->common.json, "-") != 0)
        print_table(net, o->file, bytes);
    if (o->common.json)
        ok = cli_write_json(o->common.json, info_json(net, o->file, bytes), &err);
    amb_net_destroy(net);
    if (!ok)
        fprintf(stderr, "amble model info: %s\n", err.text);
    return ok ? EXIT_SUCCESS : CLI_BAD_INPUT;
}

static error_t parse_option(int key, char *text, struct argp_state *state)
{
    options *o = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &o->common;
        return 0;
    case ARGP_KEY_ARG:
        if (o->file)
            argp_error(state, "\"%s\" is one file too many, expected one", text);
        o->file = text;
        return 0;
    case ARGP_KEY_NO_ARGS:
        argp_error(state, "which network? Give a FILE.onnx");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_child info_children[] = {{&cli_json_argp, 0, NULL, 0}, {0}};
static const struct argp info_argp = {NULL,
                                      parse_option,
                                      "FILE.onnx",
                                      "Says what is in a network's ONNX file: shapes, layers, parameters, activations, the input "
                                      "normaliser's range, and the metadata that amble put there.\v"
                                      "Example: amble model info assets/models/walk.onnx --json -",
                                      info_children,
                                      NULL,
                                      NULL};

static const char usage[] = "Usage: amble model info [OPTION...] FILE.onnx\n"
                            "Says what is in a network's ONNX file. `amble model info --help` says more.\n"
                            "Example: amble model info assets/models/walk.onnx\n";

int cmd_model(int argc, char **argv)
{
    if (argc >= 2 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?"))) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    if (argc >= 2 && !strcmp(argv[1], "info")) {
        char name[] = "amble model info";
        argv[1] = name;
        options o = {.file = NULL};
        return argp_parse(&info_argp, argc - 1, argv + 1, 0, NULL, &o) == 0 ? info(&o) : CLI_BAD_INPUT;
    }
    if (argc >= 2)
        fprintf(stderr, "amble model: there is no \"%.60s\", expected info\n", argv[1]);
    fputs(usage, stderr);
    return CLI_BAD_INPUT;
}
