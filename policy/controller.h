/* One control step: what the body feels goes through the actor and becomes PD targets.
 *
 *   observe (197) → normalise → actor → action (36) → targets = reference ∘ action → physics
 *
 * No allocation, no lock, no I/O. The actor is shared and const; a controller belongs to one thread. */
#ifndef AMI_POLICY_CONTROLLER_H
#define AMI_POLICY_CONTROLLER_H

#include "nets/model.h"
#include "sim/env.h"

/* An actor as deployed: packed network and what its metadata says about how it wants to be used. Const after
 * load. */
typedef struct ami_policy {
    ami_model *actor;
    ami_action_mode action_mode;
    double physics_hz; /* the rates and look-ahead it was trained at; 120, 4 and .06 where the file does not
                          say */
    int substeps;
    double look_ahead;
    bool goal;          /* it sees what the reference wants, too: AMI_OBS_MAX inputs */
    unsigned may_touch; /* bits of the bodies that might touch the floor when it was trained; 0: the file does
                           not say */
    char motion[256];   /* it was trained on; empty if the file does not say */
    bool has_motion_crc;
    uint32_t motion_crc; /* ami_clip_crc of that clip, where the file says it */
} ami_policy;

/* Reads an ONNX file of AMI_OBS or AMI_OBS_MAX inputs and 36 outputs and packs it as `def` says (NULL:
 * ami_model_default_def, precision AUTO). False and a sentence otherwise. */
bool ami_policy_load(ami_policy *policy, const char *path, const ami_model_def *def, ami_error *err);
void ami_policy_free(ami_policy *policy);

/* All but the actor, from the shape and the metadata of a network that has been read already. False and a
 * sentence where it is none. */
bool ami_policy_describe(ami_policy *policy, const ami_net *net, ami_error *err);

/* Where the critic of the actor in file POLICY lies: "…/walk.onnx" → "…/walk_critic.onnx", else
 * "…/critic.onnx" beside it, as in a run folder. False if neither is a readable file; then path is the
 * second. */
bool ami_policy_critic_path(const char *policy, char *path, size_t size);

/* Sets what the policy demands of an environment: observation, action mode, substeps, look-ahead. (Its
 * physics rate goes into the character.) */
void ami_policy_use(const ami_policy *policy, ami_env_def *def);

/* Whether an environment of this definition is what the policy demands: its observations have as many numbers
 * as the network has inputs, its actions mean what the network's mean. False and a sentence otherwise. policy
 * may be NULL: then it is. */
AMI_MUST_CHECK bool ami_policy_check(const ami_policy *policy, const ami_env_def *def, ami_error *err);

typedef struct ami_controller {
    const ami_policy *policy; /* NULL: zero actions, pure tracking of the reference */
    int rows;                 /* environments at once, at most */
    float *obs, *action;      /* (rows, the actor's inputs), (rows, AMI_ACTION) */
    void *workspace;
} ami_controller;

bool ami_controller_init(ami_controller *controller, const ami_policy *policy, int rows, ami_error *err);
void ami_controller_free(ami_controller *controller);

/* Observes n environments (the pointers' targets) and fills controller->action (n, AMI_ACTION). 1 ≤ n ≤ rows.
 * Environments are as ami_policy_check has them. */
void ami_controller_decide(ami_controller *controller, ami_env *const *env, int n);

/* The whole control step for one environment. */
ami_env_end ami_controller_step(ami_controller *controller, ami_env *env, ami_reward *reward);

#endif
