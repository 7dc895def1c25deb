/* Exchange of data between the processes of one training, its ranks: started together by a launcher (mpirun,
 * srun), on one machine or on many.
 *
 * What a message carries is never computed with on the way: every sum is made by amble, in a fixed order
 * (learn/shards.h), so results do not depend on the MPI library, the network or the number of ranks.
 *
 * Collective functions must be called by all ranks in the same order, and by one thread of each, the one that
 * made the exchange. An exchange that has failed (a rank is gone, or did not answer within the time limit)
 * stays so: every later call returns false at once. */
#ifndef AMI_LEARN_EXCHANGE_H
#define AMI_LEARN_EXCHANGE_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/* A message to or from one rank; bytes 0: there is none. */
typedef struct ami_exchange_part {
    void *data;
    size_t bytes;
} ami_exchange_part;

/* What carries the messages: a plug-in (exchange_mpi.c), or a test. A program and a plug-in fit together if
 * their AMI_EXCHANGE_VERSION is the same. */
enum { AMI_EXCHANGE_VERSION = 1, AMI_EXCHANGE_NAME = 128 };

typedef struct ami_exchange_carrier {
    int version;
    const char *mpi; /* "Open MPI" or "MPICH" */
    /* Starts the library; `name`: the library with its version. */
    bool (*begin)(void **context, int *rank, int *ranks, char *name, size_t size, ami_error *err);
    /* Sends send[r] to each rank r and fills receive[r] from it; both (ranks), own entries empty. Returns when
     * all is done; or false after limit_s seconds (0: never) or an error of the library. Then missing[r] is 1 for each rank
     * from which something has not arrived; `err` is the library's sentence, empty if it has none. */
    bool (*swap)(void *context, const ami_exchange_part *send, const ami_exchange_part *receive,
                 double limit_s, unsigned char *missing, ami_error *err);
    /* Ends the library: with all ranks, or (status not 0) at once, with all processes of the job. */
    void (*end)(void *context, int status);
} ami_exchange_carrier;

typedef struct ami_exchange ami_exchange;

/* For one process, with nothing to exchange. Static: not to be destroyed (which does nothing). */
ami_exchange *ami_exchange_none(void);

/* Collective. Over a carrier that has begun. limit_s: seconds after which a rank that does not answer counts
 * as hung; 0: never. NULL and a sentence on error. */
ami_exchange *ami_exchange_create(const ami_exchange_carrier *carrier, void *context, int rank, int ranks,
                                  const char *name, double limit_s, ami_error *err);
/* Does not end the carrier. */
void ami_exchange_destroy(ami_exchange *exchange);

/* ---- How this process was started (exchange_open.c) ---- */

typedef struct ami_launch {
    const char *mpi; /* "Open MPI", "MPICH"; NULL: by no launcher, or as the only process */
    int ranks;       /* as the launcher says; 0: it does not */
    bool mute;       /* srun started several processes, without connecting them by MPI */
} ami_launch;

/* By the environment of launchers. AMBLE_EXCHANGE=none, openmpi or mpich overrides it. */
ami_launch ami_exchange_launch(void);

/* The path of the plug-in for "Open MPI" or "MPICH": beside the program, or in the library folder beside it. False and a
 * sentence with the places searched if there is none. */
bool ami_exchange_plugin(const char *mpi, char *path, size_t size, ami_error *err);

/* Loads the launcher's plug-in and begins; ami_exchange_none where no launcher started this process. NULL and a sentence
 * where one did and there is no plug-in: the processes must not go on as so many copies of one. */
ami_exchange *ami_exchange_open(double limit_s, ami_error *err);

/* Ends what ami_exchange_open began. status 0: with all ranks; else all processes of the job end at once, this one too. */
void ami_exchange_close(ami_exchange *exchange, int status);

/* ---- Facts ---- */

int ami_exchange_rank(const ami_exchange *exchange);         /* 0 to ranks - 1; 0 writes the files */
int ami_exchange_ranks(const ami_exchange *exchange);        /* 1 or more */
const char *ami_exchange_name(const ami_exchange *exchange); /* "Open MPI 4.1.4"; "one process" */
const char *ami_exchange_host(const ami_exchange *exchange, int rank);

/* True and a sentence if an exchange has failed. err may be NULL. */
bool ami_exchange_failed(const ami_exchange *exchange, ami_error *err);

/* Changes the time limit. */
void ami_exchange_set_limit(ami_exchange *exchange, double limit_s);

/* Whether this rank should report the failure: the first of those that are not missing. */
bool ami_exchange_reports(const ami_exchange *exchange);

/* Seconds spent waiting and bytes sent since the creation, by this rank. */
double ami_exchange_seconds(const ami_exchange *exchange);
int64_t ami_exchange_bytes(const ami_exchange *exchange);

/* ---- Collective ---- */

/* As the carrier's swap; own entries are copied here. */
bool ami_exchange_swap(ami_exchange *exchange, const ami_exchange_part *send,
                       const ami_exchange_part *receive);

/* `all` (ranks, bytes): every rank's `mine`. */
bool ami_exchange_all(ami_exchange *exchange, const void *mine, size_t bytes, void *all);

/* Rank 0's `data` for all. */
bool ami_exchange_from_first(ami_exchange *exchange, void *data, size_t bytes);

/* At rank 0: `all` is every rank's `mine`, one behind another; bytes (ranks). Elsewhere all is not used. */
bool ami_exchange_to_first(ami_exchange *exchange, const void *mine, const size_t *bytes, void *all);

/* Whether all ranks are ok. If not, every rank gets the first one's sentence in `err`, with its rank and host where
 * not all ranks have the same sentence. */
bool ami_exchange_agree(ami_exchange *exchange, bool ok, ami_error *err);

#endif
