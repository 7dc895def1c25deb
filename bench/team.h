/* A team: the calling thread and a few workers that divide the work of one network, or compute whole networks
 * each, and join within a bounded time.
 *
 * Workers spin while they wait, so that a call costs one transfer of a cache line between two cores, not a
 * system call; after some time without work they sleep. No call depends on a worker: the caller takes over
 * parts that a worker has not begun (it was asleep, or another process has its core). If a worker has begun
 * and does not finish within join_spin_us, the caller computes that part itself and ignores the worker's
 * result. So a call takes at most twice the time of one thread plus join_spin_us.
 *
 * Results are bit-equal to ami_model_run's, independent of the threads' timing.
 *
 * A late worker still reads the model, and buffers of the team, until it notices. So a model that a team has
 * run must not change until ami_team_settle or ami_team_destroy has returned. Workers never access the
 * caller's inputs and outputs. While a worker is late, calls run on the caller's thread alone.
 *
 * A team is used by one thread at a time. This file uses pthreads and Linux's futex; no OpenMP. */
#ifndef AMI_BENCH_TEAM_H
#define AMI_BENCH_TEAM_H

#include "nets/model.h"

#include <stdint.h>

typedef struct ami_team ami_team;

typedef struct ami_team_def {
    int threads;         /* the caller and threads - 1 workers; 0: one a core this process may use; at most
                            AMI_TEAM_MAX_THREADS */
    double join_spin_us; /* µs a call waits for a worker that has begun, before it computes that part
                            itself */
    double idle_spin_us; /* µs an idle worker spins for the next call before it sleeps; a sleeping one is
                            woken, but not waited for */
    bool bind;           /* bind each worker to its own core: those after the caller's at creation */
} ami_team_def;

enum { AMI_TEAM_MAX_THREADS = 64, AMI_TEAM_MAX_MODELS = 32 };

/* One a core, 50 µs, 1000 µs, unbound. */
ami_team_def ami_team_default_def(void);

/* def NULL: the default. NULL and a sentence where memory or threads are short. */
ami_team *ami_team_create(const ami_team_def *def, ami_error *err);
void ami_team_destroy(ami_team *team); /* waits for all workers; NULL is fine */

int ami_team_threads(const ami_team *team);

/* Allocates buffers for this model and up to `rows` rows. To be called before the model is run, and again
 * after another one was created at the same address. No other function allocates. False and a sentence, and
 * nothing changed, where memory is short or there are too many models. */
bool ami_team_reserve(ami_team *team, const ami_model *model, int rows, ami_error *err);

/* Removes a model and frees its buffers. An unknown one is fine. */
void ami_team_forget(ami_team *team, const ami_model *model);

/* Waits until no worker uses any model; to be called before one is repacked or destroyed. */
void ami_team_settle(ami_team *team);

/* As ami_model_run, over the team: for few rows each layer's outputs are divided, else the rows. A network
 * too small to gain runs on the caller's thread. */
void ami_team_run(ami_team *team, const ami_model *model, const float *in, int n, float *out);

/* Several networks, each on one thread, with one join. Order them by decreasing work. The caller computes
 * repeated models itself. */
typedef struct ami_team_job {
    const ami_model *model;
    const float *in; /* (n, inputs) */
    int n;
    float *out; /* (n, outputs) */
} ami_team_job;
void ami_team_run_jobs(ami_team *team, const ami_team_job *job, int jobs);

/* Since creation. */
typedef struct ami_team_stats {
    uint64_t calls; /* that were divided among threads */
    uint64_t alone; /* of these, calls without any worker's result, or with a part that the caller computed
                       after waiting in vain */
} ami_team_stats;
ami_team_stats ami_team_get_stats(const ami_team *team);

#endif
