/* Fuzzing of graphs: any bytes are refused with a sentence, or they make a plan that runs (or says why it
 * does not) without touching memory that is not its own. */
#include "base/text.h"
#include "nets/graph/graph.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

enum { MOST_BYTES = 16 << 20, MOST_PRODUCTS = 1 << 22 };

static void run(const ami_graph *g, int rows)
{
    void *in[AMI_GRAPH_PORTS] = {NULL}, *out[AMI_GRAPH_PORTS] = {NULL};
    const void *read[AMI_GRAPH_PORTS];
    ami_error err = {0};
    size_t bytes = ami_graph_workspace_size(g, rows);
    ami_graph_info info;
    ami_graph_get_info(g, &info);
    for (int i = 0; i < ami_graph_inputs(g); i++)
        bytes += ami_graph_port_count(ami_graph_input(g, i), rows) * 8;
    for (int o = 0; o < ami_graph_outputs(g); o++)
        bytes += ami_graph_port_count(ami_graph_output(g, o), rows) * 8;
    if (bytes > MOST_BYTES || info.multiplications > MOST_PRODUCTS)
        return;
    for (int i = 0; i < ami_graph_inputs(g); i++) {
        const ami_graph_port *p = ami_graph_input(g, i);
        in[i] = malloc(ami_graph_port_count(p, rows) * ami_graph_type_size(p->type));
    }
    for (int o = 0; o < ami_graph_outputs(g); o++) {
        const ami_graph_port *p = ami_graph_output(g, o);
        out[o] = malloc(ami_graph_port_count(p, rows) * ami_graph_type_size(p->type));
    }
    ami_graph_draw_inputs(g, 1, rows, in);
    memcpy(read, in, sizeof read);
    void *workspace = malloc(ami_graph_workspace_size(g, rows));
    if (!ami_graph_run(g, workspace, rows, read, out, &err))
        require(strlen(err.text) > 8 && ami_text_is_printable(err.text));
    free(workspace);
    for (int i = 0; i < AMI_GRAPH_PORTS; i++) {
        free(in[i]);
        free(out[i]);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ami_error err = {0};
    const ami_model_def def = {.precision = AMI_PRECISION_FP32};
    ami_graph *g = ami_graph_load_memory(data, size, "model", &def, &err);
    if (g) {
        char text[256];
        require(err.text[0] == 0);
        ami_graph_describe_steps(g, text, sizeof text);
        run(g, 1);
        run(g, 3);
        ami_graph_destroy(g);
        return 0;
    }
    require(strncmp(err.text, "model: ", 7) == 0 && strlen(err.text) > 12);
    require(ami_text_is_printable(err.text));
    return 0;
}
