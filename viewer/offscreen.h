/* An OpenGL context without a window or a display: EGL (surfaceless, else the first device that works), else
 * OSMesa if it is installed.
 *
 * The libraries are loaded when they are needed, so everything else runs on a machine without them. MuJoCo's
 * renderer then draws into its own offscreen buffer. The context is current in the thread that opened it. */
#ifndef AMI_VIEWER_OFFSCREEN_H
#define AMI_VIEWER_OFFSCREEN_H

#include "base/error.h"

typedef struct ami_offscreen ami_offscreen;

/* NULL and one sentence with both reasons where neither works. `backend`: "egl", "osmesa", or NULL for the
 * first that works. */
ami_offscreen *ami_offscreen_open(const char *backend, ami_error *err);
void ami_offscreen_close(ami_offscreen *offscreen); /* NULL is fine */

/* Makes it current in the calling thread, which need not be the one that opened it, until
 * ami_offscreen_leave, which restores the previous context if that was EGL's. */
bool ami_offscreen_enter(ami_offscreen *offscreen);
void ami_offscreen_leave(ami_offscreen *offscreen);

const char *ami_offscreen_name(const ami_offscreen *offscreen); /* "EGL (surfaceless)", "EGL (device)",
                                                                   "OSMesa" */

#endif
