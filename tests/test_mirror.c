/* Mirroring: against reflection matrices, twice is the identity, and simulation commutes with it. */
#include "tests/body.h"

#include "motion/kinematics.h"
#include "motion/mirror.h"
#include "sim/env.h"
#include "sim/mirror.h"

static ami_character *character;
static ami_world world, other_world;

static int set_up(void **unused)
{
    (void)unused;
    character = load_character(120);
    return ami_world_init(&world, character, NULL) && ami_world_init(&other_world, character, NULL) ? 0 : -1;
}

static int tear_down(void **unused)
{
    (void)unused;
    ami_world_free(&world);
    ami_world_free(&other_world);
    ami_character_destroy(character);
    return 0;
}

/* By name: right_ becomes left_ and back. */
static int twin_of(int body)
{
    const char *name = ami_body_name[body];
    char other[64];
    if (!strncmp(name, "right_", 6))
        snprintf(other, sizeof other, "left_%s", name + 6);
    else if (!strncmp(name, "left_", 5))
        snprintf(other, sizeof other, "right_%s", name + 5);
    else
        snprintf(other, sizeof other, "%s", name);
    return ami_body_by_name(other);
}

static void random_state(ami_rng *rng, double pose[AMI_POSE], double vel[AMI_VEL])
{
    random_pose(rng, pose, 1, 2.5);
    random_velocity(rng, vel, 3);
    pose[0] = ami_rng_range(rng, -2, 2);
    pose[1] = ami_rng_range(rng, -2, 2);
}

/* Every body of the mirrored pose is where a plane mirror shows its twin, turned and moving as the mirror
 * shows it. */
static void a_pose_is_reflected(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(1, 0);
    for (int n = 0; n < 200; n++) {
        double pose[AMI_POSE], vel[AMI_VEL], other[AMI_POSE], other_vel[AMI_VEL];
        moving_body a, b;
        random_state(&rng, pose, vel);
        ami_mirror_pose(other, pose);
        ami_mirror_vel(other_vel, vel);
        place_moving_body(&a, pose, vel);
        place_moving_body(&b, other, other_vel);
        for (int i = 0; i < AMI_BODIES; i++) {
            const int t = twin_of(i);
            for (int k = 0; k < 3; k++) {
                const double sign = k == 1 ? -1 : 1;
                assert_near(b.at.joint[i][k], sign * a.at.joint[t][k], 1e-12, ami_body_name[i], k);
                assert_near(b.at.centre[i][k], sign * a.at.centre[t][k], 1e-12, ami_body_name[i], k);
                assert_near(b.lin[i][k], sign * a.lin[t][k], 1e-6, "velocity", k);
                assert_near(b.ang[i][k], -sign * a.ang[t][k], 1e-6, "angular velocity", k);
                for (int l = 0; l < 3; l++)
                    assert_near(b.at.rot[i][k][l], sign * (l == 2 ? -1 : 1) * a.at.rot[t][k][l], 1e-12,
                                "rotation", k);
            }
        }
    }
}

static void floats(ami_rng *rng, float *out, int n)
{
    for (int k = 0; k < n; k++)
        out[k] = (float)ami_rng_range(rng, -1, 1);
}

/* Also in place, where nothing may be read that was written. */
static void twice_is_the_identity(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(2, 0);
    double pose[AMI_POSE], vel[AMI_VEL], p[AMI_POSE], v[AMI_VEL];
    random_state(&rng, pose, vel);
    ami_mirror_pose(p, pose);
    assert_memory_not_equal(p, pose, sizeof p);
    ami_mirror_pose(p, p);
    assert_memory_equal(p, pose, sizeof p);
    ami_mirror_vel(v, vel);
    assert_memory_not_equal(v, vel, sizeof v);
    ami_mirror_vel(v, v);
    assert_memory_equal(v, vel, sizeof v);

    ami_state state;
    ami_points points, q;
    ami_fk_state(&character->skeleton, pose, vel, &state);
    ami_points_of_state(&character->skeleton, &state, &points);
    ami_mirror_points(&q, &points);
    assert_memory_not_equal(&q, &points, sizeof q);
    ami_mirror_points(&q, &q);
    assert_memory_equal(&q, &points, sizeof q);

    static const struct {
        int n;
        void (*mirror)(float *, const float *);
    } kinds[] = {
        {AMI_FEATURES, ami_mirror_features}, {AMI_PHASE_FEATURES, ami_mirror_phase_features},
        {AMI_OBS, ami_mirror_obs},           {AMI_GOAL, ami_mirror_goal},
        {AMI_ACTION, ami_mirror_action},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        float in[AMI_OBS], out[AMI_OBS];
        const size_t size = (size_t)kinds[i].n * sizeof *in;
        floats(&rng, in, kinds[i].n);
        kinds[i].mirror(out, in);
        assert_memory_not_equal(out, in, size);
        kinds[i].mirror(out, out);
        assert_memory_equal(out, in, size);
    }
}

/* What is measured on the mirrored body is the mirror's picture of what is measured on the body. */
static void measures_are_mirrored(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(3, 0);
    for (int n = 0; n < 200; n++) {
        double pose[AMI_POSE], vel[AMI_VEL];
        ami_state state, other;
        ami_points points, got, want;
        random_state(&rng, pose, vel);
        ami_fk_state(&character->skeleton, pose, vel, &state);
        ami_points_of_state(&character->skeleton, &state, &points);
        const double heading = ami_rng_range(&rng, -3, 3);
        double wanted_pose[AMI_POSE], wanted_vel[AMI_VEL];
        ami_state wanted;
        random_state(&rng, wanted_pose, wanted_vel);
        ami_fk_state(&character->skeleton, wanted_pose, wanted_vel, &wanted);
        float goal[AMI_GOAL], got_goal[AMI_GOAL];
        ami_observe_goal(&state, &wanted, heading, wanted_pose, goal); /* a target of which all rotations are
                                                                          large */
        float obs[AMI_OBS], got_obs[AMI_OBS], style[AMI_FEATURES], got_style[AMI_FEATURES];
        float phase[AMI_PHASE_FEATURES], got_phase[AMI_PHASE_FEATURES];
        ami_observe(&state, .25, heading, obs);
        ami_features(&points, style);
        ami_phase_features(&points, phase);

        ami_mirror_pose(pose, pose);
        ami_mirror_vel(vel, vel);
        ami_fk_state(&character->skeleton, pose, vel, &other);
        ami_points_of_state(&character->skeleton, &other, &got);
        ami_mirror_points(&want, &points);
        for (int p = 0; p < AMI_POINTS; p++) {
            assert_all_near(got.pos[p], want.pos[p], 3, 1e-12, ami_point_name[p]);
            assert_all_near(got.vel[p], want.vel[p], 3, 1e-11, ami_point_name[p]);
        }
        assert_all_near(got.forward, want.forward, 2, 1e-12, "heading");
        assert_near(got.yaw_rate, want.yaw_rate, 1e-12, "yaw rate", n);

        ami_features(&got, got_style);
        ami_mirror_features(style, style);
        for (int k = 0; k < AMI_FEATURES; k++)
            assert_near((double)got_style[k], (double)style[k], 1e-6, "feature", k);
        ami_phase_features(&got, got_phase);
        ami_mirror_phase_features(phase, phase);
        for (int k = 0; k < AMI_PHASE_FEATURES; k++)
            assert_near((double)got_phase[k], (double)phase[k], 5e-6, "phase feature", k);
        ami_observe(&other, .25, -heading, got_obs);
        ami_mirror_obs(obs, obs);
        for (int k = 0; k < AMI_OBS; k++)
            assert_near((double)got_obs[k], (double)obs[k], 5e-6, "observation", k);

        ami_mirror_pose(wanted_pose, wanted_pose);
        ami_mirror_vel(wanted_vel, wanted_vel);
        ami_fk_state(&character->skeleton, wanted_pose, wanted_vel, &wanted);
        ami_observe_goal(&other, &wanted, -heading, wanted_pose, got_goal);
        ami_mirror_goal(goal, goal);
        for (int k = 0; k < AMI_GOAL; k++)
            assert_near((double)got_goal[k], (double)goal[k], 5e-6, "goal", k);
    }
}

static void contacts_change_sides(void **unused)
{
    (void)unused;
    float f[AMI_FEATURES] = {0};
    for (int k = 0; k < 4; k++)
        f[AMI_FEATURE_CONTACT + k] = (float)(k + 1) / 8;
    ami_mirror_features(f, f);
    const float want[4] = {.375f, .5f, .125f, .25f};
    assert_memory_equal(f + AMI_FEATURE_CONTACT, want, sizeof want);
}

static ami_clip *moving_clip(void)
{
    enum { FRAMES = 25 };
    static double time[FRAMES], pose[FRAMES * AMI_POSE];
    for (int f = 0; f < FRAMES; f++) {
        double *p = pose + f * AMI_POSE, turn[4];
        const double wave = sin(2 * M_PI * f / (FRAMES - 1)), other = cos(2 * M_PI * f / (FRAMES - 1));
        time[f] = f / 24.;
        pose_at_rest(p, .9);
        p[0] = .04 * f;
        p[1] = .01 * f;
        turn_about(turn, .6, 0, .8, .3 * wave);
        ami_quat_mul(p + 3, turn, p + 3);
        turn_about(p + pose_at[AMI_CHEST], .6, .8, 0, .2 * wave);
        turn_about(p + pose_at[AMI_LEFT_SHOULDER], 0, .6, .8, .6 * other);
        turn_about(p + pose_at[AMI_RIGHT_HIP], 0, .6, .8, .5 * wave);
        p[pose_at[AMI_RIGHT_KNEE]] = -.4 - .3 * wave;
        p[pose_at[AMI_LEFT_ELBOW]] = .5 + .4 * other;
    }
    return make_clip(FRAMES, time, pose, true);
}

static void a_clip_is_mirrored_at_any_time(void **unused)
{
    (void)unused;
    ami_error err = {""};
    ami_clip *clip = moving_clip(), *mirrored = ami_mirror_clip(clip, &err);
    assert_non_null(mirrored);
    assert_string_equal(ami_clip_name(mirrored), "test_mirrored");
    assert_true(ami_clip_loops(mirrored));
    for (int n = 0; n < 100; n++) {
        double pose[AMI_POSE], vel[AMI_VEL], p[AMI_POSE], v[AMI_VEL];
        const double t = -1.5 + .0437 * n;
        ami_clip_sample(clip, t, pose, vel);
        ami_clip_sample(mirrored, t, p, v);
        ami_mirror_pose(pose, pose);
        ami_mirror_vel(vel, vel);
        assert_all_near(p, pose, AMI_POSE, 1e-12, "pose");
        assert_all_near(v, vel, AMI_VEL, 1e-11, "velocity");
    }
    ami_clip_destroy(mirrored);
    ami_clip_destroy(clip);
}

/* The body follows a clip on the ground with actions at random, its image the mirrored clip with mirrored
 * actions: two episodes that a mirror cannot tell apart, in both action modes. Contacts come to the solver in
 * another order, so rounding differs, and chaos makes it grow. */
static void a_mirrored_world_does_what_the_mirror_shows(void **unused)
{
    (void)unused;
    ami_error err = {""};
    ami_clip *clip = moving_clip(), *mirrored = ami_mirror_clip(clip, &err);
    double worst = 0;
    for (int mode = 0; mode < 2; mode++) {
        ami_rng rng = ami_rng_seed(4, (uint64_t)mode);
        ami_env a, b;
        ami_env_def def = ami_env_default_def(character, clip);
        def.may_touch = (1u << AMI_BODIES) - 1;
        def.start_phase = .3;
        def.start_heading = .7;
        def.goal = true;
        def.action_mode = mode ? AMI_ACTION_ABSOLUTE : AMI_ACTION_RESIDUAL;
        assert_true(ami_env_init(&a, &def, &err));
        def.clip = mirrored;
        def.start_heading = -.7;
        assert_true(ami_env_init(&b, &def, &err));
        unsigned touched = 0;
        for (int step = 0; step < 30; step++) {
            float action[AMI_ACTION], other[AMI_ACTION], obs[AMI_OBS_MAX], other_obs[AMI_OBS_MAX];
            for (int k = 0; k < AMI_ACTION; k++)
                action[k] = .15f * (float)ami_rng_normal(&rng);
            ami_mirror_action(other, action);
            ami_reward ra, rb;
            assert_int_equal(ami_env_step(&a, action, &ra), AMI_ENV_GOES_ON);
            assert_int_equal(ami_env_step(&b, other, &rb), AMI_ENV_GOES_ON);
            ami_env_observe(&a, obs);
            ami_env_observe(&b, other_obs);
            ami_mirror_obs(obs, obs);
            ami_mirror_goal(obs + AMI_OBS, obs + AMI_OBS);
            for (int k = 0; k < AMI_OBS_MAX; k++)
                assert_near((double)other_obs[k], (double)obs[k], 1e-5, "observation", k);
            for (int i = 0; i < AMI_BODIES; i++)
                for (int k = 0; k < 3; k++) {
                    const double want = (k == 1 ? -1 : 1) * a.state.joint[twin_of(i)][k];
                    assert_near(b.state.joint[i][k], want, 1e-7, "joint", i);
                    worst = fmax(worst, fabs(b.state.joint[i][k] - want));
                }
            assert_near(rb.total, ra.total, 1e-6, "reward", step);
            for (int i = 0; i < AMI_BODIES; i++)
                assert_int_equal(a.world.touching >> i & 1, b.world.touching >> twin_of(i) & 1);
            touched |= a.world.touching;
        }
        assert_true(touched); /* it was about the ground, too */
        ami_env_free(&a);
        ami_env_free(&b);
    }
    print_message("joints of mirrored worlds in 30 control steps: %.2g m apart at most\n", worst);
    ami_clip_destroy(mirrored);
    ami_clip_destroy(clip);
}

/* A loop whose second half is the mirror image of its first, ahead at 1 m/s; elbows bent by so much. */
static ami_clip *two_halves(double right_elbow, double left_elbow, bool loop)
{
    enum { HALF = 17, FRAMES = 2 * HALF + 1 };
    static double time[FRAMES], pose[FRAMES * AMI_POSE];
    for (int f = 0; f < FRAMES; f++) {
        const double wave = sin(2 * M_PI * f / (FRAMES - 1.)), other = cos(2 * M_PI * f / (FRAMES - 1.));
        double *p = pose + f * AMI_POSE, turn[4];
        time[f] = f / 30.;
        pose_at_rest(p, .9 + .02 * other * other);
        turn_about(turn, .6, 0, .8, .2 * wave); /* whatever happens in the first half */
        ami_quat_mul(p + 3, turn, p + 3);
        p[1] = .05 * wave;
        turn_about(p + pose_at[AMI_CHEST], 0, .6, .8, .3 * wave);
        turn_about(p + pose_at[AMI_RIGHT_HIP], 0, .6, .8, .5 * wave + .2 * wave * wave);
        turn_about(p + pose_at[AMI_LEFT_SHOULDER], 1, 0, 0, .4 * fabs(wave));
        p[pose_at[AMI_LEFT_KNEE]] = -.4 - .3 * wave;
        if (f >= HALF)
            ami_mirror_pose(p, pose + (f - HALF) * AMI_POSE);
        p[0] = time[f];
        p[pose_at[AMI_RIGHT_ELBOW]] = right_elbow;
        p[pose_at[AMI_LEFT_ELBOW]] = left_elbow;
    }
    return make_clip(FRAMES, time, pose, loop);
}

/* The mean over 13 joints: two elbows are off, each by the difference of the two. */
static void asymmetry_is_the_distance_from_the_image_half_a_cycle_later(void **unused)
{
    (void)unused;
    static const struct {
        double right, left;
        bool symmetric;
    } row[] = {{.5, .5, true},        {.5, .7, true},         {.7, .5, true},
               {.3, .3 + 1.29, true}, {.3, .3 + 1.31, false}, {2, .3, false}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        ami_clip *clip = two_halves(row[i].right, row[i].left, true),
                 *once = two_halves(row[i].right, row[i].left, false);
        assert_near(ami_mirror_asymmetry(clip), 2 * fabs(row[i].right - row[i].left) / 13, 1e-7, "asymmetry",
                    (int)i);
        assert_true(ami_mirror_is_symmetric(clip) == row[i].symmetric);
        /* no half a cycle later */
        assert_true(ami_mirror_asymmetry(once) == M_PI && !ami_mirror_is_symmetric(once));
        ami_clip_destroy(clip);
        ami_clip_destroy(once);
    }
    /* the image of what is not symmetric is not, either */
    ami_clip *clip = moving_clip(), *image = ami_mirror_clip(clip, NULL);
    assert_true(ami_mirror_asymmetry(clip) > .2);
    assert_near(ami_mirror_asymmetry(image), ami_mirror_asymmetry(clip), 1e-9, "asymmetry of the image", 0);
    ami_clip_destroy(image);
    ami_clip_destroy(clip);
}

static void walking_is_symmetric_and_kicking_is_not(void **unused)
{
    (void)unused;
    static const struct {
        const char *name;
        bool symmetric;
    } row[] = {{"walk", true}, {"run", true}, {"kick", false}, {"backflip", false}};
    int tried = 0;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        char path[1024];
        if (!ami_clip_find(row[i].name, NULL, path, sizeof path, NULL))
            continue;
        ami_clip *clip = ami_clip_read(path, NULL);
        assert_non_null(clip);
        if (ami_mirror_is_symmetric(clip) != row[i].symmetric)
            fail_msg("%s is %.3f rad off its image", row[i].name, ami_mirror_asymmetry(clip));
        ami_clip_destroy(clip);
        tried++;
    }
    if (tried == 0) {
        print_message("no clips at hand (AMBLE_CLIPS is not set; scripts/get-clips.sh fetches them): not "
                      "tested with them\n");
        skip();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pose_is_reflected),
        cmocka_unit_test(twice_is_the_identity),
        cmocka_unit_test(measures_are_mirrored),
        cmocka_unit_test(contacts_change_sides),
        cmocka_unit_test(a_clip_is_mirrored_at_any_time),
        cmocka_unit_test(a_mirrored_world_does_what_the_mirror_shows),
        cmocka_unit_test(asymmetry_is_the_distance_from_the_image_half_a_cycle_later),
        cmocka_unit_test(walking_is_symmetric_and_kicking_is_not),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
