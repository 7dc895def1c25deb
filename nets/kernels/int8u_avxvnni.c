/* int8 by one plane of unsigned activations, with AVX-VNNI: vpdpbusd, once. */
#include "nets/kernels/round.h"
#include "nets/kernels/simd256.h"

#define NAME int8u_avxvnni
#define SUFFIX avx2
#define KIND INT8U
#define REGISTERS_32 0
typedef vs sum_vector;

ALWAYS_INLINE vs multiply_add(vs sum, vi w, vi x)
{
    return (vs)_mm256_dpbusd_avx_epi32((vi)sum, x, w);
}

#include "nets/kernels/block.inc"
