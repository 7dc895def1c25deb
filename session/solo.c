/* Makes sessions of one character that share skills. */
#include "session/solo.h"

#include "base/assert.h"

bool ami_solo_make(ami_solo *solo, const ami_session_def *def, const ami_generator_def *generator,
                   uint64_t seed, int index, ami_error *err)
{
    AMI_ASSERT(solo && def);
    *solo = (ami_solo){0};
    ami_session_def own = *def;
    for (int k = 0; k < own.skills; k++)
        if (!(own.skill[k] = solo->skill[k] = ami_skill_share(def->skill[k], 1, err)))
            return false;
    for (int k = 0; k < AMI_FACES && def->get_up[k]; k++)
        if (!(own.get_up[k] = solo->get_up[k] = ami_skill_share(def->get_up[k], 1, err)))
            return false;
    if (solo->skill[0]->invents) {
        AMI_ASSERT(generator);
        ami_generator_def invented = *generator;
        invented.seed = seed;
        invented.stream = (uint64_t)index;
        if (!ami_skill_invent(solo->skill[0], &invented, err))
            return false;
    }
    own.characters = 1;
    own.env.seed = seed;
    own.env.stream = (uint64_t)index;
    own.history_s = 0;
    own.unmeasured = true;
    solo->session = ami_session_create(&own, err);
    return solo->session != NULL;
}

void ami_solo_free(ami_solo *solo)
{
    ami_session_destroy(solo->session);
    for (int k = 0; k < AMI_SKILLS; k++)
        ami_skill_free(solo->skill[k]);
    for (int k = 0; k < AMI_FACES; k++)
        ami_skill_free(solo->get_up[k]);
    *solo = (ami_solo){0};
}
