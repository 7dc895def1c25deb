/* A feed-forward network as plain data: what a model file holds and what training produces, before any kernel
 * has packed it.
 *
 *   x' = clamp((x - in_mean) / in_std, -in_clip, in_clip) (only where in_mean is set; the clamp only where
 *   in_clip > 0)
 *   h_{l+1} = act_l(weight_l h_l + bias_l),   l = 0 .. layers-1
 *
 * Several heads (a VAE's mean and log-variance) are linear maps of the same last hidden layer: here they are
 * one last layer with their outputs side by side; `head` has the width of each. A row of the file's input
 * or output may have more than one dimension (60 × 73); here it is flat, and in_shape and head.shape
 * remember.
 *
 * This file does no arithmetic on it and does not read files (nets/onnx/onnx.h does). */
#ifndef AMI_NETS_NET_H
#define AMI_NETS_NET_H

#include "base/error.h"

#include <stddef.h>

enum { AMI_NET_MAX_LAYERS = 16, AMI_NET_MAX_DIM = 65536 };

enum { AMI_NET_MAX_HEADS = 8, AMI_NET_MAX_RANK = 3, AMI_NET_ROUNDINGS = 4 };

/* With the layer's act_alpha as α. ReLU: v < 0 ? 0 : v. Leaky ReLU: v < 0 ? α v : v. ELU (Clevert et al.
 * 2016): v < 0 ? α (e^v - 1) : v. Sigmoid: 1 / (1 + e^-v). NaN stays NaN in each. */
typedef enum ami_activation {
    AMI_ACT_IDENTITY,
    AMI_ACT_RELU,
    AMI_ACT_LEAKY_RELU,
    AMI_ACT_ELU,
    AMI_ACT_TANH,
    AMI_ACT_SIGMOID,
    AMI_ACTIVATIONS
} ami_activation;

/* What one row is shaped like in the file, the batch dimension left out: rank 1 (features) or more. */
typedef struct ami_net_shape {
    int rank; /* 1 .. AMI_NET_MAX_RANK */
    int dim[AMI_NET_MAX_RANK];
} ami_net_shape;

typedef struct ami_net_head {
    char *name; /* the output's name in the file; NULL: none given */
    int outputs;
    ami_net_shape shape; /* its dimensions' product is `outputs` */
    int type;            /* in the file, an ONNX data type number; 0: float32 */
} ami_net_head;

typedef struct ami_meta {
    char *key;
    char *value;
} ami_meta;

typedef struct ami_net {
    int layers;                             /* 1 .. AMI_NET_MAX_LAYERS */
    int dim[AMI_NET_MAX_LAYERS + 1];        /* dim[0] inputs, dim[layers] outputs */
    ami_activation act[AMI_NET_MAX_LAYERS]; /* after layer l; none after the last where there are several
                                               heads */
    float act_alpha[AMI_NET_MAX_LAYERS];    /* ELU's and leaky ReLU's α */
    float *weight[AMI_NET_MAX_LAYERS];      /* (dim[l+1], dim[l]) row-major, as PyTorch's Linear.weight */
    float *bias[AMI_NET_MAX_LAYERS];        /* (dim[l+1]) */
    float *unit[AMI_NET_MAX_LAYERS];        /* (dim[l+1]) or NULL: the weights were stored as int8, whole
                                               multiples of one number an output; see ami_net_units */
    float *in_mean;                         /* (dim[0]) or NULL: no normalisation */
    float *in_std;                          /* (dim[0]), > 0; NULL where in_mean is */
    float in_clip;                          /* in units of in_std; 0: no clamp */
    char *in_name;                          /* the input's name in the file; NULL: none given */
    ami_net_shape in_shape;                 /* its dimensions' product is dim[0] */
    int in_type;                            /* in the file, an ONNX data type number; 0: float32. The net
                                               computes in float32 whatever it is */
    int heads;                              /* 1 .. AMI_NET_MAX_HEADS; their outputs' sum is dim[layers] */
    ami_net_head head[AMI_NET_MAX_HEADS];
    int calibration_rows; /* observations to measure a precision on; 0: none */
    float *calibration;   /* (calibration_rows, dim[0]), as the network is given them; NULL without */
    double rounding_mse[AMI_NET_ROUNDINGS]; /* where weights were rounded when the file was written: the mean
                                               squared error that this made on the file's calibration rows,
                                               N(0,1) through the normaliser, zeros, single inputs at their
                                               limits (the first laws of nets/model.h); else 0 */
    int metas; /* key/value texts that travel in the ONNX file (metadata_props) */
    ami_meta *meta;
} ami_net;

/* All weights and biases allocated and zero; hidden layers ReLU, the last one linear; flat shapes, one
 * nameless head, no normaliser, no metadata. `dim` has layers + 1 entries. NULL and a sentence when a
 * dimension is out of range or memory is short. */
ami_net *ami_net_create(int layers, const int *dim, ami_error *err);
void ami_net_destroy(ami_net *net); /* NULL is fine */

/* Frees weights, biases and normaliser and keeps the rest: for a caller that has packed the net
 * (nets/model.h) and still needs its names, shapes and metadata. The net is then good for reading these and
 * for ami_net_destroy. */
void ami_net_drop_weights(ami_net *net);

/* Allocates in_mean (0) and in_std (1) if they are not there. False, and nothing changed, when memory is
 * short. */
AMI_MUST_CHECK bool ami_net_add_normalizer(ami_net *net);

/* A layer's units where each of its weights is (float)(q · unit) with a whole |q| ≤ 127 (checked: training or
 * averaging may have changed them since); NULL where not. Such a layer can be packed as int8 or int16, and
 * written as int8, without an error. */
const float *ami_net_units(const ami_net *net, int layer);

/* Replaces the calibration rows by a copy of `rows` rows (rows, dim[0]); none: rows 0. False, and nothing
 * changed, when memory is short. */
AMI_MUST_CHECK bool ami_net_set_calibration(ami_net *net, const float *in, int rows);

/* Whether what layer l is given can never be negative: it comes out of a ReLU or a sigmoid. */
bool ami_net_non_negative(const ami_net *net, int layer);

/* Metadata: set replaces; get returns NULL where the key is absent. The net owns its copies. set: false,
 * and nothing changed, when memory is short. */
AMI_MUST_CHECK bool ami_net_set_meta(ami_net *net, const char *key, const char *value);
const char *ami_net_get_meta(const ami_net *net, const char *key);

/* Metadata as a number in [lo, hi]. Where the key is absent, true and *value as it was; false and a sentence
 * where its text is no such number. */
AMI_MUST_CHECK bool ami_net_get_number(const ami_net *net, const char *key, double lo, double hi,
                                       double *value, ami_error *err);

/* "relu", "leaky_relu", … */
const char *ami_activation_name(ami_activation act);

/* act(v), in double precision. */
double ami_activation_of(ami_activation act, double alpha, double v);

/* Number of weights and biases, normaliser not counted. */
size_t ami_net_parameters(const ami_net *net);

/* Forgets what is known of how the weights were rounded: for who changes them. */
void ami_net_forget_units(ami_net *net);

/* All parameters as one block, layer by layer: weight_0, bias_0, weight_1, … (the layout training uses). */
void ami_net_get_parameters(const ami_net *net, float *block);
void ami_net_set_parameters(ami_net *net, const float *block);

#endif
