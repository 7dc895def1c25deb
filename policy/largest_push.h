/* The largest push that a policy survives, by the protocol of DeepMimic's paper (Peng et al. 2018, table 6): a
 * horizontal force on the root for .2 s, raised until the character falls. */
#ifndef AMI_POLICY_LARGEST_PUSH_H
#define AMI_POLICY_LARGEST_PUSH_H

#include "policy/rollout.h"

#define AMI_PUSH_STEP_N 10.0
#define AMI_PUSH_MAX_N 5000.0

typedef struct ami_largest_push {
    double forward_n, sideways_n; /* N; AMI_PUSH_MAX_N: no force made it fall; -1: it falls without any */
    double at_s;                  /* s after the start: when the force begins */
} ami_largest_push;

/* Each trial follows the motion from its first frame for rollout->env.episode_s (s), without noise and without
 * other pushes. The force begins half a cycle after the start: of the second cycle where the clip loops, of the only
 * one where it does not; 3 s after the start where motions are invented. It is raised by AMI_PUSH_STEP_N from 0 until
 * the character falls (a body touches the floor that may not); the result is the last force before. The result does
 * not depend on the number of threads. progress() of the rollout is called between trials; if it returns
 * false, *stopped is set and the result is AMI_PUSH_MAX_N. False and a sentence if the definition is wrong or memory is short. */
bool ami_find_largest_push(const ami_rollout_def *rollout, ami_largest_push *largest, bool *stopped,
                           ami_error *err);

#endif
