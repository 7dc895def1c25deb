/* int16 with AVX2: vpmaddwd and an addition. */
#include "nets/kernels/round.h"
#include "nets/kernels/simd256.h"

#define NAME int16_avx2
#define SUFFIX avx2
#define KIND INT16
#define REGISTERS_32 0
typedef vs sum_vector;

ALWAYS_INLINE vs multiply_add(vs sum, vi w, vi x)
{
    return (vs)_mm256_add_epi32((vi)sum, _mm256_madd_epi16(w, x));
}

#include "nets/kernels/block.inc"
