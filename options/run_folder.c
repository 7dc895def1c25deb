#include "options/run_folder.h"

#include "base/file.h"
#include "options/options.h"
#include "options/program.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Whether the folder's checkpoint, if it has one, may be replaced by this run. */
static bool may_write(const char *folder, const amb_checkpoint *resumed, bool *own, amb_error *err)
{
    char checkpoint[4200], quoted[CLI_QUOTED];
    struct stat there, from;
    snprintf(checkpoint, sizeof checkpoint, "%s/checkpoint.bin", folder);
    *own = false;
    if (lstat(checkpoint, &there) != 0)
        return true;
    *own = resumed && stat(checkpoint, &there) == 0 && stat(amb_checkpoint_path(resumed), &from) == 0 &&
           there.st_dev == from.st_dev && there.st_ino == from.st_ino;
    return *own ||
           amb_fail(err, "%s is there already: go on with --resume %s, or give another folder with --out",
                    checkpoint, cli_quote(checkpoint, quoted, sizeof quoted));
}

amb_folder_lock *cli_run_folder_take(const char *folder, const amb_checkpoint *resumed, amb_error *err)
{
    bool own;
    if (!amb_folder_make(folder, err))
        return NULL;
    /* First without touching anything. A run that is at work in the folder is the better reason. */
    if (!may_write(folder, resumed, &own, err)) {
        amb_folder_locked(folder, err);
        return NULL;
    }
    amb_folder_lock *lock = amb_folder_lock_take(folder, err);
    if (!lock)
        return NULL;
    /* And again: until now another run may have been at work here. */
    if (!may_write(folder, resumed, &own, err) || (own && !amb_checkpoint_is_current(resumed, err))) {
        amb_folder_lock_release(lock);
        return NULL;
    }
    if (amb_folder_lock_missing(lock))
        fprintf(
            stderr,
            "%s: %s: its file system cannot lock it (%s): a second run here would not be noticed; going on\n",
            cli_program_name, folder, amb_folder_lock_missing(lock));
    const int removed = amb_folder_remove_temporaries(folder);
    if (removed > 0)
        fprintf(stderr, "%s: removed %d temporary file%s of processes that were killed.\n", folder, removed,
                removed == 1 ? "" : "s");
    return lock;
}
