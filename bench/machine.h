/* The machine's measured limits: operations a second of its vector units, and bandwidth of repeated reads of
 * a buffer of a given size, on 1 to BENCH_MAX_THREADS threads. They bound a network's speed (the roofline of
 * Williams, Waterman and Patterson 2009).
 *
 * Limits are the best of many short bursts by the best of several probes (probes.inc). They are found even
 * where other programs take cores at times. Independent of networks. */
#ifndef AMI_BENCH_MACHINE_H
#define AMI_BENCH_MACHINE_H

#include "base/error.h"
#include "nets/kernels/kernels.h"

#include <jansson.h>

enum { BENCH_MAX_THREADS = 64, BENCH_MAX_READS = 256 };

typedef struct bench_machine {
    size_t cache[3];                                       /* bytes of L1 data, L2, L3; 0: unknown */
    double burst_s;                                        /* s for measuring one limit */
    double peak[AMI_PRECISIONS][BENCH_MAX_THREADS + 1];    /* operations/s of all threads together; 0: not
                                                              measured yet */
    const char *by[AMI_PRECISIONS][BENCH_MAX_THREADS + 1]; /* the fastest probe */
    int reads;                                             /* sizes measured so far */
    struct {
        size_t bytes;
        int threads;
        double rate;
        const char *by;
    } read[BENCH_MAX_READS];
    char *buffer; /* the buffer to read, 64-byte aligned; each thread has its part */
    size_t size;
} bench_machine;

/* Finds the caches. Measures nothing yet. */
void bench_machine_init(bench_machine *machine, double burst_s);
void bench_machine_free(bench_machine *machine);

/* Operations/s (a multiply-add is two) that `threads` threads do together with operands of this precision, by
 * the best instruction found here; where no instruction multiplies such operands directly, with the cost of
 * widening them. Measured once. 0 and a sentence when memory or threads are short. */
double bench_machine_peak(bench_machine *machine, ami_precision precision, int threads, ami_error *err);

/* Bytes/s that `threads` threads read together where each reads its own `bytes` (rounded up to 2 KiB)
 * repeatedly. Measured once a size.
 */
double bench_machine_read(bench_machine *machine, size_t bytes, int threads, ami_error *err);

/* The level that holds so many bytes of one thread: "L1", "L2", "L3", "DRAM"; "memory" where the caches are
 * not known.
 */
const char *bench_machine_level(const bench_machine *machine, size_t bytes);

/* A size that certainly fits into level 1, 2, 3 or (4) into none. */
size_t bench_machine_level_size(const bench_machine *machine, int level);

/* Evicts everything from the caches: writes more than they hold. False and a sentence when memory is short.
 */
bool bench_machine_evict(bench_machine *machine, ami_error *err);

/* The results so far. */
json_t *bench_machine_json(const bench_machine *machine);

#endif
