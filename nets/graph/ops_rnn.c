/* LSTM, GRU and RNN over a sequence, in both directions. The input's products of all steps are done at once;
 * the state's, step by step; both on packed kernels where the weights are constants.
 *
 * Formulas and the order of the gates: ONNX's operator specification (LSTM: i o f c; GRU: z r h). */
#include "nets/graph/ops.h"

#include <inttypes.h>

enum { RNN, GRU, LSTM };

/* p.n: what; p.act: activations of both directions, three each. */
enum { P_HIDDEN, P_DIRECTIONS, P_REVERSE, P_LAYOUT, P_LINEAR, P_COUPLED };

enum { IN_X, IN_W, IN_R, IN_B, IN_LENGTHS, IN_H, IN_C, IN_P };

/* Parts of one direction. */
enum { PART_W, PART_R, PART_RH, DIRECTION_PARTS };
_Static_assert(2 * DIRECTION_PARTS <= AMI_STEP_PARTS, "a step holds the parts of both directions");

static int gates_of(int code)
{
    return code == LSTM ? 4 : code == GRU ? 3 : 1;
}

static bool read_activations(ami_call *c, int directions)
{
    static const struct {
        const char *name;
        int code;
        float alpha, beta;
    } known[] = {{"Sigmoid", AMI_UNARY_SIGMOID, 0, 0},   {"Tanh", AMI_UNARY_TANH, 0, 0},
                 {"Relu", AMI_UNARY_RELU, 0, 0},         {"LeakyRelu", AMI_UNARY_LEAKY, .01f, 0},
                 {"Elu", AMI_UNARY_ELU, 1, 0},           {"HardSigmoid", AMI_UNARY_HARD_SIGMOID, .2f, .5f},
                 {"Softsign", AMI_UNARY_SOFTSIGN, 0, 0}, {"Softplus", AMI_UNARY_SOFTPLUS, 0, 0},
                 {"Affine", AMI_UNARY_AFFINE, 1, 0}};
    enum { KNOWN = sizeof known / sizeof *known };
    static const int usual[3][3] = {{AMI_UNARY_TANH},
                                    {AMI_UNARY_SIGMOID, AMI_UNARY_TANH},
                                    {AMI_UNARY_SIGMOID, AMI_UNARY_TANH, AMI_UNARY_TANH}};
    const int code = c->step->op->code, each = code + 1;
    if (ami_call_has(c, "activation_alpha") || ami_call_has(c, "activation_beta"))
        return ami_call_fail(c, "has activation_alpha or activation_beta, the usual numbers were expected");
    for (int i = 0; i < directions * each; i++) {
        char name[24];
        const int place = i / each * 3 + i % each;
        c->step->p.act[place] = usual[code][i % each];
        if (!ami_call_text(c, "activations", (size_t)i, name, sizeof name)) {
            if (ami_call_has(c, "activations"))
                return ami_call_fail(c, "has %d activations, %d were expected", i, directions * each);
            continue;
        }
        int k = 0;
        while (k < KNOWN && strcmp(known[k].name, name) != 0)
            k++;
        if (k == KNOWN)
            return ami_call_fail(c, "activation %s is not supported", ami_onnx_show(name).text);
        c->step->p.act[place] = known[k].code;
    }
    return true;
}

/* The numbers an activation takes by itself. */
static void activate(int code, int64_t n, float *x)
{
    const float alpha = code == AMI_UNARY_LEAKY ? .01f : code == AMI_UNARY_HARD_SIGMOID ? .2f : 1;
    const float beta = code == AMI_UNARY_HARD_SIGMOID ? .5f : 0;
    ami_unary(code, alpha, beta, n, x, x);
}

static bool check_shape(ami_call *c, int input, int rank, int64_t a, int64_t b, int64_t d)
{
    const int64_t want[3] = {a, b, d};
    const ami_view *v = &c->in[input];
    if (!ami_call_given(c, input))
        return true;
    bool same =
        v->rank == rank && ami_store_of(v->type) == (input == IN_LENGTHS ? AMI_STORE_INT : AMI_STORE_FLOAT);
    for (int i = 0; same && i < rank; i++)
        same = v->dim[i] == want[i];
    return same || ami_call_fail(c, "its input number %d has another type or shape than expected", input);
}

static bool infer_rnn(ami_call *c)
{
    const ami_view *x = &c->in[IN_X];
    ami_params *p = &c->step->p;
    char direction[16] = "forward";
    ami_call_text(c, "direction", 0, direction, sizeof direction);
    const int directions = strcmp(direction, "bidirectional") == 0 ? 2 : 1,
              gates = gates_of(c->step->op->code);
    if (x->rank != 3 || ami_store_of(x->type) != AMI_STORE_FLOAT || c->in[IN_R].rank != 3)
        return ami_call_fail(c, "its input has %d dimensions, 3 were expected", x->rank);
    const int64_t hidden = ami_call_int(c, "hidden_size", c->in[IN_R].dim[2]);
    p->n[P_HIDDEN] = hidden;
    p->n[P_DIRECTIONS] = directions;
    p->n[P_REVERSE] = strcmp(direction, "reverse") == 0;
    p->n[P_LAYOUT] = ami_call_int(c, "layout", 0) != 0;
    p->n[P_LINEAR] = ami_call_int(c, "linear_before_reset", 0) != 0;
    p->n[P_COUPLED] = ami_call_int(c, "input_forget", 0) != 0;
    p->f[0] = ami_call_float(c, "clip", 0);
    const bool layout = p->n[P_LAYOUT] != 0;
    const int64_t steps = x->dim[layout], rows = x->dim[!layout];
    if (hidden < 1 || hidden > 1 << 20)
        return ami_call_fail(c, "hidden_size is %" PRId64, hidden);
    if (!read_activations(c, directions) || !check_shape(c, IN_W, 3, directions, gates * hidden, x->dim[2]) ||
        !check_shape(c, IN_R, 3, directions, gates * hidden, hidden) ||
        !check_shape(c, IN_B, 2, directions, 2 * gates * hidden, 0) ||
        !check_shape(c, IN_LENGTHS, 1, rows, 0, 0) ||
        !check_shape(c, IN_H, 3, layout ? rows : directions, layout ? directions : rows, hidden) ||
        !check_shape(c, IN_C, 3, layout ? rows : directions, layout ? directions : rows, hidden) ||
        !check_shape(c, IN_P, 2, directions, 3 * hidden, 0))
        return false;
    for (int o = 0; o < c->outs; o++) {
        ami_view *y = &c->out[o];
        y->type = x->type;
        y->rank = o == 0 ? 4 : 3;
        int k = 0;
        if (layout) {
            y->dim[k++] = rows;
            if (o == 0)
                y->dim[k++] = steps;
            y->dim[k++] = directions;
        } else {
            if (o == 0)
                y->dim[k++] = steps;
            y->dim[k++] = directions;
            y->dim[k++] = rows;
        }
        y->dim[k] = hidden;
    }
    return true;
}

typedef struct work {
    int64_t steps, rows, inputs, hidden;
    int gates;
    float *from_x; /* (steps · rows, gates · hidden) */
    float *from_h; /* (rows, gates · hidden) */
    float *reset;  /* (rows, hidden): GRU's r ⊙ h */
    float *gate;   /* (gates · hidden): of one row */
    float *h, *c;  /* (rows, hidden) */
    char *rest;
} work;

/* Cuts the scratch; with base NULL only its size. */
static size_t cut(const ami_call *c, char *base, work *w)
{
    const bool layout = c->step->p.n[P_LAYOUT] != 0;
    const ami_view *x = &c->in[IN_X];
    w->steps = x->dim[layout];
    w->rows = x->dim[!layout];
    w->inputs = x->dim[2];
    w->hidden = c->step->p.n[P_HIDDEN];
    w->gates = gates_of(c->step->op->code);
    const size_t wide = (size_t)(w->gates * w->hidden) * sizeof(float),
                 state = (size_t)(w->rows * w->hidden) * sizeof(float);
    size_t at = 0;
    float **const place[6] = {&w->from_x, &w->from_h, &w->reset, &w->gate, &w->h, &w->c};
    const size_t size[6] = {
        (size_t)(w->steps * w->rows) * wide, (size_t)w->rows * wide, state, wide, state, state};
    for (int i = 0; i < 6; i++) {
        *place[i] = base ? (float *)(base + at) : NULL;
        at += ami_round_line(size[i]);
    }
    w->rest = base ? base + at : NULL;
    return at;
}

static size_t rnn_scratch(const ami_call *c)
{
    work w;
    size_t size = cut(c, NULL, &w), most = 0;
    for (int k = 0; k < AMI_STEP_PARTS && c->running; k++) {
        if (c->step->part[k] < 0)
            continue;
        const size_t one = ami_part_scratch(c->running, c->step->part[k],
                                            k % DIRECTION_PARTS == PART_W ? w.steps * w.rows : w.rows);
        most = one > most ? one : most;
    }
    return size + most;
}

/* y = weight x + bias, on a part where there is one. */
static void product(const ami_call *c, int part, const float *weight, const float *bias, const float *x,
                    int64_t rows, int64_t inputs, int64_t outputs, float *y, char *rest)
{
    if (rows == 0)
        return;
    if (c->running && c->step->part[part] >= 0) {
        ami_part_run(c->running, c->step->part[part], x, rows, y, rest);
        return;
    }
    ami_product(x, weight, true, rows, inputs, outputs, y);
    for (int64_t r = 0; bias && r < rows; r++)
        for (int64_t o = 0; o < outputs; o++)
            y[r * outputs + o] += bias[o];
}

static void clip_gates(float limit, int64_t n, float *x)
{
    for (int64_t i = 0; i < n && limit > 0; i++)
        x[i] = x[i] < -limit ? -limit : x[i] > limit ? limit : x[i];
}

/* One row of an LSTM: gate holds the sums of i o f c; h and c are replaced. */
static void lstm_row(const ami_params *p, const int *act, int64_t n, float *gate, const float *peep, float *h,
                     float *c)
{
    float *in = gate, *out = gate + n, *forget = gate + 2 * n, *cell = gate + 3 * n;
    for (int64_t k = 0; peep && k < n; k++) {
        in[k] += peep[k] * c[k];
        forget[k] += peep[2 * n + k] * c[k];
    }
    clip_gates(p->f[0], 4 * n, gate);
    activate(act[0], n, in);
    activate(act[0], n, forget);
    activate(act[1], n, cell);
    if (p->n[P_COUPLED])
        for (int64_t k = 0; k < n; k++)
            forget[k] = 1 - in[k];
    for (int64_t k = 0; k < n; k++)
        c[k] = forget[k] * c[k] + in[k] * cell[k];
    for (int64_t k = 0; peep && k < n; k++)
        out[k] += peep[n + k] * c[k];
    activate(act[0], n, out);
    memcpy(h, c, (size_t)n * sizeof *h);
    activate(act[2], n, h);
    for (int64_t k = 0; k < n; k++)
        h[k] *= out[k];
}

static bool run_rnn(const ami_call *c)
{
    const ami_params *p = &c->step->p;
    const int code = c->step->op->code;
    const bool layout = p->n[P_LAYOUT] != 0;
    work w;
    cut(c, c->scratch, &w);
    const int64_t n = w.hidden, wide = w.gates * n, directions = p->n[P_DIRECTIONS];
    const int64_t *lengths = ami_call_given(c, IN_LENGTHS) ? c->in[IN_LENGTHS].data : NULL;
    float *const all = c->out[0].data, *const last = c->outs > 1 ? c->out[1].data : NULL,
                 *const last_c = c->outs > 2 ? c->out[2].data : NULL;
    const bool split = code == GRU && !p->n[P_LINEAR];
    for (int64_t d = 0; d < directions; d++) {
        const bool reverse = p->n[P_REVERSE] || d == 1;
        const int *act = p->act + 3 * d;
        const int parts = DIRECTION_PARTS * (int)d;
        const float *weight = (const float *)c->in[IN_W].data + d * wide * w.inputs,
                    *recurrent = (const float *)c->in[IN_R].data + d * wide * n;
        const float *bias = ami_call_given(c, IN_B) ? (const float *)c->in[IN_B].data + d * 2 * wide : NULL;
        const float *peep = ami_call_given(c, IN_P) ? (const float *)c->in[IN_P].data + d * 3 * n : NULL;
        product(c, parts + PART_W, weight, bias, c->in[IN_X].data, w.steps * w.rows, w.inputs, wide, w.from_x,
                w.rest);
        for (int64_t r = 0; r < w.rows; r++) {
            const int64_t at = (layout ? r * directions + d : d * w.rows + r) * n;
            for (int64_t k = 0; k < n; k++) {
                w.h[r * n + k] = ami_call_given(c, IN_H) ? ((const float *)c->in[IN_H].data)[at + k] : 0;
                w.c[r * n + k] = ami_call_given(c, IN_C) ? ((const float *)c->in[IN_C].data)[at + k] : 0;
            }
        }
        for (int64_t s = 0; s < w.steps; s++) {
            /* Products of all rows, then each row's gates. */
            product(c, parts + PART_R, recurrent, bias ? bias + wide : NULL, w.h, w.rows, n,
                    split ? 2 * n : wide, w.from_h, w.rest);
            const int64_t have = split ? 2 * n : wide;
            float *const hidden_gate = w.from_h + w.rows * have; /* split: (rows, hidden) behind the others */
            for (int64_t r = 0; r < w.rows && split; r++) {
                const int64_t length = lengths ? lengths[r] : w.steps, t = reverse ? length - 1 - s : s;
                if (s >= length || t < 0 || t >= w.steps)
                    continue;
                const float *x = w.from_x + (layout ? r * w.steps + t : t * w.rows + r) * wide;
                float *gate = w.from_h + r * have;
                for (int64_t k = 0; k < 2 * n; k++)
                    gate[k] += x[k];
                clip_gates(p->f[0], 2 * n, gate);
                activate(act[0], 2 * n, gate);
                for (int64_t k = 0; k < n; k++)
                    w.reset[r * n + k] = gate[n + k] * w.h[r * n + k];
            }
            if (split)
                product(c, parts + PART_RH, recurrent + 2 * n * n, bias ? bias + wide + 2 * n : NULL, w.reset,
                        w.rows, n, n, hidden_gate, w.rest);
            for (int64_t r = 0; r < w.rows; r++) {
                const int64_t length = lengths ? lengths[r] : w.steps, t = reverse ? length - 1 - s : s;
                const bool beyond = s >= length || t < 0 || t >= w.steps;
                float *h = w.h + r * n;
                const int64_t time = beyond ? s : t;
                float *y = all ? all + (layout ? (r * w.steps + time) * directions + d
                                               : (time * directions + d) * w.rows + r) *
                                           n
                               : NULL;
                if (beyond) { /* the sequence is over: the state stays */
                    if (y)
                        memset(y, 0, (size_t)n * sizeof *y);
                    continue;
                }
                const float *x = w.from_x + (layout ? r * w.steps + t : t * w.rows + r) * wide;
                const float *own = w.from_h + r * have;
                float *gate = w.gate;
                if (code == GRU) {
                    if (split) {
                        memcpy(gate, own, (size_t)(2 * n) * sizeof *gate);
                        for (int64_t k = 0; k < n; k++)
                            gate[2 * n + k] = x[2 * n + k] + hidden_gate[r * n + k];
                    } else {
                        for (int64_t k = 0; k < 2 * n; k++)
                            gate[k] = x[k] + own[k];
                        clip_gates(p->f[0], 2 * n, gate);
                        activate(act[0], 2 * n, gate);
                        for (int64_t k = 0; k < n; k++)
                            gate[2 * n + k] = x[2 * n + k] + gate[n + k] * own[2 * n + k];
                    }
                    clip_gates(p->f[0], n, gate + 2 * n);
                    activate(act[1], n, gate + 2 * n);
                    for (int64_t k = 0; k < n; k++)
                        h[k] = (1 - gate[k]) * gate[2 * n + k] + gate[k] * h[k];
                } else {
                    for (int64_t k = 0; k < wide; k++)
                        gate[k] = x[k] + own[k];
                    if (code == LSTM) {
                        lstm_row(p, act, n, gate, peep, h, w.c + r * n);
                    } else {
                        clip_gates(p->f[0], n, gate);
                        activate(act[0], n, gate);
                        memcpy(h, gate, (size_t)n * sizeof *h);
                    }
                }
                if (y)
                    memcpy(y, h, (size_t)n * sizeof *y);
            }
        }
        for (int64_t r = 0; r < w.rows; r++) {
            const int64_t at = (layout ? r * directions + d : d * w.rows + r) * n;
            if (last)
                memcpy(last + at, w.h + r * n, (size_t)n * sizeof *last);
            if (last_c)
                memcpy(last_c + at, w.c + r * n, (size_t)n * sizeof *last_c);
        }
    }
    return true;
}

static const float *constant_of(const ami_graph *g, const ami_step *s, int input)
{
    if (input >= s->ins || s->in[input] < 0)
        return NULL;
    const ami_value *v = &g->value[s->in[input]];
    int64_t n = 1;
    for (int i = 0; i < v->rank; i++)
        n *= v->fixed[i];
    if (!v->constant || v->data[0] != v->data[1])
        return NULL;
    for (int64_t i = 0; i < n; i++)
        if (!isfinite(((const float *)v->data[0])[i]))
            return NULL;
    return v->data[0];
}

static bool prepare_rnn(ami_graph *g, ami_step *s, ami_error *err)
{
    static const char *const what[] = {"rnn", "gru", "lstm"};
    const int code = s->op->code;
    const float *weight = constant_of(g, s, IN_W), *recurrent = constant_of(g, s, IN_R),
                *bias = constant_of(g, s, IN_B);
    const bool has_bias = s->ins > IN_B && s->in[IN_B] >= 0, split = code == GRU && !s->p.n[P_LINEAR];
    const ami_value *x = &g->value[s->in[IN_X]];
    const int64_t n = s->p.n[P_HIDDEN], wide = gates_of(code) * n, inputs = x->fixed[2];
    const bool layout = s->p.n[P_LAYOUT] != 0;
    const int64_t steps = x->fixed[layout] > 0 ? x->fixed[layout] : 1;
    (void)err;
    if (!weight || !recurrent || (has_bias && !bias) || inputs < 1 || inputs > AMI_NET_MAX_DIM ||
        wide > AMI_NET_MAX_DIM)
        return true;
    for (int d = 0; d < s->p.n[P_DIRECTIONS]; d++) {
        const float *b = bias ? bias + d * 2 * wide : NULL, *r = recurrent + d * wide * n;
        int *part = s->part + DIRECTION_PARTS * d;
        part[PART_W] =
            ami_graph_add_part(g, what[code], s->name, (int)inputs, (int)wide, weight + d * wide * inputs, b);
        part[PART_R] = part[PART_W] < 0
                           ? -1
                           : ami_graph_add_part(g, what[code], s->name, (int)n, (int)(split ? 2 * n : wide),
                                                r, b ? b + wide : NULL);
        if (part[PART_R] < 0)
            return false;
        if (split) {
            part[PART_RH] = ami_graph_add_part(g, what[code], s->name, (int)n, (int)n, r + 2 * n * n,
                                               b ? b + wide + 2 * n : NULL);
            if (part[PART_RH] < 0)
                return false;
        }
        for (int k = 0; k < DIRECTION_PARTS; k++)
            if (part[k] >= 0)
                g->part[part[k]].rows = steps;
    }
    return true;
}

const ami_op ami_ops_rnn[] = {
    {"RNN", 3, 6, 2, 0, 0, 0, infer_rnn, run_rnn, RNN, rnn_scratch, prepare_rnn},
    {"GRU", 3, 6, 2, 0, 0, 0, infer_rnn, run_rnn, GRU, rnn_scratch, prepare_rnn},
    {"LSTM", 3, 8, 3, 0, 0, 0, infer_rnn, run_rnn, LSTM, rnn_scratch, prepare_rnn},
};
const int ami_ops_rnn_count = sizeof ami_ops_rnn / sizeof *ami_ops_rnn;
