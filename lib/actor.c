/* amble/env.h: a policy from the host's arrays, written as an ONNX file with the environment's settings. */
#include "lib/actor.h"

#include "lib/internal.h"
#include "nets/onnx/onnx.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

void amb_actor_def_init_size(amb_actor_def *def, size_t size)
{
    const amb_actor_def full = {.size = size};
    if (def)
        memcpy(def, &full, size < sizeof full ? size : sizeof full);
}

static amb_result check_numbers(const float *number, size_t n, const char *what, int layer)
{
    for (size_t i = 0; number && i < n; i++)
        if (!isfinite(number[i]))
            return lib_fail(AMB_ERROR_ARGUMENT, "number %zu of layer %d's %s is %g, expected a finite one", i,
                            layer, what, (double)number[i]);
    return AMB_OK;
}

static amb_result check_layer(const amb_dense_layer *layer, int index, int inputs)
{
    if (!layer->weight)
        return lib_fail(AMB_ERROR_ARGUMENT, "layer %d has no weight", index);
    if (layer->inputs != inputs)
        return lib_fail(AMB_ERROR_ARGUMENT, "layer %d takes %d numbers, expected %d", index, layer->inputs,
                        inputs);
    if (layer->outputs < 1 || layer->outputs > AMI_NET_MAX_DIM)
        return lib_fail(AMB_ERROR_ARGUMENT, "layer %d gives %d numbers, expected 1 to %d", index,
                        layer->outputs, AMI_NET_MAX_DIM);
    if ((int)layer->activation < 0 || layer->activation > AMB_ACTIVATION_SIGMOID)
        return lib_fail(AMB_ERROR_ARGUMENT, "layer %d's activation is %d, expected one of amb_activation",
                        index, (int)layer->activation);
    const bool has_alpha =
        layer->activation == AMB_ACTIVATION_LEAKY_RELU || layer->activation == AMB_ACTIVATION_ELU;
    if (has_alpha && !(layer->alpha >= 0 && isfinite(layer->alpha)))
        return lib_fail(AMB_ERROR_ARGUMENT, "layer %d's alpha is %g, expected 0 or more", index,
                        (double)layer->alpha);
    const amb_result result =
        check_numbers(layer->weight, (size_t)layer->inputs * (size_t)layer->outputs, "weight", index);
    return result == AMB_OK ? check_numbers(layer->bias, (size_t)layer->outputs, "bias", index) : result;
}

static amb_result check(const amb_actor_def *def, int inputs, int outputs)
{
    if (def->layer_count < 1 || def->layer_count > AMI_NET_MAX_LAYERS)
        return lib_fail(AMB_ERROR_ARGUMENT, "a policy of %d layers, expected 1 to %d", def->layer_count,
                        AMI_NET_MAX_LAYERS);
    int width = inputs;
    for (int l = 0; l < def->layer_count; l++) {
        const amb_result result = check_layer(&def->layers[l], l, width);
        if (result != AMB_OK)
            return result;
        width = def->layers[l].outputs;
    }
    if (width != outputs)
        return lib_fail(AMB_ERROR_ARGUMENT, "the last layer gives %d numbers, expected an action's %d", width,
                        outputs);
    if (!def->mean != !def->std)
        return lib_fail(AMB_ERROR_ARGUMENT, "mean and std are given together or not at all");
    for (int i = 0; def->mean && i < inputs; i++)
        if (!isfinite(def->mean[i]) || !(def->std[i] > 0 && isfinite(def->std[i])))
            return lib_fail(AMB_ERROR_ARGUMENT,
                            "number %d of the normaliser has mean %g and std %g, expected finite numbers and "
                            "a std of more than 0",
                            i, (double)def->mean[i], (double)def->std[i]);
    if (!(def->clip >= 0 && isfinite(def->clip)))
        return lib_fail(AMB_ERROR_ARGUMENT, "clip is %g, expected 0 or more", (double)def->clip);
    return AMB_OK;
}

static ami_activation internal_activation(amb_activation activation)
{
    switch (activation) {
    case AMB_ACTIVATION_NONE:
        return AMI_ACT_IDENTITY;
    case AMB_ACTIVATION_RELU:
        return AMI_ACT_RELU;
    case AMB_ACTIVATION_LEAKY_RELU:
        return AMI_ACT_LEAKY_RELU;
    case AMB_ACTIVATION_ELU:
        return AMI_ACT_ELU;
    case AMB_ACTIVATION_TANH:
        return AMI_ACT_TANH;
    case AMB_ACTIVATION_SIGMOID:
        return AMI_ACT_SIGMOID;
    }
    return AMI_ACT_IDENTITY;
}

static bool fill(ami_net *net, const amb_actor_def *def, const lib_actor_scene *scene, ami_error *err)
{
    const size_t inputs = (size_t)net->dim[0];
    for (int l = 0; l < net->layers; l++) {
        const amb_dense_layer *layer = &def->layers[l];
        const size_t rows = (size_t)layer->outputs;
        memcpy(net->weight[l], layer->weight, rows * (size_t)layer->inputs * sizeof(float));
        if (layer->bias)
            memcpy(net->bias[l], layer->bias, rows * sizeof(float));
        net->act[l] = internal_activation(layer->activation);
        net->act_alpha[l] = layer->alpha;
    }
    if (def->mean || def->clip > 0) { /* a clamp alone: the normaliser stays 0 and 1 */
        if (!ami_net_add_normalizer(net))
            return ami_fail(err, "out of memory for a policy");
        if (def->mean) {
            memcpy(net->in_mean, def->mean, inputs * sizeof(float));
            memcpy(net->in_std, def->std, inputs * sizeof(float));
        }
        net->in_clip = def->clip;
    }
    char crc[16];
    snprintf(crc, sizeof crc, "%08x", (unsigned)scene->motion_crc);
    return (ami_policy_write_meta(net, scene->env, scene->physics_hz) &&
            ami_net_set_meta(net, "observation",
                             scene->env->goal ? "deepmimic-197+goal-49" : "deepmimic-197") &&
            ami_net_set_meta(net, "motion", scene->motion) &&
            (!scene->has_motion_crc || ami_net_set_meta(net, "motion_crc32c", crc))) ||
           ami_fail(err, "out of memory for a policy");
}

amb_result lib_save_actor(const lib_actor_scene *scene, const amb_actor_def *given, const char *path)
{
    amb_actor_def def;
    ami_error err = {""};
    int dim[AMI_NET_MAX_LAYERS + 1] = {scene->inputs};
    amb_actor_def_init(&def);
    LIB_REQUIRE(lib_def_copy(&def, sizeof def, given) && "the definition was initialised");
    LIB_REQUIRE((def.layers || def.layer_count == 0) && "layer_count layers");
    const amb_result result = check(&def, scene->inputs, scene->outputs);
    if (result != AMB_OK)
        return result;
    for (int l = 0; l < def.layer_count; l++)
        dim[l + 1] = def.layers[l].outputs;
    ami_net *net = ami_net_create(def.layer_count, dim, &err);
    const bool ok = net && fill(net, &def, scene, &err) &&
                    ami_onnx_write(path, net, def.half ? AMI_ONNX_FLOAT16 : AMI_ONNX_FLOAT32, &err);
    ami_net_destroy(net);
    return ok ? AMB_OK : lib_fail_with(AMB_ERROR_FILE, &err);
}
