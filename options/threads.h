/* How many threads a program runs, and how long they spin where they wait. */
#ifndef AMI_OPTIONS_THREADS_H
#define AMI_OPTIONS_THREADS_H

/* To be called first in main: limits the time that waiting threads of OpenMP spin (GOMP_SPINCOUNT for
 * GCC's runtime, KMP_BLOCKTIME for LLVM's) unless the user set one of these or OMP_WAIT_POLICY. May start the
 * program again, once. */
void cli_set_up_openmp(char **argv);

/* Cores that this process was granted: those of its affinity mask as it began, within the CPU quota
 * (base/cores.h). */
int cli_cores(void);

/* The team's size: `threads` if > 0, else cli_cores(). */
void cli_set_threads(int threads);

#endif
