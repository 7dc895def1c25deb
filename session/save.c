/* Saves a session's state as bytes and loads it. */
#include "session/internal.h"

#include <math.h>
#include <string.h>

/* The state without the members. Plain data. */
typedef struct saved_session {
    int64_t step, jumps, pushes, endings, requested_since, push_step;
    int32_t characters, skills, skill, before_skill, style_skill, requested, follow, push_character;
    int32_t style_requested, entered, pulling, pulled_character, pulled_body, cycles;
    double left, turn_rate, heading, pace, velocity[2], pull[6], pull_from[3], push[3];
} saved_session;

/* A member's state without its environment and its generators. */
typedef struct saved_member {
    member_facts facts;
    ami_reward reward;
    int64_t falls, lifts, restarts, jumped, rises, stood;
    double before[AMI_POSE], reference_before[AMI_POSE], frozen[AMI_MEMBER_STATE];
} saved_member;

static size_t aligned(size_t bytes)
{
    return (bytes + 7) & ~(size_t)7;
}

static bool invents(const ami_session *s, int skill)
{
    return s->known[skill] && s->known[skill]->invents;
}

static size_t generators_size(const ami_session *s)
{
    size_t size = 0;
    for (int k = 0; k < s->skills; k++)
        size += invents(s, k) ? aligned(ami_generator_save_size(NULL)) : 0;
    return size;
}

static size_t member_size(const ami_session *s)
{
    return aligned(sizeof(saved_member)) + aligned(ami_env_save_size(&s->member[0].env)) + generators_size(s);
}

size_t ami_session_save_size(const ami_session *session)
{
    return aligned(sizeof(saved_session)) + (size_t)session->def.characters * member_size(session);
}

static char *save_member(const ami_session *s, int character, char *to)
{
    const member *m = &s->member[character];
    saved_member saved;
    memset(&saved, 0, sizeof saved); /* padding too: equal sessions save equal bytes */
    saved.facts.up_since = m->facts.up_since;
    saved.facts.down_since = m->facts.down_since;
    saved.facts.fell = m->facts.fell;
    saved.facts.reward_total = m->facts.reward_total;
    saved.facts.brakes = m->facts.brakes;
    if (m->facts.brakes)
        saved.facts.fast = m->facts.fast;
    saved.facts.stage = m->facts.stage;
    saved.facts.face = m->facts.face;
    saved.facts.stage_since = m->facts.stage_since;
    saved.reward = m->reward;
    saved.falls = m->falls;
    saved.lifts = m->lifts;
    saved.restarts = m->restarts;
    saved.jumped = m->jumped;
    saved.rises = m->rises;
    saved.stood = m->stood;
    memcpy(saved.before, m->before, sizeof saved.before);
    memcpy(saved.reference_before, m->reference_before, sizeof saved.reference_before);
    if (m->facts.fell)
        memcpy(saved.frozen, m->frozen, sizeof saved.frozen);
    memcpy(to, &saved, sizeof saved);
    to += aligned(sizeof saved);
    ami_env_save(&m->env, to);
    to += aligned(ami_env_save_size(&m->env));
    for (int k = 0; k < s->skills; k++)
        if (invents(s, k)) {
            ami_generator_save(s->known[k]->generator[character], to);
            to += aligned(ami_generator_save_size(NULL));
        }
    return to;
}

void ami_session_save(const ami_session *session, void *data)
{
    memset(data, 0, ami_session_save_size(session));
    saved_session saved;
    memset(&saved, 0, sizeof saved);
    saved.step = session->step;
    saved.jumps = session->jumps;
    saved.pushes = session->pushes;
    saved.endings = session->endings;
    saved.requested_since = session->requested_since;
    saved.push_step = session->push_step;
    saved.characters = session->def.characters;
    saved.skills = session->skills;
    saved.skill = session->skill;
    saved.before_skill = session->before_skill;
    saved.style_skill = session->style_skill;
    saved.requested = session->requested;
    saved.follow = session->follow;
    saved.push_character = session->push_character;
    saved.style_requested = session->style_requested;
    saved.entered = session->entered;
    saved.cycles = session->cycles;
    saved.left = session->left;
    saved.turn_rate = session->turn_rate;
    saved.heading = session->heading;
    saved.pace = session->pace;
    memcpy(saved.velocity, session->velocity, sizeof saved.velocity);
    saved.pulling = session->pull.kind == AMI_DO_PULL;
    if (saved.pulling) {
        saved.pulled_character = session->pull.character;
        saved.pulled_body = session->pull.body;
        memcpy(saved.pull, session->pull.v, sizeof saved.pull);
        memcpy(saved.pull_from, session->pull_from, sizeof saved.pull_from);
    }
    memcpy(saved.push, session->push, sizeof saved.push);
    memcpy(data, &saved, sizeof saved);
    char *to = (char *)data + aligned(sizeof saved);
    for (int i = 0; i < session->def.characters; i++)
        to = save_member(session, i, to);
}

static bool within(int32_t x, int32_t begin, int32_t end)
{
    return x >= begin && x < end;
}

/* Whether the state is valid for this session. */
static bool fits(const ami_session *s, const saved_session *saved)
{
    return saved->characters == s->def.characters && saved->skills == s->skills &&
           within(saved->skill, 0, s->skills) && within(saved->before_skill, 0, s->skills) &&
           within(saved->style_skill, -1, s->skills) && within(saved->requested, -1, s->skills) &&
           (saved->style_skill < 0 || invents(s, saved->style_skill)) &&
           within(saved->follow, 0, s->def.characters) &&
           within(saved->push_character, 0, s->def.characters) &&
           within(saved->pulled_character, 0, s->def.characters) &&
           within(saved->pulled_body, 0, AMI_BODIES) && saved->step >= 0 && saved->cycles >= 0 &&
           !isnan(saved->left) && saved->requested_since <= saved->step && saved->push_step <= saved->step;
}

/* Whether the members' stages of getting up are possible here. */
static bool stages_fit(const ami_session *s, const char *data)
{
    for (int i = 0; i < s->def.characters; i++) {
        saved_member saved;
        memcpy(&saved, data + aligned(sizeof(saved_session)) + (size_t)i * member_size(s), sizeof saved);
        const member_facts *f = &saved.facts;
        if (!within(f->stage, AMI_UP, (ami_recovers(s) ? AMI_STANDING : AMI_UP) + 1) ||
            !within(f->face, 0, AMI_FACES) || (f->stage != AMI_UP && f->down_since < 0))
            return false;
    }
    return true;
}

static bool load_member(ami_session *s, int character, const char **from, ami_error *err)
{
    member *m = &s->member[character];
    saved_member saved;
    memcpy(&saved, *from, sizeof saved);
    const char *env = *from + aligned(sizeof saved);
    *from = env + aligned(ami_env_save_size(&m->env));
    for (int k = 0; k < s->skills; k++) {
        if (!invents(s, k))
            continue;
        ami_skill *skill = s->known[k];
        if (!ami_generator_load(skill->generator[character],
                                skill->cycle_workspace[character / AMI_SKILL_GROUP], *from, &m->env, err))
            return false;
        *from += aligned(ami_generator_save_size(NULL));
    }
    m->facts = saved.facts;
    ami_member_use(s, m, character, ami_member_skill(s, m));
    ami_env_load(&m->env, env);
    m->reward = saved.reward;
    m->falls = saved.falls;
    m->lifts = saved.lifts;
    m->restarts = saved.restarts;
    m->jumped = saved.jumped != 0;
    m->rises = saved.rises;
    m->stood = saved.stood;
    memcpy(m->before, saved.before, sizeof saved.before);
    memcpy(m->reference_before, saved.reference_before, sizeof saved.reference_before);
    memcpy(m->frozen, saved.frozen, sizeof saved.frozen);
    return true;
}

bool ami_session_load(ami_session *session, const void *data, ami_error *err)
{
    saved_session saved;
    memcpy(&saved, data, sizeof saved);
    if (!fits(session, &saved) || !stages_fit(session, data))
        return ami_fail(err, "the state is not valid for a session of %d characters with these skills",
                        session->def.characters);
    session->step = saved.step;
    session->jumps = saved.jumps;
    session->pushes = saved.pushes;
    session->endings = saved.endings;
    session->requested_since = saved.requested_since;
    session->push_step = saved.push_step;
    session->skill = saved.skill;
    session->before_skill = saved.before_skill;
    session->style_skill = saved.style_skill;
    session->requested = saved.requested;
    session->follow = saved.follow;
    session->push_character = saved.push_character;
    session->style_requested = saved.style_requested != 0;
    session->entered = saved.entered != 0;
    session->cycles = saved.cycles;
    session->left = saved.left;
    session->turn_rate = saved.turn_rate;
    session->heading = saved.heading;
    session->pace = saved.pace;
    memcpy(session->velocity, saved.velocity, sizeof saved.velocity);
    session->pull = (ami_command){.kind = saved.pulling ? AMI_DO_PULL : AMI_DO_NOTHING,
                                  .character = saved.pulled_character,
                                  .body = saved.pulled_body};
    memcpy(session->pull.v, saved.pull, sizeof saved.pull);
    memcpy(session->pull_from, saved.pull_from, sizeof saved.pull_from);
    memcpy(session->push, saved.push, sizeof saved.push);
    const char *from = (const char *)data + aligned(sizeof saved);
    for (int i = 0; i < session->def.characters; i++)
        if (!load_member(session, i, &from, err))
            return false;
    ami_measure(session);
    ami_history_forget(session);
    return true;
}
