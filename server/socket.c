/* WebSocket connections by libwebsockets. */
#include "server/socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* Bytes that may wait in the kernel before the socket counts as not writable: a client that reads too slowly
 * is sent the newest frames, not those that have waited. */
enum { KERNEL_BYTES = 16384, ADDRESS = 48 };

typedef struct client {
    struct lws *wsi;
    srv_channel *channel;
    char address[ADDRESS];
    char *text; /* of the message that is being received */
    size_t size;
    bool closing; /* as soon as nothing waits to be sent */
    struct client *next;
} client;

struct srv_sockets {
    srv_channels *channels;
    client *first;
    int max_address;
    unsigned char *buffer; /* (LWS_PRE + SRV_MAX_OUT) */
};

srv_sockets *srv_sockets_open(srv_live *live, const srv_channel_limits *limits, int max_address)
{
    srv_sockets *s = calloc(1, sizeof *s);
    if (!s)
        return NULL;
    s->max_address = max_address;
    s->channels = srv_channels_open(live, limits);
    s->buffer = malloc(LWS_PRE + SRV_MAX_OUT);
    if (s->channels && s->buffer)
        return s;
    srv_sockets_close(s);
    return NULL;
}

void srv_sockets_close(srv_sockets *sockets)
{
    if (!sockets)
        return;
    srv_channels_close(sockets->channels);
    free(sockets->buffer);
    free(sockets);
}

int srv_sockets_count(const srv_sockets *sockets)
{
    return srv_channels_count(sockets->channels);
}

const char *srv_sockets_full(const srv_sockets *sockets, struct lws *wsi)
{
    char address[ADDRESS] = "";
    int n = 0;
    lws_get_peer_simple(wsi, address, sizeof address);
    for (const client *c = sockets->first; c; c = c->next)
        n += !strcmp(c->address, address);
    return n >= sockets->max_address ? "this address has too many connections" : NULL;
}

static void when_ready(void *socket)
{
    lws_callback_on_writable(socket);
}

void srv_sockets_update(srv_sockets *sockets)
{
    srv_channels_update(sockets->channels, when_ready);
}

void srv_sockets_end(srv_sockets *sockets)
{
    srv_channels_end(sockets->channels, "the server is stopping", when_ready);
    for (client *c = sockets->first; c; c = c->next)
        c->closing = true;
}

static int refuse(client *c, enum lws_close_status status, const char *why)
{
    lws_close_reason(c->wsi, status, (unsigned char *)why, strlen(why));
    return -1;
}

static int open_client(srv_sockets *s, struct lws *wsi)
{
    const int bytes = KERNEL_BYTES;
    client *c = calloc(1, sizeof *c);
    lws_set_opaque_user_data(wsi, NULL);
    if (!c)
        return -1;
    c->wsi = wsi;
    c->channel = srv_channel_open(s->channels, wsi);
    if (!c->channel) {
        free(c);
        return -1;
    }
    lws_get_peer_simple(wsi, c->address, sizeof c->address);
    setsockopt(lws_get_socket_fd(wsi), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &bytes, sizeof bytes);
    c->next = s->first;
    s->first = c;
    lws_set_opaque_user_data(wsi, c);
    lws_set_timer_usecs(wsi, LWS_USEC_PER_SEC);
    lws_callback_on_writable(wsi);
    return 0;
}

static void close_client(srv_sockets *s, client *c)
{
    client **at = &s->first;
    while (*at != c)
        at = &(*at)->next;
    *at = c->next;
    srv_channel_close(c->channel);
    free(c->text);
    free(c);
}

/* Collects a message's fragments. */
static int receive(client *c, const void *in, size_t n)
{
    const char *why = "";
    if (lws_frame_is_binary(c->wsi))
        return refuse(c, LWS_CLOSE_STATUS_UNACCEPTABLE_OPCODE, "expected messages of text");
    if (c->size + n > SRV_MAX_MESSAGE)
        return refuse(c, LWS_CLOSE_STATUS_MESSAGE_TOO_LARGE, "the message is longer than 16384 bytes");
    if (!c->text && !(c->text = malloc(SRV_MAX_MESSAGE)))
        return -1;
    memcpy(c->text + c->size, in, n);
    c->size += n;
    if (!lws_is_final_fragment(c->wsi) || lws_remaining_packet_payload(c->wsi) > 0)
        return 0;
    const size_t size = c->size;
    c->size = 0;
    if (!srv_channel_receive(c->channel, c->text, size, &why))
        return refuse(c, LWS_CLOSE_STATUS_POLICY_VIOLATION, why);
    if (srv_channel_has_next(c->channel))
        lws_callback_on_writable(c->wsi);
    return 0;
}

static int send_next(srv_sockets *s, client *c)
{
    bool binary;
    const size_t n = srv_channel_next(c->channel, s->buffer + LWS_PRE, &binary);
    if (n > 0 &&
        lws_write(c->wsi, s->buffer + LWS_PRE, n, binary ? LWS_WRITE_BINARY : LWS_WRITE_TEXT) < (int)n)
        return -1;
    if (srv_channel_has_next(c->channel) && !(binary && c->closing))
        lws_callback_on_writable(c->wsi);
    else if (c->closing)
        return refuse(c, LWS_CLOSE_STATUS_GOINGAWAY, "the server is stopping");
    return 0;
}

static int check_time(client *c)
{
    const char *why = srv_channel_overdue(c->channel);
    if (why)
        return refuse(c, LWS_CLOSE_STATUS_GOINGAWAY, why);
    lws_set_timer_usecs(c->wsi, LWS_USEC_PER_SEC);
    return 0;
}

int srv_sockets_event(srv_sockets *sockets, struct lws *wsi, enum lws_callback_reasons reason, void *in,
                      size_t length)
{
    client *c = reason == LWS_CALLBACK_ESTABLISHED ? NULL : lws_get_opaque_user_data(wsi);
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED:
        return open_client(sockets, wsi);
    case LWS_CALLBACK_RECEIVE:
        return c ? receive(c, in, length) : -1;
    case LWS_CALLBACK_SERVER_WRITEABLE:
        return c ? send_next(sockets, c) : -1;
    case LWS_CALLBACK_TIMER:
        return c ? check_time(c) : 0;
    case LWS_CALLBACK_CLOSED:
        lws_set_opaque_user_data(wsi, NULL);
        if (c)
            close_client(sockets, c);
        return 0;
    default:
        return 0;
    }
}
