/* Changes from one skill to another. Actors are trained only on their own motion, not on transitions to it, so
 * the phase at which to start is found out before: a few phases are candidates, and from the current state each is
 * simulated for the next 2.4 s. If the body falls in all of them, it continues its motion, in which a better moment
 * comes, and the search goes on in later steps.
 *
 * Candidates are the phases with the nearest poses, or those of the highest value under the new skill's critic. A
 * motion that is done once is entered near its beginning. All candidates are simulated in one step and the one that
 * tracks best is chosen; or, to keep every step short, a few in each step, and the first without a fall is chosen
 * (ami_session_def.entry_per_step). docs/how-it-works.md compares them.
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
static const double horizon_s = 2.4, patience_s = 3; /* after patience_s it changes in spite of falls */
static const double tail_s = .3; /* the simulation's end, in which it follows the motion if … */
static const double follows_loop = .65, follows_end = .6; /* … the mean reward is at least this much */
static const double begin_until = .25; /* last phase at which a motion that is done once may be entered */
static const double counted_from = .4; /* a cycle entered later is not counted */
static const double leave_s =
    .35; /* before its end a motion that is done once, but is a cycle, may be left */
/* s: a body that got up follows its last invented motion for so long before the transition to another style
 * begins. Of 200 that were asked for another style while they lay, 13 fell again when it began at once, 4 after
 * 1 s, none after 2 s. */
static const double settle_s = 2;
static const double resume_s = 1; /* the same after a skill for which it had slowed down */

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
 * rewards; *up: it does not fall, and follows the motion at the end. */
static double simulate_ahead(ami_session *s, int character, ami_skill *skill, double phase, bool *up)
{
    const double end_s = ami_skill_loops(skill) ? horizon_s : (1 - phase) * ami_clip_duration(skill->clip);
    const int steps = (int)ceil(fmin(horizon_s, end_s) / s->dt), tail = (int)fmax(1, tail_s / s->dt);
    double sum = 0, last = 0;
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
        last += k >= steps - tail ? reward.total / tail : 0;
    }
    *up = *up && last >= (ami_skill_loops(skill) ? follows_loop : follows_end);
    return sum;
}

/* Sorts the candidates by the critic's value of the character's state at them, the highest first. The state is in
 * s->scratch. */
static void sort_by_value(ami_session *s, int character, ami_skill *skill, int n, double *phases)
{
    double value[AMI_SKILL_PHASES];
    member *m = &s->trial;
    m->env.def = s->member[character].env.def;
    ami_env_load(&m->env, s->scratch);
    for (int i = 0; i < n; i++) {
        const double phase = phases[i];
        enter_at(s, m, character, skill, phase);
        const double own = ami_skill_value(skill, &m->env);
        int k = i;
        for (; k > 0 && value[k - 1] < own; k--) {
            value[k] = value[k - 1];
            phases[k] = phases[k - 1];
        }
        value[k] = own;
        phases[k] = phase;
    }
}

/* The phases to try, the most promising first; writes at most def.entry_tries of them, one at least. */
static int candidates(ami_session *s, int character, ami_skill *skill, double *phases)
{
    const member *m = &s->member[character];
    const int tries = s->def.entry_tries < AMI_SKILL_PHASES ? s->def.entry_tries : AMI_SKILL_PHASES;
    const bool by_value = s->def.entry_by_value && skill->critic && tries > 0;
    const int n = ami_skill_entries(ami_skill_clip(skill, character), &m->env.state,
                                    ami_skill_loops(skill) ? 1 : begin_until,
                                    by_value    ? AMI_SKILL_PHASES
                                    : tries > 0 ? tries
                                                : 1,
                                    phases);
    if (!by_value)
        return n;
    ami_env_save(&m->env, s->scratch);
    sort_by_value(s, character, skill, n, phases);
    return n < tries ? n : tries;
}

/* Whether the character enters a skill without simulating ahead. */
static bool enters_at_once(const ami_session *s, int character, const ami_skill *skill)
{
    return s->def.entry_tries <= 0 || s->def.characters > TRIED ||
           s->member[character].facts.down_since >= 0 || (skill->invents && !s->def.styles_tried);
}

/* The best of the candidates of this attempt; *up: its simulation ends without a fall. Attempts count from 0 and
 * go through all candidates again and again. */
static double best_phase(ami_session *s, int character, ami_skill *skill, int64_t attempt, bool *up)
{
    double phases[AMI_SKILL_PHASES], best = -1, chosen;
    const int n = candidates(s, character, skill, phases);
    *up = true;
    chosen = phases[0];
    if (enters_at_once(s, character, skill))
        return chosen;
    *up = false;
    ami_env_save(&s->member[character].env, s->scratch);
    const int each = s->def.entry_per_step > 0 && s->def.entry_per_step < n ? s->def.entry_per_step : n;
    for (int i = 0; i < each; i++) {
        bool stays;
        const double phase = phases[(attempt * each + i) % n];
        const double score = simulate_ahead(s, character, skill, phase, &stays) + (stays ? 1000 : 0);
        if (score > best) {
            best = score;
            chosen = phase;
            *up = stays;
        }
    }
    return chosen;
}

bool ami_enter_alone(ami_session *s, int character, int attempt, bool anyway)
{
    member *m = &s->member[character];
    ami_skill *skill = s->known[s->skill];
    double phases[AMI_SKILL_PHASES];
    bool up = true;
    const int n = candidates(s, character, skill, phases), chosen = anyway ? 0 : attempt % n;
    if (s->def.entry_tries > 0) {
        ami_env_save(&m->env, s->scratch);
        (void)simulate_ahead(s, character, skill, phases[chosen], &up);
    }
    if (!up && !anyway)
        return false;
    enter_at(s, m, character, skill, phases[chosen]);
    if (skill->invents)
        ami_generator_resume(skill->generator[character], &m->env, settle_s);
    ami_member_refresh(m);
    memcpy(m->reference_before, m->env.reference_state.pose, sizeof m->reference_before);
    return true;
}

/* s until the motion ends that begins at this phase of the clip; the cycle in which it is entered counts if most of
 * it is played. Infinite if it does not end. */
static double time_to_end(const ami_session *s, const ami_skill *skill, double phase)
{
    if (skill->invents || (s->cycles == 0 && ami_skill_loops(skill)))
        return INFINITY;
    const int more = s->cycles > 0 ? s->cycles : 1;
    return ami_clip_duration(skill->clip) * (more - phase + (phase > counted_from ? 1 : 0));
}

/* Changes the reference to the requested skill's motion; the body's state does not change. Characters that
 * get up enter it afterwards. */
static void change(ami_session *s, const double *phase)
{
    const ami_skill *skill = s->known[s->requested];
    if (!isfinite(s->left)) /* else the motion before this one stays the one to return to */
        s->before_skill = s->skill;
    s->skill = s->requested;
    s->style_skill = skill->invents ? s->skill : s->style_skill;
    s->requested = -1;
    s->entered = true;
    s->left = time_to_end(s, skill, 0); /* unless the followed character enters it elsewhere */
    for (int i = 0; i < s->def.characters; i++) {
        member *m = &s->member[i];
        double nearest;
        if (m->facts.stage != AMI_UP)
            continue;
        (void)ami_skill_entries(ami_skill_clip(skill, i), &m->env.state,
                                ami_skill_loops(skill) ? 1 : begin_until, 1, &nearest);
        const double at = phase && i < TRIED ? phase[i] : nearest;
        enter_at(s, m, i, skill, at);
        if (skill->invents && m->facts.brakes)
            ami_style_end_brake(s, i, resume_s);
        if (i == s->follow)
            s->left = time_to_end(s, skill, at);
        ami_member_refresh(m);
        memcpy(m->reference_before, m->env.reference_state.pose, sizeof m->reference_before);
    }
    s->cycles = 0;
    ami_history_keep(s);
}

void ami_enter_if_good(ami_session *s)
{
    const int64_t since = s->step - s->requested_since, every = s->def.entry_per_step > 0 ? 1 : RETRY;
    if (s->requested < 0 || since % every)
        return;
    double phase[TRIED] = {0};
    bool all_up = true;
    for (int i = 0; i < s->def.characters && i < TRIED; i++) {
        bool up;
        if (s->member[i].facts.stage != AMI_UP)
            continue;
        phase[i] = best_phase(s, i, s->known[s->requested], since / every, &up);
        all_up = all_up && up;
    }
    if (all_up || (double)since * s->dt >= patience_s)
        change(s, phase);
    else
        for (int i = 0; i < s->def.characters && i < TRIED; i++)
            ami_style_brake(s, i);
}

void ami_enter(ami_session *s, int number, int cycles)
{
    if (number < 0 || number >= s->skills || !s->known[number])
        return;
    s->requested = number;
    s->cycles = cycles;
    s->requested_since = s->step;
    ami_enter_if_good(s);
}

/* What follows the current motion, which ends. */
static int next_skill(const ami_session *s)
{
    const char *then = s->known[s->skill]->then;
    for (int i = 0; *then && i < s->skills; i++)
        if (s->known[i] && !strcmp(s->known[i]->name, then))
            return i;
    return s->before_skill;
}

void ami_end_motion(ami_session *s)
{
    const ami_skill *skill = s->known[s->skill];
    const int next = next_skill(s);
    if (!isfinite(s->left) || next == s->skill)
        return;
    const member *m = &s->member[s->follow];
    for (int i = 0; i < s->def.characters && m->facts.stage != AMI_UP; i++)
        m = &s->member[i]; /* the first that does not get up; if all do, nobody does the motion any more */
    if (m->facts.stage == AMI_UP && m->facts.down_since < 0 && !s->entered)
        s->left -= s->dt * s->pace;
    if (s->requested >= 0)
        return;
    if (m->facts.stage != AMI_UP || s->left <= (ami_clip_loops(skill->clip) ? leave_s : 1e-9)) {
        s->endings++;
        ami_enter(s, next, 0);
    }
}
