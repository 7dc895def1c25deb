/* Latency histogram with logarithmic buckets. */
#include "base/histogram.h"

#include <math.h>

/* Each nanosecond below 64 has its bin; above, bucket b divides [2^(b+5), 2^(b+6)) into 32 bins. */
static int bin_of(uint64_t ns)
{
    if (ns < AMI_HISTOGRAM_STEPS)
        return (int)ns;
    const int shift = 63 - __builtin_clzll(ns) - 5; /* brings ns into [32, 64) */
    const int bin = shift * (AMI_HISTOGRAM_STEPS / 2) + (int)(ns >> shift);
    const int last = AMI_HISTOGRAM_BUCKETS * AMI_HISTOGRAM_STEPS - 1;
    return bin < last ? bin : last;
}

/* Upper end of a bin, ns. */
static double top_of(int bin)
{
    if (bin < AMI_HISTOGRAM_STEPS)
        return bin + 1;
    const int half = AMI_HISTOGRAM_STEPS / 2;
    const int shift = bin / half - 1, step = bin % half + half;
    return ldexp(step + 1, shift);
}

void ami_histogram_add(ami_histogram *histogram, double seconds, int64_t times)
{
    const double s = seconds > 0 ? seconds : 0;
    histogram->bin[bin_of((uint64_t)(fmin(s, 1e9) * 1e9))] += times;
    histogram->count += times;
    histogram->max = fmax(histogram->max, s);
}

void ami_histogram_merge(ami_histogram *to, const ami_histogram *from)
{
    for (int i = 0; i < AMI_HISTOGRAM_BUCKETS * AMI_HISTOGRAM_STEPS; i++)
        to->bin[i] += from->bin[i];
    to->count += from->count;
    to->max = fmax(to->max, from->max);
}

double ami_histogram_quantile(const ami_histogram *histogram, double q)
{
    const double target = q * (double)histogram->count;
    int64_t seen = 0;
    for (int i = 0; i < AMI_HISTOGRAM_BUCKETS * AMI_HISTOGRAM_STEPS; i++) {
        seen += histogram->bin[i];
        if (histogram->bin[i] && (double)seen >= target)
            return fmin(top_of(i) * 1e-9, histogram->max);
    }
    return histogram->max;
}
