/* Start and end of the viewer: loads the requested content, the renderer, the log. */
#include "viewer/app.h"

#include "base/clock.h"
#include "viewer/panel.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void show_defaults(ami_app *app)
{
    const ami_app_def *def = &app->def;
    app->view.shown = (ami_shown){.look = {def->ghost, def->forces, def->trail, def->points, 1},
                                  def->panel,
                                  def->plots,
                                  def->status,
                                  0};
    app->input.pace = 1;
    app->input.asked = -1;
    app->view.hint = true;
    app->view.scale = 1;
}

/* Opens the log. A pipe needs a reader: O_NONBLOCK, so that opening does not wait for one. */
static bool open_log(ami_app *app, ami_error *err)
{
    const char *path = app->def.log;
    const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0666);
    if (fd < 0)
        return ami_fail(err, "--log: %s cannot be written: %s", path,
                        errno == ENXIO ? "it is a pipe without a reader" : strerror(errno));
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
    app->begun = app->view.now = ami_clock_now();
    show_defaults(app);
    if (def->log && !open_log(app, err))
        return false;
    if (def->clip_file) {
        const ami_character_def body = ami_character_default_def();
        app->content.character = ami_character_create(&body, err);
        if (!app->content.character || !ami_app_start_clip(app, def->clip_file, err))
            return false;
        ami_app_list_others(app);
    } else if (!ami_app_start_session(app, err)) {
        return false;
    }
    app->view.plots = ami_plots_create(err);
    return app->view.plots != NULL;
}

bool ami_app_make_scene(ami_app *app, ami_error *err)
{
    const ami_app_def *def = &app->def;
    /* A clip shows one character, but the viewer may return to the session of all. */
    if (!ami_scene_init(&app->view.scene, app->content.character, def->sim.envs, (ami_quality)def->quality,
                        def->width, def->height, err))
        return false;
    if (def->clip_file)
        ami_camera_home(&app->view.scene.camera, 1);
    if (isfinite(def->azimuth))
        app->view.scene.camera.azimuth = def->azimuth;
    if (isfinite(def->elevation))
        app->view.scene.camera.elevation = def->elevation;
    if (isfinite(def->distance))
        app->view.scene.camera.distance = def->distance;
    return true;
}

bool ami_app_open_renderer(ami_app *app, double scale, int framebuffer, ami_error *err)
{
    if (!ami_app_make_scene(app, err))
        return false;
    const int font = (int)fmin(fmax(50 * round(2 * scale), 50), 300);
    app->view.scale = font / 100.;
    if (!ami_scene_open_context(&app->view.scene, &app->view.context, font, err))
        return false;
    app->view.has_context = true;
    mjr_setBuffer(framebuffer, &app->view.context);
    if (app->view.context.currentBuffer != framebuffer)
        return ami_fail(err, "OpenGL here has no %s to draw in",
                        framebuffer == mjFB_OFFSCREEN ? "offscreen buffer" : "window");
    app->view.panel = ami_panel_create(app, err);
    if (!app->view.panel)
        return false;
    ami_panel_measure(app->view.panel, &app->view.context);
    mjr_restoreBuffer(&app->view.context);
    return true;
}

void ami_app_free(ami_app *app)
{
    ami_sim_stop(app->content.sim);
    ami_session_destroy(app->content.session);
    for (int i = 0; i < app->content.retirees; i++)
        ami_skill_free(app->content.retired[i].skill);
    for (int i = 0; i < AMI_SKILLS; i++)
        ami_skill_free(app->content.skill[i]);
    for (int k = 0; k < AMI_FACES; k++)
        ami_skill_free(app->content.get_up[k]);
    ami_player_free(&app->content.player);
    if (app->view.has_context)
        mjr_freeContext(&app->view.context);
    if (app->view.scene.model)
        ami_scene_free(&app->view.scene);
    ami_panel_destroy(app->view.panel);
    ami_plots_destroy(app->view.plots);
    ami_motions_free(&app->content.motions);
    free(app->content.weight);
    free(app->content.own.body);
    ami_character_destroy(app->content.character);
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
    return ami_fail(err, "--log: %s is incomplete: %s", app->def.log,
                    errno ? strerror(errno) : "an earlier write failed");
}
