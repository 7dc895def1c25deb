/* Left and right exchanged: the motion as a mirror shows it that stands along the x axis, upright.
 *
 * The world's y becomes -y (in DeepMimic's y-up axes and in body frames, z becomes -z), the left limbs become
 * the right ones. A rotation's axis is a cross product, so of a joint's quaternion x and y change sign where
 * a position's z does; knees and elbows, which turn about z, keep their angles. Twice is the identity, bit
 * for bit. It takes the body for symmetric, as amble's humanoid is.
 *
 * Each function writes out[] from in[], which may be the same array. */
#ifndef AMI_MOTION_MIRROR_H
#define AMI_MOTION_MIRROR_H

#include "motion/features.h"

/* The twin of joint j of ami_clip_joints: its own for chest and neck, the other side's for the limbs. */
int ami_mirror_joint(int j);

void ami_mirror_pose(double out[AMI_POSE], const double in[AMI_POSE]);
void ami_mirror_vel(double out[AMI_VEL], const double in[AMI_VEL]);
void ami_mirror_points(ami_points *out, const ami_points *in);
void ami_mirror_features(float out[AMI_FEATURES], const float in[AMI_FEATURES]);
void ami_mirror_phase_features(float out[AMI_PHASE_FEATURES], const float in[AMI_PHASE_FEATURES]);

/* How far a loop's mirror image is from the same loop half a cycle later: the mean over time and joints of
 * the angle between them, rad (the root's rotation counts as a joint). A motion that does not loop has no
 * such image: M_PI. */
double ami_mirror_asymmetry(const ami_clip *clip);

/* Whether that is below .2 rad: then each half of the cycle teaches about the other. */
bool ami_mirror_is_symmetric(const ami_clip *clip);

/* A new clip, called NAME_mirrored. NULL where memory is short. */
ami_clip *ami_mirror_clip(const ami_clip *clip, ami_error *err);

#endif
