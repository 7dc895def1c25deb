/* Looks for amble's own files, in the order given in assets.h. */
#define _GNU_SOURCE /* dladdr1 */
#include "base/assets.h"

#include <dlfcn.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { PLACES = 4 };

static const char installed[] = "/../share/amble";
static const char installed_multiarch[] = "/../../share/amble"; /* lib/x86_64-linux-gnu/libamble.so */
static char own[PATH_MAX];

/* The assets' folder of the installation that the program or library `file` belongs to; false where the path
 * has no folder. */
static bool beside(const char *file, const char *where, char *folder, size_t size)
{
    const char *slash = strrchr(file, '/');
    return slash && (size_t)snprintf(folder, size, "%.*s%s", (int)(slash - file), file, where) < size;
}

/* The assets' folder beside the shared library that contains this code. False where a program contains it:
 * its path would be the name it was started by, which may be relative to any folder. */
static bool beside_library(const char *where, char *folder, size_t size)
{
    Dl_info about;
    void *map = NULL;
    char file[PATH_MAX];
    return dladdr1(installed, &about, &map, RTLD_DL_LINKMAP) != 0 && map &&
           ((struct link_map *)map)->l_name[0] && realpath(((struct link_map *)map)->l_name, file) &&
           beside(file, where, folder, size);
}

static bool beside_program(char *folder, size_t size)
{
    char file[PATH_MAX];
    const ssize_t n = readlink("/proc/self/exe", file, sizeof file - 1);
    if (n <= 0)
        return false;
    file[n] = 0;
    return beside(file, installed, folder, size);
}

bool ami_asset_path(const char *name, char *path, size_t size, ami_error *err)
{
    char library[PATH_MAX], multiarch[PATH_MAX], program[PATH_MAX];
    const char *variable = getenv("AMBLE_ASSETS"), *place[PLACES], *why = "";
    int count = 0;
    if (own[0]) {
        place[count++] = own;
    } else if (variable && *variable) {
        place[count++] = variable;
        why = " ($AMBLE_ASSETS)";
    } else {
        if (beside_library(installed, library, sizeof library))
            place[count++] = library;
        if (beside_library(installed_multiarch, multiarch, sizeof multiarch))
            place[count++] = multiarch;
        if (beside_program(program, sizeof program))
            place[count++] = program;
#ifdef AMB_SOURCE_DIR
        place[count++] = AMB_SOURCE_DIR "/assets";
#endif
    }
    char places[PLACES * 300] = "";
    for (int i = 0; i < count; i++) {
        const int length = snprintf(path, size, "%s/%s", place[i], name);
        if (length > 0 && (size_t)length < size && access(path, R_OK) == 0)
            return true;
        const size_t used = strlen(places);
        snprintf(places + used, sizeof places - used, "%s%.280s",
                 i == 0           ? ""
                 : i + 1 == count ? " and "
                                  : ", ",
                 place[i]);
    }
    return ami_fail(err, "%s is not among amble's assets: looked in %s%s", name, places, why);
}

bool ami_assets_set(const char *folder, ami_error *err)
{
    struct stat about;
    if (!folder) {
        own[0] = 0;
        return true;
    }
    if (stat(folder, &about) != 0 || !S_ISDIR(about.st_mode))
        return ami_fail(err, "the assets' folder \"%.300s\" is not a folder", folder);
    if (strlen(folder) >= sizeof own)
        return ami_fail(err, "the path of the assets' folder is longer than %zu bytes", sizeof own - 1);
    strcpy(own, folder);
    return true;
}
