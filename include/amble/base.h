/* libamble: what all of its headers share: versions, result codes, definitions, assets, log, parallel work.
 *
 *     #include <amble/amble.h>
 *
 *     amb_model *model;
 *     if (amb_model_load("walk.onnx", NULL, &model) != AMB_OK)
 *         fprintf(stderr, "%s\n", amb_error_message());
 *
 * Results
 *   A function that can fail because of its input (a file, a name, a number) or for lack of memory returns an
 *   amb_result; amb_error_message() then returns a sentence for people: which file, which field, what was
 *   found, what was expected. Outputs are untouched on failure, handles are set to NULL.
 *   An error in the calling program (a NULL handle, one handle used by two threads at once, a definition that
 *   was never initialised) is an assertion: see amb_set_assert_handler.
 *
 * Definitions
 *   Objects are made from a definition, a struct of settings:
 *       amb_env_def def;
 *       amb_env_def_init(&def);      sets every field to its default, and def.size
 *       def.motion = "run";
 *       amb_env_create(&def, &env);  copies the definition; strings may be freed afterwards
 *   A later version of the library may add fields at the end; `size` records which of them the caller has.
 *
 * Threads
 *   Each header lists the functions that may run at the same time. Unless it does: one thread at a time uses
 *   a handle, and any threads use different handles.
 *
 * The library prints nothing, never ends the program, and leaves the host's locale and signals alone.
 * It replaces MuJoCo's log handler once, when the first object that needs MuJoCo is created; the new one
 * forwards messages that the library did not cause to the previous one.
 *
 * Units are SI (m, s, rad, kg, N) unless a field states another unit; the world's z axis points up. Arrays
 * are row-major: "(n, 43)" is n rows of 43 numbers. */
#ifndef AMBLE_BASE_H
#define AMBLE_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <amble/version.h>

#if defined(AMB_BUILDING) && defined(__GNUC__)
#define AMB_API __attribute__((visibility("default")))
#else
#define AMB_API
#endif

#if defined(__GNUC__)
#define AMB_NODISCARD __attribute__((warn_unused_result))
#else
#define AMB_NODISCARD
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- results ---- */

typedef enum amb_result {
    AMB_OK = 0,
    AMB_ERROR_ARGUMENT = 1,    /* a value outside of its range, or values that contradict each other */
    AMB_ERROR_NOT_FOUND = 2,   /* no file or nothing of that name */
    AMB_ERROR_FILE = 3,        /* a file cannot be read or written, or its content is not valid */
    AMB_ERROR_UNSUPPORTED = 4, /* valid, but this version or this machine cannot do it */
    AMB_ERROR_MEMORY = 5,      /* out of memory */
    AMB_ERROR_PHYSICS = 6      /* MuJoCo reported an error */
} amb_result;

/* "ok", "argument", "not found", "file", "unsupported", "memory", "physics". */
AMB_API const char *amb_result_name(amb_result result);

/* The sentence of this thread's last failure, without a newline; empty before the first. It stays until the
 * thread's next failure. */
AMB_API const char *amb_error_message(void);

/* For libraries built on this one, such as libamble-render. amb_fail stores a sentence as this thread's last
 * failure and returns `result`; amb_assertion_failed calls the assertion handler. */
AMB_API amb_result amb_fail(amb_result result, const char *sentence);
AMB_API void amb_assertion_failed(const char *condition, const char *function);

/* ---- version ---- */

/* The version of the linked library; AMB_VERSION_NUMBER and AMB_VERSION_STRING are the header's. */
AMB_API int amb_version_number(void);
AMB_API const char *amb_version_string(void);

/* ---- assertions and log ---- */

/* Called when an assertion fails: `condition` was false in `function`. The default handler logs a sentence
 * and calls abort(). If a handler returns, the function returns AMB_ERROR_ARGUMENT or does nothing. NULL: the
 * default. Set it before other threads use the library. */
typedef void (*amb_assert_handler)(void *context, const char *condition, const char *function);
AMB_API void amb_set_assert_handler(amb_assert_handler handler, void *context);

/* Receives the library's messages, one sentence each, without a newline (which kernel runs a network, what
 * was retried). NULL, the default: messages are dropped. Any thread may call the handler. Set it before other
 * threads use the library. */
typedef enum amb_log_level { AMB_LOG_INFO = 0, AMB_LOG_WARNING = 1, AMB_LOG_ERROR = 2 } amb_log_level;
typedef void (*amb_log_handler)(void *context, amb_log_level level, const char *sentence);
AMB_API void amb_set_log_handler(amb_log_handler handler, void *context);

/* ---- assets ---- */

/* The folder with amble's own files (humanoid.xml, models/, motions/). By default $AMBLE_ASSETS, then
 * ../share/amble beside the library, then beside the program, then the source tree of the build. NULL: the
 * default. The text is copied. Set it before other threads use the library. */
AMB_API amb_result amb_set_assets(const char *folder);

/* The path of one of these files ("models/walk.onnx") in path[size]. */
AMB_NODISCARD AMB_API amb_result amb_find_asset(const char *name, char *path, size_t size);

/* ---- the processor ---- */

typedef struct amb_cpu_info {
    size_t size;           /* sizeof(amb_cpu_info), set by the caller */
    int cores;             /* that this process may use: its affinity, limited by its cgroup's CPU quota */
    const char *isa;       /* "x86-64 with avx512vnni", "x86-64 with avx2", "aarch64" … */
    const char *kernel[4]; /* the fastest kernel for fp32, bf16, int16, int8: "avx512", … */
} amb_cpu_info;

AMB_API amb_result amb_get_cpu_info(amb_cpu_info *info);

/* ---- parallel work ---- */

/* How work for many characters or environments is divided.
 *   threads 1 (the default): on the calling thread.
 *   threads 0: on OpenMP's threads, one for each core that the process may use; n > 1: on n threads.
 *   run: by the host's own scheduler, for example a game engine's job system. It calls task(index, argument)
 *        once for every index in [0, count), on any threads in any order, and returns when all have returned.
 * Results do not depend on the choice. */
typedef struct amb_parallel {
    int threads;
    void (*run)(void *context, int count, void (*task)(int index, void *argument), void *argument);
    void *context; /* for `run` */
} amb_parallel;

#ifdef __cplusplus
}
#endif

#endif
