/* Names and numbers of an ONNX file as text: what error sentences are made of. Changes nothing, allocates nothing. */
#include "nets/onnx_text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

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

amb_onnx_shown amb_onnx_show_dims(const size_t *dim, int rank)
{
    amb_onnx_shown shown;
    size_t room = sizeof shown.text;
    int at = snprintf(shown.text, room, "(");
    for (int i = 0; i < rank && (size_t)at < room; i++)
        at += snprintf(shown.text + at, room - (size_t)at, "%s%zu", i ? ", " : "", dim[i]);
    if ((size_t)at < room)
        snprintf(shown.text + at, room - (size_t)at, rank == 1 ? ",)" : ")");
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

static const char *const operators[AMB_ACTIVATIONS] = {"Identity", "Relu", "LeakyRelu", "Elu", "Tanh", "Sigmoid"};

const char *amb_onnx_activation_operator(amb_activation act)
{
    return operators[act];
}

amb_activation amb_onnx_activation_find(const char *op)
{
    int act = 0;
    while (act < AMB_ACTIVATIONS && strcmp(operators[act], op) != 0)
        act++;
    return (amb_activation)act;
}
