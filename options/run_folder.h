/* The folder that a training or a fit writes to: checkpoint, networks, curves. One process at a time, and no
 * run overwrites another. */
#ifndef AMI_OPTIONS_RUN_FOLDER_H
#define AMI_OPTIONS_RUN_FOLDER_H

#include "base/checkpoint.h"
#include "base/folder_lock.h"

/* Makes the folder if it is not there, locks it and removes the temporary files of processes that were killed
 * in it (said on standard error, as is a file system that cannot lock). NULL and a sentence if another
 * process has it, if another run's checkpoint is in it, or if the checkpoint that is resumed (NULL: none) is
 * the folder's own and was replaced since it was read. */
ami_folder_lock *cli_run_folder_take(const char *folder, const ami_checkpoint *resumed, ami_error *err);

#endif
