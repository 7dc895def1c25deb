/* Evaluation of a policy: the same rollout with several seeds, by one of two protocols, summed up. */
#ifndef AMI_POLICY_EVALUATE_H
#define AMI_POLICY_EVALUATE_H

#include "policy/rollout.h"

/* How a motion is followed:
 * - SECONDS: for the rollout's episode_s, from its start_phase (usually anywhere); a clip that does not loop
 *   holds its last pose.
 * - OWN_LENGTH: once from the clip's first frame to its last, as DeepMimic's paper does with a clip that does
 *   not loop. */
typedef enum ami_protocol { AMI_PROTOCOL_SECONDS, AMI_PROTOCOL_OWN_LENGTH } ami_protocol;

typedef struct ami_evaluation_def {
    const ami_rollout_def *rollout; /* env.seed is the first seed; a generator's is replaced by it, too */
    int seeds;                      /* counted up from there, 1 or more */
    ami_protocol protocol;          /* OWN_LENGTH: the rollout follows a clip */
    /* Called after each seed's rollout, with what was run; may be NULL. */
    void (*done)(void *context, const ami_rollout_def *def, const ami_rollout_result *result);
    void *context;
} ami_evaluation_def;

/* Means over the seeds that were run, and the worst of them. */
typedef struct ami_evaluation {
    int seeds;    /* as many as asked for, fewer where it was stopped */
    bool stopped; /* by the rollout's progress(): the seed in which that was is not counted */
    double survival, worst_survival, success, normalised_return, worst_return, root_m, joint_rad;
    double e_g_mpjpe, e_mpjpe, e_vel, e_acc, success_phc; /* as in ami_rollout_result */
    double control_steps_per_s;
    int64_t unstable;
} ami_evaluation;

bool ami_evaluate(const ami_evaluation_def *def, ami_evaluation *evaluation, ami_error *err);

#endif
