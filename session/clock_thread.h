/* The session's thread and clock: control steps at control rate × speed, independent of drawing.
 *
 * Snapshots leave the thread through a triple buffer, commands enter it through a ring. Both work without
 * locks, so neither side waits for the other and no data is incomplete. If the thread is slower than the
 * requested speed, real_time_factor shows it; the thread does not catch up. Only one thread may send commands
 * and read snapshots; it need not be the one that called ami_sim_start. */
#ifndef AMI_SESSION_CLOCK_THREAD_H
#define AMI_SESSION_CLOCK_THREAD_H

#include "session/session.h"

#define AMI_SPEED_MIN .0625
#define AMI_SPEED_MAX 16.

typedef struct ami_sim ami_sim;

/* Starts to step `session`, which belongs to the thread until ami_sim_stop. NULL and a sentence on error. */
ami_sim *ami_sim_start(ami_session *session, int characters, double speed, bool paused, ami_error *err);

/* Ends the thread after the current step, even during a command of many steps. The session belongs to the
 * caller again. NULL is fine. */
void ami_sim_stop(ami_sim *sim);

/* Queues a command. *number (may be NULL) receives its number: it is done when commands_done has reached it.
 * False if the queue is full because the thread is late; then nothing is sent. Pulls and steps, which are
 * sent in quick succession, may use only half of the queue, so that the commands that end them fit in. */
bool ami_sim_send(ami_sim *sim, const ami_command *command, uint64_t *number);

/* The newest snapshot; it does not change until the next call. */
const ami_snapshot *ami_sim_latest(ami_sim *sim);

#endif
