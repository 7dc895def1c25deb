/* One control step: what the body feels goes through the actor and becomes PD targets.
 *
 *   observe (197) → normalise → actor → action (36) → targets = reference ∘ action → physics
 *
 * No allocation, no lock, no I/O. The actor is shared and const; a controller belongs to one thread. */
#ifndef AMB_POLICY_CONTROLLER_H
#define AMB_POLICY_CONTROLLER_H

#include "nets/model.h"
#include "sim/env.h"

/* An actor as deployed: packed network and what its metadata says about how it wants to be used. Const after
 * load. */
typedef struct amb_policy {
    amb_model *actor;
    amb_action_mode action_mode;
    double physics_hz; /* the rates and look-ahead it was trained at; 120, 4 and .06 where the file does not
                          say */
    int substeps;
    double look_ahead;
    bool goal;          /* it sees what the reference wants, too: AMB_OBS_MAX inputs */
    unsigned may_touch; /* bits of the bodies that might touch the floor when it was trained; 0: the file does
                           not say */
    char motion[256];   /* it was trained on; empty if the file does not say */
    bool has_motion_crc;
    uint32_t motion_crc; /* amb_clip_crc of that clip, where the file says it */
} amb_policy;

/* Reads an ONNX file of AMB_OBS or AMB_OBS_MAX inputs and 36 outputs and packs it as `def` says (NULL:
 * amb_model_default_def, precision AUTO). False and a sentence otherwise. */
bool amb_policy_load(amb_policy *policy, const char *path, const amb_model_def *def, amb_error *err);
void amb_policy_free(amb_policy *policy);

/* All but the actor, from the shape and the metadata of a network that has been read already. False and a
 * sentence where it is none. */
bool amb_policy_describe(amb_policy *policy, const amb_net *net, amb_error *err);

/* Where the critic of the actor in file POLICY lies: "…/walk.onnx" → "…/walk_critic.onnx", else
 * "…/critic.onnx" beside it, as in a run folder. False if neither is a readable file; then path is the
 * second. */
bool amb_policy_critic_path(const char *policy, char *path, size_t size);

/* Sets what the policy demands of an environment: observation, action mode, substeps, look-ahead. (Its
 * physics rate goes into the character.) */
void amb_policy_use(const amb_policy *policy, amb_env_def *def);

/* Whether an environment of this definition is what the policy demands: its observations have as many numbers
 * as the network has inputs, its actions mean what the network's mean. False and a sentence otherwise. policy
 * may be NULL: then it is. */
AMB_MUST_CHECK bool amb_policy_check(const amb_policy *policy, const amb_env_def *def, amb_error *err);

typedef struct amb_controller {
    const amb_policy *policy; /* NULL: zero actions, pure tracking of the reference */
    int rows;                 /* environments at once, at most */
    float *obs, *action;      /* (rows, the actor's inputs), (rows, AMB_ACTION) */
    void *workspace;
} amb_controller;

bool amb_controller_init(amb_controller *controller, const amb_policy *policy, int rows, amb_error *err);
void amb_controller_free(amb_controller *controller);

/* Observes n environments (the pointers' targets) and fills controller->action (n, AMB_ACTION). 1 ≤ n ≤ rows.
 * Environments are as amb_policy_check has them. */
void amb_controller_decide(amb_controller *controller, amb_env *const *env, int n);

/* The whole control step for one environment. */
amb_env_end amb_controller_step(amb_controller *controller, amb_env *env, amb_reward *reward);

#endif
