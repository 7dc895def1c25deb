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

/* What the unwinder asks about the frame of ami_guard, first whether a handler is there, then, after it has
 * run the destructors on the way, to go to it. Nothing of the unwinder is used, because it may be any
 * library's own. */
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
        /* frees it, in the runtime that it came from */
        exception->exception_cleanup(_URC_FOREIGN_EXCEPTION_CAUGHT, exception);
    ami_guard_leave(no_memory ? "out of memory" : "it ended with an exception");
}

/* Not inlined, so that the frame that `end_exception` speaks for is this one and no other. */
__attribute__((noinline)) bool ami_guard(void (*call)(void *), void *context, ami_error *err)
{
    __asm__ volatile(".cfi_personality 0x1b, end_exception"); /* 0x1b: where it is, as 4 bytes relative to the
                                                                 place that says so */
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
