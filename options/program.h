/* Start and end of every program: standard streams, signals, and sentences with exit status 2 where a library
 * would end the program because memory or threads are short.
 *
 *   int main(int argc, char **argv)
 *   {
 *       cli_program_start("amble");
 *       return cli_run_program(argc, argv, amble);
 *   }
 *
 * If standard output cannot be written (results, --help, --version), every program ends with one sentence and
 * exit status 2. Progress on standard error is optional: SIGPIPE is ignored, so a reader that has gone does
 * not end the program. */
#ifndef AMI_OPTIONS_PROGRAM_H
#define AMI_OPTIONS_PROGRAM_H

#include "base/error.h"

#include <signal.h>
#include <stddef.h>

/* To be called first in main; sentences begin with `name`, which must stay valid.
 * - Closed standard streams are occupied, so that no file gets their descriptors and their output.
 * - SIGPIPE and SIGXFSZ are ignored: a write fails with EPIPE or EFBIG instead. Child processes inherit that.
 * - At every exit, also by argp, standard output is closed; where that or an earlier write failed the exit
 *   status becomes 2.
 * - An error that MuJoCo reports outside of a guard (sim/mujoco_guard.h) is printed in a sentence, and the
 *   status is 2. MuJoCo's warnings are not printed, and MUJOCO_LOG.TXT is never written.
 * - A fault or an abort in a guarded call (base/guard.h) right after a failed allocation ends that call;
 *   other faults end the program as usual.
 * - A failed allocation of jansson is recorded, for cli_write_json. */
void cli_program_start(const char *name);

/* Runs `program` and returns its status. If a library calls exit(1) meanwhile (as libgomp does when memory is
 * short), the program prints a sentence and ends with status 2; a status of 1 returned by `program` is
 * kept. */
int cli_run_program(int argc, char **argv, int (*program)(int, char **));

/* As given to cli_program_start, else "amble". */
extern const char *cli_program_name;

/* Starts OpenMP's team of `threads` threads, or as many as possible: libgomp would end the program where one
 * cannot be started. Returns their number; prints a sentence on standard error if it is smaller. */
int cli_start_team(int threads);

/* Writes these bytes, and all output printed before, to standard output. False and a sentence if that or an
 * earlier write failed; the end of the program does not repeat the sentence. */
bool cli_write_output(const char *text, size_t length, ami_error *err);

/* Flushes a row of a slow table. False and a sentence if it cannot be written and the results have no other
 * destination, `json` (a file's name, NULL: none). */
bool cli_flush_row(const char *json, ami_error *err);

/* From now on SIGINT, SIGTERM, SIGHUP (the terminal was closed) and SIGUSR1 (a batch system's warning) set
 * cli_stopped instead of ending the program, which then saves and leaves. A second SIGINT or SIGTERM does end it. A
 * second SIGHUP does not: a shell that closes sends one too, after the terminal's. Under nohup SIGHUP stays ignored. */
void cli_stop_on_signals(void);

extern volatile sig_atomic_t cli_stopped; /* 1 after one of these signals */

#endif
