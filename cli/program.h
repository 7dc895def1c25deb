/* What every program does at its start and at its end: standard streams, and signals that must not lose anything.
 *
 * Output that cannot be written is an error of every program: one sentence and exit status 2, whatever was printed (results, --help,
 * --version). A reader of progress that leaves is not: without SIGPIPE a write fails, and nothing else happens. */
#ifndef AMB_CLI_PROGRAM_H
#define AMB_CLI_PROGRAM_H

#include "base/error.h"

#include <signal.h>
#include <stddef.h>

/* To be called first in main; `name` stands before its sentences and must stay.
 * - Closed standard streams are occupied, so that no file takes their place and gets what is meant for them.
 * - SIGPIPE and SIGXFSZ are ignored: a write fails with EPIPE or EFBIG instead. Programs that are started inherit that.
 * - At exit, also one by argp, standard output is closed; where that or an earlier write failed the exit status becomes 2. */
void cli_program_start(const char *name);

/* As given to cli_program_start, else "amble". */
extern const char *cli_program_name;

/* Writes so many bytes, with all that was printed before, to standard output. False and a sentence if that or an earlier write failed; the
 * program's end does not repeat it. */
bool cli_write_output(const char *text, size_t length, amb_error *err);

/* After each row of a table that takes long: false and a sentence if nobody gets it, and there is no `json` (a file's name, NULL: none)
 * that would get the results all the same. */
bool cli_flush_row(const char *json, amb_error *err);

/* From now on SIGINT, SIGTERM and SIGHUP (the terminal was closed) set cli_stopped instead of ending the program, which then saves and
 * leaves. A second SIGINT or SIGTERM does end it. A second SIGHUP does not: a shell that closes sends one of its own after the terminal's.
 * Under nohup SIGHUP stays ignored. */
void cli_stop_on_signals(void);

extern volatile sig_atomic_t cli_stopped; /* 1 after one of these signals */

#endif
