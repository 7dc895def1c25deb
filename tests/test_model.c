/* The packed network against double precision, with every kernel that runs here: accuracy, a row's
 * independence of its batch, NaN, the normaliser, repacking, and bounds of its writes. */
#include "base/number.h"
#include "base/rng.h"
#include "nets/model_layers.h"

#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

enum { MOST_ROWS = 200 }; /* more than two chunks */

static ami_net *random_net(ami_rng *rng, int layers, const int *dim, bool normalizer)
{
    ami_net *net = ami_net_create(layers, dim, NULL);
    assert_non_null(net);
    for (int l = 0; l < layers; l++) {
        const double range = sqrt(6.0 / dim[l]); /* keeps the variance through a ReLU */
        for (int i = 0; i < dim[l] * dim[l + 1]; i++)
            net->weight[l][i] = (float)ami_rng_range(rng, -range, range);
        for (int i = 0; i < dim[l + 1]; i++)
            net->bias[l][i] = (float)ami_rng_range(rng, -0.5, 0.5);
    }
    if (normalizer) {
        assert_true(ami_net_add_normalizer(net));
        for (int i = 0; i < dim[0]; i++) {
            net->in_mean[i] = (float)ami_rng_range(rng, -1.0, 1.0);
            net->in_std[i] = (float)ami_rng_range(rng, 0.02, 2.0);
        }
        net->in_clip = 2.0f;
    }
    return net;
}

static float *random_rows(ami_rng *rng, int rows, int width)
{
    float *x = malloc((size_t)rows * (size_t)width * sizeof *x);
    assert_non_null(x);
    for (int i = 0; i < rows * width; i++)
        x[i] = (float)ami_rng_normal(rng);
    return x;
}

/* One row in double, as net.h defines it, and how far fp32 may be from it: the error of each layer's input
 * passes through |W|, and summing adds (inputs + 2) u (|b| + sum |w h|), u = 2^-24. Clamp and ReLU do not
 * widen an error. */
static void in_double(const ami_net *net, const float *x, double *want, double *bound)
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
            next_h[o] = ami_activation_of(net->act[l], net->act_alpha[l], sum);
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

/* Mean squared error by precision, of outputs of mean square 1. */
static const double least_mse[AMI_PRECISIONS] = {1e-11, 1e-3, 1e-5, 1e-3};

static void check_accuracy(ami_rng *rng, int layers, const int *dim, bool normalizer)
{
    enum { ROWS = 20 };
    ami_net *net = random_net(rng, layers, dim, normalizer);
    const int in = dim[0], out = dim[layers];
    float *x = random_rows(rng, ROWS, in), *y = malloc(ROWS * (size_t)out * sizeof *y);
    double *want = malloc(ROWS * (size_t)out * sizeof *want),
           *bound = malloc(ROWS * (size_t)out * sizeof *bound);
    assert_true(y && want && bound);
    for (int r = 0; r < ROWS; r++)
        in_double(net, x + r * in, want + r * out, bound + r * out);

    for (int k = 0; k < ami_kernel_count(); k++) {
        ami_model *model = ami_model_create(net, &(ami_model_def){.kernel = ami_kernel_at(k)}, NULL);
        assert_non_null(model);
        assert_int_equal(ami_model_inputs(model), in);
        assert_int_equal(ami_model_outputs(model), out);
        for (int l = 0; l < layers; l++) /* one plane where nothing is negative: behind a ReLU */
            assert_ptr_equal(ami_model_layer_kernel(model, l),
                             l ? ami_kernel_at(k) : ami_kernel_of_two_planes(ami_kernel_at(k)));
        void *workspace = malloc(ami_model_workspace_size(model, ROWS));
        assert_non_null(workspace);
        for (int n = 1; n <= ROWS; n++) {
            ami_model_run(model, workspace, x, n, y);
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
            if (worst > 1.0 && ami_model_precision(model) == AMI_PRECISION_FP32)
                fail_msg("%s, %d layers from %d to %d, %d rows: worst at row %d, output %d: %.9g, in double "
                         "%.17g, bound %.3g",
                         ami_model_kernel_name(model), layers, in, out, n, worst_at / out, worst_at % out,
                         (double)y[worst_at], want[worst_at], bound[worst_at]);
            /* The bound is for the worst case; errors in fact partly cancel. Narrow formats' bounds are the
             * kernels' test's matter. */
            const double limit = least_mse[ami_model_precision(model)];
            if (square > limit * variance)
                fail_msg("%s, %d layers from %d to %d, %d rows: mean square error is %.3g of the outputs' "
                         "mean square, expected < %g",
                         ami_model_kernel_name(model), layers, in, out, n, square / variance, limit);
        }
        free(workspace);
        ami_model_destroy(model);
    }
    ami_net_destroy(net);
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
    ami_rng rng = ami_rng_seed(11, 0);
    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++)
        check_accuracy(&rng, shape[i].layers, shape[i].dim, i % 2 == 0);
    for (int d = 1; d <= 70; d++) /* every tail between two layers, with and without a normaliser */
        check_accuracy(&rng, 2, (int[]){1 + d * 7 % 70, d, 1 + d * 3 % 70}, d % 2 == 0);
}

/* A row's bits do not depend on how many rows come with it nor on its place; the workspace and the output are
 * written nowhere else, with every alignment of both. */
static void test_rows_are_independent(void **state)
{
    (void)state;
    static const int rows[] = {1,  2,  3,  4,  5,  6,  7,  8,  9,  12,  13,  16,  17,  23, 31,
                               32, 33, 48, 63, 64, 65, 95, 96, 97, 128, 191, 192, 193, 200};
    ami_rng rng = ami_rng_seed(12, 0);
    ami_net *net = random_net(&rng, 3, (int[]){19, 70, 101, 21}, true);
    enum { IN = 19, OUT = 21, GUARD = 64 };
    float *x = random_rows(&rng, MOST_ROWS + 1, IN);
    static float alone[MOST_ROWS * OUT];
    for (int k = 0; k < ami_kernel_count(); k++) {
        ami_model *model = ami_model_create(net, &(ami_model_def){.kernel = ami_kernel_at(k)}, NULL);
        assert_non_null(model);
        void *one = malloc(ami_model_workspace_size(model, 1));
        assert_non_null(one);
        for (int r = 0; r < MOST_ROWS; r++)
            ami_model_run(model, one, x + r * IN, 1, alone + r * OUT);
        free(one);

        for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
            const int n = rows[i], first = MOST_ROWS - n;
            const size_t size = ami_model_workspace_size(model, n), shift = (i * 7) % 64;
            unsigned char *workspace = malloc(GUARD + size + 64);
            float *y = malloc(((size_t)n * OUT + 2 * GUARD) * sizeof *y);
            assert_true(workspace && y);
            memset(workspace, 0xa5, GUARD + size + 64);
            memset(y, 0xa5, ((size_t)n * OUT + 2 * GUARD) * sizeof *y);
            float *out = y + GUARD - i % 16;
            ami_model_run(model, workspace + shift, x + first * IN, n, out);

            for (int r = 0; r < n; r++)
                if (memcmp(out + r * OUT, alone + (first + r) * OUT, OUT * sizeof *y) != 0)
                    fail_msg("%s: row %d of %d differs from the same row alone", ami_model_kernel_name(model),
                             r, n);
            for (size_t b = 0; b < GUARD + size + 64; b++)
                if ((b < shift || b >= shift + size) && workspace[b] != 0xa5)
                    fail_msg("%s, %d rows: wrote outside the workspace, byte %zd of %zu",
                             ami_model_kernel_name(model), n, (ssize_t)(b - shift), size);
            const unsigned char *bytes = (const unsigned char *)y;
            const size_t from = (size_t)((unsigned char *)out - (unsigned char *)y),
                         to = from + (size_t)n * OUT * sizeof *y;
            for (size_t b = 0; b < ((size_t)n * OUT + 2 * GUARD) * sizeof *y; b++)
                if ((b < from || b >= to) && bytes[b] != 0xa5)
                    fail_msg("%s, %d rows: wrote outside the output, byte %zd", ami_model_kernel_name(model),
                             n, (ssize_t)(b - from));
            free(workspace);
            free(y);
        }
        ami_model_destroy(model);
    }
    free(x);
    ami_net_destroy(net);
}

/* The weights are the identity, so the outputs are the normalised inputs themselves. */
static ami_net *identity_net(int dim)
{
    ami_net *net = ami_net_create(1, (int[]){dim, dim}, NULL);
    assert_non_null(net);
    for (int i = 0; i < dim; i++)
        net->weight[0][i * dim + i] = 1.0f;
    return net;
}

static void forward_once(const ami_net *net, const ami_kernel *kernel, const float *x, int n, float *y)
{
    ami_error err = {""};
    ami_model *model = ami_model_create(net, &(ami_model_def){.kernel = kernel}, &err);
    if (!model)
        fail_msg("%s", err.text);
    void *workspace = malloc(ami_model_workspace_size(model, n));
    assert_non_null(workspace);
    ami_model_run(model, workspace, x, n, y);
    free(workspace);
    ami_model_destroy(model);
}

/* y is v, to the kernel's precision, in a row whose largest value is `most`. */
static void assert_near(const ami_kernel *kernel, float y, float v, float most)
{
    const double unit[AMI_PRECISIONS] = {0, 0x1p-8 * fabs((double)v), (double)most / AMI_INT16_MAX,
                                         (double)most / AMI_INT8_ACTIVATION_MAX};
    if (!(fabs((double)y - (double)v) <= unit[kernel->precision]))
        fail_msg("%s: %g, expected %g", kernel->name, (double)y, (double)v);
}

static void test_normalizer_and_clamp(void **state)
{
    (void)state;
    enum { DIM = 23 };
    float x[DIM], y[DIM];
    for (int k = 0; k < ami_kernel_count(); k++) {
        const ami_kernel *kernel = ami_kernel_at(k);
        ami_net *net = identity_net(DIM);
        net->in_clip = 3.0f;
        for (int i = 0; i < DIM; i++)
            x[i] = (float)(i - 11);
        forward_once(net, kernel, x, 1, y); /* no normaliser: no clamp either */
        for (int i = 0; i < DIM; i++)
            assert_near(kernel, y[i], x[i], 11.0f);

        assert_true(ami_net_add_normalizer(net));
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
                assert_near(kernel, y[i], want, clamped ? 3.0f : 24.0f);
            }
            assert_int_equal(met > 5, clamped);
        }
        ami_net_destroy(net);

        /* Infinities are clamped to the limit. */
        net = identity_net(1);
        assert_true(ami_net_add_normalizer(net));
        net->in_clip = 10.0f;
        forward_once(net, kernel, (float[]){INFINITY, -INFINITY}, 2, y);
        assert_near(kernel, y[0], 10.0f, 10.0f);
        assert_near(kernel, y[1], -10.0f, 10.0f);
        ami_net_destroy(net);
    }
}

/* A NaN comes out as NaN, in every output of its row, through clamp and ReLU; the other rows keep their bits.
 */
static void test_nan(void **state)
{
    (void)state;
    enum { IN = 21, OUT = 36, ROWS = 9 };
    ami_rng rng = ami_rng_seed(13, 0);
    ami_net *net = random_net(&rng, 3, (int[]){IN, 70, 33, OUT}, true);
    net->act[2] = AMI_ACT_RELU;
    float *x = random_rows(&rng, ROWS, IN);
    float clean[ROWS * OUT], y[ROWS * OUT];
    for (int normalizer = 1; normalizer >= 0; normalizer--) {
        if (!normalizer) {
            free(net->in_mean);
            free(net->in_std);
            net->in_mean = net->in_std = NULL;
        }
        for (int k = 0; k < ami_kernel_count(); k++) {
            forward_once(net, ami_kernel_at(k), x, ROWS, clean);
            for (int i = 0; i < ROWS * OUT; i++)
                assert_false(isnan(clean[i]));
            for (int at = 0; at < IN; at++) {
                const int bad = at % ROWS;
                const float kept = x[bad * IN + at];
                x[bad * IN + at] = at % 2 ? -NAN : NAN;
                forward_once(net, ami_kernel_at(k), x, ROWS, y);
                x[bad * IN + at] = kept;
                for (int i = 0; i < ROWS * OUT; i++)
                    if (i / OUT == bad ? !isnan(y[i]) : memcmp(&y[i], &clean[i], sizeof y[i]) != 0)
                        fail_msg("%s: NaN as input %d of row %d: output %d of row %d is %g",
                                 ami_kernel_at(k)->name, at, bad, i % OUT, i / OUT, (double)y[i]);
            }
        }
    }
    free(x);
    ami_net_destroy(net);
}

/* One row in parts gives the bits of a run, however many parts, and each part writes its own outputs only. */
static void test_parts_equal_a_run(void **state)
{
    (void)state;
    enum { IN = 21, OUT = 150 };
    ami_rng rng = ami_rng_seed(15, 0);
    for (int normalizer = 0; normalizer <= 1; normalizer++) {
        ami_net *net = random_net(&rng, 3, (int[]){IN, 170, 83, OUT}, normalizer);
        float *x = random_rows(&rng, 1, IN), want[OUT], y[OUT];
        for (int k = 0; k < ami_kernel_count(); k++) {
            forward_once(net, ami_kernel_at(k), x, 1, want);
            ami_model_def def = ami_model_default_def();
            def.kernel = ami_kernel_at(k);
            ami_model *model = ami_model_create(net, &def, NULL);
            void *workspace = malloc(ami_model_workspace_size(model, 1));
            for (int parts = 1; parts <= 40; parts = parts < 5 ? parts + 1 : 3 * parts) {
                memset(y, 0xff, sizeof y);
                for (int part = 0; part < parts; part++) {
                    if (part < parts / 2)
                        for (int i = 0; i < OUT; i++)
                            assert_true(isnan(y[i])); /* the last layer is the second half */
                    ami_model_run_part(model, workspace, x, part, parts, y);
                }
                if (memcmp(y, want, sizeof y) != 0)
                    fail_msg("%s: %d parts", ami_kernel_at(k)->name, parts);
            }
            free(workspace);
            ami_model_destroy(model);
        }
        free(x);
        ami_net_destroy(net);
    }
}

/* Repacking with another net gives the bits that creating from it gives: weights, biases, activations, and
 * the normaliser coming, changing and going. */
static void test_repack_equals_create(void **state)
{
    (void)state;
    enum { IN = 37, OUT = 18, ROWS = 7 };
    static const int dim[] = {IN, 71, 130, OUT};
    ami_rng rng = ami_rng_seed(14, 0);
    float *x = random_rows(&rng, ROWS, IN);
    for (int k = 0; k < ami_kernel_count(); k++) {
        ami_net *net = random_net(&rng, 3, dim, true);
        ami_model *model = ami_model_create(net, &(ami_model_def){.kernel = ami_kernel_at(k)}, NULL);
        assert_non_null(model);
        void *workspace = malloc(ami_model_workspace_size(model, ROWS));
        assert_non_null(workspace);
        float before[ROWS * OUT], created[ROWS * OUT], repacked[ROWS * OUT];
        ami_model_run(model, workspace, x, ROWS, before);
        for (int variant = 0; variant < 4; variant++) {
            ami_net *other = random_net(&rng, 3, dim, variant % 2 == 0);
            other->in_clip = variant == 0 ? 0.0f : 1.0f;
            other->act[2] = variant == 3 ? AMI_ACT_RELU : AMI_ACT_IDENTITY;
            ami_model_repack(model, other);
            ami_model_run(model, workspace, x, ROWS, repacked);
            forward_once(other, ami_kernel_at(k), x, ROWS, created);
            assert_memory_equal(repacked, created, sizeof created);
            assert_memory_not_equal(repacked, before, sizeof before);
            ami_net_destroy(other);
        }
        ami_model_repack(model, net);
        ami_net_destroy(net); /* it has a copy of its own */
        ami_model_run(model, workspace, x, ROWS, repacked);
        assert_memory_equal(repacked, before, sizeof before);
        free(workspace);
        ami_model_destroy(model);
    }
    ami_model_destroy(NULL);
    free(x);
}

/* A variable of the environment, put back at the end. */
static char *keep(const char *name)
{
    const char *value = getenv(name);
    unsetenv("AMB_KERNEL");
    return value ? strdup(value) : NULL;
}

static void put_back(const char *name, char *value)
{
    if (value)
        setenv(name, value, 1);
    else
        unsetenv(name);
    free(value);
}

static void test_kernel_from_environment(void **state)
{
    (void)state;
    char *kept = keep("AMB_KERNEL");
    ami_net *net = identity_net(3);
    ami_error err = {""};

    for (int k = 0; k < ami_kernel_count(); k++) {
        const ami_kernel *kernel = ami_kernel_at(k);
        setenv("AMB_KERNEL", kernel->name, 1);
        ami_model *model = ami_model_create(net, NULL, &err);
        assert_non_null(model);
        assert_string_equal(ami_model_kernel_name(model), ami_kernel_of_two_planes(kernel)->name);
        ami_model_destroy(model);
        for (int forced = 0; forced < AMI_PRECISIONS; forced++) { /* the environment chooses among a forced
                                                                     precision's kernels */
            model = ami_model_create(net, &(ami_model_def){.precision = (ami_precision)forced}, &err);
            assert_non_null(model);
            assert_int_equal(ami_model_precision(model), forced);
            const ami_kernel *want = forced == (int)kernel->precision
                                         ? ami_kernel_of_two_planes(kernel)
                                         : ami_kernel_best((ami_precision)forced);
            assert_string_equal(ami_model_kernel_name(model), want->name);
            ami_model_destroy(model);
        }
    }
    setenv("AMB_KERNEL", "sse9", 1);
    assert_null(ami_model_create(net, NULL, &err));
    assert_non_null(strstr(err.text, "environment variable AMB_KERNEL: there is no kernel \"sse9\""));
    ami_model *model =
        /* a kernel given by the caller is not overridden */
        ami_model_create(net, &(ami_model_def){.kernel = ami_kernel_at(0)}, &err);
    assert_non_null(model);
    assert_string_equal(ami_model_kernel_name(model), "ref");
    ami_model_destroy(model);

    put_back("AMB_KERNEL", kept);
    ami_net_destroy(net);
}

/* Mean squared error of a model against double precision on n rows. */
static double error_on(const ami_net *net, const ami_model *model, const float *x, int rows)
{
    const size_t out = (size_t)rows * (size_t)ami_model_outputs(model);
    float *y = malloc(out * sizeof *y);
    double *want = malloc(out * sizeof *want), sum = 0;
    void *workspace = malloc(ami_model_workspace_size(model, rows));
    assert_true(y && want && workspace);
    assert_true(ami_net_run_double(net, x, rows, want, NULL));
    ami_model_run(model, workspace, x, rows, y);
    for (size_t i = 0; i < out; i++)
        sum += ((double)y[i] - want[i]) * ((double)y[i] - want[i]);
    free(y);
    free(want);
    free(workspace);
    return sum / (double)out;
}

/* The same on rows drawn as AUTO draws them. */
static double error_of(const ami_net *net, const ami_model *model, ami_law law, uint64_t seed, int rows)
{
    float *x = malloc((size_t)rows * (size_t)net->dim[0] * sizeof *x);
    assert_non_null(x);
    ami_net_law_inputs(net, law, seed, rows, x);
    const double mse = error_on(net, model, x, rows);
    free(x);
    return mse;
}

/* A forced precision is every layer's, whatever its error, and is described as such. */
static void test_forced(void **state)
{
    (void)state;
    char *kept = keep("AMB_KERNEL");
    ami_rng rng = ami_rng_seed(15, 0);
    ami_net *net = random_net(&rng, 3, (int[]){50, 200, 120, 30}, true);
    for (int p = 0; p < AMI_PRECISIONS; p++) {
        ami_model *model = ami_model_create(net, &(ami_model_def){.precision = (ami_precision)p}, NULL);
        assert_non_null(model);
        ami_model_report report;
        ami_model_get_report(model, &report);
        assert_int_equal(report.tried, 0);
        assert_string_equal(ami_model_precisions(model), ami_precision_name((ami_precision)p));
        char text[100], want[100];
        ami_model_describe(model, text, sizeof text);
        const ami_kernel *best = ami_kernel_best((ami_precision)p);
        snprintf(want, sizeof want, "%s (%s)", ami_precision_name((ami_precision)p), best->isa);
        assert_string_equal(text, want);
        for (int l = 0; l < 3; l++)
            assert_ptr_equal(ami_model_layer_kernel(model, l), best);
        ami_model_destroy(model);
    }
    ami_net_destroy(net);
    put_back("AMB_KERNEL", kept);
}

/* What a layer may be packed for, fastest first, and bytes of a weight. */
typedef struct choice {
    const ami_kernel *kernel;
    double bytes;
} choice;

static int list_choices(const ami_net *net, int l, choice list[5])
{
    int n = 0;
    if (ami_kernel_is_fast(AMI_PRECISION_INT8) && ami_net_non_negative(net, l))
        list[n++] = (choice){ami_kernel_best_one_plane(), .8};
    if (ami_kernel_is_fast(AMI_PRECISION_INT8))
        list[n++] = (choice){ami_kernel_best(AMI_PRECISION_INT8), 1};
    if (ami_kernel_is_fast(AMI_PRECISION_INT16))
        list[n++] = (choice){ami_kernel_best(AMI_PRECISION_INT16), 2};
    if (ami_kernel_is_fast(AMI_PRECISION_BF16))
        list[n++] = (choice){ami_kernel_best(AMI_PRECISION_BF16), 2.01};
    list[n++] = (choice){ami_kernel_best(AMI_PRECISION_FP32), 4};
    return n;
}

/* The cost of the fastest of all combinations whose errors are within `part` of the limit on all laws. */
static double fastest(const ami_net *net, double limit, double part, uint64_t seed)
{
    choice list[3][5];
    int n[3], at[3];
    double best = INFINITY;
    for (int l = 0; l < 3; l++)
        n[l] = list_choices(net, l, list[l]);
    for (int i = 0; i < n[0] * n[1] * n[2]; i++) {
        const ami_kernel *kernel[3];
        double cost = 0;
        at[0] = i % n[0];
        at[1] = i / n[0] % n[1];
        at[2] = i / n[0] / n[1];
        for (int l = 0; l < 3; l++) {
            kernel[l] = list[l][at[l]].kernel;
            cost += list[l][at[l]].bytes * net->dim[l] * net->dim[l + 1];
        }
        if (!(cost < best))
            continue;
        ami_model *model = ami_model_pack(net, kernel, NULL);
        assert_non_null(model);
        if (error_of(net, model, AMI_LAW_NORMAL, seed, 32) < part * limit / 2 &&
            error_of(net, model, AMI_LAW_ZEROS, seed, 2) < part * limit &&
            error_of(net, model, AMI_LAW_LIMITS, seed, 64) < part * limit / 1.3)
            best = cost;
        ami_model_destroy(model);
    }
    return best;
}

/* AUTO takes a combination whose error is within the limits on the promised laws, reports what it measured,
 * and is about as fast as the fastest of all combinations that are well within. */
static void test_auto(void **state)
{
    (void)state;
    char *kept = keep("AMB_KERNEL");
    ami_rng rng = ami_rng_seed(15, 0);
    ami_net *net = random_net(&rng, 3, (int[]){50, 200, 120, 30}, true);
    int mixed = 0;
    for (double limit = 1e2; limit > 1e-14; limit /= 6) {
        ami_model_def def = ami_model_default_def();
        def.max_mse = limit;
        def.seed = 5;
        ami_model *model = ami_model_create(net, &def, NULL);
        assert_non_null(model);
        ami_model_report report;
        ami_model_get_report(model, &report);
        assert_true(report.tried >= 1);
        assert_string_equal(report.entry[report.tried - 1].precisions, ami_model_precisions(model));
        double cost = 0;
        bool wide = true;
        for (int l = 0; l < 3; l++) {
            choice list[5];
            const int n = list_choices(net, l, list);
            for (int i = 0; i < n; i++)
                if (list[i].kernel == ami_model_layer_kernel(model, l))
                    cost += list[i].bytes * net->dim[l] * net->dim[l + 1];
            wide &= ami_model_layer_kernel(model, l)->precision == AMI_PRECISION_FP32;
        }
        mixed += strchr(ami_model_precisions(model), ' ') != NULL;
        for (int law = AMI_LAW_NORMAL; law <= AMI_LAW_LIMITS; law++) {
            const double mse = error_of(net, model, (ami_law)law, 5, report.rows[law]),
                         told = report.entry[report.tried - 1].law[law];
            if (!(wide || mse <= report.limit[law]))
                fail_msg("limit %g: %s has %g on %s rows", limit, ami_model_precisions(model), mse,
                         ami_law_name((ami_law)law));
            assert_true(fabs(mse - told) <= .05 * mse + 1e-4 * limit);
        }
        if (!wide && !(cost <= fastest(net, limit, .6, 5)))
            fail_msg("limit %g: %s costs %g, a faster one is well within", limit, ami_model_precisions(model),
                     cost);
        char text[600], cut[20] = "", start[160];
        ami_model_describe(model, text, sizeof text);
        snprintf(start, sizeof start, "%s (", ami_model_precisions(model));
        assert_int_equal(strncmp(text, start, strlen(start)), 0);
        assert_non_null(strstr(text, ", mean squared error "));
        assert_int_equal(strstr(text, " would have ") != NULL, report.tried > 1);
        ami_model_describe(model, cut, sizeof cut);
        assert_int_equal(strlen(cut), sizeof cut - 1);
        assert_memory_equal(cut, text, sizeof cut - 1);
        ami_model_destroy(model);
    }
    assert_true(mixed > 0 || !ami_kernel_is_fast(AMI_PRECISION_INT16));

    ami_model *model = ami_model_create(net, &(ami_model_def){.precision = AMI_PRECISION_AUTO}, NULL);
    assert_non_null(model);
    assert_string_equal(ami_model_precisions(model), "fp32"); /* no error at all is allowed */
    ami_model_destroy(model);

    /* A network that gives NaN in every precision: the widest. */
    net->bias[2][3] = NAN;
    model = ami_model_create(net, NULL, NULL);
    assert_non_null(model);
    assert_string_equal(ami_model_precisions(model), "fp32");
    ami_model_destroy(model);
    ami_net_destroy(net);
    put_back("AMB_KERNEL", kept);
}

/* Rows of the caller's, and observations that the network carries, are held to the limit too. */
static void test_auto_on_given_rows(void **state)
{
    (void)state;
    enum { ROWS = 40, IN = 50 };
    char *kept = keep("AMB_KERNEL");
    ami_rng rng = ami_rng_seed(18, 0);
    ami_net *net = random_net(&rng, 3, (int[]){IN, 200, 120, 30}, false);
    float *x = random_rows(&rng, ROWS, IN);
    for (int i = 0; i < ROWS * IN; i++)
        x[i] *= 30; /* far outside of what is drawn */
    for (int own = 0; own <= 1; own++) {
        ami_model_def def = ami_model_default_def();
        def.max_mse = 1e-3;
        ami_model *free_of_it = ami_model_create(net, &def, NULL);
        assert_true(ami_net_set_calibration(net, x, own ? ROWS : 0));
        def.rows = own ? NULL : x;
        def.row_count = own ? 0 : ROWS;
        ami_model *model = ami_model_create(net, &def, NULL);
        assert_non_null(free_of_it);
        assert_non_null(model);
        const bool narrow = ami_kernel_is_fast(AMI_PRECISION_INT16);
        assert_true(!narrow || error_on(net, free_of_it, x, ROWS) > def.max_mse);
        assert_true(error_on(net, model, x, ROWS) <= (own ? def.max_mse / 2 : def.max_mse));
        ami_model_destroy(free_of_it);
        ami_model_destroy(model);
    }
    /* A row that no precision can do does not count. */
    ami_model_def def = ami_model_default_def();
    def.max_mse = 1e6;
    def.rows = x;
    def.row_count = ROWS;
    ami_model *model = ami_model_create(net, &def, NULL);
    x[7] = NAN;
    ami_model *same = ami_model_create(net, &def, NULL);
    assert_true(model && same);
    assert_string_equal(ami_model_precisions(model), ami_model_precisions(same));
    ami_model_destroy(model);
    ami_model_destroy(same);
    free(x);
    ami_net_destroy(net);
    put_back("AMB_KERNEL", kept);
}

/* The promise, on rows that AUTO did not draw: random shapes, activations and scales of the weights, with and
 * without a normaliser; N(0,1) through it, zeros, and single inputs at their limits, never above 1e-6. */
static void test_auto_keeps_its_promise(void **state)
{
    (void)state;
    enum { NETS = 60, ROWS = 200 };
    char *kept = keep("AMB_KERNEL");
    ami_rng rng = ami_rng_seed(19, 0);
    for (int i = 0; i < NETS; i++) {
        int dim[6];
        const int layers = 1 + (int)ami_rng_below(&rng, 5);
        for (int l = 0; l <= layers; l++)
            dim[l] = 1 + (int)ami_rng_below(&rng, l && l < layers ? 300 : 90);
        ami_net *net = random_net(&rng, layers, dim, i % 2);
        net->in_clip = i % 4 == 1 ? 5 : i % 4 == 3 ? 10 : 0;
        const float size = (float)exp(ami_rng_range(&rng, -4, 1));
        for (int k = 0; k < dim[layers] * dim[layers - 1]; k++)
            net->weight[layers - 1][k] *= size;
        for (int l = 0; l + 1 < layers; l++) {
            net->act[l] = (ami_activation)ami_rng_below(&rng, AMI_ACTIVATIONS);
            net->act_alpha[l] = .2f;
        }
        ami_model *model = ami_model_create(net, NULL, NULL);
        assert_non_null(model);
        for (int law = AMI_LAW_NORMAL; law <= AMI_LAW_LIMITS; law++) {
            const double mse = error_of(net, model, (ami_law)law, 1000 + (uint64_t)i, ROWS);
            if (!(mse <= 1e-6) && strcmp(ami_model_precisions(model), "fp32") != 0)
                fail_msg("network %d, %s: %g on %s rows", i, ami_model_precisions(model), mse,
                         ami_law_name((ami_law)law));
        }
        ami_model_destroy(model);
        ami_net_destroy(net);
    }
    put_back("AMB_KERNEL", kept);
}

/* Weights that are multiples of known units are packed without an error, whatever their largest is; changed
 * ones are rounded as any. */
static void test_units(void **state)
{
    (void)state;
    enum { IN = 60, HIDDEN = 90, OUT = 20, ROWS = 30 };
    ami_rng rng = ami_rng_seed(20, 0);
    ami_net *net = random_net(&rng, 2, (int[]){IN, HIDDEN, OUT}, false);
    float *x = random_rows(&rng, ROWS, IN);
    double mse[3];
    for (int l = 0; l < 2; l++) {
        net->unit[l] = malloc((size_t)net->dim[l + 1] * sizeof *net->unit[l]);
        assert_non_null(net->unit[l]);
        for (int o = 0; o < net->dim[l + 1]; o++) {
            net->unit[l][o] = (float)ami_rng_range(&rng, .001, .002);
            for (int k = 0; k < net->dim[l]; k++)
                net->weight[l][o * net->dim[l] + k] =
                    net->unit[l][o] * (float)(int)ami_rng_range(&rng, -90, 91);
        }
    }
    for (int i = 0; i < 3; i++) { /* known, not known, known but no longer true */
        float *kept[2] = {net->unit[0], net->unit[1]};
        if (i == 1)
            net->unit[0] = net->unit[1] = NULL;
        if (i == 2)
            net->weight[0][5] *= 1.01f, net->weight[1][5] *= 1.01f;
        assert_true(ami_net_units(net, 0) == (i == 0 ? net->unit[0] : NULL));
        ami_model *model = ami_model_create(net, &(ami_model_def){.precision = AMI_PRECISION_INT8}, NULL);
        assert_non_null(model);
        mse[i] = error_on(net, model, x, ROWS);
        ami_model_destroy(model);
        net->unit[0] = kept[0];
        net->unit[1] = kept[1];
    }
    if (!(mse[0] < 1e-3 * mse[1] && mse[2] > .1 * mse[1]))
        fail_msg("with units %g, without %g, with wrong ones %g", mse[0], mse[1], mse[2]);
    free(x);
    ami_net_destroy(net);
}

/* All activations, through whole networks, with every kernel. */
static void test_activations(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(16, 0);
    enum { IN = 23, OUT = 9, ROWS = 14 };
    float *x = random_rows(&rng, ROWS, IN), y[ROWS * OUT];
    double want[ROWS * OUT];
    for (int act = 0; act < AMI_ACTIVATIONS; act++)
        for (int k = 0; k < ami_kernel_count(); k++) {
            ami_net *net = random_net(&rng, 3, (int[]){IN, 90, 33, OUT}, false);
            for (int l = 0; l < 3; l++) {
                net->act[l] = (ami_activation)act;
                net->act_alpha[l] = .3f;
            }
            assert_true(ami_net_run_double(net, x, ROWS, want, NULL));
            forward_once(net, ami_kernel_at(k), x, ROWS, y);
            double square = 0, variance = 0;
            for (int i = 0; i < ROWS * OUT; i++) {
                square += ((double)y[i] - want[i]) * ((double)y[i] - want[i]);
                variance += want[i] * want[i];
            }
            if (!(square <= least_mse[ami_kernel_at(k)->precision] * variance))
                fail_msg("%s, %s: mean square error is %.3g of the outputs' mean square",
                         ami_kernel_at(k)->name, ami_activation_name((ami_activation)act), square / variance);
            ami_net_destroy(net);
        }
    free(x);
}

/* The double reference against the formula, row by row, for numbers of rows around its blocks. */
static void test_run_double(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(17, 0);
    enum { IN = 7, OUT = 6, MOST = 18 };
    ami_net *net = random_net(&rng, 2, (int[]){IN, 11, OUT}, true);
    net->act[0] = AMI_ACT_TANH;
    float *x = random_rows(&rng, MOST, IN);
    x[3 * IN + 2] = NAN;
    for (int n = 1; n <= MOST; n++) {
        double y[MOST * OUT], want[OUT], bound[OUT];
        assert_true(ami_net_run_double(net, x, n, y, NULL));
        for (int r = 0; r < n; r++) {
            in_double(net, x + r * IN, want, bound);
            for (int o = 0; o < OUT; o++)
                if (r == 3 ? !isnan(y[r * OUT + o]) : !(fabs(y[r * OUT + o] - want[o]) <= 1e-12))
                    fail_msg("row %d of %d, output %d: %.17g, expected %.17g", r, n, o, y[r * OUT + o],
                             want[o]);
        }
    }
    free(x);
    ami_net_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accuracy),
        cmocka_unit_test(test_rows_are_independent),
        cmocka_unit_test(test_normalizer_and_clamp),
        cmocka_unit_test(test_nan),
        cmocka_unit_test(test_parts_equal_a_run),
        cmocka_unit_test(test_repack_equals_create),
        cmocka_unit_test(test_kernel_from_environment),
        cmocka_unit_test(test_activations),
        cmocka_unit_test(test_run_double),
        cmocka_unit_test(test_forced),
        cmocka_unit_test(test_auto),
        cmocka_unit_test(test_auto_on_given_rows),
        cmocka_unit_test(test_auto_keeps_its_promise),
        cmocka_unit_test(test_units),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
