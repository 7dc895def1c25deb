#include "nets/average.h"

#include <string.h>

static bool same_normalizer(const ami_net *a, const ami_net *b)
{
    if (!a->in_mean || !b->in_mean)
        return !a->in_mean && !b->in_mean;
    const size_t size = (size_t)a->dim[0] * sizeof(float);
    return !memcmp(a->in_mean, b->in_mean, size) && !memcmp(a->in_std, b->in_std, size) &&
           a->in_clip == b->in_clip;
}

bool ami_net_can_average(const ami_net *a, const ami_net *b, ami_error *err)
{
    if (a->layers != b->layers)
        return ami_fail(err, "%d layers found, expected %d", b->layers, a->layers);
    for (int l = 0; l <= a->layers; l++)
        if (a->dim[l] != b->dim[l])
            return ami_fail(err, "%d %s found, expected %d", b->dim[l],
                            l ? l < a->layers ? "hidden units" : "outputs" : "inputs", a->dim[l]);
    for (int l = 0; l < a->layers; l++)
        if (a->act[l] != b->act[l] || a->act_alpha[l] != b->act_alpha[l])
            return ami_fail(err, "%s after layer %d found, expected %s", ami_activation_name(b->act[l]), l,
                            ami_activation_name(a->act[l]));
    if (a->heads != b->heads)
        return ami_fail(err, "%d heads found, expected %d", b->heads, a->heads);
    for (int h = 0; h < a->heads; h++)
        if (a->head[h].outputs != b->head[h].outputs)
            return ami_fail(err, "a head of %d outputs found, expected %d", b->head[h].outputs,
                            a->head[h].outputs);
    return same_normalizer(a, b) || ami_fail(err, "another normaliser of inputs found, expected the same: "
                                                  "only networks of one training can be averaged");
}

static void mix(float *mine, const float *other, size_t n, double share)
{
    for (size_t i = 0; i < n; i++)
        mine[i] = (float)((1 - share) * (double)mine[i] + share * (double)other[i]);
}

void ami_net_average(ami_net *net, const ami_net *other, double share)
{
    ami_net_forget_units(net);
    for (int l = 0; l < net->layers; l++) {
        const size_t out = (size_t)net->dim[l + 1];
        mix(net->weight[l], other->weight[l], out * (size_t)net->dim[l], share);
        mix(net->bias[l], other->bias[l], out, share);
    }
}
