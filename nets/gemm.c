/* oneDNN's matmul primitive behind a small interface: plain row-major operands (its own repacking of them
 * inside a product costs less here than reordering weights after every update would), one set of memory
 * objects per thread, scratch from the caller's side. */
#include "nets/gemm.h"

#include "base/guard.h"

#include <assert.h>
#include <dnnl.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#else
/* Built without OpenMP, but oneDNN may have loaded an OpenMP runtime, which must not fork either. */
extern int omp_get_max_threads(void) __attribute__((weak));
extern void omp_set_num_threads(int) __attribute__((weak));
#endif

#if DNNL_VERSION_MAJOR >= 3
typedef dnnl_memory_desc_t memory_desc; /* a pointer, to be destroyed */
typedef const_dnnl_memory_desc_t memory_desc_ref;
#define REF(desc) (desc)
#else
typedef dnnl_memory_desc_t memory_desc; /* a plain struct */
typedef const dnnl_memory_desc_t *memory_desc_ref;
#define REF(desc) (&(desc))
#endif

enum { ALIGNMENT = 64, ARGUMENTS = 5 };

typedef struct slot_memory {
    dnnl_memory_t a, b, bias, c, scratch;
} slot_memory;

struct ami_gemm {
    ami_gemm *next; /* in the context's list */
    ami_gemm_context *context;
    ami_gemm_def def;
    dnnl_primitive_desc_t desc;
    dnnl_primitive_t primitive;
    slot_memory *memory; /* (slots) */
};

struct ami_gemm_context {
    dnnl_engine_t engine;
    int slots;             /* one per thread, and a last one that further threads share in turn */
    dnnl_stream_t *stream; /* (slots) */
    void **scratch;        /* (slots) */
    size_t scratch_size;
    ami_gemm *first;
    atomic_int failure; /* of the products that were run: see the enumeration */
    char reason[128];   /* why the first one that failed did */
};

enum { NONE_FAILED, ONE_SPEAKS, ONE_FAILED };

int ami_gemm_begin(void)
{
#ifndef _OPENMP
    if (!omp_set_num_threads || !omp_get_max_threads)
        return 0;
#endif
    const int saved = omp_get_max_threads();
    omp_set_num_threads(1);
    return saved;
}

void ami_gemm_end(int saved)
{
#ifndef _OPENMP
    if (!omp_set_num_threads || !omp_get_max_threads)
        return;
#endif
    omp_set_num_threads(saved);
}

bool ami_gemm_bf16_native(void)
{
    const unsigned wanted = (unsigned)dnnl_cpu_isa_avx512_core_bf16;
    return ((unsigned)dnnl_get_effective_cpu_isa() & wanted) == wanted;
}

static int thread_slots(void)
{
#ifdef _OPENMP
    return omp_get_max_threads() > omp_get_num_procs() ? omp_get_max_threads() : omp_get_num_procs();
#else
    return 1;
#endif
}

static const char *reason(dnnl_status_t status)
{
    switch (status) {
    case dnnl_out_of_memory:
        return "out of memory";
    case dnnl_invalid_arguments:
        return "invalid arguments";
    case dnnl_unimplemented:
        return "not implemented for this CPU";
    case dnnl_runtime_error:
        return "run-time error";
    default:
        return "unknown error";
    }
}

typedef struct library_call {
    dnnl_status_t (*call)(void *);
    void *argument;
    dnnl_status_t status;
} library_call;

static void run_call(void *context)
{
    library_call *c = context;
    c->status = c->call(c->argument);
}

/* Calls into oneDNN, which answers with a status or, where it allocates, with a C++ exception. False and a
 * reason. */
static bool guarded(dnnl_status_t (*call)(void *), void *argument, ami_error *err)
{
    library_call c = {.call = call, .argument = argument};
    return ami_guard(run_call, &c, err) &&
           (c.status == dnnl_success || ami_fail(err, "%s", reason(c.status)));
}

static dnnl_status_t start(void *argument)
{
    ami_gemm_context *context = argument;
    dnnl_status_t status = dnnl_engine_create(&context->engine, dnnl_cpu, 0);
    for (int s = 0; s < context->slots && status == dnnl_success; s++)
        status = dnnl_stream_create(&context->stream[s], context->engine, dnnl_stream_default_flags);
    return status;
}

ami_gemm_context *ami_gemm_context_create(ami_error *err)
{
    ami_gemm_context *context = calloc(1, sizeof *context);
    if (!context) {
        ami_fail(err, "out of memory for the matrix products");
        return NULL;
    }
    context->slots = thread_slots() + 1;
    context->stream = calloc((size_t)context->slots, sizeof *context->stream);
    context->scratch = calloc((size_t)context->slots, sizeof *context->scratch);
    if (!context->stream || !context->scratch) {
        ami_fail(err, "out of memory for the matrix products");
        ami_gemm_context_destroy(context);
        return NULL;
    }
    if (!guarded(start, context, err)) {
        ami_fail_in(err, "oneDNN could not start");
        ami_gemm_context_destroy(context);
        return NULL;
    }
    return context;
}

static void gemm_destroy(ami_gemm *gemm)
{
    for (int s = 0; gemm->memory && s < gemm->context->slots; s++) {
        const slot_memory *memory = &gemm->memory[s];
        dnnl_memory_t all[ARGUMENTS] = {memory->a, memory->b, memory->bias, memory->c, memory->scratch};
        for (int i = 0; i < ARGUMENTS; i++) {
            if (all[i])
                dnnl_memory_destroy(all[i]);
        }
    }
    free(gemm->memory);
    if (gemm->primitive)
        dnnl_primitive_destroy(gemm->primitive);
    if (gemm->desc)
        dnnl_primitive_desc_destroy(gemm->desc);
    free(gemm);
}

void ami_gemm_context_destroy(ami_gemm_context *context)
{
    if (!context)
        return;
    while (context->first) {
        ami_gemm *gemm = context->first;
        context->first = gemm->next;
        gemm_destroy(gemm);
    }
    for (int s = 0; s < context->slots; s++) {
        if (context->stream && context->stream[s])
            dnnl_stream_destroy(context->stream[s]);
        if (context->scratch)
            free(context->scratch[s]);
    }
    free(context->stream);
    free(context->scratch);
    if (context->engine)
        dnnl_engine_destroy(context->engine);
    free(context);
}

/* A (rows, columns) matrix, stored as such or transposed, with `ld` elements between stored rows. */
static dnnl_status_t describe(memory_desc *desc, int rows, int columns, bool transposed, int ld,
                              ami_gemm_type type)
{
    dnnl_dims_t dims = {rows, columns};
    dnnl_dims_t strides = {transposed ? 1 : ld, transposed ? ld : 1};
    const dnnl_data_type_t data_type = type == AMI_GEMM_BF16 ? dnnl_bf16 : dnnl_f32;
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_memory_desc_create_with_strides(desc, 2, dims, data_type, strides);
#else
    return dnnl_memory_desc_init_by_strides(desc, 2, dims, data_type, strides);
#endif
}

static void forget(memory_desc *desc)
{
#if DNNL_VERSION_MAJOR >= 3
    if (*desc)
        dnnl_memory_desc_destroy(*desc);
#else
    (void)desc;
#endif
}

static size_t size_of(memory_desc_ref desc)
{
    return desc ? dnnl_memory_desc_get_size(desc) : 0;
}

static dnnl_status_t make_attributes(const ami_gemm_def *def, dnnl_primitive_attr_t *attr)
{
    dnnl_post_ops_t ops = NULL;
    dnnl_status_t status = dnnl_primitive_attr_create(attr);
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_scratchpad_mode(*attr, dnnl_scratchpad_mode_user);
    if (status == dnnl_success)
        status = dnnl_post_ops_create(&ops);
#if DNNL_VERSION_MAJOR >= 3
    if (status == dnnl_success && def->accumulate)
        status = dnnl_post_ops_append_sum(ops, 1, 0, dnnl_data_type_undef);
    if (status == dnnl_success && def->relu)
        status = dnnl_post_ops_append_eltwise(ops, dnnl_eltwise_relu, 0, 0);
#else
    if (status == dnnl_success && def->accumulate)
        status = dnnl_post_ops_append_sum(ops, 1);
    if (status == dnnl_success && def->relu)
        status = dnnl_post_ops_append_eltwise(ops, 1, dnnl_eltwise_relu, 0, 0);
#endif
    if (status == dnnl_success)
        status = dnnl_primitive_attr_set_post_ops(*attr, ops);
    if (ops)
        dnnl_post_ops_destroy(ops);
    return status;
}

static dnnl_status_t make_desc(dnnl_primitive_desc_t *out, dnnl_engine_t engine, memory_desc_ref a,
                               memory_desc_ref b, memory_desc_ref bias, memory_desc_ref c,
                               dnnl_primitive_attr_t attr)
{
#if DNNL_VERSION_MAJOR >= 3
    return dnnl_matmul_primitive_desc_create(out, engine, a, b, bias, c, attr);
#else
    dnnl_matmul_desc_t matmul;
    const dnnl_status_t status = dnnl_matmul_desc_init(&matmul, a, b, bias, c);
    return status == dnnl_success ? dnnl_primitive_desc_create(out, &matmul, attr, engine, NULL) : status;
#endif
}

static dnnl_status_t make_memory(ami_gemm *gemm, dnnl_engine_t engine, memory_desc_ref a, memory_desc_ref b,
                                 memory_desc_ref bias, memory_desc_ref c, memory_desc_ref scratch)
{
    gemm->memory = calloc((size_t)gemm->context->slots, sizeof *gemm->memory);
    dnnl_status_t status = gemm->memory ? dnnl_success : dnnl_out_of_memory;
    for (int s = 0; s < gemm->context->slots && status == dnnl_success; s++) {
        slot_memory *memory = &gemm->memory[s];
        status = dnnl_memory_create(&memory->a, a, engine, DNNL_MEMORY_NONE);
        if (status == dnnl_success)
            status = dnnl_memory_create(&memory->b, b, engine, DNNL_MEMORY_NONE);
        if (status == dnnl_success && bias)
            status = dnnl_memory_create(&memory->bias, bias, engine, DNNL_MEMORY_NONE);
        if (status == dnnl_success)
            status = dnnl_memory_create(&memory->c, c, engine, DNNL_MEMORY_NONE);
        if (status == dnnl_success && size_of(scratch) > 0)
            status = dnnl_memory_create(&memory->scratch, scratch, engine, DNNL_MEMORY_NONE);
    }
    return status;
}

/* What a product is made of while it is made. */
typedef struct product_parts {
    ami_gemm *gemm;
    memory_desc a, b, bias, c;
    dnnl_primitive_attr_t attr;
} product_parts;

static dnnl_status_t make_product(void *argument)
{
    product_parts *p = argument;
    ami_gemm *gemm = p->gemm;
    ami_gemm_context *context = gemm->context;
    const ami_gemm_def *def = &gemm->def;
    dnnl_status_t status = describe(&p->a, def->m, def->k, def->transpose_a, def->lda, def->in);
    if (status == dnnl_success)
        status = describe(&p->b, def->k, def->n, def->transpose_b, def->ldb, def->in);
    if (status == dnnl_success && def->bias)
        status = describe(&p->bias, 1, def->n, false, def->n, AMI_GEMM_F32);
    if (status == dnnl_success)
        status = describe(&p->c, def->m, def->n, false, def->ldc, def->out);
    if (status == dnnl_success)
        status = make_attributes(def, &p->attr);
    const memory_desc_ref bias = def->bias ? REF(p->bias) : NULL;
    if (status == dnnl_success)
        status = make_desc(&gemm->desc, context->engine, REF(p->a), REF(p->b), bias, REF(p->c), p->attr);
    if (status == dnnl_success)
        status = dnnl_primitive_create(&gemm->primitive, gemm->desc);
    if (status == dnnl_success) {
        const memory_desc_ref scratch = dnnl_primitive_desc_query_md(gemm->desc, dnnl_query_scratchpad_md, 0);
        const size_t size = size_of(scratch);
        if (size > context->scratch_size)
            context->scratch_size = size;
        status = make_memory(gemm, context->engine, REF(p->a), REF(p->b), bias, REF(p->c), scratch);
    }
    return status;
}

ami_gemm *ami_gemm_create(ami_gemm_context *context, const ami_gemm_def *def, ami_error *err)
{
    assert(def->m > 0 && def->n > 0 && def->k > 0);
    assert(!(def->accumulate && (def->bias || def->relu || def->out != AMI_GEMM_F32)));
    assert(def->lda >= (def->transpose_a ? def->m : def->k) &&
           def->ldb >= (def->transpose_b ? def->k : def->n) && def->ldc >= def->n);
    ami_gemm *gemm = calloc(1, sizeof *gemm);
    if (!gemm) {
        ami_fail(err, "out of memory for a matrix product");
        return NULL;
    }
    *gemm = (ami_gemm){.next = context->first, .context = context, .def = *def};
    context->first = gemm;

    product_parts parts = {.gemm = gemm};
    const int saved = ami_gemm_begin(); /* the number of threads goes into the primitive */
    const bool ok = guarded(make_product, &parts, err);
    ami_gemm_end(saved);
    if (parts.attr)
        dnnl_primitive_attr_destroy(parts.attr);
    forget(&parts.a);
    forget(&parts.b);
    forget(&parts.bias);
    forget(&parts.c);
    if (!ok) {
        ami_fail_in(err, "oneDNN has no %s matrix product (%d, %d) x (%d, %d)",
                    def->in == AMI_GEMM_BF16 ? "bf16" : "fp32", def->m, def->k, def->k, def->n);
        return NULL; /* what there is of it goes with the context */
    }
    return gemm;
}

static dnnl_status_t give_scratch(void *argument)
{
    const ami_gemm_context *context = argument;
    dnnl_status_t status = dnnl_success;
    for (ami_gemm *gemm = context->first; gemm; gemm = gemm->next) {
        for (int s = 0; s < context->slots && status == dnnl_success; s++) {
            if (gemm->memory[s].scratch)
                status = dnnl_memory_set_data_handle(gemm->memory[s].scratch, context->scratch[s]);
        }
    }
    return status;
}

bool ami_gemm_context_ready(ami_gemm_context *context, ami_error *err)
{
    const size_t size = (context->scratch_size + ALIGNMENT) / ALIGNMENT * ALIGNMENT;
    for (int s = 0; s < context->slots; s++) {
        context->scratch[s] = aligned_alloc(ALIGNMENT, size);
        if (!context->scratch[s])
            return ami_fail(err, "out of memory for the scratch of the matrix products (%zu bytes a thread)",
                            size);
    }
    return guarded(give_scratch, context, err) || ami_fail_in(err, "oneDNN refused its scratch");
}

bool ami_gemm_context_failed(const ami_gemm_context *context, ami_error *err)
{
    if (atomic_load_explicit(&context->failure, memory_order_acquire) != ONE_FAILED)
        return false;
    ami_fail(err, "a matrix product by oneDNN failed: %s", context->reason);
    return true;
}

static void note_failure(ami_gemm_context *context, const ami_error *err)
{
    int none = NONE_FAILED;
    if (!atomic_compare_exchange_strong(&context->failure, &none, ONE_SPEAKS))
        return;
    snprintf(context->reason, sizeof context->reason, "%s", err->text);
    atomic_store_explicit(&context->failure, ONE_FAILED, memory_order_release);
}

typedef struct product_run {
    const ami_gemm *gemm;
    int slot;
    const void *a, *b;
    const float *bias;
    void *c;
} product_run;

static dnnl_status_t run_in_slot(void *argument)
{
    const product_run *run = argument;
    const ami_gemm *gemm = run->gemm;
    const slot_memory *memory = &gemm->memory[run->slot];
    dnnl_exec_arg_t args[ARGUMENTS] = {
        {DNNL_ARG_SRC, memory->a}, {DNNL_ARG_WEIGHTS, memory->b}, {DNNL_ARG_DST, memory->c}};
    int count = 3;
    dnnl_status_t status = dnnl_memory_set_data_handle(memory->a, (void *)(uintptr_t)run->a);
    if (status == dnnl_success)
        status = dnnl_memory_set_data_handle(memory->b, (void *)(uintptr_t)run->b);
    if (status == dnnl_success)
        status = dnnl_memory_set_data_handle(memory->c, run->c);
    if (memory->bias) {
        args[count++] = (dnnl_exec_arg_t){DNNL_ARG_BIAS, memory->bias};
        if (status == dnnl_success)
            status = dnnl_memory_set_data_handle(memory->bias, (void *)(uintptr_t)run->bias);
    }
    if (memory->scratch)
        args[count++] = (dnnl_exec_arg_t){DNNL_ARG_SCRATCHPAD, memory->scratch};
    if (status == dnnl_success)
        status = dnnl_primitive_execute(gemm->primitive, gemm->context->stream[run->slot], count, args);
    return status;
}

void ami_gemm_run(const ami_gemm *gemm, const void *a, const void *b, const float *bias, void *c)
{
    const int last = gemm->context->slots - 1;
    ami_error err;
    bool ok;
    assert(!gemm->def.bias == !bias);
#ifdef _OPENMP
    const int thread = omp_get_thread_num();
#else
    const int thread = 0;
#endif
    product_run run = {gemm, thread < last ? thread : last, a, b, bias, c};
    if (thread < last) {
        ok = guarded(run_in_slot, &run, &err);
    } else {
#pragma omp critical(ami_gemm_last_slot)
        ok = guarded(run_in_slot, &run, &err);
    }
    if (!ok) {
        note_failure(gemm->context, &err);
        const size_t element = gemm->def.out == AMI_GEMM_BF16 ? 2 : 4;
        for (int i = 0; i < gemm->def.m; i++) /* all bits set is NaN in either type */
            memset((char *)c + (size_t)i * (size_t)gemm->def.ldc * element, 0xff,
                   (size_t)gemm->def.n * element);
    }
}
