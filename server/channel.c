/* Control messages, answers, and binary frames of one client's characters. */
#include "server/channel.h"

#include "server/worker.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_QUEUED = 1 << 18, HEAD = 40, QUANTISED_HEAD = 36, MAX_LISTED = 200 };
enum { FLOAT32 = 1, QUANTISED = 2 };
enum { DOWN = 1, SETTLED = 2, PULLED = 4, SKILLED = 8 };

static const double max_push = 20, max_position = 1000;

typedef struct watch {
    srv_channel *channel;
    srv_character *character;
    int rate, format;
    int64_t last; /* number of the frame sent last */
    bool fresh;   /* there is a newer one */
    bool paused;  /* an own one whose frames are not sent */
    struct watch *next_of_character, *next;
} watch;

typedef struct message {
    char *text;
    size_t size;
    struct message *next;
} message;

struct srv_channel {
    srv_channels *all;
    uint64_t id;
    void *socket;
    watch *watches;
    int watching, fresh;
    message *first, **last;
    size_t queued;
    int64_t active, counted; /* ns */
    double allowance;        /* messages */
    srv_channel *next;
};

struct srv_channels {
    srv_live *live;
    srv_channel_limits limits;
    srv_channel *first;
    int count;
    uint64_t last_id;
};

/* ---- messages out ---- */

static void send_json(srv_channel *c, json_t *o)
{
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(o);
    message *m = text ? malloc(sizeof *m) : NULL;
    if (!m || strlen(text) > SRV_MAX_OUT) {
        free(m);
        free(text);
        return;
    }
    *m = (message){text, strlen(text), NULL};
    *c->last = m;
    c->last = &m->next;
    c->queued += m->size;
}

/* Adds the request's id, which may be any JSON value, to an answer. */
static json_t *with_id(json_t *o, const char *id)
{
    json_t *value = id ? json_loads(id, JSON_DECODE_ANY, NULL) : NULL;
    if (o && value)
        json_object_set_new(o, "id", value);
    else
        json_decref(value);
    return o;
}

static void send_error(srv_channel *c, const char *id, const char *sentence)
{
    ami_error err;
    ami_fail(&err, "%s", sentence); /* escapes what is not UTF-8 */
    send_json(c, with_id(json_pack("{ss ss}", "type", "error", "error", err.text), id));
}

/* ---- watches ---- */

static watch *find_watch(const srv_channel *c, const srv_character *character)
{
    for (watch *w = c->watches; w; w = w->next)
        if (w->character == character)
            return w;
    return NULL;
}

/* The rate of a character is that of its fastest watcher. */
static void choose_rate(srv_character *character)
{
    int rate = 30;
    for (const watch *w = character->watches; w; w = w->next_of_character)
        if (w->rate > rate && !w->paused)
            rate = w->rate;
    srv_character_set_rate(character, rate);
}

static watch *add_watch(srv_channel *c, srv_character *character, int rate, int format)
{
    watch *w = calloc(1, sizeof *w);
    if (!w)
        return NULL;
    *w = (watch){.channel = c, .character = character, .rate = rate, .format = format, .last = -1};
    w->next_of_character = character->watches;
    character->watches = w;
    w->next = c->watches;
    c->watches = w;
    c->watching++;
    choose_rate(character);
    return w;
}

/* The frames of an own character are no longer sent; all else goes on. */
static void pause_watch(watch *w)
{
    w->channel->fresh -= w->fresh;
    w->fresh = false;
    w->paused = true;
    choose_rate(w->character);
}

/* A shared character ends with its last watcher. */
static void remove_watch(watch *w)
{
    srv_channel *c = w->channel;
    srv_character *character = w->character;
    watch **at = &c->watches;
    while (*at != w)
        at = &(*at)->next;
    *at = w->next;
    watch *list = character->watches;
    if (list == w) {
        character->watches = w->next_of_character;
    } else {
        while (list->next_of_character != w)
            list = list->next_of_character;
        list->next_of_character = w->next_of_character;
    }
    c->watching--;
    c->fresh -= w->fresh;
    free(w);
    choose_rate(character);
    if (!character->watches)
        srv_character_end(character, "nobody watches it");
}

/* ---- messages in ---- */

static bool read_number(const json_t *o, const char *key, double lo, double hi, double *to, ami_error *err)
{
    const json_t *value = json_object_get(o, key);
    if (!value)
        return true;
    const double x = json_is_number(value) ? json_number_value(value) : (double)NAN;
    if (!(x >= lo && x <= hi))
        return json_is_number(value) ? ami_fail(err, "\"%s\" is %g, expected %g to %g", key, x, lo, hi)
                                     : ami_fail(err, "\"%s\" is not a number", key);
    *to = x;
    return true;
}

static bool read_whole(const json_t *o, const char *key, double lo, double hi, double *to, ami_error *err)
{
    double x = *to;
    if (!read_number(o, key, lo, hi, &x, err))
        return false;
    if (x != floor(x))
        return ami_fail(err, "\"%s\" is %.15g, expected a whole number", key, x);
    *to = x;
    return true;
}

static bool read_truth(const json_t *o, const char *key, bool *to, ami_error *err)
{
    const json_t *value = json_object_get(o, key);
    if (value && !json_is_boolean(value))
        return ami_fail(err, "\"%s\" is not true or false", key);
    *to = value ? json_is_true(value) : *to;
    return true;
}

static bool read_text(const json_t *o, const char *key, char to[SRV_STYLE], ami_error *err)
{
    const json_t *value = json_object_get(o, key);
    if (!value)
        return true;
    const char *text = json_string_value(value);
    if (!text)
        return ami_fail(err, "\"%s\" is not a string", key);
    if (strlen(text) >= SRV_STYLE)
        return ami_fail(err, "\"%s\" has %zu bytes, expected at most %d", key, strlen(text), SRV_STYLE - 1);
    snprintf(to, SRV_STYLE, "%s", text);
    return true;
}

/* A list of n to 3 numbers; those that are not given stay. */
static bool read_vector(const json_t *o, const char *key, size_t n, double limit, double to[3],
                        ami_error *err)
{
    const json_t *list = json_object_get(o, key);
    const size_t size = json_array_size(list);
    if (!json_is_array(list) || size < n || size > 3)
        return ami_fail(err, "\"%s\" is not a list of %s numbers", key, n == 3 ? "3" : "2 or 3");
    for (size_t i = 0; i < size; i++) {
        const json_t *value = json_array_get(list, i);
        const double x = json_is_number(value) ? json_number_value(value) : (double)NAN;
        if (!(fabs(x) <= limit))
            return ami_fail(err, "number %zu of \"%s\" is not from %g to %g", i + 1, key, -limit, limit);
        to[i] = x;
    }
    return true;
}

static bool read_rate(const json_t *o, int *rate, int *format, ami_error *err)
{
    double hz = *rate;
    char text[SRV_STYLE] = "";
    if (!read_number(o, "rate", 1, SRV_RATE, &hz, err) || !read_text(o, "format", text, err))
        return false;
    if (hz != (int)hz || SRV_RATE % (int)hz != 0)
        return ami_fail(err, "\"rate\" is %g, expected 60 divided by a whole number: 60, 30, 20, 15, 10, …",
                        hz);
    *rate = (int)hz;
    if (!strcmp(text, "quantised"))
        *format = QUANTISED;
    else if (!strcmp(text, "float32") || !*text)
        *format = *text ? FLOAT32 : *format;
    else
        return ami_fail(err, "\"format\" is \"%s\", expected \"float32\" or \"quantised\"", text);
    return true;
}

/* The number that a message names, and its character; NULL: there is none, or its client has not been told
 * of it yet. False where it is not a number. */
static bool read_character(const srv_channel *c, const json_t *o, json_int_t *n, srv_character **character,
                           ami_error *err)
{
    const json_t *number = json_object_get(o, "character");
    if (!json_is_integer(number))
        return ami_fail(err, "\"character\" is not a character's number");
    *n = json_integer_value(number);
    *character = *n > 0 && *n <= UINT32_MAX ? srv_character_find(c->all->live, (uint32_t)*n) : NULL;
    if (*character && !(*character)->created)
        *character = NULL;
    return true;
}

/* The character that a message names, which this client must watch. */
static watch *read_watched(const srv_channel *c, const json_t *o, ami_error *err)
{
    json_int_t n = 0;
    srv_character *character = NULL;
    if (!read_character(c, o, &n, &character, err))
        return NULL;
    watch *w = character ? find_watch(c, character) : NULL;
    if (!w)
        ami_fail(err, "you have no character %lld", (long long)n);
    return w;
}

static json_t *about_json(const char *type, const srv_character *character)
{
    json_t *o = json_pack("{ss sI ss sb}", "type", type, "character", (json_int_t)character->number, "style",
                          character->style, "shared", character->shared);
    if (o && character->skill)
        json_object_set_new(o, "skill", json_string(character->skill));
    return o;
}

static bool has_capacity(const srv_channel *c, ami_error *err)
{
    if (c->watching < c->all->limits.client_characters)
        return true;
    return ami_fail(err, "you have %d characters, which is the limit for a client", c->watching);
}

static bool do_create(srv_channel *c, const json_t *o, char **id, ami_error *err)
{
    srv_character_def def = {.client = c->id, .style = "walk", .rate = 30};
    int rate = 30, format = FLOAT32;
    double seed = 0;
    bool shared = false;
    char set[SRV_STYLE] = "default";
    if (!has_capacity(c, err) || !read_text(o, "style", def.style, err) || !read_text(o, "set", set, err) ||
        !read_truth(o, "shared", &shared, err) || !read_whole(o, "seed", 0, 9007199254740992., &seed, err) ||
        !read_number(o, "heading", -1000, 1000, &def.heading, err) || !read_rate(o, &rate, &format, err) ||
        (json_object_get(o, "position") && !read_vector(o, "position", 2, max_position, def.position, err)))
        return false;
    def.set = srv_live_find_set(c->all->live, set);
    if (def.set < 0)
        return ami_fail(err, "there is no set of models \"%.60s\"; GET /v1/skills lists them", set);
    def.seed = (uint64_t)seed;
    def.rate = rate > 30 ? 60 : 30;
    def.id = *id;
    srv_character *character = srv_character_add(c->all->live, &def, err);
    if (!character)
        return false;
    *id = NULL;
    character->shared = shared;
    snprintf(character->style, sizeof character->style, "%s", def.style);
    if (add_watch(c, character, rate, format))
        return true;
    srv_character_end(character, "out of memory");
    return ami_fail(err, "out of memory");
}

static bool do_watch(srv_channel *c, const json_t *o, char **id, ami_error *err)
{
    json_int_t n = 0;
    srv_character *character = NULL;
    if (!read_character(c, o, &n, &character, err))
        return false;
    watch *w = character ? find_watch(c, character) : NULL;
    int rate = w ? w->rate : 30, format = w ? w->format : FLOAT32;
    if (!character || (!character->shared && !w))
        return ami_fail(err, "there is no shared character %lld", (long long)n);
    if (!read_rate(o, &rate, &format, err) || (!w && !has_capacity(c, err)))
        return false;
    if (!w && !(w = add_watch(c, character, rate, format)))
        return ami_fail(err, "out of memory");
    w->rate = rate;
    w->format = format;
    w->paused = false;
    choose_rate(character);
    send_json(c, with_id(about_json("watching", character), *id));
    return true;
}

static void list_shared(void *context, srv_character *character)
{
    json_t *list = context;
    if (character->shared && character->created && json_array_size(list) < MAX_LISTED)
        json_array_append_new(list, json_pack("{sI ss}", "character", (json_int_t)character->number, "style",
                                              character->style));
}

static bool read_pull(const json_t *o, const srv_channel *c, srv_command *command, ami_error *err)
{
    const srv_body *bodies = srv_live_bodies(c->all->live);
    const json_t *body = json_object_get(o, "body");
    command->body =
        json_is_integer(body) && json_integer_value(body) >= 0 && json_integer_value(body) < SRV_BODIES
            ? (int)json_integer_value(body)
            : -1;
    for (int b = 0; json_is_string(body) && b < SRV_BODIES; b++)
        if (!strcmp(bodies[b].name, json_string_value(body)))
            command->body = b;
    if (command->body < 0)
        return ami_fail(err, "\"body\" is not the name of a body, or its number from 0 to %d",
                        SRV_BODIES - 1);
    return (!json_object_get(o, "point") || read_vector(o, "point", 3, 10, command->point, err)) &&
           read_vector(o, "target", 3, 1e6, command->target, err);
}

static bool read_request(const json_t *o, srv_command *command, ami_error *err)
{
    double cycles = 0;
    if (!read_text(o, "style", command->style, err) || !read_text(o, "skill", command->skill, err) ||
        !read_number(o, "heading", -1e6, 1e6, &command->heading, err) ||
        !read_number(o, "speed", 0, 20, &command->speed, err) ||
        !read_number(o, "turn", -10, 10, &command->turn, err) ||
        !read_whole(o, "cycles", 0, 1e6, &cycles, err))
        return false;
    command->cycles = (int)cycles;
    return true;
}

/* A message for one character, which the simulation executes and answers. */
static bool do_command(srv_channel *c, const char *type, const json_t *o, char **id, ami_error *err)
{
    srv_command command = {.client = c->id, .heading = NAN, .speed = NAN, .turn = NAN, .id = *id};
    const watch *w = read_watched(c, o, err);
    bool ok = w;
    if (ok && !strcmp(type, "request")) {
        command.kind = SRV_REQUEST;
        ok = read_request(o, &command, err);
    } else if (ok && !strcmp(type, "push")) {
        command.kind = SRV_PUSH;
        ok = read_vector(o, "velocity", 2, max_push, command.velocity, err);
    } else if (ok && !strcmp(type, "pull")) {
        command.kind = SRV_PULL;
        ok = read_pull(o, c, &command, err);
    } else if (ok) {
        command.kind = !strcmp(type, "lift") ? SRV_LIFT : SRV_RELEASE;
    }
    if (!ok)
        return false;
    if (!srv_character_command(w->character, &command))
        return ami_fail(err, "%d messages wait for character %u already; send fewer", SRV_COMMANDS,
                        w->character->number);
    *id = NULL;
    return true;
}

static bool handle(srv_channel *c, const json_t *o, char **id, ami_error *err)
{
    static const char *const commands[] = {"request", "push", "pull", "release", "lift"};
    const char *type = json_string_value(json_object_get(o, "type"));
    if (!type)
        return ami_fail(err, "a message is a JSON object with a \"type\"");
    if (!strcmp(type, "ping")) {
        send_json(c,
                  with_id(json_pack("{ss sf}", "type", "pong", "server_s", 1e-9 * (double)srv_now()), *id));
        return true;
    }
    c->active = srv_now();
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
        if (!strcmp(type, commands[i]))
            return do_command(c, type, o, id, err);
    if (!strcmp(type, "create"))
        return do_create(c, o, id, err);
    if (!strcmp(type, "watch"))
        return do_watch(c, o, id, err);
    if (!strcmp(type, "list")) {
        json_t *list = json_array();
        srv_live_visit(c->all->live, list_shared, list);
        send_json(c, with_id(json_pack("{ss so}", "type", "list", "characters", list), *id));
        return true;
    }
    if (strcmp(type, "unwatch") != 0 && strcmp(type, "destroy") != 0)
        return ami_fail(
            err,
            "there is no message \"%.60s\", expected create, watch, unwatch, destroy, list, request, "
            "push, pull, release, lift or ping",
            type);
    watch *w = read_watched(c, o, err);
    if (!w)
        return false;
    if (*type == 'd') {
        if (w->character->owner != c->id)
            return ami_fail(err, "character %u is another client's", w->character->number);
        srv_character_end(w->character, "it was destroyed");
        return true;
    }
    if (w->character->owner == c->id)
        pause_watch(w);
    else
        remove_watch(w);
    if (*id)
        send_json(c, with_id(json_pack("{ss}", "type", "ok"), *id));
    return true;
}

bool srv_channel_receive(srv_channel *channel, const char *text, size_t size, const char **why)
{
    const int64_t now = srv_now();
    const double hz = channel->all->limits.messages_hz;
    channel->allowance += 1e-9 * (double)(now - channel->counted) * hz;
    if (channel->allowance > 4 * hz)
        channel->allowance = 4 * hz;
    channel->counted = now;
    if (channel->allowance < 1) {
        *why = "too many messages";
        return false;
    }
    channel->allowance--;
    json_error_t at;
    json_t *o = json_loadb(text, size, JSON_REJECT_DUPLICATES, &at);
    const json_t *value = json_object_get(o, "id");
    char *id = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    ami_error err = {""};
    bool ok = false;
    if (!o)
        ami_fail(&err, "the message is not a JSON object: line %d: %s", at.line, at.text);
    else if (id && strlen(id) > 256)
        ami_fail(&err, "\"id\" has %zu bytes, expected at most 256", strlen(id));
    else
        ok = handle(channel, o, &id, &err);
    if (!ok)
        send_error(channel, id && strlen(id) <= 256 ? id : NULL, err.text);
    free(id);
    json_decref(o);
    return true;
}

/* ---- frames ---- */

static unsigned char *put(unsigned char *p, const void *value, size_t n)
{
    memcpy(p, value, n); /* amble runs on little-endian machines only (base/checkpoint.h) */
    return p + n;
}

static unsigned char *put_f32(unsigned char *p, double x)
{
    const float f = (float)x;
    return put(p, &f, sizeof f);
}

/* A unit quaternion w, x, y, z in 6 bytes: the index of its largest component in the lowest two bits, then
 * the other three in ascending order, 15 bits each, from -1/sqrt(2) (0) to 1/sqrt(2) (32767), with the sign
 * of the quaternion chosen so that the largest is positive. The error is below .0001 rad. */
static unsigned char *put_rotation(unsigned char *p, const double q[4])
{
    int largest = 0;
    for (int k = 1; k < 4; k++)
        if (fabs(q[k]) > fabs(q[largest]))
            largest = k;
    const double sign = q[largest] < 0 ? -1 : 1;
    uint64_t bits = (uint64_t)largest;
    int at = 2;
    for (int k = 0; k < 4; k++) {
        if (k == largest)
            continue;
        double x = (sign * q[k] * sqrt(2) + 1) / 2;
        x = x > 0 ? x < 1 ? x : 1 : 0;
        bits |= (uint64_t)lrint(x * 32767) << at;
        at += 15;
    }
    return put(p, &bits, 6);
}

static size_t frame_size(int format)
{
    return format == FLOAT32 ? HEAD + SRV_BODIES * 28 : QUANTISED_HEAD + SRV_BODIES * 6;
}

/* Phase in 1/65536, speed in mm/s, the root's position, rotations. */
static unsigned char *put_quantised(unsigned char *p, const srv_frame *f)
{
    const uint16_t phase = (uint16_t)(65536 * (double)f->phase);
    const uint16_t speed = (uint16_t)(f->speed > 0 ? f->speed < 65 ? 1000 * (double)f->speed : 65000 : 0);
    p = put(p, &phase, 2);
    p = put(p, &speed, 2);
    for (int k = 0; k < 3; k++)
        p = put_f32(p, f->body[0].position[k]);
    for (int b = 0; b < SRV_BODIES; b++)
        p = put_rotation(p, f->body[b].rotation);
    return p;
}

static unsigned char *put_frame(unsigned char *p, const watch *w, const srv_frame *f, int64_t now)
{
    const uint16_t size = (uint16_t)frame_size(w->format);
    const uint8_t format = (uint8_t)w->format,
                  flags = (uint8_t)((f->down ? DOWN : 0) | (f->settled ? SETTLED : 0) |
                                    (f->pulled ? PULLED : 0) | (f->skilled ? SKILLED : 0));
    const uint32_t number = w->character->number, late = (uint32_t)((now - f->due) / 1000);
    p = put(p, &size, 2);
    p = put(p, &format, 1);
    p = put(p, &flags, 1);
    p = put(p, &number, 4);
    p = put(p, &f->time, 8);
    p = put(p, &late, 4);
    if (w->format == QUANTISED)
        return put_quantised(p, f);
    p = put_f32(p, f->phase);
    p = put_f32(p, f->speed);
    for (int k = 0; k < 3; k++)
        p = put_f32(p, f->velocity[k]);
    for (int b = 0; b < SRV_BODIES; b++) {
        for (int k = 0; k < 3; k++)
            p = put_f32(p, f->body[b].position[k]);
        for (int k = 0; k < 4; k++)
            p = put_f32(p, f->body[b].rotation[k]);
    }
    return p;
}

static size_t next_frames(srv_channel *c, unsigned char *buffer)
{
    srv_live_stats *stats = srv_live_get_stats(c->all->live);
    unsigned char *p = buffer;
    for (watch *w = c->watches; w && c->fresh > 0; w = w->next) {
        if (!w->fresh)
            continue;
        if ((size_t)(p - buffer) + frame_size(w->format) > SRV_MAX_OUT)
            break;
        srv_frame f;
        srv_character_frame(w->character, &f);
        const int64_t now = srv_now(), late = now > f.due ? now - f.due : 0;
        p = put_frame(p, w, &f, f.due + late);
        w->last = f.number;
        w->fresh = false;
        c->fresh--;
        atomic_fetch_add_explicit(&stats->frames, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&stats->late_ns, late, memory_order_relaxed);
        srv_count_time(stats->late_bucket, late);
    }
    return (size_t)(p - buffer);
}

bool srv_channel_has_next(const srv_channel *channel)
{
    return channel->first || channel->fresh > 0;
}

size_t srv_channel_next(srv_channel *channel, unsigned char *buffer, bool *binary)
{
    message *m = channel->first;
    *binary = !m;
    if (!m)
        return channel->fresh > 0 ? next_frames(channel, buffer) : 0;
    const size_t size = m->size;
    memcpy(buffer, m->text, size);
    channel->first = m->next;
    if (!channel->first)
        channel->last = &channel->first;
    channel->queued -= size;
    free(m->text);
    free(m);
    return size;
}

const char *srv_channel_overdue(const srv_channel *channel)
{
    if (channel->queued > MAX_QUEUED)
        return "messages are not read";
    if (1e-9 * (double)(srv_now() - channel->active) > channel->all->limits.idle_s)
        return "idle";
    return NULL;
}

/* ---- reports of the simulation ---- */

static srv_channel *find_channel(const srv_channels *all, uint64_t id)
{
    srv_channel *c = all->first;
    while (c && c->id != id)
        c = c->next;
    return c;
}

static json_t *notice_json(const srv_notice *n)
{
    static const char *const event[] = {"",        "fell",        "stood_up",  "lifted",
                                        "reached", "skill_ended", "restarted", "rising"};
    const srv_character *character = n->character;
    json_t *o = NULL;
    switch (n->kind) {
    case SRV_CREATED:
        return with_id(about_json("created", character), n->id);
    case SRV_DONE:
        return with_id(json_pack("{ss}", "type", "ok"), n->id);
    case SRV_FAILED:
        return with_id(json_pack("{ss ss}", "type", "error", "error", n->text), n->id);
    case SRV_EVENT:
        return json_pack("{ss sI ss sf}", "type", "event", "character", (json_int_t)character->number,
                         "event", (size_t)n->event < sizeof event / sizeof *event ? event[n->event] : "",
                         "time", n->time);
    case SRV_STATE:
        return about_json("state", character);
    case SRV_ENDED:
        o = json_pack("{ss sI ss}", "type", "ended", "character", (json_int_t)character->number, "reason",
                      character->end_reason);
        break;
    }
    return o;
}

static void take_notice(srv_channels *all, srv_notice *n, void (*ready)(void *))
{
    srv_character *character = n->character;
    if (n->kind == SRV_CREATED || n->kind == SRV_STATE) {
        character->skill = n->skill;
        snprintf(character->style, sizeof character->style, "%s", n->text);
    }
    if (n->kind == SRV_FAILED && !character->created)
        srv_character_end(character, "it could not be made");
    character->created |= n->kind == SRV_CREATED;
    if (n->client) {
        srv_channel *c = find_channel(all, n->client);
        if (c) {
            send_json(c, notice_json(n));
            ready(c->socket);
        }
    } else if (character->created) { /* of one that was refused, its client knows no number */
        for (watch *w = character->watches; w; w = w->next_of_character) {
            send_json(w->channel, notice_json(n));
            ready(w->channel->socket);
        }
    }
    if (n->kind == SRV_ENDED) {
        while (character->watches)
            remove_watch(character->watches);
        srv_character_free(character);
    }
}

static void mark_fresh(srv_character *character, void (*ready)(void *))
{
    srv_frame f;
    srv_character_frame(character, &f);
    for (watch *w = character->watches; w; w = w->next_of_character) {
        if (w->fresh || w->paused || !w->character->created || f.number - w->last < SRV_RATE / w->rate)
            continue;
        w->fresh = true;
        w->channel->fresh++;
        ready(w->channel->socket);
    }
}

void srv_channels_update(srv_channels *channels, void (*ready)(void *socket))
{
    enum { PART = 256 };
    srv_character *list[PART];
    for (srv_notice *n = srv_live_take_notices(channels->live); n;) {
        srv_notice *next = n->next;
        take_notice(channels, n, ready);
        srv_notice_free(n);
        n = next;
    }
    for (int n = PART; n == PART;) {
        n = srv_live_take_published(channels->live, list, PART);
        for (int i = 0; i < n; i++)
            mark_fresh(list[i], ready);
    }
}

/* ---- channels ---- */

srv_channels *srv_channels_open(srv_live *live, const srv_channel_limits *limits)
{
    srv_channels *all = calloc(1, sizeof *all);
    if (all) {
        all->live = live;
        all->limits = *limits;
    }
    return all;
}

void srv_channels_close(srv_channels *channels)
{
    free(channels);
}

int srv_channels_count(const srv_channels *channels)
{
    return channels->count;
}

static json_t *bodies_json(const srv_live *live)
{
    const srv_body *body = srv_live_bodies(live);
    json_t *list = json_array();
    for (int b = 0; b < SRV_BODIES; b++)
        json_array_append_new(list,
                              json_pack("{ss si s[fff]}", "name", body[b].name, "parent", body[b].parent,
                                        "offset", body[b].offset[0], body[b].offset[1], body[b].offset[2]));
    return list;
}

srv_channel *srv_channel_open(srv_channels *channels, void *socket)
{
    srv_channel *c = calloc(1, sizeof *c);
    if (!c)
        return NULL;
    c->all = channels;
    c->id = ++channels->last_id;
    c->socket = socket;
    c->last = &c->first;
    c->active = c->counted = srv_now();
    c->allowance = 4 * channels->limits.messages_hz;
    c->next = channels->first;
    channels->first = c;
    channels->count++;
    send_json(c, json_pack("{ss ss si sf so}", "type", "welcome", "protocol", SRV_SUBPROTOCOL,
                           "max_characters", channels->limits.client_characters, "idle_s",
                           channels->limits.idle_s, "bodies", bodies_json(channels->live)));
    return c;
}

static void drop_messages(srv_channel *c)
{
    while (c->first) {
        message *m = c->first;
        c->first = m->next;
        free(m->text);
        free(m);
    }
    c->last = &c->first;
    c->queued = 0;
}

void srv_channel_close(srv_channel *channel)
{
    if (!channel)
        return;
    srv_channels *all = channel->all;
    while (channel->watches) {
        srv_character *character = channel->watches->character;
        if (character->owner == channel->id && !character->shared)
            srv_character_end(character, "its client left");
        remove_watch(channel->watches);
    }
    drop_messages(channel);
    srv_channel **at = &all->first;
    while (*at != channel)
        at = &(*at)->next;
    *at = channel->next;
    all->count--;
    free(channel);
}

void srv_channels_end(srv_channels *channels, const char *reason, void (*ready)(void *socket))
{
    for (srv_channel *c = channels->first; c; c = c->next) {
        for (watch *w = c->watches; w; w = w->next)
            if (w->character->created)
                send_json(c, json_pack("{ss sI ss}", "type", "ended", "character",
                                       (json_int_t)w->character->number, "reason", reason));
        ready(c->socket);
    }
}

static json_t *shapes_json(const srv_live *live)
{
    static const char *const kind[] = {"sphere", "capsule", "box"};
    const srv_shape *shape;
    const int shapes = srv_live_shapes(live, &shape);
    json_t *list = json_array();
    for (int i = 0; i < shapes; i++) {
        const srv_shape *s = &shape[i];
        json_array_append_new(list, json_pack("{si ss s[fff] s[fff] s[ffff] s[fff]}", "body", s->body, "kind",
                                              kind[s->kind], "size", s->size[0], s->size[1], s->size[2],
                                              "position", s->position[0], s->position[1], s->position[2],
                                              "rotation", s->rotation[0], s->rotation[1], s->rotation[2],
                                              s->rotation[3], "colour", (double)s->colour[0],
                                              (double)s->colour[1], (double)s->colour[2]));
    }
    return list;
}

char *srv_skills_json(const srv_live *live, int set)
{
    const amb_model_set *models = srv_live_set(live, set);
    json_t *styles = json_array(), *skills = json_array(), *sets = json_array();
    for (int i = 0; srv_live_set_name(live, i); i++)
        json_array_append_new(sets, json_string(srv_live_set_name(live, i)));
    for (int i = 0; i < amb_model_set_styles(models); i++)
        json_array_append_new(styles, json_pack("{ss sf}", "name", amb_model_set_style_name(models, i),
                                                "speed_mps", amb_model_set_style_speed(models, i)));
    for (int i = 0; i < amb_model_set_skills(models); i++)
        json_array_append_new(skills, json_pack("{ss sb}", "name", amb_model_set_skill_name(models, i),
                                                "styles", i == 0 && amb_model_set_styles(models) > 0));
    json_t *o = json_pack("{so ss so so so so}", "sets", sets, "set", srv_live_set_name(live, set), "styles",
                          styles, "skills", skills, "bodies", bodies_json(live), "shapes", shapes_json(live));
    char *text = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(o);
    return text;
}
