/* Names, order and parents of the bodies. */
#include "motion/skeleton.h"

#include "base/assert.h"

#include <stdio.h>
#include <string.h>

const char *const ami_body_name[AMI_BODIES] = {
    "root",        "chest",          "neck",          "right_hip",   "right_knee",
    "right_ankle", "right_shoulder", "right_elbow",   "right_wrist", "left_hip",
    "left_knee",   "left_ankle",     "left_shoulder", "left_elbow",  "left_wrist",
};

const int ami_body_parent[AMI_BODIES] = {
    /* root, chest, neck */
    -1,        AMI_ROOT,           AMI_CHEST,       AMI_ROOT, AMI_RIGHT_HIP, AMI_RIGHT_KNEE, /* right leg */
    AMI_CHEST, AMI_RIGHT_SHOULDER, AMI_RIGHT_ELBOW, AMI_ROOT, AMI_LEFT_HIP,  AMI_LEFT_KNEE,  /* left leg */
    AMI_CHEST, AMI_LEFT_SHOULDER,  AMI_LEFT_ELBOW,
};

ami_joint_layout ami_body_joint(int body)
{
    AMI_ASSERT(body >= 0 && body < AMI_BODIES);
    for (int k = 0; k < AMI_CLIP_JOINTS; k++) {
        const ami_clip_joint *joint = &ami_clip_joints[k];
        if (!strcmp(ami_body_name[body], joint->name))
            return (ami_joint_layout){joint->ball ? 4 : 1, joint->pose, joint->vel};
    }
    return (ami_joint_layout){0, 3, 3};
}

int ami_body_by_name(const char *name)
{
    for (int i = 0; i < AMI_BODIES; i++)
        if (!strcmp(name, ami_body_name[i]))
            return i;
    return -1;
}

bool ami_bodies_read(const char *list, unsigned *bits, ami_error *err)
{
    unsigned found = 0;
    while (*list) {
        const size_t length = strcspn(list, ",");
        char name[32], known[256];
        snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), list);
        const int body = length < sizeof name ? ami_body_by_name(name) : -1;
        if (body < 0) {
            ami_bodies_print((1u << AMI_BODIES) - 1, known, sizeof known);
            return ami_fail(err, "no body is named \"%s\"; expected some of %s", name, known);
        }
        found |= 1u << body;
        list += length + (list[length] == ',');
    }
    *bits = found;
    return true;
}

void ami_bodies_print(unsigned bits, char *list, size_t size)
{
    AMI_ASSERT(list && size > 0);
    size_t length = 0;
    list[0] = '\0';
    for (int i = 0; i < AMI_BODIES && length < size; i++)
        if (bits & 1u << i)
            length +=
                (size_t)snprintf(list + length, size - length, "%s%s", length ? "," : "", ami_body_name[i]);
}
