/* Tensors of an ONNX file as checked views: an ami_onnx_array is only ever made of numbers that are really
 * there. Internal to nets/onnx_*.c. */
#ifndef AMI_NETS_ONNX_TENSOR_H
#define AMI_NETS_ONNX_TENSOR_H

#include "base/error.h"
#include "nets/onnx/onnx.pb-c.h"
#include "nets/onnx/source.h"
#include "nets/onnx/text.h"

#include <stddef.h>

/* ONNX's TensorProto.DataType numbers; 1 and 10 are in nets/onnx/onnx.h. */
enum {
    AMI_ONNX_INT8 = 3,
    AMI_ONNX_INT32 = 6,
    AMI_ONNX_INT64 = 7,
    AMI_ONNX_BOOL = 9,
    AMI_ONNX_FLOAT64 = 11,
    AMI_ONNX_BFLOAT16 = 16
};
enum { AMI_ONNX_MAX_RANK = 4, AMI_ONNX_MAX_SMALL = 8 };

typedef struct ami_onnx_array {
    int type;                      /* what an operator sees */
    int stored;                    /* what is in the file; differs from `type` after a Cast */
    int rank;                      /* 0 .. AMI_ONNX_MAX_RANK */
    size_t dim[AMI_ONNX_MAX_RANK]; /* each ≥ 1 */
    size_t count;                  /* their product; so many numbers are there */
    bool transposed;               /* rank 2: dim is what an operator sees, the stored numbers have the axes
                                      the other way round */
    bool repeated;                 /* one number is stored, and stands for all */
    uint8_t batch;                 /* bit i: number i counts batches, times an unknown number of rows (int64,
                                      AMI_ONNX_MAX_SMALL at most) */
    int unit_axis; /* int8 by units, rank 2: number i along this axis of the stored numbers has
                                      units[i], float32, any alignment; NULL: no units */
    const uint8_t *units;
    const uint8_t *raw; /* little-endian, any alignment; or NULL and one of the next: */
    const float *floats;
    const double *doubles;
    const int32_t *words; /* int32, int8, bool, or the bits of float16 and bfloat16, each 0 .. 65535 */
    const int64_t *ints;
} ami_onnx_array;

/* float32, float16, bfloat16, float64: what networks compute with. */
bool ami_onnx_is_float(int type);
/* int64 and int32: shapes. */
bool ami_onnx_is_int(int type);

/* A view of a tensor, whose bytes may lie in the source or in a file beside it. Fails (a sentence without
 * file or tensor name) on types other than those above, more than AMI_ONNX_MAX_RANK dimensions, dimensions
 * below 1, data that does not match the dimensions. */
bool ami_onnx_array_open(ami_onnx_array *array, const AmiOnnx__Tensor *tensor, ami_onnx_source *source,
                         ami_error *err);

/* A view of typed numbers, of rank 0 (count 1 and `scalar`) or rank 1. */
ami_onnx_array ami_onnx_array_of_floats(const float *floats, size_t count, bool scalar);
ami_onnx_array ami_onnx_array_of_ints(const int64_t *ints, size_t count, bool scalar);

/* Swaps the axes of a rank 2 view. */
void ami_onnx_array_transpose(ami_onnx_array *array);

/* All numbers of an array of floats or integers as an operator sees them, row-major, to out (count). A
 * float64 beyond float32 becomes an infinity. */
void ami_onnx_array_floats(const ami_onnx_array *array, float *out);

/* Unit i along the unit axis. */
float ami_onnx_array_unit(const ami_onnx_array *array, size_t i);

/* Stored number i of an array of integers or bools. */
int64_t ami_onnx_array_int(const ami_onnx_array *array, size_t i);

/* "(3, 4)" */
static inline ami_onnx_shown ami_onnx_show_shape(const ami_onnx_array *array)
{
    return ami_onnx_show_dims(array->dim, array->rank);
}

#endif
