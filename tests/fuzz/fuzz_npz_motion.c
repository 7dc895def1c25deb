/* Fuzzes the reader of npz motions: no crash, no leak, no memory beyond a multiple of the input that deflate
 * can give; a sentence for everything that is not read. */
#include "motion/npz.h"
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ami_error err = {""};
    ami_mocap *mocap = ami_motion_npz_decode(data, size, &err);
    if (!mocap) {
        demand(err.text[0] != 0);
        for (const char *c = err.text; *c; c++)
            demand((unsigned char)*c >= ' ' && *c != 127);
        return 0;
    }
    const ami_retarget_def def = ami_retarget_default_def();
    ami_clip *clip = ami_retarget(mocap, &def, "fuzz", NULL, &err);
    demand(clip || err.text[0]);
    ami_clip_destroy(clip);
    ami_mocap_destroy(mocap);
    return 0;
}
