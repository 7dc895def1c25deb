/* Writing clips as BVH. */
#include "motion/bvh.h"

#include "base/number.h"
#include "motion/export.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const double cm = 100;

/* Rotations about z, then x, then y (of the turned frames), degrees, near `last`. */
static void euler_of(const double q[4], const double last[3], double out[3])
{
    const double w = q[0], x = q[1], y = q[2], z = q[3];
    const double r01 = 2 * (x * y - w * z), r11 = 1 - 2 * (x * x + z * z), r21 = 2 * (y * z + w * x),
                 r20 = 2 * (x * z - w * y), r22 = 1 - 2 * (x * x + y * y), flat = hypot(r20, r22);
    if (flat > 1e-7) {
        out[0] = atan2(0 - r01, r11);
        out[2] = atan2(0 - r20, r22);
    } else {
        out[0] = atan2(2 * (x * y + w * z), 1 - 2 * (y * y + z * z));
        out[2] = 0;
    }
    out[1] = atan2(r21, flat);
    for (int k = 0; k < 3; k++) {
        out[k] *= 180 / M_PI;
        out[k] += 360 * round((last[k] - out[k]) / 360);
    }
}

static void write_rows(FILE *out, int row, int depth)
{
    const bool root = row == 0;
    double at[3];
    ami_export_offset(row, at);
    fprintf(out, "%*s%s %s\n%*s{\n", depth, "", root ? "ROOT" : "JOINT", ami_export_joints[row].name, depth,
            "");
    ami_number_fprintf(out, "%*sOFFSET %.4f %.4f %.4f\n", depth + 2, "", at[0] * cm, at[1] * cm, at[2] * cm);
    fprintf(out, "%*sCHANNELS %s Zrotation Xrotation Yrotation\n", depth + 2, "",
            root ? "6 Xposition Yposition Zposition" : "3");
    bool last = true;
    for (int r = row + 1; r < AMI_EXPORT_JOINTS; r++)
        if (ami_export_joints[r].parent == row) {
            write_rows(out, r, depth + 2);
            last = false;
        }
    if (last) {
        ami_export_tip(row, at);
        ami_number_fprintf(out, "%*sEnd Site\n%*s{\n%*sOFFSET %.4f %.4f %.4f\n%*s}\n", depth + 2, "",
                           depth + 2, "", depth + 4, "", at[0] * cm, at[1] * cm, at[2] * cm, depth + 2, "");
    }
    fprintf(out, "%*s}\n", depth, "");
}

static bool is_even(const ami_clip *clip)
{
    const double *time = ami_clip_times(clip);
    const int n = ami_clip_frames(clip);
    const double step = ami_clip_duration(clip) / (n - 1);
    for (int f = 0; f < n; f++)
        if (fabs(time[f] - f * step) > 1e-6)
            return false;
    return true;
}

char *ami_bvh_encode(const ami_clip *clip, size_t *size, ami_error *err)
{
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out) {
        ami_fail(err, "out of memory for the text of a clip");
        return NULL;
    }
    const int n = ami_clip_frames(clip);
    const bool even = is_even(clip);
    const double step = ami_clip_duration(clip) / (n - 1);
    fputs("HIERARCHY\n", out);
    write_rows(out, 0, 0);
    ami_number_fprintf(out, "MOTION%s\nFrames: %d\nFrame Time: %.9f\n",
                       ami_clip_loops(clip)           ? AMI_BVH_LOOP
                       : ami_clip_loop_is_known(clip) ? AMI_BVH_NO_LOOP
                                                      : "",
                       n, step);
    double last[AMI_EXPORT_JOINTS][3] = {{0}};
    for (int f = 0; f < n; f++) {
        double pose[AMI_POSE];
        if (even || f == 0 || f == n - 1)
            memcpy(pose, ami_clip_poses(clip) + (size_t)f * AMI_POSE, sizeof pose);
        else
            ami_clip_sample(clip, f * step, pose, NULL);
        double at[3];
        ami_export_place(pose, at);
        ami_number_fprintf(out, "%.5f %.5f %.5f", at[0] * cm, at[1] * cm, at[2] * cm);
        for (int row = 0; row < AMI_EXPORT_JOINTS; row++) {
            double q[4], angle[3];
            ami_export_rotation(pose, row, q);
            euler_of(q, last[row], angle);
            memcpy(last[row], angle, sizeof angle);
            ami_number_fprintf(out, " %.5f %.5f %.5f", angle[0], angle[1], angle[2]);
        }
        fputc('\n', out);
    }
    const bool whole = !ferror(out);
    if (fclose(out) != 0 || !whole) {
        free(text);
        ami_fail(err, "out of memory for the text of a clip");
        return NULL;
    }
    return text;
}
