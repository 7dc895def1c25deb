/* The state of a fit. Private to fit.c, which runs and saves it, to fit_shards.c, which runs its networks, and to
 * fit_phase.c and fit_style.c, which draw samples and compute losses. */
#ifndef AMI_LEARN_FIT_STATE_H
#define AMI_LEARN_FIT_STATE_H

#include "learn/fit.h"
#include "learn/shards.h"
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
    int batch; /* rows of a step, of all ranks */
    int pairs; /* style: the last 2 · pairs rows are pairs to mix */
    int rows;  /* of the last network: batch + pairs */
    /* A shard has some of the single rows, some of the pairs and their mixtures. This rank's arrays hold its shards one behind
     * another; of a shard the single rows, the pairs' rows, the mixtures (which the last network sees alone): */
    ami_shards shards; /* an item is a shard */
    int own_rows;      /* of the last network, in this rank's arrays */
    ami_shard_sums sums[AMI_FIT_NETS];
    double *totals;    /* (own shards, 2 + AMI_FIT_TERMS) workspace */
    bool other_failed; /* memory was short in another rank */
    int nets;
    ami_train_net *net[AMI_FIT_NETS];
    ami_adam adam[AMI_FIT_NETS];
    struct {
        int64_t samples, skipped;
    } progress;
    float mean[AMI_PHASE_FEATURES], std[AMI_PHASE_FEATURES]; /* normaliser, from the data and the seed */
    float *x;               /* (own_rows, inputs) normalised; unused for mixtures */
    float *target;          /* (own_rows, outputs) */
    float *d[AMI_FIT_NETS]; /* (own_rows, outputs) derivative of the loss by each network's output */
    double *loss;           /* (own_rows, 1 + AMI_FIT_TERMS), per row so that the order of sums is fixed */
    /* style: */
    float *z, *noise;            /* (own_rows, 256) */
    float *weight;               /* (own_rows) of a mixture's row: weight of the pair's second row */
    float *y[AMI_FIT_NETS], *dz; /* (own_rows, outputs), (own_rows, 256) */
    double beta;                 /* current weight of the KL divergence */
};

/* An own shard's rows in the arrays. */
typedef struct fit_span {
    int first;         /* row */
    int single, pairs; /* their numbers */
    int batch;         /* single + 2 · pairs */
    int rows;          /* batch + pairs */
    int64_t sample,
        pair_sample; /* of the first single row and the first pair, counted over the whole batch */
} fit_span;
fit_span fit_shard(const ami_fit *fit, int own);

/* The same of any rank's shard; first: counted over all shards. */
fit_span fit_any_shard(const ami_fit *fit, int shard);

/* The own shard that row r belongs to. */
int fit_shard_of(const ami_fit *fit, int row);

/* TEAM. forward of network `net` on x (own_rows, inputs), the first `batch` rows of each shard or all of them; writes the
 * outputs to y (own_rows, outputs). Ends with a barrier. */
void fit_forward(ami_fit *fit, int net, const float *x, bool mixtures, float *y);

/* TEAM. The same rows' backward, from fit->d[net], and the sum of the gradient over all ranks. dx: NULL, or (own_rows, inputs)
 * gets the derivative by the input. Ends with a barrier. */
void fit_backward(ami_fit *fit, int net, bool mixtures, float *dx);

/* The dimensions of network `net`, (layers + 1). */
const int *fit_dims(const ami_fit *fit, int net, int *layers);

extern const int fit_phase_dim[5], fit_encoder_dim[4], fit_decoder_dim[4];

/* A random generator for one sample of one step. `lane`, 0 to 3: independent generators of the same
 * sample. */
static inline ami_rng fit_rng(const ami_fit *fit, int64_t sample, int lane)
{
    enum { LANES = 4 };
    return ami_rng_seed((uint64_t)fit->settings.seed, (uint64_t)sample * LANES + (uint64_t)lane);
}

/* Computes mean and standard deviation over FIT_NORMALISER_DRAWS drawn frames. */
void fit_phase_normaliser(ami_fit *fit);
void fit_style_normaliser(ami_fit *fit);

/* TEAM (nets/train_net.h). One step without Adam: draws rows, forward, loss, backward. */
void fit_phase_step(ami_fit *fit);
void fit_style_step(ami_fit *fit);

/* The loss of one decoded window and its derivative. y (60, 73) is normalised; term receives the 5 parts of
 * the loss. */
double fit_style_loss(const float *y, const float *target, const float *mean, const float *std, float *dy,
                      double term[AMI_FIT_TERMS]);

ami_net *fit_phase_export(const ami_fit *fit, ami_error *err);
ami_net *fit_style_export(const ami_fit *fit, int which, ami_error *err);

#endif
