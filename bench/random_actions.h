/* Environments stepped with random actions: what a control step costs another program that chooses the
 * actions, as Python's VectorEnv does. Everything but a network: PD targets, physics, reference, reward,
 * observation, and a new episode where one ends. */
#ifndef AMI_BENCH_RANDOM_ACTIONS_H
#define AMI_BENCH_RANDOM_ACTIONS_H

#include "policy/controller.h"

typedef struct bench_random_def {
    int envs, threads;
    int steps;  /* control steps a round, of each */
    int rounds; /* 1 to 1000 */
    uint64_t seed;
    const ami_character *character;
    const ami_clip *clip;
    const ami_policy *policy; /* its rates and action mode */
} bench_random_def;

typedef struct bench_random {
    double steps_per_s;     /* of all, median of the rounds */
    double steps_per_cpu_s; /* the same by processor time, of all threads */
    int64_t episodes;       /* that ended, in all rounds */
} bench_random;

/* One parallel region a control step, because a trainer chooses all actions before the next. False and a
 * sentence when memory is short. */
bool bench_random_actions(const bench_random_def *def, bench_random *result, ami_error *err);

#endif
