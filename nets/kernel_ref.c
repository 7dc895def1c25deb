/* The reference kernel: plain C, any CPU. What the other kernels are tested against and what runs where none of them does. */
#include "nets/kernels.h"

enum { LANES = AMB_LANES_ref };
_Static_assert((int)AMB_PANEL_ref == (int)LANES, "every panel of the reference kernel has one width");

void amb_layer_ref(const amb_layer *layer, const float *x, size_t x_stride, int n, float *y, size_t y_stride)
{
    const int inputs = layer->inputs, outputs = layer->outputs;
    for (int first = 0; first < outputs; first += LANES) {
        const int width = outputs - first < LANES ? outputs - first : LANES;
        const float *panel = layer->weight + (size_t)first * (size_t)inputs;
        for (int row = 0; row < n; row++) {
            const float *in = x + (size_t)row * x_stride, *w = panel;
            float *out = y + (size_t)row * y_stride + first;

            float sum[LANES];
            for (int j = 0; j < LANES; j++)
                sum[j] = layer->bias[first + j];
            for (int k = 0; k < inputs; k++, w += LANES)
#pragma omp simd
                for (int j = 0; j < LANES; j++)
                    sum[j] += w[j] * in[k];
            if (layer->act == AMB_ACT_RELU)
                for (int j = 0; j < LANES; j++)
                    sum[j] = sum[j] < 0.0f ? 0.0f : sum[j];
            for (int j = 0; j < width; j++)
                out[j] = sum[j];
        }
    }
}
