/* Networks as plain data: allocation, metadata, and the parameters as one block. No files, and no
 * arithmetic but the activations' definition. */
#include "nets/net.h"

#include "base/number.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

amb_net *amb_net_create(int layers, const int *dim, amb_error *err)
{
    if (layers < 1 || layers > AMB_NET_MAX_LAYERS) {
        amb_fail(err, "the network has %d layers, expected 1 to %d", layers, AMB_NET_MAX_LAYERS);
        return NULL;
    }
    for (int i = 0; i <= layers; i++) {
        if (dim[i] < 1 || dim[i] > AMB_NET_MAX_DIM) {
            if (i == 0)
                amb_fail(err, "the network has %d inputs, expected 1 to %d", dim[i], AMB_NET_MAX_DIM);
            else
                amb_fail(err, "layer %d of the network has %d outputs, expected 1 to %d", i - 1, dim[i],
                         AMB_NET_MAX_DIM);
            return NULL;
        }
    }

    amb_net *net = calloc(1, sizeof *net);
    if (!net) {
        amb_fail(err, "out of memory for a network");
        return NULL;
    }
    net->layers = layers;
    memcpy(net->dim, dim, (size_t)(layers + 1) * sizeof *dim);
    net->in_shape = (amb_net_shape){1, {dim[0]}};
    net->heads = 1;
    net->head[0] = (amb_net_head){.outputs = dim[layers], .shape = {1, {dim[layers]}}};
    for (int l = 0; l < layers; l++) {
        const size_t in = (size_t)dim[l], out = (size_t)dim[l + 1];
        net->act[l] = l + 1 < layers ? AMB_ACT_RELU : AMB_ACT_IDENTITY;
        if (in <= SIZE_MAX / sizeof(float) / out)
            net->weight[l] = calloc(in * out, sizeof(float));
        net->bias[l] = calloc(out, sizeof(float));
        if (!net->weight[l] || !net->bias[l]) {
            amb_fail(err, "out of memory for layer %d of the network, %d inputs by %d outputs", l, dim[l],
                     dim[l + 1]);
            amb_net_destroy(net);
            return NULL;
        }
    }
    return net;
}

void amb_net_destroy(amb_net *net)
{
    if (!net)
        return;
    for (int l = 0; l < AMB_NET_MAX_LAYERS; l++) {
        free(net->weight[l]);
        free(net->bias[l]);
    }
    free(net->in_mean);
    free(net->in_std);
    for (int h = 0; h < AMB_NET_MAX_HEADS; h++)
        free(net->head[h].name);
    for (int i = 0; i < net->metas; i++) {
        free(net->meta[i].key);
        free(net->meta[i].value);
    }
    free(net->meta);
    free(net);
}

bool amb_net_add_normalizer(amb_net *net)
{
    if (net->in_mean)
        return true;
    const size_t inputs = (size_t)net->dim[0];
    float *mean = calloc(inputs, sizeof *mean);
    float *std = malloc(inputs * sizeof *std);
    if (!mean || !std) {
        free(mean);
        free(std);
        return false;
    }
    for (size_t i = 0; i < inputs; i++)
        std[i] = 1.0f;
    net->in_mean = mean;
    net->in_std = std;
    return true;
}

static amb_meta *find_meta(const amb_net *net, const char *key)
{
    for (int i = 0; i < net->metas; i++)
        if (strcmp(net->meta[i].key, key) == 0)
            return &net->meta[i];
    return NULL;
}

bool amb_net_set_meta(amb_net *net, const char *key, const char *value)
{
    char *new_value = strdup(value); /* copied before the old one goes: value may point into it */
    if (!new_value)
        return false;
    amb_meta *found = find_meta(net, key);
    if (found) {
        free(found->value);
        found->value = new_value;
        return true;
    }

    char *new_key = strdup(key);
    amb_meta *meta = realloc(net->meta, ((size_t)net->metas + 1) * sizeof *meta);
    if (meta)
        net->meta = meta;
    if (!new_key || !meta) {
        free(new_key);
        free(new_value);
        return false;
    }
    meta[net->metas++] = (amb_meta){.key = new_key, .value = new_value};
    return true;
}

const char *amb_net_get_meta(const amb_net *net, const char *key)
{
    const amb_meta *found = find_meta(net, key);
    return found ? found->value : NULL;
}

bool amb_net_get_number(const amb_net *net, const char *key, double lo, double hi, double *value,
                        amb_error *err)
{
    const char *text = amb_net_get_meta(net, key);
    if (!text)
        return true;
    double x;
    if (!amb_number_read(text, NULL, &x) || !(x >= lo && x <= hi))
        return amb_fail(err, "metadata \"%s\" is \"%.40s\", expected a number from %g to %g", key, text, lo,
                        hi);
    *value = x;
    return true;
}

const char *amb_activation_name(amb_activation act)
{
    static const char *const name[AMB_ACTIVATIONS] = {"identity", "relu", "leaky_relu",
                                                      "elu",      "tanh", "sigmoid"};
    return name[act];
}

double amb_activation_of(amb_activation act, double alpha, double v)
{
    switch (act) {
    case AMB_ACT_RELU:
        return v < 0 ? 0 : v;
    case AMB_ACT_LEAKY_RELU:
        return v < 0 ? alpha * v : v;
    case AMB_ACT_ELU:
        return v < 0 ? alpha * expm1(v) : v;
    case AMB_ACT_TANH:
        return tanh(v);
    case AMB_ACT_SIGMOID:
        return 1 / (1 + exp(-v));
    default:
        return v;
    }
}

size_t amb_net_parameters(const amb_net *net)
{
    size_t count = 0;
    for (int l = 0; l < net->layers; l++)
        count += ((size_t)net->dim[l] + 1) * (size_t)net->dim[l + 1];
    return count;
}

void amb_net_get_parameters(const amb_net *net, float *block)
{
    for (int l = 0; l < net->layers; l++) {
        const size_t in = (size_t)net->dim[l], out = (size_t)net->dim[l + 1];
        memcpy(block, net->weight[l], in * out * sizeof *block);
        memcpy(block + in * out, net->bias[l], out * sizeof *block);
        block += (in + 1) * out;
    }
}

void amb_net_set_parameters(amb_net *net, const float *block)
{
    for (int l = 0; l < net->layers; l++) {
        const size_t in = (size_t)net->dim[l], out = (size_t)net->dim[l + 1];
        memcpy(net->weight[l], block, in * out * sizeof *block);
        memcpy(net->bias[l], block + in * out, out * sizeof *block);
        block += (in + 1) * out;
    }
}
