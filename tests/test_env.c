/* The rules of an episode: starts, actions, ends, pushes, and that nothing else decides what happens. Clips are made here; the real one is
 * asked for only where the point is the real one. */
#include "tests/body.h"

#include "sim/env.h"

static amb_character *character;
static amb_clip *standing, *waving;

/* Every frame a body at this height; waving: arms, knees and chest move, 1 s a cycle, and the root goes ahead at .5 m/s. */
static amb_clip *body_clip(double height, bool moving)
{
    enum { FRAMES = 31 };
    static double time[FRAMES], pose[FRAMES * AMB_POSE];
    for (int f = 0; f < FRAMES; f++) {
        double *p = pose + f * AMB_POSE;
        time[f] = (double)f / (FRAMES - 1);
        pose_at_rest(p, height);
        if (!moving)
            continue;
        const double wave = sin(2 * M_PI * time[f]);
        p[0] = .5 * time[f];
        turn_about(p + pose_at[AMB_CHEST], 1, 0, 0, .2 * wave);
        turn_about(p + pose_at[AMB_LEFT_SHOULDER], 0, 0, 1, .6 * wave);
        turn_about(p + pose_at[AMB_RIGHT_HIP], 0, .6, .8, .3 * wave);
        p[pose_at[AMB_RIGHT_KNEE]] = -.4 - .3 * wave;
        p[pose_at[AMB_LEFT_ELBOW]] = .5 + .4 * wave;
    }
    return make_clip(FRAMES, time, pose, true);
}

static int set_up(void **unused)
{
    (void)unused;
    character = load_character(120);
    standing = body_clip(.881416, false);
    waving = body_clip(.881416, true);
    return 0;
}

static int tear_down(void **unused)
{
    (void)unused;
    amb_clip_destroy(standing);
    amb_clip_destroy(waving);
    amb_character_destroy(character);
    return 0;
}

static amb_env make_env(const amb_env_def *def)
{
    amb_env env;
    amb_error err = {""};
    if (!amb_env_init(&env, def, &err))
        fail_msg("%s", err.text);
    return env;
}

static const unsigned all_bodies = (1u << AMB_BODIES) - 1;
static const float zero[AMB_ACTION];

/* A definition in which nothing but the test's point happens: starts at the beginning, any body may touch the floor. */
static amb_env_def plain_def(const amb_clip *clip)
{
    amb_env_def def = amb_env_default_def(character, clip);
    def.start_phase = 0;
    def.may_touch = all_bodies;
    return def;
}

static void defaults_are_those_of_the_design(void **unused)
{
    (void)unused;
    const amb_env_def def = amb_env_default_def(character, standing);
    assert_ptr_equal(def.character, character);
    assert_ptr_equal(def.clip, standing);
    assert_int_equal(def.substeps, 4);
    assert_true(def.look_ahead == .06 && def.episode_s == 20 && def.max_root_m == 0 && def.turn_rate == 0 && def.push_speed == 0);
    assert_true(def.start_phase < 0 && def.start_heading == 0 && def.start_at[0] == 0 && def.start_at[1] == 0);
    assert_int_equal(def.action_mode, AMB_ACTION_RESIDUAL);
    assert_int_equal(def.may_touch, 1u << 5 | 1u << 11);
    amb_env env = make_env(&def);
    assert_near(env.control_dt, 1 / 30., 1e-15, "control step", 0);
    assert_int_equal(env.steps_max, 600);
    amb_env_free(&env);
}

static void bad_definitions_are_refused(void **unused)
{
    (void)unused;
    const struct {
        size_t at;
        double value;
        const char *says;
    } rows[] = {
        {offsetof(amb_env_def, episode_s), 0, "episode of 0 s"},
        {offsetof(amb_env_def, episode_s), NAN, "episode of nan s"},
        {offsetof(amb_env_def, episode_s), 2e6, "episode of 2e+06 s"},
        {offsetof(amb_env_def, look_ahead), -.1, "look-ahead of -0.1 s"},
        {offsetof(amb_env_def, look_ahead), 1.5, "look-ahead of 1.5 s"},
        {offsetof(amb_env_def, look_ahead), NAN, "look-ahead"},
        {offsetof(amb_env_def, push_speed), -1, "push of -1 m/s"},
        {offsetof(amb_env_def, push_speed), INFINITY, "push of inf m/s"},
        {offsetof(amb_env_def, max_root_m), -1, "root distance limit -1 m"},
        {offsetof(amb_env_def, max_root_m), NAN, "root distance limit"},
        {offsetof(amb_env_def, start_phase), 1, "start phase 1"},
        {offsetof(amb_env_def, start_phase), NAN, "start phase nan"},
        {offsetof(amb_env_def, turn_rate), NAN, "turn rate nan"},
        {offsetof(amb_env_def, turn_rate), -101, "turn rate -101 rad/s"},
        {offsetof(amb_env_def, start_heading), INFINITY, "start heading inf"},
        {offsetof(amb_env_def, start_at), NAN, "start"},
        {offsetof(amb_env_def, start_at) + sizeof(double), INFINITY, "start"},
    };
    int missed = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        amb_env_def def = plain_def(standing);
        memcpy((char *)&def + rows[i].at, &rows[i].value, sizeof rows[i].value);
        amb_error err = {""};
        amb_env env;
        if (amb_env_init(&env, &def, &err)) {
            print_error("taken: a definition that should say \"%s\"\n", rows[i].says);
            amb_env_free(&env);
            missed++;
        } else {
            assert_sentence(&err, rows[i].says);
            assert_false(amb_env_init(&env, &def, NULL)); /* nobody listens */
        }
    }
    assert_int_equal(missed, 0);
    amb_env_def def = plain_def(standing);
    amb_error err = {""};
    amb_env env;
    def.substeps = 0;
    assert_false(amb_env_init(&env, &def, &err));
    assert_sentence(&err, "0 physics steps");
    def.substeps = 1001;
    assert_false(amb_env_init(&env, &def, &err));
    def.substeps = 4;
    def.push_speed = 1;
    def.push_period = 0;
    assert_false(amb_env_init(&env, &def, &err));
    assert_sentence(&err, "push every 0 s");
}

static void a_start_is_out_of_the_floor(void **unused)
{
    (void)unused;
    for (int row = 0; row < 3; row++) {
        const double height[3] = {.881416 - .2, .881416 + .3, -1};
        amb_clip *clip = body_clip(height[row], true);
        amb_env_def def = amb_env_default_def(character, clip);
        amb_env env = make_env(&def);
        for (int n = 0; n < 20; n++) {
            amb_env_reset(&env);
            double pose[AMB_POSE], vel[AMB_VEL];
            amb_clip_sample(clip, env.reference.time, pose, vel);
            placed_body body;
            place_body(&body, pose);
            placed_body lifted;
            place_body(&lifted, env.state.pose);
            const double lift = fmax(0, -body.lowest);
            assert_true(row == 1 ? lift == 0 : lift > .05);
            assert_true(lifted.lowest >= -1e-12);
            assert_near(env.state.pose[2], pose[2] + lift, 1e-12, "height", n);
            assert_all_near(env.state.pose + 7, pose + 7, AMB_POSE - 7, 0, "joints");
            assert_all_near(env.state.vel, vel, AMB_VEL, 1e-12, "velocity");
            assert_near(env.reference_state.pose[2], pose[2], 1e-12, "the reference's height", n);
            assert_int_equal(env.step, 0);
        }
        amb_env_free(&env);
        amb_clip_destroy(clip);
    }
}

/* The real walk, which does go through the floor, if it is there. */
static void real_starts_are_out_of_the_floor(void **unused)
{
    (void)unused;
    char path[1024];
    if (!amb_clip_find("walk", NULL, path, sizeof path, NULL)) {
        print_message("no clip \"walk\" at hand (AMBLE_CLIPS is not set; scripts/get-clips.sh fetches it): not tested with it\n");
        skip();
    }
    amb_clip *clip = amb_clip_read(path, NULL);
    assert_non_null(clip);
    amb_env_def def = amb_env_default_def(character, clip);
    amb_env env = make_env(&def);
    amb_reward reward;
    for (int n = 0; n < 50; n++) {
        amb_env_reset(&env);
        placed_body body;
        place_body(&body, env.state.pose);
        assert_true(body.lowest >= -1e-12);
        assert_int_equal(amb_env_step(&env, zero, &reward), AMB_ENV_GOES_ON);
        if (!(reward.total > .4)) /* one step after a start like the reference's */
            fail_msg("reward after one step from phase %g is %g", amb_reference_phase(&env.reference), reward.total);
    }
    amb_env_free(&env);
    amb_clip_destroy(clip);
}

static void starts_depend_on_seed_and_stream_alone(void **unused)
{
    (void)unused;
    enum { STREAMS = 20, STARTS = 5 };
    double start[2][STREAMS][STARTS][2];
    for (int seed = 0; seed < 2; seed++)
        for (int stream = 0; stream < STREAMS; stream++) {
            amb_env_def def = amb_env_default_def(character, waving);
            def.seed = 7 + (uint64_t)seed;
            def.stream = (uint64_t)stream;
            def.start_heading = NAN;
            amb_env a = make_env(&def), b = make_env(&def);
            for (int n = 0; n < STARTS; n++) {
                assert_memory_equal(&a.state, &b.state, sizeof a.state);
                start[seed][stream][n][0] = a.reference.time;
                start[seed][stream][n][1] = a.reference.heading;
                assert_true(a.reference.time >= 0 && a.reference.time < 1 && fabs(a.reference.heading) <= M_PI);
                amb_env_reset(&a);
                amb_env_reset(&b);
            }
            amb_env_free(&a);
            amb_env_free(&b);
        }
    const int count = 2 * STREAMS * STARTS;
    const double(*all)[2] = &start[0][0][0];
    double mean[2] = {0};
    for (int i = 0; i < count; i++) {
        for (int k = 0; k < i; k++)
            assert_true(all[i][0] != all[k][0] && all[i][1] != all[k][1]);
        for (int c = 0; c < 2; c++)
            mean[c] += all[i][c] / count;
    }
    assert_near(mean[0], .5, 4 * sqrt(1. / 12 / count), "mean phase", 0); /* four standard errors */
    assert_near(mean[1], 0, 4 * sqrt(M_PI * M_PI / 3 / count), "mean heading", 0);
}

static void a_given_start_is_taken(void **unused)
{
    (void)unused;
    amb_env_def def = plain_def(waving);
    def.start_phase = .25;
    def.start_heading = 2;
    def.start_at[0] = 4;
    def.start_at[1] = -6;
    def.turn_rate = .5;
    amb_env env = make_env(&def);
    for (int n = 0; n < 3; n++) {
        assert_near(amb_reference_phase(&env.reference), .25, 1e-12, "phase", n);
        assert_near(env.state.pose[0], 4, 1e-12, "x", n);
        assert_near(env.state.pose[1], -6, 1e-12, "y", n);
        assert_near(atan2(env.state.vel[1], env.state.vel[0]), 2, 1e-9, "direction", n);
        assert_near(env.state.vel[4], .5, 1e-12, "turning about the body's own y", n);
        float obs[AMB_OBS];
        amb_env_observe(&env, obs);
        assert_near((double)obs[0], .25, 1e-7, "observed phase", n);
        assert_near((double)obs[5], 1, 1e-6, "w of the root's rotation, seen from the reference", n);
        assert_near((double)obs[108], 0, 1e-6, "the root's upward velocity", n);
        amb_reward reward;
        for (int k = 0; k < 5; k++)
            amb_env_step(&env, zero, &reward);
        assert_near(env.reference.heading, 2 + .5 * 5 / 30, 1e-12, "heading after five steps", n);
        amb_env_reset(&env);
    }
    amb_env_free(&env);
}

/* A target's joints against the clip at a time, all rotations as matrices. */
static void assert_joints_of_clip(const double target[AMB_POSE], const amb_clip *clip, double time, int but)
{
    double want[AMB_POSE], a[3][3], b[3][3];
    amb_clip_sample(clip, time, want, NULL);
    for (int i = 1; i < AMB_BODIES; i++) {
        if (i == but)
            continue;
        if (is_hinge(i)) {
            assert_near(target[pose_at[i]], want[pose_at[i]], 1e-7, amb_body_name[i], 0);
        } else if (is_ball(i)) {
            matrix_of(a, target + pose_at[i]);
            matrix_of(b, want + pose_at[i]);
            assert_all_near(&a[0][0], &b[0][0], 9, 1e-7, amb_body_name[i]);
        }
    }
}

static void no_action_is_the_reference(void **unused)
{
    (void)unused;
    for (int n = 0; n < 30; n++) {
        amb_env_def def = plain_def(waving);
        def.start_phase = n / 30.;
        def.look_ahead = n % 3 * .06;
        def.substeps = 2 + n % 2 * 2;
        amb_env env = make_env(&def);
        double target[AMB_POSE];
        amb_env_target(&env, zero, target);
        assert_joints_of_clip(target, waving, def.start_phase + def.substeps / 120. + def.look_ahead, -1);
        /* stepping with it is stepping with a zero action */
        amb_env twin = make_env(&def);
        amb_reward a, b;
        assert_int_equal(amb_env_step(&env, zero, &a), amb_env_step_target(&twin, target, &b));
        assert_memory_equal(&env.state, &twin.state, sizeof env.state);
        assert_memory_equal(&a, &b, sizeof a);
        /* and what it is measured against is the clip at the step's end, without look-ahead */
        assert_joints_of_clip(env.reference_state.pose, waving, def.start_phase + def.substeps / 120., -1);
        amb_env_free(&env);
        amb_env_free(&twin);
    }
}

/* The left shoulder's reference a quarter turn about z, the right knee's -.5 rad; actions (.1, 0, .55, 0) and .2.
 * (r, 0, 0, r) (1.1, 0, .55, 0) / (1.1 sqrt 1.25) = r / sqrt 1.25 (1, -.5, .5, 1), r = sqrt .5. */
static void residual_actions_by_hand(void **unused)
{
    (void)unused;
    double time[2] = {0, 1}, pose[2 * AMB_POSE], target[AMB_POSE];
    for (int f = 0; f < 2; f++) {
        pose_at_rest(pose + f * AMB_POSE, 1);
        turn_about(pose + f * AMB_POSE + 38, 0, 0, 1, M_PI / 2);
        pose[f * AMB_POSE + 19] = -.5;
    }
    amb_clip *clip = make_clip(2, time, pose, true);
    amb_env_def def = plain_def(clip);
    def.start_heading = 1; /* a joint's target has nothing to do with it */
    amb_env env = make_env(&def);
    float action[AMB_ACTION] = {0};
    action[38 - 7] = .1f;
    action[40 - 7] = .55f;
    action[19 - 7] = .2f;
    amb_env_target(&env, action, target);
    const double r = sqrt(.5) / sqrt(1.25);
    assert_all_near(target + 38, (const double[4]){r, -.5 * r, .5 * r, r}, 4, 1e-7, "left shoulder");
    assert_near(target[19], -.1, 1e-7, "right knee", 0);
    target[19] = -.5;
    assert_joints_of_clip(target, clip, 0, AMB_LEFT_SHOULDER);
    /* the one action without a direction is no turn */
    action[31] = -1;
    action[33] = 0;
    amb_env_target(&env, action, target);
    target[19] = -.5;
    assert_joints_of_clip(target, clip, 0, -1);
    amb_env_free(&env);
    amb_clip_destroy(clip);
}

static void absolute_actions_by_hand(void **unused)
{
    (void)unused;
    amb_env_def def = plain_def(waving);
    def.action_mode = AMB_ACTION_ABSOLUTE;
    amb_env env = make_env(&def);
    float action[AMB_ACTION] = {0};
    double target[AMB_POSE];
    const float chest[4] = {.8f, 0, 3, 0}, neck[4] = {.6f, 0, 0, 0}, hip[4] = {-1, .2f, 0, 0}, shoulder[4] = {2, 1, 1, 1};
    memcpy(action + 0, chest, sizeof chest); /* an axis of length 3 */
    memcpy(action + 4, neck, sizeof neck);   /* no axis: z */
    memcpy(action + 8, hip, sizeof hip);     /* a short one, a negative angle */
    memcpy(action + 17, shoulder, sizeof shoulder);
    action[12] = -.7f;  /* right knee */
    action[35] = 1.25f; /* left elbow */
    amb_env_target(&env, action, target);
    const struct {
        int body;
        double w, x, y, z;
    } balls[] = {
        {AMB_CHEST, cos(.4), 0, sin(.4), 0},      {AMB_NECK, cos(.3), 0, 0, sin(.3)},
        {AMB_RIGHT_HIP, cos(.5), -sin(.5), 0, 0}, {AMB_RIGHT_SHOULDER, cos(1), sin(1) / sqrt(3), sin(1) / sqrt(3), sin(1) / sqrt(3)},
        {AMB_LEFT_SHOULDER, 1, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof balls / sizeof *balls; i++)
        assert_all_near(target + pose_at[balls[i].body], &balls[i].w, 4, 1e-6, amb_body_name[balls[i].body]);
    assert_near(target[19], -.7, 1e-6, "right knee", 0);
    assert_near(target[42], 1.25, 1e-6, "left elbow", 0);
    assert_near(target[33], 0, 0, "left knee", 0);
    amb_env_free(&env);
}

static void action_scales_are_deepmimics(void **unused)
{
    (void)unused;
    float mean[AMB_ACTION], std[AMB_ACTION];
    amb_action_scale(AMB_ACTION_RESIDUAL, mean, std);
    for (int k = 0; k < AMB_ACTION; k++)
        assert_true(mean[k] == 0 && std[k] == 1);
    amb_action_scale(AMB_ACTION_ABSOLUTE, mean, std);
    const double want_std[AMB_ACTION] = {4.8, 1, 1, 1,    4,    1, 1, 1, 8.28, 1,    1, 1, 6.28, 6.28, 1, 1, 1, 12.56,
                                         1,   1, 1, 6.28, 8.28, 1, 1, 1, 6.28, 6.28, 1, 1, 1,    9.28, 1, 1, 1, 6.28};
    const double want_mean[AMB_ACTION] = {0, 0, 0,  .2,   0, 0, 0, .2, 0,     0, 0, .2, -1.57, 0, 0, 0, .2, 0,
                                          0, 0, .2, 1.57, 0, 0, 0, .2, -1.57, 0, 0, 0,  .2,    0, 0, 0, .2, 1.57};
    for (int k = 0; k < AMB_ACTION; k++) {
        assert_near((double)std[k], want_std[k], 1e-6, "std", k);
        assert_near((double)mean[k], want_mean[k], 1e-6, "mean", k);
    }
}

/* Without any torque a body falls in a heap. */
static void a_fall_ends_the_episode(void **unused)
{
    (void)unused;
    amb_character *limp = load_character(120);
    for (int i = 1; i < AMB_BODIES; i++) {
        limp->joint[i].kp = limp->joint[i].kd = 0;
        for (int k = 0; k < (is_hinge(i) ? 1 : is_ball(i) ? 3 : 0); k++)
            limp->model->dof_damping[limp->joint[i].qvel + k] = 1;
    }
    amb_env_def def = amb_env_default_def(limp, standing);
    def.start_phase = 0;
    amb_env env = make_env(&def);
    amb_reward reward;
    amb_env_end end = AMB_ENV_GOES_ON;
    int steps = 0;
    unsigned ankles = 0;
    while (end == AMB_ENV_GOES_ON && steps < 90) {
        end = amb_env_step(&env, zero, &reward);
        steps++;
        if (end == AMB_ENV_GOES_ON) {
            ankles |= env.world.touching;
            assert_int_equal(env.world.touching & ~(1u << AMB_RIGHT_ANKLE | 1u << AMB_LEFT_ANKLE), 0);
            assert_true(reward.total > 0);
        }
    }
    assert_int_equal(end, AMB_ENV_FELL);
    assert_int_equal(ankles, 1u << AMB_RIGHT_ANKLE | 1u << AMB_LEFT_ANKLE); /* which did not end it */
    assert_true(steps > 5);
    assert_true(reward.total == 0);
    assert_true(env.world.touching & ~def.may_touch);
    amb_env_free(&env);

    /* where everything may touch, the same heap lies there till the time is up; where nothing may, the feet end it at once */
    def.may_touch = all_bodies;
    def.episode_s = 2;
    env = make_env(&def);
    for (int n = 1; n < 60; n++)
        assert_int_equal(amb_env_step(&env, zero, &reward), AMB_ENV_GOES_ON);
    assert_true(env.state.pose[2] < .4);
    assert_int_equal(amb_env_step(&env, zero, &reward), AMB_ENV_TIME_OUT);
    assert_true(reward.total > 0);
    amb_env_free(&env);
    def.may_touch = 0;
    env = make_env(&def);
    amb_env_step(&env, zero, &reward);
    end = amb_env_step(&env, zero, &reward);
    assert_int_equal(end, AMB_ENV_FELL);
    assert_true(reward.total == 0);
    amb_env_reset(&env);
    assert_int_equal(env.world.touching, 0);
    amb_env_free(&env);
    amb_character_destroy(limp);
}

static void time_is_up_after_that_many_steps(void **unused)
{
    (void)unused;
    const struct {
        double episode_s, physics_hz;
        int substeps, steps;
    } rows[] = {
        {.5, 120, 4, 15}, {.501, 120, 4, 16}, {.1, 120, 4, 3}, {.001, 120, 4, 1}, {.7, 120, 1, 84}, {.3, 240, 8, 9}, {.3, 60, 3, 6},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        amb_character *own = load_character(rows[i].physics_hz);
        amb_env_def def = plain_def(standing);
        def.character = own;
        def.episode_s = rows[i].episode_s;
        def.substeps = rows[i].substeps;
        amb_env env = make_env(&def);
        amb_reward reward;
        for (int round = 0; round < 2; round++) {
            for (int n = 1; n < rows[i].steps; n++)
                assert_int_equal(amb_env_step(&env, zero, &reward), AMB_ENV_GOES_ON);
            assert_int_equal(amb_env_step(&env, zero, &reward), AMB_ENV_TIME_OUT);
            assert_true(reward.total > 0);
            amb_env_reset(&env);
        }
        amb_env_free(&env);
        amb_character_destroy(own);
    }
    /* the longest episode of the shortest steps that are taken: 10^10 of them */
    amb_character *own = load_character(10000);
    amb_env_def def = plain_def(standing);
    def.character = own;
    def.substeps = 1;
    def.episode_s = 1e6;
    amb_env env;
    if (amb_env_init(&env, &def, NULL)) {
        amb_reward reward;
        assert_int_equal(amb_env_step(&env, zero, &reward), AMB_ENV_GOES_ON);
        amb_env_free(&env);
    }
    amb_character_destroy(own);
}

static void a_lost_root_ends_the_episode(void **unused)
{
    (void)unused;
    for (int row = 0; row < 3; row++) {
        amb_env_def def = plain_def(standing);
        def.max_root_m = row == 2 ? 0 : 1;
        amb_env env = make_env(&def);
        amb_reward reward;
        assert_int_equal(amb_env_step(&env, zero, &reward), AMB_ENV_GOES_ON);
        const double far = row == 0 ? .9 : 1.1; /* the standing root hardly moves in a step */
        amb_world_move(&env.world, (const double[3]){0, far, 0});
        assert_int_equal(amb_env_step(&env, zero, &reward), row == 1 ? AMB_ENV_LOST : AMB_ENV_GOES_ON);
        assert_near(reward.root_m, far, .05, "root error", row);
        assert_true(row == 1 ? reward.total == 0 : reward.total > 0);
        amb_env_free(&env);
    }
}

static void a_broken_state_ends_the_episode(void **unused)
{
    (void)unused;
    amb_env_def def = plain_def(standing);
    amb_env env = make_env(&def);
    amb_reward reward;
    amb_env_step(&env, zero, &reward);
    env.world.data->qvel[8] = NAN;
    assert_int_equal(amb_env_step(&env, zero, &reward), AMB_ENV_UNSTABLE);
    assert_true(reward.total == 0);
    amb_env_reset(&env);
    assert_int_equal(amb_env_step(&env, zero, &reward), AMB_ENV_GOES_ON);
    assert_true(reward.total > .5);
    amb_env_free(&env);
}

/* In the air and without gravity the centre of mass goes on as it is, but for the pushes. Returns the number of pushes found. */
static int find_pushes(amb_env *env, int steps, int step_of[], double dv[][2], int most)
{
    amb_reward reward;
    double before[2] = {env->state.com_vel[0], env->state.com_vel[1]};
    int found = 0;
    for (int n = 0; n < steps; n++) {
        assert_int_equal(amb_env_step(env, zero, &reward), AMB_ENV_GOES_ON);
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

static void pushes_come_as_asked(void **unused)
{
    (void)unused;
    enum { MOST = 64 };
    amb_character *floating = load_character(120);
    for (int k = 0; k < 3; k++)
        floating->model->opt.gravity[k] = 0;
    amb_clip *high = body_clip(5, false);
    amb_env_def def = amb_env_default_def(floating, high);
    def.start_phase = 0;
    int step_of[MOST];
    double dv[MOST][2], mean_x = 0, mean_y = 0;
    amb_env env = make_env(&def);
    assert_int_equal(find_pushes(&env, 200, step_of, dv, MOST), 0); /* none were asked for */
    amb_env_free(&env);

    def.push_speed = .75;
    def.push_period = .5;
    env = make_env(&def);
    for (int round = 0; round < 2; round++) {
        assert_int_equal(find_pushes(&env, 301, step_of, dv, MOST), 20);
        for (int n = 0; n < 20; n++) { /* at .5, 1, 1.5 s ... after the reset: 15 steps of 1/30 s before the first */
            assert_int_equal(step_of[n], 15 * (n + 1));
            assert_near(hypot(dv[n][0], dv[n][1]), .75, .01, "push", n);
            mean_x += dv[n][0] / .75 / 40;
            mean_y += dv[n][1] / .75 / 40;
        }
        assert_true(fabs(dv[0][0] * dv[1][1] - dv[0][1] * dv[1][0]) > 1e-3); /* not the same way twice */
        amb_env_reset(&env);
    }
    assert_true(hypot(mean_x, mean_y) < .5); /* from all sides: forty random unit vectors have a mean of length .16 */
    amb_env_free(&env);

    def.push_random = true;
    int before_half = 0, count = 0;
    double fastest = 0, sum = 0;
    for (int stream = 0; stream < 30; stream++) {
        def.stream = (uint64_t)stream;
        env = make_env(&def);
        assert_true(env.next_push >= 0 && env.next_push < .5);
        before_half += env.next_push < .25;
        const double first = env.next_push;
        const int found = find_pushes(&env, 90, step_of, dv, MOST); /* the slowest, below .02 m/s, are overlooked */
        assert_true(found >= 3 && found <= 6);
        for (int n = 0; n < found; n++) {
            const double speed = hypot(dv[n][0], dv[n][1]), since = step_of[n] / 30. - first;
            assert_true(speed < .76);
            assert_true(since - .5 * floor(since / .5 + 1e-9) < 1 / 30. + 1e-9); /* at the first step of a period */
            fastest = fmax(fastest, speed);
            sum += speed;
            count++;
        }
        amb_env_free(&env);
    }
    assert_true(before_half >= 7 && before_half <= 23);
    assert_near(sum / count, .375, .08, "mean push", 0);
    assert_true(fastest > .6);
    amb_clip_destroy(high);
    amb_character_destroy(floating);
}

static void random_action(amb_rng *rng, float action[AMB_ACTION])
{
    for (int k = 0; k < AMB_ACTION; k++)
        action[k] = (float)(.1 * amb_rng_normal(rng));
}

typedef struct recorded {
    amb_state state, reference;
    amb_reward reward;
    float obs[AMB_OBS];
    amb_env_end end;
} recorded;

static void record(amb_env *env, const float action[AMB_ACTION], recorded *out)
{
    memset(out, 0, sizeof *out);
    out->end = amb_env_step(env, action, &out->reward);
    out->state = env->state;
    out->reference = env->reference_state;
    amb_env_observe(env, out->obs);
}

static amb_env_def eventful_def(uint64_t stream)
{
    amb_env_def def = plain_def(waving);
    def.seed = 11;
    def.stream = stream;
    def.start_phase = -1;
    def.start_heading = NAN;
    def.turn_rate = .7;
    def.push_speed = 1;
    def.push_period = .2;
    def.push_random = true;
    return def;
}

/* Nothing that others do matters. */
static void equal_environments_go_equal_ways(void **unused)
{
    (void)unused;
    const amb_env_def def = eventful_def(3), noise = eventful_def(4);
    amb_env a = make_env(&def), b = make_env(&def), neighbour = make_env(&noise);
    amb_rng rng = amb_rng_seed(12, 0), neighbours = amb_rng_seed(13, 0);
    recorded ra, rb, rn;
    int differ = 0;
    for (int n = 0; n < 120; n++) {
        float action[AMB_ACTION], other[AMB_ACTION];
        random_action(&rng, action);
        random_action(&neighbours, other);
        record(&a, action, &ra);
        record(&neighbour, other, &rn);
        record(&b, action, &rb);
        record(&neighbour, other, &rn);
        assert_memory_equal(&ra, &rb, sizeof ra);
        differ += memcmp(&ra, &rn, sizeof ra) != 0;
        if (n == 70) {
            amb_env_reset(&a);
            amb_env_reset(&b);
        }
    }
    assert_int_equal(differ, 120);
    amb_env_free(&a);
    amb_env_free(&b);
    amb_env_free(&neighbour);
}

static void a_saved_environment_goes_on_bit_by_bit(void **unused)
{
    (void)unused;
    enum { STEPS = 60 };
    const amb_env_def def = eventful_def(5);
    amb_env env = make_env(&def), other = make_env(&def);
    amb_rng rng = amb_rng_seed(14, 0);
    float action[STEPS][AMB_ACTION], obs[AMB_OBS], obs_again[AMB_OBS];
    for (int n = 0; n < STEPS; n++)
        random_action(&rng, action[n]);
    recorded at, *then = malloc(STEPS * sizeof *then), again;
    for (int n = 0; n < 25; n++)
        record(&env, action[n], &at);
    void *saved = malloc(amb_env_save_size(&env)); /* exactly as much: the address sanitizer watches */
    amb_env_save(&env, saved);
    const int step = env.step;
    amb_env_observe(&env, obs);
    for (int n = 0; n < STEPS; n++) {
        record(&env, action[n], &then[n]);
        if (n == 40)
            amb_env_reset(&env); /* the next start is random, too */
    }
    for (int round = 0; round < 2; round++) { /* into one at another place, then into one that never moved */
        amb_env *to = round ? &other : &env;
        amb_env_load(to, saved);
        amb_env_observe(to, obs_again);
        assert_memory_equal(obs_again, obs, sizeof obs);
        assert_memory_equal(&to->state, &at.state, sizeof at.state);
        assert_memory_equal(&to->reference_state, &at.reference, sizeof at.reference);
        assert_int_equal(to->step, step);
        for (int n = 0; n < STEPS; n++) {
            record(to, action[n], &again);
            assert_memory_equal(&again, &then[n], sizeof again);
            if (n == 40)
                amb_env_reset(to);
        }
    }
    free(saved);
    free(then);
    amb_env_free(&env);
    amb_env_free(&other);
}

/* The clock, the cycle and the reward of a few steps: the reference goes ahead at .5 m/s and begins each cycle over the body. */
static void the_reference_keeps_time(void **unused)
{
    (void)unused;
    amb_env_def def = plain_def(waving);
    def.start_phase = .51;
    amb_env env = make_env(&def);
    amb_reward reward, want;
    double x = 0;
    for (int n = 1; n <= 40; n++) {
        amb_env_step(&env, zero, &reward);
        const double time = .51 + n / 30.;
        assert_joints_of_clip(env.reference_state.pose, waving, time, -1);
        float obs[AMB_OBS];
        amb_env_observe(&env, obs);
        assert_near((double)obs[0] - (time - floor(time)), 0, 1e-6, "phase", n);
        x = n == 15 ? env.state.pose[0] : x + .5 / 30; /* 1.01 s: a new cycle */
        assert_near(env.reference_state.pose[0], x, 1e-9, "x of the reference", n);
        assert_near(hypot(env.state.pose[0] - x, hypot(env.state.pose[1] - env.reference_state.pose[1], env.state.pose[2] - .881416)),
                    reward.root_m, 1e-9, "root error", n);
        amb_reward_compute(character, &env.state, &env.reference_state, &want);
        assert_memory_equal(&reward, &want, sizeof want);
    }
    assert_true(env.physics_s > 0);
    amb_env_free(&env);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_design),
        cmocka_unit_test(bad_definitions_are_refused),
        cmocka_unit_test(a_start_is_out_of_the_floor),
        cmocka_unit_test(real_starts_are_out_of_the_floor),
        cmocka_unit_test(starts_depend_on_seed_and_stream_alone),
        cmocka_unit_test(a_given_start_is_taken),
        cmocka_unit_test(no_action_is_the_reference),
        cmocka_unit_test(residual_actions_by_hand),
        cmocka_unit_test(absolute_actions_by_hand),
        cmocka_unit_test(action_scales_are_deepmimics),
        cmocka_unit_test(a_fall_ends_the_episode),
        cmocka_unit_test(time_is_up_after_that_many_steps),
        cmocka_unit_test(a_lost_root_ends_the_episode),
        cmocka_unit_test(a_broken_state_ends_the_episode),
        cmocka_unit_test(pushes_come_as_asked),
        cmocka_unit_test(equal_environments_go_equal_ways),
        cmocka_unit_test(a_saved_environment_goes_on_bit_by_bit),
        cmocka_unit_test(the_reference_keeps_time),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
