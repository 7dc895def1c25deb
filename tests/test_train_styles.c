/* Training on invented motions: the same bits on any number of threads and after a checkpoint; other networks
 * or styles are errors. */
#include "tests/training.h"

#include "tests/motions.h"

#include "nets/onnx/onnx.h"

static hand_made made;
static ami_train_styles styles;

static int set_up_styles(void **state)
{
    if (set_up(state))
        return -1;
    make_by_hand(&made, character, .02);
    styles = (ami_train_styles){.nets = &made.nets, .styles = &made.styles, .crc = 77};
    return 0;
}

static int tear_down_styles(void **state)
{
    free_hand_made(&made);
    return tear_down(state);
}

static ami_settings lively_styles(void)
{
    ami_settings s = lively(false);
    s.goal = -1;
    s.style_change = .15;
    s.style_pace = .2;
    s.episode_s = .7;
    s.max_height_m = s.max_tilt = 0; /* any body may touch the floor here, and lie on it */
    return s;
}

static ami_train *create_with(const ami_settings *s, const ami_train_styles *with)
{
    ami_error err = {""};
    ami_train *t = ami_train_create_styles(s, character, with, (1u << AMI_BODIES) - 1, &err);
    if (!t)
        fail_msg("%s", err.text);
    return t;
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    const ami_settings s = lively_styles();
    ami_train_stats one[4], two;
    set_threads(1);
    ami_train *a = create_with(&s, &styles);
    for (int i = 0; i < 4; i++)
        ami_train_iterate(a, &one[i]);
    set_threads(2);
    ami_train *b = create_with(&s, &styles);
    for (int i = 0; i < 4; i++) {
        ami_train_iterate(b, &two);
        assert_same_stats(&one[i], &two);
        assert_true(one[i].motions == two.motions && one[i].refused == two.refused);
    }
    assert_same_training(a, b);
    assert_true(one[3].episodes > 10); /* episodes began anew, with motions made in the middle of it */
    int64_t changes = 0;
    for (int e = 0; e < ENVS; e++)
        changes += ami_generator_get_counts(a->generator[e])->changes;
    assert_true(changes > 2 * ENVS);
    assert_string_equal(ami_train_motion(a), "style:random");
    ami_net *actor = ami_train_export_actor(a, NULL);
    assert_string_equal(ami_net_get_meta(actor, "motion"), "style:random");
    assert_string_equal(ami_net_get_meta(actor, "observation"), "deepmimic-197+goal-49"); /* goal -1 */
    assert_non_null(strstr(ami_net_get_meta(actor, "training"), "goal=1"));
    assert_int_equal(actor->dim[0], AMI_OBS_MAX);
    ami_net_destroy(actor);
    ami_train_destroy(a);
    ami_train_destroy(b);
}

static void a_saved_training_goes_on_bit_by_bit(void **state)
{
    (void)state;
    const ami_settings s = lively_styles();
    ami_train_stats stats[3], mine;
    ami_train *whole = create_with(&s, &styles);
    for (int i = 0; i < 3; i++)
        ami_train_iterate(whole, &mine);
    assert_true(ami_train_save(whole, scratch("middle.bin"), NULL));
    for (int i = 0; i < 3; i++)
        ami_train_iterate(whole, &stats[i]);

    set_threads(1);
    ami_error err = {""};
    ami_checkpoint *c = ami_checkpoint_read(scratch("middle.bin"), &err);
    ami_train *resumed = create_with(&s, &styles);
    for (int i = 0; i < 2; i++)
        ami_train_iterate(resumed, &mine); /* whatever it did before is forgotten */
    if (!ami_train_load(resumed, c, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 3; i++) {
        ami_train_iterate(resumed, &mine);
        assert_same_stats(&stats[i], &mine);
        assert_true(stats[i].motions == mine.motions && stats[i].refused == mine.refused);
    }
    assert_same_training(whole, resumed);
    set_threads(2);

    /* Other files behind the networks; a clip in place of styles, and the other way round. */
    const ami_train_styles other = {.nets = &made.nets, .styles = &made.styles, .crc = 78};
    ami_train *wrong = create_with(&s, &other);
    assert_false(ami_train_load(wrong, c, &err));
    assert_sentence(&err, "another motion|style:random|--init");
    ami_train_destroy(wrong);
    wrong = ami_train_create(&s, character, clip, 0, &err);
    assert_non_null(wrong);
    assert_false(ami_train_load(wrong, c, &err));
    assert_sentence(&err, "another motion");
    assert_false(ami_train_load_networks(wrong, c, &err)); /* -1 is 1 with styles and 0 with a clip */
    assert_sentence(&err, "middle.bin: its networks have 246 inputs, expected 197 (setting goal");
    ami_train_destroy(wrong);
    ami_settings seeing = s;
    seeing.goal = 1;
    wrong = ami_train_create(&seeing, character, clip, 0, &err);
    assert_non_null(wrong);
    assert_true(ami_train_load_networks(wrong, c, &err)); /* its networks can be taken over */
    ami_train_destroy(wrong);
    ami_checkpoint_destroy(c);
    ami_train_destroy(whole);
    ami_train_destroy(resumed);
}

/* An actor's file as a training writes it, and "STYLE=FILE" for it. */
static const char *teacher_file(const char *style, int inputs, uint64_t seed, const char *action)
{
    static char text[400];
    ami_error err = {""};
    ami_net *net = small_actor_of(inputs, seed, .1);
    for (int k = 0; k < AMI_ACTION; k++)
        net->bias[2][k] = .2f * (float)(k % 3 - 1);
    assert_true(ami_net_set_meta(net, "kind", "actor") && ami_net_set_meta(net, "action", action));
    snprintf(text, sizeof text, "%s=%s/%s%d.onnx", style, (scratch("x"), scratch_folder), style, (int)seed);
    if (!ami_onnx_write(strchr(text, '=') + 1, net, AMI_ONNX_FLOAT32, &err))
        fail_msg("%s", err.text);
    ami_net_destroy(net);
    return text;
}

static void add_teacher(ami_teachers *teachers, const char *text)
{
    ami_error err = {""};
    if (!ami_teachers_add(teachers, &(ami_teachable){.styles = &made.styles}, text, &err))
        fail_msg("%s", err.text);
}

static int taught_samples(const ami_train *t)
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
    ami_teachers teachers = {0};
    ami_error err = {""};
    add_teacher(&teachers, teacher_file("jog", AMI_OBS, 1, "residual"));
    add_teacher(&teachers, teacher_file("walk", AMI_OBS_MAX, 2, "residual"));
    ami_train_styles with = styles;
    with.teachers = &teachers;
    ami_settings s = lively_styles();
    s.style_change = 1;
    s.teach = s.teach_end = 20;
    s.teach_after_s = .1;
    s.kl = s.kl_end = 10;
    s.actor_rate = 2e-3;
    s.noise_end = s.noise;
    s.samples = 1e6;
    ami_train *t = create_with(&s, &with);
    ami_train_stats first = {0}, last = {0};
    for (int i = 0; i < 60; i++) {
        ami_train_iterate(t, i ? &last : &first);
        assert_in_range(taught_samples(t), 1, t->samples - 1); /* zombies and blends have none */
    }
    if (!(first.ppo.teacher_distance > .08 && last.ppo.teacher_distance < .5 * first.ppo.teacher_distance))
        fail_msg("the actor is %.4f from its teachers, %.4f at first", last.ppo.teacher_distance,
                 first.ppo.teacher_distance);

    assert_true(ami_train_save(t, scratch("taught.bin"), NULL));
    for (int i = 0; i < 3; i++)
        ami_train_iterate(t, &first);
    set_threads(1);
    ami_checkpoint *c = ami_checkpoint_read(scratch("taught.bin"), &err);
    ami_train *resumed = create_with(&s, &with);
    if (!c || !ami_train_load(resumed, c, &err))
        fail_msg("%s", err.text);
    for (int i = 0; i < 3; i++)
        ami_train_iterate(resumed, &last);
    assert_same_stats(&first, &last);
    assert_same_training(t, resumed);
    ami_train_destroy(resumed);
    set_threads(2);

    /* The last sample of each environment, by what it followed then: nobody is asked too soon after a change.
     */
    ami_settings waiting = s;
    waiting.teach_after_s = .49; /* no multiple of a step */
    waiting.style_change = 2;    /* the way itself takes .9 s */
    waiting.style_blends = 0;
    waiting.episode_s = 6;
    waiting.max_root_m = 0; /* so that those who fall behind see a change through */
    ami_train *other = create_with(&waiting, &with);
    int times[3] = {0}; /* a style with a teacher was followed: from the start, too shortly, long enough */
    for (int i = 0; i < 40; i++) {
        ami_train_iterate(other, &last);
        for (int e = 0; e < ENVS; e++) {
            const ami_generator *g = other->generator[e];
            const double followed = ami_generator_followed_s(g, &other->env[e]) - other->env[e].control_dt;
            const bool known = ami_teachers_of(&teachers, ami_generator_latent(g)) != NULL;
            if (other->env[e].step == 0) /* a new episode */
                continue;
            assert_int_equal(other->has_teacher[e * STEPS + STEPS - 1], known && followed > .49);
            times[isinf(followed) ? 0 : followed > .49 ? 2 : 1] += known;
        }
    }
    if (!(times[0] > 10 && times[1] > 4 && times[2] > 4))
        fail_msg("seen %d, %d and %d times", times[0], times[1], times[2]);
    ami_train_destroy(other);

    ami_train *wrong = create_with(&s, &styles);
    assert_false(ami_train_load(wrong, c, &err));
    assert_sentence(&err, "taught.bin: was trained with other teachers|--init");
    assert_true(ami_train_save(wrong, scratch("untaught.bin"), NULL));
    ami_train_destroy(wrong);
    ami_checkpoint_destroy(c);
    c = ami_checkpoint_read(scratch("untaught.bin"), &err);
    assert_false(ami_train_load(t, c, &err));
    assert_sentence(&err, "untaught.bin: was trained without teachers|--init");
    ami_checkpoint_destroy(c);
    ami_train_destroy(t);
    ami_teachers_free(&teachers);
}

static void refuse_teacher(ami_teachers *teachers, const char *text, const char *words)
{
    ami_error err = {""};
    const int before = teachers->count;
    const uint32_t crc = teachers->crc;
    assert_false(ami_teachers_add(teachers, &(ami_teachable){.styles = &made.styles}, text, &err));
    assert_sentence(&err, words);
    assert_true(teachers->count == before && teachers->crc == crc);
}

static void wrong_teachers_are_refused(void **state)
{
    (void)state;
    ami_teachers teachers = {0};
    ami_error err = {""};
    const ami_settings s = lively_styles();
    add_teacher(&teachers, teacher_file("zombie", AMI_OBS, 1, "residual"));
    refuse_teacher(&teachers, teacher_file("zombie", AMI_OBS, 1, "residual"),
                   "style \"zombie\" already has a teacher");
    refuse_teacher(&teachers, teacher_file("crawl", AMI_OBS, 1, "residual"),
                   "no style \"crawl\"|walk, jog, zombie");
    refuse_teacher(&teachers, teacher_file("walk", AMI_OBS - 1, 1, "residual"),
                   "walk1.onnx|196|expected an actor");
    refuse_teacher(&teachers, "walk", "\"walk\" found, expected STYLE=FILE");
    refuse_teacher(&teachers, "=a.onnx", "expected STYLE=FILE");
    refuse_teacher(&teachers, "walk=", "expected STYLE=FILE");
    refuse_teacher(&teachers, "walk=nothing.onnx", "nothing.onnx");

    ami_train_styles with = styles;
    with.teachers = &teachers;
    add_teacher(&teachers, teacher_file("jog", AMI_OBS, 3, "absolute"));
    assert_null(ami_train_create_styles(&s, character, &with, 0, &err));
    assert_sentence(&err, "teacher 2: its actions are absolute, expected residual ones");
    ami_teachers_free(&teachers);
    add_teacher(&teachers, teacher_file("jog", AMI_OBS_MAX, 4, "residual"));
    ami_settings blind = s;
    blind.goal = 0;
    assert_null(ami_train_create_styles(&blind, character, &with, 0, &err));
    assert_sentence(&err, "teacher 1: its observations include the goal|setting goal");
    ami_settings slow = s;
    slow.substeps = 8;
    assert_null(ami_train_create_styles(&slow, character, &with, 0, &err));
    assert_sentence(&err, "teacher 1: it controls at 30 Hz|expected 15 Hz");
    ami_teachers_free(&teachers);
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
