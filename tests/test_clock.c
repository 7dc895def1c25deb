/* base/clock: time never goes back, and a sleep never ends early. */
#include "base/clock.h"

#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#include <cmocka.h>

static void time_goes_forward(void **state)
{
    (void)state;
    double before = ami_clock_now();
    for (int i = 0; i < 1000; i++) {
        const double now = ami_clock_now();
        assert_true(now >= before);
        before = now;
    }
}

static void a_sleep_lasts_until_its_moment(void **state)
{
    (void)state;
    const double due = ami_clock_now() + .02;
    ami_clock_sleep_until(due);
    assert_true(ami_clock_now() >= due - 1e-6);
    ami_clock_sleep_until(due - 1000); /* past: returns */
}

static volatile sig_atomic_t alarms;

static void count_alarm(int number)
{
    (void)number;
    alarms++;
}

static void signals_do_not_shorten_it(void **state)
{
    (void)state;
    const struct sigaction action = {.sa_handler = count_alarm};
    sigaction(SIGALRM, &action, NULL);
    const struct itimerval every = {{0, 5000}, {0, 5000}}, never = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &every, NULL);
    const double due = ami_clock_now() + .05;
    ami_clock_sleep_until(due);
    const double woke = ami_clock_now();
    setitimer(ITIMER_REAL, &never, NULL);
    assert_true(alarms > 0);
    assert_true(woke >= due - 1e-6);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(time_goes_forward),
        cmocka_unit_test(a_sleep_lasts_until_its_moment),
        cmocka_unit_test(signals_do_not_shorten_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
