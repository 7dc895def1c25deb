/* What the parts of amble-bench share: statistics of timed calls, lists on the command line, words about the
 * machine.
 *
 * Every quantile is taken from the sorted measurements themselves, never from bins. */
#ifndef AMI_BENCH_BENCH_H
#define AMI_BENCH_BENCH_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>

/* The processor's own name, "unknown processor" where the system does not say. */
void bench_cpu_name(char *name, size_t size);

/* What reading the clock costs, s: the median and the least difference of two readings in a row. Nothing
 * reported has it taken off. */
typedef struct bench_timer {
    double median, least;
} bench_timer;
bench_timer bench_timer_measure(void);

/* Sorts ascending. */
void bench_sort(double *x, int n);

/* Of sorted x: the smallest that at least the fraction q of them is not above. n ≥ 1. */
double bench_quantile(const double *sorted, int n, double q);

/* Sorts x, which need not be sorted. The mean of the two middle ones where n is even. */
double bench_median(double *x, int n);

/* Sorts and summarises n ≥ 1 measurements in seconds. */
typedef struct bench_summary {
    int n;
    double min, p50, p99, p999, max, mean;
} bench_summary;
bench_summary bench_summarise(double *seconds, int n);

/* {"n", "min", "p50", "p99", "p99.9", "max", "mean"}, in µs. */
json_t *bench_summary_json(const bench_summary *summary);

/* "1,2,8": at most `most` whole numbers in [lo, hi]; `option` is named in the sentence. The count, or 0 and a
 * sentence. */
int bench_parse_list(const char *text, int lo, int hi, const char *option, int *list, int most,
                     ami_error *err);

int bench_latency(int argc, char **argv);
int bench_nets(int argc, char **argv);
int bench_rollout(int argc, char **argv);
int bench_graph(int argc, char **argv);
int bench_step(int argc, char **argv);

#endif
