/* Networks as plain data: allocation, metadata, and the parameters as one block. No files, and no
 * arithmetic but the activations' definition. */
#include "nets/net.h"

#include "base/number.h"
#include "nets/kernels/vector.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

ami_net *ami_net_create(int layers, const int *dim, ami_error *err)
{
    if (layers < 1 || layers > AMI_NET_MAX_LAYERS) {
        ami_fail(err, "the network has %d layers, expected 1 to %d", layers, AMI_NET_MAX_LAYERS);
        return NULL;
    }
    for (int i = 0; i <= layers; i++) {
        if (dim[i] < 1 || dim[i] > AMI_NET_MAX_DIM) {
            if (i == 0)
                ami_fail(err, "the network has %d inputs, expected 1 to %d", dim[i], AMI_NET_MAX_DIM);
            else
                ami_fail(err, "layer %d of the network has %d outputs, expected 1 to %d", i - 1, dim[i],
                         AMI_NET_MAX_DIM);
            return NULL;
        }
    }

    ami_net *net = calloc(1, sizeof *net);
    if (!net) {
        ami_fail(err, "out of memory for a network");
        return NULL;
    }
    net->layers = layers;
    memcpy(net->dim, dim, (size_t)(layers + 1) * sizeof *dim);
    net->in_shape = (ami_net_shape){1, {dim[0]}};
    net->heads = 1;
    net->head[0] = (ami_net_head){.outputs = dim[layers], .shape = {1, {dim[layers]}}};
    for (int l = 0; l < layers; l++) {
        const size_t in = (size_t)dim[l], out = (size_t)dim[l + 1];
        net->act[l] = l + 1 < layers ? AMI_ACT_RELU : AMI_ACT_IDENTITY;
        if (in <= SIZE_MAX / sizeof(float) / out)
            net->weight[l] = calloc(in * out, sizeof(float));
        net->bias[l] = calloc(out, sizeof(float));
        if (!net->weight[l] || !net->bias[l]) {
            ami_fail(err, "out of memory for layer %d of the network, %d inputs by %d outputs", l, dim[l],
                     dim[l + 1]);
            ami_net_destroy(net);
            return NULL;
        }
    }
    return net;
}

void ami_net_drop_weights(ami_net *net)
{
    for (int l = 0; l < AMI_NET_MAX_LAYERS; l++) {
        free(net->weight[l]);
        free(net->bias[l]);
        free(net->unit[l]);
        net->weight[l] = net->bias[l] = net->unit[l] = NULL;
    }
    free(net->in_mean);
    free(net->in_std);
    net->in_mean = net->in_std = NULL;
    free(net->calibration);
    net->calibration = NULL;
    net->calibration_rows = 0;
}

/* Whether all weights are whole multiples of the unit, 127 at most. */
AMI_VECTOR_CLONES static bool are_multiples(const float *w, size_t count, float unit)
{
    const float per = unit > 0.0f ? 1.0f / unit : 0.0f;
    int off = 0; /* no early end, so that it runs as vectors */
    for (size_t k = 0; k < count; k++) {
        const float q = nearbyintf(w[k] * per);
        off |= !(fabsf(q) <= 127.0f) | !(q * unit == w[k]);
    }
    return !off;
}

const float *ami_net_units(const ami_net *net, int layer)
{
    const size_t inputs = (size_t)net->dim[layer];
    if (!net->unit[layer])
        return NULL;
    for (int o = 0; o < net->dim[layer + 1]; o++)
        if (!are_multiples(net->weight[layer] + (size_t)o * inputs, inputs, net->unit[layer][o]))
            return NULL;
    return net->unit[layer];
}

bool ami_net_set_calibration(ami_net *net, const float *in, int rows)
{
    const size_t count = (size_t)rows * (size_t)net->dim[0];
    float *copy = NULL;
    if (rows > 0) {
        copy = malloc(count * sizeof *copy);
        if (!copy)
            return false;
        memcpy(copy, in, count * sizeof *copy);
    }
    free(net->calibration);
    net->calibration = copy;
    net->calibration_rows = rows;
    return true;
}

bool ami_net_non_negative(const ami_net *net, int layer)
{
    return layer > 0 && (net->act[layer - 1] == AMI_ACT_RELU || net->act[layer - 1] == AMI_ACT_SIGMOID);
}

void ami_net_destroy(ami_net *net)
{
    if (!net)
        return;
    ami_net_drop_weights(net);
    free(net->in_name);
    for (int h = 0; h < AMI_NET_MAX_HEADS; h++)
        free(net->head[h].name);
    for (int i = 0; i < net->metas; i++) {
        free(net->meta[i].key);
        free(net->meta[i].value);
    }
    free(net->meta);
    free(net);
}

bool ami_net_add_normalizer(ami_net *net)
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

static ami_meta *find_meta(const ami_net *net, const char *key)
{
    for (int i = 0; i < net->metas; i++)
        if (strcmp(net->meta[i].key, key) == 0)
            return &net->meta[i];
    return NULL;
}

bool ami_net_set_meta(ami_net *net, const char *key, const char *value)
{
    char *new_value = strdup(value); /* copied before the old one goes: value may point into it */
    if (!new_value)
        return false;
    ami_meta *found = find_meta(net, key);
    if (found) {
        free(found->value);
        found->value = new_value;
        return true;
    }

    char *new_key = strdup(key);
    ami_meta *meta = realloc(net->meta, ((size_t)net->metas + 1) * sizeof *meta);
    if (meta)
        net->meta = meta;
    if (!new_key || !meta) {
        free(new_key);
        free(new_value);
        return false;
    }
    meta[net->metas++] = (ami_meta){.key = new_key, .value = new_value};
    return true;
}

const char *ami_net_get_meta(const ami_net *net, const char *key)
{
    const ami_meta *found = find_meta(net, key);
    return found ? found->value : NULL;
}

bool ami_net_get_number(const ami_net *net, const char *key, double lo, double hi, double *value,
                        ami_error *err)
{
    const char *text = ami_net_get_meta(net, key);
    if (!text)
        return true;
    double x;
    if (!ami_number_read(text, NULL, &x) || !(x >= lo && x <= hi))
        return ami_fail(err, "metadata \"%s\" is \"%.40s\", expected a number from %g to %g", key, text, lo,
                        hi);
    *value = x;
    return true;
}

const char *ami_activation_name(ami_activation act)
{
    static const char *const name[AMI_ACTIVATIONS] = {"identity", "relu", "leaky_relu",
                                                      "elu",      "tanh", "sigmoid"};
    return name[act];
}

double ami_activation_of(ami_activation act, double alpha, double v)
{
    switch (act) {
    case AMI_ACT_RELU:
        return v < 0 ? 0 : v;
    case AMI_ACT_LEAKY_RELU:
        return v < 0 ? alpha * v : v;
    case AMI_ACT_ELU:
        return v < 0 ? alpha * expm1(v) : v;
    case AMI_ACT_TANH:
        return tanh(v);
    case AMI_ACT_SIGMOID:
        return 1 / (1 + exp(-v));
    default:
        return v;
    }
}

size_t ami_net_parameters(const ami_net *net)
{
    size_t count = 0;
    for (int l = 0; l < net->layers; l++)
        count += ((size_t)net->dim[l] + 1) * (size_t)net->dim[l + 1];
    return count;
}

void ami_net_get_parameters(const ami_net *net, float *block)
{
    for (int l = 0; l < net->layers; l++) {
        const size_t in = (size_t)net->dim[l], out = (size_t)net->dim[l + 1];
        memcpy(block, net->weight[l], in * out * sizeof *block);
        memcpy(block + in * out, net->bias[l], out * sizeof *block);
        block += (in + 1) * out;
    }
}

void ami_net_forget_units(ami_net *net)
{
    for (int l = 0; l < net->layers; l++) {
        free(net->unit[l]);
        net->unit[l] = NULL;
    }
    memset(net->rounding_mse, 0, sizeof net->rounding_mse);
}

void ami_net_set_parameters(ami_net *net, const float *block)
{
    ami_net_forget_units(net);
    for (int l = 0; l < net->layers; l++) {
        const size_t in = (size_t)net->dim[l], out = (size_t)net->dim[l + 1];
        memcpy(net->weight[l], block, in * out * sizeof *block);
        memcpy(net->bias[l], block + in * out, out * sizeof *block);
        block += (in + 1) * out;
    }
}
