#include "motion/points.h"

#include "base/assert.h"
#include "motion/rotation.h"

#include <string.h>

const char *const ami_point_name[AMI_POINTS] = {
    "root",       "pelvis top",     "chest centre", "neck",        "head",        "head front",
    "left hip",   "left knee",      "left ankle",   "left toe",    "left heel",   "left shoulder",
    "left elbow", "left wrist",     "right hip",    "right knee",  "right ankle", "right toe",
    "right heel", "right shoulder", "right elbow",  "right wrist",
};

const int ami_sole_point[4] = {AMI_POINT_LEFT + AMI_POINT_HEEL, AMI_POINT_LEFT + AMI_POINT_TOE,
                               AMI_POINT_RIGHT + AMI_POINT_HEEL, AMI_POINT_RIGHT + AMI_POINT_TOE};

void ami_points_heading(const double rot[4], double forward[2])
{
    /* rot times the inverse of standing upright, (1, -1, 0, 0)/√2, is (w + x, ., ., y + z)/√2: the turn's
     * half angle is that of w and z. */
    const double c = rot[0] + rot[1], s = rot[2] + rot[3], length2 = c * c + s * s;
    const bool upside_down = length2 < 1e-24;
    forward[0] = upside_down ? 1 : (c * c - s * s) / length2;
    forward[1] = upside_down ? 0 : 2 * c * s / length2;
}

/* A point at `local` in a body's frame. */
static void put_point(ami_points *points, int point, const ami_state *state, int body, const double local[3])
{
    double *pos = points->pos[point], *vel = points->vel[point], arm[3];
    ami_quat_rotate(arm, state->rot[body], local);
    const double *joint = state->joint[body], *centre = state->centre[body], *v = state->lin[body],
                 *w = state->ang[body];
    for (int k = 0; k < 3; k++)
        pos[k] = joint[k] + arm[k];
    const double r[3] = {pos[0] - centre[0], pos[1] - centre[1], pos[2] - centre[2]};
    vel[0] = v[0] + (w[1] * r[2] - w[2] * r[1]);
    vel[1] = v[1] + (w[2] * r[0] - w[0] * r[2]);
    vel[2] = v[2] + (w[0] * r[1] - w[1] * r[0]);
}

static void put_centre(ami_points *points, int point, const ami_state *state, int body)
{
    memcpy(points->pos[point], state->centre[body], sizeof points->pos[point]);
    memcpy(points->vel[point], state->lin[body], sizeof points->vel[point]);
}

static void put_joint(ami_points *points, int point, const ami_state *state, int body)
{
    put_point(points, point, state, body, (const double[3]){0, 0, 0});
}

void ami_points_of_state(const ami_skeleton *skeleton, const ami_state *state, ami_points *points)
{
    AMI_ASSERT(skeleton && state && points);
    memcpy(points->pos[AMI_POINT_ROOT], state->joint[AMI_ROOT], sizeof points->pos[0]);
    memcpy(points->vel[AMI_POINT_ROOT], state->vel, sizeof points->vel[0]);
    put_joint(points, AMI_POINT_PELVIS_TOP, state, AMI_CHEST);
    put_centre(points, AMI_POINT_CHEST_CENTRE, state, AMI_CHEST);
    put_joint(points, AMI_POINT_NECK, state, AMI_NECK);
    put_centre(points, AMI_POINT_HEAD, state, AMI_NECK);
    put_point(points, AMI_POINT_HEAD_FRONT, state, AMI_NECK, skeleton->head_front);
    for (int side = 0; side < 2; side++) { /* right, left */
        const int p = side ? AMI_POINT_LEFT : AMI_POINT_RIGHT, hip = side ? AMI_LEFT_HIP : AMI_RIGHT_HIP;
        const int ankle = hip + 2, shoulder = hip + 3;
        put_joint(points, p + AMI_POINT_HIP, state, hip);
        put_joint(points, p + AMI_POINT_KNEE, state, hip + 1);
        put_joint(points, p + AMI_POINT_ANKLE, state, ankle);
        put_point(points, p + AMI_POINT_TOE, state, ankle, skeleton->toe[side]);
        put_point(points, p + AMI_POINT_HEEL, state, ankle, skeleton->heel[side]);
        put_joint(points, p + AMI_POINT_SHOULDER, state, shoulder);
        put_joint(points, p + AMI_POINT_ELBOW, state, shoulder + 1);
        put_joint(points, p + AMI_POINT_WRIST, state, shoulder + 2);
    }
    ami_points_heading(state->rot[AMI_ROOT], points->forward);
    points->yaw_rate = state->ang[AMI_ROOT][2];
}
