/* Distillation: an actor and a critic network that are fitted to example actions and values by least squares.
 * Training uses them for policies that are more than a network: a policy that is symmetric because half of
 * its observations are mirrored is distilled into a network without a mirror (train_symmetry.c). */
#ifndef AMI_LEARN_COPIER_H
#define AMI_LEARN_COPIER_H

#include "learn/shards.h"
#include "nets/adam.h"
#include "nets/train_net.h"

typedef struct ami_copier {
    int rows, inputs; /* rows: max examples in a call */
    ami_shards alone; /* one shard, where ami_copier_init got none */
    const ami_shards *shards;
    ami_train_net *net[2]; /* actor, critic */
    ami_adam adam[2];
    ami_shard_sums sums[2];
    double *errors;    /* (own shards, 2) squared errors; whether memory was short */
    bool other_failed; /* memory was short in another rank */
    int outputs[2];
    float *d[2]; /* (rows, outputs) derivatives */
} ami_copier;

/* Creates networks of inputs-hidden1-hidden2-outputs with all parameters zero. shards: an example belongs to an
 * item, each of which has the same number of examples in a call; must outlive the copier at its place. NULL: one
 * process and one shard. False and a sentence on error; then nothing is left to free. */
bool ami_copier_init(ami_copier *copier, int inputs, int hidden1, int hidden2, int actions, int rows,
                     const ami_shards *shards, ami_train_precision precision, ami_error *err);
void ami_copier_free(ami_copier *copier);

/* True and a sentence if oneDNN has failed since the creation (ami_train_net_failed). err may be NULL. */
bool ami_copier_failed(const ami_copier *copier, ami_error *err);

/* Restarts from the parameters of an actor and a critic, with a new optimiser. */
void ami_copier_start(ami_copier *copier, const float *actor, const float *critic);

/* Collective (learn/exchange.h). One Adam step of each network on n examples of this rank: x (n, inputs) normalised observations, action (n, actions),
 * value (n; NULL: no step of the critic). Returns the root mean square of the actor's error before the step.
 * Forks its own team. */
double ami_copier_learn(ami_copier *copier, const float *x, const float *action, const float *value, int n,
                        float rate);

#endif
