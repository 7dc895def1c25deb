/* --calibrate: reads observations. */
#include "options/calibrate.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

void cli_calibration_add(cli_calibration *calibration, const char *text, struct argp_state *state)
{
    if (calibration->count == CLI_CALIBRATIONS)
        argp_error(state, "--calibrate is given more than %d times", (int)CLI_CALIBRATIONS);
    else
        calibration->text[calibration->count++] = text;
}

static bool read_rows(const char *path, ami_npy *array, ami_named_rows *rows, ami_error *err)
{
    if (!ami_npy_read(path, AMI_NPY_ROUND_TO_FLOAT, array, err))
        return false;
    const size_t count = array->rank > 1 ? array->shape[0] : 1;
    *rows = (ami_named_rows){.rows = array->f32, .count = (int)count, .width = array->count / count};
    if (count > INT_MAX)
        return ami_fail(err, "%s: %zu rows, at most %d were expected", path, count, INT_MAX);
    for (size_t i = 0; i < array->count; i++)
        if (!isfinite(array->f32[i]))
            return ami_fail(err, "%s: number %zu of row %zu is %g, finite ones were expected", path,
                            i % rows->width, i / rows->width, (double)array->f32[i]);
    return true;
}

bool cli_calibration_use(cli_calibration *calibration, ami_model_def *def, ami_error *err)
{
    for (int i = 0; i < calibration->count; i++) {
        const char *text = calibration->text[i], *equals = strchr(text, '='), *path = text;
        const bool named = equals && access(text, F_OK) != 0;
        if (named) {
            snprintf(calibration->name[i], sizeof calibration->name[i], "%.*s", (int)(equals - text), text);
            path = equals + 1;
        }
        if (!calibration->array[i].data &&
            !read_rows(path, &calibration->array[i], &calibration->rows[i], err))
            return false;
        calibration->rows[i].input = named ? calibration->name[i] : NULL;
    }
    def->observed = calibration->rows;
    def->observed_count = calibration->count;
    return true;
}

void cli_calibration_free(cli_calibration *calibration)
{
    for (int i = 0; i < calibration->count; i++)
        ami_npy_free(&calibration->array[i]);
    *calibration = (cli_calibration){0};
}
