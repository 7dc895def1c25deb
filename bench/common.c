/* Statistics of timed calls, lists of numbers, the processor's name. */
#include "bench/bench.h"

#include "base/clock.h"
#include "options/options.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void bench_cpu_name(char *name, size_t size)
{
    snprintf(name, size, "unknown processor");
    FILE *f = fopen("/proc/cpuinfo", "r");
    if (!f)
        return;
    char line[256];
    while (fgets(line, sizeof line, f))
        if (!strncmp(line, "model name", 10) && strchr(line, ':')) {
            const char *text = strchr(line, ':') + 1;
            text += strspn(text, " \t");
            snprintf(name, size, "%.*s", (int)strcspn(text, "\n"), text);
            break;
        }
    fclose(f);
}

bench_timer bench_timer_measure(void)
{
    enum { N = 10001 };
    static double difference[N];
    for (int i = 0; i < N; i++) {
        const double begun = ami_clock_now();
        difference[i] = ami_clock_now() - begun;
    }
    bench_sort(difference, N);
    return (bench_timer){.median = difference[N / 2], .min = difference[0]};
}

double bench_cpu_time(int pid)
{
    char path[64], line[1024] = "";
    unsigned long user, system;
    snprintf(path, sizeof path, "/proc/%d/stat", pid);
    FILE *f = pid ? fopen(path, "r") : NULL;
    if (!f)
        return (double)NAN;
    const char *name_end = fgets(line, sizeof line, f) ? strrchr(line, ')') : NULL;
    fclose(f);
    if (!name_end ||
        sscanf(name_end + 2, "%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &user, &system) != 2)
        return (double)NAN;
    return (double)(user + system) / (double)sysconf(_SC_CLK_TCK);
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

void bench_sort(double *x, int n)
{
    qsort(x, (size_t)n, sizeof *x, by_size);
}

double bench_quantile(const double *sorted, int n, double q)
{
    const double position = q * n;
    int rank = (int)position;
    rank += rank < position - 1e-9; /* ceil, with a tolerance for rounding errors */
    return sorted[rank < 1 ? 0 : rank > n ? n - 1 : rank - 1];
}

double bench_median(double *x, int n)
{
    bench_sort(x, n);
    return n % 2 ? x[n / 2] : .5 * (x[n / 2 - 1] + x[n / 2]);
}

bench_summary bench_summarise(double *seconds, int n)
{
    bench_sort(seconds, n);
    double sum = 0;
    for (int i = 0; i < n; i++)
        sum += seconds[i];
    return (bench_summary){.n = n,
                           .min = seconds[0],
                           .p50 = bench_quantile(seconds, n, .5),
                           .p99 = bench_quantile(seconds, n, .99),
                           .p999 = bench_quantile(seconds, n, .999),
                           .max = seconds[n - 1],
                           .mean = sum / n};
}

json_t *bench_summary_json(const bench_summary *summary)
{
    json_t *o = json_object();
    json_object_set_new(o, "n", json_integer(summary->n));
    json_object_set_new(o, "min", cli_real(1e6 * summary->min));
    json_object_set_new(o, "p50", cli_real(1e6 * summary->p50));
    json_object_set_new(o, "p99", cli_real(1e6 * summary->p99));
    json_object_set_new(o, "p99.9", cli_real(1e6 * summary->p999));
    json_object_set_new(o, "max", cli_real(1e6 * summary->max));
    json_object_set_new(o, "mean", cli_real(1e6 * summary->mean));
    return o;
}

int bench_parse_list(const char *text, int lo, int hi, const char *option, int *list, int max, ami_error *err)
{
    int count = 0;
    for (const char *at = text;; at++) {
        char word[32];
        const size_t length = strcspn(at, ",");
        int64_t value = lo;
        snprintf(word, sizeof word, "%.*s", (int)(length < sizeof word ? length : sizeof word - 1), at);
        if (count == max) {
            ami_fail(err, "%s is \"%.100s\", expected at most %d numbers", option, text, max);
            return 0;
        }
        if (!cli_parse_int(word, lo, hi, option, &value, err))
            return 0;
        list[count++] = (int)value;
        at += length;
        if (!*at)
            return count;
    }
}
