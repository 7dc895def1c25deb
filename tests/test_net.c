/* Networks as plain data: limits, defaults, metadata, and the parameter block's order. */
#include "nets/average.h"
#include "nets/net.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

static void expect_refused(int layers, const int *dim, const char *sentence)
{
    ami_error err = {""};
    assert_null(ami_net_create(layers, dim, &err));
    assert_string_equal(err.text, sentence);
    assert_null(ami_net_create(layers, dim, NULL)); /* a caller that does not care */
}

static void test_refuses_bad_shapes(void **state)
{
    (void)state;
    int dim[AMI_NET_MAX_LAYERS + 2];
    for (int i = 0; i < AMI_NET_MAX_LAYERS + 2; i++)
        dim[i] = 3;
    expect_refused(0, dim, "the network has 0 layers, expected 1 to 16");
    expect_refused(-1, dim, "the network has -1 layers, expected 1 to 16");
    expect_refused(AMI_NET_MAX_LAYERS + 1, dim, "the network has 17 layers, expected 1 to 16");
    expect_refused(2, (int[]){0, 3, 3}, "the network has 0 inputs, expected 1 to 65536");
    expect_refused(2, (int[]){3, -4, 3}, "layer 0 of the network has -4 outputs, expected 1 to 65536");
    expect_refused(2, (int[]){3, 3, 65537}, "layer 1 of the network has 65537 outputs, expected 1 to 65536");
}

static void test_defaults(void **state)
{
    (void)state;
    const int dim[] = {5, 7, 3, 2};
    ami_net *net = ami_net_create(3, dim, NULL);
    assert_non_null(net);
    assert_int_equal(net->layers, 3);
    assert_memory_equal(net->dim, dim, sizeof dim);
    assert_int_equal(net->act[0], AMI_ACT_RELU);
    assert_int_equal(net->act[1], AMI_ACT_RELU);
    assert_int_equal(net->act[2], AMI_ACT_IDENTITY);
    for (int l = 0; l < 3; l++) {
        for (int i = 0; i < dim[l] * dim[l + 1]; i++)
            assert_true(net->weight[l][i] == 0.0f);
        for (int i = 0; i < dim[l + 1]; i++)
            assert_true(net->bias[l][i] == 0.0f);
    }
    assert_null(net->in_mean);
    assert_null(net->in_std);
    assert_true(net->in_clip == 0.0f);
    assert_int_equal(net->metas, 0);
    ami_net_destroy(net);
    ami_net_destroy(NULL);
}

static void test_largest_shapes(void **state)
{
    (void)state;
    int dim[AMI_NET_MAX_LAYERS + 1];
    for (int i = 0; i <= AMI_NET_MAX_LAYERS; i++)
        dim[i] = 1 + i % 3;
    dim[0] = AMI_NET_MAX_DIM;
    ami_net *net = ami_net_create(AMI_NET_MAX_LAYERS, dim, NULL);
    assert_non_null(net);
    net->weight[0][(size_t)dim[0] * (size_t)dim[1] - 1] = 1.0f;
    ami_net_destroy(net);
}

static void test_normalizer(void **state)
{
    (void)state;
    ami_net *net = ami_net_create(1, (int[]){4, 2}, NULL);
    assert_non_null(net);
    assert_true(ami_net_add_normalizer(net));
    for (int i = 0; i < 4; i++) {
        assert_true(net->in_mean[i] == 0.0f);
        assert_true(net->in_std[i] == 1.0f);
    }
    net->in_mean[3] = 8.0f;
    const float *mean = net->in_mean;
    assert_true(ami_net_add_normalizer(net)); /* one that is there stays as it is */
    assert_ptr_equal(net->in_mean, mean);
    assert_true(net->in_mean[3] == 8.0f);
    ami_net_destroy(net);
}

static void test_metadata(void **state)
{
    (void)state;
    ami_net *net = ami_net_create(1, (int[]){1, 1}, NULL);
    assert_non_null(net);
    assert_null(ami_net_get_meta(net, "mode"));

    char key[] = "mode", value[] = "residual";
    assert_true(ami_net_set_meta(net, key, value));
    key[0] = value[0] = '?'; /* the net has copies of its own */
    assert_string_equal(ami_net_get_meta(net, "mode"), "residual");

    for (int i = 0; i < 50; i++) {
        const char name[] = {(char)('A' + i), '\0'};
        assert_true(ami_net_set_meta(net, name, i % 2 ? "odd" : ""));
    }
    assert_int_equal(net->metas, 51);
    assert_string_equal(ami_net_get_meta(net, "A"), "");
    assert_string_equal(ami_net_get_meta(net, "B"), "odd");
    assert_string_equal(net->meta[0].key, "mode"); /* in the order they came */

    assert_true(ami_net_set_meta(net, "mode", "absolute"));
    assert_true(ami_net_set_meta(net, "mode", ami_net_get_meta(net, "mode"))); /* its own text */
    assert_string_equal(ami_net_get_meta(net, "mode"), "absolute");
    assert_int_equal(net->metas, 51);
    assert_null(ami_net_get_meta(net, "mod"));
    ami_net_destroy(net);
}

static void test_numbers(void **state)
{
    (void)state;
    ami_net *net = ami_net_create(1, (int[]){1, 1}, NULL);
    assert_non_null(net);
    ami_error err = {""};
    double value = 7;
    assert_true(ami_net_get_number(net, "rate", 0, 1, &value, &err)); /* it is not there */
    assert_true(value == 7);
    static const struct {
        const char *text;
        double value; /* NAN: refused */
    } row[] = {{".25", .25}, {"0", 0},      {"1", 1},      {"2.5e-1", .25}, {"1.001", NAN}, {"-1e-9", NAN},
               {"", NAN},    {"fast", NAN}, {"1 Hz", NAN}, {"nan", NAN},    {"inf", NAN},   {"-", NAN}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        assert_true(ami_net_set_meta(net, "rate", row[i].text));
        value = 7;
        const bool taken = ami_net_get_number(net, "rate", 0, 1, &value, &err);
        assert_int_equal(taken, !isnan(row[i].value));
        assert_true(value == (taken ? row[i].value : 7));
        if (!taken) {
            char expected[128];
            snprintf(expected, sizeof expected, "metadata \"rate\" is \"%s\", expected a number from 0 to 1",
                     row[i].text);
            assert_string_equal(err.text, expected);
            assert_false(ami_net_get_number(net, "rate", 0, 1, &value, NULL)); /* nobody listens */
        }
    }
    ami_net_destroy(net);
}

static void test_parameter_block(void **state)
{
    (void)state;
    ami_net *net = ami_net_create(2, (int[]){3, 2, 4}, NULL);
    assert_non_null(net);
    enum { COUNT = 3 * 2 + 2 + 2 * 4 + 4 };
    assert_int_equal(ami_net_parameters(net), COUNT);

    float block[COUNT], back[COUNT + 1];
    for (int i = 0; i < COUNT; i++)
        block[i] = (float)(i + 1);
    ami_net_set_parameters(net, block);
    assert_true(net->weight[0][0] == 1.0f && net->weight[0][5] == 6.0f);
    assert_true(net->bias[0][0] == 7.0f && net->bias[0][1] == 8.0f);
    assert_true(net->weight[1][0] == 9.0f && net->weight[1][7] == 16.0f);
    assert_true(net->bias[1][0] == 17.0f && net->bias[1][3] == 20.0f);

    back[COUNT] = -1.0f;
    ami_net_get_parameters(net, back);
    assert_memory_equal(back, block, sizeof block);
    assert_true(back[COUNT] == -1.0f);
    ami_net_destroy(net);

    net = ami_net_create(3, (int[]){197, 1024, 512, 36}, NULL);
    assert_non_null(net);
    assert_int_equal(ami_net_parameters(net), 746020);
    ami_net_destroy(net);
}

static ami_net *numbered(int hidden, float first)
{
    ami_net *net = ami_net_create(2, (int[]){2, hidden, 1}, NULL);
    float block[64];
    assert_non_null(net);
    for (size_t i = 0; i < ami_net_parameters(net); i++)
        block[i] = first + (float)i;
    ami_net_set_parameters(net, block);
    return net;
}

static void refuse_average(const ami_net *a, const ami_net *b, const char *sentence)
{
    ami_error err = {""};
    assert_false(ami_net_can_average(a, b, &err));
    assert_string_equal(err.text, sentence);
}

static void test_average(void **state)
{
    (void)state;
    ami_net *a = numbered(3, 0), *b = numbered(3, 8);
    assert_true(ami_net_can_average(a, b, NULL));
    ami_net_average(a, b, .25);
    float block[64];
    ami_net_get_parameters(a, block);
    for (size_t i = 0; i < ami_net_parameters(a); i++)
        assert_true(block[i] == (float)i + 2);
    ami_net_average(a, b, 0);
    assert_true(a->weight[0][0] == 2);
    ami_net_average(a, b, 1);
    assert_true(a->weight[0][0] == 8 && a->bias[1][0] == b->bias[1][0]);

    b->act[0] = AMI_ACT_ELU;
    refuse_average(a, b, "elu after layer 0 found, expected relu");
    b->act[0] = AMI_ACT_RELU;
    assert_true(ami_net_add_normalizer(a));
    refuse_average(a, b,
                   "another normaliser of inputs found, expected the same: only networks of one training can "
                   "be averaged");
    assert_true(ami_net_add_normalizer(b) && ami_net_can_average(a, b, NULL));
    b->in_std[1] = 2;
    refuse_average(a, b,
                   "another normaliser of inputs found, expected the same: only networks of one training can "
                   "be averaged");
    ami_net_destroy(b);
    b = numbered(4, 0);
    refuse_average(a, b, "4 hidden units found, expected 3");
    ami_net_destroy(a);
    a = ami_net_create(1, (int[]){2, 1}, NULL);
    refuse_average(a, b, "2 layers found, expected 1");
    ami_net_destroy(a);
    ami_net_destroy(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_refuses_bad_shapes),
        cmocka_unit_test(test_average),
        cmocka_unit_test(test_defaults),
        cmocka_unit_test(test_largest_shapes),
        cmocka_unit_test(test_normalizer),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_parameter_block),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
