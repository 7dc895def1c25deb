/* What gait.c and gait_find.c, the two halves of motion/gait.h, have between them. Private to these. */
#ifndef AMB_MOTION_GAIT_FIND_H
#define AMB_MOTION_GAIT_FIND_H

#include "motion/gait.h"

/* Fills in strikes, period, amplitude and whether it walks; the tables must be there. */
bool amb_gait_find(amb_gait *gait, amb_error *err);

/* Room for n strikes, zeroed. */
bool amb_gait_room(amb_gait *gait, int n, amb_error *err);

/* The cycle that t falls in, by the strike that begins it; *t of a loop is brought into it. Outside: the
 * first or the last. */
int amb_gait_cycle(const amb_gait *gait, double *t);

#endif
