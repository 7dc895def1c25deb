/* learn/diagnosis: the sentences for a training's statistics, and when there is none. */
#include "learn/diagnosis.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A training in which nothing is wrong. */
static ami_train_stats good(int64_t samples)
{
    return (ami_train_stats){.samples = samples,
                             .episodes = 100,
                             .episode_s = 5,
                             .fell = .1,
                             .lost = .05,
                             .fell_on = AMI_CHEST,
                             .limited = .02};
}

static void assert_advice(const ami_train_stats *stats, const char *words)
{
    char text[512] = "as before", part[160];
    if (!ami_train_diagnose(stats, text, sizeof text))
        fail_msg("nothing is said, expected \"%s\"", words);
    while (*words) {
        const size_t length = strcspn(words, "|");
        snprintf(part, sizeof part, "%.*s", (int)length, words);
        if (!strstr(text, part))
            fail_msg("\"%s\" does not say \"%s\"", text, part);
        words += length + (words[length] == '|');
    }
}

static void assert_quiet(const ami_train_stats *stats)
{
    char text[512] = "as before";
    if (ami_train_diagnose(stats, text, sizeof text))
        fail_msg("\"%s\" is said, expected nothing", text);
    assert_string_equal(text, "");
}

static void a_good_training_gets_no_advice(void **state)
{
    (void)state;
    for (int64_t samples = 0; samples < 10000000; samples += 99999) {
        const ami_train_stats s = good(samples);
        assert_quiet(&s);
    }
}

static void short_episodes_have_a_cause(void **state)
{
    (void)state;
    ami_train_stats s = good(300000);
    s.episode_s = .25;
    s.fell = .9;
    assert_advice(&s, "0.25 s|300k samples|the chest touches the floor|--may-touch");
    s.fell_on = -1; /* nothing met the floor */
    assert_advice(&s, "loses its reference|--max-height-m");
    s.fell_on = AMI_CHEST;
    s.fell = .1, s.lost = .8;
    assert_advice(&s, "loses its reference|--max-root-m");
    s.samples = 299999;
    assert_quiet(&s);
    s.samples = 300000, s.episodes = 0, s.episode_s = 0; /* none has ended */
    assert_quiet(&s);
    s = good(300000), s.episode_s = .3;
    assert_quiet(&s);
}

static void weak_bodies_are_named(void **state)
{
    (void)state;
    ami_train_stats s = good(400000);
    s.limited = .62;
    assert_advice(&s, "62 % of the joints|torque limit|amble clip info");
    s.limited = .5;
    assert_quiet(&s);
}

/* Many characters became unstable: said early, and before all that follows from it. */
static void unstable_physics_comes_first(void **state)
{
    (void)state;
    ami_train_stats s = good(50000);
    s.unstable = 6;
    assert_advice(&s, "unstable in 6 episodes|50k samples|--physics-hz|--substeps");
    s.unstable = 5; /* one in 10000 */
    assert_quiet(&s);
    s.unstable = 49, s.samples = 49999; /* too early to tell */
    assert_quiet(&s);
    s = good(1000000);
    s.unstable = 4000, s.episode_s = .1, s.fell = 1, s.limited = .9;
    assert_advice(&s, "unstable in 4000 episodes|1000k samples");
    s.unstable = 100;
    assert_advice(&s, "touches the floor");
}

/* Whatever the numbers are, the sentence is cut at the buffer's end. */
static void a_short_buffer_is_kept(void **state)
{
    (void)state;
    ami_train_stats s = good(1000000);
    s.unstable = INT64_MAX / 2;
    char text[24];
    memset(text, 'x', sizeof text);
    assert_true(ami_train_diagnose(&s, text, 16));
    assert_int_equal(strlen(text), 15);
    assert_int_equal(text[16], 'x');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_training_gets_no_advice), cmocka_unit_test(short_episodes_have_a_cause),
        cmocka_unit_test(weak_bodies_are_named),          cmocka_unit_test(unstable_physics_comes_first),
        cmocka_unit_test(a_short_buffer_is_kept),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
