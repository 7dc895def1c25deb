/* ONNX in and out: every file of tests/data/onnx (made by make_onnx_cases.py and make_onnx_bad_cases.py beside this file), round trips,
 * refusals, and damaged files by the thousand. Forward passes here are plain loops in double, so that only the reading is under test. */
#include "base/file.h"
#include "base/rng.h"
#include "nets/half.h"
#include "nets/onnx.h"

#include <dirent.h>
#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#ifndef AMB_SOURCE_DIR
#define AMB_SOURCE_DIR "."
#endif
#define CASES AMB_SOURCE_DIR "/tests/data/onnx/"

static char folder[] = "/tmp/amb_test_onnx.XXXXXX";
static char scratch[64]; /* a file in it */

static int make_folder(void **state)
{
    (void)state;
    if (!mkdtemp(folder))
        return -1;
    snprintf(scratch, sizeof scratch, "%s/net.onnx", folder);
    return 0;
}

static int remove_folder(void **state)
{
    (void)state;
    unlink(scratch);
    return rmdir(folder); /* fails if a temporary file was left behind */
}

static void put(const char *path, const void *data, size_t size)
{
    unlink(path); /* some file systems flush a file that is cut to nothing and written again */
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, size, f), size);
    assert_int_equal(fclose(f), 0);
}

static uint8_t *get(const char *path, size_t *size)
{
    amb_error err = {0};
    uint8_t *data = amb_file_read(path, 1 << 24, size, &err);
    if (!data)
        fail_msg("%s", err.text);
    return data;
}

static amb_net *read_net(const char *path)
{
    amb_error err = {0};
    amb_net *net = amb_onnx_read(path, &err);
    if (!net)
        fail_msg("%s", err.text);
    assert_string_equal(err.text, "");
    return net;
}

static void assert_refused(const char *path, const char *words)
{
    amb_error err = {0};
    amb_net *net = amb_onnx_read(path, &err);
    if (net)
        fail_msg("%s was read, should be refused: %s", path, words);
    if (strncmp(err.text, path, strlen(path)) != 0 || !strstr(err.text, words))
        fail_msg("\"%s\" should begin with the path and contain \"%s\"", err.text, words);
    assert_null(amb_onnx_read(path, NULL));
}

/* in (dim[0]) → out (dim[layers]) */
static void forward(const amb_net *net, const float *in, double *out)
{
    static double h[2][AMB_NET_MAX_DIM];
    for (int i = 0; i < net->dim[0]; i++) {
        h[0][i] = (double)in[i];
        if (!net->in_mean)
            continue;
        h[0][i] = (h[0][i] - (double)net->in_mean[i]) / (double)net->in_std[i];
        if (net->in_clip > 0)
            h[0][i] = fmin(fmax(h[0][i], (double)-net->in_clip), (double)net->in_clip);
    }
    for (int l = 0; l < net->layers; l++) {
        const double *from = h[l & 1];
        double *to = h[~l & 1];
        for (int o = 0; o < net->dim[l + 1]; o++) {
            double sum = (double)net->bias[l][o];
            for (int i = 0; i < net->dim[l]; i++)
                sum += (double)net->weight[l][o * net->dim[l] + i] * from[i];
            to[o] = net->act[l] == AMB_ACT_RELU && sum < 0 ? 0 : sum;
        }
    }
    memcpy(out, h[net->layers & 1], (size_t)net->dim[net->layers] * sizeof *out);
}

static void check_case(const char *name)
{
    char path[512];
    snprintf(path, sizeof path, CASES "good/%s.onnx", name);
    amb_net *net = read_net(path);
    size_t in_size, out_size, inputs = (size_t)net->dim[0], outputs = (size_t)net->dim[net->layers];
    snprintf(path, sizeof path, CASES "good/%s.in", name);
    float *in = (float *)get(path, &in_size);
    snprintf(path, sizeof path, CASES "good/%s.out", name);
    float *out = (float *)get(path, &out_size);
    size_t rows = in_size / sizeof *in / inputs;
    assert_true(rows > 0);
    assert_int_equal(in_size, rows * inputs * sizeof *in);
    assert_int_equal(out_size, rows * outputs * sizeof *out);
    double *got = malloc(outputs * sizeof *got);
    for (size_t r = 0; r < rows; r++) {
        forward(net, in + r * inputs, got);
        for (size_t o = 0; o < outputs; o++) {
            double want = (double)out[r * outputs + o], off = fabs(got[o] - want);
            if (!(off <= 2e-6 * (1 + fabs(want))))
                fail_msg("%s: row %zu, output %zu is %.9g, expected %.9g", name, r, o, got[o], want);
        }
    }
    free(got);
    free(in);
    free(out);
    amb_net_destroy(net);
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
    assert_int_equal(cases, 38);
}

static void test_good_structure(void **state)
{
    (void)state;
    amb_net *net = read_net(CASES "good/normalizer.onnx");
    assert_int_equal(net->layers, 2);
    assert_int_equal(net->dim[0], 5);
    assert_int_equal(net->dim[1], 7);
    assert_int_equal(net->dim[2], 3);
    assert_int_equal(net->act[0], AMB_ACT_RELU);
    assert_int_equal(net->act[1], AMB_ACT_IDENTITY);
    assert_non_null(net->in_mean);
    assert_true(net->in_clip == 1.5f);
    assert_int_equal(net->metas, 0);
    amb_net_destroy(net);
    net = read_net(CASES "good/normalizer_clip_open.onnx");
    assert_null(net->in_mean);
    amb_net_destroy(net);
    net = read_net(CASES "good/metadata.onnx");
    assert_int_equal(net->metas, 3);
    assert_string_equal(amb_net_get_meta(net, "joints"), "root, chest");
    assert_string_equal(amb_net_get_meta(net, "name"), "Läufer");
    assert_string_equal(amb_net_get_meta(net, "empty"), "");
    amb_net_destroy(net);
}

/* Each line of bad.txt: NAME|words|words. */
static void test_bad_cases(void **state)
{
    (void)state;
    size_t size;
    char *lines = (char *)get(CASES "bad.txt", &size), *rest_of_lines = lines;
    int cases = 0;
    for (char *line; (line = strtok_r(rest_of_lines, "\n", &rest_of_lines)); cases++) {
        char path[512], *rest = line;
        snprintf(path, sizeof path, CASES "bad/%s.onnx", strtok_r(rest, "|", &rest));
        int words = 0;
        for (char *word; (word = strtok_r(rest, "|", &rest)); words++)
            assert_refused(path, word);
        assert_true(words > 0);
    }
    free(lines);
    assert_int_equal(cases, 139);
}

static void test_no_file(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/missing.onnx", folder);
    assert_refused(path, "No such file");
    assert_refused(folder, "is a folder");
    put(scratch, "", 0);
    assert_refused(scratch, "is empty");
}

static amb_net *random_net(amb_rng *rng, int layers, const int *dim, bool normalizer, float clip)
{
    amb_error err = {0};
    amb_net *net = amb_net_create(layers, dim, &err);
    assert_non_null(net);
    for (int l = 0; l < layers; l++) {
        for (int i = 0; i < dim[l] * dim[l + 1]; i++)
            net->weight[l][i] = (float)amb_rng_normal(rng);
        for (int i = 0; i < dim[l + 1]; i++)
            net->bias[l][i] = (float)amb_rng_normal(rng);
    }
    net->weight[0][0] = -0.f;
    net->bias[0][0] = -0.f;
    if (normalizer) {
        assert_true(amb_net_add_normalizer(net));
        for (int i = 0; i < dim[0]; i++) {
            net->in_mean[i] = (float)amb_rng_normal(rng);
            net->in_std[i] = (float)amb_rng_range(rng, .02, 3);
        }
        net->in_clip = clip;
    }
    return net;
}

/* Every bit, but weights and biases as `expected` turns them. */
static void assert_same_net(const amb_net *got, const amb_net *want, float (*expected)(float))
{
    assert_int_equal(got->layers, want->layers);
    assert_memory_equal(got->dim, want->dim, (size_t)(want->layers + 1) * sizeof *want->dim);
    for (int l = 0; l < want->layers; l++) {
        assert_int_equal(got->act[l], want->act[l]);
        for (int k = 0; k < 2; k++) {
            const float *a = k ? got->bias[l] : got->weight[l], *b = k ? want->bias[l] : want->weight[l];
            for (int i = 0; i < want->dim[l + 1] * (k ? 1 : want->dim[l]); i++) {
                float e = expected(b[i]);
                if (memcmp(&a[i], &e, sizeof e) != 0)
                    fail_msg("layer %d, %s %d is %a, expected %a", l, k ? "bias" : "weight", i, (double)a[i], (double)e);
            }
        }
    }
    assert_int_equal(!got->in_mean, !want->in_mean);
    if (want->in_mean) {
        assert_memory_equal(got->in_mean, want->in_mean, (size_t)want->dim[0] * sizeof(float));
        assert_memory_equal(got->in_std, want->in_std, (size_t)want->dim[0] * sizeof(float));
    }
    assert_memory_equal(&got->in_clip, &want->in_clip, sizeof(float));
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
    return amb_half_to_float(amb_float_to_half(x));
}

static void assert_round_trip(const amb_net *net)
{
    amb_error err = {0};
    for (int half = 0; half < 2; half++) {
        if (!amb_onnx_write(scratch, net, half ? AMB_ONNX_FLOAT16 : AMB_ONNX_FLOAT32, &err))
            fail_msg("%s", err.text);
        amb_net *back = read_net(scratch);
        assert_same_net(back, net, half ? through_half : unchanged);
        amb_net_destroy(back);
    }
}

static void test_round_trip(void **state)
{
    (void)state;
    amb_rng rng = amb_rng_seed(7, 0);
    int sixteen[17];
    for (int i = 0; i < 17; i++)
        sixteen[i] = 1 + i % 5;
    const struct {
        int layers;
        int dim[4];
    } shapes[] = {{1, {1, 1}}, {1, {3, 1}}, {2, {197, 33, 36}}, {3, {132, 65, 17, 2}}};
    for (size_t s = 0; s < sizeof shapes / sizeof *shapes; s++) {
        for (int kind = 0; kind < 6; kind++) {
            amb_net *net = random_net(&rng, shapes[s].layers, shapes[s].dim, kind % 3 > 0, kind % 3 == 2 ? 10 : 0);
            if (kind >= 3) { /* activations where PyTorch would not put them */
                net->act[0] = AMB_ACT_IDENTITY;
                net->act[net->layers - 1] = AMB_ACT_RELU;
            }
            assert_round_trip(net);
            amb_net_destroy(net);
        }
    }
    amb_net *net = random_net(&rng, 16, sixteen, true, 5);
    assert_round_trip(net);
    amb_net_destroy(net);
}

static void test_round_trip_of_extremes(void **state)
{
    (void)state;
    amb_error err = {0};
    const int dim[] = {4, 2};
    amb_rng rng = amb_rng_seed(8, 0);
    amb_net *net = random_net(&rng, 1, dim, true, FLT_MAX);
    const float values[] = {FLT_MAX, -FLT_MAX, FLT_MIN, -FLT_TRUE_MIN, 1e-8f, -0.f, 65504, 1 / 3.f};
    memcpy(net->weight[0], values, sizeof values);
    net->in_std[0] = FLT_TRUE_MIN;
    net->in_std[1] = FLT_MAX;
    net->in_mean[2] = FLT_MAX;
    assert_true(amb_onnx_write(scratch, net, AMB_ONNX_FLOAT32, &err));
    amb_net *back = read_net(scratch);
    assert_same_net(back, net, unchanged);
    amb_net_destroy(back);
    amb_net_destroy(net);
}

static void test_metadata_round_trip(void **state)
{
    (void)state;
    const int dim[] = {2, 2};
    amb_rng rng = amb_rng_seed(9, 0);
    amb_net *net = random_net(&rng, 1, dim, false, 0);
    assert_true(amb_net_set_meta(net, "amble.action", "residual"));
    assert_true(amb_net_set_meta(net, "empty", ""));
    assert_true(amb_net_set_meta(net, "lines", "a\nb\tc \"quoted\" \\"));
    assert_true(amb_net_set_meta(net, "Größe €𝄞", "日本語"));
    char *longer = malloc(100001);
    memset(longer, 'x', 100000);
    longer[100000] = 0;
    assert_true(amb_net_set_meta(net, "long", longer));
    assert_round_trip(net);
    amb_net_destroy(net);
    free(longer);
}

/* Halves are neighbours in magnitude where their bits are; midway goes to the even one. Every one of them, and both signs. */
static void test_half(void **state)
{
    (void)state;
    for (uint32_t h = 0; h <= 0xffff; h++) {
        float value = amb_half_to_float((uint16_t)h);
        uint32_t magnitude = h & 0x7fff, sign = h & 0x8000;
        if (magnitude > 0x7c00) {
            assert_true(isnan(value));
            assert_true(isnan(amb_half_to_float(amb_float_to_half(value))));
            continue;
        }
        assert_int_equal(!!signbit(value), !!sign);
        assert_int_equal(amb_float_to_half(value), h);
        if (magnitude == 0x7c00) {
            assert_true(isinf(value));
            continue;
        }
        uint32_t exponent = magnitude >> 10, significand = magnitude & 0x3ff;
        double exact = exponent ? ldexp(1024 + significand, (int)exponent - 25) : ldexp(significand, -24);
        assert_true(fabs((double)value) == exact);
        /* the largest finite half has 65536 for a neighbour */
        float next = magnitude == 0x7bff ? 65536.f : fabsf(amb_half_to_float((uint16_t)(magnitude + 1)));
        float midway = (fabsf(value) + next) / 2; /* exact in float */
        float toward[] = {nextafterf(midway, 0), midway, nextafterf(midway, INFINITY)};
        uint32_t want[] = {magnitude, magnitude & 1 ? magnitude + 1 : magnitude, magnitude + 1};
        for (int i = 0; i < 3; i++)
            assert_int_equal(amb_float_to_half(sign ? -toward[i] : toward[i]), sign | want[i]);
    }
    assert_int_equal(amb_float_to_half(FLT_MAX), 0x7c00);
    assert_int_equal(amb_float_to_half(FLT_TRUE_MIN), 0);
}

static void assert_not_written(amb_net *net, amb_onnx_dtype dtype, const char *words)
{
    amb_error err = {0};
    struct stat st;
    unlink(scratch);
    if (amb_onnx_write(scratch, net, dtype, &err))
        fail_msg("written, should be refused: %s", words);
    if (strncmp(err.text, scratch, strlen(scratch)) != 0 || !strstr(err.text, words))
        fail_msg("\"%s\" should begin with the path and contain \"%s\"", err.text, words);
    assert_int_not_equal(stat(scratch, &st), 0);
}

static void test_write_refuses(void **state)
{
    (void)state;
    amb_error err = {0};
    const int dim[] = {3, 4, 2};
    amb_rng rng = amb_rng_seed(10, 0);
    amb_net *net = random_net(&rng, 2, dim, true, 5);
    struct {
        float *place, value;
        amb_onnx_dtype dtype;
        const char *words;
    } cases[] = {
        {&net->weight[1][5], NAN, AMB_ONNX_FLOAT32, "layers.1.weight: number 5 is"},
        {&net->weight[0][2], INFINITY, AMB_ONNX_FLOAT16, "layers.0.weight.float16: number 2 is inf"},
        {&net->bias[1][1], -INFINITY, AMB_ONNX_FLOAT32, "layers.1.bias: number 1 is -inf"},
        {&net->weight[1][7], 65520, AMB_ONNX_FLOAT16, "overflows float16"},
        {&net->bias[0][3], -1e6f, AMB_ONNX_FLOAT16, "layers.0.bias.float16: number 3 is -1e+06, which overflows float16"},
        {&net->in_mean[0], NAN, AMB_ONNX_FLOAT32, "normalizer.mean: number 0 is"},
        {&net->in_std[2], 0, AMB_ONNX_FLOAT32, "standard deviation 2 is 0"},
        {&net->in_std[1], -1, AMB_ONNX_FLOAT16, "standard deviation 1 is -1"},
        {&net->in_std[1], NAN, AMB_ONNX_FLOAT32, "standard deviation 1 is"},
        {&net->in_clip, INFINITY, AMB_ONNX_FLOAT32, "normalizer.min: number 0 is -inf"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        float kept = *cases[i].place;
        *cases[i].place = cases[i].value;
        assert_not_written(net, cases[i].dtype, cases[i].words);
        *cases[i].place = kept;
    }
    net->weight[0][1] = 65519; /* the last one that rounds to 65504 */
    assert_true(amb_onnx_write(scratch, net, AMB_ONNX_FLOAT16, &err));
    assert_true(amb_net_set_meta(net, "latin1", "L\xe4ufer"));
    assert_not_written(net, AMB_ONNX_FLOAT32, "('latin1') is not UTF-8");
    assert_true(amb_net_set_meta(net, "latin1", ""));
    assert_true(amb_net_set_meta(net, "", "x"));
    assert_not_written(net, AMB_ONNX_FLOAT32, "metadata entry 1 has an empty key");
    amb_net_destroy(net);
}

static void test_write_to_nowhere(void **state)
{
    (void)state;
    const int dim[] = {1, 1};
    amb_rng rng = amb_rng_seed(11, 0);
    amb_net *net = random_net(&rng, 1, dim, false, 0);
    const char *places[][2] = {{"/no/such/folder/net.onnx", "No such file"}, {folder, "is a folder"}, {"/dev/null", "is a device"}};
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        amb_error err = {0};
        assert_false(amb_onnx_write(places[i][0], net, AMB_ONNX_FLOAT32, &err));
        if (strncmp(err.text, places[i][0], strlen(places[i][0])) != 0 || !strstr(err.text, places[i][1]))
            fail_msg("\"%s\" should begin with \"%s\" and contain \"%s\"", err.text, places[i][0], places[i][1]);
    }
    amb_net_destroy(net);
}

static bool all_finite(const float *values, int n)
{
    for (int i = 0; i < n; i++) {
        if (!isfinite(values[i]))
            return false;
    }
    return true;
}

/* A damaged file is refused with a sentence, or it makes a sound net. Returns whether it was refused. */
static bool refused_or_sound(const uint8_t *data, size_t size)
{
    amb_error err = {0};
    put(scratch, data, size);
    amb_net *net = amb_onnx_read(scratch, &err);
    if (!net) {
        assert_int_equal(strncmp(err.text, scratch, strlen(scratch)), 0);
        assert_true(strlen(err.text) > strlen(scratch) + 10);
        for (const char *c = err.text; *c; c++)
            assert_true((unsigned char)*c >= 0x20 && (unsigned char)*c < 0x7f);
        return true;
    }
    for (int l = 0; l < net->layers; l++) {
        assert_true(all_finite(net->weight[l], net->dim[l] * net->dim[l + 1]));
        assert_true(all_finite(net->bias[l], net->dim[l + 1]));
    }
    for (int i = 0; i < net->dim[0] && net->in_mean; i++)
        assert_true(isfinite(net->in_mean[i]) && isfinite(net->in_std[i]) && net->in_std[i] > 0);
    assert_true(net->in_clip >= 0 && isfinite(net->in_clip));
    amb_net_destroy(net);
    return false;
}

/* A small file with all that the writer can write. */
static uint8_t *sample(amb_onnx_dtype dtype, size_t *size)
{
    amb_error err = {0};
    const int dim[] = {3, 4, 2};
    amb_rng rng = amb_rng_seed(12, 0);
    amb_net *net = random_net(&rng, 2, dim, true, 5);
    assert_true(amb_net_set_meta(net, "amble.action", "residual"));
    assert_true(amb_onnx_write(scratch, net, dtype, &err));
    amb_net_destroy(net);
    return get(scratch, size);
}

static void test_truncation(void **state)
{
    (void)state;
    for (int half = 0; half < 2; half++) {
        size_t size;
        int sound = 0;
        uint8_t *data = sample(half ? AMB_ONNX_FLOAT16 : AMB_ONNX_FLOAT32, &size);
        for (size_t cut = 0; cut < size; cut++)
            sound += !refused_or_sound(data, cut);
        /* Without the metadata, which come last, it is a whole model still. */
        assert_int_equal(sound, 1);
        assert_false(refused_or_sound(data, size));
        free(data);
    }
}

static void test_damage(void **state)
{
    (void)state;
    static const char *const models[] = {"half_typed", "constants", "normalizer_opset9", "torch_normalized_traced_unfolded",
                                         "output_scale"};
    enum { MODELS = sizeof models / sizeof *models, ROUNDS = 6000 };
    uint8_t *data[MODELS + 1];
    size_t size[MODELS + 1];
    for (int i = 0; i < MODELS; i++) {
        char path[512];
        snprintf(path, sizeof path, CASES "good/%s.onnx", models[i]);
        data[i] = get(path, &size[i]);
    }
    data[MODELS] = sample(AMB_ONNX_FLOAT16, &size[MODELS]);
    amb_rng rng = amb_rng_seed(13, 0);
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int m = round % (MODELS + 1);
        uint8_t *copy = malloc(size[m]);
        memcpy(copy, data[m], size[m]);
        for (uint32_t flips = 1 + amb_rng_below(&rng, 3); flips > 0; flips--) {
            uint32_t at = amb_rng_below(&rng, (uint32_t)size[m]);
            if (amb_rng_below(&rng, 2)) {
                copy[at] = (uint8_t)amb_rng_next(&rng);
            } else {
                copy[at] ^= (uint8_t)(1u << amb_rng_below(&rng, 8));
            }
        }
        refused += refused_or_sound(copy, size[m]);
        free(copy);
    }
    for (int i = 0; i <= MODELS; i++)
        free(data[i]);
    assert_in_range(refused, ROUNDS / 10, ROUNDS - 1);
}

static size_t put_varint(uint8_t *out, size_t value)
{
    size_t n = 0;
    for (; value > 127; value >>= 7)
        out[n++] = (uint8_t)(value | 128);
    out[n++] = (uint8_t)value;
    return n;
}

/* A graph in an attribute in a node in a graph …, many thousand deep: a decoder that follows would run out of stack. */
static void test_deep_nesting(void **state)
{
    (void)state;
    static const uint8_t keys[] = {5 << 3 | 2, 1 << 3 | 2, 6 << 3 | 2}; /* Node.attribute, Graph.node, Attribute.g */
    enum { DEPTH = 150000, ROOM = DEPTH * 3 * 6 + 64 };
    uint8_t *data = malloc(ROOM), head[16];
    size_t at = ROOM;
    for (int i = 0; i < DEPTH * 3; i++) { /* from the inside out, ending with the top graph's node's attribute's graph */
        size_t n = put_varint(head, ROOM - at);
        data[at -= n] = 0;
        memcpy(data + at, head, n);
        data[--at] = keys[i % 3];
    }
    for (int i = 0; i < 3; i++) { /* Node.attribute, Graph.node, Model.graph */
        size_t n = put_varint(head, ROOM - at);
        at -= n;
        memcpy(data + at, head, n);
        data[--at] = i == 2 ? 7 << 3 | 2 : keys[i];
    }
    size_t size;
    uint8_t *whole = get(CASES "good/constants.onnx", &size);
    uint8_t *both = malloc(size + ROOM - at);
    memcpy(both, whole, size);
    memcpy(both + size, data + at, ROOM - at);
    put(scratch, both, size + ROOM - at);
    assert_refused(scratch, "operator '' is not supported");
    free(both);
    free(whole);
    free(data);
}

/* Two bytes of file that stand for a structure of a hundred: bounded by a budget, whatever the file says. */
static void test_amplification(void **state)
{
    (void)state;
    enum { NODES = 4000000 };
    uint8_t *data = malloc(2 * NODES + 16), head[16];
    size_t n = put_varint(head, 2 * NODES);
    data[0] = 7 << 3 | 2;
    memcpy(data + 1, head, n);
    for (size_t i = 0; i < NODES; i++) {
        data[1 + n + 2 * i] = 1 << 3 | 2;
        data[2 + n + 2 * i] = 0;
    }
    put(scratch, data, 1 + n + 2 * NODES);
    assert_refused(scratch, "more memory than a model of that size can need");
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_cases),          cmocka_unit_test(test_good_structure),
        cmocka_unit_test(test_bad_cases),           cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_round_trip),          cmocka_unit_test(test_round_trip_of_extremes),
        cmocka_unit_test(test_metadata_round_trip), cmocka_unit_test(test_half),
        cmocka_unit_test(test_write_refuses),       cmocka_unit_test(test_write_to_nowhere),
        cmocka_unit_test(test_truncation),          cmocka_unit_test(test_damage),
        cmocka_unit_test(test_deep_nesting),        cmocka_unit_test(test_amplification),
    };
    return cmocka_run_group_tests_name("onnx", tests, make_folder, remove_folder);
}
