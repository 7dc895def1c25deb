/* fp32 with AVX-512 (F, BW, VL, DQ), and the activations for all AVX-512 kernels. */
#include "nets/kernels/simd512.h"

#define NAME avx512
#define SUFFIX avx512
#define KIND FP32
#define REGISTERS_32 1
typedef vf sum_vector;

ALWAYS_INLINE vf multiply_add(vf sum, vi w, vi x)
{
    return _mm512_fmadd_ps(as_vf(w), as_vf(x), sum);
}

#include "nets/kernels/act.inc"
#include "nets/kernels/block.inc"
