/* amble-bench latency: one network in a loop with absolute deadlines, as a controller runs it: compute time
 * of a call, wake-up lateness, response time after the deadline, missed deadlines; alone and beside busy
 * processes, optionally compared with ONNX Runtime in the same run.
 *
 * Every call's times are kept and sorted: percentiles are exact. Call i is due at begin + i / rate in any
 * case, so a stall counts for every call that it delays. */
#include "base/assets.h"
#include "base/clock.h"
#include "base/cores.h"
#include "bench/bench.h"
#include "bench/compete.h"
#include "bench/networks.h"
#include "bench/realtime.h"
#include "bench/timing.h"
#include "nets/graph/graph.h"
#include "nets/network.h"
#include "options/calibrate.h"
#include "options/options.h"
#include "options/precision.h"
#include "options/program.h"
#include "policy/models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { KEY_SECONDS = 's', KEY_RATE = 'r', KEY_COMPETE = 'n', KEY_ROWS = 'b' };
enum { KEY_SPIN = CLI_KEY_OWN, KEY_SCHEDULER, KEY_PEER, KEY_PRECISION, KEY_CALIBRATE };
enum { WARM_UP = 50, MAX_CALLS = 1 << 22, POOL = 8 /* inputs of a graph, taken in turns */ };

typedef struct arguments {
    cli_common common;
    const char *file, *peer;
    double seconds, rate, spin;
    int rivals, rows;
    bool fifo;
    ami_precision precision;
    cli_calibration calibration;
} arguments;

static const struct argp_option options[] = {
    {"rate", KEY_RATE, "HZ", 0,
     "calls a second, each due at a fixed time (default 500); 0: call after call, without deadlines", 1},
    {"seconds", KEY_SECONDS, "S", 0, "time to run for (default 5)", 1},
    {"rows", KEY_ROWS, "N", 0, "rows in a call (default 1)", 1},
    {"precision", KEY_PRECISION, "P", 0, "fp32, bf16, int16, int8 or auto (default)", 1},
    {"calibrate", KEY_CALIBRATE, "ROWS.npy", 0, CLI_CALIBRATE_HELP, 1},
    {"compete", KEY_COMPETE, "N", 0, "then the same once more beside N busy processes on the same cores", 2},
    {"scheduler", KEY_SCHEDULER, "fifo|other", 0,
     "how the system schedules the loop: SCHED_FIFO, or SCHED_OTHER (default) as any program", 2},
    {"spin", KEY_SPIN, "US", 0,
     "microseconds before a call is due at which the loop stops sleeping and watches the clock (default 0)",
     2},
    {"peer", KEY_PEER, "PYTHON", 0,
     "measure ONNX Runtime too, in the same loop, with this Python that has it", 3},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    ami_error err = {""};
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        return 0;
    case KEY_RATE:
        a->rate = cli_double(state, text, 0, 100000, "--rate");
        if (a->rate > 0 && a->rate < .1)
            argp_error(state, "--rate is %g, expected 0 or .1 to 100000", a->rate);
        return 0;
    case KEY_SECONDS:
        a->seconds = cli_double(state, text, .01, 86400, "--seconds");
        return 0;
    case KEY_ROWS:
        a->rows = (int)cli_int(state, text, 1, 65536, "--rows");
        return 0;
    case KEY_PRECISION:
        if (!cli_parse_precision(text, &a->precision, &err))
            argp_error(state, "%s", err.text);
        return 0;
    case KEY_CALIBRATE:
        cli_calibration_add(&a->calibration, text, state);
        return 0;
    case KEY_COMPETE:
        a->rivals = (int)cli_int(state, text, 1, BENCH_MAX_RIVALS, "--compete");
        return 0;
    case KEY_SCHEDULER:
        if (!bench_parse_scheduler(text, &a->fifo, &err))
            argp_error(state, "%s", err.text);
        return 0;
    case KEY_SPIN:
        a->spin = 1e-6 * cli_double(state, text, 0, 1e6, "--spin");
        return 0;
    case KEY_PEER:
        a->peer = text;
        return 0;
    case ARGP_KEY_ARG:
        if (a->file)
            argp_error(state, "\"%s\" found where nothing is expected: one network at a time", text);
        a->file = text;
        return 0;
    case ARGP_KEY_END:
        if (!a->file)
            argp_error(state, "which network? Give an ONNX file, or the name of one of amble's models");
        if (a->common.threads > BENCH_MAX_THREADS)
            argp_error(state, "--threads is %d, expected 1 to %d", a->common.threads, BENCH_MAX_THREADS);
        if (a->rate == 0 && a->peer)
            argp_error(state, "--peer needs deadlines, --rate is 0");
        if (a->seconds * a->rate > MAX_CALLS)
            argp_error(state, "%g s at %g Hz are more than %d calls", a->seconds, a->rate, MAX_CALLS);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* The times of one run, s. */
typedef struct times {
    int capacity, calls, slept, missed;
    double *compute, *response, *wakeup; /* (calls), (calls), (slept) */
} times;

typedef struct bench {
    const arguments *args;
    bench_network network;
    ami_model *model; /* a chain of dense layers; NULL: any other network, in `graph` */
    float *pool;
    bench_runner runner;
    ami_graph *graph;
    void *workspace, *in[POOL][AMI_GRAPH_PORTS], *out[AMI_GRAPH_PORTS];
    bool failed; /* a call of the graph */
    int threads;
    times times;
    char path[4096], cpu[128];
    bool quiet, locked;
    json_t *runs;
} bench;

static bool reserve(times *t, int calls, ami_error *err)
{
    const size_t n = (size_t)calls;
    *t = (times){.capacity = calls, .calls = calls, .compute = malloc(3 * n * sizeof(double))};
    if (!t->compute)
        return ami_fail(err, "out of memory for the times of %d calls", calls);
    memset(t->compute, 1, 3 * n * sizeof(double)); /* no page faults while calls are timed */
    t->response = t->compute + n;
    t->wakeup = t->response + n;
    return true;
}

static void call(bench *b, int i)
{
    if (!b->graph) {
        bench_runner_call(&b->runner, i % b->runner.inputs);
        return;
    }
    const void *in[AMI_GRAPH_PORTS];
    memcpy(in, b->in[i % POOL], sizeof in);
    b->failed |= !ami_graph_run(b->graph, b->workspace, b->args->rows, in, b->out, NULL);
}

/* Call after call, until the time is over or the lists are full. */
static void run_free(bench *b)
{
    times *t = &b->times;
    const double end = ami_clock_now() + b->args->seconds;
    int n = 0;
    for (double now = ami_clock_now(); n < t->capacity && (n == 0 || now < end);) {
        call(b, n);
        const double then = ami_clock_now();
        t->compute[n++] = then - now;
        now = then;
    }
    t->calls = n;
    t->slept = t->missed = 0;
}

static void run_loop(bench *b)
{
    const arguments *a = b->args;
    times *t = &b->times;
    for (int i = 0; i < WARM_UP; i++)
        call(b, i);
    if (a->rate == 0) {
        run_free(b);
        return;
    }
    t->slept = t->missed = 0;
    const double period = 1 / a->rate, begin = ami_clock_now() + period;
    for (int i = 0; i < t->calls; i++) {
        const double due = begin + i * period;
        const bool waited = bench_wait_until(due, a->spin);
        const double begun = ami_clock_now();
        call(b, i);
        const double done = ami_clock_now();
        if (waited)
            t->wakeup[t->slept++] = begun - due;
        t->compute[i] = done - begun;
        t->response[i] = done - due;
        t->missed += done - due > period;
    }
}

/* ---- output ---- */

static void add(const bench *b, json_t *o, const char *name, double *seconds, int n)
{
    if (n == 0)
        return;
    const bench_summary s = bench_summarise(seconds, n);
    if (!b->quiet)
        printf("  %-22s %9.1f %9.1f %9.1f %10.1f\n", name, 1e6 * s.p50, 1e6 * s.p99, 1e6 * s.p999,
               1e6 * s.max);
    json_object_set_new(o, name, bench_summary_json(&s));
}

static json_t *report_run(bench *b, int rivals)
{
    times *t = &b->times;
    json_t *o = json_object();
    if (!b->quiet) {
        if (rivals)
            printf("\nbeside %d busy process%s\n", rivals, rivals == 1 ? "" : "es");
        else
            printf("\nalone\n");
        printf("  amble, us                    p50       p99     p99.9        max\n");
    }
    add(b, o, "compute", t->compute, t->calls);
    add(b, o, "wake-up", t->wakeup, t->slept);
    if (b->args->rate > 0)
        add(b, o, "response (from due)", t->response, t->calls);
    if (!b->quiet && b->args->rate > 0)
        printf("  missed deadlines: %d of %d\n", t->missed, t->calls);
    json_object_set_new(o, "competing", json_integer(rivals));
    json_object_set_new(o, "calls", json_integer(t->calls));
    json_object_set_new(o, "missed_deadlines", json_integer(t->missed));
    return o;
}

/* ---- ONNX Runtime ---- */

static void print_peer(const json_t *peer, const json_t *own)
{
    static const char *const name[] = {"compute", "wake-up", "response (from due)"};
    printf("  %s, us%*s p50       p99     p99.9        max\n",
           json_string_value(json_object_get(peer, "name")),
           (int)(23 - strlen(json_string_value(json_object_get(peer, "name")))), "");
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        const json_t *s = json_object_get(peer, name[i]);
        if (s)
            printf("  %-22s %9.1f %9.1f %9.1f %10.1f\n", name[i],
                   json_number_value(json_object_get(s, "p50")), json_number_value(json_object_get(s, "p99")),
                   json_number_value(json_object_get(s, "p99.9")),
                   json_number_value(json_object_get(s, "max")));
    }
    printf("  missed deadlines: %lld of %lld\n",
           (long long)json_integer_value(json_object_get(peer, "missed_deadlines")),
           (long long)json_integer_value(json_object_get(peer, "calls")));
    const double theirs = json_number_value(json_object_get(json_object_get(peer, "compute"), "p50"));
    const double ours = json_number_value(json_object_get(json_object_get(own, "compute"), "p50"));
    printf("  compute at the median: %.2f x amble's\n", theirs / ours);
}

/* Whether the peer's Python exists and has ONNX Runtime; checked before measuring. */
static bool check_peer(const char *python, ami_error *err)
{
    char quoted[CLI_QUOTED], command[CLI_QUOTED + 64], text[256] = "", line[256];
    snprintf(command, sizeof command, "%s -c 'import numpy, onnxruntime' 2>&1",
             cli_quote(python, quoted, sizeof quoted));
    FILE *pipe = popen(command, "r");
    while (pipe && fgets(line, sizeof line, pipe))
        snprintf(text, sizeof text, "%.*s", (int)strcspn(line, "\n"), line); /* the last line is the reason */
    if (pipe && pclose(pipe) == 0)
        return true;
    return ami_fail(err, "--peer: \"%.200s\" is not a Python with onnxruntime and numpy: %s", python, text);
}

/* Runs bench/latency_peer.py and reads its JSON. */
static bool measure_peer(bench *b, json_t *own, ami_error *err)
{
    const arguments *a = b->args;
    char script[4096], quoted[2][CLI_QUOTED], command[4 * CLI_QUOTED];
    if (!ami_asset_path("latency_peer.py", script, sizeof script, err)) {
#ifdef AMB_SOURCE_DIR
        snprintf(script, sizeof script, "%s/bench/latency_peer.py", AMB_SOURCE_DIR);
#else
        return false;
#endif
    }
    char quoted_script[CLI_QUOTED];
    snprintf(command, sizeof command, "%s %s %s %.17g %d %d %d %s %.17g",
             cli_quote(a->peer, quoted[0], CLI_QUOTED), cli_quote(script, quoted_script, CLI_QUOTED),
             cli_quote(b->path, quoted[1], CLI_QUOTED), a->rate, b->times.calls, a->rows, b->threads,
             a->fifo ? "fifo" : "other", a->spin);
    FILE *pipe = popen(command, "r");
    if (!pipe)
        return ami_fail(err, "--peer: %s cannot be started", a->peer);
    json_error_t where;
    json_t *peer = json_loadf(pipe, 0, &where);
    const int status = pclose(pipe);
    if (!peer || status != 0) {
        json_decref(peer);
        return ami_fail(err, "--peer: %s %s failed (see its message above)", a->peer, script);
    }
    if (!b->quiet)
        print_peer(peer, own);
    json_object_set_new(own, "peer", peer);
    return true;
}

static bool measure_once(bench *b, int rivals, ami_error *err)
{
    bench_rivals others = {0};
    if (!bench_rivals_start(&others, rivals, err))
        return false;
    run_loop(b);
    json_t *o = report_run(b, rivals);
    const bool ok = (!b->failed || ami_fail(err, "%s: an index points out of its table", b->path)) &&
                    (!b->args->peer || measure_peer(b, o, err));
    bench_rivals_stop(&others);
    json_array_append_new(b->runs, o);
    return ok && (b->quiet || cli_flush_row(b->args->common.json, err));
}

static void print_head(const bench *b)
{
    const arguments *a = b->args;
    char shape[256], text[256];
    if (b->graph) {
        ami_graph_describe_steps(b->graph, shape, sizeof shape);
        ami_graph_describe(b->graph, text, sizeof text);
    } else {
        bench_network_shape(b->network.net, shape, sizeof shape);
        ami_model_describe(b->model, text, sizeof text);
    }
    printf("%s\n%s: %s, %s\n", b->cpu, b->path, shape, text);
    if (a->rate == 0) {
        printf("call after call, %d row%s for %g s on %d thread%s\n", a->rows, cli_plural(a->rows),
               a->seconds, b->threads, cli_plural(b->threads));
        return;
    }
    printf("%g calls/s of %d row%s for %g s on %d thread%s; %s, memory %slocked, spinning %g us before a "
           "call is "
           "due\n",
           a->rate, a->rows, cli_plural(a->rows), a->seconds, b->threads, cli_plural(b->threads),
           a->fifo ? "SCHED_FIFO" : "SCHED_OTHER", b->locked ? "" : "not ", 1e6 * a->spin);
}

static json_t *result(bench *b)
{
    const arguments *a = b->args;
    json_t *o = json_object();
    json_object_set_new(o, "cpu", json_string(b->cpu));
    json_object_set_new(o, "cores", json_integer(ami_cores()));
    json_object_set_new(o, "network", cli_text(b->path));
    char choice[512];
    if (b->graph)
        ami_graph_describe(b->graph, choice, sizeof choice);
    else
        ami_model_describe(b->model, choice, sizeof choice);
    json_object_set_new(o, "choice", json_string(choice));
    json_object_set_new(o, "graph", json_boolean(b->graph != NULL));
    if (b->model) {
        json_object_set_new(o, "kernel", json_string(ami_model_kernel_name(b->model)));
        json_object_set_new(o, "precision", json_string(ami_precision_name(ami_model_precision(b->model))));
    }
    json_object_set_new(o, "rate_hz", cli_real(a->rate));
    json_object_set_new(o, "rows", json_integer(a->rows));
    json_object_set_new(o, "threads", json_integer(b->threads));
    json_object_set_new(o, "scheduling", json_string(a->fifo ? "fifo" : "other"));
    json_object_set_new(o, "memory_locked", json_boolean(b->locked));
    json_object_set_new(o, "spin_us", cli_real(1e6 * a->spin));
    json_object_set(o, "runs", b->runs);
    return o;
}

/* Before threads are started, which inherit it. */
static bool start_real_time(bench *b, ami_error *err)
{
    return b->args->rate == 0 || bench_become_real_time(b->args->fifo, &b->locked, err);
}

/* A chain of dense layers on a team of threads. */
static bool prepare_model(bench *b, const ami_model_def *def, ami_error *err)
{
    const arguments *a = b->args;
    if (!bench_network_make(&b->network, b->path, a->common.seed, err))
        return false;
    b->model = ami_net_observe(b->network.net, def, err) ? ami_model_create(b->network.net, def, err) : NULL;
    if (!b->model)
        return ami_fail_in(err, "%s", b->path);
    const int inputs = bench_pool_inputs((size_t)a->rows * (size_t)ami_model_inputs(b->model));
    b->pool = bench_pool_make(b->network.net, a->common.seed, inputs, a->rows, err);
    return b->pool && start_real_time(b, err) &&
           bench_runner_init(&b->runner, b->model, a->rows, b->threads, b->pool, inputs, err);
}

static void *room(const ami_graph_port *port, int rows)
{
    return calloc(1, ami_graph_port_count(port, rows) * ami_graph_type_size(port->type) + 1);
}

/* Any other network, on this thread. */
static bool prepare_graph(bench *b, ami_error *err)
{
    const arguments *a = b->args;
    if (b->threads > 1)
        return ami_fail(err, "%s: is a graph, which runs on one thread; --threads is %d", b->path,
                        b->threads);
    bool ok = (b->workspace = malloc(ami_graph_workspace_size(b->graph, a->rows))) != NULL;
    for (int k = 0; k < POOL && ok; k++) {
        for (int i = 0; i < ami_graph_inputs(b->graph) && ok; i++)
            ok = (b->in[k][i] = room(ami_graph_input(b->graph, i), a->rows)) != NULL;
        if (ok)
            ami_graph_draw_inputs(b->graph, a->common.seed + (uint64_t)k, a->rows, b->in[k]);
    }
    for (int o = 0; o < ami_graph_outputs(b->graph) && ok; o++)
        ok = (b->out[o] = room(ami_graph_output(b->graph, o), a->rows)) != NULL;
    return ok ? start_real_time(b, err) : ami_fail(err, "out of memory for %d rows", a->rows);
}

static bool prepare(bench *b, ami_error *err)
{
    const arguments *a = b->args;
    ami_model_def def = ami_model_default_def();
    def.precision = a->precision;
    def.seed = a->common.seed;
    cli_calibration calibration = a->calibration;
    bool ok =
        ami_find_model(a->file, b->path, sizeof b->path, err) && cli_calibration_use(&calibration, &def, err);
    ami_network network = {0};
    ok = ok && ami_network_read(b->path, &def, &network, err);
    if (ok) {
        b->graph = network.graph;
        network.graph = NULL;
        ok = b->graph ? prepare_graph(b, err) : prepare_model(b, &def, err);
    }
    ami_network_free(&network);
    cli_calibration_free(&calibration);
    return ok;
}

static bool measure(bench *b, ami_error *err)
{
    const arguments *a = b->args;
    b->threads = a->common.threads > 0 ? a->common.threads : 1;
    const int calls =
        a->rate > 0 ? (int)fmax(1, round(a->seconds * a->rate)) : (int)fmin(MAX_CALLS, 1e6 * a->seconds + 1);
    if ((a->peer && !check_peer(a->peer, err)) || !prepare(b, err) || !reserve(&b->times, calls, err))
        return false;
    if (!b->quiet)
        print_head(b);
    return measure_once(b, 0, err) && (!a->rivals || measure_once(b, a->rivals, err));
}

static void bench_free(bench *b)
{
    json_decref(b->runs);
    bench_runner_free(&b->runner);
    ami_model_destroy(b->model);
    bench_network_free(&b->network);
    ami_graph_destroy(b->graph);
    free(b->workspace);
    for (int i = 0; i < AMI_GRAPH_PORTS; i++) {
        for (int k = 0; k < POOL; k++)
            free(b->in[k][i]);
        free(b->out[i]);
    }
    free(b->pool);
    free(b->times.compute);
    free(b);
}

int bench_latency(int argc, char **argv)
{
    arguments a = {
        .common = {.seed = 1}, .seconds = 5, .rate = 500, .rows = 1, .precision = AMI_PRECISION_AUTO};
    const struct argp_child children[] = {{&cli_threads_argp, 0, NULL, 90}, {0}};
    const struct argp argp = {
        options,
        parse,
        "FILE.onnx",
        "Runs any network at a fixed rate, each call due at a fixed time, and reports compute time, wake-up "
        "lateness, response from the due time and missed deadlines.\v"
        "Examples:\n  amble-bench latency policy.onnx --rate 500 --compete 1\n"
        "  amble-bench latency walk --rate 1000 --scheduler fifo --spin 150 --seconds 60\n"
        "  amble-bench latency gru.onnx --rate 0 --seconds 3\n"
        "  amble-bench latency policy.onnx --peer ~/venv/bin/python3",
        children,
        NULL,
        NULL};
    cli_parse(&argp, argc, argv, &a);
    ami_error err = {""};
    bench *b = calloc(1, sizeof *b);
    bool ok = b || ami_fail(&err, "out of memory");
    if (ok) {
        b->args = &a;
        b->quiet = a.common.json && !strcmp(a.common.json, "-");
        b->runs = json_array();
        bench_cpu_name(b->cpu, sizeof b->cpu);
        ok = measure(b, &err) && cli_write_json(a.common.json, result(b), &err);
        bench_free(b);
    }
    return ok ? 0 : cli_fail(&err);
}
