/* The body: DeepMimic's humanoid as a compiled MuJoCo model, plus the data that a MuJoCo model lacks: PD
 * gains, torque limits, reward weights, and the MuJoCo id of each of DeepMimic's bodies and joints.
 *
 * Const after creation and shared by every world and thread. Holds no simulation state. */
#ifndef AMI_SIM_CHARACTER_H
#define AMI_SIM_CHARACTER_H

#include "base/error.h"
#include "motion/skeleton.h"

#include <mujoco/mujoco.h>

enum { AMI_ACTION = 36 }; /* numbers in an action: the pose (motion/clip.h) without the root's 7 */

typedef struct ami_joint {
    int width;      /* numbers of the joint in a pose, as in the skeleton */
    int pose;       /* first index in a pose, as in the skeleton; the index in an action is this - 7 */
    int vel;        /* first index in a velocity, as in the skeleton */
    int qpos, qvel; /* first index in mjData.qpos, mjData.qvel */
    double kp;      /* N·m/rad */
    double kd;      /* N·m·s/rad, = kp / 10 s */
    double limit;   /* N·m, on the Euclidean norm of the whole PD torque of the joint */
    double weight;  /* in the imitation reward, Σ over the body = 1 (the root has one too) */
} ami_joint;

typedef struct ami_character_def {
    const char *path;    /* MJCF file; NULL: humanoid.xml of amble's assets */
    double physics_hz;   /* physics steps per second (120) */
    bool self_collision; /* false (default): bodies collide with the floor only */
} ami_character_def;

typedef struct ami_character {
    mjModel *model;
    mjModel *colliding;           /* the same with self_collision, for ami_world_collide */
    int body[AMI_BODIES];         /* MuJoCo body ids */
    ami_joint joint[AMI_BODIES];  /* [AMI_ROOT] is the free joint: width 0, pose 3, vel 3 */
    ami_skeleton skeleton;        /* the model's tree and lengths, without physics */
    int floor_geom;               /* MuJoCo geom id of the plane */
    const signed char *geom_body; /* (ngeom) index of the geom's body, -1 for geoms of the world */
    double mass;                  /* kg, whole body */
    double timestep;              /* s, of one physics step */
    int state_size;               /* numbers that ami_world_save writes */
} ami_character;

ami_character_def ami_character_default_def(void);

/* Compiles the MJCF file, finds every body and joint by name and sets the damping of stable PD, kd +
 * kp·timestep (derived in sim/world.h). NULL and a sentence if the file is missing, does not compile or
 * describes another body. */
ami_character *ami_character_create(const ami_character_def *def, ami_error *err);
void ami_character_destroy(ami_character *character); /* NULL is fine */

/* A pose and a velocity (motion/clip.h) as MuJoCo's positions qpos (nq) and velocities qvel (nv), and back.
 */
void ami_pose_to_qpos(const ami_character *character, const double pose[AMI_POSE], double *qpos);
void ami_vel_to_qvel(const ami_character *character, const double vel[AMI_VEL], double *qvel);
void ami_pose_of_qpos(const ami_character *character, const double *qpos, double pose[AMI_POSE]);
void ami_vel_of_qvel(const ami_character *character, const double *qvel, double vel[AMI_VEL]);

#endif
