/* Training passes: exact arithmetic on small integers, a double-precision reference, finite differences, the
 * same bits for any number of threads, and that oneDNN starts no threads. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/guard.h"
#include "base/rng.h"
#include "nets/adam.h"
#include "nets/half.h"
#include "nets/net.h"
#include "nets/train_net.h"
#include "tests/allocations.h"
#include "tests/reference_mlp.h"
#include "tests/skip.h"

#include <dirent.h>
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#ifdef _OPENMP
#include <omp.h>
#endif

enum { MAX_TEAM = 3 };

/* Units on both sides of the blocks of 64, rows on both sides of the chunks of 128, single units and single
 * layers. */
static const net_shape shapes[] = {
    {1, {1, 1}, 1},       {1, {3, 2}, 5},           {2, {3, 5, 2}, 7},        {2, {2, 1, 1}, 130},
    {2, {5, 64, 1}, 128}, {3, {7, 65, 13, 3}, 129}, {3, {6, 17, 70, 4}, 300}, {4, {9, 31, 16, 8, 66}, 140},
};
enum { SHAPES = sizeof shapes / sizeof *shapes };

static const ami_train_precision precisions[] = {AMI_TRAIN_FP32, AMI_TRAIN_BF16};
static const char *const precision_name[] = {"fp32", "bf16"};

/* NULL only where this CPU has no bf16 products at all, which then must be said. */
static ami_train_net *create(const net_shape *shape, ami_train_precision precision)
{
    ami_error err = {""};
    ami_train_net *net = ami_train_net_create(shape->layers, shape->dim, shape->max_rows, precision, &err);
    if (!net && precision == AMI_TRAIN_BF16 && !ami_train_bf16_native())
        assert_non_null(strstr(err.text, "bf16"));
    else if (!net)
        fail_msg("%s", err.text);
    return net;
}

/* team 0: outside any parallel region. `dout` NULL: forward only. */
static const float *pass(int team, ami_train_net *net, const float *x, const float *dout, int n)
{
    const float *out = NULL;
    if (team == 0) {
        ami_train_net_parameters_changed(net);
        out = ami_train_net_forward(net, x, n);
        if (dout)
            ami_train_net_backward(net, dout, n);
        return out;
    }
#pragma omp parallel num_threads(team)
    {
        ami_train_net_parameters_changed(net);
        const float *mine = ami_train_net_forward(net, x, n);
#pragma omp master
        out = mine;
        if (dout)
            ami_train_net_backward(net, dout, n);
    }
    return out;
}

static int processors(void)
{
#ifdef _OPENMP
    return omp_get_num_procs();
#else
    return 1;
#endif
}

static float *normals(size_t n, uint64_t seed, double scale)
{
    ami_rng rng = ami_rng_seed(seed, 7);
    float *x = malloc(n * sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)(scale * ami_rng_normal(&rng));
    return x;
}

/* Weights of variance 1 / in, so that every layer's numbers are of order 1; biases too. */
static void random_parameters(ami_train_net *net, const net_shape *shape, uint64_t seed)
{
    ami_rng rng = ami_rng_seed(seed, 3);
    float *p = ami_train_net_parameters(net);
    for (int l = 0; l < shape->layers; l++) {
        for (int i = 0; i < shape->dim[l + 1] * (shape->dim[l] + 1); i++)
            *p++ = (float)(ami_rng_normal(&rng) / sqrt(shape->dim[l]));
    }
}

/* ---- Tests ---- */

static int tasks(void)
{
    int count = 0;
    DIR *folder = opendir("/proc/self/task");
    if (!folder)
        return 1;
    while (readdir(folder))
        count++;
    closedir(folder);
    return count;
}

/* Must run first, before this process has opened any parallel region. */
static void test_no_threads_of_its_own(void **state)
{
    (void)state;
    const net_shape shape = {2, {197, 512, 256}, 512};
    const int before = tasks();
#ifdef _OPENMP
    omp_set_num_threads(MAX_TEAM);
#endif
    for (int p = 0; p < 2; p++) {
        ami_train_net *net = create(&shape, precisions[p]);
        if (!net)
            continue;
        float *x = normals(512 * 197, 1, 1), *dout = normals(512 * 256, 2, 1);
        random_parameters(net, &shape, 3);
        pass(0, net, x, dout, 512);
        ami_train_net_destroy(net);
        free(x);
        free(dout);
    }
    assert_int_equal(tasks(), before);
#ifdef _OPENMP
    assert_int_equal(omp_get_max_threads(), MAX_TEAM); /* and it left the setting as it was */
#endif
}

static void expect_refusal(int layers, const int *dim, int max_rows, const char *word)
{
    ami_error err = {""};
    assert_null(ami_train_net_create(layers, dim, max_rows, AMI_TRAIN_FP32, &err));
    if (!strstr(err.text, word))
        fail_msg("'%s' does not name %s", err.text, word);
    assert_null(ami_train_net_create(layers, dim, max_rows, AMI_TRAIN_FP32, NULL));
}

static void test_create_refuses(void **state)
{
    (void)state;
    int dim[AMI_NET_MAX_LAYERS + 2];
    for (int i = 0; i < AMI_NET_MAX_LAYERS + 2; i++)
        dim[i] = 2;
    expect_refusal(0, dim, 4, " 0 layers");
    expect_refusal(AMI_NET_MAX_LAYERS + 1, dim, 4, " 17 layers");
    expect_refusal(2, dim, 0, " 0 rows");
    expect_refusal(2, dim, -3, " -3 rows");
    expect_refusal(2, (const int[]){3, 0, 2}, 4, "dimension 0 at place 1");
    expect_refusal(2, (const int[]){3, 4, 65537}, 4, "65537");
    ami_train_net_destroy(NULL);
}

static void test_init(void **state)
{
    (void)state;
    const net_shape shape = {2, {50, 80, 30}, 4};
    ami_train_net *net = create(&shape, AMI_TRAIN_FP32);
    ami_rng rng = ami_rng_seed(5, 0);
    ami_train_net_init(net, &rng, .01f);
    assert_int_equal(ami_train_net_size(net), 80 * 51 + 30 * 81);
    const float *p = ami_train_net_parameters(net);
    const double limit[] = {sqrt(6. / 130), .01 * sqrt(6. / 110)};
    for (int l = 0; l < 2; l++) {
        const int weights = shape.dim[l] * shape.dim[l + 1];
        double largest = 0, sum = 0;
        for (int i = 0; i < weights; i++) {
            largest = fmax(largest, fabs((double)p[i]));
            sum += (double)p[i] * (double)p[i];
        }
        assert_true(largest <= limit[l] * (1 + 1e-6) && largest > .98 * limit[l]);
        assert_float_equal(sum / weights / (limit[l] * limit[l] / 3), 1, .05);
        for (int i = 0; i < shape.dim[l + 1]; i++)
            assert_float_equal(p[weights + i], 0, 0);
        p += weights + shape.dim[l + 1];
    }
    ami_train_net_destroy(net);
}

/* Small integers are exact in bf16, and so are their sums in fp32: both precisions must give every output and
 * gradient exactly, for every n, also after larger batches have left their rows in the buffers. */
static void test_integers_are_exact(void **state)
{
    (void)state;
    const net_shape exact[] = {
        {1, {4, 3}, 3}, {2, {5, 70, 3}, 261}, {3, {3, 6, 65, 2}, 140}, {2, {1, 1, 1}, 2}};
    for (size_t s = 0; s < sizeof exact / sizeof *exact; s++) {
        const net_shape *shape = &exact[s];
        const int in = shape->dim[0], out = shape->dim[shape->layers], max = shape->max_rows;
        float *x = malloc((size_t)(max * in) * sizeof *x), *dout = malloc((size_t)(max * out) * sizeof *dout);
        ami_rng rng = ami_rng_seed(s, 1);
        for (int i = 0; i < max * in; i++)
            x[i] = (float)ami_rng_below(&rng, 5) - 2;
        for (int i = 0; i < max * out; i++)
            dout[i] = (float)ami_rng_below(&rng, 7) - 3;
        ami_train_net *nets[2] = {create(shape, AMI_TRAIN_FP32), create(shape, AMI_TRAIN_BF16)};
        const size_t size = ami_train_net_size(nets[0]);
        float *p = ami_train_net_parameters(nets[0]);
        for (size_t i = 0; i < size; i++)
            p[i] = (float)ami_rng_below(&rng, 3) - 1;
        double *dp = doubles(p, size), *h = malloc(size * sizeof *h);
        if (nets[1])
            memcpy(ami_train_net_parameters(nets[1]), p, size * sizeof *p);
        for (int round = 0; round < 2 * max; round++) {
            const int n = round < max ? max - round : round - max + 1;
            double *gradient = reference_gradient(shape, dp, x, dout, n, size);
            for (int k = 0; k < 2; k++) {
                if (!nets[k])
                    continue;
                const float *y = pass(round % (MAX_TEAM + 1), nets[k], x, dout, n);
                for (int r = 0; r < n; r++) {
                    const double *expected = reference_forward(shape, dp, x + r * in, h);
                    for (int o = 0; o < out; o++) {
                        if ((double)y[r * out + o] != expected[o])
                            fail_msg("%s, shape %zu, n %d: output (%d, %d) is %g, expected %g",
                                     precision_name[k], s, n, r, o, (double)y[r * out + o], expected[o]);
                    }
                }
                const float *got = ami_train_net_gradient(nets[k]);
                for (size_t i = 0; i < size; i++) {
                    if ((double)got[i] != gradient[i])
                        fail_msg("%s, shape %zu, n %d: gradient[%zu] is %g, expected %g", precision_name[k],
                                 s, n, i, (double)got[i], gradient[i]);
                }
            }
            free(gradient);
        }
        ami_train_net_destroy(nets[0]);
        ami_train_net_destroy(nets[1]);
        free(x);
        free(dout);
        free(dp);
        free(h);
    }
}

static void test_forward_against_double(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        for (int s = 0; s < SHAPES; s++) {
            const net_shape *shape = &shapes[s];
            ami_train_net *net = create(shape, precisions[k]);
            if (!net)
                continue;
            const int in = shape->dim[0], out = shape->dim[shape->layers], max = shape->max_rows;
            random_parameters(net, shape, (uint64_t)s);
            float *x = normals((size_t)(max * in), 11, 1);
            const size_t size = ami_train_net_size(net);
            double *p = doubles(ami_train_net_parameters(net), size), *h = malloc(size * sizeof *h);
            const double tolerance = k == 0 ? 2e-6 : .03; /* a bf16 has 8 bits: 2^-9 of each factor, over up
                                                             to 4 layers */
            for (int n = 1; n <= max; n++) {
                const float *y = pass(n % (MAX_TEAM + 1), net, x, NULL, n);
                for (int r = 0; r < n; r++) {
                    const double *expected = reference_forward(shape, p, x + r * in, h);
                    for (int o = 0; o < out; o++) {
                        const double error = fabs((double)y[r * out + o] - expected[o]);
                        if (!(error <= tolerance * (3 + fabs(expected[o]))))
                            fail_msg("%s, shape %d, n %d: output (%d, %d) is %g, expected %g",
                                     precision_name[k], s, n, r, o, (double)y[r * out + o], expected[o]);
                    }
                }
            }
            ami_train_net_destroy(net);
            free(x);
            free(p);
            free(h);
        }
    }
}

static void test_gradient_against_finite_differences(void **state)
{
    (void)state;
    const double step = 1e-6;
    for (int s = 0; s < SHAPES; s++) {
        const net_shape *shape = &shapes[s];
        const int in = shape->dim[0], out = shape->dim[shape->layers], n = shape->max_rows;
        float *x = normals((size_t)(n * in), 21, 1), *dout = normals((size_t)(n * out), 22, 1);
        for (int k = 0; k < 2; k++) {
            ami_train_net *net = create(shape, precisions[k]);
            if (!net)
                continue;
            random_parameters(net, shape, (uint64_t)s);
            const size_t size = ami_train_net_size(net);
            double *p = doubles(ami_train_net_parameters(net), size), *h = malloc(size * sizeof *h);
            double *expected = malloc(size * sizeof *expected);
            for (size_t i = 0; i < size; i++) {
                const double saved = p[i];
                p[i] = saved + step;
                const double up = reference_loss(shape, p, x, dout, n, h);
                p[i] = saved - step;
                expected[i] = (up - reference_loss(shape, p, x, dout, n, h)) / (2 * step);
                p[i] = saved;
            }
            pass(2, net, x, dout, n);
            const double error = relative_error(ami_train_net_gradient(net), expected, size);
            if (!(error <= (k == 0 ? 1e-5 : .08))) /* see below */
                fail_msg("%s, shape %d: the gradient is off by %g of its norm", precision_name[k], s, error);
            ami_train_net_destroy(net);
            free(p);
            free(h);
            free(expected);
        }
        free(x);
        free(dout);
    }
}

/* The derivative by the input, as the network in front needs it: of every row's inputs, for batches on both
 * sides of the chunks; the same bits for any team; and the parameters' gradient is what it is without it. */
static void test_input_gradient(void **state)
{
    (void)state;
    const double step = 1e-6;
    for (int s = 0; s < 2 * SHAPES; s++) {
        const net_shape *shape = &shapes[s / 2];
        const ami_train_precision precision = precisions[s % 2];
        ami_train_net *plain = create(shape, precision);
        if (!plain)
            continue;
        const int in = shape->dim[0], out = shape->dim[shape->layers], max = shape->max_rows;
        ami_train_net *inner = ami_train_net_create_inner(shape->layers, shape->dim, max, precision, NULL);
        assert_non_null(inner);
        assert_null(ami_train_net_input_gradient(plain));
        random_parameters(plain, shape, (uint64_t)s);
        random_parameters(inner, shape, (uint64_t)s);
        float *x = normals((size_t)(max * in), 21, 1), *dout = normals((size_t)(max * out), 22, 1);
        const size_t size = ami_train_net_size(plain), inputs = (size_t)(max * in);
        double *p = doubles(ami_train_net_parameters(plain), size), *h = malloc(size * sizeof *h);
        double *expected = malloc(inputs * sizeof *expected);
        float *first = malloc(inputs * sizeof *first);
        /* Moving an input by ε moves the first layer's sums as its weights times ε, which the biases can do
         * in double precision. */
        memset(expected, 0, inputs * sizeof *expected);
        for (int r = 0; r < max; r++) {
            for (int o = 0; o < shape->dim[1]; o++) {
                double *bias = p + in * shape->dim[1] + o;
                const double saved = *bias;
                *bias = saved + step;
                const double up = reference_loss(shape, p, x + r * in, dout + r * out, 1, h);
                *bias = saved - step;
                const double slope =
                    (up - reference_loss(shape, p, x + r * in, dout + r * out, 1, h)) / (2 * step);
                *bias = saved;
                for (int i = 0; i < in; i++)
                    expected[r * in + i] += p[o * in + i] * slope;
            }
        }
        for (int n = max; n > 0; n = n == max ? max / 2 : 0) {
            for (int team = 0; team <= MAX_TEAM; team++) {
                pass(team, plain, x, dout, n);
                pass(team, inner, x, dout, n);
                const float *dx = ami_train_net_input_gradient(inner);
                const double error = relative_error(dx, expected, (size_t)(n * in));
                if (!(error <= (precision == AMI_TRAIN_FP32 ? 1e-5 : .13)))
                    fail_msg("shape %d, %s, n %d: the input's gradient is off by %g of its norm", s / 2,
                             precision_name[s % 2], n, error);
                if (team == 0)
                    memcpy(first, dx, (size_t)(n * in) * sizeof *dx);
                assert_memory_equal(first, dx, (size_t)(n * in) * sizeof *dx);
                assert_memory_equal(ami_train_net_gradient(inner), ami_train_net_gradient(plain),
                                    size * sizeof(float));
            }
        }
        ami_train_net_destroy(plain);
        ami_train_net_destroy(inner);
        free(x);
        free(dout);
        free(p);
        free(h);
        free(expected);
        free(first);
    }
}

/* DeepMimic's actor, narrower: the bf16 gradient points where the fp32 one does. The error is mostly that of
 * units whose sum lies within a rounding, 2^-9, of zero and is cut off by one and not by the other: about .3
 * % of them, hence sqrt(.003) of the norm. */
static void test_bf16_gradient_against_fp32(void **state)
{
    (void)state;
    const net_shape shape = {3, {197, 256, 128, 36}, 300};
    ami_train_net *nets[2] = {create(&shape, AMI_TRAIN_FP32), create(&shape, AMI_TRAIN_BF16)};
    if (!nets[1]) {
        ami_train_net_destroy(nets[0]);
        skip_because("this CPU has no bf16 products");
    }
    float *x = normals(300 * 197, 31, 1), *dout = normals(300 * 36, 32, 1);
    const size_t size = ami_train_net_size(nets[0]);
    for (int k = 0; k < 2; k++) {
        random_parameters(nets[k], &shape, 33);
        pass(2, nets[k], x, dout, 300);
    }
    double *expected = doubles(ami_train_net_gradient(nets[0]), size);
    const double error = relative_error(ami_train_net_gradient(nets[1]), expected, size);
    if (!(error < .08 && error > 1e-4)) /* none at all would mean that it was not bf16 */
        fail_msg("the bf16 gradient is off by %g of the fp32 one's norm", error);
    free(x);
    free(dout);
    free(expected);
    ami_train_net_destroy(nets[0]);
    ami_train_net_destroy(nets[1]);
}

/* Through a single weight of 1 the output is the input rounded to bf16: to nearest, ties to even, infinities
 * kept, NaN a NaN. */
static void test_bf16_rounding(void **state)
{
    (void)state;
    enum { N = 4096 };
    const net_shape shape = {1, {1, 1}, N};
    ami_train_net *net = create(&shape, AMI_TRAIN_BF16);
    if (!net)
        skip_because("this CPU has no bf16 products");
    ami_train_net_parameters(net)[0] = 1;
    float *x = malloc(N * sizeof *x);
    ami_rng rng = ami_rng_seed(41, 0);
    for (int i = 0; i < N; i++) { /* mantissas of every kind: exact, ties, just beside ties, random */
        uint32_t bits = (uint32_t)ami_rng_next(&rng);
        const uint32_t low[] = {0, 0x8000, 0x7fff, 0x8001};
        bits = (bits & 0x807fffffu) | (uint32_t)(64 + ami_rng_below(&rng, 128)) << 23;
        if (i % 5 < 4)
            bits = (bits & 0xffff0000u) | low[i % 5];
        memcpy(&x[i], &bits, sizeof bits);
    }
    x[17] = INFINITY;
    x[18] = -INFINITY;
    const uint32_t quiet_in_the_low_bits = 0x7f800001u;
    memcpy(&x[19], &quiet_in_the_low_bits, sizeof x[19]);
    const float *y = pass(2, net, x, NULL, N);
    for (int i = 0; i < N; i++) {
        if (i == 19) {
            assert_true(isnan(y[i]));
            continue;
        }
        int exponent;
        const double mantissa = frexp((double)x[i], &exponent);
        const float expected =
            i == 17 || i == 18 ? x[i] : (float)ldexp(nearbyint(mantissa * 256), exponent - 8);
        if (y[i] != expected)
            fail_msg("%a was rounded to %a, expected %a", (double)x[i], (double)y[i], (double)expected);
    }
    ami_train_net_destroy(net);
    free(x);
}

static void test_same_bits_for_any_team(void **state)
{
    (void)state;
    const net_shape wide[] = {
        {3, {197, 300, 130, 36}, 400}, {3, {197, 128, 64, 1}, 1024}, {2, {33, 500, 7}, 50}};
    const int rows[][4] = {{400, 1, 129, 384}, {1024, 1000, 128, 3}, {50, 49, 1, 17}};
    for (size_t s = 0; s < sizeof wide / sizeof *wide; s++) {
        const net_shape *shape = &wide[s];
        const int in = shape->dim[0], out = shape->dim[shape->layers];
        float *x = normals((size_t)(shape->max_rows * in), 51, 1),
              *dout = normals((size_t)(shape->max_rows * out), 52, 1);
        for (int k = 0; k < 2; k++) {
            float *y = malloc((size_t)(shape->max_rows * out) * sizeof *y), *gradient = NULL;
            for (int r = 0; r < 4; r++) {
                const int n = rows[s][r];
                for (int team = 0; team <= MAX_TEAM; team++) {
#ifdef _OPENMP
                    omp_set_num_threads(team > 0 ? team : MAX_TEAM); /* also what create sees */
#endif
                    ami_train_net *net = create(shape, precisions[k]);
                    if (!net)
                        continue;
                    const size_t size = ami_train_net_size(net);
                    random_parameters(net, shape, 53);
                    const float *got = pass(team, net, x, dout, n);
                    if (team == 0) {
                        free(gradient);
                        gradient = malloc(size * sizeof *gradient);
                        memcpy(y, got, (size_t)(n * out) * sizeof *y);
                        memcpy(gradient, ami_train_net_gradient(net), size * sizeof *gradient);
                    }
                    for (int again = 0; again < 3; again++) {
                        assert_memory_equal(got, y, (size_t)(n * out) * sizeof *y);
                        assert_memory_equal(ami_train_net_gradient(net), gradient, size * sizeof *gradient);
                        /* Teams other than create saw, too, and at last one larger than the machine. */
                        got = pass(again == 0 ? (team + 1) % (MAX_TEAM + 1) : processors() + 4, net, x, dout,
                                   n);
                    }
                    ami_train_net_destroy(net);
                }
            }
            free(y);
            free(gradient);
        }
        free(x);
        free(dout);
    }
}

/* Pieces in reverse order, chunks forward and backward in one go, parameters announced in odd ranges: the
 * bits of the whole passes. */
static void test_pieces_give_the_same_bits(void **state)
{
    (void)state;
    const net_shape shape = {3, {197, 300, 130, 36}, 400};
    for (int k = 0; k < 2; k++) {
        for (int n = 400; n > 0; n -= 133) {
            float *x = normals((size_t)(n * shape.dim[0]), 71, 1),
                  *dout = normals((size_t)(n * shape.dim[3]), 72, 1);
            ami_train_net *whole = create(&shape, precisions[k]), *parts = create(&shape, precisions[k]);
            if (!whole || !parts) {
                free(x), free(dout);
                continue;
            }
            const size_t size = ami_train_net_size(whole);
            random_parameters(whole, &shape, 73);
            const float *y = pass(2, whole, x, dout, n);

            memcpy(ami_train_net_parameters(parts), ami_train_net_parameters(whole), size * sizeof(float));
            for (size_t first = 0; first < size; first += 12345)
                ami_train_net_range_changed(parts, first, size - first < 12345 ? size - first : 12345);
            int rows = 0;
            const int capacity = ami_train_net_chunk_rows(parts);
            for (int c = ami_train_net_chunks(parts); c-- > 0;) {
                const int first = c * capacity, left = n - first,
                          count = left < 0          ? 0
                                  : left < capacity ? left
                                                    : capacity;
                const float *out = ami_train_net_forward_chunk(parts, x + (size_t)first * 197, count, c);
                assert_memory_equal(out, y + (size_t)first * 36, (size_t)count * 36 * sizeof(float));
                ami_train_net_backward_chunk(parts, dout + (size_t)first * 36, c);
                rows += count;
            }
            assert_int_equal(rows, n);
            for (int b = ami_train_net_blocks(parts); b-- > 0;)
                ami_train_net_gradient_block(parts, 0, 1, b, ami_train_net_sum(parts));
            assert_memory_equal(ami_train_net_gradient(parts), ami_train_net_gradient(whole),
                                size * sizeof(float));
            ami_train_net_destroy(whole);
            ami_train_net_destroy(parts);
            free(x), free(dout);
        }
    }
}

static float rounded_if(bool rounded, float x)
{
    return rounded ? ami_bfloat_to_float(ami_float_to_bfloat(x)) : x;
}

/* The gradient over some shards is that of the tree of single ones, which a network of one shard finds; also where a shard
 * has a partial chunk or no rows at all, and where every sum is rounded to bf16. */
static void test_shards_are_added_in_a_tree(void **state)
{
    (void)state;
    enum { SHARDS = 5, MOST = 150, OUT = 36 };
    const net_shape shape = {3, {197, 65, 40, OUT}, MOST};
    static const int rows[SHARDS] = {150, 128, 37, 0, 149}, range[][2] = {{0, 5}, {1, 4}, {2, 3}, {0, 4}};
    for (int k = 0; k < 4; k++) {
        ami_error err = {""};
        const bool rounded = k >= 2;
        ami_train_net *one = create(&shape, precisions[k % 2]);
        ami_train_net *all =
            one ? ami_train_net_create_shards(3, shape.dim, SHARDS, MOST, precisions[k % 2], &err) : NULL;
        if (!one)
            continue;
        assert_non_null(all);
        if (rounded)
            ami_train_net_round_gradients(all);
        const size_t size = ami_train_net_size(one);
        random_parameters(one, &shape, 83);
        ami_train_net_parameters_changed(one);
        memcpy(ami_train_net_parameters(all), ami_train_net_parameters(one), size * sizeof(float));
        ami_train_net_parameters_changed(all);
        float *x[SHARDS], *dout[SHARDS], *single[SHARDS], *sum = malloc(size * sizeof *sum);
        const int per_shard = ami_train_net_shard_chunks(all), capacity = ami_train_net_chunk_rows(all);
        assert_int_equal(ami_train_net_chunks(all), SHARDS * per_shard);
        for (int s = 0; s < SHARDS; s++) {
            x[s] = normals((size_t)(MOST * 197), 84 + (uint64_t)s, 1);
            dout[s] = normals((size_t)(MOST * OUT), 94 + (uint64_t)s, 1);
            single[s] = calloc(size, sizeof(float));
            if (rows[s] > 0) {
                ami_train_net_forward(one, x[s], rows[s]);
                ami_train_net_backward(one, dout[s], rows[s]);
                for (size_t i = 0; i < size; i++)
                    single[s][i] = rounded_if(rounded, ami_train_net_gradient(one)[i]);
            }
            for (int c = 0; c < per_shard; c++) {
                const int left = rows[s] - c * capacity,
                          n = left < 0          ? 0
                              : left < capacity ? left
                                                : capacity,
                          chunk = s * per_shard + c;
                ami_train_net_forward_chunk(all, x[s] + (size_t)(c * capacity * 197), n, chunk);
                ami_train_net_backward_chunk(all, dout[s] + (size_t)(c * capacity * OUT), chunk);
            }
        }
        for (size_t r = 0; r < sizeof range / sizeof *range; r++) {
            const int first = range[r][0], end = range[r][1];
            for (int b = 0; b < ami_train_net_blocks(all); b++)
                ami_train_net_gradient_block(all, first, end, b, sum);
            for (size_t i = 0; i < size; i++) {
                const float a = single[first][i], b = end - first > 1 ? single[first + 1][i] : 0,
                            c = end - first > 2 ? single[first + 2][i] : 0,
                            d = end - first > 3 ? single[first + 3][i] : 0;
                /* of three: (a + b) + c; of four and five: ((a + b) + (c + d)) + e */
                const float ab = rounded_if(rounded, a + b);
                float expected = end - first == 1   ? a
                                 : end - first == 3 ? rounded_if(rounded, ab + c)
                                                    : rounded_if(rounded, ab + rounded_if(rounded, c + d));
                if (end - first == 5)
                    expected = rounded_if(rounded, expected + single[4][i]);
                if (sum[i] != expected)
                    fail_msg("shards %d to %d, parameter %zu: %.9g, expected %.9g", first, end, i,
                             (double)sum[i], (double)expected);
            }
        }
        for (int s = 0; s < SHARDS; s++)
            free(x[s]), free(dout[s]), free(single[s]);
        free(sum);
        ami_train_net_destroy(one);
        ami_train_net_destroy(all);
    }
}

/* y = |x0 - x1| is learned from samples to a hundredth of its variance. */
static void test_regression_converges(void **state)
{
    (void)state;
    enum { N = 200, STEPS = 600 };
    const net_shape shape = {3, {2, 32, 16, 1}, N};
    for (int k = 0; k < 2; k++) {
        ami_train_net *net = create(&shape, precisions[k]);
        if (!net)
            continue;
        ami_adam adam;
        ami_rng rng = ami_rng_seed(61, 0);
        float *x = normals(2 * N, 62, 1), dout[N];
        double first = 0, loss = 0;
        assert_true(ami_adam_init(&adam, ami_train_net_size(net), NULL));
        ami_train_net_init(net, &rng, 1);
        for (int step = 0; step <= STEPS; step++) {
            const float *y = ami_train_net_forward(net, x, N);
            loss = 0;
            for (int i = 0; i < N; i++) {
                const double error = (double)y[i] - fabs((double)x[2 * i] - (double)x[2 * i + 1]);
                loss += error * error / N;
                dout[i] = (float)(2 * error / N);
            }
            if (step == 0)
                first = loss;
#pragma omp parallel num_threads(2)
            {
                ami_train_net_backward(net, dout, N);
                ami_adam_update(&adam, ami_train_net_parameters(net), ami_train_net_gradient(net), .005f, 1);
                ami_train_net_parameters_changed(net);
            }
        }
        if (!(loss < .004 && first > .5))
            fail_msg("%s: the squared error went from %g to %g", precision_name[k], first, loss);
        ami_adam_free(&adam);
        ami_train_net_destroy(net);
        free(x);
    }
}

/* oneDNN allocates in every product. Where it gets nothing, that is a sentence, and nothing is learned from
 * what it did not compute. */
static void test_no_memory_is_a_failure(void **state)
{
    (void)state;
    const net_shape *shape = &shapes[6];
    const int n = 300, in = shape->dim[0], outputs = shape->dim[shape->layers];
    SKIP_WHERE_OPENMP_ABORTS();
    if (asked == 0)
        skip(); /* a sanitizer's malloc */
    for (int p = 0; p < 2; p++) {
        for (int team = 0; team <= 2; team += 2) {
            ami_train_net *net = create(shape, precisions[p]);
            if (!net)
                continue;
            ami_rng rng = ami_rng_seed(3, 0);
            ami_train_net_init(net, &rng, 1);
            ami_adam adam;
            assert_true(ami_adam_init(&adam, ami_train_net_size(net), NULL));
            float *x = malloc((size_t)(n * in) * sizeof *x),
                  *dout = malloc((size_t)(n * outputs) * sizeof *dout);
            for (int i = 0; i < n * in; i++)
                x[i] = (float)ami_rng_normal(&rng);
            for (int i = 0; i < n * outputs; i++)
                dout[i] = 1;
            ami_error err = {""};
            pass(team, net, x, dout, n);
            assert_false(ami_train_net_failed(net, &err));
            assert_string_equal(err.text, "");
            const size_t bytes = ami_train_net_size(net) * sizeof(float);
            float *before = malloc(bytes);
            memcpy(before, ami_train_net_parameters(net), bytes);

            no_memory = true;
            pass(team, net, x, dout, n);
            no_memory = false;
            assert_true(ami_train_net_failed(net, &err));
            assert_non_null(strstr(err.text, "oneDNN"));
            assert_non_null(strstr(err.text, "out of memory"));
            for (int again = 0; again < 2; again++) { /* what failed once is not trusted any more */
                assert_false(isfinite(ami_adam_update(&adam, ami_train_net_parameters(net),
                                                      ami_train_net_gradient(net), .1f, 1)));
                assert_memory_equal(ami_train_net_parameters(net), before, bytes);
                const float *out = pass(team, net, x, dout, n);
                int nan = 0;
                for (int i = 0; i < n * outputs; i++)
                    nan += isnan(out[i]);
                assert_true(nan > 0);
            }
            free(before), free(x), free(dout);
            ami_adam_free(&adam);
            ami_train_net_destroy(net);
        }
    }
}

/* As the programs do (options/program.c): oneDNN 3.6 throws where it has promised not to, and aborts. */
static void leave_guard(int number)
{
    (void)number;
    if (ami_guard_active())
        ami_guard_leave("out of memory");
}

static void test_no_memory_for_products_is_refused(void **state)
{
    (void)state;
    SKIP_WHERE_OPENMP_ABORTS();
    if (asked == 0)
        skip();
    struct sigaction before, action = {.sa_handler = leave_guard, .sa_flags = SA_NODEFER};
    sigaction(SIGABRT, &action, &before);
    ami_error err = {""};
    no_memory = true;
    ami_train_net *net = ami_train_net_create(shapes[6].layers, shapes[6].dim, 64, AMI_TRAIN_FP32, &err);
    no_memory = false;
    assert_null(net);
    assert_non_null(strstr(err.text, "out of memory"));
    sigaction(SIGABRT, &before, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_threads_of_its_own),
        cmocka_unit_test(test_create_refuses),
        cmocka_unit_test(test_init),
        cmocka_unit_test(test_integers_are_exact),
        cmocka_unit_test(test_forward_against_double),
        cmocka_unit_test(test_gradient_against_finite_differences),
        cmocka_unit_test(test_input_gradient),
        cmocka_unit_test(test_bf16_gradient_against_fp32),
        cmocka_unit_test(test_bf16_rounding),
        cmocka_unit_test(test_same_bits_for_any_team),
        cmocka_unit_test(test_pieces_give_the_same_bits),
        cmocka_unit_test(test_shards_are_added_in_a_tree),
        cmocka_unit_test(test_regression_converges),
        cmocka_unit_test(test_no_memory_is_a_failure),
        cmocka_unit_test(test_no_memory_for_products_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
