/* Watches over a training. */
#define _GNU_SOURCE /* st_mtim */
#include "cli/train_supervise.h"

#include "base/clock.h"
#include "options/options.h"
#include "options/program.h"

#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const double poll_s = .2, pause_s = 2, grace_s = 30; /* grace: between SIGTERM and SIGKILL */
enum { TRIES = 3 };

/* Time of a file's last change, s; 0: there is no such file. */
static double changed(const char *folder, const char *name)
{
    char path[PATH_MAX];
    struct stat s;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", folder, name) >= sizeof path || stat(path, &s) != 0)
        return 0;
    return (double)s.st_mtim.tv_sec + 1e-9 * (double)s.st_mtim.tv_nsec;
}

/* Of the newest file in the folder. */
static double newest(const char *folder)
{
    DIR *d = opendir(folder);
    double last = 0;
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;) {
        const double t = e->d_name[0] == '.' ? 0 : changed(folder, e->d_name);
        last = t > last ? t : last;
    }
    if (d)
        closedir(d);
    return last;
}

/* The child's command: the launcher's words, this program, "train", the options, --supervised. To be freed with the text that
 * its first words lie in. */
static char **command(const train_supervision *s, int argc, char **argv, char **text)
{
    static char program[PATH_MAX], train[] = "train", supervised[] = "--supervised";
    const ssize_t n = readlink("/proc/self/exe", program, sizeof program - 1);
    program[n > 0 ? n : 0] = 0;
    *text = strdup(s->launcher ? s->launcher : "");
    char **words = *text ? calloc(strlen(*text) + (size_t)argc + 4, sizeof *words) : NULL;
    int count = 0;
    if (!words)
        return NULL;
    for (char *rest = *text, *word; (word = strtok_r(count ? NULL : *text, " ", &rest)) != NULL;)
        words[count++] = word;
    words[count++] = program;
    words[count++] = train;
    for (int i = 1; i < argc; i++)
        words[count++] = argv[i];
    words[count] = supervised;
    return words;
}

/* A process group of its own: what the launcher started ends with it, and a terminal's Ctrl-C reaches only this process. */
static pid_t start(char **words)
{
    const pid_t pid = fork();
    if (pid != 0) {
        if (pid > 0)
            setpgid(pid, pid);
        return pid;
    }
    setpgid(0, 0);
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGHUP, SIG_DFL);
    signal(SIGUSR1, SIG_DFL);
    setenv("OMPI_MCA_odls_base_sigkill_timeout", "25",
           0); /* Open MPI kills a second after SIGTERM: too soon for saving */
    execvp(words[0], words);
    fprintf(stderr, "amble: %s cannot be started: %s\n", words[0], strerror(errno));
    _exit(CLI_BAD_INPUT);
}

/* Waits for the child. Passes a stop on; ends it where it is stuck, which sets *stuck. Returns wait's status. */
static int watch(const train_supervision *s, pid_t pid, bool *stuck)
{
    double last_change = newest(s->folder), since = ami_clock_now(), ended = 0;
    bool stopped = false;
    int status = 0;
    *stuck = false;
    for (;;) {
        const pid_t gone = waitpid(pid, &status, WNOHANG);
        if (gone == pid || (gone < 0 && errno == ECHILD))
            break;
        const double now = ami_clock_now(), change = newest(s->folder);
        if (change > last_change) {
            last_change = change;
            since = now;
        }
        if (cli_stopped && !stopped) {
            stopped = true;
            kill(pid, SIGTERM); /* a launcher passes it on to all */
            ended = 0;
        }
        if (!stopped && !*stuck && s->stuck_minutes > 0 && now - since > 60 * s->stuck_minutes) {
            *stuck = true;
            ended = now;
            fprintf(stderr, "amble: no progress in %s for %g minutes; ending it\n", s->folder,
                    s->stuck_minutes);
            kill(-pid, SIGCONT);
            kill(pid, SIGTERM);
        }
        if (ended > 0 && now - ended > grace_s)
            kill(-pid, SIGKILL);
        ami_clock_sleep_until(now + poll_s);
    }
    kill(-pid, SIGKILL); /* what is left of it */
    return status;
}

int train_supervise(const train_supervision *supervision, int argc, char **argv)
{
    char *text = NULL, **words = command(supervision, argc, argv, &text);
    int status = CLI_FAILED, failures = 0;
    if (!words) {
        free(text);
        return cli_fail(&(ami_error){"out of memory"});
    }
    for (;;) {
        bool stuck;
        const double before = changed(supervision->folder, "checkpoint.bin");
        const pid_t pid = start(words);
        if (pid < 0) {
            fprintf(stderr, "amble: no process can be started: %s\n", strerror(errno));
            break;
        }
        const int ended = watch(supervision, pid, &stuck);
        const bool saved = changed(supervision->folder, "checkpoint.bin") > before;
        status = WIFEXITED(ended) ? WEXITSTATUS(ended) : CLI_FAILED;
        if (cli_stopped || (!stuck && (status == 0 || status == 130 || (status == CLI_BAD_INPUT && !saved))))
            break;
        failures = saved ? 1 : failures + 1;
        if (failures == TRIES) {
            fprintf(stderr, "amble: the training ended %d times without a new checkpoint; giving up\n",
                    TRIES);
            status = CLI_FAILED;
            break;
        }
        if (WIFSIGNALED(ended))
            fprintf(stderr, "amble: the training was ended by signal %d; starting it again\n",
                    WTERMSIG(ended));
        else
            fprintf(stderr, "amble: the training ended with exit status %d; starting it again\n", status);
        ami_clock_sleep_until(ami_clock_now() + pause_s);
        if (cli_stopped)
            break;
    }
    free(words);
    free(text);
    return status;
}
