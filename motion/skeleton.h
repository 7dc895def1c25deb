/* The humanoid as a tree of bodies: their order, names and parents, where their joints lie in a pose, and how
 * long its bones are. Without physics; sim/skeleton.h reads one off a compiled MuJoCo model. */
#ifndef AMI_MOTION_SKELETON_H
#define AMI_MOTION_SKELETON_H

#include "base/error.h"
#include "motion/clip.h"

/* Order of bodies everywhere, DeepMimic's: a body's number is the number of the joint that carries it. */
enum {
    AMI_ROOT,
    AMI_CHEST,
    AMI_NECK,
    AMI_RIGHT_HIP,
    AMI_RIGHT_KNEE,
    AMI_RIGHT_ANKLE,
    AMI_RIGHT_SHOULDER,
    AMI_RIGHT_ELBOW,
    AMI_RIGHT_WRIST,
    AMI_LEFT_HIP,
    AMI_LEFT_KNEE,
    AMI_LEFT_ANKLE,
    AMI_LEFT_SHOULDER,
    AMI_LEFT_ELBOW,
    AMI_LEFT_WRIST,
    AMI_BODIES,
};

/* Where the joint of a body lies in a pose and in a velocity (motion/clip.h). */
typedef struct ami_joint_layout {
    int width; /* numbers in a pose: 4 ball (quaternion), 1 hinge (angle), 0 no joint (the wrists; the root is
                  not driven either) */
    int pose;  /* first index in a pose (AMI_POSE numbers); the root's is 3 */
    int vel;   /* first index in a velocity (AMI_VEL numbers); the root's is 3 */
} ami_joint_layout;

/* The body's tree and measures, for placing it without physics (motion/kinematics.h). m and kg, in
 * body frames: at rest x forward, y up, z right. */
typedef struct ami_skeleton {
    ami_joint_layout joint[AMI_BODIES];
    int parent[AMI_BODIES];       /* number of the body it hangs on, smaller than its own; -1 for the root */
    double offset[AMI_BODIES][3]; /* the joint, in the parent's frame; 0 for the root */
    double centre[AMI_BODIES][3]; /* the centre of mass, in the body's own frame */
    double mass[AMI_BODIES], total_mass;
    double hinge_range[AMI_BODIES][2]; /* rad; of hinges: -π to π where the model has no limit */
    double toe[2][3], heel[2][3];      /* right, left: middle of the sole's front and rear edge, in the
                                          ankle's frame */
    double head_front[3];              /* the face's foremost point at the height of the head's centre, in the
                                          neck's frame */
} ami_skeleton;

extern const char *const ami_body_name[AMI_BODIES];

extern const int ami_body_parent[AMI_BODIES]; /* -1 for the root */

/* The layout of a body's joint: AMI_POSE and AMI_VEL in clip.h. */
ami_joint_layout ami_body_joint(int body);

/* Number of a body by name ("right_ankle"), -1 if there is none. */
int ami_body_by_name(const char *name);

/* Bodies named in a list with commas ("left_wrist,right_wrist") as bits, and the other way round. Reading
 * fails with a sentence where a name is no body's. 256 bytes are enough for all names. */
bool ami_bodies_read(const char *list, unsigned *bits, ami_error *err);
void ami_bodies_print(unsigned bits, char *list, size_t size);

#endif
