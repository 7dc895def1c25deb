/* Principal components: of points with known axes, of others against the definition, and of degenerate
 * sets. */
#include "base/pca.h"

#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* |got - want| ≤ tolerance, NaN never. */
static void near(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s is %.15g, expected %.15g within %g", what, got, want, tolerance);
}

static ami_pca *make(const float *x, int n, int size, int axes)
{
    ami_error err = {""};
    ami_pca *pca = ami_pca_create(x, n, size, axes, &err);
    if (!pca)
        fail_msg("%s", err.text);
    return pca;
}

/* A long cross in a plane of three dimensions: 3 to either side along (3, 4, 0) / 5, 1 along (0, 0, 1). */
static void a_cross_has_its_arms_for_axes(void **unused)
{
    (void)unused;
    static const float x[4][3] = {{11.8f, 22.4f, 30}, {8.2f, 17.6f, 30}, {10, 20, 31}, {10, 20, 29}};
    static const double mean[3] = {10, 20, 30}, first[3] = {.6, .8, 0}, second[3] = {0, 0, 1};
    ami_pca *pca = make(x[0], 4, 3, 3);
    for (int k = 0; k < 3; k++) {
        near("mean", pca->mean[k], mean[k], 1e-6);
        near("first axis", pca->axis[k], first[k], 1e-6);
        near("second axis", pca->axis[3 + k], second[k], 1e-6);
        near("an axis of nothing", pca->axis[6 + k], 0, 0);
    }
    near("share of the first", pca->fraction[0], .9, 1e-6);
    near("share of the second", pca->fraction[1], .1, 1e-6);
    near("share of the third", pca->fraction[2], 0, 0);
    double at[3];
    ami_pca_project(pca, x[1], at);
    near("along the first", at[0], -3, 1e-6);
    near("along the second", at[1], 0, 1e-6);
    ami_pca_destroy(pca);
}

/* Axes are orthonormal, projections have mean 0 and are uncorrelated, their variance is the share; all axes
 * together lose nothing. */
static void projections_are_what_the_definition_says(void **unused)
{
    (void)unused;
    enum { MOST = 40, SIZE = 256 };
    static float x[MOST * SIZE];
    static double at[MOST][MOST];
    static const int counts[] = {2, 3, 7, MOST};
    ami_rng rng = ami_rng_seed(7, 1);
    for (size_t c = 0; c < sizeof counts / sizeof *counts; c++) {
        const int n = counts[c], axes = n - 1;
        double all = 0, sum = 0;
        for (int i = 0; i < n * SIZE; i++)
            x[i] = (float)((1 + i % 5) * ami_rng_normal(&rng) + i % SIZE);
        ami_pca *pca = make(x, n, SIZE, axes);
        for (int i = 0; i < n; i++) {
            ami_pca_project(pca, x + i * SIZE, at[i]);
            for (int k = 0; k < SIZE; k++)
                all += pow((double)x[i * SIZE + k] - pca->mean[k], 2);
        }
        for (int a = 0; a < axes; a++) {
            for (int b = 0; b <= a; b++) {
                double unit = 0, product = 0;
                for (int k = 0; k < SIZE; k++)
                    unit += pca->axis[a * SIZE + k] * pca->axis[b * SIZE + k];
                for (int i = 0; i < n; i++)
                    product += at[i][a] * at[i][b];
                near("axes", unit, a == b, 1e-9);
                near("covariance", product / all, a == b ? pca->fraction[a] : 0, 1e-9);
            }
            assert_true(a == 0 || pca->fraction[a] <= pca->fraction[a - 1]);
            sum += pca->fraction[a];
        }
        near("all shares", sum, 1, 1e-9);
        ami_pca_destroy(pca);
    }
}

/* No plane holds more of the variance than that of the first two axes. */
static void no_other_plane_shows_more(void **unused)
{
    (void)unused;
    enum { N = 12, SIZE = 6 };
    float x[N * SIZE];
    ami_rng rng = ami_rng_seed(8, 1);
    for (int i = 0; i < N * SIZE; i++)
        x[i] = (float)((1 + i % SIZE) * ami_rng_normal(&rng));
    ami_pca *pca = make(x, N, SIZE, 2);
    double all = 0;
    for (int i = 0; i < N * SIZE; i++)
        all += pow((double)x[i] - pca->mean[i % SIZE], 2);
    for (int trial = 0; trial < 2000; trial++) { /* the plane, turned a little or much */
        double axis[2][SIZE], held = 0;
        const double size = pow(10, ami_rng_range(&rng, -3, 1));
        for (int a = 0; a < 2; a++) {
            double along = 0, length = 0;
            for (int k = 0; k < SIZE; k++)
                axis[a][k] = pca->axis[a * SIZE + k] + size * ami_rng_normal(&rng);
            for (int k = 0; k < SIZE && a; k++)
                along += axis[0][k] * axis[1][k];
            for (int k = 0; k < SIZE; k++) {
                axis[a][k] -= a ? along * axis[0][k] : 0;
                length += axis[a][k] * axis[a][k];
            }
            for (int k = 0; k < SIZE; k++)
                axis[a][k] /= sqrt(length);
        }
        for (int i = 0; i < N; i++)
            for (int a = 0; a < 2; a++) {
                double along = 0;
                for (int k = 0; k < SIZE; k++)
                    along += axis[a][k] * ((double)x[i * SIZE + k] - pca->mean[k]);
                held += along * along;
            }
        if (held / all > pca->fraction[0] + pca->fraction[1] + 1e-12)
            fail_msg("another plane holds %.15g, the axes' %.15g", held / all,
                     pca->fraction[0] + pca->fraction[1]);
    }
    ami_pca_destroy(pca);
}

static void one_point_and_equal_points_have_no_axes(void **unused)
{
    (void)unused;
    static const float x[6] = {3, -1, 3, -1, 3, -1};
    for (int n = 1; n <= 3; n += 2) {
        ami_pca *pca = make(x, n, 2, 2);
        double at[2];
        for (int k = 0; k < 4; k++)
            near("axis", pca->axis[k], 0, 0);
        ami_pca_project(pca, x, at);
        near("share", pca->fraction[0] + pca->fraction[1], 0, 0);
        near("place", fabs(at[0]) + fabs(at[1]), 0, 0);
        ami_pca_destroy(pca);
    }
}

static void what_is_not_finite_is_refused(void **unused)
{
    (void)unused;
    const float x[4] = {0, 1, 2, NAN};
    ami_error err = {""};
    assert_null(ami_pca_create(x, 2, 2, 1, &err));
    assert_non_null(strstr(err.text, "number 1 of vector 1 is not finite"));
    assert_null(ami_pca_create(x, 0, 2, 1, &err));
    assert_non_null(strstr(err.text, "0 vectors"));
    assert_null(ami_pca_create(x, AMI_PCA_VECTORS + 1, 2, 1, &err));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_cross_has_its_arms_for_axes),
        cmocka_unit_test(projections_are_what_the_definition_says),
        cmocka_unit_test(no_other_plane_shows_more),
        cmocka_unit_test(one_point_and_equal_points_have_no_axes),
        cmocka_unit_test(what_is_not_finite_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
