/* Rounding to integers, one row at a time: what packing and the reference kernels do, and what the vector
 * kernels must equal. Rounding to bfloat16 is in nets/half.h. */
#ifndef AMI_NETS_KERNELS_ROUND_H
#define AMI_NETS_KERNELS_ROUND_H

#include <stdint.h>
#include <string.h>

/* What one unit is worth if the largest magnitude, given as a float's bits without sign, becomes `most`
 * units: 0 where all values are below 2^-100 (they round to zero), NaN where one is not finite. */
static inline float ami_row_scale(uint32_t largest_bits, float most)
{
    float largest;
    memcpy(&largest, &largest_bits, sizeof largest);
    if (largest_bits >= 0x7f800000u)
        return __builtin_nanf("");
    return largest < 0x1p-100f ? 0.0f : largest / most;
}

#endif
