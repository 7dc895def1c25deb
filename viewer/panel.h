/* The panel at the left, MuJoCo's own mjUI: it needs no further library, is plain C, drawn by the renderer
 * that is there anyway, and scales with the screen. */
#ifndef AMI_VIEWER_PANEL_H
#define AMI_VIEWER_PANEL_H

#include "viewer/app.h"

ami_panel *ami_panel_create(ami_app *app, ami_error *err);
void ami_panel_destroy(ami_panel *panel);

/* After the renderer was made, or its fonts changed. */
void ami_panel_measure(ami_panel *panel, const mjrContext *context);
int ami_panel_width(const ami_panel *panel);

/* The list of skills has changed. */
void ami_panel_relist(ami_panel *panel);

void ami_panel_draw(ami_panel *panel, const ami_snapshot *snapshot, mjrRect whole);

/* Mouse events in framebuffer pixels, y up; `which` is 0 left, 1 right, 2 middle. True if the panel took it. */
bool ami_panel_mouse_button(ami_panel *panel, mjrRect whole, double x, double y, int which, bool pressed);
bool ami_panel_mouse_move(ami_panel *panel, mjrRect whole, double x, double y);
bool ami_panel_scroll(ami_panel *panel, mjrRect whole, double x, double y, double by);

#endif
