/* A policy's observation, goal and action mirrored left to right, as motion/mirror.h does with motion. Each
 * function writes out[] from in[], which may be the same array. */
#ifndef AMB_SIM_MIRROR_H
#define AMB_SIM_MIRROR_H

#include "motion/mirror.h"
#include "sim/observe.h"

/* Of the mirrored body with the reference's heading mirrored too (that is, negated) and the same phase. */
void amb_mirror_obs(float out[AMB_OBS], const float in[AMB_OBS]);

/* Of the mirrored body, with the reference, its heading and its target mirrored too. */
void amb_mirror_goal(float out[AMB_GOAL], const float in[AMB_GOAL]);

/* In both action modes: a ball's four numbers are a quaternion's or an angle and an axis, and both mirror
 * alike. */
void amb_mirror_action(float out[AMB_ACTION], const float in[AMB_ACTION]);

#endif
