/* Checkpoints: a saved training continues bit for bit; another one can start with its networks; a checkpoint
 * that cannot be continued is an error. */
#include "tests/training.h"

#include "base/file.h"
#include "tests/allocations.h"

static void assert_saved(const ami_train *t, const char *path)
{
    ami_error err = {""};
    if (!ami_train_save(t, path, &err))
        fail_msg("%s", err.text);
}

static ami_checkpoint *read_checkpoint(const char *path)
{
    ami_error err = {""};
    ami_checkpoint *c = ami_checkpoint_read(path, &err);
    if (!c)
        fail_msg("%s", err.text);
    return c;
}

static void a_saved_training_goes_on_bit_by_bit(void **state)
{
    (void)state;
    for (int kind = 0; kind < 6; kind++) {
        ami_settings s = kind < 3 ? lively(kind == 1) : lively_all(kind == 4);
        s.goal = kind % 3 == 2;
        s.gamma_end = .98;
        s.normalizer_samples = 4 * ENVS * STEPS; /* is frozen after the interruption */
        ami_train *whole = try_create(&s);
        if (!whole)
            continue;
        for (int e = 0; e < ENVS; e++)
            whole->env[e].def.may_touch |= 1u << AMI_LEFT_WRIST; /* as if it had been created so */
        ami_train_stats stats[3], mine;
        for (int i = 0; i < 3; i++)
            ami_train_iterate(whole, &mine);
        assert_saved(whole, scratch("middle.bin"));
        for (int i = 0; i < 3; i++)
            ami_train_iterate(whole, &stats[i]);
        assert_saved(whole, scratch("whole.bin"));

        set_threads(1);
        ami_checkpoint *c = read_checkpoint(scratch("middle.bin"));
        ami_settings read;
        ami_error err = {""};
        assert_true(ami_train_read_settings(c, &read, &err));
        assert_memory_equal(&read, &s, sizeof s);
        ami_train *resumed = try_create(&read);
        ami_train_iterate(resumed, &mine); /* whatever it did before is forgotten */
        if (!ami_train_load(resumed, c, &err))
            fail_msg("%s", err.text);
        ami_checkpoint_destroy(c);
        assert_true(ami_train_samples(resumed) == 3 * ENVS * STEPS && ami_train_iterations(resumed) == 3);
        for (int i = 0; i < 3; i++) {
            ami_train_iterate(resumed, &mine);
            assert_same_stats(&stats[i], &mine);
        }
        assert_same_training(whole, resumed);
        assert_saved(resumed, scratch("resumed.bin"));
        size_t size[2];
        uint8_t *file[2] = {ami_file_read(scratch("whole.bin"), 1 << 24, &size[0], NULL),
                            ami_file_read(scratch("resumed.bin"), 1 << 24, &size[1], NULL)};
        assert_true(size[0] == size[1]);
        assert_memory_equal(file[0], file[1], size[0]);
        free(file[0]), free(file[1]);
        ami_train_destroy(whole);
        ami_train_destroy(resumed);
        set_threads(2);
    }
}

static bool same_parameters(ami_train_net *a, ami_train_net *b)
{
    return !memcmp(ami_train_net_parameters(a), ami_train_net_parameters(b),
                   ami_train_net_size(a) * sizeof(float));
}

/* A folded training's own networks know one half of the motion. Who goes on folded takes these, and the
 * copies that know both; who goes on without takes the copies alone. */
static void networks_of_a_folded_training_are_taken_over(void **state)
{
    (void)state;
    ami_settings s = lively(false);
    s.mirror = 1;
    ami_train *from = trained(&s, 3);
    assert_saved(from, scratch("folded.bin"));
    ami_checkpoint *c = read_checkpoint(scratch("folded.bin"));
    assert_false(same_parameters(from->copier.net[0], ami_ppo_actor(from->ppo)));
    for (int mirror = 0; mirror < 2; mirror++) {
        s.mirror = mirror;
        ami_train *to = try_create(&s);
        ami_error err = {""};
        if (!ami_train_load_networks(to, c, &err))
            fail_msg("%s", err.text);
        assert_true(
            same_parameters(ami_ppo_actor(to->ppo), mirror ? ami_ppo_actor(from->ppo) : from->copier.net[0]));
        assert_true(same_parameters(ami_ppo_critic(to->ppo),
                                    mirror ? ami_ppo_critic(from->ppo) : from->copier.net[1]));
        for (int k = 0; k < 2; k++)
            /* what is exported is what was */
            assert_true(same_parameters(ami_train_exported(to, k == 0), from->copier.net[k]));
        ami_train_stats stats;
        ami_train_iterate(to, &stats);
        assert_true(isfinite(stats.ppo.kl) && isfinite(stats.copy_error));
        ami_train_destroy(to);
    }
    ami_checkpoint_destroy(c);
    ami_train_destroy(from);

    s.mirror = 0; /* and one that was not folded goes on folded: its networks know both halves, and are their
                     own copies at first */
    from = trained(&s, 2);
    assert_saved(from, scratch("whole.bin"));
    c = read_checkpoint(scratch("whole.bin"));
    s.mirror = 1;
    ami_train *to = try_create(&s);
    assert_true(ami_train_load_networks(to, c, NULL));
    assert_true(same_parameters(ami_ppo_actor(to->ppo), ami_ppo_actor(from->ppo)));
    assert_true(same_parameters(to->copier.net[0], ami_ppo_actor(from->ppo)));
    assert_true(same_parameters(to->copier.net[1], ami_ppo_critic(from->ppo)));
    assert_true(to->copier.adam[0].step == 0);
    ami_train_destroy(to);
    ami_train_destroy(from);
    ami_checkpoint_destroy(c);
}

/* From 20 to 50 steps, by the same factor in either half. */
static void the_horizon_grows(void **state)
{
    (void)state;
    ami_settings s = lively(false);
    s.gamma = .95;
    s.gamma_end = .98;
    ami_train *t = try_create(&s);
    const double horizon[3] = {20, sqrt(20 * 50), 50};
    for (int half = 0; half < 3; half++) {
        t->progress.samples = (int64_t)(half * s.samples / 2);
        assert_near(1 / (1 - ami_train_gamma(t)), horizon[half], 1e-6, "horizon", half);
    }
    ami_train_destroy(t);
}

/* The networks alone, for training on under other settings. */
static void networks_alone_can_be_taken_over(void **state)
{
    (void)state;
    ami_settings s = lively(false);
    ami_train *from = try_create(&s);
    ami_train_stats stats;
    for (int i = 0; i < 2; i++)
        ami_train_iterate(from, &stats);
    assert_saved(from, scratch("from.bin"));
    ami_checkpoint *c = read_checkpoint(scratch("from.bin"));
    s.envs = 3;
    s.gamma = .9;
    ami_train *to = try_create(&s);
    ami_error err = {""};
    if (!ami_train_load_networks(to, c, &err))
        fail_msg("%s", err.text);
    assert_same_network(ami_ppo_actor(from->ppo), ami_ppo_actor_adam(from->ppo), ami_ppo_actor(to->ppo),
                        ami_ppo_actor_adam(to->ppo));
    assert_same_network(ami_ppo_critic(from->ppo), ami_ppo_critic_adam(from->ppo), ami_ppo_critic(to->ppo),
                        ami_ppo_critic_adam(to->ppo));
    assert_memory_equal(&from->normalizer, &to->normalizer, sizeof to->normalizer);
    assert_memory_equal(from->in_std, to->in_std, sizeof to->in_std);
    assert_true(ami_train_samples(to) == 0 && ami_train_iterations(to) == 0);
    ami_train_iterate(to, &stats);
    assert_true(stats.samples == 3 * STEPS && isfinite(stats.reward));
    ami_checkpoint_destroy(c);
    ami_train_destroy(from);
    ami_train_destroy(to);
}

static void refuse_load(ami_train *t, const ami_checkpoint *c, const char *parts)
{
    ami_error err = {""};
    assert_false(ami_train_load(t, c, &err));
    assert_ptr_equal(strstr(err.text, ami_checkpoint_path(c)), err.text);
    assert_sentence(&err, parts);
    ami_train_destroy(t);
}

static void write_bytes(const char *path, const uint8_t *data, size_t size)
{
    assert_true(ami_file_write(path, data, size, NULL));
}

/* The checkpoint as another version would have written it: with another format (0: it has none). */
static void copy_sections(const ami_checkpoint *c, const char *path, uint32_t format)
{
    static const char *const name[] = {
        "settings",          "motion",        "clip_crc",      "may_touch",
        "actor.parameters",  "actor.adam_m",  "actor.adam_v",  "actor.adam_step",
        "critic.parameters", "critic.adam_m", "critic.adam_v", "critic.adam_step",
        "normalizer",        "progress",      "runners",       "environments"};
    ami_checkpoint_writer *w = ami_checkpoint_writer_create(NULL);
    if (format)
        assert_true(ami_checkpoint_put(w, "format", &format, sizeof format, NULL));
    for (size_t i = 0; i < sizeof name / sizeof *name; i++) {
        size_t size;
        const void *data = ami_checkpoint_find(c, name[i], &size);
        assert_non_null(data);
        assert_true(ami_checkpoint_put(w, name[i], data, size, NULL));
    }
    assert_true(ami_checkpoint_save(w, path, NULL));
    ami_checkpoint_writer_destroy(w);
}

static void what_cannot_be_continued_is_refused(void **state)
{
    (void)state;
    const ami_settings s = lively(false);
    ami_train *from = try_create(&s);
    ami_train_stats stats;
    ami_train_iterate(from, &stats);
    assert_saved(from, scratch("good.bin"));
    ami_checkpoint *c = read_checkpoint(scratch("good.bin"));

    ami_settings other = s;
    other.hidden1 = 21;
    refuse_load(try_create(&other), c, "\"actor.parameters\"|bytes, expected|network sizes");
    other = s;
    other.envs = ENVS + 1;
    refuse_load(try_create(&other), c, "\"runners\"|bytes, expected|other settings");
    ami_clip *mine = clip;
    clip = march(.31, true);
    refuse_load(try_create(&s), c, "another motion|\"test\"|--init");
    ami_clip_destroy(clip);
    clip = march(.3, false); /* the same poses, without the loop */
    refuse_load(try_create(&s), c, "another motion");
    ami_clip_destroy(clip);
    clip = mine;

    /* Another version's training: nothing of it is taken but, with --init, its networks. */
    ami_error err = {""};
    for (int newer = 0; newer < 2; newer++) {
        copy_sections(c, scratch("other.bin"), newer ? 4 : 0);
        ami_checkpoint *versioned = read_checkpoint(scratch("other.bin"));
        refuse_load(try_create(&s), versioned,
                    newer ? "a newer version of amble|--init" : "an older version of amble|--init");
        ami_train *to = try_create(&s);
        if (!ami_train_load_networks(to, versioned, &err))
            fail_msg("%s", err.text);
        assert_same_network(ami_ppo_actor(to->ppo), ami_ppo_actor_adam(to->ppo), ami_ppo_actor(from->ppo),
                            ami_ppo_actor_adam(from->ppo));
        ami_train_destroy(to);
        ami_checkpoint_destroy(versioned);
    }
    ami_checkpoint_destroy(c);

    /* Other observations: said as such, of whole trainings and of networks alone, in both directions. */
    for (int goal = 0; goal < 2; goal++) {
        other = s;
        other.goal = goal;
        ami_train *seeing = try_create(&other);
        assert_saved(seeing, scratch("seeing.bin"));
        ami_train_destroy(seeing);
        c = read_checkpoint(scratch("seeing.bin"));
        other.goal = !goal;
        const char *parts = goal ? "seeing.bin: its networks have 246 inputs, expected 197 (setting goal"
                                 : "seeing.bin: its networks have 197 inputs, expected 246 (setting goal";
        refuse_load(try_create(&other), c, parts);
        ami_train *blind = try_create(&other);
        assert_false(ami_train_load_networks(blind, c, &err));
        assert_sentence(&err, parts);
        ami_train_destroy(blind);
        ami_checkpoint_destroy(c);
    }

    /* Files that hold something else, or counts that cannot be. */
    ami_checkpoint_writer *w = ami_checkpoint_writer_create(NULL);
    static const char odd[] = "envs=4\nsteps=none\n";
    assert_true(ami_checkpoint_put(w, "settings", odd, sizeof odd, NULL) &&
                ami_checkpoint_save(w, scratch("odd.bin"), NULL));
    ami_checkpoint_writer_destroy(w);
    c = read_checkpoint(scratch("odd.bin"));
    ami_settings read;
    assert_false(ami_train_read_settings(c, &read, &err));
    assert_sentence(&err, "odd.bin|steps|\"none\"");
    refuse_load(try_create(&s), c, "no section \"clip_crc\"|checkpoint of amble train");
    ami_checkpoint_destroy(c);
    w = ami_checkpoint_writer_create(NULL);
    assert_true(ami_checkpoint_put(w, "nothing", "", 0, NULL) &&
                ami_checkpoint_save(w, scratch("empty.bin"), NULL));
    ami_checkpoint_writer_destroy(w);
    c = read_checkpoint(scratch("empty.bin"));
    assert_false(ami_train_read_settings(c, &read, &err));
    assert_sentence(&err, "empty.bin|no training settings|amble train");
    ami_checkpoint_destroy(c);
    const progress kept = from->progress;
    for (int k = 0; k < 3; k++) {
        from->progress = kept;
        if (k == 0)
            from->progress.iterations = -7;
        else if (k == 1)
            from->progress.samples = -7;
        else
            from->progress.actor_rate = NAN;
        assert_saved(from, scratch("counts.bin"));
        c = read_checkpoint(scratch("counts.bin"));
        refuse_load(try_create(&s), c, k == 2 ? "rate of nan" : "-7");
        ami_checkpoint_destroy(c);
    }

    /* Damage: cut anywhere, or one bit turned anywhere. */
    size_t size;
    uint8_t *data = ami_file_read(scratch("good.bin"), 1 << 24, &size, NULL);
    for (int i = 0; i < 40; i++) {
        const size_t at = size * (size_t)i / 40;
        write_bytes(scratch("cut.bin"), data, at);
        assert_null(ami_checkpoint_read(scratch("cut.bin"), &err));
        assert_sentence(&err, "cut.bin");
        data[at] ^= 16;
        write_bytes(scratch("turned.bin"), data, size);
        assert_null(ami_checkpoint_read(scratch("turned.bin"), &err));
        assert_sentence(&err, "turned.bin");
        data[at] ^= 16;
    }
    free(data);
    ami_train_destroy(from);
}

/* An iteration without memory does not count and spoils nothing: what was learned before it can be saved. */
static void what_was_learned_survives_a_lack_of_memory(void **state)
{
    (void)state;
    SKIP_WHERE_OPENMP_ABORTS();
    if (asked == 0)
        skip(); /* a sanitizer's malloc */
    for (int kind = 0; kind < 4; kind++) {
        const ami_settings s = kind < 2 ? lively(kind % 2) : lively_all(kind % 2);
        ami_train *t = try_create(&s);
        if (!t)
            continue;
        ami_error err = {""};
        ami_train_stats stats;
        ami_train_iterate(t, &stats);
        ami_train_iterate(t, &stats);
        assert_false(ami_train_failed(t, &err));
        const int64_t samples = ami_train_samples(t);
        const size_t bytes = ami_train_net_size(ami_ppo_actor(t->ppo)) * sizeof(float);
        float *actor = malloc(bytes);
        memcpy(actor, ami_train_net_parameters(ami_ppo_actor(t->ppo)), bytes);

        no_memory = true;
        ami_train_iterate(t, &stats);
        no_memory = false;
        assert_true(ami_train_failed(t, &err));
        assert_sentence(&err, "oneDNN|out of memory");
        assert_true(ami_train_samples(t) == samples && ami_train_iterations(t) == 2);
        assert_memory_equal(ami_train_net_parameters(ami_ppo_actor(t->ppo)), actor, bytes);

        assert_saved(t, scratch("short.bin"));
        ami_checkpoint *c = read_checkpoint(scratch("short.bin"));
        ami_train *resumed = try_create(&s);
        if (!ami_train_load(resumed, c, &err))
            fail_msg("%s", err.text);
        assert_memory_equal(ami_train_net_parameters(ami_ppo_actor(resumed->ppo)), actor, bytes);
        ami_train_iterate(resumed, &stats);
        assert_false(ami_train_failed(resumed, &err));
        assert_true(ami_train_iterations(resumed) == 3);
        ami_checkpoint_destroy(c);
        ami_train_destroy(resumed);
        ami_train_destroy(t);
        free(actor);
    }
}

/* The same where only the networks that are exported get no memory: they stay as they were. */
static void a_failed_copy_is_a_failed_training(void **state)
{
    (void)state;
    SKIP_WHERE_OPENMP_ABORTS();
    if (asked == 0)
        skip();
    const ami_settings s = lively_all(false);
    ami_train *t = trained(&s, 2);
    ami_error err = {""};
    float *copy[2];
    size_t bytes[2];
    for (int k = 0; k < 2; k++) {
        bytes[k] = ami_train_net_size(t->copier.net[k]) * sizeof(float);
        copy[k] = malloc(bytes[k]);
        memcpy(copy[k], ami_train_net_parameters(t->copier.net[k]), bytes[k]);
    }
    no_memory = true;
    ami_train_copy(t);
    no_memory = false;
    assert_true(ami_train_failed(t, &err));
    assert_sentence(&err, "oneDNN|out of memory");
    const clip_parts parts = t->parts[0];
    ami_train_stats stats;
    ami_train_iterate(t, &stats);
    assert_true(ami_train_samples(t) == 2 * ENVS * STEPS && ami_train_iterations(t) == 2);
    assert_memory_equal(t->parts, &parts, sizeof parts);
    for (int k = 0; k < 2; k++) {
        assert_memory_equal(ami_train_net_parameters(t->copier.net[k]), copy[k], bytes[k]);
        free(copy[k]);
    }
    ami_train_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_saved_training_goes_on_bit_by_bit),
        cmocka_unit_test(the_horizon_grows),
        cmocka_unit_test(networks_alone_can_be_taken_over),
        cmocka_unit_test(networks_of_a_folded_training_are_taken_over),
        cmocka_unit_test(what_cannot_be_continued_is_refused),
        cmocka_unit_test(what_was_learned_survives_a_lack_of_memory),
        cmocka_unit_test(a_failed_copy_is_a_failed_training),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
