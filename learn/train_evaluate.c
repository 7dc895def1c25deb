/* Evaluates the networks of a training by rollouts. */
#include "learn/spread.h"
#include "learn/train_state.h"
#include "policy/rollout.h"

#include <stdlib.h>
#include <string.h>

static void set_up(const ami_train *t, int clip, int envs, double seconds, ami_rollout_def *def,
                   ami_generator_def *generator)
{
    *def = (ami_rollout_def){.env = ami_train_env_def(t, 0), .envs = envs};
    ami_env_def *env = &def->env;
    env->seed = 20180406; /* characters of their own, not the training's */
    env->may_touch = ami_train_may_touch(t, clip);
    env->episode_s = seconds;
    env->push_random = false;
    env->start_heading = 0;
    env->max_root_m = env->max_height_m = env->max_tilt = env->max_body_m =
        0; /* only a fall ends an episode */
    env->hold_s[0] = env->hold_s[1] = -1;
    if (t->generator) {
        *generator = ami_generator_default_def(t->styles.nets, &t->plan);
        generator->seed = env->seed;
        def->generator = generator;
        return;
    }
    env->clip = t->clip[clip].clip;
    if (!ami_clip_loops(env->clip)) {
        env->start_phase = 0;
        env->episode_s = ami_clip_duration(env->clip);
    }
}

/* With one clip. */
static bool evaluate(const ami_train *t, int clip, const ami_policy *policy, int envs, double seconds,
                     ami_train_score *score, ami_error *err)
{
    ami_rollout_def def;
    ami_generator_def generator;
    ami_rollout_result result = {0};
    const ami_rollout_share share = ami_spread(t->shards.exchange);
    set_up(t, clip, envs, seconds, &def, &generator);
    def.policy = policy;
    def.share = &share;
    memset(score, 0, sizeof *score);
    const bool ok = ami_rollout_run(&def, &result, err);
    if (ok) {
        *score = (ami_train_score){
            .normalised_return = result.normalised_return,
            .survival = result.survival,
            .success = result.success,
            .seconds = result.seconds,
            .root_m = result.root_m,
            .joint_rad = result.joint_rad,
            .end_effector_m = result.end_effector_m,
            .failed = result.failed,
        };
        memcpy(score->failure, result.failure, sizeof score->failure);
    }
    ami_rollout_result_free(&result);
    return ok;
}

bool ami_train_evaluate_clips(const ami_train *train, int envs, double seconds, ami_train_score *score,
                              ami_error *err)
{
    ami_policy policy = {0};
    ami_net *net = ami_train_export_actor(train, err);
    bool ok = net && ami_policy_describe(&policy, net, err) &&
              (policy.actor =
                   ami_model_create(net, &(ami_model_def){.precision = AMI_PRECISION_FP32}, err)) != NULL;
    ami_net_destroy(net);
    ok = ami_exchange_agree(train->shards.exchange, ok, err);
    for (int c = 0; ok && (c == 0 || c < train->clips); c++)
        ok = evaluate(train, c, &policy, envs, seconds, &score[c], err);
    ami_policy_free(&policy);
    return ok;
}

void ami_train_mean_score(const ami_train_score *score, int count, ami_train_score *mean)
{
    memset(mean, 0, sizeof *mean);
    for (int c = 0; c < count; c++) {
        mean->normalised_return += score[c].normalised_return / count;
        mean->survival += score[c].survival / count;
        mean->success += score[c].success / count;
        mean->seconds += score[c].seconds / count;
        mean->root_m += score[c].root_m / count;
        mean->joint_rad += score[c].joint_rad / count;
        mean->end_effector_m += score[c].end_effector_m / count;
        if (mean->failed == 0)
            memcpy(mean->failure, score[c].failure, sizeof mean->failure);
        mean->failed += score[c].failed;
    }
}

bool ami_train_evaluate(const ami_train *train, int envs, double seconds, ami_train_score *score,
                        ami_error *err)
{
    const int count = train->clips > 1 ? train->clips : 1;
    ami_train_score *each = calloc((size_t)count, sizeof *each);
    memset(score, 0, sizeof *score);
    const bool ready = each || ami_fail(err, "out of memory for %d clips", count);
    const bool ok = ami_exchange_agree(train->shards.exchange, ready, err) &&
                    ami_train_evaluate_clips(train, envs, seconds, each, err);
    if (ok)
        ami_train_mean_score(each, count, score);
    free(each);
    return ok;
}
