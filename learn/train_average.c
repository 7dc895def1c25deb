/* Means of the parameters over training, exponentially weighted: they act better than the parameters of any
 * one moment (Polyak averaging), and nobody has to pick a checkpoint. The half-life grows with the samples
 * (as in Karras et al. 2024), for learning gets slower.
 *
 * The first layer is averaged for observations that are not normalised: the normaliser moves at first, and
 * weights of different scales have no mean. */
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

void ami_train_average(ami_train *t)
{
    if (!t->actor_average)
        return;
    const double half_life = t->settings.average * (double)t->progress.samples;
    const float weight =
        t->progress.iterations <= 1 ? 1 : (float)(1 - exp2(-t->samples / fmax(half_life, 1)));
    ami_train_net *actor = ami_train_exported(t, true), *critic = ami_train_exported(t, false);
    take_in(t, ami_train_net_parameters(actor), ami_train_net_size(actor), weight, t->actor_average);
    take_in(t, ami_train_net_parameters(critic), ami_train_net_size(critic), weight, t->critic_average);
}

void ami_train_get_average(const ami_train *t, bool actor, float *out)
{
    ami_train_net *net = ami_train_exported(t, actor);
    const float *mean = actor ? t->actor_average : t->critic_average;
    if (!mean || t->progress.iterations == 0) {
        memcpy(out, ami_train_net_parameters(net), ami_train_net_size(net) * sizeof *out);
        return;
    }
    memcpy(out, mean, ami_train_net_size(net) * sizeof *out);
    const size_t inputs = (size_t)t->inputs, rows = (size_t)t->settings.hidden1;
    for (size_t r = 0; r < rows; r++) {
        double bias = (double)mean[rows * inputs + r];
        for (size_t k = 0; k < inputs; k++) {
            bias += (double)mean[r * inputs + k] * (double)t->in_mean[k];
            out[r * inputs + k] = mean[r * inputs + k] * t->in_std[k];
        }
        out[rows * inputs + r] = (float)bias;
    }
}
