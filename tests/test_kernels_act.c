/* The vector activations against double precision over all floats: errors of exp, tanh and sigmoid in units
 * in the last place, and special values. */
#include "nets/kernels/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "tests/skip.h"

enum { BLOCK = 1021 }; /* no multiple of a vector */

static const struct {
    ami_activation act;
    double ulps; /* what kernels/act.inc promises */
} promise[] = {{AMI_ACT_IDENTITY, 0}, {AMI_ACT_RELU, 0}, {AMI_ACT_LEAKY_RELU, .5},
               {AMI_ACT_ELU, 2},      {AMI_ACT_TANH, 3}, {AMI_ACT_SIGMOID, 3}};
_Static_assert(sizeof promise / sizeof promise[0] == AMI_ACTIVATIONS, "every activation");

static float float_of(uint32_t bits)
{
    float value;
    memcpy(&value, &bits, sizeof value);
    return value;
}

/* The distance between two floats at |v|, at least 2^-149. */
static double ulp(double v)
{
    int exponent;
    frexp(v, &exponent);
    return ldexp(1, exponent - 24 < -149 ? -149 : exponent - 24);
}

static void check_block(ami_activate_function *activate, const char *name, int a, float alpha,
                        const float *in, int count, double *worst, float *worst_at)
{
    float y[BLOCK];
    memcpy(y, in, (size_t)count * sizeof *y);
    activate(promise[a].act, alpha, y, (size_t)count, 1, count);
    for (int i = 0; i < count; i++) {
        const double want = ami_activation_of(promise[a].act, (double)alpha, (double)in[i]);
        if (isnan(want) ? !isnan(y[i]) : isinf((float)want) && (float)want != y[i])
            fail_msg("%s, %s of %a: %a, expected %a", name, ami_activation_name(promise[a].act),
                     (double)in[i], (double)y[i], want);
        if (isnan(want) || isinf((float)want))
            continue;
        const double off = fabs((double)y[i] - want) / ulp(want);
        if (!(off <= *worst)) {
            *worst = isnan(off) ? (double)INFINITY : off;
            *worst_at = in[i];
        }
    }
}

static void sweep(ami_activate_function *activate, const char *name)
{
    for (int a = 0; a < AMI_ACTIVATIONS; a++) {
        double worst = 0;
        float worst_at = 0, block[BLOCK];
        int count = 0;
        for (uint64_t bits = 0; bits < 1ull << 32; bits += 2311) {
            block[count++] = float_of((uint32_t)bits);
            if (count == BLOCK) {
                check_block(activate, name, a, 1.0f, block, count, &worst, &worst_at);
                count = 0;
            }
        }
        /* Densely where exp turns from one power of two to the next, and where tanh and e^v - 1 are nearly
         * linear. */
        for (double v = -110; v < 20; v += 7.3e-4) {
            block[count++] = (float)v;
            if (count == BLOCK) {
                check_block(activate, name, a, 1.0f, block, count, &worst, &worst_at);
                count = 0;
            }
        }
        static const float special[] = {0.0f,     -0.0f,     1.0f,      -1.0f,      NAN,     -NAN,
                                        INFINITY, -INFINITY, 0x1p-149f, -0x1p-149f, 3.4e38f, -3.4e38f};
        check_block(activate, name, a, 1.0f, special, (int)(sizeof special / sizeof special[0]), &worst,
                    &worst_at);
        if (worst > promise[a].ulps)
            fail_msg("%s: %s is %.3g ulp off at %a, allowed %.3g", name, ami_activation_name(promise[a].act),
                     worst, (double)worst_at, promise[a].ulps);
        print_message("%s: %s within %.3g ulp (worst at %a)\n", name, ami_activation_name(promise[a].act),
                      worst, (double)worst_at);
    }
}

/* Rows, strides, every width; each value as if it were alone; what lies between rows stays. */
static void blocks(ami_activate_function *activate)
{
    for (int a = 0; a < AMI_ACTIVATIONS; a++)
        for (int width = 1; width <= 40; width++) {
            enum { ROWS = 3, STRIDE = 43 };
            float y[ROWS * STRIDE], before[ROWS * STRIDE];
            for (int i = 0; i < ROWS * STRIDE; i++)
                y[i] = before[i] = (float)(i % 17) * .37f - 3.0f;
            activate(promise[a].act, .3f, y, STRIDE, ROWS, width);
            for (int i = 0; i < ROWS * STRIDE; i++) {
                float want = before[i];
                if (i % STRIDE < width)
                    activate(promise[a].act, .3f, &want, 1, 1, 1);
                assert_memory_equal(&y[i], &want, sizeof want);
            }
        }
}

static void test_reference(void **state)
{
    (void)state;
    sweep(ami_activate_ref, "plain C");
    blocks(ami_activate_ref);
}

static void test_vectors(void **state)
{
    (void)state;
    if (!ami_kernel_by_name("avx2", NULL) && !ami_kernel_by_name("avx512", NULL))
        skip_because("this CPU has no vector kernels");
#if defined(__x86_64__)
    if (ami_kernel_by_name("avx2", NULL)) {
        sweep(ami_activate_avx2, "avx2");
        blocks(ami_activate_avx2);
    }
    if (ami_kernel_by_name("avx512", NULL)) {
        sweep(ami_activate_avx512, "avx512");
        blocks(ami_activate_avx512);
    }
#endif
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_reference), cmocka_unit_test(test_vectors)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
