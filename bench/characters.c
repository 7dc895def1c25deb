/* amble-bench characters: live characters of a running amble-serve, as many clients see them: how late
 * frames are queued by the server, when they arrive, bytes and CPU time a character.
 *
 * The server reports in each frame how long after its due time it was queued for sending. Arrival is
 * measured here: a character's frames are due at even times, so a frame's delay is its arrival, less that of
 * an undelayed one, which the character's fastest frame stands for. A thread that only sleeps shows the
 * machine's own noise. */
#include "base/clock.h"
#include "bench/bench.h"
#include "bench/websocket.h"
#include "options/options.h"
#include "options/program.h"

#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_HOST = CLI_KEY_OWN, KEY_PORT, KEY_CHARACTERS, KEY_CLIENTS, KEY_RATE, KEY_FORMAT, KEY_PID };
enum { MAX_CLIENTS = 4096, MAX_CHARACTERS = 16384, HEAD = 24 };

typedef struct arguments {
    cli_common common;
    const char *host, *format;
    int port, characters, clients, rate, pid;
    double seconds;
} arguments;

static const struct argp_option options[] = {
    {"host", KEY_HOST, "HOST", 0, "the server's address (default 127.0.0.1)", 1},
    {"port", KEY_PORT, "PORT", 0, "and port (default 8000)", 1},
    {"characters", KEY_CHARACTERS, "N", 0, "characters (default 200)", 1},
    {"clients", KEY_CLIENTS, "N", 0, "connections that they are divided among (default 20)", 1},
    {"rate", KEY_RATE, "HZ", 0, "frames a second: 30 (default) or 60", 1},
    {"format", KEY_FORMAT, "F", 0, "float32 or quantised (default)", 1},
    {"seconds", 's', "S", 0, "time to measure for, after 2 s that are not measured (default 10)", 1},
    {"pid", KEY_PID, "PID", 0, "the server's process, for its CPU time", 2},
    {0},
};

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case ARGP_KEY_INIT:
        state->child_inputs[0] = &a->common;
        return 0;
    case KEY_HOST:
        a->host = text;
        return 0;
    case KEY_PORT:
        a->port = (int)cli_int(state, text, 1, 65535, "--port");
        return 0;
    case KEY_CHARACTERS:
        a->characters = (int)cli_int(state, text, 1, MAX_CHARACTERS, "--characters");
        return 0;
    case KEY_CLIENTS:
        a->clients = (int)cli_int(state, text, 1, MAX_CLIENTS, "--clients");
        return 0;
    case KEY_RATE:
        a->rate = (int)cli_int(state, text, 30, 60, "--rate");
        if (a->rate != 30 && a->rate != 60)
            argp_error(state, "--rate is %d, expected 30 or 60", a->rate);
        return 0;
    case KEY_FORMAT:
        if (strcmp(text, "float32") != 0 && strcmp(text, "quantised") != 0)
            argp_error(state, "--format is \"%s\", expected float32 or quantised", text);
        a->format = text;
        return 0;
    case 's':
        a->seconds = cli_double(state, text, .1, 3600, "--seconds");
        return 0;
    case KEY_PID:
        a->pid = (int)cli_int(state, text, 1, 1 << 30, "--pid");
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected", text);
        return 0;
    case ARGP_KEY_END:
        if (a->clients > a->characters)
            argp_error(state, "--clients is %d, expected at most the number of characters, %d", a->clients,
                       a->characters);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* Arrivals of one character. */
typedef struct arrivals {
    double *at, *simulated; /* s: arrival, and the frame's simulated time; (capacity) */
    int n;
} arrivals;

typedef struct bench {
    const arguments *args;
    bench_socket **socket; /* (clients) */
    arrivals *character;   /* (most), by number */
    int most, capacity;
    double *late, *delay; /* s */
    int frames;
    int64_t bytes;
    bool measuring;
    int created, failed;
    char why[256];
} bench;

static arrivals *of_character(bench *b, uint32_t number)
{
    if ((int)number >= b->most) {
        const int most = (int)number + 256;
        arrivals *more = realloc(b->character, (size_t)most * sizeof *more);
        if (!more)
            return NULL;
        memset(more + b->most, 0, (size_t)(most - b->most) * sizeof *more);
        b->character = more;
        b->most = most;
    }
    arrivals *a = &b->character[number];
    if (!a->at) {
        a->at = malloc(2 * (size_t)b->capacity * sizeof *a->at);
        a->simulated = a->at ? a->at + b->capacity : NULL;
    }
    return a->at ? a : NULL;
}

static void take_frames(bench *b, const bench_message *m)
{
    const double now = ami_clock_now();
    const unsigned char *p = (const unsigned char *)m->data, *end = p + m->size;
    b->bytes += b->measuring ? (int64_t)m->size + (m->size < 126 ? 2 : 4) : 0;
    while (end - p >= HEAD) {
        uint16_t size;
        uint32_t number, late;
        double time;
        memcpy(&size, p, 2);
        memcpy(&number, p + 4, 4);
        memcpy(&time, p + 8, 8);
        memcpy(&late, p + 16, 4);
        if (size < HEAD || size > end - p || number > 1 << 24)
            return;
        arrivals *a = b->measuring ? of_character(b, number) : NULL;
        if (a && a->n < b->capacity) {
            a->at[a->n] = now;
            a->simulated[a->n++] = time;
            b->late[b->frames++] = 1e-6 * late;
        }
        p += size;
    }
}

static bool take(bench *b, bench_socket *s, double timeout)
{
    bench_message m;
    const int got = bench_socket_receive(s, timeout, &m);
    if (got <= 0)
        return got == 0;
    if (m.kind == BENCH_BINARY) {
        take_frames(b, &m);
    } else if (m.kind == BENCH_CLOSE) {
        snprintf(b->why, sizeof b->why, "%.200s", m.data);
        return false;
    } else if (strstr(m.data, "\"type\":\"created\"")) {
        b->created++;
    } else if (strstr(m.data, "\"type\":\"error\"")) {
        b->failed++;
        snprintf(b->why, sizeof b->why, "%.200s", m.data);
    }
    return true;
}

static bool connect_all(bench *b, ami_error *err)
{
    const arguments *a = b->args;
    char text[256];
    int made = 0;
    for (int i = 0; i < a->clients; i++) {
        b->socket[i] = bench_socket_open(a->host, a->port, "/v1/characters", NULL, 0, NULL, err);
        if (!b->socket[i])
            return false;
        for (; made < (int)((int64_t)a->characters * (i + 1) / a->clients); made++) {
            snprintf(text, sizeof text,
                     "{\"type\":\"create\",\"seed\":%d,\"rate\":%d,\"format\":\"%s\",\"id\":%d}", made,
                     a->rate, a->format, made);
            if (!bench_socket_send(b->socket[i], text))
                return ami_fail(err, "the server ended the connection");
        }
    }
    return true;
}

/* Receives for some seconds. */
static bool receive_for(bench *b, double seconds, ami_error *err)
{
    const arguments *a = b->args;
    struct pollfd *p = calloc((size_t)a->clients, sizeof *p);
    if (!p)
        return ami_fail(err, "out of memory");
    for (int i = 0; i < a->clients; i++)
        p[i] = (struct pollfd){bench_socket_fd(b->socket[i]), POLLIN, 0};
    const double begin = ami_clock_now();
    bool ok = true;
    for (double left = seconds; ok && left > 0; left = begin + seconds - ami_clock_now()) {
        poll(p, (nfds_t)a->clients, (int)(1e3 * left) + 1);
        for (int i = 0; ok && i < a->clients; i++)
            if (p[i].revents)
                ok = take(b, b->socket[i], 0);
    }
    free(p);
    return ok || ami_fail(err, "the server ended the connection%s%s", b->why[0] ? ": " : "", b->why);
}

/* ---- noise ---- */

enum { MAX_NOISE = 1 << 20 };

typedef struct noise {
    pthread_t thread;
    atomic_bool stop;
    double *late;
    int n;
} noise;

static void *sleep_often(void *context)
{
    noise *x = context;
    for (double due = ami_clock_now() + .002; !atomic_load(&x->stop) && x->n < MAX_NOISE; due += .002) {
        ami_clock_sleep_until(due);
        const double now = ami_clock_now();
        x->late[x->n++] = now - due;
        if (now > due + .002)
            due = now;
    }
    return NULL;
}

/* ---- results ---- */

/* Delay of each frame against the least delayed one of its character. */
static int measure_delays(bench *b)
{
    int n = 0;
    for (int i = 0; i < b->most; i++) {
        const arrivals *a = &b->character[i];
        double least = INFINITY;
        for (int k = 0; k < a->n; k++)
            least = fmin(least, a->at[k] - a->simulated[k]);
        for (int k = 0; k < a->n; k++)
            b->delay[n++] = a->at[k] - a->simulated[k] - least;
    }
    return n;
}

static void add(json_t *o, bool quiet, const char *name, double *seconds, int n)
{
    if (n == 0)
        return;
    const bench_summary s = bench_summarise(seconds, n);
    if (!quiet)
        printf("  %-28s %9.3f %9.3f %9.3f %9.3f\n", name, 1e3 * s.p50, 1e3 * s.p99, 1e3 * s.p999,
               1e3 * s.max);
    json_object_set_new(o, name, bench_summary_json(&s));
}

static bool report(bench *b, noise *x, double seconds, double cpu, ami_error *err)
{
    const arguments *a = b->args;
    const bool quiet = a->common.json && !strcmp(a->common.json, "-");
    const int expected = (int)(seconds * a->rate * a->characters);
    json_t *o = json_object();
    if (!quiet)
        printf("%d characters of %d client%s, %d Hz, %s, %g s\n  ms%35s %9s %9s %9s\n", a->characters,
               a->clients, cli_plural(a->clients), a->rate, a->format, seconds, "p50", "p99", "p99.9", "max");
    add(o, quiet, "queued (from due)", b->late, b->frames);
    add(o, quiet, "arrival (from least delayed)", b->delay, measure_delays(b));
    add(o, quiet, "this machine's wake-up", x->late, x->n);
    const double bytes = (double)b->bytes / seconds / a->characters;
    if (!quiet)
        printf("  %d frames, %.1f %% of those due; %.2f KB/s a character\n", b->frames,
               100. * b->frames / expected, 1e-3 * bytes);
    json_object_set_new(o, "characters", json_integer(a->characters));
    json_object_set_new(o, "clients", json_integer(a->clients));
    json_object_set_new(o, "rate", json_integer(a->rate));
    json_object_set_new(o, "frames", json_integer(b->frames));
    json_object_set_new(o, "bytes_per_s_and_character", json_real(bytes));
    if (isfinite(cpu)) {
        if (!quiet)
            printf("  server: %.2f cores, %.0f us a frame, %.0f characters a core\n", cpu / seconds,
                   1e6 * cpu / b->frames, a->characters / (cpu / seconds));
        json_object_set_new(o, "server_cores", json_real(cpu / seconds));
    }
    return cli_write_json(a->common.json, o, err);
}

static bool run(bench *b, ami_error *err)
{
    const arguments *a = b->args;
    noise x = {.late = malloc(MAX_NOISE * sizeof(double))};
    const size_t frames = (size_t)((a->seconds + 1) * a->rate * 1.5) * (size_t)a->characters;
    b->capacity = (int)((a->seconds + 1) * a->rate * 1.5);
    b->late = malloc(frames * sizeof(double));
    b->delay = malloc(frames * sizeof(double));
    b->socket = calloc((size_t)a->clients, sizeof(bench_socket *));
    bool ok = x.late && b->late && b->delay && b->socket;
    if (!ok)
        ami_fail(err, "out of memory");
    ok = ok && connect_all(b, err) && receive_for(b, 2, err);
    if (ok && b->created < a->characters)
        ok = ami_fail(err, "%d of %d characters were made: %s", b->created, a->characters, b->why);
    if (ok && pthread_create(&x.thread, NULL, sleep_often, &x) != 0)
        ok = ami_fail(err, "no thread can be started");
    if (ok) {
        const double cpu = bench_cpu_time(a->pid), begin = ami_clock_now();
        b->measuring = true;
        ok = receive_for(b, a->seconds, err);
        const double taken = ami_clock_now() - begin, used = bench_cpu_time(a->pid) - cpu;
        atomic_store(&x.stop, true);
        pthread_join(x.thread, NULL);
        ok = ok && report(b, &x, taken, used, err);
    }
    for (int i = 0; b->socket && i < a->clients; i++)
        bench_socket_close(b->socket[i]);
    for (int i = 0; i < b->most; i++)
        free(b->character[i].at);
    free(b->character);
    free(b->late);
    free(b->delay);
    free(b->socket);
    free(x.late);
    return ok;
}

int bench_characters(int argc, char **argv)
{
    arguments a = {.host = "127.0.0.1",
                   .port = 8000,
                   .characters = 200,
                   .clients = 20,
                   .rate = 30,
                   .format = "quantised",
                   .seconds = 10};
    const struct argp_child children[] = {{&cli_json_argp, 0, NULL, 9}, {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Live characters of a running amble-serve: how late frames are queued and arrive, bytes and CPU "
        "time.\v"
        "Start the server with --max-characters, --client-characters and --address-clients large enough.\n\n"
        "Example:\n  amble-serve --address-clients 100 & amble-bench characters --characters 300 --pid $!",
        children,
        NULL,
        NULL};
    ami_error err = {""};
    cli_parse(&argp, argc, argv, &a);
    bench b = {.args = &a};
    return run(&b, &err) ? 0 : cli_failed(&err);
}
