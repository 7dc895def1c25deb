/* Control steps of characters with a policy. */
#include "policy/controller.h"

#include "base/assert.h"

#include <stdlib.h>

bool ami_controller_init(ami_controller *controller, const ami_policy *policy, int rows, ami_error *err)
{
    AMI_ASSERT(controller && rows >= 1);
    *controller = (ami_controller){.policy = policy, .rows = rows};
    controller->obs = malloc((size_t)rows * AMI_OBS_MAX * sizeof(float));
    controller->action = calloc((size_t)rows * AMI_ACTION, sizeof(float));
    controller->workspace = policy ? malloc(ami_policy_workspace_size(policy, rows)) : NULL;
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
    const size_t inputs = (size_t)ami_policy_inputs(controller->policy);
    for (int i = 0; i < n; i++) {
        AMI_ASSERT((size_t)ami_env_obs_size(env[i]) == inputs);
        ami_env_observe(env[i], controller->obs + (size_t)i * inputs);
    }
    ami_policy_run(controller->policy, controller->workspace, controller->obs, n, controller->action);
}

ami_env_end ami_controller_step(ami_controller *controller, ami_env *env, ami_reward *reward)
{
    AMI_ASSERT(controller && env && reward);
    ami_controller_decide(controller, &env, 1);
    return ami_env_step(env, controller->action, reward);
}
