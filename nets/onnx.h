/* ONNX in and out, through protobuf-c and a schema of our own wording (nets/onnx.proto, the official field numbers).
 *
 * Read: one chain from one input (batch, features), float32, to one output, in operator set 9 or newer:
 *   before the first layer, optional: Sub, Add, Div, Mul by constants, then Clip to [-c, c], composed to the net's normaliser;
 *   layers: Gemm (transA 0, transB 0 or 1, alpha and beta folded in) or MatMul; Add, Sub, Mul, Div by constants behind one are folded into
 *   it; then optionally Relu. Identity, Cast to float32, and Flatten and Reshape that keep (batch, features) may stand anywhere.
 * Constants: initialisers or Constant nodes, float32 or float16 (through Cast), raw or typed, also behind Identity and Transpose.
 * Everything else is refused by operator and node name. The file's size, every dimension and every offset is checked before it is trusted:
 * a malformed file gets a sentence, never a crash or a huge allocation. A file cut off exactly between two metadata entries cannot be told
 * from one that never had more; writing is atomic for that reason. */
#ifndef AMB_NETS_ONNX_H
#define AMB_NETS_ONNX_H

#include "nets/net.h"

typedef enum amb_onnx_dtype { AMB_ONNX_FLOAT32 = 1, AMB_ONNX_FLOAT16 = 10 } amb_onnx_dtype; /* ONNX's TensorProto.DataType numbers */

/* Reads PATH (1 GiB at most), every sentence of error beginning with it. The net is the caller's to destroy; NULL on error. */
amb_net *amb_onnx_read(const char *path, amb_error *err);

/* Writes PATH atomically (base/file.h), input "input" (batch, dim[0]), output "output" (batch, dim[layers]), float. Weights and biases are
 * stored as `dtype` (float16: initialiser + Cast node, rounded to nearest even; refused with a sentence where a value overflows float16);
 * the normaliser always as float. Opset 13, so that ONNX Runtime and others load it. Refuses what could not be read back: numbers that are
 * not finite, standard deviations that are not positive, metadata that is not UTF-8. */
bool amb_onnx_write(const char *path, const amb_net *net, amb_onnx_dtype dtype, amb_error *err);

#endif
