/* Threads that step the characters which are due, oldest first. */
#include "server/live.h"

#include "server/worker.h"
#include "sim/character.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { MAX_THREADS = 64, BATCH = 16, SLOTS = 16, MAX_CHARACTERS = 16384 };

static const int64_t second = 1000000000, late_limit = 200000000;

struct srv_live {
    srv_live_def def;
    amb_model_set *set[SRV_SETS + 1];
    int sets;
    srv_body body[SRV_BODIES];
    srv_shape shape[SRV_MAX_SHAPES];
    int shapes;
    srv_live_stats stats;
    int64_t start;
    /* of the network's thread */
    srv_character **character; /* (characters), in order of numbers */
    int characters;
    uint32_t last_number;
    /* under the mutex */
    pthread_mutex_t mutex;
    pthread_cond_t work;
    srv_character **heap; /* (waiting), the one due first at its root */
    int waiting, slot_count[SLOTS], alone;
    srv_notice *first, **last;
    srv_character *published;
    bool stopping;
    pthread_t thread[MAX_THREADS];
    int threads;
};

/* ---- notices ---- */

static void add_notice(srv_live *live, srv_notice *n)
{
    n->next = NULL;
    pthread_mutex_lock(&live->mutex);
    *live->last = n;
    live->last = &n->next;
    pthread_mutex_unlock(&live->mutex);
}

/* Takes over `id`. Where memory is short, the notice is lost. */
static void report(srv_character *c, srv_notice_kind kind, uint64_t client, char *id, const char *text)
{
    srv_notice *n = calloc(1, sizeof *n);
    if (!n) {
        free(id);
        return;
    }
    n->kind = kind;
    n->character = c;
    n->client = client;
    n->id = id;
    n->time = c->state.time;
    n->skill = c->state.skill;
    snprintf(n->text, sizeof n->text, "%s", text ? text : "");
    add_notice(c->live, n);
}

static void report_event(srv_character *c, const amb_event *e)
{
    srv_notice *n = calloc(1, sizeof *n);
    if (!n)
        return;
    n->kind = SRV_EVENT;
    n->character = c;
    n->event = e->type;
    n->time = e->time;
    add_notice(c->live, n);
}

srv_notice *srv_live_take_notices(srv_live *live)
{
    pthread_mutex_lock(&live->mutex);
    srv_notice *list = live->first;
    live->first = NULL;
    live->last = &live->first;
    pthread_mutex_unlock(&live->mutex);
    return list;
}

void srv_notice_free(srv_notice *notice)
{
    free(notice->id);
    free(notice);
}

int srv_live_take_published(srv_live *live, srv_character **list, int capacity)
{
    int n = 0;
    pthread_mutex_lock(&live->mutex);
    while (live->published && n < capacity) {
        srv_character *c = live->published;
        live->published = c->next_published;
        c->published = false;
        list[n++] = c;
    }
    pthread_mutex_unlock(&live->mutex);
    return n;
}

/* ---- the heap of characters that wait, by due time ---- */

static bool before(const srv_character *a, const srv_character *b)
{
    return a->due != b->due ? a->due < b->due : a->number < b->number;
}

static void push_heap(srv_live *live, srv_character *c)
{
    int k = live->waiting++;
    for (; k > 0 && before(c, live->heap[(k - 1) / 2]); k = (k - 1) / 2)
        live->heap[k] = live->heap[(k - 1) / 2];
    live->heap[k] = c;
}

static srv_character *pop_heap(srv_live *live)
{
    srv_character *top = live->heap[0], *c = live->heap[--live->waiting];
    const int n = live->waiting;
    int k = 0;
    for (;;) {
        int child = 2 * k + 1;
        if (child + 1 < n && before(live->heap[child + 1], live->heap[child]))
            child++;
        if (child >= n || !before(live->heap[child], c))
            break;
        live->heap[k] = live->heap[child];
        k = child;
    }
    live->heap[k] = c;
    return top;
}

static int64_t due_time(const srv_live *live, const srv_character *c)
{
    /* A period has SLOTS slots at 30 Hz, half of them at 60 Hz. */
    return live->start + (c->tick * second + c->ticks_rate / 2) / c->ticks_rate +
           c->slot * (second / (30 * SLOTS));
}

/* Sets a character's rate and its next due time. The lock is held. */
static void set_clock(srv_live *live, srv_character *c, int rate)
{
    const int64_t now = srv_now();
    int best = 0;
    if (c->ticks_rate == 0) {
        for (int s = 1; s < SLOTS; s++)
            if (live->slot_count[s] < live->slot_count[best])
                best = s;
        live->slot_count[best]++;
        c->slot = best;
    }
    c->ticks_rate = rate;
    c->tick = (now - live->start) / (second / rate);
    while ((c->due = due_time(live, c)) <= now)
        c->tick++;
}

/* The next due time after a step. The lock is held. */
static void advance_clock(srv_live *live, srv_character *c)
{
    pthread_mutex_lock(&c->mutex);
    const int rate = c->rate;
    pthread_mutex_unlock(&c->mutex);
    const int64_t now = srv_now();
    if (now > c->due + second / c->ticks_rate)
        atomic_fetch_add(&live->stats.missed, 1);
    if (rate != c->ticks_rate) {
        set_clock(live, c, rate);
        return;
    }
    if (now > c->due + late_limit) {
        const int64_t skipped = (now - c->due) / (second / rate);
        atomic_fetch_add(&live->stats.skipped, skipped);
        c->tick += skipped;
    }
    c->tick++;
    c->due = due_time(live, c);
}

/* ---- a character ---- */

static void make_body(srv_character *c)
{
    amb_character_def def;
    amb_character_def_init(&def);
    def.style = c->def.style;
    def.seed = c->def.seed;
    def.heading = c->def.heading;
    def.entry_tries = c->live->def.entry_tries;
    def.recover = (uint64_t)c->live->def.recover;
    def.get_up_s = c->live->def.get_up_s;
    memcpy(def.position, c->def.position, sizeof def.position);
    char *id = c->def.id;
    c->def.id = NULL;
    if (amb_character_create(c->live->set[c->def.set], &def, &c->body) != AMB_OK) {
        c->failed = true;
        report(c, SRV_FAILED, c->def.client, id, amb_error_message());
        return;
    }
    c->state = (amb_character_state){.size = sizeof c->state};
    amb_character_get_state(c->body, &c->state);
    snprintf(c->last_style, sizeof c->last_style, "%s", c->state.style);
    c->last_skill = c->state.skill;
    report(c, SRV_CREATED, c->def.client, id, c->state.style);
}

static amb_result apply_request(srv_character *c, const srv_command *command)
{
    amb_request request;
    amb_request_init(&request);
    request.style = command->style[0] ? command->style : NULL;
    request.skill = command->skill[0] ? command->skill : NULL;
    request.heading = command->heading;
    request.speed = command->speed;
    request.turn = command->turn;
    request.cycles = command->cycles;
    if (request.skill)
        c->alone = true;
    return amb_character_request(c->body, &request);
}

static void apply(srv_character *c, srv_command *command)
{
    amb_result result = AMB_OK;
    switch (command->kind) {
    case SRV_REQUEST:
        result = apply_request(c, command);
        break;
    case SRV_PUSH:
        result = amb_character_push(c->body, command->velocity);
        break;
    case SRV_PULL:
        result = amb_character_pull(c->body, command->body, command->point, command->target);
        c->pulled = result == AMB_OK;
        break;
    case SRV_RELEASE:
        amb_character_release(c->body);
        c->pulled = false;
        break;
    case SRV_LIFT:
        amb_character_lift(c->body);
        break;
    }
    if (result != AMB_OK)
        report(c, SRV_FAILED, command->client, command->id, amb_error_message());
    else if (command->id)
        report(c, SRV_DONE, command->client, command->id, NULL);
    command->id = NULL;
}

/* Applies waiting commands up to the first request for a skill, whose search for an entry takes long. */
static void apply_commands(srv_character *c)
{
    srv_command command[SRV_COMMANDS];
    int n = 0;
    pthread_mutex_lock(&c->mutex);
    while (n < c->commands) {
        command[n] = c->command[n];
        if (command[n++].skill[0])
            break;
    }
    c->commands -= n;
    memmove(c->command, c->command + n, (size_t)c->commands * sizeof *c->command);
    pthread_mutex_unlock(&c->mutex);
    for (int k = 0; k < n; k++)
        apply(c, &command[k]);
}

static void report_changes(srv_character *c)
{
    for (amb_event e = {.size = sizeof e}; amb_character_poll(c->body, &e);) {
        if ((unsigned)e.type < 8)
            atomic_fetch_add(&c->live->stats.events[e.type], 1);
        report_event(c, &e);
    }
    amb_character_get_state(c->body, &c->state);
    if (c->state.skill != c->last_skill || strcmp(c->state.style, c->last_style) != 0) {
        c->last_skill = c->state.skill;
        snprintf(c->last_style, sizeof c->last_style, "%s", c->state.style);
        report(c, SRV_STATE, 0, NULL, c->state.style);
    }
}

/* Copies the body's pose to where the network's thread reads it. */
static void publish(srv_character *c)
{
    srv_live *live = c->live;
    srv_frame f = {.number = c->tick * (SRV_RATE / c->ticks_rate),
                   .due = c->due,
                   .time = c->state.time,
                   .phase = (float)c->state.phase,
                   .speed = (float)c->state.speed,
                   .down = c->state.down,
                   .settled = c->state.settled,
                   .pulled = c->pulled};
    const char *own = amb_model_set_skill_name(live->set[c->def.set], 0);
    f.skilled = c->state.skill && strcmp(c->state.skill, own) != 0;
    for (int k = 0; k < 3; k++)
        f.velocity[k] = (float)c->state.velocity[k];
    amb_character_pose(c->body, 0, f.body, NULL);
    /* A motion that is not the styles' own ends by a search for the next one. */
    c->alone = f.skilled || (live->def.recover && f.down) || (c->alone && !f.settled);
    pthread_mutex_lock(&c->mutex);
    c->frame = f;
    pthread_mutex_unlock(&c->mutex);
}

/* ---- threads ---- */

/* Characters that are due now and can be stepped together; if none are, 0 and the time of the next (0: none).
 * The lock is held. */
static int take_due(srv_live *live, srv_character **batch, int64_t *next)
{
    srv_character *later[BATCH];
    const int64_t now = srv_now();
    const int max_alone = live->threads > 1 ? live->threads - 1 : 1;
    int n = 0, put_off = 0;
    *next = 0;
    while (live->waiting > 0 && n < BATCH && put_off < BATCH && live->heap[0]->due <= now) {
        srv_character *c = pop_heap(live);
        const bool fits = n == 0 ? !c->alone || live->alone < max_alone
                                 : !c->alone && !batch[0]->alone && c->ticks_rate == batch[0]->ticks_rate;
        if (fits)
            batch[n++] = c;
        else
            later[put_off++] = c;
        if (n == 1 && batch[0]->alone) {
            live->alone++;
            break;
        }
    }
    for (int k = 0; k < put_off; k++)
        push_heap(live, later[k]);
    if (n == 0 && live->waiting > 0) /* overdue ones wait for a thread that steps one alone */
        *next = live->heap[0]->due > now ? live->heap[0]->due : now + 1000000;
    return n;
}

static bool must_end(srv_character *c)
{
    pthread_mutex_lock(&c->mutex);
    const bool end = c->end;
    pthread_mutex_unlock(&c->mutex);
    return end;
}

static void end_body(srv_character *c)
{
    for (int k = 0; k < c->commands; k++)
        free(c->command[k].id);
    c->commands = 0;
    free(c->def.id);
    c->def.id = NULL;
    amb_character_destroy(c->body);
    c->body = NULL;
}

static void step_batch(srv_live *live, srv_character **batch, int n)
{
    amb_character *body[BATCH];
    int m = 0;
    const int64_t begun = srv_now();
    for (int k = 0; k < n; k++) {
        apply_commands(batch[k]);
        body[m++] = batch[k]->body;
    }
    amb_characters_advance(body, m, 1. / batch[0]->ticks_rate, NULL);
    for (int k = 0; k < n; k++) {
        report_changes(batch[k]);
        publish(batch[k]);
    }
    const int64_t each = (srv_now() - begun) / n;
    atomic_fetch_add_explicit(&live->stats.steps, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&live->stats.step_ns, each * n, memory_order_relaxed);
    for (int k = 0; k < n; k++)
        srv_count_time(live->stats.step_bucket, each);
}

/* Splits a batch: those to end are ended, those without a body get one; the others are stepped. */
static void run_batch(srv_live *live, srv_character **batch, int n)
{
    srv_character *step[BATCH];
    bool ended[BATCH] = {false};
    int steps = 0, alone = n == 1 && batch[0]->alone;
    for (int k = 0; k < n; k++) {
        if ((ended[k] = must_end(batch[k]))) {
            end_body(batch[k]);
            continue;
        }
        if (!batch[k]->body && !batch[k]->failed)
            make_body(batch[k]);
        if (batch[k]->body)
            step[steps++] = batch[k];
    }
    if (steps > 0)
        step_batch(live, step, steps);
    pthread_mutex_lock(&live->mutex);
    live->alone -= alone;
    for (int k = 0; k < n; k++) {
        srv_character *c = batch[k];
        if (ended[k]) {
            live->slot_count[c->slot]--;
            continue;
        }
        if (c->body && !c->published) {
            c->published = true;
            c->next_published = live->published;
            live->published = c;
        }
        advance_clock(live, c);
        push_heap(live, c);
    }
    if (live->waiting > 0 && live->heap[0]->due <= srv_now())
        pthread_cond_signal(&live->work);
    pthread_mutex_unlock(&live->mutex);
    for (int k = 0; k < n; k++)
        if (ended[k])
            report(batch[k], SRV_ENDED, 0, NULL, NULL);
    live->def.wake(live->def.context);
}

static void *work(void *context)
{
    srv_live *live = context;
    srv_character *batch[BATCH];
    pthread_mutex_lock(&live->mutex);
    while (!live->stopping) {
        int64_t next;
        const int n = take_due(live, batch, &next);
        if (n > 0) {
            pthread_mutex_unlock(&live->mutex);
            run_batch(live, batch, n);
            pthread_mutex_lock(&live->mutex);
        } else if (next == 0) {
            pthread_cond_wait(&live->work, &live->mutex);
        } else {
            const struct timespec until = {(time_t)(next / second), (long)(next % second)};
            pthread_cond_timedwait(&live->work, &live->mutex, &until);
        }
    }
    pthread_mutex_unlock(&live->mutex);
    return NULL;
}

/* ---- start and end ---- */

/* The rest pose of a character, which is made for it. */
static bool measure_body(srv_live *live, ami_error *err)
{
    amb_transform local[SRV_BODIES];
    amb_character *c;
    amb_character_def def;
    amb_character_def_init(&def);
    def.recover = (uint64_t)live->def.recover;
    def.get_up_s = live->def.get_up_s;
    if (amb_character_create(live->set[0], &def, &c) != AMB_OK)
        return ami_fail(err, "%s", amb_error_message());
    if (amb_character_bodies(c) != SRV_BODIES) {
        amb_character_destroy(c);
        return ami_fail(err, "the body does not have %d parts", SRV_BODIES);
    }
    amb_character_rest(c, NULL, local);
    for (int b = 0; b < SRV_BODIES; b++) {
        live->body[b] = (srv_body){amb_character_body_name(c, b), amb_character_body_parent(c, b), {0}};
        memcpy(live->body[b].offset, local[b].position, sizeof local[b].position);
    }
    amb_character_destroy(c);
    return true;
}

/* The shapes of the body's MJCF file. */
static bool read_shapes(srv_live *live, ami_error *err)
{
    const ami_character_def def = ami_character_default_def();
    ami_character *c = ami_character_create(&def, err);
    if (!c)
        return false;
    const mjModel *m = c->model;
    for (int g = 0; g < m->ngeom && live->shapes < SRV_MAX_SHAPES; g++) {
        const int type = m->geom_type[g];
        if (c->geom_body[g] < 0 || (type != mjGEOM_SPHERE && type != mjGEOM_CAPSULE && type != mjGEOM_BOX))
            continue;
        srv_shape *s = &live->shape[live->shapes++];
        s->kind = type == mjGEOM_SPHERE ? SRV_SPHERE : type == mjGEOM_CAPSULE ? SRV_CAPSULE : SRV_BOX;
        s->body = c->geom_body[g];
        memcpy(s->size, m->geom_size + 3 * g, sizeof s->size);
        memcpy(s->position, m->geom_pos + 3 * g, sizeof s->position);
        memcpy(s->rotation, m->geom_quat + 4 * g, sizeof s->rotation);
        const float *colour =
            m->geom_matid[g] >= 0 ? m->mat_rgba + 4 * m->geom_matid[g] : m->geom_rgba + 4 * g;
        memcpy(s->colour, colour, sizeof s->colour);
    }
    ami_character_destroy(c);
    return true;
}

/* The path of a folder's file, NULL where the folder does not have it. */
static const char *file_of(const char *folder, const char *name, char path[4096])
{
    const int n = snprintf(path, 4096, "%s/%s", folder, name);
    return n > 0 && n < 4096 && access(path, R_OK) == 0 ? path : NULL;
}

/* Loads the next set. folder NULL: amble's own. */
static bool load_set(srv_live *live, const char *folder, ami_error *err)
{
    static char path[5][4096];
    amb_model_set_def def;
    amb_model_set **set = &live->set[live->sets];
    amb_model_set_def_init(&def);
    if (folder) {
        def.body = file_of(folder, "humanoid.xml", path[0]);
        def.locomotion = file_of(folder, "locomotion.onnx", path[1]);
        def.decoder = file_of(folder, "stylevae_decoder.onnx", path[2]);
        def.deepphase = file_of(folder, "deepphase.onnx", path[3]);
        def.styles = file_of(folder, "styles.json", path[4]);
    }
    if (folder && !def.body && !def.locomotion && !def.decoder && !def.deepphase && !def.styles)
        return ami_fail(err,
                        "%s has none of humanoid.xml, locomotion.onnx, stylevae_decoder.onnx, deepphase.onnx "
                        "and styles.json",
                        folder);
    if (amb_model_set_load(&def, set) != AMB_OK)
        return ami_fail(err, "%s", amb_error_message());
    live->sets++;
    return amb_model_set_styles(*set) > 0 ||
           ami_fail(err, "there are no styles, which live characters begin with");
}

static bool prepare(srv_live *live, ami_error *err)
{
    bool ok = load_set(live, NULL, err);
    for (int i = 0; ok && i < live->def.sets; i++)
        ok = load_set(live, live->def.set[i].folder, err) ||
             ami_fail_in(err, "--set %s", live->def.set[i].name);
    if (!ok)
        return false;
    live->character = calloc((size_t)live->def.max_characters, sizeof *live->character);
    live->heap = calloc((size_t)live->def.max_characters, sizeof *live->heap);
    if (!live->character || !live->heap)
        return ami_fail(err, "out of memory");
    return measure_body(live, err) && read_shapes(live, err);
}

srv_live *srv_live_start(const srv_live_def *def, ami_error *err)
{
    srv_live *live = calloc(1, sizeof *live);
    if (!live) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    live->def = *def;
    if (live->def.max_characters > MAX_CHARACTERS)
        live->def.max_characters = MAX_CHARACTERS;
    live->start = srv_now();
    live->last = &live->first;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&live->mutex, NULL);
    pthread_cond_init(&live->work, &attributes);
    pthread_condattr_destroy(&attributes);
    bool ok = prepare(live, err);
    const int threads = def->threads < MAX_THREADS ? def->threads : MAX_THREADS;
    pthread_mutex_lock(&live->mutex);
    while (ok && live->threads < threads) {
        ok = pthread_create(&live->thread[live->threads], NULL, work, live) == 0;
        live->threads += ok;
        if (!ok)
            ami_fail(err, "no thread can be started: %s", strerror(errno));
    }
    pthread_mutex_unlock(&live->mutex);
    if (ok)
        return live;
    srv_live_stop(live);
    return NULL;
}

void srv_character_free(srv_character *character)
{
    srv_live *live = character->live;
    for (int i = 0; i < live->characters; i++)
        if (live->character[i] == character) {
            live->characters--;
            memmove(live->character + i, live->character + i + 1,
                    (size_t)(live->characters - i) * sizeof *live->character);
            break;
        }
    pthread_mutex_lock(&live->mutex);
    for (srv_character **at = &live->published; *at; at = &(*at)->next_published)
        if (*at == character) {
            *at = character->next_published;
            break;
        }
    pthread_mutex_unlock(&live->mutex);
    pthread_mutex_destroy(&character->mutex);
    free(character);
}

void srv_live_stop(srv_live *live)
{
    if (!live)
        return;
    pthread_mutex_lock(&live->mutex);
    live->stopping = true;
    pthread_cond_broadcast(&live->work);
    pthread_mutex_unlock(&live->mutex);
    for (int i = 0; i < live->threads; i++)
        pthread_join(live->thread[i], NULL);
    for (srv_notice *n = live->first; n;) {
        srv_notice *next = n->next;
        srv_notice_free(n);
        n = next;
    }
    while (live->characters > 0) {
        srv_character *c = live->character[live->characters - 1];
        end_body(c);
        srv_character_free(c);
    }
    for (int i = 0; i < live->sets; i++)
        amb_model_set_destroy(live->set[i]);
    pthread_mutex_destroy(&live->mutex);
    pthread_cond_destroy(&live->work);
    free(live->character);
    free(live->heap);
    free(live);
}

/* ---- for the network's thread ---- */

const char *srv_live_set_name(const srv_live *live, int set)
{
    return set < 0 || set >= live->sets ? NULL : set == 0 ? "default" : live->def.set[set - 1].name;
}

int srv_live_find_set(const srv_live *live, const char *name)
{
    for (int i = 0; i < live->sets; i++)
        if (!strcmp(srv_live_set_name(live, i), name))
            return i;
    return -1;
}

const amb_model_set *srv_live_set(const srv_live *live, int set)
{
    return live->set[set];
}

srv_live_stats *srv_live_get_stats(srv_live *live)
{
    return &live->stats;
}

int srv_live_characters(const srv_live *live)
{
    return live->characters;
}

const srv_body *srv_live_bodies(const srv_live *live)
{
    return live->body;
}

int srv_live_shapes(const srv_live *live, const srv_shape **shapes)
{
    *shapes = live->shape;
    return live->shapes;
}

srv_character *srv_character_add(srv_live *live, const srv_character_def *def, ami_error *err)
{
    if (live->characters >= live->def.max_characters) {
        ami_fail(err, "there are %d characters already, which is the server's limit", live->characters);
        return NULL;
    }
    srv_character *c = calloc(1, sizeof *c);
    if (!c) {
        ami_fail(err, "out of memory for a character");
        return NULL;
    }
    c->number = ++live->last_number;
    c->live = live;
    c->def = *def;
    c->owner = def->client;
    c->rate = def->rate;
    c->frame.number = -1;
    pthread_mutex_init(&c->mutex, NULL);
    live->character[live->characters++] = c;
    atomic_fetch_add(&live->stats.created, 1);
    pthread_mutex_lock(&live->mutex);
    set_clock(live, c, def->rate);
    push_heap(live, c);
    pthread_cond_signal(&live->work);
    pthread_mutex_unlock(&live->mutex);
    return c;
}

void srv_character_end(srv_character *character, const char *reason)
{
    if (character->ending)
        return;
    character->ending = true;
    character->end_reason = reason;
    pthread_mutex_lock(&character->mutex);
    character->end = true;
    pthread_mutex_unlock(&character->mutex);
}

srv_character *srv_character_find(srv_live *live, uint32_t number)
{
    int lo = 0, hi = live->characters;
    while (lo < hi) {
        const int mid = (lo + hi) / 2;
        if (live->character[mid]->number < number)
            lo = mid + 1;
        else
            hi = mid;
    }
    srv_character *c = lo < live->characters ? live->character[lo] : NULL;
    return c && c->number == number && !c->ending ? c : NULL;
}

bool srv_character_command(srv_character *character, const srv_command *command)
{
    pthread_mutex_lock(&character->mutex);
    srv_command *last = character->commands > 0 ? &character->command[character->commands - 1] : NULL;
    bool taken = true;
    if (last && last->kind == SRV_PULL && command->kind == SRV_PULL && last->client == command->client &&
        !last->id) {
        *last = *command;
    } else if (character->commands < SRV_COMMANDS) {
        character->command[character->commands++] = *command;
    } else {
        taken = false;
    }
    pthread_mutex_unlock(&character->mutex);
    return taken;
}

void srv_character_set_rate(srv_character *character, int rate)
{
    pthread_mutex_lock(&character->mutex);
    character->rate = rate;
    pthread_mutex_unlock(&character->mutex);
}

void srv_character_frame(srv_character *character, srv_frame *frame)
{
    pthread_mutex_lock(&character->mutex);
    *frame = character->frame;
    pthread_mutex_unlock(&character->mutex);
}

void srv_live_visit(srv_live *live, void (*visit)(void *context, srv_character *character), void *context)
{
    for (int i = 0; i < live->characters; i++)
        if (!live->character[i]->ending)
            visit(context, live->character[i]);
}
