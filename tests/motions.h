/* For tests of invented motions: hand-made networks that give usable motions without training. The decoder's
 * last bias is a recorded window, its weights add other recorded windows and distort the result; DeepPhase
 * reads the legs' swing. */
#ifndef AMI_TESTS_MOTIONS_H
#define AMI_TESTS_MOTIONS_H

#include "tests/policy.h"
#include "tests/skip.h"

#include "motion/gait.h"
#include "policy/generator.h"

/* A gait that amble generated itself, assets/motions/NAME.txt: style_walk, style_jog, style_run, style_zombie
 * (loops), pushed_walk. */
static inline ami_clip *shipped_clip(const char *name)
{
    char path[512];
    ami_error err = {""};
    snprintf(path, sizeof path, "%s/assets/motions/%s.txt", AMB_SOURCE_DIR, name);
    ami_clip *gait = ami_clip_read(path, &err);
    if (!gait)
        fail_msg("%s", err.text);
    return gait;
}

/* Two seconds of a clip as the decoder would give them, from time t on. */
static inline void window_of_clip(const ami_character *body, const ami_clip *recorded, double t,
                                  float window[AMI_STYLE_WINDOW])
{
    for (int f = 0; f < AMI_STYLE_FRAMES; f++)
        ami_features_of_clip(&body->skeleton, recorded, t + f / AMI_FEATURE_RATE, window + f * AMI_FEATURES,
                             NULL);
}

/* Two seconds of a shipped clip that loops, from its left foot's strike, played such that a cycle takes
 * `period` s; how many times faster that is. */
static inline double window_of_gait(const ami_character *body, const char *name, double period,
                                    float window[AMI_STYLE_WINDOW])
{
    ami_error err = {""};
    ami_clip *recorded = shipped_clip(name);
    ami_gait *gait = ami_gait_create(&body->skeleton, recorded, &err);
    if (!gait)
        fail_msg("%s", err.text);
    const double scale = gait->period / period;
    ami_gait_window(gait, gait->strike[0], scale, AMI_STYLE_FRAMES, window);
    ami_gait_destroy(gait);
    ami_clip_destroy(recorded);
    return scale;
}

/* 132 → 2, linear: x is how far the left ankle is before the right one, y what is missing to it a quarter of
 * a cycle later: about (cos, sin) of the phase, 0 where the left leg is foremost, which is about where it
 * strikes. */
static inline ami_model *leg_phase(void)
{
    const int dim[] = {AMI_PHASE_FEATURES, 2};
    ami_net *net = ami_net_create(1, dim, NULL);
    assert_non_null(net);
    const int left = 6 * (AMI_POINT_LEFT + AMI_POINT_ANKLE), right = 6 * (AMI_POINT_RIGHT + AMI_POINT_ANKLE);
    net->weight[0][left] = 2.5f;
    net->weight[0][right] = -2.5f;
    net->weight[0][AMI_PHASE_FEATURES + left + 3] = -.43f;
    net->weight[0][AMI_PHASE_FEATURES + right + 3] = .43f;
    ami_model *model = ami_model_create(net, &(ami_model_def){.precision = AMI_PRECISION_FP32}, NULL);
    ami_net_destroy(net);
    assert_non_null(model);
    return model;
}

/* 256 → hidden → 4380. With h = max(z, 0) the first two numbers of a latent mix windows in: base + h[0] (a -
 * base) + h[1] (b - base). The other hidden units bend every number of the window to and fro, at 0, 1 or 2
 * turns in it, by about `size` for a latent of length 16. */
static inline ami_net *hand_decoder(const float *base, const float *a, const float *b, int hidden,
                                    double size)
{
    const int dim[] = {AMI_STYLE_SIZE, hidden, AMI_STYLE_WINDOW};
    ami_net *net = ami_net_create(2, dim, NULL);
    assert_non_null(net);
    ami_rng rng = ami_rng_seed(5, 5);
    net->weight[0][0] = 1;
    net->weight[0][AMI_STYLE_SIZE + 1] = 1;
    for (int h = 2; h < hidden; h++) {
        for (int k = 2; k < AMI_STYLE_SIZE; k++)
            net->weight[0][h * AMI_STYLE_SIZE + k] = (float)ami_rng_normal(&rng) / 16;
        for (int k = 0; k < AMI_FEATURES; k++) {
            const double gain = size * ami_rng_normal(&rng) / sqrt(hidden);
            const double turns = ami_rng_below(&rng, 3), lag = ami_rng_range(&rng, 0, 2 * M_PI);
            for (int f = 0; f < AMI_STYLE_FRAMES; f++)
                net->weight[1][(f * AMI_FEATURES + k) * hidden + h] =
                    (float)(gain * cos(2 * M_PI * turns * f / AMI_STYLE_FRAMES + lag));
        }
    }
    for (int i = 0; i < AMI_STYLE_WINDOW; i++) {
        net->bias[1][i] = base[i];
        net->weight[1][i * hidden] = a[i] - base[i];
        net->weight[1][i * hidden + 1] = b[i] - base[i];
    }
    return net;
}

/* Everything a generator needs: three styles, "walk" at z = 0, "jog" at z[0] = 1 and "zombie" at z[1] = 1. */
typedef struct hand_made {
    ami_character *character;
    ami_model *phase;
    ami_deepphase deepphase;
    ami_stylevae vae;
    ami_motion_nets nets;
    ami_styles styles;
    ami_style style[3];
    ami_cycle_workspace *workspace;
} hand_made;

static inline void make_by_hand(hand_made *m, ami_character *body, double size)
{
    static float window[3][AMI_STYLE_WINDOW];
    static const char *const source[3] = {"style_walk", "style_jog", "style_zombie"}, *const name[3] = {
                                                                                          "walk", "jog",
                                                                                          "zombie"};
    ami_error err = {""};
    memset(m, 0, sizeof *m);
    m->character = body;
    m->phase = leg_phase();
    for (int i = 0; i < 3; i++) {
        snprintf(m->style[i].name, sizeof m->style[i].name, "%s", name[i]);
        m->style[i].scale = window_of_gait(body, source[i], 1.2666, window[i]);
        if (i > 0)
            m->style[i].z[i - 1] = 1;
    }
    ami_net *decoder = hand_decoder(window[0], window[1], window[2], 24, size);
    const ami_model_def fp32 = {.precision = AMI_PRECISION_FP32};
    if (!ami_deepphase_init(&m->deepphase, m->phase, &err) ||
        !ami_stylevae_init(&m->vae, NULL, decoder, &fp32, &err))
        fail_msg("%s", err.text);
    ami_net_destroy(decoder);
    m->nets = (ami_motion_nets){&body->skeleton, &m->vae, &m->deepphase};
    m->styles = (ami_styles){3, m->style};
    m->workspace = ami_cycle_workspace_create(&m->nets, &err);
    assert_non_null(m->workspace);
}

static inline void free_hand_made(hand_made *m)
{
    ami_cycle_workspace_destroy(m->workspace);
    ami_stylevae_free(&m->vae);
    ami_model_destroy(m->phase);
}

#endif
