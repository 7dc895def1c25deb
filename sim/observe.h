/* What a policy sees: DeepMimic's 197 numbers (2018 layout), in DeepMimic's axes whatever the world's.
 *
 *   0              phase in [0, 1)
 *   1              height of the root, m
 *   2 + 7 i        body i (order of sim/character.h): centre of mass minus the root joint (3, m), quaternion wxyz with w >= 0 (4)
 *   107 + 6 i      linear velocity of the centre of mass (3, m/s), angular velocity (3, rad/s)
 *
 * Positions, quaternions and velocities are in the heading frame: origin at the root's ground projection, x along the root's horizontal
 * forward direction, y up, z right. The root's own quaternion and velocities are in the reference's frame instead (its heading, the same
 * axes): DeepMimic's RecordWorldRootRot, made steerable. Without it the policy cannot see that it is off course. */
#ifndef AMB_SIM_OBSERVE_H
#define AMB_SIM_OBSERVE_H

#include "sim/world.h"

enum { AMB_OBS = 197 };

void amb_observe(const amb_state *state, double phase, double reference_heading, float obs[AMB_OBS]);

#endif
