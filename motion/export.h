/* The humanoid as the skeleton of a file for other programs (BVH, glTF): joints named as they expect them, y up, z
 * forward, x left; at rest it stands upright with hanging arms and every rotation is 0.
 *
 * Body axes (x forward, y up, z right) are (z, y, -x) in the file, the world's (x, y, z up) are (z, x, y up). */
#ifndef AMI_MOTION_EXPORT_H
#define AMI_MOTION_EXPORT_H

#include "motion/humanoid.h"
#include "motion/mocap.h"

enum { AMI_EXPORT_JOINTS = 16 };

/* In an order in which parents come first. */
typedef struct ami_export_joint {
    const char *name; /* "Hips", "Spine", "LeftUpLeg", ... */
    int parent;       /* number of the joint; -1: the root */
    int body;         /* -1: none; such a joint keeps still */
} ami_export_joint;

extern const ami_export_joint ami_export_joints[AMI_EXPORT_JOINTS];

/* The joint at rest, in its parent's frame; and the tip of a last joint in its own. m, the file's axes. */
void ami_export_offset(int joint, double out[3]);
void ami_export_tip(int joint, double out[3]);

/* The root's height when the body stands as at rest, with its soles on the floor. m. */
double ami_export_height(void);

/* A vector in body axes in the file's. */
void ami_export_vector(const double body[3], double out[3]);

/* The root's place, m, and a joint's rotation against its parent, wxyz, in the file's axes. */
void ami_export_place(const double pose[AMI_POSE], double out[3]);
void ami_export_rotation(const double pose[AMI_POSE], int joint_number, double q[4]);

/* Whether a file's skeleton and motion are these, in cm; then it is read without retargeting. */
bool ami_export_is_own(const ami_mocap *mocap);

/* Such a motion as a clip. NULL on error. */
ami_clip *ami_export_own_clip(const ami_mocap *mocap, const char *name, ami_error *err);

#endif
