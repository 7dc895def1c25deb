/* From where a source's bones point to the humanoid's pose. */
#include "motion/retarget.h"

#include "motion/clip_check.h"
#include "motion/humanoid.h"
#include "motion/kinematics.h"
#include "motion/retarget_track.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { RIGHT, LEFT, SIDES };
enum { LEG, ARM, LIMBS };

/* The zero pose or the first frame is a rest pose if it is off by less than this (ami_parts_off_rest); a
 * T-pose is off by 0, standing at ease by .5. */
static const double rest_off = .6; /* rad */
/* Weight of a limb's usual hinge axis against the plane in which it is bent, which has the bend's sine. */
static const double usual_weight = .1;
/* A limb bent to the wrong side by less than the first is overstretched and laid straight; by more than the
 * second, it is bent about that axis. */
static const double overstretched[2] = {.2, .4}; /* sine */
static const double consistent = .8;             /* of a limb's bends about one axis of its own */
static const double bends_enough = .05;          /* mean sine */
/* A straight arm's twist may jump; a wrong frame time makes everything fast. */
static const double spikes = .02;
static const double same_place = 1e-3; /* m */

typedef struct limb {
    int part, body;  /* thigh or arm; hip or shoulder */
    double flexion;  /* of the hinge's sign: -1 knee, 1 elbow */
    bool usual;      /* it has a hinge axis that turns with its upper bone: */
    double axis[3];  /* this one, in that bone's frame */
    double last[3];  /* else the frame before's, world */
    double hinge[2]; /* limits, rad */
} limb;

typedef struct work {
    const ami_track *track;
    const ami_skeleton *skeleton;
    double frame[AMI_PARTS][4]; /* of hips, chest, head and feet: the humanoid's frame in the joint's */
    limb limb[SIDES][LIMBS];
} work;

ami_retarget_def ami_retarget_default_def(void)
{
    return (ami_retarget_def){.rest = AMI_REST_AUTO, .lock_feet = true, .check = true};
}

const char *ami_axis_name(int axis)
{
    static const char *const name[] = {"-z", "-y", "-x", "", "x", "y", "z"};
    return axis < -3 || axis > 3 ? "" : name[axis + 3];
}

bool ami_axis_read(const char *text, int *axis)
{
    const char *letter = text + (*text == '+' || *text == '-');
    if (letter[0] == 0 || letter[1] != 0 || !strchr("xyzXYZ", letter[0]))
        return false;
    *axis = (letter[0] | 32) - 'x' + 1;
    if (*text == '-')
        *axis = -*axis;
    return true;
}

const char *ami_retarget_unit(const ami_retarget_report *report, char *text, size_t size)
{
    static const struct {
        const char *name;
        double metres;
    } units[] = {{"metres", 1},     {"centimetres", .01}, {"millimetres", .001},
                 {"inches", .0254}, {"feet", .3048},      {"units of 5.64 cm (CMU's)", .0564444}};
    double nearest = .25;
    snprintf(text, size, "units of %.3g m", report->leg > 0 ? .83 / report->leg : 0);
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        const double off = fabs(log(report->leg * units[i].metres / .83));
        if (off < nearest) {
            nearest = off;
            snprintf(text, size, "%s", units[i].name);
        }
    }
    return text;
}

/* The humanoid's frame (x forward, y up, z right) that stands upright along `up` and faces `forward`. */
static void upright(double q[4], const double up[3], const double forward[3])
{
    double right[3];
    ami_cross(right, forward, up);
    ami_quat_of_axes(q, up, right);
}

/* Which pose everything is measured from; its number, or AMI_REST_ZERO. */
static int find_rest(const ami_track *track, double *off)
{
    int up = 0, best = 0;
    if (track->turned) {
        *off = ami_parts_off_rest(track, &track->zero, &up);
        if (*off < rest_off)
            return AMI_REST_ZERO;
    }
    const int step = track->frames / 500 + 1;
    *off = INFINITY;
    for (int f = 0; f < track->frames; f += step) {
        up = 3;
        const double here = ami_parts_off_rest(track, &track->frame[f], &up);
        if (here < *off) {
            *off = here;
            best = f;
        }
        if (f == 0 && here < rest_off / 3) /* a T-pose in front of the motion */
            return 0;
    }
    return best;
}

/* Where the body faces in a pose whose up is known. */
static void facing_of(const ami_track *track, const ami_parts *rest, const double up[3], double forward[3])
{
    double right[3];
    if (ami_dot(track->facing, track->facing) > 0 && ami_across(forward, track->facing, up))
        return;
    if (!ami_direction(right, rest->pos[AMI_PART_LEFT + AMI_PART_THIGH],
                       rest->pos[AMI_PART_RIGHT + AMI_PART_THIGH]) ||
        !ami_across(right, right, up)) {
        const double any[3] = {fabs(up[0]) < .9, fabs(up[0]) >= .9, 0};
        (void)ami_across(right, any, up);
    }
    ami_cross(forward, up, right);
}

/* The humanoid's frames in the joints' frames. In a zero pose up is the world's; in a frame of the motion a
 * person may lean a little, so the trunk's own line is up for the trunk. */
static void calibrate_frames(work *w, const ami_parts *rest, bool zero)
{
    const ami_track *track = w->track;
    double up[3] = {0, 0, 1}, line[3], forward[3], root[3], neck[3], world[4];
    if (zero) {
        int axis = 0;
        (void)ami_parts_off_rest(track, rest, &axis);
        up[2] = 0;
        up[abs(axis) - 1] = axis < 0 ? -1 : 1;
    }
    memcpy(line, up, sizeof line);
    ami_parts_root(rest, root);
    ami_parts_neck(track, rest, neck);
    if (!zero && !ami_direction(line, root, neck))
        memcpy(line, up, sizeof line);
    facing_of(track, rest, line, forward);
    upright(world, line, forward);
    static const int trunk[3] = {AMI_PART_HIPS, AMI_PART_CHEST, AMI_PART_HEAD};
    for (int i = 0; i < 3; i++)
        if (track->has[trunk[i]])
            ami_quat_between(w->frame[trunk[i]], rest->rot[trunk[i]], world);
    for (int side = AMI_PART_RIGHT; side <= AMI_PART_LEFT; side += AMI_PART_LEFT - AMI_PART_RIGHT) {
        const int foot = side + AMI_PART_FOOT, toe = side + AMI_PART_TOE;
        double ahead[3], level[3], toes[3];
        if (!ami_across(ahead, forward, up))
            memcpy(ahead, forward, sizeof ahead);
        if (track->has[toe] && ami_direction(toes, rest->pos[foot], rest->pos[toe]) &&
            ami_across(level, toes, up) && ami_dot(level, ahead) > .5 && ami_dot(level, toes) > .2)
            memcpy(ahead, level, sizeof ahead);
        upright(world, up, ahead);
        ami_quat_between(w->frame[foot], rest->rot[foot], world);
    }
}

/* The two bones of a limb, of unit length; false where one has none. */
static bool bones_of(const limb *l, const ami_parts *parts, double upper[3], double lower[3])
{
    return ami_direction(upper, parts->pos[l->part], parts->pos[l->part + 1]) &&
           ami_direction(lower, parts->pos[l->part + 1], parts->pos[l->part + 2]);
}

/* The axis about which the limb is bent, with the bend's sine as its length. */
static void bend_of(const limb *l, const double upper[3], const double lower[3], double bend[3])
{
    ami_cross(bend, upper, lower);
    for (int k = 0; k < 3; k++)
        bend[k] *= l->flexion;
}

/* The hinge axis of a limb that hangs at `upper` from a body with this frame, as the humanoid's has it when
 * the limb was swung there from hanging straight down. */
static void axis_at_rest(const double body[4], const double upper[3], double axis[3])
{
    double down[3], right[3], swing[4];
    ami_quat_rotate(down, body, (const double[3]){0, -1, 0});
    ami_quat_rotate(right, body, (const double[3]){0, 0, 1});
    ami_quat_from_to(swing, down, upper);
    ami_quat_rotate(axis, swing, right);
}

/* Where the motion bends a limb about one axis of its upper bone, that is its hinge. Else, with a rest pose
 * that is one, the hinge is as in the humanoid there. Else there is none to rely on. */
static void calibrate_limb(work *w, limb *l, const ami_parts *rest, bool zero)
{
    const ami_track *track = w->track;
    double sum[3] = {0, 0, 0}, size = 0, upper[3], lower[3], bend[3], body[4];
    const int step = track->frames / 2000 + 1;
    int n = 0;
    for (int f = 0; track->turned && f < track->frames; f += step, n++) {
        const ami_parts *parts = &track->frame[f];
        if (!bones_of(l, parts, upper, lower))
            continue;
        bend_of(l, upper, lower, bend);
        size += sqrt(ami_dot(bend, bend));
        ami_quat_unrotate(bend, parts->rot[l->part], bend);
        for (int k = 0; k < 3; k++)
            sum[k] += bend[k];
    }
    l->usual = size > bends_enough * n && ami_unit(sum) > consistent * size;
    memcpy(l->axis, sum, sizeof sum);
    if (!l->usual && zero && bones_of(l, rest, upper, lower)) {
        const int on = l->body == AMI_RIGHT_HIP || l->body == AMI_LEFT_HIP || !track->has[AMI_PART_CHEST]
                           ? AMI_PART_HIPS
                           : AMI_PART_CHEST;
        ami_quat_mul(body, rest->rot[on], w->frame[on]);
        axis_at_rest(body, upper, l->axis);
        ami_quat_unrotate(l->axis, rest->rot[l->part], l->axis);
        l->usual = true;
    }
}

/* From 0 at a to 1 at b, smoothly. */
static double ramp(double x, double a, double b)
{
    const double u = fmin(fmax((x - a) / (b - a), 0), 1);
    return u * u * (3 - 2 * u);
}

/* The upper bone's frame and the hinge's angle. `body`: the frame that the limb hangs on. */
static void solve_limb(limb *l, const ami_parts *parts, const double body[4], bool first, double frame[4],
                       double *angle)
{
    double upper[3], lower[3], bend[3], usual[3], axis[3];
    if (!bones_of(l, parts, upper, lower)) {
        ami_quat_rotate(upper, body, (const double[3]){0, -1, 0});
        memcpy(lower, upper, sizeof lower);
    }
    bend_of(l, upper, lower, bend);
    if (l->usual)
        ami_quat_rotate(usual, parts->rot[l->part], l->axis);
    else if (first)
        axis_at_rest(body, upper, usual);
    else
        memcpy(usual, l->last, sizeof usual);
    if (!ami_across(usual, usual, upper))
        axis_at_rest(body, upper, usual);
    /* The plane of a small bend is noise, and one to the wrong side is none: then the usual axis counts. */
    const double size = sqrt(ami_dot(bend, bend)), same = ami_dot(bend, usual);
    const double large = ramp(size, overstretched[0], overstretched[1]);
    const double trust = fmax(large, size > 0 ? ramp(same / size, 0, .5) : 0);
    double down[3] = {-upper[0], -upper[1], -upper[2]}, c[3];
    for (int k = 0; k < 3; k++)
        axis[k] = trust * bend[k] + ((1 - large) * usual_weight + (1 - trust) * fmax(0, same)) * usual[k];
    if (!ami_across(axis, axis, upper))
        memcpy(axis, usual, sizeof axis);
    ami_cross(c, upper, lower);
    *angle = atan2(ami_dot(c, axis), ami_dot(upper, lower));
    if (*angle * l->flexion < 0) { /* overstretched: straight, along both bones */
        for (int k = 0; k < 3; k++)
            down[k] = -(upper[k] + lower[k]);
        ami_unit(down);
        *angle = 0;
    }
    *angle = fmin(fmax(*angle, l->hinge[0]), l->hinge[1]);
    memcpy(l->last, axis, sizeof axis);
    ami_quat_of_axes(frame, down, axis);
}

/* q: `frame` seen from `parent`. */
static void put_ball(double *pose, int body, const double parent[4], const double frame[4])
{
    ami_quat_between(pose + ami_body_joint(body).pose, parent, frame);
}

static void solve_frame(work *w, const ami_parts *parts, bool first, double scale, double pose[AMI_POSE])
{
    const ami_track *track = w->track;
    double hips[4], chest[4], head[4];
    ami_parts_root(parts, pose);
    for (int k = 0; k < 3; k++)
        pose[k] *= scale;
    ami_quat_mul(hips, parts->rot[AMI_PART_HIPS], w->frame[AMI_PART_HIPS]);
    memcpy(chest, hips, sizeof chest);
    if (track->has[AMI_PART_CHEST])
        ami_quat_mul(chest, parts->rot[AMI_PART_CHEST], w->frame[AMI_PART_CHEST]);
    memcpy(head, chest, sizeof head);
    if (track->has[AMI_PART_HEAD])
        ami_quat_mul(head, parts->rot[AMI_PART_HEAD], w->frame[AMI_PART_HEAD]);
    memcpy(pose + 3, hips, sizeof hips);
    put_ball(pose, AMI_CHEST, hips, chest);
    put_ball(pose, AMI_NECK, chest, head);
    for (int side = 0; side < SIDES; side++)
        for (int i = 0; i < LIMBS; i++) {
            limb *l = &w->limb[side][i];
            const double *on = i == LEG ? hips : chest;
            double frame[4], turn[4], shin[4], foot[4], angle;
            solve_limb(l, parts, on, first, frame, &angle);
            put_ball(pose, l->body, on, frame);
            pose[ami_body_joint(l->body + 1).pose] = angle;
            if (i == LEG) {
                ami_quat_about_z(turn, angle);
                ami_quat_mul(shin, frame, turn);
                ami_quat_mul(foot, parts->rot[l->part + 2], w->frame[l->part + 2]);
                put_ball(pose, l->body + 2, shin, foot);
            }
        }
}

static void note_residual(double sum[2], int *frame, double value, int f)
{
    sum[0] += value;
    if (value > sum[1]) {
        sum[1] = value;
        *frame = f;
    }
}

/* How far the clip is from its source. A joint's bone is the one from it to the next; what has none, its
 * frame. */
static void measure(const work *w, double scale, const double *pose, ami_retarget_report *report)
{
    static const int part[AMI_BODIES] = {AMI_PART_HIPS,
                                         AMI_PART_CHEST,
                                         AMI_PART_HEAD,
                                         AMI_PART_RIGHT + AMI_PART_THIGH,
                                         AMI_PART_RIGHT + AMI_PART_SHIN,
                                         AMI_PART_RIGHT + AMI_PART_FOOT,
                                         AMI_PART_RIGHT + AMI_PART_ARM,
                                         AMI_PART_RIGHT + AMI_PART_FOREARM,
                                         AMI_PART_RIGHT + AMI_PART_HAND,
                                         AMI_PART_LEFT + AMI_PART_THIGH,
                                         AMI_PART_LEFT + AMI_PART_SHIN,
                                         AMI_PART_LEFT + AMI_PART_FOOT,
                                         AMI_PART_LEFT + AMI_PART_ARM,
                                         AMI_PART_LEFT + AMI_PART_FOREARM,
                                         AMI_PART_LEFT + AMI_PART_HAND};
    const ami_track *track = w->track;
    for (int f = 0; f < track->frames; f++) {
        const ami_parts *parts = &track->frame[f];
        double joint[AMI_BODIES][3], rot[AMI_BODIES][4];
        ami_fk(w->skeleton, pose + (size_t)f * AMI_POSE, joint, rot);
        for (int b = 0; b < AMI_BODIES; b++) {
            const int p = part[b];
            ami_retarget_joint *row = &report->joint[b];
            if (!track->has[p])
                continue;
            double there[3], off[3];
            if (b == AMI_ROOT)
                ami_parts_root(parts, there);
            else
                memcpy(there,
                       b == AMI_NECK && track->has[AMI_PART_NECK] ? parts->pos[AMI_PART_NECK] : parts->pos[p],
                       sizeof there);
            for (int k = 0; k < 3; k++)
                off[k] = joint[b][k] - there[k] * scale;
            off[2] += report->drop;
            if (b !=
                AMI_CHEST) /* the source's chest is where its arms meet, the humanoid's in the spine's middle
                              */
                note_residual(row->off, &row->off_frame, sqrt(ami_dot(off, off)), f);
            double angle = 0;
            const bool hand = b == AMI_RIGHT_WRIST || b == AMI_LEFT_WRIST;
            const bool framed = b <= AMI_NECK || b == AMI_RIGHT_ANKLE || b == AMI_LEFT_ANKLE;
            if (framed) {
                double should[4];
                ami_quat_mul(should, parts->rot[p], w->frame[p]);
                angle = ami_quat_angle(should, rot[b]);
            } else if (!hand) {
                double bone[3], should[3];
                if (ami_direction(bone, joint[b], joint[b + 1]) &&
                    ami_direction(should, parts->pos[p], parts->pos[p + 1]))
                    angle = ami_between(bone, should);
            }
            note_residual(row->angle, &row->angle_frame, angle, f);
        }
    }
    for (int b = 0; b < AMI_BODIES; b++) {
        report->joint[b].angle[0] /= track->frames;
        report->joint[b].off[0] /= track->frames;
    }
}

static void start_limbs(work *w)
{
    for (int side = 0; side < SIDES; side++)
        for (int i = 0; i < LIMBS; i++) {
            limb *l = &w->limb[side][i];
            const int hip = side == RIGHT ? AMI_RIGHT_HIP : AMI_LEFT_HIP;
            l->part =
                (side == RIGHT ? AMI_PART_RIGHT : AMI_PART_LEFT) + (i == LEG ? AMI_PART_THIGH : AMI_PART_ARM);
            l->body = i == LEG ? hip : hip + AMI_RIGHT_SHOULDER - AMI_RIGHT_HIP;
            l->flexion = i == LEG ? -1 : 1;
            memcpy(l->hinge, w->skeleton->hinge_range[l->body + 1], sizeof l->hinge);
        }
}

static bool choose_rest(const ami_track *track, const ami_retarget_def *def, ami_retarget_report *report,
                        ami_error *err)
{
    if (def->rest == AMI_REST_AUTO) {
        report->rest = find_rest(track, &report->rest_off);
        return true;
    }
    if (def->rest >= track->frames)
        return ami_fail(err, "the rest pose is to be frame %d, but there are only %d, from 0", def->rest,
                        track->frames);
    if (def->rest < 0 && !track->turned)
        return ami_fail(err, "the rest pose is to be the zero pose, but the file has no rotations");
    int up = def->rest < 0 ? 0 : 3;
    report->rest = def->rest;
    report->rest_off =
        ami_parts_off_rest(track, def->rest < 0 ? &track->zero : &track->frame[def->rest], &up);
    return true;
}

/* Whether the root's place is the same in all frames: the file has no path, or one that was taken out. */
static bool keeps_its_place(int frames, const double *pose)
{
    for (int f = 1; f < frames; f++)
        for (int k = 0; k < 2; k++)
            if (fabs(pose[(size_t)f * AMI_POSE + (size_t)k] - pose[k]) > same_place)
                return false;
    return true;
}

ami_clip *ami_retarget(const ami_mocap *mocap, const ami_retarget_def *def, const char *name,
                       ami_retarget_report *report, ami_error *err)
{
    ami_retarget_report own;
    report = report ? report : &own;
    memset(report, 0, sizeof *report);
    if (mocap->frames < 2) {
        ami_fail(err, "the file holds one frame: a pose, expected a motion");
        return NULL;
    }
    ami_track track;
    if (!ami_track_read(&track, mocap, def, report, err)) {
        ami_track_free(&track);
        return NULL;
    }
    work w = {.track = &track, .skeleton = ami_humanoid()};
    ami_clip *clip = NULL;
    double *time = malloc((size_t)track.frames * (1 + AMI_POSE) * sizeof *time), *pose = time + track.frames;
    if (!time)
        ami_fail(err, "out of memory for %d frames", track.frames);
    else if (choose_rest(&track, def, report, err)) {
        const bool zero = report->rest == AMI_REST_ZERO;
        const ami_parts *rest = zero ? &track.zero : &track.frame[report->rest];
        const double leg = -w.skeleton->offset[AMI_RIGHT_KNEE][1] - w.skeleton->offset[AMI_RIGHT_ANKLE][1];
        report->scale = def->scale > 0 ? def->scale : leg / report->leg;
        start_limbs(&w);
        calibrate_frames(&w, rest, zero);
        for (int side = 0; side < SIDES; side++)
            for (int i = 0; i < LIMBS; i++)
                calibrate_limb(&w, &w.limb[side][i], rest, zero && report->rest_off < rest_off);
        for (int f = 0; f < track.frames; f++) {
            time[f] = f * track.frame_time;
            solve_frame(&w, &track.frame[f], f == 0, report->scale, pose + (size_t)f * AMI_POSE);
        }
        report->in_place = keeps_its_place(track.frames, pose);
        if (ami_retarget_feet(&track, report->scale, def->lock_feet, pose, report, err)) {
            measure(&w, report->scale, pose, report);
            clip = ami_clip_create(track.frames, time, pose, false, name, err);
        }
    }
    free(time);
    ami_track_free(&track);
    static const char remedy[] =
        "amble clip convert has --scale for the unit, --up for the axis, --time-scale for the "
        "frame time";
    if (clip && def->check &&
        !(ami_clip_check_heights(ami_clip_frames(clip), ami_clip_poses(clip), remedy, err) &&
          ami_clip_check_speeds(clip, spikes, remedy, err))) {
        ami_clip_destroy(clip);
        clip = NULL;
    }
    return clip;
}
