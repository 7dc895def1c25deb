/* Probes for AVX-512 VNNI; the only file of amble-bench compiled for it. */
#include "bench/probe.h"

#include <immintrin.h>

#define START(i) __m512i s##i = _mm512_setzero_si512();
#define KEEP(i) BENCH_KEEP("v", s##i);

void bench_probe_avx512vnni_int16(const void *data, size_t n)
{
    (void)data;
    __m512i one = _mm512_set1_epi16(1);
    BENCH_KEEP("v", one);
#define STEP(i) s##i = _mm512_dpwssd_epi32(s##i, one, one);
    BENCH_TWELVE(START)
    for (size_t k = 0; k < n; k++) {
        BENCH_TWELVE(STEP)
        BENCH_TWELVE(KEEP)
    }
#undef STEP
}

void bench_probe_avx512vnni_int8(const void *data, size_t n)
{
    (void)data;
    __m512i one = _mm512_set1_epi8(1);
    BENCH_KEEP("v", one);
#define STEP(i) s##i = _mm512_dpbusd_epi32(s##i, one, one);
    BENCH_TWELVE(START)
    for (size_t k = 0; k < n; k++) {
        BENCH_TWELVE(STEP)
        BENCH_TWELVE(KEEP)
    }
#undef STEP
}
