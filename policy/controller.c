#include "policy/controller.h"

#include "base/text.h"
#include "nets/onnx/onnx.h"

#include <assert.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool read_motion_crc(amb_policy *policy, const amb_net *net, amb_error *err)
{
    const char *text = amb_net_get_meta(net, "motion_crc32c");
    policy->has_motion_crc = text != NULL;
    if (!text)
        return true;
    if (strlen(text) != 8 || text[strspn(text, "0123456789abcdefABCDEF")])
        return amb_fail(err, "metadata \"motion_crc32c\" is \"%.40s\", expected 8 hexadecimal digits", text);
    policy->motion_crc = (uint32_t)strtoul(text, NULL, 16);
    return true;
}

bool amb_policy_describe(amb_policy *policy, const amb_net *net, amb_error *err)
{
    memset(policy, 0, sizeof *policy);
    const char *kind = amb_net_get_meta(net, "kind");
    if (kind && strcmp(kind, "actor"))
        return amb_fail(err, "this network is a %.40s, expected an actor", kind);
    if ((net->dim[0] != AMB_OBS && net->dim[0] != AMB_OBS_MAX) || net->dim[net->layers] != AMB_ACTION)
        return amb_fail(err,
                        "a network from %d to %d numbers, expected an actor from %d to %d, or from %d with "
                        "the reference's goal",
                        net->dim[0], net->dim[net->layers], AMB_OBS, AMB_ACTION, AMB_OBS_MAX);
    policy->goal = net->dim[0] == AMB_OBS_MAX;
    const char *action = amb_net_get_meta(net, "action");
    if (action && strcmp(action, "residual") && strcmp(action, "absolute"))
        return amb_fail(err, "metadata \"action\" is \"%.40s\", expected residual or absolute", action);
    /* A file without metadata is somebody else's DeepMimic actor. */
    policy->action_mode = action && !strcmp(action, "residual") ? AMB_ACTION_RESIDUAL : AMB_ACTION_ABSOLUTE;
    policy->physics_hz = 120;
    policy->look_ahead = .06;
    double control_hz = 30;
    if (!amb_net_get_number(net, "physics_hz", 30, 10000, &policy->physics_hz, err) ||
        !amb_net_get_number(net, "control_hz", .1, 10000, &control_hz, err) ||
        !amb_net_get_number(net, "look_ahead", 0, 1, &policy->look_ahead, err))
        return false;
    policy->substeps = (int)lround(policy->physics_hz / control_hz);
    if (policy->substeps < 1 ||
        fabs(policy->substeps * control_hz - policy->physics_hz) > 1e-6 * policy->physics_hz)
        return amb_fail(err, "metadata: control at %g Hz is no whole fraction of physics at %g Hz",
                        control_hz, policy->physics_hz);
    const char *may_touch = amb_net_get_meta(net, "may_touch");
    if (may_touch && !amb_bodies_read(may_touch, &policy->may_touch, err))
        return amb_fail_in(err, "metadata \"may_touch\"");
    const char *motion = amb_net_get_meta(net, "motion");
    if (motion && !amb_text_is_printable(motion))
        return amb_fail(err, "metadata \"motion\" is \"%.80s\", expected printable text", motion);
    snprintf(policy->motion, sizeof policy->motion, "%s", motion ? motion : "");
    return read_motion_crc(policy, net, err);
}

bool amb_policy_load(amb_policy *policy, const char *path, const amb_model_def *def, amb_error *err)
{
    memset(policy, 0, sizeof *policy);
    amb_net *net = amb_onnx_read(path, err);
    if (!net)
        return false;
    bool ok = amb_policy_describe(policy, net, err);
    if (ok) {
        policy->actor = amb_model_create(net, def, err);
        ok = policy->actor != NULL;
    }
    amb_net_destroy(net);
    return ok || amb_fail_in(err, "%s", path);
}

void amb_policy_free(amb_policy *policy)
{
    amb_model_destroy(policy->actor);
    policy->actor = NULL;
}

bool amb_policy_critic_path(const char *policy, char *path, size_t size)
{
    const char *dot = strrchr(policy, '.'), *slash = strrchr(policy, '/');
    const int stem = (int)(dot && (!slash || dot > slash) ? dot - policy : (long)strlen(policy));
    snprintf(path, size, "%.*s_critic.onnx", stem, policy);
    if (access(path, R_OK) == 0)
        return true;
    snprintf(path, size, "%.*scritic.onnx", slash ? (int)(slash - policy) + 1 : 0, policy);
    return access(path, R_OK) == 0;
}

void amb_policy_use(const amb_policy *policy, amb_env_def *def)
{
    def->goal = policy->goal;
    def->action_mode = policy->action_mode;
    def->substeps = policy->substeps;
    def->look_ahead = policy->look_ahead;
}

bool amb_policy_check(const amb_policy *policy, const amb_env_def *def, amb_error *err)
{
    if (policy && policy->goal != def->goal)
        return amb_fail(
            err, "the network takes observations of %d numbers, the environment gives %d: see amb_policy_use",
            policy->goal ? AMB_OBS_MAX : AMB_OBS, def->goal ? AMB_OBS_MAX : AMB_OBS);
    if (policy && policy->action_mode != def->action_mode)
        return amb_fail(err,
                        "the network's actions are %s, the environment takes %s ones: see amb_policy_use",
                        policy->action_mode == AMB_ACTION_RESIDUAL ? "residual" : "absolute",
                        def->action_mode == AMB_ACTION_RESIDUAL ? "residual" : "absolute");
    return true;
}

bool amb_controller_init(amb_controller *controller, const amb_policy *policy, int rows, amb_error *err)
{
    *controller = (amb_controller){.policy = policy, .rows = rows};
    controller->obs = malloc((size_t)rows * AMB_OBS_MAX * sizeof(float));
    controller->action = calloc((size_t)rows * AMB_ACTION, sizeof(float));
    controller->workspace = policy ? malloc(amb_model_workspace_size(policy->actor, rows)) : NULL;
    if (controller->obs && controller->action && (controller->workspace || !policy))
        return true;
    amb_controller_free(controller);
    return amb_fail(err, "out of memory for a controller of %d characters", rows);
}

void amb_controller_free(amb_controller *controller)
{
    free(controller->obs);
    free(controller->action);
    free(controller->workspace);
    *controller = (amb_controller){0};
}

void amb_controller_decide(amb_controller *controller, amb_env *const *env, int n)
{
    if (!controller->policy)
        return; /* actions are zero and stay so */
    const size_t inputs = (size_t)amb_model_inputs(controller->policy->actor);
    for (int i = 0; i < n; i++) {
        assert((size_t)amb_env_obs_size(env[i]) == inputs);
        amb_env_observe(env[i], controller->obs + (size_t)i * inputs);
    }
    amb_model_run(controller->policy->actor, controller->workspace, controller->obs, n, controller->action);
}

amb_env_end amb_controller_step(amb_controller *controller, amb_env *env, amb_reward *reward)
{
    amb_controller_decide(controller, &env, 1);
    return amb_env_step(env, controller->action, reward);
}
