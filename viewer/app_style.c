/* Styles: the list to choose from, blends and their names, speeds. */
#include "viewer/app.h"

#include "viewer/panel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* What comes first in the list, and what up and down go through, by speed. */
static const char *const gaits[] = {"walk", "jog", "run", "stealthy", "zombie"};
enum { GAITS = sizeof gaits / sizeof *gaits };

static bool is_gait(const char *name)
{
    for (int i = 0; i < GAITS; i++)
        if (!strcmp(name, gaits[i]))
            return true;
    return false;
}

/* The gaits first. */
static void order_styles(ami_app *app)
{
    const ami_styles *styles = app->motions.styles;
    app->styles_shown = 0;
    for (int i = 0; i < GAITS; i++) {
        const int k = ami_styles_find(styles, gaits[i], NULL);
        if (k >= 0)
            app->style_shown[app->styles_shown++] = k;
    }
    for (int k = 0; k < styles->count && app->styles_shown < AMI_STYLES_SHOWN; k++)
        if (!is_gait(styles->style[k].name))
            app->style_shown[app->styles_shown++] = k;
}

bool ami_app_invent(ami_app *app, ami_skill *skill, const char *style, ami_error *err)
{
    if (!app->motions.styles) {
        ami_style_request wanted = app->def.style;
        if (!ami_style_requested(&wanted))
            wanted.style = style;
        if (!ami_motions_load(&app->motions, &wanted, &app->character->skeleton, app->def.clips, err))
            return false;
        app->motions.def.seed = app->def.seed;
        app->own_gain = wanted.phase_gain > 0 ? wanted.phase_gain : 1;
        app->weight = calloc((size_t)app->motions.styles->count, sizeof *app->weight);
        if (!app->weight)
            return ami_fail(err, "out of memory for %d styles", app->motions.styles->count);
        order_styles(app);
    }
    return ami_skill_invent(skill, &app->motions.def, err);
}

/* The skill that the list's styles are of: only where a session begins with it, otherwise its name is one
 * among others. */
static bool lists_styles(const ami_app *app)
{
    return app->skills > 0 && app->skill[0] && app->skill[0]->invents;
}

static void add_choice(ami_app *app, const char *name, int skill, int style)
{
    if (app->choices == AMI_CHOICES)
        return;
    ami_choice *choice = &app->choice[app->choices++];
    *choice = (ami_choice){.skill = skill, .style = style};
    snprintf(choice->name, sizeof choice->name, "%.60s", name);
}

void ami_app_list(ami_app *app)
{
    const ami_styles *styles = app->motions.styles;
    app->choices = 0;
    if (!lists_styles(app)) {
        for (int i = 0; i < app->skills; i++)
            add_choice(app, app->skill_name[i], i, -1);
        return;
    }
    for (int i = 0; i < app->styles_shown; i++)
        add_choice(app, styles->style[app->style_shown[i]].name, 0, app->style_shown[i]);
    for (int i = 1; i < app->skills; i++)
        add_choice(app, app->skill_name[i], i, -1);
}

/* ---- choosing ---- */

static int style_skill(const ami_app *app)
{
    for (int i = 0; i < app->skills; i++)
        if (app->skill[i] && app->skill[i]->invents)
            return i;
    return -1;
}

/* The latent's weights, to the thousandth. */
static void show_weights(ami_app *app)
{
    ami_style_weights(app->motions.styles, &app->latent, app->weight);
    for (int i = 0; i < app->motions.styles->count; i++)
        app->weight[i] = round(1000 * app->weight[i]) / 1000;
}

static void take(ami_app *app, const ami_latent *latent)
{
    const int skill = style_skill(app);
    if (skill < 0)
        return;
    app->latent = *latent;
    ami_app_send(app,
                 &(ami_command){.kind = AMI_DO_STYLE, .value = skill, .character = -1, .latent = *latent});
}

void ami_app_style(ami_app *app, const char *text)
{
    ami_latent latent;
    ami_error err;
    if (style_skill(app) < 0)
        ami_app_say(app, "there are no styles here; begin with --style");
    else if (!strcmp(text, "random"))
        ami_app_send(app, &(ami_command){.kind = AMI_DO_DRAW, .value = style_skill(app), .character = -1});
    else if (!ami_style_mix(app->motions.styles, text, &latent, &err))
        ami_app_say(app, "%s", err.text);
    else {
        take(app, &latent);
        show_weights(app);
    }
}

void ami_app_blend(ami_app *app)
{
    ami_latent latent;
    if (ami_style_blend(app->motions.styles, app->weight, &latent))
        take(app, &latent);
    else
        ami_app_say(app, "a style has to be left");
}

bool ami_app_check_cues(const ami_app *app, ami_error *err)
{
    for (int i = 0; i < app->def.cues; i++) {
        const ami_cue *cue = &app->def.cue[i];
        ami_latent latent;
        if (cue->action != AMI_ACT_STYLE)
            continue;
        if (!app->motions.styles)
            return ami_fail(err, "--do \"style %.60s\": nothing here follows styles; give one with --style",
                            cue->text);
        if (strcmp(cue->text, "random") && !ami_style_mix(app->motions.styles, cue->text, &latent, err))
            return ami_fail_in(err, "--do \"style %.60s\"", cue->text);
    }
    return true;
}

/* ---- seeing ---- */

void ami_app_see_style(ami_app *app, const ami_snapshot *snapshot)
{
    if (!snapshot->invents || app->sent > snapshot->commands_done)
        return;
    app->pace = snapshot->pace;
    if (!memcmp(app->latent.z, snapshot->latent.z, sizeof app->latent.z) &&
        app->latent.scale == snapshot->latent.scale)
        return;
    app->latent = snapshot->latent;
    show_weights(app);
}

static double sum_of_weights(const ami_app *app)
{
    double sum = 0;
    for (int i = 0; i < app->motions.styles->count; i++)
        sum += app->weight[i];
    return fmax(sum, 1e-9);
}

static int heaviest(const ami_app *app, const bool *taken)
{
    int best = -1;
    for (int i = 0; i < app->motions.styles->count; i++)
        if (!(taken && taken[i]) && (best < 0 || app->weight[i] > app->weight[best]))
            best = i;
    return best;
}

/* The heaviest three, the others left out. */
void ami_app_style_text(const ami_app *app, char *text, size_t size)
{
    const ami_styles *styles = app->motions.styles;
    const double all = sum_of_weights(app);
    bool taken[256] = {false};
    text[0] = 0;
    for (int k = 0; k < 3 && k < styles->count && styles->count <= 256; k++) {
        const int i = heaviest(app, taken);
        const double share = app->weight[i] / all;
        const size_t used = strlen(text);
        taken[i] = true;
        if (share > .995)
            snprintf(text, size, "%.20s", styles->style[i].name);
        else if (share >= .005)
            snprintf(text + used, size - used, "%s%.20s %.0f %%", used ? ", " : "", styles->style[i].name,
                     100 * share);
    }
}

int ami_app_chosen(const ami_app *app, const ami_snapshot *snapshot)
{
    if (app->asked >= 0)
        return app->asked;
    const bool style = snapshot->wanted == snapshot->skill && snapshot->invents && lists_styles(app);
    const int most = style ? heaviest(app, NULL) : -1;
    for (int i = 0; i < app->choices; i++) {
        const ami_choice *c = &app->choice[i];
        if (c->skill == snapshot->wanted &&
            (style ? c->style == most && app->weight[most] > .995 * sum_of_weights(app) : c->style < 0))
            return i;
    }
    return -1;
}

/* ---- speed ---- */

void ami_app_set_pace(ami_app *app, double pace)
{
    const double most = ami_app_look(app)->invents ? AMI_PACE_MAX : AMI_PACE_MAX_CLIP;
    app->pace = fmin(fmax(round(pace * 20) / 20, AMI_PACE_MIN), most);
    app->hurried = fabs(app->pace - 1) > 1e-9;
    ami_app_send(app, &(ami_command){.kind = AMI_DO_PACE, .value = app->pace});
}

/* The gait that is the next faster one than `speed`, or the next slower one; -1: none. */
static int next_gait(const ami_styles *styles, double speed, int sign)
{
    int best = -1;
    for (int i = 0; i < GAITS; i++) {
        const int k = ami_styles_find(styles, gaits[i], NULL);
        if (k < 0 || sign * (styles->style[k].speed - speed) < .05 * speed)
            continue;
        if (best < 0 || sign * (styles->style[k].speed - styles->style[best].speed) < 0)
            best = k;
    }
    return best;
}

bool ami_app_style_pace(ami_app *app, int sign)
{
    const ami_styles *styles = app->motions.styles;
    if (!ami_app_look(app)->invents)
        return false;
    if (sign > 0 ? app->pace < AMI_PACE_MAX - 1e-9 : app->pace > AMI_PACE_MIN + 1e-9) {
        ami_app_set_pace(app, app->pace + .05 * sign);
        return true;
    }
    double own = 0;
    for (int i = 0; i < styles->count; i++)
        own += app->weight[i] / sum_of_weights(app) * styles->style[i].speed;
    const int next = next_gait(styles, own, sign);
    if (next < 0) {
        ami_app_say(app, sign > 0 ? "it goes no faster" : "it goes no slower");
        return true;
    }
    const double speed = own * app->pace; /* it goes on as fast as before, as far as it can */
    ami_app_style(app, styles->style[next].name);
    ami_app_set_pace(app, speed / styles->style[next].speed + .05 * sign);
    ami_app_say(app, "%s", styles->style[next].name);
    return true;
}
