/* What the kernels' templates need of a vector of 512 bits: for the files compiled for AVX-512 (F, BW, VL,
 * DQ). A cell is 32 bits that a kernel reads as it likes; `vi` holds cells or int32, `vf` floats. Names and
 * meanings as in kernels/simd256.h. */
#ifndef AMI_NETS_KERNELS_SIMD512_H
#define AMI_NETS_KERNELS_SIMD512_H

#include <immintrin.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define ALWAYS_INLINE static inline __attribute__((always_inline))

enum { VECTOR = 16, REGISTERS = 32 }; /* cells in a vector, vectors in the CPU */
typedef __m512 vf;
typedef __m512i vi;

/* int32 sums in a loop have a type of their own: as 8 int64, which is what vi is to the compiler, gcc 12
 * copies them to and fro. */
typedef int32_t vs __attribute__((vector_size(64)));

ALWAYS_INLINE __mmask16 first_lanes(size_t count)
{
    return count >= VECTOR ? 0xffff : (__mmask16)((1u << count) - 1);
}

ALWAYS_INLINE vi vi_load(const void *at)
{
    return _mm512_load_si512(at);
}

/* Unaligned; from the first cell on at most `count`, the others zero and not touched. */
ALWAYS_INLINE vi vi_load_first(const void *at, size_t count)
{
    return _mm512_maskz_loadu_epi32(first_lanes(count), at);
}

ALWAYS_INLINE vi vi_every(const void *at)
{
    int32_t cell;
    memcpy(&cell, at, sizeof cell);
    return _mm512_set1_epi32(cell);
}

ALWAYS_INLINE vi vi_set(int32_t value)
{
    return _mm512_set1_epi32(value);
}

ALWAYS_INLINE vi vi_add(vi a, vi b)
{
    return _mm512_add_epi32(a, b);
}

ALWAYS_INLINE vi vi_and(vi a, vi b)
{
    return _mm512_and_si512(a, b);
}

ALWAYS_INLINE vi vi_max(vi a, vi b)
{
    return _mm512_max_epi32(a, b);
}

ALWAYS_INLINE vi vi_shift_up(vi a, const int bits)
{
    return _mm512_slli_epi32(a, (unsigned)bits);
}

ALWAYS_INLINE vi vi_shift_down(vi a, const int bits)
{
    return _mm512_srai_epi32(a, (unsigned)bits);
}

ALWAYS_INLINE int32_t vi_sum(vi a)
{
    return _mm512_reduce_add_epi32(a);
}

ALWAYS_INLINE uint32_t vi_largest(vi a)
{
    return (uint32_t)_mm512_reduce_max_epi32(a);
}

ALWAYS_INLINE vf as_vf(vi a)
{
    return _mm512_castsi512_ps(a);
}

ALWAYS_INLINE vi as_vi(vf a)
{
    return _mm512_castps_si512(a);
}

ALWAYS_INLINE vf vf_of(vi a)
{
    return _mm512_cvtepi32_ps(a);
}

ALWAYS_INLINE vi vi_round(vf a)
{
    return _mm512_cvtps_epi32(a);
}

ALWAYS_INLINE vf vf_load(const float *at)
{
    return _mm512_load_ps(at);
}

ALWAYS_INLINE vf vf_set(float value)
{
    return _mm512_set1_ps(value);
}

ALWAYS_INLINE vf vf_add(vf a, vf b)
{
    return _mm512_add_ps(a, b);
}

ALWAYS_INLINE vf vf_sub(vf a, vf b)
{
    return _mm512_sub_ps(a, b);
}

ALWAYS_INLINE vf vf_mul(vf a, vf b)
{
    return _mm512_mul_ps(a, b);
}

ALWAYS_INLINE vf vf_div(vf a, vf b)
{
    return _mm512_div_ps(a, b);
}

ALWAYS_INLINE vf vf_fma(vf a, vf b, vf c)
{
    return _mm512_fmadd_ps(a, b, c);
}

/* The second where one is NaN or both are zeros. */
ALWAYS_INLINE vf vf_max(vf a, vf b)
{
    return _mm512_max_ps(a, b);
}

ALWAYS_INLINE vf vf_min(vf a, vf b)
{
    return _mm512_min_ps(a, b);
}

ALWAYS_INLINE vf vf_nearest(vf a)
{
    return _mm512_roundscale_ps(a, _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
}

/* a < 0 ? b : c; false for NaN. */
ALWAYS_INLINE vf vf_where_negative(vf a, vf b, vf c)
{
    return _mm512_mask_blend_ps(_mm512_cmp_ps_mask(a, _mm512_setzero_ps(), _CMP_LT_OQ), c, b);
}

ALWAYS_INLINE vf vf_load_first(const float *at, size_t count)
{
    return _mm512_maskz_loadu_ps(first_lanes(count), at);
}

/* Unaligned; count ≤ VECTOR. */
ALWAYS_INLINE void vf_store_first(float *at, size_t count, vf a)
{
    if (count >= VECTOR)
        _mm512_storeu_ps(at, a);
    else
        _mm512_mask_storeu_ps(at, first_lanes(count), a);
}

/* 16 sums to one: halves added to halves. */
ALWAYS_INLINE float vf_sum16(const vf part[1])
{
    const __m256 eight = _mm256_add_ps(_mm512_castps512_ps256(part[0]), _mm512_extractf32x8_ps(part[0], 1));
    const __m128 four = _mm_add_ps(_mm256_castps256_ps128(eight), _mm256_extractf128_ps(eight, 1));
    const __m128 two = _mm_add_ps(four, _mm_movehl_ps(four, four));
    return _mm_cvtss_f32(_mm_add_ss(two, _mm_movehdup_ps(two)));
}

/* Each cell's lower 16 bits, as an array. */
ALWAYS_INLINE void vi_store_int16(void *at, vi a)
{
    _mm256_storeu_si256(at, _mm512_cvtepi32_epi16(a));
}

/* Each cell's lower 8 bits. */
ALWAYS_INLINE void vi_store_int8(void *at, vi a)
{
    _mm_storeu_si128(at, _mm512_cvtepi32_epi8(a));
}

#endif
