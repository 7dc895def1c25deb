/* Retargeting: a recorded motion (motion/mocap.h) on amble's humanoid, as a clip.
 *
 *   ami_retarget_def def = ami_retarget_default_def();
 *   ami_retarget_report report;
 *   ami_clip *clip = ami_retarget(mocap, &def, "dance", &report, &err);
 *
 * How
 * - Limbs follow the directions of the source's bones in the world, frame by frame. Nothing depends on how
 *   the source's joints are turned at zero.
 * - Pelvis, chest, head and feet follow the rotations of their joints, measured from a rest pose: the zero
 *   pose if a person stands in it (T-pose, A-pose), else the motion's first frame if that is one, else the
 *   frame in which the body stands straightest.
 * - Knees and elbows are hinges. A limb is twisted such that both of its bones keep their directions; where
 *   it is straight the axis is the one about which it bends elsewhere in the motion. Overstretched limbs
 *   become straight ones; hinges stay inside their limits.
 * - Up is the axis of the file that the body stands along; the side of the body that toes and knees point to
 *   is the front, and a file in which that contradicts left and right is mirrored (a left-handed system).
 * - The root's path is scaled by the legs' lengths, and the motion is put on the floor. Where a heel or toe
 *   rests it is held in place, and soles are lifted out of the floor: two-bone inverse kinematics.
 * - A joint or root that jumps in one frame and is back in the next is interpolated, and counted.
 *
 * What no human does (motion/clip.h) is refused. The source's rate is kept. */
#ifndef AMI_MOTION_RETARGET_H
#define AMI_MOTION_RETARGET_H

#include "motion/clip.h"
#include "motion/joint_map.h"
#include "motion/skeleton.h"

/* For def.rest, besides the number of a frame. */
enum { AMI_REST_AUTO = -2, AMI_REST_ZERO = -1 };

typedef struct ami_retarget_def {
    const char *map; /* NULL: joints found by name; else a map file's text (motion/joint_map.h) */
    int up;          /* 0: found; ±1 x, ±2 y, ±3 z: the file's axis that points up */
    int facing;      /* 0: found; ±1 x, ±2 y, ±3 z: the file's axis that the rest pose faces */
    int rest;        /* AMI_REST_AUTO: found; AMI_REST_ZERO: the zero pose; else a frame */
    double scale;    /* 0: from the legs' lengths; else m for a unit of the file, for the root's path */
    bool lock_feet;  /* true: feet are put on the floor and held where they rest */
    bool check;      /* true: what no human does is refused */
} ami_retarget_def;

/* One row of the report: a joint of the humanoid. */
typedef struct ami_retarget_joint {
    double angle[2]; /* rad: between its bone (pelvis, chest, head, feet: its frame) and the source's; mean,
                          max */
    double off[2]; /* m: between the joint and the source's, scaled; mean, max; 0 for the chest, which has no
                        counterpart in place */
    int angle_frame, off_frame; /* of the max */
} ami_retarget_joint;

typedef struct ami_retarget_report {
    ami_joint_map map;
    bool own;        /* the humanoid's own skeleton: nothing was retargeted, all below is 0 */
    int up;          /* as in the definition */
    bool mirrored;   /* the file was left-handed */
    int rest;        /* AMI_REST_ZERO or a frame */
    double rest_off; /* rad: how far from standing straight it is */
    double leg;      /* file units: thigh and shin */
    double scale;    /* m a unit of the file */
    bool in_place;   /* the root does not move over the floor: the file has no path */
    int jumps;       /* single frames that were repaired */
    double drop;     /* m by which the motion was lowered on to the floor */
    double contact;  /* fraction of frames in which a foot rests */
    double
        skate[2]; /* m/s: mean speed of resting heels and toes on the floor, of the source and of the clip */
    double depth[2]; /* m: deepest that a sole is in the floor, without and with the feet's correction */
    ami_retarget_joint joint[AMI_BODIES]; /* zero for what the source does not have */
} ami_retarget_report;

ami_retarget_def ami_retarget_default_def(void);

/* A clip called `name` that does not loop. report may be NULL. NULL on error: the sentence names what is
 * missing or wrong, and the option that helps. */
ami_clip *ami_retarget(const ami_mocap *mocap, const ami_retarget_def *def, const char *name,
                       ami_retarget_report *report, ami_error *err);

/* "x", "-z" for 1, -3; "" for 0; and back (false for anything else). */
const char *ami_axis_name(int axis);
bool ami_axis_read(const char *text, int *axis);

/* "centimetres", "inches", ... for the unit in which legs of this length are a human's, "units of 0.031 m"
 * where it is none that is in use. Returns text. */
const char *ami_retarget_unit(const ami_retarget_report *report, char *text, size_t size);

#endif
