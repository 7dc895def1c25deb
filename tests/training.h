/* For tests of training: a small training with large changes, and comparing two of them bit by bit. Uses
 * learn/train_state.h, which is private to training and its tests. */
#ifndef AMI_TESTS_TRAINING_H
#define AMI_TESTS_TRAINING_H

#include "tests/policy.h"

#include "learn/train_state.h"

enum { ENVS = 10, STEPS = 16 };

static ami_character *character;
static ami_clip *clip;

static inline int set_up(void **state)
{
    (void)state;
    set_threads(2);
    character = load_character(120);
    clip = march(.3, true);
    return 0;
}

static inline int tear_down(void **state)
{
    ami_clip_destroy(clip);
    ami_character_destroy(character);
    return remove_scratch(state);
}

/* Small and lively: short episodes, pushes, turns. What acts is what is exported: neither a mean of the
 * weights nor a copy. */
static inline ami_settings lively(bool bf16)
{
    ami_settings s = ami_settings_default();
    s.envs = ENVS;
    s.steps = STEPS;
    s.samples = 20 * ENVS * STEPS;
    s.epochs = 2;
    s.minibatches = 3;
    s.hidden1 = 20;
    s.hidden2 = 12;
    s.episode_s = .4;
    s.push_speed = 1;
    s.push_period = .3;
    s.turn_rate = 1;
    s.kl = .05;
    s.noise = .1;
    s.gamma_end = s.gamma;
    s.goal = 0;
    s.average = 0;
    s.mirror = 0;
    s.bf16 = bf16;
    return s;
}

/* The same with all that training adds by default: folded, averaged, starts where episodes fail and off the
 * reference. */
static inline ami_settings lively_all(bool bf16)
{
    ami_settings s = lively(bf16);
    s.friction_min = .5;
    s.friction_max = 1.2;
    s.mass_range = .1;
    s.delay_max = 1;
    s.observation_noise = .2;
    s.mirror = 1;
    s.average = .1;
    s.start_failures = .7;
    s.start_noise = 1;
    return s;
}

static inline ami_train *try_create(const ami_settings *s)
{
    ami_error err = {""};
    ami_train *t = ami_train_create(s, character, clip, 0, &err);
    if (!t && !(s->bf16 > 0 && strstr(err.text, "bf16")))
        fail_msg("%s", err.text);
    return t;
}

/* All but the two wall times. */
static inline void assert_same_stats(const ami_train_stats *a, const ami_train_stats *b)
{
    const ami_train_stats x = *a, y = *b;
    assert_true(x.iteration == y.iteration && x.samples == y.samples && x.reward == y.reward &&
                x.episodes == y.episodes);
    assert_true(x.root_m == y.root_m && x.joint_rad == y.joint_rad && x.end_effector_m == y.end_effector_m);
    assert_true(x.episode_s == y.episode_s && x.normalised_return == y.normalised_return &&
                x.survived == y.survived);
    assert_true(x.fell == y.fell && x.lost == y.lost && x.fell_on == y.fell_on && x.limited == y.limited &&
                x.copy_error == y.copy_error);
    assert_true(x.unstable == y.unstable && x.noise == y.noise && x.actor_rate == y.actor_rate &&
                x.push_speed == y.push_speed);
    assert_true(x.explained == y.explained && x.ppo.teacher_distance == y.ppo.teacher_distance);
    assert_true(x.ppo.kl == y.ppo.kl && x.ppo.clipped == y.ppo.clipped &&
                x.ppo.critic_loss == y.ppo.critic_loss);
    assert_true(x.ppo.actor_norm == y.ppo.actor_norm && x.ppo.critic_norm == y.ppo.critic_norm &&
                x.ppo.skipped == y.ppo.skipped);
    assert_memory_equal(x.part, y.part, sizeof x.part);
}

static inline void assert_same_network(ami_train_net *a, const ami_adam *adam_a, ami_train_net *b,
                                       const ami_adam *adam_b)
{
    const size_t bytes = ami_train_net_size(a) * sizeof(float);
    assert_memory_equal(ami_train_net_parameters(a), ami_train_net_parameters(b), bytes);
    assert_memory_equal(adam_a->m, adam_b->m, bytes);
    assert_memory_equal(adam_a->v, adam_b->v, bytes);
    assert_true(adam_a->step == adam_b->step);
}

static inline ami_train *trained(const ami_settings *s, int iterations)
{
    ami_train *t = try_create(s);
    ami_train_stats stats;
    for (int i = 0; i < iterations; i++)
        ami_train_iterate(t, &stats);
    return t;
}

static inline void assert_same_training(const ami_train *a, const ami_train *b)
{
    assert_same_network(ami_ppo_actor(a->ppo), ami_ppo_actor_adam(a->ppo), ami_ppo_actor(b->ppo),
                        ami_ppo_actor_adam(b->ppo));
    assert_same_network(ami_ppo_critic(a->ppo), ami_ppo_critic_adam(a->ppo), ami_ppo_critic(b->ppo),
                        ami_ppo_critic_adam(b->ppo));
    assert_true(a->mirror == b->mirror && (a->actor_average != NULL) == (b->actor_average != NULL));
    for (int k = 0; a->mirror && k < 2; k++)
        assert_same_network(a->copier.net[k], &a->copier.adam[k], b->copier.net[k], &b->copier.adam[k]);
    if (a->actor_average) {
        assert_memory_equal(a->actor_average, b->actor_average,
                            ami_train_net_size(ami_ppo_actor(a->ppo)) * sizeof(float));
        assert_memory_equal(a->critic_average, b->critic_average,
                            ami_train_net_size(ami_ppo_critic(a->ppo)) * sizeof(float));
    }
    assert_int_equal(a->clips, b->clips);
    for (int c = 0; c < a->clips; c++) {
        const clip_state *x = &a->clip[c], *y = &b->clip[c];
        assert_true(x->bins == y->bins && x->may_touch == y->may_touch && x->folded == y->folded);
        assert_memory_equal(x->start_below, y->start_below, (size_t)x->bins * sizeof *x->start_below);
        assert_memory_equal(&a->parts[c], &b->parts[c], sizeof a->parts[c]);
        if (a->clips > 1) {
            assert_memory_equal(&a->record[c], &b->record[c], sizeof a->record[c]);
            assert_true(a->clip_below[c] == b->clip_below[c]);
        }
    }
    assert_memory_equal(a->env_clip, b->env_clip, (size_t)a->envs * sizeof *a->env_clip);
    assert_memory_equal(&a->normalizer, &b->normalizer, sizeof a->normalizer);
    assert_memory_equal(&a->progress, &b->progress, sizeof a->progress);
    assert_memory_equal(a->run, b->run, (size_t)a->envs * sizeof *a->run);
    const size_t size = ami_env_save_size(&a->env[0]);
    char *x = malloc(size), *y = malloc(size);
    for (int e = 0; e < a->envs; e++) {
        ami_env_save(&a->env[e], x);
        ami_env_save(&b->env[e], y);
        assert_memory_equal(x, y, size);
    }
    free(x), free(y);
    assert_true((a->generator != NULL) == (b->generator != NULL));
    for (int e = 0; a->generator && e < a->envs; e++) {
        const size_t n = ami_generator_save_size(a->generator[e]);
        char *p = malloc(n), *q = malloc(n);
        ami_generator_save(a->generator[e], p);
        ami_generator_save(b->generator[e], q);
        assert_memory_equal(p, q, n);
        free(p), free(q);
    }
}

#endif
