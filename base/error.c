/* Writes error sentences. */
#include "base/error.h"

#include "base/number.h"
#include "base/text.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Escapes text from files that could change a terminal, and drops a character that the buffer's end cut in
 * two. */
static void make_printable(ami_error *err)
{
    char raw[sizeof err->text];
    size_t length = strlen(err->text), back = 0;
    if (length == sizeof err->text - 1) {
        while (back < 3 && ((unsigned char)err->text[length - 1 - back] & 0xc0) == 0x80)
            back++;
        const unsigned char first = (unsigned char)err->text[length - 1 - back];
        if (first >= 0xc0 && back < (first >= 0xf0 ? 3u : first >= 0xe0 ? 2u : 1u))
            err->text[length - 1 - back] = 0;
    }
    if (ami_text_is_printable(err->text))
        return;
    memcpy(raw, err->text, sizeof raw);
    ami_text_escape(raw, err->text, sizeof err->text);
}

bool ami_fail(ami_error *err, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        ami_number_vformat(err->text, sizeof err->text, format, args);
        va_end(args);
        make_printable(err);
    }
    return false;
}

bool ami_fail_in(ami_error *err, const char *format, ...)
{
    if (err) {
        char text[sizeof err->text];
        va_list args;
        va_start(args, format);
        int length = ami_number_vformat(text, sizeof text, format, args);
        va_end(args);
        if (length >= 0 && (size_t)length < sizeof text)
            snprintf(text + length, sizeof text - (size_t)length, ": %.*s", (int)(sizeof text - 3),
                     err->text);
        memcpy(err->text, text, sizeof text);
        make_printable(err);
    }
    return false;
}

bool ami_error_is_memory(const ami_error *err)
{
    return strstr(err->text, "not enough memory") || strstr(err->text, "out of memory");
}
