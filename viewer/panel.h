/* The panel at the left, MuJoCo's own mjUI: it needs no further library, is plain C, drawn by the renderer
 * that is there anyway, and scales with the screen. It reads the viewer and changes nothing of it: what
 * somebody does with it comes back as an action. */
#ifndef AMI_VIEWER_PANEL_H
#define AMI_VIEWER_PANEL_H

#include "viewer/app.h"

/* `app` must outlive it. */
ami_panel *ami_panel_create(const ami_app *app, ami_error *err);
void ami_panel_destroy(ami_panel *panel);

/* After the renderer was made, or its fonts changed. */
void ami_panel_measure(ami_panel *panel, const mjrContext *context);
int ami_panel_width(const ami_panel *panel);

/* Before a picture is begun: takes over the lists of skills and styles if they have changed. */
void ami_panel_refresh(ami_panel *panel);

void ami_panel_draw(ami_panel *panel, const ami_snapshot *snapshot, mjrRect whole);

/* What a mouse event did. */
typedef struct ami_panel_event {
    bool taken;        /* by the panel; else it is for whoever is behind it */
    ami_action action; /* AMI_ACT_NONE: nothing is to be done */
    double value;
    int style; /* of AMI_ACT_WEIGHT: number in the table */
} ami_panel_event;

/* Mouse events in framebuffer pixels, y up; `which` is 0 left, 1 right, 2 middle. */
ami_panel_event ami_panel_mouse_button(ami_panel *panel, mjrRect whole, double x, double y, int which,
                                       bool pressed);
ami_panel_event ami_panel_mouse_move(ami_panel *panel, mjrRect whole, double x, double y);
ami_panel_event ami_panel_scroll(ami_panel *panel, mjrRect whole, double x, double y, double by);

#endif
