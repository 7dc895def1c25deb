/* Huge pages for large blocks of memory. Page faults take most of the time of reading or packing a large
 * network. */
#ifndef AMI_BASE_PAGES_H
#define AMI_BASE_PAGES_H

#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

/* Requests huge pages. A hint: no effect where the system does not support or grant it. */
static inline void ami_prefer_large_pages(void *memory, size_t size)
{
#ifdef MADV_HUGEPAGE
    uintptr_t page = (uintptr_t)sysconf(_SC_PAGESIZE), from = ((uintptr_t)memory + page - 1) / page * page;
    uintptr_t to = ((uintptr_t)memory + size) / page * page;
    if (size >= (size_t)2 << 20 && to > from)
        (void)madvise((void *)from, to - from, MADV_HUGEPAGE);
#else
    (void)memory, (void)size;
#endif
}

#endif
