/* The session's own thread and clock: control steps at control rate × speed, whatever the drawing does.
 *
 * Out come snapshots through a triple buffer, in go commands through a ring; both without locks, so neither
 * side ever waits for the other and nothing is ever half written. A thread that cannot keep the asked speed
 * says so in real_time_factor and does not try to catch up. One thread sends and looks; it may be another
 * than the one that started. */
#ifndef AMI_SESSION_CLOCK_THREAD_H
#define AMI_SESSION_CLOCK_THREAD_H

#include "session/session.h"

#define AMI_SPEED_MIN .0625
#define AMI_SPEED_MAX 16.

typedef struct ami_sim ami_sim;

/* Starts stepping `session`, which belongs to the thread until ami_sim_stop. NULL and a sentence on error. */
ami_sim *ami_sim_start(ami_session *session, int characters, double speed, bool paused, ami_error *err);

/* Ends the thread after the step it is in, however many steps a command has asked for. The session is the
 * caller's again. NULL is fine. */
void ami_sim_stop(ami_sim *sim);

/* Queues a command; its number goes to `number` (may be NULL): it is done once commands_done has reached
 * that. False if the queue is full (the thread is far behind): nothing is sent. Pulls and steps, which come
 * in quick succession, may fill half of it: there is always room for what ends them. */
bool ami_sim_send(ami_sim *sim, const ami_command *command, uint64_t *number);

/* The newest snapshot; stays as it is until the next call. */
const ami_snapshot *ami_sim_latest(ami_sim *sim);

#endif
