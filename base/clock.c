/* The clock and sleeps, by clock_gettime and clock_nanosleep. */
#include "base/clock.h"

#include <errno.h>
#include <math.h>
#include <time.h>

double ami_clock_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void ami_clock_sleep_until(double when)
{
    struct timespec t;
    t.tv_sec = (time_t)floor(when);
    t.tv_nsec = (long)((when - floor(when)) * 1e9);
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) == EINTR)
        ;
}
