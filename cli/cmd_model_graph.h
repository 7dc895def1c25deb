/* amble model for networks that are graphs (nets/graph/graph.h). */
#ifndef AMI_CLI_CMD_MODEL_GRAPH_H
#define AMI_CLI_CMD_MODEL_GRAPH_H

#include "cli/cmd_model.h"
#include "nets/graph/graph.h"

/* Finds the file (policy/models.h) and reads it as a chain of dense layers, or, where it is none, as a graph:
 * exactly one of *net and *graph is set. def, calibration (NULL: none): of the graph. */
bool model_open(const char *file, char *path, size_t size, const ami_model_def *def,
                const cli_calibration *calibration, ami_net **net, ami_graph **graph, ami_error *err);

/* Each returns the program's exit status, with a sentence where that is CLI_BAD_INPUT. input: the texts of
 * --input, "NAME=FILE.npy", or "FILE.npy" for the only input. */
int model_graph_run(const ami_graph *g, const char *path, char *const *input, int inputs, const char *output,
                    const char *head, const char *json, ami_error *err);
int model_graph_info(const ami_graph *g, const char *path, const char *json, ami_error *err);

/* inputs 0: on `rows` rows that are drawn. */
int model_graph_check(const char *path, char *const *input, int inputs, const cli_calibration *calibration,
                      uint64_t seed, int rows, const char *json, ami_error *err);

#endif
