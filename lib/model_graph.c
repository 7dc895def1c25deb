/* Networks that are graphs, for amble/model.h: several inputs and outputs by name, in the file's own
 * types. */
#include "lib/model_graph.h"

#include "lib/internal.h"

#include <limits.h>
#include <string.h>

static bool is_public_type(int type)
{
    return type == AMB_FLOAT32 || type == AMB_INT32 || type == AMB_INT64 || type == AMB_BOOL ||
           type == AMB_FLOAT16 || type == AMB_FLOAT64;
}

static amb_result check_port(const char *file, const char *what, const ami_graph_port *port)
{
    if (!is_public_type(port->type))
        return lib_fail(AMB_ERROR_UNSUPPORTED,
                        "%s: %s \"%.80s\" has the data type %d, expected one of amb_type", file, what,
                        port->name, port->type);
    if (port->rank > AMB_MAX_RANK || port->times != 1)
        return lib_fail(AMB_ERROR_UNSUPPORTED, "%s: %s \"%.80s\" has %d dimensions, at most %d are supported",
                        file, what, port->name, port->rank, AMB_MAX_RANK);
    return AMB_OK;
}

amb_result lib_graph_check(const ami_graph *graph, const char *name)
{
    amb_result result = AMB_OK;
    for (int i = 0; i < ami_graph_inputs(graph) && result == AMB_OK; i++)
        result = check_port(name, "input", ami_graph_input(graph, i));
    for (int o = 0; o < ami_graph_outputs(graph) && result == AMB_OK; o++)
        result = check_port(name, "output", ami_graph_output(graph, o));
    return result;
}

amb_tensor_info lib_graph_port(const ami_graph_port *port)
{
    amb_tensor_info info = {.name = port->name, .type = (amb_type)port->type, .rank = port->rank};
    for (int i = 0; i < port->rank; i++)
        info.shape[i] = port->dim[i];
    return info;
}

amb_model_info lib_graph_info(const ami_graph *graph)
{
    ami_graph_info own;
    ami_graph_part part, largest = {.precision = AMI_PRECISION_FP32, .kernel = "plain C"};
    ami_graph_get_info(graph, &own);
    for (int p = 0; p < own.parts; p++) {
        ami_graph_get_part(graph, p, &part);
        if (part.bytes >= largest.bytes)
            largest = part;
    }
    return (amb_model_info){.precision = largest.precision == AMI_PRECISION_FP32    ? AMB_PRECISION_FP32
                                         : largest.precision == AMI_PRECISION_BF16  ? AMB_PRECISION_BF16
                                         : largest.precision == AMI_PRECISION_INT16 ? AMB_PRECISION_INT16
                                                                                    : AMB_PRECISION_INT8,
                            .kernel = largest.kernel,
                            .mse = own.mse,
                            .weight_bytes = own.bytes,
                            .multiplications = own.multiplications};
}

/* The number of the port that a tensor is for, -1 where there is none. */
static int find(const ami_graph *g, bool input, const amb_tensor *t, int place)
{
    const int count = input ? ami_graph_inputs(g) : ami_graph_outputs(g);
    if (!t->name)
        return place < count ? place : -1;
    return input ? ami_graph_find_input(g, t->name) : ami_graph_find_output(g, t->name);
}

/* Whether a tensor is what the port says; its rows go to *rows, which must be the same for all (0: not known
 * yet). */
static amb_result check_tensor(const char *what, const amb_tensor *t, const ami_graph_port *port,
                               int64_t *rows)
{
    if (!t->data)
        return lib_fail(AMB_ERROR_ARGUMENT, "%s \"%.80s\" has no data", what, port->name);
    if ((int)t->type != port->type)
        return lib_fail(AMB_ERROR_ARGUMENT, "%s \"%.80s\" has type %d, expected %d", what, port->name,
                        (int)t->type, port->type);
    const int without = port->rank > 0 && port->dim[0] < 0 && t->rank == port->rank - 1;
    if (t->rank != port->rank && !without)
        return lib_fail(AMB_ERROR_ARGUMENT, "%s \"%.80s\" has %d dimensions, expected %d", what, port->name,
                        t->rank, port->rank);
    int64_t own = without ? 1 : 0;
    for (int i = without; i < port->rank; i++) {
        const int64_t dim = t->shape[i - without];
        if (port->dim[i] < 0)
            own = dim;
        else if (dim != port->dim[i])
            return lib_fail(AMB_ERROR_ARGUMENT, "%s \"%.80s\" has %lld in dimension %d, expected %lld", what,
                            port->name, (long long)dim, i, (long long)port->dim[i]);
    }
    if (!port->has_rows)
        return AMB_OK;
    if (own < 1 || own > INT_MAX)
        return lib_fail(AMB_ERROR_ARGUMENT, "%s \"%.80s\" has %lld rows, expected 1 or more", what,
                        port->name, (long long)own);
    if (*rows && own != *rows)
        return lib_fail(AMB_ERROR_ARGUMENT, "%s \"%.80s\" has %lld rows, but the input has %lld", what,
                        port->name, (long long)own, (long long)*rows);
    *rows = own;
    return AMB_OK;
}

amb_result lib_graph_run(const ami_graph *graph, const amb_tensor *inputs, int input_count,
                         const amb_tensor *outputs, int output_count, void *workspace)
{
    const void *in[AMI_GRAPH_PORTS] = {NULL};
    void *out[AMI_GRAPH_PORTS] = {NULL};
    int64_t rows = 0;
    if (input_count != ami_graph_inputs(graph))
        return lib_fail(AMB_ERROR_ARGUMENT, "%d inputs were given, expected %d", input_count,
                        ami_graph_inputs(graph));
    for (int k = 0; k < input_count + output_count; k++) {
        const bool input = k < input_count;
        const int place = input ? k : k - input_count;
        const amb_tensor *t = input ? &inputs[place] : &outputs[place];
        const char *what = input ? "input" : "output";
        const int i = find(graph, input, t, place);
        if (i < 0)
            return lib_fail(AMB_ERROR_ARGUMENT, "there is no %s \"%.80s\"", what, t->name ? t->name : "");
        if (input ? in[i] != NULL : out[i] != NULL)
            return lib_fail(AMB_ERROR_ARGUMENT, "%s \"%.80s\" is given twice", what, t->name ? t->name : "");
        const amb_result result =
            check_tensor(what, t, input ? ami_graph_input(graph, i) : ami_graph_output(graph, i), &rows);
        if (result != AMB_OK)
            return result;
        if (input)
            in[i] = t->data;
        else
            out[i] = t->data;
    }
    ami_error err = {""};
    if (ami_graph_run(graph, workspace, rows ? (int)rows : 1, in, out, &err))
        return AMB_OK;
    return lib_fail_with(AMB_ERROR_ARGUMENT, &err);
}
