/* The Open Inference Protocol, version 2, without any network: a request's body becomes rows for a model, a
 * model's outputs become an answer's body, in JSON or with the binary tensor extension.
 *
 * Believes nothing: sizes are checked before memory is asked for, every refusal is a sentence that names the
 * tensor, what was found and what was expected. Needs the protocol's documents for reading:
 * https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol */
#ifndef SRV_INFER_H
#define SRV_INFER_H

#include "server/store.h"

enum { SRV_MAX_ROWS = 65536 };

typedef struct srv_infer {
    srv_model *model;
    char id[256]; /* the request's, empty: none */
    int rows;
    float *in;  /* (rows, inputs), owned */
    float *out; /* (rows, outputs), owned: room for what the model gives */
    int outputs;
    int head[AMI_NET_MAX_HEADS]; /* those that were asked for, in the answer's order */
    bool binary[AMI_NET_MAX_HEADS];
} srv_infer;

/* Reads a body of `size` bytes, of which the first `header` are JSON (all of them where header is negative: no
 * binary tensors). The model stays the caller's. False and a sentence where the request is wrong; nothing needs
 * to be freed then. */
bool srv_infer_read(srv_infer *infer, srv_model *model, const char *body, size_t size, int64_t header,
                    ami_error *err);
void srv_infer_free(srv_infer *infer);

/* The answer's body: *size bytes, of which *header are JSON (-1: all). NULL when memory is short; to be freed
 * with free(). */
char *srv_infer_answer(const srv_infer *infer, size_t *size, int64_t *header);

#endif
