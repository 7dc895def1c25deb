/* One control step: from the body's state through the actor to PD targets.
 *
 *   observe (197) → normalise → actor → action (36) → targets = reference ∘ action → physics
 *
 * No allocation, no lock, no I/O. The actor is shared and const; a controller belongs to one thread. */
#ifndef AMI_POLICY_CONTROLLER_H
#define AMI_POLICY_CONTROLLER_H

#include "nets/graph/graph.h"
#include "policy/motion_list.h"
#include "sim/env.h"

/* An actor as deployed: the packed network and its metadata. Const after load. */
typedef struct ami_policy {
    ami_model *actor; /* a chain of dense layers; NULL: any other network, in `graph` */
    ami_graph *graph;
    int action_output; /* of the graph */
    ami_action_mode action_mode;
    double physics_hz; /* rates and look-ahead of its training; 120, 4 and .06 without metadata */
    int substeps;
    double look_ahead;
    bool goal;          /* observations include the goal: AMI_OBS_MAX inputs */
    unsigned may_touch; /* bits of the bodies that were allowed to touch the floor in training; 0: unknown */
    char motion[256];   /* the motion it was trained on; of several the first; empty: unknown */
    bool has_motion_crc;
    uint32_t motion_crc;       /* ami_clip_crc of that clip, if has_motion_crc */
    int motions;               /* several clips that it was trained on, or 0: */
    ami_listed_motion *listed; /* (motions) may_touch above is the first one's */
} ami_policy;

/* Reads an ONNX file with AMI_OBS or AMI_OBS_MAX inputs and 36 outputs and packs it by `def` (NULL:
 * ami_model_default_def, precision AUTO). Also any graph that nets/graph/graph.h takes, with one input of so
 * many numbers a row and one output of 36; of several such outputs the one that the metadata "action_output"
 * names, or that is called action, actions, mean or mu. False and a sentence on error. */
bool ami_policy_load(ami_policy *policy, const char *path, const ami_model_def *def, ami_error *err);
void ami_policy_free(ami_policy *policy);

/* Fills everything but the actor from the shape and the metadata of a network; to be freed by ami_policy_free. False
 * and a sentence if it is not an actor. */
bool ami_policy_describe(ami_policy *policy, const ami_net *net, ami_error *err);

/* The network, whichever kind it is. */
int ami_policy_inputs(const ami_policy *policy);
const void *ami_policy_network(const ami_policy *policy); /* policies of one address decide together */
size_t ami_policy_workspace_size(const ami_policy *policy, int rows);
/* obs (n, inputs) → action (n, AMI_ACTION) */
void ami_policy_run(const ami_policy *policy, void *workspace, const float *obs, int n, float *action);
/* As ami_model_describe and ami_model_precisions, …_precision and …_kernel_name: of the part with most
 * weights. */
void ami_policy_describe_network(const ami_policy *policy, char *text, size_t size);
void ami_policy_precisions(const ami_policy *policy, char *text, size_t size);
ami_precision ami_policy_precision(const ami_policy *policy);
const char *ami_policy_kernel_name(const ami_policy *policy);

/* Writes what ami_policy_describe reads, except the motions, into a network's metadata: of an actor for
 * environments of this definition. False, and a part may be written, when memory is short. */
AMI_MUST_CHECK bool ami_policy_write_meta(ami_net *net, const ami_env_def *def, double physics_hz);

/* The path of the critic for the actor in file `policy`: "…/walk_critic.onnx" for "…/walk.onnx", else
 * "…/critic.onnx" in the same folder, as in a run folder. False if neither is a readable file; path is then
 * the second. */
bool ami_policy_critic_path(const char *policy, char *path, size_t size);

/* Sets the fields of an environment's definition that the policy determines: observation, action mode,
 * substeps, look-ahead. (Its physics rate belongs to the character.) */
void ami_policy_use(const ami_policy *policy, ami_env_def *def);

/* Whether an environment of this definition fits the policy: the size of observations is the number of the
 * network's inputs, and the action mode is the network's. False and a sentence if not. True if policy is
 * NULL. */
AMI_MUST_CHECK bool ami_policy_check(const ami_policy *policy, const ami_env_def *def, ami_error *err);

typedef struct ami_controller {
    const ami_policy *policy; /* NULL: zero actions, pure tracking of the reference */
    int rows;                 /* max environments in a batch */
    float *obs, *action;      /* (rows, the actor's inputs), (rows, AMI_ACTION) */
    void *workspace;
} ami_controller;

bool ami_controller_init(ami_controller *controller, const ami_policy *policy, int rows, ami_error *err);
void ami_controller_free(ami_controller *controller);

/* Observes n environments, 1 ≤ n ≤ rows, and fills controller->action (n, AMI_ACTION). The environments must
 * satisfy ami_policy_check. */
void ami_controller_decide(ami_controller *controller, ami_env *const *env, int n);

/* The whole control step for one environment. */
ami_env_end ami_controller_step(ami_controller *controller, ami_env *env, ami_reward *reward);

#endif
