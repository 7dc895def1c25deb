/* Training: it learns; it depends on settings and clip alone, with the same bits for any number of threads;
 * PPO's samples are what happened; an unusable environment is reset and does not affect others; schedules are
 * kept. */
#include "tests/training.h"

#include <limits.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static void any_team_trains_the_same_bits(void **state)
{
    (void)state;
    for (int kind = 0; kind < 4; kind++) {
        const int bf16 = kind % 2;
        const ami_settings s = kind < 2 ? lively(bf16) : lively_all(bf16);
        set_threads(1);
        ami_train *one = try_create(&s);
        if (!one)
            continue;
        assert_int_equal(ami_train_uses_bf16(one), bf16);
        ami_train_stats stats[5];
        for (int i = 0; i < 5; i++)
            ami_train_iterate(one, &stats[i]);
        assert_true(stats[4].episodes > 20);
        for (int threads = 2; threads <= 3; threads++) {
            set_threads(threads);
            ami_train *many = try_create(&s);
            for (int i = 0; i < 5; i++) {
                ami_train_stats mine;
                ami_train_iterate(many, &mine);
                assert_same_stats(&stats[i], &mine);
            }
            assert_same_training(one, many);
            ami_train_destroy(many);
        }
        set_threads(2);
        ami_settings other = s;
        other.seed = 2;
        ami_train *different = try_create(&other);
        ami_train_stats mine;
        ami_train_iterate(different, &mine);
        assert_true(mine.reward != stats[0].reward); /* the seed does decide */
        ami_train_destroy(different);
        ami_train_destroy(one);
    }
}

static pid_t start_busy_process(void)
{
    const pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL); /* also where a test fails */
        for (volatile unsigned long i = 0;; i++)
            ;
    }
    return pid;
}

/* Three groups, of which the last is smaller, in turns of which the last is shorter; cores are taken away
 * from threads at any moment. */
static void busy_neighbours_change_no_bits(void **state)
{
    (void)state;
    enum { NEIGHBOURS = 4 };
    ami_settings s = lively(false);
    s.envs = 19;
    s.steps = 7;
    s.samples = 20 * s.envs * s.steps;
    set_threads(1);
    ami_train *one = try_create(&s);
    ami_train_stats stats[4];
    for (int i = 0; i < 4; i++)
        ami_train_iterate(one, &stats[i]);
    pid_t pid[NEIGHBOURS];
    for (int i = 0; i < NEIGHBOURS; i++)
        pid[i] = start_busy_process();
    for (int threads = 2; threads <= 5; threads++) { /* with 5, groups are smaller */
        set_threads(threads);
        ami_train *many = try_create(&s);
        for (int i = 0; i < 4; i++) {
            ami_train_stats mine;
            ami_train_iterate(many, &mine);
            assert_same_stats(&stats[i], &mine);
        }
        assert_same_training(one, many);
        ami_train_destroy(many);
    }
    for (int i = 0; i < NEIGHBOURS; i++) {
        kill(pid[i], SIGKILL);
        waitpid(pid[i], NULL, 0);
    }
    set_threads(2);
    ami_train_destroy(one);
}

/* More threads may be set after the training was made: simulation keeps to the rooms it has. */
static void a_grown_team_is_no_harm(void **state)
{
    (void)state;
    const ami_settings s = lively(false);
    set_threads(1);
    ami_train *grown = try_create(&s), *one = try_create(&s);
    ami_train_stats a, b;
    ami_train_iterate(one, &a);
    set_threads(4);
    ami_train_iterate(grown, &b);
    assert_same_stats(&a, &b);
    assert_same_training(one, grown);
    set_threads(2);
    ami_train_destroy(grown);
    ami_train_destroy(one);
}

static void impossible_settings_are_refused(void **state)
{
    (void)state;
    ami_settings s = lively(false);
    s.minibatches = ENVS * STEPS + 1;
    ami_error err = {""};
    assert_null(ami_train_create(&s, character, clip, 0, &err));
    assert_sentence(&err, "minibatches|161|160");
}

/* One world gets a velocity that is no number: its episode ends there with nothing, a new one begins, and no
 * other environment notices. */
static void a_broken_environment_is_reset_and_harms_no_other(void **state)
{
    (void)state;
    enum { BROKEN = 3 };
    const ami_settings s = lively(false);
    ami_train *sound = try_create(&s), *hurt = try_create(&s);
    ami_train_stats a, b;
    for (int i = 0; i < 2; i++) {
        ami_train_iterate(sound, &a);
        ami_train_iterate(hurt, &b);
        assert_same_stats(&a, &b);
    }
    hurt->env[BROKEN].world.data->qvel[7] = NAN;
    ami_train_iterate(sound, &a);
    ami_train_iterate(hurt, &b);
    assert_true(a.unstable == 0 && b.unstable == 1);
    assert_true(hurt->env_tally[BROKEN].unstable == 1);
    const int first = BROKEN * STEPS;
    assert_true(hurt->reward[first] == 0 && hurt->last[first] && hurt->after[first] == AMI_TRAIN_FAILED &&
                hurt->next[first] == 0);
    for (int i = 0; i < ENVS * STEPS; i++) {
        for (int k = 0; k < AMI_OBS; k++)
            assert_true(isfinite(hurt->obs[i * AMI_OBS + k]));
        assert_true(isfinite(hurt->reward[i]) && isfinite(hurt->advantage[i]) && isfinite(hurt->target[i]));
    }
    for (int e = 0; e < ENVS; e++) {
        if (e == BROKEN)
            continue;
        const size_t at = (size_t)e * STEPS, floats = STEPS * sizeof(float);
        assert_memory_equal(sound->obs + at * AMI_OBS, hurt->obs + at * AMI_OBS, AMI_OBS * floats);
        assert_memory_equal(sound->action + at * AMI_ACTION, hurt->action + at * AMI_ACTION,
                            AMI_ACTION * floats);
        assert_memory_equal(sound->reward + at, hurt->reward + at, floats);
        assert_memory_equal(sound->target + at, hurt->target + at, floats);
        assert_memory_equal(&sound->env_tally[e], &hurt->env_tally[e], sizeof *sound->env_tally);
        const size_t size = ami_env_save_size(&sound->env[e]);
        char *x = malloc(size), *y = malloc(size);
        ami_env_save(&sound->env[e], x);
        ami_env_save(&hurt->env[e], y);
        assert_memory_equal(x, y, size);
        free(x), free(y);
    }
    assert_true(b.ppo.skipped == 0);
    ami_train_iterate(hurt, &b);
    /* it is still told, and no more came */
    assert_true(b.unstable == 1 && isfinite(b.reward) && isfinite(b.ppo.kl));
    ami_train_destroy(sound);
    ami_train_destroy(hurt);
}

/* The parameters' network as inference sees it, so that its outputs can be worked out apart from the
 * training's own passes. */
static ami_model *network_of(ami_train_net *from, int outputs)
{
    const int dim[] = {AMI_OBS, 20, 12, outputs};
    ami_net *net = ami_net_create(3, dim, NULL);
    ami_net_set_parameters(net, ami_train_net_parameters(from));
    ami_model *model = ami_model_create(net, &(ami_model_def){.precision = AMI_PRECISION_FP32}, NULL);
    ami_net_destroy(net);
    return model;
}

/* Values where they belong, and GAE's returns summed out in double. */
static void samples_say_what_happened(void **state)
{
    (void)state;
    ami_settings s = lively(false);
    s.steps = 20; /* episodes have 12 */
    s.max_root_m = .3;
    s.push_speed = 3;
    s.push_ramp = 0;
    s.normalizer_samples = 0; /* as primed, and so from iteration to iteration */
    ami_train *t = try_create(&s);
    for (int round = 0; round < 3; round++) {
        ami_model *critic = network_of(ami_ppo_critic(t->ppo), 1),
                  *actor = network_of(ami_ppo_actor(t->ppo), AMI_ACTION);
        void *workspace = malloc(ami_model_workspace_size(actor, 1) + ami_model_workspace_size(critic, 1));
        ami_train_stats stats;
        runner before[ENVS];
        memcpy(before, t->run, sizeof before);
        ami_train_iterate(t, &stats);
        int failed = 0, timed_out = 0;
        double noise2 = 0, reward = 0;
        const double memory = s.noise_memory;
        float noise[ENVS][AMI_ACTION];
        for (int e = 0; e < ENVS; e++)
            memcpy(noise[e], before[e].noise, sizeof noise[e]);
        for (int e = 0; e < ENVS; e++) {
            double flow = 0;
            for (int step = 19; step >= 0; step--) {
                const int i = e * 20 + step;
                float want[AMI_ACTION];
                for (int k = 0; k < AMI_OBS; k++) {
                    const double x =
                        ((double)t->obs[i * AMI_OBS + k] - (double)t->in_mean[k]) / (double)t->in_std[k];
                    assert_near((double)t->x[i * AMI_OBS + k], fmin(fmax(x, -10), 10), 1e-4,
                                "normalised observation", k);
                }
                ami_model_run(critic, workspace, t->x + i * AMI_OBS, 1, want);
                assert_near((double)t->value[i], (double)want[0], 1e-5, "value", i);
                ami_model_run(actor, workspace, t->x + i * AMI_OBS, 1, want);
                assert_memory_equal(t->mean + i * AMI_ACTION, want, sizeof want);
                for (int k = 0; k < AMI_ACTION; k++) {
                    const double z = ((double)t->action[i * AMI_ACTION + k] - (double)want[k]) /
                                     (stats.noise * sqrt(1 - memory * memory));
                    assert_true(fabs(z) < 6);
                    noise2 += z * z / (ENVS * 20 * AMI_ACTION);
                }
                const bool last = t->last[i];
                double next = 0;
                if (t->after[i] == AMI_TRAIN_FAILED) {
                    assert_true(last && t->reward[i] == 0);
                    failed++;
                } else if (last || step == 19) { /* out of time, or cut off: the state's own value */
                    assert_true(t->after[i] >= e * t->extras && t->after[i] < (e + 1) * t->extras);
                    const float *seen = t->extra + t->after[i] * AMI_OBS;
                    /* the clip's cycle is 1 s */
                    const double on = fmod((double)t->obs[i * AMI_OBS] + 1 / 30.0, 1);
                    assert_near(.5 * (double)seen[0] + .5, on, 1e-4, "phase of the final state", i);
                    ami_model_run(critic, workspace, seen, 1, want);
                    next = (double)want[0];
                    timed_out += last;
                } else {
                    assert_int_equal(t->after[i], AMI_TRAIN_NO_EXTRA);
                    next = (double)t->value[i + 1];
                    assert_near((double)t->obs[(i + 1) * AMI_OBS],
                                fmod((double)t->obs[i * AMI_OBS] + 1 / 30.0, 1), 1e-4, "phase", i);
                }
                flow =
                    (double)t->reward[i] + .95 * next - (double)t->value[i] + (last ? 0 : .95 * .95 * flow);
                assert_near((double)t->target[i], flow + (double)t->value[i], 1e-5, "target", i);
                reward += (double)t->reward[i] / (1 - .95) / (ENVS * 20);
            }
            for (int step = 0; step < 20; step++) /* what is left of all the noise at the end */
                for (int k = 0; k < AMI_ACTION; k++) {
                    const int i = (e * 20 + step) * AMI_ACTION + k;
                    noise[e][k] = (float)memory * noise[e][k] + (t->action[i] - t->mean[i]);
                }
            for (int k = 0; k < AMI_ACTION; k++)
                assert_near((double)t->run[e].noise[k], (double)noise[e][k], 1e-5, "noise that is kept", k);
        }
        assert_true(failed > 0 && timed_out > 0);
        assert_near(noise2, 1, .08, "exploration's variance", round);
        assert_near(stats.reward, reward, 1e-5, "reward", round);
        assert_true(stats.samples == (round + 1) * ENVS * 20);
        free(workspace);
        ami_model_destroy(critic);
        ami_model_destroy(actor);
    }
    ami_train_destroy(t);
}

/* What a body does is the mean and the noise that is remembered, not the fresh noise that PPO learns from: a
 * body of our own, from the same start, earns the same rewards that way and others the other way. */
static void bodies_do_mean_and_remembered_noise(void **state)
{
    (void)state;
    ami_settings s = lively(false);
    s.noise_memory = .8;
    s.goal = 1;
    ami_train *t = try_create(&s);
    ami_train_stats stats;
    ami_train_iterate(t, &stats);

    char *start = malloc((size_t)ENVS * ami_env_save_size(&t->env[0]));
    runner before[ENVS];
    memcpy(before, t->run, sizeof before);
    for (int e = 0; e < ENVS; e++)
        ami_env_save(&t->env[e], start + (size_t)e * ami_env_save_size(&t->env[0]));
    ami_train_iterate(t, &stats);

    int steps = 0;
    double fresh_only = 0;
    for (int e = 0; e < ENVS; e++) {
        for (int remembered = 1; remembered >= 0; remembered--) {
            ami_env body;
            assert_true(ami_env_init(&body, &t->env[e].def, NULL));
            ami_env_load(&body, start + (size_t)e * ami_env_save_size(&t->env[0]));
            float noise[AMI_ACTION];
            memcpy(noise, before[e].noise, sizeof noise);
            for (int step = 0; step < STEPS; step++) {
                const int i = e * STEPS + step;
                float action[AMI_ACTION], obs[AMI_OBS_MAX];
                ami_env_observe(&body, obs);
                for (int k = 0; remembered && k < AMI_OBS_MAX; k++)
                    assert_near((double)t->obs[i * AMI_OBS_MAX + k], (double)obs[k], step ? .01 : 0,
                                "observation", k);
                for (int k = 0; k < AMI_ACTION; k++) {
                    const float mean = t->mean[i * AMI_ACTION + k],
                                fresh = t->action[i * AMI_ACTION + k] - mean;
                    noise[k] = .8f * noise[k] + fresh;
                    action[k] = mean + (remembered ? noise[k] : fresh);
                }
                ami_reward reward;
                ami_env_step(&body, action, &reward);
                const double got = (double)t->reward[i] / (1 - t->gamma);
                if (remembered) {
                    assert_near(reward.total, got, 1e-4, "reward", i);
                    steps++;
                } else {
                    fresh_only = fmax(fresh_only, fabs(reward.total - got));
                }
                if (t->last[i])
                    break;
            }
            ami_env_free(&body);
        }
    }
    assert_true(steps > 2 * ENVS && fresh_only > .01);
    free(start);
    ami_train_destroy(t);
}

/* -1 is 0 with a clip; what the networks see has 197 or 246 numbers. */
static void the_goal_is_a_matter_of_the_setting(void **state)
{
    (void)state;
    ami_settings s = lively(false);
    ami_train *t[3];
    ami_train_stats stats[3];
    for (int i = 0; i < 3; i++) {
        s.goal = i - 1;
        t[i] = try_create(&s);
        for (int n = 0; n < 2; n++)
            ami_train_iterate(t[i], &stats[i]);
        const int inputs = i == 2 ? 246 : 197;
        assert_true(t[i]->inputs == inputs && t[i]->normalizer.columns == inputs &&
                    ami_env_obs_size(&t[i]->env[0]) == inputs);
        assert_true(t[i]->settings.goal == (i == 2));
        for (int k = 0; k < inputs; k++)
            assert_true(t[i]->in_std[k] > 0 && isfinite(t[i]->in_mean[k]));
    }
    assert_same_stats(&stats[0], &stats[1]);
    assert_same_training(t[0], t[1]);
    assert_true(stats[2].reward != stats[1].reward);
    for (int i = 0; i < 3; i++)
        ami_train_destroy(t[i]);
}

/* Noise falls, pushes grow, the actor's rate follows KL. */
static void schedules_are_kept(void **state)
{
    (void)state;
    ami_settings s = lively(false);
    s.samples = 4 * ENVS * STEPS;
    s.noise = .1;
    s.noise_end = .02;
    s.kl_end = .02;
    s.push_speed = 2;
    s.push_ramp = .5;
    ami_train *t = try_create(&s);
    ami_train_stats stats[6];
    for (int i = 0; i < 6; i++) {
        ami_train_iterate(t, &stats[i]);
        assert_near(stats[i].noise, i < 4 ? .1 - .02 * i : .02, 1e-12, "noise", i);
        assert_near(stats[i].push_speed, i < 2 ? 1. * i : 2, 1e-12, "push", i);
        const double wanted = .05 * pow(.02 / .05, fmin(i / 4., 1)); /* KL falls geometrically */
        const double before = i ? stats[i - 1].actor_rate : s.actor_rate / 1.1;
        assert_near(stats[i].actor_rate, before * (i && stats[i - 1].ppo.kl > wanted ? 1 / 1.1 : 1.1), 1e-12,
                    "actor's rate", i);
    }
    ami_train_destroy(t);
}

/* A clip that goes on for so long. */
static ami_clip *lasting(double seconds, bool loop)
{
    double pose[2 * AMI_POSE];
    pose_at_rest(pose, .881416);
    pose_at_rest(pose + AMI_POSE, .881416);
    return make_clip(2, (const double[2]){0, seconds}, pose, loop);
}

/* What the settings leave to the motion is decided when the training is made, and said. */
static void settings_left_open_follow_from_the_motion(void **state)
{
    (void)state;
    static const struct {
        double seconds;
        bool loop;
        double given, hold_max_s, episode_s;
    } row[] = {
        {1, true, 0, 2, 10},   {4.9, true, 0, 2, 10},  {7, true, 0, 2, 14},   {15, true, 0, 2, 20},
        {7, true, 3, 2, 3},    {1.5, false, 0, 2, 10}, {12, false, 0, 2, 14}, {12, false, 0, 1, 13},
        {30, false, 0, 2, 20}, {12, false, 40, 2, 40},
    };
    ami_clip *mine = clip;
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) {
        ami_settings s = lively(false);
        s.envs = 2;
        s.mirror = -1;
        s.goal = -1;
        s.episode_s = row[i].given;
        s.hold_max_s = row[i].hold_max_s;
        clip = lasting(row[i].seconds, row[i].loop);
        ami_train *t = try_create(&s);
        const ami_settings *decided = ami_train_settings(t);
        assert_near(decided->episode_s, row[i].episode_s, 1e-12, "longest episode", (int)i);
        assert_near(t->env[1].def.episode_s, row[i].episode_s, 1e-12, "longest episode of an environment",
                    (int)i);
        /* who stands still is symmetric, if for ever */
        assert_true(decided->goal == 0 && decided->mirror == row[i].loop);
        ami_train_destroy(t);
        ami_clip_destroy(clip);
    }
    clip = mine;
}

/* An episode may be over after a step, again and again: every end has its place. */
static void short_episodes_have_room_for_their_ends(void **state)
{
    (void)state;
    ami_clip *mine = clip;
    clip = march(.3, false);
    for (int kind = 0; kind < 3; kind++) {
        ami_settings s = lively(false);
        s.episode_s = 0;
        s.hold_min_s = kind == 2 ? .2 : 0; /* 6 steps */
        s.hold_max_s = kind == 0 ? 0 : .2;
        s.steps = 50;
        ami_train *t = try_create(&s);
        ami_train_stats stats;
        int most = 0, shortest = INT_MAX;
        for (int i = 0; i < 4; i++) {
            for (int e = 0; kind == 0 && e < ENVS; e++) {
                t->env[e].def.start_phase = .999;
                ami_env_reset(&t->env[e]);
                t->parts[0].failures[t->clip[0].bins - 1] = 1e6; /* start at the end, where nothing is left */
            }
            ami_train_refresh_starts(t);
            ami_train_iterate(t, &stats);
            for (int e = 0; e < ENVS; e++) {
                int ends = 0, since = 0;
                for (int k = 0; k < t->steps; k++) {
                    const int after = t->after[e * t->steps + k];
                    since++;
                    if (after >= 0)
                        assert_int_equal(after, e * t->extras + ends++);
                    assert_true(ends <= t->extras);
                    if (t->last[e * t->steps + k]) {
                        shortest = ends > 1 && after >= 0 && since < shortest ? since : shortest;
                        since = 0;
                    }
                }
                most = ends > most ? ends : most;
            }
        }
        assert_true(shortest >= (kind == 2 ? 6 : 1) && (kind == 2 || shortest < 6));
        assert_true(most >= 2);
        ami_train_destroy(t);
    }
    ami_clip_destroy(clip);
    clip = mine;
}

/* A budget of time becomes one of samples in the middle of a training: from there on it goes as if that had
 * been asked for. */
static void schedules_can_be_laid_over_other_samples(void **state)
{
    (void)state;
    ami_settings s = lively(false);
    s.samples = 1e6;
    s.noise = .1;
    s.noise_end = .02;
    ami_train *t = try_create(&s);
    ami_train_stats stats;
    for (int i = 0; i < 2; i++)
        ami_train_iterate(t, &stats);
    ami_train_set_samples(t, 8 * ENVS * STEPS);
    assert_true(ami_train_settings(t)->samples == 8 * ENVS * STEPS);
    ami_train_iterate(t, &stats);
    assert_near(stats.noise, .1 - .08 * 2 / 8, 1e-12, "noise", 0);
    ami_error err = {""};
    assert_true(ami_train_save(t, scratch("laid.bin"), &err));
    ami_checkpoint *c = ami_checkpoint_read(scratch("laid.bin"), &err);
    ami_settings read;
    assert_true(c && ami_train_read_settings(c, &read, &err));
    assert_true(read.samples == 8 * ENVS * STEPS);
    ami_train *resumed = try_create(&read);
    assert_true(ami_train_load(resumed, c, &err));
    for (int i = 0; i < 3; i++) {
        ami_train_stats a, b;
        ami_train_iterate(t, &a);
        ami_train_iterate(resumed, &b);
        assert_same_stats(&a, &b);
    }
    assert_same_training(t, resumed);
    ami_train_set_samples(t, 1); /* fewer than are done: all is done */
    ami_train_iterate(t, &stats);
    assert_near(stats.noise, .02, 1e-12, "noise", 1);
    ami_checkpoint_destroy(c);
    ami_train_destroy(t);
    ami_train_destroy(resumed);
}

/* Why episodes end, over the last iterations: fractions that add up, and the body that most falls end on. */
static void statistics_say_why_episodes_end(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        ami_settings s = lively(false);
        s.episode_s = .4;
        s.push_speed = 0;
        s.max_height_m = kind == 1 ? .002 : 0;
        s.max_tilt = 0;
        ami_error err = {""};
        ami_train *t = ami_train_create(&s, character, clip, kind == 1 ? (1u << AMI_BODIES) - 1 : 0, &err);
        assert_non_null(t);
        for (int e = 0; e < ENVS && kind == 2; e++)
            t->env[e].def.may_touch = 1u << AMI_LEFT_ANKLE; /* the right one ends it */
        ami_train_stats stats;
        for (int i = 0; i < 3; i++)
            ami_train_iterate(t, &stats);
        assert_true(stats.episodes > 0);
        assert_near(stats.fell + stats.lost + stats.survived +
                        (double)stats.unstable / (double)stats.episodes,
                    1, 1e-12, "ends", kind);
        if (kind == 0)
            assert_true(stats.survived > .9);
        else if (kind == 1)
            assert_true(stats.lost > .9 && stats.fell == 0 && stats.fell_on == -1);
        else
            assert_true(stats.fell > .9 && stats.fell_on == AMI_RIGHT_ANKLE);
        assert_true(stats.limited >= 0 && stats.limited < .2);
        ami_train_destroy(t);
    }
    ami_clip *mine = clip;
    ami_settings s = lively(false);
    clip = march(1.9, true); /* knees bent to 3.8 rad and stretched twice a second */
    ami_train_stats stats;
    ami_train *t = try_create(&s);
    ami_train_iterate(t, &stats);
    if (!(stats.limited > .02 && stats.limited <= 1))
        fail_msg("%.3f of the joints at their limits", stats.limited);
    ami_train_destroy(t);
    ami_clip_destroy(clip);
    clip = mine;
}

/* Episodes get longer by a margin that luck does not reach: the same training with a rate next to nothing is
 * what luck gives. */
static void it_learns(void **state)
{
    (void)state;
    ami_settings s = ami_settings_default();
    s.envs = 32;
    s.steps = 32;
    s.samples = 90000;
    s.hidden1 = 64;
    s.hidden2 = 32;
    s.kl = s.kl_end = .04;
    s.actor_rate = 3e-4;
    s.bf16 = 0;
    ami_settings idle = s;
    idle.actor_rate = 1e-9;
    ami_train *t = try_create(&idle);
    ami_train_stats before, after;
    for (int i = 0; i < 2 * AMI_TRAIN_WINDOW; i++)
        ami_train_iterate(t, &before);
    ami_train_destroy(t);
    for (int bf16 = 0; bf16 < 2; bf16++) {
        s.bf16 = bf16;
        if (bf16 && !ami_train_bf16_native())
            s.samples = 20000; /* emulated: only that it works at all */
        t = try_create(&s);
        if (!t)
            continue;
        while ((double)ami_train_samples(t) < s.samples)
            ami_train_iterate(t, &after);
        print_message("%s: episodes of %.3f s, return %.4f; without learning %.3f s, %.4f\n",
                      bf16 ? "bf16" : "fp32", after.episode_s, after.normalised_return, before.episode_s,
                      before.normalised_return);
        const double margin = s.samples < 50000 ? 1.03 : 1.13;
        assert_true(after.episodes > 200 && before.episodes > 200);
        assert_true(after.episode_s > margin * before.episode_s);
        assert_true(after.normalised_return > margin * before.normalised_return);
        assert_true(after.explained > .4);
        ami_train_destroy(t);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_team_trains_the_same_bits),
        cmocka_unit_test(busy_neighbours_change_no_bits),
        cmocka_unit_test(a_grown_team_is_no_harm),
        cmocka_unit_test(impossible_settings_are_refused),
        cmocka_unit_test(a_broken_environment_is_reset_and_harms_no_other),
        cmocka_unit_test(samples_say_what_happened),
        cmocka_unit_test(bodies_do_mean_and_remembered_noise),
        cmocka_unit_test(the_goal_is_a_matter_of_the_setting),
        cmocka_unit_test(schedules_are_kept),
        cmocka_unit_test(schedules_can_be_laid_over_other_samples),
        cmocka_unit_test(settings_left_open_follow_from_the_motion),
        cmocka_unit_test(short_episodes_have_room_for_their_ends),
        cmocka_unit_test(statistics_say_why_episodes_end),
        cmocka_unit_test(it_learns),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
