/* The humanoid as a tree of bodies: their order, names and parents, where their joints lie in a pose, and how
 * long its bones are. Without physics; sim/skeleton.h reads one off a compiled MuJoCo model. */
#ifndef AMB_MOTION_SKELETON_H
#define AMB_MOTION_SKELETON_H

#include "base/error.h"
#include "motion/clip.h"

/* Order of bodies everywhere, DeepMimic's: a body's number is the number of the joint that carries it. */
enum {
    AMB_ROOT,
    AMB_CHEST,
    AMB_NECK,
    AMB_RIGHT_HIP,
    AMB_RIGHT_KNEE,
    AMB_RIGHT_ANKLE,
    AMB_RIGHT_SHOULDER,
    AMB_RIGHT_ELBOW,
    AMB_RIGHT_WRIST,
    AMB_LEFT_HIP,
    AMB_LEFT_KNEE,
    AMB_LEFT_ANKLE,
    AMB_LEFT_SHOULDER,
    AMB_LEFT_ELBOW,
    AMB_LEFT_WRIST,
    AMB_BODIES,
};

/* Where the joint of a body lies in a pose and in a velocity (motion/clip.h). */
typedef struct amb_joint_layout {
    int width; /* numbers in a pose: 4 ball (quaternion), 1 hinge (angle), 0 no joint (the wrists; the root is
                  not driven either) */
    int pose;  /* first index in a pose (AMB_POSE numbers); the root's is 3 */
    int vel;   /* first index in a velocity (AMB_VEL numbers); the root's is 3 */
} amb_joint_layout;

/* The body's tree and measures, for whoever places it without physics (motion/kinematics.h). m and kg, in
 * body frames: at rest x forward, y up, z right. */
typedef struct amb_skeleton {
    amb_joint_layout joint[AMB_BODIES];
    int parent[AMB_BODIES];       /* number of the body it hangs on, smaller than its own; -1 for the root */
    double offset[AMB_BODIES][3]; /* the joint, in the parent's frame; 0 for the root */
    double centre[AMB_BODIES][3]; /* the centre of mass, in the body's own frame */
    double mass[AMB_BODIES], total_mass;
    double hinge_range[AMB_BODIES][2]; /* rad; of hinges: -π to π where the model has no limit */
    double toe[2][3], heel[2][3];      /* right, left: middle of the sole's front and rear edge, in the
                                          ankle's frame */
    double head_front[3];              /* the face's foremost point at the height of the head's centre, in the
                                          neck's frame */
} amb_skeleton;

extern const char *const amb_body_name[AMB_BODIES];

extern const int amb_body_parent[AMB_BODIES]; /* -1 for the root */

/* The layout of a body's joint: AMB_POSE and AMB_VEL in clip.h. */
amb_joint_layout amb_body_joint(int body);

/* Number of a body by name ("right_ankle"), -1 if there is none. */
int amb_body_by_name(const char *name);

/* Bodies named in a list with commas ("left_wrist,right_wrist") as bits, and the other way round. Reading
 * fails with a sentence where a name is no body's. 256 bytes are enough for all names. */
bool amb_bodies_read(const char *list, unsigned *bits, amb_error *err);
void amb_bodies_print(unsigned bits, char *list, size_t size);

#endif
