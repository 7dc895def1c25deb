/* options/simulation: values of the common options, with a program's bounds, and in an environment. */
#include "options/simulation.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

static const struct argp_option options[] = {
    {"motion", CLI_SIM_MOTION, "NAME|FILE", 0, "", 1},
    {"policy", CLI_SIM_POLICY, "FILE", 0, "", 1},
    {"seconds", CLI_SIM_SECONDS, "S", 0, "", 1},
    {"envs", CLI_SIM_ENVS, "N", 0, "", 1},
    {"push", CLI_SIM_PUSH, "SPEED,PERIOD", 0, "", 1},
    {"turn", CLI_SIM_TURN, "DEG/S", 0, "", 1},
    CLI_SIM_OPTION_NO_POLICY(1),
    CLI_SIM_OPTION_HEADING(1),
    CLI_SIM_OPTION_START(1),
    CLI_SIM_OPTION_SELF_COLLISION(1),
    CLI_SIM_OPTION_MAY_TOUCH(1),
    CLI_SIM_OPTION_MAX_ROOT(1),
    CLI_SIM_OPTION_PRECISION(1),
    {0},
};
static const struct argp child_argp = {options, cli_simulation_parse, NULL, NULL, NULL, NULL, NULL};

static error_t hand_down(int key, char *text, struct argp_state *state)
{
    (void)text;
    if (key != ARGP_KEY_INIT)
        return ARGP_ERR_UNKNOWN;
    state->child_inputs[0] = state->input;
    return 0;
}

/* As a child of a program's own options, as they all have it. The words are the command line. */
static void parse(cli_simulation *s, const char *words)
{
    static const struct argp_child children[] = {{&child_argp, 0, NULL, 0}, {0}};
    static const struct argp argp = {NULL, hand_down, NULL, NULL, children, NULL, NULL};
    static char copy[256]; /* what was read points into it */
    char *word[32] = {(char *)"test"}, *rest = copy;
    int words_n = 1;
    snprintf(copy, sizeof copy, "%s", words);
    for (char *w; (w = strsep(&rest, " ")) != NULL && words_n < 31;)
        if (*w)
            word[words_n++] = w;
    assert_int_equal(argp_parse(&argp, words_n, word, ARGP_NO_EXIT | ARGP_NO_ERRS, NULL, s), 0);
}

static void nothing_given_is_the_default(void **state)
{
    (void)state;
    cli_simulation s = cli_simulation_default();
    parse(&s, "");
    assert_null(s.motion);
    assert_null(s.policy);
    assert_null(s.may_touch);
    assert_false(s.no_policy || s.self_collision);
    assert_int_equal(s.precision, AMI_PRECISION_AUTO);
    assert_int_equal(s.pushes, 0);
    ami_env_def def = {.start_phase = .5, .push_speed = 3};
    cli_simulation_use(&s, &def);
    assert_true(def.start_phase == -1 && def.push_speed == 0 && def.push_period == 2);
    assert_true(def.turn_rate == 0 && def.start_heading == 0 && def.max_root_m == 0);
}

static void what_is_given_goes_into_the_environment(void **state)
{
    (void)state;
    cli_simulation s = cli_simulation_default();
    parse(&s, "-m walk -p actor.onnx -s 2.5 -n 20k --push 1.5,3 --turn -90 --heading 180 --start .25 "
              "--self-collision --may-touch root --max-root-m 2 --precision int8");
    assert_string_equal(s.motion, "walk");
    assert_string_equal(s.policy, "actor.onnx");
    assert_string_equal(s.may_touch, "root");
    assert_true(s.seconds == 2.5 && s.envs == 20000 && s.self_collision && !s.no_policy);
    assert_int_equal(s.precision, AMI_PRECISION_INT8);
    ami_env_def def = {.seed = 7};
    cli_simulation_use(&s, &def);
    assert_true(def.push_speed == 1.5 && def.push_period == 3 && def.start_phase == .25);
    assert_true(fabs(def.turn_rate + M_PI / 2) < 1e-12 && fabs(def.start_heading - M_PI) < 1e-12);
    assert_true(def.max_root_m == 2 && def.seed == 7);
    s = cli_simulation_default();
    parse(&s, "--no-policy --heading random --start random");
    assert_true(s.no_policy && isnan(s.heading) && s.start == -1);
}

/* Of one push the last counts; a program that takes several gets them all, in order. */
static void pushes_replace_or_add(void **state)
{
    (void)state;
    cli_simulation s = cli_simulation_default();
    parse(&s, "--push 1,2 --push 3,4");
    assert_int_equal(s.pushes, 1);
    assert_true(s.push[0].speed == 3 && s.push[0].period == 4);
    s = cli_simulation_default();
    s.pushes_max = 3;
    parse(&s, "--push 1,2 --push 3,4 --push 5,6");
    assert_int_equal(s.pushes, 3);
    for (int i = 0; i < 3; i++)
        assert_true(s.push[i].speed == 2 * i + 1 && s.push[i].period == 2 * i + 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_given_is_the_default),
        cmocka_unit_test(what_is_given_goes_into_the_environment),
        cmocka_unit_test(pushes_replace_or_add),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
