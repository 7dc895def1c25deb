/* Threads that run requests in batches. */
#include "server/worker.h"

#include "server/infer_graph.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MAX_THREADS = 64, MAX_JOBS = 256 };

/* AUTO's error was measured on rows within a few standard deviations of the normaliser's mean; a row with an
 * entry beyond this many runs in fp32. */
static const float usual = 4;

struct srv_workers {
    srv_workers_def def;
    pthread_mutex_t mutex;
    pthread_cond_t work;
    srv_job *first, **last;
    int waiting, threads;
    bool stopping;
    pthread_t thread[MAX_THREADS];
};

int64_t srv_now(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* A thread's buffers for a batch; they grow. */
typedef struct scratch {
    void *workspace;
    float *in, *out;
    size_t workspace_size, in_size, out_size;
} scratch;

static bool grow(void **block, size_t *have, size_t size)
{
    if (size <= *have)
        return true;
    void *more = realloc(*block, size);
    if (!more)
        return false;
    *block = more;
    *have = size;
    return true;
}

static bool is_usual(const srv_model *m, const float *rows, int n)
{
    const int inputs = ami_model_inputs(m->model);
    for (int r = 0; r < n; r++)
        for (int i = 0; i < inputs; i++) {
            const float x = rows[(size_t)r * (size_t)inputs + (size_t)i];
            const float z = m->mean ? (x - m->mean[i]) * m->scale[i] : x;
            if (!(fabsf(z) <= usual))
                return false;
        }
    return true;
}

/* Runs jobs of one model as a batch. */
static void run_batch(srv_job **job, int jobs, int rows, scratch *s)
{
    srv_model *m = job[0]->infer.model;
    if (job[0]->run) {
        job[0]->begun = srv_now();
        job[0]->run(job[0]);
        job[0]->ended = srv_now();
        job[0]->done(job[0]);
        return;
    }
    const size_t in = m->graph ? 0 : (size_t)ami_model_inputs(m->model),
                 out = m->graph ? 0 : (size_t)ami_model_outputs(m->model);
    const int64_t begun = srv_now();
    const bool fine = job[0]->fine;
    bool ok = true;
    ami_model *model = fine ? m->fine : m->model;
    ok = m->graph || grow(&s->workspace, &s->workspace_size, ami_model_workspace_size(model, rows));
    if (m->graph) {
        ok = srv_graph_run(&job[0]->infer, fine, &s->workspace, &s->workspace_size);
    } else if (ok && jobs == 1) {
        ami_model_run(model, s->workspace, job[0]->infer.in, rows, job[0]->infer.out);
    } else if (ok && grow((void **)&s->in, &s->in_size, (size_t)rows * in * sizeof(float)) &&
               grow((void **)&s->out, &s->out_size, (size_t)rows * out * sizeof(float))) {
        size_t at = 0;
        for (int k = 0; k < jobs; k++) {
            memcpy(s->in + at * in, job[k]->infer.in, (size_t)job[k]->infer.rows * in * sizeof(float));
            at += (size_t)job[k]->infer.rows;
        }
        ami_model_run(model, s->workspace, s->in, rows, s->out);
        at = 0;
        for (int k = 0; k < jobs; k++) {
            memcpy(job[k]->infer.out, s->out + at * out, (size_t)job[k]->infer.rows * out * sizeof(float));
            at += (size_t)job[k]->infer.rows;
        }
    } else {
        ok = false;
    }
    const int64_t ended = srv_now();
    srv_stats *stats = m->stats;
    atomic_fetch_add_explicit(&stats->batches, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&stats->rows, rows, memory_order_relaxed);
    atomic_fetch_add_explicit(&stats->fine, fine, memory_order_relaxed);
    for (int k = 0; k < jobs; k++) {
        job[k]->begun = begun;
        job[k]->ended = ended;
        job[k]->failed = !ok;
        atomic_fetch_add_explicit(ok ? &stats->requests : &stats->failures, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&stats->queue_ns, begun - job[k]->queued, memory_order_relaxed);
        atomic_fetch_add_explicit(&stats->compute_ns, ended - begun, memory_order_relaxed);
        srv_count_time(stats->queue_bucket, begun - job[k]->queued);
        srv_count_time(stats->compute_bucket, ended - begun);
        job[k]->done(job[k]);
    }
}

/* Removes jobs of the oldest one's model from the queue, up to the batch's limits. The lock is held. */
static int take_batch(srv_workers *w, srv_job **job, int *rows)
{
    int n = 0;
    srv_job **at = &w->first;
    const srv_model *m = w->first->infer.model;
    const int most = w->first->run ? 1 : MAX_JOBS;
    const bool fine = w->first->fine;
    *rows = 0;
    while (*at && n < most) {
        srv_job *j = *at;
        if (j->infer.model == m && (n == 0 || !j->run) && j->fine == fine &&
            (n == 0 || (!m->graph && *rows + j->infer.rows <= w->def.max_batch))) {
            *at = j->next;
            if (!*at && w->last == &j->next)
                w->last = at;
            *rows += j->infer.rows;
            job[n++] = j;
            w->waiting--;
        } else {
            at = &j->next;
        }
    }
    return n;
}

/* Waits until the oldest request has waited for max_delay, or enough requests wait. The lock is held. */
static void let_gather(srv_workers *w)
{
    if (w->def.max_delay_us <= 0 || !w->first)
        return;
    const int64_t end = w->first->queued + (int64_t)(1e3 * w->def.max_delay_us);
    while (!w->stopping && w->first && w->waiting < w->threads * 4 && srv_now() < end) {
        const struct timespec until = {(time_t)(end / 1000000000), (long)(end % 1000000000)};
        if (pthread_cond_timedwait(&w->work, &w->mutex, &until) == ETIMEDOUT)
            break;
    }
}

static void *work(void *context)
{
    srv_workers *w = context;
    scratch s = {0};
    srv_job *job[MAX_JOBS];
    int rows;
    pthread_mutex_lock(&w->mutex);
    for (;;) {
        while (!w->first && !w->stopping)
            pthread_cond_wait(&w->work, &w->mutex);
        let_gather(w);
        if (!w->first) {
            if (w->stopping)
                break;
            continue;
        }
        const int n = take_batch(w, job, &rows);
        pthread_mutex_unlock(&w->mutex);
        run_batch(job, n, rows, &s);
        pthread_mutex_lock(&w->mutex);
    }
    pthread_mutex_unlock(&w->mutex);
    free(s.workspace);
    free(s.in);
    free(s.out);
    return NULL;
}

srv_workers *srv_workers_start(const srv_workers_def *def, ami_error *err)
{
    srv_workers *w = calloc(1, sizeof *w);
    if (!w) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    w->def = *def;
    w->last = &w->first;
    pthread_condattr_t attributes;
    pthread_condattr_init(&attributes);
    pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC);
    pthread_mutex_init(&w->mutex, NULL);
    pthread_cond_init(&w->work, &attributes);
    pthread_condattr_destroy(&attributes);
    const int requested = def->threads < MAX_THREADS ? def->threads : MAX_THREADS;
    while (w->threads < requested && pthread_create(&w->thread[w->threads], NULL, work, w) == 0)
        w->threads++;
    if (w->threads > 0)
        return w;
    ami_fail(err, "no thread can be started: %s", strerror(errno));
    srv_workers_stop(w);
    return NULL;
}

void srv_workers_stop(srv_workers *workers)
{
    if (!workers)
        return;
    pthread_mutex_lock(&workers->mutex);
    workers->stopping = true;
    pthread_cond_broadcast(&workers->work);
    pthread_mutex_unlock(&workers->mutex);
    for (int i = 0; i < workers->threads; i++)
        pthread_join(workers->thread[i], NULL);
    pthread_mutex_destroy(&workers->mutex);
    pthread_cond_destroy(&workers->work);
    free(workers);
}

bool srv_submit(srv_workers *workers, srv_job *job)
{
    job->fine =
        !job->run && (job->infer.model->graph ? !srv_graph_within(&job->infer, usual)
                                              : !is_usual(job->infer.model, job->infer.in, job->infer.rows));
    pthread_mutex_lock(&workers->mutex);
    const bool capacity = workers->waiting < workers->def.max_queue && !workers->stopping;
    if (capacity) {
        job->queued = srv_now();
        job->next = NULL;
        *workers->last = job;
        workers->last = &job->next;
        workers->waiting++;
        pthread_cond_signal(&workers->work);
    }
    pthread_mutex_unlock(&workers->mutex);
    return capacity;
}

int srv_waiting(srv_workers *workers)
{
    pthread_mutex_lock(&workers->mutex);
    const int n = workers->waiting;
    pthread_mutex_unlock(&workers->mutex);
    return n;
}
