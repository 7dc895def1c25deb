/* Bodies that a clip brings near the floor, found by showing its poses to the physics. */
#include "policy/may_touch.h"

#include <math.h>
#include <string.h>

enum { MOMENTS = 240 }; /* of a clip that are looked at */

/* Puts the body of `world` into the clip's pose at moment i. */
static void show_moment(amb_world *world, const amb_clip *clip, int i)
{
    double pose[AMB_POSE], vel[AMB_VEL];
    amb_clip_sample(clip, amb_clip_duration(clip) * i / (MOMENTS - 1), pose, vel);
    amb_world_set(world, pose, vel);
}

/* Bodies whose geoms come closer to the floor than `gap` (m) at one of the clip's moments. */
static bool bodies_near_floor(const amb_character *c, const amb_clip *clip, double gap, unsigned *bits,
                              amb_error *err)
{
    amb_world world;
    if (!amb_world_init(&world, c, err))
        return false;
    for (int i = 0; i < MOMENTS; i++) {
        show_moment(&world, clip, i);
        for (int b = 0; b < AMB_BODIES; b++)
            if (amb_world_lowest_of(&world, b) < gap)
                *bits |= 1u << b;
    }
    amb_world_free(&world);
    return true;
}

bool amb_clip_height(const amb_character *c, const amb_clip *clip, double *lowest, double *mean,
                     amb_error *err)
{
    amb_world world;
    if (!amb_world_init(&world, c, err))
        return false;
    *lowest = INFINITY;
    *mean = 0;
    for (int i = 0; i < MOMENTS; i++) {
        show_moment(&world, clip, i);
        const double height = amb_world_lowest(&world);
        *lowest = fmin(*lowest, height);
        *mean += height / MOMENTS;
    }
    amb_world_free(&world);
    return true;
}

bool amb_choose_may_touch(const char *text, const amb_policy *policy, const amb_character *character,
                          const amb_clip *clip, unsigned *bits, amb_error *err)
{
    *bits = 1u << AMB_RIGHT_ANKLE | 1u << AMB_LEFT_ANKLE;
    if (!text && policy)
        *bits |= policy->may_touch;
    else if (!text)
        text = clip ? "auto" : "feet";
    if (!text || !strcmp(text, "feet"))
        return true;
    if (!strcmp(text, "auto") && !clip)
        return amb_fail(err, "--may-touch auto asks a clip, and motions are invented here: name the bodies");
    if (!strcmp(text, "auto"))
        return bodies_near_floor(character, clip, .02, bits, err);
    unsigned named;
    if (!amb_bodies_read(text, &named, err))
        return amb_fail_in(err, "--may-touch: expected feet, auto, or names");
    *bits |= named;
    return true;
}
