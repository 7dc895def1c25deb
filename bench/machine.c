/* Measures the machine's limits by running probes on one or more threads. */
#include "bench/machine.h"

#include "base/clock.h"
#include "bench/probe.h"
#include "options/options.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define AMI_CPU(feature) (__builtin_cpu_supports(feature) != 0)

#if defined(__x86_64__)
#include <cpuid.h>

/* Not among the names that clang 14 knows. */
static bool has_avx_vnni(void)
{
    unsigned a, b, c, d;
    return AMI_CPU("avx2") && __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}
#endif

#define BENCH_PROBE(name, what, amount, runs_here) \
    static bool runs_##name(void)                  \
    {                                              \
        return runs_here;                          \
    }
#include "bench/probes.inc"
#undef BENCH_PROBE

typedef enum kind {
    FP32 = AMI_PRECISION_FP32,
    BF16 = AMI_PRECISION_BF16,
    INT16 = AMI_PRECISION_INT16,
    INT8 = AMI_PRECISION_INT8,
    READ = AMI_PRECISIONS
} kind;

typedef struct probe {
    const char *name;
    kind what;
    double amount;
    bench_probe_function *run;
    bool (*runs)(void);
} probe;

static const probe probes[] = {
#define BENCH_PROBE(name, what, amount, runs_here) {#name, what, amount, bench_probe_##name, runs_##name},
#include "bench/probes.inc"
#undef BENCH_PROBE
};

enum { PROBES = sizeof probes / sizeof probes[0] };

/* ---- Caches ---- */

static bool read_text(const char *path, char *text, int size)
{
    FILE *f = fopen(path, "r");
    const bool ok = f && fgets(text, size, f);
    if (f)
        fclose(f);
    return ok;
}

/* Cache sizes of CPU 0 from the kernel, which knows about virtual machines; else from CPUID. */
static void find_caches(size_t cache[3])
{
    for (int i = 0; i < 16; i++) {
        char path[96], text[32];
        unsigned level = 0, kib = 0;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/type", i);
        if (!read_text(path, text, sizeof text))
            break;
        if (!strncmp(text, "Instruction", 11))
            continue;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/level", i);
        if (!read_text(path, text, sizeof text) || sscanf(text, "%u", &level) != 1 || level < 1 || level > 3)
            continue;
        snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
        if (read_text(path, text, sizeof text) && sscanf(text, "%uK", &kib) == 1)
            cache[level - 1] = (size_t)kib << 10;
    }
#ifdef _SC_LEVEL1_DCACHE_SIZE
    static const int asked[] = {_SC_LEVEL1_DCACHE_SIZE, _SC_LEVEL2_CACHE_SIZE, _SC_LEVEL3_CACHE_SIZE};
    for (int i = 0; i < 3; i++) {
        const long bytes = cache[i] ? 0 : sysconf(asked[i]);
        if (bytes > 0)
            cache[i] = (size_t)bytes;
    }
#endif
}

void bench_machine_init(bench_machine *machine, double burst_s)
{
    *machine = (bench_machine){.burst_s = burst_s};
#if defined(__x86_64__)
    __builtin_cpu_init();
#endif
    find_caches(machine->cache);
}

void bench_machine_free(bench_machine *machine)
{
    free(machine->buffer);
    machine->buffer = NULL;
    machine->size = 0;
}

const char *bench_machine_level(const bench_machine *machine, size_t bytes)
{
    static const char *const name[] = {"L1", "L2", "L3"};
    for (int i = 0; i < 3; i++)
        if (bytes <= machine->cache[i])
            return name[i];
    return machine->cache[0] ? "DRAM" : "memory";
}

size_t bench_machine_level_size(const bench_machine *machine, int level)
{
    const size_t fallback[] = {16 << 10, 256 << 10, 4 << 20, (size_t)128 << 20};
    if (level == 4) {
        const size_t largest = machine->cache[2] ? machine->cache[2] : machine->cache[1];
        const size_t limit = (size_t)512 << 20; /* a socket's whole L3, more than a virtual machine has */
        return 4 * largest > limit ? limit : 4 * largest > fallback[3] ? 4 * largest : fallback[3];
    }
    const size_t own = machine->cache[level - 1];
    if (!own)
        return fallback[level - 1];
    if (level < 3)
        return own / 2;
    /* Other programs may use a shared cache: measured with only a little more than the L2 holds.
     */
    const size_t some = 4 * bench_machine_level_size(machine, 2) * 2;
    return some < own / 2 ? some : own / 2;
}

/* ---- Bursts ---- */

/* A barrier: no thread begins before all have arrived. */
typedef struct gate {
    pthread_mutex_t shut;
    bool off; /* not all threads could be started: end */
    pthread_barrier_t together;
} gate;

typedef struct burst {
    const probe *probe;
    const char *data;
    size_t n;              /* the probe's argument */
    int calls;             /* of the probe in one burst */
    int bursts;            /* number of bursts, each begun together */
    double *begun, *ended; /* (bursts) s, this thread's */
    gate *gate;            /* NULL: this thread alone */
} burst;

static void *run_bursts(void *argument)
{
    const burst *b = argument;
    if (b->gate) {
        pthread_mutex_lock(&b->gate->shut);
        pthread_mutex_unlock(&b->gate->shut);
        if (b->gate->off)
            return NULL;
    }
    for (int i = 0; i < b->bursts; i++) {
        if (b->gate)
            pthread_barrier_wait(&b->gate->together);
        b->begun[i] = ami_clock_now();
        for (int k = 0; k < b->calls; k++)
            b->probe->run(b->data, b->n);
        b->ended[i] = ami_clock_now();
    }
    return NULL;
}

/* The minimum of the bursts' times. A burst's time is from its first thread's beginning to its last thread's
 * end, so that threads that take turns on a core do not count as parallel. */
static double min_time(const burst *b, int threads, int bursts)
{
    double min = 1e9;
    for (int i = 0; i < bursts; i++) {
        double first = b[0].begun[i], last = b[0].ended[i];
        for (int t = 1; t < threads; t++) {
            first = b[t].begun[i] < first ? b[t].begun[i] : first;
            last = b[t].ended[i] > last ? b[t].ended[i] : last;
        }
        min = last - first < min ? last - first : min;
    }
    return min;
}

/* Runs the bursts on `threads` threads, the caller included. False if a thread cannot be started. */
static bool run_together(burst *b, int threads)
{
    pthread_t thread[BENCH_MAX_THREADS];
    gate g = {.shut = PTHREAD_MUTEX_INITIALIZER};
    if (threads == 1) {
        run_bursts(&b[0]);
        return true;
    }
    if (pthread_barrier_init(&g.together, NULL, (unsigned)threads) != 0)
        return false;
    pthread_mutex_lock(&g.shut);
    int started = 1;
    for (; started < threads; started++) {
        b[started].gate = &g;
        if (pthread_create(&thread[started], NULL, run_bursts, &b[started]) != 0)
            break;
    }
    g.off = started < threads;
    pthread_mutex_unlock(&g.shut);
    b[0].gate = &g;
    run_bursts(&b[0]);
    for (int t = 1; t < started; t++)
        pthread_join(thread[t], NULL);
    pthread_barrier_destroy(&g.together);
    pthread_mutex_destroy(&g.shut);
    return !g.off;
}

/* Amounts (operations or bytes) a second of all threads together; 0 on error.
 *
 * One thread is timed in bursts as short as the clock allows, like calls of a network: the best of a few
 * microseconds is the limit of a call. Several threads begin a burst some microseconds apart, so their bursts
 * take a millisecond. */
static double rate_of(const bench_machine *machine, const probe *p, size_t bytes, int threads, ami_error *err)
{
    enum { MAX_BURSTS = 4096 };
    const bool reads = p->what == READ;
    const size_t n = reads ? bytes : 4096;
    const double length = threads == 1 ? 2e-6 : 1e-3;
    p->run(machine->buffer, n);
    double once = 1e9;
    for (int i = 0; i < 5; i++) {
        const double then = ami_clock_now();
        p->run(machine->buffer, n);
        const double t = ami_clock_now() - then;
        once = t < once ? t : once;
    }
    const int calls = once < length ? (int)(length / (once > 1e-9 ? once : 1e-9)) + 1 : 1;
    const double target = machine->burst_s / (calls * once);
    const int bursts = target < 10 ? 10 : target > MAX_BURSTS ? MAX_BURSTS : (int)target;
    double *times = malloc(2 * (size_t)threads * (size_t)bursts * sizeof *times);
    burst b[BENCH_MAX_THREADS];
    for (int t = 0; times && t < threads; t++) {
        double *const begun = times + 2 * (size_t)t * (size_t)bursts;
        b[t] = (burst){
            p,   machine->buffer + (reads ? (size_t)t * bytes : 0), n, calls, bursts, begun, begun + bursts,
            NULL};
    }
    double rate = 0;
    if (!times)
        ami_fail(err, "out of memory for %d times", bursts);
    else if (!run_together(b, threads))
        ami_fail(err, "%d threads cannot be started together", threads);
    else
        rate = threads * calls * (double)n * p->amount / min_time(b, threads, bursts);
    free(times);
    return rate;
}

static bool reserve(bench_machine *machine, size_t size, ami_error *err)
{
    if (size <= machine->size)
        return true;
    free(machine->buffer);
    machine->buffer = aligned_alloc(4096, (size + 4095) / 4096 * 4096);
    machine->size = machine->buffer ? size : 0;
    if (!machine->buffer)
        return ami_fail(err, "out of memory for a buffer of %zu bytes to read", size);
    memset(machine->buffer, 1, size); /* allocates pages, instead of the zero page */
    return true;
}

static double best_of(bench_machine *machine, kind what, size_t bytes, int threads, const char **by,
                      ami_error *err)
{
    double best = 0;
    for (int i = 0; i < PROBES; i++) {
        if (probes[i].what != what || !probes[i].runs())
            continue;
        const double rate = rate_of(machine, &probes[i], bytes, threads, err);
        if (rate == 0)
            return 0;
        if (rate > best) {
            best = rate;
            *by = probes[i].name;
        }
    }
    return best;
}

double bench_machine_peak(bench_machine *machine, ami_precision precision, int threads, ami_error *err)
{
    if (precision >= AMI_PRECISIONS) { /* "auto" is for models */
        ami_fail(err, "there is no precision %d to measure", (int)precision);
        return 0;
    }
    double *peak = &machine->peak[precision][threads];
    if (*peak > 0)
        return *peak;
    const char **by = &machine->by[precision][threads];
    if (!reserve(machine, BENCH_READ_STEP, err))
        return 0;
    *peak = best_of(machine, (kind)precision, 0, threads, by, err);
    if (precision == AMI_PRECISION_FP32)
        return *peak;
    const ami_precision wider = precision == AMI_PRECISION_INT8 ? AMI_PRECISION_INT16 : AMI_PRECISION_FP32;
    const double other = bench_machine_peak(machine, wider, threads, err);
    if (other == 0)
        return 0;
    if (other > *peak) {
        *peak = other;
        *by = machine->by[wider][threads];
    }
    return *peak;
}

double bench_machine_read(bench_machine *machine, size_t bytes, int threads, ami_error *err)
{
    bytes = (bytes + BENCH_READ_STEP - 1) / BENCH_READ_STEP * BENCH_READ_STEP;
    for (int i = 0; i < machine->reads; i++)
        if (machine->read[i].bytes == bytes && machine->read[i].threads == threads)
            return machine->read[i].rate;
    const char *by = "";
    if (!reserve(machine, (size_t)threads * bytes, err))
        return 0;
    const double rate = best_of(machine, READ, bytes, threads, &by, err);
    if (rate > 0 && machine->reads < BENCH_MAX_READS) {
        machine->read[machine->reads].bytes = bytes;
        machine->read[machine->reads].threads = threads;
        machine->read[machine->reads].rate = rate;
        machine->read[machine->reads++].by = by;
    }
    return rate;
}

bool bench_machine_evict(bench_machine *machine, ami_error *err)
{
    const size_t size = bench_machine_level_size(machine, 4) / 2;
    if (!reserve(machine, size, err))
        return false;
    volatile char *at = machine->buffer;
    for (size_t i = 0; i < size; i += 64)
        at[i]++;
    return true;
}

json_t *bench_machine_json(const bench_machine *machine)
{
    json_t *o = json_object(), *peaks = json_array(), *reads = json_array();
    json_object_set_new(o, "cache_bytes",
                        json_pack("[III]", (json_int_t)machine->cache[0], (json_int_t)machine->cache[1],
                                  (json_int_t)machine->cache[2]));
    for (int p = 0; p < AMI_PRECISIONS; p++)
        for (int t = 1; t <= BENCH_MAX_THREADS; t++) {
            if (machine->peak[p][t] == 0)
                continue;
            json_t *e = json_object();
            json_object_set_new(e, "precision", json_string(ami_precision_name((ami_precision)p)));
            json_object_set_new(e, "threads", json_integer(t));
            json_object_set_new(e, "gop_per_s", cli_real(1e-9 * machine->peak[p][t]));
            json_object_set_new(e, "by", json_string(machine->by[p][t]));
            json_array_append_new(peaks, e);
        }
    for (int i = 0; i < machine->reads; i++) {
        json_t *e = json_object();
        json_object_set_new(e, "bytes_a_thread", json_integer((json_int_t)machine->read[i].bytes));
        json_object_set_new(e, "threads", json_integer(machine->read[i].threads));
        json_object_set_new(e, "level", json_string(bench_machine_level(machine, machine->read[i].bytes)));
        json_object_set_new(e, "gb_per_s", cli_real(1e-9 * machine->read[i].rate));
        json_object_set_new(e, "by", json_string(machine->read[i].by));
        json_array_append_new(reads, e);
    }
    json_object_set_new(o, "peaks", peaks);
    json_object_set_new(o, "reads", reads);
    return o;
}
