/* nets/stylevae: the networks against direct runs by nets/model.h, heads in either order, noise, and
 * errors. */
#include "nets/stylevae.h"

#include "base/rng.h"
#include "nets/onnx/onnx.h"

#include <setjmp.h>
#include <stdarg.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

enum { ROWS = 37 }; /* more than two blocks */

static ami_net *random_net(int layers, const int *dim, uint64_t seed)
{
    ami_rng rng = ami_rng_seed(seed, 0);
    ami_net *net = ami_net_create(layers, dim, NULL);
    assert_non_null(net);
    for (int l = 0; l < layers; l++)
        for (int i = 0; i < dim[l] * dim[l + 1]; i++)
            net->weight[l][i] = (float)ami_rng_range(&rng, -1, 1) / sqrtf((float)dim[l]);
    return net;
}

static ami_net *encoder(const char *first, const char *second)
{
    ami_net *net = random_net(3, (const int[]){AMI_STYLE_WINDOW, 512, 256, 512}, 1);
    net->in_shape = (ami_net_shape){2, {60, 73}};
    net->heads = 2;
    for (int h = 0; h < 2; h++) {
        const char *name = h ? second : first;
        net->head[h] =
            (ami_net_head){.name = name ? strdup(name) : NULL, .outputs = 256, .shape = {1, {256}}};
    }
    return net;
}

static ami_net *decoder(void)
{
    ami_net *net = random_net(3, (const int[]){256, 256, 512, AMI_STYLE_WINDOW}, 2);
    net->head[0].shape = (ami_net_shape){2, {60, 73}};
    return net;
}

static float *normal(size_t n, uint64_t seed)
{
    ami_rng rng = ami_rng_seed(seed, 0);
    float *x = malloc(n * sizeof *x);
    assert_non_null(x);
    for (size_t i = 0; i < n; i++)
        x[i] = (float)ami_rng_normal(&rng);
    return x;
}

/* The model by itself on all rows at once. */
static float *by_hand(const ami_model *model, const float *in)
{
    float *out = malloc((size_t)ami_model_outputs(model) * ROWS * sizeof *out);
    void *workspace = malloc(ami_model_workspace_size(model, ROWS));
    assert_true(out && workspace);
    ami_model_run(model, workspace, in, ROWS, out);
    free(workspace);
    return out;
}

static void *workspace_of(const ami_stylevae *vae)
{
    void *workspace = malloc(ami_stylevae_workspace_size(vae));
    assert_non_null(workspace);
    return workspace;
}

/* Names, the first head's first, and whether the mean comes first. */
static const struct {
    const char *first, *second;
    bool mean_first;
} order[] = {{"mu", "logvar", true},
             {NULL, NULL, true},
             {"mean", "log_variance", true},
             {"logvar", "mu", false},
             {"z_log_var", "z_mean", false},
             {"Mu", "LogVar", true},
             {"encoder/mu", "encoder/log_var", true}};

static void encoding(void **state)
{
    (void)state;
    float *window = normal((size_t)ROWS * AMI_STYLE_WINDOW, 3);
    float *mean = malloc(ROWS * 256 * sizeof *mean), *variance = malloc(ROWS * 256 * sizeof *variance);
    assert_true(mean && variance);
    for (size_t k = 0; k < sizeof order / sizeof *order; k++) {
        ami_error err = {""};
        ami_stylevae vae;
        ami_net *net = encoder(order[k].first, order[k].second);
        if (!ami_stylevae_init(&vae, net, NULL, NULL, &err))
            fail_msg("%s", err.text);
        void *workspace = workspace_of(&vae);
        float *want = by_hand(vae.encoder, window);
        for (int n = 1; n <= ROWS; n += k == 0 ? 1 : 36) {
            memset(mean, 0x5a, ROWS * 256 * sizeof *mean);
            ami_stylevae_encode(&vae, workspace, window, n, mean, variance);
            for (int r = 0; r < n; r++) {
                const float *row = want + r * 512;
                assert_memory_equal(mean + r * 256, row + (order[k].mean_first ? 0 : 256), 1024);
                assert_memory_equal(variance + r * 256, row + (order[k].mean_first ? 256 : 0), 1024);
            }
        }
        memset(mean, 0, ROWS * 256 * sizeof *mean);
        ami_stylevae_encode(&vae, workspace, window, ROWS, mean, NULL); /* the mean alone is enough for
                                                                           many */
        assert_memory_equal(mean + 36 * 256, want + 36 * 512 + (order[k].mean_first ? 0 : 256), 1024);
        ami_stylevae_encode(&vae, workspace, window, ROWS, NULL, variance);
        free(want);
        free(workspace);
        ami_stylevae_free(&vae);
        ami_net_destroy(net);
    }
    free(window);
    free(mean);
    free(variance);
}

static void decoding(void **state)
{
    (void)state;
    ami_error err = {""};
    ami_stylevae vae;
    ami_net *net = decoder();
    if (!ami_stylevae_init(&vae, NULL, net, NULL, &err))
        fail_msg("%s", err.text);
    float *z = normal(ROWS * 256, 4), *want = by_hand(vae.decoder, z);
    float *window = malloc((size_t)ROWS * AMI_STYLE_WINDOW * sizeof *window);
    void *workspace = workspace_of(&vae);
    assert_non_null(window);
    ami_stylevae_decode(&vae, workspace, z, ROWS, window);
    assert_memory_equal(window, want, (size_t)ROWS * AMI_STYLE_WINDOW * sizeof *window);
    ami_stylevae_decode(&vae, workspace, z + 20 * 256, 1, window);
    assert_memory_equal(window, want + (size_t)20 * AMI_STYLE_WINDOW, AMI_STYLE_WINDOW * sizeof *window);
    free(z);
    free(want);
    free(window);
    free(workspace);
    ami_stylevae_free(&vae);
    assert_null(vae.decoder);
    ami_net_destroy(net);
}

static void both_share_a_workspace(void **state)
{
    (void)state;
    ami_error err = {""};
    ami_stylevae vae, alone;
    ami_net *in = encoder("mu", "logvar"), *out = decoder();
    assert_true(ami_stylevae_init(&alone, NULL, out, NULL, &err));
    if (!ami_stylevae_init(&vae, in, out, NULL, &err))
        fail_msg("%s", err.text);
    assert_true(ami_stylevae_workspace_size(&vae) >= ami_stylevae_workspace_size(&alone));
    char *room = malloc(ami_stylevae_workspace_size(&vae) + 3);
    float *window = normal((size_t)ROWS * AMI_STYLE_WINDOW, 5), *want = by_hand(vae.encoder, window);
    float *z = malloc(ROWS * 256 * sizeof *z);
    assert_true(room && z);
    for (int off = 0; off < 4; off++) { /* any alignment */
        memset(z, 0, ROWS * 256 * sizeof *z);
        ami_stylevae_encode(&vae, room + off, window, ROWS, z, NULL);
        for (int r = 0; r < ROWS; r++)
            assert_memory_equal(z + r * 256, want + r * 512, 1024);
    }
    free(want);
    want = by_hand(vae.decoder, z);
    ami_stylevae_decode(&vae, room + 3, z, ROWS, window);
    assert_memory_equal(window, want, (size_t)ROWS * AMI_STYLE_WINDOW * sizeof *window);
    free(want);
    free(window);
    free(room);
    free(z);
    ami_stylevae_free(&vae);
    ami_stylevae_free(&alone);
    ami_net_destroy(in);
    ami_net_destroy(out);
}

static void sampling(void **state)
{
    (void)state;
    float *mean = normal(3 * 256, 6), *variance = normal(3 * 256, 7), *noise = normal(3 * 256, 8), z[3 * 256];
    ami_stylevae_sample(mean, variance, noise, 3, z);
    for (int i = 0; i < 3 * 256; i++) {
        const double want = (double)mean[i] + (double)noise[i] * sqrt(exp((double)variance[i]));
        if (!(fabs((double)z[i] - want) < 1e-5))
            fail_msg("number %d is %g, expected %g", i, (double)z[i], want);
    }
    memset(noise, 0, 3 * 256 * sizeof *noise);
    ami_stylevae_sample(mean, variance, noise, 3, z);
    assert_memory_equal(z, mean, sizeof z);
    free(mean);
    free(variance);
    free(noise);
}

static void assert_refused(const ami_net *in, const ami_net *out, const char *words)
{
    ami_error err = {""};
    ami_stylevae vae;
    if (ami_stylevae_init(&vae, in, out, NULL, &err))
        fail_msg("it was taken; \"%s\" was expected", words);
    if (!strstr(err.text, words))
        fail_msg("\"%s\" does not say \"%s\"", err.text, words);
    assert_true(!vae.encoder && !vae.decoder);
}

static void other_networks_are_refused(void **state)
{
    (void)state;
    static const char *const name[][2] = {{"mu", "sigma"},  {"mu", NULL},           {NULL, "logvar"},
                                          {"a", "b"},       {"mean_var", "mu_var"}, {"mu", "mean"},
                                          {"logvar", "var"}};
    for (size_t k = 0; k < sizeof name / sizeof *name; k++) {
        ami_net *net = encoder(name[k][0], name[k][1]);
        assert_refused(net, NULL, "its heads are named \"");
        ami_net_destroy(net);
    }
    ami_net *net = encoder("mu", "logvar");
    net->in_shape = (ami_net_shape){2, {73, 60}};
    assert_refused(net, NULL, "its input is 73 × 60");
    net->in_shape = (ami_net_shape){1, {AMI_STYLE_WINDOW}};
    net->head[0].outputs = 300;
    net->head[1].outputs = 212;
    assert_refused(net, NULL, "2 heads of 512 outputs together");
    net->heads = 1;
    assert_refused(net, NULL, "1 heads of 512 outputs together");
    assert_refused(NULL, net, "it has 4380 inputs, expected a StyleVAE decoder's 256");
    ami_net *good = encoder(NULL, NULL), *wrong = decoder();
    wrong->head[0].shape = (ami_net_shape){2, {73, 60}};
    assert_refused(NULL, wrong, "1 output, the first of 73 × 60");
    assert_refused(good, wrong, "1 output, the first of 73 × 60");
    assert_refused(net, good, "1 heads of 512 outputs together");
    ami_net_destroy(net);
    ami_net_destroy(good);
    ami_net_destroy(wrong);
}

static void files(void **state)
{
    (void)state;
    ami_error err = {""};
    char path[64];
    ami_stylevae vae;
    snprintf(path, sizeof path, "/tmp/ami_test_stylevae.%ld.onnx", (long)getpid());
    /* flat, as a file without Reshape is */
    ami_net *net = random_net(2, (const int[]){256, 8, AMI_STYLE_WINDOW}, 9);
    if (!ami_onnx_write(path, net, AMI_ONNX_FLOAT32, &err) ||
        !ami_stylevae_load(&vae, NULL, path, NULL, &err))
        fail_msg("%s", err.text);
    assert_true(vae.decoder && !vae.encoder);
    ami_stylevae_free(&vae);
    assert_false(ami_stylevae_load(&vae, path, NULL, NULL, &err));
    assert_true(strncmp(err.text, path, strlen(path)) == 0 &&
                strstr(err.text, ": its input is 256, expected"));
    assert_false(ami_stylevae_load(&vae, path, path, NULL, &err));
    assert_false(ami_stylevae_load(&vae, NULL, "nothing.onnx", NULL, &err));
    assert_non_null(strstr(err.text, "nothing.onnx"));
    assert_true(!vae.encoder && !vae.decoder);
    unlink(path);
    ami_net_destroy(net);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(encoding),
        cmocka_unit_test(decoding),
        cmocka_unit_test(both_share_a_workspace),
        cmocka_unit_test(sampling),
        cmocka_unit_test(other_networks_are_refused),
        cmocka_unit_test(files),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
