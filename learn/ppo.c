/* The PPO update: losses, gradients, Adam steps. */
#include "learn/ppo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct shard_stats {  /* sums over a shard's samples */
    double kl, teacher_error; /* of the last epoch */
    double loss, clipped;     /* of all epochs */
    double teachers;          /* samples with a teacher */
    double failed;            /* 1: memory was short in this shard's rank */
} shard_stats;

enum { SHARD_STATS = sizeof(shard_stats) / sizeof(double) };

struct ami_ppo {
    ami_ppo_def def;
    ami_shards alone; /* one shard, where the definition has none */
    const ami_shards *shards;
    int own_shards;
    int per_item;    /* samples of an item */
    int64_t samples; /* of all ranks */
    int rows;        /* of a minibatch, with the padding of partial chunks */
    ami_train_net *actor, *critic;
    ami_adam actor_adam, critic_adam;
    ami_shard_sums sums;                     /* of both gradients, one behind the other */
    float *actor_gradient, *critic_gradient; /* of all ranks, in sums.total */
    size_t critic_first;                     /* where the critic's begins */
    shard_stats *stats;                      /* (own shards) sums of an update */
    bool other_failed;                       /* memory was short in another rank */
    int *order;                              /* (samples) shuffled within each shard */
    /* One minibatch: */
    float *x, *x_critic; /* one for each network, so that each is filled with the network's own rows */
    float *action, *mean, *advantage, *target, *teacher_action;
    float *d_actor, *d_critic;         /* derivatives of the loss by the networks' outputs */
    double *kl, *loss, *teacher_error; /* per row, so that the order of sums is fixed */
    unsigned char *clipped, *has_teacher;
};

static bool allocate(ami_ppo *p)
{
    const size_t rows = (size_t)p->rows, obs = (size_t)p->def.obs, actions = (size_t)p->def.actions;
    p->stats = calloc((size_t)p->own_shards, sizeof *p->stats);
    p->order = malloc((size_t)p->def.samples * sizeof *p->order);
    p->x = malloc(rows * obs * sizeof(float));
    p->x_critic = malloc(rows * obs * sizeof(float));
    p->action = malloc(rows * actions * sizeof(float));
    p->mean = malloc(rows * actions * sizeof(float));
    p->advantage = malloc(rows * sizeof(float));
    p->target = malloc(rows * sizeof(float));
    p->teacher_action = calloc(rows * actions, sizeof(float));
    p->d_actor = malloc(rows * actions * sizeof(float));
    p->d_critic = malloc(rows * sizeof(float));
    p->kl = malloc(rows * sizeof(double));
    p->loss = malloc(rows * sizeof(double));
    p->teacher_error = calloc(rows, sizeof(double));
    p->clipped = malloc(rows);
    p->has_teacher = calloc(rows, 1);
    return p->stats && p->order && p->x && p->x_critic && p->action && p->mean && p->advantage && p->target &&
           p->d_actor && p->d_critic && p->kl && p->loss && p->clipped && p->teacher_action &&
           p->teacher_error && p->has_teacher;
}

/* Samples of a shard of any rank. */
static int shard_samples(const ami_ppo *p, int shard)
{
    return (ami_shards_item(p->shards, shard + 1) - ami_shards_item(p->shards, shard)) * p->per_item;
}

/* Where the items and the samples of an own shard begin, counted from the rank's first. */
static int shard_item(const ami_ppo *p, int own)
{
    return ami_shards_item(p->shards, p->shards->first + own) - ami_shards_own_item(p->shards);
}

static int shard_first(const ami_ppo *p, int own)
{
    return shard_item(p, own) * p->per_item;
}

/* The samples of minibatch m, of `samples` of a shard: from *first on. */
static int minibatch(const ami_ppo *p, int samples, int m, int *first)
{
    const int parts = p->def.minibatches;
    *first = (int)((int64_t)samples * m / parts);
    return (int)((int64_t)samples * (m + 1) / parts) - *first;
}

/* Samples of minibatch m in all shards of all ranks. */
static int64_t minibatch_samples(const ami_ppo *p, int m)
{
    int64_t sum = 0;
    for (int s = 0, first; s < p->shards->count; s++)
        sum += minibatch(p, shard_samples(p, s), m, &first);
    return sum;
}

static bool set_up_shards(ami_ppo *p, ami_error *err)
{
    if (!p->def.shards && !ami_shards_init(&p->alone, 1, 1, ami_exchange_none(), err))
        return false;
    p->shards = p->def.shards ? p->def.shards : &p->alone;
    p->own_shards = ami_shards_own(p->shards);
    p->per_item = p->def.samples / ami_shards_own_items(p->shards);
    p->samples = (int64_t)p->shards->items * p->per_item;
    return true;
}

static bool create_networks(ami_ppo *p, ami_error *err)
{
    const ami_ppo_def *def = &p->def;
    int largest = 0;
    for (int s = 0; s < p->shards->count; s++)
        largest = shard_samples(p, s) > largest ? shard_samples(p, s) : largest;
    const int most = (largest + def->minibatches - 1) / def->minibatches;
    const int actor_dim[] = {def->obs, def->hidden1, def->hidden2, def->actions};
    const int critic_dim[] = {def->obs, def->hidden1, def->hidden2, 1};
    p->actor = ami_train_net_create_shards(3, actor_dim, p->own_shards, most, def->precision, err);
    p->critic = p->actor
                    ? ami_train_net_create_shards(3, critic_dim, p->own_shards, most, def->precision, err)
                    : NULL;
    if (!p->critic)
        return false;
    if (p->shards->rounded) {
        ami_train_net_round_gradients(p->actor);
        ami_train_net_round_gradients(p->critic);
    }
    p->rows = ami_train_net_chunks(p->actor) * ami_train_net_chunk_rows(p->actor);
    const size_t actor = ami_train_net_size(p->actor), critic = ami_train_net_size(p->critic);
    p->critic_first = (actor + 15) / 16 * 16;
    if (!ami_shard_sums_init(&p->sums, p->shards, p->critic_first + critic, err))
        return false;
    /* One process needs no copy of the sums. */
    const bool one = ami_exchange_ranks(p->shards->exchange) == 1;
    p->actor_gradient = one ? ami_train_net_sum(p->actor) : p->sums.total;
    p->critic_gradient = one ? ami_train_net_sum(p->critic) : p->sums.total + p->critic_first;
    return ami_adam_init(&p->actor_adam, actor, err) && ami_adam_init(&p->critic_adam, critic, err);
}

ami_ppo *ami_ppo_create(const ami_ppo_def *def, ami_rng *init, float last_layer, ami_error *err)
{
    ami_ppo *p = calloc(1, sizeof *p);
    if (!p) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    p->def = *def;
    if (!set_up_shards(p, err) || !create_networks(p, err)) {
        ami_ppo_destroy(p);
        return NULL;
    }
    if (!allocate(p)) {
        ami_fail(err, "out of memory for minibatches of %d samples", p->rows);
        ami_ppo_destroy(p);
        return NULL;
    }
    ami_train_net_init(p->actor, init, last_layer);
    ami_train_net_init(p->critic, init, last_layer);
    return p;
}

void ami_ppo_destroy(ami_ppo *ppo)
{
    if (!ppo)
        return;
    ami_train_net_destroy(ppo->actor);
    ami_train_net_destroy(ppo->critic);
    ami_adam_free(&ppo->actor_adam);
    ami_adam_free(&ppo->critic_adam);
    ami_shard_sums_free(&ppo->sums);
    ami_shards_free(&ppo->alone);
    free(ppo->stats);
    free(ppo->order);
    free(ppo->x);
    free(ppo->x_critic);
    free(ppo->action);
    free(ppo->mean);
    free(ppo->advantage);
    free(ppo->target);
    free(ppo->d_actor);
    free(ppo->d_critic);
    free(ppo->kl);
    free(ppo->loss);
    free(ppo->clipped);
    free(ppo->teacher_action);
    free(ppo->teacher_error);
    free(ppo->has_teacher);
    free(ppo);
}

ami_train_net *ami_ppo_actor(ami_ppo *ppo)
{
    return ppo->actor;
}

ami_train_net *ami_ppo_critic(ami_ppo *ppo)
{
    return ppo->critic;
}

ami_adam *ami_ppo_actor_adam(ami_ppo *ppo)
{
    return &ppo->actor_adam;
}

ami_adam *ami_ppo_critic_adam(ami_ppo *ppo)
{
    return &ppo->critic_adam;
}

bool ami_ppo_failed(const ami_ppo *ppo, ami_error *err)
{
    if (ppo->other_failed)
        ami_fail(err, "out of memory in another process");
    return ami_train_net_failed(ppo->actor, err) || ami_train_net_failed(ppo->critic, err) ||
           ami_exchange_failed(ppo->shards->exchange, err) || ppo->other_failed;
}

/* TEAM. out (n, outputs) = net(x). Chunks begin with each shard, so that they are the same for any number of
 * ranks. Ends with a barrier. */
static void forward_all(ami_ppo *p, ami_train_net *net, const float *x, int n, int outputs, float *out)
{
    const int per_item = n / ami_shards_own_items(p->shards), capacity = ami_train_net_chunk_rows(net);
    int largest = 0;
    for (int s = 0; s < p->own_shards; s++) {
        const int rows = (shard_item(p, s + 1) - shard_item(p, s)) * per_item;
        largest = rows > largest ? rows : largest;
    }
    const int pieces = (largest + capacity - 1) / capacity, slots = ami_train_net_chunks(net);
    for (int wave = 0; wave < p->own_shards * pieces; wave += slots) {
        const int left = p->own_shards * pieces - wave, count = left < slots ? left : slots;
#pragma omp for schedule(dynamic, 1)
        for (int i = 0; i < count; i++) {
            const int s = (wave + i) / pieces, piece = (wave + i) % pieces;
            const int end = shard_item(p, s + 1) * per_item,
                      from = shard_item(p, s) * per_item + piece * capacity;
            const int rows = end - from < capacity ? end - from : capacity;
            if (rows <= 0)
                continue;
            const float *y = ami_train_net_forward_chunk(net, x + (size_t)from * (size_t)p->def.obs, rows, i);
            memcpy(out + (size_t)from * (size_t)outputs, y, (size_t)rows * (size_t)outputs * sizeof(float));
        }
    }
}

void ami_ppo_values(ami_ppo *ppo, const float *x, int n, float *value)
{
#pragma omp parallel
    forward_all(ppo, ppo->critic, x, n, 1, value);
}

/* Shuffles the samples within each shard, with a generator that depends on the shard and not on its rank. */
static void shuffle(ami_ppo *p, ami_rng *rng)
{
    const uint64_t seed = ami_rng_next(rng);
    for (int s = 0; s < p->own_shards; s++) {
        ami_rng own = ami_rng_seed(seed, (uint64_t)(p->shards->first + s));
        const int first = shard_first(p, s), n = shard_first(p, s + 1) - first;
        int *order = p->order + first;
        for (int i = 0; i < n; i++)
            order[i] = first + i;
        for (int i = n - 1; i > 0; i--) {
            const int j = (int)ami_rng_below(&own, (uint32_t)i + 1), t = order[i];
            order[i] = order[j];
            order[j] = t;
        }
    }
}

/* The sum over all ranks' samples of (advantage - from), or of its square. */
static double sum_advantages(ami_ppo *p, const float *advantage, double from, bool squared)
{
    double total, *sums = (double *)p->stats; /* not in use yet */
    for (int s = 0; s < p->own_shards; s++) {
        sums[s] = 0;
        for (int i = shard_first(p, s); i < shard_first(p, s + 1); i++)
            sums[s] += (advantage[i] - from) * (squared ? advantage[i] - from : 1);
    }
    ami_shards_sum(p->shards, sums, 1, &total);
    return total;
}

static void normalise_advantages(ami_ppo *p, float *advantage, float limit)
{
    const double n = (double)p->samples, mean = sum_advantages(p, advantage, 0, false) / n,
                 m2 = sum_advantages(p, advantage, mean, true);
    const double scale = 1 / (sqrt(m2 / n) + 1e-8);
    for (int i = 0; i < p->def.samples; i++)
        advantage[i] = (float)fmin(fmax((advantage[i] - mean) * scale, -limit), limit);
}

/* Adds the derivative of weight · |now - teacher_action|² / 2 to d. Returns the squared distance. */
static double follow_teacher(const ami_ppo *p, int row, const float *now, float weight, float *d)
{
    const float *teacher_action = p->teacher_action + (size_t)row * (size_t)p->def.actions;
    float squares = 0;
    for (int k = 0; k < p->def.actions; k++) {
        const float off = now[k] - teacher_action[k];
        d[k] += weight * off;
        squares += off * off;
    }
    return (double)squares;
}

/* Derivative of the clipped surrogate -min(r A, clip(r) A) and of the teachers' loss by the actor's output
 * `now`, in a minibatch of n samples. */
static void differentiate_actor(ami_ppo *p, int row, const float *now, int64_t n, const ami_ppo_batch *b)
{
    const int actions = p->def.actions;
    const float precision = 1 / (b->noise * b->noise), clip = p->def.clip;
    const float *a = p->action + (size_t)row * (size_t)actions,
                *old = p->mean + (size_t)row * (size_t)actions;
    float before = 0, after = 0, moved = 0;
    for (int k = 0; k < actions; k++) {
        before += (a[k] - old[k]) * (a[k] - old[k]);
        after += (a[k] - now[k]) * (a[k] - now[k]);
        moved += (now[k] - old[k]) * (now[k] - old[k]);
    }
    /* σ is the same, so the normalisation of the densities cancels */
    const float ratio = expf(fminf(.5f * precision * (before - after), 20));
    const float adv = p->advantage[row];
    const bool clipped = adv > 0 ? ratio > 1 + clip : ratio < 1 - clip;
    const float scale = clipped ? 0 : -adv * ratio * precision / (float)n;
    float *d = p->d_actor + (size_t)row * (size_t)actions;
    for (int k = 0; k < actions; k++)
        d[k] = scale * (a[k] - now[k]);
    p->teacher_error[row] = b->teacher_action && p->has_teacher[row]
                                ? follow_teacher(p, row, now, b->teach * precision / (float)n, d)
                                : 0;
    p->kl[row] = .5 * precision * moved;
    p->clipped[row] = clipped;
}

/* A minibatch's chunk: `rows` rows of the buffers from `first` on hold the samples order[0..rows). */
typedef struct span {
    const int *order;
    int first, rows;
} span;

static span span_of(const ami_ppo *p, int m, int chunk)
{
    const int per_shard = ami_train_net_shard_chunks(p->actor), capacity = ami_train_net_chunk_rows(p->actor),
              s = chunk / per_shard, skip = chunk % per_shard * capacity;
    int first;
    const int n = minibatch(p, shard_first(p, s + 1) - shard_first(p, s), m, &first), left = n - skip;
    return (span){p->order + shard_first(p, s) + first + skip, chunk * capacity,
                  left < 0          ? 0
                  : left < capacity ? left
                                    : capacity};
}

/* The actor's forward and backward pass for one chunk of minibatch m, which has n samples. */
static void actor_chunk(ami_ppo *p, const ami_ppo_batch *b, int m, int64_t n, int chunk)
{
    const size_t obs = (size_t)p->def.obs, actions = (size_t)p->def.actions;
    const span part = span_of(p, m, chunk);
    const int end = part.first + part.rows;
    for (int i = part.first; i < end; i++) {
        const size_t from = (size_t)part.order[i - part.first], to = (size_t)i;
        memcpy(p->x + to * obs, b->x + from * obs, obs * sizeof(float));
        memcpy(p->action + to * actions, b->action + from * actions, actions * sizeof(float));
        memcpy(p->mean + to * actions, b->mean + from * actions, actions * sizeof(float));
        p->advantage[to] = b->advantage[from];
        if (b->teacher_action && (p->has_teacher[to] = b->has_teacher[from]))
            memcpy(p->teacher_action + to * actions, b->teacher_action + from * actions,
                   actions * sizeof(float));
    }
    const size_t first = (size_t)part.first;
    const float *mean = ami_train_net_forward_chunk(p->actor, p->x + first * obs, part.rows, chunk);
    for (int i = part.first; i < end; i++)
        differentiate_actor(p, i, mean + (size_t)(i - part.first) * actions, n, b);
    ami_train_net_backward_chunk(p->actor, p->d_actor + first * actions, chunk);
}

/* The same for the critic; its loss is the mean of (v - target)² / 2 over the minibatch. */
static void critic_chunk(ami_ppo *p, const ami_ppo_batch *b, int m, int64_t n, int chunk)
{
    const size_t obs = (size_t)p->def.obs;
    const span part = span_of(p, m, chunk);
    const int end = part.first + part.rows;
    for (int i = part.first; i < end; i++) {
        const int from = part.order[i - part.first];
        memcpy(p->x_critic + (size_t)i * obs, b->x + (size_t)from * obs, obs * sizeof(float));
        p->target[i] = b->target[from];
    }
    const float *value =
        ami_train_net_forward_chunk(p->critic, p->x_critic + (size_t)part.first * obs, part.rows, chunk);
    for (int i = part.first; i < end; i++) {
        const float error = value[i - part.first] - p->target[i];
        p->d_critic[i] = error / (float)n;
        p->loss[i] = (double)error * error;
    }
    ami_train_net_backward_chunk(p->critic, p->d_critic + part.first, chunk);
}

/* Adds minibatch m to the shards' sums. */
static void add_rows(const ami_ppo *p, int m, bool last_epoch)
{
    const int per_shard = ami_train_net_shard_chunks(p->actor);
    for (int chunk = 0; chunk < ami_train_net_chunks(p->actor); chunk++) {
        const span part = span_of(p, m, chunk);
        shard_stats *to = &p->stats[chunk / per_shard];
        for (int i = part.first; i < part.first + part.rows; i++) {
            if (last_epoch) {
                to->kl += p->kl[i];
                to->teacher_error += p->teacher_error[i];
            }
            to->loss += p->loss[i];
            to->clipped += p->clipped[i];
        }
    }
}

/* The means over all ranks' samples. */
static void add_shards(ami_ppo *p, const ami_ppo_batch *b, ami_ppo_stats *stats)
{
    const double n = (double)p->samples, all = n * p->def.epochs;
    shard_stats sum = {0};
    const bool failed = ami_train_net_failed(p->actor, NULL) || ami_train_net_failed(p->critic, NULL);
    for (int s = 0; s < p->own_shards; s++) {
        for (int i = shard_first(p, s); b->teacher_action && i < shard_first(p, s + 1); i++)
            p->stats[s].teachers += b->has_teacher[i];
        p->stats[s].failed = failed;
    }
    ami_shards_sum(p->shards, (double *)p->stats, SHARD_STATS, (double *)&sum);
    p->other_failed = sum.failed > 0 && !failed;
    stats->kl = sum.kl / n;
    stats->critic_loss = all > 0 ? sum.loss / all : 0;
    stats->clipped = all > 0 ? sum.clipped / all : 0;
    stats->teacher_distance =
        sum.teachers > 0 ? sqrt(sum.teacher_error / (sum.teachers * p->def.actions)) : 0;
}

static void add_norms(const ami_ppo *p, float actor, float critic, ami_ppo_stats *stats)
{
    const int updates = p->def.minibatches * p->def.epochs;
    if (isfinite(actor) && isfinite(critic)) {
        stats->actor_norm += actor / updates;
        stats->critic_norm += critic / updates;
    } else {
        stats->skipped++;
    }
}

/* TEAM. The gradients of both networks, of all ranks' samples. Ends with a barrier. */
static void find_gradients(ami_ppo *p)
{
    const ami_shards *shards = p->shards;
    const int actor_blocks = ami_train_net_blocks(p->actor),
              blocks = actor_blocks + ami_train_net_blocks(p->critic);
    const bool one = ami_exchange_ranks(shards->exchange) == 1;
#pragma omp for schedule(dynamic, 1)
    for (int i = 0; i < blocks * shards->own_nodes; i++) {
        const int block = i / shards->own_nodes, n = i % shards->own_nodes;
        const ami_shard_node *node = &shards->node[shards->own_node + n];
        float *sum = p->sums.node + (size_t)n * p->sums.size;
        if (block < actor_blocks)
            ami_train_net_gradient_block(p->actor, node->first - shards->first, node->end - shards->first,
                                         block, one ? p->actor_gradient : sum);
        else
            ami_train_net_gradient_block(p->critic, node->first - shards->first, node->end - shards->first,
                                         block - actor_blocks,
                                         one ? p->critic_gradient : sum + p->critic_first);
    }
    ami_shard_sums_add(&p->sums);
}

static void apply(ami_adam *adam, ami_train_net *net, const float *gradient, const ami_adam_factors *factors,
                  size_t piece)
{
    size_t first;
    const size_t count = ami_adam_piece(adam, piece, &first);
    ami_adam_apply(adam, ami_train_net_parameters(net), gradient, factors, piece);
    ami_train_net_range_changed(net, first, count);
}

/* TEAM. Adam's step of both networks. */
static void step_networks(ami_ppo *p, float actor_rate, float critic_rate, ami_ppo_stats *stats)
{
    const size_t actor_pieces = ami_adam_pieces(&p->actor_adam),
                 pieces = actor_pieces + ami_adam_pieces(&p->critic_adam);
#pragma omp for schedule(dynamic, 8)
    for (size_t i = 0; i < pieces; i++) {
        if (i < actor_pieces)
            ami_adam_square(&p->actor_adam, p->actor_gradient, i);
        else
            ami_adam_square(&p->critic_adam, p->critic_gradient, i - actor_pieces);
    }
    const ami_adam_factors actor = ami_adam_plan(&p->actor_adam, actor_rate, p->def.gradient_norm);
    const ami_adam_factors critic = ami_adam_plan(&p->critic_adam, critic_rate, p->def.gradient_norm);
#pragma omp for schedule(dynamic, 8)
    for (size_t i = 0; i < pieces; i++) {
        if (i < actor_pieces)
            apply(&p->actor_adam, p->actor, p->actor_gradient, &actor, i);
        else
            apply(&p->critic_adam, p->critic, p->critic_gradient, &critic, i - actor_pieces);
    }
#pragma omp single nowait /* next read after three barriers, or after the region */
    {
        ami_adam_finish(&p->actor_adam, &actor);
        ami_adam_finish(&p->critic_adam, &critic);
        add_norms(p, actor.norm, critic.norm, stats);
    }
}

/* TEAM. Work of both networks is scheduled dynamically in small chunks, with only four barriers in a
 * minibatch: if another program uses the core, a thread may be suspended for milliseconds at any time, and
 * each barrier waits for it. */
static void run_epochs(ami_ppo *p, const ami_ppo_batch *b, float actor_rate, ami_rng *rng,
                       ami_ppo_stats *stats)
{
    const int parts = p->def.minibatches, epochs = p->def.epochs, chunks = ami_train_net_chunks(p->actor);
    for (int e = 0; e < epochs; e++)
        for (int m = 0; m < parts; m++) {
            const int64_t n = minibatch_samples(p, m);
#pragma omp for schedule(dynamic, 1)
            for (int i = 0; i < 2 * chunks; i++)
                (i % 2 ? critic_chunk : actor_chunk)(p, b, m, n, i / 2);
#pragma omp single nowait /* not used before the next loop over chunks */
            {
                add_rows(p, m, e == epochs - 1);
                if (m == parts - 1 && e < epochs - 1)
                    shuffle(p, rng);
            }
            find_gradients(p);
            step_networks(p, actor_rate, fmaxf(p->def.critic_rate, actor_rate), stats);
        }
}

void ami_ppo_update(ami_ppo *ppo, const ami_ppo_batch *batch, float actor_rate, ami_rng *rng,
                    ami_ppo_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    normalise_advantages(ppo, batch->advantage, ppo->def.advantage_clip);
    memset(ppo->stats, 0, (size_t)ppo->own_shards * sizeof *ppo->stats);
    shuffle(ppo, rng);
#pragma omp parallel
    {
        /* The samples were drawn with the fp32 actor, but both parts of a probability ratio must have the
         * same precision. */
        if (ppo->def.precision == AMI_TRAIN_BF16)
            forward_all(ppo, ppo->actor, batch->x, ppo->def.samples, ppo->def.actions, batch->mean);
        run_epochs(ppo, batch, actor_rate, rng, stats);
    }
    add_shards(ppo, batch, stats);
}
