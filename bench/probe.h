/* For the files of the probes: declarations, and macros that keep a compiler from removing a probe's work. */
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

/* Twelve sums are twelve independent chains: more than latency times throughput of any of these
 * instructions. */
#define BENCH_TWELVE(DO) DO(0) DO(1) DO(2) DO(3) DO(4) DO(5) DO(6) DO(7) DO(8) DO(9) DO(10) DO(11)

/* Makes the compiler assume that each value was read and changed. REG: the constraint of a vector
 * register. */
#define BENCH_KEEP(REG, value) __asm__ volatile("" : "+" REG(value))

#endif
