/* Changes from one skill to another. Actors are trained only on their own motion, not on transitions to it,
 * so the phase at which to start is found by simulation: from the current state, the next 2.4 s are simulated
 * for the phases with the nearest poses, and the one that tracks best without a fall is chosen. If all of
 * them fall, the body continues its motion and the search is repeated a few steps later.
 *
 * An actor for invented motions is trained with many motions and with pushes: it takes over at once, at the
 * nearest pose of the last motion of its generator. */
#include "session/internal.h"

#include "motion/rotation.h"

#include <math.h>
#include <string.h>

enum {
    TRIED = 4, /* max characters for simulating ahead; with more, all take the nearest pose */
    RETRY = 3, /* steps between attempts */
};
static const double horizon_s = 2.4, patience_s = 2; /* after patience_s it changes in spite of falls */
/* s: a body that got up follows its last invented motion for so long before the transition to another style
 * begins. Of 200 that were asked for another style while they lay, 13 fell again when it began at once, 4 after
 * 1 s, none after 2 s. */
static const double settle_s = 2;

static void enter_at(ami_session *s, member *m, int character, const ami_skill *skill, double phase)
{
    /* The motion of getting up may end facing another direction than its own x axis. */
    const double heading = s->member[character].facts.stage == AMI_UP
                               ? m->env.reference.heading
                               : ami_quat_heading(m->env.state.pose + 3);
    const ami_clip *clip = ami_skill_clip(skill, character);
    ami_member_use(s, m, character, skill);
    ami_reference_start(&m->env.reference, clip, phase * ami_clip_duration(clip), heading, m->env.state.pose);
    m->env.reference.turn_rate = s->turn_rate;
    m->env.reference.rate = m->env.def.rate;
}

/* Simulates the character from the state in s->scratch after a start at this phase. Returns the sum of
 * rewards; *up: it does not fall. */
static double simulate_ahead(ami_session *s, int character, ami_skill *skill, double phase, bool *up)
{
    const int steps = (int)(horizon_s / s->dt);
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

/* The best phase to start at; *up: its simulation ends without a fall. */
static double best_phase(ami_session *s, int character, ami_skill *skill, bool *up)
{
    const member *m = &s->member[character];
    const int tries = s->def.entry_tries < AMI_SKILL_PHASES ? s->def.entry_tries : AMI_SKILL_PHASES;
    double phases[AMI_SKILL_PHASES], best = -1, chosen = 0;
    *up = true;
    if (!ami_skill_loops(skill))
        return 0;
    ami_skill_entries(ami_skill_clip(skill, character), &m->env.state, tries > 0 ? tries : 1, phases);
    const bool limp = m->facts.down_since >= 0;
    const bool all_change = s->def.characters > TRIED;
    const bool at_once = skill->invents && !s->def.styles_tried;
    if (tries <= 0 || all_change || limp || at_once)
        return phases[0];
    *up = false;
    ami_env_save(&m->env, s->scratch);
    for (int i = 0; i < tries; i++) {
        bool stays;
        const double score = simulate_ahead(s, character, skill, phases[i], &stays) + (stays ? 1000 : 0);
        if (score > best) {
            best = score;
            chosen = phases[i];
            *up = stays;
        }
    }
    return chosen;
}

/* The phase with the number `attempt`, from the nearest pose on; *up: its simulation ends without a fall. */
static double one_phase(ami_session *s, int character, ami_skill *skill, int attempt, bool *up)
{
    const member *m = &s->member[character];
    const int tries = s->def.entry_tries < AMI_SKILL_PHASES ? s->def.entry_tries : AMI_SKILL_PHASES;
    double phases[AMI_SKILL_PHASES] = {0};
    if (ami_skill_loops(skill))
        ami_skill_entries(ami_skill_clip(skill, character), &m->env.state, tries > 0 ? tries : 1, phases);
    *up = true;
    if (tries <= 0 || !ami_skill_loops(skill))
        return phases[0];
    ami_env_save(&m->env, s->scratch);
    (void)simulate_ahead(s, character, skill, phases[attempt % tries], up);
    return phases[attempt % tries];
}

bool ami_enter_alone(ami_session *s, int character, int attempt, bool anyway)
{
    member *m = &s->member[character];
    ami_skill *skill = s->known[s->skill];
    bool up;
    const double phase = one_phase(s, character, skill, anyway ? 0 : attempt, &up);
    if (!up && !anyway)
        return false;
    enter_at(s, m, character, skill, phase);
    if (skill->invents)
        ami_generator_resume(skill->generator[character], &m->env, settle_s);
    ami_member_refresh(m);
    memcpy(m->reference_before, m->env.reference_state.pose, sizeof m->reference_before);
    return true;
}

/* Changes the reference to the requested skill's motion; the body's state does not change. Characters that
 * get up enter it afterwards. */
static void change(ami_session *s, const double *phase)
{
    const ami_skill *skill = s->known[s->requested];
    if (ami_skill_loops(s->known[s->skill]))
        s->before_skill = s->skill;
    s->skill = s->requested;
    s->style_skill = skill->invents ? s->skill : s->style_skill;
    s->requested = -1;
    s->entered = true;
    for (int i = 0; i < s->def.characters; i++) {
        member *m = &s->member[i];
        double nearest;
        if (m->facts.stage != AMI_UP)
            continue;
        ami_skill_entries(ami_skill_clip(skill, i), &m->env.state, 1, &nearest);
        enter_at(s, m, i, skill, phase && i < TRIED ? phase[i] : ami_skill_loops(skill) ? nearest : 0);
        ami_member_refresh(m);
        memcpy(m->reference_before, m->env.reference_state.pose, sizeof m->reference_before);
    }
    ami_history_keep(s);
}

void ami_enter_if_good(ami_session *s)
{
    if (s->requested < 0 || (s->step - s->requested_since) % RETRY)
        return;
    double phase[TRIED] = {0};
    bool all_up = true;
    for (int i = 0; i < s->def.characters && i < TRIED; i++) {
        bool up;
        if (s->member[i].facts.stage != AMI_UP)
            continue;
        phase[i] = best_phase(s, i, s->known[s->requested], &up);
        all_up = all_up && up;
    }
    if (all_up || (double)(s->step - s->requested_since) * s->dt >= patience_s)
        change(s, phase);
}

void ami_enter(ami_session *s, int number)
{
    if (number < 0 || number >= s->skills || !s->known[number])
        return;
    s->requested = number;
    s->requested_since = s->step;
    ami_enter_if_good(s);
}
