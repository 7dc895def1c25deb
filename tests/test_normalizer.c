/* Running mean and deviation against two passes over all data, and the same bits for any number of threads;
 * for observations of both sizes. */
#include "learn/normalizer.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { ROWS = 3000 };

static const int sizes[] = {AMI_OBS, AMI_OBS_MAX};

static ami_normalizer *normalizer_of(int columns)
{
    ami_normalizer *normalizer = calloc(1, sizeof *normalizer);
    normalizer->columns = columns;
    return normalizer;
}

static float *observations(int columns)
{
    float *obs = malloc(sizeof *obs * ROWS * (size_t)columns);
    ami_rng rng = ami_rng_seed(1, 0);
    for (int i = 0; i < ROWS; i++)
        for (int k = 0; k < columns; k++) {
            const double scale = k % 7 == 1   ? 1e-3
                                 : k % 7 == 2 ? 0
                                              : .1 * k,
                         offset = k % 5 == 0 ? 1000 : -.5 * k;
            /* and it drifts */
            obs[i * columns + k] = (float)(offset + scale * (ami_rng_normal(&rng) + i / (double)ROWS));
        }
    return obs;
}

/* Batches of all sizes, empty ones too. */
static void add_all(ami_normalizer *normalizer, const float *obs)
{
    int done = 0;
    for (int n = 0; done < ROWS; n = (n * 5 + 3) % 700) {
        const int rows = n < ROWS - done ? n : ROWS - done;
        ami_normalizer_add(normalizer, obs + done * normalizer->columns, rows);
        done += rows;
    }
}

static void batches_are_as_good_as_two_passes(void **unused)
{
    (void)unused;
    for (int size = 0; size < 2; size++) {
        const int columns = sizes[size];
        float *obs = observations(columns), mean[AMI_OBS_MAX], std[AMI_OBS_MAX];
        ami_normalizer *normalizer = normalizer_of(columns);
        add_all(normalizer, obs);
        assert_int_equal(normalizer->count, ROWS);
        ami_normalizer_get(normalizer, mean, std);
        int floored = 0;
        for (int k = 1; k < columns; k++) {
            double m = 0, v = 0;
            for (int i = 0; i < ROWS; i++)
                m += (double)obs[i * columns + k] / ROWS;
            for (int i = 0; i < ROWS; i++)
                v += ((double)obs[i * columns + k] - m) * ((double)obs[i * columns + k] - m) / ROWS;
            const double want = fmax(sqrt(v), .02);
            floored += sqrt(v) < .02;
            if (!(fabs((double)mean[k] - m) <= 1e-6 * fabs(m) + 1e-9))
                fail_msg("mean[%d] is %.9g, expected %.9g", k, (double)mean[k], m);
            if (!(fabs((double)std[k] - want) <= 1e-6 * want))
                fail_msg("std[%d] is %.9g, expected %.9g", k, (double)std[k], want);
        }
        assert_true(floored > 30 && floored < 100);
        assert_true(mean[0] == .5f && std[0] == .5f); /* the phase is not measured */
        free(normalizer);
        free(obs);
    }
}

static void an_empty_one_changes_nothing_but_the_phase(void **unused)
{
    (void)unused;
    for (int size = 0; size < 2; size++) {
        const int columns = sizes[size];
        ami_normalizer *normalizer = normalizer_of(columns);
        float mean[AMI_OBS_MAX + 1], std[AMI_OBS_MAX + 1];
        mean[columns] = std[columns] = 77;
        ami_normalizer_get(normalizer, mean, std);
        assert_true(mean[0] == .5f && std[0] == .5f);
        for (int k = 1; k < columns; k++)
            assert_true(mean[k] == 0 && std[k] == 1);
        float *obs = observations(columns);
        ami_normalizer_add(normalizer, obs, 0);
        ami_normalizer_add(normalizer, obs, 1); /* one alone has a mean, but no deviation that says
                                                   anything */
        ami_normalizer_get(normalizer, mean, std);
        for (int k = 1; k < columns; k++)
            assert_true(mean[k] == obs[k] && std[k] == 1);
        assert_true(mean[columns] == 77 && std[columns] == 77); /* and nothing past the last */
        free(obs);
        free(normalizer);
    }
}

static void threads_do_not_change_a_bit(void **unused)
{
    (void)unused;
    for (int size = 0; size < 2; size++) {
        float *obs = observations(sizes[size]);
        ami_normalizer *alone = normalizer_of(sizes[size]);
        add_all(alone, obs);
        for (int threads = 1; threads <= 4; threads++) {
            ami_normalizer *team = normalizer_of(sizes[size]);
#pragma omp parallel num_threads(threads)
            add_all(team, obs);
            assert_memory_equal(team, alone, sizeof *team);
            free(team);
        }
        free(alone);
        free(obs);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(batches_are_as_good_as_two_passes),
        cmocka_unit_test(an_empty_one_changes_nothing_but_the_phase),
        cmocka_unit_test(threads_do_not_change_a_bit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
