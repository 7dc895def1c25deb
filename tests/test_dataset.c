/* Every step of episodes, as arrays. */
#include "tests/env.h"

#include "policy/dataset.h"

enum { EPISODES = 3, STEPS = 8, INPUTS = AMI_OBS };

/* What the arrays ought to hold, written down in the order of steps. */
typedef struct expected {
    float obs[STEPS + 1][INPUTS], action[STEPS][AMI_ACTION], reward[STEPS], phase[STEPS + 1];
    double qpos[STEPS + 1][7 + AMI_ACTION], torque[STEPS][AMI_VEL];
    unsigned touching[STEPS];
} expected;

static void look(const ami_env *env, expected *x, int at)
{
    ami_env_observe(env, x->obs[at]);
    memcpy(x->qpos[at], env->world.data->qpos, sizeof x->qpos[at]);
    x->phase[at] = (float)ami_reference_phase(&env->reference);
}

/* One episode of so many steps; the last one ends with `last`, whatever the environment says. */
static void play(ami_dataset *d, int episode, int steps, ami_env_end last, expected *x)
{
    ami_env_def def = ami_env_default_def(character, waving);
    def.stream = (uint64_t)episode;
    ami_env env = make_env(&def);
    look(&env, x, 0);
    for (int n = 0; n < steps; n++) {
        for (int k = 0; k < AMI_ACTION; k++)
            x->action[n][k] = .01f * (float)((n + k + episode) % 5);
        ami_reward reward;
        ami_dataset_before(d, episode, &env);
        const ami_env_end end = ami_env_step(&env, x->action[n], &reward);
        assert_int_equal(end, AMI_ENV_GOES_ON);
        ami_dataset_after(d, episode, &env, x->action[n], &reward, n + 1 == steps ? last : end);
        x->reward[n] = (float)reward.total;
        x->touching[n] = env.world.touching;
        ami_world_torques(&env.world, x->torque[n]);
        look(&env, x, n + 1);
    }
    ami_env_free(&env);
}

static const ami_npy *find(const char *const *name, const ami_npy *array, const char *which)
{
    for (int k = 0; k < AMI_DATASET_ARRAYS; k++)
        if (!strcmp(name[k], which))
            return &array[k];
    fail_msg("no array %s", which);
    return NULL;
}

static void all_steps_are_there_in_order(void **unused)
{
    (void)unused;
    ami_error err = {""};
    ami_dataset *d = ami_dataset_create(EPISODES, STEPS, INPUTS, &err);
    assert_non_null(d);
    static expected x[EPISODES];
    play(d, 2, STEPS, AMI_ENV_GOES_ON, &x[2]); /* its time is up: all steps there is room for */
    play(d, 0, 5, AMI_ENV_FELL, &x[0]);        /* episode 1 has no step */
    const char *name[AMI_DATASET_ARRAYS];
    ami_npy array[AMI_DATASET_ARRAYS];
    ami_dataset_finish(d, name, array);
    const ami_npy *lengths = find(name, array, "episode_lengths");
    assert_int_equal(lengths->shape[0], 2);
    assert_int_equal(((const int64_t *)lengths->data)[0], 5);
    assert_int_equal(((const int64_t *)lengths->data)[1], STEPS);
    const ami_npy *obs = find(name, array, "observations"), *action = find(name, array, "actions"),
                  *reward = find(name, array, "rewards"), *qpos = find(name, array, "qpos"),
                  *phase = find(name, array, "phases"), *torque = find(name, array, "torques"),
                  *contact = find(name, array, "contacts"), *fell = find(name, array, "terminations"),
                  *cut = find(name, array, "truncations"), *part = find(name, array, "reward_parts");
    assert_int_equal(obs->shape[0], 5 + STEPS + 2);
    assert_int_equal(obs->shape[1], INPUTS);
    assert_int_equal(action->shape[0], 5 + STEPS);
    assert_int_equal(reward->rank, 1);
    for (int e = 0; e < 2; e++) {
        const expected *want = &x[e ? 2 : 0];
        const int steps = e ? STEPS : 5, row = e ? 5 : 0, state = e ? 6 : 0;
        assert_memory_equal(obs->f32 + (size_t)state * INPUTS, want->obs,
                            (size_t)(steps + 1) * sizeof *want->obs);
        assert_memory_equal(qpos->f64 + (size_t)state * 43, want->qpos,
                            (size_t)(steps + 1) * sizeof *want->qpos);
        assert_memory_equal(phase->f32 + state, want->phase, (size_t)(steps + 1) * sizeof *want->phase);
        assert_memory_equal(action->f32 + (size_t)row * AMI_ACTION, want->action,
                            (size_t)steps * sizeof *want->action);
        assert_memory_equal(reward->f32 + row, want->reward, (size_t)steps * sizeof *want->reward);
        for (int n = 0; n < steps; n++) {
            const bool last = n + 1 == steps;
            assert_int_equal(((const bool *)fell->data)[row + n], last && e == 0);
            assert_int_equal(((const bool *)cut->data)[row + n], last && e == 1);
            double sum = 0;
            for (int k = 0; k < AMI_REWARD_PARTS; k++)
                sum += ami_reward_weight[k] * (double)part->f32[(row + n) * AMI_REWARD_PARTS + k];
            assert_near(sum, (double)want->reward[n], 1e-6, "parts of the reward", n);
            for (int b = 0; b < AMI_BODIES; b++)
                assert_int_equal(((const bool *)contact->data)[(row + n) * AMI_BODIES + b],
                                 want->touching[n] >> b & 1);
            for (int k = 0; k < AMI_VEL; k++)
                assert_near((double)torque->f32[(row + n) * AMI_VEL + k], want->torque[n][k],
                            1e-5 * (1 + fabs(want->torque[n][k])), "torque", k);
        }
    }
    ami_npy first[AMI_DATASET_ARRAYS];
    ami_dataset_first(array, first);
    assert_int_equal(find(name, first, "observations")->shape[0], 6);
    assert_int_equal(find(name, first, "actions")->shape[0], 5);
    assert_int_equal(find(name, first, "episode_lengths")->shape[0], 1);
    ami_dataset_destroy(d);
}

/* A torque is what moves the joint: without gravity and floor, an elbow that is to bend gets a torque that way, and
 * no torque where every joint is at its target and at rest. */
static void torques_act_towards_the_target(void **unused)
{
    (void)unused;
    ami_character *floating = load_character(120);
    for (int k = 0; k < 3; k++)
        floating->model->opt.gravity[k] = 0;
    ami_world world;
    ami_error err = {""};
    assert_true(ami_world_init(&world, floating, &err));
    double pose[AMI_POSE], vel[AMI_VEL] = {0}, torque[AMI_VEL];
    pose_at_rest(pose, 5);
    ami_world_set(&world, pose, vel);
    ami_world_step(&world, pose, 1);
    ami_world_torques(&world, torque);
    for (int k = 0; k < AMI_VEL; k++)
        assert_near(torque[k], 0, 1e-6, "torque at rest", k);
    double target[AMI_POSE];
    memcpy(target, pose, sizeof target);
    target[pose_at[AMI_LEFT_ELBOW]] += .2;
    ami_world_step(&world, target, 1);
    ami_world_torques(&world, torque);
    assert_true(torque[ami_body_joint(AMI_LEFT_ELBOW).vel] > 1);
    target[pose_at[AMI_LEFT_ELBOW]] -= .4;
    ami_world_set(&world, pose, vel);
    ami_world_step(&world, target, 1);
    ami_world_torques(&world, torque);
    assert_true(torque[ami_body_joint(AMI_LEFT_ELBOW).vel] < -1);
    for (int k = 0; k < 6; k++)
        assert_true(torque[k] == 0);
    ami_world_free(&world);
    ami_character_destroy(floating);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_steps_are_there_in_order),
        cmocka_unit_test(torques_act_towards_the_target),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
