/* Reading ONNX: every file of tests/data/onnx/good, made by make_onnx_cases.py and make_onnx_exports.py
 * beside this file from NumPy, PyTorch and scikit-learn, gives the outputs of PyTorch or ONNX's reference
 * evaluator. The arithmetic is in double, so that only reading is tested.
 */
#include "nets/model.h"
#include "tests/onnx_files.h"

#include <dirent.h>

/* The mean squared error against the numbers beside the file, which are float32, relative to their size where
 * that is above 1. */
static void check_case(const char *name)
{
    char path[512];
    ami_error err = {0};
    snprintf(path, sizeof path, CASES "good/%s.onnx", name);
    ami_net *net = read_net(path);
    size_t in_size, out_size, inputs = (size_t)net->dim[0], outputs = (size_t)net->dim[net->layers];
    snprintf(path, sizeof path, CASES "good/%s.in", name);
    float *in = (float *)get_file(path, &in_size);
    snprintf(path, sizeof path, CASES "good/%s.out", name);
    float *out = (float *)get_file(path, &out_size);
    size_t rows = in_size / sizeof *in / inputs;
    assert_true(rows > 0);
    assert_int_equal(in_size, rows * inputs * sizeof *in);
    assert_int_equal(out_size, rows * outputs * sizeof *out);
    double *got = malloc(rows * outputs * sizeof *got), error = 0, size = 0;
    assert_true(ami_net_run_double(net, in, (int)rows, got, &err));
    for (size_t i = 0; i < rows * outputs; i++) {
        error += (got[i] - (double)out[i]) * (got[i] - (double)out[i]);
        size += (double)out[i] * (double)out[i];
    }
    double mse = error / (double)(rows * outputs), square = size / (double)(rows * outputs);
    if (!(mse < 1e-10 * fmax(1, square)) || !(size > 0))
        fail_msg("%s: mean squared error %g, below 1e-10 was expected of numbers whose mean square is %g",
                 name, mse, square);
    free(got);
    free(in);
    free(out);
    ami_net_destroy(net);
}

static void test_good_cases(void **state)
{
    (void)state;
    DIR *dir = opendir(CASES "good");
    assert_non_null(dir);
    int cases = 0;
    for (struct dirent *e; (e = readdir(dir));) {
        char name[256];
        snprintf(name, sizeof name, "%s", e->d_name);
        char *dot = strrchr(name, '.');
        if (!dot || strcmp(dot, ".onnx") != 0)
            continue;
        *dot = 0;
        check_case(name);
        cases++;
    }
    closedir(dir);
    assert_int_equal(cases, 197);
}

static void test_good_structure(void **state)
{
    (void)state;
    ami_net *net = read_net(CASES "good/normalizer.onnx");
    assert_int_equal(net->layers, 2);
    assert_int_equal(net->dim[0], 5);
    assert_int_equal(net->dim[1], 7);
    assert_int_equal(net->dim[2], 3);
    assert_int_equal(net->act[0], AMI_ACT_RELU);
    assert_int_equal(net->act[1], AMI_ACT_IDENTITY);
    assert_non_null(net->in_mean);
    assert_true(net->in_clip == 1.5f);
    assert_int_equal(net->metas, 0);
    ami_net_destroy(net);
    net = read_net(CASES "good/normalizer_clip_open.onnx");
    assert_null(net->in_mean);
    ami_net_destroy(net);
    net = read_net(CASES "good/metadata.onnx");
    assert_int_equal(net->metas, 3);
    assert_string_equal(ami_net_get_meta(net, "joints"), "root, chest");
    assert_string_equal(ami_net_get_meta(net, "name"), "Läufer");
    assert_string_equal(ami_net_get_meta(net, "empty"), "");
    ami_net_destroy(net);
}

/* What was int8 with one number an output is known to be, and packed without an error. */
static void test_int8_weights(void **state)
{
    (void)state;
    static const char *const name[] = {"int8_cast", "int8_cast_typed", "int8_dequantize", "int8_columns"};
    char path[256];
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, CASES "good/%s.onnx", name[i]);
        ami_net *net = read_net(path);
        assert_non_null(ami_net_units(net, 0));
        assert_non_null(ami_net_units(net, 1));
        net->weight[1][2] *= 1.001f;
        assert_null(ami_net_units(net, 1));
        ami_net_forget_units(net);
        assert_null(ami_net_units(net, 0));
        ami_net_destroy(net);
    }
    ami_net *net = read_net(CASES "good/int8_units_of_inputs.onnx");
    assert_null(ami_net_units(net, 0)); /* each output has several units */
    assert_non_null(ami_net_units(net, 1));
    ami_net_destroy(net);
}

static void assert_shape(const ami_net_shape *shape, int rank, int a, int b)
{
    assert_int_equal(shape->rank, rank);
    assert_int_equal(shape->dim[0], a);
    if (rank > 1)
        assert_int_equal(shape->dim[1], b);
}

static void test_good_heads_and_shapes(void **state)
{
    (void)state;
    ami_net *net = read_net(CASES "good/heads_other_order.onnx");
    static const char *const names[] = {"z3", "y", "z2"};
    static const int outputs[] = {2, 3, 4};
    assert_int_equal(net->heads, 3);
    assert_int_equal(net->dim[net->layers], 9);
    assert_int_equal(net->layers, 2);
    for (int h = 0; h < 3; h++) {
        assert_string_equal(net->head[h].name, names[h]);
        assert_int_equal(net->head[h].outputs, outputs[h]);
        assert_shape(&net->head[h].shape, 1, outputs[h], 0);
    }
    ami_net_destroy(net);
    net = read_net(CASES "good/shape_both_ends.onnx");
    assert_shape(&net->in_shape, 2, 3, 4);
    assert_shape(&net->head[0].shape, 2, 2, 3);
    assert_int_equal(net->act[0], AMI_ACT_ELU);
    assert_true(net->act_alpha[0] == 1);
    ami_net_destroy(net);
    net = read_net(CASES "good/shape_one_each.onnx");
    assert_shape(&net->head[0].shape, 1, 1, 0);
    ami_net_destroy(net);
    net = read_net(CASES "good/torch_encoder_60_73.onnx");
    assert_shape(&net->in_shape, 2, 60, 73);
    assert_int_equal(net->heads, 2);
    assert_string_equal(net->head[0].name, "mu");
    assert_string_equal(net->head[1].name, "logvar");
    ami_net_destroy(net);
}

/* From memory it is the same net, and the name stands where the path does. */
static void test_memory(void **state)
{
    (void)state;
    size_t size;
    ami_error err = {0};
    uint8_t *bytes = get_file(CASES "good/heads.onnx", &size);
    ami_net *net = ami_onnx_read_memory(bytes, size, "bytes", &err),
            *same = read_net(CASES "good/heads.onnx");
    assert_non_null(net);
    assert_int_equal(net->heads, same->heads);
    assert_memory_equal(net->weight[1], same->weight[1],
                        sizeof(float) * (size_t)net->dim[1] * (size_t)net->dim[2]);
    ami_net_destroy(net);
    ami_net_destroy(same);
    assert_null(ami_onnx_read_memory(bytes, size - 3, "bytes", &err));
    assert_int_equal(strncmp(err.text, "bytes: ", 7), 0);
    assert_null(ami_onnx_read_memory(bytes, 0, "bytes", &err));
    assert_non_null(strstr(err.text, "bytes: is empty"));
    free(bytes);
    bytes = get_file(CASES "good/external.onnx", &size);
    assert_null(ami_onnx_read_memory(bytes, size, "bytes", &err));
    assert_non_null(
        strstr(err.text, "external, in another file, which a model read from memory does not have"));
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_cases),   cmocka_unit_test(test_good_structure),
        cmocka_unit_test(test_int8_weights), cmocka_unit_test(test_good_heads_and_shapes),
        cmocka_unit_test(test_memory),
    };
    return cmocka_run_group_tests_name("onnx", tests, make_folder, remove_folder);
}
