/* ami_net → ONNX file: Reshape where a row has a shape, Sub, Div, Clip (the normaliser), then Gemm and
 * activations, one Gemm for each head, everything named, metadata included.
 *
 * Refuses what the reader would refuse, so that no file is written that cannot be read back: numbers that are
 * not finite (or overflow float16), standard deviations that are not positive, metadata and names that are
 * not UTF-8, two outputs of one name. */
#include "nets/onnx/onnx.h"

#include "base/file.h"
#include "base/number.h"
#include "base/text.h"
#include "nets/half.h"
#include "nets/onnx/calibration.h"
#include "nets/onnx/tensor.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    OPSET = 13,
    IR_VERSION = 7, /* what goes with opset 13 */
    GEMMS = AMI_NET_MAX_LAYERS - 1 + AMI_NET_MAX_HEADS,
    SHAPES = 1 + AMI_NET_MAX_HEADS, /* of the input and of each head */
    MAX_TENSORS = 4 + 3 * GEMMS + SHAPES,
    MAX_NODES = 3 + 6 * GEMMS + SHAPES,
    MAX_TEXTS = 8 + MAX_TENSORS + MAX_NODES,
    TEXT = 64,
    MAX_DIMS = 1 + AMI_NET_MAX_RANK,
    OWN_METAS = 2,
};

/* A graph's input or output, float32 (batch, ...). */
typedef struct end {
    AmiOnnx__ValueInfo info;
    AmiOnnx__Type type;
    AmiOnnx__TensorType tensor;
    AmiOnnx__Shape shape;
    AmiOnnx__Dimension dim[MAX_DIMS];
    AmiOnnx__Dimension *dims[MAX_DIMS];
} end;

/* Everything the messages point to while they are being packed. */
typedef struct writer {
    const char *path;
    const ami_net *net;
    ami_onnx_dtype dtype;
    ami_error *err;
    AmiOnnx__Graph graph;
    AmiOnnx__Tensor tensor[MAX_TENSORS];
    AmiOnnx__Tensor *tensors[MAX_TENSORS];
    int64_t dims[MAX_TENSORS][2];
    void *halves[MAX_TENSORS]; /* owned, float16 or int8; NULL where a tensor points into the net */
    AmiOnnx__Node node[MAX_NODES];
    AmiOnnx__Node *nodes[MAX_NODES];
    char *inputs[MAX_NODES][3];
    char *output[MAX_NODES];
    AmiOnnx__Attribute attribute[MAX_NODES];
    AmiOnnx__Attribute *attributes[MAX_NODES];
    end input, outputs[AMI_NET_MAX_HEADS];
    AmiOnnx__ValueInfo *infos[SHAPES];
    char *head[AMI_NET_MAX_HEADS]; /* names of the outputs */
    char *from;                    /* of the input */
    int64_t shape[SHAPES][MAX_DIMS];
    int shapes;
    char text[MAX_TEXTS][TEXT];
    int texts;
    float bound[2]; /* -clip, clip */
} writer;

/* A name for something in the graph, made one that no output has, nor the input. */
__attribute__((format(printf, 2, 3))) static char *text(writer *w, const char *format, ...)
{
    assert(w->texts < MAX_TEXTS);
    char *out = w->text[w->texts++];
    va_list args;
    va_start(args, format);
    int length = ami_number_vformat(out, TEXT - AMI_NET_MAX_HEADS - 2, format, args);
    va_end(args);
    for (int h = -1; h < w->net->heads; h++) {
        const char *const taken = h < 0 ? w->from : w->head[h];
        if (taken && strcmp(taken, out) == 0) {
            out[length++] = '_';
            out[length] = 0;
            h = -2; /* from the start, with the new name */
        }
    }
    return out;
}

/* An initialiser of shape (rows, cols), or (cols) where rows is 0, or a single number where both are. */
static bool add_tensor(writer *w, char *name, const float *data, int rows, int cols, ami_onnx_dtype dtype)
{
    size_t i = w->graph.n_initializer++, count = (size_t)(rows ? rows : 1) * (size_t)(cols ? cols : 1);
    assert(i < MAX_TENSORS);
    AmiOnnx__Tensor *t = w->tensors[i] = &w->tensor[i];
    ami_onnx__tensor__init(t);
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
            return ami_fail(w->err, "%s: not written, %s: number %zu is %g, a finite number was expected",
                            w->path, name, k, (double)data[k]);
        }
    }
    if (dtype == AMI_ONNX_FLOAT32) {
        t->raw_data.data = (uint8_t *)(uintptr_t)data; /* only read */
        t->raw_data.len = count * sizeof *data;
        return true;
    }
    uint16_t *halves = w->halves[i] = malloc(count * sizeof *halves);
    if (!halves)
        return ami_fail(w->err, "%s: not enough memory to write it", w->path);
    for (size_t k = 0; k < count; k++) {
        halves[k] = ami_float_to_half(data[k]);
        if ((halves[k] & 0x7c00) == 0x7c00) {
            return ami_fail(w->err,
                            "%s: not written, %s: number %zu is %g, which overflows float16 (65504 at most)",
                            w->path, name, k, (double)data[k]);
        }
    }
    t->raw_data.data = (uint8_t *)halves;
    t->raw_data.len = count * sizeof *halves;
    return true;
}

/* A node named as its output. b and c may be NULL. */
static AmiOnnx__Node *add_node(writer *w, const char *op, char *a, char *b, char *c, char *out)
{
    size_t i = w->graph.n_node++;
    assert(i < MAX_NODES);
    AmiOnnx__Node *n = w->nodes[i] = &w->node[i];
    ami_onnx__node__init(n);
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
    return n;
}

/* Gives the last node its only attribute, to be filled. */
static AmiOnnx__Attribute *add_attribute(writer *w, const char *name)
{
    size_t i = w->graph.n_node - 1;
    AmiOnnx__Attribute *a = w->attributes[i] = &w->attribute[i];
    ami_onnx__attribute__init(a);
    a->name = (char *)(uintptr_t)name;
    a->has_type = 1;
    w->node[i].attribute = &w->attributes[i];
    w->node[i].n_attribute = 1;
    return a;
}

static void add_int_attribute(writer *w, const char *name, int64_t value)
{
    AmiOnnx__Attribute *a = add_attribute(w, name);
    a->type = 2; /* INT */
    a->has_i = 1;
    a->i = value;
}

static void add_float_attribute(writer *w, const char *name, float value)
{
    AmiOnnx__Attribute *a = add_attribute(w, name);
    a->type = 1; /* FLOAT */
    a->has_f = 1;
    a->f = value;
}

/* A Reshape of rows to `shape`, the batch left as it is. */
static void add_reshape(writer *w, char *from, const ami_net_shape *shape, char *name, char *out)
{
    size_t i = w->graph.n_initializer++;
    assert(i < MAX_TENSORS && w->shapes < SHAPES);
    int64_t *dims = w->shape[w->shapes++];
    dims[0] = 0; /* stands for what it was */
    for (int d = 0; d < shape->rank; d++)
        dims[1 + d] = shape->dim[d];
    AmiOnnx__Tensor *t = w->tensors[i] = &w->tensor[i];
    ami_onnx__tensor__init(t);
    t->name = name;
    t->dims = w->dims[i];
    t->dims[t->n_dims++] = 1 + shape->rank;
    t->has_data_type = t->has_raw_data = 1;
    t->data_type = AMI_ONNX_INT64;
    t->raw_data.data = (uint8_t *)dims;
    t->raw_data.len = (size_t)(1 + shape->rank) * sizeof *dims;
    add_node(w, "Reshape", from, name, NULL, out);
}

/* An initialiser that is float for its user: float16 goes through a Cast node. */
static bool add_parameter(writer *w, char *name, const float *data, int rows, int cols)
{
    if (w->dtype == AMI_ONNX_FLOAT32)
        return add_tensor(w, name, data, rows, cols, w->dtype);
    char *stored = text(w, "%s.float16", name);
    if (!add_tensor(w, stored, data, rows, cols, w->dtype))
        return false;
    add_node(w, "Cast", stored, NULL, NULL, name);
    add_int_attribute(w, "to", AMI_ONNX_FLOAT32);
    return true;
}

/* A weight of whole multiples of each row's unit, as int8: Cast and Mul make floats of it, which other
 * readers fold into constants when they load (they work a DequantizeLinear out in every run). */
static bool add_int8(writer *w, char *name, const float *data, const float *unit, int rows, int cols)
{
    char *stored = text(w, "%s.int8", name), *units = text(w, "%s.unit", name),
         *cast = text(w, "%s.float", name);
    if (!add_tensor(w, units, unit, rows, 1, AMI_ONNX_FLOAT32))
        return false;
    size_t i = w->graph.n_initializer++;
    assert(i < MAX_TENSORS);
    AmiOnnx__Tensor *t = w->tensors[i] = &w->tensor[i];
    ami_onnx__tensor__init(t);
    int8_t *q = w->halves[i] = malloc((size_t)rows * (size_t)cols);
    if (!q)
        return ami_fail(w->err, "%s: not enough memory to write it", w->path);
    for (int r = 0; r < rows; r++)
        for (int c = 0; c < cols; c++) {
            const size_t at = (size_t)r * (size_t)cols + (size_t)c;
            q[at] = (int8_t)(unit[r] > 0.0f ? nearbyintf(data[at] / unit[r]) : 0.0f);
        }
    t->name = stored;
    t->dims = w->dims[i];
    t->dims[t->n_dims++] = rows;
    t->dims[t->n_dims++] = cols;
    t->has_data_type = t->has_raw_data = 1;
    t->data_type = AMI_ONNX_INT8;
    t->raw_data.data = (uint8_t *)q;
    t->raw_data.len = (size_t)rows * (size_t)cols;
    add_node(w, "Cast", stored, NULL, NULL, cast);
    add_int_attribute(w, "to", AMI_ONNX_FLOAT32);
    add_node(w, "Mul", cast, units, NULL, name);
    return true;
}

/* Returns the normaliser's output, or NULL on error. */
static char *add_normalizer(writer *w, char *head)
{
    const ami_net *net = w->net;
    int inputs = net->dim[0];
    if (!net->in_mean)
        return head;
    for (int i = 0; i < inputs; i++) {
        if (!(net->in_std[i] > 0)) {
            ami_fail(w->err,
                     "%s: not written, the normaliser's standard deviation %d is %g, a positive number was "
                     "expected",
                     w->path, i, (double)net->in_std[i]);
            return NULL;
        }
    }
    char *mean = text(w, "normalizer.mean"), *std = text(w, "normalizer.std");
    if (!add_tensor(w, mean, net->in_mean, 0, inputs, AMI_ONNX_FLOAT32))
        return NULL;
    if (!add_tensor(w, std, net->in_std, 0, inputs, AMI_ONNX_FLOAT32))
        return NULL;
    char *centered = text(w, "normalizer.centered"), *scaled = text(w, "normalizer.scaled");
    add_node(w, "Sub", head, mean, NULL, centered);
    add_node(w, "Div", centered, std, NULL, scaled);
    if (!(net->in_clip > 0))
        return scaled;
    w->bound[0] = -net->in_clip;
    w->bound[1] = net->in_clip;
    char *lo = text(w, "normalizer.min"), *hi = text(w, "normalizer.max"),
         *clipped = text(w, "normalizer.clipped");
    if (!add_tensor(w, lo, &w->bound[0], 0, 0, AMI_ONNX_FLOAT32) ||
        !add_tensor(w, hi, &w->bound[1], 0, 0, AMI_ONNX_FLOAT32))
        return NULL;
    add_node(w, "Clip", scaled, lo, hi, clipped);
    return clipped;
}

/* weight and bias (outputs rows), named NAME.weight and NAME.bias, applied to `from`; unit: NULL or the
 * weight's units, with which it is stored as int8, and the bias as float32. */
static bool add_gemm(writer *w, char *from, const char *name, const float *weight, const float *bias,
                     const float *unit, int outputs, int inputs, char *out)
{
    char *w_name = text(w, "%s.weight", name), *b_name = text(w, "%s.bias", name);
    if (unit ? !add_int8(w, w_name, weight, unit, outputs, inputs) ||
                   !add_tensor(w, b_name, bias, 0, outputs, AMI_ONNX_FLOAT32)
             : !add_parameter(w, w_name, weight, outputs, inputs) ||
                   !add_parameter(w, b_name, bias, 0, outputs))
        return false;
    add_node(w, "Gemm", from, w_name, b_name, out);
    add_int_attribute(w, "transB", 1);
    return true;
}

static bool add_activation(writer *w, int l, char *from, char *out)
{
    ami_activation act = w->net->act[l];
    float alpha = w->net->act_alpha[l];
    add_node(w, ami_onnx_activation_operator(act), from, NULL, NULL, out);
    if (act != AMI_ACT_ELU && act != AMI_ACT_LEAKY_RELU)
        return true;
    add_float_attribute(w, "alpha", alpha);
    return isfinite(alpha) ||
           ami_fail(w->err, "%s: not written, the alpha of layer %d's %s is %g, a finite number was expected",
                    w->path, l, ami_activation_name(act), (double)alpha);
}

/* All layers but the last. Returns the last hidden tensor, or NULL on error. */
static char *add_hidden(writer *w, char *from)
{
    const ami_net *net = w->net;
    for (int l = 0; l < net->layers - 1; l++) {
        char name[32], *linear = text(w, "layers.%d.linear", l);
        snprintf(name, sizeof name, "layers.%d", l);
        if (!add_gemm(w, from, name, net->weight[l], net->bias[l], ami_net_units(net, l), net->dim[l + 1],
                      net->dim[l], linear))
            return NULL;
        from = linear;
        if (net->act[l] == AMI_ACT_IDENTITY)
            continue;
        from = text(w, "layers.%d.%s", l, ami_activation_name(net->act[l]));
        if (!add_activation(w, l, linear, from))
            return NULL;
    }
    return from;
}

/* The last layer: a Gemm for each head, whose rows lie in order; then its activation and its shape. */
static bool add_heads(writer *w, char *from)
{
    const ami_net *net = w->net;
    int last = net->layers - 1, inputs = net->dim[last], at = 0;
    ami_activation act = net->act[last];
    const float *const unit = ami_net_units(net, last);
    if (net->heads > 1 && act != AMI_ACT_IDENTITY)
        return ami_fail(w->err, "%s: not written, its %d heads end in %s, linear ones were expected", w->path,
                        net->heads, ami_activation_name(act));
    for (int h = 0; h < net->heads; h++) {
        const ami_net_head *head = &net->head[h];
        char name[32], *shaped = w->head[h];
        snprintf(name, sizeof name, "%s.%d", net->heads > 1 ? "heads" : "layers", net->heads > 1 ? h : last);
        char *flat = head->shape.rank > 1 ? text(w, "%s.flat", name) : shaped;
        char *linear = act == AMI_ACT_IDENTITY ? flat : text(w, "%s.linear", name);
        if (!add_gemm(w, from, name, net->weight[last] + (size_t)at * (size_t)inputs, net->bias[last] + at,
                      unit ? unit + at : NULL, head->outputs, inputs, linear))
            return false;
        if (act != AMI_ACT_IDENTITY && !add_activation(w, last, linear, flat))
            return false;
        if (flat != shaped)
            add_reshape(w, flat, &head->shape, text(w, "%s.shape", name), shaped);
        at += head->outputs;
    }
    assert(at == net->dim[net->layers]);
    return true;
}

/* Rows of `shape`, behind a batch of any number of them. */
static void fill_end(end *e, char *name, char *batch, const ami_net_shape *shape)
{
    ami_onnx__value_info__init(&e->info);
    ami_onnx__type__init(&e->type);
    ami_onnx__tensor_type__init(&e->tensor);
    ami_onnx__shape__init(&e->shape);
    for (int i = 0; i <= shape->rank; i++) {
        ami_onnx__dimension__init(&e->dim[i]);
        e->dims[i] = &e->dim[i];
        e->dim[i].has_dim_value = i > 0;
        e->dim[i].dim_value = i > 0 ? shape->dim[i - 1] : 0;
    }
    e->dim[0].dim_param = batch;
    e->shape.n_dim = (size_t)shape->rank + 1;
    e->shape.dim = e->dims;
    e->tensor.has_elem_type = 1;
    e->tensor.elem_type = AMI_ONNX_FLOAT32;
    e->tensor.shape = &e->shape;
    e->type.tensor_type = &e->tensor;
    e->info.name = name;
    e->info.type = &e->type;
}

/* What the outputs are called. */
static bool name_heads(writer *w)
{
    const ami_net *net = w->net;
    for (int h = 0; h < net->heads; h++) {
        char *name = net->head[h].name;
        if (!name || !name[0])
            continue;
        if (!ami_text_is_utf8(name))
            return ami_fail(w->err, "%s: not written, the name of output %d (%s) is not UTF-8 text", w->path,
                            h, ami_onnx_show(name).text);
        for (int k = 0; k < h; k++) {
            if (w->head[k] && strcmp(w->head[k], name) == 0)
                return ami_fail(w->err, "%s: not written, outputs %d and %d are both named %s", w->path, k, h,
                                ami_onnx_show(name).text);
        }
        w->head[h] = name;
    }
    for (int h = 0; h < net->heads; h++) {
        if (!w->head[h])
            w->head[h] = net->heads > 1 ? text(w, "output%d", h + 1) : text(w, "output");
    }
    return true;
}

static bool check_metadata(const writer *w, const ami_net *net)
{
    for (int i = 0; i < net->metas; i++) {
        const char *key = net->meta[i].key;
        if (!key[0])
            return ami_fail(w->err, "%s: not written, metadata entry %d has an empty key", w->path, i);
        if (ami_text_is_utf8(key) && ami_text_is_utf8(net->meta[i].value))
            continue;
        return ami_fail(w->err, "%s: not written, metadata entry %d (%s) is not UTF-8 text", w->path, i,
                        ami_onnx_show(key).text);
    }
    return true;
}

/* Packs the model around the finished graph and writes it. */
static bool write_model(writer *w, const ami_net *net)
{
    AmiOnnx__Property *property = calloc((size_t)net->metas + OWN_METAS, sizeof *property);
    AmiOnnx__Property **properties = calloc((size_t)net->metas + OWN_METAS, sizeof *properties);
    const char *key[OWN_METAS];
    char *value[OWN_METAS] = {NULL};
    int own = 0;
    uint8_t *bytes = NULL;
    bool ok = false;
    if (!property || !properties || !ami_onnx_own_metas(net, key, value, &own))
        goto memory;
    for (int i = 0; i < net->metas; i++) {
        ami_onnx__property__init(&property[i]);
        property[i].key = net->meta[i].key;
        property[i].value = net->meta[i].value;
        properties[i] = &property[i];
    }
    for (int i = 0; i < own; i++) {
        AmiOnnx__Property *const p = properties[net->metas + i] = &property[net->metas + i];
        ami_onnx__property__init(p);
        p->key = (char *)(uintptr_t)key[i]; /* only read */
        p->value = value[i];
    }
    AmiOnnx__OperatorSet set = AMI_ONNX__OPERATOR_SET__INIT, *sets[1] = {&set};
    set.domain = text(w, "%s", "");
    set.has_version = 1;
    set.version = OPSET;
    AmiOnnx__Model model = AMI_ONNX__MODEL__INIT;
    model.has_ir_version = 1;
    model.ir_version = IR_VERSION;
    model.producer_name = text(w, "amble");
    model.graph = &w->graph;
    model.n_opset_import = 1;
    model.opset_import = sets;
    model.n_metadata_props = (size_t)(net->metas + own);
    model.metadata_props = properties;

    size_t size = ami_onnx__model__get_packed_size(&model);
    if (size > AMI_ONNX_MAX_BYTES) {
        ami_fail(w->err, "%s: not written, it would be %zu bytes long, at most %zu can be read back", w->path,
                 size, AMI_ONNX_MAX_BYTES);
        goto out;
    }
    bytes = malloc(size);
    if (!bytes)
        goto memory;
    ami_onnx__model__pack(&model, bytes);
    ok = ami_file_write(w->path, bytes, size, w->err);
    goto out;
memory:
    ami_fail(w->err, "%s: not enough memory to write it", w->path);
out:
    for (int i = 0; i < OWN_METAS; i++)
        free(value[i]);
    free(bytes);
    free(property);
    free(properties);
    return ok;
}

static bool write_net(writer *w)
{
    const ami_net *net = w->net;
    if (!check_metadata(w, net) || !name_heads(w))
        return false;
    char *const name = net->in_name;
    if (name && !ami_text_is_utf8(name))
        return ami_fail(w->err, "%s: not written, the name of the input (%s) is not UTF-8 text", w->path,
                        ami_onnx_show(name).text);
    bool own = name && name[0];
    for (int h = 0; own && h < net->heads; h++)
        own = strcmp(w->head[h], name) != 0;
    w->from = own ? name : NULL;
    char *input = own ? name : text(w, "input"), *batch = text(w, "batch"), *from = input;
    w->graph.name = text(w, "amble");
    fill_end(&w->input, input, batch, &net->in_shape);
    w->infos[0] = &w->input.info;
    for (int h = 0; h < net->heads; h++) {
        fill_end(&w->outputs[h], w->head[h], batch, &net->head[h].shape);
        w->infos[1 + h] = &w->outputs[h].info;
    }
    w->graph.n_input = 1;
    w->graph.input = w->infos;
    w->graph.n_output = (size_t)net->heads;
    w->graph.output = w->infos + 1;
    if (net->in_shape.rank > 1) {
        const ami_net_shape flat = {1, {net->dim[0]}};
        from = text(w, "input.flat");
        add_reshape(w, input, &flat, text(w, "input.shape"), from);
    }
    from = add_normalizer(w, from);
    from = from ? add_hidden(w, from) : NULL;
    return from && add_heads(w, from) && write_model(w, net);
}

bool ami_onnx_write(const char *path, const ami_net *net, ami_onnx_dtype dtype, ami_error *err)
{
    assert(dtype == AMI_ONNX_FLOAT32 || dtype == AMI_ONNX_FLOAT16);
    writer *w = calloc(1, sizeof *w);
    if (!w)
        return ami_fail(err, "%s: not enough memory to write it", path);
    w->path = path;
    w->net = net;
    w->dtype = dtype;
    w->err = err;
    ami_onnx__graph__init(&w->graph);
    w->graph.node = w->nodes;
    w->graph.initializer = w->tensors;
    bool ok = write_net(w);
    for (int i = 0; i < MAX_TENSORS; i++)
        free(w->halves[i]);
    free(w);
    return ok;
}
