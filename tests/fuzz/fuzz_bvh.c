/* Fuzzes BVH's reader and retargeting: no crash, no leak, no memory beyond a small multiple of the input; a
 * motion that comes out can be written and read again. A sentence that is missing, unfinished or not plain
 * text counts as a crash. */
#include "motion/bvh.h"
#include "motion/export.h"
#include "motion/retarget.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth)
        abort();
}

static void demand_sentence(const ami_error *err)
{
    demand(err->text[0] != 0);
    for (const char *c = err->text; *c; c++)
        demand((unsigned char)*c >= ' ' && *c != 127);
}

static void round_trip(const ami_clip *clip)
{
    size_t size;
    ami_error err = {""};
    char *text = ami_bvh_encode(clip, &size, &err);
    demand(text != NULL);
    ami_mocap *mocap = ami_bvh_decode(text, size, &err);
    demand(mocap && mocap->frames == ami_clip_frames(clip));
    ami_mocap_destroy(mocap);
    free(text);
}

static void retarget(const ami_mocap *mocap)
{
    ami_error err = {""};
    ami_retarget_def def = ami_retarget_default_def();
    ami_retarget_report report;
    def.check = mocap->frames % 2;
    ami_clip *clip = ami_export_is_own(mocap) ? ami_export_own_clip(mocap, "fuzz", &err)
                                              : ami_retarget(mocap, &def, "fuzz", &report, &err);
    if (clip) {
        const double *pose = ami_clip_poses(clip);
        for (size_t i = 0; i < (size_t)ami_clip_frames(clip) * AMI_POSE; i++)
            demand(isfinite(pose[i]));
        round_trip(clip);
    } else {
        demand_sentence(&err);
    }
    ami_clip_destroy(clip);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    ami_error err = {""};
    demand(text != NULL);
    memcpy(text, data, size);
    text[size] = 0;
    ami_mocap *mocap = ami_bvh_decode(text, size, &err);
    if (mocap) {
        demand((size_t)mocap->frames * (size_t)mocap->channels <= size);
        retarget(mocap);
    } else {
        demand_sentence(&err);
    }
    ami_mocap_destroy(mocap);
    free(text);
    return 0;
}
