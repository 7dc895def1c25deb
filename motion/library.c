/* The index of a folder of clips, and a cache with a bound in bytes: what nobody holds is thrown out, the longest unused first. */
#include "motion/library.h"

#include "base/assert.h"
#include "base/file.h"
#include "base/number.h"

#include <dirent.h>
#include <limits.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static const char head[] = "amble-library 1\n";
enum { INDEX_MAX = 512 << 20 };

typedef struct slot {
    ami_clip *clip; /* NULL: not in memory */
    bool reading;   /* by one of the threads */
    int held;
    int older, newer; /* of those in memory that nobody holds; -1: none */
} slot;

struct ami_library {
    int count;
    ami_library_clip *facts; /* (count) */
    double *until;           /* (count) s: sum of the durations up to and with this clip */
    slot *slot;              /* (count) */
    char *text;              /* the index: the paths */
    char folder[PATH_MAX];
    uint32_t crc;
    size_t limit;
    int oldest, newest; /* -1: none */
    ami_library_stats stats;
    pthread_mutex_t mutex;
    pthread_cond_t read;
};

/* ---- Writing the index ---- */

typedef struct listing {
    FILE *to;
    const char *folder;
    struct stat index; /* itself, where it is there already */
    bool has_index;
    int count;
} listing;

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static bool list_clip(listing *l, const char *path, const char *below, ami_error *err)
{
    char duration[AMI_NUMBER_TEXT];
    if (strpbrk(below, "\n\t"))
        return ami_fail(err, "%s: the name has a tab or a line break, which an index cannot hold", path);
    if (l->count == AMI_LIBRARY_MAX)
        return ami_fail(err, "%s: more than %d motions", l->folder, AMI_LIBRARY_MAX);
    ami_clip *clip = ami_clip_read(path, err);
    if (!clip)
        return false;
    fprintf(l->to, "%08x\t%d\t%d\t%s\t%s\n", ami_clip_crc(clip), ami_clip_frames(clip), ami_clip_loops(clip),
            ami_number_print(ami_clip_duration(clip), duration), below);
    ami_clip_destroy(clip);
    l->count++;
    return true;
}

/* `below`: the part of the folder's path below the index's, empty or with a slash behind it. */
static bool list_folder(listing *l, const char *below, ami_error *err)
{
    struct dirent **entry = NULL;
    char path[PATH_MAX], inner[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", l->folder, below);
    const int n = scandir(path, &entry, is_visible, by_name);
    bool ok = n >= 0 || ami_fail(err, "%s: cannot be read as a folder", path);
    for (int i = 0; i < n; i++) {
        const char *name = entry[i]->d_name;
        struct stat st;
        if (ok && ((size_t)snprintf(inner, sizeof inner, "%s%s/", below, name) >= sizeof inner ||
                   (size_t)snprintf(path, sizeof path, "%s/%s%s", l->folder, below, name) >= sizeof path))
            ok = ami_fail(err, "%.80s...: the path is longer than %d bytes", l->folder, PATH_MAX - 1);
        if (ok && lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            ok = list_folder(l, inner, err);
        } else if (ok && stat(path, &st) == 0 &&
                   !(l->has_index && st.st_dev == l->index.st_dev && st.st_ino == l->index.st_ino) &&
                   ami_clip_looks_like(path)) {
            inner[strlen(inner) - 1] = 0;
            ok = list_clip(l, path, inner, err);
        }
        free(entry[i]);
    }
    free(entry);
    return ok;
}

int ami_library_write_index(const char *folder, const char *index, ami_error *err)
{
    char *text = NULL;
    size_t size = 0;
    listing l = {.to = open_memstream(&text, &size), .folder = folder};
    if (!l.to) {
        ami_fail(err, "%s: out of memory for an index", folder);
        return -1;
    }
    l.has_index = stat(index, &l.index) == 0;
    fputs(head, l.to);
    bool ok = list_folder(&l, "", err);
    const bool whole = !ferror(l.to);
    ok = (fclose(l.to) == 0 && whole) ? ok : ami_fail(err, "%s: out of memory for an index", folder);
    if (ok && l.count == 0)
        ok = ami_fail(err, "%s: none of the files in it is a motion", folder);
    ok = ok && ami_file_write(index, text, size, err);
    free(text);
    return ok ? l.count : -1;
}

/* ---- Reading it ---- */

/* One line, which is cut into its fields. */
static bool read_line(ami_library_clip *facts, char *line)
{
    char *field[5] = {line}, *end;
    for (int k = 1; k < 5; k++) {
        char *tab = strchr(field[k - 1], '\t');
        if (!tab)
            return false;
        *tab = 0;
        field[k] = tab + 1;
    }
    const unsigned long crc = strtoul(field[0], &end, 16);
    if (*end || strlen(field[0]) != 8)
        return false;
    const long frames = strtol(field[1], &end, 10);
    const bool flag = (field[2][0] == '0' || field[2][0] == '1') && !field[2][1];
    double duration;
    const char *number_end;
    if (*end || frames < 1 || frames > AMI_CLIP_MAX_FRAMES || !flag ||
        !ami_number_read(field[3], &number_end, &duration) || *number_end ||
        !(duration >= 0 && duration < 1e9) || !field[4][0] || field[4][0] == '/' || strstr(field[4], ".."))
        return false;
    *facts = (ami_library_clip){.path = field[4],
                                .crc = (uint32_t)crc,
                                .frames = (int)frames,
                                .loop = field[2][0] == '1',
                                .duration = duration};
    return true;
}

static bool read_index(ami_library *m, const char *index, ami_error *err)
{
    size_t size = 0;
    m->text = ami_file_read_text(index, INDEX_MAX, &size, err);
    if (!m->text)
        return false;
    if (strncmp(m->text, head, sizeof head - 1) != 0)
        return ami_fail(err, "%s: not an index of motions: its first line is not \"amble-library 1\"", index);
    m->crc = ami_crc32c(0, m->text, size);
    char *line = m->text + sizeof head - 1;
    for (const char *c = line; *c; c++)
        m->count += *c == '\n';
    if (m->count < 1 || m->count > AMI_LIBRARY_MAX || m->text[size - 1] != '\n')
        return ami_fail(err, "%s: %d whole lines of motions, expected 1 to %d", index, m->count,
                        AMI_LIBRARY_MAX);
    m->facts = calloc((size_t)m->count, sizeof *m->facts);
    m->until = calloc((size_t)m->count, sizeof *m->until);
    m->slot = calloc((size_t)m->count, sizeof *m->slot);
    if (!m->facts || !m->until || !m->slot)
        return ami_fail(err, "%s: out of memory for %d motions", index, m->count);
    double sum = 0;
    for (int i = 0; i < m->count; i++) {
        char *end = strchr(line, '\n');
        *end = 0;
        if (!read_line(&m->facts[i], line))
            return ami_fail(
                err,
                "%s: line %d is not a motion: expected its checksum, frames, loop (0 or 1), duration and "
                "path, with tabs between them",
                index, i + 2);
        if (i > 0 && strcmp(m->facts[i].path, m->facts[i - 1].path) == 0)
            return ami_fail(err, "%s: line %d: %s is there twice", index, i + 2, m->facts[i].path);
        /* A single pose has no duration, but can be picked. */
        sum += m->facts[i].duration > 0 ? m->facts[i].duration : 1e-3;
        m->until[i] = sum;
        line = end + 1;
    }
    return true;
}

ami_library *ami_library_open(const char *index, size_t cache_bytes, ami_error *err)
{
    ami_library *m = calloc(1, sizeof *m);
    if (!m) {
        ami_fail(err, "%s: out of memory", index);
        return NULL;
    }
    m->limit = cache_bytes;
    m->oldest = m->newest = -1;
    pthread_mutex_init(&m->mutex, NULL);
    pthread_cond_init(&m->read, NULL);
    const char *slash = strrchr(index, '/');
    const int length =
        snprintf(m->folder, sizeof m->folder, "%.*s", slash ? (int)(slash - index) : 1, slash ? index : ".");
    if ((length < PATH_MAX - 1 || ami_fail(err, "%.80s...: the path is too long", index)) &&
        read_index(m, index, err))
        return m;
    ami_library_destroy(m);
    return NULL;
}

void ami_library_destroy(ami_library *library)
{
    if (!library)
        return;
    for (int i = 0; library->slot && i < library->count; i++) {
        AMI_ASSERT(library->slot[i].held == 0);
        ami_clip_destroy(library->slot[i].clip);
    }
    pthread_mutex_destroy(&library->mutex);
    pthread_cond_destroy(&library->read);
    free(library->facts);
    free(library->until);
    free(library->slot);
    free(library->text);
    free(library);
}

int ami_library_count(const ami_library *library)
{
    return library->count;
}

const ami_library_clip *ami_library_facts(const ami_library *library, int clip)
{
    AMI_ASSERT(clip >= 0 && clip < library->count);
    return &library->facts[clip];
}

int ami_library_find(const ami_library *library, const char *path)
{
    for (int i = 0; i < library->count; i++)
        if (strcmp(library->facts[i].path, path) == 0)
            return i;
    return -1;
}

uint32_t ami_library_crc(const ami_library *library)
{
    return library->crc;
}

int ami_library_pick(const ami_library *library, double uniform)
{
    const double at = uniform * library->until[library->count - 1];
    int low = 0, high = library->count - 1; /* the first whose sum is beyond `at` */
    while (low < high) {
        const int middle = low + (high - low) / 2;
        if (library->until[middle] > at)
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

/* ---- The cache; all with the mutex locked ---- */

static size_t bytes_of(const ami_clip *clip)
{
    return (size_t)ami_clip_frames(clip) * (1 + AMI_POSE + AMI_VEL) * sizeof(double);
}

static void unlink_slot(ami_library *m, int i)
{
    slot *s = &m->slot[i];
    *(s->older >= 0 ? &m->slot[s->older].newer : &m->oldest) = s->newer;
    *(s->newer >= 0 ? &m->slot[s->newer].older : &m->newest) = s->older;
}

static void link_newest(ami_library *m, int i)
{
    m->slot[i].older = m->newest;
    m->slot[i].newer = -1;
    *(m->newest >= 0 ? &m->slot[m->newest].newer : &m->oldest) = i;
    m->newest = i;
}

/* Throws out what is longest unused, until `more` bytes fit or everything is held. */
static void evict(ami_library *m, size_t more)
{
    while (m->oldest >= 0 && m->stats.bytes + more > m->limit) {
        const int i = m->oldest;
        unlink_slot(m, i);
        m->stats.bytes -= bytes_of(m->slot[i].clip);
        ami_clip_destroy(m->slot[i].clip);
        m->slot[i].clip = NULL;
    }
}

/* Reads the clip's file; not with the mutex locked. */
static ami_clip *read_clip(const ami_library *m, int i, ami_error *err)
{
    char path[2 * PATH_MAX];
    const ami_library_clip *facts = &m->facts[i];
    snprintf(path, sizeof path, "%s/%s", m->folder, facts->path);
    ami_clip *clip = ami_clip_read(path, err);
    if (clip && ami_clip_crc(clip) != facts->crc) {
        ami_fail(err, "%s: has changed since the index was made (checksum %08x, expected %08x)", path,
                 ami_clip_crc(clip), facts->crc);
        ami_clip_destroy(clip);
        clip = NULL;
    }
    return clip;
}

const ami_clip *ami_library_take(ami_library *library, int clip, ami_error *err)
{
    AMI_ASSERT(clip >= 0 && clip < library->count);
    slot *s = &library->slot[clip];
    pthread_mutex_lock(&library->mutex);
    library->stats.taken++;
    while (s->reading)
        pthread_cond_wait(&library->read, &library->mutex);
    if (s->clip) {
        if (s->held++ == 0)
            unlink_slot(library, clip);
        pthread_mutex_unlock(&library->mutex);
        return s->clip;
    }
    s->reading = true;
    library->stats.read++;
    evict(library, (size_t)library->facts[clip].frames * (1 + AMI_POSE + AMI_VEL) * sizeof(double));
    pthread_mutex_unlock(&library->mutex);
    ami_clip *fresh = read_clip(library, clip, err);
    pthread_mutex_lock(&library->mutex);
    s->reading = false;
    s->clip = fresh;
    if (fresh) {
        evict(library, bytes_of(fresh));
        library->stats.bytes += bytes_of(fresh);
        if (library->stats.bytes > library->stats.most_bytes)
            library->stats.most_bytes = library->stats.bytes;
        s->held = 1;
    }
    pthread_cond_broadcast(&library->read);
    pthread_mutex_unlock(&library->mutex);
    return fresh;
}

void ami_library_give(ami_library *library, int clip)
{
    slot *s = &library->slot[clip];
    pthread_mutex_lock(&library->mutex);
    AMI_ASSERT(s->clip && s->held > 0);
    if (--s->held == 0) {
        link_newest(library, clip);
        evict(library, 0);
    }
    pthread_mutex_unlock(&library->mutex);
}

ami_library_stats ami_library_stats_of(ami_library *library)
{
    pthread_mutex_lock(&library->mutex);
    const ami_library_stats stats = library->stats;
    pthread_mutex_unlock(&library->mutex);
    return stats;
}
