/* Runs a fuzz target (LLVMFuzzerTestOneInput, tests/fuzz/fuzz_*.c) where there is no libFuzzer: every file of
 * the given folders and files as it is, then mutations of them.
 *
 *   fuzz_NAME [-runs=N] [-seed=N] PATH...
 *
 * The same runs and seed on the same files make the same inputs on every machine: what CI runs can be run
 * again. Follows no coverage, keeps no findings: a crash is the sanitizer's or abort()'s to report. */
#include "base/file.h"
#include "base/rng.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { MAX_FILES = 4096, MAX_BYTES = 1 << 20, ROOM = 1 << 21 };

typedef struct input {
    char *path;
    uint8_t *bytes;
    size_t size;
} input;

static input files[MAX_FILES];
static int count;

static void die(const char *what)
{
    fprintf(stderr, "%s\n", what);
    exit(2);
}

static void add_file(const char *path)
{
    ami_error err = {0};
    if (count == MAX_FILES)
        die("too many files");
    input *in = &files[count++];
    in->path = strdup(path);
    in->bytes = ami_file_read(path, MAX_BYTES, &in->size, &err);
    if (!in->bytes)
        die(err.text);
}

static void add_path(const char *path)
{
    DIR *dir = opendir(path);
    if (!dir) {
        add_file(path);
        return;
    }
    for (struct dirent *e; (e = readdir(dir));) {
        char name[1024];
        snprintf(name, sizeof name, "%s/%s", path, e->d_name);
        if (e->d_name[0] != '.')
            add_file(name);
    }
    closedir(dir);
}

/* Folders list their files in any order. */
static int by_path(const void *a, const void *b)
{
    return strcmp(((const input *)a)->path, ((const input *)b)->path);
}

/* The bytes in memory of just that size, so that a sanitizer sees a read behind them. */
static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *exact = malloc(size ? size : 1);
    if (!exact)
        die("not enough memory");
    memcpy(exact, bytes, size);
    LLVMFuzzerTestOneInput(exact, size);
    free(exact);
}

/* Numbers at which readers go wrong, in one to ten bytes as protocol buffers write them. */
static size_t put_number(ami_rng *rng, uint8_t *out)
{
    static const uint64_t bases[] = {0,     1,       127,       128,        255,       65535,
                                     65536, 1 << 20, INT32_MAX, UINT32_MAX, INT64_MAX, UINT64_MAX};
    uint64_t value = bases[ami_rng_below(rng, sizeof bases / sizeof *bases)] + ami_rng_below(rng, 3) - 1;
    size_t n = 0;
    for (; value > 127; value >>= 7)
        out[n++] = (uint8_t)(value | 128);
    out[n++] = (uint8_t)value;
    return n;
}

/* Replaces `gone` bytes at `at` by `come` new ones. */
static size_t splice(uint8_t *bytes, size_t size, size_t at, size_t gone, const uint8_t *with, size_t come)
{
    if (gone > size - at)
        gone = size - at;
    if (size - gone + come > ROOM)
        return size;
    memmove(bytes + at + come, bytes + at + gone, size - at - gone);
    memcpy(bytes + at, with, come);
    return size - gone + come;
}

static size_t mutate(ami_rng *rng, uint8_t *bytes, size_t size)
{
    size_t at = size ? ami_rng_below(rng, (uint32_t)size) : 0, length = 1 + ami_rng_below(rng, 16);
    uint8_t fresh[16];
    const input *other = &files[ami_rng_below(rng, (uint32_t)count)];
    /* Half of them keep the size, because formats full of lengths fall apart at once where it changes. */
    uint32_t kind = size ? ami_rng_below(rng, 16) : 4;
    switch (kind < 8 ? kind : kind & 1) {
    case 0:
        bytes[at] ^= (uint8_t)(1u << ami_rng_below(rng, 8));
        return size;
    case 1:
        bytes[at] = (uint8_t)ami_rng_next(rng);
        return size;
    case 2:
        length = put_number(rng, fresh);
        return splice(bytes, size, at, ami_rng_below(rng, 8) ? length : 1, fresh, length);
    case 3: /* remove */
        return splice(bytes, size, at, length, fresh, 0);
    case 4: /* insert */
        for (size_t i = 0; i < length; i++)
            fresh[i] = (uint8_t)ami_rng_next(rng);
        return splice(bytes, size, at, 0, fresh, length);
    case 5: { /* repeat a piece of itself elsewhere */
        size_t from = ami_rng_below(rng, (uint32_t)size);
        length = length < size - from ? length : size - from;
        memcpy(fresh, bytes + from, length);
        return splice(bytes, size, at, ami_rng_below(rng, 8) ? length : 0, fresh, length);
    }
    case 6: { /* a piece of another file, of any length */
        size_t from = other->size ? ami_rng_below(rng, (uint32_t)other->size) : 0;
        length = 1 + ami_rng_below(rng, 200);
        length = length < other->size - from ? length : other->size - from;
        return splice(bytes, size, at, ami_rng_below(rng, 8) ? length : 0, other->bytes + from, length);
    }
    default:
        return ami_rng_below(rng, 8) ? size : at; /* cut off */
    }
}

int main(int argc, char **argv)
{
    unsigned long runs = 0, seed = 1;
    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "-runs=", 6) == 0)
            runs = strtoul(argv[i] + 6, NULL, 10);
        else if (strncmp(argv[i], "-seed=", 6) == 0)
            seed = strtoul(argv[i] + 6, NULL, 10);
        else
            add_path(argv[i]);
    }
    if (count == 0)
        die("no files: fuzz_NAME [-runs=N] [-seed=N] PATH...");
    qsort(files, (size_t)count, sizeof *files, by_path);
    for (int i = 0; i < count; i++)
        run(files[i].bytes, files[i].size);
    ami_rng rng = ami_rng_seed(seed, 0);
    uint8_t *bytes = malloc(ROOM);
    if (!bytes)
        die("not enough memory");
    for (unsigned long r = 0; r < runs; r++) {
        const input *in = &files[ami_rng_below(&rng, (uint32_t)count)];
        size_t size = in->size;
        memcpy(bytes, in->bytes, size);
        for (uint32_t m = 1 + ami_rng_below(&rng, 3); m > 0; m--)
            size = mutate(&rng, bytes, size);
        run(bytes, size);
    }
    printf("%d files and %lu mutations of them: nothing found\n", count, runs);
    free(bytes);
    for (int i = 0; i < count; i++) {
        free(files[i].path);
        free(files[i].bytes);
    }
    return 0;
}
