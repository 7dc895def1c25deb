/* Neural networks from ONNX files, run on the CPU.
 *
 *     amb_model *model;
 *     amb_model_load("policy.onnx", NULL, &model);
 *     void *workspace = malloc(amb_model_workspace_size(model, 1));
 *     float observation[48], action[12];
 *     const amb_tensor in = {"obs", observation, AMB_FLOAT32, 2, {1, 48}};
 *     amb_tensor out = {"actions", action, AMB_FLOAT32, 2, {1, 12}};
 *     amb_model_run(model, &in, 1, &out, 1, workspace);
 *
 * Supported: chains of dense layers, and any other small graph of the operators in docs/networks.md
 * (recurrent cells and LSTM or GRU with their state as inputs and outputs, convolutions, LayerNorm,
 * attention), with several inputs and outputs of their own types; operator set 7 and newer. What needs a
 * shape known only in a run, beyond the number of rows, is refused in a sentence that names the operator and
 * the node.
 *
 * Threads: a model is const after loading, any number of threads may run it at once, each with its own
 * workspace. A run allocates nothing, takes no lock, and makes no system call. */
#ifndef AMBLE_MODEL_H
#define AMBLE_MODEL_H

#include <amble/base.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct amb_model amb_model;

/* The number formats of weights. Narrower ones are faster: at batch 1 a network is a stream of weights. */
typedef enum amb_precision {
    AMB_PRECISION_AUTO = 0, /* the narrowest whose outputs stay within max_mse on random normal rows */
    AMB_PRECISION_FP32 = 1,
    AMB_PRECISION_BF16 = 2,
    AMB_PRECISION_INT16 = 3,
    AMB_PRECISION_INT8 = 4
} amb_precision;

/* Types of tensors, with ONNX's numbers (TensorProto.DataType). */
typedef enum amb_type {
    AMB_FLOAT32 = 1,
    AMB_INT32 = 6,
    AMB_INT64 = 7,
    AMB_BOOL = 9,
    AMB_FLOAT16 = 10,
    AMB_FLOAT64 = 11
} amb_type;

enum { AMB_MAX_RANK = 4 };

typedef struct amb_model_def {
    size_t size;
    amb_precision precision; /* AMB_PRECISION_AUTO */
    double max_mse;          /* 1e-6: largest mean squared error of the outputs that AUTO accepts, against
                                double precision, on standard normal rows behind the normaliser */
    int calibration_rows;    /* 16: rows that this is measured on */
} amb_model_def;

AMB_API void amb_model_def_init_size(amb_model_def *def, size_t size);
static inline void amb_model_def_init(amb_model_def *def)
{
    amb_model_def_init_size(def, sizeof *def);
}

/* Reads an ONNX file and packs it for this CPU. `path` is a file, or one of amble's own models by name
 * ("walk"). def NULL: the defaults. *model is the caller's to destroy. */
AMB_NODISCARD AMB_API amb_result amb_model_load(const char *path, const amb_model_def *def,
                                                amb_model **model);

/* The same from the bytes of a file; `name` replaces the path in sentences. External data is refused. */
AMB_NODISCARD AMB_API amb_result amb_model_load_memory(const void *bytes, size_t size, const char *name,
                                                       const amb_model_def *def, amb_model **model);
AMB_API void amb_model_destroy(amb_model *model); /* NULL is fine */

/* ---- inputs, outputs, metadata ---- */

typedef struct amb_tensor_info {
    size_t size;      /* sizeof(amb_tensor_info), set by the caller */
    const char *name; /* as in the file; lives as long as the model */
    amb_type type;
    int rank;                    /* dimensions, 1 to AMB_MAX_RANK */
    int64_t shape[AMB_MAX_RANK]; /* -1: the batch, any number of rows; usually the first, but a recurrent
                                    network's state may have it second */
} amb_tensor_info;

AMB_API int amb_model_inputs(const amb_model *model);
AMB_API int amb_model_outputs(const amb_model *model);

/* AMB_ERROR_ARGUMENT where there is no such input or output. */
AMB_API amb_result amb_model_input(const amb_model *model, int index, amb_tensor_info *info);
AMB_API amb_result amb_model_output(const amb_model *model, int index, amb_tensor_info *info);

/* The file's metadata (metadata_props): a value by its key, NULL where there is none; or all of them by
 * number, NULL beyond the last. The text lives as long as the model. */
AMB_API const char *amb_model_metadata(const amb_model *model, const char *key);
AMB_API const char *amb_model_metadata_key(const amb_model *model, int index);

/* The packed network. */
typedef struct amb_model_info {
    size_t size;             /* sizeof(amb_model_info), set by the caller */
    amb_precision precision; /* of a graph: of its largest dense part */
    const char *kernel;      /* "avx512", "int16_avx512vnni", … */
    double mse;          /* measured by AUTO on its calibration rows (a graph's: against fp32); NaN where it
                                was not measured */
    size_t weight_bytes; /* of weights, biases and scales, as they are read in a run */
    int64_t multiplications; /* for one row */
    const char *precisions;  /* of each layer, "int8 int8u int16", or "int8" if all are the same; int8u is
                                int8 with 8-bit activations. Lives as long as the model */
} amb_model_info;

AMB_API amb_result amb_model_get_info(const amb_model *model, amb_model_info *info);

/* ---- running it ---- */

typedef struct amb_tensor {
    const char *name; /* of the input or output; NULL: the one at this place of the list */
    void *data;       /* an input's is only read */
    amb_type type;
    int rank;                    /* as in the file's; or 1 less, without the batch, for a single row */
    int64_t shape[AMB_MAX_RANK]; /* all tensors of a call have the same number of rows */
} amb_tensor;

/* Bytes of a workspace for so many rows at once (≥ 1); aligned as malloc does. */
AMB_API size_t amb_model_workspace_size(const amb_model *model, int64_t rows);

/* Runs the network on all inputs. Outputs that are not needed may be omitted. AMB_ERROR_ARGUMENT and nothing
 * written where a name, type or shape does not fit; also where an integer input of a graph points out of a
 * table in the file (outputs are then undefined). A NaN in a row makes that row's outputs NaN. A row's
 * result does not depend on the other rows, to the bit. */
AMB_API amb_result amb_model_run(const amb_model *model, const amb_tensor *inputs, int input_count,
                                 const amb_tensor *outputs, int output_count, void *workspace);

#ifdef __cplusplus
}
#endif

#endif
