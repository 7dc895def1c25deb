/* Requests answered without running a network: the protocol's metadata, the repository, metrics, status. */
#ifndef SRV_ROUTES_H
#define SRV_ROUTES_H

#include "server/ensemble.h"
#include "server/live.h"
#include "server/worker.h"

enum { SRV_STATUSES = 600 };

typedef struct srv_request {
    bool post;
    const char *path;  /* decoded, without query */
    const char *query; /* decoded, without the question mark: a=1&b=2 */
    const char *body;
    size_t body_size;
} srv_request;

typedef struct srv_answer {
    int status;       /* of HTTP */
    const char *type; /* Content-Type */
    char *body;       /* malloc'ed */
    size_t size;
    int64_t header;         /* bytes of JSON in the body, for the binary extension; -1: all */
    bool retry;             /* Retry-After: 1 */
    bool page;              /* a file of the web pages */
    const char *attachment; /* Content-Disposition, NULL: none */
    const char *allow;      /* of a 405: the methods that the path takes */
} srv_answer;

/* An answer {"error": …} with a status. */
srv_answer srv_error(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* "/v2/models/NAME[/versions/V]/infer" → name and version (0: not given). */
bool srv_is_infer(const char *path, char name[SRV_NAME], int *version);

/* The methods that a path takes, as the Allow header lists them; NULL: there is no such path. */
const char *srv_allowed(const char *path);

/* Whether this is one of the web pages' files, which hold no data and need no token. */
bool srv_is_page(const char *path);

typedef struct srv_site {
    srv_store *store;
    srv_workers *workers;
    srv_ensembles *ensembles; /* NULL: none */
    srv_live *live;           /* NULL: no live characters, */
    const char *live_failure; /* for this reason */
    int clients;              /* WebSocket connections */
    bool ready;               /* false during shutdown */
    int64_t started;
    atomic_llong answers[6]; /* by class of status: 2xx is answers[2] */
    atomic_llong status[SRV_STATUSES];
} srv_site;

srv_answer srv_route(srv_site *site, const srv_request *request);

#endif
