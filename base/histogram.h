/* Latency histogram after Tene's HdrHistogram: 32 linear steps an octave, so a percentile (the upper end of
 * its step) is right to 3.2 % from 1 ns to hours, in fixed space. Adding never allocates. */
#ifndef AMB_BASE_HISTOGRAM_H
#define AMB_BASE_HISTOGRAM_H

#include <stdint.h>

enum { AMB_HISTOGRAM_STEPS = 64, AMB_HISTOGRAM_BUCKETS = 40 };

typedef struct amb_histogram {
    int64_t count;
    double max; /* s, exact */
    int64_t bin[AMB_HISTOGRAM_BUCKETS * AMB_HISTOGRAM_STEPS];
} amb_histogram;

/* `times` measurements of `seconds` (negative counts as 0). A zeroed histogram is an empty one. */
void amb_histogram_add(amb_histogram *histogram, double seconds, int64_t times);
void amb_histogram_merge(amb_histogram *to, const amb_histogram *from);

/* s; the value below which the fraction q in [0, 1] of the measurements lies. 0 if there are none. */
double amb_histogram_quantile(const amb_histogram *histogram, double q);

#endif
