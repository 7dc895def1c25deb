/* The command line of `amble train`. */
#ifndef AMI_CLI_TRAIN_ARGUMENTS_H
#define AMI_CLI_TRAIN_ARGUMENTS_H

#include "cli/train_supervise.h"
#include "cli/training.h"
#include "options/style.h"

enum { TRAIN_TEXTS_MAX = 1024 };

typedef struct train_arguments {
    cli_common common;
    ami_style_request style;
    training_options training;
    const char *motion[TRAIN_TEXTS_MAX]; /* as given, each a motion or several with commas */
    int motions;
    const char *teacher[TRAIN_TEXTS_MAX]; /* "NAMES=FILE" */
    int teachers;
    const char *init, *may_touch;
    const char *progress;  /* file that gets a line of JSON an iteration, or NULL */
    double evaluate_every; /* samples, 0: never; negative: not given */
    double stop_at;        /* return, 0: never */
    int loop;              /* AMI_LOOP_... */
    double rank_seconds;
    bool go_on, supervise;
    train_supervision supervision;
} train_arguments;

/* Reads them; leaves the program where argp does. */
void train_arguments_read(int argc, char **argv, train_arguments *arguments);

/* Whether they fit together. May be called again when --continue has become --resume. */
bool train_arguments_check(const train_arguments *arguments, ami_error *err);

#endif
