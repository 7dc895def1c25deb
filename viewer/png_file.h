/* Writes pictures as PNG files, by libpng. */
#ifndef AMI_VIEWER_PNG_FILE_H
#define AMI_VIEWER_PNG_FILE_H

#include "base/error.h"

/* rgb (height, width, 3), the bottom row first, as OpenGL gives it. Replaces `path` as a whole or not at all.
 */
bool ami_png_write(const char *path, const unsigned char *rgb, int width, int height, ami_error *err);

#endif
