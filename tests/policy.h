/* For tests of policy/: a synthetic motion, small actors, files in a scratch folder. */
#ifndef AMI_TESTS_POLICY_H
#define AMI_TESTS_POLICY_H

#include "tests/body.h"
#include "tests/scratch.h"

#include "nets/net.h"
#include "sim/env.h"

#include <unistd.h>
#ifdef _OPENMP
#include <omp.h>
#endif

static inline void set_threads(int threads)
{
#ifdef _OPENMP
    omp_set_num_threads(threads);
#else
    (void)threads;
#endif
}

/* Marching on the spot, a cycle of 1 s at 30 frames a second: legs lifted in turn by `lift` rad, arms
 * swinging against them. */
static inline ami_clip *march(double lift, bool loop)
{
    enum { FRAMES = 31 };
    static double time[FRAMES], pose[FRAMES * AMI_POSE];
    for (int f = 0; f < FRAMES; f++) {
        double *p = pose + f * AMI_POSE;
        time[f] = f / 30.0;
        pose_at_rest(p, .881416);
        for (int side = 0; side < 2; side++) {
            const double swing = sin(2 * M_PI * f / (FRAMES - 1) + side * M_PI), up = lift * fmax(swing, 0);
            const int hip = side ? AMI_LEFT_HIP : AMI_RIGHT_HIP; /* knee, ankle, shoulder and elbow follow
                                                                    it */
            turn_about(p + pose_at[hip], 0, 0, 1, up);
            p[pose_at[hip + 1]] = -2 * up;
            turn_about(p + pose_at[hip + 2], 0, 0, 1, up);
            turn_about(p + pose_at[hip + 3], 0, 0, 1, -lift * swing);
            p[pose_at[hip + 4]] = .3;
        }
    }
    return make_clip(FRAMES, time, pose, loop);
}

/* inputs-16-8-36 with outputs of about `size`; the inputs are scaled by a normaliser of standard deviations
 * 2. */
static inline ami_net *small_actor_of(int inputs, uint64_t seed, double size)
{
    const int dim[] = {inputs, 16, 8, AMI_ACTION};
    ami_net *net = ami_net_create(3, dim, NULL);
    assert_non_null(net);
    assert_true(ami_net_add_normalizer(net));
    for (int k = 0; k < inputs; k++)
        net->in_std[k] = 2;
    net->in_clip = 5;
    ami_rng rng = ami_rng_seed(seed, 11);
    for (int l = 0; l < 3; l++)
        for (int i = 0; i < dim[l] * dim[l + 1]; i++)
            net->weight[l][i] = (float)(ami_rng_normal(&rng) / sqrt(dim[l]) * (l == 2 ? size : 1));
    return net;
}

static inline ami_net *small_actor(uint64_t seed, double size)
{
    return small_actor_of(AMI_OBS, seed, size);
}

#endif
