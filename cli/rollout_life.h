/* amble rollout --life: characters that live on, see session/life.h. */
#ifndef AMI_CLI_ROLLOUT_LIFE_H
#define AMI_CLI_ROLLOUT_LIFE_H

#include "options/options.h"
#include "options/simulation.h"
#include "policy/followed.h"

typedef struct rollout_life {
    bool on;
    const char *option; /* the last option that only --life has; NULL: none */
    const char *skills; /* names with commas, "none"; NULL: amble's own */
    double hard_speed, hard_period;
    double skill_every_s, turn_every_s;
} rollout_life;

/* Values of the options that are not given. */
rollout_life rollout_life_default(void);

/* Parses the options that rollout_life_options lists. */
error_t rollout_life_parse(int key, char *text, struct argp_state *state);

/* An argp child; its input is a rollout_life. */
extern const struct argp rollout_life_argp;

/* Runs and prints. record: file for character 0's motion, NULL: none. */
AMI_MUST_CHECK bool rollout_life_run(const rollout_life *life, const cli_common *common,
                                     const ami_style_request *style, const cli_simulation *simulation,
                                     const char *record, ami_error *err);

#endif
