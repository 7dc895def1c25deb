/* Adam against the paper's formulas in double precision, clipping, gradients that are not finite, same bits
 * for any number of threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/rng.h"
#include "nets/adam.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_SIZE = 10001, STEPS = 7, MAX_TEAM = 3 };

static const size_t sizes[] = {1, 2, 7, 15, 16, 17, 33, 4095, 4096, 4097, 8192, MAX_SIZE};

static void fill(float *x, size_t n, uint64_t seed, double scale)
{
    ami_rng rng = ami_rng_seed(seed, 0);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(scale * ami_rng_normal(&rng));
}

/* team 0: outside any parallel region. All threads must return the same norm. */
static float update(int team, ami_adam *adam, float *parameters, const float *gradient, float lr,
                    float max_norm)
{
    float norm[MAX_TEAM] = {0};
    int threads = 0;
    if (team == 0)
        return ami_adam_update(adam, parameters, gradient, lr, max_norm);
#pragma omp parallel num_threads(team)
    {
        int me;
#pragma omp critical
        me = threads++;
        norm[me] = ami_adam_update(adam, parameters, gradient, lr, max_norm);
    }
    for (int i = 1; i < threads; i++)
        assert_memory_equal(&norm[i], &norm[0], sizeof(float));
    return norm[0];
}

static void test_against_double(void **state)
{
    (void)state;
    const double max_norms[] = {0, -1, 1, 1e9};
    const double beta1 = (double).9f, beta2 = (double).999f, epsilon = (double)1e-8f, lr = (double)3e-3f;
    float *p = malloc(MAX_SIZE * sizeof *p), *g = malloc(MAX_SIZE * sizeof *g);
    double *rp = malloc(MAX_SIZE * sizeof *rp), *rm = malloc(MAX_SIZE * sizeof *rm),
           *rv = malloc(MAX_SIZE * sizeof *rv);
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++) {
        for (size_t c = 0; c < sizeof max_norms / sizeof *max_norms; c++) {
            const size_t n = sizes[s];
            ami_adam adam;
            assert_true(ami_adam_init(&adam, n, NULL));
            fill(p, n, 1, 1);
            for (size_t i = 0; i < n; i++) {
                rp[i] = (double)p[i];
                rm[i] = rv[i] = 0;
            }
            for (int t = 1; t <= STEPS; t++) {
                fill(g, n, 100 + (uint64_t)t, .5 * t);
                double sum = 0;
                for (size_t i = 0; i < n; i++)
                    sum += (double)g[i] * (double)g[i];
                const double norm = sqrt(sum),
                             scale = max_norms[c] > 0 && norm > max_norms[c] ? max_norms[c] / norm : 1;
                for (size_t i = 0; i < n; i++) {
                    const double x = (double)g[i] * scale;
                    rm[i] = beta1 * rm[i] + (1 - beta1) * x;
                    rv[i] = beta2 * rv[i] + (1 - beta2) * x * x;
                    rp[i] -=
                        lr * (rm[i] / (1 - pow(beta1, t))) / (sqrt(rv[i] / (1 - pow(beta2, t))) + epsilon);
                }
                const float got = update(t % (MAX_TEAM + 1), &adam, p, g, 3e-3f, (float)max_norms[c]);
                assert_true(fabs((double)got - norm) <= 1e-6 * norm);
                assert_int_equal(adam.step, t);
                for (size_t i = 0; i < n; i++) {
                    const double error = fabs((double)p[i] - rp[i]);
                    if (error > 1e-6 * (1 + fabs(rp[i])))
                        fail_msg("size %zu, max_norm %g, step %d, parameter %zu is %.9g, expected %.9g", n,
                                 max_norms[c], t, i, (double)p[i], rp[i]);
                }
            }
            ami_adam_free(&adam);
        }
    }
    free(p);
    free(g);
    free(rp);
    free(rm);
    free(rv);
}

/* Worked by hand: the first step is lr against the gradient's sign whatever its size; the second has m =
 * .9·.1·g, v = .999·.001·g². */
static void test_by_hand(void **state)
{
    (void)state;
    ami_adam adam;
    float p[2] = {1, -2};
    assert_true(ami_adam_init(&adam, 2, NULL));
    assert_float_equal(ami_adam_update(&adam, p, (const float[]){3, -4}, .1f, 0), 5, 1e-6);
    assert_float_equal(p[0], .9, 1e-6);
    assert_float_equal(p[1], -1.9, 1e-6);
    assert_float_equal(ami_adam_update(&adam, p, (const float[]){0, 0}, .1f, 0), 0, 0);
    const double m_hat = .9 * .1 / (1 - .81), v_hat = .999 * .001 / (1 - .998001);
    assert_float_equal(p[0], .9 - .1 * m_hat / sqrt(v_hat), 1e-6);
    assert_float_equal(p[1], -1.9 + .1 * m_hat / sqrt(v_hat), 1e-6);
    ami_adam_free(&adam);
}

/* With clipping, the moments are those of the gradient scaled to max_norm; without need, those of the
 * gradient itself. */
static void test_clipping(void **state)
{
    (void)state;
    const float g[2] = {30, 40};
    float p[2] = {0, 0};
    ami_adam adam;
    assert_true(ami_adam_init(&adam, 2, NULL));
    assert_float_equal(ami_adam_update(&adam, p, g, 1e-3f, 5), 50, 1e-5);
    assert_float_equal(adam.m[0], .1 * 3, 1e-6);
    assert_float_equal(adam.m[1], .1 * 4, 1e-6);
    assert_float_equal(adam.v[1], .001 * 16, 1e-6);
    ami_adam_free(&adam);
    assert_true(ami_adam_init(&adam, 2, NULL));
    ami_adam_update(&adam, p, g, 1e-3f, 51);
    assert_float_equal(adam.m[0], 3, 1e-5);
    ami_adam_free(&adam);
}

/* In any order and whoever does them; planned twice; then once more with a gradient that is not finite. */
static void test_pieces(void **state)
{
    (void)state;
    enum { N = 30000 };
    float *p = malloc(N * sizeof *p), *q = malloc(N * sizeof *q), *g = malloc(N * sizeof *g);
    ami_adam whole, parts;
    assert_true(ami_adam_init(&whole, N, NULL) && ami_adam_init(&parts, N, NULL));
    fill(p, N, 1, 1);
    memcpy(q, p, N * sizeof *p);
    const size_t pieces = ami_adam_pieces(&parts);
    assert_true(pieces > 2);
    size_t end = 0;
    for (size_t i = 0; i < pieces; i++) {
        size_t first;
        const size_t n = ami_adam_piece(&parts, i, &first);
        assert_true(first == end && n > 0);
        end = first + n;
    }
    assert_int_equal(end, N);
    for (int t = 0; t < 4; t++) {
        fill(g, N, 100 + (uint64_t)t, 1);
        if (t == 3)
            g[N - 1] = NAN;
        const float norm = ami_adam_update(&whole, p, g, 1e-3f, 2);
        for (size_t i = pieces; i-- > 0;)
            ami_adam_square(&parts, g, i);
        const ami_adam_factors one = ami_adam_plan(&parts, 1e-3f, 2), other = ami_adam_plan(&parts, 1e-3f, 2);
        for (size_t i = pieces; i-- > 0;)
            ami_adam_apply(&parts, q, g, i % 2 ? &one : &other, i);
        ami_adam_finish(&parts, &one);
        assert_memory_equal(&one.norm, &norm, sizeof norm);
        assert_memory_equal(p, q, N * sizeof *p);
        assert_memory_equal(whole.m, parts.m, N * sizeof *p);
        assert_memory_equal(whole.v, parts.v, N * sizeof *p);
        assert_int_equal(parts.step, t < 3 ? t + 1 : 3);
        assert_int_equal(parts.step, whole.step);
    }
    ami_adam_free(&whole);
    ami_adam_free(&parts);
    free(p);
    free(q);
    free(g);
}

static void test_not_finite_changes_nothing(void **state)
{
    (void)state;
    const float bad[] = {NAN, INFINITY, -INFINITY};
    enum { N = 5000 };
    float *p = malloc(N * sizeof *p), *g = malloc(N * sizeof *g), *before = malloc(3 * N * sizeof *before);
    ami_adam adam;
    assert_true(ami_adam_init(&adam, N, NULL));
    fill(p, N, 1, 1);
    fill(g, N, 2, 1);
    ami_adam_update(&adam, p, g, 1e-3f, 1);
    memcpy(before, p, N * sizeof *p);
    memcpy(before + N, adam.m, N * sizeof *p);
    memcpy(before + 2 * N, adam.v, N * sizeof *p);
    for (int k = 0; k < 4; k++) {
        for (int team = 0; team <= MAX_TEAM; team++) {
            const size_t place = (size_t)(k * 1499 + team);
            const float saved = g[place], saved_too = g[N - 1];
            g[place] = k < 3 ? bad[k] : 3e38f; /* two of these: finite, but their norm is not a float */
            g[N - 1] = k < 3 ? saved_too : 3e38f;
            assert_false(isfinite(update(team, &adam, p, g, 1e-3f, 1)));
            g[place] = saved;
            g[N - 1] = saved_too;
            assert_int_equal(adam.step, 1);
            assert_memory_equal(before, p, N * sizeof *p);
            assert_memory_equal(before + N, adam.m, N * sizeof *p);
            assert_memory_equal(before + 2 * N, adam.v, N * sizeof *p);
        }
    }
    assert_true(isfinite(ami_adam_update(&adam, p, g, 1e-3f, 1)));
    assert_int_equal(adam.step, 2);
    assert_memory_not_equal(before, p, N * sizeof *p);
    ami_adam_free(&adam);
    free(p);
    free(g);
    free(before);
}

static void test_same_bits_for_any_team(void **state)
{
    (void)state;
    float *p[MAX_TEAM + 1], *g = malloc(MAX_SIZE * sizeof *g);
    float norm[MAX_TEAM + 1];
    for (int team = 0; team <= MAX_TEAM; team++) {
        ami_adam adam;
        p[team] = malloc(MAX_SIZE * sizeof **p);
        assert_true(ami_adam_init(&adam, MAX_SIZE, NULL));
        fill(p[team], MAX_SIZE, 1, 1);
        for (int t = 0; t < STEPS; t++) {
            fill(g, MAX_SIZE, 50 + (uint64_t)t, pow(10, t - 3));
            norm[team] = update(team, &adam, p[team], g, 1e-3f, 1);
        }
        ami_adam_free(&adam);
        assert_memory_equal(p[team], p[0], MAX_SIZE * sizeof **p);
        assert_memory_equal(&norm[team], &norm[0], sizeof *norm);
    }
    for (int team = 0; team <= MAX_TEAM; team++)
        free(p[team]);
    free(g);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_by_hand),
        cmocka_unit_test(test_against_double),
        cmocka_unit_test(test_clipping),
        cmocka_unit_test(test_pieces),
        cmocka_unit_test(test_not_finite_changes_nothing),
        cmocka_unit_test(test_same_bits_for_any_team),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
