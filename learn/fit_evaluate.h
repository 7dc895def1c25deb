/* Evaluates a fit on held-out data.
 *
 * Phase. A row is a motion, measured on frames at 30 Hz over its held-out part (a loop: three cycles, at
 * least 4 s; else the longest stretch that repeats, if it has 1.5 periods or more).
 *
 *   rows: clean           without noise
 *         noise 2 cm      noise of .02 m on the points' positions
 *         noise 2 cm, v   also noise on velocities, as of differences of such positions over 1/15 s
 *         in capitals     summary of walking motions: the worst, and the range of strike_deg
 *   columns: period_error      relative error of ami_deepphase_periodicity against the mean of the cycles
 *            advance_error     relative error of the total phase advance
 *            phase_error_deg   mean distance to the phase between strikes
 *            strike_deg        the network's mean phase at left-foot strikes
 *            amplitude         mean
 *
 * Style. A row is a set of windows.
 *
 *   rows: held out   held-out walking windows (amplitude .5 or more in their middle, faster than .2 m/s),
 *                    decoded from their own μ
 *         aligned    the window at each strike, decoded from the style of the clip (the table's mean latent)
 *         half-way   equal mixtures of two styles, compared with the blend of the two motions
 *   columns: point_cm            mean distance of the points
 *            speed_error         |mean root velocity - true| / true
 *            yaw_error           rad/s
 *            skate, skate_true   m/s, mean ground speed of soles in contact
 *            closes_cm           distance of the points from those a period later */
#ifndef AMI_LEARN_FIT_EVALUATE_H
#define AMI_LEARN_FIT_EVALUATE_H

#include "learn/fit.h"
#include "policy/styles.h"

enum { AMI_FIT_EVALUATION_COLUMNS = 8 };

typedef struct ami_fit_evaluation {
    int columns, rows, capacity;
    const char *column[AMI_FIT_EVALUATION_COLUMNS];
    struct ami_fit_evaluation_row {
        const char *what;
        char motion[80];
        double value[AMI_FIT_EVALUATION_COLUMNS]; /* NAN: not measured */
    } * row;
} ami_fit_evaluation;

/* For style, *styles receives the table of named styles: all walking training motions whose style decodes to
 * their own window at a strike within 5 cm. */
ami_fit_evaluation *ami_fit_evaluate(const ami_fit *fit, ami_fit_what what, const ami_fit_data *data,
                                     uint64_t seed, ami_styles **styles, ami_error *err);
void ami_fit_evaluation_destroy(ami_fit_evaluation *evaluation); /* NULL is fine */

#endif
