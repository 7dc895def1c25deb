/* A network from an ONNX file, whichever kind it is: a chain of dense layers as a net, which nets/model.h packs,
 * or anything else as a graph. */
#ifndef AMI_NETS_NETWORK_H
#define AMI_NETS_NETWORK_H

#include "nets/graph/graph.h"

/* One of them; the other is NULL. The caller takes what it keeps (sets it to NULL) and frees the rest. */
typedef struct ami_network {
    ami_net *net;
    ami_graph *graph;
} ami_network;

/* Reads PATH; a graph is packed by `def` (NULL: the default of nets/model.h). False and a sentence, beginning
 * with the path, on error; both are then NULL. */
AMI_MUST_CHECK bool ami_network_read(const char *path, const ami_model_def *def, ami_network *network,
                                     ami_error *err);

/* The same from `size` bytes, called `name` in sentences. External data is refused. */
AMI_MUST_CHECK bool ami_network_read_memory(const void *bytes, size_t size, const char *name,
                                            const ami_model_def *def, ami_network *network, ami_error *err);
void ami_network_free(ami_network *network);

#endif
