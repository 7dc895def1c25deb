/* Forward kinematics of our own: where the bodies are and how they move, from a pose and a velocity, without
 * an mjData.
 *
 * The same numbers as MuJoCo's mj_kinematics, mj_comPos and mj_comVel give, to rounding (1e-12), at a small
 * part of the price: no contacts, no forces, no inertias, no allocation. For references and motion features,
 * which need a place and no physics. Any number of threads may call at once.
 */
#ifndef AMI_MOTION_KINEMATICS_H
#define AMI_MOTION_KINEMATICS_H

#include "motion/skeleton.h"

/* Everything that observation and reward read off a body, in the world frame (z up), m, s, rad. */
typedef struct ami_state {
    double pose[AMI_POSE], vel[AMI_VEL]; /* as motion/clip.h lays them out */
    double centre[AMI_BODIES][3];        /* centres of mass */
    double joint[AMI_BODIES][3];         /* origins of the body frames, which are the joints */
    double rot[AMI_BODIES][4];           /* wxyz */
    double lin[AMI_BODIES][3];           /* velocity of the centre of mass */
    double ang[AMI_BODIES][3];           /* angular velocity, world frame */
    double com_vel[3];                   /* velocity of the whole body's centre of mass */
} ami_state;

/* World positions of the joints (m) and rotations of the bodies (wxyz, with the sign that follows from the
 * pose's signs) in a pose. The pose's quaternions need not be quite unit length; one of length 0 is the
 * identity, as in MuJoCo. */
void ami_fk(const ami_skeleton *skeleton, const double pose[AMI_POSE], double joint[AMI_BODIES][3],
            double rot[AMI_BODIES][4]);

/* The whole state of a body in this pose with this velocity. */
void ami_fk_state(const ami_skeleton *skeleton, const double pose[AMI_POSE], const double vel[AMI_VEL],
                  ami_state *state);

#endif
