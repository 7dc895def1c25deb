/* Which format a file has, and who reads it. */
#include "motion/motion_file.h"

#include "base/file.h"
#include "motion/bvh.h"

#include <stdlib.h>
#include <string.h>

static ami_clip *clip_of_bvh(const char *text, size_t size, const char *path, const ami_retarget_def *def,
                             ami_retarget_report *report, ami_error *err)
{
    char name[AMI_NAME];
    ami_clip *clip = NULL;
    ami_mocap *mocap =
        ami_clip_name_of_file(path, name, sizeof name, err) ? ami_bvh_decode(text, size, err) : NULL;
    if (mocap && ami_bvh_is_own(mocap)) {
        report->own = true;
        clip = ami_bvh_own_clip(mocap, name, err);
    } else if (mocap) {
        clip = ami_retarget(mocap, def, name, report, err);
    }
    ami_mocap_destroy(mocap);
    return clip;
}

ami_clip *ami_motion_read(const char *path, const ami_retarget_def *def, ami_retarget_report *report,
                          ami_error *err)
{
    const ami_retarget_def usual = ami_retarget_default_def();
    ami_retarget_report own;
    report = report ? report : &own;
    memset(report, 0, sizeof *report);
    size_t size;
    char *text = ami_file_read_text(path, AMI_MOTION_FILE_MAX, &size, err);
    if (!text)
        return NULL;
    ami_clip *clip;
    if (ami_bvh_looks_like(text, size)) {
        clip = clip_of_bvh(text, size, path, def ? def : &usual, report, err);
    } else {
        report->own = true;
        clip = ami_clip_decode(text, size, path, err);
    }
    if (!clip)
        ami_fail_in(err, "%s", path);
    free(text);
    return clip;
}

ami_mocap *ami_motion_read_mocap(const char *path, ami_error *err)
{
    size_t size;
    char *text = ami_file_read_text(path, AMI_MOTION_FILE_MAX, &size, err);
    if (!text)
        return NULL;
    ami_mocap *mocap = NULL;
    if (ami_bvh_looks_like(text, size))
        mocap = ami_bvh_decode(text, size, err);
    else
        ami_fail(err, "has no skeleton of its own to map, expected a BVH file");
    if (!mocap)
        ami_fail_in(err, "%s", path);
    free(text);
    return mocap;
}
