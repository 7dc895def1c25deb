#include "policy/ppo.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

struct amb_ppo {
    amb_ppo_def def;
    int rows; /* largest minibatch */
    amb_train_net *actor, *critic;
    amb_adam actor_adam, critic_adam;
    int *order; /* (samples) shuffled */
    /* one minibatch, gathered */
    float *x, *action, *mean, *advantage, *target, *taught;
    float *d_actor, *d_critic; /* derivatives of the loss by the networks' outputs */
    double *kl, *loss, *apart; /* per row, so that sums have one order */
    unsigned char *clipped, *has_teacher;
};

static bool allocate(amb_ppo *p)
{
    const size_t rows = (size_t)p->rows, obs = (size_t)p->def.obs, actions = (size_t)p->def.actions;
    p->order = malloc((size_t)p->def.samples * sizeof *p->order);
    p->x = malloc(rows * obs * sizeof(float));
    p->action = malloc(rows * actions * sizeof(float));
    p->mean = malloc(rows * actions * sizeof(float));
    p->advantage = malloc(rows * sizeof(float));
    p->target = malloc(rows * sizeof(float));
    p->taught = calloc(rows * actions, sizeof(float));
    p->d_actor = malloc(rows * actions * sizeof(float));
    p->d_critic = malloc(rows * sizeof(float));
    p->kl = malloc(rows * sizeof(double));
    p->loss = malloc(rows * sizeof(double));
    p->apart = calloc(rows, sizeof(double));
    p->clipped = malloc(rows);
    p->has_teacher = calloc(rows, 1);
    return p->order && p->x && p->action && p->mean && p->advantage && p->target && p->d_actor && p->d_critic && p->kl && p->loss &&
           p->clipped && p->taught && p->apart && p->has_teacher;
}

amb_ppo *amb_ppo_create(const amb_ppo_def *def, amb_rng *init, float last_layer, amb_error *err)
{
    amb_ppo *p = calloc(1, sizeof *p);
    if (!p) {
        amb_fail(err, "out of memory");
        return NULL;
    }
    p->def = *def;
    p->rows = (def->samples + def->minibatches - 1) / def->minibatches;
    const int actor_dim[] = {def->obs, def->hidden1, def->hidden2, def->actions};
    const int critic_dim[] = {def->obs, def->hidden1, def->hidden2, 1};
    p->actor = amb_train_net_create(3, actor_dim, p->rows, def->precision, err);
    p->critic = p->actor ? amb_train_net_create(3, critic_dim, p->rows, def->precision, err) : NULL;
    if (!p->critic || !amb_adam_init(&p->actor_adam, amb_train_net_size(p->actor), err) ||
        !amb_adam_init(&p->critic_adam, amb_train_net_size(p->critic), err)) {
        amb_ppo_destroy(p);
        return NULL;
    }
    if (!allocate(p)) {
        amb_fail(err, "out of memory for minibatches of %d samples", p->rows);
        amb_ppo_destroy(p);
        return NULL;
    }
    amb_train_net_init(p->actor, init, last_layer);
    amb_train_net_init(p->critic, init, last_layer);
    return p;
}

void amb_ppo_destroy(amb_ppo *p)
{
    if (!p)
        return;
    amb_train_net_destroy(p->actor);
    amb_train_net_destroy(p->critic);
    amb_adam_free(&p->actor_adam);
    amb_adam_free(&p->critic_adam);
    free(p->order);
    free(p->x);
    free(p->action);
    free(p->mean);
    free(p->advantage);
    free(p->target);
    free(p->d_actor);
    free(p->d_critic);
    free(p->kl);
    free(p->loss);
    free(p->clipped);
    free(p->taught);
    free(p->apart);
    free(p->has_teacher);
    free(p);
}

amb_train_net *amb_ppo_actor(amb_ppo *ppo)
{
    return ppo->actor;
}

amb_train_net *amb_ppo_critic(amb_ppo *ppo)
{
    return ppo->critic;
}

amb_adam *amb_ppo_actor_adam(amb_ppo *ppo)
{
    return &ppo->actor_adam;
}

amb_adam *amb_ppo_critic_adam(amb_ppo *ppo)
{
    return &ppo->critic_adam;
}

/* TEAM. out (n, outputs) = net(x), in pieces the network was made for. */
static void forward_all(amb_ppo *p, amb_train_net *net, const float *x, int n, int outputs, float *out)
{
    for (int i = 0; i < n; i += p->rows) {
        const int rows = n - i < p->rows ? n - i : p->rows;
        const float *y = amb_train_net_forward(net, x + (size_t)i * (size_t)p->def.obs, rows);
#pragma omp single
        memcpy(out + (size_t)i * (size_t)outputs, y, (size_t)rows * (size_t)outputs * sizeof(float));
    }
}

void amb_ppo_values(amb_ppo *p, const float *x, int n, float *value)
{
#pragma omp parallel
    forward_all(p, p->critic, x, n, 1, value);
}

static void shuffle(int *order, int n, amb_rng *rng)
{
    for (int i = 0; i < n; i++)
        order[i] = i;
    for (int i = n - 1; i > 0; i--) {
        const int j = (int)amb_rng_below(rng, (uint32_t)i + 1), t = order[i];
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

/* TEAM. Rows order[0..n) of the batch, next to each other. */
static void gather(amb_ppo *p, const amb_ppo_batch *b, const int *order, int n)
{
    const size_t obs = (size_t)p->def.obs, actions = (size_t)p->def.actions;
#pragma omp for schedule(static)
    for (int i = 0; i < n; i++) {
        const size_t from = (size_t)order[i], to = (size_t)i;
        memcpy(p->x + to * obs, b->x + from * obs, obs * sizeof(float));
        memcpy(p->action + to * actions, b->action + from * actions, actions * sizeof(float));
        memcpy(p->mean + to * actions, b->mean + from * actions, actions * sizeof(float));
        p->advantage[to] = b->advantage[from];
        p->target[to] = b->target[from];
        if (b->taught && (p->has_teacher[to] = b->has_teacher[from]))
            memcpy(p->taught + to * actions, b->taught + from * actions, actions * sizeof(float));
    }
}

/* Adds the derivative of weight · |now - taught|² / 2 to d. Returns the squared distance. */
static double follow_teacher(const amb_ppo *p, int row, const float *now, float weight, float *d)
{
    const float *taught = p->taught + (size_t)row * (size_t)p->def.actions;
    float squares = 0;
    for (int k = 0; k < p->def.actions; k++) {
        const float off = now[k] - taught[k];
        d[k] += weight * off;
        squares += off * off;
    }
    return (double)squares;
}

static int taught_samples(const amb_ppo_batch *b, int n)
{
    int taught = 0;
    for (int i = 0; b->taught && i < n; i++)
        taught += b->has_teacher[i];
    return taught;
}

/* TEAM. Derivatives of the clipped surrogate -min(r A, clip(r) A) by the actor's output, with what teachers add to it, and of
 * (v - target)² / 2 by the critic's, both as means over the minibatch. */
static void differentiate(amb_ppo *p, const float *mean, const float *value, int n, const amb_ppo_batch *b)
{
    const int actions = p->def.actions;
    const float precision = 1 / (b->noise * b->noise), clip = p->def.clip;
#pragma omp for schedule(static)
    for (int i = 0; i < n; i++) {
        const float *a = p->action + (size_t)i * (size_t)actions, *old = p->mean + (size_t)i * (size_t)actions;
        const float *now = mean + (size_t)i * (size_t)actions;
        float before = 0, after = 0, moved = 0;
        for (int k = 0; k < actions; k++) {
            before += (a[k] - old[k]) * (a[k] - old[k]);
            after += (a[k] - now[k]) * (a[k] - now[k]);
            moved += (now[k] - old[k]) * (now[k] - old[k]);
        }
        const float ratio = expf(fminf(.5f * precision * (before - after), 20)); /* σ is the same, so the densities' factors cancel */
        const float adv = p->advantage[i];
        const bool clipped = adv > 0 ? ratio > 1 + clip : ratio < 1 - clip;
        const float scale = clipped ? 0 : -adv * ratio * precision / (float)n;
        float *d = p->d_actor + (size_t)i * (size_t)actions;
        for (int k = 0; k < actions; k++)
            d[k] = scale * (a[k] - now[k]);
        p->apart[i] = b->taught && p->has_teacher[i] ? follow_teacher(p, i, now, b->teach * precision / (float)n, d) : 0;
        const float error = value[i] - p->target[i];
        p->d_critic[i] = error / (float)n;
        p->kl[i] = .5 * precision * moved;
        p->loss[i] = (double)error * error;
        p->clipped[i] = clipped;
    }
}

static double sum(const double *x, int n)
{
    double s = 0;
    for (int i = 0; i < n; i++)
        s += x[i];
    return s;
}

void amb_ppo_update(amb_ppo *p, const amb_ppo_batch *b, float actor_rate, amb_rng *rng, amb_ppo_stats *stats)
{
    const amb_ppo_def *def = &p->def;
    const int n = def->samples, parts = def->minibatches, epochs = def->epochs;
    const float critic_rate = fmaxf(def->critic_rate, actor_rate);
    memset(stats, 0, sizeof *stats);
    normalise_advantages(b->advantage, n, def->advantage_clip);
#pragma omp parallel
    {
        /* The samples were drawn by the fp32 actor; probability ratios must compare like with like. */
        if (def->precision == AMB_TRAIN_BF16)
            forward_all(p, p->actor, b->x, n, def->actions, b->mean);
        for (int e = 0; e < epochs; e++) {
#pragma omp single
            shuffle(p->order, n, rng);
            for (int m = 0; m < parts; m++) {
                const int from = (int)((int64_t)n * m / parts), rows = (int)((int64_t)n * (m + 1) / parts) - from;
                gather(p, b, p->order + from, rows);
                const float *mean = amb_train_net_forward(p->actor, p->x, rows);
                const float *value = amb_train_net_forward(p->critic, p->x, rows);
                differentiate(p, mean, value, rows, b);
                amb_train_net_backward(p->actor, p->d_actor, rows);
                amb_train_net_backward(p->critic, p->d_critic, rows);
                const float actor_norm = amb_adam_update(&p->actor_adam, amb_train_net_parameters(p->actor),
                                                         amb_train_net_gradient(p->actor), actor_rate, def->gradient_norm);
                const float critic_norm = amb_adam_update(&p->critic_adam, amb_train_net_parameters(p->critic),
                                                          amb_train_net_gradient(p->critic), critic_rate, def->gradient_norm);
                amb_train_net_parameters_changed(p->actor);
                amb_train_net_parameters_changed(p->critic);
#pragma omp single
                {
                    if (e == epochs - 1) {
                        stats->kl += sum(p->kl, rows) / n;
                        stats->apart += sum(p->apart, rows);
                    }
                    stats->critic_loss += sum(p->loss, rows) / ((double)n * epochs);
                    for (int i = 0; i < rows; i++)
                        stats->clipped += p->clipped[i] / ((double)n * epochs);
                    if (isfinite(actor_norm) && isfinite(critic_norm)) {
                        stats->actor_norm += actor_norm / (parts * epochs);
                        stats->critic_norm += critic_norm / (parts * epochs);
                    } else {
                        stats->skipped++;
                    }
                }
            }
        }
    }
    const int taught = taught_samples(b, n);
    stats->apart = taught > 0 ? sqrt(stats->apart / ((double)taught * def->actions)) : 0;
}
