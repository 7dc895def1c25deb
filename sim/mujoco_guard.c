/* Turns MuJoCo's errors into sentences. */
#include "sim/mujoco_guard.h"

#include <mujoco/mujoco.h>
#include <pthread.h>

static mjfLogHandler before; /* the host's handler, or MuJoCo's own */

static void handle(const mjLogMessage *message)
{
    if (!ami_guard_active())
        before(message);
    else if (message->level >= mjLOG_ERROR)
        ami_guard_leave(message->subject);
}

static void install(void)
{
    before = mju_setLogHandler(handle);
}

bool ami_mujoco_guard(void (*call)(void *), void *context, ami_error *err)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
    return ami_guard(call, context, err) || ami_fail_in(err, "MuJoCo");
}
