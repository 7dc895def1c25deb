/* A humanoid's control step, timed part by part. */
#include "bench/walker.h"

#include "base/clock.h"
#include "bench/networks.h"
#include "motion/features.h"
#include "nets/model_layers.h"
#include "nets/onnx/onnx.h"
#include "policy/models.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const bench_part_name[BENCH_PARTS] = {"observe", "normalise", "actor", "critic",     "action",
                                                  "physics", "reference", "phase", "generation", "reward"};

enum { PHASE_INPUTS = 132, PHASE_OUTPUTS = 2 };

/* Takes the normaliser out of the net. */
static bool take_normaliser(bench_walker *w, ami_net *net, ami_error *err)
{
    const size_t n = (size_t)net->dim[0];
    if (!net->in_mean)
        return true;
    w->mean = malloc(n * sizeof(float));
    w->inv_std = malloc(n * sizeof(float));
    if (!w->mean || !w->inv_std)
        return ami_fail(err, "out of memory");
    for (size_t i = 0; i < n; i++) {
        w->mean[i] = net->in_mean[i];
        w->inv_std[i] = 1.0f / net->in_std[i];
    }
    w->clip = net->in_clip > 0 ? net->in_clip : INFINITY;
    free(net->in_mean);
    free(net->in_std);
    net->in_mean = net->in_std = NULL;
    net->in_clip = 0;
    return true;
}

/* The actor with the kernels of the policy's layers, but without its normaliser. */
static bool load_actor(bench_walker *w, const char *name, const ami_model_def *model, ami_error *err)
{
    if (!ami_find_model(name, w->actor_path, sizeof w->actor_path, err) ||
        !ami_policy_load(&w->policy, w->actor_path, model, err))
        return false;
    if (w->policy.graph)
        return ami_fail(err,
                        "%s: a graph, expected a chain of dense layers, whose normaliser can be timed apart",
                        w->actor_path);
    ami_net *net = ami_onnx_read(w->actor_path, err);
    if (net && take_normaliser(w, net, err)) {
        const ami_kernel *kernel[AMI_NET_MAX_LAYERS];
        for (int l = 0; l < net->layers; l++)
            kernel[l] = ami_model_layer_kernel(w->policy.actor, l);
        w->bare = ami_model_pack(net, kernel, err);
    }
    ami_net_destroy(net);
    return w->bare != NULL;
}

static bool load_critic(bench_walker *w, const bench_walker_def *def, ami_error *err)
{
    char path[4096];
    if ((def->critic || !ami_policy_critic_path(w->actor_path, path, sizeof path)) &&
        !ami_find_model(def->critic ? def->critic : "walk_critic.onnx", path, sizeof path, err))
        return false;
    w->critic = ami_model_load(path, NULL, err);
    if (!w->critic)
        return false;
    const int inputs = ami_model_inputs(w->policy.actor);
    if (ami_model_inputs(w->critic) == inputs && ami_model_outputs(w->critic) == 1)
        return true;
    return ami_fail(err, "%s: a network from %d to %d numbers, expected a critic from %d to 1", path,
                    ami_model_inputs(w->critic), ami_model_outputs(w->critic), inputs);
}

/* The generator's DeepPhase where there is one, else amble's own or random weights. */
static bool load_phase(bench_walker *w, const bench_walker_def *def, ami_error *err)
{
    if (w->generator) {
        w->phase = w->followed.motions.deepphase.model;
        snprintf(w->phase_source, sizeof w->phase_source, "%s",
                 def->style->deepphase ? def->style->deepphase : "deepphase.onnx");
        return true;
    }
    bench_network network;
    if (bench_network_make(&network, "phase", def->seed, err)) {
        if (network.net->dim[0] == PHASE_INPUTS && network.net->dim[network.net->layers] == PHASE_OUTPUTS)
            w->phase = w->own_phase = ami_model_create(network.net, NULL, err);
        else
            ami_fail(err, "%s: not a network from %d to %d numbers", network.source, PHASE_INPUTS,
                     PHASE_OUTPUTS);
        snprintf(w->phase_source, sizeof w->phase_source, "%s", network.source);
    }
    bench_network_free(&network);
    return w->phase != NULL;
}

static bool start_generator(bench_walker *w, uint64_t seed, ami_error *err)
{
    ami_generator_def def = w->followed.motions.def;
    def.seed = seed;
    w->cycle_workspace = ami_cycle_workspace_create(def.nets, err);
    w->generator = w->cycle_workspace ? ami_generator_create(&def, w->cycle_workspace, err) : NULL;
    return w->generator != NULL;
}

static bool start_body(bench_walker *w, const bench_walker_def *def, ami_error *err)
{
    ami_character_def body = ami_character_default_def();
    body.physics_hz = w->policy.physics_hz;
    w->character = ami_character_create(&body, err);
    const ami_origin origin = ami_policy_origin(&w->policy, w->actor_path);
    if (!w->character ||
        !ami_follow(&w->followed, def->motion, def->style, &origin, &w->character->skeleton, def->clips,
                    err) ||
        (!w->followed.clip && !start_generator(w, def->seed, err)))
        return false;
    ami_env_def env = ami_env_default_def(w->character, w->followed.clip);
    if (w->generator)
        ami_generator_use(w->generator, &env);
    ami_policy_use(&w->policy, &env);
    env.seed = def->seed;
    env.episode_s = 1e6;
    return ami_env_init(&w->env, &env, err);
}

bool bench_walker_init(bench_walker *walker, const bench_walker_def *def, ami_error *err)
{
    memset(walker, 0, sizeof *walker);
    if (!load_actor(walker, def->actor, def->model, err) || !load_critic(walker, def, err) ||
        !start_body(walker, def, err) || !load_phase(walker, def, err))
        return false;
    size_t size = ami_model_workspace_size(walker->policy.actor, 1);
    const ami_model *const others[] = {walker->bare, walker->critic, walker->phase};
    for (int i = 0; i < 3; i++)
        size = ami_model_workspace_size(others[i], 1) > size ? ami_model_workspace_size(others[i], 1) : size;
    walker->workspace = malloc(size);
    return walker->workspace || ami_fail(err, "out of memory");
}

void bench_walker_free(bench_walker *walker)
{
    ami_env_free(&walker->env);
    ami_generator_destroy(walker->generator);
    ami_cycle_workspace_destroy(walker->cycle_workspace);
    ami_followed_free(&walker->followed);
    ami_character_destroy(walker->character);
    ami_model_destroy(walker->own_phase);
    ami_model_destroy(walker->critic);
    ami_model_destroy(walker->bare);
    ami_policy_free(&walker->policy);
    free(walker->mean);
    free(walker->inv_std);
    free(walker->workspace);
    memset(walker, 0, sizeof *walker);
}

/* As in nets/model.c. */
static void normalise(const bench_walker *w, const float *restrict in, float *restrict out)
{
    const float *restrict mean = w->mean, *restrict inv_std = w->inv_std;
    const float clip = w->clip;
    const int n = ami_env_obs_size(&w->env);
    for (int i = 0; i < n; i++) {
        float v = (in[i] - mean[i]) * inv_std[i];
        v = v > clip ? clip : v;
        v = v < -clip ? -clip : v;
        out[i] = v;
    }
}

/* Adds the time since *then to *part. */
static void stamp(double *then, double *part)
{
    const double now = ami_clock_now();
    *part += now - *then;
    *then = now;
}

bool bench_walker_has(const bench_walker *walker, bench_part part)
{
    if (part == BENCH_GENERATION)
        return walker->generator != NULL;
    return part != BENCH_PHASE || !walker->generator || !(walker->followed.motions.def.phase_gain > 0);
}

int bench_walker_readings(const bench_walker *walker)
{
    int parts = 0;
    for (int i = 0; i < BENCH_PARTS; i++)
        parts += bench_walker_has(walker, (bench_part)i);
    return parts + 2 + walker->env.def.goal; /* at the beginning, and where a part runs in two pieces */
}

static void find_phase(bench_walker *w)
{
    ami_points points;
    ami_points_of_state(&w->character->skeleton, &w->env.state, &points);
    ami_phase_features(&points, w->phase_in);
    ami_model_run(w->phase, w->workspace, w->phase_in, 1, w->phase_out);
}

static void find_reference_state(ami_env *env)
{
    double pose[AMI_POSE], vel[AMI_VEL];
    ami_reference_sample(&env->reference, 0, pose, vel);
    ami_fk_state(&env->def.character->skeleton, pose, vel, &env->reference_state);
}

/* Runs the step's parts in order; returns whether the body is still up. */
static bool take_step(bench_walker *w, double *part, double *then)
{
    ami_env *env = &w->env;
    double target[AMI_POSE];
    if (w->generator) {
        ami_generator_step(w->generator, w->cycle_workspace, env);
        stamp(then, &part[BENCH_GENERATION]);
    }
    ami_env_observe(env, w->obs);
    stamp(then, &part[BENCH_OBSERVE]);
    const float *in = w->obs;
    if (w->mean) {
        normalise(w, w->obs, w->scaled);
        in = w->scaled;
    }
    stamp(then, &part[BENCH_NORMALISE]);
    ami_model_run(w->bare, w->workspace, in, 1, w->action);
    stamp(then, &part[BENCH_ACTOR]);
    ami_model_run(w->critic, w->workspace, w->obs, 1, &w->value);
    stamp(then, &part[BENCH_CRITIC]);
    ami_env_target(env, w->action, target);
    stamp(then, &part[BENCH_ACTION]);
    ami_world_step(&env->world, target, env->def.substeps);
    stamp(then, &part[BENCH_PHYSICS]);
    env->step++;
    if (env->world.unstable)
        return false;
    ami_world_state(&env->world, &env->state);
    stamp(then, &part[BENCH_OBSERVE]);
    ami_reference_advance(&env->reference, env->control_dt, env->state.pose);
    stamp(then, &part[BENCH_REFERENCE]);
    if (bench_walker_has(w, BENCH_PHASE)) {
        find_phase(w);
        stamp(then, &part[BENCH_PHASE]);
    }
    find_reference_state(env);
    if (env->def.goal)
        stamp(then, &part[BENCH_REFERENCE]);
    ami_reward reward;
    ami_reward_compute(w->character, &env->state, &env->reference_state, &reward);
    const bool up = !(env->world.touching & ~env->def.may_touch) && env->step < env->steps_max;
    stamp(then, &part[BENCH_REWARD]);
    return up;
}

/* Adds the generator's new counts. */
static void count_motions(bench_walker *w, const ami_generator_counts *before)
{
    const ami_generator_counts *now = ami_generator_get_counts(w->generator);
    w->counts.made += now->made - before->made;
    w->counts.changes += now->changes - before->changes;
    for (int i = 0; i < AMI_REFUSALS; i++) {
        w->counts.refused[i] += now->refused[i] - before->refused[i];
    }
}

static void put_on_its_feet(bench_walker *w)
{
    if (w->generator)
        ami_generator_start(w->generator, w->cycle_workspace, &w->env);
    ami_env_reset(&w->env);
    w->resets++;
}

double bench_walker_step(bench_walker *walker, double part[BENCH_PARTS])
{
    memset(part, 0, BENCH_PARTS * sizeof *part);
    ami_generator_counts before = {0};
    if (walker->generator)
        before = *ami_generator_get_counts(walker->generator);
    const double begun = ami_clock_now();
    double then = begun;
    const bool up = take_step(walker, part, &then);
    if (walker->generator) {
        count_motions(walker, &before);
        walker->making = ami_generator_worked(walker->generator);
    }
    if (!up)
        put_on_its_feet(walker);
    return then - begun;
}

/* ---- The check ---- */

static size_t save_size(const bench_walker *w)
{
    return ami_env_save_size(&w->env) + (w->generator ? ami_generator_save_size(w->generator) : 0);
}

static void save(const bench_walker *w, char *data)
{
    ami_env_save(&w->env, data);
    if (w->generator)
        ami_generator_save(w->generator, data + ami_env_save_size(&w->env));
}

static bool load(bench_walker *w, const char *data, ami_error *err)
{
    if (w->generator && !ami_generator_load(w->generator, w->cycle_workspace,
                                            data + ami_env_save_size(&w->env), &w->env, err))
        return false;
    ami_env_load(&w->env, data);
    return true;
}

/* As in policy/rollout.c. */
static void take_real_step(bench_walker *w, ami_controller *controller)
{
    ami_reward reward;
    if (w->generator)
        ami_generator_step(w->generator, w->cycle_workspace, &w->env);
    ami_controller_step(controller, &w->env, &reward);
}

bool bench_walker_check(bench_walker *walker, int steps, ami_error *err)
{
    const size_t size = save_size(walker);
    char *start = malloc(3 * size), *mine = start ? start + size : NULL, *theirs = start ? mine + size : NULL;
    ami_controller controller = {0};
    bool ok = start || ami_fail(err, "out of memory");
    ok = ok && ami_controller_init(&controller, &walker->policy, 1, err);
    double part[BENCH_PARTS] = {0}, then = 0;
    if (ok) {
        save(walker, start);
        for (int i = 0; i < steps && take_step(walker, part, &then); i++)
            ;
        const int taken = walker->env.step;
        save(walker, mine);
        ok = load(walker, start, err);
        while (ok && walker->env.step < taken)
            take_real_step(walker, &controller);
        save(walker, theirs);
        if (ok && memcmp(mine, theirs, size))
            ok = ami_fail(err,
                          "the step in parts and ami_controller_step diverge within %d steps: the parts' "
                          "times would be those of another step",
                          steps);
        ok = ok && load(walker, start, err);
    }
    ami_controller_free(&controller);
    free(start);
    return ok;
}
