/* Cutting, stretching, smoothing and closing clips. */
#include "motion/edit.h"

#include "motion/humanoid.h"
#include "motion/kinematics.h"
#include "motion/points.h"
#include "motion/rotation.h"

#include <stdlib.h>
#include <string.h>

/* Frames being made: times and poses in one block. */
typedef struct draft {
    int frames;
    double *time, *pose;
} draft;

static bool draft_start(draft *d, int frames, ami_error *err)
{
    *d = (draft){.frames = frames};
    if (frames < 2 || frames > AMI_CLIP_MAX_FRAMES)
        return ami_fail(err, "%d frames, expected 2 to %d", frames, AMI_CLIP_MAX_FRAMES);
    d->time = malloc((size_t)frames * (1 + AMI_POSE) * sizeof *d->time);
    d->pose = d->time + frames;
    return d->time || ami_fail(err, "out of memory for %d frames", frames);
}

static double *draft_pose(const draft *d, int frame)
{
    return d->pose + (size_t)frame * AMI_POSE;
}

static const double *clip_pose(const ami_clip *clip, int frame)
{
    return ami_clip_poses(clip) + (size_t)frame * AMI_POSE;
}

static bool draft_copy(draft *d, const ami_clip *clip, ami_error *err)
{
    const int n = ami_clip_frames(clip);
    if (!draft_start(d, n, err))
        return false;
    memcpy(d->time, ami_clip_times(clip), (size_t)n * sizeof *d->time);
    memcpy(d->pose, ami_clip_poses(clip), (size_t)n * AMI_POSE * sizeof *d->pose);
    return true;
}

/* Of a loop that is not known, neither is the result's. */
static ami_clip *draft_finish(draft *d, const ami_clip *of, bool loops, ami_error *err)
{
    ami_clip *clip =
        d->time ? ami_clip_create(d->frames, d->time, d->pose, loops, ami_clip_name(of), err) : NULL;
    free(d->time);
    if (clip)
        ami_clip_set_loop_known(clip, ami_clip_loop_is_known(of));
    else
        ami_fail_in(err, "%s", ami_clip_name(of));
    return clip;
}

ami_clip *ami_edit_cut(const ami_clip *clip, double a, double b, ami_error *err)
{
    const int n = ami_clip_frames(clip);
    const double *time = ami_clip_times(clip), duration = ami_clip_duration(clip), near = 1e-4;
    draft d = {0};
    if (!(a >= 0 && a < b && b <= duration + near)) {
        ami_fail(err, "%s: from %g to %g s is to be kept, but it goes from 0 to %g s", ami_clip_name(clip), a,
                 b, duration);
        return NULL;
    }
    b = fmin(b, duration);
    if (a < near && b > duration - near)
        return draft_copy(&d, clip, err) ? draft_finish(&d, clip, ami_clip_loops(clip), err) : NULL;
    if (!draft_start(&d, n + 2, err))
        return NULL;
    d.frames = 0;
    for (int f = -1; f <= n; f++) { /* the ends stand before and behind the frames between them */
        const double t = f < 0 ? a : f == n ? b : time[f];
        if (f >= 0 && f < n && (t < a + near || t > b - near))
            continue;
        d.time[d.frames] = t - a;
        if (t >= duration)
            memcpy(draft_pose(&d, d.frames), clip_pose(clip, n - 1), AMI_POSE * sizeof *d.pose);
        else
            ami_clip_sample(clip, t, draft_pose(&d, d.frames), NULL);
        d.frames++;
    }
    return draft_finish(&d, clip, false, err);
}

ami_clip *ami_edit_resample(const ami_clip *clip, double rate, ami_error *err)
{
    const double duration = ami_clip_duration(clip), intervals = fmax(1.0, round(duration * rate));
    if (intervals >= AMI_CLIP_MAX_FRAMES) {
        ami_fail(err, "%s: %g frames at %g a second, expected at most %d", ami_clip_name(clip),
                 intervals + 1.0, rate, AMI_CLIP_MAX_FRAMES);
        return NULL;
    }
    const int n = (int)intervals + 1;
    draft d;
    if (!draft_start(&d, n, err))
        return NULL;
    for (int i = 0; i < n - 1; i++) {
        d.time[i] = duration * i / (n - 1);
        ami_clip_sample(clip, d.time[i], draft_pose(&d, i), NULL);
    }
    d.time[n - 1] = duration;
    /* the last frame itself: a loop sampled there is in its next cycle */
    memcpy(draft_pose(&d, n - 1), clip_pose(clip, ami_clip_frames(clip) - 1), AMI_POSE * sizeof *d.pose);
    return draft_finish(&d, clip, ami_clip_loops(clip), err);
}

ami_clip *ami_edit_time_scale(const ami_clip *clip, double scale, ami_error *err)
{
    draft d;
    if (!draft_copy(&d, clip, err))
        return NULL;
    for (int f = 0; f < d.frames; f++)
        d.time[f] *= scale;
    return draft_finish(&d, clip, ami_clip_loops(clip), err);
}

ami_clip *ami_edit_reverse(const ami_clip *clip, ami_error *err)
{
    draft d;
    if (!draft_copy(&d, clip, err))
        return NULL;
    const int last = d.frames - 1;
    for (int f = 0; f <= last; f++) {
        d.time[f] = ami_clip_duration(clip) - ami_clip_times(clip)[last - f];
        memcpy(draft_pose(&d, f), clip_pose(clip, last - f), AMI_POSE * sizeof *d.pose);
    }
    d.time[0] = 0;
    return draft_finish(&d, clip, ami_clip_loops(clip), err);
}

/* First indices in a pose: of the root's and the balls' rotations, of the hinges' angles. */
enum { ROTATIONS = 9 };
static const int rotation_at[ROTATIONS] = {3, 7, 11, 15, 20, 24, 29, 34, 38};
enum { ANGLES = 4 };
static const int angle_at[ANGLES] = {19, 28, 33, 42};

ami_clip *ami_edit_smooth(const ami_clip *clip, double hertz, ami_error *err)
{
    const double sigma = sqrt(log(2)) / (2 * M_PI * hertz), duration = ami_clip_duration(clip);
    const double *time = ami_clip_times(clip);
    const bool loops = ami_clip_loops(clip);
    enum { TAPS = 12 }; /* on each side, a quarter of sigma apart */
    draft d;
    if (!draft_copy(&d, clip, err))
        return NULL;
    for (int f = 0; f < d.frames; f++) {
        double *pose = draft_pose(&d, f), sum[ROTATIONS][3] = {{0}}, place[3] = {0}, angle[ANGLES] = {0},
               weights = 0;
        const double *here = clip_pose(clip, f);
        for (int k = -TAPS; k <= TAPS; k++) {
            const double weight = exp(-k * k / 32.), t = time[f] + k * sigma / 4;
            /* Towards an end the filter gets narrower, so that the end stays where it is. */
            const double edge = loops ? INFINITY : fmin(time[f], duration - time[f]);
            if (fabs(t - time[f]) > edge + 1e-12)
                continue;
            double other[AMI_POSE], between[4], turn[3];
            ami_clip_sample(clip, t, other, NULL);
            for (int i = 0; i < ROTATIONS; i++) {
                ami_quat_between(between, here + rotation_at[i], other + rotation_at[i]);
                ami_quat_log(turn, between);
                for (int x = 0; x < 3; x++)
                    sum[i][x] += weight * turn[x];
            }
            for (int i = 0; i < ANGLES; i++)
                angle[i] += weight * other[angle_at[i]];
            for (int x = 0; x < 3; x++)
                place[x] += weight * other[x];
            weights += weight;
        }
        for (int i = 0; i < ROTATIONS; i++) {
            double turn[4];
            for (int x = 0; x < 3; x++)
                sum[i][x] /= weights;
            ami_quat_exp(turn, sum[i]);
            ami_quat_mul(pose + rotation_at[i], here + rotation_at[i], turn);
        }
        for (int i = 0; i < ANGLES; i++)
            pose[angle_at[i]] = angle[i] / weights;
        for (int x = 0; x < 3; x++)
            pose[x] = place[x] / weights;
    }
    return draft_finish(&d, clip, loops, err);
}

static double heading_of(const double *pose)
{
    double forward[2];
    ami_points_heading(pose + 3, forward);
    return atan2(forward[1], forward[0]);
}

/* Turns a pose about the vertical through (x, y). */
static void turn_pose(double *pose, double angle, const double at[2])
{
    double turn[4];
    const double x = pose[0] - at[0], y = pose[1] - at[1], c = cos(angle), s = sin(angle);
    ami_quat_about_z(turn, angle);
    ami_quat_mul(pose + 3, turn, pose + 3);
    pose[0] = at[0] + c * x - s * y;
    pose[1] = at[1] + s * x + c * y;
}

ami_clip *ami_edit_heading(const ami_clip *clip, double heading, ami_error *err)
{
    draft d;
    if (!draft_copy(&d, clip, err))
        return NULL;
    const double at[2] = {d.pose[0], d.pose[1]}, angle = heading - heading_of(d.pose);
    for (int f = 0; f < d.frames; f++)
        turn_pose(draft_pose(&d, f), angle, at);
    return draft_finish(&d, clip, ami_clip_loops(clip), err);
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The height of the lowest point of the soles, m. */
static double lowest_sole(const double *pose)
{
    const ami_skeleton *s = ami_humanoid();
    double joint[AMI_BODIES][3], rot[AMI_BODIES][4], low = INFINITY;
    ami_fk(s, pose, joint, rot);
    for (int side = 0; side < 2; side++) {
        const int ankle = side ? AMI_LEFT_ANKLE : AMI_RIGHT_ANKLE;
        double v[3];
        ami_quat_rotate(v, rot[ankle], s->heel[side]);
        low = fmin(low, joint[ankle][2] + v[2]);
        ami_quat_rotate(v, rot[ankle], s->toe[side]);
        low = fmin(low, joint[ankle][2] + v[2]);
    }
    return low;
}

ami_clip *ami_edit_ground(const ami_clip *clip, double *lift, ami_error *err)
{
    draft d;
    if (!draft_copy(&d, clip, err))
        return NULL;
    double *height = malloc((size_t)d.frames * sizeof *height);
    if (!height) {
        free(d.time);
        ami_fail(err, "out of memory for %d frames", d.frames);
        return NULL;
    }
    for (int f = 0; f < d.frames; f++)
        height[f] = lowest_sole(draft_pose(&d, f));
    qsort(height, (size_t)d.frames, sizeof *height, compare);
    const double up = 0 - height[d.frames / 50];
    free(height);
    for (int f = 0; f < d.frames; f++)
        draft_pose(&d, f)[2] += up;
    if (lift)
        *lift = up;
    return draft_finish(&d, clip, ami_clip_loops(clip), err);
}

/* What distinguishes moments of a motion. */
typedef struct moment {
    double pose[AMI_POSE], vel[AMI_VEL];
} moment;

/* Place and heading do not count. */
static double gap_of(const moment *a, const moment *b)
{
    double sum = 0;
    const int joints = ROTATIONS + ANGLES + 1;
    for (int i = 1; i < ROTATIONS; i++) {
        const double angle = ami_quat_angle(a->pose + rotation_at[i], b->pose + rotation_at[i]);
        sum += angle * angle;
    }
    double lean[2][4], turn[4];
    const moment *both[2] = {a, b};
    for (int k = 0; k < 2; k++) {
        ami_quat_about_z(turn, -heading_of(both[k]->pose));
        ami_quat_mul(lean[k], turn, both[k]->pose + 3);
    }
    const double tilt = ami_quat_angle(lean[0], lean[1]), height = 2 * (a->pose[2] - b->pose[2]);
    sum += tilt * tilt + height * height;
    for (int i = 0; i < ANGLES; i++) {
        const double angle = a->pose[angle_at[i]] - b->pose[angle_at[i]];
        sum += angle * angle;
    }
    for (int i = 6; i < AMI_VEL; i++) {
        const double v = (a->vel[i] - b->vel[i]) / 10;
        sum += v * v / 2;
    }
    return sqrt(sum / joints);
}

bool ami_edit_find_cycle(const ami_clip *clip, ami_edit_cycle *cycle, ami_error *err)
{
    const double rate = 30, shortest = .4, longest = 20, duration = fmin(ami_clip_duration(clip), 120);
    const double moves = .1; /* rad: what goes on within must be more than this and more than the gap */
    const int n = (int)floor(duration * rate) + 1, first = (int)ceil(shortest * rate),
              last = (int)(longest * rate);
    const double hardly_worse = 1.5, hardly_off = .02; /* rad: 1.1 degrees */
    moment *m = malloc((size_t)n * sizeof *m);
    ami_edit_cycle *best = malloc(((size_t)last + 1) * sizeof *best);
    *cycle = (ami_edit_cycle){.gap = INFINITY};
    if (!m || !best) {
        free(best);
        free(m);
        return ami_fail(err, "out of memory for %d moments", n);
    }
    for (int i = 0; i < n; i++)
        ami_clip_sample(clip, i / rate, m[i].pose, m[i].vel);
    /* The best of each length: of those that close hardly worse than the best of all the shortest is one cycle, where
     * the best may be several. */
    for (int k = 0; k <= last; k++)
        best[k] = (ami_edit_cycle){.gap = INFINITY};
    for (int a = 0; a < n; a++) {
        double moved = 0;
        for (int b = a + 1; b < n && b - a <= last; b++) {
            const double gap = gap_of(&m[a], &m[b]);
            ami_edit_cycle *of_length = &best[b - a];
            if (b - a >= first && moved > moves && gap < moved / 2 && gap < of_length->gap)
                *of_length = (ami_edit_cycle){a / rate, b / rate, gap};
            moved = fmax(moved, gap);
        }
    }
    double least = INFINITY;
    for (int k = first; k <= last; k++)
        least = fmin(least, best[k].gap);
    for (int k = first; k <= last && cycle->end == 0; k++)
        if (isfinite(least) && best[k].gap <= hardly_worse * least + hardly_off) {
            /* lengths beside it may close better */
            *cycle = best[k];
            for (int more = k + 1; more <= last && more <= k + k / 8; more++)
                if (best[more].gap < cycle->gap)
                    *cycle = best[more];
        }
    free(best);
    free(m);
    return cycle->end > 0 || ami_fail(err, "%s: no part of it repeats", ami_clip_name(clip));
}

/* Takes what the last frame is off the first one off evenly. */
static ami_clip *close_loop(const ami_clip *clip, ami_error *err)
{
    draft d;
    if (!draft_copy(&d, clip, err))
        return NULL;
    const int last = d.frames - 1;
    const double *a = clip_pose(clip, 0), *b = clip_pose(clip, last), duration = ami_clip_duration(clip);
    /* The heading first: the path is bent with it. */
    const double turn = remainder(heading_of(a) - heading_of(b), 2 * M_PI);
    double at[2] = {a[0], a[1]};
    for (int f = 1; f <= last; f++) {
        const double *before = clip_pose(clip, f - 1), *here = clip_pose(clip, f);
        const double angle = turn * d.time[f] / duration, c = cos(angle), s = sin(angle);
        const double step[2] = {here[0] - before[0], here[1] - before[1]};
        double *pose = draft_pose(&d, f), q[4];
        at[0] += c * step[0] - s * step[1];
        at[1] += s * step[0] + c * step[1];
        pose[0] = at[0], pose[1] = at[1];
        ami_quat_about_z(q, angle);
        ami_quat_mul(pose + 3, q, pose + 3);
    }
    double off[ROTATIONS][3], end[AMI_POSE];
    memcpy(end, draft_pose(&d, last), sizeof end);
    for (int i = 0; i < ROTATIONS; i++) {
        double q[4];
        ami_quat_between(q, end + rotation_at[i], a + rotation_at[i]);
        ami_quat_log(off[i], q);
    }
    for (int f = 0; f <= last; f++) {
        double *pose = draft_pose(&d, f);
        const double u = d.time[f] / duration;
        for (int i = 0; i < ROTATIONS; i++) {
            const double r[3] = {u * off[i][0], u * off[i][1], u * off[i][2]};
            double q[4];
            ami_quat_exp(q, r);
            ami_quat_mul(pose + rotation_at[i], pose + rotation_at[i], q);
        }
        for (int i = 0; i < ANGLES; i++)
            pose[angle_at[i]] += u * (a[angle_at[i]] - end[angle_at[i]]);
        pose[2] += u * (a[2] - end[2]);
    }
    /* to the bit, up to the signs */
    memcpy(draft_pose(&d, last) + 2, a + 2, (AMI_POSE - 2) * sizeof *a);
    return draft_finish(&d, clip, true, err);
}

/* Whether the clip is made of this cycle: it is most of it, or three of four moments come back after a cycle.
 */
static bool is_made_of(const ami_clip *clip, const ami_edit_cycle *cycle)
{
    enum { MOMENTS = 61 };
    const double period = cycle->end - cycle->begin, rest = ami_clip_duration(clip) - period;
    double gap[MOMENTS];
    if (period > .6 * ami_clip_duration(clip))
        return true;
    for (int i = 0; i < MOMENTS; i++) {
        const double t = rest * i / MOMENTS;
        moment a, b;
        ami_clip_sample(clip, t, a.pose, a.vel);
        ami_clip_sample(clip, t + period, b.pose, b.vel);
        gap[i] = gap_of(&a, &b);
    }
    qsort(gap, MOMENTS, sizeof *gap, compare);
    return gap[MOMENTS * 3 / 4] < AMI_CYCLE_GAP;
}

ami_clip *ami_edit_loop(const ami_clip *clip, int mode, ami_edit_cycle *cycle, ami_error *err)
{
    ami_edit_cycle own;
    ami_error none;
    draft d;
    cycle = cycle ? cycle : &own;
    *cycle = (ami_edit_cycle){0};
    if (mode == AMI_LOOP_NONE || ami_clip_loops(clip))
        return draft_copy(&d, clip, err) ? draft_finish(&d, clip, mode != AMI_LOOP_NONE, err) : NULL;
    if (mode == AMI_LOOP_WRAP) {
        moment a, b;
        ami_clip_sample(clip, 0, a.pose, a.vel);
        ami_clip_sample(clip, ami_clip_duration(clip), b.pose, b.vel);
        *cycle = (ami_edit_cycle){0, ami_clip_duration(clip), gap_of(&a, &b)};
        return close_loop(clip, err);
    }
    if (!ami_edit_find_cycle(clip, cycle, &none) || cycle->gap > AMI_CYCLE_GAP || !is_made_of(clip, cycle)) {
        cycle->end = 0;
        ami_clip *same = draft_copy(&d, clip, err) ? draft_finish(&d, clip, false, err) : NULL;
        if (same)
            ami_clip_set_loop_known(same, true);
        return same;
    }
    ami_clip *part = ami_edit_cut(clip, cycle->begin, fmin(cycle->end, ami_clip_duration(clip)), err);
    ami_clip *loop = part ? close_loop(part, err) : NULL;
    ami_clip_destroy(part);
    return loop;
}
