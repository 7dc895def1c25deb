/* bf16 with AVX512_BF16: vdpbf16ps, 32 products in one instruction. */
#include "nets/kernels/round.h"
#include "nets/kernels/simd512.h"

#define NAME bf16_avx512bf16
#define SUFFIX avx512
#define KIND BF16
#define REGISTERS_32 1
typedef vf sum_vector;

ALWAYS_INLINE vf multiply_add(vf sum, vi w, vi x)
{
    return _mm512_dpbf16_ps(sum, (__m512bh)w, (__m512bh)x);
}

ALWAYS_INLINE void store_bf16(void *at, vf a)
{
    _mm256_storeu_si256(at, (__m256i)_mm512_cvtneps_pbh(a));
}

#include "nets/kernels/block.inc"
