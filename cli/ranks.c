/* Connects the processes of one command. */
#include "cli/ranks.h"

#include "base/clock.h"
#include "options/options.h"
#include "options/program.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static ami_exchange *ranks;
static FILE *voice; /* standard error as it was */

static const double default_limit_s = 300;

/* argp and libraries exit in the middle. All ranks read the same command line, so they do so together. */
static void at_exit(void)
{
    ami_exchange *x = ranks;
    ranks = NULL;
    ami_exchange_close(x, 0);
}

bool cli_ranks_begin(const char *subcommand, bool divides)
{
    const ami_launch launch = ami_exchange_launch();
    ami_error err = {""};
    voice = stderr;
    ranks = ami_exchange_none();
    if (!launch.mpi && !launch.mute)
        return true;
    if (!divides) {
        fprintf(stderr,
                "amble: %d processes were started together, but amble %s does not divide its work: run it "
                "without "
                "mpirun or srun\n",
                launch.ranks, subcommand);
        return false;
    }
    ranks = ami_exchange_open(default_limit_s, &err);
    if (!ranks) {
        fprintf(stderr, "amble: %s\n", err.text);
        return false;
    }
    atexit(at_exit);
    if (ami_exchange_rank(ranks) > 0) {
        FILE *nowhere = fopen("/dev/null", "w");
        if (nowhere) {
            stderr = nowhere;
            stdout = nowhere;
        }
    }
    return true;
}

ami_exchange *cli_ranks(void)
{
    return ranks ? ranks : ami_exchange_none();
}

bool cli_ranks_first(void)
{
    return ami_exchange_rank(cli_ranks()) == 0;
}

void cli_ranks_limit(double seconds)
{
    ami_exchange_set_limit(cli_ranks(), seconds);
}

void cli_ranks_report(void)
{
    ami_error err;
    if (!ami_exchange_failed(cli_ranks(), &err))
        return;
    if (!ami_exchange_reports(cli_ranks())) {
        ami_clock_sleep_until(ami_clock_now() + 2); /* the one that reports is to end the job */
        return;
    }
    fprintf(voice, "amble: %s\n", err.text);
    fflush(voice);
}

int cli_ranks_end(int status)
{
    ami_exchange *x = ranks;
    ranks = NULL;
    const bool failed = x && ami_exchange_failed(x, NULL);
    if (x && ami_exchange_ranks(x) > 1)
        fflush(
            NULL); /* before a failure ends all; alone, the program's end says why it could not be written */
    ami_exchange_close(x, failed ? (status ? status : CLI_FAILED) : 0);
    return status;
}

void cli_ranks_print_plugins(void)
{
    static const char *const mpi[] = {"Open MPI", "MPICH"};
    char path[PATH_MAX];
    int count = 0;
    for (int i = 0; i < 2; i++)
        if (ami_exchange_plugin(mpi[i], path, sizeof path, NULL))
            printf("%s%s", count++ ? ", " : "exchange between processes: ", mpi[i]);
    puts(count ? "" : "exchange between processes: no plug-in for mpirun");
}
