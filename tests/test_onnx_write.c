/* Writing ONNX: files are read back bit for bit, and networks that could not be read are not written. */
#include "nets/half.h"
#include "tests/onnx_files.h"

#include <float.h>

/* Every bit, but weights and biases as `expected` turns them. */
static void assert_same_net(const ami_net *got, const ami_net *want, float (*expected)(float))
{
    assert_int_equal(got->layers, want->layers);
    assert_memory_equal(got->dim, want->dim, (size_t)(want->layers + 1) * sizeof *want->dim);
    for (int l = 0; l < want->layers; l++) {
        assert_int_equal(got->act[l], want->act[l]);
        if (want->act[l] == AMI_ACT_ELU || want->act[l] == AMI_ACT_LEAKY_RELU)
            assert_memory_equal(&got->act_alpha[l], &want->act_alpha[l], sizeof(float));
        for (int k = 0; k < 2; k++) {
            const float *a = k ? got->bias[l] : got->weight[l], *b = k ? want->bias[l] : want->weight[l];
            for (int i = 0; i < want->dim[l + 1] * (k ? 1 : want->dim[l]); i++) {
                float e = expected(b[i]);
                if (memcmp(&a[i], &e, sizeof e) != 0)
                    fail_msg("layer %d, %s %d is %a, expected %a", l, k ? "bias" : "weight", i, (double)a[i],
                             (double)e);
            }
        }
    }
    assert_int_equal(!got->in_mean, !want->in_mean);
    if (want->in_mean) {
        assert_memory_equal(got->in_mean, want->in_mean, (size_t)want->dim[0] * sizeof(float));
        assert_memory_equal(got->in_std, want->in_std, (size_t)want->dim[0] * sizeof(float));
    }
    assert_memory_equal(&got->in_clip, &want->in_clip, sizeof(float));
    assert_memory_equal(&got->in_shape, &want->in_shape, sizeof got->in_shape);
    assert_int_equal(got->heads, want->heads);
    for (int h = 0; h < want->heads; h++) {
        if (want->head[h].name)
            assert_string_equal(got->head[h].name, want->head[h].name);
        assert_int_equal(got->head[h].outputs, want->head[h].outputs);
        assert_memory_equal(&got->head[h].shape, &want->head[h].shape, sizeof got->head[h].shape);
    }
    assert_int_equal(got->metas, want->metas);
    for (int i = 0; i < want->metas; i++) {
        assert_string_equal(got->meta[i].key, want->meta[i].key);
        assert_string_equal(got->meta[i].value, want->meta[i].value);
    }
}

static float unchanged(float x)
{
    return x;
}

static float through_half(float x)
{
    return ami_half_to_float(ami_float_to_half(x));
}

static void assert_round_trip(const ami_net *net)
{
    ami_error err = {0};
    for (int half = 0; half < 2; half++) {
        if (!ami_onnx_write(net_path, net, half ? AMI_ONNX_FLOAT16 : AMI_ONNX_FLOAT32, &err))
            fail_msg("%s", err.text);
        ami_net *back = read_net(net_path);
        assert_same_net(back, net, half ? through_half : unchanged);
        ami_net_destroy(back);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(7, 0);
    int sixteen[17];
    for (int i = 0; i < 17; i++)
        sixteen[i] = 1 + i % 5;
    const struct {
        int layers;
        int dim[4];
    } shapes[] = {{1, {1, 1}}, {1, {3, 1}}, {2, {197, 33, 36}}, {3, {132, 65, 17, 2}}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (int kind = 0; kind < 6 + 2 * AMI_ACTIVATIONS; kind++) {
            ami_net *net =
                random_net(&rng, shapes[s].layers, shapes[s].dim, kind % 3 > 0, kind % 3 == 2 ? 10 : 0);
            for (int l = 0; l < net->layers && kind >= 6; l++) {
                net->act[l] = (ami_activation)((kind + l) % AMI_ACTIVATIONS);
                net->act_alpha[l] = (float)ami_rng_normal(&rng);
            }
            if (kind >= 3 && kind < 6) { /* activations where PyTorch would not put them */
                net->act[0] = AMI_ACT_IDENTITY;
                net->act[net->layers - 1] = AMI_ACT_RELU;
            }
            assert_round_trip(net);
            ami_net_destroy(net);
        }
    }
    ami_net *net = random_net(&rng, 16, sixteen, true, 5);
    assert_round_trip(net);
    ami_net_destroy(net);
}

static void test_round_trip_of_extremes(void **state)
{
    (void)state;
    ami_error err = {0};
    const int dim[] = {4, 2};
    ami_rng rng = ami_rng_seed(8, 0);
    ami_net *net = random_net(&rng, 1, dim, true, FLT_MAX);
    const float values[] = {FLT_MAX, -FLT_MAX, FLT_MIN, -FLT_TRUE_MIN, 1e-8f, -0.f, 65504, 1 / 3.f};
    memcpy(net->weight[0], values, sizeof values);
    net->in_std[0] = FLT_TRUE_MIN;
    net->in_std[1] = FLT_MAX;
    net->in_mean[2] = FLT_MAX;
    assert_true(ami_onnx_write(net_path, net, AMI_ONNX_FLOAT32, &err));
    ami_net *back = read_net(net_path);
    assert_same_net(back, net, unchanged);
    ami_net_destroy(back);
    ami_net_destroy(net);
}

static void test_metadata_round_trip(void **state)
{
    (void)state;
    const int dim[] = {2, 2};
    ami_rng rng = ami_rng_seed(9, 0);
    ami_net *net = random_net(&rng, 1, dim, false, 0);
    assert_true(ami_net_set_meta(net, "amble.action", "residual"));
    assert_true(ami_net_set_meta(net, "empty", ""));
    assert_true(ami_net_set_meta(net, "lines", "a\nb\tc \"quoted\" \\"));
    assert_true(ami_net_set_meta(net, "Größe €𝄞", "日本語"));
    char *longer = malloc(100001);
    memset(longer, 'x', 100000);
    longer[100000] = 0;
    assert_true(ami_net_set_meta(net, "long", longer));
    assert_round_trip(net);
    ami_net_destroy(net);
    free(longer);
}

/* Weights of whole multiples of units are stored as int8 and come back bit for bit, with their units, alone
 * and where there are several heads; calibration rows come back to 1/254 of each input's largest normalised
 * value. Changed weights are stored as floats. */
static void test_int8_round_trip(void **state)
{
    (void)state;
    enum { ROWS = 9 };
    const int dim[] = {7, 11, 6};
    ami_rng rng = ami_rng_seed(11, 0);
    for (int variant = 0; variant < 4; variant++) { /* bit 0: normaliser; bit 1: two heads */
        ami_net *net = random_net(&rng, 2, dim, variant & 1, 0);
        if (variant & 2) {
            net->heads = 2;
            net->head[0] = (ami_net_head){.outputs = 4, .shape = {1, {4}}};
            net->head[1] = (ami_net_head){.outputs = 2, .shape = {1, {2}}};
        }
        for (int l = 0; l < 2; l++) {
            net->unit[l] = malloc((size_t)dim[l + 1] * sizeof(float));
            assert_non_null(net->unit[l]);
            for (int o = 0; o < dim[l + 1]; o++) {
                net->unit[l][o] = o == 1 ? 0 : (float)ami_rng_range(&rng, .001, .02);
                for (int k = 0; k < dim[l]; k++)
                    net->weight[l][o * dim[l] + k] =
                        o == 1 ? 0 : net->unit[l][o] * (float)((int)ami_rng_below(&rng, 255) - 127);
            }
            for (int o = 0; o < dim[l + 1]; o++)
                net->bias[l][o] = through_half(net->bias[l][o]);
        }
        float x[ROWS * 7];
        for (int i = 0; i < ROWS * 7; i++)
            x[i] = i % 7 == 3 ? 5 : (float)ami_rng_normal(&rng);
        assert_true(ami_net_set_calibration(net, x, ROWS));
        net->rounding_mse[1] = 3.25e-7;
        for (int half = 0; half < 2; half++) {
            ami_error err = {0};
            if (!ami_onnx_write(net_path, net, half ? AMI_ONNX_FLOAT16 : AMI_ONNX_FLOAT32, &err))
                fail_msg("%s", err.text);
            ami_net *back = read_net(net_path);
            assert_same_net(back, net, unchanged);
            for (int l = 0; l < 2; l++) {
                assert_non_null(ami_net_units(back, l));
                assert_memory_equal(back->unit[l], net->unit[l], (size_t)dim[l + 1] * sizeof(float));
            }
            assert_true(back->rounding_mse[1] == 3.25e-7 && back->rounding_mse[0] == 0);
            assert_int_equal(back->calibration_rows, ROWS);
            for (int k = 0; k < 7; k++) {
                const float mean = net->in_mean ? net->in_mean[k] : 0,
                            std = net->in_mean ? net->in_std[k] : 1;
                float most = 0;
                for (int r = 0; r < ROWS; r++)
                    most = fmaxf(most, fabsf(x[r * 7 + k] - mean));
                for (int r = 0; r < ROWS; r++)
                    if (!(fabsf(back->calibration[r * 7 + k] - x[r * 7 + k]) <= most / 250 + 1e-6f * std))
                        fail_msg("row %d, input %d: %g, expected %g", r, k,
                                 (double)back->calibration[r * 7 + k], (double)x[r * 7 + k]);
            }
            ami_net_destroy(back);
        }
        net->weight[0][3] = .1234f;
        ami_error err = {0};
        assert_true(ami_onnx_write(net_path, net, AMI_ONNX_FLOAT32, &err));
        ami_net *back = read_net(net_path);
        assert_same_net(back, net, unchanged);
        assert_null(ami_net_units(back, 0));
        assert_non_null(ami_net_units(back, 1));
        ami_net_destroy(back);
        ami_net_destroy(net);
    }
}

/* Metadata of amble's own that are malformed get a sentence. */
static void test_bad_calibration(void **state)
{
    (void)state;
    static const char *const row[][3] = {
        {"calibration", "int8 1 2 AAAA", "4 characters of base64|take 16"},
        {"calibration", "int8 1 2 AAAAAAAAAAAAA!==", "is not base64"},
        {"calibration", "int8 1 2 AACAfwAAgH8AAA==", "magnitude of input 0 is"},
        {"calibration", "int8 1 3 AAAAAAAAAAAAAAAA", "3 inputs, the network has 2"},
        {"calibration", "int8 0 2 ", "numbers of rows"},
        {"calibration", "int8 99999999999999999999 2 AAAA", "numbers of rows"},
        {"calibration", "half 1 2 AAAA", "expected int8"},
        {"calibration", "", "expected int8"},
        {"rounding_mse", "1e-7 2e-7", "expected 4 numbers"},
        {"rounding_mse", "1e-7 2e-7 -1 0", "expected 4 numbers"},
    };
    const int dim[] = {2, 2};
    ami_rng rng = ami_rng_seed(9, 0);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        ami_net *net = random_net(&rng, 1, dim, false, 0);
        ami_error err = {0};
        assert_true(ami_net_set_meta(net, row[i][0], row[i][1]));
        assert_true(ami_onnx_write(net_path, net, AMI_ONNX_FLOAT32, &err));
        ami_net_destroy(net);
        net = ami_onnx_read(net_path, &err);
        assert_null(net);
        char words[128];
        snprintf(words, sizeof words, "%s", row[i][2]);
        for (char *rest = words, *word; (word = strsep(&rest, "|"));)
            if (!strstr(err.text, word))
                fail_msg("\"%s\": %s, expected \"%s\"", row[i][1], err.text, word);
    }
}

/* Halves are neighbours in magnitude where their bits are; midway goes to the even one. Every one of them,
 * and both signs. */
static void test_half(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= 0xffff; h++) {
        float value = ami_half_to_float((uint16_t)h);
        uint32_t magnitude = h & 0x7fff, sign = h & 0x8000;
        if (magnitude > 0x7c00) {
            assert_true(isnan(value));
            assert_true(isnan(ami_half_to_float(ami_float_to_half(value))));
            continue;
        }
        assert_int_equal(!!signbit(value), !!sign);
        assert_int_equal(ami_float_to_half(value), h);
        if (magnitude == 0x7c00) {
            assert_true(isinf(value));
            continue;
        }
        uint32_t exponent = magnitude >> 10, significand = magnitude & 0x3ff;
        double exact = exponent ? ldexp(1024 + significand, (int)exponent - 25) : ldexp(significand, -24);
        assert_true(fabs((double)value) == exact);
        /* the largest finite half has 65536 for a neighbour */
        float next = magnitude == 0x7bff ? 65536.f : fabsf(ami_half_to_float((uint16_t)(magnitude + 1)));
        float midway = (fabsf(value) + next) / 2; /* exact in float */
        float toward[] = {nextafterf(midway, 0), midway, nextafterf(midway, INFINITY)};
        uint32_t want[] = {magnitude, magnitude & 1 ? magnitude + 1 : magnitude, magnitude + 1};
        for (int i = 0; i < 3; i++)
            assert_int_equal(ami_float_to_half(sign ? -toward[i] : toward[i]), sign | want[i]);
    }
    assert_int_equal(ami_float_to_half(FLT_MAX), 0x7c00);
    assert_int_equal(ami_float_to_half(FLT_TRUE_MIN), 0);
}

static void assert_not_written(ami_net *net, ami_onnx_dtype dtype, const char *words)
{
    ami_error err = {0};
    struct stat st;
    unlink(net_path);
    if (ami_onnx_write(net_path, net, dtype, &err))
        fail_msg("written, should be refused: %s", words);
    if (strncmp(err.text, net_path, strlen(net_path)) != 0 || !strstr(err.text, words))
        fail_msg("\"%s\" should begin with the path and contain \"%s\"", err.text, words);
    assert_int_not_equal(stat(net_path, &st), 0);
}

static void test_write_refuses(void **state)
{
    (void)state;
    ami_error err = {0};
    const int dim[] = {3, 4, 2};
    ami_rng rng = ami_rng_seed(10, 0);
    ami_net *net = random_net(&rng, 2, dim, true, 5);
    struct {
        float *place, value;
        ami_onnx_dtype dtype;
        const char *words;
    } cases[] = {
        {&net->weight[1][5], NAN, AMI_ONNX_FLOAT32, "layers.1.weight: number 5 is"},
        {&net->weight[0][2], INFINITY, AMI_ONNX_FLOAT16, "layers.0.weight.float16: number 2 is inf"},
        {&net->bias[1][1], -INFINITY, AMI_ONNX_FLOAT32, "layers.1.bias: number 1 is -inf"},
        {&net->weight[1][7], 65520, AMI_ONNX_FLOAT16, "overflows float16"},
        {&net->bias[0][3], -1e6f, AMI_ONNX_FLOAT16,
         "layers.0.bias.float16: number 3 is -1e+06, which overflows float16"},
        {&net->in_mean[0], NAN, AMI_ONNX_FLOAT32, "normalizer.mean: number 0 is"},
        {&net->in_std[2], 0, AMI_ONNX_FLOAT32, "standard deviation 2 is 0"},
        {&net->in_std[1], -1, AMI_ONNX_FLOAT16, "standard deviation 1 is -1"},
        {&net->in_std[1], NAN, AMI_ONNX_FLOAT32, "standard deviation 1 is"},
        {&net->in_clip, INFINITY, AMI_ONNX_FLOAT32, "normalizer.min: number 0 is -inf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float kept = *cases[i].place;
        *cases[i].place = cases[i].value;
        assert_not_written(net, cases[i].dtype, cases[i].words);
        *cases[i].place = kept;
    }
    net->weight[0][1] = 65519; /* the last one that rounds to 65504 */
    assert_true(ami_onnx_write(net_path, net, AMI_ONNX_FLOAT16, &err));
    assert_true(ami_net_set_meta(net, "latin1", "L\xe4ufer"));
    assert_not_written(net, AMI_ONNX_FLOAT32, "('latin1') is not UTF-8");
    assert_true(ami_net_set_meta(net, "latin1", ""));
    assert_true(ami_net_set_meta(net, "", "x"));
    assert_not_written(net, AMI_ONNX_FLOAT32, "metadata entry 1 has an empty key");
    ami_net_destroy(net);
}

static void test_write_to_nowhere(void **state)
{
    (void)state;
    const int dim[] = {1, 1};
    ami_rng rng = ami_rng_seed(11, 0);
    ami_net *net = random_net(&rng, 1, dim, false, 0);
    const char *places[][2] = {{"/no/such/folder/net.onnx", "No such file"},
                               {scratch_folder, "is a folder"},
                               {"/dev/null", "is a device"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        ami_error err = {0};
        assert_false(ami_onnx_write(places[i][0], net, AMI_ONNX_FLOAT32, &err));
        if (strncmp(err.text, places[i][0], strlen(places[i][0])) != 0 || !strstr(err.text, places[i][1]))
            fail_msg("\"%s\" should begin with \"%s\" and contain \"%s\"", err.text, places[i][0],
                     places[i][1]);
    }
    ami_net_destroy(net);
}

static void set_head(ami_net *net, int h, const char *name, ami_net_shape shape)
{
    net->head[h] = (ami_net_head){.name = name ? strdup(name) : NULL, .outputs = 1, .shape = shape};
    for (int i = 0; i < shape.rank; i++)
        net->head[h].outputs *= shape.dim[i];
}

static void test_shapes_and_heads(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(20, 0);
    const int dim[] = {24, 7, 24};
    for (int kind = 0; kind < 8; kind++) {
        ami_net *net = random_net(&rng, 2, dim, kind & 1, kind & 1 ? 4 : 0);
        net->act[0] = AMI_ACT_ELU;
        net->act_alpha[0] = 1;
        net->in_shape = kind & 2 ? (ami_net_shape){3, {2, 3, 4}} : (ami_net_shape){2, {4, 6}};
        if (kind & 4) {
            net->heads = 3;
            set_head(net, 0, "mu", (ami_net_shape){2, {4, 3}});
            set_head(net, 1, "logvar", (ami_net_shape){1, {2}});
            set_head(net, 2, "frames", (ami_net_shape){3, {1, 5, 2}});
        } else {
            set_head(net, 0, "frames", (ami_net_shape){2, {8, 3}});
            net->act[1] = kind & 2 ? AMI_ACT_TANH : AMI_ACT_IDENTITY;
        }
        assert_round_trip(net);
        ami_net_destroy(net);
    }
}

/* Outputs keep their names even where the writer would have used them for something else; without one they
 * get one. */
static void test_names(void **state)
{
    (void)state;
    static const char *const names[] = {"input",        "layers.0.weight", "layers.0.linear", "layers.0.relu",
                                        "heads.1.flat", "input_",          "output7"};
    enum { NAMES = sizeof names / sizeof *names };
    ami_error err = {0};
    ami_rng rng = ami_rng_seed(21, 0);
    const int dim[] = {3, 4, NAMES + 1};
    ami_net *net = random_net(&rng, 2, dim, true, 5);
    net->heads = NAMES + 1;
    for (int h = 0; h < NAMES; h++)
        set_head(net, h, names[h], (ami_net_shape){2, {1, 1}});
    set_head(net, NAMES, NULL, (ami_net_shape){1, {1}});
    assert_round_trip(net);
    assert_true(ami_onnx_write(net_path, net, AMI_ONNX_FLOAT32, &err));
    ami_net *back = read_net(net_path);
    assert_string_equal(back->head[NAMES].name, "output8");
    ami_net_destroy(back);
    ami_net_destroy(net);
    net = random_net(&rng, 2, dim, false, 0);
    assert_true(ami_onnx_write(net_path, net, AMI_ONNX_FLOAT32, &err));
    back = read_net(net_path);
    assert_string_equal(back->head[0].name, "output");
    ami_net_destroy(back);
    ami_net_destroy(net);
}

static void test_write_refuses_heads(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(22, 0);
    const int dim[] = {3, 4, 2};
    ami_net *net = random_net(&rng, 2, dim, false, 0);
    net->act[0] = AMI_ACT_ELU;
    net->act_alpha[0] = INFINITY;
    assert_not_written(net, AMI_ONNX_FLOAT32, "the alpha of layer 0's elu is inf");
    net->act_alpha[0] = 1;
    net->heads = 2;
    set_head(net, 0, "same", (ami_net_shape){1, {1}});
    set_head(net, 1, "same", (ami_net_shape){1, {1}});
    assert_not_written(net, AMI_ONNX_FLOAT32, "outputs 0 and 1 are both named 'same'");
    net->head[1].name[0] = (char)0xff;
    assert_not_written(net, AMI_ONNX_FLOAT32, "the name of output 1 ('\\xffame') is not UTF-8");
    net->head[1].name[0] = 'S';
    net->act[1] = AMI_ACT_TANH;
    assert_not_written(net, AMI_ONNX_FLOAT32, "its 2 heads end in tanh");
    net->act[1] = AMI_ACT_IDENTITY;
    assert_round_trip(net);
    ami_net_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),          cmocka_unit_test(test_round_trip_of_extremes),
        cmocka_unit_test(test_metadata_round_trip), cmocka_unit_test(test_int8_round_trip),
        cmocka_unit_test(test_bad_calibration),     cmocka_unit_test(test_half),
        cmocka_unit_test(test_write_refuses),       cmocka_unit_test(test_write_to_nowhere),
        cmocka_unit_test(test_shapes_and_heads),    cmocka_unit_test(test_names),
        cmocka_unit_test(test_write_refuses_heads),
    };
    return cmocka_run_group_tests_name("onnx_write", tests, make_folder, remove_folder);
}
