/* ONNX files that must be refused: those of tests/data/onnx/bad (made by make_onnx_bad_cases.py beside this
 * file), and thousands of damaged ones. */
#include "base/text.h"
#include "tests/onnx_files.h"

/* Each line of bad.txt: NAME|words|words. */
static void test_bad_cases(void **state)
{
    (void)state;
    size_t size;
    char *lines = (char *)get_file(CASES "bad.txt", &size), *rest_of_lines = lines;
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
    assert_int_equal(cases, 205);
}

static void test_no_file(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/missing.onnx", scratch_folder);
    assert_refused(path, "No such file");
    assert_refused(scratch_folder, "is a folder");
    put_file(net_path, "", 0);
    assert_refused(net_path, "is empty");
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
    ami_error err = {0};
    put_file(net_path, data, size);
    ami_net *net = ami_onnx_read(net_path, &err);
    if (!net) {
        assert_int_equal(strncmp(err.text, net_path, strlen(net_path)), 0);
        assert_true(strlen(err.text) > strlen(net_path) + 10);
        assert_true(ami_text_is_printable(err.text));
        return true;
    }
    for (int l = 0; l < net->layers; l++) {
        assert_true(all_finite(net->weight[l], net->dim[l] * net->dim[l + 1]));
        assert_true(all_finite(net->bias[l], net->dim[l + 1]));
    }
    for (int i = 0; i < net->dim[0] && net->in_mean; i++)
        assert_true(isfinite(net->in_mean[i]) && isfinite(net->in_std[i]) && net->in_std[i] > 0);
    assert_true(net->in_clip >= 0 && isfinite(net->in_clip));
    ami_net_destroy(net);
    return false;
}

/* A small file with all that the writer can write. */
static uint8_t *sample(ami_onnx_dtype dtype, size_t *size)
{
    ami_error err = {0};
    const int dim[] = {3, 4, 2};
    ami_rng rng = ami_rng_seed(12, 0);
    ami_net *net = random_net(&rng, 2, dim, true, 5);
    assert_true(ami_net_set_meta(net, "amble.action", "residual"));
    assert_true(ami_onnx_write(net_path, net, dtype, &err));
    ami_net_destroy(net);
    return get_file(net_path, size);
}

static void test_truncation(void **state)
{
    (void)state;
    for (int half = 0; half < 2; half++) {
        size_t size;
        int sound = 0;
        uint8_t *data = sample(half ? AMI_ONNX_FLOAT16 : AMI_ONNX_FLOAT32, &size);
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
    static const char *const models[] = {"half_typed", "constants", "normalizer_opset9",
                                         "torch_normalized_traced_unfolded", "output_scale"};
    enum { MODELS = sizeof models / sizeof *models, ROUNDS = 6000 };
    uint8_t *data[MODELS + 1];
    size_t size[MODELS + 1];
    for (int i = 0; i < MODELS; i++) {
        char path[512];
        snprintf(path, sizeof path, CASES "good/%s.onnx", models[i]);
        data[i] = get_file(path, &size[i]);
    }
    data[MODELS] = sample(AMI_ONNX_FLOAT16, &size[MODELS]);
    ami_rng rng = ami_rng_seed(13, 0);
    int refused = 0;
    for (int round = 0; round < ROUNDS; round++) {
        int m = round % (MODELS + 1);
        uint8_t *copy = malloc(size[m]);
        memcpy(copy, data[m], size[m]);
        for (uint32_t flips = 1 + ami_rng_below(&rng, 3); flips > 0; flips--) {
            uint32_t at = ami_rng_below(&rng, (uint32_t)size[m]);
            if (ami_rng_below(&rng, 2)) {
                copy[at] = (uint8_t)ami_rng_next(&rng);
            } else {
                copy[at] ^= (uint8_t)(1u << ami_rng_below(&rng, 8));
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

/* A graph in an attribute in a node in a graph …, many thousand deep: a decoder that follows would run out of
 * stack. */
static void test_deep_nesting(void **state)
{
    (void)state;
    static const uint8_t keys[] = {5 << 3 | 2, 1 << 3 | 2, 6 << 3 | 2}; /* Node.attribute, Graph.node,
                                                                           Attribute.g */
    enum { DEPTH = 150000, ROOM = DEPTH * 3 * 6 + 64 };
    uint8_t *data = malloc(ROOM), head[16];
    size_t at = ROOM;
    for (int i = 0; i < DEPTH * 3; i++) { /* from the inside out, ending with the top graph's node's
                                             attribute's graph */
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
    uint8_t *whole = get_file(CASES "good/constants.onnx", &size);
    uint8_t *both = malloc(size + ROOM - at);
    memcpy(both, whole, size);
    memcpy(both + size, data + at, ROOM - at);
    put_file(net_path, both, size + ROOM - at);
    assert_refused(net_path, "operator '' is not supported");
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
    put_file(net_path, data, 1 + n + 2 * NODES);
    assert_refused(net_path, "more memory than a model of that size can need");
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_bad_cases),    cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_truncation),   cmocka_unit_test(test_damage),
        cmocka_unit_test(test_deep_nesting), cmocka_unit_test(test_amplification),
    };
    return cmocka_run_group_tests_name("onnx_bad", tests, make_folder, remove_folder);
}
