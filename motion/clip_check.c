/* Heights and speeds that a human can have. */
#include "motion/clip_check.h"

#include <math.h>

/* The public clips stay below 1.5 m, 6 m/s and 40 rad/s; the world's best run at 12.4 m/s and throw at 130
 * rad/s (shoulder). */
static const double max_height = 2.5, min_height = 0, max_lowest = 1.5; /* m, of the root */
static const double max_speed = 20, max_turn = 200;                     /* m/s, rad/s */

bool ami_clip_check_heights(int frames, const double *pose, const char *remedy, ami_error *err)
{
    int lowest = 0, highest = 0;
    for (int f = 1; f < frames; f++) {
        lowest = pose[(size_t)f * AMI_POSE + 2] < pose[(size_t)lowest * AMI_POSE + 2] ? f : lowest;
        highest = pose[(size_t)f * AMI_POSE + 2] > pose[(size_t)highest * AMI_POSE + 2] ? f : highest;
    }
    const double low = pose[(size_t)lowest * AMI_POSE + 2], high = pose[(size_t)highest * AMI_POSE + 2];
    if (!isfinite(low) || !isfinite(high)) {
        return true; /* ami_clip_create names what is not finite */
    }
    if (high > max_height) {
        return ami_fail(err, "frame %d: the root's height is %g m, expected at most %g; %s", highest, high,
                        max_height, remedy);
    }
    if (low > max_lowest) {
        return ami_fail(err, "frame %d: the root's lowest height is %g m, expected less than %g; %s", lowest,
                        low, max_lowest, remedy);
    }
    return low >= min_height || ami_fail(err,
                                         "frame %d: the root's height is %g m, below the floor, which is at "
                                         "0; y is up in a clip's file",
                                         lowest, low);
}

/* The fastest of the root (-1) and the joints in a frame. */
static double fastest_turn(const double *v, int *joint)
{
    double fastest = -1;
    for (int j = -1; j < AMI_CLIP_JOINTS; j++) {
        const bool three = j < 0 || ami_clip_joints[j].ball;
        const double *w = v + (j < 0 ? 3 : ami_clip_joints[j].vel);
        const double turn = three ? sqrt(w[0] * w[0] + w[1] * w[1] + w[2] * w[2]) : fabs(w[0]);
        if (turn > fastest) {
            fastest = turn;
            *joint = j;
        }
    }
    return fastest;
}

bool ami_clip_check_speeds(const ami_clip *clip, double spikes, const char *remedy, ami_error *err)
{
    const int frames = ami_clip_frames(clip);
    int beyond = 0, joint = -1;
    for (int f = 0; f < frames; f++) {
        const double *v = ami_clip_vels(clip) + (size_t)f * AMI_VEL,
                     speed = sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
        if (speed > max_speed) {
            return ami_fail(err, "frame %d: the root moves at %.3g m/s, expected at most %g; %s", f, speed,
                            max_speed, remedy);
        }
        const double turn = fastest_turn(v, &joint);
        beyond += turn > max_turn;
        if (beyond > spikes * frames) {
            return ami_fail(err, "frame %d: %s turns at %.3g rad/s, expected at most %g; %s", f,
                            joint < 0 ? "the root" : ami_clip_joints[joint].name, turn, max_turn, remedy);
        }
    }
    return true;
}
