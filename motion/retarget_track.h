/* Inside retargeting: where the source's parts are in each frame, and what is found out about them. */
#ifndef AMI_MOTION_RETARGET_TRACK_H
#define AMI_MOTION_RETARGET_TRACK_H

#include "motion/retarget.h"
#include "motion/rotation.h"

/* Places (file units) and rotations of the parts in one frame. Those of missing parts are unset. */
typedef struct ami_parts {
    double pos[AMI_PARTS][3];
    double rot[AMI_PARTS][4];
} ami_parts;

typedef struct ami_track {
    int frames;
    double frame_time;
    bool has[AMI_PARTS];
    bool turned;      /* the file has rotations */
    ami_parts *frame; /* (frames), z up, right-handed */
    ami_parts zero;   /* the zero pose, turned alike; only where the file has rotations */
    double facing[3]; /* def->facing, turned alike; 0 where it is found */
} ami_track;

/* Reads off, repairs jumps and turns z up. Fills map, up, mirrored, leg and jumps of the report. */
AMI_MUST_CHECK bool ami_track_read(ami_track *track, const ami_mocap *mocap, const ami_retarget_def *def,
                                   ami_retarget_report *report, ami_error *err);
void ami_track_free(ami_track *track);

/* The middle of the hips' joints. */
void ami_parts_root(const ami_parts *parts, double root[3]);
/* Where the neck begins; the middle of the shoulders where there is none. */
void ami_parts_neck(const ami_track *track, const ami_parts *parts, double neck[3]);

/* How far a pose is from standing straight, rad, and the axis (±1 x, ...) that is up in it. `up` 0: any axis.
 */
double ami_parts_off_rest(const ami_track *track, const ami_parts *parts, int *up);

/* On the clip's poses (frames, AMI_POSE): lowers the motion on to the floor; holds feet where they rest.
 * Fills drop, contact, skate and depth. */
AMI_MUST_CHECK bool ami_retarget_feet(const ami_track *track, double scale, bool lock, double *pose,
                                      ami_retarget_report *report, ami_error *err);

static inline void ami_sub(double out[3], const double a[3], const double b[3])
{
    out[0] = a[0] - b[0], out[1] = a[1] - b[1], out[2] = a[2] - b[2];
}

static inline double ami_dot(const double a[3], const double b[3])
{
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
}

static inline void ami_cross(double out[3], const double a[3], const double b[3])
{
    const double x = a[1] * b[2] - a[2] * b[1], y = a[2] * b[0] - a[0] * b[2], z = a[0] * b[1] - a[1] * b[0];
    out[0] = x, out[1] = y, out[2] = z;
}

/* Unit length; returns the length found, and leaves what has none. */
static inline double ami_unit(double v[3])
{
    const double length = sqrt(ami_dot(v, v));
    if (length > 1e-12)
        v[0] /= length, v[1] /= length, v[2] /= length;
    return length;
}

/* The unit vector from a to b; false where they coincide. */
static inline bool ami_direction(double out[3], const double a[3], const double b[3])
{
    ami_sub(out, b, a);
    return ami_unit(out) > 1e-9;
}

/* The angle between two unit vectors, rad, accurate near 0 too. */
static inline double ami_between(const double a[3], const double b[3])
{
    double c[3];
    ami_cross(c, a, b);
    return atan2(sqrt(ami_dot(c, c)), ami_dot(a, b));
}

/* The part of v across the unit vector a, of unit length; false where there is none. */
static inline bool ami_across(double out[3], const double v[3], const double a[3])
{
    const double along = ami_dot(v, a);
    for (int k = 0; k < 3; k++)
        out[k] = v[k] - along * a[k];
    return ami_unit(out) > 1e-6;
}

/* The rotation whose frame has these unit axes y and z; z is made to stand across y. */
void ami_quat_of_axes(double q[4], const double y[3], const double z[3]);

/* The shortest turn from unit vector a to b. */
void ami_quat_from_to(double q[4], const double a[3], const double b[3]);

#endif
