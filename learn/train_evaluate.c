/* Evaluates the networks of a training by rollouts. */
#include "learn/spread.h"
#include "learn/train_state.h"
#include "policy/rollout.h"

#include <string.h>

static void set_up(const ami_train *t, int envs, double seconds, ami_rollout_def *def,
                   ami_generator_def *generator)
{
    *def = (ami_rollout_def){.env = ami_train_env_def(t, 0), .envs = envs};
    ami_env_def *env = &def->env;
    env->seed = 20180406; /* characters of their own, not the training's */
    env->may_touch = t->env[0].def.may_touch;
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
    } else if (!ami_clip_loops(t->clip)) {
        env->start_phase = 0;
        env->episode_s = ami_clip_duration(t->clip);
    }
}

bool ami_train_evaluate(const ami_train *train, int envs, double seconds, ami_train_score *score,
                        ami_error *err)
{
    ami_rollout_def def;
    ami_generator_def generator;
    ami_rollout_result result = {0};
    ami_policy policy = {0};
    const ami_rollout_share share = ami_spread(train->shards.exchange);
    set_up(train, envs, seconds, &def, &generator);
    memset(score, 0, sizeof *score);
    ami_net *net = ami_train_export_actor(train, err);
    bool ok = net && ami_policy_describe(&policy, net, err) &&
              (policy.actor =
                   ami_model_create(net, &(ami_model_def){.precision = AMI_PRECISION_FP32}, err)) != NULL;
    ami_net_destroy(net);
    def.policy = &policy;
    def.share = &share;
    ok = ami_exchange_agree(train->shards.exchange, ok, err);
    ok = ok && ami_rollout_run(&def, &result, err);
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
    ami_policy_free(&policy);
    return ok;
}
