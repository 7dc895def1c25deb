/* Percentile plots of latency: time over 1 / (1 - p), both logarithmic, so that every nine of a percentile
 * has the same width. Drawn by gnuplot as a child process. */
#ifndef AMI_BENCH_PLOT_H
#define AMI_BENCH_PLOT_H

#include "base/error.h"

typedef struct bench_curve {
    char name[64];
    const double *sorted; /* (n) s, ascending */
    int n;
} bench_curve;

/* Whether a plot can be drawn: FILE ends in .png or .svg, and gnuplot is installed. To be checked before
 * measuring. */
bool bench_plot_check(const char *file, ami_error *err);

bool bench_plot(const char *file, const char *title, const bench_curve *curve, int curves, ami_error *err);

#endif
