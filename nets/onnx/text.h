/* Names and numbers of an ONNX file as text fit for a sentence. Internal to nets/onnx_*.c. */
#ifndef AMI_NETS_ONNX_TEXT_H
#define AMI_NETS_ONNX_TEXT_H

#include "nets/net.h"

#include <stdbool.h>
#include <stddef.h>

/* "float32" and so on for an ONNX data type number. */
const char *ami_onnx_type_name(int type);

/* A name out of a file, fit for a sentence: quoted, cut at 60 bytes, escaped as base/text.h does. */
typedef struct ami_onnx_shown {
    char text[68];
} ami_onnx_shown;
ami_onnx_shown ami_onnx_show(const char *name);

/* "(3, 4)" for a shape. */
ami_onnx_shown ami_onnx_show_dims(const size_t *dim, int rank);

/* "" for an absent text. */
static inline const char *ami_onnx_text(const char *text)
{
    return text ? text : "";
}

/* ONNX's operator for an activation, "LeakyRelu"; and back, AMI_ACTIVATIONS where there is none. */
const char *ami_onnx_activation_operator(ami_activation act);
ami_activation ami_onnx_activation_find(const char *op);

#endif
