/* For the subcommands' command lines: the common options, strict parsers, and output in JSON. Every failure
 * is one sentence on standard error and exit status 2. */
#ifndef AMI_OPTIONS_OPTIONS_H
#define AMI_OPTIONS_OPTIONS_H

#include "base/error.h"

#include <argp.h>
#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

enum {
    CLI_FAILED = 1,
    CLI_BAD_INPUT = 2
}; /* exit statuses: failed while running; command line or input not valid */

/* Keys of the common options, for subcommands that check which were given. */
enum { CLI_KEY_SEED = 0x10000, CLI_KEY_THREADS, CLI_KEY_JSON, CLI_KEY_CLIPS, CLI_KEY_OWN };

typedef struct cli_common {
    uint64_t seed;
    bool seed_given;
    int threads;       /* 0: cli_cores() */
    const char *json;  /* file for the results, "-" standard output, NULL none */
    bool json_later;   /* set by commands that make folders, in which it may lie: they check it themselves */
    const char *clips; /* folder of motion clips, NULL: see ami_clip_find */
} cli_common;

/* Argp children; their input is a cli_common. The first has all four options; each of the others omits one
 * more: --clips, --threads, --seed. */
extern const struct argp cli_common_argp, cli_threads_argp, cli_seed_argp, cli_json_argp;

/* For files that a command writes, before its work: whether one can be written, and whether its name ends as one of
 * `endings` ({".npy", ".npz", NULL}; NULL: any; a name without a dot is taken as it is). False and a
 * sentence. path NULL or "-": true. */
bool cli_check_output(const char *path, const char *const *endings, ami_error *err);

/* The whole text must be a decimal number in [lo, hi] (no blanks, no "nan", no hexadecimal); the sentence
 * names `option`. Whole numbers may be written "2e6", "20k" and "2M" (base/count.h). `out` is untouched on
 * error. */
bool cli_parse_double(const char *text, double lo, double hi, const char *option, double *out,
                      ami_error *err);
bool cli_parse_int(const char *text, int64_t lo, int64_t hi, const char *option, int64_t *out,
                   ami_error *err);

/* "SPEED,PERIOD": 0 to 20 m/s and .05 to 1e6 s. */
bool cli_parse_push(const char *text, const char *option, double *speed, double *period, ami_error *err);

/* The same for argp parsers: on failure prints the sentence and how to get help, and exits with status 2. */
double cli_double(struct argp_state *state, const char *text, double lo, double hi, const char *option);
int64_t cli_int(struct argp_state *state, const char *text, int64_t lo, int64_t hi, const char *option);

/* argp_parse with the program's command line and `input` for its parser; out of memory is a sentence and
 * status 2. */
void cli_parse(const struct argp *argp, int argc, char **argv, void *input);

/* Prints "amble: SENTENCE" on standard error and returns 2, so that `return cli_fail(&err)` ends a
 * subcommand. */
int cli_fail(const ami_error *err);

/* The same for results that were computed and could not be saved: returns 1. */
int cli_failed(const ami_error *err);

/* Prints "PROGRAM: --old is now called --new" on standard error if the old name was given; it still works. */
void cli_warn_renamed(const struct argp_state *state, const char *old, const char *new);

/* "" for 1, else "s": "%d seed%s". */
static inline const char *cli_plural(int64_t n)
{
    return n == 1 ? "" : "s";
}

/* Columns as a terminal counts them: characters of UTF-8. For tables whose names are not cut. */
int cli_columns(const char *text);

/* A word quoted for a shell: unchanged, or in quotes where it has blanks or special characters. For printed
 * commands. Returns quoted[size], or `text` itself where the quoted word is longer. */
enum { CLI_QUOTED = 8192 };
const char *cli_quote(const char *text, char *quoted, size_t size);

/* Prints " --option 'value'", quoted like that; nothing where value is NULL. */
void cli_print_option(FILE *to, const char *option, const char *value);

/* Environment variables in every program's --help. Lines have at most argp's 79 columns. */
#define CLI_ENVIRONMENT_HELP                                                         \
    "Environment:\n"                                                                 \
    "  AMBLE_ASSETS  folder with humanoid.xml and models/, instead of amble's own\n" \
    "  AMBLE_CLIPS   folder of motion clips, where --clips is not given\n"           \
    "  AMB_KERNEL    what networks run with, instead of the fastest: ref, avx2,\n"   \
    "                avx512, int16_avx2, ...; `amble-bench nets` shows them\n"
/* To be called before the first JSON object is created: if jansson runs out of memory, cli_write_json then
 * fails. */
void cli_watch_json_memory(void);

/* Writes `object` (taken over) to `file` atomically, or to standard output for "-"; nothing if file is NULL.
 */
bool cli_write_json(const char *file, json_t *object, ami_error *err);

/* Text as JSON, null for NULL; what is not UTF-8 (a path may hold any bytes) is escaped, as base/text.h does.
 */
json_t *cli_text(const char *text);

/* A number as JSON with at most 9 significant digits; null where it is not finite. */
json_t *cli_real(double x);

/* The most similar of `count` names to a misspelt `word` (at most two edits), NULL where there is none. */
const char *cli_nearest(const char *word, const char *const *names, int count);

#endif
