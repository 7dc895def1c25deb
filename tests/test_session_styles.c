/* Styles in the viewer's session: the same bits as a rollout, requests, history over changes, other skills
 * and back. The networks are made by hand (tests/motions.h) and no actor balances: the tests do not depend on
 * how well anything walks. */
#include "tests/allocations.h"
#include "tests/motions.h"
#include "tests/session_fixture.h"

#include "session/internal.h"

static hand_made made;
static ami_style_plan plan; /* of the session that is being tested */

static int set_up(void **state)
{
    load_body(state);
    make_by_hand(&made, character, .02);
    return 0;
}

static int tear_down(void **state)
{
    free_hand_made(&made);
    return unload_body(state);
}

static ami_generator_def generator_def(const char *style)
{
    ami_error err = {""};
    ami_style_plan_free(&plan);
    if (!ami_style_plan_parse(&plan, &made.styles, style, &err))
        fail_msg("%s", err.text);
    ami_generator_def def = ami_generator_default_def(&made.nets, &plan);
    def.seed = 21;
    return def;
}

static ami_skill *style_skill(const ami_generator_def *generator, int characters)
{
    ami_error err = {""};
    const ami_skill_def def = {
        .invents = true, .character = character, .substeps = 4, .characters = characters};
    ami_skill *skill = ami_skill_load(&def, &err);
    if (!skill || !ami_skill_invent(skill, generator, &err))
        fail_msg("%s", err.text);
    return skill;
}

static ami_session_def styled_def(ami_skill *skill, int characters)
{
    ami_env_def env = ami_env_default_def(character, NULL);
    env.seed = 21;
    env.may_touch = (1u << AMI_BODIES) - 1; /* nobody counts as fallen */
    skill->may_touch = env.may_touch;
    return ami_session_default_def(&env, skill, characters);
}

static void steps(ami_session *s, int n)
{
    for (int i = 0; i < n; i++)
        assert_true(ami_session_step(s));
}

static void apply(ami_session *s, ami_command_kind kind, double value)
{
    ami_session_apply(s, &(ami_command){.kind = kind, .value = value, .character = -1});
}

static ami_latent latent_of(const char *text)
{
    ami_latent latent;
    assert_true(ami_style_mix(&made.styles, text, &latent, NULL));
    return latent;
}

static void choose(ami_session *s, int skill, const char *text)
{
    ami_session_apply(
        s, &(ami_command){.kind = AMI_DO_STYLE, .value = skill, .character = -1, .latent = latent_of(text)});
}

static ami_snapshot look(const ami_session *s)
{
    static ami_snapshot snapshot;
    free(snapshot.body);
    assert_true(ami_session_snapshot_init(&snapshot, s->def.characters, NULL));
    ami_session_look(s, &snapshot);
    return snapshot;
}

static bool wants(const ami_session *s, const char *text)
{
    const ami_latent latent = latent_of(text), wanted = look(s).latent;
    return !memcmp(wanted.z, latent.z, sizeof latent.z) && wanted.scale == latent.scale;
}

static double speed_followed(const ami_session *s)
{
    return ami_generator_facts(s->known[s->skill]->generator[0])->speed;
}

static uint64_t rollout_of(const ami_session_def *def, const ami_generator_def *generator, double seconds)
{
    ami_rollout_def rollout = {.env = def->env, .generator = generator, .envs = def->characters};
    rollout.env.episode_s = seconds;
    rollout.env.may_touch = def->skill[0]->may_touch;
    ami_rollout_result result;
    ami_error err = {""};
    if (!ami_rollout_run(&rollout, &result, &err))
        fail_msg("%s", err.text);
    ami_rollout_result_free(&result);
    return result.hash;
}

/* Eleven characters make two groups. With the feet alone allowed on the floor some fall, whom a rollout does
 * not simulate any more. */
static void untouched_it_is_a_rollout(void **unused)
{
    (void)unused;
    ami_generator_def generator = generator_def("random");
    generator.phase_gain = 2;
    plan.change_s[0] = plan.change_s[1] = .5;
    for (int seconds = 1; seconds <= 3; seconds++) {
        ami_skill *skill = style_skill(&generator, 11);
        ami_session_def def = styled_def(skill, 11);
        skill->may_touch = 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE;
        def.env.start_heading = (double)NAN;
        def.env.push_speed = 1.5;
        def.get_up_s = .5;
        ami_session *s = make_session(&def);
        steps(s, 30 * seconds);
        int fallen = 0;
        const ami_snapshot snap = look(s);
        for (int i = 0; i < 11; i++)
            fallen += snap.body[i].down || snap.body[i].up_s < seconds - .01;
        assert_int_equal(ami_session_hash(s), rollout_of(&def, &generator, seconds));
        if (seconds == 3)
            assert_true(fallen > 0); /* otherwise this test says nothing about falls */
        ami_session_destroy(s);
        ami_skill_free(skill);
    }
}

static void a_style_comes_without_a_jump(void **unused)
{
    (void)unused;
    const ami_generator_def generator = generator_def("walk");
    ami_skill *skill = style_skill(&generator, 1);
    const ami_session_def def = styled_def(skill, 1);
    ami_session *s = make_session(&def);
    assert_true(look(s).invents && wants(s, "walk"));
    steps(s, 10);
    const double walking = speed_followed(s);
    choose(s, 0, "jog");
    assert_true(wants(s, "jog"));
    assert_true(speed_followed(s) == walking); /* it takes half a second */
    double before[AMI_POSE];
    for (int i = 0; i < 30; i++) {
        memcpy(before, look(s).reference, sizeof before);
        steps(s, 1);
        const ami_snapshot snap = look(s);
        /* its place follows the body at a cycle's end */
        assert_near(snap.reference[2], before[2], .06, "height of the reference", i);
        assert_true(ami_quat_angle(before + 3, snap.reference + 3) < .3);
        assert_true(fabs(snap.reference[AMI_POSE - 1] - before[AMI_POSE - 1]) < .6);
    }
    assert_true(speed_followed(s) > 2 * walking);
    choose(s, 1, "walk"); /* there is no such skill */
    assert_true(wants(s, "jog"));
    ami_session_destroy(s);
    ami_skill_free(skill);
}

static void history_goes_back_over_a_change(void **unused)
{
    (void)unused;
    ami_generator_def generator = generator_def("walk");
    generator.phase_gain = 1;
    ami_skill *skill = style_skill(&generator, 2);
    const ami_session_def def = styled_def(skill, 2);
    ami_session *s = make_session(&def);
    uint64_t hash[101];
    for (int i = 0; i <= 100; i++) {
        if (i == 40)
            choose(s, 0, "zombie");
        if (i == 60)
            choose(s, 0, "jog:.5,zombie:.5");
        hash[i] = ami_session_hash(s);
        if (i < 100)
            steps(s, 1);
    }
    apply(s, AMI_DO_STEP, -80);
    assert_true(wants(s, "walk"));
    assert_int_equal(ami_session_hash(s), hash[20]);
    apply(s, AMI_DO_STEP, 25);
    assert_true(wants(s, "zombie")); /* what has been is shown as it was */
    assert_int_equal(ami_session_hash(s), hash[45]);
    steps(s, 10); /* simulated anew, in the middle of the change: the same */
    assert_int_equal(ami_session_hash(s), hash[55]);
    apply(s, AMI_DO_STEP, -30);
    steps(s, 40); /* another story: nobody has chosen anything */
    assert_true(wants(s, "walk"));
    assert_int_not_equal(ami_session_hash(s), hash[65]);
    ami_session_destroy(s);
    ami_skill_free(skill);
}

static void drawn_styles_are_everybodys_own(void **unused)
{
    (void)unused;
    const ami_generator_def generator = generator_def("walk");
    ami_skill *skill = style_skill(&generator, 4);
    const ami_session_def def = styled_def(skill, 4);
    ami_session *s = make_session(&def);
    steps(s, 3);
    apply(s, AMI_DO_DRAW, 0);
    int different = 0;
    ami_latent first = look(s).latent;
    for (int i = 1; i < 4; i++) {
        ami_session_apply(s, &(ami_command){.kind = AMI_DO_FOLLOW, .character = i});
        const ami_latent other = look(s).latent;
        different += memcmp(&first.z, &other.z, sizeof first.z) != 0;
    }
    assert_true(different >= 2);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_STYLE, .character = 2, .latent = latent_of("zombie")});
    assert_false(wants(s, "zombie"));
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_FOLLOW, .character = 2});
    assert_true(wants(s, "zombie"));
    ami_session_destroy(s);
    ami_skill_free(skill);
}

static void restart_is_the_beginning(void **unused)
{
    (void)unused;
    ami_generator_def generator = generator_def("random");
    plan.change_s[0] = plan.change_s[1] = .4;
    ami_skill *skill = style_skill(&generator, 3);
    const ami_session_def def = styled_def(skill, 3);
    ami_session *s = make_session(&def);
    const uint64_t begin = ami_session_hash(s);
    steps(s, 30);
    const uint64_t later = ami_session_hash(s);
    apply(s, AMI_DO_RESTART, 0);
    assert_int_equal(ami_session_hash(s), begin);
    steps(s, 30);
    assert_int_equal(ami_session_hash(s), later);
    choose(s, 0, "jog"); /* what somebody has chosen stays chosen */
    steps(s, 25);
    apply(s, AMI_DO_RESTART, 0);
    assert_true(wants(s, "jog"));
    const double jogging = speed_followed(s);
    assert_true(jogging > 2);
    steps(s, 25);
    assert_true(speed_followed(s) == jogging);
    choose(s, 0, "walk"); /* and can be changed again, from a clock that began anew */
    steps(s, 25);
    assert_true(speed_followed(s) < .6 * jogging);
    ami_session_destroy(s);
    ami_skill_free(skill);
}

static void pace_and_speed(void **unused)
{
    (void)unused;
    const ami_generator_def generator = generator_def("walk");
    ami_skill *skill = style_skill(&generator, 2);
    const ami_session_def def = styled_def(skill, 2);
    ami_session *s = make_session(&def);
    assert_true(look(s).pace == 1);
    apply(s, AMI_DO_PACE, 9);
    assert_true(look(s).pace == 1.4);
    steps(s, 15);
    for (int i = 0; i < 2; i++)
        assert_true(s->member[i].env.reference.rate == 1.4);
    const double speed = speed_followed(s);
    apply(s, AMI_DO_GROUND_SPEED, .9 * speed);
    assert_near(look(s).pace, .9, 1e-9, "pace of a speed", 0);
    choose(s, 0, "jog"); /* goes as slowly as jogging can */
    steps(s, 30);
    assert_near(look(s).pace, .7, 1e-9, "pace of another style", 0);
    apply(s, AMI_DO_PACE, 1);
    assert_true(look(s).pace == 1);
    ami_session_destroy(s);
    ami_skill_free(skill);
}

static void steering_takes_the_heading_over(void **unused)
{
    (void)unused;
    ami_generator_def generator = generator_def("walk");
    plan.moment[0].heading = 1.5;
    ami_skill *skill = style_skill(&generator, 1);
    const ami_session_def def = styled_def(skill, 1);
    ami_session *s = make_session(&def);
    steps(s, 10);
    assert_true(look(s).reference_heading > .1);
    apply(s, AMI_DO_TURN, -.6);
    const double heading = look(s).reference_heading;
    steps(s, 10);
    assert_near(look(s).reference_heading, heading - .2, 1e-9, "heading", 0);
    apply(s, AMI_DO_TURN, 0);
    steps(s, 10);
    assert_near(look(s).reference_heading, heading - .2, 1e-9, "heading", 1);
    ami_session_destroy(s);
    ami_skill_free(skill);
}

static void phases_are_measured_and_pull(void **unused)
{
    (void)unused;
    const ami_generator_def generator = generator_def("walk");
    ami_skill *skill = style_skill(&generator, 1);
    const ami_session_def def = styled_def(skill, 1);
    ami_session *a = make_session(&def);
    steps(a, 5);
    ami_snapshot snap = look(a);
    assert_true(snap.body_phase.amplitude > .1);
    /* the body is near its reference */
    assert_true(fabs(ami_phase_difference(snap.style_phase, snap.body_phase.phase)) < .25);
    assert_true(snap.phase_gain == 0);
    const double phase = snap.style_phase;
    apply(a, AMI_DO_PHASE_GAIN, 3);
    assert_true(look(a).phase_gain == 3);
    steps(a, 3);
    const double rate = a->member[0].env.reference.rate;
    assert_true(rate != 1 && fabs(rate - 1) <= .25 + 1e-9);
    assert_true(look(a).style_phase != phase);
    apply(a, AMI_DO_PHASE_GAIN, 0);
    steps(a, 10);
    assert_true(a->member[0].env.reference.rate == 1);
    ami_session_destroy(a);
    ami_skill_free(skill);
}

static void another_skill_and_back(void **unused)
{
    (void)unused;
    const ami_generator_def generator = generator_def("walk");
    ami_skill *skill = style_skill(&generator, 1), *single = make_skill("single", .4, false, 1),
              *march = make_skill("march", .3, true, 1);
    single->may_touch = march->may_touch = skill->may_touch = (1u << AMI_BODIES) - 1;
    const ami_session_def def = styled_def(skill, 1);
    ami_session *s = make_session(&def);
    choose(s, 0, "zombie");
    steps(s, 25);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_REPLACE, .value = 1, .skill = single});
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_REPLACE, .value = 2, .skill = march});
    apply(s, AMI_DO_SKILL, 1);
    for (int i = 0; i < 100 && look(s).skill != 1; i++)
        steps(s, 1);
    assert_int_equal(look(s).skill, 1);
    assert_false(look(s).invents);
    for (int i = 0; i < 150 && look(s).skill == 1; i++) /* over after a second, then back */
        steps(s, 1);
    assert_true(look(s).skill == 0 && wants(s, "zombie"));
    assert_ptr_equal(s->member[0].env.reference.clip, ami_skill_clip(skill, 0));
    apply(s, AMI_DO_SKILL, 2);
    for (int i = 0; i < 100 && look(s).skill != 2; i++)
        steps(s, 1);
    const int64_t there = ami_session_steps(s);
    assert_int_equal(look(s).skill, 2);
    steps(s, 5);
    const uint64_t hash = ami_session_hash(s);
    choose(s, 0, "jog"); /* enters at once, whatever the pose */
    assert_true(look(s).skill == 0 && wants(s, "jog"));
    assert_int_equal(ami_session_hash(s), hash);
    steps(s, 45);
    assert_true(speed_followed(s) > 2);
    apply(s, AMI_DO_STEP, (double)(there + 2 - ami_session_steps(s)));
    assert_int_equal(look(s).skill, 2);
    apply(s, AMI_DO_SKILL, 0); /* the story in which nobody jogs */
    assert_true(look(s).skill == 0 && wants(s, "zombie"));
    ami_session_destroy(s);
    ami_skill_free(skill);
    ami_skill_free(single);
    ami_skill_free(march);
}

/* A schedule's skills begin at their time and give way to its next style; a command ends that. */
static void a_schedule_names_skills(void **unused)
{
    (void)unused;
    ami_generator_def generator = generator_def("walk");
    ami_style_moment moments[3] = {{.time = 0, .heading = NAN, .speed = NAN},
                                   {.time = .5, .heading = NAN, .speed = NAN, .skill = "march"},
                                   {.time = 1.5, .heading = NAN, .speed = NAN}};
    moments[0].latent = moments[1].latent = latent_of("walk");
    moments[2].latent = latent_of("zombie");
    const ami_style_plan named = {.styles = &made.styles, .moments = 3, .moment = moments, .skills = 1};
    generator.plan = &named;
    ami_skill *skill = style_skill(&generator, 1), *march = make_skill("march", .3, true, 1);
    march->may_touch = (1u << AMI_BODIES) - 1;
    ami_session_def def = styled_def(skill, 1);
    def.skill[1] = march;
    def.skills = 2;
    def.entry_tries = 0;
    ami_session *s = make_session(&def);
    steps(s, 15);
    assert_int_equal(look(s).skill, 0);
    steps(s, 1);
    assert_int_equal(look(s).skill, 1);
    steps(s, 29);
    assert_int_equal(look(s).skill, 1);
    steps(s, 2);
    assert_int_equal(look(s).skill, 0);
    assert_true(wants(s, "zombie"));
    apply(s, AMI_DO_RESTART, 0);
    choose(s, 0, "walk");
    steps(s, 20);
    assert_int_equal(look(s).skill, 0);
    ami_session_destroy(s);
    ami_skill_free(skill);
    ami_skill_free(march);
}

static void styles_learned_later(void **unused)
{
    (void)unused;
    const ami_generator_def generator = generator_def("walk");
    ami_skill *march = make_skill("march", .3, true, 2), *skill = style_skill(&generator, 2);
    const ami_session_def def = session_def(march, 2);
    ami_session *s = make_session(&def);
    choose(s, 1, "jog");
    steps(s, 5);
    const uint64_t hash = ami_session_hash(s);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_REPLACE, .value = 1, .skill = skill});
    choose(s, 1, "jog");
    assert_int_equal(look(s).skill, 1);
    steps(s, 45);
    assert_true(wants(s, "jog") && speed_followed(s) > 2);
    apply(s, AMI_DO_STEP, -48);
    assert_int_equal(look(s).skill, 0);
    apply(s, AMI_DO_STEP, 3);
    assert_int_equal(ami_session_hash(s), hash);
    ami_session_destroy(s);
    ami_skill_free(skill);
    ami_skill_free(march);
}

/* A newer file of the same actor takes the generators over, in the middle of a change. */
static void a_newer_model_goes_on_in_mid_step(void **unused)
{
    (void)unused;
    const ami_generator_def generator = generator_def("walk");
    ami_skill *skill[3];
    for (int i = 0; i < 3; i++)
        skill[i] = style_skill(&generator, 2);
    const ami_session_def def = styled_def(skill[0], 2), other = styled_def(skill[1], 2);
    skill[2]->may_touch = skill[0]->may_touch;
    ami_session *a = make_session(&def), *b = make_session(&other);
    for (int i = 0; i < 2; i++) {
        choose(i ? b : a, 0, "jog");
        steps(i ? b : a, 6);
    }
    ami_session_apply(b, &(ami_command){.kind = AMI_DO_REPLACE, .value = 0, .skill = skill[2]});
    ami_skill_free(skill[1]);
    steps(a, 30);
    steps(b, 30);
    assert_int_equal(ami_session_hash(a), ami_session_hash(b));
    apply(b, AMI_DO_STEP, -33);
    assert_int_equal(ami_session_steps(b), 3);
    apply(a, AMI_DO_RESTART, 0);
    apply(b, AMI_DO_RESTART, 0);
    steps(a, 10);
    steps(b, 10);
    assert_int_equal(ami_session_hash(a), ami_session_hash(b));
    ami_session_destroy(a);
    ami_session_destroy(b);
    ami_skill_free(skill[0]);
    ami_skill_free(skill[2]);
}

static void the_fallen_get_up_in_their_style(void **unused)
{
    (void)unused;
    const ami_generator_def generator = generator_def("walk");
    ami_skill *skill = style_skill(&generator, 1);
    ami_session_def def = styled_def(skill, 1);
    skill->may_touch = 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE;
    def.get_up_s = .3;
    ami_session *s = make_session(&def);
    ami_session_apply(s, &(ami_command){.kind = AMI_DO_PUSH, .v = {0, 5, 0}});
    for (int i = 0; i < 60 && !look(s).body[0].down; i++)
        steps(s, 1);
    assert_true(look(s).body[0].down);
    choose(s, 0, "zombie");
    for (int i = 0; i < 30 && look(s).body[0].down; i++)
        steps(s, 1);
    assert_false(look(s).body[0].down);
    assert_true(look(s).body[0].pose[2] > .6);
    assert_true(wants(s, "zombie"));
    ami_session_destroy(s);
    ami_skill_free(skill);
}

/* No memory is asked for in a step, nor by a change of style. */
static void nothing_is_allocated_while_it_runs(void **unused)
{
    (void)unused;
    ami_generator_def generator = generator_def("walk");
    generator.phase_gain = 1;
    ami_skill *skill = style_skill(&generator, 2);
    const ami_session_def def = styled_def(skill, 2);
    ami_session *s = make_session(&def);
    ami_snapshot snapshot = look(s);
    int64_t changes = 0;
    const long before = asked;
    for (int i = 0; i < 60; i++) {
        if (i % 20 == 10)
            choose(s, 0, i < 20 ? "jog:.4,walk:.6" : "zombie");
        if (i == 25)
            apply(s, AMI_DO_STEP, -10);
        if (i == 45)
            apply(s, AMI_DO_RESTART, 0);
        ami_session_step(s);
        ami_session_look(s, &snapshot);
        if (i == 44)
            changes = ami_generator_get_counts(skill->generator[0])->changes;
    }
    assert_int_equal(asked, before);
    assert_true(changes > 2);
    ami_session_destroy(s);
    ami_skill_free(skill);
}

static int end(void **state)
{
    ami_style_plan_free(&plan);
    return tear_down(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(untouched_it_is_a_rollout),
        cmocka_unit_test(a_style_comes_without_a_jump),
        cmocka_unit_test(history_goes_back_over_a_change),
        cmocka_unit_test(drawn_styles_are_everybodys_own),
        cmocka_unit_test(restart_is_the_beginning),
        cmocka_unit_test(pace_and_speed),
        cmocka_unit_test(steering_takes_the_heading_over),
        cmocka_unit_test(phases_are_measured_and_pull),
        cmocka_unit_test(another_skill_and_back),
        cmocka_unit_test(a_schedule_names_skills),
        cmocka_unit_test(styles_learned_later),
        cmocka_unit_test(a_newer_model_goes_on_in_mid_step),
        cmocka_unit_test(the_fallen_get_up_in_their_style),
        cmocka_unit_test(nothing_is_allocated_while_it_runs),
    };
    return cmocka_run_group_tests(tests, set_up, end);
}
