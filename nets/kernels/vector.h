/* For plain C loops that the compiler vectorises: one binary for the baseline CPU and, chosen when the
 * program is loaded, one for AVX2. Such a function must give the same result whichever version runs first on
 * one machine; between machines last bits may differ. */
#ifndef AMI_NETS_KERNELS_VECTOR_H
#define AMI_NETS_KERNELS_VECTOR_H

#include <stdlib.h> /* defines __GLIBC__ where it is */

#if defined(__SANITIZE_THREAD__)
#define AMI_VECTOR_NO_CLONES /* its run-time library is not up yet when the loader chooses */
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define AMI_VECTOR_NO_CLONES
#endif
#endif

#if defined(__x86_64__) && defined(__GLIBC__) && !defined(AMI_VECTOR_NO_CLONES)
#define AMI_VECTOR_CLONES __attribute__((target_clones("avx2", "default")))
#else
#define AMI_VECTOR_CLONES
#endif

#endif
