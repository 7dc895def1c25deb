/* Probes with the instructions that every machine of this architecture has: four lanes, a multiply and an
 * add. */
#include "bench/probe.h"

#include <stdint.h>

typedef float four __attribute__((vector_size(16)));
typedef uint32_t bits __attribute__((vector_size(16)));

#if defined(__x86_64__)
#define REG "x"
#elif defined(__aarch64__)
#define REG "w"
#else
#define REG "m"
#endif

void bench_probe_base_fp32(const void *data, size_t n)
{
    (void)data;
    four one = {1, 1, 1, 1}, none = {0, 0, 0, 0};
    BENCH_KEEP(REG, one);
    BENCH_KEEP(REG, none);
#define START(i) four s##i = one;
#define STEP(i) s##i = s##i * one + none;
#define KEEP(i) BENCH_KEEP(REG, s##i);
    BENCH_TWELVE(START)
    for (size_t k = 0; k < n; k++) {
        BENCH_TWELVE(STEP)
        BENCH_TWELVE(KEEP)
    }
#undef START
#undef STEP
#undef KEEP
}

void bench_probe_base_read(const void *data, size_t n)
{
    bits s0 = {0}, s1 = {0}, s2 = {0}, s3 = {0};
    const bits *at = data;
    for (size_t k = 0; k < n / sizeof *at; k += 4) {
        s0 |= at[k];
        s1 |= at[k + 1];
        s2 |= at[k + 2];
        s3 |= at[k + 3];
    }
    s0 |= s1 | s2 | s3;
    BENCH_KEEP(REG, s0);
}
