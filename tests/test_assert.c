/* base/assert: a build may replace AMI_ASSERT; then the replacement is called for broken preconditions, and
 * only for these. */
#include <stdbool.h>

static int broken;
static const char *last;

static void report(bool kept, const char *condition)
{
    broken += !kept;
    last = kept ? last : condition;
}

#define AMI_ASSERT(condition) report(condition, #condition)
#include "motion/gait.c"
#include "motion/mirror.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static void assert_broken(const char *words)
{
    assert_int_equal(broken, 1);
    if (!strstr(last, words))
        fail_msg("\"%s\" was reported, expected \"%s\"", last, words);
    broken = 0;
}

static void broken_preconditions_are_reported(void **state)
{
    (void)state;
    float feature[2 * AMI_FEATURES] = {0}, window[AMI_FEATURES] = {0};
    ami_gait gait = {.name = "made up", .duration = 1, .frames = 2, .feature = feature};
    assert_int_equal(ami_mirror_joint(0), ami_mirror_joint(0));
    ami_gait_window(&gait, 0, 1, 1, window);
    assert_int_equal(broken, 0);

    ami_gait_window(&gait, 0, 0, 1, window); /* at no speed */
    assert_broken("scale > 0");
    ami_gait_window(&gait, 0, 1, -1, window);
    assert_broken("n >= 0");
    ami_gait_window(&gait, 0, (double)NAN, 0, window);
    assert_broken("scale > 0");
    assert_false(ami_gait_room(&gait, 0, NULL) && broken == 0);
    assert_broken("n >= 1");
    free(gait.strike);
    free(gait.whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(broken_preconditions_are_reported)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
