#include "policy/motion.h"

#include "base/file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH = 4096 };
static const size_t max_file = 256u << 20; /* bytes, as motion/clip_file.c reads them */

amb_origin amb_policy_origin(const amb_policy *policy, const char *file)
{
    return (amb_origin){file, policy->motion, policy->has_motion_crc, policy->motion_crc};
}

static void folder_of(const char *file, char *folder, size_t size)
{
    const char *slash = strrchr(file, '/');
    snprintf(folder, size, "%.*s", slash == file ? 1 : slash ? (int)(slash - file) : 1, slash ? file : ".");
}

/* The origin's clip in one folder (NULL: the clips'), if it is there and is the one. `found` becomes true
 * where there is one of that name.
 */
static amb_clip *try_folder(const amb_origin *origin, const char *folder, bool *found, char *path,
                            size_t size, amb_error *err)
{
    amb_error why = {""};
    amb_clip *clip =
        amb_clip_find(origin->motion, folder, path, size, &why) ? amb_clip_read(path, &why) : NULL;
    if (clip && origin->has_crc && amb_clip_crc(clip) != origin->crc) {
        amb_fail(&why,
                 "%s: is not the motion \"%s\" that %s was trained on (CRC-32C %08x found, expected %08x); "
                 "give the right one with --motion",
                 path, origin->motion, origin->file, (unsigned)amb_clip_crc(clip), (unsigned)origin->crc);
        amb_clip_destroy(clip);
        clip = NULL;
        *found = true;
    }
    if (!clip)
        *err = why;
    return clip;
}

static amb_clip *load_own(const amb_origin *origin, const char *clips, char *path, size_t size,
                          amb_error *err)
{
    char folder[PATH];
    amb_error first = {""}, second = {""};
    bool found[2] = {false, false};
    folder_of(origin->file, folder, sizeof folder);
    amb_clip *clip = try_folder(origin, clips, &found[0], path, size, &first);
    if (!clip)
        clip = try_folder(origin, folder, &found[1], path, size, &second);
    if (clip)
        return clip;
    *err = found[1] && !found[0] ? second : first;
    if (!found[0] && !found[1])
        amb_fail_in(err, "%s: its motion is neither among the clips nor beside it (give it with --motion)",
                    origin->file);
    return NULL;
}

amb_clip *amb_load_motion(const char *motion, const char *clips, const amb_origin *origin, char *path,
                          size_t size, amb_error *err)
{
    if (!motion && origin && origin->motion && *origin->motion)
        return load_own(origin, clips, path, size, err);
    motion = motion ? motion : "walk";
    if (amb_clip_find(motion, clips, path, size, err))
        return amb_clip_read(path, err);
    amb_error unused;
    return origin && origin->motion && !strcmp(motion, origin->motion)
               ? load_own(origin, clips, path, size, &unused)
               : NULL;
}

bool amb_keep_clip(const char *folder, const char *path, const amb_clip *clip, amb_error *err)
{
    char copy[PATH + 300];
    if ((size_t)snprintf(copy, sizeof copy, "%s/humanoid3d_%s.txt", folder, amb_clip_name(clip)) >=
        sizeof copy)
        return amb_fail(err, "%.80s...: the path of the clip's copy is longer than %zu bytes", folder,
                        sizeof copy - 1);
    if (access(copy, F_OK) == 0) {
        amb_clip *there = amb_clip_read(copy, err);
        const bool same = there && amb_clip_crc(there) == amb_clip_crc(clip);
        if (there && !same)
            amb_fail(err, "%s is there already and is another motion than %s: give another folder with --out",
                     copy, path);
        amb_clip_destroy(there);
        return same;
    }
    size_t size;
    uint8_t *data = amb_file_read(path, max_file, &size, err);
    const bool ok = data && amb_file_write(copy, data, size, err);
    free(data);
    return ok;
}
