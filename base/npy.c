/* .npy files: a magic word, a header in Python's dictionary syntax, then the numbers.
 *
 * The parser of the header knows strings, True, False and tuples of whole numbers, and nothing else of
 * Python; it never reads beyond the header's length, which is checked against the file's size. The shape must
 * match the file's size exactly before memory for the numbers is allocated. */
#include "base/npy.h"

#include "base/file.h"

#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "numbers are copied from the file unchanged, and the file is little-endian"
#endif

static const char magic[6] = {'\x93', 'N', 'U', 'M', 'P', 'Y'};
static const size_t largest_file = (size_t)1 << 30;

enum {
    START_1 = 10, /* bytes before the header: magic, two of version, and two (format 1) or four of length */
    START_2 = 12,
    ALIGN = 64, /* alignment of the numbers in a written file, as NumPy's */
    LONGEST_HEADER = 65536
};

static const struct {
    const char *descr, *name;
    size_t size;
} types[AMI_NPY_TYPES + 1] = {{"<f4", "float32", 4}, {"<f8", "float64", 8}, {"<f2", "float16", 2},
                              {"|b1", "bool", 1},    {"|i1", "int8", 1},    {"<i2", "int16", 2},
                              {"<i4", "int32", 4},   {"<i8", "int64", 8},   {"|u1", "uint8", 1},
                              {"<u2", "uint16", 2},  {"<u4", "uint32", 4},  {"<u8", "uint64", 8},
                              {"|S16", "text", 16}};

const char *ami_npy_type_name(ami_npy_type type)
{
    return types[type].name;
}

size_t ami_npy_type_size(ami_npy_type type)
{
    return types[type].size;
}

/* The header's text and the parser's position; `why` is the end of the error sentence. */
typedef struct parser {
    const char *at, *end;
    bool any; /* AMI_NPY_ANY */
    char why[256];
} parser;

static bool wrong(parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(parser *p, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(p->why, sizeof p->why, format, args);
    va_end(args);
    return false;
}

static void skip_blanks(parser *p)
{
    while (p->at < p->end && (*p->at == ' ' || *p->at == '\t' || *p->at == '\n' || *p->at == '\r'))
        p->at++;
}

/* Skips `c` if it comes next. */
static bool take(parser *p, char c)
{
    skip_blanks(p);
    if (p->at == p->end || *p->at != c)
        return false;
    p->at++;
    return true;
}

/* The next characters, for a sentence: printable ASCII only. */
static const char *found(parser *p, char text[24])
{
    skip_blanks(p);
    if (p->at == p->end)
        return "its end";
    int n = 0;
    text[n++] = '"';
    for (const char *c = p->at; c < p->end && n < 20; c++)
        text[n++] = *c >= ' ' && *c <= '~' ? *c : '?';
    text[n++] = '"';
    text[n] = 0;
    return text;
}

static bool expect(parser *p, char c)
{
    char text[24];
    return take(p, c) || wrong(p, "%s was found where '%c' was expected", found(p, text), c);
}

/* A string in single or double quotes, without escapes. */
static bool read_string(parser *p, const char *what, char *out, size_t size)
{
    char text[24];
    skip_blanks(p);
    if (p->at == p->end || (*p->at != '\'' && *p->at != '"'))
        return wrong(p, "%s was found where %s was expected", found(p, text), what);
    const char quote = *p->at++;
    size_t n = 0;
    for (; p->at < p->end && *p->at != quote; p->at++) {
        if (*p->at < ' ' || *p->at > '~' || *p->at == '\\')
            return wrong(p, "%s holds a character that is not allowed in it", what);
        if (n + 1 == size)
            return wrong(p, "%s is longer than %zu characters", what, size - 1);
        out[n++] = *p->at;
    }
    out[n] = 0;
    if (p->at == p->end)
        return wrong(p, "%s has no end", what);
    p->at++;
    return true;
}

static bool read_order(parser *p)
{
    char text[24];
    skip_blanks(p);
    const size_t left = (size_t)(p->end - p->at);
    if (left >= 4 && !memcmp(p->at, "True", 4))
        return wrong(p, "its numbers are in Fortran order, C order was expected (numpy.ascontiguousarray)");
    if (left < 5 || memcmp(p->at, "False", 5))
        return wrong(p, "fortran_order is %s, expected False", found(p, text));
    p->at += 5;
    return true;
}

static bool read_type(parser *p, ami_npy_type *type)
{
    char text[24];
    skip_blanks(p);
    if (p->at < p->end && *p->at == '[')
        return wrong(p, "it holds a structured type, '<f4' or '<f8' was expected");
    if (!read_string(p, "the type (descr)", text, sizeof text))
        return false;
    for (int t = 0; t < (p->any ? AMI_NPY_TYPES : AMI_NPY_FLOAT64 + 1); t++)
        if (!strcmp(text, types[t].descr)) {
            *type = (ami_npy_type)t;
            return true;
        }
    if (p->any)
        return wrong(p, "its numbers are of type '%s', expected a little-endian float, integer or bool",
                     text);
    if (!strcmp(text, "|O"))
        return wrong(p, "it holds Python objects ('|O'), numbers of type '<f4' or '<f8' were expected");
    return wrong(
        p, "its numbers are of type '%s', expected '<f4' or '<f8' (little-endian float32 or float64)", text);
}

static bool read_dimension(parser *p, size_t *out)
{
    char text[24];
    skip_blanks(p);
    if (p->at == p->end || *p->at < '0' || *p->at > '9')
        return wrong(p, "the shape has %s where a dimension of at least 1 was expected", found(p, text));
    size_t n = 0;
    for (; p->at < p->end && *p->at >= '0' && *p->at <= '9'; p->at++) {
        const size_t digit = (size_t)(*p->at - '0');
        if (n > (SIZE_MAX - digit) / 10)
            return wrong(p, "a dimension of the shape is larger than any array");
        n = 10 * n + digit;
    }
    if (n == 0 && !p->any)
        return wrong(p, "a dimension of the shape is 0, at least 1 was expected");
    *out = n;
    return true;
}

/* "(2, 3)", "(2, 3,)" or "(2,)"; "(2)" is a number in Python, not a shape. */
static bool read_shape(parser *p, ami_npy *a)
{
    if (!expect(p, '('))
        return false;
    a->rank = 0;
    a->count = 1;
    bool comma = true;
    while (!take(p, ')')) {
        if (!comma)
            return expect(p, ',');
        if (a->rank == AMI_NPY_MAX_RANK)
            return wrong(p, "the shape has more than %d dimensions", AMI_NPY_MAX_RANK);
        size_t n = 0;
        if (!read_dimension(p, &n))
            return false;
        if (n > 0 && a->count > SIZE_MAX / sizeof(double) / n)
            return wrong(p, "the shape's product is larger than any array");
        a->count *= n;
        a->shape[a->rank++] = n;
        comma = take(p, ',');
    }
    if (a->rank == 0 && !p->any)
        return wrong(p, "the shape is (), at least one dimension was expected");
    if (a->rank == 1 && !comma)
        return wrong(p, "the shape is (%zu), expected a tuple: (%zu,)", a->shape[0], a->shape[0]);
    return true;
}

/* {'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), } in any order, then blanks to the end. */
static bool read_header(parser *p, ami_npy *a)
{
    static const char *const name[3] = {"descr", "fortran_order", "shape"};
    bool seen[3] = {false, false, false}, comma = true;
    if (!expect(p, '{'))
        return false;
    while (!take(p, '}')) {
        char key[24];
        if (!comma)
            return expect(p, ',');
        if (!read_string(p, "the name of an entry", key, sizeof key))
            return false;
        int k = 0;
        while (k < 3 && strcmp(key, name[k]) != 0)
            k++;
        if (k == 3 || seen[k])
            return wrong(p, "\"%s\" is %s, expected descr, fortran_order and shape", key,
                         k == 3 ? "not an entry of a header" : "given twice");
        seen[k] = true;
        if (!expect(p, ':') || !(k == 0 ? read_type(p, &a->type) : k == 1 ? read_order(p) : read_shape(p, a)))
            return false;
        comma = take(p, ',');
    }
    for (int k = 0; k < 3; k++)
        if (!seen[k])
            return wrong(p, "\"%s\" is missing", name[k]);
    char text[24];
    skip_blanks(p);
    return p->at == p->end || wrong(p, "%s was found behind it", found(p, text));
}

static uint32_t little(const uint8_t *p, int bytes)
{
    uint32_t n = 0;
    for (int i = bytes - 1; i >= 0; i--)
        n = n << 8 | p[i];
    return n;
}

/* Finds the header's text in the file: checks magic, version and length. False and a sentence. */
static bool find_header(const uint8_t *bytes, size_t size, const char *name, size_t *start, size_t *length,
                        ami_error *err)
{
    if (size < START_1 || memcmp(bytes, magic, sizeof magic) != 0)
        return ami_fail(err, "%s: does not begin as a .npy file does (%zu bytes)", name, size);
    const int major = bytes[6], minor = bytes[7];
    if (major < 1 || major > 3 || minor != 0)
        return ami_fail(err, "%s: is of .npy format %d.%d, expected 1.0, 2.0 or 3.0", name, major, minor);
    *start = major == 1 ? START_1 : START_2;
    if (size < *start)
        return ami_fail(err, "%s: ends after %zu bytes, inside the length of its header", name, size);
    *length = little(bytes + 8, major == 1 ? 2 : 4);
    if (*length > LONGEST_HEADER)
        return ami_fail(err, "%s: its header claims %zu bytes, at most %d were expected", name, *length,
                        LONGEST_HEADER);
    if (*length > size - *start)
        return ami_fail(err, "%s: its header claims %zu bytes, but the file ends after %zu of them", name,
                        *length, size - *start);
    return true;
}

/* `from` may have any alignment. */
static bool convert(const uint8_t *from, const char *name, ami_npy_type stored, ami_npy *a, ami_error *err)
{
    if (stored == a->type) {
        if (a->count > 0)
            memcpy(a->data, from, a->count * ami_npy_type_size(stored));
        return true;
    }
    for (size_t i = 0; i < a->count; i++) {
        if (stored == AMI_NPY_FLOAT32) {
            float v;
            memcpy(&v, from + i * sizeof v, sizeof v);
            a->f64[i] = v;
            continue;
        }
        double v;
        memcpy(&v, from + i * sizeof v, sizeof v);
        /* From half a unit above FLT_MAX values round to infinity; checked before the cast, which sanitizers
         * may trap. */
        if (isfinite(v) && fabs(v) >= 0x1.ffffffp127)
            return ami_fail(err, "%s: number %zu is %g, which is beyond float32", name, i, v);
        a->f32[i] = (float)v;
    }
    return true;
}

bool ami_npy_decode(const void *data, size_t size, const char *name, ami_npy_want want, ami_npy *array,
                    ami_error *err)
{
    const uint8_t *bytes = data;
    size_t start = 0, length = 0;
    ami_npy a = {.data = NULL};
    *array = a;
    if (!find_header(bytes, size, name, &start, &length, err))
        return false;
    parser p = {.at = (const char *)bytes + start,
                .end = (const char *)bytes + start + length,
                .any = want == AMI_NPY_ANY};
    if (!read_header(&p, &a))
        return ami_fail(err, "%s: the .npy header is not understood: %s", name, p.why);

    const ami_npy_type stored = a.type;
    if (want == AMI_NPY_ONLY_FLOAT32 && stored != AMI_NPY_FLOAT32)
        return ami_fail(err, "%s: its numbers are of type '<f8' (float64), expected '<f4' (float32)", name);
    const size_t held = size - start - length, claimed = a.count * ami_npy_type_size(stored);
    if (held != claimed) {
        char shape[192];
        return ami_fail(err, "%s: holds %zu bytes of numbers, but its shape %s of %s needs %zu", name, held,
                        ami_npy_shape_text(a.rank, a.shape, shape, sizeof shape), types[stored].name,
                        claimed);
    }
    if (want == AMI_NPY_ROUND_TO_FLOAT)
        a.type = AMI_NPY_FLOAT32;
    else if (want == AMI_NPY_WIDEN_TO_DOUBLE)
        a.type = AMI_NPY_FLOAT64;
    a.data = malloc(a.count * ami_npy_type_size(a.type) + (a.count == 0));
    if (!a.data)
        return ami_fail(err, "%s: not enough memory for its %zu numbers", name, a.count);
    if (!convert(bytes + start + length, name, stored, &a, err)) {
        free(a.data);
        return false;
    }
    *array = a;
    return true;
}

bool ami_npy_read(const char *path, ami_npy_want want, ami_npy *array, ami_error *err)
{
    size_t size;
    *array = (ami_npy){.data = NULL};
    uint8_t *bytes = ami_file_read(path, largest_file, &size, err);
    const bool ok = bytes && ami_npy_decode(bytes, size, path, want, array, err);
    free(bytes);
    return ok;
}

void ami_npy_free(ami_npy *array)
{
    free(array->data);
    *array = (ami_npy){.data = NULL};
}

const char *ami_npy_shape_text(int rank, const size_t *shape, char *text, size_t size)
{
    size_t n = 0;
    for (int i = 0; i < rank && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%zu", i ? ", " : "(", shape[i]);
    if (n < size)
        snprintf(text + n, size - n, "%s", rank == 0 ? "()" : rank == 1 ? ",)" : ")");
    return text;
}

uint8_t *ami_npy_encode(ami_npy_type type, int rank, const size_t *shape, const void *data, size_t *size,
                        ami_error *err)
{
    assert(rank >= 0 && rank <= AMI_NPY_MAX_RANK);
    size_t count = 1;
    for (int i = 0; i < rank; i++) {
        assert(shape[i] == 0 || count <= SIZE_MAX / sizeof(double) / shape[i]);
        count *= shape[i];
    }
    char tuple[192], head[384];
    const int used = snprintf(head, sizeof head, "{'descr': '%s', 'fortran_order': False, 'shape': %s, }",
                              types[type].descr, ami_npy_shape_text(rank, shape, tuple, sizeof tuple));
    /* Padded to a multiple of ALIGN; a newline is last. */
    const size_t start = ((size_t)START_1 + (size_t)used + 1 + ALIGN - 1) / ALIGN * ALIGN,
                 length = start - START_1;
    *size = start + count * ami_npy_type_size(type);
    uint8_t *bytes = malloc(*size);
    if (!bytes) {
        ami_fail(err, "not enough memory to write %zu numbers", count);
        return NULL;
    }
    memset(bytes, ' ', start);
    memcpy(bytes, magic, sizeof magic);
    bytes[6] = 1;
    bytes[7] = 0;
    bytes[8] = (uint8_t)(length & 255);
    bytes[9] = (uint8_t)(length >> 8);
    memcpy(bytes + START_1, head, (size_t)used);
    bytes[start - 1] = '\n';
    if (count > 0)
        memcpy(bytes + start, data, count * ami_npy_type_size(type));
    return bytes;
}

bool ami_npy_write(const char *path, ami_npy_type type, int rank, const size_t *shape, const void *data,
                   ami_error *err)
{
    size_t size;
    uint8_t *bytes = ami_npy_encode(type, rank, shape, data, &size, err);
    if (!bytes)
        return ami_fail_in(err, "%s", path);
    const bool ok = ami_file_write(path, bytes, size, err);
    free(bytes);
    return ok;
}

/* ---- .npz ---- */

/* CRC-32 as ZIP wants it (ISO 3309, reflected, polynomial EDB88320). */
static uint32_t crc32_of(const uint8_t *bytes, size_t size)
{
    uint32_t table[256], crc = UINT32_MAX;
    for (uint32_t i = 0; i < 256; i++) {
        table[i] = i;
        for (int k = 0; k < 8; k++)
            table[i] = table[i] & 1 ? table[i] >> 1 ^ 0xedb88320u : table[i] >> 1;
    }
    for (size_t i = 0; i < size; i++)
        crc = crc >> 8 ^ table[(crc ^ bytes[i]) & 255];
    return ~crc;
}

typedef struct zip {
    uint8_t *bytes;
    size_t size, capacity;
} zip;

static bool put(zip *z, const void *bytes, size_t size)
{
    if (size > z->capacity - z->size) {
        const size_t capacity = 2 * z->capacity + size + 256;
        uint8_t *more = realloc(z->bytes, capacity);
        if (!more)
            return false;
        z->bytes = more;
        z->capacity = capacity;
    }
    if (size > 0)
        memcpy(z->bytes + z->size, bytes, size);
    z->size += size;
    return true;
}

static bool put_number(zip *z, uint32_t value, size_t bytes)
{
    const uint8_t little_end[4] = {(uint8_t)value, (uint8_t)(value >> 8), (uint8_t)(value >> 16),
                                   (uint8_t)(value >> 24)};
    return put(z, little_end, bytes);
}

/* What a local header and the central directory share (PKWARE's APPNOTE, 4.3.7): from the version needed to
 * the lengths of name and extra field. Flag 0x800: the name is UTF-8. */
static bool put_entry(zip *z, uint32_t crc, uint32_t size, size_t name_length)
{
    return put_number(z, 20, 2) && put_number(z, 0x800, 2) && put_number(z, 0, 2) && put_number(z, 0, 2) &&
           put_number(z, 0x21, 2) && put_number(z, crc, 4) && put_number(z, size, 4) &&
           put_number(z, size, 4) && put_number(z, (uint32_t)name_length, 2) && put_number(z, 0, 2);
}

static bool add_array(zip *z, zip *directory, const char *name, const uint8_t *bytes, size_t size)
{
    const uint32_t crc = crc32_of(bytes, size), at = (uint32_t)z->size;
    const size_t length = strlen(name) + 4;
    return put(z, "PK\3\4", 4) && put_entry(z, crc, (uint32_t)size, length) && put(z, name, length - 4) &&
           put(z, ".npy", 4) && put(z, bytes, size) && put(directory, "PK\1\2", 4) &&
           put_number(directory, 20, 2) && put_entry(directory, crc, (uint32_t)size, length) &&
           put_number(directory, 0, 4) && put_number(directory, 0, 2) && put_number(directory, 0, 4) &&
           put_number(directory, at, 4) && put(directory, name, length - 4) && put(directory, ".npy", 4);
}

bool ami_npz_write(const char *path, int count, const char *const *name, const ami_npy *array, ami_error *err)
{
    zip z = {0}, directory = {0};
    bool ok = true;
    for (int i = 0; i < count && ok; i++) {
        size_t size = 0;
        uint8_t *bytes =
            ami_npy_encode(array[i].type, array[i].rank, array[i].shape, array[i].data, &size, err);
        ok = bytes || ami_fail_in(err, "%s", path);
        if (ok && (strlen(name[i]) > 60000 || z.size + size + directory.size + 70000 > UINT32_MAX))
            ok = ami_fail(err, "%s: its arrays take 4 GiB or more, which this archive does not hold", path);
        if (ok && !add_array(&z, &directory, name[i], bytes, size))
            ok = ami_fail(err, "%s: not enough memory", path);
        free(bytes);
    }
    const uint32_t at = (uint32_t)z.size, length = (uint32_t)directory.size;
    if (ok && !(put(&z, directory.bytes, directory.size) && put(&z, "PK\5\6", 4) && put_number(&z, 0, 4) &&
                put_number(&z, (uint32_t)count, 2) && put_number(&z, (uint32_t)count, 2) &&
                put_number(&z, length, 4) && put_number(&z, at, 4) && put_number(&z, 0, 2)))
        ok = ami_fail(err, "%s: not enough memory", path);
    ok = ok && ami_file_write(path, z.bytes, z.size, err);
    free(z.bytes);
    free(directory.bytes);
    return ok;
}
