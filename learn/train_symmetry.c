/* A motion that is its own mirror image half a cycle later, as walking and running are, is learned in one
 * half of the cycle only: in the other half the policy sees the mirror image of its observation and its
 * action is mirrored back (the PHASE method of Abdolhosseini et al. 2019, On Learning Symmetric Locomotion).
 * Every sample then counts twice, and the gait is symmetric.
 *
 * What is exported must do without the mirror: two further networks learn from every sample, in the half
 * where it was met, to answer as the policy does. They come from the same iterations, and are as good as the
 * policy up to their error, far less than the exploration noise. */
#include "learn/train_state.h"
#include "sim/mirror.h"

#include <math.h>
#include <string.h>

static const float rate = 5e-4f, rate_end = 5e-5f;

bool amb_train_fold(const amb_train *t, float *obs)
{
    if (!t->mirror || obs[0] < .5f)
        return false;
    amb_mirror_obs(obs, obs);
    if (t->inputs == AMB_OBS_MAX)
        amb_mirror_goal(obs + AMB_OBS, obs + AMB_OBS);
    obs[0] -= .5f;
    return true;
}

/* Left and right shoulders have other scales in DeepMimic's absolute actions: the mirror is for the angles
 * themselves. */
void amb_train_mirror_action(const amb_train *t, const float *in, float *out)
{
    float action[AMB_ACTION];
    for (int k = 0; k < AMB_ACTION; k++)
        action[k] = in[k] * t->action_std[k];
    amb_mirror_action(action, action); /* the means are their own mirror image */
    for (int k = 0; k < AMB_ACTION; k++)
        out[k] = action[k] / t->action_std[k];
}

double amb_train_copy(amb_train *t)
{
    const size_t inputs = (size_t)t->inputs;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < t->samples; i++) {
        const float *obs = t->obs + (size_t)i * inputs, *mean = t->mean + (size_t)i * AMB_ACTION;
        float *action = t->plain_action + (size_t)i * AMB_ACTION;
        amb_train_normalise(t, obs, t->plain_x + (size_t)i * inputs);
        if (obs[0] < .5f)
            memcpy(action, mean, AMB_ACTION * sizeof(float));
        else
            amb_train_mirror_action(t, mean, action);
    }
    const float now = rate + (rate_end - rate) * (float)amb_train_fraction_done(t);
    return amb_copier_learn(&t->copier, t->plain_x, t->plain_action, t->target, t->samples, now);
}

void amb_train_start_copy(amb_train *t)
{
    if (t->mirror)
        amb_copier_start(&t->copier, amb_train_net_parameters(amb_ppo_actor(t->ppo)),
                         amb_train_net_parameters(amb_ppo_critic(t->ppo)));
}

amb_train_net *amb_train_exported(const amb_train *t, bool actor)
{
    return t->mirror ? t->copier.net[actor ? 0 : 1] : actor ? amb_ppo_actor(t->ppo) : amb_ppo_critic(t->ppo);
}
