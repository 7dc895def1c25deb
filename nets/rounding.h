/* Rounds a network's weights to int8 so that its outputs stay where they are: each input's rounding error is
 * made up for by the weights of the inputs that are not rounded yet (Frantar et al. 2022, "GPTQ" and "Optimal
 * Brain Compression"). For files: what is stored is then packed without a further error (net->unit).
 *
 *   ami_rounding_def def = ami_rounding_default_def();
 *   def.rows = observations, def.row_count = 512;
 *   ami_rounding_report report;
 *   if (!ami_net_round(net, &def, &report, &err)) ...
 *
 * Layer by layer, with H the second moments of the layer's centred inputs: half the weight on the rows given,
 * half on rows drawn from the normaliser, a little on zeros and the normaliser's mean. H = L Lᵀ; the inputs
 * of the largest variance are rounded first, the error of each is spread over the others along its row of L
 * (nearest plane, which is GPTQ's order of operations); of several scales of an output the one with the
 * least remaining error eᵀ H e is taken; the bias makes up for the mean. Inputs are those of the network as
 * rounded so far.
 *
 * Layers whose rounding costs too much stay as they are: the error against the network as it was must stay
 * within parts of def.max_mse on each law that AUTO promises something about (nets/model.h), which leaves
 * a margin for rounding activations. Allocates and takes seconds (4380 × 512: about ten); for exporting, not
 * for loading. */
#ifndef AMI_NETS_ROUNDING_H
#define AMI_NETS_ROUNDING_H

#include "nets/model.h"

typedef struct ami_rounding_def {
    const float *rows; /* (row_count, inputs): observations, as the network is given them; NULL: none */
    int row_count;
    int drawn_rows; /* of N(0,1) through the normaliser; 0: eight times the widest layer, 2048 to 8192 */
    uint64_t seed;  /* of these */
    double max_mse; /* usually 1e-6 */
} ami_rounding_def;

/* No rows, 1e-6. */
ami_rounding_def ami_rounding_default_def(void);

typedef struct ami_rounding_report {
    bool rounded[AMI_NET_MAX_LAYERS]; /* layers whose weights are int8 now */
    double mse[AMI_LAWS];             /* against the network as it was; 0 where there are no rows */
    double limit[AMI_LAWS];
} ami_rounding_report;

/* Changes net->weight, bias and unit of the layers that it rounds, and net->rounding_mse; calibration rows
 * become those given. False and a sentence, the net as it was, when memory is short. */
AMI_MUST_CHECK bool ami_net_round(ami_net *net, const ami_rounding_def *def, ami_rounding_report *report,
                                  ami_error *err);

#endif
