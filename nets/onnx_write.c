/* amb_net → ONNX file: Sub, Div, Clip (the normaliser), then Gemm and Relu, everything named, metadata included.
 *
 * Refuses what the reader would refuse, so that no file is written that cannot be read back: numbers that are not finite (or overflow
 * float16), standard deviations that are not positive, metadata that is not UTF-8. */
#include "nets/onnx.h"

#include "base/file.h"
#include "nets/half.h"
#include "nets/onnx_tensor.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPSET = 13,
    IR_VERSION = 7, /* what goes with opset 13 */
    MAX_TENSORS = 4 + 2 * AMB_NET_MAX_LAYERS,
    MAX_NODES = 3 + 4 * AMB_NET_MAX_LAYERS,
    MAX_TEXTS = 8 * AMB_NET_MAX_LAYERS,
    TEXT = 48,
};

/* Everything the messages point to while they are being packed. */
typedef struct writer {
    const char *path;
    amb_error *err;
    AmbOnnx__Graph graph;
    AmbOnnx__Tensor tensor[MAX_TENSORS];
    AmbOnnx__Tensor *tensors[MAX_TENSORS];
    int64_t dims[MAX_TENSORS][2];
    uint16_t *halves[MAX_TENSORS]; /* owned; NULL where a tensor points into the net */
    AmbOnnx__Node node[MAX_NODES];
    AmbOnnx__Node *nodes[MAX_NODES];
    char *inputs[MAX_NODES][3];
    char *output[MAX_NODES];
    AmbOnnx__Attribute attribute[MAX_NODES];
    AmbOnnx__Attribute *attributes[MAX_NODES];
    char text[MAX_TEXTS][TEXT];
    int texts;
    float bound[2]; /* -clip, clip */
} writer;

__attribute__((format(printf, 2, 3))) static char *text(writer *w, const char *format, ...)
{
    assert(w->texts < MAX_TEXTS);
    char *out = w->text[w->texts++];
    va_list args;
    va_start(args, format);
    vsnprintf(out, TEXT, format, args);
    va_end(args);
    return out;
}

/* An initialiser of shape (rows, cols), or (cols) where rows is 0, or a single number where both are. */
static bool add_tensor(writer *w, char *name, const float *data, int rows, int cols, amb_onnx_dtype dtype)
{
    size_t i = w->graph.n_initializer++, count = (size_t)(rows ? rows : 1) * (size_t)(cols ? cols : 1);
    assert(i < MAX_TENSORS);
    AmbOnnx__Tensor *t = w->tensors[i] = &w->tensor[i];
    amb_onnx__tensor__init(t);
    t->name = name;
    t->dims = w->dims[i];
    if (rows)
        t->dims[t->n_dims++] = rows;
    if (cols)
        t->dims[t->n_dims++] = cols;
    t->has_data_type = t->has_raw_data = 1;
    t->data_type = (int)dtype;
    for (size_t k = 0; k < count; k++) {
        if (!isfinite(data[k])) {
            return amb_fail(w->err, "%s: not written, %s: number %zu is %g, a finite number was expected", w->path, name, k,
                            (double)data[k]);
        }
    }
    if (dtype == AMB_ONNX_FLOAT32) {
        t->raw_data.data = (uint8_t *)(uintptr_t)data; /* only read */
        t->raw_data.len = count * sizeof *data;
        return true;
    }
    uint16_t *halves = w->halves[i] = malloc(count * sizeof *halves);
    if (!halves)
        return amb_fail(w->err, "%s: not enough memory to write it", w->path);
    for (size_t k = 0; k < count; k++) {
        halves[k] = amb_float_to_half(data[k]);
        if ((halves[k] & 0x7c00) == 0x7c00) {
            return amb_fail(w->err, "%s: not written, %s: number %zu is %g, which overflows float16 (65504 at most)", w->path, name, k,
                            (double)data[k]);
        }
    }
    t->raw_data.data = (uint8_t *)halves;
    t->raw_data.len = count * sizeof *halves;
    return true;
}

/* A node named as its output. b and c may be NULL. */
static void add_node(writer *w, const char *op, char *a, char *b, char *c, char *out)
{
    size_t i = w->graph.n_node++;
    assert(i < MAX_NODES);
    AmbOnnx__Node *n = w->nodes[i] = &w->node[i];
    amb_onnx__node__init(n);
    n->op_type = (char *)(uintptr_t)op; /* only read */
    n->name = out;
    n->input = w->inputs[i];
    n->input[n->n_input++] = a;
    if (b)
        n->input[n->n_input++] = b;
    if (c)
        n->input[n->n_input++] = c;
    w->output[i] = out;
    n->output = &w->output[i];
    n->n_output = 1;
}

/* Gives the last node its only attribute, an integer. */
static void add_attribute(writer *w, const char *name, int64_t value)
{
    size_t i = w->graph.n_node - 1;
    AmbOnnx__Attribute *a = w->attributes[i] = &w->attribute[i];
    amb_onnx__attribute__init(a);
    a->name = (char *)(uintptr_t)name;
    a->has_type = a->has_i = 1;
    a->type = 2; /* INT */
    a->i = value;
    w->node[i].attribute = &w->attributes[i];
    w->node[i].n_attribute = 1;
}

/* An initialiser that is float for its user: float16 goes through a Cast node. */
static bool add_parameter(writer *w, char *name, const float *data, int rows, int cols, amb_onnx_dtype dtype)
{
    if (dtype == AMB_ONNX_FLOAT32)
        return add_tensor(w, name, data, rows, cols, dtype);
    char *stored = text(w, "%s.float16", name);
    if (!add_tensor(w, stored, data, rows, cols, dtype))
        return false;
    add_node(w, "Cast", stored, NULL, NULL, name);
    add_attribute(w, "to", AMB_ONNX_FLOAT32);
    return true;
}

/* Returns the normaliser's output, or NULL on error. */
static char *add_normalizer(writer *w, const amb_net *net, char *head)
{
    int inputs = net->dim[0];
    if (!net->in_mean)
        return head;
    for (int i = 0; i < inputs; i++) {
        if (!(net->in_std[i] > 0)) {
            amb_fail(w->err, "%s: not written, the normaliser's standard deviation %d is %g, a positive number was expected", w->path, i,
                     (double)net->in_std[i]);
            return NULL;
        }
    }
    char *mean = text(w, "normalizer.mean"), *std = text(w, "normalizer.std");
    if (!add_tensor(w, mean, net->in_mean, 0, inputs, AMB_ONNX_FLOAT32))
        return NULL;
    if (!add_tensor(w, std, net->in_std, 0, inputs, AMB_ONNX_FLOAT32))
        return NULL;
    char *centered = text(w, "normalizer.centered"), *scaled = text(w, "normalizer.scaled");
    add_node(w, "Sub", head, mean, NULL, centered);
    add_node(w, "Div", centered, std, NULL, scaled);
    if (!(net->in_clip > 0))
        return scaled;
    w->bound[0] = -net->in_clip;
    w->bound[1] = net->in_clip;
    char *lo = text(w, "normalizer.min"), *hi = text(w, "normalizer.max"), *clipped = text(w, "normalizer.clipped");
    if (!add_tensor(w, lo, &w->bound[0], 0, 0, AMB_ONNX_FLOAT32) || !add_tensor(w, hi, &w->bound[1], 0, 0, AMB_ONNX_FLOAT32))
        return NULL;
    add_node(w, "Clip", scaled, lo, hi, clipped);
    return clipped;
}

static bool add_layers(writer *w, const amb_net *net, char *head, char *output, amb_onnx_dtype dtype)
{
    for (int l = 0; l < net->layers; l++) {
        bool last = l == net->layers - 1, relu = net->act[l] == AMB_ACT_RELU;
        char *weight = text(w, "layers.%d.weight", l), *bias = text(w, "layers.%d.bias", l);
        if (!add_parameter(w, weight, net->weight[l], net->dim[l + 1], net->dim[l], dtype))
            return false;
        if (!add_parameter(w, bias, net->bias[l], 0, net->dim[l + 1], dtype))
            return false;
        char *linear = last && !relu ? output : text(w, "layers.%d.linear", l);
        add_node(w, "Gemm", head, weight, bias, linear);
        add_attribute(w, "transB", 1);
        head = linear;
        if (!relu)
            continue;
        head = last ? output : text(w, "layers.%d.relu", l);
        add_node(w, "Relu", linear, NULL, NULL, head);
    }
    return true;
}

/* A graph's input or output, float32 (batch, features). */
typedef struct end {
    AmbOnnx__ValueInfo info;
    AmbOnnx__ValueInfo *infos[1];
    AmbOnnx__Type type;
    AmbOnnx__TensorType tensor;
    AmbOnnx__Shape shape;
    AmbOnnx__Dimension dim[2];
    AmbOnnx__Dimension *dims[2];
} end;

static void fill_end(end *e, char *name, char *batch, int features)
{
    amb_onnx__value_info__init(&e->info);
    amb_onnx__type__init(&e->type);
    amb_onnx__tensor_type__init(&e->tensor);
    amb_onnx__shape__init(&e->shape);
    for (int i = 0; i < 2; i++) {
        amb_onnx__dimension__init(&e->dim[i]);
        e->dims[i] = &e->dim[i];
    }
    e->dim[0].dim_param = batch;
    e->dim[1].has_dim_value = 1;
    e->dim[1].dim_value = features;
    e->shape.n_dim = 2;
    e->shape.dim = e->dims;
    e->tensor.has_elem_type = 1;
    e->tensor.elem_type = AMB_ONNX_FLOAT32;
    e->tensor.shape = &e->shape;
    e->type.tensor_type = &e->tensor;
    e->info.name = name;
    e->info.type = &e->type;
    e->infos[0] = &e->info;
}

static bool check_metadata(const writer *w, const amb_net *net)
{
    for (int i = 0; i < net->metas; i++) {
        const char *key = net->meta[i].key;
        if (!key[0])
            return amb_fail(w->err, "%s: not written, metadata entry %d has an empty key", w->path, i);
        if (amb_onnx_is_utf8(key) && amb_onnx_is_utf8(net->meta[i].value))
            continue;
        return amb_fail(w->err, "%s: not written, metadata entry %d (%s) is not UTF-8 text", w->path, i, amb_onnx_show(key).text);
    }
    return true;
}

/* Packs the model around the finished graph and writes it. */
static bool write_model(writer *w, const amb_net *net)
{
    AmbOnnx__Property *property = calloc((size_t)net->metas + 1, sizeof *property);
    AmbOnnx__Property **properties = calloc((size_t)net->metas + 1, sizeof *properties);
    uint8_t *bytes = NULL;
    bool ok = false;
    if (!property || !properties)
        goto memory;
    for (int i = 0; i < net->metas; i++) {
        amb_onnx__property__init(&property[i]);
        property[i].key = net->meta[i].key;
        property[i].value = net->meta[i].value;
        properties[i] = &property[i];
    }
    AmbOnnx__OperatorSet set = AMB_ONNX__OPERATOR_SET__INIT, *sets[1] = {&set};
    set.domain = text(w, "%s", "");
    set.has_version = 1;
    set.version = OPSET;
    AmbOnnx__Model model = AMB_ONNX__MODEL__INIT;
    model.has_ir_version = 1;
    model.ir_version = IR_VERSION;
    model.producer_name = text(w, "amble");
    model.graph = &w->graph;
    model.n_opset_import = 1;
    model.opset_import = sets;
    model.n_metadata_props = (size_t)net->metas;
    model.metadata_props = properties;

    size_t size = amb_onnx__model__get_packed_size(&model);
    if (size > AMB_ONNX_MAX_BYTES) {
        amb_fail(w->err, "%s: not written, it would be %zu bytes long, at most %zu can be read back", w->path, size, AMB_ONNX_MAX_BYTES);
        goto out;
    }
    bytes = malloc(size);
    if (!bytes)
        goto memory;
    amb_onnx__model__pack(&model, bytes);
    ok = amb_file_write(w->path, bytes, size, w->err);
    goto out;
memory:
    amb_fail(w->err, "%s: not enough memory to write it", w->path);
out:
    free(bytes);
    free(property);
    free(properties);
    return ok;
}

bool amb_onnx_write(const char *path, const amb_net *net, amb_onnx_dtype dtype, amb_error *err)
{
    assert(dtype == AMB_ONNX_FLOAT32 || dtype == AMB_ONNX_FLOAT16);
    writer *w = calloc(1, sizeof *w);
    if (!w)
        return amb_fail(err, "%s: not enough memory to write it", path);
    w->path = path;
    w->err = err;
    amb_onnx__graph__init(&w->graph);
    w->graph.name = text(w, "amble");
    w->graph.node = w->nodes;
    w->graph.initializer = w->tensors;
    char *input = text(w, "input"), *output = text(w, "output"), *batch = text(w, "batch");
    end first, last;
    fill_end(&first, input, batch, net->dim[0]);
    fill_end(&last, output, batch, net->dim[net->layers]);
    w->graph.n_input = w->graph.n_output = 1;
    w->graph.input = first.infos;
    w->graph.output = last.infos;

    char *head = check_metadata(w, net) ? add_normalizer(w, net, input) : NULL;
    bool ok = head && add_layers(w, net, head, output, dtype) && write_model(w, net);
    for (int i = 0; i < MAX_TENSORS; i++)
        free(w->halves[i]);
    free(w);
    return ok;
}
