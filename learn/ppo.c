/* The PPO update: losses, gradients, Adam steps. */
#include "learn/ppo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct ami_ppo {
    ami_ppo_def def;
    int rows; /* largest minibatch */
    ami_train_net *actor, *critic;
    ami_adam actor_adam, critic_adam;
    int *order; /* (samples) shuffled */
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
    return p->order && p->x && p->x_critic && p->action && p->mean && p->advantage && p->target &&
           p->d_actor && p->d_critic && p->kl && p->loss && p->clipped && p->teacher_action &&
           p->teacher_error && p->has_teacher;
}

ami_ppo *ami_ppo_create(const ami_ppo_def *def, ami_rng *init, float last_layer, ami_error *err)
{
    ami_ppo *p = calloc(1, sizeof *p);
    if (!p) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    p->def = *def;
    p->rows = (def->samples + def->minibatches - 1) / def->minibatches;
    const int actor_dim[] = {def->obs, def->hidden1, def->hidden2, def->actions};
    const int critic_dim[] = {def->obs, def->hidden1, def->hidden2, 1};
    p->actor = ami_train_net_create(3, actor_dim, p->rows, def->precision, err);
    p->critic = p->actor ? ami_train_net_create(3, critic_dim, p->rows, def->precision, err) : NULL;
    if (!p->critic || !ami_adam_init(&p->actor_adam, ami_train_net_size(p->actor), err) ||
        !ami_adam_init(&p->critic_adam, ami_train_net_size(p->critic), err)) {
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
    return ami_train_net_failed(ppo->actor, err) || ami_train_net_failed(ppo->critic, err);
}

/* TEAM. out (n, outputs) = net(x), in batches of the network's size. Ends with a barrier. */
static void forward_all(ami_ppo *p, ami_train_net *net, const float *x, int n, int outputs, float *out)
{
    for (int i = 0; i < n; i += p->rows) {
        const int rows = n - i < p->rows ? n - i : p->rows;
#pragma omp for schedule(dynamic, 1)
        for (int chunk = 0; chunk < ami_train_net_chunks(net, rows); chunk++) {
            int first;
            const int count = ami_train_net_chunk(net, rows, chunk, &first);
            const float *y =
                ami_train_net_forward_chunk(net, x + (size_t)i * (size_t)p->def.obs, rows, chunk);
            memcpy(out + (size_t)(i + first) * (size_t)outputs, y,
                   (size_t)count * (size_t)outputs * sizeof(float));
        }
    }
}

void ami_ppo_values(ami_ppo *ppo, const float *x, int n, float *value)
{
#pragma omp parallel
    forward_all(ppo, ppo->critic, x, n, 1, value);
}

static void shuffle(int *order, int n, ami_rng *rng)
{
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int i = n - 1; i > 0; i--) {
        const int j = (int)ami_rng_below(rng, (uint32_t)i + 1), t = order[i];
        order[i] = order[j];
        order[j] = t;
    }
}

static void normalise_advantages(float *advantage, int n, float limit)
{
    double mean = 0, m2 = 0;
    for (int i = 0; i < n; i++)
        mean += advantage[i];
    mean /= n;
    for (int i = 0; i < n; i++)
        m2 += (advantage[i] - mean) * (advantage[i] - mean);
    const double scale = 1 / (sqrt(m2 / n) + 1e-8);
    for (int i = 0; i < n; i++)
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

static int teacher_samples(const ami_ppo_batch *b, int n)
{
    int count = 0;
    for (int i = 0; b->teacher_action && i < n; i++)
        count += b->has_teacher[i];
    return count;
}

/* Derivative of the clipped surrogate -min(r A, clip(r) A) and of the teachers' loss by the actor's output
 * `now`, in a minibatch of n rows. */
static void differentiate_actor(ami_ppo *p, int row, const float *now, int n, const ami_ppo_batch *b)
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

/* The actor's forward and backward pass for one chunk of a minibatch: rows order[0..n) of the batch. */
static void actor_chunk(ami_ppo *p, const ami_ppo_batch *b, const int *order, int n, int chunk)
{
    const size_t obs = (size_t)p->def.obs, actions = (size_t)p->def.actions;
    int first;
    const int end = ami_train_net_chunk(p->actor, n, chunk, &first) + first;
    for (int i = first; i < end; i++) {
        const size_t from = (size_t)order[i], to = (size_t)i;
        memcpy(p->x + to * obs, b->x + from * obs, obs * sizeof(float));
        memcpy(p->action + to * actions, b->action + from * actions, actions * sizeof(float));
        memcpy(p->mean + to * actions, b->mean + from * actions, actions * sizeof(float));
        p->advantage[to] = b->advantage[from];
        if (b->teacher_action && (p->has_teacher[to] = b->has_teacher[from]))
            memcpy(p->teacher_action + to * actions, b->teacher_action + from * actions,
                   actions * sizeof(float));
    }
    const float *mean = ami_train_net_forward_chunk(p->actor, p->x, n, chunk);
    for (int i = first; i < end; i++)
        differentiate_actor(p, i, mean + (size_t)(i - first) * actions, n, b);
    ami_train_net_backward_chunk(p->actor, p->d_actor, n, chunk);
}

/* The same for the critic; its loss is the mean of (v - target)² / 2 over the minibatch. */
static void critic_chunk(ami_ppo *p, const ami_ppo_batch *b, const int *order, int n, int chunk)
{
    const size_t obs = (size_t)p->def.obs;
    int first;
    const int end = ami_train_net_chunk(p->critic, n, chunk, &first) + first;
    for (int i = first; i < end; i++) {
        memcpy(p->x_critic + (size_t)i * obs, b->x + (size_t)order[i] * obs, obs * sizeof(float));
        p->target[i] = b->target[order[i]];
    }
    const float *value = ami_train_net_forward_chunk(p->critic, p->x_critic, n, chunk);
    for (int i = first; i < end; i++) {
        const float error = value[i - first] - p->target[i];
        p->d_critic[i] = error / (float)n;
        p->loss[i] = (double)error * error;
    }
    ami_train_net_backward_chunk(p->critic, p->d_critic, n, chunk);
}

static double sum(const double *x, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++)
        s += x[i];
    return s;
}

static void add_rows(const ami_ppo *p, int rows, bool last_epoch, ami_ppo_stats *stats)
{
    const double n = p->def.samples, all = n * p->def.epochs;
    if (last_epoch) {
        stats->kl += sum(p->kl, rows) / n;
        stats->teacher_distance += sum(p->teacher_error, rows);
    }
    stats->critic_loss += sum(p->loss, rows) / all;
    for (int i = 0; i < rows; i++)
        stats->clipped += p->clipped[i] / all;
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

/* TEAM. The gradients of both networks. Ends with a barrier. */
static void find_gradients(ami_ppo *p, int rows)
{
    const int actor_blocks = ami_train_net_blocks(p->actor),
              blocks = actor_blocks + ami_train_net_blocks(p->critic);
#pragma omp for schedule(dynamic, 1)
    for (int i = 0; i < blocks; i++) {
        if (i < actor_blocks)
            ami_train_net_gradient_block(p->actor, p->x, rows, i);
        else
            ami_train_net_gradient_block(p->critic, p->x_critic, rows, i - actor_blocks);
    }
}

static void apply(ami_adam *adam, ami_train_net *net, const ami_adam_factors *factors, size_t piece)
{
    size_t first;
    const size_t count = ami_adam_piece(adam, piece, &first);
    ami_adam_apply(adam, ami_train_net_parameters(net), ami_train_net_gradient(net), factors, piece);
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
            ami_adam_square(&p->actor_adam, ami_train_net_gradient(p->actor), i);
        else
            ami_adam_square(&p->critic_adam, ami_train_net_gradient(p->critic), i - actor_pieces);
    }
    const ami_adam_factors actor = ami_adam_plan(&p->actor_adam, actor_rate, p->def.gradient_norm);
    const ami_adam_factors critic = ami_adam_plan(&p->critic_adam, critic_rate, p->def.gradient_norm);
#pragma omp for schedule(dynamic, 8)
    for (size_t i = 0; i < pieces; i++) {
        if (i < actor_pieces)
            apply(&p->actor_adam, p->actor, &actor, i);
        else
            apply(&p->critic_adam, p->critic, &critic, i - actor_pieces);
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
    const int n = p->def.samples, parts = p->def.minibatches, epochs = p->def.epochs;
    for (int e = 0; e < epochs; e++)
        for (int m = 0; m < parts; m++) {
            const int from = (int)((int64_t)n * m / parts), rows = (int)((int64_t)n * (m + 1) / parts) - from;
            const int chunks = ami_train_net_chunks(p->actor, rows);
#pragma omp for schedule(dynamic, 1)
            for (int i = 0; i < 2 * chunks; i++)
                (i % 2 ? critic_chunk : actor_chunk)(p, b, p->order + from, rows, i / 2);
#pragma omp single nowait /* not used before the next loop over chunks */
            {
                add_rows(p, rows, e == epochs - 1, stats);
                if (m == parts - 1 && e < epochs - 1)
                    shuffle(p->order, n, rng);
            }
            find_gradients(p, rows);
            step_networks(p, actor_rate, fmaxf(p->def.critic_rate, actor_rate), stats);
        }
}

void ami_ppo_update(ami_ppo *ppo, const ami_ppo_batch *batch, float actor_rate, ami_rng *rng,
                    ami_ppo_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    normalise_advantages(batch->advantage, ppo->def.samples, ppo->def.advantage_clip);
    shuffle(ppo->order, ppo->def.samples, rng);
#pragma omp parallel
    {
        /* The samples were drawn with the fp32 actor, but both parts of a probability ratio must have the
         * same precision. */
        if (ppo->def.precision == AMI_TRAIN_BF16)
            forward_all(ppo, ppo->actor, batch->x, ppo->def.samples, ppo->def.actions, batch->mean);
        run_epochs(ppo, batch, actor_rate, rng, stats);
    }
    const int count = teacher_samples(batch, ppo->def.samples);
    stats->teacher_distance =
        count > 0 ? sqrt(stats->teacher_distance / ((double)count * ppo->def.actions)) : 0;
}
