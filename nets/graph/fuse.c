/* Dense layers of a plan: products with constant weights, the biases, factors and activations behind them,
 * and the next product, as long as nothing else reads what is between, become one part on packed kernels.
 * Also joins x · sigmoid(x), and removes steps without a reader. */
#include "nets/graph/ops.h"

#include <stdlib.h>

static int root_of(const ami_graph *g, int value)
{
    return g->value[value].root;
}

static bool is_output(const ami_graph *g, int root)
{
    for (int o = 0; o < g->outputs; o++)
        if (root_of(g, g->value_out[o]) == root)
            return true;
    return false;
}

static void count_users(ami_graph *g)
{
    for (int v = 0; v < g->values; v++)
        g->value[v].users = 0;
    for (int o = 0; o < g->outputs; o++)
        g->value[root_of(g, g->value_out[o])].users++;
    for (int i = 0; i < g->steps; i++)
        for (int k = 0; k < g->step[i]->ins && !g->step[i]->gone; k++)
            if (g->step[i]->in[k] >= 0)
                g->value[root_of(g, g->step[i]->in[k])].users++;
}

static void remove_unread(ami_graph *g)
{
    count_users(g);
    for (int i = g->steps - 1; i >= 0; i--) {
        ami_step *s = g->step[i];
        bool read = false;
        for (int o = 0; o < s->outs; o++)
            read |= s->out[o] >= 0 && g->value[s->out[o]].users > 0;
        if (read || s->gone)
            continue;
        s->gone = true;
        for (int k = 0; k < s->ins; k++)
            if (s->in[k] >= 0)
                g->value[root_of(g, s->in[k])].users--;
    }
}

/* The only step that reads a root, and at which input; NULL where there are more, or an output does. */
static ami_step *only_user(const ami_graph *g, int root, int *input)
{
    if (g->value[root].users != 1 || is_output(g, root))
        return NULL;
    for (int i = 0; i < g->steps; i++)
        for (int k = 0; k < g->step[i]->ins && !g->step[i]->gone; k++)
            if (g->step[i]->in[k] >= 0 && root_of(g, g->step[i]->in[k]) == root) {
                *input = k;
                return g->step[i];
            }
    return NULL;
}

static bool is_op(const ami_step *s, const char *name)
{
    return strcmp(s->op->name, name) == 0;
}

/* x · sigmoid(x) → Swish(x). */
static void join_swish(ami_graph *g)
{
    const ami_op *swish = ami_op_find("Swish");
    for (int i = 0; i < g->steps; i++) {
        ami_step *s = g->step[i];
        int at;
        if (s->gone || !is_op(s, "Sigmoid"))
            continue;
        ami_step *mul = only_user(g, s->out[0], &at);
        if (!mul || !is_op(mul, "Mul") || mul->in[0] < 0 || mul->in[1] < 0)
            continue;
        const int x = mul->in[1 - at];
        if (root_of(g, x) != root_of(g, s->in[0]) || mul->in[at] != s->out[0] || x != s->in[0])
            continue;
        mul->op = swish;
        mul->ins = 1;
        mul->in[0] = x;
        mul->p = (ami_params){.n = {AMI_UNARY_SWISH}, .f = {1}};
        s->gone = true;
        g->value[root_of(g, x)].users--;
    }
}

/* ---- dense layers ---- */

typedef struct layer {
    float *weight; /* (outputs, inputs) */
    float *bias;   /* (outputs) */
    int inputs, outputs;
    ami_activation act;
    float alpha;
} layer;

typedef struct chain {
    int layers;
    layer layer[AMI_NET_MAX_LAYERS];
} chain;

static void chain_free(chain *c)
{
    for (int l = 0; l < c->layers; l++) {
        free(c->layer[l].weight);
        free(c->layer[l].bias);
    }
    c->layers = 0;
}

static bool all_finite(const float *x, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isfinite(x[i]))
            return false;
    return true;
}

static int64_t count_of(const ami_value *v)
{
    int64_t n = 1;
    for (int i = 0; i < v->rank; i++)
        n *= v->dim[0][i];
    return n;
}

/* The last dimension of a value, 0 where it is the rows or there is none. */
static int64_t width_of(const ami_value *v)
{
    return v->rank > 0 ? v->fixed[v->rank - 1] : 0;
}

static bool is_constant(const ami_graph *g, int value)
{
    const ami_value *v = value >= 0 ? &g->value[value] : NULL;
    return v && v->constant && v->data[0] == v->data[1] && v->data[0] == v->data[2];
}

/* A constant that is one number for each output, or one for all. */
static const float *vector_of(const ami_graph *g, int value, int64_t outputs, bool *single)
{
    if (!is_constant(g, value))
        return NULL;
    const ami_value *v = &g->value[value];
    const int64_t n = count_of(v);
    *single = n == 1;
    if (ami_store_of(v->type) != AMI_STORE_FLOAT || (n != 1 && (n != outputs || width_of(v) != outputs)))
        return NULL;
    return all_finite(v->data[0], (size_t)n) ? v->data[0] : NULL;
}

/* Whether a step is a product of `input` (its first) with constant weights that a part can hold. */
static bool is_dense(const ami_graph *g, const ami_step *s)
{
    const bool gemm = is_op(s, "Gemm");
    bool single;
    if (s->gone || !(gemm || is_op(s, "MatMul")) || is_constant(g, s->in[0]) || !is_constant(g, s->in[1]))
        return false;
    const ami_value *x = &g->value[s->in[0]], *w = &g->value[s->in[1]];
    if (w->rank != 2 || width_of(x) < 1 || x->row_axis == x->rank - 1)
        return false;
    if (gemm && (s->p.n[0] || !isfinite(s->p.f[0]) || !isfinite(s->p.f[1])))
        return false;
    const int64_t inputs = gemm && s->p.n[1] ? w->fixed[1] : w->fixed[0],
                  outputs = gemm && s->p.n[1] ? w->fixed[0] : w->fixed[1];
    if (inputs < 1 || outputs < 1 || inputs > AMI_NET_MAX_DIM || outputs > AMI_NET_MAX_DIM ||
        inputs != width_of(x))
        return false;
    return !(gemm && s->ins > 2 && s->in[2] >= 0 && !vector_of(g, s->in[2], outputs, &single));
}

static bool begin_layer(ami_graph *g, const ami_step *s, chain *c)
{
    const bool gemm = is_op(s, "Gemm"), transposed = gemm && s->p.n[1];
    const ami_value *w = &g->value[s->in[1]];
    const int64_t inputs = w->fixed[transposed], outputs = w->fixed[!transposed];
    layer *l = &c->layer[c->layers++];
    *l = (layer){.inputs = (int)inputs, .outputs = (int)outputs};
    l->weight = malloc((size_t)(inputs * outputs) * sizeof *l->weight);
    l->bias = calloc((size_t)outputs, sizeof *l->bias);
    if (!l->weight || !l->bias)
        return ami_graph_fail(g, "not enough memory");
    const float *from = w->data[0];
    if (!all_finite(from, (size_t)(inputs * outputs)))
        return ami_graph_fail(g, "node %s: its weights %s hold a number that is not finite",
                              ami_onnx_show(s->name).text, ami_onnx_show(w->name).text);
    const float alpha = gemm ? s->p.f[0] : 1;
    for (int64_t o = 0; o < outputs; o++)
        for (int64_t i = 0; i < inputs; i++)
            l->weight[o * inputs + i] = alpha * from[transposed ? o * inputs + i : i * outputs + o];
    bool single;
    const float *bias = gemm && s->ins > 2 && s->in[2] >= 0 ? vector_of(g, s->in[2], outputs, &single) : NULL;
    for (int64_t o = 0; bias && o < outputs; o++)
        l->bias[o] = s->p.f[1] * bias[single ? 0 : o];
    return true;
}

/* Takes a step behind a layer that has no activation yet into it; false where it is none that fits. */
static bool take_affine(const ami_graph *g, const ami_step *s, int at, layer *l)
{
    const char op = s->op->name[0];
    bool single;
    if (is_op(s, "BatchNormalization")) {
        const float *v[4];
        if (at != 0 || g->value[s->in[0]].rank != 2 || width_of(&g->value[s->in[0]]) != l->outputs)
            return false;
        for (int k = 0; k < 4; k++)
            if (!(v[k] = vector_of(g, s->in[1 + k], l->outputs, &single)) || (single && l->outputs != 1))
                return false;
        for (int o = 0; o < l->outputs; o++) {
            const float factor = v[0][o] / sqrtf(v[3][o] + s->p.f[0]);
            if (!isfinite(factor))
                return false;
        }
        for (int o = 0; o < l->outputs; o++) {
            const float factor = v[0][o] / sqrtf(v[3][o] + s->p.f[0]);
            for (int i = 0; i < l->inputs; i++)
                l->weight[(size_t)o * (size_t)l->inputs + (size_t)i] *= factor;
            l->bias[o] = (l->bias[o] - v[2][o]) * factor + v[1][o];
        }
        return true;
    }
    if (!(is_op(s, "Add") || is_op(s, "Sub") || is_op(s, "Mul") || is_op(s, "Div")) || (op == 'D' && at != 0))
        return false;
    const ami_value *x = &g->value[s->in[at]], *y = &g->value[s->out[0]];
    const float *v = vector_of(g, s->in[1 - at], l->outputs, &single);
    if (!v || width_of(x) != l->outputs || count_of(x) != count_of(y))
        return false;
    for (int o = 0; o < l->outputs && op == 'D'; o++)
        if (!isfinite(1 / v[single ? 0 : o]))
            return false;
    for (int o = 0; o < l->outputs; o++) {
        const float k = v[single ? 0 : o];
        const float factor = op == 'M' ? k : op == 'D' ? 1 / k : op == 'S' && at == 1 ? -1 : 1;
        if (factor != 1) {
            for (int i = 0; i < l->inputs; i++)
                l->weight[(size_t)o * (size_t)l->inputs + (size_t)i] *= factor;
            l->bias[o] = op == 'D' ? l->bias[o] / k : l->bias[o] * factor;
        }
        if (op == 'A' || op == 'S')
            l->bias[o] += op == 'S' && at == 0 ? -k : k;
    }
    return true;
}

static bool take_activation(const ami_step *s, layer *l)
{
    static const struct {
        const char *name;
        ami_activation act;
    } known[] = {{"Relu", AMI_ACT_RELU},
                 {"LeakyRelu", AMI_ACT_LEAKY_RELU},
                 {"Elu", AMI_ACT_ELU},
                 {"Tanh", AMI_ACT_TANH},
                 {"Sigmoid", AMI_ACT_SIGMOID}};
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (is_op(s, known[i].name) && isfinite(s->p.f[0])) {
            l->act = known[i].act;
            l->alpha = s->p.f[0];
            return true;
        }
    return false;
}

static int new_part(ami_graph *g, const chain *c, const char *what, const char *node)
{
    int dim[AMI_NET_MAX_LAYERS + 1];
    ami_error why = {""};
    for (int l = 0; l < c->layers; l++) {
        dim[l] = c->layer[l].inputs;
        dim[l + 1] = c->layer[l].outputs;
    }
    if (g->parts == g->part_room) {
        const int room = g->part_room ? 2 * g->part_room : 16;
        ami_part *more = realloc(g->part, (size_t)room * sizeof *more);
        if (!more) {
            ami_graph_fail(g, "not enough memory");
            return -1;
        }
        g->part = more;
        g->part_room = room;
    }
    ami_part *part = &g->part[g->parts];
    *part = (ami_part){.what = what, .node = node};
    part->net = ami_net_create(c->layers, dim, &why);
    if (!part->net) {
        ami_graph_fail(g, "%s", why.text);
        return -1;
    }
    for (int l = 0; l < c->layers; l++) {
        const size_t outputs = (size_t)dim[l + 1], inputs = (size_t)dim[l];
        memcpy(part->net->weight[l], c->layer[l].weight, outputs * inputs * sizeof(float));
        if (c->layer[l].bias)
            memcpy(part->net->bias[l], c->layer[l].bias, outputs * sizeof(float));
        part->net->act[l] = c->layer[l].act;
        part->net->act_alpha[l] = c->layer[l].alpha;
        part->multiplications += (int64_t)(inputs * outputs);
    }
    return g->parts++;
}

int ami_graph_add_part(ami_graph *g, const char *what, const char *node, int inputs, int outputs,
                       const float *weight, const float *bias)
{
    const chain c = {.layers = 1,
                     .layer = {{.weight = (float *)weight,
                                .bias = (float *)bias,
                                .inputs = inputs,
                                .outputs = outputs,
                                .act = AMI_ACT_IDENTITY}}};
    return new_part(g, &c, what, node);
}

/* One chain that begins with a step. */
static bool fuse_chain(ami_graph *g, ami_step *first)
{
    chain c = {0};
    ami_step *last = first;
    bool ok = begin_layer(g, first, &c);
    while (ok) {
        int at = 0;
        ami_step *next = only_user(g, last->out[0], &at);
        layer *l = &c.layer[c.layers - 1];
        if (!next || next->out[0] < 0)
            break;
        if (at == 0 && is_dense(g, next) && g->value[next->in[0]].type == g->value[last->out[0]].type &&
            width_of(&g->value[next->in[0]]) == l->outputs && c.layers < AMI_NET_MAX_LAYERS)
            ok = begin_layer(g, next, &c);
        else if (l->act != AMI_ACT_IDENTITY || !(take_affine(g, next, at, l) || take_activation(next, l)))
            break;
        last->gone = last != first;
        last = next;
    }
    for (int l = 0; l < c.layers && ok; l++)
        ok = all_finite(c.layer[l].weight, (size_t)c.layer[l].inputs * (size_t)c.layer[l].outputs) &&
             all_finite(c.layer[l].bias, (size_t)c.layer[l].outputs);
    if (!ok && g->err && !g->err->text[0])
        ami_graph_fail(g, "node %s: factors behind it make a weight that is not finite",
                       ami_onnx_show(first->name).text);
    const int part = ok ? new_part(g, &c, "dense", first->name) : -1;
    if (part >= 0) {
        if (last != first)
            last->gone = true;
        first->op = &ami_op_dense;
        first->ins = 1;
        first->part[0] = part;
        first->p.n[0] = c.layer[0].inputs;
        first->out[0] = last->out[0];
        const ami_value *y = &g->value[first->out[0]];
        g->part[part].rows = (y->row_axis >= 0 ? count_of(y) / ami_graph_sample[0] : count_of(y)) /
                             c.layer[c.layers - 1].outputs;
        /* The chain stands where its last step stood: nothing between them depends on it. */
    }
    chain_free(&c);
    return part >= 0;
}

bool ami_graph_fuse(ami_graph *g)
{
    remove_unread(g);
    count_users(g);
    join_swish(g);
    count_users(g);
    for (int i = 0; i < g->steps; i++)
        if (is_dense(g, g->step[i]) && !fuse_chain(g, g->step[i]))
            return false;
    for (int i = 0; i < g->steps; i++) {
        ami_step *s = g->step[i];
        if (!s->gone && s->op->prepare && !s->op->prepare(g, s, g->err))
            return false;
    }
    int kept = 0;
    for (int i = 0; i < g->steps; i++)
        if (!g->step[i]->gone)
            g->step[kept++] = g->step[i];
    g->steps = kept;
    count_users(g);
    for (int i = 0; i < g->steps; i++)
        for (int o = 0; o < g->step[i]->outs; o++)
            if (g->step[i]->out[o] >= 0)
                g->value[g->step[i]->out[o]].maker = i;
    return true;
}
