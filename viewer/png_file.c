/* Writes PNG files. */
#include "viewer/png_file.h"

#include "base/file.h"

#include <png.h>
#include <stdlib.h>
#include <string.h>

bool ami_png_write(const char *path, const unsigned char *rgb, int width, int height, ami_error *err)
{
    png_image image = {.version = PNG_IMAGE_VERSION,
                       .width = (png_uint_32)width,
                       .height = (png_uint_32)height,
                       .format = PNG_FORMAT_RGB};
    const png_int_32 stride = -3 * width; /* negative: the buffer's last row is the picture's first */
    png_alloc_size_t size = 0;
    if (!png_image_write_get_memory_size(image, size, 0, rgb, stride, NULL))
        return ami_fail(err, "%s: %s", path, image.message);
    void *bytes = malloc(size);
    bool ok = bytes || ami_fail(err, "out of memory for %s", path);
    if (ok && !png_image_write_to_memory(&image, bytes, &size, 0, rgb, stride, NULL))
        ok = ami_fail(err, "%s: %s", path, image.message);
    ok = ok && ami_file_write(path, bytes, size, err);
    free(bytes);
    return ok;
}
