/* What a recorded motion looks like to retargeting: parts, axes, lengths. */
#include "motion/retarget_track.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLED = 200 }; /* frames that geometry looks at */

/* A joint that turns further than this in one frame and is nearly back in the next did not move so. */
static const double jump_angle = 60 * M_PI / 180, jump_back = .25;
static const double jump_speed = 40; /* rad/s: and no joint is that fast for two frames running */
/* The root's jump, in lengths of a leg, and speed in lengths of a leg a second. */
static const double jump_length = .3, jump_lengths = 20;

void ami_quat_of_axes(double q[4], const double y[3], const double z[3])
{
    double a[3], c[3];
    if (!ami_across(c, z, y)) {
        const double other[3] = {fabs(y[0]) < .9, fabs(y[0]) >= .9, 0};
        (void)ami_across(c, other, y);
    }
    ami_cross(a, y, c);
    /* the matrix with columns a, y, c (Shepperd 1978: by its largest term) */
    const double m00 = a[0], m10 = a[1], m20 = a[2], m01 = y[0], m11 = y[1], m21 = y[2], m02 = c[0],
                 m12 = c[1], m22 = c[2], trace = m00 + m11 + m22;
    if (trace > 0) {
        const double v[4] = {1 + trace, m21 - m12, m02 - m20, m10 - m01};
        memcpy(q, v, sizeof v);
    } else if (m00 >= m11 && m00 >= m22) {
        const double v[4] = {m21 - m12, 1 + m00 - m11 - m22, m01 + m10, m02 + m20};
        memcpy(q, v, sizeof v);
    } else if (m11 >= m22) {
        const double v[4] = {m02 - m20, m01 + m10, 1 - m00 + m11 - m22, m12 + m21};
        memcpy(q, v, sizeof v);
    } else {
        const double v[4] = {m10 - m01, m02 + m20, m12 + m21, 1 - m00 - m11 + m22};
        memcpy(q, v, sizeof v);
    }
    ami_quat_normalize(q);
}

void ami_quat_from_to(double q[4], const double a[3], const double b[3])
{
    double c[3];
    ami_cross(c, a, b);
    q[0] = 1 + ami_dot(a, b);
    memcpy(q + 1, c, sizeof c);
    if (q[0] < 1e-9) { /* opposite: half a turn about anything across */
        const double other[3] = {fabs(a[0]) < .9, fabs(a[0]) >= .9, 0};
        q[0] = 0;
        (void)ami_across(q + 1, other, a);
    }
    ami_quat_normalize(q);
}

void ami_track_free(ami_track *track)
{
    free(track->frame);
    track->frame = NULL;
}

void ami_parts_root(const ami_parts *parts, double root[3])
{
    for (int k = 0; k < 3; k++)
        root[k] =
            (parts->pos[AMI_PART_RIGHT + AMI_PART_THIGH][k] + parts->pos[AMI_PART_LEFT + AMI_PART_THIGH][k]) /
            2;
}

void ami_parts_neck(const ami_track *track, const ami_parts *parts, double neck[3])
{
    for (int k = 0; k < 3; k++)
        neck[k] = track->has[AMI_PART_NECK] ? parts->pos[AMI_PART_NECK][k]
                                            : (parts->pos[AMI_PART_RIGHT + AMI_PART_ARM][k] +
                                               parts->pos[AMI_PART_LEFT + AMI_PART_ARM][k]) /
                                                  2;
}

/* From the middle of the feet to the neck, of unit length. */
static void stature(const ami_track *track, const ami_parts *parts, double up[3])
{
    double feet[3], neck[3];
    for (int k = 0; k < 3; k++)
        feet[k] =
            (parts->pos[AMI_PART_RIGHT + AMI_PART_FOOT][k] + parts->pos[AMI_PART_LEFT + AMI_PART_FOOT][k]) /
            2;
    ami_parts_neck(track, parts, neck);
    if (!ami_direction(up, feet, neck))
        up[0] = up[1] = up[2] = 0;
}

static int largest_axis(const double v[3])
{
    int k = fabs(v[1]) > fabs(v[0]) ? 1 : 0;
    k = fabs(v[2]) > fabs(v[k]) ? 2 : k;
    return v[k] < 0 ? -(k + 1) : k + 1;
}

static void axis_vector(double v[3], int axis)
{
    v[0] = v[1] = v[2] = 0;
    v[abs(axis) - 1] = axis < 0 ? -1 : 1;
}

double ami_parts_off_rest(const ami_track *track, const ami_parts *parts, int *up)
{
    double v[3], neck[3], root[3], trunk[3], off = 0;
    stature(track, parts, v);
    if (*up == 0)
        *up = largest_axis(v);
    axis_vector(v, *up);
    ami_parts_neck(track, parts, neck);
    ami_parts_root(parts, root);
    if (!ami_direction(trunk, root, neck))
        return M_PI;
    off = ami_between(trunk, v);
    for (int side = AMI_PART_RIGHT; side <= AMI_PART_LEFT; side += AMI_PART_LEFT - AMI_PART_RIGHT) {
        const double(*p)[3] = parts->pos + side;
        double thigh[3], shin[3], arm[3], forearm[3];
        if (!ami_direction(thigh, p[AMI_PART_SHIN], p[AMI_PART_THIGH]) ||
            !ami_direction(shin, p[AMI_PART_FOOT], p[AMI_PART_SHIN]) ||
            !ami_direction(arm, p[AMI_PART_ARM], p[AMI_PART_FOREARM]) ||
            !ami_direction(forearm, p[AMI_PART_FOREARM], p[AMI_PART_HAND]))
            return M_PI;
        const double leg[2] = {ami_between(thigh, v), ami_between(shin, v)};
        for (int k = 0; k < 2; k++) /* legs may stand apart */
            off += leg[k] / 4 + fmax(0, leg[k] - .4);
        off += ami_between(thigh, shin) / 2 + ami_between(arm, forearm) / 4;
        off += fmax(0, ami_dot(arm, v) - .2); /* arms above the shoulders pull the chest along */
    }
    return off;
}

/* Turns the file's up axis to z; `mirror` exchanges y and -y afterwards. */
static void turn_parts(ami_parts *parts, const double turn[4], bool mirror)
{
    for (int p = 0; p < AMI_PARTS; p++) {
        double *pos = parts->pos[p], *rot = parts->rot[p];
        ami_quat_rotate(pos, turn, pos);
        ami_quat_mul(rot, turn, rot);
        if (mirror) {
            pos[1] = -pos[1];
            rot[1] = -rot[1], rot[3] = -rot[3];
        }
    }
}

/* Of a frame of all joints, the parts. */
static void pick(ami_parts *parts, const ami_joint_map *map, const double (*pos)[3], const double (*rot)[4])
{
    for (int p = 0; p < AMI_PARTS; p++) {
        const int j = map->joint[p] < 0 ? 0 : map->joint[p];
        memcpy(parts->pos[p], pos[j], sizeof parts->pos[p]);
        memcpy(parts->rot[p], rot[j], sizeof parts->rot[p]);
    }
}

/* Whether `here` jumps away from its neighbours, which are close to each other. */
static bool jumps(const double before[4], const double here[4], const double after[4], double frame_time)
{
    /* the usual case, without trigonometry: |cos| of half the angle to the frame before */
    if (fabs(ami_quat_dot(before, here)) > .8660254)
        return false;
    const double a = ami_quat_angle(before, here), b = ami_quat_angle(here, after), nearer = fmin(a, b);
    return nearer > fmax(jump_angle, jump_speed * frame_time) &&
           ami_quat_angle(before, after) < jump_back * nearer;
}

/* All frames, three at a time, because a jump shows only between its neighbours. */
static bool read_frames(ami_track *track, const ami_mocap *m, const ami_joint_map *map, int *repaired,
                        ami_error *err)
{
    const size_t joints = (size_t)m->joints;
    double(*local)[4] = malloc(4 * joints * sizeof *local), (*pos)[3] = malloc(joints * sizeof *pos);
    track->frame = malloc((size_t)m->frames * sizeof *track->frame);
    bool ok = (local && pos && track->frame) || ami_fail(err, "out of memory for %d frames", m->frames);
    if (ok) {
        double(*rot)[4] = local + 3 * joints, (*window[3])[4] = {local, local + joints, local + 2 * joints};
        ami_mocap_local(m, 0, window[1]);
        for (int f = 0; f < m->frames; f++) {
            if (f + 1 < m->frames)
                ami_mocap_local(m, f + 1, window[2]);
            for (size_t j = 0; f > 0 && f + 1 < m->frames && j < joints; j++)
                if (m->joint[j].channels > 0 &&
                    jumps(window[0][j], window[1][j], window[2][j], m->frame_time)) {
                    ami_quat_slerp(window[1][j], window[0][j], window[2][j], .5);
                    ++*repaired;
                }
            ami_mocap_place(m, f, (const double(*)[4])window[1], pos, rot);
            pick(&track->frame[f], map, (const double(*)[3])pos, (const double(*)[4])rot);
            double(*first)[4] = window[0];
            window[0] = window[1], window[1] = window[2], window[2] = first;
        }
        if (track->turned) {
            ami_mocap_local(m, -1, window[0]);
            ami_mocap_place(m, -1, (const double(*)[4])window[0], pos, rot);
            pick(&track->zero, map, (const double(*)[3])pos, (const double(*)[4])rot);
        }
    }
    free(local);
    free(pos);
    return ok;
}

static int step_of(const ami_track *track)
{
    return track->frames / SAMPLED + 1;
}

static int find_up(const ami_track *track)
{
    double sum[3] = {0, 0, 0}, v[3];
    int n = 0;
    for (int f = 0; f < track->frames; f += step_of(track), n++) {
        stature(track, &track->frame[f], v);
        for (int k = 0; k < 3; k++)
            sum[k] += v[k];
    }
    const int up = largest_axis(sum);
    if (fabs(sum[abs(up) - 1]) < .5 * n && track->turned) {
        /* No frame of this motion stands for long: the zero pose may show how the file means it. */
        int standing = 0;
        if (ami_parts_off_rest(track, &track->zero, &standing) < .8)
            return standing;
    }
    return up;
}

/* Whether toes and knees say that left is right. */
static bool is_mirrored(const ami_track *track)
{
    double sum = 0;
    int n = 0;
    for (int f = 0; f < track->frames; f += step_of(track)) {
        const ami_parts *parts = &track->frame[f];
        double root[3], neck[3], up[3], right[3], forward[3];
        ami_parts_root(parts, root);
        ami_parts_neck(track, parts, neck);
        if (!ami_direction(up, root, neck) ||
            !ami_direction(right, parts->pos[AMI_PART_LEFT + AMI_PART_THIGH],
                           parts->pos[AMI_PART_RIGHT + AMI_PART_THIGH]))
            continue;
        ami_cross(forward, up, right);
        for (int side = AMI_PART_RIGHT; side <= AMI_PART_LEFT; side += AMI_PART_LEFT - AMI_PART_RIGHT) {
            const double(*p)[3] = parts->pos + side;
            double v[3], thigh[3], shin[3];
            if (track->has[side + AMI_PART_TOE] && ami_direction(v, p[AMI_PART_FOOT], p[AMI_PART_TOE]))
                sum += 2 * ami_dot(v, forward);
            if (ami_direction(thigh, p[AMI_PART_THIGH], p[AMI_PART_SHIN]) &&
                ami_direction(shin, p[AMI_PART_SHIN], p[AMI_PART_FOOT])) {
                ami_sub(v, thigh, shin);
                sum += ami_dot(v, forward);
            }
            n++;
        }
    }
    return sum < -.2 * n;
}

static double leg_length(const ami_track *track)
{
    double sum = 0;
    int n = 0;
    for (int f = 0; f < track->frames; f += step_of(track))
        for (int side = AMI_PART_RIGHT; side <= AMI_PART_LEFT; side += AMI_PART_LEFT - AMI_PART_RIGHT) {
            const double(*p)[3] = track->frame[f].pos + side;
            double v[3];
            ami_sub(v, p[AMI_PART_SHIN], p[AMI_PART_THIGH]);
            sum += sqrt(ami_dot(v, v));
            ami_sub(v, p[AMI_PART_FOOT], p[AMI_PART_SHIN]);
            sum += sqrt(ami_dot(v, v));
            n++;
        }
    return sum / n;
}

/* Places that leave for one frame are put between their neighbours: the whole body is moved. */
static int repair_root(ami_track *track, double leg)
{
    int repaired = 0;
    const double far = leg * fmax(jump_length, jump_lengths * track->frame_time);
    for (int f = 1; f + 1 < track->frames; f++) {
        double a[3], b[3], c[3], there[3], back[3], gap[3];
        ami_parts_root(&track->frame[f - 1], a);
        ami_parts_root(&track->frame[f], b);
        ami_parts_root(&track->frame[f + 1], c);
        ami_sub(there, b, a);
        ami_sub(back, c, b);
        ami_sub(gap, c, a);
        const double nearer = sqrt(fmin(ami_dot(there, there), ami_dot(back, back)));
        if (nearer < far || sqrt(ami_dot(gap, gap)) > jump_back * nearer)
            continue;
        for (int p = 0; p < AMI_PARTS; p++)
            for (int k = 0; k < 3; k++)
                track->frame[f].pos[p][k] += (a[k] + c[k]) / 2 - b[k];
        repaired++;
    }
    return repaired;
}

/* A file of places alone: rotations made of them, such that they turn with the body. */
static void turn_from_places(const ami_track *track, ami_parts *parts)
{
    double root[3], neck[3], up[3], right[3];
    const double(*p)[3] = (const double(*)[3])parts->pos;
    ami_parts_root(parts, root);
    ami_parts_neck(track, parts, neck);
    for (int i = 0; i < AMI_PARTS; i++)
        ami_quat_identity(parts->rot[i]);
    const bool has_chest = track->has[AMI_PART_CHEST] && track->has[AMI_PART_HIPS];
    const double *middle = has_chest ? p[AMI_PART_CHEST] : neck;
    if (ami_direction(up, root, middle) &&
        ami_direction(right, p[AMI_PART_LEFT + AMI_PART_THIGH], p[AMI_PART_RIGHT + AMI_PART_THIGH]))
        ami_quat_of_axes(parts->rot[AMI_PART_HIPS], up, right);
    memcpy(parts->rot[AMI_PART_CHEST], parts->rot[AMI_PART_HIPS], sizeof parts->rot[0]);
    if (ami_direction(right, p[AMI_PART_LEFT + AMI_PART_ARM], p[AMI_PART_RIGHT + AMI_PART_ARM]) &&
        ami_direction(up, has_chest ? p[AMI_PART_CHEST] : root, neck))
        ami_quat_of_axes(parts->rot[AMI_PART_CHEST], up, right);
    memcpy(parts->rot[AMI_PART_HEAD], parts->rot[AMI_PART_CHEST], sizeof parts->rot[0]);
    if (track->has[AMI_PART_HEAD] && track->has[AMI_PART_NECK] &&
        ami_direction(up, p[AMI_PART_NECK], p[AMI_PART_HEAD]))
        ami_quat_of_axes(parts->rot[AMI_PART_HEAD], up, right);
    for (int side = AMI_PART_RIGHT; side <= AMI_PART_LEFT; side += AMI_PART_LEFT - AMI_PART_RIGHT) {
        double shin[3], toe[3], across[3];
        if (!ami_direction(shin, p[side + AMI_PART_FOOT], p[side + AMI_PART_SHIN]))
            continue;
        if (!track->has[side + AMI_PART_TOE] ||
            !ami_direction(toe, p[side + AMI_PART_FOOT], p[side + AMI_PART_TOE])) {
            ami_quat_of_axes(parts->rot[side + AMI_PART_FOOT], shin, right);
            continue;
        }
        ami_cross(across, toe, shin); /* to the right, if the toes are in front */
        ami_quat_of_axes(parts->rot[side + AMI_PART_FOOT], toe, across);
    }
}

bool ami_track_read(ami_track *track, const ami_mocap *mocap, const ami_retarget_def *def,
                    ami_retarget_report *report, ami_error *err)
{
    *track = (ami_track){.frames = mocap->frames, .frame_time = mocap->frame_time, .turned = !mocap->global};
    if (!ami_joint_map_find(&report->map, mocap, def->map, err))
        return false;
    for (int p = 0; p < AMI_PARTS; p++)
        track->has[p] = report->map.joint[p] >= 0;
    if (!read_frames(track, mocap, &report->map, &report->jumps, err))
        return false;
    report->up = def->up ? def->up : find_up(track);
    double axis[3], turn[4];
    axis_vector(axis, report->up);
    ami_quat_from_to(turn, axis, (const double[3]){0, 0, 1});
    if (abs(report->up) == 2) { /* facing z in a file with y up, as usual there, is facing x here */
        double quarter[4];
        ami_quat_about_z(quarter, M_PI / 2);
        ami_quat_mul(turn, quarter, turn);
    }
    for (int f = 0; f < track->frames; f++)
        turn_parts(&track->frame[f], turn, false);
    turn_parts(&track->zero, turn, false);
    if (def->facing) {
        axis_vector(track->facing, def->facing);
        ami_quat_rotate(track->facing, turn, track->facing);
    }
    report->mirrored = is_mirrored(track);
    if (report->mirrored) {
        const double none[4] = {1, 0, 0, 0};
        for (int f = 0; f < track->frames; f++)
            turn_parts(&track->frame[f], none, true);
        turn_parts(&track->zero, none, true);
        track->facing[1] = -track->facing[1];
    }
    for (int f = 0; !track->turned && f < track->frames; f++)
        turn_from_places(track, &track->frame[f]);
    report->leg = leg_length(track);
    if (!(report->leg > 1e-6 && report->leg < 1e8))
        return ami_fail(
            err,
            "the legs are %g units long, expected more than 0: are thigh, shin and foot the right joints?",
            report->leg);
    report->jumps += repair_root(track, report->leg);
    return true;
}
