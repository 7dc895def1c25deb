/* Common options and results of the subcommands. Parsing is strict: a value must be valid to its last
 * character. */
#include "options/options.h"

#include "base/count.h"
#include "base/file.h"
#include "base/number.h"
#include "base/text.h"
#include "options/program.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_THREADS = 4096 };
static const int64_t largest_seed = INT64_C(9000000000000000); /* exact as a double, the type of settings */

bool cli_check_output(const char *path, const char *const *endings, ami_error *err)
{
    if (!path || !strcmp(path, "-"))
        return true;
    const char *slash = strrchr(path, '/'), *base = slash ? slash + 1 : path, *dot = strrchr(base, '.');
    char names[80] = "";
    bool known = !endings || !dot;
    for (int i = 0; endings && endings[i]; i++) {
        known |= ami_text_has_ending(base, endings[i]);
        const size_t used = strlen(names);
        snprintf(names + used, sizeof names - used, "%s%s",
                 !i               ? ""
                 : endings[i + 1] ? ", "
                                  : " or ",
                 endings[i]);
    }
    if (!known)
        return ami_fail(err, "%s: expected a name that ends in %s and not in %s", path, names, dot);
    return ami_file_check_writable(path, err);
}

static error_t parse_common(int key, char *text, struct argp_state *state)
{
    cli_common *common = state->input;
    switch (key) {
    case ARGP_KEY_END:
        for (int i = 1; i < state->argc; i++) /* no buffer for paths is larger, and no path is longer */
            if (strlen(state->argv[i]) >= PATH_MAX)
                argp_error(state, "an argument of %zu bytes, expected at most %d: \"%.40s...\"",
                           strlen(state->argv[i]), PATH_MAX - 1, state->argv[i]);
        ami_error err;
        if (!common->json_later && !cli_check_output(common->json, NULL, &err))
            argp_failure(state, CLI_BAD_INPUT, 0, "--json: %s", err.text);
        return 0;
    case CLI_KEY_SEED:
        common->seed = (uint64_t)cli_int(state, text, 0, largest_seed, "--seed");
        common->seed_given = true;
        return 0;
    case CLI_KEY_THREADS:
        common->threads = (int)cli_int(state, text, 0, MAX_THREADS, "--threads");
        return 0;
    case CLI_KEY_JSON:
        if (!*text)
            argp_error(state, "--json is empty, expected a file's name or -");
        common->json = text;
        return 0;
    case CLI_KEY_CLIPS:
        if (!*text)
            argp_error(state, "--clips is empty, expected a folder's name");
        common->clips = text;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

#define SEED_OPTION                                                              \
    {                                                                            \
        "seed", CLI_KEY_SEED, "N", 0, "seed of everything random (default 1)", 0 \
    }
#define THREADS_OPTION                                                                                     \
    {                                                                                                      \
        "threads", CLI_KEY_THREADS, "N", 0,                                                                \
            "threads (default 0: one for each core this process may use); results do not depend on their " \
            "number",                                                                                      \
            0                                                                                              \
    }
#define JSON_OPTION                                                                    \
    {                                                                                  \
        "json", CLI_KEY_JSON, "FILE", 0,                                               \
            "write the results as JSON; - is standard output, instead of the table", 0 \
    }

static const struct argp_option common_options[] = {
    SEED_OPTION,
    THREADS_OPTION,
    JSON_OPTION,
    {"clips", CLI_KEY_CLIPS, "DIR", 0,
     "folder of motion clips (default: $AMBLE_CLIPS, ./clips, the source tree's clips, amble's own)", 0},
    {0},
};
static const struct argp_option threads_options[] = {SEED_OPTION, THREADS_OPTION, JSON_OPTION, {0}};
static const struct argp_option seed_options[] = {SEED_OPTION, JSON_OPTION, {0}};
static const struct argp_option json_options[] = {JSON_OPTION, {0}};

const struct argp cli_common_argp = {common_options, parse_common, NULL, NULL, NULL, NULL, NULL};
const struct argp cli_threads_argp = {threads_options, parse_common, NULL, NULL, NULL, NULL, NULL};
const struct argp cli_seed_argp = {seed_options, parse_common, NULL, NULL, NULL, NULL, NULL};
const struct argp cli_json_argp = {json_options, parse_common, NULL, NULL, NULL, NULL, NULL};

double cli_double(struct argp_state *state, const char *text, double lo, double hi, const char *option)
{
    ami_error err = {""};
    double value = lo;
    if (!cli_parse_double(text, lo, hi, option, &value, &err))
        argp_error(state, "%s", err.text);
    return value;
}

int64_t cli_int(struct argp_state *state, const char *text, int64_t lo, int64_t hi, const char *option)
{
    ami_error err = {""};
    int64_t value = lo;
    if (!cli_parse_int(text, lo, hi, option, &value, &err))
        argp_error(state, "%s", err.text);
    return value;
}

void cli_parse(const struct argp *argp, int argc, char **argv, void *input)
{
    const error_t failed = argp_parse(argp, argc, argv, 0, NULL, input);
    if (!failed)
        return;
    fprintf(stderr, "%s: the command line could not be parsed: %s\n", cli_program_name, strerror(failed));
    exit(CLI_BAD_INPUT);
}

int cli_fail(const ami_error *err)
{
    fprintf(stderr, "%s: %s\n", cli_program_name, err->text);
    return CLI_BAD_INPUT;
}

int cli_failed(const ami_error *err)
{
    cli_fail(err);
    return CLI_FAILED;
}

void cli_warn_renamed(const struct argp_state *state, const char *old, const char *new)
{
    fprintf(stderr, "%s: %s is now called %s; the old name still works\n", state->name, old, new);
}

int cli_columns(const char *text)
{
    int n = 0;
    for (; *text; text++)
        n += ((unsigned char)*text & 0xc0) != 0x80;
    return n;
}

const char *cli_quote(const char *text, char *quoted, size_t size)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./:=,+@%-";
    size_t n = 0;
    if ((*text && !text[strspn(text, plain)]) || size < 3)
        return text;
    quoted[n++] = '\'';
    for (const char *at = text; *at; at++) {
        const char one[] = {*at, 0}, *piece = *at == '\'' ? "'\\''" : one;
        const size_t length = strlen(piece);
        if (n + length + 2 > size)
            return text;
        memcpy(quoted + n, piece, length);
        n += length;
    }
    quoted[n++] = '\'';
    quoted[n] = 0;
    return quoted;
}

bool cli_parse_double(const char *text, double lo, double hi, const char *option, double *out, ami_error *err)
{
    double value;
    if (!ami_number_read(text, NULL, &value))
        return ami_fail(err, "%s is \"%.100s\", expected a number from %g to %g", option, text, lo, hi);
    if (!(value >= lo && value <= hi))
        return ami_fail(err, "%s is %.100s, expected %g to %g", option, text, lo, hi);
    *out = value;
    return true;
}

bool cli_parse_int(const char *text, int64_t lo, int64_t hi, const char *option, int64_t *out, ami_error *err)
{
    double real;
    char *end;
    errno = 0;
    int64_t value = strtoll(text, &end, 10);
    if (!ami_count_read(text, &real))
        return ami_fail(err, "%s is \"%.100s\", expected a whole number from %lld to %lld", option, text,
                        (long long)lo, (long long)hi);
    if (*end) { /* "2e6", "2M": a double holds it exactly */
        if (real != floor(real))
            return ami_fail(err, "%s is %.100s, expected a whole number from %lld to %lld", option, text,
                            (long long)lo, (long long)hi);
        errno = fabs(real) > 0x1p53 ? ERANGE : 0;
        value = errno ? 0 : (int64_t)real;
    }
    if (errno == ERANGE || value < lo || value > hi)
        return ami_fail(err, "%s is %.100s, expected %lld to %lld", option, text, (long long)lo,
                        (long long)hi);
    *out = value;
    return true;
}

bool cli_parse_push(const char *text, const char *option, double *speed, double *period, ami_error *err)
{
    char first[64];
    double metres = 0, seconds = 0;
    const size_t length = strcspn(text, ",");
    if (!text[length] || length >= sizeof first)
        return ami_fail(err, "%s is \"%.100s\", expected SPEED,PERIOD in m/s and s", option, text);
    memcpy(first, text, length);
    first[length] = 0;
    if (!cli_parse_double(first, 0, 20, "the speed (m/s)", &metres, err) ||
        !cli_parse_double(text + length + 1, .05, 1e6, "the period (s)", &seconds, err))
        return ami_fail_in(err, "%s %.100s", option, text);
    *speed = metres;
    *period = seconds;
    return true;
}

void cli_print_option(FILE *to, const char *option, const char *value)
{
    char quoted[CLI_QUOTED];
    if (value)
        fprintf(to, " %s %s", option, cli_quote(value, quoted, sizeof quoted));
}

json_t *cli_text(const char *text)
{
    char escaped[4 * 4096];
    if (!text)
        return json_null();
    return json_string(ami_text_is_utf8(text) ? text : ami_text_escape(text, escaped, sizeof escaped));
}

static bool json_incomplete; /* jansson ran out of memory once: an object may lack something */

static void *json_allocate(size_t size)
{
    void *block = malloc(size);
    if (!block && size > 0)
        json_incomplete = true;
    return block;
}

void cli_watch_json_memory(void)
{
    json_set_alloc_funcs(json_allocate, free);
}

json_t *cli_real(double x)
{
    return isfinite(x) ? json_real(x) : json_null();
}

bool cli_write_json(const char *file, json_t *object, ami_error *err)
{
    char *text =
        file && object ? json_dumps(object, JSON_INDENT(2) | JSON_REAL_PRECISION(9) | JSON_ENCODE_ANY) : NULL;
    json_decref(object);
    if (!file)
        return true;
    if (!text || json_incomplete) {
        free(text);
        return ami_fail(err, "out of memory for the results%s",
                        json_incomplete ? "" : ", or a name in them is not UTF-8");
    }
    size_t length = strlen(text);
    text[length++] = '\n'; /* instead of the final zero: a text file ends with a newline */
    bool ok;
    if (strcmp(file, "-") == 0) {
        ok = cli_write_output(text, length, err);
    } else {
        ok = ami_file_write(file, text, length, err);
    }
    free(text);
    return ok;
}

/* Levenshtein's distance; words longer than the buffer here are never near. */
static int edits(const char *a, const char *b)
{
    int row[32];
    const int n = (int)strlen(b);
    if (n >= 32)
        return 32;
    for (int j = 0; j <= n; j++)
        row[j] = j;
    for (int i = 1; *a; a++, i++) {
        int corner = row[0]; /* row i - 1, column j - 1 */
        row[0] = i;
        for (int j = 1; j <= n; j++) {
            int best = corner + (*a != b[j - 1]);
            best = row[j] + 1 < best ? row[j] + 1 : best;
            best = row[j - 1] + 1 < best ? row[j - 1] + 1 : best;
            corner = row[j];
            row[j] = best;
        }
    }
    return row[n];
}

const char *cli_nearest(const char *word, const char *const *names, int count)
{
    const char *nearest = NULL;
    int fewest = 3; /* more than two edits: not similar */
    for (int i = 0; i < count && strlen(word) < 32; i++) {
        const int e = edits(word, names[i]);
        if (e < fewest && e < (int)strlen(names[i])) {
            fewest = e;
            nearest = names[i];
        }
    }
    return nearest;
}
