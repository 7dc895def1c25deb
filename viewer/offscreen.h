/* An OpenGL context without a window or a display: EGL (surfaceless, else the first device that works), else
 * OSMesa, where that is installed.
 *
 * The libraries are opened when they are needed, so a machine without them runs everything else. MuJoCo's
 * renderer then draws into its own offscreen buffer. The context is current in the thread that opened it. */
#ifndef AMB_VIEWER_OFFSCREEN_H
#define AMB_VIEWER_OFFSCREEN_H

#include "base/error.h"

typedef struct amb_offscreen amb_offscreen;

/* NULL and one sentence with both reasons where neither works. `backend`: "egl", "osmesa", or NULL for the
 * first that works. */
amb_offscreen *amb_offscreen_open(const char *backend, amb_error *err);
void amb_offscreen_close(amb_offscreen *offscreen); /* NULL is fine */

const char *amb_offscreen_name(const amb_offscreen *offscreen); /* "EGL (surfaceless)", "EGL (device)",
                                                                   "OSMesa" */

#endif
