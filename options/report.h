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

/* ", friction .5 to 1.2, actions 1 to 1 steps late" on standard output; nothing where nothing varies. */
void cli_print_variation(const ami_variation_def *vary);

/* Adds "friction", "mass_range", "delay" (two numbers each; 0 0: as the body's own, 1, none) and
 * "observation_noise". */
void cli_variation_json(const ami_variation_def *vary, json_t *o);

#endif
