/* The inside of a model, for the files that run it: model.c on one thread, bench/team.c on several. */
#ifndef AMI_NETS_MODEL_LAYERS_H
#define AMI_NETS_MODEL_LAYERS_H

#include "nets/model.h"

struct ami_model {
    const ami_kernel *kernel[AMI_NET_MAX_LAYERS];
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
    char precisions[AMI_MODEL_PRECISIONS];
    char *block; /* 64-byte aligned */
};

/* A model packed for these kernels, one a layer. */
ami_model *ami_model_pack(const ami_net *net, const ami_kernel *const *kernel, ami_error *err);

/* A model of these kernels whose layers are not packed yet (layer[], packed[] and bytes are the caller's);
 * the normaliser is. For measuring: `row_cells` of the workspace at least. */
ami_model *ami_model_shell(const ami_net *net, const ami_kernel *const *kernel, size_t row_cells,
                           ami_error *err);

/* "int8 int8u int16", or "int8" where all are the same. */
void ami_model_write_precisions(const ami_kernel *const *kernel, int layers, char text[AMI_MODEL_PRECISIONS]);

/* AUTO (nets/model_auto.c): measures, and packs what is fastest within the limit. */
ami_model *ami_model_choose(const ami_net *net, const ami_model_def *def, ami_error *err);

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
