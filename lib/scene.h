/* The loaded form of an amb_env_def: body, motion, networks, internal definitions. Shared by environments and
 * rollouts. */
#ifndef AMB_LIB_SCENE_H
#define AMB_LIB_SCENE_H

#include <amble/env.h>

#include "policy/followed.h"

typedef struct lib_scene {
    amb_env_def def;   /* as given, with this version's defaults; its texts are not kept */
    ami_policy policy; /* if def.policy was given; its actor only on request */
    bool has_policy;
    char policy_path[4096];
    ami_character *character;
    ami_followed followed;
    bool invented;               /* motions, by `generator` */
    ami_env_def env;             /* stream: the first one */
    ami_generator_def generator; /* the same */
    uint32_t fingerprint;        /* of all data that a saved state depends on */
} lib_scene;

/* given NULL: the defaults. actor NULL: only the policy's metadata are read. *scene is NULL on failure. */
amb_result lib_scene_create(const amb_env_def *given, const ami_model_def *actor, lib_scene **scene);
/* lib_fail_with for sentences of policy/: replaces the names of options of amble's programs by the names of
 * fields. */
amb_result lib_scene_fail(amb_result result, ami_error *err);

void lib_scene_destroy(lib_scene *scene); /* NULL is fine */

#endif
