/* Names and numbers of an ONNX file as text: what error sentences are made of. Changes nothing, allocates
 * nothing. */
#include "nets/onnx/text.h"

#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

const char *ami_onnx_type_name(int type)
{
    static const char *const names[] = {
        "undefined", "float32", "uint8",   "int8",   "uint16", "int16",     "int32",      "int64",   "string",
        "bool",      "float16", "float64", "uint32", "uint64", "complex64", "complex128", "bfloat16"};
    return type >= 0 && (size_t)type < sizeof names / sizeof *names ? names[type] : "a type unknown here";
}

ami_onnx_shown ami_onnx_show(const char *name)
{
    enum { MOST = 60, LONGEST_ESCAPE = 16 };
    ami_onnx_shown shown;
    char cut[MOST + 1], longer[MOST + LONGEST_ESCAPE + 1];
    ami_text_escape(name, cut, sizeof cut);
    ami_text_escape(name, longer, sizeof longer);
    snprintf(shown.text, sizeof shown.text, "'%s%s'", cut, strlen(longer) > strlen(cut) ? "..." : "");
    return shown;
}

ami_onnx_shown ami_onnx_show_dims(const size_t *dim, int rank)
{
    ami_onnx_shown shown;
    size_t room = sizeof shown.text;
    int at = snprintf(shown.text, room, "(");
    for (int i = 0; i < rank && (size_t)at < room; i++)
        at += snprintf(shown.text + at, room - (size_t)at, "%s%zu", i ? ", " : "", dim[i]);
    if ((size_t)at < room)
        snprintf(shown.text + at, room - (size_t)at, rank == 1 ? ",)" : ")");
    return shown;
}

static const char *const operators[AMI_ACTIVATIONS] = {"Identity", "Relu", "LeakyRelu",
                                                       "Elu",      "Tanh", "Sigmoid"};

const char *ami_onnx_activation_operator(ami_activation act)
{
    return operators[act];
}

ami_activation ami_onnx_activation_find(const char *op)
{
    int act = 0;
    while (act < AMI_ACTIVATIONS && strcmp(operators[act], op) != 0)
        act++;
    return (ami_activation)act;
}
