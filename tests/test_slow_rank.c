/* Which process of a training is named as slow. */
#include "cli/train_ranks.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void the_slowest_is_named_if_it_is_much_slower(void **state)
{
    (void)state;
    static const struct {
        double mean_s[5];
        int n, slow;
        double median_s;
    } cases[] = {
        {{1}, 1, -1, 0},
        {{1, 1.29}, 2, -1, 1},
        {{1.31, 1}, 2, 0, 1}, /* of two, the faster one is the measure */
        {{1, 1, 1.2, 3, 1.1}, 5, 3, 1.1},
        {{2, 2, 2, 2, 1}, 5, -1, 2}, /* a fast one makes nobody slow */
        {{1, 4, 1, 5, 1}, 5, 3, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        double median = 0;
        assert_int_equal(train_ranks_slow(cases[i].mean_s, cases[i].n, &median), cases[i].slow);
        assert_true(median == cases[i].median_s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_slowest_is_named_if_it_is_much_slower),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
