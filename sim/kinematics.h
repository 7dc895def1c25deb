/* Forward kinematics of our own: where the bodies are and how they move, from a pose and a velocity, without an mjData.
 *
 * The same numbers as amb_world_set and amb_world_state give, to rounding (1e-12), at a small part of the price: no contacts, no forces, no
 * inertias, no allocation. For references and motion features, which need a place and no physics. Any number of threads may call at once.
 */
#ifndef AMB_SIM_KINEMATICS_H
#define AMB_SIM_KINEMATICS_H

#include "sim/world.h"

/* Reads the measures off the compiled model, whose bodies and joints character has been told already. Refuses, in a sentence that starts
 * with `path`, a body that hangs on another one than DeepMimic's, is turned against its parent at rest, or whose joint is not at its origin
 * or not about z. For amb_character_create. */
bool amb_skeleton_read(amb_skeleton *skeleton, const amb_character *character, const char *path, amb_error *err);

/* World positions of the joints (m) and rotations of the bodies (wxyz, with the sign that follows from the pose's signs) in a pose. The
 * pose's quaternions need not be quite unit length; one of length 0 is the identity, as in MuJoCo. */
void amb_fk(const amb_character *character, const double pose[AMB_POSE], double joint[AMB_BODIES][3], double rot[AMB_BODIES][4]);

/* The whole state of a body in this pose with this velocity: amb_world_set, then amb_world_state. */
void amb_fk_state(const amb_character *character, const double pose[AMB_POSE], const double vel[AMB_VEL], amb_state *state);

#endif
