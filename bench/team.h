/* A team: the calling thread and a few workers that share the work of one network, or take whole networks
 * each, and join within a bounded time.
 *
 * Workers wait spinning, so that a call costs a cache line's way between two cores, not a system call; after
 * a while without work they sleep. Nothing ever depends on a worker: the caller takes over what a worker has
 * not begun (it was asleep, or another process has its core), and where a worker has begun and does not
 * finish within join_spin_us, the caller computes that part itself and leaves the worker's result unused. So
 * a call takes at most what one thread takes for the same, twice at worst, plus join_spin_us.
 *
 * Results are bit-equal to ami_model_run's, whatever the threads do.
 *
 * A worker that was left behind still reads the model, and buffers that belong to the team, until it notices.
 * So: a model that a team has run must stay as it is until ami_team_settle or ami_team_destroy has returned.
 * The caller's own inputs and outputs are never touched by a worker. While one is left behind, calls run on
 * the caller's thread alone.
 *
 * A team is used by one thread at a time. This file uses pthreads and Linux's futex; no OpenMP. */
#ifndef AMI_BENCH_TEAM_H
#define AMI_BENCH_TEAM_H

#include "nets/model.h"

#include <stdint.h>

typedef struct ami_team ami_team;

typedef struct ami_team_def {
    int threads;         /* the caller and threads - 1 workers; 0: one a core this process may use; at most
                            AMI_TEAM_MOST_THREADS */
    double join_spin_us; /* µs a call waits for a worker that has begun, before it finishes the worker's part
                            itself */
    double idle_spin_us; /* µs an idle worker spins for the next call before it sleeps; a sleeping one is
                            woken, but not waited for */
    bool bind;           /* bind each worker to a core of its own: those behind the caller's, as of
                            creation */
} ami_team_def;

enum { AMI_TEAM_MOST_THREADS = 64, AMI_TEAM_MOST_MODELS = 32 };

/* One a core, 50 µs, 1000 µs, unbound. */
ami_team_def ami_team_default_def(void);

/* def NULL: the default. NULL and a sentence where memory or threads are short. */
ami_team *ami_team_create(const ami_team_def *def, ami_error *err);
void ami_team_destroy(ami_team *team); /* waits for all workers; NULL is fine */

int ami_team_threads(const ami_team *team);

/* Buffers for this model and up to so many rows: must have been called before the model is run, again after
 * it was made anew at the same address. Only this allocates. False and a sentence, and nothing changed, where
 * memory is short or there are too many models. */
bool ami_team_reserve(ami_team *team, const ami_model *model, int rows, ami_error *err);

/* Forgets a model and frees its buffers. Fine for one that is not there. */
void ami_team_forget(ami_team *team, const ami_model *model);

/* Waits until no worker touches any model: before one is repacked or destroyed. */
void ami_team_settle(ami_team *team);

/* As ami_model_run, over the team: few rows split each layer's outputs, many rows are dealt out. A network
 * too small to gain runs on the caller's thread. */
void ami_team_run(ami_team *team, const ami_model *model, const float *in, int n, float *out);

/* Several networks, each whole on one thread, with one join. Longest first is best. Models may repeat, at the
 * price of the team: repeated ones are the caller's. */
typedef struct ami_team_job {
    const ami_model *model;
    const float *in; /* (n, inputs) */
    int n;
    float *out; /* (n, outputs) */
} ami_team_job;
void ami_team_run_jobs(ami_team *team, const ami_team_job *job, int jobs);

/* Since creation. */
typedef struct ami_team_stats {
    uint64_t calls; /* that were meant to be shared */
    uint64_t alone; /* of these, that the caller did without any worker's result, or with some part of its own
                       after waiting in vain */
} ami_team_stats;
ami_team_stats ami_team_get_stats(const ami_team *team);

#endif
