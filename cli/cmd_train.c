/* amble train: PPO from scratch, from a checkpoint (--resume) or from another training's networks (--init).
 * Writes into a run folder: checkpoint.bin (everything, atomically), actor.onnx and critic.onnx, and
 * TensorBoard events. */
#include "cli/commands.h"
#include "cli/ranks.h"
#include "cli/train_arguments.h"
#include "cli/train_report.h"
#include "cli/train_run.h"
#include "cli/train_source.h"
#include "learn/train.h"
#include "options/program.h"
#include "options/run_folder.h"
#include "options/threads.h"
#include "policy/models.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Settings from the checkpoint that is resumed, or defaults, with what was given on the command line. */
static bool choose_settings(const train_arguments *a, const ami_checkpoint *resumed, ami_settings *settings,
                            ami_error *err)
{
    *settings = ami_settings_default();
    if (resumed && !ami_train_read_settings(resumed, settings, err))
        return false;
    return training_choose_settings(&a->training, &a->common, "; use --init to change them",
                                    (double *)settings, err) &&
           ami_settings_check(settings, err);
}

/* runs/MOTION, runs/repertoire, runs/style-STYLE or runs/locomotion, unless another folder is given. */
static void choose_folder(const train_arguments *a, const ami_train *train, char *folder, size_t size)
{
    char own[4096];
    const char *style = ami_style_trained_on(ami_train_motion(train));
    snprintf(own, sizeof own, "runs/%s%s", !style || !strcmp(style, "random") ? "" : "style-",
             ami_train_clip_count(train) > 1 ? "repertoire"
             : !style                        ? ami_train_motion(train)
             : strcmp(style, "random")       ? style
                                             : "locomotion");
    training_choose_folder(&a->training, own, folder, size);
}

/* The networks that --init names, if it is given. `checkpoint` is NULL where they are ONNX files. */
static bool load_init(const train_arguments *a, ami_train *train, const ami_checkpoint *checkpoint,
                      ami_error *err)
{
    if (!a->init || checkpoint)
        return !checkpoint || ami_train_load_networks(train, checkpoint, err);
    char critic[4200];
    if (!ami_policy_critic_path(a->init, critic, sizeof critic) && access(a->init, R_OK) == 0)
        return ami_fail(
            err, "%s: its critic is not there, expected NAME_critic.onnx or critic.onnx beside it", a->init);
    return ami_train_load_onnx(train, a->init, critic, err);
}

static bool is_onnx(const char *path)
{
    const size_t length = strlen(path);
    return length > 5 && !strcmp(path + length - 5, ".onnx");
}

/* Whether all ranks are about to do the same: settings, motion, parameters and precision. */
static bool check_same(ami_train *train, ami_error *err)
{
    const int ranks = ami_exchange_ranks(cli_ranks());
    uint32_t *all = malloc((size_t)ranks * sizeof *all), mine = ami_train_crc(train);
    bool ok = all != NULL || ami_fail(err, "out of memory");
    ok = ami_exchange_agree(cli_ranks(), ok, err);
    if (ok && !ami_exchange_all(cli_ranks(), &mine, sizeof mine, all))
        ok = !ami_exchange_failed(cli_ranks(), err);
    for (int r = 1; ok && r < ranks; r++)
        if (all[r] != all[0])
            ok = ami_fail(
                err,
                "rank %d on %s would train something else than rank 0 on %s: another version of amble, clip, "
                "checkpoint or precision (--precision)",
                r, ami_exchange_host(cli_ranks(), r), ami_exchange_host(cli_ranks(), 0));
    free(all);
    return ok;
}

static bool open_progress(const train_arguments *a, FILE **file, ami_error *err)
{
    if (a->progress && !(*file = fopen(a->progress, "a")))
        return ami_fail(err, "--progress: %s: %s", a->progress, strerror(errno));
    return true;
}

static int train_with(const train_arguments *a, const ami_checkpoint *resumed, const ami_checkpoint *init)
{
    ami_error err = {{0}};
    ami_settings settings;
    if (!choose_settings(a, resumed, &settings, &err))
        return cli_fail(&err);
    const ami_character_def character_def = ami_train_character_def(&settings);
    ami_character *character = ami_character_create(&character_def, &err);
    train_source source = {0};
    char folder[4096];
    ami_folder_lock *lock = NULL;
    ami_train *train = NULL;
    ami_event_log *log = NULL;
    FILE *lines = NULL;
    int status = CLI_BAD_INPUT;
    /* What one rank cannot do ends all, with its sentence. */
    bool ok = character && train_source_load(a, resumed, character, &source, &err);
    ok = ami_exchange_agree(cli_ranks(), ok, &err) &&
         (train = train_source_create(&source, &settings, character, &err)) != NULL;
    if (ok) {
        ok = (!resumed || ami_train_load(train, resumed, &err)) && load_init(a, train, init, &err);
        ok = ami_exchange_agree(cli_ranks(), ok, &err) && check_same(train, &err);
    }
    if (ok) {
        choose_folder(a, train, folder, sizeof folder);
        ok = !cli_ranks_first() ||
             (open_progress(a, &lines, &err) && (lock = cli_run_folder_take(folder, resumed, &err)) != NULL &&
              cli_check_output(a->common.json, NULL, &err) && train_source_keep(&source, a, folder, &err) &&
              (log = ami_event_log_open(folder, ami_train_samples(train), &err)) != NULL &&
              train_report_settings(log, train, &err));
        ok = ami_exchange_agree(cli_ranks(), ok, &err);
    }
    if (ok) {
        train_report_begin(train, folder);
        status = train_run(a, train, folder, log, lines);
    } else {
        cli_fail(&err);
    }
    if (lines)
        fclose(lines);
    ami_event_log_close(log, NULL);
    ami_folder_lock_release(lock);
    ami_train_destroy(train);
    train_source_free(&source);
    ami_character_destroy(character);
    return status;
}

int cmd_train(int argc, char **argv)
{
    static train_arguments a;
    train_arguments_read(argc, argv, &a);
    ami_error err = {{0}};
    if (a.go_on && a.training.resume) {
        ami_fail(&err, "--continue and --resume exclude each other");
        return cli_fail(&err);
    }
    if (!train_arguments_check(&a, &err))
        return cli_fail(&err);
    if (a.supervise) {
        cli_stop_on_signals();
        a.supervision.folder = a.training.out;
        return train_supervise(&a.supervision, argc, argv);
    }
    char own[4200];
    if (a.go_on) {
        snprintf(own, sizeof own, "%s/checkpoint.bin", a.training.out);
        char there = access(own, F_OK) == 0;
        if (!ami_exchange_from_first(cli_ranks(), &there, 1)) {
            cli_ranks_report();
            return CLI_FAILED;
        }
        if (there) {
            a.training.resume = own;
            a.init = a.may_touch = NULL;
        }
    }
    cli_set_threads(a.common.threads);
    cli_stop_on_signals();
    cli_ranks_limit(a.rank_seconds);

    ami_checkpoint *from = NULL;
    char init[4096];
    if (!ami_exchange_agree(cli_ranks(), !a.init || ami_find_model(a.init, init, sizeof init, &err), &err))
        return cli_fail(&err);
    a.init = a.init ? init : NULL;
    const bool read = a.training.resume || (a.init && !is_onnx(a.init));
    if (read)
        from = ami_checkpoint_read(a.training.resume ? a.training.resume : a.init, &err);
    if (!ami_exchange_agree(cli_ranks(), !read || from, &err)) {
        ami_checkpoint_destroy(from);
        return cli_fail(&err);
    }
    const int status = train_with(&a, a.training.resume ? from : NULL, a.init ? from : NULL);
    ami_checkpoint_destroy(from);
    return status;
}
