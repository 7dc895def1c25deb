/* Reading and writing numbers, in a locale with a decimal comma (tests/locale.c). */
#include "base/number.h"

#include "base/error.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void test_comma_is_the_hosts(void **state)
{
    (void)state;
    char text[32];
    snprintf(text, sizeof text, "%.1f", .5);
    assert_string_equal(text, "0,5");
    assert_true(strtod("0.5", NULL) == 0);
}

static void test_reads(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        double value;
        const char *rest;
    } rows[] = {{"0.5", .5, ""},        {".5", .5, ""},
                {"5.", 5, ""},          {"-1.25e-3", -.00125, ""},
                {"+2E+2", 200, ""},     {"1e5x", 1e5, "x"},
                {"1e", 1, "e"},         {"1e+", 1, "e+"},
                {"0x10", 0, "x10"},     {"-0x1p3", -0., "x1p3"},
                {"00x10", 0, "x10"},    {"0.5,7", .5, ",7"},
                {"1.2.3", 1.2, ".3"},   {"2M", 2, "M"},
                {"7 ", 7, " "},         {"1e-999", 0, ""},
                {"0,5", 0, ",5"},       {"1_000", 1, "_000"},
                {"12e3e4", 12e3, "e4"}, {"179769313486231570000e288", DBL_MAX, ""}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const char *end = NULL;
        double value = NAN;
        if (!ami_number_read(rows[i].text, &end, &value))
            fail_msg("%s is refused", rows[i].text);
        if (value != rows[i].value || signbit(value) != signbit(rows[i].value) ||
            strcmp(end, rows[i].rest) != 0)
            fail_msg("%s is %.17g, then %s", rows[i].text, value, end);
        value = NAN;
        if (ami_number_read(rows[i].text, NULL, &value) != !rows[i].rest[0] ||
            isnan(value) != !!rows[i].rest[0])
            fail_msg("%s as a whole", rows[i].text);
    }
    static const char *const none[] = {"",    " 1",    "\t1",    "x",        "inf", "nan", "-",
                                       "+",   ".",     "-.",     "e5",       ".e5", ",5",  "--1",
                                       "+-1", "1e999", "-1e400", "infinity", "0e",  "0x"};
    for (size_t i = 0; i < sizeof none / sizeof *none; i++) {
        double value = 17;
        if (ami_number_read(none[i], NULL, &value) || value != 17)
            fail_msg("\"%s\" is read as %g", none[i], value);
    }
}

static void test_prints(void **state)
{
    (void)state;
    static const struct {
        double value;
        const char *text;
    } rows[] = {{0, "0"},
                {-0., "-0"},
                {.95, "0.95"},
                {.1 + .2, "0.30000000000000004"},
                {1e-5, "1e-05"},
                {2e6, "2000000"},
                {1. / 3, "0.3333333333333333"},
                {5e-324, "5e-324"},
                {DBL_MAX, "1.7976931348623157e+308"},
                {-2.5, "-2.5"},
                {9007199254740993., "9007199254740992"},
                {INFINITY, "inf"},
                {-INFINITY, "-inf"},
                {NAN, "nan"},
                {-NAN, "nan"}};
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char text[AMI_NUMBER_TEXT];
        assert_string_equal(ami_number_print(rows[i].value, text), rows[i].text);
    }
}

/* Any bits: what is printed reads back, and no shorter form does. */
static void test_reads_back(void **state)
{
    (void)state;
    uint64_t bits = 88172645463325252u;
    for (int i = 0; i < 100000; i++) {
        bits ^= bits << 13, bits ^= bits >> 7, bits ^= bits << 17; /* xorshift64 (Marsaglia 2003) */
        double value, back = NAN, shorter = NAN;
        const uint64_t taken = i % 10 ? bits : bits & 0x800fffffffffffff; /* every tenth has lost digits */
        memcpy(&value, &taken, sizeof value);
        if (!isfinite(value))
            continue;
        char text[AMI_NUMBER_TEXT], shorter_text[64];
        ami_number_print(value, text);
        if (!ami_number_read(text, NULL, &back) || memcmp(&back, &value, sizeof value) != 0)
            fail_msg("%a is %s, which is %a", value, text, back);
        int digits = 0, places = 0; /* from the first to the last that is not 0 */
        for (const char *c = text; *c && *c != 'e'; c++) {
            places += *c >= '0' && *c <= '9' && (places || *c != '0');
            digits = *c >= '1' && *c <= '9' ? places : digits;
        }
        ami_number_format(shorter_text, sizeof shorter_text, "%.*g", digits - 1, value);
        if (digits > 1 && ami_number_read(shorter_text, NULL, &shorter) && shorter == value)
            fail_msg("%s would be enough for %s", shorter_text, text);
    }
}

static void test_formats(void **state)
{
    (void)state;
    char text[64];
    assert_int_equal(ami_number_format(text, sizeof text, "%.3f and %g", 1.5, .25), 14);
    assert_string_equal(text, "1.500 and 0.25");
    char *stream = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&stream, &size);
    assert_int_equal(ami_number_fprintf(out, "%.1f;%d", .5, 7), 5);
    fclose(out);
    assert_string_equal(stream, "0.5;7");
    free(stream);
    ami_error err;
    ami_fail(&err, "%g", .5);
    assert_string_equal(err.text, "0.5");
    ami_fail_in(&err, "%g", 1.5);
    assert_string_equal(err.text, "1.5: 0.5");
    assert_string_equal(setlocale(LC_NUMERIC, NULL), "de_DE.UTF-8"); /* the host's is as it was */
    snprintf(text, sizeof text, "%.1f", .5);
    assert_string_equal(text, "0,5");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_comma_is_the_hosts),
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_prints),
        cmocka_unit_test(test_reads_back),
        cmocka_unit_test(test_formats),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
