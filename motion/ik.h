/* Back from motion features (motion/features.h, 73 numbers a frame) to poses: where the root goes, and how
 * every joint is turned.
 *
 * Joints, frame by frame, down the tree. The root, the chest, the neck and the ankles are turned so that
 * their points fit best in the least squares' sense, about the place where the tree above has already put the
 * joint (orthogonal Procrustes problem in closed form). A hip or shoulder points at the knee or elbow; its
 * twist is the plane in which the limb bends, because knees and elbows are hinges about z. A limb's twist is
 * lost where it is straight, and noise drowns it where it is nearly so: what a frame does not say is taken
 * from the frame before it, each by its weight. A small bend to the wrong side of a hinge is taken for an
 * overstretched limb: the hinge stops at its limit and the limb is laid straight where it fits best.
 *
 * Root: the heading is found such that the root's turn from frame to frame, lean included, has the yaw rate
 * that the features give. Where the root is upright that is the integral of the yaw rate; in a somersault,
 * where the frame of the features spins round, it stays right. The place on the ground is the integral of the
 * velocity, by trapezoids; the height comes from the points.
 *
 * Contacts are not read: this neither locks feet nor lifts the body. Nothing allocates. */
#ifndef AMI_MOTION_IK_H
#define AMI_MOTION_IK_H

#include "motion/features.h"

typedef struct ami_ik_def {
    const ami_skeleton *skeleton;
    double rate;       /* 30: frames a second, 1 to 1000 */
    double noise;      /* .01: standard deviation of a point's coordinates, m, 0 to 1; 0 trusts them
                          entirely */
    double turn_speed; /* 3: rad/s, what joints usually turn at: with noise, how far a joint is from where it
                          was */
    double heading;    /* 0: rad, of the first frame */
    double at[2];      /* 0 0: m, place of the first frame's root */
} ami_ik_def;

/* What frame follows frame with. Plain data. */
typedef struct ami_ik {
    ami_ik_def def;
    double prior;              /* m²: weight of the frame before, against squared lengths of what points
                                  span */
    double upper[4], lower[4]; /* lengths of the limbs' bones, m: right leg and arm, left leg and arm */
    double low[4], high[4];    /* limits of their hinges, rad */
    bool started;              /* there was a frame before */
    double heading, at[2];     /* of that frame */
    double speed[2], yaw_rate; /* its root's, world frame */
    double pose[AMI_POSE];     /* it, in its own heading frame */
} ami_ik;

ami_ik_def ami_ik_default_def(const ami_skeleton *skeleton);

/* Refuses numbers outside the ranges above, and a body whose bones do not lie along its frames' axes as
 * DeepMimic's do. */
bool ami_ik_init(ami_ik *ik, const ami_ik_def *def, ami_error *err);

/* The joints of the next frame alone: into ik->pose, with the root over the origin and heading 0. */
void ami_ik_solve(ami_ik *ik, const float features[AMI_FEATURES]);

/* The pose of the next frame. Any finite features give a pose that ami_clip_create takes, up to its limits of
 * place. */
void ami_ik_frame(ami_ik *ik, const float features[AMI_FEATURES], double pose[AMI_POSE]);

/* A whole motion: frames >= 2 of features (frames, 73) into times (s) and poses that ami_clip_create takes.
 * The twists that the first frame lacks come from the second after it (in a cycle, before it).
 *
 * Cyclic: after the last frame comes the first again, so there is one frame more in time and pose than in
 * features, the first one moved on. A clip's cycle cannot end with another heading than it began with: what
 * is missing to whole turns is taken off evenly over the cycle. */
bool ami_ik_motion(const ami_ik_def *def, int frames, const float *features, bool cyclic, double *time,
                   double *pose, ami_error *err);

/* The same a frame at a time, for a caller who must not spend the whole time at once:
 *
 *   ami_ik_pass_begin(&pass, …);
 *   while (ami_ik_pass_left(&pass) > 0) // any time may pass between two
 *       ami_ik_pass_solve(&pass, features of frame ami_ik_pass_frame(&pass), pose);
 *   ami_ik_pass_end(&pass, features, time, pose);
 *
 * Plain data; until the end only the pass may write to `pose`. Bit for bit what ami_ik_motion gives. */
typedef struct ami_ik_pass {
    ami_ik ik;
    int frames;
    bool cyclic;
    int before; /* frames that are solved first, because of the twists that the first frame lacks */
    int done;   /* frames solved, those included */
} ami_ik_pass;

/* False and a sentence as ami_ik_motion. */
AMI_MUST_CHECK bool ami_ik_pass_begin(ami_ik_pass *pass, const ami_ik_def *def, int frames, bool cyclic,
                                      ami_error *err);
int ami_ik_pass_left(const ami_ik_pass *pass);  /* frames to solve */
int ami_ik_pass_frame(const ami_ik_pass *pass); /* the frame that is solved next, from 0 */
void ami_ik_pass_solve(ami_ik_pass *pass, const float features[AMI_FEATURES], double *pose);
void ami_ik_pass_end(const ami_ik_pass *pass, const float *features, double *time, double *pose);

#endif
