/* Probes for AVX-512 (F, BW); the only file of amble-bench compiled for these alone. */
#include "bench/probe.h"

#include <immintrin.h>

#define KEEP(i) BENCH_KEEP("v", s##i);

void bench_probe_avx512_fp32(const void *data, size_t n)
{
    (void)data;
    __m512 one = _mm512_set1_ps(1), none = _mm512_setzero_ps();
    BENCH_KEEP("v", one);
    BENCH_KEEP("v", none);
#define START(i) __m512 s##i = one;
#define STEP(i) s##i = _mm512_fmadd_ps(s##i, one, none);
    BENCH_TWELVE(START)
    for (size_t k = 0; k < n; k++) {
        BENCH_TWELVE(STEP)
        BENCH_TWELVE(KEEP)
    }
#undef START
#undef STEP
}

void bench_probe_avx512_int16(const void *data, size_t n)
{
    (void)data;
    __m512i one = _mm512_set1_epi16(1);
    BENCH_KEEP("v", one);
#define START(i) __m512i s##i = _mm512_setzero_si512();
#define STEP(i)                                                       \
    {                                                                 \
        __m512i other = one;                                          \
        BENCH_KEEP("v", other);                                       \
        s##i = _mm512_add_epi32(s##i, _mm512_madd_epi16(one, other)); \
    }
    BENCH_TWELVE(START)
    for (size_t k = 0; k < n; k++) {
        BENCH_TWELVE(STEP)
        BENCH_TWELVE(KEEP)
    }
#undef START
#undef STEP
}

#define OR(s, p) s = _mm512_or_si512(s, _mm512_load_si512(p))

static inline __attribute__((always_inline)) void read_front_to_back(const char *at, size_t n,
                                                                     const size_t ahead)
{
    __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
    for (size_t k = 0; k < n; k += 256) {
        if (ahead)
            for (size_t line = 0; line < 256; line += 64)
                _mm_prefetch(at + k + ahead + line, _MM_HINT_T0);
        OR(s0, at + k);
        OR(s1, at + k + 64);
        OR(s2, at + k + 128);
        OR(s3, at + k + 192);
    }
    s0 = _mm512_or_si512(_mm512_or_si512(s0, s1), _mm512_or_si512(s2, s3));
    BENCH_KEEP("v", s0);
}

void bench_probe_avx512_read(const void *data, size_t n)
{
    read_front_to_back(data, n, 0);
}

/* Prefetches each line before it is read; a prefetch beyond the buffer's end does nothing. */
void bench_probe_avx512_read_ahead(const void *data, size_t n)
{
    read_front_to_back(data, n, 1024);
}

/* Four quarters side by side. */
void bench_probe_avx512_read_four(const void *data, size_t n)
{
    __m512i s0 = _mm512_setzero_si512(), s1 = s0, s2 = s0, s3 = s0;
    const char *at = data;
    const size_t quarter = n / 4;
    for (size_t k = 0; k < quarter; k += 128) {
        OR(s0, at + k);
        OR(s1, at + k + quarter);
        OR(s2, at + k + 2 * quarter);
        OR(s3, at + k + 3 * quarter);
        OR(s0, at + k + 64);
        OR(s1, at + k + quarter + 64);
        OR(s2, at + k + 2 * quarter + 64);
        OR(s3, at + k + 3 * quarter + 64);
    }
    s0 = _mm512_or_si512(_mm512_or_si512(s0, s1), _mm512_or_si512(s2, s3));
    BENCH_KEEP("v", s0);
}
