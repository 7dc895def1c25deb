/* Start and end of programs: standard streams, signals, threads. */
#define _GNU_SOURCE /* on_exit */
#include "options/program.h"

#include "base/guard.h"
#include "options/options.h"

#include <errno.h>
#include <execinfo.h>
#include <fcntl.h>
#include <mujoco/mujoco.h>
#include <pthread.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

volatile sig_atomic_t cli_stopped;

const char *cli_program_name = "amble";
static bool output_reported; /* cli_write_output has returned a sentence about it */

/* ---- Standard streams ---- */

/* Opens /dev/null for each closed stream in the opposite mode: writing to one opened for reading fails, and
 * vice versa. */
static void occupy_standard_streams(void)
{
    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", fd == STDIN_FILENO ? O_WRONLY : O_RDONLY) < 0)
            return;
}

static const char *output_error(int error)
{
    return error ? strerror(error) : "an earlier write failed";
}

static void close_standard_output(void)
{
    const bool failed = ferror(stdout) != 0, pending = __fpending(stdout) != 0;
    errno = 0;
    if ((fclose(stdout) != 0 && (pending || errno != EBADF)) || failed) {
        if (!output_reported)
            fprintf(stderr, "%s: standard output cannot be written: %s\n", cli_program_name,
                    output_error(errno));
        _exit(CLI_BAD_INPUT);
    }
}

bool cli_write_output(const char *text, size_t length, ami_error *err)
{
    const bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fwrite(text, 1, length, stdout) == length && fflush(stdout) == 0 && !failed)
        return true;
    output_reported = true;
    return ami_fail(err, "standard output cannot be written: %s", output_error(errno));
}

bool cli_flush_row(const char *json, ami_error *err)
{
    if (!json || !strcmp(json, "-"))
        return cli_write_output("", 0, err);
    fflush(stdout);
    return true;
}

/* ---- Libraries that would end the program ---- */

static bool returned; /* the program has returned: a status of 1 is its own */

_Noreturn static void print_and_end(const char *sentence)
{
    fprintf(stderr, "%s: %s\n", cli_program_name, sentence);
    _exit(CLI_BAD_INPUT);
}

static void on_mujoco(const mjLogMessage *message)
{
    char text[1200];
    if (message->level < mjLOG_ERROR)
        return;
    snprintf(text, sizeof text, "MuJoCo: %s", message->subject);
    print_and_end(text);
}

/* argp and amble's own functions exit with 0 or 2. */
static void at_exit(int status, void *context)
{
    (void)context;
    if (status == EXIT_FAILURE && !returned)
        print_and_end("a library ended the program, most likely because memory or threads are short");
}

static struct sigaction before_segv, before_abrt;

/* A fault or an abort in a guarded call right after a failed allocation: the library did not check it
 * (oneDNN, in places) or gave up. This ends the call as an exception does. Other faults get their previous
 * handler. */
static void on_fault(int number)
{
    if (errno == ENOMEM && ami_guard_active())
        ami_guard_leave("out of memory");
    sigaction(number, number == SIGSEGV ? &before_segv : &before_abrt, NULL);
    /* Now it happens again: at the same instruction, or because abort raises its signal a second time. */
}

/* Loads libgcc's unwinder. The C library would load it when the first thread ends, and abort where memory is
 * short. */
static void load_unwinder(void)
{
    void *frame[1];
    backtrace(frame, 1);
}

/* ---- Start ---- */

void cli_program_start(const char *name)
{
    cli_program_name = name;
    occupy_standard_streams();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    const struct sigaction fault = {.sa_handler = on_fault, .sa_flags = SA_NODEFER};
    sigaction(SIGSEGV, &fault, &before_segv);
    sigaction(SIGABRT, &fault, &before_abrt);
    on_exit(at_exit, NULL); /* runs after close_standard_output, as it was registered before */
    atexit(close_standard_output);
    mju_setLogHandler(on_mujoco);
    cli_watch_json_memory();
    load_unwinder();
}

int cli_run_program(int argc, char **argv, int (*program)(int, char **))
{
    const int status = program(argc, argv);
    returned = true;
    return status;
}

/* ---- Signals that end a training ---- */

static void stop(int signal_number)
{
    (void)signal_number;
    cli_stopped = 1;
}

void cli_stop_on_signals(void)
{
    struct sigaction before, action = {.sa_handler = stop, .sa_flags = (int)SA_RESETHAND};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    action.sa_flags = 0;
    sigaction(SIGUSR1, &action, NULL);
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
}

/* ---- Threads ---- */

#ifdef _OPENMP

typedef struct gate {
    pthread_mutex_t mutex;
    pthread_cond_t opened;
    bool open;
} gate;

static void *wait_at(void *context)
{
    gate *g = context;
    pthread_mutex_lock(&g->mutex);
    while (!g->open)
        pthread_cond_wait(&g->opened, &g->mutex);
    pthread_mutex_unlock(&g->mutex);
    return NULL;
}

/* How many of the requested threads can run at the same time, this one included. */
static int startable_threads(int requested)
{
    pthread_t *thread = malloc((size_t)requested * sizeof *thread);
    gate g = {PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, false};
    int had = 1;
    while (thread && had < requested && pthread_create(&thread[had], NULL, wait_at, &g) == 0)
        had++;
    pthread_mutex_lock(&g.mutex);
    g.open = true;
    pthread_cond_broadcast(&g.opened);
    pthread_mutex_unlock(&g.mutex);
    for (int i = 1; i < had; i++)
        pthread_join(thread[i], NULL);
    free(thread);
    return had;
}

int cli_start_team(int threads)
{
    const int had = startable_threads(threads);
    if (had < threads)
        fprintf(stderr, "%s: only %d of %d threads can be started; continuing with these\n", cli_program_name,
                had, threads);
#pragma omp parallel num_threads(had)
    {
    }
    return had;
}

#else

int cli_start_team(int threads)
{
    (void)threads;
    return 1;
}

#endif
