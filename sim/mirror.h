/* Mirrors a policy's observation, goal and action left to right, as motion/mirror.h mirrors motion. Each
 * function writes out[] from in[]; both may be the same array. */
#ifndef AMI_SIM_MIRROR_H
#define AMI_SIM_MIRROR_H

#include "motion/mirror.h"
#include "sim/observe.h"

/* The observation of the mirrored body with the reference's heading negated and the same phase. */
void ami_mirror_obs(float out[AMI_OBS], const float in[AMI_OBS]);

/* The goal of the mirrored body with the reference, its heading and its target mirrored, too. */
void ami_mirror_goal(float out[AMI_GOAL], const float in[AMI_GOAL]);

/* For both action modes: a ball joint's four numbers are a quaternion or an angle and an axis, and mirror the
 * same. */
void ami_mirror_action(float out[AMI_ACTION], const float in[AMI_ACTION]);

#endif
