/* Means of the weights over training: against a second implementation in double; the mean is exported, and
 * does not depend on changes of the normaliser. */
#include "tests/training.h"

static ami_settings averaging(void)
{
    ami_settings s = lively(false);
    s.average = .3; /* three tenths of what was done: a mean that differs from the last weights and from the
                       plain mean */
    s.actor_rate = 1e-3;
    s.critic_rate = 1e-2;
    s.kl = s.kl_end = 10;
    s.observation_clip = 1000; /* whatever is seen below counts in full */
    return s;
}

enum { H1 = 20, FIRST = H1 * AMI_OBS }; /* weights of the first layer, before its biases */

/* A network's parameters for observations that are not normalised, in double: w (x - mean) / std + b = (w /
 * std) x + (b - Σ w mean / std).
 */
static void unnormalise(const ami_train *t, ami_train_net *net, double *out)
{
    const float *p = ami_train_net_parameters(net);
    for (size_t i = 0; i < ami_train_net_size(net); i++)
        out[i] = (double)p[i];
    for (int r = 0; r < H1; r++)
        for (int k = 0; k < AMI_OBS; k++) {
            const double raw = (double)p[r * AMI_OBS + k] / (double)t->in_std[k];
            out[r * AMI_OBS + k] = raw;
            out[FIRST + r] -= raw * (double)t->in_mean[k];
        }
}

static double root_of_mean_squares(const double *v, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += v[i] * v[i] / (double)n;
    return sqrt(sum);
}

static void means_agree_with_a_second_implementation(void **state)
{
    (void)state;
    for (int mirror = 0; mirror < 2; mirror++) {
        ami_settings s = averaging();
        s.mirror = mirror;
        ami_train *t = try_create(&s);
        double *mean[2], *now[2];
        for (int k = 0; k < 2; k++) {
            const size_t size = ami_train_net_size(k ? ami_ppo_critic(t->ppo) : ami_ppo_actor(t->ppo));
            mean[k] = calloc(size, sizeof(double));
            now[k] = malloc(size * sizeof(double));
        }
        float before[AMI_OBS];
        memcpy(before, t->in_std, sizeof before);
        for (int i = 1; i <= 12; i++) {
            ami_train_stats stats;
            ami_train_iterate(t, &stats);
            /* The half-life, in samples, is this fraction of all that were done; the first iteration has no
             * past. */
            const double kept = i == 1 ? 0 : pow(.5, ENVS * STEPS / (.3 * i * ENVS * STEPS));
            for (int k = 0; k < 2; k++) {
                ami_train_net *net = mirror ? t->copier.net[k]
                                     : k    ? ami_ppo_critic(t->ppo)
                                            : ami_ppo_actor(t->ppo);
                const size_t size = ami_train_net_size(net);
                const float *got = k ? t->critic_average : t->actor_average;
                unnormalise(t, net, now[k]);
                double apart = 0;
                for (size_t n = 0; n < size; n++) {
                    apart = fmax(apart, fabs(mean[k][n] - now[k][n]));
                    mean[k][n] = kept * mean[k][n] + (1 - kept) * now[k][n];
                }
                const double scale = root_of_mean_squares(now[k], size);
                for (size_t n = 0; n < size; n++)
                    assert_near((double)got[n], mean[k][n], 1e-4 * scale,
                                k ? "critic's mean" : "actor's mean", (int)n);
                assert_true(apart > .01 * scale); /* it does move */
            }
        }
        assert_memory_not_equal(before, t->in_std, sizeof before); /* and so does the normaliser */
        free(mean[0]), free(mean[1]), free(now[0]), free(now[1]);
        ami_train_destroy(t);
    }
}

/* A network's answers to observations as they are, worked out in double from parameters for such. */
static void answer(const double *p, int outputs, const float *obs, double *out)
{
    const int dim[] = {AMI_OBS, H1, 12, outputs};
    double now[AMI_OBS], next[AMI_OBS] = {0};
    for (int k = 0; k < AMI_OBS; k++)
        now[k] = (double)obs[k];
    for (int l = 0; l < 3; l++) {
        const double *bias = p + dim[l] * dim[l + 1];
        for (int r = 0; r < dim[l + 1]; r++) {
            next[r] = bias[r];
            for (int k = 0; k < dim[l]; k++)
                next[r] += p[r * dim[l] + k] * now[k];
            next[r] = l < 2 ? fmax(next[r], 0) : next[r];
        }
        memcpy(now, next, sizeof now);
        p = bias + dim[l + 1];
    }
    memcpy(out, now, (size_t)outputs * sizeof *out);
}

/* Answers of the exported actor (36) and critic (1) to `n` observations. */
static void exported_answers(const ami_train *t, const float *obs, int n, float *out)
{
    ami_error err = {""};
    ami_net *net[2] = {ami_train_export_actor(t, &err), ami_train_export_critic(t, &err)};
    for (int k = 0; k < 2; k++) {
        ami_model *model =
            net[k] ? ami_model_create(net[k], &(ami_model_def){.precision = AMI_PRECISION_FP32}, &err) : NULL;
        if (!model)
            fail_msg("%s", err.text);
        void *workspace = malloc(ami_model_workspace_size(model, 1));
        for (int i = 0; i < n; i++)
            ami_model_run(model, workspace, obs + i * AMI_OBS, 1,
                          out + i * (AMI_ACTION + 1) + (k ? AMI_ACTION : 0));
        free(workspace);
        ami_model_destroy(model);
        ami_net_destroy(net[k]);
    }
}

static void the_mean_is_what_is_exported(void **state)
{
    (void)state;
    enum { SEEN = ENVS * STEPS, OUT = AMI_ACTION + 1 };
    const ami_settings s = averaging();
    ami_train *t = trained(&s, 8);
    static float obs[SEEN * AMI_OBS], got[SEEN * OUT], later[SEEN * OUT];
    memcpy(obs, t->obs, sizeof obs);
    exported_answers(t, obs, SEEN, got);
    double most = 0, raw = 0;
    for (int k = 0; k < 2; k++) {
        ami_train_net *net = k ? ami_ppo_critic(t->ppo) : ami_ppo_actor(t->ppo);
        const size_t size = ami_train_net_size(net);
        double *mean = malloc(size * sizeof *mean), *now = malloc(size * sizeof *now);
        for (size_t i = 0; i < size; i++)
            mean[i] = (double)(k ? t->critic_average : t->actor_average)[i];
        unnormalise(t, net, now);
        for (int i = 0; i < SEEN; i++) {
            double want[AMI_ACTION], plain[AMI_ACTION];
            answer(mean, k ? 1 : AMI_ACTION, obs + i * AMI_OBS, want);
            answer(now, k ? 1 : AMI_ACTION, obs + i * AMI_OBS, plain);
            for (int a = 0; a < (k ? 1 : AMI_ACTION); a++) {
                most = fmax(most, fabs(want[a] - (double)got[i * OUT + (k ? AMI_ACTION : a)]));
                raw = fmax(raw, fabs(plain[a] - (double)got[i * OUT + (k ? AMI_ACTION : a)]));
            }
        }
        free(mean), free(now);
    }
    if (!(most < 1e-4 && raw > 100 * most))
        fail_msg("exported networks are %.3g off the mean, %.3g off the last parameters", most, raw);

    /* The normaliser goes on moving under the same mean: the same observations get the same answers. */
    for (int i = 0; i < 5; i++) {
        float strange[AMI_OBS];
        for (int k = 0; k < AMI_OBS; k++)
            strange[k] = obs[k] + (float)(k % 7) - 2;
        const float std = t->in_std[5];
        for (int n = 0; n < 60; n++)
            ami_normalizer_add(&t->normalizer, strange, 1);
        ami_train_refresh_normalizer(t);
        assert_true(t->in_std[5] != std);
        exported_answers(t, obs, SEEN, later);
        for (int n = 0; n < SEEN * OUT; n++)
            assert_near((double)later[n], (double)got[n], 1e-4, "answer", n);
    }
    ami_train_destroy(t);

    ami_settings plain = s; /* which is not so without a mean */
    plain.average = 0;
    t = trained(&plain, 8);
    assert_null(t->actor_average);
    exported_answers(t, obs, SEEN, got);
    t->normalizer.mean[9] += 1;
    ami_train_refresh_normalizer(t);
    exported_answers(t, obs, SEEN, later);
    assert_memory_not_equal(got, later, sizeof got);
    ami_train_destroy(t);
}

/* Before the first iteration there is no mean: what is exported is what the training begins with. And a mean
 * of one is itself. */
static void the_first_parameters_are_their_own_mean(void **state)
{
    (void)state;
    enum { OUT = AMI_ACTION + 1 };
    ami_settings s = averaging();
    ami_train *t = try_create(&s);
    s.average = 0;
    ami_train *plain = try_create(&s);
    static float a[10 * OUT], b[10 * OUT];
    for (int i = 0; i < 2; i++) {
        exported_answers(t, plain->obs, 10, a); /* primed: ten observations are there */
        exported_answers(plain, plain->obs, 10, b);
        for (int n = 0; n < 10 * OUT; n++)
            assert_near((double)a[n], (double)b[n], i ? 1e-4 : 0, "answer", n);
        ami_train_stats stats;
        ami_train_iterate(t, &stats);
        ami_train_iterate(plain, &stats);
    }
    ami_train_destroy(t);
    ami_train_destroy(plain);
}

/* Taking a mean changes nothing in what is learned. */
static void averaging_is_no_part_of_learning(void **state)
{
    (void)state;
    ami_settings s = averaging();
    ami_train *t = trained(&s, 4);
    s.average = 0;
    ami_train *plain = trained(&s, 4);
    assert_same_network(ami_ppo_actor(t->ppo), ami_ppo_actor_adam(t->ppo), ami_ppo_actor(plain->ppo),
                        ami_ppo_actor_adam(plain->ppo));
    assert_same_network(ami_ppo_critic(t->ppo), ami_ppo_critic_adam(t->ppo), ami_ppo_critic(plain->ppo),
                        ami_ppo_critic_adam(plain->ppo));
    assert_memory_equal(&t->progress, &plain->progress, sizeof t->progress);
    ami_train_destroy(t);
    ami_train_destroy(plain);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(means_agree_with_a_second_implementation),
        cmocka_unit_test(the_mean_is_what_is_exported),
        cmocka_unit_test(the_first_parameters_are_their_own_mean),
        cmocka_unit_test(averaging_is_no_part_of_learning),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
