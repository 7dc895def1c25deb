/* MuJoCo's errors as sentences. MuJoCo tells an error to a handler that must not return; its own one prints,
 * appends to MUJOCO_LOG.TXT in the current folder and ends the program. Here is a handler that leaves the
 * guarded call instead, and one function that calls under it.
 *
 * The handler is global to the process. It keeps to itself what MuJoCo reports inside of a guard, errors as
 * sentences and warnings not at all (amble finds unstable states itself), and hands on what is reported
 * elsewhere to the handler that was there before it. */
#ifndef AMI_SIM_MUJOCO_GUARD_H
#define AMI_SIM_MUJOCO_GUARD_H

#include "base/guard.h"

/* ami_guard for calls into MuJoCo; the sentence begins with "MuJoCo: ". After false an mjData that the call
 * stepped must be deleted or reset, and an mjModel that it compiled is lost. */
bool ami_mujoco_guard(void (*call)(void *), void *context, ami_error *err);

#endif
