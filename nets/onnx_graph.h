/* A graph being read: named values, and the chain of layers recognised so far. Internal to nets/onnx_read.c (walks the nodes) and
 * nets/onnx_ops.c (knows the operators). */
#ifndef AMB_NETS_ONNX_GRAPH_H
#define AMB_NETS_ONNX_GRAPH_H

#include "nets/net.h"
#include "nets/onnx_tensor.h"

enum { AMB_ONNX_MAX_NODES = 1024, AMB_ONNX_MAX_INITIALIZERS = 1024, AMB_ONNX_MAX_INPUTS = 8 };

/* What a name stands for: numbers in the file, or what the chain computes from the network's input. */
typedef struct amb_onnx_value {
    const char *name;
    bool computed;
    const AmbOnnx__Tensor *unopened; /* an initialiser that no node has used yet; then `array` is not filled */
    amb_onnx_array array;            /* not computed: the numbers */
    const AmbOnnx__Node *reader;     /* computed: the node that uses it, NULL so far */
} amb_onnx_value;

/* y = act(scale ⊙ (weight x) + bias) */
typedef struct amb_onnx_layer {
    const char *name;      /* the weight's, for sentences */
    amb_onnx_array weight; /* as (outputs, inputs) */
    double *scale;         /* (outputs) or NULL: all 1 */
    float *bias;           /* (outputs) or NULL: none so far */
    amb_activation act;
} amb_onnx_layer;

typedef struct amb_onnx_graph {
    const char *path;
    amb_error *err;
    const AmbOnnx__Graph *graph;
    int opset;

    int values;
    amb_onnx_value *value; /* room for every initialiser, input and node */
    amb_onnx_value *head;  /* what the chain computes so far */
    int node;              /* index of the node being read */

    int64_t batch;   /* rows the input is fixed to, 0: any number */
    size_t features; /* columns of the head */

    double *mean, *std; /* (inputs): before the first layer the head is clamp((input - mean) / std, -clip, clip) */
    bool normalized;    /* mean, std or clip are not what they were at the start */
    float clip;         /* 0: no clamp */

    int layers;
    amb_onnx_layer layer[AMB_NET_MAX_LAYERS];
} amb_onnx_graph;

/* One sentence, "PATH: " and, in the second, "node 'fc1' (Gemm): " before it. Both return false. */
bool amb_onnx_graph_fail(const amb_onnx_graph *g, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool amb_onnx_node_fail(const amb_onnx_graph *g, const AmbOnnx__Node *n, const char *format, ...) __attribute__((format(printf, 3, 4)));

/* "" for an absent text. */
static inline const char *amb_onnx_text(const char *text)
{
    return text ? text : "";
}

/* One operator. A handler gets the node's inputs (NULL: left out), all defined; exactly one of them, in[at], computed, or none. */
typedef struct amb_onnx_operator {
    const char *name;
    int min_inputs, max_inputs;
    const char *attributes[6]; /* those it may have; NULL ends the list */
    /* Extends the chain. NULL: the operator is read on constants only. */
    bool (*on_computed)(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, int at);
    /* Fills out->array. NULL: the operator is not read on constants alone. */
    bool (*on_constants)(amb_onnx_graph *g, const AmbOnnx__Node *n, amb_onnx_value *const *in, amb_onnx_value *out);
} amb_onnx_operator;

/* NULL where the operator is not supported. */
const amb_onnx_operator *amb_onnx_operator_find(const char *name);

/* "Add, Cast, …" */
void amb_onnx_operator_names(char *text, size_t room);

#endif
