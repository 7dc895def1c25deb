/* Training on invented motions: the same bits on any number of threads and after a checkpoint; other networks
 * or styles are refused. */
#include "tests/training.h"

#include "tests/motions.h"

#include "nets/onnx/onnx.h"

static hand_made made;
static amb_train_styles styles;

static int set_up_styles(void **state)
{
    if (set_up(state))
        return -1;
    make_by_hand(&made, character, .02);
    styles = (amb_train_styles){.nets = &made.nets, .styles = &made.styles, .crc = 77};
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
    s.max_height_m = s.max_tilt = 0; /* any body may touch the floor here, and lie on it */
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
    const amb_train_styles other = {.nets = &made.nets, .styles = &made.styles, .crc = 78};
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

/* An actor's file as a training writes it, and "STYLE=FILE" for it. */
static const char *teacher_file(const char *style, int inputs, uint64_t seed, const char *action)
{
    static char text[400];
    amb_error err = {""};
    amb_net *net = small_actor_of(inputs, seed, .1);
    for (int k = 0; k < AMB_ACTION; k++)
        net->bias[2][k] = .2f * (float)(k % 3 - 1);
    assert_true(amb_net_set_meta(net, "kind", "actor") && amb_net_set_meta(net, "action", action));
    snprintf(text, sizeof text, "%s=%s/%s%d.onnx", style, (scratch("x"), scratch_folder), style, (int)seed);
    if (!amb_onnx_write(strchr(text, '=') + 1, net, AMB_ONNX_FLOAT32, &err))
        fail_msg("%s", err.text);
    amb_net_destroy(net);
    return text;
}

static void add_teacher(amb_teachers *teachers, const char *text)
{
    amb_error err = {""};
    if (!amb_teachers_add(teachers, &made.styles, text, &err))
        fail_msg("%s", err.text);
}

static int taught_samples(const amb_train *t)
{
    int taught = 0;
    for (int k = 0; k < t->samples; k++)
        taught += t->has_teacher[k];
    return taught;
}

/* They are asked just where their style is followed, and followed themselves; threads and a checkpoint in the
 * middle change nothing. */
static void teachers_are_followed(void **state)
{
    (void)state;
    amb_teachers teachers = {0};
    amb_error err = {""};
    add_teacher(&teachers, teacher_file("jog", AMB_OBS, 1, "residual"));
    add_teacher(&teachers, teacher_file("walk", AMB_OBS_MAX, 2, "residual"));
    amb_train_styles with = styles;
    with.teachers = &teachers;
    amb_settings s = lively_styles();
    s.style_change = 1;
    s.teach = s.teach_end = 20;
    s.teach_after_s = .1;
    s.kl = s.kl_end = 10;
    s.actor_rate = 2e-3;
    s.noise_end = s.noise;
    s.samples = 1e6;
    amb_train *t = create_with(&s, &with);
    amb_train_stats first = {0}, last = {0};
    for (int i = 0; i < 60; i++) {
        amb_train_iterate(t, i ? &last : &first);
        assert_in_range(taught_samples(t), 1, t->samples - 1); /* zombies and blends have none */
    }
    if (!(first.ppo.apart > .08 && last.ppo.apart < .5 * first.ppo.apart))
        fail_msg("the actor is %.4f from its teachers, %.4f at first", last.ppo.apart, first.ppo.apart);

    assert_true(amb_train_save(t, scratch("taught.bin"), NULL));
    for (int i = 0; i < 3; i++)
        amb_train_iterate(t, &first);
    set_threads(1);
    amb_checkpoint *c = amb_checkpoint_read(scratch("taught.bin"), &err);
    amb_train *resumed = create_with(&s, &with);
    if (!c || !amb_train_load(resumed, c, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 3; i++)
        amb_train_iterate(resumed, &last);
    assert_same_stats(&first, &last);
    assert_same_training(t, resumed);
    amb_train_destroy(resumed);
    set_threads(2);

    /* The last sample of each environment, by what it followed then: nobody is asked too soon after a change.
     */
    amb_settings waiting = s;
    waiting.teach_after_s = .49; /* no multiple of a step */
    waiting.style_change = 2;    /* the way itself takes .9 s */
    waiting.style_blends = 0;
    waiting.episode_s = 6;
    waiting.max_root_m = 0; /* so that those who fall behind see a change through */
    amb_train *other = create_with(&waiting, &with);
    int times[3] = {0}; /* a style with a teacher was followed: from the start, too shortly, long enough */
    for (int i = 0; i < 40; i++) {
        amb_train_iterate(other, &last);
        for (int e = 0; e < ENVS; e++) {
            const amb_generator *g = other->generator[e];
            const double followed = amb_generator_followed_s(g, &other->env[e]) - other->env[e].control_dt;
            const bool known = amb_teachers_of(&teachers, amb_generator_latent(g)) != NULL;
            if (other->env[e].step == 0) /* a new episode */
                continue;
            assert_int_equal(other->has_teacher[e * STEPS + STEPS - 1], known && followed > .49);
            times[isinf(followed) ? 0 : followed > .49 ? 2 : 1] += known;
        }
    }
    if (!(times[0] > 10 && times[1] > 4 && times[2] > 4))
        fail_msg("seen %d, %d and %d times", times[0], times[1], times[2]);
    amb_train_destroy(other);

    amb_train *wrong = create_with(&s, &styles);
    assert_false(amb_train_load(wrong, c, &err));
    assert_sentence(&err, "taught.bin: was trained with other teachers|--init");
    assert_true(amb_train_save(wrong, scratch("untaught.bin"), NULL));
    amb_train_destroy(wrong);
    amb_checkpoint_destroy(c);
    c = amb_checkpoint_read(scratch("untaught.bin"), &err);
    assert_false(amb_train_load(t, c, &err));
    assert_sentence(&err, "untaught.bin: was trained without teachers|--init");
    amb_checkpoint_destroy(c);
    amb_train_destroy(t);
    amb_teachers_free(&teachers);
}

static void refuse_teacher(amb_teachers *teachers, const char *text, const char *words)
{
    amb_error err = {""};
    const int before = teachers->count;
    const uint32_t crc = teachers->crc;
    assert_false(amb_teachers_add(teachers, &made.styles, text, &err));
    assert_sentence(&err, words);
    assert_true(teachers->count == before && teachers->crc == crc);
}

static void wrong_teachers_are_refused(void **state)
{
    (void)state;
    amb_teachers teachers = {0};
    amb_error err = {""};
    const amb_settings s = lively_styles();
    add_teacher(&teachers, teacher_file("zombie", AMB_OBS, 1, "residual"));
    refuse_teacher(&teachers, teacher_file("zombie", AMB_OBS, 1, "residual"), "zombie has a teacher already");
    refuse_teacher(&teachers, teacher_file("crawl", AMB_OBS, 1, "residual"),
                   "no style \"crawl\"|walk, jog, zombie");
    refuse_teacher(&teachers, teacher_file("walk", AMB_OBS - 1, 1, "residual"),
                   "walk1.onnx|196|expected an actor");
    refuse_teacher(&teachers, "walk", "\"walk\" found, expected STYLE=FILE");
    refuse_teacher(&teachers, "=a.onnx", "expected STYLE=FILE");
    refuse_teacher(&teachers, "walk=", "expected STYLE=FILE");
    refuse_teacher(&teachers, "walk=nothing.onnx", "nothing.onnx");

    amb_train_styles with = styles;
    with.teachers = &teachers;
    add_teacher(&teachers, teacher_file("jog", AMB_OBS, 3, "absolute"));
    assert_null(amb_train_create_styles(&s, character, &with, 0, &err));
    assert_sentence(&err, "teacher 2: its actions are absolute, expected residual ones");
    amb_teachers_free(&teachers);
    add_teacher(&teachers, teacher_file("jog", AMB_OBS_MAX, 4, "residual"));
    amb_settings blind = s;
    blind.goal = 0;
    assert_null(amb_train_create_styles(&blind, character, &with, 0, &err));
    assert_sentence(&err, "teacher 1: it sees the reference's goal|goal");
    amb_settings slow = s;
    slow.substeps = 8;
    assert_null(amb_train_create_styles(&slow, character, &with, 0, &err));
    assert_sentence(&err, "teacher 1: it controls at 30 Hz|expected 15 Hz");
    amb_teachers_free(&teachers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(a_saved_training_goes_on_bit_by_bit),
        cmocka_unit_test(teachers_are_followed),
        cmocka_unit_test(wrong_teachers_are_refused),
    };
    return cmocka_run_group_tests(tests, set_up_styles, tear_down_styles);
}
