/* What `amble train` and `amble fit` share: options, settings among them; which folder a run writes to, and
 * curves in it. */
#include "cli/training.h"

#include "base/number.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- The command line ---- */

/* A setting's name as an option and its help, in one block. */
static bool describe(const ami_setting *s, int number, struct argp_option *option)
{
    enum { HELP = 200 };
    const size_t length = strlen(s->name) + 1;
    char *text = malloc(length + HELP);
    if (!text)
        return false;
    memcpy(text, s->name, length);
    for (char *c = text; *c; c++)
        if (*c == '_')
            *c = '-';
    snprintf(text + length, HELP, "%s (default %g)", s->help, s->value);
    *option = (struct argp_option){text, TRAINING_KEY_SETTING + number, "X", 0, text + length, 3};
    return true;
}

struct argp_option *training_options_create(const struct argp_option *own, const ami_setting *list,
                                            int settings)
{
    size_t n = 0;
    while (own[n].name || own[n].key || own[n].doc)
        n++;
    struct argp_option *options = calloc(n + (size_t)settings + 1, sizeof *options);
    if (!options)
        return NULL;
    memcpy(options, own, n * sizeof *options);
    for (int i = 0; i < settings; i++) {
        if (!strcmp(list[i].name, "seed") || !strcmp(list[i].name, "bf16"))
            continue;
        if (!describe(&list[i], i, &options[n++])) {
            training_options_free(options);
            return NULL;
        }
    }
    return options;
}

void training_options_free(struct argp_option *options)
{
    for (struct argp_option *o = options; o->name || o->key || o->doc; o++)
        if (o->key >= TRAINING_KEY_SETTING)
            free((char *)o->name);
    free(options);
}

error_t training_parse(training_options *options, int key, char *text, struct argp_state *state)
{
    switch (key) {
    case TRAINING_KEY_OUT:
        options->out = text;
        return 0;
    case TRAINING_KEY_RESUME:
        options->resume = text;
        return 0;
    case TRAINING_KEY_MINUTES:
        options->minutes = cli_double(state, text, 0, 1e6, "--minutes");
        return 0;
    case TRAINING_KEY_SAVE_MINUTES:
        options->save_minutes = cli_double(state, text, 0, 1e6, "--save-minutes");
        return 0;
    case TRAINING_KEY_HALF:
        options->half = true;
        return 0;
    case TRAINING_KEY_PRECISION: {
        const char *value = !strcmp(text, "fp32")   ? "0"
                            : !strcmp(text, "bf16") ? "1"
                            : !strcmp(text, "auto") ? "-1"
                                                    : NULL;
        if (!value)
            argp_error(state, "--precision: \"%s\" found, expected fp32, bf16 or auto", text);
        options->setting[ami_setting_find(options->list, options->settings, "bf16")] = value;
        return 0;
    }
    default:
        if (key < TRAINING_KEY_SETTING || key >= TRAINING_KEY_SETTING + options->settings)
            return ARGP_ERR_UNKNOWN;
        options->setting[key - TRAINING_KEY_SETTING] = text;
        return 0;
    }
}

bool training_choose_settings(const training_options *options, const cli_common *common, const char *instead,
                              double *values, ami_error *err)
{
    for (int i = 0; i < options->settings; i++) {
        const ami_setting *s = &options->list[i];
        const double before = values[i];
        if (options->setting[i] && !ami_setting_set(s, &values[i], options->setting[i], err))
            return false;
        if (common->seed_given && !strcmp(s->name, "seed"))
            values[i] = (double)common->seed;
        if (options->resume && values[i] != before && strcmp(s->name, "samples"))
            return ami_fail(err, "--resume continues with the settings of %s (%s=%g there)%s",
                            options->resume, s->name, before, instead);
    }
    return true;
}

/* ---- The run folder ---- */

void training_choose_folder(const training_options *options, const char *otherwise, char *folder, size_t size)
{
    const char *slash = options->resume ? strrchr(options->resume, '/') : NULL;
    if (options->out)
        snprintf(folder, size, "%s", options->out);
    else if (options->resume)
        snprintf(folder, size, "%.*s", slash ? (int)(slash - options->resume) : 1,
                 slash ? options->resume : ".");
    else
        snprintf(folder, size, "%s", otherwise);
}

bool training_log_settings(ami_event_log *log, const ami_event_setting *fact, int facts,
                           const ami_setting *list, int settings, const double *values, ami_error *err)
{
    enum { FACTS_MAX = 4 };
    ami_event_setting all[FACTS_MAX + TRAINING_SETTINGS_MAX];
    memcpy(all, fact, (size_t)facts * sizeof *all);
    for (int i = 0; i < settings; i++)
        all[facts + i] = (ami_event_setting){list[i].name, NULL, values[i]};
    return ami_event_log_settings(log, all, facts + settings, err);
}

void training_warn(ami_progress *progress, const ami_error *err)
{
    ami_progress_note(progress, "amble: %s; going on", err->text);
}

void training_flush(ami_event_log *log, ami_progress *progress)
{
    ami_error err;
    if (!ami_event_log_flush(log, &err))
        training_warn(progress, &err);
}

void training_print_resume(const char *folder)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/checkpoint.bin", folder);
    cli_print_option(stderr, "--resume", path);
}

void training_print_rest(const training_options *options, int64_t done, double samples)
{
    char number[AMI_NUMBER_TEXT];
    if ((double)done >= samples)
        cli_print_option(stderr, "--samples", ami_number_print(2 * samples, number));
    fputs(options->half ? " --half\n" : "\n", stderr);
}
