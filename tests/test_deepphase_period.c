/* nets/deepphase: speed and period of trajectories made by formula: constant speed, reversal, noise, NaN,
 * short trajectories, and trajectories without a period. */
#include "tests/phases.h"

/* ---- Velocity ---- */

static void velocity_of_constant_speed(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(4, 0);
    const double rates[] = {5, 30, 60, 120, 1000};
    for (int t = 0; t < 200; t++) {
        const double rate = rates[t % 5], speed = ami_rng_range(&rng, -.45, .45) * fmin(rate, 30);
        const int frames = 2 + (int)ami_rng_below(&rng, 300);
        steady(frames, rate, ami_rng_uniform(&rng), speed, 0, &rng);
        for (int i = 0; i < frames; i++) { /* whatever the amplitude does */
            const double a = ami_rng_range(&rng, .1, 3);
            phases[i] = (ami_phase){a * phases[i].x, a * phases[i].y, phases[i].phase, a};
        }
        get_velocity();
        for (int i = 0; i < frames; i++)
            near("velocity", velocity[i], speed, 1e-9 * rate);
    }
    steady(1, 30, .3, 1, 0, &rng);
    get_velocity();
    assert_true(velocity[0] == 0);
}

/* The same motion with another origin of phase: what happens at the wrap is nothing special. */
static void velocity_does_not_see_the_wrap(void **state)
{
    (void)state;
    static double first[MOST];
    for (int turn = 0; turn < 8; turn++) {
        start(240, 30);
        for (int i = 0; i < 240; i++)
            phases[i] = ami_phase_at(turn / 8. + .05 * i + .1 * sin(.1 * i), 1 + .5 * cos(.07 * i));
        ami_phase_unwrap(&trajectory);
        get_velocity();
        for (int i = 0; i < 240; i++) {
            if (turn == 0)
                first[i] = velocity[i];
            near("velocity", velocity[i], first[i], 1e-10);
            if (i >= 3 && i < 237) /* .05 + .01 cos(.1 i) cycles a frame, smoothed over 7 */
                near("velocity", velocity[i], 30 * (.05 + .01 * cos(.1 * i)), 30 * .01 * .04);
        }
    }
}

static void velocity_of_a_reversal(void **state)
{
    (void)state;
    start(121, 30);
    for (int i = 0; i <= 120; i++)
        phases[i] = ami_phase_at(.95 + (i < 60 ? i : 120 - i) / 30., 1);
    ami_phase_unwrap(&trajectory);
    get_velocity();
    for (int i = 0; i <= 120; i++) {
        if (i <= 57 || i >= 63)
            near("velocity", velocity[i], i < 60 ? 1 : -1, 1e-9);
        else
            assert_true(fabs(velocity[i]) < 1 && velocity[i] < velocity[i - 1] + 1e-9);
    }
    near("velocity at the turn", velocity[60], 0, 1e-9);
}

static void velocity_with_noise(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(5, 0);
    for (int level = 1; level <= 4; level++) {
        const double noise = .05 * level, speed = 1.2;
        double square = 0;
        steady(MOST, 30, .1, speed, noise, &rng);
        get_velocity();
        for (int i = 3; i < MOST - 3; i++)
            square += (velocity[i] - speed) * (velocity[i] - speed) / (MOST - 6);
        /* The slope over 7 frames has standard deviation noise / √28 radians a frame; half more for its own
         * higher orders. */
        const double expected = noise / sqrt(28) / TURN * 30;
        if (!(sqrt(square) < 1.5 * expected && sqrt(square) > .5 * expected))
            fail_msg("noise %g: velocity is off by %g, expected about %g", noise, sqrt(square), expected);
    }
    /* A frame of next to no amplitude may point anywhere. */
    steady(41, 30, .1, 1, 0, &rng);
    for (int turn = 0; turn < 10; turn++) {
        phases[20] = ami_phase_at(.1 * turn, .01);
        ami_phase_unwrap(&trajectory);
        get_velocity();
        for (int i = 0; i < 41; i++)
            near("velocity beside a weak frame", velocity[i], 1, 2e-3);
    }
    for (int i = 0; i < 41; i++)
        phases[i] = ami_phase_at(0, i == 20);
    ami_phase_unwrap(&trajectory);
    get_velocity();
    for (int i = 0; i < 41; i++)
        assert_true(velocity[i] == 0);
}

/* ---- Period ---- */

static double uneven(double cycles, double depth)
{
    return cycles + depth * sin(TURN * cycles);
}

static void period_of_clean_motion(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(6, 0);
    double least = 1, worst = 0;
    for (int t = 0; t < 5000; t++) {
        const double rate = t % 2 ? 30 : 120, length = ami_rng_range(&rng, .3, 2.5),
                     cycles = ami_rng_range(&rng, 2, 12);
        const double from = ami_rng_uniform(&rng), depth = ami_rng_range(&rng, 0, .1),
                     speed = (t % 3 ? 1 : -1) / length;
        const int frames = (int)fmin(MOST, ceil(cycles * length * rate));
        start(frames, rate);
        for (int i = 0; i < frames; i++)
            phases[i] =
                ami_phase_at(uneven(from + speed * i / rate, depth), 1 + .3 * sin(TURN * speed * i / rate));
        ami_phase_unwrap(&trajectory);
        const ami_phase_period p = period();
        near("period", p.period_s, length, .02 * length);
        near("velocity", p.velocity, speed, .02 * fabs(speed));
        near("cycles", p.cycles, frames / rate / length, .02 * frames / rate / length);
        worst = fmax(worst, fabs(p.period_s / length - 1));
        least = fmin(least, p.confidence);
        assert_true(frames / rate / length < 2.03 || !p.short_of_two_cycles);
    }
    if (!(least > .7))
        fail_msg("confidence of a clean motion goes down to %g", least);
    steady(240, 30, .4, 1.25, 0, &rng);
    near("confidence of an even motion", period().confidence, 1, 1e-9);
    near("its period", period().period_s, .8, 1e-9);
    steady(240, 30, .4, -1.25, 0, &rng);
    near("velocity of an even motion backwards", period().velocity, -1.25, 1e-9);
    near("its confidence", period().confidence, 1, 1e-9);
    for (int k = -9; k <= 9; k++) { /* up to just below half a cycle a frame, either way */
        steady(100, 30, .4, 30 * k / 20., 0, &rng);
        near("velocity", period().velocity, 30 * k / 20., 1e-9);
    }
    for (int t = 0; t < 200; t++) { /* every third frame is weak and points anywhere: neither the period nor
                                       the confidence minds */
        steady(240, 30, .4, 1.25, 0, &rng);
        for (int i = 1; i < 240; i += 3)
            phases[i] = ami_phase_at(ami_rng_uniform(&rng), .01);
        ami_phase_unwrap(&trajectory);
        near("period", period().period_s, .8, .002 * .8);
        assert_true(period().confidence > .98);
    }
    print_message("clean: period off by %.2f %% at most, confidence at least %.2f\n", 100 * worst, least);
}

static void period_of_noisy_motion(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(7, 0);
    double before = 1;
    for (int level = 1; level <= 4; level++) {
        const double noise = .1 * level;
        double least = 1, mean = 0, worst = 0;
        for (int t = 0; t < 1000; t++) {
            const double length = ami_rng_range(&rng, .5, 2), cycles = ami_rng_range(&rng, 3, 10),
                         speed = (t % 2 ? 1 : -1) / length;
            const int frames = (int)fmin(MOST, ceil(cycles * length * 30));
            steady(frames, 30, ami_rng_uniform(&rng), speed, noise, &rng);
            const ami_phase_period p = period();
            near("period", p.period_s, length, .05 * length);
            assert_true(p.velocity * speed > 0);
            worst = fmax(worst, fabs(p.period_s / length - 1));
            least = fmin(least, p.confidence);
            mean += p.confidence / 1000;
        }
        print_message(
            "noise %.1f: period off by %.2f %% at most, confidence %.2f in the mean, at least %.2f\n", noise,
            100 * worst, mean, least);
        if (!(mean < before && mean > .6 && least > .3))
            fail_msg("noise %g: confidence %g in the mean, at least %g; %g with less noise", noise, mean,
                     least, before);
        before = mean;
    }
}

static void short_of_two_cycles(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(8, 0);
    for (int t = 0; t < 2000; t++) {
        const double length = ami_rng_range(&rng, .5, 2), cycles = ami_rng_range(&rng, .1, 1.95),
                     noise = t % 2 ? .05 : 0;
        const int frames = (int)fmax(2, floor(cycles * length * 60));
        const double seen = frames / 60. / length;
        steady(frames, 60, ami_rng_uniform(&rng), 1 / length, noise, &rng);
        const ami_phase_period p = period();
        if (seen < 1.9)
            assert_true(p.short_of_two_cycles);
        if (noise == 0) {
            near("period", p.period_s, length, 1e-6);
            assert_true(p.confidence <= seen / 2 + 1e-6);
        } else if (seen > .8) {
            near("period", p.period_s, length, .1 * length);
            assert_true(p.confidence < .5 * p.cycles + 1e-6);
        }
    }
    steady(1990, 1000, .2, 1, 0, &rng);
    assert_false(period().short_of_two_cycles);
    steady(1970, 1000, .2, 1, 0, &rng);
    assert_true(period().short_of_two_cycles);
    /* Exactly two cycles, as 60 frames of a motion of one second at 30 Hz are, count as two. */
    steady(60, 30, .2, 1, 0, &rng);
    assert_false(period().short_of_two_cycles);
    near("confidence of two cycles", period().confidence, 1, 1e-6);
    for (int frames = 1; frames <= 3; frames++) {
        steady(frames, 30, .2, 1, 0, &rng);
        const ami_phase_period p = period();
        assert_true(p.short_of_two_cycles);
        assert_true(p.confidence < .06);
        assert_true(frames == 1 ? isinf(p.period_s) : fabs(p.period_s - 1) < 1e-9);
    }
}

/* What does not go round evenly: noise, a random walk, a phase that stands still or swings to and fro, a rate
 * that rises fourfold. */
static ami_phase aimless(int kind, int i, int frames, double *walk, ami_rng *rng)
{
    const double s = (double)i / frames;
    switch (kind) {
    case 0:
        return noisy(0, 0, 1, rng);
    case 1:
        *walk += .1 * ami_rng_normal(rng);
        return ami_phase_at(*walk, 1);
    case 2:
        return noisy(.3, 1, .1, rng);
    case 3:
        return noisy(.3 * sin(TURN * i / 30.), 1, .05, rng);
    default:
        return noisy((1 * s + 1.5 * s * s) * frames / 60., 1, .05, rng);
    }
}

static void no_period_no_confidence(void **state)
{
    (void)state;
    static const char *const name[] = {"noise", "a random walk", "standing still", "to and fro",
                                       "ever faster"};
    static const double limit[] = {.005, .1, .005, .02, .25}; /* on the mean over many */
    ami_rng rng = ami_rng_seed(9, 0);
    for (int kind = 0; kind < 5; kind++) {
        double mean = 0, most = 0;
        for (int t = 0; t < 500; t++) {
            const int frames = 120 + (int)ami_rng_below(&rng, 240);
            double walk = ami_rng_uniform(&rng);
            start(frames, 30);
            for (int i = 0; i < frames; i++)
                phases[i] = aimless(kind, i, frames, &walk, &rng);
            ami_phase_unwrap(&trajectory);
            const double confidence = period().confidence;
            mean += confidence / 500;
            most = fmax(most, confidence);
        }
        print_message("%s: confidence %.3f in the mean, at most %.2f\n", name[kind], mean, most);
        if (!(mean < limit[kind] && most < .6))
            fail_msg("%s: confidence %g in the mean, at most %g; expected below %g", name[kind], mean, most,
                     limit[kind]);
    }
    start(100, 30);
    for (int i = 0; i < 100; i++)
        phases[i] = ami_phase_at(0, 0);
    ami_phase_unwrap(&trajectory);
    assert_true(period().confidence == 0 && isinf(period().period_s) && period().short_of_two_cycles);
}

static void trajectories_that_are_refused(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(10, 0);
    const double bad[] = {NAN, INFINITY, -INFINITY};
    ami_phase_period p;
    for (int k = 0; k < 10; k++) {
        ami_error err[2] = {{""}, {""}};
        steady(50, 30, 0, 1, 0, &rng);
        if (k < 3)
            phases[17].phase = bad[k];
        else if (k < 6)
            phases[17].amplitude = bad[k - 3];
        else if (k < 9)
            unwrapped[17] = bad[k - 6];
        else
            phases[17].amplitude = -1e-9;
        assert_false(ami_deepphase_velocity(&trajectory, velocity, &err[0]));
        assert_false(ami_deepphase_periodicity(&trajectory, &p, &err[1]));
        assert_non_null(strstr(err[0].text, "frame 17: the "));
        assert_string_equal(err[0].text, err[1].text);
    }
    const double rates[] = {0, -30, NAN, INFINITY};
    for (int k = 0; k < 4; k++) {
        ami_error err = {""};
        steady(50, 30, 0, 1, 0, &rng);
        trajectory.rate = rates[k];
        assert_false(ami_deepphase_velocity(&trajectory, velocity, &err));
        assert_false(ami_deepphase_periodicity(&trajectory, &p, &err));
        assert_non_null(strstr(err.text, "the rate is"));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(velocity_of_constant_speed),    cmocka_unit_test(velocity_does_not_see_the_wrap),
        cmocka_unit_test(velocity_of_a_reversal),        cmocka_unit_test(velocity_with_noise),
        cmocka_unit_test(period_of_clean_motion),        cmocka_unit_test(period_of_noisy_motion),
        cmocka_unit_test(short_of_two_cycles),           cmocka_unit_test(no_period_no_confidence),
        cmocka_unit_test(trajectories_that_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
