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
static bool changed(ami_onnx_graph *g, const ami_onnx_value *from, ami_onnx_value *out)
{
    out->kind = AMI_ONNX_COMPUTED;
    out->tensor = from->tensor;
    int layer = from->tensor.layer;
    out->tensor.changes = layer < 0 ? g->root.changes : g->layer[layer].stage.changes;
    return true;
}

/* Whether `a` broadcasts to a row of t without changing t's shape: aligned at the last dimension, each one 1
 * or t's. */
static bool broadcasts(const ami_onnx_array *a, const ami_onnx_tensor *t)
{
    for (int i = 1; i <= a->rank; i++) {
        size_t dim = a->dim[a->rank - i];
        if (i > t->rank || (dim != 1 && (i == t->rank || dim != t->dim[t->rank - i])))
            return false;
    }
    return true;
}

/* Where in `a` the number for place `at` of a row of t lies. */
static size_t broadcast_index(const ami_onnx_array *a, const ami_onnx_tensor *t, size_t at)
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

static bool check_operand(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v,
                          const ami_onnx_tensor *t)
{
    const ami_onnx_array *a = &v->array;
    ami_onnx_shown name = ami_onnx_show(v->name);
    if (a->type != t->type) {
        return ami_onnx_node_fail(g, n, "constant %s is %s, %s was expected", name.text,
                                  ami_onnx_type_name(a->type), ami_onnx_type_name(t->type));
    }
    if (broadcasts(a, t))
        return true;
    if (t->rank != 2) {
        return ami_onnx_node_fail(
            g, n, "constant %s has shape %s, one that broadcasts to rows of shape %s was expected", name.text,
            ami_onnx_show_shape(a).text, ami_onnx_show_dims(t->dim + 1, t->rank - 1).text);
    }
    return ami_onnx_node_fail(g, n,
                              "constant %s has shape %s, (%zu,), (1, %zu) or a single number was expected",
                              name.text, ami_onnx_show_shape(a).text, t->dim[1], t->dim[1]);
}

/* A constant that broadcasts to a row of t as a newly allocated vector of finite numbers; NULL and a sentence
 * else. */
static float *vector_operand(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v,
                             const ami_onnx_tensor *t)
{
    const ami_onnx_array *a = &v->array;
    if (!check_operand(g, n, v, t))
        return NULL;
    size_t features = ami_onnx_features(t);
    float *stored = malloc(a->count * sizeof *stored), *vector = malloc(features * sizeof *vector);
    if (!stored || !vector) {
        ami_onnx_node_fail(g, n, "not enough memory");
        goto fail;
    }
    ami_onnx_array_floats(a, stored);
    for (size_t i = 0; i < a->count; i++) {
        if (!isfinite(stored[i])) {
            ami_onnx_node_fail(g, n, "constant %s: number %zu is %g, a finite number was expected",
                               ami_onnx_show(v->name).text, i, (double)stored[i]);
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
static bool normalize(ami_onnx_graph *g, const AmiOnnx__Node *n, char op, const float *c, const char *name)
{
    if (g->clip)
        return ami_onnx_node_fail(g, n, "comes after Clip, a layer (Gemm or MatMul) was expected there");
    g->normalized = true;
    for (size_t i = 0; i < g->inputs; i++) {
        if ((op == 'D' || op == 'M') && !(c[i] > 0)) {
            return ami_onnx_node_fail(
                g, n,
                "constant %s (the standard deviation): number %zu is %g, a positive number was expected",
                ami_onnx_show(name).text, i, (double)c[i]);
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

static bool make_scale(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_layer *layer)
{
    if (layer->scale)
        return true;
    size_t outputs = layer->weight.dim[0];
    layer->scale = malloc(outputs * sizeof *layer->scale);
    if (!layer->scale)
        return ami_onnx_node_fail(g, n, "not enough memory");
    for (size_t i = 0; i < outputs; i++)
        layer->scale[i] = 1;
    return true;
}

/* Sub, Add, Div, Mul right after a layer: folded into its bias and the scale of its rows. */
static bool fold(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_layer *layer, char op, const float *c,
                 const char *name)
{
    size_t outputs = layer->weight.dim[0];
    if (layer->act != AMI_ACT_IDENTITY) {
        return ami_onnx_node_fail(g, n, "comes after %s, a layer (Gemm or MatMul) was expected there",
                                  ami_onnx_activation_operator(layer->act));
    }
    if (!layer->bias) {
        layer->bias = malloc(outputs * sizeof *layer->bias);
        if (!layer->bias)
            return ami_onnx_node_fail(g, n, "not enough memory");
        for (size_t i = 0; i < outputs; i++)
            layer->bias[i] = -0.f; /* the zero that changes nothing it is added to */
    }
    if ((op == 'D' || op == 'M') && !make_scale(g, n, layer))
        return false;
    for (size_t i = 0; i < outputs; i++) {
        if (op == 'D' && c[i] == 0)
            return ami_onnx_node_fail(g, n, "constant %s: number %zu is 0, which cannot be divided by",
                                      ami_onnx_show(name).text, i);
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

bool ami_onnx_read_elementwise(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                               ami_onnx_value *out)
{
    char op = n->op_type[0];
    if ((op == 'S' || op == 'D') && at != 0) {
        return ami_onnx_node_fail(g, n,
                                  "input %s is computed and comes second, the constant %s was expected there",
                                  ami_onnx_show(in[at]->name).text, ami_onnx_show(in[0]->name).text);
    }
    const ami_onnx_value *constant = in[1 - at];
    int layer = in[at]->tensor.layer;
    float *c = vector_operand(g, n, constant, &in[at]->tensor);
    if (c && is_neutral(op, c, ami_onnx_features(&in[at]->tensor))) {
        free(c);
        out->kind = AMI_ONNX_COMPUTED;
        out->tensor = in[at]->tensor;
        return true;
    }
    bool ok = c && ami_onnx_change(g, n, in[at]);
    ok = ok && (layer < 0 ? normalize(g, n, op, c, constant->name)
                          : fold(g, n, &g->layer[layer], op, c, constant->name));
    free(c);
    return ok && changed(g, in[at], out);
}

/* One bound of a Clip: from the attribute (before operator set 11) or the optional input. */
static bool clip_bound(ami_onnx_graph *g, const AmiOnnx__Node *n, const char *name, const ami_onnx_value *v,
                       int type, float *out)
{
    if (g->opset < 11)
        return ami_onnx_float_attribute(g, n, name, out);
    if (!v)
        return true;
    if (v->array.type != type || v->array.count != 1) {
        return ami_onnx_node_fail(g, n, "bound %s is %s of shape %s, a single %s was expected",
                                  ami_onnx_show(v->name).text, ami_onnx_type_name(v->array.type),
                                  ami_onnx_show_shape(&v->array).text, ami_onnx_type_name(type));
    }
    ami_onnx_array_floats(&v->array, out);
    return !isnan(*out) ||
           ami_onnx_node_fail(g, n, "bound %s is nan, a number was expected", ami_onnx_show(v->name).text);
}

/* Narrows the interval that the input is clamped to. Whether it is one that a net can hold is known when the
 * first layer comes. */
static bool clamp(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v, float lo, float hi,
                  ami_onnx_value *out)
{
    if (v->tensor.layer >= 0)
        return ami_onnx_node_fail(g, n, "comes after a layer, it is supported before the first one only");
    if (!ami_onnx_change(g, n, v))
        return false;
    if (lo > -INFINITY || hi < INFINITY)
        g->clip = n;
    g->lo = lo > g->lo ? lo : g->lo;
    g->hi = hi < g->hi ? hi : g->hi;
    g->normalized |= g->clip != NULL;
    return changed(g, v, out);
}

bool ami_onnx_read_clip(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                        ami_onnx_value *out)
{
    float lo = -INFINITY, hi = INFINITY;
    if (at != 0)
        return ami_onnx_node_fail(g, n, "a bound is computed, a constant was expected");
    if (g->opset < 11 ? n->n_input > 1 : n->n_attribute > 0)
        return ami_onnx_node_fail(g, n, "its bounds are not given the way of operator set %d", g->opset);
    int type = in[0]->tensor.type;
    return clip_bound(g, n, "min", in[1], type, &lo) && clip_bound(g, n, "max", in[2], type, &hi) &&
           clamp(g, n, in[0], lo, hi, out);
}

/* Max and Min by the same constant for every number: Clip's halves. */
bool ami_onnx_read_bound(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                         ami_onnx_value *out)
{
    float *c = vector_operand(g, n, in[1 - at], &in[at]->tensor);
    if (!c)
        return false;
    bool same = true;
    for (size_t i = 1; i < ami_onnx_features(&in[at]->tensor); i++)
        same &= c[i] == c[0];
    float bound = c[0];
    free(c);
    if (!same)
        return ami_onnx_node_fail(g, n,
                                  "constant %s differs from number to number, one bound for all was expected",
                                  ami_onnx_show(in[1 - at]->name).text);
    bool lower = strcmp(n->op_type, "Max") == 0;
    return clamp(g, n, in[at], lower ? bound : -INFINITY, lower ? INFINITY : bound, out);
}

/* What the input has been clamped to must be what a net can hold. */
static bool check_clip(ami_onnx_graph *g)
{
    if (!g->clip || (g->hi > 0 && g->lo == -g->hi))
        return true;
    return ami_onnx_node_fail(g, g->clip, "its bounds are %g and %g, -c and c with c > 0 were expected",
                              (double)g->lo, (double)g->hi);
}

static bool check_layer(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_tensor *t,
                        const ami_onnx_array *weight, const char *name, int depth)
{
    ami_onnx_shown shown = ami_onnx_show(name);
    size_t features = ami_onnx_features(t);
    if (depth > AMI_NET_MAX_LAYERS)
        return ami_onnx_node_fail(g, n, "is layer number %d, at most %d are supported", depth,
                                  AMI_NET_MAX_LAYERS);
    if (g->layers == AMI_ONNX_MAX_LAYERS)
        return ami_onnx_node_fail(g, n,
                                  "is layer number %d with all branches counted, at most %d are supported",
                                  g->layers + 1, g->layers);
    if (t->rank < 2 || features != t->dim[t->rank - 1]) {
        return ami_onnx_node_fail(
            g, n, "takes rows of shape %s, flat ones (Flatten or Reshape makes them so) were expected",
            ami_onnx_show_dims(t->dim + 1, t->rank - 1).text);
    }
    if (weight->dim[1] != features) {
        return ami_onnx_node_fail(g, n, "weight %s takes %zu features, the chain has %zu there", shown.text,
                                  weight->dim[1], features);
    }
    if (weight->dim[0] > AMI_NET_MAX_DIM) {
        return ami_onnx_node_fail(g, n, "weight %s has %zu outputs, at most %d are supported", shown.text,
                                  weight->dim[0], AMI_NET_MAX_DIM);
    }
    return t->layer >= 0 || check_clip(g);
}

/* Appends a layer with the constant `weight`, already turned to (outputs, inputs). */
static bool add_layer(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v,
                      const ami_onnx_array *weight, const char *name, ami_onnx_value *out)
{
    const ami_onnx_tensor *t = &v->tensor;
    if (!check_layer(g, n, t, weight, name, ami_onnx_depth(g, t->layer) + 1) || !ami_onnx_use(g, n, v))
        return false;
    g->layer[g->layers] = (ami_onnx_layer){
        .node = n, .name = name, .parent = t->layer, .weight = *weight, .act = AMI_ACT_IDENTITY};
    out->kind = AMI_ONNX_COMPUTED;
    out->tensor = *t;
    out->tensor.dim[t->rank - 1] = weight->dim[0];
    out->tensor.layer = g->layers++;
    out->tensor.changes = 0;
    return true;
}

/* Checks that a layer's weight is a float matrix behind the computed input. */
static bool weight_operand(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at)
{
    if (at != 0)
        return ami_onnx_node_fail(g, n, "input %s is computed, only the first input may be",
                                  ami_onnx_show(in[at]->name).text);
    const ami_onnx_array *w = &in[1]->array;
    ami_onnx_shown name = ami_onnx_show(in[1]->name);
    int type = in[0]->tensor.type;
    if (w->rank != 2)
        return ami_onnx_node_fail(g, n, "weight %s has shape %s, two dimensions were expected", name.text,
                                  ami_onnx_show_shape(w).text);
    if (w->repeated) /* a hundred bytes must not become gigabytes */
        return ami_onnx_node_fail(g, n, "weight %s is one number repeated, a matrix was expected", name.text);
    if (w->type == type)
        return true;
    return ami_onnx_node_fail(g, n, "weight %s is %s, %s was expected%s", name.text,
                              ami_onnx_type_name(w->type), ami_onnx_type_name(type),
                              ami_onnx_is_float(w->type) ? " (a Cast node makes it so)" : "");
}

bool ami_onnx_read_matmul(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                          ami_onnx_value *out)
{
    if (!weight_operand(g, n, in, at))
        return false;
    ami_onnx_array weight = in[1]->array; /* (inputs, outputs) */
    ami_onnx_array_transpose(&weight);
    return add_layer(g, n, in[0], &weight, in[1]->name, out);
}

/* Gemm's C, once its layer is there. */
static bool gemm_bias(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *c, float beta,
                      const ami_onnx_tensor *t)
{
    ami_onnx_layer *layer = &g->layer[t->layer];
    layer->bias = vector_operand(g, n, c, t);
    if (!layer->bias)
        return false;
    for (size_t i = 0; i < t->dim[1] && beta != 1; i++)
        layer->bias[i] *= beta;
    return true;
}

bool ami_onnx_read_gemm(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                        ami_onnx_value *out)
{
    float alpha = 1, beta = 1;
    int64_t trans_a = 0, trans_b = 0;
    if (!weight_operand(g, n, in, at))
        return false;
    if (!ami_onnx_float_attribute(g, n, "alpha", &alpha) || !ami_onnx_float_attribute(g, n, "beta", &beta))
        return false;
    if (!ami_onnx_int_attribute(g, n, "transA", &trans_a) ||
        !ami_onnx_int_attribute(g, n, "transB", &trans_b))
        return false;
    if (trans_a != 0)
        return ami_onnx_node_fail(g, n, "transA is %" PRId64 ", 0 was expected", trans_a);
    if (trans_b != 0 && trans_b != 1)
        return ami_onnx_node_fail(g, n, "transB is %" PRId64 ", 0 or 1 was expected", trans_b);
    if (in[0]->tensor.rank != 2)
        return ami_onnx_node_fail(g, n, "takes %d dimensions, 2 (rows of numbers) were expected",
                                  in[0]->tensor.rank);
    ami_onnx_array weight = in[1]->array;
    if (trans_b == 0)
        ami_onnx_array_transpose(&weight);
    if (!add_layer(g, n, in[0], &weight, in[1]->name, out))
        return false;

    ami_onnx_layer *layer = &g->layer[out->tensor.layer];
    if (alpha != 1) {
        if (!make_scale(g, n, layer))
            return false;
        for (size_t i = 0; i < weight.dim[0]; i++)
            layer->scale[i] = (double)alpha;
    }
    return !in[2] || beta == 0 || gemm_bias(g, n, in[2], beta, &out->tensor);
}

bool ami_onnx_read_activation(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                              ami_onnx_value *out)
{
    ami_activation act = ami_onnx_activation_find(n->op_type);
    float alpha = act == AMI_ACT_LEAKY_RELU ? 0.01f : act == AMI_ACT_ELU ? 1 : 0; /* ONNX's defaults */
    if (in[at]->tensor.layer < 0)
        return ami_onnx_node_fail(g, n, "comes before the first layer, it is supported after one only");
    ami_onnx_layer *layer = &g->layer[in[at]->tensor.layer];
    if (layer->act != AMI_ACT_IDENTITY && !(layer->act == AMI_ACT_RELU && act == AMI_ACT_RELU)) {
        return ami_onnx_node_fail(g, n, "comes after %s, a layer (Gemm or MatMul) was expected there",
                                  ami_onnx_activation_operator(layer->act));
    }
    if (!ami_onnx_float_attribute(g, n, "alpha", &alpha) || !ami_onnx_change(g, n, in[at]))
        return false;
    layer->act = act;
    layer->alpha = alpha;
    return changed(g, in[at], out);
}

/* As it is when a network is used, not trained: nothing at all. */
bool ami_onnx_read_dropout(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                           ami_onnx_value *out)
{
    if (at != 0)
        return ami_onnx_node_fail(g, n, "input %s is computed, only the first input may be",
                                  ami_onnx_show(in[at]->name).text);
    if (in[2]) {
        const ami_onnx_array *mode = &in[2]->array;
        if (mode->type != AMI_ONNX_BOOL || mode->count != 1 || ami_onnx_array_int(mode, 0) != 0)
            return ami_onnx_node_fail(g, n, "training_mode %s is not a single false: a network in training",
                                      ami_onnx_show(in[2]->name).text);
    }
    out->kind = AMI_ONNX_COMPUTED;
    out->tensor = in[0]->tensor;
    return true;
}
