/* An OpenGL context without a window or a display: EGL (surfaceless, else the first device that works), else
 * OSMesa, where that is installed.
 *
 * The libraries are opened when they are needed, so a machine without them runs everything else. MuJoCo's
 * renderer then draws into its own offscreen buffer. The context is current in the thread that opened it. */
#ifndef AMI_VIEWER_OFFSCREEN_H
#define AMI_VIEWER_OFFSCREEN_H

#include "base/error.h"

typedef struct ami_offscreen ami_offscreen;

/* NULL and one sentence with both reasons where neither works. `backend`: "egl", "osmesa", or NULL for the
 * first that works. */
ami_offscreen *ami_offscreen_open(const char *backend, ami_error *err);
void ami_offscreen_close(ami_offscreen *offscreen); /* NULL is fine */

const char *ami_offscreen_name(const ami_offscreen *offscreen); /* "EGL (surfaceless)", "EGL (device)",
                                                                   "OSMesa" */

#endif
