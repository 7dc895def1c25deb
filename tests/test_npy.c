/* base/npy: files of NumPy, read and written again; types, conversions, and errors
 * (tests/make_npy_cases.py). */
#include "base/npy.h"

#include "base/file.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define DATA "tests/data/npy/"

/* What number i of every good file is. */
static double number(size_t i)
{
    return ((double)((i * i) % 37) - 11) / 8;
}

static void assert_values(const char *name, const ami_npy *a)
{
    for (size_t i = 0; i < a->count; i++) {
        const double v = a->type == AMI_NPY_FLOAT32 ? (double)a->f32[i] : a->f64[i];
        if (v != number(i))
            fail_msg("%s: number %zu is %g, expected %g", name, i, v, number(i));
    }
}

static void assert_shape(const char *name, const ami_npy *a, const char *shape)
{
    size_t count = 1;
    int rank = 0;
    for (char *end; *shape; shape = *end ? end + 1 : end) {
        const size_t n = strtoull(shape, &end, 10);
        if (rank >= a->rank || a->shape[rank] != n)
            fail_msg("%s: dimension %d is not %zu", name, rank, n);
        rank++;
        count *= n;
    }
    assert_int_equal(a->rank, rank);
    assert_int_equal(a->count, count);
}

/* Whether the array, written again, makes the file's own bytes. */
static bool writes_same(const char *path, const ami_npy *a)
{
    static const char scratch[] = "/tmp/ami_test_npy.npy";
    ami_error err = {""};
    char own[64];
    snprintf(own, sizeof own, "%s.%ld", scratch, (long)getpid());
    if (!ami_npy_write(own, a->type, a->rank, a->shape, a->data, &err))
        fail_msg("%s", err.text);
    size_t size, written;
    uint8_t *bytes = ami_file_read(path, 1 << 20, &size, &err),
            *again = ami_file_read(own, 1 << 20, &written, &err);
    assert_non_null(bytes);
    assert_non_null(again);
    const bool same = size == written && memcmp(bytes, again, size) == 0;
    free(bytes);
    free(again);
    unlink(own);
    return same;
}

/* Calls each(fields) for the lines of a list; a line's fields end at '|'. Returns the number of lines. */
static int for_lines(const char *path, void (*each)(char *const *field, int fields))
{
    size_t size;
    char *text = (char *)ami_file_read(path, 1 << 20, &size, NULL);
    assert_non_null(text);
    int lines = 0;
    char *save_line;
    for (char *line = strtok_r(text, "\n", &save_line); line; line = strtok_r(NULL, "\n", &save_line)) {
        char *field[8], *save;
        int fields = 0;
        for (char *f = strtok_r(line, "|", &save); f && fields < 8; f = strtok_r(NULL, "|", &save))
            field[fields++] = f;
        each(field, fields);
        lines++;
    }
    free(text);
    return lines;
}

static void check_good(char *const *field, int fields)
{
    assert_int_equal(fields, 4);
    char path[256];
    snprintf(path, sizeof path, DATA "good/%s.npy", field[0]);
    const bool wide = !strcmp(field[1], "<f8");
    for (int want = AMI_NPY_AS_STORED; want <= AMI_NPY_WIDEN_TO_DOUBLE; want++) {
        ami_npy a;
        ami_error err = {""};
        const bool ok = ami_npy_read(path, (ami_npy_want)want, &a, &err);
        if (wide && want == AMI_NPY_ONLY_FLOAT32) {
            assert_false(ok);
            assert_null(a.data);
            assert_non_null(strstr(err.text, "'<f8' (float64), expected '<f4'"));
            continue;
        }
        if (!ok)
            fail_msg("%s", err.text);
        const bool as_double = want == AMI_NPY_WIDEN_TO_DOUBLE || (want == AMI_NPY_AS_STORED && wide);
        assert_int_equal(a.type, as_double ? AMI_NPY_FLOAT64 : AMI_NPY_FLOAT32);
        assert_shape(field[0], &a, field[2]);
        assert_values(field[0], &a);
        if (want == AMI_NPY_AS_STORED && writes_same(path, &a) != !strcmp(field[3], "same"))
            fail_msg("%s: written again it %s", path, strcmp(field[3], "same") ? "is the same" : "differs");
        ami_npy_free(&a);
        assert_null(a.data);
    }
}

static void files_of_numpy(void **state)
{
    (void)state;
    assert_int_equal(for_lines(DATA "good.txt", check_good), 20);
}

static void check_bad(char *const *field, int fields)
{
    assert_true(fields >= 2);
    char path[256];
    snprintf(path, sizeof path, DATA "bad/%s.npy", field[0]);
    ami_npy a;
    memset(&a, 0x5a, sizeof a);
    ami_error err = {""};
    if (ami_npy_read(path, AMI_NPY_ROUND_TO_FLOAT, &a, &err))
        fail_msg("%s was read", path);
    assert_null(a.data);
    if (strncmp(err.text, path, strlen(path)) != 0)
        fail_msg("\"%s\" does not begin with %s", err.text, path);
    for (int i = 1; i < fields; i++)
        if (!strstr(err.text + strlen(path), field[i]))
            fail_msg("\"%s\" does not say %s", err.text, field[i]);
    for (const char *c = err.text; *c; c++)
        if (*c < ' ' || *c > '~')
            fail_msg("\"%s\" holds what a terminal would obey", err.text);
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    assert_int_equal(for_lines(DATA "bad.txt", check_bad), 57);
}

static void missing_files_are_refused(void **state)
{
    (void)state;
    ami_npy a;
    ami_error err = {""};
    assert_false(ami_npy_read(DATA "nothing.npy", AMI_NPY_AS_STORED, &a, &err));
    assert_non_null(strstr(err.text, DATA "nothing.npy: "));
    assert_false(ami_npy_read(DATA, AMI_NPY_AS_STORED, &a, &err));
    assert_non_null(strstr(err.text, "folder"));
    assert_null(a.data);
    const float one = 1;
    assert_false(ami_npy_write(DATA "no/folder.npy", AMI_NPY_FLOAT32, 1, (size_t[]){1}, &one, &err));
    assert_non_null(strstr(err.text, DATA "no/folder.npy: not written"));
}

static void special_numbers_keep_their_bits(void **state)
{
    (void)state;
    ami_npy narrow, wide;
    ami_error err = {""};
    assert_true(ami_npy_read(DATA "special.npy", AMI_NPY_ONLY_FLOAT32, &narrow, &err));
    assert_true(ami_npy_read(DATA "special.npy", AMI_NPY_WIDEN_TO_DOUBLE, &wide, &err));
    const float want[] = {NAN, INFINITY, -INFINITY, -0.0f, 1e-45f, 3.4028234e38f};
    assert_int_equal(narrow.count, 6);
    assert_true(isnan(narrow.f32[0]) && isnan(wide.f64[0]));
    for (int i = 1; i < 6; i++) {
        assert_true(narrow.f32[i] == want[i] && wide.f64[i] == (double)want[i]);
        assert_int_equal(signbit(narrow.f32[i]) != 0, signbit(want[i]) != 0);
    }
    assert_true(writes_same(DATA "special.npy", &narrow));
    ami_npy_free(&narrow);
    ami_npy_free(&wide);
}

static void rounding_to_float32(void **state)
{
    (void)state;
    ami_npy a;
    ami_error err = {""};
    assert_false(ami_npy_read(DATA "beyond_float.npy", AMI_NPY_ROUND_TO_FLOAT, &a, &err));
    assert_non_null(strstr(err.text, "number 1 is -3.5e+38"));
    assert_true(ami_npy_read(DATA "beyond_float.npy", AMI_NPY_AS_STORED, &a, &err));
    assert_true(a.f64[1] == -3.5e38);
    ami_npy_free(&a);

    /* The border itself: half a unit above FLT_MAX rounds to even, which is infinity; a hair below it rounds
     * to FLT_MAX. */
    const double border[] = {nextafter(0x1.ffffffp127, 0), 0x1.ffffffp127, INFINITY, NAN, .1};
    const float rounded[] = {0x1.fffffep127f, 0, INFINITY, 0, .1f};
    for (int i = 0; i < 5; i++) {
        size_t size;
        uint8_t *bytes = ami_npy_encode(AMI_NPY_FLOAT64, 1, (size_t[]){1}, &border[i], &size, &err);
        assert_non_null(bytes);
        const bool ok = ami_npy_decode(bytes, size, "memory", AMI_NPY_ROUND_TO_FLOAT, &a, &err);
        free(bytes);
        assert_true(ok == (i != 1));
        if (ok && i == 3)
            assert_true(isnan(a.f32[0]));
        else if (ok)
            assert_true(a.f32[0] == rounded[i]);
        ami_npy_free(&a);
    }
}

/* A file cut anywhere, or with a byte more, is refused; the reader never looks beyond the end (the sanitizer
 * sees to it: each piece is a block of its own). */
static void every_cut_is_refused(void **state)
{
    (void)state;
    float x[6] = {1, 2, 3, 4, 5, 6};
    size_t size;
    uint8_t *bytes = ami_npy_encode(AMI_NPY_FLOAT32, 2, (size_t[]){2, 3}, x, &size, NULL);
    assert_non_null(bytes);
    assert_int_equal(size % 64, 24);
    for (size_t n = 0; n <= size + 1; n++) {
        uint8_t *piece = calloc(n ? n : 1, 1);
        assert_non_null(piece);
        memcpy(piece, bytes, n < size ? n : size);
        ami_npy a;
        ami_error err = {""};
        const bool ok = ami_npy_decode(piece, n, "memory", AMI_NPY_AS_STORED, &a, &err);
        free(piece);
        assert_true(ok == (n == size));
        assert_true(ok || strncmp(err.text, "memory: ", 8) == 0);
        ami_npy_free(&a);
    }
    free(bytes);
}

static void random_arrays_round_trip(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(5, 0);
    for (int t = 0; t < 300; t++) {
        const ami_npy_type type = t % 2 ? AMI_NPY_FLOAT64 : AMI_NPY_FLOAT32;
        const int rank = 1 + (int)ami_rng_below(&rng, AMI_NPY_MAX_RANK);
        size_t shape[AMI_NPY_MAX_RANK], count = 1, size;
        for (int i = 0; i < rank; i++)
            count *= shape[i] = 1 + ami_rng_below(&rng, rank < 4 ? 9 : 3);
        uint64_t *data = malloc(count * sizeof *data); /* any bits at all, NaN among them */
        assert_non_null(data);
        for (size_t i = 0; i < count; i++)
            data[i] = ami_rng_next(&rng);
        uint8_t *bytes = ami_npy_encode(type, rank, shape, data, &size, NULL);
        ami_npy a;
        ami_error err = {""};
        assert_non_null(bytes);
        if (!ami_npy_decode(bytes, size, "memory", AMI_NPY_AS_STORED, &a, &err))
            fail_msg("%s", err.text);
        assert_int_equal(a.type, type);
        assert_int_equal(a.rank, rank);
        assert_memory_equal(a.shape, shape, (size_t)rank * sizeof *shape);
        assert_memory_equal(a.data, data, count * (type == AMI_NPY_FLOAT32 ? 4 : 8));
        ami_npy_free(&a);
        free(bytes);
        free(data);
    }
}

static void shapes_as_text(void **state)
{
    (void)state;
    char text[64], cut[6];
    assert_string_equal(ami_npy_shape_text(1, (size_t[]){5}, text, sizeof text), "(5,)");
    assert_string_equal(ami_npy_shape_text(3, (size_t[]){2, 60, 73}, text, sizeof text), "(2, 60, 73)");
    assert_string_equal(ami_npy_shape_text(0, NULL, text, sizeof text), "()");
    assert_string_equal(ami_npy_shape_text(2, (size_t[]){1234, 5678}, cut, sizeof cut), "(1234");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(files_of_numpy),
        cmocka_unit_test(bad_files_are_refused),
        cmocka_unit_test(missing_files_are_refused),
        cmocka_unit_test(special_numbers_keep_their_bits),
        cmocka_unit_test(rounding_to_float32),
        cmocka_unit_test(every_cut_is_refused),
        cmocka_unit_test(random_arrays_round_trip),
        cmocka_unit_test(shapes_as_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
