/* amble train: PPO from scratch, from a checkpoint (--resume) or from another training's networks (--init).
 * Writes into a run folder: checkpoint.bin (everything, atomically), actor.onnx and critic.onnx, and
 * TensorBoard events. */
#include "base/clock.h"
#include "base/count.h"
#include "base/file.h"
#include "cli/commands.h"
#include "cli/ranks.h"
#include "cli/train_budget.h"
#include "cli/train_evaluation.h"
#include "cli/train_ranks.h"
#include "cli/train_supervise.h"
#include "cli/training.h"
#include "learn/diagnosis.h"
#include "learn/train.h"
#include "nets/onnx/onnx.h"
#include "options/program.h"
#include "options/run_folder.h"
#include "options/style.h"
#include "options/threads.h"
#include "policy/controller.h"
#include "policy/may_touch.h"
#include "policy/models.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

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

enum { MAX_TEACHERS = 64 };

typedef struct arguments {
    cli_common common;
    ami_style_request style;
    training_options training;
    const char *motion, *init, *may_touch;
    const char *progress;              /* file that gets a line of JSON an iteration, or NULL */
    double evaluate_every, stop_at;    /* samples, 0: never; return, 0: never */
    const char *teacher[MAX_TEACHERS]; /* "STYLE=FILE" */
    int teachers;
    int loop; /* AMI_LOOP_... */
    double rank_seconds;
    bool go_on, supervise;
    train_supervision supervision;
} arguments;

_Static_assert((int)AMI_SETTING_COUNT <= (int)TRAINING_SETTINGS_MAX, "");

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
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
        a->motion = text;
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
        if (a->teachers == MAX_TEACHERS)
            argp_error(state, "--teacher: more than %d teachers", MAX_TEACHERS);
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
    {"motion", KEY_MOTION, "NAME|FILE", 0,
     "motion clip to imitate: a file, or a name in the clips folder (walk)", 1},
    {"loop", KEY_LOOP, "HOW", 0,
     "of a BVH, glTF or npz file, which does not say whether it loops: auto (default): if it repeats itself, "
     "cut "
     "to a cycle "
     "and closed; wrap: the whole of it, closed; none",
     1},
    {"out", TRAINING_KEY_OUT, "DIR", 0,
     "run folder (default: runs/MOTION, runs/style-STYLE, runs/locomotion); made if it is not there", 1},
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
    {"teacher", KEY_TEACHER, "STYLE=FILE", 0,
     "with --style: learn from what this actor would do, too, wherever this style is followed; once for each "
     "style",
     1},
    {"minutes", TRAINING_KEY_MINUTES, "M", 0,
     "train for this time: as many samples as it gives at the speed of the first seconds (with --samples or "
     "--resume: stop then, even if "
     "samples are left)",
     1},
    {"save-minutes", TRAINING_KEY_SAVE_MINUTES, "M", 0, "time between checkpoints (default 2)", 1},
    {"evaluate-every", KEY_EVALUATE_EVERY, "N", 0,
     "samples between evaluations: 32 characters by the mean action, without noise (default 250000; 0: none)",
     1},
    {"progress", KEY_PROGRESS, "FILE", 0,
     "append a line of JSON to this file after each iteration: samples, speed, return, reward; for programs",
     1},
    {"stop-at", KEY_STOP_AT, "RETURN", 0,
     "stop when an evaluation gives this normalised return (default: train all samples)", 1},
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

/* Settings from the checkpoint that is resumed, or defaults, with what was given on the command line. */
static bool choose_settings(const arguments *a, const ami_checkpoint *resumed, ami_settings *settings,
                            ami_error *err)
{
    *settings = ami_settings_default();
    if (resumed && !ami_train_read_settings(resumed, settings, err))
        return false;
    return training_choose_settings(&a->training, &a->common, "; use --init to change them",
                                    (double *)settings, err) &&
           ami_settings_check(settings, err);
}

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

static void log_events(ami_event_log *log, const ami_train_stats *s, double rate)
{
    const struct {
        const char *tag;
        double value;
    } scalar[] = {
        {"episode/seconds", s->episode_s},
        {"episode/normalised_return", s->normalised_return},
        {"episode/survived", s->survived},
        {"step/reward", s->reward},
        {"step/root_m", s->root_m},
        {"step/joint_rad", s->joint_rad},
        {"step/end_effector_m", s->end_effector_m},
        {"ppo/kl", s->ppo.kl},
        {"ppo/clipped", s->ppo.clipped},
        {"ppo/critic_loss", s->ppo.critic_loss},
        {"ppo/explained_variance", s->explained},
        {"ppo/actor_rate", s->actor_rate},
        {"ppo/noise", s->noise},
        {"ppo/actor_gradient_norm", s->ppo.actor_norm},
        {"ppo/critic_gradient_norm", s->ppo.critic_norm},
        {"ppo/teacher_distance", s->ppo.teacher_distance},
        {"ppo/copy_error", s->copy_error},
        {"run/samples_per_s", rate},
        {"run/push_speed", s->push_speed},
        {"run/unstable", (double)s->unstable},
        {"run/motions", (double)s->motions},
        {"run/motions_refused", (double)s->refused},
    };
    for (size_t i = 0; i < sizeof scalar / sizeof *scalar; i++)
        ami_event_log_scalar(log, scalar[i].tag, s->samples, scalar[i].value, NULL);
    for (int k = 0; k < AMI_REWARD_PARTS; k++) {
        char tag[64];
        snprintf(tag, sizeof tag, "reward/%s", ami_reward_name[k]);
        ami_event_log_scalar(log, tag, s->samples, s->part[k], NULL);
    }
}

/* A line of --progress; losing one is no reason to stop. */
static void write_progress(FILE *file, const ami_train_stats *s, double seconds, double rate)
{
    json_t *o = json_object();
    json_object_set_new(o, "samples", json_integer(s->samples));
    json_object_set_new(o, "wall_s", cli_real(seconds));
    json_object_set_new(o, "samples_per_s", cli_real(rate));
    json_object_set_new(o, "episode_s", cli_real(s->episode_s));
    json_object_set_new(o, "normalised_return", cli_real(s->normalised_return));
    json_object_set_new(o, "survived", cli_real(s->survived));
    json_object_set_new(o, "step_reward", cli_real(s->reward));
    json_object_set_new(o, "kl", cli_real(s->ppo.kl));
    char *line = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    if (line) {
        fprintf(file, "%s\n", line);
        fflush(file);
    }
    free(line);
    json_decref(o);
}

static bool log_settings(ami_event_log *log, const ami_settings *settings, const ami_train *train,
                         ami_error *err)
{
    const ami_event_setting fact[] = {{"motion", ami_train_motion(train), 0}};
    return training_log_settings(log, fact, 1, ami_setting_list, AMI_SETTING_COUNT, (const double *)settings,
                                 err);
}

static void show(ami_progress *progress, const ami_train_stats *s, double rate)
{
    ami_progress_update(progress, (double)s->samples,
                        "%.2fM samples, %.0f/s, episode %.2f s, return %.3f, reward %.3f (pose %.2f vel %.2f "
                        "ends %.2f root %.2f com %.2f)",
                        1e-6 * (double)s->samples, rate, s->episode_s, s->normalised_return, s->reward,
                        s->part[0], s->part[1], s->part[2], s->part[3], s->part[4]);
}

static json_t *summary(const ami_train_stats *s, const ami_train *train, const char *folder, double wall)
{
    json_t *parts = json_object(), *o = json_object();
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        json_object_set_new(parts, ami_reward_name[k], cli_real(s->part[k]));
    json_object_set_new(o, "samples", json_integer(ami_train_samples(train)));
    json_object_set_new(o, "iterations", json_integer(ami_train_iterations(train)));
    json_object_set_new(o, "wall_s", cli_real(wall));
    json_object_set_new(o, "episode_s", cli_real(s->episode_s));
    json_object_set_new(o, "normalised_return", cli_real(s->normalised_return));
    json_object_set_new(o, "survived", cli_real(s->survived));
    json_object_set_new(o, "step_reward", cli_real(s->reward));
    json_object_set_new(o, "reward", parts);
    json_object_set_new(o, "kl", cli_real(s->ppo.kl));
    json_object_set_new(o, "resets_non_finite", json_integer(s->unstable));
    json_object_set_new(o, "precision", json_string(ami_train_uses_bf16(train) ? "bf16" : "fp32"));
    json_object_set_new(o, "folder", cli_text(folder));
    return o;
}

/* A clip that cannot be followed because the floor is in its way, or is not where it should be. */
static bool check_floor(const ami_character *character, const ami_clip *clip, ami_error *err)
{
    double lowest, mean;
    if (!clip)
        return true;
    if (!ami_clip_height(character, clip, &lowest, &mean, err))
        return false;
    if (lowest < -.25 || mean < -.1)
        fprintf(stderr,
                "amble: the poses of %s are in the floor, by %.0f cm at the deepest and %.0f cm on average: "
                "a body cannot follow them there. "
                "Raise the motion, or check its scale and its up axis (amble clip info).\n",
                ami_clip_name(clip), -100 * lowest, -100 * fmin(mean, 0));
    return true;
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

/* The command that goes on with this training, with all that a checkpoint asks to be given again. */
static void print_how_to_go_on(const arguments *a, const ami_settings *settings, const ami_train *train,
                               const char *folder)
{
    fprintf(stderr, "Networks: %s/actor.onnx, %s/critic.onnx. To go on: amble train", folder, folder);
    training_print_resume(folder);
    cli_print_option(stderr, "--decoder", a->style.decoder);
    cli_print_option(stderr, "--deepphase", a->style.deepphase);
    cli_print_option(stderr, "--styles", a->style.table);
    for (int i = 0; i < a->teachers; i++)
        cli_print_option(stderr, "--teacher", a->teacher[i]);
    training_print_rest(&a->training, ami_train_samples(train), settings->samples);
}

/* What rank 0 has decided for the next iteration, and what each rank says of the last one. */
typedef struct turn {
    double samples; /* over which the schedules extend */
    int ends, saves, stopped;
    int64_t iteration;
    train_rank_time time;
} turn;

typedef struct run_state {
    const arguments *a;
    ami_train *train;
    const char *folder;
    ami_event_log *log; /* NULL in ranks that are not the first */
    FILE *lines;
    ami_progress progress;
    train_budget budget;
    train_ranks *ranks;
    ami_train_stats stats; /* of the last iteration */
    double started, saved, flushed, rate, limit;
    bool warned, told, saves, ends;
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
    char advice[512];
    if (stats->failure && !r->warned) {
        r->warned = true;
        ami_progress_note(&r->progress, "amble: %s; that character was reset; going on", stats->failure);
    }
    const double now = ami_clock_now(), took = stats->collect_s + stats->learn_s;
    const double latest = (double)(stats->samples - before) / fmax(took, 1e-9);
    r->rate = r->rate > 0 ? .95 * r->rate + .05 * latest : latest;
    log_events(r->log, stats, r->rate);
    train_ranks_log(r->ranks, r->log, stats->samples, &r->progress);
    show(&r->progress, stats, r->rate);
    if (r->lines)
        write_progress(r->lines, stats, now - r->started, r->rate);
    if (!r->told && (r->told = ami_train_diagnose(stats, advice, sizeof advice)))
        ami_progress_note(&r->progress, "amble: %s", advice);
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
static int run(const arguments *a, ami_train *train, const char *folder, ami_event_log *log, FILE *lines)
{
    ami_error err = {{0}}, failure = {{0}};
    const ami_settings *settings = ami_train_settings(train);
    const double now = ami_clock_now();
    const int64_t samples_before = ami_train_samples(train);
    const bool first = cli_ranks_first();
    bool failed = false;
    run_state r = {.a = a,
                   .train = train,
                   .folder = folder,
                   .log = log,
                   .lines = lines,
                   .budget = {a->training.minutes > 0 && !a->training.resume &&
                                  !a->training.setting[ami_setting_by_name("samples")],
                              60 * a->training.minutes},
                   .started = now,
                   .saved = now,
                   .flushed = now};
    r.limit = r.budget.open ? 0 : 60 * a->training.minutes;
    ami_progress_start(&r.progress, "train", (double)samples_before, r.budget.open ? 0 : settings->samples,
                       0);
    bool ready =
        (r.ranks = train_ranks_create(cli_ranks(), sizeof(turn), &err)) != NULL &&
        (!first || save_first(train, folder, a->training.half, samples_before > 0, &r.progress, &err));
    if (!ami_exchange_agree(cli_ranks(), ready, &err)) {
        train_ranks_destroy(r.ranks);
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
        if (train_evaluate(train, before, a->evaluate_every, a->stop_at, log, &r.progress))
            r.ends = true;
        else if (first)
            plan(&r);
    }
    train_ranks_destroy(r.ranks);
    if (ami_exchange_failed(cli_ranks(), &failure)) {
        ami_progress_end(&r.progress);
        cli_ranks_report();
        if (ami_exchange_reports(cli_ranks()))
            print_how_to_go_on(a, settings, train, folder);
        return CLI_FAILED;
    }
    const double wall = ami_clock_now() - r.started;
    double samples = settings->samples;
    if (first && train_budget_decide(&r.budget, train, wall, true, &r.progress))
        samples = settings->samples;
    if (ami_exchange_from_first(cli_ranks(), &samples, sizeof samples))
        ami_train_set_samples(train, samples);
    ami_progress_end(&r.progress);
    const bool kept = save_all(train, folder, a->training.half, log, &r.progress, &err);
    if (kept) {
        fprintf(stderr,
                "%s after %.1f minutes and %.2fM samples (%.0f/s): episode %.2f s, normalised return %.3f, "
                "both with exploration noise.\n",
                cli_stopped || failed ? "Stopped" : "Trained", wall / 60,
                1e-6 * (double)ami_train_samples(train),
                (double)(ami_train_samples(train) - samples_before) / fmax(wall, 1e-9), r.stats.episode_s,
                r.stats.normalised_return);
        print_how_to_go_on(a, settings, train, folder);
    } else {
        cli_failed(&err);
    }
    if (failed)
        return cli_fail(&failure);
    if (!kept)
        return CLI_FAILED;
    if (first && !cli_write_json(a->common.json, summary(&r.stats, train, folder, wall), &err))
        return cli_failed(&err);
    return cli_stopped ? 130 : 0;
}

/* runs/MOTION, runs/style-STYLE or runs/locomotion, unless another folder is given. */
static void choose_folder(const arguments *a, const ami_train *train, char *folder, size_t size)
{
    char own[4096];
    const char *style = ami_style_trained_on(ami_train_motion(train));
    snprintf(own, sizeof own, "runs/%s%s", !style || !strcmp(style, "random") ? "" : "style-",
             !style                    ? ami_train_motion(train)
             : strcmp(style, "random") ? style
                                       : "locomotion");
    training_choose_folder(&a->training, own, folder, size);
}

/* What is drawn: all of the table's styles, or the one that --style names, which `one` is made to hold; it
 * must outlive the training. */
static bool choose_styles(const ami_motions *motions, ami_styles *one, ami_train_styles *styles,
                          ami_error *err)
{
    *styles = (ami_train_styles){
        .nets = &motions->nets, .styles = motions->styles, .name = motions->style, .crc = motions->crc};
    if (!strcmp(motions->style, "random"))
        return true;
    const int style = ami_styles_find(motions->styles, motions->style, err);
    if (style < 0)
        return ami_fail_in(err, "--style: expected random or one style");
    *one = (ami_styles){1, &motions->styles->style[style]};
    styles->styles = one;
    styles->crc = ami_crc32c(styles->crc, motions->style, strlen(motions->style));
    return true;
}

static ami_train *create_training(const ami_settings *settings, const ami_character *character,
                                  const ami_followed *followed, ami_styles *one, const ami_teachers *teachers,
                                  unsigned may_touch, ami_error *err)
{
    ami_train_styles styles;
    const bool ok = followed->clip || choose_styles(&followed->motions, one, &styles, err);
    if (!ami_exchange_agree(cli_ranks(), ok, err))
        return NULL;
    styles.teachers = teachers;
    return ami_train_create_ranks(settings, character, followed->clip, followed->clip ? NULL : &styles,
                                  may_touch, cli_ranks(), err);
}

/* The networks that --init names, if it is given. `checkpoint` is NULL where they are ONNX files. */
static bool load_init(const arguments *a, ami_train *train, const ami_checkpoint *checkpoint, ami_error *err)
{
    if (!a->init || checkpoint)
        return !checkpoint || ami_train_load_networks(train, checkpoint, err);
    char critic[4200];
    if (!ami_policy_critic_path(a->init, critic, sizeof critic) && access(a->init, R_OK) == 0)
        return ami_fail(
            err, "%s: its critic is not there, expected NAME_critic.onnx or critic.onnx beside it", a->init);
    return ami_train_load_onnx(train, a->init, critic, err);
}

static bool load_teachers(const arguments *a, const ami_followed *followed, ami_teachers *teachers,
                          ami_error *err)
{
    if (a->teachers > 0 && followed->clip)
        return ami_fail(err, "--teacher is for --style: a clip needs none");
    for (int i = 0; i < a->teachers; i++) {
        const char *equals = strchr(a->teacher[i], '=');
        char path[4096], found[4200]; /* found: "STYLE=FILE" with the file's path; if there is none,
                                         ami_teachers_add says so */
        const bool is_found = equals && ami_find_model(equals + 1, path, sizeof path, NULL);
        if (is_found)
            snprintf(found, sizeof found, "%.*s%s", (int)(equals + 1 - a->teacher[i]), a->teacher[i], path);
        if (!ami_teachers_add(teachers, followed->motions.styles, is_found ? found : a->teacher[i], err))
            return ami_fail_in(err, "--teacher");
    }
    return true;
}

static bool is_onnx(const char *path)
{
    const size_t length = strlen(path);
    return length > 5 && !strcmp(path + length - 5, ".onnx");
}

/* Whether the motion is that of the checkpoint that is resumed (`before`; its motion is NULL where none is).
 * Before a training is made: settings that were decided for another motion may be impossible for this one. */
static bool check_motion(const ami_origin *before, const ami_followed *followed, ami_error *err)
{
    const ami_clip *clip = followed->clip;
    if (!before->motion || (clip ? !before->has_crc || ami_clip_crc(clip) == before->crc
                                 : ami_style_trained_on(before->motion) != NULL))
        return true;
    return ami_fail(err,
                    "%s: was trained on another motion than \"%s\" as it is now; continue with the same one, "
                    "or start from its networks with "
                    "--init",
                    before->file, followed->name);
}

/* A motion of another format: looped as asked, and reported. */
static bool settle(const arguments *a, ami_followed *followed, char **text, ami_error *err)
{
    ami_edit_cycle cycle;
    if (!followed->clip)
        return true;
    if (!ami_settle_clip(&followed->clip, followed->path, a->loop, &cycle, text, err))
        return false;
    followed->name = ami_clip_name(followed->clip);
    if (*text && cycle.end > 0)
        fprintf(stderr,
                "%s: loops from %.2f to %.2f s, off by %.1f degrees before it was closed (--loop none: all "
                "of it)\n",
                followed->path, cycle.begin, cycle.end, cycle.gap * 180 / M_PI);
    else if (*text)
        fprintf(stderr, "%s: %.2f s, does not loop\n", followed->path, ami_clip_duration(followed->clip));
    return true;
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

static bool open_progress(const arguments *a, FILE **file, ami_error *err)
{
    if (a->progress && !(*file = fopen(a->progress, "a")))
        return ami_fail(err, "--progress: %s: %s", a->progress, strerror(errno));
    return true;
}

static int train_with(const arguments *a, const ami_checkpoint *resumed, const ami_checkpoint *init)
{
    ami_error err = {{0}};
    ami_settings settings;
    if (!choose_settings(a, resumed, &settings, &err))
        return cli_fail(&err);
    size_t size;
    const char *before = resumed ? ami_checkpoint_find(resumed, "motion", &size) : NULL;
    if (!a->motion && !a->style.style && !before) {
        ami_fail(&err, "which motion? Give --motion NAME or FILE, or --style random");
        return cli_fail(&err);
    }
    const ami_character_def character_def = ami_train_character_def(&settings);
    ami_character *character = ami_character_create(&character_def, &err);
    ami_followed followed = {0};
    ami_origin origin = {.file = a->training.resume, .motion = before};
    origin.has_crc = before && ami_checkpoint_get(resumed, "clip_crc", &origin.crc, sizeof origin.crc, NULL);
    char *text = NULL; /* a copy of the clip in amble's format, where its file has another */
    const bool found =
        character &&
        ami_follow(&followed, a->motion, &a->style, &origin, &character->skeleton, a->common.clips, &err) &&
        settle(a, &followed, &text, &err);
    ami_teachers teachers = {0};
    ami_styles one = {0};
    unsigned may_touch = 0;
    char folder[4096];
    ami_folder_lock *lock = NULL;
    ami_train *train = NULL;
    ami_event_log *log = NULL;
    FILE *lines = NULL;
    int status = CLI_BAD_INPUT;
    /* What one rank cannot do ends all, with its sentence. */
    bool ok = found && check_motion(&origin, &followed, &err) &&
              ami_choose_may_touch(a->may_touch, NULL, character, followed.clip, &may_touch, &err) &&
              check_floor(character, followed.clip, &err) && load_teachers(a, &followed, &teachers, &err);
    ok = ami_exchange_agree(cli_ranks(), ok, &err) &&
         (train = create_training(&settings, character, &followed, &one, &teachers, may_touch, &err)) != NULL;
    if (ok) {
        ok = (!resumed || ami_train_load(train, resumed, &err)) && load_init(a, train, init, &err);
        ok = ami_exchange_agree(cli_ranks(), ok, &err) && check_same(train, &err);
    }
    if (ok) {
        choose_folder(a, train, folder, sizeof folder);
        ok = !cli_ranks_first() ||
             (open_progress(a, &lines, &err) && (lock = cli_run_folder_take(folder, resumed, &err)) != NULL &&
              cli_check_output(a->common.json, NULL, &err) &&
              (followed.clip ? ami_keep_clip(folder, followed.path, text, followed.clip, &err)
                             : ami_keep_style_files(folder, &a->style, &origin, &err)) &&
              (log = ami_event_log_open(folder, ami_train_samples(train), &err)) != NULL &&
              log_settings(log, ami_train_settings(train), train, &err));
        ok = ami_exchange_agree(cli_ranks(), ok, &err);
    }
    if (ok) {
        const int ranks = ami_exchange_ranks(cli_ranks());
        char processes[AMI_EXCHANGE_NAME + 64] = "";
        if (ranks > 1)
            snprintf(processes, sizeof processes, "%d processes (%s), ", ranks,
                     ami_exchange_name(cli_ranks()));
        fprintf(stderr,
                "Training %s in %s: %s%.0f environments, %s matrix products, %.2fM of %.2fM samples done.\n",
                ami_train_motion(train), folder, processes, settings.envs,
                ami_train_uses_bf16(train) ? "bf16" : "fp32", 1e-6 * (double)ami_train_samples(train),
                1e-6 * settings.samples);
        status = run(a, train, folder, log, lines);
    } else {
        cli_fail(&err);
    }
    free(text);
    if (lines)
        fclose(lines);
    ami_event_log_close(log, NULL);
    ami_folder_lock_release(lock);
    ami_train_destroy(train);
    ami_teachers_free(&teachers);
    ami_followed_free(&followed);
    ami_character_destroy(character);
    return status;
}

int cmd_train(int argc, char **argv)
{
    arguments a = {.common = {.json_later = true},
                   .training = {.list = ami_setting_list, .settings = AMI_SETTING_COUNT, .save_minutes = 2},
                   .evaluate_every = 250000,
                   .rank_seconds = 300,
                   .supervision = {.stuck_minutes = 10},
                   .loop = AMI_LOOP_AUTO};
    struct argp_option *options = training_options_create(own_options, ami_setting_list, AMI_SETTING_COUNT);
    if (!options)
        return cli_fail(&(ami_error){"out of memory for the options"});
    const struct argp_child children[] = {
        {&cli_common_argp, 0, NULL, 90}, {&cli_train_style_argp, 0, NULL, 2}, {0}};
    const struct argp argp = {options,
                              parse,
                              NULL,
                              "Trains an actor and a critic to imitate a motion.\v"
                              "Examples:\n  amble train --motion walk --samples 4M --out runs/walk\n"
                              "  amble train --style random --samples 40M --out runs/locomotion",
                              children,
                              NULL,
                              NULL};
    cli_parse(&argp, argc, argv, &a);
    training_options_free(options);

    ami_error err = {{0}};
    if (!cli_style_check(&a.style, a.motion, &err))
        return cli_fail(&err);
    if ((a.go_on || a.supervise) && !a.training.out) {
        ami_fail(&err, "%s asks --out, the folder to go on in", a.supervise ? "--supervise" : "--continue");
        return cli_fail(&err);
    }
    if (a.supervise && ami_exchange_ranks(cli_ranks()) > 1) {
        ami_fail(&err, "--supervise starts mpirun itself: give it with --launcher");
        return cli_fail(&err);
    }
    if (a.go_on && a.training.resume) {
        ami_fail(&err, "--continue and --resume exclude each other");
        return cli_fail(&err);
    }
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
    if (a.training.resume && a.init) {
        ami_fail(&err, "--resume and --init exclude each other");
        return cli_fail(&err);
    }
    if (a.stop_at > 0 && a.evaluate_every == 0) { /* it would never stop */
        ami_fail(&err, "--stop-at asks evaluations, and --evaluate-every 0 makes none");
        return cli_fail(&err);
    }
    if (a.training.resume && a.may_touch) {
        ami_fail(&err,
                 "--resume and --may-touch exclude each other: the bodies are those of %s; use --init to "
                 "change them",
                 a.training.resume);
        return cli_fail(&err);
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
