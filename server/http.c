/* HTTP by libwebsockets: connections, bodies, answers, waking when a worker has finished a request.
 *
 * All connections belong to the thread of srv_http_run. A request that a worker processes points to its
 * connection through a ticket, which outlives the connection: when a client disconnects, its ticket is
 * emptied. */
#define _GNU_SOURCE /* accept4 */
#include "server/http.h"

#include "server/routes.h"
#include "server/service.h"
#include "server/socket.h"

#include <ctype.h>
#include <errno.h>
#include <jansson.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <netinet/in.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

/* TAKEN_HEADERS: bytes of a request's headers. One with more is cut off by libwebsockets without an answer;
 * up to there, what is too long is answered. */
enum { CHUNK = 1 << 16, MAX_PATH = 1024, MAX_HEADERS = 4096, TAKEN_HEADERS = 49152, MAX_ID = 64 };

typedef struct connection connection;

/* A request that is queued or processed by a worker. */
typedef struct ticket {
    srv_job job;
    srv_call *call; /* of an ensemble; NULL: the job's network */
    srv_http *http;
    connection *connection; /* NULL: the client has disconnected */
    struct ticket *next;    /* in the list of finished ones */
} ticket;

/* A request, from its header to the end of the answer. */
struct connection {
    struct lws *wsi;
    char path[MAX_PATH], query[MAX_PATH];
    char id[MAX_ID];    /* X-Request-Id: the client's, or made here */
    char trace[MAX_ID]; /* traceparent, as given; empty: none */
    const char *method; /* "GET", "HEAD", "POST" or another one */
    bool post, head;
    char *body;
    bool fed; /* a piece of the body has come */
    size_t size, expected;
    int64_t header; /* Inference-Header-Content-Length, -1: none */
    ticket *ticket; /* while a worker processes it */
    srv_answer answer;
    bool answered, headed, last; /* last: the connection is closed after it */
    size_t sent;
    int64_t begun;
};

struct srv_http {
    srv_http_def def;
    srv_site site;
    struct lws_context *context;
    struct lws_vhost *vhost;
    srv_sockets *sockets; /* NULL: no live characters */
    atomic_bool awake;    /* lws_cancel_service was called and not yet handled */
    uint64_t requests;
    pthread_mutex_t mutex; /* of the list */
    ticket *done;
    int under_way; /* number of tickets in use */
    lws_sorted_usec_list_t watchdog;
    volatile sig_atomic_t stop, refresh;
};

/* ---- answers ---- */

static void log_request(const srv_http *http, const connection *c)
{
    if (!http->def.log_requests)
        return;
    char address[64] = "";
    lws_get_peer_simple(c->wsi, address, sizeof address);
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    json_t *o =
        json_pack("{sf ss ss ss ss ss si sI sf}", "time", (double)now.tv_sec + 1e-9 * (double)now.tv_nsec,
                  "level", c->answer.status < 500 ? "info" : "error", "request_id", c->id, "client", address,
                  "method", c->method, "path", c->path, "status", c->answer.status, "bytes",
                  (json_int_t)c->answer.size, "ms", 1e-6 * (double)(srv_now() - c->begun));
    if (o && c->trace[0])
        json_object_set_new(o, "traceparent", json_string(c->trace));
    char *line = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(14)) : NULL;
    if (line)
        fprintf(stderr, "%s\n", line);
    free(line);
    json_decref(o);
}

static void count_answer(srv_http *http, int status)
{
    if (status < 0 || status >= SRV_STATUSES)
        return;
    atomic_fetch_add_explicit(&http->site.answers[status / 100], 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&http->site.status[status], 1, memory_order_relaxed);
}

static int answer(srv_http *http, connection *c, srv_answer a)
{
    c->answer = a;
    c->answered = true;
    count_answer(http, a.status);
    log_request(http, c);
    lws_callback_on_writable(c->wsi);
    return 0;
}

static int add_header(connection *c, const char *name, const char *value, unsigned char **p,
                      unsigned char *end)
{
    return lws_add_http_header_by_name(c->wsi, (const unsigned char *)name, (const unsigned char *)value,
                                       (int)strlen(value), p, end);
}

/* A page may load nothing but what this server has. */
static int add_page_headers(connection *c, unsigned char **p, unsigned char *end)
{
    return add_header(c, "Content-Security-Policy:",
                      "default-src 'self'; connect-src 'self' ws: wss:; img-src 'self' data:; "
                      "frame-ancestors 'none'; base-uri 'none'",
                      p, end) ||
           add_header(c, "Referrer-Policy:", "no-referrer", p, end);
}

static int write_head(connection *c)
{
    unsigned char buffer[LWS_PRE + MAX_HEADERS], *start = buffer + LWS_PRE, *p = start,
                                                 *end = buffer + sizeof buffer - 1;
    const srv_answer *a = &c->answer;
    char number[32];
    if (lws_add_http_common_headers(c->wsi, (unsigned)a->status, a->type, (lws_filepos_t)a->size, &p, end))
        return -1;
    snprintf(number, sizeof number, "%lld", (long long)a->header);
    if ((a->header >= 0 && add_header(c, "Inference-Header-Content-Length:", number, &p, end)) ||
        (a->retry && add_header(c, "Retry-After:", "1", &p, end)) ||
        (a->allow && add_header(c, "Allow:", a->allow, &p, end)) ||
        (a->status == 401 && add_header(c, "WWW-Authenticate:", "Bearer", &p, end)) ||
        (c->id[0] && add_header(c, "X-Request-Id:", c->id, &p, end)) ||
        (c->trace[0] && add_header(c, "traceparent:", c->trace, &p, end)) ||
        (a->attachment && add_header(c, "Content-Disposition:", a->attachment, &p, end)) ||
        add_header(c, "X-Content-Type-Options:", "nosniff", &p, end) ||
        add_header(c, "Cache-Control:", a->page ? "no-cache" : "no-store", &p, end) ||
        (a->page && add_page_headers(c, &p, end)))
        return -1;
    return lws_finalize_write_http_header(c->wsi, start, &p, end) ? -1 : 0;
}

static void forget(srv_http *http, connection *c)
{
    if (c->ticket) {
        c->ticket->connection = NULL;
        (void)http;
    }
    free(c->body);
    free(c->answer.body);
    free(c);
}

static int write_more(srv_http *http, connection *c)
{
    static unsigned char buffer[LWS_PRE + CHUNK];
    if (!c->answered)
        return 0;
    if (!c->headed) {
        c->headed = true;
        if (write_head(c))
            return -1;
        if (c->answer.size > 0 && !c->head) {
            lws_callback_on_writable(c->wsi);
            return 0;
        }
    } else {
        const size_t left = c->answer.size - c->sent, n = left < CHUNK ? left : CHUNK;
        memcpy(buffer + LWS_PRE, c->answer.body + c->sent, n);
        if (lws_write(c->wsi, buffer + LWS_PRE, n, n == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) !=
            (int)n)
            return -1;
        c->sent += n;
        if (n < left) {
            lws_callback_on_writable(c->wsi);
            return 0;
        }
    }
    struct lws *wsi = c->wsi;
    const bool last = c->last;
    lws_set_opaque_user_data(wsi, NULL);
    forget(http, c);
    return lws_http_transaction_completed(wsi) || last ? -1 : 0;
}

/* ---- workers ---- */

/* Called in a worker's thread. */
static void job_done(srv_job *job)
{
    ticket *t = job->context;
    srv_http *http = t->http;
    pthread_mutex_lock(&http->mutex);
    t->next = http->done;
    http->done = t;
    pthread_mutex_unlock(&http->mutex);
    srv_http_wake(http);
}

static void run_call(srv_job *job)
{
    ticket *t = job->context;
    srv_call_run(t->call);
}

static void free_ticket(ticket *t)
{
    srv_call_free(t->call);
    if (t->job.infer.model)
        srv_release(t->job.infer.model);
    srv_infer_free(&t->job.infer);
    free(t);
}

static srv_answer answer_of(const ticket *t)
{
    const srv_job *job = &t->job;
    srv_answer a = {.status = 200, .type = "application/json"};
    ami_error err = {""};
    if (t->call && !(a.body = srv_call_answer(t->call, &a.size, &a.header, &err)))
        return srv_error(strstr(err.text, "out of memory") ? 500 : 400, "%s", err.text);
    if (t->call) {
        if (a.header >= 0)
            a.type = "application/octet-stream";
        return a;
    }
    if (!job->failed && (a.body = srv_infer_answer(&job->infer, &a.size, &a.header))) {
        if (a.header >= 0)
            a.type = "application/octet-stream";
        return a;
    }
    if (job->failed && job->infer.model->graph)
        return srv_error(400,
                         "the network cannot be run on these inputs: an index points out of its table, or "
                         "they need more memory than there is");
    return srv_error(500, "out of memory");
}

static void take_done(srv_http *http)
{
    pthread_mutex_lock(&http->mutex);
    ticket *t = http->done;
    http->done = NULL;
    pthread_mutex_unlock(&http->mutex);
    while (t) {
        ticket *next = t->next;
        http->under_way--;
        if (t->connection) {
            t->connection->ticket = NULL;
            answer(http, t->connection, answer_of(t));
        }
        free_ticket(t);
        t = next;
    }
}

/* Reads the request into the ticket; a sentence and a status where it is not valid. */
static bool read_job(srv_http *http, const connection *c, const char *name, int version, ticket *t,
                     int *status, ami_error *err)
{
    const char *body = c->body ? c->body : "";
    srv_model *m = srv_acquire(http->def.store, name, version);
    if (!m && http->def.ensembles && version <= 1 && srv_is_ensemble(name)) {
        t->job.run = run_call;
        t->call = srv_call_read(http->def.ensembles, name, body, c->size, c->header, err);
        *status = strstr(err->text, "out of memory") ? 503 : 400;
        return t->call;
    }
    *status = 404;
    if (!m)
        return ami_fail(err, "there is no model \"%s\"%s", name, version ? " of this version" : "");
    if (srv_infer_read(&t->job.infer, m, body, c->size, c->header, err))
        return true;
    t->job.infer.model = NULL;
    srv_release(m);
    *status = strstr(err->text, "out of memory") ? 503 : 400;
    return false;
}

static int infer(srv_http *http, connection *c, const char *name, int version)
{
    ami_error err = {""};
    int status;
    ticket *t = calloc(1, sizeof *t);
    if (!t)
        return answer(http, c, srv_error(500, "out of memory"));
    t->http = http;
    t->job.done = job_done;
    t->job.context = t;
    if (!read_job(http, c, name, version, t, &status, &err)) {
        free(t);
        return answer(http, c, srv_error(status, "%s", err.text));
    }
    free(c->body);
    c->body = NULL;
    t->connection = c;
    c->ticket = t;
    http->under_way++;
    if (srv_submit(http->def.workers, &t->job))
        return 0;
    http->under_way--;
    c->ticket = NULL;
    free_ticket(t);
    return answer(http, c, srv_error(503, "too many requests are waiting; try again"));
}

/* ---- requests ---- */

/* Digits alone, of at most 18; else -2. */
static int64_t whole_number(const char *text)
{
    const size_t n = strspn(text, "0123456789");
    return n == 0 || n > 18 || text[n] ? -2 : strtoll(text, NULL, 10);
}

/* -1: not given; -2: not a whole number. */
static int64_t header_number(struct lws *wsi, enum lws_token_indexes token)
{
    char text[32];
    if (lws_hdr_total_length(wsi, token) <= 0)
        return -1;
    return lws_hdr_copy(wsi, text, sizeof text, token) > 0 ? whole_number(text) : -2;
}

static int64_t json_length(struct lws *wsi)
{
    static const char name[] = "inference-header-content-length:";
    char text[32];
    if (lws_hdr_custom_length(wsi, name, sizeof name - 1) <= 0)
        return -1;
    return lws_hdr_custom_copy(wsi, text, sizeof text, name, sizeof name - 1) > 0 ? whole_number(text) : -2;
}

/* The token that a request brings: in its Authorization header, or, since web pages cannot set that for a
 * WebSocket, as ?access_token=… in the address. False where there is none. */
static bool given_token(struct lws *wsi, char token[512])
{
    static const char bearer[] = "Bearer ", argument[] = "access_token=";
    char header[512];
    if (lws_hdr_copy(wsi, header, sizeof header, WSI_TOKEN_HTTP_AUTHORIZATION) >= (int)sizeof bearer &&
        strncasecmp(header, bearer, sizeof bearer - 1) == 0) {
        snprintf(token, 512, "%s", header + sizeof bearer - 1);
        return true;
    }
    /* Some versions of libwebsockets return the value, others the whole argument. */
    if (!lws_get_urlarg_by_name(wsi, argument, header, sizeof header))
        return false;
    const size_t n = strncmp(header, argument, sizeof argument - 1) == 0 ? sizeof argument - 1 : 0;
    snprintf(token, 512, "%s", header + n);
    return true;
}

/* In constant time. */
static bool is_authorised(const srv_http *http, struct lws *wsi)
{
    char token[512];
    if (!http->def.token)
        return true;
    if (!given_token(wsi, token))
        return false;
    const size_t n = strlen(http->def.token), length = strlen(token);
    unsigned char different = length != n;
    for (size_t i = 0; i < n; i++)
        different |= (unsigned char)(http->def.token[i] ^ (i < length ? token[i] : 0));
    return !different;
}

static const struct {
    enum lws_token_indexes token;
    const char *name;
} methods[] = {{WSI_TOKEN_GET_URI, "GET"},         {WSI_TOKEN_POST_URI, "POST"},
               {WSI_TOKEN_HEAD_URI, "HEAD"},       {WSI_TOKEN_PUT_URI, "PUT"},
               {WSI_TOKEN_DELETE_URI, "DELETE"},   {WSI_TOKEN_PATCH_URI, "PATCH"},
               {WSI_TOKEN_OPTIONS_URI, "OPTIONS"}, {WSI_TOKEN_CONNECT, "CONNECT"}};

static void read_method(connection *c)
{
    c->method = "";
    for (size_t i = 0; i < sizeof methods / sizeof *methods && !*c->method; i++)
        if (lws_hdr_total_length(c->wsi, methods[i].token) > 0)
            c->method = methods[i].name;
    c->post = !strcmp(c->method, "POST");
    c->head = !strcmp(c->method, "HEAD");
}

/* Whether the path is there for this method; a path that is not there at all is an error elsewhere. */
static srv_answer check_method(const connection *c)
{
    const char *allowed = srv_allowed(c->path);
    if (!allowed && !c->post && !c->head && strcmp(c->method, "GET") != 0)
        return srv_error(404, "there is no %.200s", c->path);
    if (!allowed || (*c->method && strstr(allowed, c->method)))
        return (srv_answer){0};
    srv_answer a = srv_error(405, "%.200s does not take %s, expected %s", c->path,
                             *c->method ? c->method : "this method", c->post ? "GET" : allowed);
    a.allow = allowed;
    return a;
}

/* Errors that the request's header shows; status 0: none. */
static srv_answer check_header(srv_http *http, connection *c, struct lws *wsi)
{
    char encoding[32];
    const bool open = !strncmp(c->path, "/v2/health/", 11) || srv_is_page(c->path);
    if (!open && !is_authorised(http, wsi))
        return srv_error(401, "an Authorization: Bearer header with the right token is required");
    const srv_answer refused = check_method(c);
    if (refused.status)
        return refused;
    const int64_t length = header_number(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    if (length == -2)
        return srv_error(400, "Content-Length is not a whole number");
    c->last = lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0;
    if (c->last)
        return srv_error(411, "Transfer-Encoding is not supported, expected Content-Length");
    if (length > (int64_t)http->def.max_body)
        return srv_error(413, "the body has %lld bytes, expected at most %zu", (long long)length,
                         http->def.max_body);
    c->expected = length > 0 ? (size_t)length : 0;
    c->header = json_length(wsi);
    if (c->header == -2)
        return srv_error(400, "Inference-Header-Content-Length is not a whole number");
    if (lws_hdr_copy(wsi, encoding, sizeof encoding, WSI_TOKEN_HTTP_CONTENT_ENCODING) > 0 &&
        strcmp(encoding, "identity") != 0)
        return srv_error(415, "Content-Encoding %s is not supported, expected none", encoding);
    return (srv_answer){0};
}

static int route(srv_http *http, connection *c)
{
    char name[SRV_NAME];
    int version;
    if (c->post && srv_is_infer(c->path, name, &version))
        return infer(http, c, name, version);
    const srv_request request = {c->post, c->path, c->query, c->body, c->size};
    http->site.clients = http->sockets ? srv_sockets_count(http->sockets) : 0;
    return answer(http, c, srv_route(&http->site, &request));
}

/* Copies a header that is at most 63 printable characters long; else leaves it empty. */
static void copy_header(struct lws *wsi, const char *name, char value[MAX_ID])
{
    const int length = (int)strlen(name);
    if (lws_hdr_custom_length(wsi, name, length) <= 0 ||
        lws_hdr_custom_copy(wsi, value, MAX_ID, name, length) <= 0)
        value[0] = 0;
    for (const char *p = value; *p; p++)
        if (!isgraph((unsigned char)*p)) {
            value[0] = 0;
            return;
        }
}

/* The arguments of the address, joined by & again. One that does not fit is left out. */
static void copy_query(connection *c)
{
    size_t at = 0;
    for (int k = 0;; k++) {
        char part[MAX_PATH];
        const int n = lws_hdr_copy_fragment(c->wsi, part, sizeof part, WSI_TOKEN_HTTP_URI_ARGS, k);
        if (n < 0)
            return;
        if (at + (size_t)n + 2 > sizeof c->query)
            continue;
        at += (size_t)snprintf(c->query + at, sizeof c->query - at, "%s%s", at ? "&" : "", part);
    }
}

static void identify(srv_http *http, connection *c)
{
    copy_header(c->wsi, "x-request-id:", c->id);
    copy_header(c->wsi, "traceparent:", c->trace);
    if (!c->id[0])
        snprintf(c->id, sizeof c->id, "%llx-%llx", (unsigned long long)http->site.started,
                 (unsigned long long)++http->requests);
    copy_query(c);
}

static int begin(srv_http *http, struct lws *wsi, const char *path, size_t length)
{
    connection *c = calloc(1, sizeof *c);
    if (!c)
        return -1;
    c->wsi = wsi;
    c->begun = srv_now();
    read_method(c);
    snprintf(c->path, sizeof c->path, "%.*s", (int)(length < MAX_PATH ? length : MAX_PATH - 1), path);
    lws_set_opaque_user_data(wsi, c);
    identify(http, c);
    if (length >= MAX_PATH)
        return answer(http, c, srv_error(414, "the path is longer than %d bytes", MAX_PATH - 1));
    const srv_answer refused = check_header(http, c, wsi);
    if (refused.status)
        return answer(http, c, refused);
    if (!c->post || c->expected == 0)
        return route(http, c);
    c->body = malloc(c->expected + 1);
    return c->body ? 0
                   : answer(http, c, srv_error(503, "out of memory for a body of %zu bytes", c->expected));
}

/* Answers with the protocol's JSON error at once, without a connection's answer; the connection is to be
 * closed. */
static bool answer_now(struct lws *wsi, unsigned status, const char *why)
{
    unsigned char buffer[LWS_PRE + MAX_HEADERS], *start = buffer + LWS_PRE, *p = start,
                                                 *end = buffer + sizeof buffer - 1;
    srv_answer a = srv_error((int)status, "%s", why);
    const bool ok = a.body && a.size < MAX_HEADERS &&
                    !lws_add_http_common_headers(wsi, status, a.type, (lws_filepos_t)a.size, &p, end) &&
                    !lws_finalize_write_http_header(wsi, start, &p, end);
    if (ok) {
        memcpy(start, a.body, a.size);
        lws_write(wsi, start, a.size, LWS_WRITE_HTTP_FINAL);
    }
    free(a.body);
    return ok;
}

/* libwebsockets 4.1 confuses a request with a body that came in one piece with the request before it: it takes
 * the header itself for the body, and then never returns. The body begins with the method then. */
static bool is_own_header(const connection *c, const char *data, size_t n)
{
    const size_t length = strlen(c->method);
    while (n > 0 && isspace((unsigned char)*data))
        data++, n--;
    return length > 0 && n > 0 && !memcmp(data, c->method, n < length ? n : length);
}

static int take_body(srv_http *http, connection *c, const void *data, size_t n)
{
    if (!c->fed && is_own_header(c, data, n)) {
        static const char why[] = "a request with a body must be sent after the answer to the one before it";
        count_answer(http, 400);
        answer_now(c->wsi, 400, why);
        return -1;
    }
    c->fed = true;
    if (c->answered || !c->body)
        return 0; /* refused: the rest of the body is read and dropped */
    if (n > c->expected - c->size)
        return -1;
    memcpy(c->body + c->size, data, n);
    c->size += n;
    c->body[c->size] = 0;
    return 0;
}

/* ---- WebSockets ---- */

static const char characters_path[] = "/v1/characters";

/* A web page may connect if it comes from this server, or from an allowed origin. Programs send no origin. */
static bool is_allowed_origin(const srv_http *http, struct lws *wsi)
{
    char origin[512], host[512];
    if (lws_hdr_total_length(wsi, WSI_TOKEN_ORIGIN) <= 0)
        return true;
    if (lws_hdr_copy(wsi, origin, sizeof origin, WSI_TOKEN_ORIGIN) <= 0)
        return false;
    const char *allowed = http->def.allow_origin, *from = strstr(origin, "://");
    if (allowed && (!strcmp(allowed, "*") || !strcasecmp(allowed, origin)))
        return true;
    return from && lws_hdr_copy(wsi, host, sizeof host, WSI_TOKEN_HOST) > 0 && !strcasecmp(from + 3, host);
}

/* Accepts a WebSocket (0), or refuses it with a status. */
static int check_upgrade(srv_http *http, struct lws *wsi)
{
    char path[MAX_PATH] = "";
    if (lws_hdr_copy(wsi, path, sizeof path, WSI_TOKEN_GET_URI) <= 0)
        path[0] = 0;
    const char *why = NULL;
    unsigned status = 0;
    if (strcmp(path, characters_path) != 0)
        status = 404, why = "WebSockets are at /v1/characters";
    else if (!is_authorised(http, wsi))
        status = 401, why = "a token is required";
    else if (!is_allowed_origin(http, wsi))
        status = 403, why = "pages of this origin may not connect; see --allow-origin";
    else if (!http->sockets || !http->site.ready)
        status = 503, why = http->sockets ? "the server is stopping" : "there are no live characters";
    else if ((why = srv_sockets_full(http->sockets, wsi)))
        status = 429;
    if (!why)
        return 0;
    count_answer(http, (int)status);
    return answer_now(wsi, status, why) ? 1 : -1;
}

/* The inherited socket is readable: accepts what waits there. (libwebsockets 4.1 cannot listen on it
 * itself.) */
static int take_inherited(srv_http *http)
{
    for (int i = 0; i < 64; i++) {
        const int fd = accept4(http->def.socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
        if (fd < 0)
            break;
        lws_adopt_socket_vhost(http->vhost, fd); /* closes it on failure */
    }
    return 0;
}

static bool is_socket_event(enum lws_callback_reasons reason)
{
    return reason == LWS_CALLBACK_ESTABLISHED || reason == LWS_CALLBACK_RECEIVE ||
           reason == LWS_CALLBACK_SERVER_WRITEABLE || reason == LWS_CALLBACK_TIMER ||
           reason == LWS_CALLBACK_CLOSED;
}

static void on_wake(srv_http *http)
{
    atomic_store(&http->awake, false);
    take_done(http);
    if (http->sockets)
        srv_sockets_update(http->sockets);
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    (void)user;
    srv_http *http = wsi ? lws_context_user(lws_get_context(wsi)) : NULL;
    if (is_socket_event(reason))
        return http->sockets ? srv_sockets_event(http->sockets, wsi, reason, in, length) : -1;
    connection *c = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    switch (reason) {
    case LWS_CALLBACK_RAW_RX_FILE:
        return take_inherited(http);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return in && !strcmp(in, "websocket") ? check_upgrade(http, wsi) : 0;
    case LWS_CALLBACK_HTTP:
        return begin(http, wsi, in, length);
    case LWS_CALLBACK_HTTP_BODY:
        return c ? take_body(http, c, in, length) : 0;
    case LWS_CALLBACK_HTTP_BODY_COMPLETION:
        return c && !c->answered && !c->ticket && c->size == c->expected ? route(http, c) : 0;
    case LWS_CALLBACK_HTTP_WRITEABLE:
        return c ? write_more(http, c) : 0;
    case LWS_CALLBACK_CLOSED_HTTP:
        if (c) {
            lws_set_opaque_user_data(wsi, NULL);
            forget(http, c);
        }
        return 0;
    case LWS_CALLBACK_EVENT_WAIT_CANCELLED:
        if (http)
            on_wake(http);
        return 0;
    default:
        return 0;
    }
}

/* ---- the port ---- */

static const struct lws_protocols protocols[] = {{"http", on_event, 0, 0, 0, NULL, 0},
                                                 {SRV_SUBPROTOCOL, on_event, 0, 0, 0, NULL, 0},
                                                 {NULL, NULL, 0, 0, 0, NULL, 0}};

/* A silent WebSocket is pinged after 20 s, and given up 10 s later. */
static const lws_retry_bo_t alive = {.secs_since_valid_ping = 20, .secs_since_valid_hangup = 30};

static char complaint[512]; /* libwebsockets' last error */

static void keep_complaint(int level, const char *line)
{
    (void)level;
    snprintf(complaint, sizeof complaint, "%.*s", (int)strcspn(line, "\n"), line);
}

/* Checks whether the port can be bound, to get the system's reason if not; libwebsockets reports none, and
 * leaks memory on failure. */
static bool check_port(const char *address, int port, ami_error *err)
{
    char service[16];
    struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_NUMERICHOST};
    struct addrinfo *found = NULL;
    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(address, service, &hints, &found) != 0)
        return ami_fail(err, "--listen is \"%.100s\", expected an IP address", address);
    const int on = 1, s = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const bool ok = s >= 0 && setsockopt(s, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) == 0 &&
                    bind(s, found->ai_addr, found->ai_addrlen) == 0 && listen(s, 1) == 0;
    if (!ok)
        ami_fail(err, "cannot listen on port %d of %s: %s", port, address, strerror(errno));
    if (s >= 0)
        close(s);
    freeaddrinfo(found);
    return ok;
}

srv_http *srv_http_open(const srv_http_def *def, ami_error *err)
{
    if (def->socket < 0 && !check_port(def->listen, def->port, err))
        return NULL;
    srv_http *http = calloc(1, sizeof *http);
    if (!http) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    http->def = *def;
    http->site = (srv_site){.store = def->store,
                            .workers = def->workers,
                            .ensembles = def->ensembles,
                            .live = def->live,
                            .live_failure = def->live_failure,
                            .ready = true,
                            .started = srv_now()};
    pthread_mutex_init(&http->mutex, NULL);
    if (def->live && !(http->sockets = srv_sockets_open(def->live, &def->limits, def->max_address))) {
        ami_fail(err, "out of memory");
        srv_http_close(http);
        return NULL;
    }
    lws_set_log_level(LLL_ERR, keep_complaint);
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = def->socket < 0 ? def->port : CONTEXT_PORT_NO_LISTEN_SERVER;
    info.iface = def->socket < 0 ? def->listen : NULL;
    info.protocols = protocols;
    info.user = http;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    info.keepalive_timeout = 60;
    info.timeout_secs = 15;
    info.max_http_header_data = TAKEN_HEADERS;
    info.retry_and_idle_policy = &alive;
    info.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
    if (def->cert) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = def->cert;
        info.ssl_private_key_filepath = def->key;
    }
    http->context = lws_create_context(&info);
    http->vhost = http->context ? lws_get_vhost_by_name(http->context, "default") : NULL;
    const lws_sock_file_fd_type inherited = {.filefd = def->socket};
    if (http->vhost && (def->socket < 0 || lws_adopt_descriptor_vhost(http->vhost, LWS_ADOPT_RAW_FILE_DESC,
                                                                      inherited, protocols[0].name, NULL)))
        return http;
    ami_fail(err, "cannot listen on port %d of %s%s%s", def->port, def->listen, complaint[0] ? ": " : "",
             complaint);
    srv_http_close(http);
    return NULL;
}

void srv_http_close(srv_http *http)
{
    if (!http)
        return;
    if (http->context)
        lws_context_destroy(http->context);
    http->context = NULL;
    srv_sockets_close(http->sockets);
    for (ticket *t = http->done; t;) {
        ticket *next = t->next;
        free_ticket(t);
        t = next;
    }
    pthread_mutex_destroy(&http->mutex);
    free(http);
}

int srv_http_port(const srv_http *http)
{
    struct sockaddr_storage own = {0};
    socklen_t size = sizeof own;
    if (http->def.socket >= 0 && getsockname(http->def.socket, (struct sockaddr *)&own, &size) == 0)
        return own.ss_family == AF_INET    ? ntohs(((struct sockaddr_in *)&own)->sin_port)
               : own.ss_family == AF_INET6 ? ntohs(((struct sockaddr_in6 *)&own)->sin6_port)
                                           : 0;
    return lws_get_vhost_listen_port(http->vhost);
}

static void warn(const char *sentence)
{
    fprintf(stderr, "amble-serve: %s\n", sentence);
}

/* A timer of libwebsockets, so that systemd sees whether its loop goes on. */
static void feed_watchdog(lws_sorted_usec_list_t *timer)
{
    srv_http *http = lws_container_of(timer, srv_http, watchdog);
    srv_service_notify("WATCHDOG=1");
    lws_sul_schedule(http->context, 0, timer, feed_watchdog, (lws_usec_t)(srv_service_watchdog() / 3000));
}

void srv_http_run(srv_http *http)
{
    int64_t end = 0;
    srv_service_notify("READY=1");
    if (srv_service_watchdog() > 0)
        feed_watchdog(&http->watchdog);
    for (;;) {
        if (http->refresh) {
            http->refresh = 0;
            srv_store_refresh(http->def.store, warn);
        }
        if (http->stop && !end) {
            http->site.ready = false;
            srv_service_notify("STOPPING=1");
            if (http->sockets)
                srv_sockets_end(http->sockets);
            end = srv_now() + (int64_t)(1e9 * http->def.grace_s);
        }
        if (end && (http->under_way == 0 || srv_now() >= end))
            break;
        if (lws_service(http->context, 0) < 0)
            break;
    }
    for (int i = 0; i < 20; i++) { /* send the remaining answers */
        lws_cancel_service(http->context);
        lws_service(http->context, 0);
    }
}

void srv_http_stop(srv_http *http)
{
    http->stop = 1;
    lws_cancel_service(http->context);
}

void srv_http_refresh(srv_http *http)
{
    http->refresh = 1;
    lws_cancel_service(http->context);
}

void srv_http_wake(srv_http *http)
{
    if (!atomic_exchange(&http->awake, true))
        lws_cancel_service(http->context);
}
