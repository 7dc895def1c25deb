/* Generalised advantage estimation against the paper's sums, written out. */
#include "learn/gae.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_near(double got, double want, double tolerance, const char *what, int index)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s[%d] is %.9g, expected %.9g, off by %.3g (allowed %.3g)", what, index, got, want,
                 fabs(got - want), tolerance);
}

/* Episodes of about ten steps, a third of them ending in failure (what comes next is worth nothing), the
 * others timing out. */
static void sums_of_the_paper(void **unused)
{
    (void)unused;
    enum { MOST = 200 };
    ami_rng rng = ami_rng_seed(1, 0);
    const float gammas[] = {.95f, .99f, 0, 1}, lambdas[] = {.95f, 0, 1, .5f};
    for (int round = 0; round < 64; round++) {
        const float gamma = gammas[round % 4], lambda = lambdas[round / 4 % 4];
        const int n = round < 4 ? 1 : 1 + (int)ami_rng_below(&rng, MOST);
        float reward[MOST], value[MOST], next[MOST], advantage[MOST], target[MOST];
        unsigned char last[MOST];
        for (int t = 0; t < n; t++) {
            reward[t] = (float)ami_rng_uniform(&rng);
            value[t] = (float)ami_rng_range(&rng, 0, 20);
        }
        for (int t = 0; t < n; t++) {
            last[t] = ami_rng_below(&rng, 10) == 0;
            const int failed = last[t] && ami_rng_below(&rng, 3) == 0;
            next[t] = failed ? 0 : last[t] || t == n - 1 ? (float)ami_rng_range(&rng, 0, 20) : value[t + 1];
            advantage[t] = target[t] = NAN;
        }
        ami_gae(n, reward, value, next, last, gamma, lambda, advantage, target);
        for (int t = 0; t < n; t++) {
            double sum = 0, weight = 1;
            for (int k = t; k < n; k++) {
                sum += weight * ((double)reward[k] + (double)gamma * (double)next[k] - (double)value[k]);
                weight *= (double)gamma * (double)lambda;
                if (last[k])
                    break;
            }
            assert_near((double)advantage[t], sum, 1e-3, "advantage", t);
            assert_near((double)target[t], sum + (double)value[t], 1e-3, "target", t);
        }
    }
}

/* With lambda 1 the target is the plain discounted return, with 0 the one-step one. */
static void the_two_limits_by_hand(void **unused)
{
    (void)unused;
    const float reward[5] = {1, 2, 3, 4, 5}, value[5] = {10, 20, 30, 40, 50}, next[5] = {20, 30, 8, 50, 60};
    const unsigned char last[5] = {0, 0, 1, 0, 0}; /* step 2 timed out in a state worth 8; the stretch is cut
                                                      off after step 4 */
    float advantage[5], target[5];
    ami_gae(5, reward, value, next, last, .5f, 1, advantage, target);
    const double returns[5] = {1 + .5 * (2 + .5 * (3 + .5 * 8)), 2 + .5 * (3 + .5 * 8), 3 + .5 * 8,
                               4 + .5 * (5 + .5 * 60), 5 + .5 * 60};
    for (int t = 0; t < 5; t++) {
        assert_near((double)target[t], returns[t], 1e-5, "return", t);
        assert_near((double)advantage[t], returns[t] - (double)value[t], 1e-5, "advantage", t);
    }
    ami_gae(5, reward, value, next, last, .5f, 0, advantage, target);
    const double one_step[5] = {1 + 10, 2 + 15, 3 + 4, 4 + 25, 5 + 30};
    for (int t = 0; t < 5; t++)
        assert_near((double)target[t], one_step[t], 1e-5, "one-step return", t);
}

/* Nothing after an end, however wrong, reaches what was before it. */
static void nothing_flows_back_over_an_end(void **unused)
{
    (void)unused;
    float reward[4] = {1, 1, NAN, INFINITY}, value[4] = {2, 3, NAN, 1}, next[4] = {3, 0, INFINITY, 1};
    const unsigned char last[4] = {0, 1, 0, 0};
    float advantage[4], target[4];
    ami_gae(4, reward, value, next, last, 1, 1, advantage, target);
    assert_near((double)advantage[1], -2, 1e-6, "advantage", 1);
    assert_near((double)advantage[0], 0, 1e-6, "advantage", 0);
    assert_near((double)target[0], 2, 1e-6, "target", 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sums_of_the_paper),
        cmocka_unit_test(the_two_limits_by_hand),
        cmocka_unit_test(nothing_flows_back_over_an_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
