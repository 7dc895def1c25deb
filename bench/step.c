/* amble-bench step: the time of one character's control step in its parts, and whether a loop meets its
 * deadlines.
 *
 * Every step's times are kept and sorted: percentiles are exact. With --compete it measures again beside busy
 * processes. */
#include "base/cores.h"
#include "bench/bench.h"
#include "bench/compete.h"
#include "bench/invention.h"
#include "bench/plot.h"
#include "bench/realtime.h"
#include "options/options.h"
#include "options/program.h"
#include "options/simulation.h"
#include "options/style.h"
#include "policy/models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_ACTOR = 'a', KEY_CRITIC = 'c', KEY_COMPETE = 'n', KEY_RATE = 'r', KEY_POLICY = 'p' };
enum { KEY_SPIN = CLI_KEY_OWN, KEY_PLOT, KEY_SCHEDULER, CHANGE_S = 2 };

typedef struct arguments {
    cli_common common;
    bench_walker_def walker;
    ami_style_request style;
    cli_simulation sim;
    bench_pace_def pace;
    int rivals;
    bool fifo, scheduler_given, spin_given;
    const char *plot;
} arguments;

static const struct argp_option options[] = {
    {"policy", KEY_POLICY, "FILE", 0,
     "actor, an ONNX file or the name of one of amble's models (default: locomotion.onnx among amble's "
     "models; where that is missing, and "
     "for --motion, walk.onnx)",
     1},
    {"actor", KEY_ACTOR, "FILE", OPTION_HIDDEN, NULL, 1},
    {"critic", KEY_CRITIC, "FILE", 0,
     "critic (default: the one beside the actor, else walk_critic.onnx among amble's models)", 1},
    {"compete", KEY_COMPETE, "N", 0, "then the same once more beside N busy processes on the same cores", 1},
    {"rate", KEY_RATE, "HZ", 0,
     "steps a second, each due at a fixed time (default: free-running); a step is the "
     "actor's, 1/30 s of the body's time "
     "as a "
     "rule, so 30 is real time and 500 is 16.7 times as fast",
     2},
    {"scheduler", KEY_SCHEDULER, "fifo|other", 0,
     "how the system schedules the loop: SCHED_FIFO, or SCHED_OTHER (default) as any program", 2},
    {"spin", KEY_SPIN, "US", 0,
     "microseconds before a step is due at which the loop stops sleeping and watches the clock (default 0)",
     2},
    {"plot", KEY_PLOT, "FILE", 0, "plot times over percentiles into FILE.png or FILE.svg, by gnuplot", 3},
    {0},
};

static const struct argp_option simulated[] = {
    {"motion", CLI_SIM_MOTION, "NAME|FILE", 0,
     "motion clip (default: what the actor was trained on; for locomotion.onnx --style random --style-change "
     "2)",
     1},
    CLI_SIM_OPTION_CALIBRATE(1),
    {"seconds", CLI_SIM_SECONDS, "S", 0, "time to run for (default 5)", 1},
    {0},
};
static const struct argp simulation_argp = {simulated, cli_simulation_parse, NULL, NULL, NULL, NULL, NULL};

static void take_scheduler(arguments *a, const char *text, struct argp_state *state)
{
    ami_error err = {""};
    if (!bench_parse_scheduler(text, &a->fifo, &err))
        argp_error(state, "%s", err.text);
    a->scheduler_given = true;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        state->child_inputs[1] = &a->style;
        state->child_inputs[2] = &a->sim;
        return 0;
    case KEY_POLICY:
    case KEY_ACTOR:
        if (key == KEY_ACTOR || (strcmp(text, "fifo") && strcmp(text, "other"))) {
            a->walker.actor = text;
            return 0;
        }
        cli_warn_renamed(state, "--policy fifo|other", "--scheduler");
        take_scheduler(a, text, state);
        return 0;
    case KEY_CRITIC:
        a->walker.critic = text;
        return 0;
    case KEY_COMPETE:
        a->rivals = (int)cli_int(state, text, 1, BENCH_MAX_RIVALS, "--compete");
        return 0;
    case KEY_RATE:
        a->pace.rate = cli_double(state, text, .1, 20000, "--rate");
        return 0;
    case KEY_SCHEDULER:
        take_scheduler(a, text, state);
        return 0;
    case KEY_SPIN:
        a->pace.spin = 1e-6 * cli_double(state, text, 0, 1e6, "--spin");
        a->spin_given = true;
        return 0;
    case KEY_PLOT:
        a->plot = text;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected", text);
        return 0;
    case ARGP_KEY_END:
        if (a->common.threads > 1)
            argp_error(state, "--threads is %d, expected 1: a control step is one thread's",
                       a->common.threads);
        if (a->pace.rate == 0 && (a->scheduler_given || a->spin_given))
            argp_error(state, "%s is for steps that are due, expected --rate too",
                       a->scheduler_given ? "--scheduler" : "--spin");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

typedef struct bench {
    const arguments *args;
    bench_walker walker;
    bench_timer timer;
    char cpu[128];
    bool quiet, locked;
    json_t *runs;
} bench;

/* ---- Output ---- */

static void print_row(const char *name, const bench_summary *s, double fraction)
{
    printf("  %-22s %9.2f %9.2f %9.2f %10.2f", name, 1e6 * s->p50, 1e6 * s->p99, 1e6 * s->p999, 1e6 * s->max);
    printf(fraction >= 0 ? "   %5.1f %%\n" : "\n", 100 * fraction);
}

static double sum(const double *x, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++)
        s += x[i];
    return s;
}

/* Sorts the list, prints its row and puts it into the JSON. `total`: sum of the whole steps' times; 0: no
 * fraction of it. */
static void report(const bench *b, json_t *o, const char *name, double *list, int n, double total)
{
    const double fraction = total > 0 ? sum(list, n) / total : -1;
    const bench_summary s = bench_summarise(list, n);
    if (!b->quiet)
        print_row(name, &s, fraction);
    json_t *e = bench_summary_json(&s);
    if (fraction >= 0)
        json_object_set_new(e, "share", cli_real(fraction));
    json_object_set_new(o, name, e);
}

/* pace->whole is sorted already. */
static void tell_invention(const bench *b, bench_invention *invention, const bench_pace *pace, json_t *o)
{
    invention->fraction_p50 = invention->all.p50 / bench_quantile(pace->whole, pace->steps, .5);
    if (!b->quiet)
        bench_invention_print(invention);
    json_object_set_new(o, "invention", bench_invention_json(invention));
}

static void tell_parts(const bench *b, bench_pace *pace, json_t *o)
{
    const double total = sum(pace->whole, pace->steps), physics = sum(pace->part[BENCH_PHYSICS], pace->steps);
    const double reward = sum(pace->part[BENCH_REWARD], pace->steps);
    json_t *parts = json_object();
    bench_invention invention;
    bench_invention_find(&invention, pace);
    for (int i = 0; i < BENCH_PARTS; i++)
        if (bench_walker_has(&b->walker, (bench_part)i))
            report(b, parts, bench_part_name[i], pace->part[i], pace->steps, total);
    if (b->walker.generator && !b->quiet) {
        print_row("phase + generation", &invention.all, invention.fraction);
        if (invention.making.n)
            print_row("  while one is made", &invention.making, -1);
    }
    report(b, parts, "all but physics", pace->other, pace->steps, total);
    report(b, parts, "whole step (compute)", pace->whole, pace->steps, total);
    const double ratio = (total - physics) / physics, without = (total - physics - reward) / physics;
    const double p50 = bench_quantile(pace->other, pace->steps, .5) /
                       bench_quantile(pace->part[BENCH_PHYSICS], pace->steps, .5);
    if (!b->quiet)
        printf("  all but physics / physics: %.3f in all, %.3f of the medians; %.3f in all without the "
               "reward, which only training needs\n",
               ratio, p50, without);
    if (b->walker.generator)
        tell_invention(b, &invention, pace, o);
    json_object_set_new(o, "parts_us", parts);
    json_object_set_new(o, "other_to_physics", cli_real(ratio));
    json_object_set_new(o, "other_to_physics_p50", cli_real(p50));
    json_object_set_new(o, "other_to_physics_without_reward", cli_real(without));
}

static void tell_pace(const bench *b, bench_pace *pace, json_t *o)
{
    json_t *real = json_object();
    if (pace->slept)
        report(b, real, "wake-up", pace->wakeup, pace->slept, 0);
    report(b, real, "response (from due)", pace->response, pace->steps, 0);
    if (!b->quiet)
        printf("  missed deadlines: %d of %d; %d steps began late because the one before was late\n",
               pace->missed, pace->steps, pace->steps - pace->slept);
    json_object_set_new(o, "real_time_us", real);
    json_object_set_new(o, "missed_deadlines", json_integer(pace->missed));
    json_object_set_new(o, "began_late", json_integer(pace->steps - pace->slept));
}

static void print_head(const bench *b)
{
    const arguments *a = b->args;
    printf("%s, one thread; clock reading %.0f ns (min %.0f), %d of them in a step\n", b->cpu,
           1e9 * b->timer.median, 1e9 * b->timer.min, bench_walker_readings(&b->walker));
    printf("actor %s: %s, critic %s; DeepPhase: %s, on the body's 22 points%s\n", a->walker.actor,
           ami_model_kernel_name(b->walker.bare), ami_model_kernel_name(b->walker.critic),
           b->walker.phase_source, bench_walker_has(&b->walker, BENCH_PHASE) ? "" : ", in generation");
    printf("following %s", b->walker.followed.name);
    printf(a->style.change > 0 ? ", another one every %g s\n" : "\n", a->style.change);
    if (a->pace.rate > 0)
        printf("%g steps/s of %.3g ms of the body's time each, %.3g × real time; %s, memory %slocked, "
               "spinning %g µs before a step is due\n",
               a->pace.rate, 1e3 * b->walker.env.control_dt, a->pace.rate * b->walker.env.control_dt,
               a->fifo ? "SCHED_FIFO" : "SCHED_OTHER", b->locked ? "" : "not ", 1e6 * a->pace.spin);
}

/* ---- Measuring ---- */

/* Adds the sorted lists to the plot's curves, which outlive the run. */
static int add_curves(const arguments *a, const bench_pace *pace, const char *where, bench_curve *curve)
{
    int n = 0;
    snprintf(curve[n].name, sizeof curve[n].name, "whole step%s%s", a->pace.rate > 0 ? ", compute" : "",
             where);
    curve[n].sorted = pace->whole;
    curve[n++].n = pace->steps;
    if (a->pace.rate > 0) {
        snprintf(curve[n].name, sizeof curve[n].name, "response from due%s", where);
        curve[n].sorted = pace->response;
        curve[n++].n = pace->steps;
        if (pace->slept) {
            snprintf(curve[n].name, sizeof curve[n].name, "wake-up%s", where);
            curve[n].sorted = pace->wakeup;
            curve[n++].n = pace->slept;
        }
    } else {
        snprintf(curve[n].name, sizeof curve[n].name, "all but physics%s", where);
        curve[n].sorted = pace->other;
        curve[n++].n = pace->steps;
    }
    return n;
}

static bool measure_once(bench *b, bench_pace *pace, int rivals, ami_error *err)
{
    const arguments *a = b->args;
    bench_rivals others = {0};
    if (!bench_pace_reserve(pace, bench_pace_most(&b->walker, &a->pace), err) ||
        !bench_rivals_start(&others, rivals, err))
        return false;
    bench_pace_run(pace, &b->walker, &a->pace);
    bench_rivals_stop(&others);
    json_t *o = json_object();
    json_object_set_new(o, "competing", json_integer(rivals));
    json_object_set_new(o, "steps", json_integer(pace->steps));
    json_object_set_new(o, "resets", json_integer(pace->resets));
    if (!b->quiet) {
        printf("\n%s%.0d%s: %d step%s, the body was put back on its feet %d time%s\n",
               rivals ? "beside " : "alone", rivals,
               rivals == 1  ? " busy process"
               : rivals > 1 ? " busy processes"
                            : "",
               pace->steps, cli_plural(pace->steps), pace->resets, cli_plural(pace->resets));
        printf("  µs                           p50       p99     p99.9        max  fraction\n");
    }
    tell_parts(b, pace, o);
    if (a->pace.rate > 0)
        tell_pace(b, pace, o);
    json_array_append_new(b->runs, o);
    return b->quiet || cli_flush_row(b->args->common.json, err);
}

static json_t *result(bench *b)
{
    const arguments *a = b->args;
    json_t *o = json_object();
    json_object_set_new(o, "cpu", json_string(b->cpu));
    json_object_set_new(o, "cores", json_integer(ami_cores()));
    json_object_set_new(o, "timer_ns", cli_real(1e9 * b->timer.median));
    json_object_set_new(o, "timer_readings_a_step", json_integer(bench_walker_readings(&b->walker)));
    json_object_set_new(o, "seed", json_integer((json_int_t)a->common.seed));
    json_object_set_new(o, "rate_hz", cli_real(a->pace.rate));
    json_object_set_new(o, "control_dt_s", cli_real(b->walker.env.control_dt));
    json_object_set_new(o, "real_time_factor",
                        a->pace.rate > 0 ? cli_real(a->pace.rate * b->walker.env.control_dt) : json_null());
    json_object_set_new(o, "scheduling", json_string(a->fifo ? "fifo" : "other"));
    json_object_set_new(o, "memory_locked", json_boolean(b->locked));
    json_object_set_new(o, "spin_us", cli_real(1e6 * a->pace.spin));
    json_object_set_new(o, "actor_kernel", json_string(ami_model_kernel_name(b->walker.bare)));
    json_object_set_new(o, "actor_precision",
                        json_string(ami_precision_name(ami_model_precision(b->walker.bare))));
    json_object_set_new(o, "critic_kernel", json_string(ami_model_kernel_name(b->walker.critic)));
    json_object_set_new(o, "phase_weights", json_string(b->walker.phase_source));
    json_object_set_new(o, "actor", json_string(a->walker.actor));
    json_object_set_new(o, "motion", json_string(b->walker.followed.name));
    json_object_set_new(o, "style_change_s", cli_real(a->style.change));
    json_object_set_new(o, "phase_input", json_string("the body's motion features"));
    json_object_set(o, "runs", b->runs);
    return o;
}

/* Steps for warming up; where styles change, enough for a change. */
static int steps_to_check(const bench *b)
{
    enum { MIN_STEPS = 60, MAX_WARM_UP = 600 };
    const double change = (b->args->style.change + 1) / b->walker.env.control_dt;
    return b->args->style.change > 0 && change > MIN_STEPS ? (int)fmin(change, MAX_WARM_UP) : MIN_STEPS;
}

static bool load_walker(bench *b, ami_error *err)
{
    cli_calibration calibration = b->args->sim.calibration;
    ami_model_def model = ami_model_default_def();
    bench_walker_def def = b->args->walker;
    def.model = &model;
    const bool ok =
        cli_calibration_use(&calibration, &model, err) && bench_walker_init(&b->walker, &def, err);
    cli_calibration_free(&calibration);
    return ok;
}

static bool measure(bench *b, ami_error *err)
{
    const arguments *a = b->args;
    if (!load_walker(b, err) || !bench_walker_check(&b->walker, steps_to_check(b), err) ||
        !(a->pace.rate > 0 ? bench_become_real_time(a->fifo, &b->locked, err) : true))
        return false;
    if (!b->quiet)
        print_head(b);
    bench_pace pace[2] = {{0}};
    bench_curve curve[8];
    char beside[48];
    snprintf(beside, sizeof beside, ", beside %d busy", a->rivals);
    bool ok = measure_once(b, &pace[0], 0, err);
    int curves = ok ? add_curves(a, &pace[0], "", curve) : 0;
    if (ok && a->rivals) {
        ok = measure_once(b, &pace[1], a->rivals, err);
        curves += ok ? add_curves(a, &pace[1], beside, curve + curves) : 0;
    }
    char title[256];
    snprintf(title, sizeof title, "amble: control step of one humanoid, %s", b->cpu);
    ok = ok && (!a->plot || bench_plot(a->plot, title, curve, curves, err));
    bench_pace_free(&pace[0]);
    bench_pace_free(&pace[1]);
    return ok;
}

/* The defaults: the actor for all styles if it is installed, and random styles for it. */
static void choose_actor(arguments *a)
{
    static const char all_styles[] = "locomotion.onnx";
    char path[4096];
    if (a->walker.actor)
        return;
    a->walker.actor = "walk.onnx";
    if (a->walker.motion || !ami_find_model(all_styles, path, sizeof path, NULL))
        return;
    a->walker.actor = all_styles;
    if (!ami_style_requested(&a->style)) {
        a->style.style = "random";
        a->style.change = a->style.change > 0 ? a->style.change : CHANGE_S;
    }
}

int bench_step(int argc, char **argv)
{
    arguments a = {.common = {.seed = 1}, .sim = cli_simulation_default()};
    a.sim.seconds = 5;
    a.sim.seconds_max = 86400;
    const struct argp_child children[] = {
        {&cli_common_argp, 0, NULL, 90}, {&cli_style_argp, 0, NULL, 4}, {&simulation_argp, 0, NULL, 0}, {0}};
    const struct argp argp = {options,
                              parse,
                              NULL,
                              "Times the parts of one character's control step; with --rate, checks whether "
                              "a loop meets its deadlines.\v"
                              "Examples:\n  amble-bench step --compete 1\n"
                              "  amble-bench step --style random --style-change 2\n"
                              "  amble-bench step --rate 1000 --scheduler fifo --spin 150 --plot step.svg",
                              children,
                              NULL,
                              NULL};
    cli_parse(&argp, argc, argv, &a);
    a.walker.motion = a.sim.motion;
    a.pace.seconds = a.sim.seconds;
    choose_actor(&a);
    a.walker.style = &a.style;
    a.walker.clips = a.common.clips;
    a.walker.seed = a.common.seed;
    ami_error err = {""};
    if (!cli_style_check(&a.style, a.walker.motion, &err))
        return cli_fail(&err);
    if (a.plot && !bench_plot_check(a.plot, &err))
        return cli_fail(&err);
    bench *b = calloc(1, sizeof *b);
    bool ok = b || ami_fail(&err, "out of memory");
    if (ok) {
        b->args = &a;
        b->quiet = a.common.json && !strcmp(a.common.json, "-");
        b->runs = json_array();
        b->timer = bench_timer_measure();
        bench_cpu_name(b->cpu, sizeof b->cpu);
        ok = measure(b, &err) && cli_write_json(a.common.json, result(b), &err);
        json_decref(b->runs);
        bench_walker_free(&b->walker);
        free(b);
    }
    return ok ? 0 : cli_fail(&err);
}
