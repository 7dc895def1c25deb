/* The list of kernels, the choice among them, and the packing of weights for the one chosen. No arithmetic on the weights. */
#include "nets/kernels.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AMB_CPU(feature) (__builtin_cpu_supports(feature) != 0)

#define AMB_KERNEL(name, lanes, panel, runs_here) \
    static bool runs_##name(void)                 \
    {                                             \
        return runs_here;                         \
    }
#include "nets/kernels.inc"
#undef AMB_KERNEL

static const struct {
    amb_kernel kernel;
    bool (*runs)(void);
} kernels[] = {
#define AMB_KERNEL(name, lanes, panel, runs_here) {{#name, lanes, panel, amb_layer_##name}, runs_##name},
#include "nets/kernels.inc"
#undef AMB_KERNEL
};

enum { KERNELS = sizeof kernels / sizeof kernels[0] };

static bool runs(int i)
{
#if defined(__x86_64__)
    __builtin_cpu_init(); /* idempotent; needed where a constructor creates a network */
#endif
    return kernels[i].runs();
}

int amb_kernel_count(void)
{
    int count = 0;
    for (int i = 0; i < KERNELS; i++)
        count += runs(i);
    return count;
}

static const char *const precision_name[] = {"fp32", "bf16", "int16", "int8", "auto"};
_Static_assert(sizeof precision_name / sizeof precision_name[0] == AMB_PRECISIONS + 1, "every precision has a name");

const char *amb_precision_name(amb_precision precision)
{
    return precision_name[precision];
}

bool amb_precision_by_name(const char *name, amb_precision *precision)
{
    for (int i = 0; i <= AMB_PRECISIONS; i++) {
        if (strcmp(name, precision_name[i]) == 0) {
            *precision = (amb_precision)i;
            return true;
        }
    }
    return false;
}

const amb_kernel *amb_kernel_at(int index)
{
    for (int i = 0; i < KERNELS; i++)
        if (runs(i) && index-- == 0)
            return &kernels[i].kernel;
    return NULL;
}

static const amb_kernel *fastest(void)
{
    return amb_kernel_at(amb_kernel_count() - 1);
}

/* "ref, avx2, avx512": the kernels that run here. */
static void list_names(char *text, size_t size)
{
    size_t used = 0;
    text[0] = '\0';
    for (int i = 0; i < amb_kernel_count() && used < size; i++)
        used += (size_t)snprintf(text + used, size - used, "%s%s", i ? ", " : "", amb_kernel_at(i)->name);
}

const amb_kernel *amb_kernel_by_name(const char *name, amb_error *err)
{
    char names[128];
    for (int i = 0; i < KERNELS; i++) {
        if (strcmp(kernels[i].kernel.name, name) != 0)
            continue;
        if (runs(i))
            return &kernels[i].kernel;
        list_names(names, sizeof names);
        amb_fail(err, "the kernel \"%s\" needs instructions that this CPU or its operating system does not offer; these run here: %s", name,
                 names);
        return NULL;
    }
    list_names(names, sizeof names);
    amb_fail(err, "there is no kernel \"%.100s\"; these run here: %s", name, names);
    return NULL;
}

const amb_kernel *amb_kernel_choose(amb_error *err)
{
    const char *name = getenv("AMB_KERNEL");
    if (!name || !*name)
        return fastest();
    const amb_kernel *kernel = amb_kernel_by_name(name, err);
    if (!kernel)
        amb_fail_in(err, "environment variable AMB_KERNEL");
    return kernel;
}

const amb_kernel *amb_kernel_best(void)
{
    const amb_kernel *kernel = amb_kernel_choose(NULL);
    return kernel ? kernel : fastest();
}

size_t amb_kernel_padded_outputs(const amb_kernel *kernel, int outputs)
{
    const size_t lanes = (size_t)kernel->lanes;
    return ((size_t)outputs + lanes - 1) / lanes * lanes;
}

size_t amb_kernel_weight_size(const amb_kernel *kernel, int inputs, int outputs)
{
    return amb_kernel_padded_outputs(kernel, outputs) * (size_t)inputs;
}

void amb_kernel_pack(const amb_kernel *kernel, int inputs, int outputs, const float *weight, const float *bias, float *packed_weight,
                     float *packed_bias)
{
    const size_t in = (size_t)inputs, out = (size_t)outputs, padded = amb_kernel_padded_outputs(kernel, outputs);
    const size_t panel = (size_t)kernel->panel;
    for (size_t first = 0; first < padded; first += panel) {
        const size_t width = padded - first < panel ? padded - first : panel;
        const size_t real = out - first < width ? out - first : width;
        for (size_t k = 0; k < in; k++) {
            for (size_t j = 0; j < real; j++)
                packed_weight[j] = weight[(first + j) * in + k];
            for (size_t j = real; j < width; j++)
                packed_weight[j] = 0.0f;
            packed_weight += width;
        }
    }
    memcpy(packed_bias, bias, out * sizeof *bias);
    for (size_t i = out; i < padded; i++)
        packed_bias[i] = 0.0f;
}
