#include "cli/program.h"

#include "cli/options.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdio_ext.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

volatile sig_atomic_t cli_stopped;

const char *cli_program_name = "amble";
static bool output_reported; /* cli_write_output's sentence is on its way */

/* Each closed one is given something that refuses: writing to what is open for reading fails, and the other way round. */
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
            fprintf(stderr, "%s: standard output cannot be written: %s\n", cli_program_name, output_error(errno));
        _exit(CLI_BAD_INPUT);
    }
}

void cli_program_start(const char *name)
{
    cli_program_name = name;
    occupy_standard_streams();
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    atexit(close_standard_output);
}

bool cli_write_output(const char *text, size_t length, amb_error *err)
{
    const bool failed = ferror(stdout) != 0;
    errno = 0;
    if (fwrite(text, 1, length, stdout) == length && fflush(stdout) == 0 && !failed)
        return true;
    output_reported = true;
    return amb_fail(err, "standard output cannot be written: %s", output_error(errno));
}

bool cli_flush_row(const char *json, amb_error *err)
{
    if (!json || !strcmp(json, "-"))
        return cli_write_output("", 0, err);
    fflush(stdout);
    return true;
}

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
    if (sigaction(SIGHUP, NULL, &before) == 0 && before.sa_handler != SIG_IGN)
        sigaction(SIGHUP, &action, NULL);
}
