/* Reads orders for timing networks from standard input and answers in JSON. */
#include "bench/serve.h"

#include "base/clock.h"
#include "base/file.h"
#include "bench/networks.h"
#include "bench/timing.h"
#include "nets/onnx/onnx.h"
#include "options/options.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_MODELS = 64, MAX_WORDS = 6 };

typedef struct served {
    char name[64];
    ami_model *model;
    float *pool; /* (inputs, rows, the model's inputs) */
    int inputs, rows;
} served;

typedef struct server {
    served model[MAX_MODELS];
    int models;
} server;

static served *find(server *s, const char *name, ami_error *err)
{
    for (int i = 0; i < s->models; i++)
        if (!strcmp(s->model[i].name, name))
            return &s->model[i];
    ami_fail(err, "no network \"%.60s\" was loaded", name);
    return NULL;
}

static json_t *load(server *s, char **word, ami_error *err)
{
    ami_model_def def = ami_model_default_def();
    if (!ami_precision_by_name(word[3], &def.precision)) {
        ami_fail(err, "there is no precision \"%.60s\"", word[3]);
        return NULL;
    }
    if (s->models == MAX_MODELS) {
        ami_fail(err, "more than %d networks", MAX_MODELS);
        return NULL;
    }
    const double begun = ami_clock_now();
    ami_model *model = ami_model_load(word[2], &def, err);
    const double taken = ami_clock_now() - begun;
    if (!model)
        return NULL;
    served *to = &s->model[s->models++];
    *to = (served){.model = model};
    snprintf(to->name, sizeof to->name, "%s", word[1]);
    char text[256];
    ami_model_describe(model, text, sizeof text);
    return json_pack("{si si ss ss ss sI sf ss}", "inputs", ami_model_inputs(model), "outputs",
                     ami_model_outputs(model), "kernel", ami_model_kernel_name(model), "precision",
                     ami_precision_name(ami_model_precision(model)), "precisions",
                     ami_model_precisions(model), "weight_bytes", (json_int_t)ami_model_bytes(model), "ms",
                     1e3 * taken, "choice", text);
}

static json_t *take_inputs(server *s, char **word, ami_error *err)
{
    served *m = find(s, word[1], err);
    int64_t rows = 0, count = 0;
    if (!m || !cli_parse_int(word[3], 1, 65536, "ROWS", &rows, err) ||
        !cli_parse_int(word[4], 1, 65536, "COUNT", &count, err))
        return NULL;
    const size_t expected = (size_t)(rows * count) * (size_t)ami_model_inputs(m->model) * sizeof(float);
    size_t size = 0;
    uint8_t *data = ami_file_read(word[2], expected, &size, err);
    if (data && size != expected) {
        ami_fail(err, "%.200s: %zu bytes, expected %zu", word[2], size, expected);
        free(data);
        data = NULL;
    }
    if (!data)
        return NULL;
    free(m->pool);
    m->pool = (float *)(void *)data;
    m->rows = (int)rows;
    m->inputs = (int)count;
    return json_object();
}

/* The runner for "run" and "time"; inputs for as many rows must have been loaded. */
static bool prepare(server *s, char **word, served **m, bench_runner *runner, ami_error *err)
{
    int64_t rows = 0, threads = 0;
    *m = find(s, word[1], err);
    if (!*m || !cli_parse_int(word[2], 1, 65536, "ROWS", &rows, err) ||
        !cli_parse_int(word[3], 1, BENCH_MAX_THREADS, "THREADS", &threads, err))
        return false;
    if (!(*m)->pool || (*m)->rows != rows)
        return ami_fail(err, "no inputs of %d rows were given for \"%s\"", (int)rows, (*m)->name);
    return bench_runner_init(runner, (*m)->model, (int)rows, (int)threads, (*m)->pool, (*m)->inputs, err);
}

static json_t *run(server *s, char **word, ami_error *err)
{
    served *m;
    bench_runner runner;
    if (!prepare(s, word, &m, &runner, err))
        return NULL;
    bench_runner_call(&runner, 0);
    const bool ok = ami_file_write(
        word[4], runner.out, (size_t)m->rows * (size_t)ami_model_outputs(m->model) * sizeof(float), err);
    bench_runner_free(&runner);
    return ok ? json_object() : NULL;
}

static json_t *time_it(server *s, char **word, ami_error *err)
{
    served *m;
    bench_runner runner;
    bench_timing_def def = {.min_calls = 3};
    bench_timing timing;
    if (!cli_parse_double(word[4], .0001, 3600, "SECONDS", &def.seconds, err) ||
        !prepare(s, word, &m, &runner, err))
        return NULL;
    const bool ok = bench_time(&runner, &def, &timing, err);
    bench_runner_free(&runner);
    json_t *o = ok ? bench_summary_json(&timing.call) : NULL;
    if (o)
        json_object_set_new(o, "had_core", cli_real(timing.had_core));
    return o;
}

static json_t *memory(ami_error *err)
{
    FILE *f = fopen("/proc/self/smaps_rollup", "r");
    if (!f) {
        ami_fail(err, "/proc/self/smaps_rollup cannot be read");
        return NULL;
    }
    char line[256];
    long kb[4] = {0};
    while (fgets(line, sizeof line, f)) {
        static const char *const key[] = {"Rss:", "Pss:", "Private_Clean:", "Private_Dirty:"};
        for (int i = 0; i < 4; i++)
            if (!strncmp(line, key[i], strlen(key[i])))
                kb[i] = strtol(line + strlen(key[i]), NULL, 10);
    }
    fclose(f);
    return json_pack("{sI sI sI}", "resident", (json_int_t)kb[0], "proportional", (json_int_t)kb[1],
                     "private", (json_int_t)(kb[2] + kb[3]));
}

static json_t *obey(server *s, char **word, int words, ami_error *err)
{
    static const struct {
        const char *name;
        int words;
        json_t *(*act)(server *, char **, ami_error *);
    } orders[] = {{"load", 4, load}, {"inputs", 5, take_inputs}, {"run", 5, run}, {"time", 5, time_it}};
    if (!strcmp(word[0], "memory"))
        return memory(err);
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        if (!strcmp(word[0], orders[i].name)) {
            if (words == orders[i].words)
                return orders[i].act(s, word, err);
            ami_fail(err, "\"%s\" has %d words, expected %d", word[0], words, orders[i].words);
            return NULL;
        }
    ami_fail(err, "there is no order \"%.60s\"", word[0]);
    return NULL;
}

int bench_serve(void)
{
    server *s = calloc(1, sizeof *s);
    char *line = NULL;
    size_t capacity = 0;
    ami_error err = {""};
    bool going = s != NULL || ami_fail(&err, "out of memory");
    const bool ok = going;
    while (going && getline(&line, &capacity, stdin) > 0) {
        char *word[MAX_WORDS] = {""}, *rest = line;
        int words = 0;
        line[strcspn(line, "\r\n")] = '\0';
        while (words < MAX_WORDS && rest)
            word[words++] = strsep(&rest, "\t");
        if (!strcmp(word[0], "quit"))
            break;
        err.text[0] = '\0';
        json_t *answer = obey(s, word, words, &err);
        if (!answer)
            answer = json_pack("{ss}", "error", err.text);
        char *text = answer ? json_dumps(answer, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
        puts(text ? text : "{\"error\": \"out of memory\"}");
        going = fflush(stdout) == 0;
        free(text);
        json_decref(answer);
    }
    for (int i = 0; s && i < s->models; i++) {
        ami_model_destroy(s->model[i].model);
        free(s->model[i].pool);
    }
    free(line);
    free(s);
    return ok ? 0 : cli_fail(&err);
}
