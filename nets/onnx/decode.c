/* Decodes an ONNX file's structure: scans the bytes, so that long data stay where they are, and has
 * protobuf-c decode what is left.
 *
 * Memory is bounded by the file's size, whatever the file claims. */
#include "nets/onnx/decode.h"

#include <stdlib.h>

/* protobuf-c's memory comes out of a budget in proportion to the file: a few bytes can stand for a large
 * structure. */
static void *budget_alloc(void *data, size_t size)
{
    ami_onnx_decoded *d = data;
    d->exceeded |= size > d->left;
    if (d->exceeded)
        return NULL;
    d->left -= size;
    void *block = malloc(size);
    d->no_memory |= !block && size > 0;
    return block;
}

static void budget_free(void *data, void *pointer)
{
    (void)data;
    free(pointer);
}

AmiOnnx__Model *ami_onnx_decode(ami_onnx_decoded *decoded, const ami_onnx_source *source, const char *name,
                                ami_error *err)
{
    /* 4: float16 bits as one-byte varints become four bytes. The rest: some 40 bytes for each field while its
     * message is being decoded. */
    const size_t extra = (size_t)256 << 20, size = source->size;
    *decoded = (ami_onnx_decoded){.left = 4 * size + (size < extra / 32 ? 32 * size : extra) + (1 << 20)};
    decoded->allocator = (ProtobufCAllocator){budget_alloc, budget_free, decoded};
    size_t left = 0;
    bool no_memory = false;
    uint8_t *scanned = size > 0 ? ami_onnx_scan(source->bytes, size, &left, &no_memory) : NULL;
    decoded->model = scanned ? ami_onnx__model__unpack(&decoded->allocator, left, scanned) : NULL;
    free(scanned);
    if (size == 0) {
        ami_fail(err, "%s: is empty, an ONNX model was expected", name);
    } else if (no_memory || decoded->no_memory) {
        ami_fail(err, "%s: not enough memory", name);
    } else if (decoded->exceeded) {
        ami_fail(err, "%s: decoding its %zu bytes takes more memory than a model of that size can need", name,
                 size);
    } else if (!decoded->model) {
        ami_fail(err,
                 "%s: its %zu bytes cannot be decoded: not an ONNX model, or one that is damaged or was cut "
                 "off",
                 name, size);
    }
    return decoded->model;
}

void ami_onnx_decoded_free(ami_onnx_decoded *decoded)
{
    ami_onnx__model__free_unpacked(decoded->model, &decoded->allocator);
    decoded->model = NULL;
}

AmiOnnx__Graph *ami_onnx_decode_graph(ami_onnx_decoded *decoded, const void *bytes, size_t size)
{
    return ami_onnx__graph__unpack(&decoded->allocator, size, bytes);
}
