/* Updates the running mean and standard deviation of observations. */
#include "learn/normalizer.h"

#include <math.h>

void ami_normalizer_sum(const ami_normalizer *normalizer, const float *obs, int n, int column, double sum[2])
{
    const size_t columns = (size_t)normalizer->columns;
    const double from = normalizer->mean[column];
    sum[0] = sum[1] = 0;
    for (int i = 0; i < n; i++) {
        const double d = obs[(size_t)i * columns + (size_t)column] - from;
        sum[0] += d;
        sum[1] += d * d;
    }
}

static void add_column(ami_normalizer *normalizer, int column, const double sum[2], double n)
{
    const double before = (double)normalizer->count, d = sum[0] / n;
    normalizer->mean[column] += d * n / (before + n);
    normalizer->m2[column] += fmax(sum[1] - d * sum[0], 0) + d * d * before * n / (before + n);
}

void ami_normalizer_add_sums(ami_normalizer *normalizer, const double *sum, int64_t n)
{
    for (int k = 0; k < (int)normalizer->columns && n > 0; k++)
        add_column(normalizer, k, sum + 2 * k, (double)n);
    normalizer->count += n;
}

void ami_normalizer_add(ami_normalizer *normalizer, const float *obs, int n)
{
    if (n < 1)
        return;
#pragma omp for schedule(dynamic, 16)
    for (int k = 0; k < (int)normalizer->columns; k++) {
        double sum[2];
        ami_normalizer_sum(normalizer, obs, n, k, sum);
        add_column(normalizer, k, sum, n);
    }
#pragma omp single
    normalizer->count += n;
}

void ami_normalizer_get(const ami_normalizer *normalizer, float *mean, float *std)
{
    const double floor = .02;
    for (int k = 0; k < (int)normalizer->columns; k++) {
        mean[k] = (float)normalizer->mean[k];
        std[k] = normalizer->count > 1
                     ? (float)fmax(sqrt(normalizer->m2[k] / (double)normalizer->count), floor)
                     : 1;
    }
    mean[0] = .5f;
    std[0] = .5f;
}
