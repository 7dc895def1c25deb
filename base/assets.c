#include "base/assets.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool ami_asset_path(const char *name, char *path, size_t size, ami_error *err)
{
    static const char installed[] = "/../share/amble";
    char beside[PATH_MAX + sizeof installed] = "";
    const ssize_t n = readlink("/proc/self/exe", beside, PATH_MAX);
    beside[n > 0 && n < PATH_MAX ? n : 0] = 0;
    char *slash = strrchr(beside, '/');
    if (slash)
        strcpy(slash, installed);

    const char *own = getenv("AMBLE_ASSETS"), *places[2];
    int count = 0;
    if (own && *own)
        places[count++] = own;
    else {
        if (slash)
            places[count++] = beside;
        places[count++] = AMB_SOURCE_DIR "/assets";
    }
    for (int i = 0; i < count; i++) {
        const int length = snprintf(path, size, "%s/%s", places[i], name);
        if (length > 0 && (size_t)length < size && access(path, R_OK) == 0)
            return true;
    }
    return ami_fail(err, "%s is not among amble's assets: looked in %.400s%s%.400s%s", name, places[0],
                    count > 1 ? " and " : "", count > 1 ? places[1] : "",
                    own && *own ? " ($AMBLE_ASSETS)" : "");
}
