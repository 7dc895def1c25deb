/* amble/rollout.h: against the internal rollouts and evaluations, which amble rollout and amble eval print,
 * and against a host's loop over amble/env.h and amble/model.h; on any number of threads. */
#include <amble/amble.h>

#include "policy/evaluate.h"
#include "policy/followed.h"
#include "policy/may_touch.h"
#include "policy/models.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 11, A = 36, O_MAX = 246 };

static int asserted;

static void count_assertion(void *context, const char *condition, const char *function)
{
    (void)context;
    assert_non_null(condition);
    assert_non_null(function);
    asserted++;
}

static void expect_sentence(const char *part)
{
    if (!strstr(amb_error_message(), part))
        fail_msg("\"%s\" is not in the sentence \"%s\"", part, amb_error_message());
}

static void expect_ok(amb_result result)
{
    if (result != AMB_OK)
        fail_msg("%s: %s", amb_result_name(result), amb_error_message());
}

static amb_env_def scene(const char *motion, const char *policy)
{
    amb_env_def def;
    amb_env_def_init(&def);
    def.motion = motion;
    def.policy = policy;
    def.episode_s = 1.5;
    def.push_speed = 1.5;
    def.push_period = .5;
    def.turn_rate = .2;
    def.seed = 41;
    return def;
}

static amb_rollout *run(const amb_env_def *env, amb_parallel parallel, bool record,
                        amb_rollout_result *result)
{
    amb_rollout_def def;
    amb_rollout_def_init(&def);
    def.env = env;
    def.characters = N;
    def.record = record;
    def.parallel = parallel;
    amb_rollout *rollout;
    expect_ok(amb_rollout_run(&def, &rollout));
    *result = (amb_rollout_result){.size = sizeof *result};
    expect_ok(amb_rollout_get_result(rollout, result));
    return rollout;
}

/* ---- the same inside ---- */

typedef struct inside {
    ami_policy policy;
    ami_character *character;
    ami_followed followed;
    ami_rollout_def def;
} inside;

static void load(inside *in, const amb_env_def *env)
{
    ami_error err = {""};
    char path[4096];
    memset(in, 0, sizeof *in);
    const char *style = ami_style_trained_on(env->motion);
    const ami_style_request request = {.style = style, .change = env->style_change_s};
    ami_character_def body = ami_character_default_def();
    if (env->policy && (!ami_find_model(env->policy, path, sizeof path, &err) ||
                        !ami_policy_load(&in->policy, path, NULL, &err)))
        fail_msg("%s", err.text);
    if (env->policy)
        body.physics_hz = in->policy.physics_hz;
    in->character = ami_character_create(&body, &err);
    if (!in->character || !ami_follow(&in->followed, style ? NULL : env->motion, &request, NULL,
                                      &in->character->skeleton, NULL, &err))
        fail_msg("%s", err.text);
    in->followed.motions.def.seed = env->seed;
    in->def = (ami_rollout_def){.env = ami_env_default_def(in->character, in->followed.clip),
                                .envs = N,
                                .threads = 1,
                                .policy = env->policy ? &in->policy : NULL,
                                .generator = in->followed.clip ? NULL : &in->followed.motions.def};
    if (env->policy)
        ami_policy_use(&in->policy, &in->def.env);
    in->def.env.seed = env->seed;
    in->def.env.episode_s = env->episode_s;
    in->def.env.push_speed = env->push_speed;
    in->def.env.push_period = env->push_period;
    in->def.env.turn_rate = env->turn_rate;
    assert_true(ami_choose_may_touch(NULL, in->def.policy, in->character, in->followed.clip,
                                     &in->def.env.may_touch, &err));
}

static void unload(inside *in)
{
    ami_followed_free(&in->followed);
    ami_character_destroy(in->character);
    ami_policy_free(&in->policy);
}

static const struct {
    const char *motion, *policy;
    double change_s;
} scenes[] = {{"style_walk", "walk", 0}, {"style:random", "locomotion", .5}, {"style_run", NULL, 0}};
enum { SCENES = sizeof scenes / sizeof *scenes };

/* A host's scheduler: two threads, the last task first. */
typedef struct half {
    int first, count;
    void (*task)(int index, void *argument);
    void *argument;
} half;

static void *run_half(void *context)
{
    const half *h = context;
    for (int i = h->count - 1 - h->first; i >= 0; i -= 2)
        h->task(i, h->argument);
    return NULL;
}

static void run_on_hosts_threads(void *context, int count, void (*task)(int index, void *argument),
                                 void *argument)
{
    ++*(int *)context;
    half h[2] = {{0, count, task, argument}, {1, count, task, argument}};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_half, &h[1]), 0);
    run_half(&h[0]);
    pthread_join(thread, NULL);
}

static void is_what_amble_rollout_prints(void **state)
{
    (void)state;
    for (int s = 0; s < SCENES; s++) {
        amb_env_def env = scene(scenes[s].motion, scenes[s].policy);
        env.style_change_s = scenes[s].change_s;
        inside in;
        ami_rollout_result expected;
        ami_error err = {""};
        load(&in, &env);
        assert_true(ami_rollout_run(&in.def, &expected, &err));
        int calls = 0;
        const amb_parallel ways[] = {{.threads = 1},
                                     {.threads = 3},
                                     {.threads = 0},
                                     {.threads = 2, .run = run_on_hosts_threads, .context = &calls}};
        for (int w = 0; w < 4; w++) {
            amb_rollout_result found;
            amb_rollout *rollout = run(&env, ways[w], false, &found);
            assert_true(found.hash == expected.hash);
            assert_true(found.survival == expected.survival && found.success == expected.success);
            assert_true(found.normalised_return == expected.normalised_return);
            assert_true(found.seconds_up == expected.seconds && found.root_m == expected.root_m);
            assert_true(found.joint_rad == expected.joint_rad);
            assert_true(found.end_effector_m == expected.end_effector_m);
            assert_int_equal(found.control_steps, expected.control_steps);
            assert_int_equal(found.characters, N);
            assert_false(found.stopped);
            assert_true(found.step_us.p50 > 0 && found.step_us.p50 <= found.step_us.max);
            assert_int_equal(found.generate_us.max > 0, in.def.generator != NULL);
            assert_string_equal(found.motion, in.followed.name);
            assert_int_equal(found.policy == NULL, scenes[s].policy == NULL);
            assert_string_equal(found.failure, "");
            for (int r = 0; r < AMI_REWARD_PARTS; r++) {
                assert_true(amb_rollout_reward_part(rollout, r) == expected.part[r]);
                assert_string_equal(amb_rollout_reward_name(rollout, r), ami_reward_name[r]);
            }
            assert_true(isnan(amb_rollout_reward_part(rollout, AMI_REWARD_PARTS)));
            assert_null(amb_rollout_reward_name(rollout, -1));
            amb_rollout_destroy(rollout);
        }
        assert_int_equal(calls, 1);
        ami_rollout_result_free(&expected);
        unload(&in);
    }
}

/* "auto" is the policy that `amble rollout` takes for a motion, or none where amble has no model for it. */
static void takes_the_motions_own_policy(void **state)
{
    (void)state;
    static const char *const own[][3] = {{NULL, "/locomotion.onnx", "style walk"},
                                         {"style:zombie", "/locomotion.onnx", "style zombie"},
                                         {"", "/run.onnx", "run"}, /* the file */
                                         {"style_walk", NULL, "style_walk"}};
    char folder[] = "/tmp/amble_lib_rollout_XXXXXX", file[64];
    amb_clip *clip;
    assert_non_null(mkdtemp(folder));
    snprintf(file, sizeof file, "%s/run.txt", folder);
    expect_ok(amb_clip_load("style_run", NULL, &clip));
    expect_ok(amb_clip_save(clip, file));
    for (size_t i = 0; i < sizeof own / sizeof *own; i++) {
        amb_env_def env = scene(i == 2 ? file : own[i][0], "auto");
        env.episode_s = .2;
        amb_rollout_result found;
        amb_rollout *rollout = run(&env, (amb_parallel){.threads = 1}, false, &found);
        assert_int_equal(found.policy == NULL, own[i][1] == NULL);
        if (own[i][1])
            assert_non_null(strstr(found.policy, own[i][1]));
        assert_string_equal(found.motion, own[i][2]);
        amb_rollout_destroy(rollout);
    }
    amb_env_def env = scene(NULL, "auto");
    env.episode_s = .2;
    env.clip = clip; /* whose name is style_run */
    amb_rollout_result found;
    amb_rollout *rollout = run(&env, (amb_parallel){.threads = 1}, false, &found);
    assert_null(found.policy);
    amb_rollout_destroy(rollout);
    amb_clip_destroy(clip);
    assert_int_equal(remove(file), 0);
    assert_int_equal(remove(folder), 0);
}

/* A host that steps environments by the policy's network itself has the same episodes, to the bit. */
static void is_a_loop_over_environments(void **state)
{
    (void)state;
    for (int s = 0; s < 2; s++) {
        amb_env_def env = scene(scenes[s].motion, scenes[s].policy);
        env.style_change_s = scenes[s].change_s;
        env.autoreset = AMB_AUTORESET_NONE;
        amb_rollout_result expected;
        amb_rollout *rollout = run(&env, (amb_parallel){.threads = 1}, true, &expected);
        int frames, width;
        const double *poses = amb_rollout_poses(rollout, &frames, &width);
        assert_non_null(poses);
        assert_int_equal(frames, 46);
        assert_int_equal(width, 43);

        char path[4096], file[64];
        snprintf(file, sizeof file, "models/%s.onnx", scenes[s].policy);
        expect_ok(amb_find_asset(file, path, sizeof path));
        amb_model *model;
        expect_ok(amb_model_load(path, NULL, &model));
        void *workspace = malloc(amb_model_workspace_size(model, N));
        amb_envs *envs;
        expect_ok(amb_envs_create(&env, N, &envs));
        amb_env_info info = {.size = sizeof info};
        expect_ok(amb_env_get_info(amb_envs_at(envs, 0), &info));
        static float observations[N * O_MAX], actions[N * A];
        double rewards[N], sum[N] = {0}, total = 0, pose[43];
        uint8_t ends[N];
        const amb_tensor in = {NULL, observations, AMB_FLOAT32, 2, {N, info.observation_size}};
        const amb_tensor out = {NULL, actions, AMB_FLOAT32, 2, {N, A}};
        const amb_envs_arrays arrays = {
            .size = sizeof arrays, .observations = observations, .rewards = rewards, .ends = ends};
        expect_ok(amb_envs_reset(envs, NULL, observations));
        for (int step = 0; step < info.max_episode_steps; step++) {
            expect_ok(amb_env_body(amb_envs_at(envs, 0), pose, NULL));
            assert_memory_equal(pose, poses + (size_t)step * 43, sizeof pose);
            expect_ok(amb_model_run(model, &in, 1, &out, 1, workspace));
            expect_ok(amb_envs_step(envs, actions, &arrays));
            for (int i = 0; i < N; i++)
                sum[i] += rewards[i];
        }
        int up = 0;
        for (int i = 0; i < N; i++) {
            total += sum[i];
            up += ends[i] == AMB_ENV_TIME_OUT;
        }
        assert_true(total / (N * (double)info.max_episode_steps) == expected.normalised_return);
        assert_true((double)up / N == expected.survival);
        assert_true(s == 1 || up == N); /* the walk is not pushed over; styles may be */
        amb_envs_destroy(envs);
        free(workspace);
        amb_model_destroy(model);
        amb_rollout_destroy(rollout);
    }
}

static void is_what_amble_eval_prints(void **state)
{
    (void)state;
    const amb_push pushes[2] = {{0, 0}, {2, .4}};
    for (int s = 0; s < SCENES; s++)
        for (int own = 0; own < (s == 1 ? 1 : 2); own++) {
            amb_env_def env = scene(scenes[s].motion, scenes[s].policy);
            env.style_change_s = scenes[s].change_s;
            amb_rollout_def rollout;
            amb_rollout_def_init(&rollout);
            rollout.env = &env;
            rollout.characters = N;
            rollout.parallel.threads = 2;
            amb_evaluation_def def;
            amb_evaluation_def_init(&def);
            def.rollout = &rollout;
            def.seeds = 2;
            def.protocol = own ? AMB_PROTOCOL_OWN_LENGTH : AMB_PROTOCOL_SECONDS;
            def.pushes = pushes;
            def.push_count = 2;
            amb_evaluation rows[2] = {{.size = sizeof rows[0]}, {.size = sizeof rows[0]}};
            expect_ok(amb_evaluate(&def, rows));
            inside in;
            load(&in, &env);
            for (int p = 0; p < 2; p++) {
                ami_evaluation expected;
                ami_error err = {""};
                in.def.env.push_speed = pushes[p].speed;
                in.def.env.push_period = pushes[p].period;
                const ami_evaluation_def inner = {.rollout = &in.def,
                                                  .seeds = 2,
                                                  .protocol =
                                                      own ? AMI_PROTOCOL_OWN_LENGTH : AMI_PROTOCOL_SECONDS};
                assert_true(ami_evaluate(&inner, &expected, &err));
                assert_int_equal(rows[p].seeds, 2);
                assert_true(rows[p].survival == expected.survival && rows[p].success == expected.success);
                assert_true(rows[p].worst_survival == expected.worst_survival);
                assert_true(rows[p].normalised_return == expected.normalised_return);
                assert_true(rows[p].worst_return == expected.worst_return);
                assert_true(rows[p].root_m == expected.root_m && rows[p].joint_rad == expected.joint_rad);
                assert_true(rows[p].worst_return <= rows[p].normalised_return);
                assert_false(rows[p].stopped);
            }
            assert_true(rows[0].normalised_return > rows[1].normalised_return);

            /* Its mean is that of two rollouts. */
            double mean = 0;
            for (int seed = 0; seed < 2 && !own; seed++) {
                amb_rollout_result result;
                amb_env_def one = env;
                one.seed += (uint64_t)seed;
                one.push_speed = 0;
                amb_rollout_destroy(run(&one, (amb_parallel){.threads = 1}, false, &result));
                mean += result.normalised_return / 2;
            }
            assert_true(own || mean == rows[0].normalised_return);
            unload(&in);
        }
}

/* ---- progress, recording, refusals ---- */

typedef struct watch {
    double last;
    int calls, stop_after;
} watch;

static bool watch_progress(void *context, double fraction)
{
    watch *w = context;
    assert_true(fraction >= w->last && fraction <= 1);
    w->last = fraction;
    return ++w->calls < w->stop_after;
}

static void progress_may_stop_it(void **state)
{
    (void)state;
    amb_env_def env = scene("style_walk", "walk");
    env.episode_s = 4;
    watch w = {.stop_after = 1 << 30};
    amb_rollout_def def;
    amb_rollout_def_init(&def);
    def.env = &env;
    def.characters = 2;
    def.progress = watch_progress;
    def.context = &w;
    amb_rollout *rollout;
    amb_rollout_result result = {.size = sizeof result};
    expect_ok(amb_rollout_run(&def, &rollout));
    expect_ok(amb_rollout_get_result(rollout, &result));
    assert_true(w.calls > 2 && w.last > .5 && !result.stopped);
    assert_null(amb_rollout_poses(rollout, NULL, NULL));
    amb_clip *clip = (amb_clip *)&def;
    assert_int_equal(amb_rollout_clip(rollout, &clip), AMB_ERROR_ARGUMENT);
    assert_null(clip);
    expect_sentence("was not recorded");
    amb_rollout_destroy(rollout);

    w = (watch){.stop_after = 2};
    expect_ok(amb_rollout_run(&def, &rollout));
    expect_ok(amb_rollout_get_result(rollout, &result));
    assert_true(result.stopped && w.calls == 2 && result.control_steps < 2 * 120);
    amb_rollout_destroy(rollout);

    /* Of three seeds for two pushes, in the first row's second. */
    const amb_push pushes[2] = {{0, 0}, {1, 1}};
    amb_evaluation_def evaluation;
    amb_evaluation_def_init(&evaluation);
    evaluation.rollout = &def;
    evaluation.pushes = pushes;
    evaluation.push_count = 2;
    amb_evaluation rows[2] = {{.size = sizeof rows[0]}, {.size = sizeof rows[0]}};
    w = (watch){.stop_after = 6};
    expect_ok(amb_evaluate(&evaluation, rows));
    assert_int_equal(w.calls, 6);
    assert_true(rows[0].stopped && rows[1].stopped);
    assert_int_equal(rows[0].seeds, 1);
    assert_int_equal(rows[1].seeds, 0);
    assert_true(rows[0].survival == 1 && rows[0].normalised_return > .5);
}

static void a_recording_becomes_a_clip(void **state)
{
    (void)state;
    amb_env_def env = scene("style:walk", "locomotion");
    env.push_speed = 0;
    amb_rollout_result result;
    amb_rollout *rollout = run(&env, (amb_parallel){.threads = 2}, true, &result);
    int frames;
    const double *poses = amb_rollout_poses(rollout, &frames, NULL);
    amb_clip *clip;
    expect_ok(amb_rollout_clip(rollout, &clip));
    assert_int_equal(frames, 46);

    /* Another environment may follow it; its copy outlives it. */
    amb_env_def again;
    amb_env_def_init(&again);
    again.clip = clip;
    amb_env *follows;
    expect_ok(amb_env_create(&again, &follows));
    amb_clip_destroy(clip);
    amb_env_info info = {.size = sizeof info};
    expect_ok(amb_env_get_info(follows, &info));
    assert_true(fabs(info.clip_s - 1.5) < 1e-6);
    assert_false(info.clip_loops);
    assert_string_equal(info.motion, "recording");
    double pose[43];
    expect_ok(amb_env_reset_at(follows, 0, NULL));
    expect_ok(amb_env_reference(follows, pose, NULL));
    for (int k = 7; k < 43; k++)
        assert_true(fabs(pose[k] - poses[k]) < 1e-9 || fabs(pose[k] + poses[k]) < 1e-9); /* q is -q */
    amb_env_destroy(follows);
    amb_rollout_destroy(rollout);
    amb_env_def_init(&again);
    expect_ok(amb_clip_load("style_walk", NULL, &clip));
    again.clip = clip;
    again.motion = "style_walk";
    assert_int_equal(amb_env_create(&again, &follows), AMB_ERROR_ARGUMENT);
    expect_sentence("motion is \"style_walk\", but a clip is given, too");
    amb_clip_destroy(clip);
}

static void refuses_what_it_cannot_do(void **state)
{
    (void)state;
    amb_env_def env = scene("style:walk", NULL);
    amb_rollout_def def;
    amb_rollout_def_init(&def);
    def.env = &env;
    amb_rollout *rollout = (amb_rollout *)&def;
    def.characters = 0;
    assert_int_equal(amb_rollout_run(&def, &rollout), AMB_ERROR_ARGUMENT);
    expect_sentence("characters is 0, expected 1 to 65536");
    assert_null(rollout);
    def.characters = 9;
    def.realtime = true;
    assert_int_equal(amb_rollout_run(&def, &rollout), AMB_ERROR_ARGUMENT);
    expect_sentence("realtime with 9 characters on 1 threads, expected at most 8 per thread");
    assert_null(strstr(amb_error_message(), "--"));
    def.realtime = false;
    def.precision = (amb_precision)9;
    assert_int_equal(amb_rollout_run(&def, &rollout), AMB_ERROR_ARGUMENT);
    expect_sentence("the precision is 9");
    def.precision = AMB_PRECISION_AUTO;
    def.parallel.threads = -1;
    assert_int_equal(amb_rollout_run(&def, &rollout), AMB_ERROR_ARGUMENT);
    expect_sentence("parallel.threads is -1");
    def.parallel.threads = 1;
    def.record = true;
    env.episode_s = 1e5;
    assert_int_equal(amb_rollout_run(&def, &rollout), AMB_ERROR_ARGUMENT);
    expect_sentence("record: 100000 s make 3000002 frames, more than the 100000 that a clip may have");
    env.policy = "no_such_policy";
    assert_int_equal(amb_rollout_run(&def, &rollout), AMB_ERROR_NOT_FOUND);
    expect_sentence("no_such_policy");
    env.policy = NULL;
    env.substeps = 0;
    assert_int_equal(amb_rollout_run(&def, &rollout), AMB_ERROR_ARGUMENT);
    expect_sentence("substeps is 0");
    env = scene("style:walk", NULL);
    def.record = false;

    amb_evaluation_def evaluation;
    amb_evaluation_def_init(&evaluation);
    evaluation.rollout = &def;
    amb_evaluation row = {.size = sizeof row, .survival = -1};
    evaluation.seeds = 0;
    assert_int_equal(amb_evaluate(&evaluation, &row), AMB_ERROR_ARGUMENT);
    expect_sentence("seeds is 0, expected 1 to");
    evaluation.seeds = 1;
    evaluation.protocol = AMB_PROTOCOL_OWN_LENGTH;
    assert_int_equal(amb_evaluate(&evaluation, &row), AMB_ERROR_ARGUMENT);
    expect_sentence("invented motions have no length of their own");
    const amb_push push = {1, 0};
    evaluation.pushes = &push;
    assert_int_equal(amb_evaluate(&evaluation, &row), AMB_ERROR_ARGUMENT);
    expect_sentence("push_count is 0");
    evaluation.push_count = 1;
    assert_int_equal(amb_evaluate(&evaluation, &row), AMB_ERROR_ARGUMENT);
    expect_sentence("push 0 is of 1 m/s every 0 s");
    assert_true(row.survival == -1);

    asserted = 0;
    amb_set_assert_handler(count_assertion, NULL);
    evaluation.pushes = NULL;
    row.size = 0;
    assert_int_equal(amb_evaluate(&evaluation, &row), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_rollout_run(NULL, NULL), AMB_ERROR_ARGUMENT);
    memset(&def, 0, sizeof def);
    assert_int_equal(amb_rollout_run(&def, &rollout), AMB_ERROR_ARGUMENT);
    assert_null(rollout);
    amb_rollout_result result = {.size = sizeof result};
    assert_int_equal(amb_rollout_get_result(NULL, &result), AMB_ERROR_ARGUMENT);
    assert_int_equal(asserted, 4);
    amb_set_assert_handler(NULL, NULL);
    amb_rollout_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_the_motions_own_policy), cmocka_unit_test(is_what_amble_rollout_prints),
        cmocka_unit_test(is_a_loop_over_environments),  cmocka_unit_test(is_what_amble_eval_prints),
        cmocka_unit_test(progress_may_stop_it),         cmocka_unit_test(a_recording_becomes_a_clip),
        cmocka_unit_test(refuses_what_it_cannot_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
