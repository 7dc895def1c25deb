/* Evaluation of a policy: means over rollouts with several seeds, by one of two protocols. */
#ifndef AMI_POLICY_EVALUATE_H
#define AMI_POLICY_EVALUATE_H

#include "policy/rollout.h"

/* How a motion is followed:
 * - SECONDS: for the rollout's episode_s from its start_phase (usually random); a clip that does not loop
 * holds
 *   its last pose.
 * - OWN_LENGTH: once from the clip's first frame to its last, as in DeepMimic's paper for clips that do not
 *   loop. */
typedef enum ami_protocol { AMI_PROTOCOL_SECONDS, AMI_PROTOCOL_OWN_LENGTH } ami_protocol;

typedef struct ami_evaluation_def {
    const ami_rollout_def *rollout; /* env.seed is the first seed; it replaces a generator's, too */
    int seeds;                      /* consecutive seeds, 1 or more */
    ami_protocol protocol;          /* OWN_LENGTH: only if the rollout follows a clip */
    /* Called after each seed's rollout with its definition and result; may be NULL. */
    void (*done)(void *context, const ami_rollout_def *def, const ami_rollout_result *result);
    void *context;
} ami_evaluation_def;

/* Means over the completed seeds, and the values of the worst one. */
typedef struct ami_evaluation {
    int seeds;    /* completed; fewer than requested if stopped */
    bool stopped; /* by the rollout's progress(); the interrupted seed is not counted */
    double survival, worst_survival, success, normalised_return, worst_return, root_m, joint_rad;
    double e_g_mpjpe, e_mpjpe, e_vel, e_acc, success_phc; /* as in ami_rollout_result */
    double control_steps_per_s;
    int64_t unstable;
} ami_evaluation;

bool ami_evaluate(const ami_evaluation_def *def, ami_evaluation *evaluation, ami_error *err);

#endif
