/* History: a ring of saved states, one per control step. Going back restores them bit for bit, so that
 * simulating forward again repeats the same steps. */
#include "session/internal.h"

#include "base/assert.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

bool ami_history_init(ami_session *s, ami_error *err)
{
    const size_t env = (ami_env_save_size(&s->member[0].env) + 7) & ~(size_t)7,
                 style = (ami_generator_save_size(NULL) + 7) & ~(size_t)7;
    s->moments = (int)ceil(s->def.history_s / s->dt) + 1;
    s->style_at = env;
    s->facts_at = env + style;
    s->record_size = s->facts_at + sizeof(member_facts);
    s->moment = malloc((size_t)s->moments * sizeof *s->moment);
    s->record = calloc((size_t)s->moments * (size_t)s->def.characters, s->record_size);
    if (!s->moment || !s->record)
        return ami_fail(err, "out of memory for %g s of history of %d characters", s->def.history_s,
                        s->def.characters);
    ami_history_forget(s);
    return true;
}

void ami_history_free(ami_session *s)
{
    free(s->moment);
    free(s->record);
}

void ami_history_forget(ami_session *s)
{
    for (int i = 0; i < s->moments; i++)
        s->moment[i].step = -1;
    s->oldest = s->step;
    ami_history_keep(s);
}

static char *record_of(const ami_session *s, int slot, int character)
{
    return s->record + ((size_t)slot * (size_t)s->def.characters + (size_t)character) * s->record_size;
}

void ami_history_keep(ami_session *s)
{
    const int slot = (int)(s->step % s->moments);
    s->moment[slot] = (moment){s->step, s->skill, s->before_skill, s->style_skill, s->pace, s->left};
    s->newest = s->step; /* later records are not valid any more */
    for (int i = 0; i < s->def.characters; i++) {
        char *to = record_of(s, slot, i);
        ami_env_save(&s->member[i].env, to);
        ami_style_save(s, i, to + s->style_at);
        memcpy(to + s->facts_at, &s->member[i].facts, sizeof(member_facts));
    }
    if (s->step - s->oldest >= s->moments)
        s->oldest = s->step - s->moments + 1;
}

void ami_history_go(ami_session *s, int64_t step)
{
    AMI_ASSERT(s && s->moments > 0);
    step = step < s->oldest ? s->oldest : step;
    const int slot = (int)(step % s->moments);
    if (step > s->newest || s->moment[slot].step != step)
        return;
    s->step = step;
    s->skill = s->moment[slot].skill < s->skills ? s->moment[slot].skill : s->skill;
    s->before_skill = s->moment[slot].before_skill;
    s->style_skill = s->moment[slot].style_skill;
    s->pace = s->moment[slot].pace;
    s->left = s->moment[slot].left;
    s->jumps++;
    s->requested = -1;
    if (s->push_step > step)
        s->push_step = -1;
    for (int i = 0; i < s->def.characters; i++) {
        member *m = &s->member[i];
        const char *from = record_of(s, slot, i);
        ami_style_load(s, i, from + s->style_at);
        memcpy(&m->facts, from + s->facts_at, sizeof(member_facts));
        ami_member_use(s, m, i, ami_member_skill(s, m));
        ami_env_load(&m->env, from);
        ami_reward_compute(s->def.env.character, &m->env.state, &m->env.reference_state, &m->reward);
        if (m->facts.stage == AMI_UP)
            m->env.reference.turn_rate = s->turn_rate; /* the current command, not the recorded one */
        m->jumped = true;
    }
    ami_measure(s);
}
