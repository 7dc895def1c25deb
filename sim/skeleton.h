/* The skeleton of a compiled MuJoCo model, for modules that do not use MuJoCo. */
#ifndef AMI_SIM_SKELETON_H
#define AMI_SIM_SKELETON_H

#include "sim/character.h"

/* Fills the skeleton from character->model; character's bodies and joints must be set. For
 * ami_character_create. False and a sentence that starts with `path` if a body
 * - has another parent than in DeepMimic's humanoid,
 * - is rotated relative to its parent at rest, or
 * - has a joint that is not at its origin, or a hinge that is not about z. */
bool ami_skeleton_read(ami_skeleton *skeleton, const ami_character *character, const char *path,
                       ami_error *err);

#endif
