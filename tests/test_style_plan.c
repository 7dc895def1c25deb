/* Mixtures of styles, schedules, draws; and sentences for their errors. */
#include "tests/policy.h"

#include "policy/style_plan.h"

static ami_style style[3];
static const ami_styles styles = {3, style};

static int set_up(void **state)
{
    (void)state;
    static const char *const name[3] = {"walk", "run", "zombie"};
    for (int i = 0; i < 3; i++) {
        strcpy(style[i].name, name[i]);
        style[i].scale = 1 << i;
        style[i].speed = 1 + i;
        style[i].period = 1. / (1 << i);
        for (int k = 0; k < AMI_STYLE_SIZE; k++)
            style[i].z[k] = (float)(100 * i + k);
    }
    return 0;
}

static void a_name_is_its_style(void **unused)
{
    (void)unused;
    ami_latent latent;
    for (int i = 0; i < 3; i++) {
        assert_true(ami_style_mix(&styles, style[i].name, &latent, NULL));
        assert_memory_equal(latent.z, style[i].z, sizeof latent.z);
        assert_near(latent.scale, style[i].scale, 1e-12, "scale", i);
        assert_near(latent.speed, style[i].speed, 1e-12, "speed", i);
        assert_near(latent.tempo, 1 << i, 1e-12, "tempo", i);
    }
}

static void weights_mix(void **unused)
{
    (void)unused;
    ami_latent latent;
    assert_true(ami_style_mix(&styles, "walk:3,zombie:1", &latent, NULL));
    for (int k = 0; k < AMI_STYLE_SIZE; k++)
        assert_near((double)latent.z[k], 50 + k, 1e-4, "mean", k);
    assert_near(latent.scale, 1 / sqrt(.75 + .25 / 16), 1e-12, "scale", 0);
    assert_near(latent.speed, 1.5, 1e-12, "speed", 0);
    assert_near(latent.tempo, 1.75, 1e-12, "tempo", 0);
    assert_true(ami_style_mix(&styles, "run,run:0,walk,zombie:1e0", &latent, NULL));
    for (int k = 0; k < AMI_STYLE_SIZE; k++)
        assert_near((double)latent.z[k], 100 + k, 1e-4, "mean of three", k);
}

static void between_two_latents(void **unused)
{
    (void)unused;
    ami_latent a, b, out;
    ami_latent_of_style(&style[0], &a);
    ami_latent_of_style(&style[2], &b);
    ami_latent_between(&a, &b, 0, &out);
    assert_memory_equal(&out, &a, sizeof a);
    ami_latent_between(&a, &b, 1, &out);
    assert_memory_equal(&out, &b, sizeof b);
    ami_latent_between(&a, &b, .25, &out);
    assert_near((double)out.z[7], 57, 1e-4, "z", 7);
    assert_near(out.speed, 1.5, 1e-12, "speed", 0);
    assert_near(out.tempo, 1.75, 1e-12, "tempo", 0);
    a.scale = 2.32274;
    for (int n = 0; n <= 100; n++) { /* from a latent to itself nothing changes */
        ami_latent_between(&a, &a, n / 100., &out);
        assert_memory_equal(&out, &a, sizeof a);
    }
    a.scale = 1;
    ami_latent_between(&a, &b, .25, &out);
    assert_near(out.scale, 1 / sqrt(.75 + .25 / 16), 1e-12, "scale", 0);
}

static void weights_blend_as_names_do(void **unused)
{
    (void)unused;
    ami_latent mixed, blended;
    const double weights[3] = {.7, 0, .3}, none[3] = {0};
    assert_true(ami_style_mix(&styles, "walk:.7,zombie:.3", &mixed, NULL));
    assert_true(ami_style_blend(&styles, weights, &blended));
    assert_memory_equal(mixed.z, blended.z, sizeof mixed.z);
    assert_near(blended.speed, .7 * 1 + .3 * 3, 1e-12, "speed", 0);
    assert_near(blended.speed, mixed.speed, 1e-12, "speed", 1);
    assert_near(blended.tempo, .7 * 1 + .3 * 4, 1e-12, "tempo", 0);
    assert_near(blended.tempo, mixed.tempo, 1e-12, "tempo", 1);
    assert_near(blended.scale, mixed.scale, 1e-12, "scale", 0);
    assert_false(ami_style_blend(&styles, none, &blended));
}

/* The three styles here lie on a line: made free of it, every blend's weights come back. */
static void a_latent_tells_its_weights(void **unused)
{
    (void)unused;
    ami_style free_style[3];
    const ami_styles free_styles = {3, free_style};
    memcpy(free_style, style, sizeof style);
    for (int i = 0; i < 3; i++)
        free_style[i].z[5 + i] += 1500;
    static const double blend[][3] = {{1, 0, 0}, {0, 0, 1}, {.7, 0, .3}, {.2, .3, .5}, {0, .01, .99}};
    for (size_t n = 0; n < sizeof blend / sizeof *blend; n++) {
        ami_latent latent;
        double weights[3];
        assert_true(ami_style_blend(&free_styles, blend[n], &latent));
        ami_style_weights(&free_styles, &latent, weights);
        for (int i = 0; i < 3; i++)
            assert_near(weights[i], blend[n][i], 1e-3, "weight", (int)n);
    }
    ami_latent beyond; /* no blend: the nearest one is a style */
    ami_latent_of_style(&free_style[2], &beyond);
    for (int k = 0; k < AMI_STYLE_SIZE; k++)
        beyond.z[k] += 500;
    double weights[3];
    ami_style_weights(&free_styles, &beyond, weights);
    assert_true(weights[0] == 0 && weights[1] == 0 && weights[2] == 1);
}

static void bad_mixtures_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"limp", "\"limp\"|walk, run, zombie"},
        {"", "expected NAME"},
        {"walk,", "expected NAME"},
        {",walk", "expected NAME"},
        {"walk:-1", "\"-1\"|0 to 1000"},
        {"walk:nan", "\"nan\""},
        {"walk:", "\"\""},
        {"walk:1:2", "\"1:2\""},
        {"walk:0,run:0", "all 0"},
        {"walk:1001", "\"1001\""},
        {"Walk", "\"Walk\""},
        {"random", "\"random\""},
        {"walk:0x1", "\"0x1\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ami_latent latent;
        ami_error err = {""};
        if (ami_style_mix(&styles, bad[i].text, &latent, &err))
            fail_msg("\"%s\" was taken", bad[i].text);
        assert_sentence(&err, bad[i].says);
    }
    char long_name[300];
    memset(long_name, 'x', sizeof long_name);
    long_name[299] = 0;
    assert_false(ami_style_mix(&styles, long_name, &(ami_latent){.scale = 1}, NULL));
}

static const char *write_file(const char *text)
{
    const char *path = scratch("schedule.txt");
    put_text(path, text);
    return path;
}

static void a_schedule_is_read(void **unused)
{
    (void)unused;
    ami_style_plan plan;
    ami_error err = {""};
    if (!ami_style_plan_read(
            &plan, &styles,
            write_file("# five seconds of each\n\n0 walk\n 5\trun:1,walk:1  heading=90 # turn\r\n"
                       "10.5 zombie speed=1.5 heading=-45\n12 walk speed=0"),
            &err))
        fail_msg("%s", err.text);
    assert_int_equal(plan.moments, 4);
    const ami_style_moment *m = plan.moment;
    assert_true(m[0].time == 0 && m[1].time == 5 && m[2].time == 10.5 && m[3].time == 12);
    assert_true(isnan(m[0].heading) && isnan(m[0].speed) && isnan(m[1].speed) && isnan(m[3].heading) &&
                m[3].speed == 0);
    assert_near(m[1].heading, M_PI / 2, 1e-12, "heading", 1);
    assert_near(m[2].heading, -M_PI / 4, 1e-12, "heading", 2);
    assert_near(m[2].speed, 1.5, 0, "speed", 2);
    assert_near((double)m[1].latent.z[3], 53, 1e-4, "latent", 1);
    assert_near(m[1].latent.scale, 1 / sqrt(.5 + .5 / 4), 1e-12, "scale", 1);
    assert_memory_equal(m[2].latent.z, style[2].z, sizeof m[2].latent.z);
    ami_style_plan_free(&plan);
}

static void bad_schedules_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *text, *says;
    } bad[] = {
        {"", "no style"},
        {"# nothing\n\n", "no style"},
        {"1 walk\n", "line 1|1 s, expected 0"},
        {"0 walk\n3 run\n3 walk\n", "line 3|3 s|more than"},
        {"0 walk\n\n2 limp\n", "line 3|\"limp\"|walk, run, zombie"},
        {"0\n", "line 1|no style after"},
        {"zero walk\n", "line 1|\"zero\""},
        {"0 walk fast\n", "line 1|\"fast\"|heading=DEG"},
        {"0 walk heading=north\n", "line 1|heading=north|degrees"},
        {"0 walk speed=-1\n", "line 1|speed=-1|0 to 20"},
        {"-1 walk\n", "line 1|\"-1\""},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        ami_style_plan plan;
        ami_error err = {""};
        if (ami_style_plan_read(&plan, &styles, write_file(bad[i].text), &err))
            fail_msg("\"%s\" was taken", bad[i].text);
        assert_sentence(&err, bad[i].says);
        assert_sentence(&err, "schedule.txt");
    }
    ami_style_plan plan;
    ami_error err = {""};
    assert_false(ami_style_plan_read(&plan, &styles, scratch("not there"), &err));
    assert_sentence(&err, "not there");
}

static void a_plan_is_what_style_says(void **unused)
{
    (void)unused;
    ami_style_plan plan;
    assert_true(ami_style_plan_parse(&plan, &styles, "run", NULL));
    assert_int_equal(plan.moments, 1);
    assert_memory_equal(plan.moment->latent.z, style[1].z, sizeof style[1].z);
    ami_style_plan_free(&plan);
    static const char *const drawn[] = {"random-names", "random", "random-blends"};
    for (int i = 0; i < 3; i++) {
        assert_true(ami_style_plan_parse(&plan, &styles, drawn[i], NULL));
        assert_true(plan.moments == 0 && plan.blends == .5 * i && plan.change_s[1] == 0);
    }
    ami_error err = {""};
    assert_false(ami_style_plan_parse(&plan, &styles, "randomly", &err));
    assert_sentence(&err, "randomly");
}

/* Which of the styles a latent is, -1 for a blend. All latents here lie on a line. */
static int which(const ami_latent *latent)
{
    for (int i = 0; i < 3; i++)
        if (!memcmp(latent->z, style[i].z, sizeof latent->z))
            return i;
    return -1;
}

static void draws_are_what_the_plan_wants(void **unused)
{
    (void)unused;
    enum { DRAWS = 6000 };
    for (int i = 0; i < 3; i++) {
        const ami_style_plan plan = {.styles = &styles, .blends = .5 * i, .pace = .2};
        ami_rng rng = ami_rng_seed(4, 4), again = rng;
        int count[3] = {0}, blends = 0, as_it_is = 0;
        double slowest = 1, fastest = 1;
        for (int n = 0; n < DRAWS; n++) {
            ami_latent latent, same;
            double pace, same_pace;
            ami_style_draw(&plan, &rng, &latent, &pace);
            ami_style_draw(&plan, &again, &same, &same_pace);
            assert_true(!memcmp(&latent, &same, sizeof latent) && pace == same_pace);
            assert_true(pace > .8 && pace < 1.2);
            assert_true(latent.z[0] >= 0 && latent.z[0] <= 200 && latent.scale > 1 - 1e-9 &&
                        latent.scale < 4 + 1e-9);
            slowest = fmin(slowest, pace);
            fastest = fmax(fastest, pace);
            as_it_is += pace == 1;
            if (which(&latent) >= 0)
                count[which(&latent)]++;
            else
                blends++;
        }
        assert_near(as_it_is, DRAWS / 2., 200, "played as they are", i);
        assert_true(slowest < .82 && fastest > 1.18);
        if (i == 0)
            assert_int_equal(blends, 0);
        else
            /* one in three is a style with itself */
            assert_near(blends, DRAWS * .5 * i * 2 / 3, 200, "blends of two that differ", i);
        for (int k = 0; k < 3; k++)
            assert_near(count[k], (DRAWS - blends) / 3., 200, "style", k);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_name_is_its_style),       cmocka_unit_test(weights_mix),
        cmocka_unit_test(weights_blend_as_names_do), cmocka_unit_test(a_latent_tells_its_weights),
        cmocka_unit_test(between_two_latents),       cmocka_unit_test(bad_mixtures_are_refused),
        cmocka_unit_test(a_schedule_is_read),        cmocka_unit_test(bad_schedules_are_refused),
        cmocka_unit_test(a_plan_is_what_style_says), cmocka_unit_test(draws_are_what_the_plan_wants),
    };
    return cmocka_run_group_tests(tests, set_up, remove_scratch);
}
