/* A model from an ONNX file: apart from model.c, so that a program that makes its networks otherwise links no
 * protobuf. */
#include "nets/model.h"

#include "nets/onnx/onnx.h"

ami_model *ami_model_load(const char *path, const ami_model_def *def, ami_error *err)
{
    ami_net *net = ami_onnx_read(path, err);
    if (!net)
        return NULL;
    ami_model *model = ami_net_observe(net, def, err) ? ami_model_create(net, def, err) : NULL;
    ami_net_destroy(net);
    if (!model)
        ami_fail_in(err, "%s", path);
    return model;
}
