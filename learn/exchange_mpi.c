/* The plug-in that carries messages by MPI. It is compiled once against each MPI's mpi.h, as
 * amble-exchange-openmpi.so and amble-exchange-mpich.so, and loaded by exchange_open.c; nothing else of amble
 * knows MPI. Point-to-point messages only, polled, so that a rank that has died or hangs is noticed and
 * named. */
#include "learn/exchange.h"

#include <limits.h>
#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Longer messages go in pieces of so many bytes. Open MPI sends these at once over TCP; a longer one it announces, and waits for
 * the answer, which at the other side is behind the bytes that go the other way: one direction of the network is idle while
 * the other one works (docs/scaling.md has the measurements). MPICH with UCX does not gain by pieces. */
#ifdef OPEN_MPI
enum { PIECE = 60 << 10 };
#else
enum { PIECE = 1 << 30 };
#endif

typedef struct carrier {
    int rank, ranks;
    int pieces, capacity; /* of the swap that is under way: sent and received; of the arrays */
    MPI_Request *request; /* (capacity) */
    int *peer;            /* (capacity) its rank */
    MPI_Status *status;   /* (capacity) */
    int *finished;        /* (capacity) indices */
} carrier;

static double now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ami_fail is the program's, and a plug-in has none of its functions. */
static bool fail(ami_error *err, const char *what, int code)
{
    char text[MPI_MAX_ERROR_STRING] = "";
    int length = 0;
    if (MPI_Error_string(code, text, &length) != MPI_SUCCESS)
        length = 0;
    text[length] = 0;
    for (char *c = text; *c; c++)
        *c = (unsigned char)*c < ' ' ? ' ' : *c;
    snprintf(err->text, sizeof err->text, "%s: %s", what, text);
    return false;
}

/* "Open MPI v4.1.4, package: …" or "MPICH Version: 4.0.2 …" cut to the name and the version. */
static void print_version(char *name, size_t size)
{
    char text[MPI_MAX_LIBRARY_VERSION_STRING] = "";
    int length = 0;
    MPI_Get_library_version(text, &length);
    text[strcspn(text, ",\n")] = 0;
#ifdef OPEN_MPI
    const char *version = strstr(text, " v");
    snprintf(name, size, "Open MPI %.40s", version ? version + 2 : "");
#else
    const char *version = strchr(text, ':');
    version = version ? version + 1 : "";
    version += strspn(version, " \t");
    snprintf(name, size, "MPICH %.*s", (int)strcspn(version, " \t"), version);
#endif
}

static void end(void *context, int status)
{
    carrier *c = context;
    if (status != 0)
        MPI_Abort(MPI_COMM_WORLD, status);
    int finalized = 0;
    MPI_Finalized(&finalized);
    if (!finalized)
        MPI_Finalize();
    if (c) {
        free(c->request);
        free(c->peer);
        free(c->status);
        free(c->finished);
        free(c);
    }
}

static bool grow(carrier *c, int capacity)
{
    if (capacity <= c->capacity)
        return true;
    MPI_Request *request = realloc(c->request, (size_t)capacity * sizeof *request);
    c->request = request ? request : c->request;
    int *peer = realloc(c->peer, (size_t)capacity * sizeof *peer);
    c->peer = peer ? peer : c->peer;
    MPI_Status *status = realloc(c->status, (size_t)capacity * sizeof *status);
    c->status = status ? status : c->status;
    int *finished = realloc(c->finished, (size_t)capacity * sizeof *finished);
    c->finished = finished ? finished : c->finished;
    if (!request || !peer || !status || !finished)
        return false;
    c->capacity = capacity;
    return true;
}

static bool begin(void **context, int *rank, int *ranks, char *name, size_t size, ami_error *err)
{
    int provided = 0, code = MPI_Init_thread(NULL, NULL, MPI_THREAD_FUNNELED, &provided);
    if (code != MPI_SUCCESS)
        return fail(err, "MPI cannot be started", code);
    MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
    MPI_Comm_rank(MPI_COMM_WORLD, rank);
    MPI_Comm_size(MPI_COMM_WORLD, ranks);
    print_version(name, size);
    carrier *c = calloc(1, sizeof *c);
    if (c) {
        c->rank = *rank;
        c->ranks = *ranks;
    }
    if (c && grow(c, 2 * *ranks) && provided >= MPI_THREAD_FUNNELED) {
        *context = c;
        return true;
    }
    snprintf(err->text, sizeof err->text, "%s",
             provided < MPI_THREAD_FUNNELED ? "this MPI does not allow threads (MPI_THREAD_FUNNELED)"
                                            : "out of memory for the exchange between processes");
    end(c, 0);
    return false;
}

/* Waiting ranks share their cores with threads that compute: after a moment they sleep a little. */
static void pause_after(double waited)
{
    if (waited < 50e-6)
        return;
    if (waited < 2e-3) {
        sched_yield();
        return;
    }
    const struct timespec t = {0, waited < .05 ? 20000 : 500000};
    nanosleep(&t, NULL);
}

static bool wait_for(carrier *c, double limit_s, ami_error *err)
{
    double last = now(), polled = last;
    for (;;) {
        int count = 0;
        const int code = MPI_Testsome(c->pieces, c->request, &count, c->finished, c->status);
        if (code != MPI_SUCCESS)
            return fail(err, "a message was lost", code);
        if (count == MPI_UNDEFINED)
            return true;
        const double t = now();
        if (t - polled > 1)
            last += t - polled; /* this process was stopped, not the others */
        polled = t;
        if (count > 0)
            last = t;
        else if (limit_s > 0 && t - last > limit_s)
            return false;
        pause_after(t - last);
    }
}

static size_t pieces_of(size_t bytes)
{
    return (bytes + PIECE - 1) / PIECE;
}

/* Starts to send `part` to `peer`, or to receive it from there. */
static int start(carrier *c, const ami_exchange_part *part, int peer, bool receive)
{
    enum { TAG = 22 };
    int code = MPI_SUCCESS;
    for (size_t at = 0; at < part->bytes && code == MPI_SUCCESS; at += PIECE) {
        char *data = (char *)part->data + at;
        const int n = part->bytes - at < PIECE ? (int)(part->bytes - at) : PIECE;
        MPI_Request *request = &c->request[c->pieces];
        *request = MPI_REQUEST_NULL;
        code = receive ? MPI_Irecv(data, n, MPI_BYTE, peer, TAG, MPI_COMM_WORLD, request)
                       : MPI_Isend(data, n, MPI_BYTE, peer, TAG, MPI_COMM_WORLD, request);
        c->peer[c->pieces++] = peer;
    }
    return code;
}

static bool swap(void *context, const ami_exchange_part *send, const ami_exchange_part *receive,
                 double limit_s, unsigned char *missing, ami_error *err)
{
    carrier *c = context;
    int code = MPI_SUCCESS;
    size_t pieces = 0;
    for (int r = 0; r < c->ranks; r++)
        pieces += r == c->rank ? 0 : pieces_of(send[r].bytes) + pieces_of(receive[r].bytes);
    c->pieces = 0;
    if (pieces > INT_MAX / 2 || !grow(c, (int)pieces)) {
        snprintf(err->text, sizeof err->text, "out of memory for a message in %zu pieces", pieces);
        return false;
    }
    for (int k = 1; k < c->ranks && code == MPI_SUCCESS; k++) {
        const int from = (c->rank + c->ranks - k) % c->ranks;
        code = start(c, &receive[from], from, true);
    }
    for (int k = 1; k < c->ranks && code == MPI_SUCCESS; k++) {
        const int to = (c->rank + k) % c->ranks;
        code = start(c, &send[to], to, false);
    }
    if (code == MPI_SUCCESS && wait_for(c, limit_s, err))
        return true;
    for (int i = 0; i < c->pieces; i++)
        if (c->request[i] != MPI_REQUEST_NULL)
            missing[c->peer[i]] = 1;
    if (code != MPI_SUCCESS)
        fail(err, "a message could not be sent", code);
    return false;
}

__attribute__((visibility("default"))) extern const ami_exchange_carrier ami_exchange_mpi;
const ami_exchange_carrier ami_exchange_mpi = {.version = AMI_EXCHANGE_VERSION,
#ifdef OPEN_MPI
                                               .mpi = "Open MPI",
#else
                                               .mpi = "MPICH",
#endif
                                               .begin = begin,
                                               .swap = swap,
                                               .end = end};
