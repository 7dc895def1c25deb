/* A folder of clips as training data: its content, held-out clips that are never drawn, and errors. */
#include "tests/fits.h"

#include "base/file.h"

static ami_character *character;

static int set_up(void **state)
{
    (void)state;
    character = load_character(120);
    return 0;
}

static int tear_down(void **state)
{
    ami_character_destroy(character);
    return remove_scratch(state);
}

static void a_folder_is_read_in_order(void **state)
{
    (void)state;
    ami_fit_data *d = read_data(character, NULL);
    static const char *const name[] = {"amble", "far", "hurry", "near", "once"};
    static const ami_fit_kind kind[] = {AMI_FIT_WALKING_LOOP, AMI_FIT_WALKING, AMI_FIT_WALKING_LOOP,
                                        AMI_FIT_WALKING, AMI_FIT_OTHER};
    assert_int_equal(d->motions, 10);
    for (int i = 0; i < 5; i++) {
        char mirrored[32];
        snprintf(mirrored, sizeof mirrored, "%s_mirrored", name[i]);
        assert_string_equal(d->motion[2 * i]->name, name[i]);
        assert_string_equal(d->motion[2 * i + 1]->name, mirrored);
        assert_int_equal(ami_fit_kind_of(d->motion[2 * i]), kind[i]);
    }
    assert_int_equal(d->blends, 2 * 7); /* amble and hurry, and their mirror images */
    int held = 0;
    for (int i = 0; i < d->blends; i++) {
        const ami_fit_blend *b = &d->blend[i];
        assert_true((b->a == 0 && b->b == 4) || (b->a == 1 && b->b == 5));
        assert_float_equal(b->gait->period, pow(1.2, 1 - b->weight) * pow(.8, b->weight), 1e-3);
        held += b->held;
    }
    assert_int_equal(held, 2);
    ami_fit_data_destroy(d);
}

/* Nothing that is drawn to learn from overlaps with what is held out. */
static void what_is_held_out_is_never_drawn(void **state)
{
    (void)state;
    ami_fit_data *d = read_data(character, "near");
    assert_true(d->held[6] && d->held[7] && !d->held[2]);
    ami_rng rng = ami_rng_seed(1, 1);
    int seen[10] = {0};
    for (int n = 0; n < 20000; n++) {
        const ami_fit_kind kind = (ami_fit_kind)ami_rng_below(&rng, 4);
        const double span = n % 2 ? 2 : 0;
        double t0 = -1;
        const int i = ami_fit_draw(d, kind, span, &rng, &t0);
        if (kind == AMI_FIT_OTHER_LOOP || (kind == AMI_FIT_OTHER && span > 1)) {
            assert_int_equal(i, -1);
            continue;
        }
        assert_true(i >= 0 && ami_fit_kind_of(d->motion[i]) == kind);
        assert_true(ami_fit_trains(d, i, t0, span) && !ami_fit_held(d, i, t0, span));
        seen[i]++;
    }
    for (int i = 0; i < 10; i++)
        assert_true((seen[i] > 0) == (i != 6 && i != 7));
    /* The border of a long clip: a window across it is neither. */
    const double end = .8 * d->motion[2]->duration;
    assert_true(ami_fit_trains(d, 2, end - 2.01, 2) && !ami_fit_held(d, 2, end - 2.01, 2));
    assert_true(!ami_fit_trains(d, 2, end - 1, 2) && !ami_fit_held(d, 2, end - 1, 2));
    assert_true(!ami_fit_trains(d, 2, end + .01, 2) && ami_fit_held(d, 2, end + .01, 2));
    assert_true(!ami_fit_held(d, 2, d->motion[2]->duration - 1, 2)); /* it ends before */
    /* A loop's band, in every turn of it. */
    for (int turn = -2; turn < 3; turn++) {
        assert_true(ami_fit_held(d, 0, (turn + .22) * 1.2, 2) &&
                    !ami_fit_trains(d, 0, (turn + .22) * 1.2, 2));
        assert_true(ami_fit_trains(d, 0, (turn + .5) * 1.2, 2) && !ami_fit_held(d, 0, (turn + .5) * 1.2, 2));
    }
    /* all of a motion that is held out */
    assert_true(ami_fit_held(d, 6, 0, 2) && !ami_fit_trains(d, 6, 0, 2));
    ami_fit_data_destroy(d);
}

static void the_checksum_knows_clips_and_what_is_held_out(void **state)
{
    (void)state;
    ami_fit_data *all = read_data(character, NULL), *again = read_data(character, ""),
                 *less = read_data(character, "far");
    assert_true(all->crc == again->crc && all->crc != less->crc);
    ami_fit_data_destroy(all);
    ami_fit_data_destroy(again);
    ami_fit_data_destroy(less);
}

static void expect_refusal(const char *folder, const char *hold_out, const char *parts)
{
    ami_error err = {""};
    assert_null(ami_fit_data_read(&character->skeleton, folder, hold_out, &err));
    assert_sentence(&err, parts);
}

static void bad_folders_are_refused(void **state)
{
    (void)state;
    char empty[160], bad[160], blink[160], path[200];
    snprintf(empty, sizeof empty, "%s", scratch("empty"));
    snprintf(bad, sizeof bad, "%s", scratch("bad"));
    snprintf(blink, sizeof blink, "%s", scratch("blink"));
    assert_true(mkdir(empty, 0700) == 0 && mkdir(bad, 0700) == 0 && mkdir(blink, 0700) == 0);
    expect_refusal(scratch("nowhere"), NULL, "nowhere|No such file");
    expect_refusal(empty, NULL, "empty|no motion clips");
    snprintf(path, sizeof path, "%s/readme.md", empty);
    assert_true(ami_file_write(path, "x", 1, NULL));
    expect_refusal(empty, NULL, "empty: none of the files|a motion: readme.md");
    const stride whole = {1.2, .5, .3, 1, 0, 0, true, false};
    write_clip(bad, &whole, "broken");
    snprintf(path, sizeof path, "%s/broken.txt", bad);
    size_t size;
    uint8_t *data = ami_file_read(path, 1 << 20, &size, NULL);
    assert_true(data && ami_file_write(path, data, size / 2, NULL)); /* a clip, but damaged */
    free(data);
    expect_refusal(bad, NULL, "bad/broken.txt|JSON");
    assert_true(ami_file_write(path, "{", 1, NULL));
    expect_refusal(bad, NULL, "bad: none of the files|a motion: broken.txt");
    const stride s = {.2, .5, .3, 1, 0, 0, true, false};
    write_clip(blink, &s, "blink");
    expect_refusal(blink, NULL, "blink|0.2 s long|0.3 s");
    expect_refusal(clips_folder(), "fra", "--hold-out|\"fra\"|amble, far, hurry, near, once");
    expect_refusal(clips_folder(), "amble,far,hurry,near,once", "--hold-out|no clip for training");
    ami_fit_data_destroy(NULL);
}

/* A licence, another body's motion and a file with a bad name lie beside the clips and are left out. What a
 * file holds decides, not its name; folders in the folder count, hidden ones and links to folders do not. */
static void files_of_other_kinds_are_left_out(void **state)
{
    (void)state;
    char mixed[160], inner[180], path[220];
    snprintf(mixed, sizeof mixed, "%s", scratch("mixed"));
    assert_int_equal(mkdir(mixed, 0700), 0);
    const stride s = {1.2, .5, .3, 1, 0, 0, true, false};
    write_clip(mixed, &s, "walk");
    static const char *const others[] = {"LICENSE.txt", "dog3d_pace.txt", "\x1b[1m.json"};
    static const char dog[] = "{\"Loop\": \"wrap\", \"Frames\": [[0.1, 1, 2], [0.1, 1, 2]]}";
    for (int i = 0; i < 3; i++) {
        snprintf(path, sizeof path, "%s/%s", mixed, others[i]);
        assert_true(ami_file_write(path, i == 1 ? dog : "MIT", i == 1 ? sizeof dog - 1 : 3, NULL));
    }
    snprintf(inner, sizeof inner, "%s/inner", mixed);
    assert_int_equal(mkdir(inner, 0700), 0);
    write_clip(inner, &s, "run");
    char named[220];
    snprintf(path, sizeof path, "%s/run.txt", inner);
    snprintf(named, sizeof named, "%s/run", inner);
    assert_int_equal(rename(path, named), 0);
    snprintf(path, sizeof path, "%s/notes", inner);
    assert_true(ami_file_write(path, "MIT", 3, NULL));
    snprintf(path, sizeof path, "%s/again", inner);
    assert_int_equal(symlink("..", path), 0);
    snprintf(path, sizeof path, "%s/.hidden", mixed);
    assert_int_equal(mkdir(path, 0700), 0);
    write_clip(path, &s, "hidden");
    ami_error err = {""};
    ami_fit_data *d = ami_fit_data_read(&character->skeleton, mixed, NULL, &err);
    if (!d)
        fail_msg("%s", err.text);
    assert_int_equal(d->motions, 4);
    assert_string_equal(d->motion[0]->name, "run");
    assert_string_equal(d->motion[2]->name, "walk");
    assert_int_equal(d->left_out, 5);
    assert_string_equal(d->left_out_names,
                        "\\x1b[1m.json, LICENSE.txt, dog3d_pace.txt, inner/again, inner/notes");
    ami_fit_data_destroy(d);
}

/* Many loops do not make all pairs of blends, which grow with their square, but every loop as many as the
 * others. */
static void many_loops_are_blended_with_some(void **state)
{
    (void)state;
    enum { LOOPS = 30 }; /* 435 pairs */
    char many[160];
    snprintf(many, sizeof many, "%s", scratch("many"));
    assert_int_equal(mkdir(many, 0700), 0);
    for (int i = 0; i < LOOPS; i++) {
        const stride s = {.8 + .02 * i, .5, .3, 1, 0, 0, true, false};
        char name[32];
        snprintf(name, sizeof name, "walk%02d", i);
        write_clip(many, &s, name);
    }
    ami_error err = {""};
    ami_fit_data *d = ami_fit_data_read(&character->skeleton, many, NULL, &err);
    if (!d)
        fail_msg("%s", err.text);
    assert_int_equal(d->motions, 2 * LOOPS);
    assert_int_equal(d->blends, AMI_FIT_MAX_PAIRS / LOOPS * LOOPS * 2 * 7);
    int with[2 * LOOPS] = {0}, beside = 0;
    for (int i = 0; i < d->blends; i++) {
        assert_int_equal(d->blend[i].a % 2, d->blend[i].b % 2);
        with[d->blend[i].a]++;
        with[d->blend[i].b]++;
        beside += d->blend[i].b - d->blend[i].a == 2;
    }
    for (int i = 0; i < 2 * LOOPS; i++)
        assert_int_equal(with[i], 2 * (AMI_FIT_MAX_PAIRS / LOOPS) * 7);
    assert_true(beside < 2 * 7 * (LOOPS - 1)); /* not those that stand together by name */
    ami_fit_data_destroy(d);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_folder_is_read_in_order),
        cmocka_unit_test(what_is_held_out_is_never_drawn),
        cmocka_unit_test(the_checksum_knows_clips_and_what_is_held_out),
        cmocka_unit_test(files_of_other_kinds_are_left_out),
        cmocka_unit_test(many_loops_are_blended_with_some),
        cmocka_unit_test(bad_folders_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
