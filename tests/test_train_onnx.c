/* Networks as ONNX files: exported ones act as the trained ones, a training begins with another one's
 * networks, and files that do not fit are errors. */
#include "tests/allocations.h"
#include "tests/training.h"

#include "nets/onnx/onnx.h"
#include "policy/controller.h"

static void write_net(const char *path, const ami_net *net, ami_onnx_dtype dtype)
{
    ami_error err = {""};
    if (!ami_onnx_write(path, net, dtype, &err))
        fail_msg("%s", err.text);
}

static const char *meta(const ami_net *net, const char *key)
{
    const char *value = ami_net_get_meta(net, key);
    if (!value)
        fail_msg("no metadata \"%s\"", key);
    return value;
}

/* What is exported acts on raw observations as training does: through a file, in both action modes. */
static void exported_networks_are_the_trained_ones(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        const int absolute = kind % 2, goal = kind / 2;
        ami_settings s = lively(false);
        s.absolute = absolute;
        s.goal = goal;
        s.look_ahead = .05;
        ami_train *t = try_create(&s);
        ami_train_stats stats;
        ami_train_iterate(t, &stats);
        ami_error err = {""};
        ami_net *out[2] = {ami_train_export_actor(t, &err), ami_train_export_critic(t, &err)}, *net[2];
        assert_true(out[0] && out[1]);
        for (int which = 0; which < 2; which++) {
            const char *path = scratch(which ? "out_critic.onnx" : "out.onnx");
            write_net(path, out[which], AMI_ONNX_FLOAT32);
            if (!(net[which] = ami_onnx_read(path, &err)))
                fail_msg("%s", err.text);
            assert_int_equal(net[which]->dim[0], goal ? 246 : 197);
            assert_string_equal(meta(net[which], "observation"),
                                goal ? "deepmimic-197+goal-49" : "deepmimic-197");
        }
        ami_policy policy;
        if (!ami_policy_load(&policy, scratch("out.onnx"), NULL, &err))
            fail_msg("%s", err.text);
        assert_int_equal(policy.goal, goal);
        assert_int_equal(policy.action_mode, absolute ? AMI_ACTION_ABSOLUTE : AMI_ACTION_RESIDUAL);
        ami_policy_free(&policy);
        assert_string_equal(meta(net[0], "kind"), "actor");
        assert_string_equal(meta(net[1], "kind"), "critic");
        assert_string_equal(meta(net[0], "action"), absolute ? "absolute" : "residual");
        assert_string_equal(meta(net[0], "control_hz"), "30");
        assert_string_equal(meta(net[0], "physics_hz"), "120");
        assert_string_equal(meta(net[0], "look_ahead"), "0.05");
        assert_string_equal(meta(net[0], "motion"), "test");
        assert_int_equal(strtoul(meta(net[0], "motion_crc32c"), NULL, 16), ami_clip_crc(clip));
        assert_string_equal(meta(net[1], "motion_crc32c"), meta(net[0], "motion_crc32c"));
        assert_string_equal(meta(net[0], "samples"), "160");
        ami_settings read = ami_settings_default();
        assert_true(ami_settings_parse(&read, meta(net[0], "training"), &err));
        assert_memory_equal(&read, &s, sizeof s);

        const ami_model_def def = {.precision = AMI_PRECISION_FP32};
        ami_model *deployed[2] = {ami_model_create(net[0], &def, NULL), ami_model_create(net[1], &def, NULL)};
        void *workspace =
            malloc(ami_model_workspace_size(deployed[0], 1) + ami_model_workspace_size(deployed[1], 1));
        /* The second iteration acts with exactly the exported networks. */
        ami_train_iterate(t, &stats);
        float mean[AMI_ACTION], std[AMI_ACTION], got[AMI_ACTION];
        ami_action_scale(absolute ? AMI_ACTION_ABSOLUTE : AMI_ACTION_RESIDUAL, mean, std);
        for (int i = 0; i < t->samples; i++) {
            ami_model_run(deployed[0], workspace, t->obs + i * t->inputs, 1, got);
            for (int k = 0; k < AMI_ACTION; k++)
                assert_near((double)got[k], (double)(t->mean[i * AMI_ACTION + k] * std[k] + mean[k]),
                            2e-5 * fmax(1, (double)std[k]), "action", k);
            ami_model_run(deployed[1], workspace, t->obs + i * t->inputs, 1, got);
            assert_near((double)got[0], (double)t->value[i], 2e-5, "value", i);
        }
        free(workspace);
        for (int which = 0; which < 2; which++) {
            ami_model_destroy(deployed[which]);
            ami_net_destroy(net[which]);
            ami_net_destroy(out[which]);
        }
        ami_train_destroy(t);
    }
}

static void export_both(const ami_train *t, ami_onnx_dtype dtype)
{
    ami_net *actor = ami_train_export_actor(t, NULL), *critic = ami_train_export_critic(t, NULL);
    assert_true(actor && critic);
    write_net(scratch("actor.onnx"), actor, dtype);
    write_net(scratch("critic.onnx"), critic, dtype);
    ami_net_destroy(actor);
    ami_net_destroy(critic);
}

/* Parameters, of which the last `last` may be off by `relative`, and the biases among these, which end the
 * block, by `bias` as well. */
static void assert_parameters(ami_train_net *got, ami_train_net *want, size_t last, double relative,
                              double bias)
{
    const size_t size = ami_train_net_size(want);
    const float *a = ami_train_net_parameters(got), *b = ami_train_net_parameters(want);
    assert_true(ami_train_net_size(got) == size);
    assert_memory_equal(a, b, (size - last) * sizeof *a);
    for (size_t i = size - last; i < size; i++)
        assert_near((double)a[i], (double)b[i],
                    relative * fabs((double)b[i]) + (i + AMI_ACTION >= size ? bias : 0), "parameter", (int)i);
}

/* Who uses an actor learns from it what might touch the floor when it was trained. */
static void an_exported_actor_says_what_may_touch_the_floor(void **state)
{
    (void)state;
    const ami_settings s = lively(false);
    static const struct {
        unsigned given, said;
        const char *text;
    } row[] = {{0, 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE, "right_ankle,left_ankle"},
               {1u << AMI_LEFT_WRIST | 1u << AMI_ROOT,
                1u << AMI_ROOT | 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE | 1u << AMI_LEFT_WRIST,
                "root,right_ankle,left_ankle,left_wrist"},
               {(1u << AMI_BODIES) - 1, (1u << AMI_BODIES) - 1, "root,chest,neck,right_hip"}};
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        ami_error err = {""};
        ami_train *t = ami_train_create(&s, character, clip, row[i].given, &err);
        ami_net *actor = t ? ami_train_export_actor(t, &err) : NULL;
        if (!actor)
            fail_msg("%s", err.text);
        write_net(scratch("actor.onnx"), actor, AMI_ONNX_FLOAT32);
        ami_policy policy;
        assert_true(ami_policy_load(&policy, scratch("actor.onnx"), NULL, &err));
        assert_int_equal(policy.may_touch, row[i].said);
        assert_true(strstr(meta(actor, "may_touch"), row[i].text) == meta(actor, "may_touch"));
        ami_policy_free(&policy);
        ami_net_destroy(actor);
        ami_train_destroy(t);
    }
}

static void a_training_begins_with_what_another_wrote(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        ami_settings s = lively(false);
        s.absolute = kind % 2;
        s.goal = kind / 2;
        ami_train *from = trained(&s, 3);
        export_both(from, AMI_ONNX_FLOAT32);

        s.envs = 3;
        s.gamma = .9;
        s.seed = 9;
        ami_train *to = trained(&s, 1); /* whatever it did before is forgotten */
        assert_memory_not_equal(to->in_mean, from->in_mean, (size_t)to->inputs * sizeof(float));
        ami_error err = {""};
        if (!ami_train_load_onnx(to, scratch("actor.onnx"), scratch("critic.onnx"), &err))
            fail_msg("%s", err.text);
        /* Files hold absolute actions' last layer times DeepMimic's scale, means of up to 1.57 added to the
         * biases: undone up to rounding.
         */
        const size_t last = s.absolute != 0 ? 13 * AMI_ACTION : 0; /* 12 hidden units and a bias */
        assert_parameters(ami_ppo_actor(to->ppo), ami_ppo_actor(from->ppo), last, 0x1p-23, 0x1p-23);
        assert_parameters(ami_ppo_critic(to->ppo), ami_ppo_critic(from->ppo), 0, 0, 0);
        assert_memory_equal(to->in_mean, from->in_mean, (size_t)to->inputs * sizeof(float));
        assert_memory_equal(to->in_std, from->in_std, (size_t)to->inputs * sizeof(float));
        assert_true(to->normalizer.count == 3 * ENVS * STEPS && to->normalizer.columns == to->inputs);
        for (int which = 0; which < 2; which++) {
            const ami_adam *adam = which ? ami_ppo_critic_adam(to->ppo) : ami_ppo_actor_adam(to->ppo);
            const size_t size = ami_train_net_size(which ? ami_ppo_critic(to->ppo) : ami_ppo_actor(to->ppo));
            assert_true(adam->step == 0);
            for (size_t i = 0; i < size; i++)
                assert_true(adam->m[i] == 0 && adam->v[i] == 0);
        }
        ami_train_destroy(to);

        /* What it does with them is what the other does: the first iteration's means, from the same
         * observations. */
        s.envs = ENVS;
        to = try_create(&s);
        assert_true(ami_train_load_onnx(to, scratch("actor.onnx"), scratch("critic.onnx"), &err));
        assert_true(ami_train_samples(to) == 0 && ami_train_iterations(to) == 0);
        ami_train_stats stats;
        ami_train_iterate(to, &stats);
        assert_true(stats.samples == ENVS * STEPS && isfinite(stats.reward) && isfinite(stats.ppo.kl));
        const ami_model_def exact = {.precision = AMI_PRECISION_FP32};
        ami_model *actor = ami_model_load(scratch("actor.onnx"), &exact, &err);
        assert_non_null(actor);
        void *workspace = malloc(ami_model_workspace_size(actor, 1));
        for (int i = 0; i < to->samples; i++) {
            float want[AMI_ACTION];
            ami_model_run(actor, workspace, to->obs + i * to->inputs, 1, want);
            for (int k = 0; k < AMI_ACTION; k++)
                assert_near((double)(to->mean[i * AMI_ACTION + k] * to->action_std[k] + to->action_mean[k]),
                            (double)want[k], 2e-5 * fmax(1, (double)to->action_std[k]), "action", k);
        }
        free(workspace);
        ami_model_destroy(actor);
        ami_train_destroy(to);
        ami_train_destroy(from);
    }
}

/* float16 files: parameters to 11 bits, or to the smallest step there is; the normaliser in full. */
static void half_files_give_half_precision(void **state)
{
    (void)state;
    const ami_settings s = lively(false);
    ami_train *from = trained(&s, 2), *to = try_create(&s);
    export_both(from, AMI_ONNX_FLOAT16);
    ami_error err = {""};
    if (!ami_train_load_onnx(to, scratch("actor.onnx"), scratch("critic.onnx"), &err))
        fail_msg("%s", err.text);
    int rounded = 0;
    for (int which = 0; which < 2; which++) {
        ami_train_net *net[2] = {which ? ami_ppo_critic(from->ppo) : ami_ppo_actor(from->ppo),
                                 which ? ami_ppo_critic(to->ppo) : ami_ppo_actor(to->ppo)};
        const float *want = ami_train_net_parameters(net[0]), *got = ami_train_net_parameters(net[1]);
        for (size_t i = 0; i < ami_train_net_size(net[0]); i++) {
            assert_near((double)got[i], (double)want[i], 0x1p-11 * fabs((double)want[i]) + 0x1p-25,
                        "parameter", (int)i);
            rounded += got[i] != want[i];
        }
    }
    assert_true(rounded > 1000);
    assert_memory_equal(to->in_mean, from->in_mean, (size_t)to->inputs * sizeof(float));
    assert_memory_equal(to->in_std, from->in_std, (size_t)to->inputs * sizeof(float));
    ami_train_destroy(from);
    ami_train_destroy(to);
}

/* How many samples the normaliser counts for decides how fast it moves on. */
static void the_normaliser_counts_as_many_samples_as_the_file_says(void **state)
{
    (void)state;
    static const struct {
        const char *samples; /* NULL: none given */
        int64_t count;
    } row[] = {{"5000000", 5000000}, {"1e7", 10000000}, {"0", 2}, {NULL, 777}};
    ami_settings s = lively(false);
    s.normalizer_samples = 777;
    ami_train *from = trained(&s, 1);
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        export_both(from, AMI_ONNX_FLOAT32);
        ami_error err = {""};
        ami_net *actor = ami_onnx_read(scratch("actor.onnx"), &err);
        assert_non_null(actor);
        if (row[i].samples)
            assert_true(ami_net_set_meta(actor, "samples", row[i].samples));
        for (int k = 0; k < actor->metas; k++)
            if (!row[i].samples && !strcmp(actor->meta[k].key, "samples"))
                actor->meta[k].key[0] = 'x'; /* now it says nothing */
        write_net(scratch("actor.onnx"), actor, AMI_ONNX_FLOAT32);
        ami_net_destroy(actor);
        ami_train *to = try_create(&s);
        if (!ami_train_load_onnx(to, scratch("actor.onnx"), scratch("critic.onnx"), &err))
            fail_msg("%s", err.text);
        assert_true(to->normalizer.count == row[i].count);
        assert_memory_equal(to->in_std, from->in_std, (size_t)to->inputs * sizeof(float));
        ami_train_destroy(to);
    }
    ami_train_destroy(from);
}

/* Refused with these parts, the file's name first; the training goes on as if nothing had been asked of it.
 */
static void refuse_onnx(const ami_settings *s, const char *actor, const char *critic, const char *which,
                        const char *parts)
{
    ami_train *t = try_create(s), *same = try_create(s);
    ami_error err = {""};
    assert_false(ami_train_load_onnx(t, actor, critic, &err));
    if (strstr(err.text, which) != err.text)
        fail_msg("\"%s\" does not begin with %s", err.text, which);
    assert_sentence(&err, parts);
    assert_same_training(t, same);
    ami_train_destroy(t);
    ami_train_destroy(same);
}

/* Networks that see no goal begin a training that does: at first they act as they did, then they learn to
 * look. */
static void a_goal_can_be_added(void **state)
{
    (void)state;
    ami_settings s = lively(false);
    ami_train *from = trained(&s, 2);
    export_both(from, AMI_ONNX_FLOAT32);
    ami_error err = {""};
    const ami_model_def fp32 = {.precision = AMI_PRECISION_FP32};
    ami_model *old[2] = {ami_model_load(scratch("actor.onnx"), &fp32, &err),
                         ami_model_load(scratch("critic.onnx"), &fp32, &err)};
    assert_true(old[0] && old[1]);
    void *workspace = malloc(ami_model_workspace_size(old[0], 1) + ami_model_workspace_size(old[1], 1));

    s.goal = 1;
    s.seed = 4;
    ami_train *to = try_create(&s);
    float before[AMI_GOAL];
    memcpy(before, to->in_std + AMI_OBS, sizeof before);
    if (!ami_train_load_onnx(to, scratch("actor.onnx"), scratch("critic.onnx"), &err))
        fail_msg("%s", err.text);
    assert_memory_equal(to->in_mean, from->in_mean, AMI_OBS * sizeof(float));
    for (int k = 0; k < AMI_GOAL; k++) /* the goal's is what had been seen of it */
        assert_near((double)to->in_std[AMI_OBS + k], (double)before[k], 1e-5 * (double)before[k],
                    "deviation of the goal", k);
    ami_train_stats stats;
    ami_train_iterate(to, &stats);
    for (int i = 0; i < to->samples; i++) {
        float action[AMI_ACTION], value;
        ami_model_run(old[0], workspace, to->obs + i * to->inputs, 1, action);
        ami_model_run(old[1], workspace, to->obs + i * to->inputs, 1, &value);
        for (int k = 0; k < AMI_ACTION; k++)
            assert_near((double)to->mean[i * AMI_ACTION + k], (double)action[k], 2e-5, "action", k);
        assert_near((double)to->value[i], (double)value, 2e-5, "value", i);
    }
    const float *weight = ami_train_net_parameters(ami_ppo_actor(to->ppo));
    int looked = 0;
    for (int row = 0; row < 20; row++)
        for (int k = AMI_OBS; k < AMI_OBS_MAX; k++)
            looked += weight[row * AMI_OBS_MAX + k] != 0;
    assert_true(looked > 20 * AMI_GOAL / 4); /* not those of units that are never on */
    free(workspace);
    ami_model_destroy(old[0]);
    ami_model_destroy(old[1]);
    ami_train_destroy(to);
    ami_train_destroy(from);
}

static void files_that_do_not_fit_are_refused(void **state)
{
    (void)state;
    const ami_settings s = lively(false);
    ami_train *from = trained(&s, 1);
    char actor[160], critic[160], changed[160];
    snprintf(actor, sizeof actor, "%s", scratch("actor.onnx"));
    snprintf(critic, sizeof critic, "%s", scratch("critic.onnx"));
    snprintf(changed, sizeof changed, "%s", scratch("changed.onnx"));
    export_both(from, AMI_ONNX_FLOAT32);

    /* Settings that ask for something else. */
    const struct {
        const char *setting, *value, *parts;
    } setting[] = {
        {"hidden1", "21", "layers of 197-20-12-36 numbers, expected 197-21-12-36|hidden1"},
        {"hidden2", "13", "layers of 197-20-12-36 numbers, expected 197-20-13-36|hidden2"},
        {"absolute", "1", "actions are residual, expected absolute ones|absolute"},
        {"physics_hz", "240",
         "physics at 120 and control at 30 Hz, expected 240 and 60|physics_hz, substeps"},
        {"substeps", "2", "physics at 120 and control at 30 Hz, expected 120 and 60|physics_hz, substeps"},
        {"observation_clip", "5", "limited to 10, expected 5|observation_clip"},
    };
    for (size_t i = 0; i < sizeof setting / sizeof *setting; i++) {
        ami_settings other = s;
        assert_true(ami_settings_set(&other, setting[i].setting, setting[i].value, NULL));
        ami_character *mine = character;
        character = load_character(other.physics_hz);
        refuse_onnx(&other, actor, critic, actor, setting[i].parts);
        ami_character_destroy(character);
        character = mine;
    }
    ami_settings other = s;
    other.goal = 1;
    ami_train *seeing = trained(&other, 1);
    export_both(seeing, AMI_ONNX_FLOAT32);
    refuse_onnx(&s, actor, critic, actor, "layers of 246-20-12-36 numbers, expected 197-20-12-36|goal");
    ami_train_destroy(seeing);
    other.goal = 0;
    other.absolute = 1;
    ami_train *absolute = trained(&other, 1);
    export_both(absolute, AMI_ONNX_FLOAT32);
    refuse_onnx(&s, actor, critic, actor, "actions are absolute, expected residual ones");
    ami_train_destroy(absolute);

    /* Files that are not there, or in each other's place, or no pair. */
    export_both(from, AMI_ONNX_FLOAT32);
    refuse_onnx(&s, scratch("nothing.onnx"), critic, scratch("nothing.onnx"), "");
    refuse_onnx(&s, actor, scratch("nothing.onnx"), scratch("nothing.onnx"), "");
    refuse_onnx(&s, critic, actor, critic, "197-20-12-1 numbers, expected 197-20-12-36");
    refuse_onnx(&s, actor, actor, actor, "197-20-12-36 numbers, expected 197-20-12-1");
    ami_train *later = trained(&s, 2);
    ami_net *net = ami_train_export_critic(later, NULL);
    write_net(changed, net, AMI_ONNX_FLOAT32);
    refuse_onnx(&s, actor, changed, changed,
                "its normaliser of observations differs from|actor.onnx|trained with it");
    ami_net_destroy(net);
    ami_train_destroy(later);

    /* Metadata and networks that cannot be. */
    const struct {
        const char *key, *value, *parts;
    } meta[] = {
        {"kind", "critic", "is a critic, expected an actor"},
        {"samples", "many", "\"samples\" is \"many\", expected a number from 0"},
        {"samples", "-1", "\"samples\" is \"-1\""},
        {"physics_hz", "120 Hz", "\"physics_hz\" is \"120 Hz\""},
        {"control_hz", "50", "\"control_hz\" is 50, expected physics_hz"},
        {"action", "torque", "\"torque\", expected residual or absolute"},
    };
    for (size_t i = 0; i < sizeof meta / sizeof *meta; i++) {
        net = ami_train_export_actor(from, NULL);
        assert_true(ami_net_set_meta(net, meta[i].key, meta[i].value));
        write_net(changed, net, AMI_ONNX_FLOAT32);
        refuse_onnx(&s, changed, critic, changed, meta[i].parts);
        ami_net_destroy(net);
    }
    net = ami_train_export_critic(from, NULL);
    assert_true(ami_net_set_meta(net, "kind", "actor"));
    write_net(changed, net, AMI_ONNX_FLOAT32);
    refuse_onnx(&s, actor, changed, changed, "\"kind\" is \"actor\", expected critic");
    ami_net_destroy(net);
    net = ami_train_export_actor(from, NULL);
    net->act[1] = AMI_ACT_TANH;
    write_net(changed, net, AMI_ONNX_FLOAT32);
    refuse_onnx(&s, changed, critic, changed, "relu, tanh and identity, expected relu, relu and identity");
    net->act[1] = AMI_ACT_RELU;
    net->in_std[0] = 1;
    write_net(changed, net, AMI_ONNX_FLOAT32);
    refuse_onnx(&s, changed, critic, changed, "number 0 has mean 0.5 and deviation 1, expected 0.5 and 0.5");
    net->in_std[0] = .5f;
    net->in_std[7] = .01f;
    write_net(changed, net, AMI_ONNX_FLOAT32);
    refuse_onnx(&s, changed, critic, changed,
                "number 7 has|deviation 0.01, expected a deviation of 0.02 or more");
    free(net->in_mean), free(net->in_std);
    net->in_mean = net->in_std = NULL;
    net->in_clip = 0;
    write_net(changed, net, AMI_ONNX_FLOAT32);
    refuse_onnx(&s, changed, critic, changed, "no normaliser");
    ami_net_destroy(net);
    net = ami_net_create(4, (const int[]){197, 20, 12, 7, 36}, NULL);
    write_net(changed, net, AMI_ONNX_FLOAT32);
    refuse_onnx(&s, changed, critic, changed, "layers of 197-20-12-7-36 numbers, expected 197-20-12-36");
    ami_net_destroy(net);
    ami_train_destroy(from);
}

/* Short of memory anywhere, no network is exported rather than one without its metadata: without "action" it
 * would be read as absolute. */
static void what_memory_is_short_for_is_not_exported(void **state)
{
    (void)state;
    const ami_settings s = lively(false);
    ami_train *t = try_create(&s);
    for (int which = 0; which < 2; which++) {
        int refusals = 0;
        for (bool done = false; !done; refusals++) {
            ami_error err = {""};
            refused_call = asked + refusals;
            const long before = asked;
            ami_net *net = which ? ami_train_export_critic(t, &err) : ami_train_export_actor(t, &err);
            done = asked - before <= refusals; /* it did not come to the call that is refused */
            refused_call = -1;
            if (!net != !done)
                fail_msg("call %d of malloc refused: %s", refusals, net ? "exported" : err.text);
            if (!net)
                assert_sentence(&err, "memory");
            for (const char *const *key =
                     (const char *const[]){"kind", "training", "observation", "motion", "samples", NULL};
                 net && *key; key++)
                assert_non_null(ami_net_get_meta(net, *key));
            if (net && !which)
                assert_non_null(ami_net_get_meta(net, "action"));
            ami_net_destroy(net);
        }
        print_message("%d calls of malloc refused\n", refusals - 1);
#ifndef AMI_OWN_MALLOC
        assert_true(refusals > 10);
#endif
    }
    ami_train_destroy(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(exported_networks_are_the_trained_ones),
        cmocka_unit_test(an_exported_actor_says_what_may_touch_the_floor),
        cmocka_unit_test(a_training_begins_with_what_another_wrote),
        cmocka_unit_test(half_files_give_half_precision),
        cmocka_unit_test(the_normaliser_counts_as_many_samples_as_the_file_says),
        cmocka_unit_test(a_goal_can_be_added),
        cmocka_unit_test(files_that_do_not_fit_are_refused),
        cmocka_unit_test(what_memory_is_short_for_is_not_exported),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
