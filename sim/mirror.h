/* A policy's observation, goal and action mirrored left to right, as motion/mirror.h does with motion. Each
 * function writes out[] from in[], which may be the same array. */
#ifndef AMI_SIM_MIRROR_H
#define AMI_SIM_MIRROR_H

#include "motion/mirror.h"
#include "sim/observe.h"

/* Of the mirrored body with the reference's heading mirrored too (that is, negated) and the same phase. */
void ami_mirror_obs(float out[AMI_OBS], const float in[AMI_OBS]);

/* Of the mirrored body, with the reference, its heading and its target mirrored too. */
void ami_mirror_goal(float out[AMI_GOAL], const float in[AMI_GOAL]);

/* In both action modes: a ball's four numbers are a quaternion's or an angle and an axis, and both mirror
 * alike. */
void ami_mirror_action(float out[AMI_ACTION], const float in[AMI_ACTION]);

#endif
