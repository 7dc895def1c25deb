/* Answers about metadata, repository, metrics and status. */
#include "server/routes.h"

#include "server/channel.h"
#include "server/infer_graph.h"
#include "server/metrics.h"
#include "server/pages.h"

#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char json_content[] = "application/json";

srv_answer srv_error(int status, const char *format, ...)
{
    ami_error err = {""};
    char text[sizeof err.text];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    ami_fail(&err, "%s", text); /* escapes what is not UTF-8 */
    json_t *o = json_pack("{ss}", "error", err.text);
    char *body = o ? json_dumps(o, JSON_COMPACT) : NULL;
    json_decref(o);
    return (srv_answer){.status = status,
                        .type = json_content,
                        .body = body,
                        .size = body ? strlen(body) : 0,
                        .header = -1,
                        .retry = status == 503};
}

static srv_answer answer_json(json_t *o)
{
    char *body = o ? json_dumps(o, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    json_decref(o);
    if (!body)
        return srv_error(500, "out of memory");
    return (srv_answer){
        .status = 200, .type = json_content, .body = body, .size = strlen(body), .header = -1};
}

static srv_answer empty(int status)
{
    return (srv_answer){.status = status, .type = json_content, .header = -1};
}

/* ---- paths ---- */

/* Copies the next part of a path, between slashes, into part[size] and moves *path past it. False at the end,
 * and where it is empty or too long. */
static bool next_part(const char **path, char *part, size_t size)
{
    if (**path != '/')
        return false;
    const char *from = *path + 1;
    const size_t n = strcspn(from, "/");
    if (n == 0 || n >= size)
        return false;
    memcpy(part, from, n);
    part[n] = 0;
    *path = from + n;
    return true;
}

/* Reads "/NAME[/versions/V]"; *path moves past it. */
static bool read_model(const char **path, char name[SRV_NAME], int *version)
{
    char word[SRV_NAME];
    *version = 0;
    if (!next_part(path, name, SRV_NAME))
        return false;
    const char *at = *path;
    if (!next_part(&at, word, sizeof word) || strcmp(word, "versions") != 0)
        return true;
    if (!next_part(&at, word, sizeof word) || word[strspn(word, "0123456789")] || strlen(word) > 7)
        return false;
    const long v = strtol(word, NULL, 10);
    if (v < 1 || v > 1000000)
        return false;
    *version = (int)v;
    *path = at;
    return true;
}

static bool begins(const char **path, const char *prefix)
{
    const size_t n = strlen(prefix);
    if (strncmp(*path, prefix, n) != 0 || ((*path)[n] != '/' && (*path)[n]))
        return false;
    *path += n;
    return true;
}

bool srv_is_infer(const char *path, char name[SRV_NAME], int *version)
{
    return begins(&path, "/v2/models") && read_model(&path, name, version) && !strcmp(path, "/infer");
}

const char *srv_allowed(const char *path)
{
    static const char get[] = "GET, HEAD", post[] = "POST";
    static const char *const plain[] = {"/v2",        "/v2/",        "/v2/health/live", "/v2/health/ready",
                                        "/v2/models", "/v2/models/", "/metrics",        "/v1/status",
                                        "/v1/motion", "/v1/skills",  "/v1/characters"};
    static const char *const of_model[] = {"", "/ready", "/config", "/stats"};
    char name[SRV_NAME];
    int version;
    const char *rest = path;
    if (begins(&rest, "/v2/repository") || srv_is_infer(path, name, &version))
        return post;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(path, plain[i]))
            return get;
    if (begins(&rest, "/v2/models") && read_model(&rest, name, &version))
        for (size_t i = 0; i < sizeof of_model / sizeof *of_model; i++)
            if (!strcmp(rest, of_model[i]))
                return get;
    return srv_is_page(path) ? get : NULL;
}

/* ---- metadata of models ---- */

static json_t *shape_json(const ami_net_shape *shape)
{
    json_t *list = json_pack("[i]", -1);
    for (int i = 0; i < shape->rank; i++)
        json_array_append_new(list, json_integer(shape->dim[i]));
    return list;
}

static json_t *tensor_json(const char *name, const ami_net_shape *shape)
{
    return json_pack("{ss ss so}", "name", name, "datatype", "FP32", "shape", shape_json(shape));
}

/* versions: a list of text, taken over. */
static json_t *metadata_json(const srv_model *m, json_t *versions)
{
    if (m->graph)
        return json_pack("{ss so ss so so}", "name", m->name, "versions", versions, "platform",
                         "onnxruntime_onnx", "inputs", srv_graph_metadata(m->graph, true), "outputs",
                         srv_graph_metadata(m->graph, false));
    json_t *outputs = json_array();
    for (int h = 0; h < m->net->heads; h++)
        json_array_append_new(outputs, tensor_json(m->output[h], &m->net->head[h].shape));
    return json_pack("{ss so ss s[o] so}", "name", m->name, "versions", versions, "platform",
                     "onnxruntime_onnx", "inputs", tensor_json(m->input, &m->net->in_shape), "outputs",
                     outputs);
}

static json_t *config_tensor(const char *name, const ami_net_shape *shape)
{
    json_t *dims = json_array();
    for (int i = 0; i < shape->rank; i++)
        json_array_append_new(dims, json_integer(shape->dim[i]));
    return json_pack("{ss ss so}", "name", name, "data_type", "TYPE_FP32", "dims", dims);
}

static json_t *config_json(const srv_model *m)
{
    char text[256];
    if (m->graph) {
        ami_graph_describe(m->graph, text, sizeof text);
        return json_pack("{ss ss ss si so so s{s{ss}}}", "name", m->name, "platform", "onnxruntime_onnx",
                         "backend", "amble", "max_batch_size", 0, "input", srv_graph_config(m->graph, true),
                         "output", srv_graph_config(m->graph, false), "parameters", "precision",
                         "string_value", text);
    }
    json_t *outputs = json_array();
    for (int h = 0; h < m->net->heads; h++)
        json_array_append_new(outputs, config_tensor(m->output[h], &m->net->head[h].shape));
    ami_model_describe(m->model, text, sizeof text);
    return json_pack("{ss ss ss si s[o] so s{s{ss}}}", "name", m->name, "platform", "onnxruntime_onnx",
                     "backend", "amble", "max_batch_size", SRV_MAX_ROWS, "input",
                     config_tensor(m->input, &m->net->in_shape), "output", outputs, "parameters", "precision",
                     "string_value", text);
}

static json_t *duration_json(long long count, long long ns)
{
    return json_pack("{sI sI}", "count", (json_int_t)count, "ns", (json_int_t)ns);
}

static json_t *stats_json(const char *name, int version, const srv_stats *s)
{
    char text[16];
    snprintf(text, sizeof text, "%d", version);
    const long long n = atomic_load(&s->requests), failed = atomic_load(&s->failures);
    return json_pack("{ss ss sI sI s{so so so so}}", "name", name, "version", text, "inference_count",
                     (json_int_t)atomic_load(&s->rows), "execution_count",
                     (json_int_t)atomic_load(&s->batches), "inference_stats", "success",
                     duration_json(n, atomic_load(&s->queue_ns) + atomic_load(&s->compute_ns)), "fail",
                     duration_json(failed, 0), "queue", duration_json(n, atomic_load(&s->queue_ns)),
                     "compute_infer", duration_json(n, atomic_load(&s->compute_ns)));
}

typedef struct listing {
    json_t *list, *versions; /* versions: {NAME: [VERSION…]}, may be NULL */
    const char *name;        /* only this model; NULL: all */
    int version;
    bool ready_only;
} listing;

static void list_stats(void *context, const char *name, int version, const srv_model *model,
                       const srv_stats *stats, const char *why)
{
    listing *l = context;
    (void)why;
    if (model && (!l->name || !strcmp(name, l->name)) && (!l->version || version == l->version))
        json_array_append_new(l->list, stats_json(name, version, stats));
}

static void list_index(void *context, const char *name, int version, const srv_model *model,
                       const srv_stats *stats, const char *why)
{
    listing *l = context;
    char text[16];
    (void)stats;
    if (l->ready_only && !model)
        return;
    snprintf(text, sizeof text, "%d", version);
    json_array_append_new(l->list, json_pack("{ss ss ss ss}", "name", name, "version", text, "state",
                                             model ? "READY" : "UNAVAILABLE", "reason", why));
}

static void list_names(void *context, const char *name, int version, const srv_model *model,
                       const srv_stats *stats, const char *why)
{
    listing *l = context;
    (void)stats, (void)why;
    if (!model)
        return;
    json_t *versions = json_object_get(l->versions, name);
    char text[16];
    snprintf(text, sizeof text, "%d", version);
    if (!versions) {
        json_array_append_new(l->list, json_string(name));
        json_object_set_new(l->versions, name, versions = json_array());
    }
    json_array_append_new(versions, json_string(text));
}

/* The versions of a model that are loaded, in rising order. */
static void list_versions(void *context, const char *name, int version, const srv_model *model,
                          const srv_stats *stats, const char *why)
{
    listing *l = context;
    char text[16];
    (void)stats, (void)why;
    snprintf(text, sizeof text, "%d", version);
    if (model && !strcmp(name, l->name))
        json_array_append_new(l->list, json_string(text));
}

static json_t *versions_json(srv_store *store, const char *name)
{
    listing l = {json_array(), NULL, name, 0, false};
    srv_store_visit(store, list_versions, &l);
    return l.list;
}

static srv_answer answer_names(const srv_site *site)
{
    listing l = {json_array(), json_object(), NULL, 0, false};
    srv_store_visit(site->store, list_names, &l);
    for (int i = 0; site->ensembles && srv_ensemble_name(i); i++) {
        if (json_object_get(l.versions, srv_ensemble_name(i)))
            continue;
        json_array_append_new(l.list, json_string(srv_ensemble_name(i)));
        json_object_set_new(l.versions, srv_ensemble_name(i), json_pack("[s]", "1"));
    }
    return answer_json(json_pack("{so so}", "models", l.list, "versions", l.versions));
}

static srv_answer answer_ensemble(const char *name, const char *path)
{
    if (!*path)
        return answer_json(srv_ensemble_metadata(name));
    if (!strcmp(path, "/ready"))
        return empty(200);
    if (!strcmp(path, "/config"))
        return answer_json(srv_ensemble_config(name));
    return srv_error(
        404, "an ensemble has no \"%.60s\", expected the model itself, /ready, /config or /infer", path);
}

static srv_answer answer_model(srv_site *site, const char *path)
{
    char name[SRV_NAME];
    int version;
    if (!read_model(&path, name, &version))
        return srv_error(404, "expected /v2/models/NAME[/versions/VERSION], VERSION a whole number from 1");
    srv_model *m = srv_acquire(site->store, name, version);
    if (!m && site->ensembles && version <= 1 && srv_is_ensemble(name))
        return answer_ensemble(name, path);
    if (!m && version)
        return srv_error(404, "there is no model \"%s\" of version %d", name, version);
    if (!m)
        return srv_error(404, "there is no model \"%s\"", name);
    srv_answer answer;
    if (!*path) {
        answer = answer_json(metadata_json(m, versions_json(site->store, name)));
    } else if (!strcmp(path, "/ready")) {
        answer = empty(200);
    } else if (!strcmp(path, "/config")) {
        answer = answer_json(config_json(m));
    } else if (!strcmp(path, "/stats")) {
        listing l = {json_array(), NULL, name, version, false};
        srv_store_visit(site->store, list_stats, &l);
        answer = answer_json(json_pack("{so}", "model_stats", l.list));
    } else {
        answer = srv_error(
            404, "a model has no \"%.60s\", expected the model itself, /ready, /config, /stats or /infer",
            path);
    }
    srv_release(m);
    return answer;
}

static srv_answer answer_repository(srv_site *site, const char *path, const srv_request *request)
{
    char name[SRV_NAME], word[SRV_NAME];
    ami_error err = {""};
    if (!strcmp(path, "/index")) {
        json_t *body = request->body_size ? json_loadb(request->body, request->body_size, 0, NULL) : NULL;
        const json_t *ready = json_object_get(body, "ready");
        if (request->body_size && (!json_is_object(body) || (ready && !json_is_boolean(ready)))) {
            json_decref(body);
            return srv_error(400, "the body is not a JSON object in which \"ready\" is true or false");
        }
        listing l = {json_array(), NULL, NULL, 0, json_is_true(ready)};
        json_decref(body);
        srv_store_visit(site->store, list_index, &l);
        return answer_json(l.list);
    }
    if (!begins(&path, "/models") || !next_part(&path, name, sizeof name) ||
        !next_part(&path, word, sizeof word) || *path)
        return srv_error(404, "expected /v2/repository/index or /v2/repository/models/NAME/load or /unload");
    if (!strcmp(word, "load"))
        return srv_store_load(site->store, name, &err) ? empty(200) : srv_error(400, "%s", err.text);
    if (!strcmp(word, "unload"))
        return srv_store_unload(site->store, name, &err) ? empty(200) : srv_error(400, "%s", err.text);
    return srv_error(404, "expected load or unload, found \"%s\"", word);
}

static srv_answer answer_status(srv_site *site)
{
    listing l = {json_array(), NULL, NULL, 0, false};
    srv_store_visit(site->store, list_stats, &l);
    const srv_live_stats *live = site->live ? srv_live_get_stats(site->live) : NULL;
    json_t *characters = json_null();
    if (live)
        characters = json_pack("{si si sI sI sI}", "now", srv_live_characters(site->live), "clients",
                               site->clients, "steps", (json_int_t)atomic_load(&live->steps),
                               "missed_deadlines", (json_int_t)atomic_load(&live->missed), "frames",
                               (json_int_t)atomic_load(&live->frames));
    return answer_json(json_pack("{ss ss sb sf si so so}", "name", "amble-serve", "version", AMB_VERSION,
                                 "ready", site->ready, "up_s", 1e-9 * (double)(srv_now() - site->started),
                                 "waiting", srv_waiting(site->workers), "characters", characters, "models",
                                 l.list));
}

/* The value of a query's argument; false where it is not given or does not fit. */
static bool argument(const char *query, const char *key, char *value, size_t size)
{
    const size_t n = strlen(key);
    for (const char *p = query; *p; p += strcspn(p, "&"), p += *p == '&') {
        const size_t length = strcspn(p, "&");
        if (length <= n || strncmp(p, key, n) != 0 || p[n] != '=' || length - n - 1 >= size)
            continue;
        memcpy(value, p + n + 1, length - n - 1);
        value[length - n - 1] = 0;
        return true;
    }
    return false;
}

static srv_answer answer_skills(srv_site *site, const char *query)
{
    char name[128] = "default";
    if (!site->live)
        return srv_error(503, "there are no live characters: %s", site->live_failure);
    argument(query, "set", name, sizeof name);
    const int set = srv_live_find_set(site->live, name);
    if (set < 0)
        return srv_error(404, "there is no set of models \"%s\"", name);
    char *body = srv_skills_json(site->live, set);
    if (!body)
        return srv_error(500, "out of memory");
    return (srv_answer){
        .status = 200, .type = json_content, .body = body, .size = strlen(body), .header = -1};
}

static srv_answer answer_motion(srv_site *site, const char *query)
{
    static const struct {
        const char *format, *type, *attachment;
    } formats[] = {{"txt", "application/json", "attachment; filename=\"style.txt\""},
                   {"bvh", "text/plain", "attachment; filename=\"style.bvh\""},
                   {"glb", "model/gltf-binary", "attachment; filename=\"style.glb\""},
                   {"npz", "application/octet-stream", "attachment; filename=\"style.npz\""}};
    char style[512], format[16] = "txt", set[128] = "default";
    ami_error err = {""};
    size_t k = 0;
    bool missing;
    if (!site->ensembles)
        return srv_error(503, "there are no styles: the networks were not found");
    if (!argument(query, "style", style, sizeof style))
        return srv_error(400, "expected /v1/motion?style=NAME, or a mixture such as walk:0.7,zombie:0.3");
    argument(query, "format", format, sizeof format);
    argument(query, "set", set, sizeof set);
    while (k < sizeof formats / sizeof *formats && strcmp(formats[k].format, format) != 0)
        k++;
    if (k == sizeof formats / sizeof *formats)
        return srv_error(400, "the format is \"%s\", expected txt, bvh, glb or npz", format);
    srv_answer a = {
        .status = 200, .type = formats[k].type, .header = -1, .attachment = formats[k].attachment};
    a.body = srv_motion_file(site->ensembles, set, style, format, &a.size, &missing, &err);
    return a.body ? a : srv_error(missing ? 404 : 400, "%s", err.text);
}

static const srv_page *find_page(const char *path)
{
    for (const srv_page *p = srv_pages; p->path; p++)
        if (!strcmp(p->path, path))
            return p;
    return NULL;
}

bool srv_is_page(const char *path)
{
    return find_page(path);
}

static srv_answer answer_page(const srv_page *page)
{
    char *body = malloc(page->size);
    if (!body)
        return srv_error(500, "out of memory");
    memcpy(body, page->data, page->size);
    return (srv_answer){
        .status = 200, .type = page->type, .body = body, .size = page->size, .header = -1, .page = true};
}

srv_answer srv_route(srv_site *site, const srv_request *request)
{
    const char *path = request->path;
    if (begins(&path, "/v2/repository"))
        return request->post ? answer_repository(site, path, request)
                             : srv_error(405, "the repository expects POST");
    if (request->post)
        return srv_error(404, "there is no %.200s for POST", request->path);
    if (!strcmp(path, "/v2") || !strcmp(path, "/v2/"))
        return answer_json(json_pack("{ss ss s[sss]}", "name", "amble-serve", "version", AMB_VERSION,
                                     "extensions", "binary_tensor_data", "model_repository", "statistics"));
    if (!strcmp(path, "/v2/health/live"))
        return empty(200);
    if (!strcmp(path, "/v2/health/ready"))
        return empty(site->ready ? 200 : 400);
    if (!strcmp(path, "/v2/models") || !strcmp(path, "/v2/models/"))
        return answer_names(site);
    if (!strcmp(path, "/v2/models/stats")) {
        listing l = {json_array(), NULL, NULL, 0, false};
        srv_store_visit(site->store, list_stats, &l);
        return answer_json(json_pack("{so}", "model_stats", l.list));
    }
    if (begins(&path, "/v2/models"))
        return answer_model(site, path);
    if (!strcmp(path, "/metrics"))
        return srv_metrics(site);
    if (!strcmp(path, "/v1/status"))
        return answer_status(site);
    if (!strcmp(path, "/v1/motion"))
        return answer_motion(site, request->query);
    if (srv_is_page(path))
        return answer_page(find_page(path));
    if (!strcmp(path, "/v1/skills"))
        return answer_skills(site, request->query);
    if (!strcmp(path, "/v1/characters"))
        return srv_error(426, "/v1/characters is a WebSocket, of the subprotocol " SRV_SUBPROTOCOL);
    return srv_error(404,
                     "there is no %.200s; the Open Inference Protocol is under /v2, metrics under /metrics",
                     request->path);
}
