/* The inside of a model, for the files that run it: model.c on one thread, bench/team.c on several. */
#ifndef AMI_NETS_MODEL_LAYERS_H
#define AMI_NETS_MODEL_LAYERS_H

#include "nets/model.h"

struct ami_model {
    const ami_kernel *kernel;
    int layers;
    int dim[AMI_NET_MAX_LAYERS + 1];
    ami_layer layer[AMI_NET_MAX_LAYERS];
    void *packed[AMI_NET_MAX_LAYERS]; /* what layer[l] points into, writable; all in `block` */
    float *mean;                      /* (dim[0]) */
    float *inv_std;                   /* (dim[0]) 1 / in_std */
    float clip;                       /* infinity: no clamp */
    bool normalized;                  /* whether the net has a normaliser */
    int chunk;                        /* rows that go through the network together */
    size_t stride;                    /* floats from row to row in the workspace */
    size_t row_cells;                 /* of the widest layer's prepared rows */
    size_t bytes;                     /* of weights, biases and scales */
    ami_model_report report;
    char *block; /* 64-byte aligned */
};

/* A workspace's parts, for `rows` rows. */
typedef struct ami_model_buffers {
    float *activation[2]; /* (rows, stride) */
    void *prepared;       /* (rows, row_cells) */
    float *scale;         /* (rows) */
} ami_model_buffers;

/* Cuts a workspace made for so many rows into its parts. */
ami_model_buffers ami_model_cut_workspace(const ami_model *model, void *workspace, int rows);

/* n rows of the model's input, normalised, to out (n, stride). Only where model->normalized. */
void ami_model_normalize(const ami_model *model, const float *in, int n, float *out);

/* Outputs first .. end - 1 of layer l, for n rows: prepares the rows and runs the kernel. */
void ami_model_layer(const ami_model *model, int l, int first, int end, const ami_model_buffers *buffers,
                     const float *x, size_t x_stride, int n, float *y, size_t y_stride);

#endif
