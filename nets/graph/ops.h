/* The operators' codes and what their files share. Internal to nets/graph. */
#ifndef AMI_NETS_GRAPH_OPS_H
#define AMI_NETS_GRAPH_OPS_H

#include "nets/graph/internal.h"
#include "nets/onnx/onnx.h"

#include <math.h>
#include <string.h>

enum {
    AMI_ONNX_UINT8 = 2,
    AMI_ONNX_UINT16 = 4,
    AMI_ONNX_INT16 = 5,
    AMI_ONNX_UINT32 = 12,
    AMI_ONNX_UINT64 = 13
};

enum {
    AMI_UNARY_IDENTITY,
    AMI_UNARY_RELU,
    AMI_UNARY_LEAKY,
    AMI_UNARY_ELU,
    AMI_UNARY_SELU,
    AMI_UNARY_CELU,
    AMI_UNARY_GELU,
    AMI_UNARY_GELU_TANH,
    AMI_UNARY_SIGMOID,
    AMI_UNARY_HARD_SIGMOID,
    AMI_UNARY_HARD_SWISH,
    AMI_UNARY_SWISH,
    AMI_UNARY_MISH,
    AMI_UNARY_SOFTPLUS,
    AMI_UNARY_SOFTSIGN,
    AMI_UNARY_TANH,
    AMI_UNARY_ERF,
    AMI_UNARY_THRESHOLDED,
    AMI_UNARY_SHRINK,
    AMI_UNARY_SQRT,
    AMI_UNARY_EXP,
    AMI_UNARY_LOG,
    AMI_UNARY_ABS,
    AMI_UNARY_NEG,
    AMI_UNARY_RECIPROCAL,
    AMI_UNARY_SIN,
    AMI_UNARY_COS,
    AMI_UNARY_TAN,
    AMI_UNARY_ASIN,
    AMI_UNARY_ACOS,
    AMI_UNARY_ATAN,
    AMI_UNARY_SINH,
    AMI_UNARY_COSH,
    AMI_UNARY_ASINH,
    AMI_UNARY_ACOSH,
    AMI_UNARY_ATANH,
    AMI_UNARY_FLOOR,
    AMI_UNARY_CEIL,
    AMI_UNARY_ROUND,
    AMI_UNARY_SIGN,
    AMI_UNARY_AFFINE /* a v + b: Affine, ScaledTanh's cousin among the activations of LSTM and GRU */
};

enum {
    AMI_PAIR_FIRST,
    AMI_PAIR_ADD,
    AMI_PAIR_SUB,
    AMI_PAIR_MUL,
    AMI_PAIR_DIV,
    AMI_PAIR_MIN,
    AMI_PAIR_MAX,
    AMI_PAIR_POW,
    AMI_PAIR_MOD,
    AMI_PAIR_FMOD,
    AMI_PAIR_PRELU,
    AMI_PAIR_EQUAL,
    AMI_PAIR_LESS,
    AMI_PAIR_LESS_EQUAL,
    AMI_PAIR_GREATER,
    AMI_PAIR_GREATER_EQUAL,
    AMI_PAIR_AND,
    AMI_PAIR_OR,
    AMI_PAIR_XOR,
    AMI_MANY_MEAN
};

/* AttributeProto.AttributeType */
enum { AMI_ATTRIBUTE_FLOAT = 1, AMI_ATTRIBUTE_INT = 2 };

enum { AMI_IS_NAN, AMI_IS_INF };

/* p.axis of an AMI_OP_ALIAS operator that has to move numbers after all. */
enum { AMI_ALIAS_NOT = -1000 };
enum { AMI_CAST_TO, AMI_CAST_LIKE };

/* A function of one number on n of them; x and y may be the same. */
void ami_unary(int code, float a, float b, int64_t n, const float *x, float *y);

/* Nearest float; infinite beyond its range, which a cast leaves undefined. */
static inline float ami_to_float(double v)
{
    return v >= 0x1.ffffffp127 ? INFINITY : v <= -0x1.ffffffp127 ? -INFINITY : (float)v;
}

/* Towards zero; 0 for NaN, the nearest end beyond int64. */
static inline int64_t ami_to_int(double v)
{
    return v != v ? 0 : v >= 0x1p63 ? INT64_MAX : v < -0x1p63 ? INT64_MIN : (int64_t)v;
}

/* The first input's bytes as they are. */
static inline bool ami_run_copy(const ami_call *c)
{
    const size_t size = ami_store_size(ami_store_of(c->out[0].type));
    memcpy(c->out[0].data, c->in[0].data, (size_t)ami_view_count(&c->out[0]) * size);
    return true;
}

static inline void ami_strides_of(const ami_view *v, int64_t stride[AMI_GRAPH_RANK])
{
    int64_t step = 1;
    for (int i = v->rank - 1; i >= 0; i--) {
        stride[i] = step;
        step *= v->dim[i];
    }
}

/* Numbers before an axis, and from it on. */
static inline int64_t ami_outer_of(const ami_view *v, int axis)
{
    int64_t n = 1;
    for (int i = 0; i < axis; i++)
        n *= v->dim[i];
    return n;
}

static inline int64_t ami_inner_of(const ami_view *v, int axis)
{
    int64_t n = 1;
    for (int i = axis; i < v->rank; i++)
        n *= v->dim[i];
    return n;
}

extern const ami_op ami_ops_elementwise[], ami_ops_shape[], ami_ops_gather[], ami_ops_constant[],
    ami_ops_reduce[], ami_ops_dense[], ami_ops_conv[], ami_ops_rnn[];
extern const int ami_ops_elementwise_count, ami_ops_shape_count, ami_ops_gather_count, ami_ops_constant_count,
    ami_ops_reduce_count, ami_ops_dense_count, ami_ops_conv_count, ami_ops_rnn_count;

#endif
