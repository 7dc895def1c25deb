/* The Open Inference Protocol, version 2, without the network part: converts a request's body to rows for a
 * model, and a model's outputs to an answer's body, in JSON or with the binary tensor extension.
 *
 * Input is not trusted: sizes are checked before memory is allocated; every error is a sentence that names
 * the tensor, what was found and what was expected. The protocol:
 * https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol */
#ifndef SRV_INFER_H
#define SRV_INFER_H

#include "server/store.h"

#include <jansson.h>

enum { SRV_MAX_ROWS = 65536, SRV_OUTPUTS = AMI_GRAPH_PORTS };

typedef struct srv_infer {
    srv_model *model;
    char id[256]; /* the request's, empty: none */
    int rows;
    float *in;  /* (rows, inputs), owned */
    float *out; /* (rows, outputs), owned: buffer for the model's outputs */
    void *port_in[AMI_GRAPH_PORTS],
        *port_out[AMI_GRAPH_PORTS]; /* of a graph, in place of in and out; owned */
    int outputs;
    int head[SRV_OUTPUTS]; /* the requested ones, in the answer's order */
    bool binary[SRV_OUTPUTS];
} srv_infer;

/* Reads a body of `size` bytes, of which the first `header` are JSON (header negative: all, without binary
 * tensors). The caller keeps the model. False and a sentence where the request is not valid; then nothing
 * needs to be freed. */
bool srv_infer_read(srv_infer *infer, srv_model *model, const char *body, size_t size, int64_t header,
                    ami_error *err);
void srv_infer_free(srv_infer *infer);

/* object's parameter `key`, true or false; unchanged where it is not given. False and a sentence where it is
 * something else. */
bool srv_read_flag(const json_t *object, const char *key, bool *flag, ami_error *err);

/* The answer's body: *size bytes, of which *header are JSON (-1: all). NULL when memory is short; the caller
 * calls free(). */
char *srv_infer_answer(const srv_infer *infer, size_t *size, int64_t *header);

#endif
