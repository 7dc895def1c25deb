/* Runs a training and saves what it makes. */
#include "cli/train_run.h"

#include "base/clock.h"
#include "cli/ranks.h"
#include "cli/train_budget.h"
#include "cli/train_evaluation.h"
#include "cli/train_ranks.h"
#include "cli/train_report.h"
#include "nets/onnx/onnx.h"

#include <math.h>
#include <stdlib.h>
#include <unistd.h>

/* The actor last: a program that waits for a new one finds its critic beside it. */
static bool save_networks(const ami_train *train, const char *folder, bool half, ami_error *err)
{
    char path[4200];
    ami_net *actor = ami_train_export_actor(train, err),
            *critic = actor ? ami_train_export_critic(train, err) : NULL;
    bool ok = critic != NULL;
    const ami_onnx_dtype dtype = half ? AMI_ONNX_FLOAT16 : AMI_ONNX_FLOAT32;
    snprintf(path, sizeof path, "%s/critic.onnx", folder);
    ok = ok && ami_onnx_write(path, critic, dtype, err);
    snprintf(path, sizeof path, "%s/actor.onnx", folder);
    ok = ok && ami_onnx_write(path, actor, dtype, err);
    ami_net_destroy(actor);
    ami_net_destroy(critic);
    return ok;
}

/* Collective. Rank 0 writes; all ranks get the result. */
static bool save_all(const ami_train *train, const char *folder, bool half, ami_event_log *log,
                     ami_progress *progress, ami_error *err)
{
    char path[4200];
    if (log)
        training_flush(log, progress);
    snprintf(path, sizeof path, "%s/checkpoint.bin", folder);
    if (!ami_train_save(train, path, err))
        return false;
    const bool ok = !cli_ranks_first() || save_networks(train, folder, half, err);
    return ami_exchange_agree(cli_ranks(), ok, err);
}

/* Networks as they begin, so that the folder can be watched from the start. A resumed training goes on if
 * they cannot be written. */
static bool save_first(const ami_train *train, const char *folder, bool half, bool resumed,
                       ami_progress *progress, ami_error *err)
{
    char path[4200];
    snprintf(path, sizeof path, "%s/actor.onnx", folder);
    if ((resumed && access(path, F_OK) == 0) || save_networks(train, folder, half, err))
        return true;
    if (resumed)
        training_warn(progress, err);
    return resumed;
}

/* What rank 0 has decided for the next iteration, and what each rank says of the last one. */
typedef struct turn {
    double samples; /* over which the schedules extend */
    int ends, saves, stopped;
    int64_t iteration;
    train_rank_time time;
} turn;

typedef struct run_state {
    const train_arguments *a;
    ami_train *train;
    const char *folder;
    ami_event_log *log; /* NULL in ranks that are not the first */
    FILE *lines;
    ami_progress progress;
    train_budget budget;
    train_ranks *ranks;
    ami_train_stats stats; /* of the last iteration */
    double started, saved, flushed, rate, limit;
    bool *told; /* (clips, or 1) where advice was given */
    bool warned, saves, ends;
} run_state;

/* Collective. Whether there is another iteration; saves where it is time to. */
static bool begin_turn(run_state *r)
{
    const ami_settings *settings = ami_train_settings(r->train);
    ami_error err;
    turn mine = {.samples = settings->samples,
                 .ends = r->ends ||
                         (!r->budget.open && (double)ami_train_samples(r->train) >= settings->samples) ||
                         (r->limit > 0 && ami_clock_now() - r->started >= r->limit),
                 .saves = r->saves,
                 .stopped = cli_stopped,
                 .iteration = ami_train_iterations(r->train),
                 .time = train_ranks_own(r->ranks)};
    turn *all = train_ranks_turns(r->ranks);
    if (!ami_exchange_all(cli_ranks(), &mine, sizeof mine, all))
        return false;
    ami_train_set_samples(r->train, all[0].samples);
    for (int k = 0; k < ami_exchange_ranks(cli_ranks()); k++) {
        if (all[k].stopped)
            cli_stopped = 1;
        train_ranks_take(r->ranks, k, &all[k].time);
    }
    if (cli_stopped || all[0].ends)
        return false;
    if (all[0].saves) {
        r->saves = false;
        r->saved = r->flushed = ami_clock_now();
        if (!save_all(r->train, r->folder, r->a->training.half, r->log, &r->progress, &err))
            training_warn(&r->progress, &err);
    }
    return !ami_exchange_failed(cli_ranks(), NULL);
}

/* Rank 0, after an iteration: curves and the status. */
static void report(run_state *r, int64_t before)
{
    const ami_train_stats *stats = &r->stats;
    if (stats->failure && !r->warned) {
        r->warned = true;
        ami_progress_note(&r->progress, "amble: %s; that character was reset; going on", stats->failure);
    }
    const double now = ami_clock_now(), took = stats->collect_s + stats->learn_s;
    const double latest = (double)(stats->samples - before) / fmax(took, 1e-9);
    r->rate = r->rate > 0 ? .95 * r->rate + .05 * latest : latest;
    train_report_curves(r->log, r->train, stats, r->rate);
    train_ranks_log(r->ranks, r->log, stats->samples, &r->progress);
    train_report_status(&r->progress, stats, r->rate);
    if (r->lines)
        train_report_line(r->lines, stats, now - r->started, r->rate);
    train_report_advice(&r->progress, r->train, stats, r->told);
}

/* Rank 0: what is to be done before the next iteration. */
static void plan(run_state *r)
{
    const double now = ami_clock_now();
    const bool decided =
        train_budget_decide(&r->budget, r->train, ami_clock_now() - r->started, false, &r->progress);
    if (now - r->flushed > 10) {
        r->flushed = now;
        training_flush(r->log, &r->progress);
    }
    /* no checkpoint with another budget */
    r->saves = decided || (!r->budget.open && now - r->saved > 60 * r->a->training.save_minutes);
}

/* Trains until the samples, the time or the user end it. Returns the exit status. */
int train_run(const train_arguments *arguments, ami_train *train, const char *folder, ami_event_log *log,
              FILE *lines)
{
    ami_error err = {{0}}, failure = {{0}};
    const ami_settings *settings = ami_train_settings(train);
    const double now = ami_clock_now();
    const int64_t samples_before = ami_train_samples(train);
    const bool first = cli_ranks_first();
    const double evaluate_every = arguments->evaluate_every >= 0    ? arguments->evaluate_every
                                  : ami_train_clip_count(train) > 1 ? 1e6
                                                                    : 250e3;
    bool failed = false;
    run_state r = {.a = arguments,
                   .train = train,
                   .folder = folder,
                   .log = log,
                   .lines = lines,
                   .budget = {arguments->training.minutes > 0 && !arguments->training.resume &&
                                  !arguments->training.setting[ami_setting_by_name("samples")],
                              60 * arguments->training.minutes},
                   .started = now,
                   .saved = now,
                   .flushed = now};
    r.limit = r.budget.open ? 0 : 60 * arguments->training.minutes;
    ami_progress_start(&r.progress, "train", (double)samples_before, r.budget.open ? 0 : settings->samples,
                       0);
    const int clips = ami_train_clip_count(train);
    r.told = calloc(clips > 1 ? (size_t)clips : 1, sizeof *r.told);
    const bool ready = (r.told || ami_fail(&err, "out of memory for %d clips", clips)) &&
                       (r.ranks = train_ranks_create(cli_ranks(), sizeof(turn), &err)) != NULL &&
                       (!first || save_first(train, folder, arguments->training.half, samples_before > 0,
                                             &r.progress, &err));
    if (!ami_exchange_agree(cli_ranks(), ready, &err)) {
        train_ranks_destroy(r.ranks);
        free(r.told);
        return cli_fail(&err);
    }
    while (begin_turn(&r)) {
        const int64_t before = ami_train_samples(train);
        const double waited = ami_exchange_seconds(cli_ranks());
        ami_train_stats last = {0};
        ami_train_iterate(train, &last);
        if ((failed = ami_train_failed(train, &failure)))
            break;
        r.stats = last;
        train_ranks_add(r.ranks, last.collect_s, last.collect_s + last.learn_s,
                        ami_exchange_seconds(cli_ranks()) - waited);
        if (first)
            report(&r, before);
        if (train_evaluate(train, before, evaluate_every, arguments->stop_at, log, &r.progress))
            r.ends = true;
        else if (first)
            plan(&r);
    }
    train_ranks_destroy(r.ranks);
    free(r.told);
    if (ami_exchange_failed(cli_ranks(), &failure)) {
        ami_progress_end(&r.progress);
        cli_ranks_report();
        if (ami_exchange_reports(cli_ranks()))
            train_report_how_to_go_on(arguments, train, folder);
        return CLI_FAILED;
    }
    const double wall = ami_clock_now() - r.started;
    double samples = settings->samples;
    if (first && train_budget_decide(&r.budget, train, wall, true, &r.progress))
        samples = settings->samples;
    if (ami_exchange_from_first(cli_ranks(), &samples, sizeof samples))
        ami_train_set_samples(train, samples);
    ami_progress_end(&r.progress);
    const bool kept = save_all(train, folder, arguments->training.half, log, &r.progress, &err);
    if (kept) {
        fprintf(stderr,
                "%s after %.1f minutes and %.2fM samples (%.0f/s): episode %.2f s, normalised return %.3f, "
                "both with exploration noise.\n",
                cli_stopped || failed ? "Stopped" : "Trained", wall / 60,
                1e-6 * (double)ami_train_samples(train),
                (double)(ami_train_samples(train) - samples_before) / fmax(wall, 1e-9), r.stats.episode_s,
                r.stats.normalised_return);
        train_report_how_to_go_on(arguments, train, folder);
    } else {
        cli_failed(&err);
    }
    if (failed)
        return cli_fail(&failure);
    if (!kept)
        return CLI_FAILED;
    if (first &&
        !cli_write_json(arguments->common.json, train_report_summary(&r.stats, train, folder, wall), &err))
        return cli_failed(&err);
    return cli_stopped ? 130 : 0;
}
