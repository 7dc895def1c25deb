/* Rollouts against a separate loop over ami_env: survival, returns, means, recording and hash; same bits for
 * any number of threads; resets of unusable states; stopping; the rate in real time (no other times are
 * tested). */
#include "tests/motions.h"

#include "policy/rollout.h"

enum { GOOD_ENVS = 11 };

static ami_character *character;
static ami_clip *clip;
static ami_policy policy; /* a small actor made here, not read */

static int set_up(void **state)
{
    (void)state;
    set_threads(2);
    character = load_character(120);
    clip = march(.3, true);
    ami_net *net = small_actor(2, .02);
    policy =
        (ami_policy){.actor = ami_model_create(net, &(ami_model_def){.precision = AMI_PRECISION_FP32}, NULL),
                     .substeps = 4,
                     .look_ahead = .06,
                     .physics_hz = 120};
    ami_net_destroy(net);
    return policy.actor ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    ami_policy_free(&policy);
    ami_clip_destroy(clip);
    ami_character_destroy(character);
    return 0;
}

static ami_rollout_def make_def(const ami_policy *actor, int envs, double seconds)
{
    ami_rollout_def def = {.env = ami_env_default_def(character, clip), .policy = actor, .envs = envs};
    def.env.seed = 21;
    def.env.episode_s = seconds;
    return def;
}

static ami_rollout_result roll(const ami_rollout_def *def)
{
    ami_rollout_result result;
    ami_error err = {""};
    if (!ami_rollout_run(def, &result, &err))
        fail_msg("%s", err.text);
    return result;
}

/* What the header promises, one character after the other. */
typedef struct expectation {
    double survival, success, normalised_return, seconds, part[AMI_REWARD_PARTS], root_m, joint_rad,
        end_effector_m;
    int64_t control_steps, unstable;
    uint64_t hash;
    int frames, falls;
    double *pose;
} expectation;

static void hash_bytes(uint64_t *hash, const void *data, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        *hash ^= ((const unsigned char *)data)[i];
        *hash *= 1099511628211u;
    }
}

static expectation simple_loop(const ami_rollout_def *def)
{
    expectation x = {.hash = 14695981039346656037u};
    void *workspace = def->policy ? malloc(ami_model_workspace_size(def->policy->actor, 1)) : NULL;
    for (int e = 0; e < def->envs; e++) {
        ami_env_def own = def->env;
        own.stream = (uint64_t)e;
        ami_env env;
        assert_true(ami_env_init(&env, &own, NULL));
        const int steps = env.steps_max;
        if (e == 0) {
            x.pose = malloc((size_t)(steps + 1) * sizeof env.state.pose);
            memcpy(x.pose, env.state.pose, sizeof env.state.pose);
            x.frames = 1;
        }
        bool up = true, followed = true;
        for (int step = 0; step < steps; step++) {
            float obs[AMI_OBS], action[AMI_ACTION] = {0};
            ami_env_observe(&env, obs);
            if (def->policy)
                ami_model_run(def->policy->actor, workspace, obs, 1, action);
            ami_reward reward;
            const ami_env_end end = ami_env_step(&env, action, &reward);
            x.seconds += up ? env.control_dt / def->envs : 0;
            if (end == AMI_ENV_UNSTABLE) {
                up = false;
                x.unstable++;
                ami_env_reset(&env);
                env.step = step + 1; /* the asked time goes on, and the next push comes a period later */
                env.next_push += env.step * env.control_dt;
            } else {
                up &= end != AMI_ENV_FELL && end != AMI_ENV_LOST;
                followed &= reward.height_m <= .25 && reward.tilt <= .8;
                x.control_steps++;
                for (int k = 0; k < AMI_REWARD_PARTS; k++)
                    x.part[k] += reward.part[k];
                x.root_m += reward.root_m;
                x.joint_rad += reward.joint_rad;
                x.end_effector_m += reward.end_effector_m;
                x.normalised_return += up ? reward.total / ((double)def->envs * steps) : 0;
            }
            if (e == 0)
                memcpy(x.pose + AMI_POSE * x.frames++, env.state.pose, sizeof env.state.pose);
            if (end == AMI_ENV_FELL || end == AMI_ENV_LOST)
                break;
        }
        x.falls += !up;
        x.success += (up && followed) / (double)def->envs;
        hash_bytes(&x.hash, env.world.data->qpos, (7 + AMI_ACTION) * sizeof(double));
        hash_bytes(&x.hash, env.world.data->qvel, AMI_VEL * sizeof(double));
        ami_env_free(&env);
    }
    x.survival = 1 - (double)x.falls / def->envs;
    const double n = fmax((double)x.control_steps, 1);
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        x.part[k] /= n;
    x.root_m /= n;
    x.joint_rad /= n;
    x.end_effector_m /= n;
    free(workspace);
    return x;
}

static void assert_expected(const ami_rollout_result *r, const expectation *x)
{
    assert_near(r->survival, x->survival, 1e-12, "survival", 0);
    assert_near(r->success, x->success, 1e-12, "success", 0);
    assert_near(r->normalised_return, x->normalised_return, 1e-12, "normalised return", 0);
    assert_near(r->seconds, x->seconds, 1e-9, "seconds", 0);
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        assert_near(r->part[k], x->part[k], 1e-12, "reward's part", k);
    assert_near(r->root_m, x->root_m, 1e-12, "root", 0);
    assert_near(r->joint_rad, x->joint_rad, 1e-12, "joints", 0);
    assert_near(r->end_effector_m, x->end_effector_m, 1e-12, "end effectors", 0);
    assert_true(r->control_steps == x->control_steps);
    assert_true(r->resets_unstable == x->unstable);
    assert_true(r->hash == x->hash);
    assert_false(r->stopped);
}

static void results_are_those_of_a_simple_loop(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        ami_rollout_def def = make_def(with ? &policy : NULL, GOOD_ENVS, 1.1);
        def.env.push_speed = .5;
        def.env.push_period = .4;
        def.env.turn_rate = .5;
        def.env.max_root_m = .5;
        expectation x = simple_loop(&def);
        assert_true(x.falls > 0 && x.falls < GOOD_ENVS); /* both kinds are there */
        ami_rollout_result r = roll(&def);
        assert_expected(&r, &x);
        assert_int_equal(r.episodes, GOOD_ENVS);
        assert_true(r.control_dt == 4 * character->timestep);
        assert_null(r.pose);
        assert_int_equal(r.frames, 0);
        ami_rollout_result_free(&r);
        free(x.pose);
    }
}

/* Where any body may touch the floor nobody falls; who lies on it has not followed for all that. */
static void lying_is_no_success(void **state)
{
    (void)state;
    ami_rollout_def def = make_def(NULL, 8, 3);
    def.env.push_speed = 3;
    def.env.push_period = 1;
    def.env.may_touch = (1u << AMI_BODIES) - 1;
    expectation x = simple_loop(&def);
    assert_true(x.falls == 0 && x.success < .5);
    ami_rollout_result r = roll(&def);
    assert_expected(&r, &x);
    free(x.pose);
    def.env.push_speed = 0;
    def.env.episode_s = .2; /* too short to fall in */
    r = roll(&def);
    assert_true(r.survival == 1 && r.success == 1);
}

/* Everyone falls, and nobody earns anything after it: a longer asked time only dilutes. */
static void falls_count_zero_afterwards(void **state)
{
    (void)state;
    ami_rollout_def def = make_def(NULL, 6, 3);
    def.env.push_speed = 5;
    def.env.push_period = .1;
    ami_rollout_result shorter = roll(&def);
    def.env.episode_s = 6;
    ami_rollout_result longer = roll(&def);
    assert_true(shorter.survival == 0 && longer.survival == 0);
    assert_true(shorter.normalised_return > .01);
    assert_near(longer.normalised_return, shorter.normalised_return / 2, 1e-12, "normalised return", 0);
    assert_true(longer.control_steps == shorter.control_steps); /* the fallen are not simulated */
    assert_true(longer.hash == shorter.hash);
    assert_near(longer.seconds, shorter.seconds, 1e-12, "seconds", 0);
}

static void any_team_gives_the_same_results(void **state)
{
    (void)state;
    for (int with = 0; with < 2; with++) {
        ami_rollout_result first = {0};
        for (int threads = 1; threads <= 3; threads++) {
            set_threads(threads);
            ami_rollout_def def = make_def(with ? &policy : NULL, 19, 1.5);
            def.env.start_heading = NAN;
            def.env.push_speed = 1;
            def.env.push_period = .5;
            ami_rollout_result r = roll(&def);
            if (threads == 1)
                first = r;
            assert_true(r.hash == first.hash);
            assert_true(r.survival == first.survival && r.normalised_return == first.normalised_return &&
                        r.seconds == first.seconds);
            assert_memory_equal(r.part, first.part, sizeof r.part);
            assert_true(r.root_m == first.root_m && r.joint_rad == first.joint_rad &&
                        r.end_effector_m == first.end_effector_m);
            assert_true(r.control_steps == first.control_steps);
        }
        /* another seed is another rollout */
        ami_rollout_def def = make_def(with ? &policy : NULL, 19, 1.5);
        def.env.seed++;
        ami_rollout_result other = roll(&def);
        assert_true(other.hash != first.hash);
    }
    set_threads(2);
}

static void a_recording_has_every_pose(void **state)
{
    (void)state;
    for (int falls = 0; falls < 2; falls++) {
        ami_rollout_def def = make_def(&policy, 3, .8);
        def.record = true;
        if (falls) {
            def.env.push_speed = 8;
            def.env.push_period = .2;
            def.env.episode_s = 2;
        }
        expectation x = simple_loop(&def);
        ami_rollout_result r = roll(&def);
        assert_expected(&r, &x);
        assert_int_equal(r.frames, x.frames);
        assert_true(falls ? x.frames < 61 : x.frames == 25);
        assert_memory_equal(r.pose, x.pose, (size_t)x.frames * AMI_POSE * sizeof(double));
        ami_rollout_result_free(&r);
        assert_null(r.pose);
        free(x.pose);
    }
}

/* An actor that says infinity in the last tenth of the motion and nothing before: relu(phase - .9) times 1e38
 * times 1e38. */
static ami_policy exploding_policy(void)
{
    const int dim[] = {AMI_OBS, 1, 1, AMI_ACTION};
    ami_net *net = ami_net_create(3, dim, NULL);
    net->weight[0][0] = 1e38f;
    net->bias[0][0] = -.9e38f;
    net->weight[1][0] = 1e38f;
    for (int k = 0; k < AMI_ACTION; k++)
        net->weight[2][k] = 1;
    ami_policy p = {.actor = ami_model_create(net, &(ami_model_def){.precision = AMI_PRECISION_FP32}, NULL),
                    .substeps = 4,
                    .look_ahead = .06,
                    .physics_hz = 120};
    ami_net_destroy(net);
    assert_non_null(p.actor);
    return p;
}

/* Observations are those the actor was given, in the characters' and steps' order, evenly spread, whatever
 * the team; rows after a fall are left out. */
static void observations_are_kept(void **state)
{
    (void)state;
    enum { ENVS = 5, ROWS = 40 };
    ami_rollout_def def = {.env = ami_env_default_def(character, clip), .policy = &policy, .envs = ENVS};
    ami_policy_use(&policy, &def.env);
    def.env.episode_s = 2;
    def.observation_rows = ROWS;
    ami_rollout_result result, other;
    ami_error err = {""};
    assert_true(ami_rollout_run(&def, &result, &err));
    assert_int_equal(result.observation_inputs, AMI_OBS);
    assert_true(result.observation_rows > 0 && result.observation_rows <= ROWS);
    set_threads(1);
    assert_true(ami_rollout_run(&def, &other, &err));
    set_threads(2);
    assert_int_equal(other.observation_rows, result.observation_rows);
    assert_memory_equal(other.observation, result.observation,
                        (size_t)result.observation_rows * AMI_OBS * sizeof(float));
    /* the first is what character 0 sees at the start */
    ami_env env;
    def.env.stream = 0;
    assert_true(ami_env_init(&env, &def.env, &err));
    float obs[AMI_OBS];
    ami_env_observe(&env, obs);
    assert_memory_equal(obs, result.observation, sizeof obs);
    ami_env_free(&env);
    ami_rollout_result_free(&result);
    ami_rollout_result_free(&other);

    def.observation_rows = 1000000; /* more than there are steps: each one */
    assert_true(ami_rollout_run(&def, &result, &err));
    assert_int_equal(result.observation_rows, result.control_steps);
    ami_rollout_result_free(&result);
}

static void broken_states_are_reset_and_counted(void **state)
{
    (void)state;
    ami_policy bad = exploding_policy();
    for (int everyone = 0; everyone < 2; everyone++) {
        ami_rollout_def def = make_def(&bad, 9, everyone ? 1.5 : .5);
        def.record = true;
        def.env.push_speed = .3;
        def.env.push_period = .3;
        def.env.max_root_m = 2;
        expectation x = simple_loop(&def);
        assert_true(x.unstable > 0);
        assert_true(everyone ? x.falls == 9 : x.falls > 0 && x.falls < 9);
        for (int threads = 1; threads <= 2; threads++) {
            set_threads(threads);
            ami_rollout_result r = roll(&def);
            assert_expected(&r, &x);
            assert_int_equal(r.frames, x.frames);
            assert_memory_equal(r.pose, x.pose, (size_t)x.frames * AMI_POSE * sizeof(double));
            assert_true(isfinite(r.normalised_return) && isfinite(r.root_m) && isfinite(r.joint_rad));
            ami_rollout_result_free(&r);
        }
        free(x.pose);
    }
    ami_policy_free(&bad);
}

static void real_time_keeps_its_rate(void **state)
{
    (void)state;
    ami_rollout_def def = make_def(&policy, 2, 20 / 30.0);
    ami_rollout_result fast = roll(&def);
    assert_true(fast.control_steps == 2 * 20);
    def.realtime = true;
    ami_rollout_result r = roll(&def);
    assert_true(r.control_steps == 2 * 20);
    assert_true(r.hash == fast.hash);
    if (!(r.wall_s >= 19 / 30.0))
        fail_msg("20 control steps at 30 a second took %.4f s", r.wall_s);
}

typedef struct watch {
    int calls, most;
    double last;
    bool fell_back, outside;
} watch;

static bool on_progress(void *context, double fraction)
{
    watch *w = context;
    w->fell_back |= fraction < w->last;
    w->outside |= !(fraction >= 0 && fraction <= 1);
    w->last = fraction;
    return ++w->calls < w->most;
}

static void progress_is_told_and_may_stop_it(void **state)
{
    (void)state;
    for (int threads = 1; threads <= 2; threads++) {
        set_threads(threads);
        watch w = {.most = 1 << 30};
        ami_rollout_def def = make_def(NULL, 40, 4);
        def.progress = on_progress;
        def.context = &w;
        ami_rollout_result r = roll(&def);
        assert_false(r.stopped);
        assert_true(w.calls > 1);
        assert_false(w.fell_back || w.outside);
        if (threads == 1)
            assert_true(w.last > .5); /* it is the whole's progress, not a part's */
    }
    set_threads(1);
    watch w = {.most = 2};
    ami_rollout_def def = make_def(NULL, 20, 20); /* three groups; after the stop none of them asks again */
    def.env.may_touch = ~0u;                      /* they go on lying down */
    def.progress = on_progress;
    def.context = &w;
    ami_rollout_result r = roll(&def);
    assert_true(r.stopped);
    assert_int_equal(w.calls, 2);
    assert_true(r.control_steps > 0 && r.control_steps < 20 * 600);
    /* The numbers cover what was simulated: the first group's characters, as many seconds, asked for
     * outright, give the same. */
    def.progress = NULL;
    def.envs = 8;
    def.env.episode_s = (double)(r.control_steps / 8) / 30;
    ami_rollout_result same = roll(&def);
    assert_true(same.control_steps == r.control_steps);
    assert_near(r.normalised_return, same.normalised_return, 1e-12, "normalised return", 0);
    assert_near(r.root_m, same.root_m, 1e-12, "root", 0);
    assert_near(20 * r.seconds, 8 * same.seconds, 1e-9, "seconds", 0);
    set_threads(2);
}

static void what_cannot_be_is_refused(void **state)
{
    (void)state;
    set_threads(2);
    static const struct {
        int envs;
        double seconds;
        bool realtime;
        const char *parts;
    } row[] = {
        {0, 1, false, "0 characters|1 to 65536"},
        {-3, 1, false, "-3 characters|1 to 65536"},
        {65537, 1, false, "65537 characters|1 to 65536"},
        {2, 0, false, "episode of 0 s"},
        {2, NAN, false, "episode of nan s"},
        {17, 1, true, "--realtime|17 characters on 2 threads|8 per thread"},
    };
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        ami_rollout_def def = make_def(&policy, row[i].envs, row[i].seconds);
        def.realtime = row[i].realtime;
        ami_rollout_result r;
        ami_error err = {""};
#ifndef _OPENMP
        if (row[i].realtime)
            continue; /* the sentence counts threads */
#endif
        assert_false(ami_rollout_run(&def, &r, &err));
        assert_sentence(&err, row[i].parts);
        assert_null(r.pose);
        ami_rollout_result_free(&r);
    }
    /* An environment that shows or takes something else than the network knows. */
    ami_rollout_result r;
    ami_error err = {""};
    ami_rollout_def def = make_def(&policy, 2, 1);
    def.env.goal = !policy.goal;
    assert_false(ami_rollout_run(&def, &r, &err));
    assert_sentence(&err, "network takes observations of 197 numbers|gives 246");
    def = make_def(&policy, 2, 1);
    def.env.action_mode = AMI_ACTION_ABSOLUTE;
    assert_false(ami_rollout_run(&def, &r, &err));
    assert_sentence(&err, "network's actions are residual|takes absolute");
}

/* A schedule's moments, one by one: their rewards are the whole's, and who has fallen stays down. */
static void a_schedule_is_told_moment_by_moment(void **state)
{
    (void)state;
    hand_made made;
    make_by_hand(&made, character, .02);
    ami_error err = {""};
    ami_style_moment moment[5] = {{.time = 0}, {.time = .41}, {.time = .8}, {.time = 1.5}, {.time = 7}};
    for (int m = 0; m < 5; m++) {
        moment[m].heading = moment[m].speed = (double)NAN;
        ami_latent_of_style(&made.styles.style[m % 3], &moment[m].latent);
        snprintf(moment[m].label, sizeof moment[m].label, "style %d", m);
    }
    const ami_style_plan plan = {.styles = &made.styles, .moments = 5, .moment = moment};
    ami_generator_def generator = ami_generator_default_def(&made.nets, &plan);
    ami_rollout_def def = make_def(&policy, GOOD_ENVS, 2);
    def.env.clip = NULL;
    def.generator = &generator;
    ami_rollout_result r = roll(&def);
    assert_int_equal(r.moments, 4);          /* the fifth begins after the end */
    const int first[] = {0, 13, 24, 45, 60}; /* .41 s: the first step at .43 s */
    double sum = 0, up = 1;
    for (int m = 0; m < 4; m++) {
        const ami_moment_result *got = &r.moment[m];
        assert_string_equal(got->label, moment[m].label);
        assert_near(got->from, first[m] / 30., 1e-9, "from", m);
        assert_near(got->until, first[m + 1] / 30., 1e-9, "until", m);
        assert_true(got->survival <= up);
        up = got->survival;
        sum += got->normalised_return * (first[m + 1] - first[m]) / 60.;
    }
    assert_true(r.survival < 1 && r.moment[0].normalised_return > 0); /* some do fall, or nothing was
                                                                         tested */
    assert_near(up, r.survival, 1e-12, "survival at the end", 0);
    assert_near(sum, r.normalised_return, 1e-12, "return in all", 0);
    ami_rollout_result_free(&r);

    /* One style all the time has no moments to tell apart. */
    ami_style_plan only;
    assert_true(ami_style_plan_of_style(&only, &made.styles, &made.style[0], &err));
    generator.plan = &only;
    r = roll(&def);
    assert_int_equal(r.moments, 0);
    ami_rollout_result_free(&r);
    ami_style_plan_free(&only);
    free_hand_made(&made);
}

/* Invented motions: the same on any team, and what a plain loop over generators and environments makes. */
static void invented_motions_are_followed(void **state)
{
    (void)state;
    hand_made made;
    make_by_hand(&made, character, .02);
    const ami_style_plan plan = {.styles = &made.styles, .change_s = {.5, 1}, .blends = .5, .pace = .1};
    ami_generator_def generator = ami_generator_default_def(&made.nets, &plan);
    generator.seed = 6;
    generator.phase_gain = 1;
    ami_rollout_def def = make_def(&policy, GOOD_ENVS, 2);
    def.env.clip = NULL;
    def.env.may_touch = (1u << AMI_BODIES) - 1;
    def.generator = &generator;
    set_threads(1);
    ami_rollout_result one = roll(&def);
    set_threads(2);
    ami_rollout_result two = roll(&def);
    assert_true(one.hash == two.hash && one.normalised_return == two.normalised_return);
    assert_memory_equal(&one.generator, &two.generator, sizeof one.generator);

    int64_t changes = 0, motions = 0, refused = 0, counted = 0;
    double reward_sum = 0;
    for (int e = 0; e < GOOD_ENVS; e++) {
        ami_generator_def own = generator;
        own.stream = (uint64_t)e;
        ami_generator *g = ami_generator_create(&own, made.workspace, NULL);
        ami_env_def env_def = def.env;
        env_def.stream = (uint64_t)e;
        assert_non_null(g);
        ami_generator_use(g, &env_def);
        ami_env env;
        assert_true(ami_env_init(&env, &env_def, NULL));
        ami_controller controller;
        assert_true(ami_controller_init(&controller, &policy, 1, NULL));
        for (int step = 0; step < env.steps_max; step++) {
            ami_reward reward;
            ami_generator_step(g, made.workspace, &env);
            if (ami_controller_step(&controller, &env, &reward) == AMI_ENV_UNSTABLE)
                fail_msg("unstable");
            reward_sum += reward.total;
        }
        const ami_generator_counts *counts = ami_generator_get_counts(g);
        motions += counts->made;
        changes += counts->changes;
        for (int k = 0; k < AMI_REFUSALS; k++) {
            refused += counts->refused[k];
            counted += one.generator.refused[k];
        }
        ami_controller_free(&controller);
        ami_env_free(&env);
        ami_generator_destroy(g);
    }
    assert_true(changes > 2 * GOOD_ENVS);
    assert_true(one.generator.made == motions && one.generator.changes == changes &&
                counted == refused * GOOD_ENVS);
    assert_near(one.normalised_return, reward_sum / (GOOD_ENVS * 60.), 1e-12, "return", 0);
    assert_true(one.generate_us.p50 > 0 && one.generate_us.max >= one.generate_us.p99);
    ami_rollout_result_free(&one);
    ami_rollout_result_free(&two);

    /* A first style that nothing comes of stops it before it begins. */
    ami_style_plan hopeless;
    assert_true(ami_style_plan_of_style(&hopeless, &made.styles, &made.style[0], NULL));
    hopeless.moment[0].latent.z[0] = NAN;
    generator.plan = &hopeless;
    ami_error err = {""};
    assert_false(ami_rollout_run(&def, &one, &err));
    assert_sentence(&err, "no usable motion|finite");
    ami_style_plan_free(&hopeless);
    free_hand_made(&made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lying_is_no_success),
        cmocka_unit_test(results_are_those_of_a_simple_loop),
        cmocka_unit_test(falls_count_zero_afterwards),
        cmocka_unit_test(any_team_gives_the_same_results),
        cmocka_unit_test(a_recording_has_every_pose),
        cmocka_unit_test(observations_are_kept),
        cmocka_unit_test(broken_states_are_reset_and_counted),
        cmocka_unit_test(real_time_keeps_its_rate),
        cmocka_unit_test(progress_is_told_and_may_stop_it),
        cmocka_unit_test(what_cannot_be_is_refused),
        cmocka_unit_test(invented_motions_are_followed),
        cmocka_unit_test(a_schedule_is_told_moment_by_moment),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
