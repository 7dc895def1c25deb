/* Fuzzes the whole server (server/http.h) through connections: the first byte of the input says what follows.
 *
 *   h   the bytes of an HTTP connection
 *   w   those of a WebSocket after its handshake
 *   f   lines, each sent as a frame: its first byte is the frame's (FIN, opcode), the rest is the payload
 *
 * The second byte's lowest bit says whether the client waits a moment for an answer before it ends the
 * connection. No crash, no leak, no hang; between inputs the server answers others. The server runs in a thread
 * of its own; connections are Unix sockets, which have no ports that could run out. */
#include "server/http.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef AMB_SOURCE_DIR
#define AMB_SOURCE_DIR "."
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t *input; /* the current one, which is printed where the server fails */
static size_t input_size;

static void demand(bool truth, const char *what)
{
    if (truth)
        return;
    fprintf(stderr, "%s: %s; the input, as C writes it:\n\"", what, strerror(errno));
    for (size_t i = 0; i < input_size; i++)
        fprintf(stderr, input[i] >= ' ' && input[i] < 127 && !strchr("\"\\?", input[i]) ? "%c" : "\\%03o",
                input[i]);
    fputs("\"\n", stderr);
    abort();
}

static srv_http *http;
static srv_store *store;
static srv_workers *workers;
static srv_ensembles *ensembles;
static srv_live *live;
static pthread_t thread;
static int listening;
static struct sockaddr_un address = {.sun_family = AF_UNIX};
static socklen_t address_size;

static void wake(void *context)
{
    (void)context;
    if (http)
        srv_http_wake(http);
}

static void *serve(void *context)
{
    (void)context;
    srv_http_run(http);
    return NULL;
}

static void stop(void)
{
    srv_http_stop(http);
    pthread_join(thread, NULL);
    srv_live_stop(live);
    srv_workers_stop(workers);
    srv_http_close(http);
    srv_ensembles_close(ensembles);
    srv_store_close(store);
}

static void start(void)
{
    ami_error err = {""};
    signal(SIGPIPE, SIG_IGN);
    const int n =
        snprintf(address.sun_path + 1, sizeof address.sun_path - 1, "amble-fuzz-%ld", (long)getpid());
    address_size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n); /* an abstract name */
    listening = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    demand(listening >= 0 && bind(listening, (const struct sockaddr *)&address, address_size) == 0 &&
               listen(listening, 64) == 0,
           "a socket");
    const srv_live_def live_def = {.threads = 1, .max_characters = 2, .get_up_s = 1.5, .wake = wake};
    const srv_workers_def workers_def = {.threads = 1, .max_queue = 16, .max_batch = 64};
    store = srv_store_open(AMB_SOURCE_DIR "/tests/data/onnx/good", NULL, &err);
    workers = srv_workers_start(&workers_def, &err);
    ensembles = srv_ensembles_open(&err);
    live = srv_live_start(&live_def, &err);
    demand(store && workers && ensembles && live, err.text);
    const srv_http_def def = {.listen = "127.0.0.1",
                              .socket = listening,
                              .token = NULL,
                              .max_body = 1 << 20,
                              .grace_s = 5,
                              .store = store,
                              .workers = workers,
                              .ensembles = ensembles,
                              .live = live,
                              .limits = {.client_characters = 2, .idle_s = 60, .messages_hz = 1000},
                              .max_address = 1000};
    http = srv_http_open(&def, &err);
    demand(http != NULL, err.text);
    demand(pthread_create(&thread, NULL, serve, NULL) == 0, "a thread");
    atexit(stop);
}

static int connect_one(void)
{
    const struct timeval limit = {.tv_sec = 60};
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    demand(fd >= 0 && connect(fd, (const struct sockaddr *)&address, address_size) == 0, "a connection");
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit);
    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit);
    return fd;
}

/* The server may have ended the connection already. */
static void send_all(int fd, const void *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        const ssize_t n = send(fd, (const char *)data + at, size - at, MSG_NOSIGNAL);
        if (n <= 0) {
            demand(errno != EAGAIN, "the server does not read");
            return;
        }
        at += (size_t)n;
    }
}

/* Reads until the end of the connection, or a text. */
static bool read_until(int fd, const char *text)
{
    static char buffer[1 << 16];
    size_t size = 0;
    for (;;) {
        const ssize_t n = recv(fd, buffer + size, sizeof buffer - 1 - size, 0);
        if (n < 0)
            demand(errno != EAGAIN, "the server does not answer");
        if (n <= 0)
            return false;
        size += (size_t)n;
        buffer[size] = 0;
        if (text && strstr(buffer, text))
            return true;
        if (!text || size > sizeof buffer / 2)
            size = 0;
    }
}

static void open_socket(int fd)
{
    static const char upgrade[] = "GET /v1/characters HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
                                  "Connection: Upgrade\r\nSec-WebSocket-Key: YW1ibGUtYmVuY2gtY2xpZQ==\r\n"
                                  "Sec-WebSocket-Version: 13\r\n"
                                  "Sec-WebSocket-Protocol: amble.characters.v1\r\n\r\n";
    send_all(fd, upgrade, sizeof upgrade - 1);
    demand(read_until(fd, "101 Switching"), "a WebSocket's handshake");
}

/* Each line as a masked frame, the mask being 0. */
static void send_frames(int fd, const uint8_t *data, size_t size)
{
    for (size_t at = 0; at < size;) {
        const uint8_t *end = memchr(data + at, '\n', size - at);
        const size_t line = end ? (size_t)(end - data) - at : size - at, n = line > 0 ? line - 1 : 0;
        uint8_t head[14] = {line > 0 ? data[at] : 0x81};
        size_t length = 2;
        if (n < 126) {
            head[1] = (uint8_t)(0x80 | n);
        } else {
            head[1] = n < 65536 ? 0xfe : 0xff;
            for (int bytes = n < 65536 ? 2 : 8; bytes > 0; bytes--)
                head[length++] = bytes > 4 ? 0 : (uint8_t)(n >> (8 * (bytes - 1)));
        }
        send_all(fd, head, length + 4);
        send_all(fd, data + at + 1, n);
        at += line + 1;
    }
}

static void check_health(void)
{
    static const char get[] = "GET /v2/health/live HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n";
    const int fd = connect_one();
    send_all(fd, get, sizeof get - 1);
    demand(read_until(fd, "HTTP/1.1 200"), "the server's health");
    close(fd);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int64_t inputs;
    if (!http)
        start();
    input = data;
    input_size = size;
    if (inputs++ % 1000 == 0)
        check_health();
    if (size < 2 || !memchr("hwf", data[0], 3))
        return 0;
    const int fd = connect_one();
    if (data[0] != 'h')
        open_socket(fd);
    if (data[0] == 'f')
        send_frames(fd, data + 2, size - 2);
    else
        send_all(fd, data + 2, size - 2);
    if (data[1] & 1) {
        struct pollfd p = {fd, POLLIN, 0};
        poll(&p, 1, 1);
    }
    shutdown(fd, SHUT_WR);
    read_until(fd, NULL);
    close(fd);
    return 0;
}
