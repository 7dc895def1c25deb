/* How good a fit is, on what it did not learn from.
 *
 * Phase, each row a motion, on frames at 30 Hz over the held-out part (a loop: three cycles of at least 4 s
 * in all; elsewhere the longest stretch of it that repeats, left out where that is shorter than 1.5 periods):
 *   clean         period_error: of ami_deepphase_periodicity against the mean of the cycles, a share;
 *                 advance_error: of the phase's whole advance; phase_error_deg: mean distance to the phase
 *                 between strikes; strike_deg: the network's mean phase at the left foot's strikes;
 *                 amplitude: mean. Rows in capitals, of the motions that walk: the worst, and the largest
 *                 difference of strike_deg between two of them
 *   noise 2 cm    the same with noise of .02 m on the points' positions
 *   noise 2 cm, v the same with the velocities' noise too that differences of such positions over 1/15 s have
 * Style:
 *   held out      windows held out that walk: the motion repeats in their middle (amplitude .5 or more) and
 *                 covers more than .2 m/s; decoded from their own μ
 *   aligned       the window at each strike, decoded from the style of the clip (the table's mean latent)
 *   half-way      the same for equal mixtures of two styles, against the blend of the two motions
 *   point_cm: mean distance of the points; speed_error: |mean root velocity - true| / true; yaw_error rad/s;
 *   skate, skate_true: m/s, mean
 *   speed over ground of soles in contact; closes_cm: distance of the points a period later, from the frames
 *   that have one. */
#ifndef AMI_LEARN_FIT_EVALUATE_H
#define AMI_LEARN_FIT_EVALUATE_H

#include "learn/fit.h"
#include "policy/styles.h"

enum { AMI_FIT_EVALUATION_COLUMNS = 8 };

typedef struct ami_fit_evaluation {
    int columns, rows, room;
    const char *column[AMI_FIT_EVALUATION_COLUMNS];
    struct ami_fit_evaluation_row {
        const char *what;
        char motion[80];
        double value[AMI_FIT_EVALUATION_COLUMNS]; /* NAN: not measured */
    } * row;
} ami_fit_evaluation;

/* For style, *styles gets the table of named styles: all motions that walk, were learned from, and whose
 * style decodes to their own window at a strike within 5 cm. */
ami_fit_evaluation *ami_fit_evaluate(const ami_fit *fit, ami_fit_what what, const ami_fit_data *data,
                                     uint64_t seed, ami_styles **styles, ami_error *err);
void ami_fit_evaluation_destroy(ami_fit_evaluation *evaluation); /* NULL is fine */

#endif
