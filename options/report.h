/* How rollouts are told: as text for people and as JSON for programs. */
#ifndef AMI_OPTIONS_REPORT_H
#define AMI_OPTIONS_REPORT_H

#include "policy/rollout.h"

#include <jansson.h>

/* `policy`: path of the actor, NULL for none. On standard output. */
void cli_print_rollout(const ami_rollout_def *def, const ami_rollout_result *result, const char *motion,
                       const char *policy);

/* {"precision", "kernel" (with a policy), "episodes", "survival", "normalised_return", "reward": {…},
 * "tracking": {…}, "control_steps_per_s", "step_us": {…}, …} */
json_t *cli_rollout_json(const ami_rollout_def *def, const ami_rollout_result *result, const char *motion,
                         const char *policy);

#endif
