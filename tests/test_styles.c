/* Named styles: the style of a motion by a hand-made encoder, writing and reading the file, and errors.
 */
#include "tests/gaits.h"

#include "base/file.h"
#include "policy/styles.h"

static ami_character *character;
static ami_stylevae vae;

/* μ_k is number 17 k of the window: what an encoder makes of a window is then known. */
static ami_net *picking_encoder(void)
{
    const int dim[] = {AMI_STYLE_WINDOW, 2 * AMI_STYLE_SIZE};
    ami_net *net = ami_net_create(1, dim, NULL);
    net->heads = 2;
    for (int h = 0; h < 2; h++) {
        net->head[h].name = strdup(h ? "logvar" : "mu");
        net->head[h].outputs = AMI_STYLE_SIZE;
        net->head[h].shape = (ami_net_shape){1, {AMI_STYLE_SIZE}};
    }
    for (int k = 0; k < AMI_STYLE_SIZE; k++)
        net->weight[0][(size_t)k * AMI_STYLE_WINDOW + (size_t)(17 * k)] = 1;
    return net;
}

static int set_up(void **state)
{
    (void)state;
    character = load_character(120);
    ami_net *net = picking_encoder();
    ami_model_def def = ami_model_default_def();
    def.precision = AMI_PRECISION_FP32;
    const bool ok = ami_stylevae_init(&vae, net, NULL, &def, NULL);
    ami_net_destroy(net);
    return ok ? 0 : 1;
}

static int tear_down(void **state)
{
    ami_stylevae_free(&vae);
    ami_character_destroy(character);
    return remove_scratch(state);
}

static void a_loop_is_encoded_from_its_strike(void **state)
{
    (void)state;
    const stride s = {2.1, .5, .3, 1, 0, 0, true, false}; /* slow: played 1.5 times faster */
    ami_gait *g = walk_gait(character, &s, "creep_walk");
    ami_style style;
    ami_error err = {""};
    if (!ami_style_of_gait(&vae, g, &style, &err))
        fail_msg("%s", err.text);
    assert_string_equal(style.name, "creep");
    assert_string_equal(style.clip, "creep_walk");
    assert_float_equal(style.period, 2.1, .001);
    assert_float_equal(style.scale, 1.5, .001);
    assert_float_equal(style.speed, .3, .005);
    assert_float_equal(style.spread, 0, 1e-5);
    float window[AMI_STYLE_WINDOW];
    ami_gait_window(g, g->strike[0], 2.1 / 1.4, 60, window);
    for (int k = 0; k < AMI_STYLE_SIZE; k++)
        assert_float_equal(style.z[k], window[17 * k], 1e-5);
    ami_gait_destroy(g);
}

/* A long walk has a latent for each step; they are near each other, and their mean near to each. */
static void a_long_walk_is_the_mean_of_its_steps(void **state)
{
    (void)state;
    const stride s = {1.1, .5, .3, 9, 2, 0, false, false};
    ami_gait *g = walk_gait(character, &s, "stroll");
    ami_style style;
    assert_true(ami_style_of_gait(&vae, g, &style, NULL));
    assert_string_equal(style.name, "stroll");
    assert_true(style.spread < 2); /* most of it: the root is not yet moving, or stands, in the first and last
                                      windows */
    float window[AMI_STYLE_WINDOW], picked[AMI_STYLE_SIZE];
    ami_gait_window(g, g->strike[3], 1, 60, window);
    for (int k = 0; k < AMI_STYLE_SIZE; k++)
        picked[k] = window[17 * k];
    if (!(ami_style_distance(picked, style.z) < .06))
        fail_msg("the mean is %g from a step", ami_style_distance(picked, style.z));
    ami_gait_destroy(g);
}

static void what_does_not_walk_has_no_style(void **state)
{
    (void)state;
    ami_style style;
    ami_error err = {""};
    const stride place = {1.1, .5, 0, 1, 0, 0, true, false};
    ami_gait *g = walk_gait(character, &place, "in_place");
    assert_false(ami_style_of_gait(&vae, g, &style, &err));
    assert_sentence(&err, "in_place|does not walk");
    ami_gait_destroy(g);
}

static ami_styles *two_styles(void)
{
    ami_styles *styles = calloc(1, sizeof *styles);
    styles->count = 2;
    styles->style = calloc(2, sizeof *styles->style);
    for (int i = 0; i < 2; i++) {
        ami_style *s = &styles->style[i];
        snprintf(s->name, sizeof s->name, i ? "zombie" : "walk");
        snprintf(s->clip, sizeof s->clip, i ? "zombie_walk" : "walk");
        s->period = 1.25 + i;
        s->speed = .97;
        s->scale = 1 + .2 * i;
        s->spread = .5;
        for (int k = 0; k < AMI_STYLE_SIZE; k++)
            s->z[k] = (float)sin(k + 300 * i);
    }
    return styles;
}

static void the_file_comes_back(void **state)
{
    (void)state;
    ami_styles *out = two_styles();
    ami_error err = {""};
    const char *path = scratch("styles.json");
    snprintf(out->style[0].clip, AMI_NAME, "a \\ and a \"quote\" in 64 bytes %034d", 0);
    if (!ami_styles_write(out, path, &err))
        fail_msg("%s", err.text);
    size_t size;
    /* as some editors save it */
    uint8_t *data = ami_file_read(path, 1 << 20, &size, NULL), marked[1 << 16] = "\xef\xbb\xbf";
    assert_true(data && size < sizeof marked - 3);
    memcpy(marked + 3, data, size);
    assert_true(ami_file_write(path, marked, size + 3, NULL));
    free(data);
    ami_styles *in = ami_styles_read(path, &err);
    if (!in)
        fail_msg("%s", err.text);
    assert_int_equal(in->count, 2);
    for (int i = 0; i < 2; i++) {
        assert_string_equal(in->style[i].name, out->style[i].name);
        assert_string_equal(in->style[i].clip, out->style[i].clip);
        assert_float_equal(in->style[i].period, out->style[i].period, 1e-5);
        assert_float_equal(in->style[i].scale, out->style[i].scale, 1e-5);
        assert_float_equal(in->style[i].speed, .97, 1e-5);
        assert_true(ami_style_distance(in->style[i].z, out->style[i].z) < 1e-4);
    }
    assert_int_equal(ami_styles_find(in, "zombie", NULL), 1);
    assert_int_equal(ami_styles_find(in, "moonwalk", &err), -1);
    assert_sentence(&err, "\"moonwalk\"|walk, zombie");
    assert_true(ami_style_distance(in->style[0].z, in->style[0].z) == 0);
    ami_styles_destroy(in);
    ami_styles_destroy(out);
    ami_styles_destroy(NULL);
}

static void expect_bad(const char *text, const char *parts)
{
    ami_error err = {""};
    const char *path = scratch("bad.json");
    assert_true(ami_file_write(path, text, strlen(text), &err));
    assert_null(ami_styles_read(path, &err));
    assert_sentence(&err, "bad.json");
    assert_sentence(&err, parts);
}

static void bad_files_are_refused(void **state)
{
    (void)state;
    ami_error err = {""};
    expect_bad("", "not JSON");
    expect_bad("{\"styles\": 3}", "0 styles");
    expect_bad("[]", "0 styles");
    expect_bad("{\"styles\": [{}]}", "style 0|name");
    expect_bad("{\"styles\": [{\"name\": \"\"}]}", "style 0|empty");
    expect_bad("{\"styles\": [{\"name\": \"\\u001b[31mred\"}]}",
               "style 0|\"\\x1b[31mred\"|control characters");
    expect_bad("{\"styles\": [{\"name\": \"walk \"}]}", "style 0|\"walk \"|blank");
    expect_bad(
        "{\"styles\": [{\"name\": \"0123456789012345678901234567890123456789012345678901234567890123x\"}]}",
        "style 0|65 bytes|64");
    expect_bad("{\"styles\": [{\"name\": \"a\", \"clip\": \"\\u009b1m\"}]}",
               "clip of style 0|control characters");
    expect_bad("{\"styles\": [{\"name\": \"a\"}]}", "period_s");
    expect_bad("{\"styles\": [{\"name\": \"a\", \"period_s\": 1, \"speed_mps\": \"x\"}]}", "speed_mps");
    expect_bad("{\"styles\": [{\"name\": \"a\", \"period_s\": 1, \"speed_mps\": 1, \"scale\": 0}]}",
               "scale|1 to 100");
    expect_bad("{\"styles\": [{\"name\": \"a\", \"period_s\": 1, \"speed_mps\": 1, \"scale\": 1, \"latent\": "
               "[1, 2]}]}",
               "\"a\"|2 numbers|256");
    char text[4096] =
        "{\"styles\": [{\"name\": \"a\", \"period_s\": 1, \"speed_mps\": 1, \"scale\": 1, \"latent\": [null";
    for (int k = 1; k < AMI_STYLE_SIZE; k++)
        strcat(text, ", 1");
    strcat(text, "]}]}");
    expect_bad(text, "number 0|\"a\"");
    assert_null(ami_styles_read(scratch("nothing.json"), &err));
    assert_sentence(&err, "nothing.json");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_loop_is_encoded_from_its_strike),
        cmocka_unit_test(a_long_walk_is_the_mean_of_its_steps),
        cmocka_unit_test(what_does_not_walk_has_no_style),
        cmocka_unit_test(the_file_comes_back),
        cmocka_unit_test(bad_files_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
