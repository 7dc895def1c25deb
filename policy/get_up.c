/* Loads the two skills of getting up. */
#include "policy/get_up.h"

#include "base/assert.h"
#include "base/assets.h"
#include "policy/models.h"

#include <stdio.h>

static const char *const name[AMI_FACES] = {"getup_facedown", "getup_faceup"};

static ami_skill *load(const char *model, const ami_skill_def *like, ami_error *err)
{
    char policy[4096], asset[80], motion[4096];
    snprintf(asset, sizeof asset, "motions/%s.txt", model);
    if (!ami_find_model(model, policy, sizeof policy, err) ||
        (!ami_asset_path(asset, motion, sizeof motion, NULL) &&
         !ami_clip_find(model, like->clips, motion, sizeof motion, err)))
        return NULL;
    const ami_skill_def def = {.policy = policy,
                               .motion = motion,
                               .clips = like->clips,
                               .character = like->character,
                               .substeps = like->substeps,
                               .characters = like->characters,
                               .no_critic = true};
    ami_skill *skill = ami_skill_load(&def, err);
    if (!skill)
        return NULL;
    skill->may_touch = (1u << AMI_BODIES) - 1;
    if (!ami_clip_loops(skill->clip))
        return skill;
    ami_fail(err, "%s: the motion is a loop, expected one that ends standing", motion);
    ami_skill_free(skill);
    return NULL;
}

bool ami_get_up_load(ami_skill **skill, const ami_skill_def *def, ami_error *err)
{
    AMI_ASSERT(skill && def);
    for (int k = 0; k < AMI_FACES; k++)
        skill[k] = NULL;
    for (int k = 0; k < AMI_FACES; k++)
        if (!(skill[k] = load(name[k], def, err))) {
            ami_skill_free(skill[0]);
            skill[0] = NULL;
            return ami_fail_in(err, "characters cannot get up by themselves");
        }
    return true;
}
