/* Operators that pick numbers by index, and that put them there. */
#include "nets/graph/ops.h"

#include <inttypes.h>
#include <stdlib.h>

/* ---- Gather ---- */

static bool infer_gather(ami_call *c)
{
    const ami_view *in = &c->in[0], *index = &c->in[1];
    int axis;
    if (ami_store_of(index->type) != AMI_STORE_INT)
        return ami_call_fail(c, "its indices are %s, integers were expected",
                             ami_onnx_type_name(index->type));
    if (!ami_call_axis(c, ami_call_int(c, "axis", 0), in->rank, &axis))
        return false;
    if (in->rank - 1 + index->rank > AMI_GRAPH_RANK)
        return ami_call_fail(c, "makes more than %d dimensions", AMI_GRAPH_RANK);
    c->step->p.n[0] = axis;
    ami_view *out = &c->out[0];
    out->type = in->type;
    out->rank = 0;
    for (int i = 0; i < axis; i++)
        out->dim[out->rank++] = in->dim[i];
    for (int i = 0; i < index->rank; i++)
        out->dim[out->rank++] = index->dim[i];
    for (int i = axis + 1; i < in->rank; i++)
        out->dim[out->rank++] = in->dim[i];
    return true;
}

/* An index of a dimension, -1 and a sentence where it is beyond it. */
static int64_t place_of(const ami_call *c, int64_t index, int64_t dim)
{
    const int64_t at = index < 0 ? index + dim : index;
    if (index < -dim || at < 0 || at >= dim) {
        ami_call_fail(c, "index %" PRId64 " is beyond the %" PRId64 " entries of its table", index, dim);
        return -1;
    }
    return at;
}

static bool run_gather(const ami_call *c)
{
    const int axis = (int)c->step->p.n[0];
    const size_t size = ami_store_size(ami_store_of(c->in[0].type));
    const int64_t outer = ami_outer_of(&c->in[0], axis), dim = c->in[0].dim[axis],
                  indices = ami_view_count(&c->in[1]);
    const size_t part = (size_t)ami_inner_of(&c->in[0], axis + 1) * size;
    const int64_t *index = c->in[1].data;
    char *to = c->out[0].data;
    for (int64_t o = 0; o < outer; o++) {
        const char *from = (const char *)c->in[0].data + (size_t)(o * dim) * part;
        for (int64_t i = 0; i < indices; i++, to += part) {
            const int64_t at = place_of(c, index[i], dim);
            if (at < 0)
                return false;
            memcpy(to, from + (size_t)at * part, part);
        }
    }
    return true;
}

static bool infer_gather_elements(ami_call *c)
{
    const ami_view *in = &c->in[0], *index = &c->in[1];
    int axis;
    if (ami_store_of(index->type) != AMI_STORE_INT || index->rank != in->rank)
        return ami_call_fail(c, "its indices do not fit its input");
    if (!ami_call_axis(c, ami_call_int(c, "axis", 0), in->rank, &axis))
        return false;
    for (int i = 0; i < in->rank; i++)
        if (i != axis && index->dim[i] > in->dim[i])
            return ami_call_fail(c, "its indices have more numbers than its input in dimension %d", i);
    c->step->p.n[0] = axis;
    ami_view_like(&c->out[0], index);
    c->out[0].type = in->type;
    return true;
}

static bool run_gather_elements(const ami_call *c)
{
    const int axis = (int)c->step->p.n[0];
    const ami_view *in = &c->in[0], *out = &c->out[0];
    const size_t size = ami_store_size(ami_store_of(in->type));
    const int64_t *index = c->in[1].data;
    int64_t stride[AMI_GRAPH_RANK], place[AMI_GRAPH_RANK] = {0};
    ami_strides_of(in, stride);
    for (int64_t i = 0, n = ami_view_count(out); i < n; i++) {
        int64_t at = place_of(c, index[i], in->dim[axis]);
        if (at < 0)
            return false;
        at *= stride[axis];
        for (int k = 0; k < in->rank; k++)
            at += k == axis ? 0 : place[k] * stride[k];
        memcpy((char *)out->data + (size_t)i * size, (const char *)in->data + (size_t)at * size, size);
        for (int k = in->rank - 1; k >= 0 && ++place[k] == out->dim[k]; k--)
            place[k] = 0;
    }
    return true;
}

static bool infer_gather_nd(ami_call *c)
{
    const ami_view *in = &c->in[0], *index = &c->in[1];
    const int64_t batch = ami_call_int(c, "batch_dims", 0);
    if (ami_store_of(index->type) != AMI_STORE_INT || index->rank < 1 || batch < 0 || batch >= index->rank ||
        batch + index->dim[index->rank - 1] > in->rank)
        return ami_call_fail(c, "its indices do not fit its input");
    const int64_t depth = index->dim[index->rank - 1];
    ami_view *out = &c->out[0];
    out->type = in->type;
    out->rank = 0;
    if (index->rank - 1 + in->rank - batch - depth > AMI_GRAPH_RANK)
        return ami_call_fail(c, "makes more than %d dimensions", AMI_GRAPH_RANK);
    for (int i = 0; i < index->rank - 1; i++) {
        if (i < batch && index->dim[i] != in->dim[i])
            return ami_call_fail(c, "its indices and input differ in dimension %d", i);
        out->dim[out->rank++] = index->dim[i];
    }
    for (int i = (int)(batch + depth); i < in->rank; i++)
        out->dim[out->rank++] = in->dim[i];
    c->step->p.n[0] = batch;
    return true;
}

static bool run_gather_nd(const ami_call *c)
{
    const int batch = (int)c->step->p.n[0];
    const ami_view *in = &c->in[0], *index = &c->in[1];
    const int depth = (int)index->dim[index->rank - 1];
    const size_t part = (size_t)ami_inner_of(in, batch + depth) * ami_store_size(ami_store_of(in->type));
    const int64_t batches = ami_outer_of(index, batch), tuples = depth ? ami_view_count(index) / depth : 0,
                  each = batches ? tuples / batches : 0, slice = ami_inner_of(in, batch);
    const int64_t *k = index->data;
    char *to = c->out[0].data;
    const size_t size = ami_store_size(ami_store_of(in->type));
    for (int64_t t = 0; t < tuples; t++, k += depth, to += part) {
        int64_t at = 0;
        for (int i = 0; i < depth; i++) {
            const int64_t place = place_of(c, k[i], in->dim[batch + i]);
            if (place < 0)
                return false;
            at += place * ami_inner_of(in, batch + i + 1);
        }
        memcpy(to, (const char *)in->data + (size_t)(t / each * slice + at) * size, part);
    }
    return true;
}

/* ---- Scatter ---- */

enum { SCATTER_ND, SCATTER_ELEMENTS };
enum { SET, ADD, MUL, MAX, MIN };

static bool infer_scatter(ami_call *c)
{
    static const char *const names[] = {"none", "add", "mul", "max", "min"};
    const ami_view *in = &c->in[0], *index = &c->in[1], *updates = &c->in[2];
    char how[16] = "none";
    ami_params *p = &c->step->p;
    ami_call_text(c, "reduction", 0, how, sizeof how);
    for (p->n[1] = SET; p->n[1] <= MIN && strcmp(names[p->n[1]], how) != 0; p->n[1]++)
        ;
    if (p->n[1] > MIN || (p->n[1] != SET && ami_store_of(in->type) != AMI_STORE_FLOAT))
        return ami_call_fail(c, "reduction %s of %s is not supported", how, ami_onnx_type_name(in->type));
    if (ami_store_of(index->type) != AMI_STORE_INT || ami_store_of(updates->type) != ami_store_of(in->type))
        return ami_call_fail(c, "its indices or updates are of a type that does not fit its input");
    ami_view_like(&c->out[0], in);
    if (c->step->op->code == SCATTER_ELEMENTS) {
        int axis;
        if (!ami_call_axis(c, ami_call_int(c, "axis", 0), in->rank, &axis))
            return false;
        p->n[0] = axis;
        bool fits = index->rank == in->rank && updates->rank == in->rank;
        for (int i = 0; fits && i < in->rank; i++)
            fits = index->dim[i] == updates->dim[i] && (i == axis || index->dim[i] <= in->dim[i]);
        return fits || ami_call_fail(c, "its indices or updates do not fit its input");
    }
    const int64_t depth = index->rank > 0 ? index->dim[index->rank - 1] : in->rank + 1;
    bool fits = depth <= in->rank && updates->rank == index->rank - 1 + in->rank - depth;
    for (int i = 0; fits && i < updates->rank; i++)
        fits =
            updates->dim[i] == (i < index->rank - 1 ? index->dim[i] : in->dim[i - (index->rank - 1) + depth]);
    return fits || ami_call_fail(c, "its indices or updates do not fit its input");
}

static void scatter(const ami_call *c, int64_t at, const char *from, int64_t count)
{
    const size_t size = ami_store_size(ami_store_of(c->out[0].type));
    char *to = (char *)c->out[0].data + (size_t)at * size;
    if (c->step->p.n[1] == SET) {
        memcpy(to, from, (size_t)count * size);
        return;
    }
    float *y = (float *)(void *)to;
    const float *x = (const float *)(const void *)from;
    for (int64_t i = 0; i < count; i++)
        y[i] = c->step->p.n[1] == ADD   ? y[i] + x[i]
               : c->step->p.n[1] == MUL ? y[i] * x[i]
               : c->step->p.n[1] == MAX ? fmaxf(y[i], x[i])
                                        : fminf(y[i], x[i]);
}

static bool run_scatter(const ami_call *c)
{
    const ami_view *in = &c->in[0], *index = &c->in[1];
    const size_t size = ami_store_size(ami_store_of(in->type));
    const int64_t *k = index->data;
    const char *from = c->in[2].data;
    ami_run_copy(c);
    if (c->step->op->code == SCATTER_ELEMENTS) {
        const int axis = (int)c->step->p.n[0];
        int64_t stride[AMI_GRAPH_RANK], place[AMI_GRAPH_RANK] = {0};
        ami_strides_of(in, stride);
        for (int64_t i = 0, n = ami_view_count(index); i < n; i++, from += size) {
            int64_t at = place_of(c, k[i], in->dim[axis]);
            if (at < 0)
                return false;
            at *= stride[axis];
            for (int d = 0; d < in->rank; d++)
                at += d == axis ? 0 : place[d] * stride[d];
            scatter(c, at, from, 1);
            for (int d = in->rank - 1; d >= 0 && ++place[d] == index->dim[d]; d--)
                place[d] = 0;
        }
        return true;
    }
    const int depth = (int)index->dim[index->rank - 1];
    const int64_t part = ami_inner_of(in, depth), tuples = ami_outer_of(index, index->rank - 1);
    for (int64_t t = 0; t < tuples; t++, k += depth, from += (size_t)part * size) {
        int64_t at = 0;
        for (int i = 0; i < depth; i++) {
            const int64_t place = place_of(c, k[i], in->dim[i]);
            if (place < 0)
                return false;
            at += place * ami_inner_of(in, i + 1);
        }
        scatter(c, at, from, part);
    }
    return true;
}

const ami_op ami_ops_gather[] = {
    {"Gather", 2, 2, 1, 0, 0, 0, infer_gather, run_gather, 0, NULL, NULL},
    {"GatherElements", 2, 2, 1, 0, 0, 0, infer_gather_elements, run_gather_elements, 0, NULL, NULL},
    {"GatherND", 2, 2, 1, 0, 0, 0, infer_gather_nd, run_gather_nd, 0, NULL, NULL},
    {"ScatterElements", 3, 3, 1, 0, 0, 0, infer_scatter, run_scatter, SCATTER_ELEMENTS, NULL, NULL},
    {"ScatterND", 3, 3, 1, 0, 0, 0, infer_scatter, run_scatter, SCATTER_ND, NULL, NULL},
};
const int ami_ops_gather_count = sizeof ami_ops_gather / sizeof *ami_ops_gather;
