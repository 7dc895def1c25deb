/* What a rollout exchanges with those of other ranks. */
#include "learn/spread.h"

#include <stdlib.h>

static bool agree(void *context, bool ok, ami_error *err)
{
    return ami_exchange_agree(context, ok, err);
}

static bool gather(void *context, void *rows, size_t bytes, int count, ami_error *err)
{
    ami_exchange *x = context;
    const int ranks = ami_exchange_ranks(x), rank = ami_exchange_rank(x);
    ami_exchange_part *part = malloc(2 * (size_t)ranks * sizeof *part);
    char *all = rows;
    if (!ami_exchange_agree(x, part || ami_fail(err, "out of memory for %d processes", ranks), err)) {
        free(part);
        return false;
    }
    const ami_rollout_share share = {.parts = ranks};
    for (int r = 0; r < ranks; r++) {
        const size_t first = (size_t)ami_rollout_first(&share, count, r),
                     end = (size_t)ami_rollout_first(&share, count, r + 1);
        part[ranks + r] = (ami_exchange_part){all + first * bytes, (end - first) * bytes};
    }
    for (int r = 0; r < ranks; r++)
        part[r] = part[ranks + rank];
    const bool ok = ami_exchange_swap(x, part, part + ranks) || (ami_exchange_failed(x, err), false);
    free(part);
    return ok;
}

ami_rollout_share ami_spread(ami_exchange *exchange)
{
    return (ami_rollout_share){.context = exchange,
                               .part = ami_exchange_rank(exchange),
                               .parts = ami_exchange_ranks(exchange),
                               .agree = agree,
                               .gather = gather};
}
