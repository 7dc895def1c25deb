/* amble/phase.h as a host uses it: linked against the shared library alone. */
#include <amble/phase.h>

#include "tests/lib_motion.h"

#include <pthread.h>

enum { FEATURES = 132, POINTS = 22 };

static const double rate = 30;

static amb_deepphase *own_network(void)
{
    amb_deepphase *deepphase;
    expect(amb_deepphase_load(NULL, NULL, &deepphase), AMB_OK);
    return deepphase;
}

/* n frames of a clip at 30 a second. */
static float *features_of_clip(const amb_clip *clip, int n)
{
    float *features = malloc((size_t)n * FEATURES * sizeof *features);
    double pose[POSE], velocity[VELOCITY];
    assert_non_null(features);
    for (int i = 0; i < n; i++) {
        expect(amb_clip_sample(clip, i / rate, pose, velocity), AMB_OK);
        expect(amb_phase_features(humanoid(), pose, velocity, features + (size_t)i * FEATURES), AMB_OK);
    }
    return features;
}

/* A loop of one cycle: its phase goes round once in its duration, at any of its frames. */
static void a_walk_advances_by_one_cycle_in_its_duration(void **state)
{
    (void)state;
    enum { N = 120 };
    static const char *const motion[] = {"style_walk", "style_jog", "style_run", "style_zombie"};
    amb_deepphase *deepphase = own_network();
    void *workspace = malloc(amb_deepphase_workspace_size(deepphase));
    for (size_t m = 0; m < sizeof motion / sizeof *motion; m++) {
        amb_clip *clip = shipped(motion[m]);
        const double duration = info_of_clip(clip).duration;
        float *features = features_of_clip(clip, N);
        amb_phase phase[N];
        double unwrapped[N], velocity[N], mean = 0;
        expect(amb_deepphase_encode_sequence(deepphase, features, N, phase, unwrapped, workspace), AMB_OK);
        const double cycle = duration * rate; /* frames */
        for (int i = 0; i + cycle < N; i++) {
            const double at = i + cycle, u = at - floor(at);
            const int k = (int)at;
            const double later =
                k + 1 < N ? unwrapped[k] + u * (unwrapped[k + 1] - unwrapped[k]) : unwrapped[k];
            assert_true(fabs(later - unwrapped[i] - 1) < .03);
        }
        for (int i = 0; i < N; i++) {
            assert_true(phase[i].amplitude > .5 && phase[i].amplitude < 1.5);
            assert_true(phase[i].phase >= 0 && phase[i].phase < 1);
            assert_true(fabs(remainder(unwrapped[i] - phase[i].phase, 1)) < 1e-9);
        }
        expect(amb_deepphase_velocity(phase, unwrapped, N, rate, velocity), AMB_OK);
        const int whole = (int)(floor(N / cycle) * cycle);
        for (int i = 0; i < whole; i++)
            mean += velocity[i] / whole;
        assert_true(fabs(mean * duration - 1) < .05);
        amb_phase_period period = {.size = sizeof period};
        expect(amb_deepphase_periodicity(phase, unwrapped, N, rate, &period), AMB_OK);
        assert_true(fabs(period.period / duration - 1) < .01);
        assert_true(fabs(period.period * period.velocity - 1) < 1e-9);
        assert_true(fabs(period.cycles * duration * rate / N - 1) < .01);
        assert_true(period.confidence > .8 && period.confidence <= 1);
        assert_false(period.short_of_two_cycles);
        free(features);
        amb_clip_destroy(clip);
    }
    free(workspace);
    amb_deepphase_destroy(deepphase);
}

/* The same frames one by one, together, from a network in memory, and on several threads: the same bits. */
typedef struct job {
    const amb_deepphase *deepphase;
    const float *features;
    int n;
    amb_phase phase[100];
    bool ok;
} job;

static void *encode_all(void *argument)
{
    job *j = argument;
    void *workspace = malloc(amb_deepphase_workspace_size(j->deepphase));
    j->ok = workspace &&
            amb_deepphase_encode_batch(j->deepphase, j->features, j->n, j->phase, workspace) == AMB_OK;
    free(workspace);
    return NULL;
}

static void encodes_the_same_alone_together_and_on_threads(void **state)
{
    (void)state;
    enum { N = 100, THREADS = 4 };
    amb_clip *clip = shipped("style_jog");
    float *features = features_of_clip(clip, N);
    amb_deepphase *deepphase = own_network(), *copy;
    void *workspace = malloc(amb_deepphase_workspace_size(deepphase));
    amb_phase one[N];
    for (int i = 0; i < N; i++)
        expect(amb_deepphase_encode(deepphase, features + (size_t)i * FEATURES, &one[i], workspace), AMB_OK);

    FILE *file = fopen("assets/models/deepphase.onnx", "rb");
    assert_non_null(file);
    static char bytes[1 << 22];
    const size_t size = fread(bytes, 1, sizeof bytes, file);
    assert_true(size > 1000 && size < sizeof bytes);
    fclose(file);
    expect(amb_deepphase_load_memory(bytes, size, "bytes", NULL, &copy), AMB_OK);

    static job jobs[THREADS];
    pthread_t thread[THREADS];
    for (int t = 0; t < THREADS; t++) {
        jobs[t] = (job){.deepphase = t % 2 ? copy : deepphase, .features = features, .n = N};
        assert_int_equal(pthread_create(&thread[t], NULL, encode_all, &jobs[t]), 0);
    }
    for (int t = 0; t < THREADS; t++) {
        assert_int_equal(pthread_join(thread[t], NULL), 0);
        assert_true(jobs[t].ok);
        assert_memory_equal(jobs[t].phase, one, sizeof one);
    }
    free(workspace);
    free(features);
    amb_deepphase_destroy(copy);
    amb_deepphase_destroy(deepphase);
    amb_clip_destroy(clip);
}

/* Features have neither place nor heading in the world, and are those of the same points given by the
 * host. */
static void features_are_free_of_place_and_heading(void **state)
{
    (void)state;
    assert_int_equal(amb_phase_feature_count(), FEATURES);
    assert_int_equal(amb_phase_point_count(), POINTS);
    assert_string_equal(amb_phase_point_name(0), "root");
    assert_string_equal(amb_phase_point_name(10), "left heel");
    assert_null(amb_phase_point_name(POINTS));
    assert_null(amb_phase_point_name(-1));
    const amb_skeleton *skeleton = humanoid();
    amb_clip *clip = shipped("style_run");
    double pose[POSE], velocity[VELOCITY];
    float here[FEATURES], there[FEATURES];
    expect(amb_clip_sample(clip, .2, pose, velocity), AMB_OK);
    expect(amb_phase_features(skeleton, pose, velocity, here), AMB_OK);
    assert_true(here[0] == 0 && here[1] == 0); /* the root stands over the frame's origin, */
    assert_true(fabs((double)here[2] - pose[2]) < 1e-6);
    assert_true(here[3] > 2); /* and runs ahead */
    const double q[4] = {pose[3], pose[4], pose[5], pose[6]}, s = sqrt(.5);
    const double turned[4] = {s * (q[0] - q[3]), s * (q[1] - q[2]), s * (q[2] + q[1]), s * (q[3] + q[0])};
    const double speed[2] = {velocity[0], velocity[1]};
    memcpy(pose + 3, turned, sizeof turned); /* a quarter turn to the left, and moved */
    pose[0] += 5, pose[1] -= 7;
    velocity[0] = -speed[1], velocity[1] = speed[0];
    expect(amb_phase_features(skeleton, pose, velocity, there), AMB_OK);
    for (int k = 0; k < FEATURES; k++)
        assert_true(fabsf(here[k] - there[k]) < 1e-5f);

    double at[POINTS][3], moves[POINTS][3]; /* the host's points: a world of the frame's own axes */
    const double upright[4] = {s, s, 0, 0};
    for (int p = 0; p < POINTS; p++)
        for (int k = 0; k < 3; k++) {
            at[p][k] = (double)here[6 * p + k] + (k == 0 ? 11 : k == 1 ? -3 : 0);
            moves[p][k] = (double)here[6 * p + 3 + k];
        }
    expect(amb_phase_features_of_points(at[0], moves[0], upright, there), AMB_OK);
    for (int k = 0; k < FEATURES; k++)
        assert_true(fabsf(here[k] - there[k]) < 1e-5f);

    there[0] = 77;
    at[21][2] = NAN;
    expect(amb_phase_features_of_points(at[0], moves[0], upright, there), AMB_ERROR_ARGUMENT);
    expect_sentence("number 65 of the positions is nan");
    velocity[33] = INFINITY;
    expect(amb_phase_features(skeleton, pose, velocity, there), AMB_ERROR_ARGUMENT);
    expect_sentence("number 33 of the velocity is inf");
    assert_true(there[0] == 77);
    amb_clip_destroy(clip);
}

static void phases_go_round(void **state)
{
    (void)state;
    const amb_phase a = amb_phase_at(-.1, 2), b = amb_phase_from_point(a.x, a.y), c = amb_phase_at(1.2, 1);
    assert_true(fabs(a.phase - .9) < 1e-12 && fabs(b.phase - .9) < 1e-12 && fabs(b.amplitude - 2) < 1e-12);
    assert_true(fabs(amb_phase_difference(a.phase, c.phase) - .3) < 1e-12);
    assert_true(fabs(amb_phase_difference(c.phase, a.phase) + .3) < 1e-12);
    assert_true(amb_phase_difference(.25, .75) == .5 && amb_phase_difference(.75, .25) == .5);
    amb_phase out;
    expect(amb_deepphase_interpolate(&a, &c, 1 / 3., &out), AMB_OK);
    assert_true(fabs(amb_phase_difference(0, out.phase)) < 1e-12 && fabs(out.amplitude - 5 / 3.) < 1e-12);
    expect(amb_deepphase_interpolate(&a, &c, 1, &out), AMB_OK);
    assert_memory_equal(&out, &c, sizeof out);
    expect(amb_deepphase_interpolate(&a, &c, 1.5, &out), AMB_ERROR_ARGUMENT);
    expect_sentence("the weight between two phases is 1.5, expected 0 to 1");
    const amb_phase bad = {NAN, 0, 0, 1};
    expect(amb_deepphase_interpolate(&a, &bad, .5, &out), AMB_ERROR_ARGUMENT);
    assert_memory_equal(&out, &c, sizeof out);
}

static void refuses_what_is_out_of_range(void **state)
{
    (void)state;
    amb_deepphase *deepphase = own_network(), *none = deepphase;
    void *workspace = malloc(amb_deepphase_workspace_size(deepphase));
    static float features[3][FEATURES];
    amb_phase phase[3] = {{0, 0, .77, 0}};
    double unwrapped[3] = {0, 0, 0}, velocity[3];
    amb_phase_period period = {.size = sizeof period, .period = 77};
    features[2][5] = NAN;
    expect(amb_deepphase_encode_batch(deepphase, features[0], 3, phase, workspace), AMB_ERROR_ARGUMENT);
    expect_sentence("frame 2: feature 5 is nan");
    expect(amb_deepphase_encode_batch(deepphase, features[0], 0, phase, workspace), AMB_ERROR_ARGUMENT);
    expect_sentence("0 frames were given, expected 1 or more");
    expect(amb_deepphase_encode_sequence(deepphase, features[0], -1, phase, unwrapped, workspace),
           AMB_ERROR_ARGUMENT);
    assert_true(phase[0].phase == .77);
    for (int i = 0; i < 3; i++)
        phase[i] = amb_phase_at(.1 * i, 1), unwrapped[i] = .1 * i;
    expect(amb_deepphase_velocity(phase, unwrapped, 3, 0, velocity), AMB_ERROR_ARGUMENT);
    expect_sentence("the rate is 0 frames a second");
    expect(amb_deepphase_periodicity(phase, unwrapped, 3, NAN, &period), AMB_ERROR_ARGUMENT);
    expect(amb_deepphase_periodicity(phase, unwrapped, 0, 30, &period), AMB_ERROR_ARGUMENT);
    phase[1].amplitude = -1;
    expect(amb_deepphase_periodicity(phase, unwrapped, 3, 30, &period), AMB_ERROR_ARGUMENT);
    expect_sentence("frame 1: the amplitude is -1");
    assert_true(period.period == 77);
    phase[1].amplitude = 1;
    expect(amb_deepphase_velocity(phase, unwrapped, 3, 30, velocity), AMB_OK);
    assert_true(fabs(velocity[1] - 3) < 1e-9);

    expect(amb_deepphase_load("nowhere.onnx", NULL, &none), AMB_ERROR_NOT_FOUND);
    assert_null(none);
    expect(amb_deepphase_load("assets/models/walk.onnx", NULL, &none), AMB_ERROR_FILE);
    expect_sentence("assets/models/walk.onnx: a network from 197 to 36 numbers, expected a DeepPhase network "
                    "from 132 to 2");
    expect(amb_deepphase_load_memory("x", 1, "mine", NULL, &none), AMB_ERROR_FILE);
    expect_sentence("mine");
    amb_model_def def;
    amb_model_def_init(&def);
    def.max_mse = 0;
    expect(amb_deepphase_load(NULL, &def, &none), AMB_ERROR_ARGUMENT);
    expect_sentence("max_mse is 0");
    assert_null(none);
    asserted = 0;
    amb_set_assert_handler(count_assertion, NULL);
    expect(amb_deepphase_encode(NULL, features[0], phase, workspace), AMB_ERROR_ARGUMENT);
    assert_int_equal(amb_deepphase_workspace_size(NULL), 0);
    assert_int_equal(asserted, 2);
    amb_set_assert_handler(NULL, NULL);
    free(workspace);
    amb_deepphase_destroy(deepphase);
    amb_deepphase_destroy(NULL);
}

static void encoding_allocates_nothing(void **state)
{
    (void)state;
    enum { N = 70 };
    const amb_skeleton *skeleton = humanoid();
    amb_clip *clip = shipped("style_walk");
    amb_deepphase *deepphase = own_network();
    void *workspace = malloc(amb_deepphase_workspace_size(deepphase));
    float *features = features_of_clip(clip, N);
    double pose[POSE], velocity[VELOCITY], unwrapped[N], speed[N];
    amb_phase phase[N];
    amb_phase_period period = {.size = sizeof period};
    const long before = asked;
    for (int i = 0; i < 10; i++) {
        expect(amb_clip_sample(clip, .1 * i, pose, velocity), AMB_OK);
        expect(amb_phase_features(skeleton, pose, velocity, features), AMB_OK);
        expect(amb_deepphase_encode_sequence(deepphase, features, N, phase, unwrapped, workspace), AMB_OK);
        expect(amb_deepphase_velocity(phase, unwrapped, N, rate, speed), AMB_OK);
        expect(amb_deepphase_periodicity(phase, unwrapped, N, rate, &period), AMB_OK);
        expect(amb_deepphase_interpolate(&phase[0], &phase[1], .5, &phase[2]), AMB_OK);
    }
    assert_int_equal(asked, before);
    free(features);
    free(workspace);
    amb_deepphase_destroy(deepphase);
    amb_clip_destroy(clip);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_walk_advances_by_one_cycle_in_its_duration),
        cmocka_unit_test(encodes_the_same_alone_together_and_on_threads),
        cmocka_unit_test(features_are_free_of_place_and_heading),
        cmocka_unit_test(phases_go_round),
        cmocka_unit_test(refuses_what_is_out_of_range),
        cmocka_unit_test(encoding_allocates_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
