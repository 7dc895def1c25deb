/* Inference with networks that are graphs (nets/graph/graph.h): several inputs and outputs of any type and
 * shape. As server/infer.h, of which it is the other half; every request is run by itself. */
#ifndef SRV_INFER_GRAPH_H
#define SRV_INFER_GRAPH_H

#include "server/infer.h"

#include <jansson.h>

/* Reads the request's "inputs"; tail: the bytes behind the JSON. Allocates the outputs' buffers too. */
bool srv_graph_read_inputs(srv_infer *infer, const json_t *inputs, const char *tail, size_t tail_size,
                           ami_error *err);

/* Runs it. workspace, *size: of this thread, grows. False when memory is short, or an index points out of its
 * table. */
bool srv_graph_run(const srv_infer *infer, bool fine, void **workspace, size_t *size);

/* Whether every number is within `most`, NaN is not. */
bool srv_graph_within(const srv_infer *infer, float most);

/* Of output o: its name, and the members "datatype", "shape" and "data", or "parameters" with the size of its
 * bytes, as JSON text. */
const char *srv_graph_output_name(const srv_model *model, int o);
int srv_graph_outputs(const srv_model *model);
void srv_graph_put_tensor(FILE *out, const srv_infer *infer, int o, bool binary);
size_t srv_graph_put_bytes(FILE *out, const srv_infer *infer, int o);

/* For the model's metadata and configuration: lists of its inputs or outputs. */
json_t *srv_graph_metadata(const ami_graph *graph, bool inputs);
json_t *srv_graph_config(const ami_graph *graph, bool inputs);

#endif
