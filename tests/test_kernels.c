/* Every kernel that runs here against double precision, with a bound derived for its precision, and against
 * the reference of the same precision, to the bit where sums are integers: all tail lengths, unaligned rows,
 * memory fences around the buffers; the same bits for a row at any place in the batch and for any requested
 * outputs; NaN, infinities and signed zeros; packing; and the choice of a kernel. */
#include "base/rng.h"
#include "nets/kernels/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

/* A buffer that ends (to the float) where an unreadable page begins, so that touching one float too many
 * crashes. */
typedef struct fenced {
    float *at;
    void *map;
    size_t map_size;
} fenced;

static fenced fenced_alloc(size_t floats)
{
    const size_t page = (size_t)sysconf(_SC_PAGESIZE), bytes = floats * sizeof(float),
                 body = (bytes + page - 1) / page * page;
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

static void fill(ami_rng *rng, float *values, size_t count)
{
    for (size_t i = 0; i < count; i++)
        values[i] = (float)ami_rng_range(rng, -1.0, 1.0);
}

static bool same_bits(const float *a, const float *b, size_t count)
{
    return memcmp(a, b, count * sizeof *a) == 0;
}

/* A layer with random weights, packed for a kernel. */
typedef struct problem {
    int inputs, outputs;
    ami_activation act;
    float *weight, *bias;
    fenced packed;
    ami_layer layer;
} problem;

static void problem_pack(problem *p, const ami_kernel *kernel)
{
    p->packed = fenced_alloc(ami_kernel_layer_size(kernel, p->inputs, p->outputs) / sizeof(float));
    memset(p->packed.at, 0xff, ami_kernel_layer_size(kernel, p->inputs, p->outputs));
    p->layer = ami_kernel_pack(kernel, p->inputs, p->outputs, p->weight, p->bias, NULL, p->packed.at);
    p->layer.act = p->act;
    p->layer.alpha = 0.25f;
}

static void problem_unpack(problem *p)
{
    fenced_free(p->packed);
}

static problem problem_create(ami_rng *rng, int inputs, int outputs, ami_activation act)
{
    problem p = {.inputs = inputs, .outputs = outputs, .act = act};
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

/* One of two fenced buffers that are kept, because mapping one for every call would be what the test spends
 * its time on. */
static float *kept_fenced(int which, size_t floats)
{
    static fenced kept[2];
    fenced *f = &kept[which];
    const size_t page = (size_t)sysconf(_SC_PAGESIZE);
    if (!f->map || f->map_size - page < floats * sizeof(float)) {
        if (f->map)
            fenced_free(*f);
        *f = fenced_alloc(2 * floats + 4096);
    }
    return (float *)((char *)f->map + f->map_size - page) - floats;
}

/* Outputs first .. end - 1 of the packed layer, rows prepared as the kernel wants them. */
static void run_part(const ami_kernel *kernel, const problem *p, int first, int end, const float *x,
                     size_t x_stride, int n, float *y, size_t y_stride)
{
    ami_rows rows = {.cell = x, .stride = x_stride};
    const size_t cells = ami_kernel_row_cells(kernel, p->inputs);
    if (kernel->prepare) {
        float *prepared = kept_fenced(0, (size_t)n * cells), *scale = kept_fenced(1, (size_t)n);
        memset(prepared, 0xff, (size_t)n * cells * 4);
        kernel->prepare(p->inputs, x, x_stride, n, prepared, scale);
        rows = (ami_rows){.cell = prepared, .stride = cells, .scale = scale};
    }
    kernel->layer(&p->layer, first, end, &rows, n, y, y_stride);
}

static void run(const ami_kernel *kernel, const problem *p, const float *x, size_t x_stride, int n, float *y,
                size_t y_stride)
{
    run_part(kernel, p, 0, p->outputs, x, x_stride, n, y, y_stride);
}

static double largest(const float *v, size_t count)
{
    double most = 0;
    for (size_t i = 0; i < count; i++)
        most = fmax(most, fabs((double)v[i]));
    return most;
}

/* What a kernel's results are compared with: its precision, or int8 of one plane. */
enum { ONE_PLANE = AMI_PRECISIONS, KINDS };

static int kind_of(const ami_kernel *kernel)
{
    return kernel->one_plane ? ONE_PLANE : (int)kernel->precision;
}

/* want: the layer's outputs in double; bound: how far each precision may be from it.
 * Summing inputs + 1 terms in any order, each product rounded, errs by at most (inputs + 1) u (|b| + sum |w
 * x|) to first order, u = 2^-24; one more u covers the higher orders, and three the integers' few roundings
 * in fp32. Rounding to bf16 errs by 2^-8 of a number; to integers by half a unit, that is 1/(2 most) of the
 * output's largest weight or the row's largest value. The product of two rounded factors errs by |dw| |x| +
 * |w| |dx| + |dw| |dx|. Activations here do not widen an error. */
static void in_double(const problem *p, const float *x, size_t x_stride, int n, double *want,
                      double *bound[KINDS])
{
    const size_t in = (size_t)p->inputs;
    for (int r = 0; r < n; r++) {
        const double x_most = largest(x + (size_t)r * x_stride, in);
        for (int o = 0; o < p->outputs; o++) {
            const float *w = p->weight + (size_t)o * in;
            const double w_most = largest(w, in), dx16 = x_most / AMI_INT16_MAX / 2,
                         dw16 = w_most / AMI_INT16_MAX / 2, dx8 = x_most / AMI_INT8_ACTIVATION_MAX / 2,
                         dw8 = w_most / AMI_INT8_MAX / 2, dx8u = x_most / AMI_INT8U_ACTIVATION_MAX / 2;
            double sum = p->bias[o], size = fabs(sum), bf16 = 0, int16 = 0, int8 = 0, int8u = 0;
            for (size_t k = 0; k < in; k++) {
                const double v = x[(size_t)r * x_stride + k], term = (double)w[k] * v;
                sum += term;
                size += fabs(term);
                bf16 += fabs(term) * (2 * 0x1p-8 + 0x1p-16);
                int16 += fabs(v) * dw16 + fabs((double)w[k]) * dx16 + dw16 * dx16;
                int8 += fabs(v) * dw8 + fabs((double)w[k]) * dx8 + dw8 * dx8;
                int8u += fabs(v) * dw8 + fabs((double)w[k]) * dx8u + dw8 * dx8u;
            }
            const size_t i = (size_t)r * (size_t)p->outputs + (size_t)o;
            const double rounding = (p->inputs + 5) * 0x1p-24 * size;
            want[i] = ami_activation_of(p->act, 0.25, sum);
            bound[AMI_PRECISION_FP32][i] = rounding;
            bound[AMI_PRECISION_BF16][i] = rounding + bf16;
            bound[AMI_PRECISION_INT16][i] = rounding + int16 * 1.00001;
            bound[AMI_PRECISION_INT8][i] = rounding + int8 * 1.00001;
            bound[ONE_PLANE][i] = rounding + int8u * 1.00001;
        }
    }
}

/* A layer's answers for max_n rows: in double with bounds, and each precision's reference. */
typedef struct answers {
    double *want, *bound[KINDS];
    float *reference[KINDS];
} answers;

static answers answers_create(problem *p, const float *x, int max_n)
{
    const size_t count = (size_t)max_n * (size_t)p->outputs;
    answers a = {.want = malloc(count * sizeof(double))};
    assert_non_null(a.want);
    for (int i = 0; i < KINDS; i++) {
        a.bound[i] = malloc(count * sizeof(double));
        a.reference[i] = malloc(count * sizeof(float));
        assert_true(a.bound[i] && a.reference[i]);
    }
    in_double(p, x, (size_t)p->inputs, max_n, a.want, a.bound);
    static const char *const name[KINDS] = {"ref", "bf16_ref", "int16_ref", "int8_ref", "int8u_ref"};
    for (int i = 0; i < KINDS; i++) {
        const ami_kernel *kernel = ami_kernel_by_name(name[i], NULL);
        assert_non_null(kernel);
        assert_int_equal(kind_of(kernel), i);
        problem_pack(p, kernel);
        run(kernel, p, x, (size_t)p->inputs, max_n, a.reference[i], (size_t)p->outputs);
        problem_unpack(p);
    }
    return a;
}

static void answers_free(answers *a)
{
    free(a->want);
    for (int i = 0; i < KINDS; i++) {
        free(a->bound[i]);
        free(a->reference[i]);
    }
}

/* One batch's outputs y (rows first .. first + n - 1 of the answers) against double and the reference. */
static void check_values(const ami_kernel *kernel, const problem *p, const answers *a, int first, int n,
                         const float *y, size_t y_stride)
{
    const size_t out = (size_t)p->outputs;
    const bool exact = kernel->precision == AMI_PRECISION_INT16 || kernel->precision == AMI_PRECISION_INT8;
    double worst = 0.0;
    size_t worst_at = 0;
    for (size_t i = 0; i < (size_t)n * out; i++) {
        const size_t at = (size_t)first * out + i;
        const float got = y[i / out * y_stride + i % out];
        const double off = fabs((double)got - a->want[at]) / a->bound[kind_of(kernel)][at];
        if (!(off <= worst)) {
            worst = isnan(off) ? (double)INFINITY : off;
            worst_at = i;
        }
        const float reference = a->reference[kind_of(kernel)][at];
        /* Floats may be summed in another order than the reference's: both are within the rounding's bound of
         * the same exact sum. */
        const double apart = fabs((double)got - (double)reference),
                     allowed = 2 * 2 * a->bound[AMI_PRECISION_FP32][at];
        if (exact ? !same_bits(&got, &reference, 1) : !(apart <= allowed))
            fail_msg("%s, %d inputs, %d outputs, %d rows: row %zu, output %zu is %.9g, the reference's %.9g",
                     kernel->name, p->inputs, p->outputs, n, i / out, i % out, (double)got,
                     (double)reference);
    }
    if (worst > 1.0)
        fail_msg("%s, %d inputs, %d outputs, %d rows: worst at row %zu, output %zu: %.9g, in double %.17g, "
                 "%.3g times the bound",
                 kernel->name, p->inputs, p->outputs, n, worst_at / out, worst_at % out,
                 (double)y[worst_at / out * y_stride + worst_at % out],
                 a->want[(size_t)first * out + worst_at], worst);
}

/* Rows of every number from 1 to max_n of one layer through one kernel: accuracy, fences, canaries, and the
 * same bits as alone. */
static void check_layer(const ami_kernel *kernel, problem *p, const float *x, int max_n, const answers *a)
{
    const size_t in = (size_t)p->inputs, out = (size_t)p->outputs;
    const uint32_t canary_bits = 0x7fc0beefu;
    float canary;
    memcpy(&canary, &canary_bits, sizeof canary);
    float *alone = malloc((size_t)max_n * out * sizeof(float));
    assert_non_null(alone);
    problem_pack(p, kernel);
    for (int r = 0; r < max_n; r++)
        run(kernel, p, x + (size_t)r * in, in, 1, alone + (size_t)r * out, out);

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
        /* Odd batches in two parts, cut at a panel. */
        const int cut = n % 2 && p->outputs > kernel->panel ? kernel->panel : 0;
        if (cut)
            run_part(kernel, p, 0, cut, fx.at, x_stride, n, y, y_stride);
        run_part(kernel, p, cut, p->outputs, fx.at, x_stride, n, y, y_stride);

        for (size_t i = 0; i < before; i++)
            if (!same_bits(fy.at + i, &canary, 1))
                fail_msg("%s, %d inputs, %d outputs, %d rows: wrote %zu floats before the output",
                         kernel->name, p->inputs, p->outputs, n, before - i);
        for (int r = 0; r < n; r++) {
            const float *row = y + (size_t)r * y_stride;
            if (!same_bits(row, alone + (size_t)(first + r) * out, out))
                fail_msg("%s, %d inputs, %d outputs: row %d of %d differs from the same row alone",
                         kernel->name, p->inputs, p->outputs, r, n);
            for (size_t o = out; r + 1 < n && o < y_stride; o++)
                if (!same_bits(row + o, &canary, 1))
                    fail_msg("%s, %d inputs, %d outputs, %d rows: wrote behind row %d", kernel->name,
                             p->inputs, p->outputs, n, r);
        }
        check_values(kernel, p, a, first, n, y, y_stride);
        fenced_free(fx);
        fenced_free(fy);
    }
    problem_unpack(p);
    free(alone);
}

static void check_shape(ami_rng *rng, int inputs, int outputs, int max_n)
{
    static const ami_activation act[] = {AMI_ACT_IDENTITY, AMI_ACT_RELU, AMI_ACT_LEAKY_RELU};
    problem p = problem_create(rng, inputs, outputs, act[(inputs + outputs) % 3]);
    float *x = malloc((size_t)max_n * (size_t)inputs * sizeof(float));
    assert_non_null(x);
    fill(rng, x, (size_t)max_n * (size_t)inputs);
    /* kernels of one plane take no negative inputs */
    for (int one_plane = 0; one_plane <= 1; one_plane++) {
        for (int i = 0; one_plane && i < max_n * inputs; i++)
            x[i] = fabsf(x[i]);
        answers a = answers_create(&p, x, max_n);
        for (int k = 0; k < ami_kernel_count(); k++)
            if (ami_kernel_at(k)->one_plane == one_plane)
                check_layer(ami_kernel_at(k), &p, x, max_n, &a);
        answers_free(&a);
    }
    problem_free(&p);
    free(x);
}

static void test_every_tail(void **state)
{
    (void)state;
    static const int inputs[] = {1, 2, 3, 4, 5, 7, 8, 9, 16, 17, 31, 64, 70};
    ami_rng rng = ami_rng_seed(1, 0);
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        for (int outputs = 1; outputs <= 70; outputs++)
            check_shape(&rng, inputs[i], outputs, 20);
    /* Wide enough for several full panels side by side, with each number of panels left over and each tail.
     */
    for (int outputs = 71; outputs <= 300; outputs++)
        check_shape(&rng, 3, outputs, 5);
}

static void test_every_input_length(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(2, 0);
    for (int inputs = 1; inputs <= 70; inputs++)
        check_shape(&rng, inputs, 36, 20);
}

static void test_the_networks_layers(void **state)
{
    (void)state;
    static const int shape[][2] = {{197, 1024}, {1024, 512}, {512, 36},  {512, 1},   {132, 256},
                                   {256, 128},  {128, 32},   {32, 2},    {256, 256}, {256, 512},
                                   {512, 4380}, {4380, 512}, {65536, 1}, {1, 65536}};
    ami_rng rng = ami_rng_seed(3, 0);
    for (size_t i = 0; i < sizeof shape / sizeof shape[0]; i++)
        check_shape(&rng, shape[i][0], shape[i][1], 9);
}

/* kernels.h: all fp32 kernels that fuse multiply and add give the same bits, whatever the layer's width. */
static void test_fusing_kernels_agree(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(4, 0);
    enum { IN = 197, MOST = 101, ROWS = 13 };
    for (int out = 1; out <= MOST; out++) {
        problem p = problem_create(&rng, IN, out, AMI_ACT_RELU);
        static float x[ROWS * IN], first[ROWS * MOST], y[ROWS * MOST];
        fill(&rng, x, ROWS * IN);
        int fusing = 0;
        for (int k = 1; k < ami_kernel_count(); k++) {
            const ami_kernel *kernel = ami_kernel_at(k);
            if (kernel->precision != AMI_PRECISION_FP32)
                continue;
            problem_pack(&p, kernel);
            run(kernel, &p, x, IN, ROWS, fusing ? y : first, (size_t)out);
            problem_unpack(&p);
            for (int i = 0; fusing && i < ROWS * out; i++)
                if (!same_bits(first + i, y + i, 1))
                    fail_msg("%d outputs: row %d, output %d is %.9g, with %s %.9g", out, i / out, i % out,
                             (double)first[i], kernel->name, (double)y[i]);
            fusing++;
        }
        problem_free(&p);
    }
}

/* One input of weight 1 and a bias of -0: the output is act(x) itself, rounded to the kernel's precision, for
 * every row and place in a vector. */
static void test_special_values(void **state)
{
    (void)state;
    enum { MOST = 150, ROWS = 11 };
    static const float in[] = {NAN,       -NAN,       INFINITY,  -INFINITY,  0.0f, -0.0f,
                               0x1p-120f, -0x1p-120f, 3.375e38f, -3.375e38f, -1.5f};
    _Static_assert(sizeof in / sizeof in[0] == ROWS, "a value a row");
    ami_rng rng = ami_rng_seed(5, 0);
    static const int outputs[] = {1, 4, 5, 40, MOST};
    for (size_t i = 0; i < 2 * sizeof outputs / sizeof outputs[0]; i++) {
        const bool relu = i % 2;
        const int out = outputs[i / 2];
        problem p = problem_create(&rng, 1, out, relu ? AMI_ACT_RELU : AMI_ACT_IDENTITY);
        for (int o = 0; o < out; o++) {
            p.weight[o] = 1.0f;
            p.bias[o] = -0.0f;
        }
        for (int k = 0; k < ami_kernel_count(); k++) {
            const ami_kernel *kernel = ami_kernel_at(k);
            const bool integer =
                kernel->precision == AMI_PRECISION_INT16 || kernel->precision == AMI_PRECISION_INT8;
            /* bf16 rounds the input; integers scale it by 1/most and back; sums of several chains turn -0
             * into 0 */
            const double near = kernel->precision == AMI_PRECISION_FP32 ? 0 : integer ? 4 * 0x1p-24 : 0x1p-8;
            problem_pack(&p, kernel);
            for (int n = 1; n <= ROWS; n++) {
                float y[ROWS * MOST];
                run(kernel, &p, in + ROWS - n, 1, n, y, (size_t)out);
                for (int j = 0; j < n * out; j++) {
                    float v = in[ROWS - n + j / out];
                    if (kernel->one_plane && v < 0.0f)
                        continue;
                    if (integer && isinf(v))
                        v = NAN;
                    if (integer && fabsf(v) < 0x1p-100f)
                        v = 0.0f;
                    const float want = relu && v < 0.0f ? 0.0f : v;
                    const bool good = isnan(want) || isinf(want)
                                          ? (isnan(want) ? isnan(y[j]) : y[j] == want)
                                          : fabs((double)y[j] - (double)want) <= near * fabs((double)want);
                    if (!good)
                        fail_msg("%s, %s, %d rows, output %d of %d: %g became %g, expected %g", kernel->name,
                                 relu ? "ReLU" : "identity", n, j % out, out, (double)in[ROWS - n + j / out],
                                 (double)y[j], (double)want);
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
    enum { IN = 37, MOST = 70, ROWS = 14 };
    ami_rng rng = ami_rng_seed(6, 0);
    for (int out = 1; out <= MOST; out += 23) {
        problem p = problem_create(&rng, IN, out, AMI_ACT_RELU);
        float x[ROWS * IN], clean[ROWS * MOST], y[ROWS * MOST];
        fill(&rng, x, ROWS * IN);
        for (int k = 0; k < ami_kernel_count(); k++) {
            const ami_kernel *kernel = ami_kernel_at(k);
            problem_pack(&p, kernel);
            run(kernel, &p, x, IN, ROWS, clean, (size_t)out);
            for (int bad = 0; bad < ROWS; bad++) {
                float *victim = &x[bad * IN + bad * 7 % IN];
                const float kept = *victim;
                *victim = NAN;
                run(kernel, &p, x, IN, ROWS, y, (size_t)out);
                *victim = kept;
                for (int i = 0; i < ROWS * out; i++) {
                    if (i / out == bad ? !isnan(y[i]) : !same_bits(&y[i], &clean[i], 1))
                        fail_msg("%s: NaN in row %d, row %d output %d is %g (%g without the NaN)",
                                 kernel->name, bad, i / out, i % out, (double)y[i], (double)clean[i]);
                }
            }
            problem_unpack(&p);
        }
        problem_free(&p);
    }
}

/* The largest sums that integers can meet: all weights and all inputs at their limit, of one sign, over the
 * most inputs there can be. The answer is exact but for fp32's rounding, which it would not be if a sum had
 * wrapped around. */
static void test_integers_do_not_overflow(void **state)
{
    (void)state;
    static const int inputs[] = {31, 32, 33, 64, 4380, AMI_NET_MAX_DIM};
    ami_rng rng = ami_rng_seed(8, 0);
    for (size_t i = 0; i < sizeof inputs / sizeof inputs[0]; i++)
        for (int out = 1; out <= 17; out += 8)
            for (int sign = -1; sign <= 1; sign += 2) {
                const int in = inputs[i];
                problem p = problem_create(&rng, in, out, AMI_ACT_IDENTITY);
                float *x = malloc((size_t)in * sizeof *x), y[17];
                assert_non_null(x);
                for (int k = 0; k < in; k++)
                    x[k] = 2.0f;
                for (int k = 0; k < in * out; k++)
                    p.weight[k] = 0.5f * (float)sign;
                for (int k = 0; k < ami_kernel_count(); k++) {
                    problem_pack(&p, ami_kernel_at(k));
                    run(ami_kernel_at(k), &p, x, (size_t)in, 1, y, (size_t)out);
                    problem_unpack(&p);
                    for (int o = 0; o < out; o++)
                        if (!(fabs((double)y[o] - (double)(sign * in) - (double)p.bias[o]) <= 1e-5 * in))
                            fail_msg("%s: %d times %d plus %g is %g", ami_kernel_at(k)->name, in, sign,
                                     (double)p.bias[o], (double)y[o]);
                }
                problem_free(&p);
                free(x);
            }
}

/* The layout kernels.h describes, number by number, in fp32. */
static void test_packing(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(7, 0);
    for (int k = 0; k < ami_kernel_count(); k++) {
        const ami_kernel *kernel = ami_kernel_at(k);
        assert_true(kernel->lanes > 0 && kernel->panel % kernel->lanes == 0);
        if (kernel->precision != AMI_PRECISION_FP32)
            continue;
        for (int outputs = 1; outputs <= 100; outputs++) {
            const int inputs = 1 + outputs % 6;
            problem p = problem_create(&rng, inputs, outputs, AMI_ACT_IDENTITY);
            problem_pack(&p, kernel);
            const int padded = (outputs + kernel->lanes - 1) / kernel->lanes * kernel->lanes;
            const float *packed = p.layer.weight;
            assert_int_equal(ami_kernel_padded_outputs(kernel, outputs), padded);
            assert_int_equal(ami_kernel_weight_cells(kernel, inputs, outputs),
                             outputs <= AMI_DOT ? outputs * 16 : padded * inputs);
            for (int o = 0; o < padded; o++) {
                const int panel = o / kernel->panel * kernel->panel;
                const int width = padded - panel < kernel->panel ? padded - panel : kernel->panel;
                const float bias = o < outputs ? p.bias[o] : 0.0f;
                assert_true(same_bits(&p.layer.bias[o], &bias, 1));
                for (int i = 0; i < inputs && (outputs > AMI_DOT || o < outputs); i++) {
                    const float weight = o < outputs ? p.weight[o * inputs + i] : 0.0f;
                    assert_true(same_bits(
                        packed + (outputs <= AMI_DOT ? o * 16 + i : panel * inputs + i * width + o - panel),
                        &weight, 1));
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
    assert_true(ami_kernel_count() >= 1);
    assert_string_equal(ami_kernel_at(0)->name, "ref");
    assert_null(ami_kernel_at(ami_kernel_count()));
    ami_error err = {""};
    for (int k = 0; k < ami_kernel_count(); k++)
        assert_ptr_equal(ami_kernel_by_name(ami_kernel_at(k)->name, &err), ami_kernel_at(k));
    assert_string_equal(err.text, "");

    /* Every kernel of the list either runs here or is refused with its reason. */
    static const char *const names[] = {
#define AMI_KERNEL(name, precision, isa, lanes, panel, runs_here) #name,
#include "nets/kernels/kernels.inc"
#undef AMI_KERNEL
    };
    int found = 0;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        if (ami_kernel_by_name(names[i], &err))
            found++;
        else
            assert_non_null(
                strstr(err.text, "needs instructions that this CPU or its operating system does not offer"));
    }
    assert_int_equal(found, ami_kernel_count());

    for (int k = 0; k < 2; k++) {
        const char *name = k ? "AVX2" : "";
        assert_null(ami_kernel_by_name(name, &err));
        assert_non_null(strstr(err.text, "there is no kernel \""));
        assert_non_null(strstr(err.text, "these run here: ref"));
    }
}

/* What is fastest for each precision is the last of its kernels in the list that runs here. */
static void test_best(void **state)
{
    (void)state;
    for (int precision = 0; precision < AMI_PRECISIONS; precision++) {
        const ami_kernel *last = NULL;
        int count = 0;
        for (int k = 0; k < ami_kernel_count(); k++)
            if (kind_of(ami_kernel_at(k)) == precision) {
                last = ami_kernel_at(k);
                count++;
            }
        assert_ptr_equal(ami_kernel_best((ami_precision)precision), last);
        assert_int_equal(ami_kernel_is_fast((ami_precision)precision), count > 1);
    }
    assert_true(ami_kernel_best_one_plane()->one_plane);
    for (int k = 0; k < ami_kernel_count(); k++) {
        const ami_kernel *kernel = ami_kernel_at(k), *two = ami_kernel_of_two_planes(kernel);
        assert_false(two->one_plane);
        assert_int_equal(two->precision, kernel->precision);
        assert_string_equal(two->isa, kernel->isa);
        assert_true(kernel->one_plane || two == kernel);
    }
}

/* Weights that are whole multiples of a given unit are packed as they are: with inputs that activations hold
 * exactly, the sum is exact but for fp32's rounding. */
static void test_given_units(void **state)
{
    (void)state;
    enum { IN = 45, OUT = 70 };
    ami_rng rng = ami_rng_seed(9, 0);
    problem p = problem_create(&rng, IN, OUT, AMI_ACT_IDENTITY);
    float unit[OUT], x[IN], y[OUT];
    for (int o = 0; o < OUT; o++) {
        unit[o] = (float)ami_rng_range(&rng, .01, 1); /* the largest weight need not be ±127 of them */
        for (int k = 0; k < IN; k++)
            p.weight[o * IN + k] = unit[o] * (float)(int)ami_rng_range(&rng, -99, 99);
    }
    for (int k = 0; k < IN; k++)
        x[k] = k ? (float)(k % 2) : 1.0f;
    for (int i = 0; i < ami_kernel_count(); i++) {
        const ami_kernel *kernel = ami_kernel_at(i);
        if (kernel->precision != AMI_PRECISION_INT8 && kernel->precision != AMI_PRECISION_INT16)
            continue;
        p.packed = fenced_alloc(ami_kernel_layer_size(kernel, IN, OUT) / sizeof(float));
        p.layer = ami_kernel_pack(kernel, IN, OUT, p.weight, p.bias, unit, p.packed.at);
        run(kernel, &p, x, IN, 1, y, OUT);
        problem_unpack(&p);
        for (int o = 0; o < OUT; o++) {
            double want = p.bias[o];
            for (int k = 0; k < IN; k++)
                want += (double)p.weight[o * IN + k] * (double)x[k];
            if (!(fabs((double)y[o] - want) <= 1e-6 * (100 * (double)unit[o] + fabs(want))))
                fail_msg("%s: output %d is %.9g, expected %.9g", kernel->name, o, (double)y[o], want);
        }
    }
    problem_free(&p);
}

static void test_precision_names(void **state)
{
    (void)state;
    for (int i = 0; i <= AMI_PRECISIONS; i++) {
        ami_precision found = AMI_PRECISION_FP32;
        assert_true(ami_precision_by_name(ami_precision_name((ami_precision)i), &found));
        assert_int_equal(found, i);
    }
    ami_precision untouched = AMI_PRECISION_BF16;
    assert_false(ami_precision_by_name("fp64", &untouched));
    assert_int_equal(untouched, AMI_PRECISION_BF16);
}

static void test_environment_variable(void **state)
{
    (void)state;
    const char *value = getenv("AMB_KERNEL");
    char *kept = value ? strdup(value) : NULL;
    const ami_kernel *kernel = ami_kernel_at(0);
    ami_error err = {""};

    for (int i = 0; i < 2; i++) {
        if (i)
            setenv("AMB_KERNEL", "", 1);
        else
            unsetenv("AMB_KERNEL");
        kernel = ami_kernel_at(0);
        assert_true(ami_kernel_from_environment(&kernel, &err));
        assert_null(kernel);
    }
    for (int k = 0; k < ami_kernel_count(); k++) {
        setenv("AMB_KERNEL", ami_kernel_at(k)->name, 1);
        assert_true(ami_kernel_from_environment(&kernel, &err));
        assert_ptr_equal(kernel, ami_kernel_at(k));
    }
    assert_string_equal(err.text, "");

    setenv("AMB_KERNEL", "abacus", 1);
    assert_false(ami_kernel_from_environment(&kernel, &err));
    assert_non_null(strstr(
        err.text, "environment variable AMB_KERNEL: there is no kernel \"abacus\"; these run here: ref"));
    assert_false(ami_kernel_from_environment(&kernel, NULL));

    if (kept)
        setenv("AMB_KERNEL", kept, 1);
    else
        unsetenv("AMB_KERNEL");
    free(kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list_and_names),
        cmocka_unit_test(test_best),
        cmocka_unit_test(test_precision_names),
        cmocka_unit_test(test_environment_variable),
        cmocka_unit_test(test_packing),
        cmocka_unit_test(test_given_units),
        cmocka_unit_test(test_special_values),
        cmocka_unit_test(test_nan_stays_in_its_row),
        cmocka_unit_test(test_integers_do_not_overflow),
        cmocka_unit_test(test_fusing_kernels_agree),
        cmocka_unit_test(test_every_input_length),
        cmocka_unit_test(test_every_tail),
        cmocka_unit_test(test_the_networks_layers),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
