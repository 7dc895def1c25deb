/* Inference: one interface for every network. A model is a network packed for one kernel and one precision;
 * running it takes 1 to any number of rows. No allocation, no thread, no lock and no I/O in a run.
 *
 * The model is const and shared by threads; each thread brings a workspace of its own. A row's result depends
 * on that row alone, bit for bit: not on the batch it came in, nor its place there, nor the threads
 * (bench/team.h). Results differ in the last bits between kernels and more between precisions.
 *
 * Precision. AUTO takes, at creation, the fastest precision whose mean squared error against double precision
 * stays below def.max_mse on def.calibration_rows inputs drawn from the network's own normaliser (mean,
 * standard deviation, clamped as in use; a standard normal distribution where there is none), with a margin
 * for what so few rows can say (4 × for one output and 16 rows, 1.5 × for 8 outputs or more); what it
 * measured can be asked for afterwards (ami_model_get_report). Fastest first is int8, int16, bf16, fp32: at
 * batch 1 a network is a stream of weights from the caches, so bytes count, and int16 is as fast as bf16 but
 * finer; with many rows int8 and int16 do the same number of products a cycle, and twice as many as fp32. A
 * precision without a kernel made for this CPU is left out, and fp32 is taken if nothing else will do. The
 * environment variable AMI_KERNEL, where it names a kernel (kernels.inc), overrides AUTO, and the choice of
 * kernel where its precision is the one that is forced. */
#ifndef AMI_NETS_MODEL_H
#define AMI_NETS_MODEL_H

#include "nets/kernels/kernels.h"
#include "nets/net.h"

#include <stdint.h>

typedef struct ami_model ami_model;

typedef struct ami_model_def {
    ami_precision precision;  /* AMI_PRECISION_AUTO, or one to force, whatever its error */
    const ami_kernel *kernel; /* NULL: the fastest of that precision here. Where set it decides the precision
                                 too. */
    double max_mse;           /* AUTO: limit on the mean squared error of the outputs */
    int calibration_rows;     /* AUTO: inputs drawn to measure it */
    uint64_t seed;            /* of these */
} ami_model_def;

/* AUTO, 1e-6, 16 rows. */
ami_model_def ami_model_default_def(void);

/* Reads an ONNX file (nets/onnx/onnx.h) and packs it. def NULL: the default. NULL and a sentence, beginning
 * with the path, on error. */
ami_model *ami_model_load(const char *path, const ami_model_def *def, ami_error *err);

/* Packs a copy of the net, normaliser included. */
ami_model *ami_model_create(const ami_net *net, const ami_model_def *def, ami_error *err);
void ami_model_destroy(ami_model *model); /* NULL is fine */

/* Takes new weights, biases and normaliser from a net of the same dimensions (asserted) without allocating
 * and without choosing anew: training repacks every iteration. */
void ami_model_repack(ami_model *model, const ami_net *net);

int ami_model_inputs(const ami_model *model);
int ami_model_outputs(const ami_model *model); /* of all heads together */
const char *ami_model_kernel_name(const ami_model *model);
ami_precision ami_model_precision(const ami_model *model);

/* What AUTO found: the precisions it tried, fastest first, and their mean squared errors (NaN or infinite if
 * an output was). The last one was taken. None where precision or kernel were forced. */
typedef struct ami_model_report {
    int tried; /* entries used */
    struct {
        ami_precision precision;
        double mse;
    } entry[AMI_PRECISIONS];
} ami_model_report;
void ami_model_get_report(const ami_model *model, ami_model_report *report);

/* The choice as one line, "int16 (avx512vnni), mean squared error 2.1e-09; int8 would have 3.4e-05", cut to
 * size: for a program's log. */
void ami_model_describe(const ami_model *model, char *text, size_t size);

/* Bytes of the packed weights: what a run reads. */
size_t ami_model_bytes(const ami_model *model);

/* Bytes of workspace for up to `rows` rows at once (any alignment of the pointer will do). */
size_t ami_model_workspace_size(const ami_model *model, int rows);

/* in (n, inputs) → out (n, outputs), row-major, any alignment, not overlapping. n ≥ 1, the workspace made for
 * ≥ n rows. Heads lie side by side in a row, in the order of net->head. */
void ami_model_run(const ami_model *model, void *workspace, const float *in, int n, float *out);

/* The same network in double precision with exact activations, slowly, on one thread: what every precision is
 * measured against. Allocates. False and a sentence when memory is short. */
bool ami_net_run_double(const ami_net *net, const float *in, int n, double *out, ami_error *err);

/* Draws n calibration inputs as AUTO does: in (n, inputs). */
void ami_net_calibration_inputs(const ami_net *net, uint64_t seed, int n, float *in);

#endif
