/* Every kernel that runs here against double precision: all tail lengths, unaligned rows, memory fences around what it may touch; the same
 * bits for a row wherever it stands; NaN, infinities and signed zeros; packing; and the choice among kernels. */
#include "base/rng.h"
#include "nets/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

/* A buffer that ends (to the float) where an unreadable page begins, so that touching one float too many crashes. */
typedef struct fenced {
    float *at;
    void *map;
    size_t map_size;
} fenced;

static fenced fenced_alloc(size_t floats)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = floats * sizeof(float), body = (bytes + page - 1) / page * page;
    fenced f = {.map_size = body + page};
    f.map = mmap(NULL, f.map_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    assert_true(f.map != MAP_FAILED);
    assert_int_equal(mprotect((char *)f.map + body, page, PROT_NONE), 0);
    f.at = (float *)((char *)f.map + body - bytes);
    return f;
}

static void fenced_free(fenced f)
{
    munmap(f.map, f.map_size);
}

static void fill(amb_rng *rng, float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)amb_rng_range(rng, -1.0, 1.0);
}

static bool same_bits(const float *a, const float *b, size_t count)
{
    return memcmp(a, b, count * sizeof *a) == 0;
}

/* A layer with random weights, packed for a kernel. */
typedef struct problem {
    int inputs, outputs;
    float *weight, *bias;
    fenced packed_weight, packed_bias;
    amb_layer layer;
} problem;

static void problem_pack(problem *p, const amb_kernel *kernel)
{
    p->packed_weight = fenced_alloc((amb_kernel_weight_size(kernel, p->inputs, p->outputs) + 15) / 16 * 16);
    p->packed_bias = fenced_alloc((amb_kernel_padded_outputs(kernel, p->outputs) + 15) / 16 * 16);
    amb_kernel_pack(kernel, p->inputs, p->outputs, p->weight, p->bias, p->packed_weight.at, p->packed_bias.at);
    p->layer.weight = p->packed_weight.at;
    p->layer.bias = p->packed_bias.at;
}

static void problem_unpack(problem *p)
{
    fenced_free(p->packed_weight);
    fenced_free(p->packed_bias);
}

static problem problem_create(amb_rng *rng, int inputs, int outputs, amb_activation act)
{
    problem p = {.inputs = inputs, .outputs = outputs, .layer = {.inputs = inputs, .outputs = outputs, .act = act}};
    p.weight = malloc((size_t)inputs * (size_t)outputs * sizeof(float));
    p.bias = malloc((size_t)outputs * sizeof(float));
    assert_non_null(p.weight);
    assert_non_null(p.bias);
    fill(rng, p.weight, (size_t)inputs * (size_t)outputs);
    fill(rng, p.bias, (size_t)outputs);
    return p;
}

static void problem_free(problem *p)
{
    free(p->weight);
    free(p->bias);
}

/* want: the layer's outputs in double; bound: how far fp32 may be from it. Summing inputs + 1 terms in any order, each product rounded,
 * errs by at most (inputs + 1) u (|b| + sum |w x|) to first order, u = 2^-24; one more u covers the higher orders. ReLU does not widen it.
 */
static void in_double(const problem *p, const float *x, size_t x_stride, int n, double *want, double *bound)
{
    for (int r = 0; r < n; r++) {
        for (int o = 0; o < p->outputs; o++) {
            double sum = p->bias[o], size = fabs(sum);
            for (int k = 0; k < p->inputs; k++) {
                const double term =
                    (double)p->weight[(size_t)o * (size_t)p->inputs + (size_t)k] * (double)x[(size_t)r * x_stride + (size_t)k];
                sum += term;
                size += fabs(term);
            }
            const size_t i = (size_t)r * (size_t)p->outputs + (size_t)o;
            want[i] = p->layer.act == AMB_ACT_RELU && sum < 0.0 ? 0.0 : sum;
            bound[i] = (p->inputs + 2) * 0x1p-24 * size;
        }
    }
}

/* Rows of every number from 1 to max_n of one layer through one kernel: accuracy, fences, canaries, and the same bits as alone. */
static void check_layer(const amb_kernel *kernel, problem *p, const float *x, int max_n, const double *want, const double *bound)
{
    const size_t in = (size_t)p->inputs, out = (size_t)p->outputs;
    const uint32_t canary_bits = 0x7fc0beefu;
    float canary;
    memcpy(&canary, &canary_bits, sizeof canary);
    float *alone = malloc((size_t)max_n * out * sizeof(float));
    assert_non_null(alone);
    problem_pack(p, kernel);

    for (int n = 1; n <= max_n; n++) {
        const size_t x_stride = in + (size_t)(n % 3), y_stride = out + (size_t)(n % 4);
        const size_t x_size = (size_t)(n - 1) * x_stride + in, y_size = (size_t)(n - 1) * y_stride + out;
        const size_t before = 1 + (size_t)n % 5;
        fenced fx = fenced_alloc(x_size), fy = fenced_alloc(before + y_size);
        float *y = fy.at + before;
        /* The rows of this batch: the last n of them, so that a row meets every place in a batch. */
        const int first = max_n - n;
        for (int r = 0; r < n; r++)
            memcpy(fx.at + (size_t)r * x_stride, x + (size_t)(first + r) * in, in * sizeof(float));
        for (size_t i = 0; i < before + y_size; i++)
            memcpy(fy.at + i, &canary, sizeof canary);

        if (n == 1) {
            for (int r = 0; r < max_n; r++)
                kernel->layer(&p->layer, x + (size_t)r * in, in, 1, alone + (size_t)r * out, out);
        }
        kernel->layer(&p->layer, fx.at, x_stride, n, y, y_stride);

        double worst = 0.0;
        size_t worst_at = 0;
        for (size_t i = 0; i < before; i++)
            if (!same_bits(fy.at + i, &canary, 1))
                fail_msg("%s, %d inputs, %d outputs, %d rows: wrote %zu floats before the output", kernel->name, p->inputs, p->outputs, n,
                         before - i);
        for (int r = 0; r < n; r++) {
            const float *row = y + (size_t)r * y_stride;
            for (size_t o = 0; o < out; o++) {
                const size_t i = (size_t)(first + r) * out + o;
                const double off = fabs((double)row[o] - want[i]) / bound[i];
                if (!(off <= worst)) {
                    worst = isnan(off) ? (double)INFINITY : off;
                    worst_at = i;
                }
            }
            if (!same_bits(row, alone + (size_t)(first + r) * out, out))
                fail_msg("%s, %d inputs, %d outputs: row %d of %d differs from the same row alone", kernel->name, p->inputs, p->outputs, r,
                         n);
            for (size_t o = out; r + 1 < n && o < y_stride; o++)
                if (!same_bits(row + o, &canary, 1))
                    fail_msg("%s, %d inputs, %d outputs, %d rows: wrote behind row %d", kernel->name, p->inputs, p->outputs, n, r);
        }
        if (worst > 1.0) {
            const size_t r = worst_at / out - (size_t)first, o = worst_at % out;
            fail_msg("%s, %d inputs, %d outputs, %d rows: worst at row %zu, output %zu: %.9g, in double %.17g, %.3g times the bound",
                     kernel->name, p->inputs, p->outputs, n, r, o, (double)y[r * y_stride + o], want[worst_at], worst);
        }
        fenced_free(fx);
        fenced_free(fy);
    }
    problem_unpack(p);
    free(alone);
}

static void check_shape(amb_rng *rng, int inputs, int outputs, int max_n)
{
    problem p = problem_create(rng, inputs, outputs, (inputs + outputs) % 2 ? AMB_ACT_RELU : AMB_ACT_IDENTITY);
    float *x = malloc((size_t)max_n * (size_t)inputs * sizeof(float));
    double *want = malloc((size_t)max_n * (size_t)outputs * sizeof(double)),
           *bound = malloc((size_t)max_n * (size_t)outputs * sizeof(double));
    assert_true(x && want && bound);
    fill(rng, x, (size_t)max_n * (size_t)inputs);
    in_double(&p, x, (size_t)inputs, max_n, want, bound);
    for (int k = 0; k < amb_kernel_count(); k++)
        check_layer(amb_kernel_at(k), &p, x, max_n, want, bound);
    problem_free(&p);
    free(x);
    free(want);
    free(bound);
}

static void test_every_tail(void **state)
{
    (void)state;
    static const int inputs[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 64, 70};
    amb_rng rng = amb_rng_seed(1, 0);
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        for (int outputs = 1; outputs <= 70; outputs++)
            check_shape(&rng, inputs[i], outputs, 20);
    /* Wide enough for several full panels side by side, with each number of panels left over and each tail. */
    for (int outputs = 71; outputs <= 300; outputs++)
        check_shape(&rng, 3, outputs, 5);
}

static void test_every_input_length(void **state)
{
    (void)state;
    amb_rng rng = amb_rng_seed(2, 0);
    for (int inputs = 1; inputs <= 70; inputs++)
        check_shape(&rng, inputs, 36, 20);
}

static void test_the_networks_layers(void **state)
{
    (void)state;
    static const int shape[][2] = {{197, 1024}, {1024, 512}, {512, 36},  {512, 1},    {132, 256},  {256, 128}, {128, 32},
                                   {32, 2},     {256, 256},  {256, 512}, {512, 4380}, {4380, 512}, {65536, 1}, {1, 65536}};
    amb_rng rng = amb_rng_seed(3, 0);
    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++)
        check_shape(&rng, shape[i][0], shape[i][1], 9);
}

/* kernels.h: all kernels that fuse multiply and add give the same bits. */
static void test_fusing_kernels_agree(void **state)
{
    (void)state;
    amb_rng rng = amb_rng_seed(4, 0);
    enum { IN = 197, OUT = 101, ROWS = 13 };
    problem p = problem_create(&rng, IN, OUT, AMB_ACT_RELU);
    float x[ROWS * IN], first[ROWS * OUT], y[ROWS * OUT];
    fill(&rng, x, ROWS * IN);
    for (int k = 1; k < amb_kernel_count(); k++) {
        problem_pack(&p, amb_kernel_at(k));
        amb_kernel_at(k)->layer(&p.layer, x, IN, ROWS, k == 1 ? first : y, OUT);
        problem_unpack(&p);
        if (k > 1)
            for (int i = 0; i < ROWS * OUT; i++)
                if (!same_bits(first + i, y + i, 1))
                    fail_msg("row %d, output %d: %s gives %.9g, %s gives %.9g", i / OUT, i % OUT, amb_kernel_at(1)->name, (double)first[i],
                             amb_kernel_at(k)->name, (double)y[i]);
    }
    problem_free(&p);
}

/* One input of weight 1 and a bias of -0: the output is act(x) itself, for every row and place in a vector. */
static void test_special_values(void **state)
{
    (void)state;
    enum { OUT = 150, ROWS = 11 };
    static const float in[] = {NAN, -NAN, INFINITY, -INFINITY, 0.0f, -0.0f, 1e-45f, -1e-45f, 3.4e38f, -3.4e38f, -1.5f};
    _Static_assert(sizeof in / sizeof in[0] == ROWS, "a value a row");
    amb_rng rng = amb_rng_seed(5, 0);
    for (int relu = 0; relu <= 1; relu++) {
        problem p = problem_create(&rng, 1, OUT, relu ? AMB_ACT_RELU : AMB_ACT_IDENTITY);
        for (int o = 0; o < OUT; o++) {
            p.weight[o] = 1.0f;
            p.bias[o] = -0.0f;
        }
        for (int k = 0; k < amb_kernel_count(); k++) {
            problem_pack(&p, amb_kernel_at(k));
            for (int n = 1; n <= ROWS; n++) {
                float y[ROWS * OUT];
                amb_kernel_at(k)->layer(&p.layer, in + ROWS - n, 1, n, y, OUT);
                for (int i = 0; i < n * OUT; i++) {
                    const float v = in[ROWS - n + i / OUT], want = relu && v < 0.0f ? 0.0f : v;
                    if (isnan(want) ? !isnan(y[i]) : !same_bits(&y[i], &want, 1))
                        fail_msg("%s, %s, %d rows, output %d: %g became %g, expected %g", amb_kernel_at(k)->name,
                                 relu ? "ReLU" : "identity", n, i % OUT, (double)v, (double)y[i], (double)want);
                }
            }
            problem_unpack(&p);
        }
        problem_free(&p);
    }
}

/* A NaN among many inputs reaches every output of its row, and no other row. */
static void test_nan_stays_in_its_row(void **state)
{
    (void)state;
    enum { IN = 37, OUT = 70, ROWS = 14 };
    amb_rng rng = amb_rng_seed(6, 0);
    problem p = problem_create(&rng, IN, OUT, AMB_ACT_RELU);
    float x[ROWS * IN], clean[ROWS * OUT], y[ROWS * OUT];
    fill(&rng, x, ROWS * IN);
    for (int k = 0; k < amb_kernel_count(); k++) {
        const amb_kernel *kernel = amb_kernel_at(k);
        problem_pack(&p, kernel);
        kernel->layer(&p.layer, x, IN, ROWS, clean, OUT);
        for (int bad = 0; bad < ROWS; bad++) {
            float *victim = &x[bad * IN + bad * 7 % IN];
            const float kept = *victim;
            *victim = NAN;
            kernel->layer(&p.layer, x, IN, ROWS, y, OUT);
            *victim = kept;
            for (int i = 0; i < ROWS * OUT; i++) {
                if (i / OUT == bad ? !isnan(y[i]) : !same_bits(&y[i], &clean[i], 1))
                    fail_msg("%s: NaN in row %d, row %d output %d is %g (%g without the NaN)", kernel->name, bad, i / OUT, i % OUT,
                             (double)y[i], (double)clean[i]);
            }
        }
        problem_unpack(&p);
    }
    problem_free(&p);
}

/* The layout kernels.h describes, number by number. */
static void test_packing(void **state)
{
    (void)state;
    amb_rng rng = amb_rng_seed(7, 0);
    for (int k = 0; k < amb_kernel_count(); k++) {
        const amb_kernel *kernel = amb_kernel_at(k);
        assert_true(kernel->lanes > 0 && kernel->panel % kernel->lanes == 0);
        for (int outputs = 1; outputs <= 100; outputs++) {
            const int inputs = 1 + outputs % 6;
            problem p = problem_create(&rng, inputs, outputs, AMB_ACT_IDENTITY);
            problem_pack(&p, kernel);
            const int padded = (outputs + kernel->lanes - 1) / kernel->lanes * kernel->lanes;
            assert_int_equal(amb_kernel_padded_outputs(kernel, outputs), padded);
            assert_int_equal(amb_kernel_weight_size(kernel, inputs, outputs), padded * inputs);
            for (int o = 0; o < padded; o++) {
                const int panel = o / kernel->panel * kernel->panel;
                const int width = padded - panel < kernel->panel ? padded - panel : kernel->panel;
                const float bias = o < outputs ? p.bias[o] : 0.0f;
                assert_true(same_bits(&p.layer.bias[o], &bias, 1));
                for (int i = 0; i < inputs; i++) {
                    const float weight = o < outputs ? p.weight[o * inputs + i] : 0.0f;
                    assert_true(same_bits(&p.layer.weight[panel * inputs + i * width + o - panel], &weight, 1));
                }
            }
            problem_unpack(&p);
            problem_free(&p);
        }
    }
}

static void test_list_and_names(void **state)
{
    (void)state;
    assert_true(amb_kernel_count() >= 1);
    assert_string_equal(amb_kernel_at(0)->name, "ref");
    assert_null(amb_kernel_at(amb_kernel_count()));
    amb_error err = {""};
    for (int k = 0; k < amb_kernel_count(); k++)
        assert_ptr_equal(amb_kernel_by_name(amb_kernel_at(k)->name, &err), amb_kernel_at(k));
    assert_string_equal(err.text, "");

    /* Every kernel of the list either runs here or is refused with its reason. */
    static const char *const names[] = {
#define AMB_KERNEL(name, lanes, panel, runs_here) #name,
#include "nets/kernels.inc"
#undef AMB_KERNEL
    };
    int found = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (amb_kernel_by_name(names[i], &err))
            found++;
        else
            assert_non_null(strstr(err.text, "needs instructions that this CPU or its operating system does not offer"));
    }
    assert_int_equal(found, amb_kernel_count());

    for (int k = 0; k < 2; k++) {
        const char *name = k ? "AVX2" : "";
        assert_null(amb_kernel_by_name(name, &err));
        assert_non_null(strstr(err.text, "there is no kernel \""));
        assert_non_null(strstr(err.text, "these run here: ref"));
    }
}

static void test_environment_variable(void **state)
{
    (void)state;
    const char *value = getenv("AMB_KERNEL");
    char *kept = value ? strdup(value) : NULL;
    const amb_kernel *fastest = amb_kernel_at(amb_kernel_count() - 1);
    amb_error err = {""};

    unsetenv("AMB_KERNEL");
    assert_ptr_equal(amb_kernel_choose(&err), fastest);
    assert_ptr_equal(amb_kernel_best(), fastest);
    setenv("AMB_KERNEL", "", 1);
    assert_ptr_equal(amb_kernel_choose(&err), fastest);
    for (int k = 0; k < amb_kernel_count(); k++) {
        setenv("AMB_KERNEL", amb_kernel_at(k)->name, 1);
        assert_ptr_equal(amb_kernel_choose(&err), amb_kernel_at(k));
        assert_ptr_equal(amb_kernel_best(), amb_kernel_at(k));
    }
    assert_string_equal(err.text, "");

    setenv("AMB_KERNEL", "abacus", 1);
    assert_null(amb_kernel_choose(&err));
    assert_non_null(strstr(err.text, "environment variable AMB_KERNEL: there is no kernel \"abacus\"; these run here: ref"));
    assert_null(amb_kernel_choose(NULL));
    assert_ptr_equal(amb_kernel_best(), fastest);

    if (kept)
        setenv("AMB_KERNEL", kept, 1);
    else
        unsetenv("AMB_KERNEL");
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_and_names),     cmocka_unit_test(test_environment_variable), cmocka_unit_test(test_packing),
        cmocka_unit_test(test_special_values),     cmocka_unit_test(test_nan_stays_in_its_row), cmocka_unit_test(test_fusing_kernels_agree),
        cmocka_unit_test(test_every_input_length), cmocka_unit_test(test_every_tail),           cmocka_unit_test(test_the_networks_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
