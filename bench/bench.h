/* Common code of amble-bench: statistics of timed calls, lists on the command line, the processor's name.
 *
 * Quantiles are exact: taken from the sorted measurements, not from bins. */
#ifndef AMI_BENCH_BENCH_H
#define AMI_BENCH_BENCH_H

#include "base/error.h"

#include <jansson.h>
#include <stddef.h>

/* The processor's model name, "unknown processor" where the system does not report one. */
void bench_cpu_name(char *name, size_t size);

/* The cost of reading the clock, s: median and minimum of the difference of two consecutive readings.
 * Reported times include it. */
typedef struct bench_timer {
    double median, min;
} bench_timer;
bench_timer bench_timer_measure(void);

/* s of CPU time of a process; NaN where it cannot be read, and for pid 0. */
double bench_cpu_time(int pid);

/* Sorts ascending. */
void bench_sort(double *x, int n);

/* The quantile q of sorted x: the smallest value with at least the fraction q of all values ≤ it. n ≥ 1. */
double bench_quantile(const double *sorted, int n, double q);

/* The median, for even n the mean of the two middle values. Sorts x. */
double bench_median(double *x, int n);

/* Sorts and summarises n ≥ 1 measurements in seconds. */
typedef struct bench_summary {
    int n;
    double min, p50, p99, p999, max, mean;
} bench_summary;
bench_summary bench_summarise(double *seconds, int n);

/* {"n", "min", "p50", "p99", "p99.9", "max", "mean"}, in µs. */
json_t *bench_summary_json(const bench_summary *summary);

/* Reads "1,2,8": at most `max` whole numbers in [lo, hi]; the sentence names `option`. Returns the count, or
 * 0 and a sentence. */
int bench_parse_list(const char *text, int lo, int hi, const char *option, int *list, int max,
                     ami_error *err);

int bench_exchange(int argc, char **argv);
int bench_characters(int argc, char **argv);
int bench_latency(int argc, char **argv);
int bench_nets(int argc, char **argv);
int bench_requests(int argc, char **argv);
int bench_rollout(int argc, char **argv);
int bench_graph(int argc, char **argv);
int bench_step(int argc, char **argv);
int bench_transitions(int argc, char **argv);

#endif
