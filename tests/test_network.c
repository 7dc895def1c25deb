/* A network of either kind from a file or from memory. */
#include "tests/skip.h"

#include "tests/scratch.h"

#include "base/file.h"
#include "nets/network.h"

#include <stdlib.h>
#include <string.h>

#define CHAIN "tests/data/onnx/good/gemm_opset13.onnx"
#define GRAPH "tests/data/graph/exports/rsl_lstm_batch.onnx"

static void expect_kind(const char *path, bool chain)
{
    ami_error err = {""};
    ami_network network, again;
    size_t size;
    if (!ami_network_read(path, NULL, &network, &err))
        fail_msg("%s", err.text);
    assert_true(!network.net == !chain && !network.graph == chain);
    uint8_t *bytes = ami_file_read(path, 1 << 20, &size, &err);
    assert_non_null(bytes);
    if (!ami_network_read_memory(bytes, size, "it", NULL, &again, &err))
        fail_msg("%s", err.text);
    assert_true(!again.net == !chain && !again.graph == chain);
    ami_network_free(&again);
    assert_false(ami_network_read_memory(bytes, size / 2, "it", NULL, &again, &err));
    assert_true(!again.net && !again.graph && !strncmp(err.text, "it: ", 4));
    free(bytes);
    ami_network_free(&network);
    assert_true(!network.net && !network.graph);
    ami_network_free(&network); /* once more is fine */
}

static void chains_are_nets(void **state)
{
    (void)state;
    expect_kind(CHAIN, true);
}

static void others_are_graphs(void **state)
{
    (void)state;
    expect_kind(GRAPH, false);
}

static void sentences_begin_with_the_path(void **state)
{
    (void)state;
    ami_error err = {""};
    ami_network network;
    assert_false(ami_network_read("nothing.onnx", NULL, &network, &err));
    assert_true(!network.net && !network.graph && !strncmp(err.text, "nothing.onnx: ", 14));
    assert_true(ami_file_write(scratch("empty.onnx"), "x", 1, &err));
    assert_false(ami_network_read(scratch("empty.onnx"), NULL, &network, &err));
    assert_non_null(strstr(err.text, "empty.onnx: "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(chains_are_nets),
        cmocka_unit_test(others_are_graphs),
        cmocka_unit_test(sentences_begin_with_the_path),
    };
    return cmocka_run_group_tests(tests, NULL, remove_scratch);
}
