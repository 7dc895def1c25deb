/* Scrolling plots of the last ten simulated seconds, drawn by MuJoCo's figures, in colours that everybody can
 * tell apart: the reward in its five parts, the critic's value, what a control step costs, and a circle with
 * the phase of the motion. */
#ifndef AMI_VIEWER_PLOTS_H
#define AMI_VIEWER_PLOTS_H

#include "session/snapshot.h"

typedef struct ami_plots ami_plots;

ami_plots *ami_plots_create(ami_error *err);
void ami_plots_destroy(ami_plots *plots);

/* Takes a snapshot in: one point for each control step seen. Time that jumped back begins a new curve. */
void ami_plots_add(ami_plots *plots, const ami_snapshot *snapshot);

/* Draws all in a column. Those that do not fit its height are left out, the least important first. */
void ami_plots_draw(ami_plots *plots, const ami_snapshot *snapshot, mjrRect column, double scale,
                    const mjrContext *context);

#endif
