/* Counts a test program's allocations, and makes a chosen one fail, by replacing malloc, unless a sanitizer
 * replaces it. To be included by one file of a program. */
#ifndef AMI_TESTS_ALLOCATIONS_H
#define AMI_TESTS_ALLOCATIONS_H

#include "tests/skip.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

static long asked;                                     /* calls of malloc so far; 0 for ever where it is not
                                                          counted */
__attribute__((unused)) static long refused_call = -1; /* the call of malloc, from 0, that gets nothing; -1:
                                                          none */
__attribute__((unused)) static bool no_memory;         /* while true, malloc refuses every call, in every
                                                          library */

#if defined(__has_feature)
#if __has_feature(thread_sanitizer) || __has_feature(address_sanitizer) || __has_feature(memory_sanitizer)
#define AMI_OWN_MALLOC
#endif
#endif
#if !defined(__GLIBC__) || defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define AMI_OWN_MALLOC
#endif

#ifndef AMI_OWN_MALLOC
extern void *__libc_malloc(size_t size);
void *malloc(size_t size)
{
    if (asked++ != refused_call && !no_memory)
        return __libc_malloc(size);
    errno = ENOMEM;
    return NULL;
}
#endif

/* LLVM's OpenMP runtime asks for memory in loops and aborts where it gets none ("OMP: Error #111"); nothing
 * can be tested there. */
#if defined(__clang__) && defined(_OPENMP)
#define SKIP_WHERE_OPENMP_ABORTS() \
    skip_because("LLVM's OpenMP runtime ends a program that is short of memory")
#else
#define SKIP_WHERE_OPENMP_ABORTS() ((void)0)
#endif

#endif
