/* Parses requests and writes answers of the Open Inference Protocol. */
#include "server/infer.h"

#include "base/number.h"
#include "server/infer_graph.h"

#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 8 };

/* ---- shapes ---- */

static const char *print_shape(const ami_net_shape *shape, char text[96])
{
    int n = snprintf(text, 96, "[rows");
    for (int i = 0; i < shape->rank && n < 80; i++)
        n += snprintf(text + n, 96 - (size_t)n, ",%d", shape->dim[i]);
    snprintf(text + n, 96 - (size_t)n, "]");
    return text;
}

/* The number of rows of a shape; 0 and a sentence where it does not match the input's. */
static int read_shape(const srv_model *m, const json_t *shape, ami_error *err)
{
    char found[96] = "none", expected[96];
    const ami_net_shape *own = &m->net->in_shape;
    int64_t rows = 1;
    bool fits = json_is_array(shape);
    const size_t rank = json_array_size(shape);
    const bool single = fits && rank == (size_t)own->rank; /* a row without a batch dimension */
    fits = fits && (single || rank == (size_t)own->rank + 1);
    for (size_t i = 0; fits && i < rank; i++) {
        const json_t *size = json_array_get(shape, i);
        const int64_t n = json_is_integer(size) ? json_integer_value(size) : -1;
        if (i == 0 && !single)
            rows = n;
        else
            fits = n == own->dim[i - !single];
    }
    char *text = shape ? json_dumps(shape, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;
    if (text)
        snprintf(found, sizeof found, "%.90s", text);
    free(text);
    if (!fits) {
        ami_fail(err, "input \"%s\" has shape %s, expected %s", m->input, found, print_shape(own, expected));
        return 0;
    }
    if (rows < 1 || rows > SRV_MAX_ROWS) {
        ami_fail(err, "input \"%s\" has shape %s, expected 1 to %d rows", m->input, found, SRV_MAX_ROWS);
        return 0;
    }
    return (int)rows;
}

/* ---- input ---- */

/* Copies the numbers of nested lists into out, at most `count`; returns their number, -1 where an element is
 * not a number. */
static int64_t flatten(const json_t *data, float *out, int64_t count, int depth)
{
    if (json_is_number(data)) {
        if (count < 1)
            return -1;
        *out = (float)json_number_value(data);
        return 1;
    }
    if (!json_is_array(data) || depth == MAX_DEPTH)
        return -1;
    int64_t n = 0;
    for (size_t i = 0; i < json_array_size(data); i++) {
        const int64_t more = flatten(json_array_get(data, i), out + n, count - n, depth + 1);
        if (more < 0)
            return -1;
        n += more;
    }
    return n;
}

static bool read_data(srv_infer *infer, const json_t *data, ami_error *err)
{
    const int64_t count = (int64_t)infer->rows * ami_model_inputs(infer->model->model);
    const int64_t found = flatten(data, infer->in, count, 0);
    if (found == count)
        return true;
    return found < 0
               ? ami_fail(err,
                          "the data of input \"%s\" are not a list of at most %lld numbers (as in its "
                          "shape)",
                          infer->model->input, (long long)count)
               : ami_fail(err, "the data of input \"%s\" are %lld numbers, expected %lld (as in its shape)",
                          infer->model->input, (long long)found, (long long)count);
}

static bool read_binary(srv_infer *infer, const json_t *bytes, const char *tail, size_t tail_size,
                        ami_error *err)
{
    const size_t expected =
        (size_t)infer->rows * (size_t)ami_model_inputs(infer->model->model) * sizeof(float);
    const int64_t claimed = json_is_integer(bytes) ? json_integer_value(bytes) : -1;
    if (claimed != (int64_t)expected)
        return ami_fail(err, "binary_data_size of input \"%s\" is %lld, expected %zu (as in its shape)",
                        infer->model->input, (long long)claimed, expected);
    if (tail_size != expected)
        return ami_fail(err, "%zu bytes follow the JSON, expected the %zu of input \"%s\"", tail_size,
                        expected, infer->model->input);
    memcpy(infer->in, tail, expected);
    return true;
}

static bool read_input(srv_infer *infer, const json_t *inputs, const char *tail, size_t tail_size,
                       ami_error *err)
{
    const srv_model *m = infer->model;
    if (!json_is_array(inputs) || json_array_size(inputs) != 1)
        return ami_fail(err, "\"inputs\" has %zu entries, expected 1 (\"%s\")", json_array_size(inputs),
                        m->input);
    const json_t *input = json_array_get(inputs, 0);
    const char *name = json_string_value(json_object_get(input, "name"));
    const char *type = json_string_value(json_object_get(input, "datatype"));
    if (!name || strcmp(name, m->input) != 0)
        return ami_fail(err, "there is no input \"%.80s\", expected \"%s\"", name ? name : "", m->input);
    if (!type || strcmp(type, "FP32") != 0)
        return ami_fail(err, "input \"%s\" has datatype \"%.20s\", expected FP32", m->input,
                        type ? type : "");
    infer->rows = read_shape(m, json_object_get(input, "shape"), err);
    if (!infer->rows)
        return false;
    const size_t in = (size_t)infer->rows * (size_t)ami_model_inputs(m->model);
    const size_t out = (size_t)infer->rows * (size_t)ami_model_outputs(m->model);
    infer->in = malloc(in * sizeof(float));
    infer->out = malloc(out * sizeof(float));
    if (!infer->in || !infer->out)
        return ami_fail(err, "out of memory for %d rows", infer->rows);
    const json_t *data = json_object_get(input, "data");
    const json_t *bytes = json_object_get(json_object_get(input, "parameters"), "binary_data_size");
    if (data && bytes)
        return ami_fail(err, "input \"%s\" has both \"data\" and \"binary_data_size\"", m->input);
    if (bytes)
        return read_binary(infer, bytes, tail, tail_size, err);
    if (tail_size)
        return ami_fail(err, "%zu bytes follow the JSON, but no input has \"binary_data_size\"", tail_size);
    return data ? read_data(infer, data, err) : ami_fail(err, "input \"%s\" has no \"data\"", m->input);
}

/* ---- outputs ---- */

bool srv_read_flag(const json_t *object, const char *key, bool *flag, ami_error *err)
{
    const json_t *value = json_object_get(json_object_get(object, "parameters"), key);
    if (value && !json_is_boolean(value))
        return ami_fail(err, "the parameter \"%s\" is not true or false", key);
    if (value)
        *flag = json_is_true(value);
    return true;
}

static int model_outputs(const srv_model *m)
{
    return m->graph ? srv_graph_outputs(m) : m->net->heads;
}

static const char *output_name(const srv_model *m, int o)
{
    return m->graph ? srv_graph_output_name(m, o) : m->output[o];
}

static bool read_outputs(srv_infer *infer, const json_t *outputs, bool all_binary, ami_error *err)
{
    const srv_model *m = infer->model;
    const int heads = model_outputs(m);
    infer->outputs = 0;
    if (!outputs) {
        for (int h = 0; h < heads; h++) {
            infer->head[h] = h;
            infer->binary[h] = all_binary;
        }
        infer->outputs = heads;
        return true;
    }
    if (!json_is_array(outputs) || json_array_size(outputs) < 1 || json_array_size(outputs) > (size_t)heads)
        return ami_fail(err, "\"outputs\" has %zu entries, expected 1 to %d", json_array_size(outputs),
                        heads);
    for (size_t i = 0; i < json_array_size(outputs); i++) {
        const json_t *output = json_array_get(outputs, i);
        const char *name = json_string_value(json_object_get(output, "name"));
        int found = -1;
        for (int h = 0; h < heads && name; h++)
            if (!strcmp(name, output_name(m, h)))
                found = h;
        if (found < 0)
            return ami_fail(err, "there is no output \"%.80s\", expected \"%s\"%s", name ? name : "",
                            output_name(m, 0), heads > 1 ? " or another of the model's" : "");
        for (int k = 0; k < infer->outputs; k++)
            if (infer->head[k] == found)
                return ami_fail(err, "output \"%s\" is requested twice", output_name(m, found));
        infer->binary[infer->outputs] = all_binary;
        if (!srv_read_flag(output, "binary_data", &infer->binary[infer->outputs], err))
            return false;
        infer->head[infer->outputs++] = found;
    }
    return true;
}

bool srv_infer_read(srv_infer *infer, srv_model *model, const char *body, size_t size, int64_t header,
                    ami_error *err)
{
    json_error_t where;
    *infer = (srv_infer){.model = model};
    if (header > (int64_t)size)
        return ami_fail(err, "Inference-Header-Content-Length is %lld, but the body has %zu bytes",
                        (long long)header, size);
    const size_t json_size = header < 0 ? size : (size_t)header;
    json_t *root = json_loadb(body, json_size, 0, &where);
    if (!root)
        return ami_fail(err, "the request is not JSON: line %d, column %d: %.120s", where.line, where.column,
                        where.text);
    const char *id = json_string_value(json_object_get(root, "id"));
    bool all_binary = false;
    snprintf(infer->id, sizeof infer->id, "%s", id ? id : "");
    bool ok = json_is_object(root) || ami_fail(err, "the request is not a JSON object");
    ok = ok && (!id || strlen(id) < sizeof infer->id || ami_fail(err, "\"id\" is longer than 255 bytes"));
    ok = ok && srv_read_flag(root, "binary_data_output", &all_binary, err) &&
         read_outputs(infer, json_object_get(root, "outputs"), all_binary, err) &&
         (model->graph ? srv_graph_read_inputs : read_input)(infer, json_object_get(root, "inputs"),
                                                             body + json_size, size - json_size, err);
    json_decref(root);
    if (!ok)
        srv_infer_free(infer);
    return ok;
}

void srv_infer_free(srv_infer *infer)
{
    free(infer->in);
    free(infer->out);
    infer->in = infer->out = NULL;
    for (int i = 0; i < AMI_GRAPH_PORTS; i++) {
        free(infer->port_in[i]);
        free(infer->port_out[i]);
        infer->port_in[i] = infer->port_out[i] = NULL;
    }
}

/* ---- answer ---- */

/* Where head h begins in a row of the outputs. */
static size_t head_at(const ami_net *net, int h)
{
    size_t at = 0;
    for (int k = 0; k < h; k++)
        at += (size_t)net->head[k].outputs;
    return at;
}

static void put_data(FILE *out, const srv_infer *infer, int h)
{
    const ami_net *net = infer->model->net;
    const size_t width = (size_t)ami_model_outputs(infer->model->model), at = head_at(net, h);
    const char *comma = "";
    for (int r = 0; r < infer->rows; r++)
        for (int i = 0; i < net->head[h].outputs; i++) {
            const double x = (double)infer->out[(size_t)r * width + at + (size_t)i];
            if (isfinite(x))
                ami_number_fprintf(out, "%s%.9g", comma, x);
            else
                fprintf(out, "%snull", comma); /* JSON has no NaN */
            comma = ",";
        }
}

static void put_text(FILE *out, const char *text)
{
    json_t *string = json_string(text);
    char *quoted = string ? json_dumps(string, JSON_ENCODE_ANY) : NULL;
    fputs(quoted ? quoted : "\"\"", out);
    free(quoted);
    json_decref(string);
}

static void put_json(FILE *out, const srv_infer *infer)
{
    const srv_model *m = infer->model;
    fputs("{\"model_name\":", out);
    put_text(out, m->name);
    fprintf(out, ",\"model_version\":\"%d\"", m->version);
    if (infer->id[0]) {
        fputs(",\"id\":", out);
        put_text(out, infer->id);
    }
    fputs(",\"outputs\":[", out);
    for (int k = 0; k < infer->outputs; k++) {
        fputs(k ? ",{\"name\":" : "{\"name\":", out);
        put_text(out, output_name(m, infer->head[k]));
        if (m->graph) {
            fputc(',', out);
            srv_graph_put_tensor(out, infer, infer->head[k], infer->binary[k]);
            fputc('}', out);
            continue;
        }
        const ami_net_head *head = &m->net->head[infer->head[k]];
        fprintf(out, ",\"datatype\":\"FP32\",\"shape\":[%d", infer->rows);
        for (int i = 0; i < head->shape.rank; i++)
            fprintf(out, ",%d", head->shape.dim[i]);
        if (infer->binary[k]) {
            fprintf(out, "],\"parameters\":{\"binary_data_size\":%zu}}",
                    (size_t)infer->rows * (size_t)head->outputs * sizeof(float));
        } else {
            fputs("],\"data\":[", out);
            put_data(out, infer, infer->head[k]);
            fputs("]}", out);
        }
    }
    fputs("]}", out);
}

char *srv_infer_answer(const srv_infer *infer, size_t *size, int64_t *header)
{
    const ami_net *net = infer->model->net;
    const size_t width = net ? (size_t)ami_model_outputs(infer->model->model) : 0;
    char *text = NULL;
    FILE *out = open_memstream(&text, size);
    if (!out)
        return NULL;
    put_json(out, infer);
    fflush(out);
    *header = -1;
    const int64_t json_size = (int64_t)*size;
    for (int k = 0; k < infer->outputs; k++) {
        if (!infer->binary[k])
            continue;
        *header = json_size;
        if (!net) {
            srv_graph_put_bytes(out, infer, infer->head[k]);
            continue;
        }
        const size_t at = head_at(net, infer->head[k]), n = (size_t)net->head[infer->head[k]].outputs;
        for (int r = 0; r < infer->rows; r++)
            fwrite(infer->out + (size_t)r * width + at, sizeof(float), n, out);
    }
    if (fclose(out) == 0)
        return text;
    free(text);
    return NULL;
}
