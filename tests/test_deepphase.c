/* nets/deepphase: phases, unwrapping and interpolation, for every phase; and hand-made networks with exactly
 * known phase, from an ONNX file to the period. */
#include "tests/phases.h"

#include "nets/onnx/onnx.h"

#include <unistd.h>

enum { IN = AMI_DEEPPHASE_INPUTS, PICK_X = 5, PICK_Y = 131 };

/* ---- Phases ---- */

static void points_and_phases(void **state)
{
    (void)state;
    static const struct {
        double x, y, phase, amplitude;
    } row[] = {
        {1, 0, 0, 1},       {0, 2, .25, 2},        {-3, 0, .5, 3},
        {0, -4, .75, 4},    {1, 1, .125, M_SQRT2}, {0, 0, 0, 0},
        {-0.0, -0.0, 0, 0}, {1, -1e-300, 0, 1},    {1e-200, 1e-200, .125, M_SQRT2 * 1e-200},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        const ami_phase p = ami_phase_from_point(row[i].x, row[i].y);
        near("phase", p.phase, row[i].phase, 1e-15);
        near("amplitude", p.amplitude, row[i].amplitude, 1e-15 * row[i].amplitude);
        assert_true(p.phase >= 0 && p.phase < 1);
    }
    ami_rng rng = ami_rng_seed(1, 0);
    for (int i = 0; i < 10000; i++) {
        const double cycles = ami_rng_range(&rng, -20, 20), amplitude = ami_rng_range(&rng, .01, 9);
        const ami_phase p = ami_phase_at(cycles, amplitude), q = ami_phase_from_point(p.x, p.y);
        assert_true(p.phase >= 0 && p.phase < 1);
        near("phase of its own point", ami_phase_difference(p.phase, q.phase), 0, 1e-15);
        near("amplitude of its own point", q.amplitude, amplitude, 1e-14);
    }
    assert_true(ami_phase_at(-1e-20, 1).phase == 0);
}

static void differences(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(2, 0);
    for (int i = 0; i < 10000; i++) {
        const double a = ami_rng_uniform(&rng), b = ami_rng_uniform(&rng), d = ami_phase_difference(a, b);
        assert_true(d > -.5 && d <= .5);
        near("where the way ends", ami_phase_difference(fmod(a + d + 1, 1), b), 0, 1e-15);
        near("the way back", ami_phase_difference(b, a), -d, 1e-15);
    }
    assert_true(ami_phase_difference(.25, .75) == .5);
    assert_true(ami_phase_difference(.75, .25) == .5);
    near("across the wrap", ami_phase_difference(.9, .1), .2, 1e-15);
}

static void unwrapping(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(3, 0);
    for (int t = 0; t < 200; t++) {
        const double from = ami_rng_uniform(&rng), step = ami_rng_range(&rng, -.49, .49);
        steady(300, 1, from, step, 0, &rng);
        for (int i = 0; i < 300; i++) {
            near("unwrapped", unwrapped[i], phases[0].phase + step * i, 1e-12);
            near("whole turns", unwrapped[i] - phases[i].phase, round(unwrapped[i] - phases[i].phase), 1e-12);
        }
    }
    /* Half a cycle a frame is forwards, whichever side of the wrap. */
    steady(20, 1, .25, .5, 0, &rng);
    for (int i = 0; i < 20; i++)
        near("by halves", unwrapped[i], .25 + .5 * i, 1e-12);
    /* Frames without a phase keep their neighbour's. */
    start(7, 30);
    const double cycles[] = {0, 0, .9, 0, .1, .3, 0};
    for (int i = 0; i < 7; i++)
        phases[i] = ami_phase_at(cycles[i], i == 0 || i == 1 || i == 3 || i == 6 ? 0 : 1);
    ami_phase_unwrap(&trajectory);
    const double want[] = {.9, .9, .9, .9, 1.1, 1.3, 1.3};
    for (int i = 0; i < 7; i++)
        near("with gaps", unwrapped[i], want[i], 1e-15);
    for (int i = 0; i < 7; i++)
        phases[i].amplitude = 0;
    ami_phase_unwrap(&trajectory);
    for (int i = 0; i < 7; i++)
        assert_true(unwrapped[i] == 0);
}

/* ---- Interpolation ---- */

static ami_phase between(ami_phase a, ami_phase b, double weight)
{
    ami_phase out;
    ami_error err = {""};
    if (!ami_deepphase_interpolate(&a, &b, weight, &out, &err))
        fail_msg("%s", err.text);
    return out;
}

static void interpolation(void **state)
{
    (void)state;
    ami_rng rng = ami_rng_seed(11, 0);
    for (int t = 0; t < 20000; t++) {
        const ami_phase a = ami_phase_at(ami_rng_uniform(&rng), ami_rng_range(&rng, .1, 3));
        const ami_phase b = ami_phase_at(ami_rng_uniform(&rng), ami_rng_range(&rng, .1, 3));
        const double w = ami_rng_uniform(&rng), way = ami_phase_difference(a.phase, b.phase);
        const ami_phase p = between(a, b, w), back = between(b, a, 1 - w);
        near("part of the way", ami_phase_difference(a.phase, p.phase), w * way, 1e-14);
        near("amplitude", p.amplitude, (1 - w) * a.amplitude + w * b.amplitude, 1e-14);
        near("x", p.x, p.amplitude * cos(TURN * p.phase), 1e-14);
        near("y", p.y, p.amplitude * sin(TURN * p.phase), 1e-14);
        near("the other way round", ami_phase_difference(p.phase, back.phase), 0, 1e-14);
        near("the other way round", back.amplitude, p.amplitude, 1e-14);
        const double turn = ami_rng_uniform(&rng); /* turning both turns what is between */
        const ami_phase turned =
            between(ami_phase_at(a.phase + turn, a.amplitude), ami_phase_at(b.phase + turn, b.amplitude), w);
        if (fabs(way) < .499)
            near("turned", ami_phase_difference(p.phase + turn, turned.phase), 0, 1e-13);
        const ami_phase at0 = between(a, b, 0), at1 = between(a, b, 1);
        assert_memory_equal(&at0, &a, sizeof a);
        assert_memory_equal(&at1, &b, sizeof b);
    }
}

static void interpolation_at_its_borders(void **state)
{
    (void)state;
    for (int t = 0; t < 100; t++) { /* exactly opposite: forwards from either, also where rounding hides it */
        const ami_phase a = ami_phase_at(t / 100., 1), b = ami_phase_at(t / 100. + .5, 3);
        near("forwards", ami_phase_difference(a.phase, between(a, b, .25).phase), .125, 1e-12);
        near("forwards", ami_phase_difference(b.phase, between(b, a, .25).phase), .125, 1e-12);
        near("amplitude", between(a, b, .25).amplitude, 1.5, 1e-15);
    }
    const ami_phase none = ami_phase_at(0, 0), some = ami_phase_at(.7, 2);
    for (int k = 0; k <= 4; k++) {
        const double w = k / 4.;
        near("phase out of nothing", between(none, some, w).phase, .7, 1e-15);
        near("amplitude out of nothing", between(none, some, w).amplitude, 2 * w, 1e-15);
        near("phase into nothing", between(some, none, w).phase, .7, 1e-15);
        near("amplitude into nothing", between(some, none, w).amplitude, 2 - 2 * w, 1e-15);
        const ami_phase still = between(none, none, w);
        assert_true(still.phase == 0 && still.amplitude == 0 && still.x == 0 && still.y == 0);
    }
    ami_phase out, bad = some;
    ami_error err = {""};
    const double weight[] = {-1e-9, 1.000001, NAN, INFINITY};
    for (int k = 0; k < 4; k++) {
        assert_false(ami_deepphase_interpolate(&some, &some, weight[k], &out, &err));
        assert_non_null(strstr(err.text, "weight"));
    }
    bad.phase = NAN;
    assert_false(ami_deepphase_interpolate(&bad, &some, .5, &out, &err));
    assert_non_null(strstr(err.text, "the first phase"));
    bad = (ami_phase){.amplitude = INFINITY};
    assert_false(ami_deepphase_interpolate(&some, &bad, .5, &out, &err));
    assert_non_null(strstr(err.text, "the second phase"));
}

/* ---- The network ---- */

/* DeepPhase's shape, passing features PICK_X and PICK_Y through as relu(v) - relu(-v), times `gain`: exact.
 */
static ami_net *picking_net(float gain)
{
    ami_net *net = ami_net_create(4, (const int[]){IN, 256, 128, 32, 2}, NULL);
    assert_non_null(net);
    for (int k = 0; k < 4; k++) {
        net->weight[0][k * IN + (k < 2 ? PICK_X : PICK_Y)] = k % 2 ? -1 : 1;
        net->weight[1][k * 256 + k] = 1;
        net->weight[2][k * 128 + k] = 1;
        net->weight[3][k / 2 * 32 + k] = k % 2 ? -gain : gain;
    }
    return net;
}

static ami_net *random_net(void)
{
    ami_rng rng = ami_rng_seed(12, 0);
    ami_net *net = ami_net_create(4, (const int[]){IN, 256, 128, 32, 2}, NULL);
    assert_non_null(net);
    for (int l = 0; l < 4; l++)
        for (int i = 0; i < net->dim[l] * net->dim[l + 1]; i++)
            net->weight[l][i] = (float)(ami_rng_normal(&rng) * sqrt(2. / net->dim[l]));
    return net;
}

typedef struct subject {
    ami_model *model;
    ami_deepphase deepphase;
    void *workspace;
} subject;

static subject make(const ami_net *net, ami_precision precision)
{
    ami_error err = {""};
    ami_model_def def = ami_model_default_def();
    def.precision = precision;
    subject s = {.model = ami_model_create(net, &def, &err)};
    if (!s.model)
        return s;
    if (!ami_deepphase_init(&s.deepphase, s.model, &err))
        fail_msg("%s", err.text);
    s.workspace = malloc(ami_deepphase_workspace_size(&s.deepphase));
    assert_non_null(s.workspace);
    return s;
}

static void unmake(subject *s)
{
    free(s->workspace);
    ami_deepphase_free(&s->deepphase); /* the model is not its own */
    ami_model_destroy(s->model);
}

static float *random_frames(int n, uint64_t seed)
{
    ami_rng rng = ami_rng_seed(seed, 0);
    float *frame = malloc((size_t)n * IN * sizeof *frame);
    assert_non_null(frame);
    for (int i = 0; i < n * IN; i++)
        frame[i] = (float)ami_rng_normal(&rng);
    return frame;
}

static void encoding_is_exact(void **state)
{
    (void)state;
    ami_net *net = picking_net(1);
    subject s = make(net, AMI_PRECISION_FP32);
    float *frame = random_frames(150, 13);
    ami_error err = {""};
    assert_true(ami_deepphase_encode_batch(&s.deepphase, s.workspace, frame, 150, phases, &err));
    for (int i = 0; i < 150; i++) {
        const double x = frame[i * IN + PICK_X], y = frame[i * IN + PICK_Y];
        assert_true(phases[i].x == x && phases[i].y == y);
        near("phase", phases[i].phase, atan2(y, x) < 0 ? atan2(y, x) / TURN + 1 : atan2(y, x) / TURN, 1e-15);
        near("amplitude", phases[i].amplitude, sqrt(x * x + y * y), 1e-14);
    }
    free(frame);
    unmake(&s);
    ami_net_destroy(net);
}

static void batches_change_no_bit(void **state)
{
    (void)state;
    ami_net *net = random_net();
    float *frame = random_frames(150, 14);
    int precisions = 0;
    for (int p = 0; p <= AMI_PRECISION_AUTO; p++) {
        subject s = make(net, (ami_precision)p);
        if (!s.model)
            continue; /* no kernel for it here */
        precisions++;
        ami_error err = {""};
        for (int n = 1; n <= 150; n += n < 70 ? 1 : 80) {
            memset(phases, 0x5a, sizeof phases);
            assert_true(ami_deepphase_encode_batch(&s.deepphase, s.workspace, frame, n, phases, &err));
            for (int i = 0; i < n; i++) {
                ami_phase one;
                assert_true(ami_deepphase_encode(&s.deepphase, s.workspace, frame + i * IN, &one, &err));
                assert_memory_equal(&one, &phases[i], sizeof one);
            }
        }
        unmake(&s);
    }
    assert_true(precisions >= 2); /* fp32 and auto run everywhere */
    free(frame);
    ami_net_destroy(net);
}

static void a_walk_from_features_to_period(void **state)
{
    (void)state;
    ami_net *net = picking_net(1);
    ami_error err = {""};
    char path[64];
    snprintf(path, sizeof path, "/tmp/ami_test_deepphase.%ld.onnx", (long)getpid());
    if (!ami_onnx_write(path, net, AMI_ONNX_FLOAT32, &err))
        fail_msg("%s", err.text);
    ami_model_def def = ami_model_default_def();
    def.precision = AMI_PRECISION_FP32;
    ami_deepphase deepphase;
    if (!ami_deepphase_load(&deepphase, path, &def, &err))
        fail_msg("%s", err.text);
    unlink(path);
    void *workspace = malloc(ami_deepphase_workspace_size(&deepphase));
    float *frame = random_frames(200, 15);
    assert_non_null(workspace);
    for (int i = 0; i < 200; i++) { /* 1.1 s a cycle at 30 Hz, backwards */
        frame[i * IN + PICK_X] = (float)(.7 * cos(TURN * (.15 - i / 33.)));
        frame[i * IN + PICK_Y] = (float)(.7 * sin(TURN * (.15 - i / 33.)));
    }
    start(200, 30);
    if (!ami_deepphase_encode_sequence(&deepphase, workspace, frame, &trajectory, &err))
        fail_msg("%s", err.text);
    get_velocity();
    for (int i = 0; i < 200; i++) {
        near("unwrapped", unwrapped[i], .15 - i / 33., 1e-7);
        near("amplitude", phases[i].amplitude, .7, 1e-7);
        near("velocity", velocity[i], -30 / 33., 1e-5);
    }
    const ami_phase_period p = period();
    near("period", p.period_s, 1.1, 1e-6);
    near("confidence", p.confidence, 1, 1e-5);
    assert_true(p.velocity < 0 && !p.short_of_two_cycles);
    free(workspace);
    free(frame);
    ami_deepphase_free(&deepphase);
    assert_null(deepphase.model);
    ami_net_destroy(net);
}

static void frames_that_are_refused(void **state)
{
    (void)state;
    ami_net *net = picking_net(3e38f);
    subject s = make(net, AMI_PRECISION_FP32);
    float *frame = random_frames(100, 16);
    ami_error err = {""};
    for (int i = 0; i < 100; i++)
        frame[i * IN + PICK_X] = frame[i * IN + PICK_Y] = .5f;
    start(100, 30);
    assert_true(ami_deepphase_encode_sequence(&s.deepphase, s.workspace, frame, &trajectory, &err));
    frame[70 * IN + PICK_Y] = 2; /* 6e38 is beyond float */
    assert_false(ami_deepphase_encode_batch(&s.deepphase, s.workspace, frame, 100, phases, &err));
    assert_non_null(strstr(err.text, "frame 70: the network gives ("));
    const float bad[] = {NAN, INFINITY, -INFINITY};
    for (int k = 0; k < 3; k++) { /* in a feature that the network does not even look at */
        frame[99 * IN + 40] = bad[k];
        assert_false(ami_deepphase_encode_sequence(&s.deepphase, s.workspace, frame, &trajectory, &err));
        assert_non_null(strstr(err.text, "frame 99: feature 40 is "));
        assert_false(ami_deepphase_encode(&s.deepphase, s.workspace, frame + 99 * IN, phases, &err));
        assert_non_null(strstr(err.text, "frame 0: feature 40 is "));
    }
    trajectory.rate = 0;
    assert_false(ami_deepphase_encode_sequence(&s.deepphase, s.workspace, frame, &trajectory, &err));
    assert_non_null(strstr(err.text, "the rate is 0"));
    free(frame);
    unmake(&s);
    ami_net_destroy(net);
}

static void other_networks_are_refused(void **state)
{
    (void)state;
    ami_error err = {""};
    ami_deepphase deepphase;
    const int dim[2][2] = {{131, 2}, {132, 3}};
    for (int k = 0; k < 2; k++) {
        ami_net *net = ami_net_create(1, dim[k], NULL);
        ami_model *model = ami_model_create(net, NULL, &err);
        assert_non_null(model);
        assert_false(ami_deepphase_init(&deepphase, model, &err));
        assert_non_null(strstr(err.text, k ? "from 132 to 3 numbers" : "from 131 to 2 numbers"));
        assert_null(deepphase.model);
        ami_model_destroy(model);
        ami_net_destroy(net);
    }
    assert_false(ami_deepphase_load(&deepphase, "assets/models/walk.onnx", NULL, &err));
    assert_non_null(strstr(err.text, "walk.onnx: a network from 197 to 36 numbers"));
    assert_null(deepphase.owned);
    assert_false(ami_deepphase_load(&deepphase, "nothing.onnx", NULL, &err));
    assert_non_null(strstr(err.text, "nothing.onnx"));
    ami_deepphase_free(&deepphase);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(points_and_phases),
        cmocka_unit_test(differences),
        cmocka_unit_test(unwrapping),
        cmocka_unit_test(interpolation),
        cmocka_unit_test(interpolation_at_its_borders),
        cmocka_unit_test(encoding_is_exact),
        cmocka_unit_test(batches_change_no_bit),
        cmocka_unit_test(a_walk_from_features_to_period),
        cmocka_unit_test(frames_that_are_refused),
        cmocka_unit_test(other_networks_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
