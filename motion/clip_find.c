/* A motion by its name, in the folders where clips may lie. */
#include "motion/clip.h"

#include "base/assert.h"
#include "base/assets.h"
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { LISTED = 40, NAME = 512 };

static bool is_file(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISREG(st.st_mode);
}

static int is_clip(const struct dirent *entry)
{
    const size_t length = strlen(entry->d_name);
    const char *ending = entry->d_name + length - (length > 4 ? 4 : length);
    return entry->d_name[0] != '.' &&
           (!strcmp(ending, ".txt") || !strcmp(ending, ".bvh") || !strcmp(ending, ".glb") ||
            !strcmp(ending, ".npz") || !strcmp(ending, ".fbx"));
}

/* Appends to text[size], as much as fits. */
static void append(char *text, size_t size, const char *before, const char *more)
{
    const size_t used = strlen(text);
    snprintf(text + used, size - used, "%s%s", before, more);
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* not alphasort: that depends on the locale */
}

/* The names of a folder's clips, sorted, separated by commas; empty where there are none. What else lies
 * there is not offered. */
static void list_clips(const char *dir, char *text, size_t size)
{
    struct dirent **entries = NULL;
    const int n = scandir(dir, &entries, is_clip, by_name);
    int listed = 0;
    text[0] = '\0';
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX], name[NAME];
        const bool fits = (size_t)snprintf(path, sizeof path, "%s/%s", dir, entries[i]->d_name) < sizeof path;
        if (listed <= LISTED && fits && ami_clip_looks_like(path)) {
            (void)ami_clip_name_of_file(path, name, sizeof name, NULL); /* it fits */
            const bool more = listed < LISTED && strlen(text) + strlen(name) + 8 < size;
            append(text, size, text[0] ? ", " : "", more ? name : "...");
            listed = more ? listed + 1 : LISTED + 1;
        }
        free(entries[i]);
    }
    free(entries);
}

/* How to get clips, as a sentence's end: the script of an installation, or the one beside the sources. */
static void ways_to_clips(char *text, size_t size)
{
    char script[512];
    bool found = ami_asset_path("get-clips.sh", script, sizeof script, NULL);
#ifdef AMB_SOURCE_DIR
    if (!found) {
        snprintf(script, sizeof script, "%s", AMB_SOURCE_DIR "/scripts/get-clips.sh");
        found = is_file(script);
    }
#endif
    if (found) {
        snprintf(text, size, "%s fetches DeepMimic's", script);
    } else {
        snprintf(text, size, "DeepMimic's are in its repository, in data/motions");
    }
}

/* only_name: a file of that name in the working folder does not count. */
static bool find(const char *name_or_path, bool only_name, const char *clips_dir, char *path, size_t n,
                 ami_error *err)
{
    AMI_ASSERT(name_or_path && path && n > 0);
    if (!only_name && is_file(name_or_path)) {
        if ((size_t)snprintf(path, n, "%s", name_or_path) >= n) {
            return ami_fail(err, "the path %.80s... is longer than %zu bytes", name_or_path, n - 1);
        }
        return true;
    }
    if (name_or_path[0] == '\0' || strchr(name_or_path, '/')) {
        struct stat st;
        const char *why = stat(name_or_path, &st) != 0 ? strerror(errno) : "not a regular file";
        return ami_fail(err, "the motion \"%.200s\" cannot be read: %s", name_or_path, why);
    }
    const char *dirs[4];
    char shipped[512];
    int count = 0, others;
    if (clips_dir) {
        dirs[count++] = clips_dir;
    } else {
        const char *own = getenv("AMBLE_CLIPS");
        if (own && *own) {
            dirs[count++] = own;
        }
        dirs[count++] = "clips";
#ifdef AMB_SOURCE_DIR
        dirs[count++] = AMB_SOURCE_DIR "/clips";
#endif
    }
    others = count;
    if (!clips_dir && ami_asset_path("motions", shipped, sizeof shipped, NULL)) {
        dirs[count++] = shipped;
    }
    char places[320] = "", there[320] = "", ways[600];
    for (int i = 0; i < count; i++) {
        static const char *const form[] = {
            "%s/humanoid3d_%s.txt", "%s/%s.txt", "%s/%s.bvh", "%s/%s.glb", "%s/%s.npz", "%s/%s.fbx"};
        for (size_t k = 0; k < sizeof form / sizeof *form; k++) {
            if ((size_t)snprintf(path, n, form[k], dirs[i], name_or_path) < n && is_file(path)) {
                return true;
            }
        }
        append(places, sizeof places, i == 0 ? "" : i == count - 1 ? " and " : ", ", dirs[i]);
        if (!there[0] && i < others) {
            list_clips(dirs[i], there, sizeof there);
        }
    }
    if (there[0]) {
        return ami_fail(err, "there is no motion \"%.100s\" in %s; there are %s", name_or_path, places,
                        there);
    }
    ways_to_clips(ways, sizeof ways);
    if (count > others) {
        list_clips(shipped, there, sizeof there);
    }
    return ami_fail(err, "there is no motion \"%.100s\" in %s, %s%s; %s", name_or_path, places,
                    there[0] ? "only amble's own " : "nor any other", there, ways);
}

bool ami_clip_find(const char *name_or_path, const char *clips_dir, char *path, size_t n, ami_error *err)
{
    return find(name_or_path, false, clips_dir, path, n, err);
}

bool ami_clip_find_name(const char *name, const char *clips_dir, char *path, size_t n, ami_error *err)
{
    return find(name, true, clips_dir, path, n, err);
}
