/* What amble model does with a network that is no chain of dense layers (nets/graph/graph.h): run, info,
 * check. Inputs and outputs have names, shapes and types of their own. */
#include "cli/cmd_model_graph.h"

#include "base/clock.h"
#include "base/number.h"
#include "nets/network.h"
#include "nets/onnx/onnx.h"
#include "nets/onnx/text.h"
#include "policy/models.h"

#include <limits.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { BLOCK = 64 /* rows at once, where rows may be run in blocks */ };

bool model_open(const char *file, char *path, size_t size, const ami_model_def *def,
                const cli_calibration *calibration, ami_net **net, ami_graph **graph, ami_error *err)
{
    *net = NULL;
    *graph = NULL;
    if (!ami_find_model(file, path, size, err))
        return false;
    ami_model_def own = def ? *def : ami_model_default_def();
    cli_calibration rows = calibration ? *calibration : (cli_calibration){0};
    ami_network network = {0};
    const bool ok = cli_calibration_use(&rows, &own, err) && ami_network_read(path, &own, &network, err);
    cli_calibration_free(&rows);
    *net = network.net;
    *graph = network.graph;
    return ok;
}

/* "float32 (rows, 48)" */
static const char *port_text(const ami_graph_port *port, char *text, size_t size)
{
    int used = snprintf(text, size, "%s (", ami_onnx_type_name(port->type));
    for (int i = 0; i < port->rank && used >= 0 && (size_t)used < size; i++) {
        char dim[32];
        if (port->dim[i] < 0)
            snprintf(dim, sizeof dim, port->times == 1 ? "rows" : "%d rows", port->times);
        else
            snprintf(dim, sizeof dim, "%lld", (long long)port->dim[i]);
        used += snprintf(text + used, size - (size_t)used, "%s%s", i ? ", " : "", dim);
    }
    if (used >= 0 && (size_t)used < size)
        snprintf(text + used, size - (size_t)used, port->rank == 1 ? ",)" : ")");
    return text;
}

/* ---- inputs ---- */

/* ONNX's types as .npy has them; AMI_NPY_TYPES: none. */
static ami_npy_type npy_type(int type)
{
    static const ami_npy_type types[] = {AMI_NPY_TYPES,  AMI_NPY_FLOAT32, AMI_NPY_UINT8,   AMI_NPY_INT8,
                                         AMI_NPY_UINT16, AMI_NPY_INT16,   AMI_NPY_INT32,   AMI_NPY_INT64,
                                         AMI_NPY_TYPES,  AMI_NPY_BOOL,    AMI_NPY_FLOAT16, AMI_NPY_FLOAT64,
                                         AMI_NPY_UINT32, AMI_NPY_UINT64};
    return type >= 0 && (size_t)type < sizeof types / sizeof *types ? types[type] : AMI_NPY_TYPES;
}

/* Number i of an array as double, exact but for integers beyond 2^53. */
static double number_of(const ami_npy *a, size_t i)
{
    switch (a->type) {
    case AMI_NPY_FLOAT32:
        return a->f32[i];
    case AMI_NPY_FLOAT64:
        return a->f64[i];
    case AMI_NPY_BOOL:
        return ((const uint8_t *)a->data)[i] != 0;
    case AMI_NPY_INT8:
        return ((const int8_t *)a->data)[i];
    case AMI_NPY_INT16:
        return ((const int16_t *)a->data)[i];
    case AMI_NPY_INT32:
        return ((const int32_t *)a->data)[i];
    case AMI_NPY_INT64:
        return (double)((const int64_t *)a->data)[i];
    case AMI_NPY_UINT8:
        return ((const uint8_t *)a->data)[i];
    case AMI_NPY_UINT16:
        return ((const uint16_t *)a->data)[i];
    case AMI_NPY_UINT32:
        return ((const uint32_t *)a->data)[i];
    case AMI_NPY_UINT64:
        return (double)((const uint64_t *)a->data)[i];
    default:
        return NAN;
    }
}

/* The array's numbers in the input's type: the same type, or one that holds each of them. */
static bool convert(const char *path, ami_npy *a, const ami_graph_port *port, ami_error *err)
{
    const ami_npy_type want = npy_type(port->type);
    if (a->type == want)
        return true;
    const bool float32 = want == AMI_NPY_FLOAT32, whole = want == AMI_NPY_INT64 || want == AMI_NPY_INT32;
    if ((!float32 && !whole) || a->type == AMI_NPY_FLOAT16)
        return ami_fail(err, "%s: holds %s, input \"%s\" takes %s", path, ami_npy_type_name(a->type),
                        port->name, ami_onnx_type_name(port->type));
    void *data = malloc(a->count * ami_npy_type_size(want) + 1);
    if (!data)
        return ami_fail(err, "%s: not enough memory", path);
    for (size_t i = 0; i < a->count; i++) {
        const double v = number_of(a, i), most = want == AMI_NPY_INT32 ? 2147483647. : 9007199254740992.;
        if (float32 ? isfinite(v) && fabs(v) >= 0x1.ffffffp127 : !(v == floor(v) && fabs(v) <= most)) {
            free(data);
            return ami_fail(err, "%s: number %zu is %g, input \"%s\" takes %s", path, i, v, port->name,
                            ami_onnx_type_name(port->type));
        }
        if (float32)
            ((float *)data)[i] = (float)v;
        else if (want == AMI_NPY_INT32)
            ((int32_t *)data)[i] = (int32_t)v;
        else
            ((int64_t *)data)[i] = (int64_t)v;
    }
    free(a->data);
    a->data = data;
    a->type = want;
    return true;
}

/* Whether an array has the shape of a port, for a number of rows that goes to *rows (0: any); a single row
 * may leave the rows' dimension out. */
static bool fits(const ami_npy *a, const ami_graph_port *port, int *rows)
{
    const bool without = port->rank > 0 && port->dim[0] < 0 && a->rank == port->rank - 1;
    *rows = without ? 1 : 0;
    if (a->rank != port->rank && !without)
        return false;
    for (int i = without; i < port->rank; i++) {
        const size_t dim = a->shape[i - without];
        if (port->dim[i] >= 0) {
            if (dim != (size_t)port->dim[i])
                return false;
            continue;
        }
        if (dim == 0 || dim % (size_t)port->times != 0 || dim / (size_t)port->times > INT_MAX)
            return false;
        *rows = (int)(dim / (size_t)port->times);
    }
    return true;
}

/* "NAME=FILE" where NAME is an input's, else a file for the only input, or for the first that has none
 * yet. */
static int port_of(const ami_graph *g, const char *text, const char **path)
{
    for (int i = 0; i < ami_graph_inputs(g); i++) {
        const char *name = ami_graph_input(g, i)->name;
        const size_t n = strlen(name);
        if (strncmp(text, name, n) == 0 && text[n] == '=') {
            *path = text + n + 1;
            return i;
        }
    }
    *path = text;
    return ami_graph_inputs(g) == 1 && !strchr(text, '=') ? 0 : -1;
}

static void list_inputs(const ami_graph *g, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < ami_graph_inputs(g) && used < size; i++) {
        char own[160];
        used +=
            (size_t)snprintf(text + used, size - used, "%s\"%.60s\" %s", i ? ", " : "",
                             ami_graph_input(g, i)->name, port_text(ami_graph_input(g, i), own, sizeof own));
    }
}

typedef struct arrays {
    ami_npy in[AMI_GRAPH_PORTS];
    void *out[AMI_GRAPH_PORTS];
    int rows;
} arrays;

static void arrays_free(arrays *a)
{
    for (int i = 0; i < AMI_GRAPH_PORTS; i++) {
        ami_npy_free(&a->in[i]);
        free(a->out[i]);
    }
}

static bool read_inputs(const ami_graph *g, char *const *text, int count, arrays *a, ami_error *err)
{
    char list[512], own[160], shape[192];
    list_inputs(g, list, sizeof list);
    for (int k = 0; k < count; k++) {
        const char *path;
        const int i = port_of(g, text[k], &path);
        if (i < 0)
            return ami_fail(err, "--input %s names no input, expected NAME=FILE.npy for %s", text[k], list);
        if (a->in[i].data)
            return ami_fail(err, "--input for \"%s\" is given twice", ami_graph_input(g, i)->name);
        const ami_graph_port *port = ami_graph_input(g, i);
        int rows;
        if (!ami_npy_read(path, AMI_NPY_ANY, &a->in[i], err))
            return false;
        if (!fits(&a->in[i], port, &rows))
            return ami_fail(err, "%s: is of shape %s, input \"%s\" takes %s", path,
                            ami_npy_shape_text(a->in[i].rank, a->in[i].shape, shape, sizeof shape),
                            port->name, port_text(port, own, sizeof own));
        if (rows > 0 && a->rows > 0 && rows != a->rows)
            return ami_fail(err, "%s: has %d rows, another input has %d", path, rows, a->rows);
        a->rows = rows > 0 ? rows : a->rows;
        if (!convert(path, &a->in[i], port, err))
            return false;
    }
    for (int i = 0; i < ami_graph_inputs(g); i++)
        if (!a->in[i].data)
            return ami_fail(err, "input \"%s\" is missing: give --input NAME=FILE.npy for each of %s",
                            ami_graph_input(g, i)->name, list);
    if (a->rows == 0)
        a->rows = 1;
    return true;
}

/* Everything in blocks where that is possible. */
static bool run_rows(const ami_graph *g, arrays *a, ami_error *err)
{
    ami_graph_info info;
    ami_graph_get_info(g, &info);
    const int block = info.blocks && a->rows > BLOCK ? BLOCK : a->rows;
    void *workspace = malloc(ami_graph_workspace_size(g, block));
    if (!workspace)
        return ami_fail(err, "not enough memory for %d rows", block);
    bool ok = true;
    for (int first = 0; first < a->rows && ok; first += block) {
        const void *in[AMI_GRAPH_PORTS];
        void *out[AMI_GRAPH_PORTS];
        for (int i = 0; i < ami_graph_inputs(g); i++) {
            const ami_graph_port *p = ami_graph_input(g, i);
            const size_t row = p->has_rows ? ami_graph_port_count(p, 1) * ami_graph_type_size(p->type) : 0;
            in[i] = (const char *)a->in[i].data + (size_t)first * row;
        }
        for (int o = 0; o < ami_graph_outputs(g); o++) {
            const ami_graph_port *p = ami_graph_output(g, o);
            const size_t row = p->has_rows ? ami_graph_port_count(p, 1) * ami_graph_type_size(p->type) : 0;
            out[o] = a->out[o] ? (char *)a->out[o] + (size_t)first * row : NULL;
        }
        ok = ami_graph_run(g, workspace, a->rows - first < block ? a->rows - first : block, in, out, err);
    }
    free(workspace);
    return ok;
}

static bool make_outputs(const ami_graph *g, int only, arrays *a, ami_error *err)
{
    for (int o = 0; o < ami_graph_outputs(g); o++) {
        const ami_graph_port *p = ami_graph_output(g, o);
        if (only >= 0 && o != only)
            continue;
        a->out[o] = malloc(ami_graph_port_count(p, a->rows) * ami_graph_type_size(p->type) + 1);
        if (!a->out[o])
            return ami_fail(err, "not enough memory for %d rows", a->rows);
    }
    return true;
}

/* ---- run ---- */

static bool write_outputs(const ami_graph *g, const char *path, const arrays *a, ami_error *err)
{
    const char *name[AMI_GRAPH_PORTS];
    ami_npy array[AMI_GRAPH_PORTS];
    int count = 0;
    for (int o = 0; o < ami_graph_outputs(g); o++) {
        const ami_graph_port *p = ami_graph_output(g, o);
        if (!a->out[o])
            continue;
        const ami_npy_type type = npy_type(p->type);
        if (type == AMI_NPY_TYPES)
            return ami_fail(err, "%s: output \"%s\" is %s, which a .npy file does not hold", path, p->name,
                            ami_onnx_type_name(p->type));
        ami_npy *to = &array[count];
        *to = (ami_npy){.type = type, .rank = p->rank, .count = ami_graph_port_count(p, a->rows)};
        for (int i = 0; i < p->rank; i++)
            to->shape[i] = p->dim[i] < 0 ? (size_t)a->rows * (size_t)p->times : (size_t)p->dim[i];
        to->data = a->out[o];
        name[count++] = p->name;
    }
    const size_t n = strlen(path);
    if (n >= 4 && strcmp(path + n - 4, ".npz") == 0)
        return ami_npz_write(path, count, name, array, err);
    if (count > 1)
        return ami_fail(err, "%s: the network has %d outputs, expected a .npz file, or --head NAME for one",
                        path, count);
    return ami_npy_write(path, array[0].type, array[0].rank, array[0].shape, array[0].data, err);
}

static bool choose_output(const ami_graph *g, const char *head, int *only, ami_error *err)
{
    *only = head ? ami_graph_find_output(g, head) : -1;
    if (!head || *only >= 0)
        return true;
    char names[256] = "";
    for (int o = 0; o < ami_graph_outputs(g); o++)
        snprintf(names + strlen(names), sizeof names - strlen(names), "%s%.40s", o ? ", " : "",
                 ami_graph_output(g, o)->name);
    return ami_fail(err, "no output is named \"%.60s\"; there is %s", head, names);
}

int model_graph_run(const ami_graph *g, const char *path, char *const *input, int inputs, const char *output,
                    const char *head, const char *json, ami_error *err)
{
    arrays *a = calloc(1, sizeof *a);
    int only = -1, status = CLI_BAD_INPUT;
    char choice[512];
    if (!a) {
        ami_fail(err, "out of memory");
        return status;
    }
    if (choose_output(g, head, &only, err) && read_inputs(g, input, inputs, a, err) &&
        make_outputs(g, only, a, err)) {
        const double start = ami_clock_now();
        if (run_rows(g, a, err)) {
            const double seconds = ami_clock_now() - start;
            ami_graph_describe(g, choice, sizeof choice);
            if (write_outputs(g, output, a, err)) {
                if (!json || strcmp(json, "-") != 0)
                    printf("%s: %s; %d row%s in %.3g ms, to %s\n", path, choice, a->rows, cli_plural(a->rows),
                           1e3 * seconds, output);
                if (cli_write_json(json,
                                   json ? json_pack("{s:o, s:o, s:i, s:s, s:o}", "file", cli_text(path),
                                                    "output", cli_text(output), "rows", a->rows, "choice",
                                                    choice, "wall_s", cli_real(seconds))
                                        : NULL,
                                   err))
                    status = EXIT_SUCCESS;
            }
        }
    }
    arrays_free(a);
    free(a);
    return status;
}

/* ---- info ---- */

static void print_ports(const ami_graph *g, bool inputs)
{
    char text[160];
    printf("\n%s:\n", inputs ? "inputs" : "outputs");
    for (int i = 0; i < (inputs ? ami_graph_inputs(g) : ami_graph_outputs(g)); i++) {
        const ami_graph_port *p = inputs ? ami_graph_input(g, i) : ami_graph_output(g, i);
        printf("  ");
        model_print_text(p->name);
        printf("  %s\n", port_text(p, text, sizeof text));
    }
}

static void print_graph(const ami_graph *g, const char *file, long long bytes)
{
    ami_graph_info info;
    char text[1024];
    ami_graph_get_info(g, &info);
    printf("%s: a graph of %d steps, %zu parameters, %lld multiplications a row, %lld bytes\n", file,
           info.steps, info.parameters, (long long)info.multiplications, bytes);
    print_ports(g, true);
    print_ports(g, false);
    ami_graph_describe_steps(g, text, sizeof text);
    printf("\noperators: %s\n", text);
    if (info.repeats)
        printf("rows: the network is run once for each\n");
    ami_graph_describe(g, text, sizeof text);
    printf("\n%s\n", text);
    for (int p = 0; p < info.parts; p++) {
        ami_graph_part part;
        ami_graph_get_part(g, p, &part);
        printf("%s%4d  %-6s %d layer%s, %d -> %d, %s (%s), %zu bytes, from node ",
               p == 0 ? "part  kind   made of\n" : "", p, part.what, part.layers, cli_plural(part.layers),
               part.inputs, part.outputs, ami_precision_name(part.precision), part.kernel, part.bytes);
        model_print_text(part.node[0] ? part.node : "(no name)");
        putchar('\n');
    }
    printf(ami_graph_metas(g) ? "\nmetadata:\n" : "\nmetadata: none\n");
    for (int i = 0; i < ami_graph_metas(g); i++) {
        printf("  ");
        model_print_text(ami_graph_meta(g, i)->key);
        for (size_t n = strlen(ami_graph_meta(g, i)->key); n < 16; n++)
            putchar(' ');
        putchar(' ');
        model_print_text(ami_graph_meta(g, i)->value);
        putchar('\n');
    }
}

static json_t *port_json(const ami_graph_port *p)
{
    json_t *shape = json_array();
    for (int i = 0; i < p->rank; i++)
        json_array_append_new(shape,
                              p->dim[i] < 0 ? json_string("rows") : json_integer((json_int_t)p->dim[i]));
    return json_pack("{s:o, s:s, s:o}", "name", cli_text(p->name), "type", ami_onnx_type_name(p->type),
                     "shape", shape);
}

static json_t *graph_json(const ami_graph *g, const char *file, long long bytes)
{
    ami_graph_info info;
    char steps[1024], choice[512];
    json_t *in = json_array(), *out = json_array(), *parts = json_array(), *metas = json_object();
    ami_graph_get_info(g, &info);
    ami_graph_describe_steps(g, steps, sizeof steps);
    ami_graph_describe(g, choice, sizeof choice);
    for (int i = 0; i < ami_graph_inputs(g); i++)
        json_array_append_new(in, port_json(ami_graph_input(g, i)));
    for (int o = 0; o < ami_graph_outputs(g); o++)
        json_array_append_new(out, port_json(ami_graph_output(g, o)));
    for (int p = 0; p < info.parts; p++) {
        ami_graph_part part;
        ami_graph_get_part(g, p, &part);
        json_array_append_new(parts, json_pack("{s:o, s:s, s:i, s:i, s:i, s:s, s:s, s:I}", "node",
                                               cli_text(part.node), "kind", part.what, "layers", part.layers,
                                               "in", part.inputs, "out", part.outputs, "precision",
                                               ami_precision_name(part.precision), "kernel", part.kernel,
                                               "packed_bytes", (json_int_t)part.bytes));
    }
    for (int i = 0; i < ami_graph_metas(g); i++)
        json_object_set_new(metas, ami_graph_meta(g, i)->key, json_string(ami_graph_meta(g, i)->value));
    return json_pack("{s:o, s:I, s:b, s:o, s:o, s:I, s:I, s:i, s:s, s:o, s:s, s:o, s:o}", "file",
                     cli_text(file), "bytes", (json_int_t)bytes, "graph", 1, "inputs", in, "outputs", out,
                     "parameters", (json_int_t)info.parameters, "multiplications",
                     (json_int_t)info.multiplications, "steps", info.steps, "operators", steps, "parts",
                     parts, "choice", choice, "mse", isnan(info.mse) ? json_null() : cli_real(info.mse),
                     "metadata", metas);
}

int model_graph_info(const ami_graph *g, const char *path, const char *json, ami_error *err)
{
    struct stat st;
    const long long bytes = stat(path, &st) == 0 ? (long long)st.st_size : -1;
    if (!json || strcmp(json, "-") != 0)
        print_graph(g, path, bytes);
    return !json || cli_write_json(json, graph_json(g, path, bytes), err) ? EXIT_SUCCESS : CLI_BAD_INPUT;
}

/* ---- check ---- */

/* Mean squared difference of all floating point outputs, and the largest difference. */
static double difference(const ami_graph *g, const arrays *a, const arrays *b, double *largest)
{
    double squares = 0, count = 0;
    *largest = 0;
    for (int o = 0; o < ami_graph_outputs(g); o++) {
        const ami_graph_port *p = ami_graph_output(g, o);
        if (p->type != AMI_ONNX_FLOAT32)
            continue;
        const size_t n = ami_graph_port_count(p, a->rows);
        for (size_t i = 0; i < n; i++) {
            const double u = ((const float *)a->out[o])[i], v = ((const float *)b->out[o])[i];
            const double off = (isnan(u) && isnan(v)) || u == v ? 0 : fabs(u - v);
            squares += off * off;
            *largest = off <= *largest ? *largest : isnan(off) ? (double)INFINITY : off;
        }
        count += (double)n;
    }
    return count > 0 ? squares / count : 0;
}

typedef struct check_row {
    bool runs, within;
    double mse, largest;
    size_t bytes;
    char choice[256];
} check_row;

static bool check_one(const char *path, const ami_model_def *calibrated, ami_precision precision,
                      char *const *input, int inputs, uint64_t seed, int rows, const arrays *exact, arrays *a,
                      check_row *row, ami_error *err)
{
    ami_model_def def = *calibrated;
    def.precision = precision;
    ami_graph *g = ami_graph_load(path, &def, err);
    if (!g)
        return false;
    ami_graph_info info;
    ami_graph_get_info(g, &info);
    row->bytes = info.bytes;
    ami_graph_describe(g, row->choice, sizeof row->choice);
    bool ok = true;
    if (inputs > 0) {
        ok = read_inputs(g, input, inputs, a, err);
    } else {
        void *in[AMI_GRAPH_PORTS] = {NULL};
        a->rows = rows;
        for (int i = 0; i < ami_graph_inputs(g) && ok; i++) {
            const ami_graph_port *p = ami_graph_input(g, i);
            in[i] = a->in[i].data =
                calloc(1, ami_graph_port_count(p, rows) * ami_graph_type_size(p->type) + 1);
            ok = in[i] || ami_fail(err, "out of memory for %d rows", rows);
        }
        if (ok)
            ami_graph_draw_inputs(g, seed, rows, in);
    }
    ok = ok && make_outputs(g, -1, a, err) && run_rows(g, a, err);
    if (ok && exact)
        row->mse = difference(g, a, exact, &row->largest);
    ami_graph_destroy(g);
    return ok;
}

int model_graph_check(const char *path, char *const *input, int inputs, const cli_calibration *calibration,
                      uint64_t seed, int rows, const char *json, ami_error *err)
{
    static const ami_precision order[] = {AMI_PRECISION_FP32, AMI_PRECISION_BF16, AMI_PRECISION_INT16,
                                          AMI_PRECISION_INT8, AMI_PRECISION_AUTO};
    enum { ROWS = sizeof order / sizeof *order };
    const double limit = ami_model_default_def().max_mse;
    arrays *a = calloc(ROWS, sizeof *a);
    check_row row[ROWS] = {{0}};
    cli_calibration own = *calibration;
    ami_model_def def = ami_model_default_def();
    bool ok = (a || ami_fail(err, "out of memory")) && cli_calibration_use(&own, &def, err);
    for (int i = 0; i < ROWS && ok; i++) {
        row[i].runs =
            order[i] == AMI_PRECISION_AUTO || order[i] == AMI_PRECISION_FP32 || ami_kernel_is_fast(order[i]);
        ok = !row[i].runs || check_one(path, &def, order[i], input, inputs, seed, rows, i ? &a[0] : NULL,
                                       &a[i], &row[i], err);
        row[i].within = row[i].mse <= limit;
    }
    const bool good = ok && row[ROWS - 1].within;
    if (ok && (!json || strcmp(json, "-") != 0)) {
        printf("%s: a graph; measured on %d row%s against fp32\n\nprecision  constants KB   mean square      "
               " largest\n",
               path, a[0].rows, cli_plural(a[0].rows));
        for (int i = 0; i < ROWS; i++)
            if (row[i].runs)
                printf("%-9s  %12.0f  %12.3g  %12.3g%s\n", ami_precision_name(order[i]),
                       (double)row[i].bytes / 1024, row[i].mse, row[i].largest,
                       row[i].within ? "" : "  beyond the limit");
            else
                printf("%-9s  not here: no kernel of this precision runs here\n",
                       ami_precision_name(order[i]));
        printf("\nauto takes %s.\n%s: %.3g against fp32; the limit is %.3g.\n", row[ROWS - 1].choice,
               good ? "good" : "FAILED", row[ROWS - 1].mse, limit);
    }
    if (ok && json) {
        json_t *list = json_array();
        for (int i = 0; i < ROWS; i++)
            json_array_append_new(list, json_pack("{s:s, s:b, s:o, s:o, s:b}", "precision",
                                                  ami_precision_name(order[i]), "runs", (int)row[i].runs,
                                                  "mse", cli_real(row[i].mse), "largest",
                                                  cli_real(row[i].largest), "within", (int)row[i].within));
        ok = cli_write_json(json,
                            json_pack("{s:o, s:b, s:i, s:f, s:o, s:s, s:b}", "file", cli_text(path), "graph",
                                      1, "rows", a[0].rows, "limit", limit, "precisions", list, "choice",
                                      row[ROWS - 1].choice, "passed", (int)good),
                            err);
    }
    for (int i = 0; i < ROWS && a; i++)
        arrays_free(&a[i]);
    free(a);
    cli_calibration_free(&own);
    return !ok ? CLI_BAD_INPUT : good ? EXIT_SUCCESS : EXIT_FAILURE;
}
