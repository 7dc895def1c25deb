/* Text from files: names are checked, other text is escaped. */
#include "base/text.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

/* Length in bytes of the character that begins at p, and its code; 0 where that is not UTF-8. */
static int decode(const uint8_t *p, uint32_t *code)
{
    static const uint32_t smallest[4] = {0, 0x80, 0x800, 0x10000};
    const int more = *p < 0x80                  ? 0
                     : *p >= 0xc2 && *p <= 0xdf ? 1
                     : *p >= 0xe0 && *p <= 0xef ? 2
                     : *p >= 0xf0 && *p <= 0xf4 ? 3
                                                : -1;
    if (more < 0)
        return 0;
    uint32_t c = more ? *p & 0x3fu >> more : *p;
    for (int i = 1; i <= more; i++) {
        if ((p[i] & 0xc0) != 0x80)
            return 0;
        c = c << 6 | (p[i] & 0x3fu);
    }
    if (c < smallest[more] || c > 0x10ffff || (c >= 0xd800 && c <= 0xdfff))
        return 0;
    *code = c;
    return more + 1;
}

static bool is_printable(uint32_t c)
{
    return !(c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == 0x200e || c == 0x200f ||
             (c >= 0x2028 && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069));
}

bool ami_text_is_utf8(const char *text)
{
    uint32_t code;
    int n;
    for (const uint8_t *p = (const uint8_t *)text; *p; p += n)
        if ((n = decode(p, &code)) == 0)
            return false;
    return true;
}

bool ami_text_is_printable(const char *text)
{
    uint32_t code;
    int n;
    for (const uint8_t *p = (const uint8_t *)text; *p; p += n)
        if ((n = decode(p, &code)) == 0 || !is_printable(code))
            return false;
    return true;
}

const char *ami_text_escape(const char *text, char *out, size_t size)
{
    size_t used = 0;
    uint32_t code;
    for (const uint8_t *p = (const uint8_t *)text; *p && size;) {
        const int n = decode(p, &code);
        const bool shown = n && is_printable(code);
        const size_t bytes = n ? (size_t)n : 1, length = shown ? bytes : 4 * bytes;
        if (used + length >= size)
            break;
        for (size_t i = 0; i < bytes; i++, p++) {
            if (shown)
                out[used++] = (char)*p;
            else
                used += (size_t)snprintf(out + used, size - used, "\\x%02x", *p);
        }
    }
    if (size)
        out[used] = 0;
    return out;
}

bool ami_text_has_ending(const char *path, const char *ending)
{
    const size_t length = strlen(path), n = strlen(ending);
    return length > n && strcasecmp(path + length - n, ending) == 0;
}

bool ami_name_check(const char *name, const char *what, ami_error *err)
{
    const size_t length = strlen(name);
    if (length == 0)
        return ami_fail(err, "%s: the name is empty", what);
    if (length >= AMI_NAME)
        return ami_fail(err, "%s: the name \"%.40s...\" has %zu bytes, expected at most %d", what, name,
                        length, AMI_NAME - 1);
    if (!ami_text_is_printable(name))
        return ami_fail(err, "%s: the name \"%s\" holds control characters or is not UTF-8", what, name);
    if (name[0] == ' ' || name[length - 1] == ' ')
        return ami_fail(err, "%s: the name \"%s\" begins or ends with a blank", what, name);
    return true;
}
