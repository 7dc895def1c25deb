/* For tests of DeepPhase: comparison, and trajectories by formula. */
#ifndef AMI_TESTS_PHASES_H
#define AMI_TESTS_PHASES_H

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

static ami_phase phases[MOST];
static double unwrapped[MOST], velocity[MOST];
static ami_phase_trajectory trajectory;

static inline void start(int frames, double rate)
{
    assert_true(frames <= MOST);
    trajectory = (ami_phase_trajectory){frames, rate, phases, unwrapped};
}

/* A point on the circle with noise of that standard deviation in x and y. */
static inline ami_phase noisy(double cycles, double amplitude, double noise, ami_rng *rng)
{
    const ami_phase p = ami_phase_at(cycles, amplitude);
    return ami_phase_from_point(p.x + noise * ami_rng_normal(rng), p.y + noise * ami_rng_normal(rng));
}

static inline void steady(int frames, double rate, double from, double speed, double noise, ami_rng *rng)
{
    start(frames, rate);
    for (int i = 0; i < frames; i++)
        phases[i] = noisy(from + speed * i / rate, 1, noise, rng);
    ami_phase_unwrap(&trajectory);
}

static inline ami_phase_period period(void)
{
    ami_phase_period p;
    ami_error err = {""};
    if (!ami_deepphase_periodicity(&trajectory, &p, &err))
        fail_msg("%s", err.text);
    assert_true(p.confidence >= 0 && p.confidence <= 1);
    return p;
}

static inline void get_velocity(void)
{
    ami_error err = {""};
    if (!ami_deepphase_velocity(&trajectory, velocity, &err))
        fail_msg("%s", err.text);
}

#endif
