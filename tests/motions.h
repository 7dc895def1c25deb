/* What the tests of invented motions share: networks made by hand that invent motions without having been
 * trained. The decoder's last bias is a recorded window, its weights mix other recorded windows in and bend
 * what comes out; DeepPhase reads the legs' swing. */
#ifndef AMB_TESTS_MOTIONS_H
#define AMB_TESTS_MOTIONS_H

#include "tests/policy.h"
#include "tests/skip.h"

#include "motion/gait.h"
#include "policy/generator.h"

/* A gait that amble generated itself, assets/motions/NAME.txt: style_walk, style_jog, style_run, style_zombie
 * (loops), pushed_walk. */
static inline amb_clip *shipped_clip(const char *name)
{
    char path[512];
    amb_error err = {""};
    snprintf(path, sizeof path, "%s/assets/motions/%s.txt", AMB_SOURCE_DIR, name);
    amb_clip *gait = amb_clip_read(path, &err);
    if (!gait)
        fail_msg("%s", err.text);
    return gait;
}

/* Two seconds of a clip as the decoder would give them, from time t on. */
static inline void window_of_clip(const amb_character *body, const amb_clip *recorded, double t,
                                  float window[AMB_STYLE_WINDOW])
{
    for (int f = 0; f < AMB_STYLE_FRAMES; f++)
        amb_features_of_clip(&body->skeleton, recorded, t + f / AMB_WINDOW_RATE, window + f * AMB_FEATURES,
                             NULL);
}

/* Two seconds of a shipped clip that loops, from its left foot's strike, played such that a cycle takes
 * `period` s; how many times faster that is. */
static inline double window_of_gait(const amb_character *body, const char *name, double period,
                                    float window[AMB_STYLE_WINDOW])
{
    amb_error err = {""};
    amb_clip *recorded = shipped_clip(name);
    amb_gait *gait = amb_gait_create(&body->skeleton, recorded, &err);
    if (!gait)
        fail_msg("%s", err.text);
    const double scale = gait->period / period;
    amb_gait_window(gait, gait->strike[0], scale, AMB_STYLE_FRAMES, window);
    amb_gait_destroy(gait);
    amb_clip_destroy(recorded);
    return scale;
}

/* 132 → 2, linear: x is how far the left ankle is before the right one, y what is missing to it a quarter of
 * a cycle later: about (cos, sin) of the phase, 0 where the left leg is foremost, which is about where it
 * strikes. */
static inline amb_model *leg_phase(void)
{
    const int dim[] = {AMB_PHASE_FEATURES, 2};
    amb_net *net = amb_net_create(1, dim, NULL);
    assert_non_null(net);
    const int left = 6 * (AMB_POINT_LEFT + AMB_POINT_ANKLE), right = 6 * (AMB_POINT_RIGHT + AMB_POINT_ANKLE);
    net->weight[0][left] = 2.5f;
    net->weight[0][right] = -2.5f;
    net->weight[0][AMB_PHASE_FEATURES + left + 3] = -.43f;
    net->weight[0][AMB_PHASE_FEATURES + right + 3] = .43f;
    amb_model *model = amb_model_create(net, &(amb_model_def){.precision = AMB_PRECISION_FP32}, NULL);
    amb_net_destroy(net);
    assert_non_null(model);
    return model;
}

/* 256 → hidden → 4380. With h = max(z, 0) the first two numbers of a latent mix windows in: base + h[0] (a -
 * base) + h[1] (b - base). The other hidden units bend every number of the window to and fro, at 0, 1 or 2
 * turns in it, by about `size` for a latent of length 16. */
static inline amb_net *hand_decoder(const float *base, const float *a, const float *b, int hidden,
                                    double size)
{
    const int dim[] = {AMB_STYLE_SIZE, hidden, AMB_STYLE_WINDOW};
    amb_net *net = amb_net_create(2, dim, NULL);
    assert_non_null(net);
    amb_rng rng = amb_rng_seed(5, 5);
    net->weight[0][0] = 1;
    net->weight[0][AMB_STYLE_SIZE + 1] = 1;
    for (int h = 2; h < hidden; h++) {
        for (int k = 2; k < AMB_STYLE_SIZE; k++)
            net->weight[0][h * AMB_STYLE_SIZE + k] = (float)amb_rng_normal(&rng) / 16;
        for (int k = 0; k < AMB_FEATURES; k++) {
            const double gain = size * amb_rng_normal(&rng) / sqrt(hidden);
            const double turns = amb_rng_below(&rng, 3), lag = amb_rng_range(&rng, 0, 2 * M_PI);
            for (int f = 0; f < AMB_STYLE_FRAMES; f++)
                net->weight[1][(f * AMB_FEATURES + k) * hidden + h] =
                    (float)(gain * cos(2 * M_PI * turns * f / AMB_STYLE_FRAMES + lag));
        }
    }
    for (int i = 0; i < AMB_STYLE_WINDOW; i++) {
        net->bias[1][i] = base[i];
        net->weight[1][i * hidden] = a[i] - base[i];
        net->weight[1][i * hidden + 1] = b[i] - base[i];
    }
    return net;
}

/* Everything a generator needs: three styles, "walk" at z = 0, "jog" at z[0] = 1 and "zombie" at z[1] = 1. */
typedef struct hand_made {
    amb_character *character;
    amb_model *phase;
    amb_deepphase deepphase;
    amb_stylevae vae;
    amb_motion_nets nets;
    amb_styles styles;
    amb_style style[3];
    amb_cycle_room *room;
} hand_made;

static inline void make_by_hand(hand_made *m, amb_character *body, double size)
{
    static float window[3][AMB_STYLE_WINDOW];
    static const char *const source[3] = {"style_walk", "style_jog", "style_zombie"}, *const name[3] = {
                                                                                          "walk", "jog",
                                                                                          "zombie"};
    amb_error err = {""};
    memset(m, 0, sizeof *m);
    m->character = body;
    m->phase = leg_phase();
    for (int i = 0; i < 3; i++) {
        snprintf(m->style[i].name, sizeof m->style[i].name, "%s", name[i]);
        m->style[i].scale = window_of_gait(body, source[i], 1.2666, window[i]);
        if (i > 0)
            m->style[i].z[i - 1] = 1;
    }
    amb_net *decoder = hand_decoder(window[0], window[1], window[2], 24, size);
    const amb_model_def fp32 = {.precision = AMB_PRECISION_FP32};
    if (!amb_deepphase_init(&m->deepphase, m->phase, &err) ||
        !amb_stylevae_init(&m->vae, NULL, decoder, &fp32, &err))
        fail_msg("%s", err.text);
    amb_net_destroy(decoder);
    m->nets = (amb_motion_nets){&body->skeleton, &m->vae, &m->deepphase};
    m->styles = (amb_styles){3, m->style};
    m->room = amb_cycle_room_create(&m->nets, &err);
    assert_non_null(m->room);
}

static inline void free_hand_made(hand_made *m)
{
    amb_cycle_room_destroy(m->room);
    amb_stylevae_free(&m->vae);
    amb_model_destroy(m->phase);
}

#endif
