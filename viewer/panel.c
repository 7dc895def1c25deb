/* The panel: copies values from the viewer and returns input as actions. */
#include "viewer/panel.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { FORCES, TRAIL, POINTS, PLOTS, SHADOWS, FLAGS };
static const ami_action flag_action[FLAGS] = {[FORCES] = AMI_ACT_FORCES,
                                              [TRAIL] = AMI_ACT_TRAIL,
                                              [POINTS] = AMI_ACT_POINTS,
                                              [PLOTS] = AMI_ACT_PLOTS,
                                              [SHADOWS] = AMI_ACT_SHADOWS};

struct ami_panel {
    const ami_app *app;
    const mjrContext *context;
    mjUI ui;
    mjuiState state;
    int listed;   /* choices; after them "a blend" */
    int64_t list; /* number of the lists shown */

    /* Values of the items, changed by input. */
    int skill, pause, ghost, filming, loop;
    int flag[FLAGS];
    double turn, pace; /* degrees a second; per cent */
    double weight[AMI_STYLES_SHOWN];

    bool dirty;
};

/* Buttons and boxes by their labels. */
static const struct {
    const char *label;
    ami_action action;
    double value;
} button[] = {
    {"Push it", AMI_ACT_PUSH, 1},        {"Push hard", AMI_ACT_PUSH, 2},
    {"Stand up here", AMI_ACT_RESET, 0}, {"Start over", AMI_ACT_RESTART, 0},
    {"Step back", AMI_ACT_BACK, 1},      {"Step", AMI_ACT_FORWARD, 1},
    {"Follow next", AMI_ACT_NEXT, 0},    {"Camera home", AMI_ACT_CAMERA, 0},
    {"Picture", AMI_ACT_SCREENSHOT, 0},  {"Help", AMI_ACT_HELP, 0},
    {"Random style", AMI_ACT_RANDOM, 0}, {"Slower", AMI_ACT_SLOWER, 0},
    {"Faster", AMI_ACT_FASTER, 0},
};

static void theme(mjUI *ui)
{
    ui->spacing = mjui_themeSpacing(0);
    ui->color = mjui_themeColor(0);
    const float base[3] = {.13f, .14f, .17f}, title[3] = {.20f, .23f, .29f}, pane[3] = {.16f, .17f, .21f},
                mark[3] = {.34f, .62f, .80f}, control[3] = {.27f, .31f, .38f}, text[3] = {.93f, .94f, .95f},
                dim[3] = {.55f, .58f, .62f};
    float *const dark[] = {ui->color.master}, *const titles[] = {ui->color.secttitle, ui->color.secttitle2},
                 *const panes[] = {ui->color.sectpane, ui->color.separator2},
                 *const marks[] = {ui->color.check, ui->color.radio, ui->color.slider2},
                 *const controls[] = {ui->color.button, ui->color.slider, ui->color.separator,
                                      ui->color.select, ui->color.thumb},
                 *const texts[] = {ui->color.sectfont, ui->color.sectsymbol, ui->color.fontactive},
                 *const dims[] = {ui->color.fontinactive, ui->color.decorinactive, ui->color.decorinactive2};
#define PAINT(list, colour)                                 \
    for (size_t i = 0; i < sizeof list / sizeof *list; i++) \
    memcpy(list[i], colour, sizeof colour)
    PAINT(dark, base);
    PAINT(titles, title);
    PAINT(panes, pane);
    PAINT(marks, mark);
    PAINT(controls, control);
    PAINT(texts, text);
    PAINT(dims, dim);
#undef PAINT
}

static void add_skills(ami_panel *p)
{
    mjuiDef def[] = {{mjITEM_SECTION, "Character", mjSECT_OPEN, NULL, "", 0},
                     {mjITEM_RADIO, "Skill", 1, &p->skill, "", 0},
                     {mjITEM_BUTTON, "Push it", 1, NULL, "", 0},
                     {mjITEM_BUTTON, "Push hard", 1, NULL, "", 0},
                     {mjITEM_SLIDERNUM, "Turn, deg/s", 1, &p->turn, "-60 60", 0},
                     {mjITEM_SLIDERNUM, "Pace, %", 1, &p->pace, "", 0},
                     {mjITEM_BUTTON, "Stand up here", 1, NULL, "", 0},
                     {mjITEM_BUTTON, "Start over", 1, NULL, "", 0},
                     {mjITEM_END, "", 0, NULL, "", 0}};
    char *list = def[1].other;
    for (int i = 0; i < p->app->content.choices; i++) {
        const size_t used = strlen(list);
        if (used + 32 > sizeof def[1].other)
            break;
        snprintf(list + used, sizeof def[1].other - used, "%s%d %.14s", i ? "\n" : "", i + 1,
                 p->app->content.choice[i].name);
        p->listed = i + 1;
    }
    if (p->app->content.motions.styles)
        snprintf(list + strlen(list), sizeof def[1].other - strlen(list), "\na blend");
    snprintf(def[5].other, sizeof def[5].other, "%.0f %.0f", 100 * AMI_PACE_MIN,
             100 * (p->app->content.motions.styles ? AMI_PACE_MAX : AMI_PACE_MAX_CLIP));
    mjui_add(&p->ui, def);
}

/* A slider for each style, if there are styles. */
static void add_styles(ami_panel *p)
{
    const ami_app *app = p->app;
    if (!app->content.motions.styles)
        return;
    const mjuiDef head[] = {{mjITEM_SECTION, "Styles", mjSECT_OPEN, NULL, "", 0},
                            {mjITEM_END, "", 0, NULL, "", 0}};
    mjui_add(&p->ui, head);
    const int section = p->ui.nsect - 1;
    for (int i = 0; i < app->content.styles_shown; i++) {
        const int style = app->content.style_shown[i];
        mjuiDef slider[] = {{mjITEM_SLIDERNUM, "", 1, &p->weight[i], "0 1", 0},
                            {mjITEM_END, "", 0, NULL, "", 0}};
        snprintf(slider[0].name, sizeof slider[0].name, "%.18s",
                 app->content.motions.styles->style[style].name);
        mjui_addToSection(&p->ui, section, slider);
    }
    const mjuiDef rest[] = {{mjITEM_BUTTON, "Random style", 1, NULL, "", 0},
                            {mjITEM_CHECKINT, "Phase loop", 1, &p->loop, "", 0},
                            {mjITEM_END, "", 0, NULL, "", 0}};
    mjui_addToSection(&p->ui, section, rest);
}

static void fill(ami_panel *p)
{
    p->list = p->app->content.lists;
    p->ui.nsect = 0;
    if (p->app->content.playing_clip) {
        const mjuiDef clip[] = {{mjITEM_SECTION, "Clip", mjSECT_OPEN, NULL, "", 0},
                                {mjITEM_CHECKINT, "Pause", 1, &p->pause, "", 0},
                                {mjITEM_BUTTON, "Step back", 1, NULL, "", 0},
                                {mjITEM_BUTTON, "Step", 1, NULL, "", 0},
                                {mjITEM_BUTTON, "Slower", 1, NULL, "", 0},
                                {mjITEM_BUTTON, "Faster", 1, NULL, "", 0},
                                {mjITEM_BUTTON, "Start over", 1, NULL, "", 0},
                                {mjITEM_END, "", 0, NULL, "", 0}};
        mjui_add(&p->ui, clip);
    } else {
        add_skills(p);
        add_styles(p);
        const mjuiDef time[] = {{mjITEM_SECTION, "Time", mjSECT_OPEN, NULL, "", 0},
                                {mjITEM_CHECKINT, "Pause", 1, &p->pause, "", 0},
                                {mjITEM_BUTTON, "Step back", 1, NULL, "", 0},
                                {mjITEM_BUTTON, "Step", 1, NULL, "", 0},
                                {mjITEM_BUTTON, "Slower", 1, NULL, "", 0},
                                {mjITEM_BUTTON, "Faster", 1, NULL, "", 0},
                                {mjITEM_END, "", 0, NULL, "", 0}};
        mjui_add(&p->ui, time);
    }
    const mjuiDef show[] = {
        {mjITEM_SECTION, "Show", mjSECT_OPEN, NULL, "", 0},
        {mjITEM_RADIO, "Reference", p->app->content.playing_clip ? 0 : 1, &p->ghost, "off\ninside\nbeside",
         0},
        {mjITEM_CHECKINT, "Forces", p->app->content.playing_clip ? 0 : 1, &p->flag[FORCES], "", 0},
        {mjITEM_CHECKINT, "Foot trail", 1, &p->flag[TRAIL], "", 0},
        {mjITEM_CHECKINT, "Joints", 1, &p->flag[POINTS], "", 0},
        {mjITEM_CHECKINT, "Plots", 1, &p->flag[PLOTS], "", 0},
        {mjITEM_CHECKINT, "Shadows", 1, &p->flag[SHADOWS], "", 0},
        {mjITEM_BUTTON, "Camera home", 1, NULL, "", 0},
        {mjITEM_END, "", 0, NULL, "", 0}};
    mjui_add(&p->ui, show);
    if (p->app->def.sim.envs > 1 && !p->app->content.playing_clip) {
        const mjuiDef next[] = {{mjITEM_BUTTON, "Follow next", 1, NULL, "", 0},
                                {mjITEM_END, "", 0, NULL, "", 0}};
        mjui_addToSection(&p->ui, p->ui.nsect - 1, next);
    }
    const mjuiDef keep[] = {{mjITEM_SECTION, "Keep", mjSECT_OPEN, NULL, "", 0},
                            {mjITEM_BUTTON, "Picture", 1, NULL, "", 0},
                            {mjITEM_CHECKINT, "Film", 1, &p->filming, "", 0},
                            {mjITEM_BUTTON, "Help", 1, NULL, "", 0},
                            {mjITEM_END, "", 0, NULL, "", 0}};
    mjui_add(&p->ui, keep);
}

ami_panel *ami_panel_create(const ami_app *app, ami_error *err)
{
    ami_panel *p = calloc(1, sizeof *p);
    if (!p) {
        ami_fail(err, "out of memory for the panel");
        return NULL;
    }
    p->app = app;
    p->pace = 100;
    p->ui.rectid = 1;
    p->ui.auxid = 0;
    p->ui.radiocol = 1;
    theme(&p->ui);
    fill(p);
    return p;
}

void ami_panel_destroy(ami_panel *panel)
{
    free(panel);
}

void ami_panel_measure(ami_panel *panel, const mjrContext *context)
{
    panel->context = context;
    mjui_resize(&panel->ui, context);
    mjr_addAux(panel->ui.auxid, panel->ui.width, panel->ui.maxheight, panel->ui.spacing.samples,
               (mjrContext *)context);
    panel->dirty = true;
}

int ami_panel_width(const ami_panel *panel)
{
    return panel->ui.width;
}

void ami_panel_refresh(ami_panel *panel)
{
    if (panel->list == panel->app->content.lists)
        return;
    fill(panel);
    ami_panel_measure(panel, panel->context);
    mjr_restoreBuffer(panel->context);
}

static void set_rects(ami_panel *p, mjrRect whole)
{
    p->state.nrect = 2;
    p->state.rect[0] = whole;
    p->state.rect[1] = (mjrRect){0, 0, p->app->view.shown.panel ? p->ui.width : 0, whole.height};
}

/* Updates the sliders; returns whether they were up to date. */
static bool same_weights(ami_panel *p)
{
    bool same = true;
    for (int i = 0; i < p->app->content.styles_shown; i++) {
        const double weight = p->app->content.weight[p->app->content.style_shown[i]];
        same = same && p->weight[i] == weight;
        p->weight[i] = weight;
    }
    return same;
}

/* Updates the boxes; returns whether they were up to date. */
static bool same_flags(ami_panel *p)
{
    const ami_shown *shown = &p->app->view.shown;
    const int now[FLAGS] = {[FORCES] = shown->look.forces,
                            [TRAIL] = shown->look.trail,
                            [POINTS] = shown->look.points,
                            [PLOTS] = shown->plots,
                            [SHADOWS] = shown->look.shadows};
    const bool same = !memcmp(p->flag, now, sizeof now);
    memcpy(p->flag, now, sizeof now);
    return same;
}

/* Updates the values from the simulation; true if any has changed. */
static bool read_snapshot(ami_panel *p, const ami_snapshot *s)
{
    const ami_app *app = p->app;
    const double turn = app->input.turn_base * 180 / M_PI, pace = 100 * s->pace;
    const int chosen = ami_app_chosen(app, s), skill = chosen >= 0 ? chosen : p->listed;
    const int filming = app->view.film != NULL, loop = s->phase_gain > 0;
    const bool same = p->skill == skill && p->loop == loop && p->pause == s->paused &&
                      p->ghost == app->view.shown.look.ghost && p->filming == filming &&
                      fabs(p->turn - turn) < 1e-6 && fabs(p->pace - pace) < 1e-6;
    p->skill = skill;
    p->loop = loop;
    p->pause = s->paused;
    p->ghost = app->view.shown.look.ghost;
    p->filming = filming;
    p->turn = turn;
    p->pace = pace;
    const bool weights = same_weights(p), flags = same_flags(p);
    return !(same && weights && flags);
}

void ami_panel_draw(ami_panel *panel, const ami_snapshot *snapshot, mjrRect whole)
{
    set_rects(panel, whole);
    const bool changed = read_snapshot(panel, snapshot) && !panel->state.dragrect;
    if (changed || panel->dirty)
        mjui_update(-1, -1, &panel->ui, &panel->state, panel->context);
    panel->dirty = false;
    mjui_render(&panel->ui, &panel->state, panel->context);
}

/* ---- Input ---- */

static ami_panel_event event_of(ami_panel *p, const mjuiItem *item)
{
    ami_panel_event e = {.taken = true};
    const void *data = item->pdata;
    for (size_t i = 0; i < sizeof button / sizeof *button; i++)
        if (!strcmp(item->name, button[i].label)) {
            e.action = button[i].action;
            e.value = button[i].value;
            return e;
        }
    for (int i = 0; i < FLAGS; i++)
        if (data == &p->flag[i])
            e.action = flag_action[i];
    for (int i = 0; i < p->app->content.styles_shown; i++)
        if (data == &p->weight[i]) {
            e.action = AMI_ACT_WEIGHT;
            e.value = p->weight[i];
            e.style = p->app->content.style_shown[i];
        }
    if (data == &p->skill && p->skill < p->listed) { /* blends are made with the sliders */
        e.action = AMI_ACT_SKILL;
        e.value = p->skill + 1;
    } else if (data == &p->loop) {
        e.action = AMI_ACT_PHASE_LOOP;
    } else if (data == &p->pause) {
        e.action = AMI_ACT_PAUSE;
    } else if (data == &p->ghost) {
        e.action = AMI_ACT_REFERENCE;
        e.value = p->ghost;
    } else if (data == &p->filming) {
        e.action = AMI_ACT_FILM;
    } else if (data == &p->turn) {
        e.action = AMI_ACT_TURN;
        e.value = fabs(p->turn) < 3 ? 0 : p->turn;
    } else if (data == &p->pace) {
        e.action = AMI_ACT_PACE;
        e.value = fabs(p->pace - 100) < 2 ? 1 : p->pace / 100;
    }
    return e;
}

static ami_panel_event pass_on(ami_panel *p)
{
    const mjuiItem *item = mjui_event(&p->ui, &p->state, p->context);
    p->dirty = true;
    return item ? event_of(p, item) : (ami_panel_event){.taken = true};
}

static void place_mouse(ami_panel *p, mjrRect whole, double x, double y)
{
    set_rects(p, whole);
    p->state.dx = x - p->state.x;
    p->state.dy = y - p->state.y;
    p->state.x = x;
    p->state.y = y;
    p->state.mouserect =
        p->state.dragrect ? p->state.dragrect : 1 + mjr_findRect((int)x, (int)y, 1, p->state.rect + 1);
}

ami_panel_event ami_panel_mouse_button(ami_panel *panel, mjrRect whole, double x, double y, int which,
                                       bool pressed)
{
    static const int names[3] = {mjBUTTON_LEFT, mjBUTTON_RIGHT, mjBUTTON_MIDDLE};
    place_mouse(panel, whole, x, y);
    mjuiState *s = &panel->state;
    int *const down[3] = {&s->left, &s->right, &s->middle};
    if (pressed && s->mouserect != panel->ui.rectid)
        return (ami_panel_event){.taken = false};
    if (!pressed && s->dragrect != panel->ui.rectid)
        return (ami_panel_event){.taken = false};
    *down[which] = pressed;
    s->button = names[which];
    s->doubleclick = 0;
    s->type = pressed ? mjEVENT_PRESS : mjEVENT_RELEASE;
    if (pressed) {
        s->dragrect = panel->ui.rectid;
        s->dragbutton = s->button;
    }
    const ami_panel_event event = pass_on(panel);
    if (!pressed)
        s->dragrect = s->dragbutton = 0;
    return event;
}

ami_panel_event ami_panel_mouse_move(ami_panel *panel, mjrRect whole, double x, double y)
{
    place_mouse(panel, whole, x, y);
    if (panel->state.dragrect != panel->ui.rectid)
        return (ami_panel_event){.taken = false};
    panel->state.type = mjEVENT_MOVE;
    return pass_on(panel);
}

ami_panel_event ami_panel_scroll(ami_panel *panel, mjrRect whole, double x, double y, double by)
{
    place_mouse(panel, whole, x, y);
    if (panel->state.mouserect != panel->ui.rectid)
        return (ami_panel_event){.taken = false};
    panel->state.type = mjEVENT_SCROLL;
    panel->state.sx = 0;
    panel->state.sy = by;
    return pass_on(panel);
}
