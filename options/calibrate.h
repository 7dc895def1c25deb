/* The option --calibrate [INPUT=]ROWS.npy: observations by which precisions are chosen, for every command
 * that takes a network. */
#ifndef AMI_OPTIONS_CALIBRATE_H
#define AMI_OPTIONS_CALIBRATE_H

#include "base/npy.h"
#include "nets/model.h"

#include <argp.h>

enum { CLI_CALIBRATIONS = 16 };

/* All zero before the first use. */
typedef struct cli_calibration {
    int count;
    const char *text[CLI_CALIBRATIONS];
    ami_npy array[CLI_CALIBRATIONS];
    char name[CLI_CALIBRATIONS][256];
    ami_named_rows rows[CLI_CALIBRATIONS];
} cli_calibration;

#define CLI_CALIBRATE_HELP                                                                            \
    "observations, or INPUT=ROWS.npy, that precisions are chosen by in place of those that the file " \
    "carries; once for each input where there are several"

/* For an argp parser. */
void cli_calibration_add(cli_calibration *calibration, const char *text, struct argp_state *state);

/* Reads the files, float32 or float64 of shape (rows, ...) or (width,) for one row, finite, and lets the
 * definition refer to them. False and a sentence. */
bool cli_calibration_use(cli_calibration *calibration, ami_model_def *def, ami_error *err);
void cli_calibration_free(cli_calibration *calibration);

#endif
