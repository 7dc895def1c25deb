/* Pictures as PNG files, by libpng. */
#ifndef AMB_VIEWER_PNG_FILE_H
#define AMB_VIEWER_PNG_FILE_H

#include "base/error.h"

/* rgb (height, width, 3), the bottom row first, as OpenGL gives it. Replaces `path` as a whole or not at all.
 */
bool amb_png_write(const char *path, const unsigned char *rgb, int width, int height, amb_error *err);

#endif
