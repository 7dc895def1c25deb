/* Latency histogram after Tene's HdrHistogram: 32 linear steps an octave, so a percentile (the upper end of
 * its step) is exact to 3.2 % from 1 ns to hours, in constant memory. Adding never allocates. */
#ifndef AMI_BASE_HISTOGRAM_H
#define AMI_BASE_HISTOGRAM_H

#include <stdint.h>

enum { AMI_HISTOGRAM_STEPS = 64, AMI_HISTOGRAM_BUCKETS = 40 };

typedef struct ami_histogram {
    int64_t count;
    double max; /* s, exact */
    int64_t bin[AMI_HISTOGRAM_BUCKETS * AMI_HISTOGRAM_STEPS];
} ami_histogram;

/* `times` measurements of `seconds` (negative counts as 0). A zeroed histogram is an empty one. */
void ami_histogram_add(ami_histogram *histogram, double seconds, int64_t times);
void ami_histogram_merge(ami_histogram *to, const ami_histogram *from);

/* s; the value below which the fraction q in [0, 1] of the measurements lies. 0 if there are none. */
double ami_histogram_quantile(const ami_histogram *histogram, double q);

#endif
