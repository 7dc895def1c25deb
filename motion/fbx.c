/* Starting amble-fbx, and what comes of it. */
#define _GNU_SOURCE /* memfd_create, pipe2, dladdr1 */
#include "motion/fbx.h"

#include "base/assert.h"
#include "base/clock.h"
#include "base/text.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <link.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static const double patience = 90; /* s */
enum { MOST = 256 << 20 };         /* bytes of its output */

bool ami_fbx_looks_like(const void *bytes, size_t size)
{
    static const char binary[] = "Kaydara FBX Binary  ", text[] = "; FBX ";
    return (size >= sizeof binary - 1 && !memcmp(bytes, binary, sizeof binary - 1)) ||
           (size >= sizeof text - 1 && !memcmp(bytes, text, sizeof text - 1));
}

/* FOLDER/WHERE of the folder of a file, if it can be run. */
static bool beside(const char *file, const char *where, char *path, size_t size)
{
    const char *slash = strrchr(file, '/');
    return slash && (size_t)snprintf(path, size, "%.*s/%s", (int)(slash - file), file, where) < size &&
           access(path, X_OK) == 0;
}

static bool find_program(char *path, size_t size, ami_error *err)
{
    static const char *const where[] = {"amble-fbx", "../libexec/amble/amble-fbx",
                                        "../../libexec/amble/amble-fbx"};
    const char *given = getenv("AMBLE_FBX");
    if (given && *given)
        return ((size_t)snprintf(path, size, "%s", given) < size && access(path, X_OK) == 0) ||
               ami_fail(err, "is an FBX file, and $AMBLE_FBX, %.200s, is no program", given);
    char program[PATH_MAX], library[PATH_MAX] = "";
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = 0;
    Dl_info about;
    void *map = NULL;
    if (!dladdr1(where, &about, &map, RTLD_DL_LINKMAP) || !map || !((struct link_map *)map)->l_name[0] ||
        !realpath(((struct link_map *)map)->l_name, library))
        library[0] = 0;
    for (size_t i = 0; i < sizeof where / sizeof *where; i++)
        if (beside(program, where[i], path, size) || (i > 0 && beside(library, where[i], path, size)))
            return true;
#ifdef AMB_FBX_PROGRAM
    if ((size_t)snprintf(path, size, "%s", AMB_FBX_PROGRAM) < size && access(path, X_OK) == 0)
        return true;
#endif
    return ami_fail(
        err, "is an FBX file, which needs the program amble-fbx, and there is none: amble was built without "
             "Assimp (libassimp-dev); Blender writes FBX as .glb and .bvh");
}

/* The bytes as a file without a name that the program can read; -1 if there cannot be one. */
static int input_of(const void *bytes, size_t size)
{
    const int fd = memfd_create("fbx", MFD_CLOEXEC);
    for (size_t done = 0; fd >= 0 && done < size;) {
        const ssize_t n = write(fd, (const char *)bytes + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            close(fd);
            return -1;
        }
        done += (size_t)n;
    }
    if (fd >= 0)
        lseek(fd, 0, SEEK_SET);
    return fd;
}

static bool start(const char *program, int in, int out, pid_t *pid)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    sigset_t none, all;
    sigemptyset(&none);
    sigfillset(&all);
    if (posix_spawn_file_actions_init(&actions) != 0)
        return false;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return false;
    }
    char *const argv[] = {(char *)program, NULL};
    const bool ok =
        !posix_spawn_file_actions_adddup2(&actions, in, 0) &&
        !posix_spawn_file_actions_adddup2(&actions, out, 1) &&
        !posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0) &&
        !posix_spawnattr_setsigmask(&attributes, &none) && /* whatever the host blocks or ignores */
        !posix_spawnattr_setsigdefault(&attributes, &all) &&
        !posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF) &&
        !posix_spawn(pid, program, &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return ok;
}

/* All that comes out of a pipe. NULL and a sentence if it is too much, takes too long, or there is no memory. */
static char *read_all(int fd, size_t *size, ami_error *err)
{
    const double until = ami_clock_now() + patience;
    size_t capacity = 1 << 16, used = 0;
    char *text = malloc(capacity + 1);
    while (text) {
        struct pollfd ready = {fd, POLLIN, 0};
        const double left = until - ami_clock_now();
        const int n = left > 0 ? poll(&ready, 1, (int)(1e3 * left) + 1) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0 || used >= MOST) {
            ami_fail(err,
                     n <= 0 ? "its conversion took more than %g s" : "its conversion gave more than 256 MiB",
                     patience);
            break;
        }
        if (used == capacity) {
            char *more = realloc(text, 2 * capacity + 1);
            if (!more) {
                ami_fail(err, "out of memory for its conversion");
                break;
            }
            text = more;
            capacity *= 2;
        }
        const ssize_t got = read(fd, text + used, capacity - used);
        if (got < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (got <= 0) { /* the end */
            *size = used;
            text[used] = 0;
            return text;
        }
        used += (size_t)got;
    }
    if (!text)
        ami_fail(err, "out of memory for its conversion");
    free(text);
    return NULL;
}

uint8_t *ami_fbx_to_glb(const void *bytes, size_t size, size_t *length, ami_error *err)
{
    AMI_ASSERT(bytes && length);
    char program[PATH_MAX], *text = NULL;
    int ends[2] = {-1, -1}, status = 0;
    pid_t pid = -1;
    if (!find_program(program, sizeof program, err))
        return NULL;
    const int in = input_of(bytes, size);
    const bool started = in >= 0 && pipe2(ends, O_CLOEXEC) == 0 && start(program, in, ends[1], &pid);
    if (!started)
        ami_fail(err, "%.200s cannot be started: %s", program, strerror(errno));
    if (in >= 0)
        close(in);
    if (ends[1] >= 0)
        close(ends[1]);
    if (started) {
        text = read_all(ends[0], length, err);
        if (!text)
            kill(pid, SIGKILL);
        while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
            ;
    }
    if (ends[0] >= 0)
        close(ends[0]);
    if (!text || (*length >= 4 && !memcmp(text, "glTF", 4) && status == 0))
        return (uint8_t *)text;
    char sentence[200];
    text[strcspn(text, "\r\n")] = 0;
    if (WIFEXITED(status) && WEXITSTATUS(status) == 1 && *text)
        ami_fail(err, "%s", ami_text_escape(text, sentence, sizeof sentence));
    else
        ami_fail(
            err,
            "the FBX reader ended without a result: the file is damaged, or needs more than 2 GiB or 60 s");
    free(text);
    return NULL;
}
