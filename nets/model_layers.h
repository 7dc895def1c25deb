/* The inside of a model, for the files that run it: model.c on one thread, bench/team.c on several. */
#ifndef AMB_NETS_MODEL_LAYERS_H
#define AMB_NETS_MODEL_LAYERS_H

#include "nets/model.h"

struct amb_model {
    const amb_kernel *kernel;
    int layers;
    int dim[AMB_NET_MAX_LAYERS + 1];
    amb_layer layer[AMB_NET_MAX_LAYERS];
    void *packed[AMB_NET_MAX_LAYERS]; /* what layer[l] points into, writable; all in `block` */
    float *mean;                      /* (dim[0]) */
    float *inv_std;                   /* (dim[0]) 1 / in_std */
    float clip;                       /* infinity: no clamp */
    bool normalized;                  /* whether the net has a normaliser */
    int chunk;                        /* rows that go through the network together */
    size_t stride;                    /* floats from row to row in the workspace */
    size_t row_cells;                 /* of the widest layer's prepared rows */
    size_t bytes;                     /* of weights, biases and scales */
    amb_model_report report;
    char *block; /* 64-byte aligned */
};

/* A workspace's parts, for `rows` rows. */
typedef struct amb_model_buffers {
    float *activation[2]; /* (rows, stride) */
    void *prepared;       /* (rows, row_cells) */
    float *scale;         /* (rows) */
} amb_model_buffers;

/* Cuts a workspace made for so many rows into its parts. */
amb_model_buffers amb_model_cut_workspace(const amb_model *model, void *workspace, int rows);

/* n rows of the model's input, normalised, to out (n, stride). Only where model->normalized. */
void amb_model_normalize(const amb_model *model, const float *in, int n, float *out);

/* Outputs first .. end - 1 of layer l, for n rows: prepares the rows and runs the kernel. */
void amb_model_layer(const amb_model *model, int l, int first, int end, const amb_model_buffers *buffers,
                     const float *x, size_t x_stride, int n, float *y, size_t y_stride);

#endif
