/* amble-serve: serves the networks of a folder by the Open Inference Protocol. */
#include "base/assets.h"
#include "base/cores.h"
#include "base/file.h"
#include "base/number.h"
#include "server/http.h"
#include "server/service.h"

#include <argp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FAILED = 1, BAD_INPUT = 2 };
enum {
    KEY_CERT = 0x1000,
    KEY_KEY,
    KEY_TOKEN,
    KEY_GRACE,
    KEY_QUEUE,
    KEY_BATCH,
    KEY_DELAY,
    KEY_BODY,
    KEY_LOG,
    KEY_CHARACTERS,
    KEY_CLIENT,
    KEY_ADDRESS,
    KEY_IDLE,
    KEY_ORIGIN,
    KEY_SIMULATE,
    KEY_TRIES,
    KEY_RECOVER,
    KEY_GET_UP,
    KEY_SET,
    KEY_CHECK
};

typedef struct arguments {
    srv_http_def http;
    srv_workers_def workers;
    srv_live_def live;
    const char *models, *token_file;
} arguments;

static const struct argp_option options[] = {
    {"listen", 'l', "ADDRESS", 0, "address to listen on (default 127.0.0.1; 0.0.0.0: all)", 1},
    {"port", 'p', "PORT", 0, "port (default 8000; 0: a free one, which is printed)", 1},
    {"models", 'm', "DIR", 0, "folder of ONNX files (default: amble's own models)", 1},
    {"threads", 't', "N", 0, "threads that run networks (default: one for each core)", 2},
    {"max-queue", KEY_QUEUE, "N", 0, "requests that may wait; more are answered with 503 (default 256)", 2},
    {"max-batch", KEY_BATCH, "ROWS", 0, "rows of waiting requests in one batch (default 256)", 2},
    {"max-delay", KEY_DELAY, "US", 0,
     "microseconds that a request may wait for others in its batch (default 0: only those that wait already)",
     2},
    {"max-body", KEY_BODY, "MB", 0, "largest body of a request (default 64)", 2},
    {"max-characters", KEY_CHARACTERS, "N", 0,
     "live characters at the same time (default 150 for each thread that simulates; 0: none)", 3},
    {"client-characters", KEY_CLIENT, "N", 0, "of one client (default 64)", 3},
    {"address-clients", KEY_ADDRESS, "N", 0, "WebSocket clients of one address (default 16)", 3},
    {"set", KEY_SET, "NAME=DIR", 0,
     "a further set of models for characters and motions: a folder with a locomotion.onnx, "
     "stylevae_decoder.onnx, "
     "deepphase.onnx, styles.json or humanoid.xml of its own",
     3},
    {"idle", KEY_IDLE, "S", 0, "seconds without a message until a client is disconnected (default 600)", 3},
    {"simulation-threads", KEY_SIMULATE, "N", 0,
     "threads that simulate characters (default: one for each core, at least 2)", 3},
    {"entry-tries", KEY_TRIES, "N", 0,
     "entries into a skill that are simulated to find one without a fall, about 10 ms each (default 6)", 3},
    {"recover", KEY_RECOVER, NULL, 0,
     "refuse to start where fallen characters cannot get up by physics (amble's models getup_facedown and "
     "getup_faceup, and their motions); without this option those are lifted",
     3},
    {"get-up", KEY_GET_UP, "S|never", 0,
     "lift fallen characters after S seconds, or never, instead of letting them get up by physics", 3},
    {"allow-origin", KEY_ORIGIN, "ORIGIN", 0,
     "pages of another host that may connect, as https://example.org; * for all", 4},
    {"tls-cert", KEY_CERT, "FILE", 0, "certificate chain, PEM: TLS", 4},
    {"tls-key", KEY_KEY, "FILE", 0, "its private key, PEM", 4},
    {"token-file", KEY_TOKEN, "FILE", 0, "file with the bearer token that requests must have", 4},
    {"grace", KEY_GRACE, "S", 0, "seconds for pending requests at the end (default 5)", 5},
    {"check", KEY_CHECK, "URL", 0,
     "ask the server at http://ADDRESS:PORT whether it is alive, and exit: 0 or 1", 5},
    {"log-requests", KEY_LOG, NULL, 0, "a line of JSON for each request on standard error", 5},
    {0},
};

static double number(struct argp_state *state, const char *text, double lo, double hi, const char *option)
{
    double x;
    if (!ami_number_read(text, NULL, &x) || !(x >= lo && x <= hi))
        argp_error(state, "%s is \"%.60s\", expected %g to %g", option, text, lo, hi);
    return x;
}

static int whole(struct argp_state *state, const char *text, int lo, int hi, const char *option)
{
    const double x = number(state, text, lo, hi, option);
    if (x != (int)x)
        argp_error(state, "%s is \"%.60s\", expected a whole number", option, text);
    return (int)x;
}

/* NAME=DIR; the text is cut in two. */
static void add_set(arguments *a, char *text, struct argp_state *state)
{
    char *equals = strchr(text, '=');
    if (!equals || equals == text || !equals[1])
        argp_error(state, "--set is \"%.60s\", expected NAME=DIR", text);
    if (a->live.sets == SRV_SETS)
        argp_error(state, "--set is given more than %d times", SRV_SETS);
    *equals = 0;
    bool taken = !strcmp(text, "default");
    for (int i = 0; i < a->live.sets; i++)
        taken |= !strcmp(text, a->live.set[i].name);
    if (taken)
        argp_error(state, "--set: there are two sets called \"%.60s\"", text);
    a->live.set[a->live.sets++] = (srv_set_def){text, equals + 1};
}

static error_t parse(int key, char *text, struct argp_state *state)
{
    arguments *a = state->input;
    switch (key) {
    case 'l':
        a->http.listen = text;
        return 0;
    case 'p':
        a->http.port = whole(state, text, 0, 65535, "--port");
        return 0;
    case 'm':
        a->models = text;
        return 0;
    case 't':
        a->workers.threads = whole(state, text, 1, 64, "--threads");
        return 0;
    case KEY_QUEUE:
        a->workers.max_queue = whole(state, text, 1, 1000000, "--max-queue");
        return 0;
    case KEY_BATCH:
        a->workers.max_batch = whole(state, text, 1, SRV_MAX_ROWS, "--max-batch");
        return 0;
    case KEY_DELAY:
        a->workers.max_delay_us = number(state, text, 0, 1e6, "--max-delay");
        return 0;
    case KEY_BODY:
        a->http.max_body = (size_t)(1e6 * number(state, text, .001, 2000, "--max-body"));
        return 0;
    case KEY_CERT:
        a->http.cert = text;
        return 0;
    case KEY_KEY:
        a->http.key = text;
        return 0;
    case KEY_TOKEN:
        a->token_file = text;
        return 0;
    case KEY_GRACE:
        a->http.grace_s = number(state, text, 0, 3600, "--grace");
        return 0;
    case KEY_CHECK:
        exit(srv_service_check(text) ? 0 : FAILED);
    case KEY_LOG:
        a->http.log_requests = true;
        return 0;
    case KEY_CHARACTERS:
        a->live.max_characters = whole(state, text, 0, 16384, "--max-characters");
        return 0;
    case KEY_CLIENT:
        a->http.limits.client_characters = whole(state, text, 1, 16384, "--client-characters");
        return 0;
    case KEY_ADDRESS:
        a->http.max_address = whole(state, text, 1, 1000000, "--address-clients");
        return 0;
    case KEY_IDLE:
        a->http.limits.idle_s = number(state, text, .1, 1e9, "--idle");
        return 0;
    case KEY_SIMULATE:
        a->live.threads = whole(state, text, 1, 64, "--simulation-threads");
        return 0;
    case KEY_TRIES:
        a->live.entry_tries = whole(state, text, 0, 32, "--entry-tries");
        return 0;
    case KEY_RECOVER:
        a->live.recover = 1;
        return 0;
    case KEY_GET_UP:
        a->live.get_up_s = !strcmp(text, "never") ? -1 : number(state, text, 0, 1e6, "--get-up");
        a->live.recover = 0;
        return 0;
    case KEY_SET:
        add_set(a, text, state);
        return 0;
    case KEY_ORIGIN:
        a->http.allow_origin = text;
        return 0;
    case ARGP_KEY_ARG:
        argp_error(state, "\"%s\" found where nothing is expected", text);
        return 0;
    case ARGP_KEY_END:
        if (!a->http.cert != !a->http.key)
            argp_error(state, "--tls-cert and --tls-key belong together");
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

static srv_http *running;

static void on_signal(int signal_number)
{
    if (signal_number == SIGHUP)
        srv_http_refresh(running);
    else
        srv_http_stop(running);
}

static void warn(const char *sentence)
{
    fprintf(stderr, "amble-serve: %s\n", sentence);
}

static int fail(const ami_error *err)
{
    warn(err->text);
    return BAD_INPUT;
}

/* The file's first line. */
static char *read_token(const char *path, ami_error *err)
{
    size_t size;
    char *token = ami_file_read_text(path, 4096, &size, err);
    if (!token)
        return NULL;
    token[strcspn(token, "\r\n")] = 0;
    if (token[0])
        return token;
    ami_fail(err, "%s: the first line is empty, expected a token", path);
    free(token);
    return NULL;
}

static void wake(void *context)
{
    (void)context;
    srv_http_wake(running);
}

/* Without what characters are made of, the networks are served alone. */
static srv_live *start_live(arguments *a, char *why, size_t size)
{
    ami_error err = {""};
    snprintf(why, size, "they are switched off by --max-characters 0");
    if (a->live.max_characters == 0)
        return NULL;
    a->live.wake = wake;
    srv_live *live = srv_live_start(&a->live, &err);
    if (live)
        return live;
    snprintf(why, size, "%s", err.text);
    if (a->live.sets == 0)
        fprintf(stderr, "amble-serve: no live characters: %s\n", err.text);
    return NULL;
}

static int serve(arguments *a, ami_error *err)
{
    srv_store *store = srv_store_open(a->models, warn, err);
    ami_error ensembles_err = {""};
    srv_workers *workers = store ? srv_workers_start(&a->workers, err) : NULL;
    static char why[sizeof err->text];
    a->http.ensembles = workers ? srv_ensembles_open(&ensembles_err) : NULL;
    if (workers && !a->http.ensembles)
        warn(ensembles_err.text);
    for (int i = 0; a->http.ensembles && i < a->live.sets; i++)
        if (!srv_ensembles_add_set(a->http.ensembles, a->live.set[i].name, a->live.set[i].folder,
                                   &ensembles_err))
            fprintf(stderr, "amble-serve: --set %s: no motions: %s\n", a->live.set[i].name,
                    ensembles_err.text);
    a->http.live = workers ? start_live(a, why, sizeof why) : NULL;
    a->http.live_failure = why;
    a->http.store = store;
    a->http.workers = workers;
    const bool refused = workers && a->live.sets > 0 && a->live.max_characters > 0 && !a->http.live;
    if (refused)
        ami_fail(err, "%s", why);
    running = workers && !refused ? srv_http_open(&a->http, err) : NULL;
    int status = BAD_INPUT;
    if (running) {
        const struct sigaction action = {.sa_handler = on_signal};
        sigaction(SIGINT, &action, NULL);
        sigaction(SIGTERM, &action, NULL);
        sigaction(SIGHUP, &action, NULL);
        printf("amble-serve: http%s://%s:%d\n", a->http.cert ? "s" : "", a->http.listen,
               srv_http_port(running));
        fflush(stdout);
        srv_http_run(running);
        status = 0;
    }
    srv_live_stop(a->http.live);
    srv_workers_stop(workers);
    srv_http_close(running);
    srv_ensembles_close(a->http.ensembles);
    srv_store_close(store);
    return status;
}

int main(int argc, char **argv)
{
    static char models[4096];
    arguments a = {.http = {.listen = "127.0.0.1",
                            .port = 8000,
                            .grace_s = 5,
                            .max_body = 64000000,
                            .limits = {.client_characters = 64, .idle_s = 600, .messages_hz = 120},
                            .max_address = 16},
                   .workers = {.max_queue = 256, .max_batch = 256},
                   .live = {.max_characters = -1, .entry_tries = 6, .recover = 2, .get_up_s = 1.5}};
    const struct argp argp = {
        options,
        parse,
        NULL,
        "Serves the networks of a folder: Open Inference Protocol, version 2, under /v2; "
        "Prometheus' metrics under /metrics.\v"
        "A model's name is its file's without .onnx; NAME/VERSION/model.onnx are versions. "
        "SIGHUP reloads the folder, SIGTERM ends after pending requests.\n\n"
        "Example:\n  amble-serve --port 8000 --models assets/models",
        NULL,
        NULL,
        NULL};
    ami_error err = {""};
    signal(SIGPIPE, SIG_IGN);
    argp_err_exit_status = BAD_INPUT;
    argp_program_version = "amble-serve " AMB_VERSION;
    argp_parse(&argp, argc, argv, 0, NULL, &a);
    if (!a.workers.threads)
        a.workers.threads = ami_cores();
    if (!a.live.threads)
        a.live.threads = ami_cores() > 2 ? ami_cores() : 2;
    if (a.live.max_characters < 0)
        a.live.max_characters = 150 * a.live.threads;
    if (!a.models) {
        if (!ami_asset_path("models", models, sizeof models, &err))
            return fail(&err);
        a.models = models;
    }
    char *token = NULL;
    if (a.token_file && !(token = read_token(a.token_file, &err)))
        return fail(&err);
    a.http.token = token;
    a.http.socket = srv_service_socket();
    const int status = serve(&a, &err);
    free(token);
    return status ? fail(&err) : 0;
}
