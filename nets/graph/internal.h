/* A graph's plan: values, steps, and the operators that fill them. Internal to nets/graph:
 *
 *   read.c      the file: names, constants, nodes in order, If, inputs and outputs
 *   tensor.c    numbers of the file
 *   loop.c      loops over operands that broadcast
 *   infer.c     one node: shapes, folding of constants, a step of the plan
 *   rows.c      whether the rows are kept apart
 *   fuse.c      dense layers that follow each other become a part (nets/model.h)
 *   plan.c      which value lies where in the workspace
 *   run.c       a run
 *   precision.c the parts' precision
 *   ops.c       the table of operators; ops_*.c the operators themselves
 *
 * How shapes with an unknown number of rows are worked out. Every operator's shape function works on plain
 * numbers. It is called for three numbers of rows (ami_graph_sample), and a dimension is then rows × k where
 * its three values say so. A constant that depends on the rows (what Shape gives) has three sets of numbers,
 * on which operators are folded as on any other. */
#ifndef AMI_NETS_GRAPH_INTERNAL_H
#define AMI_NETS_GRAPH_INTERNAL_H

#include "nets/graph/graph.h"
#include "nets/onnx/decode.h"
#include "nets/onnx/tensor.h"

#include <stdint.h>

enum {
    AMI_GRAPH_SAMPLES = 3,
    AMI_GRAPH_NODES = 8192,     /* in the file and the branches of its Ifs */
    AMI_GRAPH_CONSTANTS = 8192, /* initialisers */
    AMI_GRAPH_VALUES = 65536,   /* names */
    AMI_GRAPH_ARGUMENTS = 128,  /* inputs, and outputs, of one node */
    AMI_GRAPH_DEPTH = 8,        /* of If in If */
    AMI_GRAPH_LIST = 64,        /* numbers of a list of axes, sizes, starts */
    AMI_GRAPH_METAS = 4096
};
/* Numbers of a value for one row, and of all constants that folding makes together. */
#define AMI_GRAPH_NUMBERS ((int64_t)1 << 26)
#define AMI_GRAPH_FOLDED ((int64_t)1 << 25)
/* Bytes of workspace for one row. */
#define AMI_GRAPH_WORKSPACE ((size_t)1 << 30)

extern const int ami_graph_sample[AMI_GRAPH_SAMPLES];

/* How numbers lie in memory: float32 for all floats, int64 for all integers, a byte for a truth value. */
typedef enum ami_store { AMI_STORE_NONE, AMI_STORE_FLOAT, AMI_STORE_INT, AMI_STORE_BOOL } ami_store;
ami_store ami_store_of(int type);
size_t ami_store_size(ami_store store);

/* A tensor at hand: its shape, and its numbers where they are known. */
typedef struct ami_view {
    int type; /* ONNX's; 0: an optional input left out */
    int rank;
    int64_t dim[AMI_GRAPH_RANK];
    void *data; /* NULL: known only in a run */
} ami_view;

static inline int64_t ami_view_count(const ami_view *v)
{
    int64_t count = 1;
    for (int i = 0; i < v->rank; i++)
        count *= v->dim[i];
    return count;
}

typedef enum ami_place { AMI_PLACE_CONSTANT, AMI_PLACE_INPUT, AMI_PLACE_WORKSPACE } ami_place;

/* What a name stands for. */
typedef struct ami_value {
    const char *name;
    int type, rank;
    int64_t dim[AMI_GRAPH_SAMPLES][AMI_GRAPH_RANK];
    int64_t fixed[AMI_GRAPH_RANK],
        slope[AMI_GRAPH_RANK]; /* a dimension is fixed + slope × rows; one of both is 0 */
    int row_axis;              /* of the dimension with a slope; -1: none */

    bool constant;
    bool from_file; /* its numbers are the file's own */
    void
        *data[AMI_GRAPH_SAMPLES]; /* of a constant; all three the same where it does not depend on the rows */

    int root;  /* the value whose memory it shares, itself if none */
    int users; /* steps and outputs that read this memory (of a root) */
    int maker; /* step that writes it, -1: an input or a constant */

    ami_place place; /* of a root */
    int input;       /* its number */
    bool per_row;    /* whether size and offset are for each row */
    size_t size, offset;
} ami_value;

typedef struct ami_step ami_step;
typedef struct ami_call ami_call;

/* What an operator keeps from its attributes. */
typedef struct ami_params {
    int64_t axis;
    int64_t n[6];
    float f[4];
    uint32_t axes; /* bits */
    int64_t list[3 * AMI_GRAPH_RANK];
    int act[6];
} ami_params;

/* A dense layer, or several, inside a step: y = W x + b ... on packed kernels, where the weights are
 * constants. */
typedef struct ami_part {
    ami_net *net; /* until the precision is chosen */
    ami_model *model;
    const char *what, *node;
    int layers;
    int64_t rows; /* of the product for one row of the network */
    int64_t multiplications;
} ami_part;

enum { AMI_STEP_PARTS = 6 };

/* One operator of the plan. */
struct ami_step {
    const struct ami_op *op;
    const AmiOnnx__Node *node; /* only while loading */
    const char *name;          /* the node's, kept; "" where it has none */
    int number;                /* of the node in the file */
    int ins, outs;
    int *in;  /* values; -1: left out */
    int *out; /* values; -1: not wanted */
    ami_params p;
    int part[AMI_STEP_PARTS]; /* in graph->part; -1: none */
    bool gone;                /* part of another step now */
};

/* An operator at work: at load with shapes (and constants), in a run with everything. */
struct ami_call {
    ami_graph *graph; /* at load; NULL in a run */
    const ami_graph *running;
    ami_step *step;
    ami_error *err;
    char *scratch; /* of op->scratch bytes, 64-byte aligned */
    int sample;
    int ins, outs;
    ami_view *in, *out;
};

/* An operator. infer: types and shapes of the outputs from those of the inputs; reads attributes into
 * step->p. run: the outputs' numbers. Both may fail with ami_call_fail. */
typedef struct ami_op {
    const char *name;
    int min_in, max_in, max_out;
    unsigned shape_in; /* bits: inputs that must be known at load */
    unsigned fixed_in; /* bits: of these, those whose numbers a run, too, reads (from step->p or the input) */
    enum {
        AMI_OP_ALIAS = 1, /* the output is the first input with another shape, if its type is stored alike */
        AMI_OP_SHAPE = 2, /* needs the input's shape alone: always folded */
        AMI_OP_ELEMENTWISE = 4 /* numbers of one place depend on those of the same place alone, broadcast */
    } flags;
    bool (*infer)(ami_call *c);
    bool (*run)(const ami_call *c);
    int code;
    size_t (*scratch)(const ami_call *c);                          /* NULL: none */
    bool (*prepare)(ami_graph *g, ami_step *step, ami_error *err); /* packs weights; NULL: nothing to do */
} ami_op;

const ami_op *ami_op_find(const char *name);
extern const ami_op ami_op_dense; /* what fuse.c makes; not in the table */

bool ami_call_fail(const ami_call *c, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Attributes of the node; `otherwise` where there is none of that name. Their types were checked before
 * (infer.c). */
int64_t ami_call_int(const ami_call *c, const char *name, int64_t otherwise);
float ami_call_float(const ami_call *c, const char *name, float otherwise);
bool ami_call_has(const ami_call *c, const char *name);
const AmiOnnx__Attribute *ami_call_attribute(const ami_call *c, const char *name);
/* The text of attribute i of a list of texts, or of a text; NULL beyond the end. */
bool ami_call_text(const ami_call *c, const char *name, size_t i, char *text, size_t size);
/* Integers from a constant input (number `input`, -1: none) or else from the attribute; *count -1 where there
 * is neither. At most AMI_GRAPH_LIST. */
bool ami_call_list(const ami_call *c, int input, const char *name, int64_t list[AMI_GRAPH_LIST], int *count);
/* An axis in [-rank, rank) as one in [0, rank). */
bool ami_call_axis(const ami_call *c, int64_t axis, int rank, int *out);
int ami_call_opset(const ami_call *c);

static inline bool ami_call_given(const ami_call *c, int input)
{
    return input < c->ins && c->in[input].type != 0;
}

/* out takes type and shape of `from`. */
static inline void ami_view_like(ami_view *out, const ami_view *from)
{
    void *data = out->data;
    *out = *from;
    out->data = data;
}

/* NumPy's broadcasting of two shapes into out. */
bool ami_call_broadcast(const ami_call *c, ami_view *out, const ami_view *a, const ami_view *b);

/* The shared inference of operators that keep shape and type. */
bool ami_infer_same(ami_call *c);

struct ami_graph {
    const char *path; /* while loading */
    ami_error *err;
    ami_onnx_decoded decoded;
    ami_onnx_source *source;
    int opset;
    bool inside;  /* nodes of a branch are read */
    bool lifted;  /* a fixed batch of 1 is planned as a free one */
    bool mixes;   /* rows may have a say in each other */
    bool batched; /* the file leaves the batch open */

    int values, value_room;
    ami_value *value;
    int *name; /* hash table of value numbers */
    int name_room;

    int steps, step_room;
    ami_step **step;
    int nodes;    /* seen so far */
    int branches; /* of Ifs, decoded */
    AmiOnnx__Graph **branch;

    int parts, part_room;
    ami_part *part;

    int inputs, outputs;
    ami_graph_port port_in[AMI_GRAPH_PORTS], port_out[AMI_GRAPH_PORTS];
    int value_in[AMI_GRAPH_PORTS], value_out[AMI_GRAPH_PORTS];
    bool converted[AMI_GRAPH_PORTS]; /* an input that is not stored as the plan wants it */

    int metas;
    ami_meta *meta;

    int64_t folded;
    void **block; /* everything that lives as long as the graph */
    int blocks, block_room;

    size_t fixed_bytes, row_bytes; /* of the workspace: values */
    ami_graph_info info;
};

/* Zeroed memory that lives as long as the graph; NULL and a sentence where there is none. */
void *ami_graph_keep(ami_graph *g, size_t size);
bool ami_graph_fail(const ami_graph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The number of the value of that name, -1. */
int ami_graph_value(const ami_graph *g, const char *name);
/* A new value; name "" or NULL: nameless. -1 and a sentence on error. */
int ami_graph_add_value(ami_graph *g, const char *name);
/* fixed, slope, row_axis from the samples. False where a dimension is neither. */
bool ami_value_fit(ami_value *v);
/* The shape for so many rows. */
void ami_value_view(const ami_value *v, int64_t rows, ami_view *view);
bool ami_value_varies(const ami_value *v);

/* A constant of the file. */
bool ami_graph_read_tensor(ami_graph *g, const AmiOnnx__Tensor *tensor, bool inside, ami_value *v,
                           ami_error *err);

/* Adds a node that is not an If. */
bool ami_graph_add_node(ami_graph *g, const AmiOnnx__Node *n);

/* rows.c */
bool ami_alias_keeps_rows_apart(const ami_value *in, const ami_value *out);
bool ami_step_keeps_rows_apart(const ami_graph *g, const ami_step *step);

bool ami_graph_fuse(ami_graph *g);
bool ami_graph_assign(ami_graph *g);
bool ami_graph_choose_precision(ami_graph *g, const ami_model_def *def, ami_error *err);

/* A part of one dense layer from weight (outputs, inputs) and bias (NULL: zero); -1 and a sentence on
 * error. */
int ami_graph_add_part(ami_graph *g, const char *what, const char *node, int inputs, int outputs,
                       const float *weight, const float *bias);

/* The part on n rows: x (n, inputs) → y (n, outputs). scratch: ami_part_scratch bytes. */
size_t ami_part_scratch(const ami_graph *g, int part, int64_t rows);
void ami_part_run(const ami_graph *g, int part, const float *x, int64_t rows, float *y, void *scratch);

/* y (n, m) = x (n, k) w (k, m), or w (m, k) where transposed, plain loops; y is overwritten. */
void ami_product(const float *x, const float *w, bool transposed, int64_t n, int64_t k, int64_t m, float *y);

static inline size_t ami_round_line(size_t bytes)
{
    return (bytes + 63) / 64 * 64;
}

/* Loops over a broadcast of up to 3 operands and the output: see loop.c. */
typedef struct ami_loop {
    int rank; /* ≥ 1; the last dimension is the inner loop */
    int64_t dim[AMI_GRAPH_RANK];
    int64_t stride[4][AMI_GRAPH_RANK]; /* in numbers; 0: broadcast */
} ami_loop;

/* operands: views that broadcast to out's shape. Neighbouring dimensions are joined where that is
 * possible. */
void ami_loop_make(ami_loop *loop, const ami_view *out, const ami_view *const *operand, int operands);
/* The next row of the loops; at[operand] are the offsets, index starts as zeros. False at the end. */
bool ami_loop_next(const ami_loop *loop, int operands, int64_t *index, int64_t *at);

#endif
