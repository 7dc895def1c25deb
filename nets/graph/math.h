/* Elementary functions in plain C without branches, so that loops of them vectorise; nets/kernels/act.inc has
 * the same formulas for the kernels. Errors against double precision: a few units in the last place of a
 * float, erf 2e-7 absolute. Internal to nets/graph. */
#ifndef AMI_NETS_GRAPH_MATH_H
#define AMI_NETS_GRAPH_MATH_H

#include <math.h>
#include <stdint.h>
#include <string.h>

static inline __attribute__((always_inline)) float math_from_bits(int32_t bits)
{
    float v;
    memcpy(&v, &bits, sizeof v);
    return v;
}

static inline __attribute__((always_inline)) int32_t math_bits(float v)
{
    int32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* v = n ln 2 + r, |r| ≤ ln 2 / 2; gives e^r - 1 and n as a whole number. v within ±104. */
static inline __attribute__((always_inline)) float math_exp_parts(float v, int32_t *n)
{
    const float magic = 12582912.0f; /* 1.5 · 2^23: adding it rounds to a whole number */
    const float shifted = v * 1.44269504f + magic, whole = shifted - magic;
    *n = math_bits(shifted) - math_bits(magic);
    float r = v - whole * 0x1.62e4p-1f;
    r = r - whole * 0x1.7f7d1cp-20f;
    float p = 1.0f / 40320;
    p = p * r + 1.0f / 5040;
    p = p * r + 1.0f / 720;
    p = p * r + 1.0f / 120;
    p = p * r + 1.0f / 24;
    p = p * r + 1.0f / 6;
    p = p * r + 0.5f;
    return r * r * p + r;
}

static inline __attribute__((always_inline)) float math_exp(float v)
{
    float x = v > 104.0f ? 104.0f : v;
    x = x < -104.0f ? -104.0f : x;
    x = x == x ? x : 0.0f;
    int32_t n;
    const float part = math_exp_parts(x, &n);
    const int32_t half = n >> 1;
    const float e =
        (part + 1.0f) * math_from_bits((half + 127) << 23) * math_from_bits((n - half + 127) << 23);
    return v == v ? e : v;
}

/* e^v - 1 for v ≤ 0; above, up to e^88. */
static inline __attribute__((always_inline)) float math_expm1_negative(float v)
{
    float x = v < -60.0f ? -60.0f : v;
    x = x > 88.0f ? 88.0f : x;
    x = x == x ? x : 0.0f;
    int32_t n;
    const float part = math_exp_parts(x, &n), power = math_from_bits((n + 127) << 23);
    const float e = power * part + (power - 1.0f);
    return v == v ? e : v;
}

static inline __attribute__((always_inline)) float math_tanh(float v)
{
    const float t = math_expm1_negative(-2.0f * fabsf(v));
    return copysignf(t / (2.0f + t), v);
}

static inline __attribute__((always_inline)) float math_sigmoid(float v)
{
    const float e = math_exp(-fabsf(v));
    return (v < 0.0f ? e : 1.0f) / (1.0f + e);
}

/* log(1 + e) for 0 ≤ e ≤ 1: 2 atanh(e / (2 + e)). */
static inline __attribute__((always_inline)) float math_log1p_unit(float e)
{
    const float s = e / (2.0f + e), q = s * s;
    float p = 1.0f / 15;
    p = p * q + 1.0f / 13;
    p = p * q + 1.0f / 11;
    p = p * q + 1.0f / 9;
    p = p * q + 1.0f / 7;
    p = p * q + 1.0f / 5;
    p = p * q + 1.0f / 3;
    return 2.0f * (s + s * q * p);
}

static inline __attribute__((always_inline)) float math_softplus(float v)
{
    return (v > 0.0f ? v : 0.0f) + math_log1p_unit(math_exp(-fabsf(v)));
}

/* Taylor's series near 0; beyond, Abramowitz and Stegun (1964), 7.1.26. */
static inline __attribute__((always_inline)) float math_erf(float v)
{
    const float x = fabsf(v), q = v * v;
    float p = -1.0f / 918086400.0f;
    p = p * q + 1.0f / 76204800.0f;
    p = p * q - 1.0f / 6894720.0f;
    p = p * q + 1.0f / 685440.0f;
    p = p * q - 1.0f / 75600.0f;
    p = p * q + 1.0f / 9360.0f;
    p = p * q - 1.0f / 1320.0f;
    p = p * q + 1.0f / 216.0f;
    p = p * q - 1.0f / 42.0f;
    p = p * q + 0.1f;
    p = p * q - 1.0f / 3;
    const float near = 1.12837917f * (v + v * q * p);
    const float t = 1.0f / (1.0f + 0.3275911f * x);
    float a = 1.061405429f;
    a = a * t - 1.453152027f;
    a = a * t + 1.421413741f;
    a = a * t - 0.284496736f;
    a = a * t + 0.254829592f;
    const float far = copysignf(1.0f - a * t * math_exp(-q), v);
    return x < 1.0f || !(v == v) ? near : far;
}

#endif
