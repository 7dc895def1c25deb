/* Threads that run the networks: a bounded queue of requests, first come first served; waiting requests for
 * the same model are run as one batch.
 *
 * The caller owns a request until srv_submit, the workers own it until they call done(), then the caller owns
 * it again. */
#ifndef SRV_WORKER_H
#define SRV_WORKER_H

#include "server/infer.h"

typedef struct srv_job {
    srv_infer infer;
    void (*run)(struct srv_job *job);  /* NULL: runs infer; else this alone, without others */
    bool fine;                         /* set by srv_submit: it runs in fp32, because of its own rows */
    bool failed;                       /* out of memory */
    int64_t queued, begun, ended;      /* ns of the monotonic clock */
    void (*done)(struct srv_job *job); /* called by a worker; must be short */
    void *context;
    struct srv_job *next;
} srv_job;

typedef struct srv_workers_def {
    int threads;
    int max_queue;       /* maximum number of waiting requests */
    int max_batch;       /* maximum number of rows in a batch */
    double max_delay_us; /* maximum time a request waits for others; 0: none */
} srv_workers_def;

typedef struct srv_workers srv_workers;

srv_workers *srv_workers_start(const srv_workers_def *def, ami_error *err);

/* Ends the threads after all queued requests are finished. */
void srv_workers_stop(srv_workers *workers);

/* False where the queue is full; the caller still owns the job. */
bool srv_submit(srv_workers *workers, srv_job *job);

int srv_waiting(srv_workers *workers);

int64_t srv_now(void); /* ns */

#endif
