/* Motions made from latents: recorded windows give closed cycles of the same gait; other latents give motions
 * within the limits or an error with the right reason. */
#include "tests/motions.h"

static ami_character *character;
static ami_model *phase_model;
static ami_deepphase deepphase;
static ami_clip *out;
static ami_cycle cycle;

static int set_up(void **state)
{
    (void)state;
    set_threads(1);
    character = load_character(120);
    phase_model = leg_phase();
    out = ami_clip_reserve(AMI_CYCLE_FRAMES + 1, "out", NULL);
    return out && ami_deepphase_init(&deepphase, phase_model, NULL) ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ami_clip_destroy(out);
    ami_model_destroy(phase_model);
    ami_character_destroy(character);
    return 0;
}

/* The motion of a window, through a decoder that says it whatever z is. */
static ami_refusal make_of(const float *window, double scale, const ami_motion_limits *limits)
{
    ami_net *decoder = hand_decoder(window, window, window, 2, 0);
    ami_stylevae vae;
    assert_true(
        ami_stylevae_init(&vae, NULL, decoder, &(ami_model_def){.precision = AMI_PRECISION_FP32}, NULL));
    const ami_motion_nets nets = {&character->skeleton, &vae, &deepphase};
    const ami_motion_limits usual = ami_motion_default_limits();
    ami_cycle_workspace *workspace = ami_cycle_workspace_create(&nets, NULL);
    assert_non_null(workspace);
    const ami_latent latent = {.scale = scale};
    const ami_refusal refusal =
        ami_cycle_make(&cycle, &nets, limits ? limits : &usual, workspace, &latent, out);
    ami_cycle_workspace_destroy(workspace);
    ami_stylevae_free(&vae);
    ami_net_destroy(decoder);
    return refusal;
}

/* How far the points of two poses are apart on average, each seen from its own root and heading. */
static double points_apart(const float *a, const float *b)
{
    double sum = 0;
    for (int p = 0; p < 3 * AMI_POINTS; p += 3)
        sum += sqrt(pow((double)a[p] - (double)b[p], 2) + pow((double)a[p + 1] - (double)b[p + 1], 2) +
                    pow((double)a[p + 2] - (double)b[p + 2], 2));
    return sum / AMI_POINTS;
}

/* Mean speed over ground of sole points that are near it, m/s. */
static double skate_of(const ami_clip *clip, double t0, double span)
{
    double way = 0, weight = 0;
    for (int n = 0; n < 400; n++) {
        double pose[AMI_POSE], vel[AMI_VEL];
        ami_state state;
        ami_points points;
        ami_clip_sample(clip, t0 + span * n / 400, pose, vel);
        ami_fk_state(&character->skeleton, pose, vel, &state);
        ami_points_of_state(&character->skeleton, &state, &points);
        for (int k = 0; k < 4; k++) {
            const double z = points.pos[ami_sole_point[k]][2], near = z < .03   ? 1
                                                                      : z < .06 ? (.06 - z) / .03
                                                                                : 0;
            way += near * hypot(points.vel[ami_sole_point[k]][0], points.vel[ami_sole_point[k]][1]);
            weight += near;
        }
    }
    return way / weight;
}

/* Windows of a loop that walks, from five moments on, as motions: they are the clip itself. */
static void comes_back(const ami_clip *clip)
{
    static float window[AMI_STYLE_WINDOW];
    const char *name = ami_clip_name(clip);
    double way[3], got[3];
    ami_clip_cycle_offset(clip, way);
    for (int n = 0; n < 5; n++) {
        const double t0 = .23 * n, period = ami_clip_duration(clip);
        window_of_clip(character, clip, t0, window);
        const ami_refusal refusal = make_of(window, 1, NULL);
        if (refusal)
            fail_msg("%s from %g s: %s", name, t0, ami_refusal_text(refusal));
        assert_near(cycle.facts.period_s, period, .02 * period, "period", n);
        assert_near(ami_clip_duration(out), cycle.facts.period_s, 1e-9, "duration", n);
        assert_near(cycle.facts.speed, hypot(way[0], way[1]) / period, .02 * hypot(way[0], way[1]) / period,
                    "speed", n);
        ami_clip_cycle_offset(out, got);
        assert_true(got[0] > .99 * hypot(got[0], got[1])); /* along x */
        assert_true(ami_clip_loops(out) && ami_clip_frames(out) == cycle.facts.frames + 1);

        /* The same poses: at a share u of the cycle what the clip is at t0 + strike + u period. */
        double apart = 0, foremost = 0;
        for (int k = 0; k < 40; k++) {
            float a[AMI_FEATURES], b[AMI_FEATURES];
            const double u = k / 40.;
            ami_features_of_clip(&character->skeleton, out, u * ami_clip_duration(out), a, NULL);
            ami_features_of_clip(&character->skeleton, clip,
                                 t0 + cycle.strike / AMI_FEATURE_RATE + u * period, b, NULL);
            apart += points_apart(a, b) / 40;
            const double stride = (double)(a[3 * (AMI_POINT_LEFT + AMI_POINT_ANKLE)] -
                                           a[3 * (AMI_POINT_RIGHT + AMI_POINT_ANKLE)]);
            if (k == 0)
                foremost = stride;
            assert_true(stride < foremost + .08); /* it begins with the left leg foremost */
        }
        assert_near(apart, 0, .012, name, n);
        /* Feet slide no more than in the window, as measured here and as the facts have it. */
        const double slid = skate_of(out, 0, ami_clip_duration(out)), before = skate_of(clip, t0, period);
        if (slid > 1.1 * cycle.facts.window_skate + .02)
            fail_msg("%s from %g s: feet slide at %g m/s, in the window at %g", name, t0, slid,
                     cycle.facts.window_skate);
        assert_near(cycle.facts.skate, slid, .2 * slid, "skate", n);
        assert_near(cycle.facts.window_skate, before, .25 * before, "the window's skate", n);

        /* Closed: no jump at the seam, in velocity neither. */
        const double *pose = ami_clip_poses(out), *vel = ami_clip_vels(out);
        const int last = cycle.facts.frames;
        for (int k = 2; k < AMI_POSE; k++)
            assert_near(fabs(pose[last * AMI_POSE + k]), fabs(pose[k]), 1e-9, "seam", k);
        for (int k = 0; k < AMI_VEL; k++)
            assert_near(vel[last * AMI_VEL + k], vel[k], 1e-9, "speed at the seam", k);
    }
}

static void a_gait_comes_back(void **unused)
{
    (void)unused;
    static const char *const name[] = {"style_walk", "style_run", "style_jog", "style_zombie"};
    for (int i = 0; i < 4; i++) {
        ami_clip *clip = shipped_clip(name[i]);
        comes_back(clip);
        ami_clip_destroy(clip);
    }
}

/* The same of gaits that people were recorded in. PyBullet ships walk and run, only DeepMimic's repository
 * the others. */
static void a_recorded_gait_comes_back(void **unused)
{
    (void)unused;
    static const char *const name[] = {"walk", "run", "jog", "zombie_walk"};
    char path[512];
    int found = 0;
    for (int i = 0; i < 4; i++) {
        ami_error err = {""};
        if (!ami_clip_find(name[i], NULL, path, sizeof path, NULL)) {
            print_message("    not tested with DeepMimic's clip %s (scripts/get-clips.sh --from takes it "
                          "from a clone)\n",
                          name[i]);
            continue;
        }
        ami_clip *clip = ami_clip_read(path, &err);
        if (!clip)
            fail_msg("%s", err.text);
        comes_back(clip);
        ami_clip_destroy(clip);
        found++;
    }
    if (!found) {
        skip_because("needs DeepMimic's clips walk, run, jog, zombie_walk; scripts/get-clips.sh fetches the "
                     "first two");
    }
}

/* Feet of a clip on which a cycle does not end where it began, and of one in noise: closed all the same. */
static void a_cycle_that_is_not_quite_one_is_closed(void **unused)
{
    (void)unused;
    static float window[AMI_STYLE_WINDOW];
    ami_clip *clip = shipped_clip("pushed_walk");
    ami_rng rng = ami_rng_seed(3, 3);
    double to_close = 0;
    for (int n = 0; n < 12; n++) {
        window_of_clip(character, clip, 1 + .45 * n, window);
        for (int i = 0; i < AMI_STYLE_WINDOW; i++)
            window[i] += .001f * (float)ami_rng_normal(&rng);
        assert_int_equal(make_of(window, 1, NULL), AMI_MOTION_OK);
        to_close = fmax(to_close, cycle.facts.close_m);
        /* A jump would be seen in the second differences. */
        const int frames = cycle.facts.frames;
        double worst = 0, usual = 0;
        for (int f = 0; f < frames; f++) {
            float a[3][AMI_FEATURES], bend[AMI_FEATURES] = {0};
            static const float nothing[AMI_FEATURES];
            for (int k = 0; k < 3; k++)
                ami_features_of_clip(&character->skeleton, out, (f + k) * ami_clip_duration(out) / frames,
                                     a[k], NULL);
            for (int k = 0; k < 3 * AMI_POINTS; k++)
                bend[k] = a[0][k] - 2 * a[1][k] + a[2][k];
            worst = fmax(worst, points_apart(bend, nothing));
            usual += points_apart(bend, nothing) / frames;
        }
        if (worst > 3 * usual)
            fail_msg("motion %d: it bends by %g m where %g m are usual", n, worst, usual);
    }
    assert_true(to_close > .02); /* there was something to close */
    ami_clip_destroy(clip);
}

static void a_scale_slows_the_motion_and_nothing_else(void **unused)
{
    (void)unused;
    static float window[AMI_STYLE_WINDOW];
    ami_clip *clip = shipped_clip("style_run");
    window_of_clip(character, clip, 0, window);
    assert_int_equal(make_of(window, 1, NULL), AMI_MOTION_OK);
    const ami_cycle_facts once = cycle.facts;
    double way[3], slow_way[3];
    ami_clip_cycle_offset(out, way);
    assert_int_equal(make_of(window, 1.5, NULL), AMI_MOTION_OK);
    ami_clip_cycle_offset(out, slow_way);
    assert_near(cycle.facts.period_s, 1.5 * once.period_s, 1e-9, "period", 0);
    assert_near(slow_way[0], way[0], .01 * way[0], "way", 0);
    assert_near(cycle.facts.speed, once.speed / 1.5, .01 * once.speed, "speed", 0);
    assert_int_equal(make_of(window, 100, NULL), AMI_MOTION_OK); /* kept within the limit */
    assert_near(cycle.facts.stretch, 5, 0, "stretch", 0);
    ami_clip_destroy(clip);
}

static void refusals_say_why(void **unused)
{
    (void)unused;
    static float walk[AMI_STYLE_WINDOW], window[AMI_STYLE_WINDOW];
    ami_clip *clip = shipped_clip("style_walk");
    window_of_clip(character, clip, 0, walk);
    const ami_motion_limits usual = ami_motion_default_limits();
#define CHANGED(expression)                    \
    for (int f = 0; f < AMI_STYLE_FRAMES; f++) \
        for (int k = 0; k < AMI_FEATURES; k++) \
    window[f * AMI_FEATURES + k] = (float)(expression)
#define WALK ((double)walk[f * AMI_FEATURES + k])
    CHANGED(WALK);
    assert_int_equal(make_of(window, 1, NULL), AMI_MOTION_OK);
    CHANGED(f == 17 && k == 40 ? (double)NAN : WALK);
    assert_int_equal(make_of(window, 1, NULL), AMI_REFUSED_NUMBERS);
    CHANGED(f == 59 && k == 72 ? 1e9 : WALK);
    assert_int_equal(make_of(window, 1, NULL), AMI_REFUSED_NUMBERS);
    CHANGED((double)walk[k]); /* it stands still */
    assert_int_equal(make_of(window, 1, NULL), AMI_REFUSED_RHYTHM);
    CHANGED(WALK + (k < 66 && k % 3 == 1 ? .01 * f : 0)); /* the body drifts aside from itself, .38 m a
                                                             cycle */
    assert_int_equal(make_of(window, 1, NULL), AMI_REFUSED_OPEN);
    CHANGED(k < 66 && k % 3 == 1 ? 3 * WALK : WALK); /* three times as broad */
    assert_int_equal(make_of(window, 1, NULL), AMI_REFUSED_BODY);
    CHANGED(WALK + (k < 66 && k % 3 == 2 ? .25 : 0)); /* it floats */
    assert_int_equal(make_of(window, 1, NULL), AMI_REFUSED_HEIGHT);
    CHANGED(WALK - (k < 66 && k % 3 == 2 ? .2 : 0)); /* it wades */
    assert_int_equal(make_of(window, 1, NULL), AMI_REFUSED_HEIGHT);
    CHANGED(WALK - (k < 66 && k % 3 == 2 ? .7 : 0));
    assert_int_equal(make_of(window, 1, NULL), AMI_REFUSED_HEIGHT);
    CHANGED(WALK + (k == AMI_FEATURE_FORWARD ? 9 : 0));
    assert_int_equal(make_of(window, 1, NULL), AMI_REFUSED_SPEED);
    CHANGED(WALK);
    ami_motion_limits tight = usual;
    tight.joint_speed = 1;
    assert_int_equal(make_of(window, 1, &tight), AMI_REFUSED_JOINTS);
    tight = usual;
    tight.joint_angle = .3;
    assert_int_equal(make_of(window, 1, &tight), AMI_REFUSED_JOINTS);
    tight = usual;
    tight.period_s[1] = 1.2;
    assert_int_equal(make_of(window, 1, &tight), AMI_REFUSED_RHYTHM);
    tight = usual;
    tight.period_s[0] = 1.4;
    assert_int_equal(make_of(window, 1, &tight), AMI_REFUSED_RHYTHM);
    assert_int_equal(make_of(window, (double)NAN, NULL), AMI_REFUSED_NUMBERS);
    ami_clip_destroy(clip);
}

/* A cycle's share and DeepPhase's phase: two ways through one table. */
static void phases_lead_there_and_back(void **unused)
{
    (void)unused;
    static float window[AMI_STYLE_WINDOW];
    ami_clip *clip = shipped_clip("style_walk");
    window_of_clip(character, clip, .4, window);
    assert_int_equal(make_of(window, 1, NULL), AMI_MOTION_OK);
    assert_near(ami_cycle_phase_at(&cycle, 0), 0, .01, "phase", 0);
    assert_near(ami_cycle_phase_at(&cycle, 1), 1, 0, "phase", 1);
    double before = 0;
    for (int k = 0; k <= 100; k++) {
        const double phase = ami_cycle_phase_at(&cycle, k / 100.);
        assert_true(phase >= before && phase <= 1);
        before = phase;
        const double share = ami_cycle_fraction_at(&cycle, phase);
        assert_near(ami_cycle_phase_at(&cycle, share), phase, 1e-9, "there and back", k);
    }
    /* They are what the network says of the finished motion. */
    void *workspace = malloc(ami_deepphase_workspace_size(&deepphase));
    for (int f = 0; f < cycle.facts.frames; f++) {
        float features[AMI_PHASE_FEATURES];
        ami_phase phase;
        ami_features_of_clip(&character->skeleton, out, ami_clip_times(out)[f], NULL, features);
        assert_true(ami_deepphase_encode(&deepphase, workspace, features, &phase, NULL));
        assert_near(ami_phase_difference(cycle.phase[f], phase.phase), 0, .03, "phase of frame", f);
    }
    free(workspace);
    ami_clip_destroy(clip);
}

/* Whatever is drawn: within the limits, checked by means of our own, or refused. */
static void any_latent_is_usable_or_refused(void **unused)
{
    (void)unused;
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
    enum { DRAWS = 4000 };
#else
    enum { DRAWS = 100000 };
#endif
    hand_made m;
    make_by_hand(&m, character, .04);
    const ami_motion_limits limits = ami_motion_default_limits();
    ami_rng rng = ami_rng_seed(9, 0);
    int64_t count[AMI_REFUSALS] = {0};
    for (int n = 0; n < DRAWS; n++) {
        ami_latent latent;
        const double length = n % 50 == 0 ? 1e30 : n % 11 == 0 ? 30 : ami_rng_range(&rng, 0, 2);
        for (int k = 0; k < AMI_STYLE_SIZE; k++)
            latent.z[k] = (float)(length * ami_rng_normal(&rng));
        latent.z[0] = (float)ami_rng_uniform(&rng);
        latent.z[1] = (float)ami_rng_range(&rng, -1, 1);
        latent.scale = exp(ami_rng_normal(&rng) * .3);
        if (n % 97 == 0)
            latent.z[ami_rng_below(&rng, AMI_STYLE_SIZE)] = n % 2 ? NAN : -INFINITY;
        const ami_refusal refusal = ami_cycle_make(&cycle, &m.nets, &limits, m.workspace, &latent, out);
        count[refusal]++;
        if (refusal)
            continue;
        const int frames = ami_clip_frames(out);
        assert_true(frames >= 9 && frames <= AMI_CYCLE_FRAMES + 1 && ami_clip_loops(out));
        for (int f = 0; f < frames; f++) {
            const double *pose = ami_clip_poses(out) + f * AMI_POSE;
            double square = 0;
            for (int k = 0; k < AMI_POSE; k++)
                square += pose[k] * pose[k];
            assert_true(isfinite(square));
            assert_true(pose[2] >= .3 && pose[2] <= 1.3);
            /* knees back, elbows forward */
            assert_true(pose[19] <= .01 && pose[33] <= .01 && pose[28] >= -.01 && pose[42] >= -.01);
        }
        double pose[AMI_POSE], vel[AMI_VEL], square = 0;
        ami_clip_sample(out, ami_rng_range(&rng, -3, 3), pose, vel);
        for (int k = 0; k < AMI_VEL; k++)
            square += vel[k] * vel[k];
        assert_true(square < 13 * 30 * 30 + 8 * 8);
    }
    for (int k = 0; k < AMI_REFUSALS; k++)
        print_message("    %7lld: %s\n", (long long)count[k], ami_refusal_text((ami_refusal)k));
    assert_true(count[AMI_MOTION_OK] > DRAWS / 20);
    assert_true(count[AMI_REFUSED_NUMBERS] >= DRAWS / 97);
    assert_true(count[AMI_REFUSED_BODY] + count[AMI_REFUSED_OPEN] + count[AMI_REFUSED_RHYTHM] > DRAWS / 20);
    free_hand_made(&m);
}

/* The same latent makes the same motion, whatever was made before in the same memory. */
static void a_motion_depends_on_its_latent_alone(void **unused)
{
    (void)unused;
    hand_made m;
    make_by_hand(&m, character, .02);
    const ami_motion_limits limits = ami_motion_default_limits();
    ami_clip *first = ami_clip_reserve(AMI_CYCLE_FRAMES + 1, "first", NULL);
    static ami_cycle once;
    ami_latent a, b;
    ami_latent_of_style(&m.style[1], &a);
    ami_latent_of_style(&m.style[2], &b);
    assert_int_equal(ami_cycle_make(&once, &m.nets, &limits, m.workspace, &a, first), AMI_MOTION_OK);
    assert_int_equal(ami_cycle_make(&cycle, &m.nets, &limits, m.workspace, &b, out), AMI_MOTION_OK);
    /* Slice by slice, another motion in between in the same workspace. */
    static ami_cycle other;
    ami_clip *third = ami_clip_reserve(AMI_CYCLE_FRAMES + 1, "third", NULL);
    ami_cycle_task *task = ami_cycle_task_create(&m.nets, NULL);
    ami_cycle_begin(&cycle, task, &a);
    double left = ami_cycle_left_us(&cycle, task);
    int slices = 0;
    for (; cycle.stage != AMI_CYCLE_DONE; slices++) {
        assert_true(ami_cycle_slice_us(&cycle) > 0 && ami_cycle_slice_us(&cycle) <= 20);
        assert_int_equal(ami_cycle_advance(&cycle, task, &m.nets, &limits, m.workspace, out), AMI_MOTION_OK);
        assert_int_equal(ami_cycle_make(&other, &m.nets, &limits, m.workspace, &b, third), AMI_MOTION_OK);
        const double now = ami_cycle_left_us(&cycle, task);
        assert_true(now < left + 1e-9 && now >= 0);
        left = now;
    }
    assert_true(slices >= 20 && left == 0);
    ami_cycle_task_destroy(task);
    assert_int_equal(ami_clip_frames(out), ami_clip_frames(first));
    assert_memory_equal(ami_clip_poses(out), ami_clip_poses(first),
                        (size_t)ami_clip_frames(out) * AMI_POSE * sizeof(double));
    assert_memory_equal(&cycle, &once, sizeof cycle);
    ami_clip_destroy(first);
    ami_clip_destroy(third);
    free_hand_made(&m);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_gait_comes_back),
        cmocka_unit_test(a_recorded_gait_comes_back),
        cmocka_unit_test(a_cycle_that_is_not_quite_one_is_closed),
        cmocka_unit_test(a_scale_slows_the_motion_and_nothing_else),
        cmocka_unit_test(refusals_say_why),
        cmocka_unit_test(phases_lead_there_and_back),
        cmocka_unit_test(any_latent_is_usable_or_refused),
        cmocka_unit_test(a_motion_depends_on_its_latent_alone),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
