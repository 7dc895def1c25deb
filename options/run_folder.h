/* The folder that a training or a fit writes to: checkpoint, networks, curves. One process at a time, and no
 * run overwrites another. */
#ifndef AMB_OPTIONS_RUN_FOLDER_H
#define AMB_OPTIONS_RUN_FOLDER_H

#include "base/checkpoint.h"
#include "base/folder_lock.h"

/* Makes the folder if it is not there, locks it and removes the temporary files of processes that were killed
 * in it (said on standard error, as is a file system that cannot lock). NULL and a sentence if another
 * process has it, if another run's checkpoint is in it, or if the checkpoint that is resumed (NULL: none) is
 * the folder's own and was replaced since it was read. */
amb_folder_lock *cli_run_folder_take(const char *folder, const amb_checkpoint *resumed, amb_error *err);

#endif
