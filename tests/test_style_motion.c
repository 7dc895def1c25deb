/* A style's motion as a clip, by amble's own networks: writing and reading keeps the motion; its phase makes
 * one turn; so do the latents of its windows; a latent without a usable motion is an error with the
 * generator's reason. */
#include "tests/policy.h"

#include "policy/style_motion.h"

#include <unistd.h>

static ami_character *character;
static ami_stylevae vae;
static ami_deepphase deepphase;
static ami_styles *styles;
static ami_motion_nets nets;

static int set_up(void **state)
{
    (void)state;
    ami_error err = {""};
    character = load_character(120);
    if (!ami_stylevae_load(&vae, "assets/models/stylevae_encoder.onnx", "assets/models/stylevae_decoder.onnx",
                           NULL, &err) ||
        !ami_deepphase_load(&deepphase, "assets/models/deepphase.onnx", NULL, &err) ||
        !(styles = ami_styles_read("assets/models/styles.json", &err))) {
        print_error("%s\n", err.text);
        return -1;
    }
    nets = (ami_motion_nets){&character->skeleton, &vae, &deepphase};
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    ami_styles_destroy(styles);
    ami_deepphase_free(&deepphase);
    ami_stylevae_free(&vae);
    ami_character_destroy(character);
    return 0;
}

static ami_clip *make(const ami_latent *latent, const char *name, ami_cycle_facts *facts)
{
    ami_error err = {""};
    ami_clip *clip = ami_style_motion(&nets, latent, name, facts, NULL, &err);
    if (!clip)
        fail_msg("%s", err.text);
    return clip;
}

static void what_is_written_comes_back(void **unused)
{
    (void)unused;
    char path[] = "/tmp/amble-style-XXXXXX";
    const int file = mkstemp(path);
    assert_true(file >= 0);
    close(file);
    for (int s = 0; s < styles->count; s++) {
        ami_latent latent;
        ami_cycle_facts facts;
        ami_error err = {""};
        ami_latent_of_style(&styles->style[s], &latent);
        ami_clip *made = make(&latent, styles->style[s].name, &facts);
        assert_true(ami_clip_write(made, path, &err));
        ami_clip *read = ami_clip_read(path, &err);
        if (!read)
            fail_msg("%s", err.text);
        assert_true(ami_clip_loops(read));
        assert_int_equal(ami_clip_frames(read), facts.frames + 1);
        assert_near(ami_clip_duration(read), facts.period_s, 1e-9, "period", s);
        for (int i = 0; i < 97; i++) { /* velocities are in the features, so the seam is too */
            float a[AMI_FEATURES], b[AMI_FEATURES];
            ami_features_of_clip(&character->skeleton, made, facts.period_s * i / 60, a, NULL);
            ami_features_of_clip(&character->skeleton, read, facts.period_s * i / 60, b, NULL);
            for (int k = 0; k < AMI_FEATURES; k++)
                assert_near((double)b[k], (double)a[k], 1e-5, "feature", k);
        }
        ami_clip_destroy(read);
        ami_clip_destroy(made);
    }
    unlink(path);
}

/* And so says the phase at the first frame: the left foot's strike. */
static void the_trajectory_goes_round_once(void **unused)
{
    (void)unused;
    enum { N = 120 };
    for (int s = 0; s < styles->count; s++) {
        ami_latent latent;
        ami_phase phase[N];
        ami_error err = {""};
        double turned = 0;
        ami_latent_of_style(&styles->style[s], &latent);
        ami_clip *clip = make(&latent, styles->style[s].name, NULL);
        assert_true(ami_style_portrait(&nets, clip, N, phase, &err));
        for (int i = 0; i < N; i++)
            turned += ami_phase_difference(phase[i].phase, phase[(i + 1) % N].phase);
        assert_near(turned, 1, 1e-9, "turns", s);
        assert_near(ami_phase_difference(0, phase[0].phase), 0, .06, "phase at the strike", s);
        ami_clip_destroy(clip);
    }
}

/* The window that begins a cycle later is the first again, and the one in the middle is another; the first is
 * nearer to the style's own latent than to any other named one. */
static void windows_of_a_motion_go_round_its_style(void **unused)
{
    (void)unused;
    enum { N = 8 };
    static float mean[N * AMI_STYLE_SIZE];
    int own = 0;
    for (int s = 0; s < styles->count; s++) {
        ami_latent latent;
        ami_error err = {""};
        ami_style_near near[64];
        assert_true(styles->count <= 64);
        ami_latent_of_style(&styles->style[s], &latent);
        ami_clip *clip = make(&latent, styles->style[s].name, NULL);
        assert_true(ami_style_windows(&vae, &character->skeleton, clip, latent.scale, N, mean, &err));
        ami_styles_nearest(styles, mean, near);
        own += near[0].style == s;
        for (int i = 1; i < styles->count; i++)
            assert_true(near[i].distance >= near[i - 1].distance);
        assert_true(ami_style_distance(mean, mean + N / 2 * AMI_STYLE_SIZE) > 1);
        ami_clip_destroy(clip);
    }
    if (own < styles->count - 1)
        fail_msg("%d of %d styles' motions are nearest to their own style", own, styles->count);
}

static void no_motion_has_a_reason(void **unused)
{
    (void)unused;
    ami_latent latent = {.scale = 1};
    ami_error err = {""};
    ami_refusal refusal = AMI_MOTION_OK;
    latent.z[7] = NAN;
    assert_null(ami_style_motion(&nets, &latent, "limp", NULL, &refusal, &err));
    assert_int_equal(refusal, AMI_REFUSED_NUMBERS);
    assert_non_null(strstr(err.text, "\"limp\" gives no usable motion: it is not made of finite numbers"));
    latent.z[7] = 1e6f;
    assert_null(ami_style_motion(&nets, &latent, "limp", NULL, &refusal, &err));
    assert_true(refusal != AMI_MOTION_OK);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_comes_back),
        cmocka_unit_test(the_trajectory_goes_round_once),
        cmocka_unit_test(windows_of_a_motion_go_round_its_style),
        cmocka_unit_test(no_motion_has_a_reason),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
