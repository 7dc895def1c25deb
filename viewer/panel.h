/* The panel at the left, MuJoCo's own mjUI: it needs no further library, is plain C, drawn by the renderer
 * that is there anyway, and scales with the screen. */
#ifndef AMB_VIEWER_PANEL_H
#define AMB_VIEWER_PANEL_H

#include "viewer/app.h"

amb_panel *amb_panel_create(amb_app *app, amb_error *err);
void amb_panel_destroy(amb_panel *panel);

/* After the renderer was made, or its fonts changed. */
void amb_panel_measure(amb_panel *panel, const mjrContext *context);
int amb_panel_width(const amb_panel *panel);

/* The list of skills has changed. */
void amb_panel_relist(amb_panel *panel);

void amb_panel_draw(amb_panel *panel, const amb_snapshot *snapshot, mjrRect whole);

/* Mouse events in framebuffer pixels, y up; button 0 left, 1 right, 2 middle. True if the panel took it. */
bool amb_panel_mouse_button(amb_panel *panel, mjrRect whole, double x, double y, int button, bool pressed);
bool amb_panel_mouse_move(amb_panel *panel, mjrRect whole, double x, double y);
bool amb_panel_scroll(amb_panel *panel, mjrRect whole, double x, double y, double by);

#endif
