#include "learn/train_state.h"
#include "policy/rollout.h"

#include <string.h>

static void set_up(const amb_train *t, int envs, double seconds, amb_rollout_def *def,
                   amb_generator_def *generator)
{
    *def = (amb_rollout_def){.env = amb_train_env_def(t, 0), .envs = envs};
    amb_env_def *env = &def->env;
    env->seed = 20180406; /* characters of their own, not the training's */
    env->may_touch = t->env[0].def.may_touch;
    env->episode_s = seconds;
    env->push_random = false;
    env->start_heading = 0;
    env->max_root_m = env->max_height_m = env->max_tilt = env->max_body_m = 0; /* a fall ends it, no more */
    env->hold_s[0] = env->hold_s[1] = -1;
    if (t->generator) {
        *generator = amb_generator_default_def(t->styles.nets, &t->plan);
        generator->seed = env->seed;
        def->generator = generator;
    } else if (!amb_clip_loops(t->clip)) {
        env->start_phase = 0;
        env->episode_s = amb_clip_duration(t->clip);
    }
}

bool amb_train_evaluate(const amb_train *t, int envs, double seconds, amb_train_score *score, amb_error *err)
{
    amb_rollout_def def;
    amb_generator_def generator;
    amb_rollout_result result = {0};
    amb_policy policy = {0};
    set_up(t, envs, seconds, &def, &generator);
    memset(score, 0, sizeof *score);
    amb_net *net = amb_train_export_actor(t, err);
    bool ok = net && amb_policy_describe(&policy, net, err) &&
              (policy.actor =
                   amb_model_create(net, &(amb_model_def){.precision = AMB_PRECISION_FP32}, err)) != NULL;
    amb_net_destroy(net);
    def.policy = &policy;
    ok = ok && amb_rollout_run(&def, &result, err);
    if (ok) {
        *score = (amb_train_score){
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
    amb_rollout_result_free(&result);
    amb_policy_free(&policy);
    return ok;
}
