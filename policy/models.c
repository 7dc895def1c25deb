/* Finds networks and style tables by name. */
#include "policy/models.h"

#include "base/assets.h"
#include "motion/clip.h"
#include "policy/controller.h"
#include "sim/character.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH = 4096 };

static bool ends_in(const char *name, const char *ending)
{
    const size_t n = strlen(name), m = strlen(ending);
    return n > m && !strcmp(name + n - m, ending);
}

/* Whether the path exists and is not a folder. Readers refuse pipes themselves. */
static bool exists(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && !S_ISDIR(st.st_mode);
}

static bool is_folder(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static bool try_file(const char *name, const char *ending, char *path, size_t size)
{
    return (size_t)snprintf(path, size, "%s%s", name, ending) < size && exists(path);
}

static bool try_asset(const char *name, const char *ending, char *path, size_t size)
{
    char asset[PATH];
    return (size_t)snprintf(asset, sizeof asset, "models/%s%s", name, ending) < sizeof asset &&
           ami_asset_path(asset, path, size, NULL) && exists(path);
}

/* The sorted names of amble's models with this ending, without it; empty if there are none. */
static void list_assets(const char *ending, char *text, size_t size)
{
    char folder[PATH];
    struct dirent **entries = NULL;
    const int n = ami_asset_path("models", folder, sizeof folder, NULL)
                      ? scandir(folder, &entries, NULL, alphasort)
                      : 0;
    text[0] = 0;
    for (int i = 0; i < n; i++) {
        const char *name = entries[i]->d_name;
        const size_t used = strlen(text);
        if (ends_in(name, ending))
            snprintf(text + used, size - used, "%s%.*s", used ? ", " : "",
                     (int)(strlen(name) - strlen(ending)), name);
        free(entries[i]);
    }
    free(entries);
}

static bool not_found(const char *name, const char *ending, ami_error *err)
{
    if (!*name)
        return ami_fail(err, "the name of a model is empty, expected a file or a name");
    if (is_folder(name))
        return ami_fail(err, "%.400s: is a folder, expected a file such as %.400s/actor.onnx", name, name);
    struct stat st;
    if (strchr(name, '/'))
        return ami_fail(err, "%.800s: cannot be opened for reading: %s", name,
                        strerror(stat(name, &st) != 0 ? errno : ENOENT));
    char known[512];
    list_assets(ending, known, sizeof known);
    return ami_fail(err, "%.200s: No such file in the current folder or among amble's models%s%s", name,
                    known[0] ? ", which are " : ", of which there are none", known);
}

static bool find(const char *name, const char *ending, char *path, size_t size, ami_error *err)
{
    const char *more = ends_in(name, ending) ? "" : ending;
    if (strlen(name) + strlen(more) >= size)
        return ami_fail(err, "the path %.80s... is longer than %zu bytes", name, size - 1);
    if (*name && (try_file(name, "", path, size) || (*more && try_file(name, more, path, size))))
        return true;
    if (*name && !strchr(name, '/') &&
        (try_asset(name, "", path, size) || (*more && try_asset(name, more, path, size))))
        return true;
    return not_found(name, ending, err);
}

bool ami_find_model(const char *name, char *path, size_t size, ami_error *err)
{
    return find(name, ".onnx", path, size, err);
}

bool ami_find_table(const char *name, char *path, size_t size, ami_error *err)
{
    return find(name, ".json", path, size, err);
}

/* The model that follows many motions, if this one is among them. */
static bool find_in_repertoire(const char *motion, char *path, size_t size)
{
    ami_policy policy;
    if (!try_asset("repertoire", ".onnx", path, size) || !ami_policy_load(&policy, path, NULL, NULL))
        return false;
    const bool listed = ami_motion_list_find(policy.listed, policy.motions, motion) != NULL;
    ami_policy_free(&policy);
    return listed;
}

bool ami_find_actor(const char *policy, const char *motion, const char *clips, const char *fallback,
                    char *path, size_t size, ami_error *err)
{
    char clip[PATH], name[512], model[520];
    if (policy)
        return ami_find_model(policy, path, size, err);
    if (motion && (!ami_clip_find(motion, clips, clip, sizeof clip, err) ||
                   !ami_clip_name_of_file(clip, name, sizeof name, err)))
        return false;
    snprintf(model, sizeof model, "%s.onnx", motion ? name : fallback);
    return ami_find_model(model, path, size, err) || (motion && find_in_repertoire(name, path, size)) ||
           ami_fail_in(err, "no actor for \"%s\" (give one with --policy, or --no-policy)",
                       motion ? name : fallback);
}
