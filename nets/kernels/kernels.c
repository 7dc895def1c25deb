/* The list of kernels and the choice among them. kernels/pack.c packs for the one chosen. */
#include "nets/kernels/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
#include <cpuid.h>

/* These ask CPUID, and XGETBV for what the operating system saves. */
#define AMI_CPU(feature) (__builtin_cpu_supports(feature) != 0)
#define AMI_AVX2 (AMI_CPU("avx2") && AMI_CPU("fma"))
#define AMI_AVX512 (AMI_CPU("avx512f") && AMI_CPU("avx512bw") && AMI_CPU("avx512vl") && AMI_CPU("avx512dq"))
#define AMI_AVX_VNNI has_avx_vnni()

/* Not among the names that clang 14 knows. */
static bool has_avx_vnni(void)
{
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 1, &a, &b, &c, &d) && (a >> 4 & 1);
}
#endif

#define AMI_KERNEL(name, precision, isa, lanes, panel, runs_here) \
    static bool runs_##name(void)                                 \
    {                                                             \
        return runs_here;                                         \
    }
#include "nets/kernels/kernels.inc"
#undef AMI_KERNEL

#define PREPARE_FP32(name) NULL
#define PREPARE_BF16(name) ami_prepare_##name
#define PREPARE_INT16(name) ami_prepare_##name
#define PREPARE_INT8(name) ami_prepare_##name
#define PREPARE_INT8U(name) ami_prepare_##name
#define PRECISION_FP32 AMI_PRECISION_FP32
#define PRECISION_BF16 AMI_PRECISION_BF16
#define PRECISION_INT16 AMI_PRECISION_INT16
#define PRECISION_INT8 AMI_PRECISION_INT8
#define PRECISION_INT8U AMI_PRECISION_INT8
#define UNSIGNED_FP32 false
#define UNSIGNED_BF16 false
#define UNSIGNED_INT16 false
#define UNSIGNED_INT8 false
#define UNSIGNED_INT8U true

static const struct {
    ami_kernel kernel;
    bool (*runs)(void);
} kernels[] = {
#define AMI_KERNEL(name, precision, isa, lanes, panel, runs_here)                                       \
    {{#name, PRECISION_##precision, UNSIGNED_##precision, isa, lanes, panel, PREPARE_##precision(name), \
      ami_layer_##name},                                                                                \
     runs_##name},
#include "nets/kernels/kernels.inc"
#undef AMI_KERNEL
};

enum { KERNELS = sizeof kernels / sizeof kernels[0] };

static bool runs(int i)
{
#if defined(__x86_64__)
    __builtin_cpu_init(); /* idempotent; needed where a constructor creates a network */
#endif
    return kernels[i].runs();
}

int ami_kernel_count(void)
{
    int count = 0;
    for (int i = 0; i < KERNELS; i++)
        count += runs(i);
    return count;
}

static const char *const precision_name[] = {"fp32", "bf16", "int16", "int8", "auto"};
_Static_assert(sizeof precision_name / sizeof precision_name[0] == AMI_PRECISIONS + 1,
               "every precision has a name");

const char *ami_precision_name(ami_precision precision)
{
    return precision_name[precision];
}

bool ami_precision_by_name(const char *name, ami_precision *precision)
{
    for (int i = 0; i <= AMI_PRECISIONS; i++) {
        if (strcmp(name, precision_name[i]) == 0) {
            *precision = (ami_precision)i;
            return true;
        }
    }
    return false;
}

const ami_kernel *ami_kernel_at(int index)
{
    for (int i = 0; i < KERNELS; i++)
        if (runs(i) && index-- == 0)
            return &kernels[i].kernel;
    return NULL;
}

static const ami_kernel *best(ami_precision precision, bool one_plane)
{
    for (int i = KERNELS - 1; i >= 0; i--)
        if (kernels[i].kernel.precision == precision && kernels[i].kernel.one_plane == one_plane && runs(i))
            return &kernels[i].kernel;
    return NULL; /* not reached: references run everywhere */
}

const ami_kernel *ami_kernel_best(ami_precision precision)
{
    return best(precision, false);
}

const ami_kernel *ami_kernel_best_one_plane(void)
{
    return best(AMI_PRECISION_INT8, true);
}

bool ami_kernel_is_fast(ami_precision precision)
{
    int count = 0;
    for (int i = 0; i < KERNELS; i++)
        count += kernels[i].kernel.precision == precision && !kernels[i].kernel.one_plane && runs(i);
    return count > 1;
}

const ami_kernel *ami_kernel_of_two_planes(const ami_kernel *kernel)
{
    for (int i = 0; i < KERNELS && kernel->one_plane; i++)
        if (kernels[i].kernel.precision == kernel->precision && !kernels[i].kernel.one_plane &&
            !strcmp(kernels[i].kernel.isa, kernel->isa))
            return &kernels[i].kernel;
    return kernel;
}

/* "ref, avx2, avx512": the kernels that run here. */
static void list_names(char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < ami_kernel_count() && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", ami_kernel_at(i)->name);
}

const ami_kernel *ami_kernel_by_name(const char *name, ami_error *err)
{
    char names[512];
    for (int i = 0; i < KERNELS; i++) {
        if (strcmp(kernels[i].kernel.name, name) != 0)
            continue;
        if (runs(i))
            return &kernels[i].kernel;
        list_names(names, sizeof names);
        ami_fail(err,
                 "the kernel \"%s\" needs instructions that this CPU or its operating system does not offer; "
                 "these run here: %s",
                 name, names);
        return NULL;
    }
    list_names(names, sizeof names);
    ami_fail(err, "there is no kernel \"%.100s\"; these run here: %s", name, names);
    return NULL;
}

bool ami_kernel_from_environment(const ami_kernel **kernel, ami_error *err)
{
    const char *name = getenv("AMB_KERNEL");
    *kernel = NULL;
    if (!name || !*name)
        return true;
    *kernel = ami_kernel_by_name(name, err);
    return *kernel || ami_fail_in(err, "environment variable AMB_KERNEL");
}
