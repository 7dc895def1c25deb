/* Inference: one interface for every network. A model is a network packed for one kernel and one precision;
 * running it takes 1 to any number of rows. No allocation, no thread, no lock and no I/O in a run.
 *
 * The model is const and shared by threads; each thread has its own workspace. A row's result depends
 * on that row alone, bit for bit: not on the batch it came in, nor its place there, nor the threads
 * (bench/team.h). Results differ in the last bits between kernels and more between precisions.
 *
 * Precision. Each layer has a kernel, and so a precision, of its own. AUTO takes, at creation, the fastest
 * combination whose mean squared error against double precision is within the limit (def.max_mse, usually
 * 1e-6) on each of these laws, which are the promise:
 *   calibration  real observations that the file carries (net->calibration): at most half the limit
 *   normal       N(0,1) through the normaliser (mean + std · N, clamped as in use; N(0,1) where
 *                there is none); at most half the limit where the file carries no observations
 *   zeros        all zeros, and the normaliser's mean
 *   limits       normal rows with a single input at the clamp, ± (5 standard deviations without one)
 *   given        rows of the caller's (def.rows), if there are any
 * with a margin for what few drawn rows can tell (1.3 × for 32 rows of 8 outputs or more). Where a file's
 * weights were rounded when it was written (net->rounding_mse), that error counts too.
 *
 * Fastest first a layer's precision is int8 with one plane of activations (int8u, where they cannot be
 * negative), int8, int16, bf16, fp32: at batch 1 a network is a stream of weights from the caches, so bytes
 * count, and int16 is as fast as bf16 but finer. A precision without a kernel made for this CPU is left out.
 * A forced precision or kernel is forced for all layers (int8u for those that can be; int8 for the others).
 * The environment variable AMB_KERNEL, where it names a kernel (kernels.inc), overrides AUTO, and the choice
 * of kernel where its precision is the one that is forced. */
#ifndef AMI_NETS_MODEL_H
#define AMI_NETS_MODEL_H

#include "nets/kernels/kernels.h"
#include "nets/net.h"

#include <stdint.h>

typedef struct ami_model ami_model;

/* Real rows of a network's input: what its precisions are chosen by. */
typedef struct ami_named_rows {
    const char *input; /* the input's name; NULL: the only one that takes rows of numbers */
    const float *rows; /* (count, width), finite */
    int count;
    size_t width;
} ami_named_rows;

typedef struct ami_model_def {
    ami_precision precision;  /* AMI_PRECISION_AUTO, or one to force, whatever its error */
    const ami_kernel *kernel; /* NULL: the fastest of that precision here. Where set it decides the precision
                                 too. */
    double max_mse;           /* AUTO: limit on the mean squared error of the outputs */
    int calibration_rows; /* AUTO: inputs drawn to measure it; 8 / outputs times as many below 8 outputs */
    uint64_t seed;        /* of these */
    const float *rows; /* AUTO: further rows that the limit must hold on, (row_count, inputs); NULL: none */
    int row_count;
    /* AUTO, for functions that read a file: observations in place of those that it carries; for a graph
     * (nets/graph/graph.h) of any of its inputs. */
    const ami_named_rows *observed;
    int observed_count;
} ami_model_def;

/* AUTO, 1e-6, 32 rows. */
ami_model_def ami_model_default_def(void);

/* Reads an ONNX file (nets/onnx/onnx.h) and packs it. def NULL: the default. NULL and a sentence, beginning
 * with the path, on error. */
ami_model *ami_model_load(const char *path, const ami_model_def *def, ami_error *err);

/* Gives the net the observations of def (which may be NULL), if it has any. False and a sentence where its
 * input has another name or size. */
AMI_MUST_CHECK bool ami_net_observe(ami_net *net, const ami_model_def *def, ami_error *err);

/* Packs a copy of the net, normaliser included. */
ami_model *ami_model_create(const ami_net *net, const ami_model_def *def, ami_error *err);
void ami_model_destroy(ami_model *model); /* NULL is fine */

/* Takes new weights, biases and normaliser from a net of the same dimensions (asserted) without allocating
 * and without choosing precisions again: training repacks every iteration. */
void ami_model_repack(ami_model *model, const ami_net *net);

int ami_model_inputs(const ami_model *model);
int ami_model_outputs(const ami_model *model); /* of all heads together */
const char *ami_model_kernel_name(const ami_model *model);
ami_precision ami_model_precision(const ami_model *model); /* of the layer with most weights, as the kernel */

/* The precision of each layer, "int8 int8u int16", or "int8" where all have the same. Lives as long as the
 * model. */
const char *ami_model_precisions(const ami_model *model);
int ami_model_layers(const ami_model *model);
const ami_kernel *ami_model_layer_kernel(const ami_model *model, int layer);

typedef enum ami_law {
    AMI_LAW_CALIBRATION,
    AMI_LAW_NORMAL,
    AMI_LAW_ZEROS,
    AMI_LAW_LIMITS,
    AMI_LAW_GIVEN,
    AMI_LAWS,
    /* not promised, but good to know */
    AMI_LAW_WIDE = AMI_LAWS, /* every input 3 standard deviations from its mean */
    AMI_LAW_RAW,             /* N(0,1) as it is, not through the normaliser */
    AMI_LAWS_ALL
} ami_law;
const char *ami_law_name(ami_law law); /* "calibration", … */

/* Draws n rows of a law that rows can be drawn of (not CALIBRATION, not GIVEN), as AUTO does: in (n,
 * inputs). */
void ami_net_law_inputs(const ami_net *net, ami_law law, uint64_t seed, int n, float *in);

enum { AMI_MODEL_PRECISIONS = 128, AMI_MODEL_TRIED = 12 };

/* What AUTO found: the combinations it measured, and their mean squared errors on each law (NaN or infinite
 * if an output was; 0 for a law without rows). The last one was taken. None where precision or kernel were
 * forced. */
typedef struct ami_model_report {
    int tried; /* entries used */
    struct {
        char precisions[AMI_MODEL_PRECISIONS];
        double mse; /* the largest of law[] */
        double law[AMI_LAWS];
    } entry[AMI_MODEL_TRIED];
    int rows[AMI_LAWS];     /* measured on */
    double limit[AMI_LAWS]; /* what law[] must not exceed */
} ami_model_report;
void ami_model_get_report(const ami_model *model, ami_model_report *report);

/* The choice as one line, "int8 int8u int16 (avx512vnni), mean squared error 2.1e-07; int8 int8u int8 would
 * have 3.4e-06", cut to size: for a program's log. */
void ami_model_describe(const ami_model *model, char *text, size_t size);

/* Bytes of the packed weights: what a run reads. */
size_t ami_model_bytes(const ami_model *model);

/* Bytes of workspace for up to `rows` rows at once (any alignment of the pointer will do). */
size_t ami_model_workspace_size(const ami_model *model, int rows);

/* in (n, inputs) → out (n, outputs), row-major, any alignment, not overlapping. n ≥ 1, the workspace made for
 * ≥ n rows. Heads lie side by side in a row, in the order of net->head. */
void ami_model_run(const ami_model *model, void *workspace, const float *in, int n, float *out);

/* The same for one row in parts, for a caller who must not spend the whole time at once: parts 0 to parts - 1
 * in this order, each about the same number of bytes of weights, with the same workspace (for one row, not
 * used otherwise meanwhile), in and out. Bit for bit what ami_model_run gives; `out` is complete after the
 * last. */
void ami_model_run_part(const ami_model *model, void *workspace, const float *in, int part, int parts,
                        float *out);

/* The same network in double precision with exact activations, slowly, on one thread: what every precision is
 * measured against. Allocates. False and a sentence when memory is short. */
bool ami_net_run_double(const ami_net *net, const float *in, int n, double *out, ami_error *err);

/* Draws n calibration inputs as AUTO does: in (n, inputs). */
void ami_net_calibration_inputs(const ami_net *net, uint64_t seed, int n, float *in);

#endif
