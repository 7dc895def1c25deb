/* amble/base.h and amble/model.h as a host uses them: linked against the shared library alone. */
#include <amble/model.h>

#include "tests/allocations.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define WALK "assets/models/walk.onnx"
#define GOOD "tests/data/onnx/good/"

static int asserted;

static void count_assertion(void *context, const char *condition, const char *function)
{
    (void)context;
    assert_non_null(condition);
    assert_non_null(function);
    asserted++;
}

static void expect_sentence(const char *part)
{
    if (!strstr(amb_error_message(), part))
        fail_msg("\"%s\" is not in the sentence \"%s\"", part, amb_error_message());
}

static void *read_file(const char *path, size_t *size)
{
    FILE *file = fopen(path, "rb");
    assert_non_null(file);
    assert_int_equal(fseek(file, 0, SEEK_END), 0);
    *size = (size_t)ftell(file);
    rewind(file);
    void *bytes = malloc(*size);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, *size, file), *size);
    fclose(file);
    return bytes;
}

static void loads_a_policy_and_describes_it(void **state)
{
    (void)state;
    amb_model *model = NULL;
    assert_int_equal(amb_model_load(WALK, NULL, &model), AMB_OK);
    assert_int_equal(amb_model_inputs(model), 1);
    assert_int_equal(amb_model_outputs(model), 1);
    amb_tensor_info in = {.size = sizeof in}, out = {.size = sizeof out};
    assert_int_equal(amb_model_input(model, 0, &in), AMB_OK);
    assert_int_equal(amb_model_output(model, 0, &out), AMB_OK);
    assert_string_equal(in.name, "input");
    assert_string_equal(out.name, "output");
    assert_int_equal(in.type, AMB_FLOAT32);
    assert_int_equal(in.rank, 2);
    assert_int_equal(in.shape[0], -1);
    assert_int_equal(in.shape[1], 197);
    assert_int_equal(out.shape[1], 36);
    assert_non_null(amb_model_metadata_key(model, 0));
    assert_string_equal(amb_model_metadata(model, "action"), "residual");
    assert_null(amb_model_metadata(model, "nothing"));
    assert_null(amb_model_metadata_key(model, 10000));
    amb_model_info info = {.size = sizeof info};
    assert_int_equal(amb_model_get_info(model, &info), AMB_OK);
    assert_int_equal(info.multiplications, 197 * 1024 + 1024 * 512 + 512 * 36);
    assert_true(info.weight_bytes >= (size_t)info.multiplications);
    assert_true(info.mse < 1e-6);
    assert_non_null(info.precisions);
    assert_true(!strncmp(info.precisions, "int", 3) || !strncmp(info.precisions, "bf16", 4) ||
                !strncmp(info.precisions, "fp32", 4));
    assert_int_equal(amb_model_output(model, 1, &out), AMB_ERROR_ARGUMENT);
    expect_sentence("output 1 was asked for, expected 0 to 0");
    amb_model_destroy(model);
}

/* One row alone, without a batch dimension, and the same row among others: the same bits. */
static void a_row_depends_on_itself_alone(void **state)
{
    (void)state;
    enum { ROWS = 5 };
    amb_model *model;
    static float rows[ROWS][197], all[ROWS][36], one[36];
    assert_int_equal(amb_model_load(WALK, NULL, &model), AMB_OK);
    for (int r = 0; r < ROWS; r++)
        for (int i = 0; i < 197; i++)
            rows[r][i] = sinf((float)(r * 197 + i));
    void *workspace = malloc(amb_model_workspace_size(model, ROWS));
    const amb_tensor in = {"input", rows, AMB_FLOAT32, 2, {ROWS, 197}};
    const amb_tensor out = {NULL, all, AMB_FLOAT32, 2, {ROWS, 36}};
    assert_int_equal(amb_model_run(model, &in, 1, &out, 1, workspace), AMB_OK);
    for (int r = 0; r < ROWS; r++) {
        const amb_tensor row = {NULL, rows[r], AMB_FLOAT32, 1, {197}};
        const amb_tensor action = {"output", one, AMB_FLOAT32, 1, {36}};
        assert_int_equal(amb_model_run(model, &row, 1, &action, 1, workspace), AMB_OK);
        assert_memory_equal(one, all[r], sizeof one);
    }
    free(workspace);
    amb_model_destroy(model);
}

/* Files with the rows and outputs that PyTorch gave for them. */
static void gives_what_pytorch_gives(void **state)
{
    (void)state;
    amb_model *model;
    amb_model_def def;
    amb_model_def_init(&def);
    def.precision = AMB_PRECISION_FP32;
    size_t bytes, in_bytes, out_bytes;
    void *file = read_file(GOOD "act_elu.onnx", &bytes);
    float *in = read_file(GOOD "act_elu.in", &in_bytes),
          *expected = read_file(GOOD "act_elu.out", &out_bytes);
    assert_int_equal(amb_model_load_memory(file, bytes, "elu", &def, &model), AMB_OK);
    free(file);
    amb_tensor_info of_in = {.size = sizeof of_in}, of_out = {.size = sizeof of_out};
    amb_model_input(model, 0, &of_in);
    amb_model_output(model, 0, &of_out);
    const int64_t rows = (int64_t)(in_bytes / sizeof(float)) / of_in.shape[1];
    assert_int_equal(out_bytes, (size_t)(rows * of_out.shape[1]) * sizeof(float));
    float *found = malloc(out_bytes);
    void *workspace = malloc(amb_model_workspace_size(model, rows));
    const amb_tensor from = {NULL, in, AMB_FLOAT32, 2, {rows, of_in.shape[1]}};
    const amb_tensor to = {NULL, found, AMB_FLOAT32, 2, {rows, of_out.shape[1]}};
    assert_int_equal(amb_model_run(model, &from, 1, &to, 1, workspace), AMB_OK);
    double square = 0;
    for (size_t i = 0; i < out_bytes / sizeof(float); i++)
        square += pow((double)found[i] - (double)expected[i], 2);
    assert_true(square / (double)(out_bytes / sizeof(float)) < 1e-10);
    free(workspace);
    free(found);
    free(expected);
    free(in);
    amb_model_destroy(model);
}

/* StyleVAE's encoder: an input of three dimensions, two heads, which may be asked for in any order or alone.
 */
static void several_outputs_in_any_order(void **state)
{
    (void)state;
    amb_model *model;
    static float window[60 * 73], mean[2][256], variance[2][256];
    assert_int_equal(amb_model_load("assets/models/stylevae_encoder.onnx", NULL, &model), AMB_OK);
    assert_int_equal(amb_model_outputs(model), 2);
    amb_tensor_info in = {.size = sizeof in};
    assert_int_equal(amb_model_input(model, 0, &in), AMB_OK);
    assert_int_equal(in.rank, 3);
    assert_int_equal(in.shape[1], 60);
    assert_int_equal(in.shape[2], 73);
    for (int i = 0; i < 60 * 73; i++)
        window[i] = cosf((float)i);
    void *workspace = malloc(amb_model_workspace_size(model, 1));
    const amb_tensor from = {NULL, window, AMB_FLOAT32, 3, {1, 60, 73}};
    const amb_tensor both[2] = {{"logvar", variance[0], AMB_FLOAT32, 2, {1, 256}},
                                {"mu", mean[0], AMB_FLOAT32, 2, {1, 256}}};
    const amb_tensor alone = {"logvar", variance[1], AMB_FLOAT32, 1, {256}};
    const amb_tensor in_place[2] = {{NULL, mean[1], AMB_FLOAT32, 2, {1, 256}},
                                    {NULL, window, AMB_FLOAT32, 2, {1, 256}}};
    assert_int_equal(amb_model_run(model, &from, 1, both, 2, workspace), AMB_OK);
    assert_int_equal(amb_model_run(model, &from, 1, &alone, 1, workspace), AMB_OK);
    assert_int_equal(amb_model_run(model, &from, 1, in_place, 2, workspace), AMB_OK);
    assert_memory_equal(variance[0], variance[1], sizeof variance[0]);
    assert_memory_equal(mean[0], mean[1], sizeof mean[0]);
    assert_memory_equal(window, variance[0], sizeof variance[0]);
    assert_true(fabsf(mean[0][0] - variance[0][0]) > 0);
    free(workspace);
    amb_model_destroy(model);
}

static void a_run_allocates_nothing(void **state)
{
    (void)state;
    amb_model *model;
    static float row[197], action[36];
    assert_int_equal(amb_model_load(WALK, NULL, &model), AMB_OK);
    void *workspace = malloc(amb_model_workspace_size(model, 1));
    const amb_tensor in = {NULL, row, AMB_FLOAT32, 1, {197}}, out = {NULL, action, AMB_FLOAT32, 1, {36}};
    const long before = asked;
    for (int i = 0; i < 100; i++)
        assert_int_equal(amb_model_run(model, &in, 1, &out, 1, workspace), AMB_OK);
    assert_int_equal(asked, before);
    free(workspace);
    amb_model_destroy(model);
}

static void refuses_what_does_not_fit(void **state)
{
    (void)state;
    amb_model *model;
    static float row[197], action[36];
    assert_int_equal(amb_model_load(WALK, NULL, &model), AMB_OK);
    void *workspace = malloc(amb_model_workspace_size(model, 1));
    const amb_tensor in = {NULL, row, AMB_FLOAT32, 1, {197}}, out = {NULL, action, AMB_FLOAT32, 1, {36}};
    static const struct {
        amb_tensor in, out;
        int inputs, outputs;
        const char *sentence;
    } bad[] = {
        {{"obs", row, AMB_FLOAT32, 1, {197}},
         {NULL, action, AMB_FLOAT32, 1, {36}},
         1,
         1,
         "there is no input \"obs\", expected \"input\""},
        {{NULL, row, AMB_FLOAT32, 1, {196}},
         {NULL, action, AMB_FLOAT32, 1, {36}},
         1,
         1,
         "input \"input\" has shape (196), expected (batch, 197)"},
        {{NULL, row, AMB_FLOAT16, 1, {197}},
         {NULL, action, AMB_FLOAT32, 1, {36}},
         1,
         1,
         "input \"input\" has type 10, expected 1 (float32)"},
        {{NULL, row, AMB_FLOAT32, 2, {0, 197}},
         {NULL, action, AMB_FLOAT32, 1, {36}},
         1,
         1,
         "has shape (0, 197)"},
        {{NULL, row, AMB_FLOAT32, 99, {1}}, {NULL, action, AMB_FLOAT32, 1, {36}}, 1, 1, "of another rank"},
        {{NULL, NULL, AMB_FLOAT32, 1, {197}}, {NULL, action, AMB_FLOAT32, 1, {36}}, 1, 1, "has no data"},
        {{NULL, row, AMB_FLOAT32, 1, {197}},
         {"torque", action, AMB_FLOAT32, 1, {36}},
         1,
         1,
         "there is no output \"torque\", expected \"output\""},
        {{NULL, row, AMB_FLOAT32, 1, {197}},
         {NULL, action, AMB_FLOAT32, 2, {2, 36}},
         1,
         1,
         "output \"output\" has 2 rows, but the input has 1"},
        {{NULL, row, AMB_FLOAT32, 1, {197}},
         {NULL, action, AMB_FLOAT32, 1, {36}},
         2,
         1,
         "2 inputs were given"},
        {{NULL, row, AMB_FLOAT32, 1, {197}},
         {NULL, action, AMB_FLOAT32, 1, {36}},
         1,
         0,
         "0 outputs were given"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        memset(action, 1, sizeof action);
        assert_int_equal(
            amb_model_run(model, &bad[i].in, bad[i].inputs, &bad[i].out, bad[i].outputs, workspace),
            AMB_ERROR_ARGUMENT);
        expect_sentence(bad[i].sentence);
        assert_int_equal(((char *)action)[0], 1);
    }
    assert_int_equal(amb_model_run(model, &in, 1, &out, 1, workspace), AMB_OK);
    free(workspace);
    amb_model_destroy(model);
}

static void own_models_are_found_by_name(void **state)
{
    (void)state;
    static const char *const name[] = {"walk", "walk.onnx"};
    amb_model *model;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(amb_model_load(name[i], NULL, &model), AMB_OK);
        assert_int_equal(amb_model_inputs(model), 1);
        amb_model_destroy(model);
    }
}

static void bad_files_have_their_own_results(void **state)
{
    (void)state;
    amb_model *model = (amb_model *)&model;
    assert_int_equal(amb_model_load("moonwalk", NULL, &model), AMB_ERROR_NOT_FOUND);
    expect_sentence("among amble's models, which are backflip");
    assert_int_equal(amb_model_load("nowhere/walk.onnx", NULL, &model), AMB_ERROR_NOT_FOUND);
    assert_null(model);
    expect_sentence("nowhere/walk.onnx");
    assert_int_equal(amb_model_load("README.md", NULL, &model), AMB_ERROR_FILE);
    expect_sentence("README.md");
    assert_int_equal(amb_model_load_memory("x", 1, "the host's bytes", NULL, &model), AMB_ERROR_FILE);
    expect_sentence("the host's bytes");
    amb_model_def def;
    amb_model_def_init(&def);
    def.max_mse = -1;
    assert_int_equal(amb_model_load(WALK, &def, &model), AMB_ERROR_ARGUMENT);
    expect_sentence("max_mse is -1, expected more than 0");
    amb_model_def_init(&def);
    def.precision = (amb_precision)77;
    assert_int_equal(amb_model_load(WALK, &def, &model), AMB_ERROR_ARGUMENT);
    expect_sentence("the precision is 77");
    assert_null(model);
    assert_string_equal(amb_result_name(AMB_ERROR_NOT_FOUND), "not found");
    assert_string_equal(amb_result_name((amb_result)99), "unknown");
}

/* An older header's definition is shorter, a newer one's longer; one that nobody initialised is a broken
 * program's. */
static void definitions_carry_their_size(void **state)
{
    (void)state;
    amb_model *model = NULL;
    amb_model_def def;
    amb_model_def_init(&def);
    assert_int_equal(def.size, sizeof def);
    def.precision = AMB_PRECISION_FP32;
    def.size = offsetof(amb_model_def, max_mse);
    def.max_mse = -1; /* behind its end: not read */
    assert_int_equal(amb_model_load(WALK, &def, &model), AMB_OK);
    amb_model_info info = {.size = sizeof info};
    amb_model_get_info(model, &info);
    assert_int_equal(info.precision, AMB_PRECISION_FP32);
    assert_string_equal(info.precisions, "fp32");
    info = (amb_model_info){.size = offsetof(amb_model_info, kernel), .kernel = "as it was"};
    assert_int_equal(amb_model_get_info(model, &info), AMB_OK);
    assert_string_equal(info.kernel, "as it was");
    amb_model_destroy(model);

    asserted = 0;
    amb_set_assert_handler(count_assertion, NULL);
    memset(&def, 0, sizeof def);
    assert_int_equal(amb_model_load(WALK, &def, &model), AMB_ERROR_ARGUMENT);
    assert_int_equal(asserted, 1);
    assert_int_equal(amb_model_load(NULL, NULL, &model), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_model_inputs(NULL), 0);
    assert_int_equal(asserted, 3);
    amb_set_assert_handler(NULL, NULL);
    amb_model_destroy(NULL);
}

static char logged[512];

static void keep_log(void *context, amb_log_level level, const char *sentence)
{
    assert_ptr_equal(context, logged);
    assert_int_equal(level, AMB_LOG_INFO);
    snprintf(logged, sizeof logged, "%s", sentence);
}

static void logs_through_the_host_alone(void **state)
{
    (void)state;
    amb_model *model;
    amb_set_log_handler(keep_log, logged);
    assert_int_equal(amb_model_load(WALK, NULL, &model), AMB_OK);
    amb_set_log_handler(NULL, NULL);
    assert_non_null(strstr(logged, "assets/models/walk.onnx: "));
    amb_model_destroy(model);
}

static void says_what_it_is_and_runs_on(void **state)
{
    (void)state;
    assert_int_equal(amb_version_number(), AMB_VERSION_NUMBER);
    assert_string_equal(amb_version_string(), AMB_VERSION_STRING);
    amb_cpu_info cpu = {.size = sizeof cpu};
    assert_int_equal(amb_get_cpu_info(&cpu), AMB_OK);
    assert_true(cpu.cores >= 1);
    for (int p = 0; p < 4; p++)
        assert_true(strlen(cpu.kernel[p]) > 2);
}

static void finds_assets_where_it_is_told(void **state)
{
    (void)state;
    char path[4096], little[8];
    assert_int_equal(amb_find_asset("models/walk.onnx", path, sizeof path), AMB_OK);
    assert_int_equal(amb_find_asset("models/walk.onnx", little, sizeof little), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_set_assets("tests/data"), AMB_OK);
    assert_int_equal(amb_find_asset("models/walk.onnx", path, sizeof path), AMB_ERROR_NOT_FOUND);
    expect_sentence("looked in tests/data");
    assert_int_equal(amb_find_asset("onnx/good/act_elu.onnx", path, sizeof path), AMB_OK);
    assert_string_equal(path, "tests/data/onnx/good/act_elu.onnx");
    assert_int_equal(amb_set_assets("no such folder"), AMB_ERROR_NOT_FOUND);
    assert_int_equal(amb_set_assets(NULL), AMB_OK);
    assert_int_equal(amb_find_asset("models/walk.onnx", path, sizeof path), AMB_OK);
}

/* A recurrent network: three inputs and outputs by name, the state's rows in its second dimension. */
static void runs_a_graph(void **state)
{
    (void)state;
    static const char path[] = "tests/data/graph/exports/rsl_lstm_batch.onnx";
    amb_model *model;
    assert_int_equal(amb_model_load(path, NULL, &model), AMB_OK);
    assert_int_equal(amb_model_inputs(model), 3);
    assert_int_equal(amb_model_outputs(model), 3);
    amb_tensor_info info = {.size = sizeof info};
    assert_int_equal(amb_model_input(model, 1, &info), AMB_OK);
    assert_string_equal(info.name, "h_in");
    assert_int_equal(info.rank, 3);
    assert_int_equal(info.shape[1], -1);
    assert_int_equal(amb_model_input(model, 3, &info), AMB_ERROR_ARGUMENT);

    enum { ROWS = 4 };
    static float obs[ROWS * 18], h[ROWS * 16], c[ROWS * 16], actions[ROWS * 5], h_out[ROWS * 16], one[5];
    for (int i = 0; i < ROWS * 18; i++)
        obs[i] = (float)(i % 7) * .1f;
    void *workspace = malloc(amb_model_workspace_size(model, ROWS));
    const amb_tensor in[] = {{"c_in", c, AMB_FLOAT32, 3, {1, ROWS, 16}},
                             {"obs", obs, AMB_FLOAT32, 2, {ROWS, 18}},
                             {"h_in", h, AMB_FLOAT32, 3, {1, ROWS, 16}}};
    const amb_tensor out[] = {{"actions", actions, AMB_FLOAT32, 2, {ROWS, 5}},
                              {"h_out", h_out, AMB_FLOAT32, 3, {1, ROWS, 16}}};
    assert_int_equal(amb_model_run(model, in, 3, out, 2, workspace), AMB_OK);
    const amb_tensor in_one[] = {{"obs", obs + 2 * 18, AMB_FLOAT32, 1, {18}},
                                 {"h_in", h, AMB_FLOAT32, 3, {1, 1, 16}},
                                 {"c_in", c, AMB_FLOAT32, 3, {1, 1, 16}}};
    const amb_tensor out_one[] = {{"actions", one, AMB_FLOAT32, 2, {1, 5}}};
    assert_int_equal(amb_model_run(model, in_one, 3, out_one, 1, workspace), AMB_OK);
    assert_memory_equal(one, actions + 2 * 5, sizeof one);
    assert_true(h_out[0] != 0);

    assert_int_equal(amb_model_run(model, in, 2, out, 2, workspace), AMB_ERROR_ARGUMENT);
    const amb_tensor wrong[] = {in[0], in[1], {"h_in", h, AMB_FLOAT32, 3, {1, ROWS - 1, 16}}};
    assert_int_equal(amb_model_run(model, wrong, 3, out, 2, workspace), AMB_ERROR_ARGUMENT);
    const amb_tensor unknown[] = {in[0], in[1], {"state", h, AMB_FLOAT32, 3, {1, ROWS, 16}}};
    assert_int_equal(amb_model_run(model, unknown, 3, out, 2, workspace), AMB_ERROR_ARGUMENT);
    assert_non_null(strstr(amb_error_message(), "state"));
    free(workspace);
    amb_model_destroy(model);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_a_policy_and_describes_it),  cmocka_unit_test(a_row_depends_on_itself_alone),
        cmocka_unit_test(gives_what_pytorch_gives),         cmocka_unit_test(several_outputs_in_any_order),
        cmocka_unit_test(a_run_allocates_nothing),          cmocka_unit_test(runs_a_graph),
        cmocka_unit_test(refuses_what_does_not_fit),        cmocka_unit_test(own_models_are_found_by_name),
        cmocka_unit_test(bad_files_have_their_own_results), cmocka_unit_test(definitions_carry_their_size),
        cmocka_unit_test(logs_through_the_host_alone),      cmocka_unit_test(says_what_it_is_and_runs_on),
        cmocka_unit_test(finds_assets_where_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
