/* amble rollout --life: its options, what lives need, and the report. */
#include "cli/rollout_life.h"

#include "options/precision.h"
#include "options/progress.h"
#include "policy/repertoire.h"
#include "session/life.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_LIFE = CLI_KEY_OWN + 0x100, KEY_SKILLS, KEY_HARD, KEY_SKILL_EVERY, KEY_TURN_EVERY };

static const struct argp_option options[] = {
    {"life", KEY_LIFE, NULL, 0,
     "live on for 600 s: styles, skills and headings are drawn, pushes come, and whoever falls gets up", 1},
    {"skills", KEY_SKILLS, "LIST", 0,
     "skills to draw from, names of models or files with commas, or none (default: amble's own whose motions "
     "are here)",
     1},
    {"skill-every", KEY_SKILL_EVERY, "S", 0, "mean time between skills (default 20; 0: none)", 1},
    {"turn-every", KEY_TURN_EVERY, "S", 0, "mean time between turns to any heading (default 8; 0: none)", 1},
    {"hard-push", KEY_HARD, "SPEED,PERIOD", 0, "pushes of SPEED m/s (default 3,30; 0,1: none)", 1},
    {0},
};

rollout_life rollout_life_default(void)
{
    return (rollout_life){.hard_speed = 3, .hard_period = 30, .skill_every_s = 20, .turn_every_s = 8};
}

error_t rollout_life_parse(int key, char *text, struct argp_state *state)
{
    rollout_life *l = state->input;
    ami_error err;
    switch (key) {
    case KEY_LIFE:
        l->on = true;
        return 0;
    case KEY_SKILLS:
        l->skills = text;
        l->option = "--skills";
        return 0;
    case KEY_SKILL_EVERY:
        l->skill_every_s = cli_double(state, text, 0, 1e6, "--skill-every");
        l->option = "--skill-every";
        return 0;
    case KEY_TURN_EVERY:
        l->turn_every_s = cli_double(state, text, 0, 1e6, "--turn-every");
        l->option = "--turn-every";
        return 0;
    case KEY_HARD:
        if (!cli_parse_push(text, "--hard-push", &l->hard_speed, &l->hard_period, &err))
            argp_error(state, "%s", err.text);
        l->option = "--hard-push";
        return 0;
    default:
        return ARGP_ERR_UNKNOWN;
    }
}

const struct argp rollout_life_argp = {options, rollout_life_parse, NULL, NULL, NULL, NULL, NULL};

static void left_out(const char *name, const char *why)
{
    fprintf(stderr, "the skill %s is left out: %s\n", name, why);
}

static bool load(ami_repertoire *w, const rollout_life *life, const cli_common *common,
                 const ami_style_request *style, const cli_simulation *simulation, ami_error *err)
{
    cli_calibration calibration = simulation->calibration;
    ami_model_def model = ami_model_default_def();
    model.precision = simulation->precision;
    const ami_repertoire_def def = {.locomotion = simulation->policy,
                                    .style = style,
                                    .clips = common->clips,
                                    .model = &model,
                                    .self_collision = simulation->self_collision,
                                    .skills = life->skills,
                                    .left_out = left_out,
                                    .get_up = true};
    const bool ok = cli_calibration_use(&calibration, &model, err) && ami_repertoire_load(w, &def, err);
    cli_calibration_free(&calibration);
    return ok;
}

static bool write_recording(const char *record, const ami_life_result *r, ami_error *err)
{
    double *time = malloc((size_t)r->frames * sizeof *time);
    if (!time)
        return ami_fail(err, "out of memory for the recording");
    for (int i = 0; i < r->frames; i++)
        time[i] = i * r->dt;
    ami_clip *clip = ami_clip_create(r->frames, time, r->pose, false, "recording", err);
    const bool ok = clip && ami_clip_write(clip, record, err);
    ami_clip_destroy(clip);
    free(time);
    return ok;
}

static void print(const ami_life_def *def, const ami_life_result *r, const char *styles)
{
    static const char *const before[AMI_LIFE_CAUSES] = {
        "a push",        "a hard push", "the begin or end of a skill",
        "another style", "getting up",  "none of these"};
    const double minutes = def->characters * def->seconds / 60;
    printf("%s, %d character%s for %g s each\n\n", styles, def->characters, cli_plural(def->characters),
           def->seconds);
    printf("  pushed                %" PRId64 " times by up to %g m/s, %" PRId64 " by %g m/s\n", r->pushes[0],
           def->push[0].max, r->pushes[1], def->push[1].max);
    printf("  asked for             %" PRId64 " styles, %" PRId64 " skills, %" PRId64
           " headings; went %.0f m each\n",
           r->styles, r->skills, r->turns, r->distance_m);
    printf("  falls                 %" PRId64 ", %.2f a minute\n", r->falls, (double)r->falls / minutes);
    for (int k = 0; k < AMI_LIFE_CAUSES; k++)
        if (r->by[k])
            printf("    up to 3 s after     %-28s %6" PRId64 "\n", before[k], r->by[k]);
    if (r->downs)
        printf("  down                  %" PRId64
               " times for %.1f s (median), %.1f s (95 %%), %.1f s (longest); %.1f %% of "
               "the time\n",
               r->downs, r->median_down_s, r->p95_down_s, r->longest_down_s, 100 * r->down_fraction);
    if (!isnan(r->within_8_s))
        printf("  again within 8 s      %.1f %%\n", 100 * r->within_8_s);
    printf("  still down at the end %" PRId64 "\n", r->still_down);
    printf("  resets                %" PRId64 "\n", r->resets);
    printf("  speed                 %.0f control steps/s\n", (double)r->steps / r->wall_s);
}

static json_t *to_json(const ami_life_def *def, const ami_life_result *r, const char *styles)
{
    char hash[20];
    snprintf(hash, sizeof hash, "%016" PRIx64, r->hash);
    json_t *by = json_object();
    for (int k = 0; k < AMI_LIFE_CAUSES; k++)
        json_object_set_new(by, ami_life_cause_name((ami_life_cause)k), json_integer(r->by[k]));
    json_t *o =
        json_pack("{ss si sf sI sI so sI sI sI sI sI sI sI}", "motion", styles, "characters", def->characters,
                  "seconds", def->seconds, "falls", (json_int_t)r->falls, "resets", (json_int_t)r->resets,
                  "falls_after", by, "downs", (json_int_t)r->downs, "still_down", (json_int_t)r->still_down,
                  "pushes", (json_int_t)r->pushes[0], "hard_pushes", (json_int_t)r->pushes[1], "styles",
                  (json_int_t)r->styles, "skills", (json_int_t)r->skills, "turns", (json_int_t)r->turns);
    json_object_set_new(o, "longest_down_s", cli_real(r->longest_down_s));
    json_object_set_new(o, "median_down_s", cli_real(r->median_down_s));
    json_object_set_new(o, "p95_down_s", cli_real(r->p95_down_s));
    json_object_set_new(o, "within_8_s", cli_real(r->within_8_s));
    json_object_set_new(o, "down_fraction", cli_real(r->down_fraction));
    json_object_set_new(o, "distance_m", cli_real(r->distance_m));
    json_object_set_new(o, "control_steps", json_integer((json_int_t)r->steps));
    json_object_set_new(o, "control_steps_per_s", cli_real((double)r->steps / r->wall_s));
    json_object_set_new(o, "hash", json_string(hash));
    return o;
}

static void on_progress(void *context, double fraction)
{
    ami_progress_update(context, fraction, "living");
}

static bool refuse_others(const cli_simulation *s, ami_error *err)
{
    const char *const given[] = {s->motion ? "--motion" : NULL, s->no_policy ? "--no-policy" : NULL,
                                 s->turn != 0 ? "--turn" : NULL, s->may_touch ? "--may-touch" : NULL,
                                 s->max_root > 0 ? "--max-root-m" : NULL};
    for (size_t i = 0; i < sizeof given / sizeof *given; i++)
        if (given[i])
            return ami_fail(err, "--life and %s exclude each other", given[i]);
    return true;
}

bool rollout_life_run(const rollout_life *life, const cli_common *common, const ami_style_request *style,
                      const cli_simulation *simulation, const char *record, ami_error *err)
{
    ami_repertoire w = {0};
    ami_life_result result = {0};
    ami_style_request request = *style;
    if (!ami_style_requested(&request)) {
        request.style = "random";
        request.change = 4;
    }
    if (!refuse_others(simulation, err))
        return false;
    ami_progress progress;
    ami_progress_start(&progress, "rollout", 0, 1, 0);
    bool ok = load(&w, life, common, &request, simulation, err);
    const double frames = ok ? simulation->seconds / (w.skill[0]->policy.substeps * w.body->timestep) + 2 : 0;
    if (record && frames > AMI_CLIP_MAX_FRAMES)
        ok = ami_fail(err, "--record: %g s make %.0f frames, more than the %d that a clip may have",
                      simulation->seconds, frames, AMI_CLIP_MAX_FRAMES);
    if (ok) {
        ami_env_def env = ami_env_default_def(w.body, w.skill[0]->clip);
        ami_policy_use(&w.skill[0]->policy, &env);
        env.start_heading = simulation->heading * M_PI / 180;
        env.start_phase = simulation->start;
        env.vary = simulation->vary;
        ami_life_def def = {.session = ami_session_default_def(&env, w.skill[0], 1),
                            .generator = &w.motions.def,
                            .characters = simulation->envs,
                            .seconds = simulation->seconds,
                            .seed = common->seed,
                            .skill_every_s = life->skill_every_s,
                            .turn_every_s = life->turn_every_s,
                            .push = {{0, simulation->push[0].speed, simulation->push[0].period},
                                     {life->hard_speed, life->hard_speed, life->hard_period}},
                            .record = record != NULL,
                            .progress = on_progress,
                            .context = &progress};
        for (int k = 0; k < AMI_LIFE_PUSHES; k++)
            if (!(def.push[k].max > 0))
                def.push[k].period_s = 0;
        memcpy(def.session.skill, w.skill, sizeof def.session.skill);
        def.session.skills = w.skills;
        memcpy(def.session.get_up, w.get_up, sizeof def.session.get_up);
        def.session.styles_tried = true;
        ok = ami_life_run(&def, &result, err);
        ami_progress_end(&progress);
        if (ok && !(common->json && !strcmp(common->json, "-")))
            print(&def, &result, w.motions.name);
        ok = ok && (!record || write_recording(record, &result, err)) &&
             cli_write_json(common->json, to_json(&def, &result, w.motions.name), err);
        ami_life_result_free(&result);
    }
    ami_repertoire_free(&w);
    return ok;
}
