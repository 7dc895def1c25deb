/* What repeats in a motion, found in the motion itself: no labels by hand.
 *
 * Strike: the left foot comes down. The contact of its heel or toe (motion/features.h; the larger counts)
 * rises through .5 after it stayed below .3 for .1 s or more: a foot that trembles in its stance strikes
 * once.
 *
 * Cycle, of a clip that loops: the loop, or a k-th part of it, k the largest number up to 8 such that the
 * body is after 1/k of the loop where it was, to .3 of what two random moments differ by (root mean square
 * over the points), or to .6 where it is 1.5 times as far off after half of that: cycles that differ. Its zero is the strike that ends the left foot's longest swing; where that foot never
 * strikes (crawling), the moment at which the left ankle is foremost. Of a clip that does not loop: from
 * strike to strike, where there are three such cycles or more with a strike of the right foot in each, and
 * none longer than twice or shorter than half of the median (those are left out).
 *
 * Phase: 0 at the cycle's zero, linear to 1 at the next: so a limp keeps its uneven rhythm, and right strikes
 * lie where they lie. Amplitude: 1 in a loop. Elsewhere 1 down to 0 as the difference to the same phase one
 * cycle before or after (the more similar one, averaged over half a period) grows from .4 to 1 of what two
 * random moments of its cycles differ by; 0 where there is no cycle.
 *
 * Loops are closed first: what the last pose lacks to the first (28 degrees in the public walk) is taken off
 * over the quarter of the cycle (at most .3 s) on either side of the seam. A motion is const once made. */
#ifndef AMI_MOTION_GAIT_H
#define AMI_MOTION_GAIT_H

#include "motion/features.h"

enum { AMI_GAIT_RATE = 60 }; /* frames a second in the tables below */

typedef struct ami_gait {
    char *name;
    ami_clip *clip; /* closed where it loops */
    bool loops;
    bool walks;      /* left and right strikes take turns, upright (root above .5 m), faster than .2 m/s:
                        locomotion */
    double duration; /* s */
    double period;   /* s: median of the cycles; 0 where there is none */
    int strikes;     /* zeros of cycles; a loop's last one is its first, one duration later */
    double *strike;  /* (strikes) s, increasing */
    bool *whole;     /* (strikes) from this one to the next is a cycle */
    int frames;
    float *feature;   /* (frames, 73) */
    float *phase;     /* (frames, 132) */
    float *amplitude; /* (frames) */
} ami_gait;

/* The clip may be destroyed afterwards. NULL and a sentence on error: a clip shorter than .3 s, memory. */
ami_gait *ami_gait_create(const ami_skeleton *skeleton, const ami_clip *clip, ami_error *err);
void ami_gait_destroy(ami_gait *gait); /* NULL is fine */

/* Half-way motion between two loops: at equal phase joints are turned from a towards b by the fraction
 * `weight`; the period is the weighted geometric mean, and what the root moves and turns in a given part of
 * the cycle the weighted mean, so that a foot that stands in both stands. A loop of one cycle beginning at
 * the strike. */
ami_gait *ami_gait_blend(const ami_skeleton *skeleton, const ami_gait *a, const ami_gait *b, double weight,
                         const char *name, ami_error *err);

/* At time t in s: a loop goes on for ever, another clip stays at its ends. Any may be NULL. Phase in [0, 1).
 * Linear between the tables' frames. No allocation. */
void ami_gait_sample(const ami_gait *gait, double t, float feature[AMI_FEATURES],
                     float phase_feature[AMI_PHASE_FEATURES]);
double ami_gait_phase(const ami_gait *gait, double t);
double ami_gait_amplitude(const ami_gait *gait, double t);

/* The time of a given phase within whole cycle `cycle` (an index of strike[]); phases beyond [0, 1) go on
 * into the neighbours. */
double ami_gait_time(const ami_gait *gait, int cycle, double phase);

/* n frames of 73 at AMI_FEATURE_RATE from t0 of the motion played `scale` times faster, velocities
 * included. */
void ami_gait_window(const ami_gait *gait, double t0, double scale, int n, float *window);

/* A motion slower than a cycle in AMI_GAIT_LONGEST s is played so much faster that a window of 2 s holds more
 * than a cycle; 1 elsewhere. */
#define AMI_GAIT_LONGEST 1.4
double ami_gait_scale(const ami_gait *gait);

#endif
