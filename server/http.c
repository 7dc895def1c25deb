/* HTTP by libwebsockets: connections, bodies, answers, waking when a worker has finished a request.
 *
 * All connections belong to the thread of srv_http_run. A request that a worker processes points to its
 * connection through a ticket, which outlives the connection: when a client disconnects, its ticket is
 * emptied. */
#include "server/http.h"

#include "server/routes.h"

#include <errno.h>
#include <jansson.h>
#include <libwebsockets.h>
#include <netdb.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

enum { CHUNK = 1 << 16, MAX_PATH = 1024, MAX_HEADERS = 2048 };

typedef struct connection connection;

/* A request that is queued or processed by a worker. */
typedef struct ticket {
    srv_job job;
    srv_http *http;
    connection *connection; /* NULL: the client has disconnected */
    struct ticket *next;    /* in the list of finished ones */
} ticket;

/* A request, from its header to the end of the answer. */
struct connection {
    struct lws *wsi;
    char path[MAX_PATH];
    bool post;
    char *body;
    size_t size, expected;
    int64_t header; /* Inference-Header-Content-Length, -1: none */
    ticket *ticket; /* while a worker processes it */
    srv_answer answer;
    bool answered, headed;
    size_t sent;
    int64_t begun;
};

struct srv_http {
    srv_http_def def;
    srv_site site;
    struct lws_context *context;
    struct lws_vhost *vhost;
    pthread_mutex_t mutex; /* of the list */
    ticket *done;
    int under_way; /* number of tickets in use */
    volatile sig_atomic_t stop, refresh;
};

/* ---- answers ---- */

static void log_request(const srv_http *http, const connection *c)
{
    if (!http->def.log_requests)
        return;
    json_t *o = json_pack("{ss ss si sI sf}", "method", c->post ? "POST" : "GET", "path", c->path, "status",
                          c->answer.status, "bytes", (json_int_t)c->answer.size, "ms",
                          1e-6 * (double)(srv_now() - c->begun));
    char *line = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(6)) : NULL;
    if (line)
        fprintf(stderr, "%s\n", line);
    free(line);
    json_decref(o);
}

static int answer(srv_http *http, connection *c, srv_answer a)
{
    c->answer = a;
    c->answered = true;
    const int class = a.status / 100;
    if (class >= 0 && class < 6)
        atomic_fetch_add_explicit(&http->site.answers[class], 1, memory_order_relaxed);
    log_request(http, c);
    lws_callback_on_writable(c->wsi);
    return 0;
}

static int write_head(connection *c)
{
    unsigned char buffer[LWS_PRE + MAX_HEADERS], *start = buffer + LWS_PRE, *p = start,
                                                 *end = buffer + sizeof buffer - 1;
    const srv_answer *a = &c->answer;
    char number[32];
    if (lws_add_http_common_headers(c->wsi, (unsigned)a->status, a->type, (lws_filepos_t)a->size, &p, end))
        return -1;
    if (a->header >= 0) {
        snprintf(number, sizeof number, "%lld", (long long)a->header);
        if (lws_add_http_header_by_name(c->wsi, (const unsigned char *)"Inference-Header-Content-Length:",
                                        (const unsigned char *)number, (int)strlen(number), &p, end))
            return -1;
    }
    if (a->retry && lws_add_http_header_by_name(c->wsi, (const unsigned char *)"Retry-After:",
                                                (const unsigned char *)"1", 1, &p, end))
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
        if (c->answer.size > 0) {
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
    lws_set_opaque_user_data(wsi, NULL);
    forget(http, c);
    return lws_http_transaction_completed(wsi) ? -1 : 0;
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
    lws_cancel_service(http->context);
}

static srv_answer answer_of(const srv_job *job)
{
    srv_answer a = {.status = 200, .type = "application/json"};
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
            answer(http, t->connection, answer_of(&t->job));
        }
        srv_release(t->job.infer.model);
        srv_infer_free(&t->job.infer);
        free(t);
        t = next;
    }
}

static int infer(srv_http *http, connection *c, const char *name, int version)
{
    ami_error err = {""};
    srv_model *m = srv_acquire(http->def.store, name, version);
    if (!m)
        return answer(http, c,
                      srv_error(404, "there is no model \"%s\"%s", name, version ? " of this version" : ""));
    ticket *t = calloc(1, sizeof *t);
    if (!t) {
        srv_release(m);
        return answer(http, c, srv_error(500, "out of memory"));
    }
    t->http = http;
    t->job.done = job_done;
    t->job.context = t;
    if (!srv_infer_read(&t->job.infer, m, c->body ? c->body : "", c->size, c->header, &err)) {
        srv_release(m);
        free(t);
        return answer(http, c, srv_error(strstr(err.text, "out of memory") ? 503 : 400, "%s", err.text));
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
    srv_release(m);
    srv_infer_free(&t->job.infer);
    free(t);
    return answer(http, c, srv_error(503, "too many requests are waiting; try again"));
}

/* ---- requests ---- */

static int64_t header_number(struct lws *wsi, enum lws_token_indexes token)
{
    char text[32];
    if (lws_hdr_copy(wsi, text, sizeof text, token) <= 0)
        return -1;
    char *end;
    const long long n = strtoll(text, &end, 10);
    return *end || n < 0 ? -2 : n;
}

/* -1: not given; -2: not a whole number. */
static int64_t json_length(struct lws *wsi)
{
    static const char name[] = "inference-header-content-length:";
    char text[32], *end;
    if (lws_hdr_custom_length(wsi, name, sizeof name - 1) <= 0 ||
        lws_hdr_custom_copy(wsi, text, sizeof text, name, sizeof name - 1) <= 0)
        return -1;
    const long long n = strtoll(text, &end, 10);
    return *end || n < 0 ? -2 : n;
}

/* In constant time. */
static bool is_authorised(const srv_http *http, struct lws *wsi)
{
    static const char bearer[] = "Bearer ";
    char given[512];
    if (!http->def.token)
        return true;
    if (lws_hdr_copy(wsi, given, sizeof given, WSI_TOKEN_HTTP_AUTHORIZATION) < (int)sizeof bearer ||
        strncasecmp(given, bearer, sizeof bearer - 1) != 0)
        return false;
    const char *token = given + sizeof bearer - 1;
    const size_t n = strlen(http->def.token), length = strlen(token);
    unsigned char different = length != n;
    for (size_t i = 0; i < n; i++)
        different |= (unsigned char)(http->def.token[i] ^ (i < length ? token[i] : 0));
    return !different;
}

/* Errors that the request's header shows; status 0: none. */
static srv_answer check_header(srv_http *http, connection *c, struct lws *wsi)
{
    char encoding[32];
    const bool open = !strncmp(c->path, "/v2/health/", 11);
    if (!open && !is_authorised(http, wsi))
        return srv_error(401, "an Authorization: Bearer header with the right token is required");
    const int64_t length = header_number(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    if (length == -2)
        return srv_error(400, "Content-Length is not a whole number");
    if (c->post && lws_hdr_total_length(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) > 0)
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
    const srv_request request = {c->post, c->path, c->body, c->size};
    return answer(http, c, srv_route(&http->site, &request));
}

static int begin(srv_http *http, struct lws *wsi, const char *path, size_t length)
{
    connection *c = calloc(1, sizeof *c);
    if (!c)
        return -1;
    c->wsi = wsi;
    c->begun = srv_now();
    c->post = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;
    snprintf(c->path, sizeof c->path, "%.*s", (int)(length < MAX_PATH ? length : MAX_PATH - 1), path);
    lws_set_opaque_user_data(wsi, c);
    if (length >= MAX_PATH)
        return answer(http, c, srv_error(414, "the path is longer than %d bytes", MAX_PATH - 1));
    if (!c->post && lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) <= 0)
        return answer(http, c, srv_error(405, "expected GET or POST"));
    const srv_answer refused = check_header(http, c, wsi);
    if (refused.status)
        return answer(http, c, refused);
    if (!c->post || c->expected == 0)
        return route(http, c);
    c->body = malloc(c->expected + 1);
    return c->body ? 0
                   : answer(http, c, srv_error(503, "out of memory for a body of %zu bytes", c->expected));
}

static int take_body(srv_http *http, connection *c, const void *data, size_t n)
{
    (void)http;
    if (c->answered || !c->body)
        return 0; /* refused: the rest of the body is read and dropped */
    if (n > c->expected - c->size)
        return -1;
    memcpy(c->body + c->size, data, n);
    c->size += n;
    c->body[c->size] = 0;
    return 0;
}

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in, size_t length)
{
    (void)user;
    srv_http *http = wsi ? lws_context_user(lws_get_context(wsi)) : NULL;
    connection *c = wsi ? lws_get_opaque_user_data(wsi) : NULL;
    switch (reason) {
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
            take_done(http);
        return 0;
    default:
        return 0;
    }
}

/* ---- the port ---- */

static const struct lws_protocols protocols[] = {{"http", on_event, 0, 0, 0, NULL, 0},
                                                 {NULL, NULL, 0, 0, 0, NULL, 0}};

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
    if (!check_port(def->listen, def->port, err))
        return NULL;
    srv_http *http = calloc(1, sizeof *http);
    if (!http) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    http->def = *def;
    http->site =
        (srv_site){.store = def->store, .workers = def->workers, .ready = true, .started = srv_now()};
    pthread_mutex_init(&http->mutex, NULL);
    lws_set_log_level(LLL_ERR, keep_complaint);
    struct lws_context_creation_info info;
    memset(&info, 0, sizeof info);
    info.port = def->port;
    info.iface = def->listen;
    info.protocols = protocols;
    info.user = http;
    info.gid = (gid_t)-1;
    info.uid = (uid_t)-1;
    info.keepalive_timeout = 60;
    info.timeout_secs = 15;
    info.options = LWS_SERVER_OPTION_FAIL_UPON_UNABLE_TO_BIND;
    if (def->cert) {
        info.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
        info.ssl_cert_filepath = def->cert;
        info.ssl_private_key_filepath = def->key;
    }
    http->context = lws_create_context(&info);
    http->vhost = http->context ? lws_get_vhost_by_name(http->context, "default") : NULL;
    if (http->vhost)
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
    for (ticket *t = http->done; t;) {
        ticket *next = t->next;
        srv_release(t->job.infer.model);
        srv_infer_free(&t->job.infer);
        free(t);
        t = next;
    }
    pthread_mutex_destroy(&http->mutex);
    free(http);
}

int srv_http_port(const srv_http *http)
{
    return lws_get_vhost_listen_port(http->vhost);
}

static void warn(const char *sentence)
{
    fprintf(stderr, "amble-serve: %s\n", sentence);
}

void srv_http_run(srv_http *http)
{
    int64_t end = 0;
    for (;;) {
        if (http->refresh) {
            http->refresh = 0;
            srv_store_refresh(http->def.store, warn);
        }
        if (http->stop && !end) {
            http->site.ready = false;
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
