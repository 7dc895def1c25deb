/* Checkpoints. A writer appends sections to one growing block, which is the file without its trailer. A
 * reader keeps the file as one block and walks it to find sections, after all bounds and checksums were
 * checked. */
#include "base/checkpoint.h"

#include "base/file.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { VERSION = 1, NAME = AMI_CHECKPOINT_NAME, FILE_HEAD = 32, SECTION_HEAD = NAME + 16, TRAILER = 4 };
enum { AT_VERSION = 8, AT_SECTIONS = 12, AT_SIZE = 16, AT_ORDER = 24 }; /* in the file's header */
static const char magic[8] = {'A', 'M', 'B', 'L', 'E', 'C', 'K', 'P'};
static const size_t largest_file = (size_t)4 << 30;

struct ami_checkpoint_writer {
    uint8_t *data;
    size_t size, capacity;
    uint32_t sections;
};

struct ami_checkpoint {
    char *path;
    uint8_t *data;
    size_t size;
    uint32_t sections;
};

static size_t padded(size_t size)
{
    return (size + 7) / 8 * 8;
}

/* Integers are stored little endian, whatever the machine. */
static void put_le(uint8_t *to, uint64_t x, int bytes)
{
    for (int i = 0; i < bytes; i++)
        to[i] = (uint8_t)(x >> (8 * i));
}

static uint64_t get_le(const uint8_t *from, int bytes)
{
    uint64_t x = 0;
    for (int i = 0; i < bytes; i++)
        x |= (uint64_t)from[i] << (8 * i);
    return x;
}

/* A number in the writer's own byte order: detects files of machines with another one. */
static const uint32_t order_mark = 0x01020304u;

/* Appends `size` zero bytes and returns them; NULL when memory is short. */
static uint8_t *grow(ami_checkpoint_writer *w, size_t size)
{
    if (size > largest_file - TRAILER || w->size > largest_file - TRAILER - size)
        return NULL;
    if (w->size + size + TRAILER > w->capacity) {
        const size_t capacity = (w->size + size) / 2 * 3 + 1024;
        uint8_t *data = realloc(w->data, capacity);
        if (!data)
            return NULL;
        w->data = data;
        w->capacity = capacity;
    }
    uint8_t *at = w->data + w->size;
    memset(at, 0, size);
    w->size += size;
    return at;
}

/* The header of the section of this name, or NULL; the sections must have been checked. */
static const uint8_t *find(const uint8_t *file, uint32_t sections, const char *name)
{
    const uint8_t *head = file + FILE_HEAD;
    for (uint32_t i = 0; i < sections; i++) {
        if (!strcmp((const char *)head, name))
            return head;
        head += SECTION_HEAD + padded((size_t)get_le(head + NAME, 8));
    }
    return NULL;
}

ami_checkpoint_writer *ami_checkpoint_writer_create(ami_error *err)
{
    ami_checkpoint_writer *w = calloc(1, sizeof *w);
    uint8_t *head = w ? grow(w, FILE_HEAD) : NULL;
    if (!head) {
        ami_fail(err, "out of memory for a checkpoint");
        free(w);
        return NULL;
    }
    memcpy(head, magic, sizeof magic);
    put_le(head + AT_VERSION, VERSION, 4);
    memcpy(head + AT_ORDER, &order_mark, sizeof order_mark);
    return w;
}

void ami_checkpoint_writer_destroy(ami_checkpoint_writer *writer)
{
    if (!writer)
        return;
    free(writer->data);
    free(writer);
}

bool ami_checkpoint_put(ami_checkpoint_writer *writer, const char *name, const void *data, size_t size,
                        ami_error *err)
{
    const size_t length = strlen(name);
    if (length < 1 || length >= NAME)
        return ami_fail(err, "checkpoint: section name \"%s\" has %zu characters, expected 1 to %d", name,
                        length, NAME - 1);
    if (find(writer->data, writer->sections, name))
        return ami_fail(err, "checkpoint: section \"%s\" was already added", name);
    uint8_t *head = size < largest_file ? grow(writer, SECTION_HEAD + padded(size)) : NULL;
    if (!head)
        return ami_fail(err,
                        "checkpoint: section \"%s\" of %zu bytes, behind %zu others, is too much for memory "
                        "or for the %zu bytes that a "
                        "checkpoint may have",
                        name, size, writer->size, largest_file);
    memcpy(head, name, length);
    put_le(head + NAME, size, 8);
    put_le(head + NAME + 8, ami_crc32c(0, data, size), 4);
    if (size)
        memcpy(head + SECTION_HEAD, data, size);
    put_le(writer->data + AT_SECTIONS, ++writer->sections, 4);
    return true;
}

bool ami_checkpoint_save(ami_checkpoint_writer *writer, const char *path, ami_error *err)
{
    put_le(writer->data + AT_SIZE, writer->size + TRAILER, 8);
    /* grow() left space for the trailer; more sections may replace it */
    put_le(writer->data + writer->size, ami_crc32c(0, writer->data, writer->size), TRAILER);
    return ami_file_write(path, writer->data, writer->size + TRAILER, err);
}

static bool check_head(const ami_checkpoint *c, ami_error *err)
{
    const size_t there = c->size < sizeof magic ? c->size : sizeof magic;
    if (!there || memcmp(c->data, magic, there))
        return ami_fail(err, "%s: not a checkpoint of amble (%zu bytes that do not begin with \"AMBLECKP\")",
                        c->path, c->size);
    if (c->size < FILE_HEAD + TRAILER)
        return ami_fail(err, "%s: cut short: %zu bytes found, expected at least %d", c->path, c->size,
                        FILE_HEAD + TRAILER);
    const unsigned version = (unsigned)get_le(c->data + AT_VERSION, 4);
    if (version != VERSION)
        return ami_fail(err, "%s: checkpoint version %u found, expected %d", c->path, version, VERSION);
    if (memcmp(c->data + AT_ORDER, &order_mark, sizeof order_mark))
        return ami_fail(err,
                        "%s: byte order mark %08x found, expected %08x: it was written on a machine of "
                        "another byte order",
                        c->path, (unsigned)get_le(c->data + AT_ORDER, 4),
                        (unsigned)get_le((const uint8_t *)&order_mark, 4));
    const uint64_t size = get_le(c->data + AT_SIZE, 8);
    if (size != c->size)
        return ami_fail(err, "%s: %s: %zu bytes found, expected %llu", c->path,
                        c->size < size ? "cut short" : "damaged", c->size, (unsigned long long)size);
    return true;
}

static bool check(const ami_checkpoint *c, ami_error *err)
{
    if (!check_head(c, err))
        return false;
    const size_t end = c->size - TRAILER;
    size_t at = FILE_HEAD;
    for (uint32_t i = 0; i < c->sections; i++) {
        if (end - at < SECTION_HEAD)
            return ami_fail(err, "%s: damaged: section %u of %u should begin at byte %zu of %zu", c->path,
                            i + 1, c->sections, at, end);
        const uint8_t *head = c->data + at;
        const uint64_t size = get_le(head + NAME, 8);
        at += SECTION_HEAD;
        if (!head[0] || head[NAME - 1])
            return ami_fail(err, "%s: damaged: section %u of %u has no valid name", c->path, i + 1,
                            c->sections);
        if (size > end - at || padded((size_t)size) > end - at)
            return ami_fail(err, "%s: damaged: section \"%s\" claims %llu bytes at byte %zu of %zu", c->path,
                            (const char *)head, (unsigned long long)size, at, end);
        if (ami_crc32c(0, c->data + at, (size_t)size) != get_le(head + NAME + 8, 4))
            return ami_fail(err, "%s: damaged: the checksum of section \"%s\" is wrong", c->path,
                            (const char *)head);
        at += padded((size_t)size);
    }
    if (at != end)
        return ami_fail(err, "%s: damaged: its sections end at byte %zu, expected %zu", c->path, at, end);
    if (ami_crc32c(0, c->data, end) != get_le(c->data + end, TRAILER))
        return ami_fail(err, "%s: damaged: its checksum is wrong", c->path);
    return true;
}

ami_checkpoint *ami_checkpoint_read(const char *path, ami_error *err)
{
    ami_checkpoint *c = calloc(1, sizeof *c);
    if (!c || !(c->path = strdup(path))) {
        ami_fail(err, "out of memory for a checkpoint");
        free(c);
        return NULL;
    }
    c->data = ami_file_read(path, largest_file, &c->size, err);
    if (c->data && c->size >= FILE_HEAD)
        c->sections = (uint32_t)get_le(c->data + AT_SECTIONS, 4);
    if (!c->data || !check(c, err)) {
        ami_checkpoint_destroy(c);
        return NULL;
    }
    return c;
}

void ami_checkpoint_destroy(ami_checkpoint *checkpoint)
{
    if (!checkpoint)
        return;
    free(checkpoint->path);
    free(checkpoint->data);
    free(checkpoint);
}

const char *ami_checkpoint_path(const ami_checkpoint *checkpoint)
{
    return checkpoint->path;
}

bool ami_checkpoint_is_current(const ami_checkpoint *checkpoint, ami_error *err)
{
    size_t size;
    uint8_t *now = ami_file_read(checkpoint->path, largest_file, &size, err);
    if (!now)
        return false;
    const bool same = size == checkpoint->size && !memcmp(now, checkpoint->data, size);
    free(now);
    return same ||
           ami_fail(err, "%s: was replaced after it was read; is another run continuing from it? Try again",
                    checkpoint->path);
}

const void *ami_checkpoint_find(const ami_checkpoint *checkpoint, const char *name, size_t *size)
{
    const uint8_t *head = find(checkpoint->data, checkpoint->sections, name);
    if (!head)
        return NULL;
    *size = (size_t)get_le(head + NAME, 8);
    return head + SECTION_HEAD;
}

bool ami_checkpoint_get(const ami_checkpoint *checkpoint, const char *name, void *out, size_t size,
                        ami_error *err)
{
    size_t found;
    const void *data = ami_checkpoint_find(checkpoint, name, &found);
    if (!data)
        return ami_fail(err, "%s: no section \"%s\" in it; is it a checkpoint of amble train?",
                        checkpoint->path, name);
    if (found != size)
        return ami_fail(err,
                        "%s: section \"%s\" has %zu bytes, expected %zu: it was made with other settings or "
                        "network sizes, or by another "
                        "version of amble",
                        checkpoint->path, name, found, size);
    if (size)
        memcpy(out, data, size);
    return true;
}
