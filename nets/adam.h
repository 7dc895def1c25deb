/* Adam (Kingma & Ba 2015, with bias correction), one fused pass over parameters, gradient and both moments,
 * after clipping the gradient's Euclidean norm. Same bits for any number of threads. */
#ifndef AMI_NETS_ADAM_H
#define AMI_NETS_ADAM_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct ami_adam {
    size_t size;
    int64_t step;       /* updates done */
    float beta1, beta2; /* .9, .999 */
    float epsilon;      /* 1e-8, added to sqrt(v_hat) */
    float *m, *v;       /* (size) first and second moment */
    double *partial;    /* scratch for the norm's fixed-order sum */
} ami_adam;

bool ami_adam_init(ami_adam *adam, size_t size, ami_error *err);
void ami_adam_free(ami_adam *adam);

/* TEAM (see train_net.h). parameters -= lr · m_hat / (sqrt(v_hat) + epsilon), with the gradient scaled by
 * min(1, max_norm / |gradient|) (max_norm ≤ 0: not clipped). A non-finite norm changes nothing at all,
 * moments and step included. Returns the norm before clipping, the same on every thread. Ends with a barrier;
 * `step` is up to date behind the next one. */
float ami_adam_update(ami_adam *adam, float *parameters, const float *gradient, float lr, float max_norm);

/* ---- The same update in pieces ----
 *
 * For a caller that shares out several updates at once. A piece is done by one thread, any thread. In this
 * order, with a barrier between one line and the next:
 *   ami_adam_square  every piece
 *   ami_adam_plan    any number of times: by each thread for itself, or by one; then ami_adam_apply, every
 *                    piece
 *   ami_adam_finish  once */

typedef struct ami_adam_factors {
    float norm;         /* of the gradient before clipping; where it is not finite, apply and finish do
                           nothing */
    float scale;        /* of the gradient: the clipping */
    float beta1, beta2; /* decay of the moments */
    float gain1, gain2; /* 1 - beta */
    float rate;         /* lr / (1 - beta1^t) */
    float root;         /* 1 / sqrt(1 - beta2^t) */
    float epsilon;
} ami_adam_factors;

size_t ami_adam_pieces(const ami_adam *adam);
/* its parameters: from *first on, as many as it returns */
size_t ami_adam_piece(const ami_adam *adam, size_t piece, size_t *first);
void ami_adam_square(ami_adam *adam, const float *gradient, size_t piece);
ami_adam_factors ami_adam_plan(const ami_adam *adam, float lr, float max_norm);
void ami_adam_apply(ami_adam *adam, float *parameters, const float *gradient, const ami_adam_factors *factors,
                    size_t piece);
void ami_adam_finish(ami_adam *adam, const ami_adam_factors *factors);

#endif
