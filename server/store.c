/* Finds, loads, replaces and counts the models of a folder. */
#include "server/store.h"

#include "nets/network.h"

#include <dirent.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096, MAX_MODELS = 1024 };

typedef struct entry {
    char name[SRV_NAME], path[PATH];
    int version;
    srv_model *model; /* NULL: not loaded */
    srv_stats *stats;
    char why[512]; /* why it is not loaded, or why its changed file could not be read */
    bool unloaded; /* by request: a refresh does not load it */
    bool seen;
} entry;

struct srv_store {
    char folder[PATH];
    pthread_mutex_t mutex;  /* protects the table */
    pthread_mutex_t reload; /* held while a thread loads */
    entry entry[MAX_MODELS];
    int entries;
};

void srv_count_time(atomic_llong bucket[SRV_BUCKETS], int64_t ns)
{
    int k = 0;
    while (k + 1 < SRV_BUCKETS && ns > (INT64_C(1000) << k))
        k++;
    atomic_fetch_add_explicit(&bucket[k], 1, memory_order_relaxed);
}

/* ---- one model ---- */

static void destroy(srv_model *m)
{
    ami_graph_destroy(m->graph);
    ami_graph_destroy(m->graph_fine);
    ami_model_destroy(m->model);
    ami_model_destroy(m->fine);
    ami_net_destroy(m->net);
    free(m->mean);
    free(m->scale);
    free(m);
}

void srv_release(srv_model *model)
{
    if (model && atomic_fetch_sub(&model->users, 1) == 1)
        destroy(model);
}

static bool keep_normaliser(srv_model *m, ami_error *err)
{
    const ami_net *net = m->net;
    if (!net->in_mean)
        return true;
    const size_t n = (size_t)net->dim[0];
    m->mean = malloc(n * sizeof(float));
    m->scale = malloc(n * sizeof(float));
    if (!m->mean || !m->scale)
        return ami_fail(err, "out of memory");
    memcpy(m->mean, net->in_mean, n * sizeof(float));
    for (size_t i = 0; i < n; i++)
        m->scale[i] = 1 / net->in_std[i];
    return true;
}

static void name_tensors(srv_model *m)
{
    const ami_net *net = m->net;
    snprintf(m->input, sizeof m->input, "%s", net->in_name ? net->in_name : "input");
    for (int h = 0; h < net->heads; h++)
        if (net->head[h].name && *net->head[h].name)
            snprintf(m->output[h], sizeof m->output[h], "%s", net->head[h].name);
        else if (net->heads == 1)
            snprintf(m->output[h], sizeof m->output[h], "output");
        else
            snprintf(m->output[h], sizeof m->output[h], "output%d", h + 1);
}

static srv_model *load(const entry *e, const struct stat *about, ami_error *err)
{
    srv_model *m = calloc(1, sizeof *m);
    ami_model_def fp32 = ami_model_default_def();
    fp32.precision = AMI_PRECISION_FP32;
    if (!m) {
        ami_fail(err, "%s: out of memory", e->path);
        return NULL;
    }
    snprintf(m->name, sizeof m->name, "%s", e->name);
    m->version = e->version;
    m->stats = e->stats;
    m->file_time = (int64_t)about->st_mtim.tv_sec * 1000000000 + about->st_mtim.tv_nsec;
    m->file_size = about->st_size;
    atomic_init(&m->users, 1);
    ami_network network;
    const bool read = ami_network_read(e->path, NULL, &network, err);
    m->net = network.net;
    m->graph = network.graph;
    if (read && m->graph && (m->graph_fine = ami_graph_load(e->path, &fp32, err)))
        return m;
    if (m->net && (m->model = ami_model_create(m->net, NULL, err)) &&
        (m->fine = ami_model_create(m->net, &fp32, err)) && keep_normaliser(m, err)) {
        ami_net_drop_weights(m->net);
        name_tensors(m);
        return m;
    }
    destroy(m);
    return NULL;
}

/* ---- the table ---- */

static void keep_sentence(entry *e, const ami_error *err)
{
    snprintf(e->why, sizeof e->why, "%.511s", err->text);
}

/* Loads an entry's file if it is new or has changed; returns whether it did. The table's lock is not held
 * while the file is read. */
static bool refresh_entry(srv_store *store, entry *e, bool always, void (*warn)(const char *))
{
    struct stat about;
    ami_error err = {""};
    if (stat(e->path, &about) != 0) {
        ami_fail(&err, "%s: %s", e->path, strerror(errno));
        keep_sentence(e, &err);
        return false;
    }
    const int64_t time = (int64_t)about.st_mtim.tv_sec * 1000000000 + about.st_mtim.tv_nsec;
    if (!always && e->model && e->model->file_time == time && e->model->file_size == about.st_size)
        return false;
    if (!always && e->unloaded)
        return false;
    srv_model *fresh = load(e, &about, &err);
    pthread_mutex_lock(&store->mutex);
    srv_model *old = NULL;
    if (fresh) {
        old = e->model;
        e->model = fresh;
        e->why[0] = 0;
        e->unloaded = false;
    } else {
        keep_sentence(e, &err);
    }
    pthread_mutex_unlock(&store->mutex);
    srv_release(old);
    if (!fresh && warn)
        warn(err.text);
    return fresh != NULL;
}

/* Adds an entry for a file, or marks the existing one as seen. */
static void add(srv_store *store, const char *name, int version, const char *path)
{
    if (strlen(name) >= SRV_NAME || strlen(path) >= PATH)
        return;
    pthread_mutex_lock(&store->mutex);
    entry *e = NULL;
    for (int i = 0; i < store->entries && !e; i++)
        if (!strcmp(store->entry[i].name, name) && store->entry[i].version == version)
            e = &store->entry[i];
    if (!e && store->entries < MAX_MODELS) {
        srv_stats *stats = calloc(1, sizeof *stats);
        if (stats) {
            e = &store->entry[store->entries++];
            *e = (entry){.version = version, .stats = stats};
            snprintf(e->name, sizeof e->name, "%s", name);
            snprintf(e->path, sizeof e->path, "%s", path);
        }
    }
    if (e)
        e->seen = true;
    pthread_mutex_unlock(&store->mutex);
}

static void add_versions(srv_store *store, const char *name)
{
    char folder[PATH + 260], path[PATH + 560];
    snprintf(folder, sizeof folder, "%s/%s", store->folder, name);
    DIR *dir = opendir(folder);
    if (!dir)
        return;
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        char *end;
        const long version = strtol(d->d_name, &end, 10);
        if (d->d_name[0] < '1' || d->d_name[0] > '9' || *end || version > 1000000)
            continue;
        struct stat about;
        snprintf(path, sizeof path, "%s/%s/model.onnx", folder, d->d_name);
        if (stat(path, &about) == 0 && S_ISREG(about.st_mode))
            add(store, name, (int)version, path);
    }
    closedir(dir);
}

static bool scan(srv_store *store, ami_error *err)
{
    char path[PATH + 260];
    DIR *dir = opendir(store->folder);
    if (!dir)
        return ami_fail(err, "the models' folder %s: %s", store->folder, strerror(errno));
    pthread_mutex_lock(&store->mutex);
    for (int i = 0; i < store->entries; i++)
        store->entry[i].seen = false;
    pthread_mutex_unlock(&store->mutex);
    for (struct dirent *d; (d = readdir(dir)) != NULL;) {
        struct stat about;
        char name[256];
        snprintf(path, sizeof path, "%s/%s", store->folder, d->d_name);
        if (d->d_name[0] == '.' || stat(path, &about) != 0)
            continue;
        const size_t n = strlen(d->d_name);
        if (S_ISDIR(about.st_mode)) {
            add_versions(store, d->d_name);
        } else if (S_ISREG(about.st_mode) && n > 5 && n - 5 < sizeof name &&
                   !strcmp(d->d_name + n - 5, ".onnx")) {
            snprintf(name, sizeof name, "%.*s", (int)(n - 5), d->d_name);
            add(store, name, 1, path);
        }
    }
    closedir(dir);
    return true;
}

/* Unloads models whose files were removed. */
static void drop_unseen(srv_store *store)
{
    for (int i = 0; i < store->entries; i++) {
        entry *e = &store->entry[i];
        if (e->seen || !e->model)
            continue;
        pthread_mutex_lock(&store->mutex);
        srv_model *old = e->model;
        e->model = NULL;
        snprintf(e->why, sizeof e->why, "the file was removed");
        pthread_mutex_unlock(&store->mutex);
        srv_release(old);
    }
}

int srv_store_refresh(srv_store *store, void (*warn)(const char *sentence))
{
    ami_error err = {""};
    int loaded = 0;
    pthread_mutex_lock(&store->reload);
    if (scan(store, &err)) {
        for (int i = 0; i < store->entries; i++)
            if (store->entry[i].seen)
                loaded += refresh_entry(store, &store->entry[i], false, warn);
        drop_unseen(store);
    } else if (warn) {
        warn(err.text);
    }
    pthread_mutex_unlock(&store->reload);
    return loaded;
}

srv_store *srv_store_open(const char *folder, void (*warn)(const char *sentence), ami_error *err)
{
    srv_store *store = calloc(1, sizeof *store);
    if (!store) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    if (strlen(folder) >= PATH) {
        ami_fail(err, "the path of the models' folder is longer than %d bytes", PATH - 1);
        free(store);
        return NULL;
    }
    snprintf(store->folder, sizeof store->folder, "%s", folder);
    pthread_mutex_init(&store->mutex, NULL);
    pthread_mutex_init(&store->reload, NULL);
    if (!scan(store, err)) {
        srv_store_close(store);
        return NULL;
    }
    srv_store_refresh(store, warn);
    return store;
}

void srv_store_close(srv_store *store)
{
    if (!store)
        return;
    for (int i = 0; i < store->entries; i++) {
        srv_release(store->entry[i].model);
        free(store->entry[i].stats);
    }
    pthread_mutex_destroy(&store->mutex);
    pthread_mutex_destroy(&store->reload);
    free(store);
}

srv_model *srv_acquire(srv_store *store, const char *name, int version)
{
    pthread_mutex_lock(&store->mutex);
    entry *e = NULL;
    for (int i = 0; i < store->entries; i++) {
        entry *other = &store->entry[i];
        if (!strcmp(other->name, name) && other->model &&
            (version == 0 ? !e || other->version > e->version : other->version == version))
            e = other;
    }
    srv_model *m = e ? e->model : NULL;
    if (m)
        atomic_fetch_add(&m->users, 1);
    pthread_mutex_unlock(&store->mutex);
    return m;
}

bool srv_store_load(srv_store *store, const char *name, ami_error *err)
{
    pthread_mutex_lock(&store->reload);
    bool ok = scan(store, err), found = false;
    for (int i = 0; ok && i < store->entries; i++) {
        entry *e = &store->entry[i];
        if (strcmp(e->name, name) != 0 || !e->seen)
            continue;
        found = true;
        if (!refresh_entry(store, e, true, NULL))
            ok = ami_fail(err, "%s", e->why);
    }
    pthread_mutex_unlock(&store->reload);
    return found ? ok : ami_fail(err, "there is no model \"%.100s\" in %s", name, store->folder);
}

bool srv_store_unload(srv_store *store, const char *name, ami_error *err)
{
    bool found = false;
    pthread_mutex_lock(&store->reload);
    for (int i = 0; i < store->entries; i++) {
        entry *e = &store->entry[i];
        if (strcmp(e->name, name) != 0)
            continue;
        found = true;
        pthread_mutex_lock(&store->mutex);
        srv_model *old = e->model;
        e->model = NULL;
        e->unloaded = true;
        snprintf(e->why, sizeof e->why, "unloaded by request");
        pthread_mutex_unlock(&store->mutex);
        srv_release(old);
    }
    pthread_mutex_unlock(&store->reload);
    return found || ami_fail(err, "there is no model \"%.100s\"", name);
}

static int by_name(const void *a, const void *b)
{
    const entry *const *x = a, *const *y = b;
    const int order = strcmp((*x)->name, (*y)->name);
    return order ? order : (*x)->version - (*y)->version;
}

void srv_store_visit(srv_store *store,
                     void (*visit)(void *context, const char *name, int version, const srv_model *model,
                                   const srv_stats *stats, const char *why),
                     void *context)
{
    entry **order = malloc(sizeof *order * MAX_MODELS);
    if (!order)
        return;
    pthread_mutex_lock(&store->mutex);
    int n = 0;
    for (int i = 0; i < store->entries; i++)
        if (store->entry[i].seen || store->entry[i].model)
            order[n++] = &store->entry[i];
    qsort(order, (size_t)n, sizeof *order, by_name);
    for (int i = 0; i < n; i++)
        visit(context, order[i]->name, order[i]->version, order[i]->model, order[i]->stats, order[i]->why);
    pthread_mutex_unlock(&store->mutex);
    free(order);
}
