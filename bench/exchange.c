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

enum { KEY_NUMBERS = CLI_KEY_OWN, KEY_TIMES, KEY_GBIT, KEY_MS, KEY_BF16, KEY_HOST_GBIT, KEY_HOST_MS };

/* Of 1500 bytes on the line 1448 are data, and each has 38 more (Ethernet, with the gap). */
static const double PAYLOAD = 1448. / 1538;

typedef struct arguments {
    cli_common common;
    int numbers, times;
    bool bf16;
    double gbit, ms, host_gbit, host_ms;
} arguments;

static const struct argp_option options[] = {
    {"numbers", KEY_NUMBERS, "N", 0,
     "float numbers in a sum (default 1474085: both gradients of amble train's default networks)", 1},
    {"bf16", KEY_BF16, NULL, 0, "numbers are rounded to bf16 and sent so (setting gradients_bf16)", 1},
    {"times", KEY_TIMES, "N", 0, "sums to measure (default 30)", 1},
    {"gbit", KEY_GBIT, "G", 0, "the network's bandwidth a host, Gbit/s, for the model (default: no model)",
     1},
    {"ms", KEY_MS, "T", 0, "and its latency one way, ms (default 0.1)", 1},
    {"host-gbit", KEY_HOST_GBIT, "G", 0,
     "what a host sends and receives at once without a limit, Gbit/s, for the model (default: no limit; "
     "scripts/measure-exchange.sh measures it)",
     1},
    {"host-ms", KEY_HOST_MS, "T", 0, "and what a short message takes without latency, ms (default 0)", 1},
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
    case KEY_BF16:
        a->bf16 = true;
        return 0;
    case KEY_HOST_GBIT:
        a->host_gbit = cli_double(state, text, 1e-3, 1e5, "--host-gbit");
        return 0;
    case KEY_HOST_MS:
        a->host_ms = cli_double(state, text, 0, 1e4, "--host-ms");
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* s that one rank computes in a sum: it adds its part of the numbers from each of `ranks` nodes; in bf16 it also packs all
 * numbers, unpacks what arrives, and unpacks the total. */
static double time_additions(const arguments *a, int ranks, double *took)
{
    const size_t numbers = (size_t)a->numbers, part = numbers / (size_t)ranks + 1;
    float *total = calloc(numbers + 1, sizeof *total), *node = calloc(numbers + 1, sizeof *node);
    uint16_t *packed = calloc(numbers + 1, sizeof *packed);
    for (int i = 0; total && node && packed && i < a->times; i++) {
        const double begun = ami_clock_now();
        if (a->bf16)
            ami_shard_pack(node, numbers, packed);
        for (int r = 1; r < ranks; r++) {
            if (a->bf16)
                ami_shard_unpack(packed, part, node);
            (a->bf16 ? ami_shard_add_rounded : ami_shard_add)(total, node, part);
        }
        memcpy(node, total, part * sizeof *total);
        if (a->bf16) {
            ami_shard_pack(total, part, packed);
            ami_shard_unpack(packed, numbers, total);
        }
        took[i] = ami_clock_now() - begun;
    }
    free(total);
    free(node);
    free(packed);
    return bench_median(took, a->times);
}

typedef struct measured {
    double small, additions; /* s */
    bench_summary sum;
    double bytes; /* sent in a sum */
} measured;

static bool measure(const arguments *a, ami_exchange *x, double *took, measured *m, ami_error *err)
{
    const int ranks = ami_exchange_ranks(x);
    const size_t numbers = (size_t)a->numbers;
    ami_shards shards;
    ami_shard_sums sums = {0};
    double small[8] = {0}, *all = calloc((size_t)ranks, sizeof small);
    bool ok = (all || ami_fail(err, "out of memory")) && ami_shards_init(&shards, ranks, 1, x, err);
    if (ok)
        shards.rounded = a->bf16;
    if (!ami_exchange_agree(x, ok && ami_shard_sums_init(&sums, &shards, numbers, err), err)) {
        free(all);
        return false;
    }
    m->additions = time_additions(a, ranks, took);
    for (int i = 0; ok && i < a->times; i++) {
        const double begun = ami_clock_now();
        ok = ami_exchange_all(x, small, sizeof small, all);
        took[i] = ami_clock_now() - begun;
    }
    m->small = bench_median(took, a->times);
    const int64_t before = ami_exchange_bytes(x);
    for (int i = -2; ok && i < a->times; i++) { /* two to warm up */
        memset(sums.node, 0, numbers * sizeof(float));
        ok = ami_exchange_all(x, small, sizeof small, all); /* all begin together */
        const double begun = ami_clock_now();
        ami_shard_sums_add(&sums);
        took[i < 0 ? 0 : i] = ami_clock_now() - begun;
    }
    m->bytes = (double)(ami_exchange_bytes(x) - before) / (a->times + 2);
    m->sum = bench_summarise(took, a->times);
    ok = !ami_exchange_failed(x, err);
    free(all);
    ami_shard_sums_free(&sums);
    ami_shards_free(&shards);
    return ok;
}

/* Every rank sends and receives the same at once, in two steps, of which each begins when what the one before has sent is
 * there: all its bytes pass through the network, or through what its host can do, whichever takes longer. */
static double model_of(const arguments *a, const measured *m)
{
    const double bits = 8 * m->bytes;
    return 2e-3 * (a->ms + a->host_ms) + m->additions +
           fmax(bits / PAYLOAD / (a->gbit * 1e9), a->host_gbit > 0 ? bits / (a->host_gbit * 1e9) : 0);
}

static bool print(const arguments *a, ami_exchange *x, const measured *m, ami_error *err)
{
    const int ranks = ami_exchange_ranks(x);
    const double model = a->gbit > 0 ? model_of(a, m) : 0;
    printf("%s, %d process%s: 64 bytes to and from all %.3f ms; a sum of %d numbers%s p50 %.2f ms, min %.2f, "
           "max %.2f, %.2f MB sent by each",
           ami_exchange_name(x), ranks, ranks == 1 ? "" : "es", 1e3 * m->small, a->numbers,
           a->bf16 ? " in bf16" : "", 1e3 * m->sum.p50, 1e3 * m->sum.min, 1e3 * m->sum.max, 1e-6 * m->bytes);
    if (a->gbit > 0)
        printf("; model %.2f ms (%+.0f %%)", 1e3 * model, 100 * (m->sum.p50 / model - 1));
    putchar('\n');
    json_t *o = json_object();
    json_object_set_new(o, "mpi", cli_text(ami_exchange_name(x)));
    json_object_set_new(o, "processes", json_integer(ranks));
    json_object_set_new(o, "numbers", json_integer(a->numbers));
    json_object_set_new(o, "bf16", json_boolean(a->bf16));
    json_object_set_new(o, "small_ms", cli_real(1e3 * m->small));
    json_object_set_new(o, "sum_us", bench_summary_json(&m->sum));
    json_object_set_new(o, "bytes_sent", cli_real(m->bytes));
    json_object_set_new(o, "additions_ms", cli_real(1e3 * m->additions));
    json_object_set_new(o, "model_ms", a->gbit > 0 ? cli_real(1e3 * model) : json_null());
    return cli_write_json(a->common.json, o, err);
}

static bool run(const arguments *a, ami_exchange *x, ami_error *err)
{
    measured m = {0};
    double *took = calloc((size_t)a->times, sizeof *took);
    bool ok =
        ami_exchange_agree(x, took || ami_fail(err, "out of memory"), err) && measure(a, x, took, &m, err);
    if (ok && ami_exchange_rank(x) == 0)
        ok = print(a, x, &m, err);
    free(took);
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
