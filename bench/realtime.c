/* Scheduling, locked memory and waking for loops with deadlines. */
#define _GNU_SOURCE

#include "bench/realtime.h"

#include "base/clock.h"

#include <errno.h>
#include <sched.h>
#include <string.h>
#include <sys/mman.h>

bool bench_parse_scheduler(const char *text, bool *fifo, ami_error *err)
{
    if (strcmp(text, "fifo") && strcmp(text, "other"))
        return ami_fail(err, "--scheduler is \"%.100s\", expected fifo or other", text);
    *fifo = !strcmp(text, "fifo");
    return true;
}

bool bench_become_real_time(bool fifo, bool *locked, ami_error *err)
{
    const struct sched_param priority = {.sched_priority = BENCH_FIFO_PRIORITY};
    if (fifo && sched_setscheduler(0, SCHED_FIFO, &priority) != 0)
        return ami_fail(err,
                        "--scheduler fifo: SCHED_FIFO is not permitted for this user (%s); it needs root, "
                        "CAP_SYS_NICE or a real-time limit (ulimit -r) of %d or more",
                        strerror(errno), BENCH_FIFO_PRIORITY);
    *locked = mlockall(MCL_CURRENT | MCL_FUTURE) == 0;
    return true;
}

bool bench_wait_until(double due, double spin)
{
    if (ami_clock_now() >= due)
        return false;
    ami_clock_sleep_until(due - spin);
    while (ami_clock_now() < due)
        ;
    return true;
}
