/* Runs the iterations of trainings. */
#include "learn/train_state.h"

#include "base/clock.h"
#include "learn/gae.h"

#include <math.h>
#include <string.h>

void ami_train_refresh_normalizer(ami_train *train)
{
    ami_normalizer_get(&train->normalizer, train->in_mean, train->in_std);
}

static void pack_actor(ami_train *t)
{
    ami_net_set_parameters(t->actor_net, ami_train_net_parameters(ami_ppo_actor(t->ppo)));
    ami_model_repack(t->actor, t->actor_net);
}

void ami_train_add_to_normalizer(ami_train *train, int steps)
{
    const int own = ami_shards_own(&train->shards), columns = train->inputs;
#pragma omp parallel for schedule(dynamic, 16)
    for (int i = 0; i < own * columns; i++) {
        int first;
        const int n = ami_train_shard(train, i / columns, &first);
        ami_normalizer_sum(&train->normalizer, train->obs + (size_t)(first * steps) * (size_t)columns,
                           n * steps, i % columns, train->sums + 2 * (size_t)i);
    }
    if (ami_train_sum(train, 2 * columns))
        ami_normalizer_add_sums(&train->normalizer, train->total, (int64_t)train->all_envs * steps);
}

/* Computes values of all states, then advantages and targets. Returns the fraction of the targets' variance
 * that is explained by the values. */
static double estimate_advantages(ami_train *t)
{
    ami_ppo_values(t->ppo, t->x, t->samples, t->value);
    ami_ppo_values(t->ppo, t->extra, t->envs * t->extras, t->extra_value);
    for (int i = 0; i < t->samples; i++)
        t->next[i] = t->after[i] == AMI_TRAIN_FAILED     ? 0
                     : t->after[i] == AMI_TRAIN_NO_EXTRA ? t->value[i + 1]
                                                         : t->extra_value[t->after[i]];
    for (int e = 0; e < t->envs; e++) {
        const int i = e * t->steps;
        ami_gae(t->steps, t->reward + i, t->value + i, t->next + i, t->last + i, (float)t->gamma,
                (float)t->settings.lambda, t->advantage + i, t->target + i);
    }
    const double n = (double)t->all_samples;
    double mean[2] = {0};
    for (int squared = 0; squared < 2; squared++) {
        for (int s = 0; s < ami_shards_own(&t->shards); s++) {
            double *sum = t->sums + 2 * (size_t)s;
            int first;
            const int envs = ami_train_shard(t, s, &first);
            sum[0] = sum[1] = 0;
            for (int i = first * t->steps; i < (first + envs) * t->steps; i++) {
                const double target = t->target[i] - mean[0], error = t->advantage[i] - mean[1];
                sum[0] += squared ? target * target : target;
                sum[1] += squared ? error * error : error;
            }
        }
        ami_train_sum(t, 2);
        for (int k = 0; k < 2 && !squared; k++)
            mean[k] = t->total[k] / n;
    }
    return 1 - t->total[1] / fmax(t->total[0], 1e-12);
}

/* Adapts the actor's learning rate to the KL divergence of its last update. */
static void adapt_rate(ami_train *t, double kl)
{
    const double target =
        t->settings.kl * pow(t->settings.kl_end / t->settings.kl, ami_train_fraction_done(t));
    /* reduced if kl is NaN */
    const double rate = t->progress.actor_rate * (kl <= target ? 1.1 : 1 / 1.1);
    t->progress.actor_rate = fmin(fmax(rate, 1e-7), 1e-2);
}

/* The horizon 1 / (1 - gamma) grows geometrically. */
double ami_train_gamma(const ami_train *train)
{
    const double start = 1 - train->settings.gamma, end = 1 - train->settings.gamma_end;
    return 1 - start * pow(end / start, ami_train_fraction_done(train));
}

void ami_train_iterate(ami_train *train, ami_train_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    train->gamma = ami_train_gamma(train);
    stats->noise = ami_train_noise(train);
    stats->push_speed = ami_train_push(train);
    stats->actor_rate = train->progress.actor_rate;
    const double started = ami_clock_now();
    pack_actor(train);
    ami_train_collect(train);
    const double collected = ami_clock_now();

    stats->explained = estimate_advantages(train);
    const ami_ppo_batch batch = {.x = train->x,
                                 .action = train->action,
                                 .mean = train->mean,
                                 .advantage = train->advantage,
                                 .target = train->target,
                                 .noise = (float)ami_train_fresh_noise(train),
                                 .teacher_action = train->teacher_action,
                                 .has_teacher = train->has_teacher,
                                 .teach = (float)ami_train_teach(train)};
    /* Also if memory was short here: the other ranks are told so by it. */
    ami_ppo_update(train->ppo, &batch, (float)train->progress.actor_rate, &train->progress.shuffle,
                   &stats->ppo);
    if (ami_ppo_failed(train->ppo, NULL))
        return;
    if (train->mirror)
        stats->copy_error = ami_train_copy(train);
    if (ami_train_failed(train, NULL))
        return;
    ami_train_count_failures(train);
    ami_train_count_clips(train);
    ami_train_fill_stats(train, stats);
    if (train->normalizer.count < (int64_t)train->settings.normalizer_samples) {
        ami_train_add_to_normalizer(train, train->steps);
        ami_train_refresh_normalizer(train);
    }
    if (ami_train_failed(train, NULL))
        return;
    train->progress.samples += train->all_samples;
    train->progress.iterations++;
    ami_train_average(train);
    adapt_rate(train, stats->ppo.kl);

    stats->iteration = train->progress.iterations;
    stats->samples = train->progress.samples;
    stats->collect_s = collected - started;
    stats->learn_s = ami_clock_now() - collected;
}

bool ami_train_failed(const ami_train *train, ami_error *err)
{
    return ami_ppo_failed(train->ppo, err) || (train->mirror && ami_copier_failed(&train->copier, err));
}

const char *ami_train_motion(const ami_train *train)
{
    return train->motion;
}

void ami_train_set_samples(ami_train *train, double samples)
{
    train->settings.samples = samples;
}

const ami_settings *ami_train_settings(const ami_train *train)
{
    return &train->settings;
}

int64_t ami_train_samples(const ami_train *train)
{
    return train->progress.samples;
}

int64_t ami_train_iterations(const ami_train *train)
{
    return train->progress.iterations;
}

bool ami_train_uses_bf16(const ami_train *train)
{
    return train->bf16;
}
