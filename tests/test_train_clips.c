/* Training on several clips: each episode by its own clip's rules, drawn by what is known of the clips; the same
 * bits on any number of threads and ranks and after a checkpoint; teachers; mirrored episodes; lists of clips. */
#include "tests/training.h"

#include "tests/ranks.h"

#include "nets/onnx/onnx.h"
#include "policy/may_touch.h"
#include "policy/motion.h"
#include "policy/skill.h"
#include "sim/mirror.h"

enum { CLIPS = 3, ITERATIONS = 4 };

static ami_clip *of[CLIPS];
static ami_train_clip list[CLIPS];
static ami_train_clips clips = {.count = CLIPS, .clip = list};

/* As it is read from a file of that name. */
static ami_clip *named(double lift, bool loop, const char *name)
{
    ami_error err = {""};
    char file[64];
    snprintf(file, sizeof file, "humanoid3d_%s.txt", name);
    ami_clip *c = march(lift, loop);
    const bool written = ami_clip_write(c, scratch(file), &err);
    ami_clip_destroy(c);
    c = written ? ami_clip_read(scratch(file), &err) : NULL;
    if (!c)
        fail_msg("%s", err.text);
    return c;
}

static int set_up_clips(void **state)
{
    if (set_up(state))
        return -1;
    of[0] = named(.3, true, "slow");
    of[1] = named(.2, false, "once");
    of[2] = named(.5, true, "high");
    for (int c = 0; c < CLIPS; c++)
        list[c] = (ami_train_clip){of[c], c == 1 ? 1u << AMI_LEFT_WRIST : 0};
    return 0;
}

static int tear_down_clips(void **state)
{
    for (int c = 0; c < CLIPS; c++)
        ami_clip_destroy(of[c]);
    return tear_down(state);
}

/* Episodes of .4 s, and of what does not loop of .2 to .3 s behind its end. */
static ami_settings lively_clips(bool all)
{
    ami_settings s = all ? lively_all(false) : lively(false);
    s.goal = -1;
    s.mirror = all ? 1 : -1;
    s.mirrored = all ? .3 : 0;
    s.hold_min_s = .2;
    s.hold_max_s = .3;
    return s;
}

static ami_train *create_with(const ami_settings *s, const ami_train_clips *with)
{
    ami_error err = {""};
    ami_train *t = ami_train_create_clips(s, character, with, ami_exchange_none(), &err);
    if (!t)
        fail_msg("%s", err.text);
    return t;
}

static void assert_saved(const ami_train *t, const char *path)
{
    ami_error err = {""};
    if (!ami_train_save(t, path, &err))
        fail_msg("%s", err.text);
}

static void assert_same_clips(const ami_train *a, const ami_train *b)
{
    for (int c = 0; c < CLIPS; c++) {
        ami_train_stats x, y;
        ami_train_clip_stats(a, c, &x);
        ami_train_clip_stats(b, c, &y);
        assert_memory_equal(&x, &y, sizeof x);
    }
}

static void threads_do_not_matter(void **state)
{
    (void)state;
    for (int all = 0; all < 2; all++) {
        const ami_settings s = lively_clips(all);
        set_threads(1);
        ami_train *a = create_with(&s, &clips);
        ami_train_stats one[ITERATIONS], two;
        for (int i = 0; i < ITERATIONS; i++)
            ami_train_iterate(a, &one[i]);
        set_threads(2);
        ami_train *b = create_with(&s, &clips);
        for (int i = 0; i < ITERATIONS; i++) {
            ami_train_iterate(b, &two);
            assert_same_stats(&one[i], &two);
        }
        assert_same_training(a, b);
        assert_same_clips(a, b);
        assert_string_equal(ami_train_motion(a), "slow, once, high");
        assert_int_equal(a->inputs, AMI_OBS_MAX); /* goal -1 */
        int64_t samples = 0;
        for (int c = 0; c < CLIPS; c++) {
            ami_train_stats of_clip;
            ami_train_clip_stats(a, c, &of_clip);
            assert_true(of_clip.samples > 0 && of_clip.reward > 0 && of_clip.reward < 1);
            samples += of_clip.samples;
        }
        assert_true(samples == ami_train_samples(a));
        ami_train_destroy(a);
        ami_train_destroy(b);
    }
}

/* In every environment, after every iteration. */
static void episodes_follow_their_clips_rules(void **state)
{
    (void)state;
    ami_settings s = lively_clips(false);
    s.episode_s = 0; /* each clip its own: 10 s */
    ami_train *t = create_with(&s, &clips);
    assert_true(ami_train_settings(t)->episode_s == 0);
    int seen[CLIPS] = {0};
    const unsigned ankles = 1u << AMI_LEFT_ANKLE | 1u << AMI_RIGHT_ANKLE;
    for (int i = 0; i < 12; i++) {
        ami_train_stats stats;
        ami_train_iterate(t, &stats);
        for (int e = 0; e < ENVS; e++) {
            const ami_env *env = &t->env[e];
            const int c = t->env_clip[e].clip;
            assert_in_range(c, 0, CLIPS - 1);
            assert_true(env->def.clip == of[c] && env->reference.clip == of[c]);
            assert_int_equal(env->def.may_touch, ankles | list[c].may_touch);
            assert_int_equal(env->steps_max, 300);
            assert_true(c == 1 ? env->steps_end <= 39 + 1 : env->steps_end == 300);
            seen[c]++;
        }
    }
    for (int c = 0; c < CLIPS; c++)
        assert_true(seen[c] > ENVS);
    ami_train_destroy(t);
}

/* The fractions of the samples are what was asked for, whatever the episodes' lengths. */
static void clips_are_drawn_by_what_they_lack(void **state)
{
    (void)state;
    enum { DRAWS = 60000 };
    for (int kind = 0; kind < 3; kind++) {
        ami_settings s = lively_clips(false);
        s.clip_failures = kind * .5;
        ami_train *t = create_with(&s, &clips);
        const double length[CLIPS] = {300, 40, 15}, lack[CLIPS] = {.1, .2, .7};
        for (int c = 0; c < CLIPS; c++) {
            const double episodes = 1e7; /* so many that the few that each begins with do not count */
            t->record[c].recent_samples = length[c] * episodes;
            t->record[c].recent.episodes = episodes;
            t->record[c].recent.normalised_return = (1 - lack[c]) * episodes;
        }
        ami_train_refresh_clips(t);
        double samples[CLIPS] = {0}, sum = 0;
        for (int i = 0; i < DRAWS; i++) {
            ami_train_draw_clip(t, i % ENVS);
            const int c = t->env_clip[i % ENVS].clip;
            samples[c] += length[c];
            sum += length[c];
        }
        for (int c = 0; c < CLIPS; c++)
            assert_near(samples[c] / sum, (1 - .5 * kind) / CLIPS + .5 * kind * lack[c], .03, "fraction", c);
        ami_train_destroy(t);
    }
}

static void a_saved_training_goes_on_bit_by_bit(void **state)
{
    (void)state;
    for (int all = 0; all < 2; all++) {
        const ami_settings s = lively_clips(all);
        ami_train *whole = create_with(&s, &clips);
        ami_train_stats stats[3], mine;
        for (int i = 0; i < 3; i++)
            ami_train_iterate(whole, &mine);
        assert_saved(whole, scratch("middle.bin"));
        for (int i = 0; i < 3; i++)
            ami_train_iterate(whole, &stats[i]);
        set_threads(1);
        ami_error err = {""};
        ami_checkpoint *c = ami_checkpoint_read(scratch("middle.bin"), &err);
        ami_settings read;
        assert_true(c && ami_train_read_settings(c, &read, &err));
        /* what may touch the floor is as it was, whatever is asked for now */
        ami_train_clip bare[CLIPS];
        for (int k = 0; k < CLIPS; k++)
            bare[k] = (ami_train_clip){of[k], 0};
        ami_train *resumed = create_with(&read, &(ami_train_clips){.count = CLIPS, .clip = bare});
        ami_train_iterate(resumed, &mine); /* whatever it did before is forgotten */
        if (!ami_train_load(resumed, c, &err))
            fail_msg("%s", err.text);
        for (int i = 0; i < 3; i++) {
            ami_train_iterate(resumed, &mine);
            assert_same_stats(&stats[i], &mine);
        }
        assert_same_training(whole, resumed);
        assert_same_clips(whole, resumed);
        set_threads(2);
        ami_train_destroy(whole);
        ami_train_destroy(resumed);

        /* The list for who resumes; other clips, another order, fewer. */
        ami_listed_motion *listed;
        int count;
        assert_true(ami_train_read_clips(c, &listed, &count, &err));
        assert_int_equal(count, CLIPS);
        assert_string_equal(listed[1].name, "once");
        assert_true(listed[1].crc == ami_clip_crc(of[1]));
        assert_true(listed[1].may_touch & 1u << AMI_LEFT_WRIST);
        free(listed);
        const ami_train_clip turned[CLIPS] = {list[1], list[0], list[2]};
        for (int k = 0; k < 2; k++) {
            ami_train *wrong = create_with(&s, k ? &(ami_train_clips){.count = 2, .clip = list}
                                                 : &(ami_train_clips){.count = CLIPS, .clip = turned});
            assert_false(ami_train_load(wrong, c, &err));
            assert_sentence(&err, "middle.bin: was trained on another motion than|--init");
            if (all)
                assert_true(ami_train_load_networks(wrong, c, &err)); /* but its networks are taken */
            ami_train_destroy(wrong);
        }
        ami_checkpoint_destroy(c);
    }
}

typedef struct run {
    int iterations;
    const char *resume, *save;
    bool ok;
    ami_error err;
    ami_train_stats last;
} run;

static void train_in_a_rank(ami_exchange *x, void *argument)
{
    run *r = argument;
    ami_settings s = lively_clips(true);
    s.shard = 2;
    set_threads(1 + ami_exchange_rank(x) % 2);
    ami_train *t = ami_train_create_clips(&s, character, &clips, x, &r->err);
    ami_checkpoint *c = t && r->resume ? ami_checkpoint_read(r->resume, &r->err) : NULL;
    r->ok = t && (!r->resume || (c && ami_train_load(t, c, &r->err)));
    for (int i = 0; r->ok && i < r->iterations; i++)
        ami_train_iterate(t, &r->last);
    ami_train_score score;
    r->ok = r->ok && ami_train_evaluate(t, 3, .3, &score, &r->err) && ami_train_save(t, r->save, &r->err);
    ami_checkpoint_destroy(c);
    ami_train_destroy(t);
}

static void train_on(int ranks, int iterations, const char *resume, const char *save)
{
    run runs[RANKS_MAX];
    void *argument[RANKS_MAX];
    for (int r = 0; r < ranks; r++) {
        runs[r] = (run){.iterations = iterations, .resume = resume, .save = save};
        argument[r] = &runs[r];
    }
    run_ranks(ranks, 60, train_in_a_rank, argument);
    for (int r = 0; r < ranks; r++)
        if (!runs[r].ok)
            fail_msg("rank %d of %d: %s", r, ranks, runs[r].err.text);
}

static void assert_same_file(const char *a, const char *b)
{
    ami_error err = {""};
    ami_checkpoint *x = ami_checkpoint_read(a, &err), *y = ami_checkpoint_read(b, &err);
    assert_true(x && y);
    static const char *const section[] = {"actor.parameters", "critic.parameters", "progress", "runners",
                                          "environments",     "environment_clips", "motions",  "clip_parts",
                                          "clip_records",     "normalizer"};
    for (size_t i = 0; i < sizeof section / sizeof *section; i++) {
        size_t n, m;
        const void *p = ami_checkpoint_find(x, section[i], &n), *q = ami_checkpoint_find(y, section[i], &m);
        assert_true(p && q && n == m);
        assert_memory_equal(p, q, n);
    }
    ami_checkpoint_destroy(x);
    ami_checkpoint_destroy(y);
}

static void ranks_do_not_matter(void **state)
{
    (void)state;
    const char *one = scratch("one.bin"), *many = scratch("many.bin"), *half = scratch("half.bin");
    train_on(1, ITERATIONS, NULL, one);
    train_on(3, ITERATIONS, NULL, many);
    assert_same_file(one, many);
    train_on(2, 1, NULL, half);
    train_on(4, ITERATIONS - 1, half, many);
    assert_same_file(one, many);
    set_threads(2);
}

/* "NAMES=FILE" for an actor's file as a training writes it. */
static const char *teacher_file(const char *names, int inputs, uint64_t seed, const char *action)
{
    static char text[600];
    ami_error err = {""};
    ami_net *net = small_actor_of(inputs, seed, .1);
    for (int k = 0; k < AMI_ACTION; k++)
        net->bias[2][k] = .2f * (float)((k + (int)seed) % 3 - 1);
    assert_true(ami_net_set_meta(net, "kind", "actor") && ami_net_set_meta(net, "action", action));
    snprintf(text, sizeof text, "%s=%s/t%d.onnx", names, (scratch("x"), scratch_folder), (int)seed);
    if (!ami_onnx_write(strchr(text, '=') + 1, net, AMI_ONNX_FLOAT32, &err))
        fail_msg("%s", err.text);
    ami_net_destroy(net);
    return text;
}

static const char *const name[CLIPS] = {"slow", "once", "high"};
static const ami_teachable taught = {.clip = name, .clips = CLIPS};

static void add_teacher(ami_teachers *teachers, const char *text)
{
    ami_error err = {""};
    if (!ami_teachers_add(teachers, &taught, text, &err))
        fail_msg("%s", err.text);
}

/* Also where an episode is mirrored or folded: a teacher sees the body as it is, and the network learns the mirror
 * image of its action. */
static void teachers_see_the_body_as_it_is(void **state)
{
    (void)state;
    ami_teachers teachers = {0};
    add_teacher(&teachers, teacher_file("slow,once", AMI_OBS_MAX, 1, "residual"));
    add_teacher(&teachers, teacher_file("high", AMI_OBS, 2, "residual"));
    assert_int_equal(teachers.policies, 2);
    for (int kind = 0; kind < 3; kind++) { /* plain, mirrored, folded */
        ami_settings s = lively_clips(false);
        s.mirrored = kind == 1 ? .6 : 0;
        s.mirror = kind == 2;
        s.steps =
            1; /* so that what an environment follows after it is what it followed, but where one ended */
        s.epochs = 2;
        s.minibatches = 1;
        ami_train_clips with = clips;
        with.teachers = &teachers;
        ami_train *t = create_with(&s, &with);
        int mirrored = 0, compared = 0;
        for (int i = 0; i < 30; i++) {
            ami_train_stats stats;
            ami_train_iterate(t, &stats);
            for (int e = 0; e < ENVS; e++) {
                if (t->last[e])
                    continue;
                const bool flipped = t->env_clip[e].mirrored || (kind == 2 && t->folded[e]);
                float obs[AMI_OBS_MAX], action[AMI_ACTION];
                memcpy(obs, t->obs + e * AMI_OBS_MAX, sizeof obs);
                if (t->env_clip[e].mirrored) { /* the observation is that of the mirrored body */
                    ami_mirror_obs(obs, obs);
                    ami_mirror_goal(obs + AMI_OBS, obs + AMI_OBS);
                }
                const ami_policy *teacher = ami_teachers_of_clip(&teachers, t->env_clip[e].clip);
                void *workspace = malloc(ami_policy_workspace_size(teacher, 1));
                ami_policy_run(teacher, workspace, obs, 1, action);
                free(workspace);
                if (flipped)
                    ami_mirror_action(action, action);
                assert_true(t->has_teacher[e]);
                assert_memory_equal(t->teacher_action + e * AMI_ACTION, action, sizeof action);
                mirrored += flipped;
                compared++;
            }
        }
        assert_true(compared > 150);
        if (kind == 0)
            assert_int_equal(mirrored, 0);
        else
            assert_in_range(mirrored, 20, compared - 20);
        ami_train_destroy(t);
    }
    ami_teachers_free(&teachers);
}

/* One network learns what two teachers do, each on its own clips. */
static void one_network_learns_from_all(void **state)
{
    (void)state;
    ami_teachers teachers = {0};
    add_teacher(&teachers, teacher_file("slow", AMI_OBS, 1, "residual"));
    add_teacher(&teachers, teacher_file("high", AMI_OBS_MAX, 2, "residual"));
    ami_train_clips with = clips;
    with.teachers = &teachers;
    ami_settings s = lively_clips(false);
    s.teach = s.teach_end = 20;
    s.kl = s.kl_end = 10;
    s.actor_rate = 2e-3;
    s.noise_end = s.noise;
    s.samples = 1e6;
    ami_train *t = create_with(&s, &with);
    ami_train_stats first = {0}, last = {0};
    for (int i = 0; i < 200; i++) {
        ami_train_iterate(t, i ? &last : &first);
        for (int k = 0; k < t->samples; k++)
            assert_int_equal(t->has_teacher[k], t->facts[k].clip != 1);
    }
    if (!(first.ppo.teacher_distance > .08 && last.ppo.teacher_distance < .5 * first.ppo.teacher_distance))
        fail_msg("the actor is %.4f from its teachers, %.4f at first", last.ppo.teacher_distance,
                 first.ppo.teacher_distance);
    assert_saved(t, scratch("taught.bin"));
    ami_train_destroy(t);
    t = create_with(&s, &clips);
    ami_error err = {""};
    ami_checkpoint *c = ami_checkpoint_read(scratch("taught.bin"), &err);
    assert_false(ami_train_load(t, c, &err));
    assert_sentence(&err, "was trained with other teachers|--init");
    ami_checkpoint_destroy(c);
    ami_train_destroy(t);
    ami_teachers_free(&teachers);
}

static void refuse_teacher(ami_teachers *teachers, const char *text, const char *words)
{
    ami_error err = {""};
    const ami_teachers before = *teachers;
    assert_false(ami_teachers_add(teachers, &taught, text, &err));
    assert_sentence(&err, words);
    assert_true(teachers->count == before.count && teachers->policies == before.policies &&
                teachers->crc == before.crc);
}

static void refuse(const ami_settings *s, const ami_train_clips *with, const char *words)
{
    ami_error err = {""};
    assert_null(ami_train_create_clips(s, character, with, ami_exchange_none(), &err));
    assert_sentence(&err, words);
}

static void what_does_not_fit_is_refused(void **state)
{
    (void)state;
    ami_teachers teachers = {0};
    add_teacher(&teachers, teacher_file("once", AMI_OBS, 1, "residual"));
    refuse_teacher(&teachers, teacher_file("slow,once", AMI_OBS, 1, "residual"),
                   "clip \"once\" already has a teacher");
    refuse_teacher(&teachers, teacher_file("slow,slow", AMI_OBS, 1, "residual"),
                   "clip \"slow\" already has a teacher");
    refuse_teacher(&teachers, teacher_file("roll", AMI_OBS, 1, "residual"),
                   "no clip \"roll\"|slow, once, high");
    refuse_teacher(&teachers, teacher_file("slow,,high", AMI_OBS, 1, "residual"), "a clip's name");
    refuse_teacher(&teachers, teacher_file("slow", AMI_OBS - 1, 1, "residual"), "196|expected an actor");
    refuse_teacher(&teachers, "slow", "\"slow\" found, expected CLIP=FILE");
    refuse_teacher(&teachers, "slow=nothing.onnx", "nothing.onnx");

    ami_settings s = lively_clips(false);
    ami_train_clips with = clips;
    with.teachers = &teachers;
    add_teacher(&teachers, teacher_file("slow", AMI_OBS, 3, "absolute"));
    refuse(&s, &with, "teacher 2: its actions are absolute, expected residual ones");
    ami_teachers_free(&teachers);

    s.goal = 0;
    refuse(&s, &clips, "setting goal: 0 found, expected 1 or -1|several clips");
    s = lively_clips(false);
    const ami_train_clip twice[2] = {list[0], list[0]}, once[2] = {list[1], {named(.4, false, "twice"), 0}};
    refuse(&s, &(ami_train_clips){.count = 2, .clip = twice}, "two clips are named \"slow\"");
    s.mirror = 1;
    refuse(&s, &(ami_train_clips){.count = 2, .clip = once}, "setting mirror: 1|none of the clips");
    ami_clip_destroy((ami_clip *)once[1].clip);
    s = lively_clips(false);
    s.mirrored = .5;
    refuse(&s, &(ami_train_clips){.count = 1, .clip = list}, "setting mirrored: 0.5 found|goal");
    s.goal = 1; /* one clip and its mirror image can be told apart */
    ami_train_destroy(create_with(&s, &(ami_train_clips){.count = 1, .clip = list}));
}

/* What eval, rollout and the viewer load from the file of such a training. */
static void networks_know_their_clips(void **state)
{
    (void)state;
    const ami_settings s = lively_clips(false);
    ami_train *t = create_with(&s, &clips);
    ami_error err = {""};
    ami_net *net = ami_train_export_actor(t, &err);
    assert_non_null(net);
    assert_string_equal(ami_net_get_meta(net, "motion"),
                        "slow"); /* as programs know it that know of no list */
    assert_true(ami_onnx_write(scratch("actor.onnx"), net, AMI_ONNX_FLOAT32, &err));
    ami_policy policy;
    if (!ami_policy_load(&policy, scratch("actor.onnx"), NULL, &err))
        fail_msg("%s", err.text);
    assert_int_equal(policy.motions, CLIPS);
    assert_true(policy.goal && policy.has_motion_crc && policy.motion_crc == ami_clip_crc(of[0]));
    for (int c = 0; c < CLIPS; c++) {
        unsigned bits;
        assert_string_equal(policy.listed[c].name, name[c]);
        assert_true(policy.listed[c].crc == ami_clip_crc(of[c]));
        assert_true(ami_choose_may_touch(NULL, &policy, character, of[c], &bits, &err));
        assert_int_equal(bits, t->clip[c].may_touch);
    }
    unsigned bits; /* another clip: what it brings to the floor itself; invented motions: the first one's */
    ami_clip *other = named(.25, true, "other");
    assert_true(ami_choose_may_touch(NULL, &policy, character, other, &bits, &err));
    assert_int_equal(bits, 1u << AMI_LEFT_ANKLE | 1u << AMI_RIGHT_ANKLE);
    ami_clip_destroy(other);

    /* The clips that lie beside it. */
    char path[4096];
    char actor[200];
    snprintf(actor, sizeof actor, "%s", scratch("actor.onnx"));
    const ami_origin origin = ami_policy_origin(&policy, actor);
    for (int c = -1; c < CLIPS; c++) {
        ami_clip *found =
            ami_load_motion(c < 0 ? NULL : name[c], "nowhere", &origin, path, sizeof path, &err);
        if (!found)
            fail_msg("%s", err.text);
        assert_string_equal(ami_clip_name(found), name[c < 0 ? 0 : c]);
        ami_clip_destroy(found);
    }
    assert_null(ami_load_motion("roll", "nowhere", &origin, path, sizeof path, &err));

    /* The viewer's and the server's skills. */
    for (int c = -1; c < CLIPS; c++) {
        const ami_skill_def def = {.policy = origin.file,
                                   .motion = c < 0 ? NULL : name[c],
                                   .clips = "nowhere",
                                   .character = character,
                                   .characters = 1,
                                   .no_critic = true};
        ami_skill *skill = ami_skill_load(&def, &err);
        if (!skill)
            fail_msg("%s", err.text);
        assert_string_equal(skill->name, name[c < 0 ? 0 : c]);
        assert_int_equal(skill->may_touch, t->clip[c < 0 ? 0 : c].may_touch);
        ami_skill_free(skill);
    }
    ami_policy_free(&policy);

    static const char *const bad[][2] = {
        {"", "expected a list"},
        {"[]", "expected a list"},
        {"{}", "expected a list"},
        {"[1]", "motion 1 of the list|\"name\""},
        {"[{\"name\":\"a\",\"crc32c\":\"12\",\"may_touch\":\"root\"}]", "\"crc32c\"|\"12\""},
        {"[{\"name\":\"a\",\"crc32c\":\"12345678\"}]", "\"may_touch\"|missing"},
        {"[{\"name\":\"a\",\"crc32c\":\"12345678\",\"may_touch\":\"tail\"}]", "\"may_touch\"|tail"},
        {"[{\"name\":\"a\\n\",\"crc32c\":\"12345678\",\"may_touch\":\"root\"}]", "\"name\""},
        {"[{\"name\":\"a\",\"crc32c\":\"12345678\",\"may_touch\":\"root\"},"
         "{\"name\":\"a\",\"crc32c\":\"12345678\",\"may_touch\":\"root\"}]",
         "motion 2 of the list|twice"},
    };
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        assert_true(ami_net_set_meta(net, "motions", bad[i][0]));
        assert_false(ami_policy_describe(&policy, net, &err));
        char words[200];
        snprintf(words, sizeof words, "metadata \"motions\"|%s", bad[i][1]);
        assert_sentence(&err, words);
    }
    ami_net_destroy(net);
    ami_train_destroy(t);
}

static void every_clip_is_evaluated(void **state)
{
    (void)state;
    const ami_settings s = lively_clips(true);
    ami_train *t = create_with(&s, &clips);
    ami_train_stats stats;
    ami_train_iterate(t, &stats);
    ami_train_score score[CLIPS], mean, sum;
    ami_error err = {""};
    assert_true(ami_train_evaluate_clips(t, 5, .4, score, &err));
    assert_true(ami_train_evaluate(t, 5, .4, &mean, &err));
    ami_train_mean_score(score, CLIPS, &sum);
    assert_memory_equal(&mean, &sum, sizeof mean);
    assert_true(score[0].normalised_return != score[2].normalised_return);
    for (int c = 0; c < CLIPS; c++)
        assert_true(score[c].normalised_return > .1 && score[c].seconds <= (c == 1 ? 1 : .4) + 1 / 30.);
    assert_near(mean.normalised_return,
                (score[0].normalised_return + score[1].normalised_return + score[2].normalised_return) / 3,
                1e-12, "mean", 0);
    ami_train_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(episodes_follow_their_clips_rules),
        cmocka_unit_test(clips_are_drawn_by_what_they_lack),
        cmocka_unit_test(a_saved_training_goes_on_bit_by_bit),
        cmocka_unit_test(ranks_do_not_matter),
        cmocka_unit_test(teachers_see_the_body_as_it_is),
        cmocka_unit_test(one_network_learns_from_all),
        cmocka_unit_test(what_does_not_fit_is_refused),
        cmocka_unit_test(networks_know_their_clips),
        cmocka_unit_test(every_clip_is_evaluated),
    };
    return cmocka_run_group_tests(tests, set_up_clips, tear_down_clips);
}
