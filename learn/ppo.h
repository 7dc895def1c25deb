/* Proximal policy optimisation (Schulman et al. 2017), the learning half: from a batch of samples to new
 * parameters. Where the samples come from is learn/train.h's business.
 *
 * Policy: Gaussian around the actor's output with one standard deviation σ for all actions. The critic's
 * output is value · (1 - γ), which lives in [0, 1] for rewards in [0, 1]; all values, rewards and targets
 * here are scaled by (1 - γ) likewise. */
#ifndef AMI_LEARN_PPO_H
#define AMI_LEARN_PPO_H

#include "base/rng.h"
#include "nets/adam.h"
#include "nets/train_net.h"

#include <stdint.h>

typedef struct ami_ppo_def {
    int obs, actions, hidden1, hidden2;
    int samples;     /* in a batch */
    int minibatches; /* in an epoch; the last ones are one sample shorter where it does not divide */
    int epochs;
    float clip, advantage_clip, gradient_norm;
    float critic_rate;
    ami_train_precision precision;
} ami_ppo_def;

/* A batch; rows are samples. */
typedef struct ami_ppo_batch {
    const float *x;                   /* (samples, obs) normalised observations */
    const float *action;              /* (samples, actions) as drawn */
    float *mean;                      /* (samples, actions) what the actor said; replaced by the training
                                         network's own answer in bf16 */
    float *advantage;                 /* (samples) as GAE gives them; normalised in place */
    const float *target;              /* (samples) for the critic */
    float noise;                      /* σ */
    const float *taught;              /* (samples, actions) what teachers would do; NULL: there are none */
    const unsigned char *has_teacher; /* (samples) others' rows of `taught` are not read */
    float teach;                      /* weight of |mean - taught|² / 2σ², a sample's, in the actor's loss
                                         (Schmitt et al. 2018) */
} ami_ppo_batch;

typedef struct ami_ppo_stats {
    double kl;                      /* mean over the last epoch, against the policy that drew the samples */
    double clipped;                 /* fraction of samples whose gradient the clip took away */
    double critic_loss;             /* mean squared error, over all epochs */
    double actor_norm, critic_norm; /* gradient norms before clipping, means */
    double apart;                   /* root mean square of the actor's distance from teachers' actions, over
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

/* True and a sentence if a matrix product has failed since the creation (memory). Values hold NaN then; the
 * network that met it learns no more. */
bool ami_ppo_failed(const ami_ppo *ppo, ami_error *err);

/* Values of x (n, obs), any n, into value (n). Forks its own team. */
void ami_ppo_values(ami_ppo *ppo, const float *x, int n, float *value);

/* One update: epochs × minibatches, shuffled by `rng`. Forks its own team. */
void ami_ppo_update(ami_ppo *ppo, const ami_ppo_batch *batch, float actor_rate, ami_rng *rng,
                    ami_ppo_stats *stats);

#endif
