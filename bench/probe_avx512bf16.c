/* Probe for AVX-512 BF16; the only file of amble-bench compiled for it. */
#include "bench/probe.h"

#include <immintrin.h>

void bench_probe_avx512bf16_bf16(const void *data, size_t n)
{
    (void)data;
    __m512i bits = _mm512_set1_epi16(0x3f80); /* 1.0 */
    BENCH_KEEP("v", bits);
    const __m512bh one = (__m512bh)bits;
#define START(i) __m512 s##i = _mm512_setzero_ps();
#define STEP(i) s##i = _mm512_dpbf16_ps(s##i, one, one);
#define KEEP(i) BENCH_KEEP("v", s##i);
    BENCH_TWELVE(START)
    for (size_t k = 0; k < n; k++) {
        BENCH_TWELVE(STEP)
        BENCH_TWELVE(KEEP)
    }
}
