/* Scrolling plots of the last ten simulated seconds, drawn by MuJoCo's figures in a colour-blind-safe
 * palette: the reward in its five parts, the critic's value, the time of a control step, and a circle with
 * the motion's phase. */
#ifndef AMI_VIEWER_PLOTS_H
#define AMI_VIEWER_PLOTS_H

#include "session/snapshot.h"

typedef struct ami_plots ami_plots;

ami_plots *ami_plots_create(ami_error *err);
void ami_plots_destroy(ami_plots *plots);

/* Adds a snapshot: one point for each new control step. If time jumped back, a new curve begins. */
void ami_plots_add(ami_plots *plots, const ami_snapshot *snapshot);

/* Draws all in a column. Plots that do not fit its height are left out, the least important first. */
void ami_plots_draw(ami_plots *plots, const ami_snapshot *snapshot, mjrRect column, double scale,
                    const mjrContext *context);

#endif
