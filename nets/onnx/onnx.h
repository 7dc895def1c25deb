/* ONNX in and out, through protobuf-c and a schema of our own wording (nets/onnx/onnx.proto, the official
 * field numbers).
 *
 * Read, in operator set 9 or newer: one chain from one input (batch, features) to one output, or to several
 * that are linear layers of the same last hidden tensor:
 *   before the first layer, optional: Sub, Add, Div, Mul by constants, then Clip, Min and Max to [-c, c],
 *   composed to the net's normaliser;
 *   layers: Gemm (transA 0, transB 0 or 1, alpha and beta folded in) or MatMul; Add, Sub, Mul, Div by
 *   constants behind one are folded into
 *   it; then optionally Relu, LeakyRelu, Elu, Tanh or Sigmoid, except before several outputs.
 * The input, and each output, may have up to AMI_NET_MAX_RANK dimensions besides the batch (net->in_shape,
 * net->head[].shape); Flatten, Reshape, Squeeze, Unsqueeze and Transpose may stand anywhere if they keep a
 * row's numbers in order; the shapes may be worked out by Shape, Gather, Concat, Slice, Cast, Squeeze,
 * Unsqueeze and integer arithmetic from the input's. An output of shape (batch) is read as (batch, 1).
 * Identity, Dropout (as in inference), Cast, CastLike, and factors of 1 or terms of 0 may stand anywhere.
 * Constants: initialisers, Constant or ConstantOfShape nodes, raw or typed, also behind Identity, Reshape and
 * Transpose; int8 matrices behind DequantizeLinear, or Cast and Mul, with one float32 for each row or column.
 * Floats: float32, float16, bfloat16 or float64, for constants, inputs and outputs; the net computes in
 * float32 whatever they are, so a Cast to a narrower one rounds nothing. A float64 weight beyond float32 is
 * refused. External data: in regular files in the model's folder or below; absolute locations, "..", links
 * that lead out of it, and offsets or lengths that do not fit are refused. Everything else is refused by
 * operator and node name. The file's size, every dimension and every offset is checked before it is trusted:
 * a malformed file gets a sentence, never a crash or a huge allocation. A file cut off exactly between two
 * metadata entries cannot be distinguished from one that never had more; writing is atomic for that reason.
 */
#ifndef AMI_NETS_ONNX_ONNX_H
#define AMI_NETS_ONNX_ONNX_H

#include "nets/net.h"

/* ONNX's TensorProto.DataType numbers */
typedef enum ami_onnx_dtype { AMI_ONNX_FLOAT32 = 1, AMI_ONNX_FLOAT16 = 10 } ami_onnx_dtype;

/* Reads PATH (1 GiB at most), every sentence of error beginning with it. The net is the caller's to destroy;
 * NULL on error. Outputs keep their names and order as net->head[]. */
ami_net *ami_onnx_read(const char *path, ami_error *err);

/* The same from `size` bytes, called `name` in sentences. External data is refused: memory has no folder. */
ami_net *ami_onnx_read_memory(const void *bytes, size_t size, const char *name, ami_error *err);

/* Writes PATH atomically (base/file.h), float: an input (batch, in_shape...), named as net->in_name or,
 * where it has none, "input"; an output (batch, shape...) for each head, named as the head or, where it
 * has no name, "output" ("output1" and so on where there are several). Weights and biases are stored as
 * `dtype` (float16: initialiser + Cast node, rounded to nearest even; refused with a sentence where a
 * value overflows float16); weights of layers that have units (ami_net_units) as int8 behind a Cast and a
 * Mul, their biases and the normaliser always as float. Calibration rows and rounding errors travel as
 * metadata (nets/onnx/calibration.h; the reader takes them back into the net). Opset 13, so that ONNX
 * Runtime and others load it. Refuses what could not be read back: numbers that are not finite, standard
 * deviations that are not positive, metadata or names that are not UTF-8, outputs of the same name. */
AMI_MUST_CHECK bool ami_onnx_write(const char *path, const ami_net *net, ami_onnx_dtype dtype,
                                   ami_error *err);

#endif
