/* ONNX file → ami_net: has the bytes decoded (onnx/decode.c), the graph walked (onnx/graph.c) and the net
 * built (onnx/build.c).
 *
 * Memory is bounded by the file's size, whatever the file claims. */
#include "nets/onnx/onnx.h"

#include "base/file.h"
#include "base/text.h"
#include "nets/onnx/calibration.h"
#include "nets/onnx/decode.h"
#include "nets/onnx/graph.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { OPSET_MIN = 9, MAX_METADATA = 4096 };

static bool build_metadata(ami_onnx_graph *g, ami_net *net)
{
    const AmiOnnx__Model *model = g->model;
    if (model->n_metadata_props > MAX_METADATA) {
        return ami_onnx_graph_fail(g, "has %zu metadata entries, at most %d are supported",
                                   model->n_metadata_props, MAX_METADATA);
    }
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const char *key = ami_onnx_text(model->metadata_props[i]->key),
                   *value = ami_onnx_text(model->metadata_props[i]->value);
        if (!key[0])
            return ami_onnx_graph_fail(g, "metadata entry %zu has no key", i);
        if (!ami_text_is_utf8(key) || !ami_text_is_utf8(value)) {
            return ami_onnx_graph_fail(g, "metadata entry %zu (%s) is not UTF-8 text", i,
                                       ami_onnx_show(key).text);
        }
        if (ami_net_get_meta(net, key))
            return ami_onnx_graph_fail(g, "metadata key %s is given twice", ami_onnx_show(key).text);
        bool taken;
        ami_error why = {""};
        if (!ami_onnx_take_meta(net, key, value, &taken, &why))
            return ami_onnx_graph_fail(g, "%s", why.text);
        if (!taken && !ami_net_set_meta(net, key, value))
            return ami_onnx_graph_fail(g, "not enough memory");
    }
    return true;
}

static bool read_opset(ami_onnx_graph *g)
{
    for (size_t i = 0; i < g->model->n_opset_import; i++) {
        const AmiOnnx__OperatorSet *set = g->model->opset_import[i];
        const char *domain = ami_onnx_text(set->domain);
        if (domain[0] && strcmp(domain, "ai.onnx") != 0)
            continue; /* matters only to nodes of that domain, which are refused */
        if (g->opset != 0)
            return ami_onnx_graph_fail(g, "names ONNX's operator set twice");
        if (set->version < OPSET_MIN || set->version > INT32_MAX) {
            return ami_onnx_graph_fail(g, "needs operator set %" PRId64 ", %d or newer is supported",
                                       set->version, OPSET_MIN);
        }
        g->opset = (int)set->version;
    }
    return g->opset != 0 ||
           ami_onnx_graph_fail(g, "does not say which ONNX operator set it needs (opset_import is missing)");
}

static ami_net *read_model(ami_onnx_graph *g)
{
    g->graph = g->model->graph;
    if (!g->graph) {
        ami_onnx_graph_fail(g, "holds no graph: not an ONNX model, or one that was cut off");
        return NULL;
    }
    if (g->graph->n_node > AMI_ONNX_MAX_NODES || g->graph->n_initializer > AMI_ONNX_MAX_INITIALIZERS) {
        ami_onnx_graph_fail(g, "has %zu nodes and %zu initialisers, at most %d and %d are supported",
                            g->graph->n_node, g->graph->n_initializer, AMI_ONNX_MAX_NODES,
                            AMI_ONNX_MAX_INITIALIZERS);
        return NULL;
    }
    if (g->graph->n_sparse_initializer > 0) {
        ami_onnx_graph_fail(g, "has sparse initialisers, dense ones were expected");
        return NULL;
    }
    if (!read_opset(g) || !ami_onnx_graph_read(g))
        return NULL;
    ami_net *net = ami_onnx_build(g);
    if (net && !build_metadata(g, net)) {
        ami_net_destroy(net);
        net = NULL;
    }
    return net;
}

static ami_net *read_source(ami_onnx_source *source, const char *name, ami_error *err)
{
    ami_onnx_decoded decoded;
    ami_onnx_graph *g = calloc(1, sizeof *g);
    if (!g) {
        ami_fail(err, "%s: not enough memory", name);
        return NULL;
    }
    g->path = name;
    g->err = err;
    g->source = source;
    g->model = ami_onnx_decode(&decoded, source, name, err);
    ami_net *net = g->model ? read_model(g) : NULL;
    for (int l = 0; l < g->layers; l++) {
        free(g->layer[l].scale);
        free(g->layer[l].bias);
    }
    free(g->mean);
    free(g->std);
    free(g->value);
    free(g);
    ami_onnx_decoded_free(&decoded);
    ami_onnx_source_close(source);
    return net;
}

ami_net *ami_onnx_read_memory(const void *bytes, size_t size, const char *name, ami_error *err)
{
    ami_onnx_source source = {.bytes = bytes, .size = size};
    if (size > AMI_ONNX_MAX_BYTES) {
        ami_fail(err, "%s: is %zu bytes long, at most %zu were expected", name, size, AMI_ONNX_MAX_BYTES);
        return NULL;
    }
    return read_source(&source, name, err);
}

ami_net *ami_onnx_read(const char *path, ami_error *err)
{
    size_t size;
    uint8_t *bytes = ami_file_read(path, AMI_ONNX_MAX_BYTES, &size, err);
    if (!bytes)
        return NULL;
    ami_onnx_source source = {.bytes = bytes, .size = size, .path = path};
    ami_net *net = read_source(&source, path, err);
    free(bytes);
    return net;
}
