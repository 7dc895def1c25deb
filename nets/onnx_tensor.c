/* Tensors of an ONNX file as checked views. Does not read files, converts only when asked, refuses tensors kept in other files. */
#include "nets/onnx_tensor.h"

#include "nets/half.h"
#include "nets/onnx.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "ONNX's raw_data is little-endian and is read here as it lies");

const char *amb_onnx_type_name(int type)
{
    static const char *const names[] = {"undefined", "float32", "uint8",     "int8",       "uint16",  "int16",
                                        "int32",     "int64",   "string",    "bool",       "float16", "float64",
                                        "uint32",    "uint64",  "complex64", "complex128", "bfloat16"};
    return type >= 0 && (size_t)type < sizeof names / sizeof *names ? names[type] : "a type unknown here";
}

amb_onnx_shown amb_onnx_show(const char *name)
{
    amb_onnx_shown shown;
    size_t at = 0;
    shown.text[at++] = '\'';
    for (int i = 0; name[i] && i < 60; i++)
        shown.text[at++] = name[i] >= 0x20 && name[i] < 0x7f ? name[i] : '?';
    if (strlen(name) > 60) {
        memcpy(shown.text + at, "...", 3);
        at += 3;
    }
    shown.text[at++] = '\'';
    shown.text[at] = 0;
    return shown;
}

amb_onnx_shown amb_onnx_show_shape(const amb_onnx_array *array)
{
    amb_onnx_shown shown;
    size_t room = sizeof shown.text;
    int at = snprintf(shown.text, room, "(");
    for (int i = 0; i < array->rank && (size_t)at < room; i++) {
        at += snprintf(shown.text + at, room - (size_t)at, "%s%zu", i ? ", " : "", array->dim[i]);
    }
    if ((size_t)at < room)
        snprintf(shown.text + at, room - (size_t)at, array->rank == 1 ? ",)" : ")");
    return shown;
}

bool amb_onnx_is_utf8(const char *text)
{
    const uint8_t *p = (const uint8_t *)text;
    while (*p) {
        uint32_t code = *p++;
        if (code < 0x80)
            continue;
        int more = code >= 0xc2 && code <= 0xdf ? 1 : code >= 0xe0 && code <= 0xef ? 2 : code >= 0xf0 && code <= 0xf4 ? 3 : 0;
        if (!more)
            return false;
        code &= 0x3fu >> more;
        for (int i = 0; i < more; i++, p++) {
            if ((*p & 0xc0) != 0x80)
                return false;
            code = code << 6 | (*p & 0x3fu);
        }
        if ((more == 2 && code < 0x800) || (more == 3 && (code < 0x10000 || code > 0x10ffff)))
            return false;
        if (code >= 0xd800 && code <= 0xdfff)
            return false;
    }
    return true;
}

/* Dimensions into the view, their product into count, nothing trusted. */
static bool open_dims(amb_onnx_array *array, const AmbOnnx__Tensor *tensor, amb_error *err)
{
    if (tensor->n_dims > AMB_ONNX_MAX_RANK) {
        return amb_fail(err, "has %zu dimensions, at most %d are supported", tensor->n_dims, AMB_ONNX_MAX_RANK);
    }
    array->rank = (int)tensor->n_dims;
    array->count = 1;
    for (int i = 0; i < array->rank; i++) {
        int64_t dim = tensor->dims[i];
        if (dim < 1)
            return amb_fail(err, "dimension %d is %" PRId64 ", at least 1 was expected", i, dim);
        if ((uint64_t)dim > AMB_ONNX_MAX_BYTES || __builtin_mul_overflow(array->count, (size_t)dim, &array->count) ||
            array->count > AMB_ONNX_MAX_BYTES) {
            return amb_fail(err, "its dimensions up to number %d (%" PRId64 ") claim more numbers than a file can hold", i, dim);
        }
        array->dim[i] = (size_t)dim;
    }
    return true;
}

bool amb_onnx_array_open(amb_onnx_array *array, const AmbOnnx__Tensor *tensor, amb_error *err)
{
    *array = (amb_onnx_array){.type = tensor->data_type, .stored = tensor->data_type};
    if (tensor->n_external_data > 0 || tensor->data_location != 0) {
        return amb_fail(err, "its data is external (in another file), data inside the model file was expected");
    }
    size_t width = array->type == AMB_ONNX_FLOAT32 ? 4 : array->type == AMB_ONNX_FLOAT16 ? 2 : array->type == AMB_ONNX_INT64 ? 8 : 0;
    if (width == 0) {
        return amb_fail(err, "holds %s (data type %d), float32, float16 or int64 was expected", amb_onnx_type_name(array->type),
                        array->type);
    }
    if (!open_dims(array, tensor, err))
        return false;

    size_t typed = tensor->n_float_data + tensor->n_int32_data + tensor->n_int64_data;
    if (tensor->raw_data.len > 0) {
        if (typed > 0)
            return amb_fail(err, "holds its data twice, raw and typed");
        if (tensor->raw_data.len != array->count * width) {
            return amb_fail(err, "holds %zu bytes of data, its shape %s expects %zu", tensor->raw_data.len, amb_onnx_show_shape(array).text,
                            array->count * width);
        }
        array->raw = tensor->raw_data.data;
        return true;
    }
    size_t own = array->type == AMB_ONNX_FLOAT32   ? tensor->n_float_data
                 : array->type == AMB_ONNX_FLOAT16 ? tensor->n_int32_data
                                                   : tensor->n_int64_data;
    if (own != typed)
        return amb_fail(err, "holds %s but its data is listed as another type", amb_onnx_type_name(array->type));
    if (own != array->count) {
        return amb_fail(err, "holds %zu numbers, its shape %s expects %zu", own, amb_onnx_show_shape(array).text, array->count);
    }
    array->floats = tensor->float_data;
    array->ints = tensor->int64_data;
    array->halves = tensor->int32_data;
    for (size_t i = 0; i < tensor->n_int32_data; i++) {
        if (array->halves[i] < 0 || array->halves[i] > 0xffff) {
            return amb_fail(err, "number %zu of its float16 data is %" PRId32 ", 0 to 65535 was expected", i, array->halves[i]);
        }
    }
    return true;
}

amb_onnx_array amb_onnx_array_of_floats(const float *floats, size_t count, bool scalar)
{
    int type = AMB_ONNX_FLOAT32;
    return (amb_onnx_array){.type = type, .stored = type, .rank = !scalar, .dim = {count}, .count = count, .floats = floats};
}

amb_onnx_array amb_onnx_array_of_ints(const int64_t *ints, size_t count, bool scalar)
{
    int type = AMB_ONNX_INT64;
    return (amb_onnx_array){.type = type, .stored = type, .rank = !scalar, .dim = {count}, .count = count, .ints = ints};
}

void amb_onnx_array_transpose(amb_onnx_array *array)
{
    assert(array->rank == 2);
    size_t rows = array->dim[0];
    array->dim[0] = array->dim[1];
    array->dim[1] = rows;
    array->transposed = !array->transposed;
}

int64_t amb_onnx_array_int(const amb_onnx_array *array, size_t i)
{
    assert(array->stored == AMB_ONNX_INT64 && i < array->count);
    if (!array->raw)
        return array->ints[i];
    int64_t value;
    memcpy(&value, array->raw + i * sizeof value, sizeof value);
    return value;
}

/* Stored numbers [from, from + count) as float, in stored order. */
static void stored_floats(const amb_onnx_array *array, size_t from, size_t count, float *out)
{
    if (array->stored == AMB_ONNX_FLOAT32) {
        const void *numbers = array->raw ? (const void *)(array->raw + from * sizeof(float)) : (const void *)(array->floats + from);
        memcpy(out, numbers, count * sizeof(float));
        return;
    }
    if (array->stored == AMB_ONNX_INT64) {
        for (size_t i = 0; i < count; i++)
            out[i] = (float)amb_onnx_array_int(array, from + i);
        return;
    }
    assert(array->stored == AMB_ONNX_FLOAT16);
    for (size_t i = 0; i < count; i++) {
        uint16_t half;
        if (array->raw) {
            memcpy(&half, array->raw + (from + i) * sizeof half, sizeof half);
        } else {
            half = (uint16_t)array->halves[from + i];
        }
        out[i] = amb_half_to_float(half);
    }
}

void amb_onnx_array_floats(const amb_onnx_array *array, float *out)
{
    if (!array->transposed) {
        stored_floats(array, 0, array->count, out);
        return;
    }
    /* Stored (cols, rows), wanted (rows, cols). Bands of 16 stored rows make writes of whole cache lines, pieces of 256 make long reads. */
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
