/* amble fit: trains DeepPhase (phase) or StyleVAE (style) on a folder of clips. Writes into a run folder:
 * checkpoint.bin (everything, atomically), the networks as ONNX, TensorBoard events; for style also the table
 * of named styles. */
#include "base/clock.h"
#include "base/count.h"
#include "base/file.h"
#include "base/number.h"
#include "cli/commands.h"
#include "learn/event_log.h"
#include "learn/fit_evaluate.h"
#include "nets/onnx/onnx.h"
#include "options/options.h"
#include "options/program.h"
#include "options/progress.h"
#include "options/run_folder.h"
#include "options/threads.h"
#include "policy/styles.h"
#include "sim/character.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    KEY_OUT = 'o',
    KEY_RESUME = CLI_KEY_OWN,
    KEY_HOLD_OUT,
    KEY_MINUTES,
    KEY_SAVE_MINUTES,
    KEY_PRECISION,
    KEY_HALF,
    KEY_SETTING
};
enum { STEPS = 50 }; /* between looks at the clock */

typedef struct arguments {
    ami_fit_what what;
    cli_common common;
    const char *out, *resume, *hold_out;
    double minutes, save_minutes;
    bool half;
    const char *setting[AMI_FIT_SETTING_COUNT];
} arguments;

static const char *const word[2] = {"phase", "style"};

static int setting_by_name(const char *name)
{
    for (int i = 0; i < AMI_FIT_SETTING_COUNT; i++)
        if (!strcmp(ami_fit_setting_list[i].name, name))
            return i;
    return -1;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        return 0;
    case KEY_OUT:
        a->out = text;
        return 0;
    case KEY_RESUME:
        a->resume = text;
        return 0;
    case KEY_HOLD_OUT:
        a->hold_out = text;
        return 0;
    case KEY_MINUTES:
        a->minutes = cli_double(state, text, 0, 1e6, "--minutes");
        return 0;
    case KEY_SAVE_MINUTES:
        a->save_minutes = cli_double(state, text, 0, 1e6, "--save-minutes");
        return 0;
    case KEY_HALF:
        a->half = true;
        return 0;
    case KEY_PRECISION: {
        const int bf16 = setting_by_name("bf16");
        a->setting[bf16] = !strcmp(text, "fp32")   ? "0"
                           : !strcmp(text, "bf16") ? "1"
                           : !strcmp(text, "auto") ? "-1"
                                                   : NULL;
        if (!a->setting[bf16])
            argp_error(state, "--precision: \"%s\" found, expected fp32, bf16 or auto", text);
        return 0;
    }
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected; the folder of clips is given with --clips",
                   text);
        return 0;
    default:
        if (key >= KEY_SETTING && key < KEY_SETTING + AMI_FIT_SETTING_COUNT) {
            const ami_fit_setting *s = &ami_fit_setting_list[key - KEY_SETTING];
            char option[64];
            snprintf(option, sizeof option, "--%s", s->name);
            if (s->whole)
                cli_int(state, text, (int64_t)s->lo, (int64_t)s->hi, option);
            else
                cli_double(state, text, s->lo, s->hi, option);
            a->setting[key - KEY_SETTING] = text;
            return 0;
        }
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option own_options[] = {
    {"out", KEY_OUT, "DIR", 0, "run folder (default: runs/phase or runs/style); made if it is not there", 1},
    {"resume", KEY_RESUME, "FILE", 0,
     "go on from this checkpoint, bit for bit; only --samples and where to stop may be changed", 1},
    {"hold-out", KEY_HOLD_OUT, "NAMES", 0, "clips, with commas, that are not learned from but evaluated on",
     1},
    {"minutes", KEY_MINUTES, "M", 0, "stop after this time even if samples are left (default: no limit)", 1},
    {"save-minutes", KEY_SAVE_MINUTES, "M", 0, "time between checkpoints (default 2)", 1},
    {"precision", KEY_PRECISION, "P", 0, "of matrix products: fp32, bf16 or auto", 1},
    {"half", KEY_HALF, NULL, 0, "write the ONNX files with float16 weights", 1},
    {NULL, 0, NULL, 0, "Settings (numbers; 2e6, 500k and 2M are fine):", 3},
};

/* Our own options and the table of settings behind them. */
static struct argp_option *all_options(ami_fit_what what, char (*text)[2][160])
{
    const size_t own = sizeof own_options / sizeof *own_options;
    struct argp_option *options = calloc(own + AMI_FIT_SETTING_COUNT + 1, sizeof *options);
    if (!options)
        return NULL;
    memcpy(options, own_options, sizeof own_options);
    size_t n = own;
    for (int i = 0; i < AMI_FIT_SETTING_COUNT; i++) {
        const ami_fit_setting *s = &ami_fit_setting_list[i];
        if (!strcmp(s->name, "seed") || !strcmp(s->name, "bf16"))
            continue; /* --seed and --precision */
        snprintf(text[i][0], sizeof text[i][0], "%s", s->name);
        for (char *c = text[i][0]; *c; c++)
            if (*c == '_')
                *c = '-';
        snprintf(text[i][1], sizeof text[i][1], "%s (default %g)", s->help, s->value[what]);
        options[n++] = (struct argp_option){text[i][0], KEY_SETTING + i, "X", 0, text[i][1], 3};
    }
    return options;
}

static bool choose_settings(const arguments *a, const ami_checkpoint *resumed, ami_fit_settings *settings,
                            ami_error *err)
{
    *settings = ami_fit_settings_default(a->what);
    ami_fit_what what = a->what;
    if (resumed && !ami_fit_read_settings(resumed, &what, settings, err))
        return false;
    if (what != a->what)
        return ami_fail(err, "%s: is a checkpoint of amble fit %s, expected one of amble fit %s", a->resume,
                        word[what], word[a->what]);
    for (int i = 0; i < AMI_FIT_SETTING_COUNT; i++) {
        const char *name = ami_fit_setting_list[i].name;
        double *at = (double *)settings + i, value = *at;
        if (a->setting[i])
            (void)ami_count_read(a->setting[i], &value); /* checked when it was parsed */
        else if (!strcmp(name, "seed") && a->common.seed_given)
            value = (double)a->common.seed;
        if (resumed && value != *at && strcmp(name, "samples"))
            return ami_fail(err, "--resume continues with the settings of %s (%s=%g there)", a->resume, name,
                            *at);
        *at = value;
    }
    return true;
}

static void warn(ami_progress *progress, const ami_error *err)
{
    ami_progress_note(progress, "amble: %s; going on", err->text);
}

static bool save_nets(const arguments *a, const ami_fit *fit, const char *folder, ami_error *err)
{
    for (int i = 0; i < AMI_FIT_NETS && ami_fit_net_name[a->what][i]; i++) {
        char path[4200];
        snprintf(path, sizeof path, "%s/%s.onnx", folder, ami_fit_net_name[a->what][i]);
        ami_net *net = ami_fit_export(fit, i, err);
        const bool ok = net && ami_onnx_write(path, net, a->half ? AMI_ONNX_FLOAT16 : AMI_ONNX_FLOAT32, err);
        ami_net_destroy(net);
        if (!ok)
            return false;
    }
    return true;
}

/* The curves first: a checkpoint must not be newer than the points in the files, or a resumed fit has a hole
 * in them. Failing to write them is only a warning. */
static bool save_all(const arguments *a, const ami_fit *fit, const char *folder, ami_event_log *log,
                     ami_progress *progress, ami_error *err)
{
    char path[4200];
    if (!ami_event_log_flush(log, err))
        warn(progress, err);
    snprintf(path, sizeof path, "%s/checkpoint.bin", folder);
    return ami_fit_save(fit, path, err) && save_nets(a, fit, folder, err);
}

/* For TensorBoard's comparison of runs. */
static bool log_settings(const arguments *a, ami_event_log *log, const ami_fit_settings *settings,
                         ami_error *err)
{
    ami_event_setting list[AMI_FIT_SETTING_COUNT + 2] = {{"fit", word[a->what], 0},
                                                         {"hold_out", a->hold_out ? a->hold_out : "", 0}};
    for (int i = 0; i < AMI_FIT_SETTING_COUNT; i++)
        list[2 + i] = (ami_event_setting){ami_fit_setting_list[i].name, NULL, ((const double *)settings)[i]};
    return ami_event_log_settings(log, list, AMI_FIT_SETTING_COUNT + 2, err);
}

static void log_events(ami_event_log *log, ami_fit_what what, const ami_fit_stats *s, double rate)
{
    ami_event_log_scalar(log, "fit/loss", s->samples, s->loss, NULL);
    ami_event_log_scalar(log, "fit/learning_rate", s->samples, s->rate, NULL);
    ami_event_log_scalar(log, "fit/gradient_norm", s->samples, s->gradient, NULL);
    ami_event_log_scalar(log, "run/samples_per_s", s->samples, rate, NULL);
    for (int k = 0; k < AMI_FIT_TERMS && ami_fit_term[what][k]; k++) {
        char tag[64];
        snprintf(tag, sizeof tag, "loss/%s", ami_fit_term[what][k]);
        ami_event_log_scalar(log, tag, s->samples, s->term[k], NULL);
    }
}

/* Trains until the samples, the time or the user end it, and saves; `wall` gets the time in s. */
static bool train(const arguments *a, const ami_fit_settings *settings, ami_fit *fit, const char *folder,
                  ami_event_log *log, ami_fit_stats *stats, double *wall, ami_error *last)
{
    ami_error err = {{0}};
    const double started = ami_clock_now();
    double saved = started, flushed = started, rate = 0;
    ami_progress progress;
    ami_progress_start(&progress, a->what == AMI_FIT_PHASE ? "fit phase" : "fit style",
                       (double)ami_fit_samples(fit), settings->samples, 0);
    while (!cli_stopped && (double)ami_fit_samples(fit) < settings->samples &&
           (a->minutes <= 0 || ami_clock_now() - started < 60 * a->minutes)) {
        const double before = ami_clock_now();
        const int64_t samples = ami_fit_samples(fit);
        ami_fit_run(fit, STEPS, stats);
        if (ami_fit_failed(fit, NULL))
            break;
        const double now = ami_clock_now(),
                     latest = (double)(stats->samples - samples) / (now - before + 1e-9);
        rate = rate > 0 ? .95 * rate + .05 * latest : latest;
        log_events(log, a->what, stats, rate);
        ami_progress_update(&progress, (double)stats->samples, "%.2fM samples, %.0f/s, loss %.4g, rate %.1e",
                            1e-6 * (double)stats->samples, rate, stats->loss, stats->rate);
        if (now - flushed > 10) {
            flushed = now;
            if (!ami_event_log_flush(log, &err))
                warn(&progress, &err);
        }
        if (now - saved > 60 * a->save_minutes) {
            saved = flushed = now;
            if (!save_all(a, fit, folder, log, &progress, &err))
                warn(&progress, &err);
        }
    }
    ami_progress_end(&progress);
    *wall = ami_clock_now() - started;
    return save_all(a, fit, folder, log, &progress, last);
}

/* The command that goes on with this fit, with all that a checkpoint asks to be given again. */
static void print_how_to_go_on(const arguments *a, const ami_fit_settings *settings, const ami_fit *fit,
                               const char *folder)
{
    char path[4200], number[AMI_NUMBER_TEXT];
    snprintf(path, sizeof path, "%s/checkpoint.bin", folder);
    fprintf(stderr, " To go on: amble fit %s", word[a->what]);
    cli_print_option(stderr, "--resume", path);
    cli_print_option(stderr, "--clips", a->common.clips);
    cli_print_option(stderr, "--hold-out", a->hold_out);
    if ((double)ami_fit_samples(fit) >= settings->samples)
        cli_print_option(stderr, "--samples", ami_number_print(2 * settings->samples, number));
    fputs(a->half ? " --half\n" : "\n", stderr);
}

static json_t *report(const arguments *a, const ami_fit *fit, const ami_fit_stats *stats, const char *folder,
                      double wall, const ami_fit_evaluation *evaluation)
{
    json_t *o = json_object(), *terms = json_object(), *rows = json_array();
    for (int k = 0; k < AMI_FIT_TERMS && ami_fit_term[a->what][k]; k++)
        json_object_set_new(terms, ami_fit_term[a->what][k], cli_real(stats->term[k]));
    for (int i = 0; i < evaluation->rows; i++) {
        json_t *row = json_object();
        json_object_set_new(row, "what", json_string(evaluation->row[i].what));
        json_object_set_new(row, "motion", json_string(evaluation->row[i].motion));
        for (int k = 0; k < evaluation->columns; k++)
            json_object_set_new(row, evaluation->column[k], cli_real(evaluation->row[i].value[k]));
        json_array_append_new(rows, row);
    }
    json_object_set_new(o, "fit", json_string(word[a->what]));
    json_object_set_new(o, "samples", json_integer(ami_fit_samples(fit)));
    json_object_set_new(o, "wall_s", cli_real(wall));
    json_object_set_new(o, "loss", cli_real(stats->loss));
    json_object_set_new(o, "terms", terms);
    json_object_set_new(o, "steps_skipped", json_integer(stats->skipped));
    json_object_set_new(o, "precision", json_string(ami_fit_uses_bf16(fit) ? "bf16" : "fp32"));
    json_object_set_new(o, "folder", cli_text(folder));
    json_object_set_new(o, "judgement", rows);
    return o;
}

static void print_evaluation(const ami_fit_evaluation *j)
{
    printf("%-12s %-34s", "", "motion");
    for (int k = 0; k < j->columns; k++)
        printf(" %14s", j->column[k]);
    putchar('\n');
    for (int i = 0; i < j->rows; i++) {
        printf("%-12s %-34.34s", j->row[i].what, j->row[i].motion);
        for (int k = 0; k < j->columns; k++)
            if (j->row[i].value[k] == j->row[i].value[k])
                printf(" %14.4g", j->row[i].value[k]);
            else
                printf(" %14s", "-");
        putchar('\n');
    }
}

/* Trains, saves, evaluates, reports. Returns the exit status. */
static int run(const arguments *a, const ami_fit_settings *settings, ami_fit *fit, const ami_fit_data *data,
               const char *folder, ami_event_log *log)
{
    ami_error err = {{0}};
    ami_fit_stats stats = {0};
    double wall;
    const bool saved = train(a, settings, fit, folder, log, &stats, &wall, &err);
    ami_error failure;
    const bool failed = ami_fit_failed(fit, &failure);
    if (saved) {
        fprintf(stderr, "%s after %.1f minutes and %.2fM samples: loss %.4g.",
                cli_stopped || failed ? "Stopped" : "Trained", wall / 60, 1e-6 * (double)ami_fit_samples(fit),
                stats.loss);
        print_how_to_go_on(a, settings, fit, folder);
    } else {
        cli_failed(&err);
    }
    if (failed)
        return cli_fail(&failure);
    if (!saved)
        return CLI_FAILED;
    ami_styles *styles = NULL;
    ami_fit_evaluation *evaluation =
        ami_fit_evaluate(fit, a->what, data, (uint64_t)settings->seed, &styles, &err);
    char path[4200];
    snprintf(path, sizeof path, "%s/styles.json", folder);
    bool ok = evaluation && (!styles || ami_styles_write(styles, path, &err));
    if (ok && (!a->common.json || strcmp(a->common.json, "-")))
        print_evaluation(evaluation);
    ok = ok && cli_write_json(a->common.json, report(a, fit, &stats, folder, wall, evaluation), &err);
    ami_fit_evaluation_destroy(evaluation);
    ami_styles_destroy(styles);
    return !ok ? cli_failed(&err) : cli_stopped ? 130 : 0;
}

/* As given, else that of the checkpoint, else runs/phase or runs/style. */
static void choose_folder(const arguments *a, char *folder, size_t size)
{
    const char *slash = a->resume ? strrchr(a->resume, '/') : NULL;
    if (a->out)
        snprintf(folder, size, "%s", a->out);
    else if (a->resume)
        snprintf(folder, size, "%.*s", slash ? (int)(slash - a->resume) : 1, slash ? a->resume : ".");
    else
        snprintf(folder, size, "runs/%s", word[a->what]);
}

static int fit_with(const arguments *a, const ami_checkpoint *resumed)
{
    ami_error err = {{0}};
    ami_fit_settings settings;
    if (!choose_settings(a, resumed, &settings, &err))
        return cli_fail(&err);
    const char *clips = a->common.clips ? a->common.clips : getenv("AMBLE_CLIPS");
    const ami_character_def def = ami_character_default_def();
    ami_character *character = ami_character_create(&def, &err);
    ami_fit_data *data = character ? ami_fit_data_read(&character->skeleton,
                                                       clips && *clips ? clips : "clips", a->hold_out, &err)
                                   : NULL;
    ami_fit *fit = data ? ami_fit_create(a->what, &settings, data, &err) : NULL;
    ami_event_log *log = NULL;
    ami_folder_lock *lock = NULL;
    char folder[4096];
    choose_folder(a, folder, sizeof folder);
    int status = CLI_BAD_INPUT;
    if (fit && (!resumed || ami_fit_load(fit, resumed, &err)) &&
        (lock = cli_run_folder_take(folder, resumed, &err)) != NULL &&
        (log = ami_event_log_open(folder, ami_fit_samples(fit), &err)) != NULL &&
        log_settings(a, log, &settings, &err)) {
        if (data->left_out)
            fprintf(stderr,
                    "Left out of the clips' folder, being no motions of DeepMimic's humanoid3d: %s.\n",
                    data->left_out_names);
        fprintf(stderr,
                "Fitting %s in %s: %d clip%s, %d blend%s, %s matrix products, %.2fM of %.2fM samples done.\n",
                word[a->what], folder, data->motions / 2, cli_plural(data->motions / 2), data->blends,
                cli_plural(data->blends), ami_fit_uses_bf16(fit) ? "bf16" : "fp32",
                1e-6 * (double)ami_fit_samples(fit), 1e-6 * settings.samples);
        status = run(a, &settings, fit, data, folder, log);
    } else {
        cli_fail(&err);
    }
    ami_event_log_close(log, NULL);
    ami_folder_lock_release(lock);
    ami_fit_destroy(fit);
    ami_fit_data_destroy(data);
    ami_character_destroy(character);
    return status;
}

static int fit_what(ami_fit_what what, int argc, char **argv)
{
    static char text[AMI_FIT_SETTING_COUNT][2][160];
    static const char *const doc[2] = {
        "Trains DeepPhase: where in its cycle a body is, from one frame of 22 points and their velocities.\v"
        "Example, on the clips of a clone of DeepMimic's repository (get-clips.sh is in scripts/, or in "
        "share/amble of an installation):\n"
        "  get-clips.sh --from DeepMimic deepmimic-clips\n"
        "  amble fit phase --clips deepmimic-clips --hold-out long_walk2 --out runs/phase",
        "Trains StyleVAE's encoder and decoder on windows of motions that walk, and writes the table of "
        "named styles.\v"
        "Example, on the clips of a clone of DeepMimic's repository (get-clips.sh is in scripts/, or in "
        "share/amble of an installation):\n"
        "  get-clips.sh --from DeepMimic deepmimic-clips\n"
        "  amble fit style --clips deepmimic-clips --hold-out long_walk2 --out runs/style"};
    arguments a = {.what = what, .save_minutes = 2};
    struct argp_option *options = all_options(what, text);
    if (!options)
        return cli_fail(&(ami_error){"out of memory for the options"});
    const struct argp_child children[] = {{&cli_common_argp, 0, NULL, 90}, {0}};
    const struct argp argp = {options, parse, NULL, doc[what], children, NULL, NULL};
    cli_parse(&argp, argc, argv, &a);
    free(options);

    cli_set_threads(a.common.threads);
    cli_stop_on_signals();
    ami_error err = {{0}};
    ami_checkpoint *from = NULL;
    if (a.resume && !(from = ami_checkpoint_read(a.resume, &err)))
        return cli_fail(&err);
    const int status = fit_with(&a, from);
    ami_checkpoint_destroy(from);
    return status;
}

static const char usage[] = "Usage: amble fit phase [OPTION...]\n"
                            "       amble fit style [OPTION...]\n"
                            "Trains a motion network on a folder of clips. `amble fit phase --help` and "
                            "`amble fit style --help` say more.\n"
                            "Example: amble fit phase --clips deepmimic-clips (which get-clips.sh --from "
                            "DeepMimic makes of a clone of DeepMimic's repository)\n";

int cmd_fit(int argc, char **argv)
{
    if (argc >= 2 && (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-?") == 0)) {
        fputs(usage, stdout);
        return EXIT_SUCCESS;
    }
    for (int what = 0; argc >= 2 && what < 2; what++) {
        if (strcmp(argv[1], word[what]) == 0) {
            char name[32];
            snprintf(name, sizeof name, "amble fit %s", word[what]);
            argv[1] = name; /* what argp calls the program */
            return fit_what((ami_fit_what)what, argc - 1, argv + 1);
        }
    }
    if (argc >= 2)
        fprintf(stderr, "amble fit: \"%s\" is neither phase nor style\n", argv[1]);
    fputs(usage, stderr);
    return CLI_BAD_INPUT;
}
