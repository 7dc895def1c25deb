/* The option --precision. */
#ifndef AMI_OPTIONS_PRECISION_H
#define AMI_OPTIONS_PRECISION_H

#include "options/calibrate.h"
#include "policy/controller.h"

/* "fp32", "bf16", "int16", "int8" or "auto", for --precision. */
bool cli_parse_precision(const char *text, ami_precision *precision, ami_error *err);

/* Loads an actor at a precision, chosen by these observations (NULL: none), and prints the choice and its
 * reason on standard error: "PATH: int16 (avx512vnni), mean squared error …". */
bool cli_load_policy(ami_policy *policy, const char *path, ami_precision precision,
                     const cli_calibration *calibration, ami_error *err);

#endif
