/* The server's port: HTTP/1.1 by libwebsockets, one thread for all connections. Requests for inference go to the
 * workers and come back; everything else is answered at once. */
#ifndef SRV_HTTP_H
#define SRV_HTTP_H

#include "server/worker.h"

typedef struct srv_http_def {
    const char *listen; /* address */
    int port;
    const char *cert, *key; /* PEM files; NULL: no TLS */
    const char *token;      /* what an Authorization: Bearer header must give; NULL: anybody may ask */
    size_t max_body;        /* bytes */
    double grace_s;         /* how long requests that are under way are waited for at the end */
    bool log_requests;      /* a line of JSON for each on standard error */
    srv_store *store;
    srv_workers *workers;
} srv_http_def;

typedef struct srv_http srv_http;

/* Listens. NULL and a sentence where that is not possible. */
srv_http *srv_http_open(const srv_http_def *def, ami_error *err);
void srv_http_close(srv_http *http);

int srv_http_port(const srv_http *http); /* the one that was given, or found for 0 */

/* Serves until srv_http_stop, then answers what is under way, at most grace_s. */
void srv_http_run(srv_http *http);

/* May be called by a signal's handler: ends srv_http_run; or has the models' folder looked at again. */
void srv_http_stop(srv_http *http);
void srv_http_refresh(srv_http *http);

#endif
