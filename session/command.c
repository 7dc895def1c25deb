/* Applies commands to a session between two steps. */
#include "session/internal.h"

#include "base/assert.h"
#include "motion/rotation.h"

#include <math.h>
#include <string.h>

void ami_member_use(ami_session *s, member *m, int character, const ami_skill *skill)
{
    const ami_env_def def = ami_member_def(s, skill, character);
    m->env.def = def;
    m->env.reference.clip = def.clip;
}

/* Restarts the motion at the body's position, with the reference's heading and phase. Draws no random
 * numbers. */
void ami_member_reset_here(ami_session *s, member *m)
{
    ami_env *env = &m->env;
    if (m->facts.stage != AMI_UP) {
        ami_recover_end(s, (int)(m - s->member));
        env->reference.heading = ami_quat_heading(env->state.pose + 3);
    }
    const ami_env_def own = env->def;
    const int step = env->step;
    const ami_skill *skill = s->known[s->skill];
    env->def.start_phase = ami_skill_loops(skill) ? fmin(ami_reference_phase(&env->reference), .999) : 0;
    if (!ami_skill_loops(skill) && (int)(m - s->member) == s->follow)
        s->left = ami_clip_duration(skill->clip);
    env->def.start_heading = env->reference.heading;
    env->def.start_at[0] = isfinite(env->state.pose[0]) ? env->state.pose[0] : 0;
    env->def.start_at[1] = isfinite(env->state.pose[1]) ? env->state.pose[1] : 0;
    env->def.push_random = false;
    const double next_push = env->next_push;
    if (skill->invents) /* at the currently requested rate */
        ami_generator_use(skill->generator[m - s->member], &env->def);
    ami_env_reset(env);
    env->def = own;
    env->step = step;
    env->next_push = next_push;
    env->reference.turn_rate = s->turn_rate;
    m->facts.up_since = s->step;
    m->facts.down_since = -1;
    m->jumped = true;
}

static void reset(ami_session *s, int character)
{
    for (int i = 0; i < s->def.characters; i++)
        if (character < 0 || character == i)
            ami_member_reset_here(s, &s->member[i]);
    s->jumps++;
    ami_history_keep(s);
}

static void restart(ami_session *s)
{
    s->step = 0;
    s->pace = 1;
    s->requested = -1;
    s->left =
        ami_skill_loops(s->known[s->skill]) ? (double)INFINITY : ami_clip_duration(s->known[s->skill]->clip);
    s->push_step = -1;
    s->pull.kind = AMI_DO_NOTHING;
    s->velocity[0] = s->velocity[1] = 0;
    for (int i = 0; i < s->def.characters; i++) {
        member *m = &s->member[i];
        ami_style_restart(s, i);
        ami_member_use(s, m, i, s->known[s->skill]);
        m->env.rng = ami_rng_seed(m->env.def.seed, m->env.def.stream);
        ami_env_reset(&m->env);
        m->env.reference.turn_rate = s->turn_rate;
        ami_member_start(s, m);
    }
    ami_measure(s);
    s->jumps++;
    ami_history_forget(s);
}

/* Replaces a skill. If the motion is the same (a newer checkpoint of a training), it continues without a
 * transition; else the new skill is entered. */
static void replace_skill(ami_session *s, int number, ami_skill *skill)
{
    if (number < 0 || number >= AMI_SKILLS || !skill)
        return;
    const bool in_use = number == s->skill;
    s->requested = number == s->requested ? -1 : s->requested;
    const ami_skill *old = s->known[number];
    const bool same =
        in_use && (skill->invents || old->invents
                       ? skill->invents && old->invents
                       : fabs(ami_clip_duration(skill->clip) - ami_clip_duration(old->clip)) < 1e-9);
    ami_style_hand_over(s->known[number], skill);
    s->known[number] = skill;
    if (number >= s->skills)
        s->skills = number + 1;
    if (!in_use)
        return;
    if (same) {
        for (int i = 0; i < s->def.characters; i++)
            if (s->member[i].facts.stage == AMI_UP)
                ami_member_use(s, &s->member[i], i, skill);
    } else {
        ami_enter(s, number, 0);
    }
}

static void push(ami_session *s, int character, const double v[3])
{
    if (character < 0 || character >= s->def.characters)
        return;
    member *m = &s->member[character];
    ami_world_push(&m->env.world, v);
    ami_world_state(&m->env.world, &m->env.state); /* for the next observation */
    s->push_step = s->step;
    s->push_character = character;
    mju_copy3(s->push, v);
    s->pushes++;
    ami_history_keep(s);
}

static void turn(ami_session *s, double rate)
{
    s->newest = s->step;
    s->turn_rate = s->def.env.turn_rate + rate;
    s->heading = (double)NAN;
    ami_style_release_heading(s);
    for (int i = 0; i < s->def.characters; i++)
        if (s->member[i].facts.stage == AMI_UP)
            s->member[i].env.reference.turn_rate = s->turn_rate;
}

static void turn_to(ami_session *s, double heading)
{
    if (isnan(heading)) {
        turn(s, s->turn_rate - s->def.env.turn_rate);
        return;
    }
    s->newest = s->step;
    s->heading = isfinite(heading) ? heading : 0;
    ami_style_release_heading(s);
}

/* Converts a command's value to int. */
static int whole(double value)
{
    return (int)fmin(fmax(value, -1e9), 1e9);
}

/* Moves within the history, or simulates one step. Returns the number of remaining steps. */
static int step_by(ami_session *s, int steps)
{
    if (steps < 0 || s->step < s->newest) { /* recorded steps are not simulated again */
        s->pull.kind = AMI_DO_NOTHING;
        const int64_t to = s->step + steps < s->newest ? s->step + steps : s->newest;
        steps -= (int)(to - s->step);
        ami_history_go(s, to);
        return steps;
    }
    return steps > 0 && ami_session_step(s) ? steps - 1 : 0;
}

bool ami_session_apply_part(ami_session *session, ami_command *command)
{
    AMI_ASSERT(session && command);
    if (command->kind != AMI_DO_STEP) {
        ami_session_apply(session, command);
        return false;
    }
    const int left = step_by(session, whole(command->value));
    command->value = left;
    session->commands += left == 0;
    return left != 0;
}

/* Goes on with the invented motion instead of changing to the requested skill. */
static void cancel_request(ami_session *s)
{
    s->requested = -1;
    for (int i = 0; i < s->def.characters; i++)
        if (s->member[i].facts.brakes)
            ami_style_end_brake(s, i, 0);
}

static void step_all(ami_session *s, const ami_command *c)
{
    ami_command rest = *c;
    while (ami_session_apply_part(s, &rest)) {
    }
}

void ami_session_apply(ami_session *session, const ami_command *command)
{
    AMI_ASSERT(session && command);
    session->commands += command->kind != AMI_DO_STEP; /* counted in ami_session_apply_part */
    switch (command->kind) {
    case AMI_DO_STEP:
        step_all(session, command);
        break;
    case AMI_DO_RESTART:
        restart(session);
        break;
    case AMI_DO_RESET:
        reset(session, command->character);
        break;
    case AMI_DO_PUSH:
        push(session, command->character, command->v);
        break;
    case AMI_DO_PULL:
        if (command->character >= 0 && command->character < session->def.characters && command->body >= 0 &&
            command->body < AMI_BODIES)
            session->pull = *command;
        break;
    case AMI_DO_RELEASE:
        session->pull.kind = AMI_DO_NOTHING;
        break;
    case AMI_DO_TURN:
        turn(session, command->value);
        break;
    case AMI_DO_HEADING:
        turn_to(session, command->value);
        break;
    case AMI_DO_PACE:
        session->newest = session->step;
        session->pace = fmin(fmax(command->value, AMI_PACE_MIN),
                             session->known[session->skill]->invents ? AMI_PACE_MAX : AMI_PACE_MAX_CLIP);
        ami_style_pace(session, session->pace);
        break;
    case AMI_DO_GROUND_SPEED:
        ami_style_speed(session, command->value);
        break;
    case AMI_DO_PHASE_GAIN:
        ami_style_gain(session, command->value);
        break;
    case AMI_DO_STYLE:
    case AMI_DO_DRAW:
        ami_style_choose(session, command);
        break;
    case AMI_DO_SKILL:
        if (whole(command->value) == session->skill && session->known[session->skill]->invents)
            cancel_request(session); /* already active */
        else
            ami_enter(session, whole(command->value), command->cycles > 0 ? command->cycles : 0);
        break;
    case AMI_DO_REPLACE:
        replace_skill(session, whole(command->value), command->skill);
        break;
    case AMI_DO_FOLLOW:
        if (command->character >= 0 && command->character < session->def.characters) {
            session->follow = command->character;
            ami_measure(session);
            session->velocity[0] = session->member[session->follow].env.state.vel[0];
            session->velocity[1] = session->member[session->follow].env.state.vel[1];
        }
        break;
    case AMI_DO_NOTHING:
    case AMI_DO_PAUSE:
    case AMI_DO_SPEED:
        break;
    }
}
