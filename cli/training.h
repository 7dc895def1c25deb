/* What `amble train` and `amble fit` share: options, settings among them; which folder a run writes to, and
 * curves in it. */
#ifndef AMI_CLI_TRAINING_H
#define AMI_CLI_TRAINING_H

#include "learn/event_log.h"
#include "learn/settings.h"
#include "options/options.h"
#include "options/progress.h"

enum { TRAINING_SETTINGS_MAX = 96 };

enum {
    TRAINING_KEY_OUT = 'o',
    TRAINING_KEY_RESUME = CLI_KEY_OWN,
    TRAINING_KEY_MINUTES,
    TRAINING_KEY_SAVE_MINUTES,
    TRAINING_KEY_PRECISION,
    TRAINING_KEY_HALF,
    TRAINING_KEY_OWN,                        /* the subcommand's own keys begin here */
    TRAINING_KEY_SETTING = CLI_KEY_OWN + 64, /* + number of the setting */
};

typedef struct training_options {
    const ami_setting *list; /* of the subcommand */
    int settings;            /* in it */

    const char *out, *resume;
    double minutes, save_minutes; /* minutes 0: no limit */
    bool half;
    const char *setting[TRAINING_SETTINGS_MAX]; /* texts as given, NULL: not given */
} training_options;

/* ---- The command line ---- */

/* `own` (which ends with the heading of the settings, and then zeros) with the list's settings behind it but
 * --seed and bf16, which is --precision. NULL where memory is short; to be freed by training_options_free. */
struct argp_option *training_options_create(const struct argp_option *own, const ami_setting *list,
                                            int settings);
void training_options_free(struct argp_option *options);

/* For an argp parser: takes the keys above; ARGP_ERR_UNKNOWN for others. */
error_t training_parse(training_options *options, int key, char *text, struct argp_state *state);

/* `values` (by the list: defaults, or what the checkpoint that is resumed has) become what the command line
 * says. False and a sentence for a value that is none, or where --resume is given and a setting other than
 * `samples` changes; `instead` ends that sentence. */
bool training_choose_settings(const training_options *options, const cli_common *common, const char *instead,
                              double *values, ami_error *err);

/* ---- The run folder (options/run_folder.h takes it) ---- */

/* As given with --out, else that of the checkpoint that is resumed, else `otherwise`. */
void training_choose_folder(const training_options *options, const char *otherwise, char *folder,
                            size_t size);

/* For TensorBoard's comparison of runs: `facts` of the run, then the settings. */
bool training_log_settings(ami_event_log *log, const ami_event_setting *fact, int facts,
                           const ami_setting *list, int settings, const double *values, ami_error *err);

/* Names the error and says that the run goes on: what could not be written now may be written next time. */
void training_warn(ami_progress *progress, const ami_error *err);

/* To be called before a checkpoint is written: it must not be newer than the points in the files, or a
 * resumed run has a hole in its curves. Failing to write them is only a warning. */
void training_flush(ami_event_log *log, ami_progress *progress);

/* " --resume FOLDER/checkpoint.bin" on standard error, and the end of such a command: --samples, doubled,
 * where all of them are done, --half, the line's end. */
void training_print_resume(const char *folder);
void training_print_rest(const training_options *options, int64_t done, double samples);

#endif
