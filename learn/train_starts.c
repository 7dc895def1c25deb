/* Where episodes start: a part of them where episodes fail. A clip is cut into parts of .2 s; how often an
 * episode fails in each is counted, and the moments before a failure are started from more often (adaptive
 * sampling: Liao et al. 2025, BeyondMimic; the idea of starting where learning is worst is older: Sharon and
 * van de Panne 2005). */
#include "learn/train_state.h"

#include <math.h>

static const double before_s = 1;      /* a start lies this long before where failures are counted, at most */
static const double half_life = 200e3; /* samples after which a count is worth half */

void ami_train_count_failures(ami_train *t)
{
    const double keep = exp2(-t->samples / half_life);
    for (int b = 0; b < t->bins; b++) {
        t->progress.visits[b] *= keep;
        t->progress.failures[b] *= keep;
    }
    for (int i = 0; t->bins > 0 && i < t->samples; i++) {
        t->progress.visits[t->bin[i]] += 1;
        t->progress.failures[t->bin[i]] += t->after[i] == AMI_TRAIN_FAILED;
    }
    ami_train_refresh_starts(t);
}

/* The weight of a start in part b: the chance to fail in it and in the second behind it, what is near
 * counting more. Parts that are hardly seen have the mean chance of all. */
void ami_train_refresh_starts(ami_train *t)
{
    const int n = t->bins;
    double failures = 0, visits = 0, rate[AMI_TRAIN_BINS], sum = 0;
    for (int b = 0; b < n; b++) {
        failures += t->progress.failures[b];
        visits += t->progress.visits[b];
    }
    const double mean = (failures + 1) / (visits + 100), prior = 20;
    for (int b = 0; b < n; b++)
        rate[b] = (t->progress.failures[b] + prior * mean) / (t->progress.visits[b] + prior);
    const double width = n > 0 ? ami_clip_duration(t->clip) / n : 1;
    const bool loops = n > 0 && ami_clip_loops(t->clip);
    const int ahead = (int)fmax(ceil(before_s / width), 1);
    for (int b = 0; b < n; b++) {
        double weight = 0;
        for (int k = 0; k < ahead && k < n; k++)
            if (loops || b + k < n)
                weight += rate[(b + k) % n] * (1 - (double)k / ahead);
        sum += weight;
        t->start_below[b] = sum;
    }
    for (int b = 0; b < n; b++)
        t->start_below[b] /= sum;
}

double ami_train_draw_start(ami_train *t, int e)
{
    if (t->bins == 0 || ami_rng_uniform(&t->run[e].rng) >= t->settings.start_failures)
        return -1;
    const double u = ami_rng_uniform(&t->run[e].rng);
    int b = 0;
    while (b + 1 < t->bins && u >= t->start_below[b])
        b++;
    return (b + ami_rng_uniform(&t->run[e].rng)) / t->bins;
}
