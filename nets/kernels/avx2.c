/* fp32 with AVX2 and FMA, and the activations for all AVX2 kernels. */
#include "nets/kernels/simd256.h"

#define NAME avx2
#define SUFFIX avx2
#define KIND FP32
#define REGISTERS_32 0
typedef vf sum_vector;

ALWAYS_INLINE vf multiply_add(vf sum, vi w, vi x)
{
    return _mm256_fmadd_ps(as_vf(w), as_vf(x), sum);
}

#include "nets/kernels/act.inc"
#include "nets/kernels/block.inc"
