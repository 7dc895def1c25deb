/* A folder that one process at a time writes to.
 *
 * The lock is flock's, on a file ".amble.lock" in the folder. The kernel releases it when the process ends,
 * however it ends, so a killed process leaves no locked folder. Linux turns flock into a lock on the server
 * on NFS and SMB: two machines see each other's. The file holds "PID HOST\n" of the process that has the
 * lock. It is removed with the lock; after a kill it stays, unlocked, and the next process takes it over.
 *
 * Does not wait for a lock, and does not keep anybody from writing who does not ask for it. */
#ifndef AMB_BASE_FOLDER_LOCK_H
#define AMB_BASE_FOLDER_LOCK_H

#include "base/error.h"

typedef struct amb_folder_lock amb_folder_lock;

/* Locks an existing folder. NULL and a sentence if another process has it (the sentence names that process),
 * or if the lock's file cannot be made. A file system without locks is no error: see amb_folder_lock_missing.
 * A child process that neither ends nor calls exec keeps the lock too. */
amb_folder_lock *amb_folder_lock_take(const char *folder, amb_error *err);

/* Why this file system could not lock the folder, NULL if it did. */
const char *amb_folder_lock_missing(const amb_folder_lock *lock);

/* Whether a process has the folder locked, with the sentence of amb_folder_lock_take. Touches no file. */
bool amb_folder_locked(const char *folder, amb_error *err);

void amb_folder_lock_release(amb_folder_lock *lock); /* NULL is fine */

#endif
