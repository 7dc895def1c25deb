/* What varies from episode to episode: ranges, physical effect, delay, noise, and saved states. */
#include "tests/env.h"

#include <string.h>

/* One step with zero actions. */
static void step(ami_env *env)
{
    const float action[AMI_ACTION] = {0};
    ami_reward reward;
    (void)ami_env_step(env, action, &reward);
}

static double own_friction(const ami_env *env)
{
    return env->world.own->pair_friction[0];
}

static void nothing_varies_by_default(void **unused)
{
    (void)unused;
    const ami_env_def def = plain_def(standing);
    ami_env env = make_env(&def);
    assert_null(env.world.own);
    assert_false(ami_variation_any(&def.vary));
    const size_t size = ami_env_save_size(&env);
    ami_env_free(&env);
    ami_env_def varied = def;
    varied.vary.delay[1] = 1;
    env = make_env(&varied);
    assert_null(env.world.own);
    assert_true(ami_env_save_size(&env) > size);
    ami_env_free(&env);
}

static void each_episode_draws_within_the_range(void **unused)
{
    (void)unused;
    enum { N = 200 };
    ami_env_def def = plain_def(standing);
    def.vary.friction[0] = .5;
    def.vary.friction[1] = 1.2;
    def.vary.mass[0] = .9;
    def.vary.mass[1] = 1.1;
    def.vary.delay[0] = 1;
    def.vary.delay[1] = 3;
    ami_env env = make_env(&def);
    const mjModel *own = env.world.own, *of = character->model;
    unsigned delays = 0;
    double lo = 9, hi = 0, mass_lo = 9, mass_hi = 0;
    for (int i = 0; i < N; i++) {
        ami_env_reset(&env);
        assert_in_range(env.variation.delay, 1, 3);
        delays |= 1u << env.variation.delay;
        lo = fmin(lo, own_friction(&env));
        hi = fmax(hi, own_friction(&env));
        double mass = 0;
        for (int b = 0; b < AMI_BODIES; b++) {
            const int at = character->body[b];
            const double factor = own->body_mass[at] / of->body_mass[at];
            assert_true(factor >= .9 && factor <= 1.1);
            assert_near(own->body_inertia[3 * at], factor * of->body_inertia[3 * at], 1e-12, "inertia", b);
            mass_lo = fmin(mass_lo, factor);
            mass_hi = fmax(mass_hi, factor);
            mass += factor * of->body_mass[at];
        }
        assert_near(own->body_subtreemass[0], mass, 1e-9, "mass of the tree", i); /* derived numbers follow */
    }
    assert_int_equal(delays, 14);
    assert_true(lo >= .5 && lo < .53 && hi <= 1.2 && hi > 1.17);
    assert_true(mass_lo < .901 && mass_hi > 1.099);
    assert_true(of->pair_friction[0] == 1); /* the shared model is as it was */
    ami_env_free(&env);
}

/* How far a body that lies and is pushed by 2 m/s has slid after a second. */
static double slides(double friction)
{
    ami_env_def def = plain_def(standing);
    def.vary.friction[0] = def.vary.friction[1] = friction;
    ami_env env = make_env(&def);
    for (int i = 0; i < 90; i++) { /* falls */
        if (i == 5)
            ami_world_push(&env.world, (const double[3]){4, 0, 0});
        step(&env);
    }
    const double from = env.state.pose[0];
    ami_world_push(&env.world, (const double[3]){2, 0, 0});
    for (int i = 0; i < 30; i++)
        step(&env);
    const double to = env.state.pose[0];
    ami_env_free(&env);
    return to - from;
}

static void what_is_slippery_slides(void **unused)
{
    (void)unused;
    const double ice = slides(.02), own = slides(1), rubber = slides(2);
    assert_true(ice > 1.2);
    assert_true(own < .6 * ice && rubber < own + .02);
}

/* With a delay of 2, step n does what step n - 2 would have done without; before, the first pose. */
static void targets_come_late(void **unused)
{
    (void)unused;
    enum { LATE = 2, STEPS = 12 };
    ami_env_def def = plain_def(standing);
    def.start_phase = 0;
    ami_env prompt = make_env(&def);
    def.vary.delay[0] = def.vary.delay[1] = LATE;
    ami_env late = make_env(&def);
    ami_reward reward;
    double target[STEPS][AMI_POSE], first[AMI_POSE];
    memcpy(first, late.state.pose, sizeof first);
    for (int i = 0; i < STEPS; i++) {
        memcpy(target[i], first, sizeof first);
        target[i][7 + 4 + 4 + 4] = -.05 * i; /* a knee */
    }
    for (int i = 0; i < STEPS; i++) {
        (void)ami_env_step_target(&late, target[i], &reward);
        (void)ami_env_step_target(&prompt, i < LATE ? first : target[i - LATE], &reward);
        assert_memory_equal(late.state.pose, prompt.state.pose, sizeof first);
    }
    (void)ami_env_step_target(&late, target[3], &reward); /* and it matters */
    (void)ami_env_step_target(&prompt, target[3], &reward);
    assert_memory_not_equal(late.state.pose, prompt.state.pose, sizeof first);
    ami_env_free(&late);
    ami_env_free(&prompt);
}

static void observations_are_noisy_and_the_body_is_not(void **unused)
{
    (void)unused;
    enum { STEPS = 60 };
    ami_env_def def = plain_def(standing);
    def.goal = true;
    def.start_phase = 0;
    ami_env clean = make_env(&def);
    def.vary.observation_noise = 2;
    ami_env noisy = make_env(&def);
    float a[AMI_OBS_MAX], b[AMI_OBS_MAX], again[AMI_OBS_MAX];
    double sum = 0, before = 0, largest = 0;
    for (int i = 0; i < STEPS; i++) {
        ami_env_observe(&clean, a);
        ami_env_observe(&noisy, b);
        ami_env_observe(&noisy, again);
        assert_memory_equal(b, again, sizeof b);
        const double off = b[1] - a[1]; /* the root's height */
        assert_true(off != before);
        before = off;
        sum += off * off;
        largest = fmax(largest, fabs(off));
        step(&clean);
        step(&noisy);
        assert_memory_equal(clean.state.pose, noisy.state.pose, sizeof clean.state.pose);
    }
    assert_true(sqrt(sum / STEPS) > .014 && sqrt(sum / STEPS) < .027 && largest < .1); /* .02 m */
    ami_env_reset(&noisy);
    ami_env_observe(&noisy, again);
    assert_true(again[1] != b[1]);
    ami_env_free(&clean);
    ami_env_free(&noisy);
}

static void saved_it_goes_on_to_the_bit(void **unused)
{
    (void)unused;
    ami_env_def def = plain_def(standing);
    def.vary = (ami_variation_def){{.3, 1.5}, {.8, 1.2}, {1, 3}, 1};
    ami_env env = make_env(&def), other = make_env(&def);
    ami_env_reset(&other); /* other numbers */
    for (int i = 0; i < 7; i++)
        step(&env);
    void *data = malloc(ami_env_save_size(&env));
    assert_non_null(data);
    ami_env_save(&env, data);
    ami_env_load(&other, data);
    assert_true(own_friction(&env) == own_friction(&other));
    float a[AMI_OBS_MAX], b[AMI_OBS_MAX];
    for (int i = 0; i < 40; i++) {
        step(&env);
        step(&other);
        assert_memory_equal(env.state.pose, other.state.pose, sizeof env.state.pose);
        ami_env_observe(&env, a);
        ami_env_observe(&other, b);
        assert_memory_equal(a, b, (size_t)ami_env_obs_size(&env) * sizeof *a);
    }
    free(data);
    ami_env_free(&env);
    ami_env_free(&other);
}

static void bad_numbers_are_refused(void **unused)
{
    (void)unused;
    const struct {
        ami_variation_def vary;
        const char *says;
    } rows[] = {
        {{.friction = {1, .5}}, "friction of 1 to 0.5"},
        {{.friction = {0, 1}}, "friction of 0 to 1"},
        {{.friction = {1, 11}}, "friction of 1 to 11"},
        {{.friction = {NAN, 1}}, "friction of nan"},
        {{.mass = {1.1, .9}}, "masses times 1.1 to 0.9"},
        {{.mass = {.01, 1}}, "masses times 0.01"},
        {{.delay = {9, 9}}, "a delay of 9 to 9 control steps"},
        {{.delay = {-1, 0}}, "a delay of -1"},
        {{.delay = {2, 1}}, "the smaller first"},
        {{.observation_noise = -1}, "noise -1"},
        {{.observation_noise = NAN}, "noise nan"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        ami_env_def def = plain_def(standing);
        def.vary = rows[i].vary;
        ami_error err = {""};
        ami_env env;
        assert_false(ami_env_init(&env, &def, &err));
        if (!strstr(err.text, rows[i].says))
            fail_msg("\"%s\" lacks \"%s\"", err.text, rows[i].says);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_varies_by_default),
        cmocka_unit_test(each_episode_draws_within_the_range),
        cmocka_unit_test(what_is_slippery_slides),
        cmocka_unit_test(targets_come_late),
        cmocka_unit_test(observations_are_noisy_and_the_body_is_not),
        cmocka_unit_test(saved_it_goes_on_to_the_bit),
        cmocka_unit_test(bad_numbers_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
