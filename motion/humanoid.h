/* amble's humanoid as a skeleton, for what imports and compares motions without a compiled model. */
#ifndef AMI_MOTION_HUMANOID_H
#define AMI_MOTION_HUMANOID_H

#include "motion/skeleton.h"

/* The measures of assets/humanoid.xml: what ami_character_create finds in the compiled model, to rounding (a
 * test compares them). Thread safe. */
const ami_skeleton *ami_humanoid(void);

#endif
