/* Shared by the files of libamble: results with their sentences, assertions, definitions, handles for one
 * thread at a time, parallel work. Not installed. */
#ifndef AMB_LIB_INTERNAL_H
#define AMB_LIB_INTERNAL_H

#include <amble/base.h>

#include "base/error.h"

#include <stdatomic.h>

/* ---- results ---- */

/* Keeps a sentence for amb_error_message and returns `result`. */
amb_result lib_fail(amb_result result, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with the sentence of an internal function. The result is MEMORY for a sentence about memory,
 * PHYSICS for one of MuJoCo's, else `otherwise`. */
amb_result lib_fail_with(amb_result otherwise, const ami_error *err);

/* The result for a file that could not be read: NOT_FOUND where `path` does not exist, else `otherwise`. */
amb_result lib_result_of_file(const char *path, amb_result otherwise);

/* The result for a style that ami_style_mix refused: NOT_FOUND where the table has no style of a name, else
 * ARGUMENT. */
amb_result lib_result_of_style(const ami_error *err);

/* ---- assertions ---- */

void lib_assert_failed(const char *condition, const char *function);
void lib_log(amb_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Preconditions at the start of a public function: calls the host's assertion handler; if that returns, the
 * function returns `value`. */
#define LIB_REQUIRE_OR(condition, value)             \
    do {                                             \
        if (!(condition)) {                          \
            lib_assert_failed(#condition, __func__); \
            return value;                            \
        }                                            \
    } while (0)
#define LIB_REQUIRE(condition) \
    LIB_REQUIRE_OR(condition, lib_fail(AMB_ERROR_ARGUMENT, "%s: %s does not hold", __func__, #condition))

/* ---- definitions ---- */

/* Copies the fields that the caller's header has over `full`, which holds this version's defaults and begins
 * with its own size. False where the definition was never initialised (its size is not valid). */
bool lib_def_copy(void *full, size_t full_size, const void *given);

/* The reverse, for structs that the library fills: writes the first `size` bytes, as many as the caller's
 * struct has, and keeps `size`. False where that is not valid. */
bool lib_out_copy(void *out, const void *full, size_t full_size);

/* ---- one thread at a time ---- */

/* The first field of a handle that one thread at a time may use; zero at creation. */
typedef struct lib_owner {
    atomic_flag busy;
} lib_owner;

static inline bool lib_enter(lib_owner *owner)
{
    return !atomic_flag_test_and_set_explicit(&owner->busy, memory_order_acquire);
}

static inline void lib_leave(lib_owner *owner)
{
    atomic_flag_clear_explicit(&owner->busy, memory_order_release);
}

/* ---- parallel work ---- */

/* Calls task(index, argument) for every index in [0, count), divided as in `parallel`; returns when all are
 * done. */
void lib_parallel_for(const amb_parallel *parallel, int count, void (*task)(int index, void *argument),
                      void *argument);

#endif
