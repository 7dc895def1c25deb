/* An environment's start, observation and use of actions. Clips are made here, except where a real one is
 * tested. */
#include "tests/env.h"
#include "tests/skip.h"

#include "motion/kinematics.h"

static void defaults_are_those_of_the_design(void **unused)
{
    (void)unused;
    const ami_env_def def = ami_env_default_def(character, standing);
    assert_ptr_equal(def.character, character);
    assert_ptr_equal(def.clip, standing);
    assert_int_equal(def.substeps, 4);
    assert_false(def.goal);
    assert_true(def.look_ahead == .06 && def.episode_s == 20 && def.max_root_m == 0 && def.turn_rate == 0 &&
                def.push_speed == 0);
    assert_true(def.max_height_m == 0 && def.max_tilt == 0 && def.max_body_m == 0 && def.start_noise == 0);
    assert_true(def.hold_s[0] < 0 && def.hold_s[1] < 0);
    assert_true(def.start_phase < 0 && def.start_heading == 0 && def.start_at[0] == 0 &&
                def.start_at[1] == 0);
    assert_int_equal(def.action_mode, AMI_ACTION_RESIDUAL);
    assert_int_equal(def.may_touch, 1u << 5 | 1u << 11);
    ami_env env = make_env(&def);
    assert_near(env.control_dt, 1 / 30., 1e-15, "control step", 0);
    assert_int_equal(env.steps_max, 600);
    ami_env_free(&env);
}

static void bad_definitions_are_refused(void **unused)
{
    (void)unused;
    const struct {
        size_t at;
        double value;
        const char *says;
    } rows[] = {
        {offsetof(ami_env_def, episode_s), 0, "episode of 0 s"},
        {offsetof(ami_env_def, episode_s), NAN, "episode of nan s"},
        {offsetof(ami_env_def, episode_s), 2e6, "episode of 2e+06 s"},
        {offsetof(ami_env_def, look_ahead), -.1, "look-ahead of -0.1 s"},
        {offsetof(ami_env_def, look_ahead), 1.5, "look-ahead of 1.5 s"},
        {offsetof(ami_env_def, look_ahead), NAN, "look-ahead"},
        {offsetof(ami_env_def, push_speed), -1, "push of -1 m/s"},
        {offsetof(ami_env_def, push_speed), INFINITY, "push of inf m/s"},
        {offsetof(ami_env_def, force_s), -1, "force for -1 s"},
        {offsetof(ami_env_def, force_s), INFINITY, "force for inf s"},
        {offsetof(ami_env_def, max_root_m), -1, "root distance limit -1 m"},
        {offsetof(ami_env_def, max_root_m), NAN, "root distance limit"},
        {offsetof(ami_env_def, max_height_m), -.1, "root height limit -0.1 m"},
        {offsetof(ami_env_def, max_height_m), NAN, "root height limit nan m"},
        {offsetof(ami_env_def, max_tilt), -.1, "tilt limit -0.1, expected 0 (none) to 2"},
        {offsetof(ami_env_def, max_tilt), 2.1, "tilt limit 2.1, expected 0 (none) to 2"},
        {offsetof(ami_env_def, max_tilt), NAN, "tilt limit nan"},
        {offsetof(ami_env_def, max_body_m), -2, "body distance limit -2 m"},
        {offsetof(ami_env_def, max_body_m), NAN, "body distance limit nan m"},
        {offsetof(ami_env_def, hold_s), .5, "last pose held for 0.5 to -1 s"},
        {offsetof(ami_env_def, hold_s), NAN, "last pose held for nan to -1 s"},
        {offsetof(ami_env_def, hold_s) + sizeof(double), 2e6, "last pose held for -1 to 2e+06 s"},
        {offsetof(ami_env_def, hold_s) + sizeof(double), NAN, "last pose held for -1 to nan s"},
        {offsetof(ami_env_def, start_noise), -1, "start noise -1, expected 0 to 10"},
        {offsetof(ami_env_def, start_noise), 11, "start noise 11, expected 0 to 10"},
        {offsetof(ami_env_def, start_noise), NAN, "start noise nan"},
        {offsetof(ami_env_def, start_phase), 1, "start phase 1"},
        {offsetof(ami_env_def, start_phase), NAN, "start phase nan"},
        {offsetof(ami_env_def, turn_rate), NAN, "turn rate nan"},
        {offsetof(ami_env_def, turn_rate), -101, "turn rate -101 rad/s"},
        {offsetof(ami_env_def, start_heading), INFINITY, "start heading inf"},
        {offsetof(ami_env_def, start_at), NAN, "start"},
        {offsetof(ami_env_def, start_at) + sizeof(double), INFINITY, "start"},
    };
    int missed = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ami_env_def def = plain_def(standing);
        memcpy((char *)&def + rows[i].at, &rows[i].value, sizeof rows[i].value);
        ami_error err = {""};
        ami_env env;
        if (ami_env_init(&env, &def, &err)) {
            print_error("taken: a definition that should say \"%s\"\n", rows[i].says);
            ami_env_free(&env);
            missed++;
        } else {
            assert_sentence(&err, rows[i].says);
            assert_false(ami_env_init(&env, &def, NULL)); /* nobody listens */
        }
    }
    assert_int_equal(missed, 0);
    ami_env_def def = plain_def(standing);
    ami_error err = {""};
    ami_env env;
    def.substeps = 0;
    assert_false(ami_env_init(&env, &def, &err));
    assert_sentence(&err, "0 physics steps");
    def.substeps = 1001;
    assert_false(ami_env_init(&env, &def, &err));
    def.substeps = 4;
    def.push_speed = 1;
    def.push_period = 0;
    assert_false(ami_env_init(&env, &def, &err));
    assert_sentence(&err, "push every 0 s");
}

static void a_start_is_out_of_the_floor(void **unused)
{
    (void)unused;
    for (int row = 0; row < 3; row++) {
        const double height[3] = {.881416 - .2, .881416 + .3, -1};
        ami_clip *clip = body_clip(height[row], true);
        ami_env_def def = ami_env_default_def(character, clip);
        ami_env env = make_env(&def);
        for (int n = 0; n < 20; n++) {
            ami_env_reset(&env);
            double pose[AMI_POSE], vel[AMI_VEL];
            ami_clip_sample(clip, env.reference.time, pose, vel);
            placed_body body;
            place_body(&body, pose);
            placed_body lifted;
            place_body(&lifted, env.state.pose);
            const double lift = fmax(0, -body.lowest);
            assert_true(row == 1 ? lift == 0 : lift > .05);
            assert_true(lifted.lowest >= -1e-12);
            assert_near(env.state.pose[2], pose[2] + lift, 1e-12, "height", n);
            assert_all_near(env.state.pose + 7, pose + 7, AMI_POSE - 7, 0, "joints");
            assert_all_near(env.state.vel, vel, AMI_VEL, 1e-12, "velocity");
            assert_near(env.reference_state.pose[2], pose[2], 1e-12, "the reference's height", n);
            assert_int_equal(env.step, 0);
        }
        ami_env_free(&env);
        ami_clip_destroy(clip);
    }
}

/* The real walk, which does go through the floor, if it is there. */
static void real_starts_are_out_of_the_floor(void **unused)
{
    (void)unused;
    char path[1024];
    if (!ami_clip_find("walk", NULL, path, sizeof path, NULL)) {
        skip_because("no clip \"walk\" (AMBLE_CLIPS is not set; scripts/get-clips.sh fetches it)");
    }
    ami_clip *clip = ami_clip_read(path, NULL);
    assert_non_null(clip);
    ami_env_def def = ami_env_default_def(character, clip);
    ami_env env = make_env(&def);
    ami_reward reward;
    for (int n = 0; n < 50; n++) {
        ami_env_reset(&env);
        placed_body body;
        place_body(&body, env.state.pose);
        assert_true(body.lowest >= -1e-12);
        assert_int_equal(ami_env_step(&env, zero, &reward), AMI_ENV_GOES_ON);
        if (!(reward.total > .4)) /* one step after a start like the reference's */
            fail_msg("reward after one step from phase %g is %g", ami_reference_phase(&env.reference),
                     reward.total);
    }
    ami_env_free(&env);
    ami_clip_destroy(clip);
}

static void starts_depend_on_seed_and_stream_alone(void **unused)
{
    (void)unused;
    enum { STREAMS = 20, STARTS = 5 };
    double start[2][STREAMS][STARTS][2];
    for (int seed = 0; seed < 2; seed++)
        for (int stream = 0; stream < STREAMS; stream++) {
            ami_env_def def = ami_env_default_def(character, waving);
            def.seed = 7 + (uint64_t)seed;
            def.stream = (uint64_t)stream;
            def.start_heading = NAN;
            ami_env a = make_env(&def), b = make_env(&def);
            for (int n = 0; n < STARTS; n++) {
                assert_memory_equal(&a.state, &b.state, sizeof a.state);
                start[seed][stream][n][0] = a.reference.time;
                start[seed][stream][n][1] = a.reference.heading;
                assert_true(a.reference.time >= 0 && a.reference.time < 1 &&
                            fabs(a.reference.heading) <= M_PI);
                ami_env_reset(&a);
                ami_env_reset(&b);
            }
            ami_env_free(&a);
            ami_env_free(&b);
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

/* Squares of how far starts are off their reference: what is drawn independently, in units of what is
 * documented. */
typedef struct spread {
    double place, turn, hinge, ball, speed, spin, slide;
} spread;

static spread spread_of_starts(const ami_clip *clip, double noise, int starts)
{
    ami_env_def def = ami_env_default_def(character, clip);
    def.start_heading = NAN;
    def.start_noise = noise;
    ami_env env = make_env(&def);
    spread sum = {0};
    for (int n = 0; n < starts; n++) {
        ami_env_reset(&env);
        const double *pose = env.state.pose, *vel = env.state.vel;
        const double *from = env.reference_state.pose, *from_vel = env.reference_state.vel;
        double a[3][3], b[3][3];
        for (int k = 0; k < 3; k++) {
            sum.place += pow((pose[k] - from[k]) / .05, 2) / (3. * starts);
            sum.slide += (pose[k] - from[k]) / .05 / (3. * starts);
            sum.speed += pow((vel[k] - from_vel[k]) / .3, 2) / (3. * starts);
        }
        for (int k = 3; k < AMI_VEL; k++)
            sum.spin += pow((vel[k] - from_vel[k]) / .5, 2) / ((AMI_VEL - 3.) * starts);
        for (int i = 0; i < AMI_BODIES; i++) {
            if (is_hinge(i)) {
                sum.hinge += pow((pose[pose_at[i]] - from[pose_at[i]]) / .1, 2) / (4. * starts);
            } else if (pose_at[i] >= 0) { /* three components of a rotation vector */
                matrix_of(a, from + pose_at[i]);
                matrix_of(b, pose + pose_at[i]);
                *(i == AMI_ROOT ? &sum.turn : &sum.ball) +=
                    pow(angle_between(a, b) / .1, 2) / ((i == AMI_ROOT ? 3 : 24.) * starts);
            }
        }
    }
    ami_env_free(&env);
    return sum;
}

static void starts_are_off_the_reference_as_asked(void **unused)
{
    (void)unused;
    enum { STARTS = 400 };
    ami_clip *high = body_clip(3, true); /* where no floor lifts it */
    for (int half = 0; half < 2; half++) {
        const double noise = half ? .5 : 1;
        const spread s = spread_of_starts(high, noise, STARTS);
        const struct {
            const char *what;
            double got, draws;
        } row[] = {{"place", s.place, 3},    {"turn", s.turn, 3},   {"hinges", s.hinge, 4},
                   {"balls", s.ball, 8 * 3}, {"speed", s.speed, 3}, {"spin", s.spin, AMI_VEL - 3}};
        for (size_t i = 0; i < sizeof row / sizeof *row; i++) /* five standard errors of a variance */
            assert_near(row[i].got / (noise * noise), 1, 5 * sqrt(2 / (row[i].draws * STARTS)), row[i].what,
                        half);
        assert_near(s.slide / noise, 0, 5 / sqrt(3. * STARTS), "mean place", half);
    }
    ami_clip_destroy(high);
}

/* Without noise starts are the reference's to the bit, and nothing is drawn but the phase: all that is random
 * stays what it was. */
static void without_noise_starts_are_on_the_reference(void **unused)
{
    (void)unused;
    ami_clip *high = body_clip(3, true);
    ami_env_def def = ami_env_default_def(character, high);
    def.seed = 5;
    def.stream = 6;
    ami_env env = make_env(&def);
    ami_rng rng = ami_rng_seed(5, 6);
    for (int n = 0; n < 20; n++) {
        assert_true(env.reference.time == ami_rng_uniform(&rng));
        assert_memory_equal(&env.rng, &rng, sizeof rng);
        assert_memory_equal(env.state.pose, env.reference_state.pose, sizeof env.state.pose);
        assert_memory_equal(env.state.vel, env.reference_state.vel, sizeof env.state.vel);
        ami_env_reset(&env);
    }
    ami_env_free(&env);
    ami_clip_destroy(high);
}

static void no_noise_brings_a_start_into_the_floor(void **unused)
{
    (void)unused;
    ami_env_def def = ami_env_default_def(character, waving);
    def.start_noise = 1;
    ami_env env = make_env(&def);
    int lifted = 0;
    for (int n = 0; n < 100; n++) {
        ami_env_reset(&env);
        placed_body body;
        place_body(&body, env.state.pose);
        assert_true(body.lowest >= -1e-12);
        lifted += body.lowest < 1e-9;
    }
    assert_in_range(lifted, 20, 99); /* as low as it may be, where noise or the reference had put it lower */
    ami_env_free(&env);
}

static void a_given_start_is_taken(void **unused)
{
    (void)unused;
    ami_env_def def = plain_def(waving);
    def.start_phase = .25;
    def.start_heading = 2;
    def.start_at[0] = 4;
    def.start_at[1] = -6;
    def.turn_rate = .5;
    ami_env env = make_env(&def);
    for (int n = 0; n < 3; n++) {
        assert_near(ami_reference_phase(&env.reference), .25, 1e-12, "phase", n);
        assert_near(env.state.pose[0], 4, 1e-12, "x", n);
        assert_near(env.state.pose[1], -6, 1e-12, "y", n);
        assert_near(atan2(env.state.vel[1], env.state.vel[0]), 2, 1e-9, "direction", n);
        assert_near(env.state.vel[4], .5, 1e-12, "turning about the body's own y", n);
        float obs[AMI_OBS];
        ami_env_observe(&env, obs);
        assert_near((double)obs[0], .25, 1e-7, "observed phase", n);
        assert_near((double)obs[5], 1, 1e-6, "w of the root's rotation, seen from the reference", n);
        assert_near((double)obs[108], 0, 1e-6, "the root's upward velocity", n);
        ami_reward reward;
        for (int k = 0; k < 5; k++)
            ami_env_step(&env, zero, &reward);
        assert_near(env.reference.heading, 2 + .5 * 5 / 30, 1e-12, "heading after five steps", n);
        ami_env_reset(&env);
    }
    ami_env_free(&env);
}

static void no_action_is_the_reference(void **unused)
{
    (void)unused;
    for (int n = 0; n < 30; n++) {
        ami_env_def def = plain_def(waving);
        def.start_phase = n / 30.;
        def.look_ahead = n % 3 * .06;
        def.substeps = 2 + n % 2 * 2;
        ami_env env = make_env(&def);
        double target[AMI_POSE];
        ami_env_target(&env, zero, target);
        assert_joints_of_clip(target, waving, def.start_phase + def.substeps / 120. + def.look_ahead, -1);
        /* stepping with it is stepping with a zero action */
        ami_env twin = make_env(&def);
        ami_reward a, b;
        assert_int_equal(ami_env_step(&env, zero, &a), ami_env_step_target(&twin, target, &b));
        assert_memory_equal(&env.state, &twin.state, sizeof env.state);
        assert_memory_equal(&a, &b, sizeof a);
        /* and what it is measured against is the clip at the step's end, without look-ahead */
        assert_joints_of_clip(env.reference_state.pose, waving, def.start_phase + def.substeps / 120., -1);
        ami_env_free(&env);
        ami_env_free(&twin);
    }
}

/* The left shoulder's reference a quarter turn about z, the right knee's -.5 rad; actions (.1, 0, .55, 0) and
 * .2. (r, 0, 0, r) (1.1, 0, .55, 0) / (1.1 sqrt 1.25) = r / sqrt 1.25 (1, -.5, .5, 1), r = sqrt .5. */
static void residual_actions_by_hand(void **unused)
{
    (void)unused;
    double time[2] = {0, 1}, pose[2 * AMI_POSE], target[AMI_POSE];
    for (int f = 0; f < 2; f++) {
        pose_at_rest(pose + f * AMI_POSE, 1);
        turn_about(pose + f * AMI_POSE + 38, 0, 0, 1, M_PI / 2);
        pose[f * AMI_POSE + 19] = -.5;
    }
    ami_clip *clip = make_clip(2, time, pose, true);
    ami_env_def def = plain_def(clip);
    def.start_heading = 1; /* a joint's target has nothing to do with it */
    ami_env env = make_env(&def);
    float action[AMI_ACTION] = {0};
    action[38 - 7] = .1f;
    action[40 - 7] = .55f;
    action[19 - 7] = .2f;
    ami_env_target(&env, action, target);
    const double r = sqrt(.5) / sqrt(1.25);
    assert_all_near(target + 38, (const double[4]){r, -.5 * r, .5 * r, r}, 4, 1e-7, "left shoulder");
    assert_near(target[19], -.1, 1e-7, "right knee", 0);
    target[19] = -.5;
    assert_joints_of_clip(target, clip, 0, AMI_LEFT_SHOULDER);
    /* the one action without a direction is no turn */
    action[31] = -1;
    action[33] = 0;
    ami_env_target(&env, action, target);
    target[19] = -.5;
    assert_joints_of_clip(target, clip, 0, -1);
    ami_env_free(&env);
    ami_clip_destroy(clip);
}

static void absolute_actions_by_hand(void **unused)
{
    (void)unused;
    ami_env_def def = plain_def(waving);
    def.action_mode = AMI_ACTION_ABSOLUTE;
    ami_env env = make_env(&def);
    float action[AMI_ACTION] = {0};
    double target[AMI_POSE];
    const float chest[4] = {.8f, 0, 3, 0}, neck[4] = {.6f, 0, 0, 0}, hip[4] = {-1, .2f, 0, 0},
                shoulder[4] = {2, 1, 1, 1};
    memcpy(action + 0, chest, sizeof chest); /* an axis of length 3 */
    memcpy(action + 4, neck, sizeof neck);   /* no axis: z */
    memcpy(action + 8, hip, sizeof hip);     /* a short one, a negative angle */
    memcpy(action + 17, shoulder, sizeof shoulder);
    action[12] = -.7f;  /* right knee */
    action[35] = 1.25f; /* left elbow */
    ami_env_target(&env, action, target);
    const struct {
        int body;
        double w, x, y, z;
    } balls[] = {
        {AMI_CHEST, cos(.4), 0, sin(.4), 0},
        {AMI_NECK, cos(.3), 0, 0, sin(.3)},
        {AMI_RIGHT_HIP, cos(.5), -sin(.5), 0, 0},
        {AMI_RIGHT_SHOULDER, cos(1), sin(1) / sqrt(3), sin(1) / sqrt(3), sin(1) / sqrt(3)},
        {AMI_LEFT_SHOULDER, 1, 0, 0, 0},
    };
    for (size_t i = 0; i < sizeof balls / sizeof *balls; i++)
        assert_all_near(target + pose_at[balls[i].body], &balls[i].w, 4, 1e-6, ami_body_name[balls[i].body]);
    assert_near(target[19], -.7, 1e-6, "right knee", 0);
    assert_near(target[42], 1.25, 1e-6, "left elbow", 0);
    assert_near(target[33], 0, 0, "left knee", 0);
    ami_env_free(&env);
}

static void action_scales_are_deepmimics(void **unused)
{
    (void)unused;
    float mean[AMI_ACTION], std[AMI_ACTION];
    ami_action_scale(AMI_ACTION_RESIDUAL, mean, std);
    for (int k = 0; k < AMI_ACTION; k++)
        assert_true(mean[k] == 0 && std[k] == 1);
    ami_action_scale(AMI_ACTION_ABSOLUTE, mean, std);
    const double want_std[AMI_ACTION] = {4.8,  1,    1,    1,    4, 1,     1, 1,    8.28, 1,    1,    1,
                                         6.28, 6.28, 1,    1,    1, 12.56, 1, 1,    1,    6.28, 8.28, 1,
                                         1,    1,    6.28, 6.28, 1, 1,     1, 9.28, 1,    1,    1,    6.28};
    const double want_mean[AMI_ACTION] = {0,     0,  0,     .2, 0,  0, 0,  .2, 0,  0,    0,  .2,
                                          -1.57, 0,  0,     0,  .2, 0, 0,  0,  .2, 1.57, 0,  0,
                                          0,     .2, -1.57, 0,  0,  0, .2, 0,  0,  0,    .2, 1.57};
    for (int k = 0; k < AMI_ACTION; k++) {
        assert_near((double)std[k], want_std[k], 1e-6, "std", k);
        assert_near((double)mean[k], want_mean[k], 1e-6, "mean", k);
    }
}

/* What an observation should end with, from the environment's public parts. */
static void expected_goal(const ami_env *env, float goal[AMI_GOAL])
{
    double pose[AMI_POSE], vel[AMI_VEL], target[AMI_POSE];
    ami_state wanted;
    ami_reference_sample(&env->reference, 0, pose, vel);
    ami_fk_state(&character->skeleton, pose, vel, &wanted);
    ami_env_target(env, zero, target);
    ami_observe_goal(&env->state, &wanted, env->reference.heading, target, goal);
}

static void the_goal_is_the_reference_now_and_the_target_without_an_action(void **unused)
{
    (void)unused;
    for (int n = 0; n < 12; n++) {
        ami_env_def def = plain_def(waving);
        def.start_phase = n / 12.;
        def.start_heading = n - 6;
        def.start_at[0] = 4;
        def.look_ahead = n % 3 * .06;
        def.substeps = 2 + n % 2 * 2;
        def.turn_rate = .1 * n;
        def.goal = true;
        ami_env env = make_env(&def);
        assert_int_equal(ami_env_obs_size(&env), AMI_OBS + 49);
        float obs[AMI_OBS_MAX], want[AMI_GOAL];
        const float *goal = obs + AMI_OBS;
        ami_env_observe(&env, obs);
        for (int k = 0; k < 3; k++) { /* it begins where the reference is, but for the floor */
            assert_near((double)goal[k], 0, k == 1 ? .02 : 1e-6, "way", k);
            assert_near((double)goal[3 + k], k == 0 ? .5 : 0, 1e-6, "velocity of the reference", k);
            assert_near((double)goal[10 + k], k == 1 ? .1 * n : 0, 1e-6, "turning of the reference", k);
        }
        const double due = def.start_phase + def.substeps / 120. + def.look_ahead, wave = sin(2 * M_PI * due);
        /* the clip's frames are .03 s apart */
        assert_near((double)goal[13 + 19 - 7], -.4 - .3 * wave, .003, "right knee", n);
        assert_near((double)goal[13 + 42 - 7], .5 + .4 * wave, .003, "left elbow", n);
        ami_rng rng = ami_rng_seed(3, (uint64_t)n);
        double away = 0;
        for (int step = 0; step < 30; step++) {
            ami_reward reward;
            float action[AMI_ACTION]; /* of the last step: it has no say in the goal */
            for (int k = 0; k < AMI_ACTION; k++)
                action[k] = (float)(.1 * ami_rng_normal(&rng));
            ami_env_step(&env, action, &reward);
            if (step % 5 == 2) { /* steered between two steps */
                ami_reference_turn(&env.reference, .3);
                env.reference.turn_rate = -.5;
            } else if (step == 20) {
                ami_reference_change(&env.reference, standing, .5, 1, .2);
            }
            ami_env_observe(&env, obs);
            expected_goal(&env, want);
            for (int k = 0; k < AMI_GOAL; k++)
                assert_near((double)goal[k], (double)want[k], 0, "goal", k);
            away = fmax(away, hypot((double)goal[0], (double)goal[2]));
        }
        assert_true(away > .01);
        ami_env_free(&env);
    }
}

static void without_a_goal_nothing_is_written_behind_the_observation(void **unused)
{
    (void)unused;
    ami_env_def def = plain_def(waving);
    def.start_phase = .3;
    ami_env plain = make_env(&def);
    def.goal = true;
    ami_env seeing = make_env(&def);
    assert_int_equal(ami_env_obs_size(&plain), 197);
    float obs[AMI_OBS_MAX], more[AMI_OBS_MAX], before[AMI_OBS_MAX];
    ami_reward a, b;
    for (int step = 0; step < 10; step++) {
        memset(before, 0x5a, sizeof before);
        memcpy(obs, before, sizeof obs);
        ami_env_observe(&plain, obs);
        assert_memory_equal(obs + AMI_OBS, before + AMI_OBS, sizeof obs - AMI_OBS * sizeof *obs);
        ami_env_observe(&seeing, more);
        assert_memory_equal(obs, more, AMI_OBS * sizeof *obs); /* the rest is the same, and so is what
                                                                  happens */
        assert_int_equal(ami_env_step(&plain, zero, &a), ami_env_step(&seeing, zero, &b));
        assert_memory_equal(&a, &b, sizeof a);
    }
    ami_env_free(&plain);
    ami_env_free(&seeing);
}

/* What is seen depends on what is saved and on nothing else, even where the reference was steered after the
 * last step. */
static void a_loaded_environment_sees_the_same_goal(void **unused)
{
    (void)unused;
    ami_env_def def = plain_def(waving);
    def.goal = true;
    ami_env env = make_env(&def), other = make_env(&def);
    void *saved = malloc(ami_env_save_size(&env));
    for (int step = 0; step < 10; step++) {
        ami_reward reward;
        float obs[AMI_OBS_MAX], again[AMI_OBS_MAX];
        if (step % 3 == 1)
            ami_env_reset(&env);
        env.reference.turn_rate = .2 * step;
        ami_reference_turn(&env.reference, .1);
        ami_env_observe(&env, obs);
        ami_env_save(&env, saved);
        ami_env_load(&other, saved);
        ami_env_observe(&other, again);
        assert_memory_equal(again, obs, sizeof obs);
        ami_env_step(&env, zero, &reward);
    }
    free(saved);
    ami_env_free(&env);
    ami_env_free(&other);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults_are_those_of_the_design),
        cmocka_unit_test(bad_definitions_are_refused),
        cmocka_unit_test(a_start_is_out_of_the_floor),
        cmocka_unit_test(real_starts_are_out_of_the_floor),
        cmocka_unit_test(starts_depend_on_seed_and_stream_alone),
        cmocka_unit_test(starts_are_off_the_reference_as_asked),
        cmocka_unit_test(without_noise_starts_are_on_the_reference),
        cmocka_unit_test(no_noise_brings_a_start_into_the_floor),
        cmocka_unit_test(a_given_start_is_taken),
        cmocka_unit_test(no_action_is_the_reference),
        cmocka_unit_test(residual_actions_by_hand),
        cmocka_unit_test(absolute_actions_by_hand),
        cmocka_unit_test(action_scales_are_deepmimics),
        cmocka_unit_test(the_goal_is_the_reference_now_and_the_target_without_an_action),
        cmocka_unit_test(without_a_goal_nothing_is_written_behind_the_observation),
        cmocka_unit_test(a_loaded_environment_sees_the_same_goal),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
