/* xoshiro256++, and numbers of several distributions from it. */
#include "base/rng.h"

#include <math.h>

static uint64_t splitmix64(uint64_t *x)
{
    uint64_t z = (*x += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
    return (x << k) | (x >> (64 - k));
}

ami_rng ami_rng_seed(uint64_t seed, uint64_t stream)
{
    uint64_t x = stream;
    x = seed ^ splitmix64(&x); /* the stream is hashed first, so that (1, 2) and (2, 1) are unrelated */
    ami_rng rng;
    for (int i = 0; i < 4; i++)
        rng.s[i] = splitmix64(&x);
    return rng;
}

uint64_t ami_rng_next(ami_rng *rng)
{
    uint64_t *s = rng->s;
    const uint64_t result = rotl(s[0] + s[3], 23) + s[0];
    const uint64_t t = s[1] << 17;
    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return result;
}

double ami_rng_uniform(ami_rng *rng)
{
    return (double)(ami_rng_next(rng) >> 11) * 0x1.0p-53;
}

double ami_rng_range(ami_rng *rng, double lo, double hi)
{
    return lo + (hi - lo) * ami_rng_uniform(rng);
}

double ami_rng_normal(ami_rng *rng)
{
    const double u = 1.0 - ami_rng_uniform(rng); /* (0, 1]: the logarithm is finite */
    const double v = ami_rng_uniform(rng);
    return sqrt(-2.0 * log(u)) * cos(6.283185307179586 * v);
}

uint32_t ami_rng_below(ami_rng *rng, uint32_t n)
{
    uint64_t m = (uint64_t)(uint32_t)(ami_rng_next(rng) >> 32) * n;
    if ((uint32_t)m < n) {
        const uint32_t threshold = -n % n;
        while ((uint32_t)m < threshold)
            m = (uint64_t)(uint32_t)(ami_rng_next(rng) >> 32) * n;
    }
    return (uint32_t)(m >> 32);
}
