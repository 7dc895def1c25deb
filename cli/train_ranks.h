/* How long each process of a training computes and waits: curves, and a sentence about one that is slow. */
#ifndef AMI_CLI_TRAIN_RANKS_H
#define AMI_CLI_TRAIN_RANKS_H

#include "learn/event_log.h"
#include "learn/exchange.h"
#include "options/progress.h"

typedef struct train_rank_time {   /* of the last iteration, s */
    double collect, compute, wait; /* compute: all but waiting for others */
    int64_t bytes;                 /* sent */
} train_rank_time;

typedef struct train_ranks train_ranks;

/* `turn`: bytes of what ranks exchange between iterations. NULL and a sentence if memory is short. */
train_ranks *train_ranks_create(ami_exchange *exchange, size_t turn, ami_error *err);
void train_ranks_destroy(train_ranks *ranks);

void *train_ranks_turns(train_ranks *ranks); /* (ranks, turn) buffer */

/* This rank's last iteration: s of collecting, of all, and of these in exchanges. */
void train_ranks_add(train_ranks *ranks, double collect_s, double all_s, double exchange_s);
train_rank_time train_ranks_own(const train_ranks *ranks);

/* Takes what a rank says. */
void train_ranks_take(train_ranks *ranks, int rank, const train_rank_time *time);

/* At rank 0: curves rank/... of several ranks, and a note once about each rank that needs much longer than the others. */
void train_ranks_log(train_ranks *ranks, ami_event_log *log, int64_t samples, ami_progress *progress);

/* The pure part: which of n mean times is the slowest, if it is more than 1.3 times their median; else -1. */
int train_ranks_slow(const double *mean_s, int n, double *median_s);

#endif
