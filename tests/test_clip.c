/* Clips in memory and the rotations under them, against values worked out by hand or by another formula. */
#include "base/rng.h"
#include "sim/clip.h"
#include "sim/rotation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST = 64 };

static void assert_near(double got, double want, double tolerance, const char *what, int index)
{
    if (!(fabs(got - want) <= tolerance)) {
        fail_msg("%s[%d] is %.17g, expected %.17g, off by %.3g (allowed %.3g)", what, index, got, want, fabs(got - want), tolerance);
    }
}

static void assert_all_near(const double *got, const double *want, int n, double tolerance, const char *what)
{
    for (int i = 0; i < n; i++) {
        assert_near(got[i], want[i], tolerance, what, i);
    }
}

/* The first quaternion of each: root, then the balls. */
static int quat_at(int k)
{
    static const int at[9] = {3, 7, 11, 15, 20, 24, 29, 34, 38};
    return at[k];
}

static int quat_vel_at(int k)
{
    static const int at[9] = {3, 6, 9, 12, 16, 19, 23, 27, 30};
    return at[k];
}

static const int hinge_at[4] = {19, 28, 33, 42}, hinge_vel_at[4] = {15, 22, 26, 33};

static void pose_at_rest(double pose[AMB_POSE])
{
    memset(pose, 0, AMB_POSE * sizeof *pose);
    pose[2] = 0.9;
    for (int k = 0; k < 9; k++) {
        pose[quat_at(k)] = 1.0;
    }
    memcpy(pose + 3, AMB_QUAT_Y_UP, 4 * sizeof *pose);
}

static void random_vector(amb_rng *rng, double out[3], double length)
{
    for (int i = 0; i < 3; i++) {
        out[i] = amb_rng_normal(rng);
    }
    const double scale = length / sqrt(out[0] * out[0] + out[1] * out[1] + out[2] * out[2]);
    for (int i = 0; i < 3; i++) {
        out[i] *= scale;
    }
}

static void random_quat(amb_rng *rng, double out[4])
{
    for (int i = 0; i < 4; i++) {
        out[i] = amb_rng_normal(rng);
    }
    amb_quat_normalize(out);
}

static amb_clip *create(int frames, const double *time, const double *pose, bool loop)
{
    amb_error err = {""};
    amb_clip *clip = amb_clip_create(frames, time, pose, loop, "test", &err);
    if (!clip) {
        fail_msg("%s", err.text);
    }
    return clip;
}

/* Rotation matrix by Rodrigues' formula, I + sin a K + (1 - cos a) K K. */
static void matrix_of_vector(double m[3][3], const double r[3])
{
    const double a = sqrt(r[0] * r[0] + r[1] * r[1] + r[2] * r[2]);
    const double k[3] = {r[0] / a, r[1] / a, r[2] / a};
    const double cross[3][3] = {{0, -k[2], k[1]}, {k[2], 0, -k[0]}, {-k[1], k[0], 0}};
    for (int i = 0; i < 3; i++) {
        for (int j = 0; j < 3; j++) {
            double kk = 0.0;
            for (int l = 0; l < 3; l++) {
                kk += cross[i][l] * cross[l][j];
            }
            m[i][j] = (i == j) + sin(a) * cross[i][j] + (1.0 - cos(a)) * kk;
        }
    }
}

static void rotating_a_vector_is_the_matrix_product(void **state)
{
    (void)state;
    amb_rng rng = amb_rng_seed(1, 0);
    for (int n = 0; n < 500; n++) {
        double r[2][3], v[3], q[2][4], m[2][3][3], got[3], want[3], both[4];
        for (int k = 0; k < 2; k++) {
            random_vector(&rng, r[k], amb_rng_range(&rng, 1e-3, 6.0));
            amb_quat_exp(q[k], r[k]);
            matrix_of_vector(m[k], r[k]);
        }
        random_vector(&rng, v, 3.0);
        for (int i = 0; i < 3; i++) {
            want[i] = m[0][i][0] * v[0] + m[0][i][1] * v[1] + m[0][i][2] * v[2];
        }
        amb_quat_rotate(got, q[0], v);
        assert_all_near(got, want, 3, 1e-14, "rotated");
        amb_quat_unrotate(got, q[0], got);
        assert_all_near(got, v, 3, 1e-14, "rotated back");
        /* the product turns by the right one first */
        double first[3], second[3];
        for (int i = 0; i < 3; i++) {
            first[i] = m[1][i][0] * v[0] + m[1][i][1] * v[1] + m[1][i][2] * v[2];
        }
        for (int i = 0; i < 3; i++) {
            second[i] = m[0][i][0] * first[0] + m[0][i][1] * first[1] + m[0][i][2] * first[2];
        }
        amb_quat_mul(both, q[0], q[1]);
        amb_quat_rotate(got, both, v);
        assert_all_near(got, second, 3, 2e-14, "rotated twice");
    }
}

static void log_undoes_exp_at_every_size(void **state)
{
    (void)state;
    amb_rng rng = amb_rng_seed(2, 0);
    for (double size = 1e-150; size < M_PI; size *= size < 1e-8 ? 1e9 : 1.03) {
        double r[3], q[4], back[3], other[4] = {1, 0, 0, 0};
        random_vector(&rng, r, size);
        amb_quat_exp(q, r);
        amb_quat_log(back, q);
        assert_all_near(back, r, 3, 4e-15 * size / fmax(M_PI - size, 0.05), "log");
        assert_near(amb_quat_dot(q, q), 1.0, 1e-15, "squared length of exp", 0);
        assert_near(amb_quat_angle(other, q), size, 4e-15 * size, "angle", 0);
        for (int i = 0; i < 4; i++) {
            q[i] = -q[i];
        }
        amb_quat_log(back, q); /* the same rotation */
        assert_all_near(back, r, 3, 4e-15 * size / fmax(M_PI - size, 0.05), "log of the negated");
    }
}

static void slerp_moves_at_constant_speed(void **state)
{
    (void)state;
    amb_rng rng = amb_rng_seed(3, 0);
    for (double size = 1e-12; size < 3.1; size *= size < 1e-3 ? 10.0 : 1.01) { /* across the switch from series to sine, too */
        double a[4], b[4], r[3], step[4], part[3], want[4], got[4];
        random_quat(&rng, a);
        random_vector(&rng, r, size);
        amb_quat_exp(step, r);
        amb_quat_mul(b, a, step);
        for (int k = 0; k <= 8; k++) {
            const double u = k / 8.0;
            for (int i = 0; i < 3; i++) {
                part[i] = u * r[i];
            }
            amb_quat_exp(step, part);
            amb_quat_mul(want, a, step);
            amb_quat_slerp(got, a, b, u);
            assert_all_near(got, want, 4, 2e-15, "slerp");
            const double minus[4] = {-b[0], -b[1], -b[2], -b[3]};
            amb_quat_slerp(got, a, minus, u); /* the shorter arc, whatever the sign */
            assert_all_near(got, want, 4, 2e-15, "slerp to the negated");
        }
    }
}

static void heading_is_where_forward_points(void **state)
{
    (void)state;
    for (double angle = -3.1; angle < 3.1; angle += 0.1) {
        double turn[4], q[4];
        amb_quat_about_z(turn, angle);
        amb_quat_mul(q, turn, AMB_QUAT_Y_UP);
        assert_near(amb_quat_heading(q), angle, 1e-14, "heading", 0);
    }
    const double up[3] = {0, 1, 0}, right[3] = {0, 0, 1}, x[3] = {1, 0, 0};
    double got[3];
    amb_quat_rotate(got, AMB_QUAT_Y_UP, up); /* the body's y is the world's z */
    assert_all_near(got, (const double[3]){0, 0, 1}, 3, 1e-15, "up");
    amb_quat_rotate(got, AMB_QUAT_Y_UP, right);
    assert_all_near(got, (const double[3]){0, -1, 0}, 3, 1e-15, "right");
    amb_quat_rotate(got, AMB_QUAT_Y_UP, x);
    assert_all_near(got, x, 3, 1e-15, "forward");
}

/* Where `start` is after t seconds of constant body-frame rates. */
static void advance(const double start[AMB_POSE], const double rate[AMB_VEL], double t, double pose[AMB_POSE])
{
    memcpy(pose, start, AMB_POSE * sizeof *pose);
    for (int i = 0; i < 3; i++) {
        pose[i] += rate[i] * t;
    }
    for (int k = 0; k < 9; k++) {
        double r[3], step[4];
        for (int i = 0; i < 3; i++) {
            r[i] = rate[quat_vel_at(k) + i] * t;
        }
        amb_quat_exp(step, r);
        amb_quat_mul(pose + quat_at(k), start + quat_at(k), step);
    }
    for (int k = 0; k < 4; k++) {
        pose[hinge_at[k]] += rate[hinge_vel_at[k]] * t;
    }
}

/* Everything moves at a constant rate, frames at uneven times: the velocity is that rate everywhere and the pose is its integral. */
static void constant_rates_are_found_exactly(void **state)
{
    (void)state;
    enum { FRAMES = 40 };
    for (int looping = 0; looping < 2; looping++) {
        amb_rng rng = amb_rng_seed(4, (uint64_t)looping);
        double time[FRAMES], pose[FRAMES * AMB_POSE], start[AMB_POSE], rate[AMB_VEL];
        pose_at_rest(start);
        for (int k = 0; k < 9; k++) {
            random_quat(&rng, start + quat_at(k));
        }
        for (int i = 0; i < AMB_VEL; i++) {
            rate[i] = amb_rng_range(&rng, -2.0, 2.0);
        }
        for (int f = 0; f < FRAMES; f++) {
            time[f] = f == 0 ? 0.0 : time[f - 1] + amb_rng_range(&rng, 0.004, 0.1);
            advance(start, rate, time[f], pose + f * AMB_POSE);
        }
        amb_clip *clip = create(FRAMES, time, pose, looping);
        for (int n = 0; n < 200; n++) {
            const double t = amb_rng_range(&rng, 0.0, time[FRAMES - 1]);
            double got[AMB_POSE], vel[AMB_VEL], want[AMB_POSE];
            amb_clip_sample(clip, t, got, vel);
            advance(start, rate, t, want);
            for (int k = 0; k < 9; k++) {
                amb_quat_same_side(got + quat_at(k), want + quat_at(k));
            }
            assert_all_near(got, want, AMB_POSE, 1e-13, "pose");
            assert_all_near(vel, rate, AMB_VEL, 1e-11, "velocity");
        }
        amb_clip_destroy(clip);
    }
}

/* A body that stands and turns about the world's vertical turns about its own y axis. */
static void root_spin_is_in_the_body_frame(void **state)
{
    (void)state;
    double time[3] = {0.0, 0.1, 0.3}, pose[3 * AMB_POSE], vel[AMB_VEL], want[AMB_VEL] = {0};
    for (int f = 0; f < 3; f++) {
        double turn[4], *p = pose + f * AMB_POSE;
        pose_at_rest(p);
        amb_quat_about_z(turn, 1.5 * time[f]);
        amb_quat_mul(p + 3, turn, AMB_QUAT_Y_UP);
    }
    amb_clip *clip = create(3, time, pose, false);
    want[4] = 1.5;
    amb_clip_sample(clip, 0.17, NULL, vel);
    assert_all_near(vel, want, AMB_VEL, 1e-13, "velocity");
    amb_clip_destroy(clip);
}

/* Three frames, worked out on paper: x = 0, 1, 4 m and right knee 0, -.5, -.2 rad at 0, 1, 3 s. */
static void three_frames_by_hand(void **state)
{
    (void)state;
    const double time[3] = {0.0, 1.0, 3.0}, x[3] = {0.0, 1.0, 4.0}, knee[3] = {0.0, -0.5, -0.2};
    double pose[3 * AMB_POSE], p[AMB_POSE], v[AMB_VEL];
    for (int f = 0; f < 3; f++) {
        pose_at_rest(pose + f * AMB_POSE);
        pose[f * AMB_POSE] = x[f];
        pose[f * AMB_POSE + 19] = knee[f];
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
        /* around the seam: (1 + 3) m in 3 s; the knee's jump from -.2 to 0 there is no motion, so (-.5 + .3) rad in 3 s */
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
        amb_clip *clip = create(3, time, pose, rows[i].loop);
        amb_clip_sample(clip, rows[i].t, p, v);
        assert_near(p[0], rows[i].x, 1e-14 * fmax(1.0, fabs(rows[i].t)), "x of row", (int)i);
        assert_near(v[0], rows[i].vx, 1e-14, "speed of row", (int)i);
        assert_near(p[19], rows[i].knee, 1e-14, "knee of row", (int)i);
        assert_near(v[15], rows[i].vknee, 1e-14, "knee speed of row", (int)i);
        double alone[AMB_POSE], alone_vel[AMB_VEL];
        amb_clip_sample(clip, rows[i].t, alone, NULL);
        amb_clip_sample(clip, rows[i].t, NULL, alone_vel);
        assert_memory_equal(alone, p, sizeof alone);
        assert_memory_equal(alone_vel, v, sizeof alone_vel);
        double offset[3];
        amb_clip_cycle_offset(clip, offset);
        assert_all_near(offset, (const double[3]){rows[i].loop ? 4.0 : 0.0, 0, 0}, 3, 0.0, "cycle offset");
        assert_int_equal(amb_clip_frames(clip), 3);
        assert_true(amb_clip_duration(clip) == 3.0);
        assert_true(amb_clip_loops(clip) == rows[i].loop);
        assert_string_equal(amb_clip_name(clip), "test");
        amb_clip_destroy(clip);
    }
}

/* A smooth walk-like loop of two seconds: everything swings as a sine of the phase, the root also advances. */
static void smooth_pose(double t, double pose[AMB_POSE])
{
    const double p = 2.0 * M_PI * t / 2.0;
    pose_at_rest(pose);
    pose[0] = 1.1 * t + 0.05 * sin(p);
    pose[1] = -0.3 * t + 0.03 * cos(p);
    pose[2] = 0.9 + 0.04 * sin(2.0 * p);
    for (int k = 0; k < 9; k++) {
        double swing[4];
        const double r[3] = {0.3 * sin(p + k), 0.5 * cos(p - 0.3 * k), 0.2 * k * sin(p)};
        amb_quat_exp(swing, r);
        amb_quat_mul(pose + quat_at(k), k == 0 ? AMB_QUAT_Y_UP : (const double[4]){1, 0, 0, 0}, swing);
    }
    for (int k = 0; k < 4; k++) {
        pose[hinge_at[k]] = sin(p + 0.5 * k) - 1.0;
    }
}

static amb_clip *smooth_loop(int frames, bool uneven)
{
    double *time = calloc((size_t)frames * (1 + AMB_POSE), sizeof *time), *pose = time + frames;
    assert_non_null(time);
    for (int f = 0; f < frames; f++) {
        const double u = (double)f / (frames - 1);
        time[f] = 2.0 * (uneven ? u + 0.1 * sin(2.0 * M_PI * u) : u);
        smooth_pose(time[f], pose + f * AMB_POSE);
    }
    time[frames - 1] = 2.0;
    amb_clip *clip = create(frames, time, pose, true);
    free(time);
    return clip;
}

/* Velocity from poses h apart, by differences. */
static void difference(const amb_clip *clip, double t, double h, double vel[AMB_VEL])
{
    double a[AMB_POSE], b[AMB_POSE];
    amb_clip_sample(clip, t - 0.5 * h, a, NULL);
    amb_clip_sample(clip, t + 0.5 * h, b, NULL);
    for (int i = 0; i < 3; i++) {
        vel[i] = (b[i] - a[i]) / h;
    }
    for (int k = 0; k < 9; k++) {
        double q[4];
        amb_quat_between(q, a + quat_at(k), b + quat_at(k));
        amb_quat_log(vel + quat_vel_at(k), q);
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
    amb_clip *clip = smooth_loop(frames, uneven);
    amb_rng rng = amb_rng_seed(5, 0);
    double worst = 0.0;
    for (int n = 0; n < 300; n++) {
        double got[AMB_VEL], want[AMB_VEL];
        const double t = amb_rng_range(&rng, -7.0, 9.0);
        difference(clip, t, 2.0 / (frames - 1), want);
        amb_clip_sample(clip, t, NULL, got);
        for (int i = 0; i < AMB_VEL; i++) {
            worst = fmax(worst, fabs(got[i] - want[i]));
        }
    }
    amb_clip_destroy(clip);
    return worst;
}

/* Sampled velocities are the derivative of sampled poses: the error falls as frames get closer, by the square where they are even. */
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
        amb_clip *clip = smooth_loop(61, uneven);
        for (int cycle = -4; cycle <= 4; cycle++) {
            double before[AMB_POSE], after[AMB_POSE], before_vel[AMB_VEL], after_vel[AMB_VEL];
            amb_clip_sample(clip, 2.0 * cycle - 1e-9, before, before_vel);
            amb_clip_sample(clip, 2.0 * cycle + 1e-9, after, after_vel);
            for (int k = 0; k < 9; k++) {
                amb_quat_same_side(before + quat_at(k), after + quat_at(k));
            }
            assert_all_near(before, after, AMB_POSE, 2e-8, "pose at the seam");
            assert_all_near(before_vel, after_vel, AMB_VEL, 2e-7, "velocity at the seam");
        }
        /* the same motion each cycle, moved by the offset: 2 s of (1.1, -.3) m/s */
        double offset[3];
        amb_clip_cycle_offset(clip, offset);
        assert_all_near(offset, (const double[3]){2.2, -0.6, 0.0}, 3, 1e-14, "cycle offset");
        for (int cycle = -5; cycle <= 5; cycle++) {
            for (double t = 0.01; t < 2.0; t += 0.13) {
                double here[AMB_POSE], there[AMB_POSE], here_vel[AMB_VEL], there_vel[AMB_VEL];
                amb_clip_sample(clip, t, here, here_vel);
                amb_clip_sample(clip, t + 2.0 * cycle, there, there_vel);
                here[0] += 2.2 * cycle;
                here[1] -= 0.6 * cycle;
                assert_all_near(there, here, AMB_POSE, 1e-13, "pose, cycles later");
                assert_all_near(there_vel, here_vel, AMB_VEL, 1e-12, "velocity, cycles later");
            }
        }
        amb_clip_destroy(clip);
    }
}

/* Look-up by guess and bisection against a plain walk through the frames, on very uneven times, with signs and lengths of the input's
 * quaternions as they come. */
static void sampling_agrees_with_a_plain_search(void **state)
{
    (void)state;
    amb_rng rng = amb_rng_seed(6, 0);
    for (int round = 0; round < 40; round++) {
        const int frames = 2 + (int)amb_rng_below(&rng, MOST - 2);
        double time[MOST], pose[MOST * AMB_POSE];
        for (int f = 0; f < frames; f++) {
            double *p = pose + f * AMB_POSE;
            time[f] = f == 0 ? 0.0 : time[f - 1] + pow(10.0, amb_rng_range(&rng, -4.5, 0.0));
            for (int i = 0; i < AMB_POSE; i++) {
                p[i] = amb_rng_range(&rng, -1.0, 1.0);
            }
            for (int k = 0; k < 9; k++) {
                random_quat(&rng, p + quat_at(k));
                const double length = amb_rng_range(&rng, 0.6, 1.4);
                for (int i = 0; i < 4; i++) {
                    p[quat_at(k) + i] *= length;
                }
            }
        }
        amb_clip *clip = create(frames, time, pose, false);
        const double *unit = amb_clip_poses(clip);
        for (int n = 0; n < 200; n++) {
            double got[AMB_POSE];
            /* at frames, too, where an interval ends */
            const double t = n < frames ? time[n] : amb_rng_range(&rng, 0.0, time[frames - 1]);
            amb_clip_sample(clip, t, got, NULL);
            int i = 0;
            while (i < frames - 2 && time[i + 1] <= t) {
                i++;
            }
            const double u = (t - time[i]) / (time[i + 1] - time[i]), *a = unit + i * AMB_POSE, *b = a + AMB_POSE;
            const double *raw = pose + i * AMB_POSE;
            for (int k = 0; k < 9; k++) {
                const int at = quat_at(k);
                double q[4], r[3], step[4], want[4];
                assert_true(amb_quat_dot(a + at, b + at) >= 0.0);
                assert_near(sqrt(amb_quat_dot(a + at, a + at)), 1.0, 1e-15, "length", at);
                assert_true(amb_quat_angle(a + at, raw + at) < 1e-15 * 4); /* the same rotation as given */
                amb_quat_between(q, a + at, b + at);
                amb_quat_log(r, q);
                for (int c = 0; c < 3; c++) {
                    r[c] *= u;
                }
                amb_quat_exp(step, r);
                amb_quat_mul(want, a + at, step);
                assert_all_near(got + at, want, 4, 1e-14, "quaternion");
            }
            for (int c = 0; c < 7; c++) {
                const int at = c < 3 ? c : hinge_at[c - 3];
                assert_near(got[at], (1.0 - u) * a[at] + u * b[at], 1e-15 * 4, "position or hinge", at);
            }
        }
        amb_clip_destroy(clip);
    }
}

static void phase_is_within_its_bounds(void **state)
{
    (void)state;
    const double time[2] = {0.0, 1.7};
    double pose[2 * AMB_POSE];
    pose_at_rest(pose);
    pose_at_rest(pose + AMB_POSE);
    amb_clip *loop = create(2, time, pose, true), *once = create(2, time, pose, false);
    const double below_one = nextafter(1.0, 0.0);
    assert_true(amb_clip_phase(loop, 0.0) == 0.0);
    assert_near(amb_clip_phase(loop, 0.85), 0.5, 1e-15, "phase", 0);
    assert_near(amb_clip_phase(loop, 1.7 * 3 + 0.17), 0.1, 1e-14, "phase", 1);
    assert_near(amb_clip_phase(loop, -0.17), 0.9, 1e-15, "phase", 2);
    assert_near(amb_clip_phase(loop, -1.7 * 4 - 0.17), 0.9, 1e-14, "phase", 3);
    assert_true(amb_clip_phase(loop, 1.7) == 0.0);
    assert_true(amb_clip_phase(loop, -1e-300) == 0.0);
    assert_true(amb_clip_phase(once, -3.0) == 0.0);
    assert_near(amb_clip_phase(once, 0.17), 0.1, 1e-15, "phase", 4);
    assert_true(amb_clip_phase(once, 1.7) == below_one);
    assert_true(amb_clip_phase(once, 50.0) == below_one);
    amb_rng rng = amb_rng_seed(7, 0);
    for (int n = 0; n < 100000; n++) {
        double t = 1.7 * ((int)amb_rng_below(&rng, 2000) - 1000); /* at seams and a few roundings off them */
        for (uint32_t k = amb_rng_below(&rng, 4); k > 0; k--) {
            t = nextafter(t, n % 2 ? INFINITY : -INFINITY);
        }
        const double phase = amb_clip_phase(loop, t);
        assert_true(phase >= 0.0 && phase < 1.0);
        double p[AMB_POSE], v[AMB_VEL];
        amb_clip_sample(loop, t, p, v);
        assert_near(p[2], 0.9, 1e-15, "height", n);
    }
    amb_clip_destroy(loop);
    amb_clip_destroy(once);
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
    double time[4] = {0.0, 0.1, 0.2, 0.3}, pose[4 * AMB_POSE];
    for (int f = 0; f < 4; f++) {
        pose_at_rest(pose + f * AMB_POSE);
    }
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        amb_error err = {""};
        double *value = &pose[2 * AMB_POSE + rows[i].index], kept = *value;
        *value = rows[i].value;
        assert_null(amb_clip_create(4, time, pose, true, "bad", &err));
        if (!strstr(err.text, rows[i].says)) {
            fail_msg("\"%s\" does not say \"%s\"", err.text, rows[i].says);
        }
        assert_null(amb_clip_create(4, time, pose, true, "bad", NULL)); /* nobody listens */
        *value = kept;
    }
    amb_error err = {""};
    assert_null(amb_clip_create(1, time, pose, false, "bad", &err));
    assert_string_equal(err.text, "1 frame, expected 2 to 100000");
    assert_null(amb_clip_create(-4, time, pose, false, "bad", &err));
    assert_null(amb_clip_create(AMB_CLIP_MAX_FRAMES + 1, time, pose, false, "bad", &err));
    assert_string_equal(err.text, "100001 frames, expected 2 to 100000");
    static const double times[][4] = {{0.1, 0.2, 0.3, 0.4},      {0.0, 0.1, 0.1, 0.3},  {0.0, 0.2, 0.1, 0.3}, {0.0, 0.1, NAN, 0.3},
                                      {0.0, 0.1, 0.2, INFINITY}, {0.0, 1e-9, 0.2, 0.3}, {NAN, 0.1, 0.2, 0.3}, {0.0, 0.1, 0.2, 1e7}};
    static const int frame[] = {0, 1, 1, 1, 2, 0, 0, 2};
    for (size_t i = 0; i < sizeof times / sizeof *times; i++) {
        char says[32];
        snprintf(says, sizeof says, "frame %d: the ", frame[i]);
        assert_null(amb_clip_create(4, times[i], pose, false, "bad", &err));
        if (strncmp(err.text, says, strlen(says)) != 0) {
            fail_msg("times %zu: \"%s\" does not begin with \"%s\"", i, err.text, says);
        }
    }
    amb_clip_destroy(NULL);
}

static void the_joint_table_tiles_pose_and_velocity(void **state)
{
    (void)state;
    int pose = 7, vel = 6;
    for (int j = 0; j < AMB_CLIP_JOINTS; j++) {
        assert_int_equal(amb_clip_joints[j].pose, pose);
        assert_int_equal(amb_clip_joints[j].vel, vel);
        pose += amb_clip_joints[j].ball ? 4 : 1;
        vel += amb_clip_joints[j].ball ? 3 : 1;
    }
    assert_int_equal(pose, AMB_POSE);
    assert_int_equal(vel, AMB_VEL);
}

/* A cycle of `frames` frames that depends on `seed`. */
static void some_motion(int frames, uint64_t seed, double *time, double *pose)
{
    amb_rng rng = amb_rng_seed(seed, 1);
    for (int f = 0; f < frames; f++) {
        time[f] = f == 0 ? 0 : time[f - 1] + amb_rng_range(&rng, .02, .05);
        double *p = pose + f * AMB_POSE;
        pose_at_rest(p);
        p[0] = .1 * f;
        for (int k = 0; k < 9; k++)
            random_quat(&rng, p + quat_at(k));
        for (int k = 0; k < 4; k++)
            p[hinge_at[k]] = amb_rng_range(&rng, -2, 2);
    }
}

static void a_clip_can_be_refilled(void **unused)
{
    (void)unused;
    enum { ROOM = 40 };
    double time[ROOM + 1], pose[(ROOM + 1) * AMB_POSE];
    amb_error err = {""};
    amb_clip *clip = amb_clip_reserve(ROOM, "refilled", &err);
    assert_non_null(clip);
    assert_string_equal(amb_clip_name(clip), "refilled");
    assert_true(amb_clip_loops(clip) && amb_clip_duration(clip) == 1);
    double at[AMB_POSE], vel[AMB_VEL], want[AMB_POSE], want_vel[AMB_VEL];
    amb_clip_sample(clip, 12.3, at, vel);
    pose_at_rest(want);
    want[2] = 1;
    assert_all_near(at, want, AMB_POSE, 1e-12, "standing");
    static const int frames[] = {40, 2, 17, 40, 5};
    for (int n = 0; n < 5; n++) {
        some_motion(frames[n], (uint64_t)n, time, pose);
        const bool loop = n % 2 == 0;
        assert_true(amb_clip_refill(clip, frames[n], time, pose, loop, &err));
        amb_clip *fresh = amb_clip_create(frames[n], time, pose, loop, "fresh", &err);
        assert_non_null(fresh);
        assert_int_equal(amb_clip_frames(clip), frames[n]);
        assert_true(amb_clip_loops(clip) == loop && amb_clip_duration(clip) == amb_clip_duration(fresh));
        for (double t = -.5; t < 3; t += .083) {
            amb_clip_sample(clip, t, at, vel);
            amb_clip_sample(fresh, t, want, want_vel);
            assert_memory_equal(at, want, sizeof at);
            assert_memory_equal(vel, want_vel, sizeof vel);
        }
        assert_memory_equal(amb_clip_vels(clip), amb_clip_vels(fresh), (size_t)frames[n] * sizeof vel);
        amb_clip_destroy(fresh);
    }
    /* What is refused leaves it as it was. */
    amb_clip_sample(clip, .07, want, want_vel);
    some_motion(ROOM + 1, 9, time, pose);
    assert_false(amb_clip_refill(clip, ROOM + 1, time, pose, true, &err));
    assert_non_null(strstr(err.text, "41 frames, more than the 40"));
    pose[3 * AMB_POSE + 7] = NAN;
    assert_false(amb_clip_refill(clip, ROOM, time, pose, true, &err));
    assert_non_null(strstr(err.text, "frame 3: chest"));
    assert_false(amb_clip_refill(clip, ROOM, time, pose, true, NULL));
    amb_clip_sample(clip, .07, at, vel);
    assert_memory_equal(at, want, sizeof at);
    assert_int_equal(amb_clip_frames(clip), 5);
    amb_clip_destroy(clip);
    assert_null(amb_clip_reserve(1, "small", &err));
    assert_non_null(strstr(err.text, "room for 1 frames"));
    assert_null(amb_clip_reserve(AMB_CLIP_MAX_FRAMES + 1, "large", &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rotating_a_vector_is_the_matrix_product),
        cmocka_unit_test(log_undoes_exp_at_every_size),
        cmocka_unit_test(slerp_moves_at_constant_speed),
        cmocka_unit_test(heading_is_where_forward_points),
        cmocka_unit_test(constant_rates_are_found_exactly),
        cmocka_unit_test(root_spin_is_in_the_body_frame),
        cmocka_unit_test(three_frames_by_hand),
        cmocka_unit_test(velocity_is_the_derivative_of_the_pose),
        cmocka_unit_test(a_loop_has_no_seam),
        cmocka_unit_test(sampling_agrees_with_a_plain_search),
        cmocka_unit_test(phase_is_within_its_bounds),
        cmocka_unit_test(bad_clips_are_refused_by_name),
        cmocka_unit_test(the_joint_table_tiles_pose_and_velocity),
        cmocka_unit_test(a_clip_can_be_refilled),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
