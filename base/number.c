/* Numbers in text, independent of the host's locale: the C library's conversions, with the C locale set in
 * the calling thread meanwhile. */
#include "base/number.h"

#include <float.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static locale_t plain;
static pthread_once_t plain_once = PTHREAD_ONCE_INIT;

static void make_plain(void)
{
    plain = newlocale(LC_ALL_MASK, "C", (locale_t)0); /* part of the C library: takes no memory */
}

/* Sets the C locale in this thread; returns the previous one. */
static locale_t leave_locale(void)
{
    pthread_once(&plain_once, make_plain);
    return uselocale(plain);
}

static const char *skip_digits(const char *at)
{
    return at + strspn(at, "0123456789");
}

/* The end of the number that begins at text; text itself where there is none. */
static const char *number_end(const char *text)
{
    const char *whole = text + (*text == '+' || *text == '-'), *at = skip_digits(whole);
    size_t digits = (size_t)(at - whole);
    if (*at == '.') {
        const char *fraction = at + 1;
        at = skip_digits(fraction);
        digits += (size_t)(at - fraction);
    }
    if (digits == 0)
        return text;
    if (*at == 'e' || *at == 'E') {
        const char *power = at + 1 + (at[1] == '+' || at[1] == '-'), *behind = skip_digits(power);
        if (behind > power)
            at = behind;
    }
    return at;
}

bool ami_number_read(const char *text, const char **end, double *value)
{
    const char *behind = number_end(text);
    if (behind == text || (!end && *behind))
        return false;
    const locale_t host = leave_locale();
    char *stopped;
    double x = strtod(text, &stopped);
    uselocale(host);
    if (stopped != behind) /* hexadecimal: "0x10" is a 0 followed by an x */
        x = *text == '-' ? -0. : 0.;
    if (!isfinite(x))
        return false;
    if (end)
        *end = behind;
    *value = x;
    return true;
}

const char *ami_number_print(double value, char text[AMI_NUMBER_TEXT])
{
    const locale_t host = leave_locale();
    /* %.15g drops trailing zeros, so it is the shortest form of numbers with up to 15 digits, except where
     * doubles lose digits. */
    for (int digits = fabs(value) < DBL_MIN ? 1 : DBL_DIG; digits <= DBL_DECIMAL_DIG; digits++) {
        snprintf(text, AMI_NUMBER_TEXT, "%.*g", digits, value);
        if (!isfinite(value) || strtod(text, NULL) == value)
            break;
    }
    uselocale(host);
    if (isnan(value))
        strcpy(text, "nan"); /* without a sign */
    return text;
}

int ami_number_vformat(char *text, size_t size, const char *format, va_list args)
{
    const locale_t host = leave_locale();
    const int length = vsnprintf(text, size, format, args);
    uselocale(host);
    return length;
}

int ami_number_format(char *text, size_t size, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const int length = ami_number_vformat(text, size, format, args);
    va_end(args);
    return length;
}

int ami_number_fprintf(FILE *out, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    const locale_t host = leave_locale();
    const int length = vfprintf(out, format, args);
    uselocale(host);
    va_end(args);
    return length;
}
