/* Operators that move, repeat or pick numbers, and those that work on shapes. */
#include "nets/graph/ops.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- the same numbers in another shape ---- */

static bool infer_reshape(ami_call *c)
{
    int64_t list[AMI_GRAPH_LIST], known = 1, all = ami_view_count(&c->in[0]);
    int count, open = -1;
    if (!ami_call_list(c, 1, "shape", list, &count))
        return false;
    if (count < 0 || count > AMI_GRAPH_RANK)
        return ami_call_fail(c, "its target has %d dimensions, 0 to %d were expected", count, AMI_GRAPH_RANK);
    ami_view *out = &c->out[0];
    out->type = c->in[0].type;
    out->rank = count;
    for (int i = 0; i < count; i++) {
        out->dim[i] = list[i];
        if (list[i] == 0 && !ami_call_int(c, "allowzero", 0)) {
            if (i >= c->in[0].rank)
                return ami_call_fail(c, "its target keeps dimension %d, which its input does not have", i);
            out->dim[i] = c->in[0].dim[i];
        }
        if (list[i] == -1 && open >= 0)
            return ami_call_fail(c, "its target leaves two dimensions open");
        if (list[i] == -1)
            open = i;
        else if (out->dim[i] < 0 || __builtin_mul_overflow(known, out->dim[i], &known))
            return ami_call_fail(c, "its target's dimension %d is %" PRId64, i, list[i]);
    }
    if (open >= 0) {
        if (known == 0 || all % known != 0)
            return ami_call_fail(c, "its target does not divide the %" PRId64 " numbers of its input", all);
        out->dim[open] = all / known;
        known *= out->dim[open];
    }
    return known == all ||
           ami_call_fail(c, "its target has %" PRId64 " numbers, its input %" PRId64, known, all);
}

static bool infer_flatten(ami_call *c)
{
    const ami_view *in = &c->in[0];
    int64_t axis = ami_call_int(c, "axis", 1);
    if (axis < 0)
        axis += in->rank;
    if (axis < 0 || axis > in->rank)
        return ami_call_fail(c, "axis %" PRId64 " is beyond its input's %d dimensions", axis, in->rank);
    ami_view *out = &c->out[0];
    out->type = in->type;
    out->rank = 2;
    out->dim[0] = out->dim[1] = 1;
    for (int i = 0; i < in->rank; i++)
        out->dim[i >= axis] *= in->dim[i];
    return true;
}

/* Axes as bits of `rank` dimensions. */
static bool axis_bits(ami_call *c, const int64_t *list, int count, int rank, uint32_t *bits)
{
    *bits = 0;
    for (int i = 0; i < count; i++) {
        int axis;
        if (!ami_call_axis(c, list[i], rank, &axis))
            return false;
        if (*bits >> axis & 1)
            return ami_call_fail(c, "axis %d is given twice", axis);
        *bits |= 1u << axis;
    }
    return true;
}

static bool infer_squeeze(ami_call *c)
{
    const ami_view *in = &c->in[0];
    int64_t list[AMI_GRAPH_LIST];
    int count;
    uint32_t bits = 0;
    if (!ami_call_list(c, 1, "axes", list, &count) || !axis_bits(c, list, count, in->rank, &bits))
        return false;
    if (count < 0 && c->sample != 0 && in->rank > 0) {
        /* All of size 1: those of the first sample, so that a single row is no such dimension. */
        bits = c->step->p.axes;
    } else if (count < 0) {
        for (int i = 0; i < in->rank; i++)
            bits |= (uint32_t)(in->dim[i] == 1) << i;
    }
    c->step->p.axes = bits;
    ami_view *out = &c->out[0];
    out->type = in->type;
    out->rank = 0;
    for (int i = 0; i < in->rank; i++) {
        if (!(bits >> i & 1))
            out->dim[out->rank++] = in->dim[i];
        else if (in->dim[i] != 1)
            return ami_call_fail(c, "dimension %d is %" PRId64 ", 1 was expected", i, in->dim[i]);
    }
    return true;
}

static bool infer_unsqueeze(ami_call *c)
{
    const ami_view *in = &c->in[0];
    int64_t list[AMI_GRAPH_LIST];
    int count;
    uint32_t bits = 0;
    if (!ami_call_list(c, 1, "axes", list, &count))
        return false;
    const int rank = in->rank + (count > 0 ? count : 0);
    if (count < 0 || rank > AMI_GRAPH_RANK)
        return ami_call_fail(c, "makes %d dimensions, at most %d are supported", rank, AMI_GRAPH_RANK);
    if (!axis_bits(c, list, count, rank, &bits))
        return false;
    ami_view *out = &c->out[0];
    out->type = in->type;
    out->rank = rank;
    for (int i = 0, k = 0; i < rank; i++)
        out->dim[i] = bits >> i & 1 ? 1 : in->dim[k++];
    return true;
}

static bool infer_dropout(ami_call *c)
{
    if (ami_call_given(c, 2)) {
        const ami_view *training = &c->in[2];
        if (ami_store_of(training->type) != AMI_STORE_BOOL || ami_view_count(training) != 1 ||
            *(const uint8_t *)training->data)
            return ami_call_fail(c, "is in training mode, inference was expected");
    }
    ami_view_like(&c->out[0], &c->in[0]);
    if (c->outs > 1) {
        ami_view_like(&c->out[1], &c->in[0]);
        c->out[1].type = AMI_ONNX_BOOL;
        c->step->p.axis = AMI_ALIAS_NOT;
    }
    return true;
}

static bool run_dropout(const ami_call *c)
{
    if (c->outs > 1 && c->out[1].data)
        memset(c->out[1].data, 1, (size_t)ami_view_count(&c->out[1]));
    return ami_run_copy(c);
}

/* ---- Transpose ---- */

static bool infer_transpose(ami_call *c)
{
    const ami_view *in = &c->in[0];
    ami_params *p = &c->step->p;
    int64_t list[AMI_GRAPH_LIST];
    int count;
    uint32_t seen = 0;
    if (!ami_call_list(c, -1, "perm", list, &count))
        return false;
    if (count >= 0 && count != in->rank)
        return ami_call_fail(c, "perm has %d numbers, its input has %d dimensions", count, in->rank);
    ami_view *out = &c->out[0];
    ami_view_like(out, in);
    int before = -1;
    bool moves = false;
    for (int i = 0; i < in->rank; i++) {
        const int64_t from = count < 0 ? in->rank - 1 - i : list[i];
        if (from < 0 || from >= in->rank || seen >> from & 1)
            return ami_call_fail(c, "perm is no permutation of its input's %d dimensions", in->rank);
        seen |= 1u << from;
        p->list[i] = from;
        out->dim[i] = in->dim[from];
        if (in->dim[from] != 1) {
            moves |= (int)from < before;
            before = (int)from;
        }
    }
    /* Of the first sample: a single row is a dimension of its own. */
    if (c->sample == 0)
        p->axis = moves ? AMI_ALIAS_NOT : 0;
    return true;
}

/* Copies out[i...] = in at these strides (in numbers, for out's dimensions) from `start`. */
#define GATHER_LOOP(T)              \
    for (int64_t i = 0; i < n; i++) \
    ((T *)y)[i] = ((const T *)x)[at + i * step]

static void copy_strided(const ami_view *out, const void *x, int64_t start, const int64_t *stride)
{
    const size_t size = ami_store_size(ami_store_of(out->type));
    int64_t dim[AMI_GRAPH_RANK + 1], s[AMI_GRAPH_RANK + 1], index[AMI_GRAPH_RANK + 1] = {0};
    int rank = 0;
    if (ami_view_count(out) == 0)
        return;
    for (int i = 0; i < out->rank; i++) {
        if (out->dim[i] == 1)
            continue;
        if (rank > 0 && s[rank - 1] == stride[i] * out->dim[i]) {
            dim[rank - 1] *= out->dim[i];
            s[rank - 1] = stride[i];
        } else {
            dim[rank] = out->dim[i];
            s[rank++] = stride[i];
        }
    }
    if (rank == 0) {
        dim[0] = 1;
        s[rank++] = 1;
    }
    const int64_t n = dim[rank - 1], step = s[rank - 1];
    int64_t at = start;
    char *y = out->data;
    for (;;) {
        if (step == 1)
            memcpy(y, (const char *)x + (size_t)at * size, (size_t)n * size);
        else if (size == 4)
            GATHER_LOOP(uint32_t);
        else if (size == 8)
            GATHER_LOOP(uint64_t);
        else
            GATHER_LOOP(uint8_t);
        y += (size_t)n * size;
        int i = rank - 2;
        for (; i >= 0; i--) {
            at += s[i];
            if (++index[i] < dim[i])
                break;
            at -= s[i] * dim[i];
            index[i] = 0;
        }
        if (i < 0)
            return;
    }
}
#undef GATHER_LOOP

static bool run_transpose(const ami_call *c)
{
    int64_t own[AMI_GRAPH_RANK], stride[AMI_GRAPH_RANK];
    ami_strides_of(&c->in[0], own);
    for (int i = 0; i < c->out[0].rank; i++)
        stride[i] = own[c->step->p.list[i]];
    copy_strided(&c->out[0], c->in[0].data, 0, stride);
    return true;
}

/* ---- Concat, Split, Slice ---- */

static bool infer_concat(ami_call *c)
{
    int axis;
    if (!ami_call_axis(c, ami_call_int(c, "axis", 1), c->in[0].rank, &axis))
        return false;
    c->step->p.n[0] = axis;
    ami_view_like(&c->out[0], &c->in[0]);
    c->out[0].dim[axis] = 0;
    for (int k = 0; k < c->ins; k++) {
        const ami_view *in = &c->in[k];
        if (!ami_call_given(c, k) || in->rank != c->in[0].rank || in->type != c->in[0].type)
            return ami_call_fail(c, "its input number %d differs from the first in type or dimensions", k);
        for (int i = 0; i < in->rank; i++)
            if (i != axis && in->dim[i] != c->in[0].dim[i])
                return ami_call_fail(c,
                                     "its input number %d has %" PRId64 " numbers in dimension %d, the first "
                                     "%" PRId64,
                                     k, in->dim[i], i, c->in[0].dim[i]);
        c->out[0].dim[axis] += in->dim[axis];
    }
    return true;
}

static bool run_concat(const ami_call *c)
{
    const int axis = (int)c->step->p.n[0];
    const size_t size = ami_store_size(ami_store_of(c->out[0].type));
    const int64_t outer = ami_outer_of(&c->out[0], axis);
    const size_t whole = (size_t)ami_inner_of(&c->out[0], axis) * size;
    size_t at = 0;
    for (int k = 0; k < c->ins; k++) {
        const size_t part = (size_t)ami_inner_of(&c->in[k], axis) * size;
        const char *from = c->in[k].data;
        char *to = (char *)c->out[0].data + at;
        for (int64_t o = 0; o < outer && part > 0; o++, from += part, to += whole)
            memcpy(to, from, part);
        at += part;
    }
    return true;
}

static bool infer_split(ami_call *c)
{
    const ami_view *in = &c->in[0];
    int64_t list[AMI_GRAPH_LIST];
    int count, axis;
    if (!ami_call_axis(c, ami_call_int(c, "axis", 0), in->rank, &axis) ||
        !ami_call_list(c, 1, "split", list, &count))
        return false;
    c->step->p.n[0] = axis;
    if (count >= 0 && count != c->outs)
        return ami_call_fail(c, "has %d outputs, but split has %d numbers", c->outs, count);
    int64_t left = in->dim[axis];
    const int64_t each = (left + c->outs - 1) / c->outs;
    for (int o = 0; o < c->outs; o++) {
        ami_view_like(&c->out[o], in);
        c->out[o].dim[axis] = count >= 0 ? list[o] : each < left ? each : left;
        if (c->out[o].dim[axis] < 0 || c->out[o].dim[axis] > left)
            return ami_call_fail(c, "split number %d is %" PRId64 " of %" PRId64 " numbers", o,
                                 c->out[o].dim[axis], left);
        left -= c->out[o].dim[axis];
    }
    return left == 0 ||
           ami_call_fail(c, "its split leaves %" PRId64 " of %" PRId64 " numbers", left, in->dim[axis]);
}

static bool run_split(const ami_call *c)
{
    const int axis = (int)c->step->p.n[0];
    const size_t size = ami_store_size(ami_store_of(c->in[0].type));
    const int64_t outer = ami_outer_of(&c->in[0], axis);
    const size_t whole = (size_t)ami_inner_of(&c->in[0], axis) * size;
    size_t at = 0;
    for (int k = 0; k < c->outs; k++) {
        const size_t part = (size_t)ami_inner_of(&c->out[k], axis) * size;
        const char *from = (const char *)c->in[0].data + at;
        char *to = c->out[k].data;
        for (int64_t o = 0; o < outer && part > 0 && to; o++, from += whole, to += part)
            memcpy(to, from, part);
        at += part;
    }
    return true;
}

static bool infer_slice(ami_call *c)
{
    const ami_view *in = &c->in[0];
    ami_params *p = &c->step->p;
    int64_t start[AMI_GRAPH_LIST], end[AMI_GRAPH_LIST], axes[AMI_GRAPH_LIST], steps[AMI_GRAPH_LIST];
    int starts, ends, axis_count, step_count;
    if (!ami_call_list(c, 1, "starts", start, &starts) || !ami_call_list(c, 2, "ends", end, &ends) ||
        !ami_call_list(c, 3, "axes", axes, &axis_count) || !ami_call_list(c, 4, NULL, steps, &step_count))
        return false;
    if (starts < 0 || starts != ends || (axis_count >= 0 && axis_count != starts) ||
        (step_count >= 0 && step_count != starts) || (axis_count < 0 && starts > in->rank))
        return ami_call_fail(
            c, "starts, ends, axes and steps have %d, %d, %d and %d numbers, the same was expected", starts,
            ends, axis_count, step_count);
    ami_view_like(&c->out[0], in);
    for (int i = 0; i < in->rank; i++) {
        p->list[i] = 0;
        p->list[AMI_GRAPH_RANK + i] = 1;
    }
    for (int k = 0; k < starts; k++) {
        int axis;
        if (!ami_call_axis(c, axis_count >= 0 ? axes[k] : k, in->rank, &axis))
            return false;
        const int64_t step = step_count >= 0 ? steps[k] : 1, dim = in->dim[axis];
        if (step == 0 || step == INT64_MIN)
            return ami_call_fail(c, "its step is %" PRId64, step);
        int64_t from = start[k] < -dim ? -dim : start[k], to = end[k] < -dim - 1 ? -dim - 1 : end[k];
        from = from < 0 ? from + dim : from;
        to = to < 0 ? to + dim : to;
        if (step > 0) {
            from = from > dim ? dim : from;
            to = to > dim ? dim : to < 0 ? 0 : to;
            c->out[0].dim[axis] = to > from ? (to - from - 1) / step + 1 : 0;
        } else {
            from = from > dim - 1 ? dim - 1 : from;
            to = to > dim - 1 ? dim - 1 : to;
            c->out[0].dim[axis] = from > to ? (from - to - 1) / -step + 1 : 0;
        }
        if (c->sample > 0 && from != p->list[AMI_GRAPH_RANK * 2 + axis])
            return ami_call_fail(c, "begins where the number of rows says");
        p->list[axis] = p->list[AMI_GRAPH_RANK * 2 + axis] = from;
        p->list[AMI_GRAPH_RANK + axis] = step;
    }
    return true;
}

static bool run_slice(const ami_call *c)
{
    int64_t stride[AMI_GRAPH_RANK], start = 0;
    ami_strides_of(&c->in[0], stride);
    for (int i = 0; i < c->out[0].rank; i++) {
        start += stride[i] * c->step->p.list[i];
        stride[i] *= c->step->p.list[AMI_GRAPH_RANK + i];
    }
    copy_strided(&c->out[0], c->in[0].data, start, stride);
    return true;
}

/* ---- Expand, Tile, Pad ---- */

static bool infer_expand(ami_call *c)
{
    int64_t list[AMI_GRAPH_LIST];
    int count;
    if (!ami_call_list(c, 1, NULL, list, &count))
        return false;
    if (count < 0 || count > AMI_GRAPH_RANK)
        return ami_call_fail(c, "its target has %d dimensions, 0 to %d were expected", count, AMI_GRAPH_RANK);
    ami_view target = {.type = c->in[0].type, .rank = count};
    for (int i = 0; i < count; i++)
        target.dim[i] = list[i];
    c->out[0].type = c->in[0].type;
    return ami_call_broadcast(c, &c->out[0], &c->in[0], &target);
}

static bool run_expand(const ami_call *c)
{
    const ami_view *in = &c->in[0], *out = &c->out[0];
    int64_t own[AMI_GRAPH_RANK], stride[AMI_GRAPH_RANK] = {0};
    ami_strides_of(in, own);
    for (int i = 1; i <= in->rank; i++)
        stride[out->rank - i] = in->dim[in->rank - i] == 1 ? 0 : own[in->rank - i];
    copy_strided(out, in->data, 0, stride);
    return true;
}

static bool infer_tile(ami_call *c)
{
    const ami_view *in = &c->in[0];
    int64_t list[AMI_GRAPH_LIST];
    int count;
    if (!ami_call_list(c, 1, NULL, list, &count))
        return false;
    if (count != in->rank)
        return ami_call_fail(c, "has %d repeats, its input has %d dimensions", count, in->rank);
    ami_view_like(&c->out[0], in);
    for (int i = 0; i < count; i++)
        if (list[i] < 0 || __builtin_mul_overflow(in->dim[i], list[i], &c->out[0].dim[i]))
            return ami_call_fail(c, "its repeats number %d is %" PRId64, i, list[i]);
    return true;
}

static bool run_tile(const ami_call *c)
{
    const ami_view *in = &c->in[0], *out = &c->out[0];
    const size_t size = ami_store_size(ami_store_of(in->type));
    int64_t stride[AMI_GRAPH_RANK], place[AMI_GRAPH_RANK] = {0};
    ami_strides_of(in, stride);
    const int last = in->rank - 1;
    if (in->rank == 0)
        return ami_run_copy(c);
    const int64_t count = ami_view_count(out), row = in->dim[last];
    char *to = out->data;
    for (int64_t done = 0; done < count; done += row, to += (size_t)row * size) {
        int64_t at = 0;
        for (int k = 0; k < last; k++)
            at += place[k] % in->dim[k] * stride[k];
        memcpy(to, (const char *)in->data + (size_t)at * size, (size_t)row * size);
        place[last] += row;
        for (int k = last; k >= 0 && place[k] == out->dim[k]; k--) {
            place[k] = 0;
            if (k > 0)
                place[k - 1]++;
        }
    }
    return true;
}

enum { PAD_CONSTANT, PAD_REFLECT, PAD_EDGE, PAD_WRAP };

static bool infer_pad(ami_call *c)
{
    const ami_view *in = &c->in[0];
    ami_params *p = &c->step->p;
    int64_t list[AMI_GRAPH_LIST], axes[AMI_GRAPH_LIST];
    int count, axis_count;
    char mode[16] = "constant";
    ami_call_text(c, "mode", 0, mode, sizeof mode);
    p->n[0] = !strcmp(mode, "constant")  ? PAD_CONSTANT
              : !strcmp(mode, "reflect") ? PAD_REFLECT
              : !strcmp(mode, "edge")    ? PAD_EDGE
              : !strcmp(mode, "wrap")    ? PAD_WRAP
                                         : -1;
    if (p->n[0] < 0)
        return ami_call_fail(c, "mode is '%s', expected constant, reflect, edge or wrap", mode);
    p->f[0] = ami_call_float(c, "value", 0);
    if (!ami_call_list(c, 1, "pads", list, &count) || !ami_call_list(c, 3, NULL, axes, &axis_count))
        return false;
    const int n = axis_count >= 0 ? axis_count : in->rank;
    if (count != 2 * n)
        return ami_call_fail(c, "pads has %d numbers, %d were expected", count, 2 * n);
    if (ami_call_given(c, 2) &&
        (ami_store_of(c->in[2].type) != ami_store_of(in->type) || ami_view_count(&c->in[2]) != 1))
        return ami_call_fail(c, "its value is no single %s", ami_onnx_type_name(in->type));
    ami_view_like(&c->out[0], in);
    memset(p->list, 0, sizeof p->list);
    for (int k = 0; k < n; k++) {
        int axis;
        if (!ami_call_axis(c, axis_count >= 0 ? axes[k] : k, in->rank, &axis))
            return false;
        const int64_t before = list[k], after = list[n + k];
        if (before > (int64_t)1 << 40 || after > (int64_t)1 << 40 || before < -in->dim[axis] ||
            after < -in->dim[axis])
            return ami_call_fail(c, "pads %" PRId64 " and %" PRId64 " numbers", before, after);
        p->list[axis] = before;
        c->out[0].dim[axis] += before + after;
        if (c->out[0].dim[axis] < 0 || (p->n[0] != PAD_CONSTANT && in->dim[axis] == 0))
            return ami_call_fail(c, "leaves a negative number of numbers in dimension %d", axis);
    }
    return true;
}

/* Where a padded place takes its number from; -1: it is the constant. */
static int64_t padded_place(int64_t mode, int64_t at, int64_t dim)
{
    if (at >= 0 && at < dim)
        return at;
    if (mode == PAD_CONSTANT)
        return -1;
    if (mode == PAD_EDGE)
        return at < 0 ? 0 : dim - 1;
    const int64_t period = mode == PAD_WRAP ? dim : dim > 1 ? 2 * dim - 2 : 1;
    int64_t m = at % period;
    m = m < 0 ? m + period : m;
    return m < dim ? m : period - m;
}

static bool run_pad(const ami_call *c)
{
    const ami_view *in = &c->in[0], *out = &c->out[0];
    const ami_store store = ami_store_of(in->type);
    const size_t size = ami_store_size(store);
    int64_t stride[AMI_GRAPH_RANK], place[AMI_GRAPH_RANK] = {0}, zero = 0;
    float value = c->step->p.f[0];
    const void *constant = store == AMI_STORE_FLOAT ? (const void *)&value : (const void *)&zero;
    if (ami_call_given(c, 2))
        constant = c->in[2].data;
    ami_strides_of(in, stride);
    char *to = out->data;
    for (int64_t i = 0, n = ami_view_count(out); i < n; i++, to += size) {
        int64_t at = 0;
        for (int k = 0; k < in->rank && at >= 0; k++) {
            const int64_t p = padded_place(c->step->p.n[0], place[k] - c->step->p.list[k], in->dim[k]);
            at = p < 0 ? -1 : at + p * stride[k];
        }
        memcpy(to, at < 0 ? constant : (const char *)in->data + (size_t)at * size, size);
        for (int k = in->rank - 1; k >= 0 && ++place[k] == out->dim[k]; k--)
            place[k] = 0;
    }
    return true;
}

#define ALIAS(name, max, shapes, infer)                                              \
    {                                                                                \
        name, 1, max, 1, shapes, 0, AMI_OP_ALIAS, infer, ami_run_copy, 0, NULL, NULL \
    }
const ami_op ami_ops_shape[] = {
    ALIAS("Identity", 1, 0, ami_infer_same),
    {"Dropout", 1, 3, 2, 4, 0, AMI_OP_ALIAS, infer_dropout, run_dropout, 0, NULL, NULL},
    ALIAS("Reshape", 2, 2, infer_reshape),
    ALIAS("Flatten", 1, 0, infer_flatten),
    ALIAS("Squeeze", 2, 2, infer_squeeze),
    ALIAS("Unsqueeze", 2, 2, infer_unsqueeze),
    {"Transpose", 1, 1, 1, 0, 0, AMI_OP_ALIAS, infer_transpose, run_transpose, 0, NULL, NULL},
    {"Concat", 1, AMI_GRAPH_ARGUMENTS, 1, 0, 0, 0, infer_concat, run_concat, 0, NULL, NULL},
    {"Split", 1, 2, AMI_GRAPH_ARGUMENTS, 2, 0, 0, infer_split, run_split, 0, NULL, NULL},
    {"Slice", 1, 5, 1, 30, 0, 0, infer_slice, run_slice, 0, NULL, NULL},
    {"Expand", 2, 2, 1, 2, 0, 0, infer_expand, run_expand, 0, NULL, NULL},
    {"Tile", 2, 2, 1, 2, 0, 0, infer_tile, run_tile, 0, NULL, NULL},
    {"Pad", 1, 4, 1, 10, 2, 0, infer_pad, run_pad, 0, NULL, NULL},
};
const int ami_ops_shape_count = sizeof ami_ops_shape / sizeof *ami_ops_shape;
