/* What the parts of amble-bench share. */
#ifndef AMB_BENCH_BENCH_H
#define AMB_BENCH_BENCH_H

#include <stddef.h>

/* The processor's own name, "unknown processor" where the system does not say. */
void bench_cpu_name(char *name, size_t size);

int bench_rollout(int argc, char **argv);

#endif
