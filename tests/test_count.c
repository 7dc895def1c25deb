/* base/count: counts with and without k and M, exact for whole numbers; everything else is an error. */
#include "base/count.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

static void counts_are_read(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
    } good[] = {{"0", 0},        {"007", 7},    {"-3", -3},    {"1.5", 1.5},    {"2e6", 2e6},
                {"20k", 20000},  {"2M", 2e6},   {".5k", 500},  {"1.5k", 1500},  {"4.1M", 4.1e6},
                {"8.2M", 8.2e6}, {"-1k", -1e3}, {"1e3k", 1e6}, {"2.01k", 2010}, {"1e-3k", 1},
                {"0.0005k", .5}, {"1E2M", 1e8}};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        double x = 77;
        if (!ami_count_read(good[i].text, &x) || x != good[i].value)
            fail_msg("\"%s\" is %.17g, expected %.17g", good[i].text, x, good[i].value);
    }
    for (int hundredth = 1; hundredth < 3000; hundredth++) { /* every count with two decimals is whole */
        char text[32];
        double x = 77;
        snprintf(text, sizeof text, "%d.%02dM", hundredth / 100, hundredth % 100);
        assert_true(ami_count_read(text, &x));
        if (x != 1e4 * hundredth)
            fail_msg("\"%s\" is %.17g", text, x);
    }
}

static void nothing_else_is(void **state)
{
    (void)state;
    static const char *const bad[] = {"",     "k",  "M",   " 1k",  "1 k",   "1k ",    "1kk",    "1kM",
                                      "1m",   "1K", "1G",  "0x1k", "nan",   "inf",    "infk",   "1,5k",
                                      "--1k", "k1", "1k1", "1e",   "1e400", "1e308k", "-1e305M"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        double x = 77;
        if (ami_count_read(bad[i], &x))
            fail_msg("\"%s\" was taken", bad[i]);
        assert_true(x == 77);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(counts_are_read), cmocka_unit_test(nothing_else_is)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
