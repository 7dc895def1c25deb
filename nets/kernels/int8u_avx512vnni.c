/* int8 by one plane of unsigned activations, with AVX-512 VNNI: vpdpbusd, once. */
#include "nets/kernels/round.h"
#include "nets/kernels/simd512.h"

#define NAME int8u_avx512vnni
#define SUFFIX avx512
#define KIND INT8U
#define REGISTERS_32 1
typedef vs sum_vector;

ALWAYS_INLINE vs multiply_add(vs sum, vi w, vi x)
{
    return (vs)_mm512_dpbusd_epi32((vi)sum, x, w);
}

#include "nets/kernels/block.inc"
