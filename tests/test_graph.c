/* Graphs (nets/graph): node tests of the ONNX package and exporters' patterns, whose outputs are given; rows
 * in any blocks and threads; nothing allocated in a run; files that are refused. */
#include "base/npy.h"
#include "nets/graph/graph.h"
#include "nets/onnx/onnx.h"
#include "tests/allocations.h"

#include <dirent.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static const char folder[] = "tests/data/graph";

typedef struct sample {
    int rows;
    ami_npy in[AMI_GRAPH_PORTS], out[AMI_GRAPH_PORTS];
} sample;

static ami_graph *load(const char *path, ami_precision precision)
{
    ami_error err = {""};
    ami_model_def def = ami_model_default_def();
    def.precision = precision;
    ami_graph *g = ami_graph_load(path, &def, &err);
    if (!g)
        fail_msg("%s", err.text);
    return g;
}

static void read_array(const char *base, const char *kind, const char *name, ami_npy *array)
{
    char path[1024];
    ami_error err = {""};
    snprintf(path, sizeof path, "%s.%s.%s.npy", base, kind, name);
    if (!ami_npy_read(path, AMI_NPY_ANY, array, &err))
        fail_msg("%s", err.text);
}

/* The rows that a port's array has; 0 where it has none of its own. */
static int rows_of(const ami_graph_port *p, const ami_npy *a)
{
    if (!p->has_rows || a->rank < p->rank)
        return p->has_rows ? 1 : 0;
    for (int i = 0; i < p->rank; i++)
        if (p->dim[i] < 0)
            return (int)a->shape[i] / p->times;
    return 0;
}

static void read_sample(const ami_graph *g, const char *base, sample *s)
{
    memset(s, 0, sizeof *s);
    for (int i = 0; i < ami_graph_inputs(g); i++) {
        const ami_graph_port *p = ami_graph_input(g, i);
        read_array(base, "in", p->name, &s->in[i]);
        const int rows = rows_of(p, &s->in[i]);
        s->rows = rows ? rows : s->rows;
    }
    s->rows = s->rows ? s->rows : 1;
    for (int i = 0; i < ami_graph_inputs(g); i++)
        assert_int_equal(ami_graph_port_count(ami_graph_input(g, i), s->rows), s->in[i].count);
    for (int o = 0; o < ami_graph_outputs(g); o++) {
        read_array(base, "out", ami_graph_output(g, o)->name, &s->out[o]);
        assert_int_equal(ami_graph_port_count(ami_graph_output(g, o), s->rows), s->out[o].count);
    }
}

static void free_sample(sample *s)
{
    for (int i = 0; i < AMI_GRAPH_PORTS; i++) {
        ami_npy_free(&s->in[i]);
        ami_npy_free(&s->out[i]);
    }
}

/* All outputs, each in memory of its own. */
static void run(const ami_graph *g, const sample *s, int first, int rows, void **out)
{
    ami_error err = {""};
    const void *in[AMI_GRAPH_PORTS];
    for (int i = 0; i < ami_graph_inputs(g); i++) {
        const ami_graph_port *p = ami_graph_input(g, i);
        in[i] = (const char *)s->in[i].data +
                (p->has_rows ? (size_t)first * ami_graph_port_count(p, 1) * ami_graph_type_size(p->type) : 0);
    }
    for (int o = 0; o < ami_graph_outputs(g); o++) {
        const ami_graph_port *p = ami_graph_output(g, o);
        out[o] = malloc(ami_graph_port_count(p, rows) * ami_graph_type_size(p->type) + 1);
        assert_non_null(out[o]);
    }
    void *workspace = malloc(ami_graph_workspace_size(g, rows));
    assert_non_null(workspace);
    const long before = asked;
    const bool ok = ami_graph_run(g, workspace, rows, in, out, &err);
    const long taken = asked - before;
    if (!ok)
        fail_msg("%s", err.text);
    assert_int_equal(taken, 0);
    free(workspace);
}

static void free_outputs(const ami_graph *g, void **out)
{
    for (int o = 0; o < ami_graph_outputs(g); o++)
        free(out[o]);
}

/* Mean squared error of an output of floats, relative for numbers beyond 1; other types must be equal. */
static double error_of(const ami_graph_port *p, const void *got, const ami_npy *want)
{
    double sum = 0;
    if (p->type != AMI_ONNX_FLOAT32) {
        assert_memory_equal(got, want->data, want->count * ami_npy_type_size(want->type));
        return 0;
    }
    assert_int_equal(want->type, AMI_NPY_FLOAT32);
    for (size_t i = 0; i < want->count; i++) {
        const float u = ((const float *)got)[i], v = want->f32[i];
        const double off = u == v || (isnan(u) && isnan(v)) ? 0 : (double)u - (double)v;
        const double size = fabs((double)v) > 1 && isfinite(v) ? fabs((double)v) : 1;
        sum += off * off / (size * size);
    }
    return want->count ? sum / (double)want->count : 0;
}

static double check_file(const char *base, const char *path, ami_precision precision, double limit)
{
    ami_graph *g = load(path, precision);
    double worst = 0;
    sample s;
    void *out[AMI_GRAPH_PORTS];
    read_sample(g, base, &s);
    run(g, &s, 0, s.rows, out);
    for (int o = 0; o < ami_graph_outputs(g); o++) {
        const double mse = error_of(ami_graph_output(g, o), out[o], &s.out[o]);
        if (!(mse <= limit))
            fail_msg("%s: output %s has a mean squared error of %g, at most %g was expected", path,
                     ami_graph_output(g, o)->name, mse, limit);
        worst = mse > worst ? mse : worst;
    }
    free_outputs(g, out);
    free_sample(&s);
    ami_graph_destroy(g);
    return worst;
}

/* Calls `check` for every .onnx of a subfolder; returns how many. */
static int each_file(const char *sub, void (*check)(const char *base, const char *path))
{
    char path[1024], base[1024];
    int files = 0;
    snprintf(base, sizeof base, "%s/%s", folder, sub);
    DIR *dir = opendir(base);
    assert_non_null(dir);
    for (struct dirent *e; (e = readdir(dir));) {
        const size_t n = strlen(e->d_name);
        if (n < 5 || strcmp(e->d_name + n - 5, ".onnx") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s/%s", folder, sub, e->d_name);
        snprintf(base, sizeof base, "%s/%s/%.*s", folder, sub, (int)(n - 5), e->d_name);
        check(base, path);
        files++;
    }
    closedir(dir);
    return files;
}

static void check_node(const char *base, const char *path)
{
    check_file(base, path, AMI_PRECISION_FP32, 1e-10);
}

static void test_nodes(void **state)
{
    (void)state;
    assert_true(each_file("nodes", check_node) >= 100);
}

static void check_export(const char *base, const char *path)
{
    check_file(base, path, AMI_PRECISION_FP32, 1e-11);
    check_file(base, path, AMI_PRECISION_AUTO, 1e-6);
}

static void test_exports(void **state)
{
    (void)state;
    assert_true(each_file("exports", check_export) >= 29);
}

/* A row alone gives the bits that it gives beside others, where the graph says that rows may be run in
 * blocks. */
static int blocks_seen;
static void check_blocks(const char *base, const char *path)
{
    ami_graph *g = load(path, AMI_PRECISION_AUTO);
    ami_graph_info info;
    sample s;
    void *all[AMI_GRAPH_PORTS], *one[AMI_GRAPH_PORTS];
    ami_graph_get_info(g, &info);
    read_sample(g, base, &s);
    if (info.blocks && s.rows > 1) {
        run(g, &s, 0, s.rows, all);
        for (int r = 0; r < s.rows; r++) {
            run(g, &s, r, 1, one);
            for (int o = 0; o < ami_graph_outputs(g); o++) {
                const ami_graph_port *p = ami_graph_output(g, o);
                const size_t row = ami_graph_port_count(p, 1) * ami_graph_type_size(p->type);
                assert_memory_equal(one[o], (const char *)all[o] + (p->has_rows ? (size_t)r * row : 0), row);
            }
            free_outputs(g, one);
        }
        free_outputs(g, all);
        blocks_seen++;
    }
    free_sample(&s);
    ami_graph_destroy(g);
}

static void test_blocks(void **state)
{
    (void)state;
    blocks_seen = 0;
    each_file("exports", check_blocks);
    assert_true(blocks_seen >= 10);
}

/* A file with a fixed batch of 1 (and one without a batch) runs for many rows: each as if it were alone. */
static void check_fixed(const char *name)
{
    char base[256], path[256];
    snprintf(base, sizeof base, "%s/exports/%s", folder, name);
    snprintf(path, sizeof path, "%s.onnx", base);
    ami_graph *g = load(path, AMI_PRECISION_FP32);
    enum { ROWS = 3 };
    void *in[AMI_GRAPH_PORTS], *out[AMI_GRAPH_PORTS], *one[AMI_GRAPH_PORTS];
    sample s = {.rows = ROWS};
    for (int i = 0; i < ami_graph_inputs(g); i++) {
        const ami_graph_port *p = ami_graph_input(g, i);
        assert_true(p->has_rows && p->dim[0] == -1);
        in[i] = malloc(ami_graph_port_count(p, ROWS) * ami_graph_type_size(p->type));
        assert_non_null(in[i]);
        s.in[i].data = in[i];
    }
    ami_graph_draw_inputs(g, 7, ROWS, in);
    run(g, &s, 0, ROWS, out);
    for (int r = 0; r < ROWS; r++) {
        run(g, &s, r, 1, one);
        for (int o = 0; o < ami_graph_outputs(g); o++) {
            const size_t row = ami_graph_port_count(ami_graph_output(g, o), 1) *
                               ami_graph_type_size(ami_graph_output(g, o)->type);
            assert_memory_equal(one[o], (const char *)out[o] + (size_t)r * row, row);
        }
        free_outputs(g, one);
    }
    free_outputs(g, out);
    for (int i = 0; i < ami_graph_inputs(g); i++)
        free(in[i]);
    ami_graph_destroy(g);
}

static void test_fixed_batch(void **state)
{
    (void)state;
    check_fixed("silu_fixed1");
    check_fixed("rsl_gru");
    check_fixed("beyondmimic");
    check_fixed("no_batch");
}

/* An index from outside that points out of its table is an error of the run, not a read out of bounds. */
static void test_index_out_of_table(void **state)
{
    (void)state;
    ami_graph *g = load("tests/data/graph/nodes/test_gather_negative_indices.onnx", AMI_PRECISION_FP32);
    sample s;
    read_sample(g, "tests/data/graph/nodes/test_gather_negative_indices", &s);
    void *workspace = malloc(ami_graph_workspace_size(g, 1)), *out[AMI_GRAPH_PORTS] = {malloc(1 << 16)};
    const void *in[AMI_GRAPH_PORTS] = {s.in[0].data, s.in[1].data};
    ami_error err = {""};
    ((int64_t *)s.in[1].data)[0] = 1000;
    assert_false(ami_graph_run(g, workspace, 1, in, out, &err));
    assert_non_null(strstr(err.text, "index 1000 is beyond"));
    free(out[0]);
    free(workspace);
    free_sample(&s);
    ami_graph_destroy(g);
}

/* Everything of a file cut off is refused with a sentence. */
static void check_cut(const char *base, const char *path)
{
    (void)base;
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    static uint8_t bytes[64 << 10];
    const size_t size = fread(bytes, 1, sizeof bytes, f);
    fclose(f);
    for (size_t n = 0; n < size; n += 1 + size / 40) {
        ami_error err = {""};
        ami_graph *g = ami_graph_load_memory(bytes, n, "cut", NULL, &err);
        if (g)
            ami_graph_destroy(g); /* cut behind what matters */
        else
            assert_true(strncmp(err.text, "cut: ", 5) == 0 && strlen(err.text) > 12);
    }
}

static void test_cut_off(void **state)
{
    (void)state;
    each_file("exports", check_cut);
}

/* What today's reader takes is the same network as a graph. */
static void test_same_as_chain(void **state)
{
    (void)state;
    static const char *const files[] = {"tests/data/onnx/good/gemm_opset13.onnx", "assets/models/walk.onnx"};
    for (int f = 0; f < 2; f++) {
        ami_error err = {""};
        ami_net *net = ami_onnx_read(files[f], &err);
        ami_graph *g = load(files[f], AMI_PRECISION_FP32);
        assert_non_null(net);
        enum { ROWS = 7 };
        const int inputs = net->dim[0], outputs = net->dim[net->layers];
        float *in = malloc((size_t)(ROWS * inputs) * sizeof *in),
              *out = malloc((size_t)(ROWS * outputs) * sizeof *out);
        double *exact = malloc((size_t)(ROWS * outputs) * sizeof *exact), sum = 0;
        void *workspace = malloc(ami_graph_workspace_size(g, ROWS));
        ami_net_calibration_inputs(net, 3, ROWS, in);
        assert_true(ami_net_run_double(net, in, ROWS, exact, &err));
        const void *ins[1] = {in};
        void *outs[1] = {out};
        assert_true(ami_graph_run(g, workspace, ROWS, ins, outs, &err));
        for (int i = 0; i < ROWS * outputs; i++)
            sum += ((double)out[i] - exact[i]) * ((double)out[i] - exact[i]);
        assert_true(sum / (ROWS * outputs) < 1e-10);
        free(in);
        free(out);
        free(exact);
        free(workspace);
        ami_net_destroy(net);
        ami_graph_destroy(g);
    }
}

/* Every operator stands in the documentation's table. */
static void test_documented(void **state)
{
    (void)state;
    static char text[32 << 10];
    FILE *f = fopen("docs/networks.md", "r");
    assert_non_null(f);
    text[fread(text, 1, sizeof text - 1, f)] = 0;
    fclose(f);
    int count = 0;
    for (const char *name; (name = ami_graph_operator(count)); count++) {
        char quoted[64];
        snprintf(quoted, sizeof quoted, "`%s`", name);
        if (!strstr(text, quoted))
            fail_msg("docs/networks.md does not list %s", name);
    }
    assert_true(count > 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nodes),
        cmocka_unit_test(test_exports),
        cmocka_unit_test(test_blocks),
        cmocka_unit_test(test_fixed_batch),
        cmocka_unit_test(test_index_out_of_table),
        cmocka_unit_test(test_cut_off),
        cmocka_unit_test(test_same_as_chain),
        cmocka_unit_test(test_documented),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
