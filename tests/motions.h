/* What the tests of generated motions share: networks made by hand that invent motions without having been trained. The decoder's last bias
 * is a recorded window, and small weights move it; DeepPhase reads the legs' swing. */
#ifndef AMB_TESTS_MOTIONS_H
#define AMB_TESTS_MOTIONS_H

#include "tests/policy.h"

#include "policy/generator.h"

/* A clip by name out of the folder of public ones, or a failed test. */
static inline amb_clip *public_clip(const char *name)
{
    char path[512];
    amb_error err = {""};
    amb_clip *clip = amb_clip_find(name, NULL, path, sizeof path, &err) ? amb_clip_read(path, &err) : NULL;
    if (!clip)
        fail_msg("%s", err.text);
    return clip;
}

/* Two seconds of a clip as the decoder would give them, from time t on. */
static inline void window_of_clip(const amb_character *character, const amb_clip *clip, double t, float window[AMB_STYLE_WINDOW])
{
    for (int f = 0; f < AMB_STYLE_FRAMES; f++)
        amb_features_of_clip(character, clip, t + f / AMB_WINDOW_RATE, window + f * AMB_FEATURES, NULL);
}

/* 132 → 2, linear: x is how far the left ankle is before the right one, y what is missing to it a quarter of a cycle later: about
 * (cos, sin) of the phase, 0 where the left leg is foremost, which is about where it strikes. */
static inline amb_model *leg_phase(void)
{
    const int dim[] = {AMB_PHASE_FEATURES, 2};
    amb_net *net = amb_net_create(1, dim, NULL);
    assert_non_null(net);
    const int left = 6 * (AMB_POINT_LEFT + AMB_POINT_ANKLE), right = 6 * (AMB_POINT_RIGHT + AMB_POINT_ANKLE);
    net->act[0] = AMB_ACT_IDENTITY;
    net->weight[0][left] = 2.5f;
    net->weight[0][right] = -2.5f;
    net->weight[0][AMB_PHASE_FEATURES + left + 3] = -.43f;
    net->weight[0][AMB_PHASE_FEATURES + right + 3] = .43f;
    amb_model *model = amb_model_create(net, &(amb_model_def){.precision = AMB_PRECISION_FP32}, NULL);
    amb_net_destroy(net);
    assert_non_null(model);
    return model;
}

/* 256 → hidden → 4380. Its latents: the first two numbers mix in windows: out = base + z[0] (a - base) + z[1] (b - base) as long as both
 * are at least 0; all of them move every number of the window by about `size` times their length / 16. */
static inline amb_model *hand_decoder(const float *base, const float *a, const float *b, int hidden, double size)
{
    const int dim[] = {AMB_STYLE_SIZE, hidden, AMB_STYLE_WINDOW};
    amb_net *net = amb_net_create(2, dim, NULL);
    assert_non_null(net);
    net->act[0] = AMB_ACT_RELU;
    amb_rng rng = amb_rng_seed(5, 5);
    for (int h = 2; h < hidden; h++)
        for (int k = 0; k < AMB_STYLE_SIZE; k++)
            net->weight[0][h * AMB_STYLE_SIZE + k] = (float)amb_rng_normal(&rng) / 16;
    net->weight[0][0] = 1;
    net->weight[0][AMB_STYLE_SIZE + 1] = 1;
    /* What a hidden unit adds goes to and fro with periods that divide the window, so that it bends the motion and does not tear it. */
    for (int h = 2; h < hidden; h++)
        for (int k = 0; k < AMB_FEATURES; k++) {
            const double gain = size * amb_rng_normal(&rng) / sqrt(hidden), turns = (double)(amb_rng_below(&rng, 3)),
                         lag = 6.28 * amb_rng_uniform(&rng);
            for (int f = 0; f < AMB_STYLE_FRAMES; f++)
                net->weight[1][(f * AMB_FEATURES + k) * hidden + h] = (float)(gain * cos(6.283185307 * turns * f / AMB_STYLE_FRAMES + lag));
        }
    for (int i = 0; i < AMB_STYLE_WINDOW; i++) {
        net->bias[1][i] = base[i];
        net->weight[1][i * hidden] = a[i] - base[i];
        net->weight[1][i * hidden + 1] = b[i] - base[i];
    }
    amb_model *model = amb_model_create(net, &(amb_model_def){.precision = AMB_PRECISION_FP32}, NULL);
    amb_net_destroy(net);
    assert_non_null(model);
    return model;
}

#endif
