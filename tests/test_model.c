/* The packed network against double precision, with every kernel that runs here: accuracy, a row's independence of its batch, NaN, the
 * normaliser, repacking, and what it may write to. */
#include "base/rng.h"
#include "nets/model.h"

#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST_ROWS = 200 }; /* more than two chunks */

static amb_net *random_net(amb_rng *rng, int layers, const int *dim, bool normalizer)
{
    amb_net *net = amb_net_create(layers, dim, NULL);
    assert_non_null(net);
    for (int l = 0; l < layers; l++) {
        const double range = sqrt(6.0 / dim[l]); /* keeps the variance through a ReLU */
        for (int i = 0; i < dim[l] * dim[l + 1]; i++)
            net->weight[l][i] = (float)amb_rng_range(rng, -range, range);
        for (int i = 0; i < dim[l + 1]; i++)
            net->bias[l][i] = (float)amb_rng_range(rng, -0.5, 0.5);
    }
    if (normalizer) {
        assert_true(amb_net_add_normalizer(net));
        for (int i = 0; i < dim[0]; i++) {
            net->in_mean[i] = (float)amb_rng_range(rng, -1.0, 1.0);
            net->in_std[i] = (float)amb_rng_range(rng, 0.02, 2.0);
        }
        net->in_clip = 2.0f;
    }
    return net;
}

static float *random_rows(amb_rng *rng, int rows, int width)
{
    float *x = malloc((size_t)rows * (size_t)width * sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < rows * width; i++)
        x[i] = (float)amb_rng_normal(rng);
    return x;
}

/* One row in double, as net.h defines it, and how far fp32 may be from it: the error of each layer's input passes through |W|, and summing
 * adds (inputs + 2) u (|b| + sum |w h|), u = 2^-24. Clamp and ReLU do not widen an error. */
static void in_double(const amb_net *net, const float *x, double *want, double *bound)
{
    int widest = 0;
    for (int l = 0; l <= net->layers; l++)
        widest = net->dim[l] > widest ? net->dim[l] : widest;
    double *values = malloc(4 * (size_t)widest * sizeof *values);
    assert_non_null(values);
    double *h = values, *e = h + widest, *next_h = e + widest, *next_e = next_h + widest;
    for (int i = 0; i < net->dim[0]; i++) {
        h[i] = x[i];
        e[i] = 0.0;
        if (net->in_mean) {
            h[i] = ((double)x[i] - net->in_mean[i]) / net->in_std[i];
            e[i] = 4 * 0x1p-24 * fabs(h[i]);
            if (net->in_clip > 0.0f)
                h[i] = fmax(-net->in_clip, fmin(net->in_clip, h[i]));
        }
    }
    for (int l = 0; l < net->layers; l++) {
        for (int o = 0; o < net->dim[l + 1]; o++) {
            double sum = net->bias[l][o], size = fabs(sum), error = 0.0;
            for (int k = 0; k < net->dim[l]; k++) {
                const double w = net->weight[l][(size_t)o * (size_t)net->dim[l] + (size_t)k];
                sum += w * h[k];
                size += fabs(w * h[k]);
                error += fabs(w) * e[k];
            }
            next_h[o] = net->act[l] == AMB_ACT_RELU && sum < 0.0 ? 0.0 : sum;
            next_e[o] = error + (net->dim[l] + 2) * 0x1p-24 * (size + error);
        }
        double *swap = h;
        h = next_h;
        next_h = swap;
        swap = e;
        e = next_e;
        next_e = swap;
    }
    memcpy(want, h, (size_t)net->dim[net->layers] * sizeof *want);
    memcpy(bound, e, (size_t)net->dim[net->layers] * sizeof *bound);
    free(values);
}

static void check_accuracy(amb_rng *rng, int layers, const int *dim, bool normalizer)
{
    enum { ROWS = 20 };
    amb_net *net = random_net(rng, layers, dim, normalizer);
    const int in = dim[0], out = dim[layers];
    float *x = random_rows(rng, ROWS, in), *y = malloc(ROWS * (size_t)out * sizeof *y);
    double *want = malloc(ROWS * (size_t)out * sizeof *want), *bound = malloc(ROWS * (size_t)out * sizeof *bound);
    assert_true(y && want && bound);
    for (int r = 0; r < ROWS; r++)
        in_double(net, x + r * in, want + r * out, bound + r * out);

    for (int k = 0; k < amb_kernel_count(); k++) {
        amb_model *model = amb_model_create(net, &(amb_model_def){.kernel = amb_kernel_at(k)}, NULL);
        assert_non_null(model);
        assert_int_equal(amb_model_inputs(model), in);
        assert_int_equal(amb_model_outputs(model), out);
        assert_string_equal(amb_model_kernel_name(model), amb_kernel_at(k)->name);
        void *workspace = malloc(amb_model_workspace_size(model, ROWS));
        assert_non_null(workspace);
        for (int n = 1; n <= ROWS; n++) {
            amb_model_run(model, workspace, x, n, y);
            double worst = 0.0, square = 0.0, variance = 0.0;
            int worst_at = 0;
            for (int i = 0; i < n * out; i++) {
                const double off = fabs(y[i] - want[i]) / bound[i];
                if (!(off <= worst)) {
                    worst = isnan(off) ? (double)INFINITY : off;
                    worst_at = i;
                }
                square += (y[i] - want[i]) * (y[i] - want[i]);
                variance += want[i] * want[i];
            }
            if (worst > 1.0)
                fail_msg("%s, %d layers from %d to %d, %d rows: worst at row %d, output %d: %.9g, in double %.17g, bound %.3g",
                         amb_model_kernel_name(model), layers, in, out, n, worst_at / out, worst_at % out, (double)y[worst_at],
                         want[worst_at], bound[worst_at]);
            /* The bound is for the worst case; errors in fact partly cancel. */
            if (square > 1e-11 * variance)
                fail_msg("%s, %d layers from %d to %d, %d rows: mean square error is %.3g of the outputs' mean square, expected < 1e-11",
                         amb_model_kernel_name(model), layers, in, out, n, square / variance);
        }
        free(workspace);
        amb_model_destroy(model);
    }
    amb_net_destroy(net);
    free(x);
    free(y);
    free(want);
    free(bound);
}

static void test_accuracy(void **state)
{
    (void)state;
    static const struct {
        int layers, dim[6];
    } shape[] = {
        {3, {197, 1024, 512, 36}},
        {3, {197, 1024, 512, 1}},
        {4, {132, 256, 128, 32, 2}},
        {3, {256, 256, 512, 4380}},
        {2, {4380, 512, 256}},
        {1, {1, 1}},
        {2, {1, 1, 1}},
        {5, {3, 70, 1, 70, 2, 5}},
        {1, {70, 2}},
        {3, {2, 17, 33, 65}},
    };
    amb_rng rng = amb_rng_seed(11, 0);
    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++)
        check_accuracy(&rng, shape[i].layers, shape[i].dim, i % 2 == 0);
    for (int d = 1; d <= 70; d++) /* every tail between two layers, with and without a normaliser */
        check_accuracy(&rng, 2, (int[]){1 + d * 7 % 70, d, 1 + d * 3 % 70}, d % 2 == 0);
}

/* A row's bits do not depend on how many rows come with it nor on its place; the workspace and the output are written nowhere else, with
 * every alignment of both. */
static void test_rows_are_independent(void **state)
{
    (void)state;
    static const int rows[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  12,  13,  16,  17,  23, 31,
                               32, 33, 48, 63, 64, 65, 95, 96, 97, 128, 191, 192, 193, 200};
    amb_rng rng = amb_rng_seed(12, 0);
    amb_net *net = random_net(&rng, 3, (int[]){19, 70, 101, 21}, true);
    enum { IN = 19, OUT = 21, GUARD = 64 };
    float *x = random_rows(&rng, MOST_ROWS + 1, IN);
    static float alone[MOST_ROWS * OUT];
    for (int k = 0; k < amb_kernel_count(); k++) {
        amb_model *model = amb_model_create(net, &(amb_model_def){.kernel = amb_kernel_at(k)}, NULL);
        assert_non_null(model);
        void *one = malloc(amb_model_workspace_size(model, 1));
        assert_non_null(one);
        for (int r = 0; r < MOST_ROWS; r++)
            amb_model_run(model, one, x + r * IN, 1, alone + r * OUT);
        free(one);

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            const int n = rows[i], first = MOST_ROWS - n;
            const size_t size = amb_model_workspace_size(model, n), shift = (i * 7) % 64;
            unsigned char *workspace = malloc(GUARD + size + 64);
            float *y = malloc(((size_t)n * OUT + 2 * GUARD) * sizeof *y);
            assert_true(workspace && y);
            memset(workspace, 0xa5, GUARD + size + 64);
            memset(y, 0xa5, ((size_t)n * OUT + 2 * GUARD) * sizeof *y);
            float *out = y + GUARD - i % 16;
            amb_model_run(model, workspace + shift, x + first * IN, n, out);

            for (int r = 0; r < n; r++)
                if (memcmp(out + r * OUT, alone + (first + r) * OUT, OUT * sizeof *y) != 0)
                    fail_msg("%s: row %d of %d differs from the same row alone", amb_model_kernel_name(model), r, n);
            for (size_t b = 0; b < GUARD + size + 64; b++)
                if ((b < shift || b >= shift + size) && workspace[b] != 0xa5)
                    fail_msg("%s, %d rows: wrote outside the workspace, byte %zd of %zu", amb_model_kernel_name(model), n,
                             (ssize_t)(b - shift), size);
            const unsigned char *bytes = (const unsigned char *)y;
            const size_t from = (size_t)((unsigned char *)out - (unsigned char *)y), to = from + (size_t)n * OUT * sizeof *y;
            for (size_t b = 0; b < ((size_t)n * OUT + 2 * GUARD) * sizeof *y; b++)
                if ((b < from || b >= to) && bytes[b] != 0xa5)
                    fail_msg("%s, %d rows: wrote outside the output, byte %zd", amb_model_kernel_name(model), n, (ssize_t)(b - from));
            free(workspace);
            free(y);
        }
        amb_model_destroy(model);
    }
    free(x);
    amb_net_destroy(net);
}

/* The weights are the identity, so the outputs are the normalised inputs themselves. */
static amb_net *identity_net(int dim)
{
    amb_net *net = amb_net_create(1, (int[]){dim, dim}, NULL);
    assert_non_null(net);
    for (int i = 0; i < dim; i++)
        net->weight[0][i * dim + i] = 1.0f;
    return net;
}

static void forward_once(const amb_net *net, const amb_kernel *kernel, const float *x, int n, float *y)
{
    amb_error err = {""};
    amb_model *model = amb_model_create(net, &(amb_model_def){.kernel = kernel}, &err);
    if (!model)
        fail_msg("%s", err.text);
    void *workspace = malloc(amb_model_workspace_size(model, n));
    assert_non_null(workspace);
    amb_model_run(model, workspace, x, n, y);
    free(workspace);
    amb_model_destroy(model);
}

static void test_normalizer_and_clamp(void **state)
{
    (void)state;
    enum { DIM = 23 };
    float x[DIM], y[DIM];
    for (int k = 0; k < amb_kernel_count(); k++) {
        const amb_kernel *kernel = amb_kernel_at(k);
        amb_net *net = identity_net(DIM);
        net->in_clip = 3.0f;
        for (int i = 0; i < DIM; i++)
            x[i] = (float)(i - 11);
        forward_once(net, kernel, x, 1, y); /* no normaliser: no clamp either */
        for (int i = 0; i < DIM; i++)
            assert_true(y[i] == x[i]);

        assert_true(amb_net_add_normalizer(net));
        for (int i = 0; i < DIM; i++) { /* powers of two: exact in fp32 */
            net->in_mean[i] = (float)(i % 3) - 1.0f;
            net->in_std[i] = i % 2 ? 0.5f : 4.0f;
        }
        for (int clamped = 0; clamped <= 1; clamped++) {
            net->in_clip = clamped ? 3.0f : 0.0f;
            forward_once(net, kernel, x, 1, y);
            int met = 0;
            for (int i = 0; i < DIM; i++) {
                float want = (x[i] - net->in_mean[i]) / net->in_std[i];
                if (clamped && fabsf(want) > 3.0f) {
                    want = copysignf(3.0f, want);
                    met++;
                }
                if (y[i] != want)
                    fail_msg("%s: input %d is %g, normalised %g, expected %g", kernel->name, i, (double)x[i], (double)y[i], (double)want);
            }
            assert_int_equal(met > 5, clamped);
        }
        amb_net_destroy(net);

        /* Infinities are clamped to the limit. */
        net = identity_net(1);
        assert_true(amb_net_add_normalizer(net));
        net->in_clip = 10.0f;
        forward_once(net, kernel, (float[]){INFINITY, -INFINITY}, 2, y);
        assert_true(y[0] == 10.0f && y[1] == -10.0f);
        amb_net_destroy(net);
    }
}

/* A NaN comes out as NaN, in every output of its row, through clamp and ReLU; the other rows keep their bits. */
static void test_nan(void **state)
{
    (void)state;
    enum { IN = 21, OUT = 36, ROWS = 9 };
    amb_rng rng = amb_rng_seed(13, 0);
    amb_net *net = random_net(&rng, 3, (int[]){IN, 70, 33, OUT}, true);
    net->act[2] = AMB_ACT_RELU;
    float *x = random_rows(&rng, ROWS, IN);
    float clean[ROWS * OUT], y[ROWS * OUT];
    for (int normalizer = 1; normalizer >= 0; normalizer--) {
        if (!normalizer) {
            free(net->in_mean);
            free(net->in_std);
            net->in_mean = net->in_std = NULL;
        }
        for (int k = 0; k < amb_kernel_count(); k++) {
            forward_once(net, amb_kernel_at(k), x, ROWS, clean);
            for (int i = 0; i < ROWS * OUT; i++)
                assert_false(isnan(clean[i]));
            for (int at = 0; at < IN; at++) {
                const int bad = at % ROWS;
                const float kept = x[bad * IN + at];
                x[bad * IN + at] = at % 2 ? -NAN : NAN;
                forward_once(net, amb_kernel_at(k), x, ROWS, y);
                x[bad * IN + at] = kept;
                for (int i = 0; i < ROWS * OUT; i++)
                    if (i / OUT == bad ? !isnan(y[i]) : memcmp(&y[i], &clean[i], sizeof y[i]) != 0)
                        fail_msg("%s: NaN as input %d of row %d: output %d of row %d is %g", amb_kernel_at(k)->name, at, bad, i % OUT,
                                 i / OUT, (double)y[i]);
            }
        }
    }
    free(x);
    amb_net_destroy(net);
}

/* Repacking with another net gives the bits that creating from it gives: weights, biases, activations, and the normaliser coming, changing
 * and going. */
static void test_repack_equals_create(void **state)
{
    (void)state;
    enum { IN = 37, OUT = 18, ROWS = 7 };
    static const int dim[] = {IN, 71, 130, OUT};
    amb_rng rng = amb_rng_seed(14, 0);
    float *x = random_rows(&rng, ROWS, IN);
    for (int k = 0; k < amb_kernel_count(); k++) {
        amb_net *net = random_net(&rng, 3, dim, true);
        amb_model *model = amb_model_create(net, &(amb_model_def){.kernel = amb_kernel_at(k)}, NULL);
        assert_non_null(model);
        void *workspace = malloc(amb_model_workspace_size(model, ROWS));
        assert_non_null(workspace);
        float before[ROWS * OUT], created[ROWS * OUT], repacked[ROWS * OUT];
        amb_model_run(model, workspace, x, ROWS, before);
        for (int variant = 0; variant < 4; variant++) {
            amb_net *other = random_net(&rng, 3, dim, variant % 2 == 0);
            other->in_clip = variant == 0 ? 0.0f : 1.0f;
            other->act[2] = variant == 3 ? AMB_ACT_RELU : AMB_ACT_IDENTITY;
            amb_model_repack(model, other);
            amb_model_run(model, workspace, x, ROWS, repacked);
            forward_once(other, amb_kernel_at(k), x, ROWS, created);
            assert_memory_equal(repacked, created, sizeof created);
            assert_memory_not_equal(repacked, before, sizeof before);
            amb_net_destroy(other);
        }
        amb_model_repack(model, net);
        amb_net_destroy(net); /* it has a copy of its own */
        amb_model_run(model, workspace, x, ROWS, repacked);
        assert_memory_equal(repacked, before, sizeof before);
        free(workspace);
        amb_model_destroy(model);
    }
    amb_model_destroy(NULL);
    free(x);
}

static void test_kernel_from_environment(void **state)
{
    (void)state;
    const char *value = getenv("AMB_KERNEL");
    char *kept = value ? strdup(value) : NULL;
    amb_net *net = identity_net(3);
    amb_error err = {""};

    for (int k = 0; k < amb_kernel_count(); k++) {
        setenv("AMB_KERNEL", amb_kernel_at(k)->name, 1);
        amb_model *model = amb_model_create(net, NULL, &err);
        assert_non_null(model);
        assert_string_equal(amb_model_kernel_name(model), amb_kernel_at(k)->name);
        amb_model_destroy(model);
    }
    setenv("AMB_KERNEL", "sse9", 1);
    assert_null(amb_model_create(net, NULL, &err));
    assert_non_null(strstr(err.text, "environment variable AMB_KERNEL: there is no kernel \"sse9\""));
    amb_model *model =
        amb_model_create(net, &(amb_model_def){.kernel = amb_kernel_at(0)}, &err); /* a kernel given by the caller is not overridden */
    assert_non_null(model);
    assert_string_equal(amb_model_kernel_name(model), "ref");
    amb_model_destroy(model);

    if (kept)
        setenv("AMB_KERNEL", kept, 1);
    else
        unsetenv("AMB_KERNEL");
    free(kept);
    amb_net_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy), cmocka_unit_test(test_rows_are_independent), cmocka_unit_test(test_normalizer_and_clamp),
        cmocka_unit_test(test_nan),      cmocka_unit_test(test_repack_equals_create), cmocka_unit_test(test_kernel_from_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
