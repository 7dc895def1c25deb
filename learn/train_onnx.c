/* Exports a training's networks for ONNX files and loads networks from them. */
#include "learn/train_state.h"

#include "base/number.h"
#include "nets/onnx/onnx.h"
#include "policy/controller.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static ami_net *out_of_memory(ami_net *net, ami_error *err)
{
    ami_net_destroy(net);
    ami_fail(err, "out of memory for the network to be written");
    return NULL;
}

static bool set_number(ami_net *net, const char *key, double value)
{
    char text[AMI_NUMBER_TEXT];
    return ami_net_set_meta(net, key, ami_number_print(value, text));
}

static ami_net *export_net(const ami_train *t, bool actor, int outputs, ami_error *err)
{
    const ami_settings *s = &t->settings;
    const int dim[] = {t->inputs, (int)s->hidden1, (int)s->hidden2, outputs};
    ami_net *net = ami_net_create(3, dim, err);
    float *parameters = malloc(ami_train_net_size(actor ? ami_ppo_actor(t->ppo) : ami_ppo_critic(t->ppo)) *
                               sizeof *parameters);
    if (net && parameters) {
        ami_train_get_average(t, actor, parameters);
        ami_net_set_parameters(net, parameters);
    } else {
        if (net)
            ami_fail(err, "out of memory for a network");
        ami_net_destroy(net);
        net = NULL;
    }
    free(parameters);
    if (!net)
        return NULL;
    if (!ami_net_add_normalizer(net))
        return out_of_memory(net, err);
    memcpy(net->in_mean, t->in_mean, (size_t)t->inputs * sizeof(float));
    memcpy(net->in_std, t->in_std, (size_t)t->inputs * sizeof(float));
    net->in_clip = (float)s->observation_clip;
    char text[4096];
    ami_settings_print(s, text, sizeof text);
    bool ok =
        ami_net_set_meta(net, "training", text) &&
        ami_net_set_meta(net, "observation",
                         t->settings.goal != 0 ? "deepmimic-197+goal-49" : "deepmimic-197") &&
        ami_net_set_meta(net, "motion", t->clips > 0 ? ami_clip_name(t->clip[0].clip) : ami_train_motion(t));
    if (t->clips > 0) {
        snprintf(text, sizeof text, "%08x", (unsigned)ami_clip_crc(t->clip[0].clip));
        ok = ok && ami_net_set_meta(net, "motion_crc32c", text);
    }
    if (t->clips > 1) {
        char *list = ami_train_print_clips(t);
        ok = ok && list && ami_net_set_meta(net, "motions", list);
        free(list);
    }
    snprintf(text, sizeof text, "%lld", (long long)t->progress.samples);
    ok = ok && ami_net_set_meta(net, "samples", text);
    return ok ? net : out_of_memory(net, err);
}

ami_net *ami_train_export_actor(const ami_train *train, ami_error *err)
{
    const ami_settings *s = &train->settings;
    ami_net *net = export_net(train, true, AMI_ACTION, err);
    if (!net)
        return NULL;
    for (int a = 0; a < AMI_ACTION; a++) {
        for (int k = 0; k < net->dim[2]; k++)
            net->weight[2][(size_t)a * (size_t)net->dim[2] + (size_t)k] *= train->action_std[a];
        net->bias[2][a] = net->bias[2][a] * train->action_std[a] + train->action_mean[a];
    }
    ami_env_def def = train->env[0].def;
    def.may_touch = ami_train_may_touch(train, 0);
    if (!ami_policy_write_meta(net, &def, s->physics_hz))
        return out_of_memory(net, err);
    return net;
}

ami_net *ami_train_export_critic(const ami_train *train, ami_error *err)
{
    ami_net *net = export_net(train, false, 1, err);
    if (!net)
        return NULL;
    if (!ami_net_set_meta(net, "kind", "critic") || !set_number(net, "gamma", train->gamma) ||
        !ami_net_set_meta(net, "output", "value * (1 - gamma)"))
        return out_of_memory(net, err);
    return net;
}

/* "197-1024-512-36" */
static void print_dimensions(const int *dim, int layers, char *text, size_t size)
{
    size_t length = 0;
    for (int l = 0; l <= layers && length < size; l++)
        length += (size_t)snprintf(text + length, size - length, l ? "-%d" : "%d", dim[l]);
}

static bool check_shape(const ami_train *t, const ami_net *net, int outputs, ami_error *err)
{
    const int dim[] = {t->inputs, (int)t->settings.hidden1, (int)t->settings.hidden2, outputs};
    bool same = net->layers == 3, relu = true;
    for (int l = 0; same && l <= 3; l++)
        same = net->dim[l] == dim[l];
    if (!same) {
        char found[128], expected[128];
        print_dimensions(net->dim, net->layers, found, sizeof found);
        print_dimensions(dim, 3, expected, sizeof expected);
        return ami_fail(err, "layers of %s numbers, expected %s (settings goal, hidden1, hidden2)", found,
                        expected);
    }
    for (int l = 0; l < 3; l++)
        relu = relu && net->act[l] == (l < 2 ? AMI_ACT_RELU : AMI_ACT_IDENTITY);
    if (!relu)
        return ami_fail(err, "layers end in %s, %s and %s, expected relu, relu and identity",
                        ami_activation_name(net->act[0]), ami_activation_name(net->act[1]),
                        ami_activation_name(net->act[2]));
    return true;
}

/* Whether the normaliser follows the rules of learn/normalizer.h. */
static bool check_normalizer(const ami_train *t, const ami_net *net, ami_error *err)
{
    if (!net->in_mean)
        return ami_fail(err, "contains no normaliser of observations, which training needs");
    for (int k = 0; k < t->inputs; k++) {
        const double mean = (double)net->in_mean[k], std = (double)net->in_std[k];
        if (k == 0 ? mean != .5 || std != .5 : !(isfinite(mean) && std >= .0199 && isfinite(std)))
            return ami_fail(err, "the normaliser's number %d has mean %g and deviation %g, expected %s", k,
                            mean, std, k == 0 ? "0.5 and 0.5, the phase's" : "a deviation of 0.02 or more");
    }
    const double limit = t->settings.observation_clip;
    if (fabs((double)net->in_clip - limit) > 1e-6 * limit)
        return ami_fail(err,
                        "normalised observations are limited to %g, expected %g (setting observation_clip)",
                        (double)net->in_clip, limit);
    return true;
}

static bool check_use(const ami_train *t, const ami_net *actor, ami_error *err)
{
    const ami_settings *s = &t->settings;
    ami_policy policy;
    if (!ami_policy_describe(&policy, actor, err))
        return false;
    ami_policy_free(&policy); /* only numbers are needed */
    if (!ami_train_check_actions(s, &policy, err))
        return false;
    if (fabs(policy.physics_hz - s->physics_hz) > 1e-6 * s->physics_hz || policy.substeps != (int)s->substeps)
        return ami_fail(err,
                        "was trained with physics at %g and control at %g Hz, expected %g and %g (settings "
                        "physics_hz, substeps)",
                        policy.physics_hz, policy.physics_hz / policy.substeps, s->physics_hz,
                        s->physics_hz / s->substeps);
    return true;
}

/* Whether the critic was trained with the actor: they have the same normaliser. */
static bool check_pair(const ami_train *t, const ami_net *actor, const ami_net *critic,
                       const char *actor_path, ami_error *err)
{
    const char *kind = ami_net_get_meta(critic, "kind");
    if (kind && strcmp(kind, "critic") != 0)
        return ami_fail(err, "metadata \"kind\" is \"%.40s\", expected critic", kind);
    const size_t size = (size_t)t->inputs * sizeof(float);
    if (memcmp(actor->in_mean, critic->in_mean, size) != 0 ||
        memcmp(actor->in_std, critic->in_std, size) != 0)
        return ami_fail(
            err,
            "its normaliser of observations differs from that of %s, expected the critic that was "
            "trained with it",
            actor_path);
    return true;
}

/* The inverse of ami_train_export_actor's, up to rounding. */
static void unscale_actions(const ami_train *t, ami_net *actor)
{
    const size_t hidden = (size_t)actor->dim[2];
    for (size_t a = 0; a < AMI_ACTION; a++) {
        const double std = (double)t->action_std[a], mean = (double)t->action_mean[a];
        for (size_t k = 0; k < hidden; k++)
            actor->weight[2][a * hidden + k] = (float)((double)actor->weight[2][a * hidden + k] / std);
        actor->bias[2][a] = (float)(((double)actor->bias[2][a] - mean) / std);
    }
}

static void take_network(const ami_net *net, ami_train_net *to, ami_adam *adam)
{
    ami_net_get_parameters(net, ami_train_net_parameters(to));
    ami_train_net_parameters_changed(to);
    memset(adam->m, 0, ami_train_net_size(to) * sizeof *adam->m);
    memset(adam->v, 0, ami_train_net_size(to) * sizeof *adam->v);
    adam->step = 0;
}

static void take_normalizer(ami_train *t, const ami_net *actor, double samples)
{
    ami_normalizer *n = &t->normalizer;
    n->count = (int64_t)fmax(samples, 2); /* fewer have no standard deviation */
    for (int k = 0; k < t->inputs; k++) {
        n->mean[k] = (double)actor->in_mean[k];
        n->m2[k] = (double)actor->in_std[k] * (double)actor->in_std[k] * (double)n->count;
    }
    ami_train_refresh_normalizer(t);
}

/* Adds inputs for the goal, with weights of 0, to a network without them: its outputs do not change. The
 * normaliser of these inputs is the training's. */
static bool widen(const ami_train *t, ami_net *net, ami_error *err)
{
    if (t->inputs != AMI_OBS_MAX || net->dim[0] != AMI_OBS || !net->in_mean)
        return true;
    const size_t rows = (size_t)net->dim[1], from = AMI_OBS, to = AMI_OBS_MAX;
    float *weight = calloc(rows * to, sizeof *weight), *mean = malloc(to * sizeof *mean),
          *std = malloc(to * sizeof *std);
    if (!weight || !mean || !std) {
        free(weight), free(mean), free(std);
        return ami_fail(err, "out of memory for a network of %d inputs", t->inputs);
    }
    memcpy(mean, t->in_mean, to * sizeof *mean);
    memcpy(std, t->in_std, to * sizeof *std);
    memcpy(mean, net->in_mean, from * sizeof *mean);
    memcpy(std, net->in_std, from * sizeof *std);
    for (size_t i = 0; i < rows; i++)
        memcpy(weight + i * to, net->weight[0] + i * from, from * sizeof *weight);
    free(net->weight[0]), free(net->in_mean), free(net->in_std);
    net->weight[0] = weight;
    net->in_mean = mean;
    net->in_std = std;
    net->dim[0] = net->in_shape.dim[0] = AMI_OBS_MAX;
    return true;
}

bool ami_train_load_onnx(ami_train *train, const char *actor_path, const char *critic_path, ami_error *err)
{
    double samples = train->settings.normalizer_samples;
    ami_net *actor = ami_onnx_read(actor_path, err), *critic = actor ? ami_onnx_read(critic_path, err) : NULL;
    bool ok = critic && widen(train, actor, err) && widen(train, critic, err);
    if (ok && !(check_shape(train, actor, AMI_ACTION, err) && check_normalizer(train, actor, err) &&
                check_use(train, actor, err) && ami_net_get_number(actor, "samples", 0, 1e15, &samples, err)))
        ok = ami_fail_in(err, "%s", actor_path);
    if (ok && !(check_shape(train, critic, 1, err) && check_normalizer(train, critic, err) &&
                check_pair(train, actor, critic, actor_path, err)))
        ok = ami_fail_in(err, "%s", critic_path);
    if (ok) {
        unscale_actions(train, actor);
        take_network(actor, ami_ppo_actor(train->ppo), ami_ppo_actor_adam(train->ppo));
        take_network(critic, ami_ppo_critic(train->ppo), ami_ppo_critic_adam(train->ppo));
        take_normalizer(train, actor, samples);
        ami_train_start_copy(train);
    }
    ami_net_destroy(actor);
    ami_net_destroy(critic);
    return ok;
}
