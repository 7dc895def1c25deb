/* A server's models: the ONNX files of a folder, each with a name and version.
 *
 *   DIR/NAME.onnx              version 1
 *   DIR/NAME/VERSION/model.onnx    VERSION a whole number from 1; the highest is the default
 *
 * A model in use stays alive until its last user releases it, so a reload never disturbs a request. If a
 * changed file cannot be read, the old model stays, and the index shows the error.
 *
 * Threads: every function may be called by any thread; one thread at a time reloads. */
#ifndef SRV_STORE_H
#define SRV_STORE_H

#include "base/error.h"
#include "nets/graph/graph.h"

#include <stdatomic.h>
#include <stdint.h>

enum { SRV_NAME = 128, SRV_BUCKETS = 24 };

/* Counts and times of one model since it was first loaded. Times in ns. */
typedef struct srv_stats {
    atomic_llong requests, failures, rows, batches;
    atomic_llong queue_ns, compute_ns;
    atomic_llong fine; /* batches in fp32 because of unusual rows */
    atomic_llong queue_bucket[SRV_BUCKETS], compute_bucket[SRV_BUCKETS]; /* powers of two from 1 µs */
} srv_stats;

typedef struct srv_model {
    char name[SRV_NAME];
    int version;
    ami_graph *graph, *graph_fine; /* a network that is no chain of dense layers; then what follows, up to
                                      `output`, is not used */
    ami_model *model;              /* precision AUTO */
    ami_model *fine;               /* fp32, for rows that AUTO's calibration does not cover */
    ami_net *net;                  /* names, shapes, metadata, without weights; the normaliser is below: */
    float *mean, *scale;
    char input[SRV_NAME];
    char output[AMI_NET_MAX_HEADS][SRV_NAME];
    srv_stats *stats; /* shared by all models loaded under this name and version */
    int64_t file_time, file_size;
    atomic_int users;
} srv_model;

typedef struct srv_store srv_store;

/* Loads all models of the folder; `warn` (may be NULL) reports those that fail. NULL and a sentence where the
 * folder cannot be read. */
srv_store *srv_store_open(const char *folder, void (*warn)(const char *sentence), ami_error *err);
void srv_store_close(srv_store *store);

/* The model of this name; version 0: the highest. NULL where there is none or it is not loaded. To be
 * released by srv_release. */
srv_model *srv_acquire(srv_store *store, const char *name, int version);
void srv_release(srv_model *model);

/* Handles new, changed and removed files. Returns how many models were loaded. */
int srv_store_refresh(srv_store *store, void (*warn)(const char *sentence));

/* Reloads one model, or unloads it (it stays in the index). False and a sentence where there is no such file,
 * or it cannot be read. */
bool srv_store_load(srv_store *store, const char *name, ami_error *err);
bool srv_store_unload(srv_store *store, const char *name, ami_error *err);

/* Calls visit for every name and version, in order; `model` is NULL where it is not loaded, with the reason
 * in `why`. The model is valid only during the call. */
void srv_store_visit(srv_store *store,
                     void (*visit)(void *context, const char *name, int version, const srv_model *model,
                                   const srv_stats *stats, const char *why),
                     void *context);

/* Adds a time to a histogram of powers of two: bucket k counts times up to 2^k µs. */
void srv_count_time(atomic_llong bucket[SRV_BUCKETS], int64_t ns);

#endif
