/* Walks through a folder for motion files. */
#include "motion/motion_folder.h"

#include "base/text.h"
#include "motion/clip.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

typedef struct walk {
    ami_motion_folder *list;
    int capacity;
    bool excepts;
    struct stat except;
} walk;

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name); /* not alphasort: that depends on the locale */
}

static int is_visible(const struct dirent *entry)
{
    return entry->d_name[0] != '.';
}

static bool add(walk *w, const char *path, ami_error *err)
{
    ami_motion_folder *list = w->list;
    if (list->count == w->capacity) {
        const int capacity = w->capacity ? 2 * w->capacity : 16;
        char **paths = realloc(list->path, (size_t)capacity * sizeof *paths);
        if (!paths)
            return ami_fail(err, "out of memory for %d motions", capacity);
        list->path = paths;
        w->capacity = capacity;
    }
    list->path[list->count] = strdup(path);
    return list->path[list->count] ? ++list->count : ami_fail(err, "out of memory for a motion's path");
}

/* What no motion is found in is counted, and named while there is room. */
static void leave_out(walk *w, const char *path)
{
    ami_motion_folder *list = w->list;
    char name[PATH_MAX];
    const size_t used = strlen(list->other_names), size = sizeof list->other_names;
    ami_text_escape(path + list->below, name, sizeof name);
    if (used + strlen(name) + 8 < size)
        snprintf(list->other_names + used, size - used, "%s%s", used ? ", " : "", name);
    else if (used && list->other_names[used - 1] != '.')
        snprintf(list->other_names + used, size - used, ", ...");
    list->others++;
}

static bool look_into(walk *w, const char *folder, ami_error *err)
{
    struct dirent **entries = NULL;
    const int n = scandir(folder, &entries, is_visible, by_name);
    bool ok =
        n >= 0 || ami_fail(err, "%s: cannot be read as a folder of motions: %s", folder, strerror(errno));
    for (int i = 0; i < n; i++) {
        char path[PATH_MAX];
        struct stat st;
        const char *slash = folder[strlen(folder) - 1] == '/' ? "" : "/";
        if (ok &&
            (size_t)snprintf(path, sizeof path, "%s%s%s", folder, slash, entries[i]->d_name) >= sizeof path)
            ok = ami_fail(err, "%.80s...: a path in it is longer than %zu bytes", folder, sizeof path - 1);
        free(entries[i]);
        if (!ok)
            continue;
        if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
            if (!w->excepts || st.st_dev != w->except.st_dev || st.st_ino != w->except.st_ino)
                ok = look_into(w, path, err);
        } else if (ami_clip_looks_like(path)) {
            ok = add(w, path, err);
        } else {
            leave_out(w, path);
        }
    }
    free(entries);
    return ok;
}

bool ami_motion_folder_find(ami_motion_folder *list, const char *folder, const char *except, ami_error *err)
{
    char root[PATH_MAX];
    *list = (ami_motion_folder){0};
    if ((size_t)snprintf(root, sizeof root, "%s", folder) >= sizeof root)
        return ami_fail(err, "%.80s...: the path is longer than %zu bytes", folder, sizeof root - 1);
    size_t length = strlen(root);
    if (length == 0)
        return ami_fail(err, "the path of a folder of motions is empty");
    while (length > 1 && root[length - 1] == '/')
        root[--length] = '\0';
    walk w = {.list = list};
    list->below = length + (root[length - 1] != '/');
    w.excepts = except && stat(except, &w.except) == 0;
    if (look_into(&w, root, err))
        return true;
    ami_motion_folder_free(list);
    return false;
}

void ami_motion_folder_free(ami_motion_folder *list)
{
    for (int i = 0; i < list->count; i++)
        free(list->path[i]);
    free(list->path);
    *list = (ami_motion_folder){0};
}
