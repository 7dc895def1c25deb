/* Settings: every number from text and back without loss, and an error for everything else. */
#include "learn/settings.h"

#include "base/number.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static double *numbers(ami_settings *settings)
{
    return (double *)settings;
}

static void assert_set(const char *name, const char *text, double want)
{
    ami_settings settings = ami_settings_default();
    ami_error err = {""};
    const int i = ami_setting_by_name(name);
    assert_true(i >= 0);
    if (!ami_settings_set(&settings, name, text, &err))
        fail_msg("%s=%s: %s", name, text, err.text);
    if (numbers(&settings)[i] != want)
        fail_msg("%s=%s is %.17g, expected %.17g", name, text, numbers(&settings)[i], want);
    /* and nothing else changed */
    ami_settings before = ami_settings_default();
    for (int k = 0; k < AMI_SETTING_COUNT; k++)
        if (k != i)
            assert_true(numbers(&settings)[k] == numbers(&before)[k]);
}

static void assert_refused(const char *name, const char *text, const char *says)
{
    ami_settings settings = ami_settings_default(), before = settings;
    ami_error err = {""};
    if (ami_settings_set(&settings, name, text, &err))
        fail_msg("%s=%s was taken, expected \"%s\"", name, text, says);
    if (!strstr(err.text, says))
        fail_msg("%s=%s: \"%s\" does not say \"%s\"", name, text, err.text, says);
    assert_memory_equal(&settings, &before, sizeof settings);
    assert_false(ami_settings_set(&settings, name, text, NULL)); /* nobody listens */
}

static void the_list_is_in_order(void **unused)
{
    (void)unused;
    assert_int_equal(sizeof(ami_settings), AMI_SETTING_COUNT * sizeof(double));
    ami_settings settings = ami_settings_default();
    assert_true(settings.seed == 1 && settings.envs == 64 && settings.gamma == .95 && settings.bf16 == -1 &&
                settings.look_ahead == .06);
    assert_true(offsetof(ami_settings, gamma) == sizeof(double) * (size_t)ami_setting_by_name("gamma"));
    assert_true(offsetof(ami_settings, bf16) == sizeof(double) * (size_t)ami_setting_by_name("bf16"));
    for (int i = 0; i < AMI_SETTING_COUNT; i++) {
        const ami_setting *s = &ami_setting_list[i];
        assert_true(numbers(&settings)[i] == s->value);
        if (!(s->lo <= s->value && s->value <= s->hi && s->lo < s->hi))
            fail_msg("%s: default %g is not within %g to %g", s->name, s->value, s->lo, s->hi);
        if (s->whole)
            assert_true(s->value == floor(s->value) && s->lo == floor(s->lo) && s->hi == floor(s->hi) &&
                        s->hi < 0x1p53);
        assert_true(strlen(s->help) > 5 && strlen(s->name) < 64);
        assert_int_equal(ami_setting_by_name(s->name), i);
        char dashed[64];
        snprintf(dashed, sizeof dashed, "%s", s->name);
        for (char *c = dashed; *c; c++)
            *c = *c == '_' ? '-' : *c;
        assert_int_equal(ami_setting_by_name(dashed), i);
    }
    const char *const not_there[] = {"", "gam", "gammas", "Gamma", "gamma ", "push__speed", "-"};
    for (size_t i = 0; i < sizeof not_there / sizeof *not_there; i++)
        assert_int_equal(ami_setting_by_name(not_there[i]), -1);
    assert_true(ami_settings_check(&settings, NULL));
}

static void the_bounds_belong_to_the_range(void **unused)
{
    (void)unused;
    for (int i = 0; i < AMI_SETTING_COUNT; i++) {
        const ami_setting *s = &ami_setting_list[i];
        const double step = s->whole ? 1 : 1e-9 * fmax(fabs(s->lo), 1);
        char text[64];
        ami_number_format(text, sizeof text, "%.17g", s->lo);
        assert_set(s->name, text, s->lo);
        ami_number_format(text, sizeof text, "%.17g", s->lo - step);
        assert_refused(s->name, text, "expected");
        ami_number_format(text, sizeof text, "%.17g", s->hi);
        assert_set(s->name, text, s->hi);
        ami_number_format(text, sizeof text, "%.17g", s->hi + (s->whole ? 1 : 1e-9 * s->hi));
        assert_refused(s->name, text, "expected");
    }
}

static void numbers_are_read_as_people_write_them(void **unused)
{
    (void)unused;
    assert_set("samples", "2e6", 2e6);
    assert_set("samples", "2M", 2e6);
    assert_set("samples", "500k", 5e5);
    assert_set("samples", "1.5k", 1500);
    assert_set("samples", "2.5M", 2.5e6);
    assert_set("samples", "12345", 12345);
    assert_set("seed", "9e15", 9e15);
    assert_set("seed", "8999999999999999", 8999999999999999.);
    assert_set("actor-rate", "3e-5", 3e-5);
    assert_set("actor_rate", "3e-5", 3e-5);
    assert_set("noise", ".1", .1);
    assert_set("bf16", "-1", -1);
    assert_set("clip", ".3", .3); /* the old name of ratio_clip */
    assert_int_equal(ami_setting_by_name("clip"), ami_setting_by_name("ratio-clip"));
    /* decimals that binary fractions only come near: 4.1 * 1e6 is 4099999.9999999995 */
    assert_set("samples", "4.1M", 4100000);
    assert_set("samples", "8.2M", 8200000);
    assert_set("samples", "2.01k", 2010);
}

static void what_is_wrong_is_said(void **unused)
{
    (void)unused;
    assert_refused("gama", "1", "no setting is named \"gama\"");
    assert_refused("", "1", "no setting is named \"\"");
    const char *const no_number[] = {"",      "x",   "1x",  "1 2",  "2kM", "2kk", "k", "M",
                                     "1e400", "nan", "inf", "-inf", "--1", "1,5", "2m"};
    for (size_t i = 0; i < sizeof no_number / sizeof *no_number; i++)
        assert_refused("samples", no_number[i], "is not a number");
    assert_refused("envs", "1.5", "envs: 1.5 found, expected a whole number");
    assert_refused("envs", "0", "envs: 0 found, expected 1 to 65536");
    ami_settings between = ami_settings_default();
    ami_error err = {""};
    between.gamma_end = -.5;
    assert_false(ami_settings_check(&between, &err));
    assert_non_null(strstr(err.text, "gamma_end: -0.5 found, expected -1"));
    assert_refused("gamma", "1", "gamma: 1 found, expected 0 to 0.9999");
    assert_refused("noise", "-0.1", "noise: -0.1 found, expected 0.0001 to 10");

    ami_settings settings = ami_settings_default();
    err.text[0] = 0;
    settings.envs = 1;
    settings.steps = 3;
    settings.minibatches = 4;
    assert_false(ami_settings_check(&settings, &err));
    assert_string_equal(err.text, "minibatches: 4 found, but an iteration has only 3 samples (envs × steps)");
    settings.steps = 4;
    assert_true(ami_settings_check(&settings, &err));
    settings.envs = 65536;
    settings.steps = 256;
    assert_true(ami_settings_check(&settings, &err));
    settings.steps = 257;
    assert_false(ami_settings_check(&settings, &err));
    assert_non_null(strstr(err.text, "16842752 samples"));
    assert_false(ami_settings_check(&settings, NULL));
    settings = ami_settings_default();
    settings.epochs = settings.minibatches = 1;
    assert_false(ami_settings_check(&settings, &err));
    assert_non_null(strstr(err.text, "expected 2 or more"));
    settings.epochs = 2;
    assert_true(ami_settings_check(&settings, &err));
}

static void printing_and_parsing_is_lossless(void **unused)
{
    (void)unused;
    ami_rng rng = ami_rng_seed(1, 0);
    for (int round = 0; round < 200; round++) {
        ami_settings settings = ami_settings_default(), back = ami_settings_default();
        for (int i = 0; i < AMI_SETTING_COUNT && round; i++) {
            const ami_setting *s = &ami_setting_list[i];
            const double u = ami_rng_uniform(&rng), x = u * u * u * (s->hi - s->lo) + s->lo;
            numbers(&settings)[i] = s->whole ? floor(x) : x;
        }
        const size_t length = ami_settings_print(&settings, NULL, 0);
        char *text = malloc(length + 1);
        assert_int_equal(ami_settings_print(&settings, text, length + 1), length);
        assert_int_equal(strlen(text), length);
        ami_error err = {""};
        if (!ami_settings_parse(&back, text, &err))
            fail_msg("%s", err.text);
        assert_memory_equal(&back, &settings, sizeof back);
        /* a buffer that is too small gets the beginning, and the length is told all the same */
        for (size_t size = 1; size < length; size += 97) {
            char *cut = malloc(size);
            memset(cut, 'x', size);
            assert_int_equal(ami_settings_print(&settings, cut, size), length);
            assert_true(memchr(cut, 0, size) && strncmp(cut, text, strlen(cut)) == 0);
            free(cut);
        }
        free(text);
    }
}

static void parsing_reads_lines_and_refuses_the_rest(void **unused)
{
    (void)unused;
    ami_settings settings = ami_settings_default();
    ami_error err = {""};
    assert_true(ami_settings_parse(&settings, "", &err));
    /* the last line's end may be missing */
    assert_true(ami_settings_parse(&settings, "gamma=.9\nenvs=32\npush-speed=1.5", &err));
    assert_true(settings.gamma == .9 && settings.envs == 32 && settings.push_speed == 1.5 &&
                settings.steps == ami_settings_default().steps);
    const struct {
        const char *text, *says;
    } rows[] = {
        {"gamma", "expected name=value"},
        {"gamma\n=3", "expected name=value"},
        {"=3\n", "expected name=value"},
        {"gamma=\nenvs=3\n", "expected name=value"},
        {"envs=32\n.9\n", "expected name=value"},
        {"envs=32\nnonsense=1\n", "no setting is named \"nonsense\""},
        {"envs=32\ngamma=nonsense\n", "gamma: \"nonsense\" is not a number"},
        {"envs=32.5\n", "whole number"},
        {"envs=0\n", "expected 1 to 65536"},
        {"a_name_that_is_very_much_longer_than_any_setting_of_this_program_has=3\n", "expected name=value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        err.text[0] = 0;
        if (ami_settings_parse(&settings, rows[i].text, &err))
            fail_msg("\"%s\" was taken", rows[i].text);
        if (!strstr(err.text, rows[i].says))
            fail_msg("\"%s\": \"%s\" does not say \"%s\"", rows[i].text, err.text, rows[i].says);
        assert_false(ami_settings_parse(&settings, rows[i].text, NULL));
    }
    /* a value too long for a number is not read as two */
    char text[256] = "noise=0.1";
    memset(text + 9, '0', 54); /* 57 characters that are .1, then a setting of its own on the same line */
    strcpy(text + 63, "000000seed=7\n");
    settings = ami_settings_default();
    assert_false(ami_settings_parse(&settings, text, &err));
    assert_true(settings.seed == 1);
}

/* What fits use: a list of their own, by the same functions. */
static void any_list_will_do(void **state)
{
    (void)state;
    static const ami_setting list[] = {{"rate", ami_setting_real, .5, 0, 1, "a rate"},
                                       {"batch_size", ami_setting_int, 32, 1, 1e6, "rows"}};
    double value[2], back[2];
    char text[64];
    ami_error err = {""};
    ami_setting_defaults(list, 2, value);
    assert_true(value[0] == .5 && value[1] == 32);
    assert_int_equal(ami_setting_find(list, 2, "batch-size"), 1);
    assert_int_equal(ami_setting_find(list, 2, "clip"), -1); /* an old name of training's */
    assert_true(ami_setting_set(&list[1], &value[1], "20k", &err));
    assert_true(ami_setting_set(&list[0], &value[0], ".1", &err));
    const size_t length = ami_setting_print(list, 2, value, text, sizeof text);
    assert_int_equal(length, strlen(text));
    assert_string_equal(text, "rate=0.1\nbatch_size=20000\n");
    ami_setting_defaults(list, 2, back);
    assert_true(ami_setting_parse(list, 2, back, text, &err));
    assert_memory_equal(back, value, sizeof value);
    assert_true(ami_setting_parse(list, 2, back, "batch_size=7\n", &err));
    assert_true(back[0] == .1 && back[1] == 7); /* what is not named stays */
    assert_false(ami_setting_set(&list[1], &value[1], "0", &err));
    assert_string_equal(err.text, "batch_size: 0 found, expected 1 to 1e+06");
    assert_true(value[1] == 20000);
    assert_false(ami_setting_parse(list, 2, back, "clip=1\n", &err));
    assert_string_equal(err.text, "no setting is named \"clip\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_list_is_in_order),
        cmocka_unit_test(the_bounds_belong_to_the_range),
        cmocka_unit_test(numbers_are_read_as_people_write_them),
        cmocka_unit_test(what_is_wrong_is_said),
        cmocka_unit_test(printing_and_parsing_is_lossless),
        cmocka_unit_test(parsing_reads_lines_and_refuses_the_rest),
        cmocka_unit_test(any_list_will_do),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
