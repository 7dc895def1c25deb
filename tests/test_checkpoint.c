/* base/checkpoint: sections are read as they were written; damaged, shortened or other files are errors. */
#include "base/checkpoint.h"
#include "base/file.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "tests/scratch.h"

#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

enum { HEAD = 32 }; /* as checkpoint.h describes the layout */

static char path[256], other[256];

static void fill(uint8_t *data, size_t size, unsigned seed)
{
    for (size_t i = 0; i < size; i++)
        data[i] = (uint8_t)((seed = seed * 1664525u + 1013904223u) >> 24);
}

/* A small checkpoint of three sections at `path`. */
static void save_small(void)
{
    ami_error err = {""};
    const uint8_t five[5] = {1, 2, 3, 4, 5}, eight[8] = {9, 8, 7, 6, 5, 4, 3, 2};
    ami_checkpoint_writer *w = ami_checkpoint_writer_create(&err);
    assert_non_null(w);
    assert_true(ami_checkpoint_put(w, "five", five, sizeof five, &err));
    assert_true(ami_checkpoint_put(w, "nothing", NULL, 0, &err));
    assert_true(ami_checkpoint_put(w, "eight", eight, sizeof eight, &err));
    assert_true(ami_checkpoint_save(w, path, &err));
    ami_checkpoint_writer_destroy(w);
}

/* The file must be refused, with a sentence that begins with its name. */
static void refused(const char *name, const char *because)
{
    ami_error err = {""};
    ami_checkpoint *c = ami_checkpoint_read(name, &err);
    if (c)
        fail_msg("%s was taken", because);
    assert_memory_equal(err.text, name, strlen(name));
    if (!strstr(err.text, because))
        fail_msg("\"%s\" does not say \"%s\"", err.text, because);
}

static void put32(uint8_t *to, uint32_t x)
{
    for (int i = 0; i < 4; i++)
        to[i] = (uint8_t)(x >> (8 * i));
}

static void test_round_trip(void **state)
{
    (void)state;
    static const size_t size[] = {0, 1, 7, 8, 9, 47, 100003, 1 << 20};
    enum { N = sizeof size / sizeof *size };
    uint8_t *data[N];
    char name[N][48];
    ami_error err = {""};
    ami_checkpoint_writer *w = ami_checkpoint_writer_create(&err);
    assert_non_null(w);
    for (int i = 0; i < N; i++) {
        data[i] = malloc(size[i] + 1);
        assert_non_null(data[i]);
        fill(data[i], size[i], (unsigned)i + 1);
        memset(name[i], 'a' + i, 47); /* the longest name */
        name[i][i + 40 < 47 ? i + 40 : 47] = 0;
        assert_true(ami_checkpoint_put(w, name[i], data[i], size[i], &err));
    }
    assert_true(ami_checkpoint_save(w, path, &err));
    ami_checkpoint_writer_destroy(w);

    ami_checkpoint *c = ami_checkpoint_read(path, &err);
    if (!c)
        fail_msg("%s", err.text);
    assert_string_equal(ami_checkpoint_path(c), path);
    for (int i = 0; i < N; i++) {
        size_t found = 77;
        const void *at = ami_checkpoint_find(c, name[i], &found);
        assert_non_null(at);
        assert_int_equal(found, size[i]);
        assert_int_equal((uintptr_t)at % 8, 0);
        assert_memory_equal(at, data[i], size[i]);
        uint8_t *back = malloc(size[i] + 1);
        assert_non_null(back);
        back[size[i]] = 0x5a;
        assert_true(ami_checkpoint_get(c, name[i], back, size[i], &err));
        assert_memory_equal(back, data[i], size[i]);
        assert_int_equal(back[size[i]], 0x5a);
        free(back);
        free(data[i]);
    }
    ami_checkpoint_destroy(c);
}

static void test_missing_and_wrong_size(void **state)
{
    (void)state;
    save_small();
    ami_error err = {""};
    ami_checkpoint *c = ami_checkpoint_read(path, &err);
    assert_non_null(c);
    uint8_t out[6] = {0xee, 0xee, 0xee, 0xee, 0xee, 0xee}, untouched[6];
    memcpy(untouched, out, sizeof out);
    size_t size = 0;
    assert_null(ami_checkpoint_find(c, "fiv", &size));
    assert_null(ami_checkpoint_find(c, "five5", &size));
    assert_null(ami_checkpoint_find(c, "", &size));
    assert_false(ami_checkpoint_get(c, "six", out, 6, &err));
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "\"six\""));
    for (size_t wrong = 0; wrong <= 6; wrong++) {
        if (wrong == 5)
            continue;
        char expected[64];
        snprintf(expected, sizeof expected, "\"five\" has 5 bytes, expected %zu", wrong);
        assert_false(ami_checkpoint_get(c, "five", out, wrong, &err));
        assert_non_null(strstr(err.text, path));
        if (!strstr(err.text, expected))
            fail_msg("\"%s\" does not say \"%s\"", err.text, expected);
    }
    assert_memory_equal(out, untouched, sizeof out);
    ami_checkpoint_destroy(c);
}

static void test_bad_names(void **state)
{
    (void)state;
    ami_error err = {""};
    char longest[49];
    memset(longest, 'x', sizeof longest);
    longest[48] = 0;
    ami_checkpoint_writer *w = ami_checkpoint_writer_create(&err);
    assert_non_null(w);
    assert_true(ami_checkpoint_put(w, "a", "1", 1, &err));
    assert_false(ami_checkpoint_put(w, "", "1", 1, &err));
    assert_false(ami_checkpoint_put(w, longest, "1", 1, &err));
    assert_false(ami_checkpoint_put(w, "a", "2", 1, &err));
    assert_non_null(strstr(err.text, "\"a\""));
    assert_false(ami_checkpoint_put(w, "huge", "3", (size_t)-1, &err)); /* must not be read, nor wrap
                                                                           around */
    assert_false(ami_checkpoint_put(w, "large", "3", (size_t)5 << 30, &err));
    longest[47] = 0;
    assert_true(ami_checkpoint_put(w, longest, "4", 1, &err));
    assert_true(ami_checkpoint_save(w, path, &err));
    ami_checkpoint_writer_destroy(w);
    ami_checkpoint *c = ami_checkpoint_read(path, &err);
    assert_non_null(c);
    char a = 0, x = 0;
    assert_true(ami_checkpoint_get(c, "a", &a, 1, &err));
    assert_true(ami_checkpoint_get(c, longest, &x, 1, &err));
    assert_int_equal(a, '1');
    assert_int_equal(x, '4');
    ami_checkpoint_destroy(c);
}

static void test_save_put_save(void **state)
{
    (void)state;
    ami_error err = {""};
    size_t size, n;
    ami_checkpoint_writer *w = ami_checkpoint_writer_create(&err);
    assert_non_null(w);
    assert_true(ami_checkpoint_save(w, path, &err)); /* without any section */
    ami_checkpoint *c = ami_checkpoint_read(path, &err);
    assert_non_null(c);
    assert_null(ami_checkpoint_find(c, "one", &size));
    ami_checkpoint_destroy(c);
    assert_true(ami_checkpoint_put(w, "one", "1", 1, &err));
    assert_true(ami_checkpoint_save(w, path, &err));
    assert_true(ami_checkpoint_save(w, other, &err));
    uint8_t *a = get_file(path, &size), *b = get_file(other, &n);
    assert_int_equal(size, n);
    assert_memory_equal(a, b, n); /* the same sections make the same bytes */
    free(a);
    free(b);
    assert_true(ami_checkpoint_put(w, "two", "22", 2, &err));
    assert_true(ami_checkpoint_save(w, path, &err));
    c = ami_checkpoint_read(path, &err);
    assert_non_null(c);
    assert_memory_equal(ami_checkpoint_find(c, "one", &size), "1", 1);
    assert_memory_equal(ami_checkpoint_find(c, "two", &size), "22", 2);
    assert_int_equal(size, 2);
    ami_checkpoint_destroy(c);
    ami_checkpoint_writer_destroy(w);
}

static void test_every_truncation(void **state)
{
    (void)state;
    save_small();
    size_t size;
    uint8_t *data = get_file(path, &size);
    for (size_t n = 0; n < size; n++) {
        char found[64];
        snprintf(found, sizeof found, "%zu bytes", n);
        put_file(other, data, n);
        refused(other, found);
        if (n >= HEAD + 4) {
            snprintf(found, sizeof found, "cut short: %zu bytes found, expected %zu", n, size);
            refused(other, found);
        }
    }
    data[size] = 0; /* ami_file_read leaves room for one more byte */
    put_file(other, data, size + 1);
    refused(other, "damaged");
    free(data);
}

static void test_every_flipped_bit(void **state)
{
    (void)state;
    save_small();
    size_t size;
    uint8_t *data = get_file(path, &size);
    for (size_t i = 0; i < size; i++) {
        for (int bit = 0; bit < 8; bit++) {
            data[i] ^= (uint8_t)(1 << bit);
            put_file(other, data, size);
            refused(other, "");
            data[i] ^= (uint8_t)(1 << bit);
        }
    }
    put_file(other, data, size);
    ami_error err = {""};
    ami_checkpoint *c = ami_checkpoint_read(other, &err);
    assert_non_null(c);
    ami_checkpoint_destroy(c);
    free(data);
}

/* Files whose checksums are right and whose contents are not: only the bounds stand between them and memory.
 */
static void test_hostile(void **state)
{
    (void)state;
    save_small();
    size_t size;
    uint8_t *data = get_file(path, &size), *bad = malloc(size);
    assert_non_null(bad);
    static const struct {
        size_t at;
        uint8_t value[8];
        int bytes;
        const char *because;
    } edit[] = {
        {8, {2}, 1, "version 2 found, expected 1"},
        {12, {0xff, 0xff, 0xff, 0xff}, 4, "section 4 of 4294967295"},
        {12, {4}, 1, "section 4 of 4"},
        {12, {2}, 1, "sections end at byte"},
        {12, {0}, 1, "sections end at byte"},
        {16, {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, 8, "18446744073709551615"},
        {24, {1, 2, 3, 4}, 4, "byte order mark 04030201 found, expected 01020304"},
        {HEAD, {0}, 1, "no valid name"},
        {HEAD + 47, {'x'}, 1, "no valid name"},
        {HEAD + 48,
         {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff},
         8,
         "\"five\" claims 18446744073709551615"},
        {HEAD + 48, {0xf9, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f}, 8, "\"five\" claims"},
        {HEAD + 48, {0xff}, 1, "\"five\" claims 255"},
        {HEAD + 48, {6}, 1, "checksum of section \"five\""},
    };
    uint32_t native;
    memcpy(&native, data + 24, sizeof native);
    assert_int_equal(native, 0x01020304);
    for (size_t i = 0; i < sizeof edit / sizeof *edit; i++) {
        if (edit[i].at == 24 && data[24] == 1)
            continue; /* a big-endian machine: those are its own */
        memcpy(bad, data, size);
        memcpy(bad + edit[i].at, edit[i].value, (size_t)edit[i].bytes);
        put32(bad + size - 4, ami_crc32c(0, bad, size - 4));
        put_file(other, bad, size);
        refused(other, edit[i].because);
    }
    memcpy(bad, data, size); /* and a wrong trailer on its own */
    put32(bad + size - 4, ami_crc32c(0, bad, size - 4) + 1);
    put_file(other, bad, size);
    refused(other, "its checksum is wrong");
    put_file(other, (const uint8_t *)"", 0);
    refused(other, "0 bytes");
    put_file(other, (const uint8_t *)"ONNX is something else, and long enough", 39);
    refused(other, "AMBLECKP");
    refused(scratch_folder, "folder");
    free(data);
    free(bad);
}

/* What a resumed run asks once nobody else writes there. */
static void test_is_current(void **state)
{
    (void)state;
    ami_error err = {""};
    save_small();
    size_t size;
    uint8_t *data = get_file(path, &size);
    ami_checkpoint *c = ami_checkpoint_read(path, &err);
    assert_non_null(c);
    assert_true(ami_checkpoint_is_current(c, &err));
    put_file(path, data, size); /* the same bytes are the same checkpoint */
    assert_true(ami_checkpoint_is_current(c, &err));
    data[size / 2] ^= 1;
    put_file(path, data, size);
    assert_false(ami_checkpoint_is_current(c, &err));
    assert_non_null(strstr(err.text, path));
    assert_non_null(strstr(err.text, "was replaced"));
    data[size / 2] ^= 1;
    put_file(path, data, size - 1);
    assert_false(ami_checkpoint_is_current(c, &err));
    assert_int_equal(unlink(path), 0);
    assert_false(ami_checkpoint_is_current(c, &err));
    assert_non_null(strstr(err.text, "No such file"));
    ami_checkpoint_destroy(c);
    free(data);
}

static int files_in_folder(void)
{
    int n = 0;
    DIR *dir = opendir(scratch_folder);
    assert_non_null(dir);
    for (const struct dirent *e; (e = readdir(dir));)
        n += e->d_name[0] != '.';
    closedir(dir);
    return n;
}

static void test_failure_keeps_old_file(void **state)
{
    (void)state;
    save_small();
    size_t size, after;
    uint8_t *before = get_file(path, &size), *data = calloc(1, 1 << 16);
    assert_non_null(data);
    const int files = files_in_folder();
    ami_error err = {""};
    ami_checkpoint_writer *w = ami_checkpoint_writer_create(&err);
    assert_non_null(w);
    assert_true(ami_checkpoint_put(w, "large", data, 1 << 16, &err));

    /* A limit on file sizes stands for a full disk. */
    struct rlimit limit, small;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    small = limit;
    small.rlim_cur = 1 << 12;
    void (*old)(int) = signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    const bool saved = ami_checkpoint_save(w, path, &err);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
    signal(SIGXFSZ, old);
    assert_false(saved);
    assert_non_null(strstr(err.text, path));
    uint8_t *now = get_file(path, &after);
    assert_int_equal(after, size);
    assert_memory_equal(now, before, size);
    assert_int_equal(files_in_folder(), files);

    assert_false(ami_checkpoint_save(w, scratch_folder, &err));
    assert_true(ami_checkpoint_save(w, path, &err)); /* the writer outlives failures */
    ami_checkpoint *c = ami_checkpoint_read(path, &err);
    assert_non_null(c);
    assert_true(ami_checkpoint_get(c, "large", data, 1 << 16, &err));
    ami_checkpoint_destroy(c);
    ami_checkpoint_writer_destroy(w);
    free(before);
    free(now);
    free(data);
}

static int set_up(void **state)
{
    if (make_scratch(state))
        return -1;
    snprintf(path, sizeof path, "%s/run.ckpt", scratch_folder);
    snprintf(other, sizeof other, "%s/other.ckpt", scratch_folder);
    return 0;
}

static int tear_down(void **state)
{
    unlink(path);
    unlink(other);
    return remove_empty_scratch(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),       cmocka_unit_test(test_missing_and_wrong_size),
        cmocka_unit_test(test_bad_names),        cmocka_unit_test(test_save_put_save),
        cmocka_unit_test(test_every_truncation), cmocka_unit_test(test_every_flipped_bit),
        cmocka_unit_test(test_hostile),          cmocka_unit_test(test_failure_keeps_old_file),
        cmocka_unit_test(test_is_current),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
