/* Divides items over shards and ranks, and adds what ranks have summed. */
#include "learn/shards.h"

#include "nets/train_net.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { PIECE = 4096 };

static int64_t rank_shard(const ami_shards *s, int rank)
{
    return (int64_t)s->count * rank / ami_exchange_ranks(s->exchange);
}

static int rank_of(const ami_shards *s, int shard)
{
    int rank = (int)((int64_t)shard * ami_exchange_ranks(s->exchange) / s->count);
    while (rank_shard(s, rank + 1) <= shard)
        rank++;
    while (rank_shard(s, rank) > shard)
        rank--;
    return rank;
}

/* Lists the subtrees of [first, end) that lie within one rank, without those in a larger one. `node` NULL: only counts. */
static int list_nodes(const ami_shards *s, int first, int end, ami_shard_node *node, int count)
{
    const int rank = rank_of(s, first);
    if (rank_of(s, end - 1) == rank) {
        if (node)
            node[count] = (ami_shard_node){first, end, rank};
        return count + 1;
    }
    const int middle = ami_shard_middle(first, end);
    return list_nodes(s, middle, end, node, list_nodes(s, first, middle, node, count));
}

bool ami_shards_init(ami_shards *shards, int items, int size, ami_exchange *exchange, ami_error *err)
{
    const int ranks = ami_exchange_ranks(exchange), rank = ami_exchange_rank(exchange);
    *shards = (ami_shards){.exchange = exchange, .items = items, .count = (items + size - 1) / size};
    if (shards->count < ranks)
        return ami_fail(
            err, "%d processes found, but only %d shards, of up to %d each; expected at most %d processes",
            ranks, shards->count, size, shards->count);
    shards->first = (int)rank_shard(shards, rank);
    shards->end = (int)rank_shard(shards, rank + 1);
    shards->nodes = list_nodes(shards, 0, shards->count, NULL, 0);
    shards->node = calloc((size_t)shards->nodes, sizeof *shards->node);
    if (!shards->node)
        return ami_fail(err, "out of memory for %d shards", shards->count);
    list_nodes(shards, 0, shards->count, shards->node, 0);
    for (int i = 0, run = 0; i < shards->nodes; i++) {
        const int owner = shards->node[i].rank;
        run = i > 0 && shards->node[i - 1].rank == owner ? run + 1 : 1;
        shards->most_nodes = run > shards->most_nodes ? run : shards->most_nodes;
        if (owner == rank) {
            shards->own_node = i - run + 1;
            shards->own_nodes = run;
        }
    }
    return true;
}

void ami_shards_free(ami_shards *shards)
{
    free(shards->node);
    *shards = (ami_shards){0};
}

int ami_shards_item(const ami_shards *shards, int shard)
{
    return (int)((int64_t)shards->items * shard / shards->count);
}

int ami_shards_rank_item(const ami_shards *shards, int rank)
{
    return ami_shards_item(shards, (int)rank_shard(shards, rank));
}

/* ---- Short sums ---- */

static void add(double *to, const double *from, int width)
{
    for (int k = 0; k < width; k++)
        to[k] += from[k];
}

/* Adds shards [first, end) into the first one's row; row 0 is shard `base`. */
static void add_rows(double *values, int base, int first, int end, int width)
{
    if (end - first == 1)
        return;
    const int middle = ami_shard_middle(first, end);
    add_rows(values, base, first, middle, width);
    add_rows(values, base, middle, end, width);
    add(values + (size_t)(first - base) * (size_t)width, values + (size_t)(middle - base) * (size_t)width,
        width);
}

/* Adds the nodes that lie in [first, end), from *next on, into the first one's row. Returns it. */
static double *add_nodes(const ami_shards *s, int first, int end, double *const *row, int width, int *next)
{
    if (s->node[*next].end == end)
        return row[(*next)++];
    const int middle = ami_shard_middle(first, end);
    double *left = add_nodes(s, first, middle, row, width, next);
    add(left, add_nodes(s, middle, end, row, width, next), width);
    return left;
}

static bool sum(const ami_shards *s, double *values, int width, double *total)
{
    const int ranks = ami_exchange_ranks(s->exchange), most = s->most_nodes;
    const size_t row = (size_t)width;
    for (int i = 0; i < s->own_nodes; i++) {
        const ami_shard_node *n = &s->node[s->own_node + i];
        add_rows(values, s->first, n->first, n->end, width);
    }
    if (ranks == 1) {
        memcpy(total, values, row * sizeof *total);
        return true;
    }
    double *mine = calloc((size_t)most * row, sizeof *mine);
    double *all = malloc((size_t)ranks * (size_t)most * row * sizeof *all);
    double **node = malloc((size_t)s->nodes * sizeof *node);
    for (int i = 0; mine && i < s->own_nodes; i++)
        memcpy(mine + (size_t)i * row, values + (size_t)(s->node[s->own_node + i].first - s->first) * row,
               row * sizeof *mine);
    const bool ok =
        mine && all && node && ami_exchange_all(s->exchange, mine, (size_t)most * row * sizeof *mine, all);
    for (int i = 0, run = 0; ok && i < s->nodes; i++) {
        run = i > 0 && s->node[i - 1].rank == s->node[i].rank ? run + 1 : 0;
        node[i] = all + ((size_t)s->node[i].rank * (size_t)most + (size_t)run) * row;
    }
    int next = 0;
    if (ok)
        memcpy(total, add_nodes(s, 0, s->count, node, width, &next), row * sizeof *total);
    free(mine);
    free(all);
    free(node);
    return ok;
}

bool ami_shards_sum(const ami_shards *shards, double *values, int width, double *total)
{
    const bool ok = sum(shards, values, width, total);
    for (int k = 0; !ok && k < width; k++)
        total[k] = NAN;
    return ok;
}

/* ---- Long sums ---- */

/* Rank r adds elements [part_first(r), part_first(r + 1)), whole cache lines. */
static size_t part_first(const ami_shard_sums *m, int rank)
{
    const size_t ranks = (size_t)ami_exchange_ranks(m->shards->exchange), lines = (m->size + 15) / 16,
                 first = lines * (size_t)rank / ranks * 16;
    return first < m->size ? first : m->size;
}

bool ami_shard_sums_init(ami_shard_sums *sums, const ami_shards *shards, size_t size, ami_error *err)
{
    const int ranks = ami_exchange_ranks(shards->exchange), rank = ami_exchange_rank(shards->exchange);
    *sums = (ami_shard_sums){.shards = shards, .size = size};
    sums->total = malloc(size * sizeof(float));
    if (ranks == 1) {
        sums->node = sums->total;
        return sums->total || ami_fail(err, "out of memory for sums of %zu numbers", size);
    }
    const size_t part = part_first(sums, rank + 1) - part_first(sums, rank);
    sums->node = malloc((size_t)shards->own_nodes * size * sizeof(float));
    sums->arrived = malloc(((size_t)shards->nodes * part + 1) * sizeof(float));
    sums->send = calloc((size_t)ranks, sizeof *sums->send);
    sums->receive = calloc((size_t)ranks, sizeof *sums->receive);
    sums->value = malloc((size_t)shards->nodes * sizeof *sums->value);
    bool ok = sums->total && sums->node && sums->arrived && sums->send && sums->receive && sums->value;
    if (shards->rounded) {
        sums->packed = malloc((size_t)shards->own_nodes * size * sizeof *sums->packed);
        sums->packed_arrived = malloc(((size_t)shards->nodes * part + 1) * sizeof *sums->packed_arrived);
        ok = ok && sums->packed && sums->packed_arrived;
    }
    if (ok)
        return true;
    ami_shard_sums_free(sums);
    return ami_fail(err, "out of memory for sums of %zu numbers", size);
}

void ami_shard_sums_free(ami_shard_sums *sums)
{
    if (sums->node != sums->total)
        free(sums->node);
    free(sums->total);
    free(sums->arrived);
    free(sums->packed);
    free(sums->packed_arrived);
    free(sums->send);
    free(sums->receive);
    free(sums->value);
    *sums = (ami_shard_sums){0};
}

/* What is sent of `floats` at `at`: the same place in `packed` where sums are rounded. */
static ami_exchange_part part_of(const ami_shard_sums *m, float *floats, uint16_t *packed, size_t at,
                                 size_t count)
{
    if (m->shards->rounded)
        return (ami_exchange_part){packed + at, count * sizeof *packed};
    return (ami_exchange_part){floats + at, count * sizeof *floats};
}

/* Every rank sends each other one that one's part of its nodes, the i-th of each rank at a time. */
static bool send_nodes(ami_shard_sums *m)
{
    const ami_shards *s = m->shards;
    const int ranks = ami_exchange_ranks(s->exchange), rank = ami_exchange_rank(s->exchange);
    const size_t first = part_first(m, rank), part = part_first(m, rank + 1) - first;
    bool ok = true;
    for (int i = 0; i < s->most_nodes && ok; i++) {
        for (int r = 0; r < ranks; r++) {
            const size_t begin = part_first(m, r);
            m->send[r] = m->receive[r] = (ami_exchange_part){0};
            if (i < s->own_nodes && r != rank)
                m->send[r] =
                    part_of(m, m->node, m->packed, (size_t)i * m->size + begin, part_first(m, r + 1) - begin);
        }
        for (int n = 0, run = 0; n < s->nodes; n++) {
            run = n > 0 && s->node[n - 1].rank == s->node[n].rank ? run + 1 : 0;
            if (run != i)
                continue;
            m->value[n] = s->node[n].rank == rank ? m->node + (size_t)i * m->size + first
                                                  : m->arrived + (size_t)n * part;
            if (s->node[n].rank != rank)
                m->receive[s->node[n].rank] =
                    part_of(m, m->arrived, m->packed_arrived, (size_t)n * part, part);
        }
        ok = ami_exchange_swap(s->exchange, m->send, m->receive);
    }
    return ok;
}

static bool send_totals(ami_shard_sums *m)
{
    const int ranks = ami_exchange_ranks(m->shards->exchange), rank = ami_exchange_rank(m->shards->exchange);
    for (int r = 0; r < ranks; r++) {
        const size_t own = part_first(m, rank), begin = part_first(m, r);
        m->send[r] = part_of(m, m->total, m->packed, own, part_first(m, rank + 1) - own);
        m->receive[r] = part_of(m, m->total, m->packed, begin, part_first(m, r + 1) - begin);
    }
    return ami_exchange_swap(m->shards->exchange, m->send, m->receive);
}

/* As add_nodes, elements [from, from + n) of this rank's part. */
static float *add_piece(const ami_shard_sums *m, int first, int end, size_t from, size_t n, int *next)
{
    if (m->shards->node[*next].end == end)
        return m->value[(*next)++] + from;
    const int middle = ami_shard_middle(first, end);
    float *left = add_piece(m, first, middle, from, n, next);
    (m->shards->rounded ? ami_shard_add_rounded : ami_shard_add)(left,
                                                                 add_piece(m, middle, end, from, n, next), n);
    return left;
}

/* Elements [from, from + n) of this rank's part of the total. */
static void add_part(ami_shard_sums *m, size_t from, size_t n)
{
    const ami_shards *s = m->shards;
    const int rank = ami_exchange_rank(s->exchange);
    const size_t first = part_first(m, rank), part = part_first(m, rank + 1) - first;
    float *total = m->total + first + from;
    int next = 0;
    for (int i = 0; s->rounded && i < s->nodes; i++)
        if (s->node[i].rank != rank)
            ami_shard_unpack(m->packed_arrived + (size_t)i * part + from, n, m->value[i] + from);
    memcpy(total, add_piece(m, 0, s->count, from, n, &next), n * sizeof *total);
    if (s->rounded) /* its nodes have been sent */
        ami_shard_pack(total, n, m->packed + first + from);
}

void ami_shard_sums_add(ami_shard_sums *sums)
{
    const ami_shards *s = sums->shards;
    if (ami_exchange_ranks(s->exchange) == 1)
        return;
    const int rank = ami_exchange_rank(s->exchange);
    const size_t part = part_first(sums, rank + 1) - part_first(sums, rank),
                 packed = s->rounded ? (size_t)s->own_nodes * sums->size : 0;
    if (s->rounded) {
#pragma omp for schedule(dynamic, 1)
        for (size_t from = 0; from < packed; from += PIECE)
            ami_shard_pack(sums->node + from, packed - from < PIECE ? packed - from : PIECE,
                           sums->packed + from);
    }
#pragma omp master
    if (!send_nodes(sums))
        sums->total[0] = NAN;
#pragma omp barrier
    if (!ami_exchange_failed(s->exchange, NULL)) {
#pragma omp for schedule(dynamic, 1)
        for (size_t from = 0; from < part; from += PIECE)
            add_part(sums, from, part - from < PIECE ? part - from : PIECE);
#pragma omp master
        if (!send_totals(sums))
            sums->total[0] = NAN;
#pragma omp barrier
        if (s->rounded && !ami_exchange_failed(s->exchange, NULL)) {
#pragma omp for schedule(dynamic, 1)
            for (size_t from = 0; from < sums->size; from += PIECE)
                ami_shard_unpack(sums->packed + from, sums->size - from < PIECE ? sums->size - from : PIECE,
                                 sums->total + from);
        }
    }
}
