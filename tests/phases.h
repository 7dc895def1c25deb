/* What the tests of DeepPhase share: comparison, and trajectories by formula. */
#ifndef AMB_TESTS_PHASES_H
#define AMB_TESTS_PHASES_H

#include "base/rng.h"
#include "nets/deepphase.h"

#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define TURN 6.283185307179586

enum { MOST = 2000 };

/* |got - want| ≤ tolerance, NaN never. */
static inline void near(const char *what, double got, double want, double tolerance)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s is %.15g, expected %.15g within %g", what, got, want, tolerance);
}

static amb_phase phases[MOST];
static double unwrapped[MOST], velocity[MOST];
static amb_phase_trajectory trajectory;

static inline void start(int frames, double rate)
{
    assert_true(frames <= MOST);
    trajectory = (amb_phase_trajectory){frames, rate, phases, unwrapped};
}

/* A point on the circle with noise of that standard deviation in x and y. */
static inline amb_phase noisy(double cycles, double amplitude, double noise, amb_rng *rng)
{
    const amb_phase p = amb_phase_at(cycles, amplitude);
    return amb_phase_from_point(p.x + noise * amb_rng_normal(rng), p.y + noise * amb_rng_normal(rng));
}

static inline void steady(int frames, double rate, double from, double speed, double noise, amb_rng *rng)
{
    start(frames, rate);
    for (int i = 0; i < frames; i++)
        phases[i] = noisy(from + speed * i / rate, 1, noise, rng);
    amb_phase_unwrap(&trajectory);
}

static inline amb_phase_period period(void)
{
    amb_phase_period p;
    amb_error err = {""};
    if (!amb_deepphase_periodicity(&trajectory, &p, &err))
        fail_msg("%s", err.text);
    assert_true(p.confidence >= 0 && p.confidence <= 1);
    return p;
}

static inline void get_velocity(void)
{
    amb_error err = {""};
    if (!amb_deepphase_velocity(&trajectory, velocity, &err))
        fail_msg("%s", err.text);
}

#endif
