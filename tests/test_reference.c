/* The reference motion: start, turns, loops. The clip is made here: a body that moves forward, bobs and
 * turns.
 */
#include "tests/body.h"

#include "sim/reference.h"

enum { FRAMES = 31 };

/* 1 s of walking 1.5 m ahead and .3 m aside, the root swaying about the vertical and pitching, arms and one
 * knee at work. */
static ami_clip *walking_clip(bool loop)
{
    double time[FRAMES], pose[FRAMES * AMI_POSE];
    for (int f = 0; f < FRAMES; f++) {
        double *p = pose + f * AMI_POSE, turn[4], pitch[4];
        const double u = (double)f / (FRAMES - 1), wave = sin(2 * M_PI * u);
        time[f] = u;
        pose_at_rest(p, .9 + .03 * wave);
        p[0] = 2 + 1.5 * u;
        p[1] = -1 + .3 * u;
        turn_about(turn, 0, 0, 1, .3 * wave);
        turn_about(pitch, 0, 1, 0, .2 * wave);
        ami_quat_mul(turn, turn, pitch);
        ami_quat_mul(p + 3, turn, p + 3);
        turn_about(p + pose_at[AMI_LEFT_SHOULDER], 0, 0, 1, .5 * wave);
        p[pose_at[AMI_RIGHT_KNEE]] = -.5 - .4 * wave;
    }
    return make_clip(FRAMES, time, pose, loop);
}

static void assert_same_rotation(const double got[4], const double want[4], double tolerance,
                                 const char *what)
{
    double a[3][3], b[3][3];
    matrix_of(a, got);
    matrix_of(b, want);
    assert_all_near(&a[0][0], &b[0][0], 9, tolerance, what);
}

/* World pose and velocity of a clip turned by `heading` with its root over `at`, from the clip's own sample.
 */
static void turned_sample(const ami_clip *clip, double t, double heading, const double at[2],
                          double pose[AMI_POSE], double vel[AMI_VEL])
{
    double m[3][3], turn[4], v[3];
    ami_clip_sample(clip, t, pose, vel);
    matrix_about_z(m, heading);
    turn_about(turn, 0, 0, 1, heading);
    pose[0] = at[0];
    pose[1] = at[1];
    ami_quat_mul(pose + 3, turn, pose + 3);
    matrix_times(v, m, vel);
    memcpy(vel, v, sizeof v);
}

static void it_starts_where_it_is_told(void **unused)
{
    (void)unused;
    ami_clip *clip = walking_clip(true);
    for (int n = 0; n < 16; n++) {
        const double time = n / 17., heading = -3 + .4 * n, at[2] = {5 - n, .5 * n};
        ami_reference reference;
        memset(&reference, 0xff, sizeof reference);
        ami_reference_start(&reference, clip, time, heading, at);
        assert_near(reference.turn_rate, 0, 0, "turn rate", 0);
        assert_near(ami_reference_phase(&reference), time, 1e-12, "phase", n);
        double pose[AMI_POSE], vel[AMI_VEL], want[AMI_POSE], want_vel[AMI_VEL];
        ami_reference_sample(&reference, 0, pose, vel);
        turned_sample(clip, time, heading, at, want, want_vel);
        assert_all_near(pose, want, 3, 1e-12, "root position");
        assert_same_rotation(pose + 3, want + 3, 1e-12, "root rotation");
        assert_all_near(pose + 7, want + 7, AMI_POSE - 7, 0, "joints");
        assert_all_near(vel, want_vel, AMI_VEL, 1e-12, "velocity");
        double alone[AMI_POSE], alone_vel[AMI_VEL];
        ami_reference_sample(&reference, 0, alone, NULL);
        ami_reference_sample(&reference, 0, NULL, alone_vel);
        assert_memory_equal(alone, pose, sizeof pose);
        assert_memory_equal(alone_vel, vel, sizeof vel);
    }
    ami_clip_destroy(clip);
}

/* Heading 90 degrees: the clip's way ahead is the world's y. */
static void it_goes_where_it_heads(void **unused)
{
    (void)unused;
    ami_clip *clip = walking_clip(true);
    ami_reference reference;
    double pose[AMI_POSE], vel[AMI_VEL];
    ami_reference_start(&reference, clip, 0, M_PI / 2, (const double[2]){10, 20});
    ami_reference_sample(&reference, .5, pose, vel);
    assert_near(pose[0], 10 - .15, 1e-12, "x", 0);
    assert_near(pose[1], 20 + .75, 1e-12, "y", 0);
    assert_near(vel[0], -.3, 1e-12, "x velocity", 0);
    assert_near(vel[1], 1.5, 1e-12, "y velocity", 0);
    ami_reference_sample(&reference, 2.5, pose, NULL); /* beyond the seam, not yet snapped */
    assert_near(pose[0], 10 - .75, 1e-12, "x two cycles on", 0);
    assert_near(pose[1], 20 + 3.75, 1e-12, "y two cycles on", 0);
    ami_clip_destroy(clip);
}

static void turning_keeps_the_root_where_it_is(void **unused)
{
    (void)unused;
    ami_clip *clip = walking_clip(true);
    ami_reference reference;
    double before[AMI_POSE], vel_before[AMI_VEL], after[AMI_POSE], vel[AMI_VEL], turn[4], want[4], m[3][3],
        v[3];
    ami_reference_start(&reference, clip, .37, .4, (const double[2]){-3, 8});
    ami_reference_sample(&reference, 0, before, vel_before);
    ami_reference_turn(&reference, 1.1);
    assert_near(reference.heading, 1.5, 1e-15, "heading", 0);
    assert_near(reference.time, .37, 0, "time", 0);
    ami_reference_sample(&reference, 0, after, vel);
    assert_all_near(after, before, 3, 1e-12, "root position");
    turn_about(turn, 0, 0, 1, 1.1);
    ami_quat_mul(want, turn, before + 3);
    assert_same_rotation(after + 3, want, 1e-12, "root rotation");
    assert_all_near(after + 7, before + 7, AMI_POSE - 7, 0, "joints");
    matrix_about_z(m, 1.1);
    matrix_times(v, m, vel_before);
    assert_all_near(vel, v, 3, 1e-12, "linear velocity");
    assert_all_near(vel + 3, vel_before + 3, AMI_VEL - 3, 1e-12,
                    "angular velocities, in the bodies' own frames");
    ami_clip_destroy(clip);
}

static void a_new_cycle_begins_over_the_body(void **unused)
{
    (void)unused;
    ami_clip *clip = walking_clip(true);
    ami_reference reference;
    double pose[AMI_POSE], before[AMI_POSE];
    const double body[2] = {100, -50};
    ami_reference_start(&reference, clip, .9, .7, (const double[2]){1, 2});
    ami_reference_sample(&reference, .06, before, NULL);
    assert_false(ami_reference_advance(&reference, .06, body)); /* .96: the body's place does not matter */
    ami_reference_sample(&reference, 0, pose, NULL);
    assert_all_near(pose, before, AMI_POSE, 1e-12, "pose before the seam");
    assert_true(ami_reference_advance(&reference, .06, body)); /* 1.02 */
    assert_near(reference.time, .02, 1e-12, "time", 0);
    assert_near(reference.heading, .7, 0, "heading", 0);
    ami_reference_sample(&reference, 0, pose, NULL);
    assert_near(pose[0], 100, 1e-12, "x", 0);
    assert_near(pose[1], -50, 1e-12, "y", 0);
    double own[AMI_POSE];
    ami_clip_sample(clip, .02, own, NULL);
    assert_near(pose[2], own[2], 1e-12, "height", 0);
    assert_false(ami_reference_advance(&reference, .06, (const double[2]){0, 0}));
    ami_reference_sample(&reference, 0, pose, NULL);
    assert_near(pose[0], 100 + .06 * (1.5 * cos(.7) - .3 * sin(.7)), 1e-12, "x after a step", 0);
    assert_near(pose[1], -50 + .06 * (1.5 * sin(.7) + .3 * cos(.7)), 1e-12, "y after a step", 0);
    /* the clock stays within the cycle for ever, one wrap a second */
    int wraps = 0;
    for (int n = 0; n < 1000; n++) {
        wraps += ami_reference_advance(&reference, 1 / 30., body);
        assert_true(reference.time >= 0 && reference.time < 1);
        const double phase = ami_reference_phase(&reference);
        assert_true(phase >= 0 && phase < 1);
    }
    assert_int_equal(wraps, 33);
    assert_true(ami_reference_advance(&reference, 5.25, body)); /* more than a cycle at once */
    assert_true(reference.time >= 0 && reference.time < 1);
    ami_clip_destroy(clip);
}

static void a_motion_that_ends_stays_at_its_end(void **unused)
{
    (void)unused;
    ami_clip *clip = walking_clip(false);
    ami_reference reference;
    double pose[AMI_POSE], vel[AMI_VEL], end[AMI_POSE];
    ami_clip_sample(clip, 1, end, NULL);
    /* that is where it is by itself */
    ami_reference_start(&reference, clip, .8, 0, (const double[2]){3.2, -.76});
    for (int n = 0; n < 20; n++)
        assert_false(ami_reference_advance(&reference, .1, (const double[2]){9, 9}));
    assert_near(reference.time, 2.8, 1e-12, "time", 0);
    const double phase = ami_reference_phase(&reference);
    assert_true(phase < 1 && phase > .999999);
    ami_reference_sample(&reference, 0, pose, vel);
    assert_all_near(pose, end, AMI_POSE, 1e-12, "pose");
    for (int k = 0; k < AMI_VEL; k++)
        assert_near(vel[k], 0, 0, "velocity", k);
    ami_clip_destroy(clip);
}

/* The turn rate in the root's angular velocity is the derivative of the root's rotation, and the velocity
 * that of its position. */
static void a_turning_reference_says_how_fast(void **unused)
{
    (void)unused;
    ami_clip *clip = walking_clip(true);
    for (int n = 0; n < 8; n++) {
        const double e = 1e-5, time = (5.5 + 2 * n) / 30; /* half way between two frames, where the rates are
                                                             smooth */
        ami_reference reference, later;
        ami_reference_start(&reference, clip, time, .5 * n, (const double[2]){0, 0});
        reference.turn_rate = n % 2 ? 2.5 : -1.2;
        double a[AMI_POSE], b[AMI_POSE], vel[AMI_VEL], still[AMI_VEL], clip_vel[AMI_VEL];
        ami_reference_sample(&reference, 0, a, vel);
        later = reference;
        ami_reference_advance(&later, e, (const double[2]){0, 0});
        assert_near(later.heading, reference.heading + reference.turn_rate * e, 1e-15, "heading", n);
        ami_reference_sample(&later, 0, b, NULL);
        double inverse[4] = {a[3], -a[4], -a[5], -a[6]}, step[4], clip_a[AMI_POSE], clip_b[AMI_POSE];
        ami_quat_mul(step, inverse, b + 3);
        const double sign = step[0] < 0 ? -1 : 1;

        /* what the clip does by itself, by the same differences: its own velocities are averages over frames
         */
        ami_clip_sample(clip, time, clip_a, clip_vel);
        ami_clip_sample(clip, time + e, clip_b, NULL);
        double own_inverse[4] = {clip_a[3], -clip_a[4], -clip_a[5], -clip_a[6]}, own[4];
        ami_quat_mul(own, own_inverse, clip_b + 3);
        const double own_sign = own[0] < 0 ? -1 : 1;
        for (int k = 0; k < 3; k++)
            assert_near(2 * (sign * step[1 + k] - own_sign * own[1 + k]) / e, vel[3 + k] - clip_vel[3 + k],
                        2e-4, "angular velocity", k);
        for (int k = 0; k < 2; k++)
            assert_near((b[k] - a[k]) / e, vel[k], 1e-4, "linear velocity", k);
        reference.turn_rate = 0;
        ami_reference_sample(&reference, 0, NULL, still);
        assert_all_near(still + 3, clip_vel + 3, AMI_VEL - 3, 0, "velocities without turning");
        double turned = 0;
        for (int k = 3; k < 6; k++)
            turned += (vel[k] - still[k]) * (vel[k] - still[k]);
        assert_near(sqrt(turned), n % 2 ? 2.5 : 1.2, 1e-12, "speed of turning", n);
    }
    ami_clip_destroy(clip);
}

/* Turning all the time, the root's path is the clip's steps, each in the direction of its moment. */
static void a_turning_walk_goes_round(void **unused)
{
    (void)unused;
    ami_clip *clip = walking_clip(true);
    ami_reference reference;
    const double dt = 1 / 30., rate = .8;
    double x = 0, y = 0, heading = .3, pose[AMI_POSE];
    ami_reference_start(&reference, clip, 0, heading, (const double[2]){0, 0});
    reference.turn_rate = rate;
    for (int n = 0; n < 80; n++) {
        x += dt * (1.5 * cos(heading) - .3 * sin(heading));
        y += dt * (1.5 * sin(heading) + .3 * cos(heading));
        heading += rate * dt;
        if (ami_reference_advance(&reference, dt, (const double[2]){n, -n})) {
            x = n;
            y = -n;
        }
        ami_reference_sample(&reference, 0, pose, NULL);
        assert_near(reference.heading, heading, 1e-12, "heading", n);
        assert_near(pose[0], x, 1e-9, "x", n);
        assert_near(pose[1], y, 1e-9, "y", n);
    }
    ami_clip_destroy(clip);
}

/* The same cycle with everything larger and the legs at work, in .8 s. */
static ami_clip *running_clip(void)
{
    double time[FRAMES], pose[FRAMES * AMI_POSE];
    for (int f = 0; f < FRAMES; f++) {
        double *p = pose + f * AMI_POSE, turn[4];
        const double u = (double)f / (FRAMES - 1), wave = sin(2 * M_PI * u + .7);
        time[f] = .8 * u;
        pose_at_rest(p, .95 - .05 * wave);
        p[0] = 3 * u;
        turn_about(turn, 0, 0, 1, .2 - .4 * wave);
        ami_quat_mul(p + 3, turn, p + 3);
        turn_about(p + pose_at[AMI_LEFT_SHOULDER], 0, .6, .8, .9 + 1.2 * wave);
        turn_about(p + pose_at[AMI_LEFT_HIP], 0, 0, 1, .8 * wave);
        p[pose_at[AMI_RIGHT_KNEE]] = -1.2 + .6 * wave;
    }
    return make_clip(FRAMES, time, pose, true);
}

static void assert_same_pose(const double got[AMI_POSE], const double want[AMI_POSE], double tolerance)
{
    assert_all_near(got, want, 3, tolerance, "root");
    for (int i = 0; i < AMI_BODIES; i++) {
        if (i == AMI_ROOT || is_ball(i))
            assert_same_rotation(got + pose_at[i], want + pose_at[i], tolerance, ami_body_name[i]);
        else if (is_hinge(i))
            assert_near(got[pose_at[i]], want[pose_at[i]], tolerance, ami_body_name[i], i);
    }
}

static void another_clip_is_entered_without_a_jump(void **unused)
{
    (void)unused;
    ami_clip *walk = walking_clip(true), *run = running_clip();
    for (int n = 0; n < 24; n++) {
        ami_reference reference;
        const double rate = n % 3 == 0 ? 1 : .6 + .05 * n;
        ami_reference_start(&reference, walk, .04 * n, .3 * n, (const double[2]){n, -n});
        reference.turn_rate = n % 2 ? .4 : 0;
        double pose[AMI_POSE], vel[AMI_VEL], after[AMI_POSE], after_vel[AMI_VEL];
        for (int again = 0; again < 3; again++) { /* also in the middle of a change */
            ami_reference_sample(&reference, 0, pose, vel);
            ami_reference_change(&reference, again == 1 ? walk : run, .1 + .03 * n * (again == 1), rate, .3);
            ami_reference_sample(&reference, 0, after, after_vel);
            assert_same_pose(after, pose, 1e-9);
            assert_all_near(after_vel, vel, AMI_VEL, 1e-9, "velocity");
            ami_reference_advance(&reference, .1, pose);
        }
    }
    ami_clip_destroy(walk);
    ami_clip_destroy(run);
}

static void a_change_fades_and_leaves_no_trace(void **unused)
{
    (void)unused;
    ami_clip *walk = walking_clip(true), *run = running_clip();
    ami_reference reference, plain;
    ami_reference_start(&reference, walk, .2, 0, (const double[2]){0, 0});
    ami_reference_change(&reference, run, .3, 1, .25);
    double before[AMI_POSE], pose[AMI_POSE], vel[AMI_VEL];
    ami_reference_sample(&reference, 0, before, vel);
    double off = 0;
    for (int n = 0; n < 12; n++) { /* small steps while it fades: root and joints go on smoothly */
        ami_reference_sample(&reference, .02 * n, pose, vel);
        double own[AMI_POSE], own_vel[AMI_VEL];
        ami_clip_sample(run, .3 + .02 * n, own, own_vel);
        const double now = fabs(pose[pose_at[AMI_RIGHT_KNEE]] - own[pose_at[AMI_RIGHT_KNEE]]);
        off = fmax(off, now);
    }
    assert_true(off > .3);
    ami_reference_advance(&reference, .3, before);
    ami_reference_start(&plain, run, .6, 0, (const double[2]){0, 0});
    double want[AMI_POSE], want_vel[AMI_VEL];
    for (double ahead = 0; ahead < .15; ahead += .05) {
        ami_reference_sample(&reference, ahead, pose, vel);
        ami_reference_sample(&plain, ahead, want, want_vel);
        pose[0] = want[0], pose[1] = want[1]; /* it got elsewhere on its way */
        assert_same_pose(pose, want, 1e-9);
        assert_all_near(vel, want_vel, AMI_VEL, 1e-9, "velocity");
    }
    ami_clip_destroy(walk);
    ami_clip_destroy(run);
}

/* Poses over the change change as velocities say. Linear parts exactly; within a clip's frame the velocity is
 * a mean over neighbours, so the fading part alone is looked at: the difference to the clip's own sample. */
static void what_fades_moves_as_its_velocity_says(void **unused)
{
    (void)unused;
    ami_clip *walk = walking_clip(true), *run = running_clip();
    ami_reference reference;
    ami_reference_start(&reference, walk, .55, 0, (const double[2]){0, 0});
    ami_reference_change(&reference, run, .31, 1, .4);
    const int knee_pose = pose_at[AMI_RIGHT_KNEE], knee_vel = vel_at[AMI_RIGHT_KNEE];
    for (double ahead = .005; ahead < .6; ahead += .013) {
        const double e = 1e-6;
        double pose[2][AMI_POSE], own[2][AMI_POSE], vel[AMI_VEL], own_vel[AMI_VEL];
        for (int k = 0; k < 2; k++) {
            ami_reference_sample(&reference, ahead + (k ? e : -e), pose[k], NULL);
            ami_clip_sample(run, .31 + ahead + (k ? e : -e), own[k], NULL);
        }
        ami_reference_sample(&reference, ahead, NULL, vel);
        ami_clip_sample(run, .31 + ahead, NULL, own_vel);
        const int at[4][2] = {{0, 0}, {1, 1}, {2, 2}, {knee_pose, knee_vel}};
        for (int i = 0; i < 4; i++) {
            const int p = at[i][0], v = at[i][1];
            const double rate = ((pose[1][p] - own[1][p]) - (pose[0][p] - own[0][p])) / (2 * e);
            assert_near(vel[v] - own_vel[v], rate, 1e-6, "speed of what fades", i);
        }
        /* The hip, a rotation: what fades is own* pose; its angular velocity, in the child's frame, by
         * differences. */
        double d[2][4], turned[4], w[3], own_w[3];
        const int q = pose_at[AMI_LEFT_HIP], r = vel_at[AMI_LEFT_HIP];
        for (int k = 0; k < 2; k++)
            ami_quat_between(d[k], own[k] + q, pose[k] + q);
        ami_quat_between(turned, d[0], d[1]);
        ami_quat_log(w, turned);
        ami_quat_unrotate(own_w, d[0], own_vel + r);
        for (int k = 0; k < 3; k++)
            assert_near(vel[r + k] - own_w[k], w[k] / (2 * e), 1e-4, "turning of what fades", k);
    }
    ami_clip_destroy(walk);
    ami_clip_destroy(run);
}

static void the_clock_runs_at_its_rate(void **unused)
{
    (void)unused;
    ami_clip *clip = walking_clip(true);
    ami_reference slow, plain;
    ami_reference_start(&slow, clip, .3, .5, (const double[2]){1, 2});
    plain = slow;
    slow.rate = .5;
    double pose[AMI_POSE], vel[AMI_VEL], want[AMI_POSE], want_vel[AMI_VEL];
    ami_reference_sample(&slow, .2, pose, vel);
    ami_reference_sample(&plain, .1, want, want_vel);
    assert_all_near(pose, want, AMI_POSE, 1e-12, "pose");
    for (int k = 0; k < AMI_VEL; k++)
        assert_near(vel[k], .5 * want_vel[k], 1e-12, "velocity", k);
    assert_false(ami_reference_advance(&slow, 1.3, pose));
    assert_near(slow.time, .95, 1e-12, "time", 0);
    assert_true(ami_reference_advance(&slow, .2, pose));
    assert_near(slow.time, .05, 1e-12, "time", 1);
    ami_clip_destroy(clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_starts_where_it_is_told),
        cmocka_unit_test(it_goes_where_it_heads),
        cmocka_unit_test(turning_keeps_the_root_where_it_is),
        cmocka_unit_test(a_new_cycle_begins_over_the_body),
        cmocka_unit_test(a_motion_that_ends_stays_at_its_end),
        cmocka_unit_test(a_turning_reference_says_how_fast),
        cmocka_unit_test(a_turning_walk_goes_round),
        cmocka_unit_test(another_clip_is_entered_without_a_jump),
        cmocka_unit_test(a_change_fades_and_leaves_no_trace),
        cmocka_unit_test(what_fades_moves_as_its_velocity_says),
        cmocka_unit_test(the_clock_runs_at_its_rate),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
