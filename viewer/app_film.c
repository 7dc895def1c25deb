/* Saves pictures and videos of the screen. */
#include "viewer/app.h"

#include "base/clock.h"
#include "viewer/png_file.h"

#include <math.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

const unsigned char *ami_app_read(ami_app *app, mjrRect whole)
{
    static unsigned char *buffer;
    static size_t capacity;
    const size_t size = (size_t)whole.width * (size_t)whole.height * 3;
    if (size > capacity) {
        unsigned char *bigger = realloc(buffer, size);
        if (!bigger)
            return NULL;
        buffer = bigger;
        capacity = size;
    }
    mjr_readPixels(buffer, NULL, whole, &app->view.context);
    return buffer;
}

/* "amble-20260102-030405.png", with a number where that is taken. */
static void new_name(char *path, size_t size, const char *ending)
{
    char stamp[32];
    const time_t now = time(NULL);
    struct tm local;
    localtime_r(&now, &local);
    strftime(stamp, sizeof stamp, "%Y%m%d-%H%M%S", &local);
    snprintf(path, size, "amble-%s%s", stamp, ending);
    for (int i = 2; access(path, F_OK) == 0 && i < 1000; i++)
        snprintf(path, size, "amble-%s-%d%s", stamp, i, ending);
}

void ami_app_end_film(ami_app *app)
{
    if (!app->view.film)
        return;
    ami_error err;
    const double seconds = (double)ami_film_frames(app->view.film) / app->def.fps;
    if (ami_film_close(app->view.film, &err))
        ami_app_say(app, "%s: %.1f s", app->view.film_path, seconds);
    else
        ami_app_say(app, "%s", err.text);
    app->view.film = NULL;
}

void ami_app_toggle_film(ami_app *app, mjrRect whole)
{
    if (app->view.film) {
        ami_app_end_film(app);
        return;
    }
    ami_error err;
    new_name(app->view.film_path, sizeof app->view.film_path, ".mp4");
    app->view.film = ami_film_open(app->view.film_path, whole.width, whole.height, app->def.fps, &err);
    app->view.film_begun = ami_clock_now();
    if (app->view.film)
        ami_app_say(app, "filming into %s; V ends it", app->view.film_path);
    else
        ami_app_say(app, "%s", err.text);
}

/* The film has a constant frame rate: frames that the screen missed repeat the picture. If very many are
 * missing, the rest is written with the next pictures, so that the window stays responsive. */
static void film_frame(ami_app *app, const unsigned char *rgb)
{
    const double begun = ami_clock_now();
    const int64_t due = (int64_t)floor((begun - app->view.film_begun) * app->def.fps) + 1;
    ami_error err;
    for (int64_t left = due - ami_film_frames(app->view.film); left > 0 && ami_clock_now() < begun + .2;
         left--)
        if (!ami_film_frame(app->view.film, rgb, &err)) {
            ami_film_close(app->view.film, NULL);
            app->view.film = NULL;
            ami_app_say(app, "%s", err.text);
            return;
        }
}

void ami_app_capture(ami_app *app, mjrRect whole)
{
    if (app->view.film_begun < 0) {
        app->view.film_begun = 0;
        ami_app_toggle_film(app, whole);
    }
    if (!app->view.film && !app->input.wants_screenshot)
        return;
    const unsigned char *rgb = ami_app_read(app, whole);
    if (!rgb)
        return;
    if (app->view.film)
        film_frame(app, rgb);
    if (app->input.wants_screenshot) {
        char path[64];
        ami_error err;
        app->input.wants_screenshot = false;
        new_name(path, sizeof path, ".png");
        if (ami_png_write(path, rgb, whole.width, whole.height, &err))
            ami_app_say(app, "saved %s", path);
        else
            ami_app_say(app, "%s", err.text);
    }
}
