/* Invented motions in a session: steps every member's generator as a rollout does, and applies commands to
 * it. */
#include "session/internal.h"

#include <math.h>
#include <string.h>

/* The skill whose generators commands apply to: the last one that invented motions, also while another skill
 * is active. NULL: none. */
static ami_skill *style_skill(const ami_session *s)
{
    ami_skill *skill = s->style_skill >= 0 ? s->known[s->style_skill] : NULL;
    return skill && skill->invents ? skill : NULL;
}

static bool invents_now(const ami_session *s)
{
    return s->known[s->skill]->invents;
}

static ami_cycle_workspace *workspace_of(const ami_skill *skill, int character)
{
    return skill->cycle_workspace[character / AMI_SKILL_GROUP];
}

void ami_style_step(ami_session *s, int character)
{
    const ami_skill *skill = s->known[s->skill];
    if (skill->invents)
        ami_generator_step(skill->generator[character], workspace_of(skill, character),
                           &s->member[character].env);
}

void ami_style_follow_plan(ami_session *s)
{
    const ami_skill *skill = style_skill(s);
    const ami_style_plan *plan = skill ? ami_generator_plan(skill->generator[0]) : NULL;
    if (!plan || plan->skills == 0 || s->style_requested)
        return;
    for (int i = 0; i < plan->moments; i++) {
        const ami_style_moment *due = &plan->moment[i];
        if (s->step != (int64_t)ceil(due->time / s->dt - 1e-6))
            continue;
        int number = s->style_skill;
        for (int k = 0; due->skill[0] && k < s->skills; k++)
            if (s->known[k] && !s->known[k]->invents && !strcmp(s->known[k]->name, due->skill))
                number = k;
        if (number != s->skill || s->requested >= 0)
            ami_enter(s, number, 0);
    }
}

/* Restarts the generator from its initial state, with the requested style if a command has chosen one. */
void ami_style_restart(ami_session *s, int character)
{
    const ami_skill *skill = style_skill(s);
    if (!skill)
        return;
    ami_generator *generator = skill->generator[character];
    ami_env *env = &s->member[character].env;
    const ami_latent requested = *ami_generator_requested(generator);
    /* Cannot fail: the state was made with the same networks. */
    (void)ami_generator_load(generator, workspace_of(skill, character),
                             skill->initial + (size_t)character * ami_generator_save_size(generator), env,
                             NULL);
    if (s->style_requested)
        ami_generator_start_with(generator, workspace_of(skill, character), env, &requested);
}

void ami_style_choose(ami_session *s, const ami_command *command)
{
    const int number = (int)fmin(fmax(command->value, -1), s->skills);
    if (number < 0 || number >= s->skills || !s->known[number] || !s->known[number]->invents)
        return;
    s->style_skill = number;
    s->style_requested = true;
    for (int i = 0; i < s->def.characters; i++) {
        if (command->character >= 0 && command->character != i)
            continue;
        ami_generator *generator = s->known[number]->generator[i];
        s->member[i].facts.brakes = false;
        if (command->kind == AMI_DO_DRAW)
            ami_generator_request_drawn(generator, &s->member[i].env);
        else
            ami_generator_request(generator, &s->member[i].env, &command->latent);
    }
    if (number != s->skill)
        ami_enter(s, number, 0);
    else
        s->requested = -1;
    ami_history_keep(s);
}

void ami_style_brake(ami_session *s, int character)
{
    member *m = &s->member[character];
    const ami_skill *skill = s->known[s->skill];
    if (skill->invents && !m->facts.brakes)
        m->facts.brakes = ami_generator_brake(skill->generator[character], &m->env, &m->facts.fast);
}

void ami_style_end_brake(ami_session *s, int character, double after_s)
{
    member *m = &s->member[character];
    const ami_skill *skill = style_skill(s);
    if (skill && m->facts.brakes)
        ami_generator_end_brake(skill->generator[character], &m->env, &m->facts.fast, after_s);
    m->facts.brakes = false;
}

void ami_style_pace(ami_session *s, double pace)
{
    const ami_skill *skill = style_skill(s);
    for (int i = 0; skill && i < s->def.characters; i++)
        ami_generator_set_pace(skill->generator[i], pace);
}

void ami_style_speed(ami_session *s, double speed)
{
    const ami_skill *skill = style_skill(s);
    s->newest = s->step;
    for (int i = 0; skill && i < s->def.characters; i++)
        ami_generator_set_speed(skill->generator[i], speed);
}

void ami_style_gain(ami_session *s, double gain)
{
    const ami_skill *skill = style_skill(s);
    s->newest = s->step;
    for (int i = 0; skill && i < s->def.characters; i++)
        ami_generator_set_phase_gain(skill->generator[i], gain);
}

void ami_style_release_heading(ami_session *s)
{
    const ami_skill *skill = style_skill(s);
    for (int i = 0; skill && i < s->def.characters; i++)
        ami_generator_release_heading(skill->generator[i]);
}

void ami_style_measure(ami_session *s)
{
    const ami_skill *skill = s->known[s->skill];
    s->body_phase = (ami_phase){.amplitude = -1};
    if (skill->invents &&
        !ami_generator_body_phase(skill->generator[s->follow], workspace_of(skill, s->follow),
                                  &s->member[s->follow].env, &s->body_phase))
        s->body_phase = (ami_phase){.amplitude = -1};
}

void ami_style_look(const ami_session *s, ami_snapshot *out)
{
    out->invents = invents_now(s);
    out->body_phase = s->body_phase;
    if (!out->invents)
        return;
    const ami_generator *generator = s->known[s->skill]->generator[s->follow];
    out->latent = *ami_generator_requested(generator);
    out->pace = ami_generator_rate(generator);
    out->style_phase = ami_generator_phase(generator, &s->member[s->follow].env);
    out->phase_gain = ami_generator_phase_gain(generator);
}

void ami_style_hand_over(ami_skill *from, ami_skill *to)
{
    if (!from || !from->invents || !to->invents)
        return;
    ami_generator **generator = from->generator;
    char *initial = from->initial;
    from->generator = to->generator;
    from->initial = to->initial;
    to->generator = generator;
    to->initial = initial;
}

void ami_style_save(const ami_session *s, int character, void *data)
{
    const ami_skill *skill = style_skill(s);
    if (skill)
        ami_generator_save(skill->generator[character], data);
}

void ami_style_load(ami_session *s, int character, const void *data)
{
    const ami_skill *skill = style_skill(s);
    if (skill) /* cannot fail, either */
        (void)ami_generator_load(skill->generator[character], workspace_of(skill, character), data,
                                 &s->member[character].env, NULL);
}
