/* Access to the simulation or clip: its snapshot, commands, and messages on the screen. */
#include "viewer/app.h"

#include "base/clock.h"
#include "base/number.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void ami_app_say(ami_app *app, const char *format, ...)
{
    va_list list;
    va_start(list, format);
    ami_number_vformat(app->view.message, sizeof app->view.message, format, list);
    va_end(list);
    app->view.message_until = ami_clock_now() + 4;
    if (app->log)
        fprintf(app->log, "says %s\n", app->view.message);
}

const ami_snapshot *ami_app_look(ami_app *app)
{
    if (app->content.playing_clip)
        return ami_player_look(&app->content.player);
    if (app->content.sim)
        return ami_sim_latest(app->content.sim);
    if (!app->content.own_fresh)
        ami_session_look(app->content.session, &app->content.own);
    app->content.own_fresh = true;
    return &app->content.own;
}

bool ami_app_stopped(const ami_app *app)
{
    return app->content.stopped && *app->content.stopped;
}

/* If the queue is full, waits for the simulation to empty it, but only for a short time, and not again before
 * it is empty: the simulation may be busy with many steps, and a waiting window cannot be closed. A lost pull
 * is replaced by the next one. */
static bool send_to_thread(ami_app *app, const ami_command *command)
{
    const double until = ami_clock_now() + (app->content.stuck ? 0 : .3);
    while (!ami_sim_send(app->content.sim, command, &app->content.sent)) {
        if (command->kind == AMI_DO_PULL)
            return false;
        if (ami_app_stopped(app) || ami_clock_now() >= until) {
            app->content.stuck = true;
            ami_app_say(app, "the simulation is still busy; this was not done");
            return false;
        }
        ami_clock_sleep_until(ami_clock_now() + .001);
    }
    app->content.stuck = false;
    return true;
}

bool ami_app_send(ami_app *app, const ami_command *command)
{
    if (app->content.sim)
        return send_to_thread(app, command);
    if (!app->content.session)
        return true;
    if (command->kind == AMI_DO_SPEED)
        app->content.own.speed = fmin(fmax(command->value, AMI_SPEED_MIN), AMI_SPEED_MAX);
    ami_command rest = *command;
    while (ami_session_apply_part(app->content.session, &rest) && !ami_app_stopped(app)) {
    }
    app->content.sent++;
    app->content.own_fresh = false;
    return true;
}
