/* Running mean and standard deviation of observations (Chan et al. 1979's pairwise update), DeepMimic's
 * rules: the deviation is floored at .02 and the phase (number 0) is fixed at (p - .5) / .5. Plain data; copy
 * it to save it. */
#ifndef AMI_LEARN_NORMALIZER_H
#define AMI_LEARN_NORMALIZER_H

#include "sim/observe.h"

#include <stdint.h>

typedef struct ami_normalizer {
    int64_t count, columns;                    /* columns: numbers in an observation, at most AMI_OBS_MAX; set
                                                  at the start */
    double mean[AMI_OBS_MAX], m2[AMI_OBS_MAX]; /* m2: sum of squared deviations from the mean */
} ami_normalizer;

/* TEAM (nets/train_net.h). Takes in n observations, obs (n, columns); columns are split over threads, each
 * summed in the order of rows. */
void ami_normalizer_add(ami_normalizer *normalizer, const float *obs, int n);

/* (columns) each: what to subtract and what to divide by. */
void ami_normalizer_get(const ami_normalizer *normalizer, float *mean, float *std);

#endif
