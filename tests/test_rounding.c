/* Rounding weights to int8: on the grid afterwards, nearer to the network as it was than plain rounding,
 * within the limits that it reports, the same each time; and what it writes means the same when read back.

 * */
#include "base/rng.h"
#include "nets/rounding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { IN = 40, HIDDEN = 120, NEXT = 80, OUT = 12, ROWS = 300 };
static const int dim[] = {IN, HIDDEN, NEXT, OUT};

static ami_net *make_net(uint64_t seed)
{
    ami_rng rng = ami_rng_seed(seed, 0);
    ami_net *net = ami_net_create(3, dim, NULL);
    assert_true(net && ami_net_add_normalizer(net));
    for (int l = 0; l < 3; l++)
        for (int i = 0; i < dim[l] * dim[l + 1]; i++)
            net->weight[l][i] = (float)(ami_rng_normal(&rng) * .6 / sqrt(dim[l]));
    for (int i = 0; i < IN; i++) {
        net->in_mean[i] = (float)ami_rng_range(&rng, -.5, .5);
        net->in_std[i] = (float)ami_rng_range(&rng, .2, 2);
    }
    net->in_clip = 5;
    return net;
}

/* Observations that depend on one another: 10 numbers make all 40. */
static float *make_rows(const ami_net *net, uint64_t seed)
{
    enum { CAUSES = 10 };
    ami_rng rng = ami_rng_seed(7, 1); /* the same mixture for every seed */
    float mix[IN][CAUSES], *x = malloc(ROWS * IN * sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < IN; i++)
        for (int k = 0; k < CAUSES; k++)
            mix[i][k] = (float)(ami_rng_normal(&rng) / sqrt((double)CAUSES));
    rng = ami_rng_seed(seed, 2);
    for (int r = 0; r < ROWS; r++) {
        float cause[CAUSES];
        for (int k = 0; k < CAUSES; k++)
            cause[k] = (float)ami_rng_normal(&rng);
        for (int i = 0; i < IN; i++) {
            float v = .1f * (float)ami_rng_normal(&rng);
            for (int k = 0; k < CAUSES; k++)
                v += mix[i][k] * cause[k];
            x[r * IN + i] = net->in_mean[i] + net->in_std[i] * v;
        }
    }
    return x;
}

static double apart(const ami_net *a, const ami_net *b, const float *x)
{
    static double ya[ROWS * OUT], yb[ROWS * OUT];
    double sum = 0;
    assert_true(ami_net_run_double(a, x, ROWS, ya, NULL) && ami_net_run_double(b, x, ROWS, yb, NULL));
    for (int i = 0; i < ROWS * OUT; i++)
        sum += (ya[i] - yb[i]) * (ya[i] - yb[i]);
    return sum / (ROWS * OUT);
}

/* Each weight to the nearest of 255 multiples, as packing does. */
static void round_plainly(ami_net *net, int l)
{
    for (int o = 0; o < dim[l + 1]; o++) {
        float *const w = net->weight[l] + o * dim[l], most = 0;
        for (int k = 0; k < dim[l]; k++)
            most = fmaxf(most, fabsf(w[k]));
        for (int k = 0; k < dim[l]; k++)
            w[k] = nearbyintf(w[k] / most * 127) * (most / 127);
    }
}

static void test_rounding_is_made_up_for(void **state)
{
    (void)state;
    ami_net *was = make_net(1), *net = make_net(1), *plain = make_net(1), *again = make_net(1);
    float *given = make_rows(was, 10), *unseen = make_rows(was, 11), drawn[ROWS * IN];
    ami_rounding_def def = ami_rounding_default_def();
    def.rows = given;
    def.row_count = ROWS;
    def.max_mse = 1; /* all layers */
    ami_rounding_report report, report_again;
    ami_error err = {""};
    if (!ami_net_round(net, &def, &report, &err) || !ami_net_round(again, &def, &report_again, &err))
        fail_msg("%s", err.text);
    for (int l = 0; l < 3; l++) {
        assert_true(report.rounded[l]);
        assert_non_null(ami_net_units(net, l));
        assert_memory_equal(net->weight[l], again->weight[l], (size_t)(dim[l] * dim[l + 1]) * sizeof(float));
        round_plainly(plain, l);
    }
    assert_int_equal(net->calibration_rows, ROWS);
    ami_net_law_inputs(was, AMI_LAW_NORMAL, 99, ROWS, drawn);
    const double seen = apart(net, was, unseen), seen_plain = apart(plain, was, unseen);
    const double independent = apart(net, was, drawn), independent_plain = apart(plain, was, drawn);
    if (!(seen < .4 * seen_plain && independent < 1.1 * independent_plain))
        fail_msg("%g instead of %g on rows like those given, %g instead of %g on drawn ones", seen,
                 seen_plain, independent, independent_plain);
    const double told = report.mse[AMI_LAW_NORMAL], other = report.mse[AMI_LAW_CALIBRATION];
    assert_true(independent < 2 * told && told < 2 * independent && seen < 2 * other && other < 2 * seen);
    assert_true(net->rounding_mse[AMI_LAW_NORMAL] == told);
    free(given);
    free(unseen);
    ami_net_destroy(was);
    ami_net_destroy(net);
    ami_net_destroy(plain);
    ami_net_destroy(again);
}

/* The error stays within the limits, by leaving layers as they were; with no error allowed the network is the
 * same to the bit. */
static void test_limits(void **state)
{
    (void)state;
    int kinds[4] = {0};
    for (double limit = 1e-2; limit > 1e-12; limit /= 5) {
        ami_net *was = make_net(2), *net = make_net(2);
        ami_rounding_def def = ami_rounding_default_def();
        def.max_mse = limit;
        ami_rounding_report report;
        ami_error err = {""};
        if (!ami_net_round(net, &def, &report, &err))
            fail_msg("%s", err.text);
        float x[ROWS * IN];
        int rounded = 0;
        for (int l = 0; l < 3; l++) {
            rounded += report.rounded[l];
            assert_int_equal(ami_net_units(net, l) != NULL, report.rounded[l]);
            if (!report.rounded[l])
                assert_memory_equal(net->weight[l], was->weight[l],
                                    (size_t)(dim[l] * dim[l + 1]) * sizeof(float));
        }
        kinds[rounded]++;
        for (int law = AMI_LAW_NORMAL; law <= AMI_LAW_LIMITS; law++) {
            assert_true(report.mse[law] <= report.limit[law]);
            ami_net_law_inputs(was, (ami_law)law, 33, ROWS, x);
            assert_true(apart(net, was, x) <= limit);
        }
        ami_net_destroy(was);
        ami_net_destroy(net);
    }
    assert_true(kinds[0] > 0 && kinds[3] > 0 && kinds[1] + kinds[2] > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rounding_is_made_up_for),
        cmocka_unit_test(test_limits),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
