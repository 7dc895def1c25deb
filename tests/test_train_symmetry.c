/* Motions that are their own mirror image half a cycle later: what is folded, that bodies do what is learned
 * mirrored back, and that what is exported needs no mirror and is symmetric. */
#include "tests/training.h"

#include "sim/mirror.h"

static amb_settings folding(void)
{
    amb_settings s = lively(false);
    s.mirror = 1;
    return s;
}

/* The same, half a cycle later, in the mirror: what a symmetric policy would answer to alike. */
static void image(const float *obs, int inputs, float *out)
{
    memcpy(out, obs, (size_t)inputs * sizeof *out);
    amb_mirror_obs(out, out);
    if (inputs == AMB_OBS_MAX)
        amb_mirror_goal(out + AMB_OBS, out + AMB_OBS);
    out[0] += out[0] < .5f ? .5f : -.5f;
}

static void the_second_half_is_folded_on_the_first(void **state)
{
    (void)state;
    for (int goal = 0; goal < 2; goal++) {
        amb_settings s = folding();
        s.goal = goal;
        amb_train *t = try_create(&s);
        const int n = t->inputs;
        amb_env_def def = t->env[0].def;
        def.start_heading = 0;
        def.start_noise = 0;
        def.push_speed = 0;
        for (int i = 0; i < 30; i++) {
            /* March is symmetric by construction: half a cycle later it looks the same when folded, and does
             * after steps as well. */
            float obs[2][AMB_OBS_MAX], folded[AMB_OBS_MAX];
            for (int half = 0; half < 2; half++) {
                amb_env env;
                def.start_phase = i / 60. + half * .5;
                assert_true(amb_env_init(&env, &def, NULL));
                static const float zero[AMB_ACTION];
                amb_reward reward;
                for (int step = 0; i < 24 && step < i % 3; step++) /* not into the next cycle, which begins
                                                                      where the body is */
                    amb_env_step(&env, zero, &reward);
                amb_env_observe(&env, obs[half]);
                amb_env_free(&env);
            }
            const int late = obs[0][0] < .5f; /* which of the two is in the second half */
            memcpy(folded, obs[late], sizeof folded);
            assert_true(amb_train_fold(t, folded));
            for (int k = 0; k < n; k++)
                assert_near((double)folded[k], (double)obs[!late][k], 2e-4, "folded observation", k);
            float again[AMB_OBS_MAX];
            memcpy(again, folded, sizeof again);
            assert_false(amb_train_fold(t, again)); /* twice is once */
            assert_memory_equal(again, folded, (size_t)n * sizeof(float));
            assert_false(amb_train_fold(t, obs[!late]));
        }
        amb_train_destroy(t);
    }
    amb_settings s = folding(); /* without it nothing is touched */
    s.mirror = 0;
    amb_train *t = try_create(&s);
    float obs[AMB_OBS], before[AMB_OBS];
    for (int k = 0; k < AMB_OBS; k++)
        obs[k] = .75f;
    memcpy(before, obs, sizeof obs);
    assert_false(amb_train_fold(t, obs));
    assert_memory_equal(obs, before, sizeof obs);
    amb_train_destroy(t);
}

/* By default where the clip is symmetric; the decision is written down. */
static void the_clip_decides(void **state)
{
    (void)state;
    amb_clip *mine = clip;
    double pose[3 * AMB_POSE];
    for (int f = 0; f < 3; f++) {
        pose_at_rest(pose + f * AMB_POSE, .881416);
        turn_about(pose + f * AMB_POSE + pose_at[AMB_LEFT_SHOULDER], 1, 0, 0, 2.5); /* an arm held up */
    }
    amb_clip *const motion[] = {march(.3, true), march(.3, false),
                                make_clip(3, (const double[3]){0, .5, 1}, pose, true)};
    for (int i = 0; i < 3; i++)
        for (int mirror = -1; mirror <= 1; mirror++) {
            amb_settings s = folding();
            s.envs = 2;
            s.mirror = mirror;
            clip = motion[i];
            if (mirror > 0 && !amb_clip_loops(clip)) { /* it has no other half */
                amb_error err = {""};
                assert_null(amb_train_create(&s, character, clip, 0, &err));
                assert_sentence(&err, "mirror: 1 found|only a clip that loops");
                continue;
            }
            amb_train *t = try_create(&s);
            const bool folds = mirror < 0 ? i == 0 : mirror;
            assert_true(t->mirror == folds && amb_train_settings(t)->mirror == folds);
            amb_train_destroy(t);
        }
    for (int i = 0; i < 3; i++)
        amb_clip_destroy(motion[i]);
    clip = mine;
}

/* A body of our own, from the same start: what is learned from is seen folded, what is done is mirrored back,
 * noise that is remembered is the body's own and not the mirror's. In both action modes, whose scales differ
 * from left to right. */
static void bodies_do_the_mirror_image_of_what_is_learned(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        amb_settings s = folding();
        s.goal = kind == 1;
        s.absolute = kind == 2;
        s.noise_memory = .8;
        s.noise = s.absolute != 0 ? .02 : .1;
        amb_train *t = try_create(&s);
        const int n = t->inputs;
        amb_train_stats stats;
        amb_train_iterate(t, &stats);
        char *start = malloc((size_t)ENVS * amb_env_save_size(&t->env[0]));
        runner before[ENVS];
        memcpy(before, t->run, sizeof before);
        for (int e = 0; e < ENVS; e++)
            amb_env_save(&t->env[e], start + (size_t)e * amb_env_save_size(&t->env[0]));
        float in_mean[AMB_OBS_MAX], in_std[AMB_OBS_MAX];
        memcpy(in_mean, t->in_mean, sizeof in_mean);
        memcpy(in_std, t->in_std, sizeof in_std);
        amb_train_iterate(t, &stats);

        int flipped = 0, plain = 0;
        for (int e = 0; e < ENVS; e++) {
            amb_env body;
            assert_true(amb_env_init(&body, &t->env[e].def, NULL));
            amb_env_load(&body, start + (size_t)e * amb_env_save_size(&t->env[0]));
            float noise[AMB_ACTION]; /* in the action's own scale */
            for (int k = 0; k < AMB_ACTION; k++)
                noise[k] = before[e].noise[k] * t->action_std[k];
            for (int step = 0; step < STEPS; step++) {
                const int i = e * STEPS + step;
                float obs[AMB_OBS_MAX], action[AMB_ACTION], fresh[AMB_ACTION];
                amb_env_observe(&body, obs);
                for (int k = 0; k < n; k++)
                    assert_near((double)t->obs[i * n + k], (double)obs[k], step ? .01 : 0, "observation", k);
                const bool second = t->obs[i * n] >= .5f;
                memcpy(obs, t->obs + i * n, (size_t)n * sizeof *obs);
                if (second)
                    image(t->obs + i * n, n, obs);
                for (int k = 0; k < n; k++) {
                    const double x = ((double)obs[k] - (double)in_mean[k]) / (double)in_std[k];
                    assert_near((double)t->x[i * n + k], fmin(fmax(x, -10), 10), 1e-4, "what the network saw",
                                k);
                }
                for (int k = 0; k < AMB_ACTION; k++) {
                    const float mean = t->mean[i * AMB_ACTION + k], std = t->action_std[k];
                    action[k] = mean * std + t->action_mean[k];
                    fresh[k] = (t->action[i * AMB_ACTION + k] - mean) * std;
                }
                if (second) {
                    amb_mirror_action(action, action);
                    amb_mirror_action(fresh, fresh);
                }
                for (int k = 0; k < AMB_ACTION; k++) {
                    noise[k] = .8f * noise[k] + fresh[k];
                    action[k] += noise[k];
                }
                amb_reward reward;
                const amb_env_end end = amb_env_step(&body, action, &reward);
                assert_near(reward.total, (double)t->reward[i] / (1 - s.gamma), 1e-4, "reward", i);
                second ? flipped++ : plain++;
                assert_true(t->last[i] == (end != AMB_ENV_GOES_ON));
                if (t->last[i])
                    break;
            }
            amb_env_free(&body);
        }
        assert_true(flipped > ENVS && plain > ENVS);
        for (int i = 0; i < t->samples; i++) /* final states as well: in the first half the phase is less than
                                                its mean */
            assert_true(t->after[i] < 0 || t->extra[t->after[i] * n] < 0);
        free(start);
        amb_train_destroy(t);
    }
}

/* How far an actor's answers to the image are from the image of its answers, and the size of its answers;
 * root mean squares. */
static double asymmetry_of(amb_net *net, const amb_train *t, double *size)
{
    amb_model *model = amb_model_create(net, &(amb_model_def){.precision = AMB_PRECISION_FP32}, NULL);
    void *workspace = malloc(amb_model_workspace_size(model, 1));
    double apart = 0, all = 0;
    for (int i = 0; i < t->samples; i++) {
        float other[AMB_OBS_MAX], a[AMB_ACTION], b[AMB_ACTION];
        const float *obs = t->obs + i * t->inputs;
        image(obs, t->inputs, other);
        amb_model_run(model, workspace, obs, 1, a);
        amb_model_run(model, workspace, other, 1, b);
        amb_mirror_action(b, b);
        for (int k = 0; k < AMB_ACTION; k++) {
            apart += pow((double)a[k] - (double)b[k], 2) / (t->samples * AMB_ACTION);
            all += pow((double)a[k], 2) / (t->samples * AMB_ACTION);
        }
    }
    free(workspace);
    amb_model_destroy(model);
    *size = sqrt(all);
    return sqrt(apart);
}

/* Stays about as it is. */
static amb_settings worth_copying(void)
{
    amb_settings s = folding();
    s.steps = 100;
    s.hidden1 = 64;
    s.hidden2 = 48;
    s.samples = 1e6;
    s.normalizer_samples = 0;
    s.actor_rate = 1e-7;
    s.kl = s.kl_end = 1e-6;
    return s;
}

/* What is exported answers on both sides alike, without a mirror, and as the policy does; the policy itself,
 * without its fold, does not. */
static void what_is_exported_is_symmetric(void **state)
{
    (void)state;
    amb_settings s = worth_copying();
    amb_train *t = try_create(&s);
    amb_train_net *actor = amb_ppo_actor(t->ppo); /* to every pose of the half that it knows it answers with
                                                     about the same pose */
    amb_rng rng = amb_rng_seed(41, 0);
    for (int k = 0; k < AMB_ACTION; k++)
        amb_train_net_parameters(actor)[amb_train_net_size(actor) - AMB_ACTION + (size_t)k] =
            .1f * (float)amb_rng_normal(&rng);
    amb_train_net_parameters_changed(actor);
    amb_train_start_copy(t);
    amb_train_stats first, last;
    amb_train_iterate(t, &first);
    for (int i = 0; i < 20; i++) {
        amb_train_iterate(t, &last);
        for (int lesson = 0; lesson < 30; lesson++) /* as many as other trainings have iterations */
            amb_train_copy(t);
    }
    amb_error err = {""};
    amb_net *out = amb_train_export_actor(t, &err), *policy = amb_train_export_actor(t, &err);
    assert_true(out && policy);
    double size, own_size;
    const double apart = asymmetry_of(out, t, &size);
    amb_net_set_parameters(policy, amb_train_net_parameters(amb_ppo_actor(t->ppo)));
    const double own = asymmetry_of(policy, t, &own_size);
    print_message(
        "asymmetry %.4f of answers of %.4f, without the copy %.4f of %.4f; copy off by %.4f, %.4f at first\n",
        apart, size, own, own_size, last.copy_error, first.copy_error);
    assert_true(last.copy_error < .5 * first.copy_error && last.copy_error < .5 * own_size);
    assert_true(own > own_size && apart < .5 * size && apart < .4 * own && size > .8 * own_size);
    amb_net_destroy(out);
    amb_net_destroy(policy);
    amb_train_destroy(t);
}

/* Copies only learn: the policy, all that is random and the bodies go their way as if they were not there. */
static void copying_is_no_part_of_learning(void **state)
{
    (void)state;
    const amb_settings s = folding();
    amb_train *t = trained(&s, 3), *more = trained(&s, 3);
    assert_same_training(t, more);
    for (int i = 0; i < 5; i++)
        assert_true(amb_train_copy(more) > 0);
    assert_true(more->copier.adam[0].step == t->copier.adam[0].step + 5);
    const amb_adam *a = amb_ppo_actor_adam(t->ppo), *b = amb_ppo_actor_adam(more->ppo);
    amb_train_stats x, y;
    amb_train_iterate(t, &x);
    amb_train_iterate(more, &y);
    assert_same_network(amb_ppo_actor(t->ppo), a, amb_ppo_actor(more->ppo), b);
    assert_memory_equal(t->run, more->run, ENVS * sizeof *t->run);
    assert_true(x.reward == y.reward && x.copy_error != y.copy_error);
    amb_train_destroy(t);
    amb_train_destroy(more);
}

/* One lesson: examples of all samples in the half where they were met, and what the error says. */
static void copies_learn_what_was_done(void **state)
{
    (void)state;
    for (int absolute = 0; absolute < 2; absolute++) {
        amb_settings s = folding();
        s.absolute = absolute;
        amb_train *t = trained(&s, 2);
        const int dim[] = {AMB_OBS, 20, 12, AMB_ACTION};
        amb_net *net = amb_net_create(3, dim, NULL);
        amb_net_set_parameters(net, amb_train_net_parameters(t->copier.net[0]));
        amb_model *copy = amb_model_create(net, &(amb_model_def){.precision = AMB_PRECISION_FP32}, NULL);
        void *workspace = malloc(amb_model_workspace_size(copy, 1));
        const double said = amb_train_copy(t);
        double squares = 0;
        for (int i = 0; i < t->samples; i++) {
            float x[AMB_OBS], got[AMB_ACTION], want[AMB_ACTION];
            for (int k = 0; k < AMB_OBS; k++)
                x[k] = fminf(fmaxf((t->obs[i * AMB_OBS + k] - t->in_mean[k]) / t->in_std[k], -10), 10);
            for (int k = 0; k < AMB_ACTION; k++)
                want[k] = t->mean[i * AMB_ACTION + k] * t->action_std[k];
            if (t->obs[i * AMB_OBS] >= .5f)
                amb_mirror_action(want, want);
            amb_model_run(copy, workspace, x, 1, got);
            for (int k = 0; k < AMB_ACTION; k++)
                squares +=
                    pow((double)got[k] - (double)(want[k] / t->action_std[k]), 2) / (t->samples * AMB_ACTION);
        }
        assert_near(said, sqrt(squares), 1e-4 * sqrt(squares), "error of the copy", absolute);
        free(workspace);
        amb_model_destroy(copy);
        amb_net_destroy(net);
        amb_train_destroy(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_second_half_is_folded_on_the_first),
        cmocka_unit_test(the_clip_decides),
        cmocka_unit_test(bodies_do_the_mirror_image_of_what_is_learned),
        cmocka_unit_test(copies_learn_what_was_done),
        cmocka_unit_test(copying_is_no_part_of_learning),
        cmocka_unit_test(what_is_exported_is_symmetric),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
