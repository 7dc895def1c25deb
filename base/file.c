/* Whole files: bounded reads, atomic writes, mkdir -p, removal of temporary files and CRC-32C.
 *
 * Does not map files, does not read pipes or devices, does not follow a symbolic link when it replaces a file
 * (the link itself is replaced), and keeps no state between calls. */
#include "base/file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { TEMPORARY_TRIES = 1000 };

static const char *kind_of(mode_t mode)
{
    if (S_ISDIR(mode))
        return "a folder";
    if (S_ISFIFO(mode))
        return "a pipe";
    if (S_ISSOCK(mode))
        return "a socket";
    if (S_ISCHR(mode) || S_ISBLK(mode))
        return "a device";
    return "a special file";
}

/* malloc, but with huge pages for large files where the system has them: page faults of small pages take
 * longer than reading. */
static uint8_t *allocate(size_t size)
{
#ifdef MADV_HUGEPAGE
    const size_t page = (size_t)2 << 20;
    if (size >= 2 * page && size < SIZE_MAX - page) {
        size_t whole = (size + page - 1) / page * page;
        uint8_t *memory = aligned_alloc(page, whole);
        if (memory)
            (void)madvise(memory, whole, MADV_HUGEPAGE); /* a hint */
        return memory;
    }
#endif
    return malloc(size);
}

uint8_t *ami_file_read(const char *path, size_t max_bytes, size_t *size, ami_error *err)
{
    uint8_t *data = NULL;
    bool done = false;
    *size = 0;
    /* O_NONBLOCK: opening a pipe without a writer must fail below, not hang here. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        ami_fail(err, "%s: cannot be opened for reading: %s", path, strerror(errno));
        return NULL;
    }
    struct stat st;
    if (fstat(fd, &st) != 0) {
        ami_fail(err, "%s: cannot be examined: %s", path, strerror(errno));
        goto out;
    }
    if (!S_ISREG(st.st_mode)) {
        ami_fail(err, "%s: is %s, a regular file was expected", path, kind_of(st.st_mode));
        goto out;
    }
    if (st.st_size < 0 || (uintmax_t)st.st_size > max_bytes || (uintmax_t)st.st_size >= SIZE_MAX) {
        ami_fail(err, "%s: is %jd bytes long, at most %zu were expected", path, (intmax_t)st.st_size,
                 max_bytes);
        goto out;
    }
    size_t want = (size_t)st.st_size, got = 0;
    data = allocate(want + 1);
    if (!data) {
        ami_fail(err, "%s: not enough memory to read %zu bytes", path, want);
        goto out;
    }
    while (got < want) {
        ssize_t n = read(fd, data + got, want - got);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            ami_fail(err, "%s: reading failed after %zu of %zu bytes: %s", path, got, want, strerror(errno));
            goto out;
        }
        if (n == 0) {
            ami_fail(err, "%s: ended after %zu bytes, %zu were expected", path, got, want);
            goto out;
        }
        got += (size_t)n;
    }
    data[want] = 0;
    *size = want;
    done = true;
out:
    close(fd);
    if (!done) {
        free(data);
        data = NULL;
    }
    return data;
}

const char *ami_text_begin(const char *text, size_t *size, ami_error *err)
{
    static const char mark[] = "\xef\xbb\xbf";
    if (*size > 1 && (!memcmp(text, "\xff\xfe", 2) || !memcmp(text, "\xfe\xff", 2))) {
        ami_fail(err, "is text in UTF-16, UTF-8 was expected: save it again in that encoding");
        return NULL;
    }
    if (*size < sizeof mark - 1 || memcmp(text, mark, sizeof mark - 1) != 0)
        return text;
    *size -= sizeof mark - 1;
    return text + sizeof mark - 1;
}

char *ami_file_read_text(const char *path, size_t max_bytes, size_t *size, ami_error *err)
{
    char *text = (char *)ami_file_read(path, max_bytes, size, err);
    if (!text)
        return NULL;
    const char *begin = ami_text_begin(text, size, err);
    if (!begin) {
        ami_fail_in(err, "%s", path);
        free(text);
        *size = 0;
        return NULL;
    }
    if (begin != text)
        memmove(text, begin, *size + 1); /* and the zero after it */
    return text;
}

/* The folder that contains PATH, malloc'd. */
static char *folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    if (!slash)
        return strdup(".");
    return slash == path ? strdup("/") : strndup(path, (size_t)(slash - path));
}

/* Locks a new temporary file until all its descriptors are closed, where the file system can, so that
 * ami_folder_remove_temporaries of any process (another container's, too) leaves it. False if one was just
 * removing it. */
static bool keep_temporary(int fd)
{
    struct stat st;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return false;
    return fstat(fd, &st) != 0 || st.st_nlink > 0;
}

/* Creates a new temporary file beside PATH and writes its name; -1 and errno on failure. The file is
 * exclusive: it differs from those of other threads, of a process with the same id in another container, and
 * from one that a crash left. */
static int open_temporary(const char *path, char *name, size_t name_size)
{
    for (int i = 0; i < TEMPORARY_TRIES; i++) {
        if (i == 0) {
            snprintf(name, name_size, "%s.tmp.%ld", path, (long)getpid());
        } else {
            snprintf(name, name_size, "%s.tmp.%ld.%d", path, (long)getpid(), i);
        }
        int fd = open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0 && errno != EEXIST)
            return -1;
        if (fd >= 0 && keep_temporary(fd))
            return fd;
        if (fd >= 0)
            close(fd);
    }
    errno = EEXIST;
    return -1;
}

static bool write_all(int fd, const uint8_t *data, size_t size)
{
    while (size > 0) {
        ssize_t n = write(fd, data, size);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return false;
        data += n;
        size -= (size_t)n;
    }
    return true;
}

/* Makes the rename durable. File systems without support return EINVAL, which is ignored. */
static bool sync_folder(const char *folder)
{
    int fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return errno == EACCES; /* a folder with permission to write but not to list */
    bool ok = fsync(fd) == 0 || errno == EINVAL;
    int saved = errno;
    close(fd);
    errno = saved;
    return ok;
}

bool ami_file_write(const char *path, const void *data, size_t size, ami_error *err)
{
    struct stat old;
    bool replaces = stat(path, &old) == 0;
    if (replaces && !S_ISREG(old.st_mode)) {
        return ami_fail(err, "%s: is %s, only a regular file can be written", path, kind_of(old.st_mode));
    }
    size_t name_size = strlen(path) + 48;
    char *name = malloc(name_size);
    char *folder = folder_of(path);
    if (!name || !folder) {
        free(name);
        free(folder);
        return ami_fail(err, "%s: not enough memory to write it", path);
    }

    bool ok = false, renamed = false;
    const char *what = "creating a temporary file beside it";
    int fd = open_temporary(path, name, name_size);
    bool made = fd >= 0;
    int lock = made ? fcntl(fd, F_DUPFD_CLOEXEC, 0) : -1; /* keeps the lock until the file has its name */
    if (!made)
        goto out;
    what = "writing";
    if (replaces && fchmod(fd, old.st_mode & 0777) != 0)
        goto out; /* the new file is as readable as the old one was */
    if (!write_all(fd, data, size))
        goto out;
    what = "flushing it to disk";
    if (fsync(fd) != 0)
        goto out;
    what = "closing it";
    int closed = close(fd);
    fd = -1;
    if (closed != 0)
        goto out;
    what = "renaming its temporary file";
    if (rename(name, path) != 0)
        goto out;
    renamed = true;
    what = "flushing its folder to disk";
    ok = sync_folder(folder);
out:
    if (!ok) {
        int saved = errno;
        if (fd >= 0)
            close(fd);
        if (made && !renamed)
            unlink(name);
        ami_fail(err, "%s: %s, %s failed: %s", path,
                 renamed ? "written, but perhaps not to disk" : "not written", what, strerror(saved));
    }
    if (lock >= 0)
        close(lock);
    free(name);
    free(folder);
    return ok;
}

bool ami_file_check_writable(const char *path, ami_error *err)
{
    struct stat st;
    const bool existed = stat(path, &st) == 0;
    if (existed && !S_ISREG(st.st_mode))
        return ami_fail(err, "%s: is %s, only a regular file can be written", path, kind_of(st.st_mode));
    if (!existed && errno != ENOENT)
        return ami_fail(err, "%s: cannot be written: %s", path, strerror(errno));
    if (!existed) { /* its folder decides, and is not changed */
        const char *slash = strrchr(path, '/');
        char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : NULL;
        if (slash && !folder)
            return ami_fail(err, "%s: out of memory", path);
        const bool ok = path[0] && (!slash || slash[1]) && access(folder ? folder : ".", W_OK | X_OK) == 0;
        const int why = path[0] && (!slash || slash[1]) ? errno : ENOENT;
        free(folder);
        return ok || ami_fail(err, "%s: cannot be written: %s", path, strerror(why));
    }
    /* O_NONBLOCK: as for reading, in case a pipe has just replaced the file. */
    const int fd = open(path, O_WRONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0)
        return ami_fail(err, "%s: cannot be written: %s", path, strerror(errno));
    close(fd);
    return true;
}

bool ami_folder_make(const char *path, ami_error *err)
{
    if (!path[0])
        return ami_fail(err, "the name of the folder to make is empty");
    char *part = strdup(path);
    if (!part)
        return ami_fail(err, "%s: not enough memory to make the folder", path);
    bool ok = true;
    for (char *p = part + 1; ok; p++) {
        if (*p != '/' && *p != 0)
            continue;
        char kept = *p;
        *p = 0;
        struct stat st;
        if (mkdir(part, 0777) != 0) {
            int why = errno; /* a read-only file system or parent is no error if the folder exists */
            if (stat(part, &st) != 0) {
                ok = ami_fail(err, "%s: folder %s cannot be made: %s", path, part, strerror(why));
            } else if (!S_ISDIR(st.st_mode)) {
                ok = ami_fail(err, "%s: %s exists and is not a folder", path, part);
            }
        }
        *p = kept;
        if (!kept)
            break;
    }
    free(part);
    return ok;
}

/* A whole number as "%ld" prints it, without sign, at most `max`; 0 if there is none. *text is moved past
 * it. */
static long read_plain(const char **text, long max)
{
    char *end;
    errno = 0;
    if (**text < '1' || **text > '9')
        return 0;
    const long value = strtol(*text, &end, 10);
    *text = end;
    return errno || value > max ? 0 : value;
}

/* The id of the process for which open_temporary created a file of this name; 0 for any other name. */
static pid_t temporary_process(const char *name)
{
    static const char mark[] = ".tmp.";
    const char *at = NULL;
    for (const char *next = strstr(name, mark); next; next = strstr(next + 1, mark))
        at = next;
    if (!at || at == name)
        return 0;
    at += sizeof mark - 1;
    const long pid = read_plain(&at, INT_MAX);
    if (*at == '.') {
        at++;
        if (!read_plain(&at, TEMPORARY_TRIES - 1))
            return 0;
    }
    return *at ? 0 : (pid_t)pid;
}

/* Whether it is a regular file without a lock that still has its name: a writer unlocks it after renaming it.
 * Without locks in the file system the answer is yes. */
static bool is_abandoned(int fd, int folder, const char *name)
{
    struct stat st, named;
    return fd >= 0 && fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && flock(fd, LOCK_SH | LOCK_NB) == 0 &&
           fstatat(folder, name, &named, AT_SYMLINK_NOFOLLOW) == 0 && named.st_dev == st.st_dev &&
           named.st_ino == st.st_ino;
}

int ami_folder_remove_temporaries(const char *folder)
{
    int removed = 0;
    DIR *dir = opendir(folder);
    for (const struct dirent *entry; dir && (entry = readdir(dir));) {
        const pid_t pid = temporary_process(entry->d_name);
        if (pid == 0 || (pid != getpid() && (kill(pid, 0) == 0 || errno != ESRCH)))
            continue;
        /* A shared lock and opening for reading suffice to detect a writer's lock, also for a read-only file.
         */
        const int fd =
            openat(dirfd(dir), entry->d_name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY);
        removed += is_abandoned(fd, dirfd(dir), entry->d_name) && unlinkat(dirfd(dir), entry->d_name, 0) == 0;
        if (fd >= 0)
            close(fd);
    }
    if (dir)
        closedir(dir);
    return removed;
}

/* CRC-32C, eight bytes at a time with eight tables (Kounavis & Berry 2008, "slicing by 8"). table[k][b] is
 * the CRC of byte b followed by k zero bytes. */
static uint32_t crc_table[8][256];
static pthread_once_t crc_once = PTHREAD_ONCE_INIT;

static void crc_fill(void)
{
    for (uint32_t b = 0; b < 256; b++) {
        uint32_t c = b;
        for (int i = 0; i < 8; i++)
            c = (c >> 1) ^ (c & 1 ? 0x82f63b78u : 0);
        crc_table[0][b] = c;
    }
    for (int k = 1; k < 8; k++) {
        for (int b = 0; b < 256; b++) {
            uint32_t c = crc_table[k - 1][b];
            crc_table[k][b] = (c >> 8) ^ crc_table[0][c & 255];
        }
    }
}

uint32_t ami_crc32c(uint32_t crc, const void *data, size_t size)
{
    pthread_once(&crc_once, crc_fill);
    const uint8_t *p = data;
    crc = ~crc;
    for (; size >= 8; size -= 8, p += 8) {
        uint32_t lo =
            crc ^ ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24);
        crc = crc_table[7][lo & 255] ^ crc_table[6][lo >> 8 & 255] ^ crc_table[5][lo >> 16 & 255] ^
              crc_table[4][lo >> 24] ^ crc_table[3][p[4]] ^ crc_table[2][p[5]] ^ crc_table[1][p[6]] ^
              crc_table[0][p[7]];
    }
    for (; size > 0; size--, p++)
        crc = (crc >> 8) ^ crc_table[0][(crc ^ *p) & 255];
    return ~crc;
}
