/* Creates trainings. */
#include "learn/train_state.h"

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

static bool allocate(ami_train *t, ami_error *err)
{
    const size_t samples = (size_t)t->samples, inputs = (size_t)t->inputs,
                 extras = (size_t)t->envs * (size_t)t->extras;
    t->env = calloc((size_t)t->envs, sizeof *t->env);
    t->run = calloc((size_t)t->envs, sizeof *t->run);
    t->env_clip = calloc((size_t)t->envs, sizeof *t->env_clip);
    t->extras_used = calloc((size_t)t->envs, sizeof *t->extras_used);
    t->env_tally = calloc((size_t)t->envs, sizeof *t->env_tally);
    t->scratch = calloc((size_t)t->threads, sizeof *t->scratch);
    t->group = calloc((size_t)t->envs, sizeof *t->group);
    t->sums = malloc((size_t)ami_shards_own(&t->shards) * (size_t)t->sum_width * sizeof *t->sums);
    t->total = malloc((size_t)t->sum_width * sizeof *t->total);
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
        t->folded = malloc(samples);
        if (!t->plain_x || !t->plain_action || !t->folded)
            return ami_fail(err, "out of memory for %d samples an iteration", t->samples);
    }
    if (t->clips > 1 && !(t->facts = malloc(samples * sizeof *t->facts)))
        return ami_fail(err, "out of memory for %d samples an iteration", t->samples);
    if (t->sums && t->total && t->env && t->run && t->env_clip && t->extras_used && t->env_tally &&
        t->scratch && t->group && t->obs && t->x && t->action && t->mean && t->reward && t->after &&
        t->last && t->bin && t->extra && t->value && t->extra_value && t->next && t->advantage && t->target)
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
    const ami_teachers *teachers = t->teachers;
    if (!teachers || teachers->count == 0)
        return true;
    size_t size = 0;
    for (int i = 0; i < teachers->policies; i++) {
        const ami_policy *teacher = teachers->policy[i];
        if (!check_teacher(t, teacher, err))
            return ami_fail_in(err, "teacher %d", i + 1);
        const size_t needs = ami_policy_workspace_size(teacher, 1);
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
    ami_env_def def = ami_env_default_def(train->character, train->clips > 0 ? train->clip[0].clip : NULL);
    def.seed = (uint64_t)s->seed;
    def.stream = (uint64_t)(train->first_env + e);
    def.substeps = (int)s->substeps;
    def.look_ahead = s->look_ahead;
    def.action_mode = s->absolute != 0 ? AMI_ACTION_ABSOLUTE : AMI_ACTION_RESIDUAL;
    def.episode_s = train->clips > 0 ? train->clip[0].episode_s : s->episode_s;
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

unsigned ami_train_may_touch(const ami_train *train, int c)
{
    return train->clips > 1 ? train->clip[c].may_touch : train->env[0].def.may_touch;
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

/* Collective. Initialises the normaliser with observations at the starts of episodes. Otherwise the networks would adapt
 * to a scale that changes much in the first iterations. */
static void prime_normalizer(ami_train *t)
{
    for (int round = 0; round < 16; round++) {
        for (int e = 0; e < t->envs; e++) {
            ami_train_start_episode(t, e, t->scratch[0].cycle, false);
            ami_env_observe(&t->env[e], t->obs + (size_t)e * (size_t)t->inputs);
            if (t->env_clip[e].mirrored)
                ami_train_fold(t, e, t->obs + (size_t)e * (size_t)t->inputs);
        }
        ami_train_add_to_normalizer(t, 1);
    }
    ami_train_refresh_normalizer(t);
}

/* Default of episode_s: two cycles of a loop, or the whole clip and its hold, but 10 to 20 s. */
static double episode_for(const ami_settings *s, const ami_clip *clip)
{
    if (s->episode_s > 0)
        return s->episode_s;
    if (!clip)
        return 10;
    const double duration = ami_clip_duration(clip);
    return fmin(fmax(ami_clip_loops(clip) ? 2 * duration : duration + s->hold_max_s, 10), 20);
}

/* What is followed: clips, or styles. */
typedef struct source {
    const ami_train_clips *clips;   /* or NULL */
    const ami_train_styles *styles; /* or NULL */
    unsigned may_touch;             /* with styles */
} source;

static bool check_source(const ami_settings *s, const source *from, ami_error *err)
{
    const int clips = from->clips ? from->clips->count : 0;
    if (clips > AMI_TRAIN_CLIPS_MAX)
        return ami_fail(err, "%d clips, expected at most %d", clips, AMI_TRAIN_CLIPS_MAX);
    for (int c = 0; c < clips; c++)
        for (int k = 0; k < c; k++)
            if (!strcmp(ami_clip_name(from->clips->clip[c].clip), ami_clip_name(from->clips->clip[k].clip)))
                return ami_fail(err, "two clips are named \"%s\"", ami_clip_name(from->clips->clip[c].clip));
    if (clips > 1 && s->goal == 0)
        return ami_fail(err, "setting goal: 0 found, expected 1 or -1: without the goal the networks cannot "
                             "distinguish several clips");
    if (s->mirrored > 0 && (clips == 0 || s->goal == 0 || (s->goal < 0 && clips == 1)))
        return ami_fail(err, "setting mirrored: %g found, expected 0, because %s", s->mirrored,
                        clips
                            ? "without the goal the networks cannot distinguish a clip from its mirror image"
                            : "motions are invented");
    int loops = 0;
    for (int c = 0; c < clips; c++)
        loops += ami_clip_loops(from->clips->clip[c].clip) &&
                 (clips == 1 || ami_mirror_is_symmetric(from->clips->clip[c].clip));
    if (s->mirror > 0 && loops == 0)
        return ami_fail(err, "setting mirror: 1 found, expected 0 or -1, because %s",
                        clips > 1 ? "none of the clips is a symmetric loop"
                                  : "the motion is not a clip that loops");
    return true;
}

/* "walk, run, roll", cut where it becomes too long. */
static void name_clips(ami_train *t)
{
    size_t used = 0;
    for (int c = 0; c < t->clips && used < sizeof t->motion; c++)
        used += (size_t)snprintf(t->motion + used, sizeof t->motion - used, "%s%s", c ? ", " : "",
                                 ami_clip_name(t->clip[c].clip));
    if (used >= sizeof t->motion) {
        char *end = t->motion + sizeof t->motion - 5;
        while (end > t->motion && *end != ',')
            end--;
        strcpy(end, " ...");
    }
}

static bool make_clips(ami_train *t, const ami_train_clips *clips, ami_error *err)
{
    const ami_settings *s = &t->settings;
    const size_t n = (size_t)clips->count;
    t->clips = clips->count;
    t->teachers = clips->teachers;
    t->clip = calloc(n, sizeof *t->clip);
    t->parts = calloc(n, sizeof *t->parts);
    t->record = n > 1 ? calloc(n, sizeof *t->record) : NULL;
    t->clip_below = n > 1 ? calloc(n, sizeof *t->clip_below) : NULL;
    if (!t->clip || !t->parts || (n > 1 && !(t->record && t->clip_below)))
        return ami_fail(err, "out of memory for %d clips", t->clips);
    int bins = 0;
    for (int c = 0; c < t->clips; c++) {
        clip_state *k = &t->clip[c];
        const ami_clip *clip = k->clip = clips->clip[c].clip;
        k->may_touch = clips->clip[c].may_touch | 1u << AMI_RIGHT_ANKLE | 1u << AMI_LEFT_ANKLE;
        k->episode_s = episode_for(s, clip);
        k->bins = (int)fmin(fmax(ceil(ami_clip_duration(clip) / .2), 1), AMI_TRAIN_BINS);
        k->first_bin = bins;
        bins += k->bins;
        k->folded = n == 1 ? s->mirror > 0 || (s->mirror < 0 && ami_mirror_is_symmetric(clip))
                           : s->mirror > 0 && ami_mirror_is_symmetric(clip);
        t->mirror = t->mirror || k->folded;
    }
    name_clips(t);
    t->sum_width = 2 * bins > (TALLY + 1) * t->clips ? 2 * bins : (TALLY + 1) * t->clips;
    ami_train_refresh_starts(t);
    ami_train_refresh_clips(t);
    return true;
}

/* Steps of the shortest episode that does not end early. */
static double fewest_steps(const ami_train *t)
{
    const double rate = t->settings.physics_hz / t->settings.substeps,
                 held = floor(t->settings.hold_min_s * rate);
    double fewest = t->clips > 0 ? INFINITY : ceil(t->settings.episode_s * rate - 1e-9);
    for (int c = 0; c < t->clips; c++) {
        const double steps = ceil(t->clip[c].episode_s * rate - 1e-9);
        fewest = fmin(fewest, ami_clip_loops(t->clip[c].clip) ? steps : fmin(held, steps));
    }
    return fewest;
}

static bool set_up(ami_train *t, const source *from, ami_exchange *exchange, ami_error *err)
{
    ami_settings *s = &t->settings;
    if (s->goal < 0)
        s->goal = from->styles != NULL || from->clips->count > 1;
    if (s->gamma_end < 0)
        s->gamma_end = s->gamma;
    t->gamma = s->gamma;
    t->inputs = s->goal != 0 ? AMI_OBS_MAX : AMI_OBS;
    t->normalizer.columns = t->inputs;
    if (from->styles) {
        t->styles = *from->styles;
        t->teachers = from->styles->teachers;
        snprintf(t->motion, sizeof t->motion, "style:%s", t->styles.name ? t->styles.name : "random");
    } else if (!make_clips(t, from->clips, err)) {
        return false;
    }
    if (t->clips <= 1) /* of several, each has its own */
        s->episode_s = t->clips ? t->clip[0].episode_s : episode_for(s, NULL);
    s->mirror = t->mirror;
    t->sum_width = t->sum_width > 2 * AMI_OBS_MAX ? t->sum_width : 2 * AMI_OBS_MAX;
    t->all_envs = (int)s->envs;
    if (!ami_shards_init(&t->shards, t->all_envs, (int)s->shard, exchange, err))
        return ami_fail_in(err, "%d environments (settings envs, shard)", t->all_envs);
    t->first_env = ami_shards_own_item(&t->shards);
    t->envs = ami_shards_own_items(&t->shards);
    t->steps = (int)s->steps;
    t->all_samples = (int64_t)t->all_envs * t->steps;
    t->samples = t->envs * t->steps;
    t->threads = omp_get_max_threads();
    t->extras = (int)(t->steps / fmax(fewest_steps(t), 1)) + 2;
    ami_action_scale(s->absolute != 0 ? AMI_ACTION_ABSOLUTE : AMI_ACTION_RESIDUAL, t->action_mean,
                     t->action_std);
    t->progress.actor_rate = s->actor_rate;
    t->progress.shuffle = ami_rng_seed((uint64_t)s->seed, UINT64_MAX - 1);
    return true;
}

static ami_train *create(const ami_settings *settings, const ami_character *character, const source *from,
                         ami_exchange *exchange, ami_error *err)
{
    if (!ami_settings_check(settings, err) || !check_source(settings, from, err))
        return NULL;
    ami_train *t = calloc(1, sizeof *t);
    if (!t) {
        ami_fail(err, "out of memory");
        return NULL;
    }
    t->settings = *settings;
    t->character = character;
    if (!set_up(t, from, exchange, err)) {
        ami_train_destroy(t);
        return NULL;
    }
    const unsigned may_touch = t->clips > 0 ? t->clip[0].may_touch : from->may_touch;
    const bool ok = allocate(t, err) && make_networks(t, err) && make_generators(t, err) &&
                    make_teacher_buffers(t, err) && make_environments(t, may_touch, err);
    if (!ami_exchange_agree(exchange, ok, err)) {
        ami_train_destroy(t);
        return NULL;
    }
    prime_normalizer(t);
    return t;
}

ami_train *ami_train_create_clips(const ami_settings *settings, const ami_character *character,
                                  const ami_train_clips *clips, ami_exchange *exchange, ami_error *err)
{
    return create(settings, character, &(source){.clips = clips}, exchange, err);
}

ami_train *ami_train_create_ranks(const ami_settings *settings, const ami_character *character,
                                  const ami_clip *clip, const ami_train_styles *styles, unsigned may_touch,
                                  ami_exchange *exchange, ami_error *err)
{
    const ami_train_clip one = {clip, may_touch};
    const ami_train_clips clips = {.count = 1, .clip = &one};
    return create(settings, character, &(source){clip ? &clips : NULL, styles, may_touch}, exchange, err);
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
    free(train->env_clip);
    free(train->clip);
    free(train->parts);
    free(train->record);
    free(train->clip_below);
    free(train->facts);
    free(train->folded);
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
