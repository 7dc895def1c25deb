/* Preconditions of interfaces inside amble: what only a mistake in the calling code can break (a NULL handle,
 * a size out of range, a number that is not finite where one was promised). What a file or a user says wrong
 * is an ami_error instead (base/error.h).
 *
 * As assert, it is compiled out where NDEBUG is defined, as in a release. A build may put something else in
 * its place, for instance what checks and logs in a release too:
 *   cmake -DCMAKE_C_FLAGS='-DAMI_ASSERT(condition)=((condition)?(void)0:my_report(#condition))' ... */
#ifndef AMI_BASE_ASSERT_H
#define AMI_BASE_ASSERT_H

#ifndef AMI_ASSERT
#include <assert.h>
#define AMI_ASSERT(condition) assert(condition)
#endif

#endif
