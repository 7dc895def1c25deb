/* Runs rollouts with several seeds and computes their means. */
#include "policy/evaluate.h"

#include <math.h>

static void add(ami_evaluation *e, const ami_rollout_result *r, int seeds)
{
    e->seeds++;
    e->survival += r->survival / seeds;
    e->success += r->success / seeds;
    e->normalised_return += r->normalised_return / seeds;
    e->root_m += r->root_m / seeds;
    e->joint_rad += r->joint_rad / seeds;
    e->e_g_mpjpe += r->e_g_mpjpe / seeds;
    e->e_mpjpe += r->e_mpjpe / seeds;
    e->e_vel += r->e_vel / seeds;
    e->e_acc += r->e_acc / seeds;
    e->success_phc += r->success_phc / seeds;
    e->control_steps_per_s += r->control_steps_per_s / seeds;
    e->worst_survival = fmin(e->worst_survival, r->survival);
    e->worst_return = fmin(e->worst_return, r->normalised_return);
    e->unstable += r->resets_unstable;
}

/* If it was stopped, makes the means those of the completed seeds. */
static void rescale(ami_evaluation *e, double by)
{
    e->survival *= by;
    e->success *= by;
    e->normalised_return *= by;
    e->root_m *= by;
    e->joint_rad *= by;
    e->e_g_mpjpe *= by;
    e->e_mpjpe *= by;
    e->e_vel *= by;
    e->e_acc *= by;
    e->success_phc *= by;
    e->control_steps_per_s *= by;
}

bool ami_evaluate(const ami_evaluation_def *def, ami_evaluation *evaluation, ami_error *err)
{
    const ami_clip *clip = def->rollout->generator ? NULL : def->rollout->env.clip;
    *evaluation = (ami_evaluation){.worst_survival = 1, .worst_return = 1};
    if (def->seeds < 1)
        return ami_fail(err, "%d seeds, expected 1 or more", def->seeds);
    if (def->protocol == AMI_PROTOCOL_OWN_LENGTH && !clip)
        return ami_fail(err, "invented motions have no length of their own");
    for (int s = 0; s < def->seeds && !evaluation->stopped; s++) {
        ami_rollout_def own = *def->rollout;
        ami_generator_def generator;
        own.env.seed += (uint64_t)s;
        if (own.generator) {
            generator = *own.generator;
            generator.seed = own.env.seed;
            own.generator = &generator;
        }
        if (def->protocol == AMI_PROTOCOL_OWN_LENGTH) {
            own.env.episode_s = ami_clip_duration(clip);
            own.env.start_phase = 0;
        }
        ami_rollout_result result;
        if (!ami_rollout_run(&own, &result, err))
            return false;
        evaluation->stopped = result.stopped;
        if (!evaluation->stopped) {
            add(evaluation, &result, def->seeds);
            if (def->done)
                def->done(def->context, &own, &result);
        }
        ami_rollout_result_free(&result);
    }
    if (evaluation->stopped && evaluation->seeds > 0)
        rescale(evaluation, (double)def->seeds / evaluation->seeds);
    return true;
}
