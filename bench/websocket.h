/* A WebSocket client (RFC 6455) for measurements and tests: one connection, text out, text and binary in. It
 * answers pings. Not for untrusted servers: a message may be at most 1 MB. */
#ifndef AMI_BENCH_WEBSOCKET_H
#define AMI_BENCH_WEBSOCKET_H

#include "base/error.h"

#include <stddef.h>

typedef struct bench_socket bench_socket;

typedef struct bench_message {
    enum { BENCH_TEXT = 1, BENCH_BINARY = 2, BENCH_CLOSE = 8 } kind;
    const char *data; /* valid until the next call; text ends with a 0 byte */
    size_t size;
    int code; /* of a close */
} bench_message;

/* A connection to a numeric IPv4 address, or a host's name. headers: further header lines, each with \r\n;
 * NULL: none. receive_buffer: the kernel's, bytes; 0: the system's. *status: HTTP's of the answer, 0 without
 * one; may be NULL. NULL and a sentence on failure. */
bench_socket *bench_socket_open(const char *host, int port, const char *path, const char *headers,
                                int receive_buffer, int *status, ami_error *err);
void bench_socket_close(bench_socket *socket); /* without a closing handshake; NULL is fine */
int bench_socket_fd(const bench_socket *socket);

bool bench_socket_send(bench_socket *socket, const char *text);

/* One frame with any first byte (RFC 6455, 5.2) and payload. */
bool bench_socket_send_frame(bench_socket *socket, int first_byte, const void *payload, size_t size);

/* The next message; waits at most timeout_s. 1: received, 0: not in this time, -1: the connection has ended. */
int bench_socket_receive(bench_socket *socket, double timeout_s, bench_message *message);

#endif
