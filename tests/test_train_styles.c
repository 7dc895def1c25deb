/* Training on invented motions: the same bits on any number of threads and after a checkpoint; other networks or styles are refused. */
#include "tests/training.h"

#include "tests/motions.h"

static hand_made made;
static amb_train_styles styles;

static int set_up_styles(void **state)
{
    if (set_up(state))
        return -1;
    make_by_hand(&made, character, .02);
    styles = (amb_train_styles){&made.nets, &made.styles, 77};
    return 0;
}

static int tear_down_styles(void **state)
{
    free_hand_made(&made);
    return tear_down(state);
}

static amb_settings lively_styles(void)
{
    amb_settings s = lively(false);
    s.goal = -1;
    s.style_change = .15;
    s.style_pace = .2;
    s.episode_s = .7;
    return s;
}

static amb_train *create_with(const amb_settings *s, const amb_train_styles *with)
{
    amb_error err = {""};
    amb_train *t = amb_train_create_styles(s, character, with, (1u << AMB_BODIES) - 1, &err);
    if (!t)
        fail_msg("%s", err.text);
    return t;
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    const amb_settings s = lively_styles();
    amb_train_stats one[4], two;
    set_threads(1);
    amb_train *a = create_with(&s, &styles);
    for (int i = 0; i < 4; i++)
        amb_train_iterate(a, &one[i]);
    set_threads(2);
    amb_train *b = create_with(&s, &styles);
    for (int i = 0; i < 4; i++) {
        amb_train_iterate(b, &two);
        assert_same_stats(&one[i], &two);
        assert_true(one[i].motions == two.motions && one[i].refused == two.refused);
    }
    assert_same_training(a, b);
    assert_true(one[3].episodes > 10); /* episodes began anew, with motions made in the middle of it */
    int64_t changes = 0;
    for (int e = 0; e < ENVS; e++)
        changes += amb_generator_get_counts(a->generator[e])->changes;
    assert_true(changes > 2 * ENVS);
    assert_string_equal(amb_train_motion(a), "style:random");
    amb_net *actor = amb_train_export_actor(a, NULL);
    assert_string_equal(amb_net_get_meta(actor, "motion"), "style:random");
    assert_string_equal(amb_net_get_meta(actor, "observation"), "deepmimic-197+goal-49"); /* goal -1 */
    assert_non_null(strstr(amb_net_get_meta(actor, "training"), "goal=1"));
    assert_int_equal(actor->dim[0], AMB_OBS_MAX);
    amb_net_destroy(actor);
    amb_train_destroy(a);
    amb_train_destroy(b);
}

static void a_saved_training_goes_on_bit_by_bit(void **state)
{
    (void)state;
    const amb_settings s = lively_styles();
    amb_train_stats stats[3], mine;
    amb_train *whole = create_with(&s, &styles);
    for (int i = 0; i < 3; i++)
        amb_train_iterate(whole, &mine);
    assert_true(amb_train_save(whole, scratch("middle.bin"), NULL));
    for (int i = 0; i < 3; i++)
        amb_train_iterate(whole, &stats[i]);

    set_threads(1);
    amb_error err = {""};
    amb_checkpoint *c = amb_checkpoint_read(scratch("middle.bin"), &err);
    amb_train *resumed = create_with(&s, &styles);
    for (int i = 0; i < 2; i++)
        amb_train_iterate(resumed, &mine); /* whatever it did before is forgotten */
    if (!amb_train_load(resumed, c, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 3; i++) {
        amb_train_iterate(resumed, &mine);
        assert_same_stats(&stats[i], &mine);
        assert_true(stats[i].motions == mine.motions && stats[i].refused == mine.refused);
    }
    assert_same_training(whole, resumed);
    set_threads(2);

    /* Other files behind the networks; a clip in place of styles, and the other way round. */
    const amb_train_styles other = {&made.nets, &made.styles, 78};
    amb_train *wrong = create_with(&s, &other);
    assert_false(amb_train_load(wrong, c, &err));
    assert_sentence(&err, "another motion|style:random|--init");
    amb_train_destroy(wrong);
    wrong = amb_train_create(&s, character, clip, 0, &err);
    assert_non_null(wrong);
    assert_false(amb_train_load(wrong, c, &err));
    assert_sentence(&err, "another motion");
    assert_false(amb_train_load_networks(wrong, c, &err)); /* -1 is 1 with styles and 0 with a clip */
    assert_sentence(&err, "middle.bin: its networks see 246 numbers, expected 197 (setting goal");
    amb_train_destroy(wrong);
    amb_settings seeing = s;
    seeing.goal = 1;
    wrong = amb_train_create(&seeing, character, clip, 0, &err);
    assert_non_null(wrong);
    assert_true(amb_train_load_networks(wrong, c, &err)); /* its networks can be taken over */
    amb_train_destroy(wrong);
    amb_checkpoint_destroy(c);
    amb_train_destroy(whole);
    amb_train_destroy(resumed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(a_saved_training_goes_on_bit_by_bit),
    };
    return run_with_gaits(tests, sizeof tests / sizeof *tests, set_up_styles, tear_down_styles);
}
