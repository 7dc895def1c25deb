#include "cli/clip_facts.h"

#include "motion/rotation.h"

#include <math.h>
#include <stdio.h>

static double joint_speed(const double *vel, const ami_clip_joint *joint)
{
    const double *v = vel + joint->vel;
    return joint->ball ? sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]) : fabs(v[0]);
}

static double joint_gap(const double *a, const double *b, const ami_clip_joint *joint)
{
    const int at = joint->pose;
    return joint->ball ? ami_quat_angle(a + at, b + at) : fabs(a[at] - b[at]);
}

clip_facts clip_facts_of(const ami_clip *clip)
{
    const int n = ami_clip_frames(clip);
    const double *time = ami_clip_times(clip), *first = ami_clip_poses(clip),
                 *last = first + (size_t)(n - 1) * AMI_POSE;
    clip_facts f = {.loops = ami_clip_loops(clip),
                    .frames = n,
                    .duration = ami_clip_duration(clip),
                    .low = INFINITY,
                    .high = -INFINITY,
                    .joint = "",
                    .gap = {INFINITY, 0.0}};
    snprintf(f.name, sizeof f.name, "%s", ami_clip_name(clip));
    for (int i = 0; i < n; i++) {
        double vel[AMI_VEL];
        ami_clip_sample(clip, time[i], NULL, vel);
        const double height = first[(size_t)i * AMI_POSE + 2];
        f.low = fmin(f.low, height);
        f.high = fmax(f.high, height);
        for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
            const double speed = joint_speed(vel, &ami_clip_joints[j]);
            if (speed > f.fastest) {
                f.fastest = speed;
                f.joint = ami_clip_joints[j].name;
            }
        }
        if (i > 0) {
            f.gap[0] = fmin(f.gap[0], time[i] - time[i - 1]);
            f.gap[1] = fmax(f.gap[1], time[i] - time[i - 1]);
        }
    }
    if (ami_clip_loops(clip)) {
        f.seam = ami_quat_angle(first + 3, last + 3);
        for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
            f.seam = fmax(f.seam, joint_gap(first, last, &ami_clip_joints[j]));
        }
    }
    f.distance = hypot(last[0] - first[0], last[1] - first[1]);
    f.speed = f.distance / ami_clip_duration(clip);
    return f;
}

static const double degree = M_PI / 180.0;

json_t *clip_facts_json(const ami_clip *clip, const char *path, const clip_facts *f)
{
    double offset[3];
    ami_clip_cycle_offset(clip, offset);
    return json_pack("{s:s, s:o, s:b, s:i, s:f, s:f, s:f, s:f, s:[f,f], s:[f,f,f], s:f, s:f, s:s, s:f}",
                     "name", ami_clip_name(clip), "file", cli_text(path), "loop", (int)ami_clip_loops(clip),
                     "frames", ami_clip_frames(clip), "duration_s", ami_clip_duration(clip), "frame_min_s",
                     f->gap[0], "frame_max_s", f->gap[1], "distance_m", f->distance, "root_height_m", f->low,
                     f->high, "cycle_offset_m", offset[0], offset[1], offset[2], "speed_mps", f->speed,
                     "fastest_joint_radps", f->fastest, "fastest_joint", f->joint, "seam_deg",
                     f->seam / degree);
}
