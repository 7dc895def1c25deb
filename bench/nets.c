/* amble-bench nets: latency of the networks with every kernel, compared with this machine's limits.
 *
 * Each call is timed separately; inputs differ from call to call; the clock's cost is printed and included.
 * By default the network stays in the caches, as in a loop that runs nothing else; --cold evicts it before
 * each call. */
#include "base/cores.h"
#include "bench/bench.h"
#include "bench/machine.h"
#include "bench/networks.h"
#include "bench/serve.h"
#include "bench/timing.h"
#include "options/calibrate.h"
#include "options/options.h"
#include "options/program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_LIST = 16, MAX_CHOICES = 32 };
enum {
    KEY_NETWORKS = 'n',
    KEY_BATCHES = 'b',
    KEY_THREADS = 't',
    KEY_SECONDS = 's',
    KEY_KERNELS = 'k',
    KEY_SEED = CLI_KEY_OWN,
    KEY_COLD,
    KEY_SERVE,
    KEY_CALIBRATE
};

typedef struct arguments {
    cli_common common; /* only json is used */
    const char *word[BENCH_MAX_NETWORKS];
    int words;
    const char *kernels; /* NULL: all */
    int batch[MAX_LIST], batches, thread[MAX_LIST], threads;
    uint64_t seed;
    double seconds;
    bool cold, serve;
    cli_calibration calibration;
} arguments;

static const struct argp_option options[] = {
    {"networks", KEY_NETWORKS, "LIST", 0, "some of actor,critic,phase,encoder,decoder (default: all five)",
     1},
    {"batches", KEY_BATCHES, "LIST", 0, "rows in a call (default 1,16,256,4096)", 1},
    {"threads", KEY_THREADS, "LIST", 0,
     "threads that share a call (default 1,2, at most the number of cores)", 1},
    {"kernels", KEY_KERNELS, "LIST", 0,
     "some of the kernels' names, and auto (default: all that run here, and auto)", 1},
    {"seconds", KEY_SECONDS, "S", 0, "time to measure each case (default 0.2)", 1},
    {"seed", KEY_SEED, "N", 0, "seed of random weights and of inputs (default 1)", 1},
    {"calibrate", KEY_CALIBRATE, "ROWS.npy", 0, "of the only network named: " CLI_CALIBRATE_HELP, 1},
    {"cold", KEY_COLD, NULL, 0, "evict everything from the caches before each call", 1},
    {"serve", KEY_SERVE, NULL, 0, "take orders from standard input (bench/serve.h); for bench/compare.py", 2},
    {0},
};

static void add_words(struct argp_state *state, arguments *a, char *text)
{
    for (char *rest = text, *word; (word = strsep(&rest, ","));) {
        if (a->words == BENCH_MAX_NETWORKS)
            argp_error(state, "more than %d networks", BENCH_MAX_NETWORKS);
        a->word[a->words++] = word;
    }
}

static int list(struct argp_state *state, const char *text, int lo, int hi, const char *option, int *to)
{
    ami_error err = {""};
    const int count = bench_parse_list(text, lo, hi, option, to, MAX_LIST, &err);
    if (!count)
        argp_error(state, "%s", err.text);
    return count;
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        return 0;
    case KEY_NETWORKS:
    case ARGP_KEY_ARG:
        add_words(state, a, text);
        return 0;
    case KEY_BATCHES:
        a->batches = list(state, text, 1, 65536, "--batches", a->batch);
        return 0;
    case KEY_THREADS:
        a->threads = list(state, text, 1, BENCH_MAX_THREADS, "--threads", a->thread);
        return 0;
    case KEY_KERNELS:
        a->kernels = text;
        return 0;
    case KEY_SECONDS:
        a->seconds = cli_double(state, text, .001, 3600, "--seconds");
        return 0;
    case KEY_SEED:
        a->seed = (uint64_t)cli_int(state, text, 0, INT64_C(9000000000000000), "--seed");
        return 0;
    case KEY_COLD:
        a->cold = true;
        return 0;
    case KEY_CALIBRATE:
        cli_calibration_add(&a->calibration, text, state);
        return 0;
    case KEY_SERVE:
        a->serve = true;
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* A network packed for one kernel. */
typedef struct choice {
    ami_model *model;
    bool by_auto; /* AUTO chooses it */
} choice;

typedef struct bench {
    const arguments *args;
    bench_machine machine;
    bool quiet; /* JSON goes to standard output */
    bench_network network[BENCH_MAX_NETWORKS];
    int networks;
    json_t *rows;
} bench;

/* Whether `name` is in the list "a,b,c"; NULL contains all. */
static bool listed(const char *names, const char *name)
{
    const size_t length = strlen(name);
    for (const char *at = names; at && *at; at += strcspn(at, ","), at += *at == ',')
        if (strncmp(at, name, length) == 0 && (at[length] == ',' || !at[length]))
            return true;
    return !names;
}

/* Checks that every name in --kernels is a kernel's. */
static bool check_kernels(const char *names, ami_error *err)
{
    for (const char *at = names; at && *at; at += strcspn(at, ","), at += *at == ',') {
        char word[64];
        snprintf(word, sizeof word, "%.*s", (int)strcspn(at, ","), at);
        if (strcmp(word, "auto") && !ami_kernel_by_name(word, err))
            return ami_fail_in(err, "--kernels");
    }
    return true;
}

static bool same_choice(const ami_model *a, const ami_model *b)
{
    for (int l = 0; l < ami_model_layers(a); l++)
        if (ami_model_layer_kernel(a, l) != ami_model_layer_kernel(b, l))
            return false;
    return true;
}

/* Packs the net for every requested kernel, and as AUTO does. Returns the count, or 0 and a sentence. */
static int make_choices(const bench *b, const ami_net *net, choice *choices, ami_error *err)
{
    const char *names = b->args->kernels;
    ami_model *by_auto = ami_model_create(net, NULL, err);
    if (!by_auto)
        return 0;
    int count = 0;
    bool met = false;
    for (int i = 0; i < ami_kernel_count() && count < MAX_CHOICES - 1; i++) {
        ami_model_def def = ami_model_default_def();
        def.kernel = ami_kernel_at(i);
        if (!listed(names, def.kernel->name))
            continue;
        ami_model *model = ami_model_create(net, &def, err);
        if (!model)
            break;
        const bool same = same_choice(model, by_auto);
        met |= same;
        choices[count++] = (choice){model, same};
    }
    if (!met && listed(names, "auto"))
        choices[count++] = (choice){by_auto, true};
    else
        ami_model_destroy(by_auto);
    return count;
}

/* The minimum time of a call that this machine's arithmetic and memory allow, s; `bound` receives the
 * limiting one. 0 and a sentence on error. */
static double limit_of(bench *b, const ami_net *net, const ami_model *model, int rows, int threads,
                       const char **bound, ami_error *err)
{
    const size_t bytes = ami_model_bytes(model) / (size_t)threads;
    const size_t size = b->args->cold ? bench_machine_level_size(&b->machine, 4) : bytes;
    const double peak = bench_machine_peak(&b->machine, ami_model_precision(model), threads, err);
    const double rate = peak > 0 ? bench_machine_read(&b->machine, size, threads, err) : 0;
    if (rate == 0)
        return 0;
    const double counting = rows * bench_network_flops(net) / peak,
                 reading = (double)ami_model_bytes(model) / rate;
    *bound = counting > reading ? "arithmetic" : bench_machine_level(&b->machine, size);
    return counting > reading ? counting : reading;
}

static void print_head(void)
{
    printf("  precision         kernel             rows threads       min       p50       p99  GFLOP/s     "
           "GB/s  of "
           "limit  bound by    had core  "
           "shared\n");
}

static json_t *row_json(const bench_network *network, const choice *c, int rows, int threads,
                        const bench_summary *s, double flops)
{
    json_t *o = json_object();
    json_object_set_new(o, "network", json_string(network->name));
    json_object_set_new(o, "precision", json_string(ami_precision_name(ami_model_precision(c->model))));
    json_object_set_new(o, "precisions", json_string(ami_model_precisions(c->model)));
    json_object_set_new(o, "kernel", json_string(ami_model_kernel_name(c->model)));
    json_object_set_new(o, "auto", json_boolean(c->by_auto));
    json_object_set_new(o, "rows", json_integer(rows));
    json_object_set_new(o, "threads", json_integer(threads));
    json_object_set_new(o, "us", bench_summary_json(s));
    json_object_set_new(o, "weight_bytes", json_integer((json_int_t)ami_model_bytes(c->model)));
    json_object_set_new(o, "gflop_per_s", cli_real(1e-9 * flops / s->min));
    json_object_set_new(o, "weight_gb_per_s", cli_real(1e-9 * (double)ami_model_bytes(c->model) / s->min));
    return o;
}

static bool measure_case(bench *b, const bench_network *network, const choice *c, const float *pool,
                         int inputs, int rows, int threads, ami_error *err)
{
    bench_runner runner;
    bench_timing timing;
    const bench_timing_def def = {
        .seconds = b->args->seconds, .min_calls = 3, .evict = b->args->cold ? &b->machine : NULL};
    if (!bench_runner_init(&runner, c->model, rows, threads, pool, inputs, err))
        return false;
    const bool ok = bench_time(&runner, &def, &timing, err);
    bench_runner_free(&runner);
    const char *bound = "";
    const double limit = ok ? limit_of(b, network->net, c->model, rows, threads, &bound, err) : 0;
    if (limit == 0)
        return false;
    const double flops = rows * bench_network_flops(network->net);
    const bench_summary s = timing.call;
    if (!b->quiet) {
        printf("  %-16s%c %-17s %5d %7d %9.2f %9.2f %9.2f %8.1f %8.1f   %5.1f %%  %-10s     %3.0f %%",
               ami_model_precisions(c->model), c->by_auto ? '*' : ' ', ami_model_kernel_name(c->model), rows,
               threads, 1e6 * s.min, 1e6 * s.p50, 1e6 * s.p99, 1e-9 * flops / s.min,
               1e-9 * (double)ami_model_bytes(c->model) / s.min, 100 * limit / s.min, bound,
               100 * timing.had_core);
        printf(threads > 1 ? "   %3.0f %%\n" : "\n", 100 * timing.shared);
        if (!cli_flush_row(b->args->common.json, err))
            return false;
    }
    json_t *o = row_json(network, c, rows, threads, &s, flops);
    json_object_set_new(o, "limit_us", cli_real(1e6 * limit));
    json_object_set_new(o, "had_core", cli_real(timing.had_core));
    json_object_set_new(o, "shared", cli_real(timing.shared));
    json_object_set_new(o, "bound", json_string(bound));
    json_object_set_new(o, "of_limit", cli_real(limit / s.min));
    json_array_append_new(b->rows, o);
    return true;
}

/* The references in plain C are made for correctness and need seconds for many rows: there they are skipped
 * unless requested by name. */
static bool too_slow(const arguments *a, const ami_model *model, int rows)
{
    const char *name = ami_model_kernel_name(model), *end = strstr(name, "ref");
    return !a->kernels && rows > 16 && end && !end[3];
}

static bool measure_network(bench *b, const bench_network *network, ami_error *err)
{
    const arguments *a = b->args;
    choice choices[MAX_CHOICES];
    char text[256];
    const int count = make_choices(b, network->net, choices, err);
    bool ok = count > 0;
    bench_network_shape(network->net, text, sizeof text);
    if (ok && !b->quiet) {
        printf("\n%s: %s, %zu parameters, %s\n", network->name, text, ami_net_parameters(network->net),
               network->source);
        print_head();
    }
    for (int r = 0; ok && r < a->batches; r++) {
        const int rows = a->batch[r], inputs = bench_pool_inputs((size_t)rows * (size_t)network->net->dim[0]);
        float *pool = bench_pool_make(network->net, a->seed, inputs, rows, err);
        ok = pool != NULL;
        for (int t = 0; ok && t < a->threads; t++)
            for (int c = 0; ok && c < count; c++)
                if (!too_slow(a, choices[c].model, rows))
                    ok = measure_case(b, network, &choices[c], pool, inputs, rows, a->thread[t], err);
        free(pool);
    }
    for (int c = 0; c < count; c++)
        ami_model_destroy(choices[c].model);
    return ok;
}

static bool print_machine(bench *b, const char *cpu, const bench_timer *timer, ami_error *err)
{
    static const char *const level[] = {"L1", "L2", "L3", "DRAM"};
    printf("%s, %d core%s for this process; clock reading %.0f ns (min %.0f)%s\n", cpu, ami_cores(),
           ami_cores() == 1 ? "" : "s", 1e9 * timer->median, 1e9 * timer->min,
           b->args->cold ? "; caches emptied before each call" : "");
    printf("Times in µs. GFLOP/s, GB/s of weights and the fraction of the machine's limit are those of the "
           "fastest call; \"had core\" is the "
           "fraction of the time\nin which no other program was on this thread's core, \"shared\" the "
           "fraction of the calls to which other threads contributed. * marks AUTO's choice.\n");
    if (!b->args->kernels)
        printf("The references in plain C are left out above 16 rows; --kernels measures them by name.\n");
    printf("\nThis machine's limits (the best of many bursts):\n");
    for (int i = 0; i < b->args->threads; i++) {
        const int threads = b->args->thread[i];
        printf("  %d thread%s:", threads, threads == 1 ? " " : "s");
        for (int p = 0; p < AMI_PRECISIONS; p++) {
            const double peak = bench_machine_peak(&b->machine, (ami_precision)p, threads, err);
            if (peak == 0)
                return false;
            printf(" %s %.0f", ami_precision_name((ami_precision)p), 1e-9 * peak);
        }
        printf(" Gop/s; reads");
        for (int l = 1; l <= 4; l++) {
            const double rate =
                bench_machine_read(&b->machine, bench_machine_level_size(&b->machine, l), threads, err);
            if (rate == 0)
                return false;
            printf(" %s %.0f", level[l - 1], 1e-9 * rate);
        }
        printf(" GB/s\n");
        if (!cli_flush_row(b->args->common.json, err))
            return false;
    }
    return true;
}

/* Loads all networks before measuring: a wrong name is reported at once. */
static bool make_networks(bench *b, ami_error *err)
{
    for (int i = 0; i < b->args->words; i++)
        if (!bench_network_make(&b->network[b->networks++], b->args->word[i], b->args->seed, err))
            return false;
    cli_calibration calibration = b->args->calibration;
    ami_model_def def = ami_model_default_def();
    const bool ok = cli_calibration_use(&calibration, &def, err) &&
                    (!def.observed_count || ami_net_observe(b->network[0].net, &def, err) ||
                     ami_fail_in(err, "%s", b->network[0].source));
    cli_calibration_free(&calibration);
    return ok;
}

static bool measure(const arguments *a, ami_error *err)
{
    bench *b = calloc(1, sizeof *b);
    if (!b)
        return ami_fail(err, "out of memory");
    b->args = a;
    b->quiet = a->common.json && !strcmp(a->common.json, "-");
    b->rows = json_array();
    bench_machine_init(&b->machine, .06);
    char cpu[128];
    bench_cpu_name(cpu, sizeof cpu);
    const bench_timer timer = bench_timer_measure();
    json_t *networks = json_array();
    bool ok = check_kernels(a->kernels, err) && make_networks(b, err) &&
              (b->quiet || print_machine(b, cpu, &timer, err));
    for (int i = 0; ok && i < b->networks; i++) {
        const bench_network *network = &b->network[i];
        ok = measure_network(b, network, err);
        json_array_append_new(networks,
                              json_pack("{ss ss sI}", "name", network->name, "source", network->source,
                                        "parameters", (json_int_t)ami_net_parameters(network->net)));
    }
    json_t *o = json_object();
    json_object_set_new(o, "cpu", json_string(cpu));
    json_object_set_new(o, "cores", json_integer(ami_cores()));
    json_object_set_new(o, "timer_ns", cli_real(1e9 * timer.median));
    json_object_set_new(o, "cold", json_boolean(a->cold));
    json_object_set_new(o, "seed", json_integer((json_int_t)a->seed));
    json_object_set_new(o, "machine", bench_machine_json(&b->machine));
    json_object_set_new(o, "networks", networks);
    json_object_set_new(o, "rows", b->rows);
    ok = cli_write_json(ok ? a->common.json : NULL, o, err) && ok;
    bench_machine_free(&b->machine);
    for (int i = 0; i < b->networks; i++)
        bench_network_free(&b->network[i]);
    free(b);
    return ok;
}

/* More threads than cores measure the scheduler; they are measured only on request. */
static void default_threads(arguments *a)
{
    if (!a->threads) {
        a->thread[a->threads++] = 1;
        if (ami_cores() >= 2)
            a->thread[a->threads++] = 2;
    }
    for (int i = 0; i < a->threads; i++)
        if (a->thread[i] > ami_cores())
            fprintf(stderr,
                    "amble-bench nets: %d threads on %d core%s take turns: their times do not apply to "
                    "more cores\n",
                    a->thread[i], ami_cores(), ami_cores() == 1 ? "" : "s");
}

int bench_nets(int argc, char **argv)
{
    arguments a = {.seed = 1, .seconds = .2};
    const struct argp_child children[] = {{&cli_json_argp, 0, NULL, 90}, {0}};
    const struct argp argp = {
        options,
        parse,
        "[FILE.onnx...]",
        "Times the networks with every kernel, and compares them with this machine's limits.\v"
        "Examples:\n  amble-bench nets --batches 1 --threads 1\n  amble-bench nets my.onnx --cold",
        children,
        NULL,
        NULL};
    cli_parse(&argp, argc, argv, &a);
    if (a.serve)
        return bench_serve();
    if (a.calibration.count && a.words != 1) {
        ami_error err;
        ami_fail(&err, "--calibrate with %d networks, expected the name of one", a.words ? a.words : 5);
        return cli_fail(&err);
    }
    if (!a.words)
        for (; bench_network_names[a.words]; a.words++)
            a.word[a.words] = bench_network_names[a.words];
    if (!a.batches)
        for (int batch = 1; batch <= 4096; batch *= 16)
            a.batch[a.batches++] = batch;
    default_threads(&a);
    ami_error err = {""};
    return measure(&a, &err) ? 0 : cli_fail(&err);
}
