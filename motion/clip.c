/* Clips in memory: checking and preparing them once, sampling them often.
 *
 * Preparing makes everything sampling needs: unit quaternions on one side of the sphere from frame to frame,
 * and a velocity at every frame. Sampling then is a table look-up and an interpolation. Nothing here reads
 * files (clip_file.c) or smooths what a clip says: a loop whose last frame is not its first jumps at the
 * seam, as in DeepMimic. */
#include "motion/clip.h"

#include "base/assert.h"
#include "base/file.h"
#include "motion/pose.h"
#include "motion/rotation.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ami_clip {
    int frames, capacity;
    bool loop, loop_unknown;
    double duration;  /* s */
    double rate;      /* 1/s: frames a second on average, guesses the interval from the time */
    double offset[3]; /* m, of a cycle; zero without a loop */
    double *time;     /* (frames) s */
    double *pose;     /* (frames, 43) */
    double *vel;      /* (frames, 34) */
    char *name;
    double block[]; /* holds the arrays and the name */
};

/* What is accepted. A root further away than this is a mistake of units or a broken file. */
static const double max_distance = 10e3; /* m */
static const double max_height = 100.0;  /* m */
static const double min_gap = 1e-5;      /* s; velocities stay finite */
static const double max_duration = 1e6;  /* s */
/* The public DeepMimic clips hold hand-edited quaternions as short as .58 (kick, right hip) and as long as
 * 1.12; DeepMimic normalises. */
static const double min_norm = 0.5, max_norm = 1.5;

static bool check_quat(const double q[4], int frame, const char *name, ami_error *err)
{
    const double norm = sqrt(ami_quat_dot(q, q));
    if (!(norm >= min_norm && norm <= max_norm)) {
        return ami_fail(err, "frame %d: the quaternion %s has length %g, expected %g to %g", frame, name,
                        norm, min_norm, max_norm);
    }
    return true;
}

static const char *field_of(int index)
{
    if (index < 3) {
        return "root position";
    }
    const char *name = "root rotation";
    for (int j = 0; j < AMI_CLIP_JOINTS && ami_clip_joints[j].pose <= index; j++) {
        name = ami_clip_joints[j].name;
    }
    return name;
}

static bool check_frame(const double *pose, int frame, ami_error *err)
{
    for (int i = 0; i < AMI_POSE; i++) {
        if (!isfinite(pose[i])) {
            return ami_fail(err, "frame %d: %s holds %g, not a finite number", frame, field_of(i), pose[i]);
        }
    }
    if (fabs(pose[0]) > max_distance || fabs(pose[1]) > max_distance) {
        return ami_fail(
            err, "frame %d: the root is at (%g, %g) m on the ground, further than %g m from the origin",
            frame, pose[0], pose[1], max_distance);
    }
    if (fabs(pose[2]) > max_height) {
        return ami_fail(err, "frame %d: the root's height is %g m, beyond %g m", frame, pose[2], max_height);
    }
    if (!check_quat(pose + 3, frame, "root rotation", err)) {
        return false;
    }
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const ami_clip_joint *joint = &ami_clip_joints[j];
        if (joint->ball) {
            if (!check_quat(pose + joint->pose, frame, joint->name, err)) {
                return false;
            }
        } else if (fabs(pose[joint->pose]) > 2.0 * M_PI) {
            return ami_fail(err, "frame %d: the angle %s is %g rad, outside -2 pi to 2 pi", frame,
                            joint->name, pose[joint->pose]);
        }
    }
    return true;
}

static bool check_clip(int frames, const double *time, const double *pose, ami_error *err)
{
    if (frames < 2 || frames > AMI_CLIP_MAX_FRAMES) {
        return ami_fail(err, "%d frame%s, expected 2 to %d", frames, frames == 1 ? "" : "s",
                        AMI_CLIP_MAX_FRAMES);
    }
    if (time[0] != 0.0) {
        return ami_fail(err, "frame 0: the time is %g s, expected 0", time[0]);
    }
    for (int f = 0; f < frames; f++) {
        if (f > 0 && !(time[f] - time[f - 1] >= min_gap && time[f] <= max_duration)) {
            return ami_fail(
                err, "frame %d: the duration is %g s, until %g s; expected at least %g s, until at most %g s",
                f - 1, time[f] - time[f - 1], time[f], min_gap, max_duration);
        }
        if (!check_frame(pose + (size_t)f * AMI_POSE, f, err)) {
            return false;
        }
    }
    return true;
}

/* As long as 1 to within rounding: left as it is, so that a clip made of another clip's poses equals it. */
static bool is_unit(const double *q)
{
    return fabs(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3] - 1) <= 1e-15;
}

/* Unit length, and on the side of the sphere of `before` (NULL for the first frame: left as it is). */
static void prepare_quat(double *q, const double *before)
{
    if (!is_unit(q))
        ami_quat_normalize(q);
    if (before) {
        ami_quat_same_side(q, before);
    }
}

static void prepare_pose(double *pose, const double *before)
{
    prepare_quat(pose + 3, before ? before + 3 : NULL);
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        if (ami_clip_joints[j].ball) {
            const int at = ami_clip_joints[j].pose;
            prepare_quat(pose + at, before ? before + at : NULL);
        }
    }
}

/* Adds how far it is from pose a to pose b, in a velocity's layout. A rotation vector of a* b reads the same
 * in both child's frames, so two that meet at a frame may be added in that frame. */
static void add_displacement(double out[AMI_VEL], const double *a, const double *b)
{
    double q[4], r[3];
    for (int i = 0; i < 3; i++) {
        out[i] += b[i] - a[i];
    }
    ami_quat_between(q, a + 3, b + 3);
    ami_quat_log(r, q);
    for (int i = 0; i < 3; i++) {
        out[3 + i] += r[i];
    }
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const ami_clip_joint *joint = &ami_clip_joints[j];
        if (joint->ball) {
            ami_quat_between(q, a + joint->pose, b + joint->pose);
            ami_quat_log(r, q);
            for (int i = 0; i < 3; i++) {
                out[joint->vel + i] += r[i];
            }
        } else {
            out[joint->vel] += b[joint->pose] - a[joint->pose];
        }
    }
}

/* Velocity at every frame: the displacements of the interval before and the interval after it, over the time
 * of both. In a loop the interval before the first frame is the last one, so a seam that does not quite close
 * makes no false speed. */
static void prepare_velocities(ami_clip *clip)
{
    const int last = clip->frames - 1;
    for (int f = 0; f <= last; f++) {
        const int before = f > 0 ? f - 1 : clip->loop ? last - 1 : -1; /* intervals, by their first frame */
        const int after = f < last ? f : clip->loop ? 0 : -1;
        const int used[2] = {before, after};
        double *vel = clip->vel + (size_t)f * AMI_VEL, span = 0.0;
        memset(vel, 0, AMI_VEL * sizeof *vel);
        for (int k = 0; k < 2; k++) {
            if (used[k] >= 0) {
                const double *from = clip->pose + (size_t)used[k] * AMI_POSE;
                add_displacement(vel, from, from + AMI_POSE);
                span += clip->time[used[k] + 1] - clip->time[used[k]];
            }
        }
        for (int i = 0; i < AMI_VEL; i++) {
            vel[i] /= span;
        }
    }
}

/* Takes frames that have been checked. */
static void fill(ami_clip *clip, int frames, const double *time, const double *pose, bool loop)
{
    const size_t n = (size_t)frames;
    clip->frames = frames;
    clip->loop = loop;
    clip->loop_unknown = false;
    memmove(clip->time, time, n * sizeof *time);
    memmove(clip->pose, pose, n * AMI_POSE * sizeof *pose);
    clip->duration = time[frames - 1];
    clip->rate = (frames - 1) / clip->duration;
    for (int f = 0; f < frames; f++) {
        double *p = clip->pose + (size_t)f * AMI_POSE;
        prepare_pose(p, f > 0 ? p - AMI_POSE : NULL);
    }
    const double *end = clip->pose + (n - 1) * AMI_POSE;
    clip->offset[0] = loop ? end[0] - clip->pose[0] : 0;
    clip->offset[1] = loop ? end[1] - clip->pose[1] : 0;
    prepare_velocities(clip);
}

static ami_clip *allocate(int capacity, const char *name, ami_error *err)
{
    const size_t n = (size_t)capacity, numbers = n * (1 + AMI_POSE + AMI_VEL), text = strlen(name) + 1;
    ami_clip *clip = calloc(1, sizeof *clip + numbers * sizeof(double) + text);
    if (!clip) {
        ami_fail(err, "out of memory for a clip of %d frames", capacity);
        return NULL;
    }
    clip->capacity = capacity;
    clip->time = clip->block;
    clip->pose = clip->time + n;
    clip->vel = clip->pose + n * AMI_POSE;
    clip->name = (char *)(clip->vel + n * AMI_VEL);
    memcpy(clip->name, name, text);
    return clip;
}

ami_clip *ami_clip_create(int frames, const double *time, const double *pose, bool loop, const char *name,
                          ami_error *err)
{
    AMI_ASSERT(time && pose && name);
    ami_clip *clip = check_clip(frames, time, pose, err) ? allocate(frames, name, err) : NULL;
    if (clip)
        fill(clip, frames, time, pose, loop);
    return clip;
}

ami_clip *ami_clip_reserve(int capacity, const char *name, ami_error *err)
{
    AMI_ASSERT(name);
    if (capacity < 2 || capacity > AMI_CLIP_MAX_FRAMES) {
        ami_fail(err, "a clip with room for %d frames, expected 2 to %d", capacity, AMI_CLIP_MAX_FRAMES);
        return NULL;
    }
    double standing[2 * AMI_POSE] = {0};
    for (int f = 0; f < 2; f++) {
        double *p = standing + f * AMI_POSE;
        p[2] = 1.0;
        p[3] = p[4] = M_SQRT1_2;
        for (int j = 0; j < AMI_CLIP_JOINTS; j++)
            if (ami_clip_joints[j].ball)
                p[ami_clip_joints[j].pose] = 1.0;
    }
    ami_clip *clip = allocate(capacity, name, err);
    if (clip)
        fill(clip, 2, (const double[2]){0.0, 1.0}, standing, true);
    return clip;
}

bool ami_clip_refill(ami_clip *clip, int frames, const double *time, const double *pose, bool loop,
                     ami_error *err)
{
    AMI_ASSERT(clip && time && pose);
    if (frames > clip->capacity)
        return ami_fail(err, "%d frames, more than the %d that the clip has room for", frames,
                        clip->capacity);
    if (!check_clip(frames, time, pose, err))
        return false;
    fill(clip, frames, time, pose, loop);
    return true;
}

void ami_clip_destroy(ami_clip *clip)
{
    free(clip);
}

double ami_clip_duration(const ami_clip *clip)
{
    AMI_ASSERT(clip);
    return clip->duration;
}

int ami_clip_frames(const ami_clip *clip)
{
    AMI_ASSERT(clip);
    return clip->frames;
}

bool ami_clip_loop_is_known(const ami_clip *clip)
{
    AMI_ASSERT(clip);
    return clip->loop || !clip->loop_unknown;
}

void ami_clip_set_loop_known(ami_clip *clip, bool known)
{
    AMI_ASSERT(clip);
    clip->loop_unknown = !known;
}

bool ami_clip_loops(const ami_clip *clip)
{
    AMI_ASSERT(clip);
    return clip->loop;
}

const char *ami_clip_name(const ami_clip *clip)
{
    AMI_ASSERT(clip);
    return clip->name;
}

const double *ami_clip_times(const ami_clip *clip)
{
    AMI_ASSERT(clip);
    return clip->time;
}

const double *ami_clip_poses(const ami_clip *clip)
{
    AMI_ASSERT(clip);
    return clip->pose;
}

const double *ami_clip_vels(const ami_clip *clip)
{
    AMI_ASSERT(clip);
    return clip->vel;
}

uint32_t ami_clip_crc(const ami_clip *clip)
{
    AMI_ASSERT(clip);
    const size_t frames = (size_t)clip->frames;
    const unsigned char loops = clip->loop;
    const uint32_t crc = ami_crc32c(ami_crc32c(0, &loops, 1), clip->time, frames * sizeof(double));
    return ami_crc32c(crc, clip->pose, frames * AMI_POSE * sizeof(double));
}

void ami_clip_cycle_offset(const ami_clip *clip, double offset[3])
{
    AMI_ASSERT(clip && offset);
    memcpy(offset, clip->offset, sizeof clip->offset);
}

/* The time within the cycle, [0, duration), and the cycle's number. */
static double time_in_cycle(const ami_clip *clip, double t, double *cycle)
{
    *cycle = floor(t / clip->duration);
    double tau = t - *cycle * clip->duration;
    if (tau >= clip->duration) { /* rounding, on either side of the seam */
        tau = 0.0;
        *cycle += 1.0;
    } else if (tau < 0.0) {
        tau = 0.0;
    }
    return tau;
}

double ami_clip_phase(const ami_clip *clip, double t)
{
    AMI_ASSERT(isfinite(t));
    double cycle;
    const double tau = clip->loop ? time_in_cycle(clip, t, &cycle) : fmax(t, 0.0);
    return fmin(tau / clip->duration, nextafter(1.0, 0.0));
}

/* The interval that holds tau in [0, duration]: time[i] <= tau < time[i + 1], or the last one. */
static int interval_at(const ami_clip *clip, double tau)
{
    const double *time = clip->time;
    const int last = clip->frames - 2;
    int i = (int)(tau * clip->rate);
    i = i < last ? i : last;
    int low = 0, high = last; /* the answer is in [low, high] */
    if (tau < time[i]) {
        high = i - 1;
    } else if (i < last && tau >= time[i + 1]) {
        low = i + 1;
    } else {
        return i;
    }
    while (low < high) {
        const int mid = low + (high - low + 1) / 2;
        if (tau < time[mid]) {
            high = mid - 1;
        } else {
            low = mid;
        }
    }
    return low;
}

void ami_clip_sample(const ami_clip *clip, double t, double pose[AMI_POSE], double vel[AMI_VEL])
{
    AMI_ASSERT(isfinite(t));
    double cycle = 0.0, tau;
    const bool outside = !clip->loop && (t < 0.0 || t > clip->duration);
    if (clip->loop) {
        tau = time_in_cycle(clip, t, &cycle);
    } else {
        tau = t < 0.0 ? 0.0 : t > clip->duration ? clip->duration : t;
    }
    const int i = interval_at(clip, tau);
    const double u = (tau - clip->time[i]) / (clip->time[i + 1] - clip->time[i]);
    if (pose) {
        const double *a = clip->pose + (size_t)i * AMI_POSE;
        ami_pose_between(a, a + AMI_POSE, u, pose);
        pose[0] += cycle * clip->offset[0];
        pose[1] += cycle * clip->offset[1];
    }
    if (vel && outside) {
        memset(vel, 0, AMI_VEL * sizeof *vel);
    } else if (vel) {
        const double *a = clip->vel + (size_t)i * AMI_VEL, *b = a + AMI_VEL;
        for (int k = 0; k < AMI_VEL; k++) {
            vel[k] = a[k] + u * (b[k] - a[k]);
        }
    }
}
