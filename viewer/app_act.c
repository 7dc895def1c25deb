/* Executes the actions of keys, buttons and scripts; cues, the log, watching a training. */
#include "viewer/app.h"

#include "base/clock.h"
#include "base/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void send(ami_app *app, ami_command_kind kind, double value)
{
    ami_app_send(app, &(ami_command){.kind = kind, .character = ami_app_look(app)->follow, .value = value});
}

static void set_speed(ami_app *app, double speed)
{
    speed = fmin(fmax(speed, AMI_SPEED_MIN), AMI_SPEED_MAX);
    if (app->content.playing_clip)
        app->content.player.speed = speed;
    else
        send(app, AMI_DO_SPEED, speed);
    ami_app_say(app, "time runs at %g x", speed);
}

static void step(ami_app *app, double steps)
{
    if (app->content.playing_clip)
        ami_player_step(&app->content.player, (int)steps);
    else
        send(app, AMI_DO_STEP, steps);
}

/* Away from the camera, along the ground. */
static void push(ami_app *app, double speed)
{
    ami_command c = {.kind = AMI_DO_PUSH, .character = ami_app_look(app)->follow};
    double forward[2];
    if (app->content.playing_clip)
        return;
    ami_scene_forward(&app->view.scene, forward);
    c.v[0] = speed * forward[0];
    c.v[1] = speed * forward[1];
    ami_app_send(app, &c);
}

static void send_turn(ami_app *app)
{
    const double rate = app->input.turn_base + app->input.turn_key * .9;
    if (rate == app->input.turn_sent)
        return;
    app->input.turn_sent = rate;
    send(app, AMI_DO_TURN, rate);
}

void ami_app_steer(ami_app *app, double left)
{
    app->input.turn_key = left;
    send_turn(app);
}

/* The slowest looping skill that is clearly faster than this one, or the fastest that is clearly slower; -1
 * if there is none. */
static int other_gait(const ami_app *app, int now, int sign)
{
    int best = -1;
    const double speed = app->content.skill[now] ? app->content.skill[now]->speed : 0;
    if (speed <= 0)
        return -1;
    for (int i = 0; i < app->content.skills; i++) {
        const ami_skill *s = app->content.skill[i];
        if (!s || s->invents || !ami_skill_loops(s) || sign * (s->speed - speed) < .2 * speed)
            continue;
        if (best < 0 || sign * (s->speed - app->content.skill[best]->speed) < 0)
            best = i;
    }
    return best;
}

/* One step faster or slower; at the limit of the gait, the next gait. */
static void change_pace(ami_app *app, int sign)
{
    if (app->content.playing_clip)
        return;
    if (app->input.asked < 0 ? ami_app_style_pace(app, sign)
                             : app->content.choice[app->input.asked].style >= 0)
        return; /* the last request has not taken effect yet */
    const int now =
        app->input.asked >= 0 ? app->content.choice[app->input.asked].skill : ami_app_look(app)->skill;
    if (sign > 0 ? app->input.pace < 1.15 - 1e-9 : app->input.pace > .85 + 1e-9) {
        ami_app_set_pace(app, app->input.pace + .05 * sign);
        return;
    }
    const bool styles =
        app->content.choices > 0 && app->content.choice[0].style >= 0; /* then no skill is a gait */
    for (int i = 0; i < app->content.skills && i < 2 && !styles; i++)  /* walk and run, if not loaded yet */
        (void)ami_app_have_skill(app, i);
    const int next = styles ? -1 : other_gait(app, now, sign);
    if (next >= 0) {
        ami_app_choose(app, next);
        ami_app_say(app, "%s", app->content.skill_name[next]);
    } else {
        ami_app_set_pace(app, app->input.pace + .05 * sign);
    }
}

static void restart(ami_app *app)
{
    if (app->content.playing_clip) {
        app->content.player.time = 0;
        app->content.player.playing = true;
        app->content.player.jumps++;
    } else {
        app->input.pace = 1;
        app->input.hurried = false;
        send(app, AMI_DO_RESTART, 0);
    }
    app->view.scene.camera.placed = false;
}

static void pause(ami_app *app)
{
    if (app->content.playing_clip)
        app->content.player.playing = !app->content.player.playing;
    else
        send(app, AMI_DO_PAUSE, -1);
}

static bool act_on_view(ami_app *app, ami_action action, double value)
{
    ami_shown *shown = &app->view.shown;
    int *const flag = action == AMI_ACT_FORCES    ? &shown->look.forces
                      : action == AMI_ACT_TRAIL   ? &shown->look.trail
                      : action == AMI_ACT_POINTS  ? &shown->look.points
                      : action == AMI_ACT_SHADOWS ? &shown->look.shadows
                      : action == AMI_ACT_PLOTS   ? &shown->plots
                      : action == AMI_ACT_PANEL   ? &shown->panel
                      : action == AMI_ACT_STATUS  ? &shown->status
                      : action == AMI_ACT_HELP    ? &shown->help
                                                  : NULL;
    if (flag) {
        *flag = !*flag;
        return true;
    }
    switch (action) {
    case AMI_ACT_GHOST:
        shown->look.ghost = (shown->look.ghost + 1) % 3;
        return true;
    case AMI_ACT_REFERENCE:
        shown->look.ghost = (int)value;
        return true;
    case AMI_ACT_CAMERA:
        ami_camera_home(&app->view.scene.camera, app->view.scene.characters);
        return true;
    case AMI_ACT_ORBIT:
        ami_camera_orbit(&app->view.scene.camera, value, 0);
        return true;
    case AMI_ACT_TILT:
        ami_camera_orbit(&app->view.scene.camera, 0, value);
        return true;
    case AMI_ACT_ZOOM:
        ami_camera_zoom(&app->view.scene.camera, value);
        return true;
    default:
        return false;
    }
}

void ami_app_act(ami_app *app, ami_action action, double value)
{
    const ami_action_bounds bounds = ami_action_bounds_of(action);
    value = fmin(fmax(value, bounds.lo), bounds.hi);
    if (act_on_view(app, action, value))
        return;
    const ami_snapshot *now = ami_app_look(app);
    switch (action) {
    case AMI_ACT_PAUSE:
        pause(app);
        break;
    case AMI_ACT_FORWARD:
        step(app, value);
        break;
    case AMI_ACT_BACK:
        step(app, -value);
        break;
    case AMI_ACT_FASTER:
        set_speed(app, 2 * now->speed);
        break;
    case AMI_ACT_SLOWER:
        set_speed(app, .5 * now->speed);
        break;
    case AMI_ACT_SPEED:
        set_speed(app, value);
        break;
    case AMI_ACT_RESTART:
        restart(app);
        break;
    case AMI_ACT_RESET:
        send(app, AMI_DO_RESET, 0);
        break;
    case AMI_ACT_PUSH:
        push(app, value);
        break;
    case AMI_ACT_SKILL:
        ami_app_choose(app, (int)value - 1);
        break;
    case AMI_ACT_RANDOM:
        ami_app_style(app, "random");
        break;
    case AMI_ACT_PHASE_LOOP:
        send(app, AMI_DO_PHASE_GAIN, now->phase_gain > 0 ? 0 : app->content.own_gain);
        break;
    case AMI_ACT_PHASE_GAIN:
        send(app, AMI_DO_PHASE_GAIN, value);
        break;
    case AMI_ACT_GROUND_SPEED:
        send(app, AMI_DO_GROUND_SPEED, value);
        break;
    case AMI_ACT_TURN:
        app->input.turn_base = value * M_PI / 180;
        send_turn(app);
        break;
    case AMI_ACT_PACE:
        ami_app_set_pace(app, value);
        break;
    case AMI_ACT_PACE_UP:
        change_pace(app, 1);
        break;
    case AMI_ACT_PACE_DOWN:
        change_pace(app, -1);
        break;
    case AMI_ACT_NEXT:
        ami_app_send(app,
                     &(ami_command){.kind = AMI_DO_FOLLOW, .character = (now->follow + 1) % now->characters});
        break;
    case AMI_ACT_SCREENSHOT:
        app->input.wants_screenshot = true;
        break;
    case AMI_ACT_FILM:
        app->view.film_begun = -1; /* the next frame knows its size */
        break;
    case AMI_ACT_FULLSCREEN:
        app->input.wants_fullscreen = true;
        break;
    case AMI_ACT_QUIT:
        app->input.quit = true;
        break;
    default:
        break;
    }
}

static void act_on_cue(ami_app *app, const ami_cue *cue)
{
    if (cue->action == AMI_ACT_OPEN) {
        ami_app_drop(app, cue->text);
        return;
    }
    if (cue->action == AMI_ACT_STYLE) {
        ami_app_style(app, cue->text);
        return;
    }
    if (!cue->text[0]) {
        ami_app_act(app, cue->action, cue->value);
        return;
    }
    for (int i = 0; i < app->content.choices; i++)
        if (!strcmp(app->content.choice[i].name, cue->text)) {
            ami_app_choose(app, i);
            return;
        }
    ami_app_say(app, "there is no skill \"%s\"", cue->text);
}

void ami_app_cues(ami_app *app, double time)
{
    while (app->input.next_cue < app->def.cues && app->def.cue[app->input.next_cue].time <= time + 1e-9)
        act_on_cue(app, &app->def.cue[app->input.next_cue++]);
}

void ami_app_scrub(ami_app *app, const ami_snapshot *snapshot, double fraction)
{
    fraction = fmin(fmax(fraction, 0), 1);
    if (snapshot->clip_duration > 0) {
        ami_player_seek(&app->content.player, fraction * snapshot->clip_duration);
        return;
    }
    const int64_t newest = snapshot->newest > snapshot->step ? snapshot->newest : snapshot->step;
    const int64_t to = snapshot->oldest + (int64_t)llround(fraction * (double)(newest - snapshot->oldest));
    if (to != snapshot->step)
        ami_app_send(app, &(ami_command){.kind = AMI_DO_STEP, .value = (double)(to - snapshot->step)});
}

void ami_app_watch(ami_app *app)
{
    const double now = ami_clock_now();
    struct stat status;
    if (!app->def.watch || app->content.playing_clip || now < app->content.watch.checked + .3)
        return;
    app->content.watch.checked = now;
    if (stat(app->content.skill_path[0], &status))
        return;
    const long long stamp =
        (long long)status.st_mtim.tv_sec * 1000000000 + status.st_mtim.tv_nsec + (long long)status.st_ino;
    if (stamp == app->content.watch.stamp)
        return;
    const bool first = app->content.watch.stamp == 0;
    app->content.watch.stamp = stamp;
    if (!first)
        ami_app_renew(app);
}

/* Writes a line of the log for each change. */
static void log_changes(ami_app *app, const ami_snapshot *s)
{
    static const char *const names[] = {"paused",  "speed",  "skill",   "turn",     "pace",      "follow",
                                        "pulling", "pushes", "jumps",   "ghost",    "forces",    "trail",
                                        "points",  "plots",  "panel",   "status",   "help",      "shadows",
                                        "film",    "clip",   "azimuth", "distance", "elevation", "gain"};
    static double before[sizeof names / sizeof *names];
    static bool begun;
    static int skill; /* logged when the request takes effect */
    if (s->requested == s->skill && app->input.asked < 0)
        skill = ami_app_chosen(app, s) + 1;
    const ami_shown *shown = &app->view.shown;
    const double now[] = {s->paused,
                          s->speed,
                          skill,
                          round(s->turn_rate * 180 / M_PI),
                          s->pace,
                          s->follow,
                          s->pulling ? s->pulled_body + 1 : 0,
                          (double)s->pushes,
                          (double)s->jumps,
                          shown->look.ghost,
                          shown->look.forces,
                          shown->look.trail,
                          shown->look.points,
                          shown->plots,
                          shown->panel,
                          shown->status,
                          shown->help,
                          shown->look.shadows,
                          app->view.film != NULL,
                          app->content.playing_clip,
                          round(app->view.scene.camera.azimuth),
                          round(app->view.scene.camera.distance * 10) / 10,
                          round(app->view.scene.camera.elevation),
                          s->phase_gain};
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (!begun || now[i] != before[i])
            ami_number_fprintf(app->log, "%s %g step %lld\n", names[i], now[i],
                               (long long)(s->clip_duration > 0 ? s->clip_frame : s->step));
        before[i] = now[i];
    }
    begun = true;
    static char style_before[128];
    char style[128] = "";
    if (s->invents)
        ami_app_style_text(app, style, sizeof style);
    if (strcmp(style, style_before))
        fprintf(app->log, "style %s\n", style);
    memcpy(style_before, style, sizeof style);
    static int64_t step_before = -1;
    const int64_t step_now = s->clip_duration > 0 ? s->clip_frame : s->step;
    if (s->paused && step_now != step_before)
        fprintf(app->log, "at step %lld\n", (long long)step_now);
    step_before = s->paused ? step_now : -1;
}

void ami_app_tidy(ami_app *app, const ami_snapshot *snapshot)
{
    int left = 0;
    if (snapshot->clip_duration <= 0) {
        for (int i = 0; i < app->content.retirees; i++) {
            if (app->content.retired[i].number <= snapshot->commands_done)
                ami_skill_free(app->content.retired[i].skill);
            else
                app->content.retired[left++] = app->content.retired[i];
        }
        app->content.retirees = left;
        if (app->input.asked >= 0 && app->content.sent <= snapshot->commands_done) {
            app->input.pace = snapshot->pace;
            app->input.asked = -1;
        }
        ami_app_see_style(app, snapshot);
    }
    if (app->log)
        log_changes(app, snapshot);
}
