/* Poses and velocities between frames: against constant rates, differences, a plain search, and across the
 * end of a loop's cycle. */
#include "tests/clips.h"

/* Where `start` is after t seconds of constant body-frame rates. */
static void advance(const double start[AMI_POSE], const double rate[AMI_VEL], double t, double pose[AMI_POSE])
{
    memcpy(pose, start, AMI_POSE * sizeof *pose);
    for (int i = 0; i < 3; i++) {
        pose[i] += rate[i] * t;
    }
    for (int k = 0; k < 9; k++) {
        double r[3], step[4];
        for (int i = 0; i < 3; i++) {
            r[i] = rate[quat_vel_at(k) + i] * t;
        }
        ami_quat_exp(step, r);
        ami_quat_mul(pose + quat_at(k), start + quat_at(k), step);
    }
    for (int k = 0; k < 4; k++) {
        pose[hinge_at[k]] += rate[hinge_vel_at[k]] * t;
    }
}

/* Everything moves at a constant rate, frames at uneven times: the velocity is that rate everywhere and the
 * pose is its integral. */
static void constant_rates_are_found_exactly(void **state)
{
    (void)state;
    enum { FRAMES = 40 };
    for (int looping = 0; looping < 2; looping++) {
        ami_rng rng = ami_rng_seed(4, (uint64_t)looping);
        double time[FRAMES], pose[FRAMES * AMI_POSE], start[AMI_POSE], rate[AMI_VEL];
        pose_at_rest(start);
        for (int k = 0; k < 9; k++) {
            random_quat(&rng, start + quat_at(k));
        }
        for (int i = 0; i < AMI_VEL; i++) {
            rate[i] = ami_rng_range(&rng, -2.0, 2.0);
        }
        for (int f = 0; f < FRAMES; f++) {
            time[f] = f == 0 ? 0.0 : time[f - 1] + ami_rng_range(&rng, 0.004, 0.1);
            advance(start, rate, time[f], pose + f * AMI_POSE);
        }
        ami_clip *clip = create(FRAMES, time, pose, looping);
        for (int n = 0; n < 200; n++) {
            const double t = ami_rng_range(&rng, 0.0, time[FRAMES - 1]);
            double got[AMI_POSE], vel[AMI_VEL], want[AMI_POSE];
            ami_clip_sample(clip, t, got, vel);
            advance(start, rate, t, want);
            for (int k = 0; k < 9; k++) {
                ami_quat_same_side(got + quat_at(k), want + quat_at(k));
            }
            assert_all_near(got, want, AMI_POSE, 1e-13, "pose");
            assert_all_near(vel, rate, AMI_VEL, 1e-11, "velocity");
        }
        ami_clip_destroy(clip);
    }
}

/* A body that stands and turns about the world's vertical turns about its own y axis. */
static void root_spin_is_in_the_body_frame(void **state)
{
    (void)state;
    double time[3] = {0.0, 0.1, 0.3}, pose[3 * AMI_POSE], vel[AMI_VEL], want[AMI_VEL] = {0};
    for (int f = 0; f < 3; f++) {
        double turn[4], *p = pose + f * AMI_POSE;
        pose_at_rest(p);
        ami_quat_about_z(turn, 1.5 * time[f]);
        ami_quat_mul(p + 3, turn, AMI_QUAT_Y_UP);
    }
    ami_clip *clip = create(3, time, pose, false);
    want[4] = 1.5;
    ami_clip_sample(clip, 0.17, NULL, vel);
    assert_all_near(vel, want, AMI_VEL, 1e-13, "velocity");
    ami_clip_destroy(clip);
}

/* A smooth walk-like loop of two seconds: everything swings as a sine of the phase, the root also advances.
 */
static void smooth_pose(double t, double pose[AMI_POSE])
{
    const double p = 2.0 * M_PI * t / 2.0;
    pose_at_rest(pose);
    pose[0] = 1.1 * t + 0.05 * sin(p);
    pose[1] = -0.3 * t + 0.03 * cos(p);
    pose[2] = 0.9 + 0.04 * sin(2.0 * p);
    for (int k = 0; k < 9; k++) {
        double swing[4];
        const double r[3] = {0.3 * sin(p + k), 0.5 * cos(p - 0.3 * k), 0.2 * k * sin(p)};
        ami_quat_exp(swing, r);
        ami_quat_mul(pose + quat_at(k), k == 0 ? AMI_QUAT_Y_UP : (const double[4]){1, 0, 0, 0}, swing);
    }
    for (int k = 0; k < 4; k++) {
        pose[hinge_at[k]] = sin(p + 0.5 * k) - 1.0;
    }
}

static ami_clip *smooth_loop(int frames, bool uneven)
{
    double *time = calloc((size_t)frames * (1 + AMI_POSE), sizeof *time), *pose = time + frames;
    assert_non_null(time);
    for (int f = 0; f < frames; f++) {
        const double u = (double)f / (frames - 1);
        time[f] = 2.0 * (uneven ? u + 0.1 * sin(2.0 * M_PI * u) : u);
        smooth_pose(time[f], pose + f * AMI_POSE);
    }
    time[frames - 1] = 2.0;
    ami_clip *clip = create(frames, time, pose, true);
    free(time);
    return clip;
}

/* Velocity from poses h apart, by differences. */
static void difference(const ami_clip *clip, double t, double h, double vel[AMI_VEL])
{
    double a[AMI_POSE], b[AMI_POSE];
    ami_clip_sample(clip, t - 0.5 * h, a, NULL);
    ami_clip_sample(clip, t + 0.5 * h, b, NULL);
    for (int i = 0; i < 3; i++) {
        vel[i] = (b[i] - a[i]) / h;
    }
    for (int k = 0; k < 9; k++) {
        double q[4];
        ami_quat_between(q, a + quat_at(k), b + quat_at(k));
        ami_quat_log(vel + quat_vel_at(k), q);
        for (int i = 0; i < 3; i++) {
            vel[quat_vel_at(k) + i] /= h;
        }
    }
    for (int k = 0; k < 4; k++) {
        vel[hinge_vel_at[k]] = (b[hinge_at[k]] - a[hinge_at[k]]) / h;
    }
}

static double worst_velocity_error(int frames, bool uneven)
{
    ami_clip *clip = smooth_loop(frames, uneven);
    ami_rng rng = ami_rng_seed(5, 0);
    double worst = 0.0;
    for (int n = 0; n < 300; n++) {
        double got[AMI_VEL], want[AMI_VEL];
        const double t = ami_rng_range(&rng, -7.0, 9.0);
        difference(clip, t, 2.0 / (frames - 1), want);
        ami_clip_sample(clip, t, NULL, got);
        for (int i = 0; i < AMI_VEL; i++) {
            worst = fmax(worst, fabs(got[i] - want[i]));
        }
    }
    ami_clip_destroy(clip);
    return worst;
}

/* Sampled velocities are the derivative of sampled poses: the error falls as frames get closer, by the square
 * where they are even. */
static void velocity_is_the_derivative_of_the_pose(void **state)
{
    (void)state;
    const double coarse = worst_velocity_error(61, false), fine = worst_velocity_error(601, false);
    assert_true(coarse < 0.05);
    assert_true(fine < 0.015 * coarse);
    const double uneven = worst_velocity_error(61, true), uneven_fine = worst_velocity_error(601, true);
    assert_true(uneven < 0.2);
    assert_true(uneven_fine < 0.15 * uneven);
}

static void a_loop_has_no_seam(void **state)
{
    (void)state;
    for (int uneven = 0; uneven < 2; uneven++) {
        ami_clip *clip = smooth_loop(61, uneven);
        for (int cycle = -4; cycle <= 4; cycle++) {
            double before[AMI_POSE], after[AMI_POSE], before_vel[AMI_VEL], after_vel[AMI_VEL];
            ami_clip_sample(clip, 2.0 * cycle - 1e-9, before, before_vel);
            ami_clip_sample(clip, 2.0 * cycle + 1e-9, after, after_vel);
            for (int k = 0; k < 9; k++) {
                ami_quat_same_side(before + quat_at(k), after + quat_at(k));
            }
            assert_all_near(before, after, AMI_POSE, 2e-8, "pose at the seam");
            assert_all_near(before_vel, after_vel, AMI_VEL, 2e-7, "velocity at the seam");
        }
        /* the same motion each cycle, moved by the offset: 2 s of (1.1, -.3) m/s */
        double offset[3];
        ami_clip_cycle_offset(clip, offset);
        assert_all_near(offset, (const double[3]){2.2, -0.6, 0.0}, 3, 1e-14, "cycle offset");
        for (int cycle = -5; cycle <= 5; cycle++) {
            for (double t = 0.01; t < 2.0; t += 0.13) {
                double here[AMI_POSE], there[AMI_POSE], here_vel[AMI_VEL], there_vel[AMI_VEL];
                ami_clip_sample(clip, t, here, here_vel);
                ami_clip_sample(clip, t + 2.0 * cycle, there, there_vel);
                here[0] += 2.2 * cycle;
                here[1] -= 0.6 * cycle;
                assert_all_near(there, here, AMI_POSE, 1e-13, "pose, cycles later");
                assert_all_near(there_vel, here_vel, AMI_VEL, 1e-12, "velocity, cycles later");
            }
        }
        ami_clip_destroy(clip);
    }
}

/* Look-up by guess and bisection against a plain walk through the frames, on very uneven times, with signs
 * and lengths of the input's quaternions as they come. */
static void sampling_agrees_with_a_plain_search(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(6, 0);
    for (int round = 0; round < 40; round++) {
        const int frames = 2 + (int)ami_rng_below(&rng, MOST - 2);
        double time[MOST], pose[MOST * AMI_POSE];
        for (int f = 0; f < frames; f++) {
            double *p = pose + f * AMI_POSE;
            time[f] = f == 0 ? 0.0 : time[f - 1] + pow(10.0, ami_rng_range(&rng, -4.5, 0.0));
            for (int i = 0; i < AMI_POSE; i++) {
                p[i] = ami_rng_range(&rng, -1.0, 1.0);
            }
            for (int k = 0; k < 9; k++) {
                random_quat(&rng, p + quat_at(k));
                const double length = ami_rng_range(&rng, 0.6, 1.4);
                for (int i = 0; i < 4; i++) {
                    p[quat_at(k) + i] *= length;
                }
            }
        }
        ami_clip *clip = create(frames, time, pose, false);
        const double *unit = ami_clip_poses(clip);
        for (int n = 0; n < 200; n++) {
            double got[AMI_POSE];
            /* at frames, too, where an interval ends */
            const double t = n < frames ? time[n] : ami_rng_range(&rng, 0.0, time[frames - 1]);
            ami_clip_sample(clip, t, got, NULL);
            int i = 0;
            while (i < frames - 2 && time[i + 1] <= t) {
                i++;
            }
            const double u = (t - time[i]) / (time[i + 1] - time[i]), *a = unit + i * AMI_POSE,
                         *b = a + AMI_POSE;
            const double *raw = pose + i * AMI_POSE;
            for (int k = 0; k < 9; k++) {
                const int at = quat_at(k);
                double q[4], r[3], step[4], want[4];
                assert_true(ami_quat_dot(a + at, b + at) >= 0.0);
                assert_near(sqrt(ami_quat_dot(a + at, a + at)), 1.0, 1e-15, "length", at);
                assert_true(ami_quat_angle(a + at, raw + at) < 1e-15 * 4); /* the same rotation as given */
                ami_quat_between(q, a + at, b + at);
                ami_quat_log(r, q);
                for (int c = 0; c < 3; c++) {
                    r[c] *= u;
                }
                ami_quat_exp(step, r);
                ami_quat_mul(want, a + at, step);
                assert_all_near(got + at, want, 4, 1e-14, "quaternion");
            }
            for (int c = 0; c < 7; c++) {
                const int at = c < 3 ? c : hinge_at[c - 3];
                assert_near(got[at], (1.0 - u) * a[at] + u * b[at], 1e-15 * 4, "position or hinge", at);
            }
        }
        ami_clip_destroy(clip);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(constant_rates_are_found_exactly),
        cmocka_unit_test(root_spin_is_in_the_body_frame),
        cmocka_unit_test(velocity_is_the_derivative_of_the_pose),
        cmocka_unit_test(a_loop_has_no_seam),
        cmocka_unit_test(sampling_agrees_with_a_plain_search),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
