/* The skeleton of a compiled MuJoCo model, for what knows no physics. */
#ifndef AMB_SIM_SKELETON_H
#define AMB_SIM_SKELETON_H

#include "sim/character.h"

/* Reads the measures off the compiled model, whose bodies and joints character has been told already.
 * Refuses, in a sentence that starts with `path`, a body that hangs on another one than DeepMimic's, is
 * turned against its parent at rest, or whose joint is not at its origin or not about z. For
 * amb_character_create. */
bool amb_skeleton_read(amb_skeleton *skeleton, const amb_character *character, const char *path,
                       amb_error *err);

#endif
