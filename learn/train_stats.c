/* Statistics of an iteration, and of its episodes. */
#include "learn/train_state.h"

#include <math.h>
#include <string.h>

/* Width of sums over environments: as many as a training has at least. */
enum {
    GENERATED = 1 + AMI_REFUSALS, /* invented motions, and those of each refusal */
};
_Static_assert(2 * (int)AMI_OBS_MAX >= (int)TALLY + (int)GENERATED, "");

/* Collective. The sum of all environments' tallies; returns what their generators have counted (GENERATED). */
static const double *sum_environments(ami_train *t, tally *all)
{
    for (int s = 0; s < ami_shards_own(&t->shards); s++) {
        int first;
        const int n = ami_train_shard(t, s, &first);
        tally sum = {0};
        double *to = t->sums + (size_t)s * (TALLY + GENERATED), *generated = to + TALLY;
        memset(generated, 0, GENERATED * sizeof *generated);
        for (int e = first; e < first + n; e++) {
            ami_tally_add(&sum, &t->env_tally[e]);
            if (!t->generator)
                continue;
            const ami_generator_counts *counts = ami_generator_get_counts(t->generator[e]);
            generated[0] += (double)counts->made;
            for (int k = 0; k < AMI_REFUSALS; k++)
                generated[1 + k] += (double)counts->refused[k];
        }
        memcpy(to, &sum, sizeof sum);
    }
    ami_train_sum(t, TALLY + GENERATED);
    memcpy(all, t->total, sizeof *all);
    return t->total + TALLY;
}

void ami_train_fill_episodes(const tally *sum, ami_train_stats *stats)
{
    const double episodes = fmax(sum->episodes, 1);
    stats->episodes = (int64_t)sum->episodes;
    stats->episode_s = sum->episode_s / episodes;
    stats->normalised_return = sum->normalised_return / episodes;
    stats->survived = sum->survived / episodes;
    stats->fell = sum->fell / episodes;
    stats->lost = sum->lost / episodes;
    stats->fell_on = -1;
    for (int b = 0; b < AMI_BODIES; b++)
        if (sum->fell_on[b] > (stats->fell_on < 0 ? 0 : sum->fell_on[stats->fell_on]))
            stats->fell_on = b;
}

void ami_train_fill_stats(ami_train *train, ami_train_stats *stats)
{
    tally all = {0}, window = {0};
    const double *generated = sum_environments(train, &all);
    train->progress.window[train->progress.iterations % AMI_TRAIN_WINDOW] = all;
    train->progress.unstable += all.unstable;
    for (int k = 0; k < AMI_TRAIN_WINDOW; k++)
        ami_tally_add(&window, &train->progress.window[k]);

    const double n = (double)train->all_samples;
    stats->reward = all.reward / n;
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        stats->part[k] = all.part[k] / n;
    stats->root_m = all.root_m / n;
    stats->joint_rad = all.joint_rad / n;
    stats->end_effector_m = all.end_effector_m / n;
    stats->limited = all.limited / n;
    ami_train_fill_episodes(&window, stats);
    stats->unstable = (int64_t)train->progress.unstable;
    for (int e = 0; e < train->envs && !stats->failure; e++)
        stats->failure = train->env[e].world.failure[0] ? train->env[e].world.failure : NULL;
    stats->motions = (int64_t)generated[0];
    for (int k = 0; k < AMI_REFUSALS; k++)
        stats->refused += (int64_t)generated[1 + k];
}
