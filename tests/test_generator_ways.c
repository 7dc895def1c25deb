/* The transition from one style to another: its duration, its path, and the number of motions made on it.
 */
#include "policy/generator_state.h"
#include "tests/generators.h"

/* s, from the moment another style is wanted to the one when its motion is followed; both styles as given
 * speeds, m/s, and tempos, 1/s. */
static double change_takes(const ami_generator_def *def, const double speed[2], const double tempo[2])
{
    pair p;
    start_pair(&p, "0 walk\n.5 jog\n", 0, def);
    for (int i = 0; i < 2; i++) {
        p.plan.moment[i].latent.speed = speed[i];
        p.plan.moment[i].latent.tempo = tempo[i];
    }
    ami_generator_start(p.generator, made.workspace, &p.env);
    ami_env_reset(&p.env);
    while (!ami_latent_same(ami_generator_latent(p.generator), &p.plan.moment[1].latent) && p.env.step < 150)
        step(&p);
    const double takes = p.env.step * p.env.control_dt - .5;
    end_pair(&p);
    return takes;
}

static void assert_takes(size_t change, double found, double expected)
{
    if (found < expected || found > expected + .3) /* making the last motion takes a few steps */
        fail_msg("change %zu took %.2f s, expected %.2f", change, found, expected);
}

/* A change of style takes glide_s, or the time that its change of speed needs, but not for ever. */
static void a_body_has_time_to_brake(void **unused)
{
    (void)unused;
    static const struct {
        double speed, acceleration, takes;
    } change[] = {{1, 2.5, .5}, {3.5, 2.5, 1}, {3.5, 5, .5}, {-1.5, 2.5, 1}, {50, 2.5, 3}, {NAN, 2.5, .5}};
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        ami_generator_def def = default_def();
        def.glide_s = .5;
        def.acceleration = change[i].acceleration;
        assert_takes(i, change_takes(&def, (const double[]){1, change[i].speed}, (const double[]){0, 0}),
                     change[i].takes);
    }
}

/* The same of its rhythm. */
static void a_body_has_time_for_another_rhythm(void **unused)
{
    (void)unused;
    static const struct {
        double tempo, octave, takes;
    } change[] = {{1, 1, .5}, {2, 1, 1}, {.25, .6, 1.2}, {2, 0, .5}, {64, 1, 3}, {0, 1, 3}, {NAN, 1, .5}};
    for (size_t i = 0; i < sizeof change / sizeof *change; i++) {
        ami_generator_def def = default_def();
        def.glide_s = .5;
        def.octave_s = change[i].octave;
        assert_takes(i, change_takes(&def, (const double[]){0, 0}, (const double[]){1, change[i].tempo}),
                     change[i].takes);
    }
}

/* Between speeds that differ more than fivefold the way leads by the style whose speed is in the middle;
 * between others straight on, and where no style is in the middle, too. */
static void from_creeping_to_running_by_walking(void **unused)
{
    (void)unused;
    static const struct {
        double from, middle, to;
        bool leads_by;
    } way[] = {{.3, 1, 3, true},   {3, 1, .3, true},   {.3, .6, 3, true},
               {.3, .4, 3, false}, {1, 1.7, 3, false}, {0, 1, 3, false}};
    for (size_t i = 0; i < sizeof way / sizeof *way; i++) {
        pair p;
        ami_generator_def def = default_def();
        def.acceleration = 1000;
        def.glide_s = 1;
        start_pair(&p, "0 zombie\n.5 jog\n", 0, &def);
        made.style[0].speed = way[i].middle; /* walking */
        made.style[1].speed = fmax(way[i].from, way[i].to);
        made.style[2].speed = fmin(way[i].from, way[i].to);
        p.plan.moment[0].latent.speed = way[i].from;
        p.plan.moment[1].latent.speed = way[i].to;
        ami_generator_start(p.generator, made.workspace, &p.env);
        ami_env_reset(&p.env);
        double most[3] = {0, 0, 0}, before[3] = {0, 0, 1};
        while (p.env.step < 60) {
            double weights[3];
            step(&p);
            ami_style_weights(&made.styles, ami_generator_latent(p.generator), weights);
            for (int k = 0; k < 3; k++) {
                most[k] = fmax(most[k], weights[k]);
                if (fabs(weights[k] - before[k]) > .45) /* a way without jumps */
                    fail_msg("way %zu: from %.2f to %.2f in one motion", i, before[k], weights[k]);
                before[k] = weights[k];
            }
        }
        made.style[0].speed = made.style[1].speed = made.style[2].speed = 0;
        assert_true(before[1] > .999);
        if (way[i].leads_by ? most[0] < .4 || most[0] > .51 : most[0] > .01)
            fail_msg("way %zu: up to %.2f of the style between", i, most[0]);
        end_pair(&p);
    }
}

/* On the way from one style to the next a motion is begun every every_s, no more often, and the style itself
 * is made as soon as it is reached. */
static void motions_on_the_way_are_spread(void **unused)
{
    (void)unused;
    static const double every[] = {0, .2, .4, 10};
    static const int most[] = {16, 6, 4, 2};
    for (int i = 0; i < 4; i++) {
        pair p;
        ami_generator_def def = default_def();
        def.glide_s = 1;
        def.acceleration = 1000;
        def.every_s = every[i];
        start_pair(&p, "0 walk\n.5 jog\n", 0, &def);
        bool making = false;
        double last = -INFINITY, reached = 0;
        int begun = 0;
        while (p.env.step < 75) {
            const int64_t changes = ami_generator_get_counts(p.generator)->changes;
            const double now = p.env.step * p.env.control_dt;
            step(&p);
            const bool is_making = ami_generator_is_making(p.generator);
            if (is_making && !making) { /* a motion takes more than a step here */
                if (begun++ > 0 && now < 1.5 - 1e-9)
                    assert_true(now > last + every[i] - 1e-9);
                last = now;
            }
            making = is_making;
            if (ami_generator_get_counts(p.generator)->changes > changes)
                reached = now;
        }
        assert_true(ami_latent_same(ami_generator_latent(p.generator), &p.plan.moment[1].latent));
        if (begun > most[i] || begun < most[i] / 2)
            fail_msg("every %g s: %d motions begun, expected up to %d", every[i], begun, most[i]);
        assert_true(reached >= 1.5 - 1e-9 && reached < 1.5 + 5.01 / 30);
        end_pair(&p);
    }
}

/* Nominal µs of work that the generator's last step did on a motion. */
static double work_done(const ami_generator *g, double *left)
{
    const ami_cycle *other = &g->cycle[1 - g->s.current];
    const double before = *left;
    *left = g->started && other->stage != AMI_CYCLE_DONE ? ami_cycle_left_us(other, g->task) : 0;
    return *left <= before ? before - *left : before + 300 - *left; /* a new one has been started */
}

/* Every motion is made in even parts: of what the plan or chance decides in four steps, after a request in
 * three, no sooner and no later followed than one that is made in the two steps from its beginning on. */
static void no_step_makes_much_of_a_motion(void **unused)
{
    (void)unused;
    static const char *const plans[] = {"0 walk\n.5 jog\n2 zombie\n", "random-names", "walk"};
    for (int i = 0; i < 3; i++) {
        pair ahead, late;
        start_pair(&ahead, plans[i], 1.5, NULL);
        start_pair(&late, plans[i], 1.5, NULL);
        double left = 0, most = 0, sum = 0;
        ami_latent zombie;
        ami_latent_of_style(&made.style[2], &zombie);
        for (int n = 0; n < 120; n++) {
            if (i == 2 && n == 40) {
                ami_generator_request(ahead.generator, &ahead.env, &zombie);
                ami_generator_request(late.generator, &late.env, &zombie);
            }
            step(&ahead);
            const double done = work_done(ahead.generator, &left);
            most = fmax(most, done);
            sum += done;
            late.generator->started &= late.generator->s.busy; /* forgets what it did ahead */
            step(&late);
            assert_int_equal(ahead.generator->s.current, late.generator->s.current);
            assert_memory_equal(&ahead.generator->s.counts, &late.generator->s.counts,
                                sizeof(ami_generator_counts));
            assert_memory_equal(ahead.env.state.pose, late.env.state.pose, sizeof ahead.env.state.pose);
        }
        const int64_t motions = ami_generator_get_counts(ahead.generator)->made - 1;
        print_message("    plan %d: %d motions, up to %.0f of 300 µs in a step\n", i, (int)motions, most);
        assert_true(motions >= 5);
        assert_true(sum > 280. * (double)motions && sum < 320. * (double)(motions + 1));
        if (most > (i == 2 ? 300 / 3. : 300 / 4.) + 20)
            fail_msg("plan %d: %.0f µs in a step", i, most);
        end_pair(&ahead);
        end_pair(&late);
    }
}

/* A request that comes while a motion is made ahead of its time: that motion is not followed. */
static void a_request_replaces_what_is_made_ahead(void **unused)
{
    (void)unused;
    pair p;
    start_pair(&p, "0 walk\n1 jog\n", 0, NULL);
    ami_latent zombie;
    ami_latent_of_style(&made.style[2], &zombie);
    while (!p.generator->started)
        step(&p);
    assert_true(!ami_generator_is_making(p.generator) && ami_generator_worked(p.generator));
    ami_generator_request(p.generator, &p.env, &zombie);
    assert_false(p.generator->started);
    for (int n = 0; n < 100; n++) {
        step(&p);
        double weights[3];
        ami_style_weights(&made.styles, ami_generator_latent(p.generator), weights);
        assert_true(weights[1] < 1e-6);
    }
    assert_true(ami_latent_same(ami_generator_latent(p.generator), &zombie));
    end_pair(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_body_has_time_to_brake),
        cmocka_unit_test(a_body_has_time_for_another_rhythm),
        cmocka_unit_test(from_creeping_to_running_by_walking),
        cmocka_unit_test(motions_on_the_way_are_spread),
        cmocka_unit_test(no_step_makes_much_of_a_motion),
        cmocka_unit_test(a_request_replaces_what_is_made_ahead),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
