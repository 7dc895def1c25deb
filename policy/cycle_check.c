/* Whether a cycle's clip is within the limits. Limits apply to every frame, means are taken over every other
 * one. */
#include "policy/cycle_stages.h"

#include <math.h>

static double length_of(const double *v, int n)
{
    double sum = 0;
    for (int k = 0; k < n; k++)
        sum += v[k] * v[k];
    return sqrt(sum);
}

static bool joints_within(const ami_motion_limits *limits, const double *pose, const double *vel)
{
    const double cosine = cos(limits->joint_angle / 2);
    bool good = length_of(vel + 3, 3) <= limits->joint_speed;
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const ami_clip_joint *joint = &ami_clip_joints[j];
        good &= length_of(vel + joint->vel, joint->ball ? 3 : 1) <= limits->joint_speed;
        good &= !joint->ball || fabs(pose[joint->pose]) >= cosine;
    }
    return good;
}

static void add_skating(ami_skating *s, double height, double x, double y)
{
    const double contact = ami_contact(height, (const double[3]){0, 0, 0});
    s->speed += contact * sqrt(x * x + y * y);
    s->weight += contact;
}

static double skate_of(const ami_skating *s)
{
    return s->weight > 0 ? s->speed / s->weight : 0;
}

/* Adds the skating of the window at frame f of the clip; velocities over two frames, as in the clip. */
static void add_window_skating(const ami_cycle *cycle, int f, ami_skating *s)
{
    bool over;
    const double t = fmin(fmax(ami_cut_time(cycle, f, &over), 1), AMI_STYLE_FRAMES - 2);
    const int i[3] = {ami_frame_before(t - 1), ami_frame_before(t), ami_frame_before(t + 1)};
    const float u[3] = {(float)(t - 1 - i[0]), (float)(t - i[1]), (float)(t + 1 - i[2])},
                rate = (float)(.5 * AMI_FEATURE_RATE);
    const float yaw = ami_between_frames(cycle->window, i[1], u[1], AMI_FEATURE_YAW_RATE);
    for (int k = 0; k < 4; k++) {
        float at[3], vel[2];
        for (int n = 0; n < 3; n++)
            at[n] = ami_between_frames(cycle->window, i[1], u[1], 3 * ami_sole_point[k] + n);
        for (int n = 0; n < 2; n++)
            vel[n] = rate * (ami_between_frames(cycle->window, i[2], u[2], 3 * ami_sole_point[k] + n) -
                             ami_between_frames(cycle->window, i[0], u[0], 3 * ami_sole_point[k] + n)) +
                     (n == 0 ? -yaw * at[1] : yaw * at[0]) +
                     ami_between_frames(cycle->window, i[1], u[1], AMI_FEATURE_FORWARD + n);
        add_skating(s, (double)at[2], (double)vel[0], (double)vel[1]);
    }
}

/* Measures one frame of the clip: distance of its points from the window's, lowest sole point, skating. */
static void measure_frame(const ami_motion_nets *nets, const ami_cycle *cycle, const ami_cut_ends *ends,
                          const ami_clip *clip, int f, ami_cycle_task *task)
{
    ami_state state;
    ami_points points;
    float features[AMI_FEATURES], target[AMI_FEATURES];
    ami_fk_state(nets->skeleton, ami_clip_poses(clip) + f * AMI_POSE, ami_clip_vels(clip) + f * AMI_VEL,
                 &state);
    ami_points_of_state(nets->skeleton, &state, &points);
    ami_features(&points, features);
    ami_cut_frame(cycle, ends, f, target);
    task->off += ami_features_distance(features, target);
    for (int k = 0; k < 4; k++) {
        const int p = ami_sole_point[k];
        task->lowest = fmin(task->lowest, points.pos[p][2]);
        add_skating(&task->skate, points.pos[p][2], points.vel[p][0], points.vel[p][1]);
    }
}

static ami_refusal check_frames(const ami_cycle *cycle, ami_cycle_task *task, const ami_motion_nets *nets,
                                const ami_motion_limits *limits, const ami_clip *clip, int first, int end)
{
    ami_cut_ends ends;
    ami_find_cut_ends(cycle, &ends);
    for (int f = first; f < end; f++) {
        const double *pose = ami_clip_poses(clip) + f * AMI_POSE, *vel = ami_clip_vels(clip) + f * AMI_VEL;
        if (!(pose[2] >= limits->root_height[0] && pose[2] <= limits->root_height[1]))
            return AMI_REFUSED_HEIGHT;
        if (!(length_of(vel, 3) <= limits->root_speed))
            return AMI_REFUSED_SPEED;
        if (!joints_within(limits, pose, vel))
            return AMI_REFUSED_JOINTS;
        if (f % 2 == 0) {
            measure_frame(nets, cycle, &ends, clip, f, task);
            add_window_skating(cycle, f, &task->window_skate);
        }
    }
    return AMI_MOTION_OK;
}

ami_refusal ami_cycle_check(ami_cycle *cycle, ami_cycle_task *task, const ami_motion_nets *nets,
                            const ami_motion_limits *limits, const ami_clip *clip, bool *done)
{
    const int n = cycle->facts.frames, first = task->slice * AMI_CHECK_FRAMES,
              end = first + AMI_CHECK_FRAMES < n ? first + AMI_CHECK_FRAMES : n;
    *done = end == n;
    if (task->slice == 0) {
        task->off = 0;
        task->lowest = INFINITY;
        task->skate = task->window_skate = (ami_skating){0, 0};
    }
    const ami_refusal refusal = check_frames(cycle, task, nets, limits, clip, first, end);
    if (refusal != AMI_MOTION_OK || !*done)
        return refusal;
    double offset[3];
    ami_clip_cycle_offset(clip, offset);
    cycle->facts.fit_m = task->off / ((n + 1) / 2);
    cycle->facts.speed = length_of(offset, 2) / cycle->facts.period_s;
    cycle->facts.skate = skate_of(&task->skate);
    cycle->facts.window_skate = skate_of(&task->window_skate) / cycle->facts.stretch;
    if (!(task->lowest >= limits->sole_height[0] && task->lowest <= limits->sole_height[1]))
        return AMI_REFUSED_HEIGHT;
    return cycle->facts.fit_m <= limits->fit_m ? AMI_MOTION_OK : AMI_REFUSED_BODY;
}
