/* The operators' codes and what their files share. Internal to nets/graph. */
#ifndef AMI_NETS_GRAPH_OPS_H
#define AMI_NETS_GRAPH_OPS_H

#include "nets/graph/internal.h"
#include "nets/onnx/onnx.h"

#include <math.h>
#include <string.h>

enum { ONNX_UINT8 = 2, ONNX_INT8 = 3, ONNX_UINT16 = 4, ONNX_INT16 = 5, ONNX_UINT32 = 12, ONNX_UINT64 = 13 };

enum {
    UNARY_IDENTITY,
    UNARY_RELU,
    UNARY_LEAKY,
    UNARY_ELU,
    UNARY_SELU,
    UNARY_CELU,
    UNARY_GELU,
    UNARY_GELU_TANH,
    UNARY_SIGMOID,
    UNARY_HARD_SIGMOID,
    UNARY_HARD_SWISH,
    UNARY_SWISH,
    UNARY_MISH,
    UNARY_SOFTPLUS,
    UNARY_SOFTSIGN,
    UNARY_TANH,
    UNARY_ERF,
    UNARY_THRESHOLDED,
    UNARY_SHRINK,
    UNARY_SQRT,
    UNARY_EXP,
    UNARY_LOG,
    UNARY_ABS,
    UNARY_NEG,
    UNARY_RECIPROCAL,
    UNARY_SIN,
    UNARY_COS,
    UNARY_TAN,
    UNARY_ASIN,
    UNARY_ACOS,
    UNARY_ATAN,
    UNARY_SINH,
    UNARY_COSH,
    UNARY_ASINH,
    UNARY_ACOSH,
    UNARY_ATANH,
    UNARY_FLOOR,
    UNARY_CEIL,
    UNARY_ROUND,
    UNARY_SIGN,
    UNARY_AFFINE /* a v + b: Affine, ScaledTanh's cousin among the activations of LSTM and GRU */
};

enum {
    PAIR_FIRST,
    PAIR_ADD,
    PAIR_SUB,
    PAIR_MUL,
    PAIR_DIV,
    PAIR_MIN,
    PAIR_MAX,
    PAIR_POW,
    PAIR_MOD,
    PAIR_FMOD,
    PAIR_PRELU,
    PAIR_EQUAL,
    PAIR_LESS,
    PAIR_LESS_EQUAL,
    PAIR_GREATER,
    PAIR_GREATER_EQUAL,
    PAIR_AND,
    PAIR_OR,
    PAIR_XOR,
    MANY_MEAN
};

/* AttributeProto.AttributeType */
enum { AMI_ATTRIBUTE_FLOAT = 1, AMI_ATTRIBUTE_INT = 2 };

enum { IS_NAN, IS_INF };

/* p.axis of an OP_ALIAS operator that has to move numbers after all. */
enum { ALIAS_NOT = -1000 };
enum { CAST_TO, CAST_LIKE };

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

extern const ami_op ami_ops_elementwise[], ami_ops_shape[], ami_ops_reduce[], ami_ops_dense[], ami_ops_conv[],
    ami_ops_rnn[];
extern const int ami_ops_elementwise_count, ami_ops_shape_count, ami_ops_reduce_count, ami_ops_dense_count,
    ami_ops_conv_count, ami_ops_rnn_count;

#endif
