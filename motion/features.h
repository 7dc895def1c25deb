/* What the motion networks read: a frame of motion as 73 numbers (StyleVAE) or as 132 (DeepPhase). Free of
 * place and heading in the world.
 *
 * Both are in the frame of motion/points.h: origin at the root's projection to the ground (z = 0), x forward
 * along the heading, y left, z up.
 *
 * 73:  3 p ..      point p (order of motion/points.h) m: x, y, z; the root's own x and y are 0
 *      66, 67      the root joint's velocity forward and to the left, m/s
 *      68          yaw rate, rad/s: the vertical part of the root's angular velocity, which is bounded
 *                  whatever the lean; it is the rate of change of the heading where the root is upright
 *                  (motion/ik.h recovers a heading from it)
 *      69 .. 72    contact of left heel, left toe, right heel, right toe in [0, 1]
 * 132: 6 p ..      point p: x, y, z, then its velocity in m/s: that in the world, seen along the frame's
 *                  axes. It is not relative to the
 * frame, so walking on shows in every point, and nothing is differentiated that could jump.
 *
 * A contact is the product of two linear ramps, in the height and in the speed of the point: 1 up to the
 * first threshold, 0 from the second. It knows no past, so clip and body give the same. The thresholds come
 * from the 26 public clips, whose standing feet lie between -.05 and .03 m and move at up to .3 m/s.
 *
 * From a clip's sample or a simulated body through the same ami_points: the same numbers to rounding. No
 * MuJoCo, no allocation, no errors.
 */
#ifndef AMI_MOTION_FEATURES_H
#define AMI_MOTION_FEATURES_H

#include "motion/points.h"

enum {
    AMI_FEATURES = 73,
    AMI_PHASE_FEATURES = 132,
    AMI_FEATURE_FORWARD = 66,
    AMI_FEATURE_LEFT = 67,
    AMI_FEATURE_YAW_RATE = 68,
    AMI_FEATURE_CONTACT = 69, /* four: left heel, left toe, right heel, right toe */
};

#define AMI_CONTACT_HEIGHT ((const double[2]){.03, .06}) /* m */
#define AMI_CONTACT_SPEED ((const double[2]){.4, 1.0})   /* m/s */

/* Frames a second of a window of the 73: of what StyleVAE reads and gives. */
#define AMI_FEATURE_RATE 30.0

void ami_features(const ami_points *points, float features[AMI_FEATURES]);
void ami_phase_features(const ami_points *points, float features[AMI_PHASE_FEATURES]);

/* Of a clip at time t (s, as ami_clip_sample takes it). Either may be NULL. */
void ami_features_of_clip(const ami_skeleton *skeleton, const ami_clip *clip, double t,
                          float features[AMI_FEATURES], float phase_features[AMI_PHASE_FEATURES]);

/* Mean distance of the 22 points of two frames of the 73, m. */
double ami_features_distance(const float a[AMI_FEATURES], const float b[AMI_FEATURES]);

/* Contact of one point at this height (m) with this velocity (m/s). */
double ami_contact(double height, const double vel[3]);

#endif
