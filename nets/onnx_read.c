/* ONNX file → amb_net: decodes the file, walks its nodes in order and builds the net from the chain they make. The operators themselves are
 * in nets/onnx_ops.c.
 *
 * Refuses graphs that are not one chain from one input to one output, and everything nets/onnx.h says. It does not sort nodes (ONNX demands
 * that files do), does not run ONNX functions or subgraphs, does not look for data in other files. */
#include "nets/onnx.h"

#include "base/file.h"
#include "nets/onnx_graph.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { OPSET_MIN = 9, MAX_METADATA = 4096 };

bool amb_onnx_graph_fail(const amb_onnx_graph *g, const char *format, ...)
{
    char text[768];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return amb_fail(g->err, "%s: %s", g->path, text);
}

bool amb_onnx_node_fail(const amb_onnx_graph *g, const AmbOnnx__Node *n, const char *format, ...)
{
    char text[768], number[32];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    snprintf(number, sizeof number, "number %d", g->node);
    const char *name = amb_onnx_text(n->name);
    return amb_onnx_graph_fail(g, "node %s (%s): %s", name[0] ? amb_onnx_show(name).text : number,
                               amb_onnx_show(amb_onnx_text(n->op_type)).text, text);
}

static amb_onnx_value *find_value(const amb_onnx_graph *g, const char *name)
{
    for (int i = 0; i < g->values; i++) {
        if (strcmp(g->value[i].name, name) == 0)
            return &g->value[i];
    }
    return NULL;
}

static amb_onnx_value *add_value(amb_onnx_graph *g, const char *name)
{
    amb_onnx_value *v = &g->value[g->values++];
    *v = (amb_onnx_value){.name = name};
    return v;
}

static bool read_initializers(amb_onnx_graph *g)
{
    for (size_t i = 0; i < g->graph->n_initializer; i++) {
        const AmbOnnx__Tensor *t = g->graph->initializer[i];
        const char *name = amb_onnx_text(t->name);
        if (!name[0])
            return amb_onnx_graph_fail(g, "initialiser number %zu has no name", i);
        if (find_value(g, name))
            return amb_onnx_graph_fail(g, "two initialisers are named %s", amb_onnx_show(name).text);
        add_value(g, name)->unopened = t;
    }
    return true;
}

/* Checks that a graph's input or output is float32 (batch, features). Dimensions that the file leaves open come back as 0; with no type or
 * no shape at all, all of them. */
static bool read_shape(const amb_onnx_graph *g, const char *what, const AmbOnnx__ValueInfo *info, int64_t *batch, int64_t *features)
{
    amb_onnx_shown name = amb_onnx_show(amb_onnx_text(info->name));
    *batch = *features = 0;
    if (!info->type)
        return true;
    const AmbOnnx__TensorType *type = info->type->tensor_type;
    if (!type)
        return amb_onnx_graph_fail(g, "%s %s is not a tensor, float32 (batch, features) was expected", what, name.text);
    if (type->elem_type != AMB_ONNX_FLOAT32) {
        return amb_onnx_graph_fail(g, "%s %s is %s (data type %d), float32 was expected", what, name.text,
                                   amb_onnx_type_name(type->elem_type), type->elem_type);
    }
    if (!type->shape)
        return true;
    if (type->shape->n_dim != 2) {
        return amb_onnx_graph_fail(g, "%s %s has %zu dimensions, two (batch, features) were expected", what, name.text, type->shape->n_dim);
    }
    for (int i = 0; i < 2; i++) {
        const AmbOnnx__Dimension *dim = type->shape->dim[i];
        if (!dim->has_dim_value)
            continue;
        if (dim->dim_value < 1 || dim->dim_value > INT32_MAX) {
            return amb_onnx_graph_fail(g, "%s %s: dimension %d is %" PRId64 ", 1 to %d was expected", what, name.text, i, dim->dim_value,
                                       INT32_MAX);
        }
        *(i == 0 ? batch : features) = dim->dim_value;
    }
    return true;
}

static bool read_input(amb_onnx_graph *g)
{
    const AmbOnnx__ValueInfo *input = NULL;
    for (size_t i = 0; i < g->graph->n_input; i++) {
        const char *name = amb_onnx_text(g->graph->input[i]->name);
        if (find_value(g, name))
            continue; /* an initialiser, listed here as before IR version 4 */
        if (!name[0])
            return amb_onnx_graph_fail(g, "input number %zu has no name", i);
        if (input) {
            return amb_onnx_graph_fail(g, "has more than one input (%s and %s), one was expected",
                                       amb_onnx_show(amb_onnx_text(input->name)).text, amb_onnx_show(name).text);
        }
        input = g->graph->input[i];
    }
    if (!input)
        return amb_onnx_graph_fail(g, "has no input, one was expected");

    int64_t features;
    if (!read_shape(g, "input", input, &g->batch, &features))
        return false;
    amb_onnx_shown name = amb_onnx_show(input->name);
    if (features == 0) {
        return amb_onnx_graph_fail(g, "input %s leaves the number of features open, shape (batch, number) was expected", name.text);
    }
    if (features > AMB_NET_MAX_DIM) {
        return amb_onnx_graph_fail(g, "input %s has %" PRId64 " features, at most %d are supported", name.text, features, AMB_NET_MAX_DIM);
    }
    g->features = (size_t)features;
    g->mean = calloc(g->features, sizeof *g->mean);
    g->std = calloc(g->features, sizeof *g->std);
    if (!g->mean || !g->std)
        return amb_onnx_graph_fail(g, "not enough memory");
    for (size_t i = 0; i < g->features; i++)
        g->std[i] = 1;
    g->head = add_value(g, input->name);
    g->head->computed = true;
    return true;
}

/* The inputs of a node as values, "" as NULL; *at becomes the index of the computed one, -1 without. */
static bool read_node_inputs(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value **in, int *at)
{
    *at = -1;
    for (int i = 0; i < (int)n->n_input; i++) {
        const char *name = n->input[i];
        amb_onnx_shown shown = amb_onnx_show(name);
        if (!name[0])
            continue;
        amb_onnx_value *v = find_value(g, name);
        if (!v) {
            for (size_t k = (size_t)g->node; k < g->graph->n_node; k++) {
                const AmbOnnx__Node *later = g->graph->node[k];
                for (size_t o = 0; o < later->n_output; o++) {
                    if (strcmp(later->output[o], name) == 0) {
                        return amb_onnx_node_fail(g, n, "input %s is only computed by this or a later node: a cycle, or nodes out of order",
                                                  shown.text);
                    }
                }
            }
            return amb_onnx_node_fail(g, n, "input %s is missing: no initialiser, input or node of that name", shown.text);
        }
        if (v->computed && *at >= 0) {
            return amb_onnx_node_fail(g, n, "inputs %s and %s are both computed, one constant was expected",
                                      amb_onnx_show(in[*at]->name).text, shown.text);
        }
        if (v->computed && v->reader) {
            amb_onnx_shown reader = amb_onnx_show(amb_onnx_text(v->reader->name));
            return amb_onnx_node_fail(g, n, "input %s is also used by node %s (%s): a branch, one chain was expected", shown.text,
                                      reader.text, amb_onnx_show(amb_onnx_text(v->reader->op_type)).text);
        }
        if (v->unopened) {
            amb_error why = {0};
            if (!amb_onnx_array_open(&v->array, v->unopened, &why)) {
                return amb_onnx_node_fail(g, n, "initialiser %s: %s", shown.text, why.text);
            }
            v->unopened = NULL;
        }
        if (v->computed)
            *at = i;
        in[i] = v;
    }
    return true;
}

static bool check_attributes(amb_onnx_graph *g, const AmbOnnx__Node *n, const amb_onnx_operator *op)
{
    for (size_t i = 0; i < n->n_attribute; i++) {
        const char *name = amb_onnx_text(n->attribute[i]->name);
        bool found = false;
        for (int k = 0; op->attributes[k]; k++)
            found |= strcmp(op->attributes[k], name) == 0;
        if (!found)
            return amb_onnx_node_fail(g, n, "attribute %s is not one this operator has", amb_onnx_show(name).text);
        if (n->attribute[i]->ref_attr_name && n->attribute[i]->ref_attr_name[0]) {
            return amb_onnx_node_fail(g, n, "attribute %s refers to a function's, a value was expected", amb_onnx_show(name).text);
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(amb_onnx_text(n->attribute[k]->name), name) == 0) {
                return amb_onnx_node_fail(g, n, "attribute %s is given twice", amb_onnx_show(name).text);
            }
        }
    }
    return true;
}

static bool read_node(amb_onnx_graph *g, const AmbOnnx__Node *n)
{
    const char *domain = amb_onnx_text(n->domain);
    if (domain[0] && strcmp(domain, "ai.onnx") != 0) {
        return amb_onnx_node_fail(g, n, "operator domain %s is not supported, ONNX's own was expected", amb_onnx_show(domain).text);
    }
    const amb_onnx_operator *op = amb_onnx_operator_find(amb_onnx_text(n->op_type));
    if (!op) {
        char names[256];
        amb_onnx_operator_names(names, sizeof names);
        return amb_onnx_node_fail(g, n, "operator %s is not supported, one of %s was expected",
                                  amb_onnx_show(amb_onnx_text(n->op_type)).text, names);
    }
    if (n->n_input < (size_t)op->min_inputs || n->n_input > (size_t)op->max_inputs) {
        return amb_onnx_node_fail(g, n, "has %zu inputs, %d to %d were expected", n->n_input, op->min_inputs, op->max_inputs);
    }
    for (int i = 0; i < op->min_inputs; i++) {
        if (!n->input[i][0])
            return amb_onnx_node_fail(g, n, "input number %d is missing (an empty name)", i);
    }
    if (n->n_output != 1 || !n->output[0][0]) {
        return amb_onnx_node_fail(g, n, "has %zu outputs, one with a name was expected", n->n_output);
    }
    if (find_value(g, n->output[0])) {
        return amb_onnx_node_fail(g, n, "output %s is a name already taken", amb_onnx_show(n->output[0]).text);
    }
    amb_onnx_value *in[AMB_ONNX_MAX_INPUTS] = {NULL};
    int at;
    if (!check_attributes(g, n, op) || !read_node_inputs(g, n, in, &at))
        return false;

    if (at < 0) {
        if (!op->on_constants)
            return amb_onnx_node_fail(g, n, "has constant inputs only, which is not supported for this operator");
        return op->on_constants(g, n, in, add_value(g, n->output[0]));
    }
    if (!op->on_computed)
        return amb_onnx_node_fail(g, n, "input %s is computed, a constant was expected", amb_onnx_show(in[at]->name).text);
    if (!op->on_computed(g, n, in, at))
        return false;
    in[at]->reader = n;
    g->head = add_value(g, n->output[0]);
    g->head->computed = true;
    return true;
}

static bool check_output(amb_onnx_graph *g)
{
    if (g->graph->n_output != 1)
        return amb_onnx_graph_fail(g, "has %zu outputs, one was expected", g->graph->n_output);
    const AmbOnnx__ValueInfo *output = g->graph->output[0];
    amb_onnx_shown name = amb_onnx_show(amb_onnx_text(output->name)), last = amb_onnx_show(g->head->name);
    if (g->layers == 0)
        return amb_onnx_graph_fail(g, "has no layer (Gemm or MatMul) between its input and its output");
    if (strcmp(amb_onnx_text(output->name), g->head->name) != 0) {
        return amb_onnx_graph_fail(g, "output %s is not the end of the chain from the input, which is %s", name.text, last.text);
    }
    int64_t batch, features;
    if (!read_shape(g, "output", output, &batch, &features))
        return false;
    if (features != 0 && (size_t)features != g->features) {
        return amb_onnx_graph_fail(g, "output %s claims %" PRId64 " features, the last layer has %zu", name.text, features, g->features);
    }
    if (batch != 0 && g->batch != 0 && batch != g->batch) {
        return amb_onnx_graph_fail(g, "output %s claims %" PRId64 " rows, the input has %" PRId64, name.text, batch, g->batch);
    }
    return true;
}

static bool build_normalizer(amb_onnx_graph *g, amb_net *net)
{
    if (!g->normalized)
        return true;
    if (!amb_net_add_normalizer(net))
        return amb_onnx_graph_fail(g, "not enough memory");
    for (int i = 0; i < net->dim[0]; i++) {
        float mean = (float)g->mean[i], std = (float)g->std[i];
        if (!isfinite(mean))
            return amb_onnx_graph_fail(g, "the normaliser's mean %d is %g, a finite number was expected", i, (double)mean);
        if (!(std > 0) || !isfinite(std)) {
            return amb_onnx_graph_fail(g, "the normaliser's standard deviation %d is %g, a positive number was expected", i, (double)std);
        }
        net->in_mean[i] = mean;
        net->in_std[i] = std;
    }
    net->in_clip = g->clip;
    return true;
}

static bool build_layer(amb_onnx_graph *g, amb_net *net, int l)
{
    amb_onnx_layer *layer = &g->layer[l];
    size_t outputs = layer->weight.dim[0], inputs = layer->weight.dim[1];
    float *weight = net->weight[l];
    amb_onnx_array_floats(&layer->weight, weight);
    for (size_t o = 0; o < outputs && layer->scale; o++) {
        if (layer->scale[o] == 1)
            continue; /* keeps every bit */
        for (size_t i = 0; i < inputs; i++)
            weight[o * inputs + i] = (float)(layer->scale[o] * (double)weight[o * inputs + i]);
    }
    for (size_t i = 0; i < outputs * inputs; i++) {
        if (!isfinite(weight[i])) {
            return amb_onnx_graph_fail(g, "weight %s: the one from input %zu to output %zu is %g, a finite number was expected",
                                       amb_onnx_show(layer->name).text, i % inputs, i / inputs, (double)weight[i]);
        }
    }
    for (size_t o = 0; o < outputs && layer->bias; o++) {
        if (!isfinite(layer->bias[o])) {
            return amb_onnx_graph_fail(g, "the bias of the layer with weight %s: number %zu is %g, a finite number was expected",
                                       amb_onnx_show(layer->name).text, o, (double)layer->bias[o]);
        }
        net->bias[l][o] = layer->bias[o];
    }
    net->act[l] = layer->act;
    return true;
}

static bool build_metadata(amb_onnx_graph *g, const AmbOnnx__Model *model, amb_net *net)
{
    if (model->n_metadata_props > MAX_METADATA) {
        return amb_onnx_graph_fail(g, "has %zu metadata entries, at most %d are supported", model->n_metadata_props, MAX_METADATA);
    }
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const char *key = amb_onnx_text(model->metadata_props[i]->key), *value = amb_onnx_text(model->metadata_props[i]->value);
        if (!key[0])
            return amb_onnx_graph_fail(g, "metadata entry %zu has no key", i);
        if (!amb_onnx_is_utf8(key) || !amb_onnx_is_utf8(value)) {
            return amb_onnx_graph_fail(g, "metadata entry %zu (%s) is not UTF-8 text", i, amb_onnx_show(key).text);
        }
        if (amb_net_get_meta(net, key))
            return amb_onnx_graph_fail(g, "metadata key %s is given twice", amb_onnx_show(key).text);
        if (!amb_net_set_meta(net, key, value))
            return amb_onnx_graph_fail(g, "not enough memory");
    }
    return true;
}

static amb_net *build_net(amb_onnx_graph *g, const AmbOnnx__Model *model)
{
    int dim[AMB_NET_MAX_LAYERS + 1];
    dim[0] = (int)g->layer[0].weight.dim[1];
    for (int l = 0; l < g->layers; l++)
        dim[l + 1] = (int)g->layer[l].weight.dim[0];
    amb_net *net = amb_net_create(g->layers, dim, g->err);
    if (!net) {
        amb_fail_in(g->err, "%s", g->path);
        return NULL;
    }
    bool ok = build_normalizer(g, net);
    for (int l = 0; l < g->layers && ok; l++)
        ok = build_layer(g, net, l);
    if (ok && build_metadata(g, model, net))
        return net;
    amb_net_destroy(net);
    return NULL;
}

static bool read_opset(amb_onnx_graph *g, const AmbOnnx__Model *model)
{
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const AmbOnnx__OperatorSet *set = model->opset_import[i];
        const char *domain = amb_onnx_text(set->domain);
        if (domain[0] && strcmp(domain, "ai.onnx") != 0)
            continue; /* matters only to nodes of that domain, which are refused */
        if (g->opset != 0)
            return amb_onnx_graph_fail(g, "names ONNX's operator set twice");
        if (set->version < OPSET_MIN || set->version > INT32_MAX) {
            return amb_onnx_graph_fail(g, "needs operator set %" PRId64 ", %d or newer is supported", set->version, OPSET_MIN);
        }
        g->opset = (int)set->version;
    }
    return g->opset != 0 || amb_onnx_graph_fail(g, "does not say which ONNX operator set it needs (opset_import is missing)");
}

static amb_net *read_model(amb_onnx_graph *g, const AmbOnnx__Model *model)
{
    if (!model->graph) {
        amb_onnx_graph_fail(g, "holds no graph: not an ONNX model, or one that was cut off");
        return NULL;
    }
    g->graph = model->graph;
    if (g->graph->n_node > AMB_ONNX_MAX_NODES || g->graph->n_initializer > AMB_ONNX_MAX_INITIALIZERS) {
        amb_onnx_graph_fail(g, "has %zu nodes and %zu initialisers, at most %d and %d are supported", g->graph->n_node,
                            g->graph->n_initializer, AMB_ONNX_MAX_NODES, AMB_ONNX_MAX_INITIALIZERS);
        return NULL;
    }
    if (g->graph->n_sparse_initializer > 0) {
        amb_onnx_graph_fail(g, "has sparse initialisers, dense ones were expected");
        return NULL;
    }
    g->value = calloc(g->graph->n_initializer + g->graph->n_node + 1, sizeof *g->value);
    if (!g->value) {
        amb_onnx_graph_fail(g, "not enough memory");
        return NULL;
    }
    if (!read_opset(g, model) || !read_initializers(g) || !read_input(g))
        return NULL;
    for (g->node = 0; g->node < (int)g->graph->n_node; g->node++) {
        if (!read_node(g, g->graph->node[g->node]))
            return NULL;
    }
    return check_output(g) ? build_net(g, model) : NULL;
}

/* protobuf-c's memory comes out of a budget in proportion to the file: a few bytes can stand for a large structure. */
typedef struct budget {
    size_t left;
    bool exceeded;
} budget;

static void *budget_alloc(void *data, size_t size)
{
    budget *b = data;
    b->exceeded |= size > b->left;
    if (b->exceeded)
        return NULL;
    b->left -= size;
    return malloc(size);
}

static void budget_free(void *data, void *pointer)
{
    (void)data;
    free(pointer);
}

amb_net *amb_onnx_read(const char *path, amb_error *err)
{
    size_t size;
    uint8_t *bytes = amb_file_read(path, AMB_ONNX_MAX_BYTES, &size, err);
    if (!bytes)
        return NULL;
    /* 4: float16 bits as one-byte varints become four bytes. The rest: some 40 bytes for each field while its message is being decoded. */
    size_t extra = (size_t)256 << 20;
    budget memory = {.left = 4 * size + (size < extra / 32 ? 32 * size : extra) + (1 << 20)};
    ProtobufCAllocator allocator = {budget_alloc, budget_free, &memory};
    amb_onnx_graph g = {.path = path, .err = err};
    amb_net *net = NULL;
    AmbOnnx__Model *model = size > 0 ? amb_onnx__model__unpack(&allocator, size, bytes) : NULL;
    free(bytes);
    if (size == 0) {
        amb_onnx_graph_fail(&g, "is empty, an ONNX model was expected");
    } else if (memory.exceeded) {
        amb_onnx_graph_fail(&g, "decoding its %zu bytes takes more memory than a model of that size can need", size);
    } else if (!model) {
        amb_onnx_graph_fail(&g, "its %zu bytes cannot be decoded: not an ONNX model, or one that is damaged or was cut off", size);
    } else {
        net = read_model(&g, model);
    }
    for (int l = 0; l < g.layers; l++) {
        free(g.layer[l].scale);
        free(g.layer[l].bias);
    }
    free(g.mean);
    free(g.std);
    free(g.value);
    amb_onnx__model__free_unpacked(model, &allocator);
    return net;
}
