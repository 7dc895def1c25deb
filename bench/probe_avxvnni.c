/* Probes for AVX-VNNI, which is VNNI for 256 bits; the only file of amble-bench compiled for it. */
#include "bench/probe.h"

#include <immintrin.h>

#define START(i) __m256i s##i = _mm256_setzero_si256();
#define KEEP(i) BENCH_KEEP("x", s##i);

void bench_probe_avxvnni_int16(const void *data, size_t n)
{
    (void)data;
    __m256i one = _mm256_set1_epi16(1);
    BENCH_KEEP("x", one);
#define STEP(i) s##i = _mm256_dpwssd_avx_epi32(s##i, one, one);
    BENCH_TWELVE(START)
    for (size_t k = 0; k < n; k++) {
        BENCH_TWELVE(STEP)
        BENCH_TWELVE(KEEP)
    }
#undef STEP
}

void bench_probe_avxvnni_int8(const void *data, size_t n)
{
    (void)data;
    __m256i one = _mm256_set1_epi8(1);
    BENCH_KEEP("x", one);
#define STEP(i) s##i = _mm256_dpbusd_avx_epi32(s##i, one, one);
    BENCH_TWELVE(START)
    for (size_t k = 0; k < n; k++) {
        BENCH_TWELVE(STEP)
        BENCH_TWELVE(KEEP)
    }
#undef STEP
}
