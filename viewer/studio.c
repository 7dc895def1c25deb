/* Films and pictures without a window: no thread, no wall clock. Frame f shows simulated time f / fps × speed, whatever the machine's
 * speed, so the same command makes the same frames. */
#include "viewer/app.h"

#include "base/clock.h"
#include "viewer/offscreen.h"
#include "viewer/png_file.h"
#include "viewer/report.h"

#include <math.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stopped;

static void on_signal(int number)
{
    (void)number;
    stopped = 1;
}

/* Steps until the picture at `time` lies within the last step; returns where in it. */
static double simulate_to(amb_app *app, double time)
{
    if (app->own.paused) { /* a step by hand may have come */
        return 1;
    }
    const double dt = amb_session_dt(app->session);
    while ((double)amb_session_steps(app->session) * dt < time - 1e-9 && !app->own.finished) {
        amb_app_cues(app, (double)amb_session_steps(app->session) * dt);
        if (!amb_session_step(app->session))
            break;
        app->own_fresh = false;
        amb_app_look(app);
    }
    const double late = (double)amb_session_steps(app->session) * dt - time;
    return fmin(fmax(1 - late / dt, 0), 1);
}

static void progress(int64_t frame, int64_t frames, double begun)
{
    static double last;
    const double now = amb_clock_now();
    if (!isatty(2) || (now - last < .2 && frame < frames))
        return;
    last = now;
    const double rate = (double)frame / fmax(now - begun, 1e-6);
    fprintf(stderr, "\rfilming %3.0f %%  %5.1f frames/s  %3.0f s left ", 100. * (double)frame / (double)frames, rate,
            (double)(frames - frame) / fmax(rate, 1e-6));
    if (frame >= frames)
        fputs("\r                                                  \r", stderr);
}

static bool take(amb_app *app, amb_film *film, mjrRect whole, bool last, amb_error *err)
{
    if (!film && !(last && app->def.screenshot))
        return true;
    const unsigned char *rgb = amb_app_read(app, whole);
    if (!rgb)
        return amb_fail(err, "out of memory for a picture of %d x %d", whole.width, whole.height);
    if (film && !amb_film_frame(film, rgb, err))
        return false;
    return !last || !app->def.screenshot || amb_png_write(app->def.screenshot, rgb, whole.width, whole.height, err);
}

static bool roll(amb_app *app, amb_film *film, amb_report *report, amb_error *err)
{
    const amb_app_def *def = &app->def;
    const mjrRect whole = {0, 0, def->width, def->height};
    const double seconds = def->seconds / def->speed;
    const int64_t frames = (int64_t)fmax(ceil(seconds * def->fps - 1e-9), 1);
    const double begun = amb_clock_now();
    for (int64_t f = 0; f < frames && !stopped; f++) {
        const double time = (double)f / def->fps;
        const double began = amb_clock_now();
        app->now = app->begun + 60 + time; /* nobody reads the first minute's hint in a film */
        double alpha = 1;
        if (app->playing_clip) {
            if (f)
                amb_player_advance(&app->player, 1 / def->fps);
            amb_app_cues(app, time);
        } else {
            alpha = simulate_to(app, time * def->speed);
            amb_app_cues(app, time * def->speed);
        }
        const amb_snapshot *s = amb_app_look(app);
        const double drawn_from = amb_clock_now();
        if (film || def->bench || f == frames - 1) {
            amb_app_draw(app, s, alpha, f ? 1 / def->fps : 0, whole);
            mjr_finish();
        } else { /* for a picture of the end, the camera and the curves have to be brought there */
            amb_plots_add(app->plots, s);
            amb_scene_update(&app->scene, s, alpha, f ? 1 / def->fps : 0, &app->shown.look);
        }
        amb_report_frame(report, amb_clock_now() - drawn_from, drawn_from - began);
        amb_app_tidy(app, s);
        if (!take(app, film, whole, f == frames - 1, err))
            return false;
        progress(f + 1, frames, begun);
    }
    if (app->session && !stopped)
        simulate_to(app, def->seconds); /* the rest of the time asked for, so that the hash is that of a rollout */
    return true;
}

int amb_studio_run(amb_app *app, amb_error *err)
{
    const amb_app_def *def = &app->def;
    amb_offscreen *offscreen = amb_offscreen_open(def->backend, err);
    if (!offscreen)
        return 2;
    struct sigaction action = {.sa_handler = on_signal};
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    if (app->def.quality < 0)
        app->def.quality = AMB_QUALITY_MEDIUM;
    const double scale = fmax(1, floor(def->height / 540.) / 2); /* texts of a large picture are large too */
    amb_film *film = NULL;
    amb_report report = {.renderer = amb_offscreen_name(offscreen)};
    bool ok = amb_app_open_renderer(app, scale, mjFB_OFFSCREEN, err);
    if (ok && def->record) {
        film = amb_film_open(def->record, def->width, def->height, def->fps, err);
        ok = film != NULL;
    }
    report.begun = app->begun;
    ok = ok && roll(app, film, &report, err);
    amb_error late;
    if (!amb_film_close(film, &late) && ok)
        ok = amb_fail(err, "%s", late.text);
    if (ok && stopped)
        fprintf(stderr, "amble-view: ended early; the file is whole\n");
    ok = ok && amb_report_write(&report, app, err);
    if (app->has_context)
        mjr_freeContext(&app->context);
    app->has_context = false;
    amb_offscreen_close(offscreen);
    return ok ? 0 : 2;
}
