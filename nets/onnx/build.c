/* The layers of a graph as a net: weights converted to float32, factors folded in, heads side by side in the
 * last layer. Refuses every number that is not finite. */
#include "nets/onnx/graph.h"

#include "base/pages.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static bool build_normalizer(ami_onnx_graph *g, ami_net *net)
{
    if (!g->normalized)
        return true;
    if (!ami_net_add_normalizer(net))
        return ami_onnx_graph_fail(g, "not enough memory");
    for (int i = 0; i < net->dim[0]; i++) {
        float mean = (float)g->mean[i], std = (float)g->std[i];
        if (!isfinite(mean))
            return ami_onnx_graph_fail(g, "the normaliser's mean %d is %g, a finite number was expected", i,
                                       (double)mean);
        if (!(std > 0) || !isfinite(std)) {
            return ami_onnx_graph_fail(
                g, "the normaliser's standard deviation %d is %g, a positive number was expected", i,
                (double)std);
        }
        net->in_mean[i] = mean;
        net->in_std[i] = std;
    }
    net->in_clip = g->clip ? g->hi : 0;
    return true;
}

/* Index of the first infinity or NaN, `count` where there is none. */
static size_t first_not_finite(const float *numbers, size_t count)
{
    enum { BLOCK = 1024 };
    for (size_t from = 0; from < count; from += BLOCK) {
        size_t to = count - from < BLOCK ? count : from + BLOCK;
        uint32_t bad = 0;
        for (size_t i = from; i < to; i++) { /* no early end, so that it runs as vectors */
            uint32_t bits;
            memcpy(&bits, &numbers[i], sizeof bits);
            bad |= (bits & 0x7f800000u) == 0x7f800000u;
        }
        for (size_t i = from; bad && i < to; i++) {
            if (!isfinite(numbers[i]))
                return i;
        }
    }
    return count;
}

/* The units of a layer stored as int8 with one an output, into *unit (all) from `first` on; allocated with
 * the first of several heads. Where a head has none, none is kept. */
static bool build_units(ami_onnx_graph *g, const ami_onnx_layer *layer, float **unit, size_t first,
                        size_t all)
{
    const ami_onnx_array *const w = &layer->weight;
    bool has = w->units && w->unit_axis == (w->transposed ? 1 : 0) && (first == 0 || *unit);
    for (size_t o = 0; o < w->dim[0] && layer->scale; o++)
        has &= layer->scale[o] == 1;
    if (has && !*unit) {
        *unit = malloc(all * sizeof **unit);
        if (!*unit)
            return ami_onnx_graph_fail(g, "not enough memory");
    }
    for (size_t o = 0; has && o < w->dim[0]; o++)
        (*unit)[first + o] = ami_onnx_array_unit(w, o);
    if (!has) {
        free(*unit);
        *unit = NULL;
    }
    return true;
}

/* One layer of the graph as `outputs` rows of a net's layer. */
static bool build_layer(ami_onnx_graph *g, const ami_onnx_layer *layer, float *weight, float *bias,
                        float **unit, size_t first, size_t all)
{
    size_t outputs = layer->weight.dim[0], inputs = layer->weight.dim[1];
    if (!build_units(g, layer, unit, first, all))
        return false;
    ami_onnx_array_floats(&layer->weight, weight);
    for (size_t o = 0; o < outputs && layer->scale; o++) {
        if (layer->scale[o] == 1)
            continue; /* keeps every bit */
        for (size_t i = 0; i < inputs; i++)
            weight[o * inputs + i] = (float)(layer->scale[o] * (double)weight[o * inputs + i]);
    }
    const char *as = layer->weight.stored == AMI_ONNX_FLOAT64 ? " as float32" : "";
    size_t at = first_not_finite(weight, outputs * inputs);
    if (at < outputs * inputs) {
        return ami_onnx_graph_fail(
            g, "weight %s: the one from input %zu to output %zu is %g%s, a finite number was expected",
            ami_onnx_show(layer->name).text, at % inputs, at / inputs, (double)weight[at], as);
    }
    for (size_t o = 0; o < outputs && layer->bias; o++) {
        if (!isfinite(layer->bias[o])) {
            return ami_onnx_graph_fail(
                g, "the bias of the layer with weight %s: number %zu is %g, a finite number was expected",
                ami_onnx_show(layer->name).text, o, (double)layer->bias[o]);
        }
        bias[o] = layer->bias[o];
    }
    return true;
}

static ami_net_shape shape_of(const ami_onnx_tensor *t)
{
    ami_net_shape shape = {1, {1}}; /* one number a row, where a row has no dimension of its own */
    for (int i = 1; i < t->rank; i++) {
        shape.rank = i;
        shape.dim[i - 1] = (int)t->dim[i];
    }
    return shape;
}

static bool build_heads(ami_onnx_graph *g, ami_net *net)
{
    int last = net->layers - 1, at = 0;
    net->in_shape = shape_of(&g->input);
    net->in_name = strdup(g->input_name);
    if (!net->in_name)
        return ami_onnx_graph_fail(g, "not enough memory");
    net->heads = g->heads;
    for (int h = 0; h < g->heads; h++) {
        const ami_onnx_layer *layer = &g->layer[g->head[h].tensor->layer];
        net->head[h] = (ami_net_head){.name = strdup(g->head[h].name),
                                      .outputs = (int)layer->weight.dim[0],
                                      .shape = shape_of(g->head[h].tensor)};
        if (!net->head[h].name)
            return ami_onnx_graph_fail(g, "not enough memory");
        if (!build_layer(g, layer, net->weight[last] + (size_t)at * (size_t)net->dim[last],
                         net->bias[last] + at, &net->unit[last], (size_t)at, (size_t)net->dim[net->layers]))
            return false;
        at += net->head[h].outputs;
        net->act[last] = layer->act;
        net->act_alpha[last] = layer->alpha;
    }
    return true;
}

ami_net *ami_onnx_build(ami_onnx_graph *g)
{
    int dim[AMI_NET_MAX_LAYERS + 1], path[AMI_NET_MAX_LAYERS];
    int first = g->head[0].tensor->layer, layers = ami_onnx_depth(g, first);
    size_t outputs = 0;
    for (int l = layers - 1, at = first; l >= 0; l--, at = g->layer[at].parent) {
        path[l] = at;
        dim[l] = (int)g->layer[at].weight.dim[1];
    }
    for (int h = 0; h < g->heads; h++)
        outputs += g->layer[g->head[h].tensor->layer].weight.dim[0];
    dim[layers] = (int)outputs;
    ami_net *net = ami_net_create(layers, dim, g->err);
    if (!net) {
        ami_fail_in(g->err, "%s", g->path);
        return NULL;
    }
    for (int l = 0; l < layers; l++)
        ami_prefer_large_pages(net->weight[l], sizeof(float) * (size_t)dim[l] * (size_t)dim[l + 1]);
    bool ok = build_normalizer(g, net);
    for (int l = 0; l < layers - 1 && ok; l++) {
        ok = build_layer(g, &g->layer[path[l]], net->weight[l], net->bias[l], &net->unit[l], 0,
                         (size_t)net->dim[l + 1]);
        net->act[l] = g->layer[path[l]].act;
        net->act_alpha[l] = g->layer[path[l]].alpha;
    }
    if (ok && build_heads(g, net))
        return net;
    ami_net_destroy(net);
    return NULL;
}
