/* Products of matrices. With constant weights they become parts on packed kernels (fuse.c); what is here is
 * for two computed matrices, and the step of such a part. */
#include "nets/graph/ops.h"

#include "nets/kernels/vector.h"

#include <inttypes.h>

AMI_VECTOR_CLONES static void add_times(int64_t n, float factor, const float *x, float *y)
{
    for (int64_t i = 0; i < n; i++)
        y[i] += factor * x[i];
}

AMI_VECTOR_CLONES static float dense_dot(int64_t n, const float *x, const float *y)
{
    float part[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            part[k] += x[i + k] * y[i + k];
    for (; i < n; i++)
        part[i & 7] += x[i] * y[i];
    return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

void ami_product(const float *x, const float *w, bool transposed, int64_t n, int64_t k, int64_t m, float *y)
{
    for (int64_t r = 0; r < n; r++, x += k, y += m) {
        if (transposed) {
            for (int64_t o = 0; o < m; o++)
                y[o] = dense_dot(k, x, w + o * k);
            continue;
        }
        for (int64_t o = 0; o < m; o++)
            y[o] = 0;
        for (int64_t i = 0; i < k; i++)
            add_times(m, x[i], w + i * m, y);
    }
}

/* ---- MatMul ---- */

/* The operands as stacks of matrices: a vector is a row on the left, a column on the right. */
static void as_matrices(const ami_call *c, ami_view *a, ami_view *b)
{
    *a = c->in[0];
    *b = c->in[1];
    if (a->rank == 1) {
        a->rank = 2;
        a->dim[1] = a->dim[0];
        a->dim[0] = 1;
    }
    if (b->rank == 1) {
        b->rank = 2;
        b->dim[1] = 1;
    }
}

static bool infer_matmul(ami_call *c)
{
    ami_view a, b, both = {0};
    if (ami_store_of(c->in[0].type) != AMI_STORE_FLOAT || ami_store_of(c->in[1].type) != AMI_STORE_FLOAT)
        return ami_call_fail(c, "its inputs are %s and %s, floats were expected",
                             ami_onnx_type_name(c->in[0].type), ami_onnx_type_name(c->in[1].type));
    if (c->in[0].rank == 0 || c->in[1].rank == 0)
        return ami_call_fail(c, "an input is a single number, a matrix was expected");
    as_matrices(c, &a, &b);
    if (a.dim[a.rank - 1] != b.dim[b.rank - 2])
        return ami_call_fail(c, "its inputs have %" PRId64 " columns and %" PRId64 " rows", a.dim[a.rank - 1],
                             b.dim[b.rank - 2]);
    const int64_t rows = a.dim[a.rank - 2], cols = b.dim[b.rank - 1];
    a.rank -= 2;
    b.rank -= 2;
    if (!ami_call_broadcast(c, &both, &a, &b))
        return false;
    ami_view *out = &c->out[0];
    *out = both;
    out->type = c->in[0].type;
    if (c->in[0].rank > 1)
        out->dim[out->rank++] = rows;
    if (c->in[1].rank > 1)
        out->dim[out->rank++] = cols;
    return true;
}

static bool run_matmul(const ami_call *c)
{
    ami_view a, b, out = c->out[0];
    as_matrices(c, &a, &b);
    const int64_t n = a.dim[a.rank - 2], k = a.dim[a.rank - 1], m = b.dim[b.rank - 1];
    out.rank -= (c->in[0].rank > 1) + (c->in[1].rank > 1);
    a.rank -= 2;
    b.rank -= 2;
    const ami_view *const operand[2] = {&a, &b};
    ami_loop loop;
    int64_t index[AMI_GRAPH_RANK] = {0}, at[3] = {0};
    if (ami_view_count(&c->out[0]) == 0)
        return true;
    ami_loop_make(&loop, &out, operand, 2);
    const int last = loop.rank - 1;
    do {
        for (int64_t i = 0; i < loop.dim[last]; i++)
            ami_product((const float *)a.data + (at[0] + i * loop.stride[0][last]) * n * k,
                        (const float *)b.data + (at[1] + i * loop.stride[1][last]) * k * m, false, n, k, m,
                        (float *)out.data + (at[2] + i * loop.stride[2][last]) * n * m);
    } while (ami_loop_next(&loop, 2, index, at));
    return true;
}

/* ---- Gemm ---- */

static bool infer_gemm(ami_call *c)
{
    const ami_view *a = &c->in[0], *b = &c->in[1];
    ami_params *p = &c->step->p;
    for (int i = 0; i < c->ins; i++)
        if (ami_call_given(c, i) && ami_store_of(c->in[i].type) != AMI_STORE_FLOAT)
            return ami_call_fail(c, "its input number %d is %s, a float was expected", i,
                                 ami_onnx_type_name(c->in[i].type));
    if (a->rank != 2 || b->rank != 2)
        return ami_call_fail(c, "its inputs have %d and %d dimensions, 2 were expected", a->rank, b->rank);
    p->n[0] = ami_call_int(c, "transA", 0) != 0;
    p->n[1] = ami_call_int(c, "transB", 0) != 0;
    p->f[0] = ami_call_float(c, "alpha", 1);
    p->f[1] = ami_call_float(c, "beta", 1);
    const int64_t n = a->dim[p->n[0]], k = a->dim[!p->n[0]], k2 = b->dim[p->n[1]], m = b->dim[!p->n[1]];
    if (k != k2)
        return ami_call_fail(c, "its inputs have %" PRId64 " columns and %" PRId64 " rows", k, k2);
    ami_view *out = &c->out[0];
    out->type = a->type;
    out->rank = 2;
    out->dim[0] = n;
    out->dim[1] = m;
    if (ami_call_given(c, 2)) {
        ami_view both = {0};
        if (!ami_call_broadcast(c, &both, out, &c->in[2]))
            return false;
        if (both.rank != 2 || both.dim[0] != n || both.dim[1] != m)
            return ami_call_fail(c, "its bias does not broadcast to (%" PRId64 ", %" PRId64 ")", n, m);
    }
    return true;
}

static bool run_gemm(const ami_call *c)
{
    const ami_params *p = &c->step->p;
    const ami_view *a = &c->in[0], *b = &c->in[1], *bias = &c->in[2];
    const int64_t n = c->out[0].dim[0], m = c->out[0].dim[1], k = a->dim[!p->n[0]];
    const float *x = a->data, *w = b->data;
    const bool has_bias = ami_call_given(c, 2);
    const int64_t bias_rows = has_bias && bias->rank == 2 ? bias->dim[0] : 1,
                  bias_cols = has_bias && bias->rank > 0 ? bias->dim[bias->rank - 1] : 1;
    for (int64_t r = 0; r < n; r++) {
        float *y = (float *)c->out[0].data + r * m;
        for (int64_t o = 0; o < m; o++)
            y[o] = has_bias
                       ? p->f[1] *
                             ((const float *)
                                  bias->data)[(bias_rows > 1 ? r * bias_cols : 0) + (bias_cols > 1 ? o : 0)]
                       : 0;
        for (int64_t i = 0; i < k; i++) {
            const float factor = p->f[0] * (p->n[0] ? x[i * n + r] : x[r * k + i]);
            if (p->n[1])
                for (int64_t o = 0; o < m; o++)
                    y[o] += factor * w[o * k + i];
            else
                add_times(m, factor, w + i * m, y);
        }
    }
    return true;
}

/* ---- a part on kernels ---- */

static bool run_dense(const ami_call *c)
{
    const int part = c->step->part[0];
    const int64_t inputs = c->step->p.n[0], rows = inputs ? ami_view_count(&c->in[0]) / inputs : 0;
    if (rows > 0)
        ami_part_run(c->running, part, c->in[0].data, rows, c->out[0].data, c->scratch);
    return true;
}

static size_t dense_scratch(const ami_call *c)
{
    const int64_t inputs = c->step->p.n[0];
    return ami_part_scratch(c->running, c->step->part[0], ami_view_count(&c->in[0]) / inputs);
}

const ami_op ami_op_dense = {"dense", 1, 1, 1, 0, 0, 0, NULL, run_dense, 0, dense_scratch, NULL};

const ami_op ami_ops_dense[] = {
    {"MatMul", 2, 2, 1, 0, 0, 0, infer_matmul, run_matmul, 0, NULL, NULL},
    {"Gemm", 2, 3, 1, 0, 0, 0, infer_gemm, run_gemm, 0, NULL, NULL},
};
const int ami_ops_dense_count = sizeof ami_ops_dense / sizeof *ami_ops_dense;
