/* One node of the file: its operator, its inputs, the shapes of its outputs for three numbers of rows, and
 * then either constants (all its inputs are known) or a step of the plan. */
#include "nets/graph/ops.h"

#include "base/number.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

const int ami_graph_sample[AMI_GRAPH_SAMPLES] = {61, 127, 1};

/* ---- what operators ask for ---- */

bool ami_call_fail(const ami_call *c, const char *format, ...)
{
    char text[640];
    va_list args;
    va_start(args, format);
    ami_number_vformat(text, sizeof text, format, args);
    va_end(args);
    const ami_step *step = c->step;
    const ami_onnx_shown op = ami_onnx_show(step->op->name);
    if (step->name[0])
        return ami_fail(c->err, "node %s (%s): %s", ami_onnx_show(step->name).text, op.text, text);
    return ami_fail(c->err, "node number %d (%s): %s", step->number, op.text, text);
}

const AmiOnnx__Attribute *ami_call_attribute(const ami_call *c, const char *name)
{
    const AmiOnnx__Node *n = c->step->node;
    for (size_t i = 0; i < n->n_attribute; i++)
        if (strcmp(ami_onnx_text(n->attribute[i]->name), name) == 0)
            return n->attribute[i];
    return NULL;
}

bool ami_call_has(const ami_call *c, const char *name)
{
    return ami_call_attribute(c, name) != NULL;
}

int64_t ami_call_int(const ami_call *c, const char *name, int64_t otherwise)
{
    const AmiOnnx__Attribute *a = ami_call_attribute(c, name);
    return a && (a->has_i || a->type == AMI_ATTRIBUTE_INT) ? a->i : otherwise;
}

float ami_call_float(const ami_call *c, const char *name, float otherwise)
{
    const AmiOnnx__Attribute *a = ami_call_attribute(c, name);
    return a && (a->has_f || a->type == AMI_ATTRIBUTE_FLOAT) ? a->f : otherwise;
}

bool ami_call_text(const ami_call *c, const char *name, size_t i, char *text, size_t size)
{
    const AmiOnnx__Attribute *a = ami_call_attribute(c, name);
    const ProtobufCBinaryData *s = NULL;
    if (a && a->n_strings > 0)
        s = i < a->n_strings ? &a->strings[i] : NULL;
    else if (a && a->has_s && i == 0)
        s = &a->s;
    if (!s)
        return false;
    const size_t n = s->len < size - 1 ? s->len : size - 1;
    if (n > 0)
        memcpy(text, s->data, n);
    text[n] = 0;
    return true;
}

bool ami_call_list(const ami_call *c, int input, const char *name, int64_t list[AMI_GRAPH_LIST], int *count)
{
    *count = -1;
    if (input >= 0 && ami_call_given(c, input)) {
        const ami_view *v = &c->in[input];
        const int64_t n = ami_view_count(v);
        if (ami_store_of(v->type) != AMI_STORE_INT || v->rank > 1)
            return ami_call_fail(c, "its input number %d is no list of integers", input);
        if (n > AMI_GRAPH_LIST)
            return ami_call_fail(c, "its input number %d has %" PRId64 " numbers, at most %d are supported",
                                 input, n, AMI_GRAPH_LIST);
        *count = (int)n;
        if (n > 0)
            memcpy(list, v->data, (size_t)n * sizeof *list);
        return true;
    }
    const AmiOnnx__Attribute *a = name ? ami_call_attribute(c, name) : NULL;
    if (!a)
        return true;
    if (a->n_ints > AMI_GRAPH_LIST)
        return ami_call_fail(c, "attribute '%s' has %zu numbers, at most %d are supported", name, a->n_ints,
                             AMI_GRAPH_LIST);
    *count = (int)a->n_ints;
    for (int i = 0; i < *count; i++)
        list[i] = a->ints[i];
    return true;
}

bool ami_call_axis(const ami_call *c, int64_t axis, int rank, int *out)
{
    if (axis < -rank || axis >= rank)
        return ami_call_fail(c, "axis %" PRId64 " is beyond the %d dimensions of its input", axis, rank);
    *out = (int)(axis < 0 ? axis + rank : axis);
    return true;
}

int ami_call_opset(const ami_call *c)
{
    return c->graph->opset;
}

bool ami_call_broadcast(const ami_call *c, ami_view *out, const ami_view *a, const ami_view *b)
{
    const int rank = a->rank > b->rank ? a->rank : b->rank;
    int64_t dim[AMI_GRAPH_RANK] = {0};
    for (int i = 1; i <= rank; i++) {
        const int64_t u = i <= a->rank ? a->dim[a->rank - i] : 1, v = i <= b->rank ? b->dim[b->rank - i] : 1;
        if (u != v && u != 1 && v != 1)
            return ami_call_fail(c,
                                 "its inputs' shapes do not broadcast: %" PRId64 " and %" PRId64
                                 " numbers in dimension -%d",
                                 u, v, i);
        dim[rank - i] = u == 1 ? v : u;
    }
    out->rank = rank;
    memcpy(out->dim, dim, sizeof dim);
    return true;
}

bool ami_infer_same(ami_call *c)
{
    ami_view_like(&c->out[0], &c->in[0]);
    return true;
}

/* ---- values ---- */

bool ami_value_fit(ami_value *v)
{
    const int64_t b0 = ami_graph_sample[0], b1 = ami_graph_sample[1], b2 = ami_graph_sample[2];
    v->row_axis = -1;
    for (int i = 0; i < v->rank; i++) {
        const int64_t d0 = v->dim[0][i], d1 = v->dim[1][i], d2 = v->dim[2][i];
        v->fixed[i] = v->slope[i] = 0;
        if (d0 == d1 && d1 == d2) {
            v->fixed[i] = d0;
            continue;
        }
        const int64_t slope = d0 / b0;
        if (d0 != slope * b0 || d1 != slope * b1 || d2 != slope * b2 || v->row_axis >= 0)
            return false;
        v->slope[i] = slope;
        v->row_axis = i;
    }
    return true;
}

void ami_value_view(const ami_value *v, int64_t rows, ami_view *view)
{
    view->type = v->type;
    view->rank = v->rank;
    for (int i = 0; i < v->rank; i++)
        view->dim[i] = v->fixed[i] + v->slope[i] * rows;
}

bool ami_value_varies(const ami_value *v)
{
    for (int s = 1; s < AMI_GRAPH_SAMPLES; s++) {
        if (memcmp(v->dim[s], v->dim[0], sizeof v->dim[0]) != 0 || v->data[s] != v->data[0])
            return true;
    }
    return false;
}

/* ---- a node ---- */

typedef struct node {
    ami_graph *g;
    ami_step *step;
    ami_call call;
    ami_view in[AMI_GRAPH_SAMPLES][AMI_GRAPH_ARGUMENTS], out[AMI_GRAPH_SAMPLES][AMI_GRAPH_ARGUMENTS];
} node;

static bool fail_at(const node *n, const char *text)
{
    return ami_call_fail(&n->call, "%s", text);
}

static bool find_inputs(node *n, const AmiOnnx__Node *from)
{
    for (int i = 0; i < n->step->ins; i++) {
        const char *name = from->input[i];
        n->step->in[i] = -1;
        if (!name[0])
            continue;
        n->step->in[i] = ami_graph_value(n->g, name);
        if (n->step->in[i] < 0)
            return ami_call_fail(&n->call,
                                 "input %s is missing: no initialiser, input or earlier node of that name",
                                 ami_onnx_show(name).text);
    }
    for (int i = 0; i < n->step->op->min_in; i++)
        if (n->step->in[i] < 0)
            return ami_call_fail(&n->call, "input number %d is missing", i);
    return true;
}

static bool check_known(const node *n)
{
    const ami_op *op = n->step->op;
    for (int i = 0; i < n->step->ins; i++) {
        if (n->step->in[i] < 0)
            continue;
        const ami_value *v = &n->g->value[n->step->in[i]];
        const bool needed = i < 32 && op->shape_in >> i & 1, read = i < 32 && op->fixed_in >> i & 1;
        if (needed && !v->constant)
            return ami_call_fail(&n->call,
                                 "input %s (number %d) is known only in a run, but the shape depends on it",
                                 ami_onnx_show(v->name).text, i);
        bool same = true;
        for (int s = 1; s < AMI_GRAPH_SAMPLES && read; s++)
            same &= v->data[s] == v->data[0];
        if (!same)
            return ami_call_fail(&n->call, "input %s (number %d) depends on the number of rows",
                                 ami_onnx_show(v->name).text, i);
    }
    return true;
}

/* Shapes of the outputs for a sample. */
static bool infer(node *n, int s)
{
    for (int i = 0; i < n->step->ins; i++) {
        ami_view *view = &n->in[s][i];
        *view = (ami_view){0};
        if (n->step->in[i] < 0)
            continue;
        const ami_value *v = &n->g->value[n->step->in[i]];
        view->type = v->type;
        view->rank = v->rank;
        memcpy(view->dim, v->dim[s], sizeof view->dim);
        view->data = v->data[s];
    }
    memset(n->out[s], 0, sizeof n->out[s][0] * (size_t)(n->step->outs > 0 ? n->step->outs : 1));
    n->call.sample = s;
    n->call.in = n->in[s];
    n->call.out = n->out[s];
    if (!n->step->op->infer(&n->call))
        return false;
    for (int o = 0; o < n->step->outs; o++) {
        const ami_view *v = &n->out[s][o];
        int64_t count = 1;
        if (v->type == 0)
            return fail_at(n, "an output that this operator does not have is used");
        for (int i = 0; i < v->rank; i++)
            if (v->dim[i] < 0 || __builtin_mul_overflow(count, v->dim[i], &count) ||
                count > AMI_GRAPH_NUMBERS * ami_graph_sample[s])
                return fail_at(n, "its output has more numbers than are supported");
    }
    return true;
}

static bool has_varying_input(const node *n)
{
    for (int i = 0; i < n->step->ins; i++)
        if (n->step->in[i] >= 0 && ami_value_varies(&n->g->value[n->step->in[i]]))
            return true;
    return false;
}

/* The outputs as values; shapes agree in their rank between the samples. */
static bool make_outputs(node *n, const AmiOnnx__Node *from, bool varies)
{
    for (int o = 0; o < n->step->outs; o++) {
        const char *name = from->output[o];
        n->step->out[o] = -1;
        if (!name[0] && o > 0)
            continue;
        if (name[0] && ami_graph_value(n->g, name) >= 0)
            return ami_call_fail(&n->call, "output %s is a name already taken", ami_onnx_show(name).text);
        const int number = ami_graph_add_value(n->g, name);
        if (number < 0)
            return false;
        n->step->out[o] = number;
        ami_value *v = &n->g->value[number];
        v->type = n->out[0][o].type;
        v->rank = n->out[0][o].rank;
        for (int s = 0; s < AMI_GRAPH_SAMPLES; s++) {
            const ami_view *view = &n->out[varies ? s : 0][o];
            if (view->rank != v->rank || view->type != v->type)
                return fail_at(n, "the number of its output's dimensions depends on the number of rows");
            memcpy(v->dim[s], view->dim, sizeof v->dim[s]);
        }
    }
    return true;
}

/* Whether all outputs have the same shape for all samples. */
static bool fixed_outputs(const node *n)
{
    for (int o = 0; o < n->step->outs; o++) {
        const int number = n->step->out[o];
        if (number >= 0 &&
            memcmp(n->g->value[number].dim[0], n->g->value[number].dim[1], sizeof n->g->value[number].dim[0]))
            return false;
    }
    return true;
}

static bool all_constant(const node *n)
{
    for (int i = 0; i < n->step->ins; i++)
        if (n->step->in[i] >= 0 && !n->g->value[n->step->in[i]].constant)
            return false;
    return true;
}

/* Works the outputs out here. */
static bool fold(node *n, bool varies)
{
    ami_graph *g = n->g;
    for (int s = 0; s < (varies ? AMI_GRAPH_SAMPLES : 1); s++) {
        n->call.in = n->in[s];
        n->call.out = n->out[s];
        for (int o = 0; o < n->step->outs; o++) {
            const int64_t count = ami_view_count(&n->out[s][o]);
            const size_t size = ami_store_size(ami_store_of(n->out[s][o].type));
            if (count > AMI_GRAPH_FOLDED - g->folded)
                return fail_at(n,
                               "the constants that can be worked out have more numbers than are supported");
            g->folded += count;
            n->out[s][o].data = ami_graph_keep(g, ((size_t)count + 1) * size);
            if (!n->out[s][o].data)
                return false;
        }
        n->call.scratch = NULL;
        void *scratch = NULL;
        if (n->step->op->scratch) {
            const size_t size = n->step->op->scratch(&n->call);
            if (size > AMI_GRAPH_WORKSPACE)
                return fail_at(n, "takes more memory than is supported");
            scratch = aligned_alloc(64, ami_round_line(size + 1));
            if (!scratch)
                return fail_at(n, "not enough memory");
            n->call.scratch = scratch;
        }
        const bool ok = n->step->op->run(&n->call);
        free(scratch);
        if (!ok)
            return false;
    }
    for (int o = 0; o < n->step->outs; o++) {
        if (n->step->out[o] < 0)
            continue;
        ami_value *v = &g->value[n->step->out[o]];
        v->constant = true;
        bool same = true;
        const size_t bytes =
            (size_t)ami_view_count(&n->out[0][o]) * ami_store_size(ami_store_of(n->out[0][o].type));
        for (int s = 1; s < AMI_GRAPH_SAMPLES && varies; s++)
            same &= memcmp(n->out[s][o].data, n->out[0][o].data, bytes) == 0;
        for (int s = 0; s < AMI_GRAPH_SAMPLES; s++)
            v->data[s] = n->out[same ? 0 : s][o].data;
        if (!ami_value_fit(v))
            return fail_at(n, "its output's shape is no multiple of the number of rows");
    }
    return true;
}

/* An output that is the first input's numbers in another shape. */
static bool make_alias(node *n)
{
    ami_graph *g = n->g;
    if (!(n->step->op->flags & AMI_OP_ALIAS) || n->step->in[0] < 0)
        return false;
    ami_value *out = &g->value[n->step->out[0]], *in = &g->value[n->step->in[0]];
    const ami_store store = ami_store_of(out->type);
    if (store != ami_store_of(in->type))
        return false;
    if (store == AMI_STORE_INT && out->type != in->type && out->type != AMI_ONNX_INT64)
        return false;
    if (n->step->op->run == NULL || n->step->p.axis == AMI_ALIAS_NOT)
        return false;
    out->root = in->root;
    g->mixes |= !ami_alias_keeps_rows_apart(in, out);
    return true;
}

static bool add_step(node *n)
{
    ami_graph *g = n->g;
    for (int i = 0; i < n->step->ins; i++) {
        if (n->step->in[i] < 0)
            continue;
        const ami_value *v = &g->value[n->step->in[i]];
        const bool shape_only = i < 32 && n->step->op->shape_in >> i & 1;
        for (int s = 1; s < AMI_GRAPH_SAMPLES && v->constant && !shape_only; s++)
            if (v->data[s] != v->data[0])
                return ami_call_fail(&n->call, "computes with %s, which depends on the number of rows",
                                     ami_onnx_show(v->name).text);
    }
    for (int o = 0; o < n->step->outs; o++) {
        if (n->step->out[o] < 0)
            continue;
        ami_value *v = &g->value[n->step->out[o]];
        if (!ami_value_fit(v))
            return ami_call_fail(&n->call,
                                 "the shape of its output %s is no multiple of the number of rows in one "
                                 "dimension: it needs a shape known only in a run",
                                 ami_onnx_show(v->name).text);
        v->root = n->step->out[o];
    }
    if (make_alias(n))
        return true;
    g->mixes |= !ami_step_keeps_rows_apart(g, n->step);
    if (g->steps == g->step_room) {
        const int room = g->step_room ? 2 * g->step_room : 64;
        ami_step **more = realloc(g->step, (size_t)room * sizeof *more);
        if (!more)
            return ami_graph_fail(g, "not enough memory");
        g->step = more;
        g->step_room = room;
    }
    for (int o = 0; o < n->step->outs; o++)
        if (n->step->out[o] >= 0)
            g->value[n->step->out[o]].maker = g->steps;
    g->step[g->steps++] = n->step;
    return true;
}

static bool is_onnx_domain(const char *domain)
{
    return !domain[0] || strcmp(domain, "ai.onnx") == 0;
}

static bool check_domain(ami_graph *g, const AmiOnnx__Node *n, const char *shown)
{
    const char *domain = ami_onnx_text(n->domain), *type = ami_onnx_text(n->op_type);
    const AmiOnnx__Model *model = g->decoded.model;
    for (size_t i = 0; i < model->n_functions; i++) {
        const char *own = ami_onnx_text(model->functions[i]->domain);
        const bool same = strcmp(own, domain) == 0 || (is_onnx_domain(own) && is_onnx_domain(domain));
        if (same && strcmp(ami_onnx_text(model->functions[i]->name), type) == 0)
            return ami_graph_fail(
                g,
                "%s: is a function that the file itself defines, which is not supported: export "
                "with functions inlined",
                shown);
    }
    return is_onnx_domain(domain) ||
           ami_graph_fail(g, "%s: operator domain %s is not supported, ONNX's own was expected", shown,
                          ami_onnx_show(domain).text);
}

/* No attribute twice, those that operators read as one number of their type, and no NaN. */
static bool check_attributes(const ami_graph *g, const AmiOnnx__Node *n, const char *shown)
{
    static const struct {
        const char *name;
        int type;
    } known[] = {
        {"alpha", AMI_ATTRIBUTE_FLOAT},   {"beta", AMI_ATTRIBUTE_FLOAT},     {"gamma", AMI_ATTRIBUTE_FLOAT},
        {"epsilon", AMI_ATTRIBUTE_FLOAT}, {"clip", AMI_ATTRIBUTE_FLOAT},     {"min", AMI_ATTRIBUTE_FLOAT},
        {"max", AMI_ATTRIBUTE_FLOAT},     {"axis", AMI_ATTRIBUTE_INT},       {"keepdims", AMI_ATTRIBUTE_INT},
        {"transA", AMI_ATTRIBUTE_INT},    {"transB", AMI_ATTRIBUTE_INT},     {"to", AMI_ATTRIBUTE_INT},
        {"group", AMI_ATTRIBUTE_INT},     {"hidden_size", AMI_ATTRIBUTE_INT}};
    for (size_t i = 0; i < n->n_attribute; i++) {
        const AmiOnnx__Attribute *a = n->attribute[i];
        const char *name = ami_onnx_text(a->name);
        for (size_t k = 0; k < sizeof known / sizeof *known; k++)
            if (!strcmp(known[k].name, name) && a->type != 0 && a->type != known[k].type)
                return ami_graph_fail(g, "%s: attribute '%s' is of type %d, %d was expected", shown, name,
                                      a->type, known[k].type);
        if (a->has_f && isnan(a->f))
            return ami_graph_fail(g, "%s: attribute %s is not a number", shown, ami_onnx_show(name).text);
        for (size_t k = 0; k < i; k++)
            if (strcmp(ami_onnx_text(n->attribute[k]->name), name) == 0)
                return ami_graph_fail(g, "%s: attribute %s is given twice", shown, ami_onnx_show(name).text);
    }
    return true;
}

static ami_step *make_step(ami_graph *g, const AmiOnnx__Node *n, int number)
{
    char shown[160];
    const char *type = ami_onnx_text(n->op_type), *name = ami_onnx_text(n->name);
    if (name[0])
        snprintf(shown, sizeof shown, "node %s (%s)", ami_onnx_show(name).text, ami_onnx_show(type).text);
    else
        snprintf(shown, sizeof shown, "node number %d (%s)", number, ami_onnx_show(type).text);
    if (!check_domain(g, n, shown))
        return NULL;
    const ami_op *op = ami_op_find(type);
    if (!op) {
        ami_graph_fail(g, "%s: operator %s is not supported; docs/networks.md lists those that are", shown,
                       ami_onnx_show(type).text);
        return NULL;
    }
    if (n->n_input < (size_t)op->min_in || n->n_input > (size_t)op->max_in || n->n_output < 1 ||
        n->n_output > (size_t)op->max_out || n->n_output > AMI_GRAPH_ARGUMENTS) {
        ami_graph_fail(g, "%s: has %zu inputs and %zu outputs, %d to %d and 1 to %d were expected", shown,
                       n->n_input, n->n_output, op->min_in, op->max_in, op->max_out);
        return NULL;
    }
    if (!check_attributes(g, n, shown))
        return NULL;
    for (size_t i = 0; i < n->n_attribute; i++)
        if (n->attribute[i]->ref_attr_name && n->attribute[i]->ref_attr_name[0]) {
            ami_graph_fail(g, "%s: attribute %s refers to a function's, a value was expected", shown,
                           ami_onnx_show(ami_onnx_text(n->attribute[i]->name)).text);
            return NULL;
        }
    ami_step *step = ami_graph_keep(g, sizeof *step);
    int *numbers = ami_graph_keep(g, (n->n_input + n->n_output) * sizeof *numbers);
    char *kept = ami_graph_keep(g, strlen(name) + 1);
    if (!step || !numbers || !kept)
        return NULL;
    strcpy(kept, name);
    *step = (ami_step){.op = op,
                       .node = n,
                       .name = kept,
                       .number = number,
                       .ins = (int)n->n_input,
                       .outs = (int)n->n_output,
                       .in = numbers,
                       .out = numbers + n->n_input};
    for (int i = 0; i < AMI_STEP_PARTS; i++)
        step->part[i] = -1;
    return step;
}

bool ami_graph_add_node(ami_graph *g, const AmiOnnx__Node *n)
{
    ami_step *step = make_step(g, n, g->nodes - 1);
    node *added = step ? malloc(sizeof *added) : NULL;
    ami_error why = {""};
    if (!added)
        return step ? ami_graph_fail(g, "not enough memory") : false;
    added->g = g;
    added->step = step;
    added->call = (ami_call){.graph = g, .step = step, .err = &why, .ins = step->ins, .outs = step->outs};
    bool ok = find_inputs(added, n) && check_known(added);
    const bool varies = ok && has_varying_input(added);
    for (int s = 0; ok && s < (varies ? AMI_GRAPH_SAMPLES : 1); s++)
        ok = infer(added, s);
    ok = ok && make_outputs(added, n, varies);
    if (ok) {
        const bool known = all_constant(added), shape_only = step->op->flags & AMI_OP_SHAPE;
        const bool folds = shape_only || (known && (fixed_outputs(added) || !varies));
        ok = folds ? fold(added, varies) : add_step(added);
    }
    free(added);
    if (!ok && why.text[0])
        ami_graph_fail(g, "%s", why.text);
    return ok;
}
