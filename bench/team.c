/* Thread teams that divide a network's work by claims. A call is divided into steps (layers, or one), a step
 * into parts, each part with an owner. The thread that claims a part first computes it: the owner, or the
 * caller after its own parts. Claims and completions are tagged with the call's number.
 *
 * How races are avoided: each worker has a ticket. The caller writes a call's description only while
 * all tickets are IDLE (or SLEEPING), then offers them; a worker joins by changing OFFERED to JOINED, and
 * leaves by storing IDLE; the caller withdraws offers that no worker accepted before it returns. So no worker
 * is ever in an older call than the described one, and a worker reads and writes only the description, the
 * models and the team's own buffers, none of which change while a ticket is JOINED. */
#define _GNU_SOURCE /* CPU sets, sched_getcpu */
#include "bench/team.h"

#include "nets/model_layers.h"

#include "base/clock.h"
#include "base/cores.h"

#include <assert.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum {
    LINE = 64,
    PIECES = 4,         /* parts per thread for many rows: the caller may have to repeat one of them */
    ROWS_A_THREAD = 24, /* from so many rows a thread, rows are divided; the kernels' blocks are full then */
    MAX_PARTS = AMI_TEAM_MAX_THREADS * PIECES,
    SMALL_MODEL = 192 << 10, /* bytes of weights that one core reads faster than two synchronise */
    SMALL_LAYER = 48 << 10,  /* the same for one layer in a larger network */
    SPINS_A_LOOK = 32        /* pauses between two looks at the clock */
};

/* A worker's ticket. */
enum { IDLE, SLEEPING, OFFERED, JOINED, QUIT };

typedef struct flag {
    _Alignas(LINE) atomic_uint tag;
} flag;

typedef struct worker {
    _Alignas(LINE) atomic_uint ticket;
    struct ami_team *team;
    int index; /* 1 .. threads - 1; the caller is 0 */
    int cpu;   /* to bind to; -1: none */
    pthread_t thread;
} worker;

/* A reserved model's buffers. */
typedef struct entry {
    const ami_model *model;
    int rows;
    float *in, *out;                       /* (rows, inputs), (rows, outputs) */
    float *activation[AMI_NET_MAX_LAYERS]; /* [0] the normalised input, [l] layer l - 1's outputs:
                                              (layer_rows, model->stride) */
    int layer_rows;                        /* rows that may be split by outputs */
    uint64_t used;                         /* number of the call that uses it */
    void *block;
} entry;

typedef enum call_kind { BY_OUTPUTS, BY_PARTS } call_kind;

/* A part of a BY_PARTS call: some rows of one model. */
typedef struct part {
    const entry *entry; /* NULL: the caller's alone */
    const ami_model *model;
    const float *in; /* the caller's */
    float *out;      /* the caller's */
    int first, n;    /* rows */
    int owner;
} part;

struct ami_team {
    ami_team_def def;
    int threads;
    worker *workers; /* (threads - 1) */
    int started;
    void *workspace[AMI_TEAM_MAX_THREADS];
    size_t workspace_size;
    entry entries[AMI_TEAM_MAX_MODELS];
    int count;
    ami_team_stats stats;

    /* The call: written by the caller while no worker is in it. */
    unsigned call;
    call_kind kind;
    const entry *entry; /* BY_OUTPUTS */
    int n;
    int steps;
    int parts[AMI_NET_MAX_LAYERS]; /* of each step; part p is thread p's in BY_OUTPUTS */
    part part[MAX_PARTS];          /* BY_PARTS: of the only step */

    flag closed;                /* number of the last finished call */
    flag (*claimed)[MAX_PARTS]; /* (AMI_NET_MAX_LAYERS) number of the call in which this part is claimed */
    flag (*done)[MAX_PARTS];    /* the same, finished */
};

static inline void pause_cpu(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

/* A wait that begins now: reads the clock first, then after every SPINS_A_LOOK pauses. */
typedef struct patience {
    double end;
    int spins;
} patience;

static patience wait_at_most(double us)
{
    return (patience){.end = ami_clock_now() + us * 1e-6};
}

/* False when the wait has lasted too long. */
static bool wait_a_little(patience *p)
{
    pause_cpu();
    return ++p->spins % SPINS_A_LOOK != 0 || ami_clock_now() < p->end;
}

static void futex(atomic_uint *word, int operation, unsigned value)
{
    syscall(SYS_futex, (unsigned *)word, operation | FUTEX_PRIVATE_FLAG, value, NULL, NULL, 0);
}

/* Claims the part if it is free. */
static bool claim(ami_team *team, int step, int p)
{
    atomic_uint *tag = &team->claimed[step][p].tag;
    unsigned was = atomic_load_explicit(tag, memory_order_relaxed);
    return was != team->call && atomic_compare_exchange_strong_explicit(
                                    tag, &was, team->call, memory_order_acq_rel, memory_order_relaxed);
}

static bool is_done(const ami_team *team, int step, int p)
{
    return atomic_load_explicit(&team->done[step][p].tag, memory_order_acquire) == team->call;
}

static void set_done(ami_team *team, int step, int p)
{
    atomic_store_explicit(&team->done[step][p].tag, team->call, memory_order_release);
}

/* Waits for a part of another thread. False: it is not done in time, or the caller has closed the call. */
static bool wait_for(const ami_team *team, int step, int p, double us)
{
    if (is_done(team, step, p))
        return true;
    patience waiting = wait_at_most(us);
    while (!is_done(team, step, p))
        if (atomic_load_explicit(&team->closed.tag, memory_order_relaxed) == team->call ||
            !wait_a_little(&waiting))
            return false;
    return true;
}

/* Layer l's outputs are divided at panels, as evenly as possible. */
static int cut_outputs(const ami_model *model, int l, int p, int parts)
{
    const int panel = model->kernel[l]->panel, outputs = model->dim[l + 1],
              panels = (outputs + panel - 1) / panel;
    const int end = panels * p / parts * panel;
    return end < outputs ? end : outputs;
}

static void do_outputs(ami_team *team, int thread, int l, int p)
{
    const entry *e = team->entry;
    const ami_model *model = e->model;
    const bool last = l + 1 == model->layers;
    const ami_model_buffers buffers = ami_model_cut_workspace(model, team->workspace[thread], team->n);
    const float *x = l || model->normalized ? e->activation[l] : e->in;
    ami_model_layer(
        model, l, cut_outputs(model, l, p, team->parts[l]), cut_outputs(model, l, p + 1, team->parts[l]),
        &buffers, x, l || model->normalized ? model->stride : (size_t)model->dim[0], team->n,
        last ? e->out : e->activation[l + 1], last ? (size_t)model->dim[model->layers] : model->stride);
}

static void do_rows(ami_team *team, int thread, const part *p, const float *in, float *out)
{
    ami_model_run(p->model, team->workspace[thread], in, p->n, out);
}

/* A worker's part of the call: its own parts that are still free, step by step. It leaves early when the
 * caller has closed the call, or makes no progress for the time a worker spins. */
static void take_part(ami_team *team, int thread)
{
    if (team->kind == BY_PARTS) {
        for (int p = 0; p < team->parts[0]; p++) {
            const part *piece = &team->part[p];
            if (piece->owner == thread && claim(team, 0, p)) {
                do_rows(team, thread, piece,
                        piece->entry->in + (size_t)piece->first * (size_t)piece->model->dim[0],
                        piece->entry->out + (size_t)piece->first * (size_t)ami_model_outputs(piece->model));
                set_done(team, 0, p);
            }
        }
        return;
    }
    for (int l = 0; l < team->steps; l++) {
        if (thread < team->parts[l] && claim(team, l, thread)) {
            do_outputs(team, thread, l, thread);
            set_done(team, l, thread);
        }
        for (int p = 0; p < team->parts[l] && l + 1 < team->steps; p++)
            if (!wait_for(team, l, p, team->def.idle_spin_us))
                return;
    }
}

/* Waits for the next offer: spinning, then asleep. False: quit. */
static bool next_offer(worker *w)
{
    for (;;) {
        patience waiting = wait_at_most(w->team->def.idle_spin_us);
        unsigned ticket;
        do {
            ticket = atomic_load_explicit(&w->ticket, memory_order_relaxed);
            if (ticket == QUIT)
                return false;
            if (ticket == OFFERED &&
                atomic_compare_exchange_strong_explicit(&w->ticket, &ticket, JOINED, memory_order_acquire,
                                                        memory_order_relaxed))
                return true;
        } while (wait_a_little(&waiting));
        ticket = IDLE;
        if (atomic_compare_exchange_strong_explicit(&w->ticket, &ticket, SLEEPING, memory_order_release,
                                                    memory_order_relaxed))
            while (atomic_load_explicit(&w->ticket, memory_order_relaxed) == SLEEPING)
                futex(&w->ticket, FUTEX_WAIT, SLEEPING);
    }
}

static void *work(void *context)
{
    worker *w = context;
    if (w->cpu >= 0) {
        cpu_set_t set;
        CPU_ZERO(&set);
        CPU_SET((size_t)w->cpu, &set);
        pthread_setaffinity_np(pthread_self(), sizeof set, &set); /* optional: a failure is ignored */
    }
    while (next_offer(w)) {
        take_part(w->team, w->index);
        unsigned joined = JOINED;
        atomic_compare_exchange_strong_explicit(&w->ticket, &joined, IDLE, memory_order_release,
                                                memory_order_relaxed);
    }
    return NULL;
}

static unsigned exchange(worker *w, unsigned ticket)
{
    return atomic_exchange_explicit(&w->ticket, ticket, memory_order_acq_rel);
}

static bool is_free(const worker *w)
{
    const unsigned ticket = atomic_load_explicit(&w->ticket, memory_order_acquire);
    return ticket == IDLE || ticket == SLEEPING;
}

ami_team_def ami_team_default_def(void)
{
    return (ami_team_def){.join_spin_us = 50, .idle_spin_us = 1000};
}

/* The CPU that worker `index` is bound to: the index-th after the caller's among those this process may use.
 */
static int cpu_for(int index)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return -1;
    const int here = sched_getcpu(), count = CPU_COUNT(&set);
    int left = count ? index % count : 0, cpu = here < 0 ? 0 : here;
    for (int i = 0; left > 0 && i < (left + 1) * CPU_SETSIZE; i++) {
        cpu = (cpu + 1) % CPU_SETSIZE;
        left -= CPU_ISSET((size_t)cpu, &set) != 0;
    }
    return cpu;
}

static void *aligned_zeros(size_t size)
{
    size = (size + LINE - 1) / LINE * LINE;
    void *block = aligned_alloc(LINE, size ? size : LINE);
    return block ? memset(block, 0, size) : NULL;
}

ami_team *ami_team_create(const ami_team_def *def, ami_error *err)
{
    ami_team *team = aligned_zeros(sizeof *team);
    if (!team) {
        ami_fail(err, "out of memory for a team of threads");
        return NULL;
    }
    team->def = def ? *def : ami_team_default_def();
    const int requested = team->def.threads > 0 ? team->def.threads : ami_cores();
    team->threads = requested < AMI_TEAM_MAX_THREADS ? requested : AMI_TEAM_MAX_THREADS;
    team->workers = aligned_zeros((size_t)(team->threads - 1) * sizeof *team->workers);
    team->claimed = aligned_zeros(AMI_NET_MAX_LAYERS * sizeof *team->claimed);
    team->done = aligned_zeros(AMI_NET_MAX_LAYERS * sizeof *team->done);
    if (!team->workers || !team->claimed || !team->done) {
        ami_fail(err, "out of memory for a team of %d threads", team->threads);
        ami_team_destroy(team);
        return NULL;
    }
    for (int i = 1; i < team->threads; i++) {
        worker *w = &team->workers[i - 1];
        w->team = team;
        w->index = i;
        w->cpu = team->def.bind ? cpu_for(i) : -1;
        if (pthread_create(&w->thread, NULL, work, w) != 0) {
            ami_fail(err, "only %d of %d threads can be started", i, team->threads);
            ami_team_destroy(team);
            return NULL;
        }
        team->started = i;
    }
    return team;
}

void ami_team_destroy(ami_team *team)
{
    if (!team)
        return;
    if (team->started)
        ami_team_settle(team);
    for (int i = 0; i < team->started; i++)
        if (exchange(&team->workers[i], QUIT) == SLEEPING)
            futex(&team->workers[i].ticket, FUTEX_WAKE, 1);
    for (int i = 0; i < team->started; i++)
        pthread_join(team->workers[i].thread, NULL);
    for (int i = 0; i < team->count; i++)
        free(team->entries[i].block);
    for (int i = 0; i < AMI_TEAM_MAX_THREADS; i++)
        free(team->workspace[i]);
    free(team->workers);
    free(team->claimed);
    free(team->done);
    free(team);
}

int ami_team_threads(const ami_team *team)
{
    return team->threads;
}

ami_team_stats ami_team_get_stats(const ami_team *team)
{
    return team->stats;
}

void ami_team_settle(ami_team *team)
{
    for (int i = 0; i < team->started; i++)
        while (!is_free(&team->workers[i]))
            sched_yield();
}

static bool reserve_workspaces(ami_team *team, size_t size, ami_error *err)
{
    if (size <= team->workspace_size)
        return true;
    void *fresh[AMI_TEAM_MAX_THREADS];
    for (int i = 0; i < team->threads; i++) {
        fresh[i] = aligned_zeros(size);
        if (!fresh[i]) {
            while (i > 0)
                free(fresh[--i]);
            return ami_fail(err, "out of memory for the workspaces of %d threads", team->threads);
        }
    }
    for (int i = 0; i < team->threads; i++) {
        free(team->workspace[i]);
        team->workspace[i] = fresh[i];
    }
    team->workspace_size = size;
    return true;
}

static entry *find(ami_team *team, const ami_model *model)
{
    for (int i = 0; i < team->count; i++)
        if (team->entries[i].model == model)
            return &team->entries[i];
    return NULL;
}

static size_t lines(size_t floats)
{
    return (floats * sizeof(float) + LINE - 1) / LINE * LINE;
}

bool ami_team_reserve(ami_team *team, const ami_model *model, int rows, ami_error *err)
{
    assert(rows >= 1);
    ami_team_settle(team);
    entry *old = find(team, model);
    if (!old && team->count == AMI_TEAM_MAX_MODELS)
        return ami_fail(err, "a team runs at most %d models", AMI_TEAM_MAX_MODELS);
    if (!reserve_workspaces(team, ami_model_workspace_size(model, rows), err))
        return false;

    entry e = {.model = model, .rows = rows, .layer_rows = rows};
    if (e.layer_rows > ROWS_A_THREAD * team->threads)
        e.layer_rows = ROWS_A_THREAD * team->threads;
    if (e.layer_rows > model->chunk)
        e.layer_rows = model->chunk;
    const size_t in = lines((size_t)rows * (size_t)model->dim[0]),
                 out = lines((size_t)rows * (size_t)ami_model_outputs(model));
    const size_t activation = lines((size_t)e.layer_rows * model->stride);
    char *at = e.block = aligned_zeros(in + out + (size_t)model->layers * activation);
    if (!at)
        return ami_fail(err, "out of memory for a team's %d rows of a network", rows);
    e.in = (float *)at;
    e.out = (float *)(at + in);
    for (int l = 0; l < model->layers; l++)
        e.activation[l] = (float *)(at + in + out + (size_t)l * activation);
    if (old)
        free(old->block);
    else
        old = &team->entries[team->count++];
    *old = e;
    return true;
}

void ami_team_forget(ami_team *team, const ami_model *model)
{
    ami_team_settle(team);
    entry *e = find(team, model);
    if (!e)
        return;
    free(e->block);
    *e = team->entries[--team->count];
}

/* Whether all workers are free for a new call. Waits for one that is just leaving the last call. */
static bool all_free(ami_team *team)
{
    patience waiting = {0};
    for (int i = 0; i < team->started; i++)
        while (!is_free(&team->workers[i])) {
            if (waiting.end == 0)
                waiting = wait_at_most(team->def.join_spin_us);
            if (!wait_a_little(&waiting))
                return false;
        }
    return true;
}

static void offer(ami_team *team)
{
    for (int i = 0; i < team->started; i++)
        if (exchange(&team->workers[i], OFFERED) == SLEEPING)
            futex(&team->workers[i].ticket, FUTEX_WAKE, 1);
}

/* From here on no worker can join the call, and those in it leave. */
static void close_call(ami_team *team)
{
    atomic_store_explicit(&team->closed.tag, team->call, memory_order_relaxed);
    for (int i = 0; i < team->started; i++) {
        unsigned offered = OFFERED;
        atomic_compare_exchange_strong_explicit(&team->workers[i].ticket, &offered, IDLE,
                                                memory_order_relaxed, memory_order_relaxed);
    }
}

/* The caller's side of a BY_OUTPUTS call. False: a worker does not finish. others: parts that workers have
 * computed. */
static bool lead_outputs(ami_team *team, int *others)
{
    *others = 0;
    for (int l = 0; l < team->steps; l++) {
        bool mine[AMI_TEAM_MAX_THREADS] = {false};
        for (int p = 0; p < team->parts[l]; p++)
            if (claim(team, l, p)) {
                do_outputs(team, 0, l, p);
                set_done(team, l, p);
                mine[p] = true;
            }
        for (int p = 0; p < team->parts[l]; p++) {
            if (!mine[p] && !wait_for(team, l, p, team->def.join_spin_us))
                return false;
            *others += !mine[p];
        }
    }
    return true;
}

static void next_call(ami_team *team, call_kind kind)
{
    if (++team->call == 0) /* 0 is the tag of unused flags */
        team->call = 1;
    team->kind = kind;
    team->stats.calls++;
}

static void run_alone(ami_team *team, const ami_model *model, const float *in, int n, float *out)
{
    ami_model_run(model, team->workspace[0], in, n, out);
}

static void run_by_outputs(ami_team *team, const entry *e, const float *in, int n, float *out)
{
    const ami_model *model = e->model;
    next_call(team, BY_OUTPUTS);
    team->entry = e;
    team->n = n;
    team->steps = model->layers;
    for (int l = 0; l < model->layers; l++) {
        const size_t bytes = ami_kernel_weight_cells(model->kernel[l], model->dim[l], model->dim[l + 1]) * 4;
        team->parts[l] = bytes < SMALL_LAYER ? 1 : team->threads;
    }
    if (model->normalized)
        ami_model_normalize(model, in, n, e->activation[0]);
    else
        memcpy(e->in, in, (size_t)n * (size_t)model->dim[0] * sizeof *in);
    offer(team);
    int others;
    const bool good = lead_outputs(team, &others);
    close_call(team);
    if (good)
        memcpy(out, e->out, (size_t)n * (size_t)ami_model_outputs(model) * sizeof *out);
    else
        run_alone(team, model, in, n, out);
    team->stats.alone += !good || others == 0;
}

/* The caller's side of a BY_PARTS call: its own parts, then parts that no worker has begun, from the last one
 * because owners begin with their first; then the workers' results, or its own where those are late. */
static void lead_parts(ami_team *team)
{
    const int parts = team->parts[0];
    bool mine[MAX_PARTS] = {false};
    int others = 0;
    for (int own = 1; own >= 0; own--)
        for (int i = 0; i < parts; i++) {
            const int p = own ? i : parts - 1 - i;
            const part *piece = &team->part[p];
            if ((piece->owner == 0) == own && claim(team, 0, p)) {
                do_rows(team, 0, piece, piece->in, piece->out);
                mine[p] = true;
            }
        }
    bool waited_in_vain = false;
    for (int p = 0; p < parts; p++) {
        const part *piece = &team->part[p];
        if (mine[p])
            continue;
        if (!waited_in_vain && !wait_for(team, 0, p, team->def.join_spin_us))
            waited_in_vain = true;
        const size_t outputs = (size_t)ami_model_outputs(piece->model);
        if (is_done(team, 0, p)) {
            memcpy(piece->out, piece->entry->out + (size_t)piece->first * outputs,
                   (size_t)piece->n * outputs * sizeof(float));
            others++;
        } else {
            do_rows(team, 0, piece, piece->in, piece->out);
        }
    }
    team->stats.alone += waited_in_vain || others == 0;
}

/* Runs the described parts. Inputs of the workers' parts are copied first. */
static void run_parts(ami_team *team)
{
    for (int p = 0; p < team->parts[0]; p++) {
        const part *piece = &team->part[p];
        const size_t inputs = (size_t)piece->model->dim[0];
        if (piece->owner != 0)
            memcpy(piece->entry->in + (size_t)piece->first * inputs, piece->in,
                   (size_t)piece->n * inputs * sizeof(float));
    }
    offer(team);
    lead_parts(team);
    close_call(team);
}

static void run_by_rows(ami_team *team, const entry *e, const float *in, int n, float *out)
{
    const ami_model *model = e->model;
    next_call(team, BY_PARTS);
    const int parts = team->threads * PIECES;
    team->parts[0] = parts;
    for (int p = 0; p < parts; p++) {
        const int first = (int)((int64_t)n * p / parts), end = (int)((int64_t)n * (p + 1) / parts);
        team->part[p] = (part){.entry = e,
                               .model = model,
                               .in = in + (size_t)first * (size_t)model->dim[0],
                               .out = out + (size_t)first * (size_t)ami_model_outputs(model),
                               .first = first,
                               .n = end - first,
                               .owner = p / PIECES};
    }
    run_parts(team);
}

void ami_team_run(ami_team *team, const ami_model *model, const float *in, int n, float *out)
{
    const entry *e = find(team, model);
    assert(e && n >= 1 && n <= e->rows);
    const bool rows = n >= ROWS_A_THREAD * team->threads || n > e->layer_rows;
    if (team->threads == 1 || (!rows && ami_model_bytes(model) < SMALL_MODEL) ||
        (rows && n < team->threads * PIECES)) {
        run_alone(team, model, in, n, out);
    } else if (!all_free(team)) {
        team->stats.calls++;
        team->stats.alone++;
        run_alone(team, model, in, n, out);
    } else if (rows) {
        run_by_rows(team, e, in, n, out);
    } else {
        run_by_outputs(team, e, in, n, out);
    }
}

void ami_team_run_jobs(ami_team *team, const ami_team_job *job, int jobs)
{
    if (team->threads == 1 || jobs == 1 || jobs > MAX_PARTS || !all_free(team)) {
        for (int i = 0; i < jobs; i++)
            run_alone(team, job[i].model, job[i].in, job[i].n, job[i].out);
        if (team->threads > 1 && jobs > 1) {
            team->stats.calls++;
            team->stats.alone++;
        }
        return;
    }
    next_call(team, BY_PARTS);
    team->parts[0] = jobs;
    for (int i = 0; i < jobs; i++) {
        entry *e = find(team, job[i].model);
        assert(e && job[i].n >= 1 && job[i].n <= e->rows);
        const bool repeated = e->used == team->stats.calls;
        e->used = team->stats.calls;
        team->part[i] = (part){.entry = e,
                               .model = job[i].model,
                               .in = job[i].in,
                               .out = job[i].out,
                               .n = job[i].n,
                               .owner = repeated ? 0 : i % team->threads};
    }
    run_parts(team);
}
