/* Updates the running mean and standard deviation of observations. */
#include "learn/normalizer.h"

#include <math.h>

void ami_normalizer_add(ami_normalizer *normalizer, const float *obs, int n)
{
    if (n < 1)
        return;
    const int columns = (int)normalizer->columns;
    const double before = (double)normalizer->count, after = before + n;
#pragma omp for schedule(dynamic, 16)
    for (int k = 0; k < columns; k++) {
        double mean = 0, m2 = 0;
        for (int i = 0; i < n; i++)
            mean += obs[(size_t)i * (size_t)columns + (size_t)k];
        mean /= n;
        for (int i = 0; i < n; i++) {
            const double d = obs[(size_t)i * (size_t)columns + (size_t)k] - mean;
            m2 += d * d;
        }
        const double d = mean - normalizer->mean[k];
        normalizer->mean[k] += d * n / after;
        normalizer->m2[k] += m2 + d * d * before * n / after;
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
