/* Fuzzes the reader of binary glTF: no crash, no leak, no more numbers than it promises, and numbers that are finite; a
 * sentence where nothing comes out. */
#include "motion/glb.h"

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
    ami_glb_looks_like(data, size);
    ami_mocap *mocap = ami_glb_decode(data, size, &err);
    if (mocap) {
        const size_t count = (size_t)mocap->frames * (size_t)mocap->channels;
        demand(count > 0 && count <= AMI_GLB_VALUES);
        for (size_t i = 0; i < count; i++)
            demand(isfinite(mocap->value[i]));
        for (int j = 0; j < mocap->joints; j++)
            demand(mocap->joint[j].parent < j && mocap->joint[j].parent >= (j > 0 ? 0 : -1));
    } else {
        demand(err.text[0] != 0);
        for (const char *c = err.text; *c; c++)
            demand((unsigned char)*c >= ' ' && *c != 127);
    }
    ami_mocap_destroy(mocap);
    return 0;
}
