/* Motions that are their own mirror image half a cycle later: mirrored samples, mirrored actions of bodies,
 * and exported networks that are symmetric without mirroring. */
#include "tests/training.h"

#include "sim/mirror.h"

static ami_settings folding(void)
{
    ami_settings s = lively(false);
    s.mirror = 1;
    return s;
}

/* The same, half a cycle later, in the mirror: what a symmetric policy would answer to alike. */
static void image(const float *obs, int inputs, float *out)
{
    memcpy(out, obs, (size_t)inputs * sizeof *out);
    ami_mirror_obs(out, out);
    if (inputs == AMI_OBS_MAX)
        ami_mirror_goal(out + AMI_OBS, out + AMI_OBS);
    out[0] += out[0] < .5f ? .5f : -.5f;
}

static void the_second_half_is_folded_on_the_first(void **state)
{
    (void)state;
    for (int goal = 0; goal < 2; goal++) {
        ami_settings s = folding();
        s.goal = goal;
        ami_train *t = try_create(&s);
        const int n = t->inputs;
        ami_env_def def = t->env[0].def;
        def.start_heading = 0;
        def.start_noise = 0;
        def.push_speed = 0;
        for (int i = 0; i < 30; i++) {
            /* March is symmetric by construction: half a cycle later it looks the same when folded, and does
             * after steps as well. */
            float obs[2][AMI_OBS_MAX], folded[AMI_OBS_MAX];
            for (int half = 0; half < 2; half++) {
                ami_env env;
                def.start_phase = i / 60. + half * .5;
                assert_true(ami_env_init(&env, &def, NULL));
                static const float zero[AMI_ACTION];
                ami_reward reward;
                for (int step = 0; i < 24 && step < i % 3; step++) /* not into the next cycle, which begins
                                                                      where the body is */
                    ami_env_step(&env, zero, &reward);
                ami_env_observe(&env, obs[half]);
                ami_env_free(&env);
            }
            const int late = obs[0][0] < .5f; /* which of the two is in the second half */
            memcpy(folded, obs[late], sizeof folded);
            assert_true(ami_train_fold(t, 0, folded));
            for (int k = 0; k < n; k++)
                assert_near((double)folded[k], (double)obs[!late][k], 2e-4, "folded observation", k);
            float again[AMI_OBS_MAX];
            memcpy(again, folded, sizeof again);
            assert_false(ami_train_fold(t, 0, again)); /* twice is once */
            assert_memory_equal(again, folded, (size_t)n * sizeof(float));
            assert_false(ami_train_fold(t, 0, obs[!late]));
        }
        ami_train_destroy(t);
    }
    ami_settings s = folding(); /* without it nothing is touched */
    s.mirror = 0;
    ami_train *t = try_create(&s);
    float obs[AMI_OBS], before[AMI_OBS];
    for (int k = 0; k < AMI_OBS; k++)
        obs[k] = .75f;
    memcpy(before, obs, sizeof obs);
    assert_false(ami_train_fold(t, 0, obs));
    assert_memory_equal(obs, before, sizeof obs);
    ami_train_destroy(t);
}

/* By default where the clip is symmetric; the decision is written down. */
static void the_clip_decides(void **state)
{
    (void)state;
    ami_clip *mine = clip;
    double pose[3 * AMI_POSE];
    for (int f = 0; f < 3; f++) {
        pose_at_rest(pose + f * AMI_POSE, .881416);
        turn_about(pose + f * AMI_POSE + pose_at[AMI_LEFT_SHOULDER], 1, 0, 0, 2.5); /* an arm held up */
    }
    ami_clip *const motion[] = {march(.3, true), march(.3, false),
                                make_clip(3, (const double[3]){0, .5, 1}, pose, true)};
    for (int i = 0; i < 3; i++)
        for (int mirror = -1; mirror <= 1; mirror++) {
            ami_settings s = folding();
            s.envs = 2;
            s.mirror = mirror;
            s.gamma_end = -1;
            clip = motion[i];
            if (mirror > 0 && !ami_clip_loops(clip)) { /* it has no other half */
                ami_error err = {""};
                assert_null(ami_train_create(&s, character, clip, 0, &err));
                assert_sentence(&err, "mirror: 1 found|not a clip that loops");
                continue;
            }
            ami_train *t = try_create(&s);
            const bool folds = mirror < 0 ? i == 0 : mirror;
            assert_true(t->settings.gamma_end == t->settings.gamma);
            assert_true(t->mirror == folds && ami_train_settings(t)->mirror == folds);
            ami_train_destroy(t);
        }
    for (int i = 0; i < 3; i++)
        ami_clip_destroy(motion[i]);
    clip = mine;
}

/* A body of our own, from the same start: what is learned from is seen folded, what is done is mirrored back,
 * noise that is remembered is the body's own and not the mirror's. In both action modes, whose scales differ
 * from left to right. */
static void bodies_do_the_mirror_image_of_what_is_learned(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        ami_settings s = folding();
        s.goal = kind == 1;
        s.absolute = kind == 2;
        s.noise_memory = .8;
        s.noise = s.absolute != 0 ? .02 : .1;
        ami_train *t = try_create(&s);
        const int n = t->inputs;
        ami_train_stats stats;
        ami_train_iterate(t, &stats);
        char *start = malloc((size_t)ENVS * ami_env_save_size(&t->env[0]));
        runner before[ENVS];
        memcpy(before, t->run, sizeof before);
        for (int e = 0; e < ENVS; e++)
            ami_env_save(&t->env[e], start + (size_t)e * ami_env_save_size(&t->env[0]));
        float in_mean[AMI_OBS_MAX], in_std[AMI_OBS_MAX];
        memcpy(in_mean, t->in_mean, sizeof in_mean);
        memcpy(in_std, t->in_std, sizeof in_std);
        ami_train_iterate(t, &stats);

        int flipped = 0, plain = 0;
        for (int e = 0; e < ENVS; e++) {
            ami_env body;
            assert_true(ami_env_init(&body, &t->env[e].def, NULL));
            ami_env_load(&body, start + (size_t)e * ami_env_save_size(&t->env[0]));
            float noise[AMI_ACTION]; /* in the action's own scale */
            for (int k = 0; k < AMI_ACTION; k++)
                noise[k] = before[e].noise[k] * t->action_std[k];
            for (int step = 0; step < STEPS; step++) {
                const int i = e * STEPS + step;
                float obs[AMI_OBS_MAX], action[AMI_ACTION], fresh[AMI_ACTION];
                ami_env_observe(&body, obs);
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
                for (int k = 0; k < AMI_ACTION; k++) {
                    const float mean = t->mean[i * AMI_ACTION + k], std = t->action_std[k];
                    action[k] = mean * std + t->action_mean[k];
                    fresh[k] = (t->action[i * AMI_ACTION + k] - mean) * std;
                }
                if (second) {
                    ami_mirror_action(action, action);
                    ami_mirror_action(fresh, fresh);
                }
                for (int k = 0; k < AMI_ACTION; k++) {
                    noise[k] = .8f * noise[k] + fresh[k];
                    action[k] += noise[k];
                }
                ami_reward reward;
                const ami_env_end end = ami_env_step(&body, action, &reward);
                assert_near(reward.total, (double)t->reward[i] / (1 - t->gamma), 1e-4, "reward", i);
                second ? flipped++ : plain++;
                assert_true(t->last[i] == (end != AMI_ENV_GOES_ON));
                if (t->last[i])
                    break;
            }
            ami_env_free(&body);
        }
        assert_true(flipped > ENVS && plain > ENVS);
        for (int i = 0; i < t->samples; i++) /* final states as well: in the first half the phase is less than
                                                its mean */
            assert_true(t->after[i] < 0 || t->extra[t->after[i] * n] < 0);
        free(start);
        ami_train_destroy(t);
    }
}

/* How far an actor's answers to the image are from the image of its answers, and the size of its answers;
 * root mean squares. */
static double asymmetry_of(ami_net *net, const ami_train *t, double *size)
{
    ami_model *model = ami_model_create(net, &(ami_model_def){.precision = AMI_PRECISION_FP32}, NULL);
    void *workspace = malloc(ami_model_workspace_size(model, 1));
    double apart = 0, all = 0;
    for (int i = 0; i < t->samples; i++) {
        float other[AMI_OBS_MAX], a[AMI_ACTION], b[AMI_ACTION];
        const float *obs = t->obs + i * t->inputs;
        image(obs, t->inputs, other);
        ami_model_run(model, workspace, obs, 1, a);
        ami_model_run(model, workspace, other, 1, b);
        ami_mirror_action(b, b);
        for (int k = 0; k < AMI_ACTION; k++) {
            apart += pow((double)a[k] - (double)b[k], 2) / (t->samples * AMI_ACTION);
            all += pow((double)a[k], 2) / (t->samples * AMI_ACTION);
        }
    }
    free(workspace);
    ami_model_destroy(model);
    *size = sqrt(all);
    return sqrt(apart);
}

/* Stays about as it is. */
static ami_settings worth_copying(void)
{
    ami_settings s = folding();
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
    ami_settings s = worth_copying();
    ami_train *t = try_create(&s);
    ami_train_net *actor = ami_ppo_actor(t->ppo); /* to every pose of the half that it knows it answers with
                                                     about the same pose */
    ami_rng rng = ami_rng_seed(41, 0);
    for (int k = 0; k < AMI_ACTION; k++)
        ami_train_net_parameters(actor)[ami_train_net_size(actor) - AMI_ACTION + (size_t)k] =
            .1f * (float)ami_rng_normal(&rng);
    ami_train_net_parameters_changed(actor);
    ami_train_start_copy(t);
    ami_train_stats first, last;
    ami_train_iterate(t, &first);
    for (int i = 0; i < 20; i++) {
        ami_train_iterate(t, &last);
        for (int lesson = 0; lesson < 30; lesson++) /* as many as other trainings have iterations */
            ami_train_copy(t);
    }
    ami_error err = {""};
    ami_net *out = ami_train_export_actor(t, &err), *policy = ami_train_export_actor(t, &err);
    assert_true(out && policy);
    double size, own_size;
    const double apart = asymmetry_of(out, t, &size);
    ami_net_set_parameters(policy, ami_train_net_parameters(ami_ppo_actor(t->ppo)));
    const double own = asymmetry_of(policy, t, &own_size);
    print_message(
        "asymmetry %.4f of answers of %.4f, without the copy %.4f of %.4f; copy off by %.4f, %.4f at first\n",
        apart, size, own, own_size, last.copy_error, first.copy_error);
    assert_true(last.copy_error < .5 * first.copy_error && last.copy_error < .5 * own_size);
    assert_true(own > own_size && apart < .5 * size && apart < .4 * own && size > .8 * own_size);
    ami_net_destroy(out);
    ami_net_destroy(policy);
    ami_train_destroy(t);
}

/* Copies only learn: the policy, all that is random and the bodies go their way as if they were not there. */
static void copying_is_no_part_of_learning(void **state)
{
    (void)state;
    const ami_settings s = folding();
    ami_train *t = trained(&s, 3), *more = trained(&s, 3);
    assert_same_training(t, more);
    for (int i = 0; i < 5; i++)
        assert_true(ami_train_copy(more) > 0);
    assert_true(more->copier.adam[0].step == t->copier.adam[0].step + 5);
    const ami_adam *a = ami_ppo_actor_adam(t->ppo), *b = ami_ppo_actor_adam(more->ppo);
    ami_train_stats x, y;
    ami_train_iterate(t, &x);
    ami_train_iterate(more, &y);
    assert_same_network(ami_ppo_actor(t->ppo), a, ami_ppo_actor(more->ppo), b);
    assert_memory_equal(t->run, more->run, ENVS * sizeof *t->run);
    assert_true(x.reward == y.reward && x.copy_error != y.copy_error);
    ami_train_destroy(t);
    ami_train_destroy(more);
}

/* One lesson: examples of all samples in the half where they were met, and what the error says. */
static void copies_learn_what_was_done(void **state)
{
    (void)state;
    for (int absolute = 0; absolute < 2; absolute++) {
        ami_settings s = folding();
        s.absolute = absolute;
        ami_train *t = trained(&s, 2);
        const int dim[] = {AMI_OBS, 20, 12, AMI_ACTION};
        ami_net *net = ami_net_create(3, dim, NULL);
        ami_net_set_parameters(net, ami_train_net_parameters(t->copier.net[0]));
        ami_model *copy = ami_model_create(net, &(ami_model_def){.precision = AMI_PRECISION_FP32}, NULL);
        void *workspace = malloc(ami_model_workspace_size(copy, 1));
        const double said = ami_train_copy(t);
        double squares = 0;
        for (int i = 0; i < t->samples; i++) {
            float x[AMI_OBS], got[AMI_ACTION], want[AMI_ACTION];
            for (int k = 0; k < AMI_OBS; k++)
                x[k] = fminf(fmaxf((t->obs[i * AMI_OBS + k] - t->in_mean[k]) / t->in_std[k], -10), 10);
            for (int k = 0; k < AMI_ACTION; k++)
                want[k] = t->mean[i * AMI_ACTION + k] * t->action_std[k];
            if (t->obs[i * AMI_OBS] >= .5f)
                ami_mirror_action(want, want);
            ami_model_run(copy, workspace, x, 1, got);
            for (int k = 0; k < AMI_ACTION; k++)
                squares +=
                    pow((double)got[k] - (double)(want[k] / t->action_std[k]), 2) / (t->samples * AMI_ACTION);
        }
        assert_near(said, sqrt(squares), 1e-4 * sqrt(squares), "error of the copy", absolute);
        free(workspace);
        ami_model_destroy(copy);
        ami_net_destroy(net);
        ami_train_destroy(t);
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
