/* A graph being read: named values, and the tree of layers recognised so far. Internal to nets/onnx_*.c:
 *
 *   onnx/read.c   bytes → decoded model → graph → net
 *   onnx/graph.c  inputs, nodes in order, outputs
 *   onnx/ops.c    the table of operators, constants, casts
 *   onnx/layer.c  operators that compute: layers, activations, the normaliser
 *   onnx/shape.c  operators that reshape, and the arithmetic on shapes that exporters write for them
 *   onnx/build.c  layers → net */
#ifndef AMI_NETS_ONNX_GRAPH_H
#define AMI_NETS_ONNX_GRAPH_H

#include "nets/net.h"
#include "nets/onnx/tensor.h"

enum {
    AMI_ONNX_MAX_NODES = 1024,
    AMI_ONNX_MAX_INITIALIZERS = 1024,
    AMI_ONNX_MAX_INPUTS = 8,
    AMI_ONNX_MAX_DIMS = 6
};
enum { AMI_ONNX_MAX_LAYERS = AMI_NET_MAX_LAYERS + AMI_NET_MAX_HEADS - 1 };

/* A tensor that the network computes: (rows, dim[1], .., dim[rank - 1]). Only its first dimension is not
 * known, or not the same as in what the network is given; a row's numbers keep their order from one layer to
 * the next, whatever their shape. */
typedef struct ami_onnx_tensor {
    int type; /* a float's; the net computes in float32 whatever it is */
    int rank; /* 1 .. AMI_ONNX_MAX_DIMS */
    size_t dim[AMI_ONNX_MAX_DIMS];
    int layer;   /* that it comes from, -1: the input */
    int changes; /* of that stage, with which it was made */
} ami_onnx_tensor;

typedef enum ami_onnx_kind { AMI_ONNX_CONSTANT, AMI_ONNX_COMPUTED, AMI_ONNX_UNREADABLE } ami_onnx_kind;

/* What a name stands for: numbers in the file, or what is computed from the network's input. */
typedef struct ami_onnx_value {
    const char *name;
    ami_onnx_kind kind;                /* unreadable: a second output, as Dropout's mask */
    const AmiOnnx__Tensor *unopened;   /* an initialiser that no node has used yet; then `array` is not
                                          filled */
    ami_onnx_array array;              /* constant */
    int64_t small[AMI_ONNX_MAX_SMALL]; /* numbers of a constant that was worked out here */
    ami_onnx_tensor tensor;            /* computed */
} ami_onnx_value;

/* The input, or a layer: what operators without a matrix are folded into. A tensor made before the last such
 * change is gone. */
typedef struct ami_onnx_stage {
    int changes;
    bool used;                 /* a layer takes it as it is: no more changes */
    const AmiOnnx__Node *last; /* that changed or used it */
} ami_onnx_stage;

/* y = act(scale ⊙ (weight x) + bias) */
typedef struct ami_onnx_layer {
    const AmiOnnx__Node *node;
    const char *name;      /* the weight's, for sentences */
    int parent;            /* the layer whose output is x, -1: the input */
    ami_onnx_array weight; /* as (outputs, inputs) */
    double *scale;         /* (outputs) or NULL: all 1 */
    float *bias;           /* (outputs) or NULL: none so far */
    ami_activation act;
    float alpha;
    ami_onnx_stage stage;
} ami_onnx_layer;

typedef struct ami_onnx_graph {
    const char *path;
    ami_error *err;
    const AmiOnnx__Model *model;
    const AmiOnnx__Graph *graph;
    ami_onnx_source *source;
    int opset;

    int values;
    ami_onnx_value *value; /* capacity for every initialiser, input and node output */

    int64_t rows;          /* the input is fixed to, 0: any number */
    ami_onnx_tensor input; /* as it came */
    const char *input_name;
    size_t inputs; /* numbers in a row of it */

    /* before the first layer the input becomes clamp((input - mean) / std, lo, hi) */
    double *mean, *std; /* (inputs) */
    bool normalized;    /* anything of this is not what it was at the start */
    float lo, hi;
    const AmiOnnx__Node *clip; /* that set lo or hi last */
    ami_onnx_stage root;

    int layers;
    ami_onnx_layer layer[AMI_ONNX_MAX_LAYERS];

    int heads; /* found at the end, in the graph's order */
    struct {
        const char *name;
        const ami_onnx_tensor *tensor;
    } head[AMI_NET_MAX_HEADS];
} ami_onnx_graph;

/* One sentence, "PATH: " and, in the second, "node 'fc1' (Gemm): " before it. Both return false. */
bool ami_onnx_graph_fail(const ami_onnx_graph *g, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool ami_onnx_node_fail(const ami_onnx_graph *g, const AmiOnnx__Node *n, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Walks the whole graph: layers and heads are filled and agree with each other; weights are not looked at
 * yet. */
bool ami_onnx_graph_read(ami_onnx_graph *g);

/* The net that the graph's layers make, without metadata; NULL and a sentence where numbers are not finite or
 * memory is short. */
ami_net *ami_onnx_build(ami_onnx_graph *g);

/* Layers from the input to this one, it included. */
int ami_onnx_depth(const ami_onnx_graph *g, int layer);

/* Numbers in a row. */
size_t ami_onnx_features(const ami_onnx_tensor *t);

/* Claims a tensor for a node that changes its stage (folds something in) or only uses it. Fails where another
 * node changed or used it so that both cannot be: a branch. */
bool ami_onnx_change(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v);
bool ami_onnx_use(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v);

/* Attributes. The typed ones leave *out alone where the node has none of that name. */
enum { AMI_ONNX_ATTRIBUTE_FLOAT = 1, AMI_ONNX_ATTRIBUTE_INT = 2, AMI_ONNX_ATTRIBUTE_TENSOR = 4 };
enum { AMI_ONNX_ATTRIBUTE_FLOATS = 6, AMI_ONNX_ATTRIBUTE_INTS = 7 };
const AmiOnnx__Attribute *ami_onnx_attribute(const AmiOnnx__Node *n, const char *name);
bool ami_onnx_int_attribute(ami_onnx_graph *g, const AmiOnnx__Node *n, const char *name, int64_t *out);
bool ami_onnx_float_attribute(ami_onnx_graph *g, const AmiOnnx__Node *n, const char *name, float *out);

/* One operator. A handler gets the node's inputs (NULL: left out), all defined and opened; exactly one of
 * them, in[at], computed, or none (at is -1). It fills `out`, which is a constant with nothing in it and not
 * among the values yet; to be a computed value, `out` takes kind and tensor. */
typedef bool ami_onnx_handler(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int at,
                              ami_onnx_value *out);

typedef struct ami_onnx_operator {
    const char *name;
    int min_inputs, max_inputs;
    const char *attributes[6];      /* those it may have; NULL ends the list */
    ami_onnx_handler *on_computed;  /* NULL: the operator is read on constants only */
    ami_onnx_handler *on_constants; /* NULL: the operator is not read on constants alone */
    int max_outputs;                /* 0: one */
} ami_onnx_operator;

/* NULL where the operator is not supported. */
const ami_onnx_operator *ami_onnx_operator_find(const char *name);

/* "Add, Cast, …" */
void ami_onnx_operator_names(char *text, size_t room);

/* In onnx/layer.c */
ami_onnx_handler ami_onnx_read_elementwise, ami_onnx_read_clip, ami_onnx_read_bound, ami_onnx_read_matmul,
    ami_onnx_read_gemm, ami_onnx_read_activation, ami_onnx_read_dropout;

/* In onnx/ops.c: an int8 matrix, cast to float32, times one number for each row or column. */
ami_onnx_handler ami_onnx_read_int8_product;

/* In onnx/shape.c. Those with "constant" in their name work on constants, the others on what is computed. */
ami_onnx_handler ami_onnx_read_flatten, ami_onnx_read_reshape, ami_onnx_read_squeeze, ami_onnx_read_unsqueeze,
    ami_onnx_read_transpose, ami_onnx_read_shape;

/* In onnx/shape_constants.c: constants made of constants. */
ami_onnx_handler ami_onnx_constant_reshape, ami_onnx_constant_squeeze, ami_onnx_constant_unsqueeze,
    ami_onnx_constant_transpose, ami_onnx_constant_gather, ami_onnx_constant_concat, ami_onnx_constant_slice,
    ami_onnx_constant_arithmetic, ami_onnx_constant_shape, ami_onnx_constant_fill;

/* A list of int64 of at most AMI_ONNX_MAX_SMALL: shapes, axes, indices. Bit i of batch: value[i] is to be
 * multiplied by the number of rows.
 */
typedef struct ami_onnx_ints {
    int count;
    bool scalar;
    int64_t value[AMI_ONNX_MAX_SMALL];
    uint8_t batch;
} ami_onnx_ints;
bool ami_onnx_get_ints(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *v,
                       ami_onnx_ints *out);
void ami_onnx_set_ints(ami_onnx_value *out, const ami_onnx_ints *ints);

/* Axes of a Squeeze, or of an Unsqueeze, which adds them, from the attribute (before operator set 13) or the
 * optional input: as bits 0 .. of all dimensions. *given: there are some. */
bool ami_onnx_get_axes(ami_onnx_graph *g, const AmiOnnx__Node *n, ami_onnx_value *const *in, int rank,
                       bool adds, uint32_t *axes, bool *given);

/* A Reshape's target, of at most AMI_ONNX_MAX_DIMS dimensions, not interpreted. */
bool ami_onnx_reshape_target(ami_onnx_graph *g, const AmiOnnx__Node *n, const ami_onnx_value *shape,
                             ami_onnx_ints *target, bool *allowzero);

#endif
