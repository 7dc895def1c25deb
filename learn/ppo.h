/* Proximal policy optimisation (Schulman et al. 2017): the update of the parameters from a batch of samples.
 * learn/train.h collects the samples.
 *
 * Policy: Gaussian around the actor's output with one standard deviation σ for all actions. All values,
 * rewards and targets here, including the critic's output, are scaled by (1 - γ), so that values are in [0,
 * 1] for rewards in [0, 1]. */
#ifndef AMI_LEARN_PPO_H
#define AMI_LEARN_PPO_H

#include "base/rng.h"
#include "learn/shards.h"
#include "nets/adam.h"
#include "nets/train_net.h"

#include <stdint.h>

typedef struct ami_ppo_def {
    int obs, actions, hidden1, hidden2;
    int samples; /* in this rank's batch */
    /* A shard's samples are those of its items, one item after another; each minibatch has the same fraction of every
     * shard. NULL: one process and one shard. Must outlive the ppo. */
    const ami_shards *shards;
    int minibatches; /* in an epoch; a shard's samples in them differ by at most one */
    int epochs;
    float clip, advantage_clip, gradient_norm;
    float critic_rate;
    ami_train_precision precision;
} ami_ppo_def;

/* A batch; rows are samples. */
typedef struct ami_ppo_batch {
    const float *x;                   /* (samples, obs) normalised observations */
    const float *action;              /* (samples, actions) sampled actions */
    float *mean;                      /* (samples, actions) the actor's outputs; in bf16 they are replaced by
                                         those of the training network */
    float *advantage;                 /* (samples) from GAE; normalised in place */
    const float *target;              /* (samples) for the critic */
    float noise;                      /* σ */
    const float *teacher_action;      /* (samples, actions) the teachers' actions; NULL: no teachers */
    const unsigned char *has_teacher; /* (samples) whether the row of teacher_action is valid */
    float teach; /* weight of a sample's |mean - teacher_action|² / 2σ² (kickstarting) */
} ami_ppo_batch;

typedef struct ami_ppo_stats {
    double kl;                      /* mean over the last epoch, against the policy that drew the samples */
    double clipped;                 /* fraction of samples without gradient because of the clip */
    double critic_loss;             /* mean squared error, over all epochs */
    double actor_norm, critic_norm; /* gradient norms before clipping, means */
    double teacher_distance;        /* root mean square of the actor's distance from teachers' actions, over
                                       the last epoch; 0: none */
    int skipped;                    /* minibatches not applied because a gradient was not finite */
} ami_ppo_stats;

typedef struct ami_ppo ami_ppo;

ami_ppo *ami_ppo_create(const ami_ppo_def *def, ami_rng *init, float last_layer, ami_error *err);
void ami_ppo_destroy(ami_ppo *ppo);

ami_train_net *ami_ppo_actor(ami_ppo *ppo);
ami_train_net *ami_ppo_critic(ami_ppo *ppo);
ami_adam *ami_ppo_actor_adam(ami_ppo *ppo);
ami_adam *ami_ppo_critic_adam(ami_ppo *ppo);

/* True and a sentence if a matrix product has failed since the creation (memory), or the exchange. Then values are NaN
 * and the network is not updated any more. After an update all ranks know if a product has failed in one of them. */
bool ami_ppo_failed(const ami_ppo *ppo, ami_error *err);

/* Writes the values of x (n, obs), any n, to value (n). Each of this rank's items has the same number
 * of rows, one item after another. Forks its own team. */
void ami_ppo_values(ami_ppo *ppo, const float *x, int n, float *value);

/* Collective (learn/exchange.h). One update: epochs × minibatches, shuffled by `rng`, which must be the same in all
 * ranks. Networks and stats are those of all ranks' samples. Forks its own team. */
void ami_ppo_update(ami_ppo *ppo, const ami_ppo_batch *batch, float actor_rate, ami_rng *rng,
                    ami_ppo_stats *stats);

#endif
