/* Fitting the motion networks: `amble fit phase` (DeepPhase) and `amble fit style` (StyleVAE's encoder and
 * decoder).
 *
 * The samples of a step depend only on the seed and on the number of samples before it, not on threads or
 * time. A saved and loaded fit continues bit for bit. Writes only checkpoints and prints nothing; the program
 * is cli/cmd_fit.c.
 *
 * Phase: a frame's 132 numbers → amplitude · (cos 2πφ, sin 2πφ), with phase and amplitude by motion/gait.h;
 * mean squared error. Augmentation: frames are played at other speeds (all velocities change in proportion),
 * and half of the time slow motions are played as fast as in style windows. Three of four frames get noise:
 * - positions up to `noise` m, velocities up to the noise of position differences over 1/15 s;
 * - common to all points: heading (.1 rad), posture (.07 rad), size (3 %), speed (.08 m/s).
 *
 * Style: a window of 60 frames of 73 → μ, log σ² → z → the window. A window's loss is the sum of these
 * squared errors e, each divided by the square of its tolerance:
 *   mean over frames of
 *     Σ points |e|²                     tolerance 3 cm
 *     e² of the root's velocity         .05 m/s
 *     e² of the yaw rate                .2 rad/s
 *     Σ e² of the contacts              .15
 *   Σ points |e of velocity, from frame to frame|²             .5 m/s
 *   Σ soles in contact |e of the sole's velocity over ground|²  .2 m/s
 *   beta · KL(N(μ, σ²) || N(0, 1)); beta grows from 0 over the first `warmup` of the samples (Bowman et al.
 *   2016)
 * Windows start at any time of walking motions and of their blends. For generalisation to other clips, some
 * are mixed with another loop at equal phase, or given another body's size, lean and pace. Two fifths of the
 * windows are pairs a, b that start at the same phase of two gaits, mostly at the strike; (1-w) z_a + w z_b
 * must decode to the blend of the two motions. So latents of windows that start at a strike can be mixed, and
 * the mixture is a gait. */
#ifndef AMI_LEARN_FIT_H
#define AMI_LEARN_FIT_H

#include "base/checkpoint.h"
#include "learn/exchange.h"
#include "learn/fit_data.h"
#include "learn/settings.h"
#include "nets/net.h"

typedef enum ami_fit_what { AMI_FIT_PHASE, AMI_FIT_STYLE } ami_fit_what;

/* SETTING(name, kind, for phase, for style, smallest, largest, help). kind: int or real. */
#define AMI_FIT_SETTINGS(SETTING)                                                                       \
    SETTING(seed, int, 1, 1, 0, 9e15, "seed of everything random")                                      \
    SETTING(samples, int, 4e6, 1.3e6, 1, 1e12,                                                          \
            "frames or windows to learn from; the learning rate falls over these")                      \
    SETTING(batch, int, 512, 128, 8, 65536, "frames or windows in a step")                              \
    SETTING(shard, int, 128, 128, 1, 65536, "of these, how many are never divided over processes")      \
    SETTING(rate, real, 1e-3, 8e-4, 1e-9, 1, "first learning rate; it falls to a hundredth (cosine)")   \
    SETTING(gradient_norm, real, 1, 5, 0, 1e9, "max norm of each network's gradient; 0: no limit")      \
    SETTING(noise, real, .03, 0, 0, .2, "m, phase: max noise of the points")                            \
    SETTING(beta, real, 0, .02, 0, 1e3, "style: weight of the KL divergence")                           \
    SETTING(warmup, real, 0, .3, 0, 1, "style: fraction of the samples over which beta grows")          \
    SETTING(bf16, int, 0, -1, -1, 1, "1: bf16 matrix products, 0: fp32, -1: bf16 where the CPU has it") \
    SETTING(gradients_bf16, int, 0, 0, 0, 1,                                                            \
            "1: gradients are rounded to bf16 and sent so between processes, 0: fp32")

typedef struct ami_fit_settings {
#define SETTING(name, kind, phase, style, lo, hi, help) double name;
    AMI_FIT_SETTINGS(SETTING)
#undef SETTING
} ami_fit_settings;

enum {
    AMI_FIT_SETTING_COUNT = 0
#define SETTING(name, kind, phase, style, lo, hi, help) +1
    AMI_FIT_SETTINGS(SETTING)
#undef SETTING
};
/* By ami_fit_what, in the order of the struct: setting i is ((double *)settings)[i]. */
extern const ami_setting ami_fit_setting_list[2][AMI_FIT_SETTING_COUNT];

ami_fit_settings ami_fit_settings_default(ami_fit_what what);

enum { AMI_FIT_TERMS = 8, AMI_FIT_NETS = 2 };
extern const char *const ami_fit_term[2][AMI_FIT_TERMS]; /* names of the terms; NULL after the last */
/* "deepphase"; "stylevae_encoder", "stylevae_decoder" */
extern const char *const ami_fit_net_name[2][AMI_FIT_NETS];

typedef struct ami_fit_stats { /* means over the steps of one call */
    int64_t samples;           /* so far */
    double loss, rate;
    double term[AMI_FIT_TERMS]; /* phase: errors of x and y; style: the parts of the loss */
    double gradient;            /* norm before clipping, max over the networks */
    int64_t skipped;            /* steps without a finite gradient, so far */
} ami_fit_stats;

typedef struct ami_fit ami_fit;

/* The data must outlive the fit. NULL and a sentence if the data has no suitable motion, the CPU has no bf16,
 * or memory is short. */
ami_fit *ami_fit_create(ami_fit_what what, const ami_fit_settings *settings, const ami_fit_data *data,
                        ami_error *err);
void ami_fit_destroy(ami_fit *fit);

/* Collective (learn/exchange.h): one fit by all ranks, each of which draws and learns from some of every batch; results are
 * those of one process. Functions marked Collective must then be called by all ranks. NULL and a sentence if there are
 * fewer shards than ranks. */
ami_fit *ami_fit_create_ranks(ami_fit_what what, const ami_fit_settings *settings, const ami_fit_data *data,
                              ami_exchange *exchange, ami_error *err);

/* Collective. `steps` steps, or fewer if settings->samples is reached (but at least one). Uses the current OpenMP
 * team. */
void ami_fit_run(ami_fit *fit, int steps, ami_fit_stats *stats);

/* True and a sentence if a matrix product has failed (memory; after ami_fit_run in any rank) or the exchange: that step and
 * later ones were not applied. */
bool ami_fit_failed(const ami_fit *fit, ami_error *err);

int64_t ami_fit_samples(const ami_fit *fit);
bool ami_fit_uses_bf16(const ami_fit *fit);

/* The current network `which` with normaliser, shapes and metadata; NULL if memory is short. */
ami_net *ami_fit_export(const ami_fit *fit, int which, ami_error *err);

bool ami_fit_save(const ami_fit *fit, const char *path, ami_error *err);

/* Reads a checkpoint's kind, phase or style, and its settings. */
bool ami_fit_read_settings(const ami_checkpoint *checkpoint, ami_fit_what *what, ami_fit_settings *settings,
                           ami_error *err);

/* Continues from a checkpoint with the same settings and clips. On error the fit must be destroyed. */
bool ami_fit_load(ami_fit *fit, const ami_checkpoint *checkpoint, ami_error *err);

#endif
