/* Feet on the floor, and still where they rest.
 *
 * Heels and toes rest where the source's ankles and toes are slow and low. In such an interval the humanoid's
 * heel or toe is to stay where it is on average; what it is off fades out before and after the interval.
 * Where a sole is in the floor it is lifted, where it rests it is put down. The leg follows: the hip swings,
 * the knee bends, the foot keeps its rotation. */
#include "motion/humanoid.h"
#include "motion/kinematics.h"
#include "motion/retarget_track.h"

#include <stdlib.h>
#include <string.h>

static const double slow = .4;      /* m/s: a resting point is slower */
static const double low = .06;      /* m: and not further from the height at which it usually rests */
static const double briefest = .07; /* s: shorter rests are none */
static const double fade = .12;     /* s, before and after a rest */
static const double widest = .1;    /* m: a foot that goes further does not rest */
static const double reach = .9995;  /* of the leg's length */

enum { HEEL, TOE, POINTS, FEET = 2 };

typedef struct feet {
    const ami_track *track;
    const ami_skeleton *skeleton;
    double scale;
    double *pose;       /* (frames, AMI_POSE) */
    bool *rests;        /* (frames, FEET, POINTS) */
    double (*point)[3]; /* (frames, FEET, POINTS) of the clip, m */
    double (*off)[3]; /* (frames, FEET): where the foot is to be moved, m; at first sums, [2] their weight */
    double *weight;   /* (frames, FEET): 1 in a rest, less around it */
} feet;

static size_t place(int frame, int foot, int point)
{
    return ((size_t)frame * FEET + (size_t)foot) * POINTS + (size_t)point;
}

/* The source's ankle or toe, m. */
static void source_point(const feet *w, int frame, int foot, int point, double at[3])
{
    const int side = foot ? AMI_PART_LEFT : AMI_PART_RIGHT;
    const bool toe = point == TOE && w->track->has[side + AMI_PART_TOE];
    const double *pos = w->track->frame[frame].pos[side + (toe ? AMI_PART_TOE : AMI_PART_FOOT)];
    for (int k = 0; k < 3; k++)
        at[k] = pos[k] * w->scale;
}

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* Whether the point hardly moves about this frame; and where it is. */
static bool is_slow(const feet *w, int frame, int foot, int point, double here[3])
{
    const int half = (int)fmax(1, round(.02 / w->track->frame_time)); /* speeds over .04 s: less noise */
    const int a = frame > half ? frame - half : 0,
              b = frame + half < w->track->frames ? frame + half : w->track->frames - 1;
    double before[3], after[3], v[3];
    source_point(w, a, foot, point, before);
    source_point(w, b, foot, point, after);
    source_point(w, frame, foot, point, here);
    ami_sub(v, after, before);
    return sqrt(ami_dot(v, v)) < slow * (b - a) * w->track->frame_time;
}

/* The height at which the point rests, m: below it is in a twentieth of the frames in which it is slow.
 * INFINITY where it never is, or memory is short. */
static double floor_of(const feet *w, int foot, int point)
{
    double *height = malloc((size_t)w->track->frames * sizeof *height), found = INFINITY;
    int n = 0;
    for (int f = 0; height && f < w->track->frames; f++) {
        double at[3];
        if (is_slow(w, f, foot, point, at))
            height[n++] = at[2];
    }
    if (n > 0) {
        qsort(height, (size_t)n, sizeof *height, compare);
        found = height[n / 20];
    }
    free(height);
    return found;
}

/* Drops rests that are too short. */
static void tidy_rests(feet *w, int foot, int point)
{
    const int frames = w->track->frames, least = (int)ceil(briefest / w->track->frame_time);
    for (int f = 0; f < frames;) {
        int end = f;
        while (end < frames && w->rests[place(end, foot, point)])
            end++;
        for (int k = f; end - f < least && k < end; k++)
            w->rests[place(k, foot, point)] = false;
        f = end + 1;
    }
}

static void find_rests(feet *w, int foot, int point)
{
    const double ground = floor_of(w, foot, point);
    for (int f = 0; f < w->track->frames; f++) {
        double at[3];
        w->rests[place(f, foot, point)] = is_slow(w, f, foot, point, at) && fabs(at[2] - ground) < low;
    }
    tidy_rests(w, foot, point);
}

/* Where heels and toes of the clip are. */
static void find_points(feet *w)
{
    for (int f = 0; f < w->track->frames; f++) {
        double joint[AMI_BODIES][3], rot[AMI_BODIES][4];
        ami_fk(w->skeleton, w->pose + (size_t)f * AMI_POSE, joint, rot);
        for (int foot = 0; foot < FEET; foot++) {
            const int ankle = foot ? AMI_LEFT_ANKLE : AMI_RIGHT_ANKLE;
            for (int p = 0; p < POINTS; p++) {
                double *at = w->point[place(f, foot, p)];
                ami_quat_rotate(at, rot[ankle], p == HEEL ? w->skeleton->heel[foot] : w->skeleton->toe[foot]);
                for (int k = 0; k < 3; k++)
                    at[k] += joint[ankle][k];
            }
        }
    }
}

static double lowest(const feet *w, int frame, int foot)
{
    return fmin(w->point[place(frame, foot, HEEL)][2], w->point[place(frame, foot, TOE)][2]);
}

/* Lowers the motion such that a resting foot's sole is on the floor in the middle of all cases; where no foot
 * ever rests, such that a hundredth of the frames are lower. */
static bool put_on_floor(feet *w, double *drop, ami_error *err)
{
    const int frames = w->track->frames;
    double *height = malloc((size_t)frames * FEET * sizeof *height);
    size_t n = 0;
    if (!height)
        return ami_fail(err, "out of memory for %d frames", frames);
    for (int f = 0; f < frames; f++)
        for (int foot = 0; foot < FEET; foot++)
            if (w->rests[place(f, foot, HEEL)] || w->rests[place(f, foot, TOE)])
                height[n++] = lowest(w, f, foot);
    const bool rested = n > 0;
    for (int f = 0; !rested && f < frames; f++)
        for (int foot = 0; foot < FEET; foot++)
            height[n++] = lowest(w, f, foot);
    qsort(height, n, sizeof *height, compare);
    *drop = height[rested ? n / 2 : n / 100];
    free(height);
    for (int f = 0; f < frames; f++) {
        w->pose[(size_t)f * AMI_POSE + 2] -= *drop;
        for (int i = 0; i < FEET * POINTS; i++)
            w->point[place(f, 0, 0) + (size_t)i][2] -= *drop;
    }
    return true;
}

/* Adds what a resting point is off, with weight 1 in the rest and less around it. */
static void hold_rest(feet *w, int foot, int point, int begin, int end)
{
    double mean[2] = {0, 0};
    for (int f = begin; f < end; f++)
        for (int k = 0; k < 2; k++)
            mean[k] += w->point[place(f, foot, point)][k] / (end - begin);
    const int around = (int)ceil(fade / w->track->frame_time);
    const int first = begin > around ? begin - around : 0,
              last = end + around < w->track->frames ? end + around : w->track->frames;
    for (int f = first; f < last; f++) {
        const int inside = f < begin ? begin : f >= end ? end - 1 : f, away = abs(f - inside);
        const double u = 1 - (double)away / (around + 1), weight = u * u * (3 - 2 * u);
        const double *at = w->point[place(inside, foot, point)];
        const size_t i = (size_t)f * FEET + (size_t)foot;
        const double share = weight / (1.05 - weight); /* a resting foot counts for more than a fading one */
        for (int k = 0; k < 2; k++)
            w->off[i][k] += share * (mean[k] - at[k]);
        w->off[i][2] += share;
        w->weight[i] = fmax(w->weight[i], weight);
    }
}

/* A rest in which the point is carried too far is several, with time between them to fade. */
static void hold_rests(feet *w, int foot, int point)
{
    const int around = (int)ceil(fade / w->track->frame_time);
    for (int f = 0; f < w->track->frames;) {
        int end = f;
        bool carried = false;
        for (; end < w->track->frames && w->rests[place(end, foot, point)] && !carried; end++) {
            double way[3];
            ami_sub(way, w->point[place(end, foot, point)], w->point[place(f, foot, point)]);
            carried = hypot(way[0], way[1]) > widest;
        }
        if (end > f)
            hold_rest(w, foot, point, f, end);
        f = end > f ? end : f + 1;
        for (int k = 0; carried && k < 2 * around && f < w->track->frames && w->rests[place(f, foot, point)];
             k++)
            w->rests[place(f++, foot, point)] = false;
    }
}

/* Moves the ankle by `off`: hip and knee turned in the limb's plane, the foot's rotation kept. */
static void move_foot(const feet *w, double *pose, int foot, const double off[3])
{
    const int hip = foot ? AMI_LEFT_HIP : AMI_RIGHT_HIP, knee = hip + 1, ankle = hip + 2;
    double joint[AMI_BODIES][3], rot[AMI_BODIES][4], to[3], from[3], axis[3], way[3], swing[4], frame[4];
    ami_fk(w->skeleton, pose, joint, rot);
    const double upper = -w->skeleton->offset[knee][1], lower = -w->skeleton->offset[ankle][1];
    for (int k = 0; k < 3; k++)
        way[k] = joint[ankle][k] + off[k] - joint[hip][k];
    memcpy(to, way, sizeof to);
    const double far = fmin(fmax(ami_unit(to), fabs(upper - lower) + .02), (upper + lower) * reach);
    if (!ami_direction(from, joint[hip], joint[ankle]))
        return;
    ami_quat_from_to(swing, from, to);
    ami_quat_rotate(axis, rot[hip], (const double[3]){0, 0, 1});
    ami_quat_rotate(axis, swing, axis);
    const double at_hip = acos(fmin(1, (upper * upper + far * far - lower * lower) / (2 * upper * far)));
    const double at_knee = acos(fmax(-1, (upper * upper + lower * lower - far * far) / (2 * upper * lower)));
    double turn[4], down[3];
    ami_quat_axis_angle(turn, axis, at_hip);
    ami_quat_rotate(down, turn, to);
    for (int k = 0; k < 3; k++)
        down[k] = -down[k];
    ami_quat_of_axes(frame, down, axis);
    ami_quat_between(pose + ami_body_joint(hip).pose, rot[AMI_ROOT], frame);
    const double bend =
        fmin(fmax(at_knee - M_PI, w->skeleton->hinge_range[knee][0]), w->skeleton->hinge_range[knee][1]);
    pose[ami_body_joint(knee).pose] = bend;
    double shin[4];
    ami_quat_about_z(turn, bend);
    ami_quat_mul(shin, frame, turn);
    ami_quat_between(pose + ami_body_joint(ankle).pose, shin, rot[ankle]);
}

/* Raises or lowers the body by what resting feet are off the floor together, smoothly, so that the legs need
 * not. */
static bool level_root(feet *w, ami_error *err)
{
    const int frames = w->track->frames, half = (int)round(fade / w->track->frame_time);
    double *lift = calloc((size_t)frames + 1, sizeof *lift); /* sums up to a frame */
    if (!lift)
        return ami_fail(err, "out of memory for %d frames", frames);
    for (int f = 0; f < frames; f++) {
        double sum = 0, weights = 0, most = 0;
        for (int foot = 0; foot < FEET; foot++) {
            const double weight = w->weight[(size_t)f * FEET + (size_t)foot];
            sum -= weight * lowest(w, f, foot);
            weights += weight;
            most = fmax(most, weight);
        }
        lift[f + 1] = lift[f] + (weights > 0 ? most * sum / weights : 0);
    }
    for (int f = 0; f < frames; f++) {
        const int a = f > half ? f - half : 0, b = f + half < frames ? f + half : frames - 1;
        const double up = (lift[b + 1] - lift[a]) / (b + 1 - a);
        w->pose[(size_t)f * AMI_POSE + 2] += up;
        for (int i = 0; i < FEET * POINTS; i++)
            w->point[place(f, 0, 0) + (size_t)i][2] += up;
    }
    free(lift);
    return true;
}

static void move_feet(feet *w)
{
    for (int f = 0; f < w->track->frames; f++)
        for (int foot = 0; foot < FEET; foot++) {
            const size_t i = (size_t)f * FEET + (size_t)foot;
            double *off = w->off[i];
            const double height = lowest(w, f, foot), part = off[2] > 0 ? w->weight[i] / off[2] : 0;
            off[0] *= part;
            off[1] *= part;
            off[2] = height < 0 ? -height : -height * w->weight[i];
            if (ami_dot(off, off) > 1e-12)
                move_foot(w, w->pose + (size_t)f * AMI_POSE, foot, off);
        }
}

/* Mean speed on the floor of what rests, m/s, of the source (true) or the clip. */
static double skate_of(const feet *w, bool source)
{
    double sum = 0;
    int n = 0;
    for (int f = 1; f < w->track->frames; f++)
        for (int foot = 0; foot < FEET; foot++)
            for (int p = 0; p < POINTS; p++) {
                if (!w->rests[place(f, foot, p)] || !w->rests[place(f - 1, foot, p)])
                    continue;
                double a[3], b[3], v[3];
                if (source) {
                    source_point(w, f - 1, foot, p, a);
                    source_point(w, f, foot, p, b);
                } else {
                    memcpy(a, w->point[place(f - 1, foot, p)], sizeof a);
                    memcpy(b, w->point[place(f, foot, p)], sizeof b);
                }
                ami_sub(v, b, a);
                sum += hypot(v[0], v[1]) / w->track->frame_time;
                n++;
            }
    return n ? sum / n : 0;
}

static double depth_of(const feet *w)
{
    double deepest = 0;
    for (int f = 0; f < w->track->frames; f++)
        for (int foot = 0; foot < FEET; foot++)
            deepest = fmax(deepest, -lowest(w, f, foot));
    return deepest;
}

bool ami_retarget_feet(const ami_track *track, double scale, bool lock, double *pose,
                       ami_retarget_report *report, ami_error *err)
{
    const size_t n = (size_t)track->frames * FEET;
    feet w = {.track = track, .skeleton = ami_humanoid(), .scale = scale, .pose = pose};
    w.rests = calloc(n * POINTS, sizeof *w.rests);
    w.point = malloc(n * POINTS * sizeof *w.point);
    w.off = calloc(n, sizeof *w.off);
    w.weight = calloc(n, sizeof *w.weight);
    bool ok = (w.rests && w.point && w.off && w.weight) ||
              ami_fail(err, "out of memory for %d frames", track->frames);
    if (ok) {
        int resting = 0;
        for (int foot = 0; foot < FEET; foot++)
            for (int p = 0; p < POINTS; p++)
                find_rests(&w, foot, p);
        for (int f = 0; f < track->frames; f++) {
            bool any = false;
            for (int i = 0; i < FEET * POINTS; i++)
                any |= w.rests[place(f, 0, 0) + (size_t)i];
            resting += any;
        }
        report->contact = (double)resting / track->frames;
        find_points(&w);
        ok = !lock || put_on_floor(&w, &report->drop, err);
        report->skate[0] = skate_of(&w, true);
        report->depth[0] = depth_of(&w);
        if (ok && lock) {
            for (int foot = 0; foot < FEET; foot++)
                for (int p = 0; p < POINTS; p++)
                    hold_rests(&w, foot, p);
            ok = level_root(&w, err);
            move_feet(&w);
            find_points(&w);
        }
        report->skate[1] = skate_of(&w, false);
        report->depth[1] = depth_of(&w);
    }
    free(w.rests);
    free(w.point);
    free(w.off);
    free(w.weight);
    return ok;
}
