/* The option --precision. */
#ifndef AMB_OPTIONS_PRECISION_H
#define AMB_OPTIONS_PRECISION_H

#include "policy/controller.h"

/* "fp32", "bf16", "int16", "int8" or "auto", for --precision. */
bool cli_parse_precision(const char *text, amb_precision *precision, amb_error *err);

/* Loads an actor at a precision and says on standard error which it became and why: "PATH: int16
 * (avx512vnni), mean squared error …". */
bool cli_load_policy(amb_policy *policy, const char *path, amb_precision precision, amb_error *err);

#endif
