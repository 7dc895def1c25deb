#include "base/error.h"

#include "base/number.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

bool amb_fail(amb_error *err, const char *format, ...)
{
    if (err) {
        va_list args;
        va_start(args, format);
        amb_number_vformat(err->text, sizeof err->text, format, args);
        va_end(args);
    }
    return false;
}

bool amb_fail_in(amb_error *err, const char *format, ...)
{
    if (err) {
        char text[sizeof err->text];
        va_list args;
        va_start(args, format);
        int length = amb_number_vformat(text, sizeof text, format, args);
        va_end(args);
        if (length >= 0 && (size_t)length < sizeof text)
            snprintf(text + length, sizeof text - (size_t)length, ": %.*s", (int)(sizeof text - 3), err->text);
        memcpy(err->text, text, sizeof text);
    }
    return false;
}
