/* Skills, sessions and clips: loading, choosing, files dropped on the window, passing them to the
 * simulation. */
#include "viewer/app.h"

#include "base/assets.h"
#include "base/clock.h"
#include "policy/followed.h"
#include "policy/may_touch.h"
#include "policy/models.h"
#include "policy/motion.h"
#include "policy/skill_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Whether no option chooses motion, actor or style: then the default is the actor that follows styles, if it
 * is installed. */
static bool uses_defaults(const ami_app_def *def)
{
    return !def->sim.policy && !def->sim.motion && !def->watch && !def->sim.no_policy &&
           !ami_style_requested(&def->style);
}

static bool have_locomotion(void)
{
    char path[4096];
    return ami_asset_path("models/locomotion.onnx", path, sizeof path, NULL);
}

/* The actor's path: as given, the run folder's, else the model of the motion's name, else the default for a
 * style or clip. Empty: no actor. */
static bool first_policy(const ami_app_def *def, char *path, size_t size, ami_error *err)
{
    path[0] = 0;
    if (def->sim.no_policy)
        return true;
    if (def->watch)
        return (size_t)snprintf(path, size, "%s/actor.onnx", def->watch) < size ||
               ami_fail(err, "--watch: the path %.80s... is longer than %zu bytes", def->watch, size - 12);
    const bool styles = ami_style_requested(&def->style) || (uses_defaults(def) && have_locomotion());
    return ami_find_actor(def->sim.policy, def->sim.motion, def->clips, styles ? "locomotion" : "walk", path,
                          size, err);
}

static ami_skill_def skill_def(const ami_app *app, const char *policy)
{
    return (ami_skill_def){.policy = policy[0] ? policy : NULL,
                           .clips = app->def.clips,
                           .may_touch = app->def.sim.may_touch,
                           .character = app->content.character,
                           .substeps = app->content.env.substeps,
                           .characters = app->def.sim.envs};
}

/* Loads a skill whose network is packed by the observations of --calibrate. */
static ami_skill *load_calibrated(const ami_app *app, ami_skill_def skill, ami_error *err)
{
    cli_calibration calibration = app->def.sim.calibration;
    ami_model_def model = ami_model_default_def();
    skill.model = &model;
    ami_skill *loaded = cli_calibration_use(&calibration, &model, err) ? ami_skill_load(&skill, err) : NULL;
    cli_calibration_free(&calibration);
    return loaded;
}

static bool load_first(ami_app *app, ami_error *err)
{
    const ami_app_def *def = &app->def;
    char path[4096];
    if (!first_policy(def, path, sizeof path, err))
        return false;
    ami_skill_def first = skill_def(app, path);
    first.character = NULL; /* the first actor determines the physics rate */
    first.motion = def->sim.motion;
    first.critic = def->critic;
    first.invents = ami_style_requested(&def->style) || (uses_defaults(def) && have_locomotion());
    app->content.skill[0] = load_calibrated(app, first, err);
    if (!app->content.skill[0])
        return false;
    ami_character_def body = ami_character_default_def();
    body.self_collision = def->sim.self_collision;
    if (app->content.skill[0]->has_policy)
        body.physics_hz = app->content.skill[0]->policy.physics_hz;
    if (!app->content.character)
        app->content.character = ami_character_create(&body, err);
    const ami_policy *policy = app->content.skill[0]->has_policy ? &app->content.skill[0]->policy : NULL;
    if (!app->content.character ||
        !ami_choose_may_touch(def->sim.may_touch, policy, app->content.character, app->content.skill[0]->clip,
                              &app->content.skill[0]->may_touch, err))
        return false;
    const char *trained_on =
        uses_defaults(def) ? NULL : ami_style_trained_on(app->content.skill[0]->policy.motion);
    if (app->content.skill[0]->invents &&
        !ami_app_invent(app, app->content.skill[0], trained_on ? trained_on : "walk", err))
        return false;
    snprintf(app->content.skill_name[0], sizeof app->content.skill_name[0], "%s",
             app->content.skill[0]->name);
    snprintf(app->content.skill_path[0], sizeof app->content.skill_path[0], "%s", path);
    app->content.skills = 1;
    return true;
}

/* Whether a model's motion is one of the styles. */
static bool is_listed(const ami_app *app, const char *name)
{
    return app->content.skill[0] && app->content.skill[0]->invents &&
           (!strcmp(name, "locomotion") || ami_styles_find(app->content.motions.styles, name, NULL) >= 0);
}

/* The other models' names; they are loaded when they are chosen. */
void ami_app_list_others(ami_app *app)
{
    static ami_skill_place place[AMI_SKILLS];
    ami_error err;
    int n;
    if (!ami_skill_find(place, AMI_SKILLS, &n, &err))
        ami_app_say(app, "%s", err.text);
    for (int i = 0; i < n && app->content.skills < AMI_SKILLS; i++) {
        bool listed = false;
        for (int k = 0; k < app->content.skills; k++)
            listed |= !strcmp(place[i].path, app->content.skill_path[k]) &&
                      !strcmp(place[i].name, app->content.skill_name[k]);
        if (listed)
            continue;
        const int k = app->content.skills++;
        snprintf(app->content.skill_path[k], sizeof app->content.skill_path[k], "%s", place[i].path);
        snprintf(app->content.skill_name[k], sizeof app->content.skill_name[k], "%.63s", place[i].name);
        if (is_listed(app, app->content.skill_name[k])) {
            app->content.skill_path[k][0] = app->content.skill_name[k][0] = 0;
            app->content.skills--;
        }
    }
    ami_app_list(app);
}

/* Loads the skills that the schedule names. */
static bool add_planned(ami_app *app, ami_session_def *session, ami_error *err)
{
    const ami_style_plan *plan = &app->content.motions.plan;
    for (int i = 0; app->content.skill[0]->invents && i < plan->moments; i++) {
        const char *name = plan->moment[i].skill;
        ami_skill_place place;
        bool known = !name[0];
        for (int k = 1; k < app->content.skills && !known; k++)
            known = !strcmp(app->content.skill_name[k], name);
        if (known || app->content.skills == AMI_SKILLS)
            continue;
        if (!ami_skill_find_one(name, &place, err))
            return false;
        ami_skill_def def = skill_def(app, place.path);
        def.name = place.name;
        const int k = app->content.skills;
        if (!(app->content.skill[k] = ami_skill_load(&def, err)))
            return false;
        snprintf(app->content.skill_name[k], sizeof app->content.skill_name[k], "%s", name);
        snprintf(app->content.skill_path[k], sizeof app->content.skill_path[k], "%s", place.path);
        session->skill[k] = app->content.skill[k];
        session->skills = app->content.skills = k + 1;
    }
    return true;
}

bool ami_app_start_session(ami_app *app, ami_error *err)
{
    const ami_app_def *def = &app->def;
    if (!load_first(app, err))
        return false;
    app->content.env = ami_env_default_def(app->content.character, app->content.skill[0]->clip);
    if (app->content.skill[0]->has_policy)
        ami_policy_use(&app->content.skill[0]->policy, &app->content.env);
    app->content.env.seed = def->seed;
    cli_simulation_use(&def->sim, &app->content.env);
    ami_session_def session =
        ami_session_default_def(&app->content.env, app->content.skill[0], def->sim.envs);
    session.get_up_s = def->get_up_s;
    const ami_skill_def get_up = skill_def(app, "");
    ami_error why;
    if (def->recover != AMI_APP_LIFTED && !ami_get_up_load(app->content.get_up, &get_up, &why) &&
        def->recover == AMI_APP_RECOVERS)
        return ami_fail(err, "--recover: %s", why.text);
    memcpy(session.get_up, app->content.get_up, sizeof session.get_up);
    session.history_s = def->sim.envs > 32 ? fmin(12, 1200. / def->sim.envs) : 20;
    if (def->sim.seconds > 0)
        session.step_limit = (int64_t)ceil(
            def->sim.seconds / (app->content.env.substeps * app->content.character->timestep) - 1e-9);
    if (!add_planned(app, &session, err))
        return false;
    app->content.session = ami_session_create(&session, err);
    if (!app->content.session || !ami_session_snapshot_init(&app->content.own, def->sim.envs, err))
        return false;
    app->content.own.paused = def->paused;
    app->content.own.speed = def->speed;
    app->content.own.real_time_factor = def->speed;
    ami_app_list_others(app);
    return ami_app_check_cues(app, err);
}

bool ami_app_start_clip(ami_app *app, const char *file, ami_error *err)
{
    char path[4096];
    ami_clip *clip = ami_load_motion(file, app->def.clips, NULL, path, sizeof path, err);
    if (!clip)
        return false;
    ami_player player;
    if (!ami_player_init(&player, app->content.character, clip, err)) {
        ami_clip_destroy(clip);
        return false;
    }
    ami_player_free(&app->content.player);
    app->content.player = player;
    app->content.player.speed = app->def.speed;
    app->content.player.playing = !app->def.paused;
    app->content.playing_clip = true;
    app->view.shown.look.points = 1;
    app->view.scene.camera.placed = false;
    return true;
}

/* Passes a new skill to the simulation and keeps the old one until that no longer uses it. False if the
 * simulation does not accept it; then it is freed. */
static bool teach(ami_app *app, int number, ami_skill *skill)
{
    if (!ami_app_send(app, &(ami_command){.kind = AMI_DO_REPLACE, .value = number, .skill = skill})) {
        ami_skill_free(skill);
        return false;
    }
    if (app->content.skill[number] && app->content.retirees < AMI_RETIRED) {
        app->content.retired[app->content.retirees].skill = app->content.skill[number];
        app->content.retired[app->content.retirees++].number = app->content.sent;
    }
    app->content.skill[number] = skill;
    return true;
}

/* Loads a skill with its generators; NULL and a sentence on error. */
static ami_skill *load_skill(ami_app *app, const ami_skill_def *def, ami_error *err)
{
    ami_skill *skill = ami_skill_load(def, err);
    if (!skill || !skill->invents || ami_app_invent(app, skill, "walk", err))
        return skill;
    ami_skill_free(skill);
    return NULL;
}

bool ami_app_have_skill(ami_app *app, int skill)
{
    if (app->content.skill[skill])
        return true;
    ami_skill_def def = skill_def(app, app->content.skill_path[skill]);
    def.name = app->content.skill_name[skill];
    ami_error err;
    ami_skill *loaded = load_skill(app, &def, &err);
    if (!loaded) {
        ami_app_say(app, "%s", err.text);
        return false;
    }
    if (!teach(app, skill, loaded))
        return false;
    app->content.lists += loaded->invents; /* its styles */
    return true;
}

/* A film steps its session itself, without a thread. */
static bool is_film(const ami_app *app)
{
    return app->def.record || app->def.screenshot;
}

/* Frees what start_session created before it failed. */
static void end_session(ami_app *app)
{
    ami_session_destroy(app->content.session);
    app->content.session = NULL;
    for (int i = 0; i < AMI_SKILLS; i++) {
        ami_skill_free(app->content.skill[i]);
        app->content.skill[i] = NULL;
        app->content.skill_path[i][0] = 0;
    }
    app->content.skills = 0;
    free(app->content.own.body);
    app->content.own.body = NULL;
}

/* Ends playing a clip and starts the simulation. */
static bool leave_clip(ami_app *app)
{
    if (!app->content.playing_clip)
        return true;
    ami_error err;
    if (!app->content.session) {
        app->content.skills = 0;
        if (!ami_app_start_session(app, &err) ||
            !(is_film(app) ||
              (app->content.sim = ami_sim_start(app->content.session, app->def.sim.envs, 1, false, &err)))) {
            end_session(app);
            ami_app_list_others(app);
            ami_app_say(app, "%s", err.text);
            return false;
        }
    }
    app->content.playing_clip = false;
    app->view.scene.camera.placed = false;
    ami_app_send(app, &(ami_command){.kind = AMI_DO_PAUSE, .value = 0});
    app->content.lists++;
    return true;
}

void ami_app_choose(ami_app *app, int number)
{
    if (number < 0 || number >= app->content.choices) {
        ami_app_say(app, "there is no skill %d; there are %d", number + 1, app->content.choices);
        return;
    }
    if (!leave_clip(app) || number >= app->content.choices) /* the list may have changed */
        return;
    const ami_choice choice = app->content.choice[number];
    if (!ami_app_have_skill(app, choice.skill))
        return;
    app->input.asked = number;
    if (app->input.hurried || choice.style < 0) {
        app->input.pace = 1;
        app->input.hurried = false;
        ami_app_send(app, &(ami_command){.kind = AMI_DO_PACE, .value = 1});
    }
    if (choice.style >= 0)
        ami_app_style(app, choice.name);
    else
        ami_app_send(app, &(ami_command){.kind = AMI_DO_SKILL, .value = choice.skill});
}

static bool ends_with(const char *text, const char *end)
{
    const size_t n = strlen(text), m = strlen(end);
    return n >= m && !strcmp(text + n - m, end);
}

void ami_app_drop(ami_app *app, const char *path)
{
    ami_error err;
    const char *slash = strrchr(path, '/');
    if (ends_with(path, ".onnx")) {
        if (app->content.skills >= AMI_SKILLS || !app->content.session) {
            ami_app_say(app, "%s",
                        app->content.session ? "there are as many skills as fit"
                                             : "choose a skill first; a clip is playing");
            return;
        }
        char found[4096];
        ami_skill *skill = NULL;
        if (ami_find_model(path, found, sizeof found, &err)) {
            const ami_skill_def def = skill_def(app, found);
            skill = load_skill(app, &def, &err);
        }
        if (!skill) {
            ami_app_say(app, "%s", err.text);
            return;
        }
        const int number = app->content.skills;
        snprintf(app->content.skill_path[number], sizeof app->content.skill_path[number], "%s", found);
        snprintf(app->content.skill_name[number], sizeof app->content.skill_name[number], "%s", skill->name);
        if (!teach(app, number, skill))
            return;
        app->content.skills++;
        ami_app_list(app);
        app->content.lists++;
        ami_app_choose(app, app->content.choices - 1);
        ami_app_say(app, "%s is skill %d", slash ? slash + 1 : path, app->content.choices);
        return;
    }
    if (!ami_app_start_clip(app, path, &err)) {
        ami_app_say(app, "%s", err.text);
        return;
    }
    app->content.player.playing = true;
    ami_app_send(app, &(ami_command){.kind = AMI_DO_PAUSE, .value = 1});
    app->content.lists++;
    ami_app_say(app, "playing %s without physics; 1 to %d go back to the simulation",
                slash ? slash + 1 : path, app->content.choices > 9 ? 9 : app->content.choices);
}

void ami_app_renew(ami_app *app)
{
    ami_skill_def def = skill_def(app, app->content.skill_path[0]);
    def.motion = app->def.sim.motion;
    def.invents = ami_style_requested(&app->def.style);
    ami_error err;
    if (app->content.retirees >= AMI_RETIRED)
        return; /* the simulation is far behind; next time */
    ami_skill *skill = load_skill(app, &def, &err);
    if (!skill) {
        ami_app_say(app, "%s", err.text);
        return;
    }
    if (!teach(app, 0, skill))
        return;
    ami_app_say(app, "new model from training, number %d", ++app->content.watch.generation);
}
