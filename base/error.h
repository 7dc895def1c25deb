/* Errors that a user can correct: one sentence in the caller's buffer.
 *
 * A function that can fail on bad input (a file, a flag, a network, a motion) takes an `ami_error *` as its
 * last parameter and returns false or NULL; the text then names the file, the field, what was found and what
 * was expected. A library function never prints and never exits. A programmer's mistake (a null pointer, a
 * wrong shape in code) asserts instead. */
#ifndef AMI_BASE_ERROR_H
#define AMI_BASE_ERROR_H

#include <stdbool.h>

typedef struct ami_error {
    char text[1024]; /* one sentence, without a trailing newline; empty while nothing failed */
} ami_error;

/* For a function whose failure must not be ignored: the compiler warns where its result is not used. */
#define AMI_MUST_CHECK __attribute__((warn_unused_result))

/* Writes the sentence (printf-style, in the C locale, cut at the buffer's end; control characters and what is
 * not UTF-8 are escaped, as base/text.h does) and returns false, for `return ami_fail(err, ...)`. `err` may
 * be NULL: then it only returns false. */
bool ami_fail(ami_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Puts "prefix: " before the present sentence, for a caller that knows the file's name where the callee does
 * not. Returns false. */
bool ami_fail_in(ami_error *err, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whether the sentence says that memory was short, so that another way of doing the same must not be tried: it could
 * succeed with another result. */
bool ami_error_is_memory(const ami_error *err);

#endif
