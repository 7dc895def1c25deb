/* A filmstrip: poses of one cycle side by side, a motion a row with its name, as one picture; without window
 * and physics. */
#ifndef AMB_VIEWER_STRIP_H
#define AMB_VIEWER_STRIP_H

#include "base/error.h"

enum { AMB_STRIP_ROWS = 24 };

typedef struct amb_strip_def {
    const char *file;                /* PNG */
    const char *row[AMB_STRIP_ROWS]; /* a clip's file, or a style: a name or a mixture of named ones */
    int rows;                        /* 0: every named style */
    int poses;                       /* in a row, at even shares of the cycle, the first at its beginning */
    int width;                       /* pixels; the height follows from the rows */
    const char *backend;             /* as in amb_offscreen_open */
} amb_strip_def;

/* False and a sentence. */
bool amb_strip_make(const amb_strip_def *def, amb_error *err);

#endif
