/* ONNX file → ami_net: scans the bytes, decodes what is left of them, has the graph walked (onnx/graph.c) and
 * the net built (onnx/build.c).
 *
 * Memory is bounded by the file's size, whatever the file claims. */
#include "nets/onnx/onnx.h"

#include "base/file.h"
#include "base/text.h"
#include "nets/onnx/calibration.h"
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

/* protobuf-c's memory comes out of a budget in proportion to the file: a few bytes can stand for a large
 * structure. */
typedef struct budget {
    size_t left;
    bool exceeded, no_memory;
} budget;

static void *budget_alloc(void *data, size_t size)
{
    budget *b = data;
    b->exceeded |= size > b->left;
    if (b->exceeded)
        return NULL;
    b->left -= size;
    void *block = malloc(size);
    b->no_memory |= !block && size > 0;
    return block;
}

static void budget_free(void *data, void *pointer)
{
    (void)data;
    free(pointer);
}

/* The file's structure; its long data stay where they are. NULL and a sentence when it is none. */
static AmiOnnx__Model *decode(ami_onnx_graph *g, const ami_onnx_source *source, ProtobufCAllocator *allocator,
                              budget *memory)
{
    size_t size = source->size, left;
    bool no_memory = false;
    uint8_t *scanned = size > 0 ? ami_onnx_scan(source->bytes, size, &left, &no_memory) : NULL;
    AmiOnnx__Model *model = scanned ? ami_onnx__model__unpack(allocator, left, scanned) : NULL;
    free(scanned);
    if (size == 0) {
        ami_onnx_graph_fail(g, "is empty, an ONNX model was expected");
    } else if (no_memory || memory->no_memory) {
        ami_onnx_graph_fail(g, "not enough memory");
    } else if (memory->exceeded) {
        ami_onnx_graph_fail(g, "decoding its %zu bytes takes more memory than a model of that size can need",
                            size);
    } else if (!model) {
        ami_onnx_graph_fail(
            g, "its %zu bytes cannot be decoded: not an ONNX model, or one that is damaged or was cut off",
            size);
    }
    return model;
}

static ami_net *read_source(ami_onnx_source *source, const char *name, ami_error *err)
{
    /* 4: float16 bits as one-byte varints become four bytes. The rest: some 40 bytes for each field while its
     * message is being decoded. */
    size_t extra = (size_t)256 << 20, size = source->size;
    budget memory = {.left = 4 * size + (size < extra / 32 ? 32 * size : extra) + (1 << 20)};
    ProtobufCAllocator allocator = {budget_alloc, budget_free, &memory};
    ami_onnx_graph *g = calloc(1, sizeof *g);
    if (!g) {
        ami_fail(err, "%s: not enough memory", name);
        return NULL;
    }
    g->path = name;
    g->err = err;
    g->source = source;
    AmiOnnx__Model *model = decode(g, source, &allocator, &memory);
    g->model = model;
    ami_net *net = model ? read_model(g) : NULL;
    for (int l = 0; l < g->layers; l++) {
        free(g->layer[l].scale);
        free(g->layer[l].bias);
    }
    free(g->mean);
    free(g->std);
    free(g->value);
    free(g);
    ami_onnx__model__free_unpacked(model, &allocator);
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
