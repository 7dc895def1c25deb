/* Sums over frames and joints; nothing here decides what is good. */
#include "motion/metrics.h"

#include "motion/humanoid.h"
#include "motion/kinematics.h"
#include "motion/rotation.h"

#include <stdlib.h>
#include <string.h>

typedef double joints[AMI_BODIES][3];

static const double most_pairs = 2e8; /* of frames, for warping */

static int frames_at_rate(const ami_clip *clip)
{
    return (int)fmin(floor(ami_clip_duration(clip) * AMI_METRICS_RATE + 1e-6) + 1, AMI_CLIP_MAX_FRAMES);
}

/* At time i / rate, not beyond the clip's end: a loop would begin again there. */
static void sample(const ami_clip *clip, int i, double pose[AMI_POSE])
{
    const double t = i / AMI_METRICS_RATE;
    if (t >= ami_clip_duration(clip) - 1e-9)
        memcpy(pose, ami_clip_poses(clip) + (size_t)(ami_clip_frames(clip) - 1) * AMI_POSE,
               AMI_POSE * sizeof *pose);
    else
        ami_clip_sample(clip, t, pose, NULL);
}

double (*ami_metrics_joints(const ami_clip *clip, int *frames, ami_error *err))[AMI_BODIES][3]
{
    *frames = frames_at_rate(clip);
    joints *at = malloc((size_t)*frames * sizeof *at);
    if (!at)
        ami_fail(err, "out of memory for %d frames", *frames);
    for (int i = 0; at && i < *frames; i++) {
        double pose[AMI_POSE], rot[AMI_BODIES][4];
        sample(clip, i, pose);
        ami_fk(ami_humanoid(), pose, at[i], rot);
    }
    return at;
}

static double distance(const double a[3], const double b[3])
{
    const double x = a[0] - b[0], y = a[1] - b[1], z = a[2] - b[2];
    return sqrt(x * x + y * y + z * z);
}

static double frame_distance(const joints a, const joints b)
{
    double sum = 0;
    for (int j = 0; j < AMI_BODIES; j++)
        sum += distance(a[j], b[j]);
    return sum / AMI_BODIES;
}

/* Cost and length of the best path to a pair of frames, a row at a time. */
typedef struct path {
    double cost;
    int length;
} path;

static bool warp(int n, const joints *a, int m, const joints *b, double *mean, ami_error *err)
{
    path *row = malloc((size_t)m * sizeof *row);
    if (!row)
        return ami_fail(err, "out of memory for %d frames", m);
    for (int i = 0; i < n; i++) {
        path corner = {0, 0}; /* of the row before, one to the left */
        for (int k = 0; k < m; k++) {
            const path above = row[k];
            path best = {INFINITY, 0};
            if (i == 0 && k == 0)
                best = (path){0, 0};
            if (i > 0)
                best = above;
            if (k > 0 && row[k - 1].cost < best.cost)
                best = row[k - 1];
            if (i > 0 && k > 0 && corner.cost <= best.cost)
                best = corner;
            row[k] = (path){best.cost + frame_distance(a[i], b[k]), best.length + 1};
            corner = above;
        }
    }
    *mean = row[m - 1].cost / row[m - 1].length;
    free(row);
    return true;
}

/* Sum over joints of |Δa - Δb| for the difference that has these coefficients, from frame `f` on. */
static double off_by(const joints *a, const joints *b, int f, const double *coefficient, int n)
{
    double sum = 0;
    for (int j = 0; j < AMI_BODIES; j++) {
        double v[3] = {0, 0, 0};
        for (int i = 0; i < n; i++)
            for (int k = 0; k < 3; k++)
                v[k] += coefficient[i] * ((a ? a[f + i][j][k] : 0) - (b ? b[f + i][j][k] : 0));
        sum += sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
    }
    return sum / AMI_BODIES;
}

bool ami_metrics_of_joints(int frames_a, const joints *a, int frames_b, const joints *b, ami_metrics *metrics,
                           ami_error *err)
{
    const int n = frames_a < frames_b ? frames_a : frames_b;
    static const double first[2] = {-1, 1}, second[3] = {1, -2, 1};
    *metrics = (ami_metrics){.frames = n, .dtw = NAN};
    if (n < 3)
        return ami_fail(err, "%d frames at %g a second are too few to compare, expected 3", n,
                        AMI_METRICS_RATE);
    for (int f = 0; f < n; f++) {
        metrics->e_g_mpjpe += frame_distance(a[f], b[f]) / n;
        for (int j = 0; j < AMI_BODIES; j++) {
            double p[3], q[3];
            for (int k = 0; k < 3; k++) {
                p[k] = a[f][j][k] - a[f][0][k];
                q[k] = b[f][j][k] - b[f][0][k];
            }
            metrics->e_mpjpe += distance(p, q) / n / AMI_BODIES;
        }
        if (f + 1 < n)
            metrics->e_vel += off_by(a, b, f, first, 2) / (n - 1);
        if (f + 2 < n)
            metrics->e_acc += off_by(a, b, f, second, 3) / (n - 2);
    }
    return (double)frames_a * frames_b > most_pairs || warp(frames_a, a, frames_b, b, &metrics->dtw, err);
}

bool ami_metrics_of_clips(const ami_clip *a, const ami_clip *b, ami_metrics *metrics, ami_error *err)
{
    int n, m;
    joints *at = ami_metrics_joints(a, &n, err), *bt = at ? ami_metrics_joints(b, &m, err) : NULL;
    const bool ok = bt && ami_metrics_of_joints(n, (const joints *)at, m, (const joints *)bt, metrics, err);
    free(at);
    free(bt);
    return ok;
}

static double norm(const double v[3])
{
    return sqrt(v[0] * v[0] + v[1] * v[1] + v[2] * v[2]);
}

void ami_tracking_add(ami_tracking *tracking, const double body[AMI_BODIES][3],
                      const double reference[AMI_BODIES][3])
{
    double off[AMI_BODIES][3], mean = 0, local = 0, vel = 0, acc = 0;
    for (int j = 0; j < AMI_BODIES; j++) {
        double from_root[3], first[3], second[3];
        for (int k = 0; k < 3; k++) {
            off[j][k] = body[j][k] - reference[j][k];
            from_root[k] = off[j][k] - off[0][k];
            first[k] = off[j][k] - tracking->off[1][j][k];
            second[k] = first[k] - (tracking->off[1][j][k] - tracking->off[0][j][k]);
        }
        mean += norm(off[j]) / AMI_BODIES;
        local += norm(from_root) / AMI_BODIES;
        vel += norm(first) / AMI_BODIES;
        acc += norm(second) / AMI_BODIES;
    }
    tracking->g_mpjpe += mean;
    tracking->mpjpe += local;
    tracking->worst = fmax(tracking->worst, mean);
    if (tracking->frames > 1) { /* both need two frames before, so that they are over the same ones */
        tracking->vel += vel;
        tracking->acc += acc;
    }
    memcpy(tracking->off[0], tracking->off[1], sizeof off);
    memcpy(tracking->off[1], off, sizeof off);
    tracking->frames++;
}

/* Heels and toes: right, left. */
static void soles_of(const double pose[AMI_POSE], double point[4][3])
{
    const ami_skeleton *s = ami_humanoid();
    double joint[AMI_BODIES][3], rot[AMI_BODIES][4];
    ami_fk(s, pose, joint, rot);
    for (int i = 0; i < 4; i++) {
        const int side = i / 2, ankle = side ? AMI_LEFT_ANKLE : AMI_RIGHT_ANKLE;
        ami_quat_rotate(point[i], rot[ankle], i % 2 ? s->toe[side] : s->heel[side]);
        for (int k = 0; k < 3; k++)
            point[i][k] += joint[ankle][k];
    }
}

bool ami_quality_of_clip(const ami_clip *clip, ami_quality *quality, ami_error *err)
{
    static const double third[4] = {-1, 3, -3, 1};
    const double rate = AMI_METRICS_RATE;
    int n, low = 0;
    joints *at = ami_metrics_joints(clip, &n, err);
    *quality = (ami_quality){0};
    if (!at)
        return false;
    for (int f = 0; f + 3 < n; f++)
        quality->jerk += off_by((const joints *)at, NULL, f, third, 4) * rate * rate * rate / (n - 3);
    free(at);
    double before[4][3];
    for (int f = 0; f < n; f++) {
        double pose[AMI_POSE], here[4][3];
        sample(clip, f, pose);
        soles_of(pose, here);
        for (int i = 0; i < 4; i++) {
            quality->penetration = fmax(quality->penetration, 0 - here[i][2]);
            if (f > 0 && here[i][2] < AMI_SKATE_HEIGHT && before[i][2] < AMI_SKATE_HEIGHT) {
                quality->foot_skate += hypot(here[i][0] - before[i][0], here[i][1] - before[i][1]) * rate;
                low++;
            }
        }
        memcpy(before, here, sizeof before);
    }
    quality->foot_skate /= low ? low : 1;
    return true;
}
