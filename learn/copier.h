/* Two networks that learn to answer as given examples do: an actor's actions and a critic's values, by least
 * squares. Training uses them where what acts is more than a plain network: a policy that is symmetric by
 * mirroring half of what it sees is copied into a network that needs no mirror (train_symmetry.c). */
#ifndef AMI_LEARN_COPIER_H
#define AMI_LEARN_COPIER_H

#include "nets/adam.h"
#include "nets/train_net.h"

typedef struct ami_copier {
    int rows;              /* examples a call, at most */
    ami_train_net *net[2]; /* actor, critic */
    ami_adam adam[2];
    int outputs[2];
    float *d[2]; /* (rows, outputs) derivatives */
} ami_copier;

/* Networks of inputs-hidden1-hidden2-outputs, all parameters zero. False and a sentence on error; then it is
 * freed. */
bool ami_copier_init(ami_copier *copier, int inputs, int hidden1, int hidden2, int actions, int rows,
                     ami_train_precision precision, ami_error *err);
void ami_copier_free(ami_copier *copier);

/* True and a sentence if oneDNN has failed in it since it was made (ami_train_net_failed). err may be NULL.
 */
bool ami_copier_failed(const ami_copier *copier, ami_error *err);

/* Starts from these parameters (actor's, critic's), with an optimiser that knows nothing. */
void ami_copier_start(ami_copier *copier, const float *actor, const float *critic);

/* One step of Adam of each network on n examples: x (n, inputs) normalised observations, action (n, actions),
 * value (n). The critic's step is left out where value is NULL. Returns the root mean square of the actor's
 * error before the step. Forks its own team. */
double ami_copier_learn(ami_copier *copier, const float *x, const float *action, const float *value, int n,
                        float rate);

#endif
