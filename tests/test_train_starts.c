/* Phases at which episodes start: more often where they fail, uniformly on request. */
#include "tests/training.h"

/* Standing for so long. With a gap the reference is 1 m higher for .2 s, from .6 of the cycle on, and nobody
 * follows it there. */
static ami_clip *standing_for(double seconds, bool gap, bool loop)
{
    enum { FRAMES = 101 };
    static double time[FRAMES], pose[FRAMES * AMI_POSE];
    for (int f = 0; f < FRAMES; f++) {
        time[f] = seconds * f / (FRAMES - 1);
        const double since = time[f] - .6 * seconds;
        pose_at_rest(pose + f * AMI_POSE, .881416 + (gap && since >= 0 && since < .2 ? 1 : 0));
    }
    return make_clip(FRAMES, time, pose, loop);
}

static ami_settings watching(double start_failures)
{
    ami_settings s = lively(false);
    s.envs = 4;
    s.start_failures = start_failures;
    s.start_first = 0;
    return s;
}

/* Draws starts of environment 0 and sorts them into the clip's parts; returns how many were left to chance.
 */
static int draw(ami_train *t, int starts, int *in)
{
    int anywhere = 0;
    memset(in, 0, (size_t)t->clip[0].bins * sizeof *in);
    for (int i = 0; i < starts; i++) {
        const double phase = ami_train_draw_start(t, 0);
        if (phase == -1) {
            anywhere++;
            continue;
        }
        assert_true(phase >= 0 && phase < 1);
        in[(int)(phase * t->clip[0].bins)]++;
    }
    return anywhere;
}

/* 4 s in 20 parts, all seen equally often, and failures in one of them: starts lie in it and in the four
 * before it, 5 : 4 : 3 : 2 : 1, on the other side of the cycle's end where the clip loops, but for the few
 * that everything else gets. */
static void starts_lie_in_the_second_before_failures(void **state)
{
    (void)state;
    enum { STARTS = 30000 };
    ami_clip *mine = clip;
    for (int loop = 0; loop < 2; loop++)
        for (int bad = 2; bad < 20; bad += 10) {
            const ami_settings s = watching(1);
            clip = standing_for(4, false, loop);
            ami_train *t = try_create(&s);
            assert_int_equal(t->clip[0].bins, 20);
            for (int b = 0; b < 20; b++) {
                t->parts[0].visits[b] = 1e5;
                t->parts[0].failures[b] = b == bad ? 5e4 : 0;
            }
            ami_train_refresh_starts(t);
            int in[AMI_TRAIN_BINS], near = 0, parts = 0;
            assert_int_equal(draw(t, STARTS, in), 0);
            for (int before = 0; before < 5; before++)
                parts += loop || before <= bad ? 5 - before : 0;
            for (int before = 0; before < 5; before++) {
                if (!loop && before > bad)
                    break;
                const int found = in[(bad - before + 20) % 20];
                const double want = (5. - before) / parts;
                assert_near((double)found / STARTS, want, 5 * sqrt(want * (1 - want) / STARTS), "starts",
                            bad - before);
                near += found;
            }
            assert_true(near > .995 * STARTS);
            ami_train_destroy(t);
            ami_clip_destroy(clip);
        }
    clip = mine;
}

/* A clip that does not loop is begun at its first pose in a fraction of the episodes; a loop has no first pose. */
static void some_episodes_begin_at_the_first_pose(void **state)
{
    (void)state;
    enum { STARTS = 20000 };
    ami_clip *mine = clip;
    for (int loop = 0; loop < 2; loop++) {
        ami_settings s = watching(.5);
        s.start_first = .3;
        clip = standing_for(2, false, loop);
        ami_train *t = try_create(&s);
        int first = 0, anywhere = 0;
        for (int i = 0; i < STARTS; i++) {
            const double phase = ami_train_draw_start(t, 0);
            first += phase == 0;
            anywhere += phase == -1;
        }
        const double want = loop ? 0 : .3, other = (1 - want) * .5;
        assert_near((double)first / STARTS, want, 5 * sqrt(want * (1 - want) / STARTS), "first", loop);
        assert_near((double)anywhere / STARTS, other, 5 * sqrt(other * (1 - other) / STARTS), "anywhere",
                    loop);
        ami_train_destroy(t);
        ami_clip_destroy(clip);
    }
    clip = mine;
}

/* The setting is the fraction; without failures, or with failures alike everywhere, any moment of a loop is
 * as good as another. */
static void starts_are_uniform_where_nothing_is_worse(void **state)
{
    (void)state;
    enum { STARTS = 20000 };
    ami_clip *mine = clip;
    clip = standing_for(2, false, true);
    for (int kind = 0; kind < 4; kind++) {
        const double fraction = kind == 3 ? 0 : kind == 2 ? .25 : 1;
        const ami_settings s = watching(fraction);
        ami_train *t = try_create(&s);
        assert_int_equal(t->clip[0].bins, 10);
        for (int b = 0; b < 10; b++) {
            t->parts[0].visits[b] = kind == 1 ? 1000. * (b + 1) : 0;
            t->parts[0].failures[b] = kind == 1 ? 100. * (b + 1) : 0; /* a tenth everywhere */
        }
        ami_train_refresh_starts(t);
        int in[AMI_TRAIN_BINS];
        const int anywhere = draw(t, STARTS, in), drawn = STARTS - anywhere;
        assert_near((double)drawn / STARTS, fraction, 5 * sqrt(fraction * (1 - fraction) / STARTS),
                    "fraction", kind);
        for (int b = 0; drawn > 0 && b < 10; b++)
            assert_near((double)in[b] / drawn, .1, 5 * sqrt(.09 / drawn), "starts", b);
        ami_train_destroy(t);
    }
    ami_clip_destroy(clip);
    clip = mine;
}

/* Every sample is counted where it was, every failure where it came about; old ones fade, half in 200,000
 * samples. */
static void visits_and_failures_are_counted_by_part(void **state)
{
    (void)state;
    ami_clip *mine = clip;
    clip = standing_for(2, true, true);
    ami_settings s = watching(.5);
    s.envs = ENVS;
    ami_train *t = try_create(&s);
    double visits[10] = {0}, failures[10] = {0}, all = 0;
    for (int i = 0; i < 6; i++) {
        ami_train_stats stats;
        ami_train_iterate(t, &stats);
        const double keep = pow(.5, ENVS * STEPS / 200e3);
        for (int b = 0; b < 10; b++) {
            visits[b] *= keep;
            failures[b] *= keep;
        }
        for (int n = 0; n < ENVS * STEPS; n++) {
            const int part = (int)floor((double)t->obs[n * AMI_OBS] * 10 + 1e-6);
            assert_int_equal(t->bin[n], part);
            visits[part]++;
            failures[part] += t->after[n] == AMI_TRAIN_FAILED;
        }
        for (int b = 0; b < 10; b++) {
            assert_near(t->parts[0].visits[b], visits[b], 1e-9, "visits", b);
            assert_near(t->parts[0].failures[b], failures[b], 1e-9, "failures", b);
        }
    }
    for (int b = 0; b < 10; b++)
        all += failures[b];
    assert_true(all > 10 && failures[5] + failures[6] > .9 * all); /* .6 of 2 s: the step before it and those
                                                                      in it */
    int in[AMI_TRAIN_BINS];
    const int drawn = 20000 - draw(t, 20000, in);
    int before = 0; /* .2 to 1.4 s */
    for (int b = 1; b < 7; b++)
        before += in[b];
    if (!(before > .75 * drawn))
        fail_msg("%d of %d starts lie before the gap", before, drawn);
    ami_train_destroy(t);
    ami_clip_destroy(clip);
    clip = mine;
}

/* Episodes do start where ami_train_draw_start says: only there with 1, anywhere with 0. */
static void episodes_start_where_it_was_drawn(void **state)
{
    (void)state;
    ami_clip *mine = clip;
    clip = standing_for(4, false, false);
    for (int kind = 0; kind < 2; kind++) {
        const ami_settings s = watching(kind);
        ami_train *t = try_create(&s);
        for (int b = 0; b < 20; b++) {
            t->parts[0].visits[b] = 1e6;
            t->parts[0].failures[b] = b == 12 ? 1e6 : 0;
        }
        ami_train_refresh_starts(t);
        int near = 0;
        for (int n = 0; n < 300; n++) {
            ami_train_start_episode(t, n % 4, t->scratch[0].cycle, false);
            const double phase = ami_reference_phase(&t->env[n % 4].reference);
            near += phase >= 8 / 20. - 1e-9 && phase < 13 / 20.;
        }
        assert_in_range(near, kind ? 300 : 50, kind ? 300 : 100); /* 75 by chance: four standard deviations
                                                                     are 30 */
        ami_train_destroy(t);
    }
    ami_clip_destroy(clip);
    clip = mine;
}

/* A part of the starts is off the reference, by more the farther the training is; none with 0. */
static void noise_of_starts_grows(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        ami_settings s = watching(0);
        s.start_noise = kind == 0 ? 0 : 2;
        s.start_noisy = kind == 2 ? 1 : .3;
        ami_train *t = try_create(&s);
        for (int part = 0; part <= 4; part++) {
            t->progress.samples = (int64_t)(part / 4. * s.samples);
            int noisy = 0;
            for (int n = 0; n < 400; n++) {
                ami_train_start_episode(t, n % 4, t->scratch[0].cycle, false);
                const ami_env *env = &t->env[n % 4];
                const double noise = env->def.start_noise;
                const bool off = memcmp(env->state.pose + 7, env->reference_state.pose + 7,
                                        (AMI_POSE - 7) * sizeof(double)) != 0;
                assert_true(off == (noise > 0));
                if (noise > 0)
                    assert_near(noise, 2 * part / 4., 1e-12, "noise of a start", part);
                noisy += noise > 0;
            }
            if (kind == 0 || part == 0)
                assert_int_equal(noisy, 0);
            else if (kind == 2)
                assert_int_equal(noisy, 400);
            else
                assert_in_range(noisy, 80, 160); /* 120, four standard deviations are 37 */
        }
        ami_train_destroy(t);
    }
}

/* The same starts on any team and after a checkpoint: the training as a whole is compared. */
static void starts_depend_on_nothing_else(void **state)
{
    (void)state;
    ami_clip *mine = clip;
    clip = standing_for(2, true, true);
    ami_settings s = watching(.8);
    s.envs = ENVS;
    set_threads(1);
    ami_train *one = trained(&s, 3);
    ami_error err = {""};
    assert_true(ami_train_save(one, scratch("starts.bin"), &err));
    set_threads(3);
    ami_train *three = trained(&s, 3), *resumed = try_create(&s);
    assert_same_training(one, three);
    ami_checkpoint *c = ami_checkpoint_read(scratch("starts.bin"), &err);
    assert_true(c && ami_train_load(resumed, c, &err));
    ami_checkpoint_destroy(c);
    assert_same_training(one, resumed); /* the chances of starts, too */
    ami_train_stats stats;
    for (int i = 0; i < 3; i++) {
        ami_train_iterate(one, &stats);
        ami_train_iterate(three, &stats);
        ami_train_iterate(resumed, &stats);
    }
    assert_same_training(one, three);
    assert_same_training(one, resumed);
    set_threads(2);
    ami_train_destroy(one);
    ami_train_destroy(three);
    ami_train_destroy(resumed);
    ami_clip_destroy(clip);
    clip = mine;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(some_episodes_begin_at_the_first_pose),
        cmocka_unit_test(starts_lie_in_the_second_before_failures),
        cmocka_unit_test(starts_are_uniform_where_nothing_is_worse),
        cmocka_unit_test(visits_and_failures_are_counted_by_part),
        cmocka_unit_test(episodes_start_where_it_was_drawn),
        cmocka_unit_test(noise_of_starts_grows),
        cmocka_unit_test(starts_depend_on_nothing_else),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
