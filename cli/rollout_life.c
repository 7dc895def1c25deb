/* amble rollout --life: its options, what lives need, and the report. */
#include "cli/rollout_life.h"

#include "options/precision.h"
#include "options/progress.h"
#include "policy/get_up.h"
#include "policy/models.h"
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

/* What all lives share. */
typedef struct world {
    ami_character *body;
    ami_motions motions;
    bool styles;
    ami_skill *skill[AMI_SKILLS], *get_up[AMI_FACES];
    int skills;
} world;

static void free_world(world *w)
{
    for (int k = 0; k < w->skills; k++)
        ami_skill_free(w->skill[k]);
    for (int k = 0; k < AMI_FACES; k++)
        ami_skill_free(w->get_up[k]);
    if (w->styles)
        ami_motions_free(&w->motions);
    ami_character_destroy(w->body);
}

static bool load_first(world *w, const cli_common *common, const ami_style_request *style,
                       const cli_simulation *simulation, ami_error *err)
{
    char path[4096];
    if (!ami_find_actor(simulation->policy, NULL, common->clips, "locomotion", path, sizeof path, err))
        return false;
    cli_calibration calibration = simulation->calibration;
    ami_model_def model = ami_model_default_def();
    model.precision = simulation->precision;
    ami_skill_def def = {.policy = path,
                         .invents = true,
                         .clips = common->clips,
                         .characters = 1,
                         .no_critic = true,
                         .model = &model};
    w->skill[0] = cli_calibration_use(&calibration, &model, err) ? ami_skill_load(&def, err) : NULL;
    cli_calibration_free(&calibration);
    if (!w->skill[0])
        return false;
    w->skills = 1;
    ami_character_def body = ami_character_default_def();
    body.self_collision = simulation->self_collision;
    body.physics_hz = w->skill[0]->policy.physics_hz;
    w->body = ami_character_create(&body, err);
    w->styles = w->body && ami_motions_load(&w->motions, style, &w->body->skeleton, common->clips, err);
    return w->styles;
}

static bool add_skill(world *w, const cli_common *common, const char *path, ami_error *err)
{
    const ami_skill_def def = {.policy = path,
                               .clips = common->clips,
                               .character = w->body,
                               .substeps = w->skill[0]->policy.substeps,
                               .characters = 1,
                               .no_critic = true};
    if (w->skills == AMI_SKILLS)
        return ami_fail(err, "--skills: more than %d", AMI_SKILLS - 1);
    ami_skill *skill = ami_skill_load(&def, err);
    if (!skill)
        return false;
    w->skill[w->skills++] = skill;
    return !skill->invents ||
           ami_fail(err, "--skills: %s follows invented motions, expected an actor of one", path);
}

/* Whether amble's model of this path is a skill beside the styles: it is not named like one. */
static bool is_beside(const world *w, const char *path)
{
    char name[64];
    snprintf(name, sizeof name, "%s", strrchr(path, '/') + 1);
    *strrchr(name, '.') = 0;
    return strcmp(name, "locomotion") != 0 && strncmp(name, "getup_", 6) != 0 &&
           ami_styles_find(w->motions.styles, name, NULL) < 0;
}

/* Amble's own; one whose motion is not here is left out. */
static void add_own(world *w, const cli_common *common)
{
    static char paths[AMI_SKILLS][4096];
    const int n = ami_skill_find(paths, AMI_SKILLS);
    ami_error err;
    for (int i = 0; i < n && w->skills < AMI_SKILLS; i++)
        if (is_beside(w, paths[i]) && !add_skill(w, common, paths[i], &err))
            fprintf(stderr, "the skill %s is left out: %s\n", strrchr(paths[i], '/') + 1, err.text);
}

static bool add_named(world *w, const cli_common *common, const char *names, ami_error *err)
{
    char list[4096], path[4096];
    if ((size_t)snprintf(list, sizeof list, "%s", names) >= sizeof list)
        return ami_fail(err, "--skills: the list is longer than %zu bytes", sizeof list - 1);
    for (char *rest = list, *name; (name = strsep(&rest, ","));)
        if (!ami_find_model(name, path, sizeof path, err) || !add_skill(w, common, path, err))
            return ami_fail_in(err, "--skills");
    return true;
}

static bool load(world *w, const rollout_life *life, const cli_common *common, const ami_style_request *style,
                 const cli_simulation *simulation, ami_error *err)
{
    if (!load_first(w, common, style, simulation, err))
        return false;
    if (!life->skills)
        add_own(w, common);
    else if (strcmp(life->skills, "none") != 0 && !add_named(w, common, life->skills, err))
        return false;
    const ami_skill_def like = {.clips = common->clips,
                                .character = w->body,
                                .substeps = w->skill[0]->policy.substeps,
                                .characters = 1};
    return ami_get_up_load(w->get_up, &like, err);
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
    world w = {0};
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
    free_world(&w);
    return ok;
}
