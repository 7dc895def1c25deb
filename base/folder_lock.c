/* Locks of folders, by flock and not fcntl: a fcntl lock is lost when any descriptor of the file is closed,
 * and two threads of a process share it. */
#include "base/folder_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

struct ami_folder_lock {
    char *path;
    const char *missing; /* why there is no lock, NULL: locked */
    int fd;
};

enum { MAX_HOST = 64 };

static char *lock_path(const char *folder, ami_error *err)
{
    static const char name[] = "/.amble.lock";
    char *path = malloc(strlen(folder) + sizeof name);
    if (path)
        sprintf(path, "%s%s", folder, name);
    else
        ami_fail(err, "%s: out of memory for its lock", folder);
    return path;
}

/* This machine's name as one word. */
static void host_name(char host[MAX_HOST])
{
    if (gethostname(host, MAX_HOST) != 0 || !host[0])
        strcpy(host, "localhost");
    host[MAX_HOST - 1] = 0;
    for (char *c = host; *c; c++)
        if ((unsigned char)*c <= ' ' || *c == 127)
            *c = '_';
}

/* Fails with a sentence that names the process in the lock's file. The file may still name a killed process
 * while the next one writes its own name: a process of this machine that does not exist is not named. */
static bool fail_busy(const char *folder, int fd, ami_error *err)
{
    static const char remedy[] = "wait until it ends, or take another folder";
    char text[128], host[MAX_HOST], own[MAX_HOST];
    long pid;
    const ssize_t n = pread(fd, text, sizeof text - 1, 0);
    text[n > 0 ? n : 0] = 0;
    host_name(own);
    if (sscanf(text, "%ld %63s", &pid, host) != 2 || pid < 1 ||
        (!strcmp(host, own) && kill((pid_t)pid, 0) != 0 && errno == ESRCH))
        return ami_fail(err, "%s: another process is writing to this folder; %s", folder, remedy);
    if (strcmp(host, own))
        return ami_fail(err, "%s: process %ld on %s is writing to this folder; %s", folder, pid, host,
                        remedy);
    return ami_fail(err, "%s: process %ld is writing to this folder; %s", folder, pid, remedy);
}

/* Locks the descriptor: 0, else errno; EWOULDBLOCK: another one has the lock. */
static int try_lock(int fd)
{
    while (flock(fd, LOCK_EX | LOCK_NB) != 0)
        if (errno != EINTR)
            return errno;
    return 0;
}

/* Whether the path still names the open file. */
static bool is_at(int fd, const char *path)
{
    struct stat open_one, there;
    return fstat(fd, &open_one) == 0 && lstat(path, &there) == 0 && open_one.st_dev == there.st_dev &&
           open_one.st_ino == there.st_ino;
}

static void write_owner(int fd)
{
    char host[MAX_HOST], text[128];
    host_name(host);
    const int n = snprintf(text, sizeof text, "%ld %s\n", (long)getpid(), host);
    /* On a full disk the folder is locked all the same; sentences then name "another process". */
    if (ftruncate(fd, 0) != 0 || pwrite(fd, text, (size_t)n, 0) != n)
        return;
}

/* Opens the file and locks it; repeats that where the last owner removed it in between. */
static bool open_locked(ami_folder_lock *lock, const char *folder, ami_error *err)
{
    for (;;) {
        lock->fd = open(lock->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0666);
        if (lock->fd < 0)
            return ami_fail(err, "%s: cannot be opened for writing: %s", lock->path, strerror(errno));
        const int why = try_lock(lock->fd);
        if (why == EWOULDBLOCK)
            return fail_busy(folder, lock->fd, err);
        if (why) {
            lock->missing = strerror(why);
            return true;
        }
        if (is_at(lock->fd, lock->path)) {
            write_owner(lock->fd);
            return true;
        }
        close(lock->fd);
    }
}

ami_folder_lock *ami_folder_lock_take(const char *folder, ami_error *err)
{
    ami_folder_lock *lock = calloc(1, sizeof *lock);
    if (!lock) {
        ami_fail(err, "%s: out of memory for its lock", folder);
        return NULL;
    }
    lock->fd = -1;
    lock->path = lock_path(folder, err);
    if (lock->path && open_locked(lock, folder, err))
        return lock;
    if (lock->fd >= 0)
        close(lock->fd);
    free(lock->path);
    free(lock);
    return NULL;
}

const char *ami_folder_lock_missing(const ami_folder_lock *lock)
{
    return lock->missing;
}

bool ami_folder_locked(const char *folder, ami_error *err)
{
    char *path = lock_path(folder, err);
    /* Writable, because NFS locks nothing else. */
    const int fd = path ? open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK) : -1;
    free(path);
    if (fd < 0)
        return false;
    const bool locked = try_lock(fd) == EWOULDBLOCK;
    if (locked)
        fail_busy(folder, fd, err);
    close(fd);
    return locked;
}

void ami_folder_lock_release(ami_folder_lock *lock)
{
    if (!lock)
        return;
    if (is_at(lock->fd, lock->path)) /* not where another folder has the name now */
        unlink(lock->path);
    close(lock->fd);
    free(lock->path);
    free(lock);
}
