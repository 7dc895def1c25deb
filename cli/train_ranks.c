/* Times of the processes of a training. */
#include "cli/train_ranks.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
    SETTLED = 30 /* iterations before anything is said */,
    CURVES = 16 /* ranks with curves of their own */
};

typedef struct rank_mean {
    double collect, compute, wait, bytes;
    int64_t count;
    bool named;
} rank_mean;

struct train_ranks {
    ami_exchange *exchange;
    int count;
    void *turns;
    train_rank_time own;
    int64_t bytes_before;
    rank_mean *mean; /* (count) */
    double *sorted;  /* (count) workspace */
};

train_ranks *train_ranks_create(ami_exchange *exchange, size_t turn, ami_error *err)
{
    const size_t n = (size_t)ami_exchange_ranks(exchange);
    train_ranks *r = calloc(1, sizeof *r);
    if (r) {
        r->exchange = exchange;
        r->count = (int)n;
        r->turns = calloc(n, turn);
        r->mean = calloc(n, sizeof *r->mean);
        r->sorted = calloc(n, sizeof *r->sorted);
        if (r->turns && r->mean && r->sorted)
            return r;
    }
    train_ranks_destroy(r);
    ami_fail(err, "out of memory for %zu processes", n);
    return NULL;
}

void train_ranks_destroy(train_ranks *ranks)
{
    if (!ranks)
        return;
    free(ranks->turns);
    free(ranks->mean);
    free(ranks->sorted);
    free(ranks);
}

void *train_ranks_turns(train_ranks *ranks)
{
    return ranks->turns;
}

void train_ranks_add(train_ranks *ranks, double collect_s, double all_s, double exchange_s)
{
    const int64_t bytes = ami_exchange_bytes(ranks->exchange);
    ranks->own = (train_rank_time){.collect = collect_s,
                                   .compute = all_s - exchange_s,
                                   .wait = exchange_s,
                                   .bytes = bytes - ranks->bytes_before};
    ranks->bytes_before = bytes;
}

train_rank_time train_ranks_own(const train_ranks *ranks)
{
    return ranks->own;
}

void train_ranks_take(train_ranks *ranks, int rank, const train_rank_time *time)
{
    rank_mean *m = &ranks->mean[rank];
    if (time->compute <= 0)
        return;
    const double weight = m->count < 20 ? 1 / (double)(m->count + 1) : .05;
    m->count++;
    m->collect += weight * (time->collect - m->collect);
    m->compute += weight * (time->compute - m->compute);
    m->wait += weight * (time->wait - m->wait);
    m->bytes += weight * ((double)time->bytes - m->bytes);
}

static int ascending(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

int train_ranks_slow(const double *mean_s, int n, double *median_s)
{
    double *sorted = malloc((size_t)n * sizeof *sorted);
    int slowest = 0;
    if (!sorted || n < 2) {
        free(sorted);
        return -1;
    }
    memcpy(sorted, mean_s, (size_t)n * sizeof *sorted);
    qsort(sorted, (size_t)n, sizeof *sorted, ascending);
    *median_s = sorted[(n - 1) / 2]; /* of two: the faster one */
    free(sorted);
    for (int r = 1; r < n; r++)
        if (mean_s[r] > mean_s[slowest])
            slowest = r;
    return mean_s[slowest] > 1.3 * *median_s ? slowest : -1;
}

void train_ranks_log(train_ranks *ranks, ami_event_log *log, int64_t samples, ami_progress *progress)
{
    double wait = 0, bytes = 0, longest = 0, median;
    if (ranks->count < 2)
        return;
    for (int r = 0; r < ranks->count; r++) {
        const rank_mean *m = &ranks->mean[r];
        ranks->sorted[r] = m->compute;
        longest = m->compute > longest ? m->compute : longest;
        wait += m->wait / ranks->count;
        bytes += m->bytes / ranks->count;
        if (r < CURVES && m->count > 0) {
            char tag[64];
            snprintf(tag, sizeof tag, "rank/%02d_step_seconds", r);
            ami_event_log_scalar(log, tag, samples, m->compute, NULL);
        }
    }
    ami_event_log_scalar(log, "rank/longest_step_seconds", samples, longest, NULL);
    ami_event_log_scalar(log, "rank/mean_wait_seconds", samples, wait, NULL);
    ami_event_log_scalar(log, "rank/mean_bytes_sent", samples, bytes, NULL);
    if (ranks->mean[0].count < SETTLED)
        return;
    const int slow = train_ranks_slow(ranks->sorted, ranks->count, &median);
    if (slow < 0 || ranks->mean[slow].named)
        return;
    ranks->mean[slow].named = true;
    ami_progress_note(
        progress,
        "amble: rank %d on %s computes for %.3f s an iteration, the middle of all ranks for %.3f s: the "
        "others wait for it",
        slow, ami_exchange_host(ranks->exchange, slow), ranks->sorted[slow], median);
}
