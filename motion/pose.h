/* Arithmetic on poses (motion/clip.h lays them out). Rotations alone are in motion/rotation.h; from a pose to
 * MuJoCo's positions and back goes sim/character.h. */
#ifndef AMI_MOTION_POSE_H
#define AMI_MOTION_POSE_H

#include "motion/clip.h"

/* The pose at u (0: a, 1: b) between two: places and hinges straight, rotations along the shorter arc. */
void ami_pose_between(const double a[AMI_POSE], const double b[AMI_POSE], double u, double out[AMI_POSE]);

#endif
