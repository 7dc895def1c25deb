/* amble's humanoid as a skeleton, for what imports and compares motions without a compiled model. */
#ifndef AMI_MOTION_HUMANOID_H
#define AMI_MOTION_HUMANOID_H

#include "motion/skeleton.h"

/* The measures of assets/humanoid.xml: what ami_character_create finds in the compiled model, to rounding (a
 * test compares them). Thread safe. */
const ami_skeleton *ami_humanoid(void);

/* The shape of a body for drawing, as in the model: every body has one. m, in its own frame. */
typedef enum ami_shape_kind { AMI_SHAPE_SPHERE, AMI_SHAPE_CAPSULE, AMI_SHAPE_BOX } ami_shape_kind;

typedef struct ami_shape {
    ami_shape_kind kind;
    double at[3]; /* its centre */
    double size
        [3]; /* sphere: radius; capsule: radius, half the length of its axis, which is y; box: half edges */
} ami_shape;

ami_shape ami_humanoid_shape(int body);

#endif
