/* Calls into libraries that leave by an exception or must not return after an error: MuJoCo and oneDNN where
 * memory is short.
 *
 *   static void compile(void *context) { ... mj_loadXML(...) ... }
 *   if (!ami_guard(compile, &arguments, err))
 *       return ami_fail_in(err, "%s", path);
 *
 * What such a call has allocated so far may be lost; what it was working on must be thrown away. A guard
 * costs about as much as a call of a function, so it may stand around a control step. It is C although it
 * ends C++ exceptions: a library may carry a C++ runtime of its own (MuJoCo's wheel does), whose exceptions
 * no `catch` of another runtime can take, but every runtime asks the same kind of function in a frame whether
 * it ends there. It refuses to end what is no exception: abort, exit, signals. */
#ifndef AMI_BASE_GUARD_H
#define AMI_BASE_GUARD_H

#include "base/error.h"

/* Runs call(context). True if it returned; false and a sentence if it left by an exception ("out of memory"
 * where the last request for memory failed) or by ami_guard_leave. Guards may be nested and are each thread's
 * own. */
bool ami_guard(void (*call)(void *), void *context, ami_error *err);

/* Whether this thread is inside of a guard. */
bool ami_guard_active(void);

/* Leaves the innermost guard of this thread with that sentence: for the error handler of a library written in
 * C. No destructors run. */
_Noreturn void ami_guard_leave(const char *sentence);

#endif
