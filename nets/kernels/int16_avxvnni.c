/* int16 with AVX-VNNI: vpdpwssd on 256 bits. */
#include "nets/kernels/round.h"
#include "nets/kernels/simd256.h"

#define NAME int16_avxvnni
#define SUFFIX avx2
#define KIND INT16
#define REGISTERS_32 0
typedef vs sum_vector;

ALWAYS_INLINE vs multiply_add(vs sum, vi w, vi x)
{
    return (vs)_mm256_dpwssd_avx_epi32((vi)sum, w, x);
}

#include "nets/kernels/block.inc"
