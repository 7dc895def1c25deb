/* Loads the clip of an option, a policy or a checkpoint, and keeps copies in run folders. */
#include "policy/motion.h"

#include "base/file.h"
#include "motion/motion_file.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PATH = 4096 };
static const size_t max_file = 256u << 20; /* bytes, as motion/clip_file.c reads them */

ami_origin ami_policy_origin(const ami_policy *policy, const char *file)
{
    return (ami_origin){
        file, policy->motion, policy->has_motion_crc, policy->motion_crc, policy->motions, policy->listed};
}

ami_origin ami_origin_of_one(const ami_origin *origin, const ami_listed_motion *motion)
{
    return (ami_origin){.file = origin->file, .motion = motion->name, .has_crc = true, .crc = motion->crc};
}

static void folder_of(const char *file, char *folder, size_t size)
{
    const char *slash = strrchr(file, '/');
    snprintf(folder, size, "%.*s", slash == file ? 1 : slash ? (int)(slash - file) : 1, slash ? file : ".");
}

/* The origin's clip in one folder (NULL: the clips'), if its checksum is the expected one. `found` becomes
 * true if a clip of that name has another checksum. */
static ami_clip *try_folder(const ami_origin *origin, const char *folder, bool *found, char *path,
                            size_t size, ami_error *err)
{
    ami_error why = {""};
    ami_clip *clip =
        ami_clip_find_name(origin->motion, folder, path, size, &why) ? ami_clip_read(path, &why) : NULL;
    if (clip && origin->has_crc && ami_clip_crc(clip) != origin->crc) {
        ami_fail(&why,
                 "%s: is not the motion \"%s\" that %s was trained on (CRC-32C %08x, expected %08x); give "
                 "the right one with --motion",
                 path, origin->motion, origin->file, (unsigned)ami_clip_crc(clip), (unsigned)origin->crc);
        ami_clip_destroy(clip);
        clip = NULL;
        *found = true;
    }
    if (!clip)
        *err = why;
    return clip;
}

static ami_clip *load_own(const ami_origin *origin, const char *clips, char *path, size_t size,
                          ami_error *err)
{
    char folder[PATH];
    ami_error first = {""}, second = {""};
    bool found[2] = {false, false};
    folder_of(origin->file, folder, sizeof folder);
    ami_clip *clip = try_folder(origin, clips, &found[0], path, size, &first);
    if (!clip)
        clip = try_folder(origin, folder, &found[1], path, size, &second);
    if (clip)
        return clip;
    *err = found[1] && !found[0] ? second : first;
    if (!found[0] && !found[1])
        ami_fail_in(err,
                    "%s: its motion is neither in the clips folder nor in the same folder (give it with "
                    "--motion)",
                    origin->file);
    return NULL;
}

ami_clip *ami_load_motion(const char *motion, const char *clips, const ami_origin *origin, char *path,
                          size_t size, ami_error *err)
{
    if (!motion && origin && origin->motion && *origin->motion)
        return load_own(origin, clips, path, size, err);
    motion = motion ? motion : "walk";
    if (ami_clip_find(motion, clips, path, size, err))
        return ami_clip_read(path, err);
    ami_error unused;
    if (!origin || !origin->motion)
        return NULL;
    const ami_listed_motion *one = ami_motion_list_find(origin->listed, origin->motions, motion);
    const ami_origin of_one = one ? ami_origin_of_one(origin, one) : *origin;
    return !strcmp(motion, of_one.motion) ? load_own(&of_one, clips, path, size, &unused) : NULL;
}

bool ami_settle_clip(ami_clip **clip, const char *path, int loop, ami_edit_cycle *cycle, char **text,
                     ami_error *err)
{
    *text = NULL;
    *cycle = (ami_edit_cycle){0};
    if (!ami_motion_is_foreign(path))
        return true;
    size_t size;
    if (loop == AMI_LOOP_AUTO && ami_clip_loop_is_known(*clip)) /* as the file says */
        loop = ami_clip_loops(*clip) ? AMI_LOOP_AUTO : AMI_LOOP_NONE;
    ami_clip *edited = ami_edit_loop(*clip, loop, cycle, err);
    *text = edited ? ami_clip_encode(edited, &size, err) : NULL;
    ami_clip *copy = *text ? ami_clip_read_memory(*text, size, path, err) : NULL;
    ami_clip_destroy(edited);
    if (!copy) {
        free(*text);
        *text = NULL;
        return false;
    }
    ami_clip_destroy(*clip);
    *clip = copy;
    return true;
}

bool ami_keep_clip(const char *folder, const char *path, const char *text, const ami_clip *clip,
                   ami_error *err)
{
    char copy[PATH + 300];
    if ((size_t)snprintf(copy, sizeof copy, "%s/humanoid3d_%s.txt", folder, ami_clip_name(clip)) >=
        sizeof copy)
        return ami_fail(err, "%.80s...: the path of the clip's copy is longer than %zu bytes", folder,
                        sizeof copy - 1);
    if (access(copy, F_OK) == 0) {
        ami_clip *there = ami_clip_read(copy, err);
        const bool same = there && ami_clip_crc(there) == ami_clip_crc(clip);
        if (there && !same)
            ami_fail(err, "%s exists and is another motion than %s: give another folder with --out", copy,
                     path);
        ami_clip_destroy(there);
        return same;
    }
    if (text)
        return ami_file_write(copy, text, strlen(text), err);
    size_t size;
    uint8_t *data = ami_file_read(path, max_file, &size, err);
    const bool ok = data && ami_file_write(copy, data, size, err);
    free(data);
    return ok;
}
