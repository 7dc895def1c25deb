/* Latency histograms against the sorted measurements themselves. */
#include "base/histogram.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { N = 20000 };

static int compare(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* What is right: the smallest measurement that at least the fraction q is not above. */
static double quantile_of(const double *sorted, int n, double q)
{
    const int rank = (int)ceil(q * n - 1e-9);
    return sorted[rank < 1 ? 0 : rank - 1];
}

/* Never below the true one (but for the truncation to whole ns), at most 3.2 % and 1 ns above. */
static void assert_quantiles(const ami_histogram *histogram, double *all, int n)
{
    static const double at[] = {0, .001, .01, .1, .25, .5, .75, .9, .99, .999, .9999, 1};
    qsort(all, (size_t)n, sizeof *all, compare);
    for (size_t i = 0; i < sizeof at / sizeof *at; i++) {
        const double want = quantile_of(all, n, at[i]), got = ami_histogram_quantile(histogram, at[i]);
        if (!(got >= want - 1.001e-9 && got <= want * 1.032 + 1.001e-9))
            fail_msg("quantile %g is %.9g s, expected %.9g s", at[i], got, want);
    }
    assert_true(histogram->count == n);
    assert_true(histogram->max == all[n - 1]);
    assert_true(ami_histogram_quantile(histogram, 1) == all[n - 1]);
}

static void quantiles_agree_with_sorted_arrays(void **unused)
{
    (void)unused;
    static double all[N];
    ami_histogram *histogram = malloc(sizeof *histogram);
    ami_rng rng = ami_rng_seed(1, 0);
    for (int row = 0; row < 6; row++) {
        memset(histogram, 0, sizeof *histogram);
        for (int n = 0; n < N; n++) {
            switch (row) {
            case 0:
                all[n] = ami_rng_uniform(&rng) * 1e-3;
                break;
            case 1:
                all[n] = exp(ami_rng_range(&rng, log(1e-9), log(2e4)));
                break; /* 1 ns to hours */
            case 2:
                all[n] = 33e-6 * exp(.3 * ami_rng_normal(&rng));
                break;
            case 3:
                all[n] = ami_rng_below(&rng, 100) * 1e-9;
                break; /* across the switch at 64 ns */
            case 4:
                all[n] = ami_rng_uniform(&rng) < .999 ? 1e-4 : 2e-2;
                break;
            case 5:
                all[n] = 1e-9 * (double)(UINT64_C(1) << ami_rng_below(&rng, 40));
                break; /* at the edges of buckets */
            }
            ami_histogram_add(histogram, all[n], 1);
        }
        assert_quantiles(histogram, all, N);
    }
    free(histogram);
}

static void merging_and_repeating_is_adding(void **unused)
{
    (void)unused;
    ami_histogram *part = calloc(3, sizeof *part), *whole = calloc(1, sizeof *whole);
    ami_rng rng = ami_rng_seed(2, 0);
    static double all[N];
    int count = 0;
    while (count + 3 <= N) {
        const int times = 1 + (int)ami_rng_below(&rng, 3), to = (int)ami_rng_below(&rng, 3);
        const double t = 1e-5 * (1 + to) * exp(ami_rng_normal(&rng));
        ami_histogram_add(&part[to], t, times);
        for (int k = 0; k < times; k++) {
            ami_histogram_add(whole, t, 1);
            all[count++] = t;
        }
    }
    ami_histogram_merge(&part[0], &part[1]);
    ami_histogram_merge(&part[2], &part[0]);
    assert_memory_equal(&part[2], whole, sizeof *whole);
    assert_quantiles(&part[2], all, count);
    free(part);
    free(whole);
}

static void odd_measurements_have_a_place(void **unused)
{
    (void)unused;
    ami_histogram *histogram = calloc(1, sizeof *histogram);
    assert_true(ami_histogram_quantile(histogram, .5) == 0);
    assert_true(ami_histogram_quantile(histogram, 1) == 0);
    ami_histogram_add(histogram, -5, 1);
    ami_histogram_add(histogram, NAN, 1);
    assert_true(histogram->count == 2 && histogram->max == 0);
    assert_true(ami_histogram_quantile(histogram, .5) <= 1e-9);
    ami_histogram_add(histogram, 1e300, 1);
    ami_histogram_add(histogram, INFINITY, 1);
    assert_true(histogram->count == 4);
    assert_true(ami_histogram_quantile(histogram, .5) <= 1e-9);
    assert_true(ami_histogram_quantile(histogram, .75) > 1e8);
    free(histogram);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quantiles_agree_with_sorted_arrays),
        cmocka_unit_test(merging_and_repeating_is_adding),
        cmocka_unit_test(odd_measurements_have_a_place),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
