/* Running mean and standard deviation of observations (pairwise update of Chan et al. 1979) with DeepMimic's
 * rules: the deviation is at least .02, and the phase (number 0) has mean and deviation .5. Plain data: copy
 * it to save it. */
#ifndef AMI_LEARN_NORMALIZER_H
#define AMI_LEARN_NORMALIZER_H

#include "sim/observe.h"

#include <stdint.h>

typedef struct ami_normalizer {
    int64_t count, columns; /* observations so far; numbers in an observation, at most AMI_OBS_MAX */
    double mean[AMI_OBS_MAX], m2[AMI_OBS_MAX]; /* m2: sum of squared deviations from the mean */
} ami_normalizer;

/* TEAM (nets/train_net.h). Adds n observations, obs (n, columns). Threads divide the columns; each column is
 * summed in the order of rows. */
void ami_normalizer_add(ami_normalizer *normalizer, const float *obs, int n);

/* The same in two steps, for sums that are formed in parts: one column's sums over rows of obs (n, columns), of
 * the differences from the present mean and of their squares; then all columns' sums over n rows. */
void ami_normalizer_sum(const ami_normalizer *normalizer, const float *obs, int n, int column, double sum[2]);
void ami_normalizer_add_sums(ami_normalizer *normalizer, const double *sum /* (columns, 2) */, int64_t n);

/* mean (columns), std (columns): normalised = (observation - mean) / std. */
void ami_normalizer_get(const ami_normalizer *normalizer, float *mean, float *std);

#endif
