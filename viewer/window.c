/* The window: GLFW's events become actions, pulls and camera moves; frames are drawn at the screen's rate.
 * The simulation runs in its own thread, independent of that. */
#include "viewer/app.h"

#include "base/clock.h"
#include "options/program.h"
#include "viewer/gamepad.h"
#include "viewer/panel.h"
#include "viewer/png_file.h"
#include "viewer/report.h"

#include <GLFW/glfw3.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct window {
    ami_app *app;
    GLFWwindow *glfw;
    double x, y;   /* mouse, framebuffer pixels, y up */
    double ratio;  /* framebuffer pixels in a screen coordinate */
    mjrRect whole; /* framebuffer */
    enum { NOT_DRAGGING, ORBITING, LIFTING, SCRUBBING } drag;
    int held_turn; /* arrow keys: -1 right, 1 left */
    ami_gamepad gamepad;
    int windowed[4]; /* place and size before full screen */
} window;

static double aspect_of(mjrRect r)
{
    return (double)r.width / fmax(r.height, 1);
}

/* The mouse's position in the world's part of the picture, (0, 0) to (1, 1). */
static void relative(const window *w, double *x, double *y, double *aspect)
{
    const mjrRect world = ami_app_world(w->app, w->whole);
    *x = (w->x - world.left) / fmax(world.width, 1);
    *y = (w->y - world.bottom) / fmax(world.height, 1);
    *aspect = aspect_of(world);
}

static bool pick(window *w, int *character, int *body, double local[3], double depth[1])
{
    double x, y, aspect;
    relative(w, &x, &y, &aspect);
    return !w->app->content.playing_clip && ami_scene_pick(&w->app->view.scene, ami_app_look(w->app), x, y,
                                                           aspect, character, body, local, depth);
}

static void pull(window *w)
{
    ami_app *app = w->app;
    double x, y, aspect;
    relative(w, &x, &y, &aspect);
    ami_scene_unproject(&app->view.scene, app->input.pull.character, x, y, aspect, app->input.pull_depth,
                        app->input.pull.v + 3);
    ami_app_send(app, &app->input.pull);
}

static void scrub(window *w)
{
    mjrRect bar;
    const ami_snapshot *s = ami_app_look(w->app);
    if (ami_app_scrub_rect(w->app, s, w->whole, &bar))
        ami_app_scrub(w->app, s, (w->x - bar.left) / bar.width);
}

static bool over_scrub(const window *w)
{
    mjrRect bar;
    return w->app->view.shown.status && ami_app_scrub_rect(w->app, ami_app_look(w->app), w->whole, &bar) &&
           w->x >= bar.left - 6 && w->x <= bar.left + bar.width + 6 && w->y >= bar.bottom - 6 &&
           w->y <= bar.bottom + bar.height + 6;
}

static void press(window *w, int button)
{
    ami_app *app = w->app;
    int character = 0, body = 0;
    double local[3], depth;
    if (button == GLFW_MOUSE_BUTTON_LEFT && over_scrub(w)) {
        w->drag = SCRUBBING;
        scrub(w);
    } else if (button == GLFW_MOUSE_BUTTON_LEFT && pick(w, &character, &body, local, &depth)) {
        app->input.dragging = true;
        app->input.pull = (ami_command){
            .kind = AMI_DO_PULL, .character = character, .body = body, .v = {local[0], local[1], local[2]}};
        app->input.pull_depth = depth;
        pull(w);
    } else if (button == GLFW_MOUSE_BUTTON_RIGHT && pick(w, &character, &body, local, &depth)) {
        ami_command push = {.kind = AMI_DO_PUSH, .character = character};
        ami_scene_forward(&app->view.scene, push.v);
        mju_scl(push.v, push.v, 1.2, 2);
        ami_app_send(app, &push);
    } else {
        w->drag = button == GLFW_MOUSE_BUTTON_LEFT ? ORBITING : LIFTING;
    }
}

static void release(window *w)
{
    w->drag = NOT_DRAGGING;
    if (!w->app->input.dragging)
        return;
    w->app->input.dragging = false;
    ami_app_send(w->app, &(ami_command){.kind = AMI_DO_RELEASE});
}

/* Executes the panel's action; returns whether the panel handled the event. */
static bool do_event(ami_app *app, ami_panel_event event)
{
    if (event.action == AMI_ACT_WEIGHT)
        ami_app_weigh(app, event.style, event.value);
    else if (event.action != AMI_ACT_NONE)
        ami_app_act(app, event.action, event.value);
    return event.taken;
}

static void on_button(GLFWwindow *glfw, int button, int action, int mods)
{
    window *w = glfwGetWindowUserPointer(glfw);
    (void)mods;
    if (button > GLFW_MOUSE_BUTTON_MIDDLE)
        return;
    if (w->app->view.shown.panel &&
        do_event(w->app, ami_panel_mouse_button(w->app->view.panel, w->whole, w->x, w->y, button,
                                                action == GLFW_PRESS)))
        return;
    if (action == GLFW_PRESS)
        press(w, button);
    else
        release(w);
}

static void on_move(GLFWwindow *glfw, double x, double y)
{
    window *w = glfwGetWindowUserPointer(glfw);
    ami_app *app = w->app;
    const double fx = x * w->ratio, fy = w->whole.height - y * w->ratio;
    const double dx = fx - w->x, dy = fy - w->y;
    w->x = fx;
    w->y = fy;
    if (app->view.shown.panel && do_event(app, ami_panel_mouse_move(app->view.panel, w->whole, fx, fy)))
        return;
    if (app->input.dragging)
        pull(w);
    else if (w->drag == ORBITING)
        ami_camera_orbit(&app->view.scene.camera, -.35 * dx / app->view.scale, .25 * dy / app->view.scale);
    else if (w->drag == LIFTING)
        app->view.scene.camera.height =
            fmin(fmax(app->view.scene.camera.height -
                          .0015 * app->view.scene.camera.distance * dy / app->view.scale,
                      .05),
                 4);
    else if (w->drag == SCRUBBING)
        scrub(w);
}

static void on_scroll(GLFWwindow *glfw, double dx, double dy)
{
    window *w = glfwGetWindowUserPointer(glfw);
    (void)dx;
    if (w->app->view.shown.panel &&
        do_event(w->app, ami_panel_scroll(w->app->view.panel, w->whole, w->x, w->y, dy)))
        return;
    ami_camera_zoom(&w->app->view.scene.camera, pow(.9, dy));
}

/* Arrow keys step while paused and steer otherwise. */
static bool arrow(window *w, int key, int action)
{
    ami_app *app = w->app;
    if (key != GLFW_KEY_LEFT && key != GLFW_KEY_RIGHT && key != GLFW_KEY_UP && key != GLFW_KEY_DOWN)
        return false;
    const int side = key == GLFW_KEY_LEFT ? 1 : key == GLFW_KEY_RIGHT ? -1 : 0;
    if (ami_app_look(app)->paused || app->content.playing_clip) {
        if (action != GLFW_RELEASE && side)
            ami_app_act(app, side > 0 ? AMI_ACT_BACK : AMI_ACT_FORWARD, 1);
    } else if (action == GLFW_PRESS && side) {
        w->held_turn = side;
        ami_app_steer(app, side);
    } else if (action == GLFW_PRESS) {
        ami_app_act(app, key == GLFW_KEY_UP ? AMI_ACT_PACE_UP : AMI_ACT_PACE_DOWN, 0);
    }
    if (action == GLFW_RELEASE && side == w->held_turn && side) {
        w->held_turn = 0;
        ami_app_steer(app, 0);
    }
    return true;
}

static bool repeats(ami_action action)
{
    return action == AMI_ACT_FORWARD || action == AMI_ACT_BACK;
}

static void on_key(GLFWwindow *glfw, int key, int scancode, int action, int mods)
{
    window *w = glfwGetWindowUserPointer(glfw);
    ami_app *app = w->app;
    (void)scancode;
    (void)mods;
    if (arrow(w, key, action) || action == GLFW_RELEASE)
        return;
    if (key >= GLFW_KEY_1 && key <= GLFW_KEY_9) {
        if (action == GLFW_PRESS)
            ami_app_choose(app, key - GLFW_KEY_1);
        return;
    }
    if (key == GLFW_KEY_ESCAPE) { /* closes the help only, to protect a running simulation */
        app->view.shown.help = 0;
        return;
    }
    const ami_action_info *info = ami_action_by_key(key);
    if (info && (action == GLFW_PRESS || repeats(info->action)))
        ami_app_act(app, info->action, info->value);
}

static void on_drop(GLFWwindow *glfw, int count, const char **paths)
{
    window *w = glfwGetWindowUserPointer(glfw);
    for (int i = 0; i < count; i++)
        ami_app_drop(w->app, paths[i]);
}

static void measure(window *w)
{
    int width, height, own_width, own_height;
    glfwGetFramebufferSize(w->glfw, &width, &height);
    glfwGetWindowSize(w->glfw, &own_width, &own_height);
    if (w->app->view.film && (width != w->whole.width || height != w->whole.height))
        ami_app_end_film(w->app); /* a film's frames have one size */
    if (w->app->log && (width != w->whole.width || height != w->whole.height))
        fprintf(w->app->log, "size %dx%d\n", width, height);
    w->whole = (mjrRect){0, 0, width, height};
    w->ratio = own_width > 0 ? (double)width / own_width : 1;
}

static void on_scale(GLFWwindow *glfw, float x, float y)
{
    window *w = glfwGetWindowUserPointer(glfw);
    ami_app *app = w->app;
    const int font = (int)fmin(fmax(50 * round(2 * fmax(x, y)), 100), 300);
    mjr_changeFont(font, &app->view.context);
    app->view.scale = font / 100.;
    ami_panel_measure(app->view.panel, &app->view.context);
    mjr_restoreBuffer(&app->view.context);
}

static void toggle_fullscreen(window *w)
{
    w->app->input.wants_fullscreen = false;
    GLFWmonitor *monitor = glfwGetPrimaryMonitor();
    if (glfwGetWindowMonitor(w->glfw)) {
        glfwSetWindowMonitor(w->glfw, NULL, w->windowed[0], w->windowed[1], w->windowed[2], w->windowed[3],
                             0);
    } else if (monitor) {
        const GLFWvidmode *mode = glfwGetVideoMode(monitor);
        glfwGetWindowPos(w->glfw, &w->windowed[0], &w->windowed[1]);
        glfwGetWindowSize(w->glfw, &w->windowed[2], &w->windowed[3]);
        glfwSetWindowMonitor(w->glfw, monitor, 0, 0, mode->width, mode->height, mode->refreshRate);
    }
}

/* The fraction of the last step at the picture's time, so that motion is smooth at any rate of steps and
 * frames. */
static double how_far(const ami_snapshot *s, double now)
{
    if (s->paused || s->clip_duration > 0 || s->finished)
        return 1;
    return fmin(fmax((now - s->published) * s->speed / s->dt, 0), 1);
}

static void on_error(int code, const char *description)
{
    (void)code;
    (void)description; /* read by glfwGetError where needed */
}

static const char *glfw_words(void)
{
    static char text[200];
    const char *words = NULL;
    glfwGetError(&words);
    snprintf(text, sizeof text, "%s", words ? words : "no reason given");
    for (size_t n = strlen(text); n > 0 && text[n - 1] == ' '; n--)
        text[n - 1] = 0;
    return text;
}

/* Whether OpenGL is a software renderer, by its name in a hidden window; then the picture is simpler. */
static bool is_software(char *name, size_t size)
{
    glfwWindowHint(GLFW_VISIBLE, GLFW_FALSE);
    glfwWindowHint(GLFW_SAMPLES, 0);
    GLFWwindow *probe = glfwCreateWindow(16, 16, "amble-view", NULL, NULL);
    snprintf(name, size, "OpenGL");
    if (!probe)
        return true;
    glfwMakeContextCurrent(probe);
    const unsigned char *(*get_string)(unsigned) = NULL;
    GLFWglproc f = glfwGetProcAddress("glGetString");
    memcpy(&get_string, &f, sizeof f);
    const char *renderer = get_string ? (const char *)get_string(0x1F01 /* GL_RENDERER */) : NULL;
    if (renderer)
        snprintf(name, size, "%s", renderer);
    glfwDestroyWindow(probe);
    return !renderer || strstr(renderer, "llvmpipe") || strstr(renderer, "softpipe") ||
           strstr(renderer, "SWR") || strstr(renderer, "Software");
}

/* GLFW 3.4 tries Wayland first, whose library prints a message where its socket folder is missing: then only
 * X11 is tried. Older versions know one platform and neither name. */
static void choose_platform(void)
{
    enum { PLATFORM = 0x00050003, PLATFORM_X11 = 0x00060004 }; /* GLFW_PLATFORM, GLFW_PLATFORM_X11 */
    const char *socket = getenv("WAYLAND_SOCKET"), *display = getenv("WAYLAND_DISPLAY"),
               *folder = getenv("XDG_RUNTIME_DIR");
    const bool wayland = (socket && *socket) || (display && *display == '/') || (folder && *folder == '/');
    int major, minor, revision;
    glfwGetVersion(&major, &minor, &revision);
    if (!wayland && (major > 3 || (major == 3 && minor >= 4)))
        glfwInitHint(PLATFORM, PLATFORM_X11);
}

static bool open_window(window *w, char *renderer, size_t size, ami_error *err)
{
    ami_app *app = w->app;
    glfwSetErrorCallback(on_error);
    choose_platform();
    if (!glfwInit())
        return ami_fail(err,
                        "no window can be opened (%s); on a machine without a display, --record FILE.mp4 and "
                        "--screenshot FILE.png work",
                        glfw_words());
    const bool software = is_software(renderer, size);
    if (app->def.quality < 0)
        app->def.quality = software ? AMI_QUALITY_LOW : AMI_QUALITY_HIGH;
    glfwWindowHint(GLFW_VISIBLE, GLFW_TRUE);
    glfwWindowHint(GLFW_SCALE_TO_MONITOR, GLFW_TRUE);
    glfwWindowHint(GLFW_SAMPLES, app->def.quality == AMI_QUALITY_LOW ? 0 : 4);
    char title[128];
    snprintf(title, sizeof title, "amble: %s",
             app->content.playing_clip ? ami_clip_name(app->content.player.clip)
                                       : app->content.skill_name[0]);
    w->glfw = glfwCreateWindow(app->def.width, app->def.height, title, NULL, NULL);
    if (!w->glfw)
        return ami_fail(err, "no window can be opened: %s", glfw_words());
    glfwMakeContextCurrent(w->glfw);
    glfwSwapInterval(app->def.bench ? 0 : 1);
    return true;
}

/* Between two mipmaps a software renderer reads every texel twice; the nearer one alone looks the same on a
 * checker. */
static void simplify_textures(const window *w)
{
    void (*bind)(unsigned, unsigned) = NULL;
    void (*set)(unsigned, unsigned, int) = NULL;
    GLFWglproc f = glfwGetProcAddress("glBindTexture"), g = glfwGetProcAddress("glTexParameteri");
    memcpy(&bind, &f, sizeof f);
    memcpy(&set, &g, sizeof g);
    enum { TEXTURE_2D = 0x0DE1, MIN_FILTER = 0x2801, LINEAR_MIPMAP_NEAREST = 0x2701 };
    const mjrContext *context = &w->app->view.context;
    for (int i = 0; bind && set && i < context->ntexture; i++)
        if (context->textureType[i] == mjTEXTURE_2D) {
            bind(TEXTURE_2D, context->texture[i]);
            set(TEXTURE_2D, MIN_FILTER, LINEAR_MIPMAP_NEAREST);
            bind(TEXTURE_2D, 0);
        }
}

static void listen(window *w)
{
    glfwSetWindowUserPointer(w->glfw, w);
    glfwSetKeyCallback(w->glfw, on_key);
    glfwSetMouseButtonCallback(w->glfw, on_button);
    glfwSetCursorPosCallback(w->glfw, on_move);
    glfwSetScrollCallback(w->glfw, on_scroll);
    glfwSetDropCallback(w->glfw, on_drop);
    glfwSetWindowContentScaleCallback(w->glfw, on_scale);
    cli_stop_on_signals();
    w->app->content.stopped = &cli_stopped;
}

static void frame(window *w, ami_report *report, double *before)
{
    ami_app *app = w->app;
    const double begun = ami_clock_now();
    const double seconds = *before > 0 ? begun - *before : 0;
    *before = begun;
    measure(w);
    ami_gamepad_read(&w->gamepad, app, w->held_turn != 0, begun, seconds);
    ami_app_watch(app);
    if (app->content.playing_clip)
        ami_player_advance(&app->content.player, seconds);
    const ami_snapshot *s = ami_app_look(app);
    ami_app_cues(app, app->content.playing_clip ? begun - app->begun : (double)s->step * s->dt);
    app->view.now = begun;
    if (w->whole.width < 1 || w->whole.height < 1 || glfwGetWindowAttrib(w->glfw, GLFW_ICONIFIED)) {
        glfwWaitEventsTimeout(.05); /* nothing to draw; the simulation continues */
        ami_app_tidy(app, s);
        return;
    }
    s = ami_app_look(app);
    const double drawn_from = ami_clock_now();
    ami_app_draw(app, s, how_far(s, begun), seconds, w->whole);
    ami_app_capture(app, w->whole);
    glfwSwapBuffers(w->glfw);
    if (app->def.bench)
        mjr_finish();
    ami_report_frame(report, ami_clock_now() - drawn_from, drawn_from - begun);
    if (report->frames == 1 && app->log)
        fprintf(app->log, "ready %.0f ms\n", 1e3 * report->first_frame);
    ami_app_tidy(app, s);
    /* A driver that does not wait for the screen would draw thousands of invisible frames. */
    const double took = ami_clock_now() - begun;
    if (!app->def.bench && took < 1. / 150)
        ami_clock_sleep_until(begun + 1. / 120);
}

static bool play(window *w, ami_report *report, ami_error *err)
{
    ami_app *app = w->app;
    double before = 0;
    if (!app->content.playing_clip) {
        app->content.sim =
            ami_sim_start(app->content.session, app->def.sim.envs, app->def.speed, app->def.paused, err);
        if (!app->content.sim)
            return false;
    }
    ami_app_watch(app);
    while (!cli_stopped && !app->input.quit && !glfwWindowShouldClose(w->glfw)) {
        glfwPollEvents();
        frame(w, report, &before);
        if (app->input.wants_fullscreen)
            toggle_fullscreen(w);
        const ami_snapshot *s = ami_app_look(app);
        if (app->def.sim.seconds > 0 &&
            (s->finished ||
             (app->content.playing_clip && ami_clock_now() - app->begun > app->def.sim.seconds)))
            break;
    }
    return true;
}

int ami_window_run(ami_app *app, ami_error *err)
{
    window w = {.app = app, .ratio = 1};
    char renderer[200];
    unsetenv("MUJOCO_GL"); /* a window uses GLX, independent of this variable */
    bool ok = open_window(&w, renderer, sizeof renderer, err);
    ami_report report = {.renderer = renderer, .begun = app->begun};
    if (ok) {
        float x = 1, y = 1;
        glfwGetWindowContentScale(w.glfw, &x, &y);
        listen(&w);
        measure(&w);
        ok = ami_app_open_renderer(app, fmax(fmax(x, y), 1), mjFB_WINDOW, err);
        if (ok && app->def.quality == AMI_QUALITY_LOW)
            simplify_textures(&w);
        ok = ok && play(&w, &report, err);
    }
    ami_app_end_film(app);
    if (app->content.sim) { /* the session is free again: compute its hash */
        const double factor = ami_app_look(app)->real_time_factor, cost = ami_app_look(app)->step_us;
        ami_sim_stop(app->content.sim);
        app->content.sim = NULL;
        app->content.own_fresh = false;
        ami_app_look(app);
        app->content.own.real_time_factor = factor;
        app->content.own.step_us = cost;
    }
    if (ok)
        ok = ami_report_write(&report, app, err);
    if (app->view.has_context)
        mjr_freeContext(&app->view.context);
    app->view.has_context = false;
    if (w.glfw)
        glfwDestroyWindow(w.glfw);
    glfwTerminate();
    return ok ? 0 : 2;
}
