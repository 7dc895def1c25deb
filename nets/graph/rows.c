/* Whether a plan keeps the rows apart: then any rows may be run together, in blocks, and a file with a fixed
 * batch of 1 may be run with more. Says yes only where it is certain. */
#include "nets/graph/ops.h"

/* Numbers before the rows' dimension. */
static int64_t before(const ami_value *v)
{
    int64_t n = 1;
    for (int i = 0; i < v->row_axis; i++)
        n *= v->fixed[i];
    return n;
}

bool ami_alias_keeps_rows_apart(const ami_value *in, const ami_value *out)
{
    if (in->row_axis < 0 && out->row_axis < 0)
        return true;
    if (in->row_axis < 0 || out->row_axis < 0 || before(in) != before(out))
        return false;
    return before(in) == 1 || (in->slope[in->row_axis] == 1 && out->slope[out->row_axis] == 1);
}

/* The rows' dimension counted from the end is the same in all that have one, and so is their number. */
static bool aligned(const ami_graph *g, const ami_step *s)
{
    const ami_value *first = NULL;
    for (int i = 0; i < s->ins + s->outs; i++) {
        const int number = i < s->ins ? s->in[i] : s->out[i - s->ins];
        const ami_value *v = number >= 0 ? &g->value[number] : NULL;
        if (!v || v->row_axis < 0)
            continue;
        if (!first)
            first = v;
        if (v->rank - v->row_axis != first->rank - first->row_axis ||
            v->slope[v->row_axis] != first->slope[first->row_axis])
            return false;
    }
    return true;
}

bool ami_step_keeps_rows_apart(const ami_graph *g, const ami_step *step)
{
    static const char *const along_axis[] = {"Softmax", "LogSoftmax", "Hardmax", "ArgMax",
                                             "ArgMin",  "Concat",     "Split",   "CumSum"};
    const char *name = step->op->name;
    const ami_value *x = step->ins > 0 && step->in[0] >= 0 ? &g->value[step->in[0]] : NULL;
    bool any = false;
    for (int i = 0; i < step->ins; i++)
        any |= step->in[i] >= 0 && g->value[step->in[i]].row_axis >= 0;
    if (!any) /* nothing of a row comes in */
        return true;
    if (step->op->flags & AMI_OP_ELEMENTWISE)
        return aligned(g, step);
    for (size_t i = 0; i < sizeof along_axis / sizeof *along_axis; i++)
        if (!strcmp(name, along_axis[i])) {
            for (int k = 0; k < step->ins; k++)
                if (step->in[k] >= 0 && g->value[step->in[k]].row_axis >= 0 &&
                    (g->value[step->in[k]].row_axis == step->p.n[0] ||
                     (step->p.n[1] && !strcmp(name + strlen(name) - 7, "Softmax") &&
                      g->value[step->in[k]].row_axis > step->p.n[0])))
                    return false;
            return true;
        }
    if (x && x->row_axis < 0 && strcmp(name, "Gather") != 0 && strcmp(name, "MatMul") != 0)
        return false; /* only another input has rows */
    if (!strncmp(name, "Reduce", 6))
        return !(step->p.axes >> x->row_axis & 1);
    if (!strcmp(name, "LayerNormalization") || !strcmp(name, "RMSNormalization"))
        return x->row_axis < step->p.n[0];
    if (!strcmp(name, "MatMul")) {
        const ami_value *a = x, *b = &g->value[step->in[1]];
        if (b->row_axis < 0)
            return a->row_axis != a->rank - 1;
        return a->row_axis >= 0 && a->row_axis < a->rank - 2 && b->row_axis < b->rank - 2 && aligned(g, step);
    }
    if (!strcmp(name, "Gemm")) {
        for (int i = 1; i < step->ins; i++)
            if (step->in[i] >= 0 && g->value[step->in[i]].row_axis >= 0)
                return false;
        return !step->p.n[0] && x->row_axis == 0;
    }
    if (!strcmp(name, "Gather")) {
        if (g->value[step->in[1]].row_axis < 0)
            return x->row_axis != step->p.n[0];
        return x->row_axis < 0;
    }
    if (!strcmp(name, "Slice") || !strcmp(name, "Pad") || !strcmp(name, "Expand")) {
        const ami_value *y = &g->value[step->out[0]];
        const bool same = y->row_axis >= 0 && y->rank - y->row_axis == x->rank - x->row_axis &&
                          y->slope[y->row_axis] == x->slope[x->row_axis];
        const bool turned = !strcmp(name, "Slice") && step->p.list[AMI_GRAPH_RANK + x->row_axis] != 1;
        return same && !turned;
    }
    if (!strcmp(name, "Transpose"))
        return x->slope[x->row_axis] == 1 || (x->row_axis == 0 && g->value[step->out[0]].row_axis == 0);
    if (!strcmp(name, "Conv") || !strcmp(name, "BatchNormalization") || strstr(name, "Pool") ||
        !strcmp(name, "InstanceNormalization") || !strcmp(name, "GroupNormalization")) {
        for (int i = 1; i < step->ins; i++)
            if (step->in[i] >= 0 && g->value[step->in[i]].row_axis >= 0)
                return false;
        return x->row_axis == 0;
    }
    if (!strcmp(name, "LSTM") || !strcmp(name, "GRU") || !strcmp(name, "RNN"))
        return x->row_axis == !step->p.n[3]; /* p.n[3]: the layout with rows in front */
    return false;
}
