/* Operators whose numbers are shapes, or made of nothing: constants, ranges, triangles. */
#include "nets/graph/ops.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- shapes and constants ---- */

static bool infer_shape(ami_call *c)
{
    const int rank = c->in[0].rank;
    int64_t start = ami_call_int(c, "start", 0), end = ami_call_int(c, "end", rank);
    start = start < 0 ? start + rank : start;
    end = end < 0 ? end + rank : end;
    start = start < 0 ? 0 : start > rank ? rank : start;
    end = end > rank ? rank : end;
    c->step->p.n[0] = start;
    c->out[0].type = AMI_ONNX_INT64;
    c->out[0].rank = 1;
    c->out[0].dim[0] = end > start ? end - start : 0;
    return true;
}

static bool run_shape(const ami_call *c)
{
    for (int64_t i = 0; i < c->out[0].dim[0]; i++)
        ((int64_t *)c->out[0].data)[i] = c->in[0].dim[c->step->p.n[0] + i];
    return true;
}

static bool infer_size(ami_call *c)
{
    c->out[0].type = AMI_ONNX_INT64;
    c->out[0].rank = 0;
    return true;
}

static bool run_size(const ami_call *c)
{
    *(int64_t *)c->out[0].data = ami_view_count(&c->in[0]);
    return true;
}

static bool infer_constant(ami_call *c)
{
    static const char *const names[] = {"value", "value_float", "value_floats", "value_int", "value_ints"};
    const AmiOnnx__Attribute *a = NULL;
    int which = 0;
    for (int i = 0; i < 5 && !a; i++) {
        a = ami_call_attribute(c, names[i]);
        which = i;
    }
    if (!a || (which == 0 && !a->t))
        return ami_call_fail(
            c, "has no value that is supported (value, value_float, value_int and their lists)");
    ami_value v = {0};
    if (which == 0) {
        ami_error why = {""};
        if (!ami_graph_read_tensor(c->graph, a->t, c->graph->inside, &v, &why))
            return ami_call_fail(c, "its value %s", why.text);
        c->out[0].rank = v.rank;
        memcpy(c->out[0].dim, v.dim[0], sizeof v.dim[0]);
        c->out[0].type = v.type;
        c->step->p.n[0] = (int64_t)(intptr_t)v.data[0];
        return true;
    }
    c->out[0].type = which <= 2 ? AMI_ONNX_FLOAT32 : AMI_ONNX_INT64;
    c->out[0].rank = which == 2 || which == 4;
    c->out[0].dim[0] = which == 2 ? (int64_t)a->n_floats : (int64_t)a->n_ints;
    return true;
}

static bool run_constant(const ami_call *c)
{
    const AmiOnnx__Attribute *a;
    const size_t size = (size_t)ami_view_count(&c->out[0]) * ami_store_size(ami_store_of(c->out[0].type));
    if (c->step->p.n[0])
        memcpy(c->out[0].data, (const void *)(intptr_t)c->step->p.n[0], size);
    else if ((a = ami_call_attribute(c, "value_float")))
        *(float *)c->out[0].data = a->f;
    else if ((a = ami_call_attribute(c, "value_int")))
        *(int64_t *)c->out[0].data = a->i;
    else if ((a = ami_call_attribute(c, "value_floats")) && size > 0)
        memcpy(c->out[0].data, a->floats, size);
    else if ((a = ami_call_attribute(c, "value_ints")) && size > 0)
        memcpy(c->out[0].data, a->ints, size);
    return true;
}

static bool infer_fill(ami_call *c)
{
    int64_t list[AMI_GRAPH_LIST];
    int count;
    const AmiOnnx__Attribute *a = ami_call_attribute(c, "value");
    if (!ami_call_list(c, 0, NULL, list, &count))
        return false;
    if (count < 0 || count > AMI_GRAPH_RANK)
        return ami_call_fail(c, "makes %d dimensions, at most %d are supported", count, AMI_GRAPH_RANK);
    c->out[0].type = AMI_ONNX_FLOAT32;
    c->out[0].rank = count;
    for (int i = 0; i < count; i++) {
        if (list[i] < 0)
            return ami_call_fail(c, "dimension %d is %" PRId64, i, list[i]);
        c->out[0].dim[i] = list[i];
    }
    if (!a || !a->t)
        return true;
    ami_value v = {0};
    ami_error why = {""};
    if (!ami_graph_read_tensor(c->graph, a->t, c->graph->inside, &v, &why))
        return ami_call_fail(c, "its value %s", why.text);
    int64_t n = 1;
    for (int i = 0; i < v.rank; i++)
        n *= v.dim[0][i];
    if (n != 1)
        return ami_call_fail(c, "its value is no single number");
    c->out[0].type = v.type;
    memcpy(&c->step->p.n[0], v.data[0], ami_store_size(ami_store_of(v.type)));
    return true;
}

static bool run_fill(const ami_call *c)
{
    const size_t size = ami_store_size(ami_store_of(c->out[0].type));
    char *to = c->out[0].data;
    for (int64_t i = 0, n = ami_view_count(&c->out[0]); i < n; i++, to += size)
        memcpy(to, &c->step->p.n[0], size);
    return true;
}

static bool infer_range(ami_call *c)
{
    const ami_store store = ami_store_of(c->in[0].type);
    double n[3];
    for (int i = 0; i < 3; i++) {
        if (ami_store_of(c->in[i].type) != store || ami_view_count(&c->in[i]) != 1 || store == AMI_STORE_BOOL)
            return ami_call_fail(c, "its inputs are no three single numbers of one type");
        n[i] = store == AMI_STORE_FLOAT ? (double)*(const float *)c->in[i].data
                                        : (double)*(const int64_t *)c->in[i].data;
    }
    const double count = n[2] != 0 ? ceil((n[1] - n[0]) / n[2]) : 0;
    if (!(count < 1e9))
        return ami_call_fail(c, "makes %g numbers", count);
    c->out[0].type = c->in[0].type;
    c->out[0].rank = 1;
    c->out[0].dim[0] = count > 0 ? (int64_t)count : 0;
    return true;
}

static bool run_range(const ami_call *c)
{
    for (int64_t i = 0; i < c->out[0].dim[0]; i++)
        if (ami_store_of(c->out[0].type) == AMI_STORE_FLOAT)
            ((float *)c->out[0].data)[i] =
                *(const float *)c->in[0].data + (float)i * *(const float *)c->in[2].data;
        else
            ((int64_t *)c->out[0].data)[i] =
                (int64_t)((uint64_t) * (const int64_t *)c->in[0].data +
                          (uint64_t)i * (uint64_t) * (const int64_t *)c->in[2].data);
    return true;
}

static bool infer_trilu(ami_call *c)
{
    const ami_view *in = &c->in[0];
    if (in->rank < 2)
        return ami_call_fail(c, "its input has %d dimensions, at least 2 were expected", in->rank);
    c->step->p.n[0] = ami_call_int(c, "upper", 1);
    if (ami_call_given(c, 1) &&
        (ami_store_of(c->in[1].type) != AMI_STORE_INT || ami_view_count(&c->in[1]) != 1))
        return ami_call_fail(c, "its diagonal is no single integer");
    ami_view_like(&c->out[0], in);
    return true;
}

static bool run_trilu(const ami_call *c)
{
    const ami_view *in = &c->in[0];
    const size_t size = ami_store_size(ami_store_of(in->type));
    const int64_t rows = in->dim[in->rank - 2], cols = in->dim[in->rank - 1];
    const int64_t k = ami_call_given(c, 1) ? *(const int64_t *)c->in[1].data : 0;
    ami_run_copy(c);
    char *y = c->out[0].data;
    for (int64_t m = 0, n = ami_view_count(in); m < n; m += rows * cols)
        for (int64_t r = 0; r < rows; r++)
            for (int64_t j = 0; j < cols; j++, y += size)
                if (c->step->p.n[0] ? j - r < k : j - r > k)
                    memset(y, 0, size);
    return true;
}

static bool infer_one_hot(ami_call *c)
{
    const ami_view *index = &c->in[0], *depth = &c->in[1], *values = &c->in[2];
    int axis;
    if (ami_view_count(depth) != 1 || ami_view_count(values) != 2 || index->rank + 1 > AMI_GRAPH_RANK ||
        ami_store_of(index->type) == AMI_STORE_BOOL || ami_store_of(depth->type) == AMI_STORE_BOOL)
        return ami_call_fail(c, "its inputs are not indices, a depth and two values");
    if (!ami_call_axis(c, ami_call_int(c, "axis", -1), index->rank + 1, &axis))
        return false;
    const double d = ami_store_of(depth->type) == AMI_STORE_FLOAT ? (double)*(const float *)depth->data
                                                                  : (double)*(const int64_t *)depth->data;
    if (!(d >= 1 && d < 1e9))
        return ami_call_fail(c, "its depth is %g", d);
    c->step->p.n[0] = axis;
    ami_view *out = &c->out[0];
    out->type = values->type;
    out->rank = index->rank + 1;
    for (int i = 0; i < out->rank; i++)
        out->dim[i] = i == axis ? (int64_t)d : index->dim[i - (i > axis)];
    return true;
}

static bool run_one_hot(const ami_call *c)
{
    const int axis = (int)c->step->p.n[0];
    const ami_view *index = &c->in[0], *out = &c->out[0];
    const size_t size = ami_store_size(ami_store_of(out->type));
    const int64_t depth = out->dim[axis], inner = ami_inner_of(out, axis + 1);
    char *to = out->data;
    for (int64_t i = 0, n = ami_view_count(out); i < n; i++, to += size) {
        const int64_t at = i / inner % depth, which = i / (inner * depth) * inner + i % inner;
        const double k = ami_store_of(index->type) == AMI_STORE_FLOAT
                             ? (double)((const float *)index->data)[which]
                             : (double)((const int64_t *)index->data)[which];
        const bool on = (double)at == (k < 0 ? k + (double)depth : k);
        memcpy(to, (const char *)c->in[2].data + (on ? size : 0), size);
    }
    return true;
}

const ami_op ami_ops_constant[] = {
    {"Shape", 1, 1, 1, 0, 0, AMI_OP_SHAPE, infer_shape, run_shape, 0, NULL, NULL},
    {"Size", 1, 1, 1, 0, 0, AMI_OP_SHAPE, infer_size, run_size, 0, NULL, NULL},
    {"Constant", 0, 0, 1, 0, 0, 0, infer_constant, run_constant, 0, NULL, NULL},
    {"ConstantOfShape", 1, 1, 1, 1, 0, 0, infer_fill, run_fill, 0, NULL, NULL},
    {"Range", 3, 3, 1, 7, 7, 0, infer_range, run_range, 0, NULL, NULL},
    {"Trilu", 1, 2, 1, 0, 0, 0, infer_trilu, run_trilu, 0, NULL, NULL},
    {"OneHot", 3, 3, 1, 2, 0, 0, infer_one_hot, run_one_hot, 0, NULL, NULL},
};
const int ami_ops_constant_count = sizeof ami_ops_constant / sizeof *ami_ops_constant;
