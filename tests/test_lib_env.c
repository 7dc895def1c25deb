/* amble/env.h as a host uses it: linked against the shared library alone. */
#include <amble/env.h>
#include <amble/model.h>

#include "tests/allocations.h"

#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 7, A = 36, O = 197, O_GOAL = 246, R = 5, T = 6 };

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

static amb_env_def definition(const char *motion)
{
    amb_env_def def;
    amb_env_def_init(&def);
    def.motion = motion;
    def.seed = 5;
    return def;
}

/* Episodes of .8 s with everything in them: pushes, starts beside the motion, turns, a goal. */
static amb_env_def lively(const char *motion)
{
    amb_env_def def = definition(motion);
    def.goal = true;
    def.episode_s = .8;
    def.push_speed = 1;
    def.push_period = .3;
    def.push_random = true;
    def.start_noise = .5;
    def.start_heading = (double)NAN;
    def.turn_rate = .3;
    def.max_height_m = .3;
    def.friction[0] = .5;
    def.friction[1] = def.mass_range[1] = 1.2;
    def.mass_range[0] = .8;
    def.delay[1] = 2;
    def.observation_noise = .5;
    return def;
}

static amb_env *create(const amb_env_def *def)
{
    amb_env *env;
    expect_ok(amb_env_create(def, &env));
    return env;
}

static amb_envs *create_many(const amb_env_def *def, int count)
{
    amb_envs *envs;
    expect_ok(amb_envs_create(def, count, &envs));
    return envs;
}

/* What environment i does in step `step`; small enough that bodies fall now and then only. */
static void choose(int i, int step, float action[A])
{
    for (int k = 0; k < A; k++)
        action[k] = .25f * sinf((float)(13 * i + 7 * step) + 1.7f * (float)k);
}

static void describes_itself(void **state)
{
    (void)state;
    amb_env_def def = definition("style_walk");
    amb_env *env = create(&def);
    amb_env_info info = {.size = sizeof info};
    expect_ok(amb_env_get_info(env, &info));
    assert_int_equal(info.observation_size, O);
    assert_int_equal(info.action_size, A);
    assert_int_equal(info.pose_size, 43);
    assert_int_equal(info.velocity_size, 34);
    assert_int_equal(info.max_episode_steps, 600);
    assert_true(fabs(info.control_dt - 1. / 30) < 1e-12);
    assert_string_equal(info.motion, "style_walk");
    assert_true(info.clip_loops && info.clip_s > .5 && info.clip_s < 3);

    int covered = 0;
    amb_env_block block = {.size = sizeof block};
    for (int i = 0; amb_env_observation_block(env, i, &block) == AMB_OK; i++) {
        assert_int_equal(block.first, covered);
        assert_int_equal(block.count % block.rows, 0);
        covered += block.count;
    }
    assert_int_equal(covered, O);
    expect_sentence("block 4 of an observation was asked for, expected 0 to 3");
    covered = 0;
    for (int i = 0; amb_env_action_block(env, i, &block) == AMB_OK; i++) {
        assert_int_equal(block.first, covered);
        covered += block.count;
    }
    assert_int_equal(covered, A);
    assert_string_equal(block.name, "left_elbow");
    expect_sentence("block 12 of an action");

    double weights = 0;
    for (int r = 0; r < info.reward_parts; r++)
        weights += amb_env_reward_weight(env, r);
    assert_true(fabs(weights - 1) < 1e-12);
    assert_string_equal(amb_env_reward_name(env, 0), "pose");
    assert_null(amb_env_reward_name(env, info.reward_parts));
    assert_string_equal(amb_env_tracking_name(env, 0), "root_m");
    assert_null(amb_env_tracking_name(env, info.tracking_errors));
    assert_string_equal(amb_env_end_name(AMB_ENV_TIME_OUT), "time-out");
    assert_string_equal(amb_env_end_name((amb_env_end)9), "unknown");
    float mean[A], std[A];
    expect_ok(amb_env_action_scale(env, mean, std));
    assert_true(mean[0] < 1e-9f && std[0] > .99f && std[0] < 1.01f);
    amb_env_destroy(env);
    amb_env_destroy(NULL);

    /* What a policy was trained in is what it gets. */
    def = definition(NULL);
    def.policy = "locomotion";
    def.substeps = 1;
    env = create(&def);
    expect_ok(amb_env_get_info(env, &info));
    assert_int_equal(info.observation_size, O_GOAL);
    assert_true(fabs(info.control_dt - 1. / 30) < 1e-12);
    assert_string_equal(info.motion, "style random");
    assert_true(isnan(info.clip_s));
    covered = 0;
    for (int i = 0; amb_env_observation_block(env, i, &block) == AMB_OK; i++)
        covered += block.count;
    assert_int_equal(covered, O_GOAL);
    amb_env_destroy(env);
}

/* The total is the weighted sum of the parts, and zero actions follow the motion for a while. */
static void rewards_add_up(void **state)
{
    (void)state;
    const amb_env_def def = definition("style_walk");
    amb_env *env = create(&def);
    const float action[A] = {0};
    double parts[R], sum = 0;
    amb_env_step_info info = {.size = sizeof info};
    for (int step = 0; step < 5; step++) {
        double total = 0;
        expect_ok(amb_env_step(env, action, NULL, &info));
        expect_ok(amb_env_reward_parts(env, parts));
        for (int r = 0; r < R; r++)
            total += parts[r] * amb_env_reward_weight(env, r);
        assert_true(fabs(total - info.reward) < 1e-9);
        assert_true(info.reward > .5 && info.root_m < .2 && info.joint_rad < .5);
        sum += info.reward;
    }
    assert_true(fabs(info.episode_return - sum) < 1e-12);
    assert_int_equal(info.episode_length, 5);
    assert_false(info.terminated || info.truncated);
    amb_env_destroy(env);
}

/* ---- one and many ---- */

typedef struct trace {
    float observations[N][O_GOAL], finals[N][O_GOAL];
    double rewards[N], returns[N], parts[N][R], tracking[N][T];
    float rewards_f32[N];
    bool terminated[N], truncated[N];
    uint8_t ends[N];
    int64_t lengths[N];
} trace;

static amb_envs_arrays arrays_of(trace *t)
{
    return (amb_envs_arrays){.size = sizeof(amb_envs_arrays),
                             .observations = t->observations[0],
                             .rewards = t->rewards,
                             .rewards_f32 = t->rewards_f32,
                             .terminated = t->terminated,
                             .truncated = t->truncated,
                             .ends = t->ends,
                             .reward_parts = t->parts[0],
                             .tracking = t->tracking[0],
                             .final_observations = t->finals[0],
                             .episode_returns = t->returns,
                             .episode_lengths = t->lengths};
}

enum { STEPS = 60 };

static void simulate_many(amb_env_def def, amb_parallel parallel, trace traces[STEPS])
{
    def.parallel = parallel;
    amb_envs *envs = create_many(&def, N);
    assert_int_equal(amb_envs_count(envs), N);
    assert_null(amb_envs_at(envs, N));
    memset(traces, 0, STEPS * sizeof *traces);
    float actions[N][A];
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < N; i++)
            choose(i, step, actions[i]);
        const amb_envs_arrays out = arrays_of(&traces[step]);
        expect_ok(amb_envs_step(envs, actions[0], &out));
    }
    amb_envs_destroy(envs);
}

/* The same with N single environments, which are reset by hand. */
static int compare_with_single_ones(amb_env_def def, const trace traces[STEPS])
{
    int episodes = 0;
    for (int i = 0; i < N; i++) {
        def.stream = (uint64_t)i;
        amb_env *env = create(&def);
        for (int step = 0; step < STEPS; step++) {
            const trace *t = &traces[step];
            float action[A], observation[O_GOAL];
            double parts[R];
            amb_env_step_info info = {.size = sizeof info};
            choose(i, step, action);
            expect_ok(amb_env_step(env, action, observation, &info));
            expect_ok(amb_env_reward_parts(env, parts));
            const double tracking[T] = {info.root_m,   info.joint_rad, info.end_effector_m,
                                        info.height_m, info.tilt,      info.body_m};
            assert_memory_equal(&info.reward, &t->rewards[i], sizeof info.reward);
            assert_memory_equal(parts, t->parts[i], sizeof parts);
            assert_memory_equal(tracking, t->tracking[i], sizeof tracking);
            assert_true(t->rewards_f32[i] == (float)info.reward);
            assert_int_equal(info.end, t->ends[i]);
            assert_int_equal(info.terminated, t->terminated[i]);
            assert_int_equal(info.truncated, t->truncated[i]);
            assert_int_equal(info.truncated, info.end == AMB_ENV_TIME_OUT);
            if (info.end != AMB_ENV_GOES_ON) {
                episodes++;
                assert_memory_equal(observation, t->finals[i], sizeof observation);
                assert_memory_equal(&info.episode_return, &t->returns[i], sizeof(double));
                assert_int_equal(info.episode_length, t->lengths[i]);
                expect_ok(amb_env_reset(env, observation));
            } else {
                assert_int_equal(t->lengths[i], 0); /* as it was */
                assert_true(t->returns[i] == 0 && t->finals[i][1] == 0);
            }
            assert_memory_equal(observation, t->observations[i], sizeof observation);
        }
        amb_env_destroy(env);
    }
    return episodes;
}

/* A host's scheduler: the last one first, on two threads. */
typedef struct half {
    int first, count, step;
    void (*task)(int index, void *argument);
    void *argument;
} half;

static void *run_half(void *context)
{
    const half *h = context;
    for (int i = h->count - 1 - h->first; i >= 0; i -= h->step)
        h->task(i, h->argument);
    return NULL;
}

static void run_on_hosts_threads(void *context, int count, void (*task)(int index, void *argument),
                                 void *argument)
{
    ++*(int *)context;
    half h[2] = {{0, count, 2, task, argument}, {1, count, 2, task, argument}};
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, run_half, &h[1]), 0);
    run_half(&h[0]);
    pthread_join(thread, NULL);
}

static void many_are_single_ones_on_any_threads(void **state)
{
    (void)state;
    static trace one[STEPS], other[STEPS];
    static const char *const motion[] = {"style_walk", "style:random", "style:walk:0.7,zombie:0.3"};
    for (int m = 0; m < 3; m++) {
        amb_env_def def = lively(motion[m]);
        def.style_change_s = m == 1 ? .2 : 0;
        simulate_many(def, (amb_parallel){.threads = 1}, one);
        assert_true(compare_with_single_ones(def, one) > N);
        simulate_many(def, (amb_parallel){.threads = 3}, other);
        assert_memory_equal(one, other, sizeof one);
        int calls = 0;
        simulate_many(def, (amb_parallel){.run = run_on_hosts_threads, .context = &calls}, other);
        assert_memory_equal(one, other, sizeof one);
        assert_int_equal(calls, STEPS);
    }
}

static void seeds_make_the_same_again(void **state)
{
    (void)state;
    static const char *const motion[] = {"style_walk", "style:random"};
    for (int m = 0; m < 2; m++) {
        amb_env_def def = lively(motion[m]);
        def.seed = 77;
        def.stream = 3;
        amb_env *fresh = create(&def);
        def.seed = 1;
        def.stream = 0;
        amb_env *used = create(&def);
        float action[A] = {0}, a[O_GOAL], b[O_GOAL], c[O_GOAL];
        for (int step = 0; step < 10; step++)
            expect_ok(amb_env_step(used, action, NULL, NULL));
        expect_ok(amb_env_observe(fresh, a));
        expect_ok(amb_env_seed(used, 77, 3, b));
        assert_memory_equal(a, b, sizeof a);
        expect_ok(amb_env_reset(used, b)); /* finds a new episode and leaves it */
        assert_memory_equal(a, b, sizeof a);
        for (int step = 0; step < 10; step++) {
            choose(3, step, action);
            expect_ok(amb_env_step(fresh, action, a, NULL));
            expect_ok(amb_env_step(used, action, b, NULL));
            assert_memory_equal(a, b, sizeof a);
        }
        expect_ok(amb_env_reset(used, b));
        expect_ok(amb_env_reset(used, c)); /* this one is another */
        assert_memory_not_equal(b, c, sizeof b);

        /* The same of many, with seeds of their own. */
        const uint64_t seeds[2] = {9, 77};
        float rows[2][O_GOAL];
        def.stream = 2;
        amb_envs *envs = create_many(&def, 2);
        expect_ok(amb_envs_seed(envs, seeds, rows[0]));
        expect_ok(amb_env_seed(fresh, 77, 3, a));
        assert_memory_equal(a, rows[1], sizeof a);
        const bool mask[2] = {false, true};
        float again[2][O_GOAL] = {{0}};
        expect_ok(amb_envs_reset(envs, mask, again[0]));
        assert_true(again[0][1] == 0);
        assert_memory_equal(again[1], rows[1], sizeof again[1]);
        amb_envs_destroy(envs);
        amb_env_destroy(fresh);
        amb_env_destroy(used);
    }
}

/* ---- ends ---- */

static void episodes_end_for_their_reasons(void **state)
{
    (void)state;
    float action[A] = {0}, observation[O];
    amb_env_step_info info = {.size = sizeof info};
    amb_env_def def = definition("style_walk");
    def.episode_s = .1;
    amb_env *env = create(&def);
    for (int step = 0; step < 3; step++)
        expect_ok(amb_env_step(env, action, observation, &info));
    assert_int_equal(info.end, AMB_ENV_TIME_OUT);
    assert_true(info.truncated && !info.terminated && info.reward > 0);
    assert_int_equal(amb_env_step(env, action, observation, &info), AMB_ERROR_ARGUMENT);
    expect_sentence("the episode is over (time-out), expected amb_env_reset");
    expect_ok(amb_env_reset(env, NULL));
    expect_ok(amb_env_last_step(env, &info));
    assert_true(info.end == AMB_ENV_GOES_ON && info.reward == 0 && info.episode_length == 0);
    action[35] = (float)NAN;
    assert_int_equal(amb_env_step(env, action, observation, &info), AMB_ERROR_ARGUMENT);
    expect_sentence("number 35 of the action is nan, expected a finite one");
    action[35] = 0;

    /* A body thrown about: absurd speeds are unstable, and the observation is the one before. */
    double pose[43], velocity[34];
    float before[O];
    expect_ok(amb_env_body(env, pose, velocity));
    for (int k = 3; k < 34; k++)
        velocity[k] = k % 2 ? 9999 : -9999;
    expect_ok(amb_env_set_body(env, pose, velocity));
    expect_ok(amb_env_observe(env, before));
    expect_ok(amb_env_step(env, action, observation, &info));
    assert_int_equal(info.end, AMB_ENV_UNSTABLE);
    assert_true(info.terminated && info.reward == 0);
    assert_memory_equal(before, observation, sizeof before);
    expect_ok(amb_env_reset(env, NULL));
    expect_ok(amb_env_step(env, action, observation, &info));
    assert_int_equal(info.end, AMB_ENV_GOES_ON);
    amb_env_destroy(env);

    /* Limbs that are let go: it falls, or before that it is lost, where there is a limit. */
    for (int limit = 0; limit < 2; limit++) {
        def = definition("style_walk");
        def.max_height_m = limit ? .1 : 0;
        env = create(&def);
        int steps = 0;
        do {
            for (int k = 0; k < A; k++)
                action[k] = k % 3 ? -2 : 2;
            expect_ok(amb_env_step(env, action, NULL, &info));
        } while (info.end == AMB_ENV_GOES_ON && ++steps < 300);
        assert_int_equal(info.end, limit ? AMB_ENV_LOST : AMB_ENV_FELL);
        assert_true(info.reward == 0 && info.terminated);
        assert_true(!limit || info.height_m > .1);
        amb_env_destroy(env);
    }
}

static void ends_are_handled_as_asked(void **state)
{
    (void)state;
    enum { ENDS = 3 }; /* the step that ends the episodes, from 1 */
    static const amb_autoreset mode[] = {AMB_AUTORESET_NONE, AMB_AUTORESET_NEXT_STEP,
                                         AMB_AUTORESET_SAME_STEP};
    for (int m = 0; m < 3; m++) {
        amb_env_def def = definition("style_walk");
        def.episode_s = .1;
        def.autoreset = mode[m];
        amb_envs *envs = create_many(&def, 2);
        float actions[2][A] = {{0}}, end[O] = {0};
        trace t[ENDS + 2] = {{.lengths = {0}}};
        for (int step = 0; step < ENDS + 2; step++) {
            float rows[2][O];
            amb_envs_arrays out = arrays_of(&t[step]);
            out.observations = rows[0];
            out.final_observations = t[step].finals[0];
            if (mode[m] != AMB_AUTORESET_SAME_STEP && step == ENDS)
                actions[0][0] = (float)NAN; /* is not used in this step */
            expect_ok(amb_envs_step(envs, actions[0], &out));
            actions[0][0] = 0;
            memcpy(t[step].observations[0], rows[0], sizeof rows[0]);
            if (step == ENDS - 1)
                memcpy(end, t[step].finals[0], sizeof end);
        }
        const trace *last = &t[ENDS - 1], *next = &t[ENDS];
        assert_false(t[ENDS - 2].truncated[0]);
        assert_true(last->truncated[0] && last->truncated[1] && !last->terminated[0]);
        assert_int_equal(last->ends[0], AMB_ENV_TIME_OUT);
        assert_int_equal(last->lengths[0], ENDS);
        assert_true(fabs(last->returns[0] - t[0].rewards[0] - t[1].rewards[0] - t[2].rewards[0]) < 1e-12);
        const bool at_the_end = !memcmp(last->observations[0], end, sizeof end);
        assert_int_equal(at_the_end, mode[m] != AMB_AUTORESET_SAME_STEP);
        assert_int_equal(next->truncated[0], mode[m] == AMB_AUTORESET_NONE);
        assert_int_equal(next->rewards[0] > 0, mode[m] == AMB_AUTORESET_SAME_STEP);
        if (mode[m] == AMB_AUTORESET_NONE) {
            assert_memory_equal(next->observations[0], end, sizeof end);
            assert_true(next->lengths[0] == 0);
            expect_ok(amb_envs_reset(envs, NULL, NULL));
        } else {
            assert_memory_not_equal(next->observations[0], end, sizeof end);
            assert_true(t[ENDS + 1].rewards[0] > 0);
        }
        actions[1][7] = (float)INFINITY;
        const amb_envs_arrays none = {.size = sizeof none};
        assert_int_equal(amb_envs_step(envs, actions[0], &none), AMB_ERROR_ARGUMENT);
        expect_sentence("action (1, 7) is inf, expected a finite number");
        actions[1][7] = 0;
        expect_ok(amb_envs_step(envs, actions[0], &none));
        amb_envs_destroy(envs);
    }
}

/* ---- states ---- */

static void saved_states_go_on_to_the_bit(void **state)
{
    (void)state;
    static const char *const motion[] = {"style_walk", "style:random"};
    for (int m = 0; m < 2; m++) {
        amb_env_def def = lively(motion[m]);
        def.style_change_s = m ? .15 : 0;
        def.episode_s = 3;
        def.max_height_m = 0;
        amb_env *env = create(&def);
        def.seed = 99;
        amb_env *other = create(&def);
        amb_env_info info = {.size = sizeof info};
        expect_ok(amb_env_get_info(env, &info));
        char *bytes = malloc(info.state_bytes + 1);
        float action[A], a[O_GOAL], b[O_GOAL];
        amb_env_step_info of_a = {.size = sizeof of_a}, of_b = {.size = sizeof of_b};
        for (int step = 0; step < 24; step++) { /* saved in every stage of a motion in the making */
            expect_ok(amb_env_save(env, bytes + 1, info.state_bytes)); /* not aligned */
            expect_ok(amb_env_observe(env, a));
            expect_ok(amb_env_restore(other, bytes + 1, info.state_bytes, b));
            assert_memory_equal(a, b, sizeof a);
            for (int k = 0; k < 12; k++) {
                choose(1, step + k, action);
                for (int n = 0; n < A; n++)
                    action[n] *= .1f;
                expect_ok(amb_env_step(other, action, b, &of_b));
                if (k == 0)
                    expect_ok(amb_env_step(env, action, a, &of_a));
                if (k == 0) {
                    assert_memory_equal(a, b, sizeof a);
                    assert_memory_equal(&of_a, &of_b, sizeof of_a);
                }
                if (of_b.end != AMB_ENV_GOES_ON)
                    break;
            }
            if (of_a.end != AMB_ENV_GOES_ON)
                expect_ok(amb_env_reset(env, NULL));
        }
        /* Far: both on for two seconds, over ends of episodes. */
        expect_ok(amb_env_save(env, bytes, info.state_bytes));
        expect_ok(amb_env_restore(other, bytes, info.state_bytes, NULL));
        for (int step = 0; step < 60; step++) {
            choose(2, step, action);
            expect_ok(amb_env_step(env, action, a, &of_a));
            expect_ok(amb_env_step(other, action, b, &of_b));
            assert_memory_equal(a, b, sizeof a);
            assert_memory_equal(&of_a, &of_b, sizeof of_a);
            if (of_a.end != AMB_ENV_GOES_ON) {
                expect_ok(amb_env_reset(env, a));
                expect_ok(amb_env_reset(other, b));
                assert_memory_equal(a, b, sizeof a);
            }
        }

        /* What is no such state changes nothing. */
        expect_ok(amb_env_observe(other, b));
        assert_int_equal(amb_env_restore(other, bytes, info.state_bytes - 1, a), AMB_ERROR_ARGUMENT);
        expect_sentence("bytes for a state, expected ");
        bytes[info.state_bytes / 2] ^= 1;
        assert_int_equal(amb_env_restore(other, bytes, info.state_bytes, a), AMB_ERROR_ARGUMENT);
        expect_sentence("checksum");
        bytes[0] ^= 1;
        assert_int_equal(amb_env_restore(other, bytes, info.state_bytes, a), AMB_ERROR_ARGUMENT);
        expect_sentence("not an environment's state");
        def.turn_rate = .4;
        amb_env *another = create(&def);
        expect_ok(amb_env_save(env, bytes, info.state_bytes));
        assert_int_equal(amb_env_restore(another, bytes, info.state_bytes, a), AMB_ERROR_ARGUMENT);
        expect_sentence("another definition");
        expect_ok(amb_env_observe(other, a));
        assert_memory_equal(a, b, sizeof a);
        free(bytes);
        amb_env_destroy(another);
        amb_env_destroy(other);
        amb_env_destroy(env);
    }
}

static void the_body_can_be_put_somewhere(void **state)
{
    (void)state;
    const amb_env_def def = definition("style_walk");
    amb_env *env = create(&def);
    double pose[43], velocity[34], back[43], motion[43];
    float a[O], b[O];
    expect_ok(amb_env_reset_at(env, .25, a));
    assert_true(fabsf(a[0] - .25f) < 1e-5f);
    expect_ok(amb_env_reset_at(env, .25, b));
    assert_memory_equal(a, b, sizeof a);
    assert_int_equal(amb_env_reset_at(env, 1, b), AMB_ERROR_ARGUMENT);
    expect_sentence("phase 1");
    expect_ok(amb_env_body(env, pose, velocity));
    expect_ok(amb_env_reference(env, motion, NULL));
    for (int k = 3; k < 43; k++)
        assert_true(fabs(pose[k] - motion[k]) < 1e-9); /* it starts in the motion's pose */
    pose[2] += .5;
    pose[7] *= 1.2; /* of a quaternion; normalised */
    expect_ok(amb_env_set_body(env, pose, velocity));
    expect_ok(amb_env_body(env, back, NULL));
    assert_true(fabs(back[2] - pose[2]) < 1e-12);
    assert_true(fabs(back[7] * back[7] + back[8] * back[8] + back[9] * back[9] + back[10] * back[10] - 1) <
                1e-9);
    expect_ok(amb_env_observe(env, b));
    assert_true(fabsf(b[1] - a[1] - .5f) < 1e-5f);
    pose[3] = pose[4] = pose[5] = pose[6] = 0;
    assert_int_equal(amb_env_set_body(env, pose, velocity), AMB_ERROR_ARGUMENT);
    expect_sentence("quaternion of the root");
    pose[3] = (double)NAN;
    assert_int_equal(amb_env_set_body(env, pose, velocity), AMB_ERROR_ARGUMENT);
    expect_sentence("number 3 of the pose is nan");
    velocity[33] = 1e5;
    pose[3] = 1;
    assert_int_equal(amb_env_set_body(env, pose, velocity), AMB_ERROR_ARGUMENT);
    expect_sentence("number 33 of the velocity is 100000");
    expect_ok(amb_env_body(env, motion, NULL));
    assert_memory_equal(motion, back, sizeof back);
    assert_string_equal(amb_env_failure(env), "");
    amb_env_destroy(env);
}

/* ---- contracts ---- */

static void nothing_is_allocated_in_a_step(void **state)
{
    (void)state;
    static const char *const motion[] = {"style_walk", "style:random"};
    for (int m = 0; m < 2; m++) {
        amb_env_def def = lively(motion[m]);
        def.style_change_s = m ? .2 : 0;
        const long before_creation = asked;
        amb_envs *envs = create_many(&def, N);
#ifndef AMI_OWN_MALLOC
        assert_true(asked > before_creation); /* it is counted in the library */
#else
        (void)before_creation;
#endif
        amb_env_info info = {.size = sizeof info};
        expect_ok(amb_env_get_info(amb_envs_at(envs, 0), &info));
        void *bytes = malloc(info.state_bytes);
        static trace t;
        const amb_envs_arrays out = arrays_of(&t);
        const uint64_t seeds[N] = {1, 2, 3};
        float actions[N][A];
        const long before = asked;
        for (int step = 0; step < STEPS; step++) {
            for (int i = 0; i < N; i++)
                choose(i, step, actions[i]);
            expect_ok(amb_envs_step(envs, actions[0], &out));
        }
        expect_ok(amb_env_save(amb_envs_at(envs, 1), bytes, info.state_bytes));
        expect_ok(amb_env_restore(amb_envs_at(envs, 2), bytes, info.state_bytes, NULL));
        expect_ok(amb_envs_reset(envs, NULL, t.observations[0]));
        expect_ok(amb_envs_seed(envs, seeds, t.observations[0]));
        assert_int_equal(asked, before);
        free(bytes);
        amb_envs_destroy(envs);
    }
}

/* One request for memory after the other is refused, at first each, then fewer of the thousands. */
static void is_made_with_enough_memory_or_not_at_all(void **state)
{
    (void)state;
    SKIP_WHERE_OPENMP_ABORTS();
#ifdef AMI_OWN_MALLOC
    skip_because("the sanitizer has its own malloc");
#else
    static const char *const motion[] = {"style_walk", "style:walk"};
    for (int m = 0; m < 2; m++) {
        const amb_env_def def = definition(motion[m]);
        int refused = 0;
        bool met = true;
        for (long k = 0; met; k += 1 + k / 15) {
            amb_envs *envs = (amb_envs *)&refused;
            refused_call = asked + k;
            const amb_result result = amb_envs_create(&def, 2, &envs);
            met = asked > refused_call;
            refused_call = -1;
            assert_true(result == AMB_OK || met);
            assert_int_equal(envs != NULL, result == AMB_OK);
            assert_true(result == AMB_OK || strlen(amb_error_message()) > 10);
            /* Without memory MuJoCo and jansson report a file as missing, empty or damaged. */
            if (result != AMB_OK && result != AMB_ERROR_MEMORY &&
                !strstr(amb_error_message(), "Error opening") && !strstr(amb_error_message(), "empty file") &&
                !strstr(amb_error_message(), "not JSON"))
                fail_msg("%ld: %s: %s", k, amb_result_name(result), amb_error_message());
            refused += result == AMB_ERROR_MEMORY;
            if (envs) {
                float observations[2 * O];
                expect_ok(amb_envs_reset(envs, NULL, observations));
            }
            amb_envs_destroy(envs);
        }
        assert_true(refused >= 10);
    }
#endif
}

static void refuses_bad_definitions(void **state)
{
    (void)state;
    static const struct {
        amb_result result;
        size_t offset;
        enum { TEXT, REAL, WHOLE } kind;
        const char *text;
        double number;
        const char *sentence;
    } bad[] = {
#define FIELD(field) offsetof(amb_env_def, field)
        {AMB_ERROR_NOT_FOUND, FIELD(motion), TEXT, "no_such_motion", 0, "no_such_motion"},
        {AMB_ERROR_FILE, FIELD(motion), TEXT, "README.md", 0, "README.md"},
        {AMB_ERROR_NOT_FOUND, FIELD(motion), TEXT, "style:limp", 0, "motion: there is no style \"limp\""},
        {AMB_ERROR_ARGUMENT, FIELD(motion), TEXT, "style:walk:-1", 0, "-1"},
        {AMB_ERROR_ARGUMENT, FIELD(motion), TEXT, "style:walk:0", 0, "whose weights are all 0"},
        {AMB_ERROR_NOT_FOUND, FIELD(policy), TEXT, "no_such_policy", 0, "no_such_policy"},
        {AMB_ERROR_FILE, FIELD(policy), TEXT, "deepphase", 0, "expected an actor"},
        {AMB_ERROR_ARGUMENT, FIELD(may_touch), TEXT, "tail", 0, "may_touch: expected feet, auto, or names"},
        {AMB_ERROR_ARGUMENT, FIELD(may_touch), TEXT, "auto", 0, "may_touch auto needs a clip"},
        {AMB_ERROR_ARGUMENT, FIELD(rate), REAL, NULL, 2, "rate is 2, but it is for clips"},
        {AMB_ERROR_ARGUMENT, FIELD(rate), REAL, NULL, 0, "rate is 0, expected 0.01 to 100"},
        {AMB_ERROR_ARGUMENT, FIELD(style_change_s), REAL, NULL, 2,
         "style_change_s is 2, but it is for drawn"},
        {AMB_ERROR_ARGUMENT, FIELD(ground_speed), REAL, NULL, -1, "ground_speed is -1, expected 0 to 20"},
        {AMB_ERROR_ARGUMENT, FIELD(physics_hz), REAL, NULL, NAN, "physics_hz is nan, expected 30 to 10000"},
        {AMB_ERROR_ARGUMENT, FIELD(look_ahead), REAL, NULL, 2, "look_ahead is 2, expected 0 to 1"},
        {AMB_ERROR_ARGUMENT, FIELD(episode_s), REAL, NULL, 0, "episode_s is 0, expected"},
        {AMB_ERROR_ARGUMENT, FIELD(max_root_m), REAL, NULL, -1, "max_root_m is -1"},
        {AMB_ERROR_ARGUMENT, FIELD(max_height_m), REAL, NULL, -1, "max_height_m is -1"},
        {AMB_ERROR_ARGUMENT, FIELD(max_tilt), REAL, NULL, 3, "max_tilt is 3, expected 0 to 2"},
        {AMB_ERROR_ARGUMENT, FIELD(max_body_m), REAL, NULL, -1, "max_body_m is -1"},
        {AMB_ERROR_ARGUMENT, FIELD(start_phase), REAL, NULL, 1, "start_phase is 1"},
        {AMB_ERROR_ARGUMENT, FIELD(start_heading), REAL, NULL, INFINITY, "start_heading is inf"},
        {AMB_ERROR_ARGUMENT, FIELD(start_noise), REAL, NULL, 11, "start_noise is 11"},
        {AMB_ERROR_ARGUMENT, FIELD(turn_rate), REAL, NULL, -200, "turn_rate is -200"},
        {AMB_ERROR_ARGUMENT, FIELD(push_speed), REAL, NULL, -1, "push_speed is -1"},
        {AMB_ERROR_ARGUMENT, FIELD(friction), REAL, NULL, 1, "friction[0] is 1, expected 0 to 0"},
        {AMB_ERROR_ARGUMENT, FIELD(mass_range), REAL, NULL, (double)NAN, "mass_range[0] is nan"},
        {AMB_ERROR_ARGUMENT, FIELD(observation_noise), REAL, NULL, -1, "observation_noise is -1"},
        {AMB_ERROR_ARGUMENT, FIELD(hold_s), REAL, NULL, 1, "hold_s[1] is -1, expected 1 to"},
        {AMB_ERROR_ARGUMENT, FIELD(substeps), WHOLE, NULL, 0, "substeps is 0, expected 1 to 1000"},
        {AMB_ERROR_ARGUMENT, FIELD(action_mode), WHOLE, NULL, 7, "action_mode is 7"},
        {AMB_ERROR_ARGUMENT, FIELD(autoreset), WHOLE, NULL, 7, "autoreset is 7"},
        {AMB_ERROR_ARGUMENT, FIELD(parallel.threads), WHOLE, NULL, -1, "parallel.threads is -1"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        amb_env_def def = definition("style:walk");
        char *field = (char *)&def + bad[i].offset;
        const int whole = (int)(bad[i].kind == WHOLE ? bad[i].number : 0);
        if (bad[i].kind == TEXT)
            memcpy(field, &bad[i].text, sizeof bad[i].text);
        else if (bad[i].kind == REAL)
            memcpy(field, &bad[i].number, sizeof bad[i].number);
        else
            memcpy(field, &whole, sizeof whole);
        amb_env *env = (amb_env *)&def;
        const amb_result result = amb_env_create(&def, &env);
        if (result != bad[i].result)
            fail_msg("row %zu: %s: %s", i, amb_result_name(result), amb_error_message());
        expect_sentence(bad[i].sentence);
        assert_null(env);
    }
    amb_env_def def = definition("style_walk");
    def.ground_speed = 1;
    amb_envs *envs = (amb_envs *)&def;
    assert_int_equal(amb_envs_create(&def, 1, &envs), AMB_ERROR_ARGUMENT);
    expect_sentence("ground_speed is 1, but it is for invented motions");
    assert_null(envs);
    assert_int_equal(amb_envs_create(NULL, 0, &envs), AMB_ERROR_ARGUMENT);
    expect_sentence("0 environments, expected 1 to 65536");
    amb_envs_destroy(NULL);
}

/* While a step is under way, another thread uses the same handle. */
static amb_envs *shared;

static void *use_it_too(void *context)
{
    float observation[O];
    (void)context;
    assert_int_equal(amb_envs_reset(shared, NULL, NULL), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_env_reset(amb_envs_at(shared, 0), NULL), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_env_observe(amb_envs_at(shared, 1), observation), AMB_ERROR_ARGUMENT);
    return NULL;
}

static void run_with_an_intruder(void *context, int count, void (*task)(int index, void *argument),
                                 void *argument)
{
    (void)context;
    pthread_t thread;
    assert_int_equal(pthread_create(&thread, NULL, use_it_too, NULL), 0);
    pthread_join(thread, NULL);
    for (int i = 0; i < count; i++)
        task(i, argument);
}

static void broken_programs_are_told(void **state)
{
    (void)state;
    amb_env_def def = definition("style_walk");
    def.parallel.run = run_with_an_intruder;
    shared = create_many(&def, 2);
    const float actions[2][A] = {{0}};
    double rewards[2] = {0};
    amb_envs_arrays out = {.size = sizeof out, .rewards = rewards};
    asserted = 0;
    amb_set_assert_handler(count_assertion, NULL);
    expect_ok(amb_envs_step(shared, actions[0], &out));
    assert_int_equal(asserted, 3);
    assert_true(rewards[0] > .5 && rewards[1] > .5);

    amb_env_destroy(amb_envs_at(shared, 0)); /* is not the caller's */
    assert_int_equal(asserted, 4);
    out.size = 0;
    assert_int_equal(amb_envs_step(shared, actions[0], &out), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_envs_step(NULL, actions[0], &out), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_env_step(NULL, actions[0], NULL, NULL), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_env_observe(amb_envs_at(shared, 0), NULL), AMB_ERROR_ARGUMENT);
    assert_int_equal(asserted, 8);
    memset(&def, 0, sizeof def);
    amb_env *env = (amb_env *)&def;
    assert_int_equal(amb_env_create(&def, &env), AMB_ERROR_ARGUMENT);
    assert_null(env);
    assert_int_equal(asserted, 9);
    amb_set_assert_handler(NULL, NULL);
    amb_envs_destroy(shared);
}

/* A definition and arrays of an older header end earlier. */
static void older_headers_go_on(void **state)
{
    (void)state;
    amb_env_def def = definition("style_walk");
    def.size = offsetof(amb_env_def, seed);
    def.autoreset = (amb_autoreset)99; /* behind its end: not read */
    amb_envs *envs = create_many(&def, 1);
    const float actions[A] = {0};
    double reward = 0;
    amb_envs_arrays out = {.size = offsetof(amb_envs_arrays, rewards_f32), .rewards = &reward};
    memset((char *)&out + out.size, 0x7f, sizeof out - out.size);
    expect_ok(amb_envs_step(envs, actions, &out));
    assert_true(reward > .5);
    amb_env_step_info info = {.size = offsetof(amb_env_step_info, end), .episode_length = -1};
    expect_ok(amb_env_last_step(amb_envs_at(envs, 0), &info));
    assert_true(info.reward == reward && info.episode_length == -1);
    amb_envs_destroy(envs);
}

/* ---- policies as files ---- */

static float weight[O_GOAL * 8 + 8 * A], bias[A], mean[O_GOAL], std[O_GOAL];

/* Two layers, tanh between them. */
static void describe_actor(amb_actor_def *def, amb_dense_layer layer[2], int inputs)
{
    for (size_t i = 0; i < sizeof weight / sizeof *weight; i++)
        weight[i] = .02f * sinf((float)i);
    for (int i = 0; i < A; i++)
        bias[i] = .01f * (float)i;
    for (int i = 0; i < inputs; i++) {
        mean[i] = .1f * cosf((float)i);
        std[i] = 1 + .5f * sinf((float)i);
    }
    layer[0] = (amb_dense_layer){
        .inputs = inputs, .outputs = 8, .weight = weight, .activation = AMB_ACTIVATION_TANH};
    layer[1] = (amb_dense_layer){.inputs = 8, .outputs = A, .weight = weight + 8 * inputs, .bias = bias};
    amb_actor_def_init(def);
    def->layers = layer;
    def->layer_count = 2;
    def->mean = mean;
    def->std = std;
    def->clip = 5;
}

static void run_actor(const char *path, const float *observation, int inputs, float action[A])
{
    amb_model *model;
    amb_model_def fp32;
    amb_model_def_init(&fp32);
    fp32.precision = AMB_PRECISION_FP32;
    expect_ok(amb_model_load(path, &fp32, &model));
    void *workspace = malloc(amb_model_workspace_size(model, 1));
    assert_non_null(workspace);
    const amb_tensor in = {.data = (void *)observation, .type = AMB_FLOAT32, .rank = 2, .shape = {1, inputs}};
    const amb_tensor out = {.data = action, .type = AMB_FLOAT32, .rank = 2, .shape = {1, A}};
    expect_ok(amb_model_run(model, &in, 1, &out, 1, workspace));
    free(workspace);
    amb_model_destroy(model);
}

/* The file computes what the layers do, and an environment of this policy has the settings of the first. */
static void an_actor_becomes_a_file(void **state)
{
    (void)state;
    char path[] = "/tmp/amble-actor-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    amb_env_def given = definition("style:walk");
    given.goal = true;
    given.physics_hz = 240;
    given.substeps = 8;
    given.look_ahead = .05;
    amb_env *env = create(&given);
    amb_actor_def def;
    amb_dense_layer layer[2];
    describe_actor(&def, layer, O_GOAL);
    expect_ok(amb_env_save_actor(env, &def, path));
    float observation[O_GOAL], action[A];
    expect_ok(amb_env_reset(env, observation));
    run_actor(path, observation, O_GOAL, action);
    double hidden[8];
    for (int k = 0; k < 8; k++) {
        double sum = 0;
        for (int i = 0; i < O_GOAL; i++)
            sum += (double)weight[k * O_GOAL + i] *
                   fmax(-5, fmin(5, ((double)observation[i] - (double)mean[i]) / (double)std[i]));
        hidden[k] = tanh(sum);
    }
    for (int a = 0; a < A; a++) {
        double sum = (double)bias[a];
        for (int k = 0; k < 8; k++)
            sum += (double)weight[8 * O_GOAL + a * 8 + k] * hidden[k];
        assert_true(fabs(sum - (double)action[a]) < 1e-5);
    }
    amb_env_def again = definition(NULL); /* the policy names the motion */
    again.policy = path;
    amb_env *other = create(&again);
    amb_env_info info = {.size = sizeof info}, expected = {.size = sizeof expected};
    expect_ok(amb_env_get_info(other, &info));
    expect_ok(amb_env_get_info(env, &expected));
    assert_string_equal(info.motion, "style walk");
    assert_int_equal(info.observation_size, O_GOAL);
    assert_true(info.control_dt == expected.control_dt);
    amb_env_destroy(other);
    amb_env_destroy(env);
    remove(path);
}

static void bad_actors_are_refused(void **state)
{
    (void)state;
    const amb_env_def given = definition("style_walk");
    amb_env *env = create(&given);
    const char *path = "/tmp/amble-actor-never";
    amb_actor_def def;
    amb_dense_layer layer[2];
#define REFUSES(change, expected, part)                                  \
    do {                                                                 \
        describe_actor(&def, layer, O);                                  \
        change;                                                          \
        assert_int_equal(amb_env_save_actor(env, &def, path), expected); \
        expect_sentence(part);                                           \
        assert_null(fopen(path, "r"));                                   \
    } while (0)
    REFUSES(def.layer_count = 0, AMB_ERROR_ARGUMENT, "a policy of 0 layers, expected 1 to 16");
    REFUSES(def.layer_count = 17, AMB_ERROR_ARGUMENT, "17 layers");
    REFUSES(def.layer_count = 1, AMB_ERROR_ARGUMENT,
            "the last layer gives 8 numbers, expected an action's 36");
    REFUSES(layer[0].inputs = 196, AMB_ERROR_ARGUMENT, "layer 0 takes 196 numbers, expected 197");
    REFUSES(layer[1].inputs = 7, AMB_ERROR_ARGUMENT, "layer 1 takes 7 numbers, expected 8");
    REFUSES(layer[0].outputs = 0, AMB_ERROR_ARGUMENT, "layer 0 gives 0 numbers");
    REFUSES(layer[0].weight = NULL, AMB_ERROR_ARGUMENT, "layer 0 has no weight");
    REFUSES(layer[0].activation = (amb_activation)9, AMB_ERROR_ARGUMENT, "activation is 9");
    REFUSES((layer[0].activation = AMB_ACTIVATION_ELU, layer[0].alpha = -1), AMB_ERROR_ARGUMENT,
            "alpha is -1");
    REFUSES(weight[3] = NAN, AMB_ERROR_ARGUMENT, "number 3 of layer 0's weight is nan");
    REFUSES(bias[2] = INFINITY, AMB_ERROR_ARGUMENT, "number 2 of layer 1's bias is inf");
    REFUSES(def.std = NULL, AMB_ERROR_ARGUMENT, "mean and std are given together");
    REFUSES(std[4] = 0, AMB_ERROR_ARGUMENT, "number 4 of the normaliser");
    REFUSES(def.clip = -1, AMB_ERROR_ARGUMENT, "clip is -1");
    describe_actor(&def, layer, O);
    assert_int_equal(amb_env_save_actor(env, &def, "/nowhere/actor.onnx"), AMB_ERROR_FILE);
    amb_set_assert_handler(count_assertion, NULL);
    asserted = 0;
    assert_int_equal(amb_env_save_actor(env, NULL, path), AMB_ERROR_ARGUMENT);
    def.size = 0;
    assert_int_equal(amb_env_save_actor(env, &def, path), AMB_ERROR_ARGUMENT);
    assert_int_equal(asserted, 2);
    amb_set_assert_handler(NULL, NULL);
    amb_env_destroy(env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(describes_itself),
        cmocka_unit_test(rewards_add_up),
        cmocka_unit_test(many_are_single_ones_on_any_threads),
        cmocka_unit_test(seeds_make_the_same_again),
        cmocka_unit_test(episodes_end_for_their_reasons),
        cmocka_unit_test(ends_are_handled_as_asked),
        cmocka_unit_test(saved_states_go_on_to_the_bit),
        cmocka_unit_test(the_body_can_be_put_somewhere),
        cmocka_unit_test(nothing_is_allocated_in_a_step),
        cmocka_unit_test(is_made_with_enough_memory_or_not_at_all),
        cmocka_unit_test(refuses_bad_definitions),
        cmocka_unit_test(an_actor_becomes_a_file),
        cmocka_unit_test(bad_actors_are_refused),
        cmocka_unit_test(broken_programs_are_told),
        cmocka_unit_test(older_headers_go_on),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
