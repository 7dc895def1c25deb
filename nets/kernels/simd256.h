/* What the kernels' templates need of a vector of 256 bits: for the files compiled for AVX2 and FMA. A cell
 * is 32 bits that a kernel reads as it likes; `vi` holds cells or int32, `vf` floats. Names and meanings as
 * in kernels/simd512.h. */
#ifndef AMI_NETS_KERNELS_SIMD256_H
#define AMI_NETS_KERNELS_SIMD256_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { VECTOR = 8, REGISTERS = 16 }; /* cells in a vector, vectors in the CPU */
typedef __m256 vf;
typedef __m256i vi;

/* int32 sums in a loop have a type of their own: as 4 int64, which is what vi is to the compiler, gcc 12
 * copies them to and fro. */
typedef int32_t vs __attribute__((vector_size(32)));

ALWAYS_INLINE __m256i first_lanes(size_t count)
{
    const int n = count >= VECTOR ? VECTOR : (int)count;
    return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

ALWAYS_INLINE vi vi_load(const void *at)
{
    return _mm256_load_si256(at);
}

/* Unaligned; from the first cell on at most `count`, the others zero and not touched. */
ALWAYS_INLINE vi vi_load_first(const void *at, size_t count)
{
    return count >= VECTOR ? _mm256_loadu_si256(at) : _mm256_maskload_epi32(at, first_lanes(count));
}

ALWAYS_INLINE vi vi_every(const void *at)
{
    int32_t cell;
    memcpy(&cell, at, sizeof cell);
    return _mm256_set1_epi32(cell);
}

ALWAYS_INLINE vi vi_set(int32_t value)
{
    return _mm256_set1_epi32(value);
}

ALWAYS_INLINE vi vi_add(vi a, vi b)
{
    return _mm256_add_epi32(a, b);
}

ALWAYS_INLINE vi vi_and(vi a, vi b)
{
    return _mm256_and_si256(a, b);
}

ALWAYS_INLINE vi vi_max(vi a, vi b)
{
    return _mm256_max_epi32(a, b);
}

ALWAYS_INLINE vi vi_shift_up(vi a, const int bits)
{
    return _mm256_slli_epi32(a, bits);
}

ALWAYS_INLINE vi vi_shift_down(vi a, const int bits)
{
    return _mm256_srai_epi32(a, bits);
}

ALWAYS_INLINE int32_t vi_sum(vi a)
{
    const __m128i four = _mm_add_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    const __m128i two = _mm_add_epi32(four, _mm_unpackhi_epi64(four, four));
    return _mm_cvtsi128_si32(_mm_add_epi32(two, _mm_shuffle_epi32(two, 1)));
}

ALWAYS_INLINE uint32_t vi_largest(vi a)
{
    const __m128i four = _mm_max_epi32(_mm256_castsi256_si128(a), _mm256_extracti128_si256(a, 1));
    const __m128i two = _mm_max_epi32(four, _mm_unpackhi_epi64(four, four));
    return (uint32_t)_mm_cvtsi128_si32(_mm_max_epi32(two, _mm_shuffle_epi32(two, 1)));
}

ALWAYS_INLINE vf as_vf(vi a)
{
    return _mm256_castsi256_ps(a);
}

ALWAYS_INLINE vi as_vi(vf a)
{
    return _mm256_castps_si256(a);
}

ALWAYS_INLINE vf vf_of(vi a)
{
    return _mm256_cvtepi32_ps(a);
}

ALWAYS_INLINE vi vi_round(vf a)
{
    return _mm256_cvtps_epi32(a);
}

ALWAYS_INLINE vf vf_load(const float *at)
{
    return _mm256_load_ps(at);
}

ALWAYS_INLINE vf vf_set(float value)
{
    return _mm256_set1_ps(value);
}

ALWAYS_INLINE vf vf_add(vf a, vf b)
{
    return _mm256_add_ps(a, b);
}

ALWAYS_INLINE vf vf_sub(vf a, vf b)
{
    return _mm256_sub_ps(a, b);
}

ALWAYS_INLINE vf vf_mul(vf a, vf b)
{
    return _mm256_mul_ps(a, b);
}

ALWAYS_INLINE vf vf_div(vf a, vf b)
{
    return _mm256_div_ps(a, b);
}

ALWAYS_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return _mm256_fmadd_ps(a, b, c);
}

/* The second where one is NaN or both are zeros. */
ALWAYS_INLINE vf vf_max(vf a, vf b)
{
    return _mm256_max_ps(a, b);
}

ALWAYS_INLINE vf vf_min(vf a, vf b)
{
    return _mm256_min_ps(a, b);
}

ALWAYS_INLINE vf vf_nearest(vf a)
{
    return _mm256_round_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* a < 0 ? b : c; false for NaN. */
ALWAYS_INLINE vf vf_where_negative(vf a, vf b, vf c)
{
    return _mm256_blendv_ps(c, b, _mm256_cmp_ps(a, _mm256_setzero_ps(), _CMP_LT_OQ));
}

ALWAYS_INLINE vf vf_load_first(const float *at, size_t count)
{
    return count >= VECTOR ? _mm256_loadu_ps(at) : _mm256_maskload_ps(at, first_lanes(count));
}

/* Unaligned; count ≤ VECTOR. */
ALWAYS_INLINE void vf_store_first(float *at, size_t count, vf a)
{
    if (count >= VECTOR)
        _mm256_storeu_ps(at, a);
    else
        _mm256_maskstore_ps(at, first_lanes(count), a);
}

/* 16 sums to one: halves added to halves. */
ALWAYS_INLINE float vf_sum16(const vf part[2])
{
    const __m256 eight = _mm256_add_ps(part[0], part[1]);
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* Each cell's lower 16 bits, as an array. */
ALWAYS_INLINE void vi_store_int16(void *at, vi a)
{
    /* of each half */
    const __m256i low = _mm256_setr_epi8(0, 1, 4, 5, 8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1, 0, 1, 4, 5,
                                         8, 9, 12, 13, -1, -1, -1, -1, -1, -1, -1, -1);
    _mm_storeu_si128(at, _mm256_castsi256_si128(_mm256_permute4x64_epi64(_mm256_shuffle_epi8(a, low), 0x08)));
}

/* Each cell's lower 8 bits. */
ALWAYS_INLINE void vi_store_int8(void *at, vi a)
{
    /* of each half */
    const __m256i low = _mm256_setr_epi8(0, 4, 8, 12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, 0, 4, 8,
                                         12, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1, -1);
    const __m256i packed =
        _mm256_permutevar8x32_epi32(_mm256_shuffle_epi8(a, low), _mm256_setr_epi32(0, 4, 0, 0, 0, 0, 0, 0));
    _mm_storel_epi64(at, _mm256_castsi256_si128(packed));
}

#endif
