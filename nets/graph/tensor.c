/* Constants of the file as a plan holds them: float32, int64 or truth values, copied and converted. Trusts no
 * number of the file. */
#include "nets/graph/ops.h"

#include "nets/half.h"

#include <inttypes.h>

static size_t width_of(int type)
{
    switch (type) {
    case AMI_ONNX_FLOAT64:
    case AMI_ONNX_INT64:
    case AMI_ONNX_UINT64:
        return 8;
    case AMI_ONNX_FLOAT32:
    case AMI_ONNX_INT32:
    case AMI_ONNX_UINT32:
        return 4;
    case AMI_ONNX_FLOAT16:
    case AMI_ONNX_BFLOAT16:
    case AMI_ONNX_INT16:
    case AMI_ONNX_UINT16:
        return 2;
    case AMI_ONNX_BOOL:
    case AMI_ONNX_INT8:
    case AMI_ONNX_UINT8:
        return 1;
    default:
        return 0;
    }
}

size_t ami_graph_type_size(int type)
{
    return width_of(type);
}

ami_store ami_store_of(int type)
{
    if (type == AMI_ONNX_BOOL)
        return AMI_STORE_BOOL;
    if (width_of(type) == 0)
        return AMI_STORE_NONE;
    return ami_onnx_is_float(type) ? AMI_STORE_FLOAT : AMI_STORE_INT;
}

size_t ami_store_size(ami_store store)
{
    return store == AMI_STORE_FLOAT ? sizeof(float) : store == AMI_STORE_INT ? sizeof(int64_t) : 1;
}

#define LOAD(T) \
    T v;        \
    memcpy(&v, from + i * sizeof v, sizeof v)

void ami_graph_convert_in(int type, const void *bytes, size_t count, void *out)
{
    const uint8_t *from = bytes;
    float *f = out;
    int64_t *k = out;
    uint8_t *b = out;
    for (size_t i = 0; i < count; i++)
        switch (type) {
        case AMI_ONNX_FLOAT32: {
            LOAD(float);
            f[i] = v;
            break;
        }
        case AMI_ONNX_FLOAT64: {
            LOAD(double);
            f[i] = ami_to_float(v);
            break;
        }
        case AMI_ONNX_FLOAT16: {
            LOAD(uint16_t);
            f[i] = ami_half_to_float(v);
            break;
        }
        case AMI_ONNX_BFLOAT16: {
            LOAD(uint16_t);
            f[i] = ami_bfloat_to_float(v);
            break;
        }
        case AMI_ONNX_INT64:
        case AMI_ONNX_UINT64: {
            LOAD(int64_t);
            k[i] = v;
            break;
        }
        case AMI_ONNX_INT32: {
            LOAD(int32_t);
            k[i] = v;
            break;
        }
        case AMI_ONNX_UINT32: {
            LOAD(uint32_t);
            k[i] = v;
            break;
        }
        case AMI_ONNX_INT16: {
            LOAD(int16_t);
            k[i] = v;
            break;
        }
        case AMI_ONNX_UINT16: {
            LOAD(uint16_t);
            k[i] = v;
            break;
        }
        case AMI_ONNX_INT8:
            k[i] = (int8_t)from[i];
            break;
        case AMI_ONNX_UINT8:
            k[i] = from[i];
            break;
        default:
            b[i] = from[i] != 0;
        }
}
#undef LOAD

void ami_graph_convert_out(int type, const void *numbers, size_t count, void *out)
{
    const float *f = numbers;
    const int64_t *k = numbers;
    char *to = out;
    const size_t width = width_of(type);
    if (type == AMI_ONNX_FLOAT32 || type == AMI_ONNX_INT64 || type == AMI_ONNX_UINT64 ||
        type == AMI_ONNX_BOOL) {
        memcpy(out, numbers, count * width);
        return;
    }
    for (size_t i = 0; i < count; i++, to += width) {
        if (type == AMI_ONNX_FLOAT64) {
            const double v = f[i];
            memcpy(to, &v, sizeof v);
        } else if (type == AMI_ONNX_FLOAT16 || type == AMI_ONNX_BFLOAT16) {
            const uint16_t v = type == AMI_ONNX_FLOAT16 ? ami_float_to_half(f[i]) : ami_float_to_bfloat(f[i]);
            memcpy(to, &v, sizeof v);
        } else {
            memcpy(to, &k[i], width); /* little-endian: the low bytes */
        }
    }
}

/* The bytes of a tensor, wherever they lie; NULL where its numbers are listed by type. */
static bool find_raw(const ami_graph *g, const AmiOnnx__Tensor *t, bool inside, const uint8_t **raw,
                     size_t *size, ami_error *err)
{
    *raw = NULL;
    *size = 0;
    if (t->n_external_data > 0 || t->data_location != 0) {
        if (t->raw_data.len > 0 || t->has_view_size)
            return ami_fail(err, "holds its data twice, inside and external");
        *raw = ami_onnx_source_external(g->source, t, size, err);
        return *raw;
    }
    if (t->has_view_size) {
        if (inside || t->view_offset > g->source->size || t->view_size > g->source->size - t->view_offset)
            return ami_fail(err, "its data lies behind the end of the file");
        *raw = g->source->bytes + t->view_offset;
        *size = t->view_size;
        return t->raw_data.len == 0 || ami_fail(err, "holds its data twice");
    }
    if (t->raw_data.len > 0) {
        *raw = t->raw_data.data;
        *size = t->raw_data.len;
    }
    return true;
}

static bool read_dims(const AmiOnnx__Tensor *t, ami_value *v, int64_t *count, ami_error *err)
{
    if (t->n_dims > AMI_GRAPH_RANK)
        return ami_fail(err, "has %zu dimensions, at most %d are supported", t->n_dims, AMI_GRAPH_RANK);
    v->rank = (int)t->n_dims;
    *count = 1;
    for (int i = 0; i < v->rank; i++) {
        const int64_t dim = t->dims[i];
        if (dim < 0 || dim > (int64_t)AMI_ONNX_MAX_BYTES)
            return ami_fail(err, "dimension %d is %" PRId64 ", 0 to %zu was expected", i, dim,
                            AMI_ONNX_MAX_BYTES);
        if (__builtin_mul_overflow(*count, dim, count) || *count > (int64_t)AMI_ONNX_MAX_BYTES)
            return ami_fail(err, "its dimensions claim more numbers than a file can hold");
        for (int s = 0; s < AMI_GRAPH_SAMPLES; s++)
            v->dim[s][i] = dim;
    }
    return true;
}

/* Numbers that are listed by type, as bytes of that type into `out`'s store. */
static bool read_typed(const AmiOnnx__Tensor *t, int64_t count, void *out, ami_error *err)
{
    const size_t typed = t->n_float_data + t->n_double_data + t->n_int32_data + t->n_int64_data;
    const int type = t->data_type;
    const size_t own = type == AMI_ONNX_FLOAT32   ? t->n_float_data
                       : type == AMI_ONNX_FLOAT64 ? t->n_double_data
                       : type == AMI_ONNX_INT64   ? t->n_int64_data
                                                  : t->n_int32_data;
    if (type == AMI_ONNX_UINT32 || type == AMI_ONNX_UINT64)
        return count == 0 ||
               ami_fail(err, "lists %s numbers, raw data was expected", ami_onnx_type_name(type));
    if (own != typed)
        return ami_fail(err, "holds %s but its data is listed as another type", ami_onnx_type_name(type));
    if ((int64_t)own != count)
        return ami_fail(err, "holds %zu numbers, its shape expects %" PRId64, own, count);
    float *f = out;
    int64_t *k = out;
    uint8_t *b = out;
    for (size_t i = 0; i < own; i++) {
        if (type == AMI_ONNX_FLOAT32)
            f[i] = t->float_data[i];
        else if (type == AMI_ONNX_FLOAT64)
            f[i] = ami_to_float(t->double_data[i]);
        else if (type == AMI_ONNX_INT64)
            k[i] = t->int64_data[i];
        else if (type == AMI_ONNX_FLOAT16)
            f[i] = ami_half_to_float((uint16_t)t->int32_data[i]);
        else if (type == AMI_ONNX_BFLOAT16)
            f[i] = ami_bfloat_to_float((uint16_t)t->int32_data[i]);
        else if (type == AMI_ONNX_BOOL)
            b[i] = t->int32_data[i] != 0;
        else
            k[i] = t->int32_data[i];
    }
    return true;
}

bool ami_graph_read_tensor(ami_graph *g, const AmiOnnx__Tensor *tensor, bool inside, ami_value *v,
                           ami_error *err)
{
    const size_t width = width_of(tensor->data_type);
    int64_t count = 0;
    const uint8_t *raw;
    size_t size;
    if (width == 0)
        return ami_fail(err, "holds %s (data type %d), floats, integers or bool were expected",
                        ami_onnx_type_name(tensor->data_type), tensor->data_type);
    if (!read_dims(tensor, v, &count, err) || !find_raw(g, tensor, inside, &raw, &size, err))
        return false;
    const size_t typed =
        tensor->n_float_data + tensor->n_double_data + tensor->n_int32_data + tensor->n_int64_data;
    if (raw && typed > 0)
        return ami_fail(err, "holds its data twice, raw and typed");
    if (raw && size != (size_t)count * width)
        return ami_fail(err, "holds %zu bytes of data, its shape expects %zu", size, (size_t)count * width);
    if (!raw && typed == 0 && count > 0)
        return ami_fail(err, "holds no data, its shape expects %" PRId64 " numbers", count);
    v->type = tensor->data_type;
    v->constant = v->from_file = true;
    void *data = ami_graph_keep(g, ((size_t)count + 1) * ami_store_size(ami_store_of(v->type)));
    if (!data)
        return ami_fail(err, "not enough memory");
    for (int s = 0; s < AMI_GRAPH_SAMPLES; s++)
        v->data[s] = data;
    if (!raw && !read_typed(tensor, count, data, err))
        return false;
    if (raw)
        ami_graph_convert_in(v->type, raw, (size_t)count, data);
    /* A single NaN is a Where's other branch, as JAX has it; weights are looked at again where they are used.
     * */
    for (int64_t i = 0; ami_onnx_is_float(v->type) && count > 1 && i < count; i++)
        if (isnan(((const float *)data)[i]))
            return ami_fail(err, "number %" PRId64 " is not a number", i);
    return true;
}
