/* Ranks as threads of one process, for tests: what the MPI plug-ins do, through memory. */
#ifndef AMI_TESTS_RANKS_H
#define AMI_TESTS_RANKS_H

#include "learn/exchange.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { RANKS_MAX = 8 };

typedef struct rank_team {
    int count;
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    /* The message that is under way from one rank to another, a copy: a rank that gives up frees its own. */
    void *data[RANKS_MAX][RANKS_MAX];
    size_t bytes[RANKS_MAX][RANKS_MAX];
} rank_team;

typedef struct rank_thread {
    rank_team *all;
    int rank;
    void (*run)(ami_exchange *exchange, void *argument);
    void *argument;
    double limit_s;
} rank_thread;

static inline bool wait_until(rank_team *all, const struct timespec *end)
{
    return pthread_cond_timedwait(&all->changed, &all->mutex, end) == 0;
}

static inline bool ranks_swap(void *context, const ami_exchange_part *send, const ami_exchange_part *receive,
                              double limit_s, unsigned char *missing, ami_error *err)
{
    const rank_thread *own = context;
    rank_team *all = own->all;
    struct timespec end;
    clock_gettime(CLOCK_REALTIME, &end);
    const double limit = limit_s > 0 ? limit_s : 600;
    end.tv_sec += (time_t)limit + 1;
    (void)err;
    pthread_mutex_lock(&all->mutex);
    bool ok = true;
    for (int r = 0; r < all->count; r++) {
        if (r == own->rank || send[r].bytes == 0)
            continue;
        free(all->data[own->rank][r]); /* of a swap that failed */
        all->data[own->rank][r] = malloc(send[r].bytes);
        if (!all->data[own->rank][r])
            abort();
        memcpy(all->data[own->rank][r], send[r].data, send[r].bytes);
        all->bytes[own->rank][r] = send[r].bytes;
    }
    pthread_cond_broadcast(&all->changed);
    for (int r = 0; r < all->count; r++) {
        if (r == own->rank || receive[r].bytes == 0)
            continue;
        while (ok && !all->data[r][own->rank])
            ok = wait_until(all, &end);
        if (!all->data[r][own->rank]) {
            missing[r] = 1;
            continue;
        }
        if (all->bytes[r][own->rank] != receive[r].bytes)
            abort(); /* the ranks do not do the same */
        memcpy(receive[r].data, all->data[r][own->rank], receive[r].bytes);
        free(all->data[r][own->rank]);
        all->data[r][own->rank] = NULL;
        pthread_cond_broadcast(&all->changed);
    }
    for (int r = 0; r < all->count; r++) /* until the own messages were taken */
        while (ok && r != own->rank && all->data[own->rank][r])
            ok = wait_until(all, &end);
    pthread_mutex_unlock(&all->mutex);
    return ok;
}

static const ami_exchange_carrier ranks_carrier = {
    .version = AMI_EXCHANGE_VERSION, .mpi = "threads", .swap = ranks_swap};

static inline void *ranks_main(void *context)
{
    rank_thread *own = context;
    ami_error err = {""};
    ami_exchange *x =
        ami_exchange_create(&ranks_carrier, own, own->rank, own->all->count, "threads", own->limit_s, &err);
    if (!x)
        abort();
    own->run(x, own->argument);
    ami_exchange_destroy(x);
    return NULL;
}

/* Runs `run` once in each of `count` ranks, with argument[rank] (NULL: none), and waits for them. */
static inline void run_ranks(int count, double limit_s, void (*run)(ami_exchange *, void *),
                             void *const *argument)
{
    rank_team all = {.count = count, .mutex = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};
    rank_thread own[RANKS_MAX];
    pthread_t thread[RANKS_MAX];
    for (int r = 0; r < count; r++) {
        own[r] = (rank_thread){&all, r, run, argument ? argument[r] : NULL, limit_s};
        if (pthread_create(&thread[r], NULL, ranks_main, &own[r]) != 0)
            abort();
    }
    for (int r = 0; r < count; r++)
        pthread_join(thread[r], NULL);
    for (int r = 0; r < count * RANKS_MAX; r++)
        free(all.data[r / RANKS_MAX][r % RANKS_MAX]);
}

#endif
