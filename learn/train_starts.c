/* Where episodes start. Of a clip that does not loop, a fraction starts at its first pose, where it is judged
 * from. Adaptive starts: of the others, a fraction starts shortly before the parts of the clip in which episodes
 * fail. A clip is divided into parts of .2 s, for which failures are counted (adaptive sampling: Liao et al.
 * 2025, BeyondMimic; starting where learning is worst: Sharon and van de Panne 2005). */
#include "learn/train_state.h"

#include <math.h>
#include <string.h>

static const double before_s = 1; /* s, max time of a start before the failures it is chosen for */
static const double half_life =
    200e3; /* samples, of the decay of counts, times the root of the number of clips */

/* Adds an own shard's samples to `sum`: visits of the parts of all clips, and failures. */
static void add_shard(const ami_train *t, int shard, int bins, double *sum)
{
    int first;
    const int n = ami_train_shard(t, shard, &first);
    double *visits = sum, *failures = sum + bins;
    memset(visits, 0, 2 * (size_t)bins * sizeof *visits);
    for (int i = first * t->steps; i < (first + n) * t->steps; i++) {
        const int b = t->bin[i] + (t->facts ? t->clip[t->facts[i].clip].first_bin : 0);
        visits[b] += 1;
        failures[b] += t->after[i] == AMI_TRAIN_FAILED;
    }
}

void ami_train_count_failures(ami_train *train)
{
    const clip_state *last = train->clips > 0 ? &train->clip[train->clips - 1] : NULL;
    const int bins = last ? last->first_bin + last->bins : 0;
    if (bins == 0)
        return;
    const double keep = exp2(-(double)train->all_samples / (half_life * sqrt(train->clips)));
    for (int s = 0; s < ami_shards_own(&train->shards); s++)
        add_shard(train, s, bins, train->sums + (size_t)s * 2 * (size_t)bins);
    ami_train_sum(train, 2 * bins);
    for (int c = 0; c < train->clips; c++) {
        clip_parts *parts = &train->parts[c];
        const double *visits = train->total + train->clip[c].first_bin, *failures = visits + bins;
        for (int b = 0; b < train->clip[c].bins; b++) {
            parts->visits[b] = parts->visits[b] * keep + visits[b];
            parts->failures[b] = parts->failures[b] * keep + failures[b];
        }
    }
    ami_train_refresh_starts(train);
}

/* The weight of a start in part b is the failure rate in it and in the second after it, with linearly
 * decreasing weights. Parts with few visits have the mean rate. */
static void refresh_clip(clip_state *clip, const clip_parts *parts)
{
    const int n = clip->bins;
    double failures = 0, visits = 0, rate[AMI_TRAIN_BINS], sum = 0;
    for (int b = 0; b < n; b++) {
        failures += parts->failures[b];
        visits += parts->visits[b];
    }
    const double mean = (failures + 1) / (visits + 100), prior = 20;
    for (int b = 0; b < n; b++)
        rate[b] = (parts->failures[b] + prior * mean) / (parts->visits[b] + prior);
    const double width = ami_clip_duration(clip->clip) / n;
    const bool loops = ami_clip_loops(clip->clip);
    const int ahead = (int)fmax(ceil(before_s / width), 1);
    for (int b = 0; b < n; b++) {
        double weight = 0;
        for (int k = 0; k < ahead && k < n; k++)
            if (loops || b + k < n)
                weight += rate[(b + k) % n] * (1 - (double)k / ahead);
        sum += weight;
        clip->start_below[b] = sum;
    }
    for (int b = 0; b < n; b++)
        clip->start_below[b] /= sum;
}

void ami_train_refresh_starts(ami_train *train)
{
    for (int c = 0; c < train->clips; c++)
        refresh_clip(&train->clip[c], &train->parts[c]);
}

double ami_train_draw_start(ami_train *train, int e)
{
    if (train->clips == 0)
        return -1;
    const clip_state *clip = &train->clip[train->env_clip[e].clip];
    if (!ami_clip_loops(clip->clip) && ami_rng_uniform(&train->run[e].rng) < train->settings.start_first)
        return 0;
    if (ami_rng_uniform(&train->run[e].rng) >= train->settings.start_failures)
        return -1;
    const double u = ami_rng_uniform(&train->run[e].rng);
    int b = 0;
    while (b + 1 < clip->bins && u >= clip->start_below[b])
        b++;
    return (b + ami_rng_uniform(&train->run[e].rng)) / clip->bins;
}
