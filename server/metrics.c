/* Prometheus' text: counters and histograms of models, answers, live characters and the process. */
#include "server/metrics.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

typedef struct metric {
    FILE *out;
    int what;
} metric;

enum { REQUESTS, FAILURES, ROWS, BATCHES, FINE, QUEUE, COMPUTE };

static void put_label(FILE *out, const char *name)
{
    for (; *name; name++) {
        if (*name == '"' || *name == '\\')
            fputc('\\', out);
        fputc(*name, out);
    }
}

static void put_histogram(FILE *out, const char *metric_name, const char *name, int version,
                          const atomic_llong bucket[SRV_BUCKETS], long long ns)
{
    long long below = 0;
    for (int k = 0; k < SRV_BUCKETS; k++) {
        below += atomic_load(&bucket[k]);
        fprintf(out, "%s_bucket{model=\"", metric_name);
        put_label(out, name);
        if (k + 1 < SRV_BUCKETS)
            fprintf(out, "\",version=\"%d\",le=\"%.6f\"} %lld\n", version, 1e-6 * (double)(1 << k), below);
        else
            fprintf(out, "\",version=\"%d\",le=\"+Inf\"} %lld\n", version, below);
    }
    fprintf(out, "%s_sum{model=\"", metric_name);
    put_label(out, name);
    fprintf(out, "\",version=\"%d\"} %.9f\n%s_count{model=\"", version, 1e-9 * (double)ns, metric_name);
    put_label(out, name);
    fprintf(out, "\",version=\"%d\"} %lld\n", version, below);
}

static void put_metric(void *context, const char *name, int version, const srv_model *model,
                       const srv_stats *s, const char *why)
{
    static const char *const counter[] = {"requests", "failures", "rows", "batches", "fp32_batches"};
    const metric *m = context;
    (void)model, (void)why;
    if (m->what == QUEUE) {
        put_histogram(m->out, "amble_queue_seconds", name, version, s->queue_bucket,
                      atomic_load(&s->queue_ns));
        return;
    }
    if (m->what == COMPUTE) {
        put_histogram(m->out, "amble_compute_seconds", name, version, s->compute_bucket,
                      atomic_load(&s->compute_ns));
        return;
    }
    const atomic_llong *value[] = {&s->requests, &s->failures, &s->rows, &s->batches, &s->fine};
    fprintf(m->out, "amble_%s_total{model=\"", counter[m->what]);
    put_label(m->out, name);
    fprintf(m->out, "\",version=\"%d\"} %lld\n", version, (long long)atomic_load(value[m->what]));
}

static double resident_bytes(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long size = 0, resident = 0;
    if (f) {
        if (fscanf(f, "%ld %ld", &size, &resident) != 2)
            resident = 0;
        fclose(f);
    }
    return (double)resident * (double)sysconf(_SC_PAGESIZE);
}

static void put_answers(FILE *out, srv_site *site)
{
    fputs("# HELP amble_http_answers_total Answers by class of status.\n"
          "# TYPE amble_http_answers_total counter\n",
          out);
    for (int c = 2; c < 6; c++)
        fprintf(out, "amble_http_answers_total{class=\"%dxx\"} %lld\n", c,
                (long long)atomic_load(&site->answers[c]));
    fputs("# HELP amble_http_errors_total Requests that were refused or failed, by HTTP status.\n"
          "# TYPE amble_http_errors_total counter\n",
          out);
    for (int s = 400; s < SRV_STATUSES; s++)
        if (atomic_load(&site->status[s]) > 0 || s == 400 || s == 500 || s == 503)
            fprintf(out, "amble_http_errors_total{status=\"%d\"} %lld\n", s,
                    (long long)atomic_load(&site->status[s]));
}

static void put_number(FILE *out, const char *name, const char *type, const char *help, long long value)
{
    fprintf(out, "# HELP %s %s\n# TYPE %s %s\n%s %lld\n", name, help, name, type, name, value);
}

static void put_plain_histogram(FILE *out, const char *name, const char *help,
                                const atomic_llong bucket[SRV_BUCKETS], long long ns)
{
    long long below = 0;
    fprintf(out, "# HELP %s %s\n# TYPE %s histogram\n", name, help, name);
    for (int k = 0; k < SRV_BUCKETS; k++) {
        below += atomic_load(&bucket[k]);
        if (k + 1 < SRV_BUCKETS)
            fprintf(out, "%s_bucket{le=\"%.6f\"} %lld\n", name, 1e-6 * (double)(1 << k), below);
        else
            fprintf(out, "%s_bucket{le=\"+Inf\"} %lld\n", name, below);
    }
    fprintf(out, "%s_sum %.9f\n%s_count %lld\n", name, 1e-9 * (double)ns, name, below);
}

/* Of live characters. */
static void put_live(FILE *out, srv_site *site)
{
    static const char *const event[] = {NULL,      "fell",        "stood_up",  "lifted",
                                        "reached", "skill_ended", "restarted", "rising"};
    srv_live_stats *s = srv_live_get_stats(site->live);
    put_number(out, "amble_characters", "gauge", "Live characters.", srv_live_characters(site->live));
    put_number(out, "amble_clients", "gauge", "WebSocket connections.", site->clients);
    put_number(out, "amble_characters_created_total", "counter", "Live characters made.",
               atomic_load(&s->created));
    put_number(out, "amble_steps_total", "counter", "Steps of live characters.", atomic_load(&s->steps));
    put_number(out, "amble_missed_deadlines_total", "counter", "Steps that ended after the next one was due.",
               atomic_load(&s->missed));
    put_number(out, "amble_skipped_steps_total", "counter",
               "Steps left out by characters that were too late.", atomic_load(&s->skipped));
    put_number(out, "amble_frames_total", "counter", "Frames sent to clients.", atomic_load(&s->frames));
    put_plain_histogram(out, "amble_step_seconds", "Time of a character's step, its part of a batch.",
                        s->step_bucket, atomic_load(&s->step_ns));
    put_plain_histogram(out, "amble_frame_late_seconds", "Time from when a frame was due until it was sent.",
                        s->late_bucket, atomic_load(&s->late_ns));
    fputs("# HELP amble_events_total Events of characters; falls are \"fell\".\n# TYPE amble_events_total "
          "counter\n",
          out);
    for (int e = 1; e < (int)(sizeof event / sizeof *event); e++)
        fprintf(out, "amble_events_total{event=\"%s\"} %lld\n", event[e],
                (long long)atomic_load(&s->events[e]));
}

srv_answer srv_metrics(srv_site *site)
{
    static const struct {
        int what;
        const char *name, *type, *help;
    } metrics[] = {
        {REQUESTS, "amble_requests_total", "counter", "Requests for inference that were answered."},
        {FAILURES, "amble_failures_total", "counter",
         "Requests for inference that failed while they were run."},
        {ROWS, "amble_rows_total", "counter", "Rows that went through the networks."},
        {BATCHES, "amble_batches_total", "counter", "Batches that requests were run in."},
        {FINE, "amble_fp32_batches_total", "counter", "Batches that ran in fp32 because of unusual rows."},
        {QUEUE, "amble_queue_seconds", "histogram", "Time that a request waited before it was run."},
        {COMPUTE, "amble_compute_seconds", "histogram", "Time that the batch of a request took to run."},
    };
    char *body = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&body, &size);
    if (!out)
        return srv_error(500, "out of memory");
    for (size_t i = 0; i < sizeof metrics / sizeof *metrics; i++) {
        fprintf(out, "# HELP %s %s\n# TYPE %s %s\n", metrics[i].name, metrics[i].help, metrics[i].name,
                metrics[i].type);
        metric m = {out, metrics[i].what};
        srv_store_visit(site->store, put_metric, &m);
    }
    put_answers(out, site);
    if (site->live)
        put_live(out, site);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    fprintf(
        out,
        "# HELP amble_waiting_requests Requests that wait to be run.\n# TYPE amble_waiting_requests gauge\n"
        "amble_waiting_requests %d\n"
        "# HELP process_resident_memory_bytes Resident memory.\n"
        "# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes %.0f\n"
        "# HELP process_cpu_seconds_total CPU time, user and system.\n"
        "# TYPE process_cpu_seconds_total counter\nprocess_cpu_seconds_total %.6f\n",
        srv_waiting(site->workers), resident_bytes(),
        (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
            1e-6 * (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec));
    if (fclose(out) != 0) {
        free(body);
        return srv_error(500, "out of memory");
    }
    return (srv_answer){
        .status = 200, .type = "text/plain; version=0.0.4", .body = body, .size = size, .header = -1};
}
