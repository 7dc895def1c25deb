/* Actors from files: their metadata and errors; and the control step against its separate parts. */
#include "tests/policy.h"

#include "nets/onnx/onnx.h"
#include "policy/controller.h"

static ami_character *character;
static ami_clip *clip;

static int set_up(void **state)
{
    (void)state;
    character = load_character(120);
    clip = march(.5, true);
    return 0;
}

static int tear_down(void **state)
{
    ami_clip_destroy(clip);
    ami_character_destroy(character);
    return remove_scratch(state);
}

/* Writes an actor with "key=value" metadata, ended by NULL, and gives its path. */
static const char *write_actor(ami_net *net, const char *const *meta)
{
    for (; *meta; meta++) {
        char key[64];
        const char *is = strchr(*meta, '=');
        snprintf(key, sizeof key, "%.*s", (int)(is - *meta), *meta);
        assert_true(ami_net_set_meta(net, key, is + 1));
    }
    ami_error err = {""};
    const char *path = scratch("actor.onnx");
    if (!ami_onnx_write(path, net, AMI_ONNX_FLOAT32, &err))
        fail_msg("%s", err.text);
    return path;
}

#define META(...) ((const char *const[]){__VA_ARGS__, NULL})

static void metadata_says_how_to_use_it(void **state)
{
    (void)state;
    static const struct {
        const char *meta[6];
        ami_action_mode mode;
        double physics_hz, look_ahead;
        int substeps;
        const char *motion;
        uint32_t motion_crc; /* 0: not said */
        unsigned may_touch;
    } row[] = {
        {{"kind=actor", "action=residual", "physics_hz=240", "control_hz=60", "look_ahead=0.125",
          "motion=run"},
         AMI_ACTION_RESIDUAL,
         240,
         .125,
         4,
         "run",
         0,
         0},
        {{"action=residual",
          "motion=a motion whose name is longer than sixty-four bytes, as some people's are: not cut",
          "motion_crc32c=0123fEdC"},
         AMI_ACTION_RESIDUAL,
         120,
         .06,
         4,
         "a motion whose name is longer than sixty-four bytes, as some people's are: not cut",
         0x0123fedc,
         0},
        {{"action=absolute", "physics_hz=600", "control_hz=30"}, AMI_ACTION_ABSOLUTE, 600, .06, 20, "", 0, 0},
        {{"action=residual", "control_hz=120", "may_touch=left_wrist,root"},
         AMI_ACTION_RESIDUAL,
         120,
         .06,
         1,
         "",
         0,
         1u << AMI_LEFT_WRIST | 1u << AMI_ROOT},
        {{"title=somebody else's"}, AMI_ACTION_ABSOLUTE, 120, .06, 4, "", 0, 0},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        ami_net *net = small_actor(i, .1);
        const char *meta[7] = {NULL};
        memcpy(meta, row[i].meta, sizeof row[i].meta);
        ami_policy policy;
        ami_error err = {""};
        if (!ami_policy_load(&policy, write_actor(net, meta), NULL, &err))
            fail_msg("%s", err.text);
        assert_int_equal(policy.action_mode, row[i].mode);
        assert_true(policy.physics_hz == row[i].physics_hz);
        assert_true(policy.look_ahead == row[i].look_ahead);
        assert_int_equal(policy.substeps, row[i].substeps);
        assert_string_equal(policy.motion, row[i].motion);
        assert_int_equal(policy.has_motion_crc, row[i].motion_crc != 0);
        assert_int_equal(policy.motion_crc, row[i].motion_crc);
        assert_int_equal(policy.may_touch, row[i].may_touch);
        assert_false(policy.goal);

        ami_env_def def = ami_env_default_def(character, clip);
        ami_env_def before;
        memcpy(&before, &def, sizeof def); /* its padding too */
        ami_policy_use(&policy, &def);
        assert_int_equal(def.action_mode, row[i].mode);
        assert_int_equal(def.substeps, row[i].substeps);
        assert_true(def.look_ahead == row[i].look_ahead);
        def.action_mode = before.action_mode;
        def.substeps = before.substeps;
        def.look_ahead = before.look_ahead;
        assert_false(def.goal);
        assert_memory_equal(&def, &before, sizeof def); /* and nothing else */
        ami_policy_free(&policy);
        assert_null(policy.actor);
        ami_net_destroy(net);
    }
}

static void refuse(const char *path, const char *parts)
{
    ami_policy policy;
    ami_error err = {""};
    assert_false(ami_policy_load(&policy, path, NULL, &err));
    assert_null(policy.actor);
    assert_ptr_equal(strstr(err.text, path), err.text); /* which file comes first, and once */
    assert_null(strstr(err.text + 1, path));
    assert_sentence(&err, parts);
}

static void what_is_no_actor_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *meta, *parts;
    } row[] = {
        {"kind=critic", "critic|expected an actor"},
        {"action=torque", "\"action\"|\"torque\"|residual or absolute"},
        {"physics_hz=fast", "\"physics_hz\"|\"fast\"|30 to 10000"},
        {"physics_hz=", "\"physics_hz\"|\"\"|30 to 10000"},
        {"physics_hz=29", "\"physics_hz\"|\"29\"|30 to 10000"},
        {"physics_hz=nan", "\"physics_hz\"|\"nan\"|30 to 10000"},
        {"physics_hz=120 Hz", "\"physics_hz\"|\"120 Hz\""},
        {"control_hz=0", "\"control_hz\"|\"0\"|0.1 to 10000"},
        {"control_hz=inf", "\"control_hz\"|\"inf\""},
        {"control_hz=50", "\"control_hz\" is 50, expected physics_hz, 120, divided by an integer"},
        {"control_hz=240", "\"control_hz\" is 240, expected physics_hz, 120, divided by an integer"},
        {"look_ahead=-1", "\"look_ahead\"|\"-1\"|0 to 1"},
        {"motion_crc32c=12345", "\"motion_crc32c\"|\"12345\"|8 hexadecimal digits"},
        {"motion_crc32c=0123456g", "\"motion_crc32c\"|\"0123456g\""},
        {"motion_crc32c= 1234567", "\"motion_crc32c\"|\" 1234567\""},
        {"look_ahead=1.5", "\"look_ahead\"|\"1.5\"|0 to 1"},
        {"may_touch=left_wrist,tail", "\"may_touch\"|no body is named \"tail\"|left_wrist"},
        {"may_touch=all", "\"may_touch\"|no body is named \"all\""},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        ami_net *net = small_actor(1, .1);
        refuse(write_actor(net, META(row[i].meta)), row[i].parts);
        ami_net_destroy(net);
    }
    static const int shape[][3] = {{132, 8, AMI_ACTION},
                                   {AMI_OBS, 8, 2},
                                   {AMI_ACTION, 8, AMI_OBS},
                                   {AMI_OBS_MAX - 1, 8, AMI_ACTION},
                                   {AMI_OBS_MAX, 8, 37}};
    static const char *const said[] = {"132 inputs and 36 outputs|197 inputs", "197 inputs and 2 outputs",
                                       "36 inputs and 197 outputs",
                                       "245 inputs and 36 outputs|197 inputs, or 246 with the goal",
                                       "246 inputs and 37 outputs|and 36 outputs"};
    for (int i = 0; i < 5; i++) {
        ami_net *net = ami_net_create(2, shape[i], NULL);
        refuse(write_actor(net, META("kind=actor")), said[i]);
        ami_net_destroy(net);
    }
    refuse(scratch("nothing.onnx"), "");
    const char *path = scratch("text.onnx");
    FILE *text = fopen(path, "w");
    fputs("not a network\n", text);
    fclose(text);
    refuse(path, "");
}

/* The packed actor in plain double arithmetic. */
static void forward_by_hand(const ami_net *net, const float *obs, double *out)
{
    double in[AMI_OBS_MAX], h[AMI_OBS_MAX];
    for (int k = 0; k < net->dim[0]; k++)
        in[k] = fmin(
            fmax(((double)obs[k] - (double)net->in_mean[k]) / (double)net->in_std[k], -(double)net->in_clip),
            (double)net->in_clip);
    for (int l = 0; l < net->layers; l++) {
        for (int o = 0; o < net->dim[l + 1]; o++) {
            h[o] = (double)net->bias[l][o];
            for (int k = 0; k < net->dim[l]; k++)
                h[o] += (double)net->weight[l][o * net->dim[l] + k] * in[k];
            if (net->act[l] == AMI_ACT_RELU)
                h[o] = fmax(h[o], 0);
        }
        memcpy(in, h, (size_t)net->dim[l + 1] * sizeof *in);
    }
    memcpy(out, in, AMI_ACTION * sizeof *out);
}

enum { ENVS = 3 };

static void make_environments(ami_env *env, const ami_policy *policy)
{
    ami_error err = {""};
    for (int e = 0; e < ENVS; e++) {
        ami_env_def def = ami_env_default_def(character, clip);
        def.seed = 5;
        def.stream = (uint64_t)e;
        if (policy)
            ami_policy_use(policy, &def);
        if (!ami_env_init(&env[e], &def, &err))
            fail_msg("%s", err.text);
    }
}

static void free_environments(ami_env *env)
{
    for (int e = 0; e < ENVS; e++)
        ami_env_free(&env[e]);
}

static void decide_by_hand(int inputs)
{
    ami_net *net = small_actor_of(inputs, 3, .2);
    ami_policy policy;
    ami_error err = {""};
    ami_model_def exact = ami_model_default_def();
    exact.precision = AMI_PRECISION_FP32;
    assert_true(
        ami_policy_load(&policy, write_actor(net, META("kind=actor", "action=residual")), &exact, &err));
    assert_true(policy.goal == (inputs == AMI_OBS_MAX));
    ami_env env[ENVS];
    make_environments(env, &policy);
    assert_int_equal(ami_env_obs_size(&env[0]), inputs);
    ami_controller all, one;
    assert_true(ami_controller_init(&all, &policy, ENVS + 2, &err));
    assert_true(ami_controller_init(&one, &policy, 1, &err));
    for (int step = 0; step < 12; step++) {
        ami_env *in_turn[ENVS] = {&env[2], &env[0], &env[1]}; /* rows follow the pointers */
        ami_controller_decide(&all, in_turn, ENVS);
        double largest = 0;
        for (int row = 0; row < ENVS; row++) {
            float obs[AMI_OBS_MAX];
            double want[AMI_ACTION];
            ami_env_observe(in_turn[row], obs);
            assert_memory_equal(all.obs + row * inputs, obs, (size_t)inputs * sizeof *obs);
            forward_by_hand(net, obs, want);
            for (int k = 0; k < AMI_ACTION; k++) {
                assert_near((double)all.action[row * AMI_ACTION + k], want[k], 1e-5, "action", k);
                largest = fmax(largest, fabs(want[k]));
            }
        }
        assert_true(largest > .05);
        /* The whole control step is the same decision, alone, and the environment's own step. */
        for (int e = 0; e < ENVS; e++) {
            const int row = (e + 1) % ENVS;
            double after[1000], before[1000];
            assert_true(character->state_size <= 1000);
            const size_t bytes = ami_env_save_size(&env[e]);
            void *kept = malloc(bytes);
            ami_reward reward, want_reward;
            ami_env_save(&env[e], kept);
            const ami_env_end want_end = ami_env_step(&env[e], all.action + row * AMI_ACTION, &want_reward);
            ami_world_save(&env[e].world, before);
            ami_env_load(&env[e], kept);
            const ami_env_end end = ami_controller_step(&one, &env[e], &reward);
            ami_world_save(&env[e].world, after);
            assert_memory_equal(one.action, all.action + row * AMI_ACTION, AMI_ACTION * sizeof(float));
            assert_int_equal(end, want_end);
            assert_true(reward.total == want_reward.total);
            assert_memory_equal(before, after, (size_t)character->state_size * sizeof(double));
            free(kept);
        }
    }
    ami_controller_free(&one);
    ami_controller_free(&all);
    free_environments(env);
    ami_policy_free(&policy);
    ami_net_destroy(net);
}

static void deciding_is_observing_and_a_forward_pass(void **state)
{
    (void)state;
    decide_by_hand(AMI_OBS);
}

static void deciding_with_a_goal_is_the_same(void **state)
{
    (void)state;
    decide_by_hand(AMI_OBS_MAX);
}

static void without_a_policy_actions_are_zero(void **state)
{
    (void)state;
    ami_env env[ENVS];
    make_environments(env, NULL);
    ami_controller controller;
    assert_true(ami_controller_init(&controller, NULL, ENVS, NULL));
    for (int step = 0; step < 5; step++) {
        ami_controller_decide(&controller, (ami_env *[]){&env[0], &env[1], &env[2]}, ENVS);
        for (int k = 0; k < ENVS * AMI_ACTION; k++)
            assert_true(controller.action[k] == 0);
        ami_reward reward;
        assert_int_equal(ami_controller_step(&controller, &env[0], &reward), AMI_ENV_GOES_ON);
        assert_true(reward.total > 0);
    }
    ami_controller_free(&controller);
    free_environments(env);
}

int main(void)
{
    setenv("AMB_KERNEL", "ref", 1); /* fp32: what is compared here is not the networks' rounding */
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(metadata_says_how_to_use_it),
        cmocka_unit_test(what_is_no_actor_is_refused),
        cmocka_unit_test(deciding_is_observing_and_a_forward_pass),
        cmocka_unit_test(deciding_with_a_goal_is_the_same),
        cmocka_unit_test(without_a_policy_actions_are_zero),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
