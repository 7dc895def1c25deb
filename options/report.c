/* Prints the results of rollouts as text and JSON. */
#include "options/report.h"

#include "options/options.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

static const char *const part_label[AMI_REWARD_PARTS] = {"pose", "velocity", "end effectors", "root",
                                                         "centre of mass"};

static void bar(double fraction)
{
    const int width = 30, full = (int)lround(fmin(fmax(fraction, 0), 1) * width);
    for (int i = 0; i < width; i++)
        fputs(i < full ? "█" : "░", stdout);
}

static int64_t refusals(const ami_generator_counts *counts)
{
    int64_t sum = 0;
    for (int k = 0; k < AMI_REFUSALS; k++)
        sum += counts->refused[k];
    return sum;
}

static void print_generator(const ami_rollout_result *r)
{
    const ami_percentiles *us = &r->generate_us;
    const int64_t refused = refusals(&r->generator);
    printf("  invented motions      %" PRId64 ", refused %" PRId64
           "; in a step p50 %.1f µs, p99 %.0f µs, max %.0f µs\n",
           r->generator.made, refused, us->p50, us->p99, us->max);
    for (int k = 0; refused > 0 && k < AMI_REFUSALS; k++)
        if (r->generator.refused[k])
            printf("    refused because     %s: %" PRId64 "\n", ami_refusal_text((ami_refusal)k),
                   r->generator.refused[k]);
}

/* Prints a label padded to a width in columns; "%-24s" would count the bytes of UTF-8.
 */
static void print_padded(const char *text, int columns)
{
    for (const char *at = text; *at; at++)
        columns -= (*at & 0xc0) != 0x80;
    printf("%s%*s", text, columns > 0 ? columns : 1, "");
}

static void print_moments(const ami_rollout_result *r)
{
    printf("\n  from      style                      still up at its end   return\n");
    for (int m = 0; m < r->moments; m++) {
        const ami_moment_result *moment = &r->moment[m];
        printf("  %5.1f s   ", moment->from);
        print_padded(moment->label, 27);
        printf("%4.0f of %-4d            %5.3f  ", moment->survival * r->episodes, r->episodes,
               moment->normalised_return);
        bar(moment->normalised_return);
        printf("\n");
    }
}

void cli_print_variation(const ami_variation_def *vary)
{
    if (vary->friction[1] > 0)
        printf(", friction %g to %g", vary->friction[0], vary->friction[1]);
    if (vary->mass[1] > 0)
        printf(", masses × %g to %g", vary->mass[0], vary->mass[1]);
    if (vary->delay[1] > 0)
        printf(", actions %d to %d steps late", vary->delay[0], vary->delay[1]);
    if (vary->observation_noise > 0)
        printf(", observation noise %g", vary->observation_noise);
}

void cli_print_rollout(const ami_rollout_def *def, const ami_rollout_result *result, const char *motion,
                       const char *policy)
{
    const ami_env_def *env = &def->env;
    const char *name = policy ? strrchr(policy, '/') : NULL;
    printf("%s, %d character%s for %g s, %s", motion, def->envs, cli_plural(def->envs), env->episode_s,
           policy ? name ? name + 1 : policy : "no network");
    if (env->push_speed > 0)
        printf(", pushed by %g m/s every %g s", env->push_speed, env->push_period);
    cli_print_variation(&env->vary);
    if (env->turn_rate != 0)
        printf(", turning %g°/s", env->turn_rate * 180 / M_PI);
    printf("\n\n");
    printf("  still up at the end   %4.0f of %-4d  ", result->survival * result->episodes, result->episodes);
    bar(result->survival);
    printf("\n  normalised return     %12.3f  ", result->normalised_return);
    bar(result->normalised_return);
    printf("\n");
    if (result->moments)
        print_moments(result);
    printf("\n  reward in its parts\n");
    for (int k = 0; k < AMI_REWARD_PARTS; k++) {
        printf("    %-19s %12.3f  ", part_label[k], result->part[k]);
        bar(result->part[k]);
        printf("\n");
    }
    printf("\n  off the motion by     %.1f cm root, %.1f° joints, %.1f cm hands and feet (means)\n",
           100 * result->root_m, result->joint_rad * 180 / M_PI, 100 * result->end_effector_m);
    printf("  mean time up          %.1f s\n", result->seconds);
    if (result->resets_unstable)
        printf("  unstable states       %" PRId64 " (those characters were reset and count as fallen)\n",
               result->resets_unstable);
    if (result->failed)
        printf("  physics failed        in %d characters, which were reset and count as fallen: %s\n",
               result->failed, result->failure);
    if (def->generator)
        print_generator(result);
    if (result->step_us.max > 0) /* it was measured */
        printf("  control step          p50 %.0f µs, p99 %.0f µs, max %.0f µs; physics takes %.0f %% of it\n",
               result->step_us.p50, result->step_us.p99, result->step_us.max, 100 * result->physics_fraction);
    if (def->realtime)
        printf("  real time             woken late by p50 %.0f µs, p99 %.0f µs, max %.0f µs; %" PRId64
               " deadlines missed\n",
               result->wakeup_us.p50, result->wakeup_us.p99, result->wakeup_us.max, result->missed_deadlines);
    else
        printf("  speed                 %.0f control steps/s, %.0f × real time in all\n",
               result->control_steps_per_s, result->control_steps_per_s * result->control_dt);
}

void cli_variation_json(const ami_variation_def *vary, json_t *o)
{
    json_object_set_new(o, "friction", json_pack("[ff]", vary->friction[0], vary->friction[1]));
    json_object_set_new(o, "mass_range", json_pack("[ff]", vary->mass[0], vary->mass[1]));
    json_object_set_new(o, "delay", json_pack("[ii]", vary->delay[0], vary->delay[1]));
    json_object_set_new(o, "observation_noise", cli_real(vary->observation_noise));
}

static json_t *percentiles(const ami_percentiles *p)
{
    json_t *o = json_object();
    json_object_set_new(o, "p50", cli_real(p->p50));
    json_object_set_new(o, "p99", cli_real(p->p99));
    json_object_set_new(o, "p99.9", cli_real(p->p999));
    json_object_set_new(o, "max", cli_real(p->max));
    return o;
}

static json_t *generator_json(const ami_rollout_result *r)
{
    json_t *o = json_object();
    json_object_set_new(o, "made", json_integer((json_int_t)r->generator.made));
    json_object_set_new(o, "refused", json_integer((json_int_t)refusals(&r->generator)));
    json_object_set_new(o, "changes", json_integer((json_int_t)r->generator.changes));
    json_object_set_new(o, "step_us", percentiles(&r->generate_us));
    return o;
}

static json_t *moments_json(const ami_rollout_result *r)
{
    json_t *list = json_array();
    for (int m = 0; m < r->moments; m++) {
        const ami_moment_result *moment = &r->moment[m];
        json_t *o = json_object();
        json_object_set_new(o, "from", cli_real(moment->from));
        json_object_set_new(o, "until", cli_real(moment->until));
        json_object_set_new(o, "style", json_string(moment->label));
        json_object_set_new(o, "survival", cli_real(moment->survival));
        json_object_set_new(o, "normalised_return", cli_real(moment->normalised_return));
        json_array_append_new(list, o);
    }
    return list;
}

json_t *cli_rollout_json(const ami_rollout_def *def, const ami_rollout_result *result, const char *motion,
                         const char *policy)
{
    json_t *o = json_object(), *parts = json_object(), *tracking = json_object();
    for (int k = 0; k < AMI_REWARD_PARTS; k++)
        json_object_set_new(parts, ami_reward_name[k], cli_real(result->part[k]));
    json_object_set_new(tracking, "root_m", cli_real(result->root_m));
    json_object_set_new(tracking, "joint_rad", cli_real(result->joint_rad));
    json_object_set_new(tracking, "end_effector_m", cli_real(result->end_effector_m));
    json_object_set_new(o, "e_g_mpjpe_mm", cli_real(1e3 * result->e_g_mpjpe));
    json_object_set_new(o, "e_mpjpe_mm", cli_real(1e3 * result->e_mpjpe));
    json_object_set_new(o, "e_vel_mm", cli_real(1e3 * result->e_vel));
    json_object_set_new(o, "e_acc_mm", cli_real(1e3 * result->e_acc));
    json_object_set_new(o, "success_phc", cli_real(result->success_phc));
    json_object_set_new(o, "success_beyondmimic", cli_real(result->success));
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, result->hash);
    json_object_set_new(o, "motion", cli_text(motion));
    json_object_set_new(o, "policy", policy ? cli_text(policy) : json_null());
    if (def->policy) {
        char precisions[AMI_MODEL_PRECISIONS];
        ami_policy_precisions(def->policy, precisions, sizeof precisions);
        json_object_set_new(o, "precision",
                            json_string(ami_precision_name(ami_policy_precision(def->policy))));
        json_object_set_new(o, "precisions", json_string(precisions));
        json_object_set_new(o, "kernel", json_string(ami_policy_kernel_name(def->policy)));
    }
    json_object_set_new(o, "seed", json_integer((json_int_t)def->env.seed));
    json_object_set_new(o, "seconds", cli_real(def->env.episode_s));
    json_object_set_new(o, "push_speed", cli_real(def->env.push_speed));
    cli_variation_json(&def->env.vary, o);
    json_object_set_new(o, "push_period", cli_real(def->env.push_period));
    json_object_set_new(o, "turn_rate", cli_real(def->env.turn_rate));
    json_object_set_new(o, "episodes", json_integer(result->episodes));
    json_object_set_new(o, "survival", cli_real(result->survival));
    json_object_set_new(o, "normalised_return", cli_real(result->normalised_return));
    json_object_set_new(o, "mean_seconds_up", cli_real(result->seconds));
    json_object_set_new(o, "reward", parts);
    json_object_set_new(o, "tracking", tracking);
    json_object_set_new(o, "control_steps", json_integer(result->control_steps));
    json_object_set_new(o, "control_steps_per_s", cli_real(result->control_steps_per_s));
    json_object_set_new(o, "wall_s", cli_real(result->wall_s));
    if (result->step_us.max > 0) { /* it was measured */
        json_object_set_new(o, "physics_share", cli_real(result->physics_fraction));
        json_object_set_new(o, "step_us", percentiles(&result->step_us));
    }
    if (def->realtime) {
        json_object_set_new(o, "wakeup_us", percentiles(&result->wakeup_us));
        json_object_set_new(o, "missed_deadlines", json_integer(result->missed_deadlines));
    }
    if (def->generator)
        json_object_set_new(o, "invented_motions", generator_json(result));
    if (result->moments)
        json_object_set_new(o, "schedule", moments_json(result));
    json_object_set_new(o, "resets_non_finite", json_integer(result->resets_unstable));
    if (result->failed) {
        json_object_set_new(o, "physics_failed", json_integer(result->failed));
        json_object_set_new(o, "physics_failure", json_string(result->failure));
    }
    json_object_set_new(o, "hash", json_string(hash));
    return o;
}
