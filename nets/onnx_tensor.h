/* Tensors of an ONNX file as checked views: an amb_onnx_array is only ever made of numbers that are really there.
 * Internal to nets/onnx_*.c. */
#ifndef AMB_NETS_ONNX_TENSOR_H
#define AMB_NETS_ONNX_TENSOR_H

#include "base/error.h"
#include "nets/onnx.pb-c.h"

#include <stddef.h>

/* ONNX's TensorProto.DataType numbers; 1 and 10 are in nets/onnx.h. */
enum { AMB_ONNX_INT64 = 7 };
enum { AMB_ONNX_MAX_RANK = 4 };

/* Files up to this size are read and written. */
#define AMB_ONNX_MAX_BYTES ((size_t)1 << 30)

typedef struct amb_onnx_array {
    int type;                      /* what an operator sees: float32, float16 or int64 */
    int stored;                    /* what is in the file; differs from `type` after a Cast */
    int rank;                      /* 0 .. AMB_ONNX_MAX_RANK */
    size_t dim[AMB_ONNX_MAX_RANK]; /* each ≥ 1 */
    size_t count;                  /* their product; so many numbers are there */
    bool transposed;               /* rank 2: dim is what an operator sees, the stored numbers have the axes the other way round */
    const uint8_t *raw;            /* little-endian, any alignment; or NULL and one of the next three: */
    const float *floats;
    const int32_t *halves; /* float16 bits, each 0 .. 65535 */
    const int64_t *ints;
} amb_onnx_array;

/* A view of a tensor. Fails (a sentence without file or tensor name) on types other than the three, more than AMB_ONNX_MAX_RANK dimensions,
 * dimensions below 1, data that does not match the dimensions, data kept in another file. */
bool amb_onnx_array_open(amb_onnx_array *array, const AmbOnnx__Tensor *tensor, amb_error *err);

/* A view of typed numbers, of rank 0 (count 1 and `scalar`) or rank 1. */
amb_onnx_array amb_onnx_array_of_floats(const float *floats, size_t count, bool scalar);
amb_onnx_array amb_onnx_array_of_ints(const int64_t *ints, size_t count, bool scalar);

/* Swaps the axes of a rank 2 view. */
void amb_onnx_array_transpose(amb_onnx_array *array);

/* All numbers of an array as an operator sees them, row-major, to out (count). */
void amb_onnx_array_floats(const amb_onnx_array *array, float *out);

/* Stored number i of an int64 array. */
int64_t amb_onnx_array_int(const amb_onnx_array *array, size_t i);

/* "float32" and so on for an ONNX data type number. */
const char *amb_onnx_type_name(int type);

/* A name out of a file, fit for a sentence: quoted, cut at 60 characters, anything but printable ASCII as '?'. */
typedef struct amb_onnx_shown {
    char text[68];
} amb_onnx_shown;
amb_onnx_shown amb_onnx_show(const char *name);

/* "(3, 4)" for a shape. */
amb_onnx_shown amb_onnx_show_shape(const amb_onnx_array *array);

/* True for well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF). */
bool amb_onnx_is_utf8(const char *text);

#endif
