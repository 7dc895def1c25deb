/* Creates trainings and runs their iterations. */
#include "learn/train_state.h"

#include "base/clock.h"
#include "learn/gae.h"
#include "motion/mirror.h"

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
#endif

ami_character_def ami_train_character_def(const ami_settings *settings)
{
    ami_character_def def = ami_character_default_def();
    def.physics_hz = settings->physics_hz;
    def.self_collision = settings->self_collision != 0;
    return def;
}

void ami_train_refresh_normalizer(ami_train *train)
{
    ami_normalizer_get(&train->normalizer, train->in_mean, train->in_std);
}

static void pack_actor(ami_train *t)
{
    ami_net_set_parameters(t->actor_net, ami_train_net_parameters(ami_ppo_actor(t->ppo)));
    ami_model_repack(t->actor, t->actor_net);
}

/* Width of the widest sums over environments. */
enum {
    TALLY = sizeof(tally) / sizeof(double),
    GENERATED = 1 + AMI_REFUSALS, /* invented motions, and those of each refusal */
    SUMS = 2 * AMI_OBS_MAX > 2 * AMI_TRAIN_BINS ? 2 * AMI_OBS_MAX : 2 * AMI_TRAIN_BINS,
};
_Static_assert((int)SUMS >= (int)TALLY + (int)GENERATED + 1, "");

static bool allocate(ami_train *t, ami_error *err)
{
    const size_t samples = (size_t)t->samples, inputs = (size_t)t->inputs,
                 extras = (size_t)t->envs * (size_t)t->extras;
    t->env = calloc((size_t)t->envs, sizeof *t->env);
    t->run = calloc((size_t)t->envs, sizeof *t->run);
    t->extras_used = calloc((size_t)t->envs, sizeof *t->extras_used);
    t->env_tally = calloc((size_t)t->envs, sizeof *t->env_tally);
    t->scratch = calloc((size_t)t->threads, sizeof *t->scratch);
    t->group = calloc((size_t)t->envs, sizeof *t->group);
    t->sums = malloc((size_t)ami_shards_own(&t->shards) * SUMS * sizeof *t->sums);
    t->total = malloc(SUMS * sizeof *t->total);
    t->obs = malloc(samples * inputs * sizeof(float));
    t->x = malloc(samples * inputs * sizeof(float));
    t->action = malloc(samples * AMI_ACTION * sizeof(float));
    t->mean = malloc(samples * AMI_ACTION * sizeof(float));
    t->reward = malloc(samples * sizeof(float));
    t->after = malloc(samples * sizeof(int));
    t->last = malloc(samples);
    t->bin = malloc(samples);
    t->extra = calloc(extras * inputs, sizeof(float));
    t->value = malloc(samples * sizeof(float));
    t->extra_value = malloc(extras * sizeof(float));
    t->next = malloc(samples * sizeof(float));
    t->advantage = malloc(samples * sizeof(float));
    t->target = malloc(samples * sizeof(float));
    if (t->mirror) {
        t->plain_x = malloc(samples * inputs * sizeof(float));
        t->plain_action = malloc(samples * AMI_ACTION * sizeof(float));
        if (!t->plain_x || !t->plain_action)
            return ami_fail(err, "out of memory for %d samples an iteration", t->samples);
    }
    if (t->sums && t->total && t->env && t->run && t->extras_used && t->env_tally && t->scratch && t->group &&
        t->obs && t->x && t->action && t->mean && t->reward && t->after && t->last && t->bin && t->extra &&
        t->value && t->extra_value && t->next && t->advantage && t->target)
        return true;
    return ami_fail(err, "out of memory for %d samples an iteration", t->samples);
}

bool ami_train_check_actions(const ami_settings *settings, const ami_policy *policy, ami_error *err)
{
    static const char *const mode[] = {
        [AMI_ACTION_RESIDUAL] = "residual", [AMI_ACTION_ABSOLUTE] = "absolute"};
    const ami_action_mode expected = settings->absolute != 0 ? AMI_ACTION_ABSOLUTE : AMI_ACTION_RESIDUAL;
    return policy->action_mode == expected ||
           ami_fail(err, "its actions are %s, expected %s ones (setting absolute)", mode[policy->action_mode],
                    mode[expected]);
}

static bool check_teacher(const ami_train *t, const ami_policy *teacher, ami_error *err)
{
    const ami_settings *s = &t->settings;
    if (teacher->goal && s->goal == 0)
        return ami_fail(err,
                        "its observations include the goal, those of this training do not (setting goal)");
    if (!ami_train_check_actions(s, teacher, err))
        return false;
    if (fabs(teacher->physics_hz / teacher->substeps - s->physics_hz / s->substeps) > 1e-6 ||
        fabs(teacher->look_ahead - s->look_ahead) > 1e-6)
        return ami_fail(err,
                        "it controls at %g Hz and looks %g s ahead, expected %g Hz and %g s (settings "
                        "physics_hz, substeps, look_ahead)",
                        teacher->physics_hz / teacher->substeps, teacher->look_ahead,
                        s->physics_hz / s->substeps, s->look_ahead);
    return true;
}

static bool make_teacher_buffers(ami_train *t, ami_error *err)
{
    const ami_teachers *teachers = t->styles.teachers;
    if (!teachers || teachers->count == 0)
        return true;
    size_t size = 0;
    for (int i = 0; i < teachers->count; i++) {
        const ami_policy *teacher = &teachers->teacher[i].policy;
        if (!check_teacher(t, teacher, err))
            return ami_fail_in(err, "teacher %d", i + 1);
        const size_t needs = ami_model_workspace_size(teacher->actor, 1);
        size = needs > size ? needs : size;
    }
    bool ok = (t->teacher_action = malloc((size_t)t->samples * AMI_ACTION * sizeof(float))) != NULL;
    ok = ok && (t->has_teacher = calloc((size_t)t->samples, 1)) != NULL;
    for (int i = 0; i < t->threads; i++)
        ok = ok && (t->scratch[i].teacher_workspace = malloc(size)) != NULL;
    return ok || ami_fail(err, "out of memory for the teachers' actions");
}

static bool make_networks(ami_train *t, ami_error *err)
{
    const ami_settings *s = &t->settings;
    t->bf16 = s->bf16 < 0 ? ami_train_bf16_native() : s->bf16 > 0;
    t->shards.rounded = s->gradients_bf16 > 0;
    const ami_ppo_def def = {
        .obs = t->inputs,
        .actions = AMI_ACTION,
        .hidden1 = (int)s->hidden1,
        .hidden2 = (int)s->hidden2,
        .samples = t->samples,
        .shards = &t->shards,
        .minibatches = (int)s->minibatches,
        .epochs = (int)s->epochs,
        .clip = (float)s->ratio_clip,
        .advantage_clip = (float)s->advantage_clip,
        .gradient_norm = (float)s->gradient_norm,
        .critic_rate = (float)s->critic_rate,
        .precision = t->bf16 ? AMI_TRAIN_BF16 : AMI_TRAIN_FP32,
    };
    ami_rng init = ami_rng_seed((uint64_t)s->seed, UINT64_MAX);
    t->ppo = ami_ppo_create(&def, &init, (float)s->last_layer, err);
    const int dim[] = {t->inputs, def.hidden1, def.hidden2, AMI_ACTION};
    t->actor_net = t->ppo ? ami_net_create(3, dim, err) : NULL;
    if (!t->actor_net)
        return false;
    if (t->mirror) {
        if (!ami_copier_init(&t->copier, t->inputs, def.hidden1, def.hidden2, AMI_ACTION, t->samples,
                             &t->shards, def.precision, err))
            return false;
        ami_train_start_copy(t);
    }
    if (s->average > 0) {
        t->actor_average = calloc(ami_train_net_size(ami_ppo_actor(t->ppo)), sizeof(float));
        t->critic_average = calloc(ami_train_net_size(ami_ppo_critic(t->ppo)), sizeof(float));
        if (!t->actor_average || !t->critic_average)
            return ami_fail(err, "out of memory for the means of the networks");
    }
    ami_net_set_parameters(t->actor_net, ami_train_net_parameters(ami_ppo_actor(t->ppo)));
    t->actor = ami_model_create(t->actor_net, &(ami_model_def){.precision = AMI_PRECISION_FP32}, err);
    return t->actor != NULL;
}

static bool make_generators(ami_train *t, ami_error *err)
{
    const ami_settings *s = &t->settings;
    if (!t->styles.nets)
        return true;
    t->plan = (ami_style_plan){
        .styles = t->styles.styles,
        .change_s = {.5 * s->style_change, 1.5 * s->style_change},
        .blends = s->style_blends,
        .pace = s->style_pace,
    };
    t->generator = calloc((size_t)t->envs, sizeof(ami_generator *));
    if (!t->generator)
        return ami_fail(err, "out of memory for %d environments", t->envs);
    for (int i = 0; i < t->threads; i++)
        if (!(t->scratch[i].cycle = ami_cycle_workspace_create(t->styles.nets, err)))
            return false;
    for (int e = 0; e < t->envs; e++) {
        ami_generator_def def = ami_generator_default_def(t->styles.nets, &t->plan);
        def.seed = (uint64_t)s->seed;
        def.stream = (uint64_t)(t->first_env + e);
        if (!(t->generator[e] = ami_generator_create(&def, t->scratch[0].cycle, err)))
            return false;
    }
    return true;
}

ami_env_def ami_train_env_def(const ami_train *train, int e)
{
    const ami_settings *s = &train->settings;
    ami_env_def def = ami_env_default_def(train->character, train->clip);
    def.seed = (uint64_t)s->seed;
    def.stream = (uint64_t)(train->first_env + e);
    def.substeps = (int)s->substeps;
    def.look_ahead = s->look_ahead;
    def.action_mode = s->absolute != 0 ? AMI_ACTION_ABSOLUTE : AMI_ACTION_RESIDUAL;
    def.episode_s = s->episode_s;
    def.max_root_m = s->max_root_m;
    def.max_height_m = s->max_height_m;
    def.max_tilt = s->max_tilt;
    def.max_body_m = s->max_body_m;
    def.hold_s[0] = s->hold_min_s;
    def.hold_s[1] = s->hold_max_s;
    def.push_period = s->push_period;
    def.push_random = true;
    def.goal = s->goal != 0;
    def.start_heading = NAN;
    def.vary = (ami_variation_def){
        .friction = {s->friction_min, s->friction_max},
        .mass = {s->mass_range > 0 ? 1 - s->mass_range : 0, s->mass_range > 0 ? 1 + s->mass_range : 0},
        .delay = {(int)s->delay_min, (int)s->delay_max},
        .observation_noise = s->observation_noise};
    return def;
}

static bool make_environments(ami_train *t, unsigned may_touch, ami_error *err)
{
    for (int i = 0; i < t->threads; i++) {
        t->scratch[i].workspace = malloc(ami_model_workspace_size(t->actor, AMI_TRAIN_GROUP));
        if (!t->scratch[i].workspace)
            return ami_fail(err, "out of memory");
    }
    for (int e = 0; e < t->envs; e++) {
        ami_env_def def = ami_train_env_def(t, e);
        def.may_touch |= may_touch;
        if (t->generator)
            ami_generator_use(t->generator[e], &def);
        if (!ami_env_init(&t->env[e], &def, err))
            return false;
        t->run[e].rng =
            ami_rng_seed((uint64_t)t->settings.seed, (UINT64_C(1) << 32) + (uint64_t)(t->first_env + e));
    }
    return true;
}

/* Collective. Adds the observations of the first `steps` steps of obs (envs, steps, inputs) of all ranks. */
static void add_to_normalizer(ami_train *t, int steps)
{
    const int own = ami_shards_own(&t->shards), columns = t->inputs;
#pragma omp parallel for schedule(dynamic, 16)
    for (int i = 0; i < own * columns; i++) {
        int first;
        const int n = ami_train_shard(t, i / columns, &first);
        ami_normalizer_sum(&t->normalizer, t->obs + (size_t)(first * steps) * (size_t)columns, n * steps,
                           i % columns, t->sums + 2 * (size_t)i);
    }
    if (ami_train_sum(t, 2 * columns))
        ami_normalizer_add_sums(&t->normalizer, t->total, (int64_t)t->all_envs * steps);
}

/* Collective. Initialises the normaliser with observations at the starts of episodes. Otherwise the networks would adapt
 * to a scale that changes much in the first iterations. */
static void prime_normalizer(ami_train *t)
{
    for (int round = 0; round < 16; round++) {
        for (int e = 0; e < t->envs; e++) {
            ami_train_start_episode(t, e, t->scratch[0].cycle, false);
            ami_env_observe(&t->env[e], t->obs + (size_t)e * (size_t)t->inputs);
        }
        add_to_normalizer(t, 1);
    }
    ami_train_refresh_normalizer(t);
}

/* Default of episode_s: two cycles of a loop, or the whole clip and its hold, but 10 to 20 s. */
static double episode_for(const ami_settings *s, const ami_clip *clip)
{
    if (!clip)
        return 10;
    const double duration = ami_clip_duration(clip);
    return fmin(fmax(ami_clip_loops(clip) ? 2 * duration : duration + s->hold_max_s, 10), 20);
}

ami_train *ami_train_create_ranks(const ami_settings *settings, const ami_character *character,
                                  const ami_clip *clip, const ami_train_styles *styles, unsigned may_touch,
                                  ami_exchange *exchange, ami_error *err)
{
    bool ok;
    if (!ami_settings_check(settings, err))
        return NULL;
    if (settings->mirror > 0 && !(clip && ami_clip_loops(clip))) {
        ami_fail(err,
                 "setting mirror: 1 found, expected 0 or -1, because the motion is not a clip that loops");
        return NULL;
    }
    ami_train *t = calloc(1, sizeof *t);
    if (!t) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    t->settings = *settings;
    if (t->settings.goal < 0)
        t->settings.goal = styles != NULL;
    if (t->settings.gamma_end < 0)
        t->settings.gamma_end = t->settings.gamma;
    if (t->settings.episode_s <= 0)
        t->settings.episode_s = episode_for(&t->settings, clip);
    t->gamma = t->settings.gamma;
    t->inputs = t->settings.goal != 0 ? AMI_OBS_MAX : AMI_OBS;
    t->normalizer.columns = t->inputs;
    t->character = character;
    t->clip = clip;
    if (styles) {
        t->styles = *styles;
        snprintf(t->motion, sizeof t->motion, "style:%s", styles->name ? styles->name : "random");
    } else {
        snprintf(t->motion, sizeof t->motion, "%s", ami_clip_name(clip));
    }
    t->mirror = settings->mirror > 0;
    if (clip) {
        t->bins = (int)fmin(fmax(ceil(ami_clip_duration(clip) / .2), 1), AMI_TRAIN_BINS);
        t->mirror = settings->mirror > 0 || (settings->mirror < 0 && ami_mirror_is_symmetric(clip));
    }
    t->settings.mirror = t->mirror;
    ami_train_refresh_starts(t);
    t->all_envs = (int)settings->envs;
    if (!ami_shards_init(&t->shards, t->all_envs, (int)settings->shard, exchange, err)) {
        ami_fail_in(err, "%d environments (settings envs, shard)", t->all_envs);
        ami_train_destroy(t);
        return NULL;
    }
    t->first_env = ami_shards_own_item(&t->shards);
    t->envs = ami_shards_own_items(&t->shards);
    t->steps = (int)settings->steps;
    t->all_samples = (int64_t)t->all_envs * t->steps;
    t->samples = t->envs * t->steps;
    t->threads = omp_get_max_threads();
    const double episode_steps =
        ceil(t->settings.episode_s * settings->physics_hz / settings->substeps - 1e-9);
    const double held_steps = floor(settings->hold_min_s * settings->physics_hz / settings->substeps);
    const double fewest = clip && !ami_clip_loops(clip) ? fmin(held_steps, episode_steps) : episode_steps;
    t->extras = (int)(t->steps / fmax(fewest, 1)) + 2;
    ami_action_scale(settings->absolute != 0 ? AMI_ACTION_ABSOLUTE : AMI_ACTION_RESIDUAL, t->action_mean,
                     t->action_std);
    t->progress.actor_rate = settings->actor_rate;
    t->progress.shuffle = ami_rng_seed((uint64_t)settings->seed, UINT64_MAX - 1);
    ok = allocate(t, err) && make_networks(t, err) && make_generators(t, err) &&
         make_teacher_buffers(t, err) && make_environments(t, may_touch, err);
    if (!ami_exchange_agree(exchange, ok, err)) {
        ami_train_destroy(t);
        return NULL;
    }
    prime_normalizer(t);
    return t;
}

ami_train *ami_train_create(const ami_settings *settings, const ami_character *character,
                            const ami_clip *clip, unsigned may_touch, ami_error *err)
{
    return ami_train_create_ranks(settings, character, clip, NULL, may_touch, ami_exchange_none(), err);
}

ami_train *ami_train_create_styles(const ami_settings *settings, const ami_character *character,
                                   const ami_train_styles *styles, unsigned may_touch, ami_error *err)
{
    return ami_train_create_ranks(settings, character, NULL, styles, may_touch, ami_exchange_none(), err);
}

void ami_train_destroy(ami_train *train)
{
    if (!train)
        return;
    for (int e = 0; train->env && e < train->envs; e++)
        ami_env_free(&train->env[e]);
    for (int i = 0; train->scratch && i < train->threads; i++) {
        free(train->scratch[i].workspace);
        free(train->scratch[i].teacher_workspace);
        ami_cycle_workspace_destroy(train->scratch[i].cycle);
    }
    for (int e = 0; train->generator && e < train->envs; e++)
        ami_generator_destroy(train->generator[e]);
    free(train->generator);
    ami_ppo_destroy(train->ppo);
    ami_net_destroy(train->actor_net);
    ami_model_destroy(train->actor);
    free(train->env);
    free(train->run);
    free(train->extras_used);
    free(train->env_tally);
    free(train->scratch);
    free(train->group);
    free(train->obs);
    free(train->x);
    free(train->action);
    free(train->mean);
    free(train->reward);
    free(train->after);
    free(train->bin);
    free(train->plain_x);
    free(train->plain_action);
    ami_copier_free(&train->copier);
    free(train->actor_average);
    free(train->critic_average);
    free(train->last);
    free(train->extra);
    free(train->value);
    free(train->extra_value);
    free(train->next);
    free(train->advantage);
    free(train->target);
    free(train->teacher_action);
    free(train->has_teacher);
    free(train->sums);
    free(train->total);
    ami_shards_free(&train->shards);
    free(train);
}

/* Computes values of all states, then advantages and targets. Returns the fraction of the targets' variance
 * that is explained by the values. */
static double estimate_advantages(ami_train *t)
{
    ami_ppo_values(t->ppo, t->x, t->samples, t->value);
    ami_ppo_values(t->ppo, t->extra, t->envs * t->extras, t->extra_value);
    for (int i = 0; i < t->samples; i++)
        t->next[i] = t->after[i] == AMI_TRAIN_FAILED     ? 0
                     : t->after[i] == AMI_TRAIN_NO_EXTRA ? t->value[i + 1]
                                                         : t->extra_value[t->after[i]];
    for (int e = 0; e < t->envs; e++) {
        const int i = e * t->steps;
        ami_gae(t->steps, t->reward + i, t->value + i, t->next + i, t->last + i, (float)t->gamma,
                (float)t->settings.lambda, t->advantage + i, t->target + i);
    }
    const double n = (double)t->all_samples;
    double mean[2] = {0};
    for (int squared = 0; squared < 2; squared++) {
        for (int s = 0; s < ami_shards_own(&t->shards); s++) {
            double *sum = t->sums + 2 * (size_t)s;
            int first;
            const int envs = ami_train_shard(t, s, &first);
            sum[0] = sum[1] = 0;
            for (int i = first * t->steps; i < (first + envs) * t->steps; i++) {
                const double target = t->target[i] - mean[0], error = t->advantage[i] - mean[1];
                sum[0] += squared ? target * target : target;
                sum[1] += squared ? error * error : error;
            }
        }
        ami_train_sum(t, 2);
        for (int k = 0; k < 2 && !squared; k++)
            mean[k] = t->total[k] / n;
    }
    return 1 - t->total[1] / fmax(t->total[0], 1e-12);
}

static void tally_add(tally *to, const tally *from)
{
    for (size_t k = 0; k < sizeof(tally) / sizeof(double); k++)
        ((double *)to)[k] += ((const double *)from)[k];
}

/* Collective. The sum of all environments' tallies; returns what their generators have counted (GENERATED). */
static const double *sum_environments(ami_train *t, tally *all)
{
    for (int s = 0; s < ami_shards_own(&t->shards); s++) {
        int first;
        const int n = ami_train_shard(t, s, &first);
        tally sum = {0};
        double *to = t->sums + (size_t)s * (TALLY + GENERATED), *generated = to + TALLY;
        memset(generated, 0, GENERATED * sizeof *generated);
        for (int e = first; e < first + n; e++) {
            tally_add(&sum, &t->env_tally[e]);
            if (!t->generator)
                continue;
            const ami_generator_counts *counts = ami_generator_get_counts(t->generator[e]);
            generated[0] += (double)counts->made;
            for (int k = 0; k < AMI_REFUSALS; k++)
                generated[1 + k] += (double)counts->refused[k];
        }
        memcpy(to, &sum, sizeof sum);
    }
    ami_train_sum(t, TALLY + GENERATED);
    memcpy(all, t->total, sizeof *all);
    return t->total + TALLY;
}

/* Collective. */
static void fill_stats(ami_train *t, ami_train_stats *s)
{
    tally all = {0}, window = {0};
    const double *generated = sum_environments(t, &all);
    t->progress.window[t->progress.iterations % AMI_TRAIN_WINDOW] = all;
    t->progress.unstable += all.unstable;
    for (int k = 0; k < AMI_TRAIN_WINDOW; k++)
        tally_add(&window, &t->progress.window[k]);

    const double n = (double)t->all_samples, episodes = fmax(window.episodes, 1);
    s->reward = all.reward / n;
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        s->part[k] = all.part[k] / n;
    s->root_m = all.root_m / n;
    s->joint_rad = all.joint_rad / n;
    s->end_effector_m = all.end_effector_m / n;
    s->episodes = (int64_t)window.episodes;
    s->episode_s = window.episode_s / episodes;
    s->normalised_return = window.normalised_return / episodes;
    s->survived = window.survived / episodes;
    s->fell = window.fell / episodes;
    s->lost = window.lost / episodes;
    s->fell_on = -1;
    for (int b = 0; b < AMI_BODIES; b++)
        if (window.fell_on[b] > (s->fell_on < 0 ? 0 : window.fell_on[s->fell_on]))
            s->fell_on = b;
    s->limited = all.limited / n;
    s->unstable = (int64_t)t->progress.unstable;
    for (int e = 0; e < t->envs && !s->failure; e++)
        s->failure = t->env[e].world.failure[0] ? t->env[e].world.failure : NULL;
    s->motions = (int64_t)generated[0];
    for (int k = 0; k < AMI_REFUSALS; k++)
        s->refused += (int64_t)generated[1 + k];
}

/* Adapts the actor's learning rate to the KL divergence of its last update. */
static void adapt_rate(ami_train *t, double kl)
{
    const double target =
        t->settings.kl * pow(t->settings.kl_end / t->settings.kl, ami_train_fraction_done(t));
    /* reduced if kl is NaN */
    const double rate = t->progress.actor_rate * (kl <= target ? 1.1 : 1 / 1.1);
    t->progress.actor_rate = fmin(fmax(rate, 1e-7), 1e-2);
}

/* The horizon 1 / (1 - gamma) grows geometrically. */
double ami_train_gamma(const ami_train *train)
{
    const double start = 1 - train->settings.gamma, end = 1 - train->settings.gamma_end;
    return 1 - start * pow(end / start, ami_train_fraction_done(train));
}

void ami_train_iterate(ami_train *train, ami_train_stats *stats)
{
    memset(stats, 0, sizeof *stats);
    train->gamma = ami_train_gamma(train);
    stats->noise = ami_train_noise(train);
    stats->push_speed = ami_train_push(train);
    stats->actor_rate = train->progress.actor_rate;
    const double started = ami_clock_now();
    pack_actor(train);
    ami_train_collect(train);
    const double collected = ami_clock_now();

    stats->explained = estimate_advantages(train);
    const ami_ppo_batch batch = {.x = train->x,
                                 .action = train->action,
                                 .mean = train->mean,
                                 .advantage = train->advantage,
                                 .target = train->target,
                                 .noise = (float)ami_train_fresh_noise(train),
                                 .teacher_action = train->teacher_action,
                                 .has_teacher = train->has_teacher,
                                 .teach = (float)ami_train_teach(train)};
    /* Also if memory was short here: the other ranks are told so by it. */
    ami_ppo_update(train->ppo, &batch, (float)train->progress.actor_rate, &train->progress.shuffle,
                   &stats->ppo);
    if (ami_ppo_failed(train->ppo, NULL))
        return;
    if (train->mirror)
        stats->copy_error = ami_train_copy(train);
    if (ami_train_failed(train, NULL))
        return;
    ami_train_count_failures(train);
    fill_stats(train, stats);
    if (train->normalizer.count < (int64_t)train->settings.normalizer_samples) {
        add_to_normalizer(train, train->steps);
        ami_train_refresh_normalizer(train);
    }
    if (ami_train_failed(train, NULL))
        return;
    train->progress.samples += train->all_samples;
    train->progress.iterations++;
    ami_train_average(train);
    adapt_rate(train, stats->ppo.kl);

    stats->iteration = train->progress.iterations;
    stats->samples = train->progress.samples;
    stats->collect_s = collected - started;
    stats->learn_s = ami_clock_now() - collected;
}

bool ami_train_failed(const ami_train *train, ami_error *err)
{
    return ami_ppo_failed(train->ppo, err) || (train->mirror && ami_copier_failed(&train->copier, err));
}

const char *ami_train_motion(const ami_train *train)
{
    return train->motion;
}

void ami_train_set_samples(ami_train *train, double samples)
{
    train->settings.samples = samples;
}

const ami_settings *ami_train_settings(const ami_train *train)
{
    return &train->settings;
}

int64_t ami_train_samples(const ami_train *train)
{
    return train->progress.samples;
}

int64_t ami_train_iterations(const ami_train *train)
{
    return train->progress.iterations;
}

bool ami_train_uses_bf16(const ami_train *train)
{
    return train->bf16;
}
