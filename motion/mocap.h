/* A motion as it was recorded: a tree of joints with names of its own, units and axes as in the file.
 *
 * Readers (motion/bvh.h, ...) fill it, retargeting (motion/retarget.h) makes a clip of it. A joint without
 * channels stays at its offset. Three kinds of file fit in:
 * - rotations down a tree (BVH): position and rotation channels in any order, on any joint;
 * - rotation vectors down a tree (AMASS);
 * - positions alone (npz): `global` is set, each joint has three position channels, in world coordinates, and
 *   there are no rotations.
 *
 * Memory is what the channels take; places and rotations are computed a frame at a time. */
#ifndef AMI_MOTION_MOCAP_H
#define AMI_MOTION_MOCAP_H

#include "base/error.h"
#include "base/text.h"

#include <stdbool.h>
#include <stddef.h>

enum { AMI_MOCAP_JOINTS = 1024, AMI_MOCAP_CHANNELS = 9 };

/* 0 to 2: position x, y, z; 3 to 5: rotation about x, y, z in degrees; 6 to 8: scale, always 1.
 * 9: the first of three numbers that are a rotation vector, rad; the other two have no kind. */
enum { AMI_CHANNEL_POSITION = 0, AMI_CHANNEL_ROTATION = 3, AMI_CHANNEL_SCALE = 6, AMI_CHANNEL_VECTOR = 9 };

enum { AMI_MOCAP_LOOP_UNKNOWN, AMI_MOCAP_LOOP_NONE, AMI_MOCAP_LOOP_WRAP };

typedef struct ami_mocap_joint {
    char name[AMI_NAME]; /* printable; longer names are cut */
    int parent;          /* smaller than its own number; -1 for the root */
    bool end;            /* an end site: a bone's tip, without a name of its own */
    double offset[3];    /* from the parent, in the parent's frame, file units */
    int channels;        /* 0 to 9 */
    unsigned char channel[AMI_MOCAP_CHANNELS];
    int first; /* its first channel's place in a frame */
} ami_mocap_joint;

typedef struct ami_mocap {
    int joints, frames, channels; /* channels of a frame */
    double frame_time;            /* s */
    bool global;                  /* positions in the world, no rotations */
    int loop;                     /* AMI_MOCAP_LOOP_..., as the file says */
    ami_mocap_joint *joint;       /* (joints) */
    double *value;                /* (frames, channels) */
    double *pose; /* (frames, 43) the humanoid's own poses, where the file has them; or NULL */
} ami_mocap;

/* NULL is fine. */
void ami_mocap_destroy(ami_mocap *mocap);

/* The joints' rotations against their parents in a frame: local (joints, 4) wxyz. frame -1: the zero pose,
 * all rotations 0. */
void ami_mocap_local(const ami_mocap *mocap, int frame, double (*local)[4]);

/* World positions (joints, 3), file units, and rotations (joints, 4) of a frame, from its local rotations.
 * Frame -1: the zero pose, position channels at the offsets. */
void ami_mocap_place(const ami_mocap *mocap, int frame, const double (*local)[4], double (*pos)[3],
                     double (*rot)[4]);

/* The number of the joint of that name, -1 if there is none. */
int ami_mocap_joint_by_name(const ami_mocap *mocap, const char *name);

#endif
