/* Packing: weights as the file has them → the cells that a kernel reads (kernels.h), rounded to its
 * precision. Works in tiles that stay in the L1 cache, because a panel is the transpose of its rows. */
#include "nets/half.h"
#include "nets/kernels/kernels.h"
#include "nets/kernels/round.h"
#include "nets/kernels/vector.h"

#include <assert.h>
#include <string.h>

enum { LINE = 64, CELL = 4 };

/* The largest step in a window's doubling, and the sum it must not exceed. */
enum { SHORTEST_WINDOW = 16 };

/* 16 groups of two products, each as large as can be, fit: the shortest window is always safe. */
_Static_assert((int64_t)AMI_INT16_MAX *AMI_INT16_MAX * 2 * SHORTEST_WINDOW <= INT32_MAX,
               "a window of int16 products fits in an int32");

/* Over AMI_NET_MAX_DIM inputs, the int8 kernels' sums fit too: the lower plane's, Σ w u with 0 ≤ u ≤ 255; and
 * the upper plane's, which starts from -128 Σ w and ends as Σ w (u - 128). What lies between may wrap around
 * and comes back. */
_Static_assert((int64_t)AMI_NET_MAX_DIM *AMI_INT8_MAX * 255 <= INT32_MAX,
               "a sum of int8 products fits in an int32");

static size_t round_up(size_t n, size_t to)
{
    return (n + to - 1) / to * to;
}

size_t ami_kernel_padded_outputs(const ami_kernel *kernel, int outputs)
{
    return round_up((size_t)outputs, (size_t)kernel->lanes);
}

int ami_precision_cell_inputs(ami_precision precision)
{
    static const int inputs[AMI_PRECISIONS] = {1, 2, 2, 4};
    return inputs[precision];
}

size_t ami_kernel_groups(const ami_kernel *kernel, int inputs)
{
    const size_t cell = (size_t)ami_precision_cell_inputs(kernel->precision);
    return ((size_t)inputs + cell - 1) / cell;
}

size_t ami_kernel_row_cells(const ami_kernel *kernel, int inputs)
{
    const size_t plane = round_up(ami_kernel_groups(kernel, inputs), AMI_LINE_CELLS);
    /* One line more than needed: rows 4096 bytes apart would all fall into the same few cache sets. */
    switch (kernel->precision) {
    case AMI_PRECISION_FP32:
        return 0;
    case AMI_PRECISION_INT8:
        return (kernel->one_plane ? 1 : 2) * plane + AMI_LINE_CELLS;
    default:
        return plane + AMI_LINE_CELLS;
    }
}

size_t ami_kernel_weight_cells(const ami_kernel *kernel, int inputs, int outputs)
{
    const size_t groups = ami_kernel_groups(kernel, inputs);
    if (outputs <= AMI_DOT)
        return (size_t)outputs * round_up(groups, AMI_LINE_CELLS);
    return ami_kernel_padded_outputs(kernel, outputs) * groups;
}

static bool has_offset(const ami_kernel *kernel)
{
    return kernel->precision == AMI_PRECISION_INT8 && !kernel->one_plane;
}

/* Vectors of one number an output behind the weights: bias; with integers scale; with two planes offset. */
static size_t vectors(const ami_kernel *kernel)
{
    const bool integers = kernel->precision == AMI_PRECISION_INT8 || kernel->precision == AMI_PRECISION_INT16;
    return (size_t)(1 + integers + has_offset(kernel));
}

size_t ami_kernel_layer_size(const ami_kernel *kernel, int inputs, int outputs)
{
    const size_t vector = round_up(ami_kernel_padded_outputs(kernel, outputs) * sizeof(float), LINE);
    return round_up(ami_kernel_weight_cells(kernel, inputs, outputs) * CELL, LINE) + vectors(kernel) * vector;
}

/* count weights of one output, rounded to cells' elements; 0 ≤ count. `unit` is 1 / scale. */
AMI_VECTOR_CLONES static void round_int16(const float *w, size_t count, float unit, int16_t *q)
{
    for (size_t k = 0; k < count; k++)
        q[k] = (int16_t)(w[k] * unit + (w[k] < 0.0f ? -0.5f : 0.5f));
}

AMI_VECTOR_CLONES static void round_int8(const float *w, size_t count, float unit, int8_t *q)
{
    for (size_t k = 0; k < count; k++)
        q[k] = (int8_t)(w[k] * unit + (w[k] < 0.0f ? -0.5f : 0.5f));
}

AMI_VECTOR_CLONES static void round_bf16(const float *w, size_t count, uint16_t *q)
{
    for (size_t k = 0; k < count; k++)
        q[k] = ami_float_to_bfloat(w[k]);
}

AMI_VECTOR_CLONES static uint32_t largest_bits(const float *w, size_t count)
{
    uint32_t largest = 0;
    for (size_t k = 0; k < count; k++) {
        uint32_t bits;
        memcpy(&bits, w + k, sizeof bits);
        bits &= 0x7fffffffu;
        largest = (int32_t)bits > (int32_t)largest ? bits : largest;
    }
    return largest;
}

/* A packing under way. */
typedef struct packing {
    ami_precision precision;
    size_t inputs, groups;
    const float *weight;
    float *scale;
    int32_t *offset;
} packing;

/* Inputs rounded at once: the most that TILE cells hold. */
enum { TILE = 16, MOST_AT_ONCE = 4 * TILE };

/* count ≤ MOST_AT_ONCE inputs of output o from k on, rounded, into cells; what is missing to whole cells
 * stays as it was (zero). */
static void round_weights(const packing *p, size_t o, size_t k, size_t count, void *cell)
{
    union {
        uint16_t bf16[MOST_AT_ONCE];
        int16_t int16[MOST_AT_ONCE];
        int8_t int8[MOST_AT_ONCE];
    } q;
    const float *w = p->weight + o * p->inputs + k;
    const float unit = p->scale && p->scale[o] > 0.0f ? 1.0f / p->scale[o] : 0.0f;
    if (p->scale && unit == 0.0f)
        return; /* all zero, or one not finite: then the scale is NaN */
    switch (p->precision) {
    case AMI_PRECISION_FP32:
        memcpy(cell, w, count * sizeof *w);
        break;
    case AMI_PRECISION_BF16:
        round_bf16(w, count, q.bf16);
        memcpy(cell, q.bf16, count * sizeof q.bf16[0]);
        break;
    case AMI_PRECISION_INT16:
        round_int16(w, count, unit, q.int16);
        memcpy(cell, q.int16, count * sizeof q.int16[0]);
        break;
    default:
        round_int8(w, count, unit, q.int8);
        memcpy(cell, q.int8, count * sizeof q.int8[0]);
    }
}

enum { WIDEST = 64 }; /* panel */

static void pack_panel(const packing *p, size_t first, size_t real, size_t width, uint32_t *packed)
{
    const size_t cell_inputs = (size_t)ami_precision_cell_inputs(p->precision);
    uint32_t tile[WIDEST][TILE];
    for (size_t g = 0; g < p->groups; g += TILE) {
        const size_t groups = p->groups - g < TILE ? p->groups - g : TILE, k = g * cell_inputs;
        const size_t left = p->inputs - k, count = left < groups * cell_inputs ? left : groups * cell_inputs;
        memset(tile, 0, width * sizeof tile[0]);
        for (size_t o = 0; o < real; o++)
            round_weights(p, first + o, k, count, tile[o]);
        for (size_t i = 0; i < groups; i++, packed += width)
            for (size_t o = 0; o < width; o++)
                packed[o] = tile[o][i];
    }
}

/* Σ |w| over each output's inputs k .. k + count - 1 is at most this. */
AMI_VECTOR_CLONES static int64_t largest_sum(const float *w, size_t count, float unit)
{
    int32_t sum = 0; /* at most AMI_NET_MAX_DIM · 8191 < 2^29.1 */
    for (size_t k = 0; k < count; k++) {
        const int32_t q = (int32_t)(w[k] * unit + (w[k] < 0.0f ? -0.5f : 0.5f));
        sum += q < 0 ? -q : q;
    }
    return sum;
}

/* The longest window, a power of two of groups, in which no output's sum can overflow: |Σ w x| ≤
 * AMI_INT16_MAX Σ |w| ≤ 2^31 - 1 in every window of every output. */
static int longest_window(const packing *p, int outputs)
{
    const int64_t most = INT32_MAX / AMI_INT16_MAX;
    size_t window = SHORTEST_WINDOW;
    while (window < p->groups)
        window *= 2;
    for (int o = 0; o < outputs; o++) {
        const float unit = p->scale[o] > 0.0f ? 1.0f / p->scale[o] : 0.0f;
        const float *w = p->weight + (size_t)o * p->inputs;
        for (size_t k = 0; unit > 0.0f && window > SHORTEST_WINDOW && k < p->inputs;) {
            const size_t count = p->inputs - k < 2 * window ? p->inputs - k : 2 * window;
            if (largest_sum(w + k, count, unit) > most)
                window /= 2; /* the windows before k were sums of halves of this one's length too */
            else
                k += count;
        }
    }
    return (int)window;
}

static void find_scales(packing *p, int outputs, size_t padded, const float *unit)
{
    const float most = p->precision == AMI_PRECISION_INT8 ? AMI_INT8_MAX : AMI_INT16_MAX;
    for (size_t o = 0; o < (size_t)outputs; o++)
        p->scale[o] =
            unit ? unit[o] : ami_row_scale(largest_bits(p->weight + o * p->inputs, p->inputs), most);
    for (size_t o = (size_t)outputs; o < padded; o++)
        p->scale[o] = 0.0f;
}

static void find_offsets(const packing *p, int outputs, size_t padded)
{
    memset(p->offset, 0, padded * sizeof *p->offset);
    for (int o = 0; o < outputs; o++) {
        int8_t q[MOST_AT_ONCE];
        int32_t sum = 0;
        for (size_t k = 0; p->scale[o] > 0.0f && k < p->inputs; k += sizeof q) {
            const size_t count = p->inputs - k < sizeof q ? p->inputs - k : sizeof q;
            round_weights(p, (size_t)o, k, count, q);
            for (size_t i = 0; i < count; i++)
                sum += q[i];
        }
        p->offset[o] = -128 * sum;
    }
}

ami_layer ami_kernel_pack(const ami_kernel *kernel, int inputs, int outputs, const float *weight,
                          const float *bias, const float *unit, void *block)
{
    assert(kernel->panel <= WIDEST);
    const size_t padded = ami_kernel_padded_outputs(kernel, outputs),
                 vector = round_up(padded * sizeof(float), LINE);
    char *const behind =
        (char *)block + round_up(ami_kernel_weight_cells(kernel, inputs, outputs) * CELL, LINE);
    float *const packed_bias = (float *)behind;
    packing p = {.precision = kernel->precision,
                 .inputs = (size_t)inputs,
                 .groups = ami_kernel_groups(kernel, inputs),
                 .weight = weight};
    int window = (int)p.groups;

    memcpy(packed_bias, bias, (size_t)outputs * sizeof *bias);
    memset(packed_bias + outputs, 0, (padded - (size_t)outputs) * sizeof *bias);
    if (kernel->precision == AMI_PRECISION_INT16 || kernel->precision == AMI_PRECISION_INT8) {
        p.scale = (float *)(behind + vector);
        find_scales(&p, outputs, padded, unit);
    }
    if (kernel->precision == AMI_PRECISION_INT16)
        window = longest_window(&p, outputs);
    if (has_offset(kernel)) {
        p.offset = (int32_t *)(behind + 2 * vector);
        find_offsets(&p, outputs, padded);
    }

    uint32_t *packed = block;
    if (outputs <= AMI_DOT) {
        const size_t row = round_up(p.groups, AMI_LINE_CELLS);
        memset(packed, 0, (size_t)outputs * row * CELL);
        const size_t at_once = (size_t)(TILE * ami_precision_cell_inputs(p.precision));
        for (size_t o = 0; o < (size_t)outputs; o++)
            for (size_t k = 0; k < p.inputs; k += at_once)
                round_weights(&p, o, k, p.inputs - k < at_once ? p.inputs - k : at_once,
                              packed + o * row + k / at_once * TILE);
    } else {
        for (size_t first = 0; first < padded; first += (size_t)kernel->panel) {
            const size_t width =
                padded - first < (size_t)kernel->panel ? padded - first : (size_t)kernel->panel;
            const size_t left = (size_t)outputs - first;
            pack_panel(&p, first, left < width ? left : width, width, packed + first * p.groups);
        }
    }
    return (ami_layer){.inputs = inputs,
                       .outputs = outputs,
                       .act = AMI_ACT_IDENTITY,
                       .window = window,
                       .weight = block,
                       .bias = packed_bias,
                       .scale = p.scale,
                       .offset = p.offset};
}
