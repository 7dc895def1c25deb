#include "session/internal.h"

#include "base/clock.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

amb_session_def amb_session_default_def(const amb_env_def *env, amb_skill *first, int characters)
{
    return (amb_session_def){.env = *env,
                             .skill = {first},
                             .skills = 1,
                             .characters = characters,
                             .history_s = 20,
                             .get_up_s = 1.5};
}

amb_env_def amb_member_def(const amb_session *s, const amb_skill *skill, int character)
{
    amb_env_def def = s->def.env;
    if (skill->invents)
        amb_generator_use(skill->generator[character], &def);
    else
        def.clip = skill->clip;
    def.stream = (uint64_t)character;
    def.episode_s = 1e6;
    def.may_touch = skill->may_touch;
    if (skill->has_policy)
        amb_policy_use(&skill->policy, &def);
    return def;
}

void amb_member_start(amb_session *s, member *m)
{
    m->facts = (member_facts){.up_since = s->step, .down_since = -1};
    m->reward = (amb_reward){0};
    m->jumped = true;
    memcpy(m->before, m->env.state.pose, sizeof m->before);
    memcpy(m->reference_before, m->env.reference_state.pose, sizeof m->reference_before);
}

static bool create(amb_session *s, amb_error *err)
{
    s->member = calloc((size_t)s->def.characters, sizeof *s->member);
    if (!s->member)
        return amb_fail(err, "out of memory for %d characters", s->def.characters);
    for (int i = 0; i < s->def.characters; i++) {
        const amb_env_def def = amb_member_def(s, s->known[0], i);
        if (!amb_env_init(&s->member[i].env, &def, err))
            return false;
        amb_member_start(s, &s->member[i]);
    }
    if (!amb_env_init(&s->trial.env, &s->member[0].env.def, err))
        return false;
    s->scratch = malloc(amb_env_save_size(&s->member[0].env));
    if (!s->scratch)
        return amb_fail(err, "out of memory for a session");
    s->dt = s->member[0].env.control_dt;
    s->turn_rate = s->def.env.turn_rate;
    amb_style_measure(s);
    s->value = amb_skill_value(s->known[0], &s->member[0].env);
    return amb_past_init(s, err);
}

amb_session *amb_session_create(const amb_session_def *def, amb_error *err)
{
    if (def->characters < 1 || def->characters > 1000) {
        amb_fail(err, "%d characters, expected 1 to 1000", def->characters);
        return NULL;
    }
    amb_session *s = calloc(1, sizeof *s);
    if (!s) {
        amb_fail(err, "out of memory for a session");
        return NULL;
    }
    s->def = *def;
    s->skills = def->skills;
    memcpy(s->known, def->skill, sizeof s->known);
    s->pace = 1;
    s->push_step = -1;
    s->wanted = -1;
    s->style_skill = s->known[0]->invents ? 0 : -1;
    if (create(s, err))
        return s;
    amb_session_destroy(s);
    return NULL;
}

void amb_session_destroy(amb_session *s)
{
    if (!s)
        return;
    for (int i = 0; s->member && i < s->def.characters; i++)
        amb_env_free(&s->member[i].env);
    amb_env_free(&s->trial.env);
    free(s->member);
    amb_past_free(s);
    free(s->scratch);
    free(s);
}

/* The spring of a pull: stiff enough to win against a joint, damped by the limb's effective mass, never more
 * than a strong arm. Taken at the beginning of the control step, as everything that comes from outside. */
static void apply_pull(amb_session *s, int character)
{
    member *m = &s->member[character];
    const amb_character *c = s->def.env.character;
    double *force = m->env.world.data->xfrc_applied;
    memset(force, 0, 6 * (size_t)c->model->nbody * sizeof *force);
    if (s->pull.kind != AMB_DO_PULL || s->pull.character != character)
        return;
    const int b = s->pull.body;
    const amb_state *state = &m->env.state;
    const double mass = fmin(1 / c->model->body_invweight0[2 * c->body[b]], 25), stiff = 150 * fmax(mass, 6);
    double arm[3], at[3], f[3], spin[3];
    mju_rotVecQuat(arm, s->pull.v, state->rot[b]);
    double norm2 = 0;
    for (int k = 0; k < 3; k++) {
        at[k] = state->joint[b][k] + arm[k];
        arm[k] = at[k] - state->centre[b][k];
    }
    mju_cross(spin, state->ang[b], arm);
    for (int k = 0; k < 3; k++) {
        f[k] = stiff * (s->pull.v[3 + k] - at[k]) - 12 * mass * (state->lin[b][k] + spin[k]);
        norm2 += f[k] * f[k];
    }
    const double most = 700, scale = norm2 > most * most ? most / sqrt(norm2) : 1;
    double *applied = force + 6 * (size_t)c->body[b];
    mju_scl3(applied, f, scale);
    mju_cross(applied + 3, arm, applied);
    mju_copy3(s->pull_from, at);
}

/* Runs the reference's clock faster or slower than time, by moving it a little before the step; at a cycle's
 * first frame it waits. */
static void keep_pace(const amb_session *s, member *m)
{
    if (s->pace > 1) {
        m->env.reference.turn_rate = 0; /* turning keeps real time */
        amb_reference_advance(&m->env.reference, (s->pace - 1) * s->dt, m->env.state.pose);
        m->env.reference.turn_rate = s->turn_rate;
    } else if (s->pace < 1) {
        m->env.reference.time = fmax(m->env.reference.time - (1 - s->pace) * s->dt, 0);
    }
}

static void fall(amb_session *s, member *m)
{
    if (!m->facts.fell) {
        const mjData *d = m->env.world.data;
        memcpy(m->frozen, d->qpos, (7 + AMB_ACTION) * sizeof(double));
        memcpy(m->frozen + 7 + AMB_ACTION, d->qvel, AMB_VEL * sizeof(double));
        m->facts.fell = true;
    }
    if (m->facts.down_since < 0)
        m->facts.down_since = s->step;
}

void amb_member_refresh(member *m)
{
    double pose[AMB_POSE], vel[AMB_VEL];
    amb_reference_sample(&m->env.reference, 0, pose, vel);
    amb_fk_state(&m->env.def.character->skeleton, pose, vel, &m->env.reference_state);
}

/* As a rollout treats a body that flew apart: it starts again, and the time that was asked for goes on. */
static void restart_unstable(amb_session *s, member *m)
{
    const int step = m->env.step;
    amb_env_reset(&m->env);
    m->env.step = step;
    m->env.next_push += step * m->env.control_dt;
    m->facts.up_since = s->step + 1;
    m->jumped = true;
}

static void step_member(amb_session *s, member *m, int character, const float *action)
{
    amb_env *env = &m->env;
    memcpy(m->before, env->state.pose, sizeof m->before);
    memcpy(m->reference_before, env->reference_state.pose, sizeof m->reference_before);
    m->jumped = false;
    apply_pull(s, character);
    env->physics_s = 0;
    amb_env_end end;
    if (m->facts.down_since >= 0) { /* limp: the joints only resist being moved */
        double target[AMB_POSE];
        memcpy(target, env->state.pose, sizeof target);
        end = amb_env_step_target(env, target, &m->reward);
        m->reward.total = 0;
    } else {
        if (s->pace != 1 && !s->known[s->skill]->invents)
            keep_pace(s, m);
        end = amb_env_step(env, action, &m->reward);
    }
    if (end == AMB_ENV_UNSTABLE)
        restart_unstable(s, m);
    else if (end == AMB_ENV_FELL || end == AMB_ENV_LOST)
        fall(s, m);
    if (m->facts.down_since >= 0 && s->def.get_up_s >= 0 &&
        (double)(s->step - m->facts.down_since) * s->dt >= s->def.get_up_s &&
        !(s->pull.kind == AMB_DO_PULL && s->pull.character == character))
        amb_member_reset_here(s, m);
}

static void step_group(amb_session *s, int group)
{
    const int first = group * AMB_SKILL_GROUP;
    const int count =
        s->def.characters - first < AMB_SKILL_GROUP ? s->def.characters - first : AMB_SKILL_GROUP;
    amb_controller *controller = &s->known[s->skill]->controller[group];
    amb_env *live[AMB_SKILL_GROUP];
    int n = 0, row[AMB_SKILL_GROUP];
    for (int k = 0; k < count; k++) {
        row[k] = n;
        if (s->member[first + k].facts.down_since < 0) {
            amb_style_step(s, first + k);
            live[n++] = &s->member[first + k].env;
        }
    }
    if (n)
        amb_controller_decide(controller, live, n);
    for (int k = 0; k < count; k++)
        step_member(s, &s->member[first + k], first + k,
                    controller->action + (size_t)(row[k] < n ? row[k] : 0) * AMB_ACTION);
}

/* After a motion that ends (a flip), back to the one before. */
static void return_from_single(amb_session *s)
{
    const amb_skill *skill = s->known[s->skill];
    if (s->wanted >= 0 || amb_skill_loops(skill) || s->before_skill == s->skill)
        return;
    if (s->member[s->follow].env.reference.time >= amb_clip_duration(skill->clip)) {
        amb_enter(s, s->before_skill);
    }
}

static void measure(amb_session *s, double begun)
{
    const member *m = &s->member[s->follow];
    s->value = amb_skill_value(s->known[s->skill], &m->env);
    amb_style_measure(s);
    const double keep = exp(-s->dt / .5);
    for (int k = 0; k < 2; k++)
        s->velocity[k] = keep * s->velocity[k] + (1 - keep) * m->env.state.vel[k];
    s->physics_us = 0;
    for (int i = 0; i < s->def.characters; i++)
        s->physics_us += 1e6 * s->member[i].env.physics_s;
    s->step_us = 1e6 * (amb_clock_now() - begun);
}

bool amb_session_step(amb_session *s)
{
    if (s->def.step_limit && s->step >= s->def.step_limit)
        return false;
    const double begun = amb_clock_now();
    s->entered = false;
    const int groups = (s->def.characters + AMB_SKILL_GROUP - 1) / AMB_SKILL_GROUP;
    if (groups == 1) {
        step_group(s, 0); /* no team for a few: its threads would only wake and sleep */
    } else {
#pragma omp parallel for schedule(dynamic, 1)
        for (int g = 0; g < groups; g++)
            step_group(s, g);
    }
    s->step++;
    measure(s, begun);
    amb_enter_if_good(s);
    return_from_single(s);
    amb_past_keep(s);
    return true;
}

bool amb_session_snapshot_init(amb_snapshot *snapshot, int characters, amb_error *err)
{
    *snapshot = (amb_snapshot){.characters = characters, .speed = 1, .pace = 1};
    snapshot->body = calloc((size_t)characters, sizeof *snapshot->body);
    return snapshot->body || amb_fail(err, "out of memory for %d characters", characters);
}

static void look_at_contacts(const amb_session *s, amb_snapshot *out)
{
    const amb_character *c = s->def.env.character;
    const mjData *d = s->member[s->follow].env.world.data;
    out->contacts = 0;
    for (int k = 0; !s->member[s->follow].jumped && k < d->ncon && out->contacts < AMB_VIEW_CONTACTS; k++) {
        const mjContact *contact = &d->contact[k];
        double local[6], world[3];
        mj_contactForce(c->model, d, k, local);
        mju_mulMatTVec3(world, contact->frame, local); /* the frame's rows are the contact's axes; the force
                                                          is on the second geom */
        amb_view_contact *to = &out->contact[out->contacts++];
        mju_copy3(to->at, contact->pos);
        mju_scl3(to->force, world, contact->geom[1] == c->floor_geom ? -1 : 1);
    }
}

static void look_at_members(const amb_session *s, amb_snapshot *out)
{
    for (int i = 0; i < s->def.characters; i++) {
        const member *m = &s->member[i];
        amb_view_body *to = &out->body[i];
        memcpy(to->pose, m->env.state.pose, sizeof to->pose);
        memcpy(to->before, m->jumped ? m->env.state.pose : m->before, sizeof to->before);
        to->down = m->facts.down_since >= 0;
        to->up_s = (double)((to->down ? m->facts.down_since : s->step) - m->facts.up_since) * s->dt;
    }
}

void amb_session_look(const amb_session *s, amb_snapshot *out)
{
    const member *m = &s->member[s->follow];
    out->commands_done = s->commands;
    out->step = s->step;
    out->oldest = s->oldest;
    out->newest = s->newest;
    out->dt = s->dt;
    out->jumps = s->jumps;
    out->pushes = s->pushes;
    out->finished = s->def.step_limit && s->step >= s->def.step_limit;
    out->skill = s->skill;
    out->wanted = s->wanted >= 0 ? s->wanted : s->skill;
    out->skills = s->skills;
    out->turn_rate = s->turn_rate;
    out->pace = s->pace;
    out->entered_by_skill = s->entered;
    out->follow = s->follow;
    memcpy(out->reference, m->env.reference_state.pose, sizeof out->reference);
    memcpy(out->reference_before, m->jumped ? out->reference : m->reference_before,
           sizeof out->reference_before);
    out->phase = amb_reference_phase(&m->env.reference);
    amb_style_look(s, out);
    out->reference_heading = m->env.reference.heading;
    out->reward = m->reward;
    out->value = s->value;
    out->step_us = s->step_us;
    out->physics_us = s->physics_us;
    out->ground_speed = hypot(s->velocity[0], s->velocity[1]);
    look_at_contacts(s, out);
    out->pulling = s->pull.kind == AMB_DO_PULL;
    out->pulled_character = s->pull.character;
    out->pulled_body = s->pull.body;
    mju_copy3(out->pull_from, s->pull_from);
    mju_copy3(out->pull_to, s->pull.v + 3);
    mju_copy3(out->push, s->push);
    out->pushed_ago = s->push_step < 0 ? 1e9 : (double)(s->step - s->push_step) * s->dt;
    out->pushed_character = s->push_character;
    look_at_members(s, out);
}

const char *amb_session_failure(const amb_session *s)
{
    for (int i = 0; i < s->def.characters; i++)
        if (s->member[i].env.world.failure[0])
            return s->member[i].env.world.failure;
    return NULL;
}

int64_t amb_session_steps(const amb_session *s)
{
    return s->step;
}

double amb_session_dt(const amb_session *s)
{
    return s->dt;
}

static uint64_t hash_bytes(uint64_t hash, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++) /* FNV-1a */
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

uint64_t amb_session_hash(const amb_session *s)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (int i = 0; i < s->def.characters; i++) {
        const member *m = &s->member[i];
        if (m->facts.fell) {
            hash = hash_bytes(hash, m->frozen, sizeof m->frozen);
        } else {
            hash = hash_bytes(hash, m->env.world.data->qpos, (7 + AMB_ACTION) * sizeof(double));
            hash = hash_bytes(hash, m->env.world.data->qvel, AMB_VEL * sizeof(double));
        }
    }
    return hash;
}
