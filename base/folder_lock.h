/* A folder that one process at a time writes to.
 *
 * The lock is flock's, on a file ".amble.lock" in the folder. The kernel releases it when the process ends,
 * however it ends, so a killed process leaves no locked folder. Linux turns flock into a lock on the server
 * on NFS and SMB: two machines see each other's. The file holds "PID HOST\n" of the process that has the
 * lock. It is removed with the lock; after a kill it stays, unlocked, and the next process takes it over.
 *
 * Does not wait for a lock. Advisory: a program that does not ask for the lock can still write. */
#ifndef AMI_BASE_FOLDER_LOCK_H
#define AMI_BASE_FOLDER_LOCK_H

#include "base/error.h"

typedef struct ami_folder_lock ami_folder_lock;

/* Locks an existing folder. NULL and a sentence if another process has it (the sentence names that process),
 * or if the lock's file cannot be created. A file system without locks is not an error: see
 * ami_folder_lock_missing. A child process keeps the lock, too, until it ends or calls exec. */
ami_folder_lock *ami_folder_lock_take(const char *folder, ami_error *err);

/* Why this file system could not lock the folder, NULL if it did. */
const char *ami_folder_lock_missing(const ami_folder_lock *lock);

/* Whether a process has the folder locked, with the sentence of ami_folder_lock_take. Touches no file. */
bool ami_folder_locked(const char *folder, ami_error *err);

void ami_folder_lock_release(ami_folder_lock *lock); /* NULL is fine */

#endif
