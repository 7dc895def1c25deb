/* Networks averaged weight by weight. Those that one training came from another by going on from it lie in
 * one basin, where the mean of their weights is often better than each, and costs nothing ("model soups":
 * Wortsman et al., ICML 2022). Of networks that were trained apart the mean is nonsense; different
 * normalisers reveal some of them. */
#ifndef AMI_NETS_AVERAGE_H
#define AMI_NETS_AVERAGE_H

#include "nets/net.h"

/* Whether the two can be averaged: layers, activations, heads and normaliser are the same, the last to the
 * bit. A sentence if not: what differs; `a` is what was expected. */
bool ami_net_can_average(const ami_net *a, const ami_net *b, ami_error *err);

/* net's weights and biases become (1 - share) net + share other, in double precision, rounded. share in [0,
 * 1]. They can be averaged. */
void ami_net_average(ami_net *net, const ami_net *other, double share);

#endif
