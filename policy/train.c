#include "policy/train_state.h"

#include "base/clock.h"
#include "policy/gae.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef _OPENMP
#include <omp.h>
#else
static int omp_get_max_threads(void)
{
    return 1;
}
static int omp_get_thread_num(void)
{
    return 0;
}
#endif

enum { GROUP = 8, NO_EXTRA = -1, FAILED = -2 }; /* GROUP: environments whose actions are computed together */

amb_character_def amb_train_character_def(const amb_settings *settings)
{
    amb_character_def def = amb_character_default_def();
    def.physics_hz = settings->physics_hz;
    def.self_collision = settings->self_collision != 0;
    return def;
}

/* How far the training is, in [0, 1]. */
static double fraction_done(const amb_train *t)
{
    return fmin((double)t->progress.samples / t->settings.samples, 1);
}

static double current_noise(const amb_train *t)
{
    return t->settings.noise + (t->settings.noise_end - t->settings.noise) * fraction_done(t);
}

/* Standard deviation of the part of an action's noise that is new in a step. */
static double fresh_noise(const amb_train *t)
{
    return current_noise(t) * sqrt(1 - t->settings.noise_memory * t->settings.noise_memory);
}

static double current_push(const amb_train *t)
{
    const double ramp = t->settings.push_ramp;
    return t->settings.push_speed * (ramp > 0 ? fmin(fraction_done(t) / ramp, 1) : 1);
}

/* Without a second chance after a fall the styles that are hard would be seen least: their episodes are short. */
static void start_motion(amb_train *t, int e, amb_cycle_room *room, bool fell)
{
    const bool again = fell && amb_rng_uniform(&t->run[e].rng) < t->settings.style_again;
    (again ? amb_generator_start_again : amb_generator_start)(t->generator[e], room, &t->env[e]);
}

static void start_episode(amb_train *t, int e, amb_cycle_room *room, bool fell)
{
    amb_env *env = &t->env[e];
    env->def.push_speed = current_push(t);
    if (t->generator)
        start_motion(t, e, room, fell);
    amb_env_reset(env);
    t->run[e].episode_return = 0;
    if (t->settings.turn_rate > 0) {
        /* Half of the episodes go straight. */
        const bool straight = amb_rng_uniform(&t->run[e].rng) < .5;
        const double rate = amb_rng_range(&t->run[e].rng, -t->settings.turn_rate, t->settings.turn_rate);
        env->reference.turn_rate = straight ? 0 : rate;
    }
}

void amb_train_refresh_normalizer(amb_train *t)
{
    amb_normalizer_get(&t->normalizer, t->in_mean, t->in_std);
}

static void normalise(const amb_train *t, const float *obs, float *x)
{
    const float limit = (float)t->settings.observation_clip;
    for (int k = 0; k < t->inputs; k++)
        x[k] = fminf(fmaxf((obs[k] - t->in_mean[k]) / t->in_std[k], -limit), limit);
}

static void pack_actor(amb_train *t)
{
    amb_net_set_parameters(t->actor_net, amb_train_net_parameters(amb_ppo_actor(t->ppo)));
    amb_model_repack(t->actor, t->actor_net);
}

static bool allocate(amb_train *t, amb_error *err)
{
    const size_t samples = (size_t)t->samples, inputs = (size_t)t->inputs, extras = (size_t)t->envs * (size_t)t->extras;
    t->env = calloc((size_t)t->envs, sizeof *t->env);
    t->run = calloc((size_t)t->envs, sizeof *t->run);
    t->share = calloc((size_t)t->envs, sizeof *t->share);
    t->room = calloc((size_t)t->threads, sizeof *t->room);
    t->obs = malloc(samples * inputs * sizeof(float));
    t->x = malloc(samples * inputs * sizeof(float));
    t->action = malloc(samples * AMB_ACTION * sizeof(float));
    t->mean = malloc(samples * AMB_ACTION * sizeof(float));
    t->reward = malloc(samples * sizeof(float));
    t->after = malloc(samples * sizeof(int));
    t->last = malloc(samples);
    t->extra = calloc(extras * inputs, sizeof(float));
    t->value = malloc(samples * sizeof(float));
    t->extra_value = malloc(extras * sizeof(float));
    t->next = malloc(samples * sizeof(float));
    t->advantage = malloc(samples * sizeof(float));
    t->target = malloc(samples * sizeof(float));
    if (t->env && t->run && t->share && t->room && t->obs && t->x && t->action && t->mean && t->reward && t->after && t->last && t->extra &&
        t->value && t->extra_value && t->next && t->advantage && t->target)
        return true;
    return amb_fail(err, "out of memory for %d samples an iteration", t->samples);
}

static bool make_networks(amb_train *t, amb_error *err)
{
    const amb_settings *s = &t->settings;
    t->bf16 = s->bf16 < 0 ? amb_train_bf16_native() : s->bf16 > 0;
    const amb_ppo_def def = {
        .obs = t->inputs,
        .actions = AMB_ACTION,
        .hidden1 = (int)s->hidden1,
        .hidden2 = (int)s->hidden2,
        .samples = t->samples,
        .minibatches = (int)s->minibatches,
        .epochs = (int)s->epochs,
        .clip = (float)s->clip,
        .advantage_clip = (float)s->advantage_clip,
        .gradient_norm = (float)s->gradient_norm,
        .critic_rate = (float)s->critic_rate,
        .precision = t->bf16 ? AMB_TRAIN_BF16 : AMB_TRAIN_FP32,
    };
    amb_rng init = amb_rng_seed((uint64_t)s->seed, UINT64_MAX);
    t->ppo = amb_ppo_create(&def, &init, (float)s->last_layer, err);
    const int dim[] = {t->inputs, def.hidden1, def.hidden2, AMB_ACTION};
    t->actor_net = t->ppo ? amb_net_create(3, dim, err) : NULL;
    if (!t->actor_net)
        return false;
    amb_net_set_parameters(t->actor_net, amb_train_net_parameters(amb_ppo_actor(t->ppo)));
    t->actor = amb_model_create(t->actor_net, &(amb_model_def){.precision = AMB_PRECISION_FP32}, err);
    return t->actor != NULL;
}

static bool make_generators(amb_train *t, amb_error *err)
{
    const amb_settings *s = &t->settings;
    if (!t->styles.nets)
        return true;
    t->plan = (amb_style_plan){
        .styles = t->styles.styles,
        .change_s = {.5 * s->style_change, 1.5 * s->style_change},
        .blends = s->style_blends,
        .pace = s->style_pace,
    };
    t->generator = calloc((size_t)t->envs, sizeof(amb_generator *));
    if (!t->generator)
        return amb_fail(err, "out of memory for %d environments", t->envs);
    for (int i = 0; i < t->threads; i++)
        if (!(t->room[i].cycle = amb_cycle_room_create(t->styles.nets, err)))
            return false;
    for (int e = 0; e < t->envs; e++) {
        amb_generator_def def = amb_generator_default_def(t->styles.nets, &t->plan);
        def.seed = (uint64_t)s->seed;
        def.stream = (uint64_t)e;
        if (!(t->generator[e] = amb_generator_create(&def, t->room[0].cycle, err)))
            return false;
    }
    return true;
}

static bool make_environments(amb_train *t, unsigned may_touch, amb_error *err)
{
    const amb_settings *s = &t->settings;
    for (int i = 0; i < t->threads; i++) {
        t->room[i].workspace = malloc(amb_model_workspace_size(t->actor, GROUP));
        if (!t->room[i].workspace)
            return amb_fail(err, "out of memory");
    }
    for (int e = 0; e < t->envs; e++) {
        amb_env_def def = amb_env_default_def(t->character, t->clip);
        def.seed = (uint64_t)s->seed;
        def.stream = (uint64_t)e;
        def.substeps = (int)s->substeps;
        def.look_ahead = s->look_ahead;
        def.action_mode = s->absolute != 0 ? AMB_ACTION_ABSOLUTE : AMB_ACTION_RESIDUAL;
        def.episode_s = s->episode_s;
        def.max_root_m = s->max_root_m;
        def.push_period = s->push_period;
        def.push_random = true;
        def.goal = s->goal != 0;
        def.start_heading = NAN;
        def.may_touch |= may_touch;
        if (t->generator)
            amb_generator_use(t->generator[e], &def);
        if (!amb_env_init(&t->env[e], &def, err))
            return false;
        t->run[e].rng = amb_rng_seed((uint64_t)s->seed, (UINT64_C(1) << 32) + (uint64_t)e);
    }
    return true;
}

/* The normaliser's first guess: what an untrained body sees where episodes start. Without it the first iterations would teach the networks
 * a scale that is then taken from under them. */
static void prime_normalizer(amb_train *t)
{
    for (int round = 0; round < 16; round++) {
        for (int e = 0; e < t->envs; e++) {
            start_episode(t, e, t->room[0].cycle, false);
            amb_env_observe(&t->env[e], t->obs + (size_t)e * (size_t)t->inputs);
        }
        amb_normalizer_add(&t->normalizer, t->obs, t->envs);
    }
    amb_train_refresh_normalizer(t);
}

static amb_train *create(const amb_settings *settings, const amb_character *character, const amb_clip *clip, const amb_train_styles *styles,
                         unsigned may_touch, amb_error *err)
{
    if (!amb_settings_check(settings, err))
        return NULL;
    amb_train *t = calloc(1, sizeof *t);
    if (!t) {
        amb_fail(err, "out of memory");
        return NULL;
    }
    t->settings = *settings;
    if (t->settings.goal < 0)
        t->settings.goal = styles != NULL;
    t->inputs = t->settings.goal != 0 ? AMB_OBS_MAX : AMB_OBS;
    t->normalizer.columns = t->inputs;
    t->character = character;
    t->clip = clip;
    if (styles)
        t->styles = *styles;
    t->envs = (int)settings->envs;
    t->steps = (int)settings->steps;
    t->samples = t->envs * t->steps;
    t->threads = omp_get_max_threads();
    const double episode_steps = ceil(settings->episode_s * settings->physics_hz / settings->substeps - 1e-9);
    t->extras = (int)(t->steps / fmax(episode_steps, 1)) + 2;
    amb_action_scale(settings->absolute != 0 ? AMB_ACTION_ABSOLUTE : AMB_ACTION_RESIDUAL, t->action_mean, t->action_std);
    t->progress.actor_rate = settings->actor_rate;
    t->progress.shuffle = amb_rng_seed((uint64_t)settings->seed, UINT64_MAX - 1);
    if (!allocate(t, err) || !make_networks(t, err) || !make_generators(t, err) || !make_environments(t, may_touch, err)) {
        amb_train_destroy(t);
        return NULL;
    }
    prime_normalizer(t);
    return t;
}

amb_train *amb_train_create(const amb_settings *settings, const amb_character *character, const amb_clip *clip, unsigned may_touch,
                            amb_error *err)
{
    return create(settings, character, clip, NULL, may_touch, err);
}

amb_train *amb_train_create_styles(const amb_settings *settings, const amb_character *character, const amb_train_styles *styles,
                                   unsigned may_touch, amb_error *err)
{
    return create(settings, character, NULL, styles, may_touch, err);
}

void amb_train_destroy(amb_train *t)
{
    if (!t)
        return;
    for (int e = 0; t->env && e < t->envs; e++)
        amb_env_free(&t->env[e]);
    for (int i = 0; t->room && i < t->threads; i++) {
        free(t->room[i].workspace);
        amb_cycle_room_destroy(t->room[i].cycle);
    }
    for (int e = 0; t->generator && e < t->envs; e++)
        amb_generator_destroy(t->generator[e]);
    free(t->generator);
    amb_ppo_destroy(t->ppo);
    amb_net_destroy(t->actor_net);
    amb_model_destroy(t->actor);
    free(t->env);
    free(t->run);
    free(t->share);
    free(t->room);
    free(t->obs);
    free(t->x);
    free(t->action);
    free(t->mean);
    free(t->reward);
    free(t->after);
    free(t->last);
    free(t->extra);
    free(t->value);
    free(t->extra_value);
    free(t->next);
    free(t->advantage);
    free(t->target);
    free(t);
}

/* Step `step` of environment e with the action that was chosen: act, count, and start anew where the episode ended. */
static void step_environment(amb_train *t, int e, int step, const float *chosen, int *extras_used, thread_room *room)
{
    amb_env *env = &t->env[e];
    tally *share = &t->share[e];
    const int i = e * t->steps + step;
    amb_reward reward;
    float action[AMB_ACTION];
    for (int k = 0; k < AMB_ACTION; k++)
        action[k] = chosen[k] * t->action_std[k] + t->action_mean[k];
    const amb_env_end end = amb_env_step(env, action, &reward);

    t->run[e].episode_return += reward.total;
    t->reward[i] = (float)(reward.total * (1 - t->settings.gamma));
    t->last[i] = end != AMB_ENV_GOES_ON;
    share->reward += reward.total;
    for (int k = 0; k < AMB_REWARD_PARTS; k++)
        share->part[k] += reward.part[k];
    share->root_m += reward.root_m;
    share->joint_rad += reward.joint_rad;
    share->end_effector_m += reward.end_effector_m;

    t->after[i] = end == AMB_ENV_GOES_ON ? NO_EXTRA : FAILED;
    if (end == AMB_ENV_TIME_OUT || (end == AMB_ENV_GOES_ON && step == t->steps - 1)) {
        float obs[AMB_OBS_MAX];
        amb_env_observe(env, obs);
        t->after[i] = e * t->extras + (*extras_used)++;
        normalise(t, obs, t->extra + (size_t)t->after[i] * (size_t)t->inputs);
    }
    if (end != AMB_ENV_GOES_ON) {
        share->episodes += 1;
        share->episode_s += env->step * env->control_dt;
        share->normalised_return += t->run[e].episode_return / env->steps_max;
        share->survived += end == AMB_ENV_TIME_OUT;
        share->unstable += end == AMB_ENV_UNSTABLE;
        start_episode(t, e, room->cycle, end != AMB_ENV_TIME_OUT);
    }
}

/* Noise with memory: n ← m n + √(1 - m²) σ z, of standard deviation σ at every moment. A joint under PD control hardly follows white noise
 * at 30 Hz, which then costs reward and teaches little (Eberhard et al. 2023 on coloured noise). What the body does is mean + n. What PPO
 * learns from is mean + the new part of n: given the past, an ordinary Gaussian of deviation √(1 - m²) σ. */
static void explore(const amb_train *t, runner *run, const float *mean, float *learned, float *chosen)
{
    const float memory = (float)t->settings.noise_memory, fresh = (float)fresh_noise(t);
    for (int a = 0; a < AMB_ACTION; a++) {
        const float z = fresh * (float)amb_rng_normal(&run->rng);
        run->noise[a] = memory * run->noise[a] + z;
        learned[a] = mean[a] + z;
        chosen[a] = mean[a] + run->noise[a];
    }
}

static void collect_group(amb_train *t, int first, int count, thread_room *room)
{
    int extras_used[GROUP] = {0};
    const size_t inputs = (size_t)t->inputs;
    float x[GROUP * AMB_OBS_MAX], mean[GROUP * AMB_ACTION];
    for (int k = 0; k < count; k++) {
        t->env[first + k].def.push_speed = current_push(t);
        t->share[first + k] = (tally){0};
    }
    for (int step = 0; step < t->steps; step++) {
        for (int k = 0; k < count; k++) {
            const size_t i = (size_t)(first + k) * (size_t)t->steps + (size_t)step;
            if (t->generator)
                amb_generator_step(t->generator[first + k], room->cycle, &t->env[first + k]);
            amb_env_observe(&t->env[first + k], t->obs + i * inputs);
            normalise(t, t->obs + i * inputs, x + (size_t)k * inputs);
            memcpy(t->x + i * inputs, x + (size_t)k * inputs, inputs * sizeof(float));
        }
        amb_model_run(t->actor, room->workspace, x, count, mean);
        for (int k = 0; k < count; k++) {
            const size_t i = (size_t)(first + k) * (size_t)t->steps + (size_t)step;
            memcpy(t->mean + i * AMB_ACTION, mean + k * AMB_ACTION, AMB_ACTION * sizeof(float));
            float chosen[AMB_ACTION];
            explore(t, &t->run[first + k], mean + k * AMB_ACTION, t->action + i * AMB_ACTION, chosen);
            step_environment(t, first + k, step, chosen, &extras_used[k], room);
        }
    }
}

/* Smaller groups where there are more threads than groups. A row's result does not depend on its group (nets/model.h). */
static void collect(amb_train *t)
{
    const int even = (t->envs + t->threads - 1) / t->threads, group = even < GROUP ? even : GROUP;
    const int groups = (t->envs + group - 1) / group;
#pragma omp parallel for schedule(dynamic, 1) num_threads(t->threads)
    for (int g = 0; g < groups; g++) {
        const int first = g * group, count = t->envs - first < group ? t->envs - first : group;
        collect_group(t, first, count, &t->room[omp_get_thread_num()]);
    }
}

/* Values of all states, then advantages and targets. Returns the share of the targets' variance that the values explain. */
static double estimate_advantages(amb_train *t)
{
    amb_ppo_values(t->ppo, t->x, t->samples, t->value);
    amb_ppo_values(t->ppo, t->extra, t->envs * t->extras, t->extra_value);
    for (int i = 0; i < t->samples; i++)
        t->next[i] = t->after[i] == FAILED ? 0 : t->after[i] == NO_EXTRA ? t->value[i + 1] : t->extra_value[t->after[i]];
    double mean = 0, error_mean = 0, variance = 0, error_variance = 0;
    for (int e = 0; e < t->envs; e++) {
        const int i = e * t->steps;
        amb_gae(t->steps, t->reward + i, t->value + i, t->next + i, t->last + i, (float)t->settings.gamma, (float)t->settings.lambda,
                t->advantage + i, t->target + i);
    }
    for (int i = 0; i < t->samples; i++) {
        mean += t->target[i] / t->samples;
        error_mean += t->advantage[i] / t->samples;
    }
    for (int i = 0; i < t->samples; i++) {
        variance += (t->target[i] - mean) * (t->target[i] - mean);
        error_variance += (t->advantage[i] - error_mean) * (t->advantage[i] - error_mean);
    }
    return 1 - error_variance / fmax(variance, 1e-12);
}

static void tally_add(tally *to, const tally *from)
{
    for (size_t k = 0; k < sizeof(tally) / sizeof(double); k++)
        ((double *)to)[k] += ((const double *)from)[k];
}

static void fill_stats(amb_train *t, amb_train_stats *s)
{
    tally all = {0}, window = {0};
    for (int e = 0; e < t->envs; e++)
        tally_add(&all, &t->share[e]);
    t->progress.window[t->progress.iterations % AMB_TRAIN_WINDOW] = all;
    t->progress.unstable += all.unstable;
    for (int k = 0; k < AMB_TRAIN_WINDOW; k++)
        tally_add(&window, &t->progress.window[k]);

    const double n = t->samples, episodes = fmax(window.episodes, 1);
    s->reward = all.reward / n;
    for (int k = 0; k < AMB_REWARD_PARTS; k++)
        s->part[k] = all.part[k] / n;
    s->root_m = all.root_m / n;
    s->joint_rad = all.joint_rad / n;
    s->end_effector_m = all.end_effector_m / n;
    s->episodes = (int64_t)window.episodes;
    s->episode_s = window.episode_s / episodes;
    s->normalised_return = window.normalised_return / episodes;
    s->survived = window.survived / episodes;
    s->unstable = (int64_t)t->progress.unstable;
    for (int e = 0; t->generator && e < t->envs; e++) {
        const amb_generator_counts *counts = amb_generator_get_counts(t->generator[e]);
        s->motions += counts->made;
        for (int k = 0; k < AMB_REFUSALS; k++)
            s->refused += counts->refused[k];
    }
}

/* The actor's rate follows the KL divergence that its last update made. */
static void adapt_rate(amb_train *t, double kl)
{
    const double wanted = t->settings.kl + (t->settings.kl_end - t->settings.kl) * fraction_done(t);
    const double rate = t->progress.actor_rate * (kl <= wanted ? 1.1 : 1 / 1.1); /* slower where the KL is no number */
    t->progress.actor_rate = fmin(fmax(rate, 1e-7), 1e-2);
}

void amb_train_iterate(amb_train *t, amb_train_stats *s)
{
    memset(s, 0, sizeof *s);
    s->noise = current_noise(t);
    s->push_speed = current_push(t);
    s->actor_rate = t->progress.actor_rate;
    const double started = amb_clock_now();
    pack_actor(t);
    collect(t);
    const double collected = amb_clock_now();

    s->explained = estimate_advantages(t);
    const amb_ppo_batch batch = {t->x, t->action, t->mean, t->advantage, t->target, (float)fresh_noise(t)};
    amb_ppo_update(t->ppo, &batch, (float)t->progress.actor_rate, &t->progress.shuffle, &s->ppo);
    fill_stats(t, s);
    if (t->normalizer.count < (int64_t)t->settings.normalizer_samples) {
#pragma omp parallel
        amb_normalizer_add(&t->normalizer, t->obs, t->samples);
        amb_train_refresh_normalizer(t);
    }
    t->progress.samples += t->samples;
    t->progress.iterations++;
    adapt_rate(t, s->ppo.kl);

    s->iteration = t->progress.iterations;
    s->samples = t->progress.samples;
    s->collect_s = collected - started;
    s->learn_s = amb_clock_now() - collected;
}

const char *amb_train_motion(const amb_train *t)
{
    return t->clip ? amb_clip_name(t->clip) : "style:random";
}

int64_t amb_train_samples(const amb_train *t)
{
    return t->progress.samples;
}

int64_t amb_train_iterations(const amb_train *t)
{
    return t->progress.iterations;
}

bool amb_train_uses_bf16(const amb_train *t)
{
    return t->bf16;
}

static amb_net *export_net(const amb_train *t, amb_train_net *from, int outputs, amb_error *err)
{
    const amb_settings *s = &t->settings;
    const int dim[] = {t->inputs, (int)s->hidden1, (int)s->hidden2, outputs};
    amb_net *net = amb_net_create(3, dim, err);
    if (!net)
        return NULL;
    amb_net_set_parameters(net, amb_train_net_parameters(from));
    amb_net_add_normalizer(net);
    memcpy(net->in_mean, t->in_mean, (size_t)t->inputs * sizeof(float));
    memcpy(net->in_std, t->in_std, (size_t)t->inputs * sizeof(float));
    net->in_clip = (float)s->observation_clip;
    char text[4096];
    amb_settings_print(s, text, sizeof text);
    amb_net_set_meta(net, "training", text);
    amb_net_set_meta(net, "observation", t->settings.goal != 0 ? "deepmimic-197+goal-49" : "deepmimic-197");
    amb_net_set_meta(net, "motion", amb_train_motion(t));
    snprintf(text, sizeof text, "%lld", (long long)t->progress.samples);
    amb_net_set_meta(net, "samples", text);
    return net;
}

amb_net *amb_train_export_actor(const amb_train *t, amb_error *err)
{
    const amb_settings *s = &t->settings;
    amb_net *net = export_net(t, amb_ppo_actor(t->ppo), AMB_ACTION, err);
    if (!net)
        return NULL;
    for (int a = 0; a < AMB_ACTION; a++) {
        for (int k = 0; k < net->dim[2]; k++)
            net->weight[2][(size_t)a * (size_t)net->dim[2] + (size_t)k] *= t->action_std[a];
        net->bias[2][a] = net->bias[2][a] * t->action_std[a] + t->action_mean[a];
    }
    char text[64];
    amb_net_set_meta(net, "kind", "actor");
    amb_net_set_meta(net, "action", s->absolute != 0 ? "absolute" : "residual");
    amb_net_set_meta(net, "joint_order",
                     "chest neck right_hip right_knee right_ankle right_shoulder right_elbow left_hip left_knee left_ankle left_shoulder "
                     "left_elbow");
    snprintf(text, sizeof text, "%.17g", s->physics_hz / s->substeps);
    amb_net_set_meta(net, "control_hz", text);
    snprintf(text, sizeof text, "%.17g", s->physics_hz);
    amb_net_set_meta(net, "physics_hz", text);
    snprintf(text, sizeof text, "%.17g", s->look_ahead);
    amb_net_set_meta(net, "look_ahead", text);
    return net;
}

amb_net *amb_train_export_critic(const amb_train *t, amb_error *err)
{
    amb_net *net = export_net(t, amb_ppo_critic(t->ppo), 1, err);
    if (!net)
        return NULL;
    char text[64];
    amb_net_set_meta(net, "kind", "critic");
    snprintf(text, sizeof text, "%.17g", t->settings.gamma);
    amb_net_set_meta(net, "gamma", text);
    amb_net_set_meta(net, "output", "value * (1 - gamma)");
    return net;
}
