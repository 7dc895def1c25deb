/* Where a model's bytes come from: the file itself, and files beside it that hold its larger tensors (ONNX's
 * "external data"). Internal to nets/onnx_*.c. */
#ifndef AMI_NETS_ONNX_SOURCE_H
#define AMI_NETS_ONNX_SOURCE_H

#include "base/error.h"
#include "nets/onnx/onnx.pb-c.h"

#include <stddef.h>
#include <stdint.h>

/* Files up to this size are read and written; also the limit for all external files of a model together. */
#define AMI_ONNX_MAX_BYTES ((size_t)1 << 30)

typedef struct ami_onnx_beside ami_onnx_beside;

typedef struct ami_onnx_source {
    const uint8_t *bytes; /* the model */
    size_t size;
    const char *path;        /* of the model; NULL: it came from memory, and nothing else is opened */
    ami_onnx_beside *beside; /* files opened so far, each read once */
} ami_onnx_source;

/* The bytes that a tensor's external_data names, valid until ami_onnx_source_close. Opens only regular files
 * in the model's folder or below: refuses absolute locations, "..", links that lead out, and ranges that the
 * file does not have. NULL and a sentence without the model's path on error. */
const uint8_t *ami_onnx_source_external(ami_onnx_source *source, const AmiOnnx__Tensor *tensor, size_t *size,
                                        ami_error *err);

void ami_onnx_source_close(ami_onnx_source *source);

/* A copy of a model's bytes that leaves out every long raw_data and says in its place, by view_offset and
 * view_size (nets/onnx/onnx.proto), where it lies: decoding then copies names and shapes, not weights. Never
 * longer than the original. NULL: the bytes are no message of that kind, or `*no_memory`. The caller frees
 * it. */
uint8_t *ami_onnx_scan(const uint8_t *bytes, size_t size, size_t *out_size, bool *no_memory);

#endif
