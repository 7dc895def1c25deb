/* Guards calls into libraries that throw an exception or must not return after an error: MuJoCo and oneDNN
 * where memory is short.
 *
 *   static void compile(void *context) { ... mj_loadXML(...) ... }
 *   if (!ami_guard(compile, &arguments, err))
 *       return ami_fail_in(err, "%s", path);
 *
 * Memory that such a call allocated may leak; the objects it worked on must be discarded. A guard costs about
 * as much as a function call, so it may enclose a control step. It is written in C although it ends C++
 * exceptions: a library may contain its own C++ runtime (MuJoCo's wheel does), whose exceptions no `catch` of
 * another runtime can handle, but every runtime calls a frame's personality routine. It ends exceptions only,
 * not abort, exit or signals. */
#ifndef AMI_BASE_GUARD_H
#define AMI_BASE_GUARD_H

#include "base/error.h"

/* Runs call(context). True if it returned; false and a sentence if it left by an exception ("out of memory"
 * where the last request for memory failed) or by ami_guard_leave. Guards may be nested; each thread has its
 * own. */
bool ami_guard(void (*call)(void *), void *context, ami_error *err);

/* Whether this thread is inside a guard. */
bool ami_guard_active(void);

/* Leaves the innermost guard of this thread with that sentence: for the error handler of a library written in
 * C. No destructors run. */
_Noreturn void ami_guard_leave(const char *sentence);

#endif
