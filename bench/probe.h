/* The probes' own files include this: declarations, and what keeps a compiler from computing a probe away. */
#ifndef AMI_BENCH_PROBE_H
#define AMI_BENCH_PROBE_H

#include <stddef.h>

/* Arithmetic: `n` rounds, `data` not read. READ: reads `n` bytes, a multiple of BENCH_READ_STEP, from 64-byte
 * aligned data. */
typedef void bench_probe_function(const void *data, size_t n);

enum { BENCH_READ_STEP = 2048 };

#define BENCH_PROBE(name, what, amount, runs_here) bench_probe_function bench_probe_##name;
#include "bench/probes.inc"
#undef BENCH_PROBE

/* Twelve sums are as many independent chains: more than any of these instructions' latency times what starts
 * in a cycle. */
#define BENCH_TWELVE(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)

/* The compiler must believe that each value was looked at and changed. REG: the constraint of a vector
 * register. */
#define BENCH_KEEP(REG, value) __asm__ volatile("" : "+" REG(value))

#endif
