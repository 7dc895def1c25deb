/* What `amble model`'s subcommands share: the network's file, rows of numbers from .npy files, texts. */
#include "cli/cmd_model.h"

#include "base/text.h"
#include "nets/graph/graph.h"
#include "nets/onnx/onnx.h"
#include "policy/models.h"

#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

bool model_file_argument(int key, char *text, struct argp_state *state, const char **file)
{
    if (key == ARGP_KEY_ARG) {
        if (*file)
            argp_error(state, "\"%s\" is one file too many, expected one", text);
        *file = text;
        return true;
    }
    if (key == ARGP_KEY_NO_ARGS) {
        argp_error(state, "which network? Give a FILE.onnx");
        return true;
    }
    return false;
}

ami_net *model_read(const char *file, char *path, size_t size, ami_error *err)
{
    return ami_find_model(file, path, size, err) ? ami_onnx_read(path, err) : NULL;
}

ami_net *model_read_chain(const char *file, char *path, size_t size, ami_error *err)
{
    if (!ami_find_model(file, path, size, err))
        return NULL;
    ami_net *net = ami_onnx_read(path, err);
    if (net)
        return net;
    ami_error ignored = {""};
    ami_graph *graph = ami_graph_load(path, &(ami_model_def){.precision = AMI_PRECISION_FP32}, &ignored);
    if (graph)
        ami_fail(
            err,
            "%s: is a graph, expected a chain of dense layers; model info, run and check take any network",
            path);
    ami_graph_destroy(graph);
    return NULL;
}

int model_fail(const char *what, const ami_error *err, int status)
{
    fprintf(stderr, "amble model %s: %s\n", what, err->text);
    return status;
}

void model_print_text(const char *text)
{
    while (*text) {
        const size_t length = strcspn(text, "\n");
        char *line = strndup(text, length), *escaped = malloc(4 * length + 1);
        if (line && escaped)
            fputs(ami_text_escape(line, escaped, 4 * length + 1), stdout);
        free(line);
        free(escaped);
        text += length;
        if (*text) {
            fputs("\n                   ", stdout);
            text++;
        }
    }
}

const char *model_shape_text(const ami_net_shape *shape, char *text, size_t size)
{
    size_t n = 0;
    for (int i = 0; i < shape->rank && n < size; i++)
        n += (size_t)snprintf(text + n, size - n, "%s%d", i ? " × " : "", shape->dim[i]);
    return text;
}

/* Whether the array is rows of `width` numbers, flat or of the given shape; gives the number of rows, 0 if
 * not. */
static size_t rows_of(const ami_npy *array, int width, const ami_net_shape *shape)
{
    if (array->rank == 1)
        return array->shape[0] == (size_t)width;
    if (array->rank == 2 && array->shape[1] == (size_t)width)
        return array->shape[0];
    if (!shape || array->rank != shape->rank + 1)
        return 0;
    for (int i = 0; i < shape->rank; i++)
        if (array->shape[i + 1] != (size_t)shape->dim[i])
            return 0;
    return array->shape[0];
}

static bool wrong_shape(const char *path, const ami_npy *array, const char *rows, int width,
                        const ami_net_shape *shape, ami_error *err)
{
    char found[192], own[64] = "";
    for (int i = 0; shape && shape->rank > 1 && i < shape->rank; i++)
        snprintf(own + strlen(own), sizeof own - strlen(own), "%s%d", i ? ", " : "", shape->dim[i]);
    ami_npy_shape_text(array->rank, array->shape, found, sizeof found);
    if (*own)
        return ami_fail(err, "%s: is of shape %s, expected (%s, %d) or (%s, %s)", path, found, rows, width,
                        rows, own);
    return ami_fail(err, "%s: is of shape %s, expected (%s, %d)", path, found, rows, width);
}

/* The rows of a file whose network takes float16 may be float16 too. */
static bool read_half(const char *path, ami_npy *array, ami_error *err)
{
    if (!ami_npy_read(path, AMI_NPY_ANY, array, err))
        return false;
    if (array->type != AMI_NPY_FLOAT16 || array->count == 0 || array->rank == 0) {
        ami_npy_free(array);
        return ami_npy_read(path, AMI_NPY_ROUND_TO_FLOAT, array, err);
    }
    float *wide = malloc(array->count * sizeof *wide);
    if (!wide) {
        ami_npy_free(array);
        return ami_fail(err, "%s: not enough memory", path);
    }
    ami_graph_convert_in(AMI_ONNX_FLOAT16, array->data, array->count, wide);
    free(array->data);
    array->f32 = wide;
    array->type = AMI_NPY_FLOAT32;
    return true;
}

bool model_read_inputs(const ami_net *net, const char *path, ami_npy *array, int *rows, ami_error *err)
{
    if (!(net->in_type == AMI_ONNX_FLOAT16 ? read_half(path, array, err)
                                           : ami_npy_read(path, AMI_NPY_ROUND_TO_FLOAT, array, err)))
        return false;
    const size_t n = rows_of(array, net->dim[0], &net->in_shape);
    *rows = n <= INT_MAX ? (int)n : 0;
    if (*rows > 0)
        return true;
    wrong_shape(path, array, "rows", net->dim[0], &net->in_shape, err);
    ami_npy_free(array);
    return false;
}

bool model_read_calibration(const ami_net *net, const char *text, ami_npy *array, int *rows, ami_error *err)
{
    const char *const name = net->in_name && *net->in_name ? net->in_name : "input", *const equals =
                                                                                         strchr(text, '=');
    const size_t length = strlen(name);
    const char *path = text;
    if (equals && !strncmp(text, name, length) && text[length] == '=')
        path = text + length + 1;
    else if (equals && access(text, F_OK) != 0)
        return ami_fail(err,
                        "--calibrate is \"%.80s\", the network has no input of that name, expected \"%.60s\"",
                        text, name);
    if (!model_read_inputs(net, path, array, rows, err))
        return false;
    for (size_t i = 0; i < array->count; i++)
        if (!isfinite(array->f32[i])) {
            const size_t inputs = (size_t)net->dim[0];
            ami_fail(err, "%s: number %zu of row %zu is %g, finite ones were expected", path, i % inputs,
                     i / inputs, (double)array->f32[i]);
            ami_npy_free(array);
            return false;
        }
    return true;
}

bool model_calibrate(ami_net *net, const cli_calibration *calibration, ami_error *err)
{
    ami_npy array;
    int rows;
    if (calibration->count == 0)
        return true;
    if (calibration->count > 1)
        return ami_fail(err, "--calibrate is given %d times, the network has one input, \"%.60s\"",
                        calibration->count, net->in_name ? net->in_name : "input");
    if (!model_read_calibration(net, calibration->text[0], &array, &rows, err))
        return false;
    const bool ok = ami_net_set_calibration(net, array.f32, rows);
    ami_npy_free(&array);
    return ok || ami_fail(err, "out of memory for %d observations", rows);
}

bool model_read_outputs(const ami_net *net, const char *path, int rows, ami_npy *array, ami_error *err)
{
    const ami_net_shape *shape = net->heads == 1 ? &net->head[0].shape : NULL;
    const int width = net->dim[net->layers];
    if (!ami_npy_read(path, AMI_NPY_WIDEN_TO_DOUBLE, array, err))
        return false;
    if (rows_of(array, width, shape) == (size_t)rows)
        return true;
    char count[16];
    snprintf(count, sizeof count, "%d", rows);
    wrong_shape(path, array, count, width, shape, err);
    ami_npy_free(array);
    return false;
}
