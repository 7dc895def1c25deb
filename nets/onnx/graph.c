/* Walks an ONNX graph: its input, its nodes in order, its outputs. The operators themselves are in the other
 * onnx_*.c.
 *
 * Refuses graphs that are not one chain of layers from one input, ending in one output or in several that
 * take the same layer's result; and everything nets/onnx/onnx.h says. It does not sort nodes (ONNX demands
 * that files do) and does not run functions or subgraphs. */
#include "nets/onnx/graph.h"

#include "base/number.h"
#include "base/text.h"
#include "nets/onnx/onnx.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ami_onnx_graph_fail(const ami_onnx_graph *g, const char *format, ...)
{
    char text[960];
    va_list args;
    va_start(args, format);
    ami_number_vformat(text, sizeof text, format, args);
    va_end(args);
    return ami_fail(g->err, "%s: %s", g->path, text);
}

/* "node 'fc1' (Gemm)" */
static void show_node(const ami_onnx_graph *g, const AmiOnnx__Node *n, char *text, size_t size)
{
    const char *name = ami_onnx_text(n->name);
    char number[32] = "";
    for (size_t i = 0; i < g->graph->n_node && !name[0]; i++) {
        if (g->graph->node[i] == n)
            snprintf(number, sizeof number, "number %zu", i);
    }
    snprintf(text, size, "node %s (%s)", name[0] ? ami_onnx_show(name).text : number,
             ami_onnx_show(ami_onnx_text(n->op_type)).text);
}

bool ami_onnx_node_fail(const ami_onnx_graph *g, const AmiOnnx__Node *n, const char *format, ...)
{
    char text[768], node[160];
    va_list args;
    va_start(args, format);
    ami_number_vformat(text, sizeof text, format, args);
    va_end(args);
    show_node(g, n, node, sizeof node);
    return ami_onnx_graph_fail(g, "%s: %s", node, text);
}

int ami_onnx_depth(const ami_onnx_graph *g, int layer)
{
    int depth = 0;
    for (; layer >= 0; layer = g->layer[layer].parent)
        depth++;
    return depth;
}

size_t ami_onnx_features(const ami_onnx_tensor *t)
{
    size_t features = 1;
    for (int i = 1; i < t->rank; i++)
        features *= t->dim[i];
    return features;
}

static ami_onnx_stage *stage_of(ami_onnx_graph *g, const ami_onnx_tensor *t)
{
    return t->layer < 0 ? &g->root : &g->layer[t->layer].stage;
}

static bool branch_fail(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v)
{
    char other[160];
    show_node(g, stage_of(g, &v->tensor)->last, other, sizeof other);
    return ami_onnx_node_fail(g, n, "input %s is also used by %s: a branch, one chain was expected",
                              ami_onnx_show(v->name).text, other);
}

bool ami_onnx_change(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v)
{
    ami_onnx_stage *stage = stage_of(g, &v->tensor);
    if (stage->used || stage->changes != v->tensor.changes)
        return branch_fail(g, n, v);
    stage->changes++;
    stage->last = n;
    return true;
}

bool ami_onnx_use(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v)
{
    ami_onnx_stage *stage = stage_of(g, &v->tensor);
    if (stage->changes != v->tensor.changes)
        return branch_fail(g, n, v);
    stage->used = true;
    stage->last = n;
    return true;
}

static ami_onnx_value *find_value(const ami_onnx_graph *g, const char *name)
{
    for (int i = 0; i < g->values; i++) {
        if (strcmp(g->value[i].name, name) == 0)
            return &g->value[i];
    }
    return NULL;
}

static ami_onnx_value *add_value(ami_onnx_graph *g, const char *name)
{
    ami_onnx_value *v = &g->value[g->values++];
    *v = (ami_onnx_value){.name = name};
    return v;
}

static bool read_initializers(ami_onnx_graph *g)
{
    for (size_t i = 0; i < g->graph->n_initializer; i++) {
        const AmiOnnx__Tensor *t = g->graph->initializer[i];
        const char *name = ami_onnx_text(t->name);
        if (!name[0])
            return ami_onnx_graph_fail(g, "initialiser number %zu has no name", i);
        if (find_value(g, name))
            return ami_onnx_graph_fail(g, "two initialisers are named %s", ami_onnx_show(name).text);
        add_value(g, name)->unopened = t;
    }
    return true;
}

/* What a graph says about its input or output: a float type, and dimensions, those left open as 0. Rank 0: no
 * shape at all. */
static bool read_shape(const ami_onnx_graph *g, const char *what, const AmiOnnx__ValueInfo *info,
                       ami_onnx_tensor *out)
{
    ami_onnx_shown name = ami_onnx_show(ami_onnx_text(info->name));
    *out = (ami_onnx_tensor){.layer = -1};
    if (!info->type)
        return true;
    const AmiOnnx__TensorType *type = info->type->tensor_type;
    if (!type)
        return ami_onnx_graph_fail(g, "%s %s is not a tensor, float32 (batch, features) was expected", what,
                                   name.text);
    if (!ami_onnx_is_float(type->elem_type)) {
        return ami_onnx_graph_fail(g, "%s %s is %s (data type %d), float32 was expected", what, name.text,
                                   ami_onnx_type_name(type->elem_type), type->elem_type);
    }
    out->type = type->elem_type;
    if (!type->shape)
        return true;
    if (type->shape->n_dim < 1 || type->shape->n_dim > AMI_ONNX_MAX_DIMS) {
        return ami_onnx_graph_fail(g, "%s %s has %zu dimensions, 1 to %d were expected", what, name.text,
                                   type->shape->n_dim, AMI_ONNX_MAX_DIMS);
    }
    out->rank = (int)type->shape->n_dim;
    for (int i = 0; i < out->rank; i++) {
        const AmiOnnx__Dimension *dim = type->shape->dim[i];
        if (!dim->has_dim_value)
            continue;
        if (dim->dim_value < 1 || dim->dim_value > INT32_MAX) {
            return ami_onnx_graph_fail(g, "%s %s: dimension %d is %" PRId64 ", 1 to %d was expected", what,
                                       name.text, i, dim->dim_value, INT32_MAX);
        }
        out->dim[i] = (size_t)dim->dim_value;
    }
    return true;
}

static bool find_input(ami_onnx_graph *g, const AmiOnnx__ValueInfo **input)
{
    *input = NULL;
    for (size_t i = 0; i < g->graph->n_input; i++) {
        const char *name = ami_onnx_text(g->graph->input[i]->name);
        if (find_value(g, name))
            continue; /* an initialiser, listed here as before IR version 4 */
        if (!name[0])
            return ami_onnx_graph_fail(g, "input number %zu has no name", i);
        if (*input) {
            return ami_onnx_graph_fail(g, "has more than one input (%s and %s), one was expected",
                                       ami_onnx_show(ami_onnx_text((*input)->name)).text,
                                       ami_onnx_show(name).text);
        }
        *input = g->graph->input[i];
    }
    return *input || ami_onnx_graph_fail(g, "has no input, one was expected");
}

/* (batch, features), or more dimensions, the product of all but the first a number that a net can take. */
static bool check_input(const ami_onnx_graph *g, const char *name, const ami_onnx_tensor *t)
{
    uint64_t features = 1;
    ami_onnx_shown shown = ami_onnx_show(name);
    if (t->rank > 1 + AMI_NET_MAX_RANK || t->rank == 1) {
        return ami_onnx_graph_fail(g, "input %s has %d dimensions, 2 (batch, features) to %d were expected",
                                   shown.text, t->rank, 1 + AMI_NET_MAX_RANK);
    }
    for (int i = 1; i < t->rank; i++) {
        features = t->dim[i] == 0 ? 0 : features * t->dim[i];
        if (features == 0)
            break;
        if (features > AMI_NET_MAX_DIM) {
            return ami_onnx_graph_fail(g, "input %s has %" PRIu64 " features, at most %d are supported",
                                       shown.text, features, AMI_NET_MAX_DIM);
        }
    }
    if (t->rank == 0 || features == 0)
        return ami_onnx_graph_fail(
            g, "input %s leaves the number of features open, shape (batch, number) was expected", shown.text);
    return true;
}

static bool read_input(ami_onnx_graph *g)
{
    const AmiOnnx__ValueInfo *input;
    if (!find_input(g, &input) || !read_shape(g, "input", input, &g->input) ||
        !check_input(g, input->name, &g->input))
        return false;
    g->input_name = input->name;
    g->rows = (int64_t)g->input.dim[0];
    g->inputs = ami_onnx_features(&g->input);
    g->lo = -INFINITY;
    g->hi = INFINITY;
    g->mean = calloc(g->inputs, sizeof *g->mean);
    g->std = calloc(g->inputs, sizeof *g->std);
    if (!g->mean || !g->std)
        return ami_onnx_graph_fail(g, "not enough memory");
    for (size_t i = 0; i < g->inputs; i++)
        g->std[i] = 1;
    ami_onnx_value *v = add_value(g, input->name);
    v->kind = AMI_ONNX_COMPUTED;
    v->tensor = g->input;
    return true;
}

/* Why no value has a node's input's name. */
static bool unknown_input_fail(ami_onnx_graph *g, const AmiOnnx__Node *n, const char *name)
{
    for (size_t k = 0; k < g->graph->n_node; k++) {
        const AmiOnnx__Node *other = g->graph->node[k];
        for (size_t o = 0; o < other->n_output; o++) {
            if (strcmp(other->output[o], name) == 0) {
                return ami_onnx_node_fail(
                    g, n, "input %s is only computed by this or a later node: a cycle, or nodes out of order",
                    ami_onnx_show(name).text);
            }
        }
    }
    return ami_onnx_node_fail(g, n, "input %s is missing: no initialiser, input or node of that name",
                              ami_onnx_show(name).text);
}

/* The inputs of a node as values, "" as NULL; *at becomes the index of the computed one, -1 without. */
static bool read_node_inputs(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value **in, int *at)
{
    *at = -1;
    for (int i = 0; i < (int)n->n_input; i++) {
        const char *name = n->input[i];
        ami_onnx_shown shown = ami_onnx_show(name);
        if (!name[0])
            continue;
        ami_onnx_value *v = find_value(g, name);
        if (!v)
            return unknown_input_fail(g, n, name);
        if (v->kind == AMI_ONNX_UNREADABLE)
            return ami_onnx_node_fail(g, n, "input %s is a node's second output, which is not supported",
                                      shown.text);
        if (v->kind == AMI_ONNX_COMPUTED && *at >= 0) {
            return ami_onnx_node_fail(g, n, "inputs %s and %s are both computed, one constant was expected",
                                      ami_onnx_show(in[*at]->name).text, shown.text);
        }
        if (v->unopened) {
            ami_error why = {0};
            if (!ami_onnx_array_open(&v->array, v->unopened, g->source, &why))
                return ami_onnx_node_fail(g, n, "initialiser %s: %s", shown.text, why.text);
            v->unopened = NULL;
        }
        if (v->kind == AMI_ONNX_COMPUTED)
            *at = i;
        in[i] = v;
    }
    return true;
}

static bool check_attributes(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_operator *op)
{
    for (size_t i = 0; i < n->n_attribute; i++) {
        const char *name = ami_onnx_text(n->attribute[i]->name);
        bool found = false;
        for (int k = 0; op->attributes[k]; k++)
            found |= strcmp(op->attributes[k], name) == 0;
        if (!found)
            return ami_onnx_node_fail(g, n, "attribute %s is not one this operator has",
                                      ami_onnx_show(name).text);
        if (n->attribute[i]->ref_attr_name && n->attribute[i]->ref_attr_name[0]) {
            return ami_onnx_node_fail(g, n, "attribute %s refers to a function's, a value was expected",
                                      ami_onnx_show(name).text);
        }
        for (size_t k = 0; k < i; k++) {
            if (strcmp(ami_onnx_text(n->attribute[k]->name), name) == 0) {
                return ami_onnx_node_fail(g, n, "attribute %s is given twice", ami_onnx_show(name).text);
            }
        }
    }
    return true;
}

static bool is_onnx_domain(const char *domain)
{
    return !domain[0] || strcmp(domain, "ai.onnx") == 0;
}

/* A node's operator, if it is one that is read here and the file does not give that name another meaning. */
static const ami_onnx_operator *find_operator(ami_onnx_graph *g, const AmiOnnx__Node *n)
{
    const char *domain = ami_onnx_text(n->domain), *type = ami_onnx_text(n->op_type);
    for (size_t i = 0; i < g->model->n_functions; i++) {
        const char *own = ami_onnx_text(g->model->functions[i]->domain);
        bool same = strcmp(own, domain) == 0 || (is_onnx_domain(own) && is_onnx_domain(domain));
        if (same && strcmp(ami_onnx_text(g->model->functions[i]->name), type) == 0) {
            ami_onnx_node_fail(g, n,
                               "is a function that the file itself defines, which is not supported: export "
                               "with functions inlined");
            return NULL;
        }
    }
    if (!is_onnx_domain(domain)) {
        ami_onnx_node_fail(g, n, "operator domain %s is not supported, ONNX's own was expected",
                           ami_onnx_show(domain).text);
        return NULL;
    }
    const ami_onnx_operator *op = ami_onnx_operator_find(type);
    if (!op) {
        char names[512];
        ami_onnx_operator_names(names, sizeof names);
        ami_onnx_node_fail(g, n, "operator %s is not supported, one of %s was expected",
                           ami_onnx_show(type).text, names);
    }
    return op;
}

/* How many inputs and outputs, and that the outputs' names are new. */
static bool check_node(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_operator *op)
{
    size_t outputs = op->max_outputs ? (size_t)op->max_outputs : 1;
    if (n->n_input < (size_t)op->min_inputs || n->n_input > (size_t)op->max_inputs) {
        return ami_onnx_node_fail(g, n, "has %zu inputs, %d to %d were expected", n->n_input, op->min_inputs,
                                  op->max_inputs);
    }
    for (int i = 0; i < op->min_inputs; i++) {
        if (!n->input[i][0])
            return ami_onnx_node_fail(g, n, "input number %d is missing (an empty name)", i);
    }
    if (n->n_output < 1 || n->n_output > outputs || !n->output[0][0]) {
        return ami_onnx_node_fail(g, n, "has %zu outputs, %s with a name was expected", n->n_output,
                                  outputs > 1 ? "one or two" : "one");
    }
    for (size_t i = 0; i < n->n_output; i++) {
        if (find_value(g, n->output[i]) || (i > 0 && strcmp(n->output[i], n->output[0]) == 0))
            return ami_onnx_node_fail(g, n, "output %s is a name already taken",
                                      ami_onnx_show(n->output[i]).text);
    }
    return true;
}

static bool read_node(ami_onnx_graph *g, const AmiOnnx__Node *n)
{
    ami_onnx_value *in[AMI_ONNX_MAX_INPUTS] = {NULL};
    int at;
    const ami_onnx_operator *op = find_operator(g, n);
    if (!op || !check_node(g, n, op) || !check_attributes(g, n, op) || !read_node_inputs(g, n, in, &at))
        return false;
    ami_onnx_handler *handler = at < 0 ? op->on_constants : op->on_computed;
    if (!handler && at < 0)
        return ami_onnx_node_fail(g, n, "has constant inputs only, which is not supported for this operator");
    if (!handler)
        return ami_onnx_node_fail(g, n, "input %s is computed, a constant was expected",
                                  ami_onnx_show(in[at]->name).text);
    /* In place, because a constant's array may point to the numbers beside it. */
    ami_onnx_value *out = add_value(g, n->output[0]);
    if (!handler(g, n, in, at, out))
        return false;
    for (size_t i = 1; i < n->n_output; i++) {
        if (n->output[i][0])
            add_value(g, n->output[i])->kind = AMI_ONNX_UNREADABLE;
    }
    return true;
}

/* One of the graph's outputs as a head: a layer's result when all nodes are done, and read by no other node.
 */
static bool read_output(ami_onnx_graph *g, const AmiOnnx__ValueInfo *info)
{
    const char *text = ami_onnx_text(info->name);
    ami_onnx_shown name = ami_onnx_show(text);
    const ami_onnx_value *v = find_value(g, text);
    if (!v || v->kind != AMI_ONNX_COMPUTED)
        return ami_onnx_graph_fail(g, "output %s is not computed by any node", name.text);
    const ami_onnx_tensor *t = &v->tensor;
    if (t->layer < 0)
        return ami_onnx_graph_fail(g, "has no layer (Gemm or MatMul) between its input and its output %s",
                                   name.text);
    const ami_onnx_stage *stage = &g->layer[t->layer].stage;
    if (stage->used || stage->changes != t->changes) {
        char other[160];
        show_node(g, stage->last, other, sizeof other);
        return ami_onnx_graph_fail(g, "output %s is not the end of the chain, which goes on with %s",
                                   name.text, other);
    }
    if (!ami_text_is_utf8(text))
        return ami_onnx_graph_fail(g, "output %s has a name that is not UTF-8 text", name.text);
    if (t->rank > 1 + AMI_NET_MAX_RANK) {
        return ami_onnx_graph_fail(g, "output %s has %d dimensions, at most %d are supported", name.text,
                                   t->rank, 1 + AMI_NET_MAX_RANK);
    }
    for (int h = 0; h < g->heads; h++) {
        if (g->head[h].tensor->layer == t->layer)
            return ami_onnx_graph_fail(g, "outputs %s and %s are the same",
                                       ami_onnx_show(g->head[h].name).text, name.text);
    }
    g->head[g->heads].name = text;
    g->head[g->heads++].tensor = t;
    return true;
}

/* That what the file says about an output's shape agrees with what was worked out. */
static bool check_output(const ami_onnx_graph *g, const AmiOnnx__ValueInfo *info, const ami_onnx_tensor *t)
{
    ami_onnx_tensor claim;
    ami_onnx_shown name = ami_onnx_show(ami_onnx_text(info->name));
    if (!read_shape(g, "output", info, &claim))
        return false;
    if (claim.type != 0 && claim.type != t->type) {
        return ami_onnx_graph_fail(g, "output %s claims to be %s, it is %s", name.text,
                                   ami_onnx_type_name(claim.type), ami_onnx_type_name(t->type));
    }
    if (claim.rank == 0)
        return true;
    if (claim.rank != t->rank)
        return ami_onnx_graph_fail(g, "output %s claims %d dimensions, the last node makes %d", name.text,
                                   claim.rank, t->rank);
    for (int i = 1; i < t->rank; i++) {
        if (claim.dim[i] != 0 && claim.dim[i] != t->dim[i])
            return ami_onnx_graph_fail(
                g, "output %s claims %zu features in dimension %d, the last layer has %zu", name.text,
                claim.dim[i], i, t->dim[i]);
    }
    if (claim.dim[0] != 0 && g->rows != 0 && claim.dim[0] != (size_t)g->rows)
        return ami_onnx_graph_fail(g, "output %s claims %zu rows, the input has %" PRId64, name.text,
                                   claim.dim[0], g->rows);
    return true;
}

/* Several heads are one layer to a net: all of the same tensor, and linear. */
static bool check_heads(const ami_onnx_graph *g)
{
    int parent = g->layer[g->head[0].tensor->layer].parent;
    for (int h = 0; h < g->heads; h++) {
        const ami_onnx_layer *layer = &g->layer[g->head[h].tensor->layer];
        ami_onnx_shown name = ami_onnx_show(g->head[h].name), first = ami_onnx_show(g->head[0].name);
        if (layer->parent != parent)
            return ami_onnx_graph_fail(
                g, "outputs %s and %s come from different layers, the same one was expected", first.text,
                name.text);
        if (g->heads > 1 && layer->act != AMI_ACT_IDENTITY) {
            return ami_onnx_graph_fail(
                g, "output %s ends in %s, which is supported where there is only one output", name.text,
                ami_onnx_activation_operator(layer->act));
        }
    }
    return true;
}

static bool check_no_loose_ends(const ami_onnx_graph *g)
{
    for (int l = 0; l < g->layers; l++) {
        bool found = g->layer[l].stage.used;
        for (int h = 0; h < g->heads; h++)
            found |= g->head[h].tensor->layer == l;
        if (!found)
            return ami_onnx_node_fail(
                g, g->layer[l].node,
                "leads to none of the graph's outputs: a branch, one chain was expected");
    }
    return true;
}

static bool read_outputs(ami_onnx_graph *g)
{
    if (g->graph->n_output < 1 || g->graph->n_output > AMI_NET_MAX_HEADS)
        return ami_onnx_graph_fail(g, "has %zu outputs, 1 to %d were expected", g->graph->n_output,
                                   AMI_NET_MAX_HEADS);
    for (size_t i = 0; i < g->graph->n_output; i++) {
        if (!read_output(g, g->graph->output[i]) || !check_output(g, g->graph->output[i], g->head[i].tensor))
            return false;
    }
    return check_heads(g) && check_no_loose_ends(g);
}

bool ami_onnx_graph_read(ami_onnx_graph *g)
{
    size_t values = g->graph->n_initializer + 1;
    for (size_t i = 0; i < g->graph->n_node; i++)
        values += g->graph->node[i]->n_output < 2 ? 1 : 2; /* more are refused */
    g->value = calloc(values, sizeof *g->value);
    if (!g->value)
        return ami_onnx_graph_fail(g, "not enough memory");
    if (!read_initializers(g) || !read_input(g))
        return false;
    for (size_t i = 0; i < g->graph->n_node; i++) {
        if (!read_node(g, g->graph->node[i]))
            return false;
    }
    return read_outputs(g);
}
