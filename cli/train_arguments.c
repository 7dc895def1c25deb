/* Reads the command line of `amble train`. */
#include "cli/train_arguments.h"

#include "base/count.h"
#include "cli/ranks.h"
#include "motion/edit.h"

#include <stdlib.h>
#include <string.h>

enum {
    KEY_MOTION = 'm',
    KEY_INIT = TRAINING_KEY_OWN,
    KEY_MAY_TOUCH,
    KEY_DETERMINISTIC,
    KEY_TEACHER,
    KEY_EVALUATE_EVERY,
    KEY_STOP_AT,
    KEY_CLIP,
    KEY_LOOP,
    KEY_PROGRESS,
    KEY_RANK_SECONDS,
    KEY_CONTINUE,
    KEY_SUPERVISE,
    KEY_SUPERVISED,
    KEY_LAUNCHER,
    KEY_STUCK_MINUTES,
};

_Static_assert((int)AMI_SETTING_COUNT <= (int)TRAINING_SETTINGS_MAX, "");

static error_t parse(int key, char *text, struct argp_state *state)
{
    train_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        state->child_inputs[1] = &a->style;
        return 0;
    case KEY_LOOP:
        a->loop = !strcmp(text, "none")   ? AMI_LOOP_NONE
                  : !strcmp(text, "wrap") ? AMI_LOOP_WRAP
                                          : AMI_LOOP_AUTO;
        if (a->loop == AMI_LOOP_AUTO && strcmp(text, "auto") != 0)
            argp_error(state, "--loop: \"%s\", expected auto, wrap or none", text);
        return 0;
    case KEY_MOTION:
        if (a->motions == TRAIN_TEXTS_MAX)
            argp_error(state, "--motion: given more than %d times", TRAIN_TEXTS_MAX);
        a->motion[a->motions++] = text;
        return 0;
    case KEY_INIT:
        a->init = text;
        return 0;
    case KEY_PROGRESS:
        a->progress = text;
        return 0;
    case KEY_CONTINUE:
        a->go_on = true;
        return 0;
    case KEY_SUPERVISE:
        a->supervise = true;
        return 0;
    case KEY_SUPERVISED: /* the child of one that supervises: the last option */
        a->supervise = false;
        a->go_on = true;
        return 0;
    case KEY_LAUNCHER:
        a->supervision.launcher = text;
        return 0;
    case KEY_STUCK_MINUTES:
        a->supervision.stuck_minutes = cli_double(state, text, 0, 1e6, "--stuck-minutes");
        return 0;
    case KEY_RANK_SECONDS:
        a->rank_seconds = cli_double(state, text, 0, 1e6, "--rank-seconds");
        return 0;
    case KEY_EVALUATE_EVERY:
        a->evaluate_every = (double)cli_int(state, text, 0, INT64_MAX / 2, "--evaluate-every");
        return 0;
    case KEY_STOP_AT:
        a->stop_at = cli_double(state, text, 0, 1, "--stop-at");
        return 0;
    case KEY_MAY_TOUCH:
        a->may_touch = text;
        return 0;
    case KEY_DETERMINISTIC:
        return 0; /* it always is */
    case KEY_TEACHER:
        if (a->teachers == TRAIN_TEXTS_MAX)
            argp_error(state, "--teacher: given more than %d times", TRAIN_TEXTS_MAX);
        a->teacher[a->teachers++] = text;
        return 0;
    case KEY_CLIP: {
        double unused;
        if (!ami_count_read(text, &unused))
            argp_error(state,
                       "--clip is the old name of --ratio-clip, a number; \"%.100s\" found: a motion clip is "
                       "given with --motion",
                       text);
        cli_warn_renamed(state, "--clip", "--ratio-clip");
        a->training.setting[ami_setting_by_name("ratio_clip")] = text;
        return 0;
    }
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected; a motion is given with --motion", text);
        return 0;
    default:
        return training_parse(&a->training, key, text, state);
    }
}

static const struct argp_option own_options[] = {
    {"motion", KEY_MOTION, "NAME|FILE,...", 0,
     "motion clip to imitate: a file, or a name in the clips folder (walk); several, with commas or given "
     "again, are learned by one network",
     1},
    {"loop", KEY_LOOP, "HOW", 0,
     "of a BVH, glTF or npz file, which does not say whether it loops: auto (default): if it repeats itself, "
     "cut "
     "to a cycle "
     "and closed; wrap: the whole of it, closed; none",
     1},
    {"out", TRAINING_KEY_OUT, "DIR", 0,
     "run folder (default: runs/MOTION, runs/repertoire for several, runs/style-STYLE, runs/locomotion); "
     "made if "
     "it is not there",
     1},
    {"resume", TRAINING_KEY_RESUME, "FILE", 0,
     "go on from this checkpoint, bit for bit; only --samples and where to stop may be changed", 1},
    {"continue", KEY_CONTINUE, NULL, 0,
     "with --out: go on from DIR/checkpoint.bin if it is there (then --init and --may-touch do nothing), "
     "else begin; for jobs "
     "that are started again",
     1},
    {"init", KEY_INIT, "FILE", 0,
     "begin with these networks, under the settings given here: a checkpoint, an actor's ONNX file with its "
     "critic beside it, or one of "
     "amble's models by its name",
     1},
    {"teacher", KEY_TEACHER, "NAME,...=FILE", 0,
     "learn from what this actor (a file, or one of amble's models by its name) would do, too, wherever "
     "these "
     "clips, or styles, are followed; once for each actor",
     1},
    {"minutes", TRAINING_KEY_MINUTES, "M", 0,
     "train for this time: as many samples as it gives at the speed of the first seconds (with --samples or "
     "--resume: stop then, even if "
     "samples are left)",
     1},
    {"save-minutes", TRAINING_KEY_SAVE_MINUTES, "M", 0, "time between checkpoints (default 2)", 1},
    {"evaluate-every", KEY_EVALUATE_EVERY, "N", 0,
     "samples between evaluations: 32 characters by the mean action, without noise (default 250000; 0: "
     "none); "
     "with several clips 16 of each (default 1000000)",
     1},
    {"progress", KEY_PROGRESS, "FILE", 0,
     "append a line of JSON to this file after each iteration: samples, speed, return, reward; for programs",
     1},
    {"stop-at", KEY_STOP_AT, "RETURN", 0,
     "stop when an evaluation gives this normalised return, of several clips the mean (default: train all "
     "samples)",
     1},
    {"supervise", KEY_SUPERVISE, NULL, 0,
     "with --out: train in a child process, and start it again from its last checkpoint where it dies or no "
     "longer gets on",
     1},
    {"launcher", KEY_LAUNCHER, "COMMAND", 0,
     "of --supervise: what to start the child with, such as \"mpirun -n 4\"", 1},
    {"stuck-minutes", KEY_STUCK_MINUTES, "M", 0,
     "of --supervise: end a child that has written nothing for this time (default 10; 0: never)", 1},
    {"supervised", KEY_SUPERVISED, NULL, OPTION_HIDDEN, NULL, 1},
    {"rank-seconds", KEY_RANK_SECONDS, "S", 0,
     "under mpirun: end the job if a process has not answered for this time (default 300; 0: wait for ever)",
     1},
    {"may-touch", KEY_MAY_TOUCH, "BODIES", 0,
     "bodies that may touch the floor: auto (those that the clip brings there; default for a clip), feet "
     "(default for a style), or names "
     "with commas",
     1},
    {"precision", TRAINING_KEY_PRECISION, "P", 0,
     "of matrix products while learning: fp32, bf16 or auto (bf16 where the CPU has it)", 1},
    {"half", TRAINING_KEY_HALF, NULL, 0, "write the ONNX files with float16 weights", 1},
    {"clip", KEY_CLIP, "X", OPTION_HIDDEN, NULL, 1},
    {"deterministic", KEY_DETERMINISTIC, NULL, 0,
     "accepted and always true: results depend on the seed, not on threads or time", 1},
    {NULL, 0, NULL, 0, "Settings (numbers; 2e6, 500k and 2M are fine):", 3},
    {0},
};

void train_arguments_read(int argc, char **argv, train_arguments *arguments)
{
    *arguments = (train_arguments){
        .common = {.json_later = true},
        .training = {.list = ami_setting_list, .settings = AMI_SETTING_COUNT, .save_minutes = 2},
        .evaluate_every = -1,
        .rank_seconds = 300,
        .supervision = {.stuck_minutes = 10},
        .loop = AMI_LOOP_AUTO};
    struct argp_option *options = training_options_create(own_options, ami_setting_list, AMI_SETTING_COUNT);
    if (!options)
        exit(cli_fail(&(ami_error){"out of memory for the options"}));
    const struct argp_child children[] = {
        {&cli_common_argp, 0, NULL, 90}, {&cli_train_style_argp, 0, NULL, 2}, {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Trains an actor and a critic to imitate motions.\v"
        "Examples:\n  amble train --motion walk --samples 4M --out runs/walk\n"
        "  amble train --motion walk,run,backflip --init locomotion --teacher walk=walk --teacher run=run\n"
        "  amble train --style random --samples 40M --out runs/locomotion",
        children,
        NULL,
        NULL};
    cli_parse(&argp, argc, argv, arguments);
    training_options_free(options);
}

bool train_arguments_check(const train_arguments *arguments, ami_error *err)
{
    if (!cli_style_check(&arguments->style, arguments->motions > 0 ? arguments->motion[0] : NULL, err))
        return false;
    if ((arguments->go_on || arguments->supervise) && !arguments->training.out)
        return ami_fail(err, "%s asks --out, the folder to go on in",
                        arguments->supervise ? "--supervise" : "--continue");
    if (arguments->supervise && ami_exchange_ranks(cli_ranks()) > 1)
        return ami_fail(err, "--supervise starts mpirun itself: give it with --launcher");
    if (arguments->stop_at > 0 && arguments->evaluate_every == 0) /* it would never stop */
        return ami_fail(err, "--stop-at asks evaluations, and --evaluate-every 0 makes none");
    if (arguments->training.resume && arguments->init)
        return ami_fail(err, "--resume and --init exclude each other");
    if (arguments->training.resume && arguments->may_touch)
        return ami_fail(err,
                        "--resume and --may-touch exclude each other: the bodies are those of %s; use --init "
                        "to change them",
                        arguments->training.resume);
    return true;
}
