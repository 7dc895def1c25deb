/* What the tables of `amble eval` share: policies, and rollouts with their results as JSON. */
#ifndef AMI_CLI_EVAL_H
#define AMI_CLI_EVAL_H

#include "options/options.h"
#include "options/progress.h"
#include "options/simulation.h"
#include "options/style.h"
#include "policy/evaluate.h"

#include <jansson.h>

enum { EVAL_MOTIONS_MAX = 1024 };

typedef struct eval_arguments {
    cli_common common;
    ami_style_request style;
    cli_simulation sim;
    const char *motion[EVAL_MOTIONS_MAX]; /* as given, each a motion or several with commas */
    int motions;
    const char *const *name; /* (names) the same, divided */
    int names;
    const char *baseline;
    int seeds;
    bool push_force, all_motions;
} eval_arguments;

typedef struct eval_contender {
    char path[4096];
    ami_policy policy;
    ami_character *character; /* its physics rate may be its own */
} eval_contender;

/* One row of a table. */
typedef struct eval_outcome {
    ami_evaluation mean;
    json_t *runs;
} eval_outcome;

typedef struct eval_bar {
    ami_progress progress;
    int done, all;
} eval_bar;

/* Whether standard output is only JSON. */
bool eval_is_quiet(const eval_arguments *arguments);

const char *eval_base_name(const char *path);

/* What every rollout of a contender has in common. */
bool eval_define(const eval_arguments *arguments, const eval_contender *contender,
                 const ami_followed *followed, eval_bar *bar, ami_rollout_def *rollout, ami_error *err);

/* Evaluates with the push of number `push`. */
bool eval_run(const eval_arguments *arguments, const eval_contender *contender, const ami_followed *followed,
              ami_protocol how, int push, eval_bar *bar, eval_outcome *out, ami_error *err);

/* A row of JSON; takes row->runs. */
json_t *eval_row_json(const eval_contender *contender, const ami_variation_def *vary, ami_protocol how,
                      double speed, double period, const eval_outcome *row);

/* A motion's JSON without its rows: its name, how it was evaluated, and what was published for it. */
json_t *eval_motion_json(const eval_arguments *arguments, const ami_followed *followed);

/* Evaluates on each of several clips, or on all that the first policy was trained on; prints a table and writes
 * --json. */
bool eval_motions(const eval_arguments *arguments, const eval_contender *contender, int contenders,
                  ami_error *err);

#endif
