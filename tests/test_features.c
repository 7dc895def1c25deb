/* Motion features: frames calculated by hand, the same from a clip and from a simulated body, and independent
 * of position and heading. */
#include "tests/body.h"

#include "base/clock.h"
#include "motion/features.h"
#include "motion/kinematics.h"

static ami_character *character;
static ami_world world;

static int set_up(void **unused)
{
    (void)unused;
    character = load_character(120);
    return ami_world_init(&world, character, NULL) ? 0 : -1;
}

static int tear_down(void **unused)
{
    (void)unused;
    ami_world_free(&world);
    ami_character_destroy(character);
    return 0;
}

typedef struct frame {
    float style[AMI_FEATURES], phase[AMI_PHASE_FEATURES];
} frame;

static void features_of_state(const ami_state *state, frame *out)
{
    ami_points points;
    memset(out, 0xff, sizeof *out); /* NaN: a number that is not written shows */
    ami_points_of_state(&character->skeleton, state, &points);
    ami_features(&points, out->style);
    ami_phase_features(&points, out->phase);
}

static void features_of(const double pose[AMI_POSE], const double vel[AMI_VEL], frame *out)
{
    ami_state state;
    ami_fk_state(&character->skeleton, pose, vel, &state);
    features_of_state(&state, out);
}

static void assert_same(const frame *got, const frame *want, double tolerance)
{
    for (int k = 0; k < AMI_FEATURES; k++)
        assert_near((double)got->style[k], (double)want->style[k], tolerance, "feature", k);
    for (int k = 0; k < AMI_PHASE_FEATURES; k++)
        assert_near((double)got->phase[k], (double)want->phase[k], tolerance, "phase feature", k);
}

static void put_facing(double pose[AMI_POSE], double heading)
{
    double turn[4];
    turn_about(turn, 0, 0, 1, heading);
    ami_quat_mul(pose + 3, turn, (const double[4]){sqrt(.5), sqrt(.5), 0, 0});
}

/* Arms straight out to the sides, at (7, -3), facing -y (heading -90 degrees), so forward is -y and left is
 * x. It slides at .25 m/s along x, which is to the left, and .125 m/s along y, which is backwards, and turns
 * to the left at .5 rad/s. */
static void the_t_pose_is_as_on_paper(void **unused)
{
    (void)unused;
    double pose[AMI_POSE], vel[AMI_VEL] = {.25, .125, 0, 0, .5, 0};
    frame f;
    pose_at_rest(pose, .881416);
    pose[0] = 7;
    pose[1] = -3;
    put_facing(pose, -M_PI / 2);
    /* the arm hangs along -y of the body; right: by -90 degrees about x (forward) to +z, right of the body */
    turn_about(pose + pose_at[AMI_RIGHT_SHOULDER], 1, 0, 0, -M_PI / 2);
    turn_about(pose + pose_at[AMI_LEFT_SHOULDER], 1, 0, 0, M_PI / 2);
    features_of(pose, vel, &f);
    static const double want[AMI_POINTS][3] = {
        {0, 0, .881416},               /* root */
        {0, 0, 1.117567},              /* + .236151 */
        {0, 0, 1.237567},              /* + .12 */
        {0, 0, 1.341461},              /* 1.117567 + .223894 */
        {0, 0, 1.516461},              /* + .175 */
        {.1025, 0, 1.516461},          /* the head's radius */
        {0, .084887, .881416},         /* left hip */
        {0, .084887, .45987},          /* - .421546 */
        {0, .084887, .05},             /* - .40987 */
        {.1335, .084887, 0},           /* toe: .045 + .0885 ahead, .0225 + .0275 below */
        {-.0435, .084887, 0},          /* heel */
        {-.02405, .18311, 1.361067},   /* shoulder: 1.117567 + .2435 */
        {-.02405, .457898, 1.361067},  /* + .274788 to the left */
        {-.02405, .716845, 1.361067},  /* + .258947 */
        {0, -.084887, .881416},        /* right hip */
        {0, -.084887, .45987},         /* */
        {0, -.084887, .05},            /* */
        {.1335, -.084887, 0},          /* */
        {-.0435, -.084887, 0},         /* */
        {-.02405, -.18311, 1.361067},  /* */
        {-.02405, -.457898, 1.361067}, /* */
        {-.02405, -.716845, 1.361067}, /* */
    };
    for (int p = 0; p < AMI_POINTS; p++)
        for (int k = 0; k < 3; k++) {
            assert_near((double)f.style[3 * p + k], want[p][k], 1e-6, ami_point_name[p], k);
            assert_near((double)f.phase[6 * p + k], want[p][k], 1e-6, ami_point_name[p], k);
            /* v = (-.125, .25, 0) + .5 ez x r, r = (x, y, .) */
            const double v[3] = {-.125 - .5 * want[p][1], .25 + .5 * want[p][0], 0};
            assert_near((double)f.phase[6 * p + 3 + k], v[k], 1e-6, ami_point_name[p], k);
        }
    assert_near((double)f.style[66], -.125, 1e-7, "forward", 0);
    assert_near((double)f.style[67], .25, 1e-7, "left", 0);
    assert_near((double)f.style[68], .5, 1e-7, "yaw rate", 0);
    /* Soles on the ground, all slower than .4 m/s: left heel's speed is |(-.125 - .0424, .25 - .02175)| =
     * .283. */
    for (int k = 69; k < 73; k++)
        assert_near((double)f.style[k], 1, 0, "contact", k);
}

static void contacts_are_as_on_paper(void **unused)
{
    (void)unused;
    double pose[AMI_POSE], vel[AMI_VEL] = {0};
    frame f;
    pose_at_rest(pose, .881416 + .045); /* halfway between the thresholds */
    features_of(pose, vel, &f);
    for (int k = 69; k < 73; k++)
        assert_near((double)f.style[k], .5, 1e-6, "contact, high", k);
    vel[0] = .6, vel[1] = -.8 * .25; /* speed .632456: .612574 of the ramp is left */
    features_of(pose, vel, &f);
    for (int k = 69; k < 73; k++)
        assert_near((double)f.style[k], .5 * (1 - sqrt(.4)) / .6, 1e-6, "contact, high and fast", k);
    vel[0] = 1.2;
    features_of(pose, vel, &f);
    for (int k = 69; k < 73; k++)
        assert_near((double)f.style[k], 0, 0, "contact, faster than any", k);

    /* On one foot's toe: its ankle turned down by .3 rad about z (right), the sole's front edge on the
     * ground: the toe is .05 cos .3 + .1335 sin .3 below the ankle, the heel higher by .177 sin .3 = .0523:
     * (.06 - .0523)/.03 of a contact. The other foot hangs flat. */
    memset(vel, 0, sizeof vel);
    const double other = .05 * cos(.3) + .1335 * sin(.3) - .05; /* .0372 high */
    for (int side = 0; side < 2; side++) {
        pose_at_rest(pose, .421546 + .40987 + .05 + other);
        turn_about(pose + pose_at[side ? AMI_RIGHT_ANKLE : AMI_LEFT_ANKLE], 0, 0, 1, -.3);
        features_of(pose, vel, &f);
        const float *own = f.style + 69 + 2 * side, *flat = f.style + 71 - 2 * side;
        assert_near((double)own[0], (.06 - .177 * sin(.3)) / .03, 1e-5, "heel", side);
        assert_near((double)own[1], 1, 1e-6, "toe", side);
        assert_near((double)flat[0], (.06 - other) / .03, 1e-5, "other heel", side);
        assert_near((double)flat[1], (.06 - other) / .03, 1e-5, "other toe", side);
    }
}

/* Turned and moved over the ground, a body has the same features. */
static void place_and_heading_do_not_matter(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(2, 0);
    for (int n = 0; n < 200; n++) {
        double pose[AMI_POSE], vel[AMI_VEL], other[AMI_POSE], other_vel[AMI_VEL], turn[4], m[3][3];
        frame a, b;
        random_pose(&rng, pose, .9, 2);
        random_velocity(&rng, vel, 2);
        const double by = ami_rng_range(&rng, -M_PI, M_PI);
        turn_about(turn, 0, 0, 1, by);
        matrix_about_z(m, by);
        memcpy(other, pose, sizeof pose);
        memcpy(other_vel, vel, sizeof vel);
        matrix_times(other, m, pose);
        matrix_times(other_vel, m, vel); /* the angular velocity is in the root's own frame */
        other[0] += 17;
        other[1] -= 9;
        ami_quat_mul(other + 3, turn, pose + 3);
        features_of(pose, vel, &a);
        features_of(other, other_vel, &b);
        assert_same(&b, &a, 2e-6);
    }
}

/* A clip's pose put into a world has the clip's features. */
static void a_clip_and_a_body_agree(void **unused)
{
    (void)unused;
    enum { FRAMES = 12 };
    double time[FRAMES], pose[FRAMES * AMI_POSE];
    ami_rng rng = ami_rng_seed(3, 0);
    for (int f = 0; f < FRAMES; f++) {
        time[f] = .4 * f;
        random_pose(&rng, pose + f * AMI_POSE, ami_rng_range(&rng, .7, 1), 1.5);
        pose[f * AMI_POSE] = .3 * f;
    }
    for (int loop = 0; loop < 2; loop++) {
        ami_clip *clip = make_clip(FRAMES, time, pose, loop);
        for (int n = 0; n < 100; n++) {
            const double t = ami_rng_range(&rng, -2, 8);
            double p[AMI_POSE], v[AMI_VEL];
            frame want, got;
            ami_state state;
            ami_features_of_clip(&character->skeleton, clip, t, want.style, want.phase);
            ami_clip_sample(clip, t, p, v);
            ami_world_set(&world, p, v);
            ami_world_state(&world, &state);
            features_of_state(&state, &got);
            assert_same(&got, &want, 2e-6);
        }
        ami_clip_destroy(clip);
    }
}

static void time_is_within_two_microseconds(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(4, 0);
    double pose[AMI_POSE], vel[AMI_VEL], least = INFINITY;
    ami_state state;
    frame f;
    random_pose(&rng, pose, 1, 1);
    random_velocity(&rng, vel, 3);
    ami_fk_state(&character->skeleton, pose, vel, &state);
    for (int run = 0; run < 500; run++) {
        enum { CALLS = 20 };
        const double begun = ami_clock_now();
        for (int n = 0; n < CALLS; n++) {
            ami_points points;
            ami_points_of_state(&character->skeleton, &state, &points);
            ami_features(&points, f.style);
            ami_phase_features(&points, f.phase);
            state.joint[AMI_ROOT][0] = (double)f.phase[10] * 1e-9; /* no call can be left out */
        }
        least = fmin(least, (ami_clock_now() - begun) / CALLS);
    }
    print_message("points, 73 and 132 features of a state: %.2f us\n", least * 1e6);
#ifdef NDEBUG
    assert_true(least < 2e-6);
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_t_pose_is_as_on_paper),       cmocka_unit_test(contacts_are_as_on_paper),
        cmocka_unit_test(place_and_heading_do_not_matter), cmocka_unit_test(a_clip_and_a_body_agree),
        cmocka_unit_test(time_is_within_two_microseconds),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
