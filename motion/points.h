/* 22 points of the body that say its whole pose: joints, and where a joint alone would leave a twist open, a
 * second point on the bone.
 *
 * The same for a clip's pose and for a simulated body: both go through an ami_state (motion/kinematics.h
 * fills one from a pose). With them the frame that motion features live in: its origin is the root's
 * projection to the ground, x points along the heading, y to the left, z up.
 *
 * The heading is that of the shortest turn: the root's rotation against upright is split into a turn about
 * the vertical and a lean about a horizontal axis (swing and twist), and the turn is the heading. So it means
 * the same standing, crawling, lying on either side or rolling; it is undefined (0, but finite) only exactly
 * upside down, and turns round fast close to that. The projection of the root's x axis, which ami_observe
 * takes because DeepMimic does, is undefined lying on the back and flips in each half of a somersault.
 *
 * Nothing here calls MuJoCo, allocates or fails. */
#ifndef AMI_MOTION_POINTS_H
#define AMI_MOTION_POINTS_H

#include "motion/kinematics.h"

enum {
    AMI_POINT_ROOT,         /* root joint */
    AMI_POINT_PELVIS_TOP,   /* chest joint */
    AMI_POINT_CHEST_CENTRE, /* the chest's centre of mass */
    AMI_POINT_NECK,         /* neck joint */
    AMI_POINT_HEAD,         /* the head's centre of mass */
    AMI_POINT_HEAD_FRONT,   /* the face at that height */
    AMI_POINT_LEFT,         /* the left side's eight, in the order below */
    AMI_POINT_RIGHT = AMI_POINT_LEFT + 8,
    AMI_POINTS = AMI_POINT_RIGHT + 8,

    /* added to AMI_POINT_LEFT or AMI_POINT_RIGHT */
    AMI_POINT_HIP = 0,
    AMI_POINT_KNEE,
    AMI_POINT_ANKLE,
    AMI_POINT_TOE,  /* middle of the sole's front edge */
    AMI_POINT_HEEL, /* middle of its rear edge */
    AMI_POINT_SHOULDER,
    AMI_POINT_ELBOW,
    AMI_POINT_WRIST,
};

extern const char *const ami_point_name[AMI_POINTS];

/* The points that touch the ground, in the order of the contacts in motion/features.h: left heel, left toe,
 * right heel, right toe. */
extern const int ami_sole_point[4];

typedef struct ami_points {
    double pos[AMI_POINTS][3], vel[AMI_POINTS][3]; /* m, m/s, world */
    double forward[2];                             /* cosine and sine of the heading */
    double yaw_rate;                               /* rad/s: the vertical part of the root's angular
                                                      velocity */
} ami_points;

void ami_points_of_state(const ami_skeleton *skeleton, const ami_state *state, ami_points *points);

/* Cosine and sine of the heading of a root with this rotation, as above. Any length of quaternion. */
void ami_points_heading(const double rot[4], double forward[2]);

#endif
