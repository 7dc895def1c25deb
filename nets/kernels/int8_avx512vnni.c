/* int8 with AVX-512 VNNI: vpdpbusd, 64 products in one instruction, for each of the activations' two planes.
 */
#include "nets/kernels/round.h"
#include "nets/kernels/simd512.h"

#define NAME int8_avx512vnni
#define SUFFIX avx512
#define KIND INT8
#define REGISTERS_32 1
typedef vs sum_vector;

ALWAYS_INLINE vs multiply_add(vs sum, vi w, vi x)
{
    return (vs)_mm512_dpbusd_epi32((vi)sum, x, w);
}

#include "nets/kernels/block.inc"
