/* Writes a policy that the host trained: what amb_env_save_actor does once it knows the environment. */
#ifndef AMB_LIB_ACTOR_H
#define AMB_LIB_ACTOR_H

#include <amble/env.h>

#include "policy/controller.h"

typedef struct lib_actor_scene {
    const ami_env_def *env;
    double physics_hz;
    int inputs, outputs;
    const char *motion; /* as a policy's metadata name it: a clip, or "style:NAME" */
    bool has_motion_crc;
    uint32_t motion_crc;
} lib_actor_scene;

amb_result lib_save_actor(const lib_actor_scene *scene, const amb_actor_def *given, const char *path);

#endif
