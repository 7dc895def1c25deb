/* A net in double precision, and the inputs it is measured with: what every precision is compared to when a
 * model is loaded, so it is made to be quick enough for that. */
#include "base/rng.h"
#include "nets/kernels/vector.h"
#include "nets/model.h"

#include <math.h>
#include <stdlib.h>

/* Rows go in blocks, transposed: (columns, ROWS), so that rows are what the compiler makes vectors of;
 * OUTPUTS outputs at once use each activation so often. */
enum { ROWS = 8, OUTPUTS = 4 };

/* Σ of `count` outputs' weights by x, from w on (rows of `inputs`), added to sum. Outputs that are not there
 * repeat the last one. */
AMI_VECTOR_CLONES static void multiply(const float *w, int inputs, int count, const double *x,
                                       double sum[OUTPUTS][ROWS])
{
    const size_t step = (size_t)inputs;
    const float *w0 = w, *w1 = w + (count > 1 ? step : 0), *w2 = w + (count > 2 ? 2 * step : 0),
                *w3 = w + (count > 3 ? 3 * step : 0);
    double s0[ROWS] = {0}, s1[ROWS] = {0}, s2[ROWS] = {0}, s3[ROWS] = {0};
    for (int k = 0; k < inputs; k++, x += ROWS) {
#pragma omp simd
        for (int r = 0; r < ROWS; r++) {
            s0[r] += (double)w0[k] * x[r];
            s1[r] += (double)w1[k] * x[r];
            s2[r] += (double)w2[k] * x[r];
            s3[r] += (double)w3[k] * x[r];
        }
    }
    for (int r = 0; r < ROWS; r++) {
        sum[0][r] += s0[r];
        sum[1][r] += s1[r];
        sum[2][r] += s2[r];
        sum[3][r] += s3[r];
    }
}

static void layer_double(const ami_net *net, int l, const double *x, double *y)
{
    const int inputs = net->dim[l], outputs = net->dim[l + 1];
    for (int j = 0; j < outputs; j += OUTPUTS) {
        const int count = outputs - j < OUTPUTS ? outputs - j : OUTPUTS;
        double sum[OUTPUTS][ROWS];
        for (int o = 0; o < OUTPUTS; o++)
            for (int r = 0; r < ROWS; r++)
                sum[o][r] = net->bias[l][j + (o < count ? o : 0)];
        multiply(net->weight[l] + (size_t)j * (size_t)inputs, inputs, count, x, sum);
        for (int o = 0; o < count; o++)
            for (int r = 0; r < ROWS; r++)
                y[(j + o) * ROWS + r] = ami_activation_of(net->act[l], (double)net->act_alpha[l], sum[o][r]);
    }
}

/* Row `first` and those behind it, normalised and transposed; beyond the last of `rows`, the first again. */
static void read_rows(const ami_net *net, const float *in, int rows, double *x)
{
    const double clip = net->in_clip > 0 ? (double)net->in_clip : INFINITY;
    for (int r = 0; r < ROWS; r++) {
        const float *row = in + (size_t)(r < rows ? r : 0) * (size_t)net->dim[0];
        for (int k = 0; k < net->dim[0]; k++) {
            double v = row[k];
            if (net->in_mean) {
                v = (v - (double)net->in_mean[k]) / (double)net->in_std[k];
                v = v > clip ? clip : v < -clip ? -clip : v; /* NaN stays NaN */
            }
            x[k * ROWS + r] = v;
        }
    }
}

bool ami_net_run_double(const ami_net *net, const float *in, int n, double *out, ami_error *err)
{
    int widest = net->dim[0];
    for (int l = 1; l <= net->layers; l++)
        widest = net->dim[l] > widest ? net->dim[l] : widest;
    const size_t inputs = (size_t)net->dim[0], outputs = (size_t)net->dim[net->layers];
    double *buffer = malloc(2 * (size_t)widest * ROWS * sizeof *buffer);
    if (!buffer)
        return ami_fail(err, "out of memory for a network in double precision");
    double *x = buffer, *y = buffer + (size_t)widest * ROWS;
    for (int first = 0; first < n; first += ROWS) {
        const int rows = n - first < ROWS ? n - first : ROWS;
        read_rows(net, in + (size_t)first * inputs, rows, x);
        for (int l = 0; l < net->layers; l++) {
            layer_double(net, l, x, y);
            double *const swap = x;
            x = y;
            y = swap;
        }
        for (int r = 0; r < rows; r++)
            for (size_t j = 0; j < outputs; j++)
                out[(size_t)(first + r) * outputs + j] = x[j * ROWS + (size_t)r];
    }
    free(buffer);
    return true;
}

/* Two numbers of N(0, 1) (Box and Muller 1958). */
static void draw_two(ami_rng *rng, double z[2])
{
    const double u = 1.0 - ami_rng_uniform(rng), angle = 2 * M_PI * ami_rng_uniform(rng);
    const double radius = sqrt(-2.0 * log(u));
    z[0] = radius * cos(angle);
    z[1] = radius * sin(angle);
}

void ami_net_calibration_inputs(const ami_net *net, uint64_t seed, int n, float *in)
{
    ami_rng rng = ami_rng_seed(seed, 0);
    const int inputs = net->dim[0];
    for (int i = 0; i < n; i++) {
        double z[2] = {0, 0};
        for (int k = 0; k < inputs; k++) {
            if (k % 2 == 0)
                draw_two(&rng, z); /* the other half of a pair is not carried over to the next row */
            double v = z[k % 2];
            if (net->in_mean)
                v = (double)net->in_mean[k] + (double)net->in_std[k] * v;
            in[(size_t)i * (size_t)inputs + (size_t)k] = (float)v;
        }
    }
}
