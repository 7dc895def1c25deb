/* Mirrors a policy's observation, goal and action. */
#include "sim/mirror.h"

#include <string.h>

/* The body whose mirror image is body i. */
static const int twin[AMI_BODIES] = {
    AMI_ROOT,           AMI_CHEST,       AMI_NECK,        /* themselves */
    AMI_LEFT_HIP,       AMI_LEFT_KNEE,   AMI_LEFT_ANKLE,  /* for the right leg */
    AMI_LEFT_SHOULDER,  AMI_LEFT_ELBOW,  AMI_LEFT_WRIST,  /* for the right arm */
    AMI_RIGHT_HIP,      AMI_RIGHT_KNEE,  AMI_RIGHT_ANKLE, /* for the left leg */
    AMI_RIGHT_SHOULDER, AMI_RIGHT_ELBOW, AMI_RIGHT_WRIST,
};

void ami_mirror_obs(float out[AMI_OBS], const float in[AMI_OBS])
{
    float obs[AMI_OBS];
    obs[0] = in[0];
    obs[1] = in[1];
    for (int i = 0; i < AMI_BODIES; i++) {
        const float *place = in + 2 + 7 * twin[i], *speed = in + 107 + 6 * twin[i];
        const float mirrored[13] = {place[0], place[1], -place[2], place[3],  -place[4], -place[5], place[6],
                                    speed[0], speed[1], -speed[2], -speed[3], -speed[4], speed[5]};
        memcpy(obs + 2 + 7 * i, mirrored, 7 * sizeof(float));
        memcpy(obs + 107 + 6 * i, mirrored + 7, 6 * sizeof(float));
    }
    memcpy(out, obs, sizeof obs);
}

void ami_mirror_goal(float out[AMI_GOAL], const float in[AMI_GOAL])
{
    const float root[13] = {in[0],  in[1],  -in[2], in[3],   in[4],   -in[5], in[6],
                            -in[7], -in[8], in[9],  -in[10], -in[11], in[12]};
    memcpy(out, root, sizeof root);
    ami_mirror_action(out + 13, in + 13); /* the pose's joints are in the order of an action */
}

void ami_mirror_action(float out[AMI_ACTION], const float in[AMI_ACTION])
{
    float action[AMI_ACTION];
    for (int j = 0; j < AMI_CLIP_JOINTS; j++) {
        const ami_clip_joint *from = &ami_clip_joints[ami_mirror_joint(j)];
        const float *a = in + from->pose - 7;
        float *to = action + ami_clip_joints[j].pose - 7;
        to[0] = a[0];
        if (from->ball)
            to[1] = -a[1], to[2] = -a[2], to[3] = a[3];
    }
    memcpy(out, action, sizeof action);
}
