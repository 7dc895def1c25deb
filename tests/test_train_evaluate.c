/* Evaluations during training: the exported actor's rollouts with fixed seeds, without noise and pushes; they
 * do not affect the training. */
#include "tests/training.h"

#include "base/assets.h"
#include "base/file.h"
#include "policy/rollout.h"

enum { CHARACTERS = 7 };

static ami_train_score evaluated(const ami_train *t, double seconds)
{
    ami_train_score score;
    ami_error err = {""};
    memset(&score, 0x5a, sizeof score);
    if (!ami_train_evaluate(t, CHARACTERS, seconds, &score, &err))
        fail_msg("%s", err.text);
    return score;
}

static void assert_file_equal(const char *a, const char *b)
{
    size_t size[2];
    uint8_t *file[2] = {ami_file_read(a, 1 << 24, &size[0], NULL), ami_file_read(b, 1 << 24, &size[1], NULL)};
    assert_true(file[0] && file[1] && size[0] == size[1]);
    assert_memory_equal(file[0], file[1], size[0]);
    free(file[0]), free(file[1]);
}

static void evaluating_leaves_no_trace(void **state)
{
    (void)state;
    for (int all = 0; all < 2; all++) {
        const ami_settings s = all ? lively_all(false) : lively(false);
        ami_train *t = trained(&s, 3), *twin = trained(&s, 3);
        ami_error err = {""};
        assert_true(ami_train_save(t, scratch("before.bin"), &err));
        const ami_train_score score = evaluated(t, 1), again = evaluated(t, 1);
        assert_memory_equal(&score, &again, sizeof score);
        set_threads(1);
        const ami_train_score alone = evaluated(t, 1);
        set_threads(3);
        const ami_train_score three = evaluated(t, 1);
        set_threads(2);
        assert_memory_equal(&score, &alone, sizeof score);
        assert_memory_equal(&score, &three, sizeof score);
        assert_true(ami_train_save(t, scratch("after.bin"), &err));
        assert_file_equal(scratch("before.bin"), scratch("after.bin"));
        for (int i = 0; i < 2; i++) {
            ami_train_stats a, b;
            ami_train_iterate(t, &a);
            ami_train_iterate(twin, &b);
            assert_same_stats(&a, &b);
        }
        assert_same_training(t, twin);
        const ami_train_score later = evaluated(t, 1);
        assert_memory_not_equal(&score, &later, sizeof score); /* it is the networks as they are now */
        ami_train_destroy(t);
        ami_train_destroy(twin);
    }
}

/* What amble rollout would find with the exported file and nothing set but what varies. */
static ami_train_score rolled(const ami_train *t, double seconds, double start)
{
    ami_error err = {""};
    ami_policy policy;
    ami_net *net = ami_train_export_actor(t, &err);
    assert_non_null(net);
    assert_true(ami_policy_describe(&policy, net, &err));
    policy.actor = ami_model_create(net, &(ami_model_def){.precision = AMI_PRECISION_FP32}, &err);
    ami_net_destroy(net);
    ami_rollout_def def = {
        .env = ami_env_default_def(character, clip), .envs = CHARACTERS, .policy = &policy};
    ami_policy_use(&policy, &def.env);
    def.env.may_touch = t->env[0].def.may_touch;
    def.env.seed = 20180406;
    def.env.episode_s = seconds;
    def.env.start_phase = start;
    def.env.vary = t->env[0].def.vary;
    ami_rollout_result r;
    if (!ami_rollout_run(&def, &r, &err))
        fail_msg("%s", err.text);
    ami_policy_free(&policy);
    ami_train_score score;
    memset(&score, 0, sizeof score);
    score = (ami_train_score){.normalised_return = r.normalised_return,
                              .survival = r.survival,
                              .success = r.success,
                              .seconds = r.seconds,
                              .root_m = r.root_m,
                              .joint_rad = r.joint_rad,
                              .end_effector_m = r.end_effector_m,
                              .failed = r.failed};
    ami_rollout_result_free(&r);
    return score;
}

/* The limits, pushes, turns, noise and holds of training have no say in it, and a motion that does not loop
 * is followed once from its first frame to its last, however long was asked for. */
static void a_score_is_that_of_a_rollout(void **state)
{
    (void)state;
    ami_clip *mine = clip;
    for (int loop = 0; loop < 2; loop++)
        for (int all = 0; all < 2; all++) {
            ami_settings s = all ? lively_all(false) : lively(false);
            s.max_root_m = s.max_height_m = s.max_body_m = .01;
            s.max_tilt = .01;
            s.look_ahead = .05;
            s.goal = all;
            s.mirror = all && loop;
            clip = march(.3, loop);
            ami_train *t = trained(&s, 2);
            for (int e = 0; e < ENVS; e++)
                t->env[e].def.may_touch |= 1u << AMI_LEFT_WRIST;
            const double seconds = loop ? 1.7 : 1; /* the clip's length */
            const ami_train_score score = evaluated(t, loop ? 1.7 : 30),
                                  want = rolled(t, seconds, loop ? -1 : 0);
            assert_memory_equal(&score, &want, sizeof score);
            assert_true(score.normalised_return > .1 && score.seconds > .2 &&
                        score.seconds <= seconds + 1 / 30.);
            assert_true(score.root_m > 0 && score.joint_rad > 0 && score.end_effector_m > 0 &&
                        score.success <= score.survival);
            ami_train_destroy(t);
            ami_clip_destroy(clip);
        }
    clip = mine;
}

/* Success is stricter than survival: a body that lies where it may is up for all that is known, and off its
 * reference. */
static void lying_down_is_no_success(void **state)
{
    (void)state;
    ami_settings s = lively(false);
    s.last_layer = 1; /* acts wildly */
    ami_error err = {""};
    ami_train *t = ami_train_create(&s, character, clip, (1u << AMI_BODIES) - 1, &err);
    ami_train_stats stats;
    ami_train_iterate(t, &stats);
    const ami_train_score score = evaluated(t, 4);
    assert_true(score.survival == 1 && score.success < .5);
    ami_train_destroy(t);
}

/* A body with so little of MuJoCo's memory that lying on the floor is too much for a step: an error of
 * MuJoCo's is a fall, and is told. */
static void errors_of_physics_are_told(void **state)
{
    (void)state;
    char path[1024], body[256];
    size_t size;
    assert_true(ami_asset_path("humanoid.xml", path, sizeof path, NULL));
    char *text = (char *)ami_file_read(path, 1 << 20, &size, NULL),
         *memory = text ? strstr(text, "memory=\"2M\"") : NULL;
    assert_non_null(memory);
    memcpy(memory, "memory=\"9K\"", 11);
    snprintf(body, sizeof body, "%s", scratch("body.xml"));
    assert_true(ami_file_write(body, text, strlen(text), NULL));
    free(text);
    ami_error err = {""};
    ami_settings s = lively(false);
    s.last_layer = 1; /* acts wildly */
    ami_character_def def = ami_train_character_def(&s);
    def.path = body;
    ami_character *small = ami_character_create(&def, &err);
    if (!small)
        fail_msg("%s", err.text);
    ami_train *t = ami_train_create(&s, small, clip, (1u << AMI_BODIES) - 1, &err);
    assert_non_null(t);
    const ami_train_score score = evaluated(t, 4);
    assert_true(score.failed > 0 && score.failed <= CHARACTERS);
    assert_near(score.survival, 1 - (double)score.failed / CHARACTERS, 1e-12, "survival", 0);
    assert_non_null(strstr(score.failure, "MuJoCo: "));

    /* The same in training: the episode ends, the training goes on and says what happened. */
    ami_train_stats stats = {0};
    for (int i = 0; i < 30 && !stats.failure; i++)
        ami_train_iterate(t, &stats);
    assert_non_null(stats.failure);
    assert_non_null(strstr(stats.failure, "MuJoCo: "));
    assert_true(stats.unstable > 0 && !ami_train_failed(t, &err));
    ami_train_destroy(t);
    ami_character_destroy(small);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(evaluating_leaves_no_trace),
        cmocka_unit_test(a_score_is_that_of_a_rollout),
        cmocka_unit_test(lying_down_is_no_success),
        cmocka_unit_test(errors_of_physics_are_told),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
