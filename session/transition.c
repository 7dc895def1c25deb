/* From one skill to another. Actors are trained on their own motion and know nothing of the way into it, so
 * the way in is found by trying: from the state as it is, the next two seconds and a half are simulated for
 * the phases whose poses are nearest, and the one that tracks best without a fall is taken. Where all of them
 * fall, the body goes on as before and it is tried again a moment later.
 *
 * An actor that follows invented motions knows many of them and is pushed while it is trained: it takes over
 * at once, at the nearest pose of what its generator followed last. */
#include "session/internal.h"

#include <math.h>
#include <string.h>

enum {
    TRIED = 4, /* at most this many characters are tried; a larger crowd takes the nearest pose */
    RETRY = 3, /* steps until the next attempt */
};
static const double foresight_s = 2.4, patience_s = 2;

static void enter_at(ami_session *s, member *m, int character, const ami_skill *skill, double phase)
{
    const double heading = m->env.reference.heading;
    const ami_clip *clip = ami_skill_clip(skill, character);
    ami_member_use(s, m, character, skill);
    ami_reference_start(&m->env.reference, clip, phase * ami_clip_duration(clip), heading, m->env.state.pose);
    m->env.reference.turn_rate = s->turn_rate;
    m->env.reference.rate = m->env.def.rate;
}

/* How well the character, whose state s->scratch is, would do after entering there: the sum of its rewards,
 * and whether it stays up. */
static double foresee(ami_session *s, int character, ami_skill *skill, double phase, bool *up)
{
    const int steps = (int)(foresight_s / s->dt);
    double sum = 0;
    ami_reward reward;
    member *m = &s->trial;
    *up = true;
    m->env.def = s->member[character].env.def;
    ami_env_load(&m->env, s->scratch);
    enter_at(s, m, character, skill, phase);
    for (int k = 0; k < steps && *up; k++) {
        const ami_env_end end =
            ami_controller_step(&skill->controller[character / AMI_SKILL_GROUP], &m->env, &reward);
        *up = end == AMI_ENV_GOES_ON || end == AMI_ENV_TIME_OUT;
        sum += reward.total;
    }
    return sum;
}

/* The best phase to enter at; `up`: none of those tried ends in a fall before the end of what is foreseen. */
static double best_phase(ami_session *s, int character, ami_skill *skill, bool *up)
{
    const member *m = &s->member[character];
    const int tries = s->def.entry_tries < AMI_SKILL_PHASES ? s->def.entry_tries : AMI_SKILL_PHASES;
    double phases[AMI_SKILL_PHASES], best = -1, chosen = 0;
    *up = true;
    if (!ami_skill_loops(skill))
        return 0;
    ami_skill_entries(ami_skill_clip(skill, character), &m->env.state, tries > 0 ? tries : 1, phases);
    if (tries <= 0 || s->def.characters > TRIED || m->facts.down_since >= 0 ||
        (skill->invents && !s->def.styles_tried))
        return phases[0];
    *up = false;
    ami_env_save(&m->env, s->scratch);
    for (int i = 0; i < tries; i++) {
        bool stays;
        const double score = foresee(s, character, skill, phases[i], &stays) + (stays ? 1000 : 0);
        if (score > best) {
            best = score;
            chosen = phases[i];
            *up = stays;
        }
    }
    return chosen;
}

/* The body stays as it is; the reference becomes the new motion. */
static void change(ami_session *s, const double *phase)
{
    const ami_skill *skill = s->known[s->wanted];
    if (ami_skill_loops(s->known[s->skill]))
        s->before_skill = s->skill;
    s->skill = s->wanted;
    s->style_skill = skill->invents ? s->skill : s->style_skill;
    s->wanted = -1;
    s->entered = true;
    for (int i = 0; i < s->def.characters; i++) {
        member *m = &s->member[i];
        double nearest;
        ami_skill_entries(ami_skill_clip(skill, i), &m->env.state, 1, &nearest);
        enter_at(s, m, i, skill, phase && i < TRIED ? phase[i] : ami_skill_loops(skill) ? nearest : 0);
        ami_member_refresh(m);
        memcpy(m->reference_before, m->env.reference_state.pose, sizeof m->reference_before);
    }
    ami_past_keep(s);
}

void ami_enter_if_good(ami_session *s)
{
    if (s->wanted < 0 || (s->step - s->wanted_since) % RETRY)
        return;
    double phase[TRIED] = {0};
    bool all_up = true;
    for (int i = 0; i < s->def.characters && i < TRIED; i++) {
        bool up;
        phase[i] = best_phase(s, i, s->known[s->wanted], &up);
        all_up = all_up && up;
    }
    if (all_up || (double)(s->step - s->wanted_since) * s->dt >= patience_s)
        change(s, phase);
}

void ami_enter(ami_session *s, int number)
{
    if (number < 0 || number >= s->skills || !s->known[number])
        return;
    s->wanted = number;
    s->wanted_since = s->step;
    ami_enter_if_good(s);
}
