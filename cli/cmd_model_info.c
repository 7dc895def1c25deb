/* amble model info: shapes, layers, activations, heads, the normaliser and the metadata of a network's ONNX
 * file, as a table or JSON, and the precision that auto gives each layer here; of one that is no chain of
 * dense layers, its inputs, outputs, operators and the parts that run on kernels (cmd_model_graph.c). It
 * changes nothing. */
#include "cli/cmd_model_graph.h"
#include "nets/model.h"

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

static size_t weights(const ami_net *net, int layer)
{
    return (size_t)net->dim[layer] * (size_t)net->dim[layer + 1];
}

/* Whether an activation has a number of its own. */
static bool has_alpha(ami_activation act)
{
    return act == AMI_ACT_LEAKY_RELU || act == AMI_ACT_ELU;
}

static void print_layers(const ami_net *net)
{
    printf(
        "layer     in    out  parameters  activation        weight rms  weight range          bias range\n");
    for (int l = 0; l < net->layers; l++) {
        const size_t n = weights(net, l), out = (size_t)net->dim[l + 1];
        const range w = range_of(net->weight[l], n), b = range_of(net->bias[l], out);
        char act[40];
        snprintf(act, sizeof act, has_alpha(net->act[l]) ? "%s %g" : "%s", ami_activation_name(net->act[l]),
                 (double)net->act_alpha[l]);
        printf("%5d %6d %6d %11zu  %-16s %11.4g  %9.3g ..%9.3g  %9.3g ..%9.3g\n", l, net->dim[l],
               net->dim[l + 1], n + out, act, root_mean_square(net->weight[l], n), w.lo, w.hi, b.lo, b.hi);
    }
}

/* The shapes of a row, where they are more than a number. */
static void print_shapes(const ami_net *net)
{
    char text[64];
    if (net->in_shape.rank > 1)
        printf("\ninput shape: %s\n", model_shape_text(&net->in_shape, text, sizeof text));
    if (net->heads == 1 && net->head[0].shape.rank == 1)
        return;
    printf("\n%s:\n", net->heads > 1 ? "heads, side by side in a row" : "output");
    for (int h = 0; h < net->heads; h++) {
        printf("  ");
        model_print_text(net->head[h].name ? net->head[h].name : "(no name)");
        printf("  %s\n", model_shape_text(&net->head[h].shape, text, sizeof text));
    }
}

static void print_table(const ami_net *net, const ami_model *model, const char *file, long long bytes)
{
    const int inputs = net->dim[0], outputs = net->dim[net->layers];
    printf("%s: %d input%s, %d output%s, %d layer%s, %zu parameters, %lld bytes\n\n", file, inputs,
           cli_plural(inputs), outputs, cli_plural(outputs), net->layers, cli_plural(net->layers),
           ami_net_parameters(net), bytes);
    print_layers(net);
    print_shapes(net);
    if (net->in_mean) {
        const range m = range_of(net->in_mean, (size_t)net->dim[0]),
                    s = range_of(net->in_std, (size_t)net->dim[0]);
        printf("\nnormaliser: mean %.3g .. %.3g, standard deviation %.3g .. %.3g, ", m.lo, m.hi, s.lo, s.hi);
        if (net->in_clip > 0)
            printf("clamped to ±%g\n", (double)net->in_clip);
        else
            printf("not clamped\n");
    } else {
        printf("\nnormaliser: none\n");
    }
    if (net->calibration_rows)
        printf("\nobservations: %d, for choosing precisions by\n", net->calibration_rows);
    for (int l = 0, first = 1; l < net->layers; l++)
        if (ami_net_units(net, l)) {
            printf(first ? "\nweights stored as int8: layer %d" : ", %d", l);
            first = 0;
        }
    char choice[1024];
    ami_model_describe(model, choice, sizeof choice);
    printf("\nauto takes %s\n", choice);
    printf(net->metas ? "\nmetadata:\n" : "\nmetadata: none\n");
    for (int i = 0; i < net->metas; i++) {
        printf("  ");
        model_print_text(net->meta[i].key);
        for (size_t n = strlen(net->meta[i].key); n < 16; n++)
            putchar(' ');
        putchar(' ');
        model_print_text(net->meta[i].value);
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

static json_t *shape_json(const ami_net_shape *shape)
{
    json_t *array = json_array();
    for (int i = 0; i < shape->rank; i++)
        json_array_append_new(array, json_integer(shape->dim[i]));
    return array;
}

static json_t *layer_json(const ami_net *net, int l)
{
    const size_t n = weights(net, l), out = (size_t)net->dim[l + 1];
    return json_pack("{s:i, s:i, s:I, s:s, s:o, s:o, s:o, s:o}", "in", net->dim[l], "out", net->dim[l + 1],
                     "parameters", (json_int_t)(n + out), "activation", ami_activation_name(net->act[l]),
                     "alpha", has_alpha(net->act[l]) ? cli_real((double)net->act_alpha[l]) : json_null(),
                     "weight_rms", cli_real(root_mean_square(net->weight[l], n)), "weight_range",
                     range_json(range_of(net->weight[l], n)), "bias_range",
                     range_json(range_of(net->bias[l], out)));
}

static json_t *info_json(const ami_net *net, const ami_model *model, const char *file, long long bytes)
{
    json_t *layers = json_array(), *heads = json_array(), *metas = json_object(), *normalizer = json_null();
    bool ok = true;
    for (int l = 0; l < net->layers; l++)
        ok &= json_array_append_new(layers, layer_json(net, l)) == 0;
    for (int h = 0; h < net->heads; h++)
        ok &= json_array_append_new(heads, json_pack("{s:s?, s:i, s:o}", "name", net->head[h].name, "outputs",
                                                     net->head[h].outputs, "shape",
                                                     shape_json(&net->head[h].shape))) == 0;
    for (int i = 0; i < net->metas; i++)
        ok &= json_object_set_new(metas, net->meta[i].key, json_string(net->meta[i].value)) == 0;
    if (net->in_mean)
        normalizer = json_pack("{s:o, s:o, s:o}", "mean_range",
                               range_json(range_of(net->in_mean, (size_t)net->dim[0])), "std_range",
                               range_json(range_of(net->in_std, (size_t)net->dim[0])), "clip",
                               net->in_clip > 0 ? cli_real((double)net->in_clip) : json_null());
    json_t *all =
        json_pack("{s:o, s:I, s:i, s:i, s:o, s:o, s:I, s:o, s:o, s:o, s:s, s:i}", "file", cli_text(file),
                  "bytes", (json_int_t)bytes, "inputs", net->dim[0], "outputs", net->dim[net->layers],
                  "input_shape", shape_json(&net->in_shape), "heads", heads, "parameters",
                  (json_int_t)ami_net_parameters(net), "layers", layers, "normalizer", normalizer, "metadata",
                  metas, "precisions", ami_model_precisions(model), "observations", net->calibration_rows);
    if (all && !ok) {
        json_decref(all);
        all = NULL;
    }
    return all;
}

static int info(const options *o)
{
    ami_error err = {""};
    char path[4096];
    struct stat st;
    ami_net *net;
    ami_graph *graph;
    if (!model_open(o->file, path, sizeof path, NULL, NULL, &net, &graph, &err))
        return model_fail("info", &err, CLI_BAD_INPUT);
    if (graph) {
        const int status = model_graph_info(graph, path, o->common.json, &err);
        ami_graph_destroy(graph);
        return status == EXIT_SUCCESS ? status : model_fail("info", &err, status);
    }
    ami_model *model = ami_model_create(net, NULL, &err);
    if (!model) {
        ami_net_destroy(net);
        return model_fail("info", &err, CLI_BAD_INPUT);
    }
    const long long bytes = stat(path, &st) == 0 ? (long long)st.st_size : -1;
    bool ok = true;
    if (!o->common.json || strcmp(o->common.json, "-") != 0)
        print_table(net, model, path, bytes);
    if (o->common.json)
        ok = cli_write_json(o->common.json, info_json(net, model, path, bytes), &err);
    ami_model_destroy(model);
    ami_net_destroy(net);
    return ok ? EXIT_SUCCESS : model_fail("info", &err, CLI_BAD_INPUT);
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    options *o = state->input;
    if (key == ARGP_KEY_INIT)
        state->child_inputs[0] = &o->common;
    return key == ARGP_KEY_INIT || model_file_argument(key, text, state, &o->file) ? 0 : ARGP_ERR_UNKNOWN;
}

int cmd_model_info(int argc, char **argv)
{
    static const struct argp_child children[] = {{&cli_json_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {
        NULL,
        parse,
        "FILE.onnx",
        "Says what is in a network's ONNX file: shapes, layers, parameters, activations, heads, the input "
        "normaliser's range, and the metadata that amble put there.\v"
        "Example: amble model info assets/models/walk.onnx --json -",
        children,
        NULL,
        NULL};
    options o = {.file = NULL};
    cli_parse(&argp, argc, argv, &o);
    return info(&o);
}
