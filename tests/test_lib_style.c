/* amble/style.h as a host uses it: linked against the shared library alone. */
#include <amble/phase.h>
#include <amble/style.h>

#include "tests/lib_motion.h"

#include <pthread.h>

enum { Z = 256, FRAMES = 60, FEATURES = 73, WINDOW = FRAMES * FEATURES };

static amb_stylevae *vae; /* const after loading, so the tests share it */

typedef struct style {
    amb_latent latent;
    float z[Z];
} style;

/* Of a name or a mixture. */
static void parse(style *s, const char *text)
{
    amb_latent_init(&s->latent, s->z);
    expect(amb_style_parse(vae, text, &s->latent), AMB_OK);
}

static double distance(const style *a, const style *b)
{
    double sum = 0;
    for (int k = 0; k < Z; k++)
        sum += pow((double)a->z[k] - (double)b->z[k], 2);
    return sqrt(sum);
}

static bool same(const style *a, const style *b)
{
    return a->latent.scale == b->latent.scale && !memcmp(a->z, b->z, sizeof a->z);
}

static int style_count(void)
{
    amb_stylevae_info about = {.size = sizeof about};
    expect(amb_stylevae_get_info(vae, &about), AMB_OK);
    assert_int_equal(about.latent_size, Z);
    assert_int_equal(about.window_frames, FRAMES);
    assert_int_equal(about.window_features, FEATURES);
    assert_true(about.window_rate == 30);
    return about.styles;
}

static void lists_named_styles(void **state)
{
    (void)state;
    const int n = style_count();
    bool walk = false, stealthy = false;
    assert_true(n >= 7);
    for (int i = 0; i < n; i++) {
        amb_style_info info = {.size = sizeof info};
        style s;
        expect(amb_style_get_info(vae, i, &info), AMB_OK);
        parse(&s, info.name);
        assert_true(fabs(s.latent.scale / info.scale - 1) < 1e-12);
        assert_true(fabs(s.latent.speed / info.speed - 1) < 1e-12);
        assert_true(fabs(s.latent.tempo * info.period - 1) < 1e-12);
        walk |= !strcmp(info.name, "walk") && info.scale == 1;
        stealthy |= !strcmp(info.name, "stealthy") && info.scale > 1.5 && info.period > 3;
    }
    assert_true(walk && stealthy);
    amb_style_info info = {.size = sizeof info};
    expect(amb_style_get_info(vae, n, &info), AMB_ERROR_ARGUMENT);
    expect_sentence("was asked for, expected 0 to ");
}

static void mixes_by_weights(void **state)
{
    (void)state;
    style walk, zombie, stealthy, mix, blend, other;
    parse(&walk, "walk");
    parse(&zombie, "zombie");
    parse(&stealthy, "stealthy");
    parse(&mix, "walk:1");
    assert_true(same(&mix, &walk));
    parse(&mix, "walk:3,zombie:0");
    assert_true(same(&mix, &walk));
    parse(&mix, "walk:0.75,stealthy:0.25");
    parse(&other, "walk:3,stealthy:1");
    assert_true(same(&mix, &other));
    amb_latent_init(&blend.latent, blend.z);
    expect(amb_style_blend(vae, &walk.latent, &stealthy.latent, .25, &blend.latent), AMB_OK);
    assert_true(distance(&mix, &blend) < 1e-4 * distance(&walk, &stealthy));
    assert_true(fabs(mix.latent.scale - blend.latent.scale) < 1e-12);
    assert_true(fabs(mix.latent.speed - blend.latent.speed) < 1e-12);
    const double slow = stealthy.latent.scale; /* accelerations mix, not scales */
    assert_true(fabs(1 / pow(mix.latent.scale, 2) - (.75 + .25 / pow(slow, 2))) < 1e-12);
    expect(amb_style_blend(vae, &walk.latent, &zombie.latent, 0, &blend.latent), AMB_OK);
    assert_true(same(&blend, &walk));
    expect(amb_style_blend(vae, &walk.latent, &zombie.latent, 1, &blend.latent), AMB_OK);
    assert_true(same(&blend, &zombie));
    blend = walk; /* in place */
    blend.latent.z = blend.z;
    expect(amb_style_blend(vae, &blend.latent, &zombie.latent, .5, &blend.latent), AMB_OK);
    expect(amb_style_blend(vae, &zombie.latent, &walk.latent, .5, &other.latent), AMB_OK);
    assert_true(distance(&blend, &other) < 1e-4);
    assert_true(fabs(distance(&blend, &walk) - .5 * distance(&zombie, &walk)) < 1e-4);

    static const struct {
        const char *text, *sentence;
        amb_result result;
    } bad[] = {
        {"moonwalk", "there is no style \"moonwalk\"; known styles: ", AMB_ERROR_NOT_FOUND},
        {"walk:0.5,moon:0.5", "there is no style \"moon\"; known styles: ", AMB_ERROR_NOT_FOUND},
        {"", "expected NAME or NAME:WEIGHT,NAME:WEIGHT", AMB_ERROR_ARGUMENT},
        {"walk,", "expected NAME or NAME:WEIGHT,NAME:WEIGHT", AMB_ERROR_ARGUMENT},
        {"walk:much", "the weight of \"walk\" is \"much\", expected 0 to 1000", AMB_ERROR_ARGUMENT},
        {"walk:-1", "the weight of \"walk\" is \"-1\", expected 0 to 1000", AMB_ERROR_ARGUMENT},
        {"walk:0,run:0", "whose weights are all 0", AMB_ERROR_ARGUMENT},
    };
    const style before = mix;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        expect(amb_style_parse(vae, bad[i].text, &mix.latent), bad[i].result);
        expect_sentence(bad[i].sentence);
        assert_true(same(&mix, &before));
    }
    expect(amb_style_blend(vae, &walk.latent, &zombie.latent, NAN, &mix.latent), AMB_ERROR_ARGUMENT);
    expect_sentence("the weight between two latents is nan");
    zombie.z[9] = INFINITY;
    expect(amb_style_blend(vae, &walk.latent, &zombie.latent, .5, &mix.latent), AMB_ERROR_ARGUMENT);
    expect_sentence("number 9 of the latent is inf");
    walk.latent.scale = 0;
    expect(amb_style_blend(vae, &walk.latent, &zombie.latent, .5, &mix.latent), AMB_ERROR_ARGUMENT);
    expect_sentence("the latent's scale is 0, expected 0.1 to 100");
    assert_true(same(&mix, &before));
}

/* Every named style is a loop of one cycle, as fast and as long as the table says, whose phase goes round
 * once; the encoder finds the style in it again. */
static void makes_clips_of_styles(void **state)
{
    (void)state;
    enum { N = 60 };
    amb_deepphase *deepphase;
    expect(amb_deepphase_load(NULL, NULL, &deepphase), AMB_OK);
    void *workspace = malloc(amb_deepphase_workspace_size(deepphase));
    const int styles = style_count();
    for (int i = 0; i < styles; i++) {
        amb_style_info info = {.size = sizeof info};
        amb_style_report report = {.size = sizeof report};
        amb_clip *clip;
        style s;
        expect(amb_style_get_info(vae, i, &info), AMB_OK);
        parse(&s, info.name);
        expect(amb_style_to_clip(vae, &s.latent, info.name, &report, &clip), AMB_OK);
        const amb_clip_info made = info_of_clip(clip);
        assert_string_equal(made.name, info.name);
        assert_true(made.loops && made.frames >= 9 && made.frames <= 51);
        assert_true(fabs(made.duration - report.period) < 1e-9);
        assert_true(fabs(made.duration / info.period - 1) < .1);
        assert_true(fabs(hypot(made.cycle_offset[0], made.cycle_offset[1]) / made.duration - report.speed) <
                    1e-9);
        assert_true(fabs(report.speed - info.speed) < .15);
        assert_true(fabs(report.stretch - s.latent.scale) < 1e-12);
        assert_true(report.confidence > .2 && report.close < .1 && report.fit < .06 && report.skate > 0);
        assert_true(made.cycle_offset[0] > 0 && fabs(made.cycle_offset[1]) < .2 * made.cycle_offset[0]);

        float features[N][132];
        amb_phase phase[N];
        double unwrapped[N], pose[POSE], velocity[VELOCITY];
        for (int f = 0; f < N; f++) {
            expect(amb_clip_sample(clip, made.duration * f / (N - 1), pose, velocity), AMB_OK);
            expect(amb_phase_features(humanoid(), pose, velocity, features[f]), AMB_OK);
        }
        expect(amb_deepphase_encode_sequence(deepphase, features[0], N, phase, unwrapped, workspace), AMB_OK);
        assert_true(fabs(unwrapped[N - 1] - unwrapped[0] - 1) < .02);
        assert_true(fabs(amb_phase_difference(0, phase[0].phase)) < .03);

        style again;
        amb_latent_init(&again.latent, again.z);
        expect(amb_style_of_clip(vae, clip, &again.latent), AMB_OK);
        for (int k = 0; k < styles; k++) {
            amb_style_info rival = {.size = sizeof rival};
            style other;
            expect(amb_style_get_info(vae, k, &rival), AMB_OK);
            parse(&other, rival.name);
            if (k != i && distance(&again, &other) <= distance(&again, &s))
                fail_msg("the motion of %s is nearer to %s", info.name, rival.name);
        }
        amb_clip_destroy(clip);
    }
    free(workspace);
    amb_deepphase_destroy(deepphase);
}

/* A latent in the middle of nowhere, and values that are none. */
static void refuses_latents_without_a_motion(void **state)
{
    (void)state;
    style s;
    amb_clip *clip = (amb_clip *)&s;
    amb_style_report report = {.size = sizeof report, .period = 77};
    parse(&s, "walk");
    for (int k = 0; k < Z; k++)
        s.z[k] = k % 2 ? 40 : -40;
    expect(amb_style_to_clip(vae, &s.latent, "far", &report, &clip), AMB_ERROR_ARGUMENT);
    expect_sentence("the style \"far\" gives no usable motion: ");
    assert_null(clip);
    assert_true(report.period == 77);
    s.z[255] = NAN;
    expect(amb_style_to_clip(vae, &s.latent, "nan", NULL, &clip), AMB_ERROR_ARGUMENT);
    expect_sentence("number 255 of the latent is nan");
    parse(&s, "walk");
    s.latent.scale = 1e9;
    expect(amb_style_to_clip(vae, &s.latent, "slow", NULL, &clip), AMB_ERROR_ARGUMENT);
    expect_sentence("the latent's scale is 1e+09");
    s.latent.scale = 1;
    expect(amb_style_to_clip(vae, &s.latent, "", NULL, &clip), AMB_ERROR_ARGUMENT);
    expect_sentence("the clip's name");
    assert_null(clip);
    s.latent.scale = 2; /* the same steps, twice as slow */
    amb_style_report slow = {.size = sizeof slow}, usual = {.size = sizeof usual};
    expect(amb_style_to_clip(vae, &s.latent, "slow", &slow, &clip), AMB_OK);
    amb_clip_destroy(clip);
    s.latent.scale = 1;
    expect(amb_style_to_clip(vae, &s.latent, "usual", &usual, &clip), AMB_OK);
    amb_clip_destroy(clip);
    assert_true(fabs(slow.period - 2 * usual.period) < 1e-9);
    assert_true(fabs(slow.speed / usual.speed - .5) < .01);

    amb_clip_def def;
    amb_clip_def_init(&def);
    double time[2] = {0, 2}, pose[2][POSE];
    for (int f = 0; f < 2; f++)
        expect(amb_skeleton_rest_pose(humanoid(), pose[f]), AMB_OK);
    def.frames = 2, def.pose_size = POSE, def.time = time, def.pose = pose[0], def.name = "statue";
    expect(amb_clip_create(&def, &clip), AMB_OK);
    const style before = s;
    expect(amb_style_of_clip(vae, clip, &s.latent), AMB_ERROR_ARGUMENT);
    expect_sentence("statue: does not walk");
    assert_true(same(&s, &before));
    amb_clip_destroy(clip);
}

/* A window of a clip that begins at the strike is encoded near its style, and decoded near itself. */
static void encodes_and_decodes_windows(void **state)
{
    (void)state;
    static float window[2][WINDOW], back[2][WINDOW], z[2][Z], log_variance[2][Z], alone[Z];
    amb_clip *clip = shipped("style_walk");
    style walk, run, found;
    parse(&walk, "walk");
    parse(&run, "run");
    void *workspace = malloc(amb_stylevae_workspace_size(vae));
    expect(amb_style_window(vae, clip, 0, 1, window[0]), AMB_OK);
    expect(amb_style_window(vae, clip, .1, 1, window[1]), AMB_OK);
    for (int k = 0; k < FEATURES; k++) /* .1 s are three frames */
        assert_true(fabsf(window[0][3 * FEATURES + k] - window[1][k]) < 1e-5f);
    expect(amb_stylevae_encode(vae, window[0], 2, z[0], log_variance[0], workspace), AMB_OK);
    expect(amb_stylevae_encode(vae, window[1], 1, alone, NULL, workspace), AMB_OK);
    assert_memory_equal(alone, z[1], sizeof alone);
    expect(amb_stylevae_encode(vae, window[1], 1, NULL, alone, workspace), AMB_OK);
    assert_memory_equal(alone, log_variance[1], sizeof alone);
    memcpy(found.z, z[0], sizeof found.z);
    assert_true(distance(&found, &walk) < .5 * distance(&found, &run));
    expect(amb_stylevae_decode(vae, z[0], 2, back[0], workspace), AMB_OK);
    for (int w = 0; w < 2; w++) {
        double off = 0;
        for (int f = 0; f < FRAMES; f++)
            for (int k = 0; k < 66; k++) /* points, m */
                off += fabs((double)back[w][f * FEATURES + k] - (double)window[w][f * FEATURES + k]) /
                       (FRAMES * 66);
        assert_true(off < .02);
    }
    /* twice as fast: velocities twice as large, every other frame of the motion */
    expect(amb_style_window(vae, clip, 0, 2, window[1]), AMB_OK);
    for (int k = 0; k < 66; k++)
        assert_true(fabsf(window[0][4 * FEATURES + k] - window[1][2 * FEATURES + k]) < 1e-5f);
    assert_true(fabsf(2 * window[0][4 * FEATURES + 66] - window[1][2 * FEATURES + 66]) < 1e-5f);

    window[0][0] = 77;
    expect(amb_style_window(vae, clip, 0, 0, window[0]), AMB_ERROR_ARGUMENT);
    expect_sentence("the scale is 0, expected 0.1 to 100");
    expect(amb_style_window(vae, clip, NAN, 1, window[0]), AMB_ERROR_ARGUMENT);
    expect(amb_style_window(vae, clip, 1e9, 1, window[0]), AMB_ERROR_ARGUMENT);
    assert_true(window[0][0] == 77);
    expect(amb_stylevae_encode(vae, window[0], 0, z[0], NULL, workspace), AMB_ERROR_ARGUMENT);
    expect_sentence("0 windows were given, expected 1 or more");
    expect(amb_stylevae_decode(vae, z[0], -1, back[0], workspace), AMB_ERROR_ARGUMENT);
    expect_sentence("-1 latents were given");
    free(workspace);
    amb_clip_destroy(clip);
}

/* amble's style "walk" is that of a clip, and what was made of it is near again. */
static void finds_the_style_of_a_clip(void **state)
{
    (void)state;
    static const char *const motion[] = {"style_walk", "style_jog", "style_run", "style_zombie"};
    for (size_t m = 0; m < sizeof motion / sizeof *motion; m++) {
        amb_clip *clip = shipped(motion[m]);
        style named, found;
        parse(&named, motion[m] + 6);
        amb_latent_init(&found.latent, found.z);
        expect(amb_style_of_clip(vae, clip, &found.latent), AMB_OK);
        assert_true(found.latent.scale >= 1);
        assert_true(fabs(found.latent.tempo * info_of_clip(clip).duration - 1) < .01);
        assert_true(fabs(found.latent.speed - named.latent.speed) < .2);
        assert_true(distance(&found, &named) < 8);
        amb_clip_destroy(clip);
    }
}

static void loads_parts_and_refuses_others(void **state)
{
    (void)state;
    amb_stylevae_def def;
    amb_stylevae *part;
    amb_stylevae_def_init(&def);
    assert_int_equal(def.size, sizeof def);
    def.without_encoder = true;
    def.precision = AMB_PRECISION_FP32;
    expect(amb_stylevae_load(&def, &part), AMB_OK);
    static float window[WINDOW], z[Z];
    amb_clip *clip = shipped("style_walk"), *made;
    style s;
    parse(&s, "walk");
    void *workspace = malloc(amb_stylevae_workspace_size(part));
    expect(amb_stylevae_encode(part, window, 1, z, NULL, workspace), AMB_ERROR_UNSUPPORTED);
    expect_sentence("the encoder was not loaded");
    expect(amb_style_of_clip(part, clip, &s.latent), AMB_ERROR_UNSUPPORTED);
    expect(amb_stylevae_decode(part, s.z, 1, window, workspace), AMB_OK);
    expect(amb_style_to_clip(part, &s.latent, "walk", NULL, &made), AMB_OK);
    amb_clip_destroy(made);
    amb_clip_destroy(clip);
    free(workspace);
    amb_stylevae_destroy(part);

    static const char *const file[4][2] = {
        {"assets/models/stylevae_decoder.onnx", "expected a StyleVAE encoder's"},
        {"assets/models/walk.onnx", "expected a StyleVAE decoder's"},
        {"assets/models/walk.onnx", "expected a DeepPhase network"},
        {"README.md", "README.md: not JSON"},
    };
    for (int k = 0; k < 4; k++) {
        amb_stylevae_def_init(&def);
        const char **field = k == 0   ? &def.encoder
                             : k == 1 ? &def.decoder
                             : k == 2 ? &def.deepphase
                                      : &def.styles;
        *field = file[k][0];
        part = vae;
        expect(amb_stylevae_load(&def, &part), AMB_ERROR_FILE);
        expect_sentence(file[k][0]);
        expect_sentence(file[k][1]);
        assert_null(part);
        *field = "nowhere/file";
        expect(amb_stylevae_load(&def, &part), AMB_ERROR_NOT_FOUND);
        expect_sentence("nowhere/file");
    }
    amb_stylevae_def_init(&def);
    def.precision = (amb_precision)77;
    expect(amb_stylevae_load(&def, &part), AMB_ERROR_ARGUMENT);
    expect_sentence("the precision is 77");

    asserted = 0;
    amb_set_assert_handler(count_assertion, NULL);
    memset(&def, 0, sizeof def);
    expect(amb_stylevae_load(&def, &part), AMB_ERROR_ARGUMENT);
    amb_latent bare = {.size = 0};
    expect(amb_style_parse(vae, "walk", &bare), AMB_ERROR_ARGUMENT);
    amb_latent_init(&bare, NULL);
    expect(amb_style_parse(vae, "walk", &bare), AMB_ERROR_ARGUMENT);
    expect(amb_style_blend(vae, &bare, &s.latent, 1, &s.latent), AMB_ERROR_ARGUMENT);
    assert_int_equal(asserted, 4);
    amb_set_assert_handler(NULL, NULL);
    amb_stylevae_destroy(NULL);
}

static void mixing_and_networks_allocate_nothing(void **state)
{
    (void)state;
    static float window[WINDOW], z[Z];
    amb_clip *clip = shipped("style_walk");
    void *workspace = malloc(amb_stylevae_workspace_size(vae));
    style a, b;
    parse(&a, "walk");
    parse(&b, "run");
    const long before = asked;
    for (int i = 0; i < 10; i++) {
        parse(&a, "walk:0.7,zombie:0.3");
        expect(amb_style_blend(vae, &a.latent, &b.latent, .1 * i, &b.latent), AMB_OK);
        expect(amb_style_window(vae, clip, .1 * i, 1, window), AMB_OK);
        expect(amb_stylevae_encode(vae, window, 1, z, NULL, workspace), AMB_OK);
        expect(amb_stylevae_decode(vae, z, 1, window, workspace), AMB_OK);
    }
    assert_int_equal(asked, before);
    free(workspace);
    amb_clip_destroy(clip);
}

/* One amb_stylevae, several threads: the same clips as one thread makes. */
static void *make_clip(void *out)
{
    style s;
    amb_latent_init(&s.latent, s.z);
    if (amb_style_parse(vae, "jog:0.5,walk:0.5", &s.latent) != AMB_OK ||
        amb_style_to_clip(vae, &s.latent, "half", NULL, out) != AMB_OK)
        return NULL;
    return out;
}

static void threads_share_the_networks(void **state)
{
    (void)state;
    enum { THREADS = 4 };
    pthread_t thread[THREADS];
    amb_clip *clip[THREADS + 1];
    assert_non_null(make_clip(&clip[THREADS]));
    for (int t = 0; t < THREADS; t++)
        assert_int_equal(pthread_create(&thread[t], NULL, make_clip, &clip[t]), 0);
    for (int t = 0; t < THREADS; t++) {
        void *done;
        assert_int_equal(pthread_join(thread[t], &done), 0);
        assert_non_null(done);
        assert_true(info_of_clip(clip[t]).checksum == info_of_clip(clip[THREADS]).checksum);
        amb_clip_destroy(clip[t]);
    }
    amb_clip_destroy(clip[THREADS]);
}

/* Each request for memory refused alone: a result that says so, and nothing else. */
static void short_memory_is_a_result(void **state)
{
    (void)state;
#ifdef AMI_OWN_MALLOC
    skip_because("memory cannot be refused beside a sanitizer's own malloc");
#else
    amb_clip *clip = shipped("style_walk"), *made;
    style s;
    parse(&s, "walk");
    for (int what = 0; what < 3; what++) {
        int refused = 0;
        bool met = true;
        for (long k = 0; met; k += what == 0 ? 1 + k / 20 : 1) {
            amb_stylevae *part = NULL;
            amb_stylevae_def def;
            amb_stylevae_def_init(&def);
            def.without_encoder = true;
            made = NULL;
            refused_call = asked + k;
            const amb_result result = what == 0   ? amb_stylevae_load(&def, &part)
                                      : what == 1 ? amb_style_of_clip(vae, clip, &s.latent)
                                                  : amb_style_to_clip(vae, &s.latent, "walk", NULL, &made);
            met = asked > refused_call;
            refused_call = -1;
            /* jansson takes a string that it has no memory for, for one that is not there */
            const bool misread =
                what == 0 && result == AMB_ERROR_FILE && strstr(amb_error_message(), "not JSON");
            if (result != AMB_OK && !misread)
                expect(result, AMB_ERROR_MEMORY);
            assert_true(result == AMB_OK || met);
            assert_int_equal(part != NULL, what == 0 && result == AMB_OK);
            assert_int_equal(made != NULL, what == 2 && result == AMB_OK);
            refused += result != AMB_OK;
            amb_clip_destroy(made);
            amb_stylevae_destroy(part);
        }
        assert_true(refused >= 2);
    }
    amb_clip_destroy(clip);
#endif
}

static int load(void **state)
{
    (void)state;
    return amb_stylevae_load(NULL, &vae) == AMB_OK ? 0 : -1;
}

static int unload(void **state)
{
    (void)state;
    amb_stylevae_destroy(vae);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_named_styles),
        cmocka_unit_test(mixes_by_weights),
        cmocka_unit_test(makes_clips_of_styles),
        cmocka_unit_test(refuses_latents_without_a_motion),
        cmocka_unit_test(encodes_and_decodes_windows),
        cmocka_unit_test(finds_the_style_of_a_clip),
        cmocka_unit_test(loads_parts_and_refuses_others),
        cmocka_unit_test(mixing_and_networks_allocate_nothing),
        cmocka_unit_test(threads_share_the_networks),
        cmocka_unit_test(short_memory_is_a_result),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
