/* Numbers in text, with a decimal point whatever locale the host program has set.
 *
 * strtod, printf and similar functions read and write "0,5" where the host has called setlocale(LC_ALL,
 * "de_DE.UTF-8"). All of amble uses the functions below to read numbers from text and to write numbers that
 * are read again. Reading is strict: no blanks, no hexadecimal, no "inf" or "nan". The host's locale does not
 * change; safe to call from several threads. */
#ifndef AMI_BASE_NUMBER_H
#define AMI_BASE_NUMBER_H

#include "base/error.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum { AMI_NUMBER_TEXT = 32 }; /* bytes that hold any number as ami_number_print writes it */

/* Reads a decimal number that begins at text: [+-] digits [. digits] [e [+-] digits], with a digit before or
 * after the point. *end is set to its end; with end NULL nothing may follow it. False, and *value as it was,
 * where there is none or it overflows a double. */
AMI_MUST_CHECK bool ami_number_read(const char *text, const char **end, double *value);

/* Writes the shortest of %.1g to %.17g that ami_number_read reads back as the same double ("0.95", "1e-05");
 * "inf", "-inf" or "nan" for what is not finite. Returns text. */
const char *ami_number_print(double value, char text[AMI_NUMBER_TEXT]);

/* snprintf, vsnprintf and fprintf with a decimal point in every locale. */
int ami_number_format(char *text, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));
int ami_number_vformat(char *text, size_t size, const char *format, va_list args)
    __attribute__((format(printf, 3, 0)));
int ami_number_fprintf(FILE *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
