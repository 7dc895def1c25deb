/* Invented motions in a session: every member's generator, stepped as a rollout steps it, and what one may
 * want of it. */
#include "session/internal.h"

#include <math.h>
#include <string.h>

/* The skill whose generators there are to speak to: the present one, or the one that was left for another and
 * may come back. */
static amb_skill *inventor(const amb_session *s)
{
    amb_skill *skill = s->style_skill >= 0 ? s->known[s->style_skill] : NULL;
    return skill && skill->invents ? skill : NULL;
}

static bool invents_now(const amb_session *s)
{
    return s->known[s->skill]->invents;
}

static amb_cycle_room *room_of(const amb_skill *skill, int character)
{
    return skill->room[character / AMB_SKILL_GROUP];
}

void amb_style_step(amb_session *s, int character)
{
    const amb_skill *skill = s->known[s->skill];
    if (skill->invents)
        amb_generator_step(skill->generator[character], room_of(skill, character), &s->member[character].env);
}

/* As it was at the beginning, or, once somebody has chosen a style, with that one. */
void amb_style_restart(amb_session *s, int character)
{
    const amb_skill *skill = inventor(s);
    if (!skill)
        return;
    amb_generator *generator = skill->generator[character];
    amb_env *env = &s->member[character].env;
    const amb_latent wanted = *amb_generator_wanted(generator);
    /* These are the networks that the state was made with, so it cannot be refused. */
    (void)amb_generator_load(generator, room_of(skill, character),
                             skill->initial + (size_t)character * amb_generator_save_size(generator), env,
                             NULL);
    if (s->wished)
        amb_generator_start_with(generator, room_of(skill, character), env, &wanted);
}

void amb_style_choose(amb_session *s, const amb_command *c)
{
    const int number = (int)fmin(fmax(c->value, -1), s->skills);
    if (number < 0 || number >= s->skills || !s->known[number] || !s->known[number]->invents)
        return;
    s->style_skill = number;
    s->wished = true;
    for (int i = 0; i < s->def.characters; i++) {
        if (c->character >= 0 && c->character != i)
            continue;
        amb_generator *generator = s->known[number]->generator[i];
        if (c->kind == AMB_DO_DRAW)
            amb_generator_want_drawn(generator, &s->member[i].env);
        else
            amb_generator_want(generator, &s->member[i].env, &c->latent);
    }
    if (number != s->skill)
        amb_enter(s, number);
    else
        s->wanted = -1;
    amb_past_keep(s);
}

void amb_style_pace(amb_session *s, double pace)
{
    const amb_skill *skill = inventor(s);
    for (int i = 0; skill && i < s->def.characters; i++)
        amb_generator_set_pace(skill->generator[i], pace);
}

void amb_style_speed(amb_session *s, double speed)
{
    const amb_skill *skill = inventor(s);
    s->newest = s->step;
    for (int i = 0; skill && i < s->def.characters; i++)
        amb_generator_set_speed(skill->generator[i], speed);
}

void amb_style_gain(amb_session *s, double gain)
{
    const amb_skill *skill = inventor(s);
    s->newest = s->step;
    for (int i = 0; skill && i < s->def.characters; i++)
        amb_generator_set_phase_gain(skill->generator[i], gain);
}

void amb_style_let_go(amb_session *s)
{
    const amb_skill *skill = inventor(s);
    for (int i = 0; skill && i < s->def.characters; i++)
        amb_generator_let_go(skill->generator[i]);
}

void amb_style_measure(amb_session *s)
{
    const amb_skill *skill = s->known[s->skill];
    s->body_phase = (amb_phase){.amplitude = -1};
    if (skill->invents && !amb_generator_body_phase(skill->generator[s->follow], room_of(skill, s->follow),
                                                    &s->member[s->follow].env, &s->body_phase))
        s->body_phase = (amb_phase){.amplitude = -1};
}

void amb_style_look(const amb_session *s, amb_snapshot *out)
{
    out->invents = invents_now(s);
    out->body_phase = s->body_phase;
    if (!out->invents)
        return;
    const amb_generator *generator = s->known[s->skill]->generator[s->follow];
    out->latent = *amb_generator_wanted(generator);
    out->pace = amb_generator_rate(generator);
    out->style_phase = amb_generator_phase(generator, &s->member[s->follow].env);
    out->phase_gain = amb_generator_phase_gain(generator);
}

void amb_style_hand_over(amb_skill *from, amb_skill *to)
{
    if (!from || !from->invents || !to->invents)
        return;
    amb_generator **generator = from->generator;
    char *initial = from->initial;
    from->generator = to->generator;
    from->initial = to->initial;
    to->generator = generator;
    to->initial = initial;
}

void amb_style_save(const amb_session *s, int character, void *data)
{
    const amb_skill *skill = inventor(s);
    if (skill)
        amb_generator_save(skill->generator[character], data);
}

void amb_style_load(amb_session *s, int character, const void *data)
{
    const amb_skill *skill = inventor(s);
    if (skill) /* nor can this be refused */
        (void)amb_generator_load(skill->generator[character], room_of(skill, character), data,
                                 &s->member[character].env, NULL);
}
