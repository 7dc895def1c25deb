/* The Open Inference Protocol's tensors to and from a graph's inputs and outputs. */
#include "server/infer_graph.h"

#include "base/number.h"
#include "nets/onnx/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 10, FLOAT16 = 10, BFLOAT16 = 16 };
static const size_t most_workspace = (size_t)256 << 20;

/* ---- types ---- */

static const struct {
    int type;
    const char *name;
} types[] = {{1, "FP32"},  {11, "FP64"},  {FLOAT16, "FP16"}, {BFLOAT16, "BF16"}, {9, "BOOL"},
             {2, "UINT8"}, {4, "UINT16"}, {12, "UINT32"},    {13, "UINT64"},     {3, "INT8"},
             {5, "INT16"}, {6, "INT32"},  {7, "INT64"}};
enum { TYPES = sizeof types / sizeof *types };

static const char *type_name(int type)
{
    for (int i = 0; i < TYPES; i++)
        if (types[i].type == type)
            return types[i].name;
    return "UNKNOWN";
}

static bool is_float(int type)
{
    return type == 1 || type == 11 || type == FLOAT16 || type == BFLOAT16;
}

/* Bytes of a number inside the graph: float, int64, bool. */
static size_t held_size(int type)
{
    return is_float(type) ? sizeof(float) : type == 9 ? 1 : sizeof(int64_t);
}

/* ---- shapes ---- */

static const char *port_shape(const ami_graph_port *p, char text[128])
{
    int n = snprintf(text, 128, "[");
    for (int i = 0; i < p->rank && n < 110; i++)
        n += p->dim[i] >= 0
                 ? snprintf(text + n, 128 - (size_t)n, "%s%lld", i ? "," : "", (long long)p->dim[i])
             : p->times == 1 ? snprintf(text + n, 128 - (size_t)n, "%srows", i ? "," : "")
                             : snprintf(text + n, 128 - (size_t)n, "%s%d rows", i ? "," : "", p->times);
    snprintf(text + n, 128 - (size_t)n, "]");
    return text;
}

/* *rows: 0 or what another input had; becomes this one's. */
static bool read_shape(const ami_graph_port *p, const json_t *shape, int *rows, ami_error *err)
{
    char expected[128], found[96] = "none";
    bool fits = json_is_array(shape) && json_array_size(shape) == (size_t)p->rank;
    int64_t own = 0;
    for (int i = 0; fits && i < p->rank; i++) {
        const json_t *size = json_array_get(shape, (size_t)i);
        const int64_t n = json_is_integer(size) ? json_integer_value(size) : -1;
        fits = n >= 0 && (p->dim[i] < 0 ? n % p->times == 0 : n == p->dim[i]);
        if (p->dim[i] < 0)
            own = n / p->times;
    }
    char *text = shape ? json_dumps(shape, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (text)
        snprintf(found, sizeof found, "%.90s", text);
    free(text);
    if (!fits)
        return ami_fail(err, "input \"%s\" has shape %s, expected %s", p->name, found,
                        port_shape(p, expected));
    if (!p->has_rows)
        return true;
    if (own < 1 || own > SRV_MAX_ROWS)
        return ami_fail(err, "input \"%s\" has shape %s, expected 1 to %d rows", p->name, found,
                        SRV_MAX_ROWS);
    if (*rows && own != *rows)
        return ami_fail(err, "input \"%s\" has shape %s, an input before it %d rows", p->name, found, *rows);
    *rows = (int)own;
    return true;
}

/* ---- inputs ---- */

/* Copies the numbers of nested lists as the graph holds them; returns their number, -1 where an element is no
 * number of this type. */
static int64_t flatten(const json_t *data, int type, char *out, int64_t count, int depth)
{
    if (!json_is_array(data)) {
        const double x = json_is_boolean(data) ? json_is_true(data) : json_number_value(data);
        if (count < 1 || !(json_is_number(data) || json_is_boolean(data)))
            return -1;
        if (is_float(type)) {
            const float f = (float)x;
            memcpy(out, &f, sizeof f);
        } else if (type == 9) {
            *out = x != 0;
        } else {
            const int64_t whole = json_is_boolean(data) ? json_is_true(data) : json_integer_value(data);
            if (json_is_real(data))
                return -1;
            memcpy(out, &whole, sizeof whole);
        }
        return 1;
    }
    if (depth == MAX_DEPTH)
        return -1;
    int64_t n = 0;
    for (size_t i = 0; i < json_array_size(data); i++) {
        const int64_t more =
            flatten(json_array_get(data, i), type, out + (size_t)n * held_size(type), count - n, depth + 1);
        if (more < 0)
            return -1;
        n += more;
    }
    return n;
}

static bool read_list(const ami_graph_port *p, const json_t *data, size_t count, void *to, ami_error *err)
{
    char *held = calloc(count + 1, held_size(p->type));
    if (!held)
        return ami_fail(err, "out of memory for input \"%s\"", p->name);
    const int64_t found = flatten(data, p->type, held, (int64_t)count, 0);
    if (found == (int64_t)count)
        ami_graph_convert_out(p->type, held, count, to);
    free(held);
    if (found < 0)
        return ami_fail(err, "the data of input \"%s\" are not a list of at most %zu numbers of type %s",
                        p->name, count, type_name(p->type));
    return found == (int64_t)count ||
           ami_fail(err, "the data of input \"%s\" are %lld numbers, expected %zu (as in its shape)", p->name,
                    (long long)found, count);
}

static bool read_input(srv_infer *infer, const json_t *input, const char **tail, size_t *tail_size,
                       ami_error *err)
{
    const ami_graph *g = infer->model->graph;
    const char *name = json_string_value(json_object_get(input, "name"));
    const char *type = json_string_value(json_object_get(input, "datatype"));
    const int at = name ? ami_graph_find_input(g, name) : -1;
    if (at < 0)
        return ami_fail(err, "there is no input \"%.80s\"; the first is \"%s\"", name ? name : "",
                        ami_graph_inputs(g) ? ami_graph_input(g, 0)->name : "");
    const ami_graph_port *p = ami_graph_input(g, at);
    if (infer->port_in[at])
        return ami_fail(err, "input \"%s\" is given twice", p->name);
    if (!type || strcmp(type, type_name(p->type)) != 0)
        return ami_fail(err, "input \"%s\" has datatype \"%.20s\", expected %s", p->name, type ? type : "",
                        type_name(p->type));
    if (!read_shape(p, json_object_get(input, "shape"), &infer->rows, err))
        return false;
    const size_t count = ami_graph_port_count(p, infer->rows ? infer->rows : 1),
                 bytes = count * ami_graph_type_size(p->type);
    infer->port_in[at] = malloc(bytes + 1);
    if (!infer->port_in[at])
        return ami_fail(err, "out of memory for input \"%s\"", p->name);
    const json_t *data = json_object_get(input, "data");
    const json_t *size = json_object_get(json_object_get(input, "parameters"), "binary_data_size");
    if (data && size)
        return ami_fail(err, "input \"%s\" has both \"data\" and \"binary_data_size\"", p->name);
    if (!size)
        return data ? read_list(p, data, count, infer->port_in[at], err)
                    : ami_fail(err, "input \"%s\" has no \"data\"", p->name);
    if (!json_is_integer(size) || json_integer_value(size) != (json_int_t)bytes)
        return ami_fail(err, "binary_data_size of input \"%s\" is %lld, expected %zu (as in its shape)",
                        p->name, (long long)json_integer_value(size), bytes);
    if (*tail_size < bytes)
        return ami_fail(err, "%zu bytes are left behind the JSON, expected the %zu of input \"%s\"",
                        *tail_size, bytes, p->name);
    memcpy(infer->port_in[at], *tail, bytes);
    *tail += bytes;
    *tail_size -= bytes;
    return true;
}

bool srv_graph_read_inputs(srv_infer *infer, const json_t *inputs, const char *tail, size_t tail_size,
                           ami_error *err)
{
    const ami_graph *g = infer->model->graph;
    if (!json_is_array(inputs) || json_array_size(inputs) != (size_t)ami_graph_inputs(g))
        return ami_fail(err, "\"inputs\" has %zu entries, expected %d", json_array_size(inputs),
                        ami_graph_inputs(g));
    for (size_t i = 0; i < json_array_size(inputs); i++)
        if (!read_input(infer, json_array_get(inputs, i), &tail, &tail_size, err))
            return false;
    if (tail_size)
        return ami_fail(err, "%zu bytes follow the JSON that belong to no input", tail_size);
    infer->rows = infer->rows ? infer->rows : 1;
    if (ami_graph_workspace_size(g, infer->rows) > most_workspace)
        return ami_fail(err, "%d rows take more than the %zu MiB of memory that a request may use",
                        infer->rows, most_workspace >> 20);
    for (int o = 0; o < ami_graph_outputs(g); o++) {
        const ami_graph_port *p = ami_graph_output(g, o);
        infer->port_out[o] = malloc(ami_graph_port_count(p, infer->rows) * ami_graph_type_size(p->type) + 1);
        if (!infer->port_out[o])
            return ami_fail(err, "out of memory for %d rows", infer->rows);
    }
    return true;
}

/* ---- running ---- */

bool srv_graph_within(const srv_infer *infer, float most)
{
    const ami_graph *g = infer->model->graph;
    for (int i = 0; i < ami_graph_inputs(g); i++) {
        const ami_graph_port *p = ami_graph_input(g, i);
        if (p->type != 1)
            continue;
        const size_t count = ami_graph_port_count(p, infer->rows);
        for (size_t k = 0; k < count; k++)
            if (!(fabsf(((const float *)infer->port_in[i])[k]) <= most))
                return false;
    }
    return true;
}

bool srv_graph_run(const srv_infer *infer, bool fine, void **workspace, size_t *size)
{
    const ami_graph *g = fine ? infer->model->graph_fine : infer->model->graph;
    const size_t need = ami_graph_workspace_size(g, infer->rows);
    if (need > *size) {
        void *more = realloc(*workspace, need);
        if (!more)
            return false;
        *workspace = more;
        *size = need;
    }
    const void *in[AMI_GRAPH_PORTS];
    memcpy(in, infer->port_in, sizeof in);
    return ami_graph_run(g, *workspace, infer->rows, in, infer->port_out, NULL);
}

/* ---- outputs ---- */

int srv_graph_outputs(const srv_model *model)
{
    return ami_graph_outputs(model->graph);
}

const char *srv_graph_output_name(const srv_model *model, int o)
{
    return ami_graph_output(model->graph, o)->name;
}

static void put_number(FILE *out, int type, const char *held, size_t i)
{
    if (is_float(type)) {
        const double x = (double)((const float *)(const void *)held)[i];
        if (isfinite(x))
            ami_number_fprintf(out, "%.9g", x);
        else
            fputs("null", out); /* JSON has no NaN */
    } else if (type == 9) {
        fputs(held[i] ? "true" : "false", out);
    } else {
        fprintf(out, "%lld", (long long)((const int64_t *)(const void *)held)[i]);
    }
}

void srv_graph_put_tensor(FILE *out, const srv_infer *infer, int o, bool binary)
{
    const ami_graph_port *p = ami_graph_output(infer->model->graph, o);
    const size_t count = ami_graph_port_count(p, infer->rows);
    fprintf(out, "\"datatype\":\"%s\",\"shape\":[", type_name(p->type));
    for (int i = 0; i < p->rank; i++)
        fprintf(out, "%s%lld", i ? "," : "",
                p->dim[i] < 0 ? (long long)infer->rows * p->times : (long long)p->dim[i]);
    if (binary) {
        fprintf(out, "],\"parameters\":{\"binary_data_size\":%zu}", count * ami_graph_type_size(p->type));
        return;
    }
    fputs("],\"data\":[", out);
    char *held = malloc((count + 1) * held_size(p->type));
    if (held)
        ami_graph_convert_in(p->type, infer->port_out[o], count, held);
    for (size_t i = 0; held && i < count; i++) {
        if (i)
            fputc(',', out);
        put_number(out, p->type, held, i);
    }
    free(held);
    fputc(']', out);
}

size_t srv_graph_put_bytes(FILE *out, const srv_infer *infer, int o)
{
    const ami_graph_port *p = ami_graph_output(infer->model->graph, o);
    return fwrite(infer->port_out[o], ami_graph_type_size(p->type), ami_graph_port_count(p, infer->rows),
                  out);
}

/* ---- what it is ---- */

static json_t *list_ports(const ami_graph *g, bool inputs, bool config)
{
    json_t *list = json_array();
    for (int i = 0; i < (inputs ? ami_graph_inputs(g) : ami_graph_outputs(g)); i++) {
        const ami_graph_port *p = inputs ? ami_graph_input(g, i) : ami_graph_output(g, i);
        char type[32];
        json_t *dims = json_array();
        for (int k = 0; k < p->rank; k++)
            json_array_append_new(dims, json_integer(p->dim[k] < 0 ? -1 : (json_int_t)p->dim[k]));
        snprintf(type, sizeof type, "%s%s", config ? "TYPE_" : "", type_name(p->type));
        json_array_append_new(list,
                              json_pack("{ss ss so}", "name", p->name, config ? "data_type" : "datatype",
                                        type, config ? "dims" : "shape", dims));
    }
    return list;
}

json_t *srv_graph_metadata(const ami_graph *graph, bool inputs)
{
    return list_ports(graph, inputs, false);
}

json_t *srv_graph_config(const ami_graph *graph, bool inputs)
{
    return list_ports(graph, inputs, true);
}
