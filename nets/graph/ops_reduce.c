/* Operators that gather many numbers into one, or norm numbers by others: reductions, Softmax, ArgMax,
 * normalisations. Sums are formed in double where that costs nothing, else in eight sums of floats. */
#include "nets/graph/ops.h"

#include "nets/graph/math.h"
#include "nets/kernels/vector.h"

#include <float.h>
#include <inttypes.h>

enum {
    REDUCE_SUM,
    REDUCE_MEAN,
    REDUCE_MAX,
    REDUCE_MIN,
    REDUCE_PROD,
    REDUCE_L1,
    REDUCE_L2,
    REDUCE_LOG_SUM,
    REDUCE_LOG_SUM_EXP,
    REDUCE_SUM_SQUARE
};

/* Σ x, n numbers that follow each other. */
AMI_VECTOR_CLONES static float sum_of(int64_t n, const float *x)
{
    float part[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            part[k] += x[i + k];
    for (; i < n; i++)
        part[i & 7] += x[i];
    return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

AMI_VECTOR_CLONES static float squares_of(int64_t n, float mean, const float *x)
{
    float part[8] = {0};
    int64_t i = 0;
    for (; i + 8 <= n; i += 8)
        for (int k = 0; k < 8; k++)
            part[k] += (x[i + k] - mean) * (x[i + k] - mean);
    for (; i < n; i++)
        part[i & 7] += (x[i] - mean) * (x[i] - mean);
    return ((part[0] + part[1]) + (part[2] + part[3])) + ((part[4] + part[5]) + (part[6] + part[7]));
}

AMI_VECTOR_CLONES static float largest_of(int64_t n, const float *x)
{
    float largest = -INFINITY;
    bool nan = false;
    for (int64_t i = 0; i < n; i++) {
        largest = x[i] > largest ? x[i] : largest;
        nan |= x[i] != x[i];
    }
    return nan ? NAN : largest;
}

static bool infer_reduce(ami_call *c)
{
    const ami_view *in = &c->in[0];
    ami_params *p = &c->step->p;
    int64_t list[AMI_GRAPH_LIST];
    int count;
    const int code = c->step->op->code;
    const ami_store store = ami_store_of(in->type);
    if (store == AMI_STORE_BOOL && code != REDUCE_MAX && code != REDUCE_MIN)
        return ami_call_fail(c, "its input is bool, a number was expected");
    if (store == AMI_STORE_INT && (code == REDUCE_LOG_SUM || code == REDUCE_LOG_SUM_EXP || code == REDUCE_L2))
        return ami_call_fail(c, "its input is %s, a float was expected", ami_onnx_type_name(in->type));
    if (!ami_call_list(c, 1, "axes", list, &count))
        return false;
    const bool keep = ami_call_int(c, "keepdims", 1) != 0;
    p->axes = 0;
    if (count <= 0) {
        if (!ami_call_int(c, "noop_with_empty_axes", 0))
            p->axes = in->rank >= 32 ? 0 : (1u << in->rank) - 1;
    }
    for (int i = 0; i < count; i++) {
        int axis;
        if (!ami_call_axis(c, list[i], in->rank, &axis))
            return false;
        p->axes |= 1u << axis;
    }
    ami_view *out = &c->out[0];
    out->type = in->type;
    out->rank = 0;
    for (int i = 0; i < in->rank; i++) {
        if (!(p->axes >> i & 1))
            out->dim[out->rank++] = in->dim[i];
        else if (keep)
            out->dim[out->rank++] = 1;
    }
    return true;
}

typedef struct sums {
    double sum;
    float largest;
    int64_t count;
} sums;

/* Adds n numbers x[i · stride] to a reduction. */
static void reduce_run(int code, int64_t n, const float *x, int64_t stride, sums *s)
{
    switch (code) {
    case REDUCE_MAX:
    case REDUCE_MIN:
        for (int64_t i = 0; i < n; i++) {
            const float v = code == REDUCE_MAX ? x[i * stride] : -x[i * stride];
            if (v > s->largest || v != v)
                s->largest = v;
        }
        break;
    case REDUCE_PROD:
        for (int64_t i = 0; i < n; i++)
            s->sum *= (double)x[i * stride];
        break;
    case REDUCE_L1:
        for (int64_t i = 0; i < n; i++)
            s->sum += fabs((double)x[i * stride]);
        break;
    case REDUCE_L2:
    case REDUCE_SUM_SQUARE:
        if (stride == 1) {
            s->sum += (double)squares_of(n, 0, x);
            break;
        }
        for (int64_t i = 0; i < n; i++)
            s->sum += (double)x[i * stride] * (double)x[i * stride];
        break;
    case REDUCE_LOG_SUM_EXP: /* scaled by the largest so far */
        for (int64_t i = 0; i < n; i++) {
            const float v = x[i * stride];
            if (v > s->largest) {
                s->sum = s->sum * (s->largest == -INFINITY ? 0 : exp((double)s->largest - (double)v));
                s->largest = v;
            }
            s->sum += v == -INFINITY ? 0 : v == INFINITY ? 1 : exp((double)v - (double)s->largest);
        }
        break;
    default:
        if (stride == 1) {
            s->sum += (double)sum_of(n, x);
            break;
        }
        for (int64_t i = 0; i < n; i++)
            s->sum += (double)x[i * stride];
    }
    s->count += n;
}

static float reduce_end(int code, const sums *s)
{
    switch (code) {
    case REDUCE_MAX:
        return s->largest;
    case REDUCE_MIN:
        return -s->largest;
    case REDUCE_MEAN:
        return ami_to_float(s->sum / (double)s->count);
    case REDUCE_L2:
        return ami_to_float(sqrt(s->sum));
    case REDUCE_LOG_SUM:
        return ami_to_float(log(s->sum));
    case REDUCE_LOG_SUM_EXP:
        return ami_to_float(log(s->sum) + (s->largest == -INFINITY && s->sum == 0 ? 0 : (double)s->largest));
    default:
        return ami_to_float(s->sum);
    }
}

static int64_t reduce_ints(int code, int64_t n, const int64_t *x, int64_t stride, int64_t so_far)
{
    for (int64_t i = 0; i < n; i++) {
        const int64_t v = x[i * stride];
        if (code == REDUCE_MAX)
            so_far = v > so_far ? v : so_far;
        else if (code == REDUCE_MIN)
            so_far = v < so_far ? v : so_far;
        else if (code == REDUCE_PROD)
            so_far = (int64_t)((uint64_t)so_far * (uint64_t)v);
        else if (code == REDUCE_L1)
            so_far = (int64_t)((uint64_t)so_far + (v < 0 ? 0 - (uint64_t)v : (uint64_t)v));
        else if (code == REDUCE_SUM_SQUARE)
            so_far = (int64_t)((uint64_t)so_far + (uint64_t)v * (uint64_t)v);
        else
            so_far = (int64_t)((uint64_t)so_far + (uint64_t)v);
    }
    return so_far;
}

/* Walks the dimensions of one kind (kept or reduced); *at is moved by their strides. */
typedef struct walk {
    int rank;
    int64_t dim[AMI_GRAPH_RANK], stride[AMI_GRAPH_RANK], index[AMI_GRAPH_RANK];
} walk;

static bool walk_next(walk *w, int last, int64_t *at)
{
    for (int i = last; i >= 0; i--) {
        *at += w->stride[i];
        if (++w->index[i] < w->dim[i])
            return true;
        *at -= w->stride[i] * w->dim[i];
        w->index[i] = 0;
    }
    return false;
}

static bool run_reduce(const ami_call *c)
{
    const ami_view *in = &c->in[0];
    const int code = c->step->op->code;
    const ami_store store = ami_store_of(in->type);
    walk kept = {0}, reduced = {0};
    int64_t step = 1, each = 1;
    for (int i = in->rank - 1; i >= 0; i--) { /* innermost first; turned round below */
        walk *w = c->step->p.axes >> i & 1 ? &reduced : &kept;
        if (w == &reduced)
            each *= in->dim[i];
        if (w->rank > 0 && w->stride[w->rank - 1] * w->dim[w->rank - 1] == step) {
            w->dim[w->rank - 1] *= in->dim[i];
        } else {
            w->dim[w->rank] = in->dim[i];
            w->stride[w->rank++] = step;
        }
        step *= in->dim[i];
    }
    for (walk *w = &kept;; w = &reduced) {
        for (int i = 0; i < w->rank / 2; i++) {
            const int k = w->rank - 1 - i;
            const int64_t d = w->dim[i], s = w->stride[i];
            w->dim[i] = w->dim[k];
            w->stride[i] = w->stride[k];
            w->dim[k] = d;
            w->stride[k] = s;
        }
        if (w == &reduced)
            break;
    }
    const int last = reduced.rank - 1;
    const int64_t n = reduced.rank ? reduced.dim[last] : 1, stride = reduced.rank ? reduced.stride[last] : 1;
    int64_t at = 0;
    for (int64_t o = 0, count = ami_view_count(&c->out[0]); o < count; o++) {
        sums s = {.sum = code == REDUCE_PROD, .largest = -INFINITY};
        int64_t whole = code == REDUCE_PROD  ? 1
                        : code == REDUCE_MAX ? INT64_MIN
                        : code == REDUCE_MIN ? INT64_MAX
                                             : 0;
        uint8_t any = 0, all = 1;
        int64_t from = at;
        if (each > 0)
            do {
                if (store == AMI_STORE_FLOAT)
                    reduce_run(code, n, (const float *)in->data + from, stride, &s);
                else if (store == AMI_STORE_INT)
                    whole = reduce_ints(code, n, (const int64_t *)in->data + from, stride, whole);
                else
                    for (int64_t i = 0; i < n; i++) {
                        any |= ((const uint8_t *)in->data)[from + i * stride];
                        all &= ((const uint8_t *)in->data)[from + i * stride];
                    }
            } while (walk_next(&reduced, last - 1, &from));
        if (store == AMI_STORE_FLOAT)
            ((float *)c->out[0].data)[o] = reduce_end(code, &s);
        else if (store == AMI_STORE_INT)
            ((int64_t *)c->out[0].data)[o] = code == REDUCE_MEAN && each > 0 ? whole / each : whole;
        else
            ((uint8_t *)c->out[0].data)[o] = code == REDUCE_MAX ? any : all;
        walk_next(&kept, kept.rank - 1, &at);
    }
    return true;
}

/* ---- along one axis: (outer, axis, inner) ---- */

typedef struct axes {
    int64_t outer, n, inner;
} axes;

static axes axes_of(const ami_view *v, int axis)
{
    axes a = {1, 1, 1};
    for (int i = 0; i < v->rank; i++)
        *(i < axis ? &a.outer : i == axis ? &a.n : &a.inner) *= v->dim[i];
    return a;
}

enum { SOFTMAX, LOG_SOFTMAX, HARDMAX };

static bool infer_softmax(ami_call *c)
{
    int axis;
    const bool old = ami_call_opset(c) < 13;
    if (ami_store_of(c->in[0].type) != AMI_STORE_FLOAT)
        return ami_call_fail(c, "its input is %s, a float was expected", ami_onnx_type_name(c->in[0].type));
    if (!ami_call_axis(c, ami_call_int(c, "axis", old ? 1 : -1), c->in[0].rank, &axis))
        return false;
    c->step->p.n[0] = axis;
    c->step->p.n[1] = old; /* then all dimensions from the axis on are one */
    ami_view_like(&c->out[0], &c->in[0]);
    return true;
}

AMI_VECTOR_CLONES static void softmax_row(int code, int64_t n, const float *x, float *y)
{
    const float largest = largest_of(n, x);
    for (int64_t i = 0; i < n; i++)
        y[i] = math_exp(x[i] - largest);
    const float sum = sum_of(n, y);
    if (code == SOFTMAX) {
        const float share = 1.0f / sum;
        for (int64_t i = 0; i < n; i++)
            y[i] *= share;
    } else {
        const float shift = logf(sum);
        for (int64_t i = 0; i < n; i++)
            y[i] = (x[i] - largest) - shift;
    }
}

static void softmax_strided(int code, int64_t n, int64_t stride, const float *x, float *y)
{
    float largest = -INFINITY, sum = 0;
    int64_t first = 0;
    for (int64_t i = 0; i < n; i++)
        if (x[i * stride] > largest || x[i * stride] != x[i * stride]) {
            largest = x[i * stride];
            first = i;
        }
    if (code == HARDMAX) {
        for (int64_t i = 0; i < n; i++)
            y[i * stride] = i == first;
        return;
    }
    for (int64_t i = 0; i < n; i++)
        sum += y[i * stride] = math_exp(x[i * stride] - largest);
    const float shift = logf(sum);
    for (int64_t i = 0; i < n; i++)
        y[i * stride] = code == SOFTMAX ? y[i * stride] / sum : (x[i * stride] - largest) - shift;
}

static bool run_softmax(const ami_call *c)
{
    axes a = axes_of(&c->in[0], (int)c->step->p.n[0]);
    if (c->step->p.n[1]) {
        a.n *= a.inner;
        a.inner = 1;
    }
    const float *x = c->in[0].data;
    float *y = c->out[0].data;
    for (int64_t o = 0; o < a.outer; o++, x += a.n * a.inner, y += a.n * a.inner)
        for (int64_t k = 0; k < a.inner && a.n > 0; k++)
            if (a.inner == 1 && c->step->op->code != HARDMAX)
                softmax_row(c->step->op->code, a.n, x, y);
            else
                softmax_strided(c->step->op->code, a.n, a.inner, x + k, y + k);
    return true;
}

enum { ARG_MAX, ARG_MIN };

static bool infer_arg(ami_call *c)
{
    const ami_view *in = &c->in[0];
    int axis;
    if (ami_store_of(in->type) == AMI_STORE_BOOL)
        return ami_call_fail(c, "its input is bool, a number was expected");
    if (!ami_call_axis(c, ami_call_int(c, "axis", 0), in->rank, &axis))
        return false;
    if (in->dim[axis] < 1)
        return ami_call_fail(c, "has nothing to choose from in dimension %d", axis);
    const bool keep = ami_call_int(c, "keepdims", 1) != 0;
    c->step->p.n[0] = axis;
    c->step->p.n[1] = ami_call_int(c, "select_last_index", 0);
    ami_view *out = &c->out[0];
    out->type = AMI_ONNX_INT64;
    out->rank = 0;
    for (int i = 0; i < in->rank; i++) {
        if (i != axis)
            out->dim[out->rank++] = in->dim[i];
        else if (keep)
            out->dim[out->rank++] = 1;
    }
    return true;
}

static bool run_arg(const ami_call *c)
{
    const axes a = axes_of(&c->in[0], (int)c->step->p.n[0]);
    const bool floats = ami_store_of(c->in[0].type) == AMI_STORE_FLOAT, last = c->step->p.n[1] != 0,
               least = c->step->op->code == ARG_MIN;
    int64_t *y = c->out[0].data;
    for (int64_t o = 0; o < a.outer; o++)
        for (int64_t k = 0; k < a.inner; k++) {
            int64_t best = 0;
            for (int64_t i = 1; i < a.n; i++) {
                const int64_t at = (o * a.n + i) * a.inner + k, than = (o * a.n + best) * a.inner + k;
                bool more, same;
                if (floats) {
                    const float u = ((const float *)c->in[0].data)[at],
                                v = ((const float *)c->in[0].data)[than];
                    more = least ? u < v : u > v;
                    same = u == v;
                } else {
                    const int64_t u = ((const int64_t *)c->in[0].data)[at],
                                  v = ((const int64_t *)c->in[0].data)[than];
                    more = least ? u < v : u > v;
                    same = u == v;
                }
                if (more || (same && last))
                    best = i;
            }
            *y++ = best;
        }
    return true;
}

static bool infer_cumsum(ami_call *c)
{
    int64_t list[AMI_GRAPH_LIST];
    int count, axis;
    if (!ami_call_list(c, 1, NULL, list, &count))
        return false;
    if (count != 1 || ami_store_of(c->in[0].type) == AMI_STORE_BOOL)
        return ami_call_fail(c, "has %d axes, 1 was expected", count);
    if (!ami_call_axis(c, list[0], c->in[0].rank, &axis))
        return false;
    c->step->p.n[0] = axis;
    c->step->p.n[1] = ami_call_int(c, "exclusive", 0);
    c->step->p.n[2] = ami_call_int(c, "reverse", 0);
    ami_view_like(&c->out[0], &c->in[0]);
    return true;
}

static bool run_cumsum(const ami_call *c)
{
    const axes a = axes_of(&c->in[0], (int)c->step->p.n[0]);
    const bool exclusive = c->step->p.n[1] != 0, reverse = c->step->p.n[2] != 0;
    for (int64_t o = 0; o < a.outer; o++)
        for (int64_t k = 0; k < a.inner; k++) {
            double sum = 0;
            uint64_t whole = 0;
            for (int64_t i = 0; i < a.n; i++) {
                const int64_t at = (o * a.n + (reverse ? a.n - 1 - i : i)) * a.inner + k;
                if (ami_store_of(c->in[0].type) == AMI_STORE_FLOAT) {
                    const double before = sum;
                    sum += (double)((const float *)c->in[0].data)[at];
                    ((float *)c->out[0].data)[at] = ami_to_float(exclusive ? before : sum);
                } else {
                    const uint64_t before = whole;
                    whole += (uint64_t)((const int64_t *)c->in[0].data)[at];
                    ((int64_t *)c->out[0].data)[at] = (int64_t)(exclusive ? before : whole);
                }
            }
        }
    return true;
}

/* ---- normalisations ---- */

static bool all_floats(const ami_call *c)
{
    for (int i = 0; i < c->ins; i++)
        if (ami_call_given(c, i) && ami_store_of(c->in[i].type) != AMI_STORE_FLOAT)
            return ami_call_fail(c, "its input number %d is %s, a float was expected", i,
                                 ami_onnx_type_name(c->in[i].type));
    return true;
}

enum { LAYER_NORM, RMS_NORM };

static bool infer_layer_norm(ami_call *c)
{
    const ami_view *in = &c->in[0];
    int axis;
    int64_t n = 1;
    if (!all_floats(c) || !ami_call_axis(c, ami_call_int(c, "axis", -1), in->rank, &axis))
        return false;
    for (int i = axis; i < in->rank; i++)
        n *= in->dim[i];
    for (int k = 1; k < c->ins; k++) {
        if (!ami_call_given(c, k))
            continue;
        ami_view both = {0}, part = {.rank = in->rank - axis};
        for (int i = 0; i < part.rank; i++)
            part.dim[i] = in->dim[axis + i];
        if (!ami_call_broadcast(c, &both, &part, &c->in[k]))
            return false;
        if (ami_view_count(&c->in[k]) != n)
            return ami_call_fail(c, "its input number %d has %" PRId64 " numbers, %" PRId64 " were expected",
                                 k, ami_view_count(&c->in[k]), n);
    }
    c->step->p.n[0] = axis;
    c->step->p.f[0] = ami_call_float(c, "epsilon", 1e-5f);
    ami_view_like(&c->out[0], in);
    for (int o = 1; o < c->outs; o++) {
        ami_view_like(&c->out[o], in);
        for (int i = axis; i < in->rank; i++)
            c->out[o].dim[i] = 1;
    }
    return true;
}

AMI_VECTOR_CLONES static void normalise(int64_t n, float mean, float inverse, const float *x,
                                        const float *scale, const float *bias, float *y)
{
    if (bias)
        for (int64_t i = 0; i < n; i++)
            y[i] = (x[i] - mean) * inverse * scale[i] + bias[i];
    else
        for (int64_t i = 0; i < n; i++)
            y[i] = (x[i] - mean) * inverse * scale[i];
}

static bool run_layer_norm(const ami_call *c)
{
    const ami_view *in = &c->in[0];
    const int64_t rows = axes_of(in, (int)c->step->p.n[0]).outer, n = rows ? ami_view_count(in) / rows : 0;
    const float *scale = c->in[1].data, *bias = ami_call_given(c, 2) ? c->in[2].data : NULL;
    const bool rms = c->step->op->code == RMS_NORM;
    for (int64_t r = 0; r < rows; r++) {
        const float *x = (const float *)in->data + r * n;
        const float mean = rms ? 0 : sum_of(n, x) / (float)n;
        const float inverse = 1.0f / sqrtf(squares_of(n, mean, x) / (float)n + c->step->p.f[0]);
        normalise(n, mean, inverse, x, scale, bias, (float *)c->out[0].data + r * n);
        if (c->outs > 1 && c->out[1].data)
            ((float *)c->out[1].data)[r] = mean;
        if (c->outs > 2 && c->out[2].data)
            ((float *)c->out[2].data)[r] = inverse;
    }
    return true;
}

/* A vector of one number for each channel, dimension 1 of the input. */
static bool check_channels(const ami_call *c, int first, int end)
{
    if (c->in[0].rank < 2)
        return ami_call_fail(c, "its input has %d dimensions, at least 2 were expected", c->in[0].rank);
    for (int k = first; k < end; k++)
        if (ami_view_count(&c->in[k]) != c->in[0].dim[1])
            return ami_call_fail(c, "its input number %d has %" PRId64 " numbers for %" PRId64 " channels", k,
                                 ami_view_count(&c->in[k]), c->in[0].dim[1]);
    return true;
}

static bool infer_batch_norm(ami_call *c)
{
    if (!all_floats(c) || !check_channels(c, 1, 5))
        return false;
    if (c->outs > 1 || ami_call_int(c, "training_mode", 0))
        return ami_call_fail(c, "is in training mode, inference was expected");
    c->step->p.f[0] = ami_call_float(c, "epsilon", 1e-5f);
    ami_view_like(&c->out[0], &c->in[0]);
    return true;
}

static bool run_batch_norm(const ami_call *c)
{
    const axes a = axes_of(&c->in[0], 1);
    const float *scale = c->in[1].data, *bias = c->in[2].data, *mean = c->in[3].data,
                *variance = c->in[4].data;
    const float *x = c->in[0].data;
    float *y = c->out[0].data;
    for (int64_t o = 0; o < a.outer; o++)
        for (int64_t k = 0; k < a.n; k++, x += a.inner, y += a.inner) {
            const float factor = scale[k] / sqrtf(variance[k] + c->step->p.f[0]);
            for (int64_t i = 0; i < a.inner; i++)
                y[i] = (x[i] - mean[k]) * factor + bias[k];
        }
    return true;
}

static bool infer_instance_norm(ami_call *c)
{
    if (!all_floats(c) || !check_channels(c, 1, 3))
        return false;
    c->step->p.f[0] = ami_call_float(c, "epsilon", 1e-5f);
    c->step->p.n[0] = ami_call_int(c, "num_groups", c->in[0].dim[1]);
    if (c->step->p.n[0] < 1 || c->in[0].dim[1] % c->step->p.n[0] != 0)
        return ami_call_fail(c, "has %" PRId64 " groups for %" PRId64 " channels", c->step->p.n[0],
                             c->in[0].dim[1]);
    ami_view_like(&c->out[0], &c->in[0]);
    return true;
}

static bool run_instance_norm(const ami_call *c)
{
    const axes a = axes_of(&c->in[0], 1);
    const int64_t groups = c->step->p.n[0], channels = a.n / groups, n = channels * a.inner;
    const float *scale = c->in[1].data, *bias = c->in[2].data, *x = c->in[0].data;
    float *y = c->out[0].data;
    for (int64_t o = 0; o < a.outer * groups; o++) {
        const float mean = sum_of(n, x) / (float)n;
        const float inverse = 1.0f / sqrtf(squares_of(n, mean, x) / (float)n + c->step->p.f[0]);
        for (int64_t k = 0; k < channels; k++, x += a.inner, y += a.inner) {
            const int64_t channel = o % groups * channels + k;
            for (int64_t i = 0; i < a.inner; i++)
                y[i] = (x[i] - mean) * inverse * scale[channel] + bias[channel];
        }
    }
    return true;
}

#define REDUCE(name, code)                                                 \
    {                                                                      \
        name, 1, 2, 1, 2, 0, 0, infer_reduce, run_reduce, code, NULL, NULL \
    }
const ami_op ami_ops_reduce[] = {
    REDUCE("ReduceSum", REDUCE_SUM),
    REDUCE("ReduceMean", REDUCE_MEAN),
    REDUCE("ReduceMax", REDUCE_MAX),
    REDUCE("ReduceMin", REDUCE_MIN),
    REDUCE("ReduceProd", REDUCE_PROD),
    REDUCE("ReduceL1", REDUCE_L1),
    REDUCE("ReduceL2", REDUCE_L2),
    REDUCE("ReduceLogSum", REDUCE_LOG_SUM),
    REDUCE("ReduceLogSumExp", REDUCE_LOG_SUM_EXP),
    REDUCE("ReduceSumSquare", REDUCE_SUM_SQUARE),
    {"Softmax", 1, 1, 1, 0, 0, 0, infer_softmax, run_softmax, SOFTMAX, NULL, NULL},
    {"LogSoftmax", 1, 1, 1, 0, 0, 0, infer_softmax, run_softmax, LOG_SOFTMAX, NULL, NULL},
    {"Hardmax", 1, 1, 1, 0, 0, 0, infer_softmax, run_softmax, HARDMAX, NULL, NULL},
    {"ArgMax", 1, 1, 1, 0, 0, 0, infer_arg, run_arg, ARG_MAX, NULL, NULL},
    {"ArgMin", 1, 1, 1, 0, 0, 0, infer_arg, run_arg, ARG_MIN, NULL, NULL},
    {"CumSum", 2, 2, 1, 2, 0, 0, infer_cumsum, run_cumsum, 0, NULL, NULL},
    {"LayerNormalization", 2, 3, 3, 0, 0, 0, infer_layer_norm, run_layer_norm, LAYER_NORM, NULL, NULL},
    {"RMSNormalization", 2, 2, 1, 0, 0, 0, infer_layer_norm, run_layer_norm, RMS_NORM, NULL, NULL},
    {"BatchNormalization", 5, 5, 5, 0, 0, 0, infer_batch_norm, run_batch_norm, 0, NULL, NULL},
    {"InstanceNormalization", 3, 3, 1, 0, 0, 0, infer_instance_norm, run_instance_norm, 0, NULL, NULL},
    {"GroupNormalization", 3, 3, 1, 0, 0, 0, infer_instance_norm, run_instance_norm, 0, NULL, NULL},
};
const int ami_ops_reduce_count = sizeof ami_ops_reduce / sizeof *ami_ops_reduce;
