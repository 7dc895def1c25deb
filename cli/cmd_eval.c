/* amble eval: one or two policies under several seeds and a schedule of pushes; a table. */
#include "cli/commands.h"
#include "cli/eval.h"
#include "cli/motion_names.h"
#include "cli/ranks.h"
#include "motion/published.h"
#include "options/precision.h"
#include "options/report.h"
#include "options/threads.h"
#include "policy/largest_push.h"
#include "policy/models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_BASELINE = CLI_KEY_OWN, KEY_SEEDS, KEY_PUSH_FORCE, KEY_ALL_MOTIONS, MAX_SEEDS = 1000 };

static error_t parse(int key, char *text, struct argp_state *state)
{
    eval_arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        state->child_inputs[1] = &a->style;
        state->child_inputs[2] = &a->sim;
        return 0;
    case KEY_BASELINE:
        a->baseline = text;
        return 0;
    case KEY_SEEDS:
        a->seeds = (int)cli_int(state, text, 1, MAX_SEEDS, "--seeds");
        return 0;
    case KEY_PUSH_FORCE:
        a->push_force = true;
        return 0;
    case CLI_SIM_MOTION:
        if (a->motions == EVAL_MOTIONS_MAX)
            argp_error(state, "--motion: given more than %d times", EVAL_MOTIONS_MAX);
        a->motion[a->motions++] = text;
        return 0;
    case KEY_ALL_MOTIONS:
        a->all_motions = true;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static const struct argp_option options[] = {
    {"baseline", KEY_BASELINE, "FILE", 0, "another actor to compare with, on the same seeds and pushes", 1},
    {"motion", CLI_SIM_MOTION, "NAME|FILE,...", 0,
     "motion clip to follow (default: the one the policy was trained on); several, with commas or given "
     "again, "
     "make a table of all of them, each as DeepMimic's paper evaluates it",
     1},
    {"all-motions", KEY_ALL_MOTIONS, NULL, 0, "such a table of all motions the policy was trained on", 1},
    {"push-force", KEY_PUSH_FORCE, NULL, 0,
     "also find the largest push survived, as DeepMimic's paper does (table 6): a force on the root for .2 "
     "s, forward "
     "and sideways, raised by 10 N until the character falls",
     1},
    {"seeds", KEY_SEEDS, "N", 0, "number of seeds, counted up from --seed (default 3, from 1000)", 1},
    {0},
};

static const struct argp_option simulated[] = {
    {"policy", CLI_SIM_POLICY, "FILE", 0,
     "actor, an ONNX file; a bare name is looked up among amble's models too (default with a style: "
     "locomotion.onnx)",
     1},
    CLI_SIM_OPTION_PRECISION(1),
    CLI_SIM_OPTION_CALIBRATE(1),
    {"seconds", CLI_SIM_SECONDS, "S", 0, "how long (default 20)", 1},
    {"envs", CLI_SIM_ENVS, "N", 0, "characters for each seed (default 64)", 1},
    {"push", CLI_SIM_PUSH, "SPEED,PERIOD", 0,
     "may be given several times; default 0,2 (none), 0.5,2 and 1,2; of several motions 0,2", 1},
    {"turn", CLI_SIM_TURN, "DEG/S", 0, "turn the reference all the time", 1},
    CLI_SIM_OPTION_MAY_TOUCH(1),
    CLI_SIM_OPTION_MAX_ROOT(1),
    CLI_SIM_OPTIONS_VARY(1),
    {0},
};
static const struct argp simulation_argp = {simulated, cli_simulation_parse, NULL, NULL, NULL, NULL, NULL};

static void print_row(const char *name, int width, double speed, double period, const ami_evaluation *r)
{
    char push[48] = "none";
    if (speed > 0)
        snprintf(push, sizeof push, "%g m/s / %g s", speed, period);
    printf("%s%*s  %-14s  %6.1f %%  %6.1f %%  %6.1f %%  %7.3f  %7.3f  %6.1f cm  %5.1f°  %6.1f %%  %6.1f  "
           "%6.1f\n",
           name, width - cli_columns(name), "", push, 100 * r->survival, 100 * r->worst_survival,
           100 * r->success, r->normalised_return, r->worst_return, 100 * r->root_m,
           r->joint_rad * 180 / M_PI, 100 * r->success_phc, 1e3 * r->e_g_mpjpe, 1e3 * r->e_mpjpe);
}

enum { POLICY_WIDTH = 16 }; /* of the first column, at least */

static int name_width(const eval_contender *c, int contenders)
{
    int width = POLICY_WIDTH;
    for (int k = 0; k < contenders; k++) {
        const int columns = cli_columns(eval_base_name(c[k].path));
        width = columns > width ? columns : width;
    }
    return width;
}

/* One protocol's table; `rows` gets its rows. */
static bool evaluate_protocol(const eval_arguments *a, const eval_contender *c, int contenders,
                              const ami_followed *followed, ami_protocol how, eval_bar *bar, json_t *rows,
                              ami_error *err)
{
    const bool quiet = eval_is_quiet(a);
    eval_outcome result[CLI_PUSHES_MAX][2];
    ami_progress_start(&bar->progress, "eval", 0, 1, 0);
    for (int p = 0; p < a->sim.pushes; p++)
        for (int k = 0; k < contenders; k++) {
            if (!eval_run(a, &c[k], followed, how, p, bar, &result[p][k], err)) {
                ami_progress_end(&bar->progress);
                return false;
            }
            json_array_append_new(rows, eval_row_json(&c[k], &a->sim.vary, how, a->sim.push[p].speed,
                                                      a->sim.push[p].period, &result[p][k]));
        }
    ami_progress_end(&bar->progress);
    if (quiet)
        return true;
    printf("%s, %d character%s × %d seed%s from %llu, ", followed->name, a->sim.envs, cli_plural(a->sim.envs),
           a->seeds, cli_plural(a->seeds), (unsigned long long)a->common.seed);
    if (how == AMI_PROTOCOL_OWN_LENGTH)
        printf("from the first frame to the last, %.2f s", ami_clip_duration(followed->clip));
    else
        printf("%g s%s", a->sim.seconds,
               followed->clip && !ami_clip_loops(followed->clip) ? ", the last pose held" : "");
    cli_print_variation(&a->sim.vary);
    if (a->sim.turn != 0)
        printf(", turning %g°/s", a->sim.turn);
    const int width = name_width(c, contenders);
    printf("\n\n%-*s  %-14s  %8s  %8s  %8s  %7s  %7s  %9s  %6s  %8s  %6s  %6s\n", width, "policy", "push",
           "survival", "(worst)", "success", "return", "(worst)", "root off", "joints", "PHC", "E_g mm",
           "E mm");
    for (int p = 0; p < a->sim.pushes; p++) {
        for (int k = 0; k < contenders; k++)
            print_row(eval_base_name(c[k].path), width, a->sim.push[p].speed, a->sim.push[p].period,
                      &result[p][k].mean);
        if (contenders == 2)
            printf("%-*s  %-14s  %+6.1f    %8s  %+6.1f    %+7.3f\n", width, "  difference", "",
                   100 * (result[p][0].mean.survival - result[p][1].mean.survival), "",
                   100 * (result[p][0].mean.success - result[p][1].mean.success),
                   result[p][0].mean.normalised_return - result[p][1].mean.normalised_return);
    }
    printf("\n");
    return true;
}

/* The largest pushes of each contender. */
static bool find_largest_pushes(const eval_arguments *a, const eval_contender *c, int contenders,
                                const ami_followed *followed, ami_largest_push largest[2], ami_error *err)
{
    eval_bar bar = {.all = contenders};
    bool ok = true, stopped = false;
    ami_progress_start(&bar.progress, "eval", 0, 1, 0);
    for (int k = 0; ok && k < contenders; k++) {
        ami_rollout_def rollout;
        bar.done = k;
        ok = eval_define(a, &c[k], followed, &bar, &rollout, err) &&
             ami_find_largest_push(&rollout, &largest[k], &stopped, err);
    }
    ami_progress_end(&bar.progress);
    return ok;
}

static void add_largest_pushes(const eval_arguments *a, const eval_contender *c, int contenders,
                               const ami_followed *followed, const ami_largest_push largest[2], json_t *o)
{
    const ami_published *paper = followed->clip ? ami_published_find(followed->clip) : NULL;
    static const char *const field[2][2] = {
        {"largest_push_forward_n", "largest_push_sideways_n"},
        {"baseline_largest_push_forward_n", "baseline_largest_push_sideways_n"}};
    const bool quiet = eval_is_quiet(a);
    if (!quiet)
        printf("largest force on the root that it survives, for .2 s from %.2f s on\n", largest[0].at_s);
    for (int k = 0; k < contenders; k++) {
        const bool stands = largest[k].forward_n >= 0;
        json_object_set_new(o, field[k][0], stands ? cli_real(largest[k].forward_n) : json_null());
        json_object_set_new(o, field[k][1], stands ? cli_real(largest[k].sideways_n) : json_null());
        if (!quiet && stands)
            printf("%-17s  forward %4.0f N, sideways %4.0f N\n", eval_base_name(c[k].path),
                   largest[k].forward_n, largest[k].sideways_n);
        else if (!quiet)
            printf("%-17s  falls without any\n", eval_base_name(c[k].path));
    }
    if (!quiet && paper && paper->forward_n > 0)
        printf("%-17s  forward %4.0f N, sideways %4.0f N\n", "DeepMimic's paper", paper->forward_n,
               paper->sideways_n);
    if (!quiet)
        printf("\n");
}

/* What was published for the same clip. */
static void print_published(const ami_followed *followed)
{
    const ami_published *paper = followed->clip ? ami_published_find(followed->clip) : NULL;
    if (paper)
        printf("DeepMimic's paper has a return of %.3f for this clip%s, after %.0f million samples.\n\n",
               paper->normalised_return,
               ami_clip_loops(followed->clip) ? "" : " from its first frame to its last",
               paper->samples / 1e6);
}

static bool evaluate_all(const eval_arguments *a, const eval_contender *c, int contenders,
                         const ami_followed *followed, ami_error *err)
{
    const bool quiet = eval_is_quiet(a);
    const bool once = followed->clip && !ami_clip_loops(followed->clip);
    eval_bar bar = {.all = contenders * a->sim.pushes * a->seeds * (once ? 2 : 1)};
    ami_largest_push largest[2];
    if (a->push_force && !find_largest_pushes(a, c, contenders, followed, largest, err))
        return false;
    json_t *rows = json_array();
    if ((once && !evaluate_protocol(a, c, contenders, followed, AMI_PROTOCOL_OWN_LENGTH, &bar, rows, err)) ||
        !evaluate_protocol(a, c, contenders, followed, AMI_PROTOCOL_SECONDS, &bar, rows, err)) {
        json_decref(rows);
        return false;
    }
    json_t *o = eval_motion_json(a, followed);
    if (!quiet)
        print_published(followed);
    if (a->push_force)
        add_largest_pushes(a, c, contenders, followed, largest, o);
    if (!quiet)
        printf("survival: still up at the end; success: and never off the reference by more than 25 cm of "
               "the root's height or a tilt of "
               ".8;\nreturn: mean reward a step over the whole time, 0 after a fall; worst: of the seeds.\n");
    json_object_set_new(o, "rows", rows);
    if (!cli_ranks_first()) {
        json_decref(o);
        return true;
    }
    return cli_write_json(a->common.json, o, err);
}

static bool load_contender(const char *name, const cli_simulation *sim, eval_contender *c, ami_error *err)
{
    if (!ami_find_model(name, c->path, sizeof c->path, err) ||
        !cli_load_policy(&c->policy, c->path, sim->precision, &sim->calibration, err))
        return false;
    ami_character_def def = ami_character_default_def();
    def.physics_hz = c->policy.physics_hz;
    c->character = ami_character_create(&def, err);
    return c->character != NULL;
}

/* One motion: the one of --motion or of the style options, or what the first policy was trained on. */
static bool evaluate_one(const eval_arguments *a, const eval_contender *c, int contenders, ami_error *err)
{
    static ami_followed followed;
    const ami_origin origin = ami_policy_origin(&c[0].policy, c[0].path);
    bool ok = ami_follow(&followed, a->motions > 0 ? a->motion[0] : NULL, &a->style, &origin,
                         &c[0].character->skeleton, a->common.clips, err);
    ok = ami_exchange_agree(cli_ranks(), ok, err) && evaluate_all(a, c, contenders, &followed, err);
    ami_followed_free(&followed);
    return ok;
}

/* Several motions: names, pushes, and what excludes them. */
static bool check_motions(eval_arguments *a, motion_names *names, ami_error *err)
{
    if (!cli_style_check(&a->style, a->motions > 0 ? a->motion[0] : NULL, err) ||
        !motion_names_split(a->motion, a->motions, names, err))
        return false;
    const bool several = a->all_motions || names->count > 1;
    if (a->all_motions && (a->motions > 0 || ami_style_requested(&a->style)))
        return ami_fail(err, "--all-motions and %s exclude each other",
                        a->motions > 0 ? "--motion" : "invented motions");
    if (several && a->push_force)
        return ami_fail(err, "--push-force is for one motion");
    a->name = names->name;
    a->names = names->count;
    if (a->sim.pushes > 0)
        return true;
    const double speed[] = {0, .5, 1};
    for (; a->sim.pushes < (several ? 1 : 3); a->sim.pushes++)
        a->sim.push[a->sim.pushes] = (cli_push){speed[a->sim.pushes], 2};
    return true;
}

/* Without --policy: the actor that `amble rollout` takes for these motions, which must be the same for all. */
static bool find_common_actor(const eval_arguments *a, char *path, size_t size, ami_error *err)
{
    char other[4096];
    if (!ami_find_actor(NULL, a->name[0], a->common.clips, "walk", path, size, err))
        return false;
    for (int i = 1; i < a->names; i++) {
        if (!ami_find_actor(NULL, a->name[i], a->common.clips, "walk", other, sizeof other, err))
            return false;
        if (strcmp(path, other) != 0)
            return ami_fail(err, "which policy? %s is done by %s and %s by %s: give one with --policy",
                            a->name[0], path, a->name[i], other);
    }
    return true;
}

int cmd_eval(int argc, char **argv)
{
    static eval_arguments a = {.common = {.seed = 1000}, .seeds = 3};
    a.sim = cli_simulation_default();
    a.sim.seconds = 20;
    a.sim.envs = 64;
    a.sim.pushes_max = CLI_PUSHES_MAX;
    const struct argp_child children[] = {
        {&cli_common_argp, 0, NULL, 90}, {&cli_style_argp, 0, NULL, 2}, {&simulation_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Measures a policy over many seeds and pushes.\v"
        "Examples:\n  amble eval --policy runs/walk/actor.onnx --baseline walk.onnx --seeds 5\n"
        "  amble eval --motion roll\n"
        "  amble eval --style random --style-change 3 --seconds 60",
        children,
        NULL,
        NULL};
    cli_parse(&argp, argc, argv, &a);
    ami_error err = {{0}};
    if (!a.sim.policy && ami_style_requested(&a.style))
        a.sim.policy = "locomotion.onnx";
    if (!a.sim.policy && a.motions == 0) {
        ami_fail(&err, "which policy? Give --policy FILE");
        return cli_fail(&err);
    }
    motion_names names = {0};
    static char actor[4096];
    if (!check_motions(&a, &names, &err) ||
        (!a.sim.policy && !find_common_actor(&a, actor, sizeof actor, &err))) {
        motion_names_free(&names);
        return cli_fail(&err);
    }
    if (!a.sim.policy)
        a.sim.policy = actor;
    cli_set_threads(a.common.threads);
    static eval_contender c[2];
    const int contenders = a.baseline ? 2 : 1;
    bool ok = load_contender(a.sim.policy, &a.sim, &c[0], &err) &&
              (!a.baseline || load_contender(a.baseline, &a.sim, &c[1], &err));
    ok = ami_exchange_agree(cli_ranks(), ok, &err) &&
         (a.all_motions || names.count > 1 ? eval_motions(&a, c, contenders, &err)
                                           : evaluate_one(&a, c, contenders, &err));
    motion_names_free(&names);
    for (int k = 0; k < contenders; k++) {
        ami_policy_free(&c[k].policy);
        ami_character_destroy(c[k].character);
    }
    return ok ? 0 : cli_fail(&err);
}
