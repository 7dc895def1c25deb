/* ONNX operators on constants: other views of weights, and the arithmetic on shapes that exporters write
 * where a module asks for its input's size. A size may hold the number of rows, which is not known: then a
 * list's entry is so many times that number.
 *
 * Makes no tensor larger than AMI_ONNX_MAX_SMALL numbers, does no arithmetic on floats. */
#include "nets/onnx/graph.h"

#include <inttypes.h>
#include <string.h>

bool ami_onnx_get_ints(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v, ami_onnx_ints *out)
{
    const ami_onnx_array *a = &v->array;
    if (!ami_onnx_is_int(a->type) || a->rank > 1 || a->count > AMI_ONNX_MAX_SMALL) {
        return ami_onnx_node_fail(g, n, "input %s is %s of shape %s, up to %d integers were expected",
                                  ami_onnx_show(v->name).text, ami_onnx_type_name(a->type),
                                  ami_onnx_show_shape(a).text, AMI_ONNX_MAX_SMALL);
    }
    *out = (ami_onnx_ints){.count = (int)a->count, .scalar = a->rank == 0, .batch = a->batch};
    for (int i = 0; i < out->count; i++)
        out->value[i] = ami_onnx_array_int(a, (size_t)i);
    return true;
}

void ami_onnx_set_ints(ami_onnx_value *out, const ami_onnx_ints *ints)
{
    memcpy(out->small, ints->value, sizeof out->small);
    out->array = ami_onnx_array_of_ints(out->small, (size_t)ints->count, ints->scalar);
    out->array.batch = ints->batch;
}

/* The same, from a list that must not depend on the number of rows. */
static bool get_known_ints(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v,
                           ami_onnx_ints *out)
{
    if (!ami_onnx_get_ints(g, n, v, out))
        return false;
    if (out->batch)
        return ami_onnx_node_fail(g, n, "input %s depends on the number of rows, a constant was expected",
                                  ami_onnx_show(v->name).text);
    return true;
}

/* An attribute that lists integers; *given false where there is none. */
static bool ints_attribute(ami_onnx_graph *g, const AmiOnnx__Node *n, const char *name, ami_onnx_ints *out,
                           bool *given)
{
    const AmiOnnx__Attribute *a = ami_onnx_attribute(n, name);
    *given = a;
    *out = (ami_onnx_ints){0};
    if (!a)
        return true;
    if (a->type != AMI_ONNX_ATTRIBUTE_INTS || a->n_ints > AMI_ONNX_MAX_SMALL) {
        return ami_onnx_node_fail(g, n,
                                  "attribute '%s' is of type %d with %zu integers, up to %d were expected",
                                  name, a->type, a->n_ints, AMI_ONNX_MAX_SMALL);
    }
    out->count = (int)a->n_ints;
    if (a->n_ints > 0)
        memcpy(out->value, a->ints, a->n_ints * sizeof *a->ints);
    return true;
}

bool ami_onnx_get_axes(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int rank,
                       bool adds, uint32_t *axes, bool *given)
{
    ami_onnx_ints list = {0};
    *axes = 0;
    if (!ints_attribute(g, n, "axes", &list, given))
        return false;
    if (g->opset < 13 ? in[1] != NULL : *given)
        return ami_onnx_node_fail(g, n, "its axes are not given the way of operator set %d", g->opset);
    if (in[1]) {
        *given = true;
        if (!get_known_ints(g, n, in[1], &list))
            return false;
    }
    if (adds && !*given)
        return ami_onnx_node_fail(g, n, "does not say which axes");
    int dims = adds ? rank + list.count : rank;
    for (int i = 0; i < list.count; i++) {
        int64_t axis = list.value[i] < 0 ? list.value[i] + dims : list.value[i];
        if (list.value[i] < -dims || axis >= dims || *axes >> axis & 1)
            return ami_onnx_node_fail(g, n, "axis %" PRId64 " is given twice or none of its %d dimensions",
                                      list.value[i], dims);
        *axes |= 1u << axis;
    }
    return true;
}

/* A view of in[0] with other dimensions. */
static bool set_dims(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *from, int rank,
                     const size_t *dim, ami_onnx_value *out)
{
    if (from->array.transposed)
        return ami_onnx_node_fail(g, n, "constant %s is transposed before it, which is not supported",
                                  ami_onnx_show(from->name).text);
    if (from->array.units)
        return ami_onnx_node_fail(g, n, "constant %s is int8 with units, which cannot be reshaped",
                                  ami_onnx_show(from->name).text);
    if (rank > AMI_ONNX_MAX_RANK)
        return ami_onnx_node_fail(g, n, "makes %d dimensions, at most %d are supported", rank,
                                  AMI_ONNX_MAX_RANK);
    out->array = from->array;
    out->array.rank = rank;
    for (int i = 0; i < AMI_ONNX_MAX_RANK; i++)
        out->array.dim[i] = i < rank ? dim[i] : 0;
    return true;
}

bool ami_onnx_constant_reshape(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                               ami_onnx_value *out)
{
    (void)at;
    ami_onnx_ints target = {0};
    bool allowzero, ok = true;
    const ami_onnx_array *a = &in[0]->array;
    if (!ami_onnx_reshape_target(g, n, in[1], &target, &allowzero))
        return false;
    size_t dim[AMI_ONNX_MAX_SMALL], product = 1;
    int open = -1;
    for (int i = 0; i < target.count && ok; i++) {
        int64_t want =
            target.value[i] == 0 && !allowzero && i < a->rank ? (int64_t)a->dim[i] : target.value[i];
        if (want == -1 && open < 0) {
            open = i;
            want = 1;
        }
        ok = want > 0 && !__builtin_mul_overflow(product, (size_t)want, &product);
        dim[i] = (size_t)want;
    }
    if (ok && open >= 0) {
        dim[open] = a->count / product;
        product *= dim[open];
    }
    if (!ok || target.batch || product != a->count)
        return ami_onnx_node_fail(g, n, "its shape does not fit the %zu numbers of constant %s", a->count,
                                  ami_onnx_show(in[0]->name).text);
    return set_dims(g, n, in[0], target.count, dim, out);
}

bool ami_onnx_constant_squeeze(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                               ami_onnx_value *out)
{
    (void)at;
    const ami_onnx_array *a = &in[0]->array;
    uint32_t axes;
    bool given;
    if (!ami_onnx_get_axes(g, n, in, a->rank, false, &axes, &given))
        return false;
    size_t dim[AMI_ONNX_MAX_RANK];
    int rank = 0;
    for (int i = 0; i < a->rank; i++) {
        bool out_of_it = given ? axes >> i & 1 : a->dim[i] == 1;
        if (out_of_it && a->dim[i] != 1)
            return ami_onnx_node_fail(g, n, "leaves out dimension %d, which is %zu, 1 was expected", i,
                                      a->dim[i]);
        if (!out_of_it)
            dim[rank++] = a->dim[i];
    }
    return set_dims(g, n, in[0], rank, dim, out);
}

bool ami_onnx_constant_unsqueeze(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                                 ami_onnx_value *out)
{
    (void)at;
    const ami_onnx_array *a = &in[0]->array;
    uint32_t axes;
    bool given;
    size_t dim[AMI_ONNX_MAX_RANK + AMI_ONNX_MAX_SMALL];
    if (!ami_onnx_get_axes(g, n, in, a->rank, true, &axes, &given))
        return false;
    int rank = a->rank + __builtin_popcount(axes), from = 0;
    for (int i = 0; i < rank; i++)
        dim[i] = axes >> i & 1 ? 1 : a->dim[from++];
    return set_dims(g, n, in[0], rank, dim, out);
}

bool ami_onnx_constant_transpose(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                                 ami_onnx_value *out)
{
    (void)at;
    out->array = in[0]->array;
    if (out->array.rank != 2 || !ami_onnx_is_float(out->array.type)) {
        return ami_onnx_node_fail(g, n, "constant %s is %s of shape %s, a float matrix was expected",
                                  ami_onnx_show(in[0]->name).text, ami_onnx_type_name(out->array.type),
                                  ami_onnx_show_shape(&out->array).text);
    }
    const AmiOnnx__Attribute *perm = ami_onnx_attribute(n, "perm");
    bool swaps = !perm || (perm->n_ints == 2 && perm->ints[0] == 1 && perm->ints[1] == 0);
    bool stays = perm && perm->n_ints == 2 && perm->ints[0] == 0 && perm->ints[1] == 1;
    if (!swaps && !stays)
        return ami_onnx_node_fail(g, n, "attribute 'perm' is no order of two dimensions");
    if (swaps)
        ami_onnx_array_transpose(&out->array);
    return true;
}

/* Lists have one axis, number 0. */
static bool check_axis(ami_onnx_graph *g, const AmiOnnx__Node *n, bool needed)
{
    int64_t axis = 0;
    if (needed && !ami_onnx_attribute(n, "axis"))
        return ami_onnx_node_fail(g, n, "does not say which axis");
    if (!ami_onnx_int_attribute(g, n, "axis", &axis))
        return false;
    return axis == 0 || axis == -1 ||
           ami_onnx_node_fail(g, n, "axis is %" PRId64 ", 0 was expected of a list of integers", axis);
}

bool ami_onnx_constant_gather(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                              ami_onnx_value *out)
{
    (void)at;
    ami_onnx_ints data = {0}, index = {0};
    if (!check_axis(g, n, false) || !ami_onnx_get_ints(g, n, in[0], &data) ||
        !get_known_ints(g, n, in[1], &index))
        return false;
    ami_onnx_ints taken = {.count = index.count, .scalar = index.scalar};
    for (int i = 0; i < index.count; i++) {
        int64_t from = index.value[i] < 0 ? index.value[i] + data.count : index.value[i];
        if (data.scalar || index.value[i] < -data.count || from >= data.count)
            return ami_onnx_node_fail(g, n, "index %" PRId64 " is outside of a list of %d", index.value[i],
                                      data.count);
        taken.value[i] = data.value[from];
        taken.batch |= (uint8_t)((data.batch >> from & 1) << i);
    }
    ami_onnx_set_ints(out, &taken);
    return true;
}

bool ami_onnx_constant_concat(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                              ami_onnx_value *out)
{
    (void)at;
    ami_onnx_ints all = {0}, part;
    if (!check_axis(g, n, true))
        return false;
    for (size_t i = 0; i < n->n_input; i++) {
        if (!in[i])
            return ami_onnx_node_fail(g, n, "input number %zu is missing (an empty name)", i);
        if (!ami_onnx_get_ints(g, n, in[i], &part))
            return false;
        if (part.scalar || all.count + part.count > AMI_ONNX_MAX_SMALL)
            return ami_onnx_node_fail(g, n, "input %s makes no list of at most %d with those before it",
                                      ami_onnx_show(in[i]->name).text, AMI_ONNX_MAX_SMALL);
        all.batch |= (uint8_t)(part.batch << all.count);
        for (int k = 0; k < part.count; k++)
            all.value[all.count++] = part.value[k];
    }
    ami_onnx_set_ints(out, &all);
    return true;
}

/* One of Slice's lists, which must hold one number: an attribute before operator set 10, an input since. */
static bool slice_number(ami_onnx_graph *g, const AmiOnnx__Node *n, const char *name, const ami_onnx_value *v,
                         int64_t *out)
{
    ami_onnx_ints list = {0};
    bool given = v;
    if (g->opset < 10 ? !ints_attribute(g, n, name, &list, &given) : v && !get_known_ints(g, n, v, &list))
        return false;
    if (!given)
        return true;
    if (list.count != 1)
        return ami_onnx_node_fail(g, n, "has %d %s, one was expected", list.count, name);
    *out = list.value[0];
    return true;
}

bool ami_onnx_constant_slice(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                             ami_onnx_value *out)
{
    (void)at;
    ami_onnx_ints data = {0}, part = {0};
    int64_t start = 0, end = INT64_MAX, axis = 0, step = 1;
    if (!ami_onnx_get_ints(g, n, in[0], &data))
        return false;
    if (g->opset < 10 ? n->n_input > 1 || !ami_onnx_attribute(n, "starts") || !ami_onnx_attribute(n, "ends")
                      : n->n_attribute > 0 || !in[1] || !in[2])
        return ami_onnx_node_fail(g, n, "its starts and ends are not given the way of operator set %d",
                                  g->opset);
    if (!slice_number(g, n, "starts", in[1], &start) || !slice_number(g, n, "ends", in[2], &end) ||
        !slice_number(g, n, "axes", in[3], &axis) ||
        (g->opset >= 10 && !slice_number(g, n, "steps", in[4], &step)))
        return false;
    if (data.scalar || (axis != 0 && axis != -1) || step != 1) {
        return ami_onnx_node_fail(
            g, n, "has axis %" PRId64 " and step %" PRId64 ", 0 and 1 were expected, on a list of integers",
            axis, step);
    }
    int64_t first = start < 0 ? start + data.count : start, last = end < 0 ? end + data.count : end;
    for (int i = 0; i < data.count; i++) {
        if (i < first || i >= last)
            continue;
        part.batch |= (uint8_t)((data.batch >> i & 1) << part.count);
        part.value[part.count++] = data.value[i];
    }
    ami_onnx_set_ints(out, &part); /* may be empty: Concat takes it */
    return true;
}

bool ami_onnx_constant_arithmetic(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in,
                                  int at, ami_onnx_value *out)
{
    (void)at;
    ami_onnx_ints a = {0}, b = {0};
    bool mod = strcmp(n->op_type, "Mod") == 0;
    char op = mod ? '%' : n->op_type[0];
    if (op == 'M' && (in[0]->array.stored == AMI_ONNX_INT8) != (in[1]->array.stored == AMI_ONNX_INT8) &&
        ami_onnx_is_float(in[0]->array.type) && ami_onnx_is_float(in[1]->array.type))
        return ami_onnx_read_int8_product(g, n, in, at, out);
    if (ami_onnx_is_float(in[0]->array.type) || ami_onnx_is_float(in[1]->array.type))
        return ami_onnx_node_fail(g, n, "has constant inputs only, which is not supported for this operator");
    if (!ami_onnx_get_ints(g, n, in[0], &a) || !ami_onnx_get_ints(g, n, in[1], &b))
        return false;
    if (a.count == 0 || b.count == 0 || (a.count != b.count && a.count != 1 && b.count != 1))
        return ami_onnx_node_fail(g, n, "has lists of %d and %d integers, the same number was expected",
                                  a.count, b.count);
    ami_onnx_ints made = {.count = a.count > b.count ? a.count : b.count, .scalar = a.scalar && b.scalar};
    for (int i = 0; i < made.count; i++) {
        int k = a.count == 1 ? 0 : i, m = b.count == 1 ? 0 : i;
        int64_t x = a.value[k], y = b.value[m], *z = &made.value[i];
        int rows = (a.batch >> k & 1) + (b.batch >> m & 1);
        if (rows > (op == 'M'))
            return ami_onnx_node_fail(g, n,
                                      "works on the number of rows, which only Mul by a constant may do");
        made.batch |= (uint8_t)(rows << i);
        bool bad = op == 'A'   ? __builtin_add_overflow(x, y, z)
                   : op == 'S' ? __builtin_sub_overflow(x, y, z)
                   : op == 'M' ? __builtin_mul_overflow(x, y, z)
                               : x < 0 || y < 1; /* Div and Mod */
        if (bad)
            return ami_onnx_node_fail(g, n, "cannot be worked out on %" PRId64 " and %" PRId64, x, y);
        if (op == 'D')
            *z = x / y;
        if (mod)
            *z = x % y;
    }
    ami_onnx_set_ints(out, &made);
    return true;
}

bool ami_onnx_constant_shape(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                             ami_onnx_value *out)
{
    (void)at;
    const ami_onnx_array *a = &in[0]->array;
    if (a->rank == 0 || n->n_attribute > 0)
        return ami_onnx_node_fail(g, n,
                                  "is asked for a part of the shape of constant %s, the whole was expected",
                                  ami_onnx_show(in[0]->name).text);
    ami_onnx_ints shape = {.count = a->rank};
    for (int i = 0; i < a->rank; i++)
        shape.value[i] = (int64_t)a->dim[i];
    ami_onnx_set_ints(out, &shape);
    return true;
}

/* ConstantOfShape: a list of one number, as often as a row can be long. */
bool ami_onnx_constant_fill(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                            ami_onnx_value *out)
{
    (void)at;
    static const float zero = 0;
    ami_onnx_ints shape = {0};
    if (!get_known_ints(g, n, in[0], &shape))
        return false;
    if (shape.scalar || shape.count != 1 || shape.value[0] < 1 || shape.value[0] > AMI_NET_MAX_DIM)
        return ami_onnx_node_fail(g, n, "its shape is not that of a list of 1 to %d numbers",
                                  AMI_NET_MAX_DIM);
    const AmiOnnx__Attribute *value = ami_onnx_attribute(n, "value");
    ami_error why = {0};
    out->array = ami_onnx_array_of_floats(&zero, 1, false);
    if (value && (value->type != AMI_ONNX_ATTRIBUTE_TENSOR || !value->t))
        return ami_onnx_node_fail(g, n, "attribute 'value' is of type %d, a tensor was expected",
                                  value->type);
    if (value && !ami_onnx_array_open(&out->array, value->t, g->source, &why))
        return ami_onnx_node_fail(g, n, "its value: %s", why.text);
    if (out->array.count != 1)
        return ami_onnx_node_fail(g, n, "its value has %zu numbers, one was expected", out->array.count);
    out->array.rank = 1;
    out->array.dim[0] = out->array.count = (size_t)shape.value[0];
    out->array.repeated = true;
    return true;
}
