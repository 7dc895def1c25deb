/* Editing clips: each function makes a new clip of the same name (NULL and a sentence on error). Only the
 * functions for it cut, loop or smooth. */
#ifndef AMI_MOTION_EDIT_H
#define AMI_MOTION_EDIT_H

#include "motion/clip.h"
#include "motion/skeleton.h"

/* From time a to b, s, 0 <= a < b <= duration; frames lie as they did, with new ones at a and b where none
 * is. Does not loop, unless it is the whole clip. */
ami_clip *ami_edit_cut(const ami_clip *clip, double a, double b, ami_error *err);

/* The same motion at an even rate, frames a second (1 to 1000). A whole number of intervals fits, so a loop
 * stays one and the rate may differ a little from the asked. */
ami_clip *ami_edit_resample(const ami_clip *clip, double rate, ami_error *err);

/* Durations times `scale` (.01 to 100). */
ami_clip *ami_edit_time_scale(const ami_clip *clip, double scale, ami_error *err);

/* Backwards in time. */
ami_clip *ami_edit_reverse(const ami_clip *clip, ami_error *err);

/* A Gaussian filter that halves the power at `hertz` (.1 to 100), over rotations too; a loop stays closed. */
ami_clip *ami_edit_smooth(const ami_clip *clip, double hertz, ami_error *err);

/* Turned about the vertical through the first frame's root, such that this faces `heading` rad (0 is x). */
ami_clip *ami_edit_heading(const ami_clip *clip, double heading, ami_error *err);

/* Moved up or down such that the soles are below the floor in a fiftieth of the frames. *lift (NULL is fine)
 * gets by how much, m. */
ami_clip *ami_edit_ground(const ami_clip *clip, double *lift, ami_error *err);

/* The cycle that closes best: of several lengths that close about as well the shortest, one cycle and not several. */
typedef struct ami_edit_cycle {
    double begin, end; /* s */
    double gap;        /* rad: root mean square over joints of what it is off at the seam; heights count a
                          radian for half a metre, velocities one for 10 rad/s */
} ami_edit_cycle;

/* Looks for a cycle of .4 to 20 s in which the body moves; false where there is none. Compares moments 1/30 s
 * apart, in the first two minutes. */
bool ami_edit_find_cycle(const ami_clip *clip, ami_edit_cycle *cycle, ami_error *err);

enum { AMI_LOOP_NONE, AMI_LOOP_WRAP, AMI_LOOP_AUTO };

/* What is off between two ends is a cycle up to this gap, for AMI_LOOP_AUTO. */
#define AMI_CYCLE_GAP .25 /* rad */

/* AMI_LOOP_NONE: a clip that does not loop. AMI_LOOP_WRAP: the whole clip as a loop, closed: what its last
 * frame is off the first one is taken off evenly over the clip, heading included. AMI_LOOP_AUTO: cut to the
 * best cycle and closed, if it closes within AMI_CYCLE_GAP and the clip repeats it throughout (a gait) or is
 * hardly longer; else as AMI_LOOP_NONE, so that a dance is not cut to a step of it. A clip that loops already
 * stays as it is for the latter two. *cycle (NULL is fine) gets the cycle that was used, or end 0. */
ami_clip *ami_edit_loop(const ami_clip *clip, int mode, ami_edit_cycle *cycle, ami_error *err);

#endif
