/* The ONNX operators that amble reads: the table, and those that only pass on or make constants. To add one,
 * write its handler and put it into the table at the end.
 *
 * Handlers look at shapes and at small constants; weights are converted and checked later, when the net is
 * built. */
#include "nets/onnx/graph.h"
#include "nets/onnx/onnx.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

const AmiOnnx__Attribute *ami_onnx_attribute(const AmiOnnx__Node *n, const char *name)
{
    for (size_t i = 0; i < n->n_attribute; i++) {
        if (strcmp(ami_onnx_text(n->attribute[i]->name), name) == 0)
            return n->attribute[i];
    }
    return NULL;
}

bool ami_onnx_int_attribute(ami_onnx_graph *g, const AmiOnnx__Node *n, const char *name, int64_t *out)
{
    const AmiOnnx__Attribute *a = ami_onnx_attribute(n, name);
    if (!a)
        return true;
    if (a->type != AMI_ONNX_ATTRIBUTE_INT)
        return ami_onnx_node_fail(g, n, "attribute '%s' is of type %d, an integer was expected", name,
                                  a->type);
    *out = a->i;
    return true;
}

bool ami_onnx_float_attribute(ami_onnx_graph *g, const AmiOnnx__Node *n, const char *name, float *out)
{
    const AmiOnnx__Attribute *a = ami_onnx_attribute(n, name);
    if (!a)
        return true;
    if (a->type != AMI_ONNX_ATTRIBUTE_FLOAT)
        return ami_onnx_node_fail(g, n, "attribute '%s' is of type %d, a float was expected", name, a->type);
    if (!isfinite(a->f))
        return ami_onnx_node_fail(g, n, "attribute '%s' is %g, a finite number was expected", name,
                                  (double)a->f);
    *out = a->f;
    return true;
}

static bool read_identity(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                          ami_onnx_value *out)
{
    (void)g, (void)n;
    const ami_onnx_value *from = in[at < 0 ? 0 : at];
    out->kind = from->kind;
    out->array = from->array;
    out->tensor = from->tensor;
    return true;
}

/* What is computed, between kinds of float, since the net computes in float32 whatever the file says. */
static bool cast_computed(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v, int64_t to,
                          ami_onnx_value *out)
{
    if (to < 0 || to > INT32_MAX || !ami_onnx_is_float((int)to))
        return ami_onnx_node_fail(
            g, n, "casts to data type %" PRId64 ", 1 (float32), 10, 11 or 16 was expected", to);
    out->kind = AMI_ONNX_COMPUTED;
    out->tensor = v->tensor;
    out->tensor.type = (int)to;
    return true;
}

static bool cast_constant(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v, int64_t to,
                          ami_onnx_value *out)
{
    const ami_onnx_array *a = &v->array;
    bool known = to > 0 && to <= INT32_MAX, from_int = ami_onnx_is_int(a->type);
    bool to_float = known && ami_onnx_is_float((int)to), to_int = known && ami_onnx_is_int((int)to);
    const bool from_int8 = a->type == AMI_ONNX_INT8 && to == AMI_ONNX_FLOAT32;
    if (!from_int8 && !(to_float && (from_int || ami_onnx_is_float(a->type))) && !(to_int && from_int)) {
        return ami_onnx_node_fail(g, n,
                                  "casts constant %s from %s to data type %" PRId64
                                  ", 1 (float32), 10, 11 or 16 was expected",
                                  ami_onnx_show(v->name).text, ami_onnx_type_name(a->type), to);
    }
    if (to_float && a->batch)
        return ami_onnx_node_fail(g, n, "input %s depends on the number of rows, a constant was expected",
                                  ami_onnx_show(v->name).text);
    out->array = *a;
    out->array.type = (int)to;
    return true;
}

/* int8 × units: a matrix of float32. `scale` broadcasts along the axis, or is one for all numbers (not
 * read). */
static bool set_units(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v,
                      const ami_onnx_value *scale, int axis, ami_onnx_value *out)
{
    const ami_onnx_array *const q = &v->array, *const s = &scale->array;
    if (q->rank != 2 || axis < 0 || s->type != AMI_ONNX_FLOAT32 || s->stored != AMI_ONNX_FLOAT32 ||
        s->repeated || s->count != q->dim[axis] || q->units || q->repeated)
        return ami_onnx_node_fail(
            g, n,
            "scales the int8 constant %s of shape %s by %s of shape %s, a matrix and one "
            "float32 for each row or each column were expected",
            ami_onnx_show(v->name).text, ami_onnx_show_shape(q).text, ami_onnx_type_name(s->type),
            ami_onnx_show_shape(s).text);
    out->array = *q;
    out->array.type = AMI_ONNX_FLOAT32;
    out->array.unit_axis = q->transposed ? 1 - axis : axis;
    out->array.units = s->raw ? s->raw : (const uint8_t *)s->floats;
    return true;
}

bool ami_onnx_read_int8_product(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                                ami_onnx_value *out)
{
    (void)at;
    const int first = in[0]->array.stored == AMI_ONNX_INT8 ? 0 : 1;
    const ami_onnx_array *const q = &in[first]->array, *const s = &in[1 - first]->array;
    int axis = -1;
    if (q->rank == 2 && s->rank == 2 && s->dim[1] == 1 && s->dim[0] == q->dim[0])
        axis = 0;
    else if (q->rank == 2 && s->rank >= 1 && s->rank <= 2 && s->dim[s->rank - 1] == q->dim[1] &&
             s->count == q->dim[1])
        axis = 1;
    return set_units(g, n, in[first], in[1 - first], axis, out);
}

static bool read_dequantize(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                            ami_onnx_value *out)
{
    (void)at;
    int64_t axis = 1;
    if (!ami_onnx_int_attribute(g, n, "axis", &axis))
        return false;
    if (in[0]->array.type != AMI_ONNX_INT8)
        return ami_onnx_node_fail(g, n, "constant %s is %s, int8 was expected",
                                  ami_onnx_show(in[0]->name).text, ami_onnx_type_name(in[0]->array.type));
    for (size_t i = 0; in[2] && i < in[2]->array.count; i++)
        if (in[2]->array.type != AMI_ONNX_INT8 || ami_onnx_array_int(&in[2]->array, i) != 0)
            return ami_onnx_node_fail(g, n, "has a zero point %s that is not 0 of int8",
                                      ami_onnx_show(in[2]->name).text);
    axis += axis < 0 ? in[0]->array.rank : 0;
    return set_units(g, n, in[0], in[1], axis >= 0 && axis < 2 && in[1]->array.rank == 1 ? (int)axis : -1,
                     out);
}

static bool read_cast(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                      ami_onnx_value *out)
{
    int64_t to = 0;
    if (!ami_onnx_int_attribute(g, n, "to", &to))
        return false;
    return at < 0 ? cast_constant(g, n, in[0], to, out) : cast_computed(g, n, in[0], to, out);
}

static bool read_cast_like(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                           ami_onnx_value *out)
{
    int to = at == 1 ? in[1]->tensor.type : in[1]->array.type;
    return at == 0 ? cast_computed(g, n, in[0], to, out) : cast_constant(g, n, in[0], to, out);
}

static bool read_constant(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                          ami_onnx_value *out)
{
    (void)in, (void)at;
    if (n->n_attribute != 1)
        return ami_onnx_node_fail(g, n, "has %zu attributes, one value was expected", n->n_attribute);
    const AmiOnnx__Attribute *a = n->attribute[0];
    if (a->type == AMI_ONNX_ATTRIBUTE_TENSOR && a->t) {
        ami_error why = {0};
        return ami_onnx_array_open(&out->array, a->t, g->source, &why) ||
               ami_onnx_node_fail(g, n, "its value: %s", why.text);
    }
    if (a->type == AMI_ONNX_ATTRIBUTE_FLOAT) {
        out->array = ami_onnx_array_of_floats(&a->f, 1, true);
    } else if (a->type == AMI_ONNX_ATTRIBUTE_INT) {
        out->array = ami_onnx_array_of_ints(&a->i, 1, true);
    } else if (a->type == AMI_ONNX_ATTRIBUTE_FLOATS && a->n_floats > 0) {
        out->array = ami_onnx_array_of_floats(a->floats, a->n_floats, false);
    } else if (a->type == AMI_ONNX_ATTRIBUTE_INTS && a->n_ints > 0) {
        out->array = ami_onnx_array_of_ints(a->ints, a->n_ints, false);
    } else {
        return ami_onnx_node_fail(
            g, n, "its value is empty or of attribute type %d, a tensor, floats or integers were expected",
            a->type);
    }
    return true;
}

static const ami_onnx_operator operators[] = {
    {"Add", 2, 2, {NULL}, ami_onnx_read_elementwise, ami_onnx_constant_arithmetic, 0},
    {"Cast", 1, 1, {"to", "saturate", "round_mode", NULL}, read_cast, read_cast, 0},
    {"CastLike", 2, 2, {"saturate", "round_mode", NULL}, read_cast_like, read_cast_like, 0},
    {"Clip", 1, 3, {"min", "max", NULL}, ami_onnx_read_clip, NULL, 0},
    {"Concat", 1, AMI_ONNX_MAX_INPUTS, {"axis", NULL}, NULL, ami_onnx_constant_concat, 0},
    {"Constant",
     0,
     0,
     {"value", "value_float", "value_floats", "value_int", "value_ints", NULL},
     NULL,
     read_constant,
     0},
    {"ConstantOfShape", 1, 1, {"value", NULL}, NULL, ami_onnx_constant_fill, 0},
    {"DequantizeLinear", 2, 3, {"axis", NULL}, NULL, read_dequantize, 0},
    {"Div", 2, 2, {NULL}, ami_onnx_read_elementwise, ami_onnx_constant_arithmetic, 0},
    {"Dropout", 1, 3, {"ratio", "seed", NULL}, ami_onnx_read_dropout, NULL, 2},
    {"Elu", 1, 1, {"alpha", NULL}, ami_onnx_read_activation, NULL, 0},
    {"Flatten", 1, 1, {"axis", NULL}, ami_onnx_read_flatten, NULL, 0},
    {"Gather", 2, 2, {"axis", NULL}, NULL, ami_onnx_constant_gather, 0},
    {"Gemm", 2, 3, {"alpha", "beta", "transA", "transB", NULL}, ami_onnx_read_gemm, NULL, 0},
    {"Identity", 1, 1, {NULL}, read_identity, read_identity, 0},
    {"LeakyRelu", 1, 1, {"alpha", NULL}, ami_onnx_read_activation, NULL, 0},
    {"MatMul", 2, 2, {NULL}, ami_onnx_read_matmul, NULL, 0},
    {"Max", 2, 2, {NULL}, ami_onnx_read_bound, NULL, 0},
    {"Min", 2, 2, {NULL}, ami_onnx_read_bound, NULL, 0},
    {"Mod", 2, 2, {"fmod", NULL}, NULL, ami_onnx_constant_arithmetic, 0},
    {"Mul", 2, 2, {NULL}, ami_onnx_read_elementwise, ami_onnx_constant_arithmetic, 0},
    {"Relu", 1, 1, {NULL}, ami_onnx_read_activation, NULL, 0},
    {"Reshape", 2, 2, {"allowzero", NULL}, ami_onnx_read_reshape, ami_onnx_constant_reshape, 0},
    {"Shape", 1, 1, {"start", "end", NULL}, ami_onnx_read_shape, ami_onnx_constant_shape, 0},
    {"Sigmoid", 1, 1, {NULL}, ami_onnx_read_activation, NULL, 0},
    {"Slice", 1, 5, {"axes", "starts", "ends", NULL}, NULL, ami_onnx_constant_slice, 0},
    {"Squeeze", 1, 2, {"axes", NULL}, ami_onnx_read_squeeze, ami_onnx_constant_squeeze, 0},
    {"Sub", 2, 2, {NULL}, ami_onnx_read_elementwise, ami_onnx_constant_arithmetic, 0},
    {"Tanh", 1, 1, {NULL}, ami_onnx_read_activation, NULL, 0},
    {"Transpose", 1, 1, {"perm", NULL}, ami_onnx_read_transpose, ami_onnx_constant_transpose, 0},
    {"Unsqueeze", 1, 2, {"axes", NULL}, ami_onnx_read_unsqueeze, ami_onnx_constant_unsqueeze, 0},
};

enum { OPERATORS = sizeof operators / sizeof *operators };

const ami_onnx_operator *ami_onnx_operator_find(const char *name)
{
    for (int i = 0; i < OPERATORS; i++) {
        if (strcmp(operators[i].name, name) == 0)
            return &operators[i];
    }
    return NULL;
}

void ami_onnx_operator_names(char *text, size_t room)
{
    size_t at = 0;
    text[0] = 0;
    for (int i = 0; i < OPERATORS && at < room; i++) {
        at += (size_t)snprintf(text + at, room - at, "%s%s", i ? ", " : "", operators[i].name);
    }
}
