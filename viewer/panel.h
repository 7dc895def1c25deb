/* The panel at the left, by MuJoCo's mjUI: plain C without a further library, drawn by the same renderer, and
 * it scales with the screen. It only reads the viewer; input is returned as an action. */
#ifndef AMI_VIEWER_PANEL_H
#define AMI_VIEWER_PANEL_H

#include "viewer/app.h"

/* `app` must outlive it. */
ami_panel *ami_panel_create(const ami_app *app, ami_error *err);
void ami_panel_destroy(ami_panel *panel);

/* To be called after the renderer was created or its fonts changed. */
void ami_panel_measure(ami_panel *panel, const mjrContext *context);
int ami_panel_width(const ami_panel *panel);

/* To be called before a picture: updates the lists of skills and styles if they have changed. */
void ami_panel_refresh(ami_panel *panel);

void ami_panel_draw(ami_panel *panel, const ami_snapshot *snapshot, mjrRect whole);

/* The effect of a mouse event. */
typedef struct ami_panel_event {
    bool taken;        /* handled by the panel; else it is for the world */
    ami_action action; /* AMI_ACT_NONE: no action */
    double value;
    int style; /* of AMI_ACT_WEIGHT: number in the table */
} ami_panel_event;

/* Mouse events in framebuffer pixels, y up; `which` is 0 left, 1 right, 2 middle. */
ami_panel_event ami_panel_mouse_button(ami_panel *panel, mjrRect whole, double x, double y, int which,
                                       bool pressed);
ami_panel_event ami_panel_mouse_move(ami_panel *panel, mjrRect whole, double x, double y);
ami_panel_event ami_panel_scroll(ami_panel *panel, mjrRect whole, double x, double y, double by);

#endif
