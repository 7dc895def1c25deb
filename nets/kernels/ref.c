/* The reference kernels: plain C, any CPU, one for each precision. What the other kernels are tested against
 * and what runs where none of them does. Each output is written as kernels.h defines it, one after the other;
 * no blocks, no shortcuts. */
#include "nets/half.h"
#include "nets/kernels/kernels.h"
#include "nets/kernels/round.h"

#include <math.h>
#include <string.h>

enum { LANES = AMI_LANES_ref };
_Static_assert((int)AMI_PANEL_ref == (int)LANES, "every panel of the reference kernels has one width");
_Static_assert((int)AMI_LANES_bf16_ref == (int)LANES && (int)AMI_LANES_int16_ref == (int)LANES &&
                   (int)AMI_LANES_int8_ref == (int)LANES && (int)AMI_LANES_int8u_ref == (int)LANES,
               "the reference kernels share their layout");

void ami_activate_ref(ami_activation act, float alpha, float *y, size_t y_stride, int rows, int width)
{
    for (int r = 0; r < rows; r++)
        for (int j = 0; j < width; j++) {
            float *v = y + (size_t)r * y_stride + j;
            *v = act == AMI_ACT_RELU ? (*v < 0.0f ? 0.0f : *v)
                                     : (float)ami_activation_of(act, (double)alpha, (double)*v);
        }
}

/* Cell g of output o. */
static uint32_t weight_cell(const ami_layer *layer, size_t groups, int o, size_t g)
{
    const size_t line = (groups + AMI_LINE_CELLS - 1) / AMI_LINE_CELLS * AMI_LINE_CELLS,
                 lane = (size_t)o % LANES;
    const size_t at =
        layer->outputs <= AMI_DOT ? (size_t)o * line + g : ((size_t)o - lane) * groups + g * LANES + lane;
    uint32_t cell;
    memcpy(&cell, (const char *)layer->weight + at * sizeof cell, sizeof cell);
    return cell;
}

static uint32_t row_cell(const ami_rows *x, int r, size_t g)
{
    uint32_t cell;
    memcpy(&cell, (const char *)x->cell + ((size_t)r * x->stride + g) * sizeof cell, sizeof cell);
    return cell;
}

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

static int32_t int16_product(uint32_t w, uint32_t x)
{
    return (int32_t)(int16_t)(w & 0xffff) * (int16_t)(x & 0xffff) +
           (int32_t)(int16_t)(w >> 16) * (int16_t)(x >> 16);
}

/* Signed bytes of w by unsigned bytes of x. */
static int32_t int8_product(uint32_t w, uint32_t x)
{
    int32_t sum = 0;
    for (int i = 0; i < 32; i += 8)
        sum += (int32_t)(int8_t)(w >> i & 0xff) * (int32_t)(x >> i & 0xff);
    return sum;
}

/* One panel of fp32, a row: the one that may have to be fast, on CPUs without a kernel of their own. */
static void panel_fp32(const ami_layer *layer, int first, const float *x, float sum[LANES])
{
    const float *w = (const float *)layer->weight + (size_t)first * (size_t)layer->inputs;
    for (int j = 0; j < LANES; j++)
        sum[j] = layer->bias[first + j];
    for (int k = 0; k < layer->inputs; k++, w += LANES)
#pragma omp simd
        for (int j = 0; j < LANES; j++)
            sum[j] += w[j] * x[k];
}

static float dot_fp32(const ami_layer *layer, const float *x, int o)
{
    const size_t line = ((size_t)layer->inputs + AMI_LINE_CELLS - 1) / AMI_LINE_CELLS * AMI_LINE_CELLS;
    const float *w = (const float *)layer->weight + (size_t)o * line;
    float sum = layer->bias[o];
    for (int k = 0; k < layer->inputs; k++)
        sum += w[k] * x[k];
    return sum;
}

static float sum_bf16(const ami_layer *layer, const ami_rows *x, int r, int o)
{
    const size_t groups = ((size_t)layer->inputs + 1) / 2;
    float sum = layer->bias[o];
    for (size_t g = 0; g < groups; g++) {
        const uint32_t w = weight_cell(layer, groups, o, g), v = row_cell(x, r, g);
        sum = fmaf(float_of(w << 16), float_of(v << 16), sum);
        sum = fmaf(float_of(w & 0xffff0000u), float_of(v & 0xffff0000u), sum);
    }
    return sum;
}

static float sum_int16(const ami_layer *layer, const ami_rows *x, int r, int o)
{
    const size_t groups = ((size_t)layer->inputs + 1) / 2;
    float total = 0.0f;
    for (size_t g = 0; g < groups;) {
        int32_t sum = 0;
        for (size_t end = g + (size_t)layer->window; g < groups && g < end; g++)
            sum += int16_product(weight_cell(layer, groups, o, g), row_cell(x, r, g));
        total += (float)sum;
    }
    return fmaf(total, layer->scale[o] * x->scale[r], layer->bias[o]);
}

static float sum_int8(const ami_layer *layer, const ami_rows *x, int r, int o)
{
    const size_t groups = ((size_t)layer->inputs + 3) / 4;
    const size_t plane = (groups + AMI_LINE_CELLS - 1) / AMI_LINE_CELLS * AMI_LINE_CELLS;
    int64_t high = layer->offset[o];
    int32_t low = 0;
    for (size_t g = 0; g < groups; g++) {
        const uint32_t w = weight_cell(layer, groups, o, g);
        high += int8_product(w, row_cell(x, r, g));
        low += int8_product(w, row_cell(x, r, plane + g));
    }
    return fmaf(fmaf((float)high, 256.0f, (float)low), layer->scale[o] * x->scale[r], layer->bias[o]);
}

static float sum_int8u(const ami_layer *layer, const ami_rows *x, int r, int o)
{
    const size_t groups = ((size_t)layer->inputs + 3) / 4;
    int32_t sum = 0;
    for (size_t g = 0; g < groups; g++)
        sum += int8_product(weight_cell(layer, groups, o, g), row_cell(x, r, g));
    return fmaf((float)sum, layer->scale[o] * x->scale[r], layer->bias[o]);
}

typedef float sum_function(const ami_layer *layer, const ami_rows *x, int r, int o);

static void layer_ref(sum_function *sum, const ami_layer *layer, int first, int end, const ami_rows *x, int n,
                      float *y, size_t y_stride)
{
    for (int r = 0; r < n; r++)
        for (int o = first; o < end; o++)
            y[(size_t)r * y_stride + (size_t)o] = sum(layer, x, r, o);
    if (layer->act != AMI_ACT_IDENTITY)
        ami_activate_ref(layer->act, layer->alpha, y + first, y_stride, n, end - first);
}

void ami_layer_ref(const ami_layer *layer, int first, int end, const ami_rows *x, int n, float *y,
                   size_t y_stride)
{
    for (int r = 0; r < n; r++) {
        const float *in = (const float *)x->cell + (size_t)r * x->stride;
        float *out = y + (size_t)r * y_stride;
        for (int o = first; o < end; o += LANES) {
            float sum[LANES];
            const int width = end - o < LANES ? end - o : LANES;
            if (layer->outputs > AMI_DOT)
                panel_fp32(layer, o, in, sum);
            for (int j = 0; j < width; j++)
                out[o + j] = layer->outputs > AMI_DOT ? sum[j] : dot_fp32(layer, in, o + j);
        }
    }
    if (layer->act != AMI_ACT_IDENTITY)
        ami_activate_ref(layer->act, layer->alpha, y + first, y_stride, n, end - first);
}

void ami_layer_bf16_ref(const ami_layer *layer, int first, int end, const ami_rows *x, int n, float *y,
                        size_t y_stride)
{
    layer_ref(sum_bf16, layer, first, end, x, n, y, y_stride);
}

void ami_layer_int16_ref(const ami_layer *layer, int first, int end, const ami_rows *x, int n, float *y,
                         size_t y_stride)
{
    layer_ref(sum_int16, layer, first, end, x, n, y, y_stride);
}

void ami_layer_int8_ref(const ami_layer *layer, int first, int end, const ami_rows *x, int n, float *y,
                        size_t y_stride)
{
    layer_ref(sum_int8, layer, first, end, x, n, y, y_stride);
}

void ami_layer_int8u_ref(const ami_layer *layer, int first, int end, const ami_rows *x, int n, float *y,
                         size_t y_stride)
{
    layer_ref(sum_int8u, layer, first, end, x, n, y, y_stride);
}

static size_t row_cells(int inputs, int cell_inputs, size_t planes)
{
    const size_t groups = (size_t)((inputs + cell_inputs - 1) / cell_inputs);
    return planes * ((groups + AMI_LINE_CELLS - 1) / AMI_LINE_CELLS * AMI_LINE_CELLS) + AMI_LINE_CELLS;
}

void ami_prepare_bf16_ref(int inputs, const float *x, size_t x_stride, int n, void *cell, float *scale)
{
    (void)scale;
    const size_t stride = row_cells(inputs, 2, 1) * 4;
    for (int r = 0; r < n; r++) {
        char *row = (char *)cell + (size_t)r * stride;
        memset(row, 0, stride);
        for (int k = 0; k < inputs; k++) {
            const uint16_t q = ami_float_to_bfloat(x[(size_t)r * x_stride + (size_t)k]);
            memcpy(row + (size_t)k * sizeof q, &q, sizeof q);
        }
    }
}

/* Units of x: NaN and infinities, whose row's scale is NaN, as 0. */
static int32_t units(float x, float scale)
{
    return scale > 0.0f ? (int32_t)nearbyintf(x * (1.0f / scale)) : 0;
}

static float row_scale(const float *x, int inputs, float most)
{
    uint32_t largest = 0;
    for (int k = 0; k < inputs; k++) {
        uint32_t bits;
        memcpy(&bits, x + k, sizeof bits);
        bits &= 0x7fffffffu;
        largest = bits > largest ? bits : largest;
    }
    return ami_row_scale(largest, most);
}

void ami_prepare_int16_ref(int inputs, const float *x, size_t x_stride, int n, void *cell, float *scale)
{
    const size_t stride = row_cells(inputs, 2, 1) * 4;
    for (int r = 0; r < n; r++) {
        const float *in = x + (size_t)r * x_stride;
        char *row = (char *)cell + (size_t)r * stride;
        memset(row, 0, stride);
        scale[r] = row_scale(in, inputs, AMI_INT16_MAX);
        for (int k = 0; k < inputs; k++) {
            const int16_t q = (int16_t)units(in[k], scale[r]);
            memcpy(row + (size_t)k * sizeof q, &q, sizeof q);
        }
    }
}

void ami_prepare_int8_ref(int inputs, const float *x, size_t x_stride, int n, void *cell, float *scale)
{
    const size_t stride = row_cells(inputs, 4, 2) * 4, plane = (stride - AMI_LINE_CELLS * 4) / 2;
    for (int r = 0; r < n; r++) {
        const float *in = x + (size_t)r * x_stride;
        unsigned char *row = (unsigned char *)cell + (size_t)r * stride;
        memset(row, 0, stride);
        scale[r] = row_scale(in, inputs, AMI_INT8_ACTIVATION_MAX);
        for (int k = 0; k < inputs; k++) {
            const int32_t q = units(in[k], scale[r]) + 32768;
            row[k] = (unsigned char)(q >> 8);
            row[plane + (size_t)k] = (unsigned char)(q & 255);
        }
    }
}

void ami_prepare_int8u_ref(int inputs, const float *x, size_t x_stride, int n, void *cell, float *scale)
{
    const size_t stride = row_cells(inputs, 4, 1) * 4;
    for (int r = 0; r < n; r++) {
        const float *in = x + (size_t)r * x_stride;
        unsigned char *row = (unsigned char *)cell + (size_t)r * stride;
        memset(row, 0, stride);
        scale[r] = row_scale(in, inputs, AMI_INT8U_ACTIVATION_MAX);
        for (int k = 0; k < inputs; k++)
            row[k] = (unsigned char)(units(in[k], scale[r]) & 255);
    }
}
