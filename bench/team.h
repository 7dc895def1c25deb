/* A team: the calling thread and a few workers that share the work of one network, or take whole networks
 * each, and join within a bounded time.
 *
 * Workers wait spinning, so that a call costs a cache line's way between two cores, not a system call; after
 * a while without work they sleep. Nothing ever depends on a worker: the caller takes over what a worker has
 * not begun (it was asleep, or another process has its core), and where a worker has begun and does not
 * finish within join_spin_us, the caller computes that part itself and leaves the worker's result unused. So
 * a call takes at most what one thread takes for the same, twice at worst, plus join_spin_us.
 *
 * Results are bit-equal to amb_model_run's, whatever the threads do.
 *
 * A worker that was left behind still reads the model, and buffers that belong to the team, until it notices.
 * So: a model that a team has run must stay as it is until amb_team_settle or amb_team_destroy has returned.
 * The caller's own inputs and outputs are never touched by a worker. While one is left behind, calls run on
 * the caller's thread alone.
 *
 * A team is used by one thread at a time. This file uses pthreads and Linux's futex; no OpenMP. */
#ifndef AMB_BENCH_TEAM_H
#define AMB_BENCH_TEAM_H

#include "nets/model.h"

#include <stdint.h>

typedef struct amb_team amb_team;

typedef struct amb_team_def {
    int threads;         /* the caller and threads - 1 workers; 0: one a core this process may use; at most
                            AMB_TEAM_MOST_THREADS */
    double join_spin_us; /* µs a call waits for a worker that has begun, before it finishes the worker's part
                            itself */
    double idle_spin_us; /* µs an idle worker spins for the next call before it sleeps; a sleeping one is
                            woken, but not waited for */
    bool bind;           /* bind each worker to a core of its own: those behind the caller's, as of
                            creation */
} amb_team_def;

enum { AMB_TEAM_MOST_THREADS = 64, AMB_TEAM_MOST_MODELS = 32 };

/* One a core, 50 µs, 1000 µs, unbound. */
amb_team_def amb_team_default_def(void);

/* def NULL: the default. NULL and a sentence where memory or threads are short. */
amb_team *amb_team_create(const amb_team_def *def, amb_error *err);
void amb_team_destroy(amb_team *team); /* waits for all workers; NULL is fine */

int amb_team_threads(const amb_team *team);

/* Buffers for this model and up to so many rows: must have been called before the model is run, again after
 * it was made anew at the same address. Only this allocates. False and a sentence, and nothing changed, where
 * memory is short or there are too many models. */
bool amb_team_reserve(amb_team *team, const amb_model *model, int rows, amb_error *err);

/* Forgets a model and frees its buffers. Fine for one that is not there. */
void amb_team_forget(amb_team *team, const amb_model *model);

/* Waits until no worker touches any model: before one is repacked or destroyed. */
void amb_team_settle(amb_team *team);

/* As amb_model_run, over the team: few rows split each layer's outputs, many rows are dealt out. A network
 * too small to gain runs on the caller's thread. */
void amb_team_run(amb_team *team, const amb_model *model, const float *in, int n, float *out);

/* Several networks, each whole on one thread, with one join. Longest first is best. Models may repeat, at the
 * price of the team: repeated ones are the caller's. */
typedef struct amb_team_job {
    const amb_model *model;
    const float *in; /* (n, inputs) */
    int n;
    float *out; /* (n, outputs) */
} amb_team_job;
void amb_team_run_jobs(amb_team *team, const amb_team_job *job, int jobs);

/* Since creation. */
typedef struct amb_team_stats {
    uint64_t calls; /* that were meant to be shared */
    uint64_t alone; /* of these, that the caller did without any worker's result, or with some part of its own
                       after waiting in vain */
} amb_team_stats;
amb_team_stats amb_team_get_stats(const amb_team *team);

#endif
