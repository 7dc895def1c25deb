/* Rounding to the narrow formats, one number at a time: what packing and the reference kernels do, and what
 * the vector kernels must equal.
 */
#ifndef AMI_NETS_KERNELS_ROUND_H
#define AMI_NETS_KERNELS_ROUND_H

#include <stdint.h>
#include <string.h>

/* Round to nearest, ties to even. A NaN stays a (quiet) NaN. */
static inline uint16_t ami_bf16_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

/* Exact. */
static inline float ami_float_of_bf16(uint16_t value)
{
    const uint32_t bits = (uint32_t)value << 16;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

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
