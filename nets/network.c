/* Chain or graph. */
#include "nets/network.h"

#include "base/assert.h"
#include "nets/onnx/onnx.h"

/* After the file was not read as a chain, because of `why`: whether to try it as a graph. */
static bool is_no_chain(const ami_error *why, ami_error *err)
{
    return !ami_error_is_memory(why) || ami_fail(err, "%s", why->text);
}

bool ami_network_read(const char *path, const ami_model_def *def, ami_network *network, ami_error *err)
{
    AMI_ASSERT(path && network);
    ami_error why = {""};
    *network = (ami_network){.net = ami_onnx_read(path, &why)};
    if (!network->net && is_no_chain(&why, err))
        network->graph = ami_graph_load(path, def, err);
    return network->net || network->graph;
}

bool ami_network_read_memory(const void *bytes, size_t size, const char *name, const ami_model_def *def,
                             ami_network *network, ami_error *err)
{
    AMI_ASSERT(bytes && name && network);
    ami_error why = {""};
    *network = (ami_network){.net = ami_onnx_read_memory(bytes, size, name, &why)};
    if (!network->net && is_no_chain(&why, err))
        network->graph = ami_graph_load_memory(bytes, size, name, def, err);
    return network->net || network->graph;
}

void ami_network_free(ami_network *network)
{
    ami_net_destroy(network->net);
    ami_graph_destroy(network->graph);
    *network = (ami_network){0};
}
