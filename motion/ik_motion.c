/* The root's way over the ground, and whole motions. */
#include "motion/ik.h"

#include "base/assert.h"
#include "motion/rotation.h"

#include <math.h>
#include <string.h>

/* The vertical part of the rotation vector of a turn by `angle` about z behind the rotation a. */
static double vertical_part(const double a[4], double angle)
{
    double turn[4], r[3];
    ami_quat_about_z(turn, angle);
    ami_quat_mul(turn, turn, a);
    ami_quat_log(r, turn);
    return r[2];
}

/* How far the heading has turned between two frames whose root rotations, each in its own heading frame, are
 * `before` and `now`, and between which the root turned by `yaw` about the vertical. */
static double heading_change(const double before[4], const double now[4], double yaw)
{
    double inverse[4], a[4];
    ami_quat_conj(inverse, before);
    ami_quat_mul(a, now, inverse);
    /* Taking the vertical turn off a, and adding yaw, is nearly it; the vertical parts of a product are not
     * quite their sum. What is off shrinks by the square of the turn over 12 each time. */
    double angle = yaw - 2 * atan2(a[0] < 0 ? -a[3] : a[3], fabs(a[0]));
    for (int n = 0; n < 4; n++) {
        const double off = yaw - vertical_part(a, angle);
        angle += off;
        if (fabs(off) < 1e-9)
            break;
    }
    return angle;
}

/* Turns a pose of ami_ik_solve to the heading and puts it over `at`. */
static void place_pose(double pose[AMI_POSE], const double from[AMI_POSE], double heading, const double at[2])
{
    double turn[4];
    ami_quat_about_z(turn, heading);
    if (pose != from)
        memcpy(pose, from, AMI_POSE * sizeof *pose);
    ami_quat_mul(pose + 3, turn, pose + 3);
    pose[0] = at[0];
    pose[1] = at[1];
}

static void world_speed(double out[2], const float features[AMI_FEATURES], double heading)
{
    const double forward = (double)features[AMI_FEATURE_FORWARD], left = (double)features[AMI_FEATURE_LEFT];
    const double c = cos(heading), s = sin(heading);
    out[0] = c * forward - s * left;
    out[1] = s * forward + c * left;
}

/* Solves the next frame and turns the heading on. */
static void follow_heading(ami_ik *ik, const float features[AMI_FEATURES])
{
    const double yaw_rate = (double)features[AMI_FEATURE_YAW_RATE];
    const double before[4] = {ik->pose[3], ik->pose[4], ik->pose[5], ik->pose[6]};
    ami_ik_solve(ik, features);
    ik->heading += heading_change(before, ik->pose + 3, (ik->yaw_rate + yaw_rate) / 2 / ik->def.rate);
    ik->yaw_rate = yaw_rate;
}

static void start(ami_ik *ik, const float features[AMI_FEATURES])
{
    ami_ik_solve(ik, features);
    ik->heading = ik->def.heading;
    ik->yaw_rate = (double)features[AMI_FEATURE_YAW_RATE];
    memcpy(ik->at, ik->def.at, sizeof ik->at);
    world_speed(ik->speed, features, ik->heading);
}

/* Moves `at` on to the next frame, whose velocity replaces the last one's. */
static void move_on(double at[2], double speed[2], const double next[2], double dt)
{
    for (int k = 0; k < 2; k++) {
        at[k] += dt * (speed[k] + next[k]) / 2;
        speed[k] = next[k];
    }
}

void ami_ik_frame(ami_ik *ik, const float features[AMI_FEATURES], double pose[AMI_POSE])
{
    AMI_ASSERT(ik && features && pose);
    if (!ik->started) {
        start(ik, features);
    } else {
        double next[2];
        follow_heading(ik, features);
        world_speed(next, features, ik->heading);
        move_on(ik->at, ik->speed, next, 1 / ik->def.rate);
    }
    place_pose(pose, ik->pose, ik->heading, ik->at);
}

bool ami_ik_pass_begin(ami_ik_pass *pass, const ami_ik_def *def, int frames, bool cyclic, ami_error *err)
{
    AMI_ASSERT(pass && def);
    if (!ami_ik_init(&pass->ik, def, err))
        return false;
    if (frames < 2 || frames > AMI_CLIP_MAX_FRAMES - 1)
        return ami_fail(err, "%d frames of motion features, expected 2 to %d", frames,
                        AMI_CLIP_MAX_FRAMES - 1);
    pass->frames = frames;
    pass->cyclic = cyclic;
    pass->before = (int)fmin(ceil(def->rate), frames - 1);
    pass->done = 0;
    return true;
}

/* Poses of the result. */
static int pass_count(const ami_ik_pass *pass)
{
    return pass->frames + (pass->cyclic ? 1 : 0);
}

int ami_ik_pass_left(const ami_ik_pass *pass)
{
    return pass->before + pass_count(pass) - pass->done;
}

int ami_ik_pass_frame(const ami_ik_pass *pass)
{
    /* Back to the first frame from a second on: what that second shows of twists is then known. A cycle comes
     * round to it anyway. */
    const int f = pass->before - pass->done;
    if (f > 0)
        return pass->cyclic ? pass->frames - f : f;
    return -f % pass->frames;
}

void ami_ik_pass_solve(ami_ik_pass *pass, const float features[AMI_FEATURES], double *pose)
{
    AMI_ASSERT(pass && features && pose && ami_ik_pass_left(pass) > 0);
    const int f = pass->done++ - pass->before;
    if (f < 0) {
        ami_ik_solve(&pass->ik, features);
        return;
    }
    if (f == 0)
        start(&pass->ik, features);
    else
        follow_heading(&pass->ik, features);
    /* A heading is kept in the pose's first number until it is known what the cycle lacks. */
    double *p = pose + (size_t)f * AMI_POSE;
    memcpy(p, f < pass->frames ? pass->ik.pose : pose, sizeof pass->ik.pose);
    p[0] = pass->ik.heading;
}

void ami_ik_pass_end(const ami_ik_pass *pass, const float *features, double *time, double *pose)
{
    AMI_ASSERT(pass && features && time && pose && ami_ik_pass_left(pass) == 0);
    const ami_ik_def *def = &pass->ik.def;
    const int frames = pass->frames, count = pass_count(pass);
    const double excess = pass->cyclic ? remainder(pass->ik.heading - def->heading, 2 * M_PI) / frames : 0;
    double at[2] = {def->at[0], def->at[1]}, speed[2] = {0, 0};
    for (int f = 0; f < count; f++) {
        double *p = pose + (size_t)f * AMI_POSE, next[2];
        const double heading = p[0] - f * excess;
        world_speed(next, features + (size_t)(f % frames) * AMI_FEATURES, heading);
        if (f == 0)
            memcpy(speed, next, sizeof speed);
        else
            move_on(at, speed, next, 1 / def->rate);
        place_pose(p, p, heading, at);
        time[f] = f / def->rate;
    }
}

bool ami_ik_motion(const ami_ik_def *def, int frames, const float *features, bool cyclic, double *time,
                   double *pose, ami_error *err)
{
    AMI_ASSERT(def && features && time && pose);
    ami_ik_pass pass;
    if (!ami_ik_pass_begin(&pass, def, frames, cyclic, err))
        return false;
    while (ami_ik_pass_left(&pass) > 0)
        ami_ik_pass_solve(&pass, features + (size_t)ami_ik_pass_frame(&pass) * AMI_FEATURES, pose);
    ami_ik_pass_end(&pass, features, time, pose);
    return true;
}
