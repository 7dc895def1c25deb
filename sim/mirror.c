/* Mirrors what a policy sees and says. */
#include "sim/mirror.h"

#include <string.h>

/* The body that is where body i is, in the mirror. */
static const int twin[AMB_BODIES] = {
    AMB_ROOT,           AMB_CHEST,       AMB_NECK,        /* their own */
    AMB_LEFT_HIP,       AMB_LEFT_KNEE,   AMB_LEFT_ANKLE,  /* the right leg's */
    AMB_LEFT_SHOULDER,  AMB_LEFT_ELBOW,  AMB_LEFT_WRIST,  /* the right arm's */
    AMB_RIGHT_HIP,      AMB_RIGHT_KNEE,  AMB_RIGHT_ANKLE, /* the left leg's */
    AMB_RIGHT_SHOULDER, AMB_RIGHT_ELBOW, AMB_RIGHT_WRIST,
};

void amb_mirror_obs(float out[AMB_OBS], const float in[AMB_OBS])
{
    float obs[AMB_OBS];
    obs[0] = in[0];
    obs[1] = in[1];
    for (int i = 0; i < AMB_BODIES; i++) {
        const float *place = in + 2 + 7 * twin[i], *speed = in + 107 + 6 * twin[i];
        const float mirrored[13] = {place[0], place[1], -place[2], place[3],  -place[4], -place[5], place[6],
                                    speed[0], speed[1], -speed[2], -speed[3], -speed[4], speed[5]};
        memcpy(obs + 2 + 7 * i, mirrored, 7 * sizeof(float));
        memcpy(obs + 107 + 6 * i, mirrored + 7, 6 * sizeof(float));
    }
    memcpy(out, obs, sizeof obs);
}

void amb_mirror_goal(float out[AMB_GOAL], const float in[AMB_GOAL])
{
    const float root[13] = {in[0],  in[1],  -in[2], in[3],   in[4],   -in[5], in[6],
                            -in[7], -in[8], in[9],  -in[10], -in[11], in[12]};
    memcpy(out, root, sizeof root);
    amb_mirror_action(out + 13, in + 13); /* joints in the same order; their quaternions mirror as an action's
                                             do */
}

void amb_mirror_action(float out[AMB_ACTION], const float in[AMB_ACTION])
{
    float action[AMB_ACTION];
    for (int j = 0; j < AMB_CLIP_JOINTS; j++) {
        const amb_clip_joint *from = &amb_clip_joints[amb_mirror_joint(j)];
        const float *a = in + from->pose - 7;
        float *to = action + amb_clip_joints[j].pose - 7;
        to[0] = a[0];
        if (from->ball)
            to[1] = -a[1], to[2] = -a[2], to[3] = a[3];
    }
    memcpy(out, action, sizeof action);
}
