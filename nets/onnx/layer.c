/* ONNX operators that compute: layers, activations behind them, and the normaliser before the first one. What
 * has no matrix of its own is folded into the layer before it (into the normaliser where there is none), in
 * double where it is a factor. */
#include "nets/onnx/graph.h"
#include "nets/onnx/onnx.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What is read of a computed input, passed on: same numbers, same shape, after the change just made. */
static bool changed(amb_onnx_graph *g, const amb_onnx_value *from, amb_onnx_value *out)
{
    out->kind = AMB_ONNX_COMPUTED;
    out->tensor = from->tensor;
    int layer = from->tensor.layer;
    out->tensor.changes = layer < 0 ? g->root.changes : g->layer[layer].stage.changes;
    return true;
}

/* Whether `a` broadcasts to a row of t without changing t's shape: aligned at the last dimension, each one 1
 * or t's. */
static bool broadcasts(const amb_onnx_array *a, const amb_onnx_tensor *t)
{
    for (int i = 1; i <= a->rank; i++) {
        size_t dim = a->dim[a->rank - i];
        if (i > t->rank || (dim != 1 && (i == t->rank || dim != t->dim[t->rank - i])))
            return false;
    }
    return true;
}

/* Where in `a` the number for place `at` of a row of t lies. */
static size_t broadcast_index(const amb_onnx_array *a, const amb_onnx_tensor *t, size_t at)
{
    size_t index = 0, stride = 1;
    for (int i = 1; i <= a->rank && i < t->rank; i++) {
        size_t dim = a->dim[a->rank - i], size = t->dim[t->rank - i];
        if (dim != 1)
            index += at % size * stride;
        at /= size;
        stride *= dim;
    }
    return index;
}

static bool check_operand(amb_onnx_graph *g, const AmbOnnx__Node *n, const amb_onnx_value *v,
                          const amb_onnx_tensor *t)
{
    const amb_onnx_array *a = &v->array;
    amb_onnx_shown name = amb_onnx_show(v->name);
    if (a->type != t->type) {
        return amb_onnx_node_fail(g, n, "constant %s is %s, %s was expected", name.text,
                                  amb_onnx_type_name(a->type), amb_onnx_type_name(t->type));
    }
    if (broadcasts(a, t))
        return true;
    if (t->rank != 2) {
        return amb_onnx_node_fail(
            g, n, "constant %s has shape %s, one that broadcasts to rows of shape %s was expected", name.text,
            amb_onnx_show_shape(a).text, amb_onnx_show_dims(t->dim + 1, t->rank - 1).text);
    }
    return amb_onnx_node_fail(g, n,
                              "constant %s has shape %s, (%zu,), (1, %zu) or a single number was expected",
                              name.text, amb_onnx_show_shape(a).text, t->dim[1], t->dim[1]);
}

/* A constant that broadcasts to a row of t as a newly allocated vector of finite numbers; NULL and a sentence
 * else. */
static float *vector_operand(amb_onnx_graph *g, const AmbOnnx__Node *n, const amb_onnx_value *v,
                             const amb_onnx_tensor *t)
{
    const amb_onnx_array *a = &v->array;
    if (!check_operand(g, n, v, t))
        return NULL;
    size_t features = amb_onnx_features(t);
    float *stored = malloc(a->count * sizeof *stored), *vector = malloc(features * sizeof *vector);
    if (!stored || !vector) {
        amb_onnx_node_fail(g, n, "not enough memory");
        goto fail;
    }
    amb_onnx_array_floats(a, stored);
    for (size_t i = 0; i < a->count; i++) {
        if (!isfinite(stored[i])) {
            amb_onnx_node_fail(g, n, "constant %s: number %zu is %g, a finite number was expected",
                               amb_onnx_show(v->name).text, i, (double)stored[i]);
            goto fail;
        }
    }
    for (size_t i = 0; i < features; i++)
        vector[i] = stored[broadcast_index(a, t, i)];
    free(stored);
    return vector;
fail:
    free(stored);
    free(vector);
    return NULL;
}

/* Sub, Add, Div, Mul before the first layer, composed in double: what comes out is (input - mean) / std. */
static bool normalize(amb_onnx_graph *g, const AmbOnnx__Node *n, char op, const float *c, const char *name)
{
    if (g->clip)
        return amb_onnx_node_fail(g, n, "comes after Clip, a layer (Gemm or MatMul) was expected there");
    g->normalized = true;
    for (size_t i = 0; i < g->inputs; i++) {
        if ((op == 'D' || op == 'M') && !(c[i] > 0)) {
            return amb_onnx_node_fail(
                g, n,
                "constant %s (the standard deviation): number %zu is %g, a positive number was expected",
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
    size_t outputs = layer->weight.dim[0];
    layer->scale = malloc(outputs * sizeof *layer->scale);
    if (!layer->scale)
        return amb_onnx_node_fail(g, n, "not enough memory");
    for (size_t i = 0; i < outputs; i++)
        layer->scale[i] = 1;
    return true;
}

/* Sub, Add, Div, Mul right after a layer: folded into its bias and the scale of its rows. */
static bool fold(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_layer *layer, char op, const float *c,
                 const char *name)
{
    size_t outputs = layer->weight.dim[0];
    if (layer->act != AMB_ACT_IDENTITY) {
        return amb_onnx_node_fail(g, n, "comes after %s, a layer (Gemm or MatMul) was expected there",
                                  amb_onnx_activation_operator(layer->act));
    }
    if (!layer->bias) {
        layer->bias = malloc(outputs * sizeof *layer->bias);
        if (!layer->bias)
            return amb_onnx_node_fail(g, n, "not enough memory");
        for (size_t i = 0; i < outputs; i++)
            layer->bias[i] = -0.f; /* the zero that changes nothing it is added to */
    }
    if ((op == 'D' || op == 'M') && !make_scale(g, n, layer))
        return false;
    for (size_t i = 0; i < outputs; i++) {
        if (op == 'D' && c[i] == 0)
            return amb_onnx_node_fail(g, n, "constant %s: number %zu is 0, which cannot be divided by",
                                      amb_onnx_show(name).text, i);
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

/* Factors of 1 and terms of 0, which exporters write where they do not optimise, may stand anywhere. */
static bool is_neutral(char op, const float *c, size_t count)
{
    float nothing = op == 'D' || op == 'M' ? 1 : 0;
    size_t i = 0;
    while (i < count && c[i] == nothing)
        i++;
    return i == count;
}

bool amb_onnx_read_elementwise(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at,
                               amb_onnx_value *out)
{
    char op = n->op_type[0];
    if ((op == 'S' || op == 'D') && at != 0) {
        return amb_onnx_node_fail(g, n,
                                  "input %s is computed and comes second, the constant %s was expected there",
                                  amb_onnx_show(in[at]->name).text, amb_onnx_show(in[0]->name).text);
    }
    const amb_onnx_value *constant = in[1 - at];
    int layer = in[at]->tensor.layer;
    float *c = vector_operand(g, n, constant, &in[at]->tensor);
    if (c && is_neutral(op, c, amb_onnx_features(&in[at]->tensor))) {
        free(c);
        out->kind = AMB_ONNX_COMPUTED;
        out->tensor = in[at]->tensor;
        return true;
    }
    bool ok = c && amb_onnx_change(g, n, in[at]);
    ok = ok && (layer < 0 ? normalize(g, n, op, c, constant->name)
                          : fold(g, n, &g->layer[layer], op, c, constant->name));
    free(c);
    return ok && changed(g, in[at], out);
}

/* One bound of a Clip: from the attribute (before operator set 11) or the optional input. */
static bool clip_bound(amb_onnx_graph *g, const AmbOnnx__Node *n, const char *name, const amb_onnx_value *v,
                       int type, float *out)
{
    if (g->opset < 11)
        return amb_onnx_float_attribute(g, n, name, out);
    if (!v)
        return true;
    if (v->array.type != type || v->array.count != 1) {
        return amb_onnx_node_fail(g, n, "bound %s is %s of shape %s, a single %s was expected",
                                  amb_onnx_show(v->name).text, amb_onnx_type_name(v->array.type),
                                  amb_onnx_show_shape(&v->array).text, amb_onnx_type_name(type));
    }
    amb_onnx_array_floats(&v->array, out);
    return !isnan(*out) ||
           amb_onnx_node_fail(g, n, "bound %s is nan, a number was expected", amb_onnx_show(v->name).text);
}

/* Narrows the interval that the input is clamped to. Whether it is one that a net can hold is known when the
 * first layer comes. */
static bool clamp(amb_onnx_graph *g, const AmbOnnx__Node *n, const amb_onnx_value *v, float lo, float hi,
                  amb_onnx_value *out)
{
    if (v->tensor.layer >= 0)
        return amb_onnx_node_fail(g, n, "comes after a layer, it is supported before the first one only");
    if (!amb_onnx_change(g, n, v))
        return false;
    if (lo > -INFINITY || hi < INFINITY)
        g->clip = n;
    g->lo = lo > g->lo ? lo : g->lo;
    g->hi = hi < g->hi ? hi : g->hi;
    g->normalized |= g->clip != NULL;
    return changed(g, v, out);
}

bool amb_onnx_read_clip(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at,
                        amb_onnx_value *out)
{
    float lo = -INFINITY, hi = INFINITY;
    if (at != 0)
        return amb_onnx_node_fail(g, n, "a bound is computed, a constant was expected");
    if (g->opset < 11 ? n->n_input > 1 : n->n_attribute > 0)
        return amb_onnx_node_fail(g, n, "its bounds are not given the way of operator set %d", g->opset);
    int type = in[0]->tensor.type;
    return clip_bound(g, n, "min", in[1], type, &lo) && clip_bound(g, n, "max", in[2], type, &hi) &&
           clamp(g, n, in[0], lo, hi, out);
}

/* Max and Min by the same constant for every number: Clip's halves. */
bool amb_onnx_read_bound(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at,
                         amb_onnx_value *out)
{
    float *c = vector_operand(g, n, in[1 - at], &in[at]->tensor);
    if (!c)
        return false;
    bool same = true;
    for (size_t i = 1; i < amb_onnx_features(&in[at]->tensor); i++)
        same &= c[i] == c[0];
    float bound = c[0];
    free(c);
    if (!same)
        return amb_onnx_node_fail(g, n,
                                  "constant %s differs from number to number, one bound for all was expected",
                                  amb_onnx_show(in[1 - at]->name).text);
    bool lower = strcmp(n->op_type, "Max") == 0;
    return clamp(g, n, in[at], lower ? bound : -INFINITY, lower ? INFINITY : bound, out);
}

/* What the input has been clamped to must be what a net can hold. */
static bool check_clip(amb_onnx_graph *g)
{
    if (!g->clip || (g->hi > 0 && g->lo == -g->hi))
        return true;
    return amb_onnx_node_fail(g, g->clip, "its bounds are %g and %g, -c and c with c > 0 were expected",
                              (double)g->lo, (double)g->hi);
}

static bool check_layer(amb_onnx_graph *g, const AmbOnnx__Node *n, const amb_onnx_tensor *t,
                        const amb_onnx_array *weight, const char *name, int depth)
{
    amb_onnx_shown shown = amb_onnx_show(name);
    size_t features = amb_onnx_features(t);
    if (depth > AMB_NET_MAX_LAYERS)
        return amb_onnx_node_fail(g, n, "is layer number %d, at most %d are supported", depth,
                                  AMB_NET_MAX_LAYERS);
    if (g->layers == AMB_ONNX_MAX_LAYERS)
        return amb_onnx_node_fail(g, n,
                                  "is layer number %d with all branches counted, at most %d are supported",
                                  g->layers + 1, g->layers);
    if (t->rank < 2 || features != t->dim[t->rank - 1]) {
        return amb_onnx_node_fail(
            g, n, "takes rows of shape %s, flat ones (Flatten or Reshape makes them so) were expected",
            amb_onnx_show_dims(t->dim + 1, t->rank - 1).text);
    }
    if (weight->dim[1] != features) {
        return amb_onnx_node_fail(g, n, "weight %s takes %zu features, the chain has %zu there", shown.text,
                                  weight->dim[1], features);
    }
    if (weight->dim[0] > AMB_NET_MAX_DIM) {
        return amb_onnx_node_fail(g, n, "weight %s has %zu outputs, at most %d are supported", shown.text,
                                  weight->dim[0], AMB_NET_MAX_DIM);
    }
    return t->layer >= 0 || check_clip(g);
}

/* Appends a layer with the constant `weight`, already turned to (outputs, inputs). */
static bool add_layer(amb_onnx_graph *g, const AmbOnnx__Node *n, const amb_onnx_value *v,
                      const amb_onnx_array *weight, const char *name, amb_onnx_value *out)
{
    const amb_onnx_tensor *t = &v->tensor;
    if (!check_layer(g, n, t, weight, name, amb_onnx_depth(g, t->layer) + 1) || !amb_onnx_use(g, n, v))
        return false;
    g->layer[g->layers] = (amb_onnx_layer){
        .node = n, .name = name, .parent = t->layer, .weight = *weight, .act = AMB_ACT_IDENTITY};
    out->kind = AMB_ONNX_COMPUTED;
    out->tensor = *t;
    out->tensor.dim[t->rank - 1] = weight->dim[0];
    out->tensor.layer = g->layers++;
    out->tensor.changes = 0;
    return true;
}

/* Checks that a layer's weight is a float matrix behind the computed input. */
static bool weight_operand(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at)
{
    if (at != 0)
        return amb_onnx_node_fail(g, n, "input %s is computed, only the first input may be",
                                  amb_onnx_show(in[at]->name).text);
    const amb_onnx_array *w = &in[1]->array;
    amb_onnx_shown name = amb_onnx_show(in[1]->name);
    int type = in[0]->tensor.type;
    if (w->rank != 2)
        return amb_onnx_node_fail(g, n, "weight %s has shape %s, two dimensions were expected", name.text,
                                  amb_onnx_show_shape(w).text);
    if (w->repeated) /* a hundred bytes must not become gigabytes */
        return amb_onnx_node_fail(g, n, "weight %s is one number repeated, a matrix was expected", name.text);
    if (w->type == type)
        return true;
    return amb_onnx_node_fail(g, n, "weight %s is %s, %s was expected%s", name.text,
                              amb_onnx_type_name(w->type), amb_onnx_type_name(type),
                              amb_onnx_is_float(w->type) ? " (a Cast node makes it so)" : "");
}

bool amb_onnx_read_matmul(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at,
                          amb_onnx_value *out)
{
    if (!weight_operand(g, n, in, at))
        return false;
    amb_onnx_array weight = in[1]->array; /* (inputs, outputs) */
    amb_onnx_array_transpose(&weight);
    return add_layer(g, n, in[0], &weight, in[1]->name, out);
}

/* Gemm's C, once its layer is there. */
static bool gemm_bias(amb_onnx_graph *g, const AmbOnnx__Node *n, const amb_onnx_value *c, float beta,
                      const amb_onnx_tensor *t)
{
    amb_onnx_layer *layer = &g->layer[t->layer];
    layer->bias = vector_operand(g, n, c, t);
    if (!layer->bias)
        return false;
    for (size_t i = 0; i < t->dim[1] && beta != 1; i++)
        layer->bias[i] *= beta;
    return true;
}

bool amb_onnx_read_gemm(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at,
                        amb_onnx_value *out)
{
    float alpha = 1, beta = 1;
    int64_t trans_a = 0, trans_b = 0;
    if (!weight_operand(g, n, in, at))
        return false;
    if (!amb_onnx_float_attribute(g, n, "alpha", &alpha) || !amb_onnx_float_attribute(g, n, "beta", &beta))
        return false;
    if (!amb_onnx_int_attribute(g, n, "transA", &trans_a) ||
        !amb_onnx_int_attribute(g, n, "transB", &trans_b))
        return false;
    if (trans_a != 0)
        return amb_onnx_node_fail(g, n, "transA is %" PRId64 ", 0 was expected", trans_a);
    if (trans_b != 0 && trans_b != 1)
        return amb_onnx_node_fail(g, n, "transB is %" PRId64 ", 0 or 1 was expected", trans_b);
    if (in[0]->tensor.rank != 2)
        return amb_onnx_node_fail(g, n, "takes %d dimensions, 2 (rows of numbers) were expected",
                                  in[0]->tensor.rank);
    amb_onnx_array weight = in[1]->array;
    if (trans_b == 0)
        amb_onnx_array_transpose(&weight);
    if (!add_layer(g, n, in[0], &weight, in[1]->name, out))
        return false;

    amb_onnx_layer *layer = &g->layer[out->tensor.layer];
    if (alpha != 1) {
        if (!make_scale(g, n, layer))
            return false;
        for (size_t i = 0; i < weight.dim[0]; i++)
            layer->scale[i] = (double)alpha;
    }
    return !in[2] || beta == 0 || gemm_bias(g, n, in[2], beta, &out->tensor);
}

bool amb_onnx_read_activation(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at,
                              amb_onnx_value *out)
{
    amb_activation act = amb_onnx_activation_find(n->op_type);
    float alpha = act == AMB_ACT_LEAKY_RELU ? 0.01f : act == AMB_ACT_ELU ? 1 : 0; /* ONNX's defaults */
    if (in[at]->tensor.layer < 0)
        return amb_onnx_node_fail(g, n, "comes before the first layer, it is supported after one only");
    amb_onnx_layer *layer = &g->layer[in[at]->tensor.layer];
    if (layer->act != AMB_ACT_IDENTITY && !(layer->act == AMB_ACT_RELU && act == AMB_ACT_RELU)) {
        return amb_onnx_node_fail(g, n, "comes after %s, a layer (Gemm or MatMul) was expected there",
                                  amb_onnx_activation_operator(layer->act));
    }
    if (!amb_onnx_float_attribute(g, n, "alpha", &alpha) || !amb_onnx_change(g, n, in[at]))
        return false;
    layer->act = act;
    layer->alpha = alpha;
    return changed(g, in[at], out);
}

/* As it is when a network is used, not trained: nothing at all. */
bool amb_onnx_read_dropout(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at,
                           amb_onnx_value *out)
{
    if (at != 0)
        return amb_onnx_node_fail(g, n, "input %s is computed, only the first input may be",
                                  amb_onnx_show(in[at]->name).text);
    if (in[2]) {
        const amb_onnx_array *mode = &in[2]->array;
        if (mode->type != AMB_ONNX_BOOL || mode->count != 1 || amb_onnx_array_int(mode, 0) != 0)
            return amb_onnx_node_fail(g, n, "training_mode %s is not a single false: a network in training",
                                      amb_onnx_show(in[2]->name).text);
    }
    out->kind = AMB_ONNX_COMPUTED;
    out->tensor = in[0]->tensor;
    return true;
}
