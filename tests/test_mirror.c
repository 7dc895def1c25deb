/* The mirror: against reflections by matrices, twice is once not, and a mirrored world goes on as the mirror
 * shows it. */
#include "tests/body.h"

#include "motion/kinematics.h"
#include "motion/mirror.h"
#include "sim/env.h"
#include "sim/mirror.h"

static amb_character *character;
static amb_world world, other_world;

static int set_up(void **unused)
{
    (void)unused;
    character = load_character(120);
    return amb_world_init(&world, character, NULL) && amb_world_init(&other_world, character, NULL) ? 0 : -1;
}

static int tear_down(void **unused)
{
    (void)unused;
    amb_world_free(&world);
    amb_world_free(&other_world);
    amb_character_destroy(character);
    return 0;
}

/* By name: right_ becomes left_ and back. */
static int twin_of(int body)
{
    const char *name = amb_body_name[body];
    char other[64];
    if (!strncmp(name, "right_", 6))
        snprintf(other, sizeof other, "left_%s", name + 6);
    else if (!strncmp(name, "left_", 5))
        snprintf(other, sizeof other, "right_%s", name + 5);
    else
        snprintf(other, sizeof other, "%s", name);
    return amb_body_by_name(other);
}

static void random_state(amb_rng *rng, double pose[AMB_POSE], double vel[AMB_VEL])
{
    random_pose(rng, pose, 1, 2.5);
    random_velocity(rng, vel, 3);
    pose[0] = amb_rng_range(rng, -2, 2);
    pose[1] = amb_rng_range(rng, -2, 2);
}

/* Every body of the mirrored pose is where a plane mirror shows its twin, turned and moving as the mirror
 * shows it. */
static void a_pose_is_reflected(void **unused)
{
    (void)unused;
    amb_rng rng = amb_rng_seed(1, 0);
    for (int n = 0; n < 200; n++) {
        double pose[AMB_POSE], vel[AMB_VEL], other[AMB_POSE], other_vel[AMB_VEL];
        moving_body a, b;
        random_state(&rng, pose, vel);
        amb_mirror_pose(other, pose);
        amb_mirror_vel(other_vel, vel);
        place_moving_body(&a, pose, vel);
        place_moving_body(&b, other, other_vel);
        for (int i = 0; i < AMB_BODIES; i++) {
            const int t = twin_of(i);
            for (int k = 0; k < 3; k++) {
                const double sign = k == 1 ? -1 : 1;
                assert_near(b.at.joint[i][k], sign * a.at.joint[t][k], 1e-12, amb_body_name[i], k);
                assert_near(b.at.centre[i][k], sign * a.at.centre[t][k], 1e-12, amb_body_name[i], k);
                assert_near(b.lin[i][k], sign * a.lin[t][k], 1e-6, "velocity", k);
                assert_near(b.ang[i][k], -sign * a.ang[t][k], 1e-6, "angular velocity", k);
                for (int l = 0; l < 3; l++)
                    assert_near(b.at.rot[i][k][l], sign * (l == 2 ? -1 : 1) * a.at.rot[t][k][l], 1e-12,
                                "rotation", k);
            }
        }
    }
}

static void floats(amb_rng *rng, float *out, int n)
{
    for (int k = 0; k < n; k++)
        out[k] = (float)amb_rng_range(rng, -1, 1);
}

/* Also in place, where nothing may be read that was written. */
static void twice_is_the_identity(void **unused)
{
    (void)unused;
    amb_rng rng = amb_rng_seed(2, 0);
    double pose[AMB_POSE], vel[AMB_VEL], p[AMB_POSE], v[AMB_VEL];
    random_state(&rng, pose, vel);
    amb_mirror_pose(p, pose);
    assert_memory_not_equal(p, pose, sizeof p);
    amb_mirror_pose(p, p);
    assert_memory_equal(p, pose, sizeof p);
    amb_mirror_vel(v, vel);
    assert_memory_not_equal(v, vel, sizeof v);
    amb_mirror_vel(v, v);
    assert_memory_equal(v, vel, sizeof v);

    amb_state state;
    amb_points points, q;
    amb_fk_state(&character->skeleton, pose, vel, &state);
    amb_points_of_state(&character->skeleton, &state, &points);
    amb_mirror_points(&q, &points);
    assert_memory_not_equal(&q, &points, sizeof q);
    amb_mirror_points(&q, &q);
    assert_memory_equal(&q, &points, sizeof q);

    static const struct {
        int n;
        void (*mirror)(float *, const float *);
    } kinds[] = {
        {AMB_FEATURES, amb_mirror_features}, {AMB_PHASE_FEATURES, amb_mirror_phase_features},
        {AMB_OBS, amb_mirror_obs},           {AMB_GOAL, amb_mirror_goal},
        {AMB_ACTION, amb_mirror_action},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        float in[AMB_OBS], out[AMB_OBS];
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
    amb_rng rng = amb_rng_seed(3, 0);
    for (int n = 0; n < 200; n++) {
        double pose[AMB_POSE], vel[AMB_VEL];
        amb_state state, other;
        amb_points points, got, want;
        random_state(&rng, pose, vel);
        amb_fk_state(&character->skeleton, pose, vel, &state);
        amb_points_of_state(&character->skeleton, &state, &points);
        const double heading = amb_rng_range(&rng, -3, 3);
        double wanted_pose[AMB_POSE], wanted_vel[AMB_VEL];
        amb_state wanted;
        random_state(&rng, wanted_pose, wanted_vel);
        amb_fk_state(&character->skeleton, wanted_pose, wanted_vel, &wanted);
        float goal[AMB_GOAL], got_goal[AMB_GOAL];
        amb_observe_goal(&state, &wanted, heading, wanted_pose, goal); /* a target of which all rotations are
                                                                          large */
        float obs[AMB_OBS], got_obs[AMB_OBS], style[AMB_FEATURES], got_style[AMB_FEATURES];
        float phase[AMB_PHASE_FEATURES], got_phase[AMB_PHASE_FEATURES];
        amb_observe(&state, .25, heading, obs);
        amb_features(&points, style);
        amb_phase_features(&points, phase);

        amb_mirror_pose(pose, pose);
        amb_mirror_vel(vel, vel);
        amb_fk_state(&character->skeleton, pose, vel, &other);
        amb_points_of_state(&character->skeleton, &other, &got);
        amb_mirror_points(&want, &points);
        for (int p = 0; p < AMB_POINTS; p++) {
            assert_all_near(got.pos[p], want.pos[p], 3, 1e-12, amb_point_name[p]);
            assert_all_near(got.vel[p], want.vel[p], 3, 1e-11, amb_point_name[p]);
        }
        assert_all_near(got.forward, want.forward, 2, 1e-12, "heading");
        assert_near(got.yaw_rate, want.yaw_rate, 1e-12, "yaw rate", n);

        amb_features(&got, got_style);
        amb_mirror_features(style, style);
        for (int k = 0; k < AMB_FEATURES; k++)
            assert_near((double)got_style[k], (double)style[k], 1e-6, "feature", k);
        amb_phase_features(&got, got_phase);
        amb_mirror_phase_features(phase, phase);
        for (int k = 0; k < AMB_PHASE_FEATURES; k++)
            assert_near((double)got_phase[k], (double)phase[k], 5e-6, "phase feature", k);
        amb_observe(&other, .25, -heading, got_obs);
        amb_mirror_obs(obs, obs);
        for (int k = 0; k < AMB_OBS; k++)
            assert_near((double)got_obs[k], (double)obs[k], 5e-6, "observation", k);

        amb_mirror_pose(wanted_pose, wanted_pose);
        amb_mirror_vel(wanted_vel, wanted_vel);
        amb_fk_state(&character->skeleton, wanted_pose, wanted_vel, &wanted);
        amb_observe_goal(&other, &wanted, -heading, wanted_pose, got_goal);
        amb_mirror_goal(goal, goal);
        for (int k = 0; k < AMB_GOAL; k++)
            assert_near((double)got_goal[k], (double)goal[k], 5e-6, "goal", k);
    }
}

static void contacts_change_sides(void **unused)
{
    (void)unused;
    float f[AMB_FEATURES] = {0};
    for (int k = 0; k < 4; k++)
        f[AMB_FEATURE_CONTACT + k] = (float)(k + 1) / 8;
    amb_mirror_features(f, f);
    const float want[4] = {.375f, .5f, .125f, .25f};
    assert_memory_equal(f + AMB_FEATURE_CONTACT, want, sizeof want);
}

static amb_clip *moving_clip(void)
{
    enum { FRAMES = 25 };
    static double time[FRAMES], pose[FRAMES * AMB_POSE];
    for (int f = 0; f < FRAMES; f++) {
        double *p = pose + f * AMB_POSE, turn[4];
        const double wave = sin(2 * M_PI * f / (FRAMES - 1)), other = cos(2 * M_PI * f / (FRAMES - 1));
        time[f] = f / 24.;
        pose_at_rest(p, .9);
        p[0] = .04 * f;
        p[1] = .01 * f;
        turn_about(turn, .6, 0, .8, .3 * wave);
        amb_quat_mul(p + 3, turn, p + 3);
        turn_about(p + pose_at[AMB_CHEST], .6, .8, 0, .2 * wave);
        turn_about(p + pose_at[AMB_LEFT_SHOULDER], 0, .6, .8, .6 * other);
        turn_about(p + pose_at[AMB_RIGHT_HIP], 0, .6, .8, .5 * wave);
        p[pose_at[AMB_RIGHT_KNEE]] = -.4 - .3 * wave;
        p[pose_at[AMB_LEFT_ELBOW]] = .5 + .4 * other;
    }
    return make_clip(FRAMES, time, pose, true);
}

static void a_clip_is_mirrored_at_any_time(void **unused)
{
    (void)unused;
    amb_error err = {""};
    amb_clip *clip = moving_clip(), *mirrored = amb_mirror_clip(clip, &err);
    assert_non_null(mirrored);
    assert_string_equal(amb_clip_name(mirrored), "test_mirrored");
    assert_true(amb_clip_loops(mirrored));
    for (int n = 0; n < 100; n++) {
        double pose[AMB_POSE], vel[AMB_VEL], p[AMB_POSE], v[AMB_VEL];
        const double t = -1.5 + .0437 * n;
        amb_clip_sample(clip, t, pose, vel);
        amb_clip_sample(mirrored, t, p, v);
        amb_mirror_pose(pose, pose);
        amb_mirror_vel(vel, vel);
        assert_all_near(p, pose, AMB_POSE, 1e-12, "pose");
        assert_all_near(v, vel, AMB_VEL, 1e-11, "velocity");
    }
    amb_clip_destroy(mirrored);
    amb_clip_destroy(clip);
}

/* The body follows a clip on the ground with actions at random, its image the mirrored clip with mirrored
 * actions: two episodes that a mirror cannot tell apart, in both action modes. Contacts come to the solver in
 * another order, so rounding differs, and chaos makes it grow. */
static void a_mirrored_world_does_what_the_mirror_shows(void **unused)
{
    (void)unused;
    amb_error err = {""};
    amb_clip *clip = moving_clip(), *mirrored = amb_mirror_clip(clip, &err);
    double worst = 0;
    for (int mode = 0; mode < 2; mode++) {
        amb_rng rng = amb_rng_seed(4, (uint64_t)mode);
        amb_env a, b;
        amb_env_def def = amb_env_default_def(character, clip);
        def.may_touch = (1u << AMB_BODIES) - 1;
        def.start_phase = .3;
        def.start_heading = .7;
        def.goal = true;
        def.action_mode = mode ? AMB_ACTION_ABSOLUTE : AMB_ACTION_RESIDUAL;
        assert_true(amb_env_init(&a, &def, &err));
        def.clip = mirrored;
        def.start_heading = -.7;
        assert_true(amb_env_init(&b, &def, &err));
        unsigned touched = 0;
        for (int step = 0; step < 30; step++) {
            float action[AMB_ACTION], other[AMB_ACTION], obs[AMB_OBS_MAX], other_obs[AMB_OBS_MAX];
            for (int k = 0; k < AMB_ACTION; k++)
                action[k] = .15f * (float)amb_rng_normal(&rng);
            amb_mirror_action(other, action);
            amb_reward ra, rb;
            assert_int_equal(amb_env_step(&a, action, &ra), AMB_ENV_GOES_ON);
            assert_int_equal(amb_env_step(&b, other, &rb), AMB_ENV_GOES_ON);
            amb_env_observe(&a, obs);
            amb_env_observe(&b, other_obs);
            amb_mirror_obs(obs, obs);
            amb_mirror_goal(obs + AMB_OBS, obs + AMB_OBS);
            for (int k = 0; k < AMB_OBS_MAX; k++)
                assert_near((double)other_obs[k], (double)obs[k], 1e-5, "observation", k);
            for (int i = 0; i < AMB_BODIES; i++)
                for (int k = 0; k < 3; k++) {
                    const double want = (k == 1 ? -1 : 1) * a.state.joint[twin_of(i)][k];
                    assert_near(b.state.joint[i][k], want, 1e-7, "joint", i);
                    worst = fmax(worst, fabs(b.state.joint[i][k] - want));
                }
            assert_near(rb.total, ra.total, 1e-6, "reward", step);
            for (int i = 0; i < AMB_BODIES; i++)
                assert_int_equal(a.world.touching >> i & 1, b.world.touching >> twin_of(i) & 1);
            touched |= a.world.touching;
        }
        assert_true(touched); /* it was about the ground, too */
        amb_env_free(&a);
        amb_env_free(&b);
    }
    print_message("joints of mirrored worlds in 30 control steps: %.2g m apart at most\n", worst);
    amb_clip_destroy(mirrored);
    amb_clip_destroy(clip);
}

/* A loop whose second half is the mirror image of its first, ahead at 1 m/s; elbows bent by so much. */
static amb_clip *two_halves(double right_elbow, double left_elbow, bool loop)
{
    enum { HALF = 17, FRAMES = 2 * HALF + 1 };
    static double time[FRAMES], pose[FRAMES * AMB_POSE];
    for (int f = 0; f < FRAMES; f++) {
        const double wave = sin(2 * M_PI * f / (FRAMES - 1.)), other = cos(2 * M_PI * f / (FRAMES - 1.));
        double *p = pose + f * AMB_POSE, turn[4];
        time[f] = f / 30.;
        pose_at_rest(p, .9 + .02 * other * other);
        turn_about(turn, .6, 0, .8, .2 * wave); /* whatever happens in the first half */
        amb_quat_mul(p + 3, turn, p + 3);
        p[1] = .05 * wave;
        turn_about(p + pose_at[AMB_CHEST], 0, .6, .8, .3 * wave);
        turn_about(p + pose_at[AMB_RIGHT_HIP], 0, .6, .8, .5 * wave + .2 * wave * wave);
        turn_about(p + pose_at[AMB_LEFT_SHOULDER], 1, 0, 0, .4 * fabs(wave));
        p[pose_at[AMB_LEFT_KNEE]] = -.4 - .3 * wave;
        if (f >= HALF)
            amb_mirror_pose(p, pose + (f - HALF) * AMB_POSE);
        p[0] = time[f];
        p[pose_at[AMB_RIGHT_ELBOW]] = right_elbow;
        p[pose_at[AMB_LEFT_ELBOW]] = left_elbow;
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
        amb_clip *clip = two_halves(row[i].right, row[i].left, true),
                 *once = two_halves(row[i].right, row[i].left, false);
        assert_near(amb_mirror_asymmetry(clip), 2 * fabs(row[i].right - row[i].left) / 13, 1e-7, "asymmetry",
                    (int)i);
        assert_true(amb_mirror_is_symmetric(clip) == row[i].symmetric);
        /* no half a cycle later */
        assert_true(amb_mirror_asymmetry(once) == M_PI && !amb_mirror_is_symmetric(once));
        amb_clip_destroy(clip);
        amb_clip_destroy(once);
    }
    /* the image of what is not symmetric is not, either */
    amb_clip *clip = moving_clip(), *image = amb_mirror_clip(clip, NULL);
    assert_true(amb_mirror_asymmetry(clip) > .2);
    assert_near(amb_mirror_asymmetry(image), amb_mirror_asymmetry(clip), 1e-9, "asymmetry of the image", 0);
    amb_clip_destroy(image);
    amb_clip_destroy(clip);
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
        if (!amb_clip_find(row[i].name, NULL, path, sizeof path, NULL))
            continue;
        amb_clip *clip = amb_clip_read(path, NULL);
        assert_non_null(clip);
        if (amb_mirror_is_symmetric(clip) != row[i].symmetric)
            fail_msg("%s is %.3f rad off its image", row[i].name, amb_mirror_asymmetry(clip));
        amb_clip_destroy(clip);
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
