/* Preconditions of interfaces inside amble. Only a mistake in the calling code breaks them: a NULL handle, a
 * size out of range, a number that must be finite and is not. Errors in files and user input are an ami_error
 * instead (base/error.h).
 *
 * Like assert, it is compiled out where NDEBUG is defined, as in a release. A build may replace it, for
 * example to check and log in a release too:
 *   cmake -DCMAKE_C_FLAGS='-DAMI_ASSERT(condition)=((condition)?(void)0:my_report(#condition))' ... */
#ifndef AMI_BASE_ASSERT_H
#define AMI_BASE_ASSERT_H

#ifndef AMI_ASSERT
#include <assert.h>
#define AMI_ASSERT(condition) assert(condition)
#endif

#endif
