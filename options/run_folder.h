/* The folder that a training or a fit writes to: checkpoint, networks, curves. One process at a time, and no
 * run overwrites another. */
#ifndef AMI_OPTIONS_RUN_FOLDER_H
#define AMI_OPTIONS_RUN_FOLDER_H

#include "base/checkpoint.h"
#include "base/folder_lock.h"

/* Creates the folder if it is missing, locks it and removes the temporary files of killed processes (reported
 * on standard error, as is a file system without locks). NULL and a sentence if another process has locked
 * it, if it contains another run's checkpoint, or if the resumed checkpoint (NULL: none) is the folder's own
 * and was replaced since it was read. */
ami_folder_lock *cli_run_folder_take(const char *folder, const ami_checkpoint *resumed, ami_error *err);

#endif
