/* The ONNX operators that amble reads: each extends the chain of layers, or makes a constant of constants. To add one, write its handler
 * and put it into the table at the end.
 *
 * Handlers look at shapes and at small constants; weights are converted and checked later, when the net is built. */
#include "nets/onnx.h"
#include "nets/onnx_graph.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ONNX's AttributeProto.AttributeType numbers */
enum { ATTRIBUTE_FLOAT = 1, ATTRIBUTE_INT = 2, ATTRIBUTE_TENSOR = 4, ATTRIBUTE_FLOATS = 6, ATTRIBUTE_INTS = 7 };

static const AmbOnnx__Attribute *attribute(const AmbOnnx__Node *n, const char *name)
{
    for (size_t i = 0; i < n->n_attribute; i++) {
        if (strcmp(amb_onnx_text(n->attribute[i]->name), name) == 0)
            return n->attribute[i];
    }
    return NULL;
}

/* The integer (float) attribute NAME into *out, which keeps its value where the node has none. */
static bool int_attribute(amb_onnx_graph *g, const AmbOnnx__Node *n, const char *name, int64_t *out)
{
    const AmbOnnx__Attribute *a = attribute(n, name);
    if (!a)
        return true;
    if (a->type != ATTRIBUTE_INT)
        return amb_onnx_node_fail(g, n, "attribute '%s' is of type %d, an integer was expected", name, a->type);
    *out = a->i;
    return true;
}

static bool float_attribute(amb_onnx_graph *g, const AmbOnnx__Node *n, const char *name, float *out)
{
    const AmbOnnx__Attribute *a = attribute(n, name);
    if (!a)
        return true;
    if (a->type != ATTRIBUTE_FLOAT)
        return amb_onnx_node_fail(g, n, "attribute '%s' is of type %d, a float was expected", name, a->type);
    if (!isfinite(a->f))
        return amb_onnx_node_fail(g, n, "attribute '%s' is %g, a finite number was expected", name, (double)a->f);
    *out = a->f;
    return true;
}

/* A constant that broadcasts to (features) as a newly allocated vector of finite numbers; NULL and a sentence else. */
static float *vector_operand(amb_onnx_graph *g, const AmbOnnx__Node *n, const amb_onnx_value *v, size_t features)
{
    const amb_onnx_array *a = &v->array;
    amb_onnx_shown name = amb_onnx_show(v->name);
    if (a->type != AMB_ONNX_FLOAT32) {
        amb_onnx_node_fail(g, n, "constant %s is %s, float32 was expected", name.text, amb_onnx_type_name(a->type));
        return NULL;
    }
    if (a->rank > 2 || (a->rank == 2 && a->dim[0] != 1) || (a->count != 1 && a->count != features)) {
        amb_onnx_node_fail(g, n, "constant %s has shape %s, (%zu,), (1, %zu) or a single number was expected", name.text,
                           amb_onnx_show_shape(a).text, features, features);
        return NULL;
    }
    float *vector = malloc(features * sizeof *vector);
    if (!vector) {
        amb_onnx_node_fail(g, n, "not enough memory");
        return NULL;
    }
    amb_onnx_array_floats(a, vector);
    for (size_t i = 0; i < a->count; i++) {
        if (!isfinite(vector[i])) {
            amb_onnx_node_fail(g, n, "constant %s: number %zu is %g, a finite number was expected", name.text, i, (double)vector[i]);
            free(vector);
            return NULL;
        }
    }
    for (size_t i = a->count; i < features; i++)
        vector[i] = vector[0];
    return vector;
}

/* Sub, Add, Div, Mul before the first layer, composed in double: the head is (input - mean) / std. */
static bool normalize(amb_onnx_graph *g, const AmbOnnx__Node *n, char op, const float *c, const char *name)
{
    if (g->clip > 0)
        return amb_onnx_node_fail(g, n, "comes after Clip, a layer (Gemm or MatMul) was expected there");
    g->normalized = true;
    for (size_t i = 0; i < g->features; i++) {
        if ((op == 'D' || op == 'M') && !(c[i] > 0)) {
            return amb_onnx_node_fail(g, n, "constant %s (the standard deviation): number %zu is %g, a positive number was expected",
                                      amb_onnx_show(name).text, i, (double)c[i]);
        }
        if (op == 'S')
            g->mean[i] += g->std[i] * (double)c[i];
        if (op == 'A')
            g->mean[i] -= g->std[i] * (double)c[i];
        if (op == 'D')
            g->std[i] *= (double)c[i];
        if (op == 'M')
            g->std[i] /= (double)c[i];
    }
    return true;
}

static bool make_scale(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_layer *layer)
{
    if (layer->scale)
        return true;
    layer->scale = malloc(g->features * sizeof *layer->scale);
    if (!layer->scale)
        return amb_onnx_node_fail(g, n, "not enough memory");
    for (size_t i = 0; i < g->features; i++)
        layer->scale[i] = 1;
    return true;
}

/* Sub, Add, Div, Mul right after a layer: folded into its bias and the scale of its rows. */
static bool fold(amb_onnx_graph *g, const AmbOnnx__Node *n, char op, const float *c, const char *name)
{
    amb_onnx_layer *layer = &g->layer[g->layers - 1];
    if (layer->act != AMB_ACT_IDENTITY)
        return amb_onnx_node_fail(g, n, "comes after Relu, a layer (Gemm or MatMul) was expected there");
    if (!layer->bias) {
        layer->bias = malloc(g->features * sizeof *layer->bias);
        if (!layer->bias)
            return amb_onnx_node_fail(g, n, "not enough memory");
        for (size_t i = 0; i < g->features; i++)
            layer->bias[i] = -0.f; /* the zero that changes nothing it is added to */
    }
    if ((op == 'D' || op == 'M') && !make_scale(g, n, layer))
        return false;
    for (size_t i = 0; i < g->features; i++) {
        if (op == 'D' && c[i] == 0) {
            return amb_onnx_node_fail(g, n, "constant %s: number %zu is 0, which cannot be divided by", amb_onnx_show(name).text, i);
        }
        if (op == 'S')
            layer->bias[i] -= c[i];
        if (op == 'A')
            layer->bias[i] += c[i];
        if (op == 'D')
            layer->bias[i] /= c[i];
        if (op == 'D')
            layer->scale[i] /= (double)c[i];
        if (op == 'M')
            layer->bias[i] *= c[i];
        if (op == 'M')
            layer->scale[i] *= (double)c[i];
    }
    return true;
}

static bool read_elementwise(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at)
{
    char op = n->op_type[0];
    if ((op == 'S' || op == 'D') && at != 0) {
        return amb_onnx_node_fail(g, n, "input %s is computed and comes second, the constant %s was expected there",
                                  amb_onnx_show(in[at]->name).text, amb_onnx_show(in[0]->name).text);
    }
    const amb_onnx_value *constant = in[1 - at];
    float *c = vector_operand(g, n, constant, g->features);
    bool ok = c && (g->layers == 0 ? normalize(g, n, op, c, constant->name) : fold(g, n, op, c, constant->name));
    free(c);
    return ok;
}

/* One bound of a Clip: from the attribute (before operator set 11) or the optional input. */
static bool clip_bound(amb_onnx_graph *g, const AmbOnnx__Node *n, const char *name, const amb_onnx_value *v, float *out)
{
    if (g->opset < 11)
        return float_attribute(g, n, name, out);
    if (!v)
        return true;
    if (v->array.type != AMB_ONNX_FLOAT32 || v->array.count != 1) {
        return amb_onnx_node_fail(g, n, "bound %s is %s of shape %s, a single float32 was expected", amb_onnx_show(v->name).text,
                                  amb_onnx_type_name(v->array.type), amb_onnx_show_shape(&v->array).text);
    }
    amb_onnx_array_floats(&v->array, out);
    return true;
}

static bool read_clip(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at)
{
    float lo = -INFINITY, hi = INFINITY;
    if (at != 0)
        return amb_onnx_node_fail(g, n, "a bound is computed, a constant was expected");
    if (g->opset < 11 ? n->n_input > 1 : n->n_attribute > 0) {
        return amb_onnx_node_fail(g, n, "its bounds are not given the way of operator set %d", g->opset);
    }
    if (!clip_bound(g, n, "min", in[1], &lo) || !clip_bound(g, n, "max", in[2], &hi))
        return false;
    if (g->layers > 0)
        return amb_onnx_node_fail(g, n, "comes after a layer, it is supported before the first one only");
    if (!(hi > 0) || lo != -hi) {
        return amb_onnx_node_fail(g, n, "its bounds are %g and %g, -c and c with c > 0 were expected", (double)lo, (double)hi);
    }
    if (isinf(hi))
        return true; /* no bounds at all */
    g->normalized = true;
    g->clip = g->clip > 0 && g->clip < hi ? g->clip : hi;
    return true;
}

/* Appends a layer with the constant `weight`, already turned to (outputs, inputs). */
static bool add_layer(amb_onnx_graph *g, const AmbOnnx__Node *n, const amb_onnx_array *weight, const char *name)
{
    amb_onnx_shown shown = amb_onnx_show(name);
    if (g->layers == AMB_NET_MAX_LAYERS)
        return amb_onnx_node_fail(g, n, "is layer number %d, at most %d are supported", g->layers + 1, g->layers);
    if (weight->dim[1] != g->features) {
        return amb_onnx_node_fail(g, n, "weight %s takes %zu features, the chain has %zu there", shown.text, weight->dim[1], g->features);
    }
    if (weight->dim[0] > AMB_NET_MAX_DIM) {
        return amb_onnx_node_fail(g, n, "weight %s has %zu outputs, at most %d are supported", shown.text, weight->dim[0], AMB_NET_MAX_DIM);
    }
    g->layer[g->layers++] = (amb_onnx_layer){.name = name, .weight = *weight, .act = AMB_ACT_IDENTITY};
    g->features = weight->dim[0];
    return true;
}

/* A layer's weight as (rows, cols) float32 behind the computed input. */
static bool weight_operand(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at)
{
    if (at != 0)
        return amb_onnx_node_fail(g, n, "input %s is computed, only the first input may be", amb_onnx_show(in[at]->name).text);
    const amb_onnx_array *w = &in[1]->array;
    amb_onnx_shown name = amb_onnx_show(in[1]->name);
    if (w->rank != 2) {
        return amb_onnx_node_fail(g, n, "weight %s has shape %s, two dimensions were expected", name.text, amb_onnx_show_shape(w).text);
    }
    if (w->type == AMB_ONNX_FLOAT32)
        return true;
    return amb_onnx_node_fail(g, n, "weight %s is %s, float32 was expected%s", name.text, amb_onnx_type_name(w->type),
                              w->type == AMB_ONNX_FLOAT16 ? " (a Cast node makes it so)" : "");
}

static bool read_matmul(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at)
{
    if (!weight_operand(g, n, in, at))
        return false;
    amb_onnx_array weight = in[1]->array; /* (inputs, outputs) */
    amb_onnx_array_transpose(&weight);
    return add_layer(g, n, &weight, in[1]->name);
}

static bool read_gemm(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at)
{
    float alpha = 1, beta = 1;
    int64_t trans_a = 0, trans_b = 0;
    if (!weight_operand(g, n, in, at))
        return false;
    if (!float_attribute(g, n, "alpha", &alpha) || !float_attribute(g, n, "beta", &beta))
        return false;
    if (!int_attribute(g, n, "transA", &trans_a) || !int_attribute(g, n, "transB", &trans_b))
        return false;
    if (trans_a != 0)
        return amb_onnx_node_fail(g, n, "transA is %" PRId64 ", 0 was expected", trans_a);
    if (trans_b != 0 && trans_b != 1)
        return amb_onnx_node_fail(g, n, "transB is %" PRId64 ", 0 or 1 was expected", trans_b);
    amb_onnx_array weight = in[1]->array;
    if (trans_b == 0)
        amb_onnx_array_transpose(&weight);
    if (!add_layer(g, n, &weight, in[1]->name))
        return false;

    amb_onnx_layer *layer = &g->layer[g->layers - 1];
    if (alpha != 1) {
        if (!make_scale(g, n, layer))
            return false;
        for (size_t i = 0; i < g->features; i++)
            layer->scale[i] = (double)alpha;
    }
    if (!in[2] || beta == 0)
        return true;
    layer->bias = vector_operand(g, n, in[2], g->features);
    if (!layer->bias)
        return false;
    for (size_t i = 0; i < g->features && beta != 1; i++)
        layer->bias[i] *= beta;
    return true;
}

static bool read_relu(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at)
{
    (void)in, (void)at;
    if (g->layers == 0)
        return amb_onnx_node_fail(g, n, "comes before the first layer, it is supported after one only");
    g->layer[g->layers - 1].act = AMB_ACT_RELU;
    return true;
}

static bool read_identity(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at)
{
    (void)g, (void)n, (void)in, (void)at;
    return true;
}

static bool read_flatten(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at)
{
    (void)in, (void)at;
    int64_t axis = 1;
    if (!int_attribute(g, n, "axis", &axis))
        return false;
    if (axis != 1 && axis != -1)
        return amb_onnx_node_fail(g, n, "axis is %" PRId64 ", 1 was expected", axis);
    return true;
}

/* Only where (batch, features) stays what it is. */
static bool read_reshape(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at)
{
    int64_t allowzero = 0;
    if (!int_attribute(g, n, "allowzero", &allowzero))
        return false;
    if (at != 0)
        return amb_onnx_node_fail(g, n, "its shape is computed, a constant was expected");
    const amb_onnx_array *shape = &in[1]->array;
    if (shape->type != AMB_ONNX_INT64 || shape->rank != 1) {
        return amb_onnx_node_fail(g, n, "shape %s is not a list of int64", amb_onnx_show(in[1]->name).text);
    }
    if (shape->count != 2)
        return amb_onnx_node_fail(g, n, "its shape has %zu dimensions, 2 were expected", shape->count);
    int64_t rows = amb_onnx_array_int(shape, 0), cols = amb_onnx_array_int(shape, 1);
    bool rows_kept = rows == -1 || (rows == 0 && !allowzero) || (rows > 0 && rows == g->batch);
    bool cols_kept = cols == -1 || (cols == 0 && !allowzero) || cols == (int64_t)g->features;
    if (!rows_kept || !cols_kept || (rows == -1 && cols == -1)) {
        return amb_onnx_node_fail(g, n, "its shape (%" PRId64 ", %" PRId64 ") changes (batch, %zu), which was expected to stay", rows, cols,
                                  g->features);
    }
    return true;
}

static bool read_cast(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at)
{
    (void)in, (void)at;
    int64_t to = 0;
    if (!int_attribute(g, n, "to", &to))
        return false;
    if (to != AMB_ONNX_FLOAT32)
        return amb_onnx_node_fail(g, n, "casts to data type %" PRId64 ", %d (float32) was expected", to, AMB_ONNX_FLOAT32);
    return true;
}

static bool cast_constant(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, amb_onnx_value *out)
{
    if (!read_cast(g, n, in, 0))
        return false;
    out->array = in[0]->array;
    out->array.type = AMB_ONNX_FLOAT32;
    return true;
}

static bool identity_constant(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, amb_onnx_value *out)
{
    (void)g, (void)n;
    out->array = in[0]->array;
    return true;
}

static bool transpose_constant(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, amb_onnx_value *out)
{
    out->array = in[0]->array;
    if (out->array.rank != 2 || out->array.type == AMB_ONNX_INT64) {
        return amb_onnx_node_fail(g, n, "constant %s is %s of shape %s, a float matrix was expected", amb_onnx_show(in[0]->name).text,
                                  amb_onnx_type_name(out->array.type), amb_onnx_show_shape(&out->array).text);
    }
    const AmbOnnx__Attribute *perm = attribute(n, "perm");
    bool swaps = !perm || (perm->n_ints == 2 && perm->ints[0] == 1 && perm->ints[1] == 0);
    bool stays = perm && perm->n_ints == 2 && perm->ints[0] == 0 && perm->ints[1] == 1;
    if (!swaps && !stays)
        return amb_onnx_node_fail(g, n, "attribute 'perm' is no order of two dimensions");
    if (swaps)
        amb_onnx_array_transpose(&out->array);
    return true;
}

static bool read_constant(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, amb_onnx_value *out)
{
    (void)in;
    if (n->n_attribute != 1)
        return amb_onnx_node_fail(g, n, "has %zu attributes, one value was expected", n->n_attribute);
    const AmbOnnx__Attribute *a = n->attribute[0];
    if (a->type == ATTRIBUTE_TENSOR && a->t) {
        amb_error why = {0};
        return amb_onnx_array_open(&out->array, a->t, &why) || amb_onnx_node_fail(g, n, "its value: %s", why.text);
    }
    if (a->type == ATTRIBUTE_FLOAT) {
        out->array = amb_onnx_array_of_floats(&a->f, 1, true);
    } else if (a->type == ATTRIBUTE_INT) {
        out->array = amb_onnx_array_of_ints(&a->i, 1, true);
    } else if (a->type == ATTRIBUTE_FLOATS && a->n_floats > 0) {
        out->array = amb_onnx_array_of_floats(a->floats, a->n_floats, false);
    } else if (a->type == ATTRIBUTE_INTS && a->n_ints > 0) {
        out->array = amb_onnx_array_of_ints(a->ints, a->n_ints, false);
    } else {
        return amb_onnx_node_fail(g, n, "its value is empty or of attribute type %d, a tensor, floats or integers were expected", a->type);
    }
    return true;
}

static const amb_onnx_operator operators[] = {
    {"Add", 2, 2, {NULL}, read_elementwise, NULL},
    {"Cast", 1, 1, {"to", "saturate", "round_mode", NULL}, read_cast, cast_constant},
    {"Clip", 1, 3, {"min", "max", NULL}, read_clip, NULL},
    {"Constant", 0, 0, {"value", "value_float", "value_floats", "value_int", "value_ints", NULL}, NULL, read_constant},
    {"Div", 2, 2, {NULL}, read_elementwise, NULL},
    {"Flatten", 1, 1, {"axis", NULL}, read_flatten, NULL},
    {"Gemm", 2, 3, {"alpha", "beta", "transA", "transB", NULL}, read_gemm, NULL},
    {"Identity", 1, 1, {NULL}, read_identity, identity_constant},
    {"MatMul", 2, 2, {NULL}, read_matmul, NULL},
    {"Mul", 2, 2, {NULL}, read_elementwise, NULL},
    {"Relu", 1, 1, {NULL}, read_relu, NULL},
    {"Reshape", 2, 2, {"allowzero", NULL}, read_reshape, NULL},
    {"Sub", 2, 2, {NULL}, read_elementwise, NULL},
    {"Transpose", 1, 1, {"perm", NULL}, NULL, transpose_constant},
};

enum { OPERATORS = sizeof operators / sizeof *operators };

const amb_onnx_operator *amb_onnx_operator_find(const char *name)
{
    for (int i = 0; i < OPERATORS; i++) {
        if (strcmp(operators[i].name, name) == 0)
            return &operators[i];
    }
    return NULL;
}

void amb_onnx_operator_names(char *text, size_t room)
{
    size_t at = 0;
    text[0] = 0;
    for (int i = 0; i < OPERATORS && at < room; i++) {
        at += (size_t)snprintf(text + at, room - at, "%s%s", i ? ", " : "", operators[i].name);
    }
}
