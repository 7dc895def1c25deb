/* Editing clips. */
#include "motion/edit.h"
#include "motion/points.h"
#include "motion/rotation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static ami_clip *walk; /* a loop */

static int set_up(void **unused)
{
    (void)unused;
    ami_error err;
    walk = ami_clip_read(AMB_SOURCE_DIR "/assets/motions/style_walk.txt", &err);
    return walk ? 0 : -1;
}

static int tear_down(void **unused)
{
    (void)unused;
    ami_clip_destroy(walk);
    return 0;
}

static ami_clip *made(ami_clip *clip, const ami_error *err)
{
    if (!clip)
        fail_msg("%s", err->text);
    return clip;
}

/* Some cycles of the walk, at 50 Hz, that do not loop, begun in the middle of one. */
static ami_clip *walk_for(double seconds)
{
    const int n = (int)(seconds * 50) + 1;
    double *time = malloc((size_t)n * (1 + AMI_POSE) * sizeof *time);
    ami_error err;
    for (int f = 0; f < n; f++) {
        time[f] = f / 50.;
        ami_clip_sample(walk, .37 + time[f], time + n + (size_t)f * AMI_POSE, NULL);
    }
    ami_clip *clip = made(ami_clip_create(n, time, time + n, false, "long", &err), &err);
    free(time);
    return clip;
}

/* Largest angle of a joint between two poses, rad. */
static double apart(const double *a, const double *b)
{
    double worst = ami_quat_angle(a + 3, b + 3);
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const int at = ami_clip_joints[j].pose;
        worst = fmax(worst, ami_clip_joints[j].ball ? ami_quat_angle(a + at, b + at) : fabs(a[at] - b[at]));
    }
    return worst;
}

static const double *pose_of(const ami_clip *clip, int f)
{
    return ami_clip_poses(clip) + (size_t)(f < 0 ? ami_clip_frames(clip) + f : f) * AMI_POSE;
}

static bool same_frames(const ami_clip *a, const ami_clip *b)
{
    bool same = ami_clip_frames(a) == ami_clip_frames(b);
    for (int f = 0; same && f < ami_clip_frames(a); f++)
        same = apart(pose_of(a, f), pose_of(b, f)) < 1e-7 && pose_of(a, f)[0] == pose_of(b, f)[0] &&
               ami_clip_times(a)[f] == ami_clip_times(b)[f];
    return same;
}

static void a_cut_keeps_what_is_between(void **unused)
{
    (void)unused;
    ami_error err = {""};
    ami_clip *clip = walk_for(4), *cut = made(ami_edit_cut(clip, 1.013, 2.507, &err), &err);
    assert_true(fabs(ami_clip_duration(cut) - 1.494) < 1e-9);
    for (int i = 0; i <= 20; i++) {
        double a[AMI_POSE], b[AMI_POSE];
        ami_clip_sample(clip, 1.013 + 1.49 * i / 20, a, NULL);
        ami_clip_sample(cut, 1.49 * i / 20, b, NULL);
        assert_true(apart(a, b) < 1e-3 && fabs(a[0] - b[0]) < 1e-4);
    }
    ami_clip *whole = made(ami_edit_cut(walk, 0, ami_clip_duration(walk), &err), &err);
    assert_true(ami_clip_loops(whole) && same_frames(whole, walk));
    assert_null(ami_edit_cut(clip, 3, 5, &err));
    assert_non_null(strstr(err.text, "it goes from 0 to 4 s"));
    assert_null(ami_edit_cut(clip, 2, 1, &err));
    ami_clip_destroy(whole);
    ami_clip_destroy(cut);
    ami_clip_destroy(clip);
}

static void time_is_stretched_and_turned_round(void **unused)
{
    (void)unused;
    ami_error err = {""};
    ami_clip *clip = walk_for(2), *slow = made(ami_edit_time_scale(clip, 2.5, &err), &err);
    assert_true(fabs(ami_clip_duration(slow) - 5) < 1e-9);
    assert_true(apart(pose_of(slow, 7), pose_of(clip, 7)) < 1e-7);
    ami_clip *back = made(ami_edit_reverse(clip, &err), &err),
             *again = made(ami_edit_reverse(back, &err), &err);
    assert_true(apart(pose_of(back, 0), pose_of(clip, -1)) < 1e-9);
    for (int f = 0; f < ami_clip_frames(clip); f++)
        assert_true(apart(pose_of(again, f), pose_of(clip, f)) < 1e-9 &&
                    fabs(ami_clip_times(again)[f] - ami_clip_times(clip)[f]) < 1e-9);
    ami_clip_destroy(again);
    ami_clip_destroy(back);
    ami_clip_destroy(slow);
    ami_clip_destroy(clip);
}

static void a_resampled_motion_is_the_same(void **unused)
{
    (void)unused;
    ami_error err = {""};
    ami_clip *even = made(ami_edit_resample(walk, 200, &err), &err);
    assert_true(ami_clip_loops(even));
    assert_true(fabs(ami_clip_duration(even) - ami_clip_duration(walk)) < 1e-12);
    for (int i = 0; i < 50; i++) {
        double a[AMI_POSE], b[AMI_POSE];
        ami_clip_sample(walk, .031 * i, a, NULL);
        ami_clip_sample(even, .031 * i, b, NULL);
        assert_true(apart(a, b) < .01);
    }
    ami_clip_destroy(even);
}

static void smoothing_takes_noise_and_leaves_the_motion(void **unused)
{
    (void)unused;
    ami_error err = {""};
    ami_clip *clip = walk_for(3);
    const int n = ami_clip_frames(clip);
    double *pose = malloc((size_t)n * AMI_POSE * sizeof *pose);
    memcpy(pose, ami_clip_poses(clip), (size_t)n * AMI_POSE * sizeof *pose);
    for (int f = 0; f < n; f++) { /* 25 Hz, .05 rad */
        pose[(size_t)f * AMI_POSE + 28] += f % 2 ? .05 : 0;
        pose[(size_t)f * AMI_POSE] += f % 2 ? .01 : 0;
    }
    ami_clip *noisy = made(ami_clip_create(n, ami_clip_times(clip), pose, false, "noisy", &err), &err);
    ami_clip *smooth = made(ami_edit_smooth(noisy, 6, &err), &err),
             *calm = made(ami_edit_smooth(clip, 6, &err), &err);
    for (int f = 10; f < n - 10; f++) {
        const double *p = pose_of(smooth, f), *q = pose_of(clip, f);
        assert_true(fabs(p[28] - .025 - q[28]) < .02); /* the noise's mean is .025 */
        assert_true(fabs(p[0] - .005 - q[0]) < .004);
        assert_true(apart(pose_of(calm, f), q) < .12); /* rad: 6 Hz is above what a walk does */
    }
    ami_clip *loop = made(ami_edit_smooth(walk, 8, &err), &err);
    assert_true(ami_clip_loops(loop) && apart(pose_of(loop, 0), pose_of(loop, -1)) < .02);
    ami_clip_destroy(loop);
    ami_clip_destroy(calm);
    ami_clip_destroy(smooth);
    ami_clip_destroy(noisy);
    ami_clip_destroy(clip);
    free(pose);
}

static void a_motion_is_turned_and_put_on_the_floor(void **unused)
{
    (void)unused;
    ami_error err = {""};
    ami_clip *turned = made(ami_edit_heading(walk, 2, &err), &err);
    double forward[2], way[2];
    ami_points_heading(pose_of(turned, 0) + 3, forward);
    assert_true(fabs(atan2(forward[1], forward[0]) - 2) < 1e-9);
    for (int k = 0; k < 2; k++)
        way[k] = pose_of(turned, -1)[k] - pose_of(turned, 0)[k];
    assert_true(fabs(hypot(way[0], way[1]) - hypot(pose_of(walk, -1)[0] - pose_of(walk, 0)[0],
                                                   pose_of(walk, -1)[1] - pose_of(walk, 0)[1])) < 1e-9);
    assert_true(apart(pose_of(turned, 9) + 0, pose_of(walk, 9)) > 1); /* the root has turned */
    const int n = ami_clip_frames(walk);
    double *pose = malloc((size_t)n * AMI_POSE * sizeof *pose), lift[2];
    memcpy(pose, ami_clip_poses(walk), (size_t)n * AMI_POSE * sizeof *pose);
    for (int f = 0; f < n; f++)
        pose[(size_t)f * AMI_POSE + 2] += .3;
    ami_clip *high = made(ami_clip_create(n, ami_clip_times(walk), pose, true, "high", &err), &err);
    ami_clip *down[2] = {made(ami_edit_ground(walk, &lift[0], &err), &err),
                         made(ami_edit_ground(high, &lift[1], &err), &err)};
    assert_true(fabs(lift[0] - lift[1] - .3) < 1e-9 && fabs(lift[0]) < .05);
    assert_true(fabs(pose_of(down[0], 3)[2] - pose_of(down[1], 3)[2]) < 1e-9);
    for (int i = 0; i < 2; i++)
        ami_clip_destroy(down[i]);
    ami_clip_destroy(high);
    ami_clip_destroy(turned);
    free(pose);
}

static void a_cycle_is_found_and_closed(void **unused)
{
    (void)unused;
    ami_error err = {""};
    ami_clip *clip = walk_for(5);
    ami_edit_cycle cycle;
    ami_clip *loop = made(ami_edit_loop(clip, AMI_LOOP_AUTO, &cycle, &err), &err);
    const double period = ami_clip_duration(walk), cycles = (cycle.end - cycle.begin) / period;
    if (!ami_clip_loops(loop) || cycle.gap > AMI_CYCLE_GAP || fabs(cycles - 1) * period > .04)
        fail_msg("from %g to %g s, off by %g rad; the walk's period is %g s", cycle.begin, cycle.end,
                 cycle.gap, period);
    assert_true(apart(pose_of(loop, 0), pose_of(loop, -1)) < 1e-9 &&
                pose_of(loop, 0)[2] == pose_of(loop, -1)[2]);
    ami_clip_destroy(loop);
    /* the whole of it, whatever it is off */
    ami_clip *wrapped = made(ami_edit_loop(clip, AMI_LOOP_WRAP, &cycle, &err), &err);
    assert_true(ami_clip_loops(wrapped) && ami_clip_frames(wrapped) == ami_clip_frames(clip));
    assert_true(apart(pose_of(wrapped, 0), pose_of(wrapped, -1)) < 1e-9);
    ami_clip_destroy(wrapped);
    /* one cycle of several that differ a little: this walk is pushed every two seconds */
    ami_clip *pushed = made(ami_clip_read(AMB_SOURCE_DIR "/assets/motions/pushed_walk.txt", &err), &err);
    loop = made(ami_edit_loop(pushed, AMI_LOOP_AUTO, &cycle, &err), &err);
    if (!ami_clip_loops(loop) || fabs(cycle.end - cycle.begin - period) > .1)
        fail_msg("from %g to %g s, off by %g rad; a cycle is about %g s", cycle.begin, cycle.end, cycle.gap,
                 period);
    ami_clip_destroy(loop);
    ami_clip_destroy(pushed);
    /* what does not repeat does not loop, and is not cut */
    ami_clip *part = made(ami_edit_cut(clip, 0, .6, &err), &err);
    ami_clip *same = made(ami_edit_loop(part, AMI_LOOP_AUTO, &cycle, &err), &err);
    assert_true(!ami_clip_loops(same) && cycle.end == 0 && same_frames(same, part));
    ami_clip_destroy(same);
    ami_clip_destroy(part);
    /* a cycle within something longer is not all there is: nothing is cut */
    const int before = ami_clip_frames(clip), all = before + 200;
    double *mixed = calloc((size_t)all * (1 + AMI_POSE), sizeof *mixed);
    for (int f = 0; f < all; f++) {
        double *pose = mixed + all + (size_t)f * AMI_POSE;
        mixed[f] = f / 50.;
        memcpy(pose, pose_of(clip, f < before ? f : before - 1), AMI_POSE * sizeof *pose);
        if (f >= before) { /* then the arms are raised, slowly, for twice as long */
            const double u = (f - before) / 60.;
            pose[28] = fmin(pose[28] + u, 3);
            pose[42] = fmin(pose[42] + .7 * u, 3);
            pose[33] -= .4 * u;
        }
    }
    ami_clip *dance = made(ami_clip_create(all, mixed, mixed + all, false, "dance", &err), &err);
    free(mixed);
    same = made(ami_edit_loop(dance, AMI_LOOP_AUTO, &cycle, &err), &err);
    assert_true(!ami_clip_loops(same) && cycle.end == 0 && same_frames(same, dance));
    ami_clip_destroy(same);
    ami_clip_destroy(dance);
    /* who stands still has no cycle */
    const int n = 90;
    double *time = calloc((size_t)n * (1 + AMI_POSE), sizeof *time);
    for (int f = 0; f < n; f++) {
        time[f] = f / 30.;
        memcpy(time + n + (size_t)f * AMI_POSE, pose_of(walk, 0), AMI_POSE * sizeof *time);
    }
    ami_clip *still = made(ami_clip_create(n, time, time + n, false, "still", &err), &err);
    assert_false(ami_edit_find_cycle(still, &cycle, &err));
    assert_non_null(strstr(err.text, "no part of it repeats"));
    ami_clip_destroy(still);
    free(time);
    ami_clip_destroy(clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cut_keeps_what_is_between),
        cmocka_unit_test(time_is_stretched_and_turned_round),
        cmocka_unit_test(a_resampled_motion_is_the_same),
        cmocka_unit_test(smoothing_takes_noise_and_leaves_the_motion),
        cmocka_unit_test(a_motion_is_turned_and_put_on_the_floor),
        cmocka_unit_test(a_cycle_is_found_and_closed),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
