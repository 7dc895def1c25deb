/* Creates and locks the folder of a training or fit. */
#include "options/run_folder.h"

#include "base/file.h"
#include "options/options.h"
#include "options/program.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether the folder's checkpoint, if it has one, may be replaced by this run. */
static bool may_write(const char *folder, const ami_checkpoint *resumed, bool *own, ami_error *err)
{
    char checkpoint[4200], quoted[CLI_QUOTED];
    struct stat there, from;
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint.bin", folder);
    *own = false;
    if (lstat(checkpoint, &there) != 0)
        return true;
    *own = resumed && stat(checkpoint, &there) == 0 && stat(ami_checkpoint_path(resumed), &from) == 0 &&
           there.st_dev == from.st_dev && there.st_ino == from.st_ino;
    return *own ||
           ami_fail(err, "%s already exists: continue with --resume %s, or give another folder with --out",
                    checkpoint, cli_quote(checkpoint, quoted, sizeof quoted));
}

ami_folder_lock *cli_run_folder_take(const char *folder, const ami_checkpoint *resumed, ami_error *err)
{
    bool own;
    if (!ami_folder_make(folder, err))
        return NULL;
    /* First without changes. If a run is active in the folder, that is the better sentence. */
    if (!may_write(folder, resumed, &own, err)) {
        ami_folder_locked(folder, err);
        return NULL;
    }
    ami_folder_lock *lock = ami_folder_lock_take(folder, err);
    if (!lock)
        return NULL;
    /* And again: another run may have written here until the lock was taken. */
    if (!may_write(folder, resumed, &own, err) || (own && !ami_checkpoint_is_current(resumed, err))) {
        ami_folder_lock_release(lock);
        return NULL;
    }
    if (ami_folder_lock_missing(lock))
        fprintf(stderr,
                "%s: %s: its file system cannot lock it (%s): a second run here would not be detected; "
                "continuing\n",
                cli_program_name, folder, ami_folder_lock_missing(lock));
    const int removed = ami_folder_remove_temporaries(folder);
    if (removed > 0)
        fprintf(stderr, "%s: removed %d temporary file%s of processes that were killed.\n", folder, removed,
                removed == 1 ? "" : "s");
    return lock;
}
