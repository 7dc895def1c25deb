/* Fuzzing of the ONNX reader: any bytes are refused with a sentence, or they make a sound net. */
#include "base/text.h"
#include "nets/onnx/onnx.h"

#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool holds)
{
    if (!holds)
        abort();
}

static void check_numbers(const float *numbers, size_t count)
{
    for (size_t i = 0; i < count; i++)
        require(isfinite(numbers[i]));
}

static size_t numbers_of(const ami_net_shape *shape)
{
    size_t count = 1;
    require(shape->rank >= 1 && shape->rank <= AMI_NET_MAX_RANK);
    for (int i = 0; i < shape->rank; i++) {
        require(shape->dim[i] >= 1);
        count *= (size_t)shape->dim[i];
    }
    return count;
}

static void check_net(const ami_net *net)
{
    size_t outputs = 0;
    require(net->layers >= 1 && net->layers <= AMI_NET_MAX_LAYERS && net->heads >= 1 &&
            net->heads <= AMI_NET_MAX_HEADS);
    for (int l = 0; l < net->layers; l++) {
        check_numbers(net->weight[l], (size_t)net->dim[l] * (size_t)net->dim[l + 1]);
        check_numbers(net->bias[l], (size_t)net->dim[l + 1]);
        require(net->act[l] < AMI_ACTIVATIONS && isfinite(net->act_alpha[l]));
    }
    if (net->in_mean) {
        check_numbers(net->in_mean, (size_t)net->dim[0]);
        check_numbers(net->in_std, (size_t)net->dim[0]);
        require(net->in_clip >= 0 && isfinite(net->in_clip));
    }
    require(numbers_of(&net->in_shape) == (size_t)net->dim[0]);
    for (int h = 0; h < net->heads; h++) {
        require(net->head[h].name && numbers_of(&net->head[h].shape) == (size_t)net->head[h].outputs);
        outputs += (size_t)net->head[h].outputs;
    }
    require(outputs == (size_t)net->dim[net->layers]);
    require(net->heads == 1 || net->act[net->layers - 1] == AMI_ACT_IDENTITY);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ami_error err = {0};
    ami_net *net = ami_onnx_read_memory(data, size, "model", &err);
    if (net) {
        require(err.text[0] == 0);
        check_net(net);
        ami_net_destroy(net);
        return 0;
    }
    require(strncmp(err.text, "model: ", 7) == 0 && strlen(err.text) > 16);
    require(ami_text_is_printable(err.text));
    return 0;
}
