/* A filmstrip: poses of one cycle side by side in one picture, a row with a name for each motion; without
 * window and physics. */
#ifndef AMI_VIEWER_STRIP_H
#define AMI_VIEWER_STRIP_H

#include "base/error.h"
#include "policy/followed.h"

enum { AMI_STRIP_ROWS = 24 };

typedef struct ami_strip_def {
    const char *file;                /* PNG */
    const char *row[AMI_STRIP_ROWS]; /* a clip's file, or a style: a name or a mixture of named ones */
    int rows;                        /* 0: every named style */
    int poses;                       /* in a row, evenly spaced over the cycle, the first at its beginning */
    int width;                       /* pixels; the height follows from the rows */
    const char *backend;             /* as in ami_offscreen_open */
    ami_style_request style;         /* files of --styles, --decoder and --deepphase; NULL: amble's own */
    const char *clips;               /* folder of motion clips, or NULL */
} ami_strip_def;

/* False and a sentence on error. */
bool ami_strip_make(const ami_strip_def *def, ami_error *err);

#endif
