/* Text from files: checks names, and escapes other text for printing.
 *
 * A file may hold anything: control characters that colour or clear a terminal, bytes that are not UTF-8,
 * marks that turn the direction of writing. Names are checked where they are read. Other text from a file is
 * printed with such characters escaped ("\x1b"), as ami_fail does. */
#ifndef AMI_BASE_TEXT_H
#define AMI_BASE_TEXT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { AMI_NAME = 65 }; /* bytes of the longest name, with its zero */

/* Whether the text is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms, nothing above U+10FFFF).
 */
bool ami_text_is_utf8(const char *text);

/* Whether it is well-formed and without control characters (U+0000 to 1F, 7F to 9F), line separators (U+2028,
 * 2029) and marks of direction (U+200E, 200F, 202A to 202E, 2066 to 2069). Empty text is. */
bool ami_text_is_printable(const char *text);

/* Copies text with every other byte written as "\x1b", cut at the size between two characters. Returns out.
 */
const char *ami_text_escape(const char *text, char *out, size_t size);

/* Whether a path ends so (".npz"), capitals or not, and has something before. */
bool ami_text_has_ending(const char *path, const char *ending);

/* A name: 1 to 64 bytes, printable, no blank at its ends. False and a sentence that begins with `what`
 * ("style 3") otherwise. */
AMI_MUST_CHECK bool ami_name_check(const char *name, const char *what, ami_error *err);

#endif
