/* bf16 with AVX2 and FMA: both inputs of a cell widened to fp32. Half the weights' bytes of fp32, more
 * instructions. */
#include "nets/kernels/round.h"
#include "nets/kernels/simd256.h"

#define NAME bf16_avx2
#define SUFFIX avx2
#define KIND BF16
#define REGISTERS_32 0
typedef vf sum_vector;

ALWAYS_INLINE vf multiply_add(vf sum, vi w, vi x)
{
    const vi upper = vi_set((int32_t)0xffff0000u);
    sum = _mm256_fmadd_ps(as_vf(vi_shift_up(w, 16)), as_vf(vi_shift_up(x, 16)), sum);
    return _mm256_fmadd_ps(as_vf(vi_and(w, upper)), as_vf(vi_and(x, upper)), sum);
}

/* As ami_float_to_bfloat (nets/half.h), eight at once. A NaN is made quiet by an addition. */
ALWAYS_INLINE void store_bf16(void *at, vf a)
{
    const vi bits = as_vi(a), odd = vi_and(_mm256_srli_epi32(bits, 16), vi_set(1));
    const vi rounded = _mm256_srli_epi32(vi_add(vi_add(bits, vi_set(0x7fff)), odd), 16);
    const vi quiet = _mm256_srli_epi32(as_vi(vf_add(a, a)), 16);
    vi_store_int16(at,
                   as_vi(_mm256_blendv_ps(as_vf(rounded), as_vf(quiet), _mm256_cmp_ps(a, a, _CMP_UNORD_Q))));
}

#include "nets/kernels/block.inc"
