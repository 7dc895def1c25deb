/* The poses of a cycle: cut out of the window, closed, through inverse kinematics, turned along x. */
#include "motion/rotation.h"
#include "policy/cycle_stages.h"

#include <math.h>

/* The window at a fractional frame. */
static void sample_window(const float *window, double t, float out[AMI_FEATURES])
{
    const int i = ami_frame_before(t);
    for (int k = 0; k < AMI_FEATURES; k++)
        out[k] = ami_between_frames(window, i, (float)(t - i), k);
}

void ami_find_cut_ends(const ami_cycle *cycle, ami_cut_ends *ends)
{
    float first[AMI_FEATURES], last[AMI_FEATURES];
    sample_window(cycle->window, cycle->start, first);
    sample_window(cycle->window, cycle->start + cycle->length, last);
    for (int k = 0; k < AMI_FEATURES; k++)
        ends->difference[k] = last[k] - first[k];
}

void ami_cut_frame(const ami_cycle *cycle, const ami_cut_ends *ends, int f, float out[AMI_FEATURES])
{
    bool over;
    const double t = ami_cut_time(cycle, f, &over);
    const float off = (float)((t - cycle->start) / cycle->length - .5);
    sample_window(cycle->window, t, out);
    for (int k = 0; k < AMI_FEATURES; k++)
        out[k] -= off * ends->difference[k];
}

/* DeepPhase's phase at the clip's frames. */
static void set_phases(ami_cycle *cycle)
{
    const int n = cycle->facts.frames;
    const double phase0 = ami_cycle_unwrapped_at(cycle, cycle->start);
    const double strike = (ami_cycle_unwrapped_at(cycle, cycle->strike) - phase0) / cycle->advance;
    double floor_phase = 0;
    for (int f = 0; f < n; f++) {
        bool over;
        const double t = ami_cut_time(cycle, f, &over);
        const double phase =
            (ami_cycle_unwrapped_at(cycle, t) - phase0) / cycle->advance - strike + (over ? 1 : 0);
        floor_phase = fmin(fmax(phase, floor_phase), 1);
        cycle->phase[f] = floor_phase;
    }
    cycle->phase[n] = 1;
}

/* Turns the motion so that its mean heading is along x. */
static void straighten(int frames, double *pose)
{
    double sum[2] = {0, 0}, turn[4];
    for (int f = 0; f < frames; f++) {
        double forward[2];
        ami_points_heading(pose + f * AMI_POSE + 3, forward);
        sum[0] += forward[0];
        sum[1] += forward[1];
    }
    const double angle = -atan2(sum[1], sum[0]), c = cos(angle), s = sin(angle);
    ami_quat_about_z(turn, angle);
    for (int f = 0; f <= frames; f++) {
        double *p = pose + f * AMI_POSE;
        const double x = p[0], y = p[1];
        p[0] = c * x - s * y;
        p[1] = s * x + c * y;
        ami_quat_mul(p + 3, turn, p + 3);
    }
}

/* The next AMI_SOLVE_FRAMES frames. */
static ami_refusal solve(const ami_cycle *cycle, ami_cycle_task *task, const ami_motion_nets *nets)
{
    const int n = cycle->facts.frames;
    ami_cut_ends ends;
    ami_find_cut_ends(cycle, &ends);
    if (task->slice == 0) {
        ami_ik_def def = ami_ik_default_def(nets->skeleton);
        def.rate = n * AMI_FEATURE_RATE / cycle->length;
        if (!ami_ik_pass_begin(&task->ik, &def, n, true, NULL))
            return AMI_REFUSED_BODY;
    }
    for (int k = 0; k < AMI_SOLVE_FRAMES && ami_ik_pass_left(&task->ik) > 0; k++) {
        float features[AMI_FEATURES];
        ami_cut_frame(cycle, &ends, ami_ik_pass_frame(&task->ik), features);
        ami_ik_pass_solve(&task->ik, features, task->pose);
    }
    return AMI_MOTION_OK;
}

/* Where the root goes, once all frames are solved. */
static void place(ami_cycle *cycle, ami_cycle_task *task, ami_cycle_workspace *workspace)
{
    const int n = cycle->facts.frames;
    ami_cut_ends ends;
    ami_find_cut_ends(cycle, &ends);
    for (int f = 0; f < n; f++)
        ami_cut_frame(cycle, &ends, f, workspace->features + f * AMI_FEATURES);
    ami_ik_pass_end(&task->ik, workspace->features, task->time, task->pose);
    for (int f = 0; f <= n; f++)
        task->time[f] = cycle->facts.period_s * f / n;
    straighten(n, task->pose);
    set_phases(cycle);
}

ami_refusal ami_cycle_poses(ami_cycle *cycle, ami_cycle_task *task, const ami_motion_nets *nets,
                            ami_cycle_workspace *workspace, ami_clip *clip, bool *done)
{
    *done = false;
    if (task->slice == 0 || ami_ik_pass_left(&task->ik) > 0)
        return solve(cycle, task, nets);
    if (!task->placed) {
        place(cycle, task, workspace);
        task->placed = true;
        return AMI_MOTION_OK;
    }
    *done = true;
    return ami_clip_refill(clip, cycle->facts.frames + 1, task->time, task->pose, true, NULL)
               ? AMI_MOTION_OK
               : AMI_REFUSED_BODY;
}
