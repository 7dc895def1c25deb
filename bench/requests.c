/* amble-bench requests: inference requests to a running server of the Open Inference Protocol (amble-serve or
 * another one), over kept-alive HTTP connections: requests a second, latency, CPU time a request.
 *
 * Closed loop (--rate 0): each connection sends its next request when the last one was answered. A server
 * that stalls is then asked less, so that its stalls are hardly counted: coordinated omission. Open loop
 * (--rate R): requests are due at even times whatever the server does, and a request's latency counts from
 * when it was due, also while it waits for a free connection. The latency from when it was sent is reported
 * beside it.
 *
 * --mix sends what a server meets besides: JSON, bad requests of several kinds, metadata, new connections. An
 * answer with an unexpected status is an error. */
#define _GNU_SOURCE /* ppoll */
#include "base/clock.h"
#include "base/npy.h"
#include "bench/bench.h"
#include "options/options.h"
#include "options/program.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
    KEY_HOST = CLI_KEY_OWN,
    KEY_PORT,
    KEY_MODEL,
    KEY_ROWS,
    KEY_CONNECTIONS,
    KEY_RATE,
    KEY_COUNT,
    KEY_INPUTS,
    KEY_FORMAT,
    KEY_MIX,
    KEY_PID
};
enum { MAX_CONNECTIONS = 1024, MAX_KINDS = 16, PART = 1 << 16, PER_CONNECTION = 1000 };

typedef struct arguments {
    cli_common common;
    const char *host, *model, *inputs, *format;
    int port, rows, connections, pid;
    double rate, seconds;
    int64_t count;
    bool mix;
} arguments;

static const struct argp_option options[] = {
    {"host", KEY_HOST, "HOST", 0, "the server's address (default 127.0.0.1)", 1},
    {"port", KEY_PORT, "PORT", 0, "and port (default 8000)", 1},
    {"model", KEY_MODEL, "NAME", 0, "a model with one FP32 input (default walk)", 1},
    {"rows", KEY_ROWS, "N", 0, "rows of a request (default 1)", 1},
    {"inputs", KEY_INPUTS, "FILE.npy", 0, "the rows; more requests go round them (default: zeros)", 1},
    {"format", KEY_FORMAT, "F", 0, "binary (default) or json", 1},
    {"connections", KEY_CONNECTIONS, "N", 0, "connections (default 8)", 2},
    {"rate", KEY_RATE, "R", 0,
     "requests a second, due at even times (open loop); default 0: the next one after an answer (closed "
     "loop)",
     2},
    {"seconds", 's', "S", 0, "time to measure for, after .5 s that are not measured (default 5)", 2},
    {"count", KEY_COUNT, "N", 0, "requests to measure, instead of a time", 2},
    {"mix", KEY_MIX, NULL, 0,
     "also JSON, bad requests, metadata, and a new connection after every 1000 requests of one", 2},
    {"pid", KEY_PID, "PID", 0, "the server's process, for its CPU time and memory", 3},
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
    case KEY_MODEL:
        a->model = text;
        if (strlen(text) > 200 || text[strcspn(text, " /?#%\r\n")])
            argp_error(state, "--model is \"%.60s\", expected a model's name", text);
        return 0;
    case KEY_ROWS:
        a->rows = (int)cli_int(state, text, 1, 65536, "--rows");
        return 0;
    case KEY_INPUTS:
        a->inputs = text;
        return 0;
    case KEY_FORMAT:
        if (strcmp(text, "binary") != 0 && strcmp(text, "json") != 0)
            argp_error(state, "--format is \"%s\", expected binary or json", text);
        a->format = text;
        return 0;
    case KEY_CONNECTIONS:
        a->connections = (int)cli_int(state, text, 1, MAX_CONNECTIONS, "--connections");
        return 0;
    case KEY_RATE:
        a->rate = cli_double(state, text, 0, 1e6, "--rate");
        return 0;
    case 's':
        a->seconds = cli_double(state, text, .1, 3600, "--seconds");
        return 0;
    case KEY_COUNT:
        a->count = cli_int(state, text, 1, 100000000, "--count");
        return 0;
    case KEY_MIX:
        a->mix = true;
        return 0;
    case KEY_PID:
        a->pid = (int)cli_int(state, text, 1, 1 << 30, "--pid");
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected", text);
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

/* ---- requests ---- */

/* A request to send, and what is expected of its answer. */
typedef struct kind {
    char *bytes;
    size_t size;
    int status;
    bool head; /* its answer has no body */
} kind;

typedef struct connection {
    int fd; /* -1: none */
    const kind *sending;
    size_t sent, received, capacity;
    char *answer;
    bool busy;
    int64_t requests; /* of this connection */
    double due, begun;
    double waited; /* s, for the answer */
} connection;

typedef struct bench {
    const arguments *args;
    struct sockaddr_storage address;
    socklen_t address_size;
    char input[128];
    int width;
    kind kind[MAX_KINDS];
    int kinds;
    connection *connection;
    double *latency, *service; /* s from due, and from sent; (capacity) */
    int64_t n, capacity, errors, sent;
    double checked; /* when waiting was checked last */
    bool measuring, open_loop;
    char why[256]; /* of the first error */
} bench;

static bool add_kind(bench *b, char *bytes, size_t size, int status, bool head)
{
    if (!bytes || b->kinds == MAX_KINDS)
        return false;
    b->kind[b->kinds++] = (kind){bytes, size, status, head};
    return true;
}

static bool add_plain(bench *b, const char *method, const char *path, const char *body, int status)
{
    char *bytes = NULL;
    size_t size;
    FILE *out = open_memstream(&bytes, &size);
    if (!out)
        return false;
    fprintf(out, "%s %s HTTP/1.1\r\nHost: %s\r\n", method, path, b->args->host);
    if (body)
        fprintf(out, "Content-Type: application/json\r\nContent-Length: %zu\r\n", strlen(body));
    fprintf(out, "\r\n%s", body ? body : "");
    return fclose(out) == 0 && add_kind(b, bytes, size, status, !strcmp(method, "HEAD"));
}

/* The request for rows, shape [rows, width]. */
static bool add_infer(bench *b, const float *rows, bool binary)
{
    const arguments *a = b->args;
    const size_t count = (size_t)a->rows * (size_t)b->width;
    char *json = NULL, *bytes = NULL;
    size_t json_size, size;
    FILE *out = open_memstream(&json, &json_size);
    if (!out)
        return false;
    fprintf(out, "{\"inputs\":[{\"name\":\"%s\",\"shape\":[%d,%d],\"datatype\":\"FP32\",", b->input, a->rows,
            b->width);
    if (binary) {
        fprintf(out, "\"parameters\":{\"binary_data_size\":%zu}}],", count * sizeof(float));
        fputs("\"parameters\":{\"binary_data_output\":true}}", out);
    } else {
        for (size_t i = 0; i < count; i++)
            fprintf(out, "%s%.9g", i ? "," : "\"data\":[", (double)rows[i]);
        fputs("]}]}", out);
    }
    if (fclose(out) != 0) {
        free(json);
        return false;
    }
    const size_t tail = binary ? count * sizeof(float) : 0;
    out = open_memstream(&bytes, &size);
    if (out) {
        fprintf(out, "POST /v2/models/%s/infer HTTP/1.1\r\nHost: %s\r\nContent-Length: %zu\r\n", a->model,
                a->host, json_size + tail);
        if (binary)
            fprintf(out,
                    "Content-Type: application/octet-stream\r\n"
                    "Inference-Header-Content-Length: %zu\r\n\r\n",
                    json_size);
        else
            fputs("Content-Type: application/json\r\n\r\n", out);
        fwrite(json, 1, json_size, out);
        fwrite(rows, 1, tail, out);
    }
    free(json);
    return out && fclose(out) == 0 && add_kind(b, bytes, size, 200, false);
}

/* What --mix sends besides inference. */
static bool add_others(bench *b)
{
    char path[300], infer[300];
    snprintf(path, sizeof path, "/v2/models/%s", b->args->model);
    snprintf(infer, sizeof infer, "%s/infer", path);
    return add_plain(b, "GET", path, NULL, 200) && add_plain(b, "POST", infer, "{\"inputs\":[", 400) &&
           add_plain(b, "POST", infer, "{\"inputs\":[{\"name\":\"nothing\"}]}", 400) &&
           add_plain(b, "GET", "/nothing/of/this/name", NULL, 404) &&
           add_plain(b, "POST", "/v2/models/nothing/infer", "{}", 404) &&
           add_plain(b, "HEAD", path, NULL, 200) && add_plain(b, "GET", infer, NULL, 405) &&
           add_plain(b, "GET", "/metrics", NULL, 200) && add_plain(b, "GET", "/v2/models/stats", NULL, 200);
}

/* The requests of a run: inference with consecutive rows, with --mix in both formats, and others. */
static bool make_requests(bench *b, ami_error *err)
{
    const arguments *a = b->args;
    const size_t count = (size_t)a->rows * (size_t)b->width;
    ami_npy file = {0};
    if (a->inputs && !ami_npy_read(a->inputs, AMI_NPY_ROUND_TO_FLOAT, &file, err))
        return false;
    float *rows = calloc(count, sizeof *rows);
    bool ok = rows || ami_fail(err, "out of memory");
    if (ok && a->inputs && (file.rank != 2 || file.shape[1] != (size_t)b->width))
        ok = ami_fail(err, "%s: expected an array (rows, %d), as the model's input", a->inputs, b->width);
    const int bodies = a->inputs && !a->mix ? 8 : 1;
    size_t at = 0;
    for (int k = 0; ok && k < bodies; k++) {
        for (size_t i = 0; a->inputs && i < count; i++, at++)
            rows[i] = file.f32[at % file.count];
        if (a->mix)
            ok = add_infer(b, rows, true) && add_infer(b, rows, false) && add_others(b);
        else
            ok = add_infer(b, rows, !strcmp(a->format, "binary"));
        if (!ok)
            ami_fail(err, "out of memory");
    }
    free(rows);
    ami_npy_free(&file);
    return ok;
}

/* Seven of eight requests of a mixture are inference, one in eight of those in JSON. */
static const kind *next_kind(bench *b)
{
    const int64_t i = b->sent++;
    if (!b->args->mix)
        return &b->kind[i % b->kinds];
    if (i % 8 == 7)
        return &b->kind[2 + i / 8 % (b->kinds - 2)];
    return &b->kind[i % 8 == 3];
}

/* ---- connections ---- */

static bool find_address(bench *b, ami_error *err)
{
    char port[16];
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found = NULL;
    snprintf(port, sizeof port, "%d", b->args->port);
    if (getaddrinfo(b->args->host, port, &hints, &found) != 0)
        return ami_fail(err, "--host is \"%.100s\", which is not an address", b->args->host);
    memcpy(&b->address, found->ai_addr, found->ai_addrlen);
    b->address_size = found->ai_addrlen;
    freeaddrinfo(found);
    return true;
}

static void close_connection(connection *c)
{
    if (c->fd >= 0)
        close(c->fd);
    c->fd = -1;
    c->received = 0;
    c->requests = 0;
    c->busy = false;
}

static bool open_connection(const bench *b, connection *c, ami_error *err)
{
    const int on = 1;
    c->fd = socket(b->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (c->fd < 0 || connect(c->fd, (const struct sockaddr *)&b->address, b->address_size) != 0) {
        ami_fail(err, "cannot connect to port %d of %s: %s", b->args->port, b->args->host, strerror(errno));
        close_connection(c);
        return false;
    }
    setsockopt(c->fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return true;
}

static void count_error(bench *b, const char *why)
{
    b->errors++;
    if (!b->why[0])
        snprintf(b->why, sizeof b->why, "%s", why);
}

/* False where the connection has ended. */
static bool send_more(connection *c)
{
    while (c->sent < c->sending->size) {
        const ssize_t n =
            send(c->fd, c->sending->bytes + c->sent, c->sending->size - c->sent, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (n < 0)
            return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
        c->sent += (size_t)n;
    }
    return true;
}

/* The value of a header line; NULL: it is not there. The head ends with a 0 byte. */
static const char *header(const char *head, const char *name)
{
    const size_t n = strlen(name);
    for (const char *p = strstr(head, "\r\n"); p; p = strstr(p, "\r\n")) {
        p += 2;
        if (!strncasecmp(p, name, n) && p[n] == ':')
            return p + n + 1 + strspn(p + n + 1, " ");
    }
    return NULL;
}

/* Bytes of the answer when it is complete, with its status; 0: more are needed, -1: it is not HTTP. */
static int64_t answer_size(const connection *c, int *status, bool *ends)
{
    char *end = c->received ? strstr(c->answer, "\r\n\r\n") : NULL;
    if (!end)
        return 0;
    if (strncmp(c->answer, "HTTP/1.1 ", 9) != 0)
        return -1;
    *end = 0;
    const char *length = header(c->answer, "content-length"), *after = header(c->answer, "connection");
    *status = (int)strtol(c->answer + 9, NULL, 10);
    *ends = after && !strncasecmp(after, "close", 5);
    const int64_t body = length && !c->sending->head ? strtoll(length, NULL, 10) : 0,
                  size = end - c->answer + 4 + body;
    *end = '\r';
    return (int64_t)c->received >= size ? size : 0;
}

/* Reads what is there. False where the connection has ended or memory is short. */
static bool receive_more(connection *c)
{
    if (c->capacity - c->received <= PART) {
        char *more = realloc(c->answer, c->capacity * 2 + 2 * PART);
        if (!more)
            return false;
        c->answer = more;
        c->capacity = c->capacity * 2 + 2 * PART;
    }
    const ssize_t n = recv(c->fd, c->answer + c->received, PART, MSG_DONTWAIT);
    if (n <= 0)
        return n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
    c->received += (size_t)n;
    c->answer[c->received] = 0;
    return true;
}

static bool keep_times(bench *b, const connection *c)
{
    const double now = ami_clock_now();
    if (!b->measuring)
        return true;
    if (b->n == b->capacity) {
        const int64_t more = b->capacity ? 2 * b->capacity : 1 << 16;
        double *latency = realloc(b->latency, (size_t)more * sizeof *latency);
        if (!latency)
            return false;
        b->latency = latency;
        double *service = realloc(b->service, (size_t)more * sizeof *service);
        if (!service)
            return false;
        b->service = service;
        b->capacity = more;
    }
    b->latency[b->n] = now - c->due;
    b->service[b->n++] = now - c->begun;
    return true;
}

/* Begins a request that was due at this time. */
static bool begin(bench *b, connection *c, double due, ami_error *err)
{
    if (b->args->mix && c->requests == PER_CONNECTION)
        close_connection(c);
    if (c->fd < 0 && !open_connection(b, c, err))
        return false;
    c->sending = next_kind(b);
    c->sent = c->received = 0;
    c->busy = true;
    c->waited = 0;
    c->requests++;
    c->due = due;
    c->begun = ami_clock_now();
    if (!send_more(c)) {
        count_error(b, "the server closed the connection");
        close_connection(c);
    }
    return true;
}

/* Handles what poll reported of a busy connection. */
static bool go_on(bench *b, connection *c, ami_error *err)
{
    int status = 0;
    bool ends = false;
    if (!send_more(c) || !receive_more(c)) {
        count_error(b, "the server closed the connection");
        close_connection(c);
        return true;
    }
    const int64_t size = answer_size(c, &status, &ends);
    if (size == 0)
        return true;
    if (size < 0 || status != c->sending->status || size != (int64_t)c->received) {
        char why[200];
        snprintf(why, sizeof why, "%.60s was answered by %.100s", c->sending->bytes, c->answer);
        for (char *p = why; *p; p++)
            if (*p == '\r' || *p == '\n')
                *p = ' ';
        count_error(b, why);
        ends |= size != (int64_t)c->received;
    }
    c->busy = false;
    if (!keep_times(b, c))
        return ami_fail(err, "out of memory for %lld latencies", (long long)b->n);
    if (ends)
        close_connection(c);
    return true;
}

/* Waits at most until `until`, s of the clock, for any busy connection, and handles what came. */
static bool wait_and_handle(bench *b, double until, ami_error *err)
{
    struct pollfd p[MAX_CONNECTIONS];
    const int n = b->args->connections;
    for (int i = 0; i < n; i++) {
        const connection *c = &b->connection[i];
        p[i] = (struct pollfd){c->busy ? c->fd : -1, POLLIN, 0};
        if (c->busy && c->sent < c->sending->size)
            p[i].events |= POLLOUT;
    }
    const double left = fmax(0, until - ami_clock_now());
    const struct timespec time = {(time_t)left, (long)(1e9 * (left - floor(left)))};
    if (ppoll(p, (nfds_t)n, &time, NULL) < 0)
        return errno == EINTR || ami_fail(err, "poll: %s", strerror(errno));
    for (int i = 0; i < n; i++)
        if (p[i].fd >= 0 && p[i].revents && !go_on(b, &b->connection[i], err))
            return false;
    return true;
}

/* Fails where a request has waited for 120 s, other connections may go on meanwhile; time in which this
 * program itself was stopped does not count. */
static bool check_waiting(bench *b, ami_error *err)
{
    const double now = ami_clock_now(), seen = fmin(now - b->checked, .2);
    b->checked = now;
    for (int i = 0; i < b->args->connections; i++) {
        connection *c = &b->connection[i];
        c->waited += seen;
        if (c->busy && c->waited > 120)
            return ami_fail(err,
                            "the server has not answered \"%.*s\" for 120 s (request %lld of its connection, "
                            "%zu bytes of the answer have come)",
                            (int)strcspn(c->sending->bytes, "\r"), c->sending->bytes, (long long)c->requests,
                            c->received);
    }
    return true;
}

/* Sends and receives until a time, or until `count` answers were measured (0: no limit). */
static bool run_until(bench *b, double end, int64_t count, ami_error *err)
{
    const double step = b->args->rate > 0 ? 1 / b->args->rate : 0;
    double due = ami_clock_now();
    int64_t started = 0;
    for (double now; (now = ami_clock_now()) < end && (!count || b->n + b->errors < count);) {
        for (int i = 0; i < b->args->connections; i++) {
            connection *c = &b->connection[i];
            if (c->busy || (step && due > now) || (count && started == count))
                continue;
            if (!begin(b, c, step ? due : now, err))
                return false;
            due += step;
            started++;
        }
        if (!wait_and_handle(b, fmin(step && due > now ? due : now + .1, end), err) || !check_waiting(b, err))
            return false;
        if (b->errors > 1000)
            break;
    }
    return true;
}

/* Waits for the answers that are under way. */
static bool finish(bench *b, ami_error *err)
{
    for (;;) {
        bool busy = false;
        for (int i = 0; i < b->args->connections; i++)
            busy |= b->connection[i].busy;
        if (!busy)
            return true;
        if (!wait_and_handle(b, ami_clock_now() + .1, err) || !check_waiting(b, err))
            return false;
    }
}

/* ---- the model ---- */

/* Sends a request and returns its answer's body, which ends with a 0 byte; valid until the next one. */
static const char *ask(bench *b, const char *path, ami_error *err)
{
    connection *c = &b->connection[0];
    char text[512];
    int status = 0;
    bool ends;
    snprintf(text, sizeof text, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path,
             b->args->host);
    const kind one = {text, strlen(text), 200, false};
    if (!open_connection(b, c, err))
        return NULL;
    c->sending = &one;
    c->sent = c->received = 0;
    bool ok = send_more(c);
    struct pollfd p = {c->fd, POLLIN, 0};
    while (ok && answer_size(c, &status, &ends) == 0)
        ok = poll(&p, 1, 30000) > 0 && receive_more(c);
    close_connection(c);
    if (!ok || status != 200) {
        ami_fail(err, "%s of port %d: the answer's status is %d, expected 200", path, b->args->port, status);
        return NULL;
    }
    return strstr(c->answer, "\r\n\r\n") + 4;
}

/* Reads the model's input from the server: one of FP32, [-1, n...]. */
static bool read_model(bench *b, ami_error *err)
{
    char path[300];
    snprintf(path, sizeof path, "/v2/models/%s", b->args->model);
    const char *text = ask(b, path, err);
    if (!text)
        return false;
    json_t *o = json_loads(text, 0, NULL);
    const json_t *inputs = json_object_get(o, "inputs"), *input = json_array_get(inputs, 0),
                 *shape = json_object_get(input, "shape");
    const char *type = json_string_value(json_object_get(input, "datatype")),
               *name = json_string_value(json_object_get(input, "name"));
    bool ok = json_array_size(inputs) == 1 && name && type && !strcmp(type, "FP32") && strlen(name) < 100 &&
              json_array_size(shape) == 2 && !strpbrk(name, "\"\\");
    b->width = ok ? (int)json_integer_value(json_array_get(shape, 1)) : 0;
    if (!ok || b->width < 1)
        ok = ami_fail(err, "model \"%s\": expected one input of FP32 with shape [-1, n]", b->args->model);
    else
        snprintf(b->input, sizeof b->input, "%s", name);
    json_decref(o);
    return ok;
}

/* ---- results ---- */

static void add(json_t *o, bool quiet, const char *title, const char *name, double *seconds, int64_t n)
{
    const bench_summary s = bench_summarise(seconds, (int)n);
    if (!quiet)
        printf("  %-24s %9.3f %9.3f %9.3f %9.3f\n", title, 1e3 * s.p50, 1e3 * s.p99, 1e3 * s.p999,
               1e3 * s.max);
    json_object_set_new(o, name, bench_summary_json(&s));
}

static bool report(bench *b, double seconds, double cpu, ami_error *err)
{
    const arguments *a = b->args;
    const bool quiet = a->common.json && !strcmp(a->common.json, "-");
    if (b->n == 0)
        return ami_fail(err, "no request was answered%s%s", b->why[0] ? ": " : "", b->why);
    json_t *o = json_object();
    if (!quiet)
        printf("%s, %d row%s, %d connection%s, %s: %lld requests in %.2f s, %.0f requests/s\n"
               "  ms %31s %9s %9s %9s\n",
               a->model, a->rows, cli_plural(a->rows), a->connections, cli_plural(a->connections),
               b->open_loop ? "open loop" : "closed loop", (long long)b->n, seconds, (double)b->n / seconds,
               "p50", "p99", "p99.9", "max");
    if (b->open_loop)
        add(o, quiet, "latency (from due)", "latency", b->latency, b->n);
    add(o, quiet, "latency (from sent)", b->open_loop ? "latency_from_sent" : "latency", b->service, b->n);
    json_object_set_new(o, "model", cli_text(a->model));
    json_object_set_new(o, "rows", json_integer(a->rows));
    json_object_set_new(o, "connections", json_integer(a->connections));
    json_object_set_new(o, "rate", cli_real(a->rate));
    json_object_set_new(o, "requests", json_integer(b->n));
    json_object_set_new(o, "requests_per_s", cli_real((double)b->n / seconds));
    json_object_set_new(o, "errors", json_integer(b->errors));
    if (b->errors) {
        json_object_set_new(o, "first_error", cli_text(b->why));
        if (!quiet)
            printf("  %lld errors, the first: %s\n", (long long)b->errors, b->why);
    }
    if (isfinite(cpu)) {
        const double us = 1e6 * cpu / (double)b->n;
        json_object_set_new(o, "server_cpu_us_per_request", cli_real(us));
        if (!quiet)
            printf("  server: %.2f cores, %.0f us of CPU a request\n", cpu / seconds, us);
    }
    const bool ok = cli_write_json(a->common.json, o, err);
    return ok && (b->errors == 0 || ami_fail(err, "%lld of %lld requests failed: %s", (long long)b->errors,
                                             (long long)(b->n + b->errors), b->why));
}

static bool run(bench *b, ami_error *err)
{
    const arguments *a = b->args;
    b->connection = calloc((size_t)a->connections, sizeof *b->connection);
    if (!b->connection)
        return ami_fail(err, "out of memory");
    for (int i = 0; i < a->connections; i++)
        b->connection[i].fd = -1;
    bool ok = find_address(b, err) && read_model(b, err) && make_requests(b, err) &&
              run_until(b, ami_clock_now() + .5, 0, err) && finish(b, err);
    if (ok && b->errors == 0) {
        const double cpu = bench_cpu_time(a->pid), begun = ami_clock_now();
        b->measuring = true;
        ok = run_until(b, a->count ? INFINITY : begun + a->seconds, a->count, err);
        const double taken = ami_clock_now() - begun, used = bench_cpu_time(a->pid) - cpu;
        ok = ok && finish(b, err) && report(b, taken, used, err);
    } else if (ok) {
        ok = ami_fail(err, "%lld requests failed: %s", (long long)b->errors, b->why);
    }
    for (int i = 0; i < a->connections; i++) {
        close_connection(&b->connection[i]);
        free(b->connection[i].answer);
    }
    for (int i = 0; i < b->kinds; i++)
        free(b->kind[i].bytes);
    free(b->connection);
    free(b->latency);
    free(b->service);
    return ok;
}

int bench_requests(int argc, char **argv)
{
    arguments a = {.host = "127.0.0.1",
                   .port = 8000,
                   .model = "walk",
                   .format = "binary",
                   .rows = 1,
                   .connections = 8,
                   .seconds = 5};
    const struct argp_child children[] = {{&cli_json_argp, 0, NULL, 9}, {0}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Inference requests to a running server of the Open Inference Protocol: requests a second, latency, "
        "CPU time.\v"
        "With --rate, latency counts from when a request was due, whatever the server did meanwhile, so that "
        "its stalls are counted in full (no coordinated omission).\n\n"
        "Example:\n  amble-serve & amble-bench requests --rate 2000 --pid $!",
        children,
        NULL,
        NULL};
    ami_error err = {""};
    cli_parse(&argp, argc, argv, &a);
    bench b = {.args = &a, .open_loop = a.rate > 0};
    return run(&b, &err) ? 0 : cli_failed(&err);
}
