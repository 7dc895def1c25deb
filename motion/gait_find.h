/* What the parts of motion/gait.h have between them: gait.c reads tables, gait_find.c finds what repeats in
 * them, gait_make.c makes them. Private to these; each uses only those before it. */
#ifndef AMI_MOTION_GAIT_FIND_H
#define AMI_MOTION_GAIT_FIND_H

#include "motion/gait.h"

/* Fills in strikes, period, amplitude and whether it walks; the tables must be there. */
bool ami_gait_find(ami_gait *gait, ami_error *err);

/* Memory for n strikes, zeroed. */
bool ami_gait_room(ami_gait *gait, int n, ami_error *err);

/* The cycle that t falls in, by the strike that begins it; *t of a loop is brought into it. Outside: the
 * first or the last. */
int ami_gait_cycle(const ami_gait *gait, double *t);

#endif
