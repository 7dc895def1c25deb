/* ONNX operators that give a computed tensor another shape. All of them are nothing at all to a net, whose
 * rows are flat, as long as a row stays a row and its numbers stay in order: that is what is checked here,
 * and everything else is refused. */
#include "nets/onnx/graph.h"

#include <inttypes.h>
#include <stdio.h>

/* The same numbers as in[0], as rows of the `rank - 1` dimensions of dim. */
static bool reshaped(const ami_onnx_value *from, int rank, const size_t *dim, ami_onnx_value *out)
{
    out->kind = AMI_ONNX_COMPUTED;
    out->tensor = from->tensor;
    out->tensor.rank = rank;
    for (int i = 1; i < rank; i++)
        out->tensor.dim[i] = dim[i - 1];
    return true;
}

bool ami_onnx_read_flatten(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                           ami_onnx_value *out)
{
    const ami_onnx_tensor *t = &in[at]->tensor;
    int64_t axis = 1;
    if (!ami_onnx_int_attribute(g, n, "axis", &axis))
        return false;
    int64_t first = axis < 0 ? axis + t->rank : axis;
    bool kept = first >= 1 && first <= t->rank;
    for (int i = 1; kept && i < first; i++)
        kept = t->dim[i] == 1;
    if (!kept)
        return ami_onnx_node_fail(g, n, "axis is %" PRId64 ", 1 was expected", axis);
    size_t features = ami_onnx_features(t);
    return reshaped(in[at], 2, &features, out);
}

bool ami_onnx_reshape_target(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *shape,
                             ami_onnx_ints *target, bool *allowzero)
{
    int64_t flag = 0;
    if (!ami_onnx_int_attribute(g, n, "allowzero", &flag))
        return false;
    *allowzero = flag != 0;
    ami_onnx_shown name = ami_onnx_show(shape->name);
    if (!ami_onnx_is_int(shape->array.type) || shape->array.rank != 1)
        return ami_onnx_node_fail(g, n, "shape %s is not a list of int64", name.text);
    if (!ami_onnx_get_ints(g, n, shape, target))
        return false;
    if (target->count < 1 || target->count > AMI_ONNX_MAX_DIMS) {
        return ami_onnx_node_fail(g, n, "its shape has %d dimensions, 1 to %d are supported", target->count,
                                  AMI_ONNX_MAX_DIMS);
    }
    return true;
}

/* "(-1, rows, 60)" */
static ami_onnx_shown show_target(const ami_onnx_ints *target)
{
    ami_onnx_shown shown = {"("};
    size_t room = sizeof shown.text, at = 1;
    for (int i = 0; i < target->count && at < room; i++) {
        const char *sep = i ? ", " : "";
        bool batch = target->batch >> i & 1;
        at += (size_t)(batch ? snprintf(shown.text + at, room - at, "%s%" PRId64 " x rows", sep,
                                        target->value[i])
                             : snprintf(shown.text + at, room - at, "%s%" PRId64, sep, target->value[i]));
    }
    if (at < room)
        snprintf(shown.text + at, room - at, ")");
    return shown;
}

bool ami_onnx_read_reshape(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                           ami_onnx_value *out)
{
    ami_onnx_ints target = {0};
    bool allowzero;
    if (at != 0)
        return ami_onnx_node_fail(g, n, "its shape is computed, a constant was expected");
    if (!ami_onnx_reshape_target(g, n, in[1], &target, &allowzero))
        return false;
    const ami_onnx_tensor *t = &in[0]->tensor;
    size_t features = ami_onnx_features(t), product = 1, dim[AMI_ONNX_MAX_DIMS] = {0};
    int open = -1; /* the dimension, of those after the first, that is -1 */
    int64_t rows = target.value[0];
    bool rows_open = rows == -1,
         rows_given =
             target.batch & 1 ? rows == 1 : (rows == 0 && !allowzero) || (rows > 0 && rows == g->rows);
    bool ok = rows_open || rows_given;
    for (int i = 1; i < target.count && ok; i++) {
        int64_t want = target.value[i];
        if (target.batch >> i & 1) {
            ok = false;
        } else if (want == -1) {
            ok = open < 0 && !rows_open;
            open = i;
        } else if (want == 0 && !allowzero && i < t->rank) {
            dim[i] = t->dim[i];
        } else {
            ok = want > 0;
            dim[i] = want > 0 ? (size_t)want : 0;
        }
        if (ok && i != open)
            ok = !__builtin_mul_overflow(product, dim[i], &product) && product <= features;
    }
    if (ok && open >= 0) {
        dim[open] = features / product;
        product *= dim[open];
    }
    if (ok && product == features)
        return reshaped(in[0], target.count, dim + 1, out);
    if (t->rank == 2 && target.count == 2) {
        return ami_onnx_node_fail(g, n, "its shape %s changes (batch, %zu), which was expected to stay",
                                  show_target(&target).text, features);
    }
    return ami_onnx_node_fail(g, n, "its shape %s is no (batch, ...) with %zu numbers in a row, as it was",
                              show_target(&target).text, features);
}

bool ami_onnx_read_squeeze(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                           ami_onnx_value *out)
{
    const ami_onnx_tensor *t = &in[0]->tensor;
    uint32_t axes;
    bool given;
    if (at != 0)
        return ami_onnx_node_fail(g, n, "its axes are computed, constants were expected");
    if (!ami_onnx_get_axes(g, n, in, t->rank, false, &axes, &given))
        return false;
    if (given ? axes & 1 : g->rows == 1)
        return ami_onnx_node_fail(g, n, "leaves out the first dimension, which counts the rows");
    size_t dim[AMI_ONNX_MAX_DIMS];
    int rank = 1;
    for (int i = 1; i < t->rank; i++) {
        bool out_of_it = given ? axes >> i & 1 : t->dim[i] == 1;
        if (out_of_it && t->dim[i] != 1)
            return ami_onnx_node_fail(g, n, "leaves out dimension %d, which is %zu, 1 was expected", i,
                                      t->dim[i]);
        if (!out_of_it)
            dim[rank++ - 1] = t->dim[i];
    }
    return reshaped(in[0], rank, dim, out);
}

bool ami_onnx_read_unsqueeze(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                             ami_onnx_value *out)
{
    const ami_onnx_tensor *t = &in[0]->tensor;
    uint32_t axes;
    bool given;
    if (at != 0)
        return ami_onnx_node_fail(g, n, "its axes are computed, constants were expected");
    if (!ami_onnx_get_axes(g, n, in, t->rank, true, &axes, &given))
        return false;
    if (axes & 1)
        return ami_onnx_node_fail(g, n, "puts a dimension before the first one, which counts the rows");
    int rank = t->rank + __builtin_popcount(axes), from = 1;
    if (rank > AMI_ONNX_MAX_DIMS)
        return ami_onnx_node_fail(g, n, "makes %d dimensions, at most %d are supported", rank,
                                  AMI_ONNX_MAX_DIMS);
    size_t dim[AMI_ONNX_MAX_DIMS];
    for (int i = 1; i < rank; i++)
        dim[i - 1] = axes >> i & 1 ? 1 : t->dim[from++];
    return reshaped(in[0], rank, dim, out);
}

/* Only dimensions of 1 may change their places. */
bool ami_onnx_read_transpose(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                             ami_onnx_value *out)
{
    const ami_onnx_tensor *t = &in[at]->tensor;
    const AmiOnnx__Attribute *perm = ami_onnx_attribute(n, "perm");
    size_t dim[AMI_ONNX_MAX_DIMS];
    uint32_t seen = 0;
    int64_t last = 0;
    bool ok = perm && perm->n_ints == (size_t)t->rank;
    for (int i = 0; ok && i < t->rank; i++) {
        int64_t from = perm->ints[i];
        ok = from >= 0 && from < t->rank && !(seen >> from & 1) && (from == 0) == (i == 0);
        if (!ok)
            break;
        seen |= 1u << from;
        if (i > 0)
            dim[i - 1] = t->dim[from];
        if (i > 0 && t->dim[from] != 1) {
            ok = from > last;
            last = from;
        }
    }
    if (!ok)
        return ami_onnx_node_fail(
            g, n, "input %s is computed, and its numbers would change their order: a constant was expected",
            ami_onnx_show(in[at]->name).text);
    return reshaped(in[at], t->rank, dim, out);
}

bool ami_onnx_read_shape(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                         ami_onnx_value *out)
{
    const ami_onnx_tensor *t = &in[at]->tensor;
    int64_t start = 0, end = t->rank;
    if (!ami_onnx_int_attribute(g, n, "start", &start) || !ami_onnx_int_attribute(g, n, "end", &end))
        return false;
    ami_onnx_ints shape = {0};
    for (int i = 0; i < t->rank; i++) {
        if (i < (start < 0 ? start + t->rank : start) || i >= (end < 0 ? end + t->rank : end))
            continue;
        if (i == 0 && g->rows == 0)
            shape.batch = 1;
        shape.value[shape.count++] = i > 0 ? (int64_t)t->dim[i] : g->rows ? g->rows : 1;
    }
    if (shape.count == 0)
        return ami_onnx_node_fail(g, n, "takes no dimension at all of %d", t->rank);
    ami_onnx_set_ints(out, &shape);
    return true;
}
