/* Actors: loading them with their metadata, and running them, whichever kind of network they are. */
#include "policy/controller.h"

#include "base/assert.h"
#include "base/number.h"
#include "base/text.h"
#include "nets/network.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

static bool read_motion_crc(ami_policy *policy, const ami_net *net, ami_error *err)
{
    const char *text = ami_net_get_meta(net, "motion_crc32c");
    policy->has_motion_crc = text != NULL;
    if (!text)
        return true;
    if (strlen(text) != 8 || text[strspn(text, "0123456789abcdefABCDEF")])
        return ami_fail(err, "metadata \"motion_crc32c\" is \"%.40s\", expected 8 hexadecimal digits", text);
    policy->motion_crc = (uint32_t)strtoul(text, NULL, 16);
    return true;
}

/* Last: what it allocates is only left to a caller who is told of success. */
static bool read_motions(ami_policy *policy, const ami_net *net, ami_error *err)
{
    const char *text = ami_net_get_meta(net, "motions");
    return !text || ami_motion_list_read(text, &policy->listed, &policy->motions, err) ||
           ami_fail_in(err, "metadata \"motions\"");
}

bool ami_policy_describe(ami_policy *policy, const ami_net *net, ami_error *err)
{
    AMI_ASSERT(policy && net);
    memset(policy, 0, sizeof *policy);
    const char *kind = ami_net_get_meta(net, "kind");
    if (kind && strcmp(kind, "actor"))
        return ami_fail(err, "the network is a %.40s, expected an actor (metadata \"kind\")", kind);
    if ((net->dim[0] != AMI_OBS && net->dim[0] != AMI_OBS_MAX) || net->dim[net->layers] != AMI_ACTION)
        return ami_fail(err,
                        "the network has %d inputs and %d outputs, expected an actor with %d inputs, or %d "
                        "with the goal, and %d outputs",
                        net->dim[0], net->dim[net->layers], AMI_OBS, AMI_OBS_MAX, AMI_ACTION);
    policy->goal = net->dim[0] == AMI_OBS_MAX;
    const char *action = ami_net_get_meta(net, "action");
    if (action && strcmp(action, "residual") && strcmp(action, "absolute"))
        return ami_fail(err, "metadata \"action\" is \"%.40s\", expected residual or absolute", action);
    /* Without metadata it is a DeepMimic actor of another program. */
    policy->action_mode = action && !strcmp(action, "residual") ? AMI_ACTION_RESIDUAL : AMI_ACTION_ABSOLUTE;
    policy->physics_hz = 120;
    policy->look_ahead = .06;
    double control_hz = AMI_CONTROL_HZ;
    if (!ami_net_get_number(net, "physics_hz", 30, 10000, &policy->physics_hz, err) ||
        !ami_net_get_number(net, "control_hz", .1, 10000, &control_hz, err) ||
        !ami_net_get_number(net, "look_ahead", 0, 1, &policy->look_ahead, err))
        return false;
    policy->substeps = (int)lround(policy->physics_hz / control_hz);
    if (policy->substeps < 1 ||
        fabs(policy->substeps * control_hz - policy->physics_hz) > 1e-6 * policy->physics_hz)
        return ami_fail(err, "metadata \"control_hz\" is %g, expected physics_hz, %g, divided by an integer",
                        control_hz, policy->physics_hz);
    const char *may_touch = ami_net_get_meta(net, "may_touch");
    if (may_touch && !ami_bodies_read(may_touch, &policy->may_touch, err))
        return ami_fail_in(err, "metadata \"may_touch\"");
    const char *motion = ami_net_get_meta(net, "motion");
    if (motion && !ami_text_is_printable(motion))
        return ami_fail(err, "metadata \"motion\" is \"%.80s\", expected printable text", motion);
    snprintf(policy->motion, sizeof policy->motion, "%s", motion ? motion : "");
    return read_motion_crc(policy, net, err) && read_motions(policy, net, err);
}

static bool set_number(ami_net *net, const char *key, double value)
{
    char text[AMI_NUMBER_TEXT];
    return ami_net_set_meta(net, key, ami_number_print(value, text));
}

bool ami_policy_write_meta(ami_net *net, const ami_env_def *def, double physics_hz)
{
    AMI_ASSERT(net && def);
    char bodies[256];
    ami_bodies_print(def->may_touch, bodies, sizeof bodies);
    return ami_net_set_meta(net, "kind", "actor") && ami_net_set_meta(net, "may_touch", bodies) &&
           ami_net_set_meta(net, "action",
                            def->action_mode == AMI_ACTION_ABSOLUTE ? "absolute" : "residual") &&
           ami_net_set_meta(
               net, "joint_order",
               "chest neck right_hip right_knee right_ankle right_shoulder right_elbow left_hip left_knee "
               "left_ankle left_shoulder left_elbow") &&
           set_number(net, "control_hz", physics_hz / def->substeps) &&
           set_number(net, "physics_hz", physics_hz) && set_number(net, "look_ahead", def->look_ahead);
}

/* ---- graphs ---- */

/* The output of 36 floats a row. -1 and a sentence where it is not known which. */
static int find_action(const ami_graph *g, const char *wanted, ami_error *err)
{
    static const char *const names[] = {"action", "actions", "mean", "mu"};
    int only = -1, count = 0, named = -1;
    for (int o = 0; o < ami_graph_outputs(g); o++) {
        const ami_graph_port *p = ami_graph_output(g, o);
        if (p->type != 1 || !p->has_rows || ami_graph_port_count(p, 1) != AMI_ACTION)
            continue;
        only = o;
        count++;
        for (size_t k = 0; k < sizeof names / sizeof *names; k++)
            named = strcasecmp(p->name, names[k]) ? named : o;
        if (wanted && !strcmp(p->name, wanted))
            return o;
    }
    if (!wanted && (count == 1 || named >= 0))
        return named >= 0 ? named : only;
    if (wanted)
        ami_fail(
            err,
            "metadata \"action_output\" is \"%.60s\", no output of that name has %d float32 numbers a row",
            wanted, AMI_ACTION);
    else
        ami_fail(
            err,
            "%d of the network's outputs have %d float32 numbers a row, expected one, or one that is named "
            "action",
            count, AMI_ACTION);
    return -1;
}

/* The metadata of a graph, as those of a net of its size. NULL and a sentence on error. */
static ami_net *stand_in(const ami_graph *g, ami_error *err)
{
    const ami_graph_port *in = ami_graph_input(g, 0);
    if (ami_graph_inputs(g) != 1) {
        ami_fail(
            err,
            "the network has %d inputs, expected an actor with one, the observation: a state from call to "
            "call is not kept for characters",
            ami_graph_inputs(g));
        return NULL;
    }
    const size_t inputs = ami_graph_port_count(in, 1);
    if (in->type != 1 || !in->has_rows || (inputs != AMI_OBS && inputs != AMI_OBS_MAX)) {
        ami_fail(err,
                 "input \"%.60s\" is not rows of float32 of an actor's size, expected %d numbers a row, or "
                 "%d with "
                 "the goal",
                 in->name, AMI_OBS, AMI_OBS_MAX);
        return NULL;
    }
    ami_net *net = ami_net_create(1, (int[]){(int)inputs, AMI_ACTION}, err);
    for (int i = 0; net && i < ami_graph_metas(g); i++)
        if (!ami_net_set_meta(net, ami_graph_meta(g, i)->key, ami_graph_meta(g, i)->value)) {
            ami_fail(err, "out of memory");
            ami_net_destroy(net);
            return NULL;
        }
    return net;
}

static bool take_graph(ami_policy *policy, ami_network *network, ami_error *err)
{
    ami_net *net = stand_in(network->graph, err);
    const int action = net ? find_action(network->graph, ami_net_get_meta(net, "action_output"), err) : -1;
    const bool ok = action >= 0 && ami_policy_describe(policy, net, err);
    ami_net_destroy(net);
    if (!ok)
        return false;
    policy->graph = network->graph;
    policy->action_output = action;
    network->graph = NULL;
    return true;
}

static bool pack(ami_policy *policy, ami_net *net, const ami_model_def *def, ami_error *err)
{
    if (!ami_policy_describe(policy, net, err))
        return false;
    policy->actor = ami_net_observe(net, def, err) ? ami_model_create(net, def, err) : NULL;
    if (!policy->actor)
        ami_policy_free(policy);
    return policy->actor != NULL;
}

/* ---- loading ---- */

bool ami_policy_load(ami_policy *policy, const char *path, const ami_model_def *def, ami_error *err)
{
    AMI_ASSERT(policy && path);
    memset(policy, 0, sizeof *policy);
    ami_network network;
    if (!ami_network_read(path, def, &network, err))
        return false;
    const bool ok = network.net ? pack(policy, network.net, def, err) : take_graph(policy, &network, err);
    ami_network_free(&network);
    return ok || ami_fail_in(err, "%s", path);
}

void ami_policy_free(ami_policy *policy)
{
    ami_model_destroy(policy->actor);
    ami_graph_destroy(policy->graph);
    free(policy->listed);
    policy->actor = NULL;
    policy->graph = NULL;
    policy->listed = NULL;
    policy->motions = 0;
}

/* ---- the network ---- */

int ami_policy_inputs(const ami_policy *policy)
{
    return policy->goal ? AMI_OBS_MAX : AMI_OBS;
}

const void *ami_policy_network(const ami_policy *policy)
{
    return policy->graph ? (const void *)policy->graph : (const void *)policy->actor;
}

size_t ami_policy_workspace_size(const ami_policy *policy, int rows)
{
    return policy->graph ? ami_graph_workspace_size(policy->graph, rows)
                         : ami_model_workspace_size(policy->actor, rows);
}

void ami_policy_run(const ami_policy *policy, void *workspace, const float *obs, int n, float *action)
{
    if (!policy->graph) {
        ami_model_run(policy->actor, workspace, obs, n, action);
        return;
    }
    void *out[AMI_GRAPH_PORTS] = {NULL};
    out[policy->action_output] = action;
    if (!ami_graph_run(policy->graph, workspace, n, (const void *const[]){obs}, out, NULL))
        memset(action, 0, (size_t)n * AMI_ACTION * sizeof *action); /* an index made of observations */
}

/* The graph's part with most weights; NULL kernel: it has none. */
static ami_graph_part largest_part(const ami_graph *g)
{
    ami_graph_info info;
    ami_graph_part part, largest = {.precision = AMI_PRECISION_FP32, .kernel = "plain C"};
    ami_graph_get_info(g, &info);
    for (int p = 0; p < info.parts; p++) {
        ami_graph_get_part(g, p, &part);
        largest = part.bytes > largest.bytes ? part : largest;
    }
    return largest;
}

ami_precision ami_policy_precision(const ami_policy *policy)
{
    return policy->graph ? largest_part(policy->graph).precision : ami_model_precision(policy->actor);
}

const char *ami_policy_kernel_name(const ami_policy *policy)
{
    return policy->graph ? largest_part(policy->graph).kernel : ami_model_kernel_name(policy->actor);
}

void ami_policy_precisions(const ami_policy *policy, char *text, size_t size)
{
    if (policy->graph)
        snprintf(text, size, "%s", ami_precision_name(ami_policy_precision(policy)));
    else
        snprintf(text, size, "%s", ami_model_precisions(policy->actor));
}

void ami_policy_describe_network(const ami_policy *policy, char *text, size_t size)
{
    if (policy->graph)
        ami_graph_describe(policy->graph, text, size);
    else
        ami_model_describe(policy->actor, text, size);
}

bool ami_policy_critic_path(const char *policy, char *path, size_t size)
{
    const char *dot = strrchr(policy, '.'), *slash = strrchr(policy, '/');
    const int stem = (int)(dot && (!slash || dot > slash) ? dot - policy : (long)strlen(policy));
    snprintf(path, size, "%.*s_critic.onnx", stem, policy);
    if (access(path, R_OK) == 0)
        return true;
    snprintf(path, size, "%.*scritic.onnx", slash ? (int)(slash - policy) + 1 : 0, policy);
    return access(path, R_OK) == 0;
}

void ami_policy_use(const ami_policy *policy, ami_env_def *def)
{
    AMI_ASSERT(policy && def);
    def->goal = policy->goal;
    def->action_mode = policy->action_mode;
    def->substeps = policy->substeps;
    def->look_ahead = policy->look_ahead;
}

bool ami_policy_check(const ami_policy *policy, const ami_env_def *def, ami_error *err)
{
    AMI_ASSERT(def);
    if (policy && policy->goal != def->goal)
        return ami_fail(
            err, "the network takes observations of %d numbers, the environment gives %d: see ami_policy_use",
            policy->goal ? AMI_OBS_MAX : AMI_OBS, def->goal ? AMI_OBS_MAX : AMI_OBS);
    if (policy && policy->action_mode != def->action_mode)
        return ami_fail(err,
                        "the network's actions are %s, the environment takes %s ones: see ami_policy_use",
                        policy->action_mode == AMI_ACTION_RESIDUAL ? "residual" : "absolute",
                        def->action_mode == AMI_ACTION_RESIDUAL ? "residual" : "absolute");
    return true;
}
