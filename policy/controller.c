/* Loads actors with their metadata and runs them for control steps. */
#include "policy/controller.h"

#include "base/assert.h"
#include "base/number.h"
#include "base/text.h"
#include "nets/onnx/onnx.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
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
    return read_motion_crc(policy, net, err);
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

bool ami_policy_load(ami_policy *policy, const char *path, const ami_model_def *def, ami_error *err)
{
    AMI_ASSERT(policy && path);
    memset(policy, 0, sizeof *policy);
    ami_net *net = ami_onnx_read(path, err);
    if (!net)
        return false;
    bool ok = ami_policy_describe(policy, net, err);
    if (ok) {
        policy->actor = ami_model_create(net, def, err);
        ok = policy->actor != NULL;
    }
    ami_net_destroy(net);
    return ok || ami_fail_in(err, "%s", path);
}

void ami_policy_free(ami_policy *policy)
{
    ami_model_destroy(policy->actor);
    policy->actor = NULL;
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

bool ami_controller_init(ami_controller *controller, const ami_policy *policy, int rows, ami_error *err)
{
    AMI_ASSERT(controller && rows >= 1);
    *controller = (ami_controller){.policy = policy, .rows = rows};
    controller->obs = malloc((size_t)rows * AMI_OBS_MAX * sizeof(float));
    controller->action = calloc((size_t)rows * AMI_ACTION, sizeof(float));
    controller->workspace = policy ? malloc(ami_model_workspace_size(policy->actor, rows)) : NULL;
    if (controller->obs && controller->action && (controller->workspace || !policy))
        return true;
    ami_controller_free(controller);
    return ami_fail(err, "out of memory for a controller of %d characters", rows);
}

void ami_controller_free(ami_controller *controller)
{
    free(controller->obs);
    free(controller->action);
    free(controller->workspace);
    *controller = (ami_controller){0};
}

void ami_controller_decide(ami_controller *controller, ami_env *const *env, int n)
{
    AMI_ASSERT(controller && env && n >= 1 && n <= controller->rows);
    if (!controller->policy)
        return; /* the actions are always zero */
    const size_t inputs = (size_t)ami_model_inputs(controller->policy->actor);
    for (int i = 0; i < n; i++) {
        AMI_ASSERT((size_t)ami_env_obs_size(env[i]) == inputs);
        ami_env_observe(env[i], controller->obs + (size_t)i * inputs);
    }
    ami_model_run(controller->policy->actor, controller->workspace, controller->obs, n, controller->action);
}

ami_env_end ami_controller_step(ami_controller *controller, ami_env *env, ami_reward *reward)
{
    AMI_ASSERT(controller && env && reward);
    ami_controller_decide(controller, &env, 1);
    return ami_env_step(env, controller->action, reward);
}
