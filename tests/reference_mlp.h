/* A reference for tests of training: a ReLU perceptron's plain formulas, row by row, in double. Parameters
 * as in nets/train_net.h. */
#ifndef AMI_TESTS_REFERENCE_MLP_H
#define AMI_TESTS_REFERENCE_MLP_H

#include <math.h>
#include <stddef.h>
#include <stdlib.h>

enum { MAX_LAYERS = 4 };

typedef struct net_shape {
    int layers, dim[MAX_LAYERS + 1], max_rows;
} net_shape;

/* h holds every layer's activations for one row, one after the other. Returns the last layer's. */
static const double *reference_forward(const net_shape *shape, const double *p, const float *x, double *h)
{
    const double *in = NULL;
    for (int l = 0; l < shape->layers; l++) {
        const int ni = shape->dim[l], no = shape->dim[l + 1];
        const double *bias = p + (size_t)ni * (size_t)no;
        for (int o = 0; o < no; o++) {
            double sum = bias[o];
            for (int i = 0; i < ni; i++)
                sum += p[o * ni + i] * (l == 0 ? (double)x[i] : in[i]);
            h[o] = l < shape->layers - 1 && sum < 0 ? 0 : sum;
        }
        p = bias + no;
        in = h;
        h += no;
    }
    return in;
}

static double reference_loss(const net_shape *shape, const double *p, const float *x, const float *dout,
                             int n, double *h)
{
    const int in = shape->dim[0], out = shape->dim[shape->layers];
    double loss = 0;
    for (int r = 0; r < n; r++) {
        const double *y = reference_forward(shape, p, x + r * in, h);
        for (int o = 0; o < out; o++)
            loss += y[o] * (double)dout[r * out + o];
    }
    return loss;
}

static double *reference_gradient(const net_shape *shape, const double *p, const float *x, const float *dout,
                                  int n, size_t size)
{
    double *gradient = calloc(size, sizeof *gradient), *h = malloc(size * sizeof *h),
           *d = malloc(size * sizeof *d);
    const int out = shape->dim[shape->layers];
    for (int r = 0; r < n; r++) {
        const double *y = reference_forward(shape, p, x + r * shape->dim[0], h);
        size_t end = size, at = (size_t)(y - h); /* of the layer's parameters, of its activations */
        for (int o = 0; o < out; o++)
            d[at + (size_t)o] = (double)dout[r * out + o];
        for (int l = shape->layers - 1; l >= 0; l--) {
            const size_t ni = (size_t)shape->dim[l], no = (size_t)shape->dim[l + 1],
                         weight = end - no * (ni + 1), below = at - ni;
            for (size_t i = 0; i < ni; i++) {
                double sum = 0;
                for (size_t o = 0; o < no; o++) {
                    gradient[weight + o * ni + i] +=
                        d[at + o] * (l == 0 ? (double)x[r * shape->dim[0] + (int)i] : h[below + i]);
                    sum += d[at + o] * p[weight + o * ni + i];
                }
                if (l > 0)
                    d[below + i] = h[below + i] > 0 ? sum : 0;
            }
            for (size_t o = 0; o < no; o++)
                gradient[end - no + o] += d[at + o];
            end = weight;
            at = below;
        }
    }
    free(h);
    free(d);
    return gradient;
}

static double *doubles(const float *x, size_t n)
{
    double *y = malloc(n * sizeof *y);
    for (size_t i = 0; i < n; i++)
        y[i] = (double)x[i];
    return y;
}

/* |got - expected| / |expected|, Euclidean. */
static double relative_error(const float *got, const double *expected, size_t n)
{
    double difference = 0, size = 0;
    for (size_t i = 0; i < n; i++) {
        difference += ((double)got[i] - expected[i]) * ((double)got[i] - expected[i]);
        size += expected[i] * expected[i];
    }
    return sqrt(difference / (size > 0 ? size : 1));
}

#endif
