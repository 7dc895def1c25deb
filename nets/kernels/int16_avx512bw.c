/* int16 with AVX-512 BW: vpmaddwd and an addition. */
#include "nets/kernels/round.h"
#include "nets/kernels/simd512.h"

#define NAME int16_avx512bw
#define SUFFIX avx512
#define KIND INT16
#define REGISTERS_32 1
typedef vs sum_vector;

ALWAYS_INLINE vs multiply_add(vs sum, vi w, vi x)
{
    return (vs)_mm512_add_epi32((vi)sum, _mm512_madd_epi16(w, x));
}

#include "nets/kernels/block.inc"
