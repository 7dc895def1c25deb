/* Fuzzes the reader of inference requests (server/infer.h) and the route of every other request: no crash, no
 * leak, a sentence for what is refused, an answer for what is taken. The first two bytes say how many of the
 * others are JSON. */
#include "nets/onnx/onnx.h"
#include "server/routes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifndef AMB_SOURCE_DIR
#define AMB_SOURCE_DIR "."
#endif

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void demand(bool truth)
{
    if (!truth)
        abort();
}

static srv_store *store;

static srv_model *model_once(void)
{
    static srv_model *model;
    if (!model) {
        store = srv_store_open(AMB_SOURCE_DIR "/tests/data/onnx/good", NULL, NULL);
        demand(store != NULL);
        model = srv_acquire(store, "gemm_opset13", 0);
        demand(model != NULL);
    }
    return model;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    srv_model *model = model_once();
    if (size < 2)
        return 0;
    const int64_t length = data[0] | data[1] << 8;
    const char *body = (const char *)data + 2;
    srv_infer infer;
    ami_error err = {""};
    if (srv_infer_read(&infer, model, body, size - 2, length == 0xffff ? -1 : length, &err)) {
        demand(infer.rows >= 1 && infer.outputs >= 1);
        memset(infer.out, 0, (size_t)infer.rows * (size_t)ami_model_outputs(model->model) * sizeof(float));
        size_t answer_size;
        int64_t header;
        char *answer = srv_infer_answer(&infer, &answer_size, &header);
        demand(answer != NULL && answer_size > 0 && header <= (int64_t)answer_size);
        free(answer);
        srv_infer_free(&infer);
    } else {
        demand(err.text[0] != 0);
    }
    char path[256];
    snprintf(path, sizeof path, "/%.*s", (int)(size - 2 < 250 ? size - 2 : 250), body);
    srv_site site = {.store = store};
    if (!strncmp(path, "/metrics", 8) || !strncmp(path, "/v1/status", 10) || strstr(path, "load"))
        return 0;
    const srv_answer answer = srv_route(&site, &(srv_request){.path = path, .query = ""});
    demand(answer.status >= 200 && answer.status < 600);
    free(answer.body);
    return 0;
}
