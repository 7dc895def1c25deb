/* Collective exchanges out of one primitive: messages from every rank to every rank. */
#include "learn/exchange.h"

#include "base/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HOST = 64 };

struct ami_exchange {
    const ami_exchange_carrier *carrier; /* NULL: one process */
    void *context;
    int rank, ranks;
    char name[AMI_EXCHANGE_NAME];
    char (*host)[HOST]; /* (ranks) */
    double limit_s;
    ami_exchange_part *send, *receive; /* (ranks) */
    unsigned char *missing;            /* (ranks) of the swap that failed */
    bool failed;
    ami_error error;
    double seconds;
    int64_t bytes;
};

ami_exchange *ami_exchange_none(void)
{
    static char host[1][HOST] = {"this host"};
    static ami_exchange none = {.ranks = 1, .name = "one process", .host = host};
    return &none;
}

ami_exchange *ami_exchange_create(const ami_exchange_carrier *carrier, void *context, int rank, int ranks,
                                  const char *name, double limit_s, ami_error *err)
{
    const size_t n = (size_t)ranks;
    ami_exchange *x = calloc(1, sizeof *x);
    if (!x) {
        ami_fail(err, "out of memory for the exchange between %d processes", ranks);
        return NULL;
    }
    *x = (ami_exchange){
        .carrier = carrier, .context = context, .rank = rank, .ranks = ranks, .limit_s = limit_s};
    snprintf(x->name, sizeof x->name, "%s", name);
    x->host = calloc(n, sizeof *x->host);
    x->send = calloc(n, sizeof *x->send);
    x->receive = calloc(n, sizeof *x->receive);
    x->missing = calloc(n, 1);
    char own[HOST] = "";
    if (gethostname(own, sizeof own - 1) != 0)
        snprintf(own, sizeof own, "a host without a name");
    bool ok = x->host && x->send && x->receive && x->missing;
    if (!ok)
        ami_fail(err, "out of memory for the exchange between %d processes", ranks);
    else
        ok = ami_exchange_all(x, own, sizeof own, x->host) || (ami_exchange_failed(x, err), false);
    if (ok)
        return x;
    ami_exchange_destroy(x);
    return NULL;
}

void ami_exchange_destroy(ami_exchange *exchange)
{
    if (!exchange || !exchange->carrier)
        return;
    free(exchange->host);
    free(exchange->send);
    free(exchange->receive);
    free(exchange->missing);
    free(exchange);
}

void ami_exchange_close(ami_exchange *exchange, int status)
{
    if (!exchange || !exchange->carrier)
        return;
    const ami_exchange_carrier *carrier = exchange->carrier;
    void *context = exchange->context;
    ami_exchange_destroy(exchange);
    carrier->end(context, status);
}

/* ---- Facts ---- */

int ami_exchange_rank(const ami_exchange *exchange)
{
    return exchange->rank;
}

int ami_exchange_ranks(const ami_exchange *exchange)
{
    return exchange->ranks;
}

const char *ami_exchange_name(const ami_exchange *exchange)
{
    return exchange->name;
}

const char *ami_exchange_host(const ami_exchange *exchange, int rank)
{
    return exchange->host[rank];
}

bool ami_exchange_failed(const ami_exchange *exchange, ami_error *err)
{
    if (exchange->failed)
        ami_fail(err, "%s", exchange->error.text);
    return exchange->failed;
}

void ami_exchange_set_limit(ami_exchange *exchange, double limit_s)
{
    exchange->limit_s = limit_s;
}

bool ami_exchange_reports(const ami_exchange *exchange)
{
    for (int r = 0; r < exchange->rank; r++)
        if (!exchange->missing[r])
            return false;
    return true;
}

double ami_exchange_seconds(const ami_exchange *exchange)
{
    return exchange->seconds;
}

int64_t ami_exchange_bytes(const ami_exchange *exchange)
{
    return exchange->bytes;
}

/* ---- Collective ---- */

/* "rank 3 on node7" or, of several, the first one and their number. */
static bool fail(ami_exchange *x, const char *sentence)
{
    int first = -1, count = 0;
    for (int r = 0; r < x->ranks; r++) {
        if (x->missing[r] && r != x->rank) {
            first = first < 0 ? r : first;
            count++;
        }
    }
    x->failed = true;
    if (first < 0)
        return ami_fail(&x->error, "%s failed: %s", x->name, sentence[0] ? sentence : "it gave no reason");
    char others[64] = "";
    if (count > 1)
        snprintf(others, sizeof others, " and %d more", count - 1);
    if (sentence[0])
        return ami_fail(&x->error, "rank %d on %s%s is gone (%s: %s)", first, x->host[first], others, x->name,
                        sentence);
    return ami_fail(&x->error, "rank %d on %s%s did not answer within %g s: it hangs, or cannot be reached",
                    first, x->host[first], others, x->limit_s);
}

bool ami_exchange_swap(ami_exchange *exchange, const ami_exchange_part *send,
                       const ami_exchange_part *receive)
{
    const int own = exchange->rank;
    if (exchange->failed)
        return false;
    if (send[own].bytes > 0 && send[own].data != receive[own].data)
        memcpy(receive[own].data, send[own].data, send[own].bytes);
    if (exchange->ranks == 1)
        return true;
    ami_error err = {""};
    const double started = ami_clock_now();
    memset(exchange->missing, 0, (size_t)exchange->ranks);
    const bool ok =
        exchange->carrier->swap(exchange->context, send, receive, exchange->limit_s, exchange->missing, &err);
    exchange->seconds += ami_clock_now() - started;
    for (int r = 0; r < exchange->ranks; r++)
        exchange->bytes += r != own ? (int64_t)send[r].bytes : 0;
    return ok || fail(exchange, err.text);
}

bool ami_exchange_all(ami_exchange *exchange, const void *mine, size_t bytes, void *all)
{
    char *to = all;
    if (exchange->ranks == 1) {
        memcpy(all, mine, bytes);
        return true;
    }
    for (int r = 0; r < exchange->ranks; r++) {
        exchange->send[r] = (ami_exchange_part){(void *)(uintptr_t)mine, bytes};
        exchange->receive[r] = (ami_exchange_part){to + (size_t)r * bytes, bytes};
    }
    return ami_exchange_swap(exchange, exchange->send, exchange->receive);
}

bool ami_exchange_from_first(ami_exchange *exchange, void *data, size_t bytes)
{
    const bool first = exchange->rank == 0;
    if (exchange->ranks == 1)
        return true;
    for (int r = 0; r < exchange->ranks; r++) {
        exchange->send[r] = (ami_exchange_part){data, first && r != 0 ? bytes : 0};
        exchange->receive[r] = (ami_exchange_part){data, !first && r == 0 ? bytes : 0};
    }
    return ami_exchange_swap(exchange, exchange->send, exchange->receive);
}

bool ami_exchange_to_first(ami_exchange *exchange, const void *mine, const size_t *bytes, void *all)
{
    const bool first = exchange->rank == 0;
    char *to = all;
    if (exchange->ranks == 1) {
        memcpy(all, mine, bytes[0]);
        return true;
    }
    for (int r = 0; r < exchange->ranks; r++) {
        exchange->send[r] = (ami_exchange_part){(void *)(uintptr_t)mine, r == 0 ? bytes[exchange->rank] : 0};
        exchange->receive[r] = (ami_exchange_part){to, first ? bytes[r] : 0};
        to = to ? to + bytes[r] : NULL;
    }
    return ami_exchange_swap(exchange, exchange->send, exchange->receive);
}

bool ami_exchange_agree(ami_exchange *exchange, bool ok, ami_error *err)
{
    typedef struct answer {
        bool ok;
        char text[sizeof err->text];
    } answer;
    if (exchange->ranks == 1)
        return ok;
    answer mine = {.ok = ok}, *all = calloc((size_t)exchange->ranks, sizeof *all);
    if (!ok)
        snprintf(mine.text, sizeof mine.text, "%s", err->text);
    bool agreed = false;
    if (!all) {
        exchange->failed = true;
        ami_fail(&exchange->error, "out of memory for the answers of %d processes", exchange->ranks);
    } else if (ami_exchange_all(exchange, &mine, sizeof mine, all)) {
        int first = -1;
        bool same = true;
        for (int r = 0; r < exchange->ranks; r++) {
            if (!all[r].ok && first < 0)
                first = r;
            same = same && !all[r].ok && !strcmp(all[r].text, all[0].text);
        }
        agreed = first < 0;
        if (!agreed) {
            ami_fail(err, "%s", all[first].text);
            if (!same)
                ami_fail_in(err, "rank %d on %s", first, exchange->host[first]);
        }
    }
    if (exchange->failed)
        ami_fail(err, "%s", exchange->error.text);
    free(all);
    return agreed;
}
