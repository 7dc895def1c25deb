/* Names, order and parents of the bodies. */
#include "motion/skeleton.h"

#include <stdio.h>
#include <string.h>

const char *const amb_body_name[AMB_BODIES] = {
    "root",        "chest",          "neck",          "right_hip",   "right_knee",
    "right_ankle", "right_shoulder", "right_elbow",   "right_wrist", "left_hip",
    "left_knee",   "left_ankle",     "left_shoulder", "left_elbow",  "left_wrist",
};

const int amb_body_parent[AMB_BODIES] = {
    /* root, chest, neck */
    -1,        AMB_ROOT,           AMB_CHEST,       AMB_ROOT, AMB_RIGHT_HIP, AMB_RIGHT_KNEE, /* right leg */
    AMB_CHEST, AMB_RIGHT_SHOULDER, AMB_RIGHT_ELBOW, AMB_ROOT, AMB_LEFT_HIP,  AMB_LEFT_KNEE,  /* left leg */
    AMB_CHEST, AMB_LEFT_SHOULDER,  AMB_LEFT_ELBOW,
};

amb_joint_layout amb_body_joint(int body)
{
    for (int k = 0; k < AMB_CLIP_JOINTS; k++) {
        const amb_clip_joint *joint = &amb_clip_joints[k];
        if (!strcmp(amb_body_name[body], joint->name))
            return (amb_joint_layout){joint->ball ? 4 : 1, joint->pose, joint->vel};
    }
    return (amb_joint_layout){0, 3, 3};
}

int amb_body_by_name(const char *name)
{
    for (int i = 0; i < AMB_BODIES; i++)
        if (!strcmp(name, amb_body_name[i]))
            return i;
    return -1;
}

bool amb_bodies_read(const char *list, unsigned *bits, amb_error *err)
{
    unsigned found = 0;
    while (*list) {
        const size_t length = strcspn(list, ",");
        char name[32], known[256];
        snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1), list);
        const int body = length < sizeof name ? amb_body_by_name(name) : -1;
        if (body < 0) {
            amb_bodies_print((1u << AMB_BODIES) - 1, known, sizeof known);
            return amb_fail(err, "no body is named \"%s\"; expected some of %s", name, known);
        }
        found |= 1u << body;
        list += length + (list[length] == ',');
    }
    *bits = found;
    return true;
}

void amb_bodies_print(unsigned bits, char *list, size_t size)
{
    size_t length = 0;
    list[0] = '\0';
    for (int i = 0; i < AMB_BODIES && length < size; i++)
        if (bits & 1u << i)
            length +=
                (size_t)snprintf(list + length, size - length, "%s%s", length ? "," : "", amb_body_name[i]);
}
