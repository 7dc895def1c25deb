/* The structure of an ONNX file, decoded within a budget of memory. Internal to nets/onnx and nets/graph. */
#ifndef AMI_NETS_ONNX_DECODE_H
#define AMI_NETS_ONNX_DECODE_H

#include "nets/onnx/source.h"

typedef struct ami_onnx_decoded {
    AmiOnnx__Model *model; /* NULL: nothing to free */
    ProtobufCAllocator allocator;
    size_t left; /* bytes of the budget */
    bool exceeded, no_memory;
} ami_onnx_decoded;

/* The file's structure; its long data stay where they are (ami_onnx_scan). NULL and a sentence that begins
 * with `name` when it is none, or when decoding takes more memory than a file of that size can need. The
 * model lives until ami_onnx_decoded_free, which is called in every case. */
AmiOnnx__Model *ami_onnx_decode(ami_onnx_decoded *decoded, const ami_onnx_source *source, const char *name,
                                ami_error *err);
void ami_onnx_decoded_free(ami_onnx_decoded *decoded);

/* A graph that an attribute holds as bytes, out of the same budget; NULL where they are none. The caller
 * frees it with decoded->allocator. */
AmiOnnx__Graph *ami_onnx_decode_graph(ami_onnx_decoded *decoded, const void *bytes, size_t size);

#endif
