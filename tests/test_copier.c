/* learn/copier: two networks learn from examples; same bits for any number of threads. */
#include "tests/policy.h"

#include "learn/copier.h"
#include "tests/allocations.h"

enum { INPUTS = 7, HIDDEN1 = 24, HIDDEN2 = 16, ACTIONS = 5, ROWS = 96 };

static float x[ROWS * INPUTS], action[ROWS * ACTIONS], value[ROWS];

/* A fixed function of the observation: bends, products and steps. */
static int set_up(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(31, 0);
    for (int i = 0; i < ROWS; i++) {
        float *o = x + i * INPUTS;
        for (int k = 0; k < INPUTS; k++)
            o[k] = (float)ami_rng_normal(&rng);
        for (int a = 0; a < ACTIONS; a++)
            action[i * ACTIONS + a] = .3f * fmaxf(o[a], o[a + 1]) - .2f * o[a + 2];
        value[i] = .5f + .3f * fabsf(o[0]);
    }
    set_threads(2);
    return 0;
}

static void make(ami_copier *c, ami_train_precision precision)
{
    ami_error err = {""};
    if (!ami_copier_init(c, INPUTS, HIDDEN1, HIDDEN2, ACTIONS, ROWS, NULL, precision, &err))
        fail_msg("%s", err.text);
}

/* Somebody else's parameters to start from. */
static void start(ami_copier *c)
{
    float *from[2];
    ami_rng rng = ami_rng_seed(32, 0);
    for (int k = 0; k < 2; k++) {
        const size_t size = ami_train_net_size(c->net[k]);
        from[k] = malloc(size * sizeof *from[k]);
        for (size_t i = 0; i < size; i++)
            from[k][i] = .2f * (float)ami_rng_normal(&rng);
    }
    ami_copier_start(c, from[0], from[1]);
    for (int k = 0; k < 2; k++) {
        assert_memory_equal(ami_train_net_parameters(c->net[k]), from[k],
                            ami_train_net_size(c->net[k]) * sizeof(float));
        free(from[k]);
    }
}

/* The network's answers, worked out in double. */
static void answer(ami_train_net *net, int outputs, const float *in, double *out)
{
    const int dim[] = {INPUTS, HIDDEN1, HIDDEN2, outputs};
    const float *p = ami_train_net_parameters(net);
    double now[HIDDEN1], next[HIDDEN1];
    for (int k = 0; k < INPUTS; k++)
        now[k] = (double)in[k];
    for (int l = 0; l < 3; l++) {
        const float *bias = p + dim[l] * dim[l + 1];
        for (int r = 0; r < dim[l + 1]; r++) {
            double sum = (double)bias[r];
            for (int k = 0; k < dim[l]; k++)
                sum += (double)p[r * dim[l] + k] * now[k];
            next[r] = l < 2 ? fmax(sum, 0) : sum;
        }
        memcpy(now, next, sizeof now);
        p = bias + dim[l + 1];
    }
    memcpy(out, now, (size_t)outputs * sizeof *out);
}

static double error_of(ami_train_net *net, int outputs, const float *target, int n)
{
    double squares = 0, got[ACTIONS];
    for (int i = 0; i < n; i++) {
        answer(net, outputs, x + i * INPUTS, got);
        for (int k = 0; k < outputs; k++)
            squares += pow(got[k] - (double)target[i * outputs + k], 2) / (n * outputs);
    }
    return sqrt(squares);
}

static void a_fixed_function_is_learned(void **state)
{
    (void)state;
    for (int bf16 = 0; bf16 < 2; bf16++) {
        if (bf16 && !ami_train_bf16_native())
            continue;
        ami_copier c;
        make(&c, bf16 ? AMI_TRAIN_BF16 : AMI_TRAIN_FP32);
        start(&c);
        const double before[2] = {error_of(c.net[0], ACTIONS, action, ROWS),
                                  error_of(c.net[1], 1, value, ROWS)};
        const double said = ami_copier_learn(&c, x, action, value, ROWS, 2e-3f);
        assert_near(said, before[0], (bf16 ? 2e-2 : 1e-5) * before[0], "error before the step", bf16);
        for (int step = 1; step < 600; step++)
            ami_copier_learn(&c, x, action, value, ROWS, 2e-3f);
        const double after[2] = {error_of(c.net[0], ACTIONS, action, ROWS),
                                 error_of(c.net[1], 1, value, ROWS)};
        if (!(after[0] < .1 * before[0] && after[1] < .1 * before[1]))
            fail_msg("errors of %.4f and %.4f, before %.4f and %.4f", after[0], after[1], before[0],
                     before[1]);
        assert_true(c.adam[0].step == 600 && c.adam[1].step == 600);

        start(&c); /* forgets all */
        for (int k = 0; k < 2; k++) {
            assert_true(c.adam[k].step == 0);
            for (size_t i = 0; i < ami_train_net_size(c.net[k]); i++)
                assert_true(c.adam[k].m[i] == 0 && c.adam[k].v[i] == 0);
        }
        assert_true(ami_copier_learn(&c, x, action, value, ROWS, 2e-3f) == said);
        ami_copier_free(&c);
    }
}

/* Fewer examples than there is room for; no values. */
static void values_may_be_left_out(void **state)
{
    (void)state;
    enum { FEW = 13 };
    ami_copier c;
    make(&c, AMI_TRAIN_FP32);
    start(&c);
    const size_t bytes = ami_train_net_size(c.net[1]) * sizeof(float);
    float *critic = malloc(bytes);
    memcpy(critic, ami_train_net_parameters(c.net[1]), bytes);
    const double before = error_of(c.net[0], ACTIONS, action, FEW);
    assert_near(ami_copier_learn(&c, x, action, NULL, FEW, 1e-3f), before, 1e-5 * before,
                "error of the first few", 0);
    assert_memory_equal(critic, ami_train_net_parameters(c.net[1]), bytes);
    assert_true(c.adam[0].step == 1 && c.adam[1].step == 0);
    assert_true(error_of(c.net[0], ACTIONS, action, FEW) < before);
    free(critic);
    ami_copier_free(&c);
    ami_copier_free(&c); /* freed is as good as never made */
}

static void any_team_learns_the_same_bits(void **state)
{
    (void)state;
    float *parameters[3][2];
    double errors[3];
    size_t size[2] = {0};
    for (int threads = 1; threads <= 3; threads++) {
        set_threads(threads);
        ami_copier c;
        make(&c, AMI_TRAIN_FP32);
        start(&c);
        for (int step = 0; step < 20; step++)
            errors[threads - 1] = ami_copier_learn(&c, x, action, value, ROWS, 1e-3f);
        for (int k = 0; k < 2; k++) {
            size[k] = ami_train_net_size(c.net[k]) * sizeof(float);
            parameters[threads - 1][k] = malloc(size[k]);
            memcpy(parameters[threads - 1][k], ami_train_net_parameters(c.net[k]), size[k]);
        }
        ami_copier_free(&c);
    }
    set_threads(2);
    for (int i = 1; i < 3; i++) {
        assert_true(errors[i] == errors[0]);
        for (int k = 0; k < 2; k++)
            assert_memory_equal(parameters[i][k], parameters[0][k], size[k]);
    }
    for (int i = 0; i < 3; i++)
        free(parameters[i][0]), free(parameters[i][1]);
}

static void what_cannot_be_made_is_refused(void **state)
{
    (void)state;
    ami_copier c;
    ami_error err = {""};
    assert_false(ami_copier_init(&c, 0, HIDDEN1, HIDDEN2, ACTIONS, ROWS, NULL, AMI_TRAIN_FP32, &err));
    assert_true(err.text[0] != '\0');
    assert_true(!c.net[0] && !c.net[1] && !c.d[0] && !c.d[1]);
    ami_copier_free(&c);
}

/* oneDNN allocates in every product. Without memory nothing is learned, now or later, and that is said. */
static void without_memory_nothing_is_learned(void **state)
{
    (void)state;
    SKIP_WHERE_OPENMP_ABORTS();
    if (asked == 0)
        skip(); /* a sanitizer's malloc */
    for (int bf16 = 0; bf16 < 2; bf16++) {
        if (bf16 && !ami_train_bf16_native())
            continue;
        ami_copier c;
        make(&c, bf16 ? AMI_TRAIN_BF16 : AMI_TRAIN_FP32);
        ami_error err = {""};
        start(&c);
        ami_copier_learn(&c, x, action, value, ROWS, 1e-3f);
        assert_false(ami_copier_failed(&c, &err));
        float *before[2];
        for (int k = 0; k < 2; k++) {
            const size_t bytes = ami_train_net_size(c.net[k]) * sizeof(float);
            before[k] = malloc(bytes);
            memcpy(before[k], ami_train_net_parameters(c.net[k]), bytes);
        }
        no_memory = true;
        ami_copier_learn(&c, x, action, value, ROWS, 1e-3f);
        no_memory = false;
        assert_true(ami_copier_failed(&c, &err));
        assert_sentence(&err, "oneDNN|out of memory");
        ami_copier_learn(&c, x, action, value, ROWS, 1e-3f);
        for (int k = 0; k < 2; k++) {
            assert_memory_equal(ami_train_net_parameters(c.net[k]), before[k],
                                ami_train_net_size(c.net[k]) * sizeof(float));
            assert_true(c.adam[k].step == 1);
            free(before[k]);
        }
        ami_copier_free(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_fixed_function_is_learned),       cmocka_unit_test(values_may_be_left_out),
        cmocka_unit_test(any_team_learns_the_same_bits),     cmocka_unit_test(what_cannot_be_made_is_refused),
        cmocka_unit_test(without_memory_nothing_is_learned),
    };
    return cmocka_run_group_tests(tests, set_up, NULL);
}
