/* Threads that run the networks: a queue of requests, bounded, first come first served; requests for the same
 * model that wait at the same time are run as one batch.
 *
 * A request is in one of three hands: the caller's until srv_submit, the workers' until done() was called, the
 * caller's again then. */
#ifndef SRV_WORKER_H
#define SRV_WORKER_H

#include "server/infer.h"

typedef struct srv_job {
    srv_infer infer;
    bool failed;                       /* memory was short */
    int64_t queued, begun, ended;      /* ns of the monotonic clock */
    void (*done)(struct srv_job *job); /* called by a worker; must be short */
    void *context;
    struct srv_job *next;
} srv_job;

typedef struct srv_workers_def {
    int threads;
    int max_queue;       /* requests that wait at most */
    int max_batch;       /* rows that run together at most */
    double max_delay_us; /* how long a request may wait for others to join it; 0: not */
} srv_workers_def;

typedef struct srv_workers srv_workers;

srv_workers *srv_workers_start(const srv_workers_def *def, ami_error *err);

/* Ends the threads after what is queued has been done. */
void srv_workers_stop(srv_workers *workers);

/* False where the queue is full; the job is the caller's still. */
bool srv_submit(srv_workers *workers, srv_job *job);

int srv_waiting(srv_workers *workers);

int64_t srv_now(void); /* ns */

#endif
