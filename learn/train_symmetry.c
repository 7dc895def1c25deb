/* A motion that is its own mirror image half a cycle later, such as walking and running, is trained only in
 * one half of the cycle: in the other half the policy receives the mirrored observation, and its action is
 * mirrored back (the PHASE method of Abdolhosseini et al. 2019, On Learning Symmetric Locomotion). So every
 * sample counts twice, and the gait is symmetric.
 *
 * Exported networks must work without the mirror: in every iteration the policy is distilled into two further
 * networks with the samples of both halves. Their error is far smaller than the exploration noise. Of several
 * clips, those that are symmetric loops can be trained so.
 *
 * Episodes of any clip can be mirrored as a whole (setting mirrored): the body follows the clip, the policy sees
 * and acts in the mirror image, as if it followed the mirrored clip. Nothing needs to be copied then. */
#include "learn/train_state.h"
#include "sim/mirror.h"

#include <math.h>
#include <string.h>

static const float rate = 5e-4f, rate_end = 5e-5f;

bool ami_train_fold(const ami_train *train, int e, float *obs)
{
    const env_clip *now = &train->env_clip[e];
    const bool folded = train->clips > 0 && train->clip[now->clip].folded && obs[0] >= .5f;
    if (!folded && !now->mirrored)
        return false;
    ami_mirror_obs(obs, obs);
    if (train->inputs == AMI_OBS_MAX)
        ami_mirror_goal(obs + AMI_OBS, obs + AMI_OBS);
    if (folded)
        obs[0] -= .5f;
    return true;
}

/* The left and right shoulders have different scales in DeepMimic's absolute actions, so the unscaled angles
 * are mirrored. */
void ami_train_mirror_action(const ami_train *train, const float *in, float *out)
{
    float action[AMI_ACTION];
    for (int k = 0; k < AMI_ACTION; k++)
        action[k] = in[k] * train->action_std[k];
    ami_mirror_action(action, action); /* the means are symmetric */
    for (int k = 0; k < AMI_ACTION; k++)
        out[k] = action[k] / train->action_std[k];
}

double ami_train_copy(ami_train *train)
{
    const size_t inputs = (size_t)train->inputs;
#pragma omp parallel for schedule(static)
    for (int i = 0; i < train->samples; i++) {
        const float *obs = train->obs + (size_t)i * inputs, *mean = train->mean + (size_t)i * AMI_ACTION;
        float *action = train->plain_action + (size_t)i * AMI_ACTION;
        ami_train_normalise(train, obs, train->plain_x + (size_t)i * inputs);
        if (!train->folded[i])
            memcpy(action, mean, AMI_ACTION * sizeof(float));
        else
            ami_train_mirror_action(train, mean, action);
    }
    const float now = rate + (rate_end - rate) * (float)ami_train_fraction_done(train);
    return ami_copier_learn(&train->copier, train->plain_x, train->plain_action, train->target,
                            train->samples, now);
}

void ami_train_start_copy(ami_train *train)
{
    if (train->mirror)
        ami_copier_start(&train->copier, ami_train_net_parameters(ami_ppo_actor(train->ppo)),
                         ami_train_net_parameters(ami_ppo_critic(train->ppo)));
}

ami_train_net *ami_train_exported(const ami_train *train, bool actor)
{
    return train->mirror ? train->copier.net[actor ? 0 : 1]
           : actor       ? ami_ppo_actor(train->ppo)
                         : ami_ppo_critic(train->ppo);
}
