/* amble/base.h: results, log, assertions, definitions, assets, the processor, parallel work. */
#include "lib/internal.h"

#include "base/assets.h"
#include "base/cores.h"
#include "base/number.h"
#include "nets/kernels/kernels.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#ifdef _OPENMP
#include <omp.h>
#endif

static _Thread_local ami_error last;
static amb_assert_handler assert_handler;
static void *assert_context;
static amb_log_handler log_handler;
static void *log_context;

/* ---- results ---- */

const char *amb_result_name(amb_result result)
{
    static const char *const name[] = {"ok",          "argument", "not found", "file",
                                       "unsupported", "memory",   "physics"};
    const int i = (int)result;
    return i >= 0 && i < (int)(sizeof name / sizeof *name) ? name[i] : "unknown";
}

const char *amb_error_message(void)
{
    return last.text;
}

amb_result lib_fail(amb_result result, const char *format, ...)
{
    char text[sizeof last.text];
    va_list arguments;
    va_start(arguments, format);
    ami_number_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    ami_fail(&last, "%s", text);
    return result;
}

amb_result lib_fail_with(amb_result otherwise, const ami_error *err)
{
    if (&last != err)
        last = *err;
    if (strstr(err->text, "out of memory") || strstr(err->text, "not enough memory"))
        return AMB_ERROR_MEMORY;
    return strstr(err->text, "MuJoCo: ") ? AMB_ERROR_PHYSICS : otherwise;
}

amb_result lib_result_of_file(const char *path, amb_result otherwise)
{
    struct stat about;
    return stat(path, &about) != 0 && (errno == ENOENT || errno == ENOTDIR) ? AMB_ERROR_NOT_FOUND : otherwise;
}

amb_result lib_result_of_style(const ami_error *err)
{
    return strstr(err->text, "there is no style ") ? AMB_ERROR_NOT_FOUND : AMB_ERROR_ARGUMENT;
}

amb_result amb_fail(amb_result result, const char *sentence)
{
    return lib_fail(result, "%s", sentence ? sentence : amb_result_name(result));
}

void amb_assertion_failed(const char *condition, const char *function)
{
    lib_assert_failed(condition ? condition : "", function ? function : "");
}

/* ---- version ---- */

int amb_version_number(void)
{
    return AMB_VERSION_NUMBER;
}

const char *amb_version_string(void)
{
    return AMB_VERSION_STRING;
}

/* ---- assertions and log ---- */

void amb_set_assert_handler(amb_assert_handler handler, void *context)
{
    assert_handler = handler;
    assert_context = context;
}

void amb_set_log_handler(amb_log_handler handler, void *context)
{
    log_handler = handler;
    log_context = context;
}

void lib_log(amb_log_level level, const char *format, ...)
{
    if (!log_handler)
        return;
    char text[sizeof last.text];
    va_list arguments;
    va_start(arguments, format);
    ami_number_vformat(text, sizeof text, format, arguments);
    va_end(arguments);
    log_handler(log_context, level, text);
}

void lib_assert_failed(const char *condition, const char *function)
{
    if (assert_handler) {
        assert_handler(assert_context, condition, function);
        return;
    }
    lib_log(AMB_LOG_ERROR, "%s: %s does not hold; this is an error in the calling program", function,
            condition);
    abort();
}

/* ---- definitions ---- */

bool lib_def_copy(void *full, size_t full_size, const void *given)
{
    size_t size;
    memcpy(&size, given, sizeof size);
    if (size < sizeof size || size > 1 << 16)
        return false;
    memcpy((char *)full + sizeof size, (const char *)given + sizeof size,
           (size < full_size ? size : full_size) - sizeof size);
    return true;
}

bool lib_out_copy(void *out, const void *full, size_t full_size)
{
    size_t size;
    memcpy(&size, out, sizeof size);
    if (size < sizeof size || size > 1 << 16)
        return false;
    memcpy((char *)out + sizeof size, (const char *)full + sizeof size,
           (size < full_size ? size : full_size) - sizeof size);
    return true;
}

/* ---- assets ---- */

amb_result amb_set_assets(const char *folder)
{
    ami_error err = {""};
    return ami_assets_set(folder, &err) ? AMB_OK : lib_fail_with(AMB_ERROR_NOT_FOUND, &err);
}

amb_result amb_find_asset(const char *name, char *path, size_t size)
{
    LIB_REQUIRE(name && path && size > 0);
    char found[4096];
    ami_error err = {""};
    if (!ami_asset_path(name, found, sizeof found, &err))
        return lib_fail_with(AMB_ERROR_NOT_FOUND, &err);
    if (strlen(found) >= size)
        return lib_fail(AMB_ERROR_ARGUMENT, "the path of %s takes %zu bytes, but the buffer has %zu", name,
                        strlen(found) + 1, size);
    strcpy(path, found);
    return AMB_OK;
}

/* ---- the processor ---- */

amb_result amb_get_cpu_info(amb_cpu_info *info)
{
    static const ami_precision precision[4] = {AMI_PRECISION_FP32, AMI_PRECISION_BF16, AMI_PRECISION_INT16,
                                               AMI_PRECISION_INT8};
    LIB_REQUIRE(info);
    amb_cpu_info full = {.cores = ami_cores(), .isa = ami_kernel_best(AMI_PRECISION_INT16)->isa};
    for (int p = 0; p < 4; p++)
        full.kernel[p] = ami_kernel_best(precision[p])->name;
    LIB_REQUIRE(lib_out_copy(info, &full, sizeof full) && "size is set");
    return AMB_OK;
}

/* ---- parallel work ---- */

void lib_parallel_for(const amb_parallel *parallel, int count, void (*task)(int index, void *argument),
                      void *argument)
{
    if (parallel->run) {
        parallel->run(parallel->context, count, task, argument);
        return;
    }
#ifdef _OPENMP
    int threads = parallel->threads > 0 ? parallel->threads : ami_cores_within_quota(omp_get_num_procs());
    threads = threads < count ? threads : count;
    if (threads > 1) {
#pragma omp parallel for num_threads(threads) schedule(dynamic, 1)
        for (int i = 0; i < count; i++)
            task(i, argument);
        return;
    }
#endif
    for (int i = 0; i < count; i++)
        task(i, argument);
}
