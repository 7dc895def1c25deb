/* amble fit: trains DeepPhase (phase) or StyleVAE (style) on a folder of clips. Writes into a run folder:
 * checkpoint.bin (everything, atomically), the networks as ONNX, TensorBoard events; for style also the table
 * of named styles. */
#include "base/clock.h"
#include "cli/commands.h"
#include "cli/ranks.h"
#include "cli/training.h"
#include "learn/fit_evaluate.h"
#include "nets/onnx/onnx.h"
#include "options/program.h"
#include "options/run_folder.h"
#include "options/threads.h"
#include "policy/styles.h"
#include "sim/character.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_HOLD_OUT = TRAINING_KEY_OWN };
enum { STEPS = 50 }; /* between looks at the clock */

typedef struct arguments {
    ami_fit_what what;
    cli_common common;
    training_options training;
    const char *hold_out;
} arguments;

_Static_assert((int)AMI_FIT_SETTING_COUNT <= (int)TRAINING_SETTINGS_MAX, "");

static const char *const word[2] = {"phase", "style"};

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        return 0;
    case KEY_HOLD_OUT:
        a->hold_out = text;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected; the folder of clips is given with --clips",
                   text);
        return 0;
    default:
        return training_parse(&a->training, key, text, state);
    }
}

static const struct argp_option own_options[] = {
    {"out", TRAINING_KEY_OUT, "DIR", 0,
     "run folder (default: runs/phase or runs/style); made if it is not there", 1},
    {"resume", TRAINING_KEY_RESUME, "FILE", 0,
     "go on from this checkpoint, bit for bit; only --samples and where to stop may be changed", 1},
    {"hold-out", KEY_HOLD_OUT, "NAMES", 0, "clips, with commas, that are not learned from but evaluated on",
     1},
    {"minutes", TRAINING_KEY_MINUTES, "M", 0,
     "stop after this time even if samples are left (default: no limit)", 1},
    {"save-minutes", TRAINING_KEY_SAVE_MINUTES, "M", 0, "time between checkpoints (default 2)", 1},
    {"precision", TRAINING_KEY_PRECISION, "P", 0, "of matrix products: fp32, bf16 or auto", 1},
    {"half", TRAINING_KEY_HALF, NULL, 0, "write the ONNX files with float16 weights", 1},
    {NULL, 0, NULL, 0, "Settings (numbers; 2e6, 500k and 2M are fine):", 3},
    {0},
};

static bool choose_settings(const arguments *a, const ami_checkpoint *resumed, ami_fit_settings *settings,
                            ami_error *err)
{
    *settings = ami_fit_settings_default(a->what);
    ami_fit_what what = a->what;
    if (resumed && !ami_fit_read_settings(resumed, &what, settings, err))
        return false;
    if (what != a->what)
        return ami_fail(err, "%s: is a checkpoint of amble fit %s, expected one of amble fit %s",
                        a->training.resume, word[what], word[a->what]);
    return training_choose_settings(&a->training, &a->common, "", (double *)settings, err);
}

static bool save_nets(const arguments *a, const ami_fit *fit, const char *folder, ami_error *err)
{
    for (int i = 0; i < AMI_FIT_NETS && ami_fit_net_name[a->what][i]; i++) {
        char path[4200];
        snprintf(path, sizeof path, "%s/%s.onnx", folder, ami_fit_net_name[a->what][i]);
        ami_net *net = ami_fit_export(fit, i, err);
        const bool ok =
            net && ami_onnx_write(path, net, a->training.half ? AMI_ONNX_FLOAT16 : AMI_ONNX_FLOAT32, err);
        ami_net_destroy(net);
        if (!ok)
            return false;
    }
    return true;
}

/* Collective. Rank 0 has all there is to save. */
static bool save_all(const arguments *a, const ami_fit *fit, const char *folder, ami_event_log *log,
                     ami_progress *progress, ami_error *err)
{
    char path[4200];
    if (!cli_ranks_first())
        return ami_exchange_agree(cli_ranks(), true, err);
    training_flush(log, progress);
    snprintf(path, sizeof path, "%s/checkpoint.bin", folder);
    const bool ok = ami_fit_save(fit, path, err) && save_nets(a, fit, folder, err);
    return ami_exchange_agree(cli_ranks(), ok, err);
}

static bool log_settings(const arguments *a, ami_event_log *log, const ami_fit_settings *settings,
                         ami_error *err)
{
    const ami_event_setting fact[] = {{"fit", word[a->what], 0},
                                      {"hold_out", a->hold_out ? a->hold_out : "", 0}};
    return training_log_settings(log, fact, 2, a->training.list, AMI_FIT_SETTING_COUNT,
                                 (const double *)settings, err);
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

typedef struct turn { /* what a rank says before it goes on; ends and saves: what rank 0 says */
    int stopped, ends, saves;
} turn;

/* Collective. Whether there are more steps; *saves: whether to save before. turns (ranks): workspace. */
static bool take_turn(const turn *mine, turn *turns, bool *saves)
{
    if (!ami_exchange_all(cli_ranks(), mine, sizeof *mine, turns))
        return false;
    for (int r = 0; r < ami_exchange_ranks(cli_ranks()); r++)
        if (turns[r].stopped)
            cli_stopped = 1;
    *saves = turns[0].saves != 0;
    return !cli_stopped && !turns[0].ends;
}

/* Trains until the samples, the time or the user end it, and saves; `wall` gets the time in s. turns (ranks): workspace. */
static bool train(const arguments *a, const ami_fit_settings *settings, ami_fit *fit, const char *folder,
                  ami_event_log *log, turn *turns, ami_fit_stats *stats, double *wall, ami_error *last)
{
    ami_error err = {{0}};
    const double started = ami_clock_now();
    double saved = started, flushed = started, rate = 0;
    ami_progress progress;
    ami_progress_start(&progress, a->what == AMI_FIT_PHASE ? "fit phase" : "fit style",
                       (double)ami_fit_samples(fit), settings->samples, 0);
    bool saves = false;
    for (;;) {
        const turn mine = {
            .stopped = cli_stopped,
            .ends = (double)ami_fit_samples(fit) >= settings->samples ||
                    (a->training.minutes > 0 && ami_clock_now() - started >= 60 * a->training.minutes),
            .saves = saves};
        if (!take_turn(&mine, turns, &saves))
            break;
        if (saves && !save_all(a, fit, folder, log, &progress, &err))
            training_warn(&progress, &err);
        saves = false;
        const double before = ami_clock_now();
        const int64_t samples = ami_fit_samples(fit);
        ami_fit_run(fit, STEPS, stats);
        if (ami_fit_failed(fit, NULL))
            break;
        const double now = ami_clock_now(),
                     latest = (double)(stats->samples - samples) / (now - before + 1e-9);
        rate = rate > 0 ? .95 * rate + .05 * latest : latest;
        if (!cli_ranks_first())
            continue;
        log_events(log, a->what, stats, rate);
        ami_progress_update(&progress, (double)stats->samples, "%.2fM samples, %.0f/s, loss %.4g, rate %.1e",
                            1e-6 * (double)stats->samples, rate, stats->loss, stats->rate);
        if (now - flushed > 10) {
            flushed = now;
            training_flush(log, &progress);
        }
        if (now - saved > 60 * a->training.save_minutes) {
            saved = flushed = now;
            saves = true;
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
    fprintf(stderr, " To go on: amble fit %s", word[a->what]);
    training_print_resume(folder);
    cli_print_option(stderr, "--clips", a->common.clips);
    cli_print_option(stderr, "--hold-out", a->hold_out);
    training_print_rest(&a->training, ami_fit_samples(fit), settings->samples);
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
    int width = 34;
    for (int i = 0; i < j->rows; i++)
        width = cli_columns(j->row[i].motion) > width ? cli_columns(j->row[i].motion) : width;
    printf("%-12s %-*s", "", width, "motion");
    for (int k = 0; k < j->columns; k++)
        printf(" %14s", j->column[k]);
    putchar('\n');
    for (int i = 0; i < j->rows; i++) {
        printf("%-12s %s%*s", j->row[i].what, j->row[i].motion, width - cli_columns(j->row[i].motion), "");
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
    ami_error failure;
    turn *turns = calloc((size_t)ami_exchange_ranks(cli_ranks()), sizeof *turns);
    if (!ami_exchange_agree(cli_ranks(), turns || ami_fail(&err, "out of memory"), &err)) {
        free(turns);
        return cli_fail(&err);
    }
    const bool saved = train(a, settings, fit, folder, log, turns, &stats, &wall, &err);
    free(turns);
    if (ami_exchange_failed(cli_ranks(), NULL)) {
        cli_ranks_report();
        return CLI_FAILED;
    }
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
    if (!cli_ranks_first()) /* it evaluates and reports */
        return cli_stopped ? 130 : 0;
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
    ami_fit *fit = ami_exchange_agree(cli_ranks(), data != NULL, &err)
                       ? ami_fit_create_ranks(a->what, &settings, data, cli_ranks(), &err)
                       : NULL;
    ami_event_log *log = NULL;
    ami_folder_lock *lock = NULL;
    char folder[4096], own_folder[32];
    snprintf(own_folder, sizeof own_folder, "runs/%s", word[a->what]);
    training_choose_folder(&a->training, own_folder, folder, sizeof folder);
    int status = CLI_BAD_INPUT;
    bool ok = fit && ami_exchange_agree(cli_ranks(), !resumed || ami_fit_load(fit, resumed, &err), &err);
    if (ok) {
        ok = !cli_ranks_first() || ((lock = cli_run_folder_take(folder, resumed, &err)) != NULL &&
                                    cli_check_output(a->common.json, NULL, &err) &&
                                    (log = ami_event_log_open(folder, ami_fit_samples(fit), &err)) != NULL &&
                                    log_settings(a, log, &settings, &err));
        ok = ami_exchange_agree(cli_ranks(), ok, &err);
    }
    if (ok) {
        if (data->left_out)
            fprintf(stderr, "Left out of the clips' folder, being no motions: %s.\n", data->left_out_names);
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
    arguments a = {.what = what,
                   .common = {.json_later = true},
                   .training = {.list = ami_fit_setting_list[what],
                                .settings = AMI_FIT_SETTING_COUNT,
                                .save_minutes = 2}};
    struct argp_option *options =
        training_options_create(own_options, ami_fit_setting_list[what], AMI_FIT_SETTING_COUNT);
    if (!options)
        return cli_fail(&(ami_error){"out of memory for the options"});
    const struct argp_child children[] = {{&cli_common_argp, 0, NULL, 90}, {0}};
    const struct argp argp = {options, parse, NULL, doc[what], children, NULL, NULL};
    cli_parse(&argp, argc, argv, &a);
    training_options_free(options);

    cli_set_threads(a.common.threads);
    cli_stop_on_signals();
    ami_error err = {{0}};
    ami_checkpoint *from = NULL;
    if (a.training.resume)
        from = ami_checkpoint_read(a.training.resume, &err);
    if (!ami_exchange_agree(cli_ranks(), !a.training.resume || from, &err)) {
        ami_checkpoint_destroy(from);
        return cli_fail(&err);
    }
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
