/* Films and pictures without a window: no thread, no wall clock. Frame f shows simulated time f / fps (times
 * the speed), whatever the machine's speed, so the same command makes the same frames. */
#include "viewer/app.h"

#include "base/clock.h"
#include "options/program.h"
#include "viewer/offscreen.h"
#include "viewer/png_file.h"
#include "viewer/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Steps until `time` lies within the last step; returns its fraction of that step. */
static double simulate_to(ami_app *app, double time)
{
    const double dt = ami_session_dt(app->content.session);
    while ((double)ami_session_steps(app->content.session) * dt < time - 1e-9 && !app->content.own.finished &&
           !ami_app_stopped(app)) {
        ami_app_cues(app, (double)ami_session_steps(app->content.session) * dt);
        if (!ami_session_step(app->content.session))
            break;
        app->content.own_fresh = false;
        ami_app_look(app);
    }
    const double late = (double)ami_session_steps(app->content.session) * dt - time;
    return fmin(fmax(1 - late / dt, 0), 1);
}

static void progress(double time, double all, double begun)
{
    static double shown;
    const double now = ami_clock_now();
    const bool end = time >= all - 1e-9;
    if (!isatty(2) || (now - shown < .2 && !end))
        return;
    shown = now;
    fprintf(stderr, "\rfilming %3.0f %%, %4.0f s left ", 100 * fmin(time / all, 1),
            (now - begun) * (all - time) / fmax(time, 1e-6));
    if (end)
        fputs("\r                                   \r", stderr);
}

static bool take(ami_app *app, ami_film *film, mjrRect whole, bool last, ami_error *err)
{
    if (!film && !(last && app->def.screenshot))
        return true;
    const unsigned char *rgb = ami_app_read(app, whole);
    if (!rgb)
        return ami_fail(err, "out of memory for a picture of %d x %d", whole.width, whole.height);
    if (film && !ami_film_frame(film, rgb, err))
        return false;
    return !last || !app->def.screenshot ||
           ami_png_write(app->def.screenshot, rgb, whole.width, whole.height, err);
}

/* The picture of `time` (simulated, or the clip's), at the fraction `alpha` of the last step. */
static bool shoot(ami_app *app, ami_film *film, ami_report *report, double alpha, double began, bool first,
                  bool last, ami_error *err)
{
    const mjrRect whole = {0, 0, app->def.width, app->def.height};
    const double seconds = first ? 0 : 1 / app->def.fps;
    const ami_snapshot *s = ami_app_look(app);
    const double drawn_from = ami_clock_now();
    if (film || app->def.bench || last) {
        ami_app_draw(app, s, alpha, seconds, whole);
        mjr_finish();
    } else { /* a picture of the end needs the camera and the curves up to there */
        ami_plots_add(app->view.plots, s);
        ami_scene_update(&app->view.scene, s, alpha, seconds, &app->view.shown.look);
    }
    ami_report_frame(report, ami_clock_now() - drawn_from, drawn_from - began);
    ami_app_tidy(app, s);
    return take(app, film, whole, last, err);
}

static bool roll(ami_app *app, ami_film *film, ami_report *report, ami_error *err)
{
    const ami_app_def *def = &app->def;
    const double begun = ami_clock_now();
    double time = 0, step = 0; /* s; step: to the next frame; a script may change it */
    bool last = false;
    /* at least one frame, even if it is ended early */
    for (int64_t f = 0; !last && !(f && cli_stopped); f++) {
        const double began = ami_clock_now();
        double alpha = 1;
        /* without the first minute\'s hint */
        app->view.now = app->begun + 60 + (double)f / def->fps;
        if (app->content.playing_clip) {
            ami_player_advance(&app->content.player, f ? 1 / def->fps : 0);
            ami_app_cues(app, time);
            step = 1 / def->fps;
        } else {
            alpha = simulate_to(app, time);
            ami_app_cues(app, time);
            step = app->content.own.speed / def->fps;
        }
        if (f && ami_app_stopped(app))
            break; /* end with the frames so far; a crowd's next one may take long to draw */
        last = time + step >= def->sim.seconds - 1e-9 || app->input.quit;
        if (!shoot(app, film, report, alpha, began, f == 0, last, err))
            return false;
        time += step;
        progress(time, def->sim.seconds, begun);
    }
    if (app->content.session && !cli_stopped && !app->input.quit)
        /* the rest of the requested time, so that the hash is that of a rollout */
        simulate_to(app, def->sim.seconds);
    return true;
}

int ami_studio_run(ami_app *app, ami_error *err)
{
    const ami_app_def *def = &app->def;
    ami_offscreen *offscreen = ami_offscreen_open(def->backend, err);
    if (!offscreen)
        return 2;
    cli_stop_on_signals();
    app->content.stopped = &cli_stopped;
    if (app->def.quality < 0)
        app->def.quality = AMI_QUALITY_MEDIUM;
    /* texts scaled with the picture */
    const double scale = def->height < 400 ? .5 : fmax(1, round(def->height / 360.) / 2);
    ami_film *film = NULL;
    ami_report report = {.renderer = ami_offscreen_name(offscreen)};
    bool ok = ami_app_open_renderer(app, scale, mjFB_OFFSCREEN, err);
    if (ok && def->record) {
        film = ami_film_open(def->record, def->width, def->height, def->fps, err);
        ok = film != NULL;
    }
    report.begun = app->begun;
    ok = ok && roll(app, film, &report, err);
    ami_error late;
    if (!ami_film_close(film, &late) && ok)
        ok = ami_fail(err, "%s", late.text);
    if (ok && cli_stopped)
        fprintf(stderr, "amble-view: ended early; the file is complete\n");
    ok = ok && ami_report_write(&report, app, err);
    if (app->view.has_context)
        mjr_freeContext(&app->view.context);
    app->view.has_context = false;
    ami_offscreen_close(offscreen);
    return ok ? 0 : 2;
}
