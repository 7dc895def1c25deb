/* Styles: the list to choose from, blends and their names, speeds. */
#include "viewer/app.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* First in the list; Up and Down choose among them by speed. */
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
    const ami_styles *styles = app->content.motions.styles;
    app->content.styles_shown = 0;
    for (int i = 0; i < GAITS; i++) {
        const int k = ami_styles_find(styles, gaits[i], NULL);
        if (k >= 0)
            app->content.style_shown[app->content.styles_shown++] = k;
    }
    for (int k = 0; k < styles->count && app->content.styles_shown < AMI_STYLES_SHOWN; k++)
        if (!is_gait(styles->style[k].name))
            app->content.style_shown[app->content.styles_shown++] = k;
}

bool ami_app_invent(ami_app *app, ami_skill *skill, const char *style, ami_error *err)
{
    if (!app->content.motions.styles) {
        ami_style_files files;
        const ami_origin origin = ami_policy_origin(&skill->policy, skill->path);
        ami_style_request request =
            ami_style_beside(&app->def.style, skill->has_policy ? &origin : NULL, &files);
        request.skills = true;
        if (!ami_style_requested(&request))
            request.style = style;
        if (!ami_motions_load(&app->content.motions, &request, &app->content.character->skeleton,
                              app->def.clips, err))
            return false;
        app->content.motions.def.seed = app->def.seed;
        app->content.own_gain = request.phase_gain > 0 ? request.phase_gain : 1;
        app->content.weight = calloc((size_t)app->content.motions.styles->count, sizeof *app->content.weight);
        if (!app->content.weight)
            return ami_fail(err, "out of memory for %d styles", app->content.motions.styles->count);
        order_styles(app);
    }
    return ami_skill_invent(skill, &app->content.motions.def, err);
}

/* The skill of the list's styles: only where a session begins with it, otherwise its name is one of the
 * entries. */
static bool lists_styles(const ami_app *app)
{
    return app->content.skills > 0 && app->content.skill[0] && app->content.skill[0]->invents;
}

static void add_choice(ami_app *app, const char *name, int skill, int style)
{
    if (app->content.choices == AMI_CHOICES)
        return;
    ami_choice *choice = &app->content.choice[app->content.choices++];
    *choice = (ami_choice){.skill = skill, .style = style};
    snprintf(choice->name, sizeof choice->name, "%.60s", name);
}

void ami_app_list(ami_app *app)
{
    const ami_styles *styles = app->content.motions.styles;
    app->content.choices = 0;
    if (!lists_styles(app)) {
        for (int i = 0; i < app->content.skills; i++)
            add_choice(app, app->content.skill_name[i], i, -1);
        return;
    }
    for (int i = 0; i < app->content.styles_shown; i++)
        add_choice(app, styles->style[app->content.style_shown[i]].name, 0, app->content.style_shown[i]);
    for (int i = 1; i < app->content.skills; i++)
        add_choice(app, app->content.skill_name[i], i, -1);
}

/* ---- choosing ---- */

static int style_skill(const ami_app *app)
{
    for (int i = 0; i < app->content.skills; i++)
        if (app->content.skill[i] && app->content.skill[i]->invents)
            return i;
    return -1;
}

/* The weights of the blend as text, rounded to .001. */
static void show_weights(ami_app *app)
{
    ami_style_weights(app->content.motions.styles, &app->content.latent, app->content.weight);
    for (int i = 0; i < app->content.motions.styles->count; i++)
        app->content.weight[i] = round(1000 * app->content.weight[i]) / 1000;
}

static void take(ami_app *app, const ami_latent *latent)
{
    const int skill = style_skill(app);
    if (skill < 0)
        return;
    app->content.latent = *latent;
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
    else if (!ami_style_mix(app->content.motions.styles, text, &latent, &err))
        ami_app_say(app, "%s", err.text);
    else {
        take(app, &latent);
        show_weights(app);
    }
}

void ami_app_weigh(ami_app *app, int style, double weight)
{
    ami_latent latent;
    app->content.weight[style] = fmin(fmax(weight, 0), 1);
    if (ami_style_blend(app->content.motions.styles, app->content.weight, &latent))
        take(app, &latent);
    else
        ami_app_say(app, "at least one style needs a weight above 0");
}

bool ami_app_check_cues(const ami_app *app, ami_error *err)
{
    for (int i = 0; i < app->def.cues; i++) {
        const ami_cue *cue = &app->def.cue[i];
        ami_latent latent;
        if (cue->action != AMI_ACT_STYLE)
            continue;
        if (!app->content.motions.styles)
            return ami_fail(err, "--do \"style %.60s\": nothing here follows styles; give one with --style",
                            cue->text);
        if (strcmp(cue->text, "random") &&
            !ami_style_mix(app->content.motions.styles, cue->text, &latent, err))
            return ami_fail_in(err, "--do \"style %.60s\"", cue->text);
    }
    return true;
}

/* ---- showing ---- */

void ami_app_see_style(ami_app *app, const ami_snapshot *snapshot)
{
    if (!snapshot->invents || app->content.sent > snapshot->commands_done)
        return;
    app->input.pace = snapshot->pace;
    if (!memcmp(app->content.latent.z, snapshot->latent.z, sizeof app->content.latent.z) &&
        app->content.latent.scale == snapshot->latent.scale)
        return;
    app->content.latent = snapshot->latent;
    show_weights(app);
}

static double sum_of_weights(const ami_app *app)
{
    double sum = 0;
    for (int i = 0; i < app->content.motions.styles->count; i++)
        sum += app->content.weight[i];
    return fmax(sum, 1e-9);
}

static int heaviest(const ami_app *app, const bool *taken)
{
    int best = -1;
    for (int i = 0; i < app->content.motions.styles->count; i++)
        if (!(taken && taken[i]) && (best < 0 || app->content.weight[i] > app->content.weight[best]))
            best = i;
    return best;
}

/* The three largest weights. */
void ami_app_style_text(const ami_app *app, char *text, size_t size)
{
    const ami_styles *styles = app->content.motions.styles;
    const double all = sum_of_weights(app);
    bool taken[256] = {false};
    text[0] = 0;
    for (int k = 0; k < 3 && k < styles->count && styles->count <= 256; k++) {
        const int i = heaviest(app, taken);
        const double fraction = app->content.weight[i] / all;
        const size_t used = strlen(text);
        taken[i] = true;
        if (fraction > .995)
            snprintf(text, size, "%.20s", styles->style[i].name);
        else if (fraction >= .005)
            snprintf(text + used, size - used, "%s%.20s %.0f %%", used ? ", " : "", styles->style[i].name,
                     100 * fraction);
    }
}

int ami_app_chosen(const ami_app *app, const ami_snapshot *snapshot)
{
    if (app->input.asked >= 0)
        return app->input.asked;
    const bool style = snapshot->requested == snapshot->skill && snapshot->invents && lists_styles(app);
    const int largest = style ? heaviest(app, NULL) : -1;
    for (int i = 0; i < app->content.choices; i++) {
        const ami_choice *c = &app->content.choice[i];
        if (c->skill == snapshot->requested &&
            (style ? c->style == largest && app->content.weight[largest] > .995 * sum_of_weights(app)
                   : c->style < 0))
            return i;
    }
    return -1;
}

/* ---- speed ---- */

void ami_app_set_pace(ami_app *app, double pace)
{
    const double max_pace = ami_app_look(app)->invents ? AMI_PACE_MAX : AMI_PACE_MAX_CLIP;
    app->input.pace = fmin(fmax(round(pace * 20) / 20, AMI_PACE_MIN), max_pace);
    app->input.hurried = fabs(app->input.pace - 1) > 1e-9;
    ami_app_send(app, &(ami_command){.kind = AMI_DO_PACE, .value = app->input.pace});
}

/* The next gait faster, or slower, than `speed`; -1: none. */
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
    const ami_styles *styles = app->content.motions.styles;
    if (!ami_app_look(app)->invents)
        return false;
    if (sign > 0 ? app->input.pace < AMI_PACE_MAX - 1e-9 : app->input.pace > AMI_PACE_MIN + 1e-9) {
        ami_app_set_pace(app, app->input.pace + .05 * sign);
        return true;
    }
    double own = 0;
    for (int i = 0; i < styles->count; i++)
        own += app->content.weight[i] / sum_of_weights(app) * styles->style[i].speed;
    const int next = next_gait(styles, own, sign);
    if (next < 0) {
        ami_app_say(app, sign > 0 ? "it goes no faster" : "it goes no slower");
        return true;
    }
    const double speed = own * app->input.pace; /* keeps the speed, as far as possible */
    ami_app_style(app, styles->style[next].name);
    ami_app_set_pace(app, speed / styles->style[next].speed + .05 * sign);
    ami_app_say(app, "%s", styles->style[next].name);
    return true;
}
