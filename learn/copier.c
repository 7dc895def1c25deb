/* Fits an actor and a critic to examples. */
#include "learn/copier.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* Items of an own shard, counted from the rank's first. */
static int shard_item(const ami_copier *c, int own)
{
    return ami_shards_item(c->shards, c->shards->first + own) - ami_shards_own_item(c->shards);
}

/* Max examples in a shard of any rank. */
static int most_rows(const ami_copier *c)
{
    const int per_item = c->rows / ami_shards_own_items(c->shards);
    int most = 0;
    for (int s = 0; s < c->shards->count; s++) {
        const int items = ami_shards_item(c->shards, s + 1) - ami_shards_item(c->shards, s);
        most = items * per_item > most ? items * per_item : most;
    }
    return most;
}

bool ami_copier_init(ami_copier *copier, int inputs, int hidden1, int hidden2, int actions, int rows,
                     const ami_shards *shards, ami_train_precision precision, ami_error *err)
{
    *copier = (ami_copier){.rows = rows, .inputs = inputs, .shards = shards, .outputs = {actions, 1}};
    if (!shards) {
        if (!ami_shards_init(&copier->alone, 1, 1, ami_exchange_none(), err))
            return false;
        copier->shards = &copier->alone;
    }
    const int own = ami_shards_own(copier->shards);
    copier->errors = malloc(2 * (size_t)own * sizeof *copier->errors);
    for (int k = 0; k < 2; k++) {
        const int dim[] = {inputs, hidden1, hidden2, copier->outputs[k]};
        copier->net[k] = ami_train_net_create_shards(3, dim, own, most_rows(copier), precision, err);
        if (copier->net[k] && copier->shards->rounded)
            ami_train_net_round_gradients(copier->net[k]);
        if (copier->net[k])
            copier->d[k] = malloc((size_t)rows * (size_t)copier->outputs[k] * sizeof(float));
        if (copier->net[k] && copier->d[k] && copier->errors &&
            ami_shard_sums_init(&copier->sums[k], copier->shards, ami_train_net_size(copier->net[k]), err) &&
            ami_adam_init(&copier->adam[k], ami_train_net_size(copier->net[k]), err))
            continue;
        if (copier->net[k] && (!copier->d[k] || !copier->errors))
            ami_fail(err, "out of memory for %d examples", rows);
        ami_copier_free(copier);
        return false;
    }
    return true;
}

void ami_copier_free(ami_copier *copier)
{
    for (int k = 0; k < 2; k++) {
        ami_train_net_destroy(copier->net[k]);
        ami_adam_free(&copier->adam[k]);
        ami_shard_sums_free(&copier->sums[k]);
        free(copier->d[k]);
    }
    ami_shards_free(&copier->alone);
    free(copier->errors);
    *copier = (ami_copier){0};
}

bool ami_copier_failed(const ami_copier *copier, ami_error *err)
{
    if (copier->other_failed)
        ami_fail(err, "out of memory in another process");
    return copier->other_failed || ami_train_net_failed(copier->net[0], err) ||
           ami_train_net_failed(copier->net[1], err);
}

void ami_copier_start(ami_copier *copier, const float *actor, const float *critic)
{
    const float *from[2] = {actor, critic};
    for (int k = 0; k < 2; k++) {
        const size_t size = ami_train_net_size(copier->net[k]);
        memcpy(ami_train_net_parameters(copier->net[k]), from[k], size * sizeof(float));
        ami_train_net_parameters_changed(copier->net[k]);
        memset(copier->adam[k].m, 0, size * sizeof(float));
        memset(copier->adam[k].v, 0, size * sizeof(float));
        copier->adam[k].step = 0;
    }
}

/* TEAM. `n` examples of this rank, `all` of all ranks. */
static void learn(ami_copier *c, int k, const float *x, const float *target, int n, int64_t all, float rate)
{
    ami_train_net *net = c->net[k];
    const size_t outputs = (size_t)c->outputs[k], inputs = (size_t)c->inputs;
    const int items = ami_shards_own_items(c->shards), per_item = n / items,
              capacity = ami_train_net_chunk_rows(net), per_shard = ami_train_net_shard_chunks(net),
              blocks = ami_train_net_blocks(net);
    const ami_shards *shards = c->shards;
#pragma omp for schedule(dynamic, 1)
    for (int chunk = 0; chunk < ami_train_net_chunks(net); chunk++) {
        const int s = chunk / per_shard, end = shard_item(c, s + 1) * per_item,
                  from = shard_item(c, s) * per_item + chunk % per_shard * capacity, left = end - from,
                  rows = left < 0          ? 0
                         : left < capacity ? left
                                           : capacity;
        const float *y =
            ami_train_net_forward_chunk(net, rows > 0 ? x + (size_t)from * inputs : x, rows, chunk);
        float *d = rows > 0 ? c->d[k] + (size_t)from * outputs : c->d[k];
        for (size_t i = 0; i < (size_t)rows * outputs; i++)
            d[i] = (y[i] - target[(size_t)from * outputs + i]) / (float)all;
        ami_train_net_backward_chunk(net, d, chunk);
    }
#pragma omp for schedule(dynamic, 1)
    for (int i = 0; i < blocks * shards->own_nodes; i++) {
        const ami_shard_node *node = &shards->node[shards->own_node + i % shards->own_nodes];
        ami_train_net_gradient_block(net, node->first - shards->first, node->end - shards->first,
                                     i / shards->own_nodes,
                                     c->sums[k].node + (size_t)(i % shards->own_nodes) * c->sums[k].size);
    }
    ami_shard_sums_add(&c->sums[k]);
    ami_adam_update(&c->adam[k], ami_train_net_parameters(net), c->sums[k].total, rate, 0);
    ami_train_net_parameters_changed(net);
}

double ami_copier_learn(ami_copier *copier, const float *x, const float *action, const float *value, int n,
                        float rate)
{
    const int own = ami_shards_own(copier->shards), per_item = n / ami_shards_own_items(copier->shards);
    const int64_t all = (int64_t)copier->shards->items * per_item;
#pragma omp parallel
    {
        learn(copier, 0, x, action, n, all, rate);
        if (value)
            learn(copier, 1, x, value, n, all, rate);
    }
    const bool failed =
        ami_train_net_failed(copier->net[0], NULL) || ami_train_net_failed(copier->net[1], NULL);
    const int width = per_item * copier->outputs[0];
    double total[2] = {0};
    for (int s = 0; s < own; s++) {
        double *sum = copier->errors + 2 * (size_t)s;
        sum[0] = 0;
        sum[1] = failed;
        for (int i = shard_item(copier, s) * width; i < shard_item(copier, s + 1) * width; i++)
            sum[0] += (double)copier->d[0][i] * (double)copier->d[0][i];
    }
    ami_shards_sum(copier->shards, copier->errors, 2, total);
    copier->other_failed = copier->other_failed || (total[1] > 0 && !failed);
    return sqrt(total[0] * (double)all / copier->outputs[0]);
}
