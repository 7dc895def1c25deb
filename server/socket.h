/* The WebSocket connections of live characters: libwebsockets' events on one side, channels (channel.h) on
 * the other. All functions are called by the network's thread. */
#ifndef SRV_SOCKET_H
#define SRV_SOCKET_H

#include "server/channel.h"

#include <libwebsockets.h>

typedef struct srv_sockets srv_sockets;

/* `max_address`: connections of one address at the same time. NULL where memory is short. */
srv_sockets *srv_sockets_open(srv_live *live, const srv_channel_limits *limits, int max_address);
void srv_sockets_close(srv_sockets *sockets); /* NULL is fine; after libwebsockets' context is destroyed */
int srv_sockets_count(const srv_sockets *sockets);

/* NULL, or why a new connection cannot be accepted. */
const char *srv_sockets_full(const srv_sockets *sockets, struct lws *wsi);

/* Handles an event of a WebSocket connection; the result is for libwebsockets. */
int srv_sockets_event(srv_sockets *sockets, struct lws *wsi, enum lws_callback_reasons reason, void *in,
                      size_t length);

/* Sends what the simulation has reported. */
void srv_sockets_update(srv_sockets *sockets);

/* Closes all connections once they have sent what waits. */
void srv_sockets_end(srv_sockets *sockets);

#endif
