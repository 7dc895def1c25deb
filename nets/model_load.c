/* A model from an ONNX file: apart from model.c, so that a program that makes its networks otherwise links no
 * protobuf. */
#include "nets/model.h"

#include "nets/onnx/onnx.h"

amb_model *amb_model_load(const char *path, const amb_model_def *def, amb_error *err)
{
    amb_net *net = amb_onnx_read(path, err);
    if (!net)
        return NULL;
    amb_model *model = amb_model_create(net, def, err);
    amb_net_destroy(net);
    if (!model)
        amb_fail_in(err, "%s", path);
    return model;
}
