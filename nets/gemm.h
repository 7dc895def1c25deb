/* Matrix products of fixed shapes on oneDNN, prepared once and then run by any thread of an OpenMP team, each
 * product on one thread.
 *
 *   C (m, n) = act(A (m, k) · B (k, n) + bias (n))      or      C += A · B
 *
 * Row-major with strides. A product's result depends on its inputs alone, not on the thread or on how many
 * there are. This file keeps oneDNN's two generations of interface (2.x and 3.x) to itself. It refuses to
 * fork: parallelism is the caller's. Nothing is allocated by a run, apart from what oneDNN does inside. */
#ifndef AMB_NETS_GEMM_H
#define AMB_NETS_GEMM_H

#include "base/error.h"

#include <stddef.h>

typedef struct amb_gemm_context amb_gemm_context; /* engine, per-thread scratch, and the owner of all its
                                                     products */
typedef struct amb_gemm amb_gemm;

typedef enum amb_gemm_type { AMB_GEMM_F32 = 0, AMB_GEMM_BF16 = 1 } amb_gemm_type;

typedef struct amb_gemm_def {
    int m, n, k;
    bool transpose_a, transpose_b; /* A is stored (k, m), B is stored (n, k) */
    int lda, ldb, ldc;             /* elements from one stored row to the next */
    amb_gemm_type in, out;         /* of A and B; of C. Sums are fp32 either way, and so is the bias */
    bool bias, relu;               /* applied before C is rounded to its type */
    bool accumulate;               /* C +=; without bias and relu */
} amb_gemm_def;

/* True where the CPU multiplies bf16 matrices natively (avx512_bf16 or AMX) and oneDNN uses it. */
bool amb_gemm_bf16_native(void);

/* Room for as many threads as OpenMP would start or the machine has, whichever is more; further threads take
 * turns. */
amb_gemm_context *amb_gemm_context_create(amb_error *err);
void amb_gemm_context_destroy(amb_gemm_context *context); /* with all its products; NULL is fine */

/* NULL and a sentence where oneDNN has no such product on this CPU or memory is short. */
amb_gemm *amb_gemm_create(amb_gemm_context *context, const amb_gemm_def *def, amb_error *err);

/* After the last product was created and before the first one runs: allocates the scratch. */
bool amb_gemm_context_ready(amb_gemm_context *context, amb_error *err);

/* True and a sentence if a product that was run has failed since the context was created. */
bool amb_gemm_context_failed(const amb_gemm_context *context, amb_error *err);

/* Runs between amb_gemm_begin and amb_gemm_end, which keep oneDNN on the calling thread; each thread calls
 * them for itself, and end takes what begin returned. `bias` NULL where the product has none. Should oneDNN
 * fail (memory), C becomes NaN and amb_gemm_context_failed says why. */
int amb_gemm_begin(void);
void amb_gemm_run(const amb_gemm *gemm, const void *a, const void *b, const float *bias, void *c);
void amb_gemm_end(int saved);

#endif
