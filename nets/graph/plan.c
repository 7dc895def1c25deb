/* Which value lies where: a value's memory is free again after the step that reads it last. Sizes are for
 * each row, or fixed; both kinds have an area of the workspace of their own. */
#include "nets/graph/ops.h"

#include <stdlib.h>

typedef struct slot {
    size_t offset, size;
    int until; /* step that reads it last */
} slot;

typedef struct area {
    int slots, room;
    slot *slot; /* in use, by offset */
    size_t size;
} area;

static bool take(area *a, size_t size, int from, int until, size_t *offset)
{
    int kept = 0;
    for (int i = 0; i < a->slots; i++)
        if (a->slot[i].until >= from)
            a->slot[kept++] = a->slot[i];
    a->slots = kept;
    if (a->slots == a->room) {
        const int room = a->room ? 2 * a->room : 32;
        slot *more = realloc(a->slot, (size_t)room * sizeof *more);
        if (!more)
            return false;
        a->slot = more;
        a->room = room;
    }
    size_t at = 0;
    int place = 0;
    for (; place < a->slots && a->slot[place].offset - at < size; place++)
        at = a->slot[place].offset + a->slot[place].size;
    for (int i = a->slots; i > place; i--)
        a->slot[i] = a->slot[i - 1];
    a->slot[place] = (slot){at, size, until};
    a->slots++;
    a->size = at + size > a->size ? at + size : a->size;
    *offset = at;
    return true;
}

static size_t bytes_of(const ami_value *v)
{
    size_t n = ami_store_size(ami_store_of(v->type));
    for (int i = 0; i < v->rank; i++)
        n *= (size_t)(v->slope[i] > 0 ? v->slope[i] : v->fixed[i]);
    return ami_round_line(n);
}

static bool place(ami_graph *g, ami_value *v, area *fixed, area *rows, int from, int until)
{
    v->place = AMI_PLACE_WORKSPACE;
    v->per_row = v->row_axis >= 0;
    v->size = bytes_of(v);
    return take(v->per_row ? rows : fixed, v->size, from, until, &v->offset) ||
           ami_graph_fail(g, "not enough memory");
}

/* Inputs that do not lie in memory as a plan wants them are converted first. */
static bool is_stored(int type)
{
    return type == AMI_ONNX_FLOAT32 || type == AMI_ONNX_INT64 || type == AMI_ONNX_UINT64;
}

bool ami_graph_assign(ami_graph *g)
{
    area fixed = {0}, rows = {0};
    int *last = malloc((size_t)(g->values + 1) * sizeof *last);
    bool ok = last || ami_graph_fail(g, "not enough memory");
    for (int v = 0; v < g->values && ok; v++)
        last[v] = -1;
    for (int i = 0; i < g->steps && ok; i++)
        for (int k = 0; k < g->step[i]->ins; k++)
            if (g->step[i]->in[k] >= 0)
                last[g->value[g->step[i]->in[k]].root] = i;
    for (int o = 0; o < g->outputs && ok; o++)
        last[g->value[g->value_out[o]].root] = g->steps;
    for (int i = 0; i < g->inputs && ok; i++) {
        ami_value *v = &g->value[g->value_in[i]];
        if (!is_stored(v->type) && v->users > 0) {
            ok = place(g, v, &fixed, &rows, 0, last[g->value_in[i]]);
            g->converted[i] = true;
        }
    }
    for (int i = 0; i < g->steps && ok; i++)
        for (int o = 0; o < g->step[i]->outs && ok; o++) {
            const int out = g->step[i]->out[o];
            if (out >= 0 && g->value[out].root == out && (o == 0 || last[out] >= 0))
                ok = place(g, &g->value[out], &fixed, &rows, i, last[out] > i ? last[out] : i);
            else if (out >= 0)
                g->step[i]->out[o] = -1;
        }
    g->fixed_bytes = fixed.size;
    g->row_bytes = rows.size;
    free(fixed.slot);
    free(rows.slot);
    free(last);
    if (ok && (g->fixed_bytes > AMI_GRAPH_WORKSPACE || g->row_bytes > AMI_GRAPH_WORKSPACE))
        return ami_graph_fail(g, "needs %zu bytes of workspace for one row, at most %zu are supported",
                              g->fixed_bytes + g->row_bytes, AMI_GRAPH_WORKSPACE);
    return ok;
}
