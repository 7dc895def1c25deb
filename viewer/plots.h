/* Scrolling plots of the last ten simulated seconds, drawn by MuJoCo's figures, in colours that everybody can
 * tell apart: the reward in its five parts, the critic's value, what a control step costs, and a circle with
 * the phase of the motion. */
#ifndef AMB_VIEWER_PLOTS_H
#define AMB_VIEWER_PLOTS_H

#include "session/snapshot.h"

typedef struct amb_plots amb_plots;

amb_plots *amb_plots_create(amb_error *err);
void amb_plots_destroy(amb_plots *plots);

/* Takes a snapshot in: one point for each control step seen. Time that jumped back begins a new curve. */
void amb_plots_add(amb_plots *plots, const amb_snapshot *snapshot);

/* Draws all in a column. Those that do not fit its height are left out, the least important first. */
void amb_plots_draw(amb_plots *plots, const amb_snapshot *snapshot, mjrRect column, double scale,
                    const mjrContext *context);

#endif
