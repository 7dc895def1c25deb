/* Convolutions and pooling over one to three dimensions. A convolution with constant weights and one group
 * runs as a dense layer over its windows (im2col) on packed kernels, another one in plain loops. */
#include "nets/graph/ops.h"

#include <inttypes.h>

enum { SPACE = 3 };

/* Where p.list holds what of dimension i. */
enum { STRIDE = 0, DILATION = SPACE, PAD = 2 * SPACE, KERNEL = 3 * SPACE, END = 4 * SPACE };
_Static_assert(END + SPACE <= 3 * AMI_GRAPH_RANK, "the windows fit into p.list");

/* Windows over the dimensions from 2 on: fills p.list and the sizes of out. `kernel`: (n). */
static bool infer_windows(ami_call *c, const int64_t *kernel, int n, bool ceil_mode)
{
    const ami_view *in = &c->in[0];
    ami_params *p = &c->step->p;
    int64_t stride[AMI_GRAPH_LIST], dilation[AMI_GRAPH_LIST], pad[AMI_GRAPH_LIST];
    int strides, dilations, pads;
    char automatic[16] = "NOTSET";
    if (!ami_call_list(c, -1, "strides", stride, &strides) ||
        !ami_call_list(c, -1, "dilations", dilation, &dilations) || !ami_call_list(c, -1, "pads", pad, &pads))
        return false;
    ami_call_text(c, "auto_pad", 0, automatic, sizeof automatic);
    if ((strides >= 0 && strides != n) || (dilations >= 0 && dilations != n) || (pads >= 0 && pads != 2 * n))
        return ami_call_fail(c, "strides, dilations or pads do not fit its %d dimensions", n);
    for (int i = 0; i < n; i++) {
        const int64_t s = strides >= 0 ? stride[i] : 1, d = dilations >= 0 ? dilation[i] : 1, k = kernel[i];
        if (k < 1 || s < 1 || d < 1 || k > 1 << 24 || s > 1 << 24 || d > 1 << 24)
            return ami_call_fail(
                c, "has a window of %" PRId64 ", a stride of %" PRId64 " and a dilation of %" PRId64, k, s,
                d);
        int64_t before = pads >= 0 ? pad[i] : 0, after = pads >= 0 ? pad[n + i] : 0;
        const int64_t size = in->dim[2 + i], reach = (k - 1) * d + 1;
        if (!strcmp(automatic, "VALID")) {
            before = after = 0;
        } else if (strcmp(automatic, "NOTSET") != 0) {
            const int64_t outs = (size + s - 1) / s;
            int64_t all = (outs - 1) * s + reach - size;
            all = all < 0 ? 0 : all;
            before = !strcmp(automatic, "SAME_LOWER") ? (all + 1) / 2 : all / 2;
            after = all - before;
        }
        if (before < 0 || after < 0 || before > 1 << 24 || after > 1 << 24)
            return ami_call_fail(c, "pads %" PRId64 " and %" PRId64 " numbers", before, after);
        const int64_t span = size + before + after - reach;
        int64_t outs = span < 0 ? 0 : (ceil_mode ? span + s - 1 : span) / s + 1;
        /* A window may not begin in the padding at the end. */
        if (ceil_mode && outs > 0 && (outs - 1) * s >= size + before)
            outs--;
        if (outs < 1)
            return ami_call_fail(
                c, "its window of %" PRId64 " is longer than the %" PRId64 " numbers of dimension %d", reach,
                size + before + after, 2 + i);
        p->list[STRIDE + i] = s;
        p->list[DILATION + i] = d;
        p->list[PAD + i] = before;
        p->list[KERNEL + i] = k;
        p->list[END + i] = after;
        c->out[0].dim[2 + i] = outs;
    }
    p->n[1] = n;
    return true;
}

static bool check_space(ami_call *c)
{
    const ami_view *in = &c->in[0];
    if (in->rank < 3 || in->rank > 2 + SPACE)
        return ami_call_fail(c, "its input has %d dimensions, 3 to %d were expected", in->rank, 2 + SPACE);
    if (ami_store_of(in->type) != AMI_STORE_FLOAT)
        return ami_call_fail(c, "its input is %s, a float was expected", ami_onnx_type_name(in->type));
    return true;
}

static bool infer_conv(ami_call *c)
{
    const ami_view *in = &c->in[0], *w = &c->in[1];
    ami_params *p = &c->step->p;
    if (!check_space(c))
        return false;
    const int n = in->rank - 2;
    const int64_t group = ami_call_int(c, "group", 1);
    if (w->rank != in->rank || ami_store_of(w->type) != AMI_STORE_FLOAT || group < 1 ||
        in->dim[1] % group != 0 || w->dim[0] % group != 0 || w->dim[1] != in->dim[1] / group)
        return ami_call_fail(c, "its weights do not fit its input's %" PRId64 " channels", in->dim[1]);
    if (ami_call_given(c, 2) &&
        (ami_store_of(c->in[2].type) != AMI_STORE_FLOAT || ami_view_count(&c->in[2]) != w->dim[0]))
        return ami_call_fail(c, "its bias does not fit its %" PRId64 " outputs", w->dim[0]);
    ami_view *out = &c->out[0];
    ami_view_like(out, in);
    out->dim[1] = w->dim[0];
    p->n[0] = group;
    return infer_windows(c, w->dim + 2, n, false);
}

static int64_t product_of(const int64_t *dim, int n)
{
    int64_t p = 1;
    for (int i = 0; i < n; i++)
        p *= dim[i];
    return p;
}

/* The next place of an odometer. */
static bool advance(int64_t *place, const int64_t *dim, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        if (++place[i] < dim[i])
            return true;
        place[i] = 0;
    }
    return false;
}

/* All windows of some channels: (outputs, channels × window), zero where they leave the input. */
static void windows(const ami_call *c, const float *x, int64_t channels, float *col)
{
    const ami_params *p = &c->step->p;
    const int n = (int)p->n[1];
    const int64_t *size = c->in[0].dim + 2, *outs = c->out[0].dim + 2, *kernel = p->list + KERNEL;
    const int64_t plane = product_of(size, n);
    int64_t place[SPACE] = {0};
    do {
        for (int64_t ch = 0; ch < channels; ch++) {
            if (n == 1) {
                const int64_t from = place[0] * p->list[STRIDE] - p->list[PAD], d = p->list[DILATION];
                if (d == 1 && from >= 0 && from + kernel[0] <= size[0]) {
                    memcpy(col, x + ch * plane + from, (size_t)kernel[0] * sizeof *col);
                    col += kernel[0];
                    continue;
                }
                for (int64_t k = 0; k < kernel[0]; k++) {
                    const int64_t at = from + k * d;
                    *col++ = at < 0 || at >= size[0] ? 0 : x[ch * plane + at];
                }
                continue;
            }
            int64_t tap[SPACE] = {0};
            do {
                int64_t at = 0;
                bool inside = true;
                for (int i = 0; i < n; i++) {
                    const int64_t k =
                        place[i] * p->list[STRIDE + i] - p->list[PAD + i] + tap[i] * p->list[DILATION + i];
                    inside &= k >= 0 && k < size[i];
                    at = at * size[i] + k;
                }
                *col++ = inside ? x[ch * plane + at] : 0;
            } while (advance(tap, kernel, n));
        }
    } while (advance(place, outs, n));
}

static size_t conv_scratch(const ami_call *c)
{
    const ami_params *p = &c->step->p;
    const int n = (int)p->n[1];
    const int64_t outs = product_of(c->out[0].dim + 2, n),
                  width = c->in[1].dim[1] * product_of(p->list + KERNEL, n),
                  channels = c->in[1].dim[0] / p->n[0];
    size_t size = ami_round_line((size_t)(outs * width) * sizeof(float)) +
                  ami_round_line((size_t)(outs * channels) * sizeof(float));
    if (c->running && c->step->part[0] >= 0)
        size += ami_part_scratch(c->running, c->step->part[0], outs);
    return size;
}

static bool run_conv(const ami_call *c)
{
    const ami_params *p = &c->step->p;
    const int n = (int)p->n[1];
    const int64_t group = p->n[0], planes = product_of(c->in[0].dim + 2, n),
                  outs = product_of(c->out[0].dim + 2, n), channels = c->in[0].dim[1] / group,
                  outputs = c->out[0].dim[1] / group, width = channels * product_of(p->list + KERNEL, n);
    float *col = (float *)c->scratch;
    float *rows = (float *)(c->scratch + ami_round_line((size_t)(outs * width) * sizeof(float)));
    char *rest = (char *)rows + ami_round_line((size_t)(outs * outputs) * sizeof(float));
    const float *bias = ami_call_given(c, 2) ? c->in[2].data : NULL;
    for (int64_t b = 0; b < c->in[0].dim[0] * group; b++) {
        const int64_t g = b % group;
        const float *x = (const float *)c->in[0].data + b * channels * planes;
        float *y = (float *)c->out[0].data + b * outputs * outs;
        const bool packed = c->running && c->step->part[0] >= 0;
        windows(c, x, channels, col);
        if (packed)
            ami_part_run(c->running, c->step->part[0], col, outs, rows, rest);
        else
            ami_product(col, (const float *)c->in[1].data + g * outputs * width, true, outs, width, outputs,
                        rows);
        for (int64_t o = 0; o < outputs; o++) {
            const float add = bias && !packed ? bias[g * outputs + o] : 0;
            for (int64_t i = 0; i < outs; i++)
                y[o * outs + i] = rows[i * outputs + o] + add;
        }
    }
    return true;
}

/* A constant that a part can be made of. */
static const float *constant_of(const ami_graph *g, const ami_step *s, int input)
{
    if (input >= s->ins || s->in[input] < 0)
        return NULL;
    const ami_value *v = &g->value[s->in[input]];
    int64_t n = 1;
    for (int i = 0; i < v->rank; i++)
        n *= v->fixed[i];
    if (!v->constant || v->data[0] != v->data[1] || ami_store_of(v->type) != AMI_STORE_FLOAT)
        return NULL;
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(((const float *)v->data[0])[i]))
            return NULL;
    return v->data[0];
}

static bool prepare_conv(ami_graph *g, ami_step *s, ami_error *err)
{
    const float *weight = constant_of(g, s, 1), *bias = constant_of(g, s, 2);
    const bool has_bias = s->ins > 2 && s->in[2] >= 0;
    const ami_value *w = &g->value[s->in[1]];
    (void)err;
    if (!weight || (has_bias && !bias) || s->p.n[0] != 1)
        return true;
    const int64_t inputs = product_of(w->fixed + 1, w->rank - 1), outputs = w->fixed[0];
    if (inputs < 1 || outputs < 1 || inputs > AMI_NET_MAX_DIM || outputs > AMI_NET_MAX_DIM)
        return true;
    s->part[0] = ami_graph_add_part(g, "conv", s->name, (int)inputs, (int)outputs, weight, bias);
    if (s->part[0] < 0)
        return false;
    const ami_value *y = &g->value[s->out[0]];
    int64_t rows = 1;
    for (int i = 2; i < y->rank; i++)
        rows *= y->dim[0][i];
    g->part[s->part[0]].rows = rows;
    return true;
}

/* ---- pooling ---- */

enum { POOL_MAX, POOL_AVERAGE };

static bool infer_pool(ami_call *c)
{
    int64_t kernel[AMI_GRAPH_LIST];
    int n;
    if (!check_space(c) || !ami_call_list(c, -1, "kernel_shape", kernel, &n))
        return false;
    if (n != c->in[0].rank - 2)
        return ami_call_fail(c, "kernel_shape has %d numbers, %d were expected", n, c->in[0].rank - 2);
    ami_view_like(&c->out[0], &c->in[0]);
    c->step->p.n[2] = ami_call_int(c, "count_include_pad", 0);
    c->step->p.n[3] = ami_call_int(c, "storage_order", 0);
    if (!infer_windows(c, kernel, n, ami_call_int(c, "ceil_mode", 0) != 0))
        return false;
    if (c->outs > 1) {
        ami_view_like(&c->out[1], &c->out[0]);
        c->out[1].type = AMI_ONNX_INT64;
    }
    return true;
}

static bool run_pool(const ami_call *c)
{
    const ami_params *p = &c->step->p;
    const int n = (int)p->n[1];
    const bool average = c->step->op->code == POOL_AVERAGE;
    const int64_t *size = c->in[0].dim + 2, *outs = c->out[0].dim + 2, *kernel = p->list + KERNEL;
    const int64_t plane = product_of(size, n), planes = c->in[0].dim[0] * c->in[0].dim[1];
    float *y = c->out[0].data;
    int64_t *where = c->outs > 1 ? c->out[1].data : NULL;
    for (int64_t ch = 0; ch < planes; ch++) {
        const float *x = (const float *)c->in[0].data + ch * plane;
        int64_t place[SPACE] = {0};
        do {
            int64_t tap[SPACE] = {0}, best = -1, count = 0, padded = 0;
            double sum = 0;
            float largest = -INFINITY;
            do {
                int64_t at = 0;
                bool inside = true, counted = true;
                for (int i = 0; i < n; i++) {
                    const int64_t k =
                        place[i] * p->list[STRIDE + i] - p->list[PAD + i] + tap[i] * p->list[DILATION + i];
                    inside &= k >= 0 && k < size[i];
                    counted &= k < size[i] + p->list[END + i];
                    at = at * size[i] + k;
                }
                padded += counted;
                if (!inside)
                    continue;
                count++;
                sum += (double)x[at];
                if (best < 0 || x[at] > largest || x[at] != x[at]) {
                    largest = x[at];
                    best = at;
                }
            } while (advance(tap, kernel, n));
            const int64_t divisor = p->n[2] ? padded : count;
            *y++ = !average ? largest : divisor ? ami_to_float(sum / (double)divisor) : 0;
            if (where) {
                int64_t at = best < 0 ? 0 : best;
                if (p->n[3] && n > 1) { /* column-major within the plane */
                    int64_t index[SPACE], rest = at, turned = 0;
                    for (int i = n - 1; i >= 0; i--) {
                        index[i] = rest % size[i];
                        rest /= size[i];
                    }
                    for (int i = n - 1; i >= 0; i--)
                        turned = turned * size[i] + index[i];
                    at = turned;
                }
                *where++ = ch * plane + at;
            }
        } while (advance(place, outs, n));
    }
    return true;
}

static bool infer_global_pool(ami_call *c)
{
    if (ami_store_of(c->in[0].type) != AMI_STORE_FLOAT || c->in[0].rank < 3)
        return ami_call_fail(c, "its input is %s of %d dimensions, a float of 3 or more was expected",
                             ami_onnx_type_name(c->in[0].type), c->in[0].rank);
    ami_view_like(&c->out[0], &c->in[0]);
    for (int i = 2; i < c->in[0].rank; i++)
        c->out[0].dim[i] = 1;
    return true;
}

static bool run_global_pool(const ami_call *c)
{
    const ami_view *in = &c->in[0];
    const int64_t n = product_of(in->dim + 2, in->rank - 2), planes = in->dim[0] * in->dim[1];
    for (int64_t ch = 0; ch < planes; ch++) {
        const float *x = (const float *)in->data + ch * n;
        double sum = 0;
        float largest = -INFINITY;
        for (int64_t i = 0; i < n; i++) {
            sum += (double)x[i];
            largest = x[i] > largest || x[i] != x[i] ? x[i] : largest;
        }
        ((float *)c->out[0].data)[ch] =
            c->step->op->code == POOL_AVERAGE ? ami_to_float(sum / (double)n) : largest;
    }
    return true;
}

const ami_op ami_ops_conv[] = {
    {"Conv", 2, 3, 1, 0, 0, 0, infer_conv, run_conv, 0, conv_scratch, prepare_conv},
    {"MaxPool", 1, 1, 2, 0, 0, 0, infer_pool, run_pool, POOL_MAX, NULL, NULL},
    {"AveragePool", 1, 1, 1, 0, 0, 0, infer_pool, run_pool, POOL_AVERAGE, NULL, NULL},
    {"GlobalMaxPool", 1, 1, 1, 0, 0, 0, infer_global_pool, run_global_pool, POOL_MAX, NULL, NULL},
    {"GlobalAveragePool", 1, 1, 1, 0, 0, 0, infer_global_pool, run_global_pool, POOL_AVERAGE, NULL, NULL},
};
const int ami_ops_conv_count = sizeof ami_ops_conv / sizeof *ami_ops_conv;
