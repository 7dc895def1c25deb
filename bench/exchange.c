/* amble-bench exchange: what the processes of a training need for one sum of gradients, started by mpirun, and what a model
 * of the network says. */
#include "base/clock.h"
#include "bench/bench.h"
#include "learn/shards.h"
#include "nets/train_net.h"
#include "options/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_NUMBERS = CLI_KEY_OWN, KEY_TIMES, KEY_GBIT, KEY_MS };

typedef struct arguments {
    cli_common common;
    int numbers, times;
    double gbit, ms;
} arguments;

static const struct argp_option options[] = {
    {"numbers", KEY_NUMBERS, "N", 0,
     "float numbers in a sum (default 1474085: both gradients of amble train's default networks)", 1},
    {"times", KEY_TIMES, "N", 0, "sums to measure (default 30)", 1},
    {"gbit", KEY_GBIT, "G", 0, "the network's bandwidth a host, Gbit/s, for the model (default: no model)",
     1},
    {"ms", KEY_MS, "T", 0, "and its latency one way, ms (default 0.1)", 1},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        return 0;
    case KEY_NUMBERS:
        a->numbers = (int)cli_int(state, text, 1, 1 << 28, "--numbers");
        return 0;
    case KEY_TIMES:
        a->times = (int)cli_int(state, text, 1, 100000, "--times");
        return 0;
    case KEY_GBIT:
        a->gbit = cli_double(state, text, 1e-3, 1e4, "--gbit");
        return 0;
    case KEY_MS:
        a->ms = cli_double(state, text, 0, 1e4, "--ms");
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* s that one rank's additions take: its part of the numbers from each of `ranks` nodes. */
static double time_additions(size_t numbers, int ranks, int times, double *took)
{
    const size_t part = numbers / (size_t)ranks + 1;
    float *a = calloc(part, sizeof *a), *b = calloc(part, sizeof *b);
    for (int i = 0; a && b && i < times; i++) {
        const double begun = ami_clock_now();
        for (int r = 1; r < ranks; r++)
            ami_shard_add(a, b, part);
        memcpy(b, a, part * sizeof *a);
        took[i] = ami_clock_now() - begun;
    }
    free(a);
    free(b);
    return bench_median(took, times);
}

static bool run(const arguments *a, ami_exchange *x, ami_error *err)
{
    const int ranks = ami_exchange_ranks(x);
    const size_t numbers = (size_t)a->numbers;
    ami_shards shards;
    ami_shard_sums sums = {0};
    double *took = calloc((size_t)a->times, sizeof *took);
    bool ok = (took || ami_fail(err, "out of memory")) && ami_shards_init(&shards, ranks, 1, x, err);
    ok = ami_exchange_agree(x, ok && ami_shard_sums_init(&sums, &shards, numbers, err), err);
    if (!ok) {
        free(took);
        return false;
    }
    const double additions = time_additions(numbers, ranks, a->times, took);
    double small[8] = {0}, *all = calloc((size_t)ranks, sizeof small);
    for (int i = 0; ok && all && i < a->times; i++) {
        const double begun = ami_clock_now();
        ok = ami_exchange_all(x, small, sizeof small, all);
        took[i] = ami_clock_now() - begun;
    }
    const double latency = bench_median(took, a->times);
    const int64_t before = ami_exchange_bytes(x);
    for (int i = -2; ok && i < a->times; i++) { /* two to warm up */
        memset(sums.node, 0, numbers * sizeof(float));
        ok = ami_exchange_all(x, small, sizeof small, all); /* all begin together */
        const double begun = ami_clock_now();
        ami_shard_sums_add(&sums);
        took[i < 0 ? 0 : i] = ami_clock_now() - begun;
    }
    ok = ok && !ami_exchange_failed(x, NULL);
    const double bytes = (double)(ami_exchange_bytes(x) - before) / (a->times + 2);
    const bench_summary sum = bench_summarise(took, a->times);
    if (!ok)
        ami_exchange_failed(x, err);
    /* Every rank sends and receives the same at once: twice a message to each other, all but its own part. */
    const double model = 2e-3 * a->ms + bytes / fmax(a->gbit * 1e9 / 8, 1e-9) + additions;
    if (ok && ami_exchange_rank(x) == 0) {
        printf("%s, %d process%s: 64 bytes to and from all %.3f ms; a sum of %d numbers p50 %.2f ms, min "
               "%.2f, max "
               "%.2f, %.2f MB sent by each",
               ami_exchange_name(x), ranks, ranks == 1 ? "" : "es", 1e3 * latency, a->numbers, 1e3 * sum.p50,
               1e3 * sum.min, 1e3 * sum.max, 1e-6 * bytes);
        if (a->gbit > 0)
            printf("; model %.2f ms (%+.0f %%)", 1e3 * model, 100 * (sum.p50 / model - 1));
        putchar('\n');
        json_t *o = json_object();
        json_object_set_new(o, "mpi", cli_text(ami_exchange_name(x)));
        json_object_set_new(o, "processes", json_integer(ranks));
        json_object_set_new(o, "numbers", json_integer(a->numbers));
        json_object_set_new(o, "small_ms", cli_real(1e3 * latency));
        json_object_set_new(o, "sum_us", bench_summary_json(&sum));
        json_object_set_new(o, "bytes_sent", cli_real(bytes));
        json_object_set_new(o, "additions_ms", cli_real(1e3 * additions));
        json_object_set_new(o, "model_ms", a->gbit > 0 ? cli_real(1e3 * model) : json_null());
        ok = cli_write_json(a->common.json, o, err);
    }
    free(all);
    free(took);
    ami_shard_sums_free(&sums);
    ami_shards_free(&shards);
    return ok;
}

int bench_exchange(int argc, char **argv)
{
    arguments a = {.numbers = 1474085, .times = 30, .ms = .1};
    const struct argp_child children[] = {{&cli_json_argp, 0, NULL, 9}, {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "What the processes of a training need for one sum of gradients, and what a model of the "
        "network says.\vExample:\n  mpirun -n 2 amble-bench exchange",
        children,
        NULL,
        NULL};
    ami_error err = {""};
    cli_parse(&argp, argc, argv, &a);
    ami_exchange *x = ami_exchange_open(60, &err);
    if (!x)
        return cli_fail(&err);
    const bool ok = run(&a, x, &err);
    const int status = ok                                                          ? 0
                       : ami_exchange_rank(x) == 0 || ami_exchange_failed(x, NULL) ? cli_failed(&err)
                                                                                   : CLI_FAILED;
    ami_exchange_close(x, ami_exchange_failed(x, NULL) ? CLI_FAILED : 0);
    return status;
}
