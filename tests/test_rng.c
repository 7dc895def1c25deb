/* Random numbers: the generators' published outputs, and distributions against their moments. */
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double got, double want, double tolerance, const char *what)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s is %.9g, expected %.9g, off by %.3g (allowed %.3g)", what, got, want, fabs(got - want),
                 tolerance);
}

/* The published outputs of xoshiro256++ from the state 1, 2, 3, 4, as other implementations test themselves
 * with them. */
static void known_outputs_of_a_known_state(void **unused)
{
    (void)unused;
    ami_rng rng = {{1, 2, 3, 4}};
    const uint64_t want[10] = {41943041u,
                               58720359u,
                               3588806011781223u,
                               3591011842654386u,
                               9228616714210784205u,
                               9973669472204895162u,
                               14011001112246962877u,
                               12406186145184390807u,
                               15849039046786891736u,
                               10450023813501588000u};
    for (int n = 0; n < 10; n++)
        assert_true(ami_rng_next(&rng) == want[n]);
}

/* Rotation bit by bit, the state's step as the linear map of the paper's figure: nothing shared with rng.c
 * but the mathematics. */
static uint64_t rotated(uint64_t x, int k)
{
    uint64_t out = 0;
    for (int bit = 0; bit < 64; bit++)
        if (x >> bit & 1)
            out |= UINT64_C(1) << ((bit + k) % 64);
    return out;
}

static void a_second_implementation_agrees(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(42, 17);
    uint64_t a = rng.s[0], b = rng.s[1], c = rng.s[2], d = rng.s[3];
    for (int n = 0; n < 1000; n++) {
        assert_true(ami_rng_next(&rng) == rotated(a + d, 23) + a);
        const uint64_t new_a = a ^ b ^ d, new_b = a ^ b ^ c, new_c = a ^ c ^ b * 131072,
                       new_d = rotated(b ^ d, 45);
        a = new_a;
        b = new_b;
        c = new_c;
        d = new_d;
    }
}

/* The published outputs of splitmix64 are the state: 0xe220a8397b1dcdaf is what stream 0 is hashed to, the
 * first output of seed 0. */
static void seeding_is_splitmix64(void **unused)
{
    (void)unused;
    const ami_rng rng = ami_rng_seed(UINT64_C(1234567) ^ UINT64_C(0xe220a8397b1dcdaf), 0);
    const uint64_t want[4] = {6457827717110365317u, 3203168211198807973u, 9817491932198370423u,
                              4593380528125082431u};
    for (int k = 0; k < 4; k++)
        assert_true(rng.s[k] == want[k]);
}

static int compare(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static void streams_are_unrelated(void **unused)
{
    (void)unused;
    enum { SIDE = 100 };
    static uint64_t first[SIDE * SIDE];
    double together = 0;
    for (int seed = 0; seed < SIDE; seed++)
        for (int stream = 0; stream < SIDE; stream++) {
            ami_rng rng = ami_rng_seed((uint64_t)seed, (uint64_t)stream),
                    next = ami_rng_seed((uint64_t)seed, (uint64_t)stream + 1);
            first[seed * SIDE + stream] = ami_rng_next(&rng);
            for (int n = 0; n < 10; n++)
                together += (ami_rng_uniform(&rng) - .5) * (ami_rng_uniform(&next) - .5);
        }
    qsort(first, SIDE * SIDE, sizeof *first, compare);
    for (int i = 1; i < SIDE * SIDE; i++)
        assert_true(first[i] != first[i - 1]);
    const double n = 10. * SIDE * SIDE;
    assert_near(together / n * 12, 0, 4 / sqrt(n), "correlation of neighbouring streams");
    const ami_rng same = ami_rng_seed(3, 4), again = ami_rng_seed(3, 4);
    assert_memory_equal(&same, &again, sizeof same);
}

/* Pearson's statistic of counts that should be equal must be within five standard deviations of its mean; too
 * even is wrong, too. */
static void assert_even(const int *count, int bins, int n, const char *what)
{
    const double expected = (double)n / bins;
    double chi2 = 0;
    for (int b = 0; b < bins; b++)
        chi2 += (count[b] - expected) * (count[b] - expected) / expected;
    assert_near(chi2, bins - 1, 5 * sqrt(2. * (bins - 1)), what);
}

static void uniform_numbers_are_uniform(void **unused)
{
    (void)unused;
    enum { N = 1000000, BINS = 100 };
    ami_rng rng = ami_rng_seed(5, 0);
    int count[BINS] = {0}, pair[BINS] = {0};
    double mean = 0, square = 0, low = 1, high = 0;
    for (int n = 0; n < N; n++) {
        const double u = ami_rng_uniform(&rng), scaled = u * 0x1p53;
        assert_true(u >= 0 && u < 1 && scaled == floor(scaled));
        mean += u / N;
        square += (u - .5) * (u - .5) / N;
        low = fmin(low, u);
        high = fmax(high, u);
        count[(int)(u * BINS)]++;
        if (n % 2)
            pair[(int)(u * 10) * 10 + (int)(ami_rng_uniform(&rng) * 10)]++;
    }
    assert_near(mean, .5, 4 * sqrt(1. / 12 / N), "mean");
    assert_near(square, 1. / 12, 4 * sqrt(1. / 180 / N), "variance");
    assert_true(low < 1e-4 && high > 1 - 1e-4);
    assert_even(count, BINS, N, "chi-square of a hundred bins");
    assert_even(pair, BINS, N / 2, "chi-square of pairs");
    for (int n = 0; n < 1000; n++) {
        const double x = ami_rng_range(&rng, -3, 5);
        assert_true(x >= -3 && x < 5);
        mean += x / 1000;
    }
    assert_near(mean - .5, 1, 4 * sqrt(64. / 12 / 1000), "mean of a range");
}

static void normal_numbers_are_normal(void **unused)
{
    (void)unused;
    enum { N = 1000000 };
    ami_rng rng = ami_rng_seed(6, 0);
    double moment[5] = {0}, follows = 0, before = 0;
    int beyond[4] = {0};
    for (int n = 0; n < N; n++) {
        const double x = ami_rng_normal(&rng);
        assert_true(isfinite(x));
        for (int k = 1; k < 5; k++)
            moment[k] += pow(x, k) / N;
        for (int k = 1; k < 4; k++)
            beyond[k] += fabs(x) > k;
        follows += x * before / N;
        before = x;
    }
    /* of x^k: E x^2k - (E x^k)^2, with 1, 3, 15, 105 */
    const double variance[5] = {0, 1, 2, 15, 96}, want[5] = {0, 0, 1, 0, 3};
    for (int k = 1; k < 5; k++)
        assert_near(moment[k], want[k], 4.5 * sqrt(variance[k] / N), "moment");
    assert_near(follows, 0, 4.5 / sqrt(N), "correlation with the one before");
    for (int k = 1; k < 4; k++) {
        const double p = erfc(k / sqrt(2));
        assert_near((double)beyond[k] / N, p, 4.5 * sqrt(p * (1 - p) / N), "tail");
    }
}

static void numbers_below_n_are_even(void **unused)
{
    (void)unused;
    enum { N = 300000 };
    ami_rng rng = ami_rng_seed(7, 0);
    static int count[1000];
    const uint32_t small[] = {1, 2, 3, 7, 64, 1000};
    for (size_t i = 0; i < sizeof small / sizeof *small; i++) {
        memset(count, 0, sizeof count);
        for (int n = 0; n < N; n++) {
            const uint32_t x = ami_rng_below(&rng, small[i]);
            assert_true(x < small[i]);
            count[x]++;
        }
        if (small[i] > 1)
            assert_even(count, (int)small[i], N, "chi-square of small numbers");
    }
    /* Where the bias of a plain multiplication would be largest: of 3 2^30 numbers, every third would come
     * twice as often. */
    const uint32_t large[] = {UINT32_C(3) << 30, UINT32_MAX, UINT32_C(1) << 31, (UINT32_C(1) << 31) + 1};
    for (size_t i = 0; i < sizeof large / sizeof *large; i++) {
        int third[3] = {0}, rest[3] = {0};
        for (int n = 0; n < N; n++) {
            const uint32_t x = ami_rng_below(&rng, large[i]);
            assert_true(x < large[i]);
            third[(uint64_t)x * 3 / large[i]]++;
            rest[x % 3]++;
        }
        assert_even(third, 3, N, "chi-square of thirds");
        assert_even(rest, 3, N, "chi-square of remainders");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_outputs_of_a_known_state), cmocka_unit_test(a_second_implementation_agrees),
        cmocka_unit_test(seeding_is_splitmix64),          cmocka_unit_test(streams_are_unrelated),
        cmocka_unit_test(uniform_numbers_are_uniform),    cmocka_unit_test(normal_numbers_are_normal),
        cmocka_unit_test(numbers_below_n_are_even),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
