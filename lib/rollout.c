/* amble/rollout.h: runs policy/rollout.h and policy/evaluate.h on an amb_env_def. */
#include <amble/rollout.h>

#include "base/cores.h"
#include "lib/internal.h"
#include "lib/motion.h"
#include "lib/scene.h"
#include "policy/evaluate.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_CHARACTERS = 65536, MAX_SEEDS = 100000 };

struct amb_rollout {
    lib_scene *scene;
    ami_rollout_result result;
};

void amb_rollout_def_init_size(amb_rollout_def *def, size_t size)
{
    const amb_rollout_def full = {
        .size = size, .precision = AMB_PRECISION_AUTO, .characters = 16, .parallel = {.threads = 1}};
    if (def)
        memcpy(def, &full, size < sizeof full ? size : sizeof full);
}

void amb_evaluation_def_init_size(amb_evaluation_def *def, size_t size)
{
    const amb_evaluation_def full = {.size = size, .seeds = 3, .protocol = AMB_PROTOCOL_SECONDS};
    if (def)
        memcpy(def, &full, size < sizeof full ? size : sizeof full);
}

/* ---- one rollout ---- */

static amb_result read_def(const amb_rollout_def *given, amb_rollout_def *full, ami_model_def *actor)
{
    amb_rollout_def_init(full);
    if (given)
        LIB_REQUIRE(lib_def_copy(full, sizeof *full, given) && "the definition was initialised");
    if (full->characters < 1 || full->characters > MAX_CHARACTERS)
        return lib_fail(AMB_ERROR_ARGUMENT, "characters is %d, expected 1 to %d", full->characters,
                        MAX_CHARACTERS);
    if (full->parallel.threads < 0 || full->parallel.threads > 1024)
        return lib_fail(AMB_ERROR_ARGUMENT, "parallel.threads is %d, expected 0 to 1024",
                        full->parallel.threads);
    amb_model_def network;
    amb_model_def_init(&network);
    network.precision = full->precision;
    return lib_model_def(&network, actor);
}

static ami_rollout_def internal_def(const lib_scene *scene, const amb_rollout_def *def)
{
    const bool all_cores = def->parallel.run || def->parallel.threads == 0;
    const int threads = all_cores ? ami_cores() : def->parallel.threads;
    return (ami_rollout_def){.env = scene->env,
                             .policy = scene->has_policy ? &scene->policy : NULL,
                             .generator = scene->invented ? &scene->generator : NULL,
                             .envs = def->characters,
                             .threads = threads < def->characters ? threads : def->characters,
                             .realtime = def->realtime,
                             .record = def->record,
                             .run = def->parallel.run,
                             .run_context = def->parallel.context,
                             .progress = def->progress,
                             .context = def->context};
}

static amb_result check_recording(const ami_rollout_def *def)
{
    const double frames = def->env.episode_s / (def->env.substeps * def->env.character->timestep) + 2;
    if (!def->record || frames <= AMI_CLIP_MAX_FRAMES)
        return AMB_OK;
    return lib_fail(AMB_ERROR_ARGUMENT,
                    "record: %g s make %.0f frames, more than the %d that a clip may have",
                    def->env.episode_s, frames, AMI_CLIP_MAX_FRAMES);
}

static amb_result fill(amb_rollout *r, const amb_rollout_def *given)
{
    amb_rollout_def def;
    ami_model_def actor;
    ami_error err = {""};
    amb_result result = read_def(given, &def, &actor);
    if (result == AMB_OK)
        result = lib_scene_create(def.env, &actor, &r->scene);
    if (result != AMB_OK)
        return result;
    const ami_rollout_def own = internal_def(r->scene, &def);
    result = check_recording(&own);
    if (result == AMB_OK && !ami_rollout_run(&own, &r->result, &err))
        result = lib_scene_fail(AMB_ERROR_ARGUMENT, &err);
    return result;
}

amb_result amb_rollout_run(const amb_rollout_def *def, amb_rollout **rollout)
{
    LIB_REQUIRE(rollout);
    *rollout = NULL;
    amb_rollout *r = calloc(1, sizeof *r);
    if (!r)
        return lib_fail(AMB_ERROR_MEMORY, "out of memory for a rollout");
    const amb_result result = fill(r, def);
    if (result == AMB_OK)
        *rollout = r;
    else
        amb_rollout_destroy(r);
    return result;
}

void amb_rollout_destroy(amb_rollout *rollout)
{
    if (!rollout)
        return;
    ami_rollout_result_free(&rollout->result);
    lib_scene_destroy(rollout->scene);
    free(rollout);
}

static amb_percentiles percentiles(const ami_percentiles *p)
{
    return (amb_percentiles){p->p50, p->p99, p->p999, p->max};
}

amb_result amb_rollout_get_result(const amb_rollout *rollout, amb_rollout_result *result)
{
    LIB_REQUIRE(rollout && result);
    const ami_rollout_result *r = &rollout->result;
    const amb_rollout_result full = {.motion = rollout->scene->followed.name,
                                     .policy =
                                         rollout->scene->has_policy ? rollout->scene->policy_path : NULL,
                                     .characters = r->episodes,
                                     .stopped = r->stopped,
                                     .survival = r->survival,
                                     .success = r->success,
                                     .normalised_return = r->normalised_return,
                                     .seconds_up = r->seconds,
                                     .root_m = r->root_m,
                                     .joint_rad = r->joint_rad,
                                     .end_effector_m = r->end_effector_m,
                                     .control_steps = r->control_steps,
                                     .unstable = r->resets_unstable,
                                     .physics_failures = r->failed,
                                     .failure = r->failure,
                                     .hash = r->hash,
                                     .control_dt = r->control_dt,
                                     .wall_s = r->wall_s,
                                     .control_steps_per_s = r->control_steps_per_s,
                                     .physics_fraction = r->physics_fraction,
                                     .step_us = percentiles(&r->step_us),
                                     .generate_us = percentiles(&r->generate_us),
                                     .wakeup_us = percentiles(&r->wakeup_us),
                                     .missed_deadlines = r->missed_deadlines};
    LIB_REQUIRE(lib_out_copy(result, &full, sizeof full) && "size is set");
    return AMB_OK;
}

double amb_rollout_reward_part(const amb_rollout *rollout, int part)
{
    LIB_REQUIRE_OR(rollout, (double)NAN);
    return part >= 0 && part < AMI_REWARD_PARTS ? rollout->result.part[part] : (double)NAN;
}

const char *amb_rollout_reward_name(const amb_rollout *rollout, int part)
{
    LIB_REQUIRE_OR(rollout, NULL);
    return part >= 0 && part < AMI_REWARD_PARTS ? ami_reward_name[part] : NULL;
}

const double *amb_rollout_poses(const amb_rollout *rollout, int *frames, int *pose_size)
{
    LIB_REQUIRE_OR(rollout, NULL);
    if (frames)
        *frames = rollout->result.frames;
    if (pose_size)
        *pose_size = AMI_POSE;
    return rollout->result.pose;
}

amb_result amb_rollout_clip(const amb_rollout *rollout, amb_clip **clip)
{
    LIB_REQUIRE(rollout && clip);
    *clip = NULL;
    const ami_rollout_result *r = &rollout->result;
    ami_error err = {""};
    if (!r->pose)
        return lib_fail(AMB_ERROR_ARGUMENT, "the rollout was not recorded");
    double *time = malloc((size_t)r->frames * sizeof *time);
    if (!time)
        return lib_fail(AMB_ERROR_MEMORY, "out of memory for the recording");
    for (int i = 0; i < r->frames; i++)
        time[i] = i * r->control_dt;
    ami_clip *made = ami_clip_create(r->frames, time, r->pose, false, "recording", &err);
    free(time);
    return made ? lib_clip_wrap(made, clip) : lib_fail_with(AMB_ERROR_ARGUMENT, &err);
}

/* ---- evaluation ---- */

/* Progress over all rows and seeds. */
typedef struct whole {
    const amb_rollout_def *def;
    int done, all;
    bool stopped;
} whole;

static bool on_progress(void *context, double fraction)
{
    whole *w = context;
    if (w->def->progress && !w->def->progress(w->def->context, (w->done + fraction) / w->all))
        w->stopped = true;
    return !w->stopped;
}

static void on_done(void *context, const ami_rollout_def *def, const ami_rollout_result *result)
{
    (void)def;
    (void)result;
    whole *w = context;
    w->done++;
}

static amb_result check_evaluation(const amb_evaluation_def *def)
{
    if (def->seeds < 1 || def->seeds > MAX_SEEDS)
        return lib_fail(AMB_ERROR_ARGUMENT, "seeds is %d, expected 1 to %d", def->seeds, MAX_SEEDS);
    if (def->protocol != AMB_PROTOCOL_SECONDS && def->protocol != AMB_PROTOCOL_OWN_LENGTH)
        return lib_fail(AMB_ERROR_ARGUMENT, "the protocol is %d, expected one of amb_protocol",
                        (int)def->protocol);
    if (def->pushes && (def->push_count < 1 || def->push_count > 10000))
        return lib_fail(AMB_ERROR_ARGUMENT, "push_count is %d, expected 1 to 10000", def->push_count);
    for (int p = 0; def->pushes && p < def->push_count; p++) {
        const amb_push *push = &def->pushes[p];
        if (!(push->speed >= 0 && push->speed <= 100) || (push->speed > 0 && !(push->period >= .01)))
            return lib_fail(AMB_ERROR_ARGUMENT,
                            "push %d is of %g m/s every %g s, expected 0 to 100 m/s and .01 s or more", p,
                            push->speed, push->period);
    }
    return AMB_OK;
}

static amb_evaluation public_evaluation(const ami_evaluation *e)
{
    return (amb_evaluation){.seeds = e->seeds,
                            .stopped = e->stopped,
                            .survival = e->survival,
                            .worst_survival = e->worst_survival,
                            .success = e->success,
                            .normalised_return = e->normalised_return,
                            .worst_return = e->worst_return,
                            .root_m = e->root_m,
                            .joint_rad = e->joint_rad,
                            .control_steps_per_s = e->control_steps_per_s,
                            .unstable = e->unstable};
}

/* Row `index`, at the stride of the caller's header. */
static void *row_at(amb_evaluation *rows, int index)
{
    return (char *)rows + rows->size * (size_t)index;
}

static bool have_sizes(amb_evaluation *rows, int count)
{
    const size_t size = rows->size;
    bool same = size >= offsetof(amb_evaluation, survival) && size <= 1 << 16;
    for (int p = 1; same && p < count; p++)
        same = ((const amb_evaluation *)row_at(rows, p))->size == size;
    return same;
}

static amb_result evaluate_rows(const amb_evaluation_def *def, const lib_scene *scene,
                                const amb_rollout_def *rollout, ami_evaluation *found)
{
    const int rows = def->pushes ? def->push_count : 1;
    whole progress = {.def = rollout, .all = rows * def->seeds};
    ami_rollout_def own = internal_def(scene, rollout);
    own.record = own.realtime = false;
    own.progress = on_progress;
    own.context = &progress;
    const ami_evaluation_def evaluation = {
        .rollout = &own,
        .seeds = def->seeds,
        .protocol = def->protocol == AMB_PROTOCOL_OWN_LENGTH ? AMI_PROTOCOL_OWN_LENGTH : AMI_PROTOCOL_SECONDS,
        .done = on_done,
        .context = &progress};
    for (int p = 0; p < rows; p++) {
        ami_error err = {""};
        if (def->pushes) {
            own.env.push_speed = def->pushes[p].speed;
            own.env.push_period = def->pushes[p].period;
        }
        if (progress.stopped)
            found[p] = (ami_evaluation){.stopped = true};
        else if (!ami_evaluate(&evaluation, &found[p], &err))
            return lib_scene_fail(AMB_ERROR_ARGUMENT, &err);
    }
    return AMB_OK;
}

amb_result amb_evaluate(const amb_evaluation_def *def, amb_evaluation *rows)
{
    LIB_REQUIRE(rows);
    amb_evaluation_def inner;
    amb_rollout_def rollout;
    ami_model_def actor;
    lib_scene *scene = NULL;
    amb_evaluation_def_init(&inner);
    if (def)
        LIB_REQUIRE(lib_def_copy(&inner, sizeof inner, def) && "the definition was initialised");
    const int count = inner.pushes ? inner.push_count : 1;
    amb_result result = check_evaluation(&inner);
    if (result == AMB_OK)
        LIB_REQUIRE(have_sizes(rows, count) && "size is set in every row");
    if (result == AMB_OK)
        result = read_def(inner.rollout, &rollout, &actor);
    if (result == AMB_OK)
        result = lib_scene_create(rollout.env, &actor, &scene);
    ami_evaluation *found = result == AMB_OK ? calloc((size_t)count, sizeof *found) : NULL;
    if (result == AMB_OK)
        result = found ? evaluate_rows(&inner, scene, &rollout, found)
                       : lib_fail(AMB_ERROR_MEMORY, "out of memory for %d evaluations", count);
    for (int p = 0; result == AMB_OK && p < count; p++) {
        const amb_evaluation row = public_evaluation(&found[p]);
        (void)lib_out_copy(row_at(rows, p), &row, sizeof row);
    }
    free(found);
    lib_scene_destroy(scene);
    return result;
}
