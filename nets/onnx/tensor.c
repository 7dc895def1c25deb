/* Tensors of an ONNX file as checked views. Converts only when asked, refuses strings, complex numbers and
 * the integers that no network's weights or shapes are made of. */
#include "nets/onnx/tensor.h"

#include "nets/half.h"
#include "nets/kernels/vector.h"
#include "nets/onnx/onnx.h"

#include <assert.h>
#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "ONNX's raw_data is little-endian and is read here as it lies");

bool ami_onnx_is_float(int type)
{
    return type == AMI_ONNX_FLOAT32 || type == AMI_ONNX_FLOAT16 || type == AMI_ONNX_BFLOAT16 ||
           type == AMI_ONNX_FLOAT64;
}

bool ami_onnx_is_int(int type)
{
    return type == AMI_ONNX_INT64 || type == AMI_ONNX_INT32;
}

/* Bytes of a number in raw_data, 0 for types that are not read. */
static size_t width_of(int type)
{
    switch (type) {
    case AMI_ONNX_FLOAT64:
    case AMI_ONNX_INT64:
        return 8;
    case AMI_ONNX_FLOAT32:
    case AMI_ONNX_INT32:
        return 4;
    case AMI_ONNX_FLOAT16:
    case AMI_ONNX_BFLOAT16:
        return 2;
    case AMI_ONNX_BOOL:
    case AMI_ONNX_INT8:
        return 1;
    default:
        return 0;
    }
}

/* Dimensions into the view, their product into count, nothing trusted. */
static bool open_dims(ami_onnx_array *array, const AmiOnnx__Tensor *tensor, ami_error *err)
{
    if (tensor->n_dims > AMI_ONNX_MAX_RANK) {
        return ami_fail(err, "has %zu dimensions, at most %d are supported", tensor->n_dims,
                        AMI_ONNX_MAX_RANK);
    }
    array->rank = (int)tensor->n_dims;
    array->count = 1;
    for (int i = 0; i < array->rank; i++) {
        int64_t dim = tensor->dims[i];
        if (dim < 1)
            return ami_fail(err, "dimension %d is %" PRId64 ", at least 1 was expected", i, dim);
        if ((uint64_t)dim > AMI_ONNX_MAX_BYTES ||
            __builtin_mul_overflow(array->count, (size_t)dim, &array->count) ||
            array->count > AMI_ONNX_MAX_BYTES) {
            return ami_fail(
                err, "its dimensions up to number %d (%" PRId64 ") claim more numbers than a file can hold",
                i, dim);
        }
        array->dim[i] = (size_t)dim;
    }
    return true;
}

/* The bytes of a tensor that has some, wherever they lie; *raw stays NULL where its numbers are listed by
 * type instead. */
static bool find_raw(const AmiOnnx__Tensor *tensor, ami_onnx_source *source, const uint8_t **raw,
                     size_t *size, ami_error *err)
{
    *raw = NULL;
    if (tensor->n_external_data > 0 || tensor->data_location != 0) {
        if (tensor->raw_data.len > 0 || tensor->has_view_size)
            return ami_fail(err, "holds its data twice, inside and external");
        *raw = ami_onnx_source_external(source, tensor, size, err);
        return *raw;
    }
    if (tensor->has_view_size) {
        if (tensor->view_offset > source->size || tensor->view_size > source->size - tensor->view_offset)
            /* the scan makes no such view */
            return ami_fail(err, "its data lies behind the end of the file");
        *raw = source->bytes + tensor->view_offset;
        *size = tensor->view_size;
        return tensor->raw_data.len == 0 || ami_fail(err, "holds its data twice");
    }
    if (tensor->raw_data.len > 0) {
        *raw = tensor->raw_data.data;
        *size = tensor->raw_data.len;
    }
    return true;
}

/* The list of numbers that goes with the type; fails on numbers in any other. */
static bool open_typed(ami_onnx_array *array, const AmiOnnx__Tensor *tensor, ami_error *err)
{
    size_t typed = tensor->n_float_data + tensor->n_double_data + tensor->n_int32_data + tensor->n_int64_data;
    size_t own = array->type == AMI_ONNX_FLOAT32   ? tensor->n_float_data
                 : array->type == AMI_ONNX_FLOAT64 ? tensor->n_double_data
                 : array->type == AMI_ONNX_INT64   ? tensor->n_int64_data
                                                   : tensor->n_int32_data;
    if (own != typed)
        return ami_fail(err, "holds %s but its data is listed as another type",
                        ami_onnx_type_name(array->type));
    if (own != array->count) {
        return ami_fail(err, "holds %zu numbers, its shape %s expects %zu", own,
                        ami_onnx_show_shape(array).text, array->count);
    }
    array->floats = tensor->float_data;
    array->doubles = tensor->double_data;
    array->ints = tensor->int64_data;
    array->words = tensor->int32_data;
    const bool int8 = array->type == AMI_ONNX_INT8;
    const int32_t least = int8 ? -128 : 0, most = int8 ? 127 : 0xffff;
    if (!int8 && array->type != AMI_ONNX_FLOAT16 && array->type != AMI_ONNX_BFLOAT16)
        return true;
    for (size_t i = 0; i < array->count; i++) {
        if (array->words[i] < least || array->words[i] > most) {
            return ami_fail(
                err, "number %zu of its %s data is %" PRId32 ", %" PRId32 " to %" PRId32 " was expected", i,
                ami_onnx_type_name(array->type), array->words[i], least, most);
        }
    }
    return true;
}

bool ami_onnx_array_open(ami_onnx_array *array, const AmiOnnx__Tensor *tensor, ami_onnx_source *source,
                         ami_error *err)
{
    *array = (ami_onnx_array){.type = tensor->data_type, .stored = tensor->data_type};
    size_t width = width_of(array->type), size = 0;
    if (width == 0) {
        return ami_fail(err,
                        "holds %s (data type %d), float32, float16, bfloat16, float64, int8, int32, int64 or "
                        "bool was expected",
                        ami_onnx_type_name(array->type), array->type);
    }
    if (!open_dims(array, tensor, err) || !find_raw(tensor, source, &array->raw, &size, err))
        return false;
    if (!array->raw)
        return open_typed(array, tensor, err);
    if (tensor->n_float_data + tensor->n_double_data + tensor->n_int32_data + tensor->n_int64_data > 0)
        return ami_fail(err, "holds its data twice, raw and typed");
    if (size != array->count * width) {
        return ami_fail(err, "holds %zu bytes of data, its shape %s expects %zu", size,
                        ami_onnx_show_shape(array).text, array->count * width);
    }
    return true;
}

ami_onnx_array ami_onnx_array_of_floats(const float *floats, size_t count, bool scalar)
{
    int type = AMI_ONNX_FLOAT32;
    return (ami_onnx_array){
        .type = type, .stored = type, .rank = !scalar, .dim = {count}, .count = count, .floats = floats};
}

ami_onnx_array ami_onnx_array_of_ints(const int64_t *ints, size_t count, bool scalar)
{
    int type = AMI_ONNX_INT64;
    return (ami_onnx_array){
        .type = type, .stored = type, .rank = !scalar, .dim = {count}, .count = count, .ints = ints};
}

void ami_onnx_array_transpose(ami_onnx_array *array)
{
    assert(array->rank == 2);
    size_t rows = array->dim[0];
    array->dim[0] = array->dim[1];
    array->dim[1] = rows;
    array->transposed = !array->transposed;
}

int64_t ami_onnx_array_int(const ami_onnx_array *array, size_t i)
{
    assert(i < array->count);
    if (array->repeated)
        i = 0;
    if (array->stored == AMI_ONNX_INT64) {
        int64_t value;
        memcpy(&value, array->raw ? array->raw + i * sizeof value : (const uint8_t *)(array->ints + i),
               sizeof value);
        return value;
    }
    if (array->stored == AMI_ONNX_INT8 && array->raw)
        return (int8_t)array->raw[i];
    if (array->stored == AMI_ONNX_BOOL && array->raw)
        return array->raw[i] != 0;
    assert(array->stored == AMI_ONNX_INT32 || array->stored == AMI_ONNX_BOOL ||
           array->stored == AMI_ONNX_INT8);
    int32_t value;
    memcpy(&value, array->raw ? array->raw + i * sizeof value : (const uint8_t *)(array->words + i),
           sizeof value);
    return value;
}

float ami_onnx_array_unit(const ami_onnx_array *array, size_t i)
{
    float unit;
    memcpy(&unit, array->units + i * sizeof unit, sizeof unit);
    return unit;
}

static float double_to_float(double value)
{
    /* 2^128 - 2^103: from here on rounding to nearest leaves float's range, and what the cast does is not
     * defined */
    const double limit = 0x1.ffffffp127;
    return value >= limit ? INFINITY : value <= -limit ? -INFINITY : (float)value;
}

AMI_VECTOR_CLONES static void halves_to_floats(const uint8_t *raw, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) {
        uint16_t bits;
        memcpy(&bits, raw + i * sizeof bits, sizeof bits);
        out[i] = ami_half_to_float(bits);
    }
}

AMI_VECTOR_CLONES static void bytes_to_floats(const int8_t *raw, size_t count, float unit, float *out)
{
    for (size_t i = 0; i < count; i++)
        out[i] = (float)raw[i] * unit;
}

AMI_VECTOR_CLONES static void times_units(const uint8_t *units, size_t count, float *out)
{
    for (size_t i = 0; i < count; i++) {
        float unit;
        memcpy(&unit, units + i * sizeof unit, sizeof unit);
        out[i] *= unit;
    }
}

/* Numbers [from, from + count) of int8 in the file's bytes, times their units. */
static void int8_floats(const ami_onnx_array *array, size_t from, size_t count, float *out)
{
    const int8_t *raw = (const int8_t *)array->raw + from;
    if (!array->units) {
        bytes_to_floats(raw, count, 1, out);
        return;
    }
    const size_t cols = array->dim[array->transposed ? 0 : 1];
    size_t row = from / cols, col = from % cols;
    for (size_t i = 0; i < count; row++, col = 0) {
        const size_t n = cols - col < count - i ? cols - col : count - i;
        bytes_to_floats(raw + i, n, array->unit_axis ? 1 : ami_onnx_array_unit(array, row), out + i);
        if (array->unit_axis)
            times_units(array->units + col * sizeof(float), n, out + i);
        i += n;
    }
}

/* Stored numbers [from, from + count) as float, in stored order. */
static void stored_floats(const ami_onnx_array *array, size_t from, size_t count, float *out)
{
    switch (array->stored) {
    case AMI_ONNX_FLOAT32:
        memcpy(out, array->raw ? array->raw + from * sizeof(float) : (const uint8_t *)(array->floats + from),
               count * sizeof(float));
        return;
    case AMI_ONNX_FLOAT64:
        for (size_t i = 0; i < count; i++) {
            double value;
            memcpy(&value,
                   array->raw ? array->raw + (from + i) * sizeof value
                              : (const uint8_t *)(array->doubles + from + i),
                   sizeof value);
            out[i] = double_to_float(value);
        }
        return;
    case AMI_ONNX_FLOAT16:
    case AMI_ONNX_BFLOAT16:
        if (array->raw && array->stored == AMI_ONNX_FLOAT16) {
            halves_to_floats(array->raw + from * sizeof(uint16_t), count, out);
            return;
        }
        for (size_t i = 0; i < count; i++) {
            uint16_t bits;
            if (array->raw) {
                memcpy(&bits, array->raw + (from + i) * sizeof bits, sizeof bits);
            } else {
                bits = (uint16_t)array->words[from + i];
            }
            out[i] = array->stored == AMI_ONNX_FLOAT16 ? ami_half_to_float(bits) : ami_bfloat_to_float(bits);
        }
        return;
    default:
        if (array->raw && array->stored == AMI_ONNX_INT8) {
            int8_floats(array, from, count, out);
            return;
        }
        for (size_t i = 0; i < count; i++)
            out[i] = (float)ami_onnx_array_int(array, from + i);
        if (array->units) {
            const size_t cols = array->dim[array->transposed ? 0 : 1];
            for (size_t i = 0; i < count; i++)
                out[i] *=
                    ami_onnx_array_unit(array, array->unit_axis ? (from + i) % cols : (from + i) / cols);
        }
    }
}

void ami_onnx_array_floats(const ami_onnx_array *array, float *out)
{
    if (array->repeated) {
        stored_floats(array, 0, 1, out);
        for (size_t i = 1; i < array->count; i++)
            out[i] = out[0];
        return;
    }
    if (!array->transposed) {
        stored_floats(array, 0, array->count, out);
        return;
    }
    /* Stored (cols, rows), needed (rows, cols). Bands of 16 stored rows make writes of whole cache lines,
     * pieces of 256 make long reads. */
    enum { BAND = 16, PIECE = 256 };
    size_t rows = array->dim[0], cols = array->dim[1];
    float tile[BAND][PIECE];
    for (size_t c = 0; c < cols; c += BAND) {
        size_t band = cols - c < BAND ? cols - c : BAND;
        for (size_t r = 0; r < rows; r += PIECE) {
            size_t piece = rows - r < PIECE ? rows - r : PIECE;
            for (size_t i = 0; i < band; i++)
                stored_floats(array, (c + i) * rows + r, piece, tile[i]);
            for (size_t j = 0; j < piece; j++) {
                for (size_t i = 0; i < band; i++)
                    out[(r + j) * cols + c + i] = tile[i][j];
            }
        }
    }
}
