/* Shards: fixed blocks of what a training sums over (environments, windows), divided over the ranks of an
 * exchange. Sums go over a shard in order and over shards in a fixed binary tree (ami_shard_middle in
 * nets/train_net.h), so they are the same, bit for bit, for any number of ranks and threads.
 *
 * A rank has consecutive shards. It adds the largest subtrees within them by itself, its nodes; the upper part of
 * the tree is added where all nodes have arrived. */
#ifndef AMI_LEARN_SHARDS_H
#define AMI_LEARN_SHARDS_H

#include "learn/exchange.h"

typedef struct ami_shard_node {
    int first, end; /* shards */
    int rank;
} ami_shard_node;

typedef struct ami_shards {
    ami_exchange *exchange;
    bool
        rounded; /* long sums are rounded to bf16, and sent so; to be set after init, before what is made with these shards */
    int items, count;                    /* of all ranks */
    int first, end;                      /* shards of this rank: [first, end), one or more */
    int nodes;                           /* of all ranks */
    ami_shard_node *node;                /* (nodes) in order */
    int own_node, own_nodes, most_nodes; /* this rank's; max of a rank */
} ami_shards;

/* Divides `items` into shards of at most `size` items, which differ by at most one. False and a sentence if there are fewer
 * shards than ranks, or memory is short. */
bool ami_shards_init(ami_shards *shards, int items, int size, ami_exchange *exchange, ami_error *err);
void ami_shards_free(ami_shards *shards);

/* The first item of a shard; of `count`: the number of items. */
int ami_shards_item(const ami_shards *shards, int shard);

/* A rank's first item; of `ranks`: the number of items. */
int ami_shards_rank_item(const ami_shards *shards, int rank);

/* This rank's first item, and the number of its items and shards. */
static inline int ami_shards_own_item(const ami_shards *shards)
{
    return ami_shards_item(shards, shards->first);
}
static inline int ami_shards_own_items(const ami_shards *shards)
{
    return ami_shards_item(shards, shards->end) - ami_shards_item(shards, shards->first);
}
static inline int ami_shards_own(const ami_shards *shards)
{
    return shards->end - shards->first;
}

/* Collective. total (width) = the sum of all shards' values. values (own shards, width) is overwritten. False if the
 * exchange has failed or memory is short; then total is NaN. */
bool ami_shards_sum(const ami_shards *shards, double *values, int width, double *total);

/* ---- Sums of long arrays of floats, of which each rank adds a part ---- */

typedef struct ami_shard_sums {
    const ami_shards *shards;
    size_t size;
    float *node;    /* (own nodes, size) to be filled by the caller */
    float *total;   /* (size) */
    float *arrived; /* (nodes, this rank's part) */
    uint16_t *packed,
        *packed_arrived; /* of rounded sums: (own nodes, size), also the total; (nodes, this rank's part) */
    ami_exchange_part *send, *receive; /* (ranks) */
    float **value;                     /* (nodes) */
} ami_shard_sums;

/* For one rank, node and total are the same array. Where shards->rounded, the caller's nodes must be so already
 * (ami_train_net_round_gradients). */
bool ami_shard_sums_init(ami_shard_sums *sums, const ami_shards *shards, size_t size, ami_error *err);
void ami_shard_sums_free(ami_shard_sums *sums);

/* Collective. TEAM (nets/train_net.h); messages are sent by thread 0. total = the sum over all nodes; `node` is overwritten. If the
 * exchange has failed, total begins with NaN. Ends with a barrier. */
void ami_shard_sums_add(ami_shard_sums *sums);

#endif
