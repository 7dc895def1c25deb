/* Characters that live on: what is counted, and that it depends on the seed alone. The small actors of the
 * fixture fall at a push and never stand again, because their motion of getting up only lies. */
#include "tests/session_fixture.h"

#include "session/life.h"

enum { ALL = (1u << AMI_BODIES) - 1 };

static ami_skill *skill, *flip, *get_up[AMI_FACES];

static int set_up(void **state)
{
    load_body(state);
    skill = make_skill("march", .3, true, 1);
    flip = make_skill("flip", .4, false, 1);
    for (int k = 0; k < AMI_FACES; k++) {
        get_up[k] = make_skill(k ? "up" : "down", .1, false, 1);
        get_up[k]->may_touch = ALL;
    }
    return 0;
}

static int tear_down(void **state)
{
    ami_skill *const all[] = {skill, flip, get_up[0], get_up[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        ami_skill_free(all[i]);
    return unload_body(state);
}

static ami_life_def life_def(int characters, double seconds)
{
    ami_life_def def = {
        .session = session_def(skill, 1), .characters = characters, .seconds = seconds, .seed = 7};
    def.session.skill[1] = flip;
    def.session.skills = 2;
    memcpy(def.session.get_up, get_up, sizeof get_up);
    return def;
}

static ami_life_result run(const ami_life_def *def)
{
    ami_life_result result;
    ami_error err = {""};
    if (!ami_life_run(def, &result, &err))
        fail_msg("%s", err.text);
    return result;
}

static void nothing_happens_unasked(void **state)
{
    (void)state;
    skill->may_touch = ALL; /* it never falls */
    const ami_life_def def = life_def(3, 4);
    const ami_life_result r = run(&def);
    skill->may_touch = 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE;
    assert_int_equal(r.steps, 3 * 120);
    assert_true(r.falls == 0 && r.downs == 0 && r.still_down == 0 && r.resets == 0);
    assert_true(r.pushes[0] == 0 && r.pushes[1] == 0 && r.skills == 0 && r.styles == 0 && r.turns == 0);
    assert_true(isnan(r.longest_down_s) && isnan(r.median_down_s) && r.down_fraction == 0);
}

/* Of what comes every 1 s on average, after .5 to 1.5 s, at least 13 come in 20 s and at most 40. */
static void events_come_at_their_rates(void **state)
{
    (void)state;
    skill->may_touch = flip->may_touch = ALL;
    ami_life_def def = life_def(1, 20);
    def.push[0] = (ami_life_push){.1, .2, 1};
    def.push[1] = (ami_life_push){.3, .3, 4};
    def.turn_every_s = 1;
    def.skill_every_s = 2;
    ami_life_result r = run(&def);
    assert_in_range(r.pushes[0], 13, 40);
    assert_in_range(r.pushes[1], 3, 10);
    assert_in_range(r.turns, 13, 40);
    assert_in_range(r.skills, 2, 20);
    assert_int_equal(r.falls, 0);
    def.session.skills = 1; /* nothing to draw from */
    r = run(&def);
    assert_int_equal(r.skills, 0);
    skill->may_touch = flip->may_touch = 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE;
}

static void a_fall_lasts_until_the_end(void **state)
{
    (void)state;
    ami_life_def def = life_def(1, 8);
    def.push[1] = (ami_life_push){5, 5, 2};
    const ami_life_result a = run(&def);
    def.seconds = 10;
    const ami_life_result b = run(&def);
    assert_true(a.falls == 1 && b.falls == 1 && a.downs == 1 && a.still_down == 1 && b.still_down == 1);
    assert_int_equal(a.by[AMI_LIFE_PUSH_1], 1);
    assert_true(isnan(a.median_down_s) && isnan(a.within_8_s));
    assert_in_range((int64_t)(1000 * a.longest_down_s), 2000, 7500);
    assert_float_equal(b.longest_down_s, a.longest_down_s + 2, 1e-6);
    def.seconds = 16;
    assert_true(run(&def).within_8_s == 0);
    assert_float_equal(a.down_fraction, a.longest_down_s / 8, .01);
}

static void every_fall_has_a_cause(void **state)
{
    (void)state;
    int64_t by = 0;
    ami_life_def def = life_def(9, 8);
    def.push[0] = (ami_life_push){4, 5, .6};
    const ami_life_result r = run(&def);
    for (int k = 0; k < AMI_LIFE_CAUSES; k++)
        by += r.by[k];
    assert_true(r.falls >= 8 && by == r.falls && r.by[AMI_LIFE_PUSH_0] >= 8);
    assert_true(r.by[AMI_LIFE_PUSH_1] == 0 && r.by[AMI_LIFE_SKILL] == 0 && r.by[AMI_LIFE_STYLE] == 0);
    assert_true(r.still_down == r.falls && r.downs == r.falls && r.longest_down_s < 8);
}

static void only_the_seed_counts(void **state)
{
    (void)state;
    ami_life_def def = life_def(11, 6);
    def.push[0] = (ami_life_push){0, 4, 2};
    def.skill_every_s = def.turn_every_s = 1;
    def.record = true;
    ami_life_result two = run(&def);
    set_threads(1);
    ami_life_result one = run(&def);
    set_threads(2);
    assert_true(one.hash == two.hash && one.falls == two.falls && one.skills == two.skills);
    assert_true(one.distance_m == two.distance_m);
    assert_int_equal(one.frames, 181);
    assert_memory_equal(one.pose, two.pose, (size_t)one.frames * AMI_POSE * sizeof *one.pose);
    def.characters = 1;
    ami_life_result alone = run(&def);
    assert_memory_equal(one.pose, alone.pose, (size_t)one.frames * AMI_POSE * sizeof *one.pose);
    def.seed = 8;
    ami_life_result other = run(&def);
    assert_memory_not_equal(alone.pose, other.pose, (size_t)one.frames * AMI_POSE * sizeof *one.pose);
    ami_life_result_free(&two);
    ami_life_result_free(&one);
    ami_life_result_free(&alone);
    ami_life_result_free(&other);
}

static void count_progress(void *context, double fraction)
{
    double *last = context;
    if (fraction > *last)
        *last = fraction;
}

static void progress_ends_at_one(void **state)
{
    (void)state;
    double last = 0;
    ami_life_def def = life_def(9, 3);
    def.progress = count_progress;
    def.context = &last;
    (void)run(&def);
    assert_float_equal(last, 1, 1e-9);
}

static void expect_refused(const ami_life_def *def, const char *part)
{
    ami_life_result result;
    ami_error err = {""};
    assert_false(ami_life_run(def, &result, &err));
    if (!strstr(err.text, part))
        fail_msg("\"%s\" lacks \"%s\"", err.text, part);
}

static void bad_numbers_are_refused(void **state)
{
    (void)state;
    ami_life_def def = life_def(0, 1);
    expect_refused(&def, "0 characters, expected 1 to 65536");
    def = life_def(1, (double)NAN);
    expect_refused(&def, "a life of nan s");
    def = life_def(1, 1);
    def.push[1] = (ami_life_push){2, 1, 1};
    expect_refused(&def, "pushes of 2 to 1 m/s");
    def.push[1] = (ami_life_push){1, 2, .01};
    expect_refused(&def, "every 0.01 s");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_happens_unasked),    cmocka_unit_test(events_come_at_their_rates),
        cmocka_unit_test(a_fall_lasts_until_the_end), cmocka_unit_test(every_fall_has_a_cause),
        cmocka_unit_test(only_the_seed_counts),       cmocka_unit_test(progress_ends_at_one),
        cmocka_unit_test(bad_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
