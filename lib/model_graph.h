/* amble/model.h for networks that are graphs (nets/graph/graph.h). Not installed. */
#ifndef AMB_LIB_MODEL_GRAPH_H
#define AMB_LIB_MODEL_GRAPH_H

#include <amble/model.h>

#include "nets/graph/graph.h"

/* AMB_ERROR_UNSUPPORTED where an input or output has a type or rank that amb_tensor does not hold. */
amb_result lib_graph_check(const ami_graph *graph, const char *name);

amb_tensor_info lib_graph_port(const ami_graph_port *port);
amb_model_info lib_graph_info(const ami_graph *graph);
amb_result lib_graph_run(const ami_graph *graph, const amb_tensor *inputs, int input_count,
                         const amb_tensor *outputs, int output_count, void *workspace);

#endif
