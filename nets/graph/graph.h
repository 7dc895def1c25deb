/* Any small network: an ONNX graph as a plan of steps. Its dense layers (Gemm, MatMul, the products inside
 * Conv, LSTM and GRU) run on the packed kernels of nets/model.h; everything else is plain loops that
 * vectorise.
 *
 *   graph = ami_graph_load("policy.onnx", NULL, &err);
 *   workspace = malloc(ami_graph_workspace_size(graph, rows));
 *   const void *in[] = {observation, state};
 *   void *out[] = {action, new_state};
 *   ami_graph_run(graph, workspace, rows, in, out, &err);
 *
 * Planned at load: constants are folded, shapes are worked out with the number of rows as the only unknown,
 * buffers are assigned. A run allocates nothing, takes no lock and makes no system call; a graph is const
 * after loading and shared by threads, each with a workspace of its own.
 *
 * Rows. Where the file leaves the batch open, that is the number of rows. Where every size is fixed (a batch
 * of 1, or no batch dimension) each row is run as if it were alone (together, where no row has a say in
 * another), and every input and output has its rows in front: a first dimension of 1 becomes the rows if all
 * inputs and outputs have one, else the rows are a dimension more.
 *
 * Precision. Floats are float32 inside, whatever the file says (float16, bfloat16 and float64 are converted
 * at both ends). Dense layers with constant weights take the fastest precision whose outputs differ from
 * those of float32 by less than max_mse on calibration rows that are drawn for the inputs (N(0, 1), behind a
 * normaliser's mean and deviation where the input goes through one; def.observed in their place) and come to
 * the layers through the graph.
 *
 * Refused, in a sentence that names node, operator and reason: operators that are not in ops.c; whatever
 * needs a shape known only in a run, beyond the number of rows (a Reshape to a computed shape, an If on a
 * computed condition); files beyond the limits of internal.h. A malformed file gets a sentence, never a crash
 * or a huge allocation. docs/networks.md lists the operators. */
#ifndef AMI_NETS_GRAPH_GRAPH_H
#define AMI_NETS_GRAPH_GRAPH_H

#include "nets/model.h"

enum { AMI_GRAPH_RANK = 8, AMI_GRAPH_PORTS = 64 };

typedef struct ami_graph ami_graph;

/* An input or output. Numbers are given and taken in the file's own type, C order. */
typedef struct ami_graph_port {
    const char *name;
    int type;                    /* ONNX's TensorProto.DataType: 1 float32, 6 int32, 7 int64, 9 bool, ... */
    int rank;                    /* the rows' dimension included */
    int64_t dim[AMI_GRAPH_RANK]; /* -1: the rows, times `times`; else fixed */
    int times;                   /* usually 1 */
    bool has_rows;               /* false: the same numbers for any number of rows, as a version's number */
    bool added_rows;             /* the first dimension is not the file's own */
} ami_graph_port;

/* NULL and a sentence, beginning with the path, on error. def NULL: the default of nets/model.h. */
ami_graph *ami_graph_load(const char *path, const ami_model_def *def, ami_error *err);

/* The same from memory; `name` begins sentences. External data is refused. */
ami_graph *ami_graph_load_memory(const void *bytes, size_t size, const char *name, const ami_model_def *def,
                                 ami_error *err);
void ami_graph_destroy(ami_graph *graph); /* NULL is fine */

int ami_graph_inputs(const ami_graph *graph);
int ami_graph_outputs(const ami_graph *graph);
const ami_graph_port *ami_graph_input(const ami_graph *graph, int index);
const ami_graph_port *ami_graph_output(const ami_graph *graph, int index);

/* By name; -1 where there is none. */
int ami_graph_find_input(const ami_graph *graph, const char *name);
int ami_graph_find_output(const ami_graph *graph, const char *name);

/* Bytes of one number of a port, and how many numbers it has for so many rows. */
size_t ami_graph_type_size(int type);
size_t ami_graph_port_count(const ami_graph_port *port, int rows);

/* Numbers of a file's type from and to how they are held inside: float for all kinds of float, int64 for all
 * integers, a byte for bool. */
void ami_graph_convert_in(int type, const void *bytes, size_t count, void *out);
void ami_graph_convert_out(int type, const void *numbers, size_t count, void *out);

/* The file's metadata. */
int ami_graph_metas(const ami_graph *graph);
const ami_meta *ami_graph_meta(const ami_graph *graph, int index);

/* Bytes of workspace for up to `rows` rows (any alignment of the pointer will do). */
size_t ami_graph_workspace_size(const ami_graph *graph, int rows);

/* in[i], out[o]: numbers of the ports, any alignment that their type allows; out[o] NULL: not wanted. False
 * and a sentence, outputs undefined, where an index input (Gather's) points out of its table. */
AMI_MUST_CHECK bool ami_graph_run(const ami_graph *graph, void *workspace, int rows, const void *const *in,
                                  void *const *out, ami_error *err);

/* What it became. */
typedef struct ami_graph_part {
    const char *node; /* its first node's name, "" where it has none */
    const char *what; /* "dense", "conv", "lstm", "gru" */
    int layers;       /* of the dense stack */
    int inputs, outputs;
    ami_precision precision;
    const char *kernel;
    size_t bytes; /* packed */
} ami_graph_part;

typedef struct ami_graph_info {
    size_t parameters;       /* floats in the file's constants that the plan reads */
    size_t bytes;            /* of packed weights and of constants, as a run reads them */
    int64_t multiplications; /* of the dense parts, for one row */
    int steps;               /* of the plan, dense parts included */
    int parts;               /* dense parts on kernels */
    double mse;              /* of the outputs against float32, on the calibration rows; NaN: not measured */
    bool repeats;            /* the network is run once for each row */
    bool blocks;             /* rows may be run in blocks: no row has a say in another, and they come first */
} ami_graph_info;

void ami_graph_get_info(const ami_graph *graph, ami_graph_info *info);
void ami_graph_get_part(const ami_graph *graph, int index, ami_graph_part *part);

/* The operators of the plan with how often each stands in it, "Add 3, Concat 1, dense 2": cut to size. */
void ami_graph_describe_steps(const ami_graph *graph, char *text, size_t size);

/* "3 dense parts: int16 int16 fp32, mean squared error 2.1e-09": cut to size. */
void ami_graph_describe(const ami_graph *graph, char *text, size_t size);

/* The operators that are read, in alphabetical order; NULL beyond the last. */
const char *ami_graph_operator(int index);

/* Draws inputs as calibration does: in[i] (port count of `rows`), in the port's type. */
void ami_graph_draw_inputs(const ami_graph *graph, uint64_t seed, int rows, void *const *in);

#endif
