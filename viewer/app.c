#include "viewer/app.h"

#include "base/assets.h"
#include "base/clock.h"
#include "base/number.h"
#include "policy/followed.h"
#include "policy/may_touch.h"
#include "policy/models.h"
#include "policy/motion.h"
#include "viewer/panel.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void ami_app_say(ami_app *app, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    ami_number_vformat(app->message, sizeof app->message, format, list);
    va_end(list);
    app->message_until = ami_clock_now() + 4;
    if (app->log)
        fprintf(app->log, "says %s\n", app->message);
}

/* Whether nobody has said what is to move how: then it is the actor that follows styles, if there is one. */
static bool nothing_said(const ami_app_def *def)
{
    return !def->sim.policy && !def->sim.motion && !def->watch && !def->sim.no_policy &&
           !ami_style_requested(&def->style);
}

static bool have_locomotion(void)
{
    char path[4096];
    return ami_asset_path("models/locomotion.onnx", path, sizeof path, NULL);
}

/* Which actor: as given, the run folder's, else the model of the motion's name, else the one that goes with
 * what is to be followed. Empty: none is wanted. */
static bool first_policy(const ami_app_def *def, char *path, size_t size, ami_error *err)
{
    path[0] = 0;
    if (def->sim.no_policy)
        return true;
    if (def->watch)
        return (size_t)snprintf(path, size, "%s/actor.onnx", def->watch) < size ||
               ami_fail(err, "--watch: the path %.80s... is longer than %zu bytes", def->watch, size - 12);
    const bool styles = ami_style_requested(&def->style) || (nothing_said(def) && have_locomotion());
    return ami_find_actor(def->sim.policy, def->sim.motion, def->clips, styles ? "locomotion" : "walk", path,
                          size, err);
}

static ami_skill_def skill_def(const ami_app *app, const char *policy)
{
    return (ami_skill_def){.policy = policy[0] ? policy : NULL,
                           .clips = app->def.clips,
                           .may_touch = app->def.sim.may_touch,
                           .character = app->character,
                           .substeps = app->env.substeps,
                           .characters = app->def.sim.envs};
}

static bool load_first(ami_app *app, ami_error *err)
{
    const ami_app_def *def = &app->def;
    char path[4096];
    if (!first_policy(def, path, sizeof path, err))
        return false;
    ami_skill_def first = skill_def(app, path);
    first.character = NULL; /* it says itself which one it wants */
    first.motion = def->sim.motion;
    first.critic = def->critic;
    first.invents = ami_style_requested(&def->style) || (nothing_said(def) && have_locomotion());
    app->skill[0] = ami_skill_load(&first, err);
    if (!app->skill[0])
        return false;
    ami_character_def body = ami_character_default_def();
    body.self_collision = def->sim.self_collision;
    if (app->skill[0]->has_policy)
        body.physics_hz = app->skill[0]->policy.physics_hz;
    if (!app->character)
        app->character = ami_character_create(&body, err);
    const ami_policy *policy = app->skill[0]->has_policy ? &app->skill[0]->policy : NULL;
    if (!app->character || !ami_choose_may_touch(def->sim.may_touch, policy, app->character,
                                                 app->skill[0]->clip, &app->skill[0]->may_touch, err))
        return false;
    const char *trained_on = nothing_said(def) ? NULL : ami_style_trained_on(app->skill[0]->policy.motion);
    if (app->skill[0]->invents && !ami_app_invent(app, app->skill[0], trained_on ? trained_on : "walk", err))
        return false;
    snprintf(app->skill_name[0], sizeof app->skill_name[0], "%s", app->skill[0]->name);
    snprintf(app->skill_path[0], sizeof app->skill_path[0], "%s", path);
    app->skills = 1;
    return true;
}

/* Whether a model's motion is among the styles already. */
static bool is_listed(const ami_app *app, const char *name)
{
    return app->skill[0] && app->skill[0]->invents &&
           (!strcmp(name, "locomotion") || ami_styles_find(app->motions.styles, name, NULL) >= 0);
}

/* The other models' names; they are loaded when they are chosen. */
static void list_others(ami_app *app)
{
    static char paths[AMI_SKILLS][4096];
    const int n = ami_skill_find(paths, AMI_SKILLS);
    for (int i = 0; i < n && app->skills < AMI_SKILLS; i++) {
        if (!strcmp(paths[i], app->skill_path[0]))
            continue;
        const int k = app->skills++;
        snprintf(app->skill_path[k], sizeof app->skill_path[k], "%s", paths[i]);
        snprintf(app->skill_name[k], sizeof app->skill_name[k], "%.60s", strrchr(paths[i], '/') + 1);
        *strrchr(app->skill_name[k], '.') = 0;
        if (is_listed(app, app->skill_name[k])) {
            app->skill_path[k][0] = app->skill_name[k][0] = 0;
            app->skills--;
        }
    }
    ami_app_list(app);
}

static bool start_session(ami_app *app, ami_error *err)
{
    const ami_app_def *def = &app->def;
    if (!load_first(app, err))
        return false;
    app->env = ami_env_default_def(app->character, app->skill[0]->clip);
    if (app->skill[0]->has_policy)
        ami_policy_use(&app->skill[0]->policy, &app->env);
    app->env.seed = def->seed;
    cli_simulation_use(&def->sim, &app->env);
    ami_session_def session = ami_session_default_def(&app->env, app->skill[0], def->sim.envs);
    session.get_up_s = def->get_up_s;
    session.history_s = def->sim.envs > 32 ? fmin(12, 1200. / def->sim.envs) : 20;
    if (def->sim.seconds > 0)
        session.step_limit =
            (int64_t)ceil(def->sim.seconds / (app->env.substeps * app->character->timestep) - 1e-9);
    app->session = ami_session_create(&session, err);
    if (!app->session || !ami_session_snapshot_init(&app->own, def->sim.envs, err))
        return false;
    app->own.paused = def->paused;
    app->own.speed = def->speed;
    app->own.real_time_factor = def->speed;
    list_others(app);
    return ami_app_check_cues(app, err);
}

static bool start_clip(ami_app *app, const char *file, ami_error *err)
{
    char path[4096];
    ami_clip *clip = ami_load_motion(file, app->def.clips, NULL, path, sizeof path, err);
    if (!clip)
        return false;
    ami_player player;
    if (!ami_player_init(&player, app->character, clip, err)) {
        ami_clip_destroy(clip);
        return false;
    }
    ami_player_free(&app->player);
    app->player = player;
    app->player.speed = app->def.speed;
    app->player.playing = !app->def.paused;
    app->playing_clip = true;
    app->shown.look.points = 1;
    app->scene.camera.placed = false;
    return true;
}

static void show_defaults(ami_app *app)
{
    const ami_app_def *def = &app->def;
    app->shown = (ami_shown){.look = {def->ghost, def->forces, def->trail, def->points, 1},
                             def->panel,
                             def->plots,
                             def->status,
                             0};
    app->pace = 1;
    app->asked = -1;
    app->hint = true;
    app->scale = 1;
}

/* A pipe may be a log, but only one that somebody reads: O_NONBLOCK, so that opening it does not wait for
 * that. */
static bool open_log(ami_app *app, ami_error *err)
{
    const char *path = app->def.log;
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (fd < 0)
        return ami_fail(err, "--log: %s cannot be written: %s", path,
                        errno == ENXIO ? "it is a pipe that nobody reads" : strerror(errno));
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) & ~O_NONBLOCK) < 0 || !(app->log = fdopen(fd, "w"))) {
        ami_fail(err, "--log: %s cannot be written: %s", path, strerror(errno));
        close(fd);
        return false;
    }
    setvbuf(app->log, NULL, _IOLBF, 0);
    return true;
}

bool ami_app_init(ami_app *app, const ami_app_def *def, ami_error *err)
{
    memset(app, 0, sizeof *app);
    app->def = *def;
    app->begun = app->now = ami_clock_now();
    show_defaults(app);
    if (def->log && !open_log(app, err))
        return false;
    if (def->clip_file) {
        const ami_character_def body = ami_character_default_def();
        app->character = ami_character_create(&body, err);
        if (!app->character || !start_clip(app, def->clip_file, err))
            return false;
        list_others(app);
    } else if (!start_session(app, err)) {
        return false;
    }
    app->plots = ami_plots_create(err);
    return app->plots != NULL;
}

bool ami_app_make_scene(ami_app *app, ami_error *err)
{
    const ami_app_def *def = &app->def;
    /* A clip is one character's, but it may be left for the session of all. */
    if (!ami_scene_init(&app->scene, app->character, def->sim.envs, (ami_quality)def->quality, def->width,
                        def->height, err))
        return false;
    if (def->clip_file)
        ami_camera_home(&app->scene.camera, 1);
    if (isfinite(def->azimuth))
        app->scene.camera.azimuth = def->azimuth;
    if (isfinite(def->elevation))
        app->scene.camera.elevation = def->elevation;
    if (isfinite(def->distance))
        app->scene.camera.distance = def->distance;
    return true;
}

bool ami_app_open_renderer(ami_app *app, double scale, int framebuffer, ami_error *err)
{
    if (!ami_app_make_scene(app, err))
        return false;
    const int font = (int)fmin(fmax(50 * round(2 * scale), 50), 300);
    app->scale = font / 100.;
    if (!ami_scene_open_context(&app->scene, &app->context, font, err))
        return false;
    app->has_context = true;
    mjr_setBuffer(framebuffer, &app->context);
    if (app->context.currentBuffer != framebuffer)
        return ami_fail(err, "OpenGL here has no %s to draw in",
                        framebuffer == mjFB_OFFSCREEN ? "offscreen buffer" : "window");
    app->panel = ami_panel_create(app, err);
    if (!app->panel)
        return false;
    ami_panel_measure(app->panel, &app->context);
    mjr_restoreBuffer(&app->context);
    return true;
}

void ami_app_free(ami_app *app)
{
    ami_sim_stop(app->sim);
    ami_session_destroy(app->session);
    for (int i = 0; i < app->retirees; i++)
        ami_skill_free(app->retired[i].skill);
    for (int i = 0; i < AMI_SKILLS; i++)
        ami_skill_free(app->skill[i]);
    ami_player_free(&app->player);
    if (app->has_context)
        mjr_freeContext(&app->context);
    if (app->scene.model)
        ami_scene_free(&app->scene);
    ami_panel_destroy(app->panel);
    ami_plots_destroy(app->plots);
    ami_motions_free(&app->motions);
    free(app->weight);
    free(app->own.body);
    ami_character_destroy(app->character);
    ami_app_close_log(app, NULL);
}

bool ami_app_close_log(ami_app *app, ami_error *err)
{
    FILE *log = app->log;
    app->log = NULL;
    if (!log)
        return true;
    const bool failed = ferror(log) != 0;
    errno = 0;
    if (fclose(log) == 0 && !failed)
        return true;
    return ami_fail(err, "--log: %s is not whole: %s", app->def.log,
                    errno ? strerror(errno) : "an earlier write failed");
}

const ami_snapshot *ami_app_look(ami_app *app)
{
    if (app->playing_clip)
        return ami_player_look(&app->player);
    if (app->sim)
        return ami_sim_latest(app->sim);
    if (!app->own_fresh)
        ami_session_look(app->session, &app->own);
    app->own_fresh = true;
    return &app->own;
}

bool ami_app_stopped(const ami_app *app)
{
    return app->stopped && *app->stopped;
}

/* A full queue is waited for, because the other side empties it; but not for long, and not again until it
 * has: it may be in the middle of very many steps, and a window that waits cannot be closed. A pull is
 * followed by the next one. */
static bool send_to_thread(ami_app *app, const ami_command *command)
{
    const double until = ami_clock_now() + (app->stuck ? 0 : .3);
    while (!ami_sim_send(app->sim, command, &app->sent)) {
        if (command->kind == AMI_DO_PULL)
            return false;
        if (ami_app_stopped(app) || ami_clock_now() >= until) {
            app->stuck = true;
            ami_app_say(app, "the simulation is still busy; this was not done");
            return false;
        }
        ami_clock_sleep_until(ami_clock_now() + .001);
    }
    app->stuck = false;
    return true;
}

bool ami_app_send(ami_app *app, const ami_command *command)
{
    if (app->sim)
        return send_to_thread(app, command);
    if (!app->session)
        return true;
    if (command->kind == AMI_DO_SPEED)
        app->own.speed = fmin(fmax(command->value, AMI_SPEED_MIN), AMI_SPEED_MAX);
    ami_command rest = *command;
    while (ami_session_apply_part(app->session, &rest) && !ami_app_stopped(app)) {
    }
    app->sent++;
    app->own_fresh = false;
    return true;
}

/* Gives a new skill to the simulation and keeps the old one until it has let go. False if it cannot take it;
 * then it is freed. */
static bool teach(ami_app *app, int number, ami_skill *skill)
{
    if (!ami_app_send(app, &(ami_command){.kind = AMI_DO_TEACH, .value = number, .skill = skill})) {
        ami_skill_free(skill);
        return false;
    }
    if (app->skill[number] && app->retirees < AMI_RETIRED) {
        app->retired[app->retirees].skill = app->skill[number];
        app->retired[app->retirees++].number = app->sent;
    }
    app->skill[number] = skill;
    return true;
}

/* A skill with all it needs; NULL and a sentence. */
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
    if (app->skill[skill])
        return true;
    const ami_skill_def def = skill_def(app, app->skill_path[skill]);
    ami_error err;
    ami_skill *loaded = load_skill(app, &def, &err);
    if (!loaded) {
        ami_app_say(app, "%s", err.text);
        return false;
    }
    if (!teach(app, skill, loaded))
        return false;
    if (app->panel && loaded->invents)
        ami_panel_relist(app->panel); /* its styles */
    return true;
}

/* A film's session is stepped by its own clock, without a thread. */
static bool is_film(const ami_app *app)
{
    return app->def.record || app->def.screenshot;
}

/* What start_session has made before it failed. */
static void end_session(ami_app *app)
{
    ami_session_destroy(app->session);
    app->session = NULL;
    for (int i = 0; i < AMI_SKILLS; i++) {
        ami_skill_free(app->skill[i]);
        app->skill[i] = NULL;
        app->skill_path[i][0] = 0;
    }
    app->skills = 0;
    free(app->own.body);
    app->own.body = NULL;
}

/* From playing a clip to simulating. */
static bool leave_clip(ami_app *app)
{
    if (!app->playing_clip)
        return true;
    ami_error err;
    if (!app->session) {
        app->skills = 0;
        if (!start_session(app, &err) ||
            !(is_film(app) || (app->sim = ami_sim_start(app->session, app->def.sim.envs, 1, false, &err)))) {
            end_session(app);
            list_others(app);
            ami_app_say(app, "%s", err.text);
            return false;
        }
    }
    app->playing_clip = false;
    app->scene.camera.placed = false;
    ami_app_send(app, &(ami_command){.kind = AMI_DO_PAUSE, .value = 0});
    if (app->panel)
        ami_panel_relist(app->panel);
    return true;
}

void ami_app_choose(ami_app *app, int number)
{
    if (number < 0 || number >= app->choices) {
        ami_app_say(app, "there is no skill %d; there are %d", number + 1, app->choices);
        return;
    }
    if (!leave_clip(app) || number >= app->choices) /* the list may be another one now */
        return;
    const ami_choice choice = app->choice[number];
    if (!ami_app_have_skill(app, choice.skill))
        return;
    app->asked = number;
    if (app->hurried || choice.style < 0) {
        app->pace = 1;
        app->hurried = false;
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
        if (app->skills >= AMI_SKILLS || !app->session) {
            ami_app_say(app, "%s",
                        app->session ? "no room for another skill: nine is all"
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
        const int number = app->skills;
        snprintf(app->skill_path[number], sizeof app->skill_path[number], "%s", found);
        snprintf(app->skill_name[number], sizeof app->skill_name[number], "%s", skill->name);
        if (!teach(app, number, skill))
            return;
        app->skills++;
        ami_app_list(app);
        if (app->panel)
            ami_panel_relist(app->panel);
        ami_app_choose(app, app->choices - 1);
        ami_app_say(app, "%s is skill %d", slash ? slash + 1 : path, app->choices);
        return;
    }
    if (!start_clip(app, path, &err)) {
        ami_app_say(app, "%s", err.text);
        return;
    }
    app->player.playing = true;
    ami_app_send(app, &(ami_command){.kind = AMI_DO_PAUSE, .value = 1});
    if (app->panel)
        ami_panel_relist(app->panel);
    ami_app_say(app, "playing %s without physics; 1 to %d go back to the simulation",
                slash ? slash + 1 : path, app->choices > 9 ? 9 : app->choices);
}

/* A successor for skill 0, made of the run folder's newest files. */
void ami_app_renew(ami_app *app);
void ami_app_renew(ami_app *app)
{
    ami_skill_def def = skill_def(app, app->skill_path[0]);
    def.motion = app->def.sim.motion;
    def.invents = ami_style_requested(&app->def.style);
    ami_error err;
    if (app->retirees >= AMI_RETIRED)
        return; /* the simulation is far behind; next time */
    ami_skill *skill = load_skill(app, &def, &err);
    if (!skill) {
        ami_app_say(app, "%s", err.text);
        return;
    }
    if (!teach(app, 0, skill))
        return;
    ami_app_say(app, "new model from training, number %d", ++app->watch.generation);
}
