/* Kernels: one layer of a network, out = act(W x + b) in fp32, for a few rows on the caller's thread.
 *
 * One kernel per instruction set (kernel_*.c, each the only file compiled for it) beside a plain C reference with the same signature; all
 * are listed once, in kernels.inc. Which one runs is chosen when a network is packed, by what the CPU and the operating system support.
 *
 * Arithmetic every kernel keeps to: an output is bias + w[0] x[0] + w[1] x[1] + …, summed in this order in one fp32 accumulator (the vector
 * kernels fuse each multiply and add, the reference rounds twice), whatever the number of rows. So a row's bits do not depend on
 * its batch, and all fusing kernels agree to the bit. ReLU is v < 0 ? 0 : v, so NaN stays NaN and -0 stays -0; a NaN anywhere in a row's
 * input makes all that row's outputs NaN.
 *
 * This room does not thread, does not allocate, and does not do matrices by matrices for training (nets/train_net.h does). */
#ifndef AMB_NETS_KERNELS_H
#define AMB_NETS_KERNELS_H

#include "base/error.h"
#include "nets/net.h"

#include <stddef.h>

/* What weights and activations are multiplied as. Sums are fp32 or exact integers in every one of them. */
typedef enum amb_precision {
    AMB_PRECISION_FP32,
    AMB_PRECISION_BF16,
    AMB_PRECISION_INT16,
    AMB_PRECISION_INT8,
    AMB_PRECISIONS,
    AMB_PRECISION_AUTO = AMB_PRECISIONS /* nets/model.h chooses */
} amb_precision;

/* "fp32", "bf16", "int16", "int8", "auto". */
const char *amb_precision_name(amb_precision precision);

/* The other way round; false for other names. */
bool amb_precision_by_name(const char *name, amb_precision *precision);

/* A layer as a kernel reads it.
 *
 * The outputs are cut into panels of `panel` outputs; the last one is as wide as the outputs left, rounded up to `lanes`. A panel is
 * (inputs, width) row-major, panels follow each other without a gap, padding outputs have zero weights and biases. So a forward pass reads
 * the weights once, front to back. */
typedef struct amb_layer {
    int inputs;
    int outputs;
    amb_activation act;
    const float *weight; /* (amb_kernel_weight_size) packed by amb_kernel_pack, 64-byte aligned */
    const float *bias;   /* (amb_kernel_padded_outputs), 64-byte aligned */
} amb_layer;

/* y[r] = act(W x[r] + b) for n ≥ 1 rows. Row r of x starts at x + r · x_stride, of y at y + r · y_stride (in floats; strides ≥ inputs and
 * outputs); any alignment; y must not overlap x. Writes exactly `outputs` floats of each row of y. */
typedef void amb_layer_function(const amb_layer *layer, const float *x, size_t x_stride, int n, float *y, size_t y_stride);

typedef struct amb_kernel {
    const char *name;
    int lanes;
    int panel;
    amb_layer_function *layer;
} amb_kernel;

/* Before a loop with few, constant rounds: unrolled whole, so that an array indexed by its variable lives in registers. */
#if defined(__clang__)
#define AMB_UNROLL _Pragma("clang loop unroll(full)")
#else
#define AMB_UNROLL _Pragma("GCC unroll 16")
#endif

/* Declarations and layout constants, for the kernels' own files: amb_layer_ref, AMB_LANES_ref, AMB_PANEL_ref, … */
#define AMB_KERNEL(name, lanes, panel, runs_here) \
    amb_layer_function amb_layer_##name;          \
    enum { AMB_LANES_##name = lanes, AMB_PANEL_##name = panel };
#include "nets/kernels.inc"
#undef AMB_KERNEL

/* The kernels this CPU runs, slowest first: index 0 (always the reference) .. amb_kernel_count() - 1. */
int amb_kernel_count(void);
const amb_kernel *amb_kernel_at(int index);

/* By name. NULL and a sentence where no kernel has that name, or this CPU does not run it. */
const amb_kernel *amb_kernel_by_name(const char *name, amb_error *err);

/* The kernel the environment variable AMB_KERNEL names; without it (or with it empty) the fastest one here. NULL and a sentence where it
 * names no kernel, or one this CPU does not run. */
const amb_kernel *amb_kernel_choose(amb_error *err);

/* The same, never NULL: where amb_kernel_choose would fail, the fastest one. */
const amb_kernel *amb_kernel_best(void);

/* Outputs rounded up to the kernel's lanes. */
size_t amb_kernel_padded_outputs(const amb_kernel *kernel, int outputs);

/* Floats in a packed weight matrix: padded outputs × inputs. */
size_t amb_kernel_weight_size(const amb_kernel *kernel, int inputs, int outputs);

/* Packs weight (outputs, inputs) row-major and bias (outputs) for the kernel. */
void amb_kernel_pack(const amb_kernel *kernel, int inputs, int outputs, const float *weight, const float *bias, float *packed_weight,
                     float *packed_bias);

#endif
