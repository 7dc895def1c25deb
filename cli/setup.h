/* What several subcommands need before they can start: threads, the character, the bodies that may touch the floor. */
#ifndef AMB_CLI_SETUP_H
#define AMB_CLI_SETUP_H

#include "policy/controller.h"

/* To be called first in main: bounds the time that OpenMP's threads spin where they wait (GOMP_SPINCOUNT for GCC's runtime, KMP_BLOCKTIME
 * for LLVM's) unless the user set one of these or OMP_WAIT_POLICY. May start the program again, once. */
void cli_set_up_openmp(char **argv);

/* Cores that this process was granted: those of its affinity mask as it began, within the CPU quota (base/cores.h). */
int cli_cores(void);

/* The team's size: `threads` if > 0, else cli_cores(). */
void cli_set_threads(int threads);

/* The bodies that may touch the floor, from --may-touch: "feet", "auto" (bodies that the clip itself brings within 2 cm of the floor) or
 * names separated by commas ("left_wrist,right_wrist"); the ankles are always among them. Where it is not given (NULL): those that the
 * policy was trained with, if it says (policy NULL: there is none); else, for a clip and no policy, auto; else feet.
 * clip: NULL where there is none; auto is refused then. */
bool cli_choose_may_touch(const char *text, const amb_policy *policy, const amb_character *character, const amb_clip *clip, unsigned *bits,
                          amb_error *err);

/* How high above the floor the body's lowest point is in the clip's poses, m: the least and the mean over the clip. Negative: in the floor;
 * the public clips reach down to -.13, -.04 in the mean. */
bool cli_clip_height(const amb_character *character, const amb_clip *clip, double *lowest, double *mean, amb_error *err);

/* "fp32", "bf16", "int16", "int8" or "auto", for --precision. */
bool cli_parse_precision(const char *text, amb_precision *precision, amb_error *err);

/* Loads an actor at a precision and says on standard error which it became and why: "PATH: int16 (avx512vnni), mean squared error …". */
bool cli_load_policy(amb_policy *policy, const char *path, amb_precision precision, amb_error *err);

#endif
