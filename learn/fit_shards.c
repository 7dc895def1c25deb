/* A fit's networks over its shards: which rows they have, and forward and backward over them. */
#include "learn/fit_state.h"

#include <string.h>

const int fit_phase_dim[5] = {AMI_DEEPPHASE_INPUTS, 256, 128, 32, AMI_DEEPPHASE_OUTPUTS};
const int fit_encoder_dim[4] = {FIT_WINDOW, 512, 256, 2 * FIT_Z};
const int fit_decoder_dim[4] = {FIT_Z, 256, 512, FIT_WINDOW};

static int64_t part_of(int64_t all, const ami_fit *fit, int shard)
{
    return all * shard / fit->shards.count;
}

/* Rows of any shard. */
fit_span fit_any_shard(const ami_fit *fit, int shard)
{
    const int64_t single = fit->batch - 2 * fit->pairs, before = part_of(single, fit, shard),
                  pairs_before = part_of(fit->pairs, fit, shard);
    fit_span part = {.single = (int)(part_of(single, fit, shard + 1) - before),
                     .pairs = (int)(part_of(fit->pairs, fit, shard + 1) - pairs_before),
                     .sample = before,
                     .pair_sample = single + 2 * pairs_before};
    part.batch = part.single + 2 * part.pairs;
    part.rows = part.batch + part.pairs;
    part.first = (int)(before + 3 * pairs_before);
    return part;
}

fit_span fit_shard(const ami_fit *fit, int own)
{
    fit_span part = fit_any_shard(fit, fit->shards.first + own);
    part.first -= fit_any_shard(fit, fit->shards.first).first;
    return part;
}

int fit_shard_of(const ami_fit *fit, int row)
{
    int own = (int)((int64_t)row * ami_shards_own(&fit->shards) / fit->own_rows);
    while (own > 0 && fit_shard(fit, own).first > row)
        own--;
    while (own + 1 < ami_shards_own(&fit->shards) && fit_shard(fit, own + 1).first <= row)
        own++;
    return own;
}

/* A chunk's rows in the arrays: from *first on, as many as it returns. */
static int chunk_rows(const ami_fit *fit, int net, int chunk, bool mixtures, int *first)
{
    const int per_shard = ami_train_net_shard_chunks(fit->net[net]),
              capacity = ami_train_net_chunk_rows(fit->net[net]);
    const fit_span part = fit_shard(fit, chunk / per_shard);
    const int skip = chunk % per_shard * capacity, left = (mixtures ? part.rows : part.batch) - skip;
    *first = part.first + (left > 0 ? skip : 0);
    return left < 0 ? 0 : left < capacity ? left : capacity;
}

const int *fit_dims(const ami_fit *fit, int net, int *layers)
{
    *layers = fit->what == AMI_FIT_PHASE ? 4 : 3;
    return fit->what == AMI_FIT_PHASE ? fit_phase_dim : net == 0 ? fit_encoder_dim : fit_decoder_dim;
}

void fit_forward(ami_fit *fit, int net, const float *x, bool mixtures, float *y)
{
    int layers;
    const int *dim = fit_dims(fit, net, &layers);
    const size_t in = (size_t)dim[0], out = (size_t)dim[layers];
#pragma omp for schedule(dynamic, 1)
    for (int chunk = 0; chunk < ami_train_net_chunks(fit->net[net]); chunk++) {
        int first;
        const int n = chunk_rows(fit, net, chunk, mixtures, &first);
        const float *own = ami_train_net_forward_chunk(fit->net[net], x + (size_t)first * in, n, chunk);
        memcpy(y + (size_t)first * out, own, (size_t)n * out * sizeof *y);
    }
}

void fit_backward(ami_fit *fit, int net, bool mixtures, float *dx)
{
    int layers;
    const int *dim = fit_dims(fit, net, &layers);
    const size_t in = (size_t)dim[0], out = (size_t)dim[layers];
    ami_train_net *n = fit->net[net];
    const ami_shards *shards = &fit->shards;
#pragma omp for schedule(dynamic, 1)
    for (int chunk = 0; chunk < ami_train_net_chunks(n); chunk++) {
        int first;
        const int rows = chunk_rows(fit, net, chunk, mixtures, &first);
        ami_train_net_backward_chunk(n, fit->d[net] + (size_t)first * out, chunk);
        if (dx)
            memcpy(dx + (size_t)first * in,
                   ami_train_net_input_gradient(n) + (size_t)(chunk * ami_train_net_chunk_rows(n)) * in,
                   (size_t)rows * in * sizeof *dx);
    }
    const bool one = ami_exchange_ranks(shards->exchange) == 1;
#pragma omp for schedule(dynamic, 1)
    for (int i = 0; i < ami_train_net_blocks(n) * shards->own_nodes; i++) {
        const ami_shard_node *node = &shards->node[shards->own_node + i % shards->own_nodes];
        ami_train_net_gradient_block(
            n, node->first - shards->first, node->end - shards->first, i / shards->own_nodes,
            one ? ami_train_net_sum(n)
                : fit->sums[net].node + (size_t)(i % shards->own_nodes) * fit->sums[net].size);
    }
    ami_shard_sums_add(&fit->sums[net]);
}
