/* amble/model.h: a packed network with the names, shapes and metadata of its file; or a graph
 * (model_graph.c). */
#include <amble/model.h>

#include "lib/internal.h"
#include "lib/model_graph.h"
#include "lib/motion.h"
#include "nets/model.h"
#include "nets/network.h"
#include "policy/models.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct amb_model {
    ami_graph *graph; /* where it is no chain of dense layers; then nothing else is set */
    ami_model *packed;
    ami_net *net;                       /* without its weights: names, shapes, metadata */
    const char *input;                  /* its name, or "input" */
    char output[AMI_NET_MAX_HEADS][16]; /* names for heads without one */
    int64_t multiplications;
};

void amb_model_def_init_size(amb_model_def *def, size_t size)
{
    const ami_model_def usual = ami_model_default_def();
    const amb_model_def full = {.size = size,
                                .precision = AMB_PRECISION_AUTO,
                                .max_mse = usual.max_mse,
                                .calibration_rows = usual.calibration_rows};
    if (def)
        memcpy(def, &full, size < sizeof full ? size : sizeof full);
}

static bool internal_precision(amb_precision precision, ami_precision *out)
{
    switch (precision) {
    case AMB_PRECISION_AUTO:
        *out = AMI_PRECISION_AUTO;
        return true;
    case AMB_PRECISION_FP32:
        *out = AMI_PRECISION_FP32;
        return true;
    case AMB_PRECISION_BF16:
        *out = AMI_PRECISION_BF16;
        return true;
    case AMB_PRECISION_INT16:
        *out = AMI_PRECISION_INT16;
        return true;
    case AMB_PRECISION_INT8:
        *out = AMI_PRECISION_INT8;
        return true;
    }
    return false;
}

static amb_precision public_precision(ami_precision precision)
{
    return precision == AMI_PRECISION_FP32    ? AMB_PRECISION_FP32
           : precision == AMI_PRECISION_BF16  ? AMB_PRECISION_BF16
           : precision == AMI_PRECISION_INT16 ? AMB_PRECISION_INT16
                                              : AMB_PRECISION_INT8;
}

amb_result lib_model_def(const amb_model_def *given, ami_model_def *def)
{
    amb_model_def full;
    amb_model_def_init(&full);
    *def = ami_model_default_def();
    if (given)
        LIB_REQUIRE(lib_def_copy(&full, sizeof full, given) && "the definition was initialised");
    if (!internal_precision(full.precision, &def->precision))
        return lib_fail(AMB_ERROR_ARGUMENT, "the precision is %d, expected one of amb_precision",
                        (int)full.precision);
    if (!(full.max_mse > 0))
        return lib_fail(AMB_ERROR_ARGUMENT, "max_mse is %g, expected more than 0", full.max_mse);
    if (full.calibration_rows < 1 || full.calibration_rows > 1 << 16)
        return lib_fail(AMB_ERROR_ARGUMENT, "calibration_rows is %d, expected 1 to %d", full.calibration_rows,
                        1 << 16);
    def->max_mse = full.max_mse;
    def->calibration_rows = full.calibration_rows;
    return AMB_OK;
}

static void name_outputs(amb_model *model)
{
    const ami_net *net = model->net;
    model->input = net->in_name ? net->in_name : "input";
    for (int h = 0; h < net->heads; h++)
        if (net->heads == 1)
            strcpy(model->output[h], "output");
        else
            snprintf(model->output[h], sizeof model->output[h], "output%d", h + 1);
}

/* Packs the net, which is taken over. Sentences begin with `name`. */
static amb_result make(ami_net *net, const char *name, const ami_model_def *def, amb_model **out)
{
    ami_error err = {""};
    amb_model *model = calloc(1, sizeof *model);
    if (!model) {
        ami_net_destroy(net);
        return lib_fail(AMB_ERROR_MEMORY, "%s: out of memory", name);
    }
    model->net = net;
    model->packed = ami_model_create(net, def, &err);
    if (!model->packed) {
        amb_model_destroy(model);
        ami_fail_in(&err, "%s", name);
        return lib_fail_with(AMB_ERROR_UNSUPPORTED, &err);
    }
    for (int l = 0; l < net->layers; l++)
        model->multiplications += (int64_t)net->dim[l] * net->dim[l + 1];
    ami_net_drop_weights(net);
    name_outputs(model);
    char text[256];
    ami_model_describe(model->packed, text, sizeof text);
    lib_log(AMB_LOG_INFO, "%s: %s", name, text);
    *out = model;
    return AMB_OK;
}

/* The same for a graph. */
static amb_result make_graph(ami_graph *graph, const char *name, amb_model **out)
{
    amb_result result = lib_graph_check(graph, name);
    amb_model *model = result == AMB_OK ? calloc(1, sizeof *model) : NULL;
    if (!model) {
        ami_graph_destroy(graph);
        return result != AMB_OK ? result : lib_fail(AMB_ERROR_MEMORY, "%s: out of memory", name);
    }
    model->graph = graph;
    char text[256];
    ami_graph_describe(graph, text, sizeof text);
    lib_log(AMB_LOG_INFO, "%s: %s", name, text);
    *out = model;
    return AMB_OK;
}

amb_result amb_model_load(const char *path, const amb_model_def *def, amb_model **model)
{
    LIB_REQUIRE(path && model);
    *model = NULL;
    ami_model_def inner;
    ami_error err = {""};
    const amb_result result = lib_model_def(def, &inner);
    if (result != AMB_OK)
        return result;
    char found[4096];
    if (!ami_find_model(path, found, sizeof found, &err))
        return lib_fail_with(lib_result_of_file(path, AMB_ERROR_FILE), &err);
    ami_network network;
    if (!ami_network_read(found, &inner, &network, &err))
        return lib_fail_with(AMB_ERROR_FILE, &err);
    return network.net ? make(network.net, found, &inner, model) : make_graph(network.graph, found, model);
}

amb_result amb_model_load_memory(const void *bytes, size_t size, const char *name, const amb_model_def *def,
                                 amb_model **model)
{
    LIB_REQUIRE(bytes && name && model);
    *model = NULL;
    ami_model_def inner;
    ami_error err = {""};
    const amb_result result = lib_model_def(def, &inner);
    if (result != AMB_OK)
        return result;
    ami_network network;
    if (!ami_network_read_memory(bytes, size, name, &inner, &network, &err))
        return lib_fail_with(AMB_ERROR_FILE, &err);
    return network.net ? make(network.net, name, &inner, model) : make_graph(network.graph, name, model);
}

void amb_model_destroy(amb_model *model)
{
    if (!model)
        return;
    ami_graph_destroy(model->graph);
    ami_model_destroy(model->packed);
    ami_net_destroy(model->net);
    free(model);
}

/* ---- inputs, outputs, metadata ---- */

int amb_model_inputs(const amb_model *model)
{
    LIB_REQUIRE_OR(model, 0);
    return model->graph ? ami_graph_inputs(model->graph) : 1;
}

int amb_model_outputs(const amb_model *model)
{
    LIB_REQUIRE_OR(model, 0);
    return model->graph ? ami_graph_outputs(model->graph) : model->net->heads;
}

static amb_tensor_info info_of(const char *name, const ami_net_shape *shape)
{
    amb_tensor_info info = {.name = name, .type = AMB_FLOAT32, .rank = 1 + shape->rank, .shape = {-1}};
    for (int i = 0; i < shape->rank; i++)
        info.shape[1 + i] = shape->dim[i];
    return info;
}

static const char *output_name(const amb_model *model, int index)
{
    const char *name = model->net->head[index].name;
    return name && *name ? name : model->output[index];
}

amb_result amb_model_input(const amb_model *model, int index, amb_tensor_info *info)
{
    LIB_REQUIRE(model && info);
    const int count = amb_model_inputs(model);
    if (index < 0 || index >= count)
        return lib_fail(AMB_ERROR_ARGUMENT,
                        count == 1 ? "input %d was asked for, expected 0, the only one"
                                   : "input %d was asked for, expected 0 to %d",
                        index, count - 1);
    const amb_tensor_info full = model->graph ? lib_graph_port(ami_graph_input(model->graph, index))
                                              : info_of(model->input, &model->net->in_shape);
    LIB_REQUIRE(lib_out_copy(info, &full, sizeof full) && "size is set");
    return AMB_OK;
}

amb_result amb_model_output(const amb_model *model, int index, amb_tensor_info *info)
{
    LIB_REQUIRE(model && info);
    if (index < 0 || index >= amb_model_outputs(model))
        return lib_fail(AMB_ERROR_ARGUMENT, "output %d was asked for, expected 0 to %d", index,
                        amb_model_outputs(model) - 1);
    const amb_tensor_info full = model->graph
                                     ? lib_graph_port(ami_graph_output(model->graph, index))
                                     : info_of(output_name(model, index), &model->net->head[index].shape);
    LIB_REQUIRE(lib_out_copy(info, &full, sizeof full) && "size is set");
    return AMB_OK;
}

const char *amb_model_metadata(const amb_model *model, const char *key)
{
    LIB_REQUIRE_OR(model && key, NULL);
    if (!model->graph)
        return ami_net_get_meta(model->net, key);
    for (int i = 0; i < ami_graph_metas(model->graph); i++)
        if (!strcmp(ami_graph_meta(model->graph, i)->key, key))
            return ami_graph_meta(model->graph, i)->value;
    return NULL;
}

const char *amb_model_metadata_key(const amb_model *model, int index)
{
    LIB_REQUIRE_OR(model, NULL);
    if (model->graph) {
        const ami_meta *meta = ami_graph_meta(model->graph, index);
        return meta ? meta->key : NULL;
    }
    return index >= 0 && index < model->net->metas ? model->net->meta[index].key : NULL;
}

amb_result amb_model_get_info(const amb_model *model, amb_model_info *info)
{
    LIB_REQUIRE(model && info);
    if (model->graph) {
        const amb_model_info graph = lib_graph_info(model->graph);
        LIB_REQUIRE(lib_out_copy(info, &graph, sizeof graph) && "size is set");
        return AMB_OK;
    }
    ami_model_report report;
    ami_model_get_report(model->packed, &report);
    const amb_model_info full = {.precision = public_precision(ami_model_precision(model->packed)),
                                 .kernel = ami_model_kernel_name(model->packed),
                                 .mse = report.tried ? report.entry[report.tried - 1].mse : NAN,
                                 .weight_bytes = ami_model_bytes(model->packed),
                                 .multiplications = model->multiplications,
                                 .precisions = ami_model_precisions(model->packed)};
    LIB_REQUIRE(lib_out_copy(info, &full, sizeof full) && "size is set");
    return AMB_OK;
}

/* ---- running it ---- */

static size_t aligned(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

static size_t heads_bytes(const amb_model *model, int64_t rows)
{
    return model->net->heads > 1
               ? aligned((size_t)rows * (size_t)ami_model_outputs(model->packed) * sizeof(float))
               : 0;
}

size_t amb_model_workspace_size(const amb_model *model, int64_t rows)
{
    LIB_REQUIRE_OR(model && rows >= 1 && rows <= INT_MAX, 0);
    if (model->graph)
        return ami_graph_workspace_size(model->graph, (int)rows);
    return heads_bytes(model, rows) + ami_model_workspace_size(model->packed, (int)rows);
}

/* A shape as "(1, 60, 73)". */
static const char *show(int rank, const int64_t *shape, char text[96])
{
    size_t n = (size_t)snprintf(text, 96, "(");
    for (int i = 0; i < rank && n < 80; i++)
        if (shape[i] < 0)
            n += (size_t)snprintf(text + n, 96 - n, "%sbatch", i ? ", " : "");
        else
            n += (size_t)snprintf(text + n, 96 - n, "%s%lld", i ? ", " : "", (long long)shape[i]);
    snprintf(text + n, 96 - n, ")");
    return text;
}

/* Checks a tensor against `info`; *rows receives its number of rows, which must be the same for all tensors
 * (0: not known yet). `what`: "input", "output". */
static amb_result check(const char *what, const amb_tensor *t, const amb_tensor_info *info, int64_t *rows)
{
    char found[96], expected[96];
    if (!t->data)
        return lib_fail(AMB_ERROR_ARGUMENT, "%s \"%s\" has no data", what, info->name);
    if (t->type != AMB_FLOAT32)
        return lib_fail(AMB_ERROR_ARGUMENT, "%s \"%s\" has type %d, expected %d (float32)", what, info->name,
                        (int)t->type, AMB_FLOAT32);
    const int without = t->rank == info->rank - 1; /* a single row, without the batch */
    bool fits = t->rank == info->rank || without;
    for (int i = 1; i < info->rank && fits; i++)
        fits = t->shape[i - without] == info->shape[i];
    const int64_t n = without ? 1 : t->shape[0];
    if (!fits || n < 1 || n > INT_MAX)
        return lib_fail(AMB_ERROR_ARGUMENT, "%s \"%s\" has shape %s, expected %s", what, info->name,
                        t->rank < 0 || t->rank > AMB_MAX_RANK ? "of another rank"
                                                              : show(t->rank, t->shape, found),
                        show(info->rank, info->shape, expected));
    if (*rows && n != *rows)
        return lib_fail(AMB_ERROR_ARGUMENT, "%s \"%s\" has %lld rows, but the input has %lld", what,
                        info->name, (long long)n, (long long)*rows);
    *rows = n;
    return AMB_OK;
}

/* The number of the output that a tensor is for, -1 where there is none. */
static int find_output(const amb_model *model, const amb_tensor *t, int place)
{
    if (!t->name)
        return place < model->net->heads ? place : -1;
    for (int h = 0; h < model->net->heads; h++)
        if (!strcmp(t->name, output_name(model, h)))
            return h;
    return -1;
}

static amb_result check_outputs(const amb_model *model, const amb_tensor *outputs, int count, int64_t rows,
                                int *head)
{
    for (int k = 0; k < count; k++) {
        head[k] = find_output(model, &outputs[k], k);
        if (head[k] < 0)
            return lib_fail(AMB_ERROR_ARGUMENT, "there is no output \"%.80s\", expected \"%s\"%s",
                            outputs[k].name ? outputs[k].name : "", output_name(model, 0),
                            model->net->heads > 1 ? " or another of the file's" : "");
        const amb_tensor_info info = info_of(output_name(model, head[k]), &model->net->head[head[k]].shape);
        const amb_result result = check("output", &outputs[k], &info, &rows);
        if (result != AMB_OK)
            return result;
    }
    return AMB_OK;
}

amb_result amb_model_run(const amb_model *model, const amb_tensor *inputs, int input_count,
                         const amb_tensor *outputs, int output_count, void *workspace)
{
    LIB_REQUIRE(model && inputs && outputs && workspace);
    if (model->graph)
        return lib_graph_run(model->graph, inputs, input_count, outputs, output_count, workspace);
    int64_t rows = 0;
    int head[AMI_NET_MAX_HEADS];
    if (input_count != 1)
        return lib_fail(AMB_ERROR_ARGUMENT, "%d inputs were given, expected 1 (\"%s\")", input_count,
                        model->input);
    if (output_count < 1 || output_count > model->net->heads)
        return lib_fail(AMB_ERROR_ARGUMENT, "%d outputs were given, expected 1 to %d", output_count,
                        model->net->heads);
    if (inputs[0].name && strcmp(inputs[0].name, model->input) != 0)
        return lib_fail(AMB_ERROR_ARGUMENT, "there is no input \"%.80s\", expected \"%s\"", inputs[0].name,
                        model->input);
    const amb_tensor_info in = info_of(model->input, &model->net->in_shape);
    amb_result result = check("input", &inputs[0], &in, &rows);
    if (result == AMB_OK)
        result = check_outputs(model, outputs, output_count, rows, head);
    if (result != AMB_OK)
        return result;

    const int n = (int)rows;
    if (model->net->heads == 1) {
        ami_model_run(model->packed, workspace, inputs[0].data, n, outputs[0].data);
        return AMB_OK;
    }
    float *all = workspace;
    const size_t width = (size_t)ami_model_outputs(model->packed);
    ami_model_run(model->packed, (char *)workspace + heads_bytes(model, rows), inputs[0].data, n, all);
    for (int k = 0; k < output_count; k++) {
        size_t at = 0;
        for (int h = 0; h < head[k]; h++)
            at += (size_t)model->net->head[h].outputs;
        const size_t count = (size_t)model->net->head[head[k]].outputs;
        for (size_t r = 0; r < (size_t)n; r++)
            memcpy((float *)outputs[k].data + r * count, all + r * width + at, count * sizeof(float));
    }
    return AMB_OK;
}
