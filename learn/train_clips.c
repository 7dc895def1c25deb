/* Several clips: which one an episode follows, and what is known of each.
 *
 * A fraction 1 - clip_failures of the samples is divided evenly; the rest in proportion to 1 - r, where r is the
 * clip's normalised return in recent episodes, with exploration noise. Episodes differ in length (a clip that
 * fails early would get few samples if clips were drawn evenly), so the probability of a clip is its fraction of
 * the samples divided by the recent mean length of its episodes. Both are known better with time: a clip counts as
 * if it had a few episodes of the mean length and return of all.
 *
 * Sums go over shards, and every environment draws with its own generator, so the draws depend neither on threads
 * nor on ranks. */
#include "learn/train_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double half_life = 200e3; /* samples, times the root of the number of clips */
static const double prior = 4;         /* episodes */

void ami_train_draw_clip(ami_train *train, int e)
{
    env_clip *now = &train->env_clip[e];
    ami_rng *rng = &train->run[e].rng;
    if (train->clips > 1) {
        const double u = ami_rng_uniform(rng);
        now->clip = 0;
        while (now->clip + 1 < train->clips && u >= train->clip_below[now->clip])
            now->clip++;
    }
    if (train->settings.mirrored > 0)
        now->mirrored = ami_rng_uniform(rng) < train->settings.mirrored && !train->clip[now->clip].folded;
    if (train->clips > 1)
        ami_train_use_clip(train, e);
}

void ami_train_use_clip(ami_train *train, int e)
{
    ami_env *env = &train->env[e];
    const clip_state *c = &train->clip[train->env_clip[e].clip];
    env->def.clip = c->clip;
    env->def.may_touch = c->may_touch;
    env->def.episode_s = c->episode_s;
    env->steps_max = (int)ceil(c->episode_s / env->control_dt - 1e-9);
}

/* Adds an own shard's samples to sum (clips, TALLY + 1): of each clip the tally and the number of samples. */
static void add_shard(const ami_train *t, int shard, double *sum)
{
    int first;
    const int n = ami_train_shard(t, shard, &first);
    for (int i = first * t->steps; i < (first + n) * t->steps; i++) {
        const sample_facts *f = &t->facts[i];
        double *row = sum + (size_t)f->clip * (TALLY + 1);
        tally *to = (tally *)row;
        row[TALLY] += 1;
        to->reward += (double)t->reward[i] / (1 - t->gamma);
        to->limited += (double)f->limited;
        if (f->end == AMI_ENV_GOES_ON)
            continue;
        to->episodes += 1;
        to->episode_s += (double)f->episode_s;
        to->normalised_return += (double)f->normalised_return;
        to->survived += f->end == AMI_ENV_TIME_OUT;
        to->unstable += f->end == AMI_ENV_UNSTABLE;
        to->fell += f->end == AMI_ENV_FELL;
        to->lost += f->end == AMI_ENV_LOST;
        for (int b = 0; b < AMI_BODIES; b++)
            to->fell_on[b] += (f->fell_on & 1u << b) != 0;
    }
}

void ami_train_count_clips(ami_train *train)
{
    const int width = train->clips * (TALLY + 1);
    if (train->clips <= 1)
        return;
    memset(train->sums, 0, (size_t)ami_shards_own(&train->shards) * (size_t)width * sizeof *train->sums);
    for (int s = 0; s < ami_shards_own(&train->shards); s++)
        add_shard(train, s, train->sums + (size_t)s * (size_t)width);
    ami_train_sum(train, width);
    const double keep = exp2(-(double)train->all_samples / (half_life * sqrt(train->clips)));
    for (int c = 0; c < train->clips; c++) {
        clip_record *r = &train->record[c];
        const double *row = train->total + (size_t)c * (TALLY + 1);
        for (int k = 0; k < TALLY; k++)
            ((double *)&r->recent)[k] *= keep;
        ami_tally_add(&r->recent, (const tally *)row);
        r->recent_samples = r->recent_samples * keep + row[TALLY];
        r->samples += row[TALLY];
        r->unstable += ((const tally *)row)->unstable;
    }
    ami_train_refresh_clips(train);
}

void ami_train_refresh_clips(ami_train *train)
{
    const int n = train->clips;
    double samples = 0, episodes = 0, returns = 0, lacks = 0, sum = 0;
    if (n <= 1)
        return;
    for (int c = 0; c < n; c++) {
        samples += train->record[c].recent_samples;
        episodes += train->record[c].recent.episodes;
        returns += train->record[c].recent.normalised_return;
    }
    const double steps = (samples + 30) / (episodes + 1), mean = returns / fmax(episodes, 1);
    for (int pass = 0; pass < 2; pass++)
        for (int c = 0; c < n; c++) {
            const clip_record *r = &train->record[c];
            const double known = r->recent.episodes + prior;
            const double lack = fmax(1 - (r->recent.normalised_return + prior * mean) / known, 1e-3);
            if (pass == 0) {
                lacks += lack;
                continue;
            }
            const double length = (r->recent_samples + prior * steps) / known,
                         part = train->settings.clip_failures;
            sum += ((1 - part) / n + part * lack / lacks) / length;
            train->clip_below[c] = sum;
        }
    for (int c = 0; c < n; c++)
        train->clip_below[c] /= sum;
}

int ami_train_clip_count(const ami_train *train)
{
    return train->clips;
}

const ami_clip *ami_train_get_clip(const ami_train *train, int clip)
{
    return train->clip[clip].clip;
}

void ami_train_clip_stats(const ami_train *train, int clip, ami_train_stats *stats)
{
    const clip_record *r = &train->record[clip];
    *stats = (ami_train_stats){.iteration = train->progress.iterations,
                               .samples = (int64_t)r->samples,
                               .reward = r->recent.reward / fmax(r->recent_samples, 1),
                               .limited = r->recent.limited / fmax(r->recent_samples, 1),
                               .unstable = (int64_t)r->unstable};
    ami_train_fill_episodes(&r->recent, stats);
}

char *ami_train_print_clips(const ami_train *train)
{
    ami_listed_motion *list = calloc((size_t)train->clips, sizeof *list);
    for (int c = 0; list && c < train->clips; c++) {
        snprintf(list[c].name, sizeof list[c].name, "%s", ami_clip_name(train->clip[c].clip));
        list[c].crc = ami_clip_crc(train->clip[c].clip);
        list[c].may_touch = train->clip[c].may_touch;
    }
    char *text = list ? ami_motion_list_print(list, train->clips) : NULL;
    free(list);
    return text;
}
