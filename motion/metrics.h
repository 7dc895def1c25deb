/* The field's error metrics between two motions of the humanoid, and quality metrics of one. Definitions with
 * formulas: docs/metrics.md. */
#ifndef AMI_MOTION_METRICS_H
#define AMI_MOTION_METRICS_H

#include "motion/clip.h"
#include "motion/skeleton.h"

#define AMI_METRICS_RATE 30.0 /* Hz, at which motions are compared */

typedef struct ami_metrics {
    int frames;       /* compared: those that both have */
    double e_g_mpjpe; /* m: mean over frames and joints of the distance of the joints */
    double e_mpjpe;   /* m: the same relative to the root */
    double e_vel;     /* m a frame: mean norm of the difference of first differences */
    double e_acc;     /* m a frame²: of second differences */
    double dtw; /* m: mean distance along the warping path that makes it least; NAN where the motions are
                           too long for it (more than 2e8 pairs of frames) */
} ami_metrics;

/* Joints are the 15 bodies' origins (frames, 15, 3), world, m; both at the same rate. At least 3 frames, in
 * each for dtw. False and a sentence where memory is short. */
AMI_MUST_CHECK bool ami_metrics_of_joints(int frames_a, const double (*a)[AMI_BODIES][3], int frames_b,
                                          const double (*b)[AMI_BODIES][3], ami_metrics *metrics,
                                          ami_error *err);

/* Of clips, sampled at AMI_METRICS_RATE from their beginnings, each over its own length. */
AMI_MUST_CHECK bool ami_metrics_of_clips(const ami_clip *a, const ami_clip *b, ami_metrics *metrics,
                                         ami_error *err);

/* The same errors frame by frame, without storing a motion: e_vel and e_acc from the third frame of an
 * episode on. Starts as zeros. */
typedef struct ami_tracking {
    int frames;                      /* added */
    double g_mpjpe, mpjpe, vel, acc; /* sums over frames of means over joints, m */
    double worst;                 /* m: largest mean distance of the joints in a frame (PHC's success: at most
                                        AMI_PHC_DISTANCE) */
    double off[2][AMI_BODIES][3]; /* of the two frames before */
} ami_tracking;

#define AMI_PHC_DISTANCE .5 /* m */

void ami_tracking_add(ami_tracking *tracking, const double body[AMI_BODIES][3],
                      const double reference[AMI_BODIES][3]);

typedef struct ami_quality {
    double jerk; /* m/s³: mean norm of the joints' third derivative */
    double
        foot_skate; /* m/s: mean speed on the floor of soles' points lower than AMI_SKATE_HEIGHT; 0 where none
                           is */
    double penetration; /* m: deepest that a sole's point is below the floor */
} ami_quality;

#define AMI_SKATE_HEIGHT .03 /* m */

AMI_MUST_CHECK bool ami_quality_of_clip(const ami_clip *clip, ami_quality *quality, ami_error *err);

/* Places of the joints of a clip at AMI_METRICS_RATE, malloc'd (*frames, 15, 3); NULL and a sentence on
 * error. */
double (*ami_metrics_joints(const ami_clip *clip, int *frames, ami_error *err))[AMI_BODIES][3];

#endif
