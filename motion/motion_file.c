/* The format of a file, and its reader. */
#include "motion/motion_file.h"

#include "base/assert.h"
#include "base/file.h"
#include "motion/bvh.h"
#include "motion/export.h"
#include "motion/fbx.h"
#include "motion/glb.h"
#include "motion/npz.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The skeleton and motion of a file that has them. *text is set where it is text without: a clip. NULL and a
 * sentence, or NULL and *text. */
static ami_mocap *mocap_of(const void *bytes, size_t *size, const char **text, ami_error *err)
{
    *text = NULL;
    if (ami_motion_npz_looks_like(bytes, *size))
        return ami_motion_npz_decode(bytes, *size, err);
    if (ami_glb_looks_like(bytes, *size))
        return ami_glb_decode(bytes, *size, err);
    if (ami_fbx_looks_like(bytes, *size)) {
        size_t length;
        uint8_t *glb = ami_fbx_to_glb(bytes, *size, &length, err);
        ami_mocap *mocap = glb ? ami_glb_decode(glb, length, err) : NULL;
        free(glb);
        return mocap;
    }
    const char *begin = ami_text_begin(bytes, size, err);
    if (!begin)
        return NULL;
    if (ami_bvh_looks_like(begin, *size))
        return ami_bvh_decode(begin, *size, err);
    *text = begin;
    return NULL;
}

/* A file that has the humanoid's own poses. */
static ami_clip *clip_of_poses(const ami_mocap *mocap, const char *name, ami_error *err)
{
    double *time = malloc((size_t)mocap->frames * sizeof *time);
    if (!time) {
        ami_fail(err, "out of memory for %d frames", mocap->frames);
        return NULL;
    }
    for (int f = 0; f < mocap->frames; f++)
        time[f] = f * mocap->frame_time;
    ami_clip *clip =
        ami_clip_create(mocap->frames, time, mocap->pose, mocap->loop == AMI_MOCAP_LOOP_WRAP, name, err);
    free(time);
    return clip;
}

static ami_clip *clip_of(const ami_mocap *mocap, const char *path, const ami_retarget_def *def,
                         ami_retarget_report *report, ami_error *err)
{
    const ami_retarget_def usual = ami_retarget_default_def();
    char name[AMI_NAME];
    if (!ami_clip_name_of_file(path, name, sizeof name, err))
        return NULL;
    report->own = mocap->pose || ami_export_is_own(mocap);
    ami_clip *clip = mocap->pose   ? clip_of_poses(mocap, name, err)
                     : report->own ? ami_export_own_clip(mocap, name, err)
                                   : ami_retarget(mocap, def ? def : &usual, name, report, err);
    if (clip)
        ami_clip_set_loop_known(clip, report->own && mocap->loop != AMI_MOCAP_LOOP_UNKNOWN);
    return clip;
}

ami_clip *ami_motion_decode(const void *bytes, size_t size, const char *name, const ami_retarget_def *def,
                            ami_retarget_report *report, ami_error *err)
{
    ami_retarget_report own;
    report = report ? report : &own;
    memset(report, 0, sizeof *report);
    ami_clip *clip = NULL;
    const char *text;
    if (size > AMI_MOTION_FILE_MAX) {
        ami_fail(err, "holds %zu bytes, expected at most %d", size, AMI_MOTION_FILE_MAX);
    } else {
        ami_mocap *mocap = mocap_of(bytes, &size, &text, err);
        if (mocap) {
            clip = clip_of(mocap, name, def, report, err);
        } else if (text) {
            report->own = true;
            clip = ami_clip_decode(text, size, name, err);
        }
        ami_mocap_destroy(mocap);
    }
    if (!clip)
        ami_fail_in(err, "%s", name);
    return clip;
}

ami_clip *ami_motion_read(const char *path, const ami_retarget_def *def, ami_retarget_report *report,
                          ami_error *err)
{
    size_t size;
    uint8_t *bytes = ami_file_read(path, AMI_MOTION_FILE_MAX, &size, err);
    ami_clip *clip = bytes ? ami_motion_decode(bytes, size, path, def, report, err) : NULL;
    free(bytes);
    return clip;
}

bool ami_motion_is_foreign(const char *path)
{
    char text[4096];
    FILE *file = fopen(path, "rb");
    const size_t size = file ? fread(text, 1, sizeof text, file) : 0,
                 mark = size > 3 && !memcmp(text, "\xef\xbb\xbf", 3) ? 3 : 0;
    if (file)
        fclose(file);
    return size > 0 && (ami_motion_npz_looks_like(text, size) || ami_glb_looks_like(text, size) ||
                        ami_fbx_looks_like(text, size) || ami_bvh_looks_like(text + mark, size - mark));
}

ami_mocap *ami_motion_read_mocap(const char *path, ami_error *err)
{
    size_t size;
    const char *text;
    uint8_t *bytes = ami_file_read(path, AMI_MOTION_FILE_MAX, &size, err);
    if (!bytes)
        return NULL;
    ami_mocap *mocap = mocap_of(bytes, &size, &text, err);
    if (!mocap && text)
        ami_fail(err, "has no skeleton of its own to map, expected a BVH, glTF (.glb) or npz file");
    if (!mocap)
        ami_fail_in(err, "%s", path);
    free(bytes);
    return mocap;
}

ami_clip *ami_clip_read(const char *path, ami_error *err)
{
    AMI_ASSERT(path);
    return ami_motion_read(path, NULL, NULL, err);
}

ami_clip *ami_clip_read_memory(const void *bytes, size_t size, const char *name, ami_error *err)
{
    return ami_motion_decode(bytes, size, name, NULL, NULL, err);
}
