/* Finds the bodies that are near the floor in a clip's poses. */
#include "policy/may_touch.h"

#include <math.h>
#include <string.h>

enum { SAMPLES = 240 }; /* poses of a clip that are checked */

/* Sets the world to sample i of the clip. */
static void set_sample(ami_world *world, const ami_clip *clip, int i)
{
    double pose[AMI_POSE], vel[AMI_VEL];
    ami_clip_sample(clip, ami_clip_duration(clip) * i / (SAMPLES - 1), pose, vel);
    ami_world_set(world, pose, vel);
}

/* Bodies whose geoms are closer to the floor than `gap` (m) in one of the samples. */
static bool bodies_near_floor(const ami_character *c, const ami_clip *clip, double gap, unsigned *bits,
                              ami_error *err)
{
    ami_world world;
    if (!ami_world_init(&world, c, err))
        return false;
    for (int i = 0; i < SAMPLES; i++) {
        set_sample(&world, clip, i);
        for (int b = 0; b < AMI_BODIES; b++)
            if (ami_world_lowest_of(&world, b) < gap)
                *bits |= 1u << b;
    }
    ami_world_free(&world);
    return true;
}

bool ami_clip_height(const ami_character *character, const ami_clip *clip, double *lowest, double *mean,
                     ami_error *err)
{
    ami_world world;
    if (!ami_world_init(&world, character, err))
        return false;
    *lowest = INFINITY;
    *mean = 0;
    for (int i = 0; i < SAMPLES; i++) {
        set_sample(&world, clip, i);
        const double height = ami_world_lowest(&world);
        *lowest = fmin(*lowest, height);
        *mean += height / SAMPLES;
    }
    ami_world_free(&world);
    return true;
}

/* The clip's entry among the motions that the policy was trained on; NULL: none. */
static const ami_listed_motion *find_listed(const ami_policy *policy, const ami_clip *clip)
{
    for (int i = 0; i < policy->motions; i++)
        if (policy->listed[i].crc == ami_clip_crc(clip))
            return &policy->listed[i];
    return ami_motion_list_find(policy->listed, policy->motions, ami_clip_name(clip));
}

bool ami_choose_may_touch(const char *text, const ami_policy *policy, const ami_character *character,
                          const ami_clip *clip, unsigned *bits, ami_error *err)
{
    const bool several = policy && policy->motions > 0 && clip;
    const ami_listed_motion *listed = several ? find_listed(policy, clip) : NULL;
    *bits = 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE;
    if (!text && several && !listed)
        text = "auto";
    else if (!text && policy)
        *bits |= listed ? listed->may_touch : policy->may_touch;
    else if (!text)
        text = clip ? "auto" : "feet";
    if (!text || !strcmp(text, "feet"))
        return true;
    if (!strcmp(text, "auto") && !clip)
        return ami_fail(err, "--may-touch auto needs a clip, but motions are invented: name the bodies");
    if (!strcmp(text, "auto"))
        return bodies_near_floor(character, clip, .02, bits, err);
    unsigned named;
    if (!ami_bodies_read(text, &named, err))
        return ami_fail_in(err, "--may-touch: expected feet, auto, or names");
    *bits |= named;
    return true;
}
