/* Saves and loads a network in training and its optimiser as sections of a checkpoint: NAME.parameters,
 * NAME.adam_m, NAME.adam_v, NAME.adam_step. */
#ifndef AMI_LEARN_NET_CHECKPOINT_H
#define AMI_LEARN_NET_CHECKPOINT_H

#include "base/checkpoint.h"
#include "nets/adam.h"
#include "nets/train_net.h"

AMI_MUST_CHECK bool ami_net_checkpoint_put(ami_checkpoint_writer *writer, const char *name,
                                           ami_train_net *net, const ami_adam *adam, ami_error *err);

/* False and a sentence if a section is missing or has another size. */
AMI_MUST_CHECK bool ami_net_checkpoint_get(const ami_checkpoint *checkpoint, const char *name,
                                           ami_train_net *net, ami_adam *adam, ami_error *err);

#endif
