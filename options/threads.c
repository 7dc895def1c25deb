/* Threads: how many, and how long they spin where they wait. */
#include "options/threads.h"

#include "base/clock.h"
#include "base/cores.h"
#include "options/program.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#ifdef _OPENMP
#include <omp.h>
#endif

#ifdef _OPENMP
/* The path of this program: its real one, if known, so that it keeps its name in the list of processes. */
static const char *own_path(void)
{
    static char path[4096];
    const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    return n > 0 && access(path, X_OK) == 0 ? path : "/proc/self/exe";
}

/* The number of spins in `us` microseconds, for GCC's runtime, which counts them. A processor's pause takes
 * 10 to 140 cycles, so it is measured: the fastest of some short runs. */
static int spins_in(double us)
{
    enum { RUNS = 5, SPINS = 200 };
    double fastest = INFINITY;
    for (int run = 0; run < RUNS; run++) {
        const double begun = ami_clock_now();
        for (volatile int i = 0; i < SPINS; i++) {
#ifdef __x86_64__
            __builtin_ia32_pause();
#endif
        }
        fastest = fmin(fastest, ami_clock_now() - begun);
    }
    return (int)fmin(fmax(1e-6 * us * SPINS / fmax(fastest, 1e-9), 1), 1e6);
}
#endif

/* By default a runtime spins for milliseconds at a barrier (GCC's 300,000 times, LLVM's .2 s). Where another
 * program occupies the core of the awaited thread, that time is lost: the spinning thread keeps a core that
 * the awaited one could use. Waking a sleeping thread costs some microseconds, so only shorter waits spin.
 * Threads are not bound to cores, so that the system can move a waiting thread to a free core.
 *
 * GCC's runtime reads its environment before main, so the variables are set and the program starts itself
 * again, once. If that fails the program continues, with the same results but slower. */
void cli_set_up_openmp(char **argv)
{
#ifdef _OPENMP
    static const char guard[] = "AMBLE_OPENMP_SET_UP";
    const double spin_us = 20;
    if (getenv(guard)) {
        unsetenv(guard); /* not for child processes */
        return;
    }
    if (getenv("OMP_WAIT_POLICY") || getenv("GOMP_SPINCOUNT") || getenv("KMP_BLOCKTIME"))
        return;
    char spins[32];
    snprintf(spins, sizeof spins, "%d", spins_in(spin_us));
    /* 1 ms is the minimum */
    if (setenv("GOMP_SPINCOUNT", spins, 1) == 0 && setenv("KMP_BLOCKTIME", "1", 1) == 0 &&
        setenv(guard, "1", 1) == 0)
        execv(own_path(), argv);
    unsetenv(guard);
#else
    (void)argv;
#endif
}

/* Uses OpenMP's count: it read the mask before it may have bound this thread. */
int cli_cores(void)
{
#ifdef _OPENMP
    return ami_cores_within_quota(omp_get_num_procs());
#else
    return ami_cores();
#endif
}

void cli_set_threads(int threads)
{
#ifdef _OPENMP
    omp_set_dynamic(0);
    omp_set_num_threads(cli_start_team(threads > 0 ? threads : cli_cores()));
#else
    (void)threads;
#endif
}
