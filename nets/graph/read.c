/* ONNX file → plan: names, constants, nodes in order, inputs and outputs. An If whose condition is known
 * gives the nodes of the branch that is taken.
 *
 * Memory is bounded by the file's size and the limits of internal.h, whatever the file claims. */
#include "nets/graph/ops.h"

#include "base/file.h"
#include "base/number.h"
#include "base/text.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>

enum { OPSET_MIN = 7 };

bool ami_graph_fail(const ami_graph *g, const char *format, ...)
{
    char text[960];
    va_list args;
    va_start(args, format);
    ami_number_vformat(text, sizeof text, format, args);
    va_end(args);
    return ami_fail(g->err, "%s: %s", g->path, text);
}

/* ---- memory ---- */

void *ami_graph_keep(ami_graph *g, size_t size)
{
    if (g->blocks == g->block_room) {
        const int room = g->block_room ? 2 * g->block_room : 256;
        void **more = realloc(g->block, (size_t)room * sizeof *more);
        if (!more) {
            ami_graph_fail(g, "not enough memory");
            return NULL;
        }
        g->block = more;
        g->block_room = room;
    }
    /* Whole cache lines: a kernel or a vector never shares its first line with something else. */
    const size_t bytes = ami_round_line(size ? size : 1);
    void *block = bytes >= size ? aligned_alloc(64, bytes) : NULL;
    if (!block) {
        ami_graph_fail(g, "not enough memory");
        return NULL;
    }
    memset(block, 0, bytes);
    return g->block[g->blocks++] = block;
}

static char *keep_text(ami_graph *g, const char *text)
{
    char *kept = ami_graph_keep(g, strlen(text) + 1);
    if (kept)
        strcpy(kept, text);
    return kept;
}

/* ---- names ---- */

static size_t hash(const char *name)
{
    uint64_t h = 1469598103934665603u; /* FNV-1a */
    for (; *name; name++)
        h = (h ^ (uint8_t)*name) * 1099511628211u;
    return (size_t)(h ^ h >> 32);
}

int ami_graph_value(const ami_graph *g, const char *name)
{
    for (size_t at = hash(name); g->name_room > 0; at++) {
        const int number = g->name[at % (size_t)g->name_room];
        if (number < 0)
            return -1;
        if (strcmp(g->value[number].name, name) == 0)
            return number;
    }
    return -1;
}

static bool grow_names(ami_graph *g)
{
    const int room = g->name_room ? 4 * g->name_room : 512;
    int *table = malloc((size_t)room * sizeof *table);
    if (!table)
        return ami_graph_fail(g, "not enough memory");
    for (int i = 0; i < room; i++)
        table[i] = -1;
    for (int v = 0; v < g->values; v++) {
        if (!g->value[v].name[0])
            continue;
        size_t at = hash(g->value[v].name);
        while (table[at % (size_t)room] >= 0)
            at++;
        table[at % (size_t)room] = v;
    }
    free(g->name);
    g->name = table;
    g->name_room = room;
    return true;
}

int ami_graph_add_value(ami_graph *g, const char *name)
{
    if (g->values == AMI_GRAPH_VALUES) {
        ami_graph_fail(g, "names more than %d tensors", AMI_GRAPH_VALUES);
        return -1;
    }
    if (g->values == g->value_room) {
        const int room = g->value_room ? 2 * g->value_room : 128;
        ami_value *more = realloc(g->value, (size_t)room * sizeof *more);
        if (!more) {
            ami_graph_fail(g, "not enough memory");
            return -1;
        }
        g->value = more;
        g->value_room = room;
    }
    if (2 * (g->values + 1) > g->name_room && !grow_names(g))
        return -1;
    const int number = g->values++;
    g->value[number] = (ami_value){.name = name ? name : "", .root = number, .maker = -1, .row_axis = -1};
    if (name && name[0]) {
        size_t at = hash(name);
        while (g->name[at % (size_t)g->name_room] >= 0)
            at++;
        g->name[at % (size_t)g->name_room] = number;
    }
    return number;
}

/* ---- constants and inputs ---- */

static bool read_initializers(ami_graph *g, const AmiOnnx__Graph *graph, bool inside)
{
    if (graph->n_sparse_initializer > 0)
        return ami_graph_fail(g, "has sparse initialisers, dense ones were expected");
    if (graph->n_initializer > AMI_GRAPH_CONSTANTS)
        return ami_graph_fail(g, "has %zu initialisers, at most %d are supported", graph->n_initializer,
                              AMI_GRAPH_CONSTANTS);
    for (size_t i = 0; i < graph->n_initializer; i++) {
        const AmiOnnx__Tensor *t = graph->initializer[i];
        const char *name = ami_onnx_text(t->name);
        ami_error why = {""};
        if (!name[0])
            return ami_graph_fail(g, "initialiser number %zu has no name", i);
        if (ami_graph_value(g, name) >= 0)
            return ami_graph_fail(g, "two initialisers are named %s", ami_onnx_show(name).text);
        const int number = ami_graph_add_value(g, name);
        if (number < 0)
            return false;
        ami_value v = g->value[number];
        if (!ami_graph_read_tensor(g, t, inside, &v, &why))
            return ami_graph_fail(g, "initialiser %s: %s", ami_onnx_show(name).text, why.text);
        ami_value_fit(&v);
        g->value[number] = v;
    }
    return true;
}

/* Which of an input's dimensions is the rows; -1: none; -2 and a sentence: it leaves more than that open. */
static int open_dimension(const ami_graph *g, const AmiOnnx__ValueInfo *info, const AmiOnnx__Shape *shape)
{
    int open = -1;
    for (size_t i = 0; i < shape->n_dim; i++) {
        const AmiOnnx__Dimension *d = shape->dim[i];
        if (d->has_dim_value && d->dim_value > 0)
            continue;
        if (open >= 0) {
            ami_graph_fail(
                g, "input %s leaves dimensions %d (%s) and %zu (%s) open, one (the batch) was expected",
                ami_onnx_show(ami_onnx_text(info->name)).text, open,
                ami_onnx_show(ami_onnx_text(shape->dim[open]->dim_param)).text, i,
                ami_onnx_show(ami_onnx_text(d->dim_param)).text);
            return -2;
        }
        open = (int)i;
    }
    return open;
}

static const AmiOnnx__TensorType *tensor_type(const AmiOnnx__ValueInfo *info)
{
    return info->type ? info->type->tensor_type : NULL;
}

static bool read_input(ami_graph *g, const AmiOnnx__ValueInfo *info)
{
    const char *name = ami_onnx_text(info->name);
    const ami_onnx_shown shown = ami_onnx_show(name);
    const AmiOnnx__TensorType *type = tensor_type(info);
    if (!name[0] || !ami_text_is_utf8(name))
        return ami_graph_fail(g, "input number %d has no name that is text", g->inputs);
    if (!type || !type->shape)
        return ami_graph_fail(g, "input %s has no shape (or is no tensor)", shown.text);
    if (ami_store_of(type->elem_type) == AMI_STORE_NONE)
        return ami_graph_fail(g, "input %s is %s, floats, integers or bool were expected", shown.text,
                              ami_onnx_type_name(type->elem_type));
    if (type->shape->n_dim > AMI_GRAPH_RANK - 1)
        return ami_graph_fail(g, "input %s has %zu dimensions, at most %d are supported", shown.text,
                              type->shape->n_dim, AMI_GRAPH_RANK - 1);
    if (g->inputs == AMI_GRAPH_PORTS)
        return ami_graph_fail(g, "has more than %d inputs", AMI_GRAPH_PORTS);
    const int open = open_dimension(g, info, type->shape);
    const int number = open == -2 ? -1 : ami_graph_add_value(g, name);
    if (number < 0)
        return false;
    ami_value *v = &g->value[number];
    v->type = type->elem_type;
    v->rank = (int)type->shape->n_dim;
    v->place = AMI_PLACE_INPUT;
    v->input = g->inputs;
    int64_t count = 1;
    for (int i = 0; i < v->rank; i++) {
        const int64_t dim = i == open ? 1 : type->shape->dim[i]->dim_value;
        if (__builtin_mul_overflow(count, dim, &count) || count > AMI_GRAPH_NUMBERS)
            return ami_graph_fail(g, "input %s has more numbers than are supported", shown.text);
        const bool rows = i == open || (g->lifted && i == 0 && dim == 1);
        for (int s = 0; s < AMI_GRAPH_SAMPLES; s++)
            v->dim[s][i] = rows ? ami_graph_sample[s] : dim;
    }
    g->batched |= open >= 0;
    ami_value_fit(v);
    g->value_in[g->inputs++] = number;
    return true;
}

/* ---- nodes ---- */

static bool read_nodes(ami_graph *g, const AmiOnnx__Graph *graph, int depth);

/* The outputs of an If are those of its branch under other names. */
static bool bind_outputs(ami_graph *g, const AmiOnnx__Node *n, const AmiOnnx__Graph *branch)
{
    if (branch->n_output != n->n_output)
        return ami_graph_fail(g, "an If has %zu outputs, its branch %zu", n->n_output, branch->n_output);
    for (size_t i = 0; i < n->n_output; i++) {
        if (!n->output[i][0])
            continue;
        const int from = ami_graph_value(g, ami_onnx_text(branch->output[i]->name));
        if (from < 0 || ami_graph_value(g, n->output[i]) >= 0)
            return ami_graph_fail(g, "an If's output %s is not made, or a name already taken",
                                  ami_onnx_show(n->output[i]).text);
        const int number = ami_graph_add_value(g, n->output[i]);
        if (number < 0)
            return false;
        const char *name = g->value[number].name;
        g->value[number] = g->value[from];
        g->value[number].name = name;
        if (g->value[from].constant)
            g->value[number].root = number;
    }
    return true;
}

static bool read_if(ami_graph *g, const AmiOnnx__Node *n, int depth)
{
    const ami_onnx_shown name = ami_onnx_show(ami_onnx_text(n->name));
    const int number = n->n_input == 1 ? ami_graph_value(g, n->input[0]) : -1;
    if (number < 0)
        return ami_graph_fail(g, "node %s ('If'): its condition is missing", name.text);
    const ami_value *v = &g->value[number];
    if (!v->constant || v->type != AMI_ONNX_BOOL || v->data[0] != v->data[1] || v->data[0] != v->data[2])
        return ami_graph_fail(
            g, "node %s ('If'): its condition %s is known only in a run, a constant was expected", name.text,
            ami_onnx_show(v->name).text);
    if (depth == AMI_GRAPH_DEPTH)
        return ami_graph_fail(g, "node %s ('If'): is inside of %d others, which is not supported", name.text,
                              depth);
    const char *wanted = *(const uint8_t *)v->data[0] ? "then_branch" : "else_branch";
    for (size_t i = 0; i < n->n_attribute; i++) {
        const AmiOnnx__Attribute *a = n->attribute[i];
        if (strcmp(ami_onnx_text(a->name), wanted) != 0 || !a->has_g)
            continue;
        AmiOnnx__Graph *branch = ami_onnx_decode_graph(&g->decoded, a->g.data, a->g.len);
        if (!branch)
            return ami_graph_fail(g, "node %s ('If'): its %s cannot be decoded", name.text, wanted);
        if (g->branches == AMI_GRAPH_NODES) {
            ami_onnx__graph__free_unpacked(branch, &g->decoded.allocator);
            return ami_graph_fail(g, "has more than %d branches", AMI_GRAPH_NODES);
        }
        g->branch[g->branches++] = branch; /* its names live as long as the loading */
        const bool outside = g->inside;
        g->inside = true;
        const bool ok = read_initializers(g, branch, true) && read_nodes(g, branch, depth + 1) &&
                        bind_outputs(g, n, branch);
        g->inside = outside;
        return ok;
    }
    return ami_graph_fail(g, "node %s ('If'): has no %s", name.text, wanted);
}

static bool read_nodes(ami_graph *g, const AmiOnnx__Graph *graph, int depth)
{
    for (size_t i = 0; i < graph->n_node; i++) {
        const AmiOnnx__Node *n = graph->node[i];
        const char *domain = ami_onnx_text(n->domain);
        if (g->nodes++ == AMI_GRAPH_NODES)
            return ami_graph_fail(g, "has more than %d nodes", AMI_GRAPH_NODES);
        const bool is_if =
            strcmp(ami_onnx_text(n->op_type), "If") == 0 && (!domain[0] || !strcmp(domain, "ai.onnx"));
        if (!(is_if ? read_if(g, n, depth) : ami_graph_add_node(g, n)))
            return false;
    }
    return true;
}

/* ---- the whole ---- */

static bool read_opset(ami_graph *g)
{
    const AmiOnnx__Model *model = g->decoded.model;
    for (size_t i = 0; i < model->n_opset_import; i++) {
        const char *domain = ami_onnx_text(model->opset_import[i]->domain);
        if (domain[0] && strcmp(domain, "ai.onnx") != 0)
            continue;
        const int64_t version = model->opset_import[i]->version;
        if (g->opset != 0)
            return ami_graph_fail(g, "names ONNX's operator set twice");
        if (version < OPSET_MIN || version > INT32_MAX)
            return ami_graph_fail(g, "needs operator set %" PRId64 ", %d or newer is supported", version,
                                  OPSET_MIN);
        g->opset = (int)version;
    }
    return g->opset != 0 ||
           ami_graph_fail(g, "does not say which ONNX operator set it needs (opset_import is missing)");
}

static bool read_metadata(ami_graph *g)
{
    const AmiOnnx__Model *model = g->decoded.model;
    if (model->n_metadata_props > AMI_GRAPH_METAS)
        return ami_graph_fail(g, "has %zu metadata entries, at most %d are supported",
                              model->n_metadata_props, AMI_GRAPH_METAS);
    g->meta = ami_graph_keep(g, model->n_metadata_props * sizeof *g->meta);
    if (!g->meta)
        return false;
    for (size_t i = 0; i < model->n_metadata_props; i++) {
        const char *key = ami_onnx_text(model->metadata_props[i]->key),
                   *value = ami_onnx_text(model->metadata_props[i]->value);
        if (!key[0])
            return ami_graph_fail(g, "metadata entry %zu has no key", i);
        for (size_t k = 0; k < i; k++)
            if (strcmp(g->meta[k].key, key) == 0)
                return ami_graph_fail(g, "metadata key %s is given twice", ami_onnx_show(key).text);
        if (!ami_text_is_utf8(key) || !ami_text_is_utf8(value))
            return ami_graph_fail(g, "metadata entry %zu (%s) is not UTF-8 text", i, ami_onnx_show(key).text);
        g->meta[i] = (ami_meta){keep_text(g, key), keep_text(g, value)};
        if (!g->meta[i].key || !g->meta[i].value)
            return false;
        g->metas++;
    }
    return true;
}

static bool read_outputs(ami_graph *g, const AmiOnnx__Graph *graph)
{
    if (graph->n_output < 1 || graph->n_output > AMI_GRAPH_PORTS)
        return ami_graph_fail(g, "has %zu outputs, 1 to %d were expected", graph->n_output, AMI_GRAPH_PORTS);
    for (size_t i = 0; i < graph->n_output; i++) {
        const char *name = ami_onnx_text(graph->output[i]->name);
        const int number = ami_graph_value(g, name);
        if (number < 0 || !ami_text_is_utf8(name))
            return ami_graph_fail(g, "output %s is not computed by any node", ami_onnx_show(name).text);
        const ami_value *v = &g->value[number];
        const AmiOnnx__TensorType *claim = tensor_type(graph->output[i]);
        if (claim && claim->elem_type != 0 && claim->elem_type != v->type)
            return ami_graph_fail(g, "output %s claims to be %s, it is %s", ami_onnx_show(name).text,
                                  ami_onnx_type_name(claim->elem_type), ami_onnx_type_name(v->type));
        for (int o = 0; o < g->outputs; o++)
            if (g->value_out[o] == number)
                return ami_graph_fail(g, "two outputs are named %s", ami_onnx_show(name).text);
        if (v->rank > AMI_GRAPH_RANK - 1)
            return ami_graph_fail(g, "output %s has %d dimensions, at most %d are supported",
                                  ami_onnx_show(name).text, v->rank, AMI_GRAPH_RANK - 1);
        for (int s = 1; s < AMI_GRAPH_SAMPLES && v->constant; s++)
            if (v->data[s] != v->data[0])
                return ami_graph_fail(g, "output %s depends on the number of rows alone",
                                      ami_onnx_show(name).text);
        g->value_out[g->outputs++] = number;
    }
    return true;
}

/* Whether every input and output begins with a dimension of 1, which is then the rows'. */
static bool all_begin_with_one(const ami_graph *g)
{
    for (int i = 0; i < g->inputs + g->outputs; i++) {
        const ami_value *v = &g->value[i < g->inputs ? g->value_in[i] : g->value_out[i - g->inputs]];
        if (v->rank < 1 || v->fixed[0] != 1)
            return false;
    }
    return true;
}

static bool make_port(ami_graph *g, int number, bool one, ami_graph_port *port)
{
    const ami_value *v = &g->value[number];
    const bool repeats = g->info.repeats;
    *port = (ami_graph_port){.name = keep_text(g, v->name), .type = v->type, .times = 1};
    if (!port->name)
        return false;
    if (repeats && !one) {
        port->dim[port->rank++] = -1;
        port->added_rows = true;
    }
    for (int i = 0; i < v->rank; i++) {
        const bool rows = v->slope[i] > 0 || (repeats && one && i == 0);
        if (v->slope[i] > 0)
            port->times = (int)v->slope[i];
        port->dim[port->rank++] = rows ? -1 : v->fixed[i];
        if (!rows && v->fixed[i] == 0)
            return ami_graph_fail(g, "%s has a dimension of 0", ami_onnx_show(v->name).text);
    }
    port->has_rows = repeats || v->row_axis >= 0;
    return true;
}

/* Whether all that has rows has them in front, one for one. */
static bool rows_in_front(const ami_graph *g)
{
    for (int i = 0; i < g->inputs + g->outputs; i++) {
        const ami_value *v = &g->value[i < g->inputs ? g->value_in[i] : g->value_out[i - g->inputs]];
        if (v->row_axis > 0 || (v->row_axis == 0 && v->slope[0] != 1) || (g->lifted && v->row_axis < 0))
            return false;
    }
    return true;
}

static bool make_ports(ami_graph *g)
{
    g->info.repeats = !g->batched && !g->lifted;
    g->info.blocks = g->info.repeats || (!g->mixes && rows_in_front(g));
    if (g->lifted && !g->info.blocks)
        return ami_graph_fail(g, "has a fixed batch");
    const bool one = all_begin_with_one(g);
    for (int i = 0; i < g->inputs; i++)
        if (!make_port(g, g->value_in[i], one, &g->port_in[i]))
            return false;
    for (int i = 0; i < g->outputs; i++)
        if (!make_port(g, g->value_out[i], one, &g->port_out[i]))
            return false;
    return true;
}

static bool read_graph(ami_graph *g)
{
    const AmiOnnx__Graph *graph = g->decoded.model->graph;
    if (!graph)
        return ami_graph_fail(g, "holds no graph: not an ONNX model, or one that was cut off");
    if (!read_opset(g) || !read_initializers(g, graph, false))
        return false;
    for (size_t i = 0; i < graph->n_input; i++)
        if (ami_graph_value(g, ami_onnx_text(graph->input[i]->name)) < 0 && !read_input(g, graph->input[i]))
            return false;
    return read_nodes(g, graph, 0) && read_outputs(g, graph) && read_metadata(g) && make_ports(g);
}

static void end_loading(ami_graph *g)
{
    for (int i = 0; i < g->branches; i++)
        ami_onnx__graph__free_unpacked(g->branch[i], &g->decoded.allocator);
    g->branches = 0;
    free(g->branch);
    g->branch = NULL;
    ami_onnx_decoded_free(&g->decoded);
    free(g->name);
    g->name = NULL;
    g->name_room = 0;
    for (int i = 0; i < g->steps; i++)
        g->step[i]->node = NULL;
}

/* `lifted`: every first dimension of 1 of an input is taken for the rows'. *fixed: no input leaves one
 * open. */
static ami_graph *load_as(ami_onnx_source *source, const char *name, const ami_model_def *given, bool lifted,
                          bool *fixed, ami_error *err)
{
    const ami_model_def def = given ? *given : ami_model_default_def();
    ami_graph *g = calloc(1, sizeof *g);
    if (!g || !(g->branch = calloc(AMI_GRAPH_NODES, sizeof *g->branch))) {
        free(g);
        ami_fail(err, "%s: not enough memory", name);
        return NULL;
    }
    g->path = name;
    g->err = err;
    g->source = source;
    g->lifted = lifted;
    bool ok = ami_onnx_decode(&g->decoded, source, name, err) && read_graph(g) && ami_graph_fuse(g) &&
              ami_graph_assign(g);
    end_loading(g);
    ok = ok && ami_graph_choose_precision(g, &def, err);
    g->path = NULL;
    g->err = NULL;
    g->source = NULL;
    *fixed = g->info.repeats;
    if (ok)
        return g;
    ami_graph_destroy(g);
    return NULL;
}

static ami_graph *load(ami_onnx_source *source, const char *name, const ami_model_def *def, ami_error *err)
{
    bool fixed = false, ignored;
    ami_graph *g = load_as(source, name, def, false, &fixed, err);
    if (g && fixed) {
        ami_error why = {""};
        ami_graph *lifted = load_as(source, name, def, true, &ignored, &why);
        if (lifted) {
            ami_graph_destroy(g);
            g = lifted;
        }
    }
    ami_onnx_source_close(source);
    return g;
}

ami_graph *ami_graph_load_memory(const void *bytes, size_t size, const char *name, const ami_model_def *def,
                                 ami_error *err)
{
    ami_onnx_source source = {.bytes = bytes, .size = size};
    if (size > AMI_ONNX_MAX_BYTES) {
        ami_fail(err, "%s: is %zu bytes long, at most %zu were expected", name, size, AMI_ONNX_MAX_BYTES);
        return NULL;
    }
    return load(&source, name, def, err);
}

ami_graph *ami_graph_load(const char *path, const ami_model_def *def, ami_error *err)
{
    size_t size;
    uint8_t *bytes = ami_file_read(path, AMI_ONNX_MAX_BYTES, &size, err);
    if (!bytes)
        return NULL;
    ami_onnx_source source = {.bytes = bytes, .size = size, .path = path};
    ami_graph *g = load(&source, path, def, err);
    free(bytes);
    return g;
}

void ami_graph_destroy(ami_graph *graph)
{
    if (!graph)
        return;
    for (int p = 0; p < graph->parts; p++) {
        ami_net_destroy(graph->part[p].net);
        ami_model_destroy(graph->part[p].model);
    }
    for (int i = 0; i < graph->blocks; i++)
        free(graph->block[i]);
    free(graph->block);
    free(graph->part);
    free(graph->step);
    free(graph->value);
    free(graph->name);
    free(graph);
}
