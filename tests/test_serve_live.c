/* Live characters of amble-serve as WebSocket clients see them: frames, requests, shared characters, limits,
 * bad messages, slow readers. The server runs as a process of its own on a free port. */
#include "bench/websocket.h"
#include "base/clock.h"

#include <jansson.h>
#include <math.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

enum { BODIES = 15, HEAD = 40 };

static const double patience = 60; /* s; only a server that hangs takes that long */

/* ---- the server ---- */

typedef struct served {
    pid_t pid;
    int port;
} served;

static void start(served *s, const char *const *options)
{
    const char *argv[32] = {
        AMB_SERVE, "--port", "0", "--threads", "1", "--models", AMB_SOURCE_DIR "/tests/data/onnx/good"};
    int n = 7, out[2];
    while (options && *options)
        argv[n++] = *options++;
    assert_int_equal(pipe(out), 0);
    s->pid = fork();
    assert_true(s->pid >= 0);
    if (s->pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        dup2(out[1], STDOUT_FILENO);
        close(out[0]);
        close(out[1]);
        execv(AMB_SERVE, (char **)argv);
        _exit(127);
    }
    close(out[1]);
    FILE *f = fdopen(out[0], "r");
    char line[256] = "";
    assert_non_null(f);
    assert_non_null(fgets(line, sizeof line, f));
    fclose(f);
    const char *colon = strrchr(line, ':');
    assert_non_null(colon);
    s->port = atoi(colon + 1);
    assert_true(s->port > 0);
}

static void stop(served *s)
{
    int status;
    kill(s->pid, SIGTERM);
    assert_int_equal(waitpid(s->pid, &status, 0), s->pid);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), 0);
}

/* ---- a client ---- */

typedef struct frame {
    int format, flags;
    uint32_t character;
    double time;
    float phase, speed, velocity[3];
    double position[BODIES][3], rotation[BODIES][4];
} frame;

typedef struct client {
    bench_socket *socket;
    double offset[BODIES][3];
    int parent[BODIES];
    frame frame; /* the last one */
    int frames, messages;
    int closed; /* code */
} client;

static void rotate(const double q[4], const double v[3], double out[3])
{
    const double w = q[0], x = q[1], y = q[2], z = q[3];
    const double t[3] = {2 * (y * v[2] - z * v[1]), 2 * (z * v[0] - x * v[2]), 2 * (x * v[1] - y * v[0])};
    out[0] = v[0] + w * t[0] + y * t[2] - z * t[1];
    out[1] = v[1] + w * t[1] + z * t[0] - x * t[2];
    out[2] = v[2] + w * t[2] + x * t[1] - y * t[0];
}

/* As docs/serving.md describes it. */
static void read_rotation(const unsigned char *p, double q[4])
{
    uint64_t bits = 0;
    memcpy(&bits, p, 6);
    const int largest = (int)(bits & 3);
    double rest = 1;
    bits >>= 2;
    for (int k = 0; k < 4; k++) {
        if (k == largest)
            continue;
        q[k] = ((double)(bits & 32767) / 32767 * 2 - 1) / sqrt(2);
        rest -= q[k] * q[k];
        bits >>= 15;
    }
    q[largest] = sqrt(rest > 0 ? rest : 0);
}

static size_t read_frame(client *c, const unsigned char *p, size_t left)
{
    frame *f = &c->frame;
    uint16_t size;
    float x[7];
    assert_true(left >= 36);
    memcpy(&size, p, 2);
    f->format = p[2];
    f->flags = p[3];
    assert_true(size <= left);
    assert_int_equal(size, f->format == 1 ? HEAD + 28 * BODIES : 36 + 6 * BODIES);
    memcpy(&f->character, p + 4, 4);
    memcpy(&f->time, p + 8, 8);
    const unsigned char *at = p + HEAD;
    if (f->format == 2) {
        uint16_t small[2];
        memcpy(small, p + 20, 4);
        f->phase = (float)small[0] / 65536;
        f->speed = (float)small[1] / 1000;
        memcpy(x, p + 24, 12);
        at = p + 36;
    } else {
        memcpy(&f->phase, p + 20, 4);
        memcpy(&f->speed, p + 24, 4);
        memcpy(f->velocity, p + 28, 12);
    }
    for (int b = 0; b < BODIES; b++) {
        if (f->format == 2) {
            read_rotation(at, f->rotation[b]);
            at += 6;
            double moved[3] = {0};
            if (b > 0)
                rotate(f->rotation[c->parent[b]], c->offset[b], moved);
            for (int k = 0; k < 3; k++)
                f->position[b][k] = b > 0 ? f->position[c->parent[b]][k] + moved[k] : (double)x[k];
            continue;
        }
        memcpy(x, at, 28);
        at += 28;
        for (int k = 0; k < 7; k++)
            *(k < 3 ? &f->position[b][k] : &f->rotation[b][k - 3]) = (double)x[k];
    }
    c->frames++;
    return size;
}

/* Receives a message: a JSON object, or NULL for frames or the end. */
static json_t *receive(client *c)
{
    bench_message m;
    const int got = bench_socket_receive(c->socket, patience, &m);
    assert_int_not_equal(got, 0);
    if (got < 0 || m.kind == BENCH_CLOSE) {
        c->closed = got < 0 ? -1 : m.code;
        return NULL;
    }
    if (m.kind == BENCH_TEXT) {
        json_t *o = json_loads(m.data, 0, NULL);
        assert_non_null(o);
        return o;
    }
    c->messages++;
    for (size_t at = 0; at < m.size;)
        at += read_frame(c, (const unsigned char *)m.data + at, m.size - at);
    return NULL;
}

/* Receives until a message of this type. */
static json_t *wait_for(client *c, const char *type)
{
    for (;;) {
        json_t *o = receive(c);
        assert_int_equal(c->closed, 0);
        if (o && !strcmp(json_string_value(json_object_get(o, "type")), type))
            return o;
        json_decref(o);
    }
}

static void wait_frames(client *c, int n)
{
    const int until = c->frames + n;
    while (c->frames < until) {
        json_decref(receive(c));
        assert_int_equal(c->closed, 0);
    }
}

static int wait_closed(client *c)
{
    while (!c->closed)
        json_decref(receive(c));
    return c->closed;
}

static void open_at(client *c, const served *s, int receive_buffer)
{
    ami_error err = {""};
    *c = (client){0};
    c->socket = bench_socket_open("127.0.0.1", s->port, "/v1/characters", NULL, receive_buffer, NULL, &err);
    if (!c->socket)
        fail_msg("%s", err.text);
    json_t *welcome = wait_for(c, "welcome"), *bodies = json_object_get(welcome, "bodies");
    assert_string_equal(json_string_value(json_object_get(welcome, "protocol")), "amble.characters.v1");
    assert_int_equal(json_array_size(bodies), BODIES);
    for (size_t b = 0; b < BODIES; b++) {
        const json_t *body = json_array_get(bodies, b);
        c->parent[b] = (int)json_integer_value(json_object_get(body, "parent"));
        assert_true(c->parent[b] < (int)b);
        for (size_t k = 0; k < 3; k++)
            c->offset[b][k] = json_number_value(json_array_get(json_object_get(body, "offset"), k));
    }
    json_decref(welcome);
}

static void close_client(client *c)
{
    bench_socket_close(c->socket);
}

static void say(client *c, const char *text)
{
    assert_true(bench_socket_send(c->socket, text));
}

static uint32_t create(client *c, const char *text)
{
    say(c, text);
    json_t *o = wait_for(c, "created");
    const uint32_t number = (uint32_t)json_integer_value(json_object_get(o, "character"));
    assert_true(number > 0);
    json_decref(o);
    return number;
}

static void refused(client *c, const char *message, const char *text)
{
    say(c, message);
    json_t *o = wait_for(c, "error");
    const char *error = json_string_value(json_object_get(o, "error"));
    if (!strstr(error, text))
        fail_msg("%s: the error is \"%s\", expected \"%s\"", message, error, text);
    json_decref(o);
}

/* Handshake refused with this status. */
static void no_socket(const served *s, const char *path, const char *headers, int expected)
{
    ami_error err = {""};
    int status;
    assert_null(bench_socket_open("127.0.0.1", s->port, path, headers, 0, &status, &err));
    assert_int_equal(status, expected);
}

/* ---- tests ---- */

/* Two characters with the same seed are the same motion, in whichever format, whatever is beside them. */
static void formats_agree(void **state)
{
    client a, b;
    served *s = *state;
    open_at(&a, s, 0);
    open_at(&b, s, 0);
    create(&a, "{\"type\":\"create\",\"seed\":5,\"id\":[1]}");
    create(&b, "{\"type\":\"create\",\"seed\":6,\"position\":[3,4]}");
    create(&b, "{\"type\":\"create\",\"seed\":5,\"format\":\"quantised\",\"rate\":60}");
    static frame kept[64];
    wait_frames(&a, 1);
    for (int k = 0; k < 64; k++) {
        kept[k] = a.frame;
        wait_frames(&a, 1);
    }
    int compared = 0;
    for (int n = 0; n < 600 && compared < 20; n++) {
        wait_frames(&b, 1);
        const frame *y = &b.frame;
        if (y->format != 2)
            continue;
        for (int k = 0; k < 64; k++) {
            const frame *x = &kept[k];
            if (fabs(x->time - y->time) > 1e-6)
                continue;
            compared++;
            assert_true(fabsf(x->speed - y->speed) < 2e-3f && fabsf(x->phase - y->phase) < 1e-4f);
            for (int body = 0; body < BODIES; body++)
                for (int i = 0; i < 3; i++)
                    assert_true(fabs(x->position[body][i] - y->position[body][i]) < 5e-4);
        }
    }
    assert_true(compared >= 20);
    close_client(&a);
    close_client(&b);
}

static void it_walks(void **state)
{
    client c;
    open_at(&c, *state, 0);
    create(&c, "{\"type\":\"create\",\"style\":\"walk:0.7,zombie:0.3\",\"seed\":1,\"heading\":1.5}");
    wait_frames(&c, 2);
    const double from = c.frame.position[0][1], begun = c.frame.time;
    double last = begun;
    for (int k = 0; k < 90; k++) {
        wait_frames(&c, 1);
        assert_true(c.frame.time > last);
        last = c.frame.time;
        assert_true(c.frame.position[0][2] > .6 && c.frame.position[0][2] < 1.1);
        assert_false(c.frame.flags & 1);
    }
    assert_true(c.frame.position[0][1] - from >
                .3 * (c.frame.time - begun)); /* along y, which is its heading */
    close_client(&c);
}

static void requests_are_answered(void **state)
{
    client c;
    char text[256];
    open_at(&c, *state, 0);
    const uint32_t n = create(&c, "{\"type\":\"create\",\"seed\":2}");
    wait_frames(&c, 30);
    const float before = c.frame.speed;
    snprintf(text, sizeof text, "{\"type\":\"request\",\"character\":%u,\"style\":\"run\",\"id\":{\"a\":1}}",
             n);
    say(&c, text);
    json_t *o = wait_for(&c, "ok");
    assert_int_equal(json_integer_value(json_object_get(json_object_get(o, "id"), "a")), 1);
    json_decref(o);
    for (bool reached = false; !reached; json_decref(o)) {
        o = wait_for(&c, "event");
        reached = !strcmp(json_string_value(json_object_get(o, "event")), "reached");
    }
    assert_true(c.frame.speed > before + .5f);
    snprintf(text, sizeof text, "{\"type\":\"push\",\"character\":%u,\"velocity\":[0,6,0],\"id\":2}", n);
    say(&c, text);
    json_decref(wait_for(&c, "ok"));
    wait_frames(&c, 2);
    assert_true(c.frame.velocity[1] > 3);
    o = wait_for(&c, "event");
    assert_string_equal(json_string_value(json_object_get(o, "event")), "fell");
    json_decref(o);
    wait_frames(&c, 2);
    assert_true(c.frame.flags & 1);
    snprintf(text, sizeof text, "{\"type\":\"lift\",\"character\":%u}", n);
    say(&c, text);
    o = wait_for(&c, "event");
    assert_string_equal(json_string_value(json_object_get(o, "event")), "lifted");
    json_decref(o);
    snprintf(text, sizeof text,
             "{\"type\":\"pull\",\"character\":%u,\"body\":\"chest\",\"target\":[0,0,3],\"id\":3}", n);
    say(&c, text);
    json_decref(wait_for(&c, "ok"));
    wait_frames(&c, 2);
    assert_true(c.frame.flags & 4);
    snprintf(text, sizeof text, "{\"type\":\"release\",\"character\":%u,\"id\":4}", n);
    say(&c, text);
    json_decref(wait_for(&c, "ok"));
    wait_frames(&c, 2);
    assert_false(c.frame.flags & 4);
    snprintf(text, sizeof text, "{\"type\":\"destroy\",\"character\":%u}", n);
    say(&c, text);
    o = wait_for(&c, "ended");
    assert_string_equal(json_string_value(json_object_get(o, "reason")), "it was destroyed");
    json_decref(o);
    close_client(&c);
}

static void bad_messages(void **state)
{
    client c;
    char text[512];
    open_at(&c, *state, 0);
    const uint32_t n = create(&c, "{\"type\":\"create\"}");
    const struct {
        const char *message, *error;
    } cases[] = {
        {"", "is not a JSON object"},
        {"{", "is not a JSON object"},
        {"[1,2]", "a JSON object with a \"type\""},
        {"{\"type\":1}", "a JSON object with a \"type\""},
        {"{\"type\":\"fly\"}", "there is no message \"fly\", expected create"},
        {"{\"type\":\"create\",\"style\":\"ballet\"}", "there is no style \"ballet\""},
        {"{\"type\":\"create\",\"style\":7}", "\"style\" is not a string"},
        {"{\"type\":\"create\",\"rate\":7}", "\"rate\" is 7, expected 60 divided by a whole number"},
        {"{\"type\":\"create\",\"rate\":1e99}", "\"rate\" is 1e+99, expected 1 to 60"},
        {"{\"type\":\"create\",\"format\":\"png\"}", "\"format\" is \"png\", expected"},
        {"{\"type\":\"create\",\"seed\":-1}", "\"seed\" is -1, expected 0 to"},
        {"{\"type\":\"create\",\"position\":[1]}", "\"position\" is not a list of 2 or 3"},
        {"{\"type\":\"create\",\"position\":[1,\"2\"]}", "number 2 of \"position\""},
        {"{\"type\":\"create\",\"set\":\"mine\"}",
         "there is no set of models \"mine\"; GET /v1/skills lists them"},
        {"{\"type\":\"watch\",\"character\":999999}", "there is no shared character 999999"},
        {"{\"type\":\"watch\"}", "\"character\" is not a character's number"},
        {"{\"type\":\"watch\",\"character\":1.5}", "\"character\" is not a character's number"},
        {"{\"type\":\"create\",\"seed\":1.5}", "\"seed\" is 1.5, expected a whole number"},
        {"{\"type\":\"create\",\"shared\":1}", "\"shared\" is not true or false"},
        {"{\"type\":\"push\",\"velocity\":[1,1,1]}", "\"character\" is not a character's number"},
        {"{\"type\":\"push\",\"character\":4294967297,\"velocity\":[1,1,1]}", "you have no character"},
        {"{\"type\":\"push\",\"character\":%u}", "\"velocity\" is not a list"},
        {"{\"type\":\"push\",\"character\":%u,\"velocity\":[1e3,0,0]}",
         "number 1 of \"velocity\" is not from -20"},
        {"{\"type\":\"request\",\"character\":%u,\"skill\":\"ballet\"}", "there is no skill \"ballet\""},
        {"{\"type\":\"request\",\"character\":%u,\"speed\":-1}", "\"speed\" is -1, expected 0 to 20"},
        {"{\"type\":\"request\",\"character\":%u,\"cycles\":.5}", "is not a JSON object"},
        {"{\"type\":\"request\",\"character\":%u,\"cycles\":0.5}",
         "\"cycles\" is 0.5, expected a whole number"},
        {"{\"type\":\"request\",\"character\":%u,\"heading\":1,\"turn\":1}",
         "a heading and a turn were given"},
        {"{\"type\":\"pull\",\"character\":%u,\"body\":\"tail\",\"target\":[0,0,0]}",
         "\"body\" is not the name"},
        {"{\"type\":\"pull\",\"character\":%u,\"body\":15,\"target\":[0,0,0]}", "\"body\" is not the name"},
        {"{\"type\":\"pull\",\"character\":%u,\"body\":1}", "\"target\" is not a list of 3"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *number = strstr(cases[i].message, "%u");
        snprintf(text, sizeof text, "%.*s", number ? (int)(number - cases[i].message) : 500,
                 cases[i].message);
        if (number)
            snprintf(text + strlen(text), sizeof text - strlen(text), "%u%s", n, number + 2);
        refused(&c, text, cases[i].error);
    }
    const int frames = c.frames;
    while (c.frames < frames + 2) { /* a create that was refused is only an error: no character ends */
        json_t *o = receive(&c);
        assert_int_equal(c.closed, 0);
        assert_null(o);
    }
    close_client(&c);

    static char big[20000];
    memset(big, ' ', sizeof big - 1);
    open_at(&c, *state, 0);
    say(&c, big);
    assert_int_equal(wait_closed(&c), 1009);
    close_client(&c);
    open_at(&c, *state, 0);
    assert_true(bench_socket_send_frame(c.socket, 0x82, "abc", 3));
    assert_int_equal(wait_closed(&c), 1003);
    close_client(&c);
    open_at(&c, *state, 0);
    for (int i = 0; i < 2000 && bench_socket_send(c.socket, "{\"type\":\"ping\"}"); i++)
        ;
    const int code = wait_closed(&c);
    assert_true(code == 1008 || code == -1);
    close_client(&c);
    open_at(&c, *state, 0); /* a message in fragments, with a ping between them */
    assert_true(bench_socket_send_frame(c.socket, 0x01, "{\"type\":", 8));
    assert_true(bench_socket_send_frame(c.socket, 0x89, "hello", 5));
    assert_true(bench_socket_send_frame(c.socket, 0x80, "\"ping\",\"id\":\"x\"}", 16));
    json_t *o = wait_for(&c, "pong");
    assert_string_equal(json_string_value(json_object_get(o, "id")), "x");
    json_decref(o);
    close_client(&c);
}

/* An own character goes on without its frames; others' frames and its own answers come. */
static void unwatched(void **state)
{
    client c;
    char text[256];
    open_at(&c, *state, 0);
    const uint32_t n = create(&c, "{\"type\":\"create\",\"rate\":60}");
    const uint32_t other = create(&c, "{\"type\":\"create\",\"seed\":3}");
    while (c.frame.character != n)
        wait_frames(&c, 1);
    const double before = c.frame.time;
    snprintf(text, sizeof text, "{\"type\":\"unwatch\",\"character\":%u,\"id\":1}", n);
    say(&c, text);
    json_decref(wait_for(&c, "ok"));
    for (int k = 0; k < 30; k++) {
        wait_frames(&c, 1);
        assert_int_equal(c.frame.character, other);
    }
    snprintf(text, sizeof text, "{\"type\":\"request\",\"character\":%u,\"style\":\"zombie\",\"id\":2}", n);
    say(&c, text);
    json_decref(wait_for(&c, "ok"));
    json_t *o = wait_for(&c, "state");
    assert_int_equal(json_integer_value(json_object_get(o, "character")), n);
    json_decref(o);
    snprintf(text, sizeof text, "{\"type\":\"watch\",\"character\":%u}", n);
    say(&c, text);
    json_decref(wait_for(&c, "watching"));
    do
        wait_frames(&c, 1);
    while (c.frame.character != n);
    assert_true(c.frame.time > before + .3); /* it was simulated meanwhile */
    close_client(&c);
}

static void shared_by_two(void **state)
{
    client a, b;
    char text[256];
    open_at(&a, *state, 0);
    open_at(&b, *state, 0);
    const uint32_t own = create(&a, "{\"type\":\"create\"}");
    const uint32_t n = create(&a, "{\"type\":\"create\",\"style\":\"zombie\",\"shared\":true}");
    snprintf(text, sizeof text, "{\"type\":\"watch\",\"character\":%u}", own);
    refused(&b, text, "there is no shared character");
    snprintf(text, sizeof text, "{\"type\":\"push\",\"character\":%u,\"velocity\":[1,0]}", n);
    refused(&b, text, "you have no character");
    say(&b, "{\"type\":\"list\"}");
    json_t *o = wait_for(&b, "list"), *list = json_object_get(o, "characters");
    assert_int_equal(json_array_size(list), 1);
    assert_int_equal(json_integer_value(json_object_get(json_array_get(list, 0), "character")), n);
    json_decref(o);
    snprintf(text, sizeof text, "{\"type\":\"watch\",\"character\":%u,\"format\":\"quantised\"}", n);
    say(&b, text);
    o = wait_for(&b, "watching");
    assert_string_equal(json_string_value(json_object_get(o, "style")), "zombie");
    json_decref(o);
    wait_frames(&b, 3);
    assert_int_equal(b.frame.character, n);
    snprintf(text, sizeof text, "{\"type\":\"request\",\"character\":%u,\"style\":\"walk\"}", n);
    say(&b, text);
    o = wait_for(&a, "state"); /* the other one sees it */
    assert_string_equal(json_string_value(json_object_get(o, "style")), "walk");
    json_decref(o);
    close_client(&a); /* its own character goes, the shared one stays */
    wait_frames(&b, 5);
    snprintf(text, sizeof text, "{\"type\":\"unwatch\",\"character\":%u,\"id\":1}", n);
    say(&b, text);
    json_decref(wait_for(&b, "ok"));
    for (;;) { /* nobody watches it: it ends */
        say(&b, "{\"type\":\"list\"}");
        o = wait_for(&b, "list");
        const size_t left = json_array_size(json_object_get(o, "characters"));
        json_decref(o);
        if (left == 0)
            break;
        ami_clock_sleep_until(ami_clock_now() + .02);
    }
    close_client(&b);
}

/* A client that does not read is sent the newest frames afterwards, not all that were due. */
static void slow_reader(void **state)
{
    client slow, quick;
    char text[256];
    open_at(&slow, *state, 4096);
    open_at(&quick, *state, 0);
    uint32_t n = 0;
    for (int i = 0; i < 12; i++)
        n = create(&slow, "{\"type\":\"create\",\"shared\":true}");
    snprintf(text, sizeof text, "{\"type\":\"watch\",\"character\":%u}", n);
    say(&quick, text);
    json_decref(wait_for(&quick, "watching"));
    wait_frames(&slow, 12);
    const double from = slow.frame.time;
    const int before = slow.frames;
    wait_frames(&quick, 60);
    const double now = quick.frame.time;
    while (slow.frame.character != n || slow.frame.time < now)
        wait_frames(&slow, 1);
    const int due = (int)(12 * (now - from) * 30), got = slow.frames - before;
    if (got > due / 2)
        fail_msg("%d of %d frames came late", got, due);
    close_client(&slow);
    close_client(&quick);
}

static void limits(void **state)
{
    (void)state;
    static const char *const options[] = {
        "--client-characters", "2", "--address-clients", "2", "--max-characters", "3", "--allow-origin",
        "https://example.org", NULL};
    served s;
    client a, b;
    start(&s, options);
    no_socket(&s, "/v1/status", NULL, 404);
    no_socket(&s, "/v1/characters", "Origin: https://example.com\r\n", 403);
    open_at(&a, &s, 0);
    create(&a, "{\"type\":\"create\"}");
    create(&a, "{\"type\":\"create\"}");
    refused(&a, "{\"type\":\"create\"}", "you have 2 characters, which is the limit for a client");
    open_at(&b, &s, 0);
    create(&b, "{\"type\":\"create\"}");
    refused(&b, "{\"type\":\"create\"}", "there are 3 characters already, which is the server's limit");
    no_socket(&s, "/v1/characters", NULL, 429);
    kill(s.pid, SIGTERM);
    json_t *o = wait_for(&a, "ended");
    assert_string_equal(json_string_value(json_object_get(o, "reason")), "the server is stopping");
    json_decref(o);
    assert_int_equal(wait_closed(&a), 1001);
    close_client(&a);
    close_client(&b);
    stop(&s);
}

static void idle_and_tokens(void **state)
{
    (void)state;
    char path[] = "/tmp/amble-token-XXXXXX";
    const int fd = mkstemp(path);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "secret\n", 7), 7);
    close(fd);
    const char *const options[] = {"--token-file", path, "--idle", ".5", NULL};
    served s;
    client c = {0};
    start(&s, options);
    unlink(path);
    no_socket(&s, "/v1/characters", NULL, 401);
    no_socket(&s, "/v1/characters?access_token=wrong", NULL, 401);
    no_socket(&s, "/v1/characters", "Authorization: Bearer secre\r\n", 401);
    ami_error err = {""};
    c.socket =
        bench_socket_open("127.0.0.1", s.port, "/v1/characters?access_token=secret", NULL, 0, NULL, &err);
    assert_non_null(c.socket);
    assert_int_equal(wait_closed(&c), 1001);
    close_client(&c);
    stop(&s);
}

/* A set whose only style is one of amble's, the rest amble's own. */
static void other_sets(void **state)
{
    (void)state;
    char folder[] = "/tmp/amble-set-XXXXXX", path[64], option[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof path, "%s/styles.json", folder);
    snprintf(option, sizeof option, "few=%s", folder);
    json_t *o = json_load_file(AMB_SOURCE_DIR "/assets/models/styles.json", 0, NULL);
    json_t *styles = json_object_get(o, "styles");
    for (size_t i = json_array_size(styles); i-- > 0;)
        if (strcmp(json_string_value(json_object_get(json_array_get(styles, i), "name")), "zombie") != 0)
            json_array_remove(styles, i);
    assert_int_equal(json_array_size(styles), 1);
    assert_int_equal(json_dump_file(o, path, 0), 0);
    json_decref(o);
    const char *const options[] = {"--set", option, NULL};
    served s;
    client c;
    start(&s, options);
    unlink(path);
    rmdir(folder);
    open_at(&c, &s, 0);
    refused(&c, "{\"type\":\"create\",\"set\":\"few\"}", "there is no style \"walk\"; known styles: zombie");
    create(&c, "{\"type\":\"create\",\"set\":\"few\",\"style\":\"zombie\"}");
    create(&c, "{\"type\":\"create\",\"style\":\"walk\"}");
    wait_frames(&c, 6);
    close_client(&c);
    stop(&s);
}

static void without_characters(void **state)
{
    (void)state;
    static const char *const options[] = {"--max-characters", "0", NULL};
    served s;
    start(&s, options);
    no_socket(&s, "/v1/characters", NULL, 503);
    stop(&s);
}

static int start_shared(void **state)
{
    static served s;
    start(&s, NULL);
    *state = &s;
    return 0;
}

static int stop_shared(void **state)
{
    stop(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats_agree),
        cmocka_unit_test(it_walks),
        cmocka_unit_test(requests_are_answered),
        cmocka_unit_test(bad_messages),
        cmocka_unit_test(unwatched),
        cmocka_unit_test(shared_by_two),
        cmocka_unit_test(slow_reader),
        cmocka_unit_test(limits),
        cmocka_unit_test(idle_and_tokens),
        cmocka_unit_test(other_sets),
        cmocka_unit_test(without_characters),
    };
    return cmocka_run_group_tests(tests, start_shared, stop_shared);
}
