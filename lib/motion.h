/* Shared by the files of libamble: the humanoid's skeleton, clips, and settings of networks. Not
 * installed. */
#ifndef AMB_LIB_MOTION_H
#define AMB_LIB_MOTION_H

#include <amble/clip.h>
#include <amble/model.h>

#include "motion/kinematics.h"
#include "nets/model.h"

struct amb_skeleton {
    ami_skeleton measures;
};

struct amb_clip {
    ami_clip *clip;
    uint32_t checksum;
};

/* Wraps an internal clip into a handle, which owns it; destroys it where memory is short. */
amb_result lib_clip_wrap(ami_clip *clip, amb_clip **out);

/* A failure unless all numbers are finite. `what` names them: "the pose". */
amb_result lib_check_finite(const char *what, const double *values, int count);

/* The state of the body in a pose with a velocity, whose numbers are checked. */
amb_result lib_state_of(const amb_skeleton *skeleton, const double *pose, const double *velocity,
                        ami_state *state);

/* The internal definition of a public one; NULL is the default. */
amb_result lib_model_def(const amb_model_def *given, ami_model_def *def);

#endif
