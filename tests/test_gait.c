/* Cycles in motions: strikes, periods, phases and amplitudes of synthetic motions with known cycles; closed
 * loops; blends that lie between their sources. */
#include "motion/edit.h"
#include "tests/gaits.h"

#include "motion/mirror.h"

static ami_character *character;
static const stride slow = {1.2, .5, .3, 1, 0, 0, true, false}, quick = {.8, .7, .35, 1, 0, 0, true, false};

static int set_up(void **state)
{
    (void)state;
    character = load_character(120);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ami_character_destroy(character);
    return 0;
}

/* Distance of two phases, cycles. */
static double phases_apart(double a, double b)
{
    return fabs(a - b - round(a - b));
}

static void a_loop_is_one_cycle_from_its_left_strike(void **state)
{
    (void)state;
    ami_gait *g = walk_gait(character, &slow, "slow");
    assert_true(g->loops && g->walks && g->strikes == 2 && g->whole[0]);
    assert_float_equal(g->period, 1.2, 1e-6);
    assert_float_equal(g->strike[1] - g->strike[0], 1.2, 1e-9);
    /* The foot comes down as the cycle ends: shortly before that it is low and slow enough for half a
     * contact. */
    assert_true(g->strike[0] > .84 * 1.2 && g->strike[0] < 1.2);
    float f[AMI_FEATURES];
    ami_gait_sample(g, g->strike[0], f, NULL);
    assert_float_equal(fmaxf(f[AMI_FEATURE_CONTACT], f[AMI_FEATURE_CONTACT + 1]), .5, .05);
    for (int i = -50; i < 50; i++) {
        const double t = g->strike[0] + .037 * i;
        assert_true(phases_apart(ami_gait_phase(g, t), .037 * i / 1.2) < 1e-9);
        assert_true(ami_gait_phase(g, t) >= 0 && ami_gait_phase(g, t) < 1);
        assert_true(fabs(ami_gait_time(g, 0, .037 * i / 1.2) - t) < 1e-9);
        assert_float_equal(ami_gait_amplitude(g, t), 1, 1e-6);
    }
    ami_gait_destroy(g);
}

static void a_loop_of_several_cycles_is_taken_apart(void **state)
{
    (void)state;
    for (int cycles = 2; cycles <= 4; cycles++) {
        stride s = slow;
        s.cycles = cycles;
        ami_gait *g = walk_gait(character, &s, "several");
        assert_int_equal(g->strikes, cycles + 1);
        assert_float_equal(g->period, 1.2, .01);
        for (int k = 0; k < cycles; k++)
            assert_float_equal(g->strike[k + 1] - g->strike[k], 1.2, .02);
        assert_true(phases_apart(ami_gait_phase(g, g->strike[0] + 1.2), 0) < .02);
        assert_true(fabs(ami_gait_time(g, 0, cycles + .25) - ami_gait_time(g, 0, .25) - g->duration) < 1e-9);
        assert_true(fabs(ami_gait_time(g, 1, -1) - g->strike[0]) < 1e-9);
        assert_true(fabs(ami_gait_time(g, 0, -1) - g->strike[cycles - 1] + g->duration) < 1e-9);
        ami_gait_destroy(g);
    }
}

/* Cycles that differ: a walk that is pushed, cut after two and closed. */
static void cycles_of_a_loop_may_differ(void **state)
{
    (void)state;
    ami_error err = {""};
    ami_clip *pushed = ami_clip_read(AMB_SOURCE_DIR "/assets/motions/pushed_walk.txt", &err);
    assert_non_null(pushed);
    for (int i = 0; i < 4; i++) {
        const double from = .3 + .7 * i, period = 1.27;
        for (int cycles = 1; cycles <= 3; cycles++) {
            ami_clip *part = ami_edit_cut(pushed, from, from + cycles * period, &err);
            ami_clip *loop = part ? ami_edit_loop(part, AMI_LOOP_WRAP, NULL, &err) : NULL;
            ami_gait *g = loop ? ami_gait_create(&character->skeleton, loop, &err) : NULL;
            if (!g || fabs(g->period - period) > .01)
                fail_msg("%d cycles from %g s on: period %g s %s", cycles, from, g ? g->period : 0.,
                         err.text);
            ami_gait_destroy(g);
            ami_clip_destroy(loop);
            ami_clip_destroy(part);
        }
    }
    ami_clip_destroy(pushed);
}

static void the_mirror_image_is_half_a_cycle_away(void **state)
{
    (void)state;
    ami_error err = {""};
    ami_clip *clip = walk_clip(&slow, "slow"), *mirrored = ami_mirror_clip(clip, &err);
    ami_gait *g = ami_gait_create(&character->skeleton, clip, &err),
             *m = ami_gait_create(&character->skeleton, mirrored, &err);
    assert_true(m->walks);
    assert_true(fabs(phases_apart(g->strike[0] / 1.2, m->strike[0] / 1.2) - .5) < .01);
    ami_gait_destroy(g);
    ami_gait_destroy(m);
    ami_clip_destroy(clip);
    ami_clip_destroy(mirrored);
}

static void what_stands_or_hops_does_not_walk(void **state)
{
    (void)state;
    stride s = slow;
    s.speed = .05;
    ami_gait *g = walk_gait(character, &s, "in_place");
    assert_true(!g->walks && g->strikes == 2); /* it has a phase all the same */
    ami_gait_destroy(g);
    s = slow;
    s.lift = 0;
    g = walk_gait(character, &s, "gliding");
    assert_true(!g->walks);
    ami_gait_destroy(g);
}

/* A chest that turns by .6 rad from first frame to last jumps back at the seam. */
static void a_seam_is_closed(void **state)
{
    (void)state;
    stride s = slow;
    s.lean = .6;
    ami_clip *clip = walk_clip(&s, "leaning");
    float before[AMI_FEATURES], after[AMI_FEATURES];
    ami_features_of_clip(&character->skeleton, clip, 1.2 - 1e-6, before, NULL);
    ami_features_of_clip(&character->skeleton, clip, 1e-6, after, NULL);
    assert_true(points_apart(before, after) > .1);
    ami_gait *g = ami_gait_create(&character->skeleton, clip, NULL);
    ami_gait_sample(g, 1.2 - 1e-6, before, NULL);
    ami_gait_sample(g, 1e-6, after, NULL);
    assert_true(points_apart(before, after) < .002);
    /* No frame moves further than the motion and the closing themselves do, and in the loop's middle nothing
     * changed. */
    for (int i = 0; i < 72; i++) {
        ami_gait_sample(g, i / 60., before, NULL);
        ami_gait_sample(g, (i + 1) / 60., after, NULL);
        assert_true(points_apart(before, after) < .05);
    }
    ami_features_of_clip(&character->skeleton, clip, .6, before, NULL);
    ami_gait_sample(g, .6, after, NULL);
    assert_true(points_apart(before, after) < .002);
    ami_gait_destroy(g);
    ami_clip_destroy(clip);
}

static void a_long_walk_has_its_strikes_and_stands_at_last(void **state)
{
    (void)state;
    const stride s = {1.1, .5, .3, 6, 3, 0, false, false};
    ami_gait *g = walk_gait(character, &s, "long");
    assert_true(g->walks && !g->loops);
    assert_int_equal(g->strikes, 6);
    for (int k = 0; k < 6; k++)
        assert_true(g->strike[k] > 1.1 * (k + .84) && g->strike[k] < 1.1 * (k + 1));
    assert_float_equal(g->period, 1.1, .02);
    assert_true(ami_gait_amplitude(g, 3) > .95);
    assert_true(ami_gait_amplitude(g, 9.4) < .05);
    assert_true(phases_apart(ami_gait_phase(g, 3), (3 - g->strike[1]) / 1.1) < .02);
    ami_gait_destroy(g);
}

/* Off the ground for some frames in the middle of its stance, a foot does not strike again. */
static void a_trembling_foot_strikes_once(void **state)
{
    (void)state;
    const stride still = {1.1, .5, .3, 6, 3, 0, false, false},
                 trembling = {1.1, .5, .3, 6, 3, 0, false, true};
    ami_gait *a = walk_gait(character, &still, "still"), *b = walk_gait(character, &trembling, "trembling");
    double least = 1;
    for (int i = 0; i < 40; i++) {
        float f[AMI_FEATURES];
        ami_gait_sample(b, 1.1 * (2.24 + .002 * i), f, NULL);
        least = fmin(least, (double)fmaxf(f[AMI_FEATURE_CONTACT], f[AMI_FEATURE_CONTACT + 1]));
    }
    assert_true(least < .1); /* it did leave */
    assert_int_equal(b->strikes, a->strikes);
    for (int k = 0; k < a->strikes; k++)
        assert_true(fabs(a->strike[k] - b->strike[k]) < 1e-6);
    ami_gait_destroy(a);
    ami_gait_destroy(b);
}

static void what_does_not_repeat_has_no_amplitude(void **state)
{
    (void)state;
    stride s = {1.1, .5, .3, 3, .5, 0, false, false}; /* three strikes are two cycles */
    ami_gait *g = walk_gait(character, &s, "short");
    assert_true(g->strikes == 0 && !g->walks && g->period == 0);
    for (int i = 0; i < 40; i++)
        assert_true(ami_gait_amplitude(g, i * .1) == 0 && ami_gait_phase(g, i * .1) == 0);
    ami_gait_destroy(g);
}

static void windows_play_faster(void **state)
{
    (void)state;
    ami_gait *g = walk_gait(character, &slow, "slow");
    float plain[40 * AMI_FEATURES], fast[20 * AMI_FEATURES];
    ami_gait_window(g, .2, 1, 40, plain);
    ami_gait_window(g, .2, 2, 20, fast);
    for (int i = 0; i < 20; i++) {
        const float *a = plain + (size_t)(2 * i) * AMI_FEATURES, *b = fast + (size_t)i * AMI_FEATURES;
        for (int k = 0; k < AMI_FEATURES; k++) {
            const float factor = k >= AMI_FEATURE_FORWARD && k <= AMI_FEATURE_YAW_RATE ? 2 : 1;
            assert_float_equal(b[k], factor * a[k], 1e-5);
        }
    }
    assert_float_equal(plain[AMI_FEATURE_FORWARD], .3, .01);
    assert_float_equal(ami_gait_scale(g), 1, 1e-12);
    ami_gait_destroy(g);
    stride s = slow;
    s.period = 2.8;
    g = walk_gait(character, &s, "creeping");
    assert_float_equal(ami_gait_scale(g), 2, .001);
    ami_gait_destroy(g);
}

static void a_blend_is_between_its_parents(void **state)
{
    (void)state;
    ami_gait *a = walk_gait(character, &slow, "slow"), *b = walk_gait(character, &quick, "quick");
    for (int k = 0; k <= 4; k++) {
        const double w = k / 4.;
        ami_error err = {""};
        ami_gait *g = ami_gait_blend(&character->skeleton, a, b, w, "blend", &err);
        if (!g)
            fail_msg("%s", err.text);
        assert_float_equal(g->period, pow(1.2, 1 - w) * pow(.8, w), 1e-9);
        assert_true(g->walks && g->strikes == 2 && g->strike[0] == 0);
        double offset[3];
        ami_clip_cycle_offset(g->clip, offset);
        assert_float_equal(offset[0], (1 - w) * .3 * 1.2 + w * .35 * .8, .01); /* metres in a cycle */
        float frame[AMI_FEATURES], parent[AMI_FEATURES], end[AMI_FEATURES];
        for (int i = 0; i < 10; i++) {
            const ami_gait *other = w < .5 ? a : b;
            ami_gait_sample(g, ami_gait_time(g, 0, i / 10.), frame, NULL);
            ami_gait_sample(other, ami_gait_time(other, 0, i / 10.), parent, NULL);
            if (k == 0 || k == 4)
                assert_true(points_apart(frame, parent) < .01);
            /* a knee bends as far as its parents' weighted mean: the ankle's height lies between theirs */
            const int ankle = 3 * (AMI_POINT_LEFT + AMI_POINT_ANKLE) + 2;
            float pa[AMI_FEATURES], pb[AMI_FEATURES];
            ami_gait_sample(a, ami_gait_time(a, 0, i / 10.), pa, NULL);
            ami_gait_sample(b, ami_gait_time(b, 0, i / 10.), pb, NULL);
            assert_true(frame[ankle] > fminf(pa[ankle], pb[ankle]) - .01f &&
                        frame[ankle] < fmaxf(pa[ankle], pb[ankle]) + .01f);
        }
        ami_gait_sample(g, 0, frame, NULL);
        ami_gait_sample(g, g->duration - 1e-9, end, NULL);
        assert_true(points_apart(frame, end) < 1e-4);
        ami_gait_destroy(g);
    }
    ami_gait_destroy(a);
    ami_gait_destroy(b);
}

static void too_short_is_refused(void **state)
{
    (void)state;
    stride s = slow;
    s.period = .2;
    ami_error err = {""};
    ami_clip *clip = walk_clip(&s, "blink");
    assert_null(ami_gait_create(&character->skeleton, clip, &err));
    assert_non_null(strstr(err.text, "blink: 0.2 s long, expected at least 0.3 s"));
    ami_clip_destroy(clip);
    ami_gait_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_is_one_cycle_from_its_left_strike),
        cmocka_unit_test(a_loop_of_several_cycles_is_taken_apart),
        cmocka_unit_test(cycles_of_a_loop_may_differ),
        cmocka_unit_test(the_mirror_image_is_half_a_cycle_away),
        cmocka_unit_test(what_stands_or_hops_does_not_walk),
        cmocka_unit_test(a_seam_is_closed),
        cmocka_unit_test(a_long_walk_has_its_strikes_and_stands_at_last),
        cmocka_unit_test(a_trembling_foot_strikes_once),
        cmocka_unit_test(what_does_not_repeat_has_no_amplitude),
        cmocka_unit_test(windows_play_faster),
        cmocka_unit_test(a_blend_is_between_its_parents),
        cmocka_unit_test(too_short_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
