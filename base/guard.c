/* Ends exceptions of libraries in a C function with its own personality routine. */
#include "base/guard.h"

#include <assert.h>
#include <errno.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdio.h>
#include <unwind.h>

typedef struct guard {
    jmp_buf back;
    struct guard *outer;
    char text[512];
} guard;

static _Thread_local guard *innermost;

/* The personality routine of ami_guard's frame. The unwinder calls it twice: to find out whether the frame
 * has a handler, then, after the destructors of inner frames, to enter that. It uses no function of the
 * unwinder, because that may be any library's own. */
__attribute__((used)) static _Unwind_Reason_Code end_exception(int version, _Unwind_Action actions,
                                                               _Unwind_Exception_Class class,
                                                               struct _Unwind_Exception *exception,
                                                               struct _Unwind_Context *context)
{
    (void)version, (void)class, (void)context;
    if (actions & _UA_SEARCH_PHASE)
        return _URC_HANDLER_FOUND;
    if (!(actions & _UA_HANDLER_FRAME))
        return _URC_CONTINUE_UNWIND;
    const bool no_memory = errno == ENOMEM;
    if (exception->exception_cleanup)
        /* frees the exception, in its own runtime */
        exception->exception_cleanup(_URC_FOREIGN_EXCEPTION_CAUGHT, exception);
    ami_guard_leave(no_memory ? "out of memory" : "it ended with an exception");
}

/* Not inlined, so that `end_exception` belongs to this frame only. */
__attribute__((noinline)) bool ami_guard(void (*call)(void *), void *context, ami_error *err)
{
    __asm__ volatile(".cfi_personality 0x1b, end_exception"); /* 0x1b: a 4-byte offset relative to its own
                                                                 address */
    guard own;
    own.outer = innermost;
    own.text[0] = 0;
    const int errno_before = errno;
    errno = 0;
    innermost = &own;
    if (_setjmp(own.back) != 0) {
        innermost = own.outer;
        return ami_fail(err, "%s", own.text);
    }
    call(context);
    innermost = own.outer;
    errno = errno_before;
    return true;
}

bool ami_guard_active(void)
{
    return innermost != NULL;
}

void ami_guard_leave(const char *sentence)
{
    assert(innermost);
    snprintf(innermost->text, sizeof innermost->text, "%s", sentence);
    _longjmp(innermost->back, 1);
}
