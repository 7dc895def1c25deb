/* Exponential means of the parameters over training (Polyak averaging): they perform better than the
 * parameters of any single iteration, so no checkpoint has to be selected. The half-life grows with the
 * samples (as in Karras et al. 2024), because learning slows down.
 *
 * The first layer is averaged for unnormalised observations: the normaliser changes at first, and weights for
 * different normalisers cannot be averaged. */
#include "learn/train_state.h"

#include <math.h>
#include <string.h>

static void take_in(const ami_train *t, const float *now, size_t size, float weight, float *mean)
{
    const size_t inputs = (size_t)t->inputs, rows = (size_t)t->settings.hidden1;
    for (size_t r = 0; r < rows; r++) {
        const float *w = now + r * inputs;
        float *m = mean + r * inputs;
        double bias = (double)now[rows * inputs + r];
        for (size_t k = 0; k < inputs; k++) {
            const float raw = w[k] / t->in_std[k];
            bias -= (double)raw * (double)t->in_mean[k];
            m[k] += weight * (raw - m[k]);
        }
        mean[rows * inputs + r] += weight * ((float)bias - mean[rows * inputs + r]);
    }
    for (size_t i = rows * (inputs + 1); i < size; i++)
        mean[i] += weight * (now[i] - mean[i]);
}

void ami_train_average(ami_train *train)
{
    if (!train->actor_average)
        return;
    const double half_life = train->settings.average * (double)train->progress.samples;
    const float weight = train->progress.iterations <= 1
                             ? 1
                             : (float)(1 - exp2(-(double)train->all_samples / fmax(half_life, 1)));
    ami_train_net *actor = ami_train_exported(train, true), *critic = ami_train_exported(train, false);
    take_in(train, ami_train_net_parameters(actor), ami_train_net_size(actor), weight, train->actor_average);
    take_in(train, ami_train_net_parameters(critic), ami_train_net_size(critic), weight,
            train->critic_average);
}

void ami_train_get_average(const ami_train *train, bool actor, float *parameters)
{
    ami_train_net *net = ami_train_exported(train, actor);
    const float *mean = actor ? train->actor_average : train->critic_average;
    if (!mean || train->progress.iterations == 0) {
        memcpy(parameters, ami_train_net_parameters(net), ami_train_net_size(net) * sizeof *parameters);
        return;
    }
    memcpy(parameters, mean, ami_train_net_size(net) * sizeof *parameters);
    const size_t inputs = (size_t)train->inputs, rows = (size_t)train->settings.hidden1;
    for (size_t r = 0; r < rows; r++) {
        double bias = (double)mean[rows * inputs + r];
        for (size_t k = 0; k < inputs; k++) {
            bias += (double)mean[r * inputs + k] * (double)train->in_mean[k];
            parameters[r * inputs + k] = mean[r * inputs + k] * train->in_std[k];
        }
        parameters[rows * inputs + r] = (float)bias;
    }
}
