/* IEEE 754 binary16 and bfloat16 to and from binary32: the same bits with every compiler and on every CPU.
 * For files, packing, reference kernels and loops that the compiler vectorises; kernels convert with the
 * CPU's own instructions, to the same bits. */
#ifndef AMI_NETS_HALF_H
#define AMI_NETS_HALF_H

#include <stdint.h>
#include <string.h>

/* Exact. Infinities stay, a NaN stays a NaN. */
static inline float ami_half_to_float(uint16_t half)
{
    uint32_t sign = (uint32_t)(half & 0x8000) << 16, magnitude = half & 0x7fff, bits;
    if (magnitude >= 0x7c00) { /* infinity or NaN */
        bits = sign | 0x7f800000u | (magnitude & 0x3ff) << 13;
    } else if (magnitude >= 0x0400) {
        bits = sign | ((magnitude << 13) + (112u << 23));
    } else { /* subnormal: magnitude × 2^-24 */
        float value = (float)magnitude * 0x1p-24f;
        memcpy(&bits, &value, sizeof bits);
        bits |= sign;
    }
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

/* Rounds to nearest, ties to even; from 65520 on the result is infinite, a NaN stays a (quiet) NaN. */
static inline uint16_t ami_float_to_half(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    uint32_t sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
    if (magnitude > 0x7f800000u)
        return (uint16_t)(sign | 0x7e00);
    if (magnitude >= 0x477ff000u)
        return (uint16_t)(sign | 0x7c00); /* ≥ 65520 */
    if (magnitude >= 0x38800000u) {       /* ≥ 2^-14: normal */
        uint32_t rounded = magnitude - (112u << 23) + 0xfff + (magnitude >> 13 & 1);
        return (uint16_t)(sign | rounded >> 13);
    }
    if (magnitude < 0x33000000u)
        return (uint16_t)sign;                /* < 2^-25 */
    uint32_t shift = 126 - (magnitude >> 23); /* 14 .. 24: bits of the significand below 2^-24 */
    uint32_t significand = (magnitude & 0x7fffff) | 0x800000;
    uint32_t half = significand >> shift, rest = significand & ((1u << shift) - 1), tie = 1u << (shift - 1);
    if (rest > tie || (rest == tie && (half & 1)))
        half++;
    return (uint16_t)(sign | half);
}

/* bfloat16 is the upper half of a binary32. Exact. */
static inline float ami_bfloat_to_float(uint16_t bfloat)
{
    uint32_t bits = (uint32_t)bfloat << 16;
    float out;
    memcpy(&out, &bits, sizeof out);
    return out;
}

/* Rounds to nearest, ties to even. A NaN stays a (quiet) NaN. */
static inline uint16_t ami_float_to_bfloat(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof bits);
    const uint32_t rounded = (bits + 0x7fff + (bits >> 16 & 1)) >> 16, quiet = bits >> 16 | 0x40;
    return (uint16_t)((bits & 0x7fffffffu) > 0x7f800000u ? quiet : rounded);
}

#endif
