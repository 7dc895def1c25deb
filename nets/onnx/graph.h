/* A graph being read: named values, and the tree of layers recognised so far. Internal to nets/onnx_*.c:
 *
 *   onnx/read.c   bytes → decoded model → graph → net
 *   onnx/graph.c  inputs, nodes in order, outputs
 *   onnx/ops.c    the table of operators, constants, casts
 *   onnx/layer.c  operators that compute: layers, activations, the normaliser
 *   onnx/shape.c  operators that reshape, and the arithmetic on shapes that exporters write for them
 *   onnx/build.c  layers → net */
#ifndef AMB_NETS_ONNX_GRAPH_H
#define AMB_NETS_ONNX_GRAPH_H

#include "nets/net.h"
#include "nets/onnx/tensor.h"

enum {
    AMB_ONNX_MAX_NODES = 1024,
    AMB_ONNX_MAX_INITIALIZERS = 1024,
    AMB_ONNX_MAX_INPUTS = 8,
    AMB_ONNX_MAX_DIMS = 6
};
enum { AMB_ONNX_MAX_LAYERS = AMB_NET_MAX_LAYERS + AMB_NET_MAX_HEADS - 1 };

/* A tensor that the network computes: (rows, dim[1], .., dim[rank - 1]). Only its first dimension is not
 * known, or not the same as in what the network is given; a row's numbers keep their order from one layer to
 * the next, whatever their shape. */
typedef struct amb_onnx_tensor {
    int type; /* a float's; the net computes in float32 whatever it is */
    int rank; /* 1 .. AMB_ONNX_MAX_DIMS */
    size_t dim[AMB_ONNX_MAX_DIMS];
    int layer;   /* that it comes from, -1: the input */
    int changes; /* of that stage, with which it was made */
} amb_onnx_tensor;

typedef enum amb_onnx_kind { AMB_ONNX_CONSTANT, AMB_ONNX_COMPUTED, AMB_ONNX_UNREADABLE } amb_onnx_kind;

/* What a name stands for: numbers in the file, or what is computed from the network's input. */
typedef struct amb_onnx_value {
    const char *name;
    amb_onnx_kind kind;                /* unreadable: a second output, as Dropout's mask */
    const AmbOnnx__Tensor *unopened;   /* an initialiser that no node has used yet; then `array` is not
                                          filled */
    amb_onnx_array array;              /* constant */
    int64_t small[AMB_ONNX_MAX_SMALL]; /* numbers of a constant that was worked out here */
    amb_onnx_tensor tensor;            /* computed */
} amb_onnx_value;

/* The input, or a layer: what operators without a matrix are folded into. A tensor made before the last such
 * change is gone. */
typedef struct amb_onnx_stage {
    int changes;
    bool used;                 /* a layer takes it as it is: no more changes */
    const AmbOnnx__Node *last; /* that changed or used it */
} amb_onnx_stage;

/* y = act(scale ⊙ (weight x) + bias) */
typedef struct amb_onnx_layer {
    const AmbOnnx__Node *node;
    const char *name;      /* the weight's, for sentences */
    int parent;            /* the layer whose output is x, -1: the input */
    amb_onnx_array weight; /* as (outputs, inputs) */
    double *scale;         /* (outputs) or NULL: all 1 */
    float *bias;           /* (outputs) or NULL: none so far */
    amb_activation act;
    float alpha;
    amb_onnx_stage stage;
} amb_onnx_layer;

typedef struct amb_onnx_graph {
    const char *path;
    amb_error *err;
    const AmbOnnx__Model *model;
    const AmbOnnx__Graph *graph;
    amb_onnx_source *source;
    int opset;

    int values;
    amb_onnx_value *value; /* room for every initialiser, input and node output */

    int64_t rows;          /* the input is fixed to, 0: any number */
    amb_onnx_tensor input; /* as it came */
    size_t inputs;         /* numbers in a row of it */

    /* before the first layer the input becomes clamp((input - mean) / std, lo, hi) */
    double *mean, *std; /* (inputs) */
    bool normalized;    /* anything of this is not what it was at the start */
    float lo, hi;
    const AmbOnnx__Node *clip; /* that set lo or hi last */
    amb_onnx_stage root;

    int layers;
    amb_onnx_layer layer[AMB_ONNX_MAX_LAYERS];

    int heads; /* found at the end, in the graph's order */
    struct {
        const char *name;
        const amb_onnx_tensor *tensor;
    } head[AMB_NET_MAX_HEADS];
} amb_onnx_graph;

/* One sentence, "PATH: " and, in the second, "node 'fc1' (Gemm): " before it. Both return false. */
bool amb_onnx_graph_fail(const amb_onnx_graph *g, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool amb_onnx_node_fail(const amb_onnx_graph *g, const AmbOnnx__Node *n, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Walks the whole graph: layers and heads are filled and agree with each other; weights are not looked at
 * yet. */
bool amb_onnx_graph_read(amb_onnx_graph *g);

/* The net that the graph's layers make, without metadata; NULL and a sentence where numbers are not finite or
 * memory is short. */
amb_net *amb_onnx_build(amb_onnx_graph *g);

/* Layers from the input to this one, it included. */
int amb_onnx_depth(const amb_onnx_graph *g, int layer);

/* Numbers in a row. */
size_t amb_onnx_features(const amb_onnx_tensor *t);

/* Claims a tensor for a node that changes its stage (folds something in) or only uses it. Fails where another
 * node changed or used it so that both cannot be: a branch. */
bool amb_onnx_change(amb_onnx_graph *g, const AmbOnnx__Node *n, const amb_onnx_value *v);
bool amb_onnx_use(amb_onnx_graph *g, const AmbOnnx__Node *n, const amb_onnx_value *v);

/* Attributes. The typed ones leave *out alone where the node has none of that name. */
enum { AMB_ONNX_ATTRIBUTE_FLOAT = 1, AMB_ONNX_ATTRIBUTE_INT = 2, AMB_ONNX_ATTRIBUTE_TENSOR = 4 };
enum { AMB_ONNX_ATTRIBUTE_FLOATS = 6, AMB_ONNX_ATTRIBUTE_INTS = 7 };
const AmbOnnx__Attribute *amb_onnx_attribute(const AmbOnnx__Node *n, const char *name);
bool amb_onnx_int_attribute(amb_onnx_graph *g, const AmbOnnx__Node *n, const char *name, int64_t *out);
bool amb_onnx_float_attribute(amb_onnx_graph *g, const AmbOnnx__Node *n, const char *name, float *out);

/* One operator. A handler gets the node's inputs (NULL: left out), all defined and opened; exactly one of
 * them, in[at], computed, or none (at is -1). It fills `out`, which is a constant with nothing in it and not
 * among the values yet; to be a computed value, `out` takes kind and tensor. */
typedef bool amb_onnx_handler(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at,
                              amb_onnx_value *out);

typedef struct amb_onnx_operator {
    const char *name;
    int min_inputs, max_inputs;
    const char *attributes[6];      /* those it may have; NULL ends the list */
    amb_onnx_handler *on_computed;  /* NULL: the operator is read on constants only */
    amb_onnx_handler *on_constants; /* NULL: the operator is not read on constants alone */
    int max_outputs;                /* 0: one */
} amb_onnx_operator;

/* NULL where the operator is not supported. */
const amb_onnx_operator *amb_onnx_operator_find(const char *name);

/* "Add, Cast, …" */
void amb_onnx_operator_names(char *text, size_t room);

/* In onnx/layer.c */
amb_onnx_handler amb_onnx_read_elementwise, amb_onnx_read_clip, amb_onnx_read_bound, amb_onnx_read_matmul,
    amb_onnx_read_gemm, amb_onnx_read_activation, amb_onnx_read_dropout;

/* In onnx/shape.c. Those with "constant" in their name work on constants, the others on what is computed. */
amb_onnx_handler amb_onnx_read_flatten, amb_onnx_read_reshape, amb_onnx_read_squeeze, amb_onnx_read_unsqueeze,
    amb_onnx_read_transpose, amb_onnx_read_shape;

/* In onnx/shape_constants.c: constants made of constants. */
amb_onnx_handler amb_onnx_constant_reshape, amb_onnx_constant_squeeze, amb_onnx_constant_unsqueeze,
    amb_onnx_constant_transpose, amb_onnx_constant_gather, amb_onnx_constant_concat, amb_onnx_constant_slice,
    amb_onnx_constant_arithmetic, amb_onnx_constant_shape, amb_onnx_constant_fill;

/* A list of int64 of at most AMB_ONNX_MAX_SMALL: shapes, axes, indices. Bit i of batch: value[i] is to be
 * multiplied by the number of rows.
 */
typedef struct amb_onnx_ints {
    int count;
    bool scalar;
    int64_t value[AMB_ONNX_MAX_SMALL];
    uint8_t batch;
} amb_onnx_ints;
bool amb_onnx_get_ints(amb_onnx_graph *g, const AmbOnnx__Node *n, const amb_onnx_value *v,
                       amb_onnx_ints *out);
void amb_onnx_set_ints(amb_onnx_value *out, const amb_onnx_ints *ints);

/* Axes of a Squeeze, or of an Unsqueeze, which adds them, from the attribute (before operator set 13) or the
 * optional input: as bits 0 .. of all dimensions. *given: there are some. */
bool amb_onnx_get_axes(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int rank,
                       bool adds, uint32_t *axes, bool *given);

/* A Reshape's target, of at most AMB_ONNX_MAX_DIMS dimensions, not interpreted. */
bool amb_onnx_reshape_target(amb_onnx_graph *g, const AmbOnnx__Node *n, const amb_onnx_value *shape,
                             amb_onnx_ints *target, bool *allowzero);

#endif
