/* Prints a rollout's results as text, and makes JSON of them. */
#ifndef AMI_OPTIONS_REPORT_H
#define AMI_OPTIONS_REPORT_H

#include "policy/rollout.h"

#include <jansson.h>

/* Prints on standard output. `policy`: path of the actor, NULL for none. */
void cli_print_rollout(const ami_rollout_def *def, const ami_rollout_result *result, const char *motion,
                       const char *policy);

/* {"precision", "kernel" (with a policy), "episodes", "survival", "normalised_return", "reward": {…},
 * "tracking": {…}, "control_steps_per_s", "step_us": {…}, …} */
json_t *cli_rollout_json(const ami_rollout_def *def, const ami_rollout_result *result, const char *motion,
                         const char *policy);

#endif
