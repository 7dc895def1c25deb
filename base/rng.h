/* Random numbers: xoshiro256++ (Blackman & Vigna 2019), seeded by splitmix64. One generator per environment,
 * so results do not depend on which thread runs it; its whole state is plain data and goes into a checkpoint
 * as it is. Not for cryptography. */
#ifndef AMB_BASE_RNG_H
#define AMB_BASE_RNG_H

#include <stdint.h>

typedef struct amb_rng {
    uint64_t s[4];
} amb_rng;

/* A stream of its own for every (seed, stream) pair: environments are streams of one seed. */
amb_rng amb_rng_seed(uint64_t seed, uint64_t stream);
uint64_t amb_rng_next(amb_rng *rng);
double amb_rng_uniform(amb_rng *rng);                     /* [0, 1), 53 bits */
double amb_rng_range(amb_rng *rng, double lo, double hi); /* [lo, hi) */
double amb_rng_normal(amb_rng *rng);                      /* mean 0, variance 1 (Box-Muller, one of the pair
                                                             used) */
uint32_t amb_rng_below(amb_rng *rng, uint32_t n);         /* 0..n-1 without bias (Lemire 2019), n > 0 */

#endif
