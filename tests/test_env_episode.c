/* The rules of an episode: ends, pushes, time, and that results depend on nothing else. */
#include "tests/env.h"

#include <limits.h>

/* Without any torque a body falls in a heap. */
static void a_fall_ends_the_episode(void **unused)
{
    (void)unused;
    ami_character *limp = load_character(120);
    for (int i = 1; i < AMI_BODIES; i++) {
        limp->joint[i].kp = limp->joint[i].kd = 0;
        for (int k = 0; k < (is_hinge(i) ? 1 : is_ball(i) ? 3 : 0); k++)
            limp->model->dof_damping[limp->joint[i].qvel + k] = 1;
    }
    ami_env_def def = ami_env_default_def(limp, standing);
    def.start_phase = 0;
    ami_env env = make_env(&def);
    ami_reward reward;
    ami_env_end end = AMI_ENV_GOES_ON;
    int steps = 0;
    unsigned ankles = 0;
    while (end == AMI_ENV_GOES_ON && steps < 90) {
        end = ami_env_step(&env, zero, &reward);
        steps++;
        if (end == AMI_ENV_GOES_ON) {
            ankles |= env.world.touching;
            assert_int_equal(env.world.touching & ~(1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE), 0);
            assert_true(reward.total > 0);
        }
    }
    assert_int_equal(end, AMI_ENV_FELL);
    assert_int_equal(ankles, 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE); /* which did not end it */
    assert_true(steps > 5);
    assert_true(reward.total == 0);
    assert_true(env.world.touching & ~def.may_touch);
    ami_env_free(&env);

    /* where everything may touch, the same heap lies there till the time is up; where nothing may, the feet
     * end it at once */
    def.may_touch = all_bodies;
    def.episode_s = 2;
    env = make_env(&def);
    for (int n = 1; n < 60; n++)
        assert_int_equal(ami_env_step(&env, zero, &reward), AMI_ENV_GOES_ON);
    assert_true(env.state.pose[2] < .4);
    assert_int_equal(ami_env_step(&env, zero, &reward), AMI_ENV_TIME_OUT);
    assert_true(reward.total > 0);
    ami_env_free(&env);
    def.may_touch = 0;
    env = make_env(&def);
    ami_env_step(&env, zero, &reward);
    end = ami_env_step(&env, zero, &reward);
    assert_int_equal(end, AMI_ENV_FELL);
    assert_true(reward.total == 0);
    ami_env_reset(&env);
    assert_int_equal(env.world.touching, 0);
    ami_env_free(&env);
    ami_character_destroy(limp);
}

static void time_is_up_after_that_many_steps(void **unused)
{
    (void)unused;
    const struct {
        double episode_s, physics_hz;
        int substeps, steps;
    } rows[] = {
        {.5, 120, 4, 15}, {.501, 120, 4, 16}, {.1, 120, 4, 3}, {.001, 120, 4, 1},
        {.7, 120, 1, 84}, {.3, 240, 8, 9},    {.3, 60, 3, 6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ami_character *own = load_character(rows[i].physics_hz);
        ami_env_def def = plain_def(standing);
        def.character = own;
        def.episode_s = rows[i].episode_s;
        def.substeps = rows[i].substeps;
        ami_env env = make_env(&def);
        ami_reward reward;
        for (int round = 0; round < 2; round++) {
            for (int n = 1; n < rows[i].steps; n++)
                assert_int_equal(ami_env_step(&env, zero, &reward), AMI_ENV_GOES_ON);
            assert_int_equal(ami_env_step(&env, zero, &reward), AMI_ENV_TIME_OUT);
            assert_true(reward.total > 0);
            ami_env_reset(&env);
        }
        ami_env_free(&env);
        ami_character_destroy(own);
    }
    /* the longest episode of the shortest steps that are taken: 10^10 of them */
    ami_character *own = load_character(10000);
    ami_env_def def = plain_def(standing);
    def.character = own;
    def.substeps = 1;
    def.episode_s = 1e6;
    ami_env env;
    if (ami_env_init(&env, &def, NULL)) {
        ami_reward reward;
        assert_int_equal(ami_env_step(&env, zero, &reward), AMI_ENV_GOES_ON);
        ami_env_free(&env);
    }
    ami_character_destroy(own);
}

static void a_lost_root_ends_the_episode(void **unused)
{
    (void)unused;
    for (int row = 0; row < 3; row++) {
        ami_env_def def = plain_def(standing);
        def.max_root_m = row == 2 ? 0 : 1;
        ami_env env = make_env(&def);
        ami_reward reward;
        assert_int_equal(ami_env_step(&env, zero, &reward), AMI_ENV_GOES_ON);
        const double far = row == 0 ? .9 : 1.1; /* the standing root hardly moves in a step */
        ami_world_move(&env.world, (const double[3]){0, far, 0});
        assert_int_equal(ami_env_step(&env, zero, &reward), row == 1 ? AMI_ENV_LOST : AMI_ENV_GOES_ON);
        assert_near(reward.root_m, far, .05, "root error", row);
        assert_true(row == 1 ? reward.total == 0 : reward.total > 0);
        ami_env_free(&env);
    }
}

static void a_broken_state_ends_the_episode(void **unused)
{
    (void)unused;
    ami_env_def def = plain_def(standing);
    ami_env env = make_env(&def);
    ami_reward reward;
    ami_env_step(&env, zero, &reward);
    env.world.data->qvel[8] = NAN;
    assert_int_equal(ami_env_step(&env, zero, &reward), AMI_ENV_UNSTABLE);
    assert_true(reward.total == 0);
    ami_env_reset(&env);
    assert_int_equal(ami_env_step(&env, zero, &reward), AMI_ENV_GOES_ON);
    assert_true(reward.total > .5);
    ami_env_free(&env);
}

/* In the air and without gravity the centre of mass goes on as it is, but for the pushes. Returns the number
 * of pushes found. */
static int find_pushes(ami_env *env, int steps, int step_of[], double dv[][2], int most)
{
    ami_reward reward;
    double before[2] = {env->state.com_vel[0], env->state.com_vel[1]};
    int found = 0;
    for (int n = 0; n < steps; n++) {
        assert_int_equal(ami_env_step(env, zero, &reward), AMI_ENV_GOES_ON);
        const double *v = env->state.com_vel;
        assert_near(v[2], 0, .02, "upward velocity", n);
        if (hypot(v[0] - before[0], v[1] - before[1]) > .02) {
            assert_true(found < most);
            step_of[found] = n;
            dv[found][0] = v[0] - before[0];
            dv[found][1] = v[1] - before[1];
            found++;
        }
        before[0] = v[0];
        before[1] = v[1];
    }
    return found;
}

/* In the air, where nothing else changes the horizontal momentum (.44 m/s here), but for what integration loses. */
static void a_force_acts_for_its_time(void **unused)
{
    (void)unused;
    ami_clip *high = body_clip(20, false);
    ami_env_def def = ami_env_default_def(character, high);
    def.start_phase = 0;
    def.start_heading = M_PI / 2; /* forward is +y, left is -x */
    def.force[0] = 100;
    def.force[1] = 40;
    def.force_at = .1;
    def.force_s = .2;
    ami_env env = make_env(&def);
    const double mass = character->model->body_subtreemass[0];
    ami_reward reward;
    for (int step = 1; step <= 12; step++) {
        assert_int_equal(ami_env_step(&env, zero, &reward), AMI_ENV_GOES_ON);
        const double acted = fmin(fmax(step / 30. - .1, 0), .2);
        assert_near(env.state.com_vel[0], -40 * acted / mass, 1e-3, "speed to the right", step);
        assert_near(env.state.com_vel[1], 100 * acted / mass, 1e-3, "speed forward", step);
    }
    ami_env_reset(&env); /* in the middle of a force: nothing of it remains */
    for (int step = 0; step < 5; step++)
        ami_env_step(&env, zero, &reward);
    assert_true(env.state.com_vel[1] > 1e-3);
    ami_env_reset(&env);
    ami_env_step(&env, zero, &reward);
    assert_near(env.state.com_vel[1], 0, 1e-9, "speed after a reset", 0);
    ami_env_free(&env);
    ami_clip_destroy(high);
}

static void pushes_come_as_asked(void **unused)
{
    (void)unused;
    enum { MOST = 64 };
    ami_character *floating = load_character(120);
    for (int k = 0; k < 3; k++)
        floating->model->opt.gravity[k] = 0;
    ami_clip *high = body_clip(5, false);
    ami_env_def def = ami_env_default_def(floating, high);
    def.start_phase = 0;
    int step_of[MOST];
    double dv[MOST][2], mean_x = 0, mean_y = 0;
    ami_env env = make_env(&def);
    assert_int_equal(find_pushes(&env, 200, step_of, dv, MOST), 0); /* none were asked for */
    ami_env_free(&env);

    def.push_speed = .75;
    def.push_period = .5;
    env = make_env(&def);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(find_pushes(&env, 301, step_of, dv, MOST), 20);
        for (int n = 0; n < 20; n++) { /* at .5, 1, 1.5 s ... after the reset: 15 steps of 1/30 s before the
                                          first */
            assert_int_equal(step_of[n], 15 * (n + 1));
            assert_near(hypot(dv[n][0], dv[n][1]), .75, .01, "push", n);
            mean_x += dv[n][0] / .75 / 40;
            mean_y += dv[n][1] / .75 / 40;
        }
        assert_true(fabs(dv[0][0] * dv[1][1] - dv[0][1] * dv[1][0]) > 1e-3); /* not the same way twice */
        ami_env_reset(&env);
    }
    assert_true(hypot(mean_x, mean_y) < .5); /* from all sides: forty random unit vectors have a mean of
                                                length .16 */
    ami_env_free(&env);

    def.push_random = true;
    int before_half = 0, count = 0;
    double fastest = 0, sum = 0;
    for (int stream = 0; stream < 30; stream++) {
        def.stream = (uint64_t)stream;
        env = make_env(&def);
        assert_true(env.next_push >= 0 && env.next_push < .5);
        before_half += env.next_push < .25;
        const double first = env.next_push;
        const int found = find_pushes(&env, 90, step_of, dv, MOST); /* the slowest, below .02 m/s, are
                                                                       overlooked */
        assert_true(found >= 3 && found <= 6);
        for (int n = 0; n < found; n++) {
            const double speed = hypot(dv[n][0], dv[n][1]), since = step_of[n] / 30. - first;
            assert_true(speed < .76);
            /* at the first step of a period */
            assert_true(since - .5 * floor(since / .5 + 1e-9) < 1 / 30. + 1e-9);
            fastest = fmax(fastest, speed);
            sum += speed;
            count++;
        }
        ami_env_free(&env);
    }
    assert_true(before_half >= 7 && before_half <= 23);
    assert_near(sum / count, .375, .08, "mean push", 0);
    assert_true(fastest > .6);
    ami_clip_destroy(high);
    ami_character_destroy(floating);
}

static void random_action(ami_rng *rng, float action[AMI_ACTION])
{
    for (int k = 0; k < AMI_ACTION; k++)
        action[k] = (float)(.1 * ami_rng_normal(rng));
}

typedef struct recorded {
    ami_state state, reference;
    ami_reward reward;
    float obs[AMI_OBS_MAX];
    ami_env_end end;
} recorded;

static void record(ami_env *env, const float action[AMI_ACTION], recorded *out)
{
    memset(out, 0, sizeof *out);
    out->end = ami_env_step(env, action, &out->reward);
    out->state = env->state;
    out->reference = env->reference_state;
    assert_int_equal(ami_env_obs_size(env), AMI_OBS_MAX);
    ami_env_observe(env, out->obs);
}

static ami_env_def eventful_def(uint64_t stream)
{
    ami_env_def def = plain_def(waving);
    def.seed = 11;
    def.stream = stream;
    def.start_phase = -1;
    def.start_heading = NAN;
    def.turn_rate = .7;
    def.push_speed = 1;
    def.push_period = .2;
    def.push_random = true;
    def.goal = true;
    return def;
}

/* Nothing that others do matters. */
static void equal_environments_go_equal_ways(void **unused)
{
    (void)unused;
    const ami_env_def def = eventful_def(3), noise = eventful_def(4);
    ami_env a = make_env(&def), b = make_env(&def), neighbour = make_env(&noise);
    ami_rng rng = ami_rng_seed(12, 0), neighbours = ami_rng_seed(13, 0);
    recorded ra, rb, rn;
    int differ = 0;
    for (int n = 0; n < 120; n++) {
        float action[AMI_ACTION], other[AMI_ACTION];
        random_action(&rng, action);
        random_action(&neighbours, other);
        record(&a, action, &ra);
        record(&neighbour, other, &rn);
        record(&b, action, &rb);
        record(&neighbour, other, &rn);
        assert_memory_equal(&ra, &rb, sizeof ra);
        differ += memcmp(&ra, &rn, sizeof ra) != 0;
        if (n == 70) {
            ami_env_reset(&a);
            ami_env_reset(&b);
        }
    }
    assert_int_equal(differ, 120);
    ami_env_free(&a);
    ami_env_free(&b);
    ami_env_free(&neighbour);
}

static void a_saved_environment_goes_on_bit_by_bit(void **unused)
{
    (void)unused;
    enum { STEPS = 60 };
    const ami_env_def def = eventful_def(5);
    ami_env env = make_env(&def), other = make_env(&def);
    ami_rng rng = ami_rng_seed(14, 0);
    float action[STEPS][AMI_ACTION], obs[AMI_OBS_MAX], obs_again[AMI_OBS_MAX];
    for (int n = 0; n < STEPS; n++)
        random_action(&rng, action[n]);
    recorded at, *then = malloc(STEPS * sizeof *then), again;
    for (int n = 0; n < 25; n++)
        record(&env, action[n], &at);
    void *saved = malloc(ami_env_save_size(&env)); /* exactly as much: the address sanitizer watches */
    ami_env_save(&env, saved);
    const int step = env.step;
    ami_env_observe(&env, obs);
    for (int n = 0; n < STEPS; n++) {
        record(&env, action[n], &then[n]);
        if (n == 40)
            ami_env_reset(&env); /* the next start is random, too */
    }
    for (int round = 0; round < 2; round++) { /* into one at another place, then into one that never moved */
        ami_env *to = round ? &other : &env;
        ami_env_load(to, saved);
        ami_env_observe(to, obs_again);
        assert_memory_equal(obs_again, obs, sizeof obs);
        assert_memory_equal(&to->state, &at.state, sizeof at.state);
        assert_memory_equal(&to->reference_state, &at.reference, sizeof at.reference);
        assert_int_equal(to->step, step);
        for (int n = 0; n < STEPS; n++) {
            record(to, action[n], &again);
            assert_memory_equal(&again, &then[n], sizeof again);
            if (n == 40)
                ami_env_reset(to);
        }
    }
    free(saved);
    free(then);
    ami_env_free(&env);
    ami_env_free(&other);
}

/* The clock, the cycle and the reward of a few steps: the reference goes ahead at .5 m/s and begins each
 * cycle over the body. */
static void the_reference_keeps_time(void **unused)
{
    (void)unused;
    ami_env_def def = plain_def(waving);
    def.start_phase = .51;
    ami_env env = make_env(&def);
    ami_reward reward, want;
    double x = 0;
    for (int n = 1; n <= 40; n++) {
        ami_env_step(&env, zero, &reward);
        const double time = .51 + n / 30.;
        assert_joints_of_clip(env.reference_state.pose, waving, time, -1);
        float obs[AMI_OBS];
        ami_env_observe(&env, obs);
        assert_near((double)obs[0] - (time - floor(time)), 0, 1e-6, "phase", n);
        x = n == 15 ? env.state.pose[0] : x + .5 / 30; /* 1.01 s: a new cycle */
        assert_near(env.reference_state.pose[0], x, 1e-9, "x of the reference", n);
        assert_near(hypot(env.state.pose[0] - x, hypot(env.state.pose[1] - env.reference_state.pose[1],
                                                       env.state.pose[2] - .881416)),
                    reward.root_m, 1e-9, "root error", n);
        ami_reward_compute(character, &env.state, &env.reference_state, &want);
        assert_memory_equal(&reward, &want, sizeof want);
    }
    assert_true(env.physics_s > 0);
    ami_env_free(&env);
}

/* Each limit by itself, on a body that is off its reference in everything: what the step is worth is let pass
 * where it equals the limit, and ends the episode where it is more by the last bit; 0 is no limit. */
static void who_does_not_follow_is_lost(void **unused)
{
    (void)unused;
    static const struct {
        size_t limit, measure;
        const char *name;
    } row[] = {
        {offsetof(ami_env_def, max_root_m), offsetof(ami_reward, root_m), "root_m"},
        {offsetof(ami_env_def, max_height_m), offsetof(ami_reward, height_m), "height_m"},
        {offsetof(ami_env_def, max_tilt), offsetof(ami_reward, tilt), "tilt"},
        {offsetof(ami_env_def, max_body_m), offsetof(ami_reward, body_m), "body_m"},
    };
    double pose[AMI_POSE], vel[AMI_VEL], turn[4];
    ami_clip_sample(waving, .3, pose, vel);
    const double before[4] = {pose[3], pose[4], pose[5], pose[6]};
    turn_about(turn, .6, .8, 0, 1);
    ami_quat_mul(pose + 3, turn, before);
    pose[0] += .3;
    pose[2] += .4;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        double measured = 0;
        for (int way = 0; way < 3; way++) { /* without limit, with just that, with the next number below */
            ami_env_def def = plain_def(waving);
            def.start_phase = .3;
            const double limit = way == 0 ? 0 : way == 1 ? measured : nextafter(measured, 0);
            memcpy((char *)&def + row[i].limit, &limit, sizeof limit);
            ami_env env = make_env(&def);
            ami_reward reward;
            ami_world_set(&env.world, pose, vel);
            const ami_env_end end = ami_env_step(&env, zero, &reward);
            const double now = *(const double *)((const char *)&reward + row[i].measure);
            if (end != (way == 2 ? AMI_ENV_LOST : AMI_ENV_GOES_ON))
                fail_msg("%s %.17g under a limit of %.17g: end %d", row[i].name, now, limit, (int)end);
            assert_true(way == 0 ? now > .1 : now == measured);
            assert_true(way == 2 ? reward.total == 0 : reward.total > 0);
            measured = now;
            ami_env_free(&env);
        }
    }
}

/* A fall is called a fall, even where the reference is lost as well. */
static void a_fall_comes_before_being_lost(void **unused)
{
    (void)unused;
    ami_env_def def = plain_def(standing);
    def.max_height_m = 1e-6;
    for (int may_touch = 0; may_touch < 2; may_touch++) {
        def.may_touch = may_touch ? all_bodies : 0;
        ami_env env = make_env(&def);
        ami_reward reward;
        ami_env_end end = AMI_ENV_GOES_ON;
        ami_world_move(&env.world, (const double[3]){0, 0, -.01});
        end = ami_env_step(&env, zero, &reward);
        assert_true(env.world.touching != 0 && reward.height_m > 1e-6 && reward.total == 0);
        assert_int_equal(end, may_touch ? AMI_ENV_LOST : AMI_ENV_FELL);
        ami_env_free(&env);
    }
}

/* The same poses as a motion that is over after its 1 s. */
static ami_clip *waving_once(void)
{
    ami_error err = {""};
    ami_clip *once = ami_clip_create(ami_clip_frames(waving), ami_clip_times(waving), ami_clip_poses(waving),
                                     false, "once", &err);
    if (!once)
        fail_msg("%s", err.text);
    return once;
}

static int steps_to_time_out(ami_env *env)
{
    ami_reward reward;
    for (int n = 1; n < 1000; n++) {
        const ami_env_end end = ami_env_step(env, zero, &reward);
        if (end == AMI_ENV_GOES_ON)
            continue;
        assert_int_equal(end, AMI_ENV_TIME_OUT);
        assert_true(reward.total > 0); /* it is no failure */
        return n;
    }
    return -1;
}

static void a_motion_that_is_over_ends_the_episode_a_little_later(void **unused)
{
    (void)unused;
    ami_clip *once = waving_once();
    /* Start, rate, hold from and to, longest episode; so many steps of 1/30 s from and to. */
    static const struct {
        double start, rate, hold[2], episode_s;
        int least, most;
    } row[] = {
        {.4, 1, {0, 0}, 20, 18, 18},   {.41, 1, {0, 0}, 20, 18, 18},   {0, 1, {.5, .5}, 20, 45, 45},
        {.4, 2, {.1, .1}, 20, 12, 12}, {.4, 1, {.5, 2}, 20, 33, 78},   {.4, 1, {.5, 2}, 1.7, 33, 51},
        {.999, 1, {0, .02}, 20, 1, 1}, {.4, 1, {-1, 1}, 20, 18, 48},   {.4, 1, {2, 3}, .7, 21, 21},
        {.4, 1, {-1, -1}, 3, 90, 90},  {.4, .5, {1, 1.1}, 20, 66, 69},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        ami_env_def def = plain_def(once);
        def.start_phase = row[i].start;
        def.rate = row[i].rate;
        def.hold_s[0] = row[i].hold[0];
        def.hold_s[1] = row[i].hold[1];
        def.episode_s = row[i].episode_s;
        ami_env env = make_env(&def);
        int least = INT_MAX, most = 0;
        for (int n = 0; n < 300; n++) {
            least = env.steps_end < least ? env.steps_end : least;
            most = env.steps_end > most ? env.steps_end : most;
            if (n < 3)
                assert_int_equal(env.steps_end, steps_to_time_out(&env));
            ami_env_reset(&env);
        }
        if (!(least >= row[i].least && most <= row[i].most && least <= row[i].least + 1 &&
              most >= row[i].most - 1))
            fail_msg("row %zu: episodes of %d to %d steps, expected %d to %d", i, least, most, row[i].least,
                     row[i].most);
        ami_env_free(&env);
    }
    ami_clip_destroy(once);
}

/* Nothing is drawn for a loop, nor where nothing was asked for: all that is random stays what it was. */
static void a_loop_has_no_end_to_hold(void **unused)
{
    (void)unused;
    ami_clip *once = waving_once();
    for (int loops = 0; loops < 2; loops++) {
        ami_env_def def = eventful_def(2);
        def.clip = loops ? waving : once;
        ami_env plain = make_env(&def);
        def.hold_s[0] = loops ? .5 : -3;
        def.hold_s[1] = loops ? 2 : -1;
        ami_env held = make_env(&def);
        ami_rng rng = ami_rng_seed(15, 0);
        recorded a, b;
        for (int n = 0; n < 60; n++) {
            float action[AMI_ACTION];
            random_action(&rng, action);
            record(&plain, action, &a);
            record(&held, action, &b);
            assert_memory_equal(&a, &b, sizeof a);
            assert_true(held.steps_end == held.steps_max && held.steps_max == 600);
            if (n == 30) {
                ami_env_reset(&plain);
                ami_env_reset(&held);
            }
        }
        ami_env_free(&plain);
        ami_env_free(&held);
    }
    ami_clip_destroy(once);
}

static void a_saved_environment_knows_when_it_ends(void **unused)
{
    (void)unused;
    ami_clip *once = waving_once();
    ami_env_def def = plain_def(once);
    def.start_phase = -1;
    def.hold_s[1] = 2;
    def.hold_s[0] = .5;
    ami_env env = make_env(&def), other = make_env(&def);
    void *saved = malloc(ami_env_save_size(&env));
    int differed = 0;
    for (int n = 0; n < 5; n++) {
        ami_env_reset(&env);
        for (int step = 0; step < 5; step++) {
            ami_reward reward;
            assert_int_equal(ami_env_step(&env, zero, &reward), AMI_ENV_GOES_ON);
        }
        ami_env_save(&env, saved);
        differed += other.steps_end != env.steps_end;
        ami_env_load(&other, saved);
        assert_int_equal(other.steps_end, env.steps_end);
        assert_int_equal(steps_to_time_out(&other), env.steps_end - 5);
    }
    assert_true(differed > 2);
    free(saved);
    ami_env_free(&env);
    ami_env_free(&other);
    ami_clip_destroy(once);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fall_ends_the_episode),
        cmocka_unit_test(time_is_up_after_that_many_steps),
        cmocka_unit_test(a_lost_root_ends_the_episode),
        cmocka_unit_test(a_broken_state_ends_the_episode),
        cmocka_unit_test(a_force_acts_for_its_time),
        cmocka_unit_test(pushes_come_as_asked),
        cmocka_unit_test(equal_environments_go_equal_ways),
        cmocka_unit_test(a_saved_environment_goes_on_bit_by_bit),
        cmocka_unit_test(the_reference_keeps_time),
        cmocka_unit_test(who_does_not_follow_is_lost),
        cmocka_unit_test(a_fall_comes_before_being_lost),
        cmocka_unit_test(a_motion_that_is_over_ends_the_episode_a_little_later),
        cmocka_unit_test(a_loop_has_no_end_to_hold),
        cmocka_unit_test(a_saved_environment_knows_when_it_ends),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
