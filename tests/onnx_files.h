/* For tests of reading and writing ONNX: a scratch folder, whole files, networks of random numbers. */
#ifndef AMI_TESTS_ONNX_FILES_H
#define AMI_TESTS_ONNX_FILES_H

#include "base/file.h"
#include "base/rng.h"
#include "nets/onnx/onnx.h"

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

#include "tests/scratch.h"

#ifndef AMB_SOURCE_DIR
#define AMB_SOURCE_DIR "."
#endif
#define CASES AMB_SOURCE_DIR "/tests/data/onnx/"

static char net_path[96]; /* a file in the scratch folder */

static inline int make_folder(void **state)
{
    const int failed = make_scratch(state);
    snprintf(net_path, sizeof net_path, "%s/net.onnx", scratch_folder);
    return failed;
}

static inline int remove_folder(void **state)
{
    unlink(net_path);
    return remove_empty_scratch(state); /* fails if a temporary file was left behind */
}

static inline ami_net *read_net(const char *path)
{
    ami_error err = {0};
    ami_net *net = ami_onnx_read(path, &err);
    if (!net)
        fail_msg("%s", err.text);
    assert_string_equal(err.text, "");
    return net;
}

static inline void assert_refused(const char *path, const char *words)
{
    ami_error err = {0};
    ami_net *net = ami_onnx_read(path, &err);
    if (net)
        fail_msg("%s was read, should be refused: %s", path, words);
    if (strncmp(err.text, path, strlen(path)) != 0 || !strstr(err.text, words))
        fail_msg("\"%s\" should begin with the path and contain \"%s\"", err.text, words);
    assert_null(ami_onnx_read(path, NULL));
}

static inline ami_net *random_net(ami_rng *rng, int layers, const int *dim, bool normalizer, float clip)
{
    ami_error err = {0};
    ami_net *net = ami_net_create(layers, dim, &err);
    assert_non_null(net);
    for (int l = 0; l < layers; l++) {
        for (int i = 0; i < dim[l] * dim[l + 1]; i++)
            net->weight[l][i] = (float)ami_rng_normal(rng);
        for (int i = 0; i < dim[l + 1]; i++)
            net->bias[l][i] = (float)ami_rng_normal(rng);
    }
    net->weight[0][0] = -0.f;
    net->bias[0][0] = -0.f;
    if (normalizer) {
        assert_true(ami_net_add_normalizer(net));
        for (int i = 0; i < dim[0]; i++) {
            net->in_mean[i] = (float)ami_rng_normal(rng);
            net->in_std[i] = (float)ami_rng_range(rng, .02, 3);
        }
        net->in_clip = clip;
    }
    return net;
}

#endif
