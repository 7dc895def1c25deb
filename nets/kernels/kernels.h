/* Kernels: one layer of a network, out = act(W x + b), for some rows on the caller's thread, in one of four
 * precisions.
 *
 * One kernel per precision and instruction set (kernel_*.c, each the only file compiled for it) beside a
 * plain C reference with the same signature; all are listed once, in kernels.inc. Which one runs is chosen
 * when a network is packed, by what the CPU and the operating system support.
 *
 * What each precision computes. A row's result depends on that row alone, bit for bit, not on its batch.
 *   fp32   b + Σ w x, each product fused into an fp32 sum. Layers of more than AMI_FEW outputs sum in the
 *          inputs' order, one sum an output. All fusing kernels agree to the bit before the activation.
 *   bf16   weights and activations rounded to bfloat16 (nearest, ties to even), products and sums in fp32, in
 *          pairs of inputs; the order within a pair is the instruction's. Numbers below 2^-126 may count as
 *          zero.
 *   int16  weights as integers of at most ±8191 with one scale an output, activations of at most ±8191 with
 *          one scale a row (its largest value); sums exact in int32 over a window of inputs short enough
 *          never to overflow, windows added in fp32.
 *   int8   weights as integers of at most ±127 with one scale an output, activations of at most ±32767 with
 *          one scale a row, as two planes of bytes (two vpdpbusd), so that only the weights are coarse; sums
 *          exact in int32.
 *   int8u  int8 whose activations are one plane of bytes, 0 to 255, with one scale a row: for layers whose
 *          inputs are never negative, as behind a ReLU. Half the products of int8, activations of 8 bits. Not
 *          a precision of its own (AMI_PRECISION_INT8): forced, int8 means two planes.
 *
 * A NaN anywhere in a row's input makes all that row's outputs NaN, in every precision. Infinities: fp32 and
 * bf16 follow IEEE 754; the integers cannot hold them, there a row with one gives NaN. A row whose values are
 * all below 2^-100 counts as zero with integers. ReLU is v < 0 ? 0 : v, so NaN stays NaN and -0 stays -0.
 *
 * Kernels start no threads, allocate nothing, and do not multiply matrices for training (nets/train_net.h
 * does). */
#ifndef AMI_NETS_KERNELS_KERNELS_H
#define AMI_NETS_KERNELS_KERNELS_H

#include "base/error.h"
#include "nets/net.h"

#include <stddef.h>
#include <stdint.h>

/* What weights and activations are multiplied as. */
typedef enum ami_precision {
    AMI_PRECISION_FP32,
    AMI_PRECISION_BF16,
    AMI_PRECISION_INT16,
    AMI_PRECISION_INT8,
    AMI_PRECISIONS,
    AMI_PRECISION_AUTO = AMI_PRECISIONS /* nets/model.h chooses */
} ami_precision;

/* "fp32", "bf16", "int16", "int8", "auto". */
const char *ami_precision_name(ami_precision precision);

/* The other way round; false for other names. */
bool ami_precision_by_name(const char *name, ami_precision *precision);

enum {
    AMI_INT16_MAX = 8191,            /* of weights and activations */
    AMI_INT8_MAX = 127,              /* of weights */
    AMI_INT8_ACTIVATION_MAX = 32767, /* stored + 32768, in two bytes */
    AMI_INT8U_ACTIVATION_MAX = 255,  /* one plane */
    AMI_DOT = 4,                     /* layers of at most so many outputs are packed and summed along the
                                        inputs */
    AMI_FEW = 64,                    /* and of at most so many in CHAINS sums an output, so that no sum waits
                                        for itself */
    AMI_CHAINS = 4,
    AMI_LINE_CELLS = 16 /* cells in a cache line */
};

/* A layer as a kernel reads it.
 *
 * Weights are packed in cells of 32 bits: 1 input in fp32, 2 in bf16 and int16, 4 in int8; the inputs make
 * `groups` cells, missing ones are zero. The outputs are cut into panels of `panel` outputs; the last one is
 * as wide as the outputs left, rounded up to `lanes`. A panel is (groups, width) cells, row-major, panels
 * follow each other without a gap, padding outputs have zero weights and biases. So a forward pass reads the
 * weights once, front to back. Layers of at most AMI_DOT outputs are (outputs, groups rounded up to a line's)
 * instead. */
typedef struct ami_layer {
    int inputs;
    int outputs;
    ami_activation act;
    float alpha;           /* of act */
    int window;            /* int16: groups that can be summed without overflow; in the others all */
    const void *weight;    /* packed by ami_kernel_pack, as all below; 64-byte aligned */
    const float *bias;     /* (padded outputs) */
    const float *scale;    /* integers: (padded outputs) what one unit of weight is worth; NULL in the
                              others */
    const int32_t *offset; /* int8 of two planes: (padded outputs) -128 Σ w, what the upper plane's sum starts
                              from; NULL in the others */
} ami_layer;

/* n rows of activations as a kernel reads them. */
typedef struct ami_rows {
    const void *cell;   /* fp32: the floats themselves, any alignment; else prepared rows */
    size_t stride;      /* cells (4 bytes) from row to row */
    const float *scale; /* integers: (n) what one unit of activation is worth, NaN for a row that is not
                           finite; else unused */
} ami_rows;

/* Rounds n rows of x to the kernel's format: (n, ami_kernel_row_cells) cells at `cell`, 64-byte aligned, and
 * (n) scales. */
typedef void ami_prepare_function(int inputs, const float *x, size_t x_stride, int n, void *cell,
                                  float *scale);

/* y[r][o] = act(W x[r] + b)[o] for n ≥ 1 rows and first ≤ o < end; first is a multiple of the panel, so is
 * end unless it is `outputs`. Row r of y starts at y + r · y_stride (in floats, ≥ outputs), output o at + o
 * whatever `first`; any alignment; y must not overlap x. Writes exactly end - first floats of each row. */
typedef void ami_layer_function(const ami_layer *layer, int first, int end, const ami_rows *x, int n,
                                float *y, size_t y_stride);

typedef struct ami_kernel {
    const char *name;
    ami_precision precision;
    bool one_plane; /* int8u: no input may be negative (NaN and infinities may come) */
    const char *isa;
    int lanes;
    int panel;
    ami_prepare_function *prepare; /* NULL: rows are read as they are (fp32) */
    ami_layer_function *layer;
} ami_kernel;

/* Before a loop with few, constant rounds: unrolled whole, so that an array indexed by its variable lives in
 * registers. */
#if defined(__clang__)
#define AMI_UNROLL _Pragma("clang loop unroll(full)")
#else
#define AMI_UNROLL _Pragma("GCC unroll 16")
#endif

/* Declarations and layout constants, for the kernels' own files: ami_layer_ref, AMI_LANES_ref, AMI_PANEL_ref,
 * … */
#define AMI_KERNEL(name, precision, isa, lanes, panel, runs_here) \
    ami_layer_function ami_layer_##name;                          \
    ami_prepare_function ami_prepare_##name; /* none in fp32 */   \
    enum { AMI_LANES_##name = lanes, AMI_PANEL_##name = panel };
#include "nets/kernels/kernels.inc"
#undef AMI_KERNEL

/* The kernels this CPU runs, in the list's order: index 0 (always the fp32 reference) .. ami_kernel_count() -
 * 1. */
int ami_kernel_count(void);
const ami_kernel *ami_kernel_at(int index);

/* By name. NULL and a sentence where no kernel has that name, or this CPU does not run it. */
const ami_kernel *ami_kernel_by_name(const char *name, ami_error *err);

/* The fastest kernel of a precision (not AUTO) here. Never NULL: each has its reference. int8: of two
 * planes. */
const ami_kernel *ami_kernel_best(ami_precision precision);

/* The fastest int8 kernel of one plane, and the one of two planes that goes with a kernel where inputs may be
 * negative: the kernel itself, unless it is of one plane. */
const ami_kernel *ami_kernel_best_one_plane(void);
const ami_kernel *ami_kernel_of_two_planes(const ami_kernel *kernel);

/* Whether a precision has a kernel here that is more than its reference. */
bool ami_kernel_is_fast(ami_precision precision);

/* The kernel the environment variable AMB_KERNEL names; NULL without it (or with it empty). False and a
 * sentence where it names no kernel, or one this CPU does not run. */
bool ami_kernel_from_environment(const ami_kernel **kernel, ami_error *err);

/* Outputs rounded up to the kernel's lanes. */
size_t ami_kernel_padded_outputs(const ami_kernel *kernel, int outputs);

/* Inputs of one cell, and cells that so many inputs make. */
int ami_precision_cell_inputs(ami_precision precision);
size_t ami_kernel_groups(const ami_kernel *kernel, int inputs);

/* Cells of one prepared row: a multiple of 16; 0 in fp32, which prepares none. */
size_t ami_kernel_row_cells(const ami_kernel *kernel, int inputs);

/* Cells of the packed weights, and bytes of the whole packed layer: weights, biases, scales, offsets; a
 * multiple of 64. */
size_t ami_kernel_weight_cells(const ami_kernel *kernel, int inputs, int outputs);
size_t ami_kernel_layer_size(const ami_kernel *kernel, int inputs, int outputs);

/* Packs weight (outputs, inputs) row-major and bias (outputs) for the kernel into block
 * (ami_kernel_layer_size bytes, 64-byte aligned). The layer points into it. unit (outputs): what one unit of
 * each output's weight is worth with integers, where the weights are whole multiples of it already, ±127 at
 * most (net->unit): they are packed without an error; NULL: chosen from the largest weight. */
ami_layer ami_kernel_pack(const ami_kernel *kernel, int inputs, int outputs, const float *weight,
                          const float *bias, const float *unit, void *block);

/* act over a block of sums, in place: what the kernels of an instruction set share for the activations that
 * are not done in registers. */
typedef void ami_activate_function(ami_activation act, float alpha, float *y, size_t y_stride, int rows,
                                   int width);
ami_activate_function ami_activate_ref;
#if defined(__x86_64__)
ami_activate_function ami_activate_avx2;
ami_activate_function ami_activate_avx512;
#endif

#endif
