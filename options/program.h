/* What every program does at its start and at its end: standard streams, signals that must not lose anything,
 * and sentences, with exit status 2, instead of the ends that libraries would give it where memory or threads
 * are short.
 *
 *   int main(int argc, char **argv)
 *   {
 *       cli_program_start("amble");
 *       return cli_run_program(argc, argv, amble);
 *   }
 *
 * Output that cannot be written is an error of every program: one sentence and exit status 2, whatever was
 * printed (results, --help, --version). A reader of progress that leaves is not: without SIGPIPE a write
 * fails, and nothing else happens. */
#ifndef AMI_OPTIONS_PROGRAM_H
#define AMI_OPTIONS_PROGRAM_H

#include "base/error.h"

#include <signal.h>
#include <stddef.h>

/* To be called first in main; `name` stands before its sentences and must stay.
 * - Closed standard streams are occupied, so that no file takes their place and gets what is meant for them.
 * - SIGPIPE and SIGXFSZ are ignored: a write fails with EPIPE or EFBIG instead. Programs that are started
 *   inherit that.
 * - At exit, also one by argp, standard output is closed; where that or an earlier write failed the exit
 *   status becomes 2.
 * - An error that MuJoCo reports outside of a guard (sim/mujoco_guard.h) is printed in a sentence, and the
 *   status is 2. MuJoCo's warnings are not printed, and MUJOCO_LOG.TXT is never written.
 * - A fault or an abort in a guarded call (base/guard.h) right after it got no memory ends that call; other
 *   faults end the program as they always do.
 * - jansson notes when it gets no memory, for cli_write_json. */
void cli_program_start(const char *name);

/* Runs `program` as main does and returns its status. Should a library call exit(1) meanwhile (libgomp does
 * where it gets no memory), then that is a sentence on standard error and status 2; a status of 1 that
 * `program` returns stays. */
int cli_run_program(int argc, char **argv, int (*program)(int, char **));

/* As given to cli_program_start, else "amble". */
extern const char *cli_program_name;

/* Starts OpenMP's team of `threads` threads, those that can be had: libgomp would end the program where one
 * cannot be started. Returns how many there are; where they are fewer, standard error says so. */
int cli_start_team(int threads);

/* Writes so many bytes, with all that was printed before, to standard output. False and a sentence if that or
 * an earlier write failed; the program's end does not repeat it. */
bool cli_write_output(const char *text, size_t length, ami_error *err);

/* After each row of a table that takes long: false and a sentence if nobody gets it, and there is no `json`
 * (a file's name, NULL: none) that would get the results all the same. */
bool cli_flush_row(const char *json, ami_error *err);

/* From now on SIGINT, SIGTERM and SIGHUP (the terminal was closed) set cli_stopped instead of ending the
 * program, which then saves and leaves. A second SIGINT or SIGTERM does end it. A second SIGHUP does not: a
 * shell that closes sends one of its own after the terminal's. Under nohup SIGHUP stays ignored. */
void cli_stop_on_signals(void);

extern volatile sig_atomic_t cli_stopped; /* 1 after one of these signals */

#endif
