/* Random numbers: xoshiro256++ (Blackman & Vigna 2019), seeded by splitmix64. One generator per environment,
 * so results do not depend on which thread runs it; its whole state is plain data and goes into a checkpoint
 * as it is. Not for cryptography. */
#ifndef AMI_BASE_RNG_H
#define AMI_BASE_RNG_H

#include <stdint.h>

typedef struct ami_rng {
    uint64_t s[4];
} ami_rng;

/* Each (seed, stream) pair has its own sequence: environments are streams of one seed. */
ami_rng ami_rng_seed(uint64_t seed, uint64_t stream);
uint64_t ami_rng_next(ami_rng *rng);
double ami_rng_uniform(ami_rng *rng);                     /* [0, 1), 53 bits */
double ami_rng_range(ami_rng *rng, double lo, double hi); /* [lo, hi) */
double ami_rng_normal(ami_rng *rng);                      /* mean 0, variance 1 (Box-Muller, one of the pair
                                                             used) */
uint32_t ami_rng_below(ami_rng *rng, uint32_t n);         /* 0..n-1 without bias (Lemire 2019), n > 0 */

#endif
