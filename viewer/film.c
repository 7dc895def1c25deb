/* Writes videos through a pipe to ffmpeg. */
#define _GNU_SOURCE /* pipe2, memfd_create */
#include "viewer/film.h"

#include "base/file.h"
#include "base/number.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

struct ami_film {
    char path[4096];
    int pipe, log; /* log: ffmpeg's messages, in memory */
    pid_t pid;
    int width, height;
    int64_t frames;
};

static const char *ending(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot ? dot : "";
}

static bool is_known(const char *path)
{
    static const char *const known[] = {".mp4", ".mov", ".mkv", ".webm", ".gif"};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (!strcasecmp(ending(path), known[i]))
            return true;
    return false;
}

static bool in_path(const char *program)
{
    const char *path = getenv("PATH");
    for (const char *p = path ? path : "/usr/bin:/bin"; *p;) {
        const size_t n = strcspn(p, ":");
        char file[4096];
        snprintf(file, sizeof file, "%.*s/%s", (int)n, p, program);
        if (access(file, X_OK) == 0)
            return true;
        p += n + (p[n] == ':');
    }
    return false;
}

bool ami_film_check(const char *path, ami_error *err)
{
    if (!is_known(path))
        return ami_fail(err, "%s: a video's name must end in .mp4, .mov, .mkv, .webm or .gif", path);
    if (!in_path("ffmpeg"))
        return ami_fail(err, "%s cannot be written because ffmpeg is missing: install the package ffmpeg",
                        path);
    return ami_file_check_writable(path, err);
}

/* Starts ffmpeg, which reads from the pipe and logs into memory. It has its own process group and SIGHUP
 * blocked, so that Ctrl-C and a closing terminal end only this program, which then lets ffmpeg finish. */
static bool spawn(ami_film *film, char *const *argv, ami_error *err)
{
    int ends[2];
    film->log = memfd_create("ffmpeg", MFD_CLOEXEC);
    if (film->log < 0 || pipe2(ends, O_CLOEXEC))
        return ami_fail(err, "%s: no pipe to ffmpeg: %s", film->path, strerror(errno));
    film->pipe = ends[1];
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    posix_spawn_file_actions_init(&actions);
    posix_spawnattr_init(&attributes);
    posix_spawn_file_actions_adddup2(&actions, ends[0], 0);
    posix_spawn_file_actions_adddup2(&actions, film->log, 1);
    posix_spawn_file_actions_adddup2(&actions, film->log, 2);
    posix_spawnattr_setflags(&attributes,
                             POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
    sigset_t defaults, blocked;
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGHUP);
    posix_spawnattr_setsigmask(&attributes, &blocked);
    const int failed = posix_spawnp(&film->pid, "ffmpeg", &actions, &attributes, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    posix_spawnattr_destroy(&attributes);
    close(ends[0]);
    if (failed) {
        film->pid = 0;
        return ami_fail(err, "%s: ffmpeg cannot be started: %s", film->path, strerror(failed));
    }
    return true;
}

static bool start(ami_film *film, double fps, ami_error *err)
{
    char size[32], rate[AMI_NUMBER_TEXT], target[4104];
    snprintf(size, sizeof size, "%dx%d", film->width, film->height);
    ami_number_format(rate, sizeof rate, "%.9g", fps);
    snprintf(target, sizeof target, "file:%.4090s", film->path);
    const char *argv[48] = {
        "ffmpeg",   "-hide_banner",  "-loglevel", "error",       "-nostats", "-y",         "-f",
        "rawvideo", "-pixel_format", "rgb24",     "-video_size", size,       "-framerate", rate,
        "-i",       "pipe:0",        "-an"};
    int n = 0;
    while (argv[n])
        n++;
    static const char *const gif[] = {"-vf",
                                      "vflip,split[a][b];[a]palettegen=max_colors=160:stats_mode=diff[p];[b]["
                                      "p]paletteuse=dither=bayer:bayer_scale=4:diff_mode=rectangle",
                                      "-loop", "0", NULL};
    static const char *const webm[] = {"-vf",       "vflip,pad=ceil(iw/2)*2:ceil(ih/2)*2",
                                       "-c:v",      "libvpx-vp9",
                                       "-crf",      "28",
                                       "-b:v",      "0",
                                       "-deadline", "good",
                                       "-cpu-used", "4",
                                       "-pix_fmt",  "yuv420p",
                                       NULL};
    static const char *const h264[] = {"-vf",       "vflip,pad=ceil(iw/2)*2:ceil(ih/2)*2",
                                       "-c:v",      "libx264",
                                       "-preset",   "medium",
                                       "-crf",      "20",
                                       "-pix_fmt",  "yuv420p",
                                       "-movflags", "+faststart",
                                       NULL};
    static const char *const mkv[] = {"-vf",      "vflip,pad=ceil(iw/2)*2:ceil(ih/2)*2",
                                      "-c:v",     "libx264",
                                      "-preset",  "medium",
                                      "-crf",     "20",
                                      "-pix_fmt", "yuv420p",
                                      NULL};
    const char *e = ending(film->path);
    const char *const *extra = !strcasecmp(e, ".gif")    ? gif
                               : !strcasecmp(e, ".webm") ? webm
                               : !strcasecmp(e, ".mkv")  ? mkv
                                                         : h264;
    while (*extra)
        argv[n++] = *extra++;
    argv[n++] = target;
    argv[n] = NULL;
    return spawn(film, (char *const *)argv, err);
}

ami_film *ami_film_open(const char *path, int width, int height, double fps, ami_error *err)
{
    if (!ami_film_check(path, err))
        return NULL;
    ami_film *film = calloc(1, sizeof *film);
    if (!film) {
        ami_fail(err, "out of memory for %s", path);
        return NULL;
    }
    snprintf(film->path, sizeof film->path, "%s", path);
    film->width = width;
    film->height = height;
    film->pipe = film->log = -1;
    signal(SIGPIPE, SIG_IGN); /* if ffmpeg has ended, write fails, and its message is reported */
    if (start(film, fps, err))
        return film;
    ami_film_close(film, NULL);
    return NULL;
}

enum { LOG_END = 4096 };

/* Reads the end of ffmpeg's log; returns its length. */
static ssize_t read_log(const ami_film *film, char log[LOG_END])
{
    const off_t end = lseek(film->log, 0, SEEK_END);
    const off_t from = end > LOG_END - 1 ? end - LOG_END + 1 : 0;
    ssize_t n = pread(film->log, log, LOG_END - 1, from);
    n = n < 0 ? 0 : n;
    log[n] = 0;
    return n;
}

/* ffmpeg before version 6 ends with status 0 though the last bytes of the file could not be written. */
static bool lost_its_end(const ami_film *film)
{
    char log[LOG_END];
    read_log(film, log);
    return strstr(log, "Error writing trailer") || strstr(log, "Error closing file");
}

/* The last line of ffmpeg's log. */
static void last_words(const ami_film *film, char *text, size_t size)
{
    char log[LOG_END];
    ssize_t n = read_log(film, log);
    while (n > 0 && (log[n - 1] == '\n' || log[n - 1] == '\r'))
        n--;
    log[n] = 0;
    const char *line = strrchr(log, '\n');
    snprintf(text, size, "%s", n ? (line ? line + 1 : log) : "without a message");
}

bool ami_film_frame(ami_film *film, const unsigned char *rgb, ami_error *err)
{
    const size_t size = (size_t)film->width * (size_t)film->height * 3;
    for (size_t done = 0; done < size;) {
        const ssize_t n = write(film->pipe, rgb + done, size - done);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            char words[400];
            last_words(film, words, sizeof words);
            return ami_fail(err, "%s: ffmpeg gave up: %s", film->path, words);
        }
        done += (size_t)n;
    }
    film->frames++;
    return true;
}

bool ami_film_close(ami_film *film, ami_error *err)
{
    if (!film)
        return true;
    if (film->pipe >= 0)
        close(film->pipe);
    bool ok = true;
    int status = 0;
    if (film->pid > 0) {
        while (waitpid(film->pid, &status, 0) < 0 && errno == EINTR) {
        }
        if (!WIFEXITED(status) || WEXITSTATUS(status) || lost_its_end(film)) {
            char words[400];
            last_words(film, words, sizeof words);
            ok = ami_fail(err, "%s: ffmpeg failed: %s", film->path, words);
        }
    }
    if (film->log >= 0)
        close(film->log);
    free(film);
    return ok;
}

int64_t ami_film_frames(const ami_film *film)
{
    return film->frames;
}
