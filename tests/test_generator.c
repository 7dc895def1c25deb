/* The generator with an environment: which motion is followed when, continuous transitions, saving and
 * restoring, time and heading. */
#include "tests/allocations.h"
#include "tests/generators.h"

static double rotation_apart(const double *a, const double *b)
{
    return ami_quat_angle(a, b);
}

/* The largest difference of two poses: m for the root, rad for rotations. */
static double poses_apart(const double a[AMI_POSE], const double b[AMI_POSE])
{
    double most = 0;
    for (int k = 0; k < 3; k++)
        most = fmax(most, fabs(a[k] - b[k]));
    most = fmax(most, rotation_apart(a + 3, b + 3));
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const int at = ami_clip_joints[j].pose;
        most = fmax(most, ami_clip_joints[j].ball ? rotation_apart(a + at, b + at) : fabs(a[at] - b[at]));
    }
    return most;
}

static void one_style_makes_one_motion(void **unused)
{
    (void)unused;
    pair p;
    start_pair(&p, "jog", 0, NULL);
    const ami_clip *clip = ami_generator_clip(p.generator);
    assert_near(ami_generator_facts(p.generator)->speed, 2.8, .05, "speed of jogging", 0);
    for (int n = 0; n < 60; n++)
        step(&p);
    assert_ptr_equal(ami_generator_clip(p.generator), clip);
    assert_ptr_equal(p.env.reference.clip, clip);
    const ami_generator_counts *counts = ami_generator_get_counts(p.generator);
    assert_true(counts->made == 1 && counts->changes == 0 && p.env.reference.rate == 1);
    end_pair(&p);
}

static void a_schedule_is_followed(void **unused)
{
    (void)unused;
    pair p;
    start_pair(&p, "0 walk\n1 jog\n3 zombie\n5 walk:1,jog:1\n", 0, NULL);
    static const struct {
        double at, speed;
    } expected[] = {{.9, .98}, {2.5, 2.8}, {4.5, .67}};
    int next = 0;
    for (int n = 0; n < 220; n++) {
        step(&p);
        if (next < 3 && n == (int)(30 * expected[next].at)) {
            assert_near(ami_generator_facts(p.generator)->speed, expected[next].speed,
                        .03 * expected[next].speed + .01, "speed", next);
            next++;
        }
    }
    /* Between the two in a blend, and played with accelerations between the two: these go with 1/period². */
    const ami_cycle_facts *blend = ami_generator_facts(p.generator);
    assert_true(blend->speed > 1.4 && blend->speed < 2.3);
    assert_near(blend->period_s, 1 / sqrt(.5 / (1.2666 * 1.2666) + .5 / (.8333 * .8333)), .02,
                "period of a blend", 0);
    const ami_generator_counts *counts = ami_generator_get_counts(p.generator);
    assert_true(counts->changes >= 6 && counts->made == counts->changes + 1);
    end_pair(&p);
}

/* At the moment of a change nothing moves: pose and velocity stay, and the phase too. Afterwards PD targets
 * move on as fast as between two steps of the styles themselves. */
static void changes_do_not_jump(void **unused)
{
    (void)unused;
    static const float nothing[AMI_ACTION];
    pair p;
    start_pair(&p, "0 walk\n1 jog\n2.1 zombie\n3.2 jog\n4.3 walk\n", 0, NULL);
    double before[AMI_POSE], usual = 0, at_changes = 0;
    int changes = 0;
    ami_env_target(&p.env, nothing, before);
    for (int n = 0; n < 170; n++) {
        const ami_generator_counts old = *ami_generator_get_counts(p.generator);
        double pose[AMI_POSE], vel[AMI_VEL], after[AMI_POSE], after_vel[AMI_VEL];
        ami_reference_sample(&p.env.reference, 0, pose, vel);
        const double heading = p.env.reference.heading;
        ami_generator_step(p.generator, made.workspace, &p.env);
        const bool changed = ami_generator_get_counts(p.generator)->changes > old.changes;
        if (changed) {
            ami_reference_sample(&p.env.reference, 0, after, after_vel);
            assert_near(poses_apart(after, pose), 0, 1e-7, "pose at a change", n);
            for (int k = 0; k < AMI_VEL; k++)
                assert_near(after_vel[k], vel[k], 1e-6, "velocity at a change", n);
            assert_near(p.env.reference.heading, heading, 0, "heading", n);
            changes++;
        }
        double target[AMI_POSE];
        ami_env_target(&p.env, nothing, target);
        target[0] = before[0], target[1] = before[1]; /* the root is no PD target */
        const double moved = poses_apart(target, before);
        if (changed)
            at_changes = fmax(at_changes, moved);
        else if (n < 30)
            usual = fmax(usual, moved);
        ami_reward reward;
        ami_env_step_target(&p.env, target, &reward);
        memcpy(before, target, sizeof before);
    }
    assert_true(changes >= 8);
    print_message(
        "    PD targets move by up to %.2f rad in a step of walking, by %.2f where a motion is changed\n",
        usual, at_changes);
    assert_true(at_changes < 2 * usual);
    end_pair(&p);
}

/* DeepPhase's phase of the motion goes on steadily over a change. */
static void the_phase_goes_on(void **unused)
{
    (void)unused;
    pair p;
    start_pair(&p, "0 walk\n1.1 zombie\n2.6 jog\n4 zombie\n", 0, NULL);
    void *workspace = malloc(ami_deepphase_workspace_size(&made.deepphase));
    double before = NAN;
    for (int n = 0; n < 170; n++) {
        double pose[AMI_POSE], vel[AMI_VEL];
        ami_state state;
        ami_points points;
        float features[AMI_PHASE_FEATURES];
        ami_phase phase;
        ami_generator_step(p.generator, made.workspace, &p.env);
        ami_reference_sample(&p.env.reference, 0, pose, vel);
        ami_fk_state(&character->skeleton, pose, vel, &state);
        ami_points_of_state(&character->skeleton, &state, &points);
        ami_phase_features(&points, features);
        assert_true(ami_deepphase_encode(&made.deepphase, workspace, features, &phase, NULL));
        const double moved = ami_phase_difference(before, phase.phase);
        if (n > 0 && !(moved > -.04 && moved < .12)) /* at 30 Hz the jog's mean is .04, the zombie's .02 */
            fail_msg("step %d: the phase moves by %g cycles", n, moved);
        before = phase.phase;
        ami_reference_advance(&p.env.reference, p.env.control_dt, pose);
        p.env.step++;
    }
    assert_true(ami_generator_get_counts(p.generator)->changes >= 6);
    free(workspace);
    end_pair(&p);
}

/* However the work is cut up, a style that stays ends in the same motion; and a small budget takes more
 * steps. */
static void the_budget_spreads_the_work(void **unused)
{
    (void)unused;
    static const double budget[] = {0, 150, 1e9};
    int steps[3], unfinished[3];
    ami_clip *result[3];
    for (int i = 0; i < 3; i++) {
        pair p;
        ami_generator_def def = default_def();
        def.budget_us = budget[i];
        def.glide_s = 0;
        start_pair(&p, "0 walk\n.3 zombie\n", 0, &def);
        steps[i] = unfinished[i] = 0;
        for (int n = 0; n < 30; n++) {
            steps[i] += n >= 9 && ami_generator_get_counts(p.generator)->changes == 0;
            step(&p);
            unfinished[i] += ami_generator_is_making(p.generator);
        }
        const ami_clip *clip = ami_generator_clip(p.generator);
        result[i] = ami_clip_create(ami_clip_frames(clip), ami_clip_times(clip), ami_clip_poses(clip), true,
                                    "result", NULL);
        assert_true(ami_generator_get_counts(p.generator)->changes == 1);
        assert_memory_equal(ami_clip_poses(result[i]), ami_clip_poses(result[0]),
                            (size_t)ami_clip_frames(result[0]) * AMI_POSE * sizeof(double));
        end_pair(&p);
    }
    assert_true(steps[0] == 4 && steps[1] == 2 && steps[2] == 1);
    assert_true(unfinished[0] == 3 && unfinished[1] == 1 && unfinished[2] == 0);
    for (int i = 0; i < 3; i++)
        ami_clip_destroy(result[i]);
}

/* A latent without a motion is counted, and the last good motion goes on. */
static void what_is_refused_leaves_the_motion_as_it_is(void **unused)
{
    (void)unused;
    pair p;
    start_pair(&p, "0 walk\n1 zombie\n2 jog\n", 0, NULL);
    for (int k = 2; k < AMI_STYLE_SIZE; k++)
        p.plan.moment[1].latent.z[k] = 1e6f * (float)(k % 3 - 1);
    p.plan.moment[0].latent.scale = p.plan.moment[1].latent.scale = 1;
    for (int n = 0; n < 58; n++) {
        step(&p);
        assert_true(p.env.reference.clip == ami_generator_clip(p.generator));
    }
    assert_near(ami_generator_facts(p.generator)->speed, .98, .02, "still walking", 0);
    const ami_generator_counts counts = *ami_generator_get_counts(p.generator);
    assert_true(counts.made == 1 && counts.changes == 0);
    int64_t refused = 0;
    for (int k = 1; k < AMI_REFUSALS; k++)
        refused += counts.refused[k];
    assert_true(refused >= 3 && counts.refused[AMI_MOTION_OK] == 0);
    for (int n = 0; n < 40; n++)
        step(&p);
    assert_near(ami_generator_facts(p.generator)->speed, 2.8, .08, "jogging then", 0);

    /* A first style that is not usable is an error. */
    ami_error err = {""};
    ami_generator_def def = default_def();
    p.plan.moment[0] = p.plan.moment[1];
    p.plan.moment[0].time = 0;
    def.plan = &p.plan;
    assert_null(ami_generator_create(&def, made.workspace, &err));
    assert_sentence(&err, "first|no usable motion");
    end_pair(&p);
}

static size_t save_all(const pair *p, char **data)
{
    const size_t own = ami_generator_save_size(p->generator), env = ami_env_save_size(&p->env);
    *data = malloc(own + env);
    assert_non_null(*data);
    ami_generator_save(p->generator, *data);
    ami_env_save(&p->env, *data + own);
    return own + env;
}

static void assert_same_pairs(const pair *a, const pair *b)
{
    char *x, *y;
    const size_t size = save_all(a, &x);
    assert_true(save_all(b, &y) == size);
    assert_memory_equal(x, y, size);
    free(x), free(y);
}

static void a_seed_decides_everything(void **unused)
{
    (void)unused;
    pair a, b, c;
    ami_generator_def def = default_def();
    def.phase_gain = 2;
    start_pair(&a, "random", .7, &def);
    start_pair(&b, "random", .7, &def);
    def.stream = 1;
    start_pair(&c, "random", .7, &def);
    for (int n = 0; n < 150; n++) {
        step(&a), step(&b), step(&c);
        assert_same_pairs(&a, &b);
    }
    assert_true(ami_generator_get_counts(a.generator)->changes > 5);
    assert_true(memcmp(a.env.state.pose, c.env.state.pose, sizeof a.env.state.pose) != 0);
    end_pair(&a), end_pair(&b), end_pair(&c);
}

/* Saved at any step, in the middle of the making too, and loaded into another generator that has done
 * something else: the same bits. */
static void a_saved_generator_goes_on_bit_by_bit(void **unused)
{
    (void)unused;
    ami_generator_def def = default_def();
    def.budget_us = 0; /* four steps a motion */
    def.phase_gain = 1;
    for (int when = 20; when < 29; when++) {
        pair a, b;
        start_pair(&a, "random", .6, &def);
        start_pair(&b, "random", .6, &def);
        for (int n = 0; n < when; n++)
            step(&a);
        for (int n = 0; n < 41; n++)
            step(&b);
        char *data;
        save_all(&a, &data);
        ami_error err = {""};
        if (!ami_generator_load(b.generator, made.workspace, data, &b.env, &err))
            fail_msg("%s", err.text);
        ami_env_load(&b.env, data + ami_generator_save_size(b.generator));
        free(data);
        for (int n = 0; n < 60; n++) {
            step(&a), step(&b);
            assert_same_pairs(&a, &b);
        }
        end_pair(&a), end_pair(&b);
    }
    /* What no generator saved is refused. */
    pair p;
    start_pair(&p, "walk", 0, NULL);
    const size_t size = ami_generator_save_size(p.generator);
    unsigned char *rubbish = malloc(size);
    memset(rubbish, 0xa5, size);
    ami_error err = {""};
    assert_false(ami_generator_load(p.generator, made.workspace, rubbish, &p.env, &err));
    assert_sentence(&err, "state");
    free(rubbish);
    end_pair(&p);
}

static void a_new_episode_begins_the_plan_anew(void **unused)
{
    (void)unused;
    pair p;
    start_pair(&p, "0 walk\n.5 jog\n", 0, NULL);
    for (int round = 0; round < 2; round++) {
        for (int n = 0; n < 60; n++)
            step(&p);
        assert_near(ami_generator_facts(p.generator)->speed, 2.8, .05, "jogging", round);
        ami_generator_start(p.generator, made.workspace, &p.env);
        ami_env_reset(&p.env);
        assert_near(ami_generator_facts(p.generator)->speed, .98, .02, "walking again", round);
        assert_ptr_equal(p.env.reference.clip, ami_generator_clip(p.generator));
        step(&p);
        assert_true(p.env.reference.fade.blend == 0);
    }
    end_pair(&p);

    /* In the middle of the making: what was begun is dropped. */
    ami_generator_def def = default_def();
    def.budget_us = 0;
    start_pair(&p, "0 walk\n.5 jog\n", 0, &def);
    for (int n = 0; n < 17; n++)
        step(&p);
    const int64_t changes = ami_generator_get_counts(p.generator)->changes;
    assert_int_equal(changes, 0);
    ami_generator_start(p.generator, made.workspace, &p.env);
    ami_env_reset(&p.env);
    for (int n = 0; n < 14; n++)
        step(&p);
    assert_int_equal(ami_generator_get_counts(p.generator)->changes, changes);
    assert_near(ami_generator_facts(p.generator)->speed, .98, .02, "still walking", 0);
    end_pair(&p);

    /* Drawn styles: every episode another one. */
    start_pair(&p, "random-blends", 0, NULL);
    double speed[6];
    int differ = 0;
    for (int k = 0; k < 6; k++) {
        speed[k] = ami_generator_facts(p.generator)->speed;
        differ += k > 0 && fabs(speed[k] - speed[k - 1]) > .01;
        ami_generator_start(p.generator, made.workspace, &p.env);
        ami_env_reset(&p.env);
    }
    assert_true(differ >= 3);

    /* Unless it is asked to come again: the style that was wanted last, even if the way there was not done.
     */
    for (int k = 0; k < 6; k++) {
        const double before = ami_generator_facts(p.generator)->speed;
        ami_generator_start_again(p.generator, made.workspace, &p.env);
        ami_env_reset(&p.env);
        assert_near(ami_generator_facts(p.generator)->speed, before, 0, "speed of the style that came again",
                    k);
    }
    end_pair(&p);
    /* A fall soon after a change: the same change comes again, from the style before it. */
    start_pair(&p, "random-names", .3, NULL);
    for (int n = 0; n < 7; n++)
        step(&p);
    for (int k = 0; k < 40; k++) {
        const ami_latent before = *ami_generator_requested(p.generator);
        while (p.env.step * p.env.control_dt < .32)
            step(&p);
        const ami_latent after = *ami_generator_requested(p.generator);
        ami_generator_start_again(p.generator, made.workspace, &p.env);
        ami_env_reset(&p.env);
        assert_true(ami_latent_same(ami_generator_latent(p.generator), &before));
        for (int most = 0; most < 60 && !ami_latent_same(ami_generator_requested(p.generator), &after);
             most++) {
            assert_true(ami_latent_same(ami_generator_requested(p.generator), &before));
            step(&p);
        }
        assert_true(ami_latent_same(ami_generator_requested(p.generator), &after));
        if (!ami_latent_same(&before, &after))
            assert_true(p.env.step * p.env.control_dt > .19 && p.env.step * p.env.control_dt < 1.54);
        ami_generator_start(p.generator, made.workspace, &p.env);
        ami_env_reset(&p.env);
        for (int n = 0; n < 7; n++)
            step(&p);
    }
    end_pair(&p);

    /* Later than that it is the style's, even if it would soon have been another one. */
    start_pair(&p, "random-names", 3.5, NULL);
    for (int k = 0; k < 5; k++) {
        while (p.env.step * p.env.control_dt < 3.5 + 3.1)
            step(&p);
        const ami_latent wanted = *ami_generator_requested(p.generator);
        ami_generator_start_again(p.generator, made.workspace, &p.env);
        ami_env_reset(&p.env);
        assert_true(ami_latent_same(ami_generator_latent(p.generator), &wanted));
        for (int n = 0; n < 100; n++)
            step(&p);
        assert_true(ami_latent_same(ami_generator_requested(p.generator), &wanted));
    }
    end_pair(&p);
}

static void speed_and_heading_are_reached(void **unused)
{
    (void)unused;
    pair p;
    start_pair(&p, "0 walk\n1 walk speed=1.2 heading=90\n5 walk speed=5 heading=-170\n12 walk speed=0.1\n", 0,
               NULL);
    const double own = ami_generator_facts(p.generator)->speed;
    for (int n = 0; n < 450; n++) {
        step(&p);
        const double rate = p.env.reference.rate,
                     turn = remainder(p.env.reference.heading, 2 * M_PI) * 180 / M_PI;
        assert_true(fabs(p.env.reference.turn_rate) <= .8 + 1e-12);
        if (n == 25)
            assert_true(rate == 1 && p.env.reference.turn_rate == 0);
        if (n == 145) {
            assert_near(rate, 1.2 / own, 1e-9, "rate", n);
            assert_near(turn, 90, 1, "heading", n);
        }
        if (n == 355) {
            assert_near(rate, 1.4, 1e-9, "rate at most", n);
            assert_near(turn, -170, 1, "heading", n);
        }
        if (n == 449)
            assert_near(rate, .7, 1e-9, "rate at least", n);
    }
    end_pair(&p);
}

/* The body is put elsewhere in the cycle than the reference: with a gain the clock goes towards it,
 * boundedly; without, it does not. */
static void the_bodys_phase_pulls_the_clock(void **unused)
{
    (void)unused;
    for (int way = -1; way <= 1; way += 2) {
        for (int gain = 0; gain <= 3; gain += 3) {
            pair p;
            ami_generator_def def = default_def();
            def.phase_gain = gain;
            start_pair(&p, "walk", 0, &def);
            double apart = .15 * way * ami_clip_duration(p.env.reference.clip), fastest = 0;
            for (int n = 0; n < 40; n++) {
                /* A body that walks by itself, .15 cycles ahead of the reference or behind it at first. */
                double pose[AMI_POSE], vel[AMI_VEL];
                ami_clip_sample(p.env.reference.clip, p.env.reference.time + apart, pose, vel);
                ami_fk_state(&character->skeleton, pose, vel, &p.env.state);
                ami_generator_step(p.generator, made.workspace, &p.env);
                const double rate = p.env.reference.rate;
                assert_true(rate > .7499 && rate < 1.2501);
                fastest = fabs(rate - 1) > fabs(fastest) ? rate - 1 : fastest;
                ami_reference_advance(&p.env.reference, p.env.control_dt, (const double[2]){0, 0});
                apart -= (rate - 1) * p.env.control_dt;
                p.env.step++;
            }
            if (gain == 0)
                assert_true(fastest == 0);
            else
                assert_true(fastest * way > .1 &&
                            fabs(apart) < .11 * ami_clip_duration(p.env.reference.clip));
            end_pair(&p);
        }
    }
}

/* A body that is late in another style than the one that is wanted is not waited for: there the clock is the
 * motion's. */
static void the_clock_is_left_alone_while_styles_change(void **unused)
{
    (void)unused;
    pair p;
    ami_generator_def def = default_def();
    def.phase_gain = 3;
    def.glide_s = 1;
    start_pair(&p, "0 walk\n1 zombie\n", 0, &def);
    double off[2] = {0, 0}; /* while the style changes; before and after */
    for (int n = 0; n < 120; n++) {
        double pose[AMI_POSE], vel[AMI_VEL];
        const double late = n % 20 < 10 ? .1 : 0;
        ami_clip_sample(p.env.reference.clip, p.env.reference.time - late, pose, vel);
        ami_fk_state(&character->skeleton, pose, vel, &p.env.state);
        ami_generator_step(p.generator, made.workspace, &p.env);
        const bool changing = n >= 36 && n < 60; /* the rate needs some steps to get back */
        off[changing ? 0 : 1] = fmax(off[changing ? 0 : 1], fabs(p.env.reference.rate - 1));
        ami_reference_advance(&p.env.reference, p.env.control_dt, (const double[2]){0, 0});
        p.env.step++;
    }
    assert_near(off[0], 0, 1e-9, "rate while the style changes", 0);
    assert_true(off[1] > .1);
    end_pair(&p);
}

/* A body that is always late is not waited for: the mean of what it lags is left out. */
static void a_steady_lag_is_forgotten(void **unused)
{
    (void)unused;
    pair p;
    ami_generator_def def = default_def();
    def.phase_gain = 2;
    start_pair(&p, "walk", 0, &def);
    double mean = 0;
    for (int n = 0; n < 400; n++) {
        double pose[AMI_POSE], vel[AMI_VEL];
        ami_clip_sample(p.env.reference.clip, p.env.reference.time - .05, pose, vel);
        ami_fk_state(&character->skeleton, pose, vel, &p.env.state);
        ami_generator_step(p.generator, made.workspace, &p.env);
        if (n == 10)
            assert_true(p.env.reference.rate < .97);
        if (n >= 300)
            mean += p.env.reference.rate / 100;
        ami_reference_advance(&p.env.reference, p.env.control_dt, (const double[2]){0, 0});
        p.env.step++;
    }
    assert_near(mean, 1, .01, "rate", 0);
    end_pair(&p);
}

static void bad_definitions_are_refused(void **unused)
{
    (void)unused;
    const ami_style_plan plan = {.styles = &made.styles};
    for (int i = 0; i < 16; i++) {
        ami_generator_def def = ami_generator_default_def(&made.nets, &plan);
        double *const field[] = {&def.budget_us, &def.glide_s, &def.blend_s,      &def.phase_gain,
                                 &def.speed,     &def.every_s, &def.acceleration, &def.octave_s};
        static const double low[] = {-1, -.1, 0, -1, -1, -.1, 0, -1},
                            high[] = {NAN, 61, 11, 21, 21, NAN, NAN, 61};
        static const char *const says[] = {"budget", "transition time",      "blend time", "phase gain",
                                           "speed",  "time between motions", "m/s²",       "tempo"};
        *field[i / 2] = i % 2 ? high[i / 2] : low[i / 2];
        ami_error err = {""};
        assert_null(ami_generator_create(&def, made.workspace, &err));
        assert_sentence(&err, says[i / 2]);
    }
}

/* A wish replaces the plan's styles: the scheduled ones and the drawn ones that were to come. */
static void a_wish_replaces_the_plan(void **unused)
{
    (void)unused;
    static const char *const plans[2] = {"0 walk heading=90 speed=1.2\n1 jog\n", "random"};
    for (int i = 0; i < 2; i++) {
        pair p;
        start_pair(&p, plans[i], i ? .3 : 0, NULL);
        ami_latent zombie;
        assert_true(ami_style_mix(&made.styles, "zombie", &zombie, NULL));
        for (int n = 0; n < 15; n++)
            step(&p);
        ami_generator_request(p.generator, &p.env, &zombie);
        /* nothing happens between steps */
        assert_ptr_equal(p.env.reference.clip, ami_generator_clip(p.generator));
        for (int n = 0; n < 45; n++)
            step(&p);
        assert_memory_equal(ami_generator_requested(p.generator)->z, zombie.z, sizeof zombie.z);
        if (i == 0) {
            assert_true(ami_generator_rate(p.generator) != 1); /* the speed is still wanted */
            const double turning = p.env.reference.turn_rate;
            ami_generator_release_heading(p.generator);
            p.env.reference.turn_rate = .01;
            step(&p);
            assert_true(turning != .01 && p.env.reference.turn_rate == .01);
        }
        ami_generator_set_pace(p.generator, 1.2);
        assert_true(ami_generator_rate(p.generator) == 1.2);
        ami_generator_start(p.generator, made.workspace, &p.env); /* the plan again */
        assert_true(memcmp(ami_generator_requested(p.generator)->z, zombie.z, sizeof zombie.z) != 0 ||
                    i == 1);
        ami_generator_start_with(p.generator, made.workspace, &p.env, &zombie);
        assert_memory_equal(ami_generator_requested(p.generator)->z, zombie.z, sizeof zombie.z);
        assert_ptr_equal(p.env.def.clip, ami_generator_clip(p.generator));
        end_pair(&p);
    }
}

/* No memory is asked for while it runs. */
static void nothing_is_allocated_while_it_runs(void **unused)
{
    (void)unused;
    pair p;
    ami_generator_def def = default_def();
    def.phase_gain = 1;
    start_pair(&p, "random", .3, &def);
    const long before = asked;
    for (int n = 0; n < 120; n++) {
        ami_generator_step(p.generator, made.workspace, &p.env);
        p.env.step++;
        if (n % 30 == 0) {
            ami_generator_start(p.generator, made.workspace, &p.env);
            ami_reference_start(&p.env.reference, p.env.def.clip, 0, 0, (const double[2]){0, 0});
        }
    }
    assert_int_equal(asked, before);
    assert_true(ami_generator_get_counts(p.generator)->made > 10);
    end_pair(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_style_makes_one_motion),
        cmocka_unit_test(a_schedule_is_followed),
        cmocka_unit_test(changes_do_not_jump),
        cmocka_unit_test(the_phase_goes_on),
        cmocka_unit_test(the_budget_spreads_the_work),
        cmocka_unit_test(what_is_refused_leaves_the_motion_as_it_is),
        cmocka_unit_test(a_seed_decides_everything),
        cmocka_unit_test(a_saved_generator_goes_on_bit_by_bit),
        cmocka_unit_test(a_new_episode_begins_the_plan_anew),
        cmocka_unit_test(speed_and_heading_are_reached),
        cmocka_unit_test(the_bodys_phase_pulls_the_clock),
        cmocka_unit_test(the_clock_is_left_alone_while_styles_change),
        cmocka_unit_test(a_steady_lag_is_forgotten),
        cmocka_unit_test(bad_definitions_are_refused),
        cmocka_unit_test(a_wish_replaces_the_plan),
        cmocka_unit_test(nothing_is_allocated_while_it_runs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
