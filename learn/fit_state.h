/* What a fit consists of; shared by fit.c, which runs and saves it, and fit_phase.c and fit_style.c, which
 * know what is learned and call nothing of fit.c. Private to these. */
#ifndef AMI_LEARN_FIT_STATE_H
#define AMI_LEARN_FIT_STATE_H

#include "learn/fit.h"
#include "nets/adam.h"
#include "nets/deepphase.h"
#include "nets/stylevae.h"
#include "nets/train_net.h"

enum {
    FIT_WINDOW = AMI_STYLE_WINDOW,
    FIT_Z = AMI_STYLE_SIZE,
    FIT_NORMALISER_DRAWS = 8192,
};

struct ami_fit {
    ami_fit_what what;
    ami_fit_settings settings;
    const ami_fit_data *data;
    bool bf16;
    int batch; /* rows of a step */
    int pairs; /* style: of them, the last 2 · pairs are pairs to be mixed */
    int rows;  /* that the last network sees: batch + pairs */
    int nets;
    ami_train_net *net[AMI_FIT_NETS];
    ami_adam adam[AMI_FIT_NETS];
    struct {
        int64_t samples, skipped;
    } progress;
    float mean[AMI_PHASE_FEATURES], std[AMI_PHASE_FEATURES]; /* of a frame's numbers; made from the data and
                                                                the seed */
    float *x;                                                /* (batch, inputs) normalised */
    float *target;                                           /* (rows, outputs) */
    float *d[AMI_FIT_NETS];                                  /* derivative of the loss by each network's
                                                                output */
    double *loss;                                            /* (rows, 1 + AMI_FIT_TERMS) so that sums have
                                                                one order */
    /* style: */
    float *z, *noise; /* (rows, 256), (batch, 256) */
    float *share;     /* (pairs) weight of the pair's second */
    double beta;      /* now */
};

extern const int fit_phase_dim[5], fit_encoder_dim[4], fit_decoder_dim[4];

/* A generator of its own for every sample of every step. `lane`, 0 to 3, tells apart what is drawn for one
 * sample. */
static inline ami_rng fit_rng(const ami_fit *fit, int64_t sample, int lane)
{
    enum { LANES = 4 };
    return ami_rng_seed((uint64_t)fit->settings.seed, (uint64_t)sample * LANES + (uint64_t)lane);
}

/* Mean and deviation of the numbers of `n` drawn frames. */
void fit_phase_normaliser(ami_fit *fit);
void fit_style_normaliser(ami_fit *fit);

/* TEAM (nets/train_net.h). One step up to, not including, Adam: draws rows, forward, loss, backward. */
void fit_phase_step(ami_fit *fit);
void fit_style_step(ami_fit *fit);

/* The loss of one decoded window and its derivative. y (60, 73) is in normalised units; term gets the loss's
 * parts (5). */
double fit_style_loss(const float *y, const float *target, const float *mean, const float *std, float *dy,
                      double term[AMI_FIT_TERMS]);

ami_net *fit_phase_export(const ami_fit *fit, ami_error *err);
ami_net *fit_style_export(const ami_fit *fit, int which, ami_error *err);

#endif
