/* Where episodes start. Of a clip that does not loop, a fraction starts at its first pose, where it is judged
 * from. Adaptive starts: of the others, a fraction starts shortly before the parts of the clip in which episodes
 * fail. A clip is divided into parts of .2 s, for which failures are counted (adaptive sampling: Liao et al.
 * 2025, BeyondMimic; starting where learning is worst: Sharon and van de Panne 2005). */
#include "learn/train_state.h"

#include <math.h>
#include <string.h>

static const double before_s = 1;      /* s, max time of a start before the failures it is chosen for */
static const double half_life = 200e3; /* samples, of the decay of counts */

void ami_train_count_failures(ami_train *train)
{
    const double keep = exp2(-(double)train->all_samples / half_life);
    const size_t bins = (size_t)train->bins;
    for (int s = 0; bins > 0 && s < ami_shards_own(&train->shards); s++) {
        double *visits = train->sums + (size_t)s * 2 * bins, *failures = visits + bins;
        int first;
        const int n = ami_train_shard(train, s, &first);
        memset(visits, 0, 2 * bins * sizeof *visits);
        for (int i = first * train->steps; i < (first + n) * train->steps; i++) {
            visits[train->bin[i]] += 1;
            failures[train->bin[i]] += train->after[i] == AMI_TRAIN_FAILED;
        }
    }
    if (bins > 0)
        ami_train_sum(train, 2 * train->bins);
    for (size_t b = 0; b < bins; b++) {
        train->progress.visits[b] = train->progress.visits[b] * keep + train->total[b];
        train->progress.failures[b] = train->progress.failures[b] * keep + train->total[bins + b];
    }
    ami_train_refresh_starts(train);
}

/* The weight of a start in part b is the failure rate in it and in the second after it, with linearly
 * decreasing weights. Parts with few visits have the mean rate. */
void ami_train_refresh_starts(ami_train *train)
{
    const int n = train->bins;
    double failures = 0, visits = 0, rate[AMI_TRAIN_BINS], sum = 0;
    for (int b = 0; b < n; b++) {
        failures += train->progress.failures[b];
        visits += train->progress.visits[b];
    }
    const double mean = (failures + 1) / (visits + 100), prior = 20;
    for (int b = 0; b < n; b++)
        rate[b] = (train->progress.failures[b] + prior * mean) / (train->progress.visits[b] + prior);
    const double width = n > 0 ? ami_clip_duration(train->clip) / n : 1;
    const bool loops = n > 0 && ami_clip_loops(train->clip);
    const int ahead = (int)fmax(ceil(before_s / width), 1);
    for (int b = 0; b < n; b++) {
        double weight = 0;
        for (int k = 0; k < ahead && k < n; k++)
            if (loops || b + k < n)
                weight += rate[(b + k) % n] * (1 - (double)k / ahead);
        sum += weight;
        train->start_below[b] = sum;
    }
    for (int b = 0; b < n; b++)
        train->start_below[b] /= sum;
}

double ami_train_draw_start(ami_train *train, int e)
{
    if (train->bins == 0)
        return -1;
    if (!ami_clip_loops(train->clip) && ami_rng_uniform(&train->run[e].rng) < train->settings.start_first)
        return 0;
    if (ami_rng_uniform(&train->run[e].rng) >= train->settings.start_failures)
        return -1;
    const double u = ami_rng_uniform(&train->run[e].rng);
    int b = 0;
    while (b + 1 < train->bins && u >= train->start_below[b])
        b++;
    return (b + ami_rng_uniform(&train->run[e].rng)) / train->bins;
}
