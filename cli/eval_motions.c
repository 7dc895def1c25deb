/* The table of `amble eval` over several motions: one row each, evaluated as in DeepMimic's paper (loops for
 * --seconds from random phases, others once from their first frame to their last), and means. */
#include "cli/eval.h"

#include "cli/ranks.h"
#include "motion/published.h"
#include "options/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct motion_row {
    ami_followed followed;
    eval_outcome *outcome; /* (pushes, contenders) */
} motion_row;

typedef struct motion_table {
    const eval_arguments *a;
    const eval_contender *contender;
    int contenders, count;
    motion_row *row; /* (count) */
} motion_table;

static void free_rows(motion_table *t)
{
    for (int i = 0; t->row && i < t->count; i++) {
        if (t->row[i].followed.name) /* it was begun */
            ami_followed_free(&t->row[i].followed);
        const int outcomes = t->row[i].outcome ? t->a->sim.pushes * t->contenders : 0;
        for (int k = 0; k < outcomes; k++)
            json_decref(t->row[i].outcome[k].runs);
        free(t->row[i].outcome);
    }
    free(t->row);
}

static ami_protocol protocol_of(const motion_row *row)
{
    return ami_clip_loops(row->followed.clip) ? AMI_PROTOCOL_SECONDS : AMI_PROTOCOL_OWN_LENGTH;
}

static eval_outcome *outcome_of(const motion_table *t, int row, int push, int contender)
{
    return &t->row[row].outcome[push * t->contenders + contender];
}

/* All motions, before the first rollout. Without names those that the first policy was trained on. */
static bool load_rows(motion_table *t, ami_error *err)
{
    const eval_arguments *a = t->a;
    const eval_contender *first = &t->contender[0];
    const ami_origin origin = ami_policy_origin(&first->policy, first->path);
    if (a->all_motions && ami_style_trained_on(first->policy.motion))
        return ami_fail(err, "--all-motions: %s was trained on invented motions", first->path);
    t->count = !a->all_motions ? a->names : origin.motions > 0 ? origin.motions : 1;
    t->row = calloc((size_t)t->count, sizeof *t->row);
    if (!t->row)
        return ami_fail(err, "out of memory for %d motions", t->count);
    for (int i = 0; i < t->count; i++) {
        const ami_origin one =
            a->all_motions && origin.motions > 0 ? ami_origin_of_one(&origin, &origin.listed[i]) : origin;
        const size_t outcomes = (size_t)(a->sim.pushes * t->contenders);
        if (!ami_follow(&t->row[i].followed, a->all_motions ? NULL : a->name[i], &a->style, &one,
                        &first->character->skeleton, a->common.clips, err))
            return false;
        if (!(t->row[i].outcome = calloc(outcomes, sizeof *t->row[i].outcome)))
            return ami_fail(err, "out of memory for the results of %d motions", t->count);
    }
    return true;
}

static bool run_all(motion_table *t, ami_error *err)
{
    eval_bar bar = {.all = t->count * t->a->sim.pushes * t->contenders * t->a->seeds};
    bool ok = true;
    ami_progress_start(&bar.progress, "eval", 0, 1, 0);
    for (int i = 0; ok && i < t->count; i++)
        for (int p = 0; ok && p < t->a->sim.pushes; p++)
            for (int k = 0; ok && k < t->contenders; k++)
                ok = eval_run(t->a, &t->contender[k], &t->row[i].followed, protocol_of(&t->row[i]), p, &bar,
                              outcome_of(t, i, p, k), err) ||
                     ami_fail_in(err, "%s", t->row[i].followed.name);
    ami_progress_end(&bar.progress);
    return ok;
}

static void print_row(const motion_table *t, int i, int push, int width)
{
    const motion_row *row = &t->row[i];
    const ami_evaluation *r = &outcome_of(t, i, push, 0)->mean;
    const ami_published *paper = ami_published_find(row->followed.clip);
    const bool once = protocol_of(row) == AMI_PROTOCOL_OWN_LENGTH;
    char of_paper[32] = "-", samples[32] = "-", baseline[32] = "";
    if (paper) {
        snprintf(of_paper, sizeof of_paper, "%.3f", paper->normalised_return);
        snprintf(samples, sizeof samples, "%.0f M", paper->samples / 1e6);
    }
    if (t->contenders == 2)
        snprintf(baseline, sizeof baseline, "  %8.3f", outcome_of(t, i, push, 1)->mean.normalised_return);
    printf("%s%*s  %6.2f s  %7.3f%s  %7s  %7s  %6.1f %%  %6.1f %%  %6.1f %%  %6.1f\n", row->followed.name,
           width - cli_columns(row->followed.name), "",
           once ? ami_clip_duration(row->followed.clip) : t->a->sim.seconds, r->normalised_return, baseline,
           of_paper, samples, 100 * r->survival, 100 * r->success, 100 * r->success_phc, 1e3 * r->e_mpjpe);
}

static void add_mean(ami_evaluation *mean, const ami_evaluation *r, int count)
{
    mean->normalised_return += r->normalised_return / count;
    mean->survival += r->survival / count;
    mean->success += r->success / count;
    mean->success_phc += r->success_phc / count;
    mean->e_mpjpe += r->e_mpjpe / count;
}

static ami_evaluation mean_of(const motion_table *t, int push, int contender)
{
    ami_evaluation mean = {0};
    for (int i = 0; i < t->count; i++)
        add_mean(&mean, &outcome_of(t, i, push, contender)->mean, t->count);
    return mean;
}

static void print_table(const motion_table *t, int push)
{
    const eval_arguments *a = t->a;
    const bool two = t->contenders == 2;
    int width = 8;
    for (int i = 0; i < t->count; i++) {
        const int columns = cli_columns(t->row[i].followed.name);
        width = columns > width ? columns : width;
    }
    printf("%s, %d character%s × %d seed%s from %llu", eval_base_name(t->contender[0].path), a->sim.envs,
           cli_plural(a->sim.envs), a->seeds, cli_plural(a->seeds), (unsigned long long)a->common.seed);
    if (two)
        printf(", baseline %s", eval_base_name(t->contender[1].path));
    if (a->sim.push[push].speed > 0)
        printf(", pushes of %g m/s every %g s", a->sim.push[push].speed, a->sim.push[push].period);
    cli_print_variation(&a->sim.vary);
    if (a->sim.turn != 0)
        printf(", turning %g°/s", a->sim.turn);
    printf("\n\n%-*s  %8s  %7s%s  %7s  %7s  %8s  %8s  %8s  %6s\n", width, "motion", "for", "return",
           two ? "  baseline" : "", "paper", "samples", "survival", "success", "PHC", "E mm");
    for (int i = 0; i < t->count; i++)
        print_row(t, i, push, width);
    const ami_evaluation mean = mean_of(t, push, 0);
    char baseline[32] = "";
    if (two)
        snprintf(baseline, sizeof baseline, "  %8.3f", mean_of(t, push, 1).normalised_return);
    printf("%-*s  %8s  %7.3f%s  %7s  %7s  %6.1f %%  %6.1f %%  %6.1f %%  %6.1f\n\n", width, "mean", "",
           mean.normalised_return, baseline, "", "", 100 * mean.survival, 100 * mean.success,
           100 * mean.success_phc, 1e3 * mean.e_mpjpe);
}

static json_t *means_json(const motion_table *t)
{
    json_t *list = json_array();
    for (int p = 0; p < t->a->sim.pushes; p++)
        for (int k = 0; k < t->contenders; k++) {
            const ami_evaluation mean = mean_of(t, p, k);
            json_t *o = json_object();
            json_object_set_new(o, "policy", cli_text(t->contender[k].path));
            json_object_set_new(o, "push_speed", cli_real(t->a->sim.push[p].speed));
            json_object_set_new(o, "push_period", cli_real(t->a->sim.push[p].period));
            json_object_set_new(o, "normalised_return", cli_real(mean.normalised_return));
            json_object_set_new(o, "survival", cli_real(mean.survival));
            json_object_set_new(o, "success_beyondmimic", cli_real(mean.success));
            json_object_set_new(o, "success_phc", cli_real(mean.success_phc));
            json_object_set_new(o, "e_mpjpe_mm", cli_real(1e3 * mean.e_mpjpe));
            json_array_append_new(list, o);
        }
    return list;
}

/* {"policy", "motions": [one motion's JSON as without a list], "means": [...]} */
static json_t *table_json(motion_table *t)
{
    json_t *o = json_object(), *motions = json_array();
    for (int i = 0; i < t->count; i++) {
        json_t *one = eval_motion_json(t->a, &t->row[i].followed), *rows = json_array();
        for (int p = 0; p < t->a->sim.pushes; p++)
            for (int k = 0; k < t->contenders; k++) {
                eval_outcome *out = outcome_of(t, i, p, k);
                json_array_append_new(rows, eval_row_json(&t->contender[k], &t->a->sim.vary,
                                                          protocol_of(&t->row[i]), t->a->sim.push[p].speed,
                                                          t->a->sim.push[p].period, out));
                out->runs = NULL; /* taken */
            }
        json_object_set_new(one, "rows", rows);
        json_array_append_new(motions, one);
    }
    json_object_set_new(o, "policy", cli_text(t->contender[0].path));
    json_object_set_new(o, "motions", motions);
    json_object_set_new(o, "means", means_json(t));
    return o;
}

bool eval_motions(const eval_arguments *arguments, const eval_contender *contender, int contenders,
                  ami_error *err)
{
    motion_table t = {.a = arguments, .contender = contender, .contenders = contenders};
    bool ok = ami_exchange_agree(cli_ranks(), load_rows(&t, err), err) && run_all(&t, err);
    for (int p = 0; ok && !eval_is_quiet(arguments) && p < arguments->sim.pushes; p++)
        print_table(&t, p);
    if (ok && !eval_is_quiet(arguments))
        printf("return: mean reward a step, 0 after a fall; survival: never fell; success: and never off the "
               "reference by more than 25 cm of the\nroot's height or a tilt of .8; PHC: joints never off by "
               "more than .5 m on average; E: joints' error relative to the root.\n");
    if (ok && cli_ranks_first())
        ok = cli_write_json(arguments->common.json, table_json(&t), err);
    free_rows(&t);
    return ok;
}
