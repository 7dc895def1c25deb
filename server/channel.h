/* The subprotocol "amble.characters.v1" of /v1/characters, without the network part: a client's control
 * messages, which are JSON, and the binary messages with its characters' frames. docs/serving.md describes
 * both.
 *
 * Input is not trusted: a message that is not valid is answered by {"type": "error"} with what was found and
 * what was expected. All functions are called by the network's thread. */
#ifndef SRV_CHANNEL_H
#define SRV_CHANNEL_H

#include "server/live.h"

#define SRV_SUBPROTOCOL "amble.characters.v1"

enum { SRV_MAX_MESSAGE = 16384, SRV_MAX_OUT = 65536 };

typedef struct srv_channel_limits {
    int client_characters; /* that one client may create or watch at the same time */
    double idle_s;         /* s without a message, apart from pings, until the channel is closed */
    double messages_hz;    /* messages a second; four seconds' worth may come at once */
} srv_channel_limits;

typedef struct srv_channels srv_channels; /* all of a server */
typedef struct srv_channel srv_channel;   /* one client */

/* NULL where memory is short. `live` must outlive it. */
srv_channels *srv_channels_open(srv_live *live, const srv_channel_limits *limits);
void srv_channels_close(srv_channels *channels); /* NULL is fine; its channels must be closed */
int srv_channels_count(const srv_channels *channels);

/* Takes what the simulation has reported, and calls `ready` for every channel that has something to send. */
void srv_channels_update(srv_channels *channels, void (*ready)(void *socket));

/* Ends the channels' characters with a message, before the server ends. */
void srv_channels_end(srv_channels *channels, const char *reason, void (*ready)(void *socket));

/* `socket` is given to `ready`. NULL where memory is short. */
srv_channel *srv_channel_open(srv_channels *channels, void *socket);
void srv_channel_close(srv_channel *channel); /* NULL is fine */

/* Handles a control message; answers are ready to be sent afterwards. False: the client must be
 * disconnected, for the reason in *why. */
bool srv_channel_receive(srv_channel *channel, const char *text, size_t size, const char **why);

/* Writes the next message to send into buffer[SRV_MAX_OUT]: its size, 0 where there is none. */
size_t srv_channel_next(srv_channel *channel, unsigned char *buffer, bool *binary);
bool srv_channel_has_next(const srv_channel *channel);

/* NULL, or why the client must be disconnected: idle, or it does not read its messages. */
const char *srv_channel_overdue(const srv_channel *channel);

/* The styles and skills of a set of models, and the bodies, as a JSON object, for GET /v1/skills. NULL: out
 * of memory. */
char *srv_skills_json(const srv_live *live, int set);

#endif
