/* The skeleton of a compiled MuJoCo model, for what knows no physics. */
#ifndef AMI_SIM_SKELETON_H
#define AMI_SIM_SKELETON_H

#include "sim/character.h"

/* Reads the measures off the compiled model, whose bodies and joints character has been told already.
 * Refuses, in a sentence that starts with `path`, a body that hangs on another one than DeepMimic's, is
 * turned against its parent at rest, or whose joint is not at its origin or not about z. For
 * ami_character_create. */
bool ami_skeleton_read(ami_skeleton *skeleton, const ami_character *character, const char *path,
                       ami_error *err);

#endif
