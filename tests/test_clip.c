/* Clips in memory: three frames calculated by hand, phases, errors, and refilling. */
#include "tests/clips.h"

/* Three frames, worked out on paper: x = 0, 1, 4 m and right knee 0, -.5, -.2 rad at 0, 1, 3 s. */
static void three_frames_by_hand(void **state)
{
    (void)state;
    const double time[3] = {0.0, 1.0, 3.0}, x[3] = {0.0, 1.0, 4.0}, knee[3] = {0.0, -0.5, -0.2};
    double pose[3 * AMI_POSE], p[AMI_POSE], v[AMI_VEL];
    for (int f = 0; f < 3; f++) {
        pose_at_rest(pose + f * AMI_POSE);
        pose[f * AMI_POSE] = x[f];
        pose[f * AMI_POSE + 19] = knee[f];
    }
    const struct {
        bool loop;
        double t, x, vx, knee, vknee;
    } rows[] = {
        {false, 0.0, 0.0, 1.0, 0.0, -0.5},
        {false, 1.0, 1.0, 4.0 / 3, -0.5, -0.2 / 3},
        {false, 0.5, 0.5, 7.0 / 6, -0.25, (-0.5 - 0.2 / 3) / 2},
        {false, 2.0, 2.5, (4.0 / 3 + 1.5) / 2, -0.35, (-0.2 / 3 + 0.15) / 2},
        {false, 3.0, 4.0, 1.5, -0.2, 0.15},
        {false, -1e-9, 0.0, 0.0, 0.0, 0.0},
        {false, 3.0 + 1e-9, 4.0, 0.0, -0.2, 0.0},
        {false, -5.0, 0.0, 0.0, 0.0, 0.0},
        {false, 1e12, 4.0, 0.0, -0.2, 0.0},
        /* around the seam: (1 + 3) m in 3 s; the knee's jump from -.2 to 0 there is no motion, so (-.5 + .3)
         * rad in 3 s */
        {true, 0.0, 0.0, 4.0 / 3, 0.0, -0.2 / 3},
        {true, 0.5, 0.5, 4.0 / 3, -0.25, -0.2 / 3},
        {true, 3.0, 4.0, 4.0 / 3, 0.0, -0.2 / 3},
        {true, 3.5, 4.5, 4.0 / 3, -0.25, -0.2 / 3},
        {true, 3.0 * 7 + 2.0, 4.0 * 7 + 2.5, 4.0 / 3, -0.35, -0.2 / 3},
        {true, -1e-300, 0.0, 4.0 / 3, 0.0, -0.2 / 3}, /* rounds to the seam: the next cycle's first frame */
        {true, -1.0, -4.0 + 2.5, 4.0 / 3, -0.35, -0.2 / 3},
        {true, -3.0 * 5 + 1.0, -4.0 * 5 + 1.0, 4.0 / 3, -0.5, -0.2 / 3},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ami_clip *clip = create(3, time, pose, rows[i].loop);
        ami_clip_sample(clip, rows[i].t, p, v);
        assert_near(p[0], rows[i].x, 1e-14 * fmax(1.0, fabs(rows[i].t)), "x of row", (int)i);
        assert_near(v[0], rows[i].vx, 1e-14, "speed of row", (int)i);
        assert_near(p[19], rows[i].knee, 1e-14, "knee of row", (int)i);
        assert_near(v[15], rows[i].vknee, 1e-14, "knee speed of row", (int)i);
        double alone[AMI_POSE], alone_vel[AMI_VEL];
        ami_clip_sample(clip, rows[i].t, alone, NULL);
        ami_clip_sample(clip, rows[i].t, NULL, alone_vel);
        assert_memory_equal(alone, p, sizeof alone);
        assert_memory_equal(alone_vel, v, sizeof alone_vel);
        double offset[3];
        ami_clip_cycle_offset(clip, offset);
        assert_all_near(offset, (const double[3]){rows[i].loop ? 4.0 : 0.0, 0, 0}, 3, 0.0, "cycle offset");
        assert_int_equal(ami_clip_frames(clip), 3);
        assert_true(ami_clip_duration(clip) == 3.0);
        assert_true(ami_clip_loops(clip) == rows[i].loop);
        assert_string_equal(ami_clip_name(clip), "test");
        ami_clip_destroy(clip);
    }
}

static void phase_is_within_its_bounds(void **state)
{
    (void)state;
    const double time[2] = {0.0, 1.7};
    double pose[2 * AMI_POSE];
    pose_at_rest(pose);
    pose_at_rest(pose + AMI_POSE);
    ami_clip *loop = create(2, time, pose, true), *once = create(2, time, pose, false);
    const double below_one = nextafter(1.0, 0.0);
    assert_true(ami_clip_phase(loop, 0.0) == 0.0);
    assert_near(ami_clip_phase(loop, 0.85), 0.5, 1e-15, "phase", 0);
    assert_near(ami_clip_phase(loop, 1.7 * 3 + 0.17), 0.1, 1e-14, "phase", 1);
    assert_near(ami_clip_phase(loop, -0.17), 0.9, 1e-15, "phase", 2);
    assert_near(ami_clip_phase(loop, -1.7 * 4 - 0.17), 0.9, 1e-14, "phase", 3);
    assert_true(ami_clip_phase(loop, 1.7) == 0.0);
    assert_true(ami_clip_phase(loop, -1e-300) == 0.0);
    assert_true(ami_clip_phase(once, -3.0) == 0.0);
    assert_near(ami_clip_phase(once, 0.17), 0.1, 1e-15, "phase", 4);
    assert_true(ami_clip_phase(once, 1.7) == below_one);
    assert_true(ami_clip_phase(once, 50.0) == below_one);
    ami_rng rng = ami_rng_seed(7, 0);
    for (int n = 0; n < 100000; n++) {
        double t = 1.7 * ((int)ami_rng_below(&rng, 2000) - 1000); /* at seams and a few roundings off them */
        for (uint32_t k = ami_rng_below(&rng, 4); k > 0; k--) {
            t = nextafter(t, n % 2 ? INFINITY : -INFINITY);
        }
        const double phase = ami_clip_phase(loop, t);
        assert_true(phase >= 0.0 && phase < 1.0);
        double p[AMI_POSE], v[AMI_VEL];
        ami_clip_sample(loop, t, p, v);
        assert_near(p[2], 0.9, 1e-15, "height", n);
    }
    ami_clip_destroy(loop);
    ami_clip_destroy(once);
}

static void bad_clips_are_refused_by_name(void **state)
{
    (void)state;
    const struct {
        int index; /* of the pose in frame 2 */
        double value;
        const char *says;
    } rows[] = {
        {0, NAN, "frame 2: root position holds nan"},
        {19, INFINITY, "frame 2: right_knee holds inf"},
        {12, -INFINITY, "frame 2: neck holds -inf"},
        {0, 2e4, "frame 2: the root is at (20000, 0) m"},
        {2, -101.0, "frame 2: the root's height is -101 m"},
        {7, 0.0, "frame 2: the quaternion chest has length 0, expected 0.5 to 1.5"},
        {15, 0.4, "frame 2: the quaternion right_hip has length 0.4"},
        {38, -1.6, "frame 2: the quaternion left_shoulder has length 1.6"},
        {3, 1e200, "frame 2: the quaternion root rotation has length inf"},
        {42, 6.4, "frame 2: the angle left_elbow is 6.4 rad"},
        {33, -6.4, "frame 2: the angle left_knee is -6.4 rad"},
    };
    double time[4] = {0.0, 0.1, 0.2, 0.3}, pose[4 * AMI_POSE];
    for (int f = 0; f < 4; f++) {
        pose_at_rest(pose + f * AMI_POSE);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ami_error err = {""};
        double *value = &pose[2 * AMI_POSE + rows[i].index], kept = *value;
        *value = rows[i].value;
        assert_null(ami_clip_create(4, time, pose, true, "bad", &err));
        if (!strstr(err.text, rows[i].says)) {
            fail_msg("\"%s\" does not say \"%s\"", err.text, rows[i].says);
        }
        assert_null(ami_clip_create(4, time, pose, true, "bad", NULL)); /* nobody listens */
        *value = kept;
    }
    ami_error err = {""};
    assert_null(ami_clip_create(1, time, pose, false, "bad", &err));
    assert_string_equal(err.text, "1 frame, expected 2 to 100000");
    assert_null(ami_clip_create(-4, time, pose, false, "bad", &err));
    assert_null(ami_clip_create(AMI_CLIP_MAX_FRAMES + 1, time, pose, false, "bad", &err));
    assert_string_equal(err.text, "100001 frames, expected 2 to 100000");
    static const double times[][4] = {{0.1, 0.2, 0.3, 0.4}, {0.0, 0.1, 0.1, 0.3},      {0.0, 0.2, 0.1, 0.3},
                                      {0.0, 0.1, NAN, 0.3}, {0.0, 0.1, 0.2, INFINITY}, {0.0, 1e-9, 0.2, 0.3},
                                      {NAN, 0.1, 0.2, 0.3}, {0.0, 0.1, 0.2, 1e7}};
    static const int frame[] = {0, 1, 1, 1, 2, 0, 0, 2};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char says[32];
        snprintf(says, sizeof says, "frame %d: the ", frame[i]);
        assert_null(ami_clip_create(4, times[i], pose, false, "bad", &err));
        if (strncmp(err.text, says, strlen(says)) != 0) {
            fail_msg("times %zu: \"%s\" does not begin with \"%s\"", i, err.text, says);
        }
    }
    ami_clip_destroy(NULL);
}

static void the_joint_table_tiles_pose_and_velocity(void **state)
{
    (void)state;
    int pose = 7, vel = 6;
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        assert_int_equal(ami_clip_joints[j].pose, pose);
        assert_int_equal(ami_clip_joints[j].vel, vel);
        pose += ami_clip_joints[j].ball ? 4 : 1;
        vel += ami_clip_joints[j].ball ? 3 : 1;
    }
    assert_int_equal(pose, AMI_POSE);
    assert_int_equal(vel, AMI_VEL);
}

/* A cycle of `frames` frames that depends on `seed`. */
static void some_motion(int frames, uint64_t seed, double *time, double *pose)
{
    ami_rng rng = ami_rng_seed(seed, 1);
    for (int f = 0; f < frames; f++) {
        time[f] = f == 0 ? 0 : time[f - 1] + ami_rng_range(&rng, .02, .05);
        double *p = pose + f * AMI_POSE;
        pose_at_rest(p);
        p[0] = .1 * f;
        for (int k = 0; k < 9; k++)
            random_quat(&rng, p + quat_at(k));
        for (int k = 0; k < 4; k++)
            p[hinge_at[k]] = ami_rng_range(&rng, -2, 2);
    }
}

static void a_clip_can_be_refilled(void **unused)
{
    (void)unused;
    enum { ROOM = 40 };
    double time[ROOM + 1], pose[(ROOM + 1) * AMI_POSE];
    ami_error err = {""};
    ami_clip *clip = ami_clip_reserve(ROOM, "refilled", &err);
    assert_non_null(clip);
    assert_string_equal(ami_clip_name(clip), "refilled");
    assert_true(ami_clip_loops(clip) && ami_clip_duration(clip) == 1);
    double at[AMI_POSE], vel[AMI_VEL], want[AMI_POSE], want_vel[AMI_VEL];
    ami_clip_sample(clip, 12.3, at, vel);
    pose_at_rest(want);
    want[2] = 1;
    assert_all_near(at, want, AMI_POSE, 1e-12, "standing");
    static const int frames[] = {40, 2, 17, 40, 5};
    for (int n = 0; n < 5; n++) {
        some_motion(frames[n], (uint64_t)n, time, pose);
        const bool loop = n % 2 == 0;
        assert_true(ami_clip_refill(clip, frames[n], time, pose, loop, &err));
        ami_clip *fresh = ami_clip_create(frames[n], time, pose, loop, "fresh", &err);
        assert_non_null(fresh);
        assert_int_equal(ami_clip_frames(clip), frames[n]);
        assert_true(ami_clip_loops(clip) == loop && ami_clip_duration(clip) == ami_clip_duration(fresh));
        for (double t = -.5; t < 3; t += .083) {
            ami_clip_sample(clip, t, at, vel);
            ami_clip_sample(fresh, t, want, want_vel);
            assert_memory_equal(at, want, sizeof at);
            assert_memory_equal(vel, want_vel, sizeof vel);
        }
        assert_memory_equal(ami_clip_vels(clip), ami_clip_vels(fresh), (size_t)frames[n] * sizeof vel);
        ami_clip_destroy(fresh);
    }
    /* What is refused leaves it as it was. */
    ami_clip_sample(clip, .07, want, want_vel);
    some_motion(ROOM + 1, 9, time, pose);
    assert_false(ami_clip_refill(clip, ROOM + 1, time, pose, true, &err));
    assert_non_null(strstr(err.text, "41 frames, more than the 40"));
    pose[3 * AMI_POSE + 7] = NAN;
    assert_false(ami_clip_refill(clip, ROOM, time, pose, true, &err));
    assert_non_null(strstr(err.text, "frame 3: chest"));
    assert_false(ami_clip_refill(clip, ROOM, time, pose, true, NULL));
    ami_clip_sample(clip, .07, at, vel);
    assert_memory_equal(at, want, sizeof at);
    assert_int_equal(ami_clip_frames(clip), 5);
    ami_clip_destroy(clip);
    assert_null(ami_clip_reserve(1, "small", &err));
    assert_non_null(strstr(err.text, "room for 1 frames"));
    assert_null(ami_clip_reserve(AMI_CLIP_MAX_FRAMES + 1, "large", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(three_frames_by_hand),
        cmocka_unit_test(phase_is_within_its_bounds),
        cmocka_unit_test(bad_clips_are_refused_by_name),
        cmocka_unit_test(the_joint_table_tiles_pose_and_velocity),
        cmocka_unit_test(a_clip_can_be_refilled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
