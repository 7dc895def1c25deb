/* Loads or makes the networks that are measured. */
#include "bench/networks.h"

#include "base/rng.h"
#include "nets/onnx/onnx.h"
#include "policy/models.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct shape {
    const char *name;
    const char *file; /* in amble's models/ */
    int layers;
    int dim[5];
    int heads; /* of equal size */
} shape;

/* Numbers from docs/how-it-works.md: observation, action, points' positions and velocities, 60 frames of 73.
 */
static const shape five[] = {
    {"actor", "walk.onnx", 3, {197, 1024, 512, 36}, 1},
    {"critic", "walk_critic.onnx", 3, {197, 1024, 512, 1}, 1},
    {"phase", "deepphase.onnx", 4, {132, 256, 128, 32, 2}, 1},
    {"encoder", "stylevae_encoder.onnx", 3, {4380, 512, 256, 512}, 2},
    {"decoder", "stylevae_decoder.onnx", 3, {256, 256, 512, 4380}, 1},
};

enum { FIVE = sizeof five / sizeof five[0] };

const char *const bench_network_names[] = {"actor", "critic", "phase", "encoder", "decoder", NULL};

void bench_network_randomise(ami_net *net, uint64_t seed, uint64_t stream)
{
    ami_rng rng = ami_rng_seed(seed, stream);
    for (int l = 0; l < net->layers; l++) {
        const double bound = 1 / sqrt(net->dim[l]);
        const size_t weights = (size_t)net->dim[l] * (size_t)net->dim[l + 1];
        for (size_t i = 0; i < weights; i++)
            net->weight[l][i] = (float)ami_rng_range(&rng, -bound, bound);
        for (int i = 0; i < net->dim[l + 1]; i++)
            net->bias[l][i] = (float)ami_rng_range(&rng, -bound, bound);
    }
}

static ami_net *make_random(const shape *s, uint64_t seed, ami_error *err)
{
    ami_net *net = ami_net_create(s->layers, s->dim, err);
    if (!net)
        return NULL;
    bench_network_randomise(net, seed, (uint64_t)(s - five));
    net->heads = s->heads;
    for (int h = 0; h < s->heads; h++) {
        net->head[h].outputs = s->dim[s->layers] / s->heads;
        net->head[h].shape = (ami_net_shape){.rank = 1, .dim = {net->head[h].outputs}};
    }
    return net;
}

bool bench_network_make(bench_network *network, const char *word, uint64_t seed, ami_error *err)
{
    memset(network, 0, sizeof *network);
    char path[4096];
    for (int i = 0; i < FIVE; i++) {
        if (strcmp(word, five[i].name) != 0)
            continue;
        snprintf(network->name, sizeof network->name, "%s", word);
        if (ami_find_model(five[i].file, path, sizeof path, NULL)) {
            snprintf(network->source, sizeof network->source, "%s", five[i].file);
            network->net = ami_onnx_read(path, err);
        } else {
            snprintf(network->source, sizeof network->source, "random weights, seed %llu",
                     (unsigned long long)seed);
            network->net = make_random(&five[i], seed, err);
        }
        return network->net != NULL;
    }
    if (!ami_find_model(word, path, sizeof path, err)) {
        if (!strchr(word, '/') && !strchr(word, '.'))
            ami_fail(err,
                     "there is no network \"%.100s\"; expected actor, critic, phase, encoder, decoder, "
                     "another of amble's models or "
                     "an ONNX file",
                     word);
        return false;
    }
    const char *base = strrchr(word, '/');
    snprintf(network->name, sizeof network->name, "%s", base ? base + 1 : word);
    snprintf(network->source, sizeof network->source, "%s", word);
    network->net = ami_onnx_read(path, err);
    return network->net != NULL;
}

void bench_network_free(bench_network *network)
{
    ami_net_destroy(network->net);
    network->net = NULL;
}

void bench_network_shape(const ami_net *net, char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int l = 0; l <= net->layers && used < size; l++)
        used += (size_t)snprintf(text + used, size - used, "%s%d", l ? "-" : "", net->dim[l]);
}

double bench_network_flops(const ami_net *net)
{
    double flops = 0;
    for (int l = 0; l < net->layers; l++)
        flops += 2.0 * net->dim[l] * net->dim[l + 1];
    return flops;
}
