/* FNV-1a over bytes, 64 bits: for comparing runs; not safe against attacks on hash tables. */
#ifndef AMI_BASE_HASH_H
#define AMI_BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

#define AMI_HASH_START UINT64_C(0xcbf29ce484222325)

/* Continues from `hash`; the first call gets AMI_HASH_START. */
static inline uint64_t ami_hash(uint64_t hash, const void *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ ((const unsigned char *)bytes)[i]) * UINT64_C(0x100000001b3);
    return hash;
}

#endif
