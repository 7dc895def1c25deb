/* Adam (Kingma & Ba 2015, with bias correction), one fused pass over parameters, gradient and both moments, after clipping the gradient's
 * Euclidean norm. Same bits for any number of threads. */
#ifndef AMB_NETS_ADAM_H
#define AMB_NETS_ADAM_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

typedef struct amb_adam {
    size_t size;
    int64_t step;       /* updates done */
    float beta1, beta2; /* .9, .999 */
    float epsilon;      /* 1e-8, added to sqrt(v_hat) */
    float *m, *v;       /* (size) first and second moment */
    double *partial;    /* scratch for the norm's fixed-order sum */
} amb_adam;

bool amb_adam_init(amb_adam *adam, size_t size, amb_error *err);
void amb_adam_free(amb_adam *adam);

/* TEAM (see train_net.h). parameters -= lr · m_hat / (sqrt(v_hat) + epsilon), with the gradient scaled by min(1, max_norm / |gradient|)
 * (max_norm ≤ 0: not clipped). A non-finite norm changes nothing at all, moments and step included. Returns the norm before clipping, the
 * same on every thread. Ends with a barrier. */
float amb_adam_update(amb_adam *adam, float *parameters, const float *gradient, float lr, float max_norm);

#endif
