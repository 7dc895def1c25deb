/* What `amble model`'s subcommands share: the file's name, rows of numbers from .npy files, one sentence on
 * failure. */
#ifndef AMI_CLI_CMD_MODEL_H
#define AMI_CLI_CMD_MODEL_H

#include "base/npy.h"
#include "nets/net.h"
#include "options/calibrate.h"
#include "options/options.h"

int cmd_model_info(int argc, char **argv);
int cmd_model_run(int argc, char **argv);
int cmd_model_check(int argc, char **argv);
int cmd_model_average(int argc, char **argv);
int cmd_model_export(int argc, char **argv);

/* ---- model_files.c ---- */

/* For an argp parser: takes ARGP_KEY_ARG and ARGP_KEY_NO_ARGS, exactly one FILE.onnx; true if the key was one
 * of these. */
bool model_file_argument(int key, char *text, struct argp_state *state, const char **file);

/* Reads the network, found as policy/models.h says. `path`: where it was found. */
ami_net *model_read(const char *file, char *path, size_t size, ami_error *err);

/* The same for what only chains of dense layers can do: of any other network that amble runs the sentence
 * says so. */
ami_net *model_read_chain(const char *file, char *path, size_t size, ami_error *err);

/* Reads inputs of shape (rows, inputs), (rows, the file's own input shape) or (inputs,), which is one row;
 * float64 is rounded to float32; float16 where the network takes that. False and a sentence otherwise. */
bool model_read_inputs(const ami_net *net, const char *path, ami_npy *array, int *rows, ami_error *err);

/* Observations to calibrate with, given as "ROWS.npy" or "NAME=ROWS.npy" with the input's name; finite. */
bool model_read_calibration(const ami_net *net, const char *text, ami_npy *array, int *rows, ami_error *err);

/* The same into the net, in place of those that its file carries; none given: nothing. */
bool model_calibrate(ami_net *net, const cli_calibration *calibration, ami_error *err);

/* The same for outputs of `rows` rows, as double: the heads side by side, or in the shape of the only head.
 */
bool model_read_outputs(const ami_net *net, const char *path, int rows, ami_npy *array, ami_error *err);

/* "amble model WHAT: SENTENCE" on standard error; returns `status`. */
int model_fail(const char *what, const ami_error *err, int status);

/* Text from a file onto standard output: what a terminal would obey instead of show becomes '?'. */
void model_print_text(const char *text);

/* "60 × 73" */
const char *model_shape_text(const ami_net_shape *shape, char *text, size_t size);

#endif
