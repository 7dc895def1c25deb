/* Rollouts of `amble eval`, and their results as JSON. */
#include "cli/eval.h"

#include "cli/ranks.h"
#include "learn/spread.h"
#include "motion/published.h"
#include "options/report.h"
#include "policy/may_touch.h"

#include <string.h>

bool eval_is_quiet(const eval_arguments *arguments)
{
    return arguments->common.json && !strcmp(arguments->common.json, "-");
}

const char *eval_base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool on_progress(void *context, double fraction)
{
    eval_bar *b = context;
    ami_progress_update(&b->progress, (b->done + fraction) / b->all, "rollout %d of %d", b->done + 1, b->all);
    return true;
}

static const char *const protocol_name[] = {
    [AMI_PROTOCOL_SECONDS] = "seconds", [AMI_PROTOCOL_OWN_LENGTH] = "own_length"};

/* What a finished rollout adds to a row. */
typedef struct row_state {
    eval_bar *bar;
    const char *motion, *policy;
    json_t *runs;
} row_state;

static void on_done(void *context, const ami_rollout_def *def, const ami_rollout_result *r)
{
    row_state *row = context;
    if (r->failed)
        ami_progress_note(&row->bar->progress,
                          "amble: physics failed in %d characters, which count as fallen: %s", r->failed,
                          r->failure);
    json_array_append_new(row->runs, cli_rollout_json(def, r, row->motion, row->policy));
    row->bar->done++;
}

/* What every rollout of a contender has in common. */
bool eval_define(const eval_arguments *arguments, const eval_contender *contender,
                 const ami_followed *followed, eval_bar *bar, ami_rollout_def *rollout, ami_error *err)
{
    *rollout = (ami_rollout_def){.env = ami_env_default_def(contender->character, followed->clip),
                                 .envs = arguments->sim.envs,
                                 .policy = &contender->policy,
                                 .generator = followed->clip ? NULL : &followed->motions.def,
                                 .progress = on_progress,
                                 .context = bar};
    static ami_rollout_share share; /* outlives every rollout */
    share = ami_spread(cli_ranks());
    rollout->share = share.parts > 1 ? &share : NULL;
    ami_policy_use(&contender->policy, &rollout->env);
    rollout->env.seed = arguments->common.seed;
    cli_simulation_use(&arguments->sim, &rollout->env);
    rollout->env.episode_s = arguments->sim.seconds;
    return ami_choose_may_touch(arguments->sim.may_touch, &contender->policy, contender->character,
                                followed->clip, &rollout->env.may_touch, err);
}

bool eval_run(const eval_arguments *arguments, const eval_contender *contender, const ami_followed *followed,
              ami_protocol how, int push, eval_bar *bar, eval_outcome *out, ami_error *err)
{
    ami_rollout_def rollout;
    if (!eval_define(arguments, contender, followed, bar, &rollout, err))
        return false;
    rollout.env.push_speed = arguments->sim.push[push].speed;
    rollout.env.push_period = arguments->sim.push[push].period;
    row_state row = {bar, followed->name, contender->path, json_array()};
    const ami_evaluation_def def = {
        .rollout = &rollout, .seeds = arguments->seeds, .protocol = how, .done = on_done, .context = &row};
    out->runs = row.runs;
    if (ami_evaluate(&def, &out->mean, err))
        return true;
    json_decref(row.runs);
    out->runs = NULL;
    return false;
}

json_t *eval_row_json(const eval_contender *contender, const ami_variation_def *vary, ami_protocol how,
                      double speed, double period, const eval_outcome *row)
{
    const ami_evaluation *r = &row->mean;
    json_t *o = json_object();
    json_object_set_new(o, "policy", cli_text(contender->path));
    json_object_set_new(o, "protocol", json_string(protocol_name[how]));
    json_object_set_new(o, "push_speed", cli_real(speed));
    json_object_set_new(o, "push_period", cli_real(period));
    cli_variation_json(vary, o);
    json_object_set_new(o, "survival", cli_real(r->survival));
    json_object_set_new(o, "survival_worst_seed", cli_real(r->worst_survival));
    json_object_set_new(o, "success", cli_real(r->success));
    json_object_set_new(o, "normalised_return", cli_real(r->normalised_return));
    json_object_set_new(o, "normalised_return_worst_seed", cli_real(r->worst_return));
    json_object_set_new(o, "e_g_mpjpe_mm", cli_real(1e3 * r->e_g_mpjpe));
    json_object_set_new(o, "e_mpjpe_mm", cli_real(1e3 * r->e_mpjpe));
    json_object_set_new(o, "e_vel_mm", cli_real(1e3 * r->e_vel));
    json_object_set_new(o, "e_acc_mm", cli_real(1e3 * r->e_acc));
    json_object_set_new(o, "success_phc", cli_real(r->success_phc));
    json_object_set_new(o, "success_beyondmimic", cli_real(r->success));
    json_object_set_new(o, "resets_non_finite", json_integer(r->unstable));
    json_object_set_new(o, "runs", row->runs);
    return o;
}

json_t *eval_motion_json(const eval_arguments *arguments, const ami_followed *followed)
{
    const ami_published *paper = followed->clip ? ami_published_find(followed->clip) : NULL;
    json_t *o = json_object();
    json_object_set_new(o, "motion", cli_text(followed->name));
    json_object_set_new(o, "seconds", cli_real(arguments->sim.seconds));
    json_object_set_new(o, "envs", json_integer(arguments->sim.envs));
    json_object_set_new(o, "seeds", json_integer(arguments->seeds));
    json_object_set_new(o, "first_seed", json_integer((json_int_t)arguments->common.seed));
    if (!paper)
        return o;
    json_object_set_new(o, "paper_nr", cli_real(paper->normalised_return));
    json_object_set_new(o, "paper_samples", json_integer((json_int_t)paper->samples));
    if (paper->forward_n > 0) {
        json_object_set_new(o, "paper_largest_push_forward_n", cli_real(paper->forward_n));
        json_object_set_new(o, "paper_largest_push_sideways_n", cli_real(paper->sideways_n));
    }
    return o;
}
