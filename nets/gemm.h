/* Matrix products of fixed shapes on oneDNN, prepared once and then run by any thread of an OpenMP team, each
 * product on one thread.
 *
 *   C (m, n) = act(A (m, k) · B (k, n) + bias (n))      or      C += A · B
 *
 * Row-major with strides. A product's result depends on its inputs alone, not on the thread or on how many
 * there are. This file keeps oneDNN's two generations of interface (2.x and 3.x) to itself. It refuses to
 * fork: parallelism is the caller's. Nothing is allocated by a run, apart from what oneDNN does inside. */
#ifndef AMI_NETS_GEMM_H
#define AMI_NETS_GEMM_H

#include "base/error.h"

#include <stddef.h>

typedef struct ami_gemm_context ami_gemm_context; /* engine, per-thread scratch, and the owner of all its
                                                     products */
typedef struct ami_gemm ami_gemm;

typedef enum ami_gemm_type { AMI_GEMM_F32 = 0, AMI_GEMM_BF16 = 1 } ami_gemm_type;

typedef struct ami_gemm_def {
    int m, n, k;
    bool transpose_a, transpose_b; /* A is stored (k, m), B is stored (n, k) */
    int lda, ldb, ldc;             /* elements from one stored row to the next */
    ami_gemm_type in, out;         /* of A and B; of C. Sums are fp32 either way, and so is the bias */
    bool bias, relu;               /* applied before C is rounded to its type */
    bool accumulate;               /* C +=; without bias and relu */
} ami_gemm_def;

/* True where the CPU multiplies bf16 matrices natively (avx512_bf16 or AMX) and oneDNN uses it. */
bool ami_gemm_bf16_native(void);

/* Capacity: the threads that OpenMP would start or the machine's cores, whichever is more; further threads
 * take turns. */
ami_gemm_context *ami_gemm_context_create(ami_error *err);
void ami_gemm_context_destroy(ami_gemm_context *context); /* with all its products; NULL is fine */

/* NULL and a sentence where oneDNN has no such product on this CPU or memory is short. */
ami_gemm *ami_gemm_create(ami_gemm_context *context, const ami_gemm_def *def, ami_error *err);

/* After the last product was created and before the first one runs: allocates the scratch. */
bool ami_gemm_context_ready(ami_gemm_context *context, ami_error *err);

/* True and a sentence if a product that was run has failed since the context was created. */
bool ami_gemm_context_failed(const ami_gemm_context *context, ami_error *err);

/* Runs between ami_gemm_begin and ami_gemm_end, which keep oneDNN on the calling thread; each thread calls
 * them for itself, and end takes what begin returned. `bias` NULL where the product has none. Should oneDNN
 * fail (memory), C becomes NaN and ami_gemm_context_failed says why. */
int ami_gemm_begin(void);
void ami_gemm_run(const ami_gemm *gemm, const void *a, const void *b, const float *bias, void *c);
void ami_gemm_end(int saved);

#endif
