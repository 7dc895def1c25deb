/* What the files of libamble share: results with their sentences, assertions, definitions, handles that one
 * thread at a time may use, parallel work. Not installed. */
#ifndef AMB_LIB_INTERNAL_H
#define AMB_LIB_INTERNAL_H

#include <amble/base.h>

#include "base/error.h"

#include <stdatomic.h>

/* ---- results ---- */

/* Keeps a sentence for amb_error_message and returns `result`. */
amb_result lib_fail(amb_result result, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The same with the sentence of an internal function. The result is MEMORY where the sentence says that memory
 * was short, PHYSICS where it is MuJoCo's, else `otherwise`. */
amb_result lib_fail_with(amb_result otherwise, const ami_error *err);

/* NOT_FOUND where `path` cannot be opened because nothing is there, else `otherwise`: for what a failed
 * reading of that file means. */
amb_result lib_result_of_file(const char *path, amb_result otherwise);

/* ---- assertions ---- */

void lib_assert_failed(const char *condition, const char *function);
void lib_log(amb_log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* At the start of a public function: a broken program ends in the host's handler; if that returns, the function
 * returns `value`. */
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

/* Copies what the caller's header knows of a definition over `full`, which holds this version's defaults and
 * begins with its own size. False where the definition was never initialised (its size is none). */
bool lib_def_copy(void *full, size_t full_size, const void *given);

/* The same the other way round, for structs that the library fills: writes the first `size` bytes that the
 * caller has room for and leaves the size as it was. False where it is none. */
bool lib_out_copy(void *out, const void *full, size_t full_size);

/* ---- one thread at a time ---- */

/* Stands first in a handle that one thread at a time may use; zero at creation. */
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

/* task(index, argument) for every index in [0, count), as `parallel` says; returns when all are done. */
void lib_parallel_for(const amb_parallel *parallel, int count, void (*task)(int index, void *argument),
                      void *argument);

#endif
