/* Running a plan, and what is asked of one. */
#include "nets/graph/ops.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>

/* Rows that a part takes at once: bounds its workspace, and what an int must hold. */
enum { PART_ROWS = 1 << 16 };

size_t ami_part_scratch(const ami_graph *g, int part, int64_t rows)
{
    const ami_model *model = g->part[part].model;
    const int n = rows < 1 ? 1 : rows > PART_ROWS ? PART_ROWS : (int)rows;
    return model ? ami_round_line(ami_model_workspace_size(model, n)) : 0;
}

void ami_part_run(const ami_graph *g, int part, const float *x, int64_t rows, float *y, void *scratch)
{
    const ami_model *model = g->part[part].model;
    for (int64_t done = 0; done < rows; done += PART_ROWS)
        ami_model_run(model, scratch, x + done * ami_model_inputs(model),
                      rows - done < PART_ROWS ? (int)(rows - done) : PART_ROWS,
                      y + done * ami_model_outputs(model));
}

/* ---- sizes ---- */

typedef struct views {
    ami_view in[AMI_GRAPH_ARGUMENTS], out[AMI_GRAPH_ARGUMENTS];
} views;

static void make_views(const ami_graph *g, const ami_step *s, int64_t rows, views *v)
{
    for (int i = 0; i < s->ins; i++) {
        v->in[i].type = 0;
        if (s->in[i] >= 0)
            ami_value_view(&g->value[s->in[i]], rows, &v->in[i]);
        v->in[i].data = NULL;
    }
    for (int o = 0; o < s->outs; o++) {
        v->out[o].type = 0;
        v->out[o].rank = 0;
        if (s->out[o] >= 0)
            ami_value_view(&g->value[s->out[o]], rows, &v->out[o]);
        v->out[o].data = NULL;
    }
}

static size_t scratch_size(const ami_graph *g, int rows)
{
    size_t most = 0;
    views v;
    for (int i = 0; i < g->steps; i++) {
        ami_step *s = g->step[i];
        if (!s->op->scratch)
            continue;
        make_views(g, s, rows, &v);
        const ami_call c = {
            .running = g, .step = s, .ins = s->ins, .outs = s->outs, .in = v.in, .out = v.out};
        const size_t size = s->op->scratch(&c);
        most = size > most ? size : most;
    }
    return ami_round_line(most);
}

size_t ami_graph_workspace_size(const ami_graph *graph, int rows)
{
    const int at_once = graph->info.repeats ? 1 : rows;
    return graph->fixed_bytes + graph->row_bytes * (size_t)at_once + scratch_size(graph, at_once) + 64;
}

/* ---- a run ---- */

static void *data_of(const ami_graph *g, int value, char *base, int64_t rows, const void *const *in)
{
    const ami_value *v = &g->value[g->value[value].root];
    if (v->constant)
        return v->data[0];
    if (v->place == AMI_PLACE_INPUT)
        return (void *)in[v->input];
    return v->per_row ? base + g->fixed_bytes + v->offset * (size_t)rows : base + v->offset;
}

static bool run_once(const ami_graph *g, char *base, int rows, const void *const *in, void *const *out,
                     ami_error *err)
{
    char *const scratch = base + g->fixed_bytes + g->row_bytes * (size_t)rows;
    views v;
    for (int i = 0; i < g->inputs; i++)
        if (g->converted[i]) {
            const int value = g->value_in[i];
            ami_graph_convert_in(g->value[value].type, in[i], ami_graph_port_count(&g->port_in[i], rows),
                                 data_of(g, value, base, rows, in));
        }
    for (int i = 0; i < g->steps; i++) {
        ami_step *s = g->step[i];
        make_views(g, s, rows, &v);
        for (int k = 0; k < s->ins; k++)
            if (s->in[k] >= 0)
                v.in[k].data = data_of(g, s->in[k], base, rows, in);
        for (int k = 0; k < s->outs; k++)
            if (s->out[k] >= 0)
                v.out[k].data = data_of(g, s->out[k], base, rows, in);
        const ami_call c = {.running = g,
                            .step = s,
                            .err = err,
                            .scratch = scratch,
                            .ins = s->ins,
                            .outs = s->outs,
                            .in = v.in,
                            .out = v.out};
        if (!s->op->run(&c))
            return false;
    }
    for (int o = 0; o < g->outputs; o++)
        if (out[o])
            ami_graph_convert_out(g->port_out[o].type, data_of(g, g->value_out[o], base, rows, in),
                                  ami_graph_port_count(&g->port_out[o], rows), out[o]);
    return true;
}

bool ami_graph_run(const ami_graph *graph, void *workspace, int rows, const void *const *in, void *const *out,
                   ami_error *err)
{
    assert(rows >= 1);
    char *const base = (char *)ami_round_line((size_t)(uintptr_t)workspace);
    if (!graph->info.repeats)
        return run_once(graph, base, rows, in, out, err);
    const void *row_in[AMI_GRAPH_PORTS];
    void *row_out[AMI_GRAPH_PORTS];
    for (int r = 0; r < rows; r++) {
        for (int i = 0; i < graph->inputs; i++)
            row_in[i] = (const char *)in[i] + (size_t)r * ami_graph_port_count(&graph->port_in[i], 1) *
                                                  ami_graph_type_size(graph->port_in[i].type);
        for (int o = 0; o < graph->outputs; o++)
            row_out[o] = out[o] ? (char *)out[o] + (size_t)r * ami_graph_port_count(&graph->port_out[o], 1) *
                                                       ami_graph_type_size(graph->port_out[o].type)
                                : NULL;
        if (!run_once(graph, base, 1, row_in, row_out, err))
            return false;
    }
    return true;
}

/* ---- questions ---- */

int ami_graph_inputs(const ami_graph *graph)
{
    return graph->inputs;
}

int ami_graph_outputs(const ami_graph *graph)
{
    return graph->outputs;
}

const ami_graph_port *ami_graph_input(const ami_graph *graph, int index)
{
    return &graph->port_in[index];
}

const ami_graph_port *ami_graph_output(const ami_graph *graph, int index)
{
    return &graph->port_out[index];
}

int ami_graph_find_input(const ami_graph *graph, const char *name)
{
    for (int i = 0; i < graph->inputs; i++)
        if (!strcmp(graph->port_in[i].name, name))
            return i;
    return -1;
}

int ami_graph_find_output(const ami_graph *graph, const char *name)
{
    for (int o = 0; o < graph->outputs; o++)
        if (!strcmp(graph->port_out[o].name, name))
            return o;
    return -1;
}

size_t ami_graph_port_count(const ami_graph_port *port, int rows)
{
    size_t n = 1;
    for (int i = 0; i < port->rank; i++)
        n *= port->dim[i] < 0 ? (size_t)rows * (size_t)port->times : (size_t)port->dim[i];
    return n;
}

int ami_graph_metas(const ami_graph *graph)
{
    return graph->metas;
}

const ami_meta *ami_graph_meta(const ami_graph *graph, int index)
{
    return index >= 0 && index < graph->metas ? &graph->meta[index] : NULL;
}

void ami_graph_get_info(const ami_graph *graph, ami_graph_info *info)
{
    *info = graph->info;
}

void ami_graph_get_part(const ami_graph *graph, int index, ami_graph_part *part)
{
    const ami_part *p = &graph->part[index];
    *part = (ami_graph_part){.node = p->node,
                             .what = p->what,
                             .layers = p->layers,
                             .inputs = ami_model_inputs(p->model),
                             .outputs = ami_model_outputs(p->model),
                             .precision = ami_model_precision(p->model),
                             .kernel = ami_model_kernel_name(p->model),
                             .bytes = ami_model_bytes(p->model)};
}

void ami_graph_describe_steps(const ami_graph *graph, char *text, size_t size)
{
    size_t used = 0;
    text[0] = 0;
    for (int i = 0; i < graph->steps && used < size; i++) {
        int times = 0;
        bool first = true;
        for (int k = 0; k < graph->steps; k++) {
            const bool same = !strcmp(graph->step[k]->op->name, graph->step[i]->op->name);
            times += same;
            first &= !(same && k < i);
        }
        if (first)
            used += (size_t)snprintf(text + used, size - used, "%s%s %d", used ? ", " : "",
                                     graph->step[i]->op->name, times);
    }
}
