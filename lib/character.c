/* amble/character.h: a live character is a session of one member (session/session.h), with a clock that any
 * frame rate drives, a queue of events, and poses in the host's convention. */
#include "lib/character.h"

#include "base/file.h"
#include "base/hash.h"
#include "lib/internal.h"
#include "lib/space.h"
#include "motion/kinematics.h"
#include "motion/pose.h"
#include "motion/rotation.h"
#include "session/session.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const double due_early_s = 1e-6; /* a step is due this long before its time */
enum { RECOVER_IF_FOUND = 2 };          /* amb_character_def.recover */
static const double usual_get_up_s = 1.5;
static const double max_dt = 60, max_speed = 20, max_turn = 10;

/* Saved as plain bytes. */
typedef struct clock_state {
    double time, carry; /* s: the sum of all dt, compensated (Neumaier 1974) */
    int64_t steps;
} clock_state;

typedef struct queued_event {
    int64_t type;
    double time;
} queued_event;

typedef struct request_state {
    char style[64]; /* the last requested one, cut off */
    int64_t waiting, by_heading, by_speed;
    double heading, speed; /* rad, amble's; m/s, 0: the motion's own */
} request_state;

typedef struct counters {
    int64_t falls, lifts, restarts, endings, rises, stood; /* as in the view after the last step */
} counters;

typedef struct own_state {
    clock_state clock;
    request_state request;
    counters seen;
    int64_t events; /* in the queue */
    queued_event event[AMB_MAX_EVENTS];
} own_state;

struct amb_character {
    lib_owner owner;
    const amb_model_set *set;
    lib_space space;
    ami_style_plan plan; /* the first style */
    ami_style_moment moment;
    ami_skill *skill[AMI_SKILLS];
    ami_skill *get_up[AMI_FACES]; /* NULL: it is lifted */
    ami_session *session;
    double step_s;
    own_state state;
    char failure[AMI_WORLD_FAILURE]; /* in the current call; empty: none */
    void *undo;                      /* (save size): the state before a restore, in case that fails */
};

/* At the start of a public function that reads or changes a character's state. */
#define ENTER_OR(character, value)    \
    LIB_REQUIRE_OR(character, value); \
    LIB_REQUIRE_OR(lib_enter(&((amb_character *)(character))->owner) && "no other thread is using it", value)

static void leave(const amb_character *c)
{
    lib_leave(&((amb_character *)c)->owner);
}

static amb_result leave_with(const amb_character *c, amb_result result)
{
    leave(c);
    return result;
}

static amb_result broken(const char *function)
{
    return lib_fail(AMB_ERROR_ARGUMENT, "%s: a NULL handle, or one that another thread is using", function);
}

#define ENTER(character) ENTER_OR(character, broken(__func__))

static bool finite3(const double v[3])
{
    return isfinite(v[0]) && isfinite(v[1]) && isfinite(v[2]);
}

/* ---- creation ---- */

void amb_character_def_init_size(amb_character_def *def, size_t size)
{
    const amb_character_def full = {.size = size,
                                    .axes = {1, 2, 3, 1},
                                    .style = "walk",
                                    .get_up_s = usual_get_up_s,
                                    .entry_tries = 6,
                                    .recover = RECOVER_IF_FOUND};
    if (def)
        memcpy(def, &full, size < sizeof full ? size : sizeof full);
}

static amb_result make_skills(amb_character *c, const amb_character_def *def, ami_error *err)
{
    const amb_model_set *set = c->set;
    for (int i = 0; i < set->skills; i++)
        if (!(c->skill[i] = ami_skill_share(set->skill[i], 1, err)))
            return AMB_ERROR_MEMORY;
    for (int k = 0; def->recover && k < AMI_FACES; k++)
        if (!(c->get_up[k] = ami_skill_share(set->get_up[k], 1, err)))
            return AMB_ERROR_MEMORY;
    if (!set->has_styles)
        return AMB_OK;
    c->moment = (ami_style_moment){.heading = (double)NAN, .speed = (double)NAN};
    if (!ami_style_mix(set->motions.styles, def->style, &c->moment.latent, err))
        return lib_result_of_style(err);
    c->plan = (ami_style_plan){.styles = set->motions.styles, .moments = 1, .moment = &c->moment};
    ami_generator_def generator = ami_generator_default_def(&set->motions.nets, &c->plan);
    generator.seed = def->seed;
    return ami_skill_invent(c->skill[0], &generator, err) ? AMB_OK : AMB_ERROR_ARGUMENT;
}

static amb_result make_session(amb_character *c, const amb_character_def *def, ami_error *err)
{
    ami_env_def env = ami_env_default_def(c->set->body, c->skill[0]->clip);
    double at[3];
    lib_space_from_host(&c->space, def->position, at);
    env.seed = def->seed;
    env.start_heading = c->space.det * def->heading;
    env.start_at[0] = at[0] / c->space.unit;
    env.start_at[1] = at[1] / c->space.unit;
    ami_policy_use(&c->skill[0]->policy, &env);
    ami_session_def session = ami_session_default_def(&env, c->skill[0], 1);
    memcpy(session.skill, c->skill, sizeof session.skill);
    session.skills = c->set->skills;
    session.history_s = 0;
    session.get_up_s = def->get_up_s;
    session.entry_tries = def->entry_tries;
    memcpy(session.get_up, c->get_up, sizeof session.get_up);
    session.styles_tried = true;
    session.unmeasured = true;
    c->session = ami_session_create(&session, err);
    if (!c->session)
        return AMB_ERROR_ARGUMENT;
    c->step_s = ami_session_dt(c->session);
    c->undo = malloc(ami_session_save_size(c->session));
    return c->undo || ami_fail(err, "out of memory for a character") ? AMB_OK : AMB_ERROR_MEMORY;
}

static amb_result check_def(const amb_character_def *def)
{
    if (!def->style)
        return lib_fail(AMB_ERROR_ARGUMENT, "the style is NULL, expected a name or a mixture");
    if (!finite3(def->position))
        return lib_fail(AMB_ERROR_ARGUMENT, "the position is (%g, %g, %g), expected finite numbers",
                        def->position[0], def->position[1], def->position[2]);
    if (!isfinite(def->heading))
        return lib_fail(AMB_ERROR_ARGUMENT, "the heading is %g rad, expected a finite number", def->heading);
    if (isnan(def->get_up_s))
        return lib_fail(AMB_ERROR_ARGUMENT, "get_up_s is NaN, expected seconds, or less than 0");
    if (def->entry_tries < 0 || def->entry_tries > AMI_SKILL_PHASES)
        return lib_fail(AMB_ERROR_ARGUMENT, "entry_tries is %d, expected 0 to %d", def->entry_tries,
                        AMI_SKILL_PHASES);
    return AMB_OK;
}

static void set_style_label(amb_character *c, const char *style)
{
    memset(c->state.request.style, 0, sizeof c->state.request.style);
    for (size_t i = 0; style[i] && i < sizeof c->state.request.style - 1; i++)
        c->state.request.style[i] = style[i];
}

amb_result amb_character_create(const amb_model_set *set, const amb_character_def *def,
                                amb_character **character)
{
    amb_character_def full;
    LIB_REQUIRE(set && character);
    *character = NULL;
    amb_character_def_init(&full);
    if (def)
        LIB_REQUIRE(lib_def_copy(&full, sizeof full, def) && "the definition was initialised");
    lib_space space;
    amb_result result = check_def(&full);
    if (result == AMB_OK)
        result = lib_space_make(full.space, &full.axes, &space);
    if (result != AMB_OK)
        return result;
    if (full.recover > RECOVER_IF_FOUND)
        return lib_fail(AMB_ERROR_ARGUMENT, "recover is %llu, expected 0, 1 or 2",
                        (unsigned long long)full.recover);
    if (full.recover == RECOVER_IF_FOUND)
        full.recover = set->get_up[0] && full.get_up_s == usual_get_up_s;
    if (full.recover && !set->get_up[0])
        return lib_fail(AMB_ERROR_NOT_FOUND, "recover: %s", set->no_get_up.text);
    amb_character *c = calloc(1, sizeof *c);
    if (!c)
        return lib_fail(AMB_ERROR_MEMORY, "out of memory for a character");
    ami_error err = {""};
    c->set = set;
    c->space = space;
    atomic_fetch_add(&((amb_model_set *)set)->characters, 1);
    result = make_skills(c, &full, &err);
    if (result == AMB_OK)
        result = make_session(c, &full, &err);
    if (result != AMB_OK) {
        amb_character_destroy(c);
        return lib_fail_with(result, &err);
    }
    if (set->has_styles)
        set_style_label(c, full.style);
    *character = c;
    return AMB_OK;
}

void amb_character_destroy(amb_character *character)
{
    if (!character)
        return;
    LIB_REQUIRE_OR(lib_enter(&character->owner) && "no other thread is using it", );
    ami_session_destroy(character->session);
    for (int i = 0; i < character->set->skills; i++)
        ami_skill_free(character->skill[i]);
    for (int k = 0; k < AMI_FACES; k++)
        ami_skill_free(character->get_up[k]);
    atomic_fetch_sub(&((amb_model_set *)character->set)->characters, 1);
    free(character->undo);
    free(character);
}

/* ---- requests ---- */

void amb_request_init_size(amb_request *request, size_t size)
{
    const amb_request full = {
        .size = size, .heading = (double)NAN, .speed = (double)NAN, .turn = (double)NAN};
    if (request)
        memcpy(request, &full, size < sizeof full ? size : sizeof full);
}

static int find_skill(const amb_model_set *set, const char *name)
{
    for (int i = 0; i < set->skills; i++)
        if (!strcmp(set->skill[i]->name, name))
            return i;
    return -1;
}

static amb_result no_skill(const amb_model_set *set, const char *name)
{
    char known[512] = "";
    for (int i = 0; i < set->skills; i++) {
        strncat(known, i ? ", " : "", sizeof known - strlen(known) - 1);
        strncat(known, set->skill[i]->name, sizeof known - strlen(known) - 1);
    }
    return lib_fail(AMB_ERROR_NOT_FOUND, "there is no skill \"%.80s\"; there are %s", name, known);
}

static amb_result check_numbers(const amb_request *r)
{
    if (isinf(r->heading))
        return lib_fail(AMB_ERROR_ARGUMENT, "the heading is infinite, expected rad, or NaN for none");
    if (!isnan(r->speed) && !(r->speed >= 0 && r->speed <= max_speed))
        return lib_fail(AMB_ERROR_ARGUMENT, "the speed is %g m/s, expected 0 (the motion's own) to %g",
                        r->speed, max_speed);
    if (!isnan(r->turn) && !(fabs(r->turn) <= max_turn))
        return lib_fail(AMB_ERROR_ARGUMENT, "the turn is %g rad/s, expected %g to %g", r->turn, -max_turn,
                        max_turn);
    if (r->cycles < 0 || (r->cycles > 0 && !r->skill))
        return lib_fail(AMB_ERROR_ARGUMENT,
                        r->cycles < 0 ? "%d cycles, expected 0 (no limit) or more"
                                      : "%d cycles, but no skill was given",
                        r->cycles);
    if (!isnan(r->heading) && !isnan(r->turn))
        return lib_fail(AMB_ERROR_ARGUMENT, "a heading and a turn were given, expected one of them");
    return AMB_OK;
}

/* The latent of a style, or the number of a skill (-1: neither is requested). */
static amb_result look_up(const amb_character *c, const amb_request *r, ami_latent *latent, int *skill)
{
    ami_error err = {""};
    *skill = -1;
    if (r->style && r->skill)
        return lib_fail(AMB_ERROR_ARGUMENT,
                        "the style \"%.80s\" and the skill \"%.80s\" were given, expected "
                        "one of them",
                        r->style, r->skill);
    if (r->style && !c->set->has_styles)
        return lib_fail(AMB_ERROR_NOT_FOUND, "the style \"%.80s\": the set of models has no styles",
                        r->style);
    if (r->style && !ami_style_mix(c->set->motions.styles, r->style, latent, &err))
        return lib_fail_with(lib_result_of_style(&err), &err);
    if (r->skill && (*skill = find_skill(c->set, r->skill)) < 0)
        return no_skill(c->set, r->skill);
    return AMB_OK;
}

static void command(amb_character *c, ami_command_kind kind, double value)
{
    const ami_command command = {.kind = kind, .value = value};
    ami_session_apply(c->session, &command);
}

/* Sets the requested speed for the next motion: the generator's ground speed for styles, the playback rate
 * for a clip. */
static void apply_speed(amb_character *c)
{
    ami_member_view view;
    ami_session_view(c->session, 0, &view);
    const double own = c->set->skill[view.requested]->speed, speed = c->state.request.speed;
    command(c, AMI_DO_PACE, own > 0 && speed > 0 ? speed / own : 1);
    command(c, AMI_DO_GROUND_SPEED, speed);
}

amb_result amb_character_request(amb_character *character, const amb_request *request)
{
    amb_request r;
    ENTER(character);
    amb_request_init(&r);
    const bool initialised = request && lib_def_copy(&r, sizeof r, request);
    if (!initialised)
        leave(character);
    LIB_REQUIRE(initialised);
    ami_latent latent;
    int skill;
    amb_result result = check_numbers(&r);
    if (result == AMB_OK)
        result = look_up(character, &r, &latent, &skill);
    if (result != AMB_OK)
        return leave_with(character, result);
    request_state *to = &character->state.request;
    if (r.style) {
        const ami_command style = {.kind = AMI_DO_STYLE, .latent = latent};
        ami_session_apply(character->session, &style);
        set_style_label(character, r.style);
    }
    if (skill >= 0) {
        const ami_command play = {.kind = AMI_DO_SKILL, .value = skill, .cycles = r.cycles};
        ami_session_apply(character->session, &play);
    }
    to->by_heading = !isnan(r.heading);
    to->by_speed = r.speed > 0;
    if (to->by_heading) {
        to->heading = character->space.det * r.heading;
        command(character, AMI_DO_TURN, 0);
        command(character, AMI_DO_HEADING, to->heading);
    }
    if (!isnan(r.turn))
        command(character, AMI_DO_TURN, character->space.det * r.turn);
    if (!isnan(r.speed))
        to->speed = r.speed;
    if (!isnan(r.speed) || r.style || skill >= 0)
        apply_speed(character);
    to->waiting = 1;
    return leave_with(character, AMB_OK);
}

amb_result amb_character_push(amb_character *character, const double velocity[3])
{
    ami_command push = {.kind = AMI_DO_PUSH};
    ENTER(character);
    if (!velocity || !finite3(velocity))
        return leave_with(character, lib_fail(AMB_ERROR_ARGUMENT, "the push's velocity is not finite"));
    lib_space_from_host(&character->space, velocity, push.v);
    for (int k = 0; k < 3; k++)
        push.v[k] /= character->space.unit;
    ami_session_apply(character->session, &push);
    return leave_with(character, AMB_OK);
}

amb_result amb_character_pull(amb_character *character, int body, const double point[3],
                              const double target[3])
{
    ami_command pull = {.kind = AMI_DO_PULL, .body = body};
    ENTER(character);
    if (body < 0 || body >= AMI_BODIES)
        return leave_with(character, lib_fail(AMB_ERROR_ARGUMENT, "body %d is pulled, expected 0 to %d", body,
                                              AMI_BODIES - 1));
    if (!point || !target || !finite3(point) || !finite3(target))
        return leave_with(character, lib_fail(AMB_ERROR_ARGUMENT, "the pull's points are not finite"));
    lib_space_body_point_from_host(&character->space, point, pull.v);
    lib_space_from_host(&character->space, target, pull.v + 3);
    for (int k = 3; k < 6; k++)
        pull.v[k] /= character->space.unit;
    ami_session_apply(character->session, &pull);
    return leave_with(character, AMB_OK);
}

void amb_character_release(amb_character *character)
{
    ENTER_OR(character, );
    command(character, AMI_DO_RELEASE, 0);
    leave(character);
}

/* ---- events ---- */

static void add_event(amb_character *c, amb_event_type type)
{
    own_state *s = &c->state;
    if (s->events == AMB_MAX_EVENTS) {
        memmove(s->event, s->event + 1, sizeof s->event - sizeof s->event[0]);
        s->events--;
    }
    s->event[s->events++] = (queued_event){type, (double)s->clock.steps * c->step_s};
}

bool amb_character_poll(amb_character *character, amb_event *event)
{
    ENTER_OR(character, false);
    own_state *s = &character->state;
    const bool any = s->events > 0 && event;
    bool sized = true;
    if (any) {
        const amb_event full = {.type = (amb_event_type)s->event[0].type, .time = s->event[0].time};
        sized = lib_out_copy(event, &full, sizeof full);
        s->events--;
        memmove(s->event, s->event + 1, (size_t)s->events * sizeof s->event[0]);
        s->event[s->events] = (queued_event){0};
    }
    leave(character);
    LIB_REQUIRE_OR(event && sized && "size is set", false);
    return any;
}

static bool is_reached(const amb_character *c, const ami_member_view *view)
{
    const request_state *r = &c->state.request;
    const double speed = hypot(view->velocity[0], view->velocity[1]);
    return view->settled && !view->down &&
           !(r->by_heading && fabs(remainder(r->heading - view->heading, 2 * M_PI)) > .1) &&
           !(r->by_speed && fabs(speed - r->speed) > fmax(.15, .1 * r->speed));
}

void amb_character_lift(amb_character *character)
{
    ami_member_view view;
    ENTER_OR(character, );
    ami_session_view(character->session, 0, &view);
    if (view.down) {
        command(character, AMI_DO_RESET, 0);
        add_event(character, AMB_EVENT_LIFTED);
    }
    leave(character);
}

/* After a control step. */
static void take_note(amb_character *c)
{
    ami_member_view view;
    counters *seen = &c->state.seen;
    ami_session_view(c->session, 0, &view);
    c->state.clock.steps++;
    if (view.restarts > seen->restarts) {
        add_event(c, AMB_EVENT_RESTARTED);
        if (view.failure[0] && !c->failure[0])
            memcpy(c->failure, view.failure, sizeof c->failure);
    }
    if (view.falls > seen->falls)
        add_event(c, AMB_EVENT_FELL);
    if (view.rises > seen->rises)
        add_event(c, AMB_EVENT_RISING);
    if (view.stood > seen->stood)
        add_event(c, AMB_EVENT_STOOD_UP);
    if (view.lifts > seen->lifts)
        add_event(c, AMB_EVENT_LIFTED);
    if (view.endings > seen->endings) {
        add_event(c, AMB_EVENT_SKILL_ENDED);
        apply_speed(c);
    }
    *seen = (counters){view.falls, view.lifts, view.restarts, view.endings, view.rises, view.stood};
    if (c->state.request.waiting && is_reached(c, &view)) {
        c->state.request.waiting = 0;
        add_event(c, AMB_EVENT_REACHED);
    }
}

/* ---- time ---- */

static double now(const amb_character *c)
{
    return c->state.clock.time + c->state.clock.carry;
}

static void add_time(clock_state *clock, double dt)
{
    const double sum = clock->time + dt;
    clock->carry += clock->time >= dt ? clock->time - sum + dt : dt - sum + clock->time;
    clock->time = sum;
}

static bool is_due(const amb_character *c)
{
    return (double)(c->state.clock.steps + 1) * c->step_s <= now(c) + due_early_s;
}

/* Steps at most AMI_SKILL_GROUP characters; those that are due at the same time are stepped together. */
static void advance_group(amb_character *const *group, int count, double dt)
{
    for (int i = 0; i < count; i++) {
        group[i]->failure[0] = 0;
        add_time(&group[i]->state.clock, dt);
    }
    for (;;) {
        amb_character *due[AMI_SKILL_GROUP];
        ami_session *session[AMI_SKILL_GROUP];
        int n = 0;
        for (int i = 0; i < count; i++)
            if (is_due(group[i])) {
                due[n] = group[i];
                session[n++] = group[i]->session;
            }
        if (n == 0)
            return;
        ami_session_step_together(session, n);
        for (int i = 0; i < n; i++)
            take_note(due[i]);
    }
}

static amb_result check_dt(double dt)
{
    return dt >= 0 && dt <= max_dt ? AMB_OK
                                   : lib_fail(AMB_ERROR_ARGUMENT, "dt is %g s, expected 0 to %g", dt, max_dt);
}

static amb_result result_of(const amb_character *c)
{
    return c->failure[0] ? lib_fail(AMB_ERROR_PHYSICS, "physics failed, and the character was restarted: %s",
                                    c->failure)
                         : AMB_OK;
}

amb_result amb_character_advance(amb_character *character, double dt)
{
    ENTER(character);
    amb_result result = check_dt(dt);
    if (result == AMB_OK) {
        advance_group(&character, 1, dt);
        result = result_of(character);
    }
    return leave_with(character, result);
}

typedef struct crowd {
    amb_character *const *character;
    int count;
    double dt;
} crowd;

static void advance_part(int index, void *argument)
{
    const crowd *all = argument;
    const int first = index * AMI_SKILL_GROUP;
    advance_group(all->character + first,
                  all->count - first < AMI_SKILL_GROUP ? all->count - first : AMI_SKILL_GROUP, all->dt);
}

amb_result amb_characters_advance(amb_character *const *characters, int count, double dt,
                                  const amb_parallel *parallel)
{
    const amb_parallel alone = {.threads = 1};
    crowd all = {characters, count, dt};
    LIB_REQUIRE(characters || count == 0);
    if (count < 0)
        return lib_fail(AMB_ERROR_ARGUMENT, "%d characters, expected 0 or more", count);
    amb_result result = check_dt(dt);
    if (result != AMB_OK)
        return result;
    int entered = 0;
    while (entered < count && characters[entered] && lib_enter(&characters[entered]->owner))
        entered++;
    if (entered == count) {
        lib_parallel_for(parallel ? parallel : &alone, (count + AMI_SKILL_GROUP - 1) / AMI_SKILL_GROUP,
                         advance_part, &all);
        for (int i = 0; i < count && result == AMB_OK; i++)
            result = result_of(characters[i]);
    }
    for (int i = 0; i < entered; i++)
        leave(characters[i]);
    LIB_REQUIRE(entered == count && "the characters are different ones and used by no other thread");
    return result;
}

/* ---- poses and state ---- */

int amb_character_bodies(const amb_character *character)
{
    LIB_REQUIRE_OR(character, 0);
    return AMI_BODIES;
}

const char *amb_character_body_name(const amb_character *character, int body)
{
    LIB_REQUIRE_OR(character, NULL);
    return body >= 0 && body < AMI_BODIES ? ami_body_name[body] : NULL;
}

int amb_character_find_body(const amb_character *character, const char *name)
{
    LIB_REQUIRE_OR(character && name, -1);
    return ami_body_by_name(name);
}

int amb_character_body_parent(const amb_character *character, int body)
{
    LIB_REQUIRE_OR(character, -1);
    return body >= 0 && body < AMI_BODIES ? ami_body_parent[body] : -1;
}

static void place_bodies(const amb_character *c, const lib_space *space, const double pose[AMI_POSE],
                         amb_transform *world, amb_transform *local)
{
    double joint[AMI_BODIES][3], rot[AMI_BODIES][4];
    ami_fk(&c->set->body->skeleton, pose, joint, rot);
    lib_space_bodies(space, AMI_BODIES, ami_body_parent, (const double(*)[3])joint, (const double(*)[4])rot,
                     world, local);
}

static void stand_at_rest(const ami_skeleton *skeleton, double pose[AMI_POSE])
{
    double joint[AMI_BODIES][3], rot[AMI_BODIES][4], lowest = INFINITY;
    memset(pose, 0, AMI_POSE * sizeof *pose);
    memcpy(pose + 3, AMI_QUAT_Y_UP, 4 * sizeof *pose);
    for (int j = 0; j < AMI_CLIP_JOINTS; j++)
        if (ami_clip_joints[j].ball)
            pose[ami_clip_joints[j].pose] = 1;
    ami_fk(skeleton, pose, joint, rot);
    static const int ankle[2] = {AMI_RIGHT_ANKLE, AMI_LEFT_ANKLE};
    for (int f = 0; f < 2; f++) {
        double toe[3], heel[3];
        ami_quat_rotate(toe, rot[ankle[f]], skeleton->toe[f]);
        ami_quat_rotate(heel, rot[ankle[f]], skeleton->heel[f]);
        lowest = fmin(lowest, joint[ankle[f]][2] + fmin(toe[2], heel[2]));
    }
    pose[2] = -lowest;
}

amb_result amb_character_rest(const amb_character *character, amb_transform *world, amb_transform *local)
{
    double pose[AMI_POSE];
    LIB_REQUIRE(character);
    stand_at_rest(&character->set->body->skeleton, pose);
    place_bodies(character, &character->space, pose, world, local);
    return AMB_OK;
}

static amb_result pose_at(const amb_character *c, const lib_space *space, double offset, amb_transform *world,
                          amb_transform *local)
{
    ami_member_view view;
    double pose[AMI_POSE];
    if (isnan(offset))
        return lib_fail(AMB_ERROR_ARGUMENT, "the offset is NaN, expected s, usually 0");
    ami_session_view(c->session, 0, &view);
    const double since = now(c) - (double)c->state.clock.steps * c->step_s + offset;
    ami_pose_between(view.before, view.pose, fmin(fmax(since / c->step_s, 0), 1), pose);
    place_bodies(c, space, pose, world, local);
    return AMB_OK;
}

amb_result amb_character_pose(const amb_character *character, double offset, amb_transform *world,
                              amb_transform *local)
{
    ENTER(character);
    return leave_with(character, pose_at(character, &character->space, offset, world, local));
}

amb_result amb_character_pose_in(const amb_character *character, amb_space space, double offset,
                                 amb_transform *world, amb_transform *local)
{
    lib_space other;
    LIB_REQUIRE(character);
    const amb_result result = lib_space_make(space, NULL, &other);
    if (result != AMB_OK)
        return result;
    ENTER(character);
    return leave_with(character, pose_at(character, &other, offset, world, local));
}

amb_result amb_character_get_state(const amb_character *character, amb_character_state *state)
{
    ami_member_view view;
    double spin[3];
    ENTER(character);
    ami_session_view(character->session, 0, &view);
    const double remainder_s = now(character) - (double)character->state.clock.steps * character->step_s;
    amb_character_state full = {.time = now(character),
                                .remainder = fmax(remainder_s, 0),
                                .step_s = character->step_s,
                                .heading = character->space.det * ami_quat_heading(view.pose + 3),
                                .speed = hypot(view.velocity[0], view.velocity[1]),
                                .phase = view.phase,
                                .down = view.down,
                                .settled = view.settled,
                                .skill = character->set->skill[view.skill]->name,
                                .style = character->state.request.style};
    lib_space_to_host(&character->space, view.vel, full.velocity);
    for (int k = 0; k < 3; k++)
        full.velocity[k] *= character->space.unit;
    ami_quat_rotate(spin, view.pose + 3, view.vel + 3);
    lib_space_spin(&character->space, spin, full.angular_velocity);
    const bool sized = state && lib_out_copy(state, &full, sizeof full);
    leave(character);
    LIB_REQUIRE(sized && "size is set");
    return AMB_OK;
}

/* ---- replays ---- */

typedef struct saved_header {
    char magic[8];
    uint64_t size, fingerprint;
    uint32_t version, crc; /* crc: of everything after this header */
} saved_header;

static const char magic[8] = {'a', 'm', 'b', 'l', 'e', 'c', 'h', '1'};

static size_t save_size(const amb_character *c)
{
    return sizeof(saved_header) + sizeof(own_state) + ami_session_save_size(c->session);
}

size_t amb_character_save_size(const amb_character *character)
{
    LIB_REQUIRE_OR(character, 0);
    return save_size(character);
}

amb_result amb_character_save(const amb_character *character, void *data, size_t size)
{
    ENTER(character);
    const size_t expected = save_size(character);
    if (!data || size < expected)
        return leave_with(character,
                          lib_fail(AMB_ERROR_ARGUMENT, "%zu bytes for a saved character, expected %zu",
                                   data ? size : 0, expected));
    char *behind = (char *)data + sizeof(saved_header);
    memcpy(behind, &character->state, sizeof character->state);
    ami_session_save(character->session, behind + sizeof character->state);
    saved_header header = {.size = expected,
                           .fingerprint = character->set->fingerprint,
                           .version = AMB_VERSION_NUMBER,
                           .crc = ami_crc32c(0, behind, expected - sizeof(saved_header))};
    memcpy(header.magic, magic, sizeof magic);
    memcpy(data, &header, sizeof header);
    return leave_with(character, AMB_OK);
}

static amb_result check_saved(const amb_character *c, const void *data, size_t size)
{
    saved_header header;
    const size_t expected = save_size(c);
    if (!data || size < sizeof header)
        return lib_fail(AMB_ERROR_ARGUMENT, "a saved character of %zu bytes, expected %zu", data ? size : 0,
                        expected);
    memcpy(&header, data, sizeof header);
    if (memcmp(header.magic, magic, sizeof magic) != 0)
        return lib_fail(AMB_ERROR_ARGUMENT, "this is not a saved character: it does not begin with \"%.8s\"",
                        magic);
    if (header.version != AMB_VERSION_NUMBER || header.fingerprint != c->set->fingerprint ||
        header.size != expected)
        return lib_fail(AMB_ERROR_ARGUMENT, "a saved character %s",
                        header.version != AMB_VERSION_NUMBER ? "of another version of the library"
                                                             : "of a model set other than this one's");
    if (size < expected)
        return lib_fail(AMB_ERROR_ARGUMENT, "a saved character of %zu bytes, expected %zu: it was cut off",
                        size, expected);
    if (ami_crc32c(0, (const char *)data + sizeof header, expected - sizeof header) != header.crc)
        return lib_fail(AMB_ERROR_ARGUMENT, "the bytes of a saved character are damaged");
    return AMB_OK;
}

static bool is_possible(const own_state *s, double step_s)
{
    const double time = s->clock.time + s->clock.carry;
    bool ok = s->clock.steps >= 0 && isfinite(time) && s->events >= 0 && s->events <= AMB_MAX_EVENTS &&
              fabs(time - (double)s->clock.steps * step_s) <= 2 * step_s &&
              memchr(s->request.style, 0, sizeof s->request.style) && isfinite(s->request.heading) &&
              s->request.speed >= 0 && s->request.speed <= max_speed;
    for (int i = 0; ok && i < s->events; i++)
        ok = s->event[i].type >= AMB_EVENT_FELL && s->event[i].type <= AMB_EVENT_RISING;
    return ok;
}

amb_result amb_character_restore(amb_character *character, const void *data, size_t size)
{
    own_state state;
    ami_error err = {""}, ignored;
    ENTER(character);
    const amb_result result = check_saved(character, data, size);
    if (result != AMB_OK)
        return leave_with(character, result);
    const char *behind = (const char *)data + sizeof(saved_header);
    memcpy(&state, behind, sizeof state);
    if (!is_possible(&state, character->step_s))
        return leave_with(character,
                          lib_fail(AMB_ERROR_ARGUMENT, "the bytes of a saved character are damaged"));
    ami_session_save(character->session, character->undo);
    if (!ami_session_load(character->session, behind + sizeof state, &err)) {
        (void)!ami_session_load(character->session, character->undo,
                                &ignored); /* a valid state, saved above */
        return leave_with(character, lib_fail(AMB_ERROR_ARGUMENT, "a saved character: %s", err.text));
    }
    character->state = state;
    return leave_with(character, AMB_OK);
}

uint64_t amb_character_hash(const amb_character *character)
{
    ami_member_view view;
    ENTER_OR(character, 0);
    ami_session_view(character->session, 0, &view);
    uint64_t hash = ami_hash(AMI_HASH_START, view.pose, AMI_POSE * sizeof(double));
    hash = ami_hash(hash, view.vel, AMI_VEL * sizeof(double));
    leave(character);
    return hash;
}
