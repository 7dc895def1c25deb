/* A rollout's characters divided over the ranks of an exchange (policy/rollout.h's share). */
#ifndef AMI_LEARN_SPREAD_H
#define AMI_LEARN_SPREAD_H

#include "learn/exchange.h"
#include "policy/rollout.h"

/* For ami_rollout_def.share; `exchange` must outlive it. */
ami_rollout_share ami_spread(ami_exchange *exchange);

#endif
