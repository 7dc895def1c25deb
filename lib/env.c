/* amble/env.h: environments that share a scene, one or many, and the sums of their episodes. */
#include <amble/env.h>

#include "base/cores.h"
#include "base/file.h"
#include "lib/actor.h"
#include "lib/internal.h"
#include "lib/scene.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ENVS = 65536, TRACKING = 6, TASKS_PER_THREAD = 4, STATE_VERSION = 1 };
static const uint32_t state_magic = 0x45424d41; /* "AMBE" */

/* An environment's state besides physics and motion. Plain data, saved as bytes. */
typedef struct episode {
    double sum;       /* of rewards */
    int64_t length;   /* control steps */
    int32_t end;      /* amb_env_end */
    int32_t fresh;    /* begun by creation or seeding: the next reset keeps it */
    ami_reward last;  /* of the last step */
    double saturated; /* the same */
} episode;

struct amb_env {
    amb_envs *all;
    ami_env env;
    ami_generator *generator; /* NULL: a clip is followed */
    episode episode;
};

struct amb_envs {
    lib_owner owner;
    lib_scene *scene;
    bool alone; /* made by amb_env_create */
    int count;
    amb_env *env; /* (count) */
    /* Work is divided into tasks, each with `per_task` environments and its own workspace: */
    int tasks, per_task;
    ami_cycle_workspace **workspace; /* (tasks), where motions are invented */
    size_t state_bytes;
    double *state[2]; /* (state_bytes each): the one to restore, the one to return to on failure */
};

#define ENTER(all) LIB_REQUIRE(lib_enter(&(all)->owner) && "one thread at a time uses it")

const char *amb_env_end_name(amb_env_end end)
{
    static const char *const name[] = {"goes on", "fell", "lost", "unstable", "time-out"};
    const int i = (int)end;
    return i >= 0 && i < (int)(sizeof name / sizeof *name) ? name[i] : "unknown";
}

static amb_env_end public_end(ami_env_end end)
{
    switch (end) {
    case AMI_ENV_GOES_ON:
        return AMB_ENV_GOES_ON;
    case AMI_ENV_FELL:
        return AMB_ENV_FELL;
    case AMI_ENV_LOST:
        return AMB_ENV_LOST;
    case AMI_ENV_UNSTABLE:
        return AMB_ENV_UNSTABLE;
    case AMI_ENV_TIME_OUT:
        return AMB_ENV_TIME_OUT;
    }
    return AMB_ENV_UNSTABLE;
}

static bool is_terminated(int32_t end)
{
    return end == AMB_ENV_FELL || end == AMB_ENV_LOST || end == AMB_ENV_UNSTABLE;
}

static size_t observation_size(const amb_envs *all)
{
    return (size_t)ami_env_obs_size(&all->env[0].env);
}

/* ---- creation ---- */

static void destroy(amb_envs *all)
{
    for (int i = 0; all->env && i < all->count; i++) {
        ami_env_free(&all->env[i].env);
        ami_generator_destroy(all->env[i].generator);
    }
    for (int t = 0; all->workspace && t < all->tasks; t++)
        ami_cycle_workspace_destroy(all->workspace[t]);
    lib_scene_destroy(all->scene);
    free(all->workspace);
    free(all->env);
    free(all->state[0]);
    free(all->state[1]);
    free(all);
}

/* As in policy/rollout.c: creates a generator with its first motion, then the environment. */
static bool prepare(amb_envs *all, int i, ami_error *err)
{
    amb_env *e = &all->env[i];
    ami_env_def def = all->scene->env;
    e->all = all;
    def.stream += (uint64_t)i;
    if (all->scene->invented) {
        ami_generator_def own = all->scene->generator;
        own.stream = def.stream;
        e->generator = ami_generator_create(&own, all->workspace[0], err);
        if (!e->generator)
            return false;
        ami_generator_use(e->generator, &def);
    }
    if (!ami_env_init(&e->env, &def, err))
        return false;
    if (e->generator)
        ami_generator_step(e->generator, all->workspace[0], &e->env);
    e->episode.fresh = true;
    return true;
}

static size_t state_bytes(const amb_envs *all);

/* More tasks than threads, because some take longer than others; one task for one thread. */
static int most_tasks(const amb_parallel *parallel)
{
    if (!parallel->run && parallel->threads == 1)
        return 1;
    return TASKS_PER_THREAD * (!parallel->run && parallel->threads > 0 ? parallel->threads : ami_cores());
}

static amb_result fill(amb_envs *all, const amb_env_def *given)
{
    ami_error err = {""};
    const amb_result result = lib_scene_create(given, NULL, &all->scene);
    if (result != AMB_OK)
        return result;
    const int tasks = most_tasks(&all->scene->def.parallel);
    all->per_task = (all->count + tasks - 1) / tasks;
    all->tasks = (all->count + all->per_task - 1) / all->per_task;
    all->env = calloc((size_t)all->count, sizeof *all->env);
    all->workspace = calloc((size_t)all->tasks, sizeof *all->workspace);
    if (!all->env || !all->workspace)
        return lib_fail(AMB_ERROR_MEMORY, "out of memory for %d environments", all->count);
    for (int t = 0; all->scene->invented && t < all->tasks; t++)
        if (!(all->workspace[t] = ami_cycle_workspace_create(&all->scene->followed.motions.nets, &err)))
            return lib_fail_with(AMB_ERROR_MEMORY, &err);
    for (int i = 0; i < all->count; i++)
        if (!prepare(all, i, &err))
            return lib_fail_with(AMB_ERROR_ARGUMENT, &err);
    all->state_bytes = state_bytes(all);
    for (int k = 0; k < 2; k++)
        if (!(all->state[k] = malloc(all->state_bytes)))
            return lib_fail(AMB_ERROR_MEMORY, "out of memory for an environment's state");
    return AMB_OK;
}

static amb_result create(const amb_env_def *def, int count, bool alone, amb_envs **envs)
{
    amb_envs *all = calloc(1, sizeof *all);
    if (!all)
        return lib_fail(AMB_ERROR_MEMORY, "out of memory for %d environments", count);
    all->count = count;
    all->alone = alone;
    const amb_result result = fill(all, def);
    if (result == AMB_OK)
        *envs = all;
    else
        destroy(all);
    return result;
}

amb_result amb_envs_create(const amb_env_def *def, int count, amb_envs **envs)
{
    LIB_REQUIRE(envs);
    *envs = NULL;
    if (count < 1 || count > MAX_ENVS)
        return lib_fail(AMB_ERROR_ARGUMENT, "%d environments, expected 1 to %d", count, MAX_ENVS);
    return create(def, count, false, envs);
}

void amb_envs_destroy(amb_envs *envs)
{
    if (envs)
        destroy(envs);
}

int amb_envs_count(const amb_envs *envs)
{
    LIB_REQUIRE_OR(envs, 0);
    return envs->count;
}

amb_env *amb_envs_at(amb_envs *envs, int index)
{
    LIB_REQUIRE_OR(envs, NULL);
    return index >= 0 && index < envs->count ? &envs->env[index] : NULL;
}

amb_result amb_env_create(const amb_env_def *def, amb_env **env)
{
    LIB_REQUIRE(env);
    *env = NULL;
    amb_envs *all = NULL;
    const amb_result result = create(def, 1, true, &all);
    if (result == AMB_OK)
        *env = all->env;
    return result;
}

void amb_env_destroy(amb_env *env)
{
    if (!env)
        return;
    LIB_REQUIRE_OR(env->all->alone && "not one of amb_envs_at", );
    destroy(env->all);
}

/* ---- sizes, layouts, names ---- */

amb_result amb_env_get_info(const amb_env *env, amb_env_info *info)
{
    LIB_REQUIRE(env && info);
    const lib_scene *s = env->all->scene;
    const amb_env_info full = {.observation_size = ami_env_obs_size(&env->env),
                               .action_size = AMI_ACTION,
                               .pose_size = AMI_POSE,
                               .velocity_size = AMI_VEL,
                               .reward_parts = AMI_REWARD_PARTS,
                               .tracking_errors = TRACKING,
                               .max_episode_steps = env->env.steps_max,
                               .control_dt = env->env.control_dt,
                               .state_bytes = env->all->state_bytes,
                               .motion = s->followed.name,
                               .clip_s = s->invented ? (double)NAN : ami_clip_duration(s->followed.clip),
                               .clip_loops = s->invented || ami_clip_loops(s->followed.clip)};
    LIB_REQUIRE(lib_out_copy(info, &full, sizeof full) && "size is set");
    return AMB_OK;
}

/* sim/observe.h */
static const struct {
    const char *name;
    int count, rows;
} observed[] = {
    {"phase", 1, 1},
    {"root_height", 1, 1},
    {"bodies", 7 * AMI_BODIES, AMI_BODIES},
    {"velocities", 6 * AMI_BODIES, AMI_BODIES},
    {"goal_place", 3, 1},
    {"goal_velocity", 3, 1},
    {"goal_rotation", 4, 1},
    {"goal_spin", 3, 1},
    {"goal_joints", AMI_ACTION, 1},
};
_Static_assert(2 + 13 * AMI_BODIES == AMI_OBS && 13 + AMI_ACTION == AMI_GOAL, "the blocks cover all numbers");

amb_result amb_env_observation_block(const amb_env *env, int index, amb_env_block *block)
{
    LIB_REQUIRE(env && block);
    const int blocks = env->env.def.goal ? (int)(sizeof observed / sizeof *observed) : 4;
    if (index < 0 || index >= blocks)
        return lib_fail(AMB_ERROR_ARGUMENT, "block %d of an observation was asked for, expected 0 to %d",
                        index, blocks - 1);
    amb_env_block full = {
        .name = observed[index].name, .count = observed[index].count, .rows = observed[index].rows};
    for (int i = 0; i < index; i++)
        full.first += observed[i].count;
    LIB_REQUIRE(lib_out_copy(block, &full, sizeof full) && "size is set");
    return AMB_OK;
}

amb_result amb_env_action_block(const amb_env *env, int index, amb_env_block *block)
{
    LIB_REQUIRE(env && block);
    if (index < 0 || index >= AMI_CLIP_JOINTS)
        return lib_fail(AMB_ERROR_ARGUMENT, "block %d of an action was asked for, expected 0 to %d", index,
                        AMI_CLIP_JOINTS - 1);
    const ami_clip_joint *joint = &ami_clip_joints[index];
    const amb_env_block full = {
        .name = joint->name, .first = joint->pose - 7, .count = joint->ball ? 4 : 1, .rows = 1};
    LIB_REQUIRE(lib_out_copy(block, &full, sizeof full) && "size is set");
    return AMB_OK;
}

amb_result amb_env_action_scale(const amb_env *env, float *mean, float *std)
{
    LIB_REQUIRE(env && mean && std);
    ami_action_scale(env->env.def.action_mode, mean, std);
    return AMB_OK;
}

const char *amb_env_reward_name(const amb_env *env, int part)
{
    LIB_REQUIRE_OR(env, NULL);
    return part >= 0 && part < AMI_REWARD_PARTS ? ami_reward_name[part] : NULL;
}

double amb_env_reward_weight(const amb_env *env, int part)
{
    LIB_REQUIRE_OR(env, 0);
    return part >= 0 && part < AMI_REWARD_PARTS ? ami_reward_weight[part] : 0;
}

static const char *const tracking_name[TRACKING] = {"root_m",   "joint_rad", "end_effector_m",
                                                    "height_m", "tilt",      "body_m"};

static void tracking_of(const ami_reward *r, double out[TRACKING])
{
    const double value[TRACKING] = {r->root_m,   r->joint_rad, r->end_effector_m,
                                    r->height_m, r->tilt,      r->body_m};
    memcpy(out, value, sizeof value);
}

const char *amb_env_tracking_name(const amb_env *env, int error)
{
    LIB_REQUIRE_OR(env, NULL);
    return error >= 0 && error < TRACKING ? tracking_name[error] : NULL;
}

/* ---- episodes ---- */

static void begin(amb_env *e, ami_cycle_workspace *workspace)
{
    if (e->generator)
        ami_generator_start(e->generator, workspace, &e->env);
    ami_env_reset(&e->env);
    if (e->generator)
        ami_generator_step(e->generator, workspace, &e->env);
    e->episode = (episode){0};
}

static void reset(amb_env *e, ami_cycle_workspace *workspace)
{
    if (e->episode.fresh)
        e->episode.fresh = false;
    else
        begin(e, workspace);
}

static bool seed_environment(amb_env *e, ami_cycle_workspace *workspace, uint64_t numbers, uint64_t stream,
                             ami_error *err)
{
    if (e->generator && !ami_generator_start_seeded(e->generator, workspace, &e->env, numbers, stream, err))
        return false;
    e->env.def.seed = numbers;
    e->env.def.stream = stream;
    e->env.rng = ami_rng_seed(numbers, stream);
    ami_env_reset(&e->env);
    if (e->generator)
        ami_generator_step(e->generator, workspace, &e->env);
    e->episode = (episode){.fresh = true};
    return true;
}

/* One step of an environment whose episode goes on. As in rollouts, the generator runs before the observation
 * for the next action; a step that ends the episode is observed without it. */
static void step(amb_env *e, ami_cycle_workspace *workspace, const float *action)
{
    episode *s = &e->episode;
    const ami_env_end end = ami_env_step(&e->env, action, &s->last);
    s->fresh = false;
    s->sum += s->last.total;
    s->length++;
    s->end = public_end(end);
    s->saturated = (double)e->env.world.limited / (AMI_CLIP_JOINTS * e->env.def.substeps);
    if (end == AMI_ENV_GOES_ON && e->generator)
        ami_generator_step(e->generator, workspace, &e->env);
    if (end == AMI_ENV_UNSTABLE && e->env.world.failure[0])
        lib_log(AMB_LOG_WARNING, "an episode ended: %s", e->env.world.failure);
}

static const float *find_bad(const float *action, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (!isfinite(action[i]))
            return action + i;
    return NULL;
}

/* ---- one environment ---- */

static void observe(const amb_env *env, float *observation)
{
    if (observation)
        ami_env_observe(&env->env, observation);
}

/* The workspace of the task that the environment belongs to. */
static ami_cycle_workspace *room_of(const amb_env *env)
{
    return env->all->workspace[(env - env->all->env) / env->all->per_task];
}

amb_result amb_env_reset(amb_env *env, float *observation)
{
    LIB_REQUIRE(env);
    ENTER(env->all);
    reset(env, room_of(env));
    observe(env, observation);
    lib_leave(&env->all->owner);
    return AMB_OK;
}

amb_result amb_env_reset_at(amb_env *env, double phase, float *observation)
{
    LIB_REQUIRE(env);
    if (!(phase >= 0 && phase < 1))
        return lib_fail(AMB_ERROR_ARGUMENT, "a start at phase %g, expected 0 up to, but not 1", phase);
    ENTER(env->all);
    const double usual = env->env.def.start_phase;
    env->env.def.start_phase = phase;
    begin(env, room_of(env));
    env->env.def.start_phase = usual;
    observe(env, observation);
    lib_leave(&env->all->owner);
    return AMB_OK;
}

amb_result amb_env_seed(amb_env *env, uint64_t seed, uint64_t stream, float *observation)
{
    LIB_REQUIRE(env);
    ENTER(env->all);
    ami_error err = {""};
    const bool ok = seed_environment(env, room_of(env), seed, stream, &err);
    if (ok)
        observe(env, observation);
    lib_leave(&env->all->owner);
    return ok ? AMB_OK : lib_fail_with(AMB_ERROR_ARGUMENT, &err);
}

static amb_result write_info(const amb_env *env, amb_env_step_info *info)
{
    const episode *s = &env->episode;
    const amb_env_step_info full = {.reward = s->last.total,
                                    .end = (amb_env_end)s->end,
                                    .terminated = is_terminated(s->end),
                                    .truncated = s->end == AMB_ENV_TIME_OUT,
                                    .root_m = s->last.root_m,
                                    .joint_rad = s->last.joint_rad,
                                    .end_effector_m = s->last.end_effector_m,
                                    .height_m = s->last.height_m,
                                    .tilt = s->last.tilt,
                                    .body_m = s->last.body_m,
                                    .episode_return = s->sum,
                                    .episode_length = s->length,
                                    .saturated = s->saturated};
    LIB_REQUIRE(lib_out_copy(info, &full, sizeof full) && "size is set");
    return AMB_OK;
}

static amb_result step_alone(amb_env *env, const float *action, float *observation, amb_env_step_info *info)
{
    const float *bad = find_bad(action, AMI_ACTION);
    if (bad)
        return lib_fail(AMB_ERROR_ARGUMENT, "number %d of the action is %g, expected a finite one",
                        (int)(bad - action), (double)*bad);
    if (env->episode.end != AMB_ENV_GOES_ON)
        return lib_fail(AMB_ERROR_ARGUMENT, "the episode is over (%s), expected amb_env_reset",
                        amb_env_end_name((amb_env_end)env->episode.end));
    step(env, room_of(env), action);
    observe(env, observation);
    return info ? write_info(env, info) : AMB_OK;
}

amb_result amb_env_step(amb_env *env, const float *action, float *observation, amb_env_step_info *info)
{
    LIB_REQUIRE(env && action);
    ENTER(env->all);
    const amb_result result = step_alone(env, action, observation, info);
    lib_leave(&env->all->owner);
    return result;
}

amb_result amb_env_observe(amb_env *env, float *observation)
{
    LIB_REQUIRE(env && observation);
    ENTER(env->all);
    observe(env, observation);
    lib_leave(&env->all->owner);
    return AMB_OK;
}

amb_result amb_env_last_step(amb_env *env, amb_env_step_info *info)
{
    LIB_REQUIRE(env && info);
    ENTER(env->all);
    const amb_result result = write_info(env, info);
    lib_leave(&env->all->owner);
    return result;
}

amb_result amb_env_reward_parts(amb_env *env, double *parts)
{
    LIB_REQUIRE(env && parts);
    ENTER(env->all);
    memcpy(parts, env->episode.last.part, sizeof env->episode.last.part);
    lib_leave(&env->all->owner);
    return AMB_OK;
}

const char *amb_env_failure(const amb_env *env)
{
    LIB_REQUIRE_OR(env, "");
    return env->env.world.failure;
}

static void copy_pose(const ami_state *state, double *pose, double *velocity)
{
    if (pose)
        memcpy(pose, state->pose, sizeof state->pose);
    if (velocity)
        memcpy(velocity, state->vel, sizeof state->vel);
}

amb_result amb_env_body(amb_env *env, double *pose, double *velocity)
{
    LIB_REQUIRE(env);
    ENTER(env->all);
    copy_pose(&env->env.state, pose, velocity);
    lib_leave(&env->all->owner);
    return AMB_OK;
}

amb_result amb_env_reference(amb_env *env, double *pose, double *velocity)
{
    LIB_REQUIRE(env);
    ENTER(env->all);
    copy_pose(&env->env.reference_state, pose, velocity);
    lib_leave(&env->all->owner);
    return AMB_OK;
}

static bool normalise(double q[4])
{
    const double length = sqrt(q[0] * q[0] + q[1] * q[1] + q[2] * q[2] + q[3] * q[3]);
    if (!(length >= .5 && length <= 1.5))
        return false;
    for (int k = 0; k < 4; k++)
        q[k] /= length;
    return true;
}

amb_result amb_env_set_body(amb_env *env, const double *pose, const double *velocity)
{
    LIB_REQUIRE(env && pose && velocity);
    const double limit = 10000; /* more ends an episode: sim/world.h */
    double own[AMI_POSE];
    memcpy(own, pose, sizeof own);
    for (int i = 0; i < AMI_POSE; i++)
        if (!isfinite(pose[i]) || (i >= 2 && fabs(pose[i]) > limit))
            return lib_fail(AMB_ERROR_ARGUMENT, "number %d of the pose is %g, expected -%g to %g", i, pose[i],
                            limit, limit);
    for (int i = 0; i < AMI_VEL; i++)
        if (!(fabs(velocity[i]) <= limit))
            return lib_fail(AMB_ERROR_ARGUMENT, "number %d of the velocity is %g, expected -%g to %g", i,
                            velocity[i], limit, limit);
    const char *bad = normalise(own + 3) ? NULL : "root";
    for (int j = 0; j < AMI_CLIP_JOINTS; j++)
        if (ami_clip_joints[j].ball && !normalise(own + ami_clip_joints[j].pose))
            bad = ami_clip_joints[j].name;
    if (bad)
        return lib_fail(AMB_ERROR_ARGUMENT, "the pose's quaternion of the %s is not of length .5 to 1.5",
                        bad);
    ENTER(env->all);
    ami_world_set(&env->env.world, own, velocity);
    ami_world_state(&env->env.world, &env->env.state);
    env->episode.fresh = false;
    lib_leave(&env->all->owner);
    return AMB_OK;
}

/* ---- states as bytes ---- */

typedef struct state_head {
    uint32_t magic, version;
    uint32_t fingerprint; /* of the scene */
    uint32_t crc;         /* CRC-32C of the data after the header */
    episode episode;
} state_head;
enum { HEAD_CRC_FROM = offsetof(state_head, episode) };

static size_t generator_bytes(const amb_envs *all)
{
    return all->scene->invented ? ami_generator_save_size(all->env[0].generator) : 0;
}

static size_t state_bytes(const amb_envs *all)
{
    return sizeof(state_head) + generator_bytes(all) + ami_env_save_size(&all->env[0].env);
}

static void save(const amb_env *env, void *bytes)
{
    const amb_envs *all = env->all;
    char *at = bytes;
    state_head head;
    memset(&head, 0, sizeof head);
    head.magic = state_magic;
    head.version = STATE_VERSION;
    head.fingerprint = all->scene->fingerprint;
    head.episode = env->episode;
    if (env->generator)
        ami_generator_save(env->generator, at + sizeof head);
    ami_env_save(&env->env, at + sizeof head + generator_bytes(all));
    memcpy(at, &head, sizeof head);
    head.crc = ami_crc32c(0, at + HEAD_CRC_FROM, all->state_bytes - HEAD_CRC_FROM);
    memcpy(at, &head, sizeof head);
}

static bool load(amb_env *env, const void *bytes, ami_error *err)
{
    const char *at = bytes;
    state_head head;
    memcpy(&head, at, sizeof head);
    if (env->generator && !ami_generator_load(env->generator, room_of(env), at + sizeof head, &env->env, err))
        return false;
    ami_env_load(&env->env, at + sizeof head + generator_bytes(env->all));
    env->episode = head.episode;
    return true;
}

static bool check_state(const amb_envs *all, const void *bytes, ami_error *err)
{
    state_head head;
    memcpy(&head, bytes, sizeof head);
    if (head.magic != state_magic || head.version != STATE_VERSION)
        return ami_fail(err, "the bytes are not an environment's state of this version of amble");
    if (head.crc != ami_crc32c(0, (const char *)bytes + HEAD_CRC_FROM, all->state_bytes - HEAD_CRC_FROM))
        return ami_fail(err, "the state's bytes are damaged: their checksum is not %08x", (unsigned)head.crc);
    return head.fingerprint == all->scene->fingerprint ||
           ami_fail(err, "the state is that of an environment of another definition");
}

static amb_result check_size(const amb_envs *all, size_t size)
{
    return size == all->state_bytes
               ? AMB_OK
               : lib_fail(AMB_ERROR_ARGUMENT, "%zu bytes for a state, expected %zu", size, all->state_bytes);
}

amb_result amb_env_save(amb_env *env, void *bytes, size_t size)
{
    LIB_REQUIRE(env && bytes);
    amb_envs *all = env->all;
    const amb_result result = check_size(all, size);
    if (result != AMB_OK)
        return result;
    ENTER(all);
    save(env, all->state[0]); /* the caller's bytes need not be aligned */
    memcpy(bytes, all->state[0], all->state_bytes);
    lib_leave(&all->owner);
    return AMB_OK;
}

amb_result amb_env_restore(amb_env *env, const void *bytes, size_t size, float *observation)
{
    LIB_REQUIRE(env && bytes);
    amb_envs *all = env->all;
    const amb_result result = check_size(all, size);
    if (result != AMB_OK)
        return result;
    ENTER(all);
    ami_error err = {""}, unused;
    memcpy(all->state[0], bytes, all->state_bytes);
    bool ok = check_state(all, all->state[0], &err);
    if (ok) {
        save(env, all->state[1]);
        ok = load(env, all->state[0], &err);
        if (!ok)
            (void)load(env, all->state[1], &unused);
    }
    if (ok)
        observe(env, observation);
    lib_leave(&all->owner);
    return ok ? AMB_OK : lib_fail_with(AMB_ERROR_ARGUMENT, &err);
}

/* ---- a policy for it, as a file ---- */

amb_result amb_env_save_actor(const amb_env *env, const amb_actor_def *def, const char *path)
{
    LIB_REQUIRE(env && def && path);
    const lib_scene *s = env->all->scene;
    static const char report[] = "style "; /* what the name of invented motions begins with */
    const char *name = s->followed.name;
    char style[256 + 8];
    snprintf(style, sizeof style, "style:%s",
             strncmp(name, report, strlen(report)) == 0 ? name + strlen(report) : "random");
    const lib_actor_scene scene = {.env = &env->env.def,
                                   .physics_hz = s->has_policy ? s->policy.physics_hz : s->def.physics_hz,
                                   .inputs = ami_env_obs_size(&env->env),
                                   .outputs = AMI_ACTION,
                                   .motion = s->invented ? style : ami_clip_name(s->followed.clip),
                                   .has_motion_crc = !s->invented,
                                   .motion_crc = s->invented ? 0 : ami_clip_crc(s->followed.clip)};
    return lib_save_actor(&scene, def, path);
}

/* ---- many ---- */

/* The work of one call, divided into tasks. */
typedef struct job {
    amb_envs *all;
    void (*work)(const struct job *job, int i, ami_cycle_workspace *workspace);
    const float *actions;
    const bool *mask;
    const uint64_t *seeds;
    float *observations;
    amb_envs_arrays out;
} job;

static void run_task(int index, void *argument)
{
    const job *j = argument;
    const int first = index * j->all->per_task, last = first + j->all->per_task;
    for (int i = first; i < last && i < j->all->count; i++)
        j->work(j, i, j->all->workspace[index]);
}

static void run(const job *j)
{
    lib_parallel_for(&j->all->scene->def.parallel, j->all->tasks, run_task, (void *)j);
}

static float *row(float *array, size_t width, int i)
{
    return array ? array + width * (size_t)i : NULL;
}

static void work_reset(const job *j, int i, ami_cycle_workspace *workspace)
{
    if (j->mask && !j->mask[i])
        return;
    reset(&j->all->env[i], workspace);
    observe(&j->all->env[i], row(j->observations, observation_size(j->all), i));
}

amb_result amb_envs_reset(amb_envs *envs, const bool *mask, float *observations)
{
    LIB_REQUIRE(envs);
    ENTER(envs);
    const job j = {.all = envs, .work = work_reset, .mask = mask, .observations = observations};
    run(&j);
    lib_leave(&envs->owner);
    return AMB_OK;
}

/* Creation found a first motion among all styles, so every seed finds one. */
static void work_seed(const job *j, int i, ami_cycle_workspace *workspace)
{
    (void)seed_environment(&j->all->env[i], workspace, j->seeds[i], j->all->scene->def.stream + (uint64_t)i,
                           NULL);
    observe(&j->all->env[i], row(j->observations, observation_size(j->all), i));
}

amb_result amb_envs_seed(amb_envs *envs, const uint64_t *seeds, float *observations)
{
    LIB_REQUIRE(envs && seeds);
    ENTER(envs);
    const job j = {.all = envs, .work = work_seed, .seeds = seeds, .observations = observations};
    run(&j);
    lib_leave(&envs->owner);
    return AMB_OK;
}

static void write_step(const amb_envs_arrays *out, int i, const amb_env *e, double reward, int32_t end)
{
    if (out->rewards)
        out->rewards[i] = reward;
    if (out->rewards_f32)
        out->rewards_f32[i] = (float)reward;
    if (out->terminated)
        out->terminated[i] = is_terminated(end);
    if (out->truncated)
        out->truncated[i] = end == AMB_ENV_TIME_OUT;
    if (out->ends)
        out->ends[i] = (uint8_t)end;
    if (out->reward_parts)
        memcpy(out->reward_parts + (size_t)i * AMI_REWARD_PARTS, e->episode.last.part,
               sizeof e->episode.last.part);
    if (out->tracking)
        tracking_of(&e->episode.last, out->tracking + (size_t)i * TRACKING);
}

static void write_end(const amb_envs_arrays *out, int i, const amb_env *e, size_t width)
{
    observe(e, row(out->final_observations, width, i));
    if (out->episode_returns)
        out->episode_returns[i] = e->episode.sum;
    if (out->episode_lengths)
        out->episode_lengths[i] = e->episode.length;
}

static void work_step(const job *j, int i, ami_cycle_workspace *workspace)
{
    amb_env *e = &j->all->env[i];
    const amb_autoreset autoreset = j->all->scene->def.autoreset;
    const size_t width = observation_size(j->all);
    if (e->episode.end == AMB_ENV_GOES_ON) {
        step(e, workspace, j->actions + (size_t)i * AMI_ACTION);
        write_step(&j->out, i, e, e->episode.last.total, e->episode.end);
        if (e->episode.end != AMB_ENV_GOES_ON) {
            write_end(&j->out, i, e, width);
            if (autoreset == AMB_AUTORESET_SAME_STEP)
                begin(e, workspace);
        }
    } else if (autoreset == AMB_AUTORESET_NONE) {
        write_step(&j->out, i, e, 0, e->episode.end);
    } else { /* also SAME_STEP, where it ended in amb_env_step */
        begin(e, workspace);
        write_step(&j->out, i, e, 0, AMB_ENV_GOES_ON);
    }
    observe(e, row(j->out.observations, width, i));
}

static amb_result check_actions(const amb_envs *all, const float *actions)
{
    for (int i = 0; i < all->count; i++) {
        const float *action = actions + (size_t)i * AMI_ACTION;
        const float *bad = all->env[i].episode.end == AMB_ENV_GOES_ON ? find_bad(action, AMI_ACTION) : NULL;
        if (bad)
            return lib_fail(AMB_ERROR_ARGUMENT, "action (%d, %d) is %g, expected a finite number", i,
                            (int)(bad - action), (double)*bad);
    }
    return AMB_OK;
}

amb_result amb_envs_step(amb_envs *envs, const float *actions, const amb_envs_arrays *out)
{
    LIB_REQUIRE(envs && actions && out);
    job j = {.all = envs, .work = work_step, .actions = actions};
    LIB_REQUIRE(lib_def_copy(&j.out, sizeof j.out, out) && "size is set");
    ENTER(envs);
    const amb_result result = check_actions(envs, actions);
    if (result == AMB_OK)
        run(&j);
    lib_leave(&envs->owner);
    return result;
}
