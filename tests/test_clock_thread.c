/* The simulation's thread: same states as a session stepped directly, with any number of readers of any
 * speed; snapshots are consistent; commands are executed in order. */
#include "tests/session_fixture.h"

#include "base/clock.h"
#include "session/clock_thread.h"

#include <errno.h>
#include <pthread.h>

enum { CHARACTERS = 9, STEPS = 90 };

static ami_skill *skill, *by_hand;

static int set_up(void **state)
{
    load_body(state);
    skill = make_skill("march", .3, true, CHARACTERS);
    by_hand = make_skill("march", .3, true, CHARACTERS);
    return 0;
}

static int tear_down(void **state)
{
    ami_skill_free(skill);
    ami_skill_free(by_hand);
    return unload_body(state);
}

static ami_sim *start(ami_session *session, double speed, bool paused)
{
    ami_error err;
    ami_sim *sim = ami_sim_start(session, CHARACTERS, speed, paused, &err);
    if (!sim)
        fail_msg("%s", err.text);
    return sim;
}

/* Until the commands up to `number` are done. */
static const ami_snapshot *wait_for(ami_sim *sim, uint64_t number)
{
    const ami_snapshot *s;
    const double patience = ami_clock_now() + 60;
    while ((s = ami_sim_latest(sim))->commands_done < number) {
        assert_true(ami_clock_now() < patience);
        ami_clock_sleep_until(ami_clock_now() + .002);
    }
    return s;
}

static const ami_snapshot *do_it(ami_sim *sim, ami_command_kind kind, double value)
{
    uint64_t number;
    assert_true(ami_sim_send(sim, &(ami_command){.kind = kind, .value = value}, &number));
    return wait_for(sim, number);
}

static double poses[STEPS + 1][CHARACTERS][AMI_POSE];

/* A reader that looks all the time, then one that hardly ever looks: the same bits, each snapshot of one step
 * and whole. */
static void looking_changes_nothing(void **state)
{
    (void)state;
    ami_session_def def = session_def(by_hand, CHARACTERS);
    def.step_limit = STEPS;
    ami_session *s = make_session(&def);
    ami_snapshot snap;
    assert_true(ami_session_snapshot_init(&snap, CHARACTERS, NULL));
    for (int i = 0; i <= STEPS; i++) {
        ami_session_look(s, &snap);
        for (int c = 0; c < CHARACTERS; c++)
            memcpy(poses[i][c], snap.body[c].pose, sizeof poses[i][c]);
        ami_session_step(s);
    }
    const uint64_t hash = ami_session_hash(s);
    assert_int_equal(hash, rollout_hash(&def, STEPS / 30.));
    free(snap.body);
    ami_session_destroy(s);

    for (int slowly = 0; slowly < 2; slowly++) {
        def.skill[0] = skill;
        s = make_session(&def);
        ami_sim *sim = start(s, 16, false);
        const ami_snapshot *seen;
        int64_t last = 0;
        int count = 0;
        const double patience = ami_clock_now() + 120;
        do {
            seen = ami_sim_latest(sim);
            assert_true(seen->step >= last);
            count += seen->step > last;
            last = seen->step;
            for (int c = 0; c < CHARACTERS; c++)
                assert_memory_equal(seen->body[c].pose, poses[seen->step][c], sizeof poses[0][c]);
            if (slowly)
                ami_clock_sleep_until(ami_clock_now() + .1);
            assert_true(ami_clock_now() < patience);
        } while (!seen->finished);
        assert_true(count > 1);
        ami_sim_stop(sim);
        assert_int_equal(ami_session_hash(s), hash);
        ami_session_destroy(s);
    }
}

static void commands_in_order(void **state)
{
    (void)state;
    const ami_session_def def = session_def(skill, CHARACTERS);
    ami_session *s = make_session(&def);
    ami_sim *sim = start(s, 1, true);
    assert_true(ami_sim_latest(sim)->paused);
    const ami_snapshot *seen = do_it(sim, AMI_DO_STEP, 5);
    assert_int_equal(seen->step, 5);
    assert_memory_equal(seen->body[3].pose, poses[5][3], sizeof poses[0][0]);
    seen = do_it(sim, AMI_DO_STEP, -3);
    assert_int_equal(seen->step, 2);
    assert_memory_equal(seen->body[3].pose, poses[2][3], sizeof poses[0][0]);
    uint64_t number = 0;
    for (int i = 0; i < 50; i++)
        assert_true(ami_sim_send(sim, &(ami_command){.kind = AMI_DO_STEP, .value = i % 2 ? -1 : 2}, &number));
    seen = wait_for(sim, number);
    assert_int_equal(seen->step, 27);
    assert_true(do_it(sim, AMI_DO_SPEED, 100)->speed == 16);
    assert_false(do_it(sim, AMI_DO_PAUSE, -1)->paused);
    assert_true(do_it(sim, AMI_DO_PAUSE, 1)->paused);
    assert_true(do_it(sim, AMI_DO_STEP, 1)->paused);
    ami_sim_stop(sim);
    ami_session_destroy(s);
}

/* The clock keeps the speed it was given from above: slow is slow, and faster follows at once. */
static void a_running_clock_runs(void **state)
{
    (void)state;
    const ami_session_def def = session_def(skill, CHARACTERS);
    ami_session *s = make_session(&def);
    ami_sim *sim = start(s, .0625, false); /* a step every .53 s */
    const double begun = ami_clock_now();
    const int64_t first = do_it(sim, AMI_DO_NOTHING, 0)->step;
    /* never faster than asked */
    assert_true(first <= 1 + (int64_t)((ami_clock_now() - begun) * 30 * .0625 + 1));
    do_it(sim, AMI_DO_SPEED, 4);
    const double patience = ami_clock_now() + 60;
    while (ami_sim_latest(sim)->step < first + 20)
        assert_true(ami_clock_now() < patience);
    ami_sim_stop(sim);
    ami_session_destroy(s);
}

/* Whoever asks for a billion steps sees them go by, and need not wait for their end. What comes meanwhile is
 * waited for, and what ends something finds room behind any number of steps. */
static void many_steps_can_be_left(void **state)
{
    (void)state;
    const ami_session_def def = session_def(skill, CHARACTERS);
    ami_session *s = make_session(&def);
    ami_sim *sim = start(s, 1, true);
    assert_true(ami_sim_send(sim, &(ami_command){.kind = AMI_DO_STEP, .value = 1e9}, NULL));
    const double patience = ami_clock_now() + 60;
    while (ami_sim_latest(sim)->step < 3)
        assert_true(ami_clock_now() < patience);
    assert_int_equal(ami_sim_latest(sim)->commands_done, 0);
    int more = 0;
    while (ami_sim_send(sim, &(ami_command){.kind = AMI_DO_STEP, .value = 1}, NULL))
        more++;
    assert_true(more >= 64);
    assert_false(ami_sim_send(sim, &(ami_command){.kind = AMI_DO_PULL}, NULL));
    assert_true(ami_sim_send(sim, &(ami_command){.kind = AMI_DO_RELEASE}, NULL));
    ami_sim_stop(sim);
    assert_true(ami_session_steps(s) < 1000000000);
    ami_session_destroy(s);
}

/* The linker sends session/clock_thread.c's calls here (--wrap). */
static bool no_more_threads;

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context);
int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
                          void *context)
{
    return no_more_threads ? EAGAIN : __real_pthread_create(thread, attributes, run, context);
}

static void why_there_is_no_thread(void **state)
{
    (void)state;
    const ami_session_def def = session_def(skill, CHARACTERS);
    ami_session *s = make_session(&def);
    ami_error err = {""};
    no_more_threads = true;
    errno = ENOENT; /* an old one, of something else */
    assert_null(ami_sim_start(s, CHARACTERS, 1, true, &err));
    no_more_threads = false;
    assert_sentence(&err, "thread cannot be started");
    assert_sentence(&err, strerror(EAGAIN));
    ami_session_destroy(s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(why_there_is_no_thread),  cmocka_unit_test(many_steps_can_be_left),
        cmocka_unit_test(looking_changes_nothing), cmocka_unit_test(commands_in_order),
        cmocka_unit_test(a_running_clock_runs),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
