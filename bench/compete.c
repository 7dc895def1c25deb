/* Starts and ends busy child processes. */
#define _GNU_SOURCE /* CPU sets */

#include "bench/compete.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { WORDS = 1 << 19, LONGEST_S = 4 * 3600 };

static volatile uint64_t memory[WORDS]; /* 4 MiB */

static void be_busy(pid_t parent)
{
    const struct sched_param none = {0};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    sched_setscheduler(0, SCHED_OTHER, &none);
    alarm(LONGEST_S); /* a last resort */
    uint64_t x = 1;
    while (getppid() == parent) {
        for (int i = 0; i < WORDS; i++) {
            x = x * UINT64_C(6364136223846793005) + memory[i];
            memory[i] = x;
        }
    }
    _exit(0);
}

bool bench_rivals_start(bench_rivals *rivals, int count, ami_error *err)
{
    rivals->count = 0;
    const pid_t self = getpid();
    while (rivals->count < count) {
        const pid_t pid = fork();
        if (pid == 0)
            be_busy(self);
        if (pid < 0) {
            const int why = errno;
            bench_rivals_stop(rivals);
            return ami_fail(err, "a competing process cannot be started: %s", strerror(why));
        }
        rivals->pid[rivals->count++] = pid;
    }
    return true;
}

void bench_rivals_stop(bench_rivals *rivals)
{
    for (int i = 0; i < rivals->count; i++)
        kill(rivals->pid[i], SIGKILL);
    for (int i = 0; i < rivals->count; i++)
        while (waitpid(rivals->pid[i], NULL, 0) < 0 && errno == EINTR)
            ;
    rivals->count = 0;
}
