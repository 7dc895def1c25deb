/* Creates sessions, steps them and fills snapshots. */
#include "session/internal.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/hash.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double turn_gain = 2, max_turn = .8; /* 1/s, rad/s: towards a heading, as a generator's */

ami_session_def ami_session_default_def(const ami_env_def *env, ami_skill *first, int characters)
{
    return (ami_session_def){.env = *env,
                             .skill = {first},
                             .skills = 1,
                             .characters = characters,
                             .history_s = 20,
                             .get_up_s = 1.5,
                             .entry_tries = AMI_SESSION_TRIES,
                             .entry_per_step = AMI_SESSION_TRIES_A_STEP};
}

ami_env_def ami_member_def(const ami_session *s, const ami_skill *skill, int character)
{
    ami_env_def def = s->def.env;
    if (skill->invents)
        ami_generator_use(skill->generator[character], &def);
    else
        def.clip = skill->clip;
    def.stream = (uint64_t)character;
    def.episode_s = 1e6;
    def.may_touch = skill->may_touch;
    if (skill->has_policy)
        ami_policy_use(&skill->policy, &def);
    return def;
}

void ami_member_start(ami_session *s, member *m)
{
    m->facts = (member_facts){.up_since = s->step, .down_since = -1};
    m->reward = (ami_reward){0};
    m->jumped = true;
    memcpy(m->before, m->env.state.pose, sizeof m->before);
    memcpy(m->reference_before, m->env.reference_state.pose, sizeof m->reference_before);
}

static bool create(ami_session *s, ami_error *err)
{
    s->member = calloc((size_t)s->def.characters, sizeof *s->member);
    if (!s->member)
        return ami_fail(err, "out of memory for %d characters", s->def.characters);
    for (int i = 0; i < s->def.characters; i++) {
        const ami_env_def def = ami_member_def(s, s->known[0], i);
        if (!ami_env_init(&s->member[i].env, &def, err))
            return false;
        ami_member_start(s, &s->member[i]);
    }
    if (s->def.entry_tries > 0 && !ami_env_init(&s->trial.env, &s->member[0].env.def, err))
        return false;
    s->scratch = malloc(ami_env_save_size(&s->member[0].env));
    if (!s->scratch)
        return ami_fail(err, "out of memory for a session");
    s->dt = s->member[0].env.control_dt;
    s->turn_rate = s->def.env.turn_rate;
    ami_measure(s);
    return ami_history_init(s, err);
}

ami_session *ami_session_create(const ami_session_def *def, ami_error *err)
{
    AMI_ASSERT(def && def->env.character && !def->get_up[0] == !def->get_up[1]);
    if (def->characters < 1 || def->characters > 1000) {
        ami_fail(err, "%d characters, expected 1 to 1000", def->characters);
        return NULL;
    }
    ami_session *s = calloc(1, sizeof *s);
    if (!s) {
        ami_fail(err, "out of memory for a session");
        return NULL;
    }
    s->def = *def;
    s->skills = def->skills;
    memcpy(s->known, def->skill, sizeof s->known);
    s->pace = 1;
    s->heading = (double)NAN;
    s->push_step = -1;
    s->requested = -1;
    s->left = ami_skill_loops(s->known[0]) ? (double)INFINITY : ami_clip_duration(s->known[0]->clip);
    s->style_skill = s->known[0]->invents ? 0 : -1;
    if (create(s, err))
        return s;
    ami_session_destroy(s);
    return NULL;
}

void ami_session_destroy(ami_session *session)
{
    if (!session)
        return;
    for (int i = 0; session->member && i < session->def.characters; i++)
        ami_env_free(&session->member[i].env);
    ami_env_free(&session->trial.env);
    free(session->member);
    ami_history_free(session);
    free(session->scratch);
    free(session);
}

/* Applies the spring of a pull, computed at the beginning of the control step: stiff enough to move a joint,
 * damped by the limb's effective mass, limited to 700 N. */
static void apply_pull(ami_session *s, int character)
{
    member *m = &s->member[character];
    const ami_character *c = s->def.env.character;
    double *force = m->env.world.data->xfrc_applied;
    memset(force, 0, 6 * (size_t)c->model->nbody * sizeof *force);
    if (s->pull.kind != AMI_DO_PULL || s->pull.character != character)
        return;
    const int b = s->pull.body;
    const ami_state *state = &m->env.state;
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
    const double max = 700, scale = norm2 > max * max ? max / sqrt(norm2) : 1;
    double *applied = force + 6 * (size_t)c->body[b];
    mju_scl3(applied, f, scale);
    mju_cross(applied + 3, arm, applied);
    mju_copy3(s->pull_from, at);
}

/* Changes the rate of the reference's clock by moving it before the step; it does not go back beyond a
 * cycle's first frame. */
static void keep_pace(const ami_session *s, member *m)
{
    if (s->pace > 1) {
        const double turn_rate = m->env.reference.turn_rate;
        m->env.reference.turn_rate = 0; /* the turn rate does not depend on the pace */
        ami_reference_advance(&m->env.reference, (s->pace - 1) * s->dt, m->env.state.pose);
        m->env.reference.turn_rate = turn_rate;
    } else if (s->pace < 1) {
        m->env.reference.time = fmax(m->env.reference.time - (1 - s->pace) * s->dt, 0);
    }
}

static void fall(ami_session *s, int character)
{
    member *m = &s->member[character];
    if (!m->facts.fell) {
        const mjData *d = m->env.world.data;
        memcpy(m->frozen, d->qpos, (7 + AMI_ACTION) * sizeof(double));
        memcpy(m->frozen + 7 + AMI_ACTION, d->qvel, AMI_VEL * sizeof(double));
        m->facts.fell = true;
    }
    if (m->facts.down_since < 0) {
        m->facts.down_since = s->step;
        m->falls++;
        if (ami_recovers(s))
            ami_recover_begin(s, character);
    }
}

void ami_member_refresh(member *m)
{
    double pose[AMI_POSE], vel[AMI_VEL];
    ami_reference_sample(&m->env.reference, 0, pose, vel);
    ami_fk_state(&m->env.def.character->skeleton, pose, vel, &m->env.reference_state);
}

/* Resets a body with an unstable state without resetting its time, as a rollout does. */
static void restart_unstable(ami_session *s, int character)
{
    member *m = &s->member[character];
    const int step = m->env.step;
    ami_recover_end(s, character);
    ami_env_reset(&m->env);
    m->env.step = step;
    m->env.next_push += step * m->env.control_dt;
    m->facts.up_since = s->step + 1;
    m->restarts++;
    m->jumped = true;
}

/* Whether an actor decides about the body's next step. */
static bool decides(const member *m)
{
    return m->facts.stage == AMI_UP ? m->facts.down_since < 0 : m->facts.stage != AMI_FALLEN;
}

static void step_member(ami_session *s, member *m, int character, const float *action)
{
    ami_env *env = &m->env;
    memcpy(m->before, env->state.pose, sizeof m->before);
    memcpy(m->reference_before, env->reference_state.pose, sizeof m->reference_before);
    m->jumped = false;
    apply_pull(s, character);
    ami_world_collide(&env->world, m->facts.stage != AMI_UP); /* a lying body's limbs would pass through it */
    env->physics_s = 0;
    ami_env_end end;
    if (!decides(m)) { /* limp: the joints only resist being moved */
        double target[AMI_POSE];
        memcpy(target, env->state.pose, sizeof target);
        if (m->facts.stage == AMI_FALLEN)
            ami_recover_target(s, m, target);
        end = ami_env_step_target(env, target, &m->reward);
        m->reward.total = 0;
    } else {
        if (s->pace != 1 && m->facts.stage == AMI_UP && !s->known[s->skill]->invents)
            keep_pace(s, m);
        end = ami_env_step(env, action, &m->reward);
    }
    if (end == AMI_ENV_UNSTABLE)
        restart_unstable(s, character);
    else if (end == AMI_ENV_FELL || end == AMI_ENV_LOST)
        fall(s, character);
    if (m->facts.down_since >= 0 && !ami_recovers(s) && s->def.get_up_s >= 0 &&
        (double)(s->step - m->facts.down_since) * s->dt >= s->def.get_up_s &&
        !(s->pull.kind == AMI_DO_PULL && s->pull.character == character)) {
        ami_member_reset_here(s, m);
        m->lifts++;
    }
}

/* Updates a member's reference before its actor runs. */
static void prepare(ami_session *s, int character)
{
    if (s->member[character].facts.stage != AMI_UP)
        return;
    ami_style_step(s, character);
    if (isnan(s->heading))
        return;
    ami_reference *reference = &s->member[character].env.reference;
    const double off = remainder(s->heading - reference->heading, 2 * M_PI);
    reference->turn_rate = fmin(fmax(turn_gain * off, -max_turn), max_turn);
}

static void step_group(ami_session *s, int group)
{
    const int first = group * AMI_SKILL_GROUP;
    const int count =
        s->def.characters - first < AMI_SKILL_GROUP ? s->def.characters - first : AMI_SKILL_GROUP;
    const ami_skill *const skill[] = {s->known[s->skill], s->def.get_up[0], s->def.get_up[1]};
    const float *action[AMI_SKILL_GROUP] = {0}; /* NULL: nothing decides */
    for (int k = 0; k < count; k++)
        if (decides(&s->member[first + k]))
            prepare(s, first + k);
    for (int j = 0; j < (ami_recovers(s) ? 3 : 1); j++) {
        ami_controller *controller = &skill[j]->controller[group];
        ami_env *live[AMI_SKILL_GROUP];
        int n = 0;
        for (int k = 0; k < count; k++) {
            member *m = &s->member[first + k];
            if (!decides(m) || (m->facts.stage == AMI_UP ? 0 : 1 + m->facts.face) != j)
                continue;
            action[k] = controller->action + (size_t)n * AMI_ACTION;
            live[n++] = &m->env;
        }
        if (n)
            ami_controller_decide(controller, live, n);
    }
    for (int k = 0; k < count; k++)
        step_member(s, &s->member[first + k], first + k, action[k]);
}

void ami_measure(ami_session *s)
{
    s->value = NAN;
    s->body_phase = (ami_phase){.amplitude = -1};
    if (s->def.unmeasured || s->member[s->follow].facts.stage != AMI_UP)
        return;
    s->value = ami_skill_value(s->known[s->skill], &s->member[s->follow].env);
    ami_style_measure(s);
}

static void measure(ami_session *s, double begun)
{
    const member *m = &s->member[s->follow];
    ami_measure(s);
    const double keep = exp(-s->dt / .5);
    for (int k = 0; k < 2; k++)
        s->velocity[k] = keep * s->velocity[k] + (1 - keep) * m->env.state.vel[k];
    s->physics_us = 0;
    for (int i = 0; i < s->def.characters; i++)
        s->physics_us += 1e6 * s->member[i].env.physics_s;
    s->step_us = 1e6 * (ami_clock_now() - begun);
}

static void end_step(ami_session *s, double begun)
{
    s->step++;
    ami_recover(s);
    measure(s, begun);
    ami_enter_if_good(s);
    ami_end_motion(s);
    ami_history_keep(s);
}

bool ami_session_step(ami_session *session)
{
    AMI_ASSERT(session);
    if (session->def.step_limit && session->step >= session->def.step_limit)
        return false;
    const double begun = ami_clock_now();
    session->entered = false;
    ami_style_follow_plan(session);
    const int groups = (session->def.characters + AMI_SKILL_GROUP - 1) / AMI_SKILL_GROUP;
    if (groups == 1) {
        step_group(session, 0); /* without a team, whose threads would only wake up and sleep */
    } else {
#pragma omp parallel for schedule(dynamic, 1)
        for (int g = 0; g < groups; g++)
            step_group(session, g);
    }
    end_step(session, begun);
    return true;
}

void ami_session_step_together(ami_session *const *sessions, int count)
{
    assert(count >= 1 && count <= AMI_SKILL_GROUP);
    const double begun = ami_clock_now();
    float action[AMI_SKILL_GROUP][AMI_ACTION] = {{0}};
    bool live[AMI_SKILL_GROUP], decided[AMI_SKILL_GROUP] = {false};
    for (int i = 0; i < count; i++) {
        sessions[i]->entered = false;
        ami_style_follow_plan(sessions[i]);
        live[i] = decides(&sessions[i]->member[0]);
        if (live[i])
            prepare(sessions[i], 0);
    }
    for (int i = 0; i < count; i++) {
        if (!live[i] || decided[i])
            continue;
        const ami_skill *skill = ami_member_skill(sessions[i], &sessions[i]->member[0]);
        ami_env *env[AMI_SKILL_GROUP];
        int index[AMI_SKILL_GROUP], n = 0;
        for (int k = i; k < count; k++) {
            const ami_skill *other = ami_member_skill(sessions[k], &sessions[k]->member[0]);
            if (live[k] && !decided[k] && other->has_policy == skill->has_policy &&
                ami_policy_network(&other->policy) == ami_policy_network(&skill->policy)) {
                index[n] = k;
                env[n++] = &sessions[k]->member[0].env;
                decided[k] = true;
            }
        }
        ami_controller_decide(&skill->controller[0], env, n);
        for (int k = 0; k < n; k++)
            memcpy(action[index[k]], skill->controller[0].action + (size_t)k * AMI_ACTION, sizeof action[0]);
    }
    for (int i = 0; i < count; i++)
        step_member(sessions[i], &sessions[i]->member[0], 0, action[i]);
    for (int i = 0; i < count; i++)
        end_step(sessions[i], begun);
}

bool ami_session_snapshot_init(ami_snapshot *snapshot, int characters, ami_error *err)
{
    AMI_ASSERT(snapshot && characters >= 1);
    *snapshot = (ami_snapshot){.characters = characters, .speed = 1, .pace = 1};
    snapshot->body = calloc((size_t)characters, sizeof *snapshot->body);
    return snapshot->body || ami_fail(err, "out of memory for %d characters", characters);
}

static void look_at_contacts(const ami_session *s, ami_snapshot *out)
{
    const ami_character *c = s->def.env.character;
    const mjData *d = s->member[s->follow].env.world.data;
    out->contacts = 0;
    for (int k = 0; !s->member[s->follow].jumped && k < d->ncon && out->contacts < AMI_VIEW_CONTACTS; k++) {
        const mjContact *contact = &d->contact[k];
        double local[6], world[3];
        mj_contactForce(c->model, d, k, local);
        mju_mulMatTVec3(world, contact->frame, local); /* the frame's rows are the contact's axes; the force
                                                          is on the second geom */
        ami_view_contact *to = &out->contact[out->contacts++];
        mju_copy3(to->at, contact->pos);
        mju_scl3(to->force, world, contact->geom[1] == c->floor_geom ? -1 : 1);
    }
}

static void look_at_members(const ami_session *s, ami_snapshot *out)
{
    out->falls = out->recoveries = 0;
    for (int i = 0; i < s->def.characters; i++) {
        const member *m = &s->member[i];
        out->falls += m->falls;
        out->recoveries += m->stood + m->lifts;
        ami_view_body *to = &out->body[i];
        memcpy(to->pose, m->env.state.pose, sizeof to->pose);
        memcpy(to->before, m->jumped ? m->env.state.pose : m->before, sizeof to->before);
        to->down = m->facts.down_since >= 0;
        to->stage = (ami_stage)m->facts.stage;
        to->up_s = (double)((to->down ? m->facts.down_since : s->step) - m->facts.up_since) * s->dt;
    }
}

void ami_session_look(const ami_session *session, ami_snapshot *snapshot)
{
    AMI_ASSERT(session && snapshot && snapshot->body);
    const member *m = &session->member[session->follow];
    snapshot->commands_done = session->commands;
    snapshot->step = session->step;
    snapshot->oldest = session->oldest;
    snapshot->newest = session->newest;
    snapshot->dt = session->dt;
    snapshot->jumps = session->jumps;
    snapshot->pushes = session->pushes;
    snapshot->finished = session->def.step_limit && session->step >= session->def.step_limit;
    snapshot->skill = session->skill;
    snapshot->requested = session->requested >= 0 ? session->requested : session->skill;
    snapshot->skills = session->skills;
    snapshot->turn_rate = session->turn_rate;
    snapshot->pace = session->pace;
    snapshot->entered_by_skill = session->entered;
    snapshot->follow = session->follow;
    memcpy(snapshot->reference, m->env.reference_state.pose, sizeof snapshot->reference);
    memcpy(snapshot->reference_before, m->jumped ? snapshot->reference : m->reference_before,
           sizeof snapshot->reference_before);
    snapshot->phase = ami_reference_phase(&m->env.reference);
    ami_style_look(session, snapshot);
    snapshot->reference_heading = m->env.reference.heading;
    snapshot->reward = m->reward;
    snapshot->value = session->value;
    snapshot->step_us = session->step_us;
    snapshot->physics_us = session->physics_us;
    snapshot->ground_speed = hypot(session->velocity[0], session->velocity[1]);
    look_at_contacts(session, snapshot);
    snapshot->pulling = session->pull.kind == AMI_DO_PULL;
    snapshot->pulled_character = session->pull.character;
    snapshot->pulled_body = session->pull.body;
    mju_copy3(snapshot->pull_from, session->pull_from);
    mju_copy3(snapshot->pull_to, session->pull.v + 3);
    mju_copy3(snapshot->push, session->push);
    snapshot->pushed_ago =
        session->push_step < 0 ? 1e9 : (double)(session->step - session->push_step) * session->dt;
    snapshot->pushed_character = session->push_character;
    look_at_members(session, snapshot);
}

void ami_session_view(const ami_session *session, int character, ami_member_view *view)
{
    const member *m = &session->member[character];
    const ami_skill *skill = session->known[session->skill];
    const ami_generator *generator = skill->invents ? skill->generator[character] : NULL;
    *view = (ami_member_view){.before = m->jumped ? m->env.state.pose : m->before,
                              .pose = m->env.state.pose,
                              .vel = m->env.state.vel,
                              .heading = m->env.reference.heading,
                              .phase = generator && m->facts.stage == AMI_UP
                                           ? ami_generator_phase(generator, &m->env)
                                           : ami_reference_phase(&m->env.reference),
                              .velocity = {session->velocity[0], session->velocity[1]},
                              .down = m->facts.down_since >= 0,
                              .falls = m->falls,
                              .lifts = m->lifts,
                              .restarts = m->restarts,
                              .stage = (ami_stage)m->facts.stage,
                              .rises = m->rises,
                              .stood = m->stood,
                              .endings = session->endings,
                              .skill = session->skill,
                              .requested = session->requested >= 0 ? session->requested : session->skill,
                              .before_skill = session->before_skill,
                              .settled = session->requested < 0 && m->facts.stage == AMI_UP &&
                                         (!generator || ami_generator_settled(generator, &m->env)),
                              .reward = &m->reward,
                              .failure = m->env.world.failure};
}

const char *ami_session_failure(const ami_session *session)
{
    AMI_ASSERT(session);
    for (int i = 0; i < session->def.characters; i++)
        if (session->member[i].env.world.failure[0])
            return session->member[i].env.world.failure;
    return NULL;
}

int64_t ami_session_steps(const ami_session *session)
{
    AMI_ASSERT(session);
    return session->step;
}

double ami_session_dt(const ami_session *session)
{
    AMI_ASSERT(session);
    return session->dt;
}

uint64_t ami_session_hash(const ami_session *session)
{
    AMI_ASSERT(session);
    uint64_t hash = AMI_HASH_START;
    for (int i = 0; i < session->def.characters; i++) {
        const member *m = &session->member[i];
        if (m->facts.fell) {
            hash = ami_hash(hash, m->frozen, sizeof m->frozen);
        } else {
            hash = ami_world_hash(&m->env.world, hash);
        }
    }
    return hash;
}
