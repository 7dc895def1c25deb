/* MuJoCo's errors as sentences. MuJoCo reports an error to a handler that must not return; the default one
 * prints, appends to MUJOCO_LOG.TXT in the current folder and ends the program. The handler here leaves the
 * guarded call instead.
 *
 * The handler is global to the process:
 *   inside of a guard   an error becomes a sentence; warnings are dropped (amble detects unstable states)
 *   elsewhere           messages are forwarded to the handler that was installed before */
#ifndef AMI_SIM_MUJOCO_GUARD_H
#define AMI_SIM_MUJOCO_GUARD_H

#include "base/guard.h"

/* ami_guard for calls into MuJoCo; the sentence begins with "MuJoCo: ". If it returns false, an mjData that
 * the call stepped must be deleted or reset, and an mjModel that it compiled is leaked. */
bool ami_mujoco_guard(void (*call)(void *), void *context, ami_error *err);

#endif
