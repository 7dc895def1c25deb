/* WebSocket client by plain sockets. */
#include "bench/websocket.h"

#include "base/clock.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { MAX_IN = 1 << 20, MAX_HEAD = 8192 };

struct bench_socket {
    int fd;
    unsigned char *in; /* (MAX_IN + 1) */
    size_t have, used; /* bytes in `in`, and how many of them are of the message that was returned */
    char kept;         /* the byte that the text's final 0 replaced, */
    size_t kept_at;    /* here; 0: none */
};

static bool send_all(int fd, const void *data, size_t size)
{
    const char *p = data;
    while (size > 0) {
        const ssize_t n = send(fd, p, size, MSG_NOSIGNAL);
        if (n <= 0 && errno != EINTR)
            return false;
        if (n > 0) {
            p += n;
            size -= (size_t)n;
        }
    }
    return true;
}

static int connect_to(const char *host, int port, int receive_buffer)
{
    char service[16];
    struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_STREAM}, *found = NULL;
    snprintf(service, sizeof service, "%d", port);
    if (getaddrinfo(host, service, &hints, &found) != 0)
        return -1;
    const int on = 1, fd = socket(found->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd >= 0 && receive_buffer > 0)
        setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    const bool ok = fd >= 0 && connect(fd, found->ai_addr, found->ai_addrlen) == 0;
    if (ok)
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    else if (fd >= 0)
        close(fd);
    freeaddrinfo(found);
    return ok ? fd : -1;
}

/* Reads more bytes into the buffer; 1, 0: none in this time, -1: the end. */
static int read_more(bench_socket *s, double timeout_s)
{
    struct pollfd p = {s->fd, POLLIN, 0};
    const int ready = poll(&p, 1, timeout_s > 0 ? (int)(1e3 * timeout_s + .999) : 0);
    if (ready <= 0 || s->have >= MAX_IN)
        return ready < 0 && errno != EINTR ? -1 : s->have >= MAX_IN ? -1 : 0;
    const ssize_t n = recv(s->fd, s->in + s->have, MAX_IN - s->have, 0);
    if (n <= 0)
        return n < 0 && errno == EINTR ? 0 : -1;
    s->have += (size_t)n;
    return 1;
}

/* The answer's head; what follows it stays in the buffer. HTTP's status, 0 without an answer. */
static int read_head(bench_socket *s)
{
    const double end = ami_clock_now() + 20;
    int status = 0;
    for (;;) {
        s->in[s->have] = 0;
        char *stop = strstr((char *)s->in, "\r\n\r\n");
        if (stop) {
            const size_t n = (size_t)(stop + 4 - (char *)s->in);
            if (sscanf((char *)s->in, "HTTP/1.%*d %d", &status) != 1)
                return 0;
            s->have -= n;
            memmove(s->in, s->in + n, s->have);
            return status;
        }
        const double left = end - ami_clock_now();
        if (left <= 0 || s->have > MAX_HEAD || read_more(s, left) < 0)
            return 0;
    }
}

bench_socket *bench_socket_open(const char *host, int port, const char *path, const char *headers,
                                int receive_buffer, int *status, ami_error *err)
{
    char head[MAX_HEAD];
    bench_socket *s = calloc(1, sizeof *s);
    int found = 0;
    if (status)
        *status = 0;
    if (s) {
        s->in = malloc(MAX_IN + 1);
        s->fd = connect_to(host, port, receive_buffer);
    }
    if (!s || !s->in || s->fd < 0) {
        ami_fail(err, "cannot connect to %.100s, port %d: %s", host, port, strerror(errno));
        bench_socket_close(s);
        return NULL;
    }
    /* The key proves nothing here: the answer is not compared with it. */
    const int n = snprintf(head, sizeof head,
                           "GET %s HTTP/1.1\r\nHost: %s:%d\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                           "Sec-WebSocket-Key: YW1ibGUtYmVuY2gtY2xpZQ==\r\nSec-WebSocket-Version: 13\r\n"
                           "Sec-WebSocket-Protocol: amble.characters.v1\r\n%s\r\n",
                           path, host, port, headers ? headers : "");
    if (n > 0 && n < (int)sizeof head && send_all(s->fd, head, (size_t)n))
        found = read_head(s);
    if (status)
        *status = found;
    if (found == 101)
        return s;
    ami_fail(err, "%.100s, port %d: the answer is HTTP %d, expected 101 for a WebSocket", host, port, found);
    bench_socket_close(s);
    return NULL;
}

void bench_socket_close(bench_socket *socket)
{
    if (!socket)
        return;
    if (socket->fd >= 0)
        close(socket->fd);
    free(socket->in);
    free(socket);
}

int bench_socket_fd(const bench_socket *socket)
{
    return socket->fd;
}

bool bench_socket_send_frame(bench_socket *socket, int first_byte, const void *payload, size_t size)
{
    unsigned char head[14] = {(unsigned char)first_byte};
    size_t n = 2;
    if (size < 126) {
        head[1] = (unsigned char)(0x80 | size);
    } else if (size < 65536) {
        head[1] = 0x80 | 126;
        head[n++] = (unsigned char)(size >> 8);
        head[n++] = (unsigned char)size;
    } else {
        head[1] = 0x80 | 127;
        for (int k = 7; k >= 0; k--)
            head[n++] = (unsigned char)((uint64_t)size >> 8 * k);
    }
    n += 4; /* the mask is 0: the payload is sent as it is */
    return send_all(socket->fd, head, n) && send_all(socket->fd, payload, size);
}

bool bench_socket_send(bench_socket *socket, const char *text)
{
    return bench_socket_send_frame(socket, 0x81, text, strlen(text));
}

/* The length of the first frame's header and payload; false where the buffer does not hold them yet. */
static bool first_frame(const bench_socket *s, size_t *head, size_t *size)
{
    const unsigned char *p = s->in;
    if (s->have < 2)
        return false;
    *head = 2;
    *size = p[1] & 127;
    if (*size >= 126) {
        const int bytes = *size == 126 ? 2 : 8;
        *head += (size_t)bytes;
        if (s->have < *head)
            return false;
        *size = 0;
        for (int k = 0; k < bytes; k++)
            *size = *size << 8 | p[2 + k];
    }
    return s->have - *head >= *size;
}

static void drop_returned(bench_socket *s)
{
    if (s->kept_at)
        s->in[s->kept_at] = (unsigned char)s->kept;
    s->kept_at = 0;
    s->have -= s->used;
    memmove(s->in, s->in + s->used, s->have);
    s->used = 0;
}

int bench_socket_receive(bench_socket *socket, double timeout_s, bench_message *message)
{
    const double end = ami_clock_now() + timeout_s;
    for (;;) {
        size_t head, size;
        drop_returned(socket);
        if (!first_frame(socket, &head, &size)) {
            const double left = end - ami_clock_now();
            const int more = read_more(socket, left > 0 ? left : 0);
            if (more < 0)
                return -1;
            if (more == 0 && left <= 0)
                return 0;
            continue;
        }
        const int kind = socket->in[0] & 15;
        socket->used = head + size;
        if (kind == 9 && !bench_socket_send_frame(socket, 0x8a, socket->in + head, size))
            return -1;
        if (kind != BENCH_TEXT && kind != BENCH_BINARY && kind != BENCH_CLOSE)
            continue;
        *message = (bench_message){.data = (const char *)socket->in + head, .size = size};
        message->kind = kind;
        if (kind == BENCH_CLOSE && size >= 2) {
            message->code = socket->in[head] << 8 | socket->in[head + 1];
            message->data += 2;
            message->size -= 2;
        }
        socket->kept_at = head + size;
        socket->kept = (char)socket->in[socket->kept_at];
        socket->in[socket->kept_at] = 0;
        return 1;
    }
}
