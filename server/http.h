/* The server's port: HTTP/1.1 by libwebsockets, one thread for all connections. Workers run requests for
 * inference; all others are answered at once. */
#ifndef SRV_HTTP_H
#define SRV_HTTP_H

#include "server/channel.h"
#include "server/ensemble.h"
#include "server/worker.h"

typedef struct srv_http_def {
    const char *listen; /* address */
    int port;
    int socket;             /* an inherited listening one that takes the port's place; -1: none */
    const char *cert, *key; /* PEM files; NULL: no TLS */
    const char *token;      /* required in an Authorization: Bearer header; NULL: no authorization */
    size_t max_body;        /* bytes */
    double grace_s;         /* time for pending requests at the end */
    bool log_requests;      /* prints a line of JSON for each on standard error */
    srv_store *store;
    srv_workers *workers;
    srv_ensembles *ensembles; /* NULL: none */
    srv_live *live;           /* NULL: no live characters */
    const char *live_failure; /* why there are none */
    srv_channel_limits limits;
    int max_address;          /* WebSocket connections of one address */
    const char *allow_origin; /* of web pages of other hosts that may connect; "*": all; NULL: none */
} srv_http_def;

typedef struct srv_http srv_http;

/* Opens the port. NULL and a sentence where that is not possible. */
srv_http *srv_http_open(const srv_http_def *def, ami_error *err);
void srv_http_close(srv_http *http);

int srv_http_port(const srv_http *http); /* the given one, or the one chosen for 0 */

/* Serves until srv_http_stop, then answers pending requests for at most grace_s. */
void srv_http_run(srv_http *http);

/* May be called by a signal handler: the first ends srv_http_run, the second makes it reload the models'
 * folder. */
void srv_http_stop(srv_http *http);
void srv_http_refresh(srv_http *http);

/* May be called by any thread: the simulation has something to send. */
void srv_http_wake(srv_http *http);

#endif
