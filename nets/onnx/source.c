/* Files beside a model that hold its larger tensors.
 *
 * Opens nothing outside the model's folder, and nothing that is not a regular file. Reads each file once and
 * whole. */
#include "nets/onnx/source.h"

#include "base/file.h"
#include "nets/onnx/text.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct ami_onnx_beside {
    ami_onnx_beside *next;
    dev_t device; /* these two identify the file, whatever its name */
    ino_t inode;
    uint8_t *bytes;
    size_t size;
};

/* "123" into *value; false for anything else. */
static bool parse_number(const char *text, size_t *value)
{
    *value = 0;
    for (const char *c = text; *c; c++) {
        if (*c < '0' || *c > '9' || __builtin_mul_overflow(*value, (size_t)10, value) ||
            __builtin_add_overflow(*value, (size_t)(*c - '0'), value))
            return false;
    }
    return text[0] != 0;
}

typedef struct range {
    const char *location;
    size_t offset, length;
    bool has_length;
} range;

static bool read_range(const AmiOnnx__Tensor *tensor, range *r, ami_error *err)
{
    const char *seen[3] = {NULL};
    static const char *const keys[3] = {"location", "offset", "length"};
    for (size_t i = 0; i < tensor->n_external_data; i++) {
        const char *key = ami_onnx_text(tensor->external_data[i]->key);
        for (int k = 0; k < 3; k++) {
            if (strcmp(key, keys[k]) != 0)
                continue; /* others, such as a checksum, are not needed here */
            if (seen[k])
                return ami_fail(err, "its external data gives '%s' twice", key);
            seen[k] = ami_onnx_text(tensor->external_data[i]->value);
        }
    }
    *r = (range){.location = seen[0], .has_length = seen[2]};
    if (!r->location || !r->location[0])
        return ami_fail(err, "its external data has no location, a file's name was expected");
    if ((seen[1] && !parse_number(seen[1], &r->offset)) || (seen[2] && !parse_number(seen[2], &r->length))) {
        return ami_fail(err, "its external data has offset %s and length %s, numbers of bytes were expected",
                        ami_onnx_show(ami_onnx_text(seen[1])).text,
                        ami_onnx_show(ami_onnx_text(seen[2])).text);
    }
    return true;
}

static bool has_dotdot(const char *location)
{
    for (const char *part = location; part; part = strchr(part, '/')) {
        part += *part == '/';
        if (strncmp(part, "..", 2) == 0 && (part[2] == '/' || part[2] == 0))
            return true;
    }
    return false;
}

/* The location's real path in `real` (PATH_MAX), made sure to lie in the model's folder. */
static bool resolve(const char *model, const char *location, char *real, ami_error *err)
{
    ami_onnx_shown shown = ami_onnx_show(location);
    if (location[0] == '/' || has_dotdot(location)) {
        return ami_fail(err, "its data is external, in %s, a file in the model's own folder was expected",
                        shown.text);
    }
    const char *slash = strrchr(model, '/');
    size_t folder_length = slash ? (size_t)(slash - model) + 1 : 0;
    char joined[PATH_MAX], folder[PATH_MAX];
    if (folder_length + strlen(location) + 3 > sizeof joined)
        return ami_fail(err, "its data is external, in %s, a name too long for this system", shown.text);
    memcpy(joined, folder_length ? model : "./", folder_length ? folder_length : 2);
    joined[folder_length ? folder_length : 2] = 0;
    if (!realpath(joined, folder))
        return ami_fail(err, "its data is external, and the model's folder cannot be examined: %s",
                        strerror(errno));
    strcat(joined, location);
    if (!realpath(joined, real))
        return ami_fail(err, "its data is external, in %s: %s", shown.text, strerror(errno));
    size_t n = strlen(folder);
    if (strncmp(real, folder, n) != 0 || (real[n] != '/' && strcmp(folder, "/") != 0)) {
        return ami_fail(err, "its data is external, in %s, a link that leads out of the model's folder",
                        shown.text);
    }
    return true;
}

static const ami_onnx_beside *open_beside(ami_onnx_source *source, const char *location, ami_error *err)
{
    char real[PATH_MAX];
    struct stat st;
    ami_onnx_shown shown = ami_onnx_show(location);
    if (!resolve(source->path, location, real, err))
        return NULL;
    if (stat(real, &st) != 0) {
        ami_fail(err, "its data is external, in %s: %s", shown.text, strerror(errno));
        return NULL;
    }
    size_t left = AMI_ONNX_MAX_BYTES;
    for (ami_onnx_beside *b = source->beside; b; b = b->next) {
        if (b->device == st.st_dev && b->inode == st.st_ino)
            return b;
        left -= b->size;
    }
    ami_onnx_beside *b = calloc(1, sizeof *b);
    ami_error why = {0};
    if (b)
        b->bytes = ami_file_read(real, left, &b->size, &why);
    if (!b || !b->bytes) {
        const char *reason =
            strncmp(why.text, real, strlen(real)) == 0 ? why.text + strlen(real) : ": not enough memory";
        ami_fail(err, "its data is external, in %s%s", shown.text, reason);
        free(b);
        return NULL;
    }
    b->device = st.st_dev;
    b->inode = st.st_ino;
    b->next = source->beside;
    source->beside = b;
    return b;
}

const uint8_t *ami_onnx_source_external(ami_onnx_source *source, const AmiOnnx__Tensor *tensor, size_t *size,
                                        ami_error *err)
{
    range r = {0};
    if (tensor->data_location != 1) {
        ami_fail(err, "its data is at location number %" PRId32 ", 0 (inside) or 1 (external) was expected",
                 tensor->data_location);
        return NULL;
    }
    if (!source->path) {
        ami_fail(err, "its data is external, in another file, which a model read from memory does not have");
        return NULL;
    }
    if (!read_range(tensor, &r, err))
        return NULL;
    const ami_onnx_beside *b = open_beside(source, r.location, err);
    if (!b)
        return NULL;
    ami_onnx_shown shown = ami_onnx_show(r.location);
    if (r.offset > b->size || (r.has_length && r.length > b->size - r.offset)) {
        if (!r.has_length)
            r.length = 0;
        ami_fail(err, "its external data is %zu bytes from %zu on in %s, which has only %zu", r.length,
                 r.offset, shown.text, b->size);
        return NULL;
    }
    *size = r.has_length ? r.length : b->size - r.offset;
    return b->bytes + r.offset;
}

void ami_onnx_source_close(ami_onnx_source *source)
{
    while (source->beside) {
        ami_onnx_beside *next = source->beside->next;
        free(source->beside->bytes);
        free(source->beside);
        source->beside = next;
    }
}
