/* Probes for AVX2 and FMA; the only file of amble-bench compiled for them. */
#include "bench/probe.h"

#include <immintrin.h>

#define KEEP(i) BENCH_KEEP("x", s##i);

void bench_probe_avx2_fp32(const void *data, size_t n)
{
    (void)data;
    __m256 one = _mm256_set1_ps(1), none = _mm256_setzero_ps();
    BENCH_KEEP("x", one);
    BENCH_KEEP("x", none);
#define START(i) __m256 s##i = one;
#define STEP(i) s##i = _mm256_fmadd_ps(s##i, one, none);
    BENCH_TWELVE(START)
    for (size_t k = 0; k < n; k++) {
        BENCH_TWELVE(STEP)
        BENCH_TWELVE(KEEP)
    }
#undef START
#undef STEP
}

void bench_probe_avx2_int16(const void *data, size_t n)
{
    (void)data;
    __m256i one = _mm256_set1_epi16(1);
    BENCH_KEEP("x", one);
#define START(i) __m256i s##i = _mm256_setzero_si256();
#define STEP(i)                                                       \
    {                                                                 \
        __m256i other = one;                                          \
        BENCH_KEEP("x", other);                                       \
        s##i = _mm256_add_epi32(s##i, _mm256_madd_epi16(one, other)); \
    }
    BENCH_TWELVE(START)
    for (size_t k = 0; k < n; k++) {
        BENCH_TWELVE(STEP)
        BENCH_TWELVE(KEEP)
    }
#undef STEP
}

void bench_probe_avx2_int8(const void *data, size_t n)
{
    (void)data;
    __m256i one = _mm256_set1_epi8(1), ones = _mm256_set1_epi16(1);
    BENCH_KEEP("x", one);
    BENCH_KEEP("x", ones);
#define STEP(i)                                                                                   \
    {                                                                                             \
        __m256i other = one;                                                                      \
        BENCH_KEEP("x", other);                                                                   \
        s##i = _mm256_add_epi32(s##i, _mm256_madd_epi16(_mm256_maddubs_epi16(one, other), ones)); \
    }
    BENCH_TWELVE(START)
    for (size_t k = 0; k < n; k++) {
        BENCH_TWELVE(STEP)
        BENCH_TWELVE(KEEP)
    }
#undef START
#undef STEP
}

void bench_probe_avx2_read(const void *data, size_t n)
{
    __m256i s0 = _mm256_setzero_si256(), s1 = s0, s2 = s0, s3 = s0;
    const __m256i *at = data;
    for (size_t k = 0; k < n / sizeof *at; k += 4) {
        s0 = _mm256_or_si256(s0, _mm256_load_si256(at + k));
        s1 = _mm256_or_si256(s1, _mm256_load_si256(at + k + 1));
        s2 = _mm256_or_si256(s2, _mm256_load_si256(at + k + 2));
        s3 = _mm256_or_si256(s3, _mm256_load_si256(at + k + 3));
    }
    s0 = _mm256_or_si256(_mm256_or_si256(s0, s1), _mm256_or_si256(s2, s3));
    BENCH_KEEP("x", s0);
}
