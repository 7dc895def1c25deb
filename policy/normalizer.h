/* Running mean and standard deviation of observations (Chan et al. 1979's pairwise update), DeepMimic's rules: the deviation is floored at
 * .02 and the phase (number 0) is fixed at (p - .5) / .5. Plain data; copy it to save it. */
#ifndef AMB_POLICY_NORMALIZER_H
#define AMB_POLICY_NORMALIZER_H

#include "sim/observe.h"

#include <stdint.h>

typedef struct amb_normalizer {
    int64_t count;
    double mean[AMB_OBS], m2[AMB_OBS]; /* m2: sum of squared deviations from the mean */
} amb_normalizer;

/* TEAM (nets/train_net.h). Takes in n observations, obs (n, AMB_OBS); columns are split over threads, each summed in the order of rows. */
void amb_normalizer_add(amb_normalizer *normalizer, const float *obs, int n);

/* (AMB_OBS) each: what to subtract and what to divide by. */
void amb_normalizer_get(const amb_normalizer *normalizer, float *mean, float *std);

#endif
